"""How often one caller may ask: at the sign-in by address, at the API by token and by address.

Counted in Valkey; while it is away each process counts for itself. Webhooks are signed and never limited: Meta would
deliver again what it was refused. Failures to sign in are counted once more, by account (`throttle`).
"""

from __future__ import annotations

import hashlib
from math import ceil
from time import time
from typing import TYPE_CHECKING

from flask import Blueprint, Flask, Response, request
from flask_limiter import Limiter, RateLimitExceeded, RequestLimit
from limits import parse_many

from hotel_agent import metrics
from hotel_agent.config import Settings, settings
from hotel_agent.redis import quick_redis
from hotel_agent.staff.throttle import neighbourhood
from hotel_agent.web import is_page, problem, sorry

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

# Behind one address may sit several programs.
PROGRAMS_AT_AN_ADDRESS = 5


def _address() -> str:
    return neighbourhood(request.remote_addr or "")


def _caller() -> str:
    """The token, without keeping it; who has none is known by the address."""
    given = request.headers.get("Authorization", "")
    return hashlib.sha256(given.encode()).hexdigest()[:24] if given else _address()


def _turned_away(_limit: RequestLimit) -> None:
    metrics.requests_shed.labels("rate").inc()


limiter = Limiter(
    key_func=_address,
    strategy="sliding-window-counter",
    in_memory_fallback_enabled=True,
    on_breach=_turned_away,
)

# One account's attempts at all doors of the sign-in count together.
sign_in_rate: Callable[[Callable[..., Any]], Callable[..., Any]] = limiter.shared_limit(
    lambda: settings().sign_in_rate, scope="sign-in"
)


def of_programs(blueprint: Blueprint) -> None:
    """One program may ask all of the API so often, and all those at one address some times as often."""
    by_token(blueprint)
    by_address(blueprint)


def _of_an_address() -> str:
    rates = parse_many(settings().api_rate)
    return "; ".join(
        f"{PROGRAMS_AT_AN_ADDRESS * one.amount} per {one.multiples} {one.GRANULARITY.name}" for one in rates
    )


by_token = limiter.shared_limit(lambda: settings().api_rate, scope="api", key_func=_caller)
by_address = limiter.shared_limit(_of_an_address, scope="api-address")


def init_app(app: Flask, config: Settings) -> None:
    app.config.update(
        RATELIMIT_STORAGE_URI=config.redis_url,
        RATELIMIT_STORAGE_OPTIONS={"connection_pool": quick_redis().connection_pool},
    )
    limiter.init_app(app)
    app.register_error_handler(RateLimitExceeded, _come_again)


def _come_again(error: RateLimitExceeded) -> Response:
    reset_at = limiter.current_limit.reset_at if limiter.current_limit else 0
    answer = sorry(429) if is_page() else problem(429, f"Too many requests: {error.limit.limit} are allowed.")
    answer.headers["Retry-After"] = str(max(1, ceil(reset_at - time())))
    return answer
