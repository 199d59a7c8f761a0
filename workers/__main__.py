"""`python -m workers`: the workers under their supervisor; `python -m workers scheduler`: the one scheduler."""

from __future__ import annotations

import argparse
import signal
import sys
from threading import Event

from hotel_agent import logs
from hotel_agent.config import settings
from hotel_agent.errors import ConfigurationError


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m workers", description=__doc__)
    parser.add_argument(
        "role",
        nargs="?",
        default="supervisor",
        choices=["supervisor", "scheduler", "one"],
        help="supervisor (the default): WORKERS processes; scheduler: recurring work; one: a single worker process",
    )
    parser.add_argument("--quick", action="store_true", help="with one: leave to others what may take long")
    given = parser.parse_args()
    role = given.role
    if given.quick and role != "one":
        parser.error("--quick is for one worker: a supervisor of several has one of them be quick by itself")
    try:
        config = settings()
    except ConfigurationError as error:
        print(error, file=sys.stderr)
        return 2
    logs.configure(config)
    logs.tell_of_ends()
    if role == "one":
        from workers.worker import work

        work(is_quick=given.quick)
        return 0
    from workers.probes import Probes, Turns, a_worker_reports

    stop, turns = _stop_on_signals(), Turns()
    if config.metrics_port:
        is_ready = a_worker_reports if role == "supervisor" else lambda: turns.has_begun
        try:
            Probes(config.metrics_port, turns, is_ready, config.metrics_token).start()
        except OSError as error:
            print(f"METRICS_PORT: nothing can listen at {config.metrics_port}: {error.strerror}", file=sys.stderr)
            return 2
    if role == "supervisor":
        from workers.supervisor import supervise

        supervise(config.workers, stop, turns)
    else:
        from workers.schedule import run

        run(stop, turns)
    return 0


def _stop_on_signals() -> Event:
    stop = Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    return stop


if __name__ == "__main__":
    sys.exit(main())
