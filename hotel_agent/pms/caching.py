"""What a PMS that is asked over the network has said of its rooms and prices, kept for a while.

Looked for in this process's memory (a minute), in Valkey (five minutes), then asked of the PMS, by one caller for all
who want to know the same. Every night of a hotel has a mark in Valkey that changes when something was done to it,
and an answer counts only under the marks that it was asked under: so all processes forget at once, and what was asked
before a booking and comes after it is not believed. How old an answer is tells Valkey's clock alone, as those of
machines differ. Without Valkey nothing is kept.

What was said in the last day lies there for the time in which the PMS does not answer; only whoever asks for `stale`
is given it. There is nothing about guests in any of it.
"""

from __future__ import annotations

import hashlib
import json
import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any, Generic, TypeVar

from prometheus_client import Counter
from pydantic import TypeAdapter, ValidationError
from redis import Redis

from hotel_agent.hotels.models import Hotel
from hotel_agent.logs import get_logger
from hotel_agent.pms import limits
from hotel_agent.pms.contract import Availability, PmsUnavailable, RoomKind, Stay
from hotel_agent.redis import RedisError, spared

log = get_logger(__name__)

Answer = TypeVar("Answer")

MEMORY_SECONDS = 60.0
VALKEY_SECONDS = 300.0
STALE_SECONDS = 24 * 3600
MARKS_SECONDS = 7 * 24 * 3600
MOST_IN_MEMORY = 5000
LEASE_SECONDS = 1.5  # Whoever asks and dies gives way to the next after this.
LOOK_SECONDS = 0.02

requests = Counter(
    "pms_cache_requests_total",
    "Questions about rooms and prices by what answered them: l1 (memory), l2 (Valkey), pms, stale, or fresh"
    " (the PMS, as nothing that is kept would do: for a booking, or ahead of all questions).",
    ["layer"],
)


@dataclass(frozen=True)
class Question(Generic[Answer]):
    """`words` are its own among the hotel's; something done on one of the nights of `stay` makes its answer old."""

    words: str
    stay: Stay | None
    form: TypeAdapter[tuple[float, str, Answer]]

    @property
    def nights(self) -> tuple[date, ...]:
        return _nights(self.stay) if self.stay else ()


@dataclass(frozen=True)
class Kept(Generic[Answer]):
    """An answer, when it was asked for (seconds since 1970, on Valkey's clock), and under which marks."""

    asked_at: float
    marks: str
    answer: Answer


@dataclass(frozen=True)
class Now:
    """One look at Valkey: its time, ours (monotonic), and for each question the marks under which answers count."""

    at: float
    here: float
    marks: tuple[str, ...]

    def is_fresh(self, one: Kept[Any], mark: str) -> bool:
        return one.marks == mark and 0 <= self.at - one.asked_at < VALKEY_SECONDS

    def kept_until(self, one: Kept[Any]) -> float:
        """Until when, on our clock, this process's memory knows it."""
        return self.here + min(MEMORY_SECONDS, one.asked_at + VALKEY_SECONDS - self.at)


_ROOMS = TypeAdapter(tuple[float, str, Availability])
KINDS = Question("kinds", None, TypeAdapter(tuple[float, str, tuple[RoomKind, ...]]))
LAST_NIGHT = Question("last night", None, TypeAdapter(tuple[float, str, date | None]))


def rooms(stay: Stay) -> Question[Availability]:
    return Question(f"rooms {stay.check_in} {stay.check_out}", stay, _ROOMS)


def calendar(first: date, last: date, nights: int) -> list[Question[Availability]]:
    """The stays of so many nights that begin from `first` to `last`."""
    arrivals = (first + timedelta(days=day) for day in range((last - first).days + 1))
    return [rooms(Stay(arrival, arrival + timedelta(days=nights))) for arrival in arrivals]


def answer(
    hotel: Hotel,
    questions: Sequence[Question[Answer]],
    ask: Callable[[], Sequence[Answer]],
    is_resting: Callable[[], bool],
    *,
    even_stale: bool = False,
) -> list[Answer]:
    """The answers to questions that `ask` puts to the PMS together; while one caller does so the others wait.

    `is_resting` says whether the PMS is not asked for now; then, `even_stale`, what was said in the last day will do.
    Raises PmsUnavailable.
    """
    now = _look_at_marks(hotel, questions)
    found = _kept(hotel, questions, now)
    if found is not None:
        return found
    try:
        return _asked_once(hotel, questions, now, ask, is_resting)
    except PmsUnavailable:
        old = stale(hotel, questions) if even_stale and is_resting() else None
        if old is None:
            raise
        return old


def kept(hotel: Hotel, questions: Sequence[Question[Answer]]) -> list[Answer] | None:
    """What is kept and not old, if all of it is. Never asks the PMS."""
    return _kept(hotel, questions, _look_at_marks(hotel, questions))


def stale(hotel: Hotel, questions: Sequence[Question[Answer]]) -> list[Answer] | None:
    """What was said in the last day, whatever has happened since."""
    said = [_unpacked(question, value) for question, value in zip(questions, _values(hotel, questions), strict=True)]
    answers = [_from("stale", one.answer) for one in said if one is not None]
    if len(answers) < len(questions):
        return None
    requests.labels("stale").inc()
    return answers


def renew(hotel: Hotel, questions: Sequence[Question[Answer]], ask: Callable[[], Sequence[Answer]]) -> list[Answer]:
    """Ask, whatever is kept, and keep the answers. Raises PmsUnavailable."""
    answers = _asked_and_kept(hotel, questions, _look_at_marks(hotel, questions), ask)
    requests.labels("fresh").inc()
    return answers


def invalidate(hotel: Hotel, *stays: Stay) -> None:
    """Something was done on these nights, or nobody knows on which: no process goes on with what it knows of them."""
    nights = {night.isoformat() for stay in stays for night in _nights(stay)}
    _owed.add(hotel.id, nights or {ALL})
    _pay(hotel.id)


def _asked_and_kept(
    hotel: Hotel, questions: Sequence[Question[Answer]], now: Now | None, ask: Callable[[], Sequence[Answer]]
) -> list[Answer]:
    """`now` is from before it is asked."""
    answers = list(ask())
    if now is not None:
        said = [Kept(now.at, mark, one) for mark, one in zip(now.marks, answers, strict=True)]
        _keep(hotel, questions, said, now)
    return answers


# One asks, the others wait


class _Flight:
    """One question under way in this process, and what became of it."""

    def __init__(self) -> None:
        self.landed = threading.Event()
        self.answers: list[Any] | None = None
        self.why = ""


_flights: dict[str, _Flight] = {}
_flying = threading.Lock()


def _asked_once(
    hotel: Hotel,
    questions: Sequence[Question[Answer]],
    now: Now | None,
    ask: Callable[[], Sequence[Answer]],
    is_resting: Callable[[], bool],
) -> list[Answer]:
    """Nobody waits for whoever asked before something was done on these nights."""
    since = str(len(_owed.of(hotel.id))) if now is None else "/".join(now.marks)
    key = _key(hotel, "/".join((questions[0].words, questions[-1].words, since)), "asking")
    mine = _Flight()
    with _flying:
        flight = _flights.setdefault(key, mine)
    if flight is not mine:
        return _wait_for(flight)
    try:
        mine.answers = _asked_by_one_process(hotel, key, questions, ask, is_resting)
        return mine.answers
    except PmsUnavailable as error:
        mine.why = str(error)
        raise
    finally:
        with _flying:
            del _flights[key]
        mine.landed.set()


def _wait_for(flight: _Flight) -> list[Any]:
    if not flight.landed.wait(max(limits.seconds_left(), 0)):
        raise PmsUnavailable("whoever asks the same has had no answer in time")
    if flight.answers is None:
        raise PmsUnavailable(flight.why or "whoever asked the same has failed")
    requests.labels("l1").inc()
    return flight.answers


def _asked_by_one_process(
    hotel: Hotel,
    key: str,
    questions: Sequence[Question[Answer]],
    ask: Callable[[], Sequence[Answer]],
    is_resting: Callable[[], bool],
) -> list[Answer]:
    while True:
        with _leases.taken(key) as mine:
            now = _look_at_marks(hotel, questions)
            found = _kept(hotel, questions, now)  # Somebody may have asked just before.
            if found is not None:
                return found
            if mine:
                answers = _asked_and_kept(hotel, questions, now, ask)
                requests.labels("pms").inc()
                return answers
        if is_resting() or limits.seconds_left() <= 0:
            raise PmsUnavailable("another process asks the same and has had no answer in time")
        time.sleep(LOOK_SECONDS)


class _Leases:
    """What this process asks for all: others take over soon after it has died, however long the PMS takes."""

    def __init__(self) -> None:
        self._held: dict[str, str] = {}
        self._lock = threading.Lock()
        self._some = threading.Event()
        self._thread: threading.Thread | None = None

    @contextmanager
    def taken(self, key: str) -> Iterator[bool]:
        """Whether the caller is the one who asks. Without Valkey every process asks for itself."""
        token = secrets.token_hex(8)
        mine = _leased(key, token)
        if mine:
            self._hold(key, token)
        try:
            yield mine is not False
        finally:
            if mine:
                self._let_go(key, token)

    def _hold(self, key: str, token: str) -> None:
        with self._lock:
            self._held[key] = token
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._renew, name="pms leases", daemon=True)
                self._thread.start()
        self._some.set()

    def _let_go(self, key: str, token: str) -> None:
        with self._lock:
            self._held.pop(key, None)
            if not self._held:
                self._some.clear()
        _if_ours("del", key, token)

    def _renew(self) -> None:
        while True:
            self._some.wait()
            with self._lock:
                held = list(self._held.items())
            for key, token in held:
                _if_ours("pexpire", key, token)
            time.sleep(LEASE_SECONDS / 3)


def _leased(key: str, token: str) -> bool | None:
    """None while Valkey is away."""
    try:
        return bool(spared(lambda valkey: valkey.set(key, token, nx=True, px=int(LEASE_SECONDS * 1000))))
    except RedisError:
        return None


# KEYS: the lease. ARGV: whose it must be, what to do with it, for how many milliseconds it is renewed.
OURS = """
if redis.call('get', KEYS[1]) ~= ARGV[1] then return 0 end
if ARGV[2] == 'del' then return redis.call('del', KEYS[1]) end
return redis.call('pexpire', KEYS[1], ARGV[3])
"""


def _if_ours(do: str, key: str, token: str) -> None:
    args: list[str | int] = [token, do, int(LEASE_SECONDS * 1000)]
    try:
        spared(lambda valkey: valkey.register_script(OURS)(keys=[key], args=args))
    except RedisError:
        return  # It ends by itself.


_leases = _Leases()


# What is kept


def _kept(hotel: Hotel, questions: Sequence[Question[Answer]], now: Now | None) -> list[Answer] | None:
    """The answers if all are known and not old."""
    if now is None:
        return None
    layer, marks = "l1", now.marks
    found = [_memory.get(_key(hotel, question.words), mark) for question, mark in zip(questions, marks, strict=True)]
    missing = [number for number, one in enumerate(found) if one is None]
    if missing:
        layer = "l2"
        values = _values(hotel, [questions[number] for number in missing])
        for number, value in zip(missing, values, strict=True):
            one = _unpacked(questions[number], value)
            if one is None or not now.is_fresh(one, marks[number]):
                return None
            found[number] = one = replace(one, answer=_from("cache", one.answer))
            _memory.put(_key(hotel, questions[number].words), one, now.kept_until(one))
    requests.labels(layer).inc()
    return [one.answer for one in found if one is not None]


def _keep(hotel: Hotel, questions: Sequence[Question[Answer]], said: Sequence[Kept[Answer]], now: Now) -> None:
    def put(valkey: Redis) -> None:
        with valkey.pipeline(transaction=False) as together:
            for question, one in zip(questions, said, strict=True):
                packed = question.form.dump_json((one.asked_at, one.marks, one.answer))
                together.set(_key(hotel, question.words), packed, ex=STALE_SECONDS)
            together.execute()

    for question, one in zip(questions, said, strict=True):
        known = replace(one, answer=_from("cache", one.answer))
        _memory.put(_key(hotel, question.words), known, now.kept_until(known))
    try:
        spared(put)
    except RedisError:
        return  # It is asked again.


def _values(hotel: Hotel, questions: Sequence[Question[Answer]]) -> Sequence[bytes | str | None]:
    keys = [_key(hotel, question.words) for question in questions]
    try:
        return spared(lambda valkey: valkey.mget(keys))
    except RedisError:
        return [None] * len(questions)


def _unpacked(question: Question[Answer], value: bytes | str | None) -> Kept[Answer] | None:
    """None also for what another version of this program has written, or was written under the wrong name."""
    if value is None:
        return None
    try:
        one = Kept(*question.form.validate_json(value))
    except ValidationError:
        return None
    is_ours = not isinstance(one.answer, Availability) or one.answer.stay == question.stay
    return one if is_ours else None


def _from(source: str, answer: Answer) -> Answer:
    """An answer says where it comes from; `as_of` stays the time when the PMS said it."""
    return replace(answer, source=source) if isinstance(answer, Availability) else answer


def _key(hotel: Hotel, words: str, kind: str = "said") -> str:
    """Other settings of the PMS are another PMS; another day on the hotel's wall may be sold otherwise."""
    told = {name: value for name, value in (hotel.settings or {}).items() if name == "pms" or name.startswith("pms_")}
    whole = json.dumps([hotel.pms, hotel.currency, hotel.language, str(hotel.today()), told, words], sort_keys=True)
    return f"pms:{kind}:{hotel.id}:{hashlib.sha256(whole.encode()).hexdigest()[:24]}"


class _Memory:
    """What this process was told lately."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: OrderedDict[str, tuple[float, Kept[Any]]] = OrderedDict()

    def get(self, key: str, marks: str) -> Kept[Any] | None:
        with self._lock:
            until, one = self._kept.get(key, (0.0, None))
        return one if one is not None and one.marks == marks and time.monotonic() < until else None

    def put(self, key: str, one: Kept[Any], until: float) -> None:
        with self._lock:
            self._kept[key] = (until, one)
            self._kept.move_to_end(key)
            if len(self._kept) > MOST_IN_MEMORY:
                self._kept.popitem(last=False)


_memory = _Memory()


# Marks

ALL = "all"
# KEYS: the hotel's marks. ARGV: a new mark, should there be none for all nights (Valkey may have lost them), for how
# many milliseconds marks are kept, then nights. The answer: the time in microseconds, the mark for all, then those of
# the nights.
MARKS = """
local t = redis.call('time')
local all = redis.call('hget', KEYS[1], 'all')
if not all then
  all = ARGV[1]
  redis.call('hset', KEYS[1], 'all', all)
  redis.call('pexpire', KEYS[1], ARGV[2])
end
local said = {string.format('%.0f', t[1] * 1000000 + t[2]), all}
if #ARGV > 2 then
  for place, mark in ipairs(redis.call('hmget', KEYS[1], unpack(ARGV, 3))) do said[place + 2] = mark or '' end
end
return said
"""


def _look_at_marks(hotel: Hotel, questions: Sequence[Question[Any]]) -> Now | None:
    """None where nobody can tell."""
    here = time.monotonic()
    if not _pay(hotel.id):
        return None
    nights = sorted({night.isoformat() for question in questions for night in question.nights})
    args: list[str | int] = [secrets.token_hex(6), MARKS_SECONDS * 1000, *nights]
    try:
        said = spared(lambda valkey: valkey.register_script(MARKS)(keys=[_marks_key(hotel.id)], args=args))
    except RedisError:
        return None
    at, every, *marks = (word.decode(errors="replace") for word in said)
    by_night = {night: mark for night, mark in zip(nights, marks, strict=True) if mark}
    together = tuple(_together(every, by_night, question.nights) for question in questions)
    return Now(int(at) / 1_000_000, here, together)


def _together(every: str, by_night: dict[str, str], nights: Sequence[date]) -> str:
    if not by_night:
        return every
    return ",".join([every, *(f"{n}:{by_night[n]}" for night in nights if (n := night.isoformat()) in by_night)])


class _Owed:
    """Nights whose marks have to change; while Valkey is away this process believes nothing of their hotels."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._done: dict[int, list[set[str]]] = {}

    def add(self, hotel_id: int, nights: set[str]) -> None:
        with self._lock:
            self._done.setdefault(hotel_id, []).append(nights)

    def of(self, hotel_id: int) -> list[set[str]]:
        with self._lock:
            return list(self._done.get(hotel_id, ()))

    def paid(self, hotel_id: int, done: list[set[str]]) -> None:
        """What was added meanwhile is still owed, also where it is the same nights again."""
        with self._lock:
            left = [nights for nights in self._done.get(hotel_id, ()) if not any(nights is one for one in done)]
            self._done[hotel_id] = left
            if not left:
                del self._done[hotel_id]


_owed = _Owed()


def _pay(hotel_id: int) -> bool:
    """Change the marks that are to be changed; False while that cannot be done."""
    owed = _owed.of(hotel_id)
    if not owed:
        return True
    mark = secrets.token_hex(6)

    def put(valkey: Redis) -> None:
        with valkey.pipeline(transaction=True) as together:
            together.hset(_marks_key(hotel_id), mapping={night: mark for nights in owed for night in nights})
            together.pexpire(_marks_key(hotel_id), MARKS_SECONDS * 1000)
            together.execute()

    try:
        spared(put)
    except RedisError:
        return False
    _owed.paid(hotel_id, owed)
    return True


def _marks_key(hotel_id: int) -> str:
    return f"pms:marks:{hotel_id}"


def _nights(stay: Stay) -> tuple[date, ...]:
    return tuple(stay.check_in + timedelta(days=night) for night in range(stay.nights))
