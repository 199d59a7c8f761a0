"""Names, e-mail addresses, telephone numbers and booking codes, found in the text as the guest wrote it."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from hotel_agent.nlu.text import fold

_EMAIL = re.compile(r"(?<![\w.+-])[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,4}")
_PHONE = re.compile(r"(?<![\w/.,-])(?:\+|00)? ?\(?\d[\d\s().-]{6,20}\d(?![\w/])")
_CODE_LETTERS = "23456789ABCDEFGHJKMNPQRSTVWXYZ"
_CODE = re.compile(rf"(?<![\w@.])([A-Za-z]{{3}})[ _-]?([{_CODE_LETTERS}{_CODE_LETTERS.lower()}]{{6}})(?![\w@])")
_CODE_TOLD = re.compile(
    r"\b(?:codigo|código|code|localizador|reserva|reservation|booking|confirmacion|confirmación"
    r"|confirmation|referencia|reference|ref|numero|número|nº|number|n°)\b",
    re.IGNORECASE,
)
# Other systems' codes: told by a word before, with a figure in them.
_FOREIGN_CODE = re.compile(
    r"(?<![\w@./,:-])(?=[A-Za-z-]*\d)(?:[A-Za-z]{1,4}[ -]?\d[\dA-Za-z]{3,8}|[A-Za-z\d]{2,6}-[A-Za-z\d]{2,8}"
    r"|\d{2,6}[A-Za-z][A-Za-z\d]{0,6}"
    r"|[A-Za-z]{1,6}\d[A-Za-z\d]{2,8}|\d[A-Za-z]+\d[A-Za-z\d]+|\d{5,12})(?![\w@/:-]|[.,]\d)"
)
_CODE_BEFORE = re.compile(
    r"\b(?:c[oó]d(?:igo)?|codes?|localizador|localizer|conf(?:irmation|irmaci[oó]n|irma[cç][aã]o)?|ref(?:erence"
    r"|erencia|er[eê]ncia)?|reserv\w*|rsv|rva|resa"
    r"|booking|bkg)\b(?:[^\w\n]+(?:n[uú]mero|number|n[ºo°r]{1,3}|num|code|c[oó]digo|de booking|booking|es|is|[eé]"
    r"|la|el|o|a|the|my|mi|minha|con|com|with|ref)\b)*"
    r"[^\w\n]{0,4}$|\b(?:cancel\w*|anul\w*|tengo|tenho)\b(?: \w+){0,2} (?:la|a|o|el|the) $",
    re.IGNORECASE,
)
_NO_CODE_BEFORE = re.compile(
    r"\b(?:cif|nif|dni|rfc|nit|cuit|vat|cpf|cnpj|passport|pasaporte|passaporte|vuelo|flight|voo|habitaci[oó]n|hab"
    r"|room|quarto|cuarto)\W+(?:\w+\W+)?$",
    re.IGNORECASE,
)
_LIKE_A_DATE = re.compile(
    r"\d{1,2}-\d{1,2}|\d{1,2}-?[A-Za-z]{3,}|[A-Za-z]{3,}-?\d{1,2}|\d{1,2}(?:al?|ao|to|[ap]m|hs?|pax|x|st|nd|rd|th"
    r"|n|p|d)\d*|(?:19|20)\d\d|\d+(?:eur|usd|rs)"
    r"|[A-Za-z]{1,4} \d{1,4}",
    re.IGNORECASE,
)
_CARD = re.compile(r"(?<!\d)(?:\d[ -]?){12,18}\d(?!\d)")
_URL = re.compile(r"https?://\S+|www\.\S+")
_PRICE = re.compile(
    r"(?:[$€£]|\b(?:usd|eur|cop|us\$|r\$)) ?\d[\d.,]*|\b\d[\d.,]* ?(?:€|\$|£|euros?\b|eur\b|usd\b"
    r"|dolares\b|dólares\b|dollars?\b|pesos\b|reais\b|pounds?\b|mil\b|cop\b|%|por ciento|percent)",
    re.IGNORECASE,
)
_ROOM_NUMBER = re.compile(
    r"\b(?:habitaci[oó]n|habit|hab\.?|room|quarto|cuarto|suite|apto|n[uú]mero|number|nro\.?|n[º°o]"
    r"|estoy en la|i am in|i'm in|we are in|estou no|estamos en la)"
    r"(?: (?:n[uú]mero|number|nro|num|n[º°o.]+|#))? ?#?(\d{3,4})\b",
    re.IGNORECASE,
)
_FLIGHT = re.compile(
    r"\b(?:vuelo|flight|voo|terminal|gate|piso|floor|andar|planta|mesa"
    r"|table)(?: n[º°uo]?\w*)? ?[A-Za-z]{0,2} ?\d{1,4}\b",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Contacts:
    email: str | None = None
    phone: str | None = None
    booking_code: str | None = None


def find_contacts(text: str, expected: str | None) -> tuple[Contacts, str]:
    """What identifies the guest, and the text without it, nor prices, room numbers and card numbers."""
    rest = text
    email = _EMAIL.search(rest)
    rest = _EMAIL.sub(_blot, rest)
    rest = _URL.sub(_blot, rest)
    code = _booking_code(rest, expected)
    if code is not None:
        rest = _blotted(rest, code)
    foreign = None if code is not None else _foreign_code(rest)
    if foreign is not None:
        rest = _blotted(rest, foreign)
    rest = _CARD.sub(_blot_unless_other, rest)
    phone = next((match for match in _PHONE.finditer(rest) if _is_phone(match.group())), None)
    if phone is not None:
        rest = _blotted(rest, phone)
    for pattern in (_PRICE, _ROOM_NUMBER, _FLIGHT):
        rest = pattern.sub(_blot_digits, rest)
    return (
        Contacts(
            email.group() if email else None,
            _e164(phone.group()) if phone else None,
            f"{code[1]}-{code[2]}".upper() if code else foreign.group() if foreign else None,
        ),
        rest,
    )


def _booking_code(text: str, expected: str | None) -> re.Match[str] | None:
    for match in _CODE.finditer(text):
        joined = match.group()
        # Nine letters may be plain words: a code has a dash, a figure, or is asked for.
        told = expected == "booking_code" or bool(_CODE_TOLD.search(text))
        figures = any(c.isdigit() for c in match[2])
        dash = joined[3] in "-_"
        if figures and (dash or told or joined.isupper() or joined[3] != " "):
            return match
        if dash and (told or joined.isupper()):
            return match
        if told and joined.isupper() and not text.isupper():
            return match
        if expected == "booking_code" and len(text.split()) <= 2:
            return match
    return None


def _foreign_code(text: str) -> re.Match[str] | None:
    """A code as another system writes it: RES-48213, HX7K2M, 4829103746."""
    for match in _FOREIGN_CODE.finditer(text):
        before = text[max(0, match.start() - 40) : match.start()]
        if (
            _CODE_BEFORE.search(before)
            and not _NO_CODE_BEFORE.search(before)
            and not _LIKE_A_DATE.fullmatch(match.group())
        ):
            return match
    return None


def _is_phone(text: str) -> bool:
    digits = re.sub(r"\D", "", text)
    if text.strip().startswith(("+", "00")):
        return 8 <= len(digits) <= 16
    # Without a prefix only a long number is one: 5-9, 20/12/2026 or 2 3 4 5 are not.
    longest = max(len(run) for run in re.findall(r"\d+", text))
    dates = re.search(r"\b20\d\d[-/.]|\b20\d\d\b|\d{1,2}[-./]\d{1,2}[-./]\d{2,4}", text)
    return 9 <= len(digits) <= 12 and longest >= 3 and not dates


def _e164(text: str) -> str:
    digits = re.sub(r"\D", "", text)
    if text.strip().startswith("+"):
        return f"+{digits}"
    return f"+{digits[2:]}" if digits.startswith("00") else digits


def _blot(match: re.Match[str]) -> str:
    return "_" * len(match.group())


def _blot_unless_other(match: re.Match[str]) -> str:
    """Blots out a card number, but neither a phone number with its prefix nor two ISO dates side by side."""
    before = match.string[max(0, match.start() - 2) : match.start()]
    other = "+" in before or match.group().startswith("00") or re.match(r"20\d\d-\d\d-\d\d", match.group())
    return match.group() if other else _blot(match)


def _blot_digits(match: re.Match[str]) -> str:
    return re.sub(r"\d", "_", match.group())


def _blotted(text: str, match: re.Match[str]) -> str:
    return text[: match.start()] + _blot(match) + text[match.end() :]


# --- names ---

_NAME_WORD = r"(?:[^\W\d_][^\W\d_]*(?:['’-][^\W\d_]+)*\.?)"
_NAME = rf"({_NAME_WORD}(?: {_NAME_WORD}){{0,5}})"
_INTRODUCED = re.compile(
    r"\b(?:me llamo|mi nombre es|mi nombre completo es|mi nombre|soy el señor|soy la señora"
    r"|soy el sr\.?|soy la sra\.?|a nombre de|al nombre de|a nom de|a nombre d|"
    r"el nombre es|nombre:|nombre completo:|my name is|my name's|my full name is|the name is"
    r"|under the name of|under the name|in the name of|name is|"
    r"booked under|reservation under|booking under|booking is under|under|name:|this is|me chamo"
    r"|meu nome é|meu nome e|meu nome eh|meu nome completo é|"
    r"em nome de|no nome de|em nome da|em nome do|no nome da|o nome é|nome:|aqui é o|aqui é a|sou o"
    r"|sou a|chamo-me|chamo me|aqui fala|daqui fala|fala o|fala a|quem fala é o|quem fala é a|les escribe|le escribe"
    r"|habla|les habla|le habla|soy|i am|i'm|it's under|its under|it's|its|name (?:of (?:the "
    r"|my )?\w+(?: [\w-]+)? )?to|sobrenome é|"
    r"mi apellido es|apellido:|apellido es|el apellido es|my surname is|surname is|surname:"
    r"|last name is|my last name is|last name:|sobrenome:|meu sobrenome é|sobrenome|apellido|surname|last name"
    r"|nombre|name|nome)"
    rf" ?:? ?{_NAME}",
    re.IGNORECASE,
)
_WEAK_INTRODUCTIONS = {"soy", "i am", "i'm", "it's", "its", "sou o", "sou a", "this is", "under", "habla", "mi nombre"}
_WEAK_INTRODUCTIONS |= {"nombre", "name", "nome"}
_PARTICLES = {
    "de",
    "del",
    "la",
    "las",
    "los",
    "da",
    "do",
    "dos",
    "das",
    "di",
    "van",
    "von",
    "der",
    "den",
    "y",
    "e",
    "san",
    "santa",
    "mc",
    "o",
}
# "Mohammed Al Sayed": part of a name when one goes on.
_ARABIC = {"al", "el", "bin", "ben", "abu"}
_ENDS_A_NAME = frozenset(
    "y and e con with com para for por del desde from al hasta to until "
    "el on in en em no na quiero quisiera queria necesito tengo i we my mi me meu minha "
    "una un a an the o os as gracias thanks obrigado obrigada please "
    "favor reserva reservation booking que is es esta estoy he hice por somos we're are "
    "codigo code telefono phone telefone telemovel celular tel email correo mail apellido "
    "surname pero but mas tambien also the not no yes si sim habitacion room quarto "
    "hotel buenas buenos hola hello hi tarde tardes dias noches was "
    "and my her his le les nos you te se um uma eu nos voces lo how cuando cuanto donde".split()
)
_NOT_NAMES = frozenset(
    "cliente huesped guest hospede alergico alergica celiaco celiaca "
    "vegetariano vegetariana vegano vegana yo eu me nuevo nueva here "
    "aqui fine bien ok looking interested coming "
    "arriving going planning writing trying traveling travelling not "
    "just still very so sorry happy sad really wondering staying calling "
    "asking a an the un una el la de "
    "mayor menor discapacitado residente local solo sola alone single "
    "married urgente urgent perfecto terrible unacceptable great good "
    "bad for about ridiculous what how all "
    "también tambien de otra otro turista español española colombiano "
    "colombiana argentino argentina mexicano mexicana ingles americano "
    "brasileiro brasileira uno one it my your their our "
    "his her another booking mi su tu las los 18 age construction renovation "
    "water dos tres that this there when where at in on "
    "hmm hm mm mmm ehm eh ah oh uh um umm nada nadie nobody ninguno nenhum".split()
)
_ASKED_ABOUT = {"name", "surname"}
_LONGEST_SHORT_FORM = 4  # "Mrs.", "Sra.": a dot that ends no sentence.


def find_name(text: str, expected: str | None, may_be_bare: bool) -> tuple[str | None, str | None]:
    """(name, surname): a name that is introduced, or a bare one when the guest was just asked for it."""
    said = unicodedata.normalize("NFC", " ".join(text[:400].split()))
    found: str | None = None
    for match in _INTRODUCED.finditer(said):
        cue = re.sub(r" ?:? ?$", "", match.group()[: match.start(1) - match.start()]).lower()
        name = _name_of(match[1], expected)
        weak = cue in _WEAK_INTRODUCTIONS and expected not in _ASKED_ABOUT
        if name and not (weak and not all(word[0].isupper() for word in name.split() if fold(word) not in _PARTICLES)):
            found = name
    if found is None and expected in _ASKED_ABOUT and may_be_bare:
        bare = re.fullmatch(
            rf"(?:es |a |it's |its |é |sí,? |si,? |yes,? |sim,? |claro,? )?{_NAME}[.,! ]*",
            said,
            re.IGNORECASE,
        )
        found = _name_of(bare[1], expected) if bare else None
    if found is None:
        return None, None
    if expected == "surname":
        return (found if " " in found else None), _surname(found)
    return found, None


def _name_of(words: str, expected: str | None) -> str | None:
    kept: list[str] = []
    spoken = words.split()
    for place, word in enumerate(spoken):
        plain = fold(word).strip(".")
        joins = plain in _PARTICLES or (
            plain in _ARABIC and spoken[place + 1 : place + 2] and spoken[place + 1][0].isupper()
        )
        surname = plain == "dias" and len(kept) >= 2 and word[0].isupper()
        if (
            plain in _ENDS_A_NAME
            and not surname
            and not (joins and (kept or expected == "surname" or plain in _ARABIC))
        ):
            break
        kept.append(word)
        if word.endswith(".") and len(word) > _LONGEST_SHORT_FORM:
            break  # The sentence is over.
    while kept and (fold(kept[-1]) in _PARTICLES or fold(kept[-1]) in _ENDS_A_NAME - {"dias"}):
        kept.pop()
    if not kept or len(kept) > 5 or (fold(kept[0]).strip(".") in _NOT_NAMES and expected != "surname"):
        return None
    return " ".join(kept).strip(" .,")


def _surname(name: str) -> str:
    words = name.split()
    if len(words) == 1 or fold(words[0]) in _PARTICLES:
        return name
    start = 1 if len(words) == 2 else len(words) - (2 if len(words) >= 3 else 1)
    while start > 1 and fold(words[start - 1]) in _PARTICLES:
        start -= 1
    return " ".join(words[start:])
