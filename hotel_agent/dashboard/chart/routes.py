"""`/reservations/chart`: the tape chart, from any day on, of all rooms or of one kind."""

from __future__ import annotations

from datetime import date, timedelta

from flask import Blueprint, make_response, render_template, request
from flask_babel import format_date
from werkzeug.wrappers import Response

from hotel_agent import i18n
from hotel_agent.dashboard.chart.tape import Bar, chart_of
from hotel_agent.dashboard.wording import stay_status
from hotel_agent.db import utcnow
from hotel_agent.i18n import _
from hotel_agent.staff.access import may, me

LENGTHS = (7, 14, 28)
USUAL = 14
# Beyond these nobody books, and dates end.
EARLIEST, LATEST = date(2000, 1, 1), date(2100, 1, 1)

bp = Blueprint("chart", __name__, url_prefix="/reservations/chart")


@bp.get("")
@may("desk")
def index() -> Response:
    hotel, problem = me().hotel, ""
    today = hotel.today()
    try:
        first = _first(today)
    except ValueError:
        first, problem = today, _("Give the day as in 2027-02-01.")
    length = request.args.get("nights", USUAL, int)
    length = length if length in LENGTHS else USUAL
    kind = request.args.get("kind") or None
    chart = chart_of(hotel, first, length, kind, i18n.language())
    page = render_template(
        "chart/index.html",
        chart=chart,
        first=first,
        today=today,
        length=length,
        lengths=LENGTHS,
        kind=kind if kind in chart.kinds else None,
        earlier=max(first - timedelta(days=7), EARLIEST),
        later=min(first + timedelta(days=7), LATEST),
        words=_Words(),
        heads=[tuple(format_date(night, words).rstrip(".") for words in ("EEE", "MMM")) for night in chart.nights],
        problem=problem,
        at=utcnow(),
    )
    return make_response(page, 400 if problem else 200)


class _Words:
    """What bars say of themselves, put together once for all that are alike: there may be thousands."""

    def __init__(self) -> None:
        self._spans: dict[tuple[date, date], str] = {}
        self._states: dict[str, str] = {"held": _("held for them"), "outage": _("Out of order")}

    def story(self, bar: Bar) -> str:
        """Marta García: reserved, 5 oct – 8 oct, 3 nights, VIP"""
        if bar.state == "outage":
            return f"{self._states['outage']}: {bar.reason}" if bar.reason else self._states["outage"]
        who = bar.name or bar.code
        marks = (
            _("VIP") if bar.vip else "",
            _("wants no offers") if bar.opted_out else "",
            _("room sold twice") if bar.overlaps else "",
        )
        told = ", ".join(filter(None, (self._state(bar.state), self._span(bar.check_in, bar.check_out), *marks)))
        return f"{who}: {told}" if who else told

    def _state(self, state: str) -> str:
        if state not in self._states:
            self._states[state] = stay_status(state)
        return self._states[state]

    def _span(self, check_in: date, check_out: date) -> str:
        key = (check_in, check_out)
        if key not in self._spans:
            days = f"{i18n.day(check_in)} – {i18n.day(check_out)}"
            self._spans[key] = f"{days}, {i18n.nights(check_in, check_out)}"
        return self._spans[key]


def _first(today: date) -> date:
    """Raises ValueError."""
    given = request.args.get("first", "").strip()
    first = date.fromisoformat(given) if given else today
    if not EARLIEST <= first <= LATEST:
        raise ValueError(given)
    return first
