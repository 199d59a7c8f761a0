"""What was typed into the form for a new booking, and what is wrong with it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from hotel_agent.errors import BadInput
from hotel_agent.i18n import _
from hotel_agent.pms.contract import RoomRequest
from hotel_agent.reservations.api.asked import LARGEST_PARTY, MOST_ROOMS, OLDEST_CHILD, new_booking
from hotel_agent.reservations.offering import unpacked

OF_THE_STAY = ("check_in", "check_out", "adults", "children", "ages", "rooms")
FIELDS = (*OF_THE_STAY, "choice", "name", "phone", "language")
LONGEST = 200


@dataclass(frozen=True)
class Wish:
    """`given` is what was typed, `problems` by field what is wrong with it; the rest is there where nothing is."""

    given: Mapping[str, str]
    problems: dict[str, str] = field(default_factory=dict)
    adults: int = 0
    children: int = 0
    ages: tuple[int, ...] = ()
    rooms: int | None = None

    @property
    def can_be_looked_at(self) -> bool:
        """Whether there are days and people, and nothing wrong with them."""
        return bool(self.given["check_in"] and self.given["check_out"]) and not any(
            name in self.problems for name in OF_THE_STAY
        )

    @property
    def party(self) -> dict[str, Any]:
        return {"adults": self.adults, "children": self.children, "ages": list(self.ages)}

    def body(self) -> dict[str, Any]:
        """As the API takes it. Raises ValueError where nothing of what is offered was chosen, BadInput for the rest."""
        rooms, total, check_in, check_out = self.given["choice"].split("|")
        if (check_in, check_out) != (self.given["check_in"], self.given["check_out"]):
            raise ValueError(self.given["choice"])
        guest = {"name": self.given["name"], "phone": self.given["phone"], "language": self.given["language"]}
        body = {
            "check_in": self.given["check_in"],
            "check_out": self.given["check_out"],
            "adults": self.adults,
            "children": self.children,
            "rooms": [_room(room) for room in unpacked(rooms)],
            "guest": {name: value for name, value in guest.items() if value},
            "expected_total": total,
        }
        new_booking(body)
        return body


def wish_of(form: Mapping[str, str], today: date) -> Wish:
    """Without a departure it is one night."""
    given = {name: form.get(name, "").replace("\0", "").strip()[:LONGEST] for name in FIELDS}
    given["adults"] = given["adults"] or "2"
    if given["check_in"] and not given["check_out"]:
        given["check_out"] = _next_day(given["check_in"])
    wish = Wish(given)
    problems = wish.problems
    for name in ("check_in", "check_out"):
        if given[name] and _date(given[name]) is None:
            problems[name] = _("Give the day as in 2027-02-01.")
    check_in, check_out = _date(given["check_in"]), _date(given["check_out"])
    if check_in and check_in < today:
        problems["check_in"] = _("The arrival is over.")
    elif check_in and check_out and check_out <= check_in:
        problems["check_out"] = _("The departure is after the arrival.")
    adults = _count("adults", given, problems, 1, LARGEST_PARTY)
    children = _count("children", given, problems, 0, LARGEST_PARTY)
    rooms = _count("rooms", given, problems, 1, MOST_ROOMS) if given["rooms"] else None
    return Wish(given, problems, adults, children, _ages(given, problems, children), rooms)


def problem_of(bad: BadInput) -> tuple[str, str]:
    """The field of the form, and the words, for what the API would not take."""
    field_name = bad.field.removeprefix("guest.")
    words = {
        "name": _("Give the name in which the booking is made."),
        "phone": _("Give the number with + and the country, such as +34 600 123 456."),
    }
    return (
        (field_name, words[field_name])
        if field_name in words
        else ("choice", _("Choose one of the offers for these days and people."))
    )


def _room(room: RoomRequest) -> dict[str, Any]:
    """Whoever sleeps in a cot is a child of no age."""
    children = room.children + room.cots
    return {
        "room_type": room.room_type,
        "adults": room.adults,
        "children": children,
        "children_ages": [0] * room.cots,
    }


def _date(given: str) -> date | None:
    try:
        day = date.fromisoformat(given)
    except ValueError:
        return None
    return day if day.isoformat() == given else None


def _next_day(given: str) -> str:
    day = _date(given)
    return (day + timedelta(days=1)).isoformat() if day and day < date.max else ""


def _count(name: str, given: Mapping[str, str], problems: dict[str, str], least: int, most: int) -> int:
    number = given[name] or "0"
    if not number.isascii() or not number.isdigit() or len(number) > 3 or not least <= int(number) <= most:
        problems[name] = _("Give a number from %(least)s to %(most)s.", least=least, most=most)
        return least
    return int(number)


def _ages(given: Mapping[str, str], problems: dict[str, str], children: int) -> tuple[int, ...]:
    ages = given["ages"].replace(",", " ").split()
    if not all(age.isascii() and age.isdigit() and len(age) <= 2 and int(age) <= OLDEST_CHILD for age in ages):
        problems["ages"] = _("Give ages from 0 to %(most)s, with commas between them.", most=OLDEST_CHILD)
    elif len(ages) > children:
        problems["ages"] = _("There are more ages than children.")
    else:
        return tuple(int(age) for age in ages)
    return ()
