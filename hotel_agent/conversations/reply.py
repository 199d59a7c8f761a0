"""The story of one answer: what was said, what it asks for, what the skills say to it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hotel_agent.channels.whatsapp.limits import OutMessage
from hotel_agent.conversations import truth
from hotel_agent.conversations.bubbles import into_bubbles
from hotel_agent.conversations.dialogue import Answer, State, Turn
from hotel_agent.conversations.listening import Said, listen
from hotel_agent.conversations.plan import serve
from hotel_agent.conversations.skills import social, talk_to_human
from hotel_agent.conversations.talk import IN_THE_CHAT, Part, Talk
from hotel_agent.evidence import recording
from hotel_agent.locks.auditing import acting, guest
from hotel_agent.nlu import Scored, Understanding
from hotel_agent.reservations import PmsUnavailable, RoomKind
from hotel_agent.reservations.quoting import room_kinds

# How sure an intent is that was gathered from the talk and not from the words of the message.
GATHERED = 0.9


def reply_to(turn: Turn) -> Answer:
    """Answer a burst of messages. Rooms are held, booked and cancelled here, once for each `request_key`.

    Writes no message: the caller commits what it sends together with what changed on the guest. What is on no record
    is not sent: a colleague will confirm it.
    """
    with recording() as found, acting(guest(turn.guest.id), IN_THE_CHAT):
        return _answer(turn, found)


def _answer(turn: Turn, found: list[Any]) -> Answer:
    kinds = _kinds(turn)
    state = State.from_json(turn.state)
    words = {code: kind.words for code, kind in kinds.items()}
    said = listen(turn, state.expected, state.booking, words, state.booking.around or state.before.check_in)
    talk = Talk(turn, state, said, kinds)
    parts = _dressed(talk, serve(talk))
    if said.each:
        turn.guest.language = talk.heard_in
    bubbles = into_bubbles(parts, talk.say("buttons.options"))
    blocked = truth.unfounded(bubbles, truth.evidence_of(talk, found))
    if blocked:
        bubbles = _withheld(talk, found)
    return Answer(
        bubbles=bubbles,
        understanding=_acted_on_first(talk, talk.said),
        state=talk.state.to_json(),
        language=talk.heard_in,
        handover=talk.handover,
        happenings=tuple(talk.happenings),
        filed=tuple(talk.filed),
        blocked=tuple(sorted({one.kind for one in blocked})),
    )


def _withheld(talk: Talk, found: list[Any]) -> tuple[OutMessage, ...]:
    """Instead of what is on no record: that a colleague will confirm."""
    parts = truth.withhold(talk)
    bubbles = into_bubbles(_dressed(talk, parts), talk.say("buttons.options"))
    unsure = truth.unfounded(bubbles, truth.evidence_of(talk, found))
    return into_bubbles(parts, talk.say("buttons.options")) if unsure else bubbles


def _kinds(turn: Turn) -> dict[str, RoomKind]:
    try:
        return {kind.code: kind for kind in room_kinds(turn.hotel)}
    except PmsUnavailable:
        return {}  # What needs rooms will say so; a question about breakfast is answered all the same.


def _dressed(talk: Talk, parts: list[Part]) -> list[Part]:
    """With the disclosure in front at first contact, and at the end when a person will be there."""
    if talk.handover:
        closed = talk_to_human.when_they_answer(talk)
        parts = [*parts, closed] if closed else parts
    if talk.turn.first_contact and parts:
        first = replace(parts[0], text=f"{social.disclose(talk).text}\n{parts[0].text}")
        parts = [first, *parts[1:]]
    return parts


def _acted_on_first(talk: Talk, said: Said) -> Understanding | None:
    if not (said.acts or said.unsure or talk.acted_on):
        return None
    heard = {scored.intent for scored in said.whole.intents}
    # What the talk so far made of the words ("the same again") is more than the words alone.
    gathered = [Scored(intent, GATHERED) for intent in dict.fromkeys(talk.acted_on) if intent not in heard]
    spoken = sorted(said.whole.intents, key=lambda scored: scored.intent not in talk.acted_on)
    if gathered:
        spoken = [scored for scored in spoken if scored.intent != "out_of_scope"]
    return replace(said.whole, intents=(*gathered, *spoken))
