"""What a list shows of the conversations that are there already, and why they wait."""

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""
        /* may lock: no hotel had messages before it */
        update conversations c set
            last_message_at = m.at,
            last_message_author = m.author,
            last_message_type = m.type,
            last_message_text = m.words
        from (
            select distinct on (conversation_id)
                conversation_id, coalesce(sent_at, created_at) as at, author, type, left(body, 200) as words
            from messages
            order by conversation_id, id desc) m
        where m.conversation_id = c.id
    """)
    op.execute("""
        /* may lock: no hotel had messages before it */
        update conversations set waiting_reasons = array[waiting_reason]
        where waiting_reason is not null
    """)


def downgrade() -> None:
    pass
