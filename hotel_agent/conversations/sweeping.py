"""Finding rows that nobody was reminded of: because a nudge was lost, or its process died."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import text

from hotel_agent.conversations.turns import DUE_OF, HOTELS
from hotel_agent.db import db

# A nudge that is on its way is not lost; only what is older than this is.
GRACE = "3 seconds"
# A row that is `sending` for longer has probably lost its process; if not, that one still holds the lane.
LONGEST_SEND = "8 seconds"
FORGOTTEN_AFTER = "8 seconds"
MOST = 500
MOST_OF_A_HOTEL = 100

BODIES = text(f"""
    select exists (
        select from inbound_events
        where processed_at is null and received_at < now() - interval '{GRACE}'
          and (retry_at is null or retry_at <= now()))
""")

DUE_ANSWERS = text(f"""
    {HOTELS}
    select due.id from hotels
    cross join lateral (select d.id, row_number() over () as turn from ({DUE_OF} {MOST_OF_A_HOTEL}) d) due
    order by due.turn limit {MOST}
""")

DUE_SENDS = text(f"""
    select m.conversation_id
    from messages m
    join conversations c on c.id = m.conversation_id
    left join tenant_user_identifiers i on i.id = c.identifier_id
    where m.direction = 'out'
      and (m.status = 'queued'
             and coalesce(m.next_attempt_at <= now(), m.created_at < now() - interval '{GRACE}')
             and (i.paused_until is null or i.paused_until <= now())
           or m.status = 'sending' and m.sending_at < now() - interval '{LONGEST_SEND}')
    group by m.conversation_id
    order by row_number() over (partition by min(m.hotel_id) order by min(m.id)), min(m.id) limit {MOST}
""")

FORGOTTEN = text(f"""
    update conversations set answer_due_at = now()
    where answer_due_at is null and channel = 'whatsapp' and id in (
        select conversation_id from messages
        where handling = 'pending' and received_at < now() - interval '{FORGOTTEN_AFTER}')
""")

# Whoever asked by the API was told to ask again, or has died waiting.
UNASKED = text("""
    update messages set handling = 'none'
    from conversations c
    where c.id = conversation_id and c.channel = 'api'
      and handling = 'pending' and received_at < now() - interval '1 minute'
""")


@dataclass(frozen=True)
class Forgotten:
    """What waits without anybody having been reminded."""

    bodies: bool
    answers: list[int]
    sends: list[int]


def find_forgotten() -> Forgotten:
    db.session.execute(FORGOTTEN)
    db.session.execute(UNASKED)
    db.session.commit()
    found = Forgotten(
        bodies=bool(db.session.scalar(BODIES)),
        answers=list(db.session.scalars(DUE_ANSWERS)),
        sends=list(db.session.scalars(DUE_SENDS)),
    )
    db.session.rollback()
    return found
