"""What rooms there are: all of them to choose from, or one of them with its photo."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

from hotel_agent.assets import public_address
from hotel_agent.channels.whatsapp.limits import ROW_DESCRIPTION, ROW_TITLE, ROWS, OutImage, Row, length, shorten
from hotel_agent.conversations.skills import availability, book, details, knowledge
from hotel_agent.conversations.talk import Part, Talk
from hotel_agent.nlu.rooms import find_room_type
from hotel_agent.nlu.text import fold
from hotel_agent.reservations import RoomKind

# What was asked last when a guest is to say of which room they want the photo.
WHICH_PHOTO = "room_photo"
_PHOTOS = re.compile(r"\b(?:foto(?:s|graf\w+|cos?)?|fotitos?|imagen(?:es|s)?|imagem|photos?|pics?|pictures?)\b")
_ASKS = re.compile(
    r"\?|\b(?:tien\w+|tenes|teneis|hay|ha|manda\w*|mande[ns]?|envia\w*|envie[ns]?|pasa(?:me|nos|rme|s|n)?|muestra\w*|mostra\w*"
    r"|ensena\w*|ver|quiero|quisiera|necesito|puede[ns]?|podes|podria\w*|send|show|have|got|see|share|want|like|could|can"
    r"|tem|tens|quero|queria|gostaria|preciso|pode[ms]?)\b"
)
_THE_GUESTS_OWN = re.compile(
    r"\b(?:en|in|on|from|nas|pelas|por|segun) (?:las |the |as |tus |sus |your |vuestras )?(?:fotos|photos|pics|pictures"
    r"|imagenes|imagens)\b|\b(?:mis?|my|minhas?|nuestras?|our|nossas?) (?:\w+ )?(?:fotos?|photos?|pictures?|pics)\b"
    r"|\b(?:te|les|os) (?:mando|envio|paso|mande|envie)\b|\b(?:i|i'?ll|i'?ve|let me|we|eu|vou|posso|puedo) "
    r"(?:can |will )?(?:send|sent|mandar|enviar|mando|envio)\b"
    r"|pasaporte|passport|passaporte|\bdni\b|documento|\bids?\b|fotocopi"
)
_SHOW = re.compile(
    r"\b(?:ensen\w*|muestr\w*|mostr\w*|show)\b"
    r"|\b(?:ver|see) (?:(?:como|how|what) \w+ )?(?:las?|el|los|the|as?|os?|tus|sus|your|unas?|an?|um|uma)?\b"
)
_A_ROOM = re.compile(r"\b(?:habitacion(?:es)?|cuartos?|quartos?|rooms?)\b")
_THEIR_ROOM = re.compile(r"\b(?:mis?|my|our|minhas?|meus?|nuestras?|noss[ao]s?)\b|reserva|booking|reservation")
# What words are taken for that ask to be shown a room.
_NOTHING_ELSE = ("ask_room_types", "out_of_scope", "data_request", "inform")
# What a guest may want to know of a room; what no description speaks of is not answered by telling the descriptions.
_OF_A_ROOM = tuple(
    re.compile(spelt)
    for spelt in (
        r"balcon|terra[zc]|varanda|sacada",
        r"bathtub|\btubs?\b|\bbaneras?\b|\btinas?\b|banheira",
        r"jacuzzi|hidromasaje|hot tub|hidromassagem",
        r"\bvistas?\b|\bviews?\b",
        r"cocina|kitchen|cozinha",
        r"aire acondicionado|air ?con|\bac\b|a/c|ar[- ]condicionado",
        r"calefac|heating|aquecimento",
        r"nevera|fridge|minibar|mini bar|frigobar|heladera|refrigerad|geladeira",
        r"\btele(?:vis\w+)?\b|\btvs?\b",
        r"caja fuerte|\bsafes?\b|\bcofres?\b",
        r"secador|hair ?dr[iy]er",
        r"escritorio|\bdesks?\b|escrivaninha",
        r"\bsofas?\b|sillon|couch|salon|living room|sala de estar",
        r"supletoria|extra bed|cama extra|cama adicional",
        r"comunica|conectad|connect|adjoin",
        r"metros|\bm2\b|square|superficie|tamano|\bsize\b|tamanho|\bbig\b|\bgrandes?\b",
        r"plancha|\biron\b|ferro de passar",
        r"cafetera|coffee|cafeteira|hervidor|kettle|chaleira",
        r"insonoriz|soundproof|\bruido|\bnois",
    )
)


def hear_right(talk: Talk) -> None:
    """Who asks for photos means the rooms, and who was asked of which room means that one."""
    said = talk.said
    answers = talk.state.expected == WHICH_PHOTO and bool(_named(talk)) and set(said.acts) <= {"inform", "out_of_scope"}
    answers = answers and not {"check_in", "check_out", "nights"} & set(said.entities)
    wants = wants_photos(talk) and not said.means("complaint", "emergency")
    wants = wants and (_speaks_of_rooms(talk) or not said.means(*knowledge.TOPICS))
    sees = _wants_to_see(talk)
    if answers or wants or sees:
        others = [act for act in said.acts if act not in _NOTHING_ELSE and not (sees and act == "make_reservation")]
        talk.said = replace(said, acts=("ask_room_types", *others), unsure=())


def _wants_to_see(talk: Talk) -> bool:
    """ "Show me the double": to look at it comes before booking it."""
    line = fold(talk.said.words)
    if not _SHOW.search(line) or _THEIR_ROOM.search(line) or not _speaks_of_rooms(talk):
        return False
    details_of_a_stay = {"check_in", "check_out", "nights", "adults"} & set(talk.said.entities)
    return set(talk.said.acts) <= {"make_reservation", *_NOTHING_ELSE} and not details_of_a_stay


def _speaks_of_rooms(talk: Talk) -> bool:
    return bool(_named(talk) or _A_ROOM.search(fold(talk.said.words)))


def wants_photos(talk: Talk) -> bool:
    line = fold(talk.said.words)
    if not _PHOTOS.search(line) or _THE_GUESTS_OWN.search(line):
        return False
    return bool(_ASKS.search(line)) or len(line.split()) <= 6


def answer(talk: Talk) -> list[Part]:
    kinds = _asked_about(talk)
    if talk.said.tap and talk.said.tap[0] == "room":
        return _one(talk, kinds[0]) if kinds else [talk.part("room_types.gone"), *_all(talk, list(talk.kinds.values()))]
    if own := knowledge.own_answer(talk, "ask_room_types"):
        return own
    before: list[Part] = []
    if wanted := _features_in(talk):
        kinds = [kind for kind in kinds or talk.kinds.values() if all(one.search(_words_of(kind)) for one in wanted)]
        if not kinds and not _written_about(talk, wanted):
            return knowledge.clear_answers(talk) or [knowledge.unknown(talk, "ask_room_types")]
        before = [talk.part("room_types.with_it")] if kinds else []
    if details.unknown_type(talk, talk.said.entities):
        before, kinds = [talk.part("availability.no_such_type")], []
    if len(kinds) == 1:
        return [*before, *_one(talk, kinds[0])]
    written = knowledge.known(talk, "ask_room_types")
    told = [*before, *([written] if written and not wants_photos(talk) else [])]
    return [*told, *_all(talk, kinds or list(talk.kinds.values()))]


def photos_besides(talk: Talk) -> list[Part]:
    """Photos are wanted of something else, or of rooms that are being told with their prices."""
    if talk.said.means("check_availability", "make_reservation"):
        kinds = _asked_about(talk)
        return _described(talk, kinds[0]) if len(kinds) == 1 else [talk.part("room_types.photos_besides")]
    return [talk.part("room_types.no_photo_of_that")]


def tapped_book(talk: Talk, code: str) -> list[Part]:
    """Book a room of the kind that was just shown."""
    if code not in talk.kinds:
        return [talk.part("room_types.gone"), *_all(talk, list(talk.kinds.values()))]
    book.let_go(talk, "changed")
    draft = talk.state.booking
    draft.goal, draft.room_type, talk.state.offers = "book", code, []
    return availability.proceed(talk)


def _asked_about(talk: Talk) -> list[RoomKind]:
    """The kinds that are named; of a photo without a name, the kind that is being talked about."""
    if talk.said.tap and talk.said.tap[0] == "room":
        kind = talk.kinds.get(talk.said.tap[1])
        return [kind] if kind else []
    named = _named(talk)
    if named or not wants_photos(talk):
        return named
    offered = {code for offer in talk.state.offers for code in offer.types}
    codes = offered or {talk.state.booking.room_type or ""}
    return [kind for code, kind in talk.kinds.items() if code in codes]


def _named(talk: Talk) -> list[RoomKind]:
    kind = talk.kinds.get(talk.said.entities.get("room_type", ""))
    if kind:
        return [kind]
    line, types = fold(talk.said.words), {code: kind.words for code, kind in talk.kinds.items()}
    codes = {find_room_type(line[start:end], types)[0] for start, end in find_room_type(line, types)[2]}
    return [kind for code, kind in talk.kinds.items() if code in codes]


def _features_in(talk: Talk) -> list[re.Pattern[str]]:
    """What the message wants to be in a room."""
    line = fold(talk.said.words)
    return [spelt for spelt in _OF_A_ROOM if spelt.search(line) and not talk.said.tap]


def _words_of(kind: RoomKind) -> str:
    """All that we tell of it, in whichever language: a guest may ask in one of which we have no words."""
    return fold(" ".join([*kind.names.values(), *kind.descriptions.values()]))


def _written_about(talk: Talk, wanted: Sequence[re.Pattern[str]]) -> bool:
    written = knowledge.known(talk, "ask_room_types")
    return written is not None and all(one.search(fold(written.text)) for one in wanted)


def _one(talk: Talk, kind: RoomKind) -> list[Part]:
    """One kind of room with its photo, and what can be done next unless something else waits."""
    told = _described(talk, kind)
    if talk.state.expected == WHICH_PHOTO:
        talk.state.expected = _expected_before(talk)
    if something_waits(talk):
        return told
    buttons = [talk.button(f"room_book:{kind.code}", "book_this"), talk.button("ask:availability", "availability")]
    if len(talk.kinds) > 1:
        buttons.append(talk.button("ask:rooms", "other_rooms"))
    return [*told, Part(talk.say("room_types.next"), buttons=tuple(buttons), asks=True)]


def _described(talk: Talk, kind: RoomKind) -> list[Part]:
    text = talk.say(
        "room_types.one",
        name=kind.name_in(talk.language),
        capacity=kind.capacity,
        description=kind.description_in(talk.language),
    )
    if kind.photos:
        return [Part(text, image=OutImage(link=_link(kind.photos[0])))]
    no_photo = [talk.part("room_types.no_photo")] if wants_photos(talk) or talk.state.expected == WHICH_PHOTO else []
    return [*no_photo, Part(text)]


def _link(photo: str) -> str:
    """Where Meta, and whoever reads, finds a photo: an address of the hotel's, or a file of ours below /static."""
    return photo if photo.startswith("https://") else public_address(photo)


def _all(talk: Talk, kinds: Sequence[RoomKind]) -> list[Part]:
    """Several kinds to choose from; only told where another question waits for its answer."""
    photos = wants_photos(talk)
    if photos and not any(kind.photos for kind in kinds):
        return [talk.part("room_types.no_photos"), _told(talk, kinds)]
    if photos:
        talk.state.expected = WHICH_PHOTO
        return [Part(talk.say("room_types.which_photo"), rows=_rows(talk, kinds), asks=True)]
    if something_waits(talk):
        return [_told(talk, kinds)]
    told = [_values(talk, kind) for kind in kinds]
    block = "room_types.told" if _features_in(talk) else "room_types.these"
    text = talk.say(block, kinds=told, dates_known=_dates_known(talk))
    return [Part(text, rows=_rows(talk, kinds), asks=True)]


def _told(talk: Talk, kinds: Sequence[RoomKind]) -> Part:
    told = [_values(talk, kind) for kind in kinds]
    return talk.part("room_types.told", kinds=told, dates_known=_dates_known(talk) or something_waits(talk))


def _values(talk: Talk, kind: RoomKind) -> dict[str, object]:
    name, description = kind.name_in(talk.language), kind.description_in(talk.language)
    return {"name": name, "capacity": kind.capacity, "description": description}


def _dates_known(talk: Talk) -> bool:
    return bool(talk.state.booking.check_in or "check_in" in talk.said.entities)


def _rows(talk: Talk, kinds: Sequence[RoomKind]) -> tuple[Row, ...]:
    return tuple(
        Row(f"room:{kind.code}", shorten(kind.name_in(talk.language), ROW_TITLE), _row_words(talk, kind))
        for kind in kinds[:ROWS]
    )


def _row_words(talk: Talk, kind: RoomKind) -> str:
    """How many fit, and the price that was just told for it, or else what it is like where that fits whole."""
    total = next((Decimal(offer.total) for offer in talk.state.offers if offer.types == [kind.code]), None)
    money = {"total": total, "currency": talk.hotel.currency}
    short = talk.say("room_types.row", capacity=kind.capacity, **money)
    full = f"{short} · {kind.description_in(talk.language)}"
    fits = total is None and kind.description_in(talk.language) and length(full) <= ROW_DESCRIPTION
    return full if fits else short


def something_waits(talk: Talk) -> bool:
    """Whether the guest has a question of ours to answer, or a choice to make."""
    state = talk.state
    under_way = state.hold or state.offers or state.cancelling or state.changing.get("code") or state.adding.get("code")
    return bool(under_way or state.lookup or (state.booking.goal and state.expected))


def _expected_before(talk: Talk) -> str | None:
    """What is expected of the guest once the photo is sent: what was before they were asked about it."""
    if talk.state.hold:
        return "confirm_booking"
    if talk.state.offers:
        return "yes_no" if len(talk.state.offers) == 1 else "choose_offer"
    draft = talk.state.booking
    if not draft.goal:
        return None
    return "party" if draft.check_in and draft.check_out else "dates"
