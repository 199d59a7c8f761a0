"""Which skills a message needs, and in which order: facts first, then the one thing that asks back."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

from hotel_agent.conversations import doubts
from hotel_agent.conversations.listening import SURE
from hotel_agent.conversations.skills import (
    again,
    availability,
    book,
    cancel,
    card,
    change,
    complaint,
    consent,
    data_request,
    details,
    earlier,
    emergency,
    errand,
    false_alarm,
    feedback,
    grave,
    hold_longer,
    housekeeping,
    invoice,
    knowledge,
    lookup,
    lost_item,
    media,
    opt,
    out_of_scope,
    passing_on,
    preferences,
    privacy,
    recommendation,
    repair,
    reservation_status,
    review,
    room_service,
    room_types,
    social,
    stay,
    stay_times,
    sums,
    talk_to_human,
    things,
    transport,
    unsure,
)
from hotel_agent.conversations.skills.rooms_told import asked_of
from hotel_agent.conversations.talk import Part, Talk
from hotel_agent.nlu.text import fold
from hotel_agent.reservations import PmsUnavailable
from hotel_agent.reservations.booking import upcoming_of

Skill = Callable[[Talk], list[Part]]

_AT_ONCE: dict[str, Skill] = {
    "complaint": complaint.answer,
    "talk_to_human": talk_to_human.answer,
    "opt_out": opt.out,
    "opt_in": opt.back,
    "request_housekeeping": housekeeping.answer,
    "report_problem": repair.answer,
    "order_room_service": room_service.answer,
    "lost_item": lost_item.answer,
    "ask_invoice": invoice.answer,
    "ask_recommendation": recommendation.answer,
    "data_request": data_request.answer,
    "give_feedback": feedback.answer,
}
# What no intent is named after, or is often taken for another one: told by its words.
_BY_THEIR_WORDS: tuple[tuple[Callable[[Talk], bool], Skill], ...] = (
    (transport.is_ordered, transport.order),
    (errand.is_asked, errand.answer),
    (review.is_answer, review.take),
    (feedback.is_rated, feedback.rate),
)
# Whoever is unhappy hears about that first, then what was done; what was asked besides comes after it.
_FIRST = ("complaint", "report_problem", "request_housekeeping", "order_room_service")
_TAPS: dict[str, Callable[[Talk, str], list[Part]]] = {
    "offer": book.tapped_offer,
    "dates": book.tapped_dates,
    "confirm": book.tapped_confirm,
    "decline": book.tapped_decline,
    "cancel": cancel.tapped,
    "cancel_yes": cancel.tapped_yes,
    "cancel_no": cancel.tapped_no,
    "change": change.tapped,
    "change_what": change.tapped_what,
    "change_to": change.tapped_to,
    "change_yes": change.tapped_yes,
    "change_no": change.tapped_no,
    "add": stay_times.tapped,
    "add_yes": stay_times.tapped_yes,
    "add_no": stay_times.tapped_no,
    "party": stay.tapped_party,
    "room_book": room_types.tapped_book,
}
# Wishes of which it is asked whether they were meant, when another one of the same message was surer.
_NOT_TO_BE_LOST = frozenset(
    (
        "cancel_reservation modify_reservation late_checkout early_checkin request_housekeeping report_problem"
        " order_room_service lost_item ask_invoice"
    ).split()
)
_ABOUT_A_BOOKING = ("modify_reservation", "late_checkout", "early_checkin")
_HALF_HEARD = 0.3
# Of two that sound alike one was meant.
_ALIKE = (
    {"late_checkout", "early_checkin"},
    {"cancel_reservation", "modify_reservation"},
    {"request_housekeeping", "order_room_service"},
    {"report_problem", "lost_item"},
    {"cancel_reservation", "data_request"},
    {"cancel_reservation", "opt_out"},
    {"cancel_reservation", "ask_cancellation_policy"},
)
# Who says these names things without asking about them.
_NAME_THINGS = (
    "report_problem", "request_housekeeping", "order_room_service", "complaint", "give_feedback", "lost_item",
)  # fmt: skip
# After these nothing is asked back: the guest is waiting for a person, or in trouble.
_NO_MORE_QUESTIONS = {"emergency", "complaint", "talk_to_human", "opt_out"}


def serve(talk: Talk) -> list[Part]:
    earlier.remember(talk)
    unsure.settle(talk)
    agreed = consent.hear(talk)
    off = false_alarm.answer(talk) if false_alarm.is_meant(talk) else []
    if off and not talk.said.acts:
        return off
    serious = [*off, *grave.answer(talk)]
    said = talk.said
    if said.means("emergency") or emergency.goes_on(talk):
        talk.acted_on.append("emergency")
        return [*emergency.answer(talk), *serious]
    if serious and not said.acts:
        return [*serious, *media.answer(talk)] if said.unreadable else serious
    if privacy.asked(talk):
        return [*serious, *privacy.answer(talk)]
    if agreed and not said.acts:
        return agreed
    lookup.hear_right(talk)
    social.learn_name(talk)
    _drop_a_person_at_home(talk)
    if _is_undecided(talk) and (waiting := _left_undecided(talk)):
        talk.acted_on.append("inform")
        return [*serious, *agreed, *waiting]
    _drop_a_filler(talk)
    _drop_a_booking_only_named(talk)
    _drop_a_refused_order(talk)
    change.hear_right(talk)
    room_types.hear_right(talk)
    longer: list[Part] = []
    if hold_longer.is_asked(talk):
        try:
            longer = hold_longer.answer(talk)
        except PmsUnavailable:
            return [*serious, _pms_away(talk)]
        if not talk.said.acts:
            return [*serious, *agreed, *longer]
    if knowledge.is_not_wanted(talk):
        talk.acted_on.append("deny")
        return [*serious, *agreed, talk.part("knowledge.not_wanted"), *resume(talk)]
    parts = _told_more(talk) or _facts(talk)
    told = bool(parts)
    liked = preferences.answer(talk)
    try:
        parts += _task(talk)
        if talk.state.then and any(happening.kind == "booked" for happening in talk.happenings):
            parts += again.then_the_other(talk)
        summed = _sum(talk)
        told = told or bool(summed)
        parts += summed
        if told and len(talk.acted_on) and not said.means(*_NO_MORE_QUESTIONS) and not _asks(parts):
            parts += resume(talk)
        if parts and not _asks(parts) and _left_open(talk) and not said.means(*_NO_MORE_QUESTIONS):
            parts += unsure.ask_besides(talk)
    except PmsUnavailable:
        parts.append(_pms_away(talk))
    parts += liked
    if liked and not talk.acted_on:
        talk.acted_on.append("inform")
        parts += resume(talk)
    if not parts and not serious and (said.acts or said.unsure or not said.unreadable):
        parts = _otherwise(talk)
    else:
        talk.state.failures = 0
    parts = [*serious, *agreed, *parts, *longer, *consent.ask(talk, bool(serious) or _asks(parts))]
    return [*parts, *media.answer(talk)] if said.unreadable else parts


# "Ok, and is there parking?" agrees to nothing; "sí, ¿y hay parking?" does.
_FILLER = re.compile(
    r"\W*(?:ok(?:ay|ey|is)?|vale|bueno|great|perfect[oa]?|perfeito|genial|listo|good|nice|cool|blz|beleza"
    r"|ta bom|otimo|bien)\b"
)
# Beside words of doubt these are no wish: "no sé si confirmar" is heard as a question about a booking.
_HEARD_IN_DOUBTS = {
    "affirm", "deny", "inform", "out_of_scope", "thank", "greet", "goodbye", "reservation_status", "make_reservation",
    "cancel_reservation", "modify_reservation", "check_availability", "ask_price", "ask_cancellation_policy",
}  # fmt: skip


def _is_undecided(talk: Talk) -> bool:
    """ "Sí, pero espera que lo consulte", "no sé si confirmar": what waits for a yes goes on waiting."""
    said = talk.said
    if said.tap or not said.words.strip():
        return False
    if said.means("affirm") and doubts.agrees_but_waits(said.words):
        return True
    if not set(said.acts) <= _HEARD_IN_DOUBTS or hold_longer.is_asked(talk):
        return False
    asks_at_home = doubts.asks_others(said.words) and "?" not in said.words and bool(talk.state.offers)
    return asks_at_home or (doubts.is_in_doubt(said.words) and not _mentions_a_stay(talk))


def _left_undecided(talk: Talk) -> list[Part]:
    """That nothing is done yet, until when a room is kept, and the question that waits."""
    state = talk.state
    if state.cancelling:
        again = cancel.ask_again(talk)
        return [talk.part("cancel.undecided"), *again] if again else []
    if state.changing.get("code") or state.adding.get("code") or state.lookup:
        again = resume(talk)
        return [talk.part("change.undecided"), *again] if again else []
    hold = book.current_hold(talk)
    if hold:
        return [book.kept(talk, hold, "book.undecided")]
    offered = availability.ask_again(talk)
    if offered:
        return [talk.part("book.undecided_offers"), offered]
    return [talk.part("book.no_hurry")] if state.booking.goal and state.expected else []


def _drop_a_filler(talk: Talk) -> None:
    said = talk.said
    if not said.tap and said.means("affirm") and "?" in said.words and _FILLER.match(fold(said.words)):
        talk.said = replace(said, acts=tuple(act for act in said.acts if act != "affirm"))


def _drop_a_refused_order(talk: Talk) -> None:
    """ "No quiero desayuno, solo la habitación" orders nothing."""
    said = talk.said
    if said.means("order_room_service") and things.only_refused("room_service", said.words, talk.heard_in):
        talk.said = replace(said, acts=tuple(act for act in said.acts if act != "order_room_service"))


# "I don't want to talk to a machine" asks for a person all the same.
_NOBODY = re.compile(
    r"\b(?:no|nao|not|don'?t|dont) (?:quier\w+|queremos|quer\w+|want|necesit\w+|need|precis\w+)(?: to)? (?:hablar"
    r"|falar|talk"
    r"|speak|que me llam\w+)\b(?![^.?!]*\b(?:robot|robo|bot|maquina|machine|computer|ordenador|ia|ai|grabacion"
    r"|asistente"
    r"|assistant|assistente)\b)"
)


def _drop_a_person_at_home(talk: Talk) -> None:
    """ "Let me talk to my wife" asks for nobody of the hotel, nor does "I don't want to talk to anybody"."""
    said = talk.said
    nobody = doubts.asks_others(said.words) or _NOBODY.search(fold(said.words))
    if said.means("talk_to_human") and nobody:
        acts = tuple(act for act in said.acts if act != "talk_to_human")
        unsure = tuple(act for act in said.unsure if act != "talk_to_human")
        talk.said = replace(said, acts=acts, unsure=unsure)


# Who cancels and books in one breath says so in a word of its own.
_BOOKS_TOO = re.compile(
    r"\b(?:reservar\w*|reserv[oe]|reserve(?:me|mos)?|book(?:ear)?|rebook|hacer (?:una|otra)|fazer (?:uma|outra)"
    r"|make (?:a|another)"
    r"|nuev[ao]|nov[ao]|new|otr[ao]|outr[ao]|another|instead|en su lugar|en vez|em vez|no lugar)\b"
)


def _drop_a_booking_only_named(talk: Talk) -> None:
    """ "Cancela la reserva del 3 de marzo" names a booking, and wants none."""
    said = talk.said
    if said.means("cancel_reservation") and said.means("make_reservation") and not _BOOKS_TOO.search(fold(said.words)):
        talk.said = replace(said, acts=tuple(act for act in said.acts if act != "make_reservation"))


def _sum(talk: Talk) -> list[Part]:
    """What the stay costs with extras; where it cannot be added up yet, what the hotel says about each of them."""
    topics = sums.topics(talk)
    if not topics and sums.asks_without(talk) and (alone := sums.rooms_only(talk)):
        talk.acted_on.append("ask_price")
        return alone
    if not topics:
        return reservation_status.of_the_only_one(talk) if sums.is_of_what_is_booked(talk) else []
    talk.acted_on.append("ask_price")
    return sums.answer(talk) or [part for topic in topics for part in knowledge.answer(talk, topic)]


def _left_open(talk: Talk) -> bool:
    """Whether the message may want something else that must not be lost."""
    unsure = talk.said.unsure
    if not unsure or unsure[0] not in _NOT_TO_BE_LOST or talk.said.means("affirm", "deny"):
        return False
    chance = next((one.confidence for one in talk.said.whole.intents if one.intent == unsure[0]), 0.0)
    told_apart = not any({unsure[0], acted} <= alike for alike in _ALIKE for acted in talk.acted_on)
    return chance >= _HALF_HEARD and told_apart


def _pms_away(talk: Talk) -> Part:
    talk.hand_over("pms_failed")
    talk.happened("pms_failed", action=talk.pms_action, **asked_of(talk.state.booking))
    return talk.part("trouble.pms_away")


def _asks(parts: list[Part]) -> bool:
    return any(part.asks for part in parts)


def _told_more(talk: Talk) -> list[Part]:
    """What was asked about a request, if this is it; nothing else is looked for in such words."""
    if not passing_on.is_told_more(talk):
        passing_on.forget_what_was_asked(talk)
        return []
    wants = talk.state.telling.get("wants")
    parts = passing_on.take_more(talk, invoice.still_missing if wants == "invoice" else None)
    talk.said = replace(talk.said, acts=(), unsure=())
    return parts


def _facts(talk: Talk) -> list[Part]:
    """What can be answered without asking back."""
    parts: list[Part] = []
    for is_wanted, skill in _BY_THEIR_WORDS:
        parts += skill(talk) if is_wanted(talk) else []
    passing_on.hear_what_is_meant_too(talk)
    for intent in sorted(talk.said.acts, key=lambda act: act not in _FIRST):
        if intent in _AT_ONCE:
            served = _AT_ONCE[intent](talk)
        elif intent == "ask_room_types" and not _told_elsewhere(talk, intent) and talk.kinds:
            served = room_types.answer(talk)
        elif intent == "ask_checkout_time" and (own_hour := stay_times.own_hour(talk)):
            served = own_hour
        elif intent in knowledge.TOPICS and not _told_elsewhere(talk, intent):
            served = knowledge.answer(talk, intent)
        elif _may_mean_something_else(talk, intent) and (own := knowledge.own_answer(talk, intent)):
            served = own
        elif _says_nothing_clear(talk) and (clear := knowledge.answer_to_unsure(talk)):
            intent, served = knowledge.CATCH_ALL, clear
        else:
            continue
        talk.acted_on.append(intent)
        parts += [part for part in served if part not in parts]
    if room_types.wants_photos(talk) and talk.said.means(*knowledge.TOPICS) and "ask_room_types" not in talk.acted_on:
        parts += room_types.photos_besides(talk)
    parts += [part for part in knowledge.rest(talk) if part not in parts] if parts else []
    if card.is_there(talk) and not parts:
        talk.acted_on.append("ask_payment")
        talk.said = replace(talk.said, acts=(), unsure=())
        return card.answer(talk)
    if not talk.said.acts and talk.said.unsure and not privacy.is_message(talk):
        if clear := knowledge.answer_to_unsure(talk):
            talk.acted_on.append(knowledge.CATCH_ALL)
        parts += clear or knowledge.answer_to_half_heard(talk)
    return parts


def _may_mean_something_else(talk: Talk, intent: str) -> bool:
    """ "How much is the laundry?" asks something about which a hotel may have written under a name of its own."""
    return intent == "ask_price" and not _mentions_a_stay(talk) and not talk.state.cancelling


def _told_elsewhere(talk: Talk, topic: str) -> bool:
    """Cancelling tells the policy itself; a list of free rooms with prices tells what rooms there are."""
    if topic == "ask_children" and details.tells_of_children(talk):
        return True
    if topic in sums.topics(talk) or (topic == "ask_payment" and sums.is_of_what_is_booked(talk)):
        return True
    if sums.is_without(talk, topic):
        return True
    if topic == "ask_location" and talk.said.means("ask_recommendation"):
        return not knowledge.names(talk, topic)  # "What is there nearby?" asks for no address.
    if topic == "ask_payment" and talk.state.cancelling and talk.said.means("ask_price"):
        return True  # "How much will you charge me?" is about the cancellation.
    if topic == "ask_cancellation_policy":
        return talk.said.means("cancel_reservation")
    if "?" not in talk.said.words and talk.said.means(*_NAME_THINGS):
        return True  # What is broken or missing is named, and not asked about.
    return topic == "ask_room_types" and talk.said.means("check_availability", "make_reservation")


def _changes_the_draft(talk: Talk, intent: str) -> bool:
    """ "Cambiar las fechas" in the middle of a booking means the one that is being made."""
    if intent != "modify_reservation" or not talk.state.booking.goal:
        return False
    if talk.state.hold:
        return True
    if (talk.state.offers or talk.state.expected) and not change.speaks_of_a_booking(talk):
        return True
    return not upcoming_of(talk.hotel, talk.guest.id, talk.turn.today)


def _task(talk: Talk) -> list[Part]:
    """The one matter that goes on from turn to turn: a cancellation, a look-up, or a stay."""
    said = talk.said
    if grave.keeps_from_booking(talk):
        return grave.booking_waits(talk)
    if said.tap and said.tap[0] in _TAPS:
        talk.acted_on.extend(said.acts)
        return _tapped(talk, *said.tap)
    if said.tap == ("ask", "dates"):
        talk.acted_on.extend(said.acts)
        return book.other_dates(talk)
    change.forget_if_over(talk)
    matters = (
        _puts_off,
        _one_beside,
        _other_rooms,
        _corrects_what_is_booked,
        _change,
        _stay_times,
        _another,
        earlier.answer,
        _yes_once_more,
        _cancellation,
        _looking_up,
        _stay,
    )
    for matter in matters:
        parts = matter(talk)
        if parts:
            return parts
    return []


# Taps beside which a message may tell more of the stay.
_LEAVE_DETAILS_OPEN = ("dates", "party", "room_book")


def _tapped(talk: Talk, kind: str, value: str) -> list[Part]:
    """What a button or row stands for, with what was written beside it: a name, details, the wish for another room."""
    stay.learn_name(talk)
    if kind in _LEAVE_DETAILS_OPEN:
        for heard in talk.said.each:
            details.learn(talk, heard, only_fill=True)
    if kind == "confirm" and again.wants_one_beside(talk):
        again.keep_for_later(talk)
    return _TAPS[kind](talk, value)


def _other_rooms(talk: Talk) -> list[Part]:
    if change.speaks_of_a_booking(talk) or not stay.wants_other_rooms(talk):
        return []
    talk.acted_on.append("check_availability")
    return stay.other_rooms(talk)


def _one_beside(talk: Talk) -> list[Part]:
    """ "Quiero reservar otra habitación más" while one is on hold: that one stays, and is settled first."""
    if not again.wants_one_beside(talk):
        return []
    agrees = talk.said.means("affirm") and bool(talk.state.hold)
    talk.acted_on.append("make_reservation")
    if agrees:
        again.keep_for_later(talk)
        return book.confirm(talk, str(talk.state.hold))
    return again.first_this_one(talk)


def _corrects_what_is_booked(talk: Talk) -> list[Part]:
    """ "Me he equivocado, era del 3 al 5" just after the booking is about that booking, not about a new one."""
    if not (again.has_just_booked(talk) and again.takes_back(talk) and _mentions_a_stay(talk)):
        return []
    talk.acted_on.append("modify_reservation")
    return change.answer(talk)


def _change(talk: Talk) -> list[Part]:
    """A booking that is to be otherwise, and what is said while that is talked about."""
    wished = change.is_wished(talk) and not _changes_the_draft(talk, "modify_reservation")
    if not wished and not change.goes_on(talk):
        return []
    talk.acted_on.extend(talk.said.acts)
    return change.answer(talk)


def _stay_times(talk: Talk) -> list[Part]:
    if not stay_times.is_about(talk):
        return []
    talk.acted_on.extend(talk.said.acts)
    return stay_times.answer(talk)


def _another(talk: Talk) -> list[Part]:
    if not again.asked(talk) or talk.said.means("cancel_reservation", "reservation_status"):
        return []
    talk.acted_on.append("make_reservation")
    return again.answer(talk)


def _puts_off(talk: Talk) -> list[Part]:
    """ "Lo pienso y te aviso": nothing is booked, and nothing more is asked."""
    going_on = talk.state.booking.goal or talk.state.hold or talk.state.offers
    if not going_on or "?" in talk.said.words or not stay.wants_to_think(talk):
        return []
    talk.acted_on.append("deny")
    return book.forget(talk)


def _yes_once_more(talk: Talk) -> list[Part]:
    """A yes after the booking is done books nothing else: it is told what was booked."""
    state = talk.state
    nothing_waits = not (state.expected or state.booking.goal or state.cancelling)
    if not (state.booked and nothing_waits and talk.said.means("affirm")) or _mentions_a_stay(talk):
        return []
    talk.acted_on.append("affirm")
    return reservation_status.last_booked(talk)


def _cancellation(talk: Talk) -> list[Part]:
    heard, state = talk.said, talk.state
    if state.cancelling and heard.means("affirm", "deny", "inform", "cancel_reservation") and _names_another(talk):
        state.cancelling = state.cancel_fee = None
        talk.acted_on.append("cancel_reservation")
        return cancel.start(talk)
    if state.cancelling and heard.means("affirm", "deny"):
        talk.acted_on.extend(heard.acts)
        decided = cancel.decide(talk, yes=not heard.means("deny"))
        goes_on = state.booking.goal and state.cancelling is None
        return [*decided, *availability.proceed(talk)] if goes_on else decided
    if state.cancelling and heard.means("ask_price", "ask_payment") and not (talk.acted_on or _mentions_a_stay(talk)):
        talk.acted_on.append("ask_cancellation_policy")
        return cancel.ask_again(talk)  # "¿Cuánto me cobráis?", before the yes.
    if not heard.means("cancel_reservation"):
        return []
    talk.acted_on.append("cancel_reservation")
    parts = cancel.start(talk)
    if heard.means("make_reservation") and state.cancelling:
        state.booking.goal = "book"
        parts = [talk.part("book.later"), *parts]
    return parts


def _names_another(talk: Talk) -> bool:
    """Whether a code, or a day of arrival, is of another booking than the one that is to be cancelled."""
    said, pending = talk.said.entities, talk.state.cancelling
    code = said.get("booking_code")
    if code:
        return bool(code != pending)
    if not {"check_in", "choice"} & set(said):
        return False
    named = lookup.meant(talk, upcoming_of(talk.hotel, talk.guest.id, talk.turn.today))
    return len(named) == 1 and named[0].code != pending


def _looking_up(talk: Talk) -> list[Part]:
    entities, state = talk.said.entities, talk.state
    identified = any(entities.get(name) for name in ("booking_code", "surname", "name"))
    if lookup.picks(talk) or (state.lookup and identified and not talk.said.means(*stay.GOALS)):
        talk.acted_on.extend(talk.said.acts)
        return _opened(talk)
    only_a_code = bool(entities.get("booking_code")) and not talk.said.means(*_ABOUT_A_BOOKING, *_AT_ONCE)
    # "reserva MIR-ABC234" names a booking; with days or people it would be the wish for one.
    only_a_code = only_a_code and (not talk.said.means(*stay.GOALS) or not _mentions_a_stay(talk))
    of_the_other = reservation_status.asks_about_the_other(talk)
    if talk.said.means("reservation_status") or only_a_code or of_the_other or lookup.wants_the_code_again(talk):
        talk.acted_on.append("reservation_status")
        return reservation_status.answer(talk)
    return []


def _opened(talk: Talk) -> list[Part]:
    """What the code and the surname were asked for."""
    purpose = talk.state.lookup or ""
    if purpose == "cancel":
        return cancel.start(talk)
    if purpose == "change":
        return change.answer(talk)
    if purpose in stay_times.CODES:
        return stay_times.find(talk, purpose)
    return reservation_status.answer(talk)


def _stay(talk: Talk) -> list[Part]:
    heard, draft = talk.said, talk.state.booking
    changing = heard.means("modify_reservation") and _changes_the_draft(talk, "modify_reservation")
    elsewhere = draft.goal and stay.wants_other_dates(talk) and not talk.acted_on
    if elsewhere or (changing and not _mentions_a_stay(talk)):
        talk.acted_on.extend(heard.acts)
        return book.other_dates(talk)
    if changing or _is_about_a_stay(talk):
        draft.goal = draft.goal or "availability"
        parts = stay.step(talk)
        if parts:
            # Words that mean something only in this talk ("la barata") are an answer, not out of scope.
            talk.acted_on.extend("inform" if act == "out_of_scope" else act for act in heard.acts)
        return parts
    if talk.state.expected == "name" and talk.state.hold and heard.entities.get("name"):
        return stay.step(talk)
    asked_something_else = bool(talk.acted_on) and _mentions_a_stay(talk)
    if asked_something_else and draft.goal and not (talk.state.hold or talk.state.offers):
        return stay.fill(talk)
    return []


def _is_about_a_stay(talk: Talk) -> bool:
    """A wish, details, a choice, or an answer to what was asked of a stay."""
    heard, state = talk.said, talk.state
    if state.expected == "message" and not heard.means(*stay.GOALS):
        return False  # "Es mi marido", of somebody who was asked about.
    if heard.whole.intent == "out_of_scope" and heard.whole.confidence >= SURE and not state.expected:
        return False  # Tomorrow's weather has a day, and no stay.
    going_on = bool(state.booking.goal or state.hold or state.offers)
    if any(heard.means(intent) and not _price_of_an_extra(talk, intent) for intent in stay.GOALS):
        return True
    if stay.speaks_of_cheap(talk) or (going_on and stay.says_a_week_later(talk)):
        return True
    if heard.means("inform") or not talk.acted_on:
        if _mentions_a_stay(talk):
            return True
        if going_on and {"name", "choice"} & set(heard.entities):
            return True
    if going_on and heard.means("affirm", "deny") and state.expected:
        return True
    if state.hold and state.expected == "name" and not talk.acted_on and _says_nothing_clear(talk):
        return True
    named = set(heard.entities)
    return {"check_in", "adults"} <= named and bool({"check_out", "nights"} & named)


def _says_nothing_clear(talk: Talk) -> bool:
    whole = talk.said.whole
    return whole.intent == "out_of_scope" and whole.confidence < SURE


def _mentions_a_stay(talk: Talk) -> bool:
    whole = talk.said.whole
    return bool(details.STAY_DETAILS & (set(whole.entities) | set(whole.ambiguous)) or whole.problems)


def _price_of_an_extra(talk: Talk, intent: str) -> bool:
    """ "¿Cuánto cuesta el parking?" is answered by what the hotel says about it."""
    about_an_extra = talk.said.means(*knowledge.TOPICS, "late_checkout", "early_checkin") or intent in talk.acted_on
    asks_for_days = {"check_in", "check_out", "room_type"} & set(talk.said.entities)
    return intent == "ask_price" and (about_an_extra or sums.is_of_what_is_booked(talk)) and not asks_for_days


def resume(talk: Talk) -> list[Part]:
    """The question that still waits, briefly, after something else was answered."""
    state = talk.state
    if state.cancelling:
        return cancel.ask_again(talk)
    if state.changing.get("code"):
        return change.ask_again(talk)
    if state.adding.get("code"):
        return stay_times.ask_again(talk)
    if state.expected == "booking_code" and state.lookup:
        return _ask_which(talk, state.lookup)
    if state.expected == "surname" and state.lookup:
        return [talk.ask("surname", "reservation_status.ask_surname")]
    waiting = book.remind(talk) if state.hold else availability.ask_again(talk)
    if waiting is None and state.expected and state.booking.goal and not state.hold:
        waiting = details.missing(talk)
    return [waiting] if waiting else []


def _ask_which(talk: Talk, purpose: str) -> list[Part]:
    """The list of the guest's own bookings once more, or the code of one that we do not see."""
    several = len(upcoming_of(talk.hotel, talk.guest.id, talk.turn.today)) > 1
    if several and purpose == "cancel":
        return cancel.list_again(talk)
    if several and purpose == "change":
        return change.list_again(talk)
    if several and purpose in stay_times.CODES:
        return stay_times.list_again(talk, purpose)
    return [lookup.wants_code(talk, purpose)]


def _otherwise(talk: Talk) -> list[Part]:
    """Nothing to serve: politeness, an answer to no question, or words that were not understood."""
    said = talk.said
    if privacy.is_message(talk):
        return privacy.take_message(talk)
    if lookup.gives_up(talk):
        return lookup.without_code(talk)
    if unsure.is_declined(talk):
        return unsure.declined(talk)
    if said.unsure and not said.acts and not privacy.is_message(talk):
        return passing_on.add_to_the_last(talk) or talk_to_human.complains_on(talk) or unsure.ask(talk)
    waiting = resume(talk)
    for intent, skill in (("greet", social.greet), ("thank", social.thank), ("goodbye", social.goodbye)):
        if said.means(intent):
            talk.acted_on.append(intent)
            talk.state.failures = 0
            goes_on = waiting if intent == "greet" or talk.state.hold else []
            return [Part(skill(talk)[0].text), *goes_on] if goes_on else skill(talk)
    if said.means("affirm", "deny") and not waiting and not talk.turn.already_waiting:
        talk.state.failures = 0
        return [Part(talk.say("book.nothing_pending"), buttons=talk.menu(), asks=True)]
    if said.entities.get("name") and not waiting:
        talk.state.failures = 0
        talk.guest.name = talk.guest.name or str(said.entities["name"])
        return social.greet(talk)
    if talk.turn.already_waiting and not waiting:
        talk.hand_over(talk.turn.already_waiting)
        return [talk.part("talk_to_human.already")]
    return out_of_scope.answer(talk, waiting)
