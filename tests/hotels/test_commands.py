"""`flask …` as an administrator types it: what works says so, what does not says why in one line."""

from __future__ import annotations

import json

import pytest
from sqlalchemy import select

from hotel_agent.conversations import filing
from hotel_agent.conversations.dialogue import Question, Request
from hotel_agent.conversations.models import Conversation
from hotel_agent.db import db
from hotel_agent.flags.switches import is_on
from hotel_agent.hotels.credentials import app_secret_of
from hotel_agent.hotels.finding import by_slug, of_number
from hotel_agent.hotels.models import Knowledge
from tests.dashboard.cast import talk


@pytest.fixture
def flask(app):
    runner = app.test_cli_runner()
    return lambda *words: runner.invoke(args=list(words))


def test_a_hotel_of_ones_own(flask):
    assert flask("hotel", "create", "playa", "Hotel Playa", "--timezone", "Atlantic/Canary").exit_code == 0
    assert flask("hotel", "add-number", "playa", "555").exit_code == 0
    assert flask("hotel", "set", "playa", "whatsapp_app_secret=s3cret", "check_in_time=16:00").exit_code == 0
    assert "Hotel Playa\tAtlantic/Canary\tEUR\tlocal\t555" in flask("hotel", "list").output
    found = of_number("555")
    assert found is not None
    hotel = found[0]
    assert (hotel.slug, app_secret_of(hotel), hotel.check_in_time.hour) == ("playa", "s3cret", 16)
    assert hotel.whatsapp_app_secret != "s3cret"


@pytest.mark.parametrize(
    "words",
    [
        ("hotel", "create", "miramar", "Again"),
        ("hotel", "create", "Playa!", "Bad slug"),
        ("hotel", "create", "playa", "Nowhere", "--timezone", "Mars/Base"),
        ("hotel", "set", "miramar", "colour=blue"),
        ("hotel", "set", "miramar", "check_in_time=25:99"),
        ("hotel", "set", "nowhere", "name=x"),
        ("hotel", "add-number", "andes", "100000000000001"),
        ("flag", "set", "agentt", "off"),
        ("knowledge", "set", "miramar", "ask_wifi", "es", "  "),
        ("knowledge", "set", "miramar", "Wi-Fi", "es", "Sí"),
        ("knowledge", "set", "miramar", "ask_wifi", "fr", "Oui"),
        ("knowledge", "set", "nowhere", "ask_wifi", "es", "Sí"),
        ("knowledge", "missing", "nowhere"),
        ("knowledge", "answer", "987654", "Sí"),
        ("knowledge", "dismiss", "987654"),
        ("request", "list", "nowhere"),
        ("request", "close", "987654"),
        ("staff", "create", "nobody", "--hotel", "miramar", "--role", "ops", "--password", "long enough it is"),
        ("staff", "create", "a@b.example", "--hotel", "miramar", "--role", "ops", "--password", "short"),
        ("staff", "disable", "nobody@b.example"),
        ("token", "create", "--hotel", "nowhere"),
        ("token", "revoke", "hat_unknown"),
        ("inbox", "replay", "987654"),
        ("nlu", "try", "hola", "--today", "tomorrow"),
        ("nlu", "try", "hola", "--expected", "magic"),
    ],
    ids=" ".join,
)
def test_what_cannot_be_done_is_told_in_one_line(flask, words):
    result = flask(*words)
    assert result.exit_code == 1
    assert result.output.strip().splitlines()[-1].startswith("Error: ")
    assert "Traceback" not in result.output


def test_a_flag_for_one_hotel_wins_over_the_general_one(flask):
    miramar, andes = by_slug("miramar").id, by_slug("andes").id
    assert flask("flag", "set", "agent", "off").exit_code == 0
    assert flask("flag", "set", "agent", "on", "--hotel", "andes").exit_code == 0
    assert (is_on("agent", miramar), is_on("agent", andes)) == (False, True)
    assert "agent\tandes\ton" in flask("flag", "list").output


def test_what_the_hotel_says_is_set_and_listed(flask):
    assert flask("knowledge", "set", "miramar", "ask_wifi", "es", "Hay wifi.").exit_code == 0
    said = db.session.scalar(select(Knowledge.text).where(Knowledge.topic == "ask_wifi", Knowledge.language == "es"))
    assert said is not None
    assert "ask_wifi\tes\tHay wifi." in flask("knowledge", "list", "miramar", "ask_wifi").output


@pytest.fixture
def marta(app) -> int:
    """She waits for towels and for an answer, since a minute."""
    one = talk("Marta García", minutes=1, language="es")
    row = db.session.get_one(Conversation, one)
    filing.file(row, [Request("housekeeping", "Necesito toallas", "m1:housekeeping", "201")])
    filing.file(row, [Question("¿Alquiláis bicicletas?", None, "es", "m1:question")])
    db.session.commit()
    return one


def test_requests_are_listed_and_closed(flask, marta):
    line = flask("request", "list", "miramar").output.strip()
    number = line.split("\t")[0]
    assert line.endswith("open\thousekeeping\t201\tMarta García\tNecesito toallas")
    assert flask("request", "list", "andes").output == ""
    assert "the guest is told" in flask("request", "close", number).output
    assert "already" in flask("request", "close", number).output
    assert flask("request", "list", "miramar").output == ""
    assert "\tdone\thousekeeping" in flask("request", "list", "miramar", "--all").output


def test_missing_answers_are_listed_answered_and_kept(flask, marta):
    line = flask("knowledge", "missing", "miramar").output.strip()
    number = line.split("\t")[0]
    assert line.endswith("es\t-\tMarta García\t¿Alquiláis bicicletas?")
    assert flask("knowledge", "answer", number, "Sí", "--topic", "Bad Topic").exit_code == 1
    assert flask("knowledge", "answer", number, "Oui", "--topic", "bicycles", "--language", "fr").exit_code == 1
    given = flask("knowledge", "answer", number, "Sí, a 10,00 € al día.", "--topic", "bicycles")
    assert "the guest is told; kept as bicycles" in given.output
    assert "bicycles\tes\tSí, a 10,00 € al día." in flask("knowledge", "list", "miramar", "bicycles").output
    assert flask("knowledge", "missing", "miramar").output == ""
    assert flask("knowledge", "dismiss", number).exit_code == 1


def test_a_question_that_nobody_needs_answered_is_dismissed(flask, marta):
    number = flask("knowledge", "missing", "miramar").output.split("\t")[0]
    assert flask("knowledge", "dismiss", number).exit_code == 0
    assert flask("knowledge", "missing", "miramar").output == ""


def test_a_token_is_printed_alone_and_revoked(flask, client):
    token = flask("token", "create", "--hotel", "miramar").output.strip()
    assert len(token.split()) == 1
    headers = {"Authorization": f"Bearer {token}"}
    assert client.get("/api/pms/availability?hotel=andes", headers=headers).status_code == 403
    assert client.get("/api/pms/availability?hotel=miramar", headers=headers).status_code == 400
    assert flask("token", "revoke", token).exit_code == 0
    assert client.get("/api/pms/availability?hotel=miramar", headers=headers).status_code == 401


def test_what_was_understood_is_shown(flask):
    shown = flask("nlu", "try", "del 5 al 9 de mayo para 2", "--hotel", "miramar", "--today", "2026-11-22").output
    assert '"check_in": "2027-05-05"' in shown
    assert '"adults": 2' in shown


def test_why_it_was_understood_so_is_shown(flask):
    shown = json.loads(flask("nlu", "try", "tienen pileta??", "--today", "2026-11-22").output)
    assert shown["intents"][0]["intent"] == "ask_pool"
    assert any("pileta" in reason or "[ask_pool]" in reason for reason in shown["why"]["intents"]["ask_pool"])
    assert shown["why"]["in_scope"] > 0.9
    assert set(shown["engine"]) == {"encoder", "second_reader", "model"}


def test_what_is_explained_is_what_was_weighed(flask):
    one, other = (
        json.loads(flask("nlu", "try", f"información de la reserva {code}", "--today", "2026-11-22").output)
        for code in ("MIR-ABCDEF", "MIR-222222")
    )
    assert one["why"]["intents"] == other["why"]["intents"]
    assert one["why"]["in_scope"] == other["why"]["in_scope"]


def test_a_refusal_is_explained_too(flask):
    shown = json.loads(flask("nlu", "try", "quiero un préstamo del banco", "--today", "2026-11-22").output)
    assert shown["intents"][0]["intent"] == "out_of_scope"
    assert shown["why"]["in_scope"] < 0.85


@pytest.mark.parametrize("group", ["hotel", "staff", "token", "flag", "knowledge", "inbox", "nlu", "demo", "request"])
def test_every_command_tells_what_it_does(app, flask, group):
    commands = app.cli.commands[group].commands
    assert commands
    for name in commands:
        result = flask(group, name, "--help")
        assert result.exit_code == 0
        assert len(result.output.split("\n")) > 4
