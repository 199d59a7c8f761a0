"""Accounts and their passwords (argon2)."""

from __future__ import annotations

import re
import sys
import threading
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from hotel_agent.db import db
from hotel_agent.errors import BadInput, NotFound
from hotel_agent.staff.models import ROLES, Staff, StaffHotel

EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+\Z")
SHORTEST_PASSWORD = 10
# Each takes 64 MB while it computes.
_few_at_once = threading.BoundedSemaphore(2)


@lru_cache
def _hasher() -> PasswordHasher:
    return PasswordHasher()


def put(email: str, hotel_id: int, role: str, name: str = "", password: str | None = None) -> Staff:
    """Make the account, or give it that role in the hotel. Raises BadInput."""
    email = email.strip().lower()
    if not EMAIL.match(email):
        raise BadInput("email", f"{email!r} is not an e-mail address")
    if role not in ROLES:
        raise BadInput("role", f"a role is one of {', '.join(ROLES)}")
    account = db.session.scalar(select(Staff).where(Staff.email == email))
    if account is None:
        account = Staff(email=email, name=name)
        db.session.add(account)
        db.session.flush()
    if password is not None:
        set_password(account, password)
    statement = insert(StaffHotel).values(staff_id=account.id, hotel_id=hotel_id, role=role)
    db.session.execute(statement.on_conflict_do_update(index_elements=["staff_id", "hotel_id"], set_={"role": role}))
    db.session.commit()
    return account


def by_email(email: str) -> Staff:
    """Raises NotFound."""
    account = db.session.scalar(select(Staff).where(Staff.email == email.strip().lower()))
    if account is None:
        raise NotFound(f"There is no account {email!r}.")
    return account


def set_password(account: Staff, password: str) -> None:
    """In the caller's transaction. Raises BadInput."""
    if len(password) < SHORTEST_PASSWORD:
        raise BadInput("password", f"a password has at least {SHORTEST_PASSWORD} characters")
    account.password_hash = off_the_loop(lambda: _hasher().hash(password))


def signed_in(email: str, password: str) -> Staff | None:
    """The account whose password this is. An unknown e-mail takes as long as a wrong password."""
    account = db.session.scalar(select(Staff).where(Staff.email == email.strip().lower()))
    known = account is not None and account.password_hash is not None and account.disabled_at is None
    wanted = account.password_hash if account and known else _nobody()
    db.session.rollback()
    right = off_the_loop(lambda: _matches(wanted or _nobody(), password))
    return account if known and right else None


@lru_cache
def _nobody() -> str:
    return _hasher().hash("nobody has this password")


def _matches(wanted: str, password: str) -> bool:
    with _few_at_once:
        return _verify(wanted, password)


def _verify(wanted: str, password: str) -> bool:
    try:
        return _hasher().verify(wanted, password)
    except (VerificationError, InvalidHashError):
        return False


def off_the_loop(work: Callable[[], Any]) -> Any:
    """Run what keeps a core busy in the gevent hub's thread pool, so that other requests go on meanwhile."""
    if "gevent.monkey" in sys.modules and sys.modules["gevent.monkey"].is_module_patched("socket"):
        import gevent

        return gevent.get_hub().threadpool.apply(work)
    return work()
