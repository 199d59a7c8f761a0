"""What QloApps answers, in our values: from the recordings where they are, from samples of the same shape anyway."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from hotel_agent.locks.holding import RoomTaken
from hotel_agent.pms.contract import OutcomeUnknown, PmsRejected, PmsUnavailable, Stay
from hotel_agent.pms.orders.system import Free, Refused, shares
from hotel_agent.pms.qloapps import reading, writing
from hotel_agent.pms.qloapps.client import (
    _Garbled,
    _meaning,
    _outcome,
    changed_xml,
    safe_xml,
)
from hotel_agent.pms.wire import Answer, read_json

RECORDINGS = Path(__file__).parents[3] / "shared" / "pms" / "qloapps"
STAY = Stay(date(2026, 12, 10), date(2026, 12, 12))
needs_recordings = pytest.mark.skipif(not RECORDINGS.is_dir(), reason="no recordings beside the repository")


def index() -> list[dict[str, Any]]:
    path = RECORDINGS / "index.json"
    return json.loads(path.read_text()) if path.is_file() else []


def answer_of(entry: dict[str, Any]) -> Answer:
    body = (RECORDINGS / entry["response"]).read_bytes() if entry["response"] else b""
    return Answer(entry["status"], entry["content_type"] or "", body.rstrip(b"\n"))


def recorded(name: str) -> Any:
    return read_json(next(RECORDINGS.glob(f"{name}*.response.json")).read_bytes())


class Told:
    """Answers with what was put into it."""

    account = ("http://pms.example/api", "a key")

    def __init__(self, **answers: Any) -> None:
        self.answers = answers

    def read(self, path: str, **_query: str) -> Any:
        return self.answers[path]

    def ask(self, _path: str, body: str) -> Any:
        return self.answers["nights" if "date_wise_breakdown" in body else "stay"]


def shop_of(**answers: Any) -> reading.Shop:
    return reading.Shop(Told(**answers), 1, "en")  # type: ignore[arg-type]


@pytest.fixture(autouse=True)
def anew() -> Iterator[None]:
    reading.forget()
    yield
    reading.forget()


def prime(**answers: Any) -> reading.Shop:
    """The recorded hotel; its services are linked to every type, as b06 has it."""
    links = recorded("b06_room_type_2")["room_type"]["associations"]
    types = [{**row, "associations": links} for row in recorded("b05_room_types")["room_types"]]
    return shop_of(
        services=recorded("b09_services"),
        room_types={"room_types": types},
        hotel_room_types=recorded("b04_hotel_room_types"),
        **answers,
    )


@needs_recordings
def test_kinds_and_prices_of_the_recorded_hotel():
    shop = prime(stay=recorded("c01_ari_json"), nights=recorded("c04_ari_date_wise"))
    offered = shop.offered(STAY)
    delux = offered.of("2")
    assert delux is not None
    assert delux.price is not None
    assert (offered.currency, delux.rooms) == ("USD", 5)
    assert delux.price.total == Decimal("3900.00")  # 3640, and the internet that is charged beside: 250 and 4 %.
    assert delux.price.nightly == (Decimal("1950.00"), Decimal("1950.00"))
    assert isinstance(delux.price, reading.Price)
    assert delux.price.service_ids == (5, 6)
    assert delux.kind.room.name_in("en") == "Delux Rooms"
    assert delux.kind.room.takes(2, 2)
    assert not delux.kind.room.takes(3, 0)


@needs_recordings
def test_a_calendar_from_one_question_says_the_same_as_the_stay():
    shop = prime(stay=recorded("c01_ari_json"), nights=recorded("c04_ari_date_wise"))
    assert shop.offered_from(STAY.check_in, STAY.check_in, 2)[0].of("2") == shop.offered(STAY).of("2")


@needs_recordings
def test_sold_out_out_of_order_and_below_the_minimum_stay_are_not_free():
    def free(name: str, code: str) -> Free:
        found = prime(stay=recorded(name), nights=recorded("c04_ari_date_wise")).offered(STAY).of(code)
        assert found is not None
        return found

    assert free("d44_ari_sold_out", "4").rooms == 0
    assert free("i04_ari_after", "4").rooms == 4
    assert free("k23_ari_below_min_los", "1").rooms == 0
    assert free("c14_ari_unknown_hotel", "2").price is None
    assert free("c15_ari_unknown_room_type", "2").price is None


@needs_recordings
@pytest.mark.parametrize(
    ("name", "stands"),
    [
        ("e07_room_bookings_of_order", [True]),
        ("f09_room_bookings", [True]),
        ("g04_room_bookings_after_cancel", [False]),
        ("d52_race_room_bookings", [True] * 5 + [False] * 3),
    ],
)
def test_what_stands_is_told_by_the_lines(name, stands):
    rows = recorded(name)["bookings"]
    whole = [{"id_product": "2", "adults": "2", "children": "0", **row} for row in rows]
    lines = shop_of(room_bookings={"bookings": whole}).lines_of(["1"])
    assert [line.stands for line in lines] == stands


@needs_recordings
def test_orders_and_empty_lists():
    whole = {"total_paid_tax_incl": "1560.000000", "id_customer": "2"}
    rows = [{**whole, **row} for row in recorded("k09_find_by_source_token")["orders"]]
    (order,) = shop_of(orders={"orders": rows}).orders_of("agent:idem-7f3a")
    assert (order.id, order.state, order.total) == (43, 1, Decimal("1560.00"))
    assert shop_of(room_bookings=recorded("e16_arrivals_none")).lines_of(["1"]) == ()


@needs_recordings
def test_of_a_recorded_write_only_a_clean_answer_is_believed():
    """Every POST and PUT of a booking that was recorded: done, refused, or nobody knows; never the wrong one."""
    checked = 0
    for entry in index():
        if entry["method"] not in ("POST", "PUT") or "/api/bookings" not in entry["path"] or "J" not in entry["path"]:
            continue
        if not entry["response"] or not entry["response"].endswith((".json", ".txt")):
            continue
        checked += 1
        answer = answer_of(entry)
        if entry["status"] == 405:
            with pytest.raises(PmsUnavailable):
                _outcome(answer)
        elif entry["status"] == 400:
            with pytest.raises(Refused):
                _outcome(answer)
        elif entry["status"] >= 500 or not answer.body.startswith(b"{"):
            with pytest.raises(OutcomeUnknown):
                _outcome(answer)
        else:
            assert _outcome(answer)["booking"]["id"]
    assert checked > 60


@needs_recordings
@pytest.mark.parametrize(
    "name", ["d41_sold_out", "d12_create_chosen_room_taken", "d33_too_many_rooms", "f15_put_to_sold_out"]
)
def test_a_room_that_is_gone_is_known_by_its_words(name):
    entry = next(one for one in index() if one["name"] == name)
    with pytest.raises(Refused) as refused:
        _outcome(answer_of(entry))
    assert isinstance(writing.meaning(refused.value), RoomTaken)


def test_refusals_have_reasons():
    assert isinstance(writing.meaning(Refused("Requested room(s) not available.")), RoomTaken)
    for words, reason in (
        ("Invalid check in date in the request", "bad_dates"),
        ("Please provide a valid email.", "refused"),
    ):
        refusal = writing.meaning(Refused(words))
        assert isinstance(refusal, PmsRejected)
        assert refusal.reason == reason


# Samples of our own


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (200, b"Fatal error"),
        (200, b""),
        (200, b"[]"),
        (200, b'{"booking":{"id":1}}\nFatal error'),
        (200, b'{"errors":[{"code":3,"message":"[PHP Warning #2]"}]}'),
        (500, b'{"errors":[{"code":5,"message":"[PHP Notice #8]"}]}'),
        (500, b""),
        (502, b"<html>Bad gateway</html>"),
        (404, b""),
    ],
)
def test_an_answer_that_does_not_tell_leaves_the_outcome_unknown(status, body):
    with pytest.raises(OutcomeUnknown):
        _outcome(Answer(status, "text/html", body))


@pytest.mark.parametrize("status", [401, 403, 405, 302, 429])
def test_a_key_that_is_refused_has_written_nothing(status):
    with pytest.raises(PmsUnavailable) as refused:
        _outcome(Answer(status, "text/html", b"401 Unauthorized"))
    assert not isinstance(refused.value, OutcomeUnknown)


def test_a_question_is_answered_by_json_alone():
    assert _meaning(Answer(404, "", b"")) is None
    assert _meaning(Answer(200, "application/json", b'{"a":1.10}')) == {"a": Decimal("1.10")}
    for body in (b"", b"Fatal error", b'{"a":NaN}', b"[" * 100_000, b'{"errors":[{"code":1}]}'):
        with pytest.raises(_Garbled):
            _meaning(Answer(200, "application/json", body))


def test_xml_that_declares_entities_is_not_read():
    for body in (b'<!DOCTYPE x [<!ENTITY a "b">]><x>&a;</x>', b"<x>", b"no"):
        with pytest.raises(ValueError):
            safe_xml(body)


def test_one_field_of_a_resource_is_changed_and_the_rest_goes_back_as_it_came():
    document = safe_xml(
        b"<qloapps><booking><id>36</id><date_to>2027-04-12</date_to><email>a&amp;b</email></booking></qloapps>"
    )
    sent = safe_xml(changed_xml(document, {"date_to": "2027-04-13 <x>"}))
    assert [(field.tag, field.text) for field in sent[0]] == [
        ("id", "36"),
        ("date_to", "2027-04-13 <x>"),
        ("email", "a&b"),
    ]
    with pytest.raises(ValueError):
        changed_xml(document, {"nothing": "1"})


@pytest.mark.parametrize("value", [None, "", "x", [], {}])
def test_what_is_no_number_or_amount_is_no_answer(value):
    with pytest.raises(PmsUnavailable):
        reading.whole(value)
    with pytest.raises(PmsUnavailable):
        reading.money(value)


def test_shares_add_up_to_the_cent():
    parts = shares(Decimal("100.00"), [Decimal(1)] * 3)
    assert parts == (Decimal("33.33"), Decimal("33.33"), Decimal("33.34"))


@pytest.mark.parametrize(
    ("net", "gross", "rate"),
    [("604.55", "665", "1.10"), ("86.36", "95", "1.10"), ("3500", "3640", "1.04"), ("1000", "1088.75", "1.08875")],
)
def test_the_tax_is_found_behind_rounded_prices(net, gross, rate):
    assert reading._rate(Decimal(net), Decimal(gross)) == Decimal(rate)


@pytest.mark.parametrize(
    ("name", "names"),
    [
        ("Marta García López", ("Marta", "García López")),
        ("Marta", ("Marta", "-")),
        ("", ("Guest", "-")),
        ("R2-D2 <script>", ("R", "-D script")),
        ("12345", ("Guest", "-")),
        ("José O'Neill 😀", ("José", "O'Neill")),
    ],
)
def test_names_are_in_qloapps_alphabet(name, names):
    assert writing.names_of(name) == names


@pytest.mark.parametrize(
    ("digits", "phone"),
    [("34600111222", "+34600111222"), (None, "000000"), ("abc", "000000"), ("+1 (2) 3", "+1 (2) 3")],
)
def test_phones_have_the_form_that_does_not_kill_it(digits, phone):
    assert writing.phone_of(digits) == phone
