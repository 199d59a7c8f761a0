"""Our demo hotel as a property of Apaleo."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal

from tests.fakes.apaleo.house import House, Policy, RatePlan

# code, name, people, gross price a night, rooms
MIRAMAR = (
    ("IND", "Individual", 1, 65, 10),
    ("DBL", "Doble", 2, 95, 14),
    ("FAM", "Familiar", 4, 140, 8),
    ("STE", "Suite", 2, 210, 4),
)


def miramar(clock: Callable[[], datetime] | None = None) -> House:
    """Hotel Miramar: EUR, 10 % tax in every price, one flexible rate plan for each unit group, the same price every
    night whatever the number of people; free until 48 hours before 15:00 of arrival, afterwards the first night."""
    house = House(
        "MIR",
        "Hotel Miramar",
        address={"addressLine1": "Paseo del Mar 1", "postalCode": "29016", "city": "Málaga", "countryCode": "ES"},
        clock=clock,
    )
    flexible = Policy("MIR-FLE", "FLE", "Flexible", "Free until 48 hours before arrival, then the first night", 48)
    no_show = Policy("MIR-NOS", "NOS", "No-show", "The first night")
    for floor, (code, name, people, price, count) in enumerate(MIRAMAR, 1):
        group = house.add_group(code, name, people, [f"{floor}{number:02}" for number in range(1, count + 1)])
        house.add_plan("FLEX", "Flexible", group, Decimal(price), flexible, no_show)
    return house


def add_non_refundable(house: House, part: Decimal | str = "0.9") -> list[RatePlan]:
    """One more rate plan for each unit group, paid in advance and lost when cancelled, at that part of the price."""
    strict = Policy(f"{house.id}-STR", "STR", "Non refundable", "The whole stay from the booking on", None, None)
    return [
        house.add_plan(
            "NONREF",
            "Non refundable",
            plan.group,
            plan.price * Decimal(part),
            strict,
            strict,
            guarantee="Prepayment",
        )
        for plan in list(house.plans.values())
    ]
