"""The room a guest asks for, in the hotel's own codes where they can be told, and a choice from a list."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache

from hotel_agent.nlu.text import fold

GENERIC = {
    "single": "individual individuales single singles sencilla sencillas simple simples unipersonal solteiro",
    "double": "doble dobles double doubles matrimonial matrimoniales matrimonio "
    "duplo duplos dupla duplas casal queen king",
    "twin": "twin twins",
    "triple": "triple triples triplo triplos tripla triplas",
    "family": "familiar familiares cuadruple cuadruples quadruplo quadrupla quadruple",
    "suite": "suite suites",
}
LETTERS = 3  # A code with fewer is no word.
_ROOM = (
    r"(?:habitacion|habitaciones|cuarto|cuartos|pieza|piezas|room|rooms|quarto|quartos|hab|apartamento"
    r"|apto)"
)
_PHRASES = (
    (
        "twin",
        re.compile(
            r"\b(?:2|dos) camas(?: (?:separadas|individuales|simples|sencillas|twin))?\b"
            r"|\bcamas (?:separadas|individuales|gemelas)\b|\b(?:2|twin|separate) (?:single |separate "
            r"|twin )?beds\b|\b2 camas de solteiro\b|\bcamas de solteiro\b"
        ),
    ),
    (
        "double",
        re.compile(
            rf"\bcama (?:doble|matrimonial|de matrimonio|grande|king|queen|de casal)\b|\b(?:double|king"
            rf"|queen|king size|queen size) bed\b|\b(?:king|queen)[- ]?size\b|\b{_ROOM} (?:de|para|p"
            rf"|for a) (?:casal|matrimonio|pareja|couple)\b"
            r"|\b(?:o|um|uma|a|la|una|el) de (?:casal|matrimonio)\b"
        ),
    ),
    (
        "single",
        re.compile(
            rf"\b{_ROOM} (?:para|for|pra) (?:una persona|1 persona|one person|1 person|1 pessoa|uma pessoa"
            rf"|uno solo)\b|\bcama de solteiro\b|\bsingle bed\b|\bquarto de solteiro\b"
        ),
    ),
    (
        "family",
        re.compile(
            r"\bfamily (?:room|rooms|suite|bedroom|one|option)\b|\b(?:la|el|a|o) (?:de|para) familias?\b"
            rf"|\b{_ROOM} (?:para )?(?:de |da )?(?:la )?(?:familia"
            rf"|family)\b|\bquarto familia\b"
        ),
    ),
)
_NOT_A_ROOM = re.compile(
    r"\bdouble[- ](?:check|charged?|booked|booking)|\b(?:hotel|ambiente|plan|plano|desconto"
    r"|descuento) familiar|\ben[- ]suite|\bhorario simple|\b(?:um|somos|como) casal\b"
    r"|(?<!quarto de )(?<!cama de )\bcasal (?:com|de (?!quarto))|"
    r"\b(?:pregunta|duda|algo|muy|mas|es|it is|super) (?:simple|sencilla)|\bes doble\b|\bdoble (?:click"
    r"|check)|\bking (?:street|road)|\bhomem solteiro|\bsou solteiro|\bun matrimonio|\bsomos matrimonio"
)
_OR = re.compile(r"^[, ]*(?:o|or|ou|u)(?: (?:una|uma|a|un|si no|quiza))?[, ]*$")


def find_room_type(line: str, types: Mapping[str, tuple[str, ...]]) -> tuple[str | None, bool, list[tuple[int, int]]]:
    """(room type, whether two are named, where): a code of the hotel,
    or a generic name when it has none such."""
    readable = _NOT_A_ROOM.sub(lambda m: "_" * len(m.group()), line)
    found: list[tuple[int, int, str]] = []
    for generic, pattern in _PHRASES:
        for match in pattern.finditer(readable):
            found.append((match.start(), match.end(), resolved(generic, types)))
            readable = readable[: match.start()] + "_" * (match.end() - match.start()) + readable[match.end() :]
    for match in _words(tuple(sorted((code, tuple(words)) for code, words in types.items()))).finditer(readable):
        code = _meaning(match.group(), types)
        if code is not None:
            found.append((match.start(), match.end(), code))
    spans = [(start, end) for start, end, _ in found]
    kinds = {code for _, _, code in found}
    if len(kinds) == 1:
        return kinds.pop(), False, spans
    if len(kinds) > 1:
        corrected = _last_after_correction(line, sorted(found))
        return corrected, corrected is None, spans
    return None, False, []


_CORRECTION = re.compile(
    r"\b(?:mejor|perdon|digo|instead|rather|sorry|no|nao|por una|for a|to a|a una|para uma"
    r"|melhor|better)\b"
)


_INSTEAD_OF = re.compile(r"\b(?:en (?:lugar|vez) de|instead of|rather than|em vez d|no lugar d|y no|and not|e nao)")


def _last_after_correction(line: str, found: list[tuple[int, int, str]]) -> str | None:
    before, last = found[-2], found[-1]
    between = line[before[1] : last[0]]
    if _INSTEAD_OF.search(between):
        return before[2]
    return last[2] if _CORRECTION.search(between) and not _OR.match(between) else None


def resolved(generic: str, types: Mapping[str, tuple[str, ...]]) -> str:
    """The hotel's code for a generic kind of room, found through the words guests use for its types."""
    synonyms = set(GENERIC[generic].split()) | {generic}
    for code, words in types.items():
        if synonyms & {part for word in (code, *words) for part in fold(word).split()}:
            return code
    return generic


@lru_cache(maxsize=256)
def _words(types: tuple[tuple[str, tuple[str, ...]], ...]) -> re.Pattern[str]:
    own = {form for code, words in types for word in _spoken(code, words) for form in _forms(fold(word))}
    # "familia" or "family" alone speaks of people, not of a room.
    own -= {"familia", "familias", "family", "casal", "pareja", "couple", "matrimonio"}
    generic = {word for words in GENERIC.values() for word in words.split()} - {"casal", "matrimonio"}
    return re.compile(rf"\b(?:{'|'.join(re.escape(word) for word in sorted(own | generic, key=len, reverse=True))})\b")


def _meaning(word: str, types: Mapping[str, tuple[str, ...]]) -> str | None:
    for code, words in types.items():
        if any(word in _forms(fold(own)) for own in _spoken(code, words)):
            return code
    for generic, synonyms in GENERIC.items():
        if word in synonyms.split():
            return resolved(generic, types)
    return None


def _spoken(code: str, words: tuple[str, ...]) -> tuple[str, ...]:
    """What guests may call a kind of room. A PMS may number its kinds, and then "for 2" is no word for number 2."""
    return (code, *words) if sum(letter.isalpha() for letter in code) >= LETTERS else words


def _forms(word: str) -> tuple[str, ...]:
    return (word, word + "s", word + "es")


_PLACES = {
    1: r"primer[ao]?|1(?:ra|ro|era|er|a|o|st)|first|primeir[ao]",
    2: r"segund[ao]|2(?:da|do|a|o|nd)|second",
    3: r"tercer[ao]?|3(?:ra|ro|era|er|a|o|rd)|third|terceir[ao]",
    4: r"cuart[ao]|4(?:ta|to|a|o|th)|fourth|quart[ao]",
    5: r"quint[ao]|5(?:ta|to|a|o|th)|fifth",
}
_NOT_A_CHOICE = re.compile(
    r"\b(?:segunda|terca|quarta|quinta)[- ]feira|\bprimera vez|\bfirst time|\bprimeira vez"
    r"|\bquarto\b(?! op)|\bcuarto\b(?! op)|\b(?:primer|segundo|first|second|primeiro) (?:piso|floor"
    r"|andar|dia|day)|\bprimero? de\b"
)
_CHOICES = tuple(
    (
        place,
        re.compile(
            rf"\b(?:la|el|the|a|o|esa|essa|opcion|option|opcao|prefiero la"
            rf"|quiero la)? ?\b(?:{words})\b(?: (?:one|opcion|option|opcao|oferta|alternativa))?"
        ),
    )
    for place, words in _PLACES.items()
)
_NUMBERED = re.compile(
    r"(?<!\d )\b(?:opcion|option|opcao|la|the|a|numero|number|alternativa|oferta|n) ?(?:numero |n "
    r"|number )?#?(\d{1,2})\b(?! ?(?:de|del|al|noche|persona|habit))"
)
_LAST = re.compile(r"\b(?:la|el|the|a|o) (?:ultim[ao]|last)\b")


def find_choice(line: str, asked: bool) -> int | None:
    """Which of a list: 1 is the first, -1 the last. A bare number counts only when a choice was asked for."""
    numbered = _NUMBERED.search(line) if asked or re.search(r"\bop(?:cion|tion|cao)\b", line) else None
    if numbered and int(numbered[1]) > 0:
        return int(numbered[1])
    if asked:
        bare = re.fullmatch(
            r"\W*(?:la |el |the |a |o )?(\d{1,2})\W*(?:por favor|please|porfa|gracias|thanks|obrigado"
            r"|obrigada)?\W*",
            line,
        )
        if bare and int(bare[1]) > 0:
            return int(bare[1])
    readable = _NOT_A_CHOICE.sub(lambda m: "_" * len(m.group()), line)
    if not asked and not re.search(
        r"\bop(?:cion|tion|cao)|\b(?:first|second|third) one\b|^\W*(?:(?:no|nao|si|sim|yes|mejor|better|melhor"
        r"|perdon|sorry)\W+)?(?:la|a|the|el|quiero la|prefiero la"
        r"|me quedo con la) \w+\W*$",
        readable,
    ):
        return None
    for place, pattern in _CHOICES:
        if pattern.search(readable):
            return place
    return -1 if asked and _LAST.search(readable) else None
