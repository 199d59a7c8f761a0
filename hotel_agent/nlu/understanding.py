"""The values that go into and come out of understanding one message."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

EXPECTED = frozenset(
    {
        "dates",
        "check_in",
        "check_out",
        "nights",
        "adults",
        "children",
        "party",
        "room_type",
        "choose_offer",
        "confirm_booking",
        "confirm_cancel",
        "booking_code",
        "surname",
        "name",
        "yes_no",
    }
)


@dataclass(frozen=True)
class Hints:
    """What the conversation and the hotel already know.

    `language` is the one that has been spoken; `presumed` are those that the guest's number and the hotel make
    likely, for words that do not tell. `alarms` are the words that mean an emergency at this hotel.
    """

    language: str | None = None
    country: str | None = None
    room_types: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    expected: str | None = None
    around: date | None = None  # the arrival that is being talked about: "del 12 al 15" is of that month
    presumed: tuple[str, ...] = ()
    alarms: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.expected is not None and self.expected not in EXPECTED:
            raise ValueError(f"unknown expectation {self.expected!r}")


@dataclass(frozen=True)
class Scored:
    intent: str
    confidence: float


@dataclass(frozen=True)
class Understanding:
    """One message understood. Entities are JSON-ready: dates are "YYYY-MM-DD" strings.

    `turned_round` are the days of a stay whose departure was said to come first, in the order of the calendar.
    """

    language: str
    intents: tuple[Scored, ...]
    entities: Mapping[str, Any]
    ambiguous: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()
    turned_round: tuple[str, str] | None = None

    @property
    def intent(self) -> str:
        return self.intents[0].intent

    @property
    def confidence(self) -> float:
        return self.intents[0].confidence
