"""The optional second factor: a code of six digits from an app on the phone (TOTP, RFC 6238).

A code counts for half a minute before and after its own, and once.
"""

from __future__ import annotations

import hmac
import re
from time import time

import pyotp
import segno
from sqlalchemy import or_, update

from hotel_agent.db import db, utcnow
from hotel_agent.hotels.credentials import seal, unseal
from hotel_agent.staff import accounts, sessions
from hotel_agent.staff.models import Staff

ISSUER = "Hotel Agent"
STEP_SECONDS = 30


def is_on(account: Staff) -> bool:
    return account.totp_secret is not None and account.totp_confirmed_at is not None


def begin(account: Staff) -> None:
    """A new secret, which counts once a code of it is shown."""
    account.totp_secret, account.totp_confirmed_at, account.totp_last_step = seal(pyotp.random_base32()), None, None
    db.session.commit()


def secret_of(account: Staff) -> str:
    """In groups of four, for those who type it."""
    return " ".join(re.findall(".{4}", _secret(account)))


def picture_of(account: Staff) -> str:
    """The secret as a QR code, as an address for an <img>."""
    uri = pyotp.TOTP(_secret(account)).provisioning_uri(name=account.email, issuer_name=ISSUER)
    return str(segno.make(uri, error="m").svg_data_uri(scale=5, border=3, dark="#000", light="#fff"))


def confirm(account: Staff, code: str, session_id: int) -> bool:
    """Turn it on with a first code, and sign the account out everywhere else."""
    if account.totp_secret is None or not _spend(account, code):
        return False
    account.totp_confirmed_at = account.signed_out_at = utcnow()
    accounts.note(account, "totp_on")
    db.session.commit()
    sessions.end_all(account.id, session_id)
    return True


def spend(account: Staff, code: str) -> bool:
    """Whether the code is right and was never used."""
    spent = is_on(account) and _spend(account, code)
    db.session.commit()
    return spent


def turn_off(account: Staff, but: int | None = None) -> None:
    """From now on the password alone is asked for; whoever was signed in is no longer, `but` one session."""
    accounts.note(account, "totp_off")
    forget(account, but)


def forget(account: Staff, but: int | None = None) -> None:
    """Turn it off where that is written down already."""
    account.totp_secret = account.totp_confirmed_at = account.totp_last_step = None
    account.signed_out_at = utcnow()
    db.session.commit()
    sessions.end_all(account.id, but)


def _spend(account: Staff, code: str) -> bool:
    step = _step_of(_secret(account), re.sub(r"\s", "", code))
    if step is None:
        return False
    unused = or_(Staff.totp_last_step.is_(None), Staff.totp_last_step < step)
    spent = db.session.scalar(
        update(Staff).where(Staff.id == account.id, unused).values(totp_last_step=step).returning(Staff.id)
    )
    return spent is not None


def _step_of(secret: str, code: str) -> int | None:
    """Which half minute the code belongs to."""
    now = int(time()) // STEP_SECONDS
    right = [step for step in (now - 1, now, now + 1) if _equal(pyotp.TOTP(secret).generate_otp(step), code)]
    return right[0] if right else None


def _equal(wanted: str, given: str) -> bool:
    return hmac.compare_digest(wanted.encode(), given.encode())


def _secret(account: Staff) -> str:
    return unseal(account.totp_secret or "")
