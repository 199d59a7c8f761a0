"""What was typed into the form for a change: only what is otherwise than the booking is asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from hotel_agent.i18n import _
from hotel_agent.pms.contract import Booking
from hotel_agent.reservations.api.asked import LARGEST_PARTY, LONGEST_NAME, LONGEST_TYPE

LONGEST = 200


@dataclass(frozen=True)
class Wish:
    """`given` is what the fields have, `kinds` what the rooms' have, `body` the change as the API takes it."""

    given: Mapping[str, str]
    kinds: tuple[str, ...]
    body: Mapping[str, Any]
    problems: dict[str, str] = field(default_factory=dict)


def as_booked(booking: Booking, kinds: Sequence[str]) -> dict[str, str]:
    """The fields before anything is typed."""
    return {
        "check_in": booking.stay.check_in.isoformat(),
        "check_out": booking.stay.check_out.isoformat(),
        "adults": str(booking.adults),
        "children": str(booking.children),
        "name": booking.guest_name,
        "kinds": ",".join(kinds),
    }


def wish_of(booking: Booking, kinds: Sequence[str], typed: Mapping[str, str], chosen: Sequence[str]) -> Wish:
    """`kinds` are those of the booking's rooms, `chosen` those that the form has for them."""
    before = as_booked(booking, kinds)
    given = {name: typed.get(name, was).replace("\0", "").strip()[:LONGEST] for name, was in before.items()}
    problems: dict[str, str] = {}
    body: dict[str, Any] = {}
    for name in ("check_in", "check_out"):
        if _day(given[name]) is None:
            problems[name] = _("Give the day as in 2027-02-01.")
        elif given[name] != before[name]:
            body[name] = given[name]
    first, last = _day(given["check_in"]), _day(given["check_out"])
    if first and last and last <= first:
        problems["check_out"] = _("The departure is after the arrival.")
    for name, least in (("adults", 1), ("children", 0)):
        number = given[name]
        is_number = number.isascii() and number.isdigit() and len(number) <= 3
        if not is_number or not least <= int(number) <= LARGEST_PARTY:
            problems[name] = _("Give a number from %(least)s to %(most)s.", least=least, most=LARGEST_PARTY)
        elif int(number) != int(before[name]):
            body[name] = int(number)
    name = given["name"]
    if name != before["name"].strip():
        body["guest_name"] = name
        if not any(letter.isalpha() for letter in name) or not name.isprintable() or len(name) > LONGEST_NAME:
            problems["name"] = _("Give the name in which the booking is made.")
    picked = tuple(chosen) or tuple(kinds)
    if sorted(picked) != sorted(kinds):
        body["rooms"] = [{"room_type": code} for code in picked]
        if not all(code.strip() and code.isprintable() and len(code) <= LONGEST_TYPE for code in picked):
            problems["stay"] = _("The hotel has no such kind of room.")
    return Wish(given, picked, body, problems)


def _day(given: str) -> date | None:
    try:
        day = date.fromisoformat(given)
    except ValueError:
        return None
    return day if day.isoformat() == given else None
