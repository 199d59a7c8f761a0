"""What a PMS keeps for guests leaves the same trail as our own claims on rooms, and its lapse is told as well."""

from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

# Nobody is told now of what lapsed before anybody was.
COLUMNS = """
ALTER TABLE pms_holds
    ADD COLUMN names JSONB DEFAULT '{}' NOT NULL,
    ADD COLUMN lapse_told_at TIMESTAMP WITH TIME ZONE;
/* may lock: no hotel had a PMS of its own before it */
UPDATE pms_holds SET lapse_told_at = now() WHERE status = 'expired';
ALTER TABLE lock_audit ADD COLUMN at_pms BOOLEAN DEFAULT false NOT NULL;
"""

# As of our own claims (0010): what happened is read from the row, who and why from whoever says so for the transaction.
WRITING = """
CREATE FUNCTION audit_pms_hold() RETURNS TRIGGER LANGUAGE plpgsql AS $$
DECLARE
    hold pms_holds%ROWTYPE;
    was JSONB;
    becomes JSONB;
    did TEXT;
    who TEXT := coalesce(nullif(current_setting('hotel_agent.actor', true), ''), 'system');
    reason TEXT := coalesce(nullif(current_setting('hotel_agent.why', true), ''),
        format('SQL of %s, %s', session_user, current_setting('application_name')));
BEGIN
    IF TG_OP = 'DELETE' THEN hold := OLD; ELSE hold := NEW; END IF;
    IF TG_OP <> 'INSERT' THEN was := to_jsonb(OLD) - 'lapse_told_at' - 'names'; END IF;
    IF TG_OP <> 'DELETE' THEN becomes := to_jsonb(NEW) - 'lapse_told_at' - 'names'; END IF;
    IF was = becomes THEN RETURN NULL; END IF;
    did := CASE
        WHEN TG_OP = 'DELETE' THEN 'deleted'
        WHEN TG_OP = 'INSERT' THEN CASE NEW.status WHEN 'active' THEN 'held' ELSE NEW.status END
        WHEN OLD.status <> NEW.status THEN CASE
            WHEN OLD.status = 'booked' AND NEW.status = 'released' THEN 'freed'
            WHEN NEW.status = 'active' THEN 'held'
            ELSE NEW.status END
        WHEN NEW.extensions <> OLD.extensions THEN 'extended'
        WHEN OLD.cleared_at IS NULL AND NEW.cleared_at IS NOT NULL THEN
            CASE NEW.status WHEN 'booked' THEN 'freed' ELSE 'cleared' END
        ELSE 'changed' END;
    IF did = 'expired' THEN
        who := 'system';
        reason := 'its time was over';
    END IF;
    INSERT INTO lock_audit
        (hotel_id, lock_id, hold_key, reservation_id, action, actor, actor_id, why, before, after, at_pms)
    VALUES
        (hold.hotel_id, hold.id, hold.hold_key, hold.reservation_id, did, split_part(who, ':', 1),
         cast(nullif(split_part(who, ':', 2), '') AS BIGINT), reason, was, becomes, true);
    RETURN NULL;
END $$;
CREATE TRIGGER pms_holds_audit AFTER INSERT OR UPDATE OR DELETE ON pms_holds
    FOR EACH ROW EXECUTE FUNCTION audit_pms_hold();
CREATE TRIGGER pms_holds_are_kept BEFORE TRUNCATE ON pms_holds
    FOR EACH STATEMENT EXECUTE FUNCTION reservation_locks_are_kept();
"""

# Those whose time is over and of which nobody has taken note yet.
LAPSED = "pms_holds (expires_at) WHERE status = 'expired' and lapse_told_at is null"

UNDO = """
DROP TRIGGER pms_holds_are_kept ON pms_holds;
DROP TRIGGER pms_holds_audit ON pms_holds;
DROP FUNCTION audit_pms_hold();
ALTER TABLE lock_audit DROP COLUMN at_pms;
DROP INDEX ix_pms_holds_lapsed;
ALTER TABLE pms_holds DROP COLUMN names, DROP COLUMN lapse_told_at;
"""


def upgrade() -> None:
    for statements in (COLUMNS, WRITING):
        op.execute(statements)
    with op.get_context().autocommit_block():
        op.execute(f"create index concurrently if not exists ix_pms_holds_lapsed on {LAPSED}")


def downgrade() -> None:
    op.execute(UNDO)
