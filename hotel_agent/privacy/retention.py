"""What is too old is forgotten: messages and all that hangs on them, files, unreadable deliveries, the audit log.

Everything goes in small transactions of their own, so that nobody waits long for a row and whoever dies in the middle
has lost one batch: the next turn finds what is left. A month of messages that nobody needs any more goes as a whole,
after what hangs on them; where somebody still needs some of it, the others go row by row. docs/privacy.md says what is
kept for how long.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from time import monotonic
from typing import Any

from sqlalchemy import Row, TextClause, text

from hotel_agent import metrics, partitions
from hotel_agent.config import Settings, settings
from hotel_agent.db import db, one_at_a_time
from hotel_agent.logs import get_logger

# Guests who wait for an answer come before this: after so long a turn ends, and the next one waits in its queue.
TURN_SECONDS = 15.0
LOCK = "retention"
BATCH = 500
# Each may have megabytes.
FILES_AT_ONCE = 20

# A conversation of which nothing goes, however old: somebody is owed something in it, or a stay is not over.
NEEDED = """
    (c.status in ('waiting', 'snoozed') or c.status <> 'closed' and c.owner = 'staff'
    or c.waiting_since is not null or c.answer_due_at is not null
    or c.id in (select conversation_id from messages where handling = 'pending')
    or c.id in (select conversation_id from messages where status in ('queued', 'sending'))
    or c.id in (select conversation_id from drafts where status = 'open')
    or c.id in (select conversation_id from guest_requests where status = 'open')
    or c.id in (select conversation_id from missing_answers where status = 'open')
    or exists (select from reservations s where s.guest_id = c.guest_id and (s.status in ('pending', 'in_house')
        or s.status = 'booked' and s.check_out >= current_date - 1)))
"""
NEEDED_ROWS = f"conversation_id in (select c.id from conversations c where {NEEDED})"
NEEDED_OF = text(f"select c.id from conversations c where c.id = any(:conversations) and {NEEDED}")

log = get_logger(__name__)


@dataclass(frozen=True)
class Gone:
    """What one transaction has removed."""

    table: str
    rows: int


@dataclass(frozen=True)
class Kind:
    """Something that is kept for so many months, None: for ever; and how what is older goes, batch after batch.

    `older` are its rows that are too old, a few of which may be needed all the same.
    """

    lock: int
    months: Callable[[Settings], int | None]
    forget: Callable[[date], Iterator[Gone]]
    older: str


def kept_since(what: str, today: date | None = None) -> date | None:
    """Of a kind what is before this day is forgotten; None where it is kept for ever."""
    months = KINDS[what].months(settings())
    return None if months is None else partitions.kept_since(months, today)


def too_old(what: str, since: date) -> int:
    """How many rows of a kind are from before that day."""
    count: int = db.session.scalar(text(f"select count(*) from {KINDS[what].older}"), {"since": since})
    db.session.commit()
    return count


def forget(
    what: str,
    today: date | None = None,
    seconds: float | None = None,
    tell: Callable[[Gone], object] | None = None,
) -> bool:
    """Forget what is too old of a kind, unless another process is at it. True where the turn ended before the work.

    `tell` hears of every batch. Without `seconds` a turn takes TURN_SECONDS.
    """
    since = kept_since(what, today)
    if since is None:
        return False
    with one_at_a_time(LOCK, KINDS[what].lock) as mine:
        return mine and _turn(what, since, TURN_SECONDS if seconds is None else seconds, tell or _nobody)


def _nobody(_gone: Gone) -> None:
    """Hears what nobody has asked to be told."""


def _turn(what: str, since: date, seconds: float, tell: Callable[[Gone], object]) -> bool:
    """To find again where an earlier turn has ended costs no time of this one, or a long way would never end."""
    until, gone = monotonic() + seconds, 0
    for batch in KINDS[what].forget(since):
        if not batch.rows:
            continue
        tell(batch)
        metrics.rows_forgotten.labels(batch.table).inc(batch.rows)
        gone += batch.rows
        if monotonic() >= until:
            log.info("forgetting_goes_on", what=what, before=since.isoformat(), rows=gone)
            return True
    if gone:
        log.info("forgotten", what=what, before=since.isoformat(), rows=gone)
    return False


# Messages


def _messages(since: date) -> Iterator[Gone]:
    partitions.make_partitions()  # What lies in a partition of no month would stay.
    for name in partitions.over_before("messages", since):
        yield from _month(name, since)
    for table, forget_some in BESIDE.items():
        yield from _in_batches(table, forget_some, since)


def _month(name: str, since: date) -> Iterator[Gone]:
    """A month of messages: as a whole where nothing in it is needed."""
    whole = not _has(name, NEEDED_ROWS)
    for rows in _pages(name):
        doomed = _not_needed(rows)
        if whole and len(doomed) < len(rows):
            return  # Somebody has begun to need it meanwhile: the next turn looks at each row.
        yield from _let_go(name, doomed, since, rows_too=not whole)
    if whole:
        count = _count(name)
        if partitions.drop(name, NEEDED_ROWS, since):
            yield Gone("messages", count)
    elif not _has(name, "true"):
        partitions.drop(name, "true", since)


def _pages(name: str) -> Iterator[Sequence[Row[Any]]]:
    page = text(f"select id, conversation_id, hotel_id, wamid from {name} where id > :after order by id limit :most")
    after = 0
    while rows := db.session.execute(page, {"after": after, "most": BATCH}).all():
        after = rows[-1].id
        yield rows


def _not_needed(rows: Sequence[Row[Any]]) -> list[Row[Any]]:
    needed = set(db.session.scalars(NEEDED_OF, {"conversations": sorted({row.conversation_id for row in rows})}))
    db.session.commit()
    return [row for row in rows if row.conversation_id not in needed]


def _let_go(name: str, doomed: Sequence[Row[Any]], since: date, *, rows_too: bool) -> Iterator[Gone]:
    """What hangs on these messages, and where their month does not go as a whole they themselves."""
    if not doomed:
        return
    values = {
        "ids": [row.id for row in doomed],
        "conversations": sorted({row.conversation_id for row in doomed}),
        "hotels": [row.hotel_id for row in doomed if row.wamid],
        "wamids": [row.wamid for row in doomed if row.wamid],
        "since": since,
    }
    _no_longer_shown(values)
    gone = [Gone(table, _rows(db.session.execute(delete, values))) for table, delete in HANGING.items()]
    if rows_too:
        gone.append(
            Gone("messages", _rows(db.session.execute(text(f"delete from {name} where id = any(:ids)"), values)))
        )
    db.session.commit()
    yield from gone


def _no_longer_shown(values: Mapping[str, Any]) -> None:
    """Lists tell the last message of each conversation: where that one goes, so does what they tell of it."""
    db.session.execute(NO_LONGER_SHOWN, values)
    db.session.commit()


NO_LONGER_SHOWN = text("""
    update conversations set last_message_text = '', last_message_type = null, last_message_author = null
    where id in (
        select c.id from conversations c where c.id = any(:conversations) and c.last_message_author is not null
            and not exists (select from messages m where m.conversation_id = c.id and m.created_at >= :since)
        order by c.id for update)
""")
HANGING: Mapping[str, TextClause] = {
    "media": text("delete from media where message_id = any(:ids)"),
    "message_ids": text("""
        delete from message_ids i
        using unnest(cast(:hotels as integer[]), cast(:wamids as text[])) as known (hotel_id, wamid)
        where i.hotel_id = known.hotel_id and i.wamid = known.wamid and i.message_id = any(:ids)
    """),
}


# What stands beside messages


def _older(table: str, at: str, change: str, where: str = "true") -> TextClause:
    """Rows of conversations that nobody needs any more."""
    return text(f"""
        {change} where id in (
            select t.id from {table} t join conversations c on c.id = t.conversation_id
            where t.{at} < :since and {where} and not {NEEDED}
            limit :most)
    """)


# What sales and opinions came to has no words, and stays for the reports.
BESIDE: Mapping[str, TextClause] = {
    "conversation_events": _older(
        "conversation_events", "at", "delete from conversation_events", "t.kind not in ('booked', 'hold_made')"
    ),
    "guest_requests": _older("guest_requests", "created_at", "delete from guest_requests"),
    "missing_answers": _older("missing_answers", "created_at", "delete from missing_answers"),
    "drafts": _older("drafts", "created_at", "delete from drafts"),
    "feedback": _older("feedback", "created_at", "update feedback set words = ''", "t.words <> ''"),
    "proactive_messages": text("""
        update proactive_messages set message_id = null where id in (
            select p.id from proactive_messages p
            where p.created_at < :since and p.message_id is not null
                and not exists (select from messages m where m.id = p.message_id)
            limit :most)
    """),
}


# Files, deliveries, the audit log


def _media(since: date) -> Iterator[Gone]:
    """The bytes and the name that a guest gave them; that there was something the thread still tells."""
    yield from _in_batches("media", FILES, since, FILES_AT_ONCE)


def _failures(since: date) -> Iterator[Gone]:
    yield from _in_batches("webhook_failures", FAILURES, since)


def _audit(since: date) -> Iterator[Gone]:
    yield from _in_batches("audit_log", AUDIT, since)


FILES = text(f"""
    update media set status = 'forgotten', content = null, playable = null, playable_type = null, file_name = '',
        graph_id = '', error = null
    where id in (
        select t.id from media t join conversations c on c.id = t.conversation_id
        where t.status <> 'forgotten' and t.created_at < :since and not {NEEDED}
        order by t.created_at limit :most)
""")
FAILURES = text("""
    delete from webhook_failures where id in (
        select id from webhook_failures where created_at < :since order by id limit :most)
""")
AUDIT = text("delete from audit_log where id in (select id from audit_log where at < :since limit :most)")


def _in_batches(table: str, statement: TextClause, since: date, most: int = BATCH) -> Iterator[Gone]:
    while True:
        rows = _rows(db.session.execute(statement, {"since": since, "most": most}))
        db.session.commit()
        yield Gone(table, rows)
        if rows < most:
            return


def _rows(result: Any) -> int:
    count: int = result.rowcount
    return count


def _has(name: str, condition: str) -> bool:
    found = bool(db.session.scalar(text(f"select exists (select from {name} where {condition})")))
    db.session.commit()
    return found


def _count(name: str) -> int:
    count: int = db.session.scalar(text(f"select count(*) from {name}"))
    db.session.commit()
    return count


KINDS: Mapping[str, Kind] = {
    "messages": Kind(1, lambda config: config.messages_months, _messages, "messages where created_at < :since"),
    "media": Kind(
        2, lambda config: config.media_kept_months, _media, "media where created_at < :since and status <> 'forgotten'"
    ),
    "webhook_failures": Kind(
        3, lambda config: config.bodies_kept_months, _failures, "webhook_failures where created_at < :since"
    ),
    "audit_log": Kind(4, lambda config: config.audit_log_months, _audit, "audit_log where at < :since"),
}
