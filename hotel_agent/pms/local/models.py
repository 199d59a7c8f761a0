"""Tables of rooms, rates and reservations."""

from __future__ import annotations

from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, Numeric, SmallInteger, UniqueConstraint, func, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from hotel_agent.db import Model


class RoomType(Model):
    """A kind of room. `names` maps a language to what the hotel calls it; `words` are what guests say."""

    __tablename__ = "room_types"
    __table_args__ = (UniqueConstraint("hotel_id", "code"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    hotel_id: Mapped[int] = mapped_column(ForeignKey("hotels.id", ondelete="CASCADE"))
    code: Mapped[str]
    capacity: Mapped[int]
    position: Mapped[int] = mapped_column(server_default="0")
    names: Mapped[dict[str, str]] = mapped_column(JSONB, server_default="{}")
    descriptions: Mapped[dict[str, str]] = mapped_column(JSONB, server_default="{}")
    words: Mapped[list[str]] = mapped_column(JSONB, server_default="[]")
    photos: Mapped[list[str]] = mapped_column(JSONB, server_default="[]")


class Room(Model):
    """`housekeeping`: clean, dirty, inspected. Whether it is out of order say its `room_outages`.

    What is written to `out_of_order` a trigger turns into such rows; nothing reads it, and it is to be dropped.
    """

    __tablename__ = "rooms"
    __table_args__ = (
        UniqueConstraint("hotel_id", "number"),
        CheckConstraint("housekeeping in ('clean', 'dirty', 'inspected')", name="housekeeping"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    hotel_id: Mapped[int] = mapped_column(ForeignKey("hotels.id", ondelete="CASCADE"))
    room_type_id: Mapped[int] = mapped_column(ForeignKey("room_types.id", ondelete="CASCADE"), index=True)
    number: Mapped[str]
    out_of_order: Mapped[bool] = mapped_column(server_default="false")
    housekeeping: Mapped[str] = mapped_column(server_default="clean")


class RoomOutage(Model):
    """A room that is out of order for the nights [first_night, until), without `until` until further notice."""

    __tablename__ = "room_outages"
    __table_args__ = (
        CheckConstraint("first_night < until", name="nights"),
        Index("ix_room_outages_hotel_id", "hotel_id", "until"),
        Index("ix_room_outages_room_id", "room_id", "until"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    hotel_id: Mapped[int] = mapped_column(ForeignKey("hotels.id", ondelete="CASCADE"))
    room_id: Mapped[int] = mapped_column(ForeignKey("rooms.id", ondelete="CASCADE"))
    first_night: Mapped[date]
    until: Mapped[date | None]
    reason: Mapped[str] = mapped_column(server_default="")
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


class Rate(Model):
    """What one night in a kind of room costs. A night without a rate is not for sale.

    Taxes are included, or come on top where the hotel says so (pms/local/pricing.py). `seasonal`: the price is a
    season's, and `standing` what it would be without one, empty where it would not be for sale. `min_stay` is the least
    number of nights of a stay that begins with this one.
    """

    __tablename__ = "rates"
    __table_args__ = (CheckConstraint("standing is null or seasonal", name="standing"),)

    room_type_id: Mapped[int] = mapped_column(ForeignKey("room_types.id", ondelete="CASCADE"), primary_key=True)
    night: Mapped[date] = mapped_column(primary_key=True)
    price: Mapped[Decimal]
    seasonal: Mapped[bool] = mapped_column(server_default="false")
    standing: Mapped[Decimal | None]
    min_stay: Mapped[int | None] = mapped_column(SmallInteger)


class Season(Model):
    """Other prices, or a minimum stay, for the nights from the first to the last that fall on its weekdays.

    `weekdays` are ISO numbers of days, Monday being 1; `prices` are decimal strings by the code of the kind of room. A
    kind that is not among them keeps its price; `min_stay` is for the kinds in `prices`, or for all where there are
    none. Of two seasons over one night the one that was made later wins, in whatever it says.
    """

    __tablename__ = "seasons"
    __table_args__ = (
        UniqueConstraint("hotel_id", "name"),
        CheckConstraint("first_night <= last_night", name="nights"),
        CheckConstraint("min_stay >= 1", name="min_stay"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    hotel_id: Mapped[int] = mapped_column(ForeignKey("hotels.id", ondelete="CASCADE"))
    name: Mapped[str]
    first_night: Mapped[date]
    last_night: Mapped[date]
    weekdays: Mapped[list[int]] = mapped_column(ARRAY(SmallInteger), server_default="{1,2,3,4,5,6,7}")
    prices: Mapped[dict[str, str]] = mapped_column(JSONB, server_default="{}")
    min_stay: Mapped[int | None] = mapped_column(SmallInteger)


class Closure(Model):
    """Days on which nothing is sold, nobody can arrive, or nobody can leave; of one kind of room, or of all.

    `kind`: sale (the nights are not sold), arrival, departure. Both days are within it.
    """

    __tablename__ = "closures"
    __table_args__ = (
        CheckConstraint("kind in ('sale', 'arrival', 'departure')", name="kind"),
        CheckConstraint("first_day <= last_day", name="days"),
        Index("ix_closures_hotel_id", "hotel_id", "last_day"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    hotel_id: Mapped[int] = mapped_column(ForeignKey("hotels.id", ondelete="CASCADE"))
    room_type_id: Mapped[int | None] = mapped_column(ForeignKey("room_types.id", ondelete="CASCADE"), index=True)
    kind: Mapped[str]
    first_day: Mapped[date]
    last_day: Mapped[date]
    reason: Mapped[str] = mapped_column(server_default="")


class Reservation(Model):
    """One booking, of one room or several; its rooms are the `reservation_locks` rows that name it.

    `status`: pending, booked, in_house, departed, cancelled, no_show. `request_key` names the guest's message
    that asked for it, so that asking twice books once. `pms_id` is what a PMS of the hotel's own calls it. `changed_at`
    is kept by triggers: anything of it, its rooms or its extras is otherwise since then.
    """

    __tablename__ = "reservations"
    __table_args__ = (
        UniqueConstraint("hotel_id", "request_key"),
        CheckConstraint(
            "status in ('pending', 'booked', 'in_house', 'departed', 'cancelled', 'no_show')", name="status"
        ),
        CheckConstraint("check_in < check_out", name="stay"),
        Index("idx_reservations_date_range", text("daterange(check_in, check_out)"), postgresql_using="gist"),
        Index("ix_reservations_hotel_check_in", "hotel_id", "check_in"),
        Index("ix_reservations_hotel_check_out", "hotel_id", "check_out"),
        Index("ix_reservations_hotel_status", "hotel_id", "status", "check_in", "id"),
        Index("ix_reservations_hotel_changed", "hotel_id", "changed_at", "id"),
        Index(
            "uq_reservations_pms_id",
            "hotel_id",
            "pms_id",
            unique=True,
            postgresql_where=text("pms_id is not null"),
        ),
        Index(
            "ix_reservations_words",
            "hotel_id",
            text("fold(guest_name)"),
            "code",
            postgresql_using="gin",
            postgresql_ops={"fold(guest_name)": "gin_trgm_ops", "code": "gin_trgm_ops"},
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    hotel_id: Mapped[int] = mapped_column(ForeignKey("hotels.id", ondelete="CASCADE"))
    code: Mapped[str] = mapped_column(unique=True)
    guest_id: Mapped[int | None] = mapped_column(ForeignKey("guests.id", ondelete="SET NULL"), index=True)
    guest_name: Mapped[str]
    status: Mapped[str]
    check_in: Mapped[date]
    check_out: Mapped[date]
    adults: Mapped[int]
    children: Mapped[int] = mapped_column(server_default="0")
    total: Mapped[Decimal]
    currency: Mapped[str]
    policy: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default="{}")
    request_key: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    changed_at: Mapped[datetime] = mapped_column(server_default=func.now())
    cancelled_at: Mapped[datetime | None]
    cancellation_fee: Mapped[Decimal | None]
    pms_id: Mapped[str | None]
    net: Mapped[Decimal | None]
    tax: Mapped[Decimal | None]
    tax_percent: Mapped[Decimal | None] = mapped_column(Numeric(5, 2))


class ReservationExtra(Model):
    """Something added to a stay, at the price that was told; `at_time` is until or from when, where it has a time."""

    __tablename__ = "reservation_extras"
    __table_args__ = (
        UniqueConstraint("reservation_id", "code"),
        CheckConstraint("status in ('granted', 'cancelled')", name="status"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    hotel_id: Mapped[int] = mapped_column(ForeignKey("hotels.id", ondelete="CASCADE"), index=True)
    reservation_id: Mapped[int] = mapped_column(ForeignKey("reservations.id", ondelete="CASCADE"))
    code: Mapped[str]
    price: Mapped[Decimal]
    currency: Mapped[str]
    at_time: Mapped[time | None]
    status: Mapped[str] = mapped_column(server_default="granted")
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


class ReservationChange(Model):
    """A booking as it was and as it became; `request_key` names the message that asked, so that it changes once."""

    __tablename__ = "reservation_changes"
    __table_args__ = (UniqueConstraint("reservation_id", "request_key"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    reservation_id: Mapped[int] = mapped_column(ForeignKey("reservations.id", ondelete="CASCADE"))
    at: Mapped[datetime] = mapped_column(server_default=func.now())
    request_key: Mapped[str]
    before: Mapped[dict[str, Any]] = mapped_column(JSONB)
    after: Mapped[dict[str, Any]] = mapped_column(JSONB)
