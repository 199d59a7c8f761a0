"""Who changes a claim on a room, and why: handed to the triggers that write `lock_audit`.

The rows are written by PostgreSQL, in the statement that changes the claim (migration 0010) or what a PMS keeps for us
(0015): so no verb can forget to, and a row that somebody changes by SQL of their own leaves its trace as well, under
`system` and the name of the database's user. Whoever knows better says so here, for the transaction, or for every
transaction of a verb that crosses the network between them. What is acted on is read from the rows.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from sqlalchemy import event, text
from sqlalchemy.engine import Connection
from sqlalchemy.orm import Session, SessionTransaction

from hotel_agent.db import db


@dataclass(frozen=True)
class Who:
    """`kind` is guest, staff, agent (what the dialogue does of itself) or system."""

    kind: str
    id: int | None = None

    def __str__(self) -> str:
        return self.kind if self.id is None else f"{self.kind}:{self.id}"


AGENT, SYSTEM = Who("agent"), Who("system")

TELL = text(
    "select set_config('hotel_agent.actor', :actor, true), set_config('hotel_agent.why', :why, true),"
    " set_config('hotel_agent.moving', :moving, true)"
)

_acting: ContextVar[tuple[Who, str] | None] = ContextVar("hotel_agent.locks.acting", default=None)
_doing: ContextVar[tuple[Who, str] | None] = ContextVar("hotel_agent.locks.doing", default=None)


def guest(guest_id: int | None) -> Who:
    return SYSTEM if guest_id is None else Who("guest", guest_id)


def staff(staff_id: int) -> Who:
    return Who("staff", staff_id)


@contextmanager
def acting(who: Who, why: str = "") -> Iterator[None]:
    """Whatever claims change meanwhile, by whichever verb, it was them; `why` comes before the verb's own words."""
    token = _acting.set((who, why))
    try:
        yield
    finally:
        _acting.reset(token)


@contextmanager
def doing(who: Who, why: str) -> Iterator[None]:
    """As `tell`, for each transaction that begins meanwhile and for the one that is open now; afterwards for none."""
    token = _doing.set((who, why))
    try:
        if _in_transaction():
            tell(who, why)
        yield
    finally:
        _doing.reset(token)
    if _in_transaction():
        db.session.execute(TELL, {"actor": "", "why": "", "moving": ""})


def _in_transaction() -> bool:
    return db.session.registry().in_transaction()


def tell(who: Who, why: str, moving: bool = False) -> None:
    """Let the triggers know, until the transaction ends or somebody tells otherwise.

    Who is `acting` is more than the `who` that a verb can tell of itself. `moving`: claims that are let go and taken
    now are a booking's that moves.
    """
    db.session.execute(TELL, _told(who, why, moving))


def _told(who: Who, why: str, moving: bool = False) -> dict[str, str]:
    told = _acting.get()
    if told is not None:
        who, why = told[0], ": ".join(filter(None, (told[1], why)))
    return {"actor": str(who), "why": why, "moving": "yes" if moving else ""}


@event.listens_for(db.session, "after_begin")
def _say_it_again(_session: Session, transaction: SessionTransaction, connection: Connection) -> None:
    """What was told ends with the transaction; a savepoint is none of its own."""
    told = _doing.get()
    if told is not None and not transaction.nested:
        connection.execute(TELL, _told(*told))
