"""Requests under the keys of those who ask: one key is one request, and what it was told it is told again."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import delete, or_, select, text, update
from sqlalchemy.dialects.postgresql import insert

from hotel_agent.db import db, nobody_has, utcnow
from hotel_agent.reservations.api.models import ApiRequest

# So long an answer can be asked for again; then a key is new.
KEPT = timedelta(hours=48)
WAIT_SECONDS = 5
LOCK = "api_request"
AT_THE_DESK = "desk:"


class KeyReused(Exception):
    """Under this key something else was asked for."""


class InProgress(Exception):
    """What was asked for under this key is being done."""


@dataclass(frozen=True)
class Caller:
    """Who asks: `name` is token:7, staff:3, or desk:3 on a page; `actor` is how the audit log calls them."""

    name: str
    actor: str
    staff_id: int | None = None

    @classmethod
    def at_the_desk(cls, staff_id: int, email: str) -> Caller:
        return cls(f"{AT_THE_DESK}{staff_id}", email, staff_id)


@dataclass(frozen=True)
class Told:
    """An answer that stands: the HTTP status and the body."""

    status: int
    body: dict[str, Any]


@dataclass(frozen=True)
class Request:
    """A request that is kept; `told` where it has been answered."""

    id: int
    told: Told | None


def keep(hotel_id: int, caller: Caller, key: str, operation: str, code: str, asked: dict[str, Any]) -> Request:
    """Write the request down, or find it, and commit. Without an answer it is the caller's to wait for.

    Raises KeyReused, and InProgress where somebody waits for it or a worker is at it.
    """
    fingerprint = _fingerprint(operation, code, asked)
    while True:
        request_id = _insert(hotel_id, caller, key, operation, code, asked, fingerprint)
        if request_id is not None:
            return Request(request_id, None)
        found = _find(hotel_id, caller, key)
        if found is not None:
            return _again(found, fingerprint)


def told_to(request_id: int) -> Told | None:
    """The answer, if it has come."""
    row = db.session.execute(
        select(ApiRequest.status, ApiRequest.answer).where(ApiRequest.id == request_id, ApiRequest.status.is_not(None))
    ).first()
    db.session.commit()
    return Told(row.status, row.answer or {}) if row else None


def nobody_waits(request_id: int) -> None:
    """Whoever asked has been told to ask again."""
    db.session.execute(
        update(ApiRequest).where(ApiRequest.id == request_id, ApiRequest.status.is_(None)).values(asked_at=None)
    )
    db.session.commit()


def forget_old() -> None:
    """Whoever asks again later than this asks anew."""
    db.session.execute(delete(ApiRequest).where(ApiRequest.created_at < utcnow() - KEPT))
    db.session.commit()


def _fingerprint(operation: str, code: str, asked: dict[str, Any]) -> str:
    whole = json.dumps([operation, code, asked], sort_keys=True, ensure_ascii=True, separators=(",", ":"))
    return hashlib.sha256(whole.encode()).hexdigest()


def _insert(
    hotel_id: int, caller: Caller, key: str, operation: str, code: str, asked: dict[str, Any], fingerprint: str
) -> int | None:
    """Its id, or None where there is one under this key."""
    request_id = db.session.scalar(
        insert(ApiRequest)
        .values(
            hotel_id=hotel_id,
            caller=caller.name,
            staff_id=caller.staff_id,
            actor=caller.actor,
            key=key,
            operation=operation,
            code=code,
            fingerprint=fingerprint,
            asked=asked,
            asked_at=utcnow(),
        )
        .on_conflict_do_nothing(index_elements=["hotel_id", "caller", "key"])
        .returning(ApiRequest.id)
    )
    db.session.commit()
    return request_id


def _find(hotel_id: int, caller: Caller, key: str) -> ApiRequest | None:
    """None where it has gone meanwhile: what nobody can use holds no key."""
    found = db.session.scalar(
        select(ApiRequest)
        .where(ApiRequest.hotel_id == hotel_id, ApiRequest.caller == caller.name, ApiRequest.key == key)
        .execution_options(populate_existing=True)
    )
    db.session.commit()
    return found


def _again(found: ApiRequest, fingerprint: str) -> Request:
    if found.fingerprint != fingerprint:
        raise KeyReused
    if found.status is not None:
        return Request(found.id, Told(found.status, found.answer or {}))
    if _take_over(found.id):
        return Request(found.id, None)
    told = told_to(found.id)  # It may have come just now.
    if told is None:
        raise InProgress
    return Request(found.id, told)


def _take_over(request_id: int) -> bool:
    """Whether nobody waits for it and no worker is at it, be it that one died; now this caller waits."""
    nobody_is_at_it = nobody_has(LOCK, request_id)
    taken = nobody_is_at_it and db.session.scalar(
        update(ApiRequest)
        .where(
            ApiRequest.id == request_id,
            ApiRequest.status.is_(None),
            or_(ApiRequest.asked_at.is_(None), ApiRequest.asked_at < utcnow() - timedelta(seconds=WAIT_SECONDS)),
        )
        .values(asked_at=utcnow())
        .returning(ApiRequest.id)
    )
    db.session.commit()
    return bool(taken)


UNTOLD = text("""
    select q.id from api_requests q
    where q.status is null and q.created_at < :quiet and (q.asked_at is null or q.asked_at < :quiet) and (
        exists (select from reservations r where r.hotel_id = q.hotel_id and r.request_key = 'api:' || q.id)
        or exists (select from reservation_changes c join reservations r on r.id = c.reservation_id
            where r.hotel_id = q.hotel_id and r.code = q.code and c.request_key = 'api:' || q.id)
        or (q.operation = 'cancel' and q.asked ? 'begun' and exists (select from reservations r
            where r.hotel_id = q.hotel_id and r.code = q.code and r.status = 'cancelled')))
    order by q.id limit 100
""")


def done_and_untold(quiet: timedelta = timedelta(minutes=1)) -> list[int]:
    """Requests that were carried out by somebody who died before they could write down the answer."""
    found = list(db.session.scalars(UNTOLD, {"quiet": utcnow() - quiet}))
    db.session.commit()
    return found
