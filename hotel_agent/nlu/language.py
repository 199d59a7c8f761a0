"""Which of the three languages a message is written in."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache, lru_cache

from lingua import Language, LanguageDetector, LanguageDetectorBuilder

from hotel_agent.nlu.lexicons import LANGUAGES, lexicon
from hotel_agent.nlu.text import fold

DEFAULT = "es"
_ISO = {Language.SPANISH: "es", Language.ENGLISH: "en", Language.PORTUGUESE: "pt"}
_WORD = re.compile(r"[^\W\d_]+")
# Letters that only one of the three writes.
_LETTERS = {"es": re.compile("[ñ¿¡]"), "pt": re.compile("[ãõç]|[âêô]")}
# "Buen día": its second word is Portuguese as well.
_ONLY_SPANISH = frozenset(["buen", "buenas", "buenos", "apellido", "apellidos"])
# "Os esperamos": the word lists have it as Portuguese alone.
_SPANISH_TOO = frozenset(["os"])
# "Tenéis", "preocupáis", but for these.
_OF_VOSOTROS = re.compile(r"\w+[áé]is")
_PORTUGUESE_PLURALS = frozenset("hotéis papéis anéis pastéis fiéis móveis".split())
# Of which a first message may consist: "confirmed?".
_ONLY_ENGLISH = frozenset(["confirmed", "cancelled", "booked", "password", "pets", "time"])
# Those that are written in only one of the three.
_MONTHS = {
    "es": frozenset("enero febrero marzo mayo junio septiembre setiembre octubre noviembre diciembre".split()),
    "en": frozenset("january february april june july august september october november december".split()),
    "pt": frozenset("janeiro fevereiro marco maio junho setembro outubro novembro dezembro".split()),
}
_SWITCH_WORDS = 3
_FEW_WORDS = 4
# Of two words that no list has the detector has to be so sure.
_SURE_OF_TWO = 0.8
_UNCLEAR, _ALIKE = 0.5, 0.01


def detect(text: str, prior: str | None = None, presumed: Sequence[str] = ()) -> str:
    """One of es, en, pt. Without clear evidence the prior stays; one or two words never switch away from it.

    Where there is no prior and the words do not tell, it is the first of `presumed` that they may be in.
    """
    words = _WORD.findall(text[:600].lower())
    telling = [word for word in words if word not in _neutral()]
    evidence = _evidence(telling, text)
    best = max(evidence, key=lambda language: evidence[language])
    if prior is not None:
        return _held(prior, best, evidence, telling)
    likely = [*(language for language in presumed if language in LANGUAGES), DEFAULT]
    if evidence[best] <= 0:
        return likely[0]
    # Of a few words most are the same in Spanish and Portuguese, or nearly.
    margin = _UNCLEAR if len(telling) <= _FEW_WORDS else _ALIKE
    rivals = [one for one in LANGUAGES if evidence[one] > 0 and evidence[one] >= evidence[best] - margin]
    return next((language for language in likely if language in rivals), best)


def _held(prior: str, best: str, evidence: dict[str, float], telling: list[str]) -> str:
    if best == prior or len(telling) < _SWITCH_WORDS:
        return prior
    lead = evidence[best] - evidence[prior]
    return best if lead >= (1.5 if len(telling) >= 4 else 2.0) else prior


def _evidence(telling: list[str], text: str) -> dict[str, float]:
    own = _own_words()
    evidence = dict.fromkeys(LANGUAGES, 0.0)
    for word in telling[:60]:
        plain = fold(word)
        for language in LANGUAGES:
            evidence[language] += own[language].get(plain, 0.0)
        evidence["es"] += plain in _ONLY_SPANISH or plain in _SPANISH_TOO
        evidence["es"] += bool(_OF_VOSOTROS.fullmatch(word)) and word not in _PORTUGUESE_PLURALS
        evidence["en"] += plain in _ONLY_ENGLISH
    for word in _WORD.findall(text[:600].lower()):
        for language, months in _MONTHS.items():
            evidence[language] += fold(word) in months
    for language, letters in _LETTERS.items():
        if letters.search(text.lower()):
            evidence[language] += 1.5
    # On one or two words the detector guesses; the words themselves know better.
    if len(telling) >= 3:
        for language, share in _lingua(" ".join(telling[:40])):
            evidence[language] += 1.2 * share
    elif len(telling) == 2 and not any(evidence.values()):
        for language, share in _lingua(" ".join(telling)):
            evidence[language] += share >= _SURE_OF_TWO
    return evidence


@cache
def _own_words() -> dict[str, dict[str, float]]:
    """Everyday words by language, with weight: 1 when no other of the three has the word."""
    lists = {language: set(lexicon("words")["language"][language].split()) for language in LANGUAGES}
    return {
        language: {
            word: 1.0 if sum(word in words for words in lists.values()) == 1 else 0.2 for word in lists[language]
        }
        for language in LANGUAGES
    }


@cache
def _neutral() -> frozenset[str]:
    return frozenset(lexicon("words")["neutral"].split())


@cache
def _detector() -> LanguageDetector:
    builder = LanguageDetectorBuilder.from_languages(*_ISO)
    return builder.with_low_accuracy_mode().with_preloaded_language_models().build()


@lru_cache(maxsize=2_000)
def _lingua(text: str) -> tuple[tuple[str, float], ...]:
    return tuple((_ISO[value.language], value.value) for value in _detector().compute_language_confidence_values(text))
