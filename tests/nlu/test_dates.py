"""What dates guests name, said on Wednesday 25 November 2026 unless told otherwise."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from hotel_agent.nlu import Hints, understand

WEDNESDAY = date(2026, 11, 25)
FRIDAY, SATURDAY, SUNDAY, MONDAY = (
    date(2026, 11, 27),
    date(2026, 11, 28),
    date(2026, 11, 29),
    date(2026, 11, 30),
)


def stay(
    text: str,
    today: date = WEDNESDAY,
    language: str | None = None,
    expected: str | None = None,
    country: str | None = None,
) -> tuple[Any, Any, Any]:
    said = understand(text, today, Hints(language=language, expected=expected, country=country)).entities
    return said.get("check_in"), said.get("check_out"), said.get("nights")


@pytest.mark.parametrize(
    ("text", "check_in", "check_out", "nights"),
    [
        # Spanish
        ("del 20 al 25 de diciembre", "2026-12-20", "2026-12-25", None),
        ("20-25 dic", "2026-12-20", "2026-12-25", None),
        ("mañana por 3 noches", "2026-11-26", "2026-11-29", 3),
        ("este finde", "2026-11-27", "2026-11-29", None),
        ("para el fin de semana", "2026-11-27", "2026-11-29", None),
        ("24/12 al 2/1", "2026-12-24", "2027-01-02", None),
        ("del 30/12/2026 al 3/1/2027", "2026-12-30", "2027-01-03", None),
        ("entre el 3 y el 6 de mayo", "2027-05-03", "2027-05-06", None),
        ("del viernes al domingo", "2026-11-27", "2026-11-29", None),
        ("del domingo al miércoles", "2026-11-29", "2026-12-02", None),
        ("pasado mañana", "2026-11-27", None, None),
        ("la noche del 25", "2026-11-25", "2026-11-26", 1),
        ("1.o de junio", "2027-06-01", None, None),
        ("1.º de junio", "2027-06-01", None, None),
        ("primero de mayo", "2027-05-01", None, None),
        ("a partir del 12", "2026-12-12", None, None),
        ("el día 15", "2026-12-15", None, None),
        ("el 25", "2026-11-25", None, None),
        ("llego el 31", "2026-12-31", None, None),
        ("hasta el 9", None, "2026-12-09", None),
        ("nos vamos el 9", None, "2026-12-09", None),
        ("3 noches hasta el 9", "2026-12-06", "2026-12-09", 3),
        ("llego el viernes y me voy el domingo", "2026-11-27", "2026-11-29", None),
        ("check in 5/1 check out 9/1", "2027-01-05", "2027-01-09", None),
        ("12/10/2027", "2027-10-12", None, None),
        ("una semana desde el 10", "2026-12-10", "2026-12-17", 7),
        ("2 semanas a partir del 1 de febrero", "2027-02-01", "2027-02-15", 14),
        ("dentro de 10 días", "2026-12-05", None, None),
        ("hoy", "2026-11-25", None, None),
        ("esta noche", "2026-11-25", "2026-11-26", 1),
        ("Nochevieja", "2026-12-31", None, None),
        ("Semana Santa", "2027-03-25", "2027-03-28", None),
        ("no, del 12 al 15", "2026-12-12", "2026-12-15", None),
        ("del 10 al 12, perdón, mejor del 12 al 15", "2026-12-12", "2026-12-15", None),
        ("del 28 al 3 de enero", "2026-12-28", "2027-01-03", None),
        ("del veinte al veinticinco de diciembre", "2026-12-20", "2026-12-25", None),
        ("del 20 al 25 de dicienbre", "2026-12-20", "2026-12-25", None),
        ("el viernes de la semana que viene", "2026-12-04", None, None),
        ("el primer fin de semana de diciembre", "2026-12-04", "2026-12-06", None),
        ("del 4 al 7 del mes que viene", "2026-12-04", "2026-12-07", None),
        ("el 5 de mayo de 2027, 2 noches", "2027-05-05", "2027-05-07", 2),
        # English
        ("from the 5th to the 9th", "2026-12-05", "2026-12-09", None),
        ("5-9 Jan", "2027-01-05", "2027-01-09", None),
        ("Dec 20 to 25", "2026-12-20", "2026-12-25", None),
        ("December 20th through January 2nd", "2026-12-20", "2027-01-02", None),
        ("arriving Friday, leaving Sunday", "2026-11-27", "2026-11-29", None),
        ("two nights from Saturday", "2026-11-28", "2026-11-30", 2),
        ("tonight", "2026-11-25", "2026-11-26", 1),
        ("one week from the 10th", "2026-12-10", "2026-12-17", 7),
        ("in 10 days for 2 nights", "2026-12-05", "2026-12-07", 2),
        ("the day after tomorrow", "2026-11-27", None, None),
        ("this weekend", "2026-11-27", "2026-11-29", None),
        ("New Year's Eve", "2026-12-31", None, None),
        ("the twenty first of December", "2026-12-21", None, None),
        ("checkout on the 9th", None, "2026-12-09", None),
        ("2026-12-20 to 2026-12-25", "2026-12-20", "2026-12-25", None),
        ("a room from dec 30 to jan 2 for two", "2026-12-30", "2027-01-02", None),
        ("a fortnight from 3 May", "2027-05-03", "2027-05-17", 14),
        # Portuguese
        ("de sexta a domingo", "2026-11-27", "2026-11-29", None),
        ("do 5 ao 9", "2026-12-05", "2026-12-09", None),
        ("dia 15 por 2 noites", "2026-12-15", "2026-12-17", 2),
        ("depois de amanhã", "2026-11-27", None, None),
        ("saída dia 9", None, "2026-12-09", None),
        ("daqui a 10 dias", "2026-12-05", None, None),
        ("de 20 a 25 de dezembro", "2026-12-20", "2026-12-25", None),
        ("hoje à noite", "2026-11-25", "2026-11-26", 1),
        ("quero um quarto pro fds", "2026-11-27", "2026-11-29", None),
        ("do dia 3 até o dia 6 de março", "2027-03-03", "2027-03-06", None),
        ("quinta-feira, 2 noites", "2026-11-26", "2026-11-28", 2),
    ],
)
def test_a_stay_is_read_as_it_is_said(
    text: str, check_in: str | None, check_out: str | None, nights: int | None
) -> None:
    assert stay(text) == (check_in, check_out, nights)


@pytest.mark.parametrize(
    ("today", "text", "expected"),
    [
        (WEDNESDAY, "este finde", ("2026-11-27", "2026-11-29")),
        (FRIDAY, "este finde", ("2026-11-27", "2026-11-29")),
        (SATURDAY, "este finde", ("2026-12-04", "2026-12-06")),
        (SUNDAY, "this weekend", ("2026-12-04", "2026-12-06")),
        (MONDAY, "este fim de semana", ("2026-12-04", "2026-12-06")),
        (FRIDAY, "el viernes", ("2026-11-27", None)),
        (SATURDAY, "el viernes", ("2026-12-04", None)),
        (SUNDAY, "next Friday", ("2026-12-04", None)),
        (FRIDAY, "next Friday", ("2026-12-04", None)),
        (SATURDAY, "next weekend", ("2026-12-04", "2026-12-06")),
        (date(2026, 12, 31), "mañana por 2 noches", ("2027-01-01", "2027-01-03")),
        (date(2026, 12, 30), "del 31 al 2", ("2026-12-31", "2027-01-02")),
        (date(2028, 2, 28), "mañana", ("2028-02-29", None)),
    ],
)
def test_weekdays_and_weekends_turn_with_the_day_they_are_said_on(
    today: date, text: str, expected: tuple[str, str | None]
) -> None:
    assert stay(text, today)[:2] == expected


@pytest.mark.parametrize(
    ("text", "left_out"),
    [
        ("next Friday", "check_in"),
        ("el próximo viernes", "check_in"),
        ("el próximo fin de semana", "check_in"),
        ("the weekend after next", "check_out"),
        ("el 5 o el 6 de mayo", "check_in"),
        ("carnaval", "check_in"),
        ("puente de diciembre", "check_in"),
        ("viernes 5 de mayo", "check_in"),
        ("del 5 al 9 de enero, 3 noches", "check_out"),
        ("2 o 3 noches", "nights"),
    ],
)
def test_two_readings_are_left_out_and_named(text: str, left_out: str) -> None:
    said = understand(text, date(2026, 11, 25))
    assert left_out in said.ambiguous
    assert left_out not in said.entities


def test_figures_in_english_wait_for_a_country() -> None:
    assert "check_in" in understand("12/10/2027", WEDNESDAY, Hints(language="en")).ambiguous
    assert stay("12/10/2027", language="en", country="US")[0] == "2027-12-10"
    assert stay("12/10/2027", language="en", country="GB")[0] == "2027-10-12"
    assert stay("25/10/2027", language="en")[0] == "2027-10-25"


def test_a_pair_of_figures_settles_itself_when_only_one_reading_is_a_stay() -> None:
    assert stay("from 05/06 to 07/06", language="en")[:2] == ("2027-06-05", "2027-06-07")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("31 de abril", "no_such_date"),
        ("30 de febrero", "no_such_date"),
        ("45/13", "no_such_date"),
        ("February 30th", "no_such_date"),
        ("31 de junho", "no_such_date"),
        ("del 25 al 20 de diciembre", "reversed_dates"),
        ("del 10 al 5 de mayo", "reversed_dates"),
        ("from 20/12/2026 to 15/12/2026", "reversed_dates"),
    ],
)
def test_an_impossible_stay_is_a_problem_and_no_date(text: str, problem: str) -> None:
    said = understand(text, WEDNESDAY)
    assert said.problems == (problem,)
    assert not {"check_in", "check_out"} & set(said.entities)


def test_a_past_year_is_kept_and_named() -> None:
    said = understand("del 3 al 5 de mayo de 2025", WEDNESDAY)
    assert (said.entities["check_in"], said.entities["check_out"]) == ("2025-05-03", "2025-05-05")
    assert said.problems == ("past_date",)


@pytest.mark.parametrize(
    "text",
    [
        "2 camas",
        "habitación 204",
        "room 12 please",
        "llámame al 600 123 456",
        "+34 600 123 456",
        "cuesta 95 euros",
        "$120",
        "a las 3",
        "at 5",
        "às 14h",
        "4111 1111 1111 1111",
        "MIR-7K3M9P",
        "somos 4",
        "2 adultos y 2 niños",
        "niños de 4 y 7 años",
        "en agosto",
        "la semana que viene",
        "hice la reserva hace 2 semanas",
        "I wrote yesterday",
        "24 horas",
        "un 10",
        "vuelo IB 3166",
        "2 toallas",
        "por la mañana",
        "3 estrellas",
    ],
)
def test_what_only_looks_like_a_date_is_none(text: str) -> None:
    assert stay(text) == (None, None, None)


@pytest.mark.parametrize(
    ("text", "expected", "result"),
    [
        ("5-9", "dates", ("2026-12-05", "2026-12-09", None)),
        ("el 5", "check_in", ("2026-12-05", None, None)),
        ("5", "check_in", ("2026-12-05", None, None)),
        ("el 9", "check_out", (None, "2026-12-09", None)),
        ("domingo", "check_out", (None, "2026-11-29", None)),
        ("3", "nights", (None, None, 3)),
        ("dos", "nights", (None, None, 2)),
        ("una", "nights", (None, None, 1)),
        ("duas", "nights", (None, None, 2)),
        ("just two", "nights", (None, None, 2)),
    ],
)
def test_a_bare_answer_means_what_was_asked(text: str, expected: str, result: tuple[Any, Any, Any]) -> None:
    assert stay(text, expected=expected) == result


def test_five_to_nine_alone_may_also_be_the_fifth_of_september() -> None:
    assert set(understand("5-9", WEDNESDAY).ambiguous) == {"check_in", "check_out"}


@pytest.mark.parametrize(
    ("text", "around", "check_in", "check_out"),
    [
        ("no, del 12 al 15", "2027-03-10", "2027-03-12", "2027-03-15"),
        ("from the 2nd to the 4th", "2027-03-10", "2027-03-02", "2027-03-04"),
        ("não, de 12 a 14", "2027-02-11", "2027-02-12", "2027-02-14"),
        ("mejor del 28 al 3", "2027-03-10", "2027-03-28", "2027-04-03"),
        ("del 1 al 3", "2027-02-28", "2027-03-01", "2027-03-03"),
        ("del 5 al 7 de abril", "2027-03-10", "2027-04-05", "2027-04-07"),
        ("el 3", "2026-11-27", "2026-12-03", None),
        ("del 10 al 12", "2026-11-27", "2026-12-10", "2026-12-12"),
        ("de viernes a domingo", "2027-03-10", "2026-11-27", "2026-11-29"),
    ],
)
def test_days_without_a_month_are_read_beside_the_stay_that_is_talked_about(text, around, check_in, check_out) -> None:
    said = understand(text, WEDNESDAY, Hints(expected="dates", around=date.fromisoformat(around))).entities
    assert (said.get("check_in"), said.get("check_out")) == (check_in, check_out)


def test_a_stay_said_backwards_names_its_days_in_order() -> None:
    said = understand("quiero reservar del 10 al 8 de marzo", WEDNESDAY)
    assert said.problems == ("reversed_dates",)
    assert said.turned_round == ("2027-03-08", "2027-03-10")
