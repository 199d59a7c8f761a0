"""What PostgreSQL counts about our tables: which are read by index, and which from end to end."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client.core import CounterMetricFamily
from prometheus_client.registry import Collector
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from hotel_agent.db import db

INDEX, WHOLE_TABLE = "index", "whole_table"
# Partitions count for their table, so that months to come are no names to come.
READ = text("""
    select coalesce(parent.relname, child.relname),
        sum(coalesce(child.idx_scan, 0)), sum(child.seq_scan),
        sum(coalesce(child.idx_tup_fetch, 0)), sum(child.seq_tup_read)
    from pg_stat_user_tables child
    left join pg_inherits on inhrelid = child.relid
    left join pg_class parent on parent.oid = inhparent
    where child.schemaname = current_schema()
    group by 1 order by 1
""")


class Tables(Collector):
    """Needs an application context. Says nothing while PostgreSQL is away."""

    def collect(self) -> Iterator[CounterMetricFamily]:
        try:
            found = db.session.execute(READ).all()
        except SQLAlchemyError:
            return
        finally:
            db.session.rollback()
        scans = CounterMetricFamily("db_scans", "Scans of a table, by way of what.", labels=["table", "by"])
        rows = CounterMetricFamily("db_rows_read", "Rows read of a table, by way of what.", labels=["table", "by"])
        for table, index_scans, whole_scans, index_rows, whole_rows in found:
            scans.add_metric([table, INDEX], float(index_scans))
            scans.add_metric([table, WHOLE_TABLE], float(whole_scans))
            rows.add_metric([table, INDEX], float(index_rows))
            rows.add_metric([table, WHOLE_TABLE], float(whole_rows))
        yield from (scans, rows)
