"""Card numbers are masked to their last four digits before anything is kept.

A card number is what has an issuer's prefix and length and a right Luhn digit, however it is spaced; whatever
else has many digits (phones, dates, booking codes) is left alone. In a webhook body only words are touched,
never ids, which would otherwise stop matching.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from hotel_agent.channels.whatsapp.json_body import read_json

# (lowest prefix, highest prefix, lengths)
_ISSUERS: tuple[tuple[str, str, frozenset[int]], ...] = (
    ("4", "4", frozenset({13, 16, 19})),  # Visa, and the Elo ranges 4011, 4389 and so on
    ("51", "55", frozenset({16})),  # Mastercard
    ("2221", "2720", frozenset({16})),
    ("34", "34", frozenset({15})),  # American Express
    ("37", "37", frozenset({15})),
    ("6011", "6011", frozenset(range(16, 20))),  # Discover
    ("644", "659", frozenset(range(16, 20))),
    ("300", "305", frozenset(range(14, 20))),  # Diners
    ("36", "36", frozenset(range(14, 20))),
    ("38", "39", frozenset(range(14, 20))),
    ("3528", "3589", frozenset(range(16, 20))),  # JCB
    ("62", "62", frozenset(range(16, 20))),  # UnionPay
    ("50", "50", frozenset(range(13, 20))),  # Maestro, Elo 5041, 5067, 509
    ("56", "58", frozenset(range(13, 20))),
    ("6304", "6304", frozenset(range(13, 20))),
    ("6390", "6390", frozenset(range(13, 20))),
    ("67", "67", frozenset(range(13, 20))),
    ("6362", "6363", frozenset({16})),  # Elo
    ("606282", "606282", frozenset({13, 16, 19})),  # Hipercard
    ("637", "637", frozenset({16})),
)
_ISSUERS_BY_DIGIT = {digit: [row for row in _ISSUERS if row[0][0] <= digit <= row[1][0]] for digit in "23456"}
_DOUBLED = str.maketrans("0123456789", "0246813579")  # the sum of the digits of the double
# German and Austrian mobiles written without "+" have 13 digits and begin like a Visa of the old length.
_MOBILES_OF_13 = ("4915", "4916", "4917", "436")
# When several lengths fit, the usual one: a security code after the number must not become its last digits.
_USUAL_LENGTHS = (16, 15, 19, 18, 17, 14, 13)

_DIGITS = re.compile(r"\d+")
_BETWEEN = re.compile("[\\s._·•\\-\u00ad\u200b-\u200f\u2010-\u2015\u2060\u2212\u20e3\ufe0f\ufeff]{1,4}")
_GLUED_REST = re.compile(r"(?:0[1-9]|1[0-2])\d\d(?:\d{3,4})?")

_GAP = r"[\s,;:.|/\-]{1,3}"
_EXPIRY = r"(?:(?:0?[1-9]|1[0-2])\s?[/.\-\s]\s?(?:20)?\d\d|(?:0[1-9]|1[0-2])\d\d)(?!\d)(?![/.\-]\d)"
_EXPIRY_WORD = r"(?:(?:exp|cad|ven|vto|v[aá]l|hasta|until|thru)[^\W\d]*[\s.:]{0,3})?"
_SECURITY_WORD = (
    r"(?:cvv2?|cvc2?|csc|security\s+code|c[oó]d(?:igo)?\.?\s+(?:de\s+)?(?:seguridad|seguran[cç]a))"
    r"(?:\s*[:=#\-]\s*|\s+(?:es|is|é|e)\s*:?\s+|\s*)"
)
_ANY_CODE_WORD = r"(?:c[oó]digo|code)(?:\s*[:=#\-]\s*|\s+(?:es|is|é|e)\s+|\s+)"
_CODE = r"\d{3,4}(?!\d)"
_AFTER_A_CARD = re.compile(
    rf"(?P<kept>\*{{4}} \d{{4}}){_GAP}(?:"
    rf"{_EXPIRY_WORD}{_EXPIRY}(?:{_GAP}(?:{_SECURITY_WORD}|{_ANY_CODE_WORD})?{_CODE}(?![/.\-]\d))?"
    rf"|\d{{3}}(?=\s*(?:$|[\n,;)])))",
    re.IGNORECASE,
)
_SECURITY_CODE = re.compile(rf"(?P<kept>\b{_SECURITY_WORD}){_CODE}", re.IGNORECASE)
_CODE_NEAR_A_CARD = re.compile(rf"(?P<kept>\b{_ANY_CODE_WORD}){_CODE}", re.IGNORECASE)
MASKED = re.compile(r"\*{4} \d{4}")

_ID_KEYS = frozenset(
    {"id", "ids", "wamid", "from", "to", "input", "timestamp", "time", "sha256", "url", "href", "link"}
    | {
        "payload",
        "hash",
        "type",
        "field",
        "object",
        "status",
        "code",
        "mime_type",
        "display_phone_number",
        "version",
    }
    | {"previous", "current", "sdp"}
)
_ID_ENDINGS = ("_id", "_ids", "_url", "_uri", "_token", "_hash", "_clid", "_timestamp", "_callback_data")
_ESCAPED = re.compile(r"\\u([0-9a-fA-F]{4})|\\([nrt])")


def mask_cards(text: str) -> str:
    """`text` with every card number as `**** 1111`, and expiry and security code next to one as `[..]`."""
    masked = _mask_numbers(text) if sum(map(str.isdecimal, text)) >= 13 else text
    if MASKED.search(masked):
        masked = _AFTER_A_CARD.sub(r"\g<kept> [..]", masked)
        masked = _CODE_NEAR_A_CARD.sub(r"\g<kept>[..]", masked)
    return _SECURITY_CODE.sub(r"\g<kept>[..]", masked)


def mask_cards_in(value: Any) -> Any:
    """A copy of a JSON value with the cards in its words masked; what stands under an id's key is kept."""
    return _masked(value, "")


def mask_cards_in_body(body: bytes) -> bytes:
    """A webhook body with the cards in its words masked; the very same bytes when there are none.

    What is not JSON is masked as text, without telling words from ids.
    """
    try:
        value = read_json(body)
    except ValueError:
        return _mask_raw(body)
    masked = mask_cards_in(value)
    return body if masked == value else json.dumps(masked, separators=(",", ":")).encode("ascii")


@dataclass(frozen=True)
class _Group:
    """Digits that stand together, and where."""

    start: int
    end: int
    digits: str


def _mask_numbers(text: str) -> str:
    pieces: list[str] = []
    position = 0
    for card in _cards(text):
        pieces += [text[position : card.start], "**** ", card.digits[-4:]]
        position = card.end
    return "".join(pieces) + text[position:]


def _cards(text: str) -> Iterator[_Group]:
    for chain in _chains(text):
        international = text.endswith("+", 0, chain[0].start)
        given = 0
        start = 0
        found: _Group | None = None
        while start < len(chain):
            card = _card_at(chain, start, given if international else None)
            if card is not None:
                # The four digits that stay take part in what follows, as if the result were masked again.
                end, digits = card
                found = _Group(chain[start].start, chain[end].end, digits[-4:])
                chain[end] = found
                start, international = end, False
                continue
            if chain[start] is found:
                yield found
            given += len(chain[start].digits)
            start += 1


def _chains(text: str) -> Iterator[list[_Group]]:
    """Digit groups with nothing but a separator between them."""
    chain: list[_Group] = []
    for run in _DIGITS.finditer(text):
        if chain and not _BETWEEN.fullmatch(text, chain[-1].end, run.start()):
            yield chain
            chain = []
        if text.endswith("waid=", 0, run.start()):
            continue  # A contact card (vCard) carries the WhatsApp id of its phone like this.
        chain.append(_Group(run.start(), run.end(), "".join(str(int(digit)) for digit in run[0])))
    if chain:
        yield chain


def _card_at(chain: list[_Group], start: int, after_plus: int | None) -> tuple[int, str] | None:
    """The card number that begins with the group at `start`: the index of its last group, and its digits.

    `after_plus` counts the digits between a "+" and `start`: up to 15 digits after a "+" are a phone (E.164).
    """
    ends: dict[int, int] = {}
    digits = ""
    for end in range(start, len(chain)):
        digits += chain[end].digits
        if len(digits) > 19:
            break
        ends[len(digits)] = end
    lengths = []
    for length in _USUAL_LENGTHS:
        if length not in ends or (after_plus is not None and after_plus + length <= 15):
            continue
        sizes = [len(group.digits) for group in chain[start : ends[length] + 1]]
        if _is_card(digits[:length]) and _grouped_like_a_card(sizes, digits):
            lengths.append(length)
    if lengths:
        # The longest goes, so that no digit is left over; what stays is taken from the usual one.
        return ends[max(lengths)], digits[: lengths[0]]
    glued = _card_before_more(chain[start].digits)
    return (start, glued) if glued else None


def _is_card(digits: str) -> bool:
    issued = any(
        len(digits) in lengths and low <= digits[: len(low)] <= high
        for low, high, lengths in _ISSUERS_BY_DIGIT.get(digits[0], ())
    )
    mobile = len(digits) == 13 and digits.startswith(_MOBILES_OF_13)
    return issued and not mobile and _luhn(digits)


def _luhn(digits: str) -> bool:
    doubled = digits[-2::-2].translate(_DOUBLED)
    return (sum(map(int, doubled)) + sum(map(int, digits[-1::-2]))) % 10 == 0


def _grouped_like_a_card(sizes: list[int], digits: str) -> bool:
    """Rules out what people write as several numbers: two phones of nine digits, short numbers in a row."""
    if sum(sizes) == 18 and len(sizes) > 1 and max(sizes) > 1 and digits[9] in "6789":
        halves = {sum(sizes[:count]) for count in range(1, len(sizes))}
        return 9 not in halves
    return sum(sizes) >= 16 or len(set(sizes[:-1])) <= 1 or min(sizes[:-1]) >= 3


def _card_before_more(digits: str) -> str | None:
    """The first card in a run too long for one: glued to its expiry and security code, or to other cards."""
    if not 20 <= len(digits) <= 80:
        return None
    for length in _USUAL_LENGTHS:
        card, rest = digits[:length], digits[length:]
        if _is_card(card) and (_GLUED_REST.fullmatch(rest) or _is_card(rest) or _card_before_more(rest)):
            return card
    return None


def _masked(value: Any, key: str) -> Any:
    if isinstance(value, dict):
        return {mask_cards(name): _masked_member(value, name) for name in value}
    if isinstance(value, list):
        return [_masked(item, key) for item in value]
    if _names_an_id(key) or isinstance(value, bool):
        return value
    return _masked_word(value)


def _masked_member(whole: Mapping[str, Any], key: str) -> Any:
    value = whole[key]
    if key == "response_json" and isinstance(value, str):
        return _masked_answers(value)
    if key == "phone" and _only_digits(value) and _only_digits(value) == _only_digits(whole.get("wa_id")):
        return value  # A contact card whose phone WhatsApp itself knows.
    return _masked(value, key)


def _masked_answers(answers: str) -> str:
    """The answers of a Flow: JSON inside a string. Its keys are the hotel's, so that any may hold words."""
    try:
        value = read_json(answers.encode("utf-8", "replace"))
    except ValueError:
        return mask_cards(answers)
    masked = _masked_answer(value)
    return answers if masked == value else json.dumps(masked, ensure_ascii=False)


def _masked_answer(value: Any) -> Any:
    if isinstance(value, dict):
        return {mask_cards(key): item if key == "flow_token" else _masked_answer(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_masked_answer(item) for item in value]
    return _masked_word(value)


def _masked_word(value: Any) -> Any:
    if isinstance(value, str):
        return mask_cards(value)
    if isinstance(value, int) and not isinstance(value, bool):
        digits = str(value)
        masked = mask_cards(digits)
        return value if masked == digits else masked
    return value


def _names_an_id(key: str) -> bool:
    return key in _ID_KEYS or key.endswith(_ID_ENDINGS)


def _only_digits(value: Any) -> str:
    return "".join(filter(str.isdecimal, value)) if isinstance(value, str) else ""


def _mask_raw(body: bytes) -> bytes:
    text = body.decode("utf-8", "surrogateescape")
    readable = _ESCAPED.sub(_unescaped, text)
    masked = mask_cards(readable)
    return body if masked == readable else masked.encode("utf-8", "surrogateescape")


def _unescaped(escape: re.Match[str]) -> str:
    """A JSON escape as its character, as far as it can stand between or for digits."""
    character = chr(int(escape[1], 16)) if escape[1] else " "
    return character if character.isdecimal() or _BETWEEN.fullmatch(character) else escape[0]
