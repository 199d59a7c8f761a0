"""Our own rows about what stands in a PMS. Each verb ends its transaction, as the next step may cross the network."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from prometheus_client import Counter
from sqlalchemy import text

from hotel_agent.config import settings
from hotel_agent.db import db
from hotel_agent.hotels.credentials import fingerprint
from hotel_agent.hotels.models import Hotel
from hotel_agent.pms import agreeing
from hotel_agent.pms.contract import Change, RoomRequest, Stay, Version
from hotel_agent.pms.local.booking import CODE_LETTERS
from hotel_agent.pms.orders.system import Order, System, order_of
from hotel_agent.pms.policy import free_until

unread = Counter("pms_records_unread_total", "Bookings of a PMS that make no sense to us and are left out.", ["hotel"])

HOLD = (
    "id, hotel_id, guest_id, reservation_id, hold_key, token, code, status, order_id, check_in, check_out, rooms,"
    " total, late_fee, currency, expires_at, extensions, extension_key, cleared_at,"
    " expires_at <= clock_timestamp() as is_over"
)
FROM_NOW = "expires_at = clock_timestamp() + make_interval(secs => :seconds)"
# What the order of a booking carries, where we have made it.
TOKEN = "coalesce((select h.token from pms_holds h where h.reservation_id = reservations.id limit 1), '') as token"


@dataclass(frozen=True)
class Kept:
    """One room of a hold: what was wanted, its price, and which room it has become there."""

    request: RoomRequest
    price: Decimal
    number: str = ""
    room_id: str = ""

    def packed(self) -> dict[str, Any]:
        return {
            "request": self.request.packed(),
            "price": str(self.price),
            "number": self.number,
            "room_id": self.room_id,
        }

    @classmethod
    def unpacked(cls, kept: Mapping[str, Any]) -> Kept:
        return cls(RoomRequest.unpacked(kept["request"]), Decimal(kept["price"]), kept["number"], str(kept["room_id"]))


@dataclass(frozen=True)
class HoldRow:
    """A row of pms_holds; `is_over`: its time was, by the database's clock, when it was read."""

    id: int
    hotel_id: int
    guest_id: int | None
    reservation_id: int | None
    hold_key: str
    token: str
    code: str
    status: str
    order_id: str | None
    check_in: date
    check_out: date
    rooms: tuple[Kept, ...]
    total: Decimal
    late_fee: Decimal
    currency: str
    expires_at: datetime
    extensions: int
    extension_key: str | None
    cleared_at: datetime | None
    is_over: bool

    @property
    def stay(self) -> Stay:
        return Stay(self.check_in, self.check_out)

    @property
    def is_live(self) -> bool:
        return self.status == "booked" or (self.status == "active" and not self.is_over)


@dataclass(frozen=True)
class Booked:
    """A row of reservations that is about an order of a PMS."""

    id: int
    code: str
    guest_id: int | None
    guest_name: str
    status: str
    stay: Stay
    adults: int
    children: int
    total: Decimal
    currency: str
    policy: Mapping[str, Any]
    pms_id: str
    cancelled_at: datetime | None
    cancellation_fee: Decimal | None
    token: str = ""

    def is_its(self, order: Order) -> bool:
        """A PMS that was set back gives a number again: it is our order by our token, where we have made it."""
        return not self.token or order.token == self.token


def prefix_of(hotel: Hotel) -> str:
    """What every order begins with that this installation has made for this hotel, and no other's does."""
    return f"ha{fingerprint(f'pms:{hotel.id}')[:10]}:"


def holds_where(condition: str, **values: Any) -> tuple[HoldRow, ...]:
    rows = db.session.execute(text(f"select {HOLD} from pms_holds h where {condition} order by id"), values).all()
    db.session.commit()
    return tuple(
        HoldRow(**{**row._asdict(), "rooms": tuple(Kept.unpacked(room) for room in row.rooms)}) for row in rows
    )


def hold_of(hotel: Hotel, hold_key: str) -> HoldRow | None:
    return next(iter(holds_where("hold_key = :key and hotel_id = :hotel", key=hold_key, hotel=hotel.id)), None)


def keep_hold(
    hotel: Hotel,
    hold_key: str,
    request_key: str,
    guest_id: int,
    stay: Stay,
    rooms: tuple[Kept, ...],
    late_fee: Decimal,
    currency: str,
) -> HoldRow:
    """A hold that is about to be asked for."""
    db.session.execute(
        text(
            "insert into pms_holds (hotel_id, guest_id, hold_key, request_key, token, code, status, check_in,"
            " check_out, rooms, total, late_fee, currency, expires_at) values (:hotel, :guest, :key, :request,"
            " :token, :code, 'asked', :check_in, :check_out, cast(:rooms as jsonb), :total, :fee, :currency,"
            " now() + make_interval(secs => :seconds))"
        ),
        {
            "hotel": hotel.id,
            "guest": guest_id,
            "key": hold_key,
            "request": request_key,
            "token": f"{prefix_of(hotel)}{hold_key}",
            "code": _free_code(hotel.slug),
            "check_in": stay.check_in,
            "check_out": stay.check_out,
            "rooms": json.dumps([room.packed() for room in rooms]),
            "total": sum((room.price for room in rooms), Decimal(0)),
            "fee": late_fee,
            "currency": currency,
            "seconds": settings().hold_seconds,
        },
    )
    db.session.commit()
    row = hold_of(hotel, hold_key)
    assert row is not None
    return row


def hold_stands(row: HoldRow, order_id: str, rooms: tuple[Kept, ...], total: Decimal) -> None:
    """It was read back: from now on it is the guest's until its time is over."""
    db.session.execute(
        text(
            "update pms_holds set status = 'active', order_id = :order, rooms = cast(:rooms as jsonb), total = :total,"
            " expires_at = clock_timestamp() + make_interval(secs => :seconds) where id = :id"
        ),
        {
            "id": row.id,
            "order": order_id,
            "rooms": json.dumps([room.packed() for room in rooms]),
            "total": total,
            "seconds": settings().hold_seconds,
        },
    )
    db.session.commit()


def set_hold(row_id: int, status: str, cleared: bool = False) -> None:
    """A hold that is none any more; `cleared` when nothing of it stands there either."""
    db.session.execute(
        text(
            "update pms_holds set status = :status, cleared_at = case when :cleared then now() else cleared_at end"
            " where id = :id and status <> 'booked'"
        ),
        {"id": row_id, "status": status, "cleared": cleared},
    )
    db.session.commit()


def let_go(row_id: int) -> bool:
    """A live hold is released; False when its time was over meanwhile, or it was none any more."""
    return _if_live(row_id, "status = 'released'")


def keep_longer(row_id: int, request_key: str) -> bool:
    """A live hold is kept for its whole time from now; False as of `let_go`."""
    sets = f"extensions = extensions + 1, extension_key = :request, {FROM_NOW}"
    return _if_live(row_id, sets, request=request_key, seconds=settings().hold_seconds)


def hand_on(row_id: int, request_key: str) -> bool:
    """A live hold is that of another request from now on, with its whole time; False as of `let_go`."""
    return _if_live(row_id, f"request_key = :request, {FROM_NOW}", request=request_key, seconds=settings().hold_seconds)


def _if_live(row_id: int, sets: str, **values: Any) -> bool:
    """The job that marks what is over does not wait for whoever writes at this hotel."""
    done = db.session.execute(
        text(
            f"update pms_holds set {sets}"
            " where id = :id and status = 'active' and expires_at > clock_timestamp() returning id"
        ),
        {"id": row_id, **values},
    ).scalar()
    db.session.commit()
    return done is not None


def clear_hold(row_id: int) -> None:
    db.session.execute(text("update pms_holds set cleared_at = now() where id = :id"), {"id": row_id})
    db.session.commit()


# Bookings


def ours(hotel: Hotel, tokens: Mapping[str, str]) -> dict[str, tuple[str, str]]:
    """Code and status of our bookings by the ids that their orders have there; `tokens` are what those orders carry."""
    rows = db.session.execute(
        text(f"select pms_id, code, status, {TOKEN} from reservations where hotel_id = :hotel and pms_id = any(:ids)"),
        {"hotel": hotel.id, "ids": list(tokens)},
    ).all()
    db.session.commit()
    return {row.pms_id: (row.code, row.status) for row in rows if row.token in ("", tokens[row.pms_id])}


def its_order(system: System, booked: Booked) -> Order | None:
    """The order of a booking of ours; None where there is none, or another one under its number."""
    order = order_of(system, booked.pms_id)
    return order if order is not None and booked.is_its(order) else None


def bookings_where(hotel: Hotel, condition: str, **values: Any) -> tuple[Booked, ...]:
    rows = db.session.execute(
        text(
            "select id, code, guest_id, guest_name, status, check_in, check_out, adults, children, total, currency,"
            f" policy, pms_id, cancelled_at, cancellation_fee, {TOKEN} from reservations"
            f" where hotel_id = :hotel and pms_id is not null and {condition} order by check_in, id"
        ),
        {"hotel": hotel.id, **values},
    ).all()
    db.session.commit()
    return tuple(
        Booked(
            row.id,
            row.code,
            row.guest_id,
            row.guest_name,
            row.status,
            Stay(row.check_in, row.check_out),
            row.adults,
            row.children,
            row.total,
            row.currency,
            row.policy,
            row.pms_id,
            row.cancelled_at,
            row.cancellation_fee,
            row.token,
        )
        for row in rows
    )


def booking_of(hotel: Hotel, code: str) -> Booked | None:
    return next(iter(bookings_where(hotel, "code = :code", code=code)), None)


def become_pending(hotel: Hotel, hold: HoldRow, guest_name: str, request_key: str) -> str:
    """The hold is a booking from now on that waits to be read back; its code."""
    code, written = hold.code, None
    _free_number(hotel, hold.order_id)
    while written is None:
        written = db.session.execute(
            text(
                "insert into reservations (hotel_id, code, guest_id, guest_name, status, check_in, check_out, adults,"
                " children, total, currency, policy, request_key, pms_id) values (:hotel, :code, :guest, :name,"
                " 'pending', :check_in, :check_out, :adults, :children, :total, :currency, jsonb_build_object("
                "'free_until', cast(:until as text), 'late_fee', cast(:fee as text)), :request, :order)"
                " on conflict (code) do nothing returning id"
            ),
            {
                "hotel": hotel.id,
                "code": code,
                "guest": hold.guest_id,
                "name": guest_name,
                "check_in": hold.check_in,
                "check_out": hold.check_out,
                "adults": sum(room.request.adults for room in hold.rooms),
                "children": sum(room.request.children + room.request.cots for room in hold.rooms),
                "total": hold.total,
                "currency": hold.currency,
                "until": free_until(hotel, hold.check_in).isoformat(),
                "fee": str(hold.late_fee),
                "request": request_key,
                "order": hold.order_id,
            },
        ).scalar()
        code = code if written is not None else _free_code(hotel.slug)
    db.session.execute(
        text("update pms_holds set status = 'booked', reservation_id = :reservation, code = :code where id = :id"),
        {"reservation": written, "code": code, "id": hold.id},
    )
    db.session.commit()
    return code


def _free_number(hotel: Hotel, order_id: str | None) -> None:
    """Of an order that we have just seen: whatever row has its number is about one that is there no more."""
    rows = db.session.scalars(
        text("select id from reservations where hotel_id = :hotel and pms_id = :order"),
        {"hotel": hotel.id, "order": order_id},
    ).all()
    db.session.commit()
    for row_id in rows:
        agreeing.number_is_anothers(hotel, row_id)


def never_was(code: str) -> None:
    """A booking that nobody was told of and that did not come about: its hold is one again, to be cleared."""
    db.session.execute(
        text(
            "update pms_holds set status = 'released', reservation_id = null where reservation_id in"
            " (select id from reservations where code = :code)"
        ),
        {"code": code},
    )
    db.session.execute(text("delete from reservations where code = :code and status = 'pending'"), {"code": code})
    db.session.commit()


def set_booking(booking_id: int, **columns: Any) -> None:
    """In a transaction of its own; the names are ours, and `policy` is JSON."""
    sets = ", ".join(
        f"{name} = cast(:{name} as jsonb)" if name == "policy" else f"{name} = :{name}" for name in columns
    )
    db.session.execute(text(f"update reservations set {sets} where id = :id"), {"id": booking_id, **columns})
    db.session.commit()


def note_change(booking_id: int, request_key: str, change: Change) -> None:
    db.session.execute(
        text(
            "insert into reservation_changes (reservation_id, request_key, before, after)"
            " values (:reservation, :request, cast(:before as jsonb), cast(:after as jsonb))"
            " on conflict do nothing"
        ),
        {
            "reservation": booking_id,
            "request": request_key,
            "before": json.dumps(_packed(change.before)),
            "after": json.dumps(_packed(change.after)),
        },
    )
    db.session.commit()


def _packed(version: Version) -> dict[str, Any]:
    return {
        "check_in": version.stay.check_in.isoformat(),
        "check_out": version.stay.check_out.isoformat(),
        "room_types": list(version.room_types),
        "adults": version.adults,
        "children": version.children,
        "guest_name": version.guest_name,
        "total": str(version.total),
    }


def _free_code(slug: str) -> str:
    """A code that neither a booking nor a hold has."""
    prefix = "".join(letter for letter in slug if letter.isalpha())[:3].upper()
    while True:
        code = prefix + "-" + "".join(secrets.choice(CODE_LETTERS) for _ in range(6))
        taken = db.session.execute(
            text(
                "select exists (select from reservations where code = :code)"
                " or exists (select from pms_holds where code = :code)"
            ),
            {"code": code},
        ).scalar_one()
        if not taken:
            return code
