"""Bearer tokens: short-lived JWTs of people, and long-lived tokens of one hotel for integrations."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
from flask import request
from sqlalchemy import or_, select, update
from werkzeug.exceptions import Forbidden, Unauthorized

from hotel_agent.audit.recording import record
from hotel_agent.config import settings
from hotel_agent.db import db, done_reading, utcnow
from hotel_agent.errors import BadInput, NotFound
from hotel_agent.hotels.finding import by_slug
from hotel_agent.hotels.models import Hotel
from hotel_agent.staff.access import PERMISSIONS
from hotel_agent.staff.models import ApiToken, Staff, StaffHotel

LIFETIME = timedelta(hours=1)
PREFIX = "hat_"
USED_EVERY = timedelta(minutes=1)
# So long a revoked token can still be seen in the list.
SHOWN_REVOKED = timedelta(days=30)


@dataclass(frozen=True)
class Bearer:
    """Who asks: the roles by hotel id; an integration's role is `api`.

    `name` is token:7 or staff:3; `actor` is how the audit log calls them, for people their e-mail.
    """

    roles: dict[int, str]
    name: str
    actor: str
    staff_id: int | None = None

    def may(self, permission: str, hotel_id: int) -> bool:
        """An integration is the hotel's own."""
        role = self.roles.get(hotel_id)
        return role == "api" or role in PERMISSIONS[permission]


def issue(account: Staff) -> tuple[str, int]:
    """A JWT bound to the person, and its life in seconds; hotels and roles are read anew at each use.

    `issued` is finer than `iat`: a password changed within the same second ends the token all the same.
    """
    now = utcnow()
    claims = {"sub": str(account.id), "iat": now, "exp": now + LIFETIME, "aud": "api", "issued": now.timestamp()}
    return jwt.encode(claims, _key(), algorithm="HS256"), int(LIFETIME.total_seconds())


def create_token(hotel: Hotel, name: str = "") -> str:
    """A new token of the hotel; it is told once and only its hash is kept."""
    token = PREFIX + secrets.token_urlsafe(32)
    db.session.add(ApiToken(hotel_id=hotel.id, name=name, token_hash=_hash(token)))
    record("token_created", name, hotel_id=hotel.id)
    db.session.commit()
    return token


def revoke_token(token: str) -> bool:
    """False when there is no such live token."""
    row = db.session.scalar(select(ApiToken).where(ApiToken.token_hash == _hash(token), ApiToken.revoked_at.is_(None)))
    if row:
        _revoke(row)
    return row is not None


def revoke(hotel: Hotel, token_id: int) -> None:
    """A token that is revoked already stays so. Raises NotFound."""
    row = token_of(hotel, token_id)
    if row.revoked_at is None:
        _revoke(row)


def _revoke(row: ApiToken) -> None:
    row.revoked_at = utcnow()
    record("token_revoked", row.name, hotel_id=row.hotel_id)
    db.session.commit()


def tokens_of(hotel: Hotel) -> Sequence[ApiToken]:
    """The live ones, the newest first, then those that were revoked lately."""
    lately = or_(ApiToken.revoked_at.is_(None), ApiToken.revoked_at > utcnow() - SHOWN_REVOKED)
    query = select(ApiToken).where(ApiToken.hotel_id == hotel.id, lately)
    return db.session.scalars(query.order_by(ApiToken.revoked_at.is_not(None), ApiToken.id.desc())).all()


def token_of(hotel: Hotel, token_id: int) -> ApiToken:
    """Raises NotFound."""
    row = db.session.scalar(select(ApiToken).where(ApiToken.id == token_id, ApiToken.hotel_id == hotel.id))
    if row is None:
        raise NotFound("There is no such token at this hotel.")
    return row


def hotel_of_bearer(slug: str) -> Hotel:
    """The hotel that the request names, if its bearer may. Raises 401, 403, or NotFound for an unknown hotel."""
    return _hotel_of(current_bearer(), slug)


def bearer_who_may(permission: str, slug: str | None) -> tuple[Bearer, Hotel]:
    """Who asks, and the hotel that the request names, where their role has this permission.

    Raises 401, 403, BadInput without a hotel, or NotFound for an unknown one.
    """
    bearer = current_bearer()
    if not slug or not slug.isprintable():
        raise BadInput("hotel", "Give the name of a hotel.")
    hotel = _hotel_of(bearer, slug)
    if not bearer.may(permission, hotel.id):
        raise Forbidden("Your role at this hotel does not allow this.")
    return bearer, hotel


def _hotel_of(bearer: Bearer, slug: str) -> Hotel:
    hotel = by_slug(slug)
    if hotel.id not in bearer.roles:
        raise Forbidden("This token is not for that hotel.")
    done_reading()
    return hotel


def current_bearer() -> Bearer:
    """Raises 401."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise Unauthorized("Send Authorization: Bearer with a token.")
    token = token.strip()
    bearer = _of_integration(token) if token.startswith(PREFIX) else _of_person(token)
    if bearer is None:
        raise Unauthorized("The token is unknown, expired or revoked.")
    return bearer


def _of_integration(token: str) -> Bearer | None:
    row = db.session.execute(
        select(ApiToken.id, ApiToken.hotel_id, ApiToken.last_used_at).where(
            ApiToken.token_hash == _hash(token), ApiToken.revoked_at.is_(None)
        )
    ).first()
    if row is None:
        return None
    _note_use(row.id, row.last_used_at)
    return Bearer({row.hotel_id: "api"}, f"token:{row.id}", f"token:{row.id}")


def _note_use(token_id: int, last: datetime | None) -> None:
    """At most once a minute, by one of the requests that come at the same moment."""
    now = utcnow()
    if last is not None and last > now - USED_EVERY:
        return
    unnoted = or_(ApiToken.last_used_at.is_(None), ApiToken.last_used_at <= now - USED_EVERY)
    db.session.execute(update(ApiToken).where(ApiToken.id == token_id, unnoted).values(last_used_at=now))
    db.session.commit()


def _of_person(token: str) -> Bearer | None:
    try:
        claims = jwt.decode(token, _key(), algorithms=["HS256"], audience="api", options={"require": ["exp", "sub"]})
    except jwt.InvalidTokenError:
        return None
    found = db.session.execute(
        select(StaffHotel.hotel_id, StaffHotel.role, Staff.id, Staff.email)
        .join(Staff, Staff.id == StaffHotel.staff_id)
        .where(
            Staff.id == int(claims["sub"]),
            Staff.disabled_at.is_(None),
            or_(Staff.signed_out_at.is_(None), Staff.signed_out_at < _issued(claims)),
        )
    )
    rows = found.all()
    if not rows:
        return None
    person = rows[0]
    return Bearer({row.hotel_id: row.role for row in rows}, f"staff:{person.id}", person.email, person.id)


def _issued(claims: dict[str, Any]) -> datetime:
    return datetime.fromtimestamp(float(claims.get("issued", 0)), UTC)


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def _key() -> bytes:
    return hashlib.sha256(b"bearer:" + settings().secret_key.encode()).digest()
