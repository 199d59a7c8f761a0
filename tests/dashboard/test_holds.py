"""The rooms that are kept for a guest, on the card: how long still, longer, let go, and what was done with them."""

from __future__ import annotations

import re
from datetime import timedelta
from uuid import uuid4

import pytest
from sqlalchemy import select, text

from hotel_agent.audit.models import AuditEntry
from hotel_agent.conversations.models import Conversation, ConversationEvent
from hotel_agent.dashboard.stay import card
from hotel_agent.db import db, utcnow
from hotel_agent.locks import holding, telling
from hotel_agent.locks.auditing import Who
from hotel_agent.pms.contract import RoomRequest
from hotel_agent.pms.door import pms_for
from hotel_agent.reservations.booking import book, hold_quote
from hotel_agent.staff.models import Staff
from tests.conversations.cast import ana
from tests.dashboard.cast import by_id, hotel, statements, talk
from tests.pms.at_a_pms import at_a_pms, its_time_is_over
from tests.reservations.cast import all_at_once, nights

PARTS = {"HX-Request": "true", "HX-Target": "div#work"}


@pytest.fixture
def desk(sign_in):
    """Ana's browser, in Spanish."""
    db.session.scalars(select(Staff).where(Staff.email == "ana@miramar.example")).one().language = "es"
    db.session.commit()
    return sign_in("ana@miramar.example")


@pytest.fixture
def at_the_pms(app, monkeypatch):
    """The Miramar with a PMS of its own."""
    with at_a_pms("miramar", monkeypatch) as (_, pms):
        yield pms


def keeps(conversation_id: int, first: int = 0, key: str = "m1", rooms: int = 1) -> str:
    """A double room for the conversation's guest; its key."""
    row = db.session.get_one(Conversation, conversation_id)
    here = by_id(row.hotel_id)
    code = next(kind.code for kind in pms_for(here).room_kinds() if "doble" in kind.name_in("es").casefold())
    return hold_quote(here, row.guest_id, nights(first, 2), [RoomRequest(code, 2)] * rooms, key).hold_key


def longer(browser, conversation_id: int, hold: str, client_id: str = "", **headers: str):
    form = {"client_id": client_id or str(uuid4())}
    return browser.post(f"/conversations/{conversation_id}/holds/{hold}/extend", data=form, headers=headers)


def let_go(browser, conversation_id: int, hold: str, reason: str = "Reserva de grupo", **headers: str):
    path = f"/conversations/{conversation_id}/holds/{hold}/release"
    return browser.post(path, data={"reason": reason}, headers=headers)


def words_of(html: str) -> str:
    return " ".join(re.sub(r"<[^>]*>", " ", html).split())


def shown(browser, conversation_id: int) -> str:
    return browser.get(f"/conversations/{conversation_id}").text


def ends(hold: str):
    db.session.rollback()
    return db.session.execute(
        text(
            "select status, expires_at from reservation_locks where hold_key = :hold"
            " union all select status, expires_at from pms_holds where hold_key = :hold"
        ),
        {"hold": hold},
    ).first()


def nearly_over(hold: str) -> None:
    for table in ("reservation_locks", "pms_holds"):
        db.session.execute(
            text(f"update {table} set expires_at = now() + interval '1 minute' where hold_key = :hold"), {"hold": hold}
        )
    db.session.commit()


def time_is_over(hold: str) -> None:
    db.session.execute(
        text("update reservation_locks set expires_at = now() - interval '1 second' where hold_key = :hold"),
        {"hold": hold},
    )
    db.session.commit()


def happened(conversation_id: int) -> list[tuple[str, int | None, dict]]:
    db.session.rollback()
    rows = db.session.scalars(
        select(ConversationEvent)
        .where(ConversationEvent.conversation_id == conversation_id)
        .order_by(ConversationEvent.id)
    )
    return [(row.kind, row.staff_id, row.details) for row in rows]


def audited() -> list[tuple[str, str, str]]:
    db.session.rollback()
    rows = db.session.scalars(select(AuditEntry).where(AuditEntry.action.like("hold%")).order_by(AuditEntry.id))
    return [(row.action, row.actor, row.subject) for row in rows]


def steps(hold: str) -> list[tuple[str, Who, str]]:
    return [(step.action, step.who, step.why) for step in telling.of_hold(hotel().id, hold)]


# Longer


def test_a_colleague_keeps_a_room_for_longer(desk):
    marta = talk()
    hold = keeps(marta)
    nearly_over(hold)
    answer = longer(desk, marta, hold)
    assert answer.status_code == 303
    assert ends(hold).expires_at > utcnow() + timedelta(minutes=10)
    [(kind, staff_id, details)] = happened(marta)
    assert (kind, staff_id, details["hold"]) == ("hold_extended", ana(), hold)
    assert audited() == [("hold_extended", "ana@miramar.example", hold)]
    assert steps(hold)[-1][:2] == ("extended", Who("staff", ana()))
    assert "Ana guarda la habitación más tiempo, hasta" in words_of(shown(desk, marta))


def test_the_same_press_twice_is_once_more(desk):
    marta = talk()
    hold, press = keeps(marta), str(uuid4())
    for _ in range(3):
        assert longer(desk, marta, hold, press).status_code == 303
    assert len(holding.claims_of(hold)[0].extensions) == 1
    assert len(happened(marta)) == 1


def test_twice_and_then_the_button_is_grey_and_says_why(desk):
    marta = talk()
    hold = keeps(marta)
    for _ in range(2):
        [button] = re.findall(r"<button[^>]*hold-extend[^>]*>", shown(desk, marta))
        assert " disabled" not in button
        assert longer(desk, marta, hold).status_code == 303
    html = shown(desk, marta)
    [button] = re.findall(r"<button[^>]*hold-extend[^>]*>", html)
    assert " disabled" in button
    [told_by] = re.findall(r'aria-describedby="([^"]+)"', button)
    assert f'id="{told_by}">Ya van dos veces' in html
    refused = longer(desk, marta, hold)
    assert refused.status_code == 400
    assert "Ya se ha alargado dos veces" in words_of(refused.text)
    assert len(happened(marta)) == 2


# Let go


def test_a_colleague_lets_a_room_go_for_a_reason(desk, sent):
    marta = talk()
    hold = keeps(marta, rooms=2)
    assert let_go(desk, marta, hold, "  Reserva\n de grupo ").status_code == 303
    assert ends(hold).status == "released"
    assert steps(hold)[-1] == ("released", Who("staff", ana()), "Reserva de grupo")
    [(kind, staff_id, details)] = happened(marta)
    assert (kind, staff_id, details) == ("hold_released", ana(), {"hold": hold, "reason": "Reserva de grupo"})
    assert audited() == [("hold_released", "ana@miramar.example", hold)]
    words = words_of(shown(desk, marta))
    assert "Ana liberó la habitación guardada: Reserva de grupo" in words
    assert "Liberada · Ana: Reserva de grupo" in words
    assert len(sent) == 0


@pytest.mark.parametrize("reason", ["", "  \n "])
def test_without_a_reason_nothing_is_let_go(desk, reason):
    marta = talk()
    hold = keeps(marta)
    refused = let_go(desk, marta, hold, reason)
    assert refused.status_code == 400
    assert "Di por qué se suelta" in refused.text
    assert ends(hold).status == "active"
    assert happened(marta) == []


def test_the_form_asks_for_the_reason_and_works_without_scripts(desk):
    marta = talk()
    hold = keeps(marta)
    html = shown(desk, marta)
    form = re.search(rf'<form method="post" action="/conversations/{marta}/holds/{hold}/release".*?</form>', html, re.S)
    assert form
    assert re.search(r'<input[^>]*name="reason" required', form[0])
    assert 'name="csrf_token"' in form[0]


def test_what_is_over_is_not_let_go_nor_kept(desk):
    marta = talk()
    hold = keeps(marta)
    row = db.session.get_one(Conversation, marta)
    book(by_id(row.hotel_id), hold, row.guest_id, "Marta García", "yes")
    for answer in (longer(desk, marta, hold), let_go(desk, marta, hold)):
        assert answer.status_code == 400
    assert ends(hold).status == "booked"
    gone = keeps(marta, 5, "m2")
    time_is_over(gone)
    assert "ya no está guardada" in longer(desk, marta, gone).text
    assert happened(marta) == []


def test_only_the_guests_own_hold_and_only_of_this_hotel(desk, sign_in):
    marta, pedro = talk("Marta"), talk("Pedro")
    hold = keeps(marta)
    assert longer(desk, pedro, hold).status_code == 404
    assert let_go(desk, pedro, hold).status_code == 404
    oscar, his_guest = sign_in("oscar@andes.example"), talk("Inés", slug="andes")
    assert let_go(oscar, his_guest, hold).status_code == 404
    assert longer(oscar, his_guest, hold).status_code == 404
    assert let_go(oscar, marta, hold).status_code == 404
    assert longer(oscar, marta, hold).status_code == 404
    assert ends(hold).status == "active"


def test_who_may_not_sees_no_buttons_and_does_nothing(sign_in):
    marta = talk()
    hold = keeps(marta)
    olga = sign_in("olga@miramar.example")
    assert let_go(olga, marta, hold).status_code == 403
    assert longer(olga, marta, hold).status_code == 403
    assert ends(hold).status == "active"


def test_htmx_gets_the_part_that_it_asks_for(desk):
    marta = talk()
    hold = keeps(marta)
    answer = let_go(desk, marta, hold, **PARTS)
    assert answer.status_code == 200
    assert 'id="card"' in answer.text
    assert "<html" not in answer.text
    assert 'data-action="hold-release"' not in answer.text


# What was done with it


def test_the_card_tells_the_whole_trail(desk):
    marta = talk()
    hold = keeps(marta)
    longer(desk, marta, hold)
    here, who = hotel(), db.session.get_one(Conversation, marta).guest_id
    [line] = card(here, who, "es").holds
    assert [(step.action, step.who, step.staff_name, step.why) for step in line.trail] == [
        ("held", "guest", None, ""),
        ("extended", "staff", "Ana", ""),
    ]
    assert (line.key, line.may_be_extended) == (hold, True)
    let_go(desk, marta, hold)
    told = card(here, who, "es")
    assert told.holds == ()
    assert [step.action for step in told.holds_over[0].trail] == ["held", "extended", "released"]
    db.session.execute(
        text("update reservation_locks set created_at = created_at - interval '8 days' where hold_key = :k"),
        {"k": hold},
    )
    db.session.commit()
    assert card(here, who, "es").holds_over == ()


def test_several_rooms_are_one_trail(desk):
    marta = talk()
    keeps(marta, rooms=3)
    [line] = card(hotel(), db.session.get_one(Conversation, marta).guest_id, "es").holds
    assert [step.action for step in line.trail] == ["held"]
    assert len(line.rooms) == 3


def test_a_booking_that_was_moved_is_no_hold(desk):
    marta = talk()
    hold = keeps(marta)
    row = db.session.get_one(Conversation, marta)
    booking = book(by_id(row.hotel_id), hold, row.guest_id, "Marta García", "yes")
    number = db.session.scalar(text("select id from reservations where code = :code"), {"code": booking.code})
    [was] = holding.claims_of_booking(number)
    holding.rebook(number, was.check_in, was.check_out, [holding.Wanted((was.resource_id,), was.price, 2, 0)])
    db.session.commit()
    told = card(hotel(), row.guest_id, "es")
    assert [line.key for line in told.holds_over] == [hold]
    assert [step.action for step in told.holds_over[0].trail] == ["held", "booked"]


def test_it_costs_no_more_statements_however_many_there_were(desk):
    marta = talk()
    here, who = hotel(), db.session.get_one(Conversation, marta).guest_id
    with statements() as none:
        card(here, who, "es")
    for number in range(6):
        let_go(desk, marta, keeps(marta, 3 * number, f"m{number}"))
    keeps(marta, 30, "last")
    with statements() as many:
        told = card(here, who, "es")
    assert (len(told.holds), len(told.holds_over)) == (1, 6)
    assert len(many) == len(none) == 3


# Kept by the hotel's own PMS


def test_at_a_pms_a_worker_keeps_it_for_longer_and_lets_it_go(at_the_pms, desk, api_worker):
    marta = talk()
    hold = keeps(marta)
    nearly_over(hold)
    assert longer(desk, marta, hold).status_code == 303
    assert ends(hold).expires_at > utcnow() + timedelta(minutes=10)
    html = words_of(shown(desk, marta))
    assert "Guardado mientras decide Doble" in html
    assert "Guardada más tiempo · Ana" in html
    assert let_go(desk, marta, hold, "Reserva de grupo").status_code == 303
    assert ends(hold).status == "released"
    assert [(kind, who) for kind, who, _ in happened(marta)] == [("hold_extended", ana()), ("hold_released", ana())]
    assert [action for action, *_ in audited()] == ["hold_extended", "hold_released"]
    assert [step for step in steps(hold) if step[0] in ("extended", "released")][1] == (
        "released",
        Who("staff", ana()),
        "Reserva de grupo",
    )
    assert not [order for order in at_the_pms.orders("ha") if at_the_pms.active_lines(order)]
    words = words_of(shown(desk, marta))
    assert "Liberada · Ana: Reserva de grupo" in words


def test_at_a_pms_refusals_are_told_in_words(at_the_pms, desk, api_worker):
    marta = talk()
    hold = keeps(marta)
    for _ in range(2):
        longer(desk, marta, hold)
    refused = longer(desk, marta, hold)
    assert refused.status_code == 400
    assert "Ya se ha alargado dos veces" in words_of(refused.text)
    its_time_is_over(hold)
    assert "ya no está guardada" in let_go(desk, marta, hold).text


def test_when_no_worker_answers_nobody_claims_to_know(at_the_pms, desk, monkeypatch):
    from hotel_agent.dashboard import routes

    monkeypatch.setattr(routes, "PMS_SECONDS", 1)
    marta = talk()
    hold = keeps(marta)
    asked = len(at_the_pms.requests)
    answer = let_go(desk, marta, hold)
    assert answer.status_code == 503
    assert "El PMS aún no ha respondido" in words_of(answer.text)
    assert ends(hold).status == "active"
    assert len(at_the_pms.requests) == asked


def test_another_hotels_people_ask_no_pms(at_the_pms, sign_in):
    marta = talk()
    hold = keeps(marta)
    assert let_go(sign_in("oscar@andes.example"), marta, hold).status_code == 404


def test_colleagues_at_once_let_a_room_go_once(app, sign_in):
    marta = talk()
    hold = keeps(marta)
    desks = [sign_in("ana@miramar.example"), sign_in("luis@miramar.example")] * 2

    def press(number):
        return let_go(desks[number], marta, hold).status_code

    assert sorted(all_at_once(app, 4, press)) == [303, 400, 400, 400]
    assert [kind for kind, *_ in happened(marta)] == ["hold_released"]
    assert [action for action, *_ in steps(hold)] == ["held", "released"]
