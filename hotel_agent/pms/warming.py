"""What guests will ask of the nights to come, asked of the PMS beforehand, so that they need not wait for it."""

from __future__ import annotations

from datetime import timedelta

from hotel_agent.db import one_at_a_time
from hotel_agent.hotels.models import Hotel
from hotel_agent.logs import get_logger
from hotel_agent.pms import limits
from hotel_agent.pms.contract import PmsUnavailable
from hotel_agent.pms.door import pms_for, rest_left

log = get_logger(__name__)

NIGHTS_AHEAD = 60
# What is free for a stay cannot be told from its nights one by one: there are least stays, and rooms would change.
STAYS = (1, 2, 3)
PAGE = 20  # So many arrivals in one question: a PMS may take long over each night.


def warm_up(hotel: Hotel) -> bool:
    """Keep what is free on each of the coming nights, and for short stays; False where the PMS is not to be asked.

    Guests' own questions go first.
    """
    if not pms_for(hotel).capabilities.is_remote:
        return False
    with one_at_a_time("pms_warm_up", hotel.id) as mine, limits.in_background():
        try:
            return mine and _ask(hotel)
        except PmsUnavailable as away:
            log.warning("pms_not_warmed_up", hotel=hotel.slug, why=str(away))
            return False


def _ask(hotel: Hotel) -> bool:
    pms, today = pms_for(hotel), hotel.today()
    if rest_left(hotel) > 0:
        return False
    pms.room_kinds(fresh=True)
    for nights in STAYS:
        for first in range(0, NIGHTS_AHEAD, PAGE):
            arrival = today + timedelta(days=first)
            pms.availability_from(arrival, arrival + timedelta(days=PAGE - 1), nights, fresh=True)
    return True
