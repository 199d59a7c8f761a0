"""What was tried to back up, and what came of it."""

from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""
        CREATE TABLE backups (
            id SERIAL NOT NULL,
            name TEXT NOT NULL,
            state TEXT DEFAULT 'running' NOT NULL,
            error TEXT DEFAULT '' NOT NULL,
            started_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
            finished_at TIMESTAMP WITH TIME ZONE,
            size BIGINT,
            tried_at TIMESTAMP WITH TIME ZONE,
            trouble TEXT,
            copied_at TIMESTAMP WITH TIME ZONE,
            copy_error TEXT DEFAULT '' NOT NULL,
            gone_at TIMESTAMP WITH TIME ZONE,
            CONSTRAINT pk_backups PRIMARY KEY (id),
            CONSTRAINT uq_backups_name UNIQUE (name),
            CONSTRAINT ck_backups_state CHECK (state in ('running', 'done', 'failed'))
        );
        CREATE INDEX ix_backups_newest ON backups (started_at DESC);
    """)


def downgrade() -> None:
    op.execute("DROP TABLE backups")
