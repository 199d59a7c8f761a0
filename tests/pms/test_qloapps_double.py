"""The double of QloApps behaves as the recordings of a running QloApps do, and goes wrong in the ways it is told to.

Every recording in `../shared/pms/qloapps` is replayed in its order; a clone without that folder says so and replays
none.
"""

from __future__ import annotations

import json
import re
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.fakes.qloapps import (
    KEY,
    Fault,
    Pace,
    QloApps,
    Turns,
    answers_twice,
    cut_short,
    does_twice,
    empty_body,
    error_after_success,
    fatal_200,
    front_desk_sells,
    hang,
    hang_before,
    hotel_prime,
    latency,
    miramar,
    reset_after_write,
    reset_before_write,
    rival,
    unavailable,
    wrong_price,
)

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
        self._line = httpx.Client(verify=False)
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
            self._line.post(f"{self.pms.url}/bookings", json=template, auth=(KEY, ""))

    def _play(self, entry: dict[str, Any]) -> None:
        told = entry["headers"].get("Access-Time")
        self._time = datetime.fromtimestamp(int(told), UTC).replace(tzinfo=None) if told else self._time
        name, key = entry["name"], KEYS.get(entry["name"], KEY)
        answer = self._line.request(
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


# The double at Miramar: what no recording shows.


INDIVIDUAL, DOBLE, FAMILIAR, SUITE = 1, 2, 3, 4
STAY = ("2027-05-10", "2027-05-12")


class Desk:
    """Somebody who speaks to the web service, without any client of ours."""

    def __init__(self, pms: QloApps) -> None:
        self.pms = pms
        self.line = httpx.Client(base_url=pms.url, auth=(pms.key, ""), timeout=5, verify=False)
        self.line.params = self.line.params.set("output_format", "JSON")

    def get(self, path: str, **params: str) -> Any:
        return self.line.get(path, params=params).json()

    def book(
        self,
        room_type: int = DOBLE,
        stay: tuple[str, str] = STAY,
        token: str = "token",
        rooms: list[dict[str, Any]] | None = None,
        **guest: str,
    ) -> httpx.Response:
        told = {"firstname": "Marta", "lastname": "Soler", "email": "marta@guests.example", "phone": "600000000"}
        wanted: dict[str, Any] = {"id_room_type": room_type, "checkin_date": stay[0], "checkout_date": stay[1]}
        wanted |= {"number_of_rooms": 1} | ({"rooms": rooms} if rooms else {})
        booking = {"id_property": 1, "currency": "EUR", "payment_status": 3, "source": token}
        return self.line.post(
            "/bookings",
            json={"booking": {**booking, "associations": {"customer_detail": told | guest, "room_types": [wanted]}}},
        )

    def ari(self, room_type: int = DOBLE, stay: tuple[str, str] = STAY, more: str = "") -> Any:
        days = f"<date_from>{stay[0]}</date_from><date_to>{stay[1]}</date_to><id_room_type>{room_type}</id_room_type>"
        answer = self.line.post(
            "/hotel_ari", content=f"<qloapps><hotel_ari><id_hotel>1</id_hotel>{days}{more}</hotel_ari></qloapps>"
        )
        found = answer.json()
        return found.get("hotel_ari", found)

    def free(self, room_type: int = DOBLE, stay: tuple[str, str] = STAY) -> int:
        return len(self.ari(room_type, stay)["room_types"][0]["rooms"]["available"])

    def cancel(self, order: int) -> httpx.Response:
        state = f"<order_history><id_order_state>4</id_order_state><id_order>{order}</id_order></order_history>"
        return self.line.post("/order_histories", content=f"<qloapps>{state}</qloapps>")


@pytest.fixture
def pms() -> Iterator[QloApps]:
    with QloApps(miramar()) as pms:
        yield pms


@pytest.fixture
def desk(pms: QloApps) -> Iterator[Desk]:
    desk = Desk(pms)
    yield desk
    desk.line.close()


def fill(pms: QloApps, room_type: int, leaving: int = 0) -> None:
    """Sells the type for the stay, but for some rooms."""
    rooms = [room for room in pms.shop.rooms if room.id_product == room_type]
    start, end = (datetime.fromisoformat(day).date() for day in STAY)
    for room in rooms[: len(rooms) - leaving]:
        front_desk_sells(pms.shop, room, start, end)


@pytest.mark.parametrize(("room_type", "gross"), [(INDIVIDUAL, 65), (DOBLE, 95), (FAMILIAR, 140), (SUITE, 210)])
def test_miramar_costs_what_our_demo_hotel_costs(desk: Desk, room_type: int, gross: int) -> None:
    info = desk.ari(room_type, ("2027-05-10", "2027-05-13"))["room_types"][0]
    assert (info["base_price_with_tax"], info["total_price_with_tax"]) == (gross, 3 * gross)
    booking = desk.book(room_type, ("2027-05-10", "2027-05-13")).json()["booking"]
    prices = booking["associations"]["price_details"]
    assert Decimal(str(prices["total_price_without_tax"])) + Decimal(str(prices["total_tax"])) == 3 * gross


def test_miramar_has_the_rooms_of_our_demo_hotel(desk: Desk) -> None:
    assert [desk.free(room_type) for room_type in (INDIVIDUAL, DOBLE, FAMILIAR, SUITE)] == [10, 14, 8, 4]
    rates = desk.line.get("/qlo/getRoomRates", params={"id_hotel": 1, "date_from": STAY[0], "date_to": STAY[1]}).text
    assert rates == "[]"
    desk.line.params = desk.line.params.remove("output_format")
    rates = desk.line.get("/qlo/getRoomRates", params={"id_hotel": 1, "date_from": STAY[0]}).text
    assert re.findall(r"tax_inc><!\[CDATA\[(\d+)", rates) == ["65", "95", "140", "210"]


# Faults


def test_latency_is_added(pms: QloApps, desk: Desk) -> None:
    pms.inject(latency(0.2), method="GET")
    begun = time.monotonic()
    desk.get("/hotels")
    assert time.monotonic() - begun >= 0.2


def test_a_hanging_answer_has_been_worked_for(pms: QloApps, desk: Desk) -> None:
    until = threading.Event()
    pms.inject(hang(until), method="POST")
    desk.line.timeout = httpx.Timeout(0.3)
    with pytest.raises(httpx.ReadTimeout):
        desk.book()
    assert len(pms.orders("token")) == 1
    assert pms.requests[0].answer is None
    until.set()
    pms.wait_for(lambda pms: pms.requests[0].status == 200)


def test_a_hang_before_the_work_does_nothing_until_it_ends(pms: QloApps, desk: Desk) -> None:
    until = threading.Event()
    pms.inject(hang_before(until), method="POST")
    desk.line.timeout = httpx.Timeout(0.3)
    with pytest.raises(httpx.ReadTimeout):
        desk.book()
    assert not pms.orders("token")
    until.set()
    pms.wait_for(lambda pms: bool(pms.orders("token")))


@pytest.mark.parametrize(("fault", "booked"), [(reset_before_write(), 0), (reset_after_write(), 1)])
def test_a_reset_connection_tells_nothing_of_the_work(pms: QloApps, desk: Desk, fault: Fault, booked: int) -> None:
    pms.inject(fault, method="POST", path="/bookings")
    with pytest.raises(httpx.TransportError):
        desk.book()
    assert len(pms.orders("token")) == booked
    found = desk.get("/orders", **{"filter[source]": "[token]", "display": "[id]"})
    assert found == ({"orders": [{"id": 1}]} if booked else [])


def test_an_answer_is_cut_short(pms: QloApps, desk: Desk) -> None:
    pms.inject(cut_short(), path="/bookings")
    with pytest.raises(httpx.RemoteProtocolError):
        desk.book()
    assert len(pms.orders("token")) == 1


@pytest.mark.parametrize(
    ("fault", "status", "body"),
    [
        (error_after_success(), 500, ""),
        (empty_body(), 200, ""),
        (fatal_200(), 200, r"\s*Fatal error: .*"),
        (fatal_200("before"), 200, r"\s*Fatal error: [^{]*\{.*\}"),
        (fatal_200("after"), 200, r"\{.*\}\s*Fatal error: .*"),
    ],
    ids=lambda value: value.name if isinstance(value, Fault) else "",
)
def test_the_work_is_done_whatever_is_said(pms: QloApps, desk: Desk, fault: Fault, status: int, body: str) -> None:
    pms.inject(fault, method="POST", path="/bookings")
    answer = desk.book()
    assert answer.status_code == status
    assert re.fullmatch(body, answer.text, re.DOTALL)
    assert len(pms.active_lines()) == 1


def test_a_gateway_answers_for_a_pms_that_has_heard_nothing(pms: QloApps, desk: Desk) -> None:
    pms.inject(unavailable(), path="/bookings")
    assert desk.book().status_code == 503
    assert not pms.orders()
    assert desk.book().status_code == 200


def test_stale_availability_ignores_what_was_sold_since(pms: QloApps, desk: Desk) -> None:
    pms.freeze_availability()
    assert desk.book().status_code == 200
    assert desk.free() == 14
    pms.heal()
    assert desk.free() == 13


def test_stale_availability_offers_what_cannot_be_booked(pms: QloApps, desk: Desk) -> None:
    pms.freeze_availability()
    fill(pms, SUITE)
    assert desk.free(SUITE) == 4
    refusal = desk.book(SUITE)
    assert (refusal.status_code, refusal.json()["errors"][0]["code"]) == (400, 404)


def test_a_wrong_price_is_quoted(pms: QloApps, desk: Desk) -> None:
    pms.inject(wrong_price("1.5"), path="/hotel_ari")
    assert [desk.ari()["room_types"][0]["total_price_with_tax"] for _ in range(2)] == [285, 190]


def test_a_wrong_price_is_booked(pms: QloApps, desk: Desk) -> None:
    pms.inject(wrong_price("1.5"), path="/bookings")
    desk.book(rooms=[{"adult": 2, "unit_price_without_tax": "172.73"}])
    assert pms.orders("token")[0].total_paid == Decimal("285.00")


def test_an_answer_comes_twice(pms: QloApps) -> None:
    pms.inject(answers_twice(), path="/hotels")
    address = ("127.0.0.1", int(httpx.URL(pms.url).port or 0))
    with socket.create_connection(address) as line:
        line.sendall(f"GET /api/hotels?ws_key={KEY} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
        heard = b"".join(iter(lambda: line.recv(65536), b""))
    assert heard.count(b"HTTP/1.1 200 OK") == 2


def test_the_work_is_done_twice(pms: QloApps, desk: Desk) -> None:
    pms.inject(does_twice(), path="/bookings")
    assert desk.book().json()["booking"]["id"] == 2
    assert [line.id_room for line in pms.active_lines()] == [11, 12]


def test_a_rival_before_the_decision_moves_the_booking_and_takes_its_price(pms: QloApps, desk: Desk) -> None:
    pms.inject(rival("order"), path="/bookings")
    room = {"adult": 2, "id_room": 15, "unit_price_without_tax": "100.00"}
    booking = desk.book(rooms=[room]).json()["booking"]
    assert booking["associations"]["room_types"][0]["rooms"][0]["id_room"] == 11
    order = pms.orders("token")[0]
    assert order.total_paid == Decimal("110.00")
    assert pms.active_lines(order)[0].total_price_tax_incl == Decimal("190.00")


def test_a_rival_for_the_last_room_makes_a_booking_that_is_none(pms: QloApps, desk: Desk) -> None:
    fill(pms, SUITE, leaving=1)
    pms.inject(rival("order"), path="/bookings")
    answer = desk.book(SUITE)
    order = pms.orders("token")[0]
    assert (answer.status_code, order.current_state) == (200, 1)
    assert not pms.active_lines(order)
    assert not pms.double_sales()


def test_a_rival_before_the_write_gets_the_same_room(pms: QloApps, desk: Desk) -> None:
    pms.inject(rival("write"), path="/bookings")
    assert desk.book().status_code == 200
    assert [(one.id_room, other.id_room) for one, other in pms.double_sales()] == [(11, 11)]


def test_faults_meet_the_requests_that_they_are_meant_for(pms: QloApps, desk: Desk) -> None:
    pms.inject(unavailable(), method="GET", path="/hotels", times=2, skip=1)
    statuses = [desk.line.get(path).status_code for path in ("/hotels", "/orders", "/hotels", "/hotels", "/hotels")]
    assert statuses == [200, 200, 503, 503, 200]
    assert [heard.faults for heard in pms.heard("GET", "hotels")] == [(), ("503",), ("503",), ()]


# Races


def book_at_once(desk: Desk, room_type: int, count: int) -> list[int]:
    tokens = [f"race{number}" for number in range(count)]
    with ThreadPoolExecutor(count) as hands:
        answers = hands.map(lambda token: desk.book(room_type, token=token, email=f"{token}@guests.example"), tokens)
        return [answer.status_code for answer in answers]


def test_bookings_that_meet_before_the_decision_are_flagged(pms: QloApps, desk: Desk) -> None:
    fill(pms, SUITE, leaving=1)
    pms.pace = Pace(before_decision=0.2)
    assert book_at_once(desk, SUITE, 4) == [200] * 4
    lines = [line for order in pms.orders("race") for line in pms.shop.lines_of(order.id)]
    assert sorted((line.is_back_order, line.is_cancelled, line.is_refunded) for line in lines) == [
        (0, 0, 0),
        *[(1, 1, 1)] * 3,
    ]
    assert not pms.double_sales()


def test_bookings_that_meet_before_the_write_are_sold_twice_and_nothing_says_so(pms: QloApps, desk: Desk) -> None:
    fill(pms, SUITE, leaving=1)
    pms.pace = Pace(before_decision=0.2, before_write=0.2)
    assert book_at_once(desk, SUITE, 4) == [200] * 4
    assert len(pms.double_sales()) == 6
    assert desk.free(SUITE) == 0


def test_one_booking_after_the_other_sells_no_room_twice(pms: QloApps, desk: Desk) -> None:
    assert book_at_once(desk, SUITE, 1) + [desk.book(SUITE).status_code for _ in range(4)] == [200] * 4 + [400]
    assert not pms.double_sales()


# PHP's ways to fail


def test_hidden_errors_make_a_500_after_success(pms: QloApps, desk: Desk) -> None:
    pms.mode = "hidden"
    answer = desk.book(rooms=[{"adult": 2}])
    assert answer.status_code == 500
    assert [error["code"] for error in answer.json()["errors"]] == [5, 5, 5]
    order = pms.orders("token")[0]
    assert desk.line.get(f"/bookings/{order.id}").status_code == 500
    assert desk.get("/room_bookings", **{"filter[id_order]": f"[{order.id}]"}) == {"bookings": [{"id": 1}]}
    assert desk.cancel(order.id).status_code == 201


def test_a_group_that_sees_prices_with_tax_reads_without_notices() -> None:
    with QloApps(miramar(group_shows_net=False), mode="hidden") as pms:
        desk = Desk(pms)
        assert desk.book().status_code == 200
        assert desk.book(rooms=[{"adult": 2}]).status_code == 500
        assert desk.book(rooms=[{"adult": 2, "id_tax_rules_group": 1}]).status_code == 200


@pytest.mark.parametrize(
    ("mode", "status", "starts"), [("masked", 500, ""), ("hidden", 500, ""), ("display_errors", 200, "Fatal error: ")]
)
def test_a_crash_is_an_empty_500_or_a_200_with_fatal_error(
    pms: QloApps, desk: Desk, mode: Any, status: int, starts: str
) -> None:
    pms.mode = mode
    answer = desk.book(firstname="R2D2")
    assert (answer.status_code, answer.headers["Content-Type"]) == (status, "text/html; charset=utf-8")
    assert answer.text.strip().startswith(starts)
    assert bool(answer.text) == bool(starts)
    assert not pms.orders()


def test_displayed_errors_are_no_errors_of_the_web_service(pms: QloApps, desk: Desk) -> None:
    pms.mode = "display_errors"
    assert desk.book(rooms=[{"adult": 2}]).status_code == 200
    assert desk.line.post("/hotel_ari", content="{").json() == {
        "errors": [{"code": 85, "message": "Validation error: Invalid ARI search parameters found."}]
    }


# What QloApps does beyond the recordings, as its source has it


def test_a_bad_phone_leaves_a_customer_and_no_booking(pms: QloApps, desk: Desk) -> None:
    assert desk.book(phone="call me").status_code == 500
    assert desk.get("/customers", **{"filter[email]": "[marta@guests.example]"}) == {"customers": [{"id": 2}]}
    assert not pms.orders()
    assert desk.book(phone="call me").status_code == 200


def test_a_name_longer_than_32_letters_kills_it(pms: QloApps, desk: Desk) -> None:
    assert desk.book(lastname="S" * 33).status_code == 500
    assert not pms.orders()


def test_a_service_that_is_not_added_by_itself_is_told(desk: Desk) -> None:
    booking = desk.book(rooms=[{"adult": 2, "services": [{"id_service": 2, "quantity": 2}]}]).json()["booking"]
    service = booking["associations"]["room_types"][0]["rooms"][0]["services"][0]
    assert (service["name"], service["quantity"], service["per_night"]) == ("Breakfast", 2, 1)
    prices = booking["associations"]["price_details"]
    assert prices["total_price_without_tax"] + prices["total_tax"] == 190 + 2 * 2 * 12


def test_a_field_that_a_put_leaves_out_is_emptied(pms: QloApps, desk: Desk) -> None:
    room = "<room><id>11</id><id_product>2</id_product><id_status>1</id_status></room>"
    desk.line.put("/hotel_rooms/11", content=f"<qloapps>{room}</qloapps>")
    assert desk.get("/hotel_rooms", display="[id,room_num]", **{"filter[id]": "[11]"}) == {
        "rooms": [{"id": "11", "room_num": None}]
    }


def test_the_breakdown_by_night_offers_rooms_that_are_out_of_order(pms: QloApps, desk: Desk) -> None:
    pms.shop.rooms[11].id_status = 2
    assert desk.free() == 13
    nights = desk.ari(more="<date_wise_breakdown>1</date_wise_breakdown>")["hotel_aris"]
    assert [len(night["room_types"][0]["rooms"]["available"]) for night in nights] == [14, 14]


def test_a_cancelled_room_is_free_at_once(pms: QloApps, desk: Desk) -> None:
    order = desk.book().json()["booking"]["id"]
    assert desk.free() == 13
    assert desk.cancel(order).status_code == 201
    assert desk.free() == 14
    assert desk.cancel(99).text == "Invalid new order status"


def test_a_guest_who_has_left_frees_the_room(pms: QloApps, desk: Desk) -> None:
    desk.book()
    line = pms.shop.lines[1]
    line.id_status, line.check_out = 3, "2027-05-11 08:00:00"
    assert [
        desk.free(stay=(day, end)) for day, end in (("2027-05-10", "2027-05-11"), ("2027-05-11", "2027-05-12"))
    ] == [
        14,
        14,
    ]


def test_changes_are_found_by_their_moment() -> None:
    moments = [datetime(2027, 1, 1, 12, 0), datetime(2027, 1, 1, 13, 0)]
    with QloApps(miramar(), clock=lambda: moments[0]) as pms:
        desk = Desk(pms)
        first = desk.book(token="first").json()["booking"]["id"]
        del moments[0]
        desk.book(token="second")
        changed = desk.get("/orders", date="1", display="[source]", **{"filter[date_upd]": ">[2027-01-01 12:00:00]"})
        assert changed == {"orders": [{"source": "second"}]}
        desk.cancel(first)
        changed = desk.get("/orders", date="1", display="[source]", **{"filter[date_upd]": ">[2027-01-01 12:00:00]"})
        assert changed == {"orders": [{"source": "first"}, {"source": "second"}]}


def test_what_the_double_cannot_do_it_says(desk: Desk) -> None:
    assert desk.line.get("/carts").status_code == 501
    assert desk.line.delete("/hotels/1").status_code == 501


def test_the_log_has_every_request_with_its_answer(pms: QloApps, desk: Desk) -> None:
    desk.book(token="mine")
    desk.get("/orders", **{"filter[source]": "[mine]"})
    posted, asked = pms.requests
    assert (posted.method, posted.resource, posted.status) == ("POST", "bookings", 200)
    assert posted.json()["booking"]["source"] == "mine"
    assert asked.request.filters == {"source": "[mine]"}
    pms.forget()
    assert not pms.requests
    assert len(pms.orders()) == 1


def test_it_starts_by_hand() -> None:
    command = [sys.executable, "-m", "tests.fakes.qloapps", "--port", "0", "--mode", "display_errors"]
    told = subprocess.run([*command, "--help"], capture_output=True, text=True, check=True).stdout
    assert "{masked,hidden,display_errors}" in told
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        words = process.stdout.readline()
        found = re.search(r"(http://\S+/api) key (\S+)", words)
        assert found, words
        assert httpx.get(f"{found[1]}/hotels?output_format=JSON", auth=(found[2], "")).json() == {"hotels": [{"id": 1}]}
        process.terminate()
