"""The people of a hotel who may have a conversation."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select

from hotel_agent.db import db
from hotel_agent.staff.access import PERMISSIONS
from hotel_agent.staff.models import Staff, StaffHotel


@dataclass(frozen=True)
class Colleague:
    id: int
    name: str


def colleagues(hotel_id: int) -> list[Colleague]:
    """By name, those who can answer guests of this hotel."""
    rows = db.session.execute(
        select(Staff.id, Staff.name, Staff.email)
        .join(StaffHotel, StaffHotel.staff_id == Staff.id)
        .where(
            StaffHotel.hotel_id == hotel_id,
            StaffHotel.role.in_(PERMISSIONS["conversations"]),
            Staff.disabled_at.is_(None),
        )
    )
    return sorted((Colleague(row.id, row.name or row.email) for row in rows), key=lambda one: one.name.casefold())
