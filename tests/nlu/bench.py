"""What the engine understands, measured: `make bench-nlu [FOLDS=folder] [PARTS="a b"]`; figures in var/bench.

a  NLU++ and MULTI3NLU++: our kind of model trained on folds of their sentences, by the published protocol
b  intents of our own held-out messages, clean and noisy, and how far the chances told can be relied on
c  dates, times, people and counts: public specifications, NLU++, held-out messages
d  what is not for a hotel: how much is let in while 95 % of what is for us is kept
e  clean held-out messages, spoilt on purpose
f  milliseconds a message on one core, and the memory of a worker process
g  questions to the hotel's knowledge base, matched by meaning

With FOLDS only the parts that read folds are run, on that folder. docs/nlu.md tells the protocol.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hotel_agent.nlu import Hints, encoder, engine, second_reader, understand
from hotel_agent.nlu.lexicons import LANGUAGES
from hotel_agent.nlu.model import OUT_OF_SCOPE, load, model
from hotel_agent.nlu.training.fit import fit_weights, vocabulary_of
from hotel_agent.nlu.training.sentences import sentences
from tests.nlu import bench_entities, bench_knowledge, nlupp, noise

ROOT = Path(__file__).parents[2]
SHARED = bench_entities.SHARED
HELD_OUT = Path(__file__).parent / "heldout"
TODAY = date(2026, 11, 25)
KEPT = 0.95


@dataclass(frozen=True)
class Message:
    """A held-out message; `blind` ones were never looked at while the engine was made."""

    language: str
    style: str
    text: str
    intents: tuple[str, ...]
    blind: bool


def held_out() -> list[Message]:
    found = []
    for language in LANGUAGES:
        lines = (HELD_OUT / f"{language}.jsonl").read_text(encoding="utf-8").splitlines()
        for number, line in enumerate(lines, 1):
            told = json.loads(line)
            found.append(Message(language, told["style"], told["text"], tuple(told["intents"]), number % 2 == 1))
    return found


# --- a: the published protocol ---


def published(folds: Path) -> list[dict[str, Any]]:
    table("a. NLU++ hotels, micro-F1", "lang regime trained_on runs F1 ±")
    rows = []
    for result in nlupp.evaluate(folds):
        rows.append(asdict(result))
        row(result.language, result.regime, result.kind, result.runs, f"{result.mean:.1f}", f"{result.spread:.1f}")
    return rows


# --- b: own held-out messages ---


def intents() -> list[dict[str, Any]]:
    table("b. first intent of held-out messages", "lang style messages right% blind_right% any_right% language%")
    rows = []
    heard = [(one, understand(one.text, TODAY, Hints(country="ES"))) for one in held_out()]
    for language in LANGUAGES:
        for style in ("clean", "noisy"):
            part = [(one, said) for one, said in heard if (one.language, one.style) == (language, style)]
            first = share(said.intent == one.intents[0] for one, said in part)
            blind = share(said.intent == one.intents[0] for one, said in part if one.blind)
            lenient = share(said.intent in one.intents for one, said in part)
            tongue = share(said.language == one.language for one, said in part)
            rows.append({"language": language, "style": style, "first": first, "blind": blind, "any": lenient})
            row(language, style, len(part), percent(first), percent(blind), percent(lenient), percent(tongue))
    confidence = np.array([said.confidence for _, said in heard])
    right = np.array([said.intent in one.intents for one, said in heard])
    strict = np.array([said.intent == one.intents[0] for one, said in heard])
    error, of_first = calibration_error(confidence, right), calibration_error(confidence, strict)
    print(f"expected calibration error (ECE): {error:.3f} that it is wanted, {of_first:.3f} that it is wanted first")
    for least in (0.5, 0.8, 0.95):
        sure = confidence >= least
        print(
            f"  told with {least} or more: {percent(sure.mean())} % of messages, {percent(right[sure].mean())} % right"
        )
    return [*rows, {"ece": error, "ece_first": of_first}]


def calibration_error(confidence: Any, right: Any, bins: int = 10) -> float:
    """How far confidences and outcomes differ, averaged over bins of equal width by their weight (ECE)."""
    places = np.minimum((confidence * bins).astype(int), bins - 1)
    gaps = [
        abs(confidence[places == place].mean() - right[places == place].mean()) * (places == place).mean()
        for place in range(bins)
        if (places == place).any()
    ]
    return float(sum(gaps))


# --- c: dates, times, people ---


def entities(folds: Path, *, only_folds: bool) -> list[dict[str, Any]]:
    table("c. dates, times, people", "set lang style reader cases right%")
    rows: list[bench_entities.Row] = []
    if not only_folds:
        rows += bench_entities.dates_on_specs(SHARED / "dates")
        rows += bench_entities.entities_on_heldout(HELD_OUT)
    rows += bench_entities.dates_on_nlupp(folds)
    rows += bench_entities.times_on_nlupp(folds)
    rows += bench_entities.counts_on_nlupp(folds)
    for one in rows:
        row(one.set, one.language, one.style, one.reader, one.count, percent(one.share))
    return [asdict(one) for one in rows]


# --- d: out of scope ---


def out_of_scope(folds: Path, *, only_folds: bool) -> list[dict[str, Any]]:
    table("d. let in although not for us, with 95 % of ours kept", "model ours others let_in%")
    rows = [] if only_folds else _shipped_scope(folds)
    return rows + _trained_scope(folds)


def _shipped_scope(folds: Path) -> list[dict[str, Any]]:
    """The product's own head, as shipped."""
    messages = held_out()
    rows = []
    for language in LANGUAGES:
        ours = _scope(
            [(one.text, language) for one in messages if _is(one, language) and OUT_OF_SCOPE not in one.intents]
        )
        line = float(np.quantile(ours, 1 - KEPT))
        for name, others in _others(folds, language, messages).items():
            rows.append(_told("shipped", f"{language} held out", name, _scope(others), line))
    return rows


def _is(message: Message, language: str) -> bool:
    return message.language == language


def _others(folds: Path, language: str, messages: Sequence[Message]) -> dict[str, list[tuple[str, str]]]:
    """Texts that no front desk serves: examiners' refusals, CLINC150's, a bank's customers by what they ask about."""
    found = {
        "held-out refusals": [
            (one.text, language) for one in messages if _is(one, language) and one.intents == (OUT_OF_SCOPE,)
        ]
    }
    clinc = SHARED / "clinc" / "oos_dev.json"
    if language == "en" and clinc.exists():
        parts = json.loads(clinc.read_text(encoding="utf-8")).values()
        found["CLINC150 oos"] = [(text, "en") for part in parts for text, label in part if label == "oos"]
    try:
        bank = nlupp.read(folds, language, "banking")
    except nlupp.NoFolds:
        return found
    topics = _bank_topics(folds)
    found["bank, names its matter"] = [(one.text, language) for one in bank if one.intents & topics]
    found["bank, every sentence"] = [(one.text, language) for one in bank]
    return found


def _bank_topics(folds: Path) -> frozenset[str]:
    ontology = folds / "ontology.json"
    if not ontology.exists():
        ontology = SHARED / "nlupp" / "ontology.json"
    told: Mapping[str, Any] = json.loads(ontology.read_text(encoding="utf-8"))["intents"]
    return frozenset(name for name, intent in told.items() if intent["domain"] == ["banking"])


def _scope(texts: Iterable[tuple[str, str]]) -> Any:
    return np.array([model().weigh(text, language).in_scope for text, language in texts])


def _trained_scope(folds: Path) -> list[dict[str, Any]]:
    """The same kind of head trained on folds of both languages: hotel against bank and our own refusals."""
    read: dict[str, Scope] = {}
    for language in nlupp.LANGUAGES:
        try:
            read[language] = _scope_of(folds, language)
        except nlupp.NoFolds as absent:
            print(f"not run for {language}: {absent}")
    rows = []
    for language, own in read.items():
        others = [other for name, other in read.items() if name != language]
        let_in = float(np.mean([_scope_run(own, others, held) for held in own.held_out]))
        rows.append({"model": "trained", "ours": f"{language} folds", "others": "bank folds", "let_in": let_in})
        row("trained", f"{language} folds", "bank folds", percent(let_in))
    return rows


@dataclass(frozen=True)
class Scope:
    """Sentences of a hotel's guests and of others, made ready; `ours` tells which."""

    ready: nlupp.Prepared
    ours: NDArray[np.bool_]
    held_out: list[set[int]]

    def held(self, folds: set[int]) -> NDArray[np.bool_]:
        return np.isin(self.ready.fold, list(folds))


def _scope_of(folds: Path, language: str) -> Scope:
    hotel = [one for one in nlupp.read(folds, language, "hotels") if one.intents or one.has_slots]
    bank = nlupp.read(folds, language, "banking")
    refused = [
        nlupp.Annotated(-1, language, one.text, frozenset(), has_slots=False)
        for one in sentences()
        if one.language == language and one.intents == (OUT_OF_SCOPE,)
    ]
    everything = [*hotel, *bank, *refused]
    shared = sorted({one.fold for one in hotel} & {one.fold for one in bank})
    held_out = [set(shared) - learnt for learnt in nlupp.regimes(shared)["large"]]
    return Scope(nlupp.prepare(everything, ["none"]), np.arange(len(everything)) < len(hotel), held_out)


def _scope_run(own: Scope, others: Sequence[Scope], held: set[int]) -> float:
    learnt = [(part, np.flatnonzero(~part.held(held))) for part in (own, *others)]
    texts = nlupp.joined([part.ready.texts.only(places) for part, places in learnt])
    vocabulary = vocabulary_of(texts, nlupp.FEWEST)
    rows = nlupp.rows_of(texts, vocabulary, np.concatenate([part.ready.shipped[places] for part, places in learnt]))
    truth = np.concatenate([part.ours[places] for part, places in learnt])
    weights, bias = fit_weights(rows, truth[:, None], nlupp.STRICTNESS)
    judged = np.flatnonzero(own.held(held))
    unseen = nlupp.rows_of(own.ready.texts.only(judged), vocabulary, own.ready.shipped[judged])
    scores = (unseen @ weights + bias)[:, 0]
    ours = own.ours[judged]
    line = np.quantile(scores[ours], 1 - KEPT)
    return float((scores[~ours] >= line).mean())


def _told(kind: str, ours: str, others: str, scores: Any, line: float) -> dict[str, Any]:
    let_in = float((scores >= line).mean())
    row(kind, ours, f"{others} ({len(scores)})", percent(let_in))
    return {"model": kind, "ours": ours, "others": others, "count": len(scores), "let_in": let_in}


# --- e: noise ---


def spoilt() -> list[dict[str, Any]]:
    table("e. first intent of clean held-out messages, spoilt", "lang noise right% model_by_words_alone%")
    by_words = load(with_meaning=False)
    rows = []
    for language in LANGUAGES:
        part = [one for one in held_out() if one.language == language and one.style == "clean"]
        for name, spoil in {"none": lambda text, _: text, **noise.KINDS}.items():
            told = [(one.intents[0], spoil(one.text, language)) for one in part]
            full = share(understand(text, TODAY, Hints(country="ES")).intent == wanted for wanted, text in told)
            words = share(by_words.weigh(text, language).wishes[0].intent == wanted for wanted, text in told)
            rows.append({"language": language, "noise": name, "right": full, "words_alone": words})
            row(language, name, percent(full), percent(words))
    return rows


# --- f: time and memory ---

_TIMED = """
import json, os, sys, time
os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
from datetime import date
from hotel_agent.nlu import Hints, understand
texts = json.load(sys.stdin)
for text in texts[:40]:
    understand(text, date(2026, 11, 25), Hints(country="ES"))
took = []
for text in texts[40:]:
    start = time.perf_counter()
    understand(text, date(2026, 11, 25), Hints(country="ES"))
    took.append(1000 * (time.perf_counter() - start))
print(json.dumps(took))
"""
_WEIGHED = """
import json, sys
from datetime import date
from hotel_agent import create_app
from workers import worker
app = create_app(ping=False)
worker.warm_up(app)
from hotel_agent.nlu import Hints, understand
from hotel_agent.nlu.meaning import best_match
from tests.nlu.bench_knowledge import entries
for text in json.load(sys.stdin):
    understand(text, date(2026, 11, 25), Hints(country="ES"))
    best_match(text, entries("es"))
status = dict(line.split(":", 1) for line in open("/proc/self/status") if ":" in line)
print(json.dumps(int(status["VmRSS"].split()[0]) / 1024))
"""


def cost() -> list[dict[str, Any]]:
    texts = [one.text for one in held_out()]
    took = np.array(_in_a_process(_TIMED, texts))
    p50, p95, p99 = (float(np.quantile(took, at)) for at in (0.5, 0.95, 0.99))
    memory = float(_in_a_process(_WEIGHED, texts))
    table("f. a message on one core; a worker process after 780 messages", "p50_ms p95_ms p99_ms worker_MB")
    row(f"{p50:.1f}", f"{p95:.1f}", f"{p99:.1f}", f"{memory:.0f}")
    return [{"p50_ms": p50, "p95_ms": p95, "p99_ms": p99, "worker_mb": memory}]


def _in_a_process(program: str, texts: Sequence[str]) -> Any:
    environment = {
        **os.environ,
        "APP_ENV": "test",
        "SECRET_KEY": "for measuring only, nothing is signed",
        "DATABASE_URL": os.environ.get("DATABASE_URL", "postgresql://127.0.0.1:1/none"),
        "REDIS_URL": os.environ.get("REDIS_URL", "redis://127.0.0.1:1/0"),
    }
    done = subprocess.run(
        [sys.executable, "-c", program],
        input=json.dumps(texts),
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
        env=environment,
    )
    if done.returncode:
        sys.exit(f"error: the measured process failed\n{done.stderr}")
    return json.loads(done.stdout.splitlines()[-1])


# --- g: the knowledge base ---


def knowledge() -> list[dict[str, Any]]:
    table("g. questions to the knowledge base", "mode lang questions answerable right wrong asked_although_known")
    rows = bench_knowledge.rows()
    for one in rows:
        row(one.mode, one.language, one.questions, one.answerable, one.right, one.wrong, one.asked)
    return [asdict(one) for one in rows]


# --- the table ---


def share(outcomes: Iterable[bool]) -> float:
    told = list(outcomes)
    return sum(told) / max(1, len(told))


def percent(part: float) -> str:
    return f"{100 * part:.1f}"


def table(title: str, columns: str) -> None:
    print(f"\n{title}")
    row(*columns.split())


def row(*cells: object) -> None:
    print("  ".join(f"{str(cell).replace('_', ' ')!s:<12}" for cell in cells).rstrip(), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="make bench-nlu", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("parts", nargs="*", help="a to g; all by default")
    parser.add_argument("--folds", type=Path, help="a folder laid out as nlupp: <language>/<domain>/fold<N>.json")
    given = parser.parse_args()
    folds = (given.folds or SHARED / "nlupp").resolve()
    only_folds = given.folds is not None
    parts: dict[str, Callable[[], list[dict[str, Any]]]] = {
        "a": lambda: published(folds),
        "b": intents,
        "c": lambda: entities(folds, only_folds=only_folds),
        "d": lambda: out_of_scope(folds, only_folds=only_folds),
        "e": spoilt,
        "f": cost,
        "g": knowledge,
    }
    wanted = given.parts or (["a", "c", "d"] if only_folds else list(parts))
    unknown = set(wanted) - parts.keys()
    if unknown:
        sys.exit(f"error: no part {', '.join(sorted(unknown))}; there are {' '.join(parts)}")
    if not folds.is_dir():
        sys.exit(f"error: there is no folder {folds}; name one with FOLDS=folder")
    print(f"encoder: {encoder.name()}; second reader of dates: {second_reader.name()}; model {model().data[:12]}")
    try:
        measured = {part: parts[part]() for part in wanted}
    except nlupp.NoFolds as absent:
        sys.exit(f"error: {absent}")
    print(f"\nfigures in {keep(measured, folds, only_folds=only_folds).relative_to(ROOT)}")


def keep(measured: Mapping[str, Any], folds: Path, *, only_folds: bool) -> Path:
    """Write the parts beside those measured before; other folds have a file of their own."""
    place = ROOT / "var" / "bench" / ("nlu_folds.json" if only_folds else "nlu.json")
    place.parent.mkdir(parents=True, exist_ok=True)
    before = json.loads(place.read_text(encoding="utf-8")) if place.exists() else {}
    with_what = {**engine(), "folds": str(folds), "on": datetime.now(UTC).isoformat(timespec="seconds")}
    told = {part: {"with": with_what, "rows": rows} for part, rows in measured.items()}
    place.write_text(json.dumps({**before, **told}, indent=1), encoding="utf-8")
    return place


if __name__ == "__main__":
    main()
