"""A hotel's own words for an emergency, as guests write them."""

from __future__ import annotations

from datetime import date

import pytest

from hotel_agent.nlu import Hints, understand
from hotel_agent.nlu.alarms import is_told

TODAY = date(2026, 6, 1)
ALARMS = ("Código Rojo", "pulsera")


@pytest.mark.parametrize(
    "said", ["código rojo en la piscina", "CODIGO ROJO!!", "hay un código-rojo", "*código*  _rojo_", "la Pulsera, ya"]
)
def test_accents_capitals_and_punctuation_do_not_matter(said):
    assert is_told(said, ALARMS)
    heard = understand(said, TODAY, Hints("es", alarms=ALARMS))
    assert (heard.intent, heard.confidence) == ("emergency", 1.0)


@pytest.mark.parametrize("said", ["mis pulseras", "el código es rojo", "rojo código", "", "¿hay piscina?"])
def test_only_whole_words_in_their_order_count(said):
    assert not is_told(said, ALARMS)
    assert understand(said, TODAY, Hints("es", alarms=ALARMS)) == understand(said, TODAY, Hints("es"))


def test_what_else_is_said_is_heard_too():
    heard = understand("Código rojo. ¿Tienen habitación del 3 al 5 de julio?", TODAY, Hints("es", alarms=ALARMS))
    assert [one.intent for one in heard.intents].count("emergency") == 1
    assert heard.entities["check_in"] == "2026-07-03"


def test_signs_alone_are_no_word():
    assert not is_told("hola !!!", ("!!!",))
