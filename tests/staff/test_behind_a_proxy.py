"""With https outside, and proxies that tell whose address it was."""

from __future__ import annotations

import pytest
from flask import request

from hotel_agent import create_app
from hotel_agent.config import settings


@pytest.fixture
def installed(app):
    """The program with other settings."""
    return lambda **changed: create_app(settings().model_copy(update=changed))


def test_with_https_browsers_come_back_with_https_only(installed):
    answer = installed(public_url="https://hotel.example").test_client().get("/login")
    assert answer.headers["Strict-Transport-Security"].startswith("max-age=31536000")
    form = next(line for line in answer.headers.getlist("Set-Cookie") if line.startswith("__Host-form="))
    assert "Secure" in form
    assert "HttpOnly" in form


@pytest.mark.parametrize(("proxies", "address"), [(0, "127.0.0.1"), (1, "198.51.100.2"), (2, "192.0.2.7")])
def test_only_as_many_proxies_as_there_are_are_believed(installed, proxies, address):
    app = installed(trusted_proxies=proxies)
    seen = []
    app.before_request_funcs.setdefault(None, []).insert(0, lambda: seen.append(request.remote_addr))
    app.test_client().get("/healthz", headers={"X-Forwarded-For": "203.0.113.66, 192.0.2.7, 198.51.100.2"})
    assert seen == [address]
