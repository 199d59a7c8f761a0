"""Webhook bodies that could not be taken in: looked at without their words, and put back."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, func, select, true

from hotel_agent.audit.recording import record
from hotel_agent.conversations.inbox import put_back
from hotel_agent.conversations.models import WebhookFailure
from hotel_agent.db import db, utcnow
from hotel_agent.hotels.models import Hotel

SHOWN_FOR = timedelta(days=7)
MOST_IDS_RECORDED = 50
UNREADABLE = "unreadable"


@dataclass(frozen=True)
class Failure:
    """A body, or the piece of one at `place`; `hotel` is None where nobody can say whose it is."""

    id: int
    at: datetime
    hotel: str | None
    reason: str
    detail: str
    place: str
    resolved_at: datetime | None

    @property
    def may_work_again(self) -> bool:
        """Whether "replay all" takes it along: what nobody can read stays so until the program has changed."""
        return self.resolved_at is None and self.reason != UNREADABLE


def webhook_failures(
    hotel_ids: Collection[int] | None, *, resolved: bool = False, before: int | None = None, limit: int = 50
) -> list[Failure]:
    """What waits to be looked at, or what has been settled lately; newest first, the next page `before` the last id.

    Those of these hotels (None: of all) and those of which nobody can say whose they are. Never the bodies.
    """
    settled = WebhookFailure.resolved_at > utcnow() - SHOWN_FOR if resolved else WebhookFailure.resolved_at.is_(None)
    query = (
        select(
            WebhookFailure.id,
            WebhookFailure.created_at,
            Hotel.name,
            WebhookFailure.reason,
            WebhookFailure.detail,
            WebhookFailure.place,
            WebhookFailure.resolved_at,
        )
        .join(Hotel, Hotel.id == WebhookFailure.hotel_id, isouter=True)
        .where(settled, _concerns(hotel_ids))
        .order_by(WebhookFailure.id.desc())
        .limit(limit)
    )
    if before is not None:
        query = query.where(WebhookFailure.id < before)
    return [Failure(*row) for row in db.session.execute(query)]


@dataclass(frozen=True)
class Open:
    """How many wait to be looked at, and how many of them nobody could read."""

    all: int
    unreadable: int

    @property
    def may_work_again(self) -> int:
        return self.all - self.unreadable


def how_many_wait(hotel_ids: Collection[int] | None, ids: Iterable[int] | None = None) -> Open:
    """Of these hotels and of nobody's, as in the list; only the ones named, if some are."""
    query = select(func.count(), func.count().filter(WebhookFailure.reason == UNREADABLE)).where(
        WebhookFailure.resolved_at.is_(None), _concerns(hotel_ids)
    )
    if ids is not None:
        query = query.where(WebhookFailure.id.in_(set(ids)))
    return Open(*db.session.execute(query).one())


def replay(ids: Iterable[int] | None = None, *, hotel_ids: Collection[int] | None = None) -> int:
    """Take bodies in again: the ones named, or all that may work; answers how many of them waited.

    Of other hotels than `hotel_ids` (None: any) none is touched.
    """
    query = select(WebhookFailure.id, WebhookFailure.hotel_id).where(
        WebhookFailure.resolved_at.is_(None), _concerns(hotel_ids)
    )
    if ids is None:
        query = query.where(WebhookFailure.reason != UNREADABLE)
    else:
        query = query.where(WebhookFailure.id.in_(set(ids)))
    by_hotel: dict[int | None, list[int]] = defaultdict(list)
    for failure_id, hotel_id in db.session.execute(query.order_by(WebhookFailure.id)):
        by_hotel[hotel_id].append(failure_id)
    for hotel_id, those in by_hotel.items():
        record("bodies_replayed", hotel_id=hotel_id, count=len(those), ids=those[:MOST_IDS_RECORDED])
    return put_back([failure_id for those in by_hotel.values() for failure_id in those])


def _concerns(hotel_ids: Collection[int] | None) -> ColumnElement[bool]:
    if hotel_ids is None:
        return true()
    return WebhookFailure.hotel_id.in_(hotel_ids) | WebhookFailure.hotel_id.is_(None)
