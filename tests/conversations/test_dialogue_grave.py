"""Told stories about what a person has to see at once: the law, health, disputed payments, minors alone, violence."""

from __future__ import annotations

from datetime import date, datetime, time

import pytest
from sqlalchemy import select, text

from hotel_agent.conversations import answering, taking_in, waiting
from hotel_agent.conversations.models import Conversation, ConversationEvent, Message
from hotel_agent.conversations.skills.grave import matters_of
from hotel_agent.db import db, utcnow
from tests.conversations.chat import Chat, day, hotel_named, new_guest, span

SAID = {
    "legal": """os voy a denunciar | voy a hablar con mi abogado | Voy a poner una denuncia
        | quiero la hoja de reclamaciones
        | os voy a demandar | tomaré acciones legales | mi abogado se pondrá en contacto con ustedes
        | voy a ir a PROFECO
        | nos vemos en los tribunales | esto va a acabar en los juzgados | pienso denunciarlos
        | les voy a poner una demanda | I will sue you | I'm going to sue the hotel | you will hear from my lawyer
        | I am taking legal action | my lawyer will contact you | I'll take you to court | see you in court
        | I want to file a consumer complaint | We will be taking this to our solicitor | vou processar o hotel
        | vou ao Procon | vou entrar na justiça | meu advogado vai entrar em contato | quero o livro de reclamações
        | Vou processar vocês | entrarei com uma ação""",
    "medical": """necesito un médico | ¿hay médico en el hotel? | mi hija tiene una reacción alérgica
        | he perdido mi insulina
        | no encuentro el inhalador | me encuentro muy mal | mi hijo tiene fiebre | mi marido se ha desmayado
        | mi mujer no para de vomitar | necesitamos una ambulancia | creo que es una intoxicación | I need a doctor
        | is there a doctor on call? | my son has a fever | I feel very sick | I forgot my medication | my wife fainted
        | we need medical help | can you call a doctor please | preciso de um médico | estou passando mal
        | meu filho está com febre | esqueci meu remédio | tem médico no hotel? | acabou minha insulina""",
    "payment": """me han cobrado dos veces | me habéis cobrado de más | hay un cargo que no reconozco
        | no reconozco este cargo en mi tarjeta | me cobraron doble | tengo un cobro duplicado
        | nos cobrasteis una noche de más | voy a disputar el cargo con mi banco | me cobraron una reserva que cancelé
        | I was charged twice | you charged my card twice | there is an unknown charge on my card | I want a chargeback
        | I was overcharged | I don't recognise this charge | you have double charged me
        | they charged me for a booking I cancelled | fui cobrado duas vezes | cobrança indevida | quero estorno
        | me cobraram a mais | fui cobrado em duplicidade | quero contestar uma cobrança no cartão""",
    "minor_travels": """tengo 16 años y viajo solo, quiero reservar | soy menor de edad y quiero reservar
        | mi hija de 15 años viajará sola | ¿aceptáis menores no acompañados? | viajo solo y tengo 17 años
        | I am 16 and travelling alone | I'm 17 years old, can I book a room? | I'm a minor, can I stay?
        | do you take unaccompanied minors? | my daughter is 15 and will stay alone
        | can under 18s stay without parents?
        | tenho 16 anos e viajo sozinho | sou menor de idade | menor desacompanhado pode se hospedar?
        | minha filha de 14 anos vai viajar sozinha""",
    "child_alone": """mi hijo de 5 años está solo en la habitación | hay una niña sola en el pasillo
        | no encuentro a mi hijo
        | hemos dejado a los niños solos en la habitación | se ha perdido mi hijo | han dejado solo a un bebé en la 204
        | my child is alone in the room | there is a little boy crying in the corridor | I can't find my daughter
        | I left my kids alone in the room | my son is missing | a child is alone by the pool
        | meu filho está sozinho no quarto | há uma criança sozinha na piscina | perdi minha filha""",
    "violence": """mi marido me ha pegado | me están amenazando | un hombre me está siguiendo | me han agredido
        | un huésped me acosa | mi novio no me deja salir de la habitación | my husband hit me | I was assaulted
        | a man is following me | I feel unsafe | he is threatening me | someone attacked me in the hallway
        | meu marido me bateu | estou sendo ameaçada | fui agredida""",
    "harm": """quiero morirme | me quiero matar | voy a suicidarme | no quiero seguir viviendo | I want to kill myself
        | I want to die | I don't want to live anymore | quero morrer | vou me matar | não quero mais viver""",
}
EVERYDAY = """mi abogado llega el lunes | soy abogada y viajo por trabajo | soy pediatra | ¿menores de 2 años gratis?
    | menores de 12 años pagan? | ¿me devuelven el depósito si cancelo? | somos 2 adultos y 1 niño de 5 años
        | viajo solo
    | I travel alone | viajo sozinha, quero um quarto | habitación individual para una persona sola
    | ¿cuánto me cobráis por dos noches? | ¿se cobra dos veces el parking? | is there a charge for parking?
    | do you charge per person? | me he equivocado en la reserva | ¿hay mucha demanda en agosto?
    | tengo 45 años y viajo solo | I am 35 and travelling alone | mi hijo duerme solo en una cama, ¿hay cuna?
    | we are 6 travelling together | I'm 70 years old | soy médico | my wife is a doctor | congreso de médicos
    | is there a pharmacy nearby? | ¿hay una farmacia cerca? | soy alérgico al gluten | I am allergic to nuts
    | alergia a los frutos secos | quiero una habitación tranquila, me muero por descansar | estoy muerto de cansancio
    | can I get a refund if I cancel? | ¿devolvéis el dinero si cancelo? | ¿cómo puedo pagar?
        | can I pay with two cards?
    | quiero pagar dos noches | el niño tiene 7 años | my kids are 5 and 7 | solo un niño | só uma criança
    | just one child | ¿los niños pueden estar solos en la piscina? | are children allowed in the pool alone?
    | tengo 2 hijos y viajo sola | viajo sola con mi hijo de 5 años | I am travelling alone with my 5 year old son
    | viajo sozinha com meu filho de 8 anos | I am sick of waiting | quiero cambiar la fecha | we need a quiet room
    | call me a taxi | necesito una cuna | I need my invoice | the room is for my daughter who is 20
    | mi hija de 20 años viajará sola | can you return the deposit? | vou processar o pagamento agora
    | hay nevera para la insulina? | is there a fridge for my medication? | quarto para 16 pessoas | I'm 2 hours away
    | is the pool safe for kids? | is the area safe? | fui cobrado ontem, quero o recibo | ¿cuándo me cobráis?
    | me han cobrado ya la reserva? | quiero reservar del 3 al 5 de mayo para 2 | wifi in the room?"""


def pieces(said: str) -> list[str]:
    return [" ".join(piece.split()) for piece in said.split("|")]


@pytest.mark.parametrize(("block", "said"), [(block, one) for block, said in SAID.items() for one in pieces(said)])
def test_it_is_told_by_its_words(block, said):
    assert [matter.block for matter in matters_of(said)] == [block]


@pytest.mark.parametrize("said", pieces(EVERYDAY))
def test_everyday_words_are_not_taken_for_it(said):
    assert matters_of(said) == []


@pytest.fixture
def miramar(app):
    return hotel_named("miramar")


@pytest.fixture
def marta(miramar):
    return Chat(miramar, new_guest(miramar))


STORIES = [
    ("os voy a denunciar, mi abogado se pondrá en contacto", "es", "legal", False, ("persona del hotel", "por aquí")),
    ("I'm going to sue the hotel", "en", "legal", False, ("person at the hotel", "write to you here")),
    ("vou processar o hotel", "pt", "legal", False, ("pessoa do hotel", "por aqui")),
    ("me han cobrado dos veces", "es", "payment", False, ("cobro", "no envíes por aquí el número")),
    ("there is an unknown charge on my card", "en", "payment", False, ("charge", "don't send your card number")),
    ("quero o estorno, fui cobrado duas vezes", "pt", "payment", False, ("cobrança", "não envie por aqui")),
    ("tengo 16 años y viajo solo, quiero reservar", "es", "minors", False, ("menor", "nada reservado")),
    ("I am 16 and travelling alone, can I book?", "en", "minors", False, ("minor", "Nothing is booked")),
    ("tenho 16 anos e viajo sozinho, quero reservar", "pt", "minors", False, ("menor", "nada está reservado")),
    ("mi hijo de 5 años está solo en la habitación", "es", "minors", True, ("aviso urgente", "112")),
    ("there is a little girl alone in the corridor", "en", "minors", True, ("an urgent alert", "112")),
    ("há uma criança sozinha no corredor", "pt", "minors", True, ("aviso urgente", "112")),
    ("¿hay médico en el hotel?", "es", "medical", True, ("aviso urgente", "112")),
    ("my son has a fever", "en", "medical", True, ("an urgent alert", "112")),
    ("meu filho está com febre", "pt", "medical", True, ("aviso urgente", "112")),
    ("mi marido me ha pegado", "es", "emergency", True, ("aviso urgente", "112")),
    ("a man is following me", "en", "emergency", True, ("an urgent alert", "112")),
    ("estou sendo ameaçada", "pt", "emergency", True, ("aviso urgente", "112")),
    ("quiero morirme", "es", "emergency", True, ("a solas", "112")),
    ("I want to kill myself", "en", "emergency", True, ("alone", "112")),
    ("vou me matar", "pt", "emergency", True, ("urgente", "112")),
]


@pytest.mark.parametrize(("said", "language", "reason", "urgent", "told"), STORIES)
def test_a_person_is_told_at_once_and_the_guest_what_to_do_meanwhile(marta, said, language, reason, urgent, told):
    reply = marta.says(said)
    handover = reply.answer.handover
    assert handover is not None
    assert reason in (handover.reason, *handover.also)
    assert handover.urgent == urgent
    assert reply.answer.language == language
    assert reply.says(*told), reply.text
    assert "!" not in reply.text


@pytest.mark.parametrize(
    ("language", "said", "advice"),
    [
        ("es", "necesito un médico", "En recepción hay un botiquín y un desfibrilador."),
        ("en", "I need a doctor", "There is a first aid kit at the front desk."),
        ("pt", "preciso de um médico", "Há um kit de primeiros socorros na recepção."),
    ],
)
def test_what_to_do_meanwhile_is_what_the_hotel_says(marta, miramar, language, said, advice):
    miramar.settings = {"guidance": {"medical": {language: advice}}, "emergency_number": "061"}
    db.session.commit()
    assert marta.says(said).says(advice, "061")


def test_out_of_hours_the_guest_hears_of_the_night_phone_and_when_somebody_answers(app):
    andes = hotel_named("andes")
    andes.settings = {"night_phone": "+57 301 000 0000"}
    db.session.commit()
    today = date(2026, 12, 21)
    night = datetime.combine(today, time(3), andes.zone)
    urgent = Chat(andes, new_guest(andes), today=today, now=night).says("my son has a fever")
    assert urgent.says("today from 08:00", "+57 301 000 0000")
    calm = Chat(andes, new_guest(andes), today=today, now=night).says("I was charged twice")
    assert calm.says("today from 08:00")
    assert not calm.says("+57 301")


@pytest.mark.parametrize(
    ("said", "told", "reason"),
    [
        ("me han cobrado dos veces. ¿a qué hora es el desayuno?", ("cobro", "desayuno"), "payment"),
        ("I was charged twice. Is there a pool?", ("charge", "pool"), "payment"),
        ("fui cobrado duas vezes. tem piscina?", ("cobrança", "piscina"), "payment"),
        ("os voy a denunciar, ¿y a qué hora es el check-out?", ("serio", "11:00"), "legal"),
        ("mi hijo tiene fiebre. ¿hay parking?", ("urgente", "aparcamiento"), "medical"),
    ],
)
def test_what_else_was_asked_is_answered_after_it(marta, said, told, reason):
    reply = marta.says(said)
    handover = reply.answer.handover
    assert handover is not None
    assert reason in (handover.reason, *handover.also)
    assert reply.says(*told), reply.text
    assert reply.text.lower().index(told[0].lower()) < reply.text.lower().index(told[1].lower())


def test_a_wish_for_a_room_beside_it_goes_on(marta):
    reply = marta.says(f"me han cobrado dos veces. quiero una doble {span('es', day(0), day(2))} para 2 adultos")
    assert reply.reason == "payment"
    assert reply.says("190,00")


def test_a_minor_books_nothing_here_not_even_with_the_next_message(marta):
    marta.says(f"tengo 16 años y viajo solo, quiero una individual {span('es', day(0), day(2))}")
    assert marta.last.says("nada reservado")
    assert not marta.last.ids
    marta.waiting = "minors"
    for said in (f"quiero una individual {span('es', day(0), day(2))} para 1 adulto", "sí", "resérvala"):
        reply = marta.says(said)
        assert not any(one.startswith(("offer:", "confirm:")) for one in reply.ids)
    assert marta.bookings() == []
    assert marta.locks("active") == 0


def test_a_yes_after_it_confirms_nothing_that_was_asked_before(marta):
    marta.says(f"quiero una doble {span('es', day(0), day(2))} para 2 adultos")
    marta.taps("offer:")
    assert marta.last.asks_for == "confirm_booking"
    marta.says("me habéis cobrado de más en mi última estancia")
    marta.says("sí")
    assert marta.bookings() == []
    assert marta.taps("confirm:") is not None


@pytest.mark.parametrize(
    ("said", "more", "told"),
    [
        ("me han cobrado dos veces", "fue el 3 de mayo, 95 euros", "leerá también"),
        ("I was charged twice", "it was on 3 May and 95 euros", "will also read"),
        ("fui cobrado duas vezes", "foi no dia 3 de maio, 95 euros", "também lerá"),
    ],
)
def test_what_is_told_further_goes_to_the_person_too_and_not_into_a_booking(marta, said, more, told):
    marta.says(said)
    marta.waiting = "payment"
    reply = marta.says(more)
    assert reply.says(told), reply.text
    assert reply.reason == "payment"
    assert marta.remembered.booking.goal == ""


def test_other_questions_go_on_while_it_waits(marta):
    marta.says("me han cobrado dos veces")
    marta.waiting = "payment"
    assert marta.says("¿hay wifi?").says("wifi es gratis")


def test_an_alarm_that_is_raised_again_is_answered_again_and_stays_urgent(marta):
    for _ in range(2):
        reply = marta.says("hay fuego en la habitación")
        assert reply.says("112")
        assert reply.answer.handover is not None
        assert reply.answer.handover.urgent
        marta.waiting = "emergency"


# In the database: every alarm is its guest's own


def conversation_of(hotel, name: str) -> Conversation:
    row = Conversation(hotel_id=hotel.id, guest_id=new_guest(hotel, name).id, channel="api")
    db.session.add(row)
    db.session.commit()
    return row


def alarms_of(conversation: Conversation) -> list[str]:
    events = db.session.scalars(
        select(ConversationEvent)
        .where(ConversationEvent.conversation_id == conversation.id, ConversationEvent.kind == "handed_over")
        .order_by(ConversationEvent.id)
    )
    return [event.details["reason"] for event in events]


def test_each_alarm_of_a_guest_is_told_in_the_thread_and_other_reasons_once(miramar):
    marta = conversation_of(miramar, "Marta García")
    for reason, urgent in (("emergency", True), ("request", False), ("request", False), ("emergency", True)):
        waiting.hand_over(marta, reason, urgent=urgent)
    db.session.commit()
    assert alarms_of(marta) == ["emergency", "request", "emergency"]
    assert (marta.waiting_reasons, marta.urgent) == (["emergency", "request"], True)


def test_one_guests_alarm_never_silences_anothers(miramar):
    marta, luisa = conversation_of(miramar, "Marta García"), conversation_of(miramar, "Luisa Pérez")
    waiting.hand_over(marta, "emergency", urgent=True)
    waiting.hand_over(luisa, "medical", urgent=True)
    db.session.commit()
    assert [(one.status, one.urgent, one.waiting_reason) for one in (marta, luisa)] == [
        ("waiting", True, "emergency"),
        ("waiting", True, "medical"),
    ]
    waiting.person_answered(marta)
    db.session.commit()
    db.session.refresh(luisa)
    assert (luisa.urgent, luisa.waiting_reasons) == (True, ["medical"])


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ("¡hay fuego en la habitación!", "emergency"),
        ("my son has a fever and can't breathe well", "medical"),
        ("minha filha sumiu, não encontro minha filha", "minors"),
    ],
)
def test_an_alarm_is_urgent_also_where_a_colleague_has_the_conversation(miramar, said, reason):
    marta = conversation_of(miramar, "Marta García")
    marta.owner = "staff"
    message = Message(
        hotel_id=miramar.id, conversation_id=marta.id, direction="in", type="text", body=said, status="received",
        handling="pending", author="guest", payload={}, received_at=utcnow(), sent_at=utcnow(),
    )  # fmt: skip
    db.session.add(message)
    db.session.commit()
    assert answering.answer_once(marta.id, only=message.id) is None
    db.session.refresh(marta)
    assert marta.urgent
    assert reason in marta.waiting_reasons


@pytest.mark.parametrize(
    ("said", "urgent"),
    [
        ("¡hay fuego en la habitación!", True),
        ("my daughter is unconscious, please help", True),
        ("¿A qué hora es el desayuno?", False),
        ("falsa alarma, era la tostadora", False),
    ],
)
def test_what_a_guest_writes_to_a_colleague_is_listened_to_as_it_comes(app, marta_says, run_jobs, said, urgent):
    marta_says("Hola", wamid="w1")
    run_jobs()
    [marta] = db.session.query(Conversation)
    marta.owner = "staff"
    db.session.commit()
    marta_says(said, wamid="w2")
    run_jobs()
    db.session.refresh(marta)
    assert marta.urgent is urgent
    assert "guest_wrote" in marta.waiting_reasons
    assert db.session.scalar(text("select handling from messages where wamid = 'w2'")) == "staff"


def test_a_message_is_taken_in_whatever_breaks_in_understanding_it(app, marta_says, run_jobs, monkeypatch):
    marta_says("Hola", wamid="w1")
    run_jobs()
    [marta] = db.session.query(Conversation)
    marta.owner = "staff"
    db.session.commit()

    def breaks(*_given: object) -> None:
        raise RecursionError

    monkeypatch.setattr(taking_in, "raise_alarms", breaks)
    marta_says("¡hay fuego en la habitación!", wamid="w2")
    run_jobs()
    db.session.refresh(marta)
    assert marta.waiting_reasons == ["guest_wrote"]
    assert db.session.scalar(text("select handling from messages where wamid = 'w2'")) == "staff"


ALARM = {"es": "hay fuego en mi habitación", "en": "there is a fire in our room", "pt": "tem fogo no meu quarto"}


@pytest.mark.parametrize(
    ("language", "said", "told"),
    [
        ("es", "falsa alarma, era la tostadora", "me alegro"),
        ("es", "falsa alarma, perdón!", "me alegro"),
        ("en", "false alarm, it was the toaster", "glad"),
        ("en", "sorry, false alarm, just burnt toast", "glad"),
        ("pt", "alarme falso, era a torradeira", "que bom"),
        ("pt", "foi alarme falso, desculpa", "que bom"),
    ],
)
def test_a_false_alarm_is_acknowledged_and_stays_with_the_staff(marta, language, said, told):
    marta.says(ALARM[language])
    reply = marta.says(said)
    assert reply.says(told)
    assert reply.reason == "emergency"
    assert not reply.answer.handover.urgent


@pytest.mark.parametrize(
    "said",
    [
        "¿es una falsa alarma? está sonando",
        "no es una falsa alarma, hay fuego de verdad",
        "Falsa alarma. Hay humo en el pasillo",
        "espero que sea una falsa alarma",
        "I hope it's a false alarm but I smell smoke",
        "the fire alarm is going off, is it a false alarm?",
        "false alarm? there are flames",
        "false alarm before, now there is real fire",
        "não é alarme falso, tem fogo",
        "acho que é alarme falso, mas sinto cheiro de queimado",
        "falsa alarma con el fuego, mi marido se ha desmayado",
    ],
)
def test_nothing_that_may_be_an_alarm_is_taken_for_a_false_one(marta, said):
    marta.says("hay fuego en mi habitación")
    reply = marta.says(said)
    assert reply.answer.handover is not None
    assert reply.answer.handover.urgent, reply.text


def test_what_is_asked_beside_a_false_alarm_is_answered(marta):
    marta.says(ALARM["en"])
    assert marta.says("false alarm, it was the toaster. what time is breakfast?").says("glad", "7:30")


def test_advice_that_is_missing_in_a_language_is_told_in_the_hotels(marta, miramar):
    place = "Punto de encuentro: la plaza de enfrente."
    kit = "Hay botiquín en recepción."
    miramar.settings = {"emergency_advice": {"es": place}, "guidance": {"medical": {"es": kit}}}
    db.session.commit()
    assert marta.says(ALARM["en"]).says("get to safety", place)
    assert marta.says("I need a doctor").says("tell me where you are", kit)


def test_advice_in_the_language_of_the_guest_stands_alone(marta, miramar):
    miramar.settings = {"emergency_advice": {"es": "Ve a la plaza.", "en": "Go to the square."}}
    db.session.commit()
    reply = marta.says(ALARM["en"])
    assert reply.says("Go to the square.")
    assert not reply.says("plaza")
