"""The adapter of a hotel that works with QloApps."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from functools import wraps
from typing import ParamSpec, TypeVar

from hotel_agent.db import done_reading, utcnow
from hotel_agent.hotels.models import Hotel
from hotel_agent.pms.contract import Availability, Capabilities, Offer, RoomKind, Stay
from hotel_agent.pms.local.adapter import later
from hotel_agent.pms.qloapps import booking, changing, holds, settling, writing
from hotel_agent.pms.qloapps.reading import Free, Offered
from hotel_agent.pms.qloapps.shops import shop_of

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")


def asked(verb: Callable[Arguments, Result]) -> Callable[Arguments, Result]:
    """No transaction stays open across the network, and our own tables may be away as well as the PMS."""

    @wraps(verb)
    def ask(*args: Arguments.args, **kwargs: Arguments.kwargs) -> Result:
        with later():
            done_reading()
            return verb(*args, **kwargs)

    return ask


def room_kinds(hotel: Hotel) -> tuple[RoomKind, ...]:
    return tuple(kind.room for kind in shop_of(hotel).kinds())


def availability(hotel: Hotel, stay: Stay) -> Availability:
    return _told(hotel, shop_of(hotel).offered(stay))


def availability_from(hotel: Hotel, first: date, last: date, nights: int) -> tuple[Availability, ...]:
    return tuple(_told(hotel, offered) for offered in shop_of(hotel).offered_from(first, last, nights))


def last_night_for_sale(hotel: Hotel) -> date | None:
    """QloApps itself would sell any night; its own limit cannot be asked for, so the hotel's setting counts."""
    return hotel.today() + timedelta(days=writing.horizon_of(hotel) - 1)


def _told(hotel: Hotel, offered: Offered) -> Availability:
    last = last_night_for_sale(hotel)
    sold = last is not None and hotel.today() <= offered.stay.check_in and offered.stay.check_out <= last + timedelta(1)
    offers = tuple(_offer(free, sold) for free in offered.kinds)
    return Availability(hotel.id, offered.stay, offered.currency or hotel.currency, "pms", utcnow(), offers)


def _offer(free: Free, sold: bool) -> Offer:
    """QloApps calls the past and the far future free as well."""
    if free.price is None or not sold:
        return Offer(free.kind.room, 0, (), None)
    return Offer(free.kind.room, len(free.rooms), free.price.nightly, free.price.total)


class QloAppsPms:
    """The operations of `PmsAdapter` on a QloApps."""

    capabilities = Capabilities(
        hold="imitated", modify_dates=True, modify_room_type=True, modify_occupancy=True, notes=True, change_feed=True
    )

    room_kinds = staticmethod(asked(room_kinds))
    availability = staticmethod(asked(availability))
    availability_from = staticmethod(asked(availability_from))
    last_night_for_sale = staticmethod(asked(last_night_for_sale))
    hold = staticmethod(asked(holds.hold))
    held = staticmethod(asked(holds.held))
    extend = staticmethod(asked(holds.extend))
    release = staticmethod(asked(holds.release))
    book = staticmethod(asked(booking.book))
    read = staticmethod(asked(booking.read))
    upcoming = staticmethod(asked(booking.upcoming))
    cancel = staticmethod(asked(booking.cancel))
    change_quote = staticmethod(asked(changing.quote))
    modify = staticmethod(asked(changing.modify))
    change_of = staticmethod(asked(changing.change_of))
    is_free_on = staticmethod(asked(changing.is_free_on))
    add_extra = staticmethod(asked(changing.add_extra))
    settle = staticmethod(asked(settling.settle))
