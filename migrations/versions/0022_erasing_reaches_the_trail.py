"""Where a guest is erased, a colleague's words in the trail of their claims go; nothing else of it ever changes."""

from alembic import op

revision = "0022"
down_revision = "0020"
branch_labels = None
depends_on = None

REFUSE = """
CREATE OR REPLACE FUNCTION lock_audit_is_append_only() RETURNS TRIGGER LANGUAGE plpgsql AS $$
BEGIN{but}
    RAISE EXCEPTION 'lock_audit is append-only: no % of %', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'insufficient_privilege';
END $$;
"""
BUT_FOR_ERASING = """
    IF TG_OP = 'UPDATE' THEN
        IF current_setting('hotel_agent.erasing', true) = 'yes' AND NEW.why = ''
                AND to_jsonb(NEW) - 'why' = to_jsonb(OLD) - 'why' THEN
            RETURN NEW;
        END IF;
    END IF;"""


def upgrade() -> None:
    op.execute(REFUSE.replace("{but}", BUT_FOR_ERASING))


def downgrade() -> None:
    op.execute(REFUSE.replace("{but}", ""))
