"""What makes a password good enough: NIST SP 800-63B-4, section 3.1.1.2. Length counts, and not being guessed first.

There are no rules of composition, no expiry, and every character of Unicode is welcome.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from pathlib import Path

from flask_babel import gettext as _

from hotel_agent.config import settings
from hotel_agent.errors import BadInput

# Where a code is needed as well, the password may be shorter.
WITH_CODE = 8
LONGEST = 256
LONGEST_TYPED = 1000
SERVICE = ("hotel", "agent", "agente", "whatsapp", "recepcion", "reception", "recepcao")
# What fingers and heads run along.
ROWS = ("abcdefghijklmnopqrstuvwxyz", "01234567890", "qwertyuiop", "asdfghjklñ", "zxcvbnm", "qazwsxedcrfvtgbyhnujmik")
LEET = str.maketrans("013457@$!", "oieastasi")
FIGURES_AND_SIGNS = re.compile(r"[!-@\[-`{-~]")
LONGEST_UNIT = 4
PREDICTABLE = 0.7
COMMON = Path(__file__).with_name("common_passwords.txt")


def normal(password: str) -> str:
    """The same password however a keyboard composes it. What is longer than any password is cut."""
    return unicodedata.normalize("NFKC", password[:LONGEST_TYPED].encode("utf-8", "replace").decode())


def shortest(*, has_code: bool) -> int:
    return min(WITH_CODE, settings().password_length) if has_code else settings().password_length


def check(password: str, *, has_code: bool = False, about: Iterable[str] = ()) -> None:
    """Raises BadInput with what is wrong. `about` are the names that others would try: the person's, the hotel's."""
    least = shortest(has_code=has_code)
    if len(password) < least:
        raise BadInput("password", _("A password has at least %(least)s characters.", least=least))
    if len(password) > LONGEST:
        raise BadInput("password", _("A password has at most %(most)s characters.", most=LONGEST))
    folded = _folded(password)
    if not _is_varied(folded):
        raise BadInput("password", _("This repeats or counts up characters; it would be guessed at once."))
    if _is_common(folded):
        raise BadInput("password", _("This is among the passwords that are tried first. Choose another one."))
    if _is_made_of(folded, {*SERVICE, *_words(about)}):
        raise BadInput("password", _("This is made of your name, your address or the hotel's. Choose another one."))


def _folded(text: str) -> str:
    """Without accents, case and spaces."""
    plain = unicodedata.normalize("NFKD", text).casefold()
    return "".join(letter for letter in plain if not unicodedata.combining(letter) and not letter.isspace())


def _is_varied(folded: str) -> bool:
    if any(folded == _repeated(folded, size) for size in range(1, LONGEST_UNIT + 1)):
        return False
    steps = list(pairwise(folded))
    return sum(step in _known_steps() for step in steps) < PREDICTABLE * len(steps)


def _repeated(folded: str, size: int) -> str:
    unit = folded[:size]
    return (unit * (len(folded) // size + 1))[: len(folded)]


@lru_cache
def _known_steps() -> frozenset[tuple[str, str]]:
    """One character after another that nobody has to think about."""
    there = {step for row in ROWS for step in pairwise(row)}
    back = {(last, first) for first, last in there}
    return frozenset(there | back | {(letter, letter) for row in ROWS for letter in row})


def _is_common(folded: str) -> bool:
    """Also when it is written twice over."""
    sizes = range(LONGEST_UNIT, len(folded) + 1)
    return any(_repeated(folded, size) == folded and _is_listed(folded[:size]) for size in sizes)


def _is_listed(folded: str) -> bool:
    """A word (with 0 for o, too) with up to two endings."""
    listed = common()
    return any(
        (folded[:place] in listed.words or folded[:place].translate(LEET) in listed.words)
        and _are_endings(folded[place:], listed.endings)
        for place in range(3, len(folded) + 1)
    )


def _are_endings(rest: str, endings: frozenset[str]) -> bool:
    return (
        not rest
        or rest in endings
        or any(rest[:place] in endings and rest[place:] in endings for place in range(1, len(rest)))
    )


@dataclass(frozen=True)
class Common:
    """What is tried first: `words`, alone or with `endings`."""

    words: frozenset[str]
    endings: frozenset[str]


@lru_cache
def common() -> Common:
    kinds: dict[str, set[str]] = {"word:": set(), "ending:": set()}
    for line in COMMON.read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            kind, *values = line.split()
            kinds[kind].update(_folded(value) for value in values)
    return Common(*(frozenset(values) for values in kinds.values()))


def _is_made_of(folded: str, words: set[str]) -> bool:
    """Whether these words are in it and next to nothing is left without them, figures and signs aside."""
    left = folded
    for word in sorted(words, key=len, reverse=True):
        left = left.replace(word, "")
    return left != folded and len(FIGURES_AND_SIGNS.sub("", left)) <= 2


def _words(names: Iterable[str]) -> set[str]:
    """Miramar and hotelmiramar of "Hotel Miramar"; ana, miramar and example of ana@miramar.example."""
    found = set()
    for name in names:
        found.add(_folded(name))
        found.update(_folded(part) for part in re.split(r"[\W_]+", name))
    return {word for word in found if len(word) >= 3}
