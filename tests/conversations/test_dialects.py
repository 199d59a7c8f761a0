"""The same words as they are spoken where the hotel is; what a hotel wrote itself stays as it is."""

from __future__ import annotations

import re
from datetime import date, time
from decimal import Decimal

import pytest

from hotel_agent.channels.whatsapp.limits import OutText
from hotel_agent.conversations import words
from hotel_agent.conversations.truth import Evidence, unfounded
from hotel_agent.db import db
from tests.conversations.chat import Chat, day, hotel_named, new_guest, span

SOURCES = {
    language: {path.stem: path.read_text("utf-8") for path in sorted((words.REPLIES / language).glob("*.txt"))}
    for language in words.LANGUAGES
}
ARGENTINE, MEXICAN = words.spoken_in("es", "AR"), words.spoken_in("es", "MX")

# What "tú" does: forms of the verbs that a front desk needs, whether or not a block uses them today.
OF_TU = re.compile(
    r"\b(?:quieres|puedes|tienes|prefieres|necesitas|dices|escribes|envías|refieres|cancelas|dejas|crees|corres|cuentas"
    r"|acabas|eres|vienes|sabes|llegas|entras|sales|pagas|reservas(?= (?:tú|por))|buscas|pides|traes|haces|pones|vives"
    r"|duermes|mandas|esperas|confirmas|eliges|llevas|recuerdas|sientes|avisas|contigo|tú|dime|dinos|ponte|perdona|procura"
    r"|elige|toca|pulsa|manda|envía|pide|vuelve|ven|haz|sal)\b"
    # An imperative with a pronoun has an accent with "tú" and none with "vos".
    r"|\b\w*[áéíóú]\w+(?:me|nos|melo|lo)\b",
    re.IGNORECASE,
)
NOT_OF_TU = re.compile(
    r"\b(?:decímelo|escribímelo|\w+[áéí]r(?:me|te|se|nos|les?)l[oa]s?|artículo|título|vehículo|ángulo|círculo|código|éxito"
    r"|número|teléfono|sólo|\w*[áí]bamos|estábamos|estuviéramos)\b",
    re.IGNORECASE,
)
OF_VOSOTROS = re.compile(r"\b(?:\w+(?:áis|éis|íais|ais|eis|steis)|sois|vosotr[oa]s|vuestr[oa]s?|os)\b", re.IGNORECASE)
OF_SPAIN = re.compile(r"\b(?:aparcamiento|zumo|ordenador|móvil|albornoz|coste)\b", re.IGNORECASE)


def said(spoken: str, skill: str) -> str:
    """The words of a file in a dialect, without what the template computes."""
    source = words.in_dialect(spoken, SOURCES["es"][skill])
    return re.sub(r"\{\{.*?\}\}|\{%.*?%\}", " · ", source, flags=re.DOTALL)


@pytest.mark.parametrize("skill", SOURCES["es"])
def test_an_argentine_guest_is_never_called_tu(skill):
    told = NOT_OF_TU.sub("", said(ARGENTINE, skill))
    assert OF_TU.findall(told) == []


@pytest.mark.parametrize("skill", SOURCES["es"])
@pytest.mark.parametrize("spoken", [ARGENTINE, MEXICAN, words.spoken_in("es", "CO")])
def test_nobody_in_america_is_spoken_to_as_in_spain(spoken, skill):
    told = re.sub(r"\b(?:seis|país)\b", "", said(spoken, skill))
    assert OF_VOSOTROS.findall(told) == []
    assert OF_SPAIN.findall(told) == []


def test_the_forms_that_are_looked_for_are_those_of_spain():
    spanish = "\n".join(re.sub(r"\{\{.*?\}\}|\{%.*?%\}", " · ", text) for text in SOURCES["es"].values())
    assert {"quieres", "puedes", "dime", "contigo", "escríbeme"} <= {word.lower() for word in OF_TU.findall(spanish)}
    assert {"sois", "fuisteis", "seríais"} <= {word.lower() for word in OF_VOSOTROS.findall(spanish)}


@pytest.mark.parametrize(("name", "ours"), [(n, w) for n, d in words.DIALECTS.items() for w in d["words"]])
def test_every_line_of_the_table_is_used(name, ours):
    """By what stands in a template, and not only within something longer."""
    dialect = words.DIALECTS[name]
    for country in dialect["countries"]:
        spoken = f"{dialect['language']}-{country}"
        theirs = words.dialect_words(spoken)[ours]
        rest = {word: told for word, told in words.dialect_words(spoken).items() if word != ours}
        if theirs == dialect["words"][ours] and any(
            _with(rest, spoken, text) != words.in_dialect(spoken, text)
            for text in SOURCES[dialect["language"]].values()
        ):
            return
        if theirs == ours:  # It stays, though the wider dialect has another word.
            assert any(re.search(rf"\b{ours}\b", text, re.IGNORECASE) for text in SOURCES["es"].values())
            return
    raise AssertionError(f"{ours!r} stands in no template")


def _with(table: dict[str, str], spoken: str, text: str) -> str:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(words, "dialect_words", lambda _: table)
        return words.in_dialect(spoken, text)


@pytest.mark.parametrize(
    ("country", "told"),
    [
        ("ES", "Perdona, no te he entendido. ¿Qué necesitas?"),
        ("AR", "Disculpá, no te entendí. ¿Qué necesitás?"),
        ("UY", "Disculpá, no te entendí. ¿Qué necesitás?"),
        ("MX", "Disculpa, no te entendí. ¿Qué necesitas?"),
        ("CO", "Disculpa, no te entendí. ¿Qué necesitas?"),
    ],
)
def test_a_guest_hears_the_spanish_of_the_hotels_country(country, told):
    assert words.say(words.spoken_in("es", country), "out_of_scope.clarify") == told


def test_a_value_is_told_as_it_came():
    kept = words.say(ARGENTINE, "missing.answered", answer="Tienes aparcamiento y zumo aquí.")
    assert kept == "Sobre lo que preguntaste:\nTienes aparcamiento y zumo aquí."
    assert "Tienes" in words.say(ARGENTINE, "greet.hello", time="", name="Tienes")


def test_only_the_words_of_a_template_are_put_into_a_dialect():
    source = '{% block quieres %}Quieres {{ "quieres" if puedes else aquí }}{# aquí #}{% endblock %}'
    told = '{% block quieres %}Querés {{ "quieres" if puedes else aquí }}{# aquí #}{% endblock %}'
    assert words.in_dialect(ARGENTINE, source) == told


@pytest.mark.parametrize(
    ("language", "country", "spoken"),
    [
        ("es", "ES", "es"),
        ("es", "AR", "es-AR"),
        ("es", "MX", "es-MX"),
        ("es", "GB", "es"),
        ("es", "", "es"),
        ("en", "GB", "en"),
        ("en", "US", "en-US"),
        ("en", "MX", "en"),
        ("pt", "BR", "pt"),
        ("pt", "PT", "pt"),
    ],
)
def test_a_language_is_told_apart_by_country_only_where_our_words_are(language, country, spoken):
    assert words.spoken_in(language, country) == spoken


@pytest.mark.parametrize(
    ("spoken", "amount", "currency", "told"),
    [
        ("es-AR", "85000", "ARS", "85.000 ARS"),
        ("es-AR", "1234.5", "ARS", "1.234,50 ARS"),
        ("es-AR", "190", "EUR", "EUR 190,00"),
        ("es-MX", "1234.5", "MXN", "$1,234.50 MXN"),
        ("es-MX", "1234.5", "USD", "USD 1,234.50"),
        ("es-CO", "260000", "COP", "260.000 COP"),
        ("es-CL", "85000", "CLP", "85.000 CLP"),
        ("es-PE", "190", "PEN", "S/ 190.00"),
        ("es-EC", "190", "USD", "190,00 USD"),
        ("en-US", "1234.5", "USD", "$1,234.50"),
        ("en", "1234.5", "USD", "US$1,234.50"),
        ("en", "1234.5", "GBP", "£1,234.50"),
        ("pt", "1234.5", "BRL", "R$ 1.234,50"),
    ],
)
def test_money_is_told_as_it_is_there_and_in_no_doubtful_currency(spoken, amount, currency, told):
    assert words.money(spoken, Decimal(amount), currency) == told


def test_dates_and_hours_are_told_as_they_are_there():
    monday = date(2026, 12, 21)
    assert words.day("es-AR", monday) == "lunes 21 de diciembre"
    assert words.day("en-US", monday) == "Monday, December 21"
    assert words.full_day("en-US", monday) == "Monday, December 21, 2026"
    assert words.short_day("en-US", monday) == "Dec 21"
    assert words.short_day("es-MX", monday) == "21 dic"
    assert words.weekday("en-US", monday) == "Monday"
    assert words.clock("en-US", time(15)) == "3:00 PM"
    assert words.clock("en", time(15)) == words.clock("es-MX", time(15)) == "15:00"


@pytest.mark.parametrize(
    ("spoken", "currency"),
    [
        *(("es-AR", one) for one in ("ARS", "USD")),
        *(("es-MX", one) for one in ("MXN", "USD")),
        ("es-CO", "COP"),
        ("es-CL", "CLP"),
        ("es-PE", "PEN"),
        ("es-UY", "UYU"),
        ("es-CR", "USD"),
        ("en-US", "USD"),
        ("pt", "BRL"),
    ],
)
def test_what_is_written_for_a_country_can_be_checked_against_the_record(app, spoken, currency):
    """Whatever way an amount, a date or an hour is written, the check before sending reads it; a wrong one is found."""
    hotel = hotel_named("miramar")
    hotel.currency = currency
    evidence = Evidence(hotel.zone, hotel=hotel)
    for amount in (Decimal("95.00"), Decimal("1234.50"), Decimal("85000.00"), Decimal("1180000.00")):
        if currency == "CLP" and amount % 1:
            continue
        evidence.amounts = {amount}
        assert unfounded([OutText(words.money(spoken, amount, currency))], evidence) == []
        assert unfounded([OutText(words.money(spoken, amount + 1, currency))], evidence)
    for month in range(1, 13):
        evidence.days = {date(2026, month, 21)}
        for write in (words.day, words.full_day, words.short_day):
            assert unfounded([OutText(write(spoken, date(2026, month, 21)))], evidence) == []
            assert unfounded([OutText(write(spoken, date(2026, month, 20)))], evidence)
    evidence.times = {time(15)}
    assert unfounded([OutText(words.clock(spoken, time(15)))], evidence) == []
    assert unfounded([OutText(words.clock(spoken, time(16)))], evidence)


@pytest.fixture
def guest_in(app):
    """A guest of the hotel, had it been built in that country."""

    def guest_in(country: str, currency: str) -> Chat:
        hotel = hotel_named("miramar")
        hotel.country, hotel.currency = country, currency
        db.session.commit()
        return Chat(hotel, new_guest(hotel), language="en" if country == "US" else "es")

    return guest_in


def test_an_argentine_books_in_their_own_words(guest_in):
    marta = guest_in("AR", "ARS")
    assert marta.says("buen día").says("Buen día, Marta.")
    assert marta.says("¿Tenés lugar?").says("Decime el de llegada")
    offered = marta.says(f"una doble {span('es', day(1), day(3))}, 2 personas")
    assert offered.says("hay lugar para 2 adultos", "95 ARS por noche", "190 ARS")
    assert marta.says("dale").says("Te lo guardo", "190 ARS")
    assert marta.says("sí").says("confirmada")
    assert marta.says("gracias").says("Si necesitás algo más, acá estoy")
    assert [booking.status for booking in marta.bookings()] == ["booked"]


def test_a_mexican_is_told_pesos_that_are_not_dollars(guest_in):
    marta = guest_in("MX", "MXN")
    marta.says("¿Tienen lugar?")
    offered = marta.says(f"una doble {span('es', day(1), day(3))}, 2 personas")
    assert offered.says("hay lugar", "$95.00 MXN por noche", "$190.00 MXN", "¿Te hago la reserva?")


def test_an_american_reads_dates_and_hours_of_their_own(guest_in):
    marta = guest_in("US", "USD")
    offered = marta.says(f"A double room {span('en', day(1), day(3))} for two adults, please")
    assert offered.says(f"From {words.day('en-US', day(1))} to", "$190.00")
    assert marta.says("yes").says("at 3:00 PM")


def test_the_same_hotel_in_spain_speaks_as_there(guest_in):
    assert guest_in("ES", "EUR").says("¿Tenéis habitación libre?").says("Dime el de llegada")
