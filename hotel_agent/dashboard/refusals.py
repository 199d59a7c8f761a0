"""Why a booking cannot be made or changed, in the words of the pages."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from hotel_agent import i18n
from hotel_agent.i18n import _, ngettext


def refusal_words(reason: str, detail: Mapping[str, Any]) -> str:
    """Of a code of BadStay, of NotPossible, or of the PMS, with what else is known of it."""
    return _of_the_stay(reason, detail) or _of_the_booking(reason) or _("The hotel's PMS refuses this.")


def _of_the_stay(reason: str, detail: Mapping[str, Any]) -> str | None:
    if reason == "min_stay" and detail.get("nights"):
        least = int(detail["nights"])
        return ngettext(
            "From that day the hotel sells stays of %(num)s night at least.",
            "From that day the hotel sells stays of %(num)s nights at least.",
            least,
        )
    if reason == "too_far" and detail.get("last"):
        return _("Nights are for sale until %(day)s.", day=i18n.day(_day(detail["last"])))
    if reason == "too_long" and detail.get("longest"):
        return _("The hotel takes stays of %(num)s nights at most.", num=detail["longest"])
    if reason == "too_many_people" and detail.get("largest"):
        return _("The hotel takes %(num)s people at most.", num=detail["largest"])
    return {
        "past_date": _("The arrival is over."),
        "reversed": _("The departure is after the arrival."),
        "same_day": _("The departure is after the arrival."),
        "too_long": _("The hotel takes no stay as long as this."),
        "too_far": _("These nights are not for sale yet."),
        "not_for_sale": _("These nights are not for sale."),
        "no_adults": _("There is no adult."),
        "too_many_people": _("The hotel takes no party as large as this."),
        "more_rooms_than_adults": _("There is no adult for each room."),
        "unknown_room_type": _("The hotel has no such kind of room."),
        "type_too_small": _("This kind of room is too small for these people."),
        "too_small": _("These rooms are too small for these people."),
        "min_stay": _("The hotel sells no stay as short as this from that day."),
        "closed": _("The hotel sells nothing on these nights."),
        "closed_to_arrival": _("Nobody can arrive on that day."),
        "closed_to_departure": _("Nobody can leave on that day."),
    }.get(reason)


def _of_the_booking(reason: str) -> str | None:
    return {
        "room_taken": _("The rooms are not free any more."),
        "taken": _("The rooms are not free."),
        "hold_lapsed": _("The rooms could not be kept for long enough. Try it again."),
        "price_changed": _("The price is another one now: look at it before you go on."),
        "changed_meanwhile": _("Somebody has changed the booking meanwhile: look at it before you go on."),
        "fee_changed": _("Cancelling costs another fee now: look at it before you go on."),
        "deadline_passed": _("The deadline for changes is over."),
        "late": _("The deadline for changes is over."),
        "in_house": _("The guest is in the house."),
        "over": _("The stay is over."),
        "cancelled": _("The booking is cancelled."),
        "departed": _("The guest has left."),
        "no_show": _("The guest did not come."),
        "pending": _("The booking is not read back from the PMS yet."),
        "not_supported": _("The hotel's PMS does not let us do this: it is done there."),
    }.get(reason)


def _day(given: Any) -> date:
    return date.fromisoformat(str(given))
