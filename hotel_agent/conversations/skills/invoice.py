"""An invoice: the hotel's rule, and what it needs to be made out is asked for and passed on."""

from __future__ import annotations

import re

from hotel_agent.conversations.models import GuestRequest
from hotel_agent.conversations.skills import knowledge, passing_on
from hotel_agent.conversations.talk import Part, Talk
from hotel_agent.nlu.text import fold

_ONLY_ASKS = re.compile(
    r"^\W*(?:hola |buenas |ola |hi |hello )?\W*(?:dais|dan|das|emit\w+|haceis|hacen|entreg\w+"
    r"|se puede|es posible|do you (?:give|issue|provide|do|offer)"
    r"|is it possible|e possivel|voces (?:emit\w+|dao|fazem)|cuando|when|quando|donde|where|onde|como|how)\b"
)
_TAX_ID = re.compile(
    r"\b(?:[a-z]-?\d{7,8}-?[a-z]?|\d{8}-?[a-z]|\d{2}\.?\d{3}\.?\d{3}/?\d{4}-?\d{2}"
    r"|\d{3}\.?\d{3}\.?\d{3}-?\d{1,2}|\d{9,14}"
    r"|[a-z]{2}\d{8,12}[a-z]?)\b"
)
_ADDRESS = re.compile(
    r"\b(?:calle|c/|avda?|avenida|av|plaza|paseo|carrer|carretera|via|carrera|cra|rua|travessa|praca"
    r"|alameda|estrada"
    r"|street|st|road|rd|avenue|ave|lane|drive|square|direccion(?: es)?:?|endereco:?|address:?)\b[ .,/:]*\w+.*\d"
    r"|\b\d+ (?:\w+ ){1,3}(?:street|st|road|rd|avenue|ave|lane|drive|square)\b"
)
_NAME = re.compile(
    r"\bs\.? ?l\.?(?:u\.?)?(?=\W|$)|\bs\.? ?a\.?(?: de c\.?v\.?)?(?=\W|$)|\b(?:ltd|llc|inc|gmbh|ltda"
    r"|lda|limited|eireli|sas)\b"
    r"|\b(?:empresa|company|razon social|razao social|firma)(?:(?: se llama| is| es| e|:)+) \w+"
    r"|\ba nombre de (?!(?:mi|la|una|nuestra|su|empresa|otra)\b)\w+|\b(?:in the name of"
    r"|made out to) (?!(?:my|the|our|a|another)\b)\w+"
    r"|\bem nome (?:de|da|do) (?!(?:minha|empresa|uma|nossa|outra)\b)\w+|\b(?:me llamo|mi nombre es"
    r"|my name is|meu nome e|nombre:|name:|nome:) ?\w+"
)


def answer(talk: Talk) -> list[Part]:
    own = knowledge.own_answer(talk, "ask_invoice")
    if own:
        return own
    rule = knowledge.known(talk, "ask_invoice")
    line = fold(talk.said.words)
    if rule and _ONLY_ASKS.search(line) and "?" in talk.said.words:
        return [rule]
    passed = passing_on.pass_on(talk, "invoice")
    if passed.again:
        return [passing_on.told(talk, passed)]
    asked = _ask_missing(talk, passed, talk.said.words)
    # Who has given all of it, or is about to, need not read that it could be given.
    return [passing_on.told(talk, passed), *asked]


def still_missing(talk: Talk, row: GuestRequest, so_far: str) -> list[Part]:
    """What the details that were given still lack; asked for while each message brings one of them."""
    missing = _missing(talk, so_far)
    if not missing:
        return []
    if len(missing) < len(_missing(talk, row.words)):
        return passing_on.ask_on(talk, row, "invoice", "invoice.still_missing", missing=missing)
    return [talk.part("invoice.still_missing", missing=missing)]


def _ask_missing(talk: Talk, passed: passing_on.Passed, said: str) -> list[Part]:
    missing = _missing(talk, said)
    return passing_on.ask_more(talk, passed, "invoice", "invoice.ask", missing=missing) if missing else []


def _missing(talk: Talk, said: str) -> list[str]:
    """Of name, tax number and address those that the words do not have."""
    line = fold(said)
    named = bool(_NAME.search(line)) or "name" in talk.said.entities
    tax = bool(_TAX_ID.search(line))
    there = {"name": named or tax and " · " in said, "tax_id": tax, "address": bool(_ADDRESS.search(line))}
    return [talk.say(f"invoice.{detail}") for detail, given in there.items() if not given]
