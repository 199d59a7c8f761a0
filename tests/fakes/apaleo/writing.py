"""Bookings are made and changed."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

from tests.fakes.apaleo.call import Lies, Refusal, Request, told
from tests.fakes.apaleo.house import (
    CHANNELS,
    GUARANTEES,
    Booking,
    House,
    RatePlan,
    Reservation,
    Slice,
)
from tests.fakes.apaleo.stays import Stay, not_past, plans_of, restrictions, stay_of
from tests.fakes.double import Answer

KEPT = ("comment", "guestComment", "travelPurpose", "additionalGuests", "commission", "corporateCode", "promoCode")
TITLES = ("Mr", "Ms", "Dr", "Prof", "Mrs", "Other")


def book(house: House, asked: Request, lies: Lies, *, force: bool = False) -> Answer:
    """POST /booking/v1/bookings: all reservations of the booking, or none of them."""
    body = _object(asked.json())
    booker = _person(body.get("booker"), "booker")
    wanted = _wanted(house, body, force=force)
    booking = house.add_booking()
    booking.booker = booker
    booking.comment, booking.booker_comment = body.get("comment"), body.get("bookerComment")
    booking.payment_account = body.get("paymentAccount")
    made = [_add(house, booking, one, lies) for one in wanted]
    return told({"id": booking.id, "reservationIds": [{"id": one.id} for one in made]}, 201)


def add_reservations(house: House, booking: Booking, asked: Request, lies: Lies, *, force: bool = False) -> Answer:
    """POST /booking/v1/bookings/{id}/reservations."""
    wanted = _wanted(house, _object(asked.json()), force=force)
    made = [_add(house, booking, one, lies) for one in wanted]
    house.touch(booking)
    return told({"reservationIds": [{"id": one.id} for one in made]}, 201)


Wanted = tuple[dict[str, Any], Stay, list[tuple[RatePlan, Decimal | None]]]


def _wanted(house: House, body: dict[str, Any], *, force: bool) -> list[Wanted]:
    given = body.get("reservations")
    if not isinstance(given, list) or not given:
        raise Refusal(422, "The reservations field is required.")
    wanted = [_checked(house, _object(one), force=force) for one in given]
    if not force:
        _check_all_free(house, wanted)
    return wanted


def _checked(house: House, given: dict[str, Any], *, force: bool) -> Wanted:
    stay = stay_of(house, given.get("arrival"), given.get("departure"), given.get("adults"), given.get("childrenAges"))
    not_past(house, stay)
    channel = given.get("channelCode")
    if channel not in CHANNELS:
        raise Refusal(422, f"The value '{channel}' is not valid for channelCode.")
    if given.get("primaryGuest") is not None:
        _person(given["primaryGuest"], "primaryGuest")
    plans = plans_of(house, given.get("timeSlices"), stay.nights, price="totalAmount")
    if not force:
        for plan, _ in plans:
            _check_sold(plan, stay, channel)
    for plan, _ in plans:
        _check_guarantee(plan, given.get("guaranteeType"))
    return given, stay, plans


def _check_sold(plan: RatePlan, stay: Stay, channel: str) -> None:
    why_not = [message for _, message in restrictions(plan, stay)]
    if channel not in plan.channels:
        why_not.append(f"The rate plan '{plan.id}' is not sold through {channel}.")
    if why_not:
        raise Refusal(422, *why_not)


def _check_guarantee(plan: RatePlan, given: object) -> None:
    """The same or stronger than what the rate plan needs at least."""
    if given is None:
        return
    if given not in GUARANTEES:
        raise Refusal(422, f"The value '{given}' is not valid for guaranteeType.")
    if GUARANTEES.index(str(given)) < GUARANTEES.index(plan.guarantee):
        raise Refusal(422, f"The rate plan '{plan.id}' needs at least the guarantee {plan.guarantee}.")


def _check_all_free(house: House, wanted: list[Wanted]) -> None:
    """Together: two rooms of one booking are not sold from one that is left."""
    needed: dict[tuple[str, Any], list[RatePlan]] = {}
    for _, stay, plans in wanted:
        for (plan, _), night in zip(plans, stay.nights, strict=True):
            needed.setdefault((plan.group.id, night), []).append(plan)
    sales = house.sales()
    full = [
        f"{plans[0].group.name} is fully booked on {night}."
        for (_, night), plans in needed.items()
        if house.free(plans[0].group, night, sales) < len(plans)
    ]
    if full:
        raise Refusal(422, *dict.fromkeys(full))


def _add(house: House, booking: Booking, wanted: Wanted, lies: Lies) -> Reservation:
    given, stay, plans = wanted
    slices = [
        Slice(night, plan, amount if amount is not None else plan.price_on(night) * lies.price)
        for night, (plan, amount) in zip(stay.nights, plans, strict=True)
    ]
    return house.add_reservation(
        booking,
        arrival=stay.arrival,
        departure=stay.departure,
        adults=stay.adults,
        children=list(stay.children),
        slices=slices,
        channel=given["channelCode"],
        guarantee=given.get("guaranteeType") or plans[0][0].guarantee,
        external_code=given.get("externalCode"),
        source=given.get("source"),
        guest=given.get("primaryGuest"),
        more={name: given[name] for name in KEPT if given.get(name) is not None},
    )


def _object(body: object) -> dict[str, Any]:
    if not isinstance(body, dict):
        raise Refusal(400, "An object is expected.")
    return body


def _person(given: object, name: str) -> dict[str, Any]:
    """Only the last name has to be there."""
    if not isinstance(given, dict):
        raise Refusal(422, f"The {name} field is required.")
    if not str(given.get("lastName") or "").strip():
        raise Refusal(422, f"The {name}.lastName field is required.")
    if given.get("title") not in (None, *TITLES):
        raise Refusal(422, f"The value '{given['title']}' is not valid for {name}.title.")
    return given


# Changing


def amend(house: House, one: Reservation, asked: Request, lies: Lies, *, force: bool = False) -> Answer:
    """PUT …/amend: the whole stay as it shall be.

    Confirmed: everything may change. InHouse: only nights to come. All others: nothing.
    """
    body = _object(asked.json())
    if one.status not in ("Confirmed", "InHouse"):
        raise Refusal(422, f"A reservation in status {one.status} cannot be amended.")
    stay = stay_of(house, body.get("arrival"), body.get("departure"), body.get("adults"), body.get("childrenAges"))
    plans = plans_of(house, body.get("timeSlices"), stay.nights, price="totalGrossAmount")
    _check_past_stays(house, one, stay, plans)
    if not force:
        why_not = [message for plan, _ in plans for _, message in restrictions(plan, stay)]
        if why_not:
            raise Refusal(422, *dict.fromkeys(why_not))
        _check_more_free(house, one, stay, plans)
    one.slices = _amended(house, one, stay, plans, bool(body.get("requote")), lies)
    one.arrival, one.departure = stay.arrival, stay.departure
    one.adults, one.children = stay.adults, list(stay.children)
    house.touch(one)
    return Answer(204)


def _check_past_stays(house: House, one: Reservation, stay: Stay, plans: list[tuple[RatePlan, Decimal | None]]) -> None:
    if one.status == "Confirmed":
        if stay.nights[0] != one.nights[0]:
            not_past(house, stay)
        return
    if stay.nights[0] != one.nights[0]:
        raise Refusal(422, "The arrival of a reservation in status InHouse cannot be amended.")
    if stay.nights[-1] + timedelta(days=1) < house.today():
        raise Refusal(422, "The departure date must not be in the past.")
    before = {night.night: night.plan for night in one.slices}
    for night, (plan, _) in zip(stay.nights, plans, strict=True):
        if night < house.today() and before.get(night) is not plan:
            raise Refusal(422, f"The time slice of {night} is in the past and cannot be amended.")


def _check_more_free(house: House, one: Reservation, stay: Stay, plans: list[tuple[RatePlan, Decimal | None]]) -> None:
    """What the reservation has it keeps; every other night needs a unit that nobody has."""
    sales, has = house.sales(but=one), {(night.group.id, night.night) for night in one.slices}
    full = [
        f"{plan.group.name} is fully booked on {night}."
        for night, (plan, _) in zip(stay.nights, plans, strict=True)
        if (plan.group.id, night) not in has and house.free(plan.group, night, sales) < 1
    ]
    if full:
        raise Refusal(422, *full)


def _amended(
    house: House,
    one: Reservation,
    stay: Stay,
    plans: list[tuple[RatePlan, Decimal | None]],
    requote: bool,
    lies: Lies,
) -> list[Slice]:
    """A night whose rate plan stays the same keeps its price, unless it is asked for anew; and its unit."""
    before = {night.night: night for night in one.slices}
    made = []
    for night, (plan, amount) in zip(stay.nights, plans, strict=True):
        old = before.get(night)
        if amount is None and old and old.plan is plan and not requote:
            amount = old.amount
        unit = old.unit if old and old.group is plan.group else None
        if unit is None and one.units and one.units[0].group is plan.group:
            unit = one.units[0] if house.is_free(one.units[0], night, but=one) else None
        made.append(Slice(night, plan, plan.price_on(night) * lies.price if amount is None else amount, unit))
    return made


RESERVATION_PATHS = {
    "comment": ("add", "replace", "remove"),
    "guestComment": ("add", "replace", "remove"),
    "paymentAccount": ("add", "replace", "remove"),
    "travelPurpose": ("add", "replace", "remove"),
    "additionalGuests": ("add", "replace", "remove"),
    "commission": ("add", "replace", "remove"),
    "primaryGuest": ("replace",),
    "validationMessages": ("remove",),
}
BOOKING_PATHS = {
    "comment": ("add", "replace", "remove"),
    "bookerComment": ("add", "replace", "remove"),
    "paymentAccount": ("add", "replace", "remove"),
    "booker": ("replace",),
}
UNIT_PATHS = {"status/condition": ("replace", "add"), "condition": ("replace", "add"), "description": ("replace",)}


def patch_reservation(house: House, one: Reservation, asked: Request) -> Answer:
    """PATCH /booking/v1/reservations/{id}: all operations or none."""
    for name, value in operations(asked.json(), RESERVATION_PATHS):
        if name == "primaryGuest":
            one.guest = _person(value, "primaryGuest")
        elif value is None:
            one.more.pop(name, None)
        elif name != "paymentAccount":
            one.more[name] = value
    house.touch(one)
    return Answer(204)


def patch_booking(house: House, one: Booking, asked: Request) -> Answer:
    for name, value in operations(asked.json(), BOOKING_PATHS):
        if name == "booker":
            one.booker = _person(value, "booker")
        elif name == "comment":
            one.comment = value
        elif name == "bookerComment":
            one.booker_comment = value
        else:
            one.payment_account = value
    house.touch(one)
    return Answer(204)


def operations(body: object, allowed: dict[str, tuple[str, ...]]) -> list[tuple[str, Any]]:
    """Name and new value of each; None removes."""
    if not isinstance(body, list) or not all(isinstance(one, dict) for one in body):
        raise Refusal(400, "A list of operations is expected.")
    found: list[tuple[str, Any]] = []
    for one in body:
        name, op = str(one.get("path") or "").strip("/"), str(one.get("op") or "").lower()
        if op not in allowed.get(name, ()):
            raise Refusal(422, f"The operation '{op}' is not allowed for '/{name}'.")
        if name in ("primaryGuest", "booker"):
            _person(one.get("value"), name)
        found.append((name, None if op == "remove" else one.get("value")))
    return found
