"""Two guests turn out to be one person: what belonged to the one becomes the other's."""

from __future__ import annotations

from sqlalchemy import update

from hotel_agent.db import db
from hotel_agent.locks.auditing import SYSTEM, tell
from hotel_agent.locks.models import ReservationLock
from hotel_agent.pms.local.models import Reservation
from hotel_agent.pms.models import PmsHold, PmsWrite


def move_belongings(guest_id: int, into: int) -> None:
    """Reservations and holds; what was said is the conversations' own business. In the caller's transaction."""
    tell(SYSTEM, "two guests turned out to be one")
    for table in (Reservation, ReservationLock, PmsHold, PmsWrite):
        db.session.execute(update(table).where(table.guest_id == guest_id).values(guest_id=into))
