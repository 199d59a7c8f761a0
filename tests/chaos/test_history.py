"""The checker is checked: an honest history passes, and each planted fault is found by the check meant for it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import psycopg
import pytest

from tests.chaos.history import (
    CHECKS,
    ROOT,
    Accepted,
    Heard,
    History,
    Sample,
    ToldStatus,
    check,
    confirmation_patterns,
    read_graph_log,
)

CONFIRMED = "Reserva *confirmada*. Tu código es *{code}*.\n1 doble, del lunes al miércoles."
ARRIVAL = date.today() + timedelta(days=200)
DEPARTURE = ARRIVAL + timedelta(days=2)
CODE = "MIR-MARTA2"


@dataclass
class Marta:
    """Marta's honest history: she asked, was answered, booked a double room, and read that it is confirmed."""

    database: psycopg.Connection[Any]
    heard: list[Heard] = field(default_factory=list)
    statuses: list[ToldStatus] = field(default_factory=list)
    accepted: list[Accepted] = field(default_factory=list)
    samples: list[Sample] = field(default_factory=list)

    def sql(self, query: str, *values: Any) -> Any:
        cursor = self.database.execute(query, values or None)
        row = cursor.fetchone() if cursor.description else None
        return row[0] if row else None

    def tell(self) -> None:
        self.hotel = self.sql("select id from hotels where slug = 'miramar'")
        number = self.sql("select id from tenant_user_identifiers where hotel_id = %s limit 1", self.hotel)
        self.guest = self.sql("insert into guests (hotel_id, name) values (%s, 'Marta') returning id", self.hotel)
        self.conversation = self.sql(
            "insert into conversations (hotel_id, guest_id, channel, identifier_id) values (%s, %s, 'whatsapp', %s)"
            " returning id",
            self.hotel,
            self.guest,
            number,
        )
        self.book()
        self.asked = self.says("wamid.marta1")
        self.answer = self.is_told(CONFIRMED.format(code=CODE), self.asked)

    def book(self) -> None:
        price = Decimal("190.00")
        self.reservation = self.sql(
            "insert into reservations (hotel_id, code, guest_id, guest_name, status, check_in, check_out, adults,"
            " total, currency) values (%s, %s, %s, 'Marta', 'booked', %s, %s, 2, %s, 'EUR') returning id",
            self.hotel,
            CODE,
            self.guest,
            ARRIVAL,
            DEPARTURE,
            price,
        )
        room = self.sql(
            "select r.id from rooms r join room_types t on t.id = r.room_type_id"
            " where t.hotel_id = %s and t.code = 'doble' order by r.id limit 1",
            self.hotel,
        )
        self.lock = self.sql(
            "insert into reservation_locks (hotel_id, resource_id, status, check_in, check_out, reservation_id,"
            " guest_id, hold_key, price) values (%s, %s, 'booked', %s, %s, %s, %s, 'k1', %s) returning id",
            self.hotel,
            room,
            ARRIVAL,
            DEPARTURE,
            self.reservation,
            self.guest,
            price,
        )

    def says(self, wamid: str, handling: str = "answered", kind: str = "text", seconds: float = 0) -> int:
        self.arrives(wamid)
        said: int = self.sql(
            "insert into messages (conversation_id, hotel_id, direction, author, wamid, type, body, status, handling,"
            " received_at, sent_at, created_at) values (%s, %s, 'in', 'guest', %s, %s, 'hola', 'received', %s,"
            " now() + %s * interval '1 s', now(), now() + %s * interval '1 s') returning id",
            self.conversation,
            self.hotel,
            wamid,
            kind,
            handling,
            seconds,
            seconds,
        )
        return said

    def arrives(self, wamid: str) -> None:
        self.sql(
            "insert into inbound_events (signed_by, processed_at, body) values ('f', now(), %s)",
            json.dumps({"messages": [{"id": wamid}]}).encode(),
        )
        self.accepted.append(Accepted((wamid,)))

    def is_told(self, words: str, answers_to: int | None, status: str = "read", seconds: float = 0) -> int:
        told: int = self.sql(
            "insert into messages (conversation_id, hotel_id, direction, author, type, body, status, answers_to,"
            " created_at, attempts) values (%s, %s, 'out', 'agent', 'text', %s, %s, %s, now() + %s * interval '1 s', 1)"
            " returning id",
            self.conversation,
            self.hotel,
            words,
            status,
            answers_to,
            seconds,
        )
        wamid = f"wamid.out{told}"
        self.sql("update messages set wamid = %s where id = %s", wamid, told)
        self.heard.append(Heard(wamid, "+34600111222", f"m{told}", 1.0, words))
        self.statuses.append(ToldStatus(wamid, "delivered", f"m{told}"))
        self.samples += [Sample(1.0, told, "sending"), Sample(2.0, told, "sent")]
        return told

    def set_message(self, message: int, **columns: Any) -> None:
        for name, value in columns.items():
            self.sql(f"update messages set {name} = %s where id = %s", value, message)

    def found(self) -> dict[str, list[str]]:
        history = History(self.database, self.heard, self.statuses, self.accepted, self.samples)
        found: dict[str, list[str]] = {}
        for violation in check(history):
            found.setdefault(violation.check, []).append(violation.what)
        return found


@pytest.fixture
def marta(app) -> Iterator[Marta]:
    """Everything is planted in one transaction that never commits."""
    from hotel_agent.config import settings

    with psycopg.connect(settings().database_url) as database:
        marta = Marta(database)
        marta.tell()
        yield marta
        database.rollback()


def test_an_honest_history_has_no_violation(marta):
    assert marta.found() == {}


def test_a_burst_is_answered_by_what_was_said_to_its_last_message(marta):
    marta.says("wamid.first", seconds=-2)
    assert marta.found() == {}


def test_a_reaction_is_owed_nothing(marta):
    marta.says("wamid.reaction", handling="none", kind="reaction")
    assert marta.found() == {}


def test_a_send_that_was_refused_may_be_tried_again(marta):
    marta.heard.append(replace(marta.heard[0], outcome="refused", at=0.5))
    assert marta.found() == {}


def test_a_lost_body_is_found(marta):
    marta.accepted.append(Accepted(("wamid.lost",)))
    found = marta.found()
    assert "wamid.lost got 1 times 200" in found["every_200_is_on_disk"][0]
    assert "no webhook_failures row" in found["every_body_is_taken_in"][0]


def test_a_redelivery_that_left_no_row_of_its_own_is_found(marta):
    marta.accepted.append(Accepted(("wamid.marta1",)))
    assert set(marta.found()) == {"every_200_is_on_disk"}


def test_a_body_that_nobody_took_in_is_found(marta):
    marta.sql("insert into inbound_events (signed_by, body) values ('f', 'x')")
    assert set(marta.found()) == {"every_body_is_taken_in"}


def test_a_message_taken_in_twice_is_found(marta):
    marta.says("wamid.marta1")
    assert "no_message_is_taken_in_twice" in marta.found()


def test_a_message_that_still_pends_is_found(marta):
    marta.says("wamid.open", handling="pending")
    assert set(marta.found()) == {"everything_is_answered_or_with_staff"}


def test_a_message_answered_with_nothing_is_found(marta):
    marta.says("wamid.mute", seconds=5)
    assert set(marta.found()) == {"everything_is_answered_or_with_staff"}


def test_words_that_are_owed_nothing_are_found(marta):
    marta.says("wamid.ignored", handling="none")
    assert set(marta.found()) == {"everything_is_answered_or_with_staff"}


def test_a_message_left_to_staff_who_do_not_see_it_is_found(marta):
    marta.says("wamid.staff", handling="staff")
    assert set(marta.found()) == {"everything_is_answered_or_with_staff"}
    marta.sql("update conversations set status = 'waiting', waiting_since = now() where id = %s", marta.conversation)
    assert marta.found() == {}


def test_a_second_answer_is_found(marta):
    marta.is_told("Otra cosa", marta.asked, seconds=20)
    assert set(marta.found()) == {"nothing_is_answered_twice"}


def test_the_same_words_twice_are_found(marta):
    marta.is_told(CONFIRMED.format(code=CODE), marta.asked)
    assert set(marta.found()) == {"nothing_is_answered_twice"}


def took_over(marta, kind: str = "taken_over", seconds: float = 0) -> None:
    marta.sql(
        "insert into conversation_events (hotel_id, conversation_id, kind, at)"
        " values (%s, %s, %s, now() + %s * interval '1 s')",
        marta.hotel,
        marta.conversation,
        kind,
        seconds,
    )


def test_an_agent_that_speaks_while_staff_own_is_found(marta):
    took_over(marta, seconds=5)
    assert marta.found() == {}
    marta.sql("update messages set sending_at = now() + interval '6 s' where id = %s", marta.answer)
    assert set(marta.found()) == {"the_agent_is_silent_while_staff_own"}
    took_over(marta, "given_back", seconds=5.5)
    assert marta.found() == {}


def test_what_staff_closed_is_owed_nothing(marta):
    marta.says("wamid.marta2", handling="none")
    assert set(marta.found()) == {"everything_is_answered_or_with_staff"}
    took_over(marta, "closed", seconds=5)
    assert marta.found() == {}


@pytest.mark.parametrize("outcome", ["accepted", "hung"])
def test_a_blind_resend_is_found(marta, outcome):
    marta.heard.append(replace(marta.heard[0], wamid="wamid.again", outcome=outcome))
    assert set(marta.found()) == {"nothing_is_sent_twice"}


def test_words_that_no_row_knows_are_found(marta):
    marta.heard.append(Heard("wamid.stray", "+34600111222", "m999999999", 1.0, "hola"))
    assert set(marta.found()) == {"what_is_heard_is_written"}


def test_a_row_that_claims_to_be_sent_is_found(marta):
    told = marta.is_told("Más", None, status="sent")
    marta.heard.pop()
    marta.statuses.pop()
    assert marta.found() == {"what_is_sent_was_heard": [f"message {told} is sent, and the Graph double never took it"]}


def test_a_status_that_went_back_is_found(marta):
    marta.samples += [Sample(3.0, marta.answer, "delivered"), Sample(4.0, marta.answer, "sent")]
    assert marta.found() == {"statuses_move_forward": [f"message {marta.answer} went from delivered to sent"]}


def test_an_unknown_send_that_was_queued_again_is_found(marta):
    marta.samples += [Sample(0.1, marta.answer, "unknown"), Sample(0.2, marta.answer, "queued")]
    assert set(marta.found()) == {"statuses_move_forward"}


def test_a_status_that_was_forgotten_is_found(marta):
    marta.set_message(marta.answer, status="sent")
    assert set(marta.found()) == {"statuses_that_were_told_are_known"}


def test_a_status_of_nobody_is_found(marta):
    marta.statuses.append(ToldStatus("wamid.nobody", "sent", ""))
    assert set(marta.found()) == {"statuses_that_were_told_are_known"}


@pytest.mark.parametrize("status", ["booked", "active"])
def test_two_claims_on_one_room_are_found(marta, status):
    marta.sql("alter table reservation_locks drop constraint reservation_locks_no_overlap")
    marta.sql(
        "insert into reservation_locks (hotel_id, resource_id, status, check_in, check_out, hold_key, price,"
        " expires_at)"
        " select hotel_id, resource_id, %s, check_in + 1, check_out + 1, 'k2', price, now() from reservation_locks"
        " where id = %s",
        status,
        marta.lock,
    )
    assert "no_two_claims_overlap" in marta.found()


def test_a_claim_that_begins_on_the_day_another_ends_is_none(marta):
    marta.sql(
        "insert into reservation_locks (hotel_id, resource_id, status, check_in, check_out, hold_key, price,"
        " expires_at)"
        " select hotel_id, resource_id, 'active', check_out, check_out + 1, 'k2', price, now() from reservation_locks"
        " where id = %s",
        marta.lock,
    )
    assert marta.found() == {}


@pytest.mark.parametrize(
    "words",
    [
        "Reserva *confirmada*. Tu código es *MIR-222222*.",
        "Your booking is *confirmed*. Your code is *MIR-222222*.",
        "Reserva *confirmada*. Seu código é *MIR-222222*.",
    ],
)
def test_a_confirmation_of_nothing_is_found(marta, words):
    marta.is_told(words, None)
    assert set(marta.found()) == {"what_is_confirmed_is_booked", "every_code_told_exists"}


def test_a_confirmation_of_what_is_only_pending_is_found(marta):
    marta.sql("update reservations set status = 'pending' where id = %s", marta.reservation)
    assert set(marta.found()) == {"what_is_confirmed_is_booked"}


def test_a_confirmation_of_another_guests_booking_is_found(marta):
    other = marta.sql("insert into guests (hotel_id) values (%s) returning id", marta.hotel)
    marta.sql("update reservations set guest_id = %s where id = %s", other, marta.reservation)
    assert set(marta.found()) == {"what_is_confirmed_is_booked"}


def test_a_confirmation_that_only_the_wire_knows_is_found(marta):
    marta.heard[0] = replace(marta.heard[0], text=CONFIRMED.format(code="MIR-333333"))
    assert "what_is_confirmed_is_booked" in marta.found()


def test_every_language_has_its_words_for_confirmed():
    assert len(confirmation_patterns()) == len(list((ROOT / "templates" / "replies").glob("*/book.txt"))) >= 3


def test_a_booking_without_rooms_is_found(marta):
    marta.sql("delete from reservation_locks where id = %s", marta.lock)
    assert set(marta.found()) == {"what_is_confirmed_is_booked", "bookings_hold_their_rooms"}


def test_a_booking_whose_room_was_let_go_is_found(marta):
    marta.sql("update reservation_locks set status = 'released' where id = %s", marta.lock)
    assert {"bookings_hold_their_rooms", "rooms_are_claimed_for_bookings"} <= set(marta.found())


def test_a_room_of_a_cancelled_booking_is_found(marta):
    marta.sql("update reservations set status = 'cancelled' where id = %s", marta.reservation)
    assert set(marta.found()) == {"rooms_are_claimed_for_bookings"}


def test_a_booking_for_other_nights_than_its_room_is_found(marta):
    marta.sql("update reservations set check_out = check_out + 1 where id = %s", marta.reservation)
    assert set(marta.found()) == {"bookings_hold_their_rooms"}


def test_a_wrong_total_is_found(marta):
    marta.sql("update reservations set total = 189 where id = %s", marta.reservation)
    assert marta.found() == {"bookings_hold_their_rooms": [f"{CODE} costs 189.00, its nights 190.00"]}


@pytest.mark.parametrize("status", ["queued", "sending", "unknown", "failed"])
def test_what_did_not_get_through_is_found(marta, status):
    marta.is_told("Más", None, status=status)
    marta.statuses.pop()
    marta.samples = []
    marta.heard.pop()
    assert set(marta.found()) == {"the_outbox_is_empty"}


def test_an_unknown_send_that_staff_know_of_is_none(marta):
    told = marta.is_told("Más", None, status="unknown")
    marta.statuses.pop()
    marta.samples = []
    marta.set_message(told, notified_at="2026-01-01T00:00:00Z")
    marta.sql("update conversations set status = 'waiting', waiting_since = now() where id = %s", marta.conversation)
    assert marta.found() == {}


def test_an_answer_that_is_still_due_is_found(marta):
    marta.sql("update conversations set answer_due_at = now() where id = %s", marta.conversation)
    assert set(marta.found()) == {"no_answer_is_due"}


def test_every_check_has_a_plant():
    here = (ROOT / "tests" / "chaos" / "test_history.py").read_text()
    assert [name for name in CHECKS if f'"{name}"' not in here] == []


def test_the_log_of_the_graph_double_is_read_up_to_a_line_that_was_cut_off(tmp_path):
    log = tmp_path / "heard.jsonl"
    message = {"kind": "message", "wamid": "w", "to": "+34", "callback": "m1", "at": 1.0, "text": "hola"}
    status = {"kind": "status", "wamid": "w", "status": "sent", "callback": "m1", "at": 2.0}
    lines = [message | {"outcome": "accepted"}, {"kind": "read", "at": 1.0, "of": "x"}, status]
    log.write_text("".join(json.dumps(line) + "\n" for line in lines) + '{"kind": "mess')
    heard, told = read_graph_log(log)
    assert (heard, told) == ([Heard("w", "+34", "m1", 1.0, "hola")], [ToldStatus("w", "sent", "m1")])


def test_the_command_judges_an_installation(app, tmp_path):
    from hotel_agent.config import settings

    (tmp_path / "env").write_text(f"DATABASE_URL={settings().database_url}\n")
    (tmp_path / "heard.jsonl").write_text("")
    command = [sys.executable, "-m", "tests.chaos.history", f"--data-dir={tmp_path}"]
    done = subprocess.run(
        [*command, f"--graph-log={tmp_path / 'heard.jsonl'}"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, f"{len(CHECKS)} checks, 0 sends heard, 0 violations\n")
