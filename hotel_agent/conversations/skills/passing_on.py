"""What is asked of the people of the hotel is passed on: filed, with the guest's stay, and a person promised."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace

from hotel_agent.conversations.dialogue import Request
from hotel_agent.conversations.guest_requests import KINDS, open_of, shortened
from hotel_agent.conversations.listening import Said
from hotel_agent.conversations.models import GuestRequest
from hotel_agent.conversations.skills.things import named, things_in
from hotel_agent.conversations.talk import Part, Talk
from hotel_agent.nlu.text import fold
from hotel_agent.reservations.staying import Whereabouts, stay_of

# These are brought to a room, or looked at there.
_IN_A_ROOM = ("housekeeping", "room_service", "repair", "errand")
# Of these one is enough, whatever is said about it.
_ONLY_ONE = ("invoice", "data_request")
_ANOTHER = re.compile(r"\botr[ao]s?\b(?! vez)|\banother\b|\boutr[ao]s?\b(?! vez)|\b(?:one|two|some|\d) more\b")
# Words that most requests have: that both have them says nothing.
_SAID_OFTEN = frozenset(
    "a al and are as can con could de del do e el em en for have i in is it la las lo los mas me mi my na nao necesito"
    " need no nos o on os para per please podeis podriais poderia por porfa favor preciso puede puedes pueden que quero"
    " quiero room habitacion quarto se the to tengo tenho un una uma um we with y you".split()
)
_ROOM_SAID = re.compile(
    r"\b(?:habitacion|hab|cuarto|pieza|room|quarto|apartamento)\.? (?:numero |number |n\.? ?)?\d{1,4}\b"
)
_ANY_ROOM = re.compile(r"\b(?:la|the|no|o|na|in|en) \d{3,4}\b|^\W*\d{1,4}\W*$")

_WORD = re.compile(r"[a-z]{3,}")


@dataclass(frozen=True)
class Passed:
    """What was passed on: `things` in the hotel's words ("" where none was recognised); `here` in which room.

    `again`: it had been asked for before and is still open. `also`: another request of this message came first.
    """

    kind: str
    key: str
    things: str
    room: str | None
    stay: Whereabouts | None
    again: bool
    also: bool

    @property
    def is_for_a_stay(self) -> bool:
        return self.stay is not None and self.stay.when == "coming"


def pass_on(talk: Talk, kind: str, things: tuple[str, ...] | None = None) -> Passed:
    """File the request unless it is open already, and hand over. `things`: what it is about, if not what is named."""
    said = talk.said.words
    things = things_in(kind, said) if things is None else things
    stay = stay_of(talk.hotel, talk.guest.id, talk.turn.today, talk.turn.now)
    room = stay.room if stay else None
    before = _same(talk, kind, things)
    also = any(isinstance(filing, Request) for filing in talk.filed)
    key = before.request_key if before else talk.key(kind)
    where = talk.state.where if kind in _IN_A_ROOM and not room and not _says_a_room(talk) else ""
    if before is None:
        words = shortened(" · ".join(filter(None, (said, where))))
        talk.file(Request(kind, words, key, room, stay.reservation_id if stay else None))
    talk.hand_over(KINDS[kind])
    return Passed(kind, key, named(talk.spoken, kind, things), room, stay, before is not None, also)


def told(talk: Talk, passed: Passed, **values: object) -> Part:
    """That it was passed on, in the words of its kind; never that it is done or on its way."""
    if passed.again:
        return talk.part("passing_on.again", things=passed.things)
    told = {
        "things": passed.things,
        "room": passed.room if passed.kind in _IN_A_ROOM else None,
        "for_a_stay": passed.is_for_a_stay,
        "also": passed.also,
    }
    return talk.part(f"{passed.kind}.passed_on", **told | values)


def _same(talk: Talk, kind: str, things: tuple[str, ...]) -> GuestRequest | None:
    """The open request that asks for the same, if there is one."""
    open_ones = [row for row in open_of(talk.guest.id) if row.kind == kind]
    if kind in _ONLY_ONE:
        return open_ones[0] if open_ones else None
    if _ANOTHER.search(fold(talk.said.words)):
        return None
    return next((row for row in open_ones if _asks_for_the_same(kind, things, talk.said.words, row.words)), None)


def _asks_for_the_same(kind: str, things: tuple[str, ...], said: str, before: str) -> bool:
    known = things_in(kind, before)
    if things:
        return set(things) <= set(known)
    new, old = _telling(said), _telling(before)
    return not known and len(new & old) * 2 >= max(1, len(new))


def _telling(said: str) -> set[str]:
    return set(_WORD.findall(fold(said))) - _SAID_OFTEN


# One message may hold several requests, of which the surest may drown the others

# From this chance on a wish counts as heard when words of it are there too.
_HALF_HEARD = 0.2
_BROKEN = re.compile(
    r"\bno (?:me |nos )?(?:funciona\w*|va\b(?! a)|van\b(?! a)|anda\w*|sirve\w*|encien\w+|prende\w*"
    r"|cierra\w*|abre\w*|sale\w*|carga\w*|calienta\w*|enfria\w*)"
    r"|\brot[oa]s?\b|averiad|estropead|descompuest|atascad|gotea|goteras?|\bfuga\b|sin (?:luz|agua|internet|wifi)\b"
    r"|\b(?:does|do|is|are|did) ?n[o']t work|not working|\bbroken\b|out of order|blocked|clogged|leak"
    r"|no hot water|no power|(?:won't|wont|will not) (?:open|close|turn|work)"
    r"|isnt working|doesnt work|nao (?:esta |estao )?(?:funciona\w*|liga\w*|abre\w*|fecha\w*|pega\w*"
    r"|esquenta\w*)|quebrad|entupid|vazando|pingando|sem (?:luz|agua|internet)\b"
)
# Who asks for something to be brought wants it, and not to hear about it.
_BROUGHT = 0.12
_BRINGS = re.compile(
    r"\b(?:tra(?:e|es|en|eis|ed|eme|enos|edme|ednos|iganos|iganme|igan|er|ernos|erme)|sub(?:e|es|en"
    r"|is|id|irnos|irme|anos|anme|an)"
    r"|mand(?:a|as|an|ais|ad|en|enos|arnos|arme)|pon(?:e|en|eis|ed|gan|ednos|ernos|er)"
    r"|bring|send up|give us|traz|traga|tragam|trazer|manda|mandem|mandar|coloc(?:a|ar|am|quem))\b"
)
_ABOUT_THINGS = ("ask_children", "ask_amenities", "ask_pool", "ask_room_types", "out_of_scope", "inform")
# Nobody is to be told how sorry we are because they want a hamburger.
_SURELY_ANGRY = 0.65
_ANGRY = re.compile(
    r"\bhart[oa]s?\b|verguenza|inaceptable|unacceptable|inaceitavel|indignad|queja|complain|reclam"
    r"|compensa|reembols|refund|devolu|devuelv"
    r"|\bmal\b|\bmala\b|horribl|horrivel|terribl|pesim|pessim|\bbad\b|awful|disgust|asco|nadie|nobody"
    r"|no one|ninguem|esperando|waiting|todavia|aun no|still|ainda"
    r"|enfadad|molest|angry|furios|otra vez|again|de novo|sucio|suja?o?\b|dirty|ruido|noise|barulho"
    r"|decepc|disappoint"
)
_EVIDENCE = {"report_problem": "repair", "request_housekeeping": "housekeeping", "order_room_service": "room_service"}


def hear_what_is_meant_too(talk: Talk) -> None:
    """ "Towels, and the air conditioning does not work" is two requests, though one was heard better."""
    said = talk.said = _as_an_order(talk)
    if not said.means(*_EVIDENCE):
        return
    chances = {one.intent: one.confidence for one in said.whole.intents}
    if chances.get("complaint", 0) < _SURELY_ANGRY and not _ANGRY.search(fold(said.words)):
        said = talk.said = replace(said, acts=tuple(act for act in said.acts if act != "complaint"))
    too = [intent for intent in _EVIDENCE if intent not in said.acts and chances.get(intent, 0) >= _HALF_HEARD]
    too = [intent for intent in too if _has_words_of_its_own(intent, said.words)]
    if too:
        unsure = tuple(intent for intent in said.unsure if intent not in too)
        talk.said = replace(said, acts=(*said.acts, *too), unsure=unsure)


def _as_an_order(talk: Talk) -> Said:
    """ "Will you bring us a cot?" is no question about children, least of all from who is in the house."""
    said = talk.said
    if said.means(*_EVIDENCE) or not _BRINGS.search(fold(said.words)) or not things_in("housekeeping", said.words):
        return said
    chance = next((one.confidence for one in said.whole.intents if one.intent == "request_housekeeping"), 0.0)
    stay = stay_of(talk.hotel, talk.guest.id, talk.turn.today, talk.turn.now)
    if chance < _BROUGHT and (stay is None or stay.when != "here"):
        return said
    acts = [act for act in said.acts if act not in _ABOUT_THINGS]
    unsure = tuple(act for act in said.unsure if act not in (*_ABOUT_THINGS, "request_housekeeping"))
    return replace(said, acts=("request_housekeeping", *acts), unsure=unsure)


def _has_words_of_its_own(intent: str, said: str) -> bool:
    if intent == "report_problem":
        return bool(_BROKEN.search(fold(said)))
    named_too = set(things_in(_EVIDENCE[intent], said))
    return bool(named_too - set(things_in("repair", said)))


# Where something is not known yet, it is asked for; what the guest says then is added to the request


def ask_room(talk: Talk, passed: Passed) -> list[Part]:
    """Of a guest whose stay we do not see, where they are: nothing is promised to a room that we do not know."""
    unseen = passed.stay is None or passed.stay.when == "past"
    if _says_a_room(talk):
        talk.state.where = shortened(talk.said.words)
    if not unseen or passed.again or talk.state.where:
        return []
    return ask_more(talk, passed, "room", "passing_on.which_room")


# What a message that is not clear may be more about, by the kind of the request.
_MORE_ABOUT = {"lost_item": "lost_item", "ask_invoice": "invoice", "report_problem": "repair"}


def add_to_the_last(talk: Talk) -> list[Part]:
    """Words that may be about what was just passed on go with it: "black, on the night table"."""
    kind = _MORE_ABOUT.get(next(iter(talk.said.unsure), ""))
    row = next((row for row in reversed(open_of(talk.guest.id)) if row.kind == kind), None) if kind else None
    if row is None or "?" in talk.said.words:
        return []
    talk.hand_over(KINDS[row.kind])
    talk.file(Request(row.kind, shortened(f"{row.words} · {talk.said.words}"), row.request_key, adds=True))
    talk.acted_on.append(talk.said.unsure[0])
    return [talk.part("passing_on.added")]


def _says_a_room(talk: Talk) -> bool:
    words = fold(talk.said.words)
    return bool(_ROOM_SAID.search(words) or _ANY_ROOM.search(words))


def ask_more(talk: Talk, passed: Passed, wants: str, block: str, **values: object) -> list[Part]:
    """Ask what colleagues will need; not in the middle of something else, where it would wait for two answers."""
    state = talk.state
    if state.hold or state.offers or state.booking.goal or state.cancelling or state.lookup or state.telling:
        return []
    return _ask(talk, passed.kind, passed.key, wants, block, **values)


def ask_on(talk: Talk, row: GuestRequest, wants: str, block: str, **values: object) -> list[Part]:
    """Ask once more about a request, since the guest has just told some of it."""
    return _ask(talk, row.kind, row.request_key, wants, block, **values)


def _ask(talk: Talk, kind: str, key: str, wants: str, block: str, **values: object) -> list[Part]:
    talk.state.telling = {"kind": kind, "key": key, "wants": wants}
    return [talk.ask("details", block, **values)]


_NO_DETAILS = (
    "emergency", "complaint", "talk_to_human", "cancel_reservation", "modify_reservation", "reservation_status",
    "make_reservation", "check_availability", "opt_out", "opt_in", "data_request", "greet",
)  # fmt: skip
_DOES_NOT_KNOW = re.compile(
    r"\bno (?:lo )?(?:se|recuerdo|tengo|me acuerdo)\b|\bnao (?:sei|lembro|tenho)\b|\b(?:do not"
    r"|dont) (?:know|remember|have)\b|\bno idea\b|\bni idea\b"
)


def is_told_more(talk: Talk) -> bool:
    """Whether these words are what was asked about a request. What was asked is asked about once."""
    asked = talk.state.telling and talk.state.expected == "details"
    said = talk.said
    if not asked or said.tap or not said.words.strip():
        return False
    other = "?" in said.words or said.means(*_NO_DETAILS)
    polite = said.means("thank", "goodbye") and len(said.words.split()) < 5
    return not other and not polite


def forget_what_was_asked(talk: Talk) -> None:
    if talk.state.telling:
        talk.state.telling = {}
        if talk.state.expected == "details":
            talk.state.expected = None


def take_more(talk: Talk, still_missing: Callable[[Talk, GuestRequest, str], list[Part]] | None = None) -> list[Part]:
    """Add what the guest says to the request."""
    asked, said = dict(talk.state.telling), fold(talk.said.words)
    forget_what_was_asked(talk)
    talk.acted_on.extend(talk.said.acts or ("inform",))
    row = next((row for row in open_of(talk.guest.id) if row.request_key == asked.get("key")), None)
    if row is None:  # A colleague has dealt with it meanwhile; these words are for them all the same.
        talk.hand_over(KINDS.get(str(asked.get("kind")), "request"))
        return [talk.part("passing_on.added")]
    talk.hand_over(KINDS[row.kind])
    if talk.said.means("deny") or _DOES_NOT_KNOW.search(said):
        return [talk.part("passing_on.without")]
    if asked.get("wants") == "room":
        talk.state.where = shortened(talk.said.words)
    whole = f"{row.words} · {talk.said.words}"
    talk.file(Request(row.kind, shortened(whole), row.request_key, adds=True))
    more = still_missing(talk, row, whole) if still_missing else []
    return [talk.part("passing_on.added"), *more]
