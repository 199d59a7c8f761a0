"""What reports look for in a stretch of days: holds and bookings, and questions without an answer."""

from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.get_context().autocommit_block():
        op.execute(
            "create index concurrently if not exists ix_conversation_events_sales"
            " on conversation_events (hotel_id, kind, at) where kind in ('booked', 'hold_made')"
        )
        op.execute(
            "create index concurrently if not exists ix_missing_answers_hotel_id on missing_answers (hotel_id, created_at)"
        )


def downgrade() -> None:
    op.execute("DROP INDEX ix_missing_answers_hotel_id")
    op.execute("DROP INDEX ix_conversation_events_sales")
