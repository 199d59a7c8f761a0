import copy
import json
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hotel_agent.channels.whatsapp.cards import mask_cards_in_body
from hotel_agent.channels.whatsapp.payload import (
    Contact,
    Location,
    UnreadableBody,
    canonical_phone,
    parse,
    same_phone,
)

# Corpus file: (kind, type, words that staff read, what was tapped, phone, scoped id)
CORPUS = {
    "001_text": ("answerable", "text", "phone and bsuid", None, "919700000257", "IN.2081978709342942"),
    "003_text": ("answerable", "text", "Hello!", None, "15559876543", None),
    "005_text": ("answerable", "text", "Does it come in another color?", None, None, "user.93737..."),
    "017_text-ctx": ("answerable", "text", "This is a reply", None, "16503071063", None),
    "023_text-ctx-fwd": ("answerable", "text", "MESSAGE_BODY", None, "16315551234", None),
    "027_text-referral": (
        "answerable",
        "text",
        "Hello nielekeze",
        None,
        "255700000302",
        "TZ.1040042605869930",
    ),
    "039_text-nofrom": ("answerable", "text", "bsuid only", None, None, "IN.2081978709342942"),
    "041_text-nofrom": ("answerable", "text", "MESSAGE_BODY", None, None, "BSUID_123"),
    "050_image": ("acknowledge", "image", "📷 image", None, "972987654321", "US.13491208655302741918"),
    "054_image": ("acknowledge", "image", "Check this out", None, "15551234567", None),
    "063_audio": ("acknowledge", "audio", "🎤 audio", None, "16505551234", None),
    "078_document-ctx-fwd": (
        *("acknowledge", "document", "📄 filename.pdf\ncaption", None, "972987654321"),
        "US.13491208655302741918",
    ),
    "081_sticker": ("acknowledge", "sticker", "[sticker]", None, None, "SENDER_PHONE_NUMBER"),
    "088_location-ctx": (
        *("answerable", "location"),
        "📍 Solomon R. Guggenheim Museum, 1071 5th Ave, New York, NY 10128 (40.782910, -73.959076)",
        *(None, "16505551234", None),
    ),
    "093_contacts": (
        *("acknowledge", "contacts", "👤 CONTACT_FORMATTED_NAME, CONTACT_PHONE, CONTACT_EMAIL", None),
        *(None, "PHONE_NUMBER"),
    ),
    "102_interactive-button-reply-ctx": (
        "answerable",
        "interactive",
        "Approve",
        "btn_approve",
        "15551234567",
        None,
    ),
    "103_interactive-call-permission-reply-ctx": (
        *("acknowledge", "interactive", "📞 accept", None, "972987654321", "US.13491208655302741918"),
    ),
    "111_interactive-list-reply-ctx": (
        *("answerable", "interactive", "Priority Mail Express", "priority_express", "16505551234", None),
    ),
    "117_interactive-nfm-reply-ctx": ("acknowledge", "interactive", "📋 Sent", None, "2423423243", None),
    "125_button-ctx": ("answerable", "button", "No", "No-Button-Payload", "16315551234", None),
    "129_reaction": ("silent", "reaction", "😮", None, "972987654321", "US.13491208655302741918"),
    "138_order": (
        *(
            "acknowledge",
            "order",
            "Love these!\n🛒 2 × di9ozbzfi4 (30 USD)\n🛒 1 × nqryix03ez (25 USD)",
            None,
        ),
        *("16505551234", None),
    ),
    "142_system-user-changed-number": (
        *("silent", "system", "NAME changed from 15550002222 to 15550003333", None, "15550002222", None),
    ),
    "145_system-user-changed-user-id-nofrom": (
        *("silent", "system", "[user_changed_user_id]", None, None, "IN.PREVIOUSBSUID"),
    ),
    "147_unsupported-errors": (
        *("acknowledge", "unsupported", "[unsupported]", None, "972987654321", "US.13491208655302741918"),
    ),
    "154_unknown-errors": ("acknowledge", "unknown", "[unknown]", None, None, "PHONE_NUMBER"),
    "155_edit": ("silent", "edit", "✏️ Updated image caption", None, "16505551234", None),
}
# Corpus file: (status, phone, scoped id, error codes, contacts)
STATUSES = {
    "160_status-delivered": ("delivered", "972987654321", None, [], 1),
    "168_status-delivered": ("delivered", None, "US.13491208655302741918", [], 1),
    "170_status-failed-err": ("failed", "972987654321", None, [130472], 1),
    "174_status-failed-err": ("failed", "16505551234", None, [131049], 0),
    "178_status-read": ("read", "972987654321", None, [], 1),
    "191_status-sent": ("sent", "16505551234", None, [], 0),
}
KNOWN_REASONS = {"not an object", "not a list", "no id", "id too long", "no status", "no value"}
MARTA = {"from": "34600123456", "id": "wamid.1", "timestamp": "1750000000"}


def only_message(body):
    (change,) = parse(body).changes
    (message,) = change.messages
    return message


def test_every_body_of_the_corpus_is_read_the_same_twice(corpus):
    for name, body in corpus.items():
        delivery = parse(body)
        assert delivery == parse(body), name
        if "image" not in name and "document" not in name:
            assert delivery.unreadable == (), name
        json.dumps([asdict(message)["payload"] for change in delivery.changes for message in change.messages])


def test_the_messages_of_the_corpus(corpus):
    for name in CORPUS.keys() & corpus.keys():
        message = only_message(corpus[name])
        sender = message.sender
        read = (message.kind, message.type, message.body, message.reply_id, sender.phone, sender.bsuid)
        assert read == CORPUS[name], name


def test_the_statuses_of_the_corpus(corpus):
    for name in STATUSES.keys() & corpus.keys():
        ((status,),) = (change.statuses for change in parse(corpus[name]).changes)
        codes = [error.code for error in status.errors]
        read = (status.status, status.recipient_phone, status.recipient_bsuid, codes, len(status.contacts))
        assert read == STATUSES[name], name


def test_fields_other_than_messages_have_nothing_to_answer(corpus):
    for name, body in corpus.items():
        for change in parse(body).changes:
            if change.field != "messages":
                assert (change.messages, change.statuses) == ((), ()), name


def test_every_type_becomes_words_that_staff_can_read(every_type):
    (change,) = parse(every_type).changes
    assert [(message.type, message.kind, message.body) for message in change.messages] == [
        ("text", "answerable", "Hola"),
        ("image", "acknowledge", "La vista"),
        ("video", "acknowledge", "🎬 video"),
        ("audio", "acknowledge", "🎤 audio"),
        ("document", "acknowledge", "📄 _dni_á.pdf"),
        ("sticker", "acknowledge", "[sticker]"),
        ("location", "answerable", "📍 Playa (39.500000, -0.250000)"),
        ("contacts", "acknowledge", "👤 Marta, +34 600 12 34 56"),
        ("interactive", "answerable", "Sí"),
        ("interactive", "answerable", "Doble"),
        ("interactive", "acknowledge", "📋 a: 1"),
        ("button", "answerable", "Vale"),
        ("reaction", "silent", "[reaction removed]"),
        ("order", "acknowledge", "🛒 2 × x"),
        ("system", "silent", "[user_changed_number]"),
        ("unsupported", "acknowledge", "[unsupported]"),
        ("edit", "silent", "✏️ Ay"),
        ("revoke", "silent", "[deleted]"),
        ("something_new", "acknowledge", "[something_new]"),
        ("text", "answerable", "sin tipo"),
    ]
    assert (change.phone_number_id, change.waba_id, change.field) == ("100", "1", "messages")
    by_type: dict[str, Any] = {message.type: message for message in change.messages}
    assert by_type["audio"].media.voice is True
    assert by_type["location"].location == Location(39.5, -0.25, "Playa", None)
    assert by_type["contacts"].trusted_phone == "34600123456"
    assert by_type["reaction"].reaction.target_wamid == "wamid.0"
    assert by_type["reaction"].reaction.emoji is None
    assert by_type["unsupported"].placeholder
    assert by_type["edit"].edit_of == by_type["revoke"].revoke_of == "wamid.1"
    assert by_type["something_new"].payload == {"something_new": {"x": 1}}
    assert by_type["system"].system.new_phone == "34600999999"
    assert by_type["text"].sent_at == datetime(2025, 6, 15, 15, 6, 40, tzinfo=UTC)
    assert {message.sender.bsuid for message in change.messages if message.type != "system"} == {"ES.1349"}
    (status,) = change.statuses
    assert (status.callback_data, status.errors[0].details) == ("42", "24 hours")


def test_a_bad_item_costs_no_neighbour(body_of):
    messages = [7, {"type": "text"}, {**MARTA, "text": {"body": "Hola"}}, {**MARTA, "id": "x" * 600}]
    delivery = parse(body_of(messages, [{"id": "s", "status": "sent"}, {"id": "t"}, None]))
    (change,) = delivery.changes
    assert [message.body for message in change.messages] == ["Hola"]
    assert [status.wamid for status in change.statuses] == ["s"]
    value = "entry[0].changes[0].value"
    assert [(bad.where, bad.reason) for bad in delivery.unreadable] == [
        (f"{value}.messages[0]", "not an object"),
        (f"{value}.messages[1]", "no id"),
        (f"{value}.messages[3]", "id too long"),
        (f"{value}.statuses[1]", "no status"),
        (f"{value}.statuses[2]", "not an object"),
    ]


def test_several_senders_get_their_own_names(body_of):
    contacts = [
        {"profile": {"name": "Luis"}, "user_id": "ES.2"},
        {"profile": {"name": "Beto"}, "wa_id": "553188887777"},
        {"profile": {"name": "Marta", "username": "@marta"}, "wa_id": "34600123456", "user_id": "ES.1"},
    ]
    messages = [
        {**MARTA, "text": {"body": "a"}},
        {"from": "5531988887777", "id": "w2", "text": {"body": "b"}},
        {"from_user_id": "ES.2", "id": "w3", "text": {"body": "c"}},
        {"from": "34611111111", "id": "w4", "text": {"body": "d"}},
    ]
    (change,) = parse(body_of(messages, contacts=contacts)).changes
    senders = [message.sender for message in change.messages]
    assert [sender.name for sender in senders] == ["Marta", "Beto", "Luis", None]
    assert (senders[0].bsuid, senders[0].username) == ("ES.1", "marta")
    assert (senders[1].phone, senders[1].wa_id) == ("5531988887777", "5531988887777")


def test_the_only_contact_lends_its_name_but_not_the_ids_of_another_phone(body_of):
    contacts = [{"profile": {"name": "Marta"}, "wa_id": "34699999999", "user_id": "ES.9"}]
    sender = only_message(body_of([{**MARTA, "text": {"body": "a"}}], contacts=contacts)).sender
    assert (sender.name, sender.phone, sender.bsuid) == ("Marta", "34600123456", None)


def test_a_scoped_id_in_the_place_of_a_phone(body_of):
    contacts = [{"profile": {"name": "Marta"}, "wa_id": "ES.1349"}]
    sender = only_message(body_of([{**MARTA, "from": "ES.1349", "text": {"body": "a"}}], contacts=contacts)).sender
    assert (sender.phone, sender.bsuid, sender.known) == (None, "ES.1349", True)
    sender = only_message(body_of([{**MARTA, "from": "ES.ENT.1"}], contacts=[])).sender
    assert (sender.bsuid, sender.parent_bsuid) == (None, "ES.ENT.1")


def test_a_number_change_tells_before_and_after(body_of):
    system = {
        "type": "user_changed_number",
        "wa_id": "5215512345678",
        "user_id": "MX.2",
        "previous_user_id": "MX.1",
    }
    message = only_message(body_of([{**MARTA, "type": "system", "system": system}], contacts=[]))
    change = message.system
    assert (change.previous_phone, change.previous_bsuid) == ("34600123456", "MX.1")
    assert (change.new_phone, change.new_wa_id, change.new_bsuid) == ("525512345678", "5215512345678", "MX.2")
    assert (message.sender.phone, message.sender.bsuid) == ("34600123456", "MX.1")


def test_words_that_postgresql_refuses_are_made_good(body_of):
    message = only_message(body_of([{**MARTA, "text": {"body": "a\x00b\ud83dc 😀"}}]))
    assert message.body == "ab\ufffdc 😀"


@pytest.mark.parametrize(
    ("timestamp", "year"),
    [
        ("1750000000", 2025),
        (1750000000, 2025),
        ("1750000000123", 2025),
        ("", None),
        ("soon", None),
        (None, None),
        (True, None),
        ("0", None),
        ("-5", None),
        ("9" * 40, None),
        ({}, None),
        ("4200000000", None),
    ],
)
def test_the_time_is_metas_or_nobodys(body_of, timestamp, year):
    sent_at = only_message(body_of([{**MARTA, "timestamp": timestamp}])).sent_at
    assert (sent_at and sent_at.year) == year


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        ({"type": "text"}, "acknowledge"),
        ({"type": "text", "text": {"body": " "}}, "acknowledge"),
        ({"type": "text", "text": {"body": "Hola"}, "group_id": "g"}, "acknowledge"),
        ({"type": "location", "location": {"latitude": "x"}}, "acknowledge"),
        ({"type": "location", "location": {"latitude": "39.5", "longitude": "0"}}, "answerable"),
        ({"type": "interactive"}, "acknowledge"),
        ({"type": "interactive", "interactive": {"list_reply": {"id": "a"}}}, "answerable"),
        ({"errors": [{"code": 131051}]}, "acknowledge"),
        ({}, "acknowledge"),
    ],
)
def test_what_says_nothing_goes_to_staff(body_of, content, kind):
    assert only_message(body_of([{**MARTA, **content}])).kind == kind


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("553188887777", "+55 31 98888-7777"),
        ("5215512345678", "525512345678"),
        ("5491123456789", "541123456789"),
        ("34600123456", "+34 600 123 456"),
        ("0034600123456", 34600123456),
    ],
)
def test_one_phone_in_two_forms(one, other):
    assert same_phone(one, other)
    assert canonical_phone(canonical_phone(one)) == canonical_phone(one)


def test_phones_that_differ_and_what_is_no_phone():
    assert not same_phone("34600123456", "34600123457")
    assert not same_phone("551138887777", "5511938887777")
    assert not same_phone("x", "x")
    no_phones: list[object] = ["", None, "PHONE_NUMBER", "ES.12345678", True, {}, "12"]
    assert [canonical_phone(value) for value in no_phones] == [None] * 7


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"nope",
        b"[]",
        b"{}",
        b"null",
        b"\xff",
        b'{"object": "page", "entry": []}',
        b"[" * 100000,
        b'{"object": "whatsapp_business_account"}',
        b'{"object": "whatsapp_business_account", "entry": {}}',
        b'{"object": "whatsapp_business_account", "entry": [NaN]}',
        b'{"a":' * 500 + b"1" + b"}" * 500,
    ],
)
def test_what_is_no_webhook_says_why(body):
    with pytest.raises(UnreadableBody) as unreadable:
        parse(body)
    assert unreadable.value.reason


def test_numbers_of_any_size_can_be_kept(body_of):
    body = body_of([{**MARTA, "x": 1}]).replace(b'"x": 1', b'"x": [1e999, ' + b"9" * 5000 + b"]")
    assert only_message(body).payload["x"] == ["1e999", "9" * 5000]


def test_masking_a_body_leaves_ids_and_masks_what_staff_read(body_of):
    body = body_of([{**MARTA, "id": "4111111111111111", "text": {"body": "es 4111 1111 1111 1111"}}])
    message = only_message(mask_cards_in_body(body))
    assert (message.wamid, message.body) == ("4111111111111111", "es **** 1111")


def test_an_absent_contact_is_an_empty_one():
    assert Contact() == Contact(None, None, None, None, None, None)


ODD = st.one_of(
    *(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False)),
    *(st.text(max_size=5), st.just([]), st.just({}), st.just([None, 1, {}]), st.just({"id": {}, "body": []})),
)


def places(value: Any, path: tuple[Any, ...] = ()):
    if isinstance(value, dict):
        for key in value:
            yield (*path, key)
            yield from places(value[key], (*path, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield (*path, index)
            yield from places(item, (*path, index))


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_no_odd_content_stops_the_reading(every_body, data):
    number = data.draw(st.integers(0, len(every_body.bodies) - 1))
    value = json.loads(every_body.bodies[number])
    for _ in range(data.draw(st.integers(1, 3))):
        found = list(places(value))
        if not found:
            break
        *path, last = data.draw(st.sampled_from(found))
        inner = value
        for step in path:
            inner = inner[step]
        if data.draw(st.booleans()) and isinstance(inner, dict):
            del inner[last]
        else:
            inner[last] = copy.deepcopy(data.draw(ODD))
    try:
        delivery = parse(json.dumps(value).encode())
    except UnreadableBody:
        return
    assert all(bad.reason in KNOWN_REASONS for bad in delivery.unreadable)
    for change in delivery.changes:
        assert all(message.wamid and message.kind for message in change.messages)
