"""What could not be settled with a hotel's PMS goes to its people, where the guest wrote last."""

from __future__ import annotations

from functools import partial

from sqlalchemy import select

from hotel_agent.conversations import waiting
from hotel_agent.conversations.acting import in_own_transaction
from hotel_agent.conversations.events import note_event
from hotel_agent.conversations.models import Conversation
from hotel_agent.db import db
from hotel_agent.hotels.models import Hotel
from hotel_agent.logs import get_logger
from hotel_agent.pms.contract import PmsUnavailable, Unsettled
from hotel_agent.pms.door import pms_for

log = get_logger(__name__)


def settle_all() -> None:
    """Settle with the PMS of every hotel that has one of its own; one that is away keeps no other waiting."""
    hotels = db.session.scalars(select(Hotel).where(Hotel.pms != "local").order_by(Hotel.id)).all()
    db.session.commit()
    for hotel in hotels:
        try:
            found = pms_for(hotel).settle()
        except PmsUnavailable as away:
            log.warning("pms_not_settled", hotel=hotel.slug, why=str(away))
            continue
        for one in found:
            tell_staff(hotel.id, one)


def tell_staff(hotel_id: int, unsettled: Unsettled) -> None:
    """Put it before the people of the hotel; without a guest whom it is about, only the log tells."""
    log.error("pms_needs_a_person", hotel=hotel_id, action=unsettled.action, code=unsettled.code, why=unsettled.why)
    if unsettled.guest_id is not None:
        in_own_transaction(partial(_tell, hotel_id, unsettled))


def _tell(hotel_id: int, unsettled: Unsettled) -> None:
    conversation = db.session.scalar(
        select(Conversation)
        .where(Conversation.hotel_id == hotel_id, Conversation.guest_id == unsettled.guest_id)
        .order_by(Conversation.last_inbound_at.desc().nulls_last(), Conversation.id)
        .limit(1)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if conversation is None:
        return
    waiting.hand_over(conversation, "pms_failed")
    note_event(conversation, "pms_failed", action=unsettled.action, code=unsettled.code, reason=unsettled.why)
