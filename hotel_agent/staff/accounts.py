"""Accounts and their passwords (argon2)."""

from __future__ import annotations

import re
import sys
import threading
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from flask_babel import gettext as _
from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert

from hotel_agent import metrics
from hotel_agent.audit.recording import record
from hotel_agent.db import db, done_reading, utcnow
from hotel_agent.errors import BadInput, NotFound
from hotel_agent.hotels.models import Hotel
from hotel_agent.logs import get_logger
from hotel_agent.staff import passwords, sessions, throttle
from hotel_agent.staff.models import ROLES, Staff, StaffHotel

EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+\Z")
LONGEST_EMAIL = 254
log = get_logger(__name__)
# Each takes 64 MB while it computes.
_few_at_once = threading.BoundedSemaphore(2)


@lru_cache
def _hasher() -> PasswordHasher:
    return PasswordHasher()


# Making and finding


def put(email: str, hotel_id: int, role: str, name: str = "", password: str | None = None) -> Staff:
    """Make the account, or give it that role in the hotel; with a password, sign it out everywhere. Raises BadInput."""
    account = named(email, hotel_id, role, name)
    if password is not None:
        set_password(account, password)
    db.session.commit()
    if password is not None:
        sessions.end_all(account.id)
    return account


def named(email: str, hotel_id: int, role: str, name: str = "") -> Staff:
    """The account, with that role in the hotel from now on, in the caller's transaction. Raises BadInput."""
    email = clean_email(email)
    if role not in ROLES:
        raise BadInput("role", _("Choose one of the roles."))
    account = db.session.scalar(select(Staff).where(Staff.email == email))
    if account is None:
        account = Staff(email=email, name=name)
        db.session.add(account)
        db.session.flush()
    statement = insert(StaffHotel).values(staff_id=account.id, hotel_id=hotel_id, role=role)
    db.session.execute(statement.on_conflict_do_update(index_elements=["staff_id", "hotel_id"], set_={"role": role}))
    return account


def clean_email(email: str) -> str:
    email = email.strip().lower()
    if len(email) > LONGEST_EMAIL or not email.isprintable() or not EMAIL.match(email):
        raise BadInput("email", _("This is not an e-mail address."))
    return email


def plain(words: str) -> str:
    """On one line, without what no keyboard types."""
    return " ".join("".join(letter if letter.isprintable() else " " for letter in words).split())


def by_email(email: str) -> Staff:
    """Raises NotFound."""
    account = db.session.scalar(select(Staff).where(Staff.email == email.strip().lower()))
    if account is None:
        raise NotFound(f"There is no account {email!r}.")
    return account


def has_password(email: str) -> bool:
    known = select(Staff.id).where(Staff.email == email.strip().lower(), Staff.password_hash.is_not(None))
    return db.session.scalar(known) is not None


def by_id(staff_id: int) -> Staff:
    """Raises NotFound."""
    account = db.session.get(Staff, staff_id)
    if account is None:
        raise NotFound("There is no such account.")
    return account


def everybody() -> Sequence[tuple[Staff, str | None, str | None]]:
    """Every account with each hotel that it belongs to, and its role there."""
    rows = db.session.execute(
        select(Staff, Hotel.slug, StaffHotel.role)
        .outerjoin(StaffHotel, StaffHotel.staff_id == Staff.id)
        .outerjoin(Hotel, Hotel.id == StaffHotel.hotel_id)
        .order_by(Staff.email, Hotel.slug)
    )
    return [(row[0], row[1], row[2]) for row in rows]


# Shutting out


def disable(account: Staff) -> None:
    """Shut an account out at once; what it did stays."""
    account.disabled_at = account.signed_out_at = utcnow()
    note(account, "account_disabled")
    db.session.commit()
    sessions.end_all(account.id)


def enable(account: Staff) -> None:
    account.disabled_at = None
    note(account, "account_enabled")
    db.session.commit()


def sign_out_everywhere(account: Staff, but: int | None = None) -> int:
    """End the sessions of an account, all but one perhaps, and its unspent tokens. How many sessions that were."""
    account.signed_out_at = utcnow()
    note(account, "signed_out_everywhere")
    db.session.commit()
    return sessions.end_all(account.id, but)


def note(account: Staff, action: str) -> None:
    """Write down, for each hotel that the account belongs to, what was done with it; in the caller's transaction."""
    for hotel_id in db.session.scalars(select(StaffHotel.hotel_id).where(StaffHotel.staff_id == account.id)):
        record(action, account.email, hotel_id=hotel_id)


# Passwords


def change_password(account: Staff, password: str, but: int | None = None) -> None:
    """A new password; whoever was signed in with the old one is no longer, `but` one session. Raises BadInput."""
    set_password(account, password)
    note(account, "password_changed")
    db.session.commit()
    sessions.end_all(account.id, but)


def set_password(account: Staff, password: str) -> None:
    """In the caller's transaction, if the password is good enough. Raises BadInput."""
    password = passwords.normal(password)
    hotels = select(Hotel.name).join(StaffHotel, StaffHotel.hotel_id == Hotel.id)
    names = db.session.scalars(hotels.where(StaffHotel.staff_id == account.id)).all()
    has_code = account.totp_confirmed_at is not None
    passwords.check(password, has_code=has_code, about=(account.email, account.name, *names))
    _keep(account, password)


def keep_in_step(account: Staff, password: str) -> None:
    """Let this be the password, whatever it is like: for the demo, whose installation chooses it."""
    password = passwords.normal(password)
    if account.password_hash is None or not _matches(account.password_hash, password):
        _keep(account, password)
        db.session.commit()
        sessions.end_all(account.id)


def _keep(account: Staff, password: str) -> None:
    account.password_hash = off_the_loop(lambda: _hash(password))
    account.password_set_at = account.signed_out_at = utcnow()
    account.invite_hash = account.invite_expires_at = None


def signed_in(email: str, password: str, address: str | None = None) -> Staff | None:
    """The account whose password this is. An unknown e-mail takes as long as a wrong password.

    Raises TooManyFailures.
    """
    email = plain(email)
    tried = throttle.attempt("password", email, address)
    somewhere = Staff.id.in_(select(StaffHotel.staff_id))
    account = db.session.scalar(select(Staff).where(Staff.email == email.lower(), somewhere))
    if not is_password(account, password):
        log.info("sign_in_failed", staff_id=account.id if account else None)
        metrics.sign_ins.labels("wrong_password").inc()
        return None
    tried.succeeded()
    metrics.sign_ins.labels("right_password").inc()
    return account


def is_password(account: Staff | None, password: str) -> bool:
    """Whether this is the password of an account that may sign in; closes the transaction meanwhile."""
    known = account is not None and account.password_hash is not None and account.disabled_at is None
    nobody = _nobody()
    wanted = (account.password_hash if account and known else None) or nobody
    done_reading()
    password = passwords.normal(password)
    right = bool(off_the_loop(lambda: _matches(wanted, password)))
    if not right or not known or account is None:
        return False
    if _hasher().check_needs_rehash(wanted):
        new = off_the_loop(lambda: _hash(password))
        db.session.execute(
            update(Staff).where(Staff.id == account.id, Staff.password_hash == wanted).values(password_hash=new)
        )
        db.session.commit()
    return True


@lru_cache
def _nobody() -> str:
    return str(off_the_loop(lambda: _hash("nobody has this password")))


def _hash(password: str) -> str:
    with _few_at_once:
        return _hasher().hash(password)


def _matches(wanted: str, password: str) -> bool:
    with _few_at_once:
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
