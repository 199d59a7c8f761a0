"""Our rows follow a PMS in which others book, change and cancel: each of their deeds is seen once, and told once."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from prometheus_client.registry import CollectorRegistry
from sqlalchemy import event, text

from hotel_agent import queues
from hotel_agent.conversations import elsewhere
from hotel_agent.conversations.models import Conversation
from hotel_agent.dashboard.stay import card, whereabouts
from hotel_agent.db import db, one_at_a_time, utcnow
from hotel_agent.health.figures import Rows
from hotel_agent.pms import agreeing, mirroring
from hotel_agent.pms.agreeing import Standing
from hotel_agent.pms.contract import BookRequest, ChangeRequest, HoldRequest, OutcomeUnknown, RoomRequest, Stay
from hotel_agent.pms.door import pms_for
from hotel_agent.pms.qloapps import client, listing
from hotel_agent.redis import redis
from tests.conversations.chat import span
from tests.fakes import qloapps as far
from tests.fakes.double import Spoilt
from tests.pms.front_desk import REFUNDED, FrontDesk, rows
from tests.reservations.cast import all_at_once, guest_of, hotel_named
from workers import pms as jobs

MODES = ("masked", "hidden", "display_errors")
ANDES = "100000000000002"


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
def marta(desk) -> int:
    return guest_of(desk.hotel, "Marta García")


def talk(desk: FrontDesk, guest_id: int, *, hours_ago: float | None = 1, **columns: Any) -> Conversation:
    """The guest's conversation, in which they wrote so long ago."""
    last = None if hours_ago is None else utcnow() - timedelta(hours=hours_ago)
    conversation = Conversation(
        hotel_id=desk.hotel.id, guest_id=guest_id, channel="whatsapp", last_inbound_at=last, **columns
    )
    db.session.add(conversation)
    db.session.commit()
    return conversation


def locks(desk: FrontDesk) -> list[tuple[Any, ...]]:
    return rows(f"reservation_locks where hotel_id = {desk.hotel.id} and created_at > now() - interval '1 hour'", "id")


def news() -> list[tuple[Any, ...]]:
    return rows("pms_news", "before ->> 'status', after ->> 'status', told_at is not null", "id")


def told(conversation: Conversation) -> list[str]:
    """What the guest has been sent, or is about to be."""
    found = rows(f"messages where conversation_id = {conversation.id} and direction = 'out'", "body", "id")
    return [body for (body,) in found]


def happened(conversation: Conversation) -> list[tuple[Any, ...]]:
    return rows(f"conversation_events where conversation_id = {conversation.id}", "kind, details ->> 'what'", "id")


def waits_for(conversation: Conversation) -> list[str]:
    db.session.refresh(conversation)
    return list(conversation.waiting_reasons)


# Bookings made elsewhere


def test_a_booking_made_elsewhere_is_a_row_and_no_claim(desk, mode):
    desk.pms.mode = mode
    before = locks(desk)
    desk.sells("201", desk.nights(3), "Eva Ruiz")
    done = desk.mirror()
    assert (done.seen, done.changed, done.away) == (1, 1, "")
    stay = desk.nights(3)
    [row] = desk.rows("guest_id, guest_name, status, check_in, check_out, adults, children, total, currency")
    assert row == (None, "Eva Ruiz", "booked", stay.check_in, stay.check_out, 2, 0, Decimal("190.00"), "EUR")
    [(code, pms_id)] = desk.rows("code, pms_id")
    assert (code[:4], len(code), pms_id) == ("AND-", 10, "1")
    assert rows("reservation_rooms", "kind, number, names ->> 'es', check_in, check_out") == [
        ("2", "201", "Doble", stay.check_in, stay.check_out)
    ]
    assert locks(desk) == before


def test_it_may_be_done_any_number_of_times(desk):
    desk.sells("201", desk.nights(3))
    desk.mirror()
    before = desk.rows("id, code"), rows("reservation_rooms", "reservation_id, place, number")
    assert desk.mirror().changed == 0
    desk.whole_anew()
    assert desk.mirror().changed == 0
    assert (desk.rows("id, code"), rows("reservation_rooms", "reservation_id, place, number")) == before


def test_what_the_front_desk_changes_is_taken_over(desk, mode):
    desk.pms.mode = mode
    order = desk.sells("201", desk.nights(0), "Eva Ruiz")
    desk.mirror()
    desk.moves(order, desk.nights(0, 4))
    desk.rewrites(order, id_room=desk.room("202").id, adults=1)
    desk.pms.shop.customers[order.id_customer].lastname = "Ruiz-Sanz"
    desk.mirror()
    assert desk.rows() == [("Eva Ruiz-Sanz", "booked", desk.day(0), desk.day(4))]
    assert rows("reservation_rooms", "number, check_out") == [("202", desk.day(4))]
    for id_status, status in ((2, "in_house"), (3, "departed")):
        desk.rewrites(order, id_status=id_status, check_out=f"{desk.day(0)} 11:00:00")
        desk.mirror()
        assert desk.rows("status, adults") == [(status, 1)]
    assert news() == []  # Nobody of ours is concerned.


@pytest.mark.parametrize("state", [4, REFUNDED, 6])
def test_what_is_cancelled_refunded_or_not_paid_is_off(desk, state):
    order = desk.sells("201", desk.nights(3))
    desk.mirror()
    desk.pms.shop.change_state(order, state)
    desk.mirror()
    assert desk.rows("status, cancelled_at is not null") == [("cancelled", True)]


def test_what_was_off_before_we_heard_of_it_makes_no_row(desk):
    desk.cancels(desk.sells("201", desk.nights(3)))
    desk.mirror()
    assert desk.rows() == []


def test_a_change_that_touches_neither_of_the_dates_is_found_in_time(desk):
    """Written past the program: only reading everything anew shows it."""
    order = desk.sells("201", desk.nights(5))
    desk.pms.shop.clock = lambda: utcnow().replace(tzinfo=None) + timedelta(hours=3)
    desk.sells("202", desk.nights(6))  # So that the first one lies before the overlap.
    desk.mirror()
    desk.rewrites(order, touch=False, adults=1)
    desk.mirror()
    assert sorted(desk.rows("check_in, adults")) == [(desk.day(5), 2), (desk.day(6), 2)]
    desk.whole_anew()
    desk.mirror()
    assert sorted(desk.rows("check_in, adults")) == [(desk.day(5), 1), (desk.day(6), 2)]


def test_a_hold_is_no_booking(desk, marta):
    hold = desk.door.hold(HoldRequest(desk.nights(3), (RoomRequest("2", 2),), marta, "kept"))
    desk.mirror()
    assert desk.rows() == []
    desk.door.release(hold.hold_key, marta, "declined")
    desk.mirror()
    assert desk.rows() == []


def test_many_bookings_in_one_second_are_all_there(desk, monkeypatch):
    monkeypatch.setattr(listing, "PAGE", 2)
    desk.mirror()
    second = utcnow().replace(tzinfo=None, microsecond=0)
    desk.pms.shop.clock = lambda: second
    for number in range(1, 8):
        desk.sells(f"2{number:02}", desk.nights(3))
    desk.mirror()
    assert len(desk.rows()) == 7


def test_a_turn_that_was_too_short_goes_on_in_the_next(desk, monkeypatch):
    monkeypatch.setattr(listing, "PAGE", 2)
    for number in range(1, 8):
        desk.sells(f"2{number:02}", desk.nights(3))
    ticks = iter(range(1000))
    monkeypatch.setattr(mirroring, "SECONDS", 2)
    monkeypatch.setattr(mirroring, "monotonic", lambda: next(ticks))
    counts: list[int] = []
    while len(counts) < 12 and (not counts or counts[-1] < 7):
        desk.mirror()
        counts.append(len(desk.rows()))
    assert counts[0] < 7
    assert counts[-1] == 7


def test_two_at_once_make_one_row_each(desk, app):
    for number in range(1, 6):
        desk.sells(f"2{number:02}", desk.nights(3))
    done = all_at_once(app, 4, lambda _: mirroring.mirror(hotel_named("andes")))
    assert any(not one.is_busy for one in done)
    desk.mirror()
    assert len(desk.rows("distinct pms_id")) == len(desk.rows("id")) == 5


def test_the_other_hotels_rows_stay_as_they_are(desk):
    miramar = hotel_named("miramar")
    before = rows(f"reservations where hotel_id = {miramar.id}", "id, status, check_in")
    desk.sells("201", desk.nights(3))
    desk.mirror()
    assert rows(f"reservations where hotel_id = {miramar.id}", "id, status, check_in") == before
    assert [hotel.slug for hotel in mirroring.mirrored_hotels()] == ["andes"]


def test_one_that_cannot_be_kept_keeps_no_other_from_it_and_comes_again(desk):
    bad, _ = desk.sells("201", desk.nights(3), "Eva Ru\x00iz"), desk.sells("202", desk.nights(3), "Ana Sol")
    assert desk.mirror().changed == 1
    assert [name for (name,) in desk.rows("guest_name")] == ["Ana Sol"]
    desk.pms.shop.customers[bad.id_customer].lastname = "Ruiz"
    desk.mirror()
    assert sorted(name for (name,) in desk.rows("guest_name")) == ["Ana Sol", "Eva Ruiz"]


def test_what_is_kept_of_free_rooms_is_forgotten_for_the_nights_that_were_touched(desk):
    stay, other = desk.nights(3), desk.nights(20)

    def free(nights: Stay) -> int:
        return next(offer.free for offer in desk.door.availability(nights).offers if offer.kind.code == "2")

    assert (free(stay), free(other)) == (14, 14)
    order = desk.sells("201", stay)
    far.front_desk_sells(desk.pms.shop, desk.room("205"), other.check_in, other.check_out)
    desk.pms.shop.lines[2].id_hotel = 2  # Nothing tells us of this one.
    assert (free(stay), free(other)) == (14, 14)
    desk.mirror()
    assert (free(stay), free(other)) == (13, 14)
    desk.cancels(order)
    desk.mirror()
    assert free(stay) == 14


class Killed(BaseException):
    """As a process that is ended: nobody catches it."""


def test_a_turn_that_dies_at_any_write_loses_and_doubles_nothing(desk, marta):
    """Ended before its first write, then before its second, and so on, until one comes through."""
    code = desk.books(desk.nights(3), marta)
    desk.mirror()
    desk.cancels(desk.order(desk.rows("pms_id")[0][0]))
    for number in range(1, 5):
        desk.sells(f"2{number:02}", desk.nights(5), "Eva Ruiz")
    deaths = 0
    while deaths < 100 and dies_after(desk, deaths):
        deaths += 1
    assert 5 < deaths < 100
    assert desk.mirror().changed == 0
    assert sorted(desk.rows("status")) == [("booked",)] * 4 + [("cancelled",)]
    assert len(desk.rows("distinct pms_id")) == 5
    assert rows("reservation_rooms", "number", "reservation_id") == [("201",), ("201",), ("202",), ("203",), ("204",)]
    assert news() == [("booked", "cancelled", False)]
    assert [known for known, guest_id in desk.rows("code, guest_id") if guest_id] == [code]


def dies_after(desk: FrontDesk, survived: int) -> bool:
    """One turn that lives through so many writes; whether it died of the next."""
    left = iter(range(survived))

    def fate(*told: Any) -> None:
        if told[2].lstrip().lower().startswith(("insert", "update", "delete")) and next(left, None) is None:
            raise Killed

    event.listen(db.engine, "before_cursor_execute", fate)
    try:
        desk.mirror()
    except Killed:
        return True
    finally:
        event.remove(db.engine, "before_cursor_execute", fate)
        db.session.remove()
        desk.hotel = hotel_named("andes")
    return False


def telling(rows_left: Callable[[list[Any]], list[Any]]) -> far.Fault:
    """A list of which only these rows arrive, and which looks as it should; single resources are whole."""

    def spoil(body: bytes) -> bytes:
        said = json.loads(body)
        name, told = next(iter(said.items())) if isinstance(said, dict) and said else ("", said)
        if not isinstance(told, list):
            return body
        return json.dumps({name: kept} if (kept := rows_left(told)) else []).encode()

    return far.Fault("left out", spoilt=Spoilt(200, spoil, None))


@pytest.mark.parametrize("path", ["/orders", "/room_bookings", ""])
@pytest.mark.parametrize(
    "rows_left",
    [lambda _: [], lambda told: told[: len(told) // 2], lambda told: told[len(told) // 2 :]],
    ids=["none", "the first half", "the second half"],
)
@pytest.mark.parametrize("whole", [False, True], ids=["changes", "everything"])
def test_a_list_that_tells_too_little_cancels_nothing_and_nothing_is_lost(desk, marta, path, rows_left, whole):
    desk.books(desk.nights(3), marta)
    for number in range(2, 5):
        desk.sells(f"2{number:02}", desk.nights(3), "Eva Ruiz")
    desk.mirror()
    before = desk.rows("id, code, status, guest_name, check_in, adults")
    db.session.execute(text("update reservations set created_at = created_at - interval '1 hour'"))
    db.session.commit()
    desk.sells("205", desk.nights(3), "Lola Sol")
    if whole:
        desk.whole_anew()
    desk.pms.inject(telling(rows_left), method="GET", path=path, times=None)
    desk.mirror()
    assert [row for row in desk.rows("id, code, status, guest_name, check_in, adults") if row in before] == before
    desk.pms.heal()
    desk.mirror()
    assert sorted(name for (name,) in desk.rows("guest_name")) == [*["Eva Ruiz"] * 3, "Lola Sol", "Marta García"]
    assert {status for (status,) in desk.rows("status")} == {"booked"}
    assert len(rows("reservation_rooms", "number")) == 5


@pytest.mark.parametrize("body", [b"null", b"{}", b"7", b'"orders"', b'{"orders": null}', b'{"errors": []}'])
def test_an_answer_without_a_list_is_no_empty_list(desk, body):
    desk.sells("201", desk.nights(3))
    desk.mirror()
    cursor = rows("pms_mirrors", "cursor")
    desk.sells("202", desk.nights(3))
    desk.pms.inject(far.Fault("no list", spoilt=Spoilt(200, lambda _: body)), path="/orders", times=None)
    assert desk.mirror().away
    assert rows("pms_mirrors", "cursor") == cursor
    desk.pms.heal()
    redis().flushdb()
    assert not desk.mirror().away
    assert len(desk.rows()) == 2


def test_an_order_that_its_lists_hide_is_there_all_the_same(desk, marta):
    """Somebody has written to it: it has no shop any more, and its room is kept."""
    code = desk.books(desk.nights(3), marta)
    other = desk.sells("202", desk.nights(3), "Eva Ruiz")
    desk.mirror()
    db.session.execute(text("update reservations set created_at = created_at - interval '1 hour'"))
    db.session.commit()
    for order in desk.pms.shop.orders:
        order.id_shop = 0
    desk.rewrites(other, adults=1)
    desk.whole_anew()
    desk.mirror()
    assert sorted(desk.rows("guest_name, status, adults")) == [("Eva Ruiz", "booked", 1), ("Marta García", "booked", 2)]
    assert news() == []
    assert desk.door.read(code).is_confirmed


def test_a_line_that_names_no_order_keeps_no_other_from_being_followed(desk):
    broken = desk.sells("201", desk.nights(0))
    desk.sells("202", desk.nights(0))
    desk.rewrites(broken, id_order=0)
    assert not desk.mirror().away
    assert rows("reservation_rooms", "number") == [("202",)]


def test_while_guests_book_and_cancel_every_order_is_one_row(desk, app):
    """Holds become bookings, and bookings go, while the mirror reads and the front desk sells."""
    guests = [guest_of(desk.hotel, name) for name in ("Ana Gil", "Luis Sol")]

    def live(number: int) -> None:
        hotel = hotel_named("andes")
        if number == 2:
            for _ in range(12):
                mirroring.mirror(hotel)
            return
        for turn in range(4):
            stay = Stay(hotel.today() + timedelta(days=3 + 3 * turn), hotel.today() + timedelta(days=5 + 3 * turn))
            if number == 3:
                desk.sells(f"21{turn}", stay, "Eva Ruiz")
                continue
            door, guest_id = pms_for(hotel), guests[number]
            held = door.hold(HoldRequest(stay, (RoomRequest("2", 2),), guest_id, f"h{number}{turn}"))
            booked = door.book(BookRequest(held.hold_key, guest_id, "Ana Gil", f"b{number}{turn}", hotel.today()))
            if turn % 2:
                door.cancel(booked, Decimal(0))

    all_at_once(app, 4, live)
    desk.mirror()
    assert len(desk.rows("distinct pms_id")) == len(desk.rows("id")) == len(desk.pms.orders()) == 12
    of_guests = [status for status, guest_id in desk.rows("status, guest_id") if guest_id]
    assert sorted(of_guests) == ["booked"] * 4 + ["cancelled"] * 4
    assert news() == []


def test_five_hundred_bookings_cost_few_statements(desk):
    """None of them for each booking, unless it is otherwise than it was."""
    for number in range(500):
        desk.sells(f"2{number % 14 + 1:02}", desk.nights(3 + 2 * (number // 14)))
    asked: list[str] = []

    def count(*told: Any) -> None:
        asked.append(told[2])

    event.listen(db.engine, "before_cursor_execute", count)
    try:
        assert desk.mirror().changed == 500
        first = len(asked)
        asked.clear()
        desk.whole_anew()
        assert desk.mirror() == mirroring.Mirrored(seen=500)
    finally:
        event.remove(db.engine, "before_cursor_execute", count)
    assert first < 3.2 * 500
    assert len(asked) < 40


# Bookings of our guests


def test_a_booking_of_ours_has_its_rooms_and_no_news(desk, marta):
    code = desk.books(desk.nights(3), marta)
    desk.mirror()
    assert desk.rows("code, guest_id, guest_name") == [(code, marta, "Marta García")]
    assert rows("reservation_rooms", "number") == [("201",)]
    assert news() == []
    [stay] = card(desk.hotel, marta, "es").current
    assert (stay.code, stay.rooms, stay.room_types, stay.conflicts) == (code, ("201",), ("Doble",), ())


def test_what_the_guest_cancels_with_us_is_no_news(desk, marta, mode):
    desk.pms.mode = mode
    code = desk.books(desk.nights(3), marta)
    desk.mirror()
    desk.door.cancel(code, Decimal("12.00"))
    desk.mirror()
    desk.whole_anew()
    desk.mirror()
    assert desk.rows("status, cancellation_fee") == [("cancelled", Decimal("12.00"))]
    assert news() == []


def test_a_cancellation_of_ours_whose_outcome_was_unknown_is_no_news_either(desk, marta):
    code = desk.books(desk.nights(3), marta)
    desk.mirror()
    desk.pms.inject(far.reset_after_write(), method="POST", path="/order_histories")
    desk.pms.inject(far.unavailable(), method="GET", times=None, skip=3)
    with pytest.raises(OutcomeUnknown):
        desk.door.cancel(code, Decimal("12.00"))
    desk.pms.heal()
    redis().flushdb()
    desk.mirror()
    assert desk.rows("status") == [("booked",)]  # Whoever settles it knows the fee.
    db.session.execute(text("update pms_writes set created_at = created_at - interval '2 minutes'"))
    db.session.commit()
    desk.door.settle()
    desk.mirror()
    assert desk.rows("status, cancellation_fee") == [("cancelled", Decimal("12.00"))]
    assert news() == []


def test_what_the_guest_changes_with_us_is_no_news(desk, marta):
    code = desk.books(desk.nights(3), marta)
    desk.mirror()
    wanted = ChangeRequest(code, desk.nights(8, 3), (RoomRequest("2", 2),), "Marta García", "change-1")
    desk.door.modify(replace(wanted, total=desk.door.change_quote(wanted).total))
    desk.mirror()
    assert desk.rows("check_in, check_out") == [(desk.day(8), desk.day(11))]
    assert rows("reservation_rooms", "check_in, check_out") == [(desk.day(8), desk.day(11))]
    assert news() == []


def test_what_the_desk_cancels_after_a_change_of_ours_is_news(desk, marta):
    code = desk.books(desk.nights(3), marta)
    wanted = ChangeRequest(code, desk.nights(8, 3), (RoomRequest("2", 2),), "Marta García", "change-1")
    desk.door.modify(replace(wanted, total=desk.door.change_quote(wanted).total))
    desk.mirror()
    desk.cancels(desk.order(desk.rows("pms_id")[0][0]))
    desk.mirror()
    assert news() == [("booked", "cancelled", False)]


def test_a_booking_cancelled_there_frees_what_we_kept_for_it(desk, marta):
    desk.books(desk.nights(3), marta)
    desk.mirror()
    assert rows("pms_holds", "status, cleared_at is null") == [("booked", True)]
    desk.cancels(desk.order(desk.rows("pms_id")[0][0]))
    desk.mirror()
    assert desk.rows("status, cancelled_at is not null, cancellation_fee") == [("cancelled", True, None)]
    assert rows("pms_holds", "status, cleared_at is null") == [("booked", False)]
    assert desk.door.upcoming(marta, desk.hotel.today()) == ()


def test_whoever_sees_it_first_it_is_news_once(desk, marta):
    """A guest who asks for their booking makes us read it, before the turn that follows."""
    code = desk.books(desk.nights(3), marta)
    desk.mirror()
    desk.cancels(desk.order(desk.rows("pms_id")[0][0]))
    assert desk.door.read(code).status == "cancelled"
    assert news() == [("booked", "cancelled", False)]
    desk.mirror()
    desk.whole_anew()
    desk.mirror()
    assert news() == [("booked", "cancelled", False)]


def test_what_was_read_before_we_wrote_does_not_undo_it(desk, marta):
    code = desk.books(desk.nights(3), marta)
    [(row_id, total)] = desk.rows("id, total")
    read_at = agreeing.clock()
    desk.door.cancel(code, Decimal(0))
    stale = Standing("booked", desk.nights(3), 2, 0, total)
    assert not agreeing.agree(desk.hotel, row_id, stale, read_at)
    assert desk.rows("status") == [("cancelled",)]
    assert news() == []


def test_what_was_read_before_somebody_else_read_more_does_not_undo_it(desk, marta):
    code = desk.books(desk.nights(3), marta)
    [(row_id, total)] = desk.rows("id, total")
    read_at = agreeing.clock()
    desk.cancels(desk.order(desk.rows("pms_id")[0][0]))
    desk.door.read(code)
    assert not agreeing.agree(desk.hotel, row_id, Standing("booked", desk.nights(3), 2, 0, total), read_at)
    assert desk.rows("status") == [("cancelled",)]
    assert news() == [("booked", "cancelled", False)]


def test_other_nights_there_are_the_nights_that_count_here(desk, marta):
    conversation = talk(desk, marta)
    code = desk.books(desk.nights(3), marta)
    desk.mirror()
    [(until,)] = desk.rows("policy ->> 'free_until'")
    desk.moves(desk.order(desk.rows("pms_id")[0][0]), desk.nights(9, 3))
    desk.mirror()
    jobs.tell(desk.hotel.id)
    assert desk.rows("check_in, check_out, status") == [(desk.day(9), desk.day(12), "booked")]
    assert desk.rows("policy ->> 'free_until'") != [(until,)]
    assert desk.door.read(code).free_until.date() == desk.day(7)
    assert happened(conversation) == [("changed_in_pms", "changed")]
    [details] = rows("conversation_events", "details -> 'before' ->> 'check_in', details ->> 'check_in'")
    assert details == (str(desk.day(3)), str(desk.day(9)))
    assert told(conversation) == []


def test_a_booking_that_stands_again_is_told_to_the_desk(desk, marta):
    conversation = talk(desk, marta)
    desk.books(desk.nights(3), marta)
    order = desk.order(desk.rows("pms_id")[0][0])
    desk.cancels(order)
    desk.mirror()
    jobs.tell(desk.hotel.id)
    desk.pms.shop.change_state(order, 1)
    desk.rewrites(order, is_cancelled=0, is_refunded=0)
    desk.mirror()
    jobs.tell(desk.hotel.id)
    assert desk.rows("status, cancelled_at") == [("booked", None)]
    assert [what for kind, what in happened(conversation) if kind == "changed_in_pms"] == ["cancelled", "back"]
    assert len(told(conversation)) == 1


def test_a_booking_that_is_not_there_any_more_is_looked_for_by_people(desk, marta):
    conversation = talk(desk, marta)
    desk.books(desk.nights(3), marta)
    desk.sells("205", desk.nights(3), "Eva Ruiz")
    desk.mirror()
    db.session.execute(text("update reservations set created_at = created_at - interval '1 hour'"))
    db.session.commit()
    for order in list(desk.pms.shop.orders):
        desk.pms.shop.orders.delete(order.id)
        for line in desk.lines(order):
            desk.pms.shop.lines.delete(line.id)
    for _ in range(2):
        desk.whole_anew()
        desk.mirror()
        jobs.tell(desk.hotel.id)
    assert sorted(desk.rows("guest_name, status")) == [("Eva Ruiz", "cancelled"), ("Marta García", "booked")]
    assert [what for kind, what in happened(conversation) if kind == "changed_in_pms"] == ["missing"]
    assert waits_for(conversation) == ["pms_failed"]


# What guests hear


@pytest.mark.parametrize(
    ("language", "words"), [("es", "se ha cancelado"), ("en", "has been cancelled"), ("pt", "foi cancelada")]
)
def test_a_guest_hears_once_that_their_booking_is_off(desk, marta, app, language, words):
    conversation = talk(desk, marta, language=language)
    code = desk.books(desk.nights(3), marta)
    desk.mirror()
    desk.cancels(desk.order(desk.rows("pms_id")[0][0]))
    desk.mirror()
    all_at_once(app, 3, lambda _: elsewhere.tell_news(desk.hotel.id))
    jobs.tell(desk.hotel.id)
    [said] = told(conversation)
    assert words in said
    assert code in said
    assert "Doble" in said
    assert happened(conversation) == [("changed_in_pms", "cancelled"), ("handed_over", None)]
    assert waits_for(conversation) == ["cancelled_there"]
    assert news() == [("booked", "cancelled", True)]


@pytest.mark.parametrize(
    ("hours_ago", "columns"), [(30, {}), (None, {}), (1, {"owner": "staff"})], ids=["window", "never", "staff"]
)
def test_whom_the_agent_may_not_write_to_a_person_has_to_reach(desk, marta, hours_ago, columns):
    conversation = talk(desk, marta, hours_ago=hours_ago, **columns)
    desk.books(desk.nights(3), marta)
    desk.cancels(desk.order(desk.rows("pms_id")[0][0]))
    desk.mirror()
    jobs.tell(desk.hotel.id)
    assert told(conversation) == []
    assert waits_for(conversation) == ["cancelled_there"]
    assert ("changed_in_pms", "cancelled") in happened(conversation)


def test_a_stay_that_has_begun_is_nothing_to_tell_a_guest(desk, marta):
    conversation = talk(desk, marta)
    desk.books(desk.nights(0), marta)
    order = desk.order(desk.rows("pms_id")[0][0])
    desk.mirror()
    desk.moves(order, desk.nights(-1))
    desk.mirror()
    desk.cancels(order)
    desk.mirror()
    jobs.tell(desk.hotel.id)
    assert told(conversation) == []
    assert [what for _, what in happened(conversation)] == ["changed", "cancelled"]


def test_an_answer_that_is_due_comes_first(desk, marta):
    conversation = talk(desk, marta, answer_due_at=utcnow())
    desk.books(desk.nights(3), marta)
    desk.cancels(desk.order(desk.rows("pms_id")[0][0]))
    desk.mirror()
    jobs.tell(desk.hotel.id)
    assert told(conversation) == []
    assert news() == [("booked", "cancelled", False)]
    db.session.execute(text("update conversations set answer_due_at = null"))
    db.session.commit()
    jobs.tell(desk.hotel.id)
    assert len(told(conversation)) == 1


# What was sold twice


def test_a_room_that_was_sold_twice_is_told_once_and_forgotten_when_it_is_not(desk, marta, mode):
    """The front desk sells the room between QloApps' look and its write, and nothing there says so."""
    desk.pms.mode = mode
    conversation = talk(desk, marta)
    code = desk.books(desk.nights(3, 3), marta)
    twice = desk.sells("201", desk.nights(4), "Eva Ruiz")
    assert len(desk.pms.double_sales()) == 1
    for _ in range(3):
        jobs.mirror_hotel(desk.hotel.id)
    assert rows("room_conflicts", "number, check_in, check_out") == [("201", desk.day(4), desk.day(6))]
    other = next(known for known, _ in desk.rows("code, guest_id") if known != code)
    assert [kind for kind, _ in happened(conversation)] == ["room_conflict", "handed_over"]
    assert rows("conversation_events", "details ->> 'room', details ->> 'code', details ->> 'other'", "id")[0] == (
        "201",
        code,
        other,
    )
    assert waits_for(conversation) == ["room_conflict"]
    assert len(rows("audit_log where action = 'room_sold_twice'", "id")) == 1
    [stay] = card(desk.hotel, marta, "es").current
    assert stay.conflicts == ("201",)
    assert figure("pms_conflicts") == {"andes": 1.0}
    desk.rewrites(twice, id_room=desk.room("202").id)
    jobs.mirror_hotel(desk.hotel.id)
    assert rows("room_conflicts", "id") == []
    assert card(desk.hotel, marta, "es").current[0].conflicts == ()
    assert figure("pms_conflicts") == {"andes": 0.0}


def test_one_leaves_and_the_next_comes_is_no_conflict(desk):
    desk.sells("201", desk.nights(1))
    desk.sells("201", desk.nights(3))
    left = desk.sells("202", desk.nights(-2, 5))
    desk.rewrites(left, id_status=3, check_out=f"{desk.day(0)} 10:00:00")
    desk.sells("202", desk.nights(0, 3))
    past, now = desk.sells("203", desk.nights(-2)), desk.sells("203", desk.nights(-2, 4))
    desk.rewrites(past, id_status=2)
    desk.rewrites(now, id_status=2)
    desk.mirror()
    assert rows("room_conflicts", "number") == []


def test_a_conflict_that_is_over_before_the_next_look_is_told_to_nobody(desk, marta):
    conversation = talk(desk, marta)
    desk.books(desk.nights(3), marta)
    twice = desk.sells("201", desk.nights(3))
    jobs.mirror_hotel(desk.hotel.id)
    assert len(rows("room_conflicts", "id")) == 1
    desk.cancels(twice)
    jobs.mirror_hotel(desk.hotel.id)
    assert rows("room_conflicts", "id") == []
    assert happened(conversation) == []


# A PMS that is slow or away


@pytest.mark.parametrize(
    "fault",
    [far.unavailable(429), far.unavailable(), far.empty_body(500), far.reset_before_write(), far.cut_short()],
    ids=lambda fault: fault.name,
)
def test_while_the_pms_is_away_what_is_known_stays_with_its_time(desk, fault):
    desk.sells("201", desk.nights(3))
    desk.mirror()
    before = mirroring.state_of(desk.hotel)
    assert before.as_of is not None
    assert before.away_since is None
    desk.pms.inject(fault, times=None)
    listed = desk.rows("code, status")
    assert desk.mirror().away
    since = mirroring.state_of(desk.hotel).away_since
    assert desk.mirror().away
    after = mirroring.state_of(desk.hotel)
    assert (after.as_of, after.away_since) == (before.as_of, since)
    assert after.last_error
    assert desk.rows("code, status") == listed
    desk.pms.heal()
    redis().flushdb()
    desk.sells("202", desk.nights(3))
    assert not desk.mirror().away
    assert mirroring.state_of(desk.hotel).away_since is None
    assert len(desk.rows()) == 2


def test_a_pms_that_hangs_is_left_alone_while_its_breaker_is_open(desk, monkeypatch):
    monkeypatch.setattr(client, "READ_SECONDS", 0.2)
    desk.mirror()
    until = threading.Event()
    desk.pms.inject(far.hang(until), times=None)
    while "rest" not in (away := desk.mirror().away):
        assert away
    heard = len(desk.pms.requests)
    assert "rest" in desk.mirror().away
    assert len(desk.pms.requests) == heard
    until.set()


def test_the_card_says_since_when_the_pms_is_away(desk, marta, sign_in):
    conversation = talk(desk, marta)
    desk.books(desk.nights(3), marta)
    desk.mirror()
    page = sign_in("oscar@andes.example").get(f"/conversations/{conversation.id}").get_data(as_text=True)
    assert "data-pms-away" not in page
    desk.pms.inject(far.unavailable(), times=None)
    desk.mirror()
    page = sign_in("oscar@andes.example").get(f"/conversations/{conversation.id}").get_data(as_text=True)
    assert "data-pms-away" in page


# Jobs, commands, figures


def test_every_hotel_has_a_job_of_its_own_and_no_more_than_one_that_waits(desk):
    jobs.mirror()
    jobs.mirror()
    waiting = queues.queue(queues.PMS).jobs
    assert [(job.func_name, job.args) for job in waiting] == [("workers.pms.mirror_hotel", [desk.hotel.id])]


def test_a_booking_made_elsewhere_is_there_after_one_job(desk, run_jobs):
    desk.sells("201", desk.nights(3), "Eva Ruiz")
    jobs.mirror()
    run_jobs()
    assert [name for (name,) in desk.rows("guest_name")] == ["Eva Ruiz"]


def test_commands_synchronise_tell_how_it_stands_and_try_the_pms(desk, app):
    desk.sells("201", desk.nights(3))
    desk.sells("201", desk.nights(3))
    cli = app.test_cli_runner()
    assert cli.invoke(args=["pms", "sync", "andes"]).output == "andes: 2 bookings seen, 2 changed\n"
    told = cli.invoke(args=["pms", "status", "andes"]).output
    assert "conflicts\t1\nroom 201\t" in told
    assert "away since\tno\nopen writes\t0\n" in told
    tried = cli.invoke(args=["pms", "test", "andes"]).output
    assert "andes: qloapps answers\n" in tried
    assert "2\tDoble\tfor 2\n" in tried
    assert "hold\timitated\n" in tried
    assert "no_show\tno\n" in tried
    desk.pms.inject(far.unavailable(), times=None)
    listing_failed = cli.invoke(args=["pms", "sync", "andes"])
    assert listing_failed.exit_code != 0
    assert "does not answer" in listing_failed.output
    assert "away since\tno" not in cli.invoke(args=["pms", "status", "andes"]).output
    assert "hold\tnative\n" in cli.invoke(args=["pms", "test", "miramar"]).output


@pytest.mark.parametrize("command", ["sync", "status", "test"])
def test_commands_say_which_hotel_they_do_not_know_and_which_has_no_pms(app, command):
    cli = app.test_cli_runner()
    unknown = cli.invoke(args=["pms", command, "nowhere"])
    assert (unknown.exit_code, unknown.output) == (1, "Error: There is no hotel 'nowhere'.\n")
    if command != "test":
        local = cli.invoke(args=["pms", command, "miramar"])
        told = "Error: miramar has no PMS of its own: its rooms and bookings are kept here\n"
        assert (local.exit_code, local.output) == (1, told)
    assert "Usage: " in cli.invoke(args=["pms", command, "--help"]).output
    assert f"  {command} " in cli.invoke(args=["pms", "--help"]).output


def test_a_long_synchronisation_tells_how_far_it_is_and_ends_with_everything(desk, app, monkeypatch):
    monkeypatch.setattr(listing, "PAGE", 2)
    ticks = iter(range(1000))
    monkeypatch.setattr(mirroring, "SECONDS", 2)
    monkeypatch.setattr(mirroring, "monotonic", lambda: next(ticks))
    for number in range(1, 8):
        desk.sells(f"2{number:02}", desk.nights(3))
    done = app.test_cli_runner().invoke(args=["pms", "sync", "andes"])
    *course, last = done.output.splitlines()
    assert done.exit_code == 0
    assert len(course) >= 3
    assert all(line.startswith("andes: ") and line.endswith(" bookings seen so far") for line in course)
    assert last.endswith(", 7 changed")
    assert len(desk.rows()) == 7


def test_a_synchronisation_leaves_the_one_that_runs_alone(desk, app):
    with one_at_a_time("pms_mirror", desk.hotel.id), ThreadPoolExecutor(1) as another:
        done = another.submit(app.test_cli_runner().invoke, args=["pms", "sync", "andes"]).result()
    assert done.exit_code == 1
    assert "another process" in done.output
    assert desk.rows() == []


def test_figures_tell_how_old_what_we_know_is(desk):
    desk.mirror()
    db.session.execute(text("update pms_mirrors set as_of = as_of - interval '90 seconds'"))
    db.session.commit()
    assert 90 <= figure("pms_mirror_age_seconds")["andes"] < 120


def test_figures_tell_of_a_pms_that_has_never_answered(desk):
    desk.pms.inject(far.unavailable(), times=None)
    desk.mirror()
    db.session.execute(text("update pms_mirrors set failed_since = failed_since - interval '90 seconds'"))
    db.session.commit()
    assert 90 <= figure("pms_mirror_age_seconds")["andes"] < 120


def figure(name: str) -> dict[str, float]:
    registry = CollectorRegistry()
    registry.register(Rows())
    return {
        sample.labels["hotel"]: sample.value
        for metric in registry.collect()
        for sample in metric.samples
        if sample.name == name
    }


# From the first word to the card


def test_a_guest_books_in_a_chat_and_the_front_desk_cancels(desk, mode, marta_says, run_jobs, sent, sign_in):
    desk.pms.mode = mode
    first, last = desk.day(20), desk.day(22)
    marta_says(f"Hola, ¿tenéis habitación {span('es', first, last)} para 2 adultos?", to=ANDES, name="Marta García")
    run_jobs()
    offer = next(row for row in rows("messages where direction = 'out'", "id, payload::text", "id desc"))
    assert "offer:2" in offer[1]
    marta_says("la doble", to=ANDES, name="Marta García")
    run_jobs()
    marta_says("sí", to=ANDES, name="Marta García")
    run_jobs()
    [(code, status, guest_id, pms_id)] = desk.rows("code, status, guest_id, pms_id")
    assert status == "booked"
    assert any(code in one.text for one in sent)
    jobs.mirror()
    run_jobs()
    assert whereabouts(desk.hotel, [guest_id])[guest_id].arrives == first
    said = len(sent)
    desk.cancels(desk.order(pms_id))
    for _ in range(3):
        redis().delete(f"nudge:mirror:{desk.hotel.id}")
        jobs.mirror()
        run_jobs()
    assert len(sent) == said + 1
    assert code in sent[-1].text
    assert "cancelado" in sent[-1].text
    [(conversation_id,)] = rows("conversations", "id")
    page = sign_in("oscar@andes.example").get(f"/conversations/{conversation_id}").get_data(as_text=True)
    assert "is-cancelled" in page
    assert code in page
    assert "cancelada en el PMS" in page
    assert desk.door.availability(Stay(first, last)).offer("2").free == 14
