"""Who did what: written with the change itself, without secrets, read page by page."""

from __future__ import annotations

from datetime import date

import pytest

from hotel_agent.audit.models import AuditEntry
from hotel_agent.audit.recording import entries, record
from hotel_agent.db import db
from hotel_agent.staff import access, accounts, sessions

MIRAMAR, ANDES = 1, 2


def test_an_entry_lives_and_dies_with_what_it_tells_of(app):
    record("hotel_set", "miramar", hotel_id=MIRAMAR)
    db.session.rollback()
    assert entries(MIRAMAR) == []
    record("hotel_set", "miramar", hotel_id=MIRAMAR)
    db.session.commit()
    assert [entry.action for entry in entries(MIRAMAR)] == ["hotel_set"]


def test_without_anybody_signed_in_it_was_the_command_line(app):
    record("hotel_set", "miramar", hotel_id=MIRAMAR)
    db.session.commit()
    (entry,) = entries(MIRAMAR)
    assert (entry.actor, entry.staff_id) == ("command", None)


def test_whoever_is_signed_in_did_it_at_their_hotel(app):
    eva = accounts.by_email("eva@miramar.example")
    token = sessions.begin(eva.id)
    with app.test_request_context(headers={"Cookie": f"{sessions.cookie_name()}={token}"}):
        access.me()
        record("role_set", "ana@miramar.example", was="reception", now="manager")
        db.session.commit()
    (entry,) = entries(MIRAMAR)
    assert (entry.actor, entry.staff_id) == ("eva@miramar.example", eva.id)
    assert entry.details == {"was": "reception", "now": "manager"}


def test_somebody_who_is_not_signed_in_yet_can_be_named(app):
    with app.test_request_context():
        record("sign_in_failed", "ana@miramar.example", hotel_id=MIRAMAR, actor="ana@miramar.example")
        db.session.commit()
    assert entries(MIRAMAR, actor="ana@miramar.example")


def test_secrets_are_never_written_down(app):
    record(
        "hotel_set",
        "miramar",
        hotel_id=MIRAMAR,
        changes={"whatsapp_app_secret": {"was": "hush", "now": "hush2"}, "name": {"was": "A", "now": "B"}},
        new_password="hush3",
        api_Token=["hush4"],
        pms_key="hush5",
    )
    db.session.commit()
    (entry,) = entries(MIRAMAR)
    assert "hush" not in str(entry.details)
    assert entry.details["changes"] == {"whatsapp_app_secret": "changed", "name": {"was": "A", "now": "B"}}
    assert entry.details["new_password"] == entry.details["pms_key"] == "changed"


def test_any_value_can_be_told_and_none_fills_the_page(app):
    record("x", hotel_id=MIRAMAR, on=date(2030, 5, 1), ids={7}, long="a" * 5000, nothing=None, share=0.5)
    db.session.commit()
    details = entries(MIRAMAR)[0].details
    assert (details["on"], details["ids"], details["nothing"], details["share"]) == ("2030-05-01", [7], None, 0.5)
    assert len(details["long"]) == 300


def test_it_is_read_page_by_page(app):
    for number in range(7):
        record("x", str(number), hotel_id=MIRAMAR)
        db.session.flush()
    db.session.commit()
    first = entries(MIRAMAR, limit=3)
    second = entries(MIRAMAR, before=first[-1].id, limit=3)
    assert [entry.subject for entry in (*first, *second)] == ["6", "5", "4", "3", "2", "1"]


def test_by_action_by_person_by_subject(app):
    for action, actor, subject in (("a", "ana", "1"), ("b", "ana", "2"), ("a", "eva", "2")):
        record(action, subject, hotel_id=MIRAMAR, actor=actor)
    db.session.commit()
    assert len(entries(MIRAMAR, action="a")) == 2
    assert len(entries(MIRAMAR, actor="ana", action="a")) == 1
    assert len(entries(MIRAMAR, subject="2")) == 2


@pytest.mark.parametrize(("action", "seen"), [("flag_set", 1), ("staff_disabled", 0)])
def test_a_hotel_sees_its_own_and_what_acts_on_all(app, action, seen):
    """What is done to an account of another hotel concerns nobody here; a general flag concerns everybody."""
    record(action, "agent")
    record("hotel_set", "andes", hotel_id=ANDES)
    db.session.commit()
    assert len(entries(MIRAMAR)) == seen
    assert db.session.query(AuditEntry).count() == 2


def test_settings_of_a_hotel_are_on_the_record_and_its_secrets_are_not(app):
    def flask(*words: str):
        return app.test_cli_runner().invoke(args=["hotel", "set", "miramar", *words])

    assert flask("largest_party=9", "check_in_time=14:00", "whatsapp_app_secret=hush-hush").exit_code == 0
    assert flask("largest_party=9").exit_code == 0  # It was 9 already.
    assert flask("largest_party=many").exit_code != 0
    (entry,) = entries(MIRAMAR, action="hotel_set")
    assert entry.details["changes"]["check_in_time"] == {"was": "15:00:00", "now": "14:00:00"}
    assert entry.details["changes"]["whatsapp_app_secret"] == "changed"
    assert "hush" not in str(entry.details)
