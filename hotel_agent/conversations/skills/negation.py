"""Whether something that is named is what the guest does not want: "sin desayuno", "not a high floor"."""

from __future__ import annotations

import re

_TOKEN = re.compile(r"[\w']+|[.,;:!?()\n]")
_MOST_BETWEEN = 6
_NEGATORS = frozenset(
    "sin no not nao sem without excluding except excepto salvo exceto ni nem nor neither never nunca nada ningun"
    " ninguna"
    " nenhum nenhuma evitar evitad evite eviten avoid hate odio odiamos detesto cannot can't cant don't dont doesn't"
    " doesnt isn't isnt aren't arent wasn't won't wont wouldn't wouldnt didn't didnt needn't neednt haven't".split()
)
# In Portuguese "no" is "in the".
_NEGATORS_OF = {"pt": _NEGATORS - {"no"}}
# What begins a wish of its own: only a negation right before it is one of what follows.
_BEGINS = frozenset(
    "soy somos sou am i'm im are we're quiero queremos quiere quieren quisiera quisieramos want wants quero queremos"
    " querem prefiero preferimos prefiro preferimos prefer necesito necesitamos preciso precisamos need needs".split()
)
# What follows these is meant as it is said, whatever stands before them.
_STOPS = frozenset(
    "pero but mas con com with sino senao solo only just apenas incluyendo incluido including include incluindo"
    " problema"
    " problem inconveniente molestia worries mucho muito pedir duda duvida doubt yes si sim please porfa favor".split()
)
_ENDS = frozenset("pero but mas y e and gracias thanks obrigado obrigada por please porfa".split())


def is_refused(words: str, found: re.Match[str], language: str) -> bool:
    """Whether what was found in the folded words is named as not wanted."""
    negators = _NEGATORS_OF.get(language, _NEGATORS)
    within = set(_TOKEN.findall(found.group())[1:])  # "I am not vegan", found whole.
    return (
        bool(within & {"not", "nao"} or (within & {"no"} & negators))
        or _before(words[: found.start()], negators)
        or _after(words[found.end() :], negators)
    )


def _before(words: str, negators: frozenset[str]) -> bool:
    tokens = _TOKEN.findall(words)[::-1]
    for place, token in enumerate(tokens[:_MOST_BETWEEN]):
        before = tokens[place + 1] if place + 1 < len(tokens) else ""
        if token in negators:
            return not _asks_why_not(token, tokens[place + 1 : place + 3])
        if token in _BEGINS:
            return before in negators
        if token in _STOPS or not token[0].isalnum():
            return False
    return False


def _asks_why_not(token: str, before: list[str]) -> bool:
    """ "¿Por qué no una planta alta?", "why not a double bed"."""
    return token in ("no", "not", "nao") and (before[:1] in (["why"], ["porque"]) or before == ["que", "por"])


def _after(words: str, negators: frozenset[str]) -> bool:
    """ "El desayuno no, gracias"."""
    first, *rest = [*_TOKEN.findall(words)[:2], ""][:2]
    ends = not rest or not rest[0] or rest[0] in _ENDS or not rest[0][0].isalnum()
    return first in negators and first in ("no", "nao", "not") and ends and rest[:1] != ["?"]
