"""What the hotel says about itself, in its own words; what it has not said is asked of a colleague.

A hotel writes about the intents that ask something, and about any topic of its own ("piano_bar"). The text of a
specific intent is its answer. Everything else is told only if it clearly speaks of what was asked.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from sqlalchemy import select

from hotel_agent.channels.whatsapp.limits import OutLocation
from hotel_agent.conversations.talk import Part, Talk
from hotel_agent.db import db
from hotel_agent.hotels.models import Knowledge
from hotel_agent.nlu.meaning import Entry, Match, best_match, is_question

TOPICS = frozenset([
    "ask_room_types", "ask_checkin_time", "ask_checkout_time", "ask_location", "ask_transport", "ask_parking",
    "ask_wifi", "ask_breakfast", "ask_restaurant", "ask_pool", "ask_gym_spa", "ask_pets", "ask_children",
    "ask_accessibility", "ask_smoking", "ask_luggage", "ask_amenities", "ask_payment",
    "ask_cancellation_policy",
])  # fmt: skip


# The intent of every question about what there is: its text answers some of them, other texts the others.
CATCH_ALL = "ask_amenities"
# Intents outside of TOPICS that a hotel may write about, and that know their own text as those do.
_OTHER_INTENTS = frozenset(["late_checkout", "early_checkin", "ask_invoice", "ask_recommendation"])
# By how much a topic of the hotel's own has to answer better than the text of the intent that was understood.
# At 0.15 none of the questions of tests/nlu/heldout/knowledge.jsonl is taken from an intent that it belongs to.
_MUCH_BETTER = 0.15
_SENTENCE_END = re.compile(r"(?<=[.?!])\s+|\n+")


def answer(talk: Talk, intent: str) -> list[Part]:
    """What the hotel says to an intent, or that a colleague will be asked."""
    if intent == CATCH_ALL:
        return clear_answers(talk) or [_unknown(talk)]
    won = _won_by_own_topics(talk, intent)
    told = _told(talk, won.values())
    if told and not any(_clearly_asks(talk, sentence, intent) for sentence in _sentences(talk) if sentence not in won):
        return told
    return [known(talk, intent) or _from_settings(talk, intent) or _unknown(talk), *told]


def known(talk: Talk, topic: str) -> Part | None:
    """The hotel's text in the guest's language, else in its own, else in whichever it was written."""
    row = _written(talk).get(topic)
    return Part(row.text.strip(), location=_place(row)) if row else None


def clear_answers(talk: Talk) -> list[Part]:
    """What clearly answers the guest's sentences, whatever its topic."""
    found = [_best(talk, sentence, _written(talk)) for sentence in _sentences(talk)]
    return _told(talk, (match for match in found if match and match.is_clear))


def answer_to_unsure(talk: Talk) -> list[Part]:
    """What clearly answers words that were not understood, if they are a question at all."""
    return clear_answers(talk) if is_question(talk.said.words) else []


def own_answer(talk: Talk, intent: str) -> list[Part]:
    """What the hotel wrote about topics of its own, where that answers much better than the intent's text."""
    return _told(talk, _won_by_own_topics(talk, intent).values())


def _won_by_own_topics(talk: Talk, intent: str) -> dict[str, Match]:
    """The sentences that a topic of the hotel's own answers much better than the text of the intent."""
    own = [topic for topic in _written(talk) if topic not in TOPICS and topic not in _OTHER_INTENTS]
    won = {}
    for sentence in _sentences(talk):
        match, usual = _best(talk, sentence, own), _best(talk, sentence, [intent])
        if match and match.is_clear and (not usual or match.score >= usual.score + _MUCH_BETTER):
            won[sentence] = match
    return won


def _clearly_asks(talk: Talk, sentence: str, intent: str) -> bool:
    match = _best(talk, sentence, [intent])
    return bool(match and match.is_clear)


def _best(talk: Talk, sentence: str, topics: Iterable[str]) -> Match | None:
    rows = _written(talk)
    return best_match(
        sentence, [Entry(topic, rows[topic].language, rows[topic].text) for topic in topics if topic in rows]
    )


def _told(talk: Talk, matches: Iterable[Match]) -> list[Part]:
    topics = dict.fromkeys(match.topic for match in matches)
    return [part for topic in topics if (part := known(talk, topic))]


def _sentences(talk: Talk) -> list[str]:
    return [sentence for sentence in _SENTENCE_END.split(talk.said.words) if sentence.strip()]


def _written(talk: Talk) -> Mapping[str, Knowledge]:
    """By topic, the text that this guest would be told; read once a turn."""
    if talk.written is None:
        query = select(Knowledge).where(Knowledge.hotel_id == talk.hotel.id).order_by(Knowledge.topic)
        # The language that a guest would rather read comes last, and stays.
        liked = {talk.hotel.language: 1, talk.language: 2}
        rows = sorted(db.session.scalars(query), key=lambda row: (liked.get(row.language, 0), row.language))
        talk.written = {row.topic: row for row in rows if row.text.strip()}
    return talk.written


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
