"""A hotel of ours whose rooms are kept by a PMS of its own: the double of QloApps with the same rooms."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import text

from hotel_agent.db import db
from hotel_agent.hotels import changing
from hotel_agent.hotels.models import Hotel
from hotel_agent.pms.qloapps import client, reading
from tests.fakes import qloapps as far
from tests.reservations.cast import hotel_named


@contextmanager
def at_a_pms(slug: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Hotel, far.QloApps]]:
    """Our client waits a second for it."""
    monkeypatch.setattr(client, "WRITE_SECONDS", 1.0)
    monkeypatch.setattr(client, "READ_SECONDS", 3.0)
    with far.QloApps(far.miramar()) as pms:
        reading.forget()
        hotel = hotel_named(slug)
        told = {"pms": "qloapps", "pms_url": pms.url, "pms_key": pms.key, "pms_hotel_id": "1"}
        changing.change(hotel.id, {**told, "currency": "EUR", "language": "es"})
        db.session.refresh(hotel)
        yield hotel, pms


def its_time_is_over(hold_key: str) -> None:
    db.session.execute(
        text("update pms_holds set expires_at = now() - interval '1 second' where hold_key = :key"), {"key": hold_key}
    )
    db.session.commit()
