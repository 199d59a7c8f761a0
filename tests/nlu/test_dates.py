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
        # As people type
        ("del5al9 d enero x 3 pers", "2027-01-05", "2027-01-09", None),
        ("24/12-27/12", "2026-12-24", "2026-12-27", None),
        ("24-27/12", "2026-12-24", "2026-12-27", None),
        ("price pls 20.12 - 23.12", "2026-12-20", "2026-12-23", None),
        ("5 a 9 dic.", "2026-12-05", "2026-12-09", None),
        ("del juebes al domigo", "2026-11-26", "2026-11-29", None),
        ("do dia 4 ao 7 de fevreiro", "2027-02-04", "2027-02-07", None),
        ("saturdy to tuesday", "2026-11-28", "2026-12-01", None),
        ("room 2nite", "2026-11-25", "2026-11-26", 1),
        ("tmrw 3nts", "2026-11-26", "2026-11-29", 3),
        ("mñn x 3 noches", "2026-11-26", "2026-11-29", 3),
        ("15 dez - 18 dez", "2026-12-15", "2026-12-18", None),
        ("desd el 8 asta el 12 d dic", "2026-12-08", "2026-12-12", None),
        # Ends in sentences of their own, verbs of coming and going
        ("entraríamos el 31 y nos iríamos el primero", "2026-12-31", "2027-01-01", None),
        ("Chego na sexta-feira. Saio na segunda.", "2026-11-27", "2026-11-30", None),
        ("A entrada seria na quinta, a saída no domingo.", "2026-11-26", "2026-11-29", None),
        ("chegamos a 5 de janeiro e saímos a 8", "2027-01-05", "2027-01-08", None),
        ("get there the 5th, head home the 8th", "2026-12-05", "2026-12-08", None),
        ("We're due out on Monday", None, "2026-11-30", None),
        ("fico até ao dia 8", None, "2026-12-08", None),
        ("extender hasta el 9", None, "2026-12-09", None),
        ("quedarme una noche más, hasta el 9", None, "2026-12-09", 1),
        # The month or the feast is named apart
        ("en enero, del 4 al 7", "2027-01-04", "2027-01-07", None),
        ("no réveillon, de 30 a 2", "2026-12-30", "2027-01-02", None),
        ("from 2 to 7 Feb two thousand twenty eight", "2028-02-02", "2028-02-07", None),
        # What is taken back
        ("no es el 8 es el 9 de febrero, 3 noches", "2027-02-09", "2027-02-12", 3),
        ("mejor del 12 al 14 en vez del 10 al 12", "2026-12-12", "2026-12-14", None),
        ("mañana no, pasado", "2026-11-27", None, None),
        ("en vez de 3 noches nos quedamos 4, la entrada igual el 9 de enero", "2027-01-09", "2027-01-13", 4),
        ("push it back a week, was dec 4 to dec 7, new dates dec 11 - dec 14", "2026-12-11", "2026-12-14", None),
        # Nights named one by one, weeks counted on
        ("las noches del 5, 6 y 7 de enero", "2027-01-05", "2027-01-08", None),
        ("friday and saturday night", "2026-11-27", "2026-11-29", None),
        ("12 y 13 dic, dos noches", "2026-12-12", "2026-12-14", 2),
        ("viernes noche", "2026-11-27", "2026-11-28", 1),
        ("saturday week, just the 1 night", "2026-12-05", "2026-12-06", 1),
        ("were there tomorrow week", "2026-12-03", None, None),
        ("is my booking still on for tonight", "2026-11-25", None, None),
        ("fim de semana do dia 12 de dezembro", "2026-12-11", "2026-12-13", None),
        # One end that exists
        ("del 28 al 31 de noviembre", "2026-11-28", None, None),
        ("from 30 feb to 2 march", None, "2027-03-02", None),
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
        ("el 5, 6 o 7 de enero", "check_in"),
        ("llego el 5 de enero y me voy el 8 o el 9", "check_out"),
        ("this weekend or next", "check_in"),
        ("sábado 6 de dezembro", "check_in"),
    ],
)
def test_two_readings_are_left_out_and_named(text: str, left_out: str) -> None:
    said = understand(text, date(2026, 11, 25))
    assert left_out in said.ambiguous
    assert left_out not in said.entities


def test_what_is_offered_leaves_the_other_end_alone() -> None:
    said = understand("entro el 10 o el 11 de enero, todavía no sé, y salgo el 14", WEDNESDAY)
    assert (said.ambiguous, said.entities["check_out"]) == (("check_in",), "2027-01-14")


@pytest.mark.parametrize(
    ("text", "country", "check_in"),
    [
        ("una habitación para el día de la independencia", "MX", "2027-09-16"),
        ("una habitación para el día de la independencia", "CO", "2027-07-20"),
        ("una doble el día de la constitución", "ES", "2026-12-06"),
        ("um quarto no dia dos namorados", "BR", "2027-06-12"),
        ("um quarto no Dia de Reis", None, "2027-01-06"),
        ("llegamos el Viernes Santo", None, "2027-03-26"),
    ],
)
def test_a_feast_is_that_of_the_hotels_country(text: str, country: str | None, check_in: str) -> None:
    assert stay(text, country=country)[0] == check_in


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
        "10/10 would stay again",
        "24/7?",
        "can we split it on 3 cards",
        "desayuno de los domingos",
        "mesa para 4 el viernes",
        "um táxi para domingo às 6h",
        "no one cleaned our room for 3 days",
        "we stayed 3 nights last year",
        "hace 3 noches que no duermo",
        "I paid on the 3rd",
        "mandei mensagem na segunda",
        "mi tarjeta vence 12/27",
        "cualquier finde de enero",
        "é a segunda vez que venho",
        "is there sun on the terrace",
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
