"""api.apaleo.com: which request is which, who may make it, and the replay of what was asked with the same key."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from tests.fakes.apaleo import actions, reading, writing
from tests.fakes.apaleo.call import Lies, Refusal, Request
from tests.fakes.apaleo.house import Booking, House, Reservation
from tests.fakes.apaleo.identity import Identity
from tests.fakes.double import Answer

Work = Callable[[], Answer]
KEYS_EXPIRE = timedelta(hours=24)

READ = ("reservations.read", "reservations.manage")
CREATE = ("reservations.create", "reservations.manage")
MANAGE = ("reservations.manage",)
ASSIGN = ("reservations.assign-unit", "reservations.manage")
OFFERS = ("offers.read", "reservations.manage")
FORCE = ("reservations.force",)


@dataclass(frozen=True)
class _Route:
    scopes: tuple[str, ...]
    work: Work
    has_key: bool = False


@dataclass(frozen=True)
class _Kept:
    fingerprint: bytes
    answer: Answer
    at: datetime


class Api:
    def __init__(self, house: House, identity: Identity) -> None:
        self.house, self.identity = house, identity
        self._kept: dict[str, _Kept] = {}

    def answer(self, asked: Request, lies: Lies) -> Answer:
        if asked.segments == ["connect", "token"]:
            return self.identity.token(asked)
        with self.house.lock:
            try:
                return self._answer(asked, lies)
            except Refusal as refusal:
                return refusal.answer

    def _answer(self, asked: Request, lies: Lies) -> Answer:
        method = "GET" if asked.method == "HEAD" else asked.method
        route = self._route(method, asked, lies)
        self.identity.check(asked, route.scopes)
        key = asked.header("Idempotency-Key")
        return self._once(key, asked, route.work) if key and route.has_key else route.work()

    def _once(self, key: str, asked: Request, work: Work) -> Answer:
        """The same answer for the same key for 24 hours; another request with it is refused."""
        now, fingerprint = self.house.now(), hashlib.sha256(f"{asked.path}?{asked.query}\n".encode() + asked.body)
        kept = self._kept.get(key)
        if kept is None or now - kept.at >= KEYS_EXPIRE:
            try:
                answer = work()
            except Refusal as refusal:
                answer = refusal.answer
            kept = self._kept[key] = _Kept(fingerprint.digest(), answer, now)
        elif kept.fingerprint != fingerprint.digest():
            raise Refusal(422, "The idempotency key was already used with different request parameters.")
        return Answer(kept.answer.status, kept.answer.body, kept.answer.content_type, dict(kept.answer.headers))

    def _route(self, method: str, asked: Request, lies: Lies) -> _Route:
        """Raises Refusal: 404 for an address that is none, 405 for another verb."""
        module, version, *rest = [*asked.segments, "", ""]
        rest = [word for word in rest if word]
        areas = {
            "booking": self._booking,
            "inventory": self._inventory,
            "availability": self._availability,
            "rateplan": self._rate_plan,
        }
        if version != "v1" or module not in areas or not rest:
            raise Refusal(404)
        return areas[module](method, rest, asked, lies)

    def _booking(self, method: str, rest: list[str], asked: Request, lies: Lies) -> _Route:
        house = self.house
        match (method, *rest):
            case "GET", "offers":
                return _Route(OFFERS, lambda: reading.offers(house, asked, lies))
            case "POST", "bookings":
                return _Route(CREATE, lambda: writing.book(house, asked, lies), has_key=True)
            case "POST", "bookings", "$force":
                return _Route(FORCE, lambda: writing.book(house, asked, lies, force=True), has_key=True)
            case "GET", "bookings":
                return _Route(READ, lambda: reading.bookings(house, asked))
            case "GET", "bookings", id:
                return _Route(READ, lambda: reading.booking(house, self._booking_of(id), asked))
            case "PATCH", "bookings", id:
                return _Route(MANAGE, lambda: writing.patch_booking(house, self._booking_of(id), asked))
            case "POST", "bookings", id, "reservations":
                return _Route(
                    CREATE, lambda: writing.add_reservations(house, self._booking_of(id), asked, lies), has_key=True
                )
            case "GET", "reservations":
                return _Route(READ, lambda: reading.reservations(house, asked))
            case "GET", "reservations", "$count":
                return _Route(READ, lambda: reading.reservation_count(house, asked))
            case "GET", "reservations", id:
                return _Route(READ, lambda: reading.reservation(house, self._reservation(id), asked))
            case "PATCH", "reservations", id:
                return _Route(MANAGE, lambda: writing.patch_reservation(house, self._reservation(id), asked))
            case "GET", "reservations", id, "offers":
                return _Route(OFFERS, lambda: reading.offers_of(house, self._reservation(id), asked, lies))
            case "PUT", "reservation-actions", id, *verb:
                return self._action(id, verb, asked, lies)
        raise Refusal(405 if rest[0] in ("offers", "bookings", "reservations", "reservation-actions") else 404)

    def _action(self, number: str, verb: list[str], asked: Request, lies: Lies) -> _Route:
        house = self.house
        match verb:
            case ["amend"]:
                return _Route(MANAGE, lambda: writing.amend(house, self._reservation(number), asked, lies))
            case ["amend", "$force"]:
                return _Route(FORCE, lambda: writing.amend(house, self._reservation(number), asked, lies, force=True))
            case ["cancel"]:
                return _Route(MANAGE, lambda: actions.cancel(house, self._reservation(number)))
            case ["checkin"]:
                return _Route(MANAGE, lambda: actions.check_in(house, self._reservation(number)))
            case ["checkout"]:
                return _Route(MANAGE, lambda: actions.check_out(house, self._reservation(number)))
            case ["noshow"]:
                return _Route(MANAGE, lambda: actions.no_show(house, self._reservation(number)))
            case ["assign-unit"]:
                return _Route(ASSIGN, lambda: actions.assign_any(house, self._reservation(number)))
            case ["assign-unit", unit]:
                return _Route(ASSIGN, lambda: actions.assign(house, self._reservation(number), unit, asked))
            case ["unassign-units"]:
                return _Route(ASSIGN, lambda: actions.unassign(house, self._reservation(number)))
        raise Refusal(404)

    def _inventory(self, method: str, rest: list[str], asked: Request, lies: Lies) -> _Route:
        house = self.house
        match (method, *rest):
            case "GET", "properties":
                return _Route(("properties.read",), lambda: reading.properties(house, asked))
            case "GET", "properties", id:
                return _Route(("properties.read",), lambda: reading.property_found(house, id))
            case "GET", "unit-groups":
                return _Route(("unitgroups.read",), lambda: reading.unit_groups(house, asked))
            case "GET", "units":
                return _Route(("units.read",), lambda: reading.units(house, asked))
            case "GET", "units", id:
                return _Route(("units.read",), lambda: reading.unit(house, id))
            case "PATCH", "units", id:
                return _Route(("units.manage",), lambda: actions.patch_unit(house, id, asked))
        raise Refusal(405 if rest[0] in ("properties", "unit-groups", "units") else 404)

    def _availability(self, method: str, rest: list[str], asked: Request, lies: Lies) -> _Route:
        if (method, *rest) == ("GET", "unit-groups"):
            return _Route(("availability.read",), lambda: reading.availability(self.house, asked, lies))
        raise Refusal(405 if rest == ["unit-groups"] else 404)

    def _rate_plan(self, method: str, rest: list[str], asked: Request, lies: Lies) -> _Route:
        scopes = ("rates.read", "rateplans.read-corporate", "rateplans.read-negotiated")
        if (method, *rest) == ("GET", "rate-plans"):
            return _Route(scopes, lambda: reading.rate_plans(self.house, asked))
        raise Refusal(405 if rest == ["rate-plans"] else 404)

    def _booking_of(self, number: str) -> Booking:
        found = self.house.bookings.get(number)
        if found is None:
            raise Refusal(404)
        return found

    def _reservation(self, number: str) -> Reservation:
        found = self.house.reservations.get(number)
        if found is None:
            raise Refusal(404)
        return found
