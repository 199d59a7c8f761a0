"""A guest is erased: what they wrote, sent and were called is in no table, no file and no key any more."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from rq.registry import FailedJobRegistry
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError

from hotel_agent import queues
from hotel_agent.conversations import joining, taking_in
from hotel_agent.conversations.models import Conversation, InboundEvent, Message, WebhookFailure
from hotel_agent.db import db, utcnow
from hotel_agent.errors import BadInput, NotFound
from hotel_agent.guests import keeping
from hotel_agent.guests.models import Guest, GuestIdentity
from hotel_agent.hotels.credentials import fingerprint
from hotel_agent.hotels.finding import by_slug
from hotel_agent.pms.local.models import Reservation
from hotel_agent.privacy import erasing, exporting
from hotel_agent.privacy.bodies import Known, without
from hotel_agent.privacy.models import GuestErasure
from hotel_agent.privacy.tables import EXPORTED, KEPT
from hotel_agent.redis import redis
from hotel_agent.simulator.phones import Bubble, Chat, Tick
from tests.conversations import bodies
from tests.conversations.bodies import from_guest, merged, message, said
from tests.conversations.cast import ana, luis
from tests.dashboard.cast import books, guest, holds, says, talk
from tests.load.installation import wait_until
from tests.media.conftest import JPEG, make_due, marta_sends, media_of  # noqa: F401

PHONE, LUISA = "34600998877", "34600111999"
NAME = "Xiomara Quetzalcóatl"
# Nothing else in the world has these words.
WORDS = ("quiscalus", "zarigüeya", "xiomara@quetzal.example", "Xiomara", "Quetzalc", "tlacuache", "ornitorrinco")
FILE = "pasaporte-axolotl.pdf"


def guest_id(phone: str = PHONE) -> int:
    db.session.rollback()
    return db.session.scalars(select(GuestIdentity.guest_id).where(GuestIdentity.value == phone)).one()


def columns() -> dict[str, list[tuple[str, str]]]:
    """By table, the name and type of each; partitions are seen through their tables."""
    rows = db.session.execute(
        text(
            "select c.relname, a.attname, a.atttypid::regtype::text from pg_class c"
            " join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped"
            " where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition"
        )
    )
    found: dict[str, list[tuple[str, str]]] = {}
    for table, column, kind in rows:
        found.setdefault(table, []).append((column, kind))
    return found


def as_bytes(column: str, kind: str) -> str:
    return column if kind == "bytea" else f"convert_to({column}::text, 'UTF8')"


def where_found(*needles: bytes) -> list[str]:
    """Every table, column and key in which one of them stands; bytes are looked at as they are."""
    db.session.rollback()
    found = []
    for table, its_columns in columns().items():
        each = " union all ".join(
            f"select '{column}', needle from unnest(cast(:needles as bytea[])) needle"
            f" where exists (select from {table} where position(needle in {as_bytes(column, kind)}) > 0)"
            for column, kind in its_columns
        )
        hits = db.session.execute(text(each), {"needles": list(needles)})
        found += [f"{table}.{column}: {bytes(needle)!r}" for column, needle in hits]
    db.session.rollback()
    return found + in_valkey(*needles)


def in_valkey(*needles: bytes) -> list[str]:
    found = []
    for key in redis().scan_iter():
        kept = key + (redis().dump(key) or b"")
        found += [f"{key!r}: {needle!r}" for needle in needles if needle in kept]
    return found


def needles() -> list[bytes]:
    words = [PHONE, "Quetzalcóatl", FILE, *WORDS]
    escaped = [word.encode("unicode_escape") for word in words]  # As JSON writes it.
    return sorted({*(word.encode() for word in words), *escaped, JPEG[:200]})


def erase(who: int) -> None:
    erasing.carry_out(erasing.ask(who, luis(), hotel_id=by_slug("miramar").id))
    db.session.rollback()


@pytest.fixture
def xiomara(marta_says, marta_sends, deliver, run_jobs, sent):  # noqa: F811
    """Everything that a guest can leave, through the real intake; answers her row's id."""
    marta_says("Hola, soy quiscalus", wamid="wamid.QUIS1", phone=PHONE, name=NAME)
    run_jobs()
    marta_sends("image", JPEG, "image/jpeg", wamid="wamid.QUIS2", phone=PHONE, caption="mi zarigüeya")
    marta_sends("document", JPEG, "application/pdf", wamid="wamid.QUIS3", phone=PHONE, filename=FILE)
    who: dict[str, Any] = {"phone": PHONE, "name": NAME}
    reaction = message("reaction", "wamid.QUIS4", reaction={"message_id": sent[-1].wamid if len(sent) else "x"})
    deliver(from_guest(reaction, **who))
    edit = {"original_message_id": "wamid.QUIS1", "message": {"type": "text", "text": {"body": "ornitorrinco"}}}
    deliver(from_guest(message("edit", "wamid.QUIS5", edit=edit), **who))
    revoke = message("revoke", "wamid.QUIS6", revoke={"original_message_id": "wamid.QUIS1"})
    deliver(from_guest(revoke, **who))
    # Two people in one body, of which one is cut out.
    deliver(merged(said("tlacuache", wamid="wamid.QUIS7", **who), said("Toallas, por favor", "wamid.L1", phone=LUISA)))
    deliver(said("quiscalus", wamid="wamid.QUIS8", to="999", **who))  # Nobody's number: set aside.
    run_jobs()
    marta_says("Mi correo es xiomara@quetzal.example, prefiero una habitación tranquila", phone=PHONE, name=NAME)
    run_jobs()
    found = guest_id()
    conversation = db.session.scalars(select(Conversation.id).where(Conversation.guest_id == found)).one()
    hotel_id = by_slug("miramar").id
    keeping.add_note(found, ana(), f"{NAME} trajo un tlacuache", hotel_id=hotel_id)
    keeping.consent(found, ana(), "other", "dijo quiscalus", hotel_id=hotel_id)
    keeping.opt_out(found, ana(), hotel_id=hotel_id)
    code = books(conversation, -9, -7, "departed", rooms=("101",), guest_name=NAME)
    rows = (
        "insert into guest_requests (hotel_id, conversation_id, guest_id, request_key, kind, words)"
        " values (:hotel, :conversation, :guest, 'k', 'repair', 'quiscalus')",
        "insert into missing_answers (hotel_id, conversation_id, guest_id, request_key, question, language)"
        " values (:hotel, :conversation, :guest, 'k', '¿quiscalus?', 'es')",
        "insert into feedback (hotel_id, conversation_id, guest_id, request_key, words)"
        " values (:hotel, :conversation, :guest, 'k', 'ornitorrinco')",
        "insert into conversation_events (hotel_id, conversation_id, kind, body)"
        " values (:hotel, :conversation, 'note', 'quiscalus')",
        "insert into reservation_changes (reservation_id, request_key, before, after) select id, 'k',"
        """ '{"guest_name": "Xiomara"}', '{"guest_name": "Xiomara Quetzalcóatl"}' from reservations"""
        " where guest_id = :guest",
        "insert into api_requests (hotel_id, caller, actor, key, operation, code, fingerprint, asked) select :hotel,"
        " 'token:1', 'token', 'k', 'book', code, 'f', '{\"guest\": {\"name\": \"Xiomara\"}}' from reservations"
        " where guest_id = :guest",
        "insert into audit_log (hotel_id, actor, action, subject, details)"
        """ values (:hotel, 'command', 'x', '34600998877', '{"name": "Xiomara Quetzalcóatl"}')""",
        "insert into early_statuses (hotel_id, wamid, status) values (:hotel, 'wamid.QUIS7', 'read')",
        "insert into drafts (hotel_id, conversation_id, language, bubbles, state, state_before, status) values (:hotel,"
        """ :conversation, 'es', '[{"body": "Hola, quiscalus"}]', '{}', '{"name": "Xiomara"}', 'overtaken')""",
        "insert into client_ids (conversation_id, client_id, message_id) select :conversation, gen_random_uuid(),"
        " max(id) from messages where conversation_id = :conversation",
        "insert into proactive_messages (hotel_id, reservation_id, kind, outcome, conversation_id)"
        " select :hotel, id, 'thanks', 'sent', :conversation from reservations where guest_id = :guest",
        "insert into reservation_rooms (hotel_id, reservation_id, place, kind, number, check_in, check_out)"
        " select :hotel, id, 1, 'doble', '101', check_in, check_out from reservations where guest_id = :guest",
        "insert into reservation_extras (hotel_id, reservation_id, code, price, currency)"
        " select :hotel, id, 'breakfast', 9, 'EUR' from reservations where guest_id = :guest",
        "insert into pms_news (hotel_id, reservation_id, before, after)"
        " select :hotel, id, '{}', '{}' from reservations where guest_id = :guest",
        "insert into pms_writes (hotel_id, reservation_id, operation, token, payload, state, why) select :hotel, id,"
        """ 'rename', 'T', '{"name": "Xiomara"}', 'done', 'Xiomara is no name' from reservations"""
        " where guest_id = :guest",
        "insert into pms_holds (hotel_id, guest_id, hold_key, request_key, token, code, status, check_in, check_out,"
        " total, late_fee, currency, expires_at) values (:hotel, :guest, 'kept', 'k', 'T', 'MIR-K', 'released',"
        " '2020-01-01', '2020-01-02', 9, 0, 'EUR', '2020-01-01')",
        "insert into lock_audit (hotel_id, lock_id, hold_key, action, actor, why, at_pms)"
        " values (:hotel, 1, 'kept', 'released', 'staff', 'tlacuache llamó', true)",
        "insert into audit_log (hotel_id, actor, action, subject, details)"
        """ values (:hotel, 'ana', 'hold_released', 'kept', '{"reason": "tlacuache llamó"}')""",
    )
    for row in rows:
        values = {"hotel": hotel_id, "conversation": conversation, "guest": found}
        db.session.execute(text(row), {name: value for name, value in values.items() if f":{name}" in row})
    db.session.commit()
    exporting.make(exporting.ask(found, luis(), hotel_id=hotel_id))
    redis().set(f"presence:{conversation}", NAME)
    assert code
    return found


def test_nothing_of_a_guest_is_left_in_any_table_or_key(xiomara):
    before = where_found(*needles())
    for table in ("messages", "inbound_events", "media", "webhook_failures", "guests", "reservations", "audit_log"):
        assert any(one.startswith(table) for one in before), table
    erase(xiomara)
    wamids = [f"wamid.QUIS{number}".encode() for number in range(1, 9)]
    assert where_found(*needles(), *wamids) == []


def test_rows_are_left_only_where_it_is_said_what_of_them(xiomara):
    keys = exporting._keys(xiomara)

    def filled() -> set[str]:
        found = set()
        for table, part in EXPORTED.items():
            query = text(f"select exists (select from {table} t where {part.where})")
            bound = {name: value for name, value in keys.items() if f":{name}" in part.where}
            found |= {table} if db.session.scalar(query, bound) else set()
        return found

    assert filled() == set(EXPORTED), "whoever adds a table lets Xiomara leave something in it"
    erase(xiomara)
    assert filled() == set(KEPT) & set(EXPORTED)


def test_the_trail_says_who_but_no_more_in_which_words(xiomara):
    erase(xiomara)
    trail = "select action, actor, why from lock_audit where hold_key = 'kept' and actor = 'staff'"
    assert db.session.execute(text(trail)).all() == [("released", "staff", "")]
    with pytest.raises(DBAPIError, match="append-only"):
        db.session.execute(text("update lock_audit set why = 'otherwise'"))
    db.session.rollback()


def test_nothing_is_left_in_a_file(xiomara):
    """But in those of the database server itself, which docs/privacy.md speaks of."""
    erase(xiomara)
    for path in Path(os.environ["DATA_DIR"]).rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            assert not [needle for needle in needles() if needle in content], path


def test_what_others_said_in_the_same_body_stays(xiomara):
    erase(xiomara)
    kept = [event.body for event in db.session.scalars(select(InboundEvent)) if LUISA.encode() in event.body]
    assert len(kept) == 1
    assert b"Toallas" in kept[0]
    assert b"tlacuache" not in kept[0]
    words = db.session.scalars(select(Message.body).where(Message.wamid == "wamid.L1")).one()
    assert words == "Toallas, por favor"
    assert guest_id(LUISA)


def test_the_booking_is_kept_under_a_pseudonym(xiomara):
    erase(xiomara)
    row = db.session.scalars(select(Reservation).where(Reservation.guest_id == xiomara)).one()
    guest = db.session.get_one(Guest, xiomara, populate_existing=True)
    assert (row.guest_name, row.status) == (guest.name, "departed")
    assert str(guest.name).startswith("G-")
    assert guest.erased_at is not None
    assert (guest.preferences, guest.opted_out_at, guest.consented_at) == ([], None, None)


def test_the_same_phone_is_somebody_new(xiomara, marta_says, run_jobs):
    erase(xiomara)
    marta_says("Hola otra vez", phone=PHONE, name="Xio")
    run_jobs()
    assert guest_id() != xiomara
    assert db.session.get_one(Guest, guest_id()).name == "Xio"


def test_what_comes_while_it_is_under_way_is_somebody_new(xiomara, marta_says, run_jobs):
    erasure = erasing.ask(xiomara, luis(), hotel_id=by_slug("miramar").id)
    marta_says("Hola otra vez", wamid="wamid.NEW", phone=PHONE, name="Xio")
    run_jobs()
    erasing.carry_out(erasure)
    db.session.rollback()
    assert db.session.scalars(select(Message.body).where(Message.wamid == "wamid.NEW")).one() == "Hola otra vez"
    assert [event for event in db.session.scalars(select(InboundEvent)) if b"wamid.NEW" in event.body]
    assert guest_id() != xiomara


def test_messages_that_are_taken_in_at_the_same_moment_are_of_somebody_new_or_gone(app, xiomara, migrated_app):
    secret = fingerprint("app-secret-of-the-tests")
    for number in range(20):
        body = bodies.raw(said(f"m{number}", wamid=f"wamid.NOW{number}", phone=PHONE, name=NAME))
        db.session.add(InboundEvent(body=body, signed_by=secret))
    db.session.commit()
    asked: list[int] = []

    def intake() -> None:
        with migrated_app.app_context():
            while taking_in.take_in(1).bodies:
                pass

    def asking() -> None:
        with migrated_app.app_context():
            asked.append(erasing.ask(xiomara, luis(), hotel_id=by_slug("miramar").id))

    with ThreadPoolExecutor(3) as together:
        for done in [together.submit(intake), together.submit(intake), together.submit(asking)]:
            done.result(timeout=60)
    with migrated_app.app_context():
        erasing.carry_out(asked[0])
    db.session.rollback()
    whose = select(Conversation.guest_id).join(Message, Message.conversation_id == Conversation.id)
    assert xiomara not in set(db.session.scalars(whose))
    assert where_found(b"quiscalus", b"wamid.QUIS") == []
    known = db.session.scalars(select(GuestIdentity.guest_id).where(GuestIdentity.value == PHONE)).all()
    assert len(known) <= 1
    assert xiomara not in known


def test_a_status_of_an_old_message_that_comes_late_goes_too(xiomara, deliver, run_jobs):
    erasure = erasing.ask(xiomara, luis(), hotel_id=by_slug("miramar").id)
    deliver(bodies.status("wamid.QUIS2", "read"))
    run_jobs()
    erasing.carry_out(erasure)
    assert where_found(b"wamid.QUIS2") == []


@pytest.mark.parametrize(
    "step", ["_bodies", "_failures", "_conversations", "_bookings", "_trail", "_programs", "_in_valkey"]
)
def test_it_goes_on_where_it_has_died(xiomara, monkeypatch, step):
    erasure = erasing.ask(xiomara, luis(), hotel_id=by_slug("miramar").id)

    def dies(_row: GuestErasure) -> None:
        raise RuntimeError("no power")

    with monkeypatch.context() as broken:
        broken.setattr(erasing, step, dies)
        with pytest.raises(RuntimeError):
            erasing.carry_out(erasure)
    db.session.rollback()
    assert erasing.unfinished() == [erasure]
    erasing.carry_out(erasure)
    assert erasing.unfinished() == []
    assert where_found(b"quiscalus", b"ornitorrinco") == []


def test_in_small_batches_it_is_as_thorough(xiomara, monkeypatch):
    monkeypatch.setattr(erasing, "BATCH", 1)
    erase(xiomara)
    assert where_found(b"quiscalus", b"ornitorrinco") == []
    row = erasing.erasure_of(xiomara)
    assert row
    assert (row.done, row.known_as) == (row.total, {})


def test_done_twice_it_is_done_once(xiomara):
    erasure = erasing.ask(xiomara, luis(), hotel_id=by_slug("miramar").id)
    erasing.carry_out(erasure)
    row = erasing.erasure_of(xiomara)
    assert row
    done_at = row.done_at
    erasing.carry_out(erasure)
    db.session.refresh(row)
    assert row.done_at == done_at
    with pytest.raises(BadInput):
        erasing.ask(xiomara, luis(), hotel_id=by_slug("miramar").id)


@pytest.mark.parametrize(("arrives", "leaves", "status"), [(3, 5, "booked"), (-1, 1, "in_house"), (-3, 2, "pending")])
def test_while_a_booking_is_not_over_nobody_is_erased(xiomara, arrives, leaves, status):
    conversation = db.session.scalars(select(Conversation.id).where(Conversation.guest_id == xiomara)).one()
    books(conversation, arrives, leaves, status)
    with pytest.raises(BadInput, match="sin terminar"):
        erasing.ask(xiomara, luis(), hotel_id=by_slug("miramar").id)
    db.session.rollback()
    assert guest_id() == xiomara


def test_while_a_room_is_kept_nobody_is_erased(xiomara):
    conversation = db.session.scalars(select(Conversation.id).where(Conversation.guest_id == xiomara)).one()
    holds(conversation, "101", minutes=10)
    with pytest.raises(BadInput, match="minutos"):
        erasing.ask(xiomara, luis(), hotel_id=by_slug("miramar").id)


def test_a_phone_that_a_program_wrote_in_groups_is_found(xiomara):
    db.session.execute(
        text(
            "insert into api_requests (hotel_id, caller, actor, key, operation, fingerprint, asked) values (:hotel,"
            """ 'token:1', 'token', 'k2', 'book', 'f', '{"guest": {"name": "X", "phone": "+34 600-99 88 77"}}')"""
        ),
        {"hotel": by_slug("miramar").id},
    )
    db.session.commit()
    erase(xiomara)
    assert where_found(b"600-99") == []


def test_what_a_job_was_given_is_not_kept_by_the_queue(xiomara):
    queue = queues.queue(queues.API)
    job = queue.enqueue_call("workers.desk.do", args=(1, "check_in", "MIR-X", 1, NAME), failure_ttl=3600)
    FailedJobRegistry(queue=queue).add(job, ttl=3600, exc_string=f"ValueError: {NAME}")
    queue.remove(job)
    assert in_valkey("Quetzalcóatl".encode())
    erase(xiomara)
    assert where_found("Quetzalcóatl".encode()) == []


def test_who_is_merged_into_the_guest_meanwhile_is_erased_with_them(app, xiomara, migrated_app, monkeypatch):
    """The merge has the rows first; the erasure waits, and then knows both phones."""
    other = guest("Xiomara Q", LUISA + "0").id
    says(talk(who=db.session.get_one(Guest, other)), "tlacuache dos")
    db.session.execute(select(Guest.id).where(Guest.id == xiomara).with_for_update())

    def asks() -> int:
        with migrated_app.app_context():
            return erasing.ask(xiomara, luis(), hotel_id=by_slug("miramar").id)

    def is_waited_for() -> bool:
        waiting = "select exists (select from pg_stat_activity where wait_event_type = 'Lock')"
        with db.engine.connect() as other_connection:
            return bool(other_connection.scalar(text(waiting)))

    with ThreadPoolExecutor(1) as together:
        asking = together.submit(asks)
        wait_until(is_waited_for, 10, "nobody waits for the guest")
        joining.join_guests([other], xiomara)
        db.session.commit()
        erasure = asking.result(timeout=30)
    row = db.session.get_one(GuestErasure, erasure, populate_existing=True)
    assert LUISA + "0" in row.known_as["ids"]
    erasing.carry_out(erasure)
    assert where_found(b"tlacuache") == []


def test_another_hotel_erases_nobody_here(xiomara):
    with pytest.raises(NotFound):
        erasing.ask(xiomara, luis(), hotel_id=by_slug("andes").id)


def test_what_waits_to_be_answered_or_sent_is_not(xiomara, marta_says, run_jobs, sent):
    marta_says("¿Hay piscina?", phone=PHONE)
    taking_in.take_in()
    heard = len(sent)
    erase(xiomara)
    run_jobs()
    assert len(sent) == heard


def test_by_the_command_line_it_is_the_same(app, xiomara):
    answer = app.test_cli_runner().invoke(args=["guest", "erase", f"+{PHONE}", "--hotel", "miramar", "--yes"])
    assert answer.exit_code == 0, answer.output
    assert where_found(b"quiscalus") == []
    again = app.test_cli_runner().invoke(args=["guest", "erase", f"#{xiomara}", "--hotel", "miramar", "--yes"])
    assert again.exit_code == 1
    assert "has been erased" in again.output


# Bodies


KNOWN = Known(frozenset({PHONE, "ES.77"}), frozenset({"wamid.A/B="}))


@pytest.mark.parametrize(
    "body",
    [
        said("Hola", phone=PHONE),
        said("Hola", phone=None, bsuid="ES.77"),
        bodies.number_change("34600000000", PHONE),
        bodies.number_change(PHONE, "34600000000"),
        bodies.status("wamid.A/B=", "read"),
    ],
)
def test_a_body_of_theirs_alone_goes(body):
    assert without(bodies.raw(body), KNOWN) is None


def test_escaped_slashes_are_no_hiding_place():
    body = bodies.raw(bodies.status("wamid.A/B=", "read")).replace(b"/", b"\\/")
    assert KNOWN.may_be_in(body)
    assert without(body, KNOWN) is None


def test_somebody_elses_body_stays_byte_for_byte():
    body = bodies.raw(said(f"Mi amiga es {PHONE}", phone=LUISA))
    assert without(body, KNOWN) is body


def test_what_they_said_to_another_hotel_stays():
    body = bodies.raw(said("Hola", phone=PHONE, to=bodies.ANDES))
    assert without(body, Known(KNOWN.names, KNOWN.wamids, frozenset({bodies.ANDES}))) is body


def test_the_demos_phone_forgets_too(xiomara, monkeypatch):
    monkeypatch.setattr(erasing, "settings", lambda: SimpleNamespace(is_demo=True))
    chat = Chat(PHONE, bodies.MIRAMAR)
    chat.add(Bubble("wamid.X", "guest", "text", 0.0, text="quiscalus"), Tick.SENT)
    assert in_valkey(b"quiscalus")
    erase(xiomara)
    assert in_valkey(b"quiscalus", PHONE.encode()) == []


def test_what_cannot_be_read_goes_where_it_names_them():
    assert without(b"{" + PHONE.encode(), KNOWN) is None
    assert without(b"{nonsense", KNOWN) == b"{nonsense"


def test_a_failure_keeps_what_others_said(app):
    body = bodies.raw(merged(said("uno", phone=PHONE), said("dos", phone=LUISA)))
    db.session.add(WebhookFailure(event_id=1, reason="error", detail=f"wamid {PHONE}", body=body))
    mine = Guest(hotel_id=by_slug("miramar").id, name="Xio", created_at=utcnow() - timedelta(days=1))
    db.session.add(mine)
    db.session.flush()
    db.session.add(GuestIdentity(hotel_id=mine.hotel_id, guest_id=mine.id, kind="phone", value=PHONE, wire=PHONE))
    db.session.commit()
    erase(mine.id)
    row = db.session.scalars(select(WebhookFailure)).one()
    assert (b"dos" in row.body, b"uno" in row.body, row.detail) == (True, False, "")
