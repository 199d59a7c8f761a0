"""A PMS that was set back gives its numbers again: an order is ours by our token, never by its number alone."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from hotel_agent.db import db
from hotel_agent.hotels import changing
from hotel_agent.pms.contract import ChangeRequest, PmsRejected, RoomRequest
from hotel_agent.pms.qloapps import client, reading
from hotel_agent.redis import redis
from tests.fakes import qloapps as far
from tests.pms.front_desk import FrontDesk, rows


@pytest.fixture
def desk(app, monkeypatch) -> Iterator[FrontDesk]:
    monkeypatch.setattr(client, "WRITE_SECONDS", 1.0)
    monkeypatch.setattr(client, "READ_SECONDS", 3.0)
    with far.QloApps(far.miramar()) as pms:
        yield FrontDesk(pms)


@pytest.fixture
def before(desk) -> Iterator[str]:
    """The code of a booking of Marta's of which the PMS, set back since, knows nothing any more."""
    code = desk.books(desk.nights(20))
    with far.QloApps(far.miramar()) as anew:
        reading.forget()
        redis().flushdb()
        changing.change(desk.hotel.id, {"pms_url": anew.url, "pms_key": anew.key})
        db.session.refresh(desk.hotel)
        desk.pms = anew
        yield code


def bookings(desk: FrontDesk) -> dict[str, list[Any]]:
    found = rows(f"reservations where hotel_id = {desk.hotel.id}", "code, guest_name, status, check_in, pms_id")
    return {code: rest for code, *rest in found if rest[2] >= desk.day(20)}


def test_a_new_booking_gets_the_number_of_an_old_one(desk, before):
    code = desk.books(desk.nights(30))
    assert desk.door.read(code).stay == desk.nights(30)
    assert desk.door.read(before) is None
    desk.mirror()
    kept = bookings(desk)
    assert kept[code] == ["Marta García", "booked", desk.day(30), "1"]
    assert kept[before] == ["Marta García", "booked", desk.day(20), None]
    assert rows("pms_news", "after ->> 'status'") == [("missing",)]


def test_somebody_elses_booking_under_our_number_is_left_alone(desk, before):
    order = desk.sells("201", desk.nights(40), "Eva Ruiz")
    assert order.id == 1
    assert desk.door.read(before) is None
    assert desk.door.guest(before) is None
    request = ChangeRequest(before, desk.nights(21), (RoomRequest("2", 2),), "Marta García", "c", Decimal(190))
    for ask in (lambda: desk.door.modify(request), lambda: desk.door.check_in(before, desk.day(20))):
        with pytest.raises(PmsRejected, match="unknown"):
            ask()
    desk.door.cancel(before, Decimal(0))
    assert not any(line.is_cancelled for line in desk.lines(order))


def test_the_mirror_keeps_the_two_apart_and_tells_people_once(desk, before):
    desk.sells("201", desk.nights(40), "Eva Ruiz")
    for _ in range(3):
        desk.mirror()
        desk.whole_anew()
    kept = bookings(desk)
    assert kept.pop(before) == ["Marta García", "booked", desk.day(20), None]
    assert [row for row in kept.values() if row[3]] == [["Eva Ruiz", "booked", desk.day(40), "1"]]
    assert rows("pms_news", "after ->> 'status'") == [("missing",)]
