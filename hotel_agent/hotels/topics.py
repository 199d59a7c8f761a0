"""What the topics of a hotel's knowledge base are called for its people."""

from __future__ import annotations

from hotel_agent.i18n import N_, _

# The intents that are answered from the hotel's own texts, in the order in which a hotel would write them.
TOPICS = {
    "ask_location": N_("Address and directions"),
    "ask_checkin_time": N_("Check-in time"),
    "ask_checkout_time": N_("Check-out time"),
    "ask_breakfast": N_("Breakfast"),
    "ask_restaurant": N_("Restaurant"),
    "ask_wifi": N_("Wifi"),
    "ask_parking": N_("Parking"),
    "ask_transport": N_("Airport and taxis"),
    "ask_pool": N_("Pool"),
    "ask_gym_spa": N_("Gym and spa"),
    "ask_pets": N_("Pets"),
    "ask_children": N_("Children and cots"),
    "ask_luggage": N_("Luggage"),
    "ask_smoking": N_("Smoking"),
    "ask_accessibility": N_("Accessibility"),
    "ask_amenities": N_("What there is at the hotel"),
    "ask_payment": N_("Payment"),
    "ask_cancellation_policy": N_("Cancellation"),
    "ask_invoice": N_("Invoices"),
    "ask_recommendation": N_("What to do in town"),
    "ask_room_types": N_("Kinds of room"),
    "ask_price": N_("Prices"),
    "late_checkout": N_("Late check-out"),
    "early_checkin": N_("Early check-in"),
}

# What else a guest may write about, with the wishes that belong to it.
AREAS = {
    "stays": N_("Prices, free rooms and new bookings"),
    "bookings": N_("Changes, cancellations and other questions about a booking"),
    "requests": N_("Housekeeping, repairs, room service and lost things"),
    "complaint": N_("Complaints and feedback"),
    "other": N_("What is not about the hotel"),
}
_WISHES = {
    "stays": "check_availability ask_price make_reservation ask_room_types",
    "bookings": "modify_reservation cancel_reservation reservation_status late_checkout early_checkin",
    "requests": "request_housekeeping report_problem order_room_service lost_item",
    "complaint": "complaint give_feedback",
    "other": "out_of_scope",
}
_AREA_OF = {wish: area for area, wishes in _WISHES.items() for wish in wishes.split()}
# What a hotel may have looked at before a guest reads it.
APPROVABLE = (*AREAS, *(topic for topic in TOPICS if topic not in _AREA_OF))


def approvable(wish: str) -> str | None:
    """What of APPROVABLE a wish of a guest's belongs to."""
    topic = _AREA_OF.get(wish, wish)
    return topic if topic in APPROVABLE else None


def approvable_words(topic: str) -> str:
    return _(AREAS[topic]) if topic in AREAS else topic_words(topic)


def topic_words(topic: str | None) -> str:
    """Its name; a topic of the hotel's own by its own words, and what was not understood as such."""
    if not topic:
        return _("Not understood")
    name = TOPICS.get(topic)
    return _(name) if name else topic.removeprefix("ask_").replace("_", " ").capitalize()
