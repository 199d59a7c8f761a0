"""The figures of a stretch of days, and the page, the charts' tables and the CSV that show them."""

from __future__ import annotations

import csv
import io
import random
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from statistics import median
from typing import Any

import pytest
from sqlalchemy import select

from hotel_agent.conversations.models import Feedback, Message, MissingAnswer
from hotel_agent.dashboard.reports.figures import Period, Report, report
from hotel_agent.db import db
from tests.dashboard.cast import answers, books, happens, hotel, says, statements, talk

DAY = date(2026, 3, 10)  # A Tuesday, far from today and from a change of the clocks.
WEEK = Period(DAY, DAY + timedelta(days=6))


@pytest.fixture(autouse=True)
def nothing_yet(app):
    """The demo's own conversations are of other days."""


def at(hour: float, day: date = DAY) -> datetime:
    """By the hotel's wall clock."""
    return datetime.combine(day, time(), hotel().zone) + timedelta(hours=hour)


def asks(one: int, moment: datetime, **columns: Any) -> int:
    usual: dict[str, Any] = {"handling": "answered", "created_at": moment, "sent_at": moment}
    return says(one, "¿Hay piscina?", **usual | columns)


def is_told(one: int, moment: datetime, **columns: Any) -> int:
    return answers(one, "Sí", **{"created_at": moment, "sending_at": moment, "sent_at": moment} | columns)


def of_week() -> Report:
    return report(hotel(), WEEK)


def test_a_burst_is_one_question_and_whoever_writes_first_answered_it():
    one = talk()
    for minute in (0, 1, 2):
        asks(one, at(10 + minute / 60))
    is_told(one, at(10.05), author="agent")
    is_told(one, at(10.5), author="staff")
    shown = of_week().answers
    assert (shown.questions, shown.by_agent, shown.by_staff, shown.unanswered) == (1, 1, 0, 0)
    assert shown.p50 == pytest.approx(180, abs=1)


def test_what_nobody_answered_is_told_apart():
    one = talk()
    asks(one, at(10))
    is_told(one, at(10.1), author="staff")
    asks(one, at(11))
    shown = of_week().answers
    assert (shown.questions, shown.by_staff, shown.unanswered) == (2, 1, 1)


def test_what_was_overtaken_or_sent_by_itself_answers_nothing():
    one = talk()
    asks(one, at(10))
    is_told(one, at(10.1), author="agent", status="cancelled")
    is_told(one, at(10.2), author="automatic")
    is_told(one, at(10.5), author="staff")
    shown = of_week().answers
    assert (shown.by_agent, shown.by_staff) == (0, 1)
    assert shown.staff_p50 == pytest.approx(1800, abs=1)


def test_a_reaction_is_no_question():
    asks(talk(), at(10), type="reaction", handling="none")
    shown = of_week()
    assert shown.answers.questions == 0
    assert shown.hours == {}


def test_a_question_belongs_to_its_day_on_the_hotels_wall():
    one, other = talk(), talk()
    asks(one, at(23.9, DAY - timedelta(days=1)))
    asks(other, at(0.1))
    is_told(one, at(0.05), author="agent")
    is_told(other, at(0.2), author="agent")
    shown = of_week()
    assert shown.answers.questions == 1
    assert shown.days[0].by_agent == 1
    assert shown.hours == {(2, 0): 1}


def test_what_went_on_from_the_day_before_is_no_question_of_this_day():
    one = talk()
    asks(one, at(23.99, DAY - timedelta(days=1)))
    asks(one, at(0.01))
    assert of_week().answers.questions == 0


def test_an_answer_after_the_last_day_counts():
    one, last = talk(), WEEK.last
    asks(one, at(23.9, last))
    is_told(one, at(24.2, last), author="staff")
    assert of_week().answers.by_staff == 1


def test_the_figures_are_those_of_a_slow_count_by_hand():
    """Many guests and replies at random moments, counted again without SQL."""
    chance = random.Random(7)
    for _ in range(12):
        one = talk()
        moments = sorted(chance.uniform(0, 24 * 7) for _ in range(20))
        for hour in moments:
            if chance.random() < 0.55:
                asks(one, at(hour))
            else:
                is_told(one, at(hour), author=chance.choice(["agent", "staff"]))
    shown = of_week().answers
    questions = list(_by_hand())
    assert shown.questions == len(questions)
    for who, count in (("agent", shown.by_agent), ("staff", shown.by_staff), (None, shown.unanswered)):
        assert count == sum(by == who for by, _seconds in questions)
    assert shown.p50 == pytest.approx(median(seconds for by, seconds in questions if by), abs=0.01)
    assert sum(day.by_agent for day in of_week().days) == shown.by_agent


def _by_hand():
    rows = db.session.scalars(select(Message).order_by(Message.conversation_id, Message.created_at, Message.id)).all()
    since, until = WEEK.moments(hotel())
    talks: dict[int, list[Message]] = {}
    for row in rows:
        if since <= row.created_at < until:
            talks.setdefault(row.conversation_id, []).append(row)
    for said in talks.values():
        waiting: datetime | None = None
        for row in said:
            if row.direction == "in":
                waiting = waiting or row.created_at
            elif waiting:
                yield row.author, (row.created_at - waiting).total_seconds()
                waiting = None
        if waiting:
            yield None, None


def test_bookings_are_those_made_in_conversations_and_cancelled_ones_are_told_apart():
    one, other, idle = talk(), talk(), talk()
    for each in (one, other, idle):
        asks(each, at(9))
    happens(one, "hold_made", at=at(9.5), details={"hold": "h"})
    for who, status, total in ((one, "booked", "190.00"), (other, "cancelled", "95.50")):
        code = books(who, 60, 62, status, total=Decimal(total))
        happens(who, "booked", at=at(10), details={"code": code})
    books(idle, 70, 71, total=Decimal("1000"))  # At the desk.
    sales = of_week().sales
    assert (sales.conversations, sales.held, sales.converted, sales.bookings) == (3, 1, 2, 2)
    assert (sales.revenue, sales.cancelled) == (Decimal("190.00"), Decimal("95.50"))
    assert sales.conversion == pytest.approx(2 / 3)
    assert of_week().days[0].revenue == Decimal("190.00")


def test_topics_languages_and_satisfaction():
    marta, john = talk(language="es"), talk("John", language="en")
    asks(marta, at(9))
    asks(john, at(9))
    for who, topic, status in ((marta, "ask_pool", "open"), (john, "ask_pool", "answered"), (john, None, "open")):
        _misses(who, topic, status)
    for who, rating in ((marta, 5), (john, 4), (john, None)):
        _rates(who, rating)
    shown = of_week()
    assert [(topic.topic, topic.asked, topic.open) for topic in shown.topics] == [("ask_pool", 2, 1), (None, 1, 1)]
    assert shown.languages == {"en": 1, "es": 1}
    assert shown.satisfaction == 4.5


def _misses(who: int, topic: str | None, status: str) -> None:
    row = _row(who)
    db.session.add(MissingAnswer(**row, question="¿?", topic=topic, language="es", status=status))
    db.session.commit()


def _rates(who: int, rating: int | None) -> None:
    db.session.add(Feedback(**_row(who), rating=rating))
    db.session.commit()


def _row(who: int) -> dict[str, Any]:
    from hotel_agent.conversations.models import Conversation

    talk_of = db.session.get_one(Conversation, who)
    key = f"k{random.getrandbits(60)}"
    found = {"conversation_id": who, "guest_id": talk_of.guest_id, "hotel_id": talk_of.hotel_id}
    return found | {"request_key": key, "created_at": at(12)}


def test_another_hotels_are_not_counted():
    oscars = talk("Pedro", slug="andes")
    asks(oscars, at(10))
    assert of_week().is_empty


def test_every_day_is_there_also_when_the_clocks_change():
    march = Period(date(2026, 3, 28), date(2026, 3, 30))
    since, until = march.moments(hotel())
    assert until - since == timedelta(hours=71)
    assert [day.day for day in report(hotel(), march).days] == list(march.days)


@pytest.mark.parametrize("days", [(DAY, DAY - timedelta(days=1)), (DAY, DAY + timedelta(days=366))])
def test_a_stretch_has_days_and_is_no_longer_than_a_year(days):
    with pytest.raises(ValueError):
        Period(*days)


# The page


@pytest.fixture
def luis(sign_in):
    return sign_in("luis@miramar.example")


WEEKS_PAGE = f"/reports?first={WEEK.first}&last={WEEK.last}"


def test_the_page_tells_the_figures_in_the_readers_language(luis):
    one = talk()
    asks(one, at(10))
    is_told(one, at(10.01), author="agent")
    html = luis.get(WEEKS_PAGE).text
    assert "100 % respondidas por el agente" in html
    assert 'id="days-table"' in html


def test_without_anything_the_page_says_so(luis):
    assert "No pasó nada en estos días" in luis.get("/reports?first=2020-01-01&last=2020-01-07").text


@pytest.mark.parametrize(
    "days", ["first=2026-03-10", "first=x&last=y", "first=2026-03-10&last=2026-03-01", "first=&last=2026-01-01"]
)
def test_days_that_are_none_are_told_beside_the_fields(luis, days):
    answer = luis.get(f"/reports?{days}")
    assert answer.status_code == 400
    assert 'id="days-problem"' in answer.text
    assert luis.get(f"/reports/days.csv?{days}").status_code == 400


def test_the_csv_holds_what_the_page_shows(luis):
    one = talk()
    asks(one, at(10))
    is_told(one, at(10.01), author="agent")
    code = books(one, 60, 62, total=Decimal("190.00"))
    happens(one, "booked", at=at(11), details={"code": code})
    answer = luis.get(f"/reports/days.csv?first={WEEK.first}&last={WEEK.last}")
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    rows = list(csv.reader(io.StringIO(answer.text.removeprefix("\ufeff"))))
    assert rows[1] == ["2026-03-10", "1", "0", "0", "1", "190.00"]
    assert len(rows) == 8
    for table in ("summary", "hours", "topics", "languages", "satisfaction"):
        assert luis.get(f"/reports/{table}.csv?first={WEEK.first}&last={WEEK.last}").status_code == 200
    assert luis.get("/reports/guests.csv").status_code == 404


@pytest.mark.parametrize(
    ("email", "status"), [("ana@miramar.example", 403), ("olga@miramar.example", 403), ("eva@miramar.example", 200)]
)
def test_who_may_read_them(sign_in, email, status):
    assert sign_in(email).get("/reports").status_code == status


def test_the_page_asks_as_often_for_a_year_as_for_a_week(luis):
    luis.get(WEEKS_PAGE)
    with statements() as week:
        luis.get(WEEKS_PAGE)
    with statements() as year:
        luis.get("/reports?first=2025-03-11&last=2026-03-10")
    assert len(week) == len(year)
    assert len(week) <= 11
