"""Who may see a booking: its own guest, or who gives code and surname. Either one wrong looks the same."""

from __future__ import annotations

import re

from hotel_agent.conversations.talk import Part, Talk
from hotel_agent.nlu.text import fold
from hotel_agent.reservations import Booking
from hotel_agent.reservations.booking import NeedsSurname, look_up

MOST_TRIES = 3
_NAME = re.compile(r"\b[A-ZÁÉÍÓÚÂÊÔÃÕÀÇÑÜ][^\W\d_]+(?:[-'’][^\W\d_]+)*")
_HAS_NOT = re.compile(
    r"\b(?:no|nao|not|don'?t|dont|can'?t|cant|never|nunca|sin|without|sem|perdi|lost|forgot|olvide|esqueci)\b"
)


def wants_code(talk: Talk, purpose: str) -> Part:
    talk.state.lookup = purpose
    talk.state.lookup_code = None
    return talk.ask("booking_code", "reservation_status.ask_code")


def gives_up(talk: Talk) -> bool:
    """Whether the guest says that they do not have the code or the surname that was asked for."""
    asked = talk.state.lookup and talk.state.expected in ("booking_code", "surname")
    return bool(asked and _HAS_NOT.search(fold(talk.said.words)))


def without_code(talk: Talk) -> list[Part]:
    talk.state.lookup = talk.state.lookup_code = talk.state.expected = None
    talk.hand_over("unsure")
    return [talk.part("reservation_status.without_code")]


def open_booking(talk: Talk, purpose: str) -> Booking | Part:
    """The booking of the code that was said, or the question or refusal that comes instead."""
    said, state = talk.said.entities, talk.state
    code = str(said.get("booking_code") or state.lookup_code or "")
    if not code:
        return wants_code(talk, purpose)
    surname = said.get("surname") or said.get("name") or state.proven.get(code)
    found = look_up(talk.hotel, talk.guest.id, code, str(surname) if surname else None)
    if isinstance(found, Booking):
        _opened(talk, found, str(surname) if surname else None)
        return found
    if isinstance(found, NeedsSurname):
        beside = _beside_the_code(talk, code)
        opened = next((one for one in (_tried(talk, code, word) for word in beside) if one), None)
        if opened:
            return opened
        state.wrong_codes += bool(beside)
        if state.wrong_codes >= MOST_TRIES:
            return _wrong(talk, purpose)
        state.lookup, state.lookup_code = purpose, code
        return talk.ask("surname", "reservation_status.ask_surname")
    return _wrong(talk, purpose)


def _tried(talk: Talk, code: str, surname: str) -> Booking | None:
    found = look_up(talk.hotel, talk.guest.id, code, surname)
    if not isinstance(found, Booking):
        return None
    _opened(talk, found, surname)
    return found


def _beside_the_code(talk: Talk, code: str) -> list[str]:
    """The names beside the code, where nothing says that one is a surname: "MIR-ABC234 Romero"."""
    place = re.search(rf"{code[:3]}[-_ ]?{code[-6:]}", talk.said.words, re.IGNORECASE)
    if place is None:
        return []
    before, after = talk.said.words[: place.start()], talk.said.words[place.end() :]
    return _NAME.findall(after)[:2] or _NAME.findall(before)[-1:]


def _opened(talk: Talk, booking: Booking, surname: str | None) -> None:
    state = talk.state
    state.lookup = state.lookup_code = None
    if state.expected in ("booking_code", "surname"):
        state.expected = None
    if surname and booking.guest_id != talk.guest.id:
        state.proven[booking.code] = surname


def _wrong(talk: Talk, purpose: str) -> Part:
    talk.state.wrong_codes += 1
    talk.state.lookup_code = None
    if talk.state.wrong_codes < MOST_TRIES:
        talk.state.lookup = purpose
        return talk.ask("booking_code", "reservation_status.not_found")
    talk.state.lookup = talk.state.expected = None
    talk.hand_over("unsure")
    return talk.part("reservation_status.too_many_tries")
