"""What is free in thirty days to come, in a hotel of 500 rooms with three years of stays (`grande` of indexes.py).

Asked through the hotel's door as the agent asks, never twice the same: local rooms are not cached. And its tape chart,
as the front desk opens it.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import date, timedelta

from flask import Flask

from hotel_agent.db import db
from hotel_agent.hotels.finding import by_slug
from hotel_agent.pms.contract import Availability, Stay
from hotel_agent.pms.door import Door, pms_for
from hotel_agent.staff import accounts, sessions
from tests.load.indexes import NIGHTS_EACH, SLUG, Sizes

ROOMS, YEARS = 500, 3
SIZES = Sizes(sessions=1000, reservations=ROOMS * YEARS * 365 // NIGHTS_EACH, rooms=ROOMS, tenants=200, senders=5000)
DAYS, ASKED, WARM_UP = 30, 300, 20
FIRST_DAYS = 150  # So far ahead begin the questions; all of these nights are sold, some rooms are taken.

LENGTHS, OPENED = (7, 14, 28), 60  # Of the tape chart, in nights.

Question = Callable[[Door, date], tuple[Availability, ...]]
QUESTIONS: dict[str, Question] = {
    "30 arrivals, 1 night": lambda pms, day: pms.availability_from(day, day + timedelta(days=DAYS - 1), 1),
    "30 arrivals, 7 nights": lambda pms, day: pms.availability_from(day, day + timedelta(days=DAYS - 1), 7),
    "1 stay of 2 nights": lambda pms, day: (pms.availability(Stay(day, day + timedelta(days=2))),),
    "1 stay of 30 nights": lambda pms, day: (pms.availability(Stay(day, day + timedelta(days=DAYS))),),
}


def measure(app: Flask) -> dict[str, list[float]]:
    """Seconds, of each kind of question."""
    with app.app_context():
        return {what: _ask(question) for what, question in QUESTIONS.items()}


def _ask(question: Question) -> list[float]:
    times: list[float] = []
    for number in range(WARM_UP + ASKED):
        hotel = by_slug(SLUG)
        pms, day = pms_for(hotel), hotel.today() + timedelta(days=number % FIRST_DAYS)
        began = time.perf_counter()
        found = question(pms, day)
        took = time.perf_counter() - began
        db.session.commit()
        assert all(there.for_sale and sum(offer.free for offer in there.offers) < ROOMS for there in found)
        times += [took] if number >= WARM_UP else []
    return times


def measure_charts(app: Flask) -> dict[str, tuple[list[float], int]]:
    """Seconds and the bytes of the page, for each length of the tape chart, all rooms on it."""
    with app.app_context():
        hotel = by_slug(SLUG)
        person = accounts.put("desk@grande.example", hotel.id, "reception", "Desk")
        client, today = app.test_client(), hotel.today()
        client.set_cookie(sessions.cookie_name(), sessions.begin(person.id, "Bench"), domain="localhost")
    found = {}
    for nights in LENGTHS:
        times: list[float] = []
        size = 0
        for number in range(WARM_UP + OPENED):
            first = today + timedelta(days=number % FIRST_DAYS)
            began = time.perf_counter()
            page = client.get(f"/reservations/chart?first={first}&nights={nights}", headers={"Accept": "text/html"})
            took = time.perf_counter() - began
            assert page.status_code == 200
            assert page.text.count("<tr data-room=") >= ROOMS
            times += [took] if number >= WARM_UP else []
            size = max(size, len(page.data))
        found[f"tape chart, {nights} nights"] = (times, size)
    return found
