"""A taxi or a transfer that the guest orders: what it costs as the hotel says, and the order is passed on."""

from __future__ import annotations

import re
from dataclasses import replace

from hotel_agent.conversations.skills import knowledge, passing_on
from hotel_agent.conversations.skills.negation import is_refused
from hotel_agent.conversations.skills.things import things_in
from hotel_agent.conversations.talk import Part, Talk
from hotel_agent.nlu.text import fold

_ORDERS = re.compile(
    r"\b(?:pid[ae](?:me|nos|nme|nnos)?|ped(?:id|ir|irme|irnos|imos|idme|idnos)|reserv(?:ad|adme|adnos"
    r"|ame|anos|enme|ennos|ar(?:me|nos)?|e|em|en)"
    r"|organiz(?:a|ad|ame|adme|adnos|anos|ar|arme|em|en)|llam(?:ad|adme|ame|anos|enme|en|ar|arme"
    r"|arnos)|chama(?:r|me)?|chamem|pec[ao]m?"
    r"|mand(?:a|ad|adme|ame|en|enme|em)|necesit(?:o|amos|aria|ariamos)|quier[oe]|queremos"
    r"|quisiera(?:mos)?|querria|queria(?:mos)?|ponme"
    r"|book|order|get (?:me|us)|call (?:me|us)?|arrange|i(?: would|'d) like|we(?: would|'d) like|(?:i"
    r"|we|i'll|we'll|ill) (?:will )?need|i want"
    r"|precis(?:o|amos)|quero|gostaria|agend(?:e|em|ar)|marc(?:a|ar|quem))\b|^(?:un|a|um) (?:taxi"
    r"|transfer|cab|traslado)\b"
    r"|\b(?:recog(?:ed|erme|ernos|edme|ednos|eis|anme)|pick (?:me|us) up|(?:me|nos) (?:recog|busqu"
    r"|peguem|busquem)\w*)\b"
)
# Questions about it are answered, not ordered.
_ONLY_ASKS = re.compile(
    r"\b(?:cuanto|quanto|how much|precio|price|preco|cuesta|custa|cost|teneis|tienen|tenes|tem|hay|ha"
    r"|ofrec\w+|oferec\w+|do you (?:have|offer|do)"
    r"|is there|que opciones|how (?:do|can)|como (?:puedo|llego|se|chego))\b"
)
_WHEN = re.compile(
    r"\b\d{1,2}(?::\d\d|h| ?(?:am|pm)|\.\d\d)\b|\b(?:a las?|as|at|para las?|sobre las?) \d{1,2}\b"
    r"|\b(?:ahora|now|agora|ya)\b"
)
# What a taxi order may be taken for.
_MISTAKEN_FOR = ("ask_transport", "make_reservation", "check_availability", "ask_price", "order_room_service",
                 "request_housekeeping", "inform", "out_of_scope")  # fmt: skip
_A_ROOM_TOO = re.compile(
    r"\b(?:habitacion|habitaciones|room|rooms|quarto|quartos|noches?|nights?|noites?|doble|double|duplo|suite)\b"
)


def is_ordered(talk: Talk) -> bool:
    said, line = talk.said, fold(talk.said.words)
    named = bool(things_in("transport", said.words))
    # Beside a fault that was heard better it is ordered all the same.
    about = said.means("ask_transport") or (named and (said.means(*_MISTAKEN_FOR) or "ask_transport" in said.unsure))
    if not about or not things_in("transport", said.words) and not _ORDERS.search(line):
        return False
    wanted = any(not is_refused(line, order, talk.heard_in) for order in _ORDERS.finditer(line))
    return wanted and not _ONLY_ASKS.search(line)


def order(talk: Talk) -> list[Part]:
    """Passed on; the rest of the message is served as if nothing had been said of it."""
    things = things_in("transport", talk.said.words)
    things = ("taxi",) if "taxi" in things else things
    passed = passing_on.pass_on(talk, "transport", things or ("airport_transfer",))
    rule = None if "taxi" in things or passed.again else knowledge.known(talk, "ask_transport")
    talk.acted_on.append("ask_transport")
    _leave_the_rest(talk)
    parts = [passing_on.told(talk, passed)]
    parts = [rule, *parts] if rule else parts
    return [*parts, *_when(talk, passed)]


def _when(talk: Talk, passed: passing_on.Passed) -> list[Part]:
    known = "time" in talk.said.entities or _WHEN.search(fold(talk.said.words))
    if known or passed.again:
        return []
    return passing_on.ask_more(talk, passed, "when", "transport.when")


def _leave_the_rest(talk: Talk) -> None:
    said = talk.said
    mistaken = ("ask_transport",) if _A_ROOM_TOO.search(fold(said.words)) else _MISTAKEN_FOR
    talk.said = replace(
        said,
        acts=tuple(act for act in said.acts if act not in mistaken),
        unsure=tuple(act for act in said.unsure if act not in mistaken),
    )
