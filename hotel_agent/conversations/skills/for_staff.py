"""What people of the hotel do: the guest hears what the hotel's rule is, and that it has been passed on."""

from __future__ import annotations

from hotel_agent.conversations.skills import knowledge
from hotel_agent.conversations.talk import Part, Talk

# Intent to the reason that staff see.
REASONS = {
    "modify_reservation": "change",
    "late_checkout": "request",
    "early_checkin": "request",
    "request_housekeeping": "request",
    "report_problem": "problem",
    "order_room_service": "request",
    "lost_item": "lost_item",
    "ask_invoice": "invoice",
    "data_request": "data_request",
    "give_feedback": "feedback",
    "ask_recommendation": "unsure",
}


def answer(talk: Talk, intent: str) -> list[Part]:
    rule = knowledge.known(talk, intent)
    if rule and intent == "ask_recommendation":
        return [rule]
    talk.hand_over(REASONS[intent])
    passed_on = talk.part(f"for_staff.{intent}")
    return [rule, passed_on] if rule else [passed_on]
