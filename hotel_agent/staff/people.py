"""What an admin does with the people of a hotel. A hotel always keeps an admin who can sign in.

A person may belong to several hotels: what concerns the whole account (password, code, disabling it) an admin decides
only while theirs is the person's only hotel; otherwise the command line does.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import Select, func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import aliased

from hotel_agent import live
from hotel_agent.audit.recording import record
from hotel_agent.db import db, locked, utcnow
from hotel_agent.errors import BadInput, NotFound
from hotel_agent.hotels.models import Hotel
from hotel_agent.staff import accounts, second_factor, sessions
from hotel_agent.staff.models import ROLES, Staff, StaffHotel, StaffSession

INVITATION = timedelta(days=7)
LONGEST_NAME = 100


class LastAdmin(BadInput):
    """The hotel would be left without anybody who may look after it."""

    def __init__(self) -> None:
        super().__init__("role", _("The hotel needs an admin: give somebody else that role first."))


class Oneself(BadInput):
    """What would change one's own access: a colleague does that. Password and code have a page of their own."""

    def __init__(self) -> None:
        super().__init__("person", _("Nobody changes their own access: ask another admin."))


@dataclass(frozen=True)
class Person:
    """One line of the list of people. `last_seen_at` is null for who has not signed in lately."""

    staff_id: int
    email: str
    name: str
    role: str
    has_password: bool
    has_code: bool
    disabled: bool
    invited_until: datetime | None
    last_seen_at: datetime | None
    elsewhere: bool

    @property
    def state(self) -> str:
        """disabled, active, renewing (may choose a new password), invited, expired (its time), none (without one)."""
        invited = self.invited_until is not None and self.invited_until > utcnow()
        if self.disabled:
            return "disabled"
        if self.has_password:
            return "renewing" if invited else "active"
        return "invited" if invited else "expired" if self.invited_until else "none"


def people_of(hotel: Hotel) -> Sequence[Person]:
    by_name = func.lower(func.coalesce(func.nullif(Staff.name, ""), Staff.email))
    return _told(_people(hotel).order_by(by_name))


def person_of(hotel: Hotel, staff_id: int) -> Person:
    """Raises NotFound."""
    found = _told(_people(hotel).where(Staff.id == staff_id))
    if not found:
        raise NotFound("There is no such person at this hotel.")
    return found[0]


def _people(hotel: Hotel) -> Select[Any]:
    seen = select(func.max(StaffSession.last_seen_at)).where(StaffSession.staff_id == Staff.id).scalar_subquery()
    place = aliased(StaffHotel)
    hotels = select(func.count(place.hotel_id)).where(place.staff_id == Staff.id).scalar_subquery()
    return (
        select(Staff, StaffHotel.role, seen, hotels)
        .join(StaffHotel, StaffHotel.staff_id == Staff.id)
        .where(StaffHotel.hotel_id == hotel.id)
    )


def _told(people: Select[Any]) -> Sequence[Person]:
    return [
        Person(
            staff_id=account.id,
            email=account.email,
            name=account.name,
            role=role,
            has_password=account.password_hash is not None,
            has_code=second_factor.is_on(account),
            disabled=account.disabled_at is not None,
            invited_until=account.invite_expires_at,
            last_seen_at=last_seen,
            elsewhere=count > 1,
        )
        for account, role, last_seen, count in db.session.execute(people)
    ]


# Coming


def invite(hotel: Hotel, email: str, name: str, role: str, by: int) -> str | None:
    """Let somebody into the hotel. The invitation's token; None for who has an account already. Raises BadInput.

    Whom another hotel has invited must have accepted first: whoever holds that invitation would be let in here.
    """
    email = accounts.clean_email(email)
    if _membership(hotel, email) is not None:
        raise BadInput("email", _("This person belongs to the hotel already."))
    try:
        account = accounts.named(email, hotel.id, role, accounts.plain(name)[:LONGEST_NAME])
    except IntegrityError:
        db.session.rollback()
        raise BadInput("email", _("Somebody else has just invited this person.")) from None
    locked(Staff, account.id)  # Of two hotels that invite somebody at the same moment, one is the first.
    is_known = account.password_hash is not None
    if not is_known and _belongs_elsewhere(hotel, account.id):
        db.session.rollback()
        raise BadInput("email", _("Another hotel has invited this person. Invite them once they have accepted."))
    token = None if is_known else _new_invitation(account)
    _note(by, "person_invited", account.email, hotel, role=role)
    db.session.commit()
    return token


def invite_again(hotel: Hotel, staff_id: int, by: int) -> str:
    """A new invitation for who lost theirs, or forgot the password. Raises NotFound, BadInput, Oneself."""
    account = _only_ours(hotel, staff_id)
    _somebody_else(staff_id, by)
    token = _new_invitation(account)
    _note(by, "person_invited_again", account.email, hotel)
    db.session.commit()
    return token


def invited(token: str) -> Staff:
    """Whose invitation this is. Raises NotFound."""
    account = db.session.scalar(
        select(Staff).where(
            Staff.invite_hash == _hash(token), Staff.invite_expires_at > utcnow(), Staff.disabled_at.is_(None)
        )
    )
    if account is None:
        raise NotFound("This invitation has been used, or is too old.")
    return account


def accept(account: Staff, name: str, password: str) -> None:
    """Choose a password; the invitation is spent. Raises BadInput."""
    account.name = accounts.plain(name)[:LONGEST_NAME] or account.name
    accounts.set_password(account, password)
    record("invitation_accepted", account.email, staff_id=account.id, actor=account.email)
    db.session.commit()
    sessions.end_all(account.id)


# Changing and going


def change_role(hotel: Hotel, staff_id: int, role: str, by: int) -> None:
    """Raises NotFound, BadInput, LastAdmin, Oneself."""
    account, membership = _of_hotel(hotel, staff_id)
    if role not in ROLES:
        raise BadInput("role", _("Choose one of the roles."))
    before = membership.role
    if before == role:
        return
    if before == "admin":
        _another_admin_stays(hotel, staff_id)
    _somebody_else(staff_id, by)
    membership.role = role
    _note(by, "role_changed", account.email, hotel, role={"from": before, "to": role})
    db.session.commit()
    _show_out(account)


def remove_from_hotel(hotel: Hotel, staff_id: int, by: int) -> None:
    """The account stays, with whatever other hotels it has. Raises NotFound, LastAdmin, Oneself."""
    account, membership = _of_hotel(hotel, staff_id)
    _another_admin_stays(hotel, staff_id)
    _somebody_else(staff_id, by)
    db.session.delete(membership)
    account.invite_hash = account.invite_expires_at = None
    _note(by, "person_removed", account.email, hotel, role=membership.role)
    db.session.commit()
    _show_out(account)


def disable(hotel: Hotel, staff_id: int, by: int) -> None:
    """Shut a person out at once; who has other hotels is only removed from this one.

    Raises NotFound, LastAdmin, Oneself.
    """
    account, _membership = _of_hotel(hotel, staff_id)
    if _belongs_elsewhere(hotel, staff_id):
        remove_from_hotel(hotel, staff_id, by)
        return
    _another_admin_stays(hotel, staff_id)
    _somebody_else(staff_id, by)
    account.disabled_at = account.signed_out_at = utcnow()
    account.invite_hash = account.invite_expires_at = None
    _note(by, "person_disabled", account.email, hotel)
    db.session.commit()
    sessions.end_all(account.id)


def enable(hotel: Hotel, staff_id: int, by: int) -> None:
    """Raises NotFound, BadInput."""
    account = _only_ours(hotel, staff_id)
    account.disabled_at = None
    _note(by, "person_enabled", account.email, hotel)
    db.session.commit()


def reset_code(hotel: Hotel, staff_id: int, by: int) -> None:
    """Who lost their phone signs in with the password alone again. Raises NotFound, BadInput, Oneself."""
    account = _only_ours(hotel, staff_id)
    _somebody_else(staff_id, by)
    _note(by, "totp_reset", account.email, hotel)
    second_factor.forget(account)


def sign_out(hotel: Hotel, staff_id: int, by: int) -> int:
    """End a person's sessions and unspent tokens. How many browsers that were. Raises NotFound, BadInput, Oneself."""
    account = _only_ours(hotel, staff_id)
    _somebody_else(staff_id, by)
    account.signed_out_at = utcnow()
    _note(by, "person_signed_out", account.email, hotel)
    db.session.commit()
    return sessions.end_all(account.id)


# Rows


def _of_hotel(hotel: Hotel, staff_id: int) -> tuple[Staff, StaffHotel]:
    row = db.session.execute(
        select(Staff, StaffHotel)
        .join(StaffHotel, StaffHotel.staff_id == Staff.id)
        .where(Staff.id == staff_id, StaffHotel.hotel_id == hotel.id)
    ).first()
    if row is None:
        raise NotFound("There is no such person at this hotel.")
    return row[0], row[1]


def _membership(hotel: Hotel, email: str) -> int | None:
    return db.session.scalar(
        select(StaffHotel.staff_id)
        .join(Staff, Staff.id == StaffHotel.staff_id)
        .where(Staff.email == email, StaffHotel.hotel_id == hotel.id)
    )


def _only_ours(hotel: Hotel, staff_id: int) -> Staff:
    account, _membership = _of_hotel(hotel, staff_id)
    if _belongs_elsewhere(hotel, staff_id):
        raise BadInput(
            "person", _("This person belongs to other hotels too: only the installation's operator can do that.")
        )
    return account


def _somebody_else(staff_id: int, by: int) -> None:
    """Raises Oneself."""
    if staff_id == by:
        db.session.rollback()
        raise Oneself


def _belongs_elsewhere(hotel: Hotel, staff_id: int) -> bool:
    others = select(StaffHotel.hotel_id).where(StaffHotel.staff_id == staff_id, StaffHotel.hotel_id != hotel.id)
    return db.session.scalar(others.limit(1)) is not None


def _another_admin_stays(hotel: Hotel, staff_id: int) -> None:
    """Two admins who remove each other at the same moment wait for one another here. Raises LastAdmin."""
    db.session.execute(select(Hotel.id).where(Hotel.id == hotel.id).with_for_update())
    admins = db.session.scalars(
        select(StaffHotel.staff_id)
        .join(Staff, Staff.id == StaffHotel.staff_id)
        .where(
            StaffHotel.hotel_id == hotel.id,
            StaffHotel.role == "admin",
            Staff.disabled_at.is_(None),
            Staff.password_hash.is_not(None),
        )
    ).all()
    if list(admins) == [staff_id]:
        db.session.rollback()
        raise LastAdmin


def _new_invitation(account: Staff) -> str:
    token = secrets.token_urlsafe(24)
    account.invite_hash, account.invite_expires_at = _hash(token), utcnow() + INVITATION
    return token


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def _note(by: int, action: str, subject: str, hotel: Hotel, **details: object) -> None:
    actor = db.session.scalar(select(Staff.email).where(Staff.id == by))
    record(action, subject, hotel_id=hotel.id, staff_id=by, actor=actor, **details)


def _show_out(account: Staff) -> None:
    """Open pages load anew, and see what the person may see now."""
    for session in sessions.of(account.id):
        live.tell("session_ended", session=session.id)
