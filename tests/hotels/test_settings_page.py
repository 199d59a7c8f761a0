"""The page of a hotel's settings: what Luis may change, what only Eva, and two who change at the same time."""

from __future__ import annotations

import re
from datetime import time

import pytest
from sqlalchemy import select, text

from hotel_agent.audit.models import AuditEntry
from hotel_agent.db import db
from hotel_agent.hotels.credentials import access_token_of, app_secret_of
from hotel_agent.hotels.finding import by_slug
from tests.dashboard.cast import statements

HOTEL = "/admin/hotel"


def reading_english(browser):
    browser.environ_base["HTTP_ACCEPT_LANGUAGE"] = "en"
    return browser


@pytest.fixture
def luis(sign_in):
    return reading_english(sign_in("luis@miramar.example"))


@pytest.fixture
def eva(sign_in):
    return reading_english(sign_in("eva@miramar.example"))


def form_of(browser):
    """What a browser would send if nothing were changed."""
    page = browser.get(HOTEL).text
    fields = dict(re.findall(r'<input[^>]*name="(seen-[a-z_]+)" value="([^"]*)"', page))
    return fields | {name.removeprefix("seen-"): value for name, value in fields.items()}


def miramar():
    db.session.rollback()
    return by_slug("miramar")


def entries():
    db.session.rollback()
    return db.session.scalars(select(AuditEntry).where(AuditEntry.action == "hotel_set")).all()


def problem_of(field, answer):
    found = re.search(rf'id="{field}-problem">([^<]*)<', answer.text)
    return found[1] if found else None


def test_luis_changes_settings_and_what_they_were_is_on_the_record(luis):
    typed = form_of(luis) | {
        "name": "  Hotel Mirador ",
        "timezone": "Atlantic/Canary",
        "check_in_time": "16:30",
        "front_desk_opens": "08:00",
        "front_desk_closes": "22:00",
        "largest_party": "12",
    }
    answer = luis.post(HOTEL, data=typed)
    assert (answer.status_code, answer.location) == (303, HOTEL)
    assert "Saved." in luis.get(HOTEL).text
    hotel = miramar()
    assert (hotel.name, hotel.timezone, hotel.check_in_time) == ("Hotel Mirador", "Atlantic/Canary", time(16, 30))
    assert (hotel.front_desk_opens, hotel.front_desk_closes, hotel.largest_party) == (time(8), time(22), 12)
    (entry,) = entries()
    assert (entry.actor, entry.subject) == ("luis@miramar.example", "miramar")
    assert entry.details["changes"]["name"] == {"was": "Hotel Miramar", "now": "Hotel Mirador"}
    assert entry.details["changes"]["largest_party"] == {"was": 20, "now": 12}
    assert "currency" not in entry.details["changes"]


def test_saving_what_is_as_it_was_changes_nothing(luis):
    assert luis.post(HOTEL, data=form_of(luis)).status_code == 303
    assert "Nothing was changed." in luis.get(HOTEL).text
    assert entries() == []


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", "  "),
        ("name", "x" * 101),
        ("timezone", "Mars/Base"),
        ("timezone", "../etc/passwd"),
        ("country", "XX"),
        ("currency", "EURO"),
        ("currency", "XXX"),
        ("language", "fr"),
        ("check_in_time", ""),
        ("check_out_time", "25:99"),
        ("front_desk_opens", "08:00"),
        ("front_desk_closes", "soon"),
        ("longest_stay_nights", "0"),
        ("largest_party", "9" * 40),
        ("largest_party", "٣"),
    ],
)
def test_nonsense_is_told_beside_its_field_and_nothing_is_saved(luis, field, value):
    typed = form_of(luis) | {"name": "Hotel Mirador", field: value}
    answer = luis.post(HOTEL, data=typed)
    assert answer.status_code == 400
    told = "front_desk_closes" if (field, value) == ("front_desk_opens", "08:00") else field
    assert problem_of(told, answer)
    if field != "name":
        assert 'value="Hotel Mirador"' in answer.text
    assert miramar().name == "Hotel Miramar"
    assert entries() == []


def test_every_problem_is_told_at_once(luis):
    answer = luis.post(HOTEL, data=form_of(luis) | {"largest_party": "0", "currency": "?"})
    assert problem_of("largest_party", answer) == "Give a whole number from 1 to 500."
    assert problem_of("currency", answer) == "Choose a currency."


def test_two_who_change_different_things_do_not_undo_each_other(luis, eva):
    his, hers = form_of(luis), form_of(eva)
    assert luis.post(HOTEL, data=his | {"largest_party": "12"}).status_code == 303
    assert eva.post(HOTEL, data=hers | {"longest_stay_nights": "21"}).status_code == 303
    assert (miramar().largest_party, miramar().longest_stay_nights) == (12, 21)


def test_who_comes_second_to_the_same_thing_is_told_and_decides(luis, eva):
    his, hers = form_of(luis), form_of(eva)
    luis.post(HOTEL, data=his | {"largest_party": "12", "country": "PT"})
    answer = eva.post(HOTEL, data=hers | {"largest_party": "15", "country": "FR", "name": "Hotel Mirador"})
    assert answer.status_code == 409
    assert "“12”" in (problem_of("largest_party", answer) or "")
    assert "“Portugal”" in (problem_of("country", answer) or "")
    assert 'value="15"' in answer.text
    assert 'value="Hotel Mirador"' in answer.text
    assert (miramar().largest_party, miramar().name) == (12, "Hotel Miramar")
    shown = dict(re.findall(r'<input[^>]*name="(seen-[a-z_]+)" value="([^"]*)"', answer.text))
    again = hers | shown | {"largest_party": "15", "country": "FR", "name": "Hotel Mirador"}
    assert eva.post(HOTEL, data=again).status_code == 303
    assert (miramar().largest_party, miramar().country, miramar().name) == (15, "FR", "Hotel Mirador")


def test_a_mistake_does_not_hide_that_somebody_else_was_faster(luis, eva):
    his, hers = form_of(luis), form_of(eva)
    luis.post(HOTEL, data=his | {"largest_party": "12"})
    wrong = eva.post(HOTEL, data=hers | {"largest_party": "0"})
    shown = dict(re.findall(r'<input[^>]*name="(seen-[a-z_]+)" value="([^"]*)"', wrong.text))
    assert eva.post(HOTEL, data=hers | shown | {"largest_party": "15"}).status_code == 409


def test_what_connects_the_hotel_is_not_luis_s(luis):
    page = luis.get(HOTEL).text
    assert "100000000000001" not in page
    assert "whatsapp_access_token" not in page
    assert luis.post(f"{HOTEL}/whatsapp", data={"whatsapp_access_token": "EAAnew"}).status_code == 403
    luis.post(HOTEL, data=form_of(luis) | {"whatsapp_access_token": "EAAnew", "pms": "none", "slug": "mine"})
    assert (miramar().whatsapp_access_token, miramar().pms) == (None, "local")


def test_eva_sets_credentials_that_nobody_is_shown(eva):
    page = eva.get(HOTEL).text
    assert "100000000000001" in page
    assert "the installation's own is used" in page
    typed = {"whatsapp_access_token": " EAAnew ", "whatsapp_app_secret": ""}
    assert eva.post(f"{HOTEL}/whatsapp", data=typed).status_code == 303
    page = eva.get(HOTEL).text
    assert "EAAnew" not in page
    assert "Set, and shown to nobody." in page
    assert (access_token_of(miramar()), miramar().whatsapp_app_secret) == ("EAAnew", None)
    (entry,) = entries()
    assert entry.details == {"changes": {"whatsapp_access_token": "changed"}}


def test_credentials_that_are_left_empty_stay(eva):
    eva.post(f"{HOTEL}/whatsapp", data={"whatsapp_app_secret": "first"})
    eva.post(f"{HOTEL}/whatsapp", data={"whatsapp_access_token": "", "whatsapp_app_secret": ""})
    assert "Nothing was changed." in eva.get(HOTEL).text
    assert app_secret_of(miramar()) == "first"


@pytest.mark.parametrize("secret", ["two words", "línea", "x" * 2001])
def test_what_cannot_be_a_credential_is_refused_and_not_shown_again(eva, secret):
    answer = eva.post(f"{HOTEL}/whatsapp", data={"whatsapp_access_token": secret})
    assert answer.status_code == 400
    assert problem_of("whatsapp_access_token", answer)
    assert secret not in answer.text
    assert miramar().whatsapp_access_token is None


def test_a_number_that_meta_has_stopped_is_told(eva):
    db.session.execute(text("update tenant_user_identifiers set stopped_at = now(), stopped_reason = 'auth 190'"))
    db.session.commit()
    page = eva.get(HOTEL).text
    assert "Stopped" in page
    assert "auth 190" in page


def test_the_page_costs_few_questions(eva):
    eva.get(HOTEL)
    with statements() as asked:
        eva.get(HOTEL)
    assert len(asked) <= 4


# The languages in which guests are answered


def ticked(answer):
    return re.findall(r'name="languages" value="(\w\w)" checked', answer.text)


def test_at_first_guests_are_answered_in_every_language(luis):
    assert ticked(luis.get(HOTEL)) == ["es", "en", "pt"]
    assert [miramar().answers_in(language) for language in ("es", "en", "pt", "fr", None)] == [
        "es", "en", "pt", "fr", "es",
    ]  # fmt: skip


def test_luis_chooses_the_languages_and_what_they_were_is_on_the_record(luis):
    assert luis.post(HOTEL, data=form_of(luis) | {"languages": ["es", "pt"]}).status_code == 303
    assert miramar().settings["languages"] == ["es", "pt"]
    assert [miramar().answers_in(language) for language in ("pt", "en")] == ["pt", "es"]
    (entry,) = entries()
    assert entry.details["changes"] == {"languages": {"was": None, "now": ["es", "pt"]}}
    assert ticked(luis.get(HOTEL)) == ["es", "pt"]
    luis.post(HOTEL, data=form_of(luis) | {"languages": ["es", "en", "pt"]})
    assert "languages" not in miramar().settings


def test_the_hotels_own_language_is_always_among_them(luis):
    form = form_of(luis)
    del form["languages"]
    luis.post(HOTEL, data=form)
    assert miramar().settings["languages"] == ["es"]
    luis.post(HOTEL, data=form_of(luis) | {"language": "en"})
    assert (miramar().language, miramar().settings["languages"]) == ("en", ["es", "en"])


def test_by_the_command_line_it_cannot_be_left_out(app):
    run = app.test_cli_runner().invoke
    for setting, told in (("languages=en", "own language"), ("languages=es,fr", "es, en, pt")):
        said = run(args=["hotel", "set", "miramar", setting])
        assert said.exit_code == 1
        assert told in said.output
    assert run(args=["hotel", "set", "miramar", "languages=es,pt"]).exit_code == 0
    said = run(args=["hotel", "set", "miramar", "language=en"])
    assert (said.exit_code, "own language" in said.output) == (1, True)


def test_who_comes_second_to_the_languages_is_told_their_names(luis, eva):
    his, hers = form_of(luis), form_of(eva)
    luis.post(HOTEL, data=his | {"languages": ["es"]})
    answer = eva.post(HOTEL, data=hers | {"languages": ["es", "en"]})
    assert answer.status_code == 409
    assert "“Español”" in (problem_of("languages", answer) or "")
    assert miramar().settings["languages"] == ["es"]
