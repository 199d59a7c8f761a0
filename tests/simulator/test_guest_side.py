"""What a guest does on the phone reaches the real webhook as Meta would deliver it."""

from __future__ import annotations

import json

from hotel_agent.simulator import phones
from hotel_agent.simulator.phones import Chat, Tick
from tests.simulator.conftest import ANDES, MARTA, MIRAMAR

BUTTONS = {
    "type": "interactive",
    "interactive": {
        "type": "button",
        "body": {"text": "¿La confirmo?"},
        "action": {
            "buttons": [
                {"type": "reply", "reply": {"id": "yes", "title": "Sí"}},
                {"type": "reply", "reply": {"id": "no", "title": "No"}},
            ]
        },
    },
}
LIST = {
    "type": "interactive",
    "interactive": {
        "type": "list",
        "body": {"text": "Tenemos libre:"},
        "action": {
            "button": "Ver habitaciones",
            "sections": [{"rows": [{"id": "doble", "title": "Doble", "description": "95,00 € la noche"}]}],
        },
    },
}


def test_martas_words_arrive_signed_and_whole(marta_says, webhook):
    assert marta_says("¿Hay habitación? 🛏️ 24/12").status_code == 303
    [change] = webhook.changes()
    [message] = change.messages
    assert change.phone_number_id == MIRAMAR
    assert (message.type, message.body) == ("text", "¿Hay habitación? 🛏️ 24/12")
    assert (message.sender.phone, message.sender.name) == (MARTA, "Marta Ruiz")
    assert message.sender.bsuid.startswith("ES.")
    assert message.wamid.startswith("wamid.")
    assert message.sent_at is not None


def test_the_body_is_escaped_as_meta_escapes_it(marta_says, webhook):
    marta_says("¿24/12?")
    body = webhook.bodies[0][0]
    assert b"\\u00bf24\\/12?" in body
    assert isinstance(json.loads(body)["entry"][0]["changes"][0]["value"]["messages"][0]["timestamp"], str)


def test_a_guest_writes_to_the_hotel_that_the_visitor_chose(marta_says, webhook):
    marta_says("Hola", hotel=ANDES)
    assert webhook.changes()[0].phone_number_id == ANDES
    assert not Chat(MARTA, MIRAMAR).bubbles()


def test_a_tap_on_a_button_names_the_button_and_the_question(marta_says, hotel_writes, webhook):
    asked = hotel_writes(BUTTONS)
    marta_says(choice="yes", quotes=asked)
    [message] = webhook.messages()
    assert (message.type, message.subtype, message.reply_id) == ("interactive", "button_reply", "yes")
    assert message.context.quoted_wamid == asked


def test_a_tap_on_a_row_names_the_row_and_the_question(marta_says, hotel_writes, webhook):
    asked = hotel_writes(LIST)
    marta_says(choice="doble", quotes=asked)
    [message] = webhook.messages()
    assert (message.subtype, message.reply_id) == ("list_reply", "doble")
    assert message.context.quoted_wamid == asked


def test_what_the_hotel_did_not_offer_cannot_be_tapped(marta_says, hotel_writes, webhook):
    asked = hotel_writes(BUTTONS)
    assert marta_says(choice="free-suite", quotes=asked).status_code == 400
    assert marta_says(choice="yes", quotes="wamid.unheard-of").status_code == 400
    assert not webhook.bodies


def test_a_photo_a_voice_note_and_a_place_can_be_sent(marta_says, webhook):
    for kind in ("image", "audio", "location"):
        marta_says(kind=kind)
    photo, voice, place = webhook.messages()
    assert (photo.media.mime_type, voice.media.voice) == ("image/jpeg", True)
    assert round(place.location.latitude) == 39


def test_nothing_is_sent_for_an_empty_message(marta_says, webhook):
    assert marta_says("   ").status_code == 400
    assert not webhook.bodies


def test_a_message_that_the_webhook_refused_is_sent_again_under_the_same_id(marta_says, webhook, page, last):
    webhook.answer = 503
    marta_says("Hola")
    bubble, tick = last()
    assert tick is Tick.FAILED
    assert "Reintentar" in page.get(f"/simulator/phones/{MARTA}?lang=es").text

    webhook.answer = 200
    marta_says(again=bubble.id)
    assert last()[1] is Tick.SENT
    assert [message.wamid for message in webhook.messages()] == [bubble.id, bubble.id]


def test_a_message_that_was_never_answered_for_can_be_sent_again(demo, chat, page):
    chat.add(phones.Bubble("wamid.stuck", "guest", "text", at=0, text="Hola"), Tick.SENDING)
    assert 'value="wamid.stuck"' in page.get(f"/simulator/phones/{MARTA}").text


def test_ticks_follow_the_message(marta_says, hotel_sends, run_errands, chat):
    marta_says("Hola")
    marta_says("¿Hay habitación?")
    assert [tick for _, tick in chat.bubbles()] == [Tick.SENT, Tick.SENT]
    run_errands()
    assert [tick for _, tick in chat.bubbles()] == [Tick.DELIVERED, Tick.DELIVERED]
    hotel_sends({"status": "read", "message_id": chat.bubbles()[1][0].id})
    assert [tick for _, tick in chat.bubbles()] == [Tick.READ, Tick.READ]


def test_a_tick_never_goes_back(marta_says, hotel_sends, run_errands, last):
    marta_says("Hola")
    hotel_sends({"status": "read", "message_id": last()[0].id})
    run_errands()
    assert last()[1] is Tick.READ


def test_the_oldest_messages_leave_a_long_chat(demo, chat, monkeypatch):
    monkeypatch.setattr(phones, "LONGEST_CHAT", 3)
    for number in range(5):
        chat.add(phones.Bubble(f"wamid.{number}", "guest", "text", at=number, text="Hola"), Tick.SENT)
    assert [bubble.id for bubble, _ in chat.bubbles()] == ["wamid.2", "wamid.3", "wamid.4"]
