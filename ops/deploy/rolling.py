"""From one version to the next: tables first, then the new version beside the old one, then all requests and all work.

What is to be there is written in one file, at the one moment when the new version is in use (`Slots.save`). Whatever
goes wrong before, `settle` makes the machine what the file says: the old version answers as it did. It does the same
after a deployment that was killed, or after a start of the machine.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from subprocess import TimeoutExpired

from ops.deploy.checking import Checks, all_well
from ops.deploy.edge import Edge
from ops.deploy.errors import CannotDeploy, RolledBack
from ops.deploy.figures import Prometheus
from ops.deploy.judging import Verdict, judge, worst
from ops.deploy.processes import wait_until
from ops.deploy.slots import ROLES, SCHEDULER, WEB, WORKERS, Placed, Release, Slots, State
from ops.deploy.target import BLUE, SLOTS, other

LOOK_SECONDS = 5.0
# Prometheus may miss one time; a version that it does not reach so often in a row is not well.
MISSED = 3
# One worker may end by some mishap, and is replaced. So many within a minute do by what they were given to do.
DEATHS = 2
INTERRUPTS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
# The version that was in use is known by so long.
BEFORE_SECONDS = 600


class NotGoodEnough(Exception):
    """Why the new version is not to stay."""


class Rollout:
    def __init__(self, slots: Slots, tell: Callable[[str], None]) -> None:
        self.slots = slots
        self.target = slots.target
        self.edge = Edge(slots.target)
        self.prometheus = Prometheus(slots.target)
        self.tell = tell

    def deploy(self, release: Release, *, watched: bool, migrates: bool = True) -> None:
        """Raises CannotDeploy where nothing was begun, else RolledBack."""
        state = self.slots.state()
        self._may_begin(state, release, watched=watched)
        self.settle()  # Whatever an earlier deployment left is put in order first.
        new = Placed(other(state.active.slot) if state.active else BLUE, str(release.folder))
        try:
            self._roll(state.active, new, watched=watched, migrates=migrates)
        except BaseException as trouble:  # Also when somebody interrupts it: half a deployment is not left behind.
            why = self._why(trouble)
            self.tell(f"==> rolling back: {why}")
            with _undisturbed():
                self._settle_at_last()
            raise RolledBack(why) from None
        self.slots.save(State(active=new, previous=state.active))
        self.tell(f"==> {release.name} is in use; ending the version before")
        self.settle()

    def settle(self) -> bool:
        """Make the machine what the file says, with the least that has to be changed. False where what is in use had
        to be started, and does not get ready."""
        active = self.slots.state().active
        is_well = True
        if active:
            missing = self.slots.ended(active.slot)
            is_well = self._start(active, missing) and (WEB not in missing or self._is_ready(active.slot))
        self.edge.start()
        self.edge.point_to({active.slot: 100} if active else {})
        self.prometheus.watch({active.slot: active.of.name} if active else {})
        for slot in SLOTS:
            if active is None or slot != active.slot:
                self._end(slot)
        if active and not is_well:
            self.tell(f"    {active.slot} does not get ready:\n{self.slots.daemon(active.slot, WEB).tail()}")
        return is_well

    def _start(self, active: Placed, roles: Sequence[str]) -> bool:
        """False where they cannot be; another version may still take their place."""
        try:
            for role in roles:
                self.slots.start(active, role)
        except CannotDeploy as problem:
            self.tell(f"    {problem}")
            return False
        return True

    def _settle_at_last(self) -> None:
        try:
            self.settle()
        except CannotDeploy as worse:
            self.tell(f"    not all is as it was: {worse}; mend that, then `python -m ops.deploy up`")

    @staticmethod
    def _why(trouble: BaseException) -> str:
        if isinstance(trouble, NotGoodEnough | CannotDeploy):
            return str(trouble)
        return "interrupted" if isinstance(trouble, KeyboardInterrupt) else f"{type(trouble).__name__}: {trouble}"

    # Step by step

    def _may_begin(self, state: State, release: Release, *, watched: bool) -> None:
        if watched and state.active is None:
            raise CannotDeploy("nothing is in use that a canary could be compared with: begin with blue-green")
        if watched and not self.target.prometheus:
            raise CannotDeploy("a canary is judged by Prometheus: url in [prometheus] is missing")
        if state.active and state.active.release == str(release.folder):
            raise CannotDeploy(f"{release.name} is in use already")
        self.slots.settings()
        self.edge.write()
        self.edge.test()

    def _roll(self, old: Placed | None, new: Placed, *, watched: bool, migrates: bool) -> None:
        if migrates:
            self._migrate(new)
        self._start_web(new, migrates=migrates)
        if watched and old:
            self._watch(old, new)
        self._hand_over_work(old, new)
        self.tell(f"==> all requests to {new.slot}")
        self.prometheus.watch({placed.slot: placed.of.name for placed in (old, new) if placed})
        # The version before is still asked where the new one fails, until nobody has to doubt it.
        self.edge.point_to({new.slot: 100, old.slot: 0} if old else {new.slot: 100})
        self.tell("==> checking as guests reach it")
        if not all_well(Checks(self.slots, new.of, self.target.address).of_all(), self.tell):
            raise NotGoodEnough("it is not well in use")
        if old:
            self._watch_in_use(old, new)
        self._still_runs(new)

    def _migrate(self, new: Placed) -> None:
        self.tell("==> bringing the tables up to date; the version before works on them too")
        try:
            done = self.slots.flask(new.of, ["db", "upgrade"])
        except TimeoutExpired:
            raise NotGoodEnough("the migrations take too long") from None
        if done.returncode != 0:
            told = "\n".join((done.stderr or done.stdout).strip().splitlines()[-4:])
            raise NotGoodEnough(f"the migrations fail:\n{told}")

    def _start_web(self, new: Placed, *, migrates: bool) -> None:
        self.tell(f"==> starting {new.of.name} in {new.slot}, where nobody asks it yet")
        self.slots.start(new, WEB)
        if not self._is_ready(new.slot):
            raise NotGoodEnough(f"it does not start:\n{self.slots.daemon(new.slot, WEB).tail()}")
        checks = Checks(self.slots, new.of, self._own_address(new.slot))
        if not _slot_is_well(checks, self.tell, migrates=migrates):
            raise NotGoodEnough("it is not well")

    def _watch(self, old: Placed, new: Placed) -> None:
        """Give it a share of the requests, and compare. Raises NotGoodEnough."""
        rule, slots = self.target.canary, dict(map(_named, (old, new)))
        self.prometheus.watch(slots)
        if not wait_until(lambda: all(self.prometheus.sees(*one) for one in slots.items()), self.target.seconds.start):
            raise NotGoodEnough(f"Prometheus does not see both versions; does it read {self.prometheus.targets}?")
        self.tell(
            f"==> {rule.share} % of requests to {new.slot}, for {rule.seconds:.0f} s and {rule.requests} requests"
        )
        since, began, look, missed = time.time(), time.monotonic(), self.edge.look(), 0
        self.edge.point_to({old.slot: 100 - rule.share, new.slot: rule.share})
        while True:
            time.sleep(min(LOOK_SECONDS, rule.seconds / 5))
            seconds = time.monotonic() - began
            missed = 0 if self.prometheus.sees(new.slot, new.of.name) else missed + 1
            if missed >= MISSED or self.slots.daemon(new.slot, WEB).pid is None:
                raise NotGoodEnough("it does not answer any more")
            self._still_keeps(new)
            counted = {slot: self.prometheus.figures(slot, name, since) for slot, name in slots.items()}
            seen = look.figures()
            judgement = worst(*(judge(by[old.slot], by[new.slot], rule) for by in (counted, seen)))
            self.tell(f"    {seconds:4.0f} s  new: {seen[new.slot]}; old: {seen[old.slot]}")
            if judgement.verdict is Verdict.BAD:
                raise NotGoodEnough(judgement.why)
            if judgement.verdict is Verdict.GOOD and seconds >= rule.seconds:
                self.tell(f"==> as good as the version before: {judgement.why}")
                return
            if seconds >= rule.longest_seconds:
                raise NotGoodEnough(f"undecided after {seconds:.0f} s: {judgement.why}")

    def _watch_in_use(self, old: Placed, new: Placed) -> None:
        """Its workers are seen only now; the version before is there still. Raises NotGoodEnough for what is plain."""
        seconds = self.target.canary.seconds_after
        if not seconds or not self.prometheus.answers():
            self.tell(
                "    not watched any further: no Prometheus answers" if seconds else "    not watched any further"
            )
            return
        self.tell(f"==> watching it for {seconds:.0f} s, requests and jobs")
        since, look, end = time.time(), self.edge.look(), time.monotonic() + seconds
        before, workers = self.prometheus.figures(old.slot, old.of.name, since - BEFORE_SECONDS), set[int]()
        while time.monotonic() < end:
            time.sleep(min(LOOK_SECONDS, seconds / 4))
            self._still_runs(new)
            self._still_keeps(new)
            workers |= self.slots.workers(new.slot)
            if len(workers - self.slots.workers(new.slot)) >= DEATHS:
                raise NotGoodEnough(f"its workers die:\n{self.slots.daemon(new.slot, WORKERS).tail()}")
            requests = judge(before, look.figures()[new.slot], self.target.canary)
            jobs = judge(self.prometheus.jobs(*_named(old)), self.prometheus.jobs(*_named(new)), self.target.canary)
            for what, judgement in (("requests", requests), ("jobs", jobs)):
                if judgement.verdict is Verdict.BAD:
                    raise NotGoodEnough(f"in use, {what}: {judgement.why}")

    def _hand_over_work(self, old: Placed | None, new: Placed) -> None:
        """Workers and scheduler: the new ones report before the old ones finish what they have in hand, and end."""
        self.tell("==> workers and scheduler")
        self.slots.start(new, WORKERS)
        self.slots.start(new, SCHEDULER)
        if not wait_until(lambda: self.slots.workers_reporting(new.slot) > 0, self.target.seconds.start):
            raise NotGoodEnough(f"its workers do not report:\n{self.slots.daemon(new.slot, WORKERS).tail()}")
        self._still_runs(new)
        if old:
            self._stop(old.slot, SCHEDULER)
            self._stop(old.slot, WORKERS)

    def _still_runs(self, new: Placed) -> None:
        ended = self.slots.ended(new.slot)
        if ended:
            raise NotGoodEnough(f"{ended[0]} has ended:\n{self.slots.daemon(new.slot, ended[0]).tail()}")

    def _still_keeps(self, new: Placed) -> None:
        """What is lost is no error in any figures."""
        if Checks(self.slots, new.of, self._own_address(new.slot)).loses():
            raise NotGoodEnough("it answers webhooks with 200 and does not keep them")

    def _is_ready(self, slot: str) -> bool:
        """Whether a slot's web process says so in time; at once not, when it has ended."""
        daemon = self.slots.daemon(slot, WEB)
        checks = Checks(self.slots, Release(self.target.folder), self._own_address(slot))
        wait_until(lambda: daemon.pid is None or checks.is_ready(), self.target.seconds.start)
        return daemon.pid is not None and checks.is_ready()

    def _end(self, slot: str) -> None:
        running = self.slots.running(slot)
        if WEB in running:
            self.edge.wait_for_earlier(self.target.seconds.drain)
        for role in ROLES:
            if role in running:
                self._stop(slot, role)

    def _stop(self, slot: str, role: str) -> None:
        if not self.slots.stop(slot, role):
            self.tell(f"    {slot} {role} did not end within {self.target.seconds.stop:.0f} s and was killed")

    def _own_address(self, slot: str) -> str:
        return f"http://127.0.0.1:{self.target.ports[slot]}"


def _named(placed: Placed) -> tuple[str, str]:
    """As Prometheus knows it."""
    return placed.slot, placed.of.name


def _slot_is_well(checks: Checks, tell: Callable[[str], None], *, migrates: bool) -> bool:
    return all_well(checks.of_web(migrations=migrates), tell) and all_well(iter([checks.version()]), tell)


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Who asks again to end waits until all is as it was."""
    before = {number: signal.signal(number, signal.SIG_IGN) for number in INTERRUPTS}
    try:
        yield
    finally:
        for number, what in before.items():
            signal.signal(number, what)
