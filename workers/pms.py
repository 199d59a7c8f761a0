"""The job that settles what is open with hotels' own property-management systems."""

from __future__ import annotations

from hotel_agent.conversations import unsettled


def settle() -> None:
    unsettled.settle_all()
