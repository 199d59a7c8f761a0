"""Finding a conversation by what is known of the guest, or by words that were said.

What is common is found among the latest rows, what is rare by an index: PostgreSQL begins with the second way only
when the first has found too little. All of it takes two statements.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Integer, bindparam, text

from hotel_agent.channels.whatsapp.payload import canonical_phone
from hotel_agent.db import db
from hotel_agent.hotels.models import Hotel

MOST = 30  # conversations that one search shows
HITS = 150  # messages and notes that are looked at for it: some are of one conversation
NEWEST_CONVERSATIONS = 700  # open ones and closed ones each
LONGEST_QUERY, MOST_WORDS = 200, 8
WORDS_FROM, TRIGRAM, CODE_FROM, DIGITS_FROM = 2, 3, 4, 4
PHONE = re.compile(r"[+(]?[0-9][0-9 ()./+\-\u00a0]*", re.ASCII)
BEFORE, AFTER = 30, 90  # characters shown around what was found


@dataclass(frozen=True)
class Wanted:
    """What somebody typed, without what no text has; `words` are those with a letter or digit in them."""

    query: str
    words: tuple[str, ...]


def words_of(query: str) -> Wanted | None:
    """None when nothing was typed."""
    typed = query[: LONGEST_QUERY * 10].encode("utf-8", "ignore").decode()
    clean = "".join(" " if unicodedata.category(character) in ("Cc", "Cs") else character for character in typed)
    clean = " ".join(clean.split())[:LONGEST_QUERY].strip()
    if not clean:
        return None
    return Wanted(clean, tuple(word for word in clean.split() if any(map(str.isalnum, word)))[:MOST_WORDS])


def find(hotel: Hotel, wanted: Wanted) -> dict[int, str | None]:
    """Conversations of the hotel, best first, each with the words around what was found, if those help.

    People come first, by name, phone or booking, then what was said; each with the latest first.
    """
    if not wanted.words:
        return {}
    found: dict[int, str | None] = {}
    for conversation_id, words in _people(hotel, wanted):
        found.setdefault(conversation_id, words)
    for conversation_id, body in _said(hotel, wanted):
        if len(found) < MOST and conversation_id not in found:
            found[conversation_id] = around(body, wanted.words)
    return found


# Who

RECENT = "coalesce(c.last_message_at, c.created_at)"
NEWEST = f"""
    select c.id, null as found from (
        (select c.id, c.guest_id, {RECENT} as at from conversations c
            where c.hotel_id = :hotel and c.status <> 'closed' order by {RECENT} desc, c.id desc limit :newest)
        union all
        (select c.id, c.guest_id, {RECENT} as at from conversations c
            where c.hotel_id = :hotel and c.status = 'closed' order by {RECENT} desc, c.id desc limit :newest)
    ) c
    cross join lateral (select name from guests g where g.id = c.guest_id offset 0) g
    where {{named}} order by c.at desc limit :most
"""
# `+ 0` and `offset 0` keep the planner from walking through whole tables in the order that is wanted.
BY_NAME = f"""
    select c.id, null as found
    from (select g.id from guests g where g.hotel_id = :hotel and {{named}} order by g.id + 0 desc limit :some) g
    cross join lateral (select * from conversations c where c.guest_id = g.id offset 0) c
    order by {RECENT} desc limit :most
"""
BY_PHONE = f"""
    select c.id, '+' || i.wire as found
    from (select i.guest_id, i.wire from guest_identities i
        where i.hotel_id = :hotel and i.kind = 'phone' and i.retired_at is null and i.value like any(:phones)
        order by i.id + 0 desc limit :some) i
    cross join lateral (select * from conversations c where c.guest_id = i.guest_id offset 0) c
    order by {RECENT} desc limit :most
"""
BY_RESERVATION = f"""
    select c.id, r.code || ' · ' || r.guest_name as found
    from (select r.guest_id, r.code, r.guest_name from reservations r
        where r.hotel_id = :hotel and r.guest_id is not null and {{booked}} order by r.id + 0 desc limit :some) r
    cross join lateral (select * from conversations c where c.guest_id = r.guest_id offset 0) c
    order by {RECENT} desc limit :most
"""


def _people(hotel: Hotel, wanted: Wanted) -> list[tuple[int, str | None]]:
    values: dict[str, Any] = {"newest": NEWEST_CONVERSATIONS, "some": 5 * MOST, "most": MOST}
    names = tuple(re.findall(r"[^\W_]+", " ".join(wanted.words)))[:MOST_WORDS]
    steps = []
    if phones := phones_of(wanted.query):
        steps.append(BY_PHONE)
        values["phones"] = phones
    if code := code_of(hotel, wanted.query):
        steps.append(BY_RESERVATION.format(booked="r.code like :code"))
        values["code"] = code
    for number, name in enumerate(names):
        values |= {f"part{number}": f"%{name}%", f"first{number}": f"{name}%", f"later{number}": f"% {name}%"}
    steps += [NEWEST.format(named=named("g.name", names)), BY_NAME.format(named=named("g.name", names))]
    if len(wanted.query) >= WORDS_FROM:
        steps.append(BY_RESERVATION.format(booked=named("r.guest_name", names)))
    union = " union all ".join(f"({step})" for step in steps)
    # GIN finds a hotel only by an integer as wide as the column.
    statement = text(f"select * from ({union}) people limit :most").bindparams(bindparam("hotel", hotel.id, Integer))
    return [(row.id, row.found) for row in db.session.execute(statement, values)]


def named(column: str, names: tuple[str, ...]) -> str:
    """All of them occur, in any order; short ones, of which no index knows the middle, begin a word."""
    return " and ".join(
        f"fold({column}) like fold(:part{number})"
        if len(name) >= TRIGRAM
        else f"(fold({column}) like fold(:first{number}) or fold({column}) like fold(:later{number}))"
        for number, name in enumerate(names)
    )


def phones_of(query: str) -> list[str]:
    """Patterns for the digits, which people write with a prefix, a leading zero, or neither."""
    digits = re.sub(r"[^0-9]", "", query)
    if not PHONE.fullmatch(query) or not DIGITS_FROM <= len(digits) <= 20:
        return []
    national = digits.removeprefix("00") if digits.startswith("00") else digits.removeprefix("0")
    forms = {digits, national, canonical_phone(national) or digits}
    return [f"%{form}%" for form in sorted(forms) if len(form) >= DIGITS_FROM]


def code_of(hotel: Hotel, query: str) -> str | None:
    """A pattern for a booking's code, or a good part of one, with or without the hotel's letters before it."""
    letters = re.sub(r"[\s\-–]", "", query).upper()
    prefix = hotel.slug[:3].upper()
    if len(letters) > len(prefix) + 3:
        letters = letters.removeprefix(prefix)
    return f"%{letters}%" if re.fullmatch(rf"[0-9A-Z]{{{CODE_FROM},12}}", letters) else None


# What was said

# `messages_with` is a function of migration 0008, and says there how it goes about it.
SAID = text("""
    (select e.conversation_id, e.at, left(e.body, 4000) as body from conversation_events e
        where e.hotel_id = :hotel and e.kind = 'note'
            and to_tsvector('simple'::regconfig, fold(e.body)) @@ all_words(:words)
        order by e.id + 0 desc limit :most)
    union all
    (select conversation_id, at, left(body, 4000) from messages_with(:hotel, all_words(:words), :hits))
""").bindparams(bindparam("hotel", type_=Integer))


def _said(hotel: Hotel, wanted: Wanted) -> list[tuple[int, str]]:
    if len(wanted.query) < WORDS_FROM:
        return []
    values = {"hotel": hotel.id, "words": " ".join(wanted.words), "most": MOST, "hits": HITS}
    rows = db.session.execute(SAID, values).all()
    latest_first = sorted(rows, key=lambda row: row.at, reverse=True)
    return [(row.conversation_id, row.body) for row in latest_first]


def around(body: str, words: tuple[str, ...]) -> str:
    """The part of a text, on one line, in which the first of the words occurs."""
    line = " ".join(body.split())
    plain = _plain(line)
    places = [place for word in words if (place := plain.find(_plain(word))) >= 0]
    start = max(0, min(places, default=0) - BEFORE)
    start = line.find(" ", start) + 1 if start and line.find(" ", start, start + BEFORE) >= 0 else start
    cut = line[start : start + BEFORE + AFTER]
    if start + len(cut) < len(line):
        cut = f"{cut.rsplit(' ', 1)[0]}…"
    return f"…{cut}" if start else cut


def _plain(words: str) -> str:
    """Without accents and in lower case, character by character, so that places stay what they are."""
    return "".join(unicodedata.normalize("NFKD", character)[0].lower()[0] for character in words)
