"""Who may see a booking: its own guest, or who gives code and surname. Either one wrong looks the same."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from hotel_agent.conversations.talk import Part, Talk
from hotel_agent.nlu.day_words import month_named
from hotel_agent.nlu.text import fold
from hotel_agent.reservations import Booking
from hotel_agent.reservations.booking import NeedsSurname, codes_not_over, look_up, normal_code, upcoming_of

MOST_TRIES = 3
_NAME = re.compile(r"\b[A-ZÁÉÍÓÚÂÊÔÃÕÀÇÑÜ][^\W\d_]+(?:[-'’][^\W\d_]+)*")
_HAS_NOT = re.compile(
    r"\b(?:no|nao|not|don'?t|dont|can'?t|cant|never|nunca|sin|without|sem|perdi|lost|forgot|olvide|esqueci)\b"
)


def wants_code(talk: Talk, purpose: str) -> Part:
    talk.state.lookup = purpose
    talk.state.lookup_code = None
    return talk.ask("booking_code", "reservation_status.ask_code")


def hear_right(talk: Talk) -> None:
    """ "Reserva pra mim, dia 4 até domingo": days, of somebody who has no booking that they could be asking about."""
    said, state = talk.said, talk.state
    named = set(said.entities)
    days = "check_in" in named and bool({"check_out", "nights", "adults"} & named)
    if not (said.means("reservation_status", "modify_reservation") and days) or "booking_code" in named:
        return
    if state.booking.goal or state.hold or state.lookup or upcoming_of(talk.hotel, talk.guest.id, talk.turn.today):
        return
    first = said.whole.intent
    if first == "make_reservation" or (first == "reservation_status" and not said.means("modify_reservation")):
        others = [act for act in said.acts if act not in ("reservation_status", "modify_reservation")]
        talk.said = replace(said, acts=tuple(dict.fromkeys(["make_reservation", *others])), unsure=())


_THE_CODE = re.compile(
    r"\b(?:codigo|code|localizador|ref(?:erence|erencia)?(?: number)?|numero d[ea] (?:la |mi |minha )?reserva"
    r"|(?:booking|confirmation) number)\b"
)


def wants_the_code_again(talk: Talk) -> bool:
    """ "¿Me repites el código?", of somebody who has a booking."""
    said, state = talk.said, talk.state
    clear = set(said.acts) - {"out_of_scope", "thank", "greet", "inform", "affirm"}
    if clear or state.lookup or "booking_code" in said.entities or not _THE_CODE.search(fold(said.words)):
        return False
    return bool(state.booked or upcoming_of(talk.hotel, talk.guest.id, talk.turn.today))


def open_to(talk: Talk) -> Sequence[Booking]:
    """The guest's own bookings to come; of a guest without any, that which they have opened in this talk."""
    own = upcoming_of(talk.hotel, talk.guest.id, talk.turn.today)
    if own or not talk.state.proven:
        return own
    code, surname = list(talk.state.proven.items())[-1]
    found = look_up(talk.hotel, talk.guest.id, code, surname)
    return [found] if isinstance(found, Booking) else []


def picks(talk: Talk) -> bool:
    """Whether the words pick one of the guest's own bookings, of which they were asked to choose: "a de março"."""
    state, said = talk.state, talk.said
    if not state.lookup or state.expected != "booking_code" or said.entities.get("booking_code") or said.tap:
        return False
    own = upcoming_of(talk.hotel, talk.guest.id, talk.turn.today)
    found = meant(talk, own) if len(own) > 1 else []
    if len(found) != 1:
        return False
    state.lookup_code = found[0].code
    return True


def meant(talk: Talk, own: Sequence[Booking]) -> list[Booking]:
    """By its place in the list, a day, a kind of room or a month."""
    named, words = talk.said.entities, fold(talk.said.words)
    choice = named.get("choice")
    if isinstance(choice, int) and -len(own) <= choice <= len(own) and choice:
        return [own[choice - 1 if choice > 0 else choice]]
    day = named.get("check_in")
    if day:
        return [one for one in own if day in (one.stay.check_in.isoformat(), one.stay.check_out.isoformat())]
    if named.get("room_type"):
        return [one for one in own if any(room.kind.code == named["room_type"] for room in one.rooms)]
    month = month_named(words, talk.heard_in, talk.turn.today)
    return [one for one in own if month and one.stay.check_in.month == month.month]


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
    if state.wrong_codes >= MOST_TRIES and not isinstance(look_up(talk.hotel, talk.guest.id, code), Booking):
        return _wrong(talk, purpose)
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


def lost_code(talk: Talk) -> str | None:
    """The code that was said, where it is a live booking of the guest's own of which the PMS knows nothing."""
    said = talk.said.entities.get("booking_code") or talk.state.lookup_code
    code = normal_code(str(said)) if said else ""
    live = {own for own, is_live in codes_not_over(talk.hotel, talk.guest.id, talk.turn.today) if is_live}
    is_lost = code in live and not isinstance(look_up(talk.hotel, talk.guest.id, code), Booking)
    return code if is_lost else None


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
