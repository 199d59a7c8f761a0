"""gunicorn's settings, from the environment: `gunicorn -c ops/gunicorn.conf.py wsgi:app`.

Nothing of ours, and nothing that opens sockets, is imported at the top: the gevent worker patches the
standard library after the fork, and what was imported before (psycopg above all) would block every request.
"""

import os

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


def post_worker_init(worker):
    """Writers, pools and tracers begin here, in the process that will use them, after gevent's patching."""
    from hotel_agent.web import start_process

    start_process(worker.app.wsgi(), lambda: worker.alive)


def child_exit(_server, worker):
    """The figures of a dead process that mean "now" are dropped; its counters stay in the sum."""
    if os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        from prometheus_client import multiprocess

        multiprocess.mark_process_dead(worker.pid)
