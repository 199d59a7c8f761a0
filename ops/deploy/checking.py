"""Whether an installation does what guests need, found out as Meta, a browser and Prometheus would."""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import secrets
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from http.client import HTTPException
from string import ascii_lowercase
from typing import Any, LiteralString

import psycopg

from ops.deploy.processes import wait_until
from ops.deploy.slots import Release, Slots

WEBHOOK = "/api/webhooks/whatsapp"
TAKEN_IN_SECONDS = 20
WORKERS_SECONDS = 30
_no_proxy = urllib.request.build_opener(urllib.request.ProxyHandler({}))
KEPT = """
    select processed_at is not null from inbound_events
    where received_at > now() - interval '10 minutes' and position(%s in body) > 0
"""
# Whoever is the scheduler holds a lock (workers/schedule.py); another one that waits does not.
SCHEDULES = """
    select from pg_locks join pg_stat_activity using (pid)
    where locktype = 'advisory' and granted and application_name = 'hotel-agent scheduler'
    and datname = current_database()
"""
LOST = "it answers 200, and nothing is in the database"
PARTS = re.compile(r'(?:href|src)="(/static/[^"#]+)')


@dataclass(frozen=True)
class Checked:
    """`is_well` is None where it could not be looked at, as `detail` says."""

    what: str
    is_well: bool | None
    detail: str = ""

    def __str__(self) -> str:
        word = {True: "well", False: "NOT WELL", None: "not checked"}[self.is_well]
        return f"{self.what}: {word}" + (f" ({self.detail})" if self.detail else "")


class Checks:
    """Of what answers at an address; `release` is what should answer there."""

    def __init__(self, slots: Slots, release: Release, address: str) -> None:
        self._slots = slots
        self._release = release
        self._address = address
        self._settings: Mapping[str, str] = slots.settings()

    def of_web(self, *, migrations: bool = True) -> Iterator[Checked]:
        """What a web process does by itself."""
        yield self._answers("alive", "/healthz", "alive")
        yield self._answers("ready", "/readyz", "ready", "degraded")
        yield self._sign_in()
        yield self._handshake()
        yield self._refuses_strangers()
        yield self._keeps(taken_in=False)
        if migrations:
            yield self._migrations()

    def of_all(self) -> Iterator[Checked]:
        """What it does together with its workers, by the way that guests' messages take."""
        yield self._answers("ready", "/readyz", "ready", "degraded")
        yield self._handshake()
        yield self._workers()
        yield self._scheduler()
        yield self._keeps(taken_in=True)

    def version(self) -> Checked:
        """Of a slot's own address, as the proxy shows nobody the figures."""
        token = self._settings.get("METRICS_TOKEN", "")
        status, told = self._ask("/metrics", {"Authorization": f"Bearer {token}"} if token else {})
        found = re.search(r'^build_info\{[^}]*version="([^"]*)"', told, re.MULTILINE)
        wanted = self._release.version
        if status != 200 or found is None:
            return Checked("figures and version", False, f"/metrics answers {status}")
        return Checked("figures and version", found[1] == wanted, f"{found[1]}, {wanted} is wanted")

    def _answers(self, what: str, path: str, *wanted: str) -> Checked:
        status, told = self._ask(path)
        try:
            said = json.loads(told).get("status")
        except (ValueError, AttributeError):
            said = None
        return Checked(what, status == 200 and said in wanted, f"{path} answers {status} {said or ''}".strip())

    def _sign_in(self) -> Checked:
        what = "page to sign in"
        status, told = self._ask("/login", {"Accept": "text/html"})
        if status != 200 or "<form" not in told:
            return Checked(what, False, f"answers {status}")
        for path in sorted(set(PARTS.findall(told))):
            status, _ = self._ask(path)
            if status != 200:
                return Checked(what, False, f"{path} on it answers {status}")
        return Checked(what, True)

    def _handshake(self) -> Checked:
        token, challenge = self._settings.get("WHATSAPP_VERIFY_TOKEN"), secrets.token_hex(8)
        if not token:
            return Checked("Meta's handshake", None, "WHATSAPP_VERIFY_TOKEN is not set")
        asked = {"hub.mode": "subscribe", "hub.verify_token": token, "hub.challenge": challenge}
        status, told = self._ask(f"{WEBHOOK}?{urllib.parse.urlencode(asked)}")
        return Checked("Meta's handshake", (status, told) == (200, challenge), f"answers {status}")

    def _refuses_strangers(self) -> Checked:
        status, _ = self._post(_body(secrets.token_hex(8)), "a secret that nobody has")
        return Checked("refuses a wrong signature", status == 401, f"answers {status}")

    def _keeps(self, *, taken_in: bool) -> Checked:
        """A signed body with nothing in it is in the database once it was answered with 200; workers take it in."""
        what = "a signed webhook is kept" + (" and taken in" if taken_in else "")
        secret, marker = self._settings.get("WHATSAPP_APP_SECRET"), _marker()
        if not secret:
            return Checked(what, None, "WHATSAPP_APP_SECRET is not set")
        status, _ = self._post(_body(marker), secret)
        if status != 200:
            return Checked(what, False, f"answers {status}")
        try:
            if self._row(marker) is None:
                return Checked(what, False, LOST)
            if taken_in and not wait_until(lambda: bool(self._row(marker)), TAKEN_IN_SECONDS):
                return Checked(what, False, f"no worker took it in within {TAKEN_IN_SECONDS} s")
        except psycopg.Error as error:
            return Checked(what, False, f"the database does not answer ({type(error).__name__})")
        return Checked(what, True)

    def _row(self, marker: str) -> bool | None:
        """Whether it was taken in; None where it was not even kept."""
        row = self._first(KEPT, marker.encode())
        return None if row is None else bool(row[0])

    def _first(self, query: LiteralString, *given: bytes) -> tuple[Any, ...] | None:
        url = self._settings["DATABASE_URL"]
        with psycopg.connect(url, connect_timeout=5, autocommit=True, application_name="hotel-agent check") as seen:
            return seen.execute(query, given).fetchone()

    def loses(self) -> bool:
        """Whether it says of a webhook that it was kept, and it was not."""
        kept = self._keeps(taken_in=False)
        return kept.is_well is False and kept.detail == LOST

    def is_ready(self) -> bool:
        return self._ask("/readyz")[0] == 200

    def _workers(self) -> Checked:
        def alive() -> int:
            status, told = self._ask("/readyz")
            return int(json.loads(told).get("workers", 0)) if status == 200 else 0

        well = wait_until(lambda: alive() > 0, WORKERS_SECONDS)
        return Checked("workers report", well, "" if well else f"none within {WORKERS_SECONDS} s")

    def _scheduler(self) -> Checked:
        """Without one nobody looks for what waits."""
        what = "a scheduler is at work"
        try:
            well = wait_until(lambda: self._first(SCHEDULES) is not None, WORKERS_SECONDS)
        except psycopg.Error as error:
            return Checked(what, False, f"the database does not answer ({type(error).__name__})")
        return Checked(what, well, "" if well else f"none within {WORKERS_SECONDS} s")

    def _migrations(self) -> Checked:
        done = self._slots.flask(self._release, ["db", "current"])
        return Checked("tables are what the program wants", "(head)" in done.stdout, done.stdout.strip()[-40:])

    def _post(self, body: bytes, secret: str) -> tuple[int, str]:
        signature = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
        headers = {"Content-Type": "application/json", "X-Hub-Signature-256": f"sha256={signature}"}
        return self._ask(WEBHOOK, headers, body)

    def _ask(self, path: str, headers: Mapping[str, str] | None = None, body: bytes | None = None) -> tuple[int, str]:
        """Status and words; 0 and the kind of trouble where nobody answers."""
        request = urllib.request.Request(self._address + path, data=body, headers=dict(headers or {}))
        try:
            with _no_proxy.open(request, timeout=10) as answer:
                return answer.status, answer.read().decode(errors="replace")
        except urllib.error.HTTPError as error:
            return error.code, ""
        except (OSError, HTTPException) as error:
            return 0, type(error).__name__


def all_well(checks: Iterator[Checked], tell: Callable[[str], Any]) -> bool:
    """Look at all of them, telling each; stops at the first that is not well."""
    for checked in checks:
        tell(f"    {checked}")
        if checked.is_well is False:
            return False
    return True


def _marker() -> str:
    """Of letters alone: digits may happen to be those of a card, which is masked in what is kept."""
    return "".join(secrets.choice(ascii_lowercase) for _ in range(24))


def _body(marker: str) -> bytes:
    told = {"object": "whatsapp_business_account", "entry": [], "deployment": marker, "at": int(time.time())}
    return json.dumps(told).encode()
