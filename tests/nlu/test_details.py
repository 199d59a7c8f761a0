"""Rooms, names, contacts, codes, times, choices and languages."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from hotel_agent.nlu import Hints, understand

TODAY = date(2026, 11, 25)
ROOM_TYPES = {
    "individual": ("individual", "single"),
    "doble": ("doble", "double"),
    "familiar": ("familiar",),
    "suite": ("suite",),
}


def entity(text: str, name: str, expected: str | None = None, language: str | None = None) -> Any:
    return understand(text, TODAY, Hints(language=language, room_types=ROOM_TYPES, expected=expected)).entities.get(
        name
    )


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("una doble", "doble"),
        ("2 habitaciones dobles", "doble"),
        ("a double room", "doble"),
        ("quarto de casal", "doble"),
        ("cama matrimonial", "doble"),
        ("una sencilla", "individual"),
        ("quarto de solteiro", "individual"),
        ("a family room", "familiar"),
        ("la suite", "suite"),
        ("una triple", "triple"),
        ("dos camas separadas", "twin"),
        ("mejor una suite en lugar de la doble", "suite"),
        ("hola", None),
        ("somos una familia", None),
    ],
)
def test_a_room_is_named_in_the_hotels_own_code(text: str, code: str | None) -> None:
    assert entity(text, "room_type") == code


def test_two_rooms_offered_are_asked_about() -> None:
    assert "room_type" in understand("doble o suite", TODAY, Hints(room_types=ROOM_TYPES)).ambiguous


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("me llamo Marta García", "Marta García"),
        ("mi nombre es José Luis Pérez y quiero reservar", "José Luis Pérez"),
        ("a nombre de Ana de la Torre", "Ana de la Torre"),
        ("my name is John O'Neill", "John O'Neill"),
        ("em nome de João Silva", "João Silva"),
        ("soy Marta", "Marta"),
        ("soy alérgico a las nueces", None),
        ("I'm looking for a room", None),
        ("its Harlan Beckwith, harlan.b@example.com", "Harlan Beckwith"),
        ("change name of reservation HT-5562 to Tomasz Wilk", "Tomasz Wilk"),
        ("em nome de Rui Vilarinho o telemóvel é 912 000 345", "Rui Vilarinho"),
        ("Meu nome é Cleide Monteiro Dias", "Cleide Monteiro Dias"),
        ("hola", None),
    ],
)
def test_a_name_is_taken_as_written(text: str, name: str | None) -> None:
    assert entity(text, "name") == name


@pytest.mark.parametrize(
    ("text", "expected", "entities"),
    [
        ("Marta García", "name", {"name": "Marta García"}),
        ("marta garcia lopez", "name", {"name": "marta garcia lopez"}),
        ("García", "surname", {"surname": "García"}),
        ("Marta García", "surname", {"name": "Marta García", "surname": "García"}),
        ("de la Torre", "surname", {"surname": "de la Torre"}),
    ],
)
def test_a_bare_name_answers_the_question(text: str, expected: str, entities: dict[str, str]) -> None:
    assert {n: entity(text, n, expected) for n in entities} == entities


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("MIR-7K3M9P", "MIR-7K3M9P"),
        ("mir-7k3m9p", "MIR-7K3M9P"),
        ("mi código es mir 7k3m9p", "MIR-7K3M9P"),
        ("my booking code is MIR7K3M9P", "MIR-7K3M9P"),
        ("AND-22BCDF gracias", "AND-22BCDF"),
        ("hotel miramar", None),
        ("did it go thru?? conf # 7TQ2XX", "7TQ2XX"),
        ("tengo reserva RES-48213", "RES-48213"),
        ("mi reservación de Booking es la 4829103746", "4829103746"),
        ("el código es 5521-AB", "5521-AB"),
        ("la factura, el CIF es B12345674", None),
        ("reserva 5al9 de enero", None),
        ("mi vuelo es el IB3166", None),
        ("las habitaciones", None),
    ],
)
def test_a_booking_code_is_recognised_however_it_is_typed(text: str, code: str | None) -> None:
    assert entity(text, "booking_code") == code


def test_contacts() -> None:
    assert entity("mi correo es marta.g@example.com", "email") == "marta.g@example.com"
    assert entity("+34 600 123 456", "phone") == "+34600123456"
    assert entity("0034 600 123 456", "phone") == "+34600123456"
    assert entity("600123456", "phone") == "600123456"
    assert entity("del 20/12/2026 al 25/12/2026", "phone") is None
    assert entity("4111 1111 1111 1111", "phone") is None


@pytest.mark.parametrize(
    ("text", "time"),
    [
        ("llegamos a las 3 de la tarde", "15:00"),
        ("llegamos a las 3", "15:00"),
        ("a las 15:30", "15:30"),
        ("at 3pm", "15:00"),
        ("half past ten", "10:30"),
        ("a las ocho y media de la noche", "20:30"),
        ("salimos a las 8", "08:00"),
        ("chegamos às 14h", "14:00"),
        ("às 7 da noite", "19:00"),
        ("check in at 5", "17:00"),
        ("al mediodía", "12:00"),
        ("quarter to nine in the evening", "20:45"),
        ("a las 9 menos cuarto de la mañana", "08:45"),
        ("11:00", "11:00"),
        ("7:30pm", "19:30"),
        ("half eleven at night", "23:30"),
        ("10 to 8 in the evening", "19:50"),
        ("at 8 40 in the morning", "08:40"),
        ("aterramos às 7h10", "07:10"),
        ("ao meio-dia e meia", "12:30"),
        ("somos 3", None),
        ("3 noches", None),
    ],
)
def test_a_time_of_the_day(text: str, time: str | None) -> None:
    assert entity(text, "time") == time


def test_arriving_at_nine_may_be_morning_or_evening() -> None:
    assert "time" in understand("llegamos a las 9", TODAY).ambiguous


@pytest.mark.parametrize(
    ("text", "expected", "choice"),
    [
        ("la primera", "choose_offer", 1),
        ("the second one", "choose_offer", 2),
        ("2", "choose_offer", 2),
        ("opción 3", None, 3),
        ("la segunda por favor", "choose_offer", 2),
        ("a terceira", "choose_offer", 3),
        ("es mi primera vez", None, None),
        ("primero de mayo", None, None),
        ("2", None, None),
    ],
)
def test_a_choice_from_a_list(text: str, expected: str | None, choice: int | None) -> None:
    assert entity(text, "choice", expected) == choice


@pytest.mark.parametrize(
    ("text", "prior", "language"),
    [
        ("hola, tienen habitación para dos?", None, "es"),
        ("hi, do you have a room for two?", None, "en"),
        ("oi, vocês têm quarto para dois?", None, "pt"),
        ("ok", "en", "en"),
        ("gracias", "en", "en"),
        ("Marta García", "pt", "pt"),
        ("12/10/2027", "en", "en"),
        ("", None, "es"),
        ("👍", "pt", "pt"),
        ("2 noches", "en", "en"),
        ("I would like to cancel my reservation please", "es", "en"),
        ("quero cancelar a minha reserva por favor", "es", "pt"),
        ("necesito cambiar las fechas de mi estancia", "en", "es"),
        ("la llave no abre la puerta", None, "es"),
        ("o chuveiro não funciona", None, "pt"),
        ("la piscina está climatizada?", None, "es"),
    ],
)
def test_the_language_follows_the_guest_but_not_a_single_word(text: str, prior: str | None, language: str) -> None:
    assert understand(text, TODAY, Hints(language=prior)).language == language


def test_asking_for_another_language() -> None:
    assert entity("can we talk in english please", "language") == "en"
    assert entity("pode falar em português?", "language") == "pt"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("quiero una suite del 10 al 12 de mayo para 2 personas", "4"),
        ("1 noche para 3, familiar", "3"),
        ("somos 2 adultos y 1 niño", None),
        ("a double for 2 people, 1 night", "2"),
        ("um quarto individual para 1 pessoa, 4 noites", "1"),
    ],
)
def test_the_numbers_of_a_pms_are_no_words_for_its_rooms(text, code):
    kinds = {"1": ("Individual",), "2": ("Doble",), "3": ("Familiar",), "4": ("Suite",)}
    found = understand(text, TODAY, Hints(room_types=kinds))
    assert found.entities.get("room_type") == code
    assert "room_type" not in found.ambiguous


@pytest.mark.parametrize("text", ["quiero una habitación a buen precio", "e quanto custa o quarto?"])
def test_nor_are_its_letters(text):
    assert "room_type" not in understand(text, TODAY, Hints(room_types={"a": (), "e": (), "o": ()})).entities
