"""Lists of bookings, and guests who come and leave, as a running QloApps has answered them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from hotel_agent.hotels.models import Hotel
from hotel_agent.pms.contract import PmsUnavailable, Record, Stay
from hotel_agent.pms.qloapps import listing, reading
from hotel_agent.pms.qloapps.client import _meaning, _outcome, changed_xml, safe_xml
from tests.pms.test_qloapps_reading import RECORDINGS, answer_of, index, needs_recordings, recorded
from tests.reservations.cast import hotel_named

pytestmark = needs_recordings


class Recorded:
    """Answers as recorded. `orders` and `lines` name recordings; an order is listed unless it is `hidden`."""

    account = ("http://recorded.example/api", "a key")

    def __init__(self, orders: str, lines: str, *, customers: str = "h01", hidden: bool = False) -> None:
        order = recorded(orders)
        self._order = order["order"]
        self._hidden = hidden
        self._answers = {
            "orders": [] if hidden else {"orders": [self._order]},
            f"orders/{self._order['id']}": order,
            "room_bookings": recorded(lines),
            "customers": recorded(customers),
            "currencies": recorded("b10_currencies"),
            "hotel_rooms": recorded("b07_rooms"),
        }

    def read(self, path: str, **_query: str) -> Any:
        return self._answers.get(path)


@pytest.fixture
def hotel(app) -> Iterator[Hotel]:
    reading.forget()
    yield hotel_named("andes")
    reading.forget()


def record_of(hotel: Hotel, orders: str, lines: str, **more: Any) -> Record:
    client = Recorded(orders, lines, **more)
    shop = reading.Shop(client, 1, "en")  # type: ignore[arg-type]
    [record] = listing.records_of(shop, hotel, [int(recorded(orders)["order"]["id"])])
    return record


def test_a_booking(hotel):
    record = record_of(hotel, "e06_order", "e07")
    assert (record.pms_id, record.code, record.status, record.guest_name) == ("1", "", "booked", "Ada Muster")
    assert (record.stay, record.adults, record.children) == (Stay(date(2026, 12, 10), date(2026, 12, 12)), 2, 1)
    assert [(room.kind, room.number, room.stay) for room in record.rooms] == [("2", "DR-101", None)]
    assert (record.total, record.currency) == (Decimal("3120.00"), "USD")


def test_one_that_was_extended_by_its_line(hotel):
    record = record_of(hotel, "f10_order", "f09")
    assert (record.stay, record.total) == (Stay(date(2027, 3, 11), date(2027, 3, 14)), Decimal("4680.00"))
    assert [room.number for room in record.rooms] == ["DR-101"]


def test_one_that_was_cancelled_keeps_its_nights(hotel):
    record = record_of(hotel, "g03_order", "g04")
    assert (record.status, record.stay) == ("cancelled", Stay(date(2027, 5, 10), date(2027, 5, 12)))


def test_one_whose_state_was_set_back_stays_off_as_its_room_is_free(hotel):
    """PUT with booking_status 1 answers state 1, and the line stays cancelled."""
    revived = Recorded("g03_order", "g09")
    revived._order["current_state"] = "1"
    [record] = listing.records_of(reading.Shop(revived, 1, "en"), hotel, [36])  # type: ignore[arg-type]
    assert record.status == "cancelled"


def test_one_that_has_left_without_a_time(hotel):
    record = record_of(hotel, "e06_order", "n08")
    assert (record.status, [room.stay for room in record.rooms]) == ("departed", [None])


def test_one_that_no_list_has_any_more(hotel):
    """A PUT of an unchanged order has taken its shop away: m24 is empty, m23 is the order."""
    assert recorded("m24_orders_list_after_put") == []
    record = record_of(hotel, "e06_order", "e07", hidden=True)
    assert (record.pms_id, record.status) == ("1", "booked")
    order = recorded("m23_order_after_put")["order"]
    assert reading._order(order).state == 1


def test_an_order_that_was_deleted_is_no_booking_though_its_line_is_left(hotel):
    client = Recorded("e06_order", "m12_lines_after_order_delete", hidden=True)
    assert listing.records_of(reading.Shop(client, 1, "en"), hotel, [50]) == ()  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "name",
    ["e08_arrivals", "e09_departures", "e10_arrivals_range", "e11_overlap_in_house", "i08_in_house", "m29", "d52"],
)
def test_lists_of_lines(name):
    rows = reading.rows_of(recorded(name))
    assert rows
    assert listing._ids(rows, "id") == [int(row["id"]) for row in rows]


def test_lists_that_are_empty():
    for name in ("e16_arrivals_none", "m10_order_after_order_put", "m24_orders_list_after_put"):
        assert reading.rows_of(recorded(name)) == []


def test_what_is_refused_is_no_list():
    for name in ("e13_orders_date_filter_without_date1", "e15_booking_bad_filter", "b18_missing_id"):
        entry = next(entry for entry in index() if entry["name"] == name)
        with pytest.raises(PmsUnavailable):
            reading.rows_of(_meaning(answer_of(entry)))


@pytest.mark.parametrize(
    ("asked", "changes"),
    [
        ("i07_check_in", {"id_status": "2", "check_in": "2026-12-10 15:04:00"}),
        ("i09_check_out", {"id_status": "3", "check_in": "2026-12-10 15:04:00"}),
    ],
)
def test_whoever_comes_or_leaves_is_written_as_it_was_done_then(asked, changes):
    """The whole line with other values in it, and the answer is believed."""
    line = safe_xml((RECORDINGS / "i06_line_xml.response.xml").read_bytes())
    ours = safe_xml(changed_xml(line, changes))
    then = safe_xml((RECORDINGS / f"{asked}.request.xml").read_bytes())
    assert {field.tag: field.text for field in ours[0]} == {field.tag: field.text for field in then[0]}
    entry = next(entry for entry in index() if entry["name"] == asked)
    said = _outcome(answer_of(entry))["booking"]
    assert {name: said[name] for name in changes} == changes


def test_every_room_of_the_recorded_hotel():
    rows = reading.rows_of(recorded("b07_rooms"))
    assert len(rows) == 20
    numbers = [reading.plain(row["room_num"]) for row in rows]
    assert sorted(numbers, key=listing.by_number)[0] == "DR-101"
