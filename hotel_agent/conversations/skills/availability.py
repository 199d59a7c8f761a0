"""What is free on some days and what it costs: one offer, a list of them, or the nearest alternatives."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from hotel_agent.channels.whatsapp.limits import BUTTONS, ROW_DESCRIPTION, ROW_TITLE, Choice, Row, shorten
from hotel_agent.conversations.dialogue import Shown
from hotel_agent.conversations.skills import details
from hotel_agent.conversations.skills.rooms_told import (
    nightly_of,
    rooms_in_short,
    rooms_in_words,
    told_quote,
    told_stay,
)
from hotel_agent.conversations.talk import Part, Talk
from hotel_agent.reservations import Party, Quote, RoomRequest, Stay
from hotel_agent.reservations.quoting import BadStay, Offers, alternatives, find_offers, refusal_of, search

MOST_OFFERS = 9


def proceed(talk: Talk, dates_are_new: bool = False) -> list[Part]:
    """The next step towards a booking: what is wrong, what is missing, or what is free."""
    problem = details.unclear(talk) or details.impossible(talk)
    if problem:
        return [problem]
    question = details.missing(talk)
    if question is None:
        return show_offers(talk)
    draft = talk.state.booking
    asks = draft.goal in ("availability", "price") or talk.said.means("check_availability", "ask_price")
    wants_to_know = asks and dates_are_new
    if wants_to_know and draft.check_in and draft.check_out:
        return _free_types(talk, Stay(draft.check_in, draft.check_out), question)
    return [question]


def _free_types(talk: Talk, stay: Stay, question: Part) -> list[Part]:
    """Asked what there is without saying for how many: every kind of room that is free, then the question."""
    there = search(talk.hotel, stay)
    free = [offer for offer in there.offers if offer.free and offer.total is not None]
    wanted = talk.state.booking.room_type
    before: list[Part] = []
    if not free:
        try:
            find_offers(talk.hotel, stay.check_in, stay.check_out, Party(1), today=talk.turn.today)
        except BadStay as bad:
            return [details.explain(talk, bad)]
        return [_all_full(talk, stay)]
    if wanted and any(offer.kind.code == wanted for offer in free):
        free = [offer for offer in free if offer.kind.code == wanted]
    elif wanted:
        unsold = refusal_of([offer for offer in there.offers if offer.kind.code == wanted], stay)
        if unsold:
            return [details.explain(talk, unsold)]
        name = talk.room_name(wanted)
        days = {"check_in": stay.check_in, "check_out": stay.check_out}
        before = [talk.part("availability.type_sold_out", name=name, **days)]
        talk.state.booking.room_type = None
    lines = [
        {
            "name": offer.kind.name_in(talk.language),
            "capacity": offer.kind.capacity,
            "nightly": offer.nightly[0] if len(set(offer.nightly)) == 1 and stay.nights > 1 else None,
            "total": offer.total,
        }
        for offer in free
    ]
    told = talk.part("availability.free_types", lines=lines, currency=there.currency, **told_stay(stay))
    return [*before, told, question]


def _all_full(talk: Talk, stay: Stay) -> Part:
    """Nothing on those days: the nearest on which there is a room, before asking for how many."""
    near = alternatives(talk.hotel, stay, Party(1), today=talk.turn.today, limit=BUTTONS).other_dates
    days = {"check_in": stay.check_in, "check_out": stay.check_out}
    if not near:
        return talk.ask("dates", "availability.sold_out_all", **days)
    stays = [{"check_in": quote.stay.check_in, "check_out": quote.stay.check_out} for quote in near]
    buttons = [
        Choice(f"dates:{one['check_in']}:{one['check_out']}", talk.say("availability.row_dates", **one))
        for one in stays
    ]
    return talk.ask("dates", "availability.sold_out_but", *buttons, **days)


def show_offers(talk: Talk) -> list[Part]:
    """Look for what fits the details, all of which are known, and show it."""
    draft = talk.state.booking
    talk.state.hold = None
    if not draft.check_in or not draft.check_out:
        return []
    party = details.party_of(draft)
    try:
        offers = find_offers(
            talk.hotel, draft.check_in, draft.check_out, party, draft.rooms, draft.room_type, talk.turn.today
        )
    except BadStay as bad:
        return [details.explain(talk, bad)]
    if offers.status != "found":
        return _nothing_as_asked(talk, offers)
    if len(offers.choices) == 1:
        return [_one(talk, offers.choices[0])]
    values = {**told_stay(offers.stay), "adults": party.adults, "children": party.children}
    return [_listed(talk, offers.choices, talk.say("availability.choose", **values))]


def _one(talk: Talk, quote: Quote) -> Part:
    shown = _remember(talk, [quote])[0]
    talk.state.expected = "yes_no"
    return Part(
        talk.say("availability.one", **told_quote(talk, quote)),
        buttons=(talk.button(shown.key, "book"), talk.button("ask:dates", "other_dates")),
        asks=True,
    )


def _nothing_as_asked(talk: Talk, offers: Offers) -> list[Part]:
    """Say what is full, then the nearest that is not: other kinds on those days, the same on other days."""
    draft = talk.state.booking
    stay, party = offers.stay, offers.party
    values = {"check_in": stay.check_in, "check_out": stay.check_out}
    people = {"adults": party.adults, "children": party.children}
    kind = talk.kinds.get(draft.room_type or "")
    if offers.status == "type_too_small" and kind:
        room = {"name": kind.name_in(talk.language), "capacity": kind.capacity}
        reason = talk.part("availability.type_too_small", **room, **people)
        draft.room_type = None
        choices: tuple[Quote, ...] = offers.choices
    else:
        reason = talk.part("availability.sold_out", **values, **people)
        if kind and offers.choices:
            reason = talk.part("availability.type_sold_out", name=kind.name_in(talk.language), **values)
        near = alternatives(talk.hotel, stay, party, draft.rooms, draft.room_type, talk.turn.today)
        choices = (*(offers.choices or near.other_types)[:3], *near.other_dates[:3])
    if not choices:
        talk.state.offers = []
        human = talk.button("ask:human", "human")
        other = talk.button("ask:dates", "other_dates")
        return [reason, talk.ask("dates", "availability.no_alternatives", other, human)]
    if len(choices) == 1:
        return [reason, _one(talk, choices[0])]
    return [reason, _listed(talk, choices, talk.say("availability.alternatives"))]


def _listed(talk: Talk, choices: Sequence[Quote], text: str) -> Part:
    shown = _remember(talk, choices[:MOST_OFFERS])
    talk.state.expected = "choose_offer"
    here = (talk.state.booking.check_in, talk.state.booking.check_out)
    numbered = enumerate(zip(shown, choices, strict=False), start=1)
    rows = tuple(_row(talk, place, offer, quote, here) for place, (offer, quote) in numbered)
    return Part(text, rows=rows, asks=True)


def _row(talk: Talk, place: int, shown: Shown, quote: Quote, here: tuple[object, object]) -> Row:
    money = {"total": quote.total, "currency": quote.currency}
    price = talk.say("availability.row", nightly=nightly_of(quote), **money)
    title = _row_title(talk, place, shown)
    if (shown.check_in, shown.check_out) == here and title == rooms_in_words(talk, shown.types):
        return Row(shown.key, title, price)
    if (shown.check_in, shown.check_out) != here:
        title = talk.say("availability.row_dates", check_in=shown.check_in, check_out=shown.check_out)
    return Row(shown.key, title, _described(talk, shown, price))


def _row_title(talk: Talk, place: int, shown: Shown) -> str:
    """The rooms, in full or in short; of many different ones only how many."""
    for told in (rooms_in_words(talk, shown.types), rooms_in_short(talk, shown.types)):
        if len(told) <= ROW_TITLE:
            return told
    if len(shown.types) == 1:
        return shorten(rooms_in_words(talk, shown.types), ROW_TITLE)
    return shorten(talk.say("availability.row_rooms", place=place, count=len(shown.types)), ROW_TITLE)


def _described(talk: Talk, shown: Shown, price: str) -> str:
    """The rooms and their price, in as many words as fit; the price is never what is cut."""
    total = talk.say("availability.row", nightly=None, total=Decimal(shown.total), currency=talk.hotel.currency)
    full, short = rooms_in_words(talk, shown.types), rooms_in_short(talk, shown.types)
    for rooms, cost in ((full, price), (full, total), (short, price), (short, total)):
        if len(f"{rooms} · {cost}") <= ROW_DESCRIPTION:
            return f"{rooms} · {cost}"
    return f"{shorten(short, ROW_DESCRIPTION - len(total) - 3)} · {total}"


def _remember(talk: Talk, quotes: Sequence[Quote]) -> list[Shown]:
    talk.state.offers = [
        Shown(
            rooms=[list(room.packed()) for room in quote.rooms],
            check_in=quote.stay.check_in,
            check_out=quote.stay.check_out,
            adults=quote.party.adults,
            children=quote.party.children,
            total=str(quote.total),
            ages=list(quote.party.children_ages),
        )
        for quote in quotes
    ]
    return talk.state.offers


def tell_cheapest(talk: Talk) -> list[Part]:
    """Which of the offers is the cheapest; there is nothing below it, because offers are made from the cheapest up."""
    cheapest = min(talk.state.offers, key=lambda offer: Decimal(offer.total))
    values = {"rooms": rooms_in_words(talk, cheapest.types), "total": Decimal(cheapest.total)}
    again = ask_again(talk)
    told = talk.part("availability.cheapest", currency=talk.hotel.currency, **values)
    return [told, again] if again else [told]


def ask_again(talk: Talk) -> Part | None:
    """The choice that still waits, briefly, with the amounts as they were shown."""
    offers = talk.state.offers
    if not offers:
        return None
    if len(offers) == 1:
        buttons = (talk.button(offers[0].key, "book"), talk.button("ask:dates", "other_dates"))
        rooms = rooms_in_words(talk, offers[0].types)
        return Part(talk.say("availability.shall_i_book", rooms=rooms), buttons=buttons, asks=True)
    rows = tuple(_row_again(talk, place, offer) for place, offer in enumerate(offers, start=1))
    return Part(talk.say("availability.which_one"), rows=rows, asks=True)


def _row_again(talk: Talk, place: int, shown: Shown) -> Row:
    total, currency = Decimal(shown.total), talk.hotel.currency
    price = talk.say("availability.row", nightly=None, total=total, currency=currency)
    dates = talk.say("availability.row_dates", check_in=shown.check_in, check_out=shown.check_out)
    same_rooms = [other for other in talk.state.offers if other.types == shown.types]
    if len(same_rooms) > 1:  # What tells them apart stands first.
        return Row(shown.key, dates, f"{rooms_in_short(talk, shown.types)} · {price}")
    return Row(shown.key, _row_title(talk, place, shown), f"{dates} · {price}")


def requests_of(shown: Shown) -> list[RoomRequest]:
    return [RoomRequest.unpacked(room) for room in shown.rooms]
