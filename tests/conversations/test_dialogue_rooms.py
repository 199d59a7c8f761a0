"""Told stories about the rooms themselves: which there are, what one is like, its photo, and booking it from there."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from hotel_agent.channels.whatsapp.limits import OutImage, OutList, OutText
from hotel_agent.config import settings
from hotel_agent.db import db
from hotel_agent.pms.local.models import RoomType
from tests.conversations.chat import Chat, Reply, day, hotel_named, new_guest, span

ROOMS = ["room:individual", "room:doble", "room:familiar", "room:suite"]


@pytest.fixture
def miramar(app):
    return hotel_named("miramar")


@pytest.fixture
def marta(miramar):
    return Chat(miramar, new_guest(miramar))


@pytest.fixture
def without_photos(miramar):
    """Nobody has put a photo of these on record."""

    def without_photos(*codes: str) -> None:
        rows = db.session.scalars(select(RoomType).where(RoomType.hotel_id == miramar.id)).all()
        for row in rows:
            row.photos = [] if row.code in codes or not codes else row.photos
        db.session.commit()

    return without_photos


def photos(reply: Reply) -> list[str]:
    return [bubble.link or "" for bubble in reply.answer.bubbles if isinstance(bubble, OutImage)]


@pytest.mark.parametrize(
    ("asks", "named"),
    [
        ("¿Qué tipos de habitación tenéis?", "Habitación familiar"),
        ("What kinds of rooms do you have?", "Family room"),
        ("Que tipos de quarto vocês têm?", "Quarto família"),
    ],
)
def test_asked_which_rooms_there_are_they_are_listed_to_choose_from(marta, asks, named):
    reply = marta.says(asks)
    assert reply.ids == ROOMS
    assert reply.says(named)
    assert reply.intent == "ask_room_types"
    assert isinstance(reply.answer.bubbles[-1], OutList)
    assert not photos(reply)


def test_a_row_tells_how_many_fit_and_no_price_that_nobody_has_quoted(marta):
    rows = {row.id: row.description for row in marta.says("¿Qué habitaciones tenéis?").choices}
    assert rows["room:individual"].startswith("Hasta 1 persona")
    assert rows["room:familiar"].startswith("Hasta 4 personas")
    assert not any("€" in words for words in rows.values())
    assert all(len(words) <= 72 for words in rows.values())


@pytest.mark.parametrize(
    ("asks", "room", "caption", "books"),
    [
        ("¿Tienes fotos de la suite?", "suite", "Suite con vistas al mar", "Reservar esta"),
        ("¿Cómo es la suite?", "suite", "bañera", "Reservar esta"),
        ("Photos of the double room?", "doble", "with a balcony", "Book this one"),
        ("What is the family room like?", "familiar", "up to 4 people", "Book this one"),
        ("Tem foto do quarto família?", "familiar", "Quarto família", "Reservar este"),
        ("Como é a suíte?", "suite", "Suíte", "Reservar este"),
    ],
)
def test_asked_about_one_kind_its_photo_comes_with_what_is_in_it(marta, asks, room, caption, books):
    reply = marta.says(asks)
    assert photos(reply) == [f"{settings().public_url}/static/rooms/miramar-{room}.jpg"]
    image, choices = reply.answer.bubbles
    assert caption in image.caption
    assert reply.ids == [f"room_book:{room}", "ask:availability", "ask:rooms"]
    assert choices.buttons[0].title == books


@pytest.mark.parametrize(
    ("asks", "which", "room"),
    [
        ("Manda fotos", "la suite", "suite"),
        ("¿Me mandas fotos de las habitaciones?", "de la doble", "doble"),
        ("Can you send me pictures?", "the family room", "familiar"),
        ("Pode me mandar fotos?", "a suíte", "suite"),
    ],
)
def test_photos_of_no_room_in_particular_are_asked_about_and_then_sent(marta, asks, which, room):
    reply = marta.says(asks)
    assert reply.ids == ROOMS
    assert not photos(reply)
    assert photos(marta.says(which)) == [f"{settings().public_url}/static/rooms/miramar-{room}.jpg"]


def test_photos_of_two_rooms_are_offered_to_choose_from(marta):
    assert marta.says("Fotos de la doble y de la suite").ids == ["room:doble", "room:suite"]
    assert photos(marta.taps("room:suite"))


def test_a_tapped_row_shows_the_room_and_its_button_begins_the_booking(marta):
    marta.says("¿Qué habitaciones tenéis?")
    shown = marta.taps("room:doble")
    assert photos(shown)
    asked = marta.taps("room_book:doble")
    assert marta.remembered.booking.room_type == "doble"
    assert asked.asks_for == "dates"
    offered = marta.says(f"{span('es', day(1), day(3))}, 2 adultos")
    assert [offer.types for offer in marta.remembered.offers] == [["doble"]]
    assert offered.says("190,00 €")
    marta.says("sí")
    marta.says("sí")
    assert [booking.status for booking in marta.bookings()] == ["booked"]


def test_the_others_are_a_tap_away(marta):
    marta.says("¿Cómo es la suite?")
    assert marta.taps("ask:rooms").ids == ROOMS


def test_a_row_that_is_tapped_after_the_talk_is_over_still_shows_its_room(marta):
    marta.says("¿Qué habitaciones tenéis?")
    marta.comes_back_later()
    assert photos(marta.taps("room:familiar"))


def test_a_room_that_is_no_longer_had_is_said_to_be_gone(marta):
    reply = marta.taps("room:atico")
    assert reply.says("ya no lo tenemos")
    assert reply.ids == ROOMS
    assert marta.taps("room_book:atico").ids == ROOMS
    assert marta.remembered.booking.goal == ""


@pytest.mark.parametrize(
    ("language", "asks", "told"),
    [
        ("es", "¿Tienes fotos de la suite?", "No tengo foto de esa habitación"),
        ("en", "Do you have photos of the suite?", "I have no photo of that room"),
        ("pt", "Tem fotos da suíte?", "Não tenho foto desse quarto"),
    ],
)
def test_without_a_photo_on_record_that_is_said_and_the_room_is_told(marta, without_photos, language, asks, told):
    without_photos("suite")
    reply = marta.says(asks)
    assert reply.says(told)
    assert not photos(reply)
    assert reply.says({"es": "bañera", "en": "bathtub", "pt": "banheira"}[language])
    assert "room_book:suite" in reply.ids


def test_a_room_without_a_photo_is_told_without_excuses_where_none_was_asked_for(marta, without_photos):
    without_photos("suite")
    reply = marta.says("¿Cómo es la suite?")
    assert reply.says("bañera")
    assert not reply.says("foto")


def test_a_hotel_without_any_photos_says_so_and_tells_its_rooms(marta, without_photos):
    without_photos()
    reply = marta.says("Manda fotos de las habitaciones")
    assert reply.says("No tengo fotos", "Habitación doble", "balcón")
    assert not photos(reply)


def test_a_photo_in_the_middle_of_a_booking_comes_with_the_question_that_waits(marta):
    marta.says(f"Una habitación {span('es', day(1), day(3))} para 2 adultos")
    offers = [offer.types for offer in marta.remembered.offers]
    reply = marta.says("¿Tienes fotos de la suite?")
    assert photos(reply) == [f"{settings().public_url}/static/rooms/miramar-suite.jpg"]
    assert all(choice.startswith("offer:") for choice in reply.ids)
    assert [offer.types for offer in marta.remembered.offers] == offers
    assert marta.says("la doble").says("¿Lo confirmo?")


def test_photos_of_what_is_offered_alone_need_no_name(marta):
    marta.says(f"Una suite {span('es', day(1), day(3))} para 2 adultos")
    reply = marta.says("¿Tienes fotos?")
    assert photos(reply) == [f"{settings().public_url}/static/rooms/miramar-suite.jpg"]
    assert marta.says("sí").says("¿Lo confirmo?")


def test_after_the_photo_the_choice_goes_on_where_it_was(marta):
    marta.says(f"Una habitación {span('es', day(1), day(3))} para 2 adultos")
    marta.says("¿Me mandas fotos?")
    shown = marta.taps("room:suite")
    assert photos(shown)
    assert marta.says("me quedo con la suite").says("¿Lo confirmo?", "420,00 €")


@pytest.mark.parametrize(
    ("starts", "asks", "which"),
    [
        ("Quiero reservar", "¿Me mandas fotos?", "la suite"),
        ("I'd like to book a room", "Can you send me pictures?", "the suite"),
        ("Quero reservar um quarto", "Pode mandar fotos?", "a suíte"),
    ],
)
def test_after_the_photo_what_was_missing_is_asked_again(marta, starts, asks, which):
    assert marta.says(starts).asks_for == "dates"
    assert marta.says(asks).ids == ROOMS
    shown = marta.says(which)
    assert photos(shown)
    assert shown.asks_for == "dates"
    assert shown.text.rstrip().endswith(("?", "salida.", "leave.", "saída."))


def test_rooms_asked_about_beside_something_else_are_both_answered(marta):
    reply = marta.says("¿Qué habitaciones tenéis y cuánto cuesta el parking?")
    assert reply.ids == ROOMS
    assert reply.says("18,00 €")
    assert reply.reason is None


@pytest.mark.parametrize(
    "asks", ["¿Las habitaciones tienen jacuzzi?", "Do the rooms have a kitchen?", "Os quartos têm cozinha?"]
)
def test_what_no_description_speaks_of_is_asked_of_a_colleague(marta, asks):
    reply = marta.says(asks)
    assert reply.reason == "question"
    assert reply.answer.filed
    assert not reply.ids


@pytest.mark.parametrize(
    ("asks", "told", "shown"),
    [
        ("¿Tenéis habitaciones con bañera?", "bañera", ["suite"]),
        ("Vocês têm quarto com banheira?", "banheira", ["suite"]),
        ("¿La suite tiene bañera?", "bañera", ["suite"]),
    ],
)
def test_what_a_description_speaks_of_is_told_of_the_rooms_that_have_it(marta, asks, told, shown):
    reply = marta.says(asks)
    assert reply.says(told)
    assert photos(reply) == [f"{settings().public_url}/static/rooms/miramar-{room}.jpg" for room in shown]
    assert reply.reason is None


@pytest.mark.parametrize(
    ("asks", "ids", "told"),
    [
        ("¿Qué habitaciones tienen vistas?", ["room:individual", "room:suite"], ("vistas al patio", "frente al mar")),
        ("¿Alguna habitación tiene balcón?", ["room:doble", "room:suite"], ("con balcón", "terraza")),
        ("Do any rooms have a balcony?", ["room:doble", "room:suite"], ("with a balcony", "terrace")),
    ],
)
def test_of_several_rooms_that_have_it_each_is_told(marta, asks, ids, told):
    reply = marta.says(asks)
    assert reply.ids == ids
    assert reply.says(*told)


@pytest.mark.parametrize(
    "asks",
    ["¿Me puedes enseñar la doble?", "quiero ver la doble", "Show me the double room", "Quero ver o quarto duplo"],
)
def test_who_wants_to_see_a_room_is_shown_it_before_anything_is_asked(marta, asks):
    reply = marta.says(asks)
    assert photos(reply) == [f"{settings().public_url}/static/rooms/miramar-doble.jpg"]
    assert reply.ids[0] == "room_book:doble"


def test_a_photo_beside_another_question_is_sent_too(marta):
    reply = marta.says("Enséñame una foto de la doble y dime si hay parking")
    assert photos(reply)
    assert reply.says("18,00 €")
    assert not reply.says("no tengo")


def test_photos_of_something_else_are_not_on_record(marta):
    reply = marta.says("¿Hay fotos de la piscina?")
    assert reply.says("Fotos de eso no tengo")
    assert not photos(reply)


@pytest.mark.parametrize("says", ["Esto no es como en las fotos", "Te mando una foto de mi pasaporte"])
def test_the_guests_own_photos_are_nothing_to_send(marta, says):
    assert not photos(marta.says(says))
    assert marta.last.ids != ROOMS


def test_a_kind_that_is_not_had_is_said_and_those_that_are_follow(marta):
    reply = marta.says("¿Tienes fotos de la triple?")
    assert reply.says("no lo tenemos")
    assert reply.ids == ROOMS


def test_photos_wanted_beside_free_rooms_are_promised_with_the_list(marta):
    reply = marta.says(f"¿Qué habitaciones hay libres {span('es', day(1), day(3))} para 2? ¿Y me mandas fotos?")
    assert reply.says("dime de qué habitación")
    assert all(choice.startswith("offer:") for choice in reply.ids)


def test_the_hotels_own_address_of_a_photo_is_sent_as_it_is(marta, miramar):
    suite = db.session.scalars(select(RoomType).where(RoomType.hotel_id == miramar.id, RoomType.code == "suite")).one()
    suite.photos = ["https://miramar.example/suite.jpg", "rooms/miramar-suite.jpg"]
    db.session.commit()
    assert photos(marta.says("¿Tienes fotos de la suite?")) == ["https://miramar.example/suite.jpg"]


def test_at_first_contact_the_photo_comes_from_an_assistant_that_says_so(miramar):
    marta = Chat(miramar, new_guest(miramar), first_contact=True)
    reply = marta.says("¿Tienes fotos de la suite?")
    assert photos(reply)
    assert reply.says("asistente virtual del Hotel Miramar")
    assert not isinstance(reply.answer.bubbles[0], OutText)
