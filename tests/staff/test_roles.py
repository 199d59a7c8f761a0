"""Every route, walked by every role, by nobody, and by Oscar of the other hotel."""

from __future__ import annotations

from uuid import uuid4

import pytest
from sqlalchemy import text

from hotel_agent import queues
from hotel_agent.db import db
from hotel_agent.hotels.finding import by_slug
from hotel_agent.staff import accounts, bearer, sessions
from hotel_agent.staff.access import BEARER, PERMISSIONS, PUBLIC, door
from hotel_agent.staff.models import ROLES
from tests.staff import roles_table

EMAILS = {
    "reception": "ana@miramar.example",
    "manager": "luis@miramar.example",
    "admin": "eva@miramar.example",
    "ops": "olga@miramar.example",
}
# What a route's arguments stand for when they name no row of a hotel's. A new one is to be told here, or in `rows`.
NO_ROWS = {"filename": "staff.css", "token": "no-invitation", "key": "booking", "page": "queues", "verb": "retry"}
NO_ROWS |= {"table": "days", "topic": "ask_pool", "name": "runbooks/README"}
# What needs a worker says that it is not possible now: here none runs.
NO_WORKER = 503
# Whose pages are not ours, and which belong to the installation rather than to a hotel.
NOT_OURS = ("rq_dashboard",)


@pytest.fixture
def rows(marta_says, run_jobs, sent):
    """A row of Miramar's for every argument that names one."""
    marta_says("Hola", wamid="w1")
    run_jobs()
    miramar = by_slug("miramar").id
    found = {
        "conversation_id": "select id from conversations where hotel_id = :hotel limit 1",
        "message_id": "select id from messages where hotel_id = :hotel limit 1",
        "media_id": "insert into media (hotel_id, conversation_id, message_id, graph_id, status, mime_type, content)"
        " select hotel_id, conversation_id, id, 'm1', 'stored', 'image/png', 'png' from messages"
        " where hotel_id = :hotel limit 1 returning id",
        "reply_id": "insert into canned_replies (hotel_id, shortcut, language, body)"
        " values (:hotel, 'hi', 'en', 'Hello') returning id",
        "template_id": "insert into message_templates (hotel_id, name, language, body)"
        " values (:hotel, 'hello', 'en', 'Hello') returning id",
        "failure_id": "insert into webhook_failures (event_id, reason, body, hotel_id)"
        " values (1, 'x', 'x', :hotel) returning id",
        "request_id": "insert into guest_requests (hotel_id, conversation_id, guest_id, request_key, kind)"
        " select hotel_id, id, guest_id, 'k', 'repair' from conversations where hotel_id = :hotel limit 1 returning id",
        "question_id": "insert into missing_answers (hotel_id, conversation_id, guest_id, request_key, question,"
        " language) select hotel_id, id, guest_id, 'k', '?', 'es' from conversations where hotel_id = :hotel limit 1"
        " returning id",
        "hold_key": "insert into reservation_locks (hotel_id, resource_id, status, check_in, check_out, expires_at,"
        " guest_id, hold_key, price) select c.hotel_id, r.id, 'active', current_date + 900, current_date + 901,"
        " now() + interval '1 hour', c.guest_id, 'h1', 1 from conversations c join rooms r on r.hotel_id = c.hotel_id"
        " where c.hotel_id = :hotel limit 1 returning hold_key",
        "season_id": "insert into seasons (hotel_id, name, first_night, last_night, min_stay)"
        " values (:hotel, 'alta', current_date, current_date + 1, 2) returning id",
        "closure_id": "insert into closures (hotel_id, kind, first_day, last_day)"
        " values (:hotel, 'sale', current_date + 800, current_date + 801) returning id",
        "draft_id": "insert into drafts (hotel_id, conversation_id, language, bubbles, state, state_before)"
        " select hotel_id, id, 'es', '[]', '{}', '{}' from conversations where hotel_id = :hotel limit 1 returning id",
        "guest_id": "select id from guests where hotel_id = :hotel order by id desc limit 1",
        "other_id": "insert into guests (hotel_id, name) values (:hotel, 'Luisa') returning id",
        "note_id": "insert into guest_notes (hotel_id, guest_id, body) select hotel_id, id, 'x' from guests"
        " where hotel_id = :hotel order by id limit 1 returning id",
        "export_id": "insert into guest_exports (hotel_id, guest_id, staff_id, state, size, expires_at)"
        " select :hotel, g.id, s.id, 'ready', 0, now() + interval '1 hour' from guests g, staff s"
        " where g.hotel_id = :hotel and s.email = 'luis@miramar.example' limit 1 returning id",
        "token_id": "insert into api_tokens (hotel_id, token_hash) values (:hotel, 'x') returning id",
        "code": "select min(code) from reservations where hotel_id = :hotel",
        "staff_id": "select id from staff where email = 'luis@miramar.example'",
    }
    values = {name: db.session.scalar(text(statement), {"hotel": miramar}) for name, statement in found.items()}
    db.session.commit()
    sessions.begin(accounts.by_email("eva@miramar.example").id, hotel_id=miramar)
    values["session_id"] = db.session.scalar(text("select max(id) from staff_sessions"))
    return values | {"slug": "miramar"}


@pytest.fixture
def walk(app, rows, monkeypatch):
    """(rule, method, path, permission) of every route; the arguments name rows of Miramar."""
    ask = queues.ask
    monkeypatch.setattr(queues, "ask", lambda *given, **more: ask(*given, **more | {"wait_seconds": 1}))
    steps = []
    with app.test_request_context():
        for rule in app.url_map.iter_rules():
            unknown = set(rule.arguments) - set(rows) - set(NO_ROWS)
            if rule.endpoint.startswith(NOT_OURS):
                continue
            assert not unknown, f"{rule}: tell tests/staff/test_roles.py what {unknown} stands for"
            said = door(app, rule.endpoint)
            values = {name: (rows | NO_ROWS)[name] for name in rule.arguments}
            for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
                _, path = rule.build({**values, **(rule.defaults or {})})
                steps.append((rule, method, path, said[0] if said else None))
    return steps


def test_every_route_says_who_may(app):
    silent = [str(rule) for rule in app.url_map.iter_rules() if door(app, rule.endpoint) is None]
    assert not silent, f"neither may(...) nor public: {silent}"


@pytest.mark.parametrize("role", ROLES)
def test_a_role_may_what_the_table_says_and_nothing_else(walk, sign_in, role):
    for rule, method, path, permission in walk:
        if permission in (PUBLIC, BEARER):
            continue
        status, location = asks(sign_in(EMAILS[role]), method, path)
        if role in PERMISSIONS[permission]:
            to_sign_in = (location or "").startswith("/login") and not rule.endpoint.startswith(("staff.", "account."))
            refused = status in (401, 403) or (status >= 500 and status != NO_WORKER) or to_sign_in
            assert not refused, (method, path, status)
        else:
            assert status == 403, (method, path, status)


def test_nobody_signed_in_gets_nowhere(walk, browser):
    for _, method, path, permission in walk:
        if permission in (PUBLIC, BEARER):
            continue
        status, location = asks(browser, method, path)
        assert (status, (location or "")[:6]) == (303, "/login"), (method, path)
        assert asks(browser, method, path, {"HX-Request": "true"})[0] == 401


def test_oscar_finds_nothing_of_miramar(walk, rows, sign_in):
    """Even as an admin of Andes."""
    accounts.put("oscar@andes.example", by_slug("andes").id, "admin")
    for rule, method, path, permission in walk:
        if permission in (PUBLIC, BEARER) or not set(rule.arguments) & set(rows) - set(rule.defaults or {}):
            continue
        assert asks(sign_in("oscar@andes.example"), method, path)[0] == 404, (method, path)


def test_programs_need_a_token_of_the_hotel(walk, client):
    theirs = bearer.create_token(by_slug("andes"))
    bodies = {"hotel": "miramar", "sender_id": "1", "text": "Hola"}
    for _, method, path, permission in walk:
        if permission != BEARER:
            continue
        more = {"json": bodies} if method == "POST" else {"query_string": bodies}
        assert client.open(path, method=method, **more).status_code == 401
        assert client.open(path, method=method, headers={"Authorization": "Bearer hat_x"}, **more).status_code == 401
        headers = {"Authorization": f"Bearer {theirs}"}
        assert client.open(path, method=method, headers=headers, **more).status_code == 403, path


def test_forms_without_their_token_are_refused_everywhere(app, walk, sign_in):
    for rule, method, path, permission in walk:
        if method == "GET" or door(app, rule.endpoint) in ((PUBLIC, "nothing"), (BEARER, "nothing")):
            continue
        email = EMAILS["ops" if permission == "operations" else "admin"]
        status, _ = asks(sign_in(email), method, path, {"X-CSRFToken": "", "Origin": "https://elsewhere.example"})
        assert status in (400, 403), (method, path, status)


@pytest.mark.parametrize("name", ["permissions", "routes"])
def test_the_page_about_roles_is_true(app, name):
    assert roles_table.written(name) == roles_table.tables(app)[name], "python -m tests.staff.roles_table"


def asks(browser, method, path, headers=None):
    """The status of the answer and where it leads; what goes on and on is not read to its end."""
    form = {"text": "Hola", "client_id": str(uuid4())} if method == "POST" else None
    with browser.open(path, method=method, headers=headers, data=form) as answer:
        return answer.status_code, answer.location
