"""The other side of an adapter, where a hotel's rooms really are: what the conformance suite asks of it.

An end is the hotel of ours that works with a system, and eyes and hands at that system which are not the adapter's. A
new adapter is added to `ENDS`; docs/pms-adapters.md tells how.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from time import monotonic
from typing import Protocol

import pytest
from sqlalchemy import text

from hotel_agent.db import db
from hotel_agent.hotels import changing
from hotel_agent.hotels.models import Hotel
from hotel_agent.pms.contract import Changes, Record, Stay
from hotel_agent.pms.door import pms_for
from tests.fakes import apaleo, qloapps
from tests.fakes.qloapps.call import Mode
from tests.reservations.cast import hotel_named

# A running instance, which is then asked instead of the doubles: `pytest tests/pms/conformance.py`.
URL = os.environ.get("PMS_CONFORMANCE_URL", "")
KEY = os.environ.get("PMS_CONFORMANCE_KEY", "")
PMS = os.environ.get("PMS_CONFORMANCE_PMS", "qloapps")
HOTEL = os.environ.get("PMS_CONFORMANCE_HOTEL", "")
MORE = os.environ.get("PMS_CONFORMANCE_SETTINGS", "")  # Further settings of the hotel: "pms_identity_url=… …".
STAYS = bool(os.environ.get("PMS_CONFORMANCE_STAYS"))  # Guests are let in too, which leaves bookings that are over.
FIRST_DAY = int(os.environ.get("PMS_CONFORMANCE_FIRST_DAY", "240"))

WRITES = ("create", "cancel", "change")
AHEAD = 70


@dataclass(frozen=True)
class Claim:
    """A room that is kept from others, by a hold or a booking; `number` is empty where none is assigned yet."""

    kind: str
    number: str
    stay: Stay


class End(Protocol):
    """`first_day`: from then on nobody but the suite has booked for 40 days."""

    hotel: Hotel
    first_day: date

    def claims(self) -> list[Claim]:
        """What keeps rooms from `first_day` on, whoever has it meanwhile, as the system itself has it."""


class Spoilt(End, Protocol):
    """One in which something can be made to go wrong."""

    def spoil(self, trouble: str, verb: str, times: int | None = 1) -> None:
        """The next requests of that verb (create, cancel, change, read) meet this trouble."""

    def heal(self) -> None: ...

    def wait_until_done(self) -> None:
        """Until nothing is under way there any more."""


def oversold(claims: list[Claim], rooms_of: Callable[[str, Stay], int]) -> list[str]:
    """What was sold twice: a room by its number, or a kind of which there are fewer rooms."""
    nights = Counter((claim.number, night) for claim in claims if claim.number for night in _nights(claim.stay))
    found = [f"room {number} on {night}" for (number, night), count in nights.items() if count > 1]
    sold = Counter((claim.kind, night) for claim in claims for night in _nights(claim.stay))
    return found + [
        f"{count} of {kind} on {night}"
        for (kind, night), count in sold.items()
        if count > rooms_of(kind, Stay(night, night + timedelta(days=1)))
    ]


def _nights(stay: Stay) -> list[date]:
    return [stay.check_in + timedelta(days=number) for number in range(stay.nights)]


# Our own tables


class Local:
    """The demo hotel's own rooms."""

    def __init__(self) -> None:
        self.hotel = hotel_named("miramar")
        self.first_day = self.hotel.today() + timedelta(days=AHEAD)

    def claims(self) -> list[Claim]:
        rows = db.session.execute(
            text(
                "select t.code, r.number, l.check_in, l.check_out from reservation_locks l"
                " join rooms r on r.id = l.resource_id join room_types t on t.id = r.room_type_id"
                " where l.hotel_id = :hotel and l.check_out > :first and (l.status = 'booked'"
                " or (l.status = 'active' and l.expires_at > clock_timestamp()))"
            ),
            {"hotel": self.hotel.id, "first": self.first_day},
        ).all()
        db.session.commit()
        return [Claim(row.code, row.number, Stay(row.check_in, row.check_out)) for row in rows]


@contextmanager
def local(_patch: pytest.MonkeyPatch) -> Iterator[End]:
    yield Local()


# QloApps


class QloApps:
    """Our demo hotel in the double of a QloApps."""

    def __init__(self, pms: qloapps.QloApps) -> None:
        self.pms = pms
        self.hotel = installed("qloapps", pms.url, pms.key, "1")
        self.first_day = self.hotel.today() + timedelta(days=AHEAD)

    def claims(self) -> list[Claim]:
        lines = self.pms.active_lines()
        stays = [Stay(date.fromisoformat(line.date_from[:10]), date.fromisoformat(line.date_to[:10])) for line in lines]
        return [
            Claim(str(line.id_product), line.room_num, stay)
            for line, stay in zip(lines, stays, strict=True)
            if stay.check_out > self.first_day
        ]

    def spoil(self, trouble: str, verb: str, times: int | None = 1) -> None:
        method, path = {
            "create": ("POST", "/bookings"),
            "cancel": ("POST", "/order_histories"),
            "change": ("PUT", "/bookings"),
            "read": (None, ""),
        }[verb]
        self.pms.inject(_QLOAPPS_TROUBLES[trouble](), method=method, path=path, times=times)

    def heal(self) -> None:
        self.pms.heal()

    def wait_until_done(self) -> None:
        self.pms.wait_for(lambda pms: all(heard.answer is not None for heard in pms.requests))


_QLOAPPS_TROUBLES: dict[str, Callable[[], qloapps.Fault]] = {
    "500 after success": qloapps.error_after_success,
    "200 with garbage": qloapps.fatal_200,
    "empty body": qloapps.empty_body,
    "died between write and answer": qloapps.reset_after_write,
    "died before the write": qloapps.reset_before_write,
    "half an answer": qloapps.cut_short,
    "answered twice": qloapps.answers_twice,
    "done twice": qloapps.does_twice,
    "away": qloapps.unavailable,
    "too often": lambda: qloapps.too_many_requests(1),
    "slow": lambda: qloapps.latency(0.3),
    "done too late": lambda: qloapps.latency(1.6),
}


def qloapps_in(mode: Mode) -> Callable[[pytest.MonkeyPatch], AbstractContextManager[End]]:
    """In one of PHP's error modes."""

    @contextmanager
    def end(patch: pytest.MonkeyPatch) -> Iterator[End]:
        from hotel_agent.pms.qloapps import client, reading

        patch.setattr(client, "WRITE_SECONDS", 1.0)
        patch.setattr(client, "READ_SECONDS", 3.0)
        reading.forget()
        with qloapps.QloApps(qloapps.miramar(), mode=mode) as pms:
            yield QloApps(pms)

    return end


# Apaleo


class Apaleo:
    """Our demo hotel in the double of an Apaleo, where it is evening: who is to arrive today may be there, or not."""

    def __init__(self, pms: apaleo.Apaleo) -> None:
        self.pms = pms
        key = f"{pms.client_id}:{pms.client_secret}"
        self.hotel = installed("apaleo", pms.url, key, pms.property_id, f"pms.identity_url={pms.url}")
        began, started = datetime.combine(self.hotel.today(), time(18), self.hotel.zone), monotonic()
        pms.house.clock = lambda: began + timedelta(seconds=monotonic() - started)
        self.first_day = self.hotel.today() + timedelta(days=AHEAD)

    def claims(self) -> list[Claim]:
        stays = [(one, Stay(one.nights[0], one.nights[-1] + timedelta(days=1))) for one in self.pms.standing()]
        return [
            Claim(one.group.id, one.units[0].name if one.units else "", stay)
            for one, stay in stays
            if stay.check_out > self.first_day
        ]

    def spoil(self, trouble: str, verb: str, times: int | None = 1) -> None:
        method, path = {
            "create": ("POST", "/bookings"),
            "cancel": ("PUT", "/cancel"),
            "change": ("PUT", "/amend"),
            "read": ("GET", ""),
        }[verb]
        self.pms.inject(_APALEO_TROUBLES[trouble](), method=method, path=path, times=times)

    def heal(self) -> None:
        self.pms.heal()

    def wait_until_done(self) -> None:
        self.pms.wait_for(lambda pms: all(heard.answer is not None for heard in pms.requests))


_APALEO_TROUBLES: dict[str, Callable[[], apaleo.Fault]] = {
    "500 after success": apaleo.error_after_success,
    "200 with garbage": apaleo.garbage,
    "empty body": lambda: apaleo.empty_body(200),
    "died between write and answer": apaleo.reset_after_write,
    "died before the write": apaleo.reset_before_write,
    "half an answer": apaleo.broken_json,
    "answered twice": apaleo.answers_twice,
    "done twice": apaleo.does_twice,
    "away": apaleo.unavailable,
    "too often": lambda: apaleo.too_many_requests(1),
    "slow": lambda: apaleo.latency(0.3),
    "done too late": lambda: apaleo.latency(1.6),
}


@contextmanager
def apaleo_end(patch: pytest.MonkeyPatch) -> Iterator[End]:
    from hotel_agent.pms.apaleo import client
    from hotel_agent.pms.orders import catalogues

    patch.setattr(client, "WRITE_SECONDS", 1.0)
    patch.setattr(client, "READ_SECONDS", 3.0)
    client.forget_tokens()
    catalogues.forget()
    with apaleo.Apaleo(apaleo.miramar()) as pms:
        yield Apaleo(pms)


# A running instance


class Instance:
    """Somebody's installation, seen through its own lists. Every test has nights of its own in a far year's corner.

    What was there before is left out of what is seen.
    """

    turn = 0

    def __init__(self) -> None:
        self.hotel = installed(PMS, URL, KEY, HOTEL, MORE)
        Instance.turn += 1
        self.first_day = self.hotel.today() + timedelta(days=FIRST_DAY + 14 * (Instance.turn % 12))
        self._others = {record.pms_id for record in self._records()}

    def claims(self) -> list[Claim]:
        return [
            Claim(room.kind, room.number, room.stay or record.stay)
            for record in self._records()
            if record.status in ("booked", "in_house") and record.stay.check_out > self.first_day
            if record.pms_id not in self._others
            for room in record.rooms
        ]

    def _records(self) -> list[Record]:
        door = pms_for(self.hotel)
        found: list[Record] = []
        changes = Changes((), "", datetime.min, door.capabilities.change_feed)
        while changes.more:
            changes = door.changes_since(changes.cursor)
            found += changes.records
        return found


@contextmanager
def instance(_patch: pytest.MonkeyPatch) -> Iterator[End]:
    yield Instance()


def installed(pms: str, url: str, key: str, hotel_id: str, more: str = "") -> Hotel:
    """Our demo hotel, working with that system from now on."""
    hotel = hotel_named("miramar")
    told = {"pms": pms, "pms_url": url, "pms_key": key, "pms_hotel_id": hotel_id, "pms_horizon_days": "1000"}
    further = dict(pair.split("=", 1) for pair in more.split())
    changing.change(hotel.id, {**{name: value for name, value in told.items() if value}, **further})
    db.session.refresh(hotel)
    db.session.commit()
    return hotel


ENDS: dict[str, Callable[[pytest.MonkeyPatch], AbstractContextManager[End]]] = (
    {PMS: instance}
    if URL
    else {
        "local": local,
        "qloapps": qloapps_in("masked"),
        "qloapps-500": qloapps_in("hidden"),
        "apaleo": apaleo_end,
    }
)
SPOILABLE = [name for name, end in ENDS.items() if end not in (local, instance)]
