"""A flag is on or off: for one hotel, for all, for a share; and always answers, whatever is away."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic

import pytest
from redis import Redis
from redis.backoff import NoBackoff
from redis.retry import Retry
from sqlalchemy import event, text
from sqlalchemy.exc import DBAPIError

from hotel_agent import live
from hotel_agent.audit.models import AuditEntry
from hotel_agent.db import connect, db
from hotel_agent.errors import BadInput
from hotel_agent.flags import cache as caches
from hotel_agent.flags.cache import GENERATION, SNAPSHOT, Cache, Switch
from hotel_agent.flags.showing import all_flags, history
from hotel_agent.flags.switches import clear, forget, is_on, switch
from hotel_agent.redis import redis
from hotel_agent.staff import access, accounts, sessions

MIRAMAR, ANDES = 1, 2


@pytest.fixture
def cli(app):
    return lambda *words: app.test_cli_runner().invoke(args=list(words))


@contextmanager
def at_work(app, email: str) -> Iterator[None]:
    """A request of somebody who is signed in."""
    token = sessions.begin(accounts.by_email(email).id)
    with app.test_request_context(headers={"Cookie": f"{sessions.cookie_name()}={token}"}):
        access.me()
        yield


@contextmanager
def no_statements() -> Iterator[None]:
    heard: list[str] = []

    def said(_connection, _cursor, statement, *_rest) -> None:
        heard.append(statement)

    event.listen(db.engine, "before_cursor_execute", said)
    try:
        yield
    finally:
        event.remove(db.engine, "before_cursor_execute", said)
    assert heard == []


def recorded() -> list[tuple[str, str, str, int | None, dict]]:
    rows = db.session.query(AuditEntry).order_by(AuditEntry.id)
    return [(row.actor, row.action, row.subject, row.hotel_id, row.details) for row in rows]


# What counts


def test_nothing_set_means_the_built_in_default_and_unknown_flags_are_off(app):
    assert is_on("agent", MIRAMAR)
    assert not is_on("agentt", MIRAMAR)


def test_the_hotels_own_setting_wins_over_the_general_one(app):
    switch("agent", False)
    switch("agent", True, ANDES)
    assert not is_on("agent", MIRAMAR)
    assert is_on("agent", ANDES)


def test_what_is_taken_back_leaves_what_is_above_it(app):
    switch("agent", False)
    switch("agent", True, MIRAMAR)
    clear("agent", MIRAMAR)
    assert not is_on("agent", MIRAMAR)
    clear("agent")
    assert is_on("agent", MIRAMAR)
    clear("agent")  # There is nothing left to take back.
    assert is_on("agent", MIRAMAR)


def test_a_share_is_the_same_conversations_every_time(app):
    switch("agent", True, percentage=25)
    first = [conversation for conversation in range(1000) if is_on("agent", MIRAMAR, conversation)]
    again = [conversation for conversation in range(1000) if is_on("agent", MIRAMAR, conversation)]
    assert first == again
    assert 190 < len(first) < 310


def test_a_larger_share_keeps_whom_the_smaller_one_had(app):
    switch("agent", True, percentage=10)
    few = {conversation for conversation in range(500) if is_on("agent", MIRAMAR, conversation)}
    switch("agent", True, percentage=60)
    assert few < {conversation for conversation in range(500) if is_on("agent", MIRAMAR, conversation)}


def test_flags_and_hotels_share_out_differently(app):
    for key in ("agent", "booking"):
        switch(key, True, percentage=50)

    def chosen(key: str, hotel: int) -> list[int]:
        return [subject for subject in range(200) if is_on(key, hotel, subject)]

    assert chosen("agent", MIRAMAR) != chosen("booking", MIRAMAR)
    assert chosen("agent", MIRAMAR) != chosen("agent", ANDES)


@pytest.mark.parametrize("wrong", [0, 100, -1])
def test_a_share_of_none_or_all_is_no_share(app, wrong):
    with pytest.raises(BadInput):
        switch("agent", True, percentage=wrong)


def test_a_share_of_a_flag_that_is_off_means_nothing(app):
    with pytest.raises(BadInput):
        switch("agent", False, percentage=10)
    with pytest.raises(BadInput):
        switch("agentt", True)


def test_only_its_share_of_conversations_is_answered(marta_says, run_jobs, sent, echo):
    switch("agent", True, MIRAMAR, percentage=50)
    for number in range(12):
        marta_says("Hola", phone=f"3460000{number:04}", wamid=f"w{number}")
    run_jobs()
    ids = db.session.scalars(text("select id from conversations")).all()
    assert 0 < len(sent) == sum(is_on("agent", MIRAMAR, one) for one in ids) < 12


# Who changed what


def test_every_change_says_who_what_and_from_what(app):
    switch("agent", False)
    with at_work(app, "eva@miramar.example"):
        switch("agent", True, MIRAMAR, percentage=25)
        clear("agent", MIRAMAR)
    assert recorded() == [
        ("command", "flag_set", "agent", None, {"was": None, "now": "off"}),
        ("eva@miramar.example", "flag_set", "agent", MIRAMAR, {"was": None, "now": "25%"}),
        ("eva@miramar.example", "flag_cleared", "agent", MIRAMAR, {"was": "25%", "now": None}),
    ]


def test_what_changes_nothing_is_no_change(app):
    switch("agent", False)
    switch("agent", False)
    clear("booking")
    assert len(recorded()) == 1


def test_a_page_sees_what_is_set_where_and_who_did_it_last(app):
    switch("agent", False)
    switch("agent", True, ANDES)
    with at_work(app, "eva@miramar.example"):
        switch("agent", True, MIRAMAR, percentage=10)
    agent, booking, *others = all_flags(MIRAMAR)
    assert (agent.key, agent.default, agent.general, agent.own) == ("agent", True, Switch(False), Switch(True, 10))
    assert (agent.effective, agent.changed_by) == (Switch(True, 10), "eva@miramar.example")
    assert (booking.general, booking.own, booking.effective, booking.changed_at) == (None, None, Switch(True), None)
    assert str(agent.description)
    assert [(one.key.split(".")[0], one.effective) for one in others] == [("proactive", Switch(False))] * 6
    assert [entry.details["now"] for entry in history("agent", MIRAMAR)] == ["10%", "off"]


# Commands


def test_commands_set_list_and_clear(cli):
    assert cli("flag", "set", "agent", "on", "--hotel", "miramar", "--percentage", "25").exit_code == 0
    assert cli("flag", "set", "booking", "off").exit_code == 0
    listed = cli("flag", "list").output
    assert "agent\tmiramar\t25%" in listed
    assert "booking\teverywhere\toff" in listed
    assert cli("flag", "clear", "agent", "--hotel", "miramar").exit_code == 0
    assert "miramar" not in cli("flag", "list").output
    for wrong in (
        ("set", "agentt", "off"),
        ("set", "agent", "off", "--percentage", "5"),
        ("set", "agent", "on", "--percentage", "0"),
        ("clear", "agentt"),
        ("clear", "agent", "--hotel", "nowhere"),
    ):
        failed = cli("flag", *wrong)
        assert failed.exit_code != 0, wrong
        assert "Traceback" not in failed.output


def test_messages_of_the_hotels_own_account_are_off_until_the_hotel_wants_them(cli):
    assert not is_on("proactive.check_in", MIRAMAR, 1)
    assert cli("flag", "set", "proactive.check_in", "on", "--hotel", "miramar").exit_code == 0
    assert is_on("proactive.check_in", MIRAMAR, 1)
    assert not is_on("proactive.check_in", ANDES, 1)
    assert not is_on("proactive.review", MIRAMAR, 1)


def test_a_command_that_valkey_did_not_hear_says_so(cli, without_valkey, monkeypatch):
    monkeypatch.setattr(live, "tell", lambda *_, **__: False)
    done = cli("flag", "set", "agent", "off")
    assert done.exit_code == 0
    assert "within a minute" in done.output


# It always answers


@pytest.fixture
def without_valkey(monkeypatch) -> None:
    nowhere = Redis(port=9, retry=Retry(NoBackoff(), 0))
    monkeypatch.setattr(caches, "quick_redis", lambda: nowhere)


def test_asking_costs_the_callers_transaction_nothing(app):
    switch("agent", False)
    forget()
    with no_statements():
        assert not is_on("agent", MIRAMAR)


def test_a_transaction_that_failed_already_still_learns_of_flags(app):
    switch("agent", False)
    forget()
    with pytest.raises(DBAPIError):
        db.session.execute(text("select 1/0"))
    assert not is_on("agent", MIRAMAR)


def test_without_valkey_postgres_says_it(app, without_valkey):
    switch("agent", False)
    forget()
    began = monotonic()
    assert not is_on("agent", MIRAMAR)
    assert monotonic() - began < 4


def test_the_next_process_reads_the_snapshot_and_not_postgres(app, monkeypatch):
    switch("agent", False)
    monkeypatch.setattr(caches, "_from_postgres", lambda: pytest.fail("PostgreSQL was asked"))
    assert Cache().switches() == {("agent", None): Switch(False)}


def test_a_minute_of_the_snapshot_is_a_minute_from_when_it_was_read(app, monkeypatch):
    switch("agent", False)
    redis().pexpire(SNAPSHOT, 300)
    monkeypatch.setattr(live.listener, "hears", True)
    late = Cache()
    late.switches()
    assert late._until_hearing - monotonic() < 0.3


def test_a_snapshot_of_rows_read_before_a_change_and_put_down_after_it_is_passed_over(app, monkeypatch):
    read = caches._from_postgres
    slow = Cache()

    def read_and_be_overtaken():
        rows = read()
        monkeypatch.setattr(caches, "_from_postgres", read)
        switch("agent", False)
        return rows

    monkeypatch.setattr(caches, "_from_postgres", read_and_be_overtaken)
    assert slow.switches() == {}
    assert Cache().switches() == {("agent", None): Switch(False)}


def test_news_that_come_while_it_looks_make_it_look_again(app, monkeypatch):
    read = caches._from_postgres
    mine = Cache()

    def read_and_hear():
        rows = read()
        mine.doubt()
        return rows

    monkeypatch.setattr(caches, "_from_postgres", read_and_hear)
    mine.switches()
    assert not mine._is_fresh()


def test_what_lay_in_valkey_while_news_were_missed_does_not_count(app):
    switch("agent", False)
    db.session.execute(text("delete from feature_flags"))
    db.session.commit()
    mine = Cache()
    assert mine.switches() == {("agent", None): Switch(False)}
    mine.doubt(snapshot=True)
    assert mine.switches() == {}
    assert Cache().switches() == {}


@pytest.mark.parametrize("rubbish", [b"", b"{", b"[]", b'["g", [["agent"]]]', b"7"])
def test_rubbish_in_valkey_is_passed_over(app, rubbish):
    switch("agent", False)
    redis().set(GENERATION, "g")
    redis().set(SNAPSHOT, rubbish)
    forget()
    assert not is_on("agent", MIRAMAR)


def test_with_both_away_what_was_known_goes_on(app, without_valkey, monkeypatch):
    switch("agent", False)
    monkeypatch.setattr(caches, "_from_postgres", lambda: None)
    caches.cache.doubt()
    assert not is_on("agent", MIRAMAR)
    forget()
    assert is_on("agent", MIRAMAR)


def test_a_locked_table_holds_nobody_up_for_long(app, without_valkey):
    switch("agent", False)
    with connect("somebody who migrates") as busy, busy.transaction():
        busy.execute("lock table feature_flags in access exclusive mode")
        caches.cache.doubt()
        began = monotonic()
        assert not is_on("agent", MIRAMAR)
        assert monotonic() - began < 4
        again = monotonic()
        assert not any(is_on("agent", MIRAMAR) for _ in range(100))
        assert monotonic() - again < 4


def test_servers_that_hang_hold_nobody_up_for_long(app, servers, impatient):
    switch("agent", False)
    caches.cache.doubt()
    both = [servers.pids["valkey"], servers.pids["postgres"]]
    for pid in both:
        os.kill(pid, signal.SIGSTOP)
    try:
        began = monotonic()
        assert not is_on("agent", MIRAMAR)
        assert monotonic() - began < 4
        again = monotonic()
        assert not any(is_on("agent", MIRAMAR) for _ in range(1000))
        assert monotonic() - again < 4
    finally:
        for pid in both:
            os.kill(pid, signal.SIGCONT)
