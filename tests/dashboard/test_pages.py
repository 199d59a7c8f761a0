"""The inbox as pages: what they show, what their forms do, and the news that keeps them fresh."""

from __future__ import annotations

import io
import re
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from gettext import GNUTranslations
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select

from hotel_agent import i18n, live
from hotel_agent.conversations import handover, outbox, presence
from hotel_agent.conversations.canned import put_canned, put_template
from hotel_agent.conversations.models import Conversation, ConversationEvent, Message
from hotel_agent.dashboard.shapes import VIEWS
from hotel_agent.db import db, utcnow
from hotel_agent.guests.models import Guest
from hotel_agent.staff.models import Staff
from tests.conversations.cast import ana, hotel_of, luis
from tests.dashboard.cast import ago, answers, books, happens, says, statements, talk, waiting

PART = {"HX-Request": "true"}


@pytest.fixture
def desk(sign_in):
    """Ana's browser, in Spanish."""
    speaks("ana@miramar.example", "es")
    return sign_in("ana@miramar.example")


@pytest.fixture
def miramar(app) -> int:
    return hotel_of("miramar")


def speaks(email: str, language: str) -> None:
    db.session.scalars(select(Staff).where(Staff.email == email)).one().language = language
    db.session.commit()


def page(browser, path: str, **headers: str) -> str:
    answer = browser.get(path, headers=headers)
    assert answer.status_code == 200, answer.text
    return answer.text


def text_of(html: str) -> str:
    """The words that somebody reads, in one line."""
    return " ".join(re.sub(r"<[^>]*>", " ", html).split())


def part(name: str) -> dict[str, str]:
    return {**PART, "HX-Target": f"section#{name}"}


def row(conversation_id: int) -> Conversation:
    db.session.rollback()
    return db.session.get_one(Conversation, conversation_id, populate_existing=True)


def sends(browser, conversation_id: int, text: str = "Ahora subimos", headers: dict | None = None, **form: str):
    form = {"text": text, "client_id": str(uuid4())} | form
    return browser.post(f"/conversations/{conversation_id}/messages", data=form, headers=headers or {})


# What is shown


def test_the_list_tells_who_waits_why_and_how_long(desk):
    marta = waiting("Marta García", "complaint", minutes=7)
    says(marta, "El aire no funciona", minutes=7)
    waiting("John Miller", "emergency", minutes=1, urgent=True)
    html = page(desk, "/conversations")
    shown = text_of(html)
    assert "<title>(2) Conversaciones · Hotel Miramar</title>" in html
    assert "Marta García" in shown
    assert "Queja" in shown
    assert "7 min" in shown
    assert re.search(r'class="wait warn".*7 min', html, re.S)
    assert shown.index("John Miller") < shown.index("Marta García")
    assert "Emergencia" in shown
    assert f'data-conversation-id="{marta}"' in html


def test_who_has_no_name_is_told_by_phone_and_a_waiting_line_by_the_guests_own_words(desk):
    guest = waiting("x", minutes=3, phone="34600111222")
    says(guest, "Necesito toallas", minutes=3)
    conversation = db.session.get_one(Conversation, guest)
    conversation.last_message_author, conversation.last_message_text = "agent", "Se lo paso a un compañero"
    db.session.get_one(Guest, conversation.guest_id).name = None
    db.session.commit()
    shown = text_of(page(desk, "/conversations"))
    assert "+34 600 111 222" in shown
    assert "Necesito toallas" in shown
    assert "Se lo paso" not in shown


@pytest.mark.parametrize("view", VIEWS)
def test_every_view_is_a_page_and_tells_when_it_is_empty(desk, view):
    html = page(desk, f"/conversations?view={view}")
    assert 'class="empty"' in html
    assert f'data-view="{view}" aria-current="page"' in html


def test_a_search_that_finds_nothing_says_what_was_sought(desk):
    assert "«&lt;zebra&gt;»" in page(desk, "/conversations?view=all&q=<zebra>")


def test_there_is_no_other_view(desk):
    assert desk.get("/conversations?view=secret").status_code == 404


@pytest.mark.parametrize("number", ["0", "9" * 25, "0" * 40 + "9" * 30, "0" * 5000])
def test_a_number_that_is_no_id_is_no_error_of_ours(desk, number):
    marta = talk()
    assert desk.get(f"/conversations/{number}").status_code == 404
    assert desk.get(f"/conversations/{marta}?quote={number}&canned={number}").status_code == 200
    for verb, form in (("assign", {"to": number}), ("takeover", {"seen": number}), ("close", {"seen": number})):
        assert desk.post(f"/conversations/{marta}/{verb}", data=form).status_code in (303, 400)


def test_the_thread_tells_who_wrote_and_what_happened(desk):
    marta = talk()
    says(marta, "¿Hay *parking*?", minutes=9)
    answers(marta, "Sí, <18 €> la noche", minutes=8)
    happens(marta, "taken_over", staff_id=ana(), minutes=7)
    answers(marta, "Hola, soy Ana", author="staff", staff_id=ana(), minutes=6)
    happens(marta, "note", staff_id=luis(), body="Cliente de siempre", minutes=5)
    html = page(desk, f"/conversations/{marta}")
    shown = text_of(html)
    assert "¿Hay <strong>parking</strong>?" in html
    assert "Sí, &lt;18 €&gt; la noche" in html
    assert "Ana tomó la conversación: el agente calla" in shown
    assert "Nota interna: solo la ven los compañeros" in shown
    for author in ("guest", "agent", "staff"):
        assert f'class="bubble {author} ' in html
    assert 'data-action="takeover"' in html
    assert 'textarea id="text-' in html


def test_what_failed_says_why_and_offers_to_try_again(desk):
    marta = talk()
    says(marta)
    failed = answers(marta, "Hola", status="failed", error_code=131026)
    doubt = answers(marta, "¿Sigue ahí?", status="unknown")
    html = page(desk, f"/conversations/{marta}")
    assert "no está disponible en WhatsApp" in html
    assert f"/messages/{failed}/again" in html
    assert f"/messages/{doubt}/again" in html
    assert "lo leerá dos veces" in html


def test_what_nobody_tried_to_send_says_so(desk):
    marta = talk()
    answers(marta, "Hola", status="failed", error_text=outbox.WINDOW_CLOSED)
    answers(marta, "Hola otra vez", status="failed", error_text=outbox.NO_NUMBER)
    shown = text_of(page(desk, f"/conversations/{marta}"))
    assert "hace más de 24 horas" in shown
    assert "No hay número" in shown


@pytest.mark.parametrize(
    ("kind", "details", "told"),
    [
        ("booking_refused", {"reason": "room_taken"}, "No se reservó: alguien se adelantó"),
        ("booking_refused", {"reason": "no_rate_left"}, "No se reservó: no rate left"),
        ("pms_failed", {"action": "book", "code": "MIR-ABC234"}, "El PMS no ha confirmado la reserva · MIR-ABC234"),
        ("pms_failed", {"action": "cancel", "reason": "over"}, "El PMS no deja cancelar: la estancia ya terminó"),
        ("pms_failed", {"action": "look"}, "El PMS no respondió al pedirle habitaciones"),
        ("hold_released", {"reason": "declined"}, "vuelve a estar libre: el huésped no la quiere"),
        ("cancelled", {"code": "MIR-ABC234", "fee": "95", "currency": "EUR"}, "MIR-ABC234 · cargo de 95 €"),
    ],
)
def test_what_was_done_with_the_pms_is_told_with_its_result(desk, kind, details, told):
    marta = talk()
    happens(marta, kind, details=details)
    assert told in text_of(page(desk, f"/conversations/{marta}")).replace("\xa0", " ")


def test_a_deleted_message_and_what_has_no_words_are_named(desk):
    marta = talk()
    says(marta, "Mi tarjeta es…", wamid="w1")
    says(marta, "[deleted]", type="revoke", payload={"revoke": {"original_message_id": "w1"}})
    says(marta, "[unknown]", type="unknown")
    shown = text_of(page(desk, f"/conversations/{marta}"))
    assert "El huésped borró este mensaje" in shown
    assert "Mi tarjeta" not in shown
    assert "[unknown]" not in shown


def test_the_guest_card_tells_the_stay(desk):
    marta = talk()
    books(marta, 3, 5, code="MIR-ABC234", rooms=("101",))
    shown = text_of(page(desk, f"/conversations/{marta}"))
    assert "MIR-ABC234" in shown
    assert "2 noches" in shown
    assert "2 adultos" in shown
    assert "190 €" in shown


@pytest.mark.parametrize(
    ("language", "words"), [("es", "Tomar la conversación"), ("pt", "Assumir"), ("en", "Take over")]
)
def test_everybody_reads_their_own_language(sign_in, language, words):
    speaks("luis@miramar.example", language)
    html = page(sign_in("luis@miramar.example"), f"/conversations/{talk()}")
    assert f'<html lang="{language}">' in html
    assert words in html


def test_who_is_not_signed_in_chooses_a_language_that_stays(browser):
    assert "Entrar" in page(browser, "/login")
    assert "Sign in" in page(browser, "/login?lang=en")
    assert "Sign in" in page(browser, "/login")


def test_pages_hold_no_scripts_or_styles_of_their_own(desk):
    marta = waiting()
    says(marta)
    for path in ("/conversations", f"/conversations/{marta}", f"/conversations/{marta}/replies"):
        html = page(desk, path)
        assert not re.search(r"<[^>]+\sstyle=", html)
        assert not re.search(r"<[^>]+\son\w+=", html)
        assert all(" src=" in script for script in re.findall(r"<script[^>]*>", html))
        assert "<style" not in html


# Whose


def test_another_hotels_conversation_does_not_exist(sign_in):
    marta = talk()
    oscar = sign_in("oscar@andes.example")
    assert oscar.get(f"/conversations/{marta}").status_code == 404
    assert oscar.get(f"/conversations/{marta}/older").status_code == 404
    assert oscar.get(f"/conversations/{marta}/replies").status_code == 404
    verbs = ("takeover", "giveback", "assign", "snooze", "close", "reopen", "presence", "notes", "messages", "template")
    for verb in verbs:
        form = {"text": "x", "note": "x", "client_id": str(uuid4()), "until": "2030-01-01T10:00"}
        assert oscar.post(f"/conversations/{marta}/{verb}", data=form).status_code == 404, verb
    assert row(marta).owner == "agent"
    assert "Marta" not in page(oscar, "/conversations?view=all")


def test_who_is_signed_out_is_led_to_sign_in_or_told(browser):
    assert browser.get("/conversations").headers["Location"].startswith("/login")
    assert browser.get("/conversations", headers=PART).status_code == 401
    assert browser.get("/events", headers={"Accept": "text/event-stream"}).status_code == 401


def test_home_is_the_first_page_of_the_role(desk, browser):
    assert desk.get("/").headers["Location"] == "/conversations"
    assert browser.get("/").headers["Location"].startswith("/login")


# What forms do


def test_taking_over_leads_back_and_giving_back_too(desk):
    marta = talk()
    says(marta)
    answer = desk.post(f"/conversations/{marta}/takeover?view=all", data={"seen": ""})
    assert answer.status_code == 303
    assert answer.headers["Location"] == f"/conversations/{marta}?view=all#end"
    assert row(marta).assignee_id == ana()
    assert "La llevas tú; el agente calla" in page(desk, f"/conversations/{marta}")
    assert desk.post(f"/conversations/{marta}/giveback").status_code == 303
    assert row(marta).owner == "agent"


def test_htmx_gets_the_thread_alone(desk):
    marta = talk()
    html = desk.post(f"/conversations/{marta}/takeover", data={"seen": ""}, headers=part("thread")).text
    assert 'id="thread"' in html
    assert 'data-action="giveback"' in html
    assert "<html" not in html
    assert 'id="list"' not in html
    assert 'id="card"' not in html


def test_a_colleague_who_was_faster_is_named_and_may_be_overruled(desk, miramar):
    marta = talk()
    handover.take_over(marta, luis(), hotel_id=miramar)
    answer = desk.post(f"/conversations/{marta}/takeover", data={"seen": ""})
    assert answer.status_code == 409
    assert "Luis acaba de tomar esta conversación" in answer.text
    assert row(marta).assignee_id == luis()
    seen = re.search(r'role="alert".*?name="seen" value="(\d+)"', answer.text, re.S)
    assert seen
    assert desk.post(f"/conversations/{marta}/takeover", data={"seen": seen[1]}).status_code == 303
    assert row(marta).assignee_id == ana()


def test_what_a_colleague_has_just_taken_is_not_given_back(desk, miramar):
    marta = waiting(owner="staff", assignee_id=ana())
    given_back = f'action="/conversations/{marta}/giveback"'
    assert f'name="seen" value="{ana()}"' in page(desk, f"/conversations/{marta}").partition(given_back)[2]
    handover.take_over(marta, luis(), hotel_id=miramar)
    refused = desk.post(f"/conversations/{marta}/giveback", data={"seen": ana()})
    assert refused.status_code == 409
    assert "Luis acaba de tomar esta conversación" in text_of(refused.text)
    assert row(marta).owner == "staff"


def test_what_is_sent_twice_is_sent_once(desk):
    marta = talk()
    says(marta)
    client_id = str(uuid4())
    first = sends(desk, marta, client_id=client_id, headers=part("thread"))
    second = sends(desk, marta, client_id=client_id, headers=part("thread"))
    assert first.headers["X-Message"] == second.headers["X-Message"]
    assert db.session.query(Message).filter_by(conversation_id=marta, direction="out").count() == 1
    assert row(marta).owner == "staff"


def test_words_that_cannot_be_sent_stay_in_the_field_with_the_reason(desk):
    marta = talk()
    says(marta)
    answer = sends(desk, marta, "Su habitación es la {{ room }} & punto")
    assert answer.status_code == 400
    assert "Su habitación es la {{ room }} &amp; punto</textarea>" in answer.text
    assert 'data-trouble="composer"' in answer.text
    assert not db.session.query(Message).filter_by(direction="out").count()


def test_while_luis_writes_ana_is_asked_and_may_send_all_the_same(desk, miramar):
    marta = talk()
    says(marta)
    presence.seen(miramar, marta, luis(), "Luis", writing=True)
    answer = sends(desk, marta, "Ya va")
    assert answer.status_code == 409
    assert "Luis está escribiendo. ¿Enviar de todos modos?" in answer.text
    assert ">Ya va</textarea>" in answer.text
    assert 'name="force" value="1"' in answer.text
    assert sends(desk, marta, "Ya va", force="1").status_code == 303
    assert db.session.scalars(select(Message.body).where(Message.direction == "out")).all() == ["Ya va"]


def test_when_the_window_is_closed_there_are_templates_and_what_was_typed_is_not_lost(desk, miramar):
    marta = talk(last_inbound_at=ago(hours=25), language="es")
    says(marta, minutes=25 * 60)
    template = put_template(miramar, "seguimos", "es", "Hola {{1}}, seguimos con {{2}}.")
    answer = sends(desk, marta, "Ya lo tenemos")
    assert answer.status_code == 400
    assert "Ya lo tenemos</textarea>" in answer.text
    assert 'name="text"' not in answer.text
    assert "Hola {{1}}, seguimos con {{2}}." in answer.text
    form = {"template": str(template), "value": ["Marta", ""], "client_id": str(uuid4())}
    empty = desk.post(f"/conversations/{marta}/template", data=form)
    assert empty.status_code == 400
    assert 'value="Marta"' in empty.text
    sent = desk.post(f"/conversations/{marta}/template", data=form | {"value": ["Marta", "su abrigo"]})
    assert sent.status_code == 303
    assert db.session.scalars(select(Message.body).where(Message.direction == "out")).all() == [
        "Hola Marta, seguimos con su abrigo."
    ]


def test_a_note_is_kept_and_never_a_message(desk):
    marta = talk()
    form = {"note": "Es hermana de Toni", "client_id": str(uuid4())}
    assert desk.post(f"/conversations/{marta}/notes", data=form).status_code == 303
    assert desk.post(f"/conversations/{marta}/notes", data=form).status_code == 303
    assert db.session.query(ConversationEvent).filter_by(kind="note").count() == 1
    assert not db.session.query(Message).count()
    assert "Es hermana de Toni" in page(desk, f"/conversations/{marta}")


def test_quick_replies_are_filled_in_for_this_guest(desk, miramar):
    marta = talk()
    says(marta)
    known = put_canned(miramar, "hola", "es", "Hola {{ guest }}, soy {{ me }}.")
    put_canned(miramar, "hab", "es", "Su habitación es la {{ room }}.")
    html = page(desk, f"/conversations/{marta}/replies", **PART)
    assert 'data-text="Hola Marta, soy Ana."' in html
    assert "Falta rellenar: habitación" in html
    assert ">Hola Marta, soy Ana.</textarea>" in page(desk, f"/conversations/{marta}?canned={known}")


def test_assigning_putting_off_closing_and_opening_again(desk):
    marta = talk()
    last = says(marta)
    assert desk.post(f"/conversations/{marta}/assign", data={"to": str(luis())}).status_code == 303
    assert row(marta).assignee_id == luis()
    assert "Ana la asignó a Luis" in text_of(page(desk, f"/conversations/{marta}"))
    tomorrow = (utcnow() + timedelta(days=1)).strftime("%Y-%m-%dT09:00")
    assert desk.post(f"/conversations/{marta}/snooze", data={"until": tomorrow}).status_code == 303
    assert row(marta).status == "snoozed"
    until = row(marta).snoozed_until
    assert until is not None
    assert f"{until.astimezone(ZoneInfo('Europe/Madrid')):%Y-%m-%dT%H:%M}" == tomorrow
    assert desk.post(f"/conversations/{marta}/snooze", data={"until": "2001-01-01T09:00"}).status_code == 400
    assert desk.post(f"/conversations/{marta}/close", data={"seen": str(last)}).status_code == 303
    assert row(marta).status == "closed"
    assert desk.post(f"/conversations/{marta}/reopen").status_code == 303
    assert row(marta).status == "open"


def test_a_failed_message_is_sent_again_from_its_bubble(desk):
    marta = talk()
    says(marta)
    sends(desk, marta, "Hola")
    message = db.session.scalars(select(Message).where(Message.direction == "out")).one()
    message.status = "failed"
    db.session.commit()
    answer = desk.post(f"/conversations/{marta}/messages/{message.id}/again")
    assert answer.status_code == 303
    db.session.rollback()
    states = db.session.scalars(select(Message.status).where(Message.direction == "out").order_by(Message.id)).all()
    assert states == ["cancelled", "queued"]


def test_every_form_carries_the_token(desk):
    marta = talk()
    says(marta)
    answers(marta, status="failed", error_code=1)
    html = page(desk, f"/conversations/{marta}")
    forms = [form for form in re.findall(r"<form.*?</form>", html, re.S) if 'method="post"' in form]
    assert len(forms) > 6
    assert all('name="csrf_token"' in form for form in forms)
    refused = desk.post(f"/conversations/{marta}/takeover", headers={"X-CSRFToken": "wrong"})
    assert refused.status_code == 400
    assert row(marta).owner == "agent"


# Parts and pages of pages


def test_only_the_part_that_htmx_asks_for_is_made(desk):
    marta = waiting()
    says(marta)
    path = f"/conversations/{marta}"
    with statements() as whole:
        page(desk, path)
    with statements() as lines:
        html = page(desk, path, **part("list"))
    assert 'id="list"' in html
    assert 'aria-current="true"' in html
    assert 'id="thread"' not in html
    with statements() as work:
        html = page(desk, path, **part("work"))
    assert 'id="thread"' in html
    assert 'id="card"' in html
    assert 'id="list"' not in html
    assert len(lines) < len(whole)
    assert len(work) < len(whole)
    with statements() as nothing:
        assert "<header" not in page(desk, path, **part("presence"))
    assert len(nothing) == 1


def test_a_page_costs_the_same_however_much_there_is(desk):
    marta = waiting()
    says(marta)
    with statements() as few:
        page(desk, f"/conversations/{marta}?view=all")
    for number in range(12):
        says(waiting(f"Huésped {number}", "complaint"), "Hola")
        says(marta, f"Mensaje {number}")
    with statements() as many:
        page(desk, f"/conversations/{marta}?view=all")
    assert len(many) == len(few) <= 24


def test_the_list_goes_on_and_what_had_been_loaded_is_loaded_again(desk):
    for number in range(45):
        talk(f"Huésped {number}", minutes=number + 1)
    html = page(desk, "/conversations?view=all")
    assert html.count('<li id="line-') == 25
    more = re.search(r'id="more"><a class="button" href="([^"]+)"', html)
    assert more
    assert page(desk, more[1].replace("&amp;", "&")).count('<li id="line-') == 20
    assert page(desk, "/conversations?view=all&pages=2", **part("list")).count('<li id="line-') == 45


def test_what_was_said_before_is_a_page_back(desk):
    marta = talk()
    for number in range(50):
        says(marta, f"Mensaje {number}", minutes=60 - number)
    html = page(desk, f"/conversations/{marta}")
    assert "Mensaje 19<" not in html
    assert "Mensaje 20<" in html
    older = re.search(r'id="older"><a href="([^"]+)"', html)
    assert older
    html = page(desk, older[1].replace("&amp;", "&"))
    assert "Mensaje 19<" in html
    assert "Mensaje 20<" not in html
    assert 'id="newer"' in html


# News


def test_the_stream_tells_what_changed_without_the_database(desk):
    marta = talk()
    answer = desk.get(f"/events?conversation={marta}", headers={"Accept": "text/event-stream"}, buffered=False)
    assert answer.status_code == 200
    chunks = iter(answer.response)
    heard = ""
    with statements() as asked:
        while ":\n" not in heard:
            heard += next(chunks).decode()
    assert not asked
    assert [one.staff_id for one in presence.who([marta])[marta]] == [ana()]
    live.streams.tell({"topic": "conversations", "hotel": hotel_of("miramar"), "ids": [marta, 7]})
    live.streams.tell({"topic": "conversations", "hotel": hotel_of("andes"), "ids": [99]})
    while "changed" not in heard:
        heard += next(chunks).decode()
    assert f"event: changed\ndata: {' '.join(map(str, sorted((marta, 7))))}\n" in heard
    assert "99" not in {number for line in heard.splitlines() if line.startswith("data:") for number in line.split()}
    live.streams.tell({"topic": "session_ended"})
    heard += "".join(chunk.decode() for chunk in chunks)
    assert heard.endswith("event: bye\ndata: 1\n\n")
    assert marta not in presence.who([marta])


def test_writing_is_told_to_colleagues(desk, sign_in):
    marta = talk()
    says(marta)
    assert desk.post(f"/conversations/{marta}/presence", data={"writing": "1"}).status_code == 204
    speaks("luis@miramar.example", "es")
    assert "Ana está escribiendo…" in page(sign_in("luis@miramar.example"), f"/conversations/{marta}")
    assert "Ana está escribiendo…" not in page(desk, f"/conversations/{marta}")


# Files


def test_files_are_named_by_their_content_packed_and_kept_for_good(desk, client):
    html = page(desk, "/conversations")
    address = re.search(r'href="(/static/app\.css\?v=[0-9a-f]{10})"', html)
    assert address
    answer = client.get(address[1], headers={"Accept-Encoding": "gzip"})
    assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert answer.headers["Content-Encoding"] == "gzip"
    plain = client.get("/static/app.css")
    assert "immutable" not in plain.headers.get("Cache-Control", "")
    of_another_version = client.get("/static/app.css?v=0123456789")
    assert of_another_version.status_code == 200
    assert "immutable" not in of_another_version.headers.get("Cache-Control", "")
    assert len(answer.data) < len(plain.data) / 2


def test_the_inbox_weighs_little(desk, client):
    marta = waiting()
    for number in range(40):
        says(marta, f"Un mensaje de lo más corriente, el número {number}")
        talk(f"Huésped {number}")
    html = page(desk, f"/conversations/{marta}?view=all")
    weight = len(html.encode())
    for address in set(re.findall(r'"(/static/[^"#]+)', html)):
        weight += len(client.get(address, headers={"Accept-Encoding": "gzip"}).data)
    assert weight < 150_000


# Words


@pytest.fixture
def written_in(app, sign_in):
    """Do something as a reader of that language at Miramar."""

    def in_language(language: str, what):
        speaks("ana@miramar.example", language)
        browser = sign_in("ana@miramar.example")
        with app.test_request_context("/", headers={"Cookie": f"hotel={browser.get_cookie('hotel').value}"}):
            from hotel_agent.staff.access import me

            me()
            return what()

    return in_language


@pytest.mark.parametrize(
    ("language", "dates", "amount"),
    [
        ("es", "5–8 feb", "1.285,50\xa0€"),
        ("pt", "5 – 8 fev", "1\xa0285,50\xa0€"),
        ("en", "Feb 5\u2009–\u20098", "€1,285.50"),
    ],
)
def test_dates_and_money_are_written_as_one_reads_them(written_in, language, dates, amount):
    year = date.today().year + (date.today().month > 7)
    first, last = date(year, 2, 5), date(year, 2, 8)
    assert dates in written_in(language, lambda: i18n.date_range(first, last))
    assert written_in(language, lambda: i18n.money(Decimal("1285.50"), "EUR")).replace("\u202f", "\xa0") == amount


def test_times_are_those_of_the_hotels_wall(written_in):
    noon = datetime(2026, 7, 1, 10, 0, tzinfo=UTC)
    assert written_in("es", lambda: i18n.clock(noon)) == "12:00"
    assert written_in("es", lambda: i18n.moment(utcnow())).startswith("hoy a las ")


@pytest.mark.parametrize(
    ("digits", "written"),
    [
        ("34600111222", "+34 600 111 222"),
        ("351912345678", "+351 912 345 678"),
        ("447700900123", "+44 7700 900 123"),
        ("15551234567", "+1 555 123 4567"),
        ("hidden", "hidden"),
    ],
)
def test_a_phone_number_is_grouped(digits, written):
    assert i18n.phone(digits) == written


@pytest.mark.parametrize("language", ["es", "pt"])
def test_every_word_is_translated_and_the_catalogs_are_in_step(migrated_app, language):
    from babel.messages.extract import extract_from_dir
    from babel.messages.pofile import read_po

    from hotel_agent import ROOT

    methods = [("hotel_agent/**.py", "python"), ("templates/**.html", "jinja2")]
    seen = [message for _, _, message, *_ in extract_from_dir(str(ROOT), methods, directory_filter=is_ours)]
    found = {message if isinstance(message, str) else tuple(message) for message in seen}
    found -= {message[0] for message in found if isinstance(message, tuple)}  # One entry has both forms.
    folder = ROOT / "hotel_agent" / "translations" / language / "LC_MESSAGES"
    catalog = read_po(io.BytesIO((folder / "messages.po").read_bytes()), locale=language)
    written = {message.id: message for message in catalog if message.id}
    assert set(written) == found, "run `make translations`"
    for message in written.values():
        strings = message.string if isinstance(message.string, tuple) else (message.string,)
        assert all(strings), message.id
        assert not message.fuzzy, message.id
        assert not list(message.check(catalog)), message.id
    with (folder / "messages.mo").open("rb") as file:
        compiled = GNUTranslations(file)
    for key, message in written.items():
        if isinstance(key, tuple):
            said: object = (compiled.ngettext(key[0], key[1], 1), compiled.ngettext(key[0], key[1], 2))
        else:
            said = compiled.gettext(str(key))
        assert said == message.string, "run `make translations`"


def is_ours(folder: str) -> bool:
    return not any(name in folder for name in ("/.", "/var", "/__pycache__"))


def test_whoever_has_two_tabs_is_still_there_when_one_is_closed(desk):
    marta = talk()
    headers = {"Accept": "text/event-stream"}
    tabs = [desk.get(f"/events?conversation={marta}", headers=headers, buffered=False) for _ in range(2)]
    heard = [iter(tab.response) for tab in tabs]
    for chunks in heard:
        while ":\n" not in next(chunks).decode():
            pass
    tabs[0].response.close()
    live.streams.tell({"topic": "presence", "hotel": hotel_of("miramar"), "id": marta})
    while "presence" not in next(heard[1]).decode():
        pass
    assert [one.staff_id for one in presence.who([marta])[marta]] == [ana()]
    tabs[1].response.close()
