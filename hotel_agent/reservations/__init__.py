"""Availability, quotes and bookings: the verbs that conversations use, and the values they speak in."""

from hotel_agent.locks.holding import HoldLapsed, RoomTaken
from hotel_agent.pms.contract import (
    NEVER_FREE,
    Availability,
    BookedExtra,
    BookedRoom,
    Booking,
    Hold,
    Line,
    Offer,
    OutcomeUnknown,
    Party,
    PmsRejected,
    PmsUnavailable,
    Quote,
    RoomKind,
    RoomRequest,
    Stay,
)

__all__ = [
    "NEVER_FREE",
    "Availability",
    "BookedExtra",
    "BookedRoom",
    "Booking",
    "Hold",
    "HoldLapsed",
    "Line",
    "Offer",
    "OutcomeUnknown",
    "Party",
    "PmsRejected",
    "PmsUnavailable",
    "Quote",
    "RoomKind",
    "RoomRequest",
    "RoomTaken",
    "Stay",
]
