"""Circuit breakers whose state all processes share.

pybreaker holds a breaker's lock during the guarded call, so every thread has objects of its own over one
shared state in Valkey. Each change of that state is one run of one script: five failures open the breaker,
and after a while one single call may try whether the other side is back. Without Valkey each process knows
for itself, beginning with what it saw last.
"""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime
from typing import NamedTuple

from pybreaker import STATE_CLOSED, STATE_HALF_OPEN, STATE_OPEN, CircuitBreaker, CircuitBreakerStorage
from redis import Redis

from hotel_agent.config import settings
from hotel_agent.logs import get_logger
from hotel_agent.pms.contract import PmsUnavailable
from hotel_agent.pms.limits import is_own_limit
from hotel_agent.redis import RedisError, spared

log = get_logger(__name__)

FAIL_MAX = 5
FAILURE_WINDOW = 120.0  # Failures further apart than this are not one outage; a write may take a minute to fail.

NAMES = "breakers"
NUMBERS = {STATE_CLOSED: 0, STATE_OPEN: 1, STATE_HALF_OPEN: 2}

# KEYS: the breaker's hash, the set of all names. ARGV: what happened, what the breaker was for this caller
# when its call began, how many failures open it, and in milliseconds their window, the rest and the trial; its
# name. The answer: what the breaker is for this caller now, its failures so far, and the milliseconds until
# somebody may try.
SCRIPT = """
local t = redis.call('time')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
local event, role = ARGV[1], ARGV[2]
local fail_max, window = tonumber(ARGV[3]), tonumber(ARGV[4])
local rest, lease = tonumber(ARGV[5]), tonumber(ARGV[6])
local function get(name) return tonumber(redis.call('hget', KEYS[1], name)) or 0 end
local function set(...)
  redis.call('hset', KEYS[1], ...)
  redis.call('pexpire', KEYS[1], 86400000)
end
local opened, trial, failures = get('opened'), get('trial'), get('failures')
local function told(state) return {state, failures, math.max(opened + rest - now, trial - now, 0)} end

if now < opened then -- The clock was put back: a rest must not last until it is there again.
  opened, trial = now - rest, 0
  set('opened', opened, 'trial', 0)
end
if event == 'succeeded' and (role == 'half-open' or opened == 0) then
  redis.call('del', KEYS[1])
  return {'closed', 0, 0}
end
if event == 'gave_up' and role == 'half-open' then
  set('trial', 0)
  trial = 0
end
if event == 'admit' then redis.call('sadd', KEYS[2], ARGV[7]) end
if event == 'admit' and opened > 0 and now >= opened + rest and now >= trial then
  set('trial', now + lease)
  return {'half-open', failures, 0}
end
if event == 'failed' and role == 'closed' and opened == 0 then
  if now - get('last') > window then failures = 0 end
  failures = failures + 1
  set('failures', failures, 'last', now)
end
if event == 'failed' and (role == 'half-open' or (opened == 0 and failures >= fail_max)) then
  set('opened', now, 'trial', 0)
  opened, trial = now, 0
  return told('open')
end
if opened == 0 then return {'closed', failures, 0} end
if event == 'look' and now < trial then return told('half-open') end
return told('open')
"""


class Seen(NamedTuple):
    """What a breaker is for one caller; `rest` is in seconds."""

    state: str
    failures: int
    rest: float = 0.0


class _OwnState:
    """The script's rules for one process alone."""

    def __init__(self) -> None:
        self.failures = 0
        self.last = self.opened = self.trial = 0.0

    def follow(self, seen: Seen) -> None:
        """Know what all know, should Valkey go away now."""
        now = time.monotonic()
        if seen.state == STATE_CLOSED:
            self.opened = self.trial = 0.0
        elif not self.opened:
            self.opened = now - max(reset_seconds() - seen.rest, 0)
        self.failures, self.last = seen.failures, now

    def run(self, event: str, role: str, lease: float) -> Seen:
        now = time.monotonic()
        if event == "succeeded" and (role == STATE_HALF_OPEN or not self.opened):
            self.failures, self.opened, self.trial = 0, 0.0, 0.0
        if event == "gave_up" and role == STATE_HALF_OPEN:
            self.trial = 0.0
        if event == "admit" and self.opened and now >= max(self.opened + reset_seconds(), self.trial):
            self.trial = now + lease
            return Seen(STATE_HALF_OPEN, self.failures)
        if event == "failed" and role == STATE_CLOSED and not self.opened:
            self.failures = 1 if now - self.last > FAILURE_WINDOW else self.failures + 1
            self.last = now
        if event == "failed" and (role == STATE_HALF_OPEN or (not self.opened and self.failures >= FAIL_MAX)):
            self.opened, self.trial = now, 0.0
        if not self.opened:
            return Seen(STATE_CLOSED, self.failures)
        trying = event == "look" and now < self.trial
        rest = max(self.opened + reset_seconds() - now, self.trial - now, 0.0)
        return Seen(STATE_HALF_OPEN if trying else STATE_OPEN, self.failures, rest)


class SharedStorage(CircuitBreakerStorage):
    """What pybreaker asks for, answered from one look at the shared state per call.

    `admit` looks before the call. pybreaker then reads that look from here, and the failure or success is one
    run of the script; what pybreaker sets afterwards has happened there already.
    """

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self._seen = Seen(STATE_CLOSED, 0)
        self._role = STATE_CLOSED

    def admit(self, lease: float) -> None:
        self._seen = _run(self.name, "admit", "", lease)
        self._role = self._seen.state

    def increment_counter(self) -> None:
        self._seen = _run(self.name, "failed", self._role)

    def reset_counter(self) -> None:
        """Called by pybreaker after every success, and when it notices that the state has changed."""

    def increment_success_counter(self) -> None:
        """One success closes a half-open breaker, so there is nothing to count."""

    def reset_success_counter(self) -> None:
        """As above."""

    def succeeded(self) -> None:
        if self._role == STATE_HALF_OPEN or self._seen.failures:
            self._seen = _run(self.name, "succeeded", self._role)

    def gave_up(self) -> None:
        if self._role == STATE_HALF_OPEN:
            self._seen = _run(self.name, "gave_up", self._role)

    @property
    def state(self) -> str:
        return self._seen.state

    @state.setter
    def state(self, state: str) -> None:
        self._seen = self._seen._replace(state=state)

    @property
    def counter(self) -> int:
        return self._seen.failures

    @property
    def success_counter(self) -> int:
        return 1

    @property
    def opened_at(self) -> datetime | None:
        """Just now: whoever is not admitted waits, for the script alone says when the rest is over."""
        return datetime.now(UTC)

    @opened_at.setter
    def opened_at(self, moment: datetime) -> None:
        """The script has written its own clock's time."""


class Breaker(CircuitBreaker):
    """A breaker of this thread over the state that all share.

    Only PmsUnavailable counts as a failure, and not where our own limit is why nothing was asked.
    """

    def __init__(self, name: str) -> None:
        self._shared = SharedStorage(name)
        super().__init__(
            fail_max=FAIL_MAX,
            reset_timeout=reset_seconds(),
            exclude=[lambda error: not isinstance(error, PmsUnavailable) or is_own_limit(error)],
            state_storage=self._shared,
            name=name,
            throw_new_error_on_trip=False,
        )

    def admit(self, seconds: float) -> None:
        """Look before a call that takes so long at most: if it is the trial, nobody else tries before that is over."""
        self._shared.admit(seconds)

    def succeeded(self) -> None:
        self._shared.succeeded()

    def gave_up(self) -> None:
        """The call has told nothing of the other side: if it was the trial, somebody else may try."""
        self._shared.gave_up()


_local = threading.local()
_own: dict[str, _OwnState] = {}
_own_lock = threading.Lock()


def reset_seconds() -> float:
    """How long an open breaker rests before somebody may try."""
    return settings().pms_reset_seconds


def breaker_of(name: str) -> Breaker:
    """This thread's breaker of that name."""
    breakers: dict[str, Breaker] = _local.__dict__.setdefault("breakers", {})
    if name not in breakers:
        breakers[name] = Breaker(name)
    return breakers[name]


def state_of(name: str) -> int:
    """0 closed, 1 open, 2 half-open."""
    return NUMBERS[_run(name, "look", "").state]


def rest_of(name: str) -> float:
    """The seconds until somebody may try, 0 where calls go through."""
    return _run(name, "look", "").rest


def states() -> dict[str, int]:
    """Every breaker that any process has used."""
    names = set(_own)
    try:
        names |= {name.decode() for name in spared(lambda valkey: valkey.smembers(NAMES))}  # type: ignore[union-attr]
    except RedisError:
        log.warning("breaker states are this process's own: Valkey is away")
    return {name: state_of(name) for name in sorted(names)}


def _run(name: str, event: str, role: str, lease: float = 0.0) -> Seen:
    """One change, or look, in Valkey; in this process's memory while Valkey is away."""
    try:
        seen = spared(lambda valkey: _run_shared(valkey, name, event, role, lease))
    except RedisError:
        with _own_lock:
            return _own.setdefault(name, _OwnState()).run(event, role, lease)
    with _own_lock:
        _own.setdefault(name, _OwnState()).follow(seen)
    return seen


def _run_shared(valkey: Redis, name: str, event: str, role: str, lease: float) -> Seen:
    times = [int(seconds * 1000) for seconds in (FAILURE_WINDOW, reset_seconds(), lease)]
    args: list[str | int] = [event, role, FAIL_MAX, *times, name]
    state, failures, rest = valkey.register_script(SCRIPT)(keys=[f"breaker:{name}", NAMES], args=args)
    return Seen(state.decode(), int(failures), int(rest) / 1000)
