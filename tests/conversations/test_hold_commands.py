"""`flask hold`: what is kept, letting it go, and what became of it."""

from __future__ import annotations

import pytest

from hotel_agent.locks import holding, telling
from hotel_agent.locks.auditing import SYSTEM
from hotel_agent.reservations.booking import book
from tests.pms.at_a_pms import at_a_pms
from tests.reservations.cast import guest_of, holds, hotel_named, nights


@pytest.fixture
def flask(app):
    runner = app.test_cli_runner()

    def run(*args: str):
        return runner.invoke(args=["hold", *args])

    return run


@pytest.fixture
def miramar(app):
    return hotel_named("miramar")


def test_what_is_kept_is_listed_wherever_it_is_kept(flask, miramar, monkeypatch):
    first = holds(miramar, guest_of(miramar), nights(0, 2), "suite", "doble", key="m1")
    told = flask("list", "miramar").output.splitlines()
    assert [line.split("\t")[0] for line in told] == [first.hold_key]
    assert told[0].split("\t")[2] == "Marta García"
    assert told[0].endswith("\t0\there")
    assert flask("list", "andes").output == ""
    with at_a_pms("andes", monkeypatch) as (andes, _):
        from tests.locks.test_pms_trail import kept

        there = kept(andes, guest_of(andes, "Pedro Ruiz"))
        [line] = flask("list", "andes").output.splitlines()
    assert line.startswith(there.hold_key)
    assert line.endswith("\t0\tpms")


def test_letting_go_says_why_and_once(flask, miramar):
    hold = holds(miramar, guest_of(miramar), nights(0, 2), key="m1")
    done = flask("release", "miramar", hold.hold_key, "--reason", "wrong hotel")
    assert (done.exit_code, done.output) == (0, f"hold {hold.hold_key} let go\n")
    assert holding.claims_of(hold.hold_key)[0].status == "released"
    step = telling.of_hold(miramar.id, hold.hold_key)[-1]
    assert (step.action, step.who, step.why) == ("released", SYSTEM, "wrong hotel")
    again = flask("release", "miramar", hold.hold_key, "--reason", "wrong hotel")
    assert again.exit_code == 1
    assert "it is not kept any more" in again.output


@pytest.mark.parametrize(
    "args",
    [
        ("release", "miramar", "KEY"),
        ("release", "miramar", "KEY", "--reason", "  "),
        ("release", "andes", "KEY", "--reason", "other hotel"),
        ("release", "nowhere", "KEY", "--reason", "no such hotel"),
        ("release", "miramar", "no-such-key", "--reason", "no such hold"),
        ("trail", "no-such-key"),
        ("list", "nowhere"),
    ],
)
def test_what_cannot_be_done_fails_in_one_line(flask, miramar, args):
    hold = holds(miramar, guest_of(miramar), nights(0, 2), key="m1")
    failed = flask(*(hold.hold_key if arg == "KEY" else arg for arg in args))
    assert failed.exit_code != 0
    assert failed.output.startswith(("Error: ", "Usage: "))
    assert holding.claims_of(hold.hold_key)[0].status == "active"


def test_the_trail_is_told_by_code_and_by_key(flask, miramar):
    marta = guest_of(miramar)
    hold = holds(miramar, marta, nights(0, 2), key="m1")
    booking = book(miramar, hold.hold_key, marta, "Marta García", "yes")
    told = [line.split("\t") for line in flask("trail", booking.code).output.splitlines()]
    assert [(line[1], line[2]) for line in told] == [("held", f"guest:{marta}"), ("booked", f"guest:{marta}")]
    assert told[0][-1] == "asked for by m1"
    assert told == [line.split("\t") for line in flask("trail", hold.hold_key).output.splitlines()]
    assert told == [line.split("\t") for line in flask("trail", booking.code.lower()).output.splitlines()]
