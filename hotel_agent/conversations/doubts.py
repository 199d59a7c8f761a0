"""Words with which a guest neither agrees nor refuses: they are not sure yet, want a moment, or take a tap back."""

from __future__ import annotations

import re

from hotel_agent.nlu.text import fold

# What somebody is not sure whether to do, right behind "no sé si", "not sure if", "não sei se".
_TO_DO = (
    r"(?:(?:lo|la|los|las|te|me|nos|ya|al final|i|we|to|should|shall|can|will|want|it|eu|a gente|vou|devo|quero|quiero"
    r"|queremos|voy a|vamos a|puedo|podemos|posso|debo|debemos|deberia|i'?ll|we'?ll|i'?m going|we'?re going|really|de"
    r"|mesmo) )*"
    r"(?:confirm|reserv|cog|tom|acept|aceit|hac|faz|fac|quedar|quedo|fic|ir\b|vou|voy|vamos|quier|quer|pued|pod|poss"
    r"|book|take|go\b|do\b|keep|cancel|anul|cambi|mud|troc|chang|want|seg|siga|continu|i can\b|we can\b|i will\b"
    r"|esperar)"
)
_DOUBTS = re.compile(
    "|".join(
        (
            r"\b(?:no|nao) (?:lo )?(?:se|sei|sabemos) (?:aun |todavia |ainda |bien |muy bien |bem )?(?:se "
            rf"|si )?{_TO_DO}",
            r"^\W*(?:(?:pues|mm+|hm+|uf|ay|bueno|la verdad|es que|ai|hum|nossa|well|uh+m?|er+m?)\W+)*"
            r"(?:no|nao) (?:lo )?(?:se|sei)(?: (?:aun|todavia|ainda|bien|bem))?\W*(?:$|[.,;!])",
            r"\b(?:aun|todavia|ainda) (?:no|nao) (?:(?:lo|me|nos) )*(?:se\b(?! puede)|sei|sabemos|decid\w+|he decidido"
            r"|hemos decidido|tengo claro|lo tengo)",
            r"\b(?:no|nao) (?:lo |me |nos )*(?:decido|decidimos|decidi|he decidido|hemos decidido|termino de decid\w+"
            r"|acabo de decid\w+|consigo decidir)\b",
            r"\b(?:no|nao) (?:lo |la )?(?:tengo|tenemos|tenho|temos|veo) (?:aun |todavia |ainda )?"
            r"(?:nada |muy |del todo |tan |muito |bem |a |muita |tanta )?(?:clar[oa]|decidid[oa]|certeza)\b",
            rf"\b(?:no|nao) (?:estoy|estamos|estou|to|tou) (?:del todo |muy |tan |nada |muito |bem |100% )?"
            rf"(?:segur\w+|convencid\w+|cert[oa]s?|decidid\w+)(?: (?:de |se |si )*{_TO_DO}|\W*(?:$|[.,;!]))",
            r"\b(?:estoy|estamos|sigo|estou|to|ando) (?:en duda|dudando|indecis\w+|em duvida|na duvida|entre)\b",
            r"\b(?:tengo|tenemos|me entran|tenho) (?:mis |mil |muchas |algunas |minhas |muitas )?(?:dudas|duvidas)\b"
            r"(?! (?:sobre|de|con|com))",
            r"\bme lo (?:estoy|tengo que) pens\w+|\bdejame que lo piense\b",
            rf"\b(?:not|isnt|isn'?t|arent|aren'?t) (?:so |really |quite |that |too |100% |entirely |all that |yet )?"
            rf"(?:sure|certain|decided|convinced)(?: yet)?(?: (?:if|whether|about) {_TO_DO}|\W*(?:$|[.,;!]))",
            rf"\b(?:do not|don'?t|dont|dunno) (?:really |quite )?(?:know )?(?:yet )?(?:if|whether) {_TO_DO}",
            r"\b(?:i|we) (?:do not|don'?t|dont) (?:really |quite )?know(?: yet)?\W*(?:$|[.,;!])",
            r"\b(?:haven'?t|have not|havent) (?:quite |really )?(?:made up|decided)\b",
            r"\b(?:undecided|in two minds|of two minds|second thoughts|having doubts|can'?t decide|cannot decide"
            r"|hesitating|torn)\b",
        )
    )
)
# "Yes, but wait".
_BUT_WAIT = re.compile(
    r"\b(?:pero|but|mas)\b[^.?!]*\b(?:esper\w*|wait|hold on|consult\w*|habl\w*|falar"
    r"|falo|check|pregunt\w*|ask|let me)\b"
)
# "Lo hablo con mi pareja".
_ASKS_OTHERS = re.compile(
    r"\b(?:lo|la) (?:hablo|hablamos|consulto|consultamos|comento|comentamos|pregunto|miro) (?:con|a|en)\b"
    r"|\b(?:habl\w+|consult\w+|comentar\w*|preguntar\w*) (?:lo |la )?(?:con|a) (?:mi|mis|el|la|los|nuestr\w+)\b"
    r"|\b(?:talk to|talk with|speak to|speak with|check with|ask|run it by) (?:my|the|our) (?!(?:hotel|reception"
    r"|front))"
    r"|\b(?:falar com|ver com|perguntar (?:a|para|pro|pra)|consultar|conversar com) (?:o |a |os |as )?(?:meu|minha"
    r"|meus|minhas"
    r"|nosso|nossa|marido|mulher|esposa)\b"
)
# A tap that was not meant, or came too early.
_TAKES_BACK = re.compile(
    r"\b(?:esper[ae]\w*|aguard\w+|pera[ei]?|wait|hold on|hang on|stop|para para|un (?:momento|segundo|minuto)"
    r"|um (?:momento"
    r"|segundo|minuto)|(?:one|a|just a) (?:moment|second|sec|minute|min)|sin querer|sem querer|por error|por engano"
    r"|by (?:mistake|accident)|accidentally|oops|ups|uy|opa|eita|me (?:he )?equivo\w+|me confund\w+|me enganei|errei"
    r"|wrong (?:button|one)|no era (?:es[eoa]|la|el)|nao era (?:ess[ea]|isso|o|a)|not that one|didn'?t mean"
    r"|wasn'?t meant"
    r"|misclick\w*|mejor no|melhor nao|rather not)\b"
)


def is_in_doubt(words: str) -> bool:
    """ "No sé si confirmar": nothing is decided, and nothing is to be done."""
    return bool(_DOUBTS.search(fold(words)))


def asks_others(words: str) -> bool:
    """Whether somebody at home is asked first."""
    return bool(_ASKS_OTHERS.search(fold(words)))


def agrees_but_waits(words: str) -> bool:
    """ "Sí, pero espera que lo consulte", given that the words agree."""
    return bool(_BUT_WAIT.search(fold(words)))


def takes_back(words: str) -> bool:
    """Whether the words undo, or put off, what was tapped a moment before."""
    line = fold(words)
    return bool(_TAKES_BACK.search(line) or _DOUBTS.search(line))
