"""Hotels take turns: which hotel's next body, and which hotel's next answer, is found by an index."""

from alembic import op
from sqlalchemy import text

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None

BODIES = "ix_inbound_events_turns"
ANSWERS = "ix_conversations_answer_due"
PARTITIONS = text(
    "select inhrelid::regclass::text from pg_inherits where inhparent = 'inbound_events'::regclass order by 1"
)


def upgrade() -> None:
    op.execute("ALTER TABLE inbound_events ADD COLUMN IF NOT EXISTS number TEXT DEFAULT '' NOT NULL")
    op.execute(f"CREATE INDEX IF NOT EXISTS {BODIES} ON ONLY inbound_events (number, id) WHERE processed_at is null")
    with op.get_context().autocommit_block():
        for (partition,) in op.get_bind().execute(PARTITIONS).all():
            index = f"{partition}_turns"
            op.execute(
                f"CREATE INDEX CONCURRENTLY IF NOT EXISTS {index} ON {partition} (number, id) WHERE processed_at is null"
            )
            op.execute(f"ALTER INDEX {BODIES} ATTACH PARTITION {index}")
        op.execute(
            f"CREATE INDEX CONCURRENTLY IF NOT EXISTS {ANSWERS}_by_hotel ON conversations (hotel_id, answer_due_at)"
            " WHERE answer_due_at is not null"
        )
        op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {ANSWERS}")
        op.execute(f"ALTER INDEX IF EXISTS {ANSWERS}_by_hotel RENAME TO {ANSWERS}")


def downgrade() -> None:
    op.execute(f"DROP INDEX {ANSWERS}")
    op.execute(f"CREATE INDEX {ANSWERS} ON conversations (answer_due_at) WHERE answer_due_at is not null")
    op.execute(f"DROP INDEX {BODIES}")
    op.execute("ALTER TABLE inbound_events DROP COLUMN number")
