"""What we ask Apaleo to do.

A reservation has a price and a rate plan for each night; what we send has the price that was told, whatever the rate
plan costs by then.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from hotel_agent.pms.apaleo import reading
from hotel_agent.pms.apaleo.client import rows_of
from hotel_agent.pms.apaleo.reading import CHANNEL, CONFIRMED, GUARANTEE, Property, amount, word
from hotel_agent.pms.contract import PmsUnavailable, RoomRequest, Stay
from hotel_agent.pms.orders.system import Person, Price, Refused, Room, Wish

AGE_OF_A_CHILD = 10  # Of whom no age is known: what is known is in the comment.
ACTIONS = "booking/v1/reservation-actions"


def create(house: Property, wish: Wish) -> None:
    """Ask for a booking of which every reservation carries the token; the same one is made once, however often it is
    asked for. Raises Refused, OutcomeUnknown, PmsUnavailable."""
    person = person_of(wish.person)
    body = {"booker": person, "reservations": [_reservation(wish, room, person) for room in wish.rooms]}
    house.client.write("POST", "booking/v1/bookings", body, key=wish.token, says=True)


def _reservation(wish: Wish, room: Room, person: Mapping[str, str]) -> dict[str, Any]:
    return {
        "arrival": wish.stay.check_in.isoformat(),
        "departure": wish.stay.check_out.isoformat(),
        "adults": room.request.adults,
        "childrenAges": ages_of(room.request),
        "comment": reading.with_cots(wish.remark, room.request.cots),
        "externalCode": wish.token,
        "channelCode": CHANNEL,
        "source": "WhatsApp",
        "primaryGuest": dict(person),
        "guaranteeType": GUARANTEE,
        "timeSlices": [
            {"ratePlanId": plan_of(room.price), "totalAmount": {"amount": price, "currency": wish.currency}}
            for price in room.price.nightly
        ],
    }


def plan_of(price: Price) -> str:
    assert isinstance(price, reading.Price)  # As it was offered.
    return price.plan


def ages_of(request: RoomRequest) -> list[int]:
    return [AGE_OF_A_CHILD] * request.children


def person_of(person: Person) -> dict[str, str]:
    """A surname is wanted of everybody, also of those who have told none."""
    first, _, last = " ".join(person.name.split()).partition(" ")
    words = {
        "firstName": first if last else "",
        "lastName": last or first or "-",
        "phone": f"+{person.phone}" if person.phone.isdecimal() else person.phone,
    }
    return {name: value for name, value in words.items() if value}


def rename(house: Property, booking: str, reservations: Sequence[str], person: Person) -> None:
    """Raises as `create`."""
    told = person_of(person)
    _patch(house, f"bookings/{booking}", "booker", told)
    for reservation in reservations:
        _patch(house, f"reservations/{reservation}", "primaryGuest", told)


def _patch(house: Property, path: str, field: str, value: Any) -> None:
    change = [{"op": "replace", "path": f"/{field}", "value": value}]
    house.client.write("PATCH", f"booking/v1/{path}", change)


def act(house: Property, reservation: str, verb: str) -> None:
    """Something that reception does with a reservation. Raises as `create`."""
    house.client.write("PUT", f"{ACTIONS}/{reservation}/{verb}")


def let_go(house: Property, row: Mapping[str, Any]) -> None:
    """Give its nights back. From the hour of arrival on nothing is cancelled there: nobody came. Raises as `create`."""
    if row.get("status") != CONFIRMED:
        return
    try:
        act(house, word(row, "id"), "cancel")
    except Refused as refusal:
        try:
            act(house, word(row, "id"), "noshow")
        except Refused:
            raise refusal from None


# Changing


@dataclass(frozen=True)
class Night:
    day: date
    plan: str
    price: Decimal


@dataclass(frozen=True)
class Stands:
    """A reservation as it stands, or is to. `arrival` and `departure` are days, or hours that somebody has chosen."""

    id: str
    kind: str
    stay: Stay
    arrival: str
    departure: str
    adults: int
    ages: tuple[int, ...]
    cots: int
    comment: str
    nights: tuple[Night, ...]
    currency: str

    def changed(self, stay: Stay, room: Room) -> Stands:
        """A night that stays in its kind of room keeps its rate plan."""
        same_kind = room.kind.room.code == self.kind
        plans = {night.day: night.plan for night in self.nights} if same_kind else {}
        days = [stay.check_in + timedelta(days=number) for number in range(stay.nights)]
        same_ages = len(self.ages) == room.request.children
        return replace(
            self,
            kind=room.kind.room.code,
            stay=stay,
            arrival=self.arrival if stay.check_in == self.stay.check_in else stay.check_in.isoformat(),
            departure=self.departure if stay.check_out == self.stay.check_out else stay.check_out.isoformat(),
            adults=room.request.adults,
            ages=self.ages if same_ages else tuple(ages_of(room.request)),
            cots=room.request.cots,
            nights=tuple(
                Night(day, plans.get(day) or plan_of(room.price), price)
                for day, price in zip(days, room.price.nightly, strict=True)
            ),
        )


def stands(house: Property, reservation: str) -> Stands:
    """Raises PmsUnavailable."""
    row = house.client.read(f"booking/v1/reservations/{reservation}", expand="timeSlices")
    if row is None:
        raise PmsUnavailable("Apaleo does not know the reservation any more")
    slices = rows_of(row, "timeSlices")
    stay, line = house.stay(row), house.line(row)
    if len(slices) != stay.nights:
        raise PmsUnavailable("Apaleo answers other nights than the stay has")
    ages = row.get("childrenAges")
    return Stands(
        id=reservation,
        kind=line.kind,
        stay=stay,
        arrival=word(row, "arrival"),
        departure=word(row, "departure"),
        adults=line.adults,
        ages=tuple(ages) if isinstance(ages, list) else (),
        cots=reading.cots_of(row),
        comment=str(row.get("comment") or ""),
        nights=tuple(
            Night(
                stay.check_in + timedelta(days=number),
                word(one.get("ratePlan"), "id"),
                amount(one.get("totalGrossAmount")),
            )
            for number, one in enumerate(slices)
        ),
        currency=word(row.get("totalGrossAmount"), "currency"),
    )


def amend(house: Property, before: Stands, after: Stands) -> None:
    """Ask that a reservation becomes this, whole. Raises as `create`."""
    stay = {
        "arrival": after.arrival,
        "departure": after.departure,
        "adults": after.adults,
        "childrenAges": list(after.ages),
        "requote": False,
        "timeSlices": [
            {"ratePlanId": night.plan, "totalGrossAmount": {"amount": night.price, "currency": after.currency}}
            for night in after.nights
        ],
    }
    house.client.write("PUT", f"{ACTIONS}/{after.id}/amend", stay)
    if before.cots != after.cots:
        change = [{"op": "add", "path": "/comment", "value": reading.with_cots(after.comment, after.cots)}]
        house.client.write("PATCH", f"booking/v1/reservations/{after.id}", change)
