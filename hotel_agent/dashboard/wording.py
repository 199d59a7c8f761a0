"""What the inbox says in words: chips, events, ticks, why a message was not sent, and who is told in one line."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from babel import Locale, UnknownLocaleError
from flask import Flask

from hotel_agent import i18n
from hotel_agent.channels.whatsapp.errors import ErrorClass, classify
from hotel_agent.conversations import outbox
from hotel_agent.dashboard.shapes import Bubble, Chip, Event, HoldStep, Line, StayLine
from hotel_agent.db import utcnow
from hotel_agent.i18n import N_, _, ngettext
from hotel_agent.marks import styled, unstyled

GREEN_SECONDS, AMBER_SECONDS = 5 * 60, 15 * 60

CHIP_ICONS = {
    "emergency": "siren",
    "medical": "siren",
    "minors": "siren",
    "legal": "alert",
    "complaint": "angry",
    "human": "hand",
    "payment": "card",
    "invoice": "card",
    "question": "unsure",
    "unsure": "unsure",
    "draft": "note",
    "pms_failed": "plug",
    "room_conflict": "bed",
    "cancelled_there": "x",
    "booking_off": "plug",
    "send_failed": "alert",
    "send_unknown": "alert",
    "agent_failed": "alert",
    "agent_off": "agent",
    "window_closing": "clock",
    "window_closed": "lock",
    "hold_expiring": "clock",
    "vip": "star",
    "opted_out": "bell-off",
    "returning": "reopen",
    "arriving": "arrives",
    "in_house": "bed",
    "leaving": "leaves",
    "language": "globe",
    "media": "photo",
    "lost_item": "search",
    "change": "refresh",
}
TYPE_ICONS = {
    "image": "photo",
    "sticker": "smile",
    "audio": "voice",
    "voice": "voice",
    "video": "video",
    "document": "file",
    "location": "place",
    "contacts": "contact",
    "template": "template",
    "reaction": "smile",
}
AUTHORS = {
    "guest": N_("Guest"),
    "agent": N_("Agent"),
    "staff": N_("Colleague"),
    "automatic": N_("Automatic"),
}
AUTHOR_ICONS = {"guest": "guest", "agent": "agent", "staff": "person", "automatic": "automatic"}
EVENT_ICONS = {
    "taken_over": "person",
    "given_back": "agent",
    "assigned": "assign",
    "snoozed": "snooze",
    "woken": "sun",
    "closed": "close",
    "reopened": "reopen",
    "handed_over": "hand",
    "hold_made": "key",
    "hold_extended": "key",
    "hold_released": "key",
    "hold_expired": "clock",
    "booked": "bed",
    "booking_refused": "alert",
    "cancelled": "x",
    "changed": "refresh",
    "extra_added": "clock",
    "pms_failed": "plug",
    "changed_in_pms": "plug",
    "room_conflict": "alert",
    "sent_again": "refresh",
    "request_made": "hand",
    "request_assigned": "assign",
    "request_started": "hand",
    "request_put_back": "reopen",
    "request_done": "check",
    "request_cancelled": "x",
    "question_answered": "check",
    "draft_sent": "check",
    "draft_discarded": "x",
    "draft_overtaken": "person",
}
TICK_ICONS = {
    "queued": "clock",
    "sending": "clock",
    "sent": "check",
    "delivered": "checks",
    "read": "checks",
    "failed": "alert",
    "unknown": "unsure",
    "cancelled": "x",
}

# In words

REASONS = {
    "emergency": N_("Emergency"),
    "medical": N_("Needs medical help"),
    "minors": N_("Minors on their own"),
    "legal": N_("Legal matter"),
    "complaint": N_("Complaint"),
    "human": N_("Asks for a person"),
    "payment": N_("Payment"),
    "problem": N_("Something is broken"),
    "question": N_("Wants to know something"),
    "unsure": N_("The agent is not sure"),
    "draft": N_("A proposal to approve"),
    "pms_failed": N_("PMS failed"),
    "room_conflict": N_("Room sold twice"),
    "cancelled_there": N_("Booking cancelled at the desk"),
    "booking_off": N_("Booking is switched off"),
    "send_failed": N_("Not sent"),
    "send_unknown": N_("Perhaps not sent"),
    "window_closed": N_("Window closed"),
    "window_closing": N_("Window closing"),
    "hold_expiring": N_("Hold ending"),
    "change": N_("Wants a change"),
    "request": N_("Request"),
    "lost_item": N_("Lost something"),
    "invoice": N_("Invoice"),
    "data_request": N_("Their data"),
    "feedback": N_("Feedback"),
    "media": N_("Photo, voice or file"),
    "unreadable": N_("Cannot be shown"),
    "too_old": N_("Came in late"),
    "agent_off": N_("Agent switched off"),
    "agent_failed": N_("The agent failed"),
    "guest_wrote": N_("Wrote again"),
    "vip": N_("VIP"),
    "opted_out": N_("Wants no offers"),
    "returning": N_("Returning"),
    "arriving": N_("Arrives today"),
    "in_house": N_("In house"),
    "leaving": N_("Leaves today"),
}
# What guests ask people of the hotel to do, as conversations/guest_requests.py has it.
REQUESTS = {
    "housekeeping": N_("Housekeeping"),
    "room_service": N_("Room service"),
    "transport": N_("Transport"),
    "errand": N_("Favour"),
    "repair": N_("Repair"),
    "lost_item": N_("Lost something"),
    "invoice": N_("Invoice"),
    "data_request": N_("Their data"),
}
# How guests like their stay, by the codes of conversations/skills/preferences.toml.
PREFERENCES = {
    "quiet": N_("a quiet room"),
    "high_floor": N_("a high floor"),
    "low_floor": N_("a low floor"),
    "away_from_lift": N_("away from the lift"),
    "double_bed": N_("a double bed"),
    "twin_beds": N_("two beds"),
    "no_high_floor": N_("not on a high floor"),
    "no_low_floor": N_("not on a low floor"),
    "no_double_bed": N_("not a double bed"),
    "no_twin_beds": N_("not two beds"),
    "no_feathers": N_("no feathers"),
    "gluten_free": N_("gluten-free"),
    "lactose_free": N_("lactose-free"),
    "nut_allergy": N_("nut allergy"),
    "vegetarian": N_("vegetarian"),
    "vegan": N_("vegan"),
}
ROLES = {
    "reception": N_("Reception"),
    "manager": N_("Manager"),
    "admin": N_("Administration"),
    "ops": N_("Operations"),
}
TYPES = {
    "": N_("Message"),
    "image": N_("Photo"),
    "sticker": N_("Sticker"),
    "audio": N_("Voice note"),
    "voice": N_("Voice note"),
    "video": N_("Video"),
    "document": N_("Document"),
    "location": N_("Location"),
    "contacts": N_("Contact"),
    "template": N_("Template"),
    "reaction": N_("Reaction"),
    "order": N_("Order"),
    "unsupported": N_("Something that cannot be shown here"),
    "unknown": N_("Something that cannot be shown here"),
    "revoke": N_("The guest deleted this message"),
    "edit": N_("Edited message"),
    "system": N_("Notice from WhatsApp"),
    "interactive": N_("Choice"),
    "button": N_("Choice"),
    "buttons": N_("Question with buttons"),
    "list": N_("List to choose from"),
}
PMS_FAILURES = {
    "look": N_("The PMS did not answer when asked for rooms"),
    "hold": N_("The PMS did not answer when a room was to be kept"),
    "book": N_("The PMS has not confirmed the booking"),
    "cancel": N_("The PMS has not confirmed the cancellation"),
    "change": N_("The PMS has not confirmed the change"),
}
IN_PMS = {
    "cancelled": N_("Booking cancelled in the PMS"),
    "no_show": N_("Did not come, says the PMS"),
    "back": N_("Booking stands again in the PMS"),
    "changed": N_("Booking changed in the PMS"),
    "missing": N_("The PMS does not know the booking any more"),
}
REFUSALS = {
    "room_taken": N_("somebody was faster"),
    "hold_lapsed": N_("the time to decide had run out"),
    "not_for_sale": N_("not for sale on these days"),
    "unknown": N_("the PMS does not know it"),
    "over": N_("the stay is over"),
}
RELEASES = {
    "declined": N_("the guest does not want it"),
    "changed": N_("the guest wants something else"),
    "quoted_again": N_("offered anew"),
}
# What became of rooms that were kept, as LockAudit has it.
HOLD_STEPS = {
    "held": N_("Kept"),
    "extended": N_("Kept for longer"),
    "released": N_("Let go"),
    "expired": N_("The time ran out"),
    "booked": N_("Booked"),
    "refused": N_("Not kept"),
}
# Why a hold stays as it is when a colleague wants it otherwise.
HOLD_REFUSALS = {
    "booked": N_("It is booked already."),
    "over": N_("The room is not kept any more."),
    "often_enough": N_("It has been kept for longer twice: that is the most."),
    "pms_away": N_("The PMS does not answer: nothing was changed. Try again in a moment."),
}
TICKS = {
    "queued": N_("Waiting to be sent"),
    "sending": N_("Being sent"),
    "sent": N_("Sent"),
    "delivered": N_("Delivered"),
    "read": N_("Read"),
    "failed": N_("Not sent"),
    "unknown": N_("Nobody knows whether it arrived"),
    "cancelled": N_("Withdrawn before it was sent"),
}
VARIABLES = {
    "guest": N_("name of the guest"),
    "hotel": N_("name of the hotel"),
    "arrival": N_("day of arrival"),
    "departure": N_("day of departure"),
    "room": N_("room"),
    "code": N_("booking code"),
    "check_in": N_("check-in time"),
    "check_out": N_("check-out time"),
    "me": N_("your name"),
}
STAYS = {
    "pending": N_("Being booked"),
    "booked": N_("Booked"),
    "in_house": N_("In house"),
    "departed": N_("Has left"),
    "cancelled": N_("Cancelled"),
    "no_show": N_("Did not come"),
}

EXTRAS = {
    "late_checkout": N_("Late check-out"),
    "early_checkin": N_("Early check-in"),
}


def init_app(app: Flask) -> None:
    app.jinja_env.filters.update(
        chip_words=chip_words,
        chip_icon=lambda chip: CHIP_ICONS.get(chip.kind, "alert"),
        author_icon=lambda author: AUTHOR_ICONS.get(author or "", "guest"),
        author_words=lambda author: _(AUTHORS[author]) if author in AUTHORS else "",
        type_icon=lambda kind: TYPE_ICONS.get(kind or ""),
        type_words=type_words,
        event_icon=lambda kind: EVENT_ICONS.get(kind, "automatic"),
        event_words=event_words,
        tick_icon=lambda status: TICK_ICONS.get(status, "clock"),
        tick_words=tick_words,
        failure_words=failure_words,
        wait_tone=wait_tone,
        stay_status=stay_status,
        request_words=request_words,
        preference_words=preference_words,
        extra_words=extra_words,
        hold_step=hold_step,
        variable_words=variable_words,
        language_name=language_name,
        role_words=role_words,
        guest_name=guest_name,
        line_words=line_words,
        line_chips=line_chips,
        seconds_clock=seconds_clock,
        stay_short=stay_short,
        styled=styled,
        unstyled=unstyled,
    )


def guest_name(of: Any) -> str:
    """The name, else the phone: `of` is a line, a head or a card."""
    return of.name or (i18n.phone(of.phone) if of.phone else _("No name"))


def wait_tone(since: datetime) -> str:
    seconds = (utcnow() - since).total_seconds()
    return "good" if seconds < GREEN_SECONDS else "warn" if seconds < AMBER_SECONDS else "bad"


def seconds_clock(seconds: float) -> str:
    """0:42 of a voice note"""
    return f"{int(seconds) // 60}:{int(seconds) % 60:02}"


def line_chips(line: Line) -> list[Chip]:
    """Without what the line tells anyway: that the guest waits, the room, the day of arrival."""
    told = {"guest_wrote"} | ({"in_house"} if line.room else set()) | ({"arriving"} if line.arrives else set())
    return [chip for chip in line.chips if chip.kind not in told]


def chip_words(chip: Chip) -> str:
    if chip.kind == "language":
        return language_name(chip.detail)
    if chip.kind == "send_failed":
        return ngettext("Not sent", "%(num)s not sent", int(chip.detail or 1))
    if chip.kind == "send_unknown":
        return ngettext("Perhaps not sent", "%(num)s perhaps not sent", int(chip.detail or 1))
    if chip.kind == "window_closing" and chip.until:
        return _("Window closes at %(time)s", time=i18n.clock(chip.until))
    if chip.kind == "hold_expiring" and chip.until:
        return _("Hold ends at %(time)s", time=i18n.clock(chip.until))
    return reason_words(chip.kind)


def reason_words(kind: str) -> str:
    """Why staff should look, in two or three words."""
    return _(REASONS[kind]) if kind in REASONS else kind.replace("_", " ").capitalize()


def preference_words(code: str) -> str:
    """How a guest likes their stay, in a few words."""
    return _(PREFERENCES[code]) if code in PREFERENCES else code.replace("_", " ")


def request_words(kind: str) -> str:
    """What was asked for, in a word."""
    return _(REQUESTS[kind]) if kind in REQUESTS else kind.replace("_", " ").capitalize()


def language_name(code: str | None) -> str:
    try:
        name = Locale.parse(code or "").get_language_name(i18n.language())
    except (UnknownLocaleError, ValueError):
        name = None
    return (name or code or "").capitalize()


def role_words(role: str) -> str:
    return _(ROLES[role]) if role in ROLES else role


def type_words(kind: str | None) -> str:
    """What stands for a message without words."""
    return _(TYPES.get(kind or "", TYPES[""]))


def line_words(line: Line) -> str:
    words = unstyled(line.text.removeprefix("📍").removeprefix("✏️"))
    return words or type_words(line.text_type)


def tick_words(status: str) -> str:
    return _(TICKS.get(status, status))


def variable_words(name: str) -> str:
    """What a quick reply still wants to know."""
    return _(VARIABLES[name]) if name in VARIABLES else name


def stay_status(status: str) -> str:
    return _(STAYS.get(status, status))


def stay_short(stay: StayLine) -> str:
    """Room 204 · 3–6 oct"""
    where = _("Room %(number)s", number=", ".join(stay.rooms)) if stay.rooms else ", ".join(stay.room_types)
    return " · ".join(filter(None, [where, i18n.date_range(stay.arrival, stay.departure)]))


def failure_words(bubble: Bubble) -> str:
    """Why it was not sent, and what helps."""
    window_closed = _("The guest last wrote more than 24 hours ago: WhatsApp now only takes a template.")
    if bubble.error_code is None:
        return {
            outbox.WINDOW_CLOSED: window_closed,
            outbox.NO_NUMBER: _("There is no number to send from or to."),
        }.get(bubble.error_text or "", _("WhatsApp could not be reached."))
    return {
        ErrorClass.WINDOW: window_closed,
        ErrorClass.RECIPIENT: _("This number cannot be reached on WhatsApp. Try calling."),
        ErrorClass.POLICY: _("WhatsApp does not deliver this to the guest for now. Try calling."),
        ErrorClass.BILLING: _("WhatsApp refuses because of an unpaid bill. Tell whoever manages the account."),
        ErrorClass.QUALITY: _("WhatsApp has restricted the hotel's number. Tell whoever manages the account."),
        ErrorClass.AUTH: _("The hotel's access to WhatsApp has ended. Tell whoever manages the account."),
        ErrorClass.BAD_REQUEST: _("WhatsApp did not accept this message."),
        ErrorClass.MEDIA: _("The file could not be sent."),
        ErrorClass.RATE: _("Too much was sent at once."),
        ErrorClass.PAIR_RATE: _("Too much was sent to this guest at once."),
    }.get(classify(None, bubble.error_code), _("WhatsApp did not deliver it (error %(code)s).", code=bubble.error_code))


def event_words(event: Event) -> str:
    """One quiet line in the thread."""
    who, told = event.staff_name or "", event.details
    match event.kind:
        case "taken_over":
            return _("%(who)s took over: the agent is silent", who=who) if who else _("Taken over by a colleague")
        case "given_back":
            return _("%(who)s gave back to the agent", who=who) if who else _("Given back to the agent")
        case "assigned":
            return _assigned(who, told.get("to"))
        case "snoozed":
            until = _when(told.get("until"))
            return _("%(who)s put it off until %(when)s", who=who, when=until) if until else _("Put off")
        case "woken":
            return _("Back from being put off")
        case "closed":
            return _("%(who)s closed the conversation", who=who) if who else _("The conversation was closed")
        case "reopened":
            return _("%(who)s opened it again", who=who) if who else _("Open again: the guest wrote")
        case "handed_over":
            return _("Now waits for a person: %(why)s", why=reason_words(str(told.get("reason", ""))))
        case "request_made":
            return _("New request: %(what)s", what=request_words(str(told.get("of", ""))))
        case "request_assigned":
            return f"{request_words(str(told.get('of', '')))}: {_assigned(who, told.get('to'))}"
        case "request_started":
            what = request_words(str(told.get("of", "")))
            return _("%(who)s is at it: %(what)s", who=who or _("Somebody"), what=what)
        case "request_put_back":
            what = request_words(str(told.get("of", "")))
            return _("%(who)s put it back: %(what)s", who=who or _("Somebody"), what=what)
        case "request_done":
            what = request_words(str(told.get("of", "")))
            return _("%(who)s: done: %(what)s", who=who, what=what) if who else _("Done: %(what)s", what=what)
        case "request_cancelled":
            what = request_words(str(told.get("of", "")))
            return _("%(who)s cancelled: %(what)s", who=who, what=what) if who else _("Cancelled: %(what)s", what=what)
        case "draft_sent":
            words = (
                _("%(who)s changed and sent the proposal") if told.get("edited") else _("%(who)s approved the proposal")
            )
            return words % {"who": who or _("Somebody")}
        case "draft_discarded":
            return _("%(who)s discarded the proposal", who=who or _("Somebody"))
        case "draft_overtaken":
            return _("%(who)s wrote instead of what was proposed", who=who or _("Somebody"))
        case "question_answered":
            return _("%(who)s answered the guest's question", who=who) if who else _("The question was answered")
        case "hold_made":
            return _told_of(_("Room kept while the guest decides"), _stay(told))
        case "hold_extended":
            until = _when(told.get("until"))
            return _kept_longer(who, until) if who else _("The room is kept for longer, as the guest asked")
        case "hold_released":
            freed = _("%(who)s let the kept room go", who=who) if who else _("The kept room is free again")
            return _with_reason(freed, RELEASES, told)
        case "hold_expired":
            return _("The time to decide ran out: the room is free again")
        case "booked":
            return _told_of(_("Booked"), told.get("code"), _stay(told))
        case "booking_refused":
            return _told_of(_with_reason(_("Not booked"), REFUSALS, told), _stay(told))
        case "cancelled":
            return _told_of(_("Booking cancelled"), told.get("code"), _fee(told))
        case "changed":
            return _told_of(_("Booking changed"), told.get("code"), *_changed(told))
        case "extra_added":
            return _told_of(_("Added to the booking"), told.get("code"), _extra(told))
        case "pms_failed":
            return _told_of(_pms_failure(told), told.get("code"), _stay(told))
        case "changed_in_pms":
            return _told_of(_(IN_PMS.get(str(told.get("what")), IN_PMS["changed"])), told.get("code"), *_changed(told))
        case "room_conflict":
            words = _("Room %(room)s is sold twice", room=told.get("room"))
            return _told_of(words, told.get("code"), told.get("other"), _stay(told))
        case "sent_again":
            return _("%(who)s sent it again", who=who) if who else _("Sent again")
    return event.kind.replace("_", " ")


def _kept_longer(who: str, until: str) -> str:
    if not until:
        return _("%(who)s keeps the room for longer", who=who)
    return _("%(who)s keeps the room for longer, until %(when)s", who=who, when=until)


def hold_step(step: HoldStep) -> str:
    """ "Let go · Ana: they booked elsewhere"."""
    did = _(HOLD_STEPS[step.action]) if step.action in HOLD_STEPS else step.action.replace("_", " ").capitalize()
    whose = {"guest": _("the guest"), "staff": step.staff_name or _("a colleague"), "agent": _("the agent")}
    told = _told_of(did, whose.get(step.who))
    return f"{told}: {step.why}" if step.why else told


def hold_refusal(reason: str) -> str:
    return _(HOLD_REFUSALS[reason]) if reason in HOLD_REFUSALS else _("The PMS refuses this.")


def _assigned(who: str, whom: Any) -> str:
    if not whom:
        return _("%(who)s assigned it to nobody", who=who) if who else _("Assigned to nobody")
    if whom == who:
        return _("%(who)s has it now", who=who)
    return _("%(who)s assigned it to %(whom)s", who=who, whom=whom) if who else _("Assigned to %(whom)s", whom=whom)


def _when(text: Any) -> str:
    try:
        return i18n.moment(datetime.fromisoformat(str(text)))
    except ValueError:
        return ""


def _pms_failure(told: dict[str, Any]) -> str:
    action = told.get("action")
    if action == "cancel" and told.get("reason"):
        return _with_reason(_("The PMS refused to cancel"), REFUSALS, told)
    return _(PMS_FAILURES[action]) if action in PMS_FAILURES else _("The PMS did not answer")


def _with_reason(words: str, reasons: dict[str, str], told: dict[str, Any]) -> str:
    """With the reason behind it; a PMS may have one of its own."""
    code = str(told.get("reason") or "")
    reason = _(reasons[code]) if code in reasons else code.replace("_", " ")
    return f"{words}: {reason}" if reason else words


def _told_of(*parts: str | None) -> str:
    return " · ".join(filter(None, parts))


def _stay(told: dict[str, Any]) -> str:
    try:
        days = i18n.date_range(date.fromisoformat(str(told["check_in"])), date.fromisoformat(str(told["check_out"])))
    except (KeyError, ValueError):
        days = ""
    return _told_of(days, _price(told, "total"))


def _changed(told: dict[str, Any]) -> list[str]:
    """What it is now, and what of it was otherwise."""
    before: dict[str, Any] = told.get("before") or {}
    now = _told_of(_stay(told), _people(told) if _people(told) != _people(before) else "")
    was = _told_of(_stay(before), _people(before) if _people(told) != _people(before) else "")
    parts = [now, _("before: %(stay)s", stay=was) if was and was != now else ""]
    return [*parts, _("in another name") if told.get("renamed") else ""]


def _people(told: dict[str, Any]) -> str:
    adults, children = int(told.get("adults") or 0), int(told.get("children") or 0)
    people = [
        ngettext("%(num)s adult", "%(num)s adults", adults) if adults else "",
        ngettext("%(num)s child", "%(num)s children", children) if children else "",
    ]
    return ", ".join(filter(None, people))


def _extra(told: dict[str, Any]) -> str:
    return _told_of(extra_words(str(told.get("extra", ""))), told.get("at"), _price(told, "price"))


def extra_words(code: str) -> str:
    """What was added to a stay, in a word."""
    return _(EXTRAS[code]) if code in EXTRAS else code.replace("_", " ").capitalize()


def _fee(told: dict[str, Any]) -> str:
    fee = _price(told, "fee")
    return _("fee %(amount)s", amount=fee) if fee else ""


def _price(told: dict[str, Any], name: str) -> str:
    try:
        return i18n.money(Decimal(str(told[name])), str(told["currency"]))
    except (KeyError, InvalidOperation, ValueError):
        return ""
