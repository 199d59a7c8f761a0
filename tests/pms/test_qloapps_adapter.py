"""The adapter against a double of QloApps that behaves as the recordings do, in its PHP error modes and with faults."""

from __future__ import annotations

import json
import random
import threading
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from decimal import Decimal

import pytest
from sqlalchemy import text

from hotel_agent.config import settings
from hotel_agent.conversations import unsettled
from hotel_agent.conversations.dialogue import Heard
from hotel_agent.conversations.models import Conversation
from hotel_agent.conversations.reply import reply_to
from hotel_agent.db import db
from hotel_agent.errors import BadInput
from hotel_agent.guests.models import Guest
from hotel_agent.hotels import changing
from hotel_agent.hotels.models import Hotel
from hotel_agent.locks.holding import HoldLapsed, RoomTaken
from hotel_agent.pms import wire
from hotel_agent.pms.adapters import adapter_of
from hotel_agent.pms.contract import (
    Booking,
    BookRequest,
    ChangeRequest,
    Hold,
    HoldRequest,
    OutcomeUnknown,
    PmsRejected,
    PmsUnavailable,
    RoomRequest,
    Stay,
    Unsettled,
)
from hotel_agent.pms.door import pms_for
from hotel_agent.pms.orders import changing as orders
from hotel_agent.pms.orders import standing
from hotel_agent.pms.qloapps import client, reading, writing
from hotel_agent.redis import redis
from hotel_agent.reservations import Party
from hotel_agent.reservations.quoting import find_offers
from tests.conversations.chat import Chat, Reply, span
from tests.fakes import qloapps as far
from tests.reservations.cast import TODAY, all_at_once, guest_of, hotel_named

MODES = ("masked", "hidden", "display_errors")


def day(number: int) -> date:
    return TODAY + timedelta(days=100 + number)


def nights(first: int, count: int = 2) -> Stay:
    return Stay(day(first), day(first + count))


class Far:
    """A hotel of ours whose PMS is the double, and its guest Marta."""

    def __init__(self, hotel: Hotel, pms: far.QloApps) -> None:
        self.hotel, self.pms = hotel, pms
        self.marta = guest_of(hotel, "Marta García")
        self.door = pms_for(hotel)
        self.asked = 0

    def kind(self, name: str) -> str:
        return next(kind.code for kind in self.door.room_kinds() if name in kind.name_in("es").casefold())

    def hold(self, stay: Stay, *rooms: RoomRequest, key: str = "", replaces: str | None = None, who: int = 0) -> Hold:
        self.asked += 1
        key = key or f"hold-{self.asked}"
        return self.door.hold(HoldRequest(stay, rooms or (self.double(),), who or self.marta, key, replaces))

    def double(self, adults: int = 2, children: int = 0) -> RoomRequest:
        return RoomRequest(self.kind(self.usual), adults, children)

    @property
    def usual(self) -> str:
        return "doble" if self.hotel.currency == "EUR" else "delux"

    def book(self, hold: Hold, name: str = "Marta García", key: str = "") -> str:
        request = BookRequest(hold.hold_key, self.marta, name, key or f"book-{hold.hold_key}", date.today())
        return self.door.book(request)

    def booked(self, stay: Stay, *rooms: RoomRequest) -> Booking:
        return self.read(self.book(self.hold(stay, *rooms)))

    def read(self, code: str) -> Booking:
        booking = self.door.read(code)
        assert booking is not None
        return booking

    def modify(self, booking: Booking, stay: Stay, *rooms: RoomRequest, name: str = "", key: str = "c1") -> Booking:
        rooms = rooms or tuple(RoomRequest(r.kind.code, r.adults, r.children) for r in booking.rooms)
        request = ChangeRequest(booking.code, stay, rooms, name or booking.guest_name, key)
        quote = self.door.change_quote(request)
        request = ChangeRequest(booking.code, stay, rooms, name or booking.guest_name, key, quote.total)
        self.door.modify(request)
        return self.read(booking.code)

    def free(self, stay: Stay, code: str = "") -> int:
        offer = self.door.availability(stay).offer(code or self.double().room_type)
        assert offer is not None
        return offer.free

    def total(self, stay: Stay, code: str = "") -> Decimal:
        offer = self.door.availability(stay).offer(code or self.double().room_type)
        assert offer is not None
        assert offer.total is not None
        return offer.total

    def ours(self) -> list[far.Order]:
        """What stands of ours."""
        return [order for order in self.pms.orders("ha") if self.pms.active_lines(order)]

    def settle(self, later: timedelta = timedelta(minutes=2)) -> tuple[Unsettled, ...]:
        """The sweep, as it would be after that time."""
        age(later)
        found = self.door.settle()
        reading.forget()
        return found


class Talk(Chat):
    """What a reply may say is known to its evidence alone: the records of `Chat` are those of hotels without a PMS."""

    def hears(self, *heard: Heard) -> Reply:
        self.count += 1
        reply = Reply(reply_to(self.turn(heard)))
        db.session.commit()
        assert reply.answer.blocked == ()
        self.state = json.loads(json.dumps(reply.answer.state))
        self.last = reply
        return reply


def age(by: timedelta) -> None:
    for table in ("pms_holds", "pms_writes", "reservations"):
        db.session.execute(text(f"update {table} set created_at = created_at - :by"), {"by": by})
    db.session.commit()


def lapse(hold: Hold) -> None:
    db.session.execute(
        text("update pms_holds set expires_at = now() - interval '1 second' where hold_key = :key"),
        {"key": hold.hold_key},
    )
    db.session.commit()


def rows(table: str, what: str) -> list[tuple[object, ...]]:
    found = [tuple(row) for row in db.session.execute(text(f"select {what} from {table} order by id"))]
    db.session.commit()
    return found


def installed(pms: far.QloApps, currency: str) -> Far:
    reading.forget()
    hotel = hotel_named("andes")
    told = {"pms": "qloapps", "pms_url": pms.url, "pms_key": pms.key, "pms_hotel_id": "1"}
    changing.change(hotel.id, {**told, "currency": currency, "language": "es"})
    db.session.refresh(hotel)
    return Far(hotel, pms)


@pytest.fixture(params=MODES)
def mode(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def prime(app, monkeypatch) -> Iterator[Far]:
    """The recorded hotel, with its fees that QloApps forgets; our client waits a second."""
    monkeypatch.setattr(client, "WRITE_SECONDS", 1.0)
    monkeypatch.setattr(client, "READ_SECONDS", 1.0)
    with far.QloApps(far.hotel_prime()) as pms:
        yield installed(pms, "USD")


@pytest.fixture
def miramar(app, monkeypatch) -> Iterator[Far]:
    monkeypatch.setattr(client, "WRITE_SECONDS", 1.0)
    monkeypatch.setattr(client, "READ_SECONDS", 1.0)
    with far.QloApps(far.miramar()) as pms:
        yield installed(pms, "EUR")


# Money


def test_what_is_quoted_is_what_is_held_booked_and_read_back(prime, mode):
    prime.pms.mode = mode
    stay = nights(1, 3)
    quoted = prime.total(stay)
    hold = prime.hold(stay)
    booking = prime.read(prime.book(hold))
    there = prime.ours()[0]
    assert quoted == hold.total == booking.total == Decimal("5720.00")  # 3 × (1500 + 250) + 250, and 4 %.
    assert rows("reservations where pms_id is not null", "total, currency, status") == [(quoted, "USD", "booked")]
    assert prime.door.read(booking.code).status == "booked"
    assert len(prime.pms.active_lines(there)) == 1


def test_prices_that_are_round_only_with_their_tax_stay_round(miramar, mode):
    miramar.pms.mode = mode
    for count in (1, 2, 3, 7):
        stay = nights(10 * count, count)
        quoted = miramar.total(stay)
        booking = miramar.booked(stay)
        assert quoted == Decimal(95 * count) == booking.total
        assert [offer.total for offer in miramar.door.availability_from(day(60), day(60), count)[0].offers] == [
            Decimal(price * count) for price in (65, 95, 140, 210)
        ]


def test_several_rooms_of_two_kinds_cost_their_sum(prime):
    stay = nights(1)
    other = prime.kind("executive")
    quoted = prime.total(stay) * 2 + prime.total(stay, other)
    booking = prime.booked(stay, prime.double(), prime.double(1, 1), RoomRequest(other, 2, 0, 1))
    assert booking.total == quoted
    assert sum(room.price for room in booking.rooms) == quoted
    assert sorted((room.kind.code, room.adults, room.children) for room in booking.rooms) == [
        ("2", 1, 1),
        ("2", 2, 0),
        ("3", 2, 1),
    ]


def test_a_price_that_is_not_the_one_that_was_fixed_is_refused_and_undone(prime):
    prime.pms.inject(far.wrong_price("1.5"), method="POST", path="/bookings")
    with pytest.raises(PmsRejected, match="not_as_asked"):
        prime.hold(nights(1))
    assert prime.ours() == []


def test_the_late_fee_is_the_first_night_as_it_was_quoted(miramar):
    offer = miramar.door.availability(nights(1, 3)).offer(miramar.double().room_type)
    booking = miramar.booked(nights(1, 3))
    assert booking.late_fee == offer.nightly[0] == Decimal(95)


# Asking once


def test_asking_twice_with_one_key_holds_and_books_once(miramar):
    first = miramar.hold(nights(1), key="k")
    again = miramar.hold(nights(1), key="k")
    assert first.hold_key == again.hold_key
    assert miramar.book(first, key="b") == miramar.book(first, key="b") == miramar.book(first, key="other")
    assert len(miramar.pms.orders("ha")) == 1


@pytest.mark.parametrize(
    "fault",
    [
        far.error_after_success(),
        far.fatal_200(),
        far.fatal_200("after"),
        far.fatal_200("before"),
        far.empty_body(),
        far.empty_body(500),
        far.reset_after_write(),
        far.reset_before_write(),
        far.cut_short(),
        far.answers_twice(),
        far.does_twice(),
        far.unavailable(),
    ],
    ids=lambda fault: fault.name,
)
def test_whatever_is_answered_one_booking_stands(miramar, fault):
    miramar.pms.inject(fault, method="POST", path="/bookings")
    booking = miramar.booked(nights(1))
    assert booking.status == "booked"
    assert len(miramar.ours()) == 1
    assert miramar.pms.double_sales() == []
    assert miramar.free(nights(1)) == 13


@pytest.mark.parametrize(
    "fault",
    [
        far.error_after_success(),
        far.fatal_200(),
        far.empty_body(),
        far.reset_after_write(),
        far.reset_before_write(),
    ],
    ids=lambda fault: fault.name,
)
def test_whatever_is_answered_a_cancellation_is_done(miramar, fault):
    booking = miramar.booked(nights(1))
    miramar.pms.inject(fault, method="POST", path="/order_histories")
    assert miramar.door.cancel(booking.code, Decimal(0))
    assert miramar.read(booking.code).status == "cancelled"
    assert miramar.free(nights(1)) == 14
    assert not miramar.door.cancel(booking.code, Decimal(0))


def test_a_pms_that_hangs_leaves_nothing_behind(miramar):
    until = threading.Event()
    miramar.pms.inject(far.hang_before(until), method="POST", path="/bookings")
    with pytest.raises(OutcomeUnknown):
        miramar.hold(nights(1))
    assert miramar.ours() == []
    until.set()  # The booking comes about after we have given up on it.
    miramar.pms.wait_for(lambda pms: bool(pms.orders("ha")))
    assert miramar.settle() == ()
    assert miramar.ours() == []
    assert rows("pms_writes", "operation, state") == [("create", "done")]


def test_a_late_booking_is_found_by_its_prefix_after_its_row_was_given_up(miramar):
    until = threading.Event()
    miramar.pms.inject(far.hang_before(until), method="POST", path="/bookings")
    with pytest.raises(OutcomeUnknown):
        miramar.hold(nights(1))
    miramar.settle(timedelta(hours=1))
    assert rows("pms_holds", "status, cleared_at is null") == [("refused", False)]
    until.set()
    miramar.pms.wait_for(lambda pms: bool(pms.orders("ha")))
    miramar.hold(nights(5))  # There is something to look at again.
    miramar.settle(timedelta(seconds=1))
    assert len(miramar.ours()) == 1


def test_a_booking_that_cannot_be_read_back_is_pending_and_never_confirmed(miramar):
    hold = miramar.hold(nights(1))
    miramar.pms.inject(far.unavailable(), method="GET", path="/room_bookings", times=None)
    with pytest.raises(PmsUnavailable):
        miramar.book(hold)
    assert rows("reservations where pms_id is not null", "status") == [("pending",)]
    miramar.pms.heal()
    assert [(one.action, one.why) for one in miramar.settle()] == [
        ("book", "booked after all; the guest has not been told")
    ]
    assert rows("reservations where pms_id is not null", "status") == [("booked",)]
    assert miramar.read(miramar.book(hold)).is_confirmed


# Races


@pytest.mark.parametrize("step", ["order", "write"])
def test_a_rival_who_gets_the_last_room_gets_it_alone(miramar, step):
    kind = miramar.kind("suite")
    for number in range(3):
        miramar.hold(nights(1), RoomRequest(kind, 2), key=f"fill{number}")
    miramar.pms.inject(far.rival(step), method="POST", path="/bookings")
    with pytest.raises(RoomTaken):
        miramar.hold(nights(1), RoomRequest(kind, 2))
    assert miramar.pms.double_sales() == []
    assert len(miramar.ours()) == 3


def test_a_silent_swap_is_read_back(miramar):
    miramar.pms.inject(far.rival("order"), method="POST", path="/bookings")
    hold = miramar.hold(nights(1))
    line = miramar.pms.active_lines(miramar.ours()[0])[0]
    assert [room.number for room in hold.rooms] == [line.room_num]
    assert miramar.pms.double_sales() == []


def test_a_room_that_is_sold_twice_before_the_yes_is_never_confirmed(miramar):
    """Whoever had looked before we wrote writes after we have read back."""
    hold = miramar.hold(nights(1))
    line = miramar.pms.active_lines(miramar.ours()[0])[0]
    miramar.pms.shop.lines.add(
        far.Line(
            id_product=line.id_product,
            id_hotel=1,
            id_order=999,
            id_room=line.id_room,
            date_from=line.date_from,
            date_to=line.date_to,
        )
    )
    with pytest.raises(RoomTaken):
        miramar.book(hold)
    assert miramar.pms.double_sales() == []
    assert rows("reservations where pms_id is not null", "status") == []


def test_many_at_once_never_have_one_room(app, miramar, monkeypatch):
    monkeypatch.setattr(client, "WRITE_SECONDS", 10.0)
    monkeypatch.setattr(client, "READ_SECONDS", 10.0)
    kind, hotel_id, marta = miramar.kind("suite"), miramar.hotel.id, miramar.marta

    def ask(number: int) -> str:
        hotel = db.session.get_one(Hotel, hotel_id)
        return pms_for(hotel).hold(HoldRequest(nights(1), (RoomRequest(kind, 2),), marta, f"many{number}")).hold_key

    found = all_at_once(app, 12, ask)
    assert len({key for key in found if isinstance(key, str)}) == 4
    assert sum(isinstance(one, RoomTaken) for one in found) == 8
    assert miramar.pms.double_sales() == []
    assert len(miramar.ours()) == 4


def test_who_dies_between_the_write_and_the_answer_leaves_nothing_behind(miramar, monkeypatch):
    class Died(BaseException):
        pass

    def die(*_args: object) -> None:
        raise Died

    with monkeypatch.context() as patched:
        patched.setattr(standing, "only_one", die)
        with pytest.raises(Died):
            miramar.hold(nights(1))
    assert len(miramar.ours()) == 1
    assert miramar.settle() == ()
    assert miramar.ours() == []
    assert rows("pms_writes", "operation, state") == [("create", "done")]
    assert rows("pms_holds", "status, cleared_at is null") == [("refused", False)]


def test_a_pms_that_hangs_fails_fast_after_five_failures(miramar):
    until = threading.Event()
    miramar.door.room_kinds()
    miramar.pms.inject(far.hang_before(until), times=None)
    for _ in range(5):
        with pytest.raises(PmsUnavailable):
            miramar.door.availability(nights(1))
    heard = len(miramar.pms.requests)
    with pytest.raises(PmsUnavailable, match="rest"):
        miramar.door.availability(nights(1))
    assert len(miramar.pms.requests) == heard
    until.set()


# Holds


def test_a_lapsed_hold_is_cancelled_by_the_sweep_and_cannot_be_booked(miramar):
    hold = miramar.hold(nights(1))
    assert miramar.free(nights(1)) == 13
    lapse(hold)
    assert miramar.door.held(hold.hold_key) is None
    assert miramar.settle() == ()
    assert miramar.free(nights(1)) == 14
    with pytest.raises(HoldLapsed):
        miramar.book(hold)


def test_a_lapsed_hold_makes_way_before_the_sweep_has_come(miramar):
    kind = miramar.kind("suite")
    held = [miramar.hold(nights(1), RoomRequest(kind, 2)) for _ in range(4)]
    with pytest.raises(RoomTaken):
        miramar.hold(nights(1), RoomRequest(kind, 2))
    lapse(held[0])
    assert miramar.hold(nights(1), RoomRequest(kind, 2)).rooms
    assert len(miramar.ours()) == 4


def test_a_hold_is_released_by_its_guest_alone_and_extended_twice(miramar):
    hold = miramar.hold(nights(1))
    assert not miramar.door.release(hold.hold_key, miramar.marta + 1, "declined")
    for key in ("e1", "e1", "e2"):
        assert miramar.door.extend(hold.hold_key, miramar.marta, key).expires_at > hold.expires_at
    with pytest.raises(PmsRejected, match="often_enough"):
        miramar.door.extend(hold.hold_key, miramar.marta, "e3")
    assert miramar.door.release(hold.hold_key, miramar.marta, "declined")
    assert miramar.free(nights(1)) == 14
    assert miramar.door.held(hold.hold_key) is None


def test_the_hold_that_is_replaced_is_let_go_and_survives_a_refusal(miramar):
    suite = miramar.kind("suite")
    first = miramar.hold(nights(1))
    second = miramar.hold(nights(1), RoomRequest(suite, 2), replaces=first.hold_key)
    assert miramar.door.held(first.hold_key) is None
    for number in range(3):
        miramar.hold(nights(1), RoomRequest(suite, 2), key=f"fill{number}")
    again = miramar.hold(nights(1), RoomRequest(suite, 2), replaces=second.hold_key)
    assert again.hold_key == second.hold_key
    with pytest.raises(RoomTaken):
        miramar.hold(nights(1), RoomRequest(suite, 1), replaces=second.hold_key)
    assert miramar.door.held(second.hold_key) is not None


def test_a_pms_that_is_away_lets_the_guest_go_and_hears_of_it_later(miramar):
    hold = miramar.hold(nights(1))
    miramar.pms.inject(far.unavailable(), times=None)
    assert miramar.door.release(hold.hold_key, miramar.marta, "declined")
    miramar.pms.heal()
    assert len(miramar.ours()) == 1
    miramar.settle()
    assert miramar.ours() == []


def test_an_order_of_ours_without_a_row_is_for_people_and_told_once(miramar):
    hold = miramar.hold(nights(1))
    db.session.execute(text("delete from pms_holds where hold_key = :key"), {"key": hold.hold_key})
    db.session.commit()
    miramar.hold(nights(5))
    assert [one.action for one in miramar.settle(timedelta(0))] == ["book"]
    assert miramar.settle(timedelta(0)) == ()
    assert len(miramar.ours()) == 2


# Changes


def test_other_nights_cost_what_was_told(prime, mode):
    prime.pms.mode = mode
    booking = prime.booked(nights(1, 2))
    changed = prime.modify(booking, nights(2, 3))
    assert changed.stay == nights(2, 3)
    assert changed.total == booking.total / 2 + 2 * Decimal("1820.00")
    assert len(prime.ours()) == 1
    assert prime.free(nights(1, 1)) == 5
    assert prime.door.change_of(booking.code, "c1").after.total == changed.total


def test_another_kind_of_room_and_other_people(miramar):
    booking = miramar.booked(nights(1))
    family = miramar.kind("familiar")
    changed = miramar.modify(booking, nights(1), RoomRequest(family, 2, 2))
    assert [(room.kind.code, room.adults, room.children) for room in changed.rooms] == [(family, 2, 2)]
    assert changed.total == Decimal(280)
    fewer = miramar.modify(changed, nights(1), RoomRequest(family, 2, 1), key="c2")
    assert (fewer.adults, fewer.children, fewer.total) == (2, 1, Decimal(280))


def test_a_full_kind_is_extended_in_the_same_room_or_not_at_all(miramar, mode):
    miramar.pms.mode = mode
    suite = miramar.kind("suite")
    booking = miramar.booked(nights(1), RoomRequest(suite, 2))
    for number in range(3):
        miramar.hold(nights(1), RoomRequest(suite, 2), key=f"fill{number}")
    longer = miramar.modify(booking, nights(1, 3))
    assert longer.total == Decimal(630)
    assert longer.rooms[0].number == booking.rooms[0].number
    miramar.hold(nights(4, 1), *[RoomRequest(suite, 2)] * 4, key="all")
    with pytest.raises(RoomTaken):
        miramar.modify(longer, nights(1, 4), key="c2")
    assert miramar.read(booking.code).stay == nights(1, 3)
    assert miramar.pms.double_sales() == []


@pytest.mark.parametrize(
    "fault",
    [far.error_after_success(), far.fatal_200(), far.reset_after_write()],
    ids=lambda fault: fault.name,
)
def test_whatever_is_answered_a_change_is_read_back(miramar, fault):
    booking = miramar.booked(nights(1))
    miramar.pms.inject(fault, method="PUT", path="/bookings")
    assert miramar.modify(booking, nights(5)).stay == nights(5)


def test_a_change_that_comes_about_late_is_told_to_people(miramar):
    booking = miramar.booked(nights(1))
    until = threading.Event()
    miramar.pms.inject(far.hang_before(until), method="PUT", path="/bookings")
    with pytest.raises(OutcomeUnknown):
        miramar.modify(booking, nights(5))
    until.set()
    miramar.pms.wait_for(lambda pms: pms.active_lines()[0].date_from.startswith(str(day(5))))
    assert [one.why for one in miramar.settle()] == ["the change was made after all; the guest has not been told"]
    assert rows("reservations where pms_id is not null", "check_in") == [(day(5),)]


def test_a_change_that_stands_and_cannot_be_read_back_is_told_to_people(miramar, monkeypatch):
    booking = miramar.booked(nights(1))
    check = orders._check

    def check_and_die(*given):
        found = check(*given)
        miramar.pms.inject(far.unavailable(), times=None)
        return found

    monkeypatch.setattr(orders, "_check", check_and_die)
    with pytest.raises(OutcomeUnknown):
        miramar.modify(booking, nights(5))
    miramar.pms.heal()
    assert [one.why for one in miramar.settle()] == ["the change was made after all; the guest has not been told"]
    assert rows("reservations where pms_id is not null", "check_in") == [(day(5),)]


def test_a_change_at_a_price_that_was_not_told_is_not_made(miramar):
    booking = miramar.booked(nights(1))
    rooms = (RoomRequest(booking.rooms[0].kind.code, 2),)
    with pytest.raises(PmsRejected, match="price_changed"):
        miramar.door.modify(ChangeRequest(booking.code, nights(1, 3), rooms, "Marta", "c", Decimal(1)))
    assert miramar.read(booking.code) == booking


def test_a_change_that_comes_out_wrong_is_taken_back(miramar):
    booking = miramar.booked(nights(1))
    miramar.pms.inject(far.wrong_price("2"), method="PUT", path="/bookings")
    with pytest.raises(PmsRejected, match="price_changed"):
        miramar.modify(booking, nights(1, 3))
    assert miramar.read(booking.code).stay == nights(1)
    assert miramar.read(booking.code).total == booking.total


# What is checked before anything goes


def test_nothing_is_asked_that_qloapps_would_not_check(miramar):
    kind, single = miramar.double().room_type, miramar.kind("individual")
    wrong = [
        (Stay(date.today() - timedelta(days=2), day(1)), RoomRequest(kind, 2), "past_date"),
        (nights(600), RoomRequest(kind, 2), "not_for_sale"),
        (nights(1), RoomRequest(single, 2), "too_small"),
        (nights(1), RoomRequest("99", 2), "not_for_sale"),
    ]
    for stay, room, reason in wrong:
        with pytest.raises(PmsRejected, match=reason):
            miramar.hold(stay, room)
    assert miramar.pms.heard("POST", "bookings") == []
    assert not miramar.door.availability(nights(600)).for_sale


@pytest.mark.parametrize("name", ["R2-D2 <b>", "", "José Ñandú-O'Neill", "😀", "12345", "A" * 200])
def test_any_name_is_booked(miramar, name):
    guest = Guest(hotel_id=miramar.hotel.id, name=name or None)
    db.session.add(guest)
    db.session.commit()
    miramar.hold(nights(1), who=guest.id)
    assert len(miramar.ours()) == 1


def test_two_guests_are_two_customers_and_a_name_is_the_booking_guests(miramar):
    luis = guest_of(miramar.hotel, "Luis Gil")
    miramar.hold(nights(1), who=luis)
    hold = miramar.hold(nights(1))
    booking = miramar.read(miramar.book(hold, name="Carmen Ruiz"))
    names = {(customer.firstname, customer.lastname) for customer in miramar.pms.shop.customers}
    assert {("Luis", "Gil"), ("Carmen", "Ruiz")} <= names
    assert booking.guest_name == "Carmen Ruiz"


def test_a_name_that_cannot_be_changed_does_not_cost_the_room(miramar):
    miramar.pms.inject(far.reset_before_write(), method="PUT", path="/customers")
    booking = miramar.read(miramar.book(miramar.hold(nights(1)), name="Carmen Ruiz"))
    assert booking.is_confirmed
    assert [(one.action, one.code) for one in miramar.settle()] == [("change", booking.code)]
    assert miramar.settle() == ()


# Both sides agree


def test_what_the_front_desk_cancels_is_cancelled_here(miramar):
    booking = miramar.booked(nights(1))
    shop = reading.Shop(client.Client(miramar.pms.url, miramar.pms.key), 1, "es")
    writing.cancel(shop, miramar.ours()[0].id)
    assert miramar.read(booking.code).status == "cancelled"
    assert rows("reservations where pms_id is not null", "status, cancelled_at is null") == [("cancelled", False)]
    assert miramar.door.upcoming(miramar.marta, date.today()) == ()


def test_orders_are_never_written_and_bookings_never_asked_for_their_state(prime):
    booking = prime.booked(nights(1))
    prime.modify(booking, nights(1, 3))
    prime.door.cancel(booking.code, Decimal(0))
    assert [heard for heard in prime.pms.requests if heard.resource == "orders" and heard.method != "GET"] == []
    assert prime.pms.heard("GET", "bookings") == []


def test_a_cancellation_that_cannot_be_settled_is_settled_later_or_given_to_people(miramar):
    booking = miramar.booked(nights(1))
    marta = Talk(miramar.hotel, db.session.get_one(Guest, miramar.marta))
    conversation = Conversation(hotel_id=miramar.hotel.id, guest_id=marta.guest.id, channel="whatsapp")
    db.session.add(conversation)
    db.session.commit()
    miramar.pms.inject(far.reset_before_write(), method="POST", path="/order_histories", times=None)
    with pytest.raises(OutcomeUnknown):
        miramar.door.cancel(booking.code, Decimal("5.00"))
    assert miramar.read(booking.code).status == "booked"
    assert miramar.settle() == ()  # There is hope yet.
    age(timedelta(hours=1))
    unsettled.settle_all()
    db.session.refresh(conversation)
    assert (conversation.status, conversation.waiting_reason) == ("waiting", "pms_failed")
    assert rows("pms_writes where operation = 'cancel'", "state") == [("to_staff",)]


def test_a_cancellation_is_tried_again_once_it_was_looked_up(miramar):
    booking = miramar.booked(nights(1))
    miramar.pms.inject(far.reset_before_write(), method="POST", path="/order_histories", times=None)
    with pytest.raises(OutcomeUnknown):
        miramar.door.cancel(booking.code, Decimal("5.00"))
    miramar.pms.heal()
    assert miramar.settle() == ()
    assert miramar.read(booking.code).status == "cancelled"
    assert miramar.read(booking.code).cancellation_fee == Decimal("5.00")


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_after_any_trouble_both_sides_agree(miramar, seed, monkeypatch):
    """Guests do whatever they like while the PMS answers whatever it likes; then it is well, and the sweep comes by."""
    monkeypatch.setattr(client, "WRITE_SECONDS", 0.3)
    dice = random.Random(seed)
    troubles: list[Callable[[], far.Fault]] = [
        far.error_after_success,
        far.fatal_200,
        far.empty_body,
        far.reset_after_write,
        far.reset_before_write,
        far.cut_short,
        far.does_twice,
        far.answers_twice,
        far.unavailable,
        far.rival,
    ]
    held: list[Hold] = []
    booked: list[str] = []
    for step in range(30):
        miramar.pms.mode = dice.choice(MODES)
        redis().flushdb()  # No breaker spares it.
        if dice.random() < 0.6:
            method = dice.choice(["POST", "PUT", "GET"])
            miramar.pms.inject(dice.choice(troubles)(), method=method, skip=dice.randrange(3))
        try:
            match dice.choice(["hold", "hold", "book", "cancel", "release", "change", "lapse"]):
                case "hold":
                    kind = miramar.kind(dice.choice(["suite", "familiar"]))
                    held.append(miramar.hold(nights(dice.randrange(3)), RoomRequest(kind, 2), key=f"{seed}:{step}"))
                case "book" if held:
                    booked.append(miramar.book(held.pop()))
                case "cancel" if booked:
                    miramar.door.cancel(booked.pop(), Decimal(0))
                case "release" if held:
                    miramar.door.release(held.pop().hold_key, miramar.marta, "declined")
                case "change" if booked:
                    booking = miramar.read(dice.choice(booked))
                    miramar.modify(booking, nights(dice.randrange(4), 3), key=f"{seed}:{step}")
                case "lapse" if held:
                    lapse(held.pop())
        except (PmsUnavailable, PmsRejected, RoomTaken, HoldLapsed):
            pass
        miramar.pms.heal()
    redis().flushdb()
    miramar.settle()
    miramar.settle(timedelta(hours=1))
    claimed = {
        str(order) for (order,) in rows("pms_holds where status = 'active' and expires_at > now()", "order_id")
    } | {str(order) for (order,) in rows("reservations where pms_id is not null and status = 'booked'", "pms_id")}
    assert {str(order.id) for order in miramar.ours()} == claimed
    assert rows("reservations where status = 'pending' and pms_id is not null", "code") == []
    assert [pair for pair in miramar.pms.double_sales() if any(is_ours(miramar, line) for line in pair)] == []
    for (code,) in rows("reservations where pms_id is not null and status = 'booked'", "code"):
        there = miramar.read(str(code))
        kept = rows(f"reservations where code = '{code}'", "check_in, check_out, total")
        assert kept == [(there.stay.check_in, there.stay.check_out, there.total)]


def is_ours(miramar: Far, line: far.Line) -> bool:
    return any(order.id == line.id_order for order in miramar.pms.orders("ha"))


# In a chat


def test_a_guest_books_and_cancels_in_a_chat(miramar, mode):
    miramar.pms.mode = mode
    kind = miramar.double().room_type
    marta = Talk(miramar.hotel, db.session.get_one(Guest, miramar.marta), language="es")
    listed = marta.says(f"Hola, ¿tenéis habitación {span('es', day(1), day(3))} para 2 adultos?")
    assert listed.says("190")
    read_back = marta.taps(f"offer:{kind}")
    assert read_back.says("Marta García", "190")
    done = marta.says("sí")
    code = done.answer.state["booked"]
    assert done.says("confirmada", code, "190")
    assert miramar.read(code).is_confirmed
    assert [len(miramar.pms.active_lines(order)) for order in miramar.ours()] == [1]
    marta.says(f"quiero cancelar la reserva {code}")
    assert marta.taps("cancel_yes").says("cancelad")
    assert miramar.ours() == []


def test_a_guest_whose_pms_is_away_is_told_so_and_people_look(miramar):
    marta = Talk(miramar.hotel, db.session.get_one(Guest, miramar.marta), language="es")
    miramar.door.room_kinds()
    miramar.pms.inject(far.unavailable(), times=None)
    told = marta.says(f"Hola, ¿tenéis habitación {span('es', day(1), day(3))} para 2 adultos?")
    assert told.reason == "pms_failed"


def test_three_adults_have_two_rooms_where_a_room_takes_two(prime):
    found = find_offers(prime.hotel, day(1), day(3), Party(3))
    assert found.status == "found"
    assert {len(quote.rooms) for quote in found.choices} == {2}
    hold = prime.hold(nights(1), *found.choices[0].rooms)
    assert hold.total == found.choices[0].total


# Where it may be


def test_a_private_address_is_not_asked_in_production(miramar, monkeypatch):
    monkeypatch.setattr(settings(), "pms_private_addresses", False)
    with pytest.raises(PmsUnavailable):
        miramar.door.availability(nights(1))
    for address in ("http://127.0.0.1:1/api", "http://169.254.169.254/api", "http://[::1]/api", "http://localhost/api"):
        with pytest.raises(BadInput):
            changing.change(miramar.hotel.id, {"pms_url": address})
    changing.change(miramar.hotel.id, {"pms_url": "https://pms.hotel.example/api"})
    with pytest.raises(Exception, match="private"):
        wire.address_of("localhost", 80)


@pytest.mark.parametrize("address", ["ftp://x.example/", "javascript:alert(1)", "https://u:p@x.example/", "x"])
def test_an_address_that_is_none_is_not_kept(miramar, address):
    with pytest.raises(BadInput):
        changing.change(miramar.hotel.id, {"pms_url": address})


def test_the_key_is_sealed(miramar):
    kept = rows("hotels where slug = 'andes'", "settings->>'pms_key'")[0][0]
    assert miramar.pms.key not in str(kept)
    assert miramar.pms.key not in str(rows("audit_log", "audit_log"))


def test_a_wrong_key_is_unavailable_and_no_refusal(miramar):
    changing.change(miramar.hotel.id, {"pms_key": "X" * 32})
    reading.forget()
    with pytest.raises(PmsUnavailable):
        Far(miramar.hotel, miramar.pms).door.availability(nights(1))


def test_what_it_can_do_is_declared(miramar):
    assert miramar.door.capabilities.hold == "imitated"
    local = adapter_of("local")
    assert local
    assert local.capabilities.hold == "native"
