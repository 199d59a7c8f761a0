"""`/reservations/<code>/change` and `/cancel`: by the rules of the agent, at the price that was shown, once."""

from __future__ import annotations

import re
from datetime import date, timedelta
from decimal import Decimal
from html import unescape
from typing import Any

import pytest
from sqlalchemy import text

from hotel_agent import queues
from hotel_agent.db import db, utcnow
from hotel_agent.pms.contract import BookRequest, HoldRequest, RoomRequest, Stay
from hotel_agent.pms.door import pms_for
from hotel_agent.reservations.api import asking
from hotel_agent.reservations.api.keeping import Caller
from hotel_agent.reservations.changing import Wanted, propose
from tests.conversations.cast import oscar
from tests.dashboard.cast import guest, hotel, statements
from tests.fakes import qloapps as far
from tests.pms.front_desk import FrontDesk


@pytest.fixture
def desk(sign_in, api_worker):
    return sign_in("ana@miramar.example")


def day(shift: int) -> date:
    return hotel().today() + timedelta(days=shift)


def booked(name: str = "Marta García", arrives: int = 30, leaves: int = 32, kinds: tuple[str, ...] = ("doble",)) -> str:
    here, who = hotel(), guest(name)
    rooms = tuple(RoomRequest(kind, 1 if kind == "individual" else 2) for kind in kinds)
    hold = pms_for(here).hold(HoldRequest(Stay(day(arrives), day(leaves)), rooms, who.id, f"h {name} {arrives}"))
    return pms_for(here).book(BookRequest(hold.hold_key, who.id, name, f"b {name} {arrives}", day(0)))


def row(code: str) -> Any:
    db.session.rollback()
    return db.session.execute(
        text("select status, check_in, check_out, adults, guest_name, total, cancellation_fee from reservations"
             " where code = :code"), {"code": code}
    ).one()  # fmt: skip


def hidden(page: str, name: str) -> str:
    return unescape(re.findall(rf'name="{name}" value="([^"]*)"', page)[-1])


def form_of(page: str) -> dict[str, str]:
    """The fields as the page has them."""
    fields = {
        name: hidden(page, name) for name in ("key", "seen", "check_in", "check_out", "adults", "children", "name")
    }
    kinds = re.findall(r'<option value="([^"]+)" selected>', page)
    return fields | ({"kind": kinds[0]} if len(kinds) == 1 else {})


def looked(desk, code: str, **typed: Any) -> tuple[dict[str, Any], str]:
    """The form with what was typed, and the page that tells what it comes to."""
    form = form_of(desk.get(f"/reservations/{code}/change").text) | {name: str(value) for name, value in typed.items()}
    page = desk.post(f"/reservations/{code}/change", data=form | {"step": "look"}).text
    return form, page


# Changing


def test_what_it_comes_to_is_what_the_agent_would_say(desk):
    code = booked()
    _, page = looked(desk, code, check_out=day(35))
    booking = pms_for(hotel()).read(code)
    assert booking is not None
    proposal = propose(hotel(), booking, Wanted(check_out=day(35)), utcnow(), day(0))
    assert hidden(page, "total") == f"{proposal.quote.total:.2f}"
    assert "más</span>" in page
    assert row(code).check_out == day(32)  # Looking changes nothing.


def test_it_is_changed_at_the_price_that_was_shown_by_whoever_did_it(desk):
    code = booked()
    form, page = looked(desk, code, check_out=day(35), adults=1, name="Marta Ruiz")
    answer = desk.post(f"/reservations/{code}/change", data=form | {"step": "change", "total": hidden(page, "total")})
    assert (answer.status_code, answer.location) == (303, f"/reservations/{code}")
    now = row(code)
    assert (now.check_out, now.adults, now.guest_name) == (day(35), 1, "Marta Ruiz")
    assert f"{now.total:.2f}" == hidden(page, "total")
    told = desk.get(answer.location).text
    assert "La reserva ha sido cambiada" in told
    entry = db.session.execute(text("select action, actor from audit_log where subject = :code"), {"code": code}).one()
    assert entry == ("reservation_changed", "ana@miramar.example")


def test_another_kind_of_room(desk):
    code = booked()
    form, page = looked(desk, code, kind="suite")
    assert "Suite" in page.partition("data-preview")[2]
    answer = desk.post(f"/reservations/{code}/change", data=form | {"step": "change", "total": hidden(page, "total")})
    assert answer.status_code == 303
    booking = pms_for(hotel()).read(code)
    assert booking is not None
    assert [room.kind.code for room in booking.rooms] == ["suite"]


def test_sent_twice_it_is_changed_once(desk):
    code = booked()
    form, page = looked(desk, code, check_out=day(33))
    send = form | {"step": "change", "total": hidden(page, "total")}
    assert [desk.post(f"/reservations/{code}/change", data=send).status_code for _ in range(2)] == [303, 303]
    changes = db.session.scalar(
        text(
            "select count(*) from reservation_changes c join reservations r on r.id = c.reservation_id where code = :c"
        ),
        {"c": code},
    )
    assert changes == 1


def test_when_the_price_has_changed_it_is_shown_first(desk):
    code = booked()
    form, page = looked(desk, code, check_out=day(35))
    answer = desk.post(f"/reservations/{code}/change", data=form | {"step": "change", "total": "1.00"})
    assert answer.status_code == 409
    assert "El precio ahora es otro" in answer.text
    assert hidden(answer.text, "total") == hidden(page, "total")
    assert row(code).check_out == day(32)


@pytest.mark.parametrize(
    ("typed", "field"),
    [
        ({"check_in": "mañana"}, "check_in"),
        ({"check_in": "2020-01-01"}, "check_in"),
        ({"check_out": "2020-01-01"}, "check_out"),
        ({"adults": "0"}, "adults"),
        ({"adults": "49"}, "adults"),
        ({"children": "-1"}, "children"),
        ({"name": "  "}, "name"),
        ({"kind": "palacio"}, "stay"),
        ({"kind": ""}, "stay"),
        ({"name": "Marta\u200b Ruiz"}, "name"),
        ({"adults": "0001"}, "adults"),
    ],
)
def test_what_cannot_be_is_told_and_nothing_is_changed(desk, typed, field):
    code = booked()
    before = row(code)
    _, page = looked(desk, code, **typed)
    assert f'id="{field}-problem"' in page
    assert "data-preview" not in page
    assert row(code) == before


def test_the_same_is_no_change(desk):
    code = booked()
    _, page = looked(desk, code)
    assert "Nada es distinto" in page


def test_after_the_deadline_what_costs_less_is_no_change_for_anybody(desk):
    code = booked(arrives=0, leaves=3)
    _, page = looked(desk, code, check_out=day(1))
    assert "El plazo para cambios ya pasó" in page
    assert "data-preview" not in page
    _, page = looked(desk, code, check_out=day(4))
    assert "data-preview" in page


def test_what_is_taken_shows_what_would_go_instead(desk):
    code = booked(kinds=("suite",))
    db.session.execute(
        text(
            "insert into room_outages (hotel_id, room_id, first_night, until) select o.hotel_id, o.id, :first, :until"
            " from rooms o join room_types t on t.id = o.room_type_id where o.hotel_id = :hotel and t.code = 'suite'"
        ),
        {"hotel": hotel().id, "first": day(40), "until": day(42)},
    )
    db.session.commit()
    _, page = looked(desk, code, check_in=day(40), check_out=day(42))
    assert "Las habitaciones no están libres" in page
    instead = page.partition('id="instead"')[2]
    assert "<button" in instead
    other = {name: re.findall(rf'name="{name}" value="([^"]*)"', instead)[0]
             for name in ("key", "check_in", "check_out", "adults", "children", "name", "kind")}  # fmt: skip
    assert "data-preview" in desk.post(f"/reservations/{code}/change", data=other | {"step": "look"}).text


def test_several_rooms_each_have_their_kind(desk):
    code = booked(kinds=("doble", "individual"))
    page = desk.get(f"/reservations/{code}/change").text
    assert sorted(re.findall(r'<option value="([^"]+)" selected>', page)) == ["doble", "individual"]


@pytest.mark.parametrize("status", ["cancelled", "departed", "no_show"])
def test_what_is_over_cannot_be_changed_or_cancelled(desk, status):
    code = booked()
    db.session.execute(
        text("update reservations set status = :status where code = :code"), {"status": status, "code": code}
    )
    db.session.commit()
    assert 'name="step"' not in desk.get(f"/reservations/{code}/change").text
    assert "<form" not in desk.get(f"/reservations/{code}/cancel").text.partition("<main")[2]
    page = desk.get(f"/reservations/{code}").text
    assert f"/reservations/{code}/c" not in page


def test_what_a_colleague_has_changed_meanwhile_is_not_undone(desk, sign_in):
    code = booked()
    form, page = looked(desk, code, name="Marta Ruiz")
    luis = sign_in("luis@miramar.example")
    his, told = looked(luis, code, check_in=day(31), check_out=day(33))
    luis.post(f"/reservations/{code}/change", data=his | {"step": "change", "total": hidden(told, "total")})
    assert row(code).check_in == day(31)
    answer = desk.post(f"/reservations/{code}/change", data=form | {"step": "change", "total": hidden(page, "total")})
    assert answer.status_code == 409
    assert "Alguien ha cambiado la reserva" in answer.text
    assert (row(code).check_in, row(code).guest_name) == (day(31), "Marta García")


def test_of_two_at_once_the_later_is_told(desk):
    """The page was read before the other one was done; whoever carries it out looks again."""
    code = booked()
    key = {"hotel": hotel().id, "code": code}
    asked = asking.ask(
        hotel(), Caller.at_the_desk(1, "ana@miramar.example"), "change:x", "change", code,
        {"guest_name": "Ada", "seen": "what it was before"}, "workers.integrations.carry_out",
    )  # fmt: skip
    assert asked.told is not None
    assert (asked.told.status, asked.told.body["code"]) == (409, "changed_meanwhile")
    assert db.session.scalar(text("select guest_name from reservations where code = :code and hotel_id = :hotel"), key)


def test_without_an_answer_the_same_change_can_be_asked_for_again(desk, monkeypatch):
    code = booked()
    form, page = looked(desk, code, check_out=day(35))
    send = form | {"step": "change", "total": hidden(page, "total")}
    with monkeypatch.context() as patch:
        patch.setattr(queues, "ask", lambda *_given, **_more: None)
        answer = desk.post(f"/reservations/{code}/change", data=send)
    assert answer.status_code == 503
    again = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', answer.text))
    assert desk.post(f"/reservations/{code}/change", data=again | {"step": "change"}).status_code in (303, 503)


# Cancelling


def test_it_is_cancelled_at_no_fee_before_the_deadline(desk):
    code = booked()
    page = desk.get(f"/reservations/{code}/cancel").text
    assert "No cuesta nada" in page
    answer = desk.post(f"/reservations/{code}/cancel", data={"key": hidden(page, "key"), "fee": hidden(page, "fee")})
    assert answer.status_code == 303
    assert (row(code).status, row(code).cancellation_fee) == ("cancelled", Decimal(0))
    assert "La reserva está cancelada" in desk.get(answer.location).text


def test_after_the_deadline_the_fee_that_is_shown_is_the_fee(desk):
    code = booked(arrives=0, leaves=3)
    page = desk.get(f"/reservations/{code}/cancel").text
    fee = hidden(page, "fee")
    assert Decimal(fee) > 0
    assert "Le cuesta al huésped" in page
    desk.post(f"/reservations/{code}/cancel", data={"key": hidden(page, "key"), "fee": fee})
    assert row(code).cancellation_fee == Decimal(fee)


@pytest.mark.parametrize("fee", ["0.01", "0.001", "99999", "x", "-1", "NaN", None])
def test_another_fee_cancels_nothing(desk, fee):
    code = booked(arrives=0, leaves=3)
    page = desk.get(f"/reservations/{code}/cancel").text
    given = {"key": hidden(page, "key")} | ({"fee": fee} if fee is not None else {})
    answer = desk.post(f"/reservations/{code}/cancel", data=given)
    assert answer.status_code in (400, 409)
    assert hidden(answer.text, "fee") == hidden(page, "fee")
    assert row(code).status == "booked"


def test_cancelled_twice_it_is_cancelled_once(desk):
    code = booked()
    page = desk.get(f"/reservations/{code}/cancel").text
    send = {"key": hidden(page, "key"), "fee": hidden(page, "fee")}
    assert [desk.post(f"/reservations/{code}/cancel", data=send).status_code for _ in range(2)] == [303, 303]


def test_without_a_worker_it_is_told(sign_in, monkeypatch):
    desk = sign_in("ana@miramar.example")
    code = booked()
    monkeypatch.setattr(queues, "ask", lambda *_given, **_more: None)
    page = desk.get(f"/reservations/{code}/cancel").text
    answer = desk.post(f"/reservations/{code}/cancel", data={"key": hidden(page, "key"), "fee": hidden(page, "fee")})
    assert answer.status_code == 503
    assert "no se hace dos veces" in answer.text
    assert hidden(answer.text, "key") == hidden(page, "key")


def test_another_hotels_booking_is_none(sign_in, api_worker):
    code = booked()
    oscar()
    oscars = sign_in("oscar@andes.example")
    for what in ("change", "cancel"):
        assert oscars.get(f"/reservations/{code}/{what}").status_code == 404
        assert oscars.post(f"/reservations/{code}/{what}", data={"fee": "0"}).status_code == 404
    assert row(code).status == "booked"


def test_a_look_costs_few_statements(desk):
    code = booked()
    desk.get(f"/reservations/{code}/change")
    with statements() as heard:
        desk.get(f"/reservations/{code}/change")
    assert len(heard) <= 6


# A hotel's own PMS


@pytest.fixture
def far_desk(app, monkeypatch):
    with far.QloApps(far.miramar()) as pms:
        yield FrontDesk(pms)


def test_at_a_far_pms_our_booking_is_changed_and_cancelled_there(far_desk, sign_in, api_worker):
    oscar()
    here, who = hotel("andes"), guest("Eva Ruiz", slug="andes")
    stay = Stay(here.today() + timedelta(days=5), here.today() + timedelta(days=7))
    hold = far_desk.door.hold(HoldRequest(stay, (RoomRequest("2", 2),), who.id, "h"))
    code = far_desk.door.book(BookRequest(hold.hold_key, who.id, "Eva Ruiz", "b", here.today()))
    desk = sign_in("oscar@andes.example")
    form, page = looked(desk, code, check_out=here.today() + timedelta(days=8))
    assert "data-preview" in page
    answer = desk.post(f"/reservations/{code}/change", data=form | {"step": "change", "total": hidden(page, "total")})
    assert answer.status_code == 303, re.findall(r'role="alert"[^>]*>.*', answer.text)
    assert row(code).check_out == here.today() + timedelta(days=8)
    page = desk.get(f"/reservations/{code}/cancel").text
    answer = desk.post(f"/reservations/{code}/cancel", data={"key": hidden(page, "key"), "fee": hidden(page, "fee")})
    assert answer.status_code == 303
    assert row(code).status == "cancelled"


def test_a_far_pms_that_is_away_is_told_and_what_was_typed_stays(far_desk, sign_in, api_worker):
    oscar()
    far_desk.sells("201", far_desk.nights(5), "Eva Ruiz")
    far_desk.mirror()
    [(code,)] = far_desk.rows("code")
    far_desk.pms.inject(far.unavailable(500), times=None)
    _, page = looked(sign_in("oscar@andes.example"), code, name="Eva Luz")
    assert "No hubo respuesta a tiempo" in page
    assert 'value="Eva Luz"' in page
