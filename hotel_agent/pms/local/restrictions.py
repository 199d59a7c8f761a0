"""Which stays a hotel does not sell although its rooms are free and priced: closed days, and too few nights."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from hotel_agent.pms.contract import CLOSED, CLOSED_TO_ARRIVAL, CLOSED_TO_DEPARTURE, MIN_STAY, Stay

# Both ends count: of a stay until :end the departure is on that day.
CLOSURES = """
    select jsonb_agg(jsonb_build_array(k.kind, k.room_type_id, k.first_day, k.last_day)) from closures k
    where k.hotel_id = :hotel and k.first_day <= :end and k.last_day >= :first
"""


@dataclass(frozen=True)
class Closed:
    """Days, both within it, on which a kind of room is closed for `kind`: sale, arrival or departure."""

    kind: str
    first: date
    last: date

    def is_on(self, day: date) -> bool:
        return self.first <= day <= self.last

    def meets(self, stay: Stay) -> bool:
        return self.first < stay.check_out and stay.check_in <= self.last


def closures_of(kept: Iterable[Sequence[Any]] | None, room_type_id: int) -> tuple[Closed, ...]:
    """Those of one kind of room out of what CLOSURES found for all."""
    return tuple(
        Closed(kind, date.fromisoformat(first), date.fromisoformat(last))
        for kind, of, first, last in kept or ()
        if of in (None, room_type_id)
    )


def why_not(closed: Iterable[Closed], stay: Stay, min_stay: int, before: Stay | None = None) -> str:
    """Why a stay is not for sale, empty where it is.

    With `before`, a stay that is booked: what was sold then is not asked about again, only what comes to be otherwise.
    """
    found = {one.kind for one in closed if _matters(one, stay, before)}
    if "sale" in found:
        return CLOSED
    if "arrival" in found:
        return CLOSED_TO_ARRIVAL
    if "departure" in found:
        return CLOSED_TO_DEPARTURE
    shorter = before is None or stay.check_in != before.check_in or stay.nights < before.nights
    return MIN_STAY if shorter and stay.nights < min_stay else ""


def _matters(closed: Closed, stay: Stay, before: Stay | None) -> bool:
    if closed.kind == "arrival":
        return closed.is_on(stay.check_in) and (before is None or before.check_in != stay.check_in)
    if closed.kind == "departure":
        return closed.is_on(stay.check_out) and (before is None or before.check_out != stay.check_out)
    return any(closed.meets(part) for part in new_nights(stay, before))


def new_nights(stay: Stay, before: Stay | None) -> list[Stay]:
    """The nights of a stay that are not those of the one before."""
    if before is None or before.check_out <= stay.check_in or stay.check_out <= before.check_in:
        return [stay]
    found = []
    if stay.check_in < before.check_in:
        found.append(Stay(stay.check_in, before.check_in))
    if before.check_out < stay.check_out:
        found.append(Stay(before.check_out, stay.check_out))
    return found
