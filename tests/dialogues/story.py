"""A story as it stands in its TOML file, checked before anything is told. docs/dialogue.md explains the format."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from tests.dialogues.days import Days

STORIES = Path(__file__).with_name("stories")
LANGUAGES = ("es", "en", "pt")
CHANNELS = ("api", "whatsapp")
MOST_TURNS = 12

STORY_KEYS = {
    "about",
    "language",
    "channel",
    "hotel",
    "guest",
    "phone",
    "blind",
    "quick",
    "today",
    "dates",
    "amounts",
    "rooms",
    "must_not",
    "before",
    "turn",
    "end",
}
TURN_KEYS = {
    "says",
    "taps",
    "sends",
    "staff",
    "silence",
    "when",
    "must",
    "must_not",
    "silent",
    "choice",
    "any_language",
    "expect",
}
BEFORE_KEYS = {"booked", "sold_out", "desk", "flag"}
BOOKED_KEYS = {"type", "arrival", "nights", "adults", "children", "name", "whose", "status", "code"}
SOLD_OUT_KEYS = {"types", "from", "nights", "leave"}
EXPECT_KEYS = {
    "reservations",
    "others",
    "active_holds",
    "owner",
    "status",
    "waiting",
    "urgent",
    "reasons",
    "opted_out",
}
RESERVATION_KEYS = {"status", "check_in", "check_out", "adults", "children", "total", "currency", "type", "rooms"}
MEDIA = ("image", "audio", "location", "sticker", "reaction")
STAFF = ("takes_over", "gives_back")

Pattern = str | list[str]


class MalformedStory(Exception):
    """The file, the place in it and what is wrong there."""


@dataclass(frozen=True)
class Turn:
    """What the guest does, or a colleague, and what must come of it. `must` holds patterns, or lists of which one."""

    says: tuple[str, ...] = ()
    taps: str | None = None
    sends: str | None = None
    staff: str | None = None
    silence: float = 0
    when: str | None = None
    must: tuple[Pattern, ...] = ()
    must_not: tuple[str, ...] = ()
    silent: bool = False
    choice: bool = False
    any_language: bool = False
    expect: Mapping[str, Any] | None = None

    @property
    def is_guests(self) -> bool:
        return bool(self.says or self.taps or self.sends)


@dataclass(frozen=True)
class Story:
    name: str
    about: str
    language: str
    channel: str
    hotel: str
    guest: str
    phone: str
    blind: bool
    quick: bool
    today: date | None
    dates: Mapping[str, Any]
    amounts: tuple[str, ...]
    rooms: int
    must_not: tuple[str, ...]
    before: tuple[Mapping[str, Any], ...]
    turns: tuple[Turn, ...]
    end: Mapping[str, Any]

    def days(self, today: date) -> Days:
        """The story's own dates, on the day that it is told."""
        return Days(self.today or today, self.language, self.dates)


PHONES = {"es": "34600111222", "en": "447700900123", "pt": "5511987654321"}


def read_all(folder: Path = STORIES) -> list[Story]:
    """Every story of the folder by name. Raises MalformedStory."""
    files = sorted(folder.glob("*.toml"))
    if not files:
        raise MalformedStory(f"{folder}: there is no story (*.toml) in this folder")
    return [read(file) for file in files]


def read(file: Path) -> Story:
    """Raises MalformedStory with the place and the reason."""
    try:
        told = tomllib.loads(file.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as broken:
        raise MalformedStory(f"{file.name}: not TOML: {broken}") from None
    return _Reader(file.name).story(file.stem, told)


class _Reader:
    def __init__(self, file: str) -> None:
        self.file = file

    def story(self, name: str, told: dict[str, Any]) -> Story:
        self.keys("", told, STORY_KEYS)
        language = self.one_of("language", told.get("language"), LANGUAGES)
        turns = told.get("turn")
        if not isinstance(turns, list) or not turns:
            raise self.wrong("", "a story has at least one [[turn]]")
        story = Story(
            name=name,
            about=self.typed("about", told.get("about"), str),
            language=language,
            channel=self.one_of("channel", told.get("channel"), CHANNELS),
            hotel=self.one_of("hotel", told.get("hotel", "miramar"), ("miramar", "andes")),
            guest=self.typed("guest", told.get("guest", "Marta García"), str),
            phone=self.typed("phone", told.get("phone", PHONES[language]), str),
            blind=self.typed("blind", told.get("blind", False), bool),
            quick=self.typed("quick", told.get("quick", False), bool),
            today=self.date(told.get("today")),
            dates=self.typed("dates", told.get("dates", {}), dict),
            amounts=tuple(str(each) for each in told.get("amounts", [])),
            rooms=self.typed("rooms", told.get("rooms", 1), int),
            must_not=self.patterns("must_not", told.get("must_not", []), nested=False),
            before=tuple(self.before(place, each) for place, each in enumerate(told.get("before", []), 1)),
            turns=tuple(self.turn(place, each) for place, each in enumerate(turns, 1)),
            end=self.expect("end", told.get("end", {})),
        )
        self.check_whole(story)
        return story

    def check_whole(self, story: Story) -> None:
        if sum(turn.is_guests for turn in story.turns) > MOST_TURNS:
            raise self.wrong("", f"a guest has at most {MOST_TURNS} turns")
        if story.channel == "api" and any(turn.sends or len(turn.says) > 1 for turn in story.turns):
            raise self.wrong("", "media and several messages at once are for channel whatsapp")
        if story.channel == "whatsapp" and story.today:
            raise self.wrong("today", "WhatsApp has no other date than the real one; use channel api")
        try:
            days = story.days(date(2026, 11, 22))
        except ValueError as reason:
            raise self.wrong("dates", str(reason)) from None
        known = {"code", "newcode", "opens"} | {f"code{n}" for n in range(2, 6)}
        for place, words in _all_words(story):
            unknown = days.unknown_in(words) - known
            if unknown:
                raise self.wrong(place, f"nobody knows {{{sorted(unknown)[0]}}}")

    def turn(self, place: int, told: Any) -> Turn:
        where = f"turn {place}"
        self.typed(where, told, dict)
        self.keys(where, told, TURN_KEYS)
        says = told.get("says", [])
        turn = Turn(
            says=tuple(self.typed(f"{where}: says", says if isinstance(says, list) else [says], list)),
            taps=self.pattern(f"{where}: taps", told.get("taps")),
            sends=self.one_of(f"{where}: sends", told["sends"], MEDIA) if "sends" in told else None,
            staff=self.one_of(f"{where}: staff", told["staff"], STAFF) if "staff" in told else None,
            silence=self.typed(f"{where}: silence (hours)", told.get("silence", 0), (int, float)),
            when=self.pattern(f"{where}: when", told.get("when")),
            must=self.patterns(f"{where}: must", told.get("must", []), nested=True),
            must_not=self.patterns(f"{where}: must_not", told.get("must_not", []), nested=False),
            silent=self.typed(f"{where}: silent", told.get("silent", False), bool),
            choice=self.typed(f"{where}: choice", told.get("choice", False), bool),
            any_language=self.typed(f"{where}: any_language", told.get("any_language", False), bool),
            expect=self.expect(f"{where}: expect", told["expect"]) if "expect" in told else None,
        )
        if not turn.is_guests and not turn.staff:
            raise self.wrong(where, "a turn has says, taps, sends or staff")
        if turn.silent and (turn.must or turn.choice):
            raise self.wrong(where, "a silent turn has nothing that must be said")
        return turn

    def before(self, place: int, told: Any) -> Mapping[str, Any]:
        where = f"before {place}"
        self.typed(where, told, dict)
        self.keys(where, told, BEFORE_KEYS)
        if len(told) != 1:
            raise self.wrong(where, "one verb each")
        if "booked" in told:
            self.keys(f"{where}: booked", told["booked"], BOOKED_KEYS)
            self.needs(f"{where}: booked", told["booked"], ("type", "arrival", "nights"))
        if "sold_out" in told:
            self.keys(f"{where}: sold_out", told["sold_out"], SOLD_OUT_KEYS)
            self.needs(f"{where}: sold_out", told["sold_out"], ("types", "from", "nights"))
        if "desk" in told:
            self.one_of(f"{where}: desk", told["desk"], ("open", "closed"))
        return dict(told)

    def expect(self, where: str, told: Any) -> Mapping[str, Any]:
        self.typed(where, told, dict)
        self.keys(where, told, EXPECT_KEYS)
        for row in [*told.get("reservations", []), *told.get("others", [])]:
            self.keys(f"{where}: reservations", row, RESERVATION_KEYS)
        return dict(told)

    def patterns(self, where: str, told: Any, *, nested: bool) -> tuple[Any, ...]:
        self.typed(where, told, list)
        for each in told:
            if isinstance(each, list) and nested and each:
                for one in each:
                    self.pattern(where, one)
            elif not isinstance(each, str):
                raise self.wrong(where, f"not a pattern: {each!r}")
            else:
                self.pattern(where, each)
        return tuple(told)

    def pattern(self, where: str, told: Any) -> str | None:
        if told is None:
            return None
        self.typed(where, told, str)
        try:
            re.compile(re.sub(r"\{[a-z][^}]*\}", "x", told))
        except re.error as wrong:
            raise self.wrong(where, f"{told!r} is no regular expression: {wrong}") from None
        return str(told)

    def date(self, told: Any) -> date | None:
        return self.typed("today", told, date) if told is not None else None

    def keys(self, where: str, told: Mapping[str, Any], known: Iterable[str]) -> None:
        self.typed(where, told, dict)
        unknown = sorted(set(told) - set(known))
        if unknown:
            raise self.wrong(where, f"unknown key {unknown[0]!r}; known are {', '.join(sorted(known))}")

    def needs(self, where: str, told: Mapping[str, Any], needed: Iterable[str]) -> None:
        missing = [key for key in needed if key not in told]
        if missing:
            raise self.wrong(where, f"{missing[0]!r} is missing")

    def one_of(self, where: str, told: Any, known: tuple[str, ...]) -> str:
        if told not in known:
            raise self.wrong(where, f"{told!r} is none of {', '.join(known)}")
        return str(told)

    def typed(self, where: str, told: Any, kind: Any) -> Any:
        if not isinstance(told, kind) or (isinstance(told, bool) and kind is not bool):
            raise self.wrong(where, f"{told!r} is not what belongs here")
        return told

    def wrong(self, where: str, why: str) -> MalformedStory:
        return MalformedStory(": ".join(filter(None, (self.file, where, why))))


def _all_words(story: Story) -> Iterable[tuple[str, str]]:
    """Every text that may hold a placeholder, with its place."""
    for place, turn in enumerate(story.turns, 1):
        patterns = [one for each in turn.must for one in (each if isinstance(each, list) else [each])]
        for words in (*turn.says, *filter(None, (turn.taps, turn.when)), *patterns, *turn.must_not):
            yield f"turn {place}", words
        yield from ((f"turn {place}", words) for words in _strings(turn.expect))
    yield from (("must_not", words) for words in story.must_not)
    yield from (("end", words) for words in _strings(story.end))
    yield from (("before", words) for each in story.before for words in _strings(each))


def _strings(told: Any) -> Iterable[str]:
    if isinstance(told, str):
        yield told
    elif isinstance(told, Mapping):
        for each in told.values():
            yield from _strings(each)
    elif isinstance(told, list):
        for each in told:
            yield from _strings(each)
