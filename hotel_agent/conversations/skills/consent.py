"""Whether the hotel may write by itself around the stay: asked once, after a booking, and never taken for granted."""

from __future__ import annotations

from dataclasses import replace

from hotel_agent.channels.whatsapp.limits import Choice
from hotel_agent.conversations import proactive
from hotel_agent.conversations.talk import Part, Talk

YES, NO = "consent_yes", "consent_no"
# With these a yes may be about something else: about that nobody guesses.
_OTHER_MATTERS = ("make_reservation", "check_availability", "modify_reservation", "cancel_reservation", "opt_out")
_POLITE = ("affirm", "deny", "thank", "goodbye", "greet")


def ask(talk: Talk, asks_already: bool) -> list[Part]:
    """The question, behind the news that a booking is confirmed, unless something else is asked there."""
    booked = any(happening.kind == "booked" for happening in talk.happenings)
    if not booked or asks_already or talk.handover or not _may_ask(talk):
        return []
    talk.guest.consent_asked_at = talk.turn.now
    talk.state.asks_consent = True
    buttons = (Choice(YES, talk.say("consent.yes")), Choice(NO, talk.say("consent.no")))
    return [talk.ask("yes_no", "consent.ask", *buttons)]


def _may_ask(talk: Talk) -> bool:
    guest = talk.guest
    settled = guest.consent_asked_at or guest.consented_at or guest.opted_out_at
    return talk.turn.channel == "whatsapp" and not settled and proactive.any_on(talk.hotel.id)


def hear(talk: Talk) -> list[Part]:
    """The answer to the question, if this is one; what else was said is left to the others."""
    asked = talk.state.asks_consent or (not talk.turn.state and bool(talk.turn.earlier.get("asks_consent")))
    if talk.state.asks_consent:
        talk.state.asks_consent, talk.state.expected = False, None
    agrees = _agrees(talk, asked)
    if agrees is None:
        return []
    talk.state.failures = 0
    talk.acted_on.append("affirm" if agrees else "deny")
    nothing_told = not talk.said.entities
    left = [act for act in talk.said.acts if act not in _POLITE and not (act == "inform" and nothing_told)]
    talk.said = replace(talk.said, acts=tuple(left), tap=None)
    if not agrees:
        talk.guest.consented_at = None
        return [talk.part("consent.declined")]
    if talk.guest.opted_out_at:
        return [talk.part("opt.out")]  # An old button does not undo what was said since.
    talk.guest.consented_at = talk.guest.consented_at or talk.turn.now
    return [talk.part("consent.agreed")]


def _agrees(talk: Talk, asked: bool) -> bool | None:
    said = talk.said
    if said.tap and said.tap[0] in (YES, NO):
        return said.tap[0] == YES
    if not asked or said.tap or said.means(*_OTHER_MATTERS) or not said.means("affirm", "deny"):
        return None
    return said.means("affirm")
