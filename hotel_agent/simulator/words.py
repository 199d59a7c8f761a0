"""The words of the page in the visitor's language, and ready first messages in the guest's."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta

from babel.dates import format_date

LANGUAGES = {"es": "Español", "en": "English", "pt": "Português"}
FIRST_STAY_DAYS = 70
FIRST_STAY_NIGHTS = 4

WORDS: Mapping[str, Mapping[str, str]] = {
    "es": {
        "title": "Un teléfono de prueba",
        "intro": "Escriba como un huésped. Contesta el agente, con las habitaciones y los precios de verdad.",
        "deaf": (
            "Las respuestas salen hacia {server} y no pueden verse aquí. "
            "Puede seguir enviando mensajes: llegan al agente."
        ),
        "hotel": "Hotel",
        "guests": "Huéspedes",
        "no_messages": "Sin mensajes todavía",
        "unread": "{count} sin leer",
        "new_guest": "Nuevo huésped",
        "name": "Nombre",
        "phone": "Teléfono con prefijo",
        "speaks": "Idioma",
        "add": "Añadir",
        "bad_name": "Escriba un nombre de hasta 60 letras.",
        "bad_phone": "Escriba entre 7 y 15 cifras, con el prefijo del país.",
        "page_language": "Idioma de la página",
        "back": "Volver a los huéspedes",
        "as_guest": "Usted es {name}",
        "typing": "escribiendo…",
        "empty_title": "Empiece la conversación",
        "empty": "Toque una pregunta o escriba la suya, como lo haría {name}.",
        "suggestions": "Preguntas para empezar",
        "thread": "Mensajes con {hotel}",
        "message": "Mensaje",
        "send": "Enviar",
        "attach": "Adjuntar",
        "photo": "Foto de ejemplo",
        "photo_alt": "Foto: la terraza del hotel frente al mar al atardecer",
        "voice": "Nota de voz",
        "location": "Ubicación",
        "send_location": "Enviar ubicación",
        "map": "Abrir en el mapa",
        "open_file": "Abrir",
        "close": "Cerrar",
        "tick_SENDING": "Enviando",
        "tick_FAILED": "No entregado",
        "tick_SENT": "Enviado",
        "tick_DELIVERED": "Entregado",
        "tick_READ": "Leído",
        "failed": "No entregado",
        "retry": "Reintentar",
        "you": "Usted",
        "template": "Plantilla",
        "today": "Hoy",
        "yesterday": "Ayer",
        "offline": "Sin conexión. El mensaje sigue aquí: envíelo de nuevo cuando vuelva.",
        "refused": "El mensaje no pudo enviarse. Inténtelo otra vez.",
        "stale": "Sin conexión con el servidor. Se reintenta solo.",
        "refresh": "Actualizar",
        "mark_read": "Marcar como leído",
        "broken_title": "El simulador no puede leer su memoria",
        "broken": "Valkey no responde. Los mensajes no se pierden; vuelva a cargar en unos segundos.",
        "nobody_title": "Ningún hotel tiene número de WhatsApp",
        "nobody": "Cargue el hotel de demostración con «flask demo load» y vuelva a cargar esta página.",
        "reload": "Volver a cargar",
    },
    "en": {
        "title": "A phone to try",
        "intro": "Write as a guest would. The hotel's agent answers, with its real rooms and prices.",
        "deaf": ("Replies go to {server} and cannot be shown here. You can still send messages: they reach the agent."),
        "hotel": "Hotel",
        "guests": "Guests",
        "no_messages": "No messages yet",
        "unread": "{count} unread",
        "new_guest": "New guest",
        "name": "Name",
        "phone": "Phone with country code",
        "speaks": "Language",
        "add": "Add",
        "bad_name": "Write a name of up to 60 letters.",
        "bad_phone": "Write 7 to 15 digits, with the country code.",
        "page_language": "Language of this page",
        "back": "Back to the guests",
        "as_guest": "You are {name}",
        "typing": "typing…",
        "empty_title": "Start the conversation",
        "empty": "Tap a question or write your own, as {name} would.",
        "suggestions": "Questions to start with",
        "thread": "Messages with {hotel}",
        "message": "Message",
        "send": "Send",
        "attach": "Attach",
        "photo": "Sample photo",
        "photo_alt": "Photo: the hotel's terrace by the sea at sunset",
        "voice": "Voice note",
        "location": "Location",
        "send_location": "Send location",
        "map": "Open the map",
        "open_file": "Open",
        "close": "Close",
        "tick_SENDING": "Sending",
        "tick_FAILED": "Not delivered",
        "tick_SENT": "Sent",
        "tick_DELIVERED": "Delivered",
        "tick_READ": "Read",
        "failed": "Not delivered",
        "retry": "Retry",
        "you": "You",
        "template": "Template",
        "today": "Today",
        "yesterday": "Yesterday",
        "offline": "No connection. Your message is still here: send it again once you are back.",
        "refused": "The message could not be sent. Please try again.",
        "stale": "No connection to the server. Trying again by itself.",
        "refresh": "Refresh",
        "mark_read": "Mark as read",
        "broken_title": "The simulator cannot read its memory",
        "broken": "Valkey does not answer. Guests' messages are not lost; reload in a few seconds.",
        "nobody_title": "No hotel has a WhatsApp number",
        "nobody": "Load the demo hotel with “flask demo load” and reload this page.",
        "reload": "Reload",
    },
    "pt": {
        "title": "Um telefone de teste",
        "intro": "Escreva como um hóspede. Responde o agente, com os quartos e os preços de verdade.",
        "deaf": (
            "As respostas vão para {server} e não podem ser vistas aqui. "
            "Pode continuar a enviar mensagens: chegam ao agente."
        ),
        "hotel": "Hotel",
        "guests": "Hóspedes",
        "no_messages": "Ainda sem mensagens",
        "unread": "{count} por ler",
        "new_guest": "Novo hóspede",
        "name": "Nome",
        "phone": "Telefone com indicativo",
        "speaks": "Idioma",
        "add": "Adicionar",
        "bad_name": "Escreva um nome de até 60 letras.",
        "bad_phone": "Escreva entre 7 e 15 algarismos, com o indicativo do país.",
        "page_language": "Idioma da página",
        "back": "Voltar aos hóspedes",
        "as_guest": "A escrever como {name}",
        "typing": "a escrever…",
        "empty_title": "Comece a conversa",
        "empty": "Toque numa pergunta ou escreva a sua, como faria {name}.",
        "suggestions": "Perguntas para começar",
        "thread": "Mensagens com {hotel}",
        "message": "Mensagem",
        "send": "Enviar",
        "attach": "Anexar",
        "photo": "Foto de exemplo",
        "photo_alt": "Foto: o terraço do hotel junto ao mar ao pôr do sol",
        "voice": "Nota de voz",
        "location": "Localização",
        "send_location": "Enviar localização",
        "map": "Abrir no mapa",
        "open_file": "Abrir",
        "close": "Fechar",
        "tick_SENDING": "A enviar",
        "tick_FAILED": "Não entregue",
        "tick_SENT": "Enviado",
        "tick_DELIVERED": "Entregue",
        "tick_READ": "Lido",
        "failed": "Não entregue",
        "retry": "Tentar de novo",
        "you": "Você",
        "template": "Modelo",
        "today": "Hoje",
        "yesterday": "Ontem",
        "offline": "Sem ligação. A mensagem continua aqui: envie-a de novo quando voltar.",
        "refused": "Não foi possível enviar a mensagem. Tente outra vez.",
        "stale": "Sem ligação ao servidor. Nova tentativa automática.",
        "refresh": "Atualizar",
        "mark_read": "Marcar como lida",
        "broken_title": "O simulador não consegue ler a sua memória",
        "broken": "O Valkey não responde. As mensagens não se perdem; recarregue dentro de segundos.",
        "nobody_title": "Nenhum hotel tem número de WhatsApp",
        "nobody": "Carregue o hotel de demonstração com «flask demo load» e recarregue esta página.",
        "reload": "Recarregar",
    },
}


def suggestions(language: str, today: date) -> list[str]:
    """What a first-time visitor may ask with one tap. The dates lie ten weeks ahead, within one month."""
    arrival = today + timedelta(days=FIRST_STAY_DAYS)
    while (departure := arrival + timedelta(days=FIRST_STAY_NIGHTS)).month != arrival.month:
        arrival += timedelta(days=1)
    month = format_date(arrival, "MMMM", locale=language)
    if language == "en":
        return [
            f"Do you have a double room from {month} {arrival.day} to {departure.day}?",
            "What time is breakfast?",
            "Where are you, and is there parking?",
            "I'd like to talk to a person",
        ]
    if language == "pt":
        return [
            f"Têm quarto duplo de {arrival.day} a {departure.day} de {month}?",
            "A que horas é o pequeno-almoço?",
            "Onde ficam? Têm estacionamento?",
            "Quero falar com uma pessoa",
        ]
    return [
        f"¿Tienen habitación doble del {arrival.day} al {departure.day} de {month}?",
        "¿A qué hora es el desayuno?",
        "¿Dónde están? ¿Hay aparcamiento?",
        "Quiero hablar con una persona",
    ]


def day_name(day: date, today: date, language: str) -> str:
    """How a day separator names a day."""
    if day == today:
        return WORDS[language]["today"]
    if day == today - timedelta(days=1):
        return WORDS[language]["yesterday"]
    style = "EEEE d MMMM" if day.year == today.year else "d MMMM y"
    return format_date(day, style, locale=language)
