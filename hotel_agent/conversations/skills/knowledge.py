"""What the hotel says about itself, in its own words; what it has not said is asked of a colleague.

A hotel writes about the intents that ask something, and about any topic of its own ("piano_bar"). The text of the
intent that was understood is told if it speaks of what was asked at all, and of what is wanted to be known of it;
every other text only if it clearly speaks of what was asked. For the rest a colleague is asked, and the question is
kept for them (conversations/missing.py).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from sqlalchemy import select

from hotel_agent.channels.whatsapp.limits import OutLocation
from hotel_agent.conversations import missing
from hotel_agent.conversations.dialogue import Question
from hotel_agent.conversations.guest_requests import shortened
from hotel_agent.conversations.skills.things import named, things_in
from hotel_agent.conversations.talk import Part, Talk
from hotel_agent.db import db
from hotel_agent.evidence import record
from hotel_agent.hotels.models import Knowledge
from hotel_agent.nlu import Hints, encoder, understand
from hotel_agent.nlu.meaning import Entry, Match, best_match, is_question
from hotel_agent.nlu.text import fold
from hotel_agent.pms.policy import fee_of, is_non_refundable

TOPICS = frozenset([
    "ask_room_types", "ask_checkin_time", "ask_checkout_time", "ask_location", "ask_transport", "ask_parking",
    "ask_wifi", "ask_breakfast", "ask_restaurant", "ask_pool", "ask_gym_spa", "ask_pets", "ask_children",
    "ask_accessibility", "ask_smoking", "ask_luggage", "ask_amenities", "ask_payment",
    "ask_cancellation_policy",
])  # fmt: skip


# The intent of every question about what there is: its text answers some of them, other texts the others.
CATCH_ALL = "ask_amenities"
# Intents outside of TOPICS that a hotel may write about, and that know their own text as those do.
_OTHER_INTENTS = frozenset(["late_checkout", "early_checkin", "ask_invoice", "ask_recommendation"])
# By how much a topic of the hotel's own has to answer better than the text of the intent that was understood.
# At 0.15 none of the questions of tests/nlu/heldout/knowledge.jsonl is taken from an intent that it belongs to.
_MUCH_BETTER = 0.15
# Below this the text of the very intent that was understood does not speak of what was asked, unless it is named. Of
# the tuning half of tests/nlu/heldout/knowledge.jsonl no question is then told a text that does not answer it, and 49
# are told the one that does, as many as without a threshold; tests/conversations/test_told_answers.py holds the other.
OF_ITS_INTENT = 0.15
_TELLING_WORD = re.compile(r"[a-z]{5,}")
_TELLS_NOTHING = frozenset(
    "hotel there where which about would could please tienen teneis puede puedo puedes gracias cuando donde como"
    " voces posso quando onde todos todas hasta desde entre sobre before after their habitacion quarto rooms".split()
)
# "No necesito taxi, gracias", and nothing besides.
_NOT_WANTED = re.compile(
    r"^\W*(?:(?:no|nao|thanks|gracias|obrigad[oa])\W+)?(?:no (?:necesit\w+|quier\w+|queremos|hace falta"
    r"|nos hace falta|me hace falta"
    r"|precis\w+)|nao (?:precis\w+|quer\w+)|(?:i|we) (?:do not|don'?t|won'?t) (?:need|want)|(?:do not|don'?t"
    r"|no) need(?: for| of)?"
    r"|without|sin|sem)\b(?:\W+(?!(?:y|and|e|pero|but|mas|con|com|with|solo|only|sino|quiero|fumar|smok\w+)\b)\w+){1,5}\W*$"
)
# What is understood by being followed: "can we speak English?", "hablo poco español".
_IN_WHICH_LANGUAGE = re.compile(
    r"\b(?:speak|talk|write|answer|reply|habl\w+|fal[aeo]\w*|escrib\w+|contest\w+|respond\w+|my|mi|meu)\b[^.?!]{0,20}"
    r"\b(?:english|spanish|portuguese|ingles|espanol|castellano|portugues|espanhol)\b"
)
_SENTENCE_END = re.compile(r"(?<=[.?!])\s+|\n+")
_CLAUSE_END = re.compile(
    r"\s*[,;]?\s+(?:y|e|o|u|and|or|ou|tambi[eé]n|adem[aá]s|also|plus|al[eé]m disso)\s+(?:(?:si|if|se"
    r"|tamb[eé]m|also)\s+)?|[,;]\s+",
    re.IGNORECASE,
)
# What may be wanted to be known of a thing besides that it is there, on folded words: a text that does not speak of it
# is no answer. Nearness of meaning does not tell these: "is the pool heated?" is near to every text about a pool.
_BESIDES = tuple(
    re.compile(spelt)
    for spelt in (
        r"climatiz|calefact|calent|calid|heated|\bheating|\bwarm|aquecid|temperad|\bquente",
        r"\bcubiert|interior|indoor|\bcobert|\binterna|techad",
        r"\bmegas?\b|mbps|velocidad|\bfast|speed|rapid|\bgiga",
        r"\bvend[eo]|\bvendem|\bsell|\bfor sale|compr[ao]|\bbuy|tienda|\bshop|\bloja",
        r"alquil|\brent|\balug|arrend|\bhire\b",
        r"billar|ping ?pong|pool table|table tennis|sinuca|bilhar|futbolin",
        r"\bclases?\b|\baulas?\b|lessons?|\bclass(?:es)?\b|entrenador|\btrainer|\bpersonal\b|instructor",
        r"masaj|massag",
        r"halal|kosher",
        r"lactos|\bcelia[ck]|coeliac|gluten",
        r"vegan|vegetarian",
        r"electric|eletric|tesla|cargador|charg|carregador",
        r"hidromasaje|jacuzzi|hot tub|sauna|\bspa\b|banera|ofuro",
        r"\bnad(?:ar|o) |olimpic|olympic|profund|\bdeep|metros|largo",
        r"socorrista|lifeguard|salva-?vidas",
    )
)
# Who says one of these names the very thing that a hotel writes about there, however little else they say.
_NAMED = {
    topic: re.compile(spelt)
    for topic, spelt in {
        "ask_location": r"^(?!.*(?:aer[eo]|airport))(?:.*\b(?:donde (?:esta|queda|se encuentra)"
        r"|onde (?:fica|e|esta)\b"
        r"|where (?:are you|is (?:the|your) hotel)|direccion|address|endereco|(?:como"
        r"|how) (?:se )?(?:lleg|cheg|do (?:i|we) get)))",
        "ask_pets": r"\bperr|\bgat[oa]s?\b|mascota|\bdogs?\b|\bcats?\b|\bpets?\b|pupp|cachorr|\bcao\b"
        r"|\banima(?:l|is)\b",
        "ask_children": r"\bcunas?\b|\bcots?\b|\bcribs?\b|\bbercos?\b|\btronas?\b|high ?chair|\bcadeirao",
        "ask_breakfast": r"desayun|breakfast|cafe da manha|\bcafe (?:esta |e )?inclu",
        "ask_gym_spa": r"gimnasi|\bgym\b|\bacademia\b|musculac|\bpesas\b|\bweights\b|ejercicio|work ?out",
        "ask_pool": r"piscin|\bpool\b|alberca|\bpileta",
        "ask_wifi": r"\bwi-? ?fi\b",
        "ask_parking": r"parking|aparca|estaciona|parqueadero|cochera|garage|car park|\bto park\b",
        "ask_smoking": r"\bfum|smok",
    }.items()
}
# What may be broken of what there is, as skills/things.py calls it.
_BREAKS = {"ask_wifi": "wifi", "ask_accessibility": "lift", "ask_parking": "door"}
# "Do you allow smoking?" and "is there a spa?" ask for what the topic is named after, and these words are of it.
_IS_ITS_OWN = {"ask_gym_spa": re.compile(r"\bspa\b|sauna|jacuzzi"), "ask_transport": re.compile(r"\btaxi")}


def is_not_wanted(talk: Talk) -> bool:
    """Whether the guest only says that they do without something that the hotel offers."""
    said = talk.said
    asks = "?" in said.words or said.tap or not set(said.acts) <= {*TOPICS, "deny", "thank", "inform", "out_of_scope"}
    about_something = said.means(*TOPICS) and not said.means("ask_smoking", "ask_cancellation_policy", "ask_room_types")
    return about_something and not asks and bool(_NOT_WANTED.search(fold(said.words)))


def answer(talk: Talk, intent: str) -> list[Part]:
    """What the hotel says to an intent, or that a colleague will be asked."""
    if _is_about_what_is_broken(talk, intent):
        return []
    if intent == CATCH_ALL:
        return clear_answers(talk) or _of_what_there_is(talk) or _unless_only_a_request(talk)
    won = _won_by_own_topics(talk, intent)
    told = _told(talk, won.values())
    if told and not any(_clearly_asks(talk, sentence, intent) for sentence in _sentences(talk) if sentence not in won):
        return told
    part = _of_its_intent(talk, intent)
    if part:
        return [part, *told]
    others = [topic for topic in _written(talk) if topic not in (intent, CATCH_ALL)]
    return told or _clear_ones(talk, others) or [unknown(talk, intent)]


def rest(talk: Talk) -> list[Part]:
    """The other questions of a message, each answered if a text clearly does, else named and asked of a colleague."""
    clauses = _clauses(talk)
    if len(clauses) < 2 or any(isinstance(thing, Question) for thing in talk.filed):
        return []
    parts: list[Part] = []
    for clause in clauses:
        parts += [part for part in _left_over(talk, clause) if part not in parts]
    return parts


def _is_about_what_is_broken(talk: Talk, intent: str) -> bool:
    """ "The wifi does not work" asks nothing about wifi."""
    broken = things_in("repair", talk.said.words) if talk.said.means("report_problem") else ()
    return _BREAKS.get(intent) in broken and "?" not in talk.said.words


def _of_what_there_is(talk: Talk) -> list[Part]:
    """The text about what there is, where no other one is nearer to the question."""
    nearest = [_best(talk, sentence, _written(talk)) for sentence in _sentences(talk)]
    part = _of_its_intent(talk, CATCH_ALL)
    return [part] if part and all(match and match.topic == CATCH_ALL for match in nearest) else []


def _left_over(talk: Talk, clause: str) -> list[Part]:
    """What is still to be said to one question of several."""
    hints = Hints(language=talk.heard_in, country=talk.hotel.country)
    intent = understand(clause, talk.turn.today, hints).intent
    if intent in ("greet", "thank", "goodbye"):
        return []
    match = _best(talk, clause, _written(talk))
    if match and _is_clear(talk, clause, match):
        return _told(talk, [match])
    if intent == "ask_room_types" and intent in talk.acted_on:
        return []
    if intent in TOPICS - {CATCH_ALL} and intent in talk.acted_on and _speaks_of(talk, clause, intent):
        return []
    if intent not in TOPICS | {"out_of_scope"}:
        return []  # The other skills have served it, or asked about it.
    return [unknown(talk, intent, clause)]


def _of_its_intent(talk: Talk, intent: str) -> Part | None:
    """The hotel's text about an intent, or what its settings tell, if that is what was asked."""
    part = known(talk, intent)
    if part is None:
        return _from_settings(talk, intent)
    if _was_chosen(talk, intent):
        return part if _speaks_of_the_rest(talk, talk.said.words, intent) else None
    return part if any(_speaks_of(talk, piece, intent) for piece in _pieces(talk)) else None


def names(talk: Talk, topic: str) -> bool:
    """Whether the very thing is named that a hotel writes about there."""
    return bool(_NAMED[topic].search(fold(talk.said.words)))


def _was_chosen(talk: Talk, intent: str) -> bool:
    """Whether the guest has said that this is what they mean, however they had put it."""
    return any(one.intent == intent and one.confidence >= 1 for one in talk.said.whole.intents)


def _speaks_of(talk: Talk, question: str, intent: str) -> bool:
    """Whether the text of this intent speaks of the question, and of what is to be known besides."""
    match = _best(talk, question, [intent])
    named_it = intent in _NAMED and _NAMED[intent].search(fold(question))
    if match is None or encoder.available() and match.score < OF_ITS_INTENT and not named_it:
        return False
    return _speaks_of_the_rest(talk, question, intent)


def _speaks_of_the_rest(talk: Talk, question: str, topic: str) -> bool:
    """Whether the text speaks of what is to be known besides that the thing is there."""
    asked, own = fold(question), _IS_ITS_OWN.get(topic)
    if not any(wanted.search(asked) for wanted in _BESIDES):
        return True
    text = fold(" ".join(row.text for row in _rows_about(talk, topic)))
    return all(
        wanted.search(text) or own is not None and own.search(asked) for wanted in _BESIDES if wanted.search(asked)
    )


def _rows_about(talk: Talk, topic: str) -> list[Knowledge]:
    """In every language: a guest may ask in one and be answered in another."""
    row = _written(talk).get(topic)
    same = select(Knowledge).where(Knowledge.hotel_id == talk.hotel.id, Knowledge.topic == topic)
    return list(db.session.scalars(same)) if row else []


def _pieces(talk: Talk) -> list[str]:
    """Every sentence, and what it is joined from: a question may stand beside a story, or beside another one."""
    joined = [piece for sentence in _sentences(talk) for piece in _CLAUSE_END.split(sentence) if piece.strip()]
    return list(dict.fromkeys([*_sentences(talk), *joined]))


def _clauses(talk: Talk) -> list[str]:
    """The questions of which a message is made: "is there a gym and do you rent bicycles?" is two."""
    found: list[str] = []
    for sentence in _sentences(talk):
        pieces = [piece.strip() for piece in _CLAUSE_END.split(sentence) if piece.strip()]
        if len(pieces) > 1 and not all(is_question(f"{piece.rstrip('?')}") for piece in pieces[1:]):
            pieces = [sentence]
        found += [piece for piece in pieces if is_question(piece) or "?" in sentence]
    return found


def _unless_only_a_request(talk: Talk) -> list[Part]:
    """ "Towels, and the air conditioning does not work" asks nothing about what there is."""
    return [] if talk.filed and not is_question(talk.said.words) else [unknown(talk, CATCH_ALL)]


def known(talk: Talk, topic: str) -> Part | None:
    """The hotel's text in the guest's language, else in its own, else in whichever it was written."""
    row = _written(talk).get(topic)
    return Part(row.text.strip(), location=_place(row)) if row else None


def clear_answers(talk: Talk) -> list[Part]:
    """What clearly answers the guest's sentences, whatever its topic."""
    return _clear_ones(talk, _written(talk))


def _clear_ones(talk: Talk, topics: Iterable[str]) -> list[Part]:
    asked = {sentence: _best(talk, sentence, topics) for sentence in _sentences(talk)}
    clear = [match for sentence, match in asked.items() if match and _is_clear(talk, sentence, match)]
    return _told(talk, clear)


def _is_clear(talk: Talk, question: str, match: Match) -> bool:
    return match.is_clear and _speaks_of_the_rest(talk, question, match.topic)


def answer_to_half_heard(talk: Talk) -> list[Part]:
    """The text of a topic that may have been asked about, if it speaks of the question."""
    for intent in talk.said.unsure:
        if intent not in TOPICS - {CATCH_ALL, "ask_room_types"}:
            continue
        part = _of_its_intent(talk, intent) or (known(talk, intent) if _shares_a_word(talk, intent) else None)
        if part:
            talk.acted_on.append(intent)
            return [part]
    return []


def _shares_a_word(talk: Talk, topic: str) -> bool:
    """Whether the text has a telling word of the question: "is the beach far?"."""
    asked = {word for word in _TELLING_WORD.findall(fold(talk.said.words)) if word not in _TELLS_NOTHING}
    row = _written(talk).get(topic)
    return bool(row and asked & set(_TELLING_WORD.findall(fold(row.text))) and is_question(talk.said.words))


def answer_to_unsure(talk: Talk) -> list[Part]:
    """What clearly answers words that were not understood, if they are a question at all.

    What is asked about may be known though the hotel says nothing of it: then a colleague is asked.
    """
    if not is_question(talk.said.words):
        return []
    return clear_answers(talk) or ([unknown(talk, CATCH_ALL)] if things_in("question", talk.said.words) else [])


def own_answer(talk: Talk, intent: str) -> list[Part]:
    """What the hotel wrote about topics of its own, where that answers much better than the intent's text."""
    return _told(talk, _won_by_own_topics(talk, intent).values())


def _won_by_own_topics(talk: Talk, intent: str) -> dict[str, Match]:
    """The sentences that a topic of the hotel's own answers much better than the text of the intent."""
    own = [topic for topic in _written(talk) if topic not in TOPICS and topic not in _OTHER_INTENTS]
    won = {}
    for sentence in _sentences(talk):
        match, usual = _best(talk, sentence, own), _best(talk, sentence, [intent])
        if match and match.is_clear and (not usual or match.score >= usual.score + _MUCH_BETTER):
            won[sentence] = match
    return won


def _clearly_asks(talk: Talk, sentence: str, intent: str) -> bool:
    match = _best(talk, sentence, [intent])
    return bool(match and _is_clear(talk, sentence, match))


def _best(talk: Talk, sentence: str, topics: Iterable[str]) -> Match | None:
    rows = _written(talk)
    return best_match(
        sentence, [Entry(topic, rows[topic].language, rows[topic].text) for topic in topics if topic in rows]
    )


def _told(talk: Talk, matches: Iterable[Match]) -> list[Part]:
    topics = dict.fromkeys(match.topic for match in matches)
    return [part for topic in topics if (part := known(talk, topic))]


def _sentences(talk: Talk) -> list[str]:
    sentences = [sentence for sentence in _SENTENCE_END.split(talk.said.words) if sentence.strip()]
    return [sentence for sentence in sentences if not _IN_WHICH_LANGUAGE.search(fold(sentence))]


def _written(talk: Talk) -> Mapping[str, Knowledge]:
    """By topic, the text that this guest would be told; read once a turn."""
    if talk.written is None:
        query = select(Knowledge).where(Knowledge.hotel_id == talk.hotel.id).order_by(Knowledge.topic)
        # The language that a guest would rather read comes last, and stays.
        liked = {talk.hotel.language: 1, talk.language: 2}
        rows = sorted(db.session.scalars(query), key=lambda row: (liked.get(row.language, 0), row.language))
        talk.written = {row.topic: row for row in rows if row.text.strip()}
    return talk.written


def _place(row: Knowledge) -> OutLocation | None:
    at = row.payload or {}
    if not {"latitude", "longitude"} <= set(at):
        return None
    return OutLocation(float(at["latitude"]), float(at["longitude"]), at.get("name"), at.get("address"))


def _from_settings(talk: Talk, topic: str) -> Part | None:
    """What the hotel's profile tells when nobody has written about it."""
    hotel = talk.hotel
    match topic:
        case "ask_checkin_time":
            return talk.part("knowledge.checkin_time", from_time=hotel.check_in_time)
        case "ask_checkout_time":
            return talk.part("knowledge.checkout_time", until=hotel.check_out_time)
        case "ask_cancellation_policy":
            hours = 0 if is_non_refundable(hotel) else hotel.free_cancellation_hours
            fee = fee_of(hotel)
            return talk.part(
                "knowledge.policy",
                hours=hours,
                fee_is=record(str(fee)),
                amount=record(fee.number) if fee.kind == "amount" else None,
                currency=hotel.currency,
                from_time=hotel.check_in_time,
            )
        case _:
            return None


def unknown(talk: Talk, topic: str, question: str | None = None) -> Part:
    """A colleague will be asked: the question is filed for them, once while it has no answer."""
    asked = shortened(question or talk.said.words)
    talk.hand_over(missing.REASON)
    about = named(talk.spoken, "question", things_in("question", asked)[:2])
    if any(fold(row.question) == fold(asked) for row in missing.open_of(talk.guest.id)):
        return talk.part("knowledge.asked_already", about=about)
    if any(isinstance(thing, Question) and thing.question == asked for thing in talk.filed):
        return talk.part("knowledge.unknown", about=about)
    known_topic = topic if topic in (TOPICS | _OTHER_INTENTS) - {CATCH_ALL} else None
    count = sum(isinstance(thing, Question) for thing in talk.filed)
    talk.file(Question(asked, known_topic, talk.language, talk.key(f"question{count or ''}")))
    return talk.part("knowledge.unknown", about=about)
