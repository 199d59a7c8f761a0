"""Which web service is a hotel's."""

from __future__ import annotations

from hotel_agent.hotels.models import Hotel
from hotel_agent.pms.contract import PmsUnavailable
from hotel_agent.pms.qloapps.client import Client
from hotel_agent.pms.qloapps.reading import Shop
from hotel_agent.pms.settings import told_of


def shop_of(hotel: Hotel) -> Shop:
    """Raises PmsUnavailable while the settings are not complete."""
    told = told_of(hotel)
    hotel_id = told.hotel_id or "1"
    if not hotel_id.isdecimal():
        raise PmsUnavailable(f"hotel {hotel.slug}: pms_hotel_id is a number in QloApps")
    return Shop(Client(told.url, told.key), int(hotel_id), hotel.language)
