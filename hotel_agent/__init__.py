"""Hotel Agent: a guest asks on WhatsApp, the agent answers from real rooms and books one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flask import Flask

    from hotel_agent.config import Settings

ROOT = Path(__file__).resolve().parent.parent
VERSION = "0.7.0"


def create_app(config: Settings | None = None, *, ping: bool = True) -> Flask:
    """The application. Nothing is imported before it is wanted: the supervisors live in this package too."""
    from flask import Flask
    from flask_migrate import Migrate

    from hotel_agent import assets, i18n, live, logs, models, tracing, web
    from hotel_agent.config import settings
    from hotel_agent.db import count_what_is_asked, db, engine_options
    from hotel_agent.hotels import systems
    from hotel_agent.pms import adapters
    from hotel_agent.staff import access, rates

    config = config or settings()
    logs.configure(config)
    app = Flask("hotel_agent", root_path=str(ROOT), template_folder="templates", static_folder="static")
    app.config.update(
        SECRET_KEY=config.secret_key,
        SQLALCHEMY_DATABASE_URI=config.sqlalchemy_url,
        SQLALCHEMY_ENGINE_OPTIONS=engine_options(config, ping=ping),
        MAX_CONTENT_LENGTH=4 * 1024 * 1024,
        SESSION_COOKIE_NAME="__Host-form" if config.is_https else "form",
        SESSION_COOKIE_SECURE=config.is_https,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_REFRESH_EACH_REQUEST=False,
        PERMANENT_SESSION_LIFETIME=config.staff_session_seconds,
    )
    db.init_app(app)
    with app.app_context():
        count_what_is_asked(db.engine)
    live.watch_session()
    web.on_process_start(lambda _app: live.listener.start())
    Migrate(app, db, directory=str(ROOT / "migrations"), compare_type=True)
    models.load()
    systems.are_told_by(adapters.names)
    web.init_app(app, config)
    assets.init_app(app)
    i18n.init_app(app)
    rates.init_app(app, config)
    access.init_app(app)
    _add_routes(app, config)
    _add_commands(app)
    app.wsgi_app = tracing.Traced(app.wsgi_app)  # type: ignore[method-assign]  # Before all others.
    return app


def _add_routes(app: Flask, config: Settings) -> None:
    from hotel_agent.audit import routes as audit
    from hotel_agent.channels.whatsapp import routes as whatsapp
    from hotel_agent.conversations import routes as orchestrator
    from hotel_agent.dashboard import routes as dashboard
    from hotel_agent.dashboard.altering import routes as altering
    from hotel_agent.dashboard.bookings import routes as bookings
    from hotel_agent.dashboard.chart import routes as chart
    from hotel_agent.dashboard.guests import routes as guests
    from hotel_agent.dashboard.holds import routes as holds
    from hotel_agent.dashboard.knowledge import routes as knowledge
    from hotel_agent.dashboard.making import routes as making
    from hotel_agent.dashboard.reports import routes as reports
    from hotel_agent.dashboard.requests import routes as requests
    from hotel_agent.dashboard.today import routes as today
    from hotel_agent.flags import routes as flags
    from hotel_agent.health import routes as health
    from hotel_agent.hotels import routes as hotels
    from hotel_agent.media import routes as media
    from hotel_agent.operations import routes as operations
    from hotel_agent.pms import routes as connection
    from hotel_agent.pms.local import routes as seasons
    from hotel_agent.reservations import routes as availability
    from hotel_agent.reservations.api import routes as reservations
    from hotel_agent.staff import routes as staff

    features = (whatsapp, orchestrator, availability, staff, dashboard, media, hotels, flags, audit, operations, health)
    for feature in (*features, reservations):
        app.register_blueprint(feature.bp)
    desk = (
        today.bp,
        bookings.bp,
        chart.bp,
        making.bp,
        altering.bp,
        holds.bp,
        requests.bp,
        guests.bp,
        knowledge.bp,
        reports.bp,
        connection.bp,
        seasons.bp,
    )
    for pages in (staff.api, staff.account_pages, staff.people_pages, staff.token_pages, orchestrator.replies, *desk):
        app.register_blueprint(pages)
    whatsapp.init_app(app)
    dashboard.init_app(app)
    health.init_app(app)
    if config.is_demo:
        from hotel_agent.simulator import routes as simulator
        from hotel_agent.staff import access

        access.guard(simulator.bp, access.PUBLIC, proof=access.NOTHING)  # Its own gate asks where a form comes from.
        app.register_blueprint(simulator.bp)


def _add_commands(app: Flask) -> None:
    from hotel_agent.backups.commands import backup
    from hotel_agent.conversations.commands import hold_group, inbox, nlu, proactive_group, request
    from hotel_agent.flags.commands import flag
    from hotel_agent.hotels.commands import demo, hotel, knowledge
    from hotel_agent.operations.commands import letters
    from hotel_agent.pms.commands import pms
    from hotel_agent.pms.local.commands import closure, room, room_type, season
    from hotel_agent.privacy.commands import guest, retention_group
    from hotel_agent.staff.commands import staff, token

    talks = (inbox, letters, nlu, request, proactive_group, hold_group)
    own_rooms = (season, closure, room, room_type)
    for group in (hotel, guest, retention_group, demo, knowledge, staff, token, flag, pms, backup, *own_rooms, *talks):
        app.cli.add_command(group)
