"""`/reports`: what was asked, who answered and how soon, what was booked; as tables, charts of them, and CSV."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

from flask import Blueprint, make_response, render_template, request
from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Response

from hotel_agent import web
from hotel_agent.dashboard.reports.figures import LONGEST_DAYS, Period, Report, report
from hotel_agent.hotels.models import Hotel
from hotel_agent.hotels.topics import topic_words
from hotel_agent.i18n import _
from hotel_agent.staff.access import may, me

USUAL_DAYS = 30
STRETCHES = (7, 30, 90, 365)
Rows = Iterator[tuple[object, ...]]

bp = Blueprint("reports", __name__, url_prefix="/reports")
bp.add_app_template_filter(topic_words)


@bp.get("")
@may("reports")
def index() -> Response:
    hotel = me().hotel
    try:
        period, status, problem = _period(hotel), 200, ""
    except ValueError:
        period, status = _last_days(hotel, USUAL_DAYS), 400
        problem = _("Choose a first and a last day, at most a year apart.")
    shown = report(hotel, period)
    page = render_template(
        "reports/index.html",
        report=shown,
        problem=problem,
        typed=request.args,
        stretches={days: _last_days(hotel, days) for days in STRETCHES},
        currency=hotel.currency,
        today=hotel.today(),
    )
    return make_response(page, status)


@bp.get("/<table>.csv")
@may("reports")
def as_csv(table: str) -> Response:
    """One of the page's tables, with machine-readable columns: ISO dates, points in numbers, seconds."""
    rows = TABLES.get(table)
    if rows is None:
        raise NotFound
    hotel = me().hotel
    try:
        period = _period(hotel)
    except ValueError:
        return make_response(_("Choose a first and a last day, at most a year apart."), 400)
    return web.csv_of(rows(report(hotel, period)), f"{hotel.slug}-{table}-{period.first}-{period.last}.csv")


def _period(hotel: Hotel) -> Period:
    """As the address says, the last thirty days unless it does. Raises ValueError."""
    first, last = request.args.get("first"), request.args.get("last")
    if not first and not last:
        return _last_days(hotel, USUAL_DAYS)
    return Period(date.fromisoformat(first or ""), date.fromisoformat(last or ""))


def _last_days(hotel: Hotel, days: int) -> Period:
    today = hotel.today()
    return Period(today - timedelta(days=min(days, LONGEST_DAYS) - 1), today)


# The tables


def _summary(shown: Report) -> Rows:
    answers, sales = shown.answers, shown.sales
    yield "figure", "value"
    yield "questions", answers.questions
    yield "answered_by_agent", answers.by_agent
    yield "answered_by_staff", answers.by_staff
    yield "unanswered", answers.unanswered
    for who in ("", "agent_", "staff_"):
        for part in ("p50", "p95"):
            seconds = getattr(answers, f"{who}{part}")
            yield f"first_response_seconds_{who}{part}", "" if seconds is None else f"{seconds:.1f}"
    yield "conversations", sales.conversations
    yield "conversations_with_a_hold", sales.held
    yield "conversations_with_a_booking", sales.converted
    yield "conversion", f"{sales.conversion:.4f}"
    yield "bookings", sales.bookings
    yield "revenue", sales.revenue
    yield "bookings_cancelled_since", sales.cancelled_bookings
    yield "revenue_cancelled_since", sales.cancelled
    yield "satisfaction", "" if shown.satisfaction is None else f"{shown.satisfaction:.2f}"


def _days(shown: Report) -> Rows:
    yield "day", "answered_by_agent", "answered_by_staff", "unanswered", "bookings", "revenue"
    for day in shown.days:
        yield day.day, day.by_agent, day.by_staff, day.unanswered, day.bookings, day.revenue


def _hours(shown: Report) -> Rows:
    yield "weekday", *(f"{hour:02}" for hour in range(24))
    for weekday in range(1, 8):
        yield weekday, *(shown.hours.get((weekday, hour), 0) for hour in range(24))


def _topics(shown: Report) -> Rows:
    yield "topic", "asked", "open"
    for topic in shown.topics:
        yield topic.topic or "", topic.asked, topic.open


def _languages(shown: Report) -> Rows:
    yield "language", "conversations"
    yield from shown.languages.items()


def _ratings(shown: Report) -> Rows:
    yield "rating", "guests"
    for rating in range(1, 6):
        yield rating, shown.ratings.get(rating, 0)


TABLES = {
    "summary": _summary,
    "days": _days,
    "hours": _hours,
    "topics": _topics,
    "languages": _languages,
    "satisfaction": _ratings,
}
