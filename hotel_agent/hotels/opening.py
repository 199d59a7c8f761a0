"""When the front desk has people: by weekday, on holidays, past midnight.

`hotels.settings` keeps what differs from the same hours every day: `front_desk` by weekday ("mon" … "sun") and
`holidays` by date, each a list of [opens, closes], none where it is closed all day. Hours belong to the day on which
they begin: from 22:00 to 06:00 on Thursday ends on Friday, whatever Friday is. Where they end as they begin it is open
for the whole day.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Protocol
from zoneinfo import ZoneInfo

from hotel_agent.i18n import _

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
CLOSED = ("-", "closed", "cerrado", "fechado")
# A hotel may be closed for the season; one that opens later than that says nothing of it.
LONGEST_CLOSED = timedelta(days=366)
MOST_SPANS = 6

_SPAN = re.compile(r"([01]?\d|2[0-3]):([0-5]\d) ?[-–] ?([01]?\d|2[0-4]):([0-5]\d)")

Spans = Sequence[tuple[time, time]]


class HasFrontDesk(Protocol):
    """What a hotel says about its front desk."""

    front_desk_opens: Any
    front_desk_closes: Any
    settings: Any

    @property
    def zone(self) -> ZoneInfo: ...


def is_open(hotel: HasFrontDesk, now: datetime) -> bool:
    """Whether there is somebody at the front desk at that moment."""
    moment = now.astimezone(UTC)
    today = now.astimezone(hotel.zone).date()
    days = (today - timedelta(days=1), today)
    return any(opens <= moment < closes for day in days for opens, closes in _moments(hotel, day))


def next_opening(hotel: HasFrontDesk, now: datetime) -> datetime | None:
    """When the front desk opens next, in the hotel's zone; None if not within a year."""
    moment = now.astimezone(UTC)
    today = now.astimezone(hotel.zone).date()
    for ahead in range(LONGEST_CLOSED.days):
        later = [opens for opens, _closes in _moments(hotel, today + timedelta(days=ahead)) if opens > moment]
        if later:
            return min(later).astimezone(hotel.zone)
    return None


def _moments(hotel: HasFrontDesk, day: date) -> Iterator[tuple[datetime, datetime]]:
    """The hours that begin on that day, as moments: where the clocks change in between they are longer or shorter."""
    for opens, closes in hours_on(hotel, day):
        ends = day if closes > opens else day + timedelta(days=1)
        yield _moment(day, opens, hotel.zone), _moment(ends, closes, hotel.zone)


def _moment(day: date, clock: time, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, clock, zone).astimezone(UTC)


def hours_on(hotel: HasFrontDesk, day: date) -> Spans:
    """A holiday counts before its weekday, a weekday before the hours of every day."""
    settings = hotel.settings or {}
    kept = _kept(settings.get("holidays"), day.isoformat())
    if kept is None:
        kept = _kept(settings.get("front_desk"), WEEKDAYS[day.weekday()])
    if kept is not None:
        return [(time.fromisoformat(opens), time.fromisoformat(closes)) for opens, closes in kept]
    opens, closes = hotel.front_desk_opens, hotel.front_desk_closes
    return [(opens, closes)] if opens is not None and closes is not None else [(time(0), time(0))]


def _kept(by_day: Any, name: str) -> list[tuple[str, str]] | None:
    return by_day.get(name) if isinstance(by_day, Mapping) else None


def read_hours(words: str) -> list[list[str]]:
    """ "08:00-14:00,16:00-22:00" or "closed", as the settings keep it. Raises ValueError with what is wrong."""
    if words.strip().lower() in CLOSED:
        return []
    spans = [_read_span(piece.strip()) for piece in words.split(",")]
    if len(spans) > MOST_SPANS or _overlap(spans):
        raise ValueError(_("Give the hours of a day one after the other, without overlaps."))
    return [[opens.isoformat("minutes"), closes.isoformat("minutes")] for opens, closes in spans]


def hours_words(kept: Sequence[Sequence[str]]) -> str:
    """What the settings keep of a day, as it is typed."""
    return ", ".join(f"{opens}-{closes}" for opens, closes in kept) or CLOSED[0]


def _read_span(piece: str) -> tuple[time, time]:
    found = _SPAN.fullmatch(piece)
    if found is None or found[3] == "24" and found[4] != "00":
        raise ValueError(_("Give hours such as 08:00-14:00,16:00-22:00, or closed."))
    return time(int(found[1]), int(found[2])), time(int(found[3]) % 24, int(found[4]))


def _overlap(spans: Spans) -> bool:
    """Only the last hours of a day may go past midnight."""
    ends = [_minutes(closes) + (24 * 60 if closes <= opens else 0) for opens, closes in spans]
    begins = [_minutes(opens) for opens, _closes in spans]
    return any(end > begin for end, begin in zip(ends, begins[1:], strict=False))


def _minutes(clock: time) -> int:
    return clock.hour * 60 + clock.minute
