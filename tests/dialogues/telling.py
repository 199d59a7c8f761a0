"""A story is told to the program as an outsider would: by the API or the signed webhook, and judged by what the guest
gets to read and by what stands in the database. Nothing of the dialogue itself is called."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from rq.serializers import JSONSerializer
from sqlalchemy import text

from hotel_agent import queues
from hotel_agent.conversations import handover
from hotel_agent.db import db, utcnow
from hotel_agent.flags import switches
from hotel_agent.guests.knowing import Identity, who_writes
from hotel_agent.hotels.finding import by_slug
from hotel_agent.hotels.models import Hotel
from hotel_agent.locks.holding import release_expired
from hotel_agent.redis import redis
from hotel_agent.reservations import RoomRequest, RoomTaken, Stay
from hotel_agent.reservations.booking import book, hold_quote
from hotel_agent.staff import bearer
from hotel_agent.staff.accounts import by_email
from tests.conversations import bodies, cast
from tests.dialogues.days import PLACEHOLDER, Days
from tests.dialogues.judging import CODE, Bubble, faults, says, words_of
from tests.dialogues.story import Story, Turn
from tests.fakes.graph import Graph, Heard
from workers.worker import AppWorker

NUMBERS = {"miramar": bodies.MIRAMAR, "andes": bodies.ANDES}
COLLEAGUES = {"miramar": "ana@miramar.example", "andes": "oscar@andes.example"}
SENDER = "guest-of-the-story"

# What of a guest's booking acceptance may read; the kinds of rooms by the rooms that are locked for it.
BOOKINGS = text("""
    select r.id, r.guest_id, r.code, r.status, r.check_in, r.check_out, r.adults, r.children, r.total, r.currency,
           (select array_agg(distinct t.code) from reservation_locks l join rooms o on o.id = l.resource_id
            join room_types t on t.id = o.room_type_id where l.reservation_id = r.id
            and l.status = case r.status when 'cancelled' then 'released' else 'booked' end) as types,
           (select count(*) from reservation_locks l where l.reservation_id = r.id and l.status = 'booked') as rooms
    from reservations r join hotels h on h.id = r.hotel_id where h.slug = :hotel order by r.check_in, r.id
""")


@dataclass
class Verdict:
    """What went wrong, by turn (0: the whole), and all that was said."""

    story: str
    faults: list[tuple[int, str]] = field(default_factory=list)
    transcript: list[str] = field(default_factory=list)

    @property
    def holds(self) -> bool:
        return not self.faults

    def told(self) -> str:
        wrong = "\n".join(f"  ! turn {turn or 'end'}: {fault}" for turn, fault in self.faults)
        return "\n".join([self.story, *self.transcript, wrong])


class Api:
    """A guest who writes by way of an integration."""

    def __init__(self, client: FlaskClient, story: Story) -> None:
        self.client, self.story = client, story
        self.token = bearer.create_token(by_slug(story.hotel))

    @property
    def identity(self) -> Identity:
        return Identity("api", SENDER, SENDER)

    def says(self, words: Sequence[str]) -> list[Bubble]:
        return self._ask(text=words[0])

    def taps(self, choice_id: str, title: str) -> list[Bubble]:
        return self._ask(reply_id=choice_id)

    def _ask(self, **given: str) -> list[Bubble]:
        asked = {"hotel": self.story.hotel, "sender_id": SENDER} | given
        if self.story.today:
            asked["today"] = self.story.today.isoformat()
        headers = {"Authorization": f"Bearer {self.token}"}
        answer = self.client.post("/api/orchestrator/process", json=asked, headers=headers)
        if answer.status_code != 200 or answer.json is None:
            return [Bubble("error", f"status {answer.status_code}: {answer.text[:300]}")]
        return [
            Bubble(
                reply["type"],
                reply["text"],
                tuple((one["id"], one["title"]) for one in [*reply.get("buttons", ()), *reply.get("rows", ())]),
            )
            for reply in answer.json["replies"]
        ]


class WhatsApp:
    """A guest with a phone; `name` is the one on the profile."""

    def __init__(self, client: FlaskClient, story: Story, graph: Graph, run_jobs: Callable[..., None]) -> None:
        self.client, self.story, self.graph, self.run_jobs = client, story, graph, run_jobs
        self.who: dict[str, Any] = {
            "phone": story.phone,
            "name": story.guest or None,
            "to": NUMBERS[story.hotel],
        }

    @property
    def identity(self) -> Identity:
        return Identity("phone", self.story.phone, self.story.phone)

    def says(self, words: Sequence[str]) -> list[Bubble]:
        return self._post(*(bodies.message("text", text={"body": each}) for each in words))

    def taps(self, choice_id: str, title: str) -> list[Bubble]:
        reply = {"type": "button_reply", "button_reply": {"id": choice_id, "title": title}}
        return self._post(bodies.message("interactive", interactive=reply))

    def sends(self, kind: str) -> list[Bubble]:
        contents: dict[str, Any] = {
            "image": {"id": "900", "mime_type": "image/jpeg", "sha256": "abc="},
            "audio": {"id": "901", "mime_type": "audio/ogg", "sha256": "abc=", "voice": True},
            "sticker": {"id": "902", "mime_type": "image/webp", "sha256": "abc="},
            "location": {"latitude": 38.34, "longitude": -0.48},
            "reaction": {"message_id": "wamid.OUT1=", "emoji": "👍"},
        }
        return self._post(bodies.message(kind, **{kind: contents[kind]}))

    def _post(self, *messages: bodies.Json) -> list[Bubble]:
        before = len(self.graph.sent)
        for message in messages:
            data = bodies.raw(bodies.from_guest(message, **self.who))
            headers = {"X-Hub-Signature-256": bodies.sign(data, "app-secret-of-the-tests")}
            answer = self.client.post(
                "/api/webhooks/whatsapp", data=data, headers=headers, content_type="application/json"
            )
            if answer.status_code != 200:
                return [Bubble("error", f"status {answer.status_code}")]
        try:
            self.run_jobs()
        except AssertionError as failed_jobs:
            return [Bubble("error", str(failed_jobs)[-300:])]
        return [_bubble(heard) for heard in self.graph.sent[before:] if heard.to == self.story.phone]


def _bubble(heard: Heard) -> Bubble:
    kind = str(heard.body["type"])
    content = heard.body[kind]
    match kind:
        case "text":
            return Bubble("text", content["body"])
        case "interactive":
            return _interactive(content)
        case "location":
            return Bubble("location", f"{content.get('name', '')}\n{content.get('address', '')}")
        case "image":
            return Bubble("image", content.get("caption", ""))
    return Bubble(kind, json.dumps(content, ensure_ascii=False))


def _interactive(content: Mapping[str, Any]) -> Bubble:
    words, action = content["body"]["text"], content["action"]
    if content["type"] == "button":
        return Bubble("buttons", words, tuple((one["reply"]["id"], one["reply"]["title"]) for one in action["buttons"]))
    rows = [row for section in action["sections"] for row in section["rows"]]
    lines = [" · ".join(filter(None, (row["title"], row.get("description")))) for row in rows]
    text_of_list = "\n".join([words, *(f"• {line}" for line in lines)])
    return Bubble("list", text_of_list, tuple((row["id"], row["title"]) for row in rows))


@contextmanager
def api_worker(app: Flask) -> Iterator[None]:
    """A worker in a thread, listening to the API's queue."""
    queue = queues.queue(queues.API)
    worker = AppWorker([queue], connection=redis(), serializer=JSONSerializer)
    worker.app = app
    # Signals are for main threads.
    worker.death_penalty_class = _NoLimit  # type: ignore[assignment]
    over = threading.Event()

    def work() -> None:
        while not over.is_set():
            found = queue.dequeue_any([queue], timeout=None, connection=redis(), serializer=JSONSerializer)
            if found:
                worker.execute_job(*found)
            else:
                over.wait(0.005)

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


class _NoLimit:
    def __init__(self, *_: Any, **__: Any) -> None:
        pass

    def __enter__(self) -> None:
        pass

    def __exit__(self, *_: Any) -> None:
        pass


def tell(story: Story, app: Flask, client: FlaskClient, graph: Graph, run_jobs: Callable[..., None]) -> Verdict:
    """Tell it on fresh rows."""
    guest = Api(client, story) if story.channel == "api" else WhatsApp(client, story, graph, run_jobs)
    telling = _Telling(story, guest)
    if story.channel == "whatsapp":
        return telling.whole()
    with api_worker(app):
        return telling.whole()


class _Telling:
    def __init__(self, story: Story, guest: Api | WhatsApp) -> None:
        self.story, self.guest = story, guest
        self.hotel: Hotel = by_slug(story.hotel)
        self.days: Days = story.days(self.hotel.today())
        self.words: dict[str, str] = {}
        self.verdict = Verdict(story.name)
        self.last: list[Bubble] = []
        self.has_heard = False

    def whole(self) -> Verdict:
        for each in self.story.before:
            self._prepare(each)
        self.foreign = {row["id"]: row for row in self._bookings() if row["guest_id"] != self._guest_id()}
        for place, turn in enumerate(self.story.turns, 1):
            self._turn(place, turn)
        self._expect(0, self.story.end)
        if "others" not in self.story.end:
            self._others_are_as_they_were()
        return self.verdict

    # What happened before the first word

    def _prepare(self, told: Mapping[str, Any]) -> None:
        if "booked" in told:
            self._book(**told["booked"])
        elif "sold_out" in told:
            self._sell_out(**told["sold_out"])
        elif "flag" in told:
            switches.switch(told["flag"]["key"], told["flag"]["on"], self.hotel.id)
        else:
            self._staff_the_desk(told["desk"])

    def _book(self, **told: Any) -> None:
        mine = told.get("whose", "me") == "me"
        name = told.get("name", self.story.guest or "Marta García")
        other = Identity("phone", "34699000111", "34699000111")
        guest, _ = who_writes(self.hotel.id, [self.guest.identity if mine else other], name)
        db.session.commit()
        check_in = self._day(told["arrival"])
        stay = Stay(check_in, check_in + timedelta(days=told["nights"]))
        request = RoomRequest(told["type"], told.get("adults", 2), told.get("children", 0))
        key = f"before:{len(self.words)}"
        hold = hold_quote(self.hotel, guest.id, stay, [request], key)
        booking = book(self.hotel, hold.hold_key, guest.id, name, key, today=min(check_in, self.hotel.today()))
        self.words[told.get("code", "code")] = booking.code
        status = told.get("status", "booked")
        db.session.execute(
            text("update reservations set status = :status where code = :code"),
            {"status": status, "code": booking.code},
        )
        db.session.commit()

    def _sell_out(self, **told: Any) -> None:
        """Other guests have all rooms of these kinds but `leave`."""
        guest, _ = who_writes(self.hotel.id, [Identity("phone", "34699000222", "34699000222")], "Otro Huésped")
        db.session.commit()
        first = self._day(told["from"])
        stay = Stay(first, first + timedelta(days=told["nights"]))
        for kind in told["types"]:
            held = []
            for number in range(100):
                try:
                    key = f"sold:{kind}:{number}"
                    held.append(hold_quote(self.hotel, guest.id, stay, [RoomRequest(kind, 1)], key))
                except RoomTaken:
                    break
            for number, hold in enumerate(held[told.get("leave", 0) :]):
                book(self.hotel, hold.hold_key, guest.id, "Otro Huésped", f"sold:{kind}:b{number}")
        db.session.execute(text("delete from reservation_locks where status = 'active'"))
        db.session.commit()

    def _staff_the_desk(self, how: str) -> None:
        """Hours that hold this moment, or that begin in some hours."""
        now = utcnow().astimezone(self.hotel.zone)
        opens, closes = (now - timedelta(hours=2), now + timedelta(hours=3))
        if how == "closed":
            opens, closes = (now + timedelta(hours=3), now + timedelta(hours=8))
        self.words["opens"] = rf"\b0?{opens.hour}(?:[:.h]00|\s?h|\s?[ap]\.?m|\b)"
        if opens.hour > 12:
            self.words["opens"] = rf"(?:{self.words['opens']}|\b{opens.hour - 12}(?::00)?\s?p\.?\s?m)"
        db.session.execute(
            text("update hotels set front_desk_opens = :opens, front_desk_closes = :closes where id = :id"),
            {"opens": _hour(opens), "closes": _hour(closes), "id": self.hotel.id},
        )
        db.session.commit()

    # Turns

    def _turn(self, place: int, turn: Turn) -> None:
        if turn.silence:
            self._silence(turn.silence)
        if turn.staff:
            self._colleague(turn.staff)
        if not turn.is_guests or (turn.when and not says(self._pattern(turn.when), words_of(self.last))):
            return
        said, bubbles = self._guest_turn(place, turn)
        self.verdict.transcript += [f"{place:2} > {said}", *(f"   < {_shown(bubble)}" for bubble in bubbles)]
        if turn.silent:
            self._fault(place, *(["an answer where none was due"] if bubbles else []))
        else:
            self._judge(place, turn, bubbles)
        if turn.expect:
            self._expect(place, turn.expect)
        self.last = bubbles or self.last

    def _guest_turn(self, place: int, turn: Turn) -> tuple[str, list[Bubble]]:
        if turn.taps:
            pattern = self._pattern(turn.taps)
            choices = [choice for bubble in self.last for choice in bubble.choices]
            found = next((one for one in choices if says(pattern, one[1])), None)
            if found:
                return f"[{found[1]}]", self.guest.taps(*found)
            if not turn.says:
                self._fault(place, f"nothing to tap for {turn.taps!r} among {[title for _, title in choices]}")
                return "(nothing to tap)", []
        if turn.sends and isinstance(self.guest, WhatsApp):
            return f"({turn.sends})", self.guest.sends(turn.sends)
        words = [self._said(each) for each in turn.says]
        return " ⏎ ".join(words), self.guest.says(words)

    def _judge(self, place: int, turn: Turn, bubbles: list[Bubble]) -> None:
        if not bubbles:
            self._fault(place, "no answer")
            return
        self._fault(place, *(f"an error: {bubble.text}" for bubble in bubbles if bubble.kind == "error"))
        words = words_of(bubbles)
        for each in turn.must:
            wanted = each if isinstance(each, list) else [each]
            if not any(says(self._pattern(one), words) for one in wanted):
                self._fault(place, f"must say {each!r}")
        for one in (*turn.must_not, *self.story.must_not):
            if says(self._pattern(one), words):
                self._fault(place, f"must not say {one!r}")
        if turn.choice and not any(bubble.choices for bubble in bubbles):
            self._fault(place, "no buttons or list where there is a choice")
        own = [row for row in self._bookings() if row["guest_id"] == self._guest_id()]
        given = {code for code in self.words.values() if CODE.fullmatch(code)}
        wrong = faults(
            bubbles,
            language=None if turn.any_language else self.story.language,
            hotel=self.story.hotel,
            amounts=self.story.amounts,
            rooms=self.story.rooms,
            own_codes={row["code"] for row in own} | given,
            has_booking=any(row["status"] in ("booked", "in_house") for row in own) or bool(given),
            first=not self.has_heard,
        )
        self._fault(place, *wrong)
        self.has_heard = True

    def _silence(self, hours: float) -> None:
        """So long nobody writes: sessions are over, holds lapse."""
        cast.time_passes(minutes=int(hours * 60))
        back = {"back": timedelta(hours=hours)}
        db.session.execute(text("update sessions set last_activity = last_activity - :back"), back)
        db.session.execute(
            text("update reservation_locks set expires_at = expires_at - :back where status = 'active'"), back
        )
        db.session.commit()
        release_expired()
        self.verdict.transcript.append(f"   ({hours:g} hours later)")

    def _colleague(self, does: str) -> None:
        somebody = by_email(COLLEAGUES[self.story.hotel]).id
        conversation_id = db.session.scalar(text("select id from conversations order by id limit 1"))
        db.session.rollback()
        verb = handover.take_over if does == "takes_over" else handover.give_back
        verb(conversation_id, somebody, hotel_id=self.hotel.id)
        self.verdict.transcript.append(f"   (staff: {does})")

    # What stands in the database

    def _expect(self, place: int, told: Mapping[str, Any]) -> None:
        db.session.rollback()
        guest_id = self._guest_id()
        bookings = self._bookings()
        if "reservations" in told:
            mine = [row for row in bookings if row["guest_id"] == guest_id]
            self._compare(place, "reservations", told["reservations"], mine)
        if "others" in told:
            others = [row for row in bookings if row["id"] in self.foreign and row != self.foreign[row["id"]]]
            self._compare(place, "others", told["others"], others)
        if "active_holds" in told:
            query = "select count(*) from reservation_locks where status = 'active' and expires_at > now()"
            self._equal(place, "active holds", told["active_holds"], db.session.scalar(text(query)))
        query = (
            "select owner, status, waiting_since is not null as waiting, urgent, waiting_reasons as reasons,"
            " (select opted_out_at is not null from guests g where g.id = c.guest_id) as opted_out"
            " from conversations c where guest_id = :guest order by id desc limit 1"
        )
        row = db.session.execute(text(query), {"guest": guest_id}).mappings().one_or_none()
        if row is None:
            self._fault(place, "no conversation")
            return
        for key in ("owner", "status", "waiting", "urgent", "opted_out"):
            if key in told:
                self._equal(place, key, told[key], row[key])
        missing = set(told.get("reasons", ())) - set(row["reasons"])
        self._fault(place, *(f"{one!r} is not among the reasons {row['reasons']}" for one in sorted(missing)))
        db.session.rollback()

    def _compare(self, place: int, what: str, wanted: list[Mapping[str, Any]], rows: list[Mapping[str, Any]]) -> None:
        if len(wanted) != len(rows):
            self._fault(place, f"{len(wanted)} {what} expected, there are {len(rows)}: {[_brief(row) for row in rows]}")
            return
        left = list(rows)
        for each in wanted:
            found = next((row for row in left if not self._differs(each, row)), None)
            if found is None:
                closest = min(left, key=lambda row: len(self._differs(each, row)))
                self._fault(place, f"{what}: {'; '.join(self._differs(each, closest))}")
            else:
                left.remove(found)

    def _differs(self, wanted: Mapping[str, Any], row: Mapping[str, Any]) -> list[str]:
        found = []
        for key, value in wanted.items():
            want: Any = self._day(value) if key in ("check_in", "check_out") else value
            have = row["types"] if key == "type" else row[key]
            want = sorted(value.split("+")) if key == "type" else want
            same = Decimal(str(want)) == have if key == "total" else want == have
            if not same:
                found.append(f"{key} {have} instead of {want}")
        return found

    def _others_are_as_they_were(self) -> None:
        changed = [row for row in self._bookings() if row["id"] in self.foreign and row != self.foreign[row["id"]]]
        self._fault(0, *(f"somebody else's booking has changed: {_brief(row)}" for row in changed))

    def _bookings(self) -> list[Mapping[str, Any]]:
        rows = [dict(row) for row in db.session.execute(BOOKINGS, {"hotel": self.story.hotel}).mappings()]
        db.session.rollback()
        return list(rows)

    def _guest_id(self) -> int | None:
        query = "select guest_id from guest_identities where kind = :kind and value = :value and hotel_id = :hotel"
        identity = self.guest.identity
        given = {"kind": identity.kind, "value": identity.value, "hotel": self.hotel.id}
        found: int | None = db.session.scalar(text(query), given)
        return found

    # Words

    def _day(self, told: Any) -> date:
        if isinstance(told, date):
            return told
        found = PLACEHOLDER.fullmatch(str(told))
        day = self.days.at(found[1], found[2]) if found else None
        if day is None:
            raise ValueError(f"no day: {told}")
        return day

    def _said(self, words: str) -> str:
        return PLACEHOLDER.sub(lambda found: self._filled(found) or found[0], words)

    def _pattern(self, words: str) -> str:
        def fill(found: re.Match[str]) -> str:
            if found[1] == "money":
                return _money(found[3], self.story.hotel)
            if found[1] == "anycode":
                return CODE.pattern
            filled = self._filled(found)
            if filled is None:
                return found[0]
            return filled if found[3] == "seen" or found[1] == "opens" else re.escape(filled)

        return PLACEHOLDER.sub(fill, words)

    def _filled(self, found: re.Match[str]) -> str | None:
        if found[1] == "newcode":
            return next(
                (row["code"] for row in reversed(self._newest()) if row["guest_id"] == self._guest_id()), "none"
            )
        if found[1] in self.words:
            return self.words[found[1]]
        day = self.days.at(found[1], found[2])
        return self.days.write(day, found[3] or "iso") if day else None

    def _newest(self) -> list[Mapping[str, Any]]:
        return sorted(self._bookings(), key=lambda row: int(row["id"]))

    def _equal(self, place: int, what: str, wanted: Any, found: Any) -> None:
        if wanted != found:
            self._fault(place, f"{what}: {found!r} instead of {wanted!r}")

    def _fault(self, place: int, *what: str) -> None:
        self.verdict.faults += [(place, each) for each in what]


def _money(amount: str, hotel: str) -> str:
    """A pattern for an amount, in whichever way thousands and cents are marked."""
    value = Decimal(amount)
    whole = f"{int(value):,}".replace(",", "[.,\u00a0 ]?")
    cents = f"[.,]{int(value * 100 % 100):02d}" if hotel == "miramar" else "(?:[.,]00)?"
    return rf"(?<![\d.,]){whole}{cents}(?!\d)"


def _hour(moment: datetime) -> str:
    return f"{moment.hour:02d}:00"


def _brief(row: Mapping[str, Any]) -> str:
    days = f"{row['check_in']}…{row['check_out']}"
    return f"{row['status']} {days} {row['adults']}+{row['children']} {row['total']} {row['types']}"


def _shown(bubble: Bubble) -> str:
    choices = " ".join(f"[{title}]" for _, title in bubble.choices) if bubble.kind != "list" else "(list)"
    return f"({bubble.kind}) {bubble.text} {choices}".replace("\n", "\n     ").rstrip()
