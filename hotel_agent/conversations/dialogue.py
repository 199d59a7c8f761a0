"""What one answer is made from and what comes out of it, and what a conversation remembers meanwhile."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from datetime import date, datetime
from typing import Any, TypeVar

from hotel_agent.channels.whatsapp.limits import OutMessage
from hotel_agent.guests.models import Guest
from hotel_agent.hotels.models import Hotel
from hotel_agent.nlu import Understanding


@dataclass(frozen=True)
class Heard:
    """One inbound message of the burst. `kind`: "answerable", or "acknowledge" if it cannot be read."""

    id: int
    type: str
    text: str
    reply_id: str | None
    kind: str
    location: tuple[float, float] | None = None


@dataclass(frozen=True)
class Turn:
    """All that an answer depends on. `request_key` is the same when a burst is answered again later.

    `earlier` is the state of the guest's last talk where that is over: what a late "sí" may be about. `channel` is
    whatsapp or api. `review_asked` is the reservation about which we have just asked how the stay was. `presumed` is
    the language that is spoken where the guest's number is from.
    """

    hotel: Hotel
    guest: Guest
    language: str | None
    heard: tuple[Heard, ...]
    today: date
    now: datetime
    state: Mapping[str, Any]
    first_contact: bool
    already_waiting: str | None
    request_key: str
    earlier: Mapping[str, Any] = field(default_factory=dict)
    channel: str = "whatsapp"
    review_asked: int | None = None
    presumed: str | None = None


@dataclass(frozen=True)
class Handover:
    """Why a person has to look: the gravest reason, and what else there is. `urgent` goes to the top of their list."""

    reason: str
    urgent: bool = False
    also: tuple[str, ...] = ()


@dataclass(frozen=True)
class Happening:
    """What was done, or tried in vain, for an answer; `kind` and `details` as conversations/events.py has them."""

    kind: str
    details: Mapping[str, Any]


@dataclass(frozen=True)
class Request:
    """Something that people of the hotel are asked to do; `kind` as conversations/guest_requests.py has them.

    `key` names it, so that it is filed once; `adds` is more about one that is open, all of it in `words`.
    """

    kind: str
    words: str
    key: str
    room: str | None = None
    reservation_id: int | None = None
    adds: bool = False


@dataclass(frozen=True)
class Question:
    """What a colleague has been promised to answer; `topic` is the intent that was understood, if any."""

    question: str
    topic: str | None
    language: str
    key: str


@dataclass(frozen=True)
class Opinion:
    """What the guest thinks of their stay; `rating` is 1 to 5 where they gave one."""

    rating: int | None
    words: str
    key: str
    reservation_id: int | None = None


Filing = Request | Question | Opinion


@dataclass(frozen=True)
class Answer:
    """At most two bubbles. `understanding` is of the whole burst, the intent that was acted on first.

    `happenings` are for staff to read in the thread; `filed` is what they have to do, or should know. `blocked` tells
    which kinds of fact were to be told that are on no record (conversations/truth.py). `language` is the guest's, which
    need not be the one they are answered in.
    """

    bubbles: tuple[OutMessage, ...]
    understanding: Understanding | None
    state: dict[str, Any]
    language: str
    handover: Handover | None = None
    happenings: tuple[Happening, ...] = ()
    filed: tuple[Filing, ...] = ()
    blocked: tuple[str, ...] = ()


@dataclass
class Draft:
    """What is known of the stay that is being talked about. `goal`: "", availability, price or book.

    `nights` is kept only while a date is missing, or to move a stay whose arrival changes. `around` is the arrival
    that was talked about last, even if it was given up: days without a month are read beside it.
    """

    goal: str = ""
    check_in: date | None = None
    check_out: date | None = None
    nights: int | None = None
    adults: int | None = None
    children: int = 0
    ages: list[int] = field(default_factory=list)
    room_type: str | None = None
    rooms: int | None = None
    name: str | None = None
    around: date | None = None


@dataclass
class Shown:
    """An offer as it was shown: enough to hold it, and to see that it is still what the guest saw.

    `rooms` are packed RoomRequests; `total` is a decimal string.
    """

    rooms: list[list[Any]]
    check_in: date
    check_out: date
    adults: int
    children: int
    total: str
    ages: list[int] = field(default_factory=list)

    @property
    def types(self) -> list[str]:
        return [str(room[0]) for room in self.rooms]

    @property
    def key(self) -> str:
        """The id of its button or row: it tells the whole offer, so that it can be read after the session."""
        stay = f"{self.check_in}:{self.check_out}:{self.adults}:{self.children}"
        return f"offer:{'+'.join(self.types)}:{stay}"


@dataclass
class State:
    """The dialogue of a live session.

    `expected` is what was asked last, by the NLU's names. `lookup` says what a code and surname are asked for
    ("status", "cancel") and `lookup_code` the code already given. `proven` maps codes to the surname that
    opened them. `cancelling` waits for a yes, `cancel_fee` being the cost that was told. `failures` counts
    messages in a row that were not understood. `booked` is the code of what was booked last and `before` its
    details, for "another one like it". `where` is what the guest said when asked in which room they are.
    `alarmed`: the last message was an alarm. `names_asked` counts how often the guest was asked for a name.
    `unsure` holds what the guest is being asked about the words that were not clear: {"words", "intents",
    "before"}. `telling` is the request about which more was asked: {"kind", "key", "wants"}. `changing` is the
    booking that is to be changed: {"code", "wants", "total" that was told, "stay", "choices", "asked", "words"
    until the booking is known}; `adding` what is offered for a booking: {"extra", "code", "price"}. `asks_consent`:
    the yes that is expected is about messages on the hotel's own account. `grave` is the matter of which a person
    was told last (skills/grave.py) and the guest may go on to tell. `left_open` is what an earlier talk left open, as
    its state had it, until it is taken up or something else begins. `then` is the wish for another room, in the
    guest's words, that is seen to once the one on hold is booked.
    """

    booking: Draft = field(default_factory=Draft)
    offers: list[Shown] = field(default_factory=list)
    hold: str | None = None
    expected: str | None = None
    cancelling: str | None = None
    cancel_fee: str | None = None
    lookup: str | None = None
    lookup_code: str | None = None
    proven: dict[str, str] = field(default_factory=dict)
    wrong_codes: int = 0
    failures: int = 0
    booked: str | None = None
    before: Draft = field(default_factory=Draft)
    names_asked: int = 0
    unsure: dict[str, Any] = field(default_factory=dict)
    where: str = ""
    alarmed: bool = False
    telling: dict[str, Any] = field(default_factory=dict)
    changing: dict[str, Any] = field(default_factory=dict)
    adding: dict[str, Any] = field(default_factory=dict)
    asks_consent: bool = False
    grave: str | None = None
    left_open: dict[str, Any] = field(default_factory=dict)
    then: str = ""

    @property
    def is_about_something(self) -> bool:
        """Whether a booking, a change or a question of ours is under way."""
        stay = self.booking.goal or self.offers or self.hold
        booked = self.cancelling or self.changing or self.adding or self.lookup
        return bool(stay or booked or self.telling or self.expected)

    def to_json(self) -> dict[str, Any]:
        plain: dict[str, Any] = _plain(asdict(self))
        return plain

    @classmethod
    def from_json(cls, kept: Mapping[str, Any]) -> State:
        """Read a kept state; what this version does not know, or cannot read, is left at its default."""
        state = _read(cls, {name: kept[name] for name in _SIMPLE if name in kept})
        try:
            state.booking = _read(Draft, _dated(kept.get("booking") or {}))
            state.before = _read(Draft, _dated(kept.get("before") or {}))
            state.offers = [Shown(**_dated(offer)) for offer in kept.get("offers") or []]
        except (TypeError, ValueError, AttributeError):
            state.offers = []
        return state


Kept = TypeVar("Kept", Draft, State)

_SIMPLE = tuple(f.name for f in fields(State) if f.name not in ("booking", "before", "offers"))


def _read(kind: type[Kept], values: Mapping[str, Any]) -> Kept:
    known = {f.name for f in fields(kind)}
    return kind(**{name: value for name, value in values.items() if name in known and value is not None})


def _dated(values: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: date.fromisoformat(value) if name in ("check_in", "check_out", "around") and value else value
        for name, value in values.items()
    }


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _plain(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_plain(inner) for inner in value]
    return value.isoformat() if isinstance(value, date) else value
