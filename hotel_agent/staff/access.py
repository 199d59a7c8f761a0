"""Who may do what. Every route says it with `may`, `public` or `bearer_only`; one gate before all views obeys.

A route that says nothing is shut.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import urlsplit

from flask import Blueprint, Flask, current_app, g, has_request_context, redirect, request, url_for
from flask_wtf.csrf import CSRFProtect
from werkzeug.exceptions import Forbidden, Unauthorized
from werkzeug.local import LocalProxy
from werkzeug.wrappers import Response

from hotel_agent.config import settings
from hotel_agent.hotels.models import Hotel
from hotel_agent.logs import get_logger
from hotel_agent.staff import sessions
from hotel_agent.web import problem

View = TypeVar("View", bound=Callable[..., Any])

PERMISSIONS: dict[str, frozenset[str]] = {
    "conversations": frozenset({"reception", "manager", "admin"}),
    "reservations": frozenset({"reception", "manager", "admin"}),
    "desk": frozenset({"reception", "manager", "admin"}),
    "guests": frozenset({"reception", "manager", "admin"}),
    "privacy": frozenset({"manager", "admin"}),
    "knowledge": frozenset({"reception", "manager", "admin"}),
    "replies": frozenset({"manager", "admin"}),
    "reports": frozenset({"manager", "admin"}),
    "hotel": frozenset({"manager", "admin"}),
    "flags": frozenset({"admin"}),
    "people": frozenset({"admin"}),
    "tokens": frozenset({"admin"}),
    "audit": frozenset({"admin"}),
    "operations": frozenset({"admin", "ops"}),
    "account": frozenset({"reception", "manager", "admin", "ops"}),
}
PUBLIC, BEARER = "public", "bearer"

# How a form proves that it is ours: with its token, with the browser's word for where it comes from, or (where
# no cookie speaks for anybody) not at all.
# Signing in is only refused to what a browser says comes from elsewhere: whoever signs in by a program has no page.
TOKEN, ORIGIN, NOT_ELSEWHERE, NOTHING = "token", "origin", "not elsewhere", "nothing"

csrf = CSRFProtect()
log = get_logger(__name__)


@dataclass(frozen=True)
class Membership:
    slug: str
    name: str
    role: str


@dataclass(frozen=True)
class Me:
    """The person who asks, at the hotel that they are looking at. `hotel` is a copy: changing it changes no row."""

    staff_id: int
    session_id: int
    email: str
    name: str
    language: str | None
    sound: bool
    role: str
    hotel: Hotel
    hotels: tuple[Membership, ...]

    def can(self, permission: str) -> bool:
        return self.role in PERMISSIONS[permission]


def me() -> Me:
    """The person who asks. Raises Unauthorized when nobody is signed in."""
    somebody = me_or_none()
    if somebody is None:
        raise Unauthorized
    return somebody


def me_or_none() -> Me | None:
    """Asks the database once a request, and not at all without a cookie."""
    if not has_request_context():
        return None
    if "me" not in g:
        g.me = _find_me()
    found: Me | None = g.me
    return found


def can(permission: str) -> bool:
    somebody = me_or_none()
    return somebody is not None and somebody.can(permission)


def _find_me() -> Me | None:
    seen = sessions.current()
    if seen is None:
        return None
    return Me(
        staff_id=seen.staff_id,
        session_id=seen.session_id,
        email=seen.email,
        name=seen.name or seen.email,
        language=seen.language,
        sound=seen.sound,
        role=seen.here.role,
        hotel=seen.here.hotel,
        hotels=tuple(Membership(place.hotel.slug, place.hotel.name, place.role) for place in seen.places),
    )


# What a route says


def may(permission: str, *, proof: str = TOKEN) -> Callable[[View], View]:
    """Only people whose role at their hotel has this permission."""
    if permission not in PERMISSIONS:
        raise ValueError(f"{permission!r} is no permission")
    return lambda view: _mark(view, permission, proof)


def public(view: View) -> View:
    """Needs nobody. A form of it carries the token all the same: signing in is done on purpose, too."""
    return _mark(view, PUBLIC, TOKEN)


def public_sign_in(view: View) -> View:
    """Needs nobody, and takes a form without its token from a program, which a browser cannot pretend to be."""
    return _mark(view, PUBLIC, NOT_ELSEWHERE)


def public_without_form(view: View) -> View:
    """Needs nobody, and is no form of ours: whoever calls it proves itself otherwise."""
    return _mark(view, PUBLIC, NOTHING)


def bearer_only(view: View) -> View:
    """For programs: the view asks `current_bearer` or `hotel_of_bearer`; no cookie counts."""
    return _mark(view, BEARER, NOTHING)


def guard(blueprint: Blueprint, permission: str, *, proof: str = TOKEN) -> None:
    """All routes of a blueprint at once, where its views are not ours to mark."""
    _guarded[blueprint.name] = (permission, proof)


def door(app: Flask, endpoint: str) -> tuple[str, str] | None:
    """(permission, proof) of a route; None where it says nothing."""
    if endpoint == "static":
        return PUBLIC, NOTHING
    view = app.view_functions.get(endpoint)
    said: tuple[str, str] | None = getattr(view, "door", None)
    return said or _guarded.get(endpoint.rpartition(".")[0])


_guarded: dict[str, tuple[str, str]] = {}


def _mark(view: View, permission: str, proof: str) -> View:
    view.permission = permission  # type: ignore[attr-defined]
    view.door = (permission, proof)  # type: ignore[attr-defined]
    return view


# The gate


def init_app(app: Flask) -> None:
    app.config.update(WTF_CSRF_CHECK_DEFAULT=False, WTF_CSRF_TIME_LIMIT=None, WTF_CSRF_SSL_STRICT=False)
    csrf.init_app(app)
    app.before_request(_gate)
    app.after_request(_keep_private)
    app.register_error_handler(Unauthorized, lambda _error: signed_out())
    app.jinja_env.globals.update(me=LocalProxy(me_or_none), can=can)


def _gate() -> Response | None:
    if request.endpoint is None:
        return None
    said = door(current_app, request.endpoint)
    if said is None:
        log.error("route_without_door", endpoint=request.endpoint)
        raise Forbidden
    permission, proof = said
    if permission not in (PUBLIC, BEARER):
        if me_or_none() is None:
            return signed_out()
        if not can(permission):
            raise Forbidden
    if proof == TOKEN:
        csrf.protect()
    elif proof in (ORIGIN, NOT_ELSEWHERE) and request.method not in ("GET", "HEAD", "OPTIONS"):
        _only_from_our_pages(or_nowhere=proof == NOT_ELSEWHERE)
    return None


def _only_from_our_pages(*, or_nowhere: bool) -> None:
    """For forms without a token of ours: every browser says where they come from."""
    site, origin = request.headers.get("Sec-Fetch-Site"), request.headers.get("Origin")
    if origin is None and site is None and or_nowhere:
        return
    # Behind a proxy that ends TLS the request itself does not know that it came by https.
    here = {request.host_url.rstrip("/"), settings().public_url.rstrip("/")}
    ours = origin in here if origin else site == "same-origin"
    if not ours or site not in (None, "same-origin"):
        raise Forbidden


def signed_out() -> Response:
    """A page leads to sign-in and back; what a script asks for is told 401."""
    if not _is_navigation():
        return problem(401, "Nobody is signed in.")
    return redirect(url_for("staff.login", next=_way_back()), 303)


def _is_navigation() -> bool:
    if request.headers.get("HX-Request") or request.path.startswith("/api/"):
        return False
    kinds = request.accept_mimetypes
    return not kinds or kinds.best_match(["text/html", "application/json", "text/event-stream"]) == "text/html"


def _way_back() -> str | None:
    """Where to go after signing in: this page, or the page whose form this was."""
    if request.method in ("GET", "HEAD"):
        path = request.full_path.rstrip("?")
    else:
        path = own_path(urlsplit(request.referrer or "").path)
    return None if path == "/" else path


def own_path(given: str | None) -> str:
    """`given` where it is a path of this installation, else "/": nobody is led elsewhere by signing in."""
    given = given or "/"
    try:
        parts = urlsplit(given)
    except ValueError:
        return "/"
    printable = all(" " < letter != "\\" and letter.isprintable() for letter in given)
    if parts.scheme or parts.netloc or not printable or not given.startswith("/") or given.startswith("//"):
        return "/"
    return "/" if parts.path.rstrip("/") in ("/login", "/login/code", "/logout") else given


def _keep_private(response: Response) -> Response:
    """Sign-in and what is shown to somebody signed in stay in no cache: the desk's computer is used by many."""
    if g.get("me") is not None or request.blueprint == "staff":
        response.headers.setdefault("Cache-Control", "no-store")
    return response
