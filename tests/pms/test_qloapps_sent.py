"""What we send to a QloApps, word for word, and what the sweep cancels there: nothing in it checks either for us."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import text

from hotel_agent.db import db
from hotel_agent.guests.models import Guest
from hotel_agent.pms.contract import BookRequest, HoldRequest, PmsRejected, RoomRequest, Stay
from hotel_agent.pms.orders.records import prefix_of
from hotel_agent.pms.qloapps import client, reading
from tests.fakes import qloapps as far
from tests.pms.front_desk import CANCELED, FrontDesk
from tests.reservations.cast import guest_of

MODES = ("masked", "hidden", "display_errors")
# What QloApps takes in a name: no digits, and none of these.
NAME = re.compile(r"[^0-9!<>,;?=+()@#\"°{}_$%:]{1,32}")


@pytest.fixture(params=MODES)
def desk(app, monkeypatch, request: pytest.FixtureRequest) -> Iterator[FrontDesk]:
    """The hotel of the recordings, whose bookings lose the services that it adds to every price."""
    monkeypatch.setattr(client, "WRITE_SECONDS", 1.0)
    with far.QloApps(mode=request.param) as pms:
        yield FrontDesk(pms, currency="USD")


def sent(desk: FrontDesk) -> list[dict[str, Any]]:
    return [json.loads(heard.request.body)["booking"] for heard in desk.pms.heard("POST", "bookings")]


def hold(desk: FrontDesk, guest_id: int, first: int = 3, adults: int = 2, children: int = 0) -> str:
    desk.asked += 1
    room = RoomRequest("2", adults, children)
    return desk.door.hold(HoldRequest(desk.nights(first), (room,), guest_id, f"h{desk.asked}")).hold_key


def lapse(hold_key: str) -> None:
    for change in (
        "update pms_holds set expires_at = now() - interval '1 second' where hold_key = :hold",
        "update pms_holds set created_at = created_at - interval '5 minutes' where hold_key = :hold",
    ):
        db.session.execute(text(change), {"hold": hold_key})
    db.session.commit()


def standing(desk: FrontDesk) -> list[int]:
    return sorted(line.id_order for line in desk.pms.active_lines())


def test_people_are_told_in_the_words_that_are_read(desk):
    """`adults` is silently ignored, and a child without an age is none."""
    hold(desk, guest_of(desk.hotel), adults=1, children=1)
    [booking] = sent(desk)
    [room] = booking["associations"]["room_types"][0]["rooms"]
    assert (room["adult"], room["child"], len(room["child_ages"])) == (1, 1, 1)
    assert "adults" not in room
    [line] = desk.pms.shop.lines
    assert (line.adults, line.children) == (1, 1)


def test_services_that_are_in_the_price_are_sent_with_it(desk):
    """A booking drops what QloApps adds by itself: 3120 would stand where 3900 was told."""
    stay = desk.nights(3)
    offer = desk.door.availability(stay).offer("2")
    assert offer is not None
    hold(desk, guest_of(desk.hotel))
    [booking] = sent(desk)
    [room] = booking["associations"]["room_types"][0]["rooms"]
    assert sorted(service["id_service"] for service in room["services"]) == [5, 6]
    [order] = desk.pms.orders("ha")
    assert Decimal(str(order.total_paid_tax_incl)) == offer.total == Decimal(3900)


def test_every_guest_is_one_person_there_on_a_domain_of_ours(desk):
    ana, luis = guest_of(desk.hotel, "Ana Gil"), guest_of(desk.hotel, "Luis Sol")
    for guest_id, first in ((ana, 3), (luis, 3), (ana, 10)):
        hold(desk, guest_id, first)
    told = [booking["associations"]["customer_detail"]["email"] for booking in sent(desk)]
    assert told[0] == told[2] != told[1]
    assert {address.split("@")[0] for address in told} == {f"guest-{who}.{desk.hotel.id}" for who in (ana, luis)}
    assert len({address.split("@")[1] for address in told}) == 1
    assert "example.com" not in told[0]


def test_a_name_is_in_the_alphabet_that_does_not_kill_it(desk):
    names = ["R2-D2 <b>", "", "José Ñandú-O'Neill", "😀", "12345", "A" * 200, "a@b.c {x}; 100%"]
    for number, name in enumerate(names):
        guest = Guest(hotel_id=desk.hotel.id, name=name or None)
        db.session.add(guest)
        db.session.commit()
        hold(desk, guest.id, 3 + 3 * number)
    people = [booking["associations"]["customer_detail"] for booking in sent(desk)]
    assert len(people) == len(standing(desk)) == len(names)
    assert (people[2]["firstname"], people[2]["lastname"]) == ("José", "Ñandú-O'Neill")
    for person in people:
        assert NAME.fullmatch(person["firstname"])
        assert NAME.fullmatch(person["lastname"])
        assert re.fullmatch(r"\+?[\s\d.()-]*\d+", person["phone"])


def test_a_hold_is_an_unpaid_booking_with_our_token_and_a_new_one_each_time(desk):
    marta = guest_of(desk.hotel)
    hold(desk, marta, 3)
    hold(desk, marta, 10)
    sources = [booking["source"] for booking in sent(desk)]
    assert len(set(sources)) == 2
    assert all(source.startswith(prefix_of(desk.hotel)) and len(source) <= 255 for source in sources)
    assert {(booking["booking_status"], booking["payment_status"]) for booking in sent(desk)} == {(1, 3)}


def test_the_sweep_cancels_holds_that_are_over_and_nothing_that_lives_or_that_a_person_made(desk):
    marta = guest_of(desk.hotel)
    over, kept = hold(desk, marta), hold(desk, marta)
    booked = desk.books(desk.nights(3), marta)
    person = desk.sells("LR-101", desk.nights(3), "Eva Ruiz")
    unpaid = desk.sells("LR-102", desk.nights(3), "Lola Sol", source="")
    lookalike = desk.sells("LR-103", desk.nights(3), "Zoe Paz", source="hacienda: by phone")
    of_another = desk.sells("LR-104", desk.nights(3), "Kim Oh", source="ha0123456789:another-installation")
    before = standing(desk)
    assert len(before) == 7
    lapse(over)
    for _ in range(2):
        reading.forget()
        assert desk.door.settle() == ()
    gone = [order.id for order in desk.pms.orders("ha") if order.current_state == CANCELED]
    assert len(gone) == 1
    assert standing(desk) == [order_id for order_id in before if order_id not in gone]
    assert desk.door.held(over) is None
    assert desk.door.held(kept) is not None
    assert desk.door.read(booked).is_confirmed
    assert {person.id, unpaid.id, lookalike.id, of_another.id} <= set(standing(desk))


def test_a_hold_that_becomes_a_booking_outlives_its_time(desk):
    marta = guest_of(desk.hotel)
    key = hold(desk, marta)
    code = desk.door.book(BookRequest(key, marta, "Marta García", "b", desk.hotel.today()))
    lapse(key)
    before = standing(desk)
    reading.forget()
    assert desk.door.settle() == ()
    assert standing(desk) == before
    assert desk.door.read(code).is_confirmed


def test_a_late_order_of_a_hold_that_was_given_up_is_cancelled(desk):
    """It came about after everybody had stopped waiting; no live row claims it."""
    marta = guest_of(desk.hotel)
    key = hold(desk, marta)
    [token] = [booking["source"] for booking in sent(desk)]
    desk.door.release(key, marta, "declined")
    assert standing(desk) == []
    late = desk.sells("LR-101", desk.nights(3), "Marta García", source=token)
    reading.forget()
    assert desk.door.settle() == ()
    assert standing(desk) == []
    assert desk.order(str(late.id)).current_state == CANCELED


def test_nothing_is_asked_for_that_would_be_booked_all_the_same(desk):
    """QloApps books the past, any year to come, and nine people into a double room."""
    marta = guest_of(desk.hotel)
    for first, adults, reason in ((-3, 2, "past_date"), (3, 9, "too_small"), (3000, 2, "not_for_sale")):
        with pytest.raises(PmsRejected, match=reason):
            hold(desk, marta, first, adults)
    assert sent(desk) == []
    for nights in (0, -1):
        with pytest.raises(ValueError):
            Stay(desk.day(3), desk.day(3 + nights))
