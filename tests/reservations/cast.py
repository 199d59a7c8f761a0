"""Who and what the tests of rooms are about."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from threading import Barrier
from typing import Any

from flask import Flask
from sqlalchemy import select, text

from hotel_agent.db import db
from hotel_agent.guests.models import Guest
from hotel_agent.hotels.models import Hotel
from hotel_agent.reservations import Hold, Offer, Party, RoomRequest, RoomTaken, Stay
from hotel_agent.reservations.booking import hold_quote
from hotel_agent.reservations.quoting import search

COUPLE = Party(adults=2)
TODAY = date.today()  # The same in all of a run that goes on past midnight.


def hotel_named(slug: str) -> Hotel:
    return db.session.scalars(select(Hotel).where(Hotel.slug == slug)).one()


def guest_of(hotel: Hotel, name: str = "Marta García") -> int:
    guest = Guest(hotel_id=hotel.id, name=name)
    db.session.add(guest)
    db.session.commit()
    return guest.id


def day(number: int) -> date:
    """A day far enough ahead that nobody has booked there yet."""
    return TODAY + timedelta(days=80 + number)


def nights(first: int, count: int) -> Stay:
    return Stay(day(first), day(first + count))


def holds(hotel: Hotel, guest: int, stay: Stay, *kinds: str, key: str, replaces: str | None = None) -> Hold:
    rooms = [RoomRequest(kind, 2) for kind in kinds or ("suite",)]
    return hold_quote(hotel, guest, stay, rooms, key, replaces)


def fill(hotel: Hotel, kind: str, stay: Stay, leave: int = 0) -> None:
    """Other guests book that kind of room until only so many are left."""
    db.session.execute(
        text(
            "insert into reservation_locks"
            " (hotel_id, resource_id, status, check_in, check_out, hold_key, price)"
            " select :hotel, r.id, 'booked', :check_in, :check_out, 'full:' || r.id, 0 from rooms r"
            " join room_types t on t.id = r.room_type_id where t.hotel_id = :hotel and t.code = :kind"
            " order by r.number desc limit (select count(*) - :leave from rooms r2"
            " join room_types t2 on t2.id = r2.room_type_id where t2.hotel_id = :hotel and t2.code = :kind)"
        ),
        {
            "hotel": hotel.id,
            "kind": kind,
            "check_in": stay.check_in,
            "check_out": stay.check_out,
            "leave": leave,
        },
    )
    db.session.commit()


def offer_of(hotel: Hotel, kind: str, stay: Stay) -> Offer:
    offer = search(hotel, stay).offer(kind)
    assert offer is not None
    return offer


def lapse(hold: Hold) -> None:
    """The hold's time is over."""
    db.session.execute(
        text(
            "update reservation_locks set expires_at = clock_timestamp() - interval '1 second' where hold_key = :hold"
        ),
        {"hold": hold.hold_key},
    )
    db.session.commit()


def statuses(hold: Hold) -> list[str]:
    rows = db.session.execute(
        text("select status from reservation_locks where hold_key = :hold order by id"),
        {"hold": hold.hold_key},
    )
    return list(rows.scalars())


def overlapping_claims() -> int:
    """Pairs of live claims on one room at one time: there may be none."""
    found: int = db.session.execute(
        text(
            "select count(*) from reservation_locks a"
            " join reservation_locks b on a.resource_id = b.resource_id and a.id < b.id"
            " and daterange(a.check_in, a.check_out) && daterange(b.check_in, b.check_out)"
            " where a.status in ('active', 'booked') and b.status in ('active', 'booked')"
        )
    ).scalar_one()
    return found


def all_at_once(app: Flask, count: int, work: Callable[[int], Any]) -> list[Any]:
    """Run `work(0)`, `work(1)`, … together, each in its own context; RoomTaken is a result like any other."""
    start = Barrier(count)

    def one(number: int) -> Any:
        with app.app_context():
            start.wait(timeout=30)
            try:
                return work(number)
            except RoomTaken as taken:
                return taken

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(one, range(count)))
