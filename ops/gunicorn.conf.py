"""gunicorn's settings, from the environment: `gunicorn -c ops/gunicorn.conf.py wsgi:app`.

Nothing of ours, and nothing that opens sockets, is imported at the top: the gevent worker patches the
standard library after the fork, and what was imported before (psycopg above all) would block every request.
"""

import json
import logging
import os
import sys
import time
from datetime import UTC, datetime

from gunicorn.glogging import Logger

# Behind a proxy in a container BIND says 0.0.0.0:8000; elsewhere nobody outside this machine is served.
bind = os.environ.get("BIND") or f"127.0.0.1:{os.environ.get('PORT') or 8000}"
workers = int(os.environ.get("WEB_WORKERS") or 2)
worker_class = "gevent"
worker_connections = 1000
keepalive = 75
timeout = 60
graceful_timeout = int(os.environ.get("GRACEFUL_SECONDS") or 30)
http_parser = "auto"  # gunicorn_h1c where it is installed
control_socket_disable = True
# A worker's heartbeat is a file; on a slow disk writing it would stop the worker.
worker_tmp_dir = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None  # noqa: S108

accesslog = None  # addresses and paths of guests and staff; what is worth counting is in /metrics
errorlog = "-"
loglevel = (os.environ.get("LOG_LEVEL") or "info").lower()


class Lines(logging.Formatter):
    """One object of JSON a line, as the program's own. What went wrong is told without addresses and headers, which
    hold what people searched for and tokens, and without what exceptions say."""

    def format(self, record):
        return json.dumps(self._said(record))

    def _said(self, record):
        said = {
            "event": record.getMessage() if record.levelno == logging.INFO else self._without_words(record),
            "level": record.levelname.lower(),
            "timestamp": datetime.fromtimestamp(record.created, UTC).isoformat(),
            "source": record.name,
            "pid": record.process,
        }
        if record.exc_info and record.exc_info[0]:
            said["error"] = record.exc_info[0].__name__
            tracebacks = sys.modules.get("hotel_agent.tracebacks")
            if tracebacks:
                said["exception"] = tracebacks.of(record.exc_info[1])
        return said

    @staticmethod
    def _without_words(record):
        if not isinstance(record.msg, str):
            return type(record.msg).__name__
        if record.msg.startswith("Invalid request"):  # It goes on with what was sent.
            return "Invalid request"
        given = record.args if isinstance(record.args, tuple) else ()
        numbers = tuple(one if isinstance(one, int | float) else "…" for one in given)
        try:
            return record.msg % numbers if numbers else record.msg
        except (TypeError, ValueError):
            return record.msg


class ForPeople(Lines):
    """The same as a line to read, with LOG_FORMAT=console."""

    def format(self, record):
        said = self._said(record)
        words = "{timestamp} [{level}] {event} source={source} pid={pid}".format(**said)
        words += f" error={said['error']}" if "error" in said else ""
        return "\n".join(filter(None, (words, said.get("exception"))))


class logger_class(Logger):
    def setup(self, cfg):
        super().setup(cfg)
        lines = Lines() if (os.environ.get("LOG_FORMAT") or "json") == "json" else ForPeople()
        for handler in self.error_log.handlers:
            handler.setFormatter(lines)


# A worker that has not loaded the program after so many seconds is not waited for.
LOADING_SECONDS = 60


def on_starting(server):
    """A reload (HUP) begins new workers and ends the old ones in the same moment. Here these answer until those do."""
    end_the_oldest = server.manage_workers

    def manage_workers():
        end = time.monotonic() + LOADING_SECONDS
        while len(server.WORKERS) > server.num_workers and time.monotonic() < end:
            newest = sorted(server.WORKERS.values(), key=lambda worker: worker.age)[-server.num_workers :]
            if all(map(_serves, newest)):
                break
            time.sleep(0.1)
            server.reap_workers()
        end_the_oldest()

    server.manage_workers = manage_workers


def _serves(worker):
    """Its heartbeat has begun: before that, the file tells the time of day when it was made."""
    return worker.tmp.last_update() <= time.monotonic()


def post_worker_init(worker):
    """Writers, pools and tracers begin here, in the process that will use them, after gevent's patching."""
    from hotel_agent.web import start_process

    start_process(worker.app.wsgi(), lambda: worker.alive)


def child_exit(_server, worker):
    """The figures of a dead process that mean "now" are dropped; its counters stay in the sum."""
    if os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        from prometheus_client import multiprocess

        multiprocess.mark_process_dead(worker.pid)
