"""Fire, illness, violence: whom to call now, and the hotel alerted as urgent."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hotel_agent.conversations.talk import Part, Talk
from hotel_agent.evidence import record

# 112 reaches every service in the European Union and, from a mobile phone, in most other countries.
_ELSEWHERE = "112"
_NUMBERS = {
    "AR": "911", "BR": "190", "CA": "911", "CL": "133", "CO": "123", "CR": "911", "DO": "911", "EC": "911",
    "GB": "999", "MX": "911", "PA": "911", "PE": "105", "US": "911", "UY": "911",
}  # fmt: skip


# What somebody in trouble goes on to say, or ask.
_GOES_ON = frozenset(["inform", "affirm", "deny", "out_of_scope", "talk_to_human", "complaint"])


def goes_on(talk: Talk) -> bool:
    """Whether these words are still about the alarm: nothing else is heard in them for sure."""
    alarmed, talk.state.alarmed = talk.state.alarmed, False
    said = talk.said
    return alarmed and not said.tap and bool(said.words.strip()) and set(said.acts) <= _GOES_ON


def answer(talk: Talk) -> list[Part]:
    talk.hand_over("emergency", urgent=True)
    talk.state.alarmed = True
    advice = advice_in(talk, talk.hotel.settings.get("emergency_advice"))
    return [talk.part("emergency.urgent", number=number_of(talk), **advice)]


def advice_in(talk: Talk, texts: Any) -> dict[str, str | None]:
    """What the hotel says to do: `advice` in the guest's language, else `hotel_advice` in the hotel's own.

    In that case our own words stand before it, so that everybody can read what to do at once.
    """
    if not isinstance(texts, Mapping):
        return {"advice": str(texts) if texts else None, "hotel_advice": None}
    own = texts.get(talk.language)
    return {"advice": own, "hotel_advice": None if own else texts.get(talk.hotel.language)}


def number_of(talk: Talk) -> str:
    """Whom to call: the hotel's number for it, else the country's."""
    number = talk.hotel.settings.get("emergency_number") or _NUMBERS.get(talk.hotel.country, _ELSEWHERE)
    return record(str(number))
