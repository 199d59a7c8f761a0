"""A guest who needs a moment while a room is kept for them: it is kept for longer, twice at most."""

from __future__ import annotations

import re
from dataclasses import replace

from hotel_agent.conversations.skills import book
from hotel_agent.conversations.talk import Part, Talk
from hotel_agent.nlu.text import fold
from hotel_agent.reservations import PmsRejected
from hotel_agent.reservations.booking import extend_hold

# Some time, as one asks for it: "10 minutos", "un rato más", "a bit longer", "mais um pouquinho".
_COUNT = (
    r"(?:(?:un|una|unos|unas|uno|media|otro|otra|otros|dos|tres|cinco|diez|quince|veinte|treinta|algo|de|\d+|a|an|one|half"
    r"|another|few|some|couple|of|bit|little|just|two|three|five|ten|fifteen|twenty|thirty|um|uma|uns|umas|meia|mais|mas"
    r"|more|pouco|poco|dois|dez|quinze|vinte|trinta|so|solo) )*"
)
_UNIT = (
    r"(?:minut\w*|rat(?:it)?o|moment\w*|segund\w*|seconds?|sec|while|instante|poquito|pouquinho|tiempo|tempo|time|horas?"
    r"|hours?)\b"
)
_TIME = f"{_COUNT}{_UNIT}"
# "Un poco más", at the end: "una más" is another room.
_MORE = (
    r"(?:(?:(?:un |um |a )?(?:poco|pouco|bit|little) )?(?:mas|mais|more|longer)"
    r"|(?:mais |mas )?(?:un |um |a )?(?:poco|pouco|bit|little))$"
)
_FILLERS = (
    r"(?:(?:me|la|lo|las|los|nos|el|it|them|on|to|that|this|the|my|rooms?|habitacion|quarto|hold|for|us|o|a|os|as|eu|para"
    r"|mim|por|durante|please|reserva|plazo|prazo) )*"
)
_WISHES = (
    # Keep it, wait, extend: and for how long.
    rf"\b(?:guard|mante|aguant|ampli|alarg|exten|estend|esper|aguard|segur|hold|keep|wait|hang)\w* {_FILLERS}"
    rf"(?:{_TIME}|{_MORE})",
    r"\b(?:ampli|alarg|exten|estend|prolong)\w* (?:the |my |this |el |la |o |a )?"
    r"(?:hold|plazo|prazo|tiempo|tempo|time)\b",
    r"^(?:hold|hang) on$",
    # Give me, I need.
    rf"\b(?:dame|deme|dadme|me (?:das|dais|da|de|daria)|(?:me )?(?:puedes|podeis|podrias|puede|pode|poderia) dar(?:me)?"
    rf"|give me|i (?:just )?need|need|necesito|necesitamos|preciso|precisamos) {_TIME}",
    rf"^{_COUNT}{_UNIT}(?: (?:mas|mais|more))?(?: (?:por favor|please|porfa))?$",
    # Think, ask at home, answer later.
    r"\b(?:dejame|dejadme|dejeme|deja que|tengo que|tenemos que|necesito|deixa|deixe|deixa eu|deixe eu|deixa me|preciso"
    r"|tenho que|let me|let us|i (?:have|need|must)(?: to)?|we (?:have|need)(?: to)?) (?:just )?(?:lo |la |me lo )?"
    r"(?:pens\w+|pienso|consult\w+|hablar\w* con|preguntar\w* a|think|check with|ask (?:my|him|her|them)"
    r"|(?:talk|speak) (?:to|with)|discuss|falar com|perguntar (?:a|para|pro|pra)|ver com)",
    r"\b(?:ahora|luego|despues|ja|depois|enseguida) (?:te|os|le|lhe|vos) (?:digo|confirmo|aviso|cuento)\b",
    r"\b(?:te|os|le|lhe) (?:digo|confirmo|aviso) (?:en|luego|despues|ahora|dentro|em|daqui|depois)\b",
    r"\b(?:i ll|i will) (?:let you know|tell you|confirm|get back)\b",
)
_WISH = re.compile("|".join(_WISHES))
_CLAUSE = re.compile(r"[.,;:!?¿¡\n]+")
# Whoever asks for a moment says so in a few words; and a pattern is not to ponder over thousands.
LONGEST = 200
# Words about something else that is kept, a stay that is to last longer, or a person.
_OTHER = re.compile(
    r"\b(?:maletas?|equipajes?|luggage|bags?|suitcases?|bagage[mn]s?|malas?|check.?out|check.?in|salida|late|saida|noches?"
    r"|nights?|noites?|quedar\w*|stay|ficar|cancel\w*|personas?|alguien|recepcion|person|human|someone|pessoas?|alguem"
    r"|recepcao|front desk|reception|gracias por|thanks for|thank you for|obrigad[oa] por)\b"
)
# What cannot be meant by whoever asks for a moment, however it sounds to the model.
_MISHEARD = frozenset(
    "affirm deny late_checkout early_checkin modify_reservation ask_luggage ask_checkout_time ask_checkin_time"
    " complaint out_of_scope ask_payment give_feedback inform make_reservation".split()
)


def is_asked(talk: Talk) -> bool:
    """A moment more for what is kept now: without a hold the same words are about something else."""
    if not talk.state.hold or talk.said.tap:
        return False
    clauses = [" ".join(re.findall(r"\w+", clause)) for clause in _CLAUSE.split(fold(talk.said.words))]
    brief = [clause for clause in clauses if len(clause) <= LONGEST]
    return any(_WISH.search(clause) and not _OTHER.search(clause) for clause in brief)


def answer(talk: Talk) -> list[Part]:
    """Until when the rooms are kept, from the record; and whether to book them, as before."""
    hold_key = talk.state.hold or ""
    talk.acted_on.append("inform")
    _hear_nothing_else_in_it(talk)
    talk.pms_action = "hold"
    try:
        hold = extend_hold(talk.hotel, hold_key, talk.guest.id, talk.key("extend"))
    except PmsRejected as refusal:
        return _no_longer(talk) if refusal.reason == "often_enough" else book.read_back_again(talk)
    talk.happened("hold_extended", extension=talk.key("extend"), hold=hold.hold_key, until=hold.expires_at)
    return [book.kept(talk, hold, "book.held_longer")]


def _no_longer(talk: Talk) -> list[Part]:
    hold = book.current_hold(talk)
    return [book.kept(talk, hold, "book.not_longer")] if hold else book.read_back_again(talk)


def _hear_nothing_else_in_it(talk: Talk) -> None:
    """ "Give me ten minutes, please" sounds like a yes, and "let me think" like a no."""
    acts = tuple(act for act in talk.said.acts if act not in _MISHEARD)
    unsure = tuple(act for act in talk.said.unsure if act not in _MISHEARD)
    talk.said = replace(talk.said, acts=acts, unsure=unsure)
