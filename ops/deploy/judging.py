"""Whether a new version is as good as the one before, by what each was asked in the same time."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from ops.deploy.target import Canary

# By chance alone a few requests fail; so many in a row of a version that is well do not.
FEWEST_ERRORS = 5
# So much worse needs no more time to be seen.
PLAINLY = 0.05
# What people get wrong (4xx) is spread over both versions, but less evenly.
REFUSALS = 0.05


class Verdict(Enum):
    GOOD = "good"
    BAD = "bad"
    UNDECIDED = "undecided"


@dataclass(frozen=True)
class Figures:
    """Of one version in a while: requests (or jobs), those that failed (5xx) and were refused (4xx), and the p95 in
    seconds, None where there is none."""

    requests: float = 0
    errors: float = 0
    refused: float = 0
    p95: float | None = None

    @property
    def error_rate(self) -> float:
        return self.errors / self.requests if self.requests else 0.0

    @property
    def refusal_rate(self) -> float:
        return self.refused / self.requests if self.requests else 0.0

    def __str__(self) -> str:
        p95 = "no p95" if self.p95 is None else f"p95 {self.p95 * 1000:.0f} ms"
        return f"{self.requests:.0f} requests, {self.error_rate:.1%} errors, {p95}"


@dataclass(frozen=True)
class Judgement:
    verdict: Verdict
    why: str


def judge(baseline: Figures, canary: Figures, rule: Canary) -> Judgement:
    """BAD as soon as that is plain, else UNDECIDED until there are enough requests of both."""
    more = canary.error_rate - baseline.error_rate
    if canary.errors >= FEWEST_ERRORS and more > max(PLAINLY, rule.more_errors):
        return Judgement(Verdict.BAD, f"{canary.error_rate:.1%} fail, {baseline.error_rate:.1%} before")
    for figures in (canary, baseline):
        if figures.requests < rule.requests:
            whose = "new" if figures is canary else "old"
            return Judgement(
                Verdict.UNDECIDED, f"{figures.requests:.0f} requests to the {whose} version of {rule.requests} wanted"
            )
    if canary.errors >= 2 and more > rule.more_errors:
        return Judgement(Verdict.BAD, f"{canary.error_rate:.1%} fail, {baseline.error_rate:.1%} before")
    if canary.refusal_rate - baseline.refusal_rate > REFUSALS:
        refused = f"{canary.refusal_rate:.1%} of requests are refused, {baseline.refusal_rate:.1%} before"
        return Judgement(Verdict.BAD, refused)
    if canary.p95 is None or baseline.p95 is None:
        return Judgement(Verdict.UNDECIDED, "nobody measured how long requests take")
    longest = baseline.p95 * rule.slower + rule.slower_seconds
    if not canary.p95 <= longest:
        slow = f"p95 is {canary.p95 * 1000:.0f} ms, at most {longest * 1000:.0f} would do"
        return Judgement(Verdict.BAD, f"{slow} ({baseline.p95 * 1000:.0f} before)")
    return Judgement(Verdict.GOOD, f"{canary} (before: {baseline})")


def worst(*judgements: Judgement) -> Judgement:
    order = (Verdict.BAD, Verdict.UNDECIDED, Verdict.GOOD)
    return min(judgements, key=lambda one: order.index(one.verdict))
