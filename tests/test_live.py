"""News between processes: told once committed, heard by whom they concern, missed ones made good."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from hotel_agent import live
from hotel_agent.conversations.models import Conversation, ConversationEvent
from hotel_agent.db import db
from tests.load.installation import wait_until

ANOTHER_HOTEL = 10_000


@pytest.fixture
def heard(app, monkeypatch) -> list[dict]:
    """What was told to the other processes."""
    news: list[dict] = []

    def tell(topic: str, **what: object) -> bool:
        news.append({"topic": topic, **what})
        return True

    monkeypatch.setattr(live, "tell", tell)
    return news


@pytest.fixture
def conversation(marta_says, run_jobs, graph, echo) -> Conversation:
    marta_says("Hola")
    run_jobs()
    return db.session.query(Conversation).one()


def test_a_committed_change_is_told_with_its_hotel(conversation, heard):
    conversation.urgent = True
    db.session.commit()
    assert heard == [{"topic": "conversations", "hotel": conversation.hotel_id, "ids": [conversation.id]}]


def test_several_changes_of_one_commit_are_one_piece_of_news(conversation, heard):
    conversation.urgent = True
    db.session.flush()
    for words in ("una", "otra"):
        db.session.add(
            ConversationEvent(hotel_id=conversation.hotel_id, conversation_id=conversation.id, kind="note", body=words)
        )
    db.session.commit()
    assert [news["ids"] for news in heard] == [[conversation.id]]


def test_what_is_rolled_back_is_not_told(conversation, heard):
    conversation.urgent = True
    db.session.flush()
    db.session.rollback()
    db.session.commit()
    assert heard == []


def test_what_a_savepoint_keeps_is_told(conversation, heard):
    with db.session.begin_nested():
        conversation.urgent = True
    db.session.commit()
    assert len(heard) == 1


def test_reading_tells_nothing(conversation, heard):
    assert db.session.get(Conversation, conversation.id)
    db.session.commit()
    assert heard == []


def test_a_change_by_statement_is_told_when_it_says_so(conversation, heard):
    db.session.connection()
    live.conversation_changed(conversation.hotel_id, conversation.id)
    db.session.commit()
    assert [news["ids"] for news in heard] == [[conversation.id]]


def test_what_could_not_be_told_is_made_good_by_who_tells_next(own_valkey):
    stream = live.Stream(hotel_id=1, staff_id=7, session_id=70)
    with live.streams.opened(stream):
        own_valkey.kill()
        began = time.monotonic()
        assert live.tell("conversations", hotel=1, ids=[1]) is False
        assert time.monotonic() - began < 2
        own_valkey.start()
        live.Listener().start()
        hears(stream, "missed")
        stream.wait(0.5)
        assert live.tell("conversations", hotel=1, ids=[2]) is True
        hears(stream, "missed")


def test_a_valkey_that_hangs_holds_nobody_up_for_long(own_valkey, impatient):
    assert live.tell("conversations", hotel=1, ids=[1]) is True
    own_valkey.pause()
    began = time.monotonic()
    for _ in range(20):
        assert live.tell("conversations", hotel=1, ids=[1]) is False
    assert time.monotonic() - began < 5


def test_a_stream_hears_only_what_concerns_it():
    mine = live.Stream(hotel_id=1, staff_id=7, session_id=70)
    streams = live.Streams()
    with streams.opened(mine):
        streams.tell({"topic": "conversations", "hotel": ANOTHER_HOTEL, "ids": [1]})
        streams.tell({"topic": "session_ended", "session": 71})
        streams.tell({"topic": "note", "staff": 8})
        assert mine.wait(0) == []
        streams.tell({"topic": "conversations", "hotel": 1, "ids": [2]})
        streams.tell({"topic": "session_ended", "session": 70})
        assert [news["topic"] for news in mine.wait(0)] == ["conversations", "session_ended"]
        assert mine.wait(0) == []
    assert len(streams) == 0


def test_one_process_hears_another(app):
    stream = live.Stream(hotel_id=1, staff_id=7, session_id=70)
    with live.streams.opened(stream):
        live.Listener().start()
        hears(stream, "missed")
        subprocess.run(
            [sys.executable, "-c", "from hotel_agent import live; live.tell('conversations', hotel=1, ids=[5])"],
            check=True,
            env=os.environ,
        )
        assert hears(stream, "conversations") == {"topic": "conversations", "hotel": 1, "ids": [5]}


def test_news_missed_while_valkey_was_away_are_made_good(own_valkey):
    listener = live.Listener()
    stream = live.Stream(hotel_id=1, staff_id=7, session_id=70)
    with live.streams.opened(stream):
        listener.start()
        hears(stream, "missed")
        own_valkey.kill()
        hears(stream, "deaf")
        assert not listener.hears
        own_valkey.start()
        wait_until(lambda: listener.hears, 20, "the listener does not hear again")
        hears(stream, "missed")


def test_a_listener_notices_that_valkey_hangs(own_valkey):
    listener = live.Listener()
    stream = live.Stream(hotel_id=1, staff_id=7, session_id=70)
    with live.streams.opened(stream):
        listener.start()
        hears(stream, "missed")
        own_valkey.pause()
        began = time.monotonic()
        hears(stream, "deaf")
        assert time.monotonic() - began < 5
        own_valkey.go_on()
        hears(stream, "missed")


def hears(stream: live.Stream, topic: str) -> dict:
    """The next news of that topic; listeners of earlier tests may speak in between."""
    until = time.monotonic() + 20
    while time.monotonic() < until:
        for news in stream.wait(1):
            if news["topic"] == topic:
                return news
    raise AssertionError(f"no news of {topic} came")


class OwnValkey:
    """A server of the test's own, to be killed and started again on the same port."""

    def __init__(self, program: str, port: int, folder: str) -> None:
        self.port = port
        self.command = [program, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", folder]
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self.process = subprocess.Popen(self.command, stdout=subprocess.DEVNULL)
        until = time.monotonic() + 20
        while time.monotonic() < until:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
                return
            time.sleep(0.01)
        raise AssertionError("Valkey did not start")

    def pause(self) -> None:
        assert self.process
        self.process.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        assert self.process
        self.process.send_signal(signal.SIGCONT)

    def kill(self) -> None:
        assert self.process
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()


@pytest.fixture
def own_valkey(app, tmp_path, monkeypatch) -> Iterator[OwnValkey]:
    import socket

    from hotel_agent.config import settings
    from hotel_agent.embedded import valkey_servers

    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    server = OwnValkey(str(valkey_servers()[0]), port, str(tmp_path))
    server.start()
    there = settings().model_copy(update={"redis_url": f"redis://127.0.0.1:{port}/0"})
    monkeypatch.setattr(live, "settings", lambda: there)
    live._teller.cache_clear()
    yield server
    live._teller.cache_clear()
    live._lost.some, live._lost.silent_until = False, 0.0
    server.kill()
