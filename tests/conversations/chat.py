"""A guest in a chat with the agent, turn after turn, and what must hold of every reply whatever the story."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from math import prod
from typing import Any

from babel.dates import format_date
from sqlalchemy import select, text

from hotel_agent.channels.whatsapp.limits import Choice, OutButtons, OutList, OutLocation, OutMessage, Row
from hotel_agent.channels.whatsapp.outgoing import words_of
from hotel_agent.conversations import words
from hotel_agent.conversations.dialogue import Answer, Heard, State, Turn
from hotel_agent.conversations.reply import reply_to
from hotel_agent.db import db, utcnow
from hotel_agent.guests.models import Guest
from hotel_agent.hotels.models import Extra, Hotel, Knowledge
from hotel_agent.hotels.opening import next_opening
from hotel_agent.pms.local.models import Reservation
from hotel_agent.reservations import Booking, Stay
from hotel_agent.reservations.booking import find_hold, look_up
from hotel_agent.reservations.quoting import search
from tests.reservations.cast import TODAY


@dataclass
class Reply:
    answer: Answer

    @property
    def text(self) -> str:
        """All words that the guest reads."""
        return "\n".join(_words(bubble) for bubble in self.answer.bubbles)

    @property
    def choices(self) -> list[Choice | Row]:
        found: list[Choice | Row] = []
        for bubble in self.answer.bubbles:
            found += bubble.buttons if isinstance(bubble, OutButtons) else ()
            found += bubble.rows if isinstance(bubble, OutList) else ()
        return found

    @property
    def ids(self) -> list[str]:
        return [choice.id for choice in self.choices]

    @property
    def intent(self) -> str:
        return self.answer.understanding.intent if self.answer.understanding else ""

    @property
    def asks_for(self) -> str | None:
        asked: str | None = self.answer.state["expected"]
        return asked

    @property
    def reason(self) -> str | None:
        return self.answer.handover.reason if self.answer.handover else None

    def says(self, *pieces: str) -> bool:
        return all(piece.lower() in self.text.lower() for piece in pieces)


def _words(bubble: OutMessage) -> str:
    if isinstance(bubble, OutLocation):
        return f"{bubble.name} {bubble.address}"
    parts = [words_of(bubble)]
    if isinstance(bubble, OutButtons):
        parts += [button.title for button in bubble.buttons]
    if isinstance(bubble, OutList):
        parts += [f"{row.title} {row.description}" for row in bubble.rows]
    return "\n".join(parts)


@dataclass
class Chat:
    """`today` is the hotel's; the state goes through JSON between turns, as it does in the database."""

    hotel: Hotel
    guest: Guest
    language: str | None = None
    today: date = field(default_factory=lambda: utcnow().date())
    state: dict[str, Any] = field(default_factory=dict)
    first_contact: bool = False
    waiting: str | None = None
    count: int = 0
    last: Reply | None = None
    now: datetime | None = None
    earlier: dict[str, Any] = field(default_factory=dict)
    channel: str = "whatsapp"
    review_asked: int | None = None

    def comes_back_later(self) -> None:
        """The session is over: what it knew is what was talked about earlier."""
        self.earlier, self.state = self.state, {}

    def says(self, *texts: str) -> Reply:
        return self.hears(*(Heard(at, "text", said, None, "answerable") for at, said in enumerate(texts)))

    def taps(self, reply_id: str) -> Reply:
        """Tap the choice whose id begins so; it need not be on the last reply."""
        shown = self.last.choices if self.last else []
        found = next((choice for choice in shown if choice.id.startswith(reply_id)), None)
        title = found.title if found else "Sí"
        return self.hears(Heard(0, "interactive", title, found.id if found else reply_id, "answerable"))

    def hears(self, *heard: Heard) -> Reply:
        self.count += 1
        turn = self.turn(heard)
        reply = Reply(reply_to(turn))
        db.session.commit()
        check(self, reply)
        self.state = json.loads(json.dumps(reply.answer.state))
        self.language = reply.answer.language
        self.first_contact = False
        self.last = reply
        return reply

    def turn(self, heard: tuple[Heard, ...]) -> Turn:
        return Turn(
            hotel=self.hotel,
            guest=self.guest,
            language=self.language,
            heard=heard,
            today=self.today,
            now=self.now or utcnow(),
            state=self.state,
            first_contact=self.first_contact,
            already_waiting=self.waiting,
            request_key=f"test:{self.guest.id}:{self.count}",
            earlier=self.earlier,
            channel=self.channel,
            review_asked=self.review_asked,
        )

    @property
    def remembered(self) -> State:
        return State.from_json(self.state)

    def bookings(self) -> list[Reservation]:
        db.session.expire_all()
        return list(db.session.scalars(select(Reservation).where(Reservation.guest_id == self.guest.id)))

    def locks(self, status: str) -> int:
        found: int = db.session.execute(
            text("select count(*) from reservation_locks where guest_id = :guest and status = :status"),
            {"guest": self.guest.id, "status": status},
        ).scalar_one()
        return found


def new_guest(hotel: Hotel, name: str | None = "Marta García") -> Guest:
    guest = Guest(hotel_id=hotel.id, name=name)
    db.session.add(guest)
    db.session.commit()
    return guest


def hotel_named(slug: str) -> Hotel:
    return db.session.scalars(select(Hotel).where(Hotel.slug == slug)).one()


def day(number: int) -> date:
    """Days so far ahead that nobody has booked there."""
    return TODAY + timedelta(days=70 + number)


def told(language: str, day_of_stay: date) -> str:
    """A date as a guest writes it."""
    pattern = {"es": "d 'de' MMMM", "en": "d MMMM", "pt": "d 'de' MMMM"}[language]
    return str(format_date(day_of_stay, pattern, locale=words.LOCALES[language]))


def span(language: str, first: date, last: date) -> str:
    joined = {"es": ("del", "al"), "en": ("from", "to"), "pt": ("de", "a")}[language]
    return f"{joined[0]} {told(language, first)} {joined[1]} {told(language, last)}"


# --- what holds of every reply ----------------------------------------------------------------------------

_MONEY = re.compile(r"€ ?([\d.,]*\d)|([\d.,]*\d) €|(?:COP|MXN|ARS|USD) ([\d.,]*\d)|([\d.,]*\d) (?:COP|MXN|ARS|USD)")
_CODE = re.compile(r"[A-Z]{3}-[2-9A-Z]{6}")
_CONFIRMED = re.compile(r"\*confirmada\*|\*confirmed\*")


def check(chat: Chat, reply: Reply) -> None:
    assert len(reply.answer.bubbles) <= 2, reply.text
    assert len({choice.id for choice in reply.choices}) == len(reply.choices)
    assert all(choice.title for choice in reply.choices)
    for bubble in reply.answer.bubbles:
        assert not isinstance(bubble, OutButtons) or len(bubble.buttons) <= 3
        assert not isinstance(bubble, OutList) or len(bubble.rows) <= 10
    assert "{" not in reply.text
    assert "None" not in reply.text
    assert not reply.answer.blocked, f"{reply.answer.blocked} are on no record, so this was not sent"
    check_truth(chat, reply)


def check_truth(chat: Chat, reply: Reply) -> None:
    """Every amount and date is on record: an offer, a hold, a booking, or the hotel's own words."""
    amounts, days = _on_record(chat, reply)
    for amount in _amounts(reply.text):
        assert amount in amounts, f"{amount} is on no record: {reply.text}"
    for written in _days(reply):
        spoken = words.spoken_in(reply.answer.language, chat.hotel.country)
        known = [words.day(spoken, on_record) for on_record in days]
        assert written in known, f"{written} is on no record: {reply.text}"
    if _CONFIRMED.search(reply.text):
        assert any(booking.code in reply.text and booking.status == "booked" for booking in chat.bookings())


def _amounts(said: str) -> list[Decimal]:
    found = []
    for match in _MONEY.finditer(said):
        digits = next(group for group in match.groups() if group)
        cents = re.fullmatch(r"(.*)[.,](\d\d)", digits)
        whole, rest = (cents[1], cents[2]) if cents else (digits, "00")
        found.append(Decimal(f"{re.sub('[.,]', '', whole)}.{rest}"))
    return found


def _on_record(chat: Chat, reply: Reply) -> tuple[set[Decimal], set[date]]:
    amounts: set[Decimal] = set()
    opens = next_opening(chat.hotel, chat.now or utcnow())
    days = {chat.today, *([opens.date()] if opens else [])}
    for row in db.session.scalars(select(Knowledge).where(Knowledge.hotel_id == chat.hotel.id)):
        amounts.update(_amounts(row.text))
    states = (State.from_json(chat.state), State.from_json(reply.answer.state))
    stays = {(s.booking.check_in, s.booking.check_out) for s in states}
    stays |= {(shown.check_in, shown.check_out) for s in states for shown in s.offers}
    for state in states:
        for shown in state.offers:
            nights = (shown.check_out - shown.check_in).days
            amounts |= {Decimal(shown.total), Decimal(shown.total) / nights}
    for check_in, check_out in stays:
        days |= {known for known in (check_in, check_out) if known}
        if check_in and check_out and check_in < check_out:
            for offer in search(chat.hotel, Stay(check_in, check_out)).offers:
                amounts |= {*(offer.nightly), offer.total or Decimal(0)}
    rows = db.session.execute(
        text(
            "select check_in, check_out, sum(price) as total from reservation_locks where hotel_id = :hotel"
            " and guest_id = :guest group by hold_key, check_in, check_out"
        ),
        {"hotel": chat.hotel.id, "guest": chat.guest.id},
    ).all()
    found = [look_up(chat.hotel, _owner(code), code) for code in _CODE.findall(reply.text)]
    bookings = [booking for booking in found if isinstance(booking, Booking)]
    for check_in, check_out, total in rows:
        days |= {check_in, check_out, check_in - timedelta(days=2)}
        amounts |= {total, total / (check_out - check_in).days}
    for state in states:
        _add_changes(chat, state.changing, amounts, days)
        _add_terms(chat, state, amounts)
    if chat.hotel.settings.get("cancellation_fee", "").startswith("amount:"):
        amounts.add(Decimal(chat.hotel.settings["cancellation_fee"].removeprefix("amount:")))
    said = reply.answer.understanding.entities if reply.answer.understanding else {}
    days |= {date.fromisoformat(str(said[name])) for name in ("check_in", "check_out") if said.get(name)}
    amounts |= set(db.session.scalars(select(Extra.price).where(Extra.hotel_id == chat.hotel.id)))
    for booking in bookings:
        days |= {booking.stay.check_in, booking.stay.check_out, booking.free_until.date()}
        amounts |= {booking.total, booking.late_fee, booking.cancellation_fee or Decimal(0)}
    amounts |= _added_up(reply.text, amounts)
    db.session.rollback()
    return amounts, days


_PRODUCT = re.compile(r"^• .*?: (.*) = (.*)$", re.MULTILINE)


def _added_up(said: str, known: set[Decimal]) -> set[Decimal]:
    """What is worked out before the guest's eyes, if it is worked out right: products of known prices, and sums."""
    products = []
    for factors, product in _PRODUCT.findall(said):
        price, *counts = factors.split(" × ")
        expected = _amounts(price)[0] * prod(int(count.split()[0]) for count in counts)
        assert _amounts(price)[0] in known
        assert _amounts(product) == [expected]
        products.append(expected)
    extras = sum(products, Decimal(0))
    return {*products, extras, *(extras + amount for amount in known)} if products else set()


def _add_changes(chat: Chat, changing: dict[str, Any], amounts: set[Decimal], days: set[date]) -> None:
    """What a booking would cost on the days, and in the rooms, that it could be changed to, and the difference."""
    booking = look_up(chat.hotel, _owner(str(changing.get("code"))), str(changing.get("code")))
    if not isinstance(booking, Booking):
        return
    days |= {booking.stay.check_in, booking.stay.check_out, booking.free_until.date()}
    kept = {name: date.fromisoformat(value) for name, value in changing.get("wants", {}).items() if "check" in name}
    found = [
        [key.split(":")[1], key.split(":")[2], key.split(":")[3].split("+")] for key in changing.get("choices") or []
    ]
    if changing.get("stay"):
        found.append([*changing["stay"], []])
    stays = [(date.fromisoformat(first), date.fromisoformat(last), kinds) for first, last, kinds in found]
    stays.append((kept.get("check_in", booking.stay.check_in), kept.get("check_out", booking.stay.check_out), []))
    for first, last, kinds in stays:
        days |= {first, last, first - timedelta(days=2)}
        if first >= last:
            continue
        offers = {offer.kind.code: offer.total or Decimal(0) for offer in search(chat.hotel, Stay(first, last)).offers}
        rooms = [room.kind.code for room in booking.rooms]
        together = [sum((offers[code] for code in codes), Decimal(0)) for codes in (kinds, rooms)]
        for total in (*offers.values(), *together):
            amounts |= {total, abs(total - booking.total)}


def _add_terms(chat: Chat, state: State, amounts: set[Decimal]) -> None:
    """What cancelling a hold would cost, and the taxes that come on top of a price."""
    hold = find_hold(chat.hotel, state.hold, chat.guest.id) if state.hold else None
    if hold is not None:
        amounts.add(hold.late_fee)
    tax = chat.hotel.settings.get("tax", {})
    if tax.get("added") == "yes":
        totals = [Decimal(shown.total) for shown in state.offers] + ([hold.total] if hold else [])
        net = [(total / (1 + Decimal(tax["percent"]) / 100)).quantize(Decimal("0.01")) for total in totals]
        amounts |= {total - without for total, without in zip(totals, net, strict=True)}


def _owner(code: str) -> int | None:
    return db.session.scalar(select(Reservation.guest_id).where(Reservation.code == code))


def _days(reply: Reply) -> list[str]:
    """Days told with their weekday."""
    locale = words.LOCALES[reply.answer.language]
    week = [date(2026, 6, 1) + timedelta(days=number) for number in range(7)]
    weekdays = "|".join(format_date(one, "EEEE", locale=locale) for one in week)
    return [match[0] for match in re.finditer(rf"(?:{weekdays}),? \d+ (?:de )?\w+", reply.text)]
