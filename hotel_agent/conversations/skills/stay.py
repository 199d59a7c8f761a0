"""One step of the talk about a stay: details, choices, yes and no, in whatever order the guest says them."""

from __future__ import annotations

import re
from datetime import date, timedelta
from decimal import Decimal

from hotel_agent.conversations.dialogue import Draft, Shown
from hotel_agent.conversations.skills import availability, book, details
from hotel_agent.conversations.talk import Part, Talk
from hotel_agent.nlu.text import fold

_SOMETHING = re.compile(
    r"\b(?:algo|alguna?|something|anything|some|any|more cheap|cheaper|demasiado|muy|too|muito|caro|cara)\b"
)
_CHEAP = re.compile(r"\b(?:mas barat\w+|mais barat\w+|cheapest|mas economic\w+|mais em conta|menos car\w+)\b")
_THINKS = re.compile(
    r"\b(?:lo (?:voy a )?pens\w+|(?:te|os|les|le) (?:aviso|digo algo|confirmo luego)|me lo pienso"
    r"|i'?ll (?:think|let you know)"
    r"|let me think|think about it|vou pensar|depois (?:eu )?(?:vejo|aviso|falo)|te aviso depois"
    r"|ya te (?:aviso|digo))\b"
)
_BOOKS = re.compile(r"\b(?:confirm\w*|reserv[ae]\w*|book it)\b")
_BOOK_IT = re.compile(
    r"\W*(?:(?:si|sim|yes|ok|vale|dale|venga|pues|entonces|then|entao|please|por favor|porfa|quiero|quero|i want to"
    r"|go ahead and|can you|puedes|pode)\W+)*(?:reserv\w+|book)"
    r"(?:\W+(?:it|that|this|la|lo|esa|ese|essa|esse|ya|now|ahora|please|por favor|porfa|gracias"
    r"|thanks|obrigad[oa]))*\W*"
)
_THAT_ONE = re.compile(r"\b(?:es[ao]s?|esta|este|that one|this one|ess[ae]|est[ae])\b")
_A_WEEK_LATER = re.compile(
    r"\b(?:semana siguiente|siguiente semana|semana despues|week after|following week|week later|semana seguinte|"
    r"semana depois|outra semana|(?:finde|fin de semana) (?:siguiente|despues)|siguiente (?:finde|fin de semana)"
    r"|weekend after|following weekend|fim de semana (?:seguinte|depois))\b"
    r"|^\W*(?:y|and|e|what about|how about)\W+(?:el|la|the|o|a|para el|pro|no)?\W*(?:siguiente|next one|one after"
    r"|following one"
    r"|seguinte)\W*$"
)
# "Al final sí", of what was refused a moment ago.
_THINKS_BETTER = re.compile(
    r"\b(?:al final|pensandolo (?:bien|mejor)|mejor si|bueno si|actually|on second thoughts?|after all|changed my mind"
    r"|cambie de (?:idea|opinion)|he cambiado de (?:idea|opinion)|na verdade|pensando (?:bem|melhor)|melhor sim"
    r"|mudei de ideia|reserv\w+|book)\b"
)
_OTHER_ROOMS = re.compile(
    r"\b(?:otra|otras|outra|outras) (?:habitacion|habitaciones|opcion|opciones|opcao|opcoes)\b"
    r"|\b(?:otro|otros|outro|outros) (?:cuartos?|quartos?|tipos? de (?:habitacion|quarto))\b"
    r"|\b(?:another|a different|different|other|some other) (?:rooms?|options?|kinds? of rooms?|room types?)\b"
    r"|\b(?:habitacion|quarto) (?:distint[ao]|diferente)\b"
)
GOALS = {"check_availability": "availability", "ask_price": "price", "make_reservation": "book"}
_OTHER_DATES = (
    "otras fechas", "otra fecha", "otros dias", "cambiar las fechas", "other dates", "different dates",
    "other days", "change the dates", "outras datas", "outra data", "outros dias", "mudar as datas",
)  # fmt: skip
_CHEAPEST = ("barat", "econom", "cheap", "menos car", "en conta", "em conta")


def step(talk: Talk) -> list[Part]:
    """The message was about the stay."""
    said, draft = talk.said, talk.state.booking
    for intent, goal in GOALS.items():
        if said.means(intent) and draft.goal != "book":
            draft.goal = goal
    dates = (draft.check_in, draft.check_out)
    type_before = draft.room_type
    changes = [details.learn(talk, heard) for heard in said.each]
    if draft.room_type == type_before and _CHEAP.search(fold(said.words)) and not _is_on_the_table(talk):
        draft.room_type = None  # The cheapest of all kinds, not of the one that was too dear.
    changed = any(changes) or _moves_by_weeks(talk, dates)
    renamed = learn_name(talk)
    if any(details.unknown_type(talk, heard) for heard in said.each):
        talk.state.offers = []
        book.let_go(talk, "changed")
        return [talk.part("availability.no_such_type"), *availability.proceed(talk)]
    only_type = changed and draft.room_type != type_before and dates == (draft.check_in, draft.check_out)
    chosen = _chosen(talk, changed and not only_type)
    if chosen:
        return book.choose(talk, chosen)
    question = details.unclear(talk)
    if question and not changed:
        return [question]
    if changed or said.whole.problems:
        book.let_go(talk, "changed")
        talk.state.offers = []
        return availability.proceed(talk, dates_are_new=dates != (draft.check_in, draft.check_out))
    if said.means("deny"):
        return _no(talk)
    return _unchanged(talk, renamed)


def _is_on_the_table(talk: Talk) -> bool:
    """Whether something was offered that the guest may mean."""
    return bool(talk.state.offers or talk.state.hold)


def _moves_by_weeks(talk: Talk, before: tuple[date | None, date | None]) -> bool:
    """ "¿Y la semana siguiente?": the same nights a week later. True if the stay was moved."""
    draft = talk.state.booking
    known = draft.check_in is not None and draft.check_out is not None
    if not known or before != (draft.check_in, draft.check_out) or not says_a_week_later(talk):
        return False
    if talk.said.means("affirm", "deny") or {"check_in", "check_out"} & set(talk.said.entities):
        return False
    move_by_weeks(draft, 1)
    return True


def says_a_week_later(talk: Talk) -> bool:
    return bool(_A_WEEK_LATER.search(fold(talk.said.words)))


def move_by_weeks(draft: Draft, weeks: int) -> None:
    if draft.check_in and draft.check_out:
        draft.check_in += timedelta(weeks=weeks)
        draft.check_out += timedelta(weeks=weeks)


def fill(talk: Talk) -> list[Part]:
    """The message was about something else; the details in it fill what is missing and correct nothing."""
    changes = [details.learn(talk, heard, only_fill=True) for heard in talk.said.each]
    return availability.proceed(talk) if any(changes) else []


def _unchanged(talk: Talk, renamed: bool) -> list[Part]:
    """Nothing new about the stay itself: a yes, a name, or the same question again."""
    state, said = talk.state, talk.said
    agrees = said.means("affirm") or _says_book_it(talk) or _takes_that_one(talk)
    if speaks_of_cheap(talk) and not agrees:
        return _cheaper(talk)
    if state.hold:
        if renamed or state.expected == "name":
            return book.read_back_again(talk)
        if agrees:
            return book.confirm(talk, state.hold)
        waiting = book.remind(talk)
        return [waiting] if waiting else availability.proceed(talk)
    if state.offers:
        if agrees and len(state.offers) == 1:
            return book.choose(talk, state.offers[0])
        again = availability.ask_again(talk)
        return [again] if again and agrees else availability.proceed(talk)
    if agrees and state.expected == "party" and talk.guest.usual_party:
        details.take_usual_party(talk)
        return availability.proceed(talk)
    if agrees and state.expected == "dates" and _THINKS_BETTER.search(fold(said.words)):
        return availability.proceed(talk)
    if agrees and state.expected == "dates" and state.booking.check_in:
        return book.other_dates(talk)
    if state.booking.goal:
        return availability.proceed(talk, dates_are_new=said.means("check_availability", "ask_price"))
    return []


def wants_to_think(talk: Talk) -> bool:
    words = fold(talk.said.words)
    return (
        bool(_THINKS.search(words)) and not talk.said.means("affirm", "make_reservation") and not _BOOKS.search(words)
    )


def _says_book_it(talk: Talk) -> bool:
    """Of what was offered a wish to book is a yes; what is held is booked only by words that can mean nothing else."""
    if not talk.said.means("make_reservation"):
        return False
    return not talk.state.hold or bool(_BOOK_IT.fullmatch(fold(talk.said.words)))


def _takes_that_one(talk: Talk) -> bool:
    """ "Va, esa. Soy Rocío": of the one offer, without a question."""
    said = talk.said
    asks = "?" in said.words or said.means("deny")
    return len(talk.state.offers) == 1 and not asks and bool(_THAT_ONE.search(fold(said.words)))


def _cheaper(talk: Talk) -> list[Part]:
    """All kinds of room if one was asked for; otherwise which of those shown is the cheapest."""
    book.let_go(talk, "declined")
    if talk.state.booking.room_type and len(talk.state.offers) == 1:
        talk.state.booking.room_type, talk.state.offers = None, []
        all_kinds = availability.proceed(talk)
        return all_kinds if len(talk.state.offers) != 1 else availability.tell_cheapest(talk)
    return availability.tell_cheapest(talk)


def _no(talk: Talk) -> list[Part]:
    if speaks_of_cheap(talk):
        return _cheaper(talk)
    if talk.state.hold or talk.state.offers:
        return book.decline(talk)
    if talk.state.expected in ("dates", "check_in", "check_out", "look_again"):
        return book.forget(talk)
    return availability.proceed(talk) if talk.state.booking.goal and talk.state.expected else []


def learn_name(talk: Talk) -> bool:
    """ "a nombre de Luisa Pérez" names this booking; a guest who had no name keeps it."""
    name = talk.said.entities.get("name") or (
        talk.said.entities.get("surname") if talk.state.expected == "name" else None
    )
    if not name or not (talk.state.hold or talk.state.offers or talk.state.booking.goal):
        return False
    talk.state.booking.name = str(name)
    if not talk.guest.name:
        talk.guest.name = str(name)
    return True


def _chosen(talk: Talk, details_changed: bool) -> Shown | None:
    """The offer that the guest points at: by number, by kind of room, or as the cheapest."""
    offers = talk.state.offers
    if not offers or details_changed:
        return None
    choice = talk.said.entities.get("choice")
    if isinstance(choice, int):
        return offers[choice - 1 if choice > 0 else -1] if choice <= len(offers) else None
    room_type = talk.said.entities.get("room_type")
    asks = talk.said.means("check_availability", "ask_price", "ask_room_types")
    only_asks = asks and not talk.said.means("make_reservation", "affirm")
    if room_type in talk.kinds and not only_asks:
        meant = [offer for offer in offers if set(offer.types) == {room_type}]
        return meant[0] if len(meant) == 1 else None
    if _picks_the_cheapest(talk):
        return min(offers, key=lambda offer: Decimal(offer.total))
    return None


def tapped_party(talk: Talk, value: str) -> list[Part]:
    """As many people as the last time, or as an old button says."""
    adults, _, children = value.partition(":")
    usual = talk.guest.usual_party or {}
    if [str(usual.get("adults")), str(usual.get("children", 0))] == [adults, children]:
        details.take_usual_party(talk)
    elif adults.isdecimal() and children.isdecimal():
        talk.state.booking.adults, talk.state.booking.children = int(adults), int(children)
    return availability.proceed(talk)


def wants_other_dates(talk: Talk) -> bool:
    """Without saying which."""
    named = {"check_in", "check_out", "nights"} & set(talk.said.entities)
    words = fold(talk.said.words)
    return not named and any(phrase in words for phrase in _OTHER_DATES)


def wants_other_rooms(talk: Talk) -> bool:
    """ "I'd rather have another room" in the place of what is offered or kept, without saying which."""
    said, state = talk.said, talk.state
    named = (details.STAY_DETAILS | {"choice"}) & set(said.entities)
    if said.tap or named or not (state.hold or state.offers):
        return False
    return bool(_OTHER_ROOMS.search(fold(said.words))) and not said.means("affirm", "cancel_reservation")


def other_rooms(talk: Talk) -> list[Part]:
    """All kinds that are free on those days, and of cheaper ones whether there are any."""
    if speaks_of_cheap(talk):
        return _cheaper(talk)
    book.let_go(talk, "changed")
    talk.state.booking.room_type, talk.state.offers = None, []
    return availability.proceed(talk)


def speaks_of_cheap(talk: Talk) -> bool:
    words = fold(talk.said.words)
    return bool(talk.state.offers) and any(cheap in words for cheap in _CHEAPEST)


def _picks_the_cheapest(talk: Talk) -> bool:
    """ "La más barata" takes it; "¿hay algo más barato?" asks."""
    words = fold(talk.said.words)
    return speaks_of_cheap(talk) and len(talk.state.offers) > 1 and "?" not in words and not _SOMETHING.search(words)
