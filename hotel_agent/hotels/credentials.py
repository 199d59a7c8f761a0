"""WhatsApp credentials: encrypted at rest, the installation's own as fall-back, known secrets cached per process."""

from __future__ import annotations

import base64
import hashlib
import hmac
import threading
from collections.abc import Iterable, Iterator
from functools import lru_cache
from time import monotonic

from cryptography.fernet import Fernet, InvalidToken
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from hotel_agent.config import settings
from hotel_agent.db import db
from hotel_agent.errors import ConfigurationError
from hotel_agent.hotels.models import Hotel
from hotel_agent.logs import get_logger

CACHE_SECONDS = 60.0
RETRY_SECONDS = 1.0

log = get_logger(__name__)


def seal(secret: str) -> str:
    """Encrypt a credential for its column."""
    return _box().encrypt(secret.encode()).decode()


def unseal(sealed: str) -> str:
    """Raises ConfigurationError when SECRET_KEY is not the one that the credential was sealed with."""
    try:
        return _box().decrypt(sealed.encode()).decode()
    except InvalidToken:
        raise ConfigurationError("SECRET_KEY: a hotel's credential was sealed with another key") from None


@lru_cache
def _box() -> Fernet:
    key = hashlib.sha256(b"credentials:" + settings().secret_key.encode()).digest()
    return Fernet(base64.urlsafe_b64encode(key))


def fingerprint(secret: str) -> str:
    """Names a secret without telling it: what `inbound_events.signed_by` keeps."""
    key = settings().secret_key.encode()
    return hmac.new(key, b"fingerprint:" + secret.encode(), hashlib.sha256).hexdigest()[:24]


def app_secret_of(hotel: Hotel) -> str | None:
    """What Meta signs this hotel's webhooks with: its own secret, else the installation's."""
    return unseal(hotel.whatsapp_app_secret) if hotel.whatsapp_app_secret else settings().whatsapp_app_secret


def access_token_of(hotel: Hotel) -> str | None:
    """What we send this hotel's messages with: its own token, else the installation's. None: nothing can be sent."""
    if not hotel.whatsapp_access_token:
        return settings().whatsapp_access_token
    return next(_unsealed([hotel.whatsapp_access_token]), None)


class KnownSecrets:
    """Every secret that a genuine webhook may be signed with, as (fingerprint, secret); refreshed each minute.

    Needs an app context. While PostgreSQL is away the last known ones go on serving.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._pairs: tuple[tuple[str, str], ...] = ()
        self._read_at = -CACHE_SECONDS

    @property
    def is_fresh(self) -> bool:
        """Whether `pairs` needs no app context now."""
        return monotonic() - self._read_at < CACHE_SECONDS

    def pairs(self) -> Iterable[tuple[str, str]]:
        if not self.is_fresh:
            self.refresh()
        return self._pairs

    def new_pairs(self) -> Iterable[tuple[str, str]]:
        """What is known now, after a refresh if the last one is not of this second."""
        self.refresh()
        return self._pairs

    def refresh(self) -> bool:
        """Read them anew, at most once a second. True when there is something new."""
        with self._lock:
            if monotonic() - self._read_at < RETRY_SECONDS:
                return False
            before, self._pairs = self._pairs, self._read()
            self._read_at = monotonic()
            return self._pairs != before

    def _read(self) -> tuple[tuple[str, str], ...]:
        secrets = {settings().whatsapp_app_secret}
        try:
            sealed = db.session.scalars(
                select(Hotel.whatsapp_app_secret).where(Hotel.whatsapp_app_secret.is_not(None))
            ).all()
            db.session.rollback()
        except SQLAlchemyError as error:
            log.warning("secrets_not_refreshed", error=type(error).__name__)
            db.session.rollback()
            return self._pairs or tuple((fingerprint(secret), secret) for secret in secrets if secret)
        secrets.update(_unsealed(sealed))
        return tuple(sorted((fingerprint(secret), secret) for secret in secrets if secret))


def _unsealed(sealed: Iterable[str | None]) -> Iterator[str]:
    """One hotel's credential that cannot be read must not shut the door to the others' webhooks."""
    for value in sealed:
        try:
            yield unseal(value or "")
        except ConfigurationError as error:
            log.error("secret_unreadable", error=str(error))
