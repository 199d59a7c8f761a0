"""Something left behind: colleagues look for it; what it is and where it may be is asked once."""

from __future__ import annotations

import re

from hotel_agent.conversations.skills import passing_on
from hotel_agent.conversations.skills.things import things_in
from hotel_agent.conversations.talk import Part, Talk
from hotel_agent.nlu.text import fold

_PLACE = re.compile(
    r"\b(?:en (?:el|la|las|los|mi|nuestra|un|una)|in (?:the|my|our|a)|on (?:the|a)|under|at the"
    r"|by the|n[oa]s?|em (?:um|uma)"
    r"|debajo|encima|sobre|embaixo) (?:\w+ ){0,2}?(?:habitacion|cuarto|bano|mesilla|mesita|cama"
    r"|armario|cajon|restaurante|piscina|bar|terraza"
    r"|gimnasio|recepcion|ascensor|salon|desayuno|caja fuerte|playa|lobby|escritorio|mesa|room"
    r"|bathroom|bed|bedside|nightstand|table"
    r"|wardrobe|closet|drawer|restaurant|pool|terrace|gym|reception|lift|elevator|safe|desk|beach"
    r"|quarto|banheiro|cabeceira"
    r"|gaveta|terraco|academia|recepcao|elevador|cofre|praia|criado|\d{2,4})\b|\b(?:habitacion|room"
    r"|quarto|cuarto) \d"
)


def answer(talk: Talk) -> list[Part]:
    passed = passing_on.pass_on(talk, "lost_item")
    missing = "" if passed.again else _missing(talk.said.words)
    asked = passing_on.ask_more(talk, passed, missing, f"lost_item.ask_{missing}") if missing else []
    return [passing_on.told(talk, passed), *asked]


def _missing(said: str) -> str:
    what, where = bool(things_in("lost_item", said)), bool(_PLACE.search(fold(said)))
    return "" if what and where else "where" if what else "what" if where else "both"
