"""The figures of a hotel for a stretch of its days; each statement here is one definition.

A *question* is what a guest writes after the hotel has written last, however many messages it takes; it is answered by
whoever writes first afterwards. Days, hours and weekdays are those of the hotel's wall clock, and a question belongs to
the moment in which it reached us.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import text

from hotel_agent.db import db
from hotel_agent.hotels.models import Hotel

LONGEST_DAYS = 366
# How far before and after the days one looks for what a question follows and what answers it.
MARGIN = timedelta(days=2)
MOST_TOPICS = 20


@dataclass(frozen=True)
class Period:
    """The days [first, last] of a hotel. Raises ValueError where there are none, or too many."""

    first: date
    last: date

    def __post_init__(self) -> None:
        if not 0 <= (self.last - self.first).days < LONGEST_DAYS:
            raise ValueError(f"from {self.first} to {self.last}")

    @property
    def days(self) -> tuple[date, ...]:
        return tuple(self.first + timedelta(days=day) for day in range((self.last - self.first).days + 1))

    def moments(self, hotel: Hotel) -> tuple[datetime, datetime]:
        """[since, until) of the period, in UTC."""
        since = datetime.combine(self.first, time(), hotel.zone)
        until = datetime.combine(self.last + timedelta(days=1), time(), hotel.zone)
        return since.astimezone(UTC), until.astimezone(UTC)


@dataclass(frozen=True)
class Answers:
    """Questions by who answered them, and seconds until the first answer; None where there was none."""

    questions: int
    by_agent: int
    by_staff: int
    p50: float | None
    p95: float | None
    agent_p50: float | None
    agent_p95: float | None
    staff_p50: float | None
    staff_p95: float | None

    @property
    def unanswered(self) -> int:
        return self.questions - self.by_agent - self.by_staff

    def share(self, count: int) -> float:
        return count / self.questions if self.questions else 0.0


@dataclass(frozen=True)
class Day:
    day: date
    by_agent: int
    by_staff: int
    unanswered: int
    bookings: int
    revenue: Decimal


@dataclass(frozen=True)
class Sales:
    """Conversations with a guest's message, those with a room held, and those with a booking; what is booked.

    `revenue` is the price of the bookings made in conversations that stand; `cancelled` of those that were cancelled
    since.
    """

    conversations: int
    held: int
    converted: int
    bookings: int
    revenue: Decimal
    cancelled_bookings: int
    cancelled: Decimal

    @property
    def conversion(self) -> float:
        return self.converted / self.conversations if self.conversations else 0.0


@dataclass(frozen=True)
class Topic:
    """What the hotel's texts do not answer; `topic` is None where nothing was understood."""

    topic: str | None
    asked: int
    open: int


@dataclass(frozen=True)
class Report:
    """`hours` maps (weekday 1 to 7, hour) to guests' messages, `languages` codes to conversations, `ratings` 1 to 5."""

    period: Period
    answers: Answers
    sales: Sales
    days: tuple[Day, ...]
    topics: tuple[Topic, ...]
    languages: Mapping[str, int]
    ratings: Mapping[int, int]
    hours: Mapping[tuple[int, int], int]

    @property
    def satisfaction(self) -> float | None:
        rated = sum(self.ratings.values())
        return sum(rating * count for rating, count in self.ratings.items()) / rated if rated else None

    @property
    def is_empty(self) -> bool:
        return not (self.answers.questions or self.sales.bookings or self.hours)


# Reactions and edits are no questions; what was overtaken by a colleague, or what the system sent by itself, no answer.
QUESTIONS = """
    with said as (
        select m.conversation_id, m.id, m.direction, m.author, m.created_at,
            coalesce(m.received_at, m.created_at) as came, coalesce(m.sending_at, m.created_at) as went,
            lag(m.direction) over talk as before
        from messages m
        where m.hotel_id = :hotel and m.created_at >= :earlier and m.created_at < :later
            and (m.direction = 'in' and m.handling <> 'none'
                or m.direction = 'out' and m.author in ('agent', 'staff') and m.status <> 'cancelled')
        window talk as (partition by m.conversation_id order by m.created_at, m.id)
    ), turns as (
        select *, count(*) filter (where direction = 'in' and before is distinct from 'in')
            over (partition by conversation_id order by created_at, id) as turn
        from said
    ), questions as (
        select conversation_id, turn, min(came) filter (where direction = 'in') as asked,
            min(went) filter (where direction = 'out') as answered,
            (array_agg(author order by went, id) filter (where direction = 'out'))[1] as by
        from turns where turn > 0 group by conversation_id, turn
    )
"""
ANSWERS = text(f"""
    {QUESTIONS}, timed as (
        select by, extract(epoch from greatest(answered - asked, interval '0')) as seconds
        from questions where asked >= :since and asked < :until
    )
    select count(*) as questions, count(*) filter (where by = 'agent') as by_agent,
        count(*) filter (where by = 'staff') as by_staff,
        percentile_cont(array[0.5, 0.95]) within group (order by seconds) filter (where by is not null) as both,
        percentile_cont(array[0.5, 0.95]) within group (order by seconds) filter (where by = 'agent') as agent,
        percentile_cont(array[0.5, 0.95]) within group (order by seconds) filter (where by = 'staff') as staff
    from timed
""")
ANSWERS_BY_DAY = text(f"""
    {QUESTIONS}
    select (asked at time zone :zone)::date as day, count(*) filter (where by = 'agent') as by_agent,
        count(*) filter (where by = 'staff') as by_staff, count(*) filter (where by is null) as unanswered
    from questions where asked >= :since and asked < :until group by 1
""")
BOOKINGS = """
    select e.conversation_id, (e.at at time zone :zone)::date as day, r.total, r.status
    from conversation_events e
    join reservations r on r.hotel_id = e.hotel_id and r.code = e.details ->> 'code'
    where e.hotel_id = :hotel and e.kind = 'booked' and e.at >= :since and e.at < :until
"""
SALES = text(f"""
    with booked as ({BOOKINGS})
    select (select count(distinct conversation_id) from messages where hotel_id = :hotel and direction = 'in'
            and handling <> 'none' and created_at >= :since and created_at < :until) as conversations,
        (select count(distinct conversation_id) from conversation_events where hotel_id = :hotel and kind = 'hold_made'
            and at >= :since and at < :until) as held,
        count(distinct conversation_id) as converted, count(*) as bookings,
        coalesce(sum(total) filter (where status <> 'cancelled'), 0) as revenue,
        count(*) filter (where status = 'cancelled') as cancelled_bookings,
        coalesce(sum(total) filter (where status = 'cancelled'), 0) as cancelled
    from booked
""")
SALES_BY_DAY = text(f"""
    with booked as ({BOOKINGS})
    select day, count(*) as bookings, coalesce(sum(total) filter (where status <> 'cancelled'), 0) as revenue
    from booked group by day
""")
TOPICS = text("""
    select topic, count(*) as asked, count(*) filter (where status = 'open') as open from missing_answers
    where hotel_id = :hotel and created_at >= :since and created_at < :until
    group by topic order by 2 desc, topic nulls last limit :most
""")
LANGUAGES = text("""
    select coalesce(c.language, g.language, '') as language, count(*) as conversations
    from conversations c join guests g on g.id = c.guest_id
    where c.hotel_id = :hotel and c.id in (
        select conversation_id from messages where hotel_id = :hotel and direction = 'in' and handling <> 'none'
            and created_at >= :since and created_at < :until)
    group by 1 order by 2 desc, 1
""")
RATINGS = text("""
    select rating, count(*) as guests from feedback
    where hotel_id = :hotel and rating is not null and created_at >= :since and created_at < :until group by rating
""")
HOURS = text("""
    select cast(extract(isodow from created_at at time zone :zone) as integer) as weekday,
        cast(extract(hour from created_at at time zone :zone) as integer) as hour, count(*) as messages
    from messages where hotel_id = :hotel and direction = 'in' and handling <> 'none'
        and created_at >= :since and created_at < :until
    group by 1, 2
""")


def report(hotel: Hotel, period: Period) -> Report:
    """In eight statements, whatever the number of days."""
    since, until = period.moments(hotel)
    given = {"hotel": hotel.id, "zone": hotel.timezone, "since": since, "until": until}
    given |= {"earlier": since - MARGIN, "later": until + MARGIN, "most": MOST_TOPICS}
    return Report(
        period=period,
        answers=_answers(given),
        sales=Sales(**db.session.execute(SALES, given).one()._mapping),
        days=_days(period, given),
        topics=tuple(Topic(row.topic, row.asked, row.open) for row in db.session.execute(TOPICS, given)),
        languages={row.language: row.conversations for row in db.session.execute(LANGUAGES, given)},
        ratings={row.rating: row.guests for row in db.session.execute(RATINGS, given)},
        hours={(row.weekday, row.hour): row.messages for row in db.session.execute(HOURS, given)},
    )


def _answers(given: Mapping[str, Any]) -> Answers:
    row = db.session.execute(ANSWERS, given).one()
    both, agent, staff = (found or (None, None) for found in (row.both, row.agent, row.staff))
    return Answers(row.questions, row.by_agent, row.by_staff, *both, *agent, *staff)


def _days(period: Period, given: Mapping[str, Any]) -> tuple[Day, ...]:
    """Every day of the period, also those on which nothing happened."""
    answers = {row.day: row for row in db.session.execute(ANSWERS_BY_DAY, given)}
    sales = {row.day: row for row in db.session.execute(SALES_BY_DAY, given)}
    return tuple(_day(day, answers.get(day), sales.get(day)) for day in period.days)


def _day(day: date, answers: Any | None, sales: Any | None) -> Day:
    by_agent, by_staff, unanswered = (
        (answers.by_agent, answers.by_staff, answers.unanswered) if answers is not None else (0, 0, 0)
    )
    bookings, revenue = (sales.bookings, sales.revenue) if sales is not None else (0, Decimal(0))
    return Day(day, by_agent, by_staff, unanswered, bookings, revenue)
