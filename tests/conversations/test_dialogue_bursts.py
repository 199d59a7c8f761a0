"""Told stories about a tap with words right behind it: the tap stands unless the words take it back."""

from __future__ import annotations

import pytest

from hotel_agent.conversations.dialogue import Heard
from tests.conversations.chat import Chat, Reply, day, hotel_named, new_guest, span
from tests.conversations.test_dialogue_bookings_kept import booked


@pytest.fixture
def marta(app):
    hotel = hotel_named("miramar")
    return Chat(hotel, new_guest(hotel))


WISH = {
    "es": f"quiero una habitación {span('es', day(0), day(2))} para 2 adultos",
    "en": f"I want a room {span('en', day(0), day(2))} for 2 adults",
    "pt": f"quero um quarto {span('pt', day(0), day(2))} para 2 adultos",
}
THANKS = {"es": "gracias", "en": "thanks!", "pt": "obrigada"}


def tapped_and_said(chat: Chat, tap: str, *said: str) -> Reply:
    """A tap and messages behind it in one burst."""
    shown = chat.last.choices if chat.last else []
    found = next((choice.id for choice in shown if choice.id.startswith(tap)), tap)
    texts = [Heard(place, "text", words, None, "answerable") for place, words in enumerate(said, start=1)]
    return chat.hears(Heard(0, "interactive", "…", found, "answerable"), *texts)


@pytest.mark.parametrize("language", ["es", "en", "pt"])
def test_thanks_behind_a_tap_leaves_the_choice(marta, language):
    marta.says(WISH[language])
    assert tapped_and_said(marta, "offer:suite", THANKS[language]).says("420")
    assert marta.locks("active") == 1
    tapped_and_said(marta, "confirm:", THANKS[language])
    assert [one.total for one in marta.bookings()] == [420]


def test_an_old_confirmation_with_thanks_books_nothing_else(marta):
    marta.says(WISH["es"])
    marta.taps("offer:doble")
    stale = tapped_and_said(marta, "confirm:another-hold", "gracias")
    assert stale.says("propuesta anterior")
    assert marta.bookings() == []


@pytest.mark.parametrize(
    "said", ["no, espera", "perdón, me equivoqué", "uy sin querer", "un momento", "no sé si quiero"]
)
def test_words_that_take_a_yes_back_book_nothing(marta, said):
    marta.says(WISH["es"])
    marta.taps("offer:doble")
    tapped_and_said(marta, "confirm:", said)
    assert marta.bookings() == []


@pytest.mark.parametrize("said", ["wait, not that one", "opa, me enganei"])
def test_words_that_take_a_choice_back_hold_nothing(marta, said):
    marta.says(WISH["en" if "wait" in said else "pt"])
    tapped_and_said(marta, "offer:suite", said)
    assert marta.locks("active") == 0


def test_other_days_behind_a_yes_are_looked_at_and_not_booked(marta):
    marta.says(WISH["es"])
    marta.taps("offer:doble")
    reply = tapped_and_said(marta, "confirm:", f"mejor {span('es', day(4), day(6))}")
    assert marta.bookings() == []
    assert marta.locks("active") == 0
    assert reply.says("190,00", "reserva")


def test_more_people_behind_a_choice_count(marta):
    marta.says(WISH["es"])
    reply = tapped_and_said(marta, "offer:doble", "somos 3")
    assert reply.says("280,00")
    assert marta.locks("active") == 0


def test_a_name_behind_a_choice_is_the_name_of_the_booking(marta):
    marta.says(WISH["es"])
    assert tapped_and_said(marta, "offer:doble", "a nombre de Luisa Pérez").says("Luisa Pérez")
    marta.taps("confirm:")
    assert [one.guest_name for one in marta.bookings()] == ["Luisa Pérez"]


def test_a_question_behind_a_choice_is_answered_beside_it(marta):
    marta.says(WISH["es"])
    reply = tapped_and_said(marta, "offer:doble", "¿hay parking?")
    assert reply.says("18,00", "¿Lo confirmo?")
    assert marta.locks("active") == 1


def test_whatever_follows_a_no_it_was_one(marta):
    booked(marta)
    marta.says("quiero cancelar mi reserva")
    tapped_and_said(marta, "cancel_no:", "sí, gracias")
    assert [one.status for one in marta.bookings()] == ["booked"]


def test_the_details_behind_a_question_that_was_tapped_answer_it(marta):
    booked(marta)
    marta.says("quiero cambiar mi reserva")
    reply = tapped_and_said(marta, "change_what:dates", f"{span('es', day(4), day(6))}")
    assert "change_yes" in reply.ids[0]


def test_of_two_taps_the_last_one_counts(marta):
    marta.says(WISH["es"])
    suite = next(one for one in marta.last.ids if one.startswith("offer:suite"))
    reply = marta.hears(
        Heard(0, "interactive", "…", next(one for one in marta.last.ids if "doble" in one), "answerable"),
        Heard(1, "interactive", "…", suite, "answerable"),
    )
    assert reply.says("420,00")
    assert marta.locks("active") == 1
