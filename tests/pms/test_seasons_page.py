"""`/admin/hotel/seasons`: Luis keeps seasons, minimum stays and closed days; what he saves is what guests are told."""

from __future__ import annotations

import html
import re
from datetime import timedelta
from decimal import Decimal

import pytest
from sqlalchemy import select

from hotel_agent.audit.models import AuditEntry
from hotel_agent.db import db
from hotel_agent.hotels import changing
from hotel_agent.hotels.finding import by_slug
from hotel_agent.pms.local import closing, seasons
from hotel_agent.staff import accounts
from tests.dashboard.cast import statements
from tests.pms.own_rooms import offer, own_hotel
from tests.reservations.cast import day, nights

PAGE = "/admin/hotel/seasons"


@pytest.fixture
def luis(app, sign_in):
    """Of a hotel of his own: the demo's rates are everybody's."""
    kinds = {"doble": ("101", "102"), "suite": ("201",)}
    prices = {"doble": Decimal("95.00"), "suite": Decimal("210.00")}
    hotel = own_hotel("playa", kinds, prices, day(-90), day(60))
    accounts.put("luis@playa.example", hotel.id, "manager", "Luis")
    return sign_in("luis@playa.example")


def playa():
    db.session.rollback()
    return by_slug("playa")


def summer(**more) -> dict[str, object]:
    """Four nights at another price."""
    days = {"first": day(1).isoformat(), "last": day(4).isoformat(), "weekdays": list("1234567")}
    return {"name": "Verano", **days, "price.doble": "120,50", **more}


def form_of(browser, path: str) -> dict[str, object]:
    """What the page would send as it is."""
    page = browser.get(path).text
    fields: dict[str, object] = {}
    for tag in re.findall(r"<input[^>]*>", page):
        name, value = re.search(r'name="([^"]*)"', tag), re.search(r'value="([^"]*)"', tag)
        if name and value and "checkbox" not in tag:
            fields[html.unescape(name[1])] = html.unescape(value[1])
    fields["weekdays"] = re.findall(r'name="weekdays" value="(\d)" checked', page)
    for name, options in re.findall(r'<select id="[^"]*" name="([^"]*)".*?>(.*?)</select>', page, re.S):
        chosen = re.search(r'value="([^"]*)" selected', options)
        fields[name] = chosen[1] if chosen else ""
    return fields


def made(browser, **more) -> str:
    """A season; its path."""
    assert browser.post(f"{PAGE}/new", data=summer(**more)).status_code == 303
    return f"{PAGE}/{seasons.of_hotel(playa())[-1].id}"


def noted(*actions: str) -> list[AuditEntry]:
    db.session.rollback()
    query = select(AuditEntry).where(AuditEntry.action.in_(actions)).order_by(AuditEntry.id)
    return list(db.session.scalars(query))


def test_with_none_the_page_says_what_one_is_for(luis):
    page = luis.get(PAGE).text
    assert "No hay temporadas por venir" in page
    assert "No hay ningún día cerrado" in page


def test_a_season_is_made_shown_and_sold(luis):
    luis.post(f"{PAGE}/new", data=summer(min_stay="2"))
    (season,) = seasons.of_hotel(playa())
    assert (season.name, season.first, season.last, season.min_stay) == ("Verano", day(1), day(4), 2)
    assert season.prices == {"doble": Decimal("120.50")}
    assert offer(playa(), "doble", nights(0, 2)).nightly == (Decimal("95.00"), Decimal("120.50"))
    page = luis.get(PAGE).text
    assert "Verano" in page
    assert "120,50" in page
    (entry,) = noted("season_set")
    assert (entry.actor, entry.subject, entry.details["prices"]) == (
        "luis@playa.example", "Verano", {"doble": "120.50"},
    )  # fmt: skip


def test_a_season_of_some_days_is_changed_whole_and_keeps_its_name(luis):
    path = made(luis, weekdays=["5", "6"])
    form = form_of(luis, path)
    assert (form["weekdays"], form["price.doble"]) == (["5", "6"], "120.50")
    assert "name" not in form
    luis.post(path, data=form | {"last": day(2).isoformat(), "price.doble": "", "min_stay": "3"})
    (season,) = seasons.of_hotel(playa())
    assert (season.name, season.last, season.weekdays, season.prices, season.min_stay) == (
        "Verano", day(2), (5, 6), {}, 3,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("typed", "field"),
    [
        ({"name": " "}, "name"),
        ({"name": "x" * 61}, "name"),
        ({"first": ""}, "first"),
        ({"last": "2031-02-30"}, "last"),
        ({"last": (day(0)).isoformat()}, "last"),
        ({"last": (day(0) + timedelta(days=2000)).isoformat()}, "last"),
        ({"weekdays": []}, "weekdays"),
        ({"price.doble": "mucho"}, "price.doble"),
        ({"price.doble": "-5"}, "price.doble"),
        ({"price.doble": "1,005"}, "price.doble"),
        ({"price.doble": "NaN"}, "price.doble"),
        ({"price.doble": "1.200"}, "price.doble"),
        ({"price.doble": "1e3"}, "price.doble"),
        ({"price.doble": ""}, "prices"),
        ({"price.ático": "5"}, "prices"),
        ({"min_stay": "0"}, "min_stay"),
        ({"min_stay": "1000"}, "min_stay"),
        ({"min_stay": "dos"}, "min_stay"),
    ],
)
def test_what_is_no_season_is_told_beside_its_field_and_stays_typed(luis, typed, field):
    answer = luis.post(f"{PAGE}/new", data=summer(**{"price.suite": "333.25"} if field != "prices" else {}, **typed))
    assert answer.status_code == 400
    assert f'id="{field}-problem"' in answer.text
    assert field == "prices" or 'value="333.25"' in answer.text
    assert seasons.of_hotel(playa()) == ()
    assert noted("season_set") == []


def test_a_name_is_given_once(luis):
    made(luis)
    answer = luis.post(f"{PAGE}/new", data=summer())
    assert answer.status_code == 400
    assert 'id="name-problem"' in answer.text
    assert len(seasons.of_hotel(playa())) == 1


def test_of_two_over_one_night_it_is_told_which_counts(luis):
    made(luis)
    answer = luis.post(f"{PAGE}/new", data=summer(name="Feria"), follow_redirects=True)
    assert "vale «Feria» antes que «Verano»" in html.unescape(answer.text)
    assert answer.text.index("<span>Feria") < answer.text.index("<span>Verano")


def test_what_a_colleague_changed_meanwhile_is_not_undone_unseen(luis):
    path = made(luis)
    form = form_of(luis, path)
    seasons.put(playa(), seasons.Season("Verano", day(1), day(4), min_stay=5))
    answer = luis.post(path, data=form | {"min_stay": "2"})
    assert answer.status_code == 409
    assert seasons.of_hotel(playa())[0].min_stay == 5
    (again,) = re.findall(r'name="seen" value="([^"]*)"', answer.text)
    assert luis.post(path, data=form | {"min_stay": "2", "seen": html.unescape(again)}).status_code == 303
    assert seasons.of_hotel(playa())[0].min_stay == 2


def test_a_season_is_taken_away_after_a_question(luis):
    before = offer(playa(), "doble", nights(1, 1)).total
    path = made(luis)
    assert "¿Quitar la temporada «Verano»?" in html.unescape(luis.get(f"{path}/remove").text)
    assert len(seasons.of_hotel(playa())) == 1
    assert luis.post(f"{path}/remove").status_code == 303
    assert seasons.of_hotel(playa()) == ()
    assert offer(playa(), "doble", nights(1, 1)).total == before
    assert [entry.subject for entry in noted("season_removed")] == ["Verano"]
    assert luis.get(path).status_code == luis.post(f"{path}/remove").status_code == 404


# Closed days


def closed(**more) -> dict[str, str]:
    days = {"first": day(10).isoformat(), "last": day(12).isoformat()}
    return {**days, "kind": "sale", "room_type": "", "reason": " Reforma ", **more}


def test_days_are_closed_changed_and_opened_again(luis):
    assert offer(playa(), "suite", nights(10, 1)).free
    luis.post(f"{PAGE}/closed/new", data=closed())
    assert not offer(playa(), "suite", nights(10, 1)).free
    (closure,) = closing.of_hotel(playa(), day(0))
    assert closure.reason == "Reforma"
    path = f"{PAGE}/closed/{closure.id}"
    assert "Reforma" in luis.get(PAGE).text
    luis.post(path, data=form_of(luis, path) | {"room_type": "doble"})
    assert offer(playa(), "suite", nights(10, 1)).free
    assert not offer(playa(), "doble", nights(10, 1)).free
    assert "¿Volver a abrir estos días?" in luis.get(f"{path}/remove").text
    luis.post(f"{path}/remove")
    assert offer(playa(), "doble", nights(10, 1)).free
    assert [entry.action for entry in noted("days_closed", "days_opened")] == [
        "days_closed", "days_closed", "days_opened",
    ]  # fmt: skip
    assert luis.get(path).status_code == luis.post(f"{path}/remove").status_code == 404


@pytest.mark.parametrize(
    ("typed", "field"),
    [
        ({"first": "pronto"}, "first"),
        ({"last": day(9).isoformat()}, "last"),
        ({"kind": "fiesta"}, "kind"),
        ({"room_type": "ático"}, "room_type"),
        ({"reason": "x" * 201}, "reason"),
    ],
)
def test_days_that_cannot_be_closed_are_told_beside_their_field(luis, typed, field):
    answer = luis.post(f"{PAGE}/closed/new", data=closed(**typed))
    assert answer.status_code == 400
    assert f'id="{field}-problem"' in answer.text
    assert closing.of_hotel(playa(), day(0)) == ()


def test_days_that_a_colleague_changed_meanwhile_are_not_undone_unseen(luis):
    number = closing.close(playa(), "sale", day(10), day(12))
    form = form_of(luis, f"{PAGE}/closed/{number}")
    now = closing.find(playa(), number)
    closing.change(playa(), number, closing.Closure(number, "arrival", day(10), day(12), None, ""), now)
    answer = luis.post(f"{PAGE}/closed/{number}", data=form | {"reason": "Reforma"})
    assert answer.status_code == 409
    assert closing.find(playa(), number).kind == "arrival"
    with pytest.raises(closing.Overtaken):
        closing.change(playa(), number, now, now)


# Who, and where


def test_where_a_pms_keeps_them_the_page_says_so_and_nothing_else_is_there(luis):
    path = made(luis)
    changing.change(playa().id, {"pms": "qloapps"})
    page = luis.get(PAGE).text
    assert "Esto se lleva en tu PMS" in page
    assert "QloApps" in page
    assert luis.get(f"{PAGE}/new").status_code == luis.get(path).status_code == 404
    assert luis.post(f"{PAGE}/closed/new", data=closed()).status_code == 404


def test_those_of_another_hotel_are_not_there(luis):
    monte = own_hotel("monte", {"doble": ("1",)}, {}, day(0), day(1))
    seasons.put(monte, seasons.Season("Alta", day(1), day(2), min_stay=2))
    season, number = seasons.of_hotel(monte)[0], closing.close(monte, "sale", day(1), day(2))
    for path in (f"{PAGE}/{season.id}", f"{PAGE}/closed/{number}"):
        assert luis.get(path).status_code == 404
        assert luis.post(path, data=summer() | closed()).status_code == 404
        assert luis.post(f"{path}/remove").status_code == 404
    assert len(seasons.of_hotel(monte)) == len(closing.of_hotel(monte, day(0))) == 1


def test_reception_may_not(sign_in):
    assert sign_in("ana@miramar.example").get(PAGE).status_code == 403


def test_a_season_that_is_over_is_kept_apart(luis):
    past = seasons.Season("Pasada", day(-90) - timedelta(days=60), day(-90) - timedelta(days=50), min_stay=2)
    seasons.put(playa(), past)
    page = luis.get(PAGE).text
    assert "1 temporada ya pasada" in page
    assert "No hay temporadas por venir" in page


def test_many_seasons_cost_no_more_statements(luis):
    def asked() -> int:
        with statements() as heard:
            luis.get(PAGE)
        return len(heard)

    luis.get(PAGE)
    few = asked()
    for number in range(30):
        seasons.put(playa(), seasons.Season(f"s{number}", day(number), day(number + 1), min_stay=2))
        closing.close(playa(), "arrival", day(number), day(number))
    assert asked() == few <= 7
