"""The words are complete and alike in every language, and hold no facts of their own."""

from __future__ import annotations

import re
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

import pytest
from jinja2 import meta, nodes

from hotel_agent.channels.whatsapp.limits import BUTTON_TITLE, ROW_TITLE
from hotel_agent.conversations import words

SKILLS = sorted(path.stem for path in (words.REPLIES / "es").glob("*.txt"))
SPOKEN = [skill for skill in SKILLS if skill != "parts"]

VERSION = {
    "adults": 2,
    "check_in": date(2026, 12, 21),
    "check_out": date(2026, 12, 23),
    "children": 1,
    "name": "Marta",
    "nights": 2,
    "rooms": "Doble",
    "total": Decimal("190.00"),
}

# One value for every name that a block may ask for; two where the words depend on it.
SAMPLES: dict[str, list[Any]] = {
    "about": ["", "las bicicletas"],
    "also": [False, True],
    "answer": ["Sí, hay paraguas."],
    "delete": [False, True],
    "for_a_stay": [False, True],
    "hotel_advice": [None, "Punto de encuentro: la plaza."],
    "missing": [["dirección"]],
    "room": [None, "201"],
    "sorry": [False, True],
    "things": ["", "toallas"],
    "adults": [1, 2],
    "advice": [None, "Ve al patio."],
    "cancelled": [False, True],
    "capacity": [1, 2],
    "check_in": [date(2026, 12, 21)],
    "check_out": [date(2026, 12, 23)],
    "children": [0, 1, 2],
    "code": ["MIR-4K7XQZ"],
    "count": [3, 12],
    "currency": ["EUR", "COP"],
    "description": ["", "Con balcón."],
    "dates_known": [False, True],
    "expires_at": [datetime(2026, 12, 1, 12, 45)],
    "fee_is": ["total", "nights:2", "percent:50"],
    "amount": [None, Decimal("30.00")],
    "tax": [None, Decimal("19.00")],
    "never_free": [False, True],
    "fee": [None, Decimal("0"), Decimal("95.00")],
    "free_until": [datetime(2026, 12, 19, 15, 0)],
    "from_time": [time(15)],
    "hotel": ["Hotel Miramar", "Casa Azul"],
    "hours": [0, 1, 48],
    "is_free": [True, False],
    "kinds": [
        [
            {"name": "Doble", "capacity": 2, "description": "Con balcón."},
            {"name": "Suite", "capacity": 1, "description": ""},
        ]
    ],
    "largest": [20],
    "last": [None, date(2027, 12, 31)],
    "late_fee": [Decimal("95.00")],
    "lines": [
        [
            {
                "name": "Doble",
                "capacity": 2,
                "nightly": Decimal("95"),
                "price": Decimal("12"),
                "total": Decimal("190"),
                "persons": 2,
                "nights": 2,
                "by_person": by_person,
                "by_night": by_person,
            }
        ]
        * count
        for by_person, count in ((True, 1), (False, 2))
    ],
    "of_extras": [Decimal("84.00")],
    "of_rooms": [None, Decimal("190.00")],
    "longest": [1, 30],
    "name": ["", "Marta"],
    "nightly": [None, Decimal("95.00")],
    "nights": [1, 2],
    "number": ["112"],
    "opens": [datetime(2026, 12, 21, 8), datetime(2026, 12, 26, 8)],
    "days": [None, 0, 1, 3, 9],
    "night_phone": [None, "+34 971 000 000"],
    "urgent": [False, True],
    "place": [1],
    "privacy_url": [None, "https://miramar.example/privacidad"],
    "rooms": ["Doble"],
    "status": ["confirmada"],
    "today": [date(2026, 12, 1)],
    "total": [Decimal("190.00")],
    "time": ["", "morning", "afternoon", "evening"],
    "until": [time(11)],
    "was": [None, Decimal("180.00")],
    "wishes": [["habitación tranquila", "planta alta"]],
    "at": [None, time(14)],
    "beyond": [False, True],
    "day": [date(2026, 12, 23)],
    "difference": [Decimal("95.00"), Decimal("0")],
    "extras": [[], ["salida tardía"]],
    "lost": [[], ["salida tardía"]],
    "moved": [True, False],
    "new": [VERSION],
    "no_longer_free": [False, True],
    "old": [VERSION],
    "other_people": [True, False],
    "other_rooms": [True, False],
    "other_terms": [False, True],
    "price": [Decimal("30.00")],
    "renamed": [False, True],
    "same_room": [False, True],
    "sign": [1, 0, -1],
    "late": [False, True],
    "then": ["", "salida tardía"],
}


def blocks(language: str, skill: str) -> dict[str, set[str]]:
    """The blocks of a file and the names that each asks for."""
    environment = words.environment(language)
    tree = environment.parse((words.REPLIES / language / f"{skill}.txt").read_text("utf-8"))
    found = {}
    for block in tree.find_all(nodes.Block):
        alone = nodes.Template(block.body, lineno=1)
        alone.set_environment(environment)
        found[block.name] = meta.find_undeclared_variables(alone) - {"parts"}
    return found


def values_of(names: set[str]) -> list[dict[str, Any]]:
    """The samples, every one used at least once."""
    longest = max([1, *(len(SAMPLES[name]) for name in names)])
    return [{name: SAMPLES[name][turn % len(SAMPLES[name])] for name in names} for turn in range(longest)]


@pytest.mark.parametrize("language", words.LANGUAGES)
def test_every_language_has_the_same_files(language):
    assert sorted(path.stem for path in (words.REPLIES / language).glob("*.txt")) == SKILLS


@pytest.mark.parametrize("skill", SPOKEN)
def test_every_language_has_the_same_blocks_that_ask_for_the_same_values(skill):
    assert blocks("es", skill)
    assert blocks("en", skill) == blocks("es", skill)
    assert blocks("pt", skill) == blocks("es", skill)


@pytest.mark.parametrize("language", words.LANGUAGES)
@pytest.mark.parametrize("skill", SPOKEN)
def test_every_block_can_be_said(language, skill):
    for block, names in blocks(language, skill).items():
        for values in values_of(names):
            said = words.say(language, f"{skill}.{block}", **values)
            assert said
            assert not re.search(r"[{}]|None|\bTrue\b|\bFalse\b|\n\n\n|  ", said), said


@pytest.mark.parametrize("language", words.LANGUAGES)
@pytest.mark.parametrize("skill", SKILLS)
def test_the_words_hold_no_figures_of_their_own(language, skill):
    text = (words.REPLIES / language / f"{skill}.txt").read_text("utf-8")
    told = re.sub(r"\{[{%].*?[%}]\}", "", text, flags=re.DOTALL)
    assert not re.search(r"\d|€|\$|EUR", told)


@pytest.mark.parametrize("language", words.LANGUAGES)
@pytest.mark.parametrize("skill", SKILLS)
def test_the_words_do_not_shout(language, skill):
    text = (words.REPLIES / language / f"{skill}.txt").read_text("utf-8")
    told = re.sub(r"\{[{%].*?[%}]\}", "", text, flags=re.DOTALL)
    assert "!" not in told


@pytest.mark.parametrize("language", words.LANGUAGES)
def test_buttons_fit_on_a_button(language):
    for block in blocks(language, "buttons"):
        assert len(words.say(language, f"buttons.{block}")) <= BUTTON_TITLE


@pytest.mark.parametrize("language", words.LANGUAGES)
def test_dates_in_a_row_and_on_a_button_fit(language):
    for month in range(1, 13):
        last = date(2026, month, 28)
        days = words.say(language, "availability.row_dates", check_in=last, check_out=last)
        assert len(days) <= min(ROW_TITLE, BUTTON_TITLE)


@pytest.mark.parametrize(
    ("language", "amount", "currency", "told"),
    [
        ("es", "190", "EUR", "190,00 €"),
        ("en", "1190", "EUR", "€1,190.00"),
        ("pt", "190", "EUR", "€ 190,00"),
        ("es", "260000", "COP", "260.000 COP"),
        ("en", "260000", "COP", "COP 260,000"),
    ],
)
def test_money_is_told_as_people_write_it(language, amount, currency, told):
    assert words.money(language, Decimal(amount), currency) == told


@pytest.mark.parametrize(
    ("language", "told"),
    [("es", "lunes 21 de diciembre"), ("en", "Monday 21 December"), ("pt", "segunda-feira, 21 de dezembro")],
)
def test_days_are_told_with_their_weekday(language, told):
    assert words.day(language, date(2026, 12, 21)) == told


def test_a_hotels_name_takes_its_article():
    assert words.of_hotel("es", "Hotel Miramar") == "del Hotel Miramar"
    assert words.of_hotel("es", "Posada del Mar") == "de la Posada del Mar"
    assert words.of_hotel("pt", "Hostal Andes") == "de Hostal Andes"
    assert words.of_hotel("en", "Hotel Miramar") == "of Hotel Miramar"


def test_what_a_guest_calls_themselves_is_never_read_as_a_template():
    assert "{{ total }}" in words.say("es", "greet.hello", time="", name="{{ total }}")
    assert "<b>" in words.say("es", "greet.hello", time="", name="<b>")


def test_a_missing_value_is_an_error_and_not_a_hole():
    with pytest.raises(Exception, match="name"):
        words.say("es", "greet.hello", time="")


def test_an_unknown_block_is_named():
    with pytest.raises(LookupError, match="no_such_block"):
        words.say("es", "greet.no_such_block")


@pytest.mark.parametrize(
    ("language", "fee", "told"),
    [
        ("es", "first_night", "se cobra la primera noche (30,00 €)"),
        ("es", "nights:1", "se cobra la primera noche (30,00 €)"),
        ("es", "nights:2", "se cobran las 2 primeras noches (30,00 €)"),
        ("es", "percent:50", "se cobra el 50 % del precio (30,00 €)"),
        ("es", "total", "se cobra toda la estancia (30,00 €)"),
        ("es", "amount:30.00", "hay un cargo (30,00 €)"),
        ("en", "nights:2", "the first 2 nights are charged (€30.00)"),
        ("en", "percent:12.5", "12.5% of the price is charged (€30.00)"),
        ("en", "total", "the whole stay is charged (€30.00)"),
        ("en", "amount:30.00", "there is a charge (€30.00)"),
        ("pt", "nights:2", "são cobradas as 2 primeiras noites"),
        ("pt", "percent:50", "é cobrado 50% do preço"),
        ("pt", "total", "é cobrada a estadia inteira"),
        ("pt", "amount:30.00", "há uma taxa"),
    ],
)
def test_a_fee_is_told_as_what_it_is(language, fee, told):
    values = {"hours": 48, "from_time": time(15), "amount": Decimal("30.00"), "currency": "EUR", "fee_is": fee}
    assert told in words.say(language, "knowledge.policy", **values)
