"""Which web service is a hotel's: its own settings, the key sealed."""

from __future__ import annotations

from hotel_agent.errors import ConfigurationError
from hotel_agent.hotels.addresses import address_problem
from hotel_agent.hotels.credentials import unseal
from hotel_agent.hotels.models import Hotel
from hotel_agent.pms.contract import PmsUnavailable
from hotel_agent.pms.qloapps.client import Client
from hotel_agent.pms.qloapps.reading import Shop


def shop_of(hotel: Hotel) -> Shop:
    """Raises PmsUnavailable while the settings are not complete."""
    told = hotel.settings or {}
    address, key = told.get("pms_url"), told.get("pms_key")
    if not address or not key:
        raise PmsUnavailable(f"hotel {hotel.slug}: pms_url and pms_key are not set")
    problem = address_problem(address)
    if problem:
        raise PmsUnavailable(f"hotel {hotel.slug}: {problem}")
    try:
        opened = unseal(key)
    except ConfigurationError as error:
        raise PmsUnavailable(str(error)) from None
    return Shop(Client(address, opened), int(told.get("pms_hotel_id") or 1), hotel.language)
