import json
import re
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hotel_agent.channels.whatsapp.cards import mask_cards, mask_cards_in, mask_cards_in_body

VISA = "4111111111111111"


def with_luhn(digits: str) -> str:
    """`digits` and the digit that makes the sum right, computed in the plain schoolbook way."""
    for last in "0123456789":
        total = 0
        for place, digit in enumerate(reversed(digits + last)):
            value = int(digit) * (2 if place % 2 else 1)
            total += value - 9 if value > 9 else value
        if total % 10 == 0:
            return digits + last
    raise AssertionError


CARDS = [
    (VISA, "1111"),
    ("4222222222222", "2222"),
    ("5555555555554444", "4444"),
    ("2223003122003222", "3222"),
    ("378282246310005", "0005"),
    ("6011111111111117", "1117"),
    ("30569309025904", "5904"),
    ("3530111333300000", "0000"),
    ("6200000000000005", "0005"),
    (with_luhn("606282123456789"), None),
    (with_luhn("636297000045700"), None),
    (with_luhn("675964982643845"), None),
]


@pytest.mark.parametrize(("number", "last"), CARDS)
def test_a_card_keeps_its_last_four(number, last):
    assert mask_cards(f"mi tarjeta es {number}, gracias") == f"mi tarjeta es **** {last or number[-4:]}, gracias"


@pytest.mark.parametrize(
    "written",
    [
        "4111 1111 1111 1111",
        "4111-1111-1111-1111",
        "4111.1111.1111.1111",
        "4111\u00a01111\u00a01111\u00a01111",
        "4111\u200b1111\u200b1111\u200b1111",
        "4111\n1111\n1111\n1111",
        "4111 – 1111 – 1111 – 1111",
        "4 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1",
        "41 11 11 11 11 11 11 11",
        "４１１１１１１１１１１１１１１１",
        "٤١١١ ١١١١ ١١١١ ١١١١",
        "4️⃣" + " 1️⃣" * 15,
    ],
)
def test_however_it_is_spaced(written):
    masked = mask_cards(f"paga con {written} por favor")
    assert masked.startswith("paga con **** 1111")
    assert sum(map(str.isdecimal, masked)) == 4


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("4111 1111 1111 1111 12/27 123", "**** 1111 [..]"),
        ("4111 1111 1111 1111 exp 12/2027 cvc 999 gracias", "**** 1111 [..] gracias"),
        ("4111111111111111, 1227, 123", "**** 1111 [..]"),
        ("4111 1111 1111 1111 123", "**** 1111 [..]"),
        ("41111111111111111227123", "**** 1111"),
        ("4111 1111 1111 1111, código 1234", "**** 1111, código [..]"),
        ("cvv: 123", "cvv: [..]"),
        ("el código de seguridad es 1234", "el código de seguridad es [..]"),
        ("4111 1111 1111 1111 5555555555554444", "**** 1111 **** 4444"),
        ("41111111111111115555555555554444", "**** 1111"),
        ("12 4111 1111 1111 1111", "12 **** 1111"),
        ("+34 600 123 456 4111 1111 1111 1111", "+34 600 123 456 **** 1111"),
        ("*4111111111111111*", "***** 1111*"),
    ],
)
def test_what_stands_around_a_card(said, kept):
    assert mask_cards(said) == kept


@pytest.mark.parametrize(
    "said",
    [
        "+34 600 123 456",
        "+4915112345678",
        "4915112345670",
        "+5491112345678 o +521 55 1234 5678",
        "650 123 456 650 654 321",
        "del 24/12/2026 al 02/01/2027",
        "2026-12-24 2026-12-27",
        "MIR-7H2K9P",
        "código 1234",
        "habitación 4111, 2 noches",
        "4111111111111112",
        "1234567812345670",
        "A 4111 1111 1111 1111 le falta: 4111 1111 1111".replace("4111 1111 1111 1111 ", ""),
        "(40.782910, -73.959076)",
        "",
    ],
)
def test_other_numbers_stay(said):
    assert mask_cards(said) == said


def grouped(digits: str, sizes: list[int], separator: str) -> str:
    pieces, rest = [], digits
    for size in sizes:
        pieces.append(rest[:size])
        rest = rest[size:]
    return separator.join(filter(None, [*pieces, rest]))


PREFIXES = [("4", 16), ("4", 19), ("52", 16), ("2300", 16), ("37", 15), ("6011", 16), ("65", 18), ("38", 16)]
PREFIXES += [("3530", 16), ("62", 19), ("58", 16), ("67", 17), ("636297", 16), ("606282", 19)]


@st.composite
def card_numbers(draw):
    prefix, length = draw(st.sampled_from(PREFIXES))
    middle = draw(st.text("0123456789", min_size=length - 1 - len(prefix), max_size=length - 1 - len(prefix)))
    return with_luhn(prefix + middle)


@given(
    card_numbers(),
    st.sampled_from([[19], [4, 4, 4, 4], [4, 6, 5], [8, 8], [1] * 18, [6]]),
    st.sampled_from([" ", "-", ".", "\u00a0", "\n", "", "  "]),
    st.text("hola, cuál 12\n:", max_size=12),
    st.sampled_from(["", ", gracias", " y mañana", "\nMarta", " 12/27 123", "!"]),
)
def test_no_card_survives(number, sizes, separator, before, after):
    said = f"{before} tarjeta {grouped(number, sizes, separator)}{after}"
    digits = "".join(filter(str.isdecimal, mask_cards(said).split("tarjeta")[1]))
    assert number[:-4] not in digits
    assert len(digits) <= 4


@given(st.text(st.sampled_from("0123456789 4415.-/*[]+cvvódigo\n\u00a0"), max_size=120))
def test_masking_twice_changes_nothing_more(said):
    once = mask_cards(said)
    assert mask_cards(once) == once


@given(st.lists(card_numbers(), min_size=1, max_size=4), st.sampled_from([" ", "\n", "-", ", ", ""]))
def test_cards_in_a_row_are_masked_for_good(numbers, separator):
    once = mask_cards(separator.join(numbers))
    assert mask_cards(once) == once
    assert not re.search(r"\d{13}", once)


@given(st.text())
def test_any_text_is_taken(said):
    assert mask_cards(mask_cards(said)) == mask_cards(said)


def test_a_long_text_takes_no_long_time():
    began = time.monotonic()
    for said in ("4 " * 20_000, "1" * 200_000, "4111 1111 1111 1111 " * 1_000, "**** 1111 " * 4_000):
        mask_cards(said)
    assert time.monotonic() - began < 10


def message(**content):
    return {"from": VISA, "from_user_id": VISA, "id": VISA, "timestamp": VISA, **content}


def test_words_are_masked_and_ids_are_not():
    value: dict[str, Any] = {
        "metadata": {"phone_number_id": VISA, "display_phone_number": VISA},
        "contacts": [{"wa_id": VISA, "user_id": VISA, "profile": {"name": f"Marta {VISA}"}}],
        "messages": [
            message(text={"body": f"es {VISA}"}),
            message(image={"id": VISA, "sha256": VISA, "url": f"https://x/{VISA}", "caption": VISA}),
            message(document={"filename": f"{VISA}.pdf"}),
            message(interactive={"button_reply": {"id": VISA, "title": VISA}}),
            message(button={"payload": VISA, "text": VISA}),
            message(referral={"source_id": VISA, "ctwa_clid": VISA, "headline": VISA, "body": VISA}),
            message(context={"id": VISA}, reaction={"message_id": VISA, "emoji": "👍"}),
            message(order={"catalog_id": VISA, "text": VISA}),
            message(text={"body": int(VISA)}),
        ],
        "statuses": [{"id": VISA, "recipient_id": VISA, "biz_opaque_callback_data": VISA}],
    }
    masked = mask_cards_in(value)
    last = "**** 1111"
    assert masked["metadata"] == value["metadata"]
    assert masked["statuses"] == value["statuses"]
    assert masked["contacts"] == [{"wa_id": VISA, "user_id": VISA, "profile": {"name": f"Marta {last}"}}]
    text, image, document, interactive, button, referral, reaction, order, number = masked["messages"]
    assert all(one[key] == VISA for one in masked["messages"] for key in ("id", "from", "from_user_id"))
    assert text["text"]["body"] == f"es {last}"
    assert image["image"] == {"id": VISA, "sha256": VISA, "url": f"https://x/{VISA}", "caption": last}
    assert document["document"]["filename"] == f"{last}.pdf"
    assert interactive["interactive"]["button_reply"] == {"id": VISA, "title": last}
    assert button["button"] == {"payload": VISA, "text": last}
    assert referral["referral"] == {"source_id": VISA, "ctwa_clid": VISA, "headline": last, "body": last}
    assert reaction == value["messages"][6]
    assert order["order"] == {"catalog_id": VISA, "text": last}
    assert number["text"]["body"] == last


def test_a_contact_card_keeps_phones_that_whatsapp_knows():
    known = {"phone": "4222 222 222 222", "wa_id": "4222222222222"}
    assert mask_cards_in({"phones": [known, {"phone": VISA}]}) == {"phones": [known, {"phone": "**** 1111"}]}


@pytest.mark.parametrize("answers", [f'{{"card": {VISA}}}', f'{{"card_id": "{VISA}"}}', f"{{broken {VISA}"])
def test_the_answers_of_a_flow_are_masked_inside_their_text(answers):
    masked = mask_cards_in({"response_json": answers})["response_json"]
    assert VISA not in masked
    assert "**** 1111" in masked


def test_a_body_without_cards_keeps_every_byte(corpus, every_type):
    for body in [every_type, *corpus.values(), b"", b"\xff\xfe\x00", b'{"a": "\\u00e1\\/"}']:
        assert mask_cards_in_body(body) == body


def test_a_body_is_masked_as_meta_writes_it():
    body = json.dumps({"text": {"body": f"¿{VISA}?"}, "id": VISA}).encode()
    assert mask_cards_in_body(body) == b'{"text":{"body":"\\u00bf**** 1111?"},"id":"4111111111111111"}'


@pytest.mark.parametrize(
    "body",
    [
        b'{"text": "4111 1111 1111 1111',
        b'\xff "4111\\u00a01111\\u00a01111\\u00a01111',
        b"[" * 5000 + b'"4111\xc2\xa01111\xc2\xa01111\xc2\xa01111"',
        b'{"text": "4111111111111111", "x": NaN}',
    ],
)
def test_what_is_not_json_is_masked_as_text(body):
    masked = mask_cards_in_body(body)
    assert b"**** 1111" in masked
    assert mask_cards_in_body(masked) == masked
    assert masked[:1] == body[:1]
