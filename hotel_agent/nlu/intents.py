"""What the guest wants: phrases of the lexicons, weighed against each other by a few rules of precedence."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass, field

from hotel_agent.nlu.lexicons import lexicon
from hotel_agent.nlu.phrases import Match, matches
from hotel_agent.nlu.text import words_of
from hotel_agent.nlu.understanding import Scored

_STRENGTHS = {"whole": 0.97, "sure": 0.9, "likely": 0.72, "hint": 0.5}
_OTHER_LANGUAGE = 0.08
_SMALL_TALK = ("greet", "thank", "goodbye")
_YES_NO = {"confirm_booking", "confirm_cancel", "yes_no"}
_FAINT = 0.35

# The better reading of the same words: when the first is sure, the others were only its vocabulary.
_PRECEDENCE = tuple((better, others.split()) for better, others in lexicon("precedence")["instead"].items())
_GROUPS = {name: frozenset(intents.split()) for name, intents in lexicon("precedence")["groups"].items()}
_EXTRAS, _SERVICE = _GROUPS["extras"], _GROUPS["service"]
# A message about flights or banks stays out of scope for these, unless it names the hotel's own matters.
_GENERIC, _MUST_BE_HEARD = _GROUPS["generic"], _GROUPS["must_be_heard"]
_HOTEL = re.compile(
    r"\b(?:hotel|hostal|hostel|habitaci\w+|rooms?|quartos?|noches|nights|noites|(?:per|por|la|una|uma"
    r"|cada) (?:noche|night|noite)|check[ -]?(?:in|out)|desayuno|breakfast|cafe da manha|hospeda\w*"
    r"|aloja\w*|estadia|estancia|stay|stays|staying|transfer|shuttle|pick ?up|recoge\w*|traslado|"
    r"huesped\w*|guest|guests|hospede|recepcion|reception|recepcao|aeropuerto|airport|aeroporto"
    r"|(?:el|mi|o|meu|my) (?:codigo|localizador|booking code))\b"
)
_NEVER_OURS = re.compile(
    r"\b(?:trabajo|trabajar|empleo|curriculum|cv|jobs?|hiring|contratando|contratan|vacantes? (?:de"
    r"|para|laboral)|emprego|curriculo|estagio|pasantia|internship|instrucciones|instructions"
    r"|instrucoes|prompt|proveedor\w*|supplier|fornecedor|marketing|seo|"
    r"chiste|joke|piada|poema?|poem|homework|deberes|python|javascript|chatgpt|gpt|jailbreak|futbol"
    r"|football|soccer|hipoteca|mortgage|prestamo|loan|ofrece(?:mos|rles?)|oferecemos|receta|recipe"
    r"|receita)\b"
)
_CANCEL_ACT = re.compile(
    r"(?<!si )(?<!se )(?<!if )(?<!can )(?<!may )(?<!could )(?<!when "
    r")(?<!do )(?<!should )(?<!caso )\b(?:cancelo|cancelamos|anulo|cancelen\w*|cancele\b|cancela\b"
    r"|cancelame|cancelala|cancelem|anulen|anula\b|cancelenla|please cancel|i (?:am cancelling"
    r"|am canceling|cancel))\b"
    r"|\b(?:quiero|quisiera|queria|querria|necesito|tengo que|debo|deseo|queremos|tenemos que|voy a"
    r"|vamos a|prefiero|me gustaria|quero|preciso|tenho que|vou|temos que|gostaria de|want to|need to"
    r"|have to|like to|going to|must|wish to|gotta)"
    r" (?:\w+ ){0,2}(?:cancelar\w*|anular\w*|desmarcar|cancel)\b|^(?:por favor |please )?(?:cancelar?"
    r"|anular?|cancel)\b|\b(?:pueden|puedes|podrian|podeis|podem|can you|could you) (?:please "
    r"|por favor )?(?:cancelar\w*|anular\w*|cancel)\b"
)
_NO_ACT = re.compile(
    r"\b(?:no|not|nao|n't|never|sin) (?:\w+ ){0,3}?(?P<what>cancel\w*|anul\w*|reserv\w*|book\w*"
    r"|modific\w*|cambi\w*|change|mudar|alterar)\b"
)
_WANTS_TO_KNOW = re.compile(
    r"\b(?:saber|consultar|preguntar|conocer|know|ask|wondering|perguntar|informacion|information"
    r"|informacao|averiguar|ver si|see if)\b"
)
_REALLY_BOOKS = re.compile(
    r"\b(?:reservar\w*|reservacion|hacer una reserva|reserva\b|reserven?|book|booking|reserve|hosped\w+"
    r"|aloj\w+|quedar\w+|stay|ficar)"
)
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
_FLAT_DENIAL = re.compile(
    r"\b(?:claro que no|de jeito nenhum|por supuesto que no|of course not|claro que nao|absolutely not"
    r"|sure no)\b"
)
_MAY_SMOKE = re.compile(r"\b(?:can|could|may|allowed|to|i|we|you|people|guests?|ok) smoke\b(?! (?:everywhere|coming))")
_NOT_DYING = re.compile(
    r"\bme muero (?:de|por)\b|\bmorrendo de|\bdying (?:to|of|for)\b|\bmuerto de\b|\bmorir de\b"
    r"|\bto die for\b|\bkilled it\b"
)


_ABOUT_CHILDREN = re.compile(
    r"\b(?:pag\w+|pay\w*|gratis|free|cunas?|cots?|cribs?|bercos?|tronas?|high chairs?|admiten|aceptan|aceitam"
    r"|allowed|kids club|descuento"
    r"|discount|desconto|cuentan|count|contam|menu)\b"
)
_CHEAPEST = re.compile(
    r"\W*(?:(?:si|yes|sim|ok|vale|pues|entonces|then|entao)\W+)?(?:(?:quiero|prefiero|dame|me quedo con|i take"
    r"|i will take|i want|give me"
    r"|quero|prefiro|fico com|pode ser|reserva|book) )?"
    r"(?:la|el|the|o|a|lo) (?:(?:mas|mais) (?:barat[ao]|economic[ao]|em conta)|menos car[ao]|cheapest|cheaper"
    r"|cheap)(?: one| option| room)?"
    r"(?:\W+(?:por favor|please|gracias|thanks|obrigad[ao]))?[ .!]*"
)


@dataclass
class Scene:
    """What the rules look at, besides the words."""

    line: str
    language: str
    entities: Collection[str]
    expected: str | None = None
    question: bool = False
    found: dict[str, tuple[float, int]] = field(default_factory=dict)  # intent -> confidence and first place
    signals: set[str] = field(default_factory=set)

    def sure(self, intent: str) -> bool:
        return self.found.get(intent, (0.0, 0))[0] >= 0.8

    def has(self, intent: str) -> bool:
        return intent in self.found

    def drop(self, *intents: str) -> None:
        for intent in intents:
            self.found.pop(intent, None)

    def put(self, intent: str, confidence: float, place: int | None = None) -> None:
        self.found[intent] = (confidence, self.found.get(intent, (0, 0))[1] if place is None else place)

    @property
    def content(self) -> list[str]:
        return [intent for intent in self.found if intent not in (*_SMALL_TALK, "affirm", "deny", "out_of_scope")]


def find_intents(
    line: str, language: str, entities: Collection[str], expected: str | None, text: str
) -> tuple[Scored, ...]:
    """The intents of a tidy line, best first; never empty."""
    words = words_of(line)
    if expected == "choose_offer" and _CHEAPEST.fullmatch(line):
        return (Scored("inform", 0.9),)
    if expected in _YES_NO and text.strip(" .!").lower() == "y":
        return (Scored("affirm", 0.95),)
    scene = Scene(line, language, entities, expected)
    for match in matches(words):
        _note(scene, match)
    scene.question = "?" in text or "_question" in scene.signals
    if scene.has("emergency") and (_NOT_DYING.search(line) or _MAY_SMOKE.search(line)):
        scene.drop("emergency")
    for rule in (
        _whole_message,
        _price,
        _cancelling,
        _negations,
        _booking,
        _out_of_scope,
        _complaint,
        _early_or_late,
        _precedence,
        _details,
        _yes_no,
        _small_talk,
    ):
        rule(scene)
    return _ordered(scene)


def _note(scene: Scene, match: Match) -> None:
    if match.meaning.startswith("_"):
        scene.signals.add(match.meaning)
        return
    confidence = _STRENGTHS[match.strength] - (_OTHER_LANGUAGE if match.language != scene.language else 0)
    before, place = scene.found.get(match.meaning, (0.0, match.start))
    if before >= 0.85 and confidence >= 0.85:
        confidence = min(max(before, confidence) + 0.01, 0.95)
    scene.found[match.meaning] = (max(before, confidence), min(place, match.start))


def _whole_message(scene: Scene) -> None:
    """A single word such as STOP or "agente" means just that, whatever else it could be part of."""
    for intent in ("opt_out", "opt_in", "emergency", "talk_to_human", "cancel_reservation", "out_of_scope"):
        confidence, place = scene.found.get(intent, (0.0, 0))
        if (
            confidence >= 0.89
            and place == 0
            and len(words_of(scene.line)) <= 6
            and confidence > 0.955 - _OTHER_LANGUAGE
        ):
            scene.found = {intent: (confidence, 0)} | {
                other: value for other, value in scene.found.items() if other in ("affirm", "deny")
            }
            return
    if scene.sure("emergency"):
        scene.put("emergency", 0.98, -1)
        for intent in scene.content:
            if intent.startswith("ask_"):
                scene.drop(intent)


def _price(scene: Scene) -> None:
    if "_price" not in scene.signals:
        return
    extras = [intent for intent in scene.found if intent in _EXTRAS and scene.sure(intent)]
    asks_amount = re.search(
        r"\b(?:cuanto|quanto|how much|precios?|precos?|prices?|costs?|costo|coste|cuesta|custa|valor"
        r"|tarifas?|rates?|fee|cobran|cobram|charge|pagar?)\b",
        scene.line,
    )
    if extras and not asks_amount:
        return
    if (
        scene.sure("ask_cancellation_policy")
        or scene.sure("complaint")
        or scene.sure("ask_invoice")
        or scene.sure("cancel_reservation")
    ):
        return
    if scene.sure("ask_payment") and not re.search(r"\b(?:cuanto|quanto|how much|preci|preco|price)", scene.line):
        return
    named = extras or scene.entities or "_room" in scene.signals or _HOTEL.search(scene.line)
    if not named and len(words_of(scene.line)) > 7:
        # "What is the cheapest electric guitar" asks for a price, too.
        scene.put("ask_price", 0.5)
        scene.put("out_of_scope", 0.6, -1)
        return
    scene.put("ask_price", 0.93, -1 if extras else 2)
    if scene.has("ask_payment"):
        scene.put("ask_payment", 0.6)
    for extra in extras:
        scene.put(extra, 0.88)
    if extras:
        scene.drop("check_availability", "make_reservation", "ask_room_types")
    elif scene.has("check_availability"):
        asks_free = re.search(r"\b(?:disponib\w+|availab\w+|libres?|free|vagas?|livres?|lugar)\b", scene.line)
        scene.put("check_availability", 0.85 if asks_free else 0.55)
    if scene.has("make_reservation") and not _REALLY_BOOKS.search(scene.line):
        scene.put("make_reservation", 0.5)
    if scene.has("ask_location") and not re.search(r"\b(?:donde|where|onde|direccion|address)", scene.line):
        scene.drop("ask_location")
    scene.drop("ask_room_types")


def _cancelling(scene: Scene) -> None:
    """Tells asking ("¿se puede cancelar gratis?") from cancelling; "cancelo, ¿me devuelven…?" does both."""
    if not scene.has("cancel_reservation"):
        return
    act = _CANCEL_ACT.search(scene.line)
    if "_policy" not in scene.signals and not scene.sure("ask_cancellation_policy"):
        if scene.has("ask_cancellation_policy"):
            scene.drop("ask_cancellation_policy")
        return
    if act and scene.sure("cancel_reservation"):
        scene.put("cancel_reservation", 0.95, -1)
        return
    if act and not re.search(
        r"\b(?:politica|policy|gratis|free|multa|penaliz\w+|fee|si cancel|if i cancel|se eu cancel"
        r"|puedo|posso|can i)\b",
        scene.line,
    ):
        scene.put("cancel_reservation", 0.9, -1)
        return
    scene.put("ask_cancellation_policy", max(0.9, scene.found.get("ask_cancellation_policy", (0, 0))[0]), -1)
    scene.put("cancel_reservation", 0.3)


def _negations(scene: Scene) -> None:
    found = _NO_ACT.search(scene.line)
    if not found or scene.question and not re.search(r"\b(?:no quiero|nao quero|do not want)\b", scene.line):
        return
    if re.search(r"[,.!]", found.group()):
        return
    what = found["what"]
    intent = (
        "cancel_reservation"
        if what.startswith(("cancel", "anul"))
        else "make_reservation"
        if what.startswith(("reserv", "book"))
        else "modify_reservation"
    )
    if re.search(r"\b(?:no puedo|can not|cannot|nao consigo|no me deja|not able|could not)\b", found.group()):
        return
    if scene.has(intent):
        scene.drop(intent)
        scene.put("deny", 0.75)


def _booking(scene: Scene) -> None:
    """Of asking, pricing and booking, which does the sentence do?"""
    if scene.has("make_reservation") and _WANTS_TO_KNOW.search(scene.line) and not _REALLY_BOOKS.search(scene.line):
        scene.drop("make_reservation")
    if scene.has("make_reservation") and any(scene.sure(intent) for intent in _SERVICE):
        scene.drop("make_reservation")
    if scene.has("make_reservation") and scene.sure("reservation_status"):
        asks = re.search(
            r"\b(?:hacer|realizar|quiero reservar|nueva|otra|make|new|another|book a|want to book"
            r"|like to book|reserve a|nova|fazer|quero reservar)\b",
            scene.line,
        )
        scene.drop("reservation_status" if asks else "make_reservation")
    dated = bool({"check_in", "check_out", "nights"} & set(scene.entities))
    if scene.has("check_availability") and scene.has("make_reservation"):
        if (
            scene.question
            and scene.sure("check_availability")
            and not re.search(r"\b(?:reserv\w+|book\w*)\b", scene.line)
        ):
            scene.put("check_availability", 0.93, -1)
            scene.put("make_reservation", 0.5)
        elif re.search(r"\b(?:reserv\w+|book\w*)\b", scene.line):
            scene.put("make_reservation", 0.92, 0)
            scene.put("check_availability", 0.7)
    if scene.has("check_availability") and scene.sure("ask_room_types"):
        scene.put("check_availability" if dated else "ask_room_types", 0.93, -1)
        scene.put("ask_room_types" if dated else "check_availability", 0.6)
    if scene.has("make_reservation") and scene.sure("ask_room_types"):
        scene.put("ask_room_types", 0.6 if not scene.question and dated or not scene.question else 0.92)
    if scene.has("make_reservation") and scene.has("modify_reservation") and not scene.signals & {"_booking"}:
        changes = re.search(
            r"\b(?:cambi\w+|modific\w+|chang\w+|mudar|alterar|agregar|anadir|add|extend\w*|extender"
            r"|alargar|mas|more|mais|longer|extra|another|adicional|additional)\b",
            scene.line,
        )
        if not changes:
            scene.drop("modify_reservation")


def _out_of_scope(scene: Scene) -> None:
    if not scene.has("out_of_scope"):
        return
    if scene.sure("emergency") or scene.has("opt_out"):
        scene.drop("out_of_scope")
        return
    never = _NEVER_OURS.search(scene.line)
    ours = [intent for intent in scene.content if intent not in _GENERIC and scene.sure(intent)]
    if never or not ours and not _HOTEL.search(scene.line):
        for intent in scene.content:
            scene.put(intent, scene.found[intent][0] * 0.5)
        scene.put("out_of_scope", 0.9, -2)
        return
    scene.put("out_of_scope", 0.4)


def _complaint(scene: Scene) -> None:
    """Who is angry and wants the money back does not ask about the rules."""
    if scene.sure("complaint") and not re.search(r"\b(?:cancel\w*|anul\w*|politica|policy)\b", scene.line):
        scene.drop("ask_cancellation_policy")


def _early_or_late(scene: Scene) -> None:
    """ "¿Puedo salir a las 14?": an hour of leaving or entering, asked for when nothing else is."""
    if scene.content or "time" not in scene.entities or not scene.question:
        return
    if _LEAVES.search(scene.line):
        scene.put("late_checkout", 0.85)
    elif _ENTERS.search(scene.line):
        late = re.search(r"\b(?:1[5-9]|2[0-4])(?:[:.h]|\b)|\b[5-9](?: |:\d\d ?)?pm\b", scene.line)
        scene.put("ask_checkin_time" if late else "early_checkin", 0.85)


_LEAVES = re.compile(
    r"\b(?:salir|irme|irnos|marcharnos|dejar la habitacion|leave|check ?out|checking out|depart|sair|deixar o quarto)\b"
)
_ENTERS = re.compile(r"\b(?:entrar|llegar|ingresar|check ?in|checking in|arrive|come|get in|get into|entrar|chegar)\b")


def _precedence(scene: Scene) -> None:
    for better, others in _PRECEDENCE:
        if not scene.sure(better):
            continue
        for other in others:
            confidence, place = scene.found.get(other, (0.0, 0))
            if confidence and confidence <= scene.found[better][0] + 0.001:
                scene.put(other, 0.0, place)
    scene.found = {intent: value for intent, value in scene.found.items() if value[0] > 0.05}
    best = max((value[0] for intent, value in scene.found.items() if intent in scene.content), default=0)
    for intent in scene.content:
        # A weak sign beside a strong one is noise.
        if best >= 0.85 and scene.found[intent][0] < 0.75 and scene.found[intent][0] > 0.7:
            scene.put(intent, 0.45)
    if len(scene.content) == 1 and scene.content[0] == "make_reservation" and scene.found["make_reservation"][0] < 0.8:
        scene.put("make_reservation", 0.85)


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


def _details(scene: Scene) -> None:
    """Details without a wish are `inform`; so is the answer to what was just asked."""
    if not scene.entities:
        return
    of_a_stay = {"children", "check_in"} <= set(scene.entities) or "room_type" in scene.entities
    if of_a_stay and not _ABOUT_CHILDREN.search(scene.line):
        # Children who come along are details of the stay, not a question about children.
        scene.drop("ask_children")
    answered = scene.expected is not None and bool(_ANSWERS.get(scene.expected, set()) & set(scene.entities))
    if answered and "?" not in scene.line and not any(scene.sure(intent) for intent in _MUST_BE_HEARD):
        asked = [intent for intent in scene.content if intent.startswith("ask_") and scene.question]
        for intent in scene.content:
            if intent not in asked:
                scene.put(intent, scene.found[intent][0] * 0.6)
        if not asked:
            scene.drop("out_of_scope")
            scene.put("inform", 0.93, -1)
            return
    stay = {"check_in", "check_out", "nights", "adults", "children", "room_type", "rooms", "choice"} & set(
        scene.entities
    )
    if not scene.content:
        confident = 0.9 if scene.expected or not scene.question else 0.75
        if scene.has("out_of_scope") and scene.found["out_of_scope"][0] >= 0.85:
            scene.put("inform", 0.4)
            return
        scene.drop("out_of_scope")
        scene.put("inform", confident, 0)
        if scene.expected is None and "check_in" in stay and "?" in scene.line:
            # Days with a question mark and no other wish ask whether there is room.
            scene.put("check_availability", 0.8, -1)
            scene.put("inform", 0.5, 0)
        elif stay and "_room" in scene.signals and scene.expected is None:
            scene.put("check_availability", 0.72 if "?" in scene.line else 0.5, 1)
    elif stay and scene.has("affirm") and max(scene.found[i][0] for i in scene.content) < 0.8:
        scene.put("inform", 0.6)


def _yes_no(scene: Scene) -> None:
    asked = scene.expected in _YES_NO or scene.expected == "choose_offer"
    starts = _STARTS_YES_NO.match(scene.line)
    short = len(words_of(scene.line)) <= 4
    if _FLAT_DENIAL.search(scene.line):
        scene.drop("affirm")
        scene.put("deny", 0.93, 0)
    if (
        scene.has("deny")
        and _NOT_DENIAL.search(scene.line)
        and not (starts and starts["said"] in ("no", "nao", "nope"))
    ):
        scene.drop("deny")
        if (
            re.search(r"\b(?:problem\w*|why not|como no|porque? no|worries|dud[ao]|duvida|doubt)\b", scene.line)
            and short
        ):
            scene.put("affirm", 0.85)
    if scene.question and "?" in scene.line:
        _questions_agree_to_nothing(scene)
    # "Good morning" and "tudo bem?" are greetings before they are consent.
    greets_first = scene.has("greet") and scene.has("affirm") and scene.found["greet"][1] <= scene.found["affirm"][1]
    if greets_first and not asked:
        scene.drop("affirm")
    if scene.has("affirm") and scene.has("deny"):
        first = "affirm" if scene.found["affirm"][1] <= scene.found["deny"][1] else "deny"
        scene.drop("deny" if first == "affirm" else "affirm")
    if scene.expected == "confirm_cancel" and scene.has("cancel_reservation") and not scene.has("deny"):
        scene.put("affirm", 0.95, -1)
        scene.put("cancel_reservation", 0.6)
    for answer in ("affirm", "deny"):
        if not scene.has(answer):
            continue
        if scene.sure("out_of_scope"):
            scene.drop(answer)
            continue
        others = [intent for intent in scene.content if scene.found[intent][0] >= 0.5]
        if not others:
            scene.put(answer, 0.95 if asked or short else 0.85)
        elif answer == "deny" and "inform" in others:
            scene.put("deny", 0.5)
        elif (
            asked
            and (starts or short or scene.found[answer][1] == 0)
            and not any(
                scene.sure(i) for i in _MUST_BE_HEARD if scene.expected != "confirm_cancel" or i != "cancel_reservation"
            )
        ):
            scene.put(answer, 0.96, -2)
        elif starts and scene.found[answer][1] == 0 and "?" not in scene.line:
            acts = answer == "affirm" and short
            scene.put(answer, 0.95 if acts else 0.6, -2 if acts else 5)
        else:
            scene.drop(answer)


def _questions_agree_to_nothing(scene: Scene) -> None:
    """ "Lovely, how much is breakfast?" is no yes, and "¿no tenéis algo más barato?" is no no."""
    starts = _STARTS_YES_NO.match(scene.line)
    asks = [intent for intent in scene.content if scene.found[intent][0] >= 0.5]
    if asks:
        if len(asks) > 1:
            scene.drop("give_feedback")
        if not (starts and starts["said"] in _PLAIN_YES):
            scene.drop("affirm")
    if _NEGATIVE_QUESTION.match(scene.line):
        scene.drop("deny")


_PLAIN_YES = {"si", "sim", "yes", "yep", "ok", "vale", "dale", "claro", "sure", "listo", "isso"}
_NEGATIVE_QUESTION = re.compile(
    r"\W*(?:no|nao) (?:ten\w+|tien\w+|hay|habra|habria|tem|teria\w*|se puede|podria\w*|podem|seria|es posible"
    r"|hacen|hace|fazem|incluye|inclui)\b"
)


def _small_talk(scene: Scene) -> None:
    """A greeting or thanks counts only when the message says nothing else."""
    closes = scene.has("thank") and not scene.content and scene.expected is None
    if closes and not re.match(r"\W*(?:si|sim|yes)\b", scene.line):
        # "Ok, gracias" closes a talk; "sí, gracias" still answers.
        scene.drop("affirm")
    told = [intent for intent in scene.found if intent not in _SMALL_TALK and scene.found[intent][0] >= 0.5]
    if told:
        scene.drop(*_SMALL_TALK)
        return
    if any(scene.has(intent) for intent in _SMALL_TALK):
        leftover = len(words_of(scene.line)) > 9 and scene.question and "?" in scene.line and not scene.has("thank")
        if leftover and not re.search(r"\b(?:como esta|que tal|tudo bem|how are you)\b", scene.line):
            scene.put("out_of_scope", 0.4)
        if scene.has("greet") and scene.has("thank"):
            scene.put("greet", 0.6)
        if scene.has("goodbye") and scene.has("greet"):
            # "Buenas noches" at the end of a talk and at its beginning look alike.
            scene.put("greet", 0.6)
        if scene.has("thank") and scene.has("goodbye"):
            scene.put("thank", 0.92, -1)


def _ordered(scene: Scene) -> tuple[Scored, ...]:
    kept = [(intent, *value) for intent, value in scene.found.items() if value[0] >= _FAINT]
    if not kept:
        return (Scored("inform", 0.6),) if scene.entities else (Scored("out_of_scope", 0.4),)
    kept.sort(key=lambda item: (-(item[1] >= 0.8), item[2] if item[1] >= 0.8 else 0, -item[1], item[0]))
    # The order of speech decides between certain intents; the numbers must agree with the order.
    scored: list[Scored] = []
    ceiling = 1.0
    for intent, confidence, _ in kept:
        ceiling = min(ceiling, round(confidence, 2))
        scored.append(Scored(intent, ceiling))
    return tuple(scored)
