"""Who comes, and in how many rooms."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from hotel_agent.nlu import Hints, understand

TODAY = date(2026, 11, 25)


def party(text: str, expected: str | None = None) -> dict[str, Any]:
    said = understand(text, TODAY, Hints(expected=expected)).entities
    return {name: said[name] for name in ("adults", "children", "children_ages", "babies", "rooms") if name in said}


@pytest.mark.parametrize(
    ("text", "adults", "children", "ages"),
    [
        ("somos 2", 2, None, None),
        ("somos cuatro", 4, None, None),
        ("para 3 personas", 3, None, None),
        ("para una persona", 1, None, None),
        ("2 adultos y un niño de 4", 2, 1, [4]),
        ("2 adultos y 2 niños de 4 y 7", 2, 2, [4, 7]),
        ("2 adultos 1 nene de 3 años y una nena de 6", 2, 2, [3, 6]),
        ("mi mujer y yo", 2, None, None),
        ("voy con mi marido", 2, None, None),
        ("somos mi mujer mi suegra y 2 nenes de 4 y 7", 3, 2, [4, 7]),
        ("mi hijo y yo", 1, 1, None),
        ("mi pareja, yo y nuestro bebé", 2, 1, []),
        ("con mis padres", 3, None, None),
        ("para mis padres", 2, None, None),
        ("en pareja", 2, None, None),
        ("solo yo", 1, None, None),
        ("viajo sola", 1, None, None),
        ("somos 4, 2 niños", 2, 2, None),
        ("somos 5: 3 adultos y 2 niños", 3, 2, None),
        ("10 personas", 10, None, None),
        ("2 adultos, sin niños", 2, 0, None),
        ("2 adultos con un bebé", 2, 1, []),
        ("dos adultos y un bebé de 8 meses", 2, 1, [0]),
        ("un niño de 18 meses y 2 adultos", 2, 1, [1]),
        ("tres parejas", 6, None, None),
        ("¿tienen habitación para 2 del 5 al 9?", 2, None, None),
        ("me and my wife", 2, None, None),
        ("me, my wife and our two kids (4 and 7)", 2, 2, [4, 7]),
        ("two adults and one child aged 5", 2, 1, [5]),
        ("2 adults and a 5 year old", 2, 1, [5]),
        ("just me", 1, None, None),
        ("three of us", 3, None, None),
        ("party of 6", 6, None, None),
        ("a couple with a baby", 2, 1, []),
        ("my husband and I plus our daughter, 9", 2, 1, None),
        ("a room for two", 2, None, None),
        ("it's for one person", 1, None, None),
        ("eu e minha esposa", 2, None, None),
        ("um casal", 2, None, None),
        ("um casal e duas crianças de 5 e 8 anos", 2, 2, [5, 8]),
        ("2 adultos e 1 criança", 2, 1, None),
        ("somos três", 3, None, None),
        ("só eu", 1, None, None),
        ("vou com meu marido e meu filho de 6 anos", 2, 1, [6]),
        ("para 4 pessoas", 4, None, None),
        ("couple + our lad whos 6", 2, 1, [6]),
        ("pareja con bebé de 6 meses", 2, 1, [0]),
        ("2 adults + baby", 2, 1, []),
        ("me n my gf", 2, None, None),
        ("me with my mom and dad", 3, None, None),
        ("mum, dad and 2 girls aged 6 and 9", 2, 2, [6, 9]),
        ("mis suegros y nosotros dos", 4, None, None),
        ("somos tres amigas", 3, None, None),
        ("me and three mates", 4, None, None),
        ("cuatro chicas", 4, None, None),
        ("2 grandes y 1 chico", 2, 1, None),
        ("2A 1C", 2, 1, None),
        ("we're 5, 2 of them kids", 3, 2, None),
        ("dos personas y un niño de 5", 2, 1, [5]),
        ("gemelas de 6 años y 2 adultos", 2, 2, [6, 6]),
        ("for our 3- and 6-year-olds", None, 2, [3, 6]),
        ("tenho 2 filhos, um de 3 e outro de 6", None, 2, [3, 6]),
        ("dos adultos, un niño de 10, otro de 7", 2, 2, [10, 7]),
        ("vamos mi hermana, yo y 3 peladitos de 2,4 y 8", 2, 3, [2, 4, 8]),
        ("there'll be two couples and a fourteen-year-old", 4, 1, [14]),
        ("single mum with a 7 year old", 1, 1, [7]),
        ("somos em 4", 4, None, None),
        ("eu e mais 3 amigos", 4, None, None),
        ("vienen mis padres, una doble", 2, None, None),
    ],
)
def test_the_party_is_counted(text: str, adults: int | None, children: int | None, ages: list[int] | None) -> None:
    counted = party(text)
    assert (counted.get("adults"), counted.get("children")) == (adults, children)
    if ages is not None:
        assert counted.get("children_ages", []) == ages


@pytest.mark.parametrize(
    ("text", "rooms"),
    [
        ("2 habitaciones dobles", 2),
        ("para 4 personas en dos habitaciones", 2),
        ("two double rooms", 2),
        ("3 quartos para 6 pessoas", 3),
        ("habitación 204", None),
        ("una habitación", None),
        ("1 room", 1),
        ("dos dobles y una individual", 3),
        ("2 rooms, one double and one twin", 2),
    ],
)
def test_rooms_are_counted(text: str, rooms: int | None) -> None:
    assert party(text).get("rooms") == rooms


@pytest.mark.parametrize("text", ["a family of four", "somos una familia de 4", "para 2 o 3 personas", "2-3 people"])
def test_an_open_count_is_asked_about(text: str) -> None:
    said = understand(text, TODAY)
    assert "adults" in said.ambiguous
    assert "adults" not in said.entities


@pytest.mark.parametrize(
    ("text", "expected", "counted"),
    [
        ("5", "adults", {"adults": 5}),
        ("dos", "adults", {"adults": 2}),
        ("uno", "adults", {"adults": 1}),
        ("2", "children", {"children": 2}),
        ("ninguno", "children", {"children": 0}),
        ("no", "children", {"children": 0}),
        ("none", "children", {"children": 0}),
        ("2 y 1", "party", {"adults": 2, "children": 1}),
        ("2+1", "party", {"adults": 2, "children": 1}),
        ("somos 4", "party", {"adults": 4}),
    ],
)
def test_a_bare_number_answers_the_question(text: str, expected: str, counted: dict[str, int]) -> None:
    assert party(text, expected) == counted


@pytest.mark.parametrize(
    "text",
    [
        "2 camas",
        "para 2 noches",
        "for 3 nights",
        "para el 5 de mayo",
        "quiero hablar con una persona",
        "habitación 12",
        "2 toallas por favor",
        "quarto de casal",
        "a las 2",
        "tengo 2 perros",
        "mi hermana vive en Madrid",
        "a friend told me you have a pool",
        "una señora muy amable",
        "falei com uma moça",
        "es una sorpresa para mi mujer",
        "I need an invoice for my boss",
        "mi padre va en silla de ruedas",
        "minha filha é celíaca",
        "2 or 3 nights",
    ],
)
def test_what_does_not_count_people(text: str) -> None:
    assert not {"adults", "children"} & set(party(text))


def test_a_baby_without_an_age_is_told_as_one() -> None:
    assert party("2 adultos con un bebé")["babies"] == 1
    assert "babies" not in party("dos adultos y un bebé de 8 meses")
    assert "babies" not in party("2 adultos y 1 niño")
