"""What is too old is found without reading the rest; a file that is no longer kept leaves word of itself."""

from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None

INDEXES = {
    "ix_media_kept": "media (created_at) WHERE status <> 'forgotten'",
    "ix_audit_log_at": "audit_log USING brin (at)",
    "ix_conversation_events_at": "conversation_events USING brin (at)",
}
STATES = "ALTER TABLE media ADD CONSTRAINT ck_media_status CHECK (status in ({})) NOT VALID"


def upgrade() -> None:
    op.execute("ALTER TABLE media DROP CONSTRAINT ck_media_status")
    op.execute(STATES.format("'waiting', 'stored', 'failed', 'forgotten'"))
    with op.get_context().autocommit_block():
        op.execute("ALTER TABLE media VALIDATE CONSTRAINT ck_media_status")
        for name, what in INDEXES.items():
            op.execute(f"CREATE INDEX CONCURRENTLY IF NOT EXISTS {name} ON {what}")


def downgrade() -> None:
    """What is no longer kept is then as if Meta no longer had it."""
    for name in INDEXES:
        op.execute(f"DROP INDEX {name}")
    op.execute("ALTER TABLE media DROP CONSTRAINT ck_media_status")
    op.execute("UPDATE media SET status = 'failed', error = 'gone' WHERE status = 'forgotten'")
    op.execute(STATES.format("'waiting', 'stored', 'failed'"))
    op.execute("ALTER TABLE media VALIDATE CONSTRAINT ck_media_status")
