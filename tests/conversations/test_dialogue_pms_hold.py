"""Told stories of a room that the hotel's own PMS keeps, or that a colleague lets go: told once, and truthfully."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from sqlalchemy import text

from hotel_agent.conversations import handover, holds, lapsing
from hotel_agent.conversations.events import KINDS
from hotel_agent.conversations.holds import By
from hotel_agent.db import db
from hotel_agent.flags.switches import switch
from hotel_agent.hotels import changing
from hotel_agent.locks import telling
from hotel_agent.pms import keeping
from hotel_agent.pms.door import pms_for
from tests.conversations.bodies import MIRAMAR, from_guest, message
from tests.conversations.cast import ana, conversation, events, messages, out, time_passes
from tests.conversations.chat import day, span
from tests.pms.at_a_pms import at_a_pms, its_time_is_over
from tests.reservations.cast import all_at_once, hotel_named
from workers import upkeep

WISH = {
    "es": "Quiero reservar una doble {} para 2 adultos",
    "en": "I'd like to book a double room {} for 2 adults",
    "pt": "Quero reservar um quarto duplo {} para 2 adultos",
}


@pytest.fixture(params=["own rooms", "a PMS"])
def anywhere(request, app, monkeypatch):
    """Where the rooms are kept changes nothing for a guest."""
    if request.param == "own rooms":
        yield hotel_named("miramar")
    else:
        with at_a_pms("miramar", monkeypatch) as (hotel, _):
            yield hotel


@pytest.fixture
def miramar(app, monkeypatch):
    """Whose rooms are kept by a PMS."""
    with at_a_pms("miramar", monkeypatch) as (hotel, _):
        yield hotel


@pytest.fixture
def taps(deliver, run_jobs):
    def taps(beginning: str) -> str:
        before = len(messages("out"))
        shown = json.dumps([row.payload for row in messages("out")])
        [*_, reply_id] = [piece for piece in shown.split('"') if piece.startswith(beginning)]
        reply = {"type": "button_reply", "button_reply": {"id": reply_id, "title": "Sí"}}
        deliver(from_guest(message("interactive", interactive=reply), to=MIRAMAR))
        run_jobs()
        return " ".join(row.body for row in messages("out")[before:])

    return taps


@pytest.fixture
def says(marta_says, run_jobs):
    def says(words: str) -> str:
        before = len(messages("out"))
        marta_says(words, name="Marta García")
        run_jobs()
        return " ".join(row.body for row in messages("out")[before:])

    return says


@pytest.fixture
def kept(graph, says, taps):
    """Marta has a room kept; answers its key."""

    def kept(language: str = "es") -> str:
        says(WISH[language].format(span(language, day(0), day(2))))
        kinds = pms_for(hotel_named("miramar")).room_kinds()
        taps(f"offer:{next(kind.code for kind in kinds if 'doble' in kind.name_in('es').casefold())}:")
        return str(events("hold_made")[0][2]["hold"])

    return kept


def lapses(hold: str) -> list[str]:
    """What the guest hears when the time of it is over."""
    its_time_is_over(hold)
    before = len(messages("out"))
    upkeep.release_expired_holds()
    return [row.body for row in messages("out")[before:]]


def booked() -> int:
    found: int = db.session.scalar(text("select count(*) from reservations where guest_id is not null"))
    db.session.rollback()
    return found


# The time of what a PMS keeps is over


def test_the_guest_is_told_once_with_the_words_of_every_hotel(miramar, kept, run_jobs, sent):
    hold = kept()
    heard = len(sent)
    [told] = lapses(hold)
    assert told.startswith("Se ha pasado el tiempo que te guardaba *Doble*, del ")
    assert "No hay nada reservado" in told
    upkeep.release_expired_holds()
    run_jobs()
    assert len(sent) == heard + 1
    [button] = sent[-1].body["interactive"]["action"]["buttons"]
    assert button["reply"]["id"] == f"dates:{day(0)}:{day(2)}"
    [(_, _, details)] = events("hold_expired")
    assert set(details) <= set(KINDS["hold_expired"])
    assert details["hold"] == hold


@pytest.mark.parametrize(("language", "words"), [("en", "no longer keeping"), ("pt", "já não guardo")])
def test_it_is_told_in_the_guests_language(miramar, kept, language, words):
    [told] = lapses(kept(language))
    assert words in told


def test_it_is_told_while_the_pms_is_away(miramar, kept):
    hold = kept()
    changing.change(miramar.id, {"pms_url": "http://127.0.0.1:9"})
    assert len(lapses(hold)) == 1


def test_two_sweeps_at_once_tell_once(app, miramar, kept):
    hold = kept()
    its_time_is_over(hold)
    keeping.expire_overdue()
    before = len(messages("out"))
    all_at_once(app, 6, lambda _: lapsing.tell_lapsed())
    assert len(messages("out")) == before + 1
    assert len(events("hold_expired")) == 1


def test_it_is_told_whoever_marks_it(miramar, kept):
    """The PMS's own sweep may come by before the one that tells."""
    hold = kept()
    its_time_is_over(hold)
    pms_for(miramar).settle()
    before = len(messages("out"))
    upkeep.release_expired_holds()
    assert len(messages("out")) == before + 1


def test_what_was_booked_is_never_told_to_have_lapsed(miramar, kept, says):
    hold = kept()
    says("sí")
    assert booked() == 1
    assert lapses(hold) == []
    assert events("hold_expired") == []


def test_what_was_let_go_is_never_told_to_have_lapsed(miramar, kept, says):
    hold = kept()
    says("no, gracias")
    assert lapses(hold) == []
    assert events("hold_expired") == []


def test_nothing_is_said_once_the_window_is_closed(miramar, kept):
    hold = kept()
    time_passes(hours=25)
    assert lapses(hold) == []
    assert len(events("hold_expired")) == 1


def test_nothing_is_said_where_a_colleague_answers(miramar, kept):
    hold = kept()
    handover.take_over(conversation().id, ana(), hotel_id=miramar.id)
    assert lapses(hold) == []
    assert len(events("hold_expired")) == 1


def test_nothing_is_said_where_the_agent_is_switched_off(miramar, kept):
    hold = kept()
    switch("agent", False, miramar.id)
    assert lapses(hold) == []


def test_nothing_is_said_to_whoever_has_another_room_kept_there(miramar, kept):
    hold = kept()
    its_time_is_over(hold)
    keeping.expire_overdue()
    db.session.execute(
        text(
            "insert into pms_holds (hotel_id, guest_id, hold_key, request_key, token, code, status, check_in,"
            " check_out, total, late_fee, currency, expires_at) select hotel_id, guest_id, 'another', 'another',"
            " 'another', 'another', 'active', check_in + 20, check_out + 20, 190, 95, 'EUR',"
            " now() + interval '10 minutes' from pms_holds where hold_key = :hold"
        ),
        {"hold": hold},
    )
    db.session.commit()
    before = len(messages("out"))
    upkeep.release_expired_holds()
    assert len(messages("out")) == before


def test_whoever_has_just_written_is_answered_first(miramar, kept, marta_says, run_jobs):
    hold = kept()
    its_time_is_over(hold)
    marta_says("sí", name="Marta García")
    from workers import messages as jobs

    jobs.take_in()
    before = len(messages("out"))
    upkeep.release_expired_holds()
    assert len(messages("out")) == before
    run_jobs()
    assert booked() == 1  # It still stood there, at its price, and the guest knew of nothing else.
    upkeep.release_expired_holds()
    assert not [row.body for row in messages("out") if "ya no te lo guardo" in row.body]


def test_a_yes_after_that_looks_again_and_books_nothing(miramar, kept, says):
    lapses(kept())
    assert "190,00" in says("sí")
    assert booked() == 0


def test_what_lapsed_long_ago_is_told_to_nobody(miramar, kept):
    hold = kept()
    db.session.execute(
        text("update pms_holds set expires_at = now() - cast(:by as interval) where hold_key = :k"),
        {"by": timedelta(days=8), "k": hold},
    )
    db.session.commit()
    before = len(messages("out"))
    upkeep.release_expired_holds()
    assert len(messages("out")) == before


# A colleague has let it go: the guest hears it from them, and nothing else from the agent


@pytest.fixture
def let_go(anywhere, kept):
    hold = kept()
    before = len(messages("out"))
    holds.release(anywhere, hold, By(ana(), "ana@miramar.example"), "Reserva de grupo", conversation().id)
    assert len(messages("out")) == before
    return hold


@pytest.mark.parametrize("agrees", ["sí", "vale, confírmalo", "ok"])
def test_a_yes_after_that_is_told_the_truth_and_looked_at_anew(let_go, says, agrees):
    told = says(agrees)
    assert "Recepción ha liberado lo que te guardaba" in told
    assert "te guardo" not in told
    assert "190,00" in told
    assert booked() == 0
    says("sí")
    assert booked() == 0
    says("sí")
    assert booked() == 1


def test_the_button_of_before_books_nothing_either(let_go, taps):
    told = taps("confirm:")
    assert "Recepción ha liberado lo que te guardaba" in told
    assert booked() == 0


def test_whoever_wants_it_for_longer_hears_the_same(let_go, says):
    told = says("dame 10 minutos más")
    assert "Recepción ha liberado lo que te guardaba" in told
    assert "hasta las" not in told


@pytest.mark.parametrize("words", ["¿me la sigues guardando?", "¿tenéis parking?", "¿hasta cuándo me la guardas?"])
def test_the_agent_never_says_that_it_is_still_kept(let_go, says, words):
    assert "te lo guardo" not in says(words).lower()
    assert "sigo guardando" not in says(words).lower()


def test_a_no_ends_it(let_go, says):
    assert "guardo hasta" not in says("no, gracias")
    assert booked() == 0
    assert len(events("hold_released")) == 1


def test_it_is_no_lapse(let_go, anywhere):
    before = len(messages("out"))
    for table in ("reservation_locks", "pms_holds"):
        db.session.execute(
            text(f"update {table} set expires_at = now() - interval '1 second' where hold_key = :k"), {"k": let_go}
        )
    db.session.commit()
    upkeep.release_expired_holds()
    assert len(messages("out")) == before
    assert events("hold_expired") == []


def test_the_reason_is_on_record_and_in_the_thread(let_go, anywhere):
    [(_, staff_id, details)] = events("hold_released")
    assert (staff_id, details) == (ana(), {"hold": let_go, "reason": "Reserva de grupo"})
    step = next(step for step in telling.of_hold(anywhere.id, let_go) if step.action == "released")
    assert (step.who.kind, step.who.id, step.why) == ("staff", ana(), "Reserva de grupo")


def test_a_time_that_ran_out_is_still_told_as_such(anywhere, kept, says):
    kept()
    for table in ("reservation_locks", "pms_holds"):
        db.session.execute(
            text(
                f"update {table} set status = 'expired', lapse_told_at = now(),"
                " expires_at = now() - interval '1 second' where status = 'active'"
            )
        )
    db.session.commit()
    told = says("dame 10 minutos más")
    assert "Se había pasado el tiempo" in told


def test_a_colleague_keeps_it_for_longer_and_the_agent_tells_the_new_time(anywhere, kept, says):
    hold = kept()
    until = holds.extend(anywhere, hold, By(ana(), "ana@miramar.example"), "press 1", conversation().id)
    [(_, staff_id, details)] = events("hold_extended")
    assert staff_id == ana()
    assert set(details) == set(KINDS["hold_extended"])
    assert f"{until.astimezone(anywhere.zone):%H:%M}" in says("¿tenéis parking?") + says("déjame pensarlo")
    says("sí")
    assert booked() == 1
    assert [row for row in out() if "confirmada" in row[1]]
