"""The hotel's cancellation policy."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from hotel_agent.hotels.models import Hotel


def free_until(hotel: Hotel, check_in: date) -> datetime:
    """Until when cancelling costs nothing, in the hotel's zone.

    The hours before check-in time are real hours: where the clocks change in between, the time of day moves.
    """
    arrival = datetime.combine(check_in, hotel.check_in_time, hotel.zone)
    deadline = arrival.astimezone(UTC) - timedelta(hours=hotel.free_cancellation_hours)
    return deadline.astimezone(hotel.zone)
