"""The audit log: who did what, newest first, in words, and only of one's own hotel."""

from __future__ import annotations

import ast
import re
from datetime import timedelta
from pathlib import Path

import pytest

from hotel_agent.audit import routes, wording
from hotel_agent.audit.recording import record
from hotel_agent.db import db, utcnow
from hotel_agent.flags.switches import switch
from tests.dashboard.cast import statements

MIRAMAR, ANDES = 1, 2
PAGE = "/admin/audit"
SOURCES = Path(__file__).resolve().parents[2] / "hotel_agent"
RECORDERS = {"record": 0, "_record": 0, "note": 1, "_note": 1}


@pytest.fixture
def eva(sign_in):
    browser = sign_in("eva@miramar.example")
    browser.environ_base["HTTP_ACCEPT_LANGUAGE"] = "en"

    def read(**asked):
        answer = browser.get(PAGE, query_string=asked)
        assert answer.status_code == 200
        return answer.text

    return read


def done(action, subject="", hotel=MIRAMAR, actor="eva@miramar.example", minutes=0, **details):
    row = record(action, subject, hotel_id=hotel, actor=actor, **details)
    row.at = utcnow() - timedelta(minutes=minutes)
    db.session.commit()
    return row.id


def titles(page):
    """What the rows are about."""
    return [
        " ".join(re.sub("<[^>]*>", " ", cell).split())
        for cell in re.findall(r'<td class="title">(.*?)</td>', page, re.S)
    ]


def test_with_nothing_done_the_page_says_so(eva):
    assert "Nothing has been changed yet" in eva()


def test_newest_first_with_who_and_from_what_to_what(eva):
    done("person_invited", "lucia@miramar.example", role="reception")
    done("role_changed", "lucia@miramar.example", role={"from": "reception", "to": "manager"})
    page = eva()
    assert titles(page) == ["Role changed lucia@miramar.example", "Person invited lucia@miramar.example"]
    words = " ".join(re.sub("<[^>]*>", " ", page).split())
    assert "Role: Reception → became Manager" in words
    assert "Eva" in page
    assert "eva@miramar.example" in page


def test_other_hotels_are_not_seen_but_what_acts_everywhere_is(eva):
    done("person_invited", "oscar@andes.example", hotel=ANDES)
    switch("booking", False, ANDES)
    switch("booking", False)
    page = eva()
    assert titles(page) == ["Switch set Automatic bookings"]
    assert "at all hotels" in page
    assert "oscar" not in page


def test_times_are_by_the_hotels_clock(eva, sign_in):
    row = record("password_changed", "x", hotel_id=MIRAMAR, actor="x")
    row.at = utcnow().replace(month=1, day=5, hour=22, minute=30)
    db.session.commit()
    assert "23:30" in eva()


def test_it_is_filtered_by_what_and_by_whom(eva):
    done("person_invited", "a@miramar.example")
    done("person_removed", "b@miramar.example", actor="gone@miramar.example")
    done("person_removed", "c@miramar.example")
    assert len(titles(eva(action="person_removed"))) == 2
    page = eva(action="person_removed", person="gone@miramar.example")
    assert titles(page) == ["Person removed from the hotel b@miramar.example"]
    assert '<option value="gone@miramar.example" selected>' in page
    assert "Nothing of that kind" in eva(action="totp_on")
    assert "Nothing of that kind" in eva(person="nobody")
    assert len(titles(eva(action="no such thing"))) == 3


def test_what_commands_did_is_found_too(eva):
    done("hotel_set", "miramar", actor=None, changes={"check_in_time": {"was": "14:00", "now": "15:00"}})
    done("person_invited", "a@miramar.example")
    assert titles(eva(person="command")) == ["Hotel settings changed miramar"]


def test_the_pager_walks_the_whole_log(eva, monkeypatch):
    monkeypatch.setattr(routes, "PAGE", 3)
    for number in range(7):
        done("person_invited", f"{number}@miramar.example", minutes=7 - number)
    seen, page = [], eva()
    while True:
        seen += titles(page)
        older = re.search(r'href="/admin/audit\?before=(\d+)"', page)
        if older is None:
            break
        page = eva(before=older[1])
        assert "Newest" in page
    assert seen == [f"Person invited {number}@miramar.example" for number in reversed(range(7))]


@pytest.mark.parametrize("asked", [{"before": "x"}, {"before": "0"}, {"before": "9" * 30}, {"person": "a'b"}])
def test_addresses_that_make_no_sense_do_no_harm(eva, asked):
    done("person_invited", "a@miramar.example")
    eva(**asked)


def test_what_is_shown_is_text(eva):
    done("person_invited", "<script>alert(1)</script>", actor="<b>x</b>", role={"from": "<i>", "to": "</td>"})
    page = eva()
    for words in ("<script>alert", "<b>x", "<i>"):
        assert words not in page


def test_the_page_asks_little_of_the_database(eva):
    for number in range(60):
        done("person_invited", f"{number}@miramar.example", actor=f"{number}@miramar.example")
    with statements() as asked:
        assert len(titles(eva())) == routes.PAGE
    assert len(asked) <= 4, asked


def test_everything_that_is_recorded_has_a_name():
    found = set()
    for path in SOURCES.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call):
                name = getattr(node.func, "id", getattr(node.func, "attr", ""))
                given = node.args[RECORDERS[name] :] if name in RECORDERS else []
                if given and isinstance(given[0], ast.Constant) and isinstance(given[0].value, str):
                    found.add(given[0].value)
    assert {"flag_set", "person_invited", "hotel_set", "bodies_replayed"} <= found
    unnamed = {action for action in found if re.fullmatch("[a-z]+(_[a-z]+)+", action)} - set(wording.NAMES)
    assert not unnamed, f"tell hotel_agent/audit/wording.py how to say {unnamed}"
