"""Told stories about the answer to our question how the stay was."""

from __future__ import annotations

import pytest

from hotel_agent.conversations.dialogue import Opinion
from tests.conversations.chat import Chat, Reply, hotel_named, new_guest

STAY = 4711


@pytest.fixture
def marta(app):
    """She has left, and the last thing that we said was that question."""
    hotel = hotel_named("miramar")
    return Chat(hotel, new_guest(hotel), review_asked=STAY)


def opinions(reply: Reply) -> list[tuple[int | None, int | None]]:
    return [(one.rating, one.reservation_id) for one in reply.answer.filed if isinstance(one, Opinion)]


@pytest.mark.parametrize(
    ("said", "rating"),
    [
        ("5", 5),
        ("un 4", 4),
        ("Os doy un 5", 5),
        ("10/10", 5),
        ("⭐⭐⭐⭐⭐", 5),
        ("todo genial", None),
        ("muy bien, gracias", None),
        ("great, thanks", None),
        ("I'd give it a 5", 5),
        ("Everything was perfect", None),
        ("foi ótimo", None),
        ("nota 5", 5),
        ("adoramos tudo", None),
    ],
)
def test_praise_is_kept_for_the_stay_and_thanked_for(marta, said, rating):
    reply = marta.says(said)
    assert opinions(reply) == [(rating, STAY)]
    assert reply.intent == "give_feedback"
    assert reply.reason is None
    assert reply.says("gracias") or reply.says("thank") or reply.says("obrigado")


@pytest.mark.parametrize(
    ("said", "rating", "reason"),
    [
        ("3", 3, "feedback"),
        ("un 2", 2, "complaint"),
        ("1", 1, "complaint"),
        ("no muy bien", None, "feedback"),
        ("not great", None, "feedback"),
        ("mais ou menos", None, "feedback"),
        ("regular", None, "feedback"),
        ("bien, pero la ducha no iba", None, "feedback"),
        ("muy ruidoso, fatal", None, "complaint"),
        ("it was dirty", None, "complaint"),
        ("foi ruim", None, "complaint"),
    ],
)
def test_who_was_not_happy_is_not_told_how_glad_we_are(marta, said, rating, reason):
    reply = marta.says(said)
    assert opinions(reply) == [(rating, STAY)]
    assert reply.reason == reason
    assert not any(reply.says(glad) for glad in ("nos alegra", "very glad", "muito contentes"))


@pytest.mark.parametrize(
    ("said", "intent"),
    [
        ("¿tenéis parking?", "ask_parking"),
        ("quiero reservar otra vez", "make_reservation"),
        ("he olvidado el cargador en la habitación", "lost_item"),
        ("can you send me the invoice?", "ask_invoice"),
        ("gracias", "thank"),
    ],
)
def test_who_wants_something_else_gets_it_and_gives_no_opinion(marta, said, intent):
    reply = marta.says(said)
    assert reply.intent == intent
    assert opinions(reply) == []


def test_a_number_is_no_opinion_when_nobody_asked(marta):
    marta.review_asked = None
    assert opinions(marta.says("un 4")) == []
