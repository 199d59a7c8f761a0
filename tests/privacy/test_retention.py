"""What is too old goes with all that hangs on it, a little at a time; what somebody still needs stays whole."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date, timedelta
from typing import Any

import psycopg
import pytest
from sqlalchemy import select, text

from hotel_agent import metrics, queues
from hotel_agent.config import Settings, settings
from hotel_agent.conversations.models import Message, WebhookFailure
from hotel_agent.db import db, utcnow
from hotel_agent.errors import ConfigurationError
from hotel_agent.media.models import Media
from hotel_agent.partitions import make_partitions
from hotel_agent.privacy import retention
from tests.conversations.cast import conversation, hotel_of
from tests.dashboard.cast import books, happens, list_of, says, talk
from tests.media.conftest import JPEG, marta_sends, media_of  # noqa: F401
from tests.privacy.test_erasing import WORDS, where_found, xiomara  # noqa: F401
from workers import messages as message_jobs
from workers import retention as jobs

LONG_AGO = date(2019, 3, 10)
MARTA, LUISA = "34600111222", "34600333444"
# What tells when a row came about.
TIMES = {
    "messages": "created_at",
    "message_ids": "message_created_at",
    "media": "created_at",
    "conversation_events": "at",
    "guest_requests": "created_at",
    "missing_answers": "created_at",
    "drafts": "created_at",
    "feedback": "created_at",
    "proactive_messages": "created_at",
    "inbound_events": "received_at",
    "webhook_failures": "created_at",
    "audit_log": "at",
    "sessions": "created_at",
}


@pytest.fixture(autouse=True)
def tidy(app) -> Iterator[None]:
    """Months of long ago are no other test's business."""
    yield
    db.session.rollback()
    for name in months():
        db.session.execute(text(f"drop table {name}"))
    db.session.commit()


def was_long_ago(*, but: tuple[str, ...] = ()) -> None:
    """All that was said and done until now, as if it had been then."""
    db.session.rollback()
    for table, column in TIMES.items():
        if table not in but:
            # Each row a little later than the one before, as it was.
            shift = text(f"update {table} set {column} = {column} - (now() - cast(:then as timestamptz))")
            db.session.execute(shift, {"then": LONG_AGO})
    db.session.execute(text("update sessions set last_activity = created_at"))
    db.session.execute(text("update inbound_events set processed_at = received_at"))
    db.session.commit()
    make_partitions()


def months() -> list[str]:
    """The partitions of messages of that year."""
    query = "select inhrelid::regclass::text from pg_inherits where inhparent = 'messages'::regclass order by 1"
    names = [name for name in db.session.scalars(text(query)) if name.startswith(f"messages_{LONG_AGO.year}")]
    db.session.rollback()
    return names


def rows(table: str, where: str = "true") -> int:
    count: int = db.session.scalar(text(f"select count(*) from {table} where {where}"))
    db.session.rollback()
    return count


def said(who: int) -> list[str]:
    db.session.rollback()
    return list(db.session.scalars(select(Message.body).where(Message.conversation_id == who).order_by(Message.id)))


def change(statement: str, **values: Any) -> None:
    db.session.execute(text(statement), values)
    db.session.commit()


@pytest.fixture
def kept_for(monkeypatch) -> Callable[..., None]:
    """`kept_for(messages_months=6)`: the installation's settings."""

    def set_to(**months: int | None) -> None:
        changed = settings().model_copy(update=months)
        monkeypatch.setattr(retention, "settings", lambda: changed)

    return set_to


# Messages


def test_of_what_was_said_long_ago_no_word_is_left_anywhere(xiomara, app):  # noqa: F811
    """But what is known of the guest: name, phone, notes, bookings."""
    change("update guest_requests set status = 'done'")
    change("update missing_answers set status = 'dismissed'")
    change("update conversations set status = 'closed', waiting_since = null, waiting_reasons = '{}'")
    change("delete from api_requests; delete from guest_exports")
    change("update audit_log set details = '{}' where details ? 'reason'")
    change("update messages set handling = 'answered' where handling in ('pending', 'staff')")
    was_long_ago()
    said_then = [*(word.encode() for word in WORDS if not word.startswith(("Xiomara", "Quetz"))), JPEG[:200]]
    assert {"messages", "media", "inbound_events"} <= {found.partition(".")[0] for found in where_found(*said_then)}
    told = app.test_cli_runner().invoke(args=["retention", "run"])
    assert told.exit_code == 0, told.output
    known = ("guest_notes", "guest_consents", "lock_audit", "pms_", "reservation", "guests", "guest_identities")
    assert [found for found in where_found(*said_then) if not found.startswith(known)] == []
    assert [table for table in TIMES if rows(table, f"{TIMES[table]} < '2020-01-01'")] == [
        "feedback", "proactive_messages"
    ]  # fmt: skip
    assert rows("proactive_messages", "message_id is not null") == 0
    assert rows("reservations")
    assert rows("conversations")
    assert rows("guests", "name like 'Xiomara%'")
    assert months() == []


def test_a_month_that_nobody_needs_goes_as_a_whole(marta_says, run_jobs, sent):
    marta_says("Hola", phone=MARTA)
    run_jobs()
    was_long_ago()
    assert months() == ["messages_201903"]
    before = metrics.rows_forgotten.labels("messages")._value.get()
    assert retention.forget("messages") is False
    assert months() == []
    assert rows("messages") == rows("message_ids") == 0
    assert metrics.rows_forgotten.labels("messages")._value.get() == before + 2


def test_within_the_time_everything_stays(marta_says, run_jobs, sent, kept_for):
    marta_says("Hola")
    run_jobs()
    was_long_ago()
    for months_kept, today in ((None, date(2090, 1, 1)), (25, date(2021, 4, 30)), (1, date(2019, 4, 30))):
        kept_for(messages_months=months_kept)
        assert retention.forget("messages", today) is False
        assert rows("messages", "created_at < '2019-04-01'") == 2, months_kept
    retention.forget("messages", date(2019, 5, 1))
    assert rows("messages") == 0


NEEDED = {
    "it waits for a person": "update conversations set status = 'waiting', waiting_since = now() where id = :id",
    "it was put off": "update conversations set status = 'snoozed', snoozed_until = now() where id = :id",
    "a colleague has it": "update conversations set owner = 'staff' where id = :id",
    "an answer is due": "update messages set handling = 'pending' where conversation_id = :id and direction = 'in'",
    "something is to be sent": """
        update messages set status = 'queued' where conversation_id = :id and direction = 'out'""",
    "a request is open": """
        insert into guest_requests (hotel_id, conversation_id, guest_id, request_key, kind)
        select hotel_id, id, guest_id, 'k', 'repair' from conversations where id = :id""",
    "a question is open": """
        insert into missing_answers (hotel_id, conversation_id, guest_id, request_key, question, language)
        select hotel_id, id, guest_id, 'k', '?', 'es' from conversations where id = :id""",
    "a draft waits to be approved": """
        insert into drafts (hotel_id, conversation_id, language, bubbles, state, state_before)
        select hotel_id, id, 'es', '[]', '{}', '{}' from conversations where id = :id""",
}


@pytest.mark.parametrize("why", [*NEEDED, "a stay is not over"])
def test_what_is_needed_stays_whole_and_goes_when_it_is_not(why, app):
    marta, luisa = talk("Marta", phone=MARTA), talk("Luisa", phone=LUISA)
    for who in (marta, luisa):
        message = says(who, "¿Hay piscina?")
        says(who, "Sí", direction="out", status="read")
        happens(who, "note", body="Pregunta mucho")
        db.session.add(Media(hotel_id=hotel_of("miramar"), conversation_id=who, message_id=message, graph_id="g"))
        db.session.commit()
    if why in NEEDED:
        change(NEEDED[why], id=marta)
    else:
        books(marta, 30, 33, "booked")
    hanging = rows("message_ids")
    was_long_ago()
    retention.forget("messages")
    retention.forget("media")
    assert (said(marta), said(luisa)) == (["¿Hay piscina?", "Sí"], [])
    assert (rows("media"), rows("message_ids")) == (1, hanging / 2)
    assert rows("conversation_events", f"conversation_id = {marta}") == 1
    assert rows("conversation_events", f"conversation_id = {luisa}") == 0
    assert months() == ["messages_201903"]
    change("update conversations set status = 'closed', owner = 'agent', waiting_since = null")
    change("update messages set handling = 'answered' where handling = 'pending'")
    change("update messages set status = 'cancelled' where status = 'queued'")
    change("delete from guest_requests; delete from missing_answers; delete from drafts")
    change("update reservations set check_in = current_date - 9, check_out = current_date - 7, status = 'departed'")
    retention.forget("messages")
    assert (said(marta), rows("media"), rows("message_ids"), months()) == ([], 0, 0, [])


def test_of_a_talk_that_goes_on_what_is_too_old_goes(app):
    marta = talk("Marta", phone=MARTA)
    says(marta, "Hace mucho")
    was_long_ago()
    says(marta, "Ayer")
    change(
        "update conversations set last_message_text = 'Ayer', last_message_author = 'guest' where id = :id", id=marta
    )
    retention.forget("messages")
    assert said(marta) == ["Ayer"]
    assert list_of("all").lines[0].text == "Ayer"


def test_lists_do_not_tell_what_was_forgotten(app):
    marta = talk("Marta", phone=MARTA, last_message_text="quiscalus", last_message_author="guest")
    says(marta, "quiscalus")
    was_long_ago()
    retention.forget("messages")
    assert "quiscalus" not in str(list_of("all"))
    assert where_found(b"quiscalus") == []


def test_a_message_that_quotes_a_forgotten_one_is_shown_without_it(app, sign_in):
    marta = talk("Marta", phone=MARTA)
    says(marta, "quiscalus", wamid="wamid.OLD")
    was_long_ago()
    says(marta, "Eso mismo", payload={"context": {"id": "wamid.OLD"}})
    retention.forget("messages")
    page = sign_in("ana@miramar.example").get(f"/conversations/{marta}")
    assert page.status_code == 200
    assert "Eso mismo" in page.text
    assert "quiscalus" not in page.text


def test_a_status_and_a_second_delivery_of_what_was_forgotten_change_nothing(marta_says, run_jobs, deliver, sent):
    from tests.conversations import bodies

    marta_says("Hola", phone=MARTA, wamid="wamid.OLD")
    run_jobs()
    was_long_ago()
    retention.forget("messages")
    deliver(bodies.status(sent[-1].wamid, "read"))
    message_jobs.take_in()
    assert rows("messages") == 0
    marta_says("Hola otra vez", phone=MARTA)
    run_jobs()
    assert [message.direction for message in db.session.scalars(select(Message).order_by(Message.id))] == ["in", "out"]


# In small steps


def test_whoever_is_ended_in_the_middle_has_lost_nothing(app, monkeypatch):
    """A turn that is over, and one that dies: both times the next goes on."""
    monkeypatch.setattr(retention, "BATCH", 2)
    marta, luisa = talk("Marta", phone=MARTA), talk("Luisa", phone=LUISA, owner="staff")
    for number in range(7):
        says(marta, f"Mensaje {number}")
    says(luisa, "Espero")
    was_long_ago()
    turns = 0
    while retention.forget("messages", seconds=0):
        turns += 1
        assert rows("messages") + rows("message_ids") == 2 * rows("messages"), "no message without what hangs on it"
        if turns == 2:
            with monkeypatch.context() as dying:
                dying.setattr(retention, "_no_longer_shown", _dies)
                with pytest.raises(psycopg.OperationalError):
                    retention.forget("messages")
            db.session.rollback()
    assert turns == 4
    assert (said(marta), said(luisa)) == ([], ["Espero"])
    assert rows("message_ids") == 1


def _dies(_values: object) -> None:
    raise psycopg.OperationalError("the server closed the connection")


def test_a_month_that_was_half_cleared_goes_in_the_next_turn(app, monkeypatch):
    monkeypatch.setattr(retention, "BATCH", 2)
    marta = talk("Marta", phone=MARTA)
    for number in range(5):
        says(marta, f"Mensaje {number}")
    was_long_ago()
    assert retention.forget("messages", seconds=0) is True
    assert (rows("messages"), rows("message_ids")) == (5, 3)
    assert months() == ["messages_201903"]
    turns = 1
    while retention.forget("messages", seconds=0):
        turns += 1
    assert turns == 4  # What is cleared already costs no turn: two more batches, and the month itself.
    assert (rows("messages"), rows("message_ids"), months()) == (0, 0, [])


def test_what_begins_to_be_needed_meanwhile_stays(app, monkeypatch):
    monkeypatch.setattr(retention, "BATCH", 1)
    marta, luisa = talk("Marta", phone=MARTA), talk("Luisa", phone=LUISA)
    for who in (marta, luisa):
        says(who, "Hola")
    was_long_ago()
    assert retention.forget("messages", seconds=0) is True
    change("update conversations set status = 'waiting' where id = :id", id=luisa)
    retention.forget("messages")
    assert (said(marta), said(luisa)) == ([], ["Hola"])
    assert rows("message_ids") == 1


def test_two_workers_do_not_do_the_same_work(app):
    marta = talk("Marta", phone=MARTA)
    says(marta, "Hola")
    was_long_ago()
    with psycopg.connect(settings().database_url) as other:
        other.execute("select pg_advisory_lock(hashtextextended('retention:1', 0))")
        assert retention.forget("messages") is False
        told = app.test_cli_runner().invoke(args=["retention", "run"]).output
        assert "messages: another process is at it" in told
        assert said(marta) == ["Hola"]
        other.execute("select pg_advisory_unlock_all()")
    retention.forget("messages")
    assert said(marta) == []


def test_a_job_whose_turn_ended_waits_in_the_queue_for_another(app, monkeypatch):
    monkeypatch.setattr(retention, "TURN_SECONDS", 0)
    says(talk("Marta", phone=MARTA), "Hola")
    was_long_ago()
    jobs.forget_messages()
    waiting = queues.queue(queues.BACKGROUND)
    assert [job.func_name for job in waiting.jobs] == ["workers.retention.forget_messages"]
    waiting.empty()
    jobs.forget_messages()
    jobs.forget_messages()
    waiting.empty()
    jobs.forget_messages()
    assert waiting.jobs == []
    assert months() == []


# Files


def test_a_file_goes_before_its_message_and_the_thread_tells_so(marta_sends, media_of, run_jobs, sign_in):  # noqa: F811
    media_id = marta_sends("image", JPEG, "image/jpeg", caption="Mi pasaporte")
    run_jobs()
    row = media_of(media_id).id
    ana = sign_in("ana@miramar.example")
    assert ana.get(f"/media/{row}").data == JPEG
    change("update media set created_at = now() - interval '15 months'")
    retention.forget("media")
    assert ana.get(f"/media/{row}").data == JPEG, "somebody waits for an answer to it"
    change("update conversations set status = 'closed', owner = 'agent', waiting_since = null")
    retention.forget("media")
    assert where_found(JPEG[:200]) == []
    page = ana.get(f"/conversations/{conversation().id}").text
    assert "Mi pasaporte" in page
    assert "ya no se conserva" in page
    assert ana.get(f"/media/{row}").status_code == 404
    assert ana.post(f"/media/{row}/again").status_code == 303
    db.session.rollback()
    forgotten = db.session.get_one(Media, row, populate_existing=True)
    assert (forgotten.status, forgotten.content, forgotten.playable, forgotten.file_name) == (
        "forgotten",
        None,
        None,
        "",
    )


# Deliveries that nobody could read, and the audit log


def test_unreadable_deliveries_go_with_the_raw_ones(deliver, run_jobs, app):
    change(
        "insert into webhook_failures (event_id, reason, body, created_at) values (1, 'unreadable', 'x', '2019-01-01')"
    )
    change("insert into webhook_failures (event_id, reason, body, created_at) values (2, 'unreadable', 'x', now())")
    retention.forget("webhook_failures")
    assert list(db.session.scalars(select(WebhookFailure.event_id))) == [2]


def test_the_audit_log_goes_after_three_years(app, monkeypatch):
    monkeypatch.setattr(retention, "BATCH", 10)
    change("delete from audit_log")
    change(
        "insert into audit_log (at, actor, action) select now() - make_interval(months => n), 'ana', 'x'"
        " from generate_series(1, 80) n"
    )
    retention.forget("audit_log")
    assert rows("audit_log") in (37, 38)
    assert rows("audit_log", "at < now() - interval '39 months'") == 0


# Settings


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("MESSAGES_MONTHS", "0"),
        ("MESSAGES_MONTHS", "-3"),
        ("MESSAGES_MONTHS", "two years"),
        ("MESSAGES_MONTHS", "999999999"),
        ("MEDIA_MONTHS", "26"),
        ("MEDIA_MONTHS", "never"),
        ("INBOUND_EVENTS_MONTHS", "60"),
        ("INBOUND_EVENTS_MONTHS", "never"),
        ("SESSIONS_MONTHS", "100000"),
        ("AUDIT_LOG_MONTHS", "12"),
        ("LOCK_AUDIT_MONTHS", "0.5"),
    ],
)
def test_nonsense_is_refused_at_the_start_by_name(app, monkeypatch, name, value):
    monkeypatch.setenv(name, value)
    with pytest.raises(ConfigurationError, match=rf"^{name}: "):
        settings.__wrapped__()


def test_what_is_said_is_kept_nowhere_longer_than_as_a_message(app):
    known = {"database_url": "x", "redis_url": "x", "secret_key": "x" * 16}
    short = Settings(messages_months=3, **known)  # type: ignore[arg-type]
    assert (short.media_kept_months, short.bodies_kept_months) == (3, 3)
    for_ever = Settings(messages_months="never", media_months="Never", **known)  # type: ignore[arg-type]
    assert (for_ever.messages_months, for_ever.media_kept_months, for_ever.bodies_kept_months) == (None, None, 13)
    usual = Settings(**known)  # type: ignore[arg-type]
    assert (usual.messages_months, usual.media_kept_months, usual.bodies_kept_months) == (25, 13, 13)


def test_the_command_tells_what_is_kept_for_how_long(app):
    says(talk("Marta", phone=MARTA), "Hola")
    was_long_ago()
    told = app.test_cli_runner().invoke(args=["retention", "show"]).output
    first_of_month = (utcnow().date().replace(day=1) - timedelta(days=1)).replace(day=1)
    assert f"messages\tkept from {first_of_month.year - 2}-{first_of_month.month:02}-01 on\t1 rows are older" in told
    assert {line.split("\t")[0] for line in told.splitlines()} == set(retention.KINDS)
