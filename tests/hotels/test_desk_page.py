"""The hours of the front desk, its holidays, and what guests are told in trouble, set on a page."""

from __future__ import annotations

import html
import re
from datetime import timedelta
from typing import Any

import pytest

from hotel_agent.db import db
from hotel_agent.hotels.finding import by_slug
from tests.dashboard.cast import statements

DESK = "/admin/hotel/desk"


@pytest.fixture
def luis(sign_in):
    return sign_in("luis@miramar.example")


def form_of(browser) -> dict[str, str]:
    """What a browser would send if nothing were changed."""
    page = browser.get(DESK).text
    seen = {name: html.unescape(value) for name, value in re.findall(r'name="(seen-[^"]+)" value="([^"]*)"', page)}
    return seen | {name.removeprefix("seen-"): value for name, value in seen.items()}


def kept() -> dict[str, Any]:
    db.session.rollback()
    return by_slug("miramar").settings


def soon(days: int = 30) -> str:
    return (by_slug("miramar").today() + timedelta(days=days)).isoformat()


def test_luis_sets_the_hours_of_a_weekday_and_takes_them_back(luis):
    luis.post(DESK, data=form_of(luis) | {"front_desk.sun": "9:00-14:00, 16:00-20:00", "front_desk.mon": "cerrado"})
    assert kept()["front_desk"] == {"sun": [["09:00", "14:00"], ["16:00", "20:00"]], "mon": []}
    shown = form_of(luis)
    assert (shown["front_desk.sun"], shown["front_desk.mon"]) == ("09:00-14:00, 16:00-20:00", "-")
    luis.post(DESK, data=shown | {"front_desk.sun": "", "front_desk.mon": ""})
    assert "front_desk" not in kept()


def test_a_holiday_is_added_shown_and_taken_back(luis):
    day = soon()
    luis.post(DESK, data=form_of(luis) | {"new-day": day, "new-hours": "-"})
    assert kept()["holidays"] == {day: []}
    shown = form_of(luis)
    assert shown[f"holiday.{day}"] == "-"
    luis.post(DESK, data=shown | {f"holiday.{day}": ""})
    assert "holidays" not in kept()


@pytest.mark.parametrize(
    ("day", "hours"), [("2031-12-25", ""), ("", "08:00-12:00"), ("2031-12-25", "early"), ("2031-02-30", "-")]
)
def test_a_holiday_that_cannot_be_is_told_where_it_was_typed(luis, day, hours):
    answer = luis.post(DESK, data=form_of(luis) | {"new-day": day, "new-hours": hours})
    assert answer.status_code == 400
    assert 'id="new-day-problem"' in answer.text
    assert f'value="{hours}"' in answer.text
    assert "holidays" not in kept()


def test_advice_is_kept_in_each_language_and_taken_back(luis):
    before = kept()
    luis.post(
        DESK, data=form_of(luis) | {"emergency_advice.es": "Sal por la escalera.", "guidance.medical.pt": "Ligue 112."}
    )
    assert kept()["emergency_advice"]["es"] == "Sal por la escalera."
    assert kept()["guidance"]["medical"]["pt"] == "Ligue 112."
    assert set(before) <= set(kept())


def test_numbers_are_checked_and_what_was_typed_stays(luis):
    answer = luis.post(DESK, data=form_of(luis) | {"night_phone": "llámame", "front_desk.sun": "25:00-26:00"})
    assert answer.status_code == 400
    assert 'id="night_phone-problem"' in answer.text
    assert 'id="front_desk.sun-problem"' in answer.text
    assert 'value="llámame"' in answer.text


def test_saving_what_is_as_it_was_changes_nothing(luis):
    before = kept()
    luis.post(DESK, data=form_of(luis) | {"front_desk.sun": "09:00-14:00"})
    after = kept()
    luis.post(DESK, data=form_of(luis))
    assert kept() == after
    assert after == before | {"front_desk": {"sun": [["09:00", "14:00"]]}}


def test_who_comes_second_to_the_same_day_is_told_and_decides(luis, sign_in):
    mine = form_of(luis)
    sign_in("eva@miramar.example").post(DESK, data=mine | {"front_desk.sun": "10:00-12:00"})
    answer = luis.post(DESK, data=mine | {"front_desk.sun": "08:00-09:00", "front_desk.sat": "08:00-09:00"})
    assert answer.status_code == 409
    assert "10:00-12:00" in answer.text
    assert kept()["front_desk"] == {"sun": [["10:00", "12:00"]]}


def test_a_key_that_is_no_setting_of_the_page_is_not_heard(luis):
    luis.post(DESK, data=form_of(luis) | {"pms": "qloapps", "pms_url": "https://evil.example", "holiday.x": "-"})
    assert by_slug("miramar").pms == "local"
    assert "pms_url" not in kept()


@pytest.mark.parametrize(("email", "status"), [("ana@miramar.example", 403), ("olga@miramar.example", 403)])
def test_who_may_not(sign_in, email, status):
    browser = sign_in(email)
    assert browser.get(DESK).status_code == status
    assert browser.post(DESK, data={"night_phone": "112"}).status_code == status


def test_the_page_costs_few_questions(luis):
    luis.get(DESK)
    with statements() as asked:
        luis.get(DESK)
    assert len(asked) <= 3


# The hotel's own words for an emergency


def test_words_for_an_emergency_are_kept_shown_and_taken_back(luis):
    luis.post(DESK, data=form_of(luis) | {"emergency_words": "código rojo,\r\n Sala  Azul; CÓDIGO ROJO,"})
    assert kept()["emergency_words"] == ["CÓDIGO ROJO", "Sala Azul"]
    shown = form_of(luis)
    assert shown["emergency_words"] == "CÓDIGO ROJO, Sala Azul"
    assert "No se cambió nada." in luis.post(DESK, data=shown, follow_redirects=True).text
    luis.post(DESK, data=shown | {"emergency_words": ""})
    assert "emergency_words" not in kept()


@pytest.mark.parametrize(
    "typed", ["no", "código rojo, a", "x" * 61, ", ".join(f"palabra{number}" for number in range(51)), "...!"]
)
def test_words_that_cannot_be_are_told_and_stay_typed(luis, typed):
    answer = luis.post(DESK, data=form_of(luis) | {"emergency_words": typed})
    assert answer.status_code == 400
    assert 'id="emergency_words-problem"' in answer.text
    assert typed in html.unescape(answer.text)
    assert "emergency_words" not in kept()


def test_the_words_are_on_the_record(luis, sign_in):
    luis.post(DESK, data=form_of(luis) | {"emergency_words": "código rojo"})
    page = sign_in("eva@miramar.example").get("/admin/audit").text
    assert "Palabras de emergencia" in page
    assert "código rojo" in page
