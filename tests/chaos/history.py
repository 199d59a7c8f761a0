"""The history checker: what was taken in, what was answered, what the Graph double heard, what was booked.

    python -m tests.chaos.history --data-dir DIR --graph-log FILE [--accepted FILE] [--samples FILE]

It reads an installation that has come to rest and says what cannot be explained. Every check stands alone and
trusts rows only where another witness (the load client, the Graph double) cannot tell.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg
from dotenv import dotenv_values
from psycopg.rows import dict_row

ROOT = Path(__file__).resolve().parents[2]
WAMID = re.compile(rb'"id"\s*:\s*"(wamid[^"]+)"')
CODE = re.compile(r"\b[A-Z0-9]{3}-[23456789ABCDEFGHJKMNPQRSTVWXYZ]{6}\b")
CALLBACK = re.compile(r"m(\d+)\Z")
CODE_HOLE = re.compile(r"\{\{ code \}\}")
OTHER_HOLE = re.compile(r"\{\{.*?\}\}")

# What nobody owes an answer to (CONTRACT, "What is answered").
SILENT = {"reaction", "edit", "revoke", "system"}
# How far a message got once it has left the house; before that a row may go to and fro.
RANK = {"sent": 1, "failed": 2, "delivered": 3, "read": 4, "played": 4}
LEFT_THE_HOUSE = {"sent", "delivered", "read"}
# The rows of one answer are written in one transaction, within moments of each other.
ONE_TURN_SECONDS = 5.0
LIVE = "('active', 'booked')"

Row = dict[str, Any]


@dataclass(frozen=True)
class Accepted:
    """One post of the load client that got a 200, by the wamids of the messages in its body."""

    wamids: tuple[str, ...]


@dataclass(frozen=True)
class Heard:
    """One send as the Graph double read it. `outcome` is accepted, refused (never taken), or hung: taken, but the
    sender was never told."""

    wamid: str
    to: str
    callback: str
    at: float
    text: str
    outcome: str = "accepted"


@dataclass(frozen=True)
class ToldStatus:
    """A status that the Graph double reported and for which it got a 200."""

    wamid: str
    status: str
    callback: str


@dataclass(frozen=True)
class Sample:
    """How far an outbound row was at a moment of the run."""

    at: float
    message_id: int
    status: str


@dataclass(frozen=True)
class Violation:
    check: str
    what: str

    def __str__(self) -> str:
        return f"{self.check}: {self.what}"


@dataclass
class History:
    """Everything that witnesses saw. `accepted` of None: every body in the database counts as accepted once."""

    database: psycopg.Connection[Any]
    heard: Sequence[Heard] = ()
    statuses: Sequence[ToldStatus] = ()
    accepted: Sequence[Accepted] | None = None
    samples: Sequence[Sample] = ()
    _answers: list[Row] | None = field(default=None, repr=False)

    def rows(self, query: str, *values: Any) -> list[Row]:
        with self.database.cursor(row_factory=dict_row) as cursor:
            return cursor.execute(query, values or None).fetchall()

    @property
    def outbound(self) -> list[Row]:
        """Every outbound row with what concerns its conversation, in order."""
        if self._answers is None:
            self._answers = self.rows(
                "select m.*, c.owner, c.status as conversation_status, c.guest_id, c.channel"
                " from messages m join conversations c on c.id = m.conversation_id"
                " where m.direction = 'out' order by m.id"
            )
        return self._answers


Check = Callable[[History], Iterator[str]]


def check(history: History) -> list[Violation]:
    """Every violation that any check finds; none for a history that can be explained."""
    return [Violation(name, what) for name, one in CHECKS.items() for what in one(history)]


# --- 1. intake ----------------------------------------------------------------------------------------------


def every_200_is_on_disk(history: History) -> Iterator[str]:
    """Each post that got a 200 is a row of its own, redeliveries too."""
    kept: Counter[str] = Counter()
    for row in history.rows("select body from inbound_events"):
        kept.update({wamid.decode() for wamid in WAMID.findall(bytes(row["body"]).replace(b"\\/", b"/"))})
    promised: Counter[str] = Counter()
    for post in history.accepted or ():
        promised.update(set(post.wamids))
    for wamid, posts in promised.items():
        if kept[wamid] < posts:
            yield f"{wamid} got {posts} times 200, and is in {kept[wamid]} rows of inbound_events"


def every_body_is_taken_in(history: History) -> Iterator[str]:
    for row in history.rows("select id, attempts from inbound_events where processed_at is null order by id"):
        yield f"inbound_events {row['id']} is not taken in after {row['attempts']} failed attempts"
    if history.accepted is None:
        return
    known = {row["wamid"] for row in history.rows("select wamid from messages where direction = 'in'")}
    reasons = [
        (bytes(row["body"]), f"{row['reason']} {row['detail']}")
        for row in history.rows("select body, reason, detail from webhook_failures")
    ]
    for wamid in sorted({wamid for post in history.accepted for wamid in post.wamids} - known):
        why = next((reason for body, reason in reasons if wamid.encode() in body), "no webhook_failures row names it")
        yield f"{wamid} got a 200 and is no message ({why})"


# --- 2. one answer ------------------------------------------------------------------------------------------


def no_message_is_taken_in_twice(history: History) -> Iterator[str]:
    for row in history.rows(
        "select hotel_id, wamid, count(*) as times, array_agg(id order by id) as ids from messages"
        " where direction = 'in' and wamid is not null group by 1, 2 having count(*) > 1"
    ):
        yield f"{row['wamid']} of hotel {row['hotel_id']} is {row['times']} messages: {row['ids']}"


def everything_is_answered_or_with_staff(history: History) -> Iterator[str]:
    """Nothing pends; what is answered has words behind it; what is with staff is where staff see it."""
    turns = {row["answers_to"] for row in history.outbound if row["answers_to"] is not None}
    by_staff = defaultdict(list)
    for row in history.outbound:
        if row["author"] == "staff":
            by_staff[row["conversation_id"]].append(row["created_at"])
    later_turns: dict[int, list[tuple[Any, ...]]] = defaultdict(list)
    inbound = history.rows(
        "select m.*, c.owner, c.status as conversation_status from messages m"
        " join conversations c on c.id = m.conversation_id where m.direction = 'in' order by m.id"
    )
    closed = {row["conversation_id"]: row["at"] for row in _whose(history) if row["kind"] == "closed"}
    for row in inbound:
        if row["handling"] == "answered" and row["id"] in turns:
            later_turns[row["conversation_id"]].append(_arrival(row))
    for row in inbound:
        name = f"{row['wamid']} (message {row['id']}, {row['type']})"
        if row["handling"] == "pending":
            yield f"{name} is still pending after {row['attempts']} attempts"
        elif row["handling"] == "staff" and not _staff_see(row):
            yield f"{name} is left to staff, but its conversation {row['conversation_id']} does not wait for them"
        elif row["handling"] == "none" and row["type"] not in SILENT and row["payload"].get("kind") != "silent":
            if row["conversation_id"] in closed and row["created_at"] < closed[row["conversation_id"]]:
                continue
            yield f"{name} is owed nothing, though people answer such messages"
        elif row["handling"] == "answered" and row["id"] not in turns:
            in_a_burst = any(turn >= _arrival(row) for turn in later_turns[row["conversation_id"]])
            by_a_person = any(at >= row["created_at"] for at in by_staff[row["conversation_id"]])
            if not in_a_burst and not by_a_person:
                yield f"{name} counts as answered, and nothing was said to it or after it"


def _staff_see(row: Row) -> bool:
    return row["owner"] == "staff" or row["conversation_status"] in ("waiting", "snoozed")


def _arrival(row: Row) -> tuple[Any, ...]:
    return (row["received_at"] or row["created_at"], row["sent_at"], row["id"])


def nothing_is_answered_twice(history: History) -> Iterator[str]:
    """The rows that answer one message were written together, and no two of them say the same."""
    turns: dict[int, list[Row]] = defaultdict(list)
    for row in history.outbound:
        if row["answers_to"] is not None and row["author"] != "staff":
            turns[row["answers_to"]].append(row)
    for message_id, rows in turns.items():
        ids = [row["id"] for row in rows]
        between = rows[-1]["created_at"] - rows[0]["created_at"]
        words = Counter((row["type"], row["body"], json.dumps(row["payload"], sort_keys=True)) for row in rows)
        if between.total_seconds() > ONE_TURN_SECONDS:
            yield f"message {message_id} is answered by rows {ids}, {between.total_seconds():.1f} s apart"
        elif any(times > 1 for times in words.values()):
            yield f"message {message_id} is answered with the same words twice, in rows {ids}"


def the_agent_is_silent_while_staff_own(history: History) -> Iterator[str]:
    """Whose a conversation is changes under its lock, as does every step of a message: their times can be compared."""
    begun: dict[int, Any] = {}
    turns: dict[int, list[tuple[Any, Any]]] = defaultdict(list)
    for row in _whose(history):
        if row["kind"] == "taken_over":
            begun.setdefault(row["conversation_id"], row["at"])
        elif row["conversation_id"] in begun:
            turns[row["conversation_id"]].append((begun.pop(row["conversation_id"]), row["at"]))
    for conversation_id, at in begun.items():
        turns[conversation_id].append((at, None))
    for row in history.outbound:
        if row["author"] != "agent" or row["status"] in ("queued", "cancelled"):
            continue
        said = row["sending_at"] or row["created_at"]
        for first, last in turns[row["conversation_id"]]:
            if first < said and (last is None or said < last):
                yield f"message {row['id']} of the agent was sent at {said}, though staff had taken over at {first}"


def _whose(history: History) -> list[Row]:
    """When conversations became a person's and the agent's again, in order."""
    return history.rows(
        "select conversation_id, kind, at from conversation_events"
        " where kind in ('taken_over', 'given_back', 'closed') order by at, id"
    )


# --- 3. the wire --------------------------------------------------------------------------------------------


def nothing_is_sent_twice(history: History) -> Iterator[str]:
    """What the Graph double took, with or without saying so, it took once."""
    taken: dict[str, list[Heard]] = defaultdict(list)
    for heard in history.heard:
        if heard.outcome != "refused":
            taken[heard.callback or f"no callback data, {heard.wamid}"].append(heard)
    for callback, sends in taken.items():
        if len(sends) > 1:
            after = ", ".join(f"{one.outcome} at {one.at:.3f}" for one in sends)
            yield f"{callback} was heard {len(sends)} times by {sends[0].to}: {after}"


def what_is_heard_is_written(history: History) -> Iterator[str]:
    """Rows first, wire second: every send is a row of a conversation, which says the same words."""
    rows = {row["id"]: row for row in history.outbound}
    for heard in history.heard:
        row = rows.get(_id_of(heard.callback))
        if row is None:
            yield f"{heard.wamid} to {heard.to} carries {heard.callback!r}, which is no outbound message"
        elif heard.outcome == "accepted" and row["status"] in ("queued", "cancelled"):
            yield f"message {row['id']} is {row['status']}, but {heard.to} got it"


def what_is_sent_was_heard(history: History) -> Iterator[str]:
    taken = {_id_of(heard.callback) for heard in history.heard if heard.outcome != "refused"}
    for row in history.outbound:
        if row["channel"] == "whatsapp" and row["status"] in LEFT_THE_HOUSE and row["id"] not in taken:
            yield f"message {row['id']} is {row['status']}, and the Graph double never took it"


def _id_of(callback: str) -> int:
    match = CALLBACK.match(callback)
    return int(match[1]) if match else 0


# --- 4. statuses --------------------------------------------------------------------------------------------


def statuses_move_forward(history: History) -> Iterator[str]:
    """As sampled while it ran. Before a message has left, a row may be queued again; not once that is unknown."""
    seen: dict[int, str] = {}
    samples = [*sorted(history.samples, key=lambda sample: sample.at)]
    final = [Sample(float("inf"), row["id"], row["status"]) for row in history.outbound if row["channel"] == "whatsapp"]
    for sample in [*samples, *final]:
        before = seen.get(sample.message_id, "queued")
        back = RANK.get(sample.status, 0) < RANK.get(before, 0)
        again = before in ("unknown", "cancelled") and sample.status in ("queued", "sending")
        if back or again:
            yield f"message {sample.message_id} went from {before} to {sample.status}"
        seen[sample.message_id] = sample.status


def statuses_that_were_told_are_known(history: History) -> Iterator[str]:
    """A row is at least as far as the furthest status that got a 200."""
    by_id = {row["id"]: row for row in history.outbound}
    by_wamid = {row["wamid"]: row for row in history.outbound if row["wamid"]}
    furthest: dict[str, ToldStatus] = {}
    for told in history.statuses:
        if told.wamid not in furthest or RANK[told.status] > RANK[furthest[told.wamid].status]:
            furthest[told.wamid] = told
    for wamid, told in furthest.items():
        row = by_wamid.get(wamid) or by_id.get(_id_of(told.callback))
        if row is None:
            yield f"{wamid} was reported {told.status} and belongs to no message"
        elif RANK.get(row["status"], 0) < RANK[told.status]:
            yield f"message {row['id']} was reported {told.status} and is {row['status']}"


# --- 5. rooms -----------------------------------------------------------------------------------------------


def no_two_claims_overlap(history: History) -> Iterator[str]:
    for row in history.rows(
        f"select a.id as one, b.id as other, a.resource_id, a.status as one_is, b.status as other_is,"
        f" a.check_in, a.check_out, b.check_in as from_, b.check_out as to_"
        f" from reservation_locks a join reservation_locks b on a.resource_id = b.resource_id and a.id < b.id"
        f" and a.check_in < b.check_out and b.check_in < a.check_out"
        f" where a.status in {LIVE} and b.status in {LIVE} order by 1, 2"
    ):
        yield (
            f"room {row['resource_id']}: lock {row['one']} ({row['one_is']}, {row['check_in']} to {row['check_out']})"
            f" and lock {row['other']} ({row['other_is']}, {row['from_']} to {row['to_']})"
        )


# --- 6. what guests were told -------------------------------------------------------------------------------


def what_is_confirmed_is_booked(history: History) -> Iterator[str]:
    """Whoever reads "confirmed" with a code has that booking, with the rooms claimed for it."""
    known = _reservations(history)
    for row, code in _confirmations(history):
        said = f"message {row['id']} confirms {code}"
        reservation = known.get(code)
        if reservation is None:
            yield f"{said}, which is no reservation"
        elif reservation["status"] == "pending":
            yield f"{said}, which is pending"
        elif (reservation["guest_id"], reservation["hotel_id"]) != (row["guest_id"], row["hotel_id"]):
            yield f"{said} to guest {row['guest_id']}, but it is guest {reservation['guest_id']}'s"
        elif reservation["status"] == "booked" and not _rooms_of(history).get(reservation["id"]):
            yield f"{said}, which holds no room"


def every_code_told_exists(history: History) -> Iterator[str]:
    known = _reservations(history)
    for row in _told(history):
        for code in CODE.findall(row["body"]):
            if code not in known:
                yield f"message {row['id']} names {code}, which is no reservation"


def confirmation_patterns(folder: Path = ROOT / "templates" / "replies") -> list[re.Pattern[str]]:
    """How each language says that a booking is confirmed, read from the words themselves."""
    patterns = []
    for words in sorted(folder.glob("*/book.txt")):
        block = re.search(r"\{% block confirmed %\}\s*(.*?)\s*\{% endblock %\}", words.read_text(), re.DOTALL)
        line = next((line for line in block[1].splitlines() if CODE_HOLE.search(line)), None) if block else None
        if line is None:
            raise ValueError(f"{words} has no block `confirmed` that names the code")
        before_code = OTHER_HOLE.split(CODE_HOLE.split(line)[0])[-1]
        patterns.append(re.compile(re.escape(before_code) + rf"({CODE.pattern})"))
    if not patterns:
        raise ValueError(f"{folder} holds no words")
    return patterns


def _confirmations(history: History) -> Iterator[tuple[Row, str]]:
    patterns = confirmation_patterns()
    for row in _told(history):
        for pattern in patterns:
            for code in pattern.findall(row["body"]):
                yield row, code


def _told(history: History) -> Iterator[Row]:
    """What guests may have read: rows that left, or may have, and whatever the Graph double heard."""
    rows = {row["id"]: row for row in history.outbound}
    for row in rows.values():
        if row["author"] != "staff" and row["status"] not in ("cancelled", "queued"):
            yield row
    for heard in history.heard:
        written = rows.get(_id_of(heard.callback))
        if written and heard.text and heard.text not in written["body"] and heard.outcome != "refused":
            yield written | {"body": heard.text}


def _reservations(history: History) -> dict[str, Row]:
    return {row["code"]: row for row in history.rows("select * from reservations")}


def _rooms_of(history: History) -> dict[int, list[Row]]:
    rooms: dict[int, list[Row]] = defaultdict(list)
    for row in history.rows("select * from reservation_locks where status = 'booked' order by id"):
        rooms[row["reservation_id"]].append(row)
    return rooms


# --- 7. bookings --------------------------------------------------------------------------------------------


def bookings_hold_their_rooms(history: History) -> Iterator[str]:
    """A booked stay claims its rooms for its nights, and costs what the nights cost."""
    prices: dict[tuple[int, Any, Any], Decimal] = {
        (row["resource_id"], row["check_in"], row["check_out"]): row["price"]
        for row in history.rows(
            "select l.resource_id, l.check_in, l.check_out, sum(r.price) as price"
            " from (select distinct resource_id, check_in, check_out from reservation_locks where status = 'booked') l"
            " join rooms on rooms.id = l.resource_id"
            " join rates r on r.room_type_id = rooms.room_type_id and r.night >= l.check_in and r.night < l.check_out"
            " group by 1, 2, 3"
        )
    }
    rooms_of = _rooms_of(history)
    for row in history.rows("select * from reservations where status = 'booked' order by id"):
        rooms = rooms_of.get(row["id"], [])
        total = sum(
            (prices.get((one["resource_id"], one["check_in"], one["check_out"]), Decimal(0)) for one in rooms),
            Decimal(0),
        )
        if not rooms:
            yield f"{row['code']} is booked and holds no room"
        elif any((one["check_in"], one["check_out"]) != (row["check_in"], row["check_out"]) for one in rooms):
            yield f"{row['code']} is for other nights than its rooms"
        elif row["total"] != total:
            yield f"{row['code']} costs {row['total']}, its nights {total}"


def rooms_are_claimed_for_bookings(history: History) -> Iterator[str]:
    """No half booking: a booked room belongs to a live reservation, and none of its rooms lags behind."""
    for row in history.rows(
        "select l.id, l.status, r.code, r.status as reservation_status from reservation_locks l"
        " left join reservations r on r.id = l.reservation_id"
        " where (l.status = 'booked' and coalesce(r.status, '') not in ('pending', 'booked', 'in_house', 'departed'))"
        " or (l.status <> 'booked' and r.status = 'booked') order by 1"
    ):
        yield f"lock {row['id']} is {row['status']}, its reservation {row['code']} {row['reservation_status']}"


# --- 8. at rest ---------------------------------------------------------------------------------------------


def the_outbox_is_empty(history: History) -> Iterator[str]:
    """Nothing is on its way; what did not get through, or may not have, is with staff."""
    for row in history.outbound:
        with_staff = row["owner"] == "staff" or row["conversation_status"] == "waiting"
        if row["status"] in ("queued", "sending"):
            yield f"message {row['id']} is still {row['status']} after {row['attempts']} attempts: {row['error_text']}"
        elif row["status"] == "unknown" and not (row["notified_at"] and with_staff):
            yield f"message {row['id']} is unknown, and staff do not know"
        elif row["status"] == "failed" and not with_staff:
            yield f"message {row['id']} failed ({row['error_text']}), and staff do not know"


def no_answer_is_due(history: History) -> Iterator[str]:
    for row in history.rows("select id from conversations where answer_due_at is not null and channel = 'whatsapp'"):
        yield f"conversation {row['id']} still waits for the agent"


CHECKS: dict[str, Check] = {
    one.__name__: one
    for one in (
        every_200_is_on_disk,
        every_body_is_taken_in,
        no_message_is_taken_in_twice,
        everything_is_answered_or_with_staff,
        nothing_is_answered_twice,
        the_agent_is_silent_while_staff_own,
        nothing_is_sent_twice,
        what_is_heard_is_written,
        what_is_sent_was_heard,
        statuses_move_forward,
        statuses_that_were_told_are_known,
        no_two_claims_overlap,
        what_is_confirmed_is_booked,
        every_code_told_exists,
        bookings_hold_their_rooms,
        rooms_are_claimed_for_bookings,
        the_outbox_is_empty,
        no_answer_is_due,
    )
}


# --- witnesses' files ---------------------------------------------------------------------------------------


def read_graph_log(path: Path) -> tuple[list[Heard], list[ToldStatus]]:
    """What tests/load/graph_server.py wrote."""
    heard, told = [], []
    for line in read_lines(path):
        if line["kind"] == "message":
            text = line.get("text") or ""
            heard.append(
                Heard(line["wamid"], line["to"], line.get("callback") or "", line["at"], text, line["outcome"])
            )
        elif line["kind"] == "status":
            told.append(ToldStatus(line["wamid"], line["status"], line.get("callback") or ""))
    return heard, told


def read_lines(path: Path) -> Iterator[Row]:
    """JSON lines; a last one that was cut off in the writing is left out."""
    for line in path.read_bytes().split(b"\n")[:-1]:
        yield json.loads(line)


def main(arguments: Iterable[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos.history", description=__doc__)
    parser.add_argument("--data-dir", type=Path, required=True, help="of a running demo")
    parser.add_argument("--graph-log", type=Path, required=True, help="what the Graph double heard")
    parser.add_argument("--accepted", type=Path, help='lines {"wamids": […]}, one for every post that got a 200')
    parser.add_argument("--samples", type=Path, help='lines {"at", "message_id", "status"}')
    given = parser.parse_args(list(arguments) if arguments is not None else None)
    heard, told = read_graph_log(given.graph_log)
    accepted = [Accepted(tuple(line["wamids"])) for line in read_lines(given.accepted)] if given.accepted else None
    samples = [Sample(**line) for line in read_lines(given.samples)] if given.samples else []
    url = dotenv_values(given.data_dir / "env")["DATABASE_URL"]
    with psycopg.connect(url or "", autocommit=True) as database:
        found = check(History(database, heard, told, accepted, samples))
    for violation in found:
        print(violation)
    print(f"{len(CHECKS)} checks, {len(heard)} sends heard, {len(found)} violations")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
