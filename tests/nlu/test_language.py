"""Which language a message is in: its words first, then what the guest's number and the hotel make likely."""

from __future__ import annotations

import pytest

from hotel_agent.guests.calling_codes import language_of_number
from hotel_agent.nlu import Hints, understand
from hotel_agent.nlu.language import detect
from tests.conversations.chat import day

SHORT = {
    "es": ["MIR-ABC234, ¿cuál es el estado?", "estado MIR-ABC234", "reserva MIR-ABC234 confirmada?", "mesa para dos",
           "cancelar reserva MIR-ABC234", "habitación mañana", "consulta", "precio suite"],
    "en": ["status?", "MIR-ABC234 confirmed?", "wifi password", "pets ok?", "double room", "cancel MIR-ABC234"],
    "pt": ["MIR-ABC234, qual é o estado?", "reserva MIR-ABC234 confirmada?", "quarto amanhã",
           "cancelar reserva MIR-ABC234", "minha reserva", "status da reserva MIR-ABC234"],
}  # fmt: skip
CLEAR = {"es": ["¿cuál es el estado de mi reserva?", "hay habitación libre?"],
         "en": ["what is the status of my booking?", "do you have a room?"],
         "pt": ["qual é o status da minha reserva?", "vocês têm quarto livre?"]}  # fmt: skip


@pytest.mark.parametrize("language", SHORT)
def test_short_words_that_do_not_tell_are_in_the_likely_language(language):
    for said in SHORT[language]:
        heard = understand(said, day(0), Hints(presumed=(language, "es")))
        assert heard.language == language, said


@pytest.mark.parametrize("language", CLEAR)
@pytest.mark.parametrize("presumed", ["es", "en", "pt"])
def test_words_that_tell_count_more_than_the_number(language, presumed):
    for said in CLEAR[language]:
        assert detect(said, None, (presumed,)) == language, said


def test_a_likely_language_in_which_the_words_cannot_be_gives_way_to_the_next():
    assert detect("reserva confirmada?", None, ("en", "pt")) == "pt"
    assert detect("reserva confirmada?", None, ("en",)) == "es"


@pytest.mark.parametrize(
    ("said", "language"),
    [("falsa alarma, no os preocupéis", "es"), ("false alarm", "en"), ("sea view", "en"), ("¿aceptáis perros?", "es"),
     ("há hotéis perto?", "pt"), ("os quartos têm varanda?", "pt"), ("1 de fevereiro a 3 de fevereiro", "pt"),
     ("1 de febrero", "es")],
)  # fmt: skip
@pytest.mark.parametrize("presumed", [(), ("es",), ("en", "es")])
def test_a_few_words_are_evidence_enough(said, language, presumed):
    assert detect(said, None, presumed) == language


def test_what_was_spoken_before_counts_more_than_the_number():
    assert detect("ok", "pt", ("es",)) == "pt"


@pytest.mark.parametrize(
    ("number", "language"),
    [("34600111222", "es"), ("5491122223333", "es"), ("5511999998888", "pt"), ("351912345678", "pt"),
     ("447700900123", "en"), ("12125550123", "en"), ("18095550123", "es"), ("819012345678", None), ("", None)],
)  # fmt: skip
def test_the_language_of_a_number_is_that_of_its_country(number, language):
    assert language_of_number(number) == language
