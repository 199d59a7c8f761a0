"""The ground of all tests: a private PostgreSQL and Valkey per test process, the schema from the real migrations,
both demo hotels, and a database that is as new at the start of every test.

A test that fills rows of a hotel's rates does so on a hotel of its own; everything else is put back.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

os.environ.update(
    APP_ENV="test",
    SECRET_KEY="a-secret-key-that-is-only-for-tests",
    DATA_DIR=tempfile.mkdtemp(prefix="hotel-agent-env-"),
    WHATSAPP_APP_SECRET="app-secret-of-the-tests",
    WHATSAPP_ACCESS_TOKEN="access-token-of-the-tests",
    WHATSAPP_VERIFY_TOKEN="verify-token-of-the-tests",
    WHATSAPP_API_URL="http://127.0.0.1:9/v26.0",
    ANSWER_PAUSE_SECONDS="0",
    LOG_FORMAT="console",
    LOG_LEVEL="error",
)
for name in ("DATABASE_URL", "REDIS_URL", "PROMETHEUS_MULTIPROC_DIR"):
    os.environ.pop(name, None)

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text

from hotel_agent.embedded import Embedded

# Large and never changed in place: rates of hotels that are not the demo's are deleted instead.
KEPT = {"rates", "alembic_version"}


@pytest.fixture(scope="session")
def servers() -> Iterator[Embedded]:
    with tempfile.TemporaryDirectory(prefix="hotel-agent-tests-") as folder:
        with Embedded(Path(folder), durable=False) as embedded:
            os.environ.update(DATABASE_URL=embedded.database_url, REDIS_URL=embedded.redis_url)
            yield embedded


@pytest.fixture(scope="session")
def migrated_app(servers: Embedded) -> Flask:
    from flask_migrate import upgrade

    from hotel_agent import create_app
    from hotel_agent.config import settings
    from hotel_agent.db import db
    from hotel_agent.hotels.demo import load_demo
    from hotel_agent.partitions import make_partitions

    settings.cache_clear()
    app = create_app()
    app.testing = True
    with app.app_context():
        upgrade()
        make_partitions()
        load_demo()
        db.session.execute(text(_snapshot()))
        db.session.commit()
    return app


@pytest.fixture
def app(migrated_app: Flask) -> Iterator[Flask]:
    """The application in a context of its own, with both demo hotels loaded and nothing said yet."""
    from hotel_agent.db import db
    from hotel_agent.redis import redis

    redis().flushdb()
    with migrated_app.app_context():
        db.session.execute(text(_put_back()))
        db.session.commit()
        yield migrated_app
        db.session.rollback()


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


def _tables() -> list[str]:
    from hotel_agent.db import db

    return [table.name for table in db.metadata.sorted_tables if table.name not in KEPT]


def _snapshot() -> str:
    return "create schema snapshot;" + "".join(
        f"create table snapshot.{name} as table public.{name};" for name in _tables()
    )


def _put_back() -> str:
    """Foreign keys sleep meanwhile, so that the order of tables does not matter and nothing cascades."""
    return (
        "set local session_replication_role = replica;"
        + "".join(
            f"delete from public.{name}; insert into public.{name} select * from snapshot.{name};" for name in _tables()
        )
        + "delete from rates where room_type_id not in (select id from room_types);"
    )
