"""Who comes, moves and leaves in a QloApps: it would let anybody in anywhere, and we do not."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import text

from hotel_agent.db import db
from hotel_agent.locks.holding import RoomTaken
from hotel_agent.pms.contract import OutcomeUnknown, PmsRejected, PmsUnavailable, Stay
from hotel_agent.pms.qloapps import client
from tests.fakes import qloapps as far
from tests.fakes.qloapps.shop import Line
from tests.pms.front_desk import FrontDesk, rows

MODES = ("masked", "hidden", "display_errors")


@pytest.fixture
def desk(app, monkeypatch) -> Iterator[FrontDesk]:
    monkeypatch.setattr(client, "WRITE_SECONDS", 1.0)
    monkeypatch.setattr(client, "READ_SECONDS", 1.0)
    with far.QloApps(far.miramar()) as pms:
        yield FrontDesk(pms)


@pytest.fixture(params=MODES)
def mode(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def sold(desk) -> str:
    """The code of a booking in room 201 from today on, made at the front desk."""
    desk.sells("201", desk.nights(0, 3), "Eva Ruiz")
    desk.mirror()
    [(code,)] = desk.rows("code")
    return str(code)


def line(desk: FrontDesk) -> Line:
    [line] = desk.pms.shop.lines
    return line


def writes() -> list[tuple[object, ...]]:
    return rows("pms_writes where operation in ('check_in', 'check_out', 'move')", "operation, state", "id")


def test_a_guest_comes_and_leaves(desk, sold, mode):
    desk.pms.mode = mode
    assert desk.door.check_in(sold, desk.day(0))
    assert (line(desk).id_status, line(desk).check_in[:10]) == (2, str(desk.day(0)))
    assert desk.rows("status") == [("in_house",)]
    assert not desk.door.check_in(sold, desk.day(0))
    assert [record.status for record in desk.door.in_house()] == ["in_house"]
    assert desk.door.check_out(sold, desk.day(3))
    assert (line(desk).id_status, line(desk).check_out) == (3, f"{desk.day(3)} 00:00:00")
    assert not desk.door.check_out(sold, desk.day(3))
    assert desk.rows("status") == [("departed",)]
    assert writes() == [("check_in", "done"), ("check_out", "done")]


def test_whoever_leaves_early_leaves_the_room_to_others(desk, sold):
    desk.door.check_in(sold, desk.day(0))
    rest = Stay(desk.day(1), desk.day(3))
    for number in range(2, 15):
        desk.sells(f"2{number:02}", rest)
    assert desk.door.availability(rest).offer("2").free == 0
    desk.door.check_out(sold, desk.day(1))
    assert desk.door.availability(rest).offer("2").free == 1
    code = desk.books(rest)
    assert desk.door.read(code).status == "booked"
    assert [room.number for room in desk.door.read(code).rooms] == ["201"]


def test_nobody_is_let_in_too_early_or_after_their_stay(desk, sold):
    for today, why in ((desk.day(-1), "too_early"), (desk.day(3), "over")):
        with pytest.raises(PmsRejected, match=why):
            desk.door.check_in(sold, today)
    assert line(desk).id_status == 1
    assert writes() == []


def test_nobody_is_let_into_a_room_that_is_out_of_order_or_lived_in(desk, sold):
    desk.room("201").id_status = 2
    with pytest.raises(PmsRejected, match="out_of_order"):
        desk.door.check_in(sold, desk.day(0))
    desk.room("201").id_status = 1
    other = desk.sells("201", desk.nights(-2, 4))
    desk.rewrites(other, id_status=2)
    with pytest.raises(PmsRejected, match="occupied"):
        desk.door.check_in(sold, desk.day(0))


def test_nobody_leaves_who_is_not_in_and_nobody_comes_who_is_off(desk, sold):
    with pytest.raises(PmsRejected, match="booked"):
        desk.door.check_out(sold, desk.day(1))
    desk.cancels(desk.order(desk.rows("pms_id")[0][0]))
    for verb in (desk.door.check_in, desk.door.check_out):
        with pytest.raises(PmsRejected, match="cancelled"):
            verb(sold, desk.day(0))
        with pytest.raises(PmsRejected, match="unknown"):
            verb("AND-NOBODY", desk.day(0))


def test_a_no_show_is_not_to_be_had(desk, sold):
    assert not desk.door.capabilities.no_show
    with pytest.raises(PmsRejected, match="not_supported"):
        desk.door.no_show(sold, desk.day(1))


def test_another_room_of_another_kind_at_the_same_price(desk, sold):
    assert desk.door.move(sold, "201", "301")
    assert (line(desk).id_room, line(desk).room_num, line(desk).id_product) == (desk.room("301").id, "301", 3)
    assert not desk.door.move(sold, "201", "301")
    assert desk.door.read(sold).total == 3 * 95
    assert desk.door.availability(desk.nights(0, 3)).offer("3").free == 7
    assert desk.door.availability(desk.nights(0, 3)).offer("2").free == 14


def test_no_room_that_is_taken_unknown_or_out_of_order(desk, sold):
    desk.sells("202", desk.nights(2, 3))
    desk.room("203").id_status = 2
    with pytest.raises(RoomTaken):
        desk.door.move(sold, "201", "202")
    with pytest.raises(PmsRejected, match="out_of_order"):
        desk.door.move(sold, "201", "203")
    for there in (("201", "999"), ("999", "204"), ("202", "204")):
        with pytest.raises(PmsRejected, match="unknown_room"):
            desk.door.move(sold, *there)
    assert line_of(desk, sold).room_num == "201"


def line_of(desk: FrontDesk, code: str) -> Line:
    pms_id = next(pms_id for pms_id, known in desk.rows("pms_id, code") if known == code)
    [line] = desk.lines(desk.order(pms_id))
    return line


def test_a_room_that_is_sold_at_that_moment_is_given_back(desk, sold):
    """The front desk is faster by the time between our look and our write."""

    def faster(step: str, heard: far.Heard) -> None:
        if step == "answered" and heard.method == "GET" and heard.path.startswith("/api/room_bookings/"):
            desk.pms.on_step = None
            desk.sells("202", desk.nights(1))

    desk.pms.on_step = faster
    with pytest.raises(RoomTaken):
        desk.door.move(sold, "201", "202")
    assert line_of(desk, sold).room_num == "201"
    assert desk.pms.double_sales() == []


@pytest.mark.parametrize(
    "fault",
    [far.error_after_success(), far.fatal_200(), far.empty_body(), far.reset_after_write(), far.does_twice()],
    ids=lambda fault: fault.name,
)
def test_whatever_is_answered_what_was_done_is_done(desk, sold, fault):
    desk.pms.inject(fault, method="PUT", path="/room_bookings")
    assert desk.door.check_in(sold, desk.day(0))
    assert desk.rows("status") == [("in_house",)]


def test_what_was_not_done_is_said_to_be_not_done_and_can_be_tried_again(desk, sold):
    desk.pms.inject(far.reset_before_write(), method="PUT", path="/room_bookings")
    with pytest.raises(PmsUnavailable) as trouble:
        desk.door.check_in(sold, desk.day(0))
    assert not isinstance(trouble.value, OutcomeUnknown)
    assert desk.rows("status") == [("booked",)]
    assert desk.door.check_in(sold, desk.day(0))
    assert writes() == [("check_in", "refused"), ("check_in", "done")]


def test_what_nobody_knows_is_looked_up_later(desk, sold):
    until = threading.Event()
    desk.pms.inject(far.hang_before(until), method="PUT", path="/room_bookings")
    with pytest.raises(OutcomeUnknown):
        desk.door.check_in(sold, desk.day(0))
    assert writes() == [("check_in", "unknown")]
    until.set()
    desk.pms.wait_for(lambda pms: line(desk).id_status == 2)
    later(timedelta(minutes=2))
    assert desk.door.settle() == ()
    assert writes() == [("check_in", "done")]
    assert desk.rows("status") == [("in_house",)]


def test_what_never_came_about_is_settled_as_that(desk, sold):
    until = threading.Event()
    desk.pms.inject(far.hang_before(until), method="PUT", path="/room_bookings")
    with pytest.raises(OutcomeUnknown):
        desk.door.check_in(sold, desk.day(0))
    later(timedelta(minutes=2))
    assert desk.door.settle() == ()
    assert writes() == [("check_in", "refused")]
    assert desk.rows("status") == [("booked",)]
    until.set()


def later(by: timedelta) -> None:
    db.session.execute(text("update pms_writes set created_at = created_at - :by"), {"by": by})
    db.session.commit()
