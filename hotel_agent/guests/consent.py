"""Whether a guest wants messages on the hotel's own account: asked for, given, taken back. In the caller's transaction.

`opted_out_at` stands above `consented_at`: it is set by the guest's word or by WhatsApp's own switch.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import func, select, update

from hotel_agent.db import db
from hotel_agent.guests.knowing import Identity
from hotel_agent.guests.models import Guest, GuestIdentity


def take_back(guest_id: int, at: datetime) -> None:
    """The guest wants none any more, since the first time that they said so."""
    db.session.execute(
        update(Guest)
        .where(Guest.id == guest_id)
        .values(opted_out_at=func.coalesce(Guest.opted_out_at, at), consented_at=None)
    )


def allow_again(guest_id: int, at: datetime) -> None:
    """WhatsApp's own switch is on again, which lifts an older refusal but is no consent by itself."""
    db.session.execute(update(Guest).where(Guest.id == guest_id, Guest.opted_out_at <= at).values(opted_out_at=None))


def known_as(hotel_id: int, identities: Iterable[Identity]) -> list[int]:
    """The ids of the hotel's guests who have one of these identities now."""
    wanted = {(one.kind, one.value) for one in identities}
    rows = db.session.execute(
        select(GuestIdentity.kind, GuestIdentity.value, GuestIdentity.guest_id).where(
            GuestIdentity.hotel_id == hotel_id,
            GuestIdentity.value.in_([value for _, value in wanted]),
            GuestIdentity.retired_at.is_(None),
        )
    )
    return sorted({guest_id for kind, value, guest_id in rows if (kind, value) in wanted})
