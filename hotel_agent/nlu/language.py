"""Which of the three languages a message is written in."""

from __future__ import annotations

import re
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
_ONLY_SPANISH = frozenset(["buen", "buenas", "buenos"])
_SWITCH_WORDS = 3


def detect(text: str, prior: str | None = None) -> str:
    """One of es, en, pt. Without clear evidence the prior stays; one
    or two words never switch away from it."""
    words = _WORD.findall(text[:600].lower())
    telling = [word for word in words if word not in _neutral()]
    evidence = _evidence(telling, text)
    best = max(evidence, key=lambda language: evidence[language])
    if prior is not None:
        return _held(prior, best, evidence, telling)
    if evidence[best] <= 0:
        return DEFAULT
    rivals = [language for language in LANGUAGES if evidence[language] >= evidence[best] - 0.01]
    return DEFAULT if DEFAULT in rivals else best


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
        evidence["es"] += plain in _ONLY_SPANISH
    for language, letters in _LETTERS.items():
        if letters.search(text.lower()):
            evidence[language] += 1.5
    # On one or two words the detector guesses; the words themselves know better.
    if len(telling) >= 3:
        for language, share in _lingua(" ".join(telling[:40])):
            evidence[language] += 1.2 * share
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
