"""What is in every table, in two numbers, so that two databases can be compared: how many rows, and a checksum."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import psycopg
from psycopg import sql

# Everything of the schema that keeps rows; a partition is part of its table.
TABLES = """
    select c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where n.nspname = 'public' and c.relkind in ('r', 'p') and not c.relispartition
        and not exists (select from pg_depend d where d.classid = 'pg_class'::regclass and d.objid = c.oid
            and d.deptype = 'e')
    order by c.relname
"""
# How values are written out depends on these.
AS_TEXT = """
    set local timezone = 'UTC'; set local datestyle = 'ISO, YMD'; set local intervalstyle = 'iso_8601';
    set local bytea_output = 'hex'; set local extra_float_digits = 1; set local lc_monetary = 'C';
"""
# The same in whatever order the rows lie.
ROWS_AND_SUM = """
    select count(*), coalesce(sum(('x' || left(md5(t::text), 16))::bit(64)::bigint::numeric), 0)::text from {} t
"""

Fingerprints = Mapping[str, tuple[int, str]]


def of_all_tables(connection: psycopg.Connection[Any]) -> dict[str, tuple[int, str]]:
    """Within the transaction that is open on this connection, of what that one sees."""
    connection.execute(AS_TEXT)
    return {name: _of_table(connection, name) for name in names(connection)}


def names(connection: psycopg.Connection[Any]) -> list[str]:
    return [name for (name,) in connection.execute(TABLES)]


def differences(wanted: Fingerprints, found: Fingerprints) -> tuple[str, ...]:
    """In words, for whoever has to decide what to do."""
    told = [f"{name} is missing" for name in wanted if name not in found]
    told += [f"{name} should not be there" for name in found if name not in wanted]
    for name in wanted:
        if name in found and tuple(wanted[name]) != tuple(found[name]):
            (rows, _), (there, _) = wanted[name], found[name]
            told.append(f"{name} has {there} rows of {rows}" if rows != there else f"{name} has other content")
    return tuple(told)


def _of_table(connection: psycopg.Connection[Any], name: str) -> tuple[int, str]:
    row = connection.execute(sql.SQL(ROWS_AND_SUM).format(sql.Identifier(name))).fetchone()
    assert row is not None
    return int(row[0]), str(row[1])
