"""Told stories of a room that is kept: for a moment more, and no longer."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from sqlalchemy import text

from hotel_agent.conversations import handover, lapsing
from hotel_agent.conversations.events import KINDS
from hotel_agent.db import db, utcnow
from hotel_agent.flags.switches import switch
from hotel_agent.locks import holding, telling
from tests.conversations.bodies import MIRAMAR, from_guest, message
from tests.conversations.cast import ana, conversation, events, messages, out, time_passes
from tests.conversations.chat import Chat, day, hotel_named, new_guest, span
from tests.reservations.cast import all_at_once
from workers import upkeep


@pytest.fixture
def miramar(app):
    return hotel_named("miramar")


@pytest.fixture
def marta(miramar):
    return Chat(miramar, new_guest(miramar))


WISH = {
    "es": "Quiero reservar una doble {} para 2 adultos",
    "en": "I'd like to book a double room {} for 2 adults",
    "pt": "Quero reservar um quarto duplo {} para 2 adultos",
}


def held(chat: Chat, language: str = "es"):
    chat.says(WISH[language].format(span(language, day(0), day(2))))
    return chat.taps("offer:doble")


def nearly_over(guest_id: int) -> None:
    db.session.execute(
        text(
            "update reservation_locks set expires_at = now() + interval '1 minute'"
            " where guest_id = :guest and status = 'active'"
        ),
        {"guest": guest_id},
    )
    db.session.commit()


def until(chat: Chat):
    db.session.rollback()
    return chat.hotel, holding.claims_of(chat.remembered.hold or "")[0].expires_at


# For a moment more

LONGER = [
    ("es", "espera un momento más"),
    ("es", "dame 10 minutos"),
    ("es", "Dame unos minutos, por favor"),
    ("es", "¿me lo puedes guardar un poco más?"),
    ("es", "necesito más tiempo para decidirme"),
    ("es", "tengo que consultarlo con mi mujer, ¿me la guardas un rato más?"),
    ("es", "un momento"),
    ("es", "déjame pensarlo"),
    ("es", "¿puedes ampliar el tiempo?"),
    ("es", "aguántamela media hora"),
    ("en", "can you hold it a bit longer?"),
    ("en", "give me 10 minutes"),
    ("en", "I need more time to decide"),
    ("en", "hold on a moment"),
    ("en", "let me ask my wife first, can you keep it a little longer"),
    ("en", "one more minute please"),
    ("en", "could you extend the hold?"),
    ("en", "let me think about it"),
    ("pt", "espera um momento"),
    ("pt", "me dá 10 minutos"),
    ("pt", "pode guardar mais um pouco?"),
    ("pt", "preciso de mais tempo"),
    ("pt", "segura mais um pouquinho"),
    ("pt", "deixa eu pensar"),
]


@pytest.mark.parametrize(("language", "words"), LONGER, ids=[words for _, words in LONGER])
def test_a_guest_who_needs_a_moment_gets_the_whole_time_again(marta, language, words):
    held(marta, language)
    nearly_over(marta.guest.id)
    kept = marta.says(words)
    hotel, ends = until(marta)
    assert ends > utcnow() + timedelta(minutes=10)
    assert kept.says(f"{ends.astimezone(hotel.zone):%H:%M}")
    assert [one.split(":")[0] for one in kept.ids] == ["confirm", "decline"]
    assert kept.answer.language == language
    assert (marta.locks("active"), marta.bookings()) == (1, [])


@pytest.mark.parametrize(
    ("language", "words", "no_more"),
    [
        ("es", "dame un rato más", "más tiempo"),
        ("en", "can you hold it a bit longer?", "any longer"),
        ("pt", "pode guardar mais um pouco?", "por mais tempo"),
    ],
)
def test_twice_and_then_no_more_and_a_yes_still_books(marta, language, words, no_more):
    held(marta, language)
    for _ in range(2):
        nearly_over(marta.guest.id)
        assert not marta.says(words).says(no_more)
    nearly_over(marta.guest.id)
    refused = marta.says(words)
    hotel, ends = until(marta)
    assert ends < utcnow() + timedelta(minutes=2)
    assert refused.says(no_more, f"{ends.astimezone(hotel.zone):%H:%M}")
    marta.says({"es": "sí", "en": "yes", "pt": "sim"}[language])
    assert [booking.status for booking in marta.bookings()] == ["booked"]
    actions = [step.action for step in telling.of_reservation(marta.hotel.id, marta.bookings()[0].id)]
    assert [action for action in actions if action != "changed"] == ["held", "extended", "extended", "booked"]


def test_a_wish_that_comes_when_the_time_is_over_looks_again(marta):
    held(marta)
    db.session.execute(
        text("update reservation_locks set expires_at = now() - interval '1 minute' where status = 'active'")
    )
    db.session.commit()
    again = marta.says("dame 10 minutos")
    assert again.says("se había pasado el tiempo")
    assert any(one.startswith("offer:") for one in again.ids)
    assert marta.bookings() == []


def test_whoever_has_not_said_their_name_is_asked_for_it_again(miramar):
    nobody = Chat(miramar, new_guest(miramar, None))
    held(nobody)
    kept = nobody.says("espera un momento")
    assert kept.asks_for == "name"
    assert kept.says("nombre")
    assert nobody.says("Luisa Pérez").says("Luisa Pérez")


def test_an_answer_that_is_made_twice_extends_once(marta):
    held(marta)
    state = marta.state
    marta.says("dame 10 minutos")
    marta.state, marta.count = state, marta.count - 1
    assert marta.says("dame 10 minutos").ids
    assert len(holding.claims_of(marta.remembered.hold)[0].extensions) == 1


def test_what_is_asked_besides_is_answered_too(marta):
    held(marta)
    kept = marta.says("dame 10 minutos. ¿Tenéis parking?")
    assert kept.says("aparcamiento")
    assert len(holding.claims_of(marta.remembered.hold)[0].extensions) == 1
    assert kept.ids[0].startswith("confirm:")


@pytest.mark.parametrize(
    "words",
    [
        "¿podéis guardarme la maleta un rato más?",
        "can I stay in the room a bit longer?",
        "quiero quedarme dos noches más",
        "necesito hablar con una persona un momento",
        "sí, confírmala",
        "sí, y gracias por esperar un momento",
        "¿me das una más?",
        "no, gracias",
    ],
)
def test_other_things_that_last_longer_extend_nothing(marta, words):
    held(marta)
    hold_key = marta.remembered.hold
    marta.says(words)
    assert not holding.claims_of(hold_key)[0].extensions


def test_without_a_hold_nothing_is_kept_longer(marta):
    assert not marta.says("dame 10 minutos").says("te lo guardo")
    assert [one.kind for one in marta.last.answer.happenings] == []


# And no longer: told once


@pytest.fixture
def taps(deliver, run_jobs):
    def taps(beginning: str) -> None:
        shown = json.dumps([row.payload for row in messages("out")])
        [*_, reply_id] = [piece for piece in shown.split('"') if piece.startswith(beginning)]
        reply = {"type": "button_reply", "button_reply": {"id": reply_id, "title": "Sí"}}
        deliver(from_guest(message("interactive", interactive=reply), to=MIRAMAR))
        run_jobs()

    return taps


@pytest.fixture
def says(marta_says, run_jobs):
    def says(words: str) -> list[str]:
        before = len(messages("out"))
        marta_says(words, name="Marta García")
        run_jobs()
        return [row.body for row in messages("out")[before:]]

    return says


@pytest.fixture
def a_hold(says, taps, graph) -> str:
    says(WISH["es"].format(span("es", day(0), day(2))))
    taps("offer:doble")
    return events("hold_made")[0][2]["hold"]


def its_time_is_over() -> None:
    db.session.execute(
        text("update reservation_locks set expires_at = now() - interval '1 second' where status = 'active'")
    )
    db.session.commit()


def lapses() -> list[str]:
    """What the guest hears of it."""
    its_time_is_over()
    before = len(messages("out"))
    upkeep.release_expired_holds()
    return [row.body for row in messages("out")[before:]]


def bookings() -> int:
    found = db.session.scalar(text("select count(*) from reservations where guest_id is not null"))
    db.session.rollback()
    return found


def test_the_guest_is_told_once_that_the_room_is_kept_no_longer(a_hold, run_jobs, sent):
    heard = len(sent)
    [told] = lapses()
    assert "ya no te lo guardo" in told
    assert "No hay nada reservado" in told
    upkeep.release_expired_holds()
    run_jobs()
    assert len(sent) == heard + 1
    [button] = sent[-1].body["interactive"]["action"]["buttons"]
    assert button["reply"]["id"] == f"dates:{day(0)}:{day(2)}"
    [(_, _, details)] = events("hold_expired")
    assert set(details) <= set(KINDS["hold_expired"])
    assert details["hold"] == a_hold
    assert out()[-1][0] == "agent"


def test_two_jobs_at_once_tell_once(app, a_hold):
    its_time_is_over()
    holding.release_expired()
    before = len(messages("out"))
    all_at_once(app, 6, lambda _: lapsing.tell_lapsed())
    assert len(messages("out")) == before + 1
    assert len(events("hold_expired")) == 1


def test_a_job_that_died_after_the_room_was_free_has_the_next_one_tell(a_hold):
    its_time_is_over()
    holding.release_expired()
    before = len(messages("out"))
    upkeep.release_expired_holds()
    assert len(messages("out")) == before + 1


def test_a_hold_that_another_guest_came_upon_is_told_as_well(a_hold, miramar):
    """Whoever wants the room marks what has lapsed, before the job comes by."""
    its_time_is_over()
    db.session.execute(text("update reservation_locks set status = 'expired' where status = 'active'"))
    db.session.commit()
    before = len(messages("out"))
    upkeep.release_expired_holds()
    assert len(messages("out")) == before + 1


@pytest.mark.parametrize("agrees", ["sí", "vale, confírmalo", "ok"])
def test_a_yes_after_that_looks_again_and_books_nothing(a_hold, says, agrees):
    lapses()
    answered = " ".join(says(agrees))
    assert "190,00" in answered
    assert bookings() == 0
    says("sí")
    assert bookings() == 0
    says("sí")
    assert bookings() == 1


def test_a_late_yes_of_a_talk_that_is_over_books_nothing_either(a_hold, says):
    lapses()
    db.session.execute(text("update sessions set last_activity = last_activity - interval '2 hours'"))
    db.session.commit()
    assert "190,00" in " ".join(says("sí"))
    assert bookings() == 0


def test_the_old_button_books_nothing(a_hold, taps):
    lapses()
    taps("confirm:")
    assert bookings() == 0
    assert "190,00" in out()[-1][1]


def test_the_new_button_looks_again(a_hold, taps):
    lapses()
    taps("dates:")
    assert "190,00" in out()[-1][1]
    assert bookings() == 0


def test_a_no_ends_it(a_hold, says):
    lapses()
    assert "no reservo nada" in " ".join(says("no, gracias"))
    assert bookings() == 0


def test_nothing_is_said_to_whoever_wants_no_messages_and_the_thread_shows_it(a_hold, says):
    says("BAJA")
    assert lapses() == []
    assert len(events("hold_expired")) == 1


def test_nothing_is_said_once_the_window_is_closed(a_hold):
    time_passes(hours=25)
    assert lapses() == []
    assert len(events("hold_expired")) == 1


def test_nothing_is_said_where_a_colleague_answers(a_hold):
    handover.take_over(conversation().id, ana(), hotel_id=conversation().hotel_id)
    assert lapses() == []
    assert len(events("hold_expired")) == 1


def test_nothing_is_said_where_the_agent_is_switched_off(a_hold):
    switch("agent", False, conversation().hotel_id)
    assert lapses() == []


def test_nothing_is_said_to_whoever_has_let_it_go(a_hold, says):
    says("no, gracias")
    assert lapses() == []
    assert events("hold_expired") == []


def test_nothing_is_said_to_whoever_holds_another_room(a_hold, taps):
    its_time_is_over()
    holding.release_expired()
    db.session.execute(
        text(
            "insert into reservation_locks (hotel_id, resource_id, status, check_in, check_out, expires_at, guest_id,"
            " hold_key, price) select hotel_id, resource_id, 'active', check_in + 20, check_out + 20,"
            " now() + interval '10 minutes', guest_id, 'another', price from reservation_locks where hold_key = :hold"
        ),
        {"hold": a_hold},
    )
    db.session.commit()
    before = len(messages("out"))
    upkeep.release_expired_holds()
    assert len(messages("out")) == before


def test_nothing_is_said_to_whoever_has_booked_those_nights_meanwhile(a_hold):
    db.session.execute(
        text(
            "insert into reservations (hotel_id, code, guest_id, guest_name, status, check_in, check_out, adults,"
            " total, currency) select hotel_id, 'MIR-ABC234', guest_id, 'Marta García', 'booked', check_in, check_out,"
            " 2, 190, 'EUR' from reservation_locks where hold_key = :hold"
        ),
        {"hold": a_hold},
    )
    db.session.commit()
    assert lapses() == []


def test_whoever_has_just_written_is_answered_first(a_hold, says, run_jobs, marta_says):
    its_time_is_over()
    marta_says("sí", name="Marta García")
    from workers import messages as jobs

    jobs.take_in()
    before = len(messages("out"))
    upkeep.release_expired_holds()
    assert len(messages("out")) == before
    run_jobs()
    assert bookings() == 1  # The room was still free, at the same price, and the guest knew of nothing else.
    upkeep.release_expired_holds()
    assert not [row.body for row in messages("out") if "ya no te lo guardo" in row.body]


def test_at_the_api_nobody_is_written_to(a_hold):
    db.session.execute(text("update conversations set channel = 'api'"))
    db.session.commit()
    assert lapses() == []
    assert len(events("hold_expired")) == 1


@pytest.mark.parametrize(("language", "words"), [("en", "no longer keeping"), ("pt", "já não guardo")])
def test_it_is_told_in_the_guests_language(says, taps, graph, language, words):
    says(WISH[language].format(span(language, day(0), day(2))))
    taps("offer:doble")
    [told] = lapses()
    assert words in told


def test_a_wish_for_longer_is_shown_in_the_thread(a_hold, says, sign_in):
    says("dame 10 minutos")
    [(_, staff_id, details)] = events("hold_extended")
    assert staff_id is None
    assert set(details) == set(KINDS["hold_extended"])
    page = sign_in("ana@miramar.example").get(f"/conversations/{conversation().id}").text
    assert "as the guest asked" in page or "como pidió el huésped" in page
