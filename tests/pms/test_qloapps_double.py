"""The double of QloApps behaves as the recordings of a running QloApps do, and goes wrong in the ways it is told to.

Every recording in `../shared/pms/qloapps` is replayed in its order; a clone without that folder says so and replays
none.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.fakes.qloapps import KEY, QloApps, Turns, hotel_prime

RECORDINGS = Path(__file__).resolve().parents[3] / "shared" / "pms" / "qloapps"
INDEX: list[dict[str, Any]] = json.loads((RECORDINGS / "index.json").read_text()) if RECORDINGS.is_dir() else []

# Recordings that the double cannot reproduce, each with its reason.
NOT_REPRODUCED: dict[str, str] = {}

# What differs from one run to the next, or was taken out of the recordings.
MOMENT = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d")
VOLATILE = (
    # The code of an order is drawn at random.
    (re.compile(r'((?:order_)?reference(?:":"|><!\[CDATA\[))[A-Z]{9}'), r"\1*********"),
    # Hashes were emptied in the recordings.
    (re.compile(r'"(passwd|secure_key)":"[^"]*"'), r'"\1":""'),
    (re.compile(r"<(passwd|secure_key)>.*?</"), r"<\1></"),
    # One recording was made with another name of the same folder.
    (re.compile(r"/srv/(qlo/)?www/"), "/srv/www/"),
    # The words that advertise the demo hotel's rooms are nobody's behaviour.
    (re.compile(r'"(description|description_short)":"[^"]*"'), r'"\1":""'),
)

# What the index does not tell of a request: its key, where it was not the right one, and a header.
UNKNOWN_KEY = "X" * 32
KEYS: dict[str, str | None] = {
    "a02_no_key": None,
    "a03_bad_key_format": "short",
    "a04_unknown_key": UNKNOWN_KEY,
    "a05_unknown_key_xml": UNKNOWN_KEY,
    "a06_ws_key_query": None,
}
HEADERS = {"a08_header_output_format": {"Output-Format": "JSON"}}


@dataclass(frozen=True)
class Said:
    status: int
    content_type: str | None
    body: str


class Stage:
    """Replays recordings against a double whose clock shows the time of each."""

    def __init__(self, pms: QloApps) -> None:
        self.pms = pms
        self.said: dict[str, Said] = {}
        self._time = datetime(2026, 11, 22, 6, 57, 44)
        pms.shop.clock = lambda: self._time

    def replay(self) -> None:
        waiting: list[dict[str, Any]] = []
        for entry in INDEX:
            if entry["name"].startswith("d51_race"):
                waiting.append(entry)
                continue
            if waiting:
                self._race(waiting)
                waiting = []
            if entry["name"] == "m21_order_51_xml":
                self._sell_what_was_not_recorded()
            self._prepare(entry["name"])
            self._play(entry)

    def _prepare(self, name: str) -> None:
        """What was changed behind the web service's back before a recording."""
        settings = self.pms.settings
        settings.enabled = name != "a12_webservice_disabled"
        settings.permissions = {
            "a13_no_permission_resource": {"bookings": {"GET"}},
            "a14_no_permission_method": {"bookings": {"GET"}},
        }.get(name)
        settings.mode = "hidden" if name.startswith("n") else "masked"

    def _race(self, entries: list[dict[str, Any]]) -> None:
        """Four bookings of the last room: all are checked before any is written, in the order of the recorded ids."""
        by_customer, by_order = ("race1", "race3", "race0", "race2"), ("race1", "race2", "race0", "race3")
        steps = [(name, "checked") for name in by_order]
        steps += [(name, "customer") for name in by_customer] + [(name, "order") for name in by_order]
        self.pms.on_step = Turns(lambda heard: re.findall(r"race\d", heard.request.text)[0], steps)
        self._prepare("d51")
        threads = [threading.Thread(target=self._play, args=(entry,)) for entry in entries]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.pms.on_step = None

    def _sell_what_was_not_recorded(self) -> None:
        """The thirty bookings of the race trials that m28 and m29 look back on: their own file was not handed over."""
        template = json.loads((RECORDINGS / "m14_status_missing_ok.request.json").read_text())
        for number in range(30):
            year = 2028 + number
            told = template["booking"]["associations"]["room_types"][0]
            told.update(id_room_type=4, checkin_date=f"{year}-04-01", checkout_date=f"{year}-04-03")
            told["rooms"] = [{"adult": 2, "child": 0, "id_room": 20}]
            httpx.post(f"{self.pms.url}/bookings?output_format=JSON", json=template, auth=(KEY, ""))

    def _play(self, entry: dict[str, Any]) -> None:
        told = entry["headers"].get("Access-Time")
        self._time = datetime.fromtimestamp(int(told), UTC).replace(tzinfo=None) if told else self._time
        name, key = entry["name"], KEYS.get(entry["name"], KEY)
        answer = httpx.request(
            entry["method"],
            self.pms.url.removesuffix("/api") + entry["path"],
            content=(RECORDINGS / entry["request"]).read_bytes() if entry["request"] else None,
            auth=(key, "") if key is not None else None,
            headers={"Host": "127.0.0.1:18080", **HEADERS.get(name, {})},
        )
        self.said[name] = Said(answer.status_code, answer.headers.get("Content-Type"), answer.text)


@pytest.fixture(scope="module")
def replayed() -> dict[str, Said]:
    with QloApps(hotel_prime()) as pms:
        stage = Stage(pms)
        stage.replay()
    return stage.said


def recorded(entry: dict[str, Any]) -> Said:
    body = (RECORDINGS / entry["response"]).read_text()
    return Said(entry["status"], entry["content_type"], "" if entry["method"] == "HEAD" else body)


def settled(text: str, like: str) -> str:
    """Without what is volatile; a moment within two seconds of the recorded one is that one."""
    for pattern, calm in VOLATILE:
        text = pattern.sub(calm, text.replace("\\/", "/"))
    theirs = iter(MOMENT.findall(like))
    return MOMENT.sub(lambda found: near(found[0], next(theirs, "")), text)


def near(moment: str, recorded_one: str) -> str:
    try:
        apart = datetime.fromisoformat(moment) - datetime.fromisoformat(recorded_one)
    except ValueError:
        return moment
    return recorded_one if abs(apart.total_seconds()) <= 2 else moment


@pytest.mark.skipif(not INDEX, reason="the recordings of QloApps are not here (../shared/pms/qloapps)")
@pytest.mark.xdist_group("qloapps recordings")
@pytest.mark.parametrize("entry", INDEX or [{"name": "none"}], ids=lambda entry: entry["name"])
def test_a_recording_is_reproduced(entry: dict[str, Any], replayed: dict[str, Said]) -> None:
    if entry["name"] in NOT_REPRODUCED:
        pytest.skip(NOT_REPRODUCED[entry["name"]])
    theirs, ours = recorded(entry), replayed[entry["name"]]
    assert (ours.status, ours.content_type) == (theirs.status, theirs.content_type), ours.body
    assert settled(ours.body, theirs.body) == settled(theirs.body, theirs.body)
