"""Where a hotel's PMS is and what opens it: the hotel's own settings, the key sealed."""

from __future__ import annotations

from dataclasses import dataclass

from hotel_agent.errors import ConfigurationError
from hotel_agent.hotels.addresses import address_problem
from hotel_agent.hotels.credentials import unseal
from hotel_agent.hotels.models import Hotel
from hotel_agent.pms.contract import PmsUnavailable


@dataclass(frozen=True)
class Told:
    """`hotel_id` is the hotel's there, empty where it is not set."""

    url: str
    key: str
    hotel_id: str


def told_of(hotel: Hotel, url: str = "") -> Told:
    """With the address to take where none is set. Raises PmsUnavailable while the settings are not complete."""
    kept = hotel.settings or {}
    address, key = kept.get("pms_url") or url, kept.get("pms_key")
    if not address or not key:
        raise PmsUnavailable(f"hotel {hotel.slug}: pms_url and pms_key are not set")
    try:
        opened = unseal(key)
    except ConfigurationError as error:
        raise PmsUnavailable(str(error)) from None
    return Told(checked(hotel, address), opened, str(kept.get("pms_hotel_id") or ""))


def more_of(hotel: Hotel, name: str) -> str:
    """What `hotel set SLUG pms.NAME=…` has set: what one system alone needs."""
    more = (hotel.settings or {}).get("pms")
    return str(more.get(name) or "") if isinstance(more, dict) else ""


def checked(hotel: Hotel, address: str) -> str:
    """The address, if it may be asked. Raises PmsUnavailable."""
    problem = address_problem(address)
    if problem:
        raise PmsUnavailable(f"hotel {hotel.slug}: {problem}")
    return address
