"""Whose a guest's request is, and since when somebody is at it."""

from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        "ALTER TABLE guest_requests ADD COLUMN assigned_to INTEGER, ADD COLUMN started_at TIMESTAMP WITH TIME ZONE,"
        " ADD CONSTRAINT fk_guest_requests_assigned_to FOREIGN KEY (assigned_to) REFERENCES staff (id)"
        " ON DELETE SET NULL NOT VALID"
    )
    with op.get_context().autocommit_block():
        op.execute("ALTER TABLE guest_requests VALIDATE CONSTRAINT fk_guest_requests_assigned_to")
        op.execute(
            "create index concurrently if not exists ix_guest_requests_settled"
            " on guest_requests (hotel_id, closed_at) where status <> 'open'"
        )


def downgrade() -> None:
    op.execute("DROP INDEX ix_guest_requests_settled")
    op.execute("ALTER TABLE guest_requests DROP COLUMN assigned_to, DROP COLUMN started_at")
