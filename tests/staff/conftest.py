"""Ana with a password, hashed quickly; and what tests of sign-in look at."""

from __future__ import annotations

import pytest
from argon2 import PasswordHasher
from sqlalchemy import text

from hotel_agent.db import db
from hotel_agent.hotels.finding import by_slug
from hotel_agent.staff import accounts

PASSWORD = "la llave de la 204"


@pytest.fixture(autouse=True)
def quick_hashes(monkeypatch):
    hasher = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)
    accounts._nobody.cache_clear()
    monkeypatch.setattr(accounts, "_hasher", lambda: hasher)
    yield
    accounts._nobody.cache_clear()


@pytest.fixture
def with_password(app):
    """`with_password("luis@miramar.example")`: the account, which has that of the fixture `password` now."""

    def with_password(email):
        account = accounts.by_email(email)
        accounts.set_password(account, PASSWORD)
        db.session.commit()
        return account

    return with_password


@pytest.fixture
def ana(with_password):
    return with_password("ana@miramar.example")


@pytest.fixture
def password():
    return PASSWORD


@pytest.fixture
def both_hotels(app):
    """Eva is admin of Miramar and at the reception of Andes."""
    accounts.put("eva@miramar.example", by_slug("andes").id, "reception")
    return accounts.by_email("eva@miramar.example")


@pytest.fixture
def change():
    """Change rows behind the program's back, above all to let time pass."""

    def change(statement, **values):
        db.session.execute(text(statement), values)
        db.session.commit()

    return change
