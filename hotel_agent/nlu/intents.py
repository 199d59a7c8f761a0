"""What the guest wants: the model's wishes, seen in the light of what was just asked.

The model hears a message without the talk around it. Here are the few rules that know the talk, and those for which
a mistake would be grave: an emergency in plain words is one, whatever the model makes of it.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass, field

from hotel_agent.nlu.lexicons import lexicon
from hotel_agent.nlu.model import weigh
from hotel_agent.nlu.phrases import matches
from hotel_agent.nlu.text import words_of
from hotel_agent.nlu.understanding import Scored

SURE = 0.5
_CERTAIN = 0.8
_LIKELY = 0.3
# Of a message with fewer known words than this it is not said that it is out of scope: it was not understood.
_UNDERSTOOD = 0.5
_FAINT = 0.15
# From this chance on a topic that is named in so many words is asked about, where the message surely asks something.
_NAMED = 0.4
# Below this chance of being for a hotel's front desk at all, a message is out of scope. Measured: docs/nlu.md.
IN_SCOPE = 0.85
_THAT_ONE = re.compile(r"(?:yes |ok )?(?:this|that) one(?: please| then)?[.! ]*")
_SMALL_TALK = ("greet", "thank", "goodbye")
_YES_NO = {"confirm_booking", "confirm_cancel", "yes_no"}
_GROUPS = {name: frozenset(intents.split()) for name, intents in lexicon("gravity")["groups"].items()}
# These come first even when the message also answers what was asked.
_MUST_BE_HEARD = _GROUPS["must_be_heard"]
# A plain phrase of the word lists is enough for these.
_NEVER_MISSED = _GROUPS["never_missed"]

_STARTS_YES_NO = re.compile(
    r"^\W*(?P<said>si|sim|yes|yep|ok|vale|dale|claro|perfecto|perfect|perfeito|sure|no|nao|nope|bueno"
    r"|listo|otimo|genial|great|correcto|isso|de acuerdo|beleza|certo|pode ser)\s*(?:[,.;:!\n-]|$|👍"
    r"|(?:pero|but|mas|y|e|and|gracias|thanks|obrigad\w|por favor|please|quiero|quero|me|i|lo|la|eso"
    r"|esa|the|that|que|confirm\w*|reserv\w*|es|esta|is|it|gosto|eu|yo|claro|perfecto|prefiero|prefiro"
    r"|todavia|for|tudo)\b)"
)
_NOT_DENIAL = re.compile(
    r"\b(?:no problem|no hay problema|sin problemas?|sem problemas?|why not|como no|por que no"
    r"|porque no|porque nao|no worries|sem duvida|sin duda|no doubt|nao tem problema|ningun problema"
    r"|no entend\w+|nao entend\w+|not understand|no comprendo|no se\b|nao sei|not know"
    r"|no hay (?!gracias)|no tengo|no funciona|no puedo|no me)\b"
)
# Codes of our own are all the same to the model, those without a figure in them too.
_OWN_CODE = re.compile(r"\b[A-Za-z]{3}-[2-9A-Z]{6}\b")
# "¿Y la suite?", "what about the double?": another detail, put as a question.
_AND_THAT = re.compile(
    r"\W*(?:(?:y|and|e)(?: si| if| se)?|(?:what|how) about|que tal|mejor|melhor|rather) (?:con |with |com )?"
    r"(?:(?:la|el|the|a|o|una?|uma?) )?\w+(?: \w+)?\W*$"
)
_NO_ACT = re.compile(
    r"\b(?:no|not|nao|never|sin) (?:\w+ ){0,3}?(?P<what>cancel\w*|anul\w*|reserv\w*|book\w*"
    r"|modific\w*|cambi\w*|change|mudar|alterar)\b"
)
_ACTS = (
    *((start, "cancel_reservation") for start in ("cancel", "anul")),
    *((start, "make_reservation") for start in ("reserv", "book")),
    ("", "modify_reservation"),
)
# Whatever else the guest tells: "my flight was cancelled, I need to cancel tomorrow's booking".
_CANCELS_A_BOOKING = re.compile(
    r"\b(?:cancel\w*|anul\w*|desmarc\w*) (?:\S+ ){0,3}?(?:reserva|reservacion|booking|reservation)\b"
    r"(?! (?:(?:de|del|da|do|for|at|en|no|na|in) )?(?:(?:el|la|the|a|my|mi) )?(?:vuelo|voo|flight|mesa|table"
    r"|restaurant\w*|dinner|cena|jantar|car|coche|carro|auto|tren|trem|train|taxi|cita|appointment))"
)
_WANTS_NOT = re.compile(r"\b(?:no quiero|nao quero|do not want)\b")
_UNABLE = re.compile(r"\b(?:no puedo|can not|cannot|nao consigo|no me deja|not able|could not)\b")
_AGREES = re.compile(r"\b(?:problem\w*|why not|como no|porque? no|worries|dud[ao]|duvida|doubt)\b")
_FLAT_DENIAL = re.compile(
    r"\b(?:claro que no|de jeito nenhum|por supuesto que no|of course not|claro que nao|absolutely not"
    r"|sure no|never ?mind|no,? thanks|no,? thank you|no,? gracias|nao,? obrigad[ao]|forget it|dejalo"
    r"|dejemoslo|olvidalo|deixa pra la|esquece)\b"
)
_NEGATIVE_QUESTION = re.compile(
    r"\W*(?:no|nao) (?:ten\w+|tien\w+|hay|habra|habria|tem|teria\w*|se puede|podria\w*|podem|seria|es posible"
    r"|hacen|hace|fazem|incluye|inclui)\b"
)
_PLAIN_YES = {"si", "sim", "yes", "yep", "ok", "vale", "dale", "claro", "sure", "listo", "isso"}
_MAY_SMOKE = re.compile(r"\b(?:can|could|may|allowed|to|i|we|you|people|guests?|ok) smoke\b(?! (?:everywhere|coming))")
_NOT_DYING = re.compile(
    r"\bme muero (?:de|por)\b|\bmorrendo de\b|\bdying (?:to|of|for)\b|\bmuerto de\b|\bmorir de\b"
    r"|\bto die for\b|\bkilled it\b"
)
_CHEAPEST = re.compile(
    r"\W*(?:(?:si|yes|sim|ok|vale|pues|entonces|then|entao)\W+)?(?:(?:quiero|prefiero|dame|me quedo con|i take"
    r"|i will take|i want|give me"
    r"|quero|prefiro|fico com|pode ser|reserva|book) )?"
    r"(?:la|el|the|o|a|lo) (?:(?:mas|mais) (?:barat[ao]|economic[ao]|em conta)|menos car[ao]|cheapest|cheaper"
    r"|cheap)(?: one| option| room)?"
    r"(?:\W+(?:por favor|please|gracias|thanks|obrigad[ao]))?[ .!]*"
)
_ANSWERS = {
    "dates": {"check_in", "check_out", "nights"},
    "check_in": {"check_in", "check_out", "nights"},
    "check_out": {"check_in", "check_out", "nights"},
    "nights": {"nights", "check_out", "check_in"},
    "adults": {"adults", "children"},
    "children": {"children", "adults", "children_ages"},
    "party": {"adults", "children"},
    "room_type": {"room_type", "choice"},
    "choose_offer": {"choice", "room_type"},
    "booking_code": {"booking_code"},
    "surname": {"surname", "name"},
    "name": {"name"},
}
# Details of what was offered: "¿y la suite?" instead of a yes.
_OF_AN_OFFER = {"room_type", "choice", "check_in", "check_out", "nights", "adults", "children"}


@dataclass
class Scene:
    """What the rules look at. `found` holds the intents in the order to act on, with their chances; `phrases` are the
    meanings that the word lists find, with the place of their first word."""

    line: str
    entities: Collection[str]
    expected: str | None = None
    asks: bool = False
    in_scope: float = 1.0
    familiar: float = 1.0
    found: dict[str, float] = field(default_factory=dict)
    phrases: dict[str, int] = field(default_factory=dict)

    @property
    def short(self) -> bool:
        return len(words_of(self.line)) <= 4

    @property
    def answers_yes_or_no(self) -> bool:
        return self.expected in _YES_NO or self.expected == "choose_offer"

    @property
    def content(self) -> list[str]:
        """The intents that want something, leaving out politeness and a bare yes or no."""
        aside = (*_SMALL_TALK, "affirm", "deny", "out_of_scope")
        return [intent for intent in self.found if intent not in aside]

    def certain(self, *intents: str) -> bool:
        return any(self.found.get(intent, 0.0) >= _CERTAIN for intent in intents)

    def drop(self, *intents: str) -> None:
        for intent in intents:
            self.found.pop(intent, None)

    def lead(self, intent: str, chance: float) -> None:
        """Act on this one first."""
        chance = max(chance, self.found.pop(intent, 0.0))
        self.found = {intent: chance, **self.found}

    def faint(self, *intents: str) -> None:
        """Leave these heard, but no longer served."""
        for intent in intents:
            self.found[intent] = min(self.found[intent], 0.4)


def find_intents(
    line: str, language: str, entities: Collection[str], expected: str | None, text: str
) -> tuple[Scored, ...]:
    """The intents of a message, in the order to act on; never empty. `line` is the tidied text."""
    if expected == "choose_offer" and _CHEAPEST.fullmatch(line):
        return (Scored("inform", 0.9),)
    if expected in _YES_NO and text.strip(" .!").lower() == "y":
        return (Scored("affirm", 0.95),)
    weighed = weigh(as_weighed(text), language)
    scene = Scene(line, entities, expected, "?" in text, weighed.in_scope, weighed.familiar)
    scene.found = {wish.intent: wish.chance for wish in weighed.wishes}
    for match in matches(words_of(line)):
        if match.strength in ("whole", "sure"):
            scene.phrases[match.meaning] = min(match.start, scene.phrases.get(match.meaning, match.start))
    for rule in (
        _never_missed,
        _scope,
        _named_besides,
        _negations,
        _answered,
        _details,
        _yes_no,
        _faint_answers,
        _small_talk,
    ):
        rule(scene)
    first = next(iter(scene.found), None)
    kept = [
        Scored(intent, round(chance, 3))
        for intent, chance in scene.found.items()
        if chance >= _FAINT or intent == first
    ]
    return tuple(kept) or ((Scored("inform", SURE),) if entities else (Scored("out_of_scope", 0.4),))


def as_weighed(text: str) -> str:
    """The text as the model is given it."""
    return _OWN_CODE.sub("AAA-222222", text)


def _never_missed(scene: Scene) -> None:
    """An emergency or an opt-out in plain words is one, even where the model hears something else louder."""
    if _NOT_DYING.search(scene.line) or _MAY_SMOKE.search(scene.line):
        if not scene.certain("emergency"):
            scene.drop("emergency")
        scene.phrases.pop("emergency", None)
    for intent in _NEVER_MISSED:
        heard = intent in scene.phrases and (intent == "emergency" or scene.short)
        if heard and (intent != "emergency" or scene.found.get(intent, 0.0) >= _FAINT or scene.short):
            scene.lead(intent, 0.9)
            scene.in_scope = 1.0
    if scene.found.get("emergency", 0.0) >= SURE:
        scene.lead("emergency", scene.found["emergency"])


def _scope(scene: Scene) -> None:
    """What no front desk does is refused; a model's guess at a wish is then no wish."""
    if _CANCELS_A_BOOKING.search(scene.line) and scene.found.get("cancel_reservation", 0.0) >= SURE:
        scene.drop("out_of_scope")
        return
    heard_so = scene.found.get("out_of_scope", 0.0)
    details_only = bool(scene.entities) and heard_so < SURE and (scene.content or ["inform"])[0] == "inform"
    if scene.in_scope < IN_SCOPE and not (scene.answers_yes_or_no or details_only):
        refused = max(1.0 - scene.in_scope, heard_so) if scene.familiar >= _UNDERSTOOD else _LIKELY
        scene.drop("out_of_scope")
        scene.faint(*(intent for intent in scene.found if intent != "out_of_scope"))
        scene.lead("out_of_scope", refused)
    elif next(iter(scene.found), None) != "out_of_scope" and not scene.certain("out_of_scope"):
        scene.drop("out_of_scope")


def _named_besides(scene: Scene) -> None:
    """ "How much is the double, and is there a pool?": what is named in so many words beside a sure wish counts too."""
    first = next(iter(scene.found), "")
    surely_asks = first.startswith(("ask_", "check_", "make_", "reservation_")) and scene.found[first] >= SURE
    if not (scene.asks and surely_asks):
        return
    for intent, chance in scene.found.items():
        named = intent in scene.phrases and intent not in ("ask_amenities", "ask_restaurant")
        if intent.startswith("ask_") and named and _NAMED <= chance < SURE:
            scene.found[intent] = SURE


def _negations(scene: Scene) -> None:
    """Who does not want to cancel does not cancel."""
    found = _NO_ACT.search(scene.line)
    if not found or scene.asks and not _WANTS_NOT.search(scene.line):
        return
    intent = next(intent for start, intent in _ACTS if found["what"].startswith(start))
    if not _UNABLE.search(found.group()) and intent in scene.found:
        scene.drop(intent)
        if not any(scene.found[other] >= SURE for other in scene.content):
            scene.lead("deny", 0.75)


def _answered(scene: Scene) -> None:
    """The answer to what was just asked, without a question or a wish that must be heard."""
    asked_for = _ANSWERS.get(scene.expected or "", set()) & set(scene.entities)
    if scene.expected in _YES_NO and _AND_THAT.match(scene.line):
        asked_for = _OF_AN_OFFER & set(scene.entities)
    if not asked_for or scene.certain(*_MUST_BE_HEARD) or scene.asks and not _AND_THAT.match(scene.line):
        return
    scene.faint(*scene.content)
    scene.drop("out_of_scope")
    scene.lead("inform", 0.93)


def _details(scene: Scene) -> None:
    """Details without a wish beside them are told for their own sake; so are a few words after a question."""
    answers = scene.expected is not None and scene.short and not scene.asks
    wishes = {intent for intent in scene.found if not answers or scene.found[intent] >= SURE} - {"out_of_scope"}
    if scene.entities and not wishes and scene.found.get("out_of_scope", 0.0) < _LIKELY:
        scene.drop("out_of_scope")
        scene.lead("inform", SURE)
    elif scene.entities and next(iter(scene.found), None) == "inform":
        scene.lead("inform", SURE)


def _yes_no(scene: Scene) -> None:
    starts = _STARTS_YES_NO.match(scene.line)
    _weigh_answers(scene, starts)
    if scene.asks:
        _questions_agree_to_nothing(scene, starts)
    if _says_cancel_again(scene):
        scene.faint("cancel_reservation")
        scene.lead("affirm", 0.95)
        return
    if {"affirm", "deny"} <= scene.found.keys():
        scene.drop(min(("affirm", "deny"), key=lambda answer: scene.found[answer]))
    for answer in ("affirm", "deny"):
        if answer in scene.found:
            _settle(scene, answer, begins=bool(starts) or scene.phrases.get(answer) == 0)


def _faint_answers(scene: Scene) -> None:
    """A word that the model does not know, such as a surname, is neither a yes nor a no."""
    if _THAT_ONE.fullmatch(scene.line):
        return
    for answer in ("affirm", "deny"):
        if scene.found.get(answer, SURE) < SURE and answer not in scene.phrases:
            scene.drop(answer)


def _says_cancel_again(scene: Scene) -> bool:
    """Asked whether to cancel, "cancélala" is a yes; a question or another wish with the word in it is none."""
    heard = [intent for intent in scene.content if scene.found[intent] >= SURE]
    asked = scene.expected == "confirm_cancel" and not scene.asks and "deny" not in scene.found
    return asked and heard == ["cancel_reservation"] and next(iter(scene.found)) == "cancel_reservation"


def _weigh_answers(scene: Scene, starts: re.Match[str] | None) -> None:
    """What was asked for a yes or no hears one in words that mean it only there."""
    heard = {answer for answer in ("affirm", "deny") if answer in scene.phrases}
    if _FLAT_DENIAL.search(scene.line):
        heard = {"deny"}
        scene.drop("affirm")
    if "deny" in heard and _NOT_DENIAL.search(scene.line) and not (starts and starts["said"] in ("no", "nao", "nope")):
        heard.discard("deny")
        scene.drop("deny")
        if scene.short and _AGREES.search(scene.line):
            heard.add("affirm")
    if heard == {"affirm", "deny"}:
        heard = {min(heard, key=lambda answer: scene.phrases[answer])}
    for answer in heard if scene.answers_yes_or_no else ():
        scene.found[answer] = max(0.9, scene.found.get(answer, 0.0))
        scene.drop("deny" if answer == "affirm" else "affirm")


def _settle(scene: Scene, answer: str, *, begins: bool) -> None:
    """Is the yes or no the answer, or a word beside a wish?"""
    chance = scene.found[answer]
    others = [intent for intent in scene.content if scene.found[intent] >= SURE]
    if not others:
        if scene.answers_yes_or_no and chance >= SURE:
            scene.lead(answer, 0.95)
        return
    grave = _MUST_BE_HEARD - ({"cancel_reservation"} if scene.expected == "confirm_cancel" else set())
    if (
        scene.answers_yes_or_no
        and begins
        and not scene.certain(*grave)
        and not (answer == "deny" and "inform" in others)
    ):
        scene.lead(answer, 0.96)
    elif not begins:
        scene.drop(answer)
    elif answer == "deny" and "inform" in others:
        scene.found[answer] = SURE


def _questions_agree_to_nothing(scene: Scene, starts: re.Match[str] | None) -> None:
    """ "Lovely, how much is breakfast?" is no yes, and "¿no tenéis algo más barato?" is no no."""
    if any(scene.found[intent] >= SURE for intent in scene.content) and not (starts and starts["said"] in _PLAIN_YES):
        scene.drop("affirm")
    if _NEGATIVE_QUESTION.match(scene.line):
        scene.drop("deny")


def _small_talk(scene: Scene) -> None:
    """A greeting or thanks counts only when the message says nothing else; "ok, gracias" closes a talk."""
    told = [intent for intent in scene.found if intent not in _SMALL_TALK and scene.found[intent] >= SURE]
    closes = scene.expected is None and scene.found.get("thank", 0.0) >= SURE and told == ["affirm"]
    if closes and not re.match(r"\W*(?:si|sim|yes)\b", scene.line):
        scene.drop("affirm")
    elif told:
        scene.drop(*_SMALL_TALK)
