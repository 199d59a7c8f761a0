"""Nothing is told to a guest that is on no record: what a wrong template or skill would say is not sent."""

from __future__ import annotations

import random
import threading
import time as clock
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from hotel_agent import metrics
from hotel_agent.channels.whatsapp.limits import Choice, OutButtons, OutImage, OutList, OutLocation, OutText, Row
from hotel_agent.conversations import answering, truth, words
from hotel_agent.conversations.dialogue import Heard
from hotel_agent.conversations.models import Conversation, Message
from hotel_agent.conversations.reply import reply_to
from hotel_agent.conversations.skills import knowledge, rooms_told
from hotel_agent.conversations.talk import Part
from hotel_agent.conversations.truth import Evidence, unfounded
from hotel_agent.db import db, utcnow
from hotel_agent.evidence import record, recording
from hotel_agent.reservations import BookedRoom, Booking, RoomKind, Stay
from tests.conversations.chat import Chat, Reply, day, hotel_named, new_guest, span
from tests.conversations.test_dialogue_bookings_kept import booked

ZONE = ZoneInfo("Europe/Madrid")
ARRIVAL, DEPARTURE = date(2026, 12, 21), date(2026, 12, 23)
KIND = RoomKind("doble", 2, {"es": "Habitación doble", "en": "Double room", "pt": "Quarto duplo"}, {}, ("doble",))
BOOKING = Booking(
    code="MIR-ABC234",
    status="booked",
    guest_id=77777,
    guest_name="Marta 500 €",
    stay=Stay(ARRIVAL, DEPARTURE),
    adults=2,
    children=0,
    rooms=(BookedRoom(KIND, "204", Decimal("190.00"), 2, 0),),
    total=Decimal("190.00"),
    currency="EUR",
    free_until=datetime(2026, 12, 19, 15, tzinfo=ZONE),
    late_fee=Decimal("95.00"),
)


@pytest.fixture
def miramar(app):
    return hotel_named("miramar")


@pytest.fixture
def marta(miramar):
    return Chat(miramar, new_guest(miramar))


@pytest.fixture
def known(miramar):
    """What may be told once that booking has been read."""
    evidence = Evidence(ZONE, hotel=miramar)
    evidence.add(BOOKING)
    evidence.allow(["El gimnasio abre de 7:00 a 22:00 y cuesta 8,00 €."])
    return evidence


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        ("Son 191,00 € en total", "amount"),
        ("Son € 191", "amount"),
        ("It is €191.00", "amount"),
        ("191 euros", "amount"),
        ("190 dólares", "amount"),
        ("$190", "amount"),
        ("USD 190.00", "amount"),
        ("190 pesos", "amount"),
        ("São R$ 190,00", "amount"),
        ("cien euros", "amount"),
        ("two hundred euros", "amount"),
        ("vinte euros", "amount"),
        ("1.190,00 €", "amount"),
        ("１９１ €", "amount"),
        ("1\u200b91 €", "amount"),
        ("un 20 % de descuento", "percent"),
        ("20 por ciento menos", "percent"),
        ("10% off", "percent"),
        ("15 por cento", "percent"),
        ("el 22 de diciembre", "date"),
        ("martes 21 de diciembre", "date"),
        ("21 de diciembre de 2027", "date"),
        ("22 dic", "date"),
        ("December 22nd", "date"),
        ("Tuesday 22 December 2026", "date"),
        ("22 de dezembro", "date"),
        ("terça-feira, 22 de dez", "date"),
        ("22/12/2026", "date"),
        ("2026-12-22", "date"),
        ("del 20 al 23 de diciembre", "date"),
        ("el jueves", "date"),
        ("on Thursday", "date"),
        ("a las 16:00", "time"),
        ("at 4 pm", "time"),
        ("às 16h", "time"),
        ("hasta las 16.", "time"),
        ("from 14:30", "time"),
        ("MIR-ABC235", "code"),
        ("habitación 205", "room"),
        ("room 301", "room"),
        ("quarto número 12", "room"),
        ("la suite presidencial", "room_kind"),
        ("a family room", "room_kind"),
        ("um quarto triplo", "room_kind"),
        ("3 noches", "nights"),
        ("4 nights", "nights"),
        ("1 noite", "nights"),
        ("hasta 77777 personas", "figure"),
        ("up to 6 people", "figure"),
        ("El gimnasio abre de 7:00 a 22:00 y cuesta 9,00 €.", "amount"),
    ],
)
def test_what_is_on_no_record_is_found_in_every_language(known, said, kind):
    assert kind in [one.kind for one in unfounded([OutText(said)], known)]


@pytest.mark.parametrize(
    "said",
    [
        "Reserva *MIR-ABC234*: 190,00 €, o 95,00 € por noche",
        "€190.00, in total €190",
        "190 euros",
        "EUR 190",
        "lunes 21 de diciembre de 2026 – 23 dic",
        "del 21 al 23 de diciembre",
        "Monday 21 December, 23 Dec",
        "December 21st, 2026",
        "segunda-feira, 21 de dezembro de 2026",
        "21/12/2026",
        "hasta el sábado 19 de diciembre a las 15:00",
        "until 3 pm",
        "às 15h",
        "habitación 204",
        "Double room, room 204",
        "2 noches, 2 adultos",
        "El gimnasio abre de 7:00 a 22:00 y cuesta 8,00 €.",
        "Estamos 24/7",
    ],
)
def test_what_is_on_record_is_found_in_every_way_of_writing_it(known, said):
    assert unfounded([OutText(said)], known) == []


@pytest.mark.parametrize(
    "bubble",
    [
        OutButtons("¿Lo confirmo?", (Choice("a", "Por 191 €"),)),
        OutButtons("¿Lo confirmo?", (), footer="191 €"),
        OutList("Elige", "Ver", (Row("a", "Habitación doble", "191,00 € en total"),)),
        OutList("Elige", "Ver", (Row("a", "191 €"),)),
        OutImage(link="https://miramar.example/doble.jpg", caption="Desde 191 €"),
        OutLocation(1.0, 2.0, "Hotel", "Calle de los 191 €"),
    ],
)
def test_every_word_of_every_bubble_is_read(known, bubble):
    assert [one.kind for one in unfounded([OutText("Hola"), bubble], known)] == ["amount"]


def test_a_name_on_record_is_no_evidence_and_our_ids_are_none(known):
    assert [one.kind for one in unfounded([OutText("500 €")], known)] == ["amount"]
    assert unfounded([OutText("77777")], known)


def test_the_clock_is_the_hotels(known):
    known.add(datetime(2026, 12, 19, 20, 30, tzinfo=ZoneInfo("UTC")))
    assert unfounded([OutText("hasta las 21:30")], known) == []
    assert [one.kind for one in unfounded([OutText("hasta las 20:30")], known)] == ["time"]


@pytest.mark.parametrize("language", ["es", "en", "pt"])
def test_whatever_a_record_holds_may_be_told_as_the_replies_write_it(miramar, language):
    """Random stays and sums, in every format of the words."""
    chance = random.Random(f"truth {language}")
    for _ in range(150):
        evidence = Evidence(ZONE, hotel=miramar)
        amount = Decimal(chance.randrange(100, 10_000_000)) / 100
        arrival = date(2026, 1, 1) + timedelta(days=chance.randrange(1500))
        stay = Stay(arrival, arrival + timedelta(days=chance.randrange(1, 30)))
        moment = time(chance.randrange(24), chance.randrange(60))
        with recording() as found:
            record((stay, {"total": amount}, moment))
        evidence.add(found)
        pieces = [
            words.money(language, amount, "EUR"),
            words.clock(language, moment),
            words.say(language, "availability.row", nightly=amount, total=amount, currency="EUR"),
        ]
        for write in (words.day, words.full_day, words.short_day):
            pieces += [write(language, stay.check_in), write(language, stay.check_out)]
        text = f"{' · '.join(pieces)} ({stay.nights} nights) ({stay.nights} noches) ({stay.nights} noites)"
        assert unfounded([OutText(text)], evidence) == [], text
        wrong = words.money(language, amount + Decimal("0.01"), "EUR")
        assert [one.kind for one in unfounded([OutText(wrong)], evidence)] == ["amount"]
        for write in (words.day, words.full_day, words.short_day):
            another = write(language, stay.check_out + timedelta(days=1))
            assert [one.kind for one in unfounded([OutText(another)], evidence)] == ["date"], another


@pytest.mark.parametrize("language", ["es", "en", "pt"])
def test_large_sums_without_cents_are_read_as_they_are_written(app, language):
    evidence = Evidence(ZoneInfo("America/Bogota"), hotel=hotel_named("andes"))
    evidence.amounts.add(Decimal("1180000"))
    assert unfounded([OutText(words.money(language, Decimal("1180000"), "COP"))], evidence) == []
    for wrong in ("118000", "1180", "11800000"):
        assert unfounded([OutText(words.money(language, Decimal(wrong), "COP"))], evidence)


def test_each_answer_has_evidence_of_its_own_also_side_by_side():
    seen: dict[int, list[int]] = {}
    gate = threading.Barrier(4)

    def answer(number: int) -> None:
        with recording() as found:
            gate.wait(5)
            record(number)
            gate.wait(5)
            seen[number] = list(found)

    threads = [threading.Thread(target=answer, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert seen == {number: [number] for number in range(4)}
    assert record("nobody listens") == "nobody listens"
    with recording() as found:
        assert found == []


# A skill that says something else than what it was told

LIES = [
    ("¿tenéis piscina?", "es", "La piscina cuesta 7,00 €.", "amount"),
    ("is there a pool?", "en", "The pool is open until 23:45.", "time"),
    ("tem piscina?", "pt", "A piscina abre em 14 de março.", "date"),
    ("¿tenéis piscina?", "es", "Está junto a la habitación 999.", "room"),
    ("is there a pool?", "en", "Quote MIR-ZZZ999 at the pool.", "code"),
    ("tem piscina?", "pt", "Só hoje: 30% de desconto.", "percent"),
    ("¿tenéis piscina?", "es", "Es solo para la villa.", "room_kind"),
    ("is there a pool?", "en", "It is free from 9 nights on.", "nights"),
]
INSTEAD = {"es": "compañero", "en": "colleague", "pt": "colega"}


def lying(monkeypatch, sentence: str) -> None:
    monkeypatch.setattr(knowledge, "answer", lambda talk, intent: [Part(sentence)])


def hears(chat: Chat, said: str, reply_id: str | None = None):
    """A turn without the checks that hold for truthful replies."""
    chat.count += 1
    answer = reply_to(chat.turn((Heard(0, "text", said, reply_id, "answerable"),)))
    db.session.commit()
    chat.state, chat.language = dict(answer.state), answer.language
    return answer


def offer_of(reply: Reply | None) -> str:
    assert reply is not None
    return next(one for one in reply.ids if one.startswith("offer:"))


@pytest.mark.parametrize(("question", "language", "lie", "kind"), LIES)
def test_a_false_reply_is_not_sent_but_handed_over(marta, monkeypatch, question, language, lie, kind):
    lying(monkeypatch, lie)
    answer = hears(marta, question)
    sent = "\n".join(bubble.text for bubble in answer.bubbles)
    assert answer.blocked == (kind,)
    assert lie not in sent
    assert answer.language == language
    assert INSTEAD[language] in sent
    assert answer.handover is not None
    assert answer.handover.reason == "unsure"


class Log:
    """What was written to the log, in place of it."""

    def __init__(self) -> None:
        self.lines: list[tuple[str, dict[str, object]]] = []

    def warning(self, event: str, **told: object) -> None:
        self.lines.append((event, told))


def test_what_is_withheld_is_counted_and_logged_without_words(marta, monkeypatch, miramar):
    lying(monkeypatch, "La piscina cuesta 7,00 € y abre a las 05:55.")
    log = Log()
    monkeypatch.setattr(answering, "log", log)
    before = metrics.answers_blocked.labels("amount")._value.get()
    conversation = Conversation(hotel_id=miramar.id, guest_id=marta.guest.id, channel="api")
    db.session.add(conversation)
    db.session.flush()
    message = Message(
        hotel_id=miramar.id,
        conversation_id=conversation.id,
        direction="in",
        type="text",
        body="¿tenéis piscina?",
        status="received",
        handling="pending",
        author="guest",
        payload={},
        received_at=utcnow(),
        sent_at=utcnow(),
    )
    db.session.add(message)
    db.session.commit()
    answering.answer_once(conversation.id, only=message.id)
    told = {"conversation": conversation.id, "message": message.id, "kinds": ("amount", "time")}
    assert log.lines == [("answer_blocked", told)]
    assert metrics.answers_blocked.labels("amount")._value.get() == before + 1
    db.session.refresh(conversation)
    assert (conversation.status, conversation.waiting_reason) == ("waiting", "unsure")


def test_a_yes_after_a_withheld_read_back_books_nothing(marta, monkeypatch):
    marta.says(f"quiero una doble {span('es', day(0), day(2))} para 2 adultos")
    true = rooms_told.told_hold
    with monkeypatch.context() as wrong:
        told = lambda talk, hold: {**true(talk, hold), "total": hold.total - 1}  # noqa: E731
        wrong.setattr("hotel_agent.conversations.skills.book.told_hold", told)
        offered = offer_of(marta.last)
        answer = hears(marta, "Reservar", offered)
    assert answer.blocked == ("amount",)
    assert [one.kind for one in answer.happenings] == ["hold_made"]
    assert not {"confirm_booking", "yes_no"} & {answer.state["expected"]}
    assert (answer.state["hold"], answer.state["offers"]) == (None, [])
    for yes in ("sí", "sí, confírmalo", "ok"):
        marta.says(yes)
    assert marta.bookings() == []


def test_a_yes_after_a_withheld_question_about_cancelling_cancels_nothing(marta, monkeypatch):
    booked(marta)
    with monkeypatch.context() as wrong:
        say = words.say
        wrong.setattr(words, "say", lambda language, block, **values: say(language, block, **values) + " 20 %")
        answer = hears(marta, "quiero cancelar mi reserva")
    assert answer.blocked == ("percent",)
    assert answer.state["cancelling"] is None
    marta.says("sí")
    assert [one.status for one in marta.bookings()] == ["booked"]


def test_what_the_pms_has_done_stays_known_and_noted_when_telling_it_is_withheld(marta, monkeypatch):
    marta.says(f"quiero una doble {span('es', day(0), day(2))} para 2 adultos")
    marta.taps("offer:")
    with monkeypatch.context() as wrong:
        true = rooms_told.told_booking
        told = lambda talk, booking: {**true(talk, booking), "code": "MIR-AAA222"}  # noqa: E731
        wrong.setattr("hotel_agent.conversations.skills.book.told_booking", told)
        answer = hears(marta, "sí")
    booking = marta.bookings()[0]
    assert answer.blocked == ("code",)
    assert [(one.kind, one.details["code"]) for one in answer.happenings] == [("booked", booking.code)]
    assert marta.says("sí").says(booking.code)
    assert len(marta.bookings()) == 1


@pytest.mark.parametrize("name", ["50 € de descuento", "$1 total", "Suite gratis 10 %", "MIR-ABC234 Pérez"])
def test_a_guests_name_gets_no_price_through(miramar, name):
    guest = Chat(miramar, new_guest(miramar, name))
    guest.says(f"quiero una doble {span('es', day(0), day(2))} para 2 adultos")
    offered = offer_of(guest.last)
    answer = hears(guest, "Reservar", offered)
    assert answer.blocked
    assert name not in "\n".join(bubble.text for bubble in answer.bubbles)


def test_a_name_with_figures_in_it_is_still_a_name(miramar):
    guest = Chat(miramar, new_guest(miramar, "Luisa King 23"))
    guest.says(f"quiero una doble {span('es', day(0), day(2))} para 2 adultos")
    assert guest.taps("offer:").says("Luisa King 23")


def test_sums_that_a_guest_names_are_not_echoed(marta, monkeypatch):
    lying(monkeypatch, "De acuerdo, 1,00 €.")
    assert hears(marta, "¿hay piscina? mi presupuesto es 1 €").blocked == ("amount",)


def test_the_withheld_reply_still_says_what_it_is_and_when_somebody_answers(app, monkeypatch):
    andes = hotel_named("andes")
    oscar = Chat(andes, new_guest(andes), first_contact=True, language="es")
    oscar.now = datetime.combine(oscar.today, time(3), andes.zone)
    lying(monkeypatch, "Cuesta 7,00 €.")
    answer = hears(oscar, "¿tenéis parking?")
    sent = answer.bubbles[0].text
    assert "asistente virtual" in sent
    assert "compañero" in sent
    assert "08:00" in sent


def test_checking_costs_little(marta, monkeypatch):
    """Far below what understanding a message costs, whatever was looked up for the answer."""
    spent: list[float] = []

    def timed(work: Callable[..., Any]) -> Callable[..., Any]:
        def and_time(*given: Any) -> Any:
            started = clock.perf_counter()
            result = work(*given)
            spent[-1] += clock.perf_counter() - started
            return result

        return and_time

    monkeypatch.setattr(truth, "evidence_of", timed(truth.evidence_of))
    monkeypatch.setattr(truth, "unfounded", timed(truth.unfounded))
    for said in (
        f"quiero habitación {span('es', day(0), day(5))} para 2 adultos",
        "la doble",
        "¿a qué hora es el desayuno?",
        "sí",
        "¿cuál es mi reserva?",
        f"¿hay 30 habitaciones {span('es', day(0), day(5))} para 20 adultos?",
    ):
        spent.append(0.0)
        marta.says(said)
    print(f"\nmilliseconds a reply: {[round(1000 * one, 2) for one in spent]}")
    assert sorted(spent)[len(spent) // 2] < 0.02
