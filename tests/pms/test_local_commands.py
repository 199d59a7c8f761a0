"""`flask season`, `closure`, `room` and `room-type`: what they say, and what they say no to."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from sqlalchemy import text

from hotel_agent.db import db
from hotel_agent.pms.contract import Stay
from tests.pms.own_rooms import booked, offer, own_hotel
from tests.reservations.cast import day, nights


@pytest.fixture
def playa(app):
    return own_hotel("playa", {"doble": ("101", "102")}, {"doble": Decimal("80.00")}, day(-90), day(60))


@pytest.fixture
def flask(app):
    runner = app.test_cli_runner()
    return lambda *words: runner.invoke(args=[str(word) for word in words])


def noted(action):
    return db.session.scalar(text("select count(*) from audit_log where action = :action"), {"action": action})


def test_a_season_is_made_listed_changed_and_removed(playa, flask):
    made = flask("season", "set", "playa", "alta", "--from", day(1), "--to", day(2), "--price", "doble=120.00")
    assert made.output == f"playa: season alta made, {day(1)} to {day(2)}\n"
    assert offer(playa, "doble", nights(0, 4)).total == Decimal("400.00")
    words = (
        "--from",
        day(1),
        "--to",
        day(1),
        "--price",
        "doble=130",
        "--min-stay",
        2,
        "--days",
        "mon,tue,wed,thu,fri,sat,sun",
    )
    assert "changed" in flask("season", "set", "playa", "alta", *words).output
    listed = flask("season", "list", "playa").output
    assert listed == f"alta\t{day(1)} to {day(1)}\tevery day\tdoble=130\tat least 2 nights\n"
    assert offer(playa, "doble", nights(1, 1)).why_not == "min_stay"
    assert flask("season", "remove", "playa", "alta").exit_code == 0
    assert flask("season", "list", "playa").output == ""
    assert offer(playa, "doble", nights(0, 4)).total == Decimal("320.00")
    assert (noted("season_set"), noted("season_removed")) == (2, 1)


def test_of_seasons_that_overlap_the_command_says_which_wins(playa, flask):
    days = ("--from", day(1), "--to", day(2))
    assert "wins" not in flask("season", "set", "playa", "verano", *days, "--price", "doble=100").output
    said = flask("season", "set", "playa", "feria", *days, "--price", "doble=200")
    assert "feria wins over verano on the nights that they share" in said.output
    assert offer(playa, "doble", nights(1, 1)).total == Decimal(200)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("nowhere", "alta", "--from", day(1), "--to", day(2), "--price", "doble=1"), "nowhere"),
        (("playa", "alta", "--from", day(2), "--to", day(1), "--price", "doble=1"), "is before the first"),
        (("playa", "alta", "--from", "2027-02-30", "--to", day(1), "--price", "doble=1"), "'2027-02-30' is not a date"),
        (("playa", "alta", "--from", day(1), "--to", day(2), "--price", "ático=1"), "'ático'; it has doble"),
        (("playa", "alta", "--from", day(1), "--to", day(2), "--price", "doble"), "not of the form doble=120.00"),
        (("playa", "alta", "--from", day(1), "--to", day(2), "--price", "doble=cheap"), "'cheap' is not a price"),
        (("playa", "alta", "--from", day(1), "--to", day(2), "--price", "doble=-5"), "not a price"),
        (("playa", "alta", "--from", day(1), "--to", day(2), "--price", "doble=NaN"), "not a price"),
        (("playa", "alta", "--from", day(1), "--to", day(2), "--price", "doble=1", "--days", "lun"), "fri,sat out of"),
        (("playa", "alta", "--from", day(1), "--to", day(2)), "give a price for a kind of room, or a minimum stay"),
        (("playa", "alta", "--from", day(1), "--to", day(2), "--min-stay", 0), "minimum stay is from 1"),
        (("playa", "alta", "--from", day(1), "--to", "9999-12-31", "--price", "doble=1"), "at most"),
        (("playa", " ", "--from", day(1), "--to", day(2), "--price", "doble=1"), "name"),
        (("miramar-pms", "alta", "--from", day(1), "--to", day(2), "--price", "doble=1"), "kept in qloapps"),
    ],
)  # fmt: skip
def test_a_season_that_is_none_is_refused_in_a_sentence(playa, flask, words, told):
    elsewhere = own_hotel("miramar-pms", {"doble": ("1",)}, {}, day(0), day(1))
    elsewhere.pms = "qloapps"
    db.session.commit()
    said = flask("season", "set", *words)
    assert said.exit_code != 0
    assert told in said.output
    assert "Traceback" not in said.output
    assert flask("season", "list", "playa").output == ""


def test_removing_what_is_not_there_says_so(playa, flask):
    said = flask("season", "remove", "playa", "alta")
    assert (said.exit_code, said.output) == (1, "Error: playa has no season 'alta'\n")


def test_days_are_closed_listed_and_opened(playa, flask):
    said = flask("closure", "add", "playa", "--from", day(3), "--to", day(4), "--for", "arrival", "--reason", "boda")
    number = said.output.split("closure ")[1].rstrip(")\n")
    assert offer(playa, "doble", nights(3, 1)).why_not == "closed_to_arrival"
    assert flask("closure", "list", "playa").output == f"{number}\t{day(3)} to {day(4)}\tarrival\tall\tboda\n"
    assert flask("closure", "remove", "playa", number).exit_code == 0
    assert offer(playa, "doble", nights(3, 1)).free == 2
    assert flask("closure", "remove", "playa", number).output == f"Error: playa has no closure {number}\n"


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--from", day(4), "--to", day(3)), "is before the first"),
        (("--from", day(3), "--to", day(4), "--for", "lunch"), "'lunch' is not one of"),
        (("--from", day(3), "--to", day(4), "--room-type", "ático"), "no kind of room 'ático'"),
        (("--from", day(3), "--to", day(4), "--reason", "x" * 201), "at most 200"),
        (("--from", day(3)), "--to"),
    ],
)
def test_a_closure_that_is_none_is_refused_in_a_sentence(playa, flask, words, told):
    said = flask("closure", "add", "playa", *words)
    assert said.exit_code != 0
    assert told in said.output
    assert flask("closure", "list", "playa").output == ""


def test_a_room_is_put_out_of_order_and_back(playa, flask):
    booking = booked(playa, nights(0, 2), "doble")
    number = booking.rooms[0].number
    said = flask("room", "out-of-order", "playa", number, "--from", day(1), "--until", day(3), "--reason", "ducha")
    assert f"booking {booking.code} has room {number} from {day(0)} to {day(2)}: move it" in said.output
    assert f"{number} is out of order from {day(1)}, back on {day(3)}: ducha" in flask("room", "list", "playa").output
    assert flask("room", "back", "playa", number).output == f"playa: room {number} is back in order\n"
    assert flask("room", "back", "playa", number).output == f"playa: room {number} was in order\n"
    assert offer(playa, "doble", nights(2, 1)).free == 2


def test_a_room_is_out_of_order_from_tonight_until_further_notice(playa, flask):
    assert flask("room", "out-of-order", "playa", "101").exit_code == 0
    assert offer(playa, "doble", nights(0, 1)).free == 1
    tonight = Stay(playa.today(), playa.today() + timedelta(days=1))
    assert offer(playa, "doble", tonight).free == 1
    assert "101\tdoble\tvacant\tout of order\tclean" in flask("room", "list", "playa").output


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("out-of-order", "playa", "999"), "There is no such room"),
        (("out-of-order", "playa", "101", "--from", day(3), "--until", day(3)), "is not after"),
        (("out-of-order", "playa", "101", "--until", "2020-01-01"), "is not after"),
        (("out-of-order", "playa", "101", "--from", "tomorrow"), "'tomorrow' is not a date such as"),
        (("back", "playa", "999"), "There is no such room"),
        (("mark", "playa", "101", "shiny"), "'shiny' is not one of"),
        (("mark", "playa", "999", "clean"), "There is no such room"),
        (("add", "playa", "ático", "301"), "no kind of room 'ático'"),
        (("add", "playa", "doble", "3 0 1"), "a room's number has"),
        (("add", "playa", "doble"), "NUMBER..."),
        (("list", "nowhere"), "nowhere"),
    ],
)
def test_what_cannot_be_done_to_a_room_is_refused_in_a_sentence(playa, flask, words, told):
    said = flask("room", *words)
    assert said.exit_code != 0
    assert told in said.output
    assert "Traceback" not in said.output
    assert offer(playa, "doble", nights(3, 1)).free == 2


def test_rooms_and_kinds_are_made(playa, flask):
    assert (
        flask(
            "room-type", "set", "playa", "suite", "--capacity", 3, "--name", "es=Suite", "--name", "en=Suite"
        ).exit_code
        == 0
    )
    assert flask("room", "add", "playa", "suite", "201", "202").output == "playa: 2 of 2 rooms added\n"
    assert flask("room", "add", "playa", "suite", "202", "203").output == "playa: 1 of 2 rooms added\n"
    assert offer(playa, "suite", nights(0, 1)).total is None
    assert flask("room-type", "price", "playa", "suite", "150.00", "--from", day(0), "--to", day(9)).exit_code == 0
    found = offer(playa, "suite", nights(0, 1))
    assert (found.free, found.total, found.kind.capacity) == (3, Decimal("150.00"), 3)
    assert f"suite\tSuite\t3\t3\t-\tuntil {day(9)}\n" in flask("room-type", "list", "playa").output
    assert flask("room", "mark", "playa", "201", "dirty").exit_code == 0
    assert "201\tsuite\tvacant\tin order\tdirty" in flask("room", "list", "playa").output


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("set", "playa", "suite"), "how many persons"),
        (("set", "playa", "Suite!", "--capacity", 2), "a code has"),
        (("set", "playa", "suite", "--capacity", 0), "from 1 to"),
        (("set", "playa", "suite", "--capacity", 2, "--name", "Suite"), "not of the form es=Doble"),
        (("price", "playa", "ático", "10", "--to", day(3)), "no kind of room 'ático'"),
        (("price", "playa", "doble", "free", "--to", day(3)), "'free' is not a price"),
        (("price", "playa", "doble", "10", "--from", day(3), "--to", day(2)), "is before the first"),
    ],
)
def test_a_kind_that_is_none_is_refused_in_a_sentence(playa, flask, words, told):
    said = flask("room-type", *words)
    assert said.exit_code != 0
    assert told in said.output
    assert "suite" not in flask("room-type", "list", "playa").output


@pytest.mark.parametrize("group", ["season", "closure", "room", "room-type"])
def test_help_says_what_each_does(app, flask, group):
    commands = app.cli.commands[group].commands
    assert flask(group, "--help").exit_code == 0
    for name, command in commands.items():
        said = flask(group, name, "--help")
        assert said.exit_code == 0
        assert command.help
        assert command.help.split("\n")[0][:40] in said.output
