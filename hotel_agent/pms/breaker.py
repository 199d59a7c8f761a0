"""Circuit breakers whose state all processes share.

pybreaker holds a breaker's lock during the guarded call, so every thread has objects of its own over one
shared state in Valkey. Each change of that state is one run of one script: five failures open the breaker,
and after a while one single call may try whether the other side is back. Without Valkey each process knows
for itself.
"""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime
from typing import NamedTuple

from pybreaker import STATE_CLOSED, STATE_HALF_OPEN, STATE_OPEN, CircuitBreaker, CircuitBreakerStorage

from hotel_agent.logs import get_logger
from hotel_agent.pms.contract import PmsUnavailable
from hotel_agent.redis import RedisError, redis

log = get_logger(__name__)

FAIL_MAX = 5
FAILURE_WINDOW = 60.0  # Failures further apart than this are not one outage.
RESET_SECONDS = 30.0
TRIAL_SECONDS = 30.0  # Whoever tried and died gives way to the next after this.
VALKEY_PAUSE = 5.0  # After a failure, how long this process does without Valkey.

NAMES = "breakers"
NUMBERS = {STATE_CLOSED: 0, STATE_OPEN: 1, STATE_HALF_OPEN: 2}

# KEYS: the breaker's hash, the set of all names. ARGV: what happened, what the breaker was for this caller
# when its call began, the four numbers above with times in milliseconds, its name. The answer: what the
# breaker is for this caller now, and its failures so far.
SCRIPT = """
local t = redis.call('time')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
local event, role = ARGV[1], ARGV[2]
local fail_max, window = tonumber(ARGV[3]), tonumber(ARGV[4])
local rest, lease = tonumber(ARGV[5]), tonumber(ARGV[6])
local function get(name) return tonumber(redis.call('hget', KEYS[1], name) or 0) end
local function set(...)
  redis.call('hset', KEYS[1], ...)
  redis.call('pexpire', KEYS[1], 86400000)
end
local opened, trial, failures = get('opened'), get('trial'), get('failures')

if event == 'succeeded' and (role == 'half-open' or opened == 0) then
  redis.call('del', KEYS[1])
  return {'closed', 0}
end
if event == 'admit' then redis.call('sadd', KEYS[2], ARGV[7]) end
if event == 'admit' and opened > 0 and now >= opened + rest and now >= trial then
  set('trial', now + lease)
  return {'half-open', failures}
end
if event == 'failed' and role == 'closed' and opened == 0 then
  if now - get('last') > window then failures = 0 end
  failures = failures + 1
  set('failures', failures, 'last', now)
end
if event == 'failed' and (role == 'half-open' or (opened == 0 and failures >= fail_max)) then
  set('opened', now, 'trial', 0)
  return {'open', failures}
end
if opened == 0 then return {'closed', failures} end
if event == 'look' and now < trial then return {'half-open', failures} end
return {'open', failures}
"""


class Seen(NamedTuple):
    """What a breaker is for one caller."""

    state: str
    failures: int


class _OwnState:
    """The script's rules for one process alone."""

    def __init__(self) -> None:
        self.failures = 0
        self.last = self.opened = self.trial = 0.0

    def run(self, event: str, role: str) -> Seen:
        now = time.monotonic()
        if event == "succeeded" and (role == STATE_HALF_OPEN or not self.opened):
            self.failures, self.opened, self.trial = 0, 0.0, 0.0
        if event == "admit" and self.opened and now >= max(self.opened + RESET_SECONDS, self.trial):
            self.trial = now + TRIAL_SECONDS
            return Seen(STATE_HALF_OPEN, self.failures)
        if event == "failed" and role == STATE_CLOSED and not self.opened:
            self.failures = 1 if now - self.last > FAILURE_WINDOW else self.failures + 1
            self.last = now
        if event == "failed" and (role == STATE_HALF_OPEN or (not self.opened and self.failures >= FAIL_MAX)):
            self.opened, self.trial = now, 0.0
        if not self.opened:
            return Seen(STATE_CLOSED, self.failures)
        trying = event == "look" and now < self.trial
        return Seen(STATE_HALF_OPEN if trying else STATE_OPEN, self.failures)


class SharedStorage(CircuitBreakerStorage):
    """What pybreaker asks for, answered from one look at the shared state per call.

    `admit` looks before the call. pybreaker then reads that look from here, and the failure or success is one
    run of the script; what pybreaker sets afterwards has happened there already.
    """

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self._seen = Seen(STATE_CLOSED, 0)
        self._role = STATE_CLOSED

    def admit(self) -> None:
        self._seen = _run(self.name, "admit", "")
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
    """A breaker of this thread over the state that all share. Only PmsUnavailable counts as a failure."""

    def __init__(self, name: str) -> None:
        self._shared = SharedStorage(name)
        super().__init__(
            fail_max=FAIL_MAX,
            reset_timeout=RESET_SECONDS,
            exclude=[lambda error: not isinstance(error, PmsUnavailable)],
            state_storage=self._shared,
            name=name,
            throw_new_error_on_trip=False,
        )

    def admit(self) -> None:
        self._shared.admit()

    def succeeded(self) -> None:
        self._shared.succeeded()


_local = threading.local()
_own: dict[str, _OwnState] = {}
_own_lock = threading.Lock()
_without_valkey_until = 0.0


def breaker_of(name: str) -> Breaker:
    """This thread's breaker of that name."""
    breakers: dict[str, Breaker] = _local.__dict__.setdefault("breakers", {})
    if name not in breakers:
        breakers[name] = Breaker(name)
    return breakers[name]


def state_of(name: str) -> int:
    """0 closed, 1 open, 2 half-open."""
    return NUMBERS[_run(name, "look", "").state]


def states() -> dict[str, int]:
    """Every breaker that any process has used."""
    names = set(_own)
    try:
        names |= {name.decode() for name in redis().smembers(NAMES)}  # type: ignore[union-attr]
    except RedisError:
        log.warning("breaker states are this process's own: Valkey is away")
    return {name: state_of(name) for name in sorted(names)}


def _run(name: str, event: str, role: str) -> Seen:
    """One change, or look, in Valkey; in this process's memory while Valkey is away."""
    if time.monotonic() >= _without_valkey_until:
        try:
            return _run_shared(name, event, role)
        except RedisError:
            _do_without_valkey()
    with _own_lock:
        return _own.setdefault(name, _OwnState()).run(event, role)


def _run_shared(name: str, event: str, role: str) -> Seen:
    script = redis().register_script(SCRIPT)
    milliseconds = [int(seconds * 1000) for seconds in (FAILURE_WINDOW, RESET_SECONDS, TRIAL_SECONDS)]
    keys = [f"breaker:{name}", NAMES]
    state, failures = script(keys=keys, args=[event, role, FAIL_MAX, *milliseconds, name])
    return Seen(state.decode(), int(failures))


def _do_without_valkey() -> None:
    global _without_valkey_until
    _without_valkey_until = time.monotonic() + VALKEY_PAUSE
    log.warning("breaker state is this process's own: Valkey is away")
