"""Eva switches what the agent may do at her hotel, and is asked before guests are left without an answer."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from hotel_agent.audit.models import AuditEntry
from hotel_agent.db import db
from hotel_agent.flags.models import FeatureFlag
from hotel_agent.flags.switches import FLAGS, is_on, switch
from tests.dashboard.cast import statements

MIRAMAR, ANDES = 1, 2
PAGE = "/admin/flags"


@pytest.fixture
def eva(sign_in):
    browser = sign_in("eva@miramar.example")
    browser.environ_base["HTTP_ACCEPT_LANGUAGE"] = "en"
    return browser


def read(browser, path=PAGE):
    answer = browser.get(path)
    assert answer.status_code == 200
    return answer.text


def rows():
    return {
        (row.key, row.hotel_id): (row.enabled, row.percentage)
        for row in db.session.scalars(select(FeatureFlag).execution_options(populate_existing=True))
    }


def test_each_flag_is_told_in_words_with_what_is_in_force_and_why(eva):
    page = read(eva)
    assert page.count('role="switch"') == len(FLAGS)
    assert "Automatic answers" in page
    assert "As the program comes; nobody has set it." in page
    switch("booking", False)
    assert "Set for all hotels of this installation." in read(eva)
    switch("booking", True, MIRAMAR)
    page = read(eva)
    assert "Set for Hotel Miramar itself." in page
    assert "At all hotels: off." in page
    assert "Back to what holds everywhere (off)" in page


def test_one_click_switches_for_this_hotel_only(eva):
    answer = eva.post(f"{PAGE}/booking", data={"state": "off"})
    assert (answer.status_code, answer.location) == (303, f"{PAGE}#booking")
    assert rows() == {("booking", MIRAMAR): (False, None)}
    assert not is_on("booking", MIRAMAR)
    assert is_on("booking", ANDES)
    assert "Automatic bookings: off." in read(eva)


def test_who_changed_it_last_is_told(eva):
    eva.post(f"{PAGE}/booking", data={"state": "off"})
    assert "Last changed by eva@miramar.example," in read(eva)
    (entry,) = db.session.scalars(select(AuditEntry)).all()
    assert (entry.actor, entry.hotel_id, entry.subject) == ("eva@miramar.example", MIRAMAR, "booking")


def test_the_kill_switch_asks_first_and_says_what_happens_to_guests(eva):
    answer = eva.post(f"{PAGE}/agent", data={"state": "off"})
    assert answer.status_code == 303
    assert answer.location == f"{PAGE}/agent/sure?state=off"
    assert rows() == {}
    question = read(eva, answer.location)
    assert "no guest of Hotel Miramar gets an automatic answer" in question
    assert "waits there until a colleague answers" in question
    assert 'name="confirm"' in question
    assert eva.post(f"{PAGE}/agent", data={"state": "off", "confirm": "yes"}).status_code == 303
    assert not is_on("agent", MIRAMAR)


@pytest.mark.parametrize(
    ("own", "general", "wanted", "asks"),
    [
        (None, None, {"state": "share", "percentage": "99"}, True),
        ((True, 20), None, {"state": "share", "percentage": "30"}, False),
        ((True, 20), None, {"state": "share", "percentage": "10"}, True),
        ((True, 20), None, {"state": "on"}, False),
        ((True, None), (False, None), {"state": "general"}, True),
        ((False, None), (True, 10), {"state": "general"}, False),
        ((False, None), None, {"state": "off"}, False),
    ],
)
def test_whatever_leaves_more_guests_alone_asks(eva, own, general, wanted, asks):
    for setting, hotel in ((own, MIRAMAR), (general, None)):
        if setting:
            switch("agent", setting[0], hotel, setting[1])
    answer = eva.post(f"{PAGE}/agent", data=wanted)
    assert ("/sure?" in answer.location) is asks
    if asks:
        assert 'name="confirm"' in read(eva, answer.location)


def test_a_share_is_set_and_widened(eva):
    eva.post(f"{PAGE}/booking", data={"state": "share", "percentage": "25"})
    assert rows() == {("booking", MIRAMAR): (True, 25)}
    page = read(eva)
    assert "on for 25%" in page
    assert "On for all" in page


@pytest.mark.parametrize("percentage", ["", "0", "100", "-1", "2.5", "many", "9" * 30])
@pytest.mark.parametrize("key", FLAGS)
def test_a_share_that_is_none_is_told_at_its_field(eva, key, percentage):
    wanted = {"state": "share", "percentage": percentage}
    for answer in (eva.post(f"{PAGE}/{key}", data=wanted), eva.get(f"{PAGE}/{key}/sure", query_string=wanted)):
        assert answer.status_code == 400
        assert f'aria-describedby="{key}-problem"' in answer.text
        assert answer.text.count('role="alert"') == 1
    assert rows() == {}


@pytest.mark.parametrize("form", [{}, {"state": "maybe"}])
def test_a_form_that_says_nothing_changes_nothing(eva, form):
    assert eva.post(f"{PAGE}/agent", data=form).status_code == 400
    assert eva.get(f"{PAGE}/agent/sure", query_string=form).status_code == 400
    assert rows() == {}


def test_back_to_what_holds_everywhere(eva):
    switch("booking", False)
    switch("booking", True, MIRAMAR)
    eva.post(f"{PAGE}/booking", data={"state": "general"})
    assert rows() == {("booking", None): (False, None)}
    assert "Back to what holds everywhere" not in read(eva)


def test_the_history_tells_who_changed_what_from_what(eva):
    assert "Nobody has changed it yet." in read(eva, f"{PAGE}/booking")
    switch("booking", True, None, 40)
    switch("booking", False, ANDES)
    eva.post(f"{PAGE}/booking", data={"state": "off"})
    eva.post(f"{PAGE}/booking", data={"state": "general"})
    page = read(eva, f"{PAGE}/booking")
    assert page.count("<li>") == 3
    assert "the command line" in page
    assert "eva@miramar.example" in page
    assert "at all hotels" in page
    assert "Its own setting taken back" in page


@pytest.mark.parametrize("path", ["nothing", "nothing/sure?state=off"])
def test_what_is_no_flag_is_not_found(eva, path):
    assert eva.get(f"{PAGE}/{path}").status_code == 404
    assert eva.post(f"{PAGE}/nothing", data={"state": "off"}).status_code == 404


def test_valkey_away_the_change_is_made_and_the_delay_told(eva, monkeypatch):
    monkeypatch.setattr("hotel_agent.flags.cache.live.tell", lambda *_, **__: False)
    eva.post(f"{PAGE}/booking", data={"state": "off"})
    assert rows() == {("booking", MIRAMAR): (False, None)}
    assert "It may take a minute." in read(eva)


def test_the_pages_ask_little_of_the_database(eva):
    for number in range(12):
        switch("agent", bool(number % 2), MIRAMAR)
    for path, most in ((PAGE, 3), (f"{PAGE}/agent", 4), (f"{PAGE}/agent/sure?state=off", 3)):
        with statements() as asked:
            read(eva, path)
        assert len(asked) <= most + 1, asked
