"""Deploys to one machine: nginx before two slots, blue and green, one of which is in use.

The target is a TOML file (ops/deploy/example.toml): --target, or DEPLOY_TARGET. docs/deploying.md tells more.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TextIO

from ops.deploy import releases
from ops.deploy.checking import Checks, all_well
from ops.deploy.errors import CannotDeploy, RolledBack
from ops.deploy.rolling import Rollout
from ops.deploy.slots import Placed, Release, Slots, State
from ops.deploy.target import SLOTS, Target, other, read


def main(arguments: Sequence[str]) -> int:
    given = _parser().parse_args(arguments)
    signal.signal(signal.SIGTERM, _interrupt)
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # Unless `nohup` has said that nobody minds.
        signal.signal(signal.SIGHUP, _interrupt)
    try:
        target = read(Path(given.target))
        slots = Slots(target)
        if given.dry_run:
            return _tell_only(given, Rollout(slots, say))
        if given.command in ("status", "check"):
            return COMMANDS[given.command](Rollout(slots, say), given)
        with slots.alone():
            return COMMANDS[given.command](Rollout(slots, say), given)
    except CannotDeploy as problem:
        say(f"error: {problem}", sys.stderr)
        return 2
    except OSError as problem:
        say(f"error: {problem}; mend that, then `python -m ops.deploy up` puts in order what was begun", sys.stderr)
        return 2
    except RolledBack as problem:
        say(f"rolled back: {problem}", sys.stderr)
        return 1
    except KeyboardInterrupt:
        say("interrupted; `python -m ops.deploy up` puts in order what was begun", sys.stderr)
        return 130


def say(words: str, to: TextIO | None = None) -> None:
    stream = to or sys.stdout
    try:
        print(words, file=stream, flush=True)
    except OSError:  # Nobody reads any more; what was begun is brought to its end all the same.
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def canary(rollout: Rollout, given: argparse.Namespace) -> int:
    rollout.deploy(rollout.slots.release(given.release), watched=True)
    return 0


def blue_green(rollout: Rollout, given: argparse.Namespace) -> int:
    rollout.deploy(rollout.slots.release(given.release), watched=False, migrates=not given.tables_stay)
    return 0


def rollback(rollout: Rollout, _given: argparse.Namespace) -> int:
    rollout.deploy(_before(rollout), watched=False, migrates=False)
    return 0


def check(rollout: Rollout, _given: argparse.Namespace) -> int:
    active = rollout.slots.state().active
    if active is None:
        raise CannotDeploy("nothing is in use")
    own = Checks(rollout.slots, active.of, f"http://127.0.0.1:{rollout.target.ports[active.slot]}")
    public = Checks(rollout.slots, active.of, rollout.target.address)
    say(f"{active.of.name} in {active.slot}, by itself:")
    well = all_well(own.of_web(), say) and all_well(iter([own.version()]), say)
    say(f"by {rollout.target.address}:")
    return 0 if all_well(public.of_all(), say) and well else 1


def build(rollout: Rollout, given: argparse.Namespace) -> int:
    release = releases.build(rollout.slots, given.commit, say)
    say(f"{release.name}: {release.folder}")
    return 0


def staging(rollout: Rollout, given: argparse.Namespace) -> int:
    release = releases.build(rollout.slots, given.commit, say)
    active = rollout.slots.state().active
    if active and active.of.name == release.name:
        say(f"{release.name} is in use already")
        return 0
    rollout.deploy(release, watched=False)
    for name in releases.forget_old(rollout.slots):
        say(f"    {name} is not kept any longer")
    return 0


def nginx(rollout: Rollout, _given: argparse.Namespace) -> int:
    for path in rollout.edge.write():
        say(str(path))
    rollout.edge.test()
    say("nginx takes it")
    return 0


def up(rollout: Rollout, _given: argparse.Namespace) -> int:
    rollout.edge.write()
    is_well = rollout.settle()
    status(rollout, _given)
    return 0 if is_well else 1


def down(rollout: Rollout, _given: argparse.Namespace) -> int:
    rollout.edge.stop()
    for slot in SLOTS:
        for role in rollout.slots.running(slot):
            say(f"==> ending {slot} {role}")
            rollout.slots.stop(slot, role)
    return 0


def status(rollout: Rollout, _given: argparse.Namespace) -> int:
    state, shares = rollout.slots.state(), rollout.edge.shares()
    known = {placed.slot: (placed.of.name, words) for placed, words in _in_use(state)}
    for slot in SLOTS:
        name, words = known.get(slot, ("empty", ""))
        running = ", ".join(rollout.slots.running(slot)) or "nothing runs"
        say(f"{slot:<6} {name:<24} {words:<7} {shares.get(slot, 0):3} % of requests   {running}")
    say(f"nginx  {'runs' if rollout.edge.master else 'does not run'}")
    return 0


def _in_use(state: State) -> list[tuple[Placed, str]]:
    both = ((state.previous, "before"), (state.active, "in use"))
    return [(placed, words) for placed, words in both if placed]


TABLES_STAY = "no migrations: for an older version, which works on the tables that are there"
RELEASE: dict[str, Any] = {"help": "a folder, or a name below FOLDER/releases"}
COMMIT: dict[str, Any] = {"nargs": "?", "default": "HEAD", "help": "any name that git knows (HEAD)"}
COMMANDS: dict[str, Callable[[Rollout, argparse.Namespace], int]] = {
    "canary": canary,
    "blue-green": blue_green,
    "rollback": rollback,
    "check": check,
    "status": status,
    "build": build,
    "staging": staging,
    "nginx": nginx,
    "up": up,
    "down": down,
}


def _before(rollout: Rollout) -> Release:
    previous = rollout.slots.state().previous
    if previous is None:
        raise CannotDeploy("there is no version before this one")
    return rollout.slots.release(previous.release)


def _tell_only(given: argparse.Namespace, rollout: Rollout) -> int:
    """What would be done, in the order in which it would be."""
    state, command, name = rollout.slots.state(), given.command, getattr(given, "release", None)
    release = _before(rollout) if command == "rollback" else rollout.slots.release(name) if name else None
    steps = _steps(command, rollout.target, release, migrates=not getattr(given, "tables_stay", command == "rollback"))
    slot = other(state.active.slot) if state.active else SLOTS[0]
    used = f"{state.active.of.name} in {state.active.slot}" if state.active else "nothing"
    say(f"in use: {used}; the new version would be in {slot}; nothing is changed now")
    for number, step in enumerate(steps, 1):
        say(f"  {number}. {step}")
    return 0


def _steps(command: str, target: Target, release: Release | None, *, migrates: bool) -> list[str]:
    rule, name = target.canary, release.name if release else "the commit's release"
    watched = [
        f"{rule.share} % of requests go to it for {rule.seconds:.0f} s, and until it had {rule.requests} of them; "
        "errors and p95 are compared in Prometheus and in nginx' log: worse, or undecided, is rolled back"
    ]
    roll = [
        *(["the commit's files and packages"] if command == "staging" else []),
        *([f"flask db upgrade of {name}"] if migrates else []),
        f"{name} starts where nobody asks it, and is checked there",
        *(watched if command == "canary" else []),
        "its workers and scheduler start; when they report, those before end",
        "all requests go to it, and it is checked as guests reach it; not well is rolled back",
        f"it is watched for {rule.seconds_after:.0f} s, requests and jobs; what plainly fails is rolled back",
        "the version before ends, once it has answered what it had in hand",
    ]
    others = {"nginx": ["nginx' configuration is written and looked at"], "up": ["what state.json says is started"]}
    others |= {"down": ["all of it ends"], "build": ["the commit's files and packages"]}
    return others.get(command, [] if command in ("check", "status") else roll)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m ops.deploy", description=__doc__)
    parser.set_defaults(target=os.environ.get("DEPLOY_TARGET", "deploy.toml"), dry_run=False)
    always = argparse.ArgumentParser(add_help=False, argument_default=argparse.SUPPRESS)
    for one in (parser, always):  # Before the command or after it.
        one.add_argument("--target", metavar="FILE", help="the TOML file", default=argparse.SUPPRESS)
        one.add_argument(
            "--dry-run", action="store_true", help="tell the steps and change nothing", default=argparse.SUPPRESS
        )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    release, commit = {"release": RELEASE}, {"commit": COMMIT}
    for name, words, given in (
        ("canary", "a share of requests first; promoted or rolled back by what is measured", release),
        ("blue-green", "the new version beside the old one, then all requests; also the first deployment", release),
        ("rollback", "the version before, at once; tables stay", {}),
        ("check", "whether what is in use does what guests need", {}),
        ("status", "what is in use, and what runs", {}),
        ("staging", "build a commit and deploy it by blue-green, as every merge does", commit),
        ("build", "make a release of a commit", commit),
        ("nginx", "write nginx' configuration and look at it", {}),
        ("up", "start what should run: after a start of the machine, or a deployment that was killed", {}),
        ("down", "end everything", {}),
    ):
        command = commands.add_parser(name, help=words, description=words, parents=[always])
        for argument, options in given.items():
            command.add_argument(argument, **options)
    commands.choices["blue-green"].add_argument("--tables-stay", action="store_true", help=TABLES_STAY)
    return parser


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
