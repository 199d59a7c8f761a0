"""What the inbox shows, as values: the queries fill them, the templates read them. All moments are aware, in UTC."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

VIEWS = ("waiting", "mine", "all", "agent", "closed")


@dataclass(frozen=True)
class Chip:
    """Why somebody should look, or what to know before reading.

    `kind`: emergency, complaint, human, payment, unsure, pms_failed, send_failed, send_unknown, window_closing,
    window_closed, hold_expiring, vip, returning, arriving, in_house, leaving, language, agent_off, agent_failed, …
    `tone`: alarm, warn, calm. `detail` is what the chip adds (a language code, a count), `until` its deadline.
    """

    kind: str
    tone: str
    detail: str = ""
    until: datetime | None = None


@dataclass(frozen=True)
class Line:
    """One conversation in the list. `name` is None where nobody has told it; then `phone` (digits) names the guest."""

    id: int
    name: str | None
    phone: str | None
    room: str | None  # room number while in house
    arrives: date | None  # next arrival, when not in house
    text: str
    text_type: str | None  # text, image, audio, …: a message without words is told by its type
    author: str | None  # guest, agent, staff, automatic
    at: datetime | None
    waiting_since: datetime | None
    urgent: bool
    owner: str
    status: str
    assignee_id: int | None
    assignee: str | None
    snoozed_until: datetime | None
    chips: tuple[Chip, ...]
    found: str | None = None  # by a search: the words around what was found, plain text
    alarmed_at: datetime | None = None  # when an urgent one was heard from last: then colleagues are told anew


@dataclass(frozen=True)
class Proposal:
    """What the agent would say, for a person to approve: the words of each bubble and the choices below them."""

    id: int
    topics: tuple[str, ...]
    bubbles: tuple[tuple[str, tuple[str, ...]], ...]
    at: datetime


@dataclass(frozen=True)
class Listing:
    """One view of the list. `pinned`: who waits and is nobody's, or has a failed send, wherever one looks.

    `more_pinned`: there are more of these than stand there; all who wait are in the view of who waits.
    """

    view: str
    query: str
    pinned: tuple[Line, ...]
    lines: tuple[Line, ...]
    more: str | None  # cursor for the next page
    more_pinned: bool
    waiting: int  # counts for the tabs
    mine: int


@dataclass(frozen=True)
class Quote:
    """The message that another one answers to, in short."""

    message_id: int
    author: str
    text: str
    type: str


@dataclass(frozen=True)
class Attachment:
    """`status`: as of Media. `mime_type` and `url_id` are of what a browser can show or play."""

    url_id: int
    status: str
    mime_type: str
    file_name: str
    size: int | None
    seconds: float | None
    error: str | None


@dataclass(frozen=True)
class Choice:
    title: str
    description: str | None = None


@dataclass(frozen=True)
class Bubble:
    """One message. `can` names what may be done about it: retry (failed), resend (unknown)."""

    id: int
    at: datetime
    direction: str
    author: str  # guest, agent, staff, automatic
    staff_name: str | None
    type: str
    text: str
    status: str  # of Message
    handling: str
    choices: tuple[Choice, ...]
    location: tuple[float, float, str | None, str | None] | None  # latitude, longitude, name, address
    picture: str | None  # The address of a picture that was sent by its address.
    quote: Quote | None
    attachments: tuple[Attachment, ...]
    reaction: str | None
    edited: bool
    error_code: int | None
    error_text: str | None
    can: tuple[str, ...]


@dataclass(frozen=True)
class Note:
    id: int
    at: datetime
    staff_name: str | None
    text: str


@dataclass(frozen=True)
class Event:
    """Something that happened, told inline. `details` holds only what the template prints."""

    id: int
    at: datetime
    kind: str
    staff_name: str | None
    details: dict[str, Any]


Item = Bubble | Note | Event


@dataclass(frozen=True)
class Thread:
    """The latest items, oldest first. `older` is the cursor for those before them."""

    items: tuple[Item, ...]
    older: str | None


@dataclass(frozen=True)
class Head:
    """What stands above the thread and decides what the composer offers."""

    id: int
    hotel_id: int
    guest_id: int
    name: str | None
    phone: str | None
    channel: str
    language: str | None
    owner: str
    status: str
    assignee_id: int | None
    assignee: str | None
    waiting_since: datetime | None
    urgent: bool
    snoozed_until: datetime | None
    window_closes_at: datetime | None  # None: the guest has never written
    opted_out: bool
    chips: tuple[Chip, ...]


@dataclass(frozen=True)
class ExtraLine:
    """Something added to a stay; `at` is until or from when."""

    code: str
    price: Decimal
    currency: str
    at: str | None


@dataclass(frozen=True)
class StayLine:
    """One reservation of the guest."""

    code: str
    status: str
    arrival: date
    departure: date
    adults: int
    children: int
    rooms: tuple[str, ...]
    room_types: tuple[str, ...]  # names in the reader's language
    total: Decimal
    currency: str
    guest_name: str
    extras: tuple[ExtraLine, ...] = ()
    conflicts: tuple[str, ...] = ()  # rooms that somebody else has booked too


@dataclass(frozen=True)
class HoldStep:
    """What became of rooms that were kept. `who`: guest, staff, agent, system; `why` is what staff gave as a reason."""

    at: datetime
    action: str  # of LockAudit
    who: str
    staff_name: str | None
    why: str


@dataclass(frozen=True)
class HoldLine:
    """Rooms kept for the guest while they decide. `trail` is of its whole life, oldest first."""

    key: str
    arrival: date
    departure: date
    rooms: tuple[str, ...]
    room_types: tuple[str, ...]
    total: Decimal
    currency: str
    expires_at: datetime
    may_be_extended: bool = True
    trail: tuple[HoldStep, ...] = ()


@dataclass(frozen=True)
class Todo:
    """Something that the guest waits for: a request to be done, or a question to be answered (`what`).

    `replied`: a colleague has written to the guest since, perhaps about this.
    """

    what: str
    id: int
    kind: str
    words: str
    room: str | None
    at: datetime
    replied: bool = False


@dataclass(frozen=True)
class Card:
    """The guest and the stay, beside the thread."""

    guest_id: int
    name: str | None
    phone: str | None
    language: str | None
    vip: bool
    opted_out: bool
    preferences: tuple[str, ...]  # codes of conversations/skills/preferences.toml
    since: datetime
    stays_before: int
    current: tuple[StayLine, ...]  # in house and to come, nearest first
    past: tuple[StayLine, ...]
    holds: tuple[HoldLine, ...]  # live ones, the first to end first
    holds_over: tuple[HoldLine, ...] = ()  # of the last days, the latest first
    pms_as_of: datetime | None = None  # when the hotel's own PMS was last read
    pms_away_since: datetime | None = None  # null while it answers
