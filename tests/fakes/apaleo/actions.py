"""PUT /booking/v1/reservation-actions/{id}/…: what reception does with a reservation."""

from __future__ import annotations

from datetime import date
from typing import Any

from tests.fakes.apaleo import models
from tests.fakes.apaleo.call import Refusal, Request, moment, told
from tests.fakes.apaleo.house import House, Reservation, Slice, Unit
from tests.fakes.apaleo.writing import UNIT_PATHS, operations
from tests.fakes.double import Answer


def cancel(house: House, one: Reservation) -> Answer:
    """Only Confirmed, and only while the arrival is still to come."""
    _refuse(models.why_no_cancel(one))
    if one.arrival <= house.now():
        raise Refusal(422, "The arrival time of the reservation is not in the future.")
    one.status, one.canceled = "Canceled", house.now()
    house.touch(one)
    return Answer(204)


def check_in(house: House, one: Reservation) -> Answer:
    _refuse(models.why_no_check_in(house, one))
    one.status, one.checked_in = "InHouse", house.now()
    house.touch(one)
    return Answer(204)


def check_out(house: House, one: Reservation) -> Answer:
    _refuse(models.why_no_check_out(house, one))
    one.status, one.checked_out = "CheckedOut", house.now()
    house.touch(one)
    return Answer(204)


def no_show(house: House, one: Reservation) -> Answer:
    _refuse(models.why_no_no_show(house, one))
    one.status, one.no_show = "NoShow", house.now()
    house.touch(one)
    return Answer(204)


def _refuse(why_not: str | None) -> None:
    if why_not:
        raise Refusal(422, why_not)


def assign_any(house: House, one: Reservation) -> Answer:
    """One unit for the whole stay; when none is free so long, one a night."""
    _check_assignable(one)
    candidates = house.units_of(one.group)
    whole = [unit for unit in candidates if all(_can_have(house, one, night, unit) for night in one.slices)]
    found = [whole[0] if whole else _any_for(house, one, night) for night in one.slices]
    for night, unit in zip(one.slices, found, strict=True):
        night.unit = unit
    house.touch(one)
    return told({"timeSlices": [_assigned(house, one, night) for night in one.slices]})


def _any_for(house: House, one: Reservation, night: Slice) -> Unit:
    for unit in house.units_of(night.group):
        if _can_have(house, one, night, unit):
            return unit
    raise Refusal(422, f"No unit of {night.group.name} is available on {night.night}.")


def _assigned(house: House, one: Reservation, night: Slice) -> dict[str, Any]:
    assert night.unit
    first, until = models.slice_bounds(house, night.night, one)
    return {"unit": models.embedded_unit(night.unit), "from": first, "to": until}


def assign(house: House, one: Reservation, unit_id: str, asked: Request) -> Answer:
    """That very unit, for the whole stay or a part of it; an error when it is not available, and nothing changes."""
    _check_assignable(one)
    unit = house.units.get(unit_id)
    if unit is None:
        raise Refusal(404)
    first = _night(house, asked.param("from"), "from") or one.nights[0]
    until = _night(house, asked.param("to"), "to")
    nights = [night for night in one.slices if first <= night.night and (until is None or night.night < until)]
    if not nights:
        raise Refusal(422, "The reservation has no time slices between 'from' and 'to'.")
    taken = [night.night for night in nights if not _can_have(house, one, night, unit)]
    if taken:
        raise Refusal(422, f"The unit '{unit.name}' is not available on {taken[0]}.")
    for night in nights:
        night.unit = unit
    house.touch(one)
    return told({"unit": models.embedded_unit(unit)})


def _night(house: House, given: str | None, name: str) -> date | None:
    if given is None:
        return None
    if len(given) == len("2026-01-01"):
        try:
            return date.fromisoformat(given)
        except ValueError:
            raise Refusal(422, f"The value '{given}' is not valid for {name}.") from None
    return moment(given, name).astimezone(house.zone).date()


def _can_have(house: House, one: Reservation, night: Slice, unit: Unit) -> bool:
    """Of the group that was booked: this double sells no upgrades."""
    return unit.group is night.group and house.is_free(unit, night.night, but=one)


def _check_assignable(one: Reservation) -> None:
    if one.status not in ("Confirmed", "InHouse"):
        raise Refusal(422, "AssignUnitNotAllowedForReservationNotInStatusConfirmedOrInHouse")


def unassign(house: House, one: Reservation) -> Answer:
    """Nothing happens when none is assigned."""
    if one.status != "Confirmed" and one.units:
        raise Refusal(422, "UnassignUnitNotAllowedForReservationNotInStatusConfirmed")
    for night in one.slices:
        night.unit = None
    house.touch(one)
    return Answer(204)


def patch_unit(house: House, unit_id: str, asked: Request) -> Answer:
    """PATCH /inventory/v1/units/{id}: its condition and its description."""
    unit = house.units.get(unit_id)
    if unit is None:
        raise Refusal(404)
    for name, value in operations(asked.json(), UNIT_PATHS):
        if name == "description":
            unit.description = str(value)
        elif value in ("Clean", "CleanToBeInspected", "Dirty"):
            unit.condition = value
        else:
            raise Refusal(422, f"The value '{value}' is not valid for condition.")
    return Answer(204)
