"""What is free on some days and what it costs: one offer, a list of them, or the nearest alternatives."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from hotel_agent.channels.whatsapp.limits import ROW_DESCRIPTION, ROW_TITLE, Row, shorten
from hotel_agent.conversations.dialogue import Shown
from hotel_agent.conversations.skills import details
from hotel_agent.conversations.skills.rooms_told import nightly_of, rooms_in_words, told_quote, told_stay
from hotel_agent.conversations.talk import Part, Talk
from hotel_agent.reservations import Party, Quote, RoomRequest, Stay
from hotel_agent.reservations.quoting import BadStay, Offers, alternatives, find_offers, search

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
    wants_to_know = draft.goal in ("availability", "price") and dates_are_new
    if wants_to_know and draft.check_in and draft.check_out:
        return _free_types(talk, Stay(draft.check_in, draft.check_out), question)
    return [question]


def _free_types(talk: Talk, stay: Stay, question: Part) -> list[Part]:
    """Asked what there is without saying for how many: every kind of room that is free, then the question."""
    there = search(talk.hotel, stay)
    if not there.for_sale:
        try:
            find_offers(talk.hotel, stay.check_in, stay.check_out, Party(1), today=talk.turn.today)
        except BadStay as bad:
            return [details.explain(talk, bad)]
    free = [offer for offer in there.offers if offer.free and offer.total is not None]
    wanted = talk.state.booking.room_type
    before: list[Part] = []
    if not free:
        talk.state.expected = "dates"
        return [talk.part("availability.sold_out_all", check_in=stay.check_in, check_out=stay.check_out)]
    if wanted and any(offer.kind.code == wanted for offer in free):
        free = [offer for offer in free if offer.kind.code == wanted]
    elif wanted:
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
    rows = tuple(_row(talk, offer, quote, here) for offer, quote in zip(shown, choices, strict=False))
    return Part(text, rows=rows, asks=True)


def _row(talk: Talk, shown: Shown, quote: Quote, here: tuple[object, object]) -> Row:
    rooms = rooms_in_words(talk, shown.types)
    money = {"total": quote.total, "currency": quote.currency}
    price = talk.say("availability.row", nightly=nightly_of(quote), **money)
    if (shown.check_in, shown.check_out) == here and len(rooms) <= ROW_TITLE:
        return Row(shown.key, rooms, price)
    title = rooms
    if (shown.check_in, shown.check_out) != here:
        title = talk.say("availability.row_dates", check_in=shown.check_in, check_out=shown.check_out)
    if len(f"{rooms} · {price}") > ROW_DESCRIPTION:
        price = talk.say("availability.row", nightly=None, **money)
    # The price is never what is cut.
    kept = shorten(rooms, ROW_DESCRIPTION - len(price) - 3)
    return Row(shown.key, shorten(title, ROW_TITLE), f"{kept} · {price}")


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


def ask_again(talk: Talk) -> Part | None:
    """The choice that still waits, briefly, with the amounts as they were shown."""
    offers = talk.state.offers
    if not offers:
        return None
    if len(offers) == 1:
        buttons = (talk.button(offers[0].key, "book"), talk.button("ask:dates", "other_dates"))
        rooms = rooms_in_words(talk, offers[0].types)
        return Part(talk.say("availability.shall_i_book", rooms=rooms), buttons=buttons, asks=True)
    rows = tuple(_row_again(talk, offer) for offer in offers)
    return Part(talk.say("availability.which_one"), rows=rows, asks=True)


def _row_again(talk: Talk, shown: Shown) -> Row:
    rooms = rooms_in_words(talk, shown.types)
    total, currency = Decimal(shown.total), talk.hotel.currency
    price = talk.say("availability.row", nightly=None, total=total, currency=currency)
    dates = talk.say("availability.row_dates", check_in=shown.check_in, check_out=shown.check_out)
    return Row(shown.key, shorten(rooms, ROW_TITLE), f"{dates} · {price}")


def requests_of(shown: Shown) -> list[RoomRequest]:
    return [RoomRequest.unpacked(room) for room in shown.rooms]
