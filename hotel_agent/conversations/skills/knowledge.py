"""What the hotel says about itself, in its own words; what it has not said is asked of a colleague."""

from __future__ import annotations

from sqlalchemy import select

from hotel_agent.channels.whatsapp.limits import OutLocation
from hotel_agent.conversations.talk import Part, Talk
from hotel_agent.db import db
from hotel_agent.hotels.models import Knowledge

TOPICS = frozenset([
    "ask_room_types", "ask_checkin_time", "ask_checkout_time", "ask_location", "ask_transport", "ask_parking",
    "ask_wifi", "ask_breakfast", "ask_restaurant", "ask_pool", "ask_gym_spa", "ask_pets", "ask_children",
    "ask_accessibility", "ask_smoking", "ask_luggage", "ask_amenities", "ask_payment",
    "ask_cancellation_policy",
])  # fmt: skip


def answer(talk: Talk, topic: str) -> Part:
    return known(talk, topic) or _from_settings(talk, topic) or _unknown(talk)


def known(talk: Talk, topic: str) -> Part | None:
    """The hotel's text in the guest's language, else in its own."""
    languages = (talk.language, talk.hotel.language)
    rows = db.session.scalars(
        select(Knowledge).where(
            Knowledge.hotel_id == talk.hotel.id, Knowledge.topic == topic, Knowledge.language.in_(languages)
        )
    ).all()
    by_language = {row.language: row for row in rows if row.text.strip()}
    row = by_language.get(talk.language) or by_language.get(talk.hotel.language)
    return Part(row.text.strip(), location=_place(row)) if row else None


def _place(row: Knowledge) -> OutLocation | None:
    at = row.payload or {}
    if not {"latitude", "longitude"} <= set(at):
        return None
    return OutLocation(float(at["latitude"]), float(at["longitude"]), at.get("name"), at.get("address"))


def _from_settings(talk: Talk, topic: str) -> Part | None:
    """What the hotel's profile tells when nobody has written about it."""
    hotel = talk.hotel
    match topic:
        case "ask_checkin_time":
            return talk.part("knowledge.checkin_time", from_time=hotel.check_in_time)
        case "ask_checkout_time":
            return talk.part("knowledge.checkout_time", until=hotel.check_out_time)
        case "ask_cancellation_policy":
            hours = hotel.free_cancellation_hours
            return talk.part("knowledge.policy", hours=hours, from_time=hotel.check_in_time)
        case "ask_room_types" if talk.kinds:
            return _room_types(talk)
        case _:
            return None


def _room_types(talk: Talk) -> Part:
    dates_known = bool(talk.state.booking.check_in or "check_in" in talk.said.entities)
    asked_about = talk.kinds.get(talk.said.entities.get("room_type", ""))
    kinds = [
        {
            "name": kind.name_in(talk.language),
            "capacity": kind.capacity,
            "description": kind.description_in(talk.language),
        }
        for kind in ([asked_about] if asked_about else talk.kinds.values())
    ]
    return talk.part("knowledge.room_types", kinds=kinds, dates_known=dates_known)


def _unknown(talk: Talk) -> Part:
    talk.hand_over("unsure")
    return talk.part("knowledge.unknown")
