"""What is logged: objects of JSON with ids; no guest's words and no secrets, whoever says them."""

from __future__ import annotations

import importlib.util
import io
import json
import logging
import sys
import threading
from types import ModuleType

import psycopg
import pytest
import structlog
from gunicorn.config import Config
from rq.serializers import JSONSerializer
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from hotel_agent import ROOT, logs, queues, tracebacks
from hotel_agent.config import settings
from hotel_agent.conversations import answering
from hotel_agent.db import db
from hotel_agent.redis import redis
from workers import nudges
from workers.worker import AppWorker

WORDS = "mi hija Aurelia es celíaca"
PHONE = "34699887766"
LIKE_A_TRACEBACK = f"""x
During handling of the above exception, {PHONE}
Traceback (most recent call last):
  {WORDS}
x: 1"""
TOKEN = "EAAJZBplantedplantedplanted12345"


def test_an_exception_is_told_by_where_and_what_not_by_what_it_says(lines):
    try:
        raise ValueError(WORDS) from KeyError(PHONE)
    except ValueError:
        logs.get_logger("a").exception("went_wrong", message=7)
    (line,) = lines()
    assert line["event"] == "went_wrong"
    assert (line["source"], line["message"], line["level"]) == ("a", 7, "error")
    assert "test_logs.py" in line["exception"]
    assert line["exception"].endswith("ValueError")
    assert WORDS not in str(line)
    assert PHONE not in str(line)


def test_rows_that_the_database_quotes_stay_out(lines, app):
    with pytest.raises(DBAPIError) as caught:
        db.session.execute(text("insert into hotels (slug) values (:words)"), {"words": WORDS})
    db.session.rollback()
    logging.getLogger("sqlalchemy").error("lost: %s", caught.value)
    logging.getLogger("sqlalchemy").error("lost", exc_info=caught.value)
    logging.getLogger("psycopg").warning("error ignored: duplicate key\nDETAIL:  Key (phone)=(%s) exists.", PHONE)
    told = lines()
    assert len(told) == 3
    assert "sqlstate" not in str(told)
    assert told[1]["exception"].endswith("IntegrityError")
    for planted in (WORDS, PHONE, "Key ("):
        assert planted not in str(told)


@pytest.mark.parametrize(
    "said",
    [
        f"retrying https://graph.facebook.com/v26.0/me?access_token={TOKEN}&x=1",
        f"Authorization: Bearer {TOKEN}",
        f"{{'password': '{TOKEN}'}}",
        f"ws_key={TOKEN}",
        f"refused {TOKEN}",
        f"https://{TOKEN}@pms.example/api",
        f"https://hotel:{TOKEN}@pms.example/api",
        f"X-Api-Key: {TOKEN}",
        f'whatsapp_app_secret="{TOKEN}"',
        f"Authorization: Token {TOKEN}",
        f"password='two words of {TOKEN}'",
        f"/me?appsecret_proof={TOKEN}",
        f"next=%2Fme%3Faccess_token%3D{TOKEN}",
    ],
)
def test_what_looks_like_a_secret_is_hidden(lines, said):
    logging.getLogger("urllib3").error(said)
    logs.get_logger("a").warning("odd", given={"parts": [said]}, also=said)
    told = str(lines())
    assert TOKEN not in told
    assert told.count(logs.HIDDEN) >= 3


def test_what_stands_under_a_secrets_name_is_hidden(lines):
    logs.get_logger("a").warning("odd", access_token="plain words", nested={"app_secret": "more", "hotel": "miramar"})
    (line,) = lines()
    assert line["access_token"] == line["nested"]["app_secret"] == logs.HIDDEN
    assert line["nested"]["hotel"] == "miramar"


@pytest.mark.parametrize("phone", ["+34 699 88 77 66", "+34-699-887-766", "+34 (699) 887766", "34699887766"])
def test_a_phone_is_hidden_however_it_is_written(lines, phone):
    logging.getLogger("vcard").warning("no such contact: %s", phone)
    assert phone not in str(lines())


def test_what_looks_like_a_traceback_in_somebodys_words_is_words(lines):
    try:
        raise ValueError(f"x\nTraceback (most recent call last):\n  {WORDS}\nKeyError: {PHONE}")
    except ValueError:
        logs.get_logger("a").exception("went_wrong")
    told = str(lines())
    assert WORDS not in told
    assert PHONE not in told


def test_words_that_go_on_as_a_traceback_does_are_words(lines):
    try:
        raise ValueError(LIKE_A_TRACEBACK) from KeyError(LIKE_A_TRACEBACK)
    except ValueError:
        logs.get_logger("a").exception("went_wrong")
        logging.getLogger("library").exception("went_wrong")
    for line in lines():
        assert line["exception"].splitlines()[:3] == [tracebacks.BEGINS, "KeyError", tracebacks.JOINS[1]]
        assert line["exception"].endswith("\nValueError")
        assert WORDS not in str(line)
        assert PHONE not in str(line)


def test_the_secrets_of_this_installation_are_hidden_wherever_they_stand(lines):
    logs.get_logger("a").warning("odd", given=f"x{settings().secret_key}x")
    assert settings().secret_key not in str(lines())


def test_libraries_name_no_phone_and_no_address_of_a_person(lines):
    logging.getLogger("vcard").warning("no such contact: +%s, marta@example.com, id 12345", PHONE)
    (line,) = lines()
    assert PHONE not in line["event"]
    assert "marta@" not in line["event"]
    assert "id 12345" in line["event"]
    assert line["source"] == "vcard"


def test_what_cannot_be_written_as_json_is_told_by_its_class(lines):
    logs.get_logger("a").warning("odd", given=psycopg.Error(WORDS))
    (line,) = lines()
    assert line["given"] == "Error"


def test_a_thread_that_dies_says_so_in_one_line(lines):
    def die() -> None:
        raise RuntimeError(WORDS)

    thread = threading.Thread(target=die, name="committer")
    thread.start()
    thread.join()
    (line,) = lines()
    assert (line["event"], line["thread"], line["error"]) == ("thread_ended", "committer", "RuntimeError")
    assert WORDS not in str(line)


def test_a_job_that_fails_leaves_no_words_in_the_log_nor_with_the_dead_letters(app, lines, monkeypatch):
    def broken(*_: object) -> None:
        raise ValueError(LIKE_A_TRACEBACK)

    monkeypatch.setattr(answering, "answer", broken)
    nudges.answer(7)
    worker = AppWorker([queues.queue(queues.ANSWERS)], connection=redis(), serializer=JSONSerializer)
    worker.app = app
    worker.work(burst=True, logging_level="WARNING")
    told = [line for line in lines() if line["event"] == "job_failed"]
    assert [(line["name"], line["error"]) for line in told] == [("workers.messages.answer", "ValueError")]
    assert told[0]["job"]
    (failed,) = queues.queue(queues.ANSWERS).failed_job_registry.get_job_ids()
    job = queues.queue(queues.ANSWERS).fetch_job(failed)
    assert job
    result = job.latest_result()
    assert result
    assert "ValueError" in (result.exc_string or "")
    for kept in (str(told), str(result.exc_string), str(job.to_dict())):
        assert WORDS not in kept
    assert structlog.contextvars.get_contextvars() == {}


@pytest.fixture
def server_lines() -> ModuleType:
    spec = importlib.util.spec_from_file_location("gunicorn_conf", ROOT / "ops" / "gunicorn.conf.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_web_server_writes_json_and_no_address_with_what_was_searched_for(server_lines):
    try:
        raise ValueError(WORDS)
    except ValueError:
        record = logging.LogRecord(
            "gunicorn.error", logging.ERROR, "x", 1, "Error handling request %s", ("/?q=Aurelia",), sys.exc_info()
        )
    line = json.loads(server_lines.Lines().format(record))
    assert line["event"] == "Error handling request …"
    assert line["error"] == "ValueError"
    assert "Aurelia" not in str(line)
    odd = logging.LogRecord("gunicorn.error", logging.WARNING, "x", 1, "Invalid request from ip=1: Aurelia", (), None)
    assert json.loads(server_lines.Lines().format(odd))["event"] == "Invalid request"
    killed = logging.LogRecord("gunicorn.error", logging.ERROR, "x", 1, "Worker (pid:%s) was killed", (7,), None)
    assert json.loads(server_lines.Lines().format(killed))["event"] == "Worker (pid:7) was killed"


def test_the_web_server_says_no_more_to_people(server_lines, monkeypatch):
    monkeypatch.setenv("LOG_FORMAT", "console")
    written = io.StringIO()
    monkeypatch.setattr(sys, "stderr", written)
    log = server_lines.logger_class(Config()).error_log
    try:
        raise ValueError(WORDS)
    except ValueError:
        log.exception("Error handling request %s", "/?q=Aurelia")
    log.warning("Invalid request from ip=1: %s", "Aurelia")
    told = written.getvalue()
    assert "Error handling request …" in told
    assert "test_logs.py" in told
    assert "ValueError" in told
    assert "Invalid request" in told
    assert "Aurelia" not in told
