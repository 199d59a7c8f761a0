"""The adapter of a hotel whose rooms live in our own tables."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import ParamSpec, TypeVar

from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from hotel_agent.db import db, is_lost
from hotel_agent.hotels.models import Hotel
from hotel_agent.pms.contract import Capabilities, PmsUnavailable, Unsettled
from hotel_agent.pms.local import availability as rooms
from hotel_agent.pms.local import booking as desk
from hotel_agent.pms.local import changing, extras, frontdesk, records
from hotel_agent.pms.local import rooms as own_rooms

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")


@contextmanager
def later() -> Iterator[None]:
    """PostgreSQL is away, or overrun: that is the PMS being away."""
    try:
        yield
    except (OperationalError, InterfaceError, PoolTimeout) as error:
        db.session.rollback()
        raise PmsUnavailable("the hotel's own tables cannot be reached") from error


def asked(verb: Callable[Arguments, Result]) -> Callable[Arguments, Result]:
    @wraps(verb)
    def ask(*args: Arguments.args, **kwargs: Arguments.kwargs) -> Result:
        with later():
            return verb(*args, **kwargs)

    return ask


def asked_again(
    verb: Callable[Arguments, Result], told: Callable[[Result], Result] = lambda answer: answer
) -> Callable[Arguments, Result]:
    """Once more where the connection was lost meanwhile, and nobody knows what came of it: of a question, or of what is
    done once however often it is asked for. `told` makes the second answer the whole one's."""

    @wraps(verb)
    def ask(*args: Arguments.args, **kwargs: Arguments.kwargs) -> Result:
        try:
            return verb(*args, **kwargs)
        except OperationalError as error:
            db.session.rollback()
            if not is_lost(error):
                raise
            return told(verb(*args, **kwargs))

    return asked(ask)


def _now(_was_so_already: bool) -> bool:
    """The second time it may be so because of the first."""
    return True


class LocalPms:
    """The operations of `PmsAdapter` on our own tables."""

    capabilities = Capabilities(
        hold="native",
        is_remote=False,
        modify_dates=True,
        modify_room_type=True,
        modify_occupancy=True,
        extras=True,
        check_in_out=True,
        no_show=True,
        move_room=True,
        room_status="housekeeping",
        guest_profile=True,
        change_feed=True,
    )

    def settle(self, hotel: Hotel) -> tuple[Unsettled, ...]:  # noqa: ARG002  Our own tables know what they did.
        return ()

    room_kinds = staticmethod(asked_again(rooms.room_kinds))
    availability = staticmethod(asked_again(rooms.availability))
    availability_from = staticmethod(asked(rooms.availability_from))
    last_night_for_sale = staticmethod(asked(rooms.last_night_for_sale))
    hold = staticmethod(asked_again(desk.hold))
    held = staticmethod(asked_again(desk.held))
    extend = staticmethod(asked_again(desk.extend))
    release = staticmethod(asked_again(desk.release, told=_now))
    book = staticmethod(asked_again(desk.book))
    read = staticmethod(asked_again(desk.read))
    upcoming = staticmethod(asked_again(desk.upcoming))
    cancel = staticmethod(asked_again(desk.cancel, told=_now))
    change_quote = staticmethod(asked(changing.quote))
    modify = staticmethod(asked_again(changing.modify))
    change_of = staticmethod(asked(changing.change_of))
    is_free_on = staticmethod(asked(extras.is_free_on))
    add_extra = staticmethod(asked_again(extras.add, told=_now))
    arrivals = staticmethod(asked(records.arrivals))
    departures = staticmethod(asked(records.departures))
    in_house = staticmethod(asked(records.in_house))
    changes_since = staticmethod(asked(records.changes_since))
    guest = staticmethod(asked(records.guest))
    room_status = staticmethod(asked(own_rooms.status_of_all))
    check_in = staticmethod(asked(frontdesk.check_in))
    check_out = staticmethod(asked(frontdesk.check_out))
    no_show = staticmethod(asked(frontdesk.no_show))
    move = staticmethod(asked(frontdesk.move))


ADAPTER = LocalPms()
