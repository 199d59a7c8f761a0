"""Told stories about how guests like their stay."""

from __future__ import annotations

import pytest

from tests.conversations.chat import Chat, day, hotel_named, new_guest, span


@pytest.fixture
def marta(app):
    hotel = hotel_named("miramar")
    return Chat(hotel, new_guest(hotel))


@pytest.mark.parametrize(
    ("said", "codes", "told"),
    [
        ("prefiero una habitación tranquila y en planta alta", ["quiet", "high_floor"], "habitación tranquila"),
        ("soy celíaca", ["gluten_free"], "sin gluten"),
        ("I'd like a quiet room on a high floor if possible", ["quiet", "high_floor"], "quiet room"),
        ("I am allergic to nuts", ["nut_allergy"], "nut allergy"),
        ("prefiro um andar alto, longe do elevador", ["high_floor", "away_from_lift"], "andar alto"),
        ("sou vegano", ["vegan"], "vegana"),
    ],
)
def test_a_preference_is_kept_and_not_promised(marta, said, codes, told):
    reply = marta.says(said)
    assert reply.says(told)
    assert marta.guest.preferences == codes


@pytest.mark.parametrize(
    "said",
    ["¿tenéis habitaciones tranquilas?", "Do you have rooms on a high floor?", "tem quarto com duas camas?", "hola"],
)
def test_a_question_is_no_preference(marta, said):
    marta.says(said)
    assert not marta.guest.preferences


def test_a_preference_beside_a_wish_is_kept_and_the_wish_is_served(marta):
    dates = span("es", day(0), day(2))
    reply = marta.says(f"quiero reservar una doble {dates} para 2 personas, a ser posible en planta alta")
    assert reply.says("190,00", "planta alta")
    assert marta.guest.preferences == ["high_floor"]


def test_it_is_said_once(marta):
    marta.says("prefiero una habitación tranquila")
    assert not marta.says("prefiero una habitación tranquila, por favor").says("anotado")


@pytest.mark.parametrize(
    ("said", "codes"),
    [
        ("no quiero piso alto, por favor", ["no_high_floor"]),
        ("I'd prefer not to be on a high floor", ["no_high_floor"]),
        ("prefiro um quarto que não seja no térreo, por favor", ["no_low_floor"]),
        ("prefiro um quarto no andar alto", ["high_floor"]),
        ("I am not vegan, just gluten-free please", ["gluten_free"]),
        ("não sou vegano, sou vegetariano", ["vegetarian"]),
        ("we are not vegetarian but we are celiac", ["gluten_free"]),
        ("no soy celíaca", []),
        ("no queremos camas separadas, por favor", ["no_twin_beds"]),
    ],
)
def test_what_is_not_wanted_is_not_noted_as_wanted(marta, said, codes):
    marta.says(said)
    assert list(marta.guest.preferences or ()) == codes


def test_who_is_something_no_more_is_not_kept_as_it(marta):
    marta.says("soy vegano")
    assert marta.says("ya no soy vegano").says("comida vegana")
    assert marta.guest.preferences == []


def test_the_other_floor_takes_the_place_of_the_first(marta):
    marta.says("me gustaría un piso alto")
    marta.says("mejor un piso bajo, por favor")
    assert marta.guest.preferences == ["low_floor"]
