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
