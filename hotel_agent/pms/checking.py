"""Whether a hotel's PMS answers, as somebody who has just set it up wants to know."""

from __future__ import annotations

from dataclasses import asdict
from time import perf_counter
from typing import Any

from hotel_agent.errors import ConfigurationError
from hotel_agent.hotels.models import Hotel
from hotel_agent.pms.contract import PmsRejected, PmsUnavailable
from hotel_agent.pms.door import pms_for
from hotel_agent.pms.orders import catalogues


def check(hotel: Hotel) -> dict[str, Any]:
    """Ask for its kinds of room, past everything that is kept of them.

    `problem` is empty where it answers, else why not; `kinds` are code, name and capacity, `capabilities` as
    contract.Capabilities has them, `milliseconds` what the answer took.
    """
    told: dict[str, Any] = {"pms": hotel.pms, "problem": "", "kinds": [], "capabilities": {}, "milliseconds": 0}
    catalogues.forget()
    began = perf_counter()
    try:
        door = pms_for(hotel)
        kinds = door.room_kinds(fresh=True)
    except (PmsUnavailable, PmsRejected, ConfigurationError) as error:
        return told | {"problem": str(error) or type(error).__name__}
    return told | {
        "kinds": [[kind.code, kind.name_in(hotel.language), kind.capacity] for kind in kinds],
        "capabilities": asdict(door.capabilities),
        "milliseconds": round((perf_counter() - began) * 1000),
    }
