"""Leaving later and entering earlier: the hotel's rule, whether the room is free, a yes, and what the record says."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import time
from decimal import Decimal

from hotel_agent.channels.whatsapp.limits import Row
from hotel_agent.conversations.skills import knowledge, lookup, passing_on
from hotel_agent.conversations.skills.rooms_told import told_booking
from hotel_agent.conversations.talk import Part, Talk
from hotel_agent.flags.switches import is_on
from hotel_agent.nlu.text import fold
from hotel_agent.reservations import BookedExtra, Booking, OutcomeUnknown, PmsRejected, RoomTaken
from hotel_agent.reservations.booking import look_up
from hotel_agent.reservations.extras import EARLY_CHECKIN, LATE_CHECKOUT, Rule, grant, is_free_for, rule_of

CODES = (LATE_CHECKOUT, EARLY_CHECKIN)
MOST_LISTED = 10
EARLIEST_RISER = 8  # "Leaving at 5" may be of the morning, when nobody needs to ask, or of the afternoon.
_OF_THE_MORNING = re.compile(r"\bam\b|\d ?am\b|manana|madrugada|manha|morning|\ba\.? ?m\b")
_TAKING_OFF = re.compile(
    r"\b(?:quit\w+|cancel\w*|anul\w+|elimin\w+|remove|take off|drop|no longer|dont want|don't want|ya no|retir\w+"
    r"|tir(?:a|ar|e)|nao quero)\b"
)
_NAMED = {
    LATE_CHECKOUT: re.compile(r"\b(?:salida tardia|late check.?out|check.?out tardio|saida tardia)\b"),
    EARLY_CHECKIN: re.compile(r"\b(?:entrada anticipada|early check.?in|check.?in antecipado|entrada antecipada)\b"),
}
_IN_WORDS = {
    LATE_CHECKOUT: re.compile(
        r"\b(?:sal\w+|quedar\w*|check.?out|sair|leav\w+|stay\w*|ficar)\b.{0,14}"
        r"\b(?:mas tarde|later|mais tarde|tardi\w+)\b|\blate check.?out\b"
    ),
    EARLY_CHECKIN: re.compile(
        r"\b(?:entr\w+|lleg\w+|check.?in|cheg\w+|arriv\w+)\b.{0,10}"
        r"\b(?:antes|early|earlier|mais cedo|anticip\w+|antecip\w+)\b|\bearly check.?in\b"
    ),
}
_HOUR = re.compile(r"\b(?:las?|as|at|a) (1?\d)(?:[:.h]([0-5]\d))?(?=\D|$)")


def is_about(talk: Talk) -> bool:
    """Whether the message asks for other hours, or goes on about them."""
    said, adding = talk.said, talk.state.adding
    if said.means(*CODES) or _removes(talk):
        return True
    state = talk.state
    elsewhere = state.cancelling or state.hold or state.offers or state.changing.get("code")
    if not adding.get("code") or said.tap or elsewhere:
        return False
    asks_its_price = (
        said.means("ask_price") and not talk.acted_on and not {"check_in", "room_type"} & set(said.entities)
    )
    return said.means("affirm", "deny") or asks_its_price or (said.means("inform") and "time" in said.entities)


def answer(talk: Talk) -> list[Part]:
    said, adding = talk.said, talk.state.adding
    if extra := _removes(talk):
        return _take_off(talk, extra)
    wanted = _wanted(talk)
    if not wanted:
        if said.means("ask_price") or "time" in said.entities and not said.means("deny"):
            return _answer_for(talk, adding["extra"], _pending_booking(talk))
        return decide(talk, yes=said.means("affirm"))
    talk.state.adding = {}
    parts = find(talk, wanted[0])
    if len(wanted) == 1 or talk.state.lookup:
        return parts
    if talk.state.adding.get("code"):  # One question at a time: the other comes after the answer.
        talk.state.adding["then"] = wanted[1]
        return parts
    return [*parts, *find(talk, wanted[1])]


def _wanted(talk: Talk) -> list[str]:
    """What is asked for; of two in one message the fainter counts too where words of it are there."""
    wanted = [code for code in CODES if talk.said.means(code)]
    words = fold(talk.said.words)
    too = [code for code in CODES if wanted and code in talk.said.unsure and _IN_WORDS[code].search(words)]
    talk.said = replace(talk.said, unsure=tuple(intent for intent in talk.said.unsure if intent not in too))
    return [*wanted, *too]


def _removes(talk: Talk) -> str | None:
    """Which of the two the guest no longer wants: "quita la salida tardía"."""
    words = fold(talk.said.words)
    if talk.said.tap or not _TAKING_OFF.search(words):
        return None
    return next((code for code, spelt in _NAMED.items() if spelt.search(words)), None)


def _take_off(talk: Talk, extra: str) -> list[Part]:
    """What was added comes off by a person; what never was there needs nothing."""
    _settled(talk)
    if any(booking.added(extra) for booking in _own(talk, extra)):
        talk.hand_over("change")
        return [talk.part("change.by_colleague")]
    return [talk.part(f"stay_times.kept_{extra}", **_hours(talk))]


def own_hour(talk: Talk) -> list[Part]:
    """Until when this guest may stay, where it is later than everybody's."""
    own = _own(talk, LATE_CHECKOUT)
    there = own[0].added(LATE_CHECKOUT) if len(own) == 1 else None
    return [_granted(talk, f"stay_times.already_{LATE_CHECKOUT}", own[0], there)] if there else []


# The booking that it is for


def find(talk: Talk, extra: str) -> list[Part]:
    if talk.said.entities.get("booking_code") or talk.state.lookup_code:
        found = lookup.open_booking(talk, extra)
        return opened(talk, extra, found) if isinstance(found, Booking) else [found]
    own = _own(talk, extra)
    if not own:
        return _tell_rule(talk, extra)
    if len(own) == 1:
        return opened(talk, extra, own[0])
    return [_list(talk, extra, own)]


def _own(talk: Talk, extra: str) -> Sequence[Booking]:
    """For leaving later the stay that the guest is in comes first; for entering earlier only those to come."""
    own = lookup.open_to(talk)
    today = talk.turn.today
    if extra == EARLY_CHECKIN:
        return [one for one in own if one.status != "in_house" and one.stay.check_in >= today]
    here = [one for one in own if one.status == "in_house" or one.stay.check_in < today]
    return here or own


def _tell_rule(talk: Talk, extra: str) -> list[Part]:
    """What holds for everybody, and how to find the booking of somebody whom we do not know."""
    rule = rule_of(talk.hotel, extra)
    told = talk.part(f"stay_times.rule_{extra}", **_rule_values(talk, rule)) if rule else knowledge.known(talk, extra)
    asked = [talk.part("reservation_status.none_yet"), lookup.wants_code(talk, extra)]
    return [told, *asked] if told else asked


def list_again(talk: Talk, extra: str) -> list[Part]:
    """The bookings to choose from once more."""
    own = _own(talk, extra)
    return [_list(talk, extra, own)] if len(own) > 1 else find(talk, extra)


def _list(talk: Talk, extra: str, own: Sequence[Booking]) -> Part:
    talk.state.lookup, talk.state.expected = extra, "booking_code"
    rows = []
    for booking in own[:MOST_LISTED]:
        told = told_booking(talk, booking)
        values = {name: told[name] for name in ("check_in", "check_out", "rooms")}
        rows.append(Row(f"add:{extra}:{booking.code}", booking.code, talk.say("cancel.row", **values)))
    return Part(talk.say("stay_times.which"), rows=tuple(rows), asks=True)


def opened(talk: Talk, extra: str, booking: Booking) -> list[Part]:
    talk.state.lookup = talk.state.lookup_code = None
    return _answer_for(talk, extra, booking)


# What the rule comes to for this booking


def _answer_for(talk: Talk, extra: str, booking: Booking | None) -> list[Part]:
    if booking is None:
        return _stale(talk)
    if booking.status not in ("booked", "in_house"):
        status = talk.say(f"reservation_status.status_{booking.status}")
        return [talk.part("stay_times.over", code=booking.code, status=status)]
    there = booking.added(extra)
    if there is not None:
        return [_granted(talk, f"stay_times.already_{extra}", booking, there)]
    asked = _asked_time(talk, extra)
    if asked is not None and _is_within_the_hours(talk, extra, asked):
        return [talk.part(f"stay_times.no_need_{extra}", **_hours(talk))]
    if not is_free_for(talk.hotel, booking, extra):
        return _taken(talk, extra)
    rule = rule_of(talk.hotel, extra)
    if rule is None:
        return _wish(talk, extra)
    if not is_on("booking", talk.hotel.id, talk.guest.id):
        return [talk.part(f"stay_times.rule_{extra}", **_rule_values(talk, rule)), *_pass_on(talk, extra)]
    return [_ask_yes(talk, extra, booking, rule)]


def _is_within_the_hours(talk: Talk, extra: str, asked: time) -> bool:
    """Whether the time that was asked for is one at which everybody may leave or enter."""
    return asked <= talk.hotel.check_out_time if extra == LATE_CHECKOUT else asked >= talk.hotel.check_in_time


def _ask_yes(talk: Talk, extra: str, booking: Booking, rule: Rule) -> Part:
    talk.state.adding = {"extra": extra, "code": booking.code, "price": str(rule.price)}
    key = f"{extra}:{booking.code}"
    return talk.ask(
        "yes_no",
        f"stay_times.offer_{extra}",
        talk.button(f"add_yes:{key}", "add_yes"),
        talk.button(f"add_no:{key}", "add_no"),
        beyond=_is_beyond(talk, extra, rule),
        code=booking.code,
        day=booking.stay.check_out if extra == LATE_CHECKOUT else booking.stay.check_in,
        **_rule_values(talk, rule),
    )


def _is_beyond(talk: Talk, extra: str, rule: Rule) -> bool:
    """Whether more was asked for than the rule gives."""
    asked = _asked_time(talk, extra)
    if asked is None or rule.at_time is None:
        return False
    return asked > rule.at_time if extra == LATE_CHECKOUT else asked < rule.at_time


def _asked_time(talk: Talk, extra: str) -> time | None:
    """The hour that was asked for; of one that may be of the morning or the evening what makes sense here, or none."""
    said, words = talk.said.entities.get("time"), fold(talk.said.words)
    if isinstance(said, str):
        asked = time.fromisoformat(said)
        unclear = extra == LATE_CHECKOUT and asked.hour < EARLIEST_RISER and not _OF_THE_MORNING.search(words)
        return None if unclear else asked
    found = _HOUR.search(words) if extra == EARLY_CHECKIN and "time" in talk.said.whole.ambiguous else None
    return time(int(found[1]), int(found[2] or 0)) if found else None


def _hours(talk: Talk) -> dict[str, time]:
    return {"from_time": talk.hotel.check_in_time, "until": talk.hotel.check_out_time}


def _rule_values(talk: Talk, rule: Rule) -> dict[str, object]:
    return {**_hours(talk), "at": rule.at_time, "price": rule.price, "currency": rule.currency}


def _taken(talk: Talk, extra: str) -> list[Part]:
    """Somebody else has the room then; who is nobody's business."""
    talk.state.adding = {}
    luggage = knowledge.known(talk, "ask_luggage")
    told = talk.part(f"stay_times.taken_{extra}", **_hours(talk))
    return [told, luggage] if luggage else [told]


def _wish(talk: Talk, extra: str) -> list[Part]:
    """Without a price of its own it is a wish, which people of the hotel grant or not."""
    rule = knowledge.known(talk, extra)
    passed = _pass_on(talk, extra)
    return [rule, *passed] if rule else passed


def _pass_on(talk: Talk, extra: str) -> list[Part]:
    passing_on.pass_on(talk, "errand", ())
    return [talk.part(f"stay_times.wish_{extra}")]


# Yes and no


def decide(talk: Talk, yes: bool) -> list[Part]:
    """The answer to the question of `_ask_yes`."""
    adding = talk.state.adding
    then = adding.get("then")
    parts = _decide(talk, yes)
    return [*parts, *find(talk, str(then))] if then and not talk.state.adding else parts


def _decide(talk: Talk, yes: bool) -> list[Part]:
    adding = talk.state.adding
    extra = str(adding.get("extra"))
    if not yes:
        _settled(talk)
        return [talk.part(f"stay_times.kept_{extra}", **_hours(talk))]
    booking = _pending_booking(talk)
    if booking is None:
        return _stale(talk)
    if booking.status not in ("booked", "in_house"):
        _settled(talk)
        return _answer_for(talk, extra, booking)
    rule = rule_of(talk.hotel, extra)
    there = booking.added(extra)
    if there is not None:
        return _done(talk, extra, booking)
    if rule is None or rule.price != Decimal(str(adding.get("price"))):
        return [talk.part("change.otherwise"), *_answer_for(talk, extra, booking)]
    return _grant(talk, extra, booking, rule)


def _grant(talk: Talk, extra: str, booking: Booking, rule: Rule) -> list[Part]:
    talk.pms_action = "change"
    try:
        return _done(talk, extra, grant(talk.hotel, booking, rule))
    except RoomTaken:
        return _taken(talk, extra)
    except (PmsRejected, OutcomeUnknown):
        _settled(talk)
        talk.hand_over("pms_failed")
        talk.happened("pms_failed", action="change", code=booking.code)
        return [talk.part(f"stay_times.wish_{extra}")]


def _done(talk: Talk, extra: str, booking: Booking) -> list[Part]:
    """From the record; told once to the staff, also when the guest says yes once more."""
    added = booking.added(extra)
    if added is None:
        return _stale(talk)
    _settled(talk)
    talk.happened(
        "extra_added",
        added=f"{booking.code}:{extra}",
        code=booking.code,
        extra=extra,
        price=added.price,
        currency=added.currency,
        at=added.at_time.strftime("%H:%M") if added.at_time else None,
    )
    return [_granted(talk, f"stay_times.granted_{extra}", booking, added)]


def _granted(talk: Talk, block: str, booking: Booking, added: BookedExtra) -> Part:
    late = added.code == LATE_CHECKOUT
    return talk.part(
        block,
        code=booking.code,
        at=added.at_time,
        price=added.price,
        currency=added.currency,
        day=booking.stay.check_out if late else booking.stay.check_in,
    )


def _settled(talk: Talk) -> None:
    talk.state.adding = {}
    if talk.state.expected == "yes_no":
        talk.state.expected = None


def _stale(talk: Talk) -> list[Part]:
    _settled(talk)
    return [talk.part("stay_times.stale")]


def _pending_booking(talk: Talk) -> Booking | None:
    code = str(talk.state.adding.get("code") or "")
    found = look_up(talk.hotel, talk.guest.id, code, talk.state.proven.get(code))
    return found if isinstance(found, Booking) else None


def ask_again(talk: Talk) -> list[Part]:
    """The offer once more, after the guest has talked about something else."""
    booking = _pending_booking(talk)
    return _answer_for(talk, str(talk.state.adding.get("extra")), booking) if booking else []


# --- taps ---------------------------------------------------------------------------------------------------


def tapped(talk: Talk, key: str) -> list[Part]:
    """A row that names a booking, or an old button: looked at anew."""
    extra, _, code = key.partition(":")
    found = look_up(talk.hotel, talk.guest.id, code, talk.state.proven.get(code))
    if extra not in CODES or not isinstance(found, Booking):
        return _stale(talk)
    return opened(talk, extra, found)


def tapped_yes(talk: Talk, key: str) -> list[Part]:
    adding = talk.state.adding
    on_the_table = key == f"{adding.get('extra')}:{adding.get('code')}"
    return decide(talk, yes=True) if on_the_table else tapped(talk, key)


def tapped_no(talk: Talk, key: str) -> list[Part]:
    extra, _, code = key.partition(":")
    if extra not in CODES:
        return _stale(talk)
    talk.state.adding = {"extra": extra, "code": code}
    return decide(talk, yes=False)
