"""Who is signed in, and where: one row a browser. The cookie holds a token, the row only its SHA-256.

A row ends when its owner signs out, after so many idle seconds, and so many seconds after sign-in whatever happens.
Changing the token keeps the row: the old cookie is worth nothing from then on.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from flask import request
from sqlalchemy import ColumnElement, Row, delete, or_, select, update
from werkzeug.wrappers import Response

from hotel_agent import live
from hotel_agent.config import settings
from hotel_agent.db import db, utcnow
from hotel_agent.errors import NotFound
from hotel_agent.hotels.models import Hotel
from hotel_agent.staff.models import Staff, StaffHotel, StaffSession

SEEN_EVERY = timedelta(minutes=1)
LONGEST_USER_AGENT = 300
# Ended ones are kept a while, so that somebody can see where they were signed in.
KEPT_DAYS = 30
# What a page asks for by itself, with nobody at the keyboard, keeps no session alive.
BY_ITSELF = "X-By-Itself"


@dataclass(frozen=True)
class Place:
    """A hotel that the person belongs to."""

    hotel: Hotel
    role: str


@dataclass(frozen=True)
class Seen:
    """A live session and its owner; `here` is the hotel looked at."""

    session_id: int
    staff_id: int
    email: str
    name: str
    language: str | None
    sound: bool
    here: Place
    places: tuple[Place, ...]


def cookie_name() -> str:
    """With https a browser takes this name from nobody but this very host."""
    return "__Host-hotel" if settings().is_https else "hotel"


# The cookie


def current() -> Seen | None:
    """The session of this request's cookie, in one query; None when there is none or it has ended."""
    token = request.cookies.get(cookie_name(), "")
    return find(token, touch=not _is_unattended()) if token else None


def _is_unattended() -> bool:
    return BY_ITSELF in request.headers or request.accept_mimetypes.best == "text/event-stream"


def put_cookie(response: Response, token: str) -> None:
    response.set_cookie(
        cookie_name(),
        token,
        max_age=settings().staff_session_seconds,
        secure=settings().is_https,
        httponly=True,
        samesite="Lax",
        path="/",
    )


def drop_cookie(response: Response) -> None:
    response.delete_cookie(cookie_name(), path="/", secure=settings().is_https, httponly=True, samesite="Lax")


# Verbs


def begin(staff_id: int, user_agent: str = "", hotel_id: int | None = None) -> str:
    """Sign a person in: the token of a new session, at the hotel that they looked at last."""
    token = _new_token()
    db.session.add(
        StaffSession(
            token_hash=_hash(token),
            staff_id=staff_id,
            hotel_id=hotel_id or _last_hotel(staff_id),
            user_agent=user_agent[:LONGEST_USER_AGENT],
        )
    )
    db.session.commit()
    return token


def find(token: str, *, touch: bool = True) -> Seen | None:
    """The live session of a token. Notes at most once a minute that it is used."""
    now = utcnow()
    rows = db.session.execute(_WITH_PLACES.where(StaffSession.token_hash == _hash(token), *_is_live(now))).all()
    if not rows:
        return None
    first = rows[0]
    if touch and first.last_seen_at < now - SEEN_EVERY:
        _touch(first.id, now)
    places = tuple(Place(_copy(row), row.role) for row in rows)
    here = next((place for place in places if place.hotel.id == first.looked_at), places[0])
    return Seen(first.id, first.staff_id, first.email, first.staff_name, first.spoken, first.sound, here, places)


def rotate(session_id: int, hotel_id: int | None = None) -> str:
    """A new token for the same session, and another hotel to look at if one is given."""
    token = _new_token()
    values = {"token_hash": _hash(token)} | ({"hotel_id": hotel_id} if hotel_id else {})
    db.session.execute(update(StaffSession).where(StaffSession.id == session_id).values(values))
    db.session.commit()
    return token


def hotel_of(staff_id: int, slug: str) -> int:
    """The hotel of that name, if the person belongs to it. Raises NotFound."""
    hotel_id = db.session.scalar(
        select(Hotel.id)
        .join(StaffHotel, StaffHotel.hotel_id == Hotel.id)
        .where(StaffHotel.staff_id == staff_id, Hotel.slug == slug.replace("\0", ""))
    )
    if hotel_id is None:
        raise NotFound("There is no such hotel.")
    return hotel_id


def end(session_id: int, staff_id: int) -> None:
    """Sign out one browser of a person's. Raises NotFound when it is not theirs or has ended already."""
    if not _end(StaffSession.id == session_id, StaffSession.staff_id == staff_id):
        raise NotFound("That session has ended already.")


def end_token(token: str) -> None:
    """Sign out whoever holds this cookie, if anybody."""
    _end(StaffSession.token_hash == _hash(token))


def end_all(staff_id: int, but: int | None = None) -> int:
    """Sign a person out everywhere, or everywhere else. How many browsers that were."""
    return len(_end(StaffSession.staff_id == staff_id, StaffSession.id != (but or 0)))


def of(staff_id: int) -> Sequence[StaffSession]:
    """A person's live sessions, the one used last first."""
    query = select(StaffSession).where(StaffSession.staff_id == staff_id, *_is_live(utcnow()))
    return db.session.scalars(query.order_by(StaffSession.last_seen_at.desc())).all()


def forget_old() -> int:
    """Delete the rows of sessions that ended long ago."""
    long_ago = utcnow() - timedelta(days=KEPT_DAYS, seconds=settings().staff_session_seconds)
    gone = db.session.execute(
        delete(StaffSession)
        .where(or_(StaffSession.ended_at < long_ago, StaffSession.last_seen_at < long_ago))
        .returning(StaffSession.id)
    ).all()
    db.session.commit()
    return len(gone)


# Rows

_HOTEL = Hotel.__table__.c
_WITH_PLACES = (
    select(
        StaffSession.id,
        StaffSession.staff_id,
        StaffSession.last_seen_at,
        StaffSession.hotel_id.label("looked_at"),
        Staff.email,
        Staff.name.label("staff_name"),
        Staff.language.label("spoken"),
        Staff.sound,
        StaffHotel.role,
        *[column.label(f"hotel_{column.name}") for column in _HOTEL],
    )
    .join(Staff, Staff.id == StaffSession.staff_id)
    .join(StaffHotel, StaffHotel.staff_id == Staff.id)
    .join(Hotel, Hotel.id == StaffHotel.hotel_id)
    .order_by(Hotel.name, Hotel.id)
)


def _is_live(now: datetime) -> tuple[ColumnElement[bool], ...]:
    config = settings()
    return (
        StaffSession.ended_at.is_(None),
        StaffSession.last_seen_at > now - timedelta(seconds=config.staff_idle_seconds),
        StaffSession.created_at > now - timedelta(seconds=config.staff_session_seconds),
        StaffSession.staff_id.in_(select(Staff.id).where(Staff.disabled_at.is_(None))),
    )


def _copy(row: Row[Any]) -> Hotel:
    """A hotel that belongs to no transaction: it stays readable whatever becomes of this one."""
    return Hotel(**{column.name: getattr(row, f"hotel_{column.name}") for column in _HOTEL})


def _touch(session_id: int, now: datetime) -> None:
    db.session.execute(update(StaffSession).where(StaffSession.id == session_id).values(last_seen_at=now))
    db.session.commit()


def _end(*which: ColumnElement[bool]) -> Sequence[int]:
    ended = db.session.scalars(
        update(StaffSession)
        .where(StaffSession.ended_at.is_(None), *which)
        .values(ended_at=utcnow())
        .returning(StaffSession.id)
    ).all()
    db.session.commit()
    for session_id in ended:
        live.tell("session_ended", session=session_id)
    return ended


def _last_hotel(staff_id: int) -> int | None:
    last = select(StaffSession.hotel_id).where(StaffSession.staff_id == staff_id)
    return db.session.scalar(last.order_by(StaffSession.last_seen_at.desc()).limit(1))


def _new_token() -> str:
    return secrets.token_urlsafe(32)


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
