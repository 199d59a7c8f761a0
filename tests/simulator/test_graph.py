"""The stand-in answers the agent as Meta's Graph API does, and reports what became of each message."""

from __future__ import annotations

import hashlib
import re

import pytest

from hotel_agent.assets import public_address
from hotel_agent.simulator import meta
from hotel_agent.simulator.phones import READY, Chat
from tests.simulator.conftest import MARTA, MIRAMAR, TOKEN
from tests.simulator.test_guest_side import BUTTONS, LIST


def button(title: str = "Sí", reply_id: str = "yes") -> dict:
    return {"type": "reply", "reply": {"id": reply_id, "title": title}}


def buttons(*given: dict, body: str = "¿Sí?") -> dict:
    action = {"buttons": list(given)}
    return {
        "type": "interactive",
        "interactive": {"type": "button", "body": {"text": body}, "action": action},
    }


def rows(count: int, title: str = "Doble", opens: str = "Ver") -> dict:
    section = {"rows": [{"id": str(number), "title": title} for number in range(count)]}
    action = {"button": opens, "sections": [section]}
    return {
        "type": "interactive",
        "interactive": {"type": "list", "body": {"text": "Hay:"}, "action": action},
    }


def test_an_accepted_message_is_answered_like_metas_and_shown(hotel_sends, last):
    answer = hotel_sends({"to": "+34 600 111 222", "type": "text", "text": {"body": "Buenos días"}})
    assert answer.status_code == 200
    wamid = answer.json["messages"][0]["id"]
    assert answer.json == {
        "messaging_product": "whatsapp",
        "contacts": [{"input": "+34 600 111 222", "wa_id": MARTA}],
        "messages": [{"id": wamid}],
    }
    assert (last()[0].id, last()[0].text) == (wamid, "Buenos días")


def test_a_guest_is_reached_by_business_scoped_id_too(hotel_sends, last):
    marta = READY[0]
    answer = hotel_sends({"recipient": marta.user_id, "type": "text", "text": {"body": "Hola"}})
    assert answer.json["contacts"] == [{"input": marta.user_id, "user_id": marta.user_id}]
    assert last()[0].text == "Hola"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"type": "text", "text": {"body": "Hola"}, "to": ""}, 100),
        ({"type": "text", "text": {"body": "Hola"}, "to": "mañana"}, 131009),
        ({"type": "text", "text": {"body": "Hola"}, "messaging_product": "sms"}, 100),
        ({"type": "text", "text": {"body": "x" * 4097}}, 100),
        ({"type": "text", "text": {"body": " "}}, 131009),
        ({"type": "text"}, 131008),
        ({"type": "song", "song": {}}, 100),
        ({"type": "text", "text": {"body": "Hola"}, "biz_opaque_callback_data": "x" * 513}, 131009),
        ({"type": "image", "image": {"caption": "Piscina"}}, 131008),
        ({"type": "location", "location": {"latitude": 95, "longitude": 0}}, 131009),
        ({"type": "template", "template": {"name": "hola"}}, 131008),
        (buttons(*[button(str(n), str(n)) for n in range(4)]), 131009),
        (buttons(button("Una palabra que no cabe aquí")), 131009),
        (buttons(button("Sí", "1"), button("Sí", "2")), 131009),
        (buttons(button(), body="x" * 1025), 131009),
        (rows(11), 131009),
        (rows(1, title="Una habitación con vistas al mar"), 131009),
        (rows(1, opens="Ver todas las habitaciones"), 131009),
    ],
)
def test_what_meta_would_refuse_is_refused_with_its_code(hotel_sends, chat, body, code):
    answer = hotel_sends({"to": MARTA, **body})
    assert answer.status_code == 400
    assert answer.json["error"]["code"] == code
    assert {"message", "type", "fbtrace_id"} <= set(answer.json["error"])
    assert not chat.bubbles()


def test_a_body_that_is_no_json_is_refused(page):
    answer = page.post(
        f"/simulator/graph/v26.0/{MIRAMAR}/messages",
        data=b"\xff{",
        headers={"Authorization": f"Bearer {TOKEN}"},
    )
    assert (answer.status_code, answer.json["error"]["code"]) == (400, 100)


@pytest.mark.parametrize("header", [None, "", "Bearer", "Bearer another", f"Basic {TOKEN}"])
def test_a_wrong_token_is_refused_as_meta_does(page, header):
    headers = {"Authorization": header} if header is not None else {}
    answer = page.post(f"/simulator/graph/v26.0/{MIRAMAR}/messages", json={}, headers=headers)
    assert (answer.status_code, answer.json["error"]["code"]) == (401, 190)


def test_a_number_that_does_not_exist_is_refused(hotel_sends):
    answer = hotel_sends({"to": MARTA, "type": "text", "text": {"body": "Hola"}}, number="999")
    assert (answer.status_code, answer.json["error"]["code"]) == (400, 100)


def test_statuses_come_signed_with_our_reference(hotel_writes, run_errands, webhook):
    wamid = hotel_writes("Hola", biz_opaque_callback_data="message-7")
    run_errands()
    assert [status.status for status in webhook.statuses()] == ["sent", "delivered"]
    for status in webhook.statuses():
        assert (status.wamid, status.callback_data) == (wamid, "message-7")
        assert (status.recipient_phone, status.recipient_bsuid) == (MARTA, READY[0].user_id)


def test_read_is_told_once_when_the_page_shows_the_chat(hotel_writes, page, run_errands, webhook):
    wamid = hotel_writes("Hola", biz_opaque_callback_data="message-7")
    run_errands()
    for _ in range(2):
        seen = page.post(f"/simulator/phones/{MARTA}/seen", data={"hotel": MIRAMAR, "no-page": "1"})
        assert seen.status_code == 204
    run_errands()
    read = [status for status in webhook.statuses() if status.status == "read"]
    assert [(status.wamid, status.callback_data) for status in read] == [(wamid, "message-7")]


def test_statuses_that_the_webhook_refused_come_again(hotel_writes, run_errands, webhook, monkeypatch):
    monkeypatch.setattr(meta, "LEASE_SECONDS", 0.05)
    webhook.refusals = 2
    hotel_writes("Hola")
    run_errands()
    assert [status.status for status in webhook.statuses()] == ["sent", "sent", "sent", "delivered"]


def test_a_reaction_yields_sent_only(hotel_writes, run_errands, webhook):
    hotel_writes({"type": "reaction", "reaction": {"message_id": "wamid.of-marta", "emoji": "👍"}})
    run_errands()
    assert [status.status for status in webhook.statuses()] == ["sent"]


def test_the_hotel_types_until_its_message_comes(marta_says, hotel_sends, hotel_writes, chat, page):
    marta_says("Hola")
    wamid = chat.bubbles()[0][0].id
    body = {"status": "read", "message_id": wamid, "typing_indicator": {"type": "text"}}
    assert hotel_sends(body).json == {"success": True}
    assert 24_000 < chat.typing_ms() <= 25_000
    assert "escribiendo…" in page.get(f"/simulator/phones/{MARTA}?lang=es").text
    hotel_writes("Buenos días")
    assert chat.typing_ms() == 0


def test_a_photo_of_ours_is_shown_and_another_one_linked(hotel_writes, page):
    ours = public_address("rooms/miramar-suite.jpg")
    hotel_writes({"type": "image", "image": {"link": ours, "caption": "*Suite* (hasta 2 personas)\nFrente al mar."}})
    hotel_writes({"type": "image", "image": {"link": "https://miramar.example/a.jpg", "caption": "Piscina"}})
    shown = page.get(f"/simulator/phones/{MARTA}?lang=es").text
    [picture] = re.findall(r'<img class="photo" src="(/static/rooms/miramar-suite.jpg[^"]*)"', shown)
    assert page.get(picture).mimetype == "image/jpeg"
    assert 'alt="Suite (hasta 2 personas)"' in shown
    assert 'href="https://miramar.example/a.jpg"' in shown


def test_every_kind_of_message_is_shown(hotel_writes, page):
    hotel_writes("*Total: 380,00 €*\n<b>no</b> https://miramar.example/a.")
    hotel_writes(BUTTONS)
    hotel_writes(LIST)
    hotel_writes({"type": "location", "location": {"latitude": 39.47, "longitude": -0.32, "name": "Miramar"}})
    hotel_writes({"type": "image", "image": {"link": "https://miramar.example/a.jpg", "caption": "Piscina"}})
    hotel_writes(
        {
            "type": "template",
            "template": {
                "name": "arrival",
                "language": {"code": "es"},
                "components": [{"type": "body", "parameters": [{"type": "text", "text": "Marta"}]}],
            },
        }
    )
    ask = {
        "type": "location_request_message",
        "body": {"text": "¿Dónde?"},
        "action": {"name": "send_location"},
    }
    hotel_writes({"type": "interactive", "interactive": ask})
    html = page.get(f"/simulator/phones/{MARTA}?lang=es").text
    assert "<strong>Total: 380,00 €</strong>\n&lt;b&gt;no&lt;/b&gt;" in html
    assert 'href="https://miramar.example/a"' in html
    for words in ("Ver habitaciones", "95,00 € la noche", "Abrir en el mapa", "Piscina", "Enviar ubicación"):
        assert words in html
    assert html.count('data-by="hotel"') == 7


def test_a_sample_is_handed_out_in_two_steps(page, marta_says, webhook):
    marta_says(kind="audio")
    [voice] = webhook.messages()
    headers = {"Authorization": f"Bearer {TOKEN}"}
    found = page.get(f"/simulator/graph/v26.0/{voice.media.id}", headers=headers).json
    path = found["url"].partition(f":{webhook.port}")[2]
    assert page.get(path).status_code == 401
    heard = page.get(path, headers=headers)
    assert hashlib.sha256(heard.data).hexdigest() == found["sha256"]
    assert len(heard.data) == found["file_size"]
    assert heard.data.startswith(b"OggS")


def test_a_guest_whom_nobody_added_is_heard_too(hotel_sends, run_errands, webhook):
    hotel_sends({"to": "34699999999", "type": "text", "text": {"body": "Hola"}})
    run_errands()
    assert len(Chat("34699999999", MIRAMAR).bubbles()) == 1
    assert [status.status for status in webhook.statuses()] == ["sent", "delivered"]
