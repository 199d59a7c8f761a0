"""The answer to our question how the stay was: marks and words that could mean anything else are an opinion here."""

from __future__ import annotations

import re
from dataclasses import replace

from hotel_agent.conversations.dialogue import Opinion
from hotel_agent.conversations.guest_requests import shortened
from hotel_agent.conversations.skills.feedback import rating_in
from hotel_agent.conversations.talk import Part, Talk
from hotel_agent.nlu.text import fold

# Whoever wants something else is served, and gives no opinion.
_MAY_BE_TAKEN_FOR = {
    "give_feedback", "inform", "affirm", "deny", "thank", "greet", "goodbye", "out_of_scope", "complaint",
}  # fmt: skip
_MARK = re.compile(
    r"^\W*(?:(?:os|te|le|les|it|you|i|i'd|would|eu|vos|pues|un|una|a|an|uma|um|nota|mark|doy|damos|pongo|ponemos|give|say"
    r"|dou|damos|de|of|is|es|seria|merece|mereceis|diria|que) )*([1-5])\W*(?:(?:gracias|thanks|obrigad[ao])\W*)?$"
)
_GOOD = re.compile(
    r"\b(?:genial\w*|perfect\w*|perfeit\w*|bien|muy buen\w*|buen[oa]s?|bueno|excelente\w*|excellent|great|good|nice"
    r"|amazing|lovely|wonderful|fantastic\w*|estupend\w*|maravill\w*|maravilh\w*|increible|incrivel|encant\w*|feli[zc]\w*"
    r"|lov\w+|otim[oa]s?|bom|boa|bem|ador\w+|gost(?:ei|amos|ou)|gusto|enjoyed|de 10|top|fenomenal|espectacular"
    r"|repetir\w*|volver(?:e|emos|iamos)|come back|voltar(?:ei|emos))\b"
)
_SO_SO = re.compile(
    r"\b(?:regular\w*|normal\w*|correct[oa]|sin mas|asi asi|so so|mais ou menos|mas o menos|average|mediocre|razoavel"
    r"|mejorable|podria (?:ser|estar) mejor|could be better|podia ser melhor)\b"
)
_BAD = re.compile(
    r"\b(?:mal|mal[oa]s?|fatal|horrible\w*|suci[oa]s?|suj[oa]s?|pesim[oa]|pessim[oa]|decep\w+|disappoint\w*|terrible"
    r"|terrivel|ruidos[oa]|barulhent[oa]|noisy|desastre|disaster|asco|bad|awful|dirty|worst|rude|poor|filthy|unhappy"
    r"|ruim|ruins|horrivel|nunca mas|never again|nunca mais|no (?:me|nos) (?:ha )?gust\w+|nao (?:gostei|gostamos)"
    r"|no volver\w+|did not (?:like|enjoy)|didn'?t (?:like|enjoy))\b"
)
_NOT_GOOD = re.compile(
    r"\b(?:no|nao|not|nada|never|poco|pouco) (?:\w+ )?"
    r"(?:bien|buen[oa]|genial|perfect\w*|good|great|nice|bem|bom|boa|otim[oa])\b"
)
_BUT = re.compile(r"\b(?:pero|aunque|but|although|however|porem|excepto|except|salvo|solo que|lastima)\b")
_BAD_FROM, _GOOD_FROM = 2, 4


def is_answer(talk: Talk) -> bool:
    said = talk.said
    if talk.turn.review_asked is None or said.tap:
        return False
    line = fold(said.words)
    if _MARK.match(line):
        return True
    if "?" in said.words or not set(said.acts) <= _MAY_BE_TAKEN_FOR:
        return False
    tells = any(pattern.search(line) for pattern in (_GOOD, _SO_SO, _BAD, _NOT_GOOD))
    return tells or _rating(said.words) is not None or said.means("give_feedback", "complaint")


def take(talk: Talk) -> list[Part]:
    """Keep it, of the stay that was asked about; a complaint in it is answered as such."""
    rating, line = _rating(talk.said.words), fold(talk.said.words)
    key = talk.key("feedback")
    talk.file(Opinion(rating, shortened(talk.said.words), key, talk.turn.review_asked))
    talk.acted_on.append("give_feedback")
    talk.state.failures = 0
    complains = talk.said.means("complaint")
    talk.said = replace(talk.said, acts=("complaint",) if complains else (), unsure=())
    if complains:
        return []
    doubtful = bool(_NOT_GOOD.search(line) or _SO_SO.search(line) or _BUT.search(line))
    if rating is not None and rating <= _BAD_FROM or rating is None and _BAD.search(line):
        talk.hand_over("complaint")
        return [talk.part("feedback.sorry")]
    if rating is not None and rating < _GOOD_FROM or doubtful or _BAD.search(line):
        talk.hand_over("feedback")
        return [talk.part("feedback.mixed")]
    return [talk.part("feedback.thanks")]


def _rating(said: str) -> int | None:
    """We asked for a mark from 1 to 5: "un 4" is one, where elsewhere it would be of ten."""
    mark = _MARK.match(fold(said))
    return int(mark[1]) if mark else rating_in(said)
