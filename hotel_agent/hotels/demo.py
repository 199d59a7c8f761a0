"""The two demo hotels: whatever of them is missing is loaded, whatever is there stays as it is.

Rooms, rates and reservations are the PMS's tables, replies those of conversations; this feature knows only the names.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import select, text

from hotel_agent.db import db
from hotel_agent.hotels.demo_data import HOTELS, NAMES, REPLIES, DemoHotel
from hotel_agent.hotels.models import Hotel

CODE_LETTERS = "23456789ABCDEFGHJKMNPQRSTVWXYZ"
FIRST_RATE, LAST_RATE = -30, 3 * 365 + 1  # Days from today that have a price.
FIRST_STAY, LAST_STAY = -21, 40  # Days from the first load that reservations touch.
CANCELLED_SHARE = 0.06


def load_demo(today: date | None = None) -> None:
    """Load both hotels, extend their rates to three years ahead, and bring the made-up stays up to date.

    `today` replaces the hotels' date. Nothing that somebody has changed by hand is overwritten.
    """
    for demo in HOTELS:
        hotel = _hotel(demo)
        _identifiers_and_extras(hotel, demo)
        _knowledge(hotel, demo)
        _replies(hotel)
        _rooms(hotel, demo)
        _rates(hotel, demo, today or hotel.today())
        _reservations(hotel, demo, today or hotel.today())
    db.session.commit()


def _hotel(demo: DemoHotel) -> Hotel:
    _run(
        "insert into hotels (slug, name, timezone, country, currency, language, check_in_time,"
        " check_out_time, front_desk_opens, front_desk_closes, largest_party, settings)"
        " values (:slug, :name, :timezone, :country, :currency, :language, :check_in,"
        " :check_out, :opens, :closes, :largest_party, cast(:settings as jsonb))"
        # A demo that was loaded before it had settings gets them.
        " on conflict (slug) do update set settings = excluded.settings where hotels.settings = '{}'",
        slug=demo.slug,
        name=demo.name,
        timezone=demo.timezone,
        country=demo.country,
        currency=demo.currency,
        language=demo.language,
        check_in=demo.check_in,
        check_out=demo.check_out,
        opens=demo.front_desk[0] if demo.front_desk else None,
        closes=demo.front_desk[1] if demo.front_desk else None,
        largest_party=demo.largest_party,
        settings=json.dumps(demo.settings),
    )
    return db.session.scalars(select(Hotel).where(Hotel.slug == demo.slug)).one()


def _identifiers_and_extras(hotel: Hotel, demo: DemoHotel) -> None:
    _run(
        "insert into tenant_user_identifiers (hotel_id, channel, identifier_value)"
        " values (:hotel, 'whatsapp', :number) on conflict (channel, identifier_value) do nothing",
        hotel=hotel.id,
        number=demo.phone_number_id,
    )
    _run_each(
        "insert into extras (hotel_id, code, price, unit, until)"
        " values (:hotel, :code, :price, :unit, :until)"
        " on conflict (hotel_id, code) do nothing",
        [
            {"hotel": hotel.id, "code": code, "price": price, "unit": unit, "until": until}
            for code, price, unit, until in demo.extras
        ],
    )


def _knowledge(hotel: Hotel, demo: DemoHotel) -> None:
    _run_each(
        "insert into knowledge (hotel_id, topic, language, text, payload)"
        " values (:hotel, :topic, :language, :text, cast(:payload as jsonb))"
        " on conflict (hotel_id, topic, language) do nothing",
        [
            {
                "hotel": hotel.id,
                "topic": topic,
                "language": language,
                "text": words,
                "payload": json.dumps(demo.payloads.get(topic, {})),
            }
            for topic, texts in demo.knowledge.items()
            for language, words in texts.items()
        ],
    )


def _replies(hotel: Hotel) -> None:
    """What colleagues keep ready, and the templates."""
    for table, key, texts in (
        ("canned_replies", "shortcut", REPLIES["canned"]),
        ("message_templates", "name", REPLIES["templates"]),
    ):
        _run_each(
            f"insert into {table} (hotel_id, {key}, language, body) values (:hotel, :name, :language, :body)"
            f" on conflict (hotel_id, {key}, language) do nothing",
            [
                {"hotel": hotel.id, "name": name, "language": language, "body": body}
                for name, bodies in texts.items()
                for language, body in bodies.items()
            ],
        )


def _rooms(hotel: Hotel, demo: DemoHotel) -> None:
    _run_each(
        "insert into room_types (hotel_id, code, capacity, position, names, descriptions, words, photos) values"
        " (:hotel, :code, :capacity, :position, cast(:names as jsonb), cast(:descriptions as jsonb),"
        " cast(:words as jsonb), cast(:photos as jsonb)) on conflict (hotel_id, code)"
        # A demo that was loaded before there were photos gets them.
        " do update set photos = excluded.photos where room_types.photos = '[]'",
        [
            {
                "hotel": hotel.id,
                "code": kind.code,
                "capacity": kind.capacity,
                "position": position,
                "names": json.dumps(kind.names),
                "descriptions": json.dumps(kind.descriptions),
                "words": json.dumps(kind.words),
                "photos": json.dumps([kind.photo]),
            }
            for position, kind in enumerate(demo.room_types)
        ],
    )
    _run_each(
        "insert into rooms (hotel_id, room_type_id, number) select :hotel, id, :number from room_types"
        " where hotel_id = :hotel and code = :code on conflict (hotel_id, number) do nothing",
        [
            {"hotel": hotel.id, "code": kind.code, "number": number}
            for kind in demo.room_types
            for number in kind.numbers
        ],
    )


def _rates(hotel: Hotel, demo: DemoHotel, today: date) -> None:
    """The same price every night. Only the nights after the last priced one are written."""
    for kind in demo.room_types:
        _run(
            "insert into rates (room_type_id, night, price) select t.id, cast(night as date), :price"
            " from room_types t cross join generate_series(coalesce("
            "  (select max(night) + 1 from rates where room_type_id = t.id), cast(:first as date)),"
            "  cast(:last as date), interval '1 day') as night"
            " where t.hotel_id = :hotel and t.code = :code on conflict do nothing",
            hotel=hotel.id,
            code=kind.code,
            price=kind.price,
            first=today + timedelta(days=FIRST_RATE),
            last=today + timedelta(days=LAST_RATE),
        )


def _reservations(hotel: Hotel, demo: DemoHotel, today: date) -> None:
    """Make stays up for a hotel that has none; later loads only move their statuses along.

    They are not made up again, so that the far days, where acceptance and visitors book, stay clear for good.
    """
    any_there = text("select exists (select 1 from reservations where hotel_id = :hotel)")
    if not db.session.scalar(any_there, {"hotel": hotel.id}):
        _insert_stays(hotel, list(_stays(demo, today)))
    _run(
        "update reservations set status = case when check_out <= :today then 'departed' else 'in_house' end"
        " where hotel_id = :hotel and request_key like 'demo:%' and status in ('booked', 'in_house')"
        " and check_in < :today",
        hotel=hotel.id,
        today=today,
    )


@dataclass(frozen=True)
class _Stay:
    number: str
    price: Decimal
    check_in: date
    check_out: date
    guest: str
    adults: int
    children: int
    code: str
    cancelled: bool

    @property
    def nights(self) -> int:
        return (self.check_out - self.check_in).days


def _stays(demo: DemoHotel, today: date) -> Iterator[_Stay]:
    """Fill every room but the last of its kind, so that one of each kind is free every night."""
    chance = random.Random(demo.slug)
    codes: set[str] = set()
    for kind in demo.room_types:
        for number in kind.numbers[:-1]:
            day = FIRST_STAY + chance.choice((0, 0, 1, 2, 3))
            while True:
                nights = chance.choice((1, 1, 2, 2, 2, 3, 3, 4, 5, 7))
                if day + nights > LAST_STAY:
                    break
                cancelled = chance.random() < CANCELLED_SHARE
                adults = chance.randint(1, min(2, kind.capacity))
                children = chance.randint(0, kind.capacity - adults) if kind.capacity > 2 else 0
                yield _Stay(
                    number,
                    kind.price,
                    today + timedelta(days=day),
                    today + timedelta(days=day + nights),
                    f"{chance.choice(NAMES[0])} {chance.choice(NAMES[1])}",
                    adults,
                    children,
                    _code(demo.slug, chance, codes),
                    cancelled,
                )
                if not cancelled:
                    day += nights
                day += chance.choice((0, 0, 1, 1, 2, 4)) + (2 if day > 14 else 0)


def _code(slug: str, chance: random.Random, codes: set[str]) -> str:
    while True:
        code = slug[:3].upper() + "-" + "".join(chance.choices(CODE_LETTERS, k=6))
        if code not in codes:
            codes.add(code)
            return code


def _insert_stays(hotel: Hotel, stays: list[_Stay]) -> None:
    _run_each(
        "insert into reservations (hotel_id, code, guest_name, status, check_in, check_out, adults, children,"
        " total, currency, policy, request_key, created_at, cancelled_at, cancellation_fee)"
        " values (:hotel, :code, :guest, :status, :check_in, :check_out, :adults, :children,"
        " :total, :currency, cast(:policy as jsonb), :request, :created_at, :cancelled_at, :fee)",
        [
            {
                "hotel": hotel.id,
                "code": stay.code,
                "guest": stay.guest,
                "status": "cancelled" if stay.cancelled else "booked",
                "check_in": stay.check_in,
                "check_out": stay.check_out,
                "adults": stay.adults,
                "children": stay.children,
                "total": stay.price * stay.nights,
                "currency": hotel.currency,
                "policy": json.dumps(_policy(hotel, stay)),
                "request": f"demo:{stay.code}",
                "created_at": _midday(stay.check_in) - timedelta(days=30),
                "cancelled_at": _midday(stay.check_in) - timedelta(days=25) if stay.cancelled else None,
                "fee": Decimal(0) if stay.cancelled else None,
            }
            for stay in stays
        ],
    )
    _run_each(
        "insert into reservation_locks (hotel_id, resource_id, status, check_in, check_out, reservation_id,"
        " hold_key, price, adults, children) select :hotel, r.id, :status, b.check_in, b.check_out, b.id,"
        " 'demo:' || b.code, b.total, b.adults, b.children from rooms r join reservations b on b.code = :code"
        " where r.hotel_id = :hotel and r.number = :number",
        [
            {
                "hotel": hotel.id,
                "number": stay.number,
                "code": stay.code,
                "status": "released" if stay.cancelled else "booked",
            }
            for stay in stays
        ],
    )


def _policy(hotel: Hotel, stay: _Stay) -> dict[str, str]:
    arrival = datetime.combine(stay.check_in, hotel.check_in_time, hotel.zone).astimezone(UTC)
    deadline = arrival - timedelta(hours=hotel.free_cancellation_hours)
    return {"free_until": deadline.astimezone(hotel.zone).isoformat(), "late_fee": str(stay.price)}


def _midday(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, 12, tzinfo=UTC)


def _run(statement: str, **values: Any) -> None:
    db.session.execute(text(statement), values)


def _run_each(statement: str, rows: Iterable[dict[str, Any]]) -> None:
    db.session.execute(text(statement), list(rows))
