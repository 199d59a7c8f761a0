"""Hotel Agent: a guest asks on WhatsApp, the agent answers from real rooms and books one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flask import Flask

    from hotel_agent.config import Settings

ROOT = Path(__file__).resolve().parent.parent


def create_app(config: Settings | None = None, *, ping: bool = True) -> Flask:
    """The application. Nothing is imported before it is wanted: the supervisors live in this package too."""
    from flask import Flask
    from flask_migrate import Migrate

    from hotel_agent import live, logs, models, web
    from hotel_agent.config import settings
    from hotel_agent.db import db, engine_options

    config = config or settings()
    logs.configure(config)
    app = Flask("hotel_agent", root_path=str(ROOT), template_folder="templates", static_folder="static")
    app.config.update(
        SECRET_KEY=config.secret_key,
        SQLALCHEMY_DATABASE_URI=config.sqlalchemy_url,
        SQLALCHEMY_ENGINE_OPTIONS=engine_options(config, ping=ping),
        MAX_CONTENT_LENGTH=4 * 1024 * 1024,
    )
    db.init_app(app)
    live.watch_session()
    Migrate(app, db, directory=str(ROOT / "migrations"), compare_type=True)
    models.load()
    web.init_app(app)
    _add_routes(app, config)
    _add_commands(app)
    return app


def _add_routes(app: Flask, config: Settings) -> None:
    from hotel_agent.channels.whatsapp import routes as whatsapp
    from hotel_agent.conversations import routes as orchestrator
    from hotel_agent.health import routes as health
    from hotel_agent.reservations import routes as availability
    from hotel_agent.staff import routes as staff

    for feature in (whatsapp, orchestrator, availability, staff, health):
        app.register_blueprint(feature.bp)
    whatsapp.init_app(app)
    health.init_app(app)
    if config.is_demo:
        from hotel_agent.simulator import routes as simulator

        app.register_blueprint(simulator.bp)


def _add_commands(app: Flask) -> None:
    from hotel_agent.conversations.commands import inbox, nlu
    from hotel_agent.flags.commands import flag
    from hotel_agent.hotels.commands import demo, hotel, knowledge
    from hotel_agent.staff.commands import staff, token

    for group in (hotel, demo, knowledge, staff, token, flag, inbox, nlu):
        app.cli.add_command(group)
