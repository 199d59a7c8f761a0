"""Who stays here, and in which room, is told to nobody; a message for them can be left with reception."""

from __future__ import annotations

import re

from hotel_agent.conversations.talk import Part, Talk
from hotel_agent.nlu.text import fold

# What is asked about another guest, on folded words: "¿está alojada Luisa Pérez?", "o senhor Silva está hospedado
# aí?", "is Juan staying with you?", "¿hay alguien llamado Juan?", "¿en qué habitación está Juan?".
_ASKS = re.compile(
    "|".join(
        (
            r"\b(?:hay|esta|estan|estuvo|sigue|tienen|teneis|tenes|ta|estava)\b[^.?!]{0,40}"
            r"(?<!para )(?<!los )\b(?:alojad|hospedad)[oa]s?\b",
            r"\b(?:se (?:aloja|hospeda)|se esta (?:alojando|quedando|hospedando))\b[^.?!]{0,40}"
            r"\b(?:ahi|aqui|alli|hotel)\b",
            r"\b(?:hay|esta|tienen|teneis|tem|ha|is there|do you have)\b[^.?!]{0,20}"
            r"\b(?:alguien|alguem|algun huesped|algum hospede|anyone|anybody|someone|somebody|a guest|un huesped"
            r"|um hospede)\b"
            r"[^.?!]{0,20}\b(?:llamad[oa]|se llam\w+|named|called|chamad[oa]|de nombre|de apellido)\b",
            r"\b(?:is|was) (?:(?!included|free|possible|allowed|it|there|cheaper|the|for|if|anything)[\w.]+ ){1,4}"
            r"(?:staying (?:with|at|in|here|there)|checked in|(?:a|your) guest|a guest of yours)\b",
            r"\ben que (?:habitacion|cuarto|pieza) (?:esta|estan|se aloja|se hospeda|duerme|se queda)\b"
            r"(?! (?:incluid|disponib|la cuna))",
            r"\bem (?:que|qual) quarto (?:esta|ta|ficou|fica|se hospeda)\b",
            r"\bnumero d[aoe]l? (?:la )?(?:habitacion|cuarto|quarto) (?:de|del|da|do)\b",
            r"\broom number (?:of|for|is)\b",
            r"\b(?:which|what) room (?:number )?(?:(?:is|does|has) )?(?:mrs?|ms|dr|miss)\b",
            r"\b(?:cual es|qual e?|que) ?(?:la |o |es la )?(?:habitacion|quarto) (?:de|del|da|do) "
            r"(?:sr|sra|senor|senora|senhor|senhora|don|dona)\b",
        )
    )
)
# "Which room is Anna Smith in?": the name tells it from "which room is bigger?".
_ROOM_OF_A_NAME = re.compile(
    r"\b[Ww](?:hich|hat) room (?:number )?(?:is|does) [A-Z]\w+|\b[Qq]ual (?:é )?o quarto d[aoe] [A-Z]\w+"
    r"|\b[Cc]u[aá]l es la habitaci[oó]n de [A-Z]\w+"
)
_OWN = re.compile(
    r"\b(?:estoy|estamos|mi (?:habitacion|cuarto|reserva)|nuestra|my (?:room|booking|reservation)|our room|am i|are we"
    r"|i'?m|i am|we are|we're|meu quarto|minha|estou)\b"
)


def asked(talk: Talk) -> bool:
    """Whether the guest wants to know about another guest: no wish of the vocabulary, but a thing to refuse."""
    words = fold(talk.said.words)
    about = _ASKS.search(words) or _ROOM_OF_A_NAME.search(talk.said.words)
    return bool(about) and not _OWN.search(words)


def answer(talk: Talk) -> list[Part]:
    talk.state.expected = "message"
    return [Part(talk.say("privacy.refuse"), buttons=(talk.button("ask:human", "human"),), asks=True)]


def is_message(talk: Talk) -> bool:
    """Whether this is what the guest wants to be passed on: words, not a question or politeness."""
    polite = talk.said.means("affirm", "deny", "thank", "greet", "goodbye")
    return talk.state.expected == "message" and not polite and "?" not in talk.said.words


def take_message(talk: Talk) -> list[Part]:
    """What the guest wrote after the refusal goes to reception."""
    talk.state.expected = None
    talk.hand_over("human")
    return [talk.part("privacy.passed_on")]
