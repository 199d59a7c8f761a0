"""One turn being answered: what was said, what is remembered, and the pieces of the reply so far."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from hotel_agent.channels.whatsapp.limits import Choice, OutImage, OutLocation, Row
from hotel_agent.conversations import words
from hotel_agent.conversations.dialogue import Filing, Handover, Happening, State, Turn
from hotel_agent.conversations.listening import Said
from hotel_agent.conversations.waiting import gravity
from hotel_agent.guests.models import Guest
from hotel_agent.hotels.models import Hotel, Knowledge
from hotel_agent.reservations import RoomKind

# Why claims on rooms change in an answer, as their trail tells it.
IN_THE_CHAT = "in the chat"


@dataclass(frozen=True)
class Part:
    """One piece of a reply. `asks` marks what waits for the guest's answer; `text` is the caption of an image."""

    text: str
    buttons: tuple[Choice, ...] = ()
    rows: tuple[Row, ...] = ()
    location: OutLocation | None = None
    image: OutImage | None = None
    asks: bool = False


@dataclass
class Talk:
    """`pms_action` is what the PMS is asked to do: look, hold, book or cancel.

    `written` is what the hotel has written for this guest, by topic, once somebody wanted to know.
    """

    turn: Turn
    state: State
    said: Said
    kinds: Mapping[str, RoomKind]
    handover: Handover | None = None
    acted_on: list[str] = field(default_factory=list)
    happenings: list[Happening] = field(default_factory=list)
    filed: list[Filing] = field(default_factory=list)
    pms_action: str = "look"
    written: Mapping[str, Knowledge] | None = None

    @property
    def hotel(self) -> Hotel:
        return self.turn.hotel

    @property
    def guest(self) -> Guest:
        return self.turn.guest

    @property
    def heard_in(self) -> str:
        """The language in which the guest writes."""
        language: str = self.said.whole.language
        return language

    @property
    def language(self) -> str:
        """The language in which they are answered."""
        return self.hotel.answers_in(self.heard_in)

    @property
    def spoken(self) -> str:
        """The language as it is spoken where the hotel is."""
        return words.spoken_in(self.language, self.hotel.country)

    def say(self, block: str, **values: Any) -> str:
        return words.say(self.spoken, block, **values)

    def part(self, block: str, **values: Any) -> Part:
        return Part(self.say(block, **values))

    def ask(self, expected: str | None, block: str, *buttons: Choice, **values: Any) -> Part:
        """A question; `expected` is what the answer will be about."""
        self.state.expected = expected
        return Part(self.say(block, **values), buttons=buttons, asks=True)

    def button(self, reply_id: str, block: str) -> Choice:
        return Choice(reply_id, self.say(f"buttons.{block}"))

    def menu(self) -> tuple[Choice, ...]:
        return (
            self.button("ask:availability", "availability"),
            self.button("ask:status", "my_booking"),
            self.button("ask:human", "human"),
        )

    def hand_over(self, reason: str, urgent: bool = False) -> None:
        """A person is promised. The gravest reason of a turn is the one they see."""
        before = [self.handover.reason, *self.handover.also] if self.handover else []
        first, *also = sorted(dict.fromkeys([*before, reason]), key=gravity)
        self.handover = Handover(first, urgent or bool(self.handover and self.handover.urgent), tuple(also))

    def happened(self, kind: str, **details: Any) -> None:
        """Staff read in the thread that this was done, or tried; kinds and details as conversations/events.py says."""
        self.happenings.append(Happening(kind, details))

    def file(self, thing: Filing) -> None:
        """Put something before the staff; it is written down with the answer, once for each key."""
        self.filed.append(thing)

    def key(self, purpose: str) -> str:
        return f"{self.turn.request_key}:{purpose}"

    def local(self, moment: datetime) -> datetime:
        """A moment as the hotel's clock shows it."""
        return moment.astimezone(self.hotel.zone)

    def room_name(self, code: str) -> str:
        kind = self.kinds.get(code)
        return kind.name_in(self.language) if kind else code
