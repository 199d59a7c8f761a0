"""Guests are known by what one payload shows together; nobody becomes somebody else by accident."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from itertools import permutations

import pytest
from sqlalchemy import text

from hotel_agent.db import db
from hotel_agent.guests.knowing import LAST_WORDS, Identity, follow_number_change, forget, who_writes
from hotel_agent.hotels.finding import by_slug

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
PHONE, OTHER, SCOPED = (
    Identity(kind, value, value) for kind, value in (("phone", "34600"), ("phone", "34700"), ("bsuid", "ES.1"))
)


def known(*identities: Identity, name: str | None = None, at: datetime = NOON) -> int:
    guest, twins = who_writes(by_slug("miramar").id, identities, name, at)
    forget(twins, into=guest.id)
    db.session.commit()
    return guest.id


def moved(old: Identity, new: Identity, at: datetime = NOON) -> int:
    found = follow_number_change(by_slug("miramar").id, [old], [new], at)
    assert found
    forget(found[1], into=found[0].id)
    db.session.commit()
    return found[0].id


@pytest.mark.parametrize("order", list(permutations(range(4))))
def test_the_latest_name_is_the_guests_whatever_the_order(app, order):
    names = [("Marta", 0), ("Marta G.", 5), ("Marta García", 9), ("Martita", 9)]
    for name, minutes in (names[place] for place in order):
        known(PHONE, name=name, at=NOON + timedelta(minutes=minutes))
    assert db.session.scalar(text("select name from guests where name_at is not null")) == "Martita"


def test_a_message_without_a_name_takes_none_away(app):
    known(PHONE, name="Marta")
    known(PHONE, at=NOON + timedelta(hours=1))
    assert db.session.scalar(text("select name from guests where name_at is not null")) == "Marta"


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_what_one_payload_shows_together_is_one_guest(app, order):
    shown = [[PHONE], [SCOPED], [PHONE, SCOPED]]
    for place in order:
        known(*shown[place])
    assert known(PHONE) == known(SCOPED)
    assert db.session.scalar(text("select count(*) from guest_identities")) == 2


def test_an_identity_needs_its_kind(app):
    assert known(Identity("phone", "34600", "34600")) != known(Identity("api", "34600", "34600"))


def test_a_given_up_number_names_its_old_holder_for_what_was_said_till_then(app):
    marta = known(PHONE)
    assert moved(PHONE, OTHER) == marta
    assert known(PHONE, at=NOON - timedelta(hours=1)) == known(PHONE, at=NOON + LAST_WORDS) == known(OTHER) == marta
    stranger = known(PHONE, at=NOON + LAST_WORDS + timedelta(seconds=1))
    assert stranger != marta
    assert known(PHONE, at=NOON) == marta
    assert known(PHONE, at=NOON + timedelta(days=30)) == stranger


def test_two_changes_in_the_wrong_order_lead_to_one_guest(app):
    third = Identity("phone", "34800", "34800")
    last = moved(OTHER, third, NOON + timedelta(days=9))
    assert moved(PHONE, OTHER, NOON) == last
    assert known(third) == last == known(PHONE, at=NOON - timedelta(days=1))
    assert db.session.scalar(text("select count(distinct guest_id) from guest_identities")) == 1


def test_a_number_that_did_not_change_stays(app):
    marta = known(PHONE)
    assert moved(PHONE, PHONE) == marta == known(PHONE)


def test_who_writes_is_found_out_once_however_many_ask(app):
    def ask(number: int) -> int:
        with app.app_context():
            return known(*([PHONE, SCOPED] if number % 2 else [SCOPED, PHONE]))

    with ThreadPoolExecutor(6) as pool:
        assert len(set(pool.map(ask, range(24)))) == 1


def test_who_takes_an_old_number_back_is_reached_by_it_again(app):
    guest_id = known(PHONE)
    moved(PHONE, OTHER, NOON + timedelta(hours=1))
    moved(OTHER, PHONE, NOON + timedelta(hours=2))
    live = "select value from guest_identities where guest_id = :guest and retired_at is null"
    assert db.session.scalars(text(live).bindparams(guest=guest_id)).all() == [PHONE.value]
