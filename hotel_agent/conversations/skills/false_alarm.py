"""An alarm that was none: the guest is thanked for saying so, and a person keeps the matter all the same."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date

from hotel_agent.conversations.dialogue import Heard
from hotel_agent.conversations.listening import Said, listen
from hotel_agent.conversations.skills import grave
from hotel_agent.conversations.skills.emergency import number_of
from hotel_agent.conversations.talk import Part, Talk
from hotel_agent.nlu import Hints, understand
from hotel_agent.nlu.text import fold

_CALLS_OFF = re.compile(
    r"\b(?:falsa alarma|false alarms?|alarme falso|falso alarme|alarma falsa|alarme a toa|rebate falso)\b"
)
# Nobody who doubts it, denies it or asks has called it off.
_NOT_CALLED_OFF = re.compile(
    r"\b(?:no (?:es|era|fue|ha sido|parece)|not|n'?t|isnt|wasnt|nao (?:e|era|foi|parece)|espero|ojala|oxala|tomara"
    r"|hope\w*"
    r"|creo|crees?|cree|acho|think\w*|guess|suppose|supongo|parece|seems?|sera|seria|sea|seja|fuera|fosse|quiza\w*|talvez"
    r"|tal vez|maybe|perhaps|puede|podria|pode|poderia|might|could|may|probabl\w*|provavel\w*|seguramente|si es"
    r"|si era|si fue"
    r"|se for|se e|if|whether|dicen|dizem|they say|otra|another|outra|outro|siempre|always|sempre)\b"
)
# What goes on now is no matter of a moment ago.
_GOES_ON_NOW = re.compile(
    r"\b(?:ahora|now|agora|todavia|aun|still|ainda|sigue\w*|sigo|continu\w+|otra vez|again|de novo|pero|but|mas|help"
    r"|ayuda|socorro|auxilio|ajuda|de verdad|real|really|de verdade)\b"
)
# What it turned out to be.
_WAS_ONLY = re.compile(
    r"\b(?:era|eran|fue|fueron|ha sido|solo|solamente|was|were|just|only|turned out|foi|foram|apenas|somente)\b"
)
_SENTENCE = re.compile(r"(?<=[.!?;\n])\s*")
_CLAUSE = re.compile(r"[.,;:!\n]+")
# From this chance on words are taken for an alarm (listening.py has the same bar).
_ALARMING = 0.3


def is_called_off(words: str, hints: Hints, today: date) -> bool:
    """Whether the words say that there was no danger, and tell of none.

    Whoever doubts it, asks, or goes on to tell of something that burns or hurts has called nothing off.
    """
    line = fold(words)
    if not _CALLS_OFF.search(line) or _GOES_ON_NOW.search(line) or grave.matters_of(words):
        return False
    about = [sentence for sentence in _SENTENCE.split(line) if _CALLS_OFF.search(sentence)]
    if any("?" in sentence or _NOT_CALLED_OFF.search(_CALLS_OFF.sub(" ", sentence)) for sentence in about):
        return False
    others = [clause for clause in _CLAUSE.split(_CALLS_OFF.sub(" ", line)) if clause.strip()]
    return not any(_alarms(clause, hints, today) for clause in others if not _WAS_ONLY.search(clause))


def _alarms(words: str, hints: Hints, today: date) -> bool:
    heard = understand(words, today, hints).intents
    return any(one.intent == "emergency" and one.confidence >= _ALARMING for one in heard)


def is_meant(talk: Talk) -> bool:
    hints = Hints(talk.heard_in, alarms=talk.hotel.emergency_words)
    return not talk.said.tap and is_called_off(talk.said.words, hints, talk.turn.today)


def answer(talk: Talk) -> list[Part]:
    """That somebody looks all the same; what is asked besides is left in `talk.said` to be served."""
    talk.hand_over("emergency")
    talk.state.alarmed, talk.state.failures = False, 0
    talk.acted_on.append("emergency")
    talk.said = _rest(talk)
    return [talk.part("emergency.called_off", number=number_of(talk))]


def _rest(talk: Talk) -> Said:
    """The questions that are about something else."""
    asked = [one for one in _SENTENCE.split(talk.said.words) if "?" in one and not _CALLS_OFF.search(fold(one))]
    if not asked:
        return replace(talk.said, acts=(), unsure=())
    turn = replace(talk.turn, heard=(Heard(0, "text", " ".join(asked), None, "answerable"),), language=talk.heard_in)
    types = {code: kind.words for code, kind in talk.kinds.items()}
    return listen(turn, talk.state.expected, talk.state.booking, types, talk.state.booking.around)
