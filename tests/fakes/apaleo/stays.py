"""The rules of a stay: its dates, its people, what a rate plan allows, whether there is a unit."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from tests.fakes.apaleo.call import Refusal, moment, whole
from tests.fakes.apaleo.house import House, RatePlan, nights_of

FIVE_YEARS = timedelta(days=5 * 366)


@dataclass(frozen=True)
class Stay:
    arrival: datetime
    departure: datetime
    adults: int
    children: tuple[int, ...]
    nights: tuple[date, ...]

    @property
    def people(self) -> int:
        return self.adults + len(self.children)


def stay_of(house: House, arrival: object, departure: object, adults: object, children: object) -> Stay:
    """Raises Refusal, with every fault that was found."""
    first = _moment(house, arrival, "arrival", leaves=False)
    until = _moment(house, departure, "departure", leaves=True)
    ages = children or []
    if not isinstance(ages, list):
        raise Refusal(422, "childrenAges must be a list.")
    nights = nights_of(first.astimezone(house.zone).date(), until.astimezone(house.zone).date())
    if not nights:
        raise Refusal(422, "The departure must be after the arrival.")
    if until - first > FIVE_YEARS:
        raise Refusal(422, "The departure cannot be more than 5 years after the arrival.")
    grown = whole(adults, "adults", 1)
    return Stay(first, until, grown, tuple(whole(age, "childrenAges") for age in ages), tuple(nights))


def _moment(house: House, given: object, name: str, *, leaves: bool) -> datetime:
    """Either a pure date, meant for the hour of the house, or a date and time with its offset."""
    if not isinstance(given, str) or not given:
        raise Refusal(422, f"The {name} field is required.")
    if len(given) == len("2026-01-01"):
        try:
            return house.at(date.fromisoformat(given), house.check_out if leaves else house.check_in)
        except ValueError:
            raise Refusal(422, f"The value '{given}' is not valid for {name}.") from None
    return moment(given, name).astimezone(house.zone)


def not_past(house: House, stay: Stay) -> None:
    if stay.nights[0] < house.today():
        raise Refusal(422, "The arrival date must not be in the past.")


def restrictions(plan: RatePlan, stay: Stay) -> list[tuple[str, str]]:
    """Codes and words of an OfferValidationMessageModel: why the rate plan does not take the stay."""
    found = []
    if stay.people > plan.group.max_persons:
        found.append(
            ("UnitGroupCapacityExceeded", f"{plan.group.name} takes at most {plan.group.max_persons} persons.")
        )
    nights, departure = stay.nights, stay.nights[-1] + timedelta(days=1)
    closed = any(night in plan.closed for night in nights)
    if closed or nights[0] in plan.closed_on_arrival or departure in plan.closed_on_departure:
        found.append(("RateRestrictionsViolated", "The rate plan is closed for these dates."))
    if len(nights) < plan.min_nights or (plan.max_nights is not None and len(nights) > plan.max_nights):
        found.append(("RateRestrictionsViolated", "The length of stay is not allowed by the rate plan."))
    if not plan.is_active:
        found.append(("RatePlanRestrictionsViolated", "The rate plan is not active."))
    return found


def plans_of(house: House, slices: object, nights: tuple[date, ...], *, price: str) -> list[tuple[RatePlan, Any]]:
    """The rate plan and the price that was asked for, if any, of each night.

    One of them for each night, in the order from arrival to departure.
    """
    if not isinstance(slices, list) or not slices or not all(isinstance(one, dict) for one in slices):
        raise Refusal(422, "The timeSlices field is required.")
    if len(slices) != len(nights):
        raise Refusal(422, f"The stay has {len(nights)} time slices, but {len(slices)} were specified.")
    found = []
    for one in slices:
        plan = house.plans.get(str(one.get("ratePlanId")))
        if plan is None:
            raise Refusal(422, f"The rate plan '{one.get('ratePlanId')}' does not exist.")
        found.append((plan, amount_of(house, one.get(price))))
    return found


def amount_of(house: House, given: object) -> Decimal | None:
    if given is None:
        return None
    if not isinstance(given, dict) or not isinstance(given.get("amount"), int | Decimal):
        raise Refusal(422, "An amount needs 'amount' and 'currency'.")
    if given.get("currency") != house.currency:
        raise Refusal(422, f"The currency must be {house.currency}.")
    if given["amount"] < 0:
        raise Refusal(422, "The amount must not be negative.")
    return Decimal(given["amount"])
