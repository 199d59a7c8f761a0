"""Which property is a hotel's."""

from __future__ import annotations

from hotel_agent.hotels.models import Hotel
from hotel_agent.pms.apaleo.client import Client, Credentials
from hotel_agent.pms.apaleo.reading import Property
from hotel_agent.pms.contract import PmsUnavailable
from hotel_agent.pms.settings import checked, more_of, told_of

API, IDENTITY = "https://api.apaleo.com", "https://identity.apaleo.com"


def property_of(hotel: Hotel) -> Property:
    """`pms_key` is the client's id and its secret, with a colon between. Raises PmsUnavailable without the settings."""
    told = told_of(hotel, API)
    id_, colon, secret = told.key.partition(":")
    if not colon or not id_ or not secret:
        raise PmsUnavailable(f"hotel {hotel.slug}: pms_key is to be CLIENT_ID:CLIENT_SECRET")
    if not told.hotel_id:
        raise PmsUnavailable(f"hotel {hotel.slug}: pms_hotel_id is not set")
    identity = checked(hotel, more_of(hotel, "identity_url") or IDENTITY).rstrip("/")
    client = Client(told.url, Credentials(f"{identity}/connect/token", id_, secret))
    return Property(client, told.hotel_id, hotel.language, hotel.zone)
