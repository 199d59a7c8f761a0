"""Told stories of what guests ask the people of the hotel to do: passed on once, named truly, never promised."""

from __future__ import annotations

from datetime import datetime, time

import pytest
from sqlalchemy import select

from hotel_agent.conversations import filing
from hotel_agent.conversations.dialogue import Heard
from hotel_agent.conversations.models import Conversation, Feedback, GuestRequest, MissingAnswer
from hotel_agent.db import db
from hotel_agent.guests.models import Guest
from hotel_agent.nlu import encoder
from tests.conversations.chat import Chat, Reply, hotel_named
from tests.dashboard.cast import books, talk

needs_meaning = pytest.mark.skipif(not encoder.available(), reason="the encoder's package is not installed")

PASSED_ON = {"es": "recepción", "en": "front desk", "pt": "recepção"}


class Told(Chat):
    """A chat whose conversation is in the database: what an answer files is there at the next turn."""

    conversation: int

    def hears(self, *heard: Heard) -> Reply:
        reply = super().hears(*heard)
        filing.file(db.session.get_one(Conversation, self.conversation), reply.answer.filed)
        db.session.commit()
        return reply

    def requests(self) -> list[tuple[str, str | None]]:
        rows = self._rows(GuestRequest)
        return [(row.kind, row.room) for row in rows]

    def words(self) -> list[str]:
        return [row.words for row in self._rows(GuestRequest)]

    def questions(self) -> list[MissingAnswer]:
        return self._rows(MissingAnswer)

    def opinions(self) -> list[tuple[int | None, str]]:
        return [(row.rating, row.words) for row in self._rows(Feedback)]

    def _rows(self, table):
        db.session.expire_all()
        return list(
            db.session.scalars(select(table).where(table.conversation_id == self.conversation).order_by(table.id))
        )


def told(name: str = "Marta García", slug: str = "miramar") -> Told:
    hotel = hotel_named(slug)
    one = talk(name, slug=slug)
    chat = Told(hotel, db.session.get_one(Guest, db.session.get_one(Conversation, one).guest_id))
    chat.conversation = one
    return chat


@pytest.fixture
def marta(app):
    """She is in the house, in room 201."""
    chat = told()
    books(chat.conversation, -1, 2, "in_house", rooms=("201",))
    return chat


@pytest.fixture
def nobody(app):
    """A guest of whom no stay is known."""
    return told("Marta Ruiz")


@pytest.mark.parametrize(
    ("wish", "named", "kind", "reason"),
    [
        ("Necesito toallas", ("toallas", "habitación 201"), "housekeeping", "request"),
        ("¿Nos podéis subir dos almohadas?", ("almohadas", "201"), "housekeeping", "request"),
        ("¿Podéis limpiar la habitación, por favor?", ("limpieza", "201"), "housekeeping", "request"),
        ("Could we have some extra towels please?", ("towels", "room 201"), "housekeeping", "request"),
        ("Preciso de toalhas limpas", ("toalhas", "quarto 201"), "housekeeping", "request"),
        ("No funciona el aire acondicionado", ("aire acondicionado", "201", "siento"), "repair", "problem"),
        ("The shower is broken", ("the shower", "201", "sorry"), "repair", "problem"),
        ("O chuveiro não funciona", ("chuveiro", "201", "desculpe"), "repair", "problem"),
        ("Súbeme una hamburguesa y una cerveza", ("hamburguesa y cerveza", "201"), "room_service", "request"),
        ("A club sandwich to my room please", ("sandwich", "201"), "room_service", "request"),
        ("Quero pedir um hambúrguer no quarto", ("hambúrguer", "201"), "room_service", "request"),
        ("¿Me podéis despertar a las 7?", ("despertarte",), "errand", "request"),
        ("Can I get a wake-up call at 7?", ("wake-up call", "201"), "errand", "request"),
    ],
)
def test_a_wish_of_who_is_in_the_house_is_filed_for_their_room(marta, wish, named, kind, reason):
    reply = marta.says(wish)
    assert reply.says(*named, PASSED_ON[reply.answer.language])
    assert reply.reason == reason
    assert marta.requests() == [(kind, "201")]
    assert marta.words() == [wish]
    assert len(reply.answer.bubbles) == 1


@pytest.mark.parametrize("wish", ["Necesito toallas", "I need towels", "Preciso de toalhas"])
def test_asking_again_files_nothing_while_the_first_is_open(marta, wish):
    marta.says(wish)
    again = marta.says(wish)
    assert again.says({"es": "ya está pedido", "en": "asked for already", "pt": "já foi pedido"}[marta.language])
    assert len(marta.requests()) == 1
    other = {"es": "Y una manta", "en": "And I need a blanket", "pt": "Preciso de um cobertor"}[marta.language]
    marta.says(other)
    assert len(marta.requests()) == 2


def test_what_was_closed_can_be_asked_for_again(marta):
    marta.says("Necesito toallas")
    row = db.session.scalars(select(GuestRequest).where(GuestRequest.conversation_id == marta.conversation)).one()
    row.status = "done"
    db.session.commit()
    assert not marta.says("Necesito toallas").says("ya está pedido")
    assert len(marta.requests()) == 2


@pytest.mark.parametrize(
    ("wish", "named"),
    [
        ("toallas y además no funciona el aire", ("toallas", "aire acondicionado")),
        ("Necesito toallas y no funciona el aire", ("toallas", "aire acondicionado")),
        ("I need towels and the AC isn't working", ("towels", "air conditioning")),
        ("Preciso de toalhas e o ar-condicionado não funciona", ("toalhas", "ar-condicionado")),
    ],
)
def test_several_wishes_in_one_message_are_each_filed(marta, wish, named):
    reply = marta.says(wish)
    assert reply.says(*named)
    assert {kind for kind, _ in marta.requests()} == {"housekeeping", "repair"}
    assert reply.answer.handover
    assert {reply.answer.handover.reason, *reply.answer.handover.also} == {"problem", "request"}
    assert not marta.questions()


def test_two_messages_of_one_burst_are_each_filed(marta):
    marta.says("Necesito toallas", "y no funciona la ducha")
    assert {kind for kind, _ in marta.requests()} == {"housekeeping", "repair"}


@pytest.mark.parametrize(
    ("wish", "answer", "asked"),
    [
        ("Necesito toallas", "Estoy en la 312", "en qué habitación"),
        ("I need towels", "Room 312, under Smith", "which room"),
        ("Preciso de toalhas", "Quarto 312", "em que quarto"),
    ],
)
def test_of_who_is_not_known_to_stay_the_room_is_asked_and_none_promised(nobody, wish, answer, asked):
    reply = nobody.says(wish)
    assert reply.says(asked)
    assert nobody.requests() == [("housekeeping", None)]
    after = nobody.says(answer)
    assert after.says({"es": "añadido", "en": "added", "pt": "acrescentei"}[nobody.language])
    assert nobody.requests() == [("housekeeping", None)]
    assert "312" in nobody.words()[0]
    assert wish in nobody.words()[0]
    assert not nobody.says({"es": "gracias", "en": "thanks", "pt": "obrigada"}[nobody.language]).says(asked)


def test_who_says_something_else_instead_is_answered(nobody):
    nobody.says("Necesito toallas")
    assert nobody.says("¿hay wifi?").says("wifi es gratis")
    assert nobody.says("Estoy en la 312").answer.filed == ()


def test_who_comes_later_hears_that_it_is_for_the_stay(nobody):
    books(nobody.conversation, 5, 7)
    reply = nobody.says("Vamos a necesitar una cuna en la habitación, ¿nos la podéis poner?")
    if nobody.requests():
        assert reply.says("para tu estancia")
        assert nobody.requests()[0][1] is None


@pytest.mark.parametrize(
    ("language", "wish", "named", "asks"),
    [
        ("es", "pídeme un taxi a las 8", ("un taxi", "no está confirmado"), False),
        ("en", "Can you book me a taxi for 8am?", ("a taxi", "isn't confirmed"), False),
        ("pt", "Podem me chamar um táxi às 8?", ("um táxi", "não está confirmado"), False),
        ("es", "resérvame el traslado", ("traslado del aeropuerto", "35,00", "qué día y hora"), True),
        ("en", "Please arrange an airport transfer", ("airport transfer", "35.00", "which day"), True),
        ("pt", "quero reservar o traslado", ("traslado do aeroporto", "35,00", "que dia e hora"), True),
    ],
)
def test_transport_that_is_ordered_is_filed_and_no_room_is_sold_for_it(marta, language, wish, named, asks):
    marta.language = language
    reply = marta.says(wish)
    assert reply.says(*named)
    assert [kind for kind, _ in marta.requests()] == ["transport"]
    assert marta.remembered.booking.goal == ""
    assert reply.intent == "ask_transport"
    assert bool(marta.remembered.telling) is asks
    if asks:
        marta.says("10:00, 3")
        assert "10:00, 3" in marta.words()[0]


@pytest.mark.parametrize(
    "question", ["¿Cuánto cuesta el traslado?", "Do you have an airport shuttle?", "Tem traslado?"]
)
def test_asking_about_transport_orders_none(marta, question):
    assert marta.says(question).says("35")
    assert marta.requests() == []


@pytest.mark.parametrize(
    ("said", "more", "named", "asks"),
    [
        ("Me dejé el cargador", "Blanco, en la mesilla de la 201", "el cargador", "dónde"),
        ("I left my charger behind", "White, I think it's in the bathroom", "the charger", "where"),
        ("Esqueci meu carregador", "Branco, na gaveta do quarto 201", "o carregador", "onde"),
    ],
)
def test_of_a_lost_thing_it_is_asked_once_where_it_may_be(marta, said, more, named, asks):
    reply = marta.says(said)
    assert reply.says(named, asks)
    assert reply.reason == "lost_item"
    after = marta.says(more)
    assert not after.says("?")
    assert [kind for kind, _ in marta.requests()] == ["lost_item"]
    assert more in marta.words()[0]


def test_a_lost_thing_with_its_place_needs_no_question(marta):
    reply = marta.says("Me dejé el pasaporte en la caja fuerte de la habitación")
    assert reply.says("el pasaporte")
    assert not reply.says("?")


def test_who_does_not_know_is_not_asked_again(marta):
    marta.says("Me he dejado una cosa en el hotel")
    reply = marta.says("no lo sé")
    assert reply.says("no pasa nada")
    assert not reply.says("?")


@pytest.mark.parametrize(
    ("wish", "details", "asks", "last"),
    [
        (
            "Necesito una factura a nombre de mi empresa",
            "Viajes Sol S.L., NIF B12345678, Calle Mayor 3, 28001 Madrid",
            ("nombre o empresa", "NIF", "dirección"),
            "añadido",
        ),
        (
            "I need an invoice for my company",
            "Sun Travel Ltd, VAT GB123456789, 12 High Street, London",
            ("name or company", "tax number", "address"),
            "added",
        ),
        (
            "Preciso de nota fiscal em nome da minha empresa",
            "Viagens Sol Ltda, CNPJ 12.345.678/0001-90, Rua das Flores 12, São Paulo",
            ("nome ou empresa", "número fiscal", "endereço"),
            "acrescentei",
        ),
    ],
)
def test_for_an_invoice_what_is_missing_is_asked_and_added(marta, wish, details, asks, last):
    reply = marta.says(wish)
    assert reply.says(*asks)
    assert reply.reason == "invoice"
    after = marta.says(details)
    assert after.says(last)
    assert not after.says(asks[1])
    assert [kind for kind, _ in marta.requests()] == ["invoice"]
    assert details in marta.words()[0]


def test_of_an_invoice_only_what_was_not_given_is_asked(marta):
    reply = marta.says("Necesito factura a nombre de Viajes Sol S.L., NIF B12345678")
    assert reply.says("dirección")
    assert not reply.says("NIF o número fiscal")
    assert marta.says("Calle Mayor 3, 28001 Madrid").says("añadido")


def test_whether_there_are_invoices_is_only_answered(marta):
    assert marta.says("¿Dais factura?").says("a la salida")
    assert marta.requests() == []


@pytest.mark.parametrize(
    ("wish", "words"),
    [
        ("Borrad mis datos", "Todavía no se ha borrado nada"),
        ("Delete my data please", "Nothing has been deleted yet"),
        ("Apaguem meus dados", "Nada foi apagado ainda"),
        ("Quiero saber qué datos tenéis de mí", "Todavía no se ha enviado ni borrado nada"),
    ],
)
def test_a_wish_about_ones_data_goes_to_a_person_and_nothing_is_claimed(nobody, wish, words):
    reply = nobody.says(wish)
    assert reply.says(words)
    assert reply.reason == "data_request"
    assert [kind for kind, _ in nobody.requests()] == ["data_request"]
    nobody.says(wish)
    assert len(nobody.requests()) == 1


@pytest.mark.parametrize(
    ("said", "rating", "words", "reason"),
    [
        ("Nos ha encantado la estancia, un 10", 5, "gracias", None),
        ("We loved our stay, 5 stars!", 5, "thank you", None),
        ("Adoramos a estadia, tudo perfeito", None, "obrigado", None),
        ("La estancia fue horrible, la habitación estaba sucia", None, "siento", "complaint"),
        ("The stay was awful, I give it 1 star", 1, "sorry", "complaint"),
        ("A estadia foi péssima, nota 2 de 5", 2, "sinto", "complaint"),
    ],
)
def test_praise_is_thanked_for_and_who_was_unhappy_gets_a_person(nobody, said, rating, words, reason):
    reply = nobody.says(said)
    assert reply.says(words)
    assert reply.reason == reason
    if reply.intent == "give_feedback":
        assert nobody.opinions() == [(rating, said)]
    assert reply.text.lower().count(words) == 1


@pytest.mark.parametrize(
    ("said", "sorry", "thing"),
    [
        ("Estoy harto, el aire no funciona desde ayer y nadie viene", "siento", "aire acondicionado"),
        ("This is unacceptable, the shower is broken and nobody helps", "sorry", "the shower"),
        ("Isso é inaceitável, o ar-condicionado está quebrado e ninguém vem", "sinto", "ar-condicionado"),
    ],
)
def test_who_complains_of_a_broken_thing_hears_one_apology(marta, said, sorry, thing):
    reply = marta.says(said)
    assert reply.says(thing)
    apologies = ("siento", "sorry", "sinto", "desculpe", "perdona")
    assert sum(reply.text.lower().count(one) for one in apologies) == 1
    assert sorry in reply.text.lower()
    assert reply.reason == "complaint"
    assert marta.requests() == [("repair", "201")]


def test_after_hours_a_request_says_when_somebody_will_answer(app):
    chat = told("Oscar Ruiz", "andes")
    chat.now = datetime.combine(chat.today, time(23, 30), chat.hotel.zone)
    assert chat.says("Necesito toallas").says("08:00")


def test_a_request_in_the_middle_of_a_booking_leaves_the_booking_going(marta):
    marta.says("Quiero reservar una habitación doble")
    reply = marta.says("Necesito toallas")
    assert reply.says("toallas")
    assert marta.remembered.booking.goal == "book"
    assert marta.remembered.expected != "details"


def test_a_guests_words_are_never_repeated_to_them(marta):
    reply = marta.says("Necesito toallas de color fucsia {{ 7*7 }}, por favor")
    assert reply.says("toallas")
    assert not reply.says("fucsia")
    assert not reply.says("49")


# What the hotel has not written


@needs_meaning
@pytest.mark.parametrize(
    ("question", "about"),
    [
        ("¿La piscina está climatizada?", "climatizada"),
        ("¿Vende cigarrillos?", "tabaco"),
        ("Do you rent cars?", "car hire"),
        ("Do you serve kosher food?", "kosher"),
        ("A piscina é aquecida?", "aquecida"),
        ("Vocês fazem massagem no quarto?", "massagens"),
    ],
)
def test_what_the_texts_do_not_speak_of_is_asked_of_a_colleague_once(nobody, question, about):
    reply = nobody.says(question)
    assert reply.says(about, {"es": "compañero", "en": "colleague", "pt": "colega"}[reply.answer.language])
    assert reply.reason == "question"
    assert [row.question for row in nobody.questions()] == [question]
    nobody.says(question)
    assert len(nobody.questions()) == 1


@needs_meaning
@pytest.mark.parametrize(
    ("question", "half", "other"),
    [
        ("¿hay gimnasio y alquiláis bicis?", "gimnasio pequeño", "las bicicletas"),
        ("Is there a gym and do you rent bikes?", "small gym", "the bicycles"),
        ("Tem academia e vocês alugam bicicletas?", "pequena academia", "as bicicletas"),
    ],
)
def test_half_of_a_question_is_answered_and_the_other_half_asked_of_a_colleague(nobody, question, half, other):
    reply = nobody.says(question)
    assert reply.says(half, other)
    assert reply.reason == "question"
    assert len(nobody.questions()) == 1


@needs_meaning
def test_two_questions_that_are_both_known_are_both_answered(nobody):
    reply = nobody.says("¿Tenéis parking y admitís perros?")
    assert reply.says("18,00", "mascotas")
    assert reply.reason is None


@needs_meaning
def test_tips_of_the_hotel_are_told_and_others_asked_for(nobody):
    assert nobody.says("¿Qué nos recomendáis visitar?").says("castillo")
    assert nobody.questions() == []


# Told by people who did not read the code


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        ("me traes una cuna para el bebé?", "housekeeping"),
        ("could you bring a cot up?", "housekeeping"),
        ("¿Podéis subir mis maletas a la habitación?", "errand"),
        ("la cisterna del baño pierde agua", "repair"),
        ("se fue la luz en el cuarto", "repair"),
        ("There's no hot water in our shower", "repair"),
        ("El desayuno a la habitación mañana a las 9 por favor", "room_service"),
    ],
)
def test_other_ways_to_ask_for_the_same(marta, said, kind):
    reply = marta.says(said)
    assert marta.requests() == [(kind, "201")]
    assert len(reply.answer.bubbles) == 1


def test_a_broken_thing_is_not_advertised(marta):
    assert not marta.says("the wifi is not working").says("free throughout")


def test_details_that_come_in_pieces_are_all_added(marta):
    marta.says("Me podéis hacer la factura a nombre de empresa?")
    assert marta.says("Aguas del Sur SL").says("todavía falta", "NIF", "dirección")
    assert not marta.says("B98765432, Av. de la Constitución 14, Sevilla").says("falta")
    assert "Aguas del Sur SL" in marta.words()[0]
    assert "B98765432" in marta.words()[0]


@pytest.mark.parametrize(("said", "rating"), [("Le doy 4 de 5", 4), ("⭐⭐⭐⭐⭐", 5), ("9/10", 5), ("2 stars", 2)])
def test_a_bare_rating_is_an_opinion(nobody, said, rating):
    nobody.says(said)
    assert [given for given, _ in nobody.opinions()] == [rating]


@needs_meaning
def test_the_same_words_are_not_said_twice_in_a_reply(nobody):
    reply = nobody.says("¿Tenéis piscina? ¿Está climatizada? ¿Y hay socorrista?")
    assert reply.text.count("Se lo pregunto a un compañero") == 1
    assert len(nobody.questions()) == 2


def test_the_room_is_asked_once_and_goes_with_every_request(nobody):
    assert nobody.says("necesito toallas").says("¿en qué habitación estás")
    nobody.says("en la 305")
    reply = nobody.says("y una almohada, por favor")
    assert not reply.says("¿en qué habitación")
    assert [request.words for request in reply.answer.filed] == ["y una almohada, por favor · en la 305"]


def test_what_is_broken_is_not_told_to_be_there(marta):
    assert not marta.says("necesito toallas y no funciona el aire acondicionado").says("Todas las habitaciones tienen")


def test_more_about_what_was_lost_goes_with_it(nobody):
    nobody.language = "en"
    nobody.says("I left my charger in room 210 last week")
    assert nobody.says("black iphone charger, on the night table").says("added")
    assert nobody.requests() == [("lost_item", None)]
    assert "night table" in nobody.words()[0]


def test_where_the_shower_is_does_not_go_into_the_invoice(nobody):
    nobody.says("La ducha de la habitación 305 no funciona")
    nobody.says("Necesito una factura a nombre de Acme SL, CIF B12345678")
    assert nobody.words()[1] == "Necesito una factura a nombre de Acme SL, CIF B12345678"
