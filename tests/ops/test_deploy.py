"""Versions of the program on a machine with Debian's nginx and Prometheus, while guests write: bad ones go back by
themselves without a failed request, a good one stays."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.load.installation import wait_until
from tests.ops.machine import Guests, Machine, a_machine

pytestmark = [pytest.mark.system, pytest.mark.timeout(600), pytest.mark.xdist_group("deploy")]

# What Meta sends brings these on; a check before the first guest's request does not.
HITS = """
inner = app.wsgi_app
def hit(environ, start):
    size = int(environ.get("CONTENT_LENGTH") or 0)
    if environ["REQUEST_METHOD"] == "POST" and size > 200:
        {what}
    return inner(environ, start)
app.wsgi_app = hit
"""
FAILS = HITS.format(
    what="""environ["wsgi.input"].read(size)
        start("500 Internal Server Error", [("Content-Length", "0")])
        return []"""
)
SLOW = HITS.format(what="import time; time.sleep(1)")
LIES = """
inner = app.wsgi_app
def lie(environ, start):
    if environ["REQUEST_METHOD"] == "POST":
        environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        start("200 OK", [("Content-Length", "0")])
        return []
    return inner(environ, start)
app.wsgi_app = lie
"""
# Once nginx has brought it a request, as a version may that cannot bear them.
DIES = """
import os, signal
inner = app.wsgi_app
def die(environ, start):
    if environ["REQUEST_METHOD"] == "POST" and environ.get("HTTP_X_FORWARDED_FOR"):
        os.kill(os.getppid(), signal.SIGKILL)
        os._exit(1)
    return inner(environ, start)
app.wsgi_app = die
"""
# The strangers' body and the first that is signed are well; then it says of each that it was kept.
LIES_LATER = """
inner, posts = app.wsgi_app, []
def lie(environ, start):
    if environ["REQUEST_METHOD"] == "POST":
        posts.append(1)
        if len(posts) > 2:
            environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
            start("200 OK", [("Content-Length", "0")])
            return []
    return inner(environ, start)
app.wsgi_app = lie
"""
DOES_NOT_START = "\nraise RuntimeError('of the new version')\n"
MIGRATION = """
from alembic import op
revision, down_revision, branch_labels, depends_on = "9999", "{head}", None, None
def upgrade():
    op.execute("CREATE TABLE half_done (id int); ALTER TABLE there_is_no_such_table ADD COLUMN x int")
def downgrade():
    pass
"""
BAD = {"fails": FAILS, "is-slow": SLOW, "lies": LIES, "does-not-start": DOES_NOT_START}
WHY = {
    "fails": "% fail,",
    "is-slow": "p95 is",
    "lies": "it is not well",
    "does-not-start": "of the new version",
}


# By a message that has left.
ANSWERED = """
    select asked.wamid from messages asked
    join messages said on said.answers_to = asked.id and said.status in ('sent', 'delivered', 'read')
    where asked.direction = 'in' group by asked.wamid
"""


@pytest.fixture(scope="module")
def machine(tmp_path_factory) -> Iterator[Machine]:
    """With a first version in use."""
    with a_machine(Path(tmp_path_factory.mktemp("machine"))) as machine:
        machine.flask("db", "upgrade")
        machine.flask("demo", "load")
        machine.build("first")
        begun = machine.deploy("blue-green", "first")
        assert begun.returncode == 0, begun.stdout + begun.stderr
        yield machine


@pytest.fixture
def guests(machine) -> Iterator[Guests]:
    """Whatever is deployed, no guest notices, and what was answered with 200 is taken in."""
    guests = Guests(machine.port)
    with guests.writing():
        yield guests
    assert guests.troubles == []
    assert len(guests.kept) > 20
    assert guests.pages > 2
    wait_until(lambda: not machine.rows("select from inbound_events where processed_at is null limit 1"), 60, "intake")
    known = {wamid for (wamid,) in machine.rows("select wamid from early_statuses")}
    assert set(guests.kept) <= known
    wait_until(lambda: not unanswered(machine, guests), 60, "an answer to each")


def unanswered(machine: Machine, guests: Guests) -> set[str]:
    return set(guests.asked) - {wamid for (wamid,) in machine.rows(ANSWERED)}


def as_before(machine: Machine, before: dict[str, Any]) -> bool:
    """Whether that version is in use alone, with all its processes, and the other slot is empty."""
    told = machine.deploy("status").stdout
    used = f"{before['active']['slot']:<6} {machine.active:<24} in use  100 % of requests   web, scheduler, workers"
    return machine.state() == before and used in told and told.count("nothing runs") == 1


@pytest.mark.parametrize("name", BAD)
def test_a_bad_version_goes_back_by_itself_and_no_guest_notices(machine, guests, name):
    before = machine.state()
    machine.build(name, BAD[name])
    done = machine.deploy("canary", name)
    assert done.returncode == 1, done.stdout + done.stderr
    assert re.search(WHY[name], done.stderr), done.stdout + done.stderr
    assert as_before(machine, before)


def test_a_version_that_dies_in_use_goes_back_and_no_guest_notices(machine, guests):
    before = machine.state()
    machine.build("dies", DIES)
    done = machine.deploy("blue-green", "dies")
    assert done.returncode == 1, done.stdout + done.stderr
    assert re.search("web has ended|in use, requests|not well in use", done.stderr), done.stdout + done.stderr
    assert as_before(machine, before)


def test_a_version_that_begins_to_lose_what_it_says_it_keeps_goes_back(machine):
    before = machine.state()
    machine.build("lies-later", LIES_LATER)
    done = machine.deploy("canary", "lies-later")
    assert done.returncode == 1, done.stdout + done.stderr
    assert "does not keep them" in done.stderr
    assert as_before(machine, before)


def test_a_version_without_a_scheduler_goes_back(machine, guests):
    before = machine.state()
    folder = machine.build("schedules-nothing")
    machine.add(folder / "workers" / "schedule.py", "\n\nraise ImportError('of the scheduler')\n")
    done = machine.deploy("blue-green", folder.name)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "scheduler has ended" in done.stderr
    assert as_before(machine, before)


def test_a_version_whose_migration_fails_changes_nothing(machine, guests):
    head = machine.rows("select version_num from alembic_version")[0][0]
    machine.build("does-not-migrate", migration=MIGRATION.format(head=head))
    done = machine.deploy("canary", "does-not-migrate")
    assert done.returncode == 1
    assert "the migrations fail" in done.stderr
    assert machine.active == "first"
    assert machine.rows("select version_num from alembic_version") == [(head,)]
    assert machine.rows("select to_regclass('half_done')") == [(None,)]


def test_a_version_whose_workers_fail_goes_back(machine, guests):
    before = machine.state()
    folder = machine.build("does-no-work")
    machine.add(folder / "workers" / "messages.py", "\n\ndef answer(conversation_id):\n    raise RuntimeError\n")
    done = machine.deploy("blue-green", folder.name)
    assert done.returncode == 1, done.stdout + done.stderr
    assert re.search("in use, jobs: .*fail", done.stderr), done.stdout + done.stderr
    assert as_before(machine, before)


def test_a_deployment_that_is_killed_in_the_middle_is_put_in_order_by_one_command(machine, guests):
    before = machine.state()
    other = {"blue": "green", "green": "blue"}[before["active"]["slot"]]
    machine.build("cut-off")
    deploying = machine.begin_to_deploy("canary", "cut-off")
    wait_until(lambda: machine.shares(other) == 20, 60, "the canary")
    deploying.kill()
    deploying.wait()
    assert machine.shares(other) == 20
    assert machine.deploy("up").returncode == 0
    assert as_before(machine, before)


def test_a_good_version_stays_and_the_one_before_comes_back_when_it_is_told_to(machine, guests):
    machine.build("second")
    done = machine.deploy("canary", "second")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "as good as the version before" in done.stdout
    assert machine.active == "second"
    checked = machine.deploy("check")
    assert checked.returncode == 0, checked.stdout
    back = machine.deploy("rollback")
    assert back.returncode == 0, back.stdout + back.stderr
    assert machine.active == "first"
