"""What a call to a PMS may take: so much time in all, and its turns among the hotel's other requests.

The door opens a call; an adapter's HTTP client asks `may_request` before each request, and learns how long that one
may take. A hotel's requests are spaced out over all processes by one script in Valkey; while Valkey is away each
worker process keeps to its share.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from redis import Redis

from hotel_agent.config import settings
from hotel_agent.pms.contract import PmsUnavailable
from hotel_agent.redis import RedisError, spared

BURST_SECONDS = 2.0  # Whoever was quiet may ask as much at once as in so many seconds.
LEAST_FOR_A_WRITE = 3.0  # With less left it would be begun only to be given up.
LONGEST_PAUSE = 300.0  # A PMS that asks for more is asked again after this.
FARTHEST = 2 * LONGEST_PAUSE


class AskAgain(PmsUnavailable):
    """It answered at once that it cannot now, or nobody was listening: a question may be asked again.

    `after` is how many seconds it wants to be left alone.
    """

    def __init__(self, why: str, after: float = 0.0) -> None:
        super().__init__(why)
        self.after = after


class NotOurTurn(PmsUnavailable):
    """Others of ours come first for too long: the PMS was not asked, so this tells nothing of it."""


@dataclass
class Call:
    """One call under way. `is_asked_again`: the door repeats it; `asked`: a request has left, `wrote`: one that changes
    something.
    """

    hotel_id: int
    rate: float
    until: float
    is_asked_again: bool = False
    in_background: bool = False
    asked: bool = False
    wrote: bool = False
    waited: float = 0.0

    @property
    def left(self) -> float:
        return self.until - time.monotonic()


_until: ContextVar[float] = ContextVar("pms_until", default=float("inf"))
_call: ContextVar[Call | None] = ContextVar("pms_call", default=None)
_in_background: ContextVar[bool] = ContextVar("pms_in_background", default=False)


@contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """All calls within take no longer together; within another limit the shorter one counts."""
    token = _until.set(min(_until.get(), time.monotonic() + seconds))
    try:
        yield
    finally:
        _until.reset(token)


@contextmanager
def in_background() -> Iterator[None]:
    """Calls within leave half of what may be asked at once to those that somebody waits for."""
    token = _in_background.set(True)
    try:
        yield
    finally:
        _in_background.reset(token)


def is_in_background() -> bool:
    """Whether nobody waits for what is called."""
    return _in_background.get()


@contextmanager
def calling(hotel_id: int, rate: float, *, is_asked_again: bool) -> Iterator[Call]:
    """One call to a hotel's PMS, at most `rate` requests a second."""
    call = Call(hotel_id, rate, _until.get(), is_asked_again, _in_background.get())
    token = _call.set(call)
    try:
        yield call
    finally:
        _call.reset(token)


def hotel_asked() -> int | None:
    """Whose PMS the call under way is to."""
    call = _call.get()
    return call.hotel_id if call is not None else None


def seconds_left() -> float:
    return _until.get() - time.monotonic()


def is_asked_again() -> bool:
    """Whether the door repeats this call where it was told AskAgain, so that nobody below needs to."""
    call = _call.get()
    return call is not None and call.is_asked_again


def may_request(most: float, *, writes: bool = False) -> float:
    """Wait for this request's turn; the seconds that it may take, `most` at most.

    Raises NotOurTurn where too many others are before it, PmsUnavailable where the call's time is up; either way
    nothing was asked. Nobody waits for more than half of the time that they have.
    """
    call = _call.get()
    if call is None:
        return most
    wait = _turn(call)
    if wait > 0:
        time.sleep(wait)
        call.waited += wait
    least = min(most, LEAST_FOR_A_WRITE) if writes else 0.0
    if call.left <= least:
        in_vain = NotOurTurn if call.left + call.waited > least else PmsUnavailable
        raise in_vain("the time for this call is up")
    call.asked, call.wrote = True, call.wrote or writes
    return min(most, call.left)


def asked_to_wait(retry_after: str | None) -> float:
    """The PMS wants to be left alone for so long, as its Retry-After says: all who call this hotel's are.

    In seconds, 0 where it does not say.
    """
    seconds = _seconds_of(retry_after or "")
    call = _call.get()
    if seconds and call is not None:
        _pause(call, seconds)
    return seconds


def is_own_limit(error: BaseException) -> bool:
    """Whether a call failed because of NotOurTurn, whatever was made of it on the way."""
    seen: BaseException | None = error
    while seen is not None and not isinstance(seen, NotOurTurn):
        seen = seen.__cause__ or seen.__context__
    return seen is not None


def _seconds_of(words: str) -> float:
    """Retry-After is a number of seconds or a date (RFC 9110, 10.2.3)."""
    words = words.strip()
    if words.isascii() and words.isdigit():
        return min(float(words[:9]), LONGEST_PAUSE)
    try:
        seconds = (parsedate_to_datetime(words) - datetime.now(UTC)).total_seconds()
    except (TypeError, ValueError):
        return 0.0
    return min(max(seconds, 0.0), LONGEST_PAUSE)


# Turns

# The hash has one time: until when everything has been given away. Whoever comes may be early by a burst. KEYS: the
# hotel's hash. ARGV, in microseconds: the space between two requests, the burst, how long the caller can wait. The
# answer: how long they must, or how long they would have to, as a negative number, and then have no turn. The last of
# ARGV is how far ahead anything is ever given away: what is further was written before the clock was put back.
TURN = """
local t = redis.call('time')
local now = t[1] * 1000000 + t[2]
local space, burst, patience = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local given = math.max(tonumber(redis.call('hget', KEYS[1], 'given')) or 0, now)
if given > now + tonumber(ARGV[4]) then given = now end
local wait = math.max(given - burst - now, 0)
if wait > patience then return -wait end
redis.call('hset', KEYS[1], 'given', string.format('%.0f', given + space))
redis.call('pexpire', KEYS[1], math.ceil((given + space - now) / 1000) + 1000)
return wait
"""
# ARGV: for how many microseconds nobody has a turn, with the burst that they would be early by.
PAUSE = """
local t = redis.call('time')
local now = t[1] * 1000000 + t[2]
local given = math.max(tonumber(redis.call('hget', KEYS[1], 'given')) or 0, now + tonumber(ARGV[1]))
redis.call('hset', KEYS[1], 'given', string.format('%.0f', given))
redis.call('pexpire', KEYS[1], math.ceil((given - now) / 1000) + 1000)
return 0
"""
_own: dict[int, float] = {}
_own_lock = threading.Lock()


def _turn(call: Call) -> float:
    """The seconds to wait. Raises NotOurTurn."""
    burst = call.rate * BURST_SECONDS * (0.5 if call.in_background else 1.0)
    try:
        wait = spared(lambda valkey: _shared_turn(valkey, call, burst))
    except RedisError:
        wait = _own_turn(call, burst)
    if wait < 0:
        raise NotOurTurn(f"too many requests to this PMS: the next may leave in {-wait:.1f} s")
    return wait


def _shared_turn(valkey: Redis, call: Call, burst: float) -> float:
    space, patience = 1 / call.rate, _patience(call)
    args = [int(seconds * 1_000_000) for seconds in (space, burst * space - space, patience, FARTHEST)]
    return int(valkey.register_script(TURN)(keys=[_key(call)], args=args)) / 1_000_000


def _own_turn(call: Call, burst: float) -> float:
    """The script's rules for one process alone, which does not know how much the others ask: it takes its share."""
    now, space = time.monotonic(), settings().workers / call.rate
    with _own_lock:
        given = max(_own.get(call.hotel_id, 0.0), now)
        wait = max(given - max(burst / settings().workers - 1, 0.0) * space - now, 0.0)
        if wait > _patience(call):
            return -wait
        _own[call.hotel_id] = given + space
    return wait


def _patience(call: Call) -> float:
    return min(max(call.left, 0.0) / 2, LONGEST_PAUSE)


def _pause(call: Call, seconds: float) -> None:
    whole = seconds + BURST_SECONDS
    with _own_lock:
        _own[call.hotel_id] = max(_own.get(call.hotel_id, 0.0), time.monotonic() + whole)
    try:
        spared(lambda valkey: valkey.register_script(PAUSE)(keys=[_key(call)], args=[int(whole * 1_000_000)]))
    except RedisError:
        return  # This process knows.


def _key(call: Call) -> str:
    return f"pms:turns:{call.hotel_id}"
