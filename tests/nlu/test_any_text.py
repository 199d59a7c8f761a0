"""Whatever a guest sends, understanding it neither fails nor takes long."""

from __future__ import annotations

import json
import time
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hotel_agent.nlu import EXPECTED, Hints, understand
from hotel_agent.nlu.lexicons import LANGUAGES

TODAY = date(2026, 11, 25)
PIECES = st.sampled_from(
    [
        "del ",
        "al ",
        "5",
        "31",
        "12/",
        "-",
        " de ",
        "mayo",
        "2026",
        "noches ",
        "para ",
        "y ",
        "habitación ",
        "quiero ",
        "cancelar ",
        "👍",
        "\u200b",
        "\u202e",
        "مرحبا ",
        "٣ ",
        "½",
        "²",
        "1️⃣",
        "ß",
        "İ",
        "ﬁ",
        "\n",
        "?",
        "next ",
        "weekend ",
        "a las ",
        "a ",
        "o ",
        "1",
        "de 4 y 7 ",
        "niños ",
        "mi mujer ",
        "MIR-",
        "7K3M9P",
        "@",
        "+34 ",
        "0",
        "primero ",
        "99 ",
        "segunda ",
        "00/00 ",
        "semana ",
        "in ",
        "días ",
    ]
)


@settings(max_examples=150, deadline=None)
@given(
    st.one_of(st.text(max_size=300), st.lists(PIECES, max_size=40).map("".join)),
    st.sampled_from([None, *sorted(EXPECTED)]),
    st.sampled_from([None, *LANGUAGES]),
    st.dates(date(2020, 1, 1), date(2040, 12, 31)),
)
def test_no_text_makes_it_fail(text: str, expected: str | None, language: str | None, today: date) -> None:
    understood = understand(text, today, Hints(language=language, expected=expected))
    assert understood.language in LANGUAGES
    assert understood.intents
    assert all(0 < scored.confidence <= 1 for scored in understood.intents)
    assert json.loads(json.dumps(dict(understood.entities))) == dict(understood.entities)
    assert not {name for name in understood.ambiguous if name in understood.entities} - {"nights"}
    check_in, check_out = understood.entities.get("check_in"), understood.entities.get("check_out")
    assert not (check_in and check_out) or check_in < check_out


@pytest.mark.parametrize(
    "piece",
    [
        "a",
        "1 ",
        "del 5 al ",
        "1/",
        "12-",
        "mi mujer y ",
        "de 4 y 7, ",
        "2 o ",
        "hola ",
        " ",
        "\n",
        "á",
        "👍",
        "quiero ",
        "9" * 20 + " ",
        "a las 3 ",
        "no ",
        "x@",
        "Marta ",
        "MIR-",
        "niños de 4 ",
        "next friday or ",
        "(",
        "in 3 ",
        "5 de ",
        "-",
        "mañana ",
    ],
)
def test_a_long_message_takes_no_more_than_its_length(piece: str) -> None:
    text = (piece * 10_000)[:10_000]
    understand("hola", TODAY)
    began = time.perf_counter()
    understand(text, TODAY)
    assert time.perf_counter() - began < 1.5


def test_the_same_words_always_mean_the_same() -> None:
    text = "hola, quiero una habitación doble para 2 del 20 al 25 de diciembre, llegamos a las 3"
    assert all(understand(text, TODAY) == understand(text, TODAY) for _ in range(3))


def test_an_expectation_nobody_knows_is_a_mistake_of_the_caller() -> None:
    with pytest.raises(ValueError):
        Hints(expected="colour")
