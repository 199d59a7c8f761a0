"""The list of a hotel's guests, newest first, found by name, phone or booking; and the card of one of them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Integer, bindparam, text

from hotel_agent.dashboard.search import MOST_WORDS, code_of, named, phones_of, words_of
from hotel_agent.dashboard.shapes import Card
from hotel_agent.dashboard.stay import NOWHERE, Whereabouts, card, whereabouts
from hotel_agent.db import db
from hotel_agent.errors import NotFound
from hotel_agent.hotels.models import Hotel

PAGE = 40
# So many of each kind of finding are looked at: whoever gets more types more.
MOST_FOUND = 500
FILTERS = ("in_house", "arriving", "vip", "opted_out", "erased")

_STANDS = {
    "in_house": "g.id in (select r.guest_id from reservations r where r.hotel_id = :hotel and ("
    " (r.status = 'in_house' and r.check_in <= :today and r.check_out >= :today)"
    " or (r.status = 'booked' and r.check_in < :today and r.check_out >= :today))) and g.erased_at is null",
    "arriving": "g.id in (select r.guest_id from reservations r where r.hotel_id = :hotel"
    " and r.status in ('booked', 'pending') and r.check_in = :today) and g.erased_at is null",
    "vip": "g.vip and g.erased_at is null",
    "opted_out": "g.opted_out_at is not null and g.erased_at is null",
    "erased": "g.erased_at is not null",
    "": "g.erased_at is null",
}
_LIST = """
    with page as (
        select g.id, g.name, g.language, g.vip, g.opted_out_at, g.erased_at, g.created_at
        from guests g where g.hotel_id = :hotel and {stands} and g.id < :before {found}
        order by g.id desc limit :most)
    select p.*, phone.wire as phone, coalesce(stays.count, 0) as stays, heard.at as heard_at
    from page p
    left join lateral (select i.wire from guest_identities i
        where i.guest_id = p.id and i.kind = 'phone' and i.retired_at is null order by i.id limit 1) phone on true
    left join lateral (select count(*) from reservations r
        where r.guest_id = p.id and r.status not in ('cancelled', 'no_show')) stays on true
    left join lateral (select max(c.last_inbound_at) as at from conversations c where c.guest_id = p.id) heard on true
    order by p.id desc
"""


@dataclass(frozen=True)
class GuestLine:
    id: int
    name: str | None
    phone: str | None
    language: str | None
    vip: bool
    opted_out: bool
    erased_at: datetime | None
    stays: int
    heard_at: datetime | None
    where: Whereabouts


@dataclass(frozen=True)
class Directory:
    """One page of the list. `more` is what the next one begins before, None at the end."""

    lines: tuple[GuestLine, ...]
    more: int | None


def directory(hotel: Hotel, query: str = "", only: str = "", before: int | None = None, page: int = PAGE) -> Directory:
    """In two statements. `only` is one of FILTERS; nonsense in the query finds nobody."""
    values: dict[str, Any] = {"most": page + 1, "before": before or 2**31 - 1, "today": hotel.today()}
    found = _found(hotel, query, values)
    if found is None:
        return Directory((), None)
    statement = text(_LIST.format(stands=_STANDS[only], found=found))
    # GIN finds a hotel only by an integer as wide as the column.
    statement = statement.bindparams(bindparam("hotel", hotel.id, Integer))
    rows = db.session.execute(
        statement, {name: value for name, value in values.items() if f":{name}" in str(statement)}
    )
    all_rows = rows.all()
    shown = all_rows[:page]
    where = whereabouts(hotel, [row.id for row in shown])
    lines = tuple(_line(row, where.get(row.id, NOWHERE)) for row in shown)
    return Directory(lines, shown[-1].id if len(all_rows) > page else None)


def _line(row: Any, where: Whereabouts) -> GuestLine:
    return GuestLine(
        row.id,
        row.name,
        row.phone,
        row.language,
        row.vip,
        row.opted_out_at is not None,
        row.erased_at,
        row.stays,
        row.heard_at,
        where,
    )


def _found(hotel: Hotel, query: str, values: dict[str, Any]) -> str | None:
    """The condition that a query makes, its values put into `values`; None where it can find nobody."""
    wanted = words_of(query)
    if wanted is None:
        return ""
    ways = []
    names = tuple(re.findall(r"[^\W_]+", " ".join(wanted.words)))[:MOST_WORDS]
    for number, name in enumerate(names):
        values |= {f"part{number}": f"%{name}%", f"first{number}": f"{name}%", f"later{number}": f"% {name}%"}
    if names:
        ways += [
            f"select n.id from guests n where n.hotel_id = :hotel and {named('n.name', names)}",
            f"select r.guest_id from reservations r where r.hotel_id = :hotel and {named('r.guest_name', names)}",
        ]
    if phones := phones_of(wanted.query):
        values["phones"] = phones
        ways.append(
            "select i.guest_id from guest_identities i where i.hotel_id = :hotel and i.kind = 'phone'"
            " and i.retired_at is null and i.value like any(:phones)"
        )
    if code := code_of(hotel, wanted.query):
        values["code"] = code
        ways.append("select r.guest_id from reservations r where r.hotel_id = :hotel and r.code like :code")
    if re.fullmatch(r"#[0-9]{1,9}", wanted.query):
        values["number"] = int(wanted.query[1:])
        ways.append("select n.id from guests n where n.hotel_id = :hotel and n.id = :number")
    if not ways:
        return None
    return "and g.id in (" + " union ".join(f"({way} limit {MOST_FOUND})" for way in ways) + ")"


# One of them

_OF_GUEST = {
    "identities": """
        select i.kind, i.wire, i.retired_at, i.created_at from guest_identities i
        where i.guest_id = :guest order by i.retired_at nulls first, i.id""",
    "conversations": """
        select c.id, c.channel, c.status, c.owner, c.last_message_at, c.last_inbound_at, c.created_at,
            c.waiting_since, n.identifier_value as number
        from conversations c left join tenant_user_identifiers n on n.id = c.identifier_id
        where c.guest_id = :guest order by coalesce(c.last_message_at, c.created_at) desc, c.id desc limit 50""",
    "notes": """
        select n.id, n.body, n.created_at, coalesce(nullif(s.name, ''), s.email) as author
        from guest_notes n left join staff s on s.id = n.staff_id
        where n.guest_id = :guest order by n.id desc limit 100""",
    "consents": """
        select n.what, n.at, n.how, coalesce(nullif(s.name, ''), s.email) as author
        from guest_consents n left join staff s on s.id = n.staff_id
        where n.guest_id = :guest order by n.id desc limit 50""",
}
_GUEST = text("select consented_at, opted_out_at, erased_at from guests where id = :guest and hotel_id = :hotel")


@dataclass(frozen=True)
class Whole:
    """All that the page of a guest shows, but for their exports."""

    card: Card
    consented_at: datetime | None
    opted_out_at: datetime | None
    erased_at: datetime | None
    identities: tuple[Any, ...]
    conversations: tuple[Any, ...]
    notes: tuple[Any, ...]
    consents: tuple[Any, ...]


def whole(hotel: Hotel, guest_id: int, language: str) -> Whole:
    """In eight statements. Raises NotFound for a guest of another hotel."""
    row = db.session.execute(_GUEST, {"guest": guest_id, "hotel": hotel.id}).first()
    if row is None:
        raise NotFound(f"guest {guest_id}")
    of_guest = {name: tuple(db.session.execute(text(query), {"guest": guest_id})) for name, query in _OF_GUEST.items()}
    return Whole(card(hotel, guest_id, language), row.consented_at, row.opted_out_at, row.erased_at, **of_guest)
