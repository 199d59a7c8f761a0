"""Changing a booking: the old and the new stay with the difference, an explicit yes, and "changed" from the record."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Any

from hotel_agent.channels.whatsapp.limits import ROW_DESCRIPTION, ROW_TITLE, Row, shorten
from hotel_agent.conversations.dialogue import Draft
from hotel_agent.conversations.skills import again, change_wishes, lookup, stay_times
from hotel_agent.conversations.skills.rooms_told import (
    record_of,
    rooms_in_short,
    rooms_in_words,
    told_booking,
    told_stay,
)
from hotel_agent.conversations.talk import Part, Talk
from hotel_agent.errors import NotFound
from hotel_agent.flags.switches import is_on
from hotel_agent.nlu.text import fold
from hotel_agent.reservations import NEVER_FREE, Booking, OutcomeUnknown, PmsRejected, RoomTaken
from hotel_agent.reservations.booking import look_up, upcoming_of
from hotel_agent.reservations.changing import (
    Changed,
    ForStaff,
    NotPossible,
    Proposal,
    Wanted,
    apply,
    kinds_of,
    made_before,
    propose,
    propose_rooms,
)
from hotel_agent.reservations.quoting import BadStay

MOST_LISTED = 9
LONGEST_KEPT = 1000
# Who booked a while ago and now means something else.
_NOT_A_CHANGE = ("cancel_reservation", "talk_to_human", "complaint", "emergency", "reservation_status", "opt_out")
# What the words of a change are easily taken for.
_EASILY_HEARD = frozenset(
    [
        "early_checkin",
        "late_checkout",
        "make_reservation",
        "check_availability",
        "inform",
        "ask_children",
        "out_of_scope",
    ]
)
_HOURS = ("ask_checkin_time", "ask_checkout_time")
_MINE = re.compile(r"\b(?:mi|nuestra|my|our|minha|nossa) (?:reserva|booking|reservation|estancia|stay|estadia)\b")
_THOSE = re.compile(r"\b(?:es[ao]s|those|these|est[ao]s|ess[ae]s|est[ae]s) (?:fechas|dias|dates|days|datas)\b")
_COSTS = re.compile(
    r"\b(?:gratis|gratuit\w+|free|cuesta|coste|costo|cost\w*|pagar|paying|pay|penaliza\w+|penalty|cargo|charge|fee|multa|taxa"
    r"|custa|custo)\b"
)
_CHEAPEST = re.compile(r"\b(?:mas barat\w+|cheapest|cheaper one|mais barat\w+|mas economic\w+|mais em conta)\b")
_HOUR = re.compile(r"\bhoras?\b|\btime\b|\bo ?clock\b")
_DETAILS = frozenset(
    ["check_in", "check_out", "nights", "adults", "children", "children_ages", "babies", "room_type", "name"]
)
_DAYS = frozenset(["check_in", "check_out"])
_PEOPLE = frozenset(["adults", "children", "babies"])


# Whether the words are about this


def hear_right(talk: Talk) -> None:
    """ "We arrive a day earlier" is about the days of a booking, not the hour, and "one more night" is no new stay."""
    said, state = talk.said, talk.state
    if said.tap or not said.words.strip():
        return
    if said.means("cancel_reservation") and change_wishes.LAST_OR_FIRST_NIGHT.search(fold(said.words)):
        talk.said = replace(said, acts=("modify_reservation",), unsure=())  # One night of several is no cancellation.
        return
    if said.means(*_NOT_A_CHANGE) or _wants_another(talk):
        return
    pending = bool(state.changing.get("code")) and not state.cancelling
    about_it = said.means("modify_reservation") or (pending and says_a_detail(talk))
    if not about_it and not _may_be_meant(talk):
        return
    taken_for = {*_EASILY_HEARD, *(() if _HOUR.search(fold(said.words)) else _HOURS), "modify_reservation"}
    if "time" in said.entities:  # The hour is seen to once the days are.
        hours = [code for code in stay_times.CODES if said.means(code)]
        state.changing.update({"then": hours[0]} if hours else {})
    others = [act for act in said.acts if act not in taken_for | {"affirm", "deny"}]
    if pending and not said.means("modify_reservation"):
        talk.said = replace(said, acts=("inform", *others), unsure=())
    elif change_wishes.is_unmistakable(said.words) or (_DETAILS - {"name"}) & set(said.entities):
        talk.said = replace(said, acts=("modify_reservation", *others), unsure=())


def is_wished(talk: Talk) -> bool:
    """ "Quiero ver mi reserva" is rather the wish to see it."""
    if talk.said.means("talk_to_human", "complaint") or _wants_another(talk):
        return False
    chances = {one.intent: one.confidence for one in talk.said.whole.intents}
    sees = talk.said.means("reservation_status") and not says_a_detail(talk)
    if sees and chances.get("reservation_status", 0) > chances.get("modify_reservation", 0):
        return False
    return talk.said.means("modify_reservation")


def speaks_of_a_booking(talk: Talk) -> bool:
    """ "Mi reserva", by a guest who has one."""
    return bool(_MINE.search(fold(talk.said.words)))


def _may_be_meant(talk: Talk) -> bool:
    """Words that change what is booked, of a guest who has a booking and is not making another one."""
    state = talk.state
    busy = state.booking.goal or state.hold or state.offers or state.cancelling or state.lookup or state.expected
    sure = change_wishes.is_unmistakable(talk.said.words)
    if busy or state.changing or _wants_another(talk) or not (sure or _tells_only_details(talk) or _names_a_day(talk)):
        return False
    own = upcoming_of(talk.hotel, talk.guest.id, talk.turn.today)
    return bool(own) and (sure or not _names_a_day(talk) or not _is_of(own, talk))


def _tells_only_details(talk: Talk) -> bool:
    """ "Vamos a ser tres", of nothing that is being talked about; with days it would be another stay."""
    told = set(talk.said.entities)
    of_a_booking = told & {"adults", "children", "room_type"} and not told & {
        "check_in",
        "check_out",
        "nights",
        "rooms",
    }
    until = told & {"check_in", "check_out", "nights"} == {"check_out"} and change_wishes.stays_until(talk.said.words)
    return talk.said.acts == ("inform",) and bool(of_a_booking or until)


def _names_a_day(talk: Talk) -> bool:
    """ "Could we check out on the 5th?" names a day and no hour."""
    told = set(talk.said.entities)
    return talk.said.means("late_checkout", "early_checkin") and bool(told & _DAYS) and "time" not in told


def _is_of(own: Sequence[Booking], talk: Talk) -> bool:
    """Whether that day is one of a booking: then it is about the hour of it."""
    days = {talk.said.entities.get("check_in"), talk.said.entities.get("check_out")}
    return any({one.stay.check_in.isoformat(), one.stay.check_out.isoformat()} & days for one in own)


def says_a_detail(talk: Talk) -> bool:
    """Whether the words say what a change is to be."""
    if _wants_another(talk):
        return False
    said = talk.said
    expected = talk.state.expected in ("dates", "party", "name", "check_out")
    told = _DETAILS - ({"name"} if not expected else set())
    unsure = bool({"check_in", "check_out", "adults", "children", "room_type"} & set(said.whole.ambiguous))
    return bool(told & set(said.entities)) or unsure or change_wishes.says_a_detail([said.words])


def _wants_another(talk: Talk) -> bool:
    return change_wishes.wants_another(talk.said.words)


def goes_on(talk: Talk) -> bool:
    """Whether the message is about the change that is being talked about."""
    said, state = talk.said, talk.state
    if not state.changing.get("code") or state.cancelling or said.means(*_NOT_A_CHANGE):
        return False
    if said.means("modify_reservation") or says_a_detail(talk) or _chosen(talk):
        return True
    if not talk.acted_on and (change_wishes.is_about_what(said.words) or said.means("ask_price", "check_availability")):
        return True
    return said.means("affirm", "deny") and not _wants_another(talk)


def forget_if_over(talk: Talk) -> None:
    """A cancellation, or the wish for another booking, ends the talk about a change."""
    if talk.state.changing and (talk.said.means("cancel_reservation") or _wants_another(talk)):
        _settled(talk)


# One step


def answer(talk: Talk) -> list[Part]:
    """A wish to change a booking, or the next word about it."""
    if not is_on("booking", talk.hotel.id, talk.guest.id):
        return by_colleague(talk)
    changing = talk.state.changing
    if changing.get("code") and not _names_another(talk):
        return _go_on(talk)
    _keep_words(talk)
    return _start(talk)


def _keep_words(talk: Talk) -> None:
    """What is said of the change before the booking is known."""
    changing = talk.state.changing
    changing["words"] = "\n".join(filter(None, [changing.get("words"), talk.said.words]))[:LONGEST_KEPT]


def _go_on(talk: Talk) -> list[Part]:
    said, state = talk.said, talk.state
    booking = _pending_booking(talk)
    if booking is None:
        _settled(talk)
        return [talk.part("change.stale")]
    if chosen := _chosen(talk):
        return _recalled(talk, chosen, None)
    if says_a_detail(talk) or not said.means("affirm", "deny"):
        return _hear(talk, booking, said.words)
    if said.means("deny"):
        return decide(talk, yes=False)
    if state.changing.get("total") is not None:
        return decide(talk, yes=True)
    choices = state.changing.get("choices") or []
    return _recalled(talk, str(choices[0]), None) if len(choices) == 1 else ask_again(talk)


def _chosen(talk: Talk) -> str | None:
    """The row that the guest points at by its number."""
    choices, choice = talk.state.changing.get("choices") or [], talk.said.entities.get("choice")
    if choices and _CHEAPEST.search(fold(talk.said.words)):
        return str(choices[0])
    if not isinstance(choice, int) or not -1 <= choice - (choice > 0) < len(choices):
        return None
    return str(choices[choice - 1 if choice > 0 else -1])


def _names_another(talk: Talk) -> bool:
    code = talk.said.entities.get("booking_code")
    return bool(code) and code != talk.state.changing.get("code")


def _start(talk: Talk) -> list[Part]:
    """Find the booking that is meant."""
    state = talk.state
    if talk.said.entities.get("booking_code") or state.lookup_code:
        found = lookup.open_booking(talk, "change")
        return opened(talk, found) if isinstance(found, Booking) else [found]
    own = lookup.open_to(talk)
    just_booked = [booking for booking in own if booking.code == state.booked]
    if just_booked and (again.has_just_booked(talk) or len(own) == 1):
        return opened(talk, just_booked[0])
    if not own:
        return [talk.part("reservation_status.none_yet"), lookup.wants_code(talk, "change")]
    if len(own) == 1:
        return opened(talk, own[0])
    return [_list(talk, own)]


def list_again(talk: Talk) -> list[Part]:
    """The bookings to choose from once more."""
    return [_list(talk, lookup.open_to(talk))]


def _list(talk: Talk, own: Sequence[Booking]) -> Part:
    talk.state.lookup, talk.state.expected = "change", "booking_code"
    rows = []
    for booking in own[:MOST_LISTED]:
        told = told_booking(talk, booking)
        values = {name: told[name] for name in ("check_in", "check_out", "rooms")}
        rows.append(Row(f"change:{booking.code}", booking.code, talk.say("cancel.row", **values)))
    return Part(talk.say("change.which"), rows=tuple(rows), asks=True)


def opened(talk: Talk, booking: Booking) -> list[Part]:
    """The booking is found: what the guest has said about it so far is looked at."""
    words = str(talk.state.changing.get("words") or talk.said.words)
    kept = {"then": talk.state.changing["then"]} if talk.state.changing.get("then") else {}
    talk.state.changing = {"code": booking.code, "wants": _those_days(talk, words), **kept}
    talk.state.cancelling = talk.state.cancel_fee = None
    talk.state.adding = {}
    talk.state.lookup = talk.state.lookup_code = None
    talk.state.offers, talk.state.booking = [], Draft(around=talk.state.booking.around)
    return _hear(talk, booking, words)


def _those_days(talk: Talk, words: str) -> dict[str, Any]:
    """ "A esas fechas": those that were being talked about."""
    draft = talk.state.booking
    if not (draft.check_in and draft.check_out and _THOSE.search(fold(words))):
        return {}
    return {"check_in": draft.check_in.isoformat(), "check_out": draft.check_out.isoformat()}


def _hear(talk: Talk, booking: Booking, words: str) -> list[Part]:
    changing = talk.state.changing
    heard = change_wishes.hear(talk, words, booking, changing.get("wants") or {}, talk.state.expected)
    changing["wants"] = heard.wants
    if heard.unclear:
        expected = "party" if heard.unclear == "ambiguous_people" else "dates"
        return [talk.ask(expected, f"stay.{heard.unclear}")]
    if heard.unknown_kind:
        return [talk.part("availability.no_such_type"), *_ask_room(talk, booking)]
    if heard.wants and (heard.said_something or not heard.about or _THOSE.search(fold(words))):
        return _propose(talk, booking)
    return _ask_what(talk, booking, heard.about)


# What is to change


def _ask_what(talk: Talk, booking: Booking, about: str | None) -> list[Part]:
    terms = _terms(talk, booking)
    match about:
        case "dates":
            return [*terms, _ask_dates(talk, booking)]
        case "room":
            return _ask_room(talk, booking)
        case "people":
            return [_ask_people(talk)]
        case "name":
            return [talk.ask("name", "change.ask_name")]
        case _:
            buttons = [talk.button(f"change_what:{one}", f"change_{one}") for one in ("dates", "room", "people")]
            told = told_booking(talk, booking)
            values = {name: told[name] for name in ("code", "rooms", "check_in", "check_out")}
            talk.state.changing["asked"] = "what"
            return [*terms, talk.ask(None, "change.what", *buttons, **values)]


def _terms(talk: Talk, booking: Booking) -> list[Part]:
    """Until when changing is free, for whoever asks what it costs."""
    if not _COSTS.search(fold(talk.said.words)):
        return []
    late = talk.turn.now > booking.free_until
    until = talk.local(booking.free_until)
    return [talk.part("change.terms", late=late, never_free=until == NEVER_FREE, free_until=until)]


def _ask_dates(talk: Talk, booking: Booking) -> Part:
    talk.state.changing["asked"] = "dates"
    return talk.ask("dates", "change.ask_dates", **told_stay(booking.stay))


def _ask_people(talk: Talk) -> Part:
    talk.state.changing["asked"] = "people"
    return talk.ask("party", "change.ask_people")


def _ask_room(talk: Talk, booking: Booking) -> list[Part]:
    """The kinds that this booking could have instead, with what each would cost."""
    talk.state.changing["asked"] = "room"
    wanted = replace(change_wishes.wanted_of(talk.state.changing["wants"]), room_types=None)
    try:
        choices = propose_rooms(talk.hotel, booking, wanted, talk.turn.now, talk.turn.today)
    except BadStay as bad:
        return _explain(talk, booking, bad)
    except ForStaff as theirs:
        return _for_staff(talk, booking, theirs.reason)
    if booking.status == "in_house":
        return _for_staff(talk, booking, "in_house")
    if not choices:
        return [talk.part("change.no_other_room"), *_keep(talk, booking)]
    return [_listed(talk, booking, choices, "change.ask_room")]


# What it would come to


def _propose(talk: Talk, booking: Booking, before: Part | None = None) -> list[Part]:
    """Old and new with the difference, and the question; or why it can not be so."""
    front = [before] if before else []
    wanted = change_wishes.wanted_of(talk.state.changing.get("wants") or {})
    try:
        proposal = propose(talk.hotel, booking, wanted, talk.turn.now, talk.turn.today)
    except BadStay as bad:
        return [*front, *_explain(talk, booking, bad)]
    except ForStaff as theirs:
        return [*front, *_for_staff(talk, booking, theirs.reason)]
    except NotPossible as refused:
        return [*front, *_not_possible(talk, booking, refused)]
    if not proposal.changes_something:
        talk.state.changing.update(wants={}, total=None)
        return [*front, talk.part("change.already_so"), *_ask_what(talk, booking, None)]
    return [*front, _ask_yes(talk, proposal)]


def _ask_yes(talk: Talk, proposal: Proposal) -> Part:
    booking, quote = proposal.booking, proposal.quote
    talk.state.changing.update(
        code=booking.code,
        total=str(quote.total),
        stay=[quote.stay.check_in.isoformat(), quote.stay.check_out.isoformat()],
        asked=None,
        choices=None,
    )
    key = _key(proposal)
    return talk.ask(
        "yes_no",
        "change.confirm",
        talk.button(f"change_yes:{key}", "change_yes"),
        talk.button(f"change_no:{booking.code}", "change_no"),
        code=booking.code,
        old=_told_version(talk, booking),
        new=_told_version(talk, booking, proposal),
        moved=proposal.moved,
        other_rooms=proposal.other_rooms,
        other_people=proposal.other_people,
        renamed=proposal.renamed,
        difference=abs(proposal.difference),
        sign=(proposal.difference > 0) - (proposal.difference < 0),
        currency=booking.currency,
        free_until=talk.local(quote.free_until),
        other_terms=proposal.other_arrival and talk.turn.now <= quote.free_until,
        no_longer_free=proposal.other_arrival and talk.turn.now > quote.free_until,
        late_fee=quote.late_fee,
        fee_is=quote.late_fee_is,
        same_room=booking.status == "in_house" and quote.same_rooms and proposal.moved,
        then=talk.say(f"stay_times.name_{talk.state.changing['then']}") if talk.state.changing.get("then") else "",
        lost=[talk.say(f"stay_times.name_{code}") for code in quote.lost_extras],
    )


def _key(proposal: Proposal) -> str:
    """The id of the button tells the whole change but the name, so that an old one can be looked at anew."""
    quote = proposal.quote
    kinds = "+".join(sorted(room.kind.code for room in quote.rooms))
    days = f"{quote.stay.check_in}:{quote.stay.check_out}"
    return f"{proposal.booking.code}:{days}:{kinds}:{quote.adults}:{quote.children}"


def _told_version(talk: Talk, booking: Booking, proposal: Proposal | None = None) -> dict[str, Any]:
    version = proposal.quote if proposal else booking
    return {
        **told_stay(version.stay),
        "rooms": rooms_in_words(talk, (room.kind.code for room in version.rooms)),
        "adults": version.adults,
        "children": version.children,
        "name": version.guest_name,
        "total": version.total,
    }


def _explain(talk: Talk, booking: Booking, bad: BadStay) -> list[Part]:
    """Says kindly what can not be, forgets that part of the wish, and asks for it again."""
    changing = talk.state.changing
    changing["total"] = None
    human = talk.button("ask:human", "human")
    wants = changing.get("wants") or {}
    match bad.reason:
        case "unknown_room_type":
            wants.pop("room_types", None)
            return [talk.part("availability.no_such_type"), *_ask_room(talk, booking)]
        case "no_adults" | "too_many_people" | "more_rooms_than_adults":
            changing["wants"] = {name: value for name, value in wants.items() if name not in _PEOPLE}
            return [talk.ask("party", f"stay.{bad.reason}", human, **bad.detail)]
        case "same_day":
            check_in = date.fromisoformat(wants.get("check_in") or booking.stay.check_in.isoformat())
            wants.pop("check_out", None)
            return [talk.ask("check_out", "stay.same_day", check_in=check_in)]
        case _:
            changing["wants"] = {name: value for name, value in wants.items() if name not in _DAYS}
            buttons = (human,) if bad.reason == "too_long" else ()
            return [talk.ask("dates", f"stay.{bad.reason}", *buttons, **bad.detail)]


def _for_staff(talk: Talk, booking: Booking, reason: str) -> list[Part]:
    """What the hotel's people decide; the booking stays as it is until they have."""
    _settled(talk)
    talk.hand_over("change")
    if reason in ("cancelled", "departed", "no_show"):
        return [talk.part("change.over", code=booking.code, status=talk.say(f"reservation_status.status_{reason}"))]
    if reason == "late":
        until = talk.local(booking.free_until)
        return [talk.part("change.late", code=booking.code, never_free=until == NEVER_FREE, free_until=until)]
    if reason == "in_house":
        return [talk.part("change.in_house", code=booking.code)]
    return [talk.part("change.by_colleague")]


def by_colleague(talk: Talk) -> list[Part]:
    _settled(talk)
    talk.hand_over("change")
    return [talk.part("change.by_colleague")]


# What goes instead


def _not_possible(talk: Talk, booking: Booking, refused: NotPossible) -> list[Part]:
    talk.state.changing.update(total=None, asked="instead")
    wanted = change_wishes.wanted_of(talk.state.changing.get("wants") or {})
    kinds = wanted.room_types or kinds_of(booking)
    rooms = rooms_in_words(talk, kinds)
    if refused.reason == "too_small":
        adults = booking.adults if wanted.adults is None else wanted.adults
        children = booking.children if wanted.children is None else wanted.children
        beds = sum(talk.kinds[code].capacity for code in kinds if code in talk.kinds)
        why = talk.part("change.too_small", rooms=rooms, capacity=beds, adults=adults, children=children)
    elif booking.status == "in_house":
        talk.hand_over("change")
        _settled(talk)
        return [talk.part("change.taken_in_house", **told_stay(refused.stay))]
    else:
        why = talk.part("change.taken", rooms=rooms, **told_stay(refused.stay))
    if not refused.choices:
        return [why, *_keep(talk, booking)]
    return [why, _listed(talk, booking, refused.choices, "change.instead")]


def _keep(talk: Talk, booking: Booking) -> list[Part]:
    """Nothing goes: other days, a person, or as it was."""
    buttons = (
        talk.button("change_what:dates", "other_dates"),
        talk.button("ask:human", "human"),
        talk.button(f"change_no:{booking.code}", "change_no"),
    )
    return [talk.ask("dates", "change.nothing_near", *buttons)]


def _listed(talk: Talk, booking: Booking, choices: Sequence[Proposal], block: str) -> Part:
    """Each with its new total; the last row leaves everything as it is."""
    talk.state.changing["total"] = None
    talk.state.changing["stay"] = None
    talk.state.changing["choices"] = [_key(one) for one in choices[:MOST_LISTED]]
    rows = [_row(talk, one) for one in choices[:MOST_LISTED]]
    keep = Row(f"change_no:{booking.code}", talk.say("buttons.change_no"), "")
    talk.state.expected = "choose_offer"
    return Part(talk.say(block, code=booking.code), rows=(*rows, keep), asks=True)


def _row(talk: Talk, proposal: Proposal) -> Row:
    quote = proposal.quote
    kinds = [room.kind.code for room in quote.rooms]
    cost = talk.say(
        "change.row",
        total=quote.total,
        difference=abs(proposal.difference),
        sign=(proposal.difference > 0) - (proposal.difference < 0),
        currency=quote.currency,
    )
    if proposal.other_rooms:
        return Row(f"change_to:{_key(proposal)}", shorten(rooms_in_words(talk, kinds), ROW_TITLE), cost)
    days = talk.say("availability.row_dates", check_in=quote.stay.check_in, check_out=quote.stay.check_out)
    return Row(f"change_to:{_key(proposal)}", days, shorten(f"{rooms_in_short(talk, kinds)} · {cost}", ROW_DESCRIPTION))


# Yes and no


def decide(talk: Talk, yes: bool) -> list[Part]:
    """The answer to the question of `_ask_yes`."""
    changing = talk.state.changing
    code = str(changing.get("code") or "")
    booking = _pending_booking(talk)
    if booking is None:
        _settled(talk)
        return [talk.part("change.stale")]
    if not yes:
        _settled(talk)
        return [talk.part("cancel.kept", code=code)]
    if not is_on("booking", talk.hotel.id, talk.guest.id):
        return by_colleague(talk)
    talk.pms_action = "change"
    done = made_before(talk.hotel, code, talk.key("change"))
    return _changed(talk, done) if done else _change(talk, booking)


def _change(talk: Talk, booking: Booking) -> list[Part]:
    told = talk.state.changing.get("total")
    wanted = change_wishes.wanted_of(talk.state.changing.get("wants") or {})
    try:
        proposal = propose(talk.hotel, booking, wanted, talk.turn.now, talk.turn.today)
        if str(proposal.quote.total) != told or not proposal.changes_something:
            return _propose(talk, booking, talk.part("change.otherwise"))
        return _changed(talk, apply(talk.hotel, proposal, talk.key("change")))
    except (BadStay, ForStaff, NotPossible):
        return _propose(talk, booking)
    except RoomTaken:
        return _propose(talk, booking, talk.part("book.just_taken"))
    except PmsRejected as refusal:
        if refusal.reason == "price_changed":
            return _propose(talk, booking, talk.part("change.otherwise"))
        return _failed(talk, booking, refusal.reason)
    except (NotFound, OutcomeUnknown):
        return _failed(talk, booking, "unknown")


def _failed(talk: Talk, booking: Booking, reason: str) -> list[Part]:
    _settled(talk)
    talk.hand_over("pms_failed")
    talk.happened("pms_failed", action="change", code=booking.code, reason=reason, **record_of(booking))
    return [talk.part("change.by_colleague")]


def _changed(talk: Talk, done: Changed) -> list[Part]:
    """What the record says now."""
    booking, before = done.booking, done.change.before
    then = talk.state.changing.get("then")
    _settled(talk)
    talk.happened(
        "changed",
        change=talk.key("change"),
        code=booking.code,
        before={
            "room_types": list(before.room_types),
            "check_in": before.stay.check_in,
            "check_out": before.stay.check_out,
            "adults": before.adults,
            "children": before.children,
            "total": before.total,
            "currency": booking.currency,
        },
        renamed=before.guest_name != done.change.after.guest_name,
        **record_of(booking),
    )
    _remember(talk, booking)
    told = talk.part("change.done", **told_booking(talk, booking))
    return [told, *stay_times.opened(talk, str(then), booking)] if then else [told]


def _remember(talk: Talk, booking: Booking) -> None:
    """ "Another one like it" is like it is now; whoever opened it by the name on it may go on with the new one."""
    state = talk.state
    if booking.code in state.proven:
        state.proven[booking.code] = booking.guest_name
    if booking.code == state.booked:
        kinds = set(kinds_of(booking))
        state.before.check_in, state.before.check_out = booking.stay.check_in, booking.stay.check_out
        state.before.adults, state.before.children = booking.adults, booking.children
        state.before.ages = state.before.ages[: booking.children]
        state.before.room_type = kinds.pop() if len(kinds) == 1 else None


def _settled(talk: Talk) -> None:
    talk.state.changing = {}
    if talk.state.expected in ("yes_no", "dates", "party", "name", "check_out", "choose_offer"):
        talk.state.expected = None


def _pending_booking(talk: Talk) -> Booking | None:
    code = str(talk.state.changing.get("code") or "")
    found = look_up(talk.hotel, talk.guest.id, code, talk.state.proven.get(code))
    return found if isinstance(found, Booking) else None


def ask_again(talk: Talk) -> list[Part]:
    """The question once more, after the guest has talked about something else."""
    booking = _pending_booking(talk)
    if booking is None:
        return []
    if talk.state.changing.get("total") is not None or talk.state.changing.get("asked") == "instead":
        return _propose(talk, booking)
    return _ask_what(talk, booking, talk.state.changing.get("asked"))


def take_up(talk: Talk, earlier: Mapping[str, Any]) -> list[Part]:
    """A yes to a change that was asked about in a talk that is over: looked at anew, and asked again."""
    talk.state.changing = dict(earlier)
    return ask_again(talk)


# --- taps ---------------------------------------------------------------------------------------------------


def tapped(talk: Talk, code: str) -> list[Part]:
    """A row that names a booking: opened like a code that was written."""
    found = look_up(talk.hotel, talk.guest.id, code, talk.state.proven.get(code))
    if not isinstance(found, Booking):
        return [talk.part("change.stale")]
    _keep_words(talk)
    return opened(talk, found)


def tapped_what(talk: Talk, about: str) -> list[Part]:
    booking = _pending_booking(talk)
    if booking is None:
        return answer(talk)
    if says_a_detail(talk):  # "Fechas", tapped, and then which.
        return _hear(talk, booking, talk.said.words)
    return _ask_what(talk, booking, about)


def tapped_to(talk: Talk, key: str) -> list[Part]:
    """A row of what goes instead: proposed whole, with what was wanted of the name."""
    return _recalled(talk, key, None)


def tapped_yes(talk: Talk, key: str) -> list[Part]:
    """Yes to what is on the table; an older button is looked at anew and asked about again."""
    booking = _pending_booking(talk) if key.startswith(f"{talk.state.changing.get('code')}:") else None
    if booking is not None and talk.state.changing.get("total") is not None:
        wanted = change_wishes.wanted_of(talk.state.changing.get("wants") or {})
        if _is_the_key_of(key, booking, wanted):
            return decide(talk, yes=True)
    return _recalled(talk, key, talk.part("change.looked_anew"))


def _is_the_key_of(key: str, booking: Booking, wanted: Wanted) -> bool:
    kinds = "+".join(sorted(wanted.room_types or kinds_of(booking)))
    adults = booking.adults if wanted.adults is None else wanted.adults
    children = booking.children if wanted.children is None else wanted.children
    days = f"{wanted.check_in or booking.stay.check_in}:{wanted.check_out or booking.stay.check_out}"
    return key == f"{booking.code}:{days}:{kinds}:{adults}:{children}"


def _recalled(talk: Talk, key: str, before: Part | None) -> list[Part]:
    code, *rest = key.split(":")
    found = look_up(talk.hotel, talk.guest.id, code, talk.state.proven.get(code))
    wants = _wants_of(rest)
    if not isinstance(found, Booking) or wants is None:
        return [talk.part("change.stale")]
    if not is_on("booking", talk.hotel.id, talk.guest.id):
        return by_colleague(talk)
    same = talk.state.changing.get("code") == code
    kept = (talk.state.changing.get("wants") or {}) if same else {}
    talk.state.changing = {"code": code, "wants": {**kept, **wants}}
    talk.state.cancelling = None
    return _propose(talk, found, before)


def _wants_of(pieces: Sequence[str]) -> dict[str, Any] | None:
    try:
        check_in, check_out, kinds, adults, children = pieces
        return {
            "check_in": date.fromisoformat(check_in).isoformat(),
            "check_out": date.fromisoformat(check_out).isoformat(),
            "room_types": kinds.split("+"),
            "adults": int(adults),
            "children": int(children),
        }
    except ValueError:
        return None


def tapped_no(talk: Talk, code: str) -> list[Part]:
    talk.state.changing = {"code": code}
    return decide(talk, yes=False)
