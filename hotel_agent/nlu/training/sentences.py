"""The sentences that the model learns from, and the hash that ties a model file to them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from hotel_agent.nlu.lexicons import LANGUAGES

_HERE = Path(__file__).parent
_ENGINE = _HERE.parent
FOLDER = _ENGINE / "sentences"
_LISTS = ("abbreviations", "en", "es", "grammar", "pt", "words")
_READ_BY = (
    *(f"lexicon/{name}.toml" for name in _LISTS),
    *(f"{name}.py" for name in ("encoder", "features", "head", "lexicons", "numbers", "phrases", "text", "typos")),
)
VARIETIES = {"es": ("es", "mx", "co", "ar"), "en": ("uk", "us", "l2"), "pt": ("br", "pt")}
STYLES = ("clean", "noisy")


@dataclass(frozen=True)
class Sentence:
    """One line of `sentences/<language>/<intent>.tsv`; `place` tells neighbours, which may resemble each other."""

    language: str
    variety: str
    style: str
    intents: tuple[str, ...]
    text: str
    place: int


class BadSentence(ValueError):
    """The message names file and line and says what is wrong."""


def sentences(folder: Path = FOLDER) -> tuple[Sentence, ...]:
    """Every sentence, in the order of languages, files and lines."""
    found: list[Sentence] = []
    for language in LANGUAGES:
        files = sorted((folder / language).glob("*.tsv"))
        known = {file.stem for file in files}
        for file in files:
            found += _read(file, language, known)
    return tuple(found)


def _read(file: Path, language: str, known: set[str]) -> Iterator[Sentence]:
    for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
        columns = line.split("\t")
        where = f"{file.parent.name}/{file.name}:{number}"
        if len(columns) != 4:
            raise BadSentence(f"{where}: four columns are needed, divided by tabs")
        variety, style, labels, text = columns
        intents = tuple(labels.split())
        if variety not in VARIETIES[language]:
            raise BadSentence(f"{where}: {variety!r} is none of {', '.join(VARIETIES[language])}")
        if style not in STYLES:
            raise BadSentence(f"{where}: {style!r} is neither clean nor noisy")
        if not intents or intents[0] != file.stem or not known.issuperset(intents):
            raise BadSentence(f"{where}: {labels!r} must begin with {file.stem} and name intents only")
        if not text.strip():
            raise BadSentence(f"{where}: there is no text")
        yield Sentence(language, variety, style, intents, text, number)


def fingerprint() -> str:
    """The hash of all that a model depends on: sentences, word lists, how a text is read, and how it is learnt from."""
    sources = [*sorted(FOLDER.rglob("*.tsv")), *(_ENGINE / name for name in _READ_BY), *sorted(_HERE.glob("*.py"))]
    digest = hashlib.sha256()
    for source in sources:
        digest.update(f"{source.name}\n".encode())
        digest.update(source.read_bytes())
    return digest.hexdigest()
