"""What the two demo hotels are made of. Texts and settings are in demo_{texts,replies,settings}.toml."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import time
from decimal import Decimal
from pathlib import Path
from typing import Any

TEXTS = tomllib.loads(Path(__file__).with_name("demo_texts.toml").read_text("utf-8"))
SETTINGS = tomllib.loads(Path(__file__).with_name("demo_settings.toml").read_text("utf-8"))
REPLIES = tomllib.loads(Path(__file__).with_name("demo_replies.toml").read_text("utf-8"))


@dataclass(frozen=True)
class DemoRoomType:
    code: str
    capacity: int
    price: Decimal
    numbers: tuple[str, ...]
    names: Mapping[str, str]
    descriptions: Mapping[str, str]
    words: tuple[str, ...]
    photo: str  # Below /static: drawings of ours (static/rooms/README.md), as nobody could take photos of these.


@dataclass(frozen=True)
class DemoHotel:
    slug: str
    name: str
    timezone: str
    country: str
    currency: str
    language: str
    check_in: time
    check_out: time
    front_desk: tuple[time, time] | None  # None is round the clock.
    largest_party: int
    phone_number_id: str
    room_types: tuple[DemoRoomType, ...]
    extras: tuple[tuple[str, Decimal, str, time | None], ...]  # code, price, unit, until
    payloads: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    @property
    def knowledge(self) -> Mapping[str, Mapping[str, str]]:
        """Topic to language to text."""
        texts: Mapping[str, Mapping[str, str]] = TEXTS[self.slug]
        return texts

    @property
    def settings(self) -> Mapping[str, Any]:
        kept: Mapping[str, Any] = SETTINGS[self.slug]
        return kept


def _numbers(first: int, count: int) -> tuple[str, ...]:
    return tuple(str(number) for number in range(first, first + count))


MIRAMAR = DemoHotel(
    slug="miramar",
    name="Hotel Miramar",
    timezone="Europe/Madrid",
    country="ES",
    currency="EUR",
    language="es",
    check_in=time(15),
    check_out=time(11),
    front_desk=None,
    largest_party=20,
    phone_number_id="100000000000001",
    room_types=(
        DemoRoomType(
            "individual",
            1,
            Decimal("65.00"),
            _numbers(101, 10),
            {"es": "Habitación individual", "en": "Single room", "pt": "Quarto individual"},
            {
                "es": "Cama individual, escritorio y vistas al patio.",
                "en": "A single bed, a desk and a view of the courtyard.",
                "pt": "Cama de solteiro, escrivaninha e vista para o pátio.",
            },
            (
                "individual",
                "individuales",
                "sencilla",
                "sencillas",
                "simple",
                "single",
                "singles",
                "habitación para uno",
                "single room",
                "solteiro",
                "quarto individual",
                "quarto de solteiro",
            ),
            "rooms/miramar-individual.jpg",
        ),
        DemoRoomType(
            "doble",
            2,
            Decimal("95.00"),
            _numbers(201, 14),
            {"es": "Habitación doble", "en": "Double room", "pt": "Quarto duplo"},
            {
                "es": "Cama de matrimonio o dos camas, con balcón.",
                "en": "A double bed or two beds, with a balcony.",
                "pt": "Cama de casal ou duas camas, com varanda.",
            },
            (
                "doble",
                "dobles",
                "matrimonial",
                "matrimoniales",
                "de matrimonio",
                "cama de matrimonio",
                "dos camas",
                "double",
                "doubles",
                "double room",
                "twin",
                "twin room",
                "queen",
                "casal",
                "quarto de casal",
                "duplo",
                "duplos",
                "quarto duplo",
            ),
            "rooms/miramar-doble.jpg",
        ),
        DemoRoomType(
            "familiar",
            4,
            Decimal("140.00"),
            _numbers(301, 8),
            {"es": "Habitación familiar", "en": "Family room", "pt": "Quarto família"},
            {
                "es": "Cama de matrimonio y dos camas, hasta cuatro personas.",
                "en": "A double bed and two single beds, for up to four people.",
                "pt": "Cama de casal e duas camas de solteiro, para até quatro pessoas.",
            },
            (
                "familiar",
                "familiares",
                "cuádruple",
                "cuadruple",
                "cuádruples",
                "family",
                "family room",
                "families",
                "quadruple",
                "quad",
                "família",
                "familia",
                "quarto família",
                "quádruplo",
            ),
            "rooms/miramar-familiar.jpg",
        ),
        DemoRoomType(
            "suite",
            2,
            Decimal("210.00"),
            _numbers(401, 4),
            {"es": "Suite con vistas al mar", "en": "Sea view suite", "pt": "Suíte com vista mar"},
            {
                "es": "Dormitorio y salón, terraza privada frente al mar y bañera.",
                "en": "A bedroom and a living room, a private terrace facing the sea, and a bathtub.",
                "pt": "Quarto e sala, terraço privativo de frente para o mar e banheira.",
            },
            ("suite", "suites", "suíte", "suítes", "junior suite", "vistas al mar", "sea view"),
            "rooms/miramar-suite.jpg",
        ),
    ),
    extras=(
        ("late_checkout", Decimal("30.00"), "stay", time(14)),
        ("breakfast", Decimal("12.00"), "person_day", None),
        ("parking", Decimal("18.00"), "night", None),
        ("airport_transfer", Decimal("35.00"), "stay", None),
        ("pets", Decimal("15.00"), "night", None),
    ),
    payloads={
        "ask_location": {
            "latitude": 38.3462,
            "longitude": -0.4779,
            "name": "Hotel Miramar",
            "address": "Calle del Mar 24, 03002 Alicante",
        }
    },
)

ANDES = DemoHotel(
    slug="andes",
    name="Hostal Andes",
    timezone="America/Bogota",
    country="CO",
    currency="COP",
    language="es",
    check_in=time(14),
    check_out=time(12),
    front_desk=(time(8), time(22)),
    largest_party=12,
    phone_number_id="100000000000002",
    room_types=(
        DemoRoomType(
            "doble",
            2,
            Decimal("120000.00"),
            _numbers(1, 4),
            {"es": "Habitación doble", "en": "Double room", "pt": "Quarto duplo"},
            {
                "es": "Cama doble y baño privado.",
                "en": "A double bed and a private bathroom.",
                "pt": "Cama de casal e banheiro privativo.",
            },
            (
                "doble",
                "dobles",
                "matrimonial",
                "pareja",
                "double",
                "double room",
                "twin",
                "casal",
                "duplo",
                "quarto duplo",
                "quarto de casal",
            ),
            "rooms/andes-doble.jpg",
        ),
        DemoRoomType(
            "triple",
            3,
            Decimal("165000.00"),
            _numbers(5, 2),
            {"es": "Habitación triple", "en": "Triple room", "pt": "Quarto triplo"},
            {
                "es": "Cama doble, cama sencilla y baño privado.",
                "en": "A double bed, a single bed and a private bathroom.",
                "pt": "Cama de casal, cama de solteiro e banheiro privativo.",
            },
            ("triple", "triples", "triple room", "family", "familiar", "triplo", "quarto triplo", "família"),
            "rooms/andes-triple.jpg",
        ),
    ),
    extras=(
        ("late_checkout", Decimal("30000.00"), "stay", time(15)),
        ("breakfast", Decimal("15000.00"), "person_day", None),
        ("airport_transfer", Decimal("60000.00"), "stay", None),
    ),
    payloads={
        "ask_location": {
            "latitude": 4.5969,
            "longitude": -74.0711,
            "name": "Hostal Andes",
            "address": "Carrera 3 # 12-40, La Candelaria, Bogotá",
        }
    },
)

HOTELS = (MIRAMAR, ANDES)

NAMES = (
    (
        "Lucía",
        "Javier",
        "Carmen",
        "Miguel",
        "Elena",
        "Pablo",
        "Sofía",
        "Andrés",
        "Paula",
        "Diego",
        "Inés",
        "Emily",
        "James",
        "Hannah",
        "Oliver",
        "Grace",
        "Beatriz",
        "João",
        "Mariana",
        "Tiago",
        "Camille",
        "Jonas",
    ),
    (
        "García",
        "Martínez",
        "López",
        "Sánchez",
        "Romero",
        "Navarro",
        "Ortega",
        "Ibáñez",
        "Vidal",
        "Molina",
        "Smith",
        "Taylor",
        "Brown",
        "Walker",
        "Murphy",
        "Silva",
        "Ferreira",
        "Oliveira",
        "Costa",
        "Moreau",
        "Schneider",
        "Rossi",
    ),
)
