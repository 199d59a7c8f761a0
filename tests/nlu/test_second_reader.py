"""Duckling beside the own grammar: what it adds, what it may not spoil, and that its runtime leaves a worker alone."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from datetime import date
from pathlib import Path
from time import perf_counter
from unittest.mock import patch

import pytest

from hotel_agent.nlu import Hints, second_reader, understand
from hotel_agent.nlu.second_reader import Reading

WEDNESDAY = date(2026, 11, 25)
ROOT = Path(__file__).parents[2]
installed = pytest.mark.skipif(second_reader.name() == "none", reason="pyduckling-native-phihos is not installed")


def stay(text: str, language: str, country: str | None = None) -> tuple[str | None, str | None]:
    said = understand(text, WEDNESDAY, Hints(language=language, country=country)).entities
    return said.get("check_in"), said.get("check_out")


def duckling_reads(*readings: Reading):
    return patch.object(second_reader, "readings", lambda *_: readings)


@installed
@pytest.mark.parametrize(
    ("line", "language", "first", "last"),
    [
        ("del 5 al 9 de mayo", "es", "2027-05-05", "2027-05-09"),
        ("from 5th to 9th of May", "en", "2027-05-05", "2027-05-09"),
        ("depois de amanha", "pt", "2026-11-27", None),
        ("this weekend", "en", "2026-11-27", "2026-11-29"),
    ],
)
def test_the_last_day_of_an_interval_belongs_to_it(line: str, language: str, first: str, last: str | None) -> None:
    (reading,) = second_reader.readings(line, WEDNESDAY, language)
    assert (reading.first.isoformat(), reading.last and reading.last.isoformat()) == (first, last)


@installed
def test_an_hour_is_no_day() -> None:
    assert second_reader.readings("a las 3 de la tarde", WEDNESDAY, "es") == ()


@installed
@pytest.mark.parametrize(
    ("text", "language", "country", "check_in"),
    [
        ("a room two sundays from now", "en", None, "2026-12-06"),
        ("quarto no vigesimo segundo de junho", "pt", None, "2027-06-22"),
        ("a room for memorial day", "en", "US", "2027-05-31"),
    ],
)
def test_duckling_reads_what_the_grammar_does_not_know(
    text: str, language: str, country: str | None, check_in: str
) -> None:
    assert stay(text, language, country)[0] == check_in


@installed
@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("una habitación con vista al mar", "es"),
        ("é a segunda vez que venho", "pt"),
        ("mid january", "en"),
        ("is there sun on the terrace", "en"),
        ("mesa para 4 el viernes", "es"),
        ("se queda 7 noches", "es"),
    ],
)
def test_what_the_guards_refuse_duckling_cannot_bring_back(text: str, language: str) -> None:
    assert stay(text, language) == (None, None)


@installed
def test_who_reads_more_of_the_words_is_right() -> None:
    said = "from 2 to 7 Feb, two thousand and twenty eight"
    assert understand(said, date(2026, 11, 25)).entities["check_in"] == "2028-02-02"


def test_what_both_read_alike_is_taken() -> None:
    with duckling_reads(Reading(0, 9, date(2026, 12, 12))):
        assert stay("el 12/12", "es") == ("2026-12-12", None)


def test_one_day_that_they_read_differently_is_asked_about() -> None:
    with duckling_reads(Reading(0, 8, date(2027, 3, 12))):
        said = understand("el 12/12", WEDNESDAY, Hints(language="es"))
    assert said.ambiguous == ("check_in",)
    assert "check_in" not in said.entities


@pytest.mark.parametrize(
    ("text", "language", "reading"),
    [
        # A range without a month that Duckling looks back for; one of two days; today's weekday; "next".
        ("del 28 al 3 de enero", "es", Reading(4, 22, date(2026, 10, 28), date(2027, 1, 3))),
        ("llego el 5 y me voy el 8", "es", Reading(21, 25, date(2026, 12, 9))),
        ("el miércoles", "es", Reading(0, 12, date(2026, 12, 2))),
        ("terça da semana que vem", "pt", Reading(0, 23, date(2026, 12, 8))),
    ],
)
def test_where_the_grammar_is_known_to_be_better_nothing_is_asked(text: str, language: str, reading: Reading) -> None:
    alone = understand(text, WEDNESDAY, Hints(language=language)).entities
    with duckling_reads(reading):
        said = understand(text, WEDNESDAY, Hints(language=language))
    assert said.entities == alone
    assert said.ambiguous == ()


@pytest.mark.parametrize("reading", [Reading(5, 25, date(2025, 6, 1)), Reading(5, 25, date(2031, 6, 1))])
def test_nobody_books_in_the_past_or_years_ahead(reading: Reading) -> None:
    with duckling_reads(reading):
        assert stay("en la semana del santo patron", "es") == (None, None)


def test_everything_works_without_the_package() -> None:
    in_a_process(
        """
        import sys
        sys.modules["duckling"] = None
        from datetime import date
        from hotel_agent.nlu import second_reader
        from hotel_agent.nlu.arbiter import find_stay
        assert second_reader.name() == "none"
        assert find_stay("del 5 al 9 de mayo", date(2026, 11, 25), "es").check_in == date(2027, 5, 5)
        """
    )


@installed
@pytest.mark.parametrize(
    "line",
    [
        "manana " * 9,
        "5 5/6 next 2026 month 10 the 12th today january",
        "12/12-" * 40,
        "fin de semana " * 12,
        "after before night " * 8,
    ],
)
def test_a_line_that_would_keep_duckling_busy_is_not_given_to_it(line: str) -> None:
    started = perf_counter()
    assert second_reader.readings(line, WEDNESDAY, "en") == second_reader.readings(line, WEDNESDAY, "es") == ()
    assert perf_counter() - started < 0.5


@installed
def test_no_text_breaks_the_reader() -> None:
    assert second_reader.readings("el 5 de mayo \x00 \U0001f600", WEDNESDAY, "es")[0].first == date(2027, 5, 5)
    second_reader.readings("in 90000 years", WEDNESDAY, "en")
    second_reader.readings("hace 3000 años 5 de mayo del 0", WEDNESDAY, "es")


@installed
def test_the_haskell_runtime_takes_no_signal_from_a_worker() -> None:
    """RQ stops a worker by SIGTERM and SIGINT and a job by SIGALRM; psycopg and redis want SIGPIPE ignored."""
    in_a_process(
        """
        import os, signal, threading, time
        from datetime import date

        got = []
        signal.signal(signal.SIGALRM, lambda *_: got.append("alarm"))
        signal.signal(signal.SIGTERM, lambda *_: got.append("term"))
        before = {number: signal.getsignal(number) for number in signal.valid_signals()}

        from hotel_agent.nlu import second_reader
        # A worker may load the reader outside its main thread.
        loading = threading.Thread(target=lambda: second_reader.readings("el 5 de mayo", date(2026, 11, 25), "es"))
        loading.start()
        loading.join()
        assert second_reader.name() == "duckling"
        assert {number: signal.getsignal(number) for number in signal.valid_signals()} == before

        caught = next(line for line in open("/proc/self/status") if line.startswith("SigCgt"))
        ours = {signal.SIGINT, signal.SIGALRM, signal.SIGTERM}
        taken = {n for n in range(1, 32) if int(caught.split()[1], 16) >> (n - 1) & 1} - {int(n) for n in ours}
        assert not taken, taken

        signal.setitimer(signal.ITIMER_REAL, 0.05)
        time.sleep(0.2)
        os.kill(os.getpid(), signal.SIGTERM)
        assert got == ["alarm", "term"]
        try:
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(1)
            raise SystemExit("SIGINT did not arrive")
        except KeyboardInterrupt:
            pass
        """
    )


@installed
def test_threads_share_the_reader_and_a_forked_worker_keeps_it() -> None:
    in_a_process(
        """
        import os
        from concurrent.futures import ThreadPoolExecutor
        from datetime import date, timedelta
        from hotel_agent.nlu import second_reader

        def first(days):
            today = date(2026, 1, 1) + timedelta(days=days)
            return second_reader.readings("tomorrow", today, "en")[0].first == today + timedelta(days=1)

        with ThreadPoolExecutor(4) as pool:
            assert all(pool.map(first, range(400)))
        child = os.fork()
        if child == 0:
            os._exit(0 if first(500) else 1)
        assert os.waitpid(child, 0)[1] == 0
        """
    )


@installed
def test_the_reader_costs_a_worker_less_than_sixty_megabytes() -> None:
    in_a_process(
        """
        from datetime import date, timedelta
        from hotel_agent.nlu import second_reader

        def megabytes():
            return int(next(line for line in open("/proc/self/status") if line.startswith("VmRSS")).split()[1]) / 1024

        before = megabytes()
        for day in range(400):
            today = date(2026, 1, 1) + timedelta(days=day)
            for language in ("es", "en", "pt"):
                second_reader.readings(f"{day % 28 + 1}/3 2027 al {day % 20 + 1} de abril next friday", today, language)
        assert megabytes() - before < 60, megabytes() - before
        """
    )


def in_a_process(program: str) -> None:
    """Runs a program of its own: what a runtime does to a process must not be done to the tests' process."""
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)], cwd=ROOT, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
