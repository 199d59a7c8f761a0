"""Refuses a migration that would lock a big table for as long as it takes to read or write all of it.

It looks at each statement before it is carried out, so that a migration that is refused has changed nothing. Tables
that the migration itself has made are empty and may be treated in any way; small ones are done with in a moment.
What PostgreSQL locks for how long: https://www.postgresql.org/docs/current/explicit-locking.html and the notes of
ALTER TABLE and CREATE INDEX.

Whoever knows better says so in the statement: `/* may lock: the table has one row a hotel */`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, event

BIG_ROWS = 100_000
BIG_BYTES = 256 * 1024 * 1024
# Of which an installation has some for each hotel, however long it lives.
STAY_SMALL = {
    "api_tokens",
    "backups",
    "closures",
    "feature_flags",
    "hotels",
    "knowledge",
    "room_types",
    "rooms",
    "staff",
    "tenant_user_identifiers",
}
MAY_LOCK = re.compile(r"/\*\s*may lock:\s*(\S.{9,}?)\s*\*/", re.DOTALL)
# Comments, strings, bodies of functions, and what separates statements.
PIECE = re.compile(r"/\*.*?\*/|--[^\n]*|'(?:[^']|'')*'|\$([a-z_]*)\$.*?\$\1\$|;", re.DOTALL | re.IGNORECASE)
NAME = r'(?:only\s+|if\s+(?:not\s+)?exists\s+)*(?:"?public"?\.)?"?(?P<table>[a-z_][a-z0-9_]*)"?'
# What stands before a bracket in the default of a column and is the same for all rows; any other function may not be.
SAME_FOR_ALL = (
    "now|transaction_timestamp|statement_timestamp|current_setting|timezone|date_trunc|make_interval|lower|upper|"
    "jsonb?_build_object|jsonb?_build_array|array|numeric|decimal|varchar|char|bit|varying|timestamp|timestamptz|time|"
    "interval|check"
)

# With its partitions. What was never analysed has no count, but it has pages.
SIZE = """
    select coalesce(sum(greatest(c.reltuples, 0)), 0), coalesce(sum(pg_relation_size(c.oid)), 0) from pg_class c
    where c.oid = to_regclass(%(name)s)
       or c.oid in (select inhrelid from pg_inherits where inhparent = to_regclass(%(name)s))
"""


class LocksABigTable(Exception):
    """The migration must not run as it is; the text says which statement, and what to write instead."""


@dataclass(frozen=True)
class Rule:
    """`pattern` is looked for in one action on a table; `instead` says how it is done without locking."""

    name: str
    pattern: re.Pattern[str]
    instead: str
    allowed: Callable[[str, State], bool] = lambda _action, _state: False


@dataclass
class State:
    """What the migration has done so far."""

    made: set[str] = field(default_factory=set)
    altered: set[str] = field(default_factory=set)
    not_null_checks: set[str] = field(default_factory=set)
    in_transaction: bool = True


def _words(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.IGNORECASE | re.DOTALL)


NOT_NULL = _words(r"\balter\s+(?:column\s+)?\"?([a-z_][a-z0-9_]*)\"?\s+set\s+not\s+null")
NOT_VALID = _words(r"\bnot\s+valid\b")
ACTIONS = (
    Rule(
        "rewrites every row",
        _words(r"\balter\s+(?:column\s+)?\S+\s+(?:set\s+data\s+)?type\b"),
        "add a column beside it, let the program write both, fill the old rows by a job, then drop the old one",
    ),
    Rule(
        "rewrites every row",
        _words(
            rf"\badd\s+(?:column\s+)?.*(?:\bdefault\s+[^,]*?\b(?!(?:{SAME_FOR_ALL})\s*\()[a-z_][a-z0-9_]*\s*\("
            r"|\bgenerated\s+(?:always|by\s+default)\s+as\b|\b(?:big|small)?serial\b)"
        ),
        "add it nullable or with a constant default, and fill the old rows by a job",
    ),
    Rule(
        "reads every row under a lock",
        _words(
            r"\badd\s+(?:column\s+)?(?!constraint\b|check\b|foreign\b|unique\b|primary\b|exclude\b).*\breferences\b"
        ),
        "add the column first, then the foreign key NOT VALID, and VALIDATE CONSTRAINT in an autocommit block",
    ),
    Rule(
        "reads every row under a lock",
        _words(r"\badd\s+(?:column\s+)?(?!constraint\b|check\b|foreign\b|unique\b|primary\b|exclude\b).*\bcheck\s*\("),
        "add the column first, then the CHECK NOT VALID, and VALIDATE CONSTRAINT in an autocommit block",
    ),
    Rule(
        "reads every row under a lock",
        _words(r"\badd\s+(?:constraint\s+\S+\s+)?(?:check|foreign\s+key)\b"),
        "add it NOT VALID, and VALIDATE CONSTRAINT in an autocommit block",
        lambda action, _state: bool(NOT_VALID.search(action)),
    ),
    Rule(
        "builds an index under a lock",
        _words(r"\badd\s+(?:constraint\s+\S+\s+)?(?:unique|primary\s+key|exclude)\b"),
        "CREATE UNIQUE INDEX CONCURRENTLY in an autocommit block, then ADD CONSTRAINT … USING INDEX",
        lambda action, _state: bool(re.search(r"\busing\s+index\b", action, re.IGNORECASE)),
    ),
    Rule(
        "builds an index under a lock",
        _words(r"\badd\s+(?:column\s+)?(?!constraint\b|check\b|foreign\b|exclude\b).*\b(?:unique|primary\s+key)\b"),
        "add the column first, then CREATE UNIQUE INDEX CONCURRENTLY in an autocommit block",
    ),
    Rule(
        "reads every row under a lock",
        _words(r"\balter\s+(?:column\s+)?(?P<column>\S+)\s+set\s+not\s+null\b"),
        "add CHECK (… IS NOT NULL) NOT VALID, VALIDATE it in an autocommit block, and SET NOT NULL after that",
        lambda action, state: any(f"{name} is not null" in state.not_null_checks for name in _columns(action)),
    ),
    Rule(
        "reads every row under the lock of what was altered before",
        _words(r"\bvalidate\s+constraint\b"),
        "VALIDATE CONSTRAINT in an autocommit block, after what it validates was committed",
        lambda _action, state: not state.in_transaction,
    ),
    Rule(
        "writes the table anew",
        _words(r"\bset\s+(?:un)?logged\b|\bset\s+tablespace\b|\bset\s+access\s+method\b"),
        "do it by hand, with the hotels told, when nothing else runs",
    ),
)
ALTER = _words(rf"^\s*alter\s+table\s+{NAME}\s+(?P<actions>.*)$")
INDEX = _words(rf"^\s*create\s+(?:unique\s+)?index\s+(?P<how>.*?)\bon\s+(?P<only>only\s+)?{NAME}")
# Where the whole database is meant.
EVERYTHING = _words(
    r"^\s*(?:vacuum\s*(?:\(\s*full\b[^)]*\)|full)|cluster)\s*$|"
    r"^\s*reindex\s+(?!.*\bconcurrently\b)(?:\([^)]*\)\s*)?(?:schema|database|system)\b"
)
# A statement in a block of PL/pgSQL, behind the words of the block.
VERB = _words(
    r"(?<!\bfor\s)(?<!\bdo\s)\b(?:alter\s+table|create\s+(?:unique\s+)?index|update|delete\s+from|merge\s+into|lock|"
    r"reindex|cluster|refresh|with|create\s+(?:unlogged\s+)?table)\s.*"
)
DO = _words(
    r"^\s*do\s+(?:language\s+\S+\s+)?(?:\$(?P<tag>[a-z_]*)\$(?P<body>.*)\$(?P=tag)\$|'(?P<quoted>(?:[^']|'')*)')"
)
EXECUTED = _words(
    r"\bexecute\s+(?:format\s*\(\s*)?(?:'(?P<quoted>(?:[^']|'')*)'|\$(?P<tag>[a-z_]*)\$(?P<body>.*?)\$(?P=tag)\$)"
)
CONCURRENTLY = _words(r"\bconcurrently\b")
# What takes as long as there are rows to read, and whose rows they are.
COPIES = _words(
    r"^\s*(?:insert\s+into\b|create\s+(?:unlogged\s+)?table\b|create\s+materialized\s+view\b|select\b|with\b)"
)
READ = _words(rf"\b(?:from|join)\s+(?!pg_|information_schema\b|alembic_version\b){NAME}")
MADE = _words(rf"^\s*create\s+(?:unlogged\s+)?table\s+{NAME}")
WHOLE = (
    (
        _words(rf"^\s*(?:with\b.*?(?<!\bfor\s)(?<!\bdo\s)\b)?update\s+{NAME}\b(?!\s*,|\s*\))"),
        "writes rows of it in one transaction",
        "fill them by a job, in small batches",
    ),
    (
        _words(rf"^\s*merge\s+into\s+{NAME}"),
        "writes rows of it in one transaction",
        "fill them by a job, in small batches",
    ),
    (
        _words(rf"^\s*(?:with\b.*?)?\bdelete\s+from\s+{NAME}"),
        "deletes rows of it in one transaction",
        "delete by a job, in batches",
    ),
    (
        _words(rf"^\s*(?:vacuum\s*\(?\s*full\b[^)]*\)?|cluster)\s+{NAME}"),
        "writes the table anew",
        "leave it to autovacuum",
    ),
    (_words(rf"^\s*lock\s+(?:table\s+)?{NAME}"), "locks it", "rely on row locks"),
    (
        _words(rf"^\s*alter\s+table\s.*\battach\s+partition\s+{NAME}"),
        "reads every row under a lock",
        "add a CHECK of its bounds NOT VALID, VALIDATE it in an autocommit block, then attach it",
    ),
    (
        _words(rf"^\s*reindex\s+(?!.*\bconcurrently\b)(?:\([^)]*\)\s*)?(?:table|index)\s+{NAME}"),
        "builds indexes under a lock",
        "REINDEX … CONCURRENTLY in an autocommit block",
    ),
    (_words(rf"^\s*refresh\s+materialized\s+view\s+{NAME}"), "locks readers out", "REFRESH … CONCURRENTLY"),
)
STEP = _words(r"^\s*(?:insert\s+into|update|delete\s+from)\s+alembic_version\b")


class Guard:
    """Looks at what the migrations on one connection are about to do. `is_big` tells of a table by its name."""

    def __init__(self, is_big: Callable[[str], bool]) -> None:
        self._is_big = is_big
        self._state = State()

    def look(self, statement: str, *, in_transaction: bool = True) -> None:
        """Raises LocksABigTable."""
        if STEP.match(statement):
            self._state = State()
            return
        self._state.in_transaction = in_transaction
        if not in_transaction:  # An autocommit block begins by committing what was done before it.
            self._state.altered.clear()
        for whole in _statements(statement):
            may_lock = MAY_LOCK.search(whole)
            for one in map(_plain, _with_blocks(whole)):
                if EVERYTHING.match(one) and not may_lock:
                    raise _refusal(one, "locks table after table", "some table", "name the tables, one by one")
                for table, what, instead in self._troubles(one):
                    if table not in self._state.made and not may_lock and self._is_big(table):
                        raise _refusal(one, what, table, instead)
                self._remember(one)

    def _troubles(self, statement: str) -> Iterator[tuple[str, str, str]]:
        """(table, what happens to it, what to do instead)"""
        altered, index = ALTER.match(statement), INDEX.match(statement)
        if altered:
            for action in _actions(altered["actions"]):
                for rule in ACTIONS:
                    if rule.pattern.search(action) and not rule.allowed(action, self._state):
                        yield altered["table"], rule.name, rule.instead
        if index and not index["only"] and not CONCURRENTLY.search(index["how"]):
            yield index["table"], "builds an index under a lock", "CREATE INDEX CONCURRENTLY in an autocommit block"
        for pattern, what, instead in WHOLE:
            found = pattern.match(statement)
            if found and not CONCURRENTLY.search(statement):
                yield found["table"], what, instead
        if self._state.altered and COPIES.match(statement):
            for read in READ.finditer(statement):
                locked = ", ".join(sorted(self._state.altered))
                yield read["table"], f"reads it while {locked} is locked", "do it in a migration before or after"

    def _remember(self, statement: str) -> None:
        made, altered = MADE.match(statement), ALTER.match(statement)
        if made:
            self._state.made.add(made["table"])
        is_kept_locked = altered and self._state.in_transaction and altered["table"] not in self._state.made
        if altered and is_kept_locked and self._is_big(altered["table"]):
            self._state.altered.add(altered["table"])
        if altered and re.search(r"\bcheck\b", altered["actions"], re.IGNORECASE):
            plain = " ".join(altered["actions"].lower().replace('"', "").split())
            self._state.not_null_checks.update(re.findall(r"[a-z_][a-z0-9_]* is not null", plain))


def _refusal(statement: str, what: str, table: str, instead: str) -> LocksABigTable:
    return LocksABigTable(
        f"{_shortly(statement)!r} {what}, and {table} is big or grows. Instead: {instead}."
        " See docs/DATABASE_MIGRATIONS.md; where you know better, say why in the statement: /* may lock: … */"
    )


def watch(connection: Connection, *, everything: bool = False) -> None:
    """From now on no statement on this connection may lock a big table for long.

    With `everything` each table that grows counts as big, however few rows it has now.
    """

    def is_big(table: str) -> bool:
        if everything:
            return table not in STAY_SMALL
        rows, size = connection.exec_driver_sql(SIZE, {"name": table}).one()
        return bool(rows >= BIG_ROWS or size >= BIG_BYTES)

    guard = Guard(is_big)

    def before(_connection: Connection, _cursor: Any, statement: str, _given: Any, _context: Any, _many: bool) -> None:
        if statement != SIZE:
            guard.look(statement, in_transaction=not _is_autocommit(connection))

    event.listen(connection, "before_cursor_execute", before)


def _is_autocommit(connection: Connection) -> bool:
    return connection.get_execution_options().get("isolation_level") == "AUTOCOMMIT"


def _statements(whole: str) -> Iterator[str]:
    """The statements of one text, each with its comments."""
    begins = 0
    for piece in PIECE.finditer(whole):
        if piece.group() == ";":
            yield whole[begins : piece.start()]
            begins = piece.end()
    yield whole[begins:]


def _with_blocks(statement: str) -> Iterator[str]:
    """The statement; for a DO block those in it as well, and those that it puts together as strings."""
    yield statement
    block = DO.match(_without_comments(statement))
    if block:
        body = block["body"] if block["body"] is not None else block["quoted"].replace("''", "'")
        for inner in _statements(body):
            found = VERB.search(_plain(inner))
            if found:
                yield found.group()
            for words in EXECUTED.finditer(inner):
                executed = words["body"] if words["quoted"] is None else words["quoted"].replace("''", "'")
                yield from (verb.group() for verb in [VERB.match(executed.strip())] if verb)


def _without_comments(statement: str) -> str:
    return PIECE.sub(lambda piece: " " if piece.group()[0] in "/-" else piece.group(), statement)


def _plain(statement: str) -> str:
    """Without comments, nor what is only quoted."""
    return PIECE.sub(lambda piece: " " if piece.group()[0] in "/-" else "''", statement).strip()


def _actions(listed: str) -> Iterator[str]:
    """The actions of one ALTER TABLE, which stand between commas outside of brackets."""
    depth, begins = 0, 0
    for place, sign in enumerate(listed):
        depth += (sign == "(") - (sign == ")")
        if sign == "," and not depth:
            yield listed[begins:place].strip()
            begins = place + 1
    yield listed[begins:].strip()


def _columns(action: str) -> Iterator[str]:
    for found in re.finditer(
        r"\balter\s+(?:column\s+)?\"?([a-z_][a-z0-9_]*)\"?\s+set\s+not\s+null", action, re.IGNORECASE
    ):
        yield found[1].lower()


def _shortly(statement: str) -> str:
    words = " ".join(statement.split())
    return words if len(words) <= 120 else f"{words[:117]}…"
