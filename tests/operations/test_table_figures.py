"""What Prometheus is told about the reading of tables."""

from __future__ import annotations

import re
from typing import Any

from sqlalchemy import text

from hotel_agent.db import db
from hotel_agent.health import tables
from hotel_agent.partitions import PARTITIONED

SERIES = re.compile(r'^(db_scans|db_rows_read)_total\{by="(\w+)",table="(\w+)"\} (\S+)$', re.MULTILINE)


def told(client: Any) -> dict[tuple[str, str, str], float]:
    """By name, way and table."""
    found = SERIES.findall(client.get("/metrics").text)
    return {(name, by, table): float(value) for name, by, table, value in found}


def read(statement: str, **settings: str) -> None:
    """In a transaction of its own, whose counts are there for others at once."""
    db.session.rollback()
    for name, value in settings.items():
        db.session.execute(text(f"set local {name} = {value}"))
    db.session.execute(text(statement)).all()
    db.session.execute(text("select pg_stat_force_next_flush()"))
    db.session.commit()


def test_reading_by_index_and_reading_the_whole_table_are_told_apart(client):
    before = told(client)
    read("select name from hotels where slug = 'miramar'", enable_seqscan="off")
    by_index = told(client)
    read("select name from hotels where name <> ''", enable_indexscan="off", enable_bitmapscan="off")
    after = told(client)
    index, whole = ("db_scans", tables.INDEX, "hotels"), ("db_scans", tables.WHOLE_TABLE, "hotels")
    rows = ("db_rows_read", tables.WHOLE_TABLE, "hotels")
    assert by_index[index] > before[index]
    assert after[whole] > by_index[whole]
    assert after[rows] >= by_index[rows] + 2


def test_partitions_count_for_their_table(client):
    names = {table for _, _, table in told(client)}
    assert set(PARTITIONED) <= names
    children = {name for name in names for table in PARTITIONED if name.startswith(f"{table}_")}
    assert children == set()


def test_what_is_read_of_a_partition_is_told_of_its_table(client):
    key = ("db_scans", tables.WHOLE_TABLE, "lock_audit")
    before = told(client)
    read("select id from lock_audit where why = 'nobody said so'", enable_indexscan="off", enable_bitmapscan="off")
    assert told(client)[key] > before[key]
