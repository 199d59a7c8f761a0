"""What a deployment decides, reads and writes, without a deployment."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import threading
from contextlib import ExitStack, nullcontext
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from pathlib import Path
from typing import ClassVar

import pytest

from hotel_agent.channels.whatsapp.cards import mask_cards_in_body
from ops.deploy import __main__ as command
from ops.deploy import checking, processes, releases
from ops.deploy import slots as slots_module
from ops.deploy.checking import Checks
from ops.deploy.edge import Edge, Look
from ops.deploy.errors import CannotDeploy
from ops.deploy.figures import Prometheus
from ops.deploy.judging import Figures, Judgement, Verdict, judge, worst
from ops.deploy.processes import Daemon, wait_until
from ops.deploy.rolling import NotGoodEnough, Rollout
from ops.deploy.slots import Placed, Release, Slots, State
from ops.deploy.target import Canary, Target, read
from tests.load.installation import ROOT

RULE = Canary()
OLD = Figures(requests=9000, errors=0, refused=90, p95=0.1)
SMALL = 'folder = "there"\nenvironment = "env"\naddress = "http://127.0.0.1:1"\n'


@pytest.mark.parametrize(
    ("new", "verdict"),
    [
        (Figures(1000, 0, 10, 0.1), Verdict.GOOD),
        (Figures(1000, 0, 10, 0.19), Verdict.GOOD),
        (Figures(1000, 0, 10, 0.21), Verdict.BAD),
        (Figures(1000, 5, 10, 0.1), Verdict.GOOD),
        (Figures(1000, 6, 10, 0.1), Verdict.BAD),
        (Figures(1000, 0, 80, 0.1), Verdict.BAD),
        (Figures(199, 0, 0, 0.1), Verdict.UNDECIDED),
        (Figures(8, 4, 0, 0.1), Verdict.UNDECIDED),
        (Figures(8, 5, 0, 0.1), Verdict.BAD),
        (Figures(), Verdict.UNDECIDED),
        (Figures(1000, 0, 10, None), Verdict.UNDECIDED),
        (Figures(1000, 0, 10, float("inf")), Verdict.BAD),
    ],
)
def test_a_version_is_judged_by_the_one_before(new, verdict):
    assert judge(OLD, new, RULE).verdict is verdict


def test_what_is_wrong_with_both_is_no_fault_of_the_new_one():
    limping = Figures(requests=9000, errors=900, refused=90, p95=2.0)
    assert judge(limping, Figures(1000, 103, 10, 2.1), RULE).verdict is Verdict.GOOD


def test_it_has_to_be_as_good_as_the_one_before_as_it_is_now():
    assert judge(Figures(requests=10), Figures(1000, 0, 0, 0.1), RULE).verdict is Verdict.UNDECIDED


def test_one_witness_against_it_is_enough():
    told = [Judgement(Verdict.GOOD, ""), Judgement(Verdict.BAD, "slow"), Judgement(Verdict.UNDECIDED, "")]
    assert worst(*told).why == "slow"
    assert worst(*told[::2]).verdict is Verdict.UNDECIDED


def written(folder: Path, more: str = "") -> Path:
    path = folder / "deploy.toml"
    path.write_text(SMALL + more)
    return path


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ("[ports]\nblue = 1\ngreen = 1", "ports"),
        ("[ports]\nblue = 1\ngreen = 99999", "ports"),
        ("[canary]\nshare = 100", "share"),
        ("[canary]\nseconds = 10\nlongest_seconds = 5", "longest_seconds"),
        ("[canary]\nshare = 'ten'", "share in [canary] is no int"),
        ("[canary]\nseconds = -1", "seconds in [canary]"),
        ("[canary]\nsecs = 1", "nobody knows secs"),
        ("canary = 'yes'", "canary is a table"),
        ("prometheus = 'http://127.0.0.1:9090'", "prometheus is a table"),
        ("[prometheus]\naddress = 'http://127.0.0.1:9090'", "nobody knows address"),
        ("ports = 8001", "ports is a table"),
        ("python = 3.12", "python is the path"),
        ("[nginks]\nlisten = '80'", "nobody knows nginks"),
        ("[canary", "deploy.toml"),
    ],
)
def test_a_target_that_makes_no_sense_is_refused_by_name(tmp_path, more, words):
    with pytest.raises(CannotDeploy) as refused:
        read(written(tmp_path, more))
    assert words in str(refused.value)


def test_parts_of_seconds_are_seconds(tmp_path):
    target = read(written(tmp_path, "[canary]\nseconds_after = 2.5\n[seconds]\ndrain = 3"))
    assert (target.canary.seconds_after, target.seconds.drain) == (2.5, 3)


def test_the_example_is_one():
    target = read(ROOT / "ops/deploy/example.toml")
    assert target.canary == Canary()
    assert (target.canary.share, target.canary.seconds) == (10, 300)


@pytest.fixture
def target(tmp_path) -> Target:
    (tmp_path / "env").write_text("WHATSAPP_APP_SECRET=x\n")
    return read(written(tmp_path, "[ports]\nblue = 8001\ngreen = 8002\n"))


def test_nginx_is_told_shares_that_are_read_again(target):
    edge = Edge(target)
    edge.write()
    assert edge.shares() == {}
    upstream = target.folder / "nginx" / "upstream.conf"
    assert "server 127.0.0.1:9 down;" in upstream.read_text()
    upstream.write_text("    server 127.0.0.1:8001 weight=90 max_fails=0;\n    server 127.0.0.1:8002 weight=10;\n")
    assert edge.shares() == {"blue": 90, "green": 10}
    site = (target.folder / "nginx" / "site.conf").read_text()
    assert "@" not in site.replace("@ signs", "")


def test_one_that_is_asked_where_the_other_fails_has_no_share(target, monkeypatch):
    edge = Edge(target)
    edge.write()
    monkeypatch.setattr(Edge, "_reload", lambda _: None)
    edge.point_to({"green": 100, "blue": 0})
    assert edge.shares() == {"green": 100, "blue": 0}
    upstream = (target.folder / "nginx" / "upstream.conf").read_text()
    assert "server 127.0.0.1:8001 backup max_fails=0;" in upstream


def test_shares_that_nginx_has_not_read_are_told_again(target, monkeypatch):
    """A deployment may be killed between the file and nginx; whoever comes after must not believe the file."""
    edge, told = Edge(target), []
    edge.write()
    monkeypatch.setattr(Edge, "test", lambda _: None)
    monkeypatch.setattr(Edge, "_reload", interrupted)
    with pytest.raises(KeyboardInterrupt):
        edge.point_to({"blue": 100})
    assert edge.shares() == {"blue": 100}
    monkeypatch.setattr(Edge, "_reload", lambda edge: told.append(edge.shares()))
    for _ in range(2):
        Edge(target).point_to({"blue": 100})
    assert told == [{"blue": 100}]


def interrupted(*_: object) -> None:
    raise KeyboardInterrupt


def line(upstreams: str, statuses: str, times: str) -> str:
    return json.dumps({"status": statuses[-3:], "upstreams": upstreams, "statuses": statuses, "times": times}) + "\n"


def test_what_nginx_saw_is_counted_for_each_slot_also_where_it_asked_twice(tmp_path):
    log = tmp_path / "access.log"
    log.write_text(line("127.0.0.1:8001", "500", "9.0"))
    look = Look(log, {"127.0.0.1:8001": "blue", "127.0.0.1:8002": "green"})
    with log.open("a") as more:
        more.write(line("127.0.0.1:8002, 127.0.0.1:8001", "502, 200", "0.001, 0.020"))
        more.write(line("127.0.0.1:8001", "404", "0.010"))
        more.write(line("127.0.0.1:8001", "499", "5.0"))
        more.write(line("", "", ""))
        more.write("no line of ours\n")
        more.write('{"upstreams": "127.0.0.1:8002"')
    assert look.figures() == {"blue": Figures(2, 0, 1, 0.010), "green": Figures(1, 1, 0, 0.001)}
    with log.open("a") as more:
        more.write(', "statuses": "200", "times": "0.3"}\n')
    assert look.figures()["green"] == Figures(2, 1, 0, 0.001)
    log.write_text(line("127.0.0.1:8002", "200", "0.1"))
    assert look.figures()["green"].requests == 3


def test_a_program_is_known_by_its_start_and_ends_with_all_that_is_its(tmp_path):
    daemon = Daemon(tmp_path / "note.json", tmp_path / "log")
    assert daemon.pid is None
    patient = (
        "import subprocess, sys, time; subprocess.Popen(['sleep', '600']); print('up', flush=True); time.sleep(600)"
    )
    daemon.start([sys.executable, "-c", patient], tmp_path, {"PATH": "/usr/bin:/bin"})
    assert wait_until(lambda: daemon.tail() == "up", 20)
    pid = daemon.pid
    assert pid is not None
    child = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()[0]
    assert daemon.stop(5)
    assert daemon.pid is None
    assert wait_until(lambda: not Path(f"/proc/{child}").exists() or "Z" in Path(f"/proc/{child}/stat").read_text(), 5)
    (tmp_path / "note.json").write_text(json.dumps({"pid": 1, "started": "another time"}))
    assert daemon.pid is None


STUBBORN = "import signal, time; signal.signal(15, signal.SIG_IGN); print('up', flush=True); time.sleep(600)"


def test_one_that_was_told_to_end_does_not_count_as_there_though_it_still_ends(target, tmp_path, monkeypatch):
    """Ctrl-C while workers finish what they have in hand: they will be gone in a moment."""
    monkeypatch.setitem(slots_module.COMMANDS, "workers", ("-c", STUBBORN))
    slots, placed = Slots(target), Placed("blue", str(tmp_path))
    slots.start(placed, "workers")
    daemon = slots.daemon("blue", "workers")
    assert wait_until(lambda: daemon.tail() == "up", 20)
    assert "workers" not in slots.ended("blue")
    before = daemon.pid
    with monkeypatch.context() as cut_off:
        cut_off.setattr(processes, "wait_until", interrupted)
        with pytest.raises(KeyboardInterrupt):
            daemon.stop(5)
    assert daemon.pid == before
    assert "workers" in slots.ended("blue")
    monkeypatch.setattr(Slots, "stop", lambda slots, slot, role: slots.daemon(slot, role).stop(0.1))
    slots.start(placed, "workers")
    assert daemon.pid not in (None, before)
    assert "workers" not in slots.ended("blue")
    daemon.stop(0.1)


def test_the_last_words_are_those_of_the_program_itself(tmp_path):
    (tmp_path / "log").write_text("of an earlier version\n")
    daemon = Daemon(tmp_path / "note.json", tmp_path / "log")
    daemon.start([sys.executable, "-c", "raise SystemExit('of this one')"], tmp_path, {})
    assert wait_until(lambda: daemon.pid is None, 20)
    assert daemon.tail() == "of this one"


def test_a_program_that_does_not_end_is_ended(tmp_path):
    daemon = Daemon(tmp_path / "note.json", tmp_path / "log")
    daemon.start([sys.executable, "-c", STUBBORN], tmp_path, {})
    assert wait_until(lambda: daemon.tail() == "up", 20)
    assert not daemon.stop(0.2)
    assert daemon.pid is None


def test_one_deployment_at_a_time(target, monkeypatch):
    slots = Slots(target)
    monkeypatch.setattr(slots_module, "LOCK_SECONDS", 0)
    with slots.alone(), pytest.raises(CannotDeploy, match="another deployment"), Slots(target).alone():
        pass
    with slots.alone():
        pass


def test_a_deployment_waits_for_what_is_done_in_a_moment(target, monkeypatch):
    """Else each minute's `up` would now and then turn a deployment away."""
    busy = ExitStack()
    busy.enter_context(Slots(target).alone())
    monkeypatch.setattr("ops.deploy.processes.time.sleep", lambda _: busy.close())
    with Slots(target).alone():
        pass


def test_what_is_in_use_is_written_down_whole(target):
    slots = Slots(target)
    assert slots.state() == State()
    state = State(active=Placed("blue", "/releases/b"), previous=Placed("green", "/releases/a"))
    slots.save(state)
    assert Slots(target).state() == state


@pytest.mark.parametrize("told", ["{", "[]", '{"active": {"slot": "blue"}}', '{"active": "blue"}'])
def test_a_state_that_nobody_can_read_is_told_by_its_file(target, tmp_path, capsys, told):
    target.path("state.json").write_text(told)
    for words in (["status"], ["up"], ["rollback"]):
        assert command.main(["--target", str(tmp_path / "deploy.toml"), *words]) == 2
        assert "state.json is not as a deployment writes it" in capsys.readouterr().err


def test_a_version_whose_files_are_gone_is_told_and_does_not_stand_in_the_way(target, monkeypatch):
    gone = Placed("blue", str(target.folder / "releases" / "gone"))
    slots, said = Slots(target), list[str]()
    slots.save(State(active=gone))
    rollout = Rollout(slots, said.append)
    monkeypatch.setattr(Edge, "start", lambda _: False)
    monkeypatch.setattr(Edge, "point_to", lambda *_: None)
    assert not rollout.settle()
    assert "gone cannot be started" in said[0]


@pytest.mark.parametrize(("deaths", "is_well"), [(0, True), (1, True), (2, False)])
def test_workers_that_die_one_after_another_are_those_of_a_bad_version(target, monkeypatch, deaths, is_well):
    """Of what they were given to do no job says that it failed."""
    old, new = Placed("blue", "/releases/a"), Placed("green", "/releases/b")
    rollout, now, looks = Rollout(Slots(target), lambda _: None), [0.0], count()
    monkeypatch.setattr("ops.deploy.rolling.time.sleep", lambda seconds: now.append(now[-1] + seconds))
    monkeypatch.setattr("ops.deploy.rolling.time.monotonic", lambda: now[-1])
    monkeypatch.setattr(Prometheus, "answers", lambda _: True)
    monkeypatch.setattr(Prometheus, "figures", lambda *_: Figures())
    monkeypatch.setattr(Prometheus, "jobs", lambda *_: Figures())
    monkeypatch.setattr(Rollout, "_still_runs", lambda *_: None)
    monkeypatch.setattr(Rollout, "_still_keeps", lambda *_: None)
    monkeypatch.setattr(Slots, "workers", lambda *_: {1, 100 + min(next(looks) // 2, deaths)})
    with nullcontext() if is_well else pytest.raises(NotGoodEnough, match="its workers die"):
        rollout._watch_in_use(old, new)


def test_a_folder_that_cannot_be_written_is_told_in_a_line(target, tmp_path, capsys):
    target.folder.write_text("a file")
    assert command.main(["--target", str(tmp_path / "deploy.toml"), "up"]) == 2
    assert str(target.folder) in capsys.readouterr().err


def test_the_newest_releases_are_kept_and_those_in_use_by_whatever_name(tmp_path):
    (tmp_path / "disk").mkdir()
    (tmp_path / "there").symlink_to("disk")
    slots = Slots(read(written(tmp_path)))
    for number in range(releases.KEPT + 3):
        folder = tmp_path / "there" / "releases" / str(number)
        folder.mkdir(parents=True)
        (folder / "wsgi.py").touch()
        os.utime(folder, (number, number))
    slots.save(State(active=Placed("blue", str(slots.release("0").folder))))
    assert sorted(releases.forget_old(slots)) == ["1", "2"]
    assert sorted(one.name for one in (tmp_path / "there" / "releases").iterdir()) == ["0", "3", "4", "5", "6", "7"]


def test_a_process_in_a_slot_has_the_files_settings_and_its_own_place(target, monkeypatch):
    monkeypatch.setenv("DATABASE_URL", "of whoever deploys")
    given = Slots(target).environment("green")
    assert (given["BIND"], given["PORT"], given["TRUSTED_PROXIES"]) == ("127.0.0.1:8002", "8002", "1")
    assert given["WHATSAPP_APP_SECRET"] == "x"
    assert "DATABASE_URL" not in given
    assert given["PROMETHEUS_MULTIPROC_DIR"].endswith("green/metrics")


def test_a_dry_run_tells_the_steps_and_changes_nothing(target, tmp_path, capsys):
    (tmp_path / "next").mkdir()
    (tmp_path / "next" / "wsgi.py").touch()
    before = sorted(target.folder.rglob("*"))
    told = ["--target", str(tmp_path / "deploy.toml"), "--dry-run"]
    assert command.main([*told, "canary", str(tmp_path / "next")]) == 0
    said = capsys.readouterr().out
    assert said.index("flask db upgrade of next") < said.index("10 % of requests") < said.index("checked as guests")
    assert [path for path in target.folder.rglob("*") if path.is_file()] == [path for path in before if path.is_file()]
    assert command.main(["rollback", *told]) == 2
    assert "no version before" in capsys.readouterr().err


def test_an_older_version_leaves_the_tables_as_they_are(target, tmp_path, capsys):
    (tmp_path / "older").mkdir()
    (tmp_path / "older" / "wsgi.py").touch()
    told = ["--target", str(tmp_path / "deploy.toml"), "--dry-run", "blue-green", str(tmp_path / "older")]
    assert command.main([*told, "--tables-stay"]) == 0
    assert "db upgrade" not in capsys.readouterr().out
    assert command.main(told) == 0
    assert "db upgrade" in capsys.readouterr().out


@pytest.mark.parametrize("page", ["deploying.md", "runbooks/rollback.md", "operations.md"])
def test_the_commands_that_people_are_told_exist(page):
    told = (ROOT / "docs" / page).read_text()
    for name in re.findall(r"python -m ops\.deploy (?:--target \S+ )?([a-z][\w-]*)", told):
        assert name in command.COMMANDS, name
    if page == "deploying.md":
        table = set(re.findall(r"^\| `([a-z-]+)[^|]*`[^|]*\| ", told, re.MULTILINE))
        assert command.COMMANDS.keys() - {"down"} <= table | {"up"}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["canary", "nowhere"], "no such release"),
        (["rollback"], "no version before"),
        (["check"], "nothing is in use"),
    ],
)
def test_what_cannot_be_done_is_told_in_a_line(target, tmp_path, capsys, words, said):
    assert command.main(["--target", str(tmp_path / "deploy.toml"), *words]) == 2
    assert said in capsys.readouterr().err


def test_whoever_reads_what_it_says_may_leave(target, tmp_path):
    """`… | tee log` and Ctrl-C: the deployment has to be brought to its end all the same."""
    told = [sys.executable, "-m", "ops.deploy", "--target", str(tmp_path / "deploy.toml"), "status"]
    leaves, stays = os.pipe()
    os.close(leaves)
    done = subprocess.run(told, cwd=ROOT, stdout=stays, stderr=subprocess.PIPE, text=True)
    os.close(stays)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_interrupts_and_does_not_kill(target, tmp_path, monkeypatch, capsys, number):
    monkeypatch.setitem(command.COMMANDS, "up", lambda *_: signal.raise_signal(number))
    # Whoever runs the tests may ignore some.
    before = {one: signal.signal(one, signal.SIG_DFL) for one in (signal.SIGTERM, signal.SIGHUP)}
    before[signal.SIGINT] = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        assert command.main(["--target", str(tmp_path / "deploy.toml"), "up"]) == 130
    finally:
        for one, what in before.items():
            signal.signal(one, what)
    assert "interrupted" in capsys.readouterr().err


class Site(BaseHTTPRequestHandler):
    """Which has a page to sign in, and of its parts what `parts` has."""

    parts: ClassVar[set[str]] = set()

    def do_GET(self) -> None:
        page = b'<link href="/static/a.css?v=1"><script src="/static/a.js"></script><a href="/elsewhere">x</a><form>'
        self.send_response(200 if self.path == "/login" or self.path in self.parts else 404)
        self.end_headers()
        self.wfile.write(page)

    def log_message(self, *_: object) -> None:
        pass


@pytest.mark.parametrize(
    ("parts", "is_well"), [({"/static/a.css?v=1", "/static/a.js"}, True), ({"/static/a.css?v=1"}, False)]
)
def test_a_page_is_well_with_all_that_is_on_it(target, monkeypatch, parts, is_well):
    monkeypatch.setattr(Site, "parts", parts)
    with ThreadingHTTPServer(("127.0.0.1", 0), Site) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        checks = Checks(Slots(target), Release(target.folder), f"http://127.0.0.1:{server.server_port}")
        checked = {one.what: one for one in checks.of_web(migrations=False)}["page to sign in"]
        server.shutdown()
    assert checked.is_well is is_well
    assert ("/static/a.js" in checked.detail) is not is_well


def test_what_is_looked_for_in_the_database_cannot_be_taken_for_a_card(monkeypatch):
    """For a card's number would be masked as soon as a worker had taken it in, and so never be found."""
    monkeypatch.setattr("ops.deploy.checking.secrets.token_hex", lambda _: "4111111111111111" * 2)
    marker = checking._marker()
    assert marker.encode() in mask_cards_in_body(checking._body(marker))
    assert marker != checking._marker()


def test_without_a_target_it_says_where_one_is_told():
    done = subprocess.run(
        [sys.executable, "-m", "ops.deploy", "--target", "/nowhere.toml", "status"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 2
    assert "DEPLOY_TARGET" in done.stderr
