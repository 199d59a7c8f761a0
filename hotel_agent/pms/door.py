"""The one door to a hotel's PMS.

Every call has a time limit, goes through the hotel's breaker and is timed and traced; a question that was turned down
at once is asked again, a write never is. What a PMS across the network says of rooms and prices is kept for a while
(`caching.py`), and forgotten for the nights that a write of ours may have touched.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import partial
from typing import TypeVar

from prometheus_client import Counter, Histogram
from pybreaker import CircuitBreakerError
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from hotel_agent import faults
from hotel_agent.db import db
from hotel_agent.errors import ConfigurationError
from hotel_agent.evidence import record
from hotel_agent.hotels.models import Hotel
from hotel_agent.locks.auditing import SYSTEM, Who, doing
from hotel_agent.locks.auditing import guest as by_guest
from hotel_agent.locks.holding import HoldLapsed, RoomTaken
from hotel_agent.pms import caching, limits, pace
from hotel_agent.pms.adapters import adapter_of
from hotel_agent.pms.breaker import Breaker, breaker_of, rest_of
from hotel_agent.pms.caching import KINDS, LAST_NIGHT, Question, calendar, rooms
from hotel_agent.pms.contract import (
    Availability,
    Booking,
    BookRequest,
    Capabilities,
    Change,
    ChangeQuote,
    ChangeRequest,
    Changes,
    ExtraRequest,
    GuestProfile,
    Hold,
    HoldRequest,
    OutcomeUnknown,
    PmsAdapter,
    PmsRejected,
    PmsUnavailable,
    Record,
    RoomKind,
    RoomStatus,
    Stay,
    Unsettled,
)
from hotel_agent.pms.limits import AskAgain, is_own_limit
from hotel_agent.tracing import Span, span

Result = TypeVar("Result")
Answer = TypeVar("Answer")

REFUSALS = (PmsRejected, RoomTaken, HoldLapsed)  # The PMS is well; it said no.

call_seconds = Histogram(
    "pms_call_seconds",
    "Calls to property-management systems.",
    ["operation", "outcome"],
    buckets=(0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)


retries = Counter("pms_retries_total", "Questions that were put to a PMS again.", ["operation"])

ATTEMPTS = 3
PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.1, 1.0
REQUESTS_PER_SECOND = 10.0  # Of a PMS whose adapter says nothing else (`requests_per_second`).


@dataclass(frozen=True)
class Rule:
    """`seconds` is how long a call may take with all its requests and repetitions."""

    seconds: float
    is_question: bool = True
    in_background: bool = False


# A write may wait for others half of its time, as those of one hotel may have to come one after the other.
QUESTION, LONG_QUESTION, WRITE = Rule(5), Rule(10), Rule(60, is_question=False)
LIST, SWEEP = Rule(20, in_background=True), Rule(60, is_question=False, in_background=True)
RULES = {
    **dict.fromkeys(("calendar", "change_quote", "read"), LONG_QUESTION),
    **dict.fromkeys(("arrivals", "departures", "in_house", "changes"), LIST),
    **dict.fromkeys(("hold", "extend", "release", "book", "cancel", "change", "add_extra"), WRITE),
    **dict.fromkeys(("check_in", "check_out", "no_show", "move"), WRITE),
    "settle": SWEEP,
}
TOUCHED = text("""
    select check_in, check_out from pms_holds
    where hotel_id = :hotel and (hold_key = any(:keys) or code = any(:keys))
    union select check_in, check_out from reservations where hotel_id = :hotel and code = any(:keys)
""")


class Resting(PmsUnavailable):
    """It has been failing and is given a rest: it was not asked."""


class Door:
    """A hotel's PMS as the rest of the program sees it: `PmsAdapter` with the hotel filled in.

    What a verb changes in our own rows about another system is on record as its asker's, whichever adapter changes it.
    """

    def __init__(self, hotel: Hotel, adapter: PmsAdapter) -> None:
        self.hotel = hotel
        self._pms = adapter

    @property
    def capabilities(self) -> Capabilities:
        return self._pms.capabilities

    def _asked_by(self, who: Who, why: str) -> AbstractContextManager[None]:
        """The verbs of our own rooms say it themselves."""
        return doing(who, why) if self.capabilities.is_remote else nullcontext()

    def room_kinds(self, *, fresh: bool = False) -> tuple[RoomKind, ...]:
        """`fresh` asks the PMS itself, whatever is kept."""
        return self._known("room_kinds", [KINDS], lambda: [self._pms.room_kinds(self.hotel)], fresh=fresh)[0]

    def availability(self, stay: Stay, *, fresh: bool = False, even_stale: bool = False) -> Availability:
        """`fresh` asks the PMS itself. `even_stale`: while it is given a rest, what it said in the last day will do,
        with source "stale" and the time when it said so; never for a price that somebody is promised."""
        ask = lambda: [self._pms.availability(self.hotel, stay)]  # noqa: E731  Read beside its neighbours.
        return self._known("availability", [rooms(stay)], ask, fresh=fresh, even_stale=even_stale)[0]

    def availability_from(
        self, first: date, last: date, nights: int, *, fresh: bool = False
    ) -> tuple[Availability, ...]:
        ask = lambda: self._pms.availability_from(self.hotel, first, last, nights)  # noqa: E731  As above.
        return tuple(self._known("calendar", calendar(first, last, nights), ask, fresh=fresh))

    def last_night_for_sale(self) -> date | None:
        return self._known("calendar", [LAST_NIGHT], lambda: [self._pms.last_night_for_sale(self.hotel)])[0]

    def hold(self, request: HoldRequest) -> Hold:
        asker = self._asked_by(by_guest(request.guest_id), f"asked for by {request.request_key}")
        with asker, self._touching(request.replaces, stay=request.stay):
            return call(self.hotel, "hold", lambda: self._pms.hold(self.hotel, request))

    def held(self, hold_key: str) -> Hold | None:
        return call(self.hotel, "held", lambda: self._pms.held(self.hotel, hold_key))

    def extend(self, hold_key: str, guest_id: int, request_key: str) -> Hold:
        with self._asked_by(by_guest(guest_id), f"asked for by {request_key}"):
            return call(self.hotel, "extend", lambda: self._pms.extend(self.hotel, hold_key, guest_id, request_key))

    def release(self, hold_key: str, guest_id: int, reason: str) -> bool:
        with self._asked_by(by_guest(guest_id), reason), self._touching(hold_key):
            return call(self.hotel, "release", lambda: self._pms.release(self.hotel, hold_key, guest_id, reason))

    def book(self, request: BookRequest) -> str:
        with self._asked_by(by_guest(request.guest_id), "booked"), self._touching(request.hold_key):
            return call(self.hotel, "book", lambda: self._pms.book(self.hotel, request))

    def read(self, code: str) -> Booking | None:
        return call(self.hotel, "read", lambda: self._pms.read(self.hotel, code))

    def upcoming(self, guest_id: int, today: date) -> tuple[Booking, ...]:
        return call(self.hotel, "read", lambda: self._pms.upcoming(self.hotel, guest_id, today))

    def cancel(self, code: str, fee: Decimal) -> bool:
        with self._asked_by(SYSTEM, "the booking was cancelled"), self._touching(code):
            return call(self.hotel, "cancel", lambda: self._pms.cancel(self.hotel, code, fee))

    def change_quote(self, request: ChangeRequest) -> ChangeQuote:
        return call(self.hotel, "change_quote", lambda: self._pms.change_quote(self.hotel, request))

    def modify(self, request: ChangeRequest) -> Change:
        with self._asked_by(SYSTEM, "the booking was changed"), self._touching(request.code, stay=request.stay):
            return call(self.hotel, "change", lambda: self._pms.modify(self.hotel, request))

    def change_of(self, code: str, request_key: str) -> Change | None:
        return call(self.hotel, "read", lambda: self._pms.change_of(self.hotel, code, request_key))

    def is_free_on(self, code: str, night: date) -> bool:
        return call(self.hotel, "availability", lambda: self._pms.is_free_on(self.hotel, code, night))

    def add_extra(self, request: ExtraRequest) -> bool:
        with self._touching(request.booking_code):
            return call(self.hotel, "add_extra", lambda: self._pms.add_extra(self.hotel, request))

    def arrivals(self, day: date) -> tuple[Record, ...]:
        return call(self.hotel, "arrivals", lambda: self._pms.arrivals(self.hotel, day))

    def departures(self, day: date) -> tuple[Record, ...]:
        return call(self.hotel, "departures", lambda: self._pms.departures(self.hotel, day))

    def in_house(self) -> tuple[Record, ...]:
        return call(self.hotel, "in_house", lambda: self._pms.in_house(self.hotel))

    def changes_since(self, cursor: str) -> Changes:
        return call(self.hotel, "changes", lambda: self._pms.changes_since(self.hotel, cursor))

    def guest(self, code: str) -> GuestProfile | None:
        return call(self.hotel, "guest", lambda: self._pms.guest(self.hotel, code))

    def room_status(self) -> tuple[RoomStatus, ...]:
        return call(self.hotel, "room_status", lambda: self._pms.room_status(self.hotel))

    def check_in(self, code: str, today: date) -> bool:
        with self._touching(code):
            return call(self.hotel, "check_in", lambda: self._pms.check_in(self.hotel, code, today))

    def check_out(self, code: str, today: date) -> bool:
        with self._touching(code):
            return call(self.hotel, "check_out", lambda: self._pms.check_out(self.hotel, code, today))

    def no_show(self, code: str, today: date) -> bool:
        with self._touching(code):
            return call(self.hotel, "no_show", lambda: self._pms.no_show(self.hotel, code, today))

    def move(self, code: str, from_room: str, to_room: str) -> bool:
        with self._touching(code):
            return call(self.hotel, "move", lambda: self._pms.move(self.hotel, code, from_room, to_room))

    def settle(self) -> tuple[Unsettled, ...]:
        with self._asked_by(SYSTEM, "settled with the PMS"):
            return call(self.hotel, "settle", lambda: self._pms.settle(self.hotel))

    # What is kept

    def _known(
        self,
        operation: str,
        questions: list[Question[Answer]],
        ask: Callable[[], Sequence[Answer]],
        *,
        fresh: bool = False,
        even_stale: bool = False,
    ) -> list[Answer]:
        """The answers, from what is kept where the PMS is far away."""
        hotel = self.hotel

        def asked() -> Sequence[Answer]:
            return call(hotel, operation, ask)

        if not self.capabilities.is_remote:
            return list(record(asked()))
        with limits.time_limit(_rule(operation).seconds):
            if fresh:
                return list(record(caching.renew(hotel, questions, asked)))
            return record(
                caching.answer(hotel, questions, asked, lambda: rest_of(breaker_name(hotel)) > 0, even_stale=even_stale)
            )

    @contextmanager
    def _touching(self, *keys: str | None, stay: Stay | None = None) -> Iterator[None]:
        """Something is asked for that may change which rooms are free: on `stay`, and on the nights of the holds and
        bookings of these names, or on nobody knows which. Whatever became of it, they are asked for anew."""
        if not self.capabilities.is_remote:
            yield
            return
        names = [key for key in keys if key]
        stays = self._stays_of(names)
        if stay is not None and (stays or not names):
            stays.append(stay)
        resting = False
        try:
            yield
        except Resting:
            resting = True
            raise
        finally:
            if not resting:
                caching.invalidate(self.hotel, *stays)

    def _stays_of(self, names: list[str]) -> list[Stay]:
        """None of them where our rows do not tell."""
        if not names:
            return []
        try:
            found = db.session.execute(TOUCHED, {"hotel": self.hotel.id, "keys": names}).all()
            db.session.commit()
        except SQLAlchemyError:
            db.session.rollback()
            return []
        return [Stay(row.check_in, row.check_out) for row in found]


def pms_for(hotel: Hotel) -> Door:
    """The door to that hotel's PMS."""
    adapter = adapter_of(hotel.pms)
    if adapter is None:
        raise ConfigurationError(f"hotel {hotel.slug}: no adapter for the PMS {hotel.pms!r}")
    return Door(hotel, adapter)


def breaker_name(hotel: Hotel) -> str:
    return f"{hotel.pms}:{hotel.slug}"


def rest_left(hotel: Hotel) -> float:
    """The seconds until somebody may ask this hotel's PMS again; 0 where it is not given a rest."""
    return rest_of(breaker_name(hotel))


def call(hotel: Hotel, operation: str, work: Callable[[], Result]) -> Result:
    """Run one call to the hotel's PMS; what it returns may be told to guests.

    A question to which it said at once that it cannot answer now is put again, after a while that it names or chance
    does, as long as the call's time allows. Raises Resting at once while the breaker is open, else what `work` raises.
    """
    rule = _rule(operation)
    background = limits.in_background() if rule.in_background else nullcontext()
    with limits.time_limit(rule.seconds), background, pace.a_call(hotel.id):
        for attempt in range(1, ATTEMPTS + 1):
            try:
                return record(_attempt(hotel, operation, rule, attempt, work))
            except AskAgain as trouble:
                # Full jitter: those who were turned down together do not come back together.
                longest = min(PAUSE_SECONDS * 2 ** (attempt - 1), LONGEST_PAUSE_SECONDS)
                pause = trouble.after + random.uniform(0, longest)
                if not rule.is_question or attempt == ATTEMPTS or pause >= limits.seconds_left():
                    raise
            retries.labels(operation).inc()
            time.sleep(pause)
    raise AssertionError("unreachable")


def _rule(operation: str) -> Rule:
    return RULES.get(operation, QUESTION)


def _attempt(hotel: Hotel, operation: str, rule: Rule, attempt: int, work: Callable[[], Result]) -> Result:
    breaker = breaker_of(breaker_name(hotel))
    if hotel.pms == "local" and faults.at("pms"):
        work = partial(faults.around, work, limits.seconds_left, PmsUnavailable, OutcomeUnknown)
    with (
        span("pms", hotel=hotel.slug, pms=hotel.pms, operation=operation, attempt=attempt) as told,
        limits.calling(hotel.id, _rate_of(hotel), is_asked_again=rule.is_question) as asked,
    ):
        breaker.admit(max(asked.left, 0.0) + 1)
        try:
            return _timed(breaker, operation, told, work, lambda: asked.asked or hotel.pms == "local")
        finally:
            if asked.wrote and rule is not WRITE:
                caching.invalidate(hotel)  # Whatever a sweep has put right, nobody says on which nights.


def _timed(
    breaker: Breaker, operation: str, told: Span, work: Callable[[], Result], was_asked: Callable[[], bool]
) -> Result:
    """What came of it without a request to the PMS says nothing of the PMS."""
    started = time.perf_counter()
    outcome = "error"
    try:
        result: Result = breaker.call(work)
        outcome = "ok"
        return result
    except REFUSALS:
        outcome = "refused"
        raise
    except CircuitBreakerError as error:
        outcome = "open"
        raise Resting("the PMS has been failing; it is given a rest") from error
    except PmsUnavailable as error:
        outcome = "limited" if is_own_limit(error) else "unavailable"
        raise
    finally:
        if outcome in ("ok", "refused") and was_asked():
            breaker.succeeded()
        elif outcome not in ("unavailable", "open"):
            breaker.gave_up()
        told.set(outcome=outcome)
        call_seconds.labels(operation, outcome).observe(time.perf_counter() - started)


def _rate_of(hotel: Hotel) -> float:
    """Requests a second: the hotel's setting, else what its adapter thinks right."""
    told = (hotel.settings or {}).get("pms_rate")
    if isinstance(told, int | float) and told > 0:
        return float(told)
    return float(getattr(adapter_of(hotel.pms), "requests_per_second", REQUESTS_PER_SECOND))
