"""From the chosen offer to a booking: hold, read back, yes, book, and "confirmed" from the record alone."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal

from hotel_agent.conversations.dialogue import Draft, Shown
from hotel_agent.conversations.skills import availability, details
from hotel_agent.conversations.skills.rooms_told import (
    asked_of,
    asked_of_offer,
    record_of,
    told_booking,
    told_hold,
)
from hotel_agent.conversations.talk import IN_THE_CHAT, Part, Talk
from hotel_agent.flags.switches import is_on
from hotel_agent.locks.auditing import AGENT, acting
from hotel_agent.locks.telling import let_go_by_people
from hotel_agent.reservations import Booking, Hold, HoldLapsed, OutcomeUnknown, PmsRejected, RoomTaken, Stay
from hotel_agent.reservations.booking import book, find_hold, hold_quote, release_hold

# After this many questions the booking goes on without a name, which reception can ask for.
MOST_NAMES_ASKED = 2


def choose(talk: Talk, shown: Shown) -> list[Part]:
    """Hold what the guest chose, and read it back once there is a name for it."""
    if not is_on("booking", talk.hotel.id, talk.guest.id):
        talk.hand_over("booking_off")
        return [talk.part("book.by_colleague")]
    _settle_on(talk, shown)
    talk.pms_action = "hold"
    try:
        hold = hold_quote(
            talk.hotel,
            talk.guest.id,
            Stay(shown.check_in, shown.check_out),
            availability.requests_of(shown),
            talk.key("hold"),
            talk.state.hold,
        )
    except RoomTaken:
        talk.happened("booking_refused", reason="room_taken", **asked_of_offer(talk, shown))
        return [talk.part("book.just_taken"), *_look_again(talk)]
    except PmsRejected as refusal:
        talk.happened("booking_refused", reason=refusal.reason, **asked_of_offer(talk, shown))
        return _look_again(talk)
    talk.happened("hold_made", hold=hold.hold_key, **record_of(hold), until=hold.expires_at)
    talk.state.hold, talk.state.names_asked = hold.hold_key, 0
    return [read_back(talk, hold, was=Decimal(shown.total))]


def _settle_on(talk: Talk, shown: Shown) -> None:
    """The details become those of the offer, so that a later correction starts from what was chosen."""
    draft = talk.state.booking
    draft.goal = "book"
    if (draft.check_in, draft.check_out) != (shown.check_in, shown.check_out):
        draft.check_in, draft.check_out, draft.nights = shown.check_in, shown.check_out, None
    draft.adults, draft.children, draft.ages = shown.adults, shown.children, list(shown.ages)
    types = set(shown.types)
    draft.room_type = types.pop() if len(types) == 1 else None


def _name(talk: Talk) -> str | None:
    return talk.state.booking.name or talk.guest.name


def read_back(talk: Talk, hold: Hold, was: Decimal | None = None) -> Part:
    """What is kept and whether to book it; before that, in whose name, but nobody is asked for it a third time."""
    if not _name(talk) and talk.state.names_asked < MOST_NAMES_ASKED:
        return _ask_name(talk, hold)
    changed = was if was is not None and was != hold.total else None
    return talk.ask(
        "confirm_booking",
        "book.read_back",
        talk.button(f"confirm:{hold.hold_key}", "confirm"),
        talk.button(f"decline:{hold.hold_key}", "decline"),
        was=changed,
        name=_name(talk) or "",
        **told_hold(talk, hold),
    )


def _ask_name(talk: Talk, hold: Hold) -> Part:
    """In whose name; the second time in other words, for a guest who answered something else."""
    talk.state.names_asked += 1
    if talk.state.names_asked == 1:
        return _ask_whose(talk, hold)
    return talk.ask("name", "book.ask_name_again")


def _ask_whose(talk: Talk, hold: Hold) -> Part:
    told = told_hold(talk, hold)
    kept = {name: told[name] for name in ("rooms", "total", "currency", "expires_at")}
    return talk.ask("name", "book.ask_name", **kept)


def remind(talk: Talk) -> Part | None:
    """The question that waits, briefly; None when the rooms are not kept any more."""
    hold = current_hold(talk)
    if hold is None:
        return None
    if talk.state.expected == "name":
        return _ask_whose(talk, hold)
    told = told_hold(talk, hold)
    return talk.ask(
        "confirm_booking",
        "book.resume",
        talk.button(f"confirm:{hold.hold_key}", "confirm"),
        talk.button(f"decline:{hold.hold_key}", "decline"),
        rooms=told["rooms"],
        expires_at=told["expires_at"],
        total=hold.total,
        currency=hold.currency,
    )


def kept(talk: Talk, hold: Hold, block: str) -> Part:
    """Until when the rooms are kept, and whether to book them, or in whose name."""
    if talk.state.expected == "name":
        return talk.ask("name", f"{block}_name", expires_at=talk.local(hold.expires_at))
    return talk.ask(
        "confirm_booking",
        block,
        talk.button(f"confirm:{hold.hold_key}", "confirm"),
        talk.button(f"decline:{hold.hold_key}", "decline"),
        expires_at=talk.local(hold.expires_at),
    )


def current_hold(talk: Talk) -> Hold | None:
    return find_hold(talk.hotel, talk.state.hold, talk.guest.id) if talk.state.hold else None


def read_back_again(talk: Talk) -> list[Part]:
    """The name has changed, or was asked for in vain; the rooms stay as they are."""
    hold = current_hold(talk)
    return [read_back(talk, hold)] if hold else [_over(talk, talk.state.hold), *_look_again(talk)]


def confirm(talk: Talk, hold_key: str) -> list[Part]:
    """The guest said yes to the read-back of this hold."""
    if not is_on("booking", talk.hotel.id, talk.guest.id):
        talk.hand_over("booking_off")
        return [talk.part("book.by_colleague")]
    name, wanted = _name(talk) or "", asked_of(talk.state.booking)
    talk.pms_action = "book"
    try:
        booking = book(talk.hotel, hold_key, talk.guest.id, name, talk.key("book"), talk.turn.today)
    except RoomTaken:
        talk.happened("booking_refused", reason="room_taken", **wanted)
        return [talk.part("book.just_taken"), *_look_again(talk)]
    except HoldLapsed:
        talk.happened("booking_refused", reason="hold_lapsed", **wanted)
        return [_over(talk, hold_key), *_look_again(talk)]
    except PmsRejected as refusal:
        talk.happened("booking_refused", reason=refusal.reason, **wanted)
        return [_failed(talk, "book.refused")]
    except OutcomeUnknown:
        talk.happened("pms_failed", action="book", **wanted)
        return [_failed(talk, "trouble.pms_away")]
    return [_booked(talk, booking)]


def _over(talk: Talk, hold_key: str | None) -> Part:
    """Why the rooms are kept no more: the time was over, or somebody at the hotel has let them go."""
    let_go_there = hold_key is not None and let_go_by_people(talk.hotel.id, hold_key)
    return talk.part("book.let_go_by_people" if let_go_there else "book.lapsed")


def _failed(talk: Talk, block: str) -> Part:
    talk.hand_over("pms_failed")
    talk.state.hold = talk.state.expected = None
    return talk.part(block)


def _booked(talk: Talk, booking: Booking) -> Part:
    draft = talk.state.booking
    talk.guest.usual_party = {"adults": booking.adults, "children": booking.children, "ages": list(draft.ages)}
    talk.state.before, talk.state.booking = draft, Draft()
    talk.state.offers = []
    talk.state.hold = talk.state.expected = None
    talk.state.booked = booking.code
    if not booking.is_confirmed:
        talk.hand_over("pms_failed")
        talk.happened("pms_failed", action="book", code=booking.code, **record_of(booking))
        return talk.part("book.pending", code=booking.code)
    talk.happened("booked", code=booking.code, **record_of(booking))
    return talk.part("book.confirmed", from_time=talk.hotel.check_in_time, **told_booking(talk, booking))


def decline(talk: Talk) -> list[Part]:
    """The guest does not want what was held or offered. The details stay, for a change of mind."""
    held = talk.state.hold
    let_go(talk, "declined")
    talk.state.offers, talk.state.then = [], ""
    talk.state.expected = "dates"
    return [talk.part("book.declined" if held else "book.not_these")]


def forget(talk: Talk) -> list[Part]:
    """The guest gives up the booking that was being prepared."""
    let_go(talk, "declined")
    talk.state.booking, talk.state.offers, talk.state.expected, talk.state.then = Draft(), [], None, ""
    return [talk.part("book.dropped")]


def let_go(talk: Talk, reason: str) -> None:
    if talk.state.hold:
        _release(talk, talk.state.hold, reason)
        talk.state.hold = None


def _release(talk: Talk, hold_key: str, reason: str) -> None:
    if release_hold(talk.hotel, hold_key, talk.guest.id, reason):
        talk.happened("hold_released", hold=hold_key, reason=reason)


def _look_again(talk: Talk) -> list[Part]:
    """Quote anew from what is known, because what was shown no longer stands."""
    with acting(AGENT, IN_THE_CHAT):
        let_go(talk, "quoted_again")
    talk.state.offers = []
    return availability.proceed(talk)


# --- taps ---------------------------------------------------------------------------------------------------


def tapped_offer(talk: Talk, key: str) -> list[Part]:
    """A row or button of an offer. One that is not on the table any more is looked at anew, never guessed."""
    shown = next((offer for offer in talk.state.offers if offer.key == f"offer:{key}"), None)
    if shown is not None:
        return choose(talk, shown)
    _recall(talk, key)
    return [talk.part("availability.old_offer"), *_look_again(talk)]


def _recall(talk: Talk, key: str) -> None:
    """An old button tells what it was about; used only where nothing newer is known."""
    draft = talk.state.booking
    if draft.check_in or draft.check_out or draft.adults is not None:
        return
    try:
        types, check_in, check_out, adults, children = key.split(":")
        recalled = replace(
            draft,
            goal="book",
            check_in=date.fromisoformat(check_in),
            check_out=date.fromisoformat(check_out),
            adults=int(adults),
            children=int(children),
        )
    except ValueError:
        return
    codes = types.split("+")
    if len(set(codes)) == 1 and codes[0] in talk.kinds:
        recalled.room_type = codes[0]
    recalled.rooms = len(codes) if len(codes) > 1 else None
    talk.state.booking = recalled


def tapped_confirm(talk: Talk, hold_key: str) -> list[Part]:
    if hold_key == talk.state.hold:
        return confirm(talk, hold_key)
    hold = find_hold(talk.hotel, hold_key, talk.guest.id)
    if hold is not None and (hold.is_booked or talk.state.hold is None):
        return confirm(talk, hold_key)
    stale = talk.part("book.stale")
    waiting = remind(talk)
    if waiting:
        return [stale, waiting]
    talk.state.booking.goal = "book"
    return [stale, *_look_again(talk)]


def tapped_decline(talk: Talk, hold_key: str) -> list[Part]:
    if hold_key == talk.state.hold:
        return decline(talk)
    _release(talk, hold_key, "declined")
    already_booked = find_hold(talk.hotel, hold_key, talk.guest.id) is not None
    return [talk.part("cancel.stale" if already_booked else "book.declined")]


def tapped_dates(talk: Talk, value: str) -> list[Part]:
    """The button with the dates the other way round."""
    check_in, _, check_out = value.partition(":")
    try:
        date.fromisoformat(check_in), date.fromisoformat(check_out)
    except ValueError:
        return availability.proceed(talk)
    let_go(talk, "changed")
    details.learn(talk, {"check_in": check_in, "check_out": check_out})
    return availability.proceed(talk, dates_are_new=True)


def other_dates(talk: Talk) -> list[Part]:
    draft = talk.state.booking
    let_go(talk, "changed")
    draft.check_in = draft.check_out = draft.nights = None
    talk.state.offers = []
    return [talk.ask("dates", "stay.ask_dates")]
