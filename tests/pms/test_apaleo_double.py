"""The double of Apaleo behaves as Apaleo's documentation says, and goes wrong in the ways it is told to.

There is no Apaleo to record. Each test names its source: `Swagger` is the Swagger 2.0 of 2021 in `apaleo/oss-traces`
(`src/Clients/Traces.ApaleoClients/{Booking,Inventory}/*.json`), `guide` a page of apaleo.dev, `facts` section 4 of
`../shared/facts/PMS.md`. What has no source is a choice of the double, and says so.
"""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from tests.fakes.apaleo import (
    Apaleo,
    Fault,
    add_non_refundable,
    answers_twice,
    broken_json,
    cut_short,
    does_twice,
    empty_body,
    error_after_success,
    garbage,
    hang,
    hang_before,
    latency,
    miramar,
    reset_after_write,
    reset_before_write,
    rival,
    token_expired,
    too_many_requests,
    unavailable,
    wrong_price,
)

NOW = datetime(2031, 3, 3, 9, 30, tzinfo=UTC)
TODAY = date(2031, 3, 3)
ARRIVAL, DEPARTURE = date(2031, 3, 10), date(2031, 3, 12)
OFFERS, BOOKINGS, RESERVATIONS = "/booking/v1/offers", "/booking/v1/bookings", "/booking/v1/reservations"
AVAILABILITY = "/availability/v1/unit-groups"


class Clock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now

    def go_to(self, day: date, hour: int = 16) -> None:
        self.now = datetime(day.year, day.month, day.day, hour, tzinfo=UTC)


class Client:
    """Asks the double as anybody would who has read the documentation."""

    def __init__(self, pms: Apaleo) -> None:
        self.pms = pms
        self.http = httpx.Client(base_url=pms.url, timeout=10)
        self.authorize()

    def authorize(self, **form: str) -> httpx.Response:
        credentials = {"client_id": self.pms.client_id, "client_secret": self.pms.client_secret}
        answer = self.http.post("/connect/token", data={"grant_type": "client_credentials", **credentials, **form})
        if answer.status_code == 200:
            self.http.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"
        return answer

    def get(self, path: str, **params: Any) -> httpx.Response:
        return self.http.get(path, params={"from" if name == "from_" else name: one for name, one in params.items()})

    def offers(self, arrival: object = ARRIVAL, departure: object = DEPARTURE, **more: Any) -> httpx.Response:
        asked = {"propertyId": "MIR", "arrival": str(arrival), "departure": str(departure), "adults": 1, **more}
        return self.http.get(OFFERS, params=asked)

    def free(self, group: str, arrival: date = ARRIVAL, departure: date = DEPARTURE) -> list[int]:
        answer = self.get(AVAILABILITY, propertyId="MIR", from_=str(arrival), to=str(departure), unitGroupIds=group)
        return [one["unitGroups"][0]["availableCount"] for one in answer.json()["timeSlices"]]

    def book(self, *stays: dict[str, Any], key: str | None = None, **more: Any) -> httpx.Response:
        body = {"booker": {"lastName": "Gil"}, "reservations": list(stays or (stay(),)), **more}
        return self.http.post(BOOKINGS, json=body, headers={"Idempotency-Key": key} if key else {})

    def booked(self, *stays: dict[str, Any]) -> str:
        """The id of the first reservation."""
        answer = self.book(*stays)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["reservationIds"][0]["id"])

    def reservation(self, id: str, **params: Any) -> dict[str, Any]:  # noqa: A002 - as in the address
        found: dict[str, Any] = self.get(f"{RESERVATIONS}/{id}", **params).json()
        return found

    def act(self, id: str, verb: str, **params: Any) -> httpx.Response:  # noqa: A002
        return self.http.put(f"/booking/v1/reservation-actions/{id}/{verb}", params=params)

    def amend(self, id: str, **changes: Any) -> httpx.Response:  # noqa: A002
        arrival, departure = changes.pop("arrival", ARRIVAL), changes.pop("departure", DEPARTURE)
        plan = changes.pop("plan", "MIR-FLEX-DBL")
        body = {
            "arrival": str(arrival),
            "departure": str(departure),
            "adults": 2,
            "timeSlices": [{"ratePlanId": plan}] * (departure - arrival).days,
            **changes,
        }
        return self.http.put(f"/booking/v1/reservation-actions/{id}/amend", json=body)

    def found(self, **params: Any) -> list[str]:
        """Ids of the reservations; a list without any is 204."""
        answer = self.get(RESERVATIONS, **params)
        if answer.status_code == 204:
            return []
        assert answer.status_code == 200, answer.text
        return [one["id"] for one in answer.json()["reservations"]]


def stay(
    plan: str = "MIR-FLEX-DBL", arrival: date = ARRIVAL, departure: date = DEPARTURE, **more: Any
) -> dict[str, Any]:
    return {
        "arrival": str(arrival),
        "departure": str(departure),
        "adults": 1,
        "channelCode": "Direct",
        "primaryGuest": {"firstName": "Marta", "lastName": "Gil", "email": "marta@example.com"},
        "timeSlices": [{"ratePlanId": plan}] * (departure - arrival).days,
        **more,
    }


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def pms(clock: Clock) -> Iterator[Apaleo]:
    with Apaleo(miramar(clock)) as double:
        yield double


@pytest.fixture
def client(pms: Apaleo) -> Iterator[Client]:
    asks = Client(pms)
    yield asks
    asks.http.close()


def messages(answer: httpx.Response) -> list[str]:
    found: list[str] = answer.json()["messages"]
    return found


# Tokens: guide "OAuth 2.0 - Client credentials grant flow"; RFC 6749 for what the guide leaves to it


def test_client_credentials_give_a_bearer_token_with_its_lifetime(client: Client) -> None:
    answer = client.authorize()
    assert answer.status_code == 200
    assert (answer.json()["token_type"], answer.json()["expires_in"]) == ("Bearer", 3600)


def test_client_credentials_may_come_as_basic_authorization(pms: Apaleo) -> None:
    answer = httpx.post(
        f"{pms.url}/connect/token",
        data={"grant_type": "client_credentials"},
        auth=(pms.client_id, pms.client_secret),
    )
    assert answer.status_code == 200


def test_wrong_credentials_are_refused(client: Client) -> None:
    """RFC 6749 5.2."""
    answer = client.authorize(client_secret="guessed")
    assert (answer.status_code, answer.json()) == (401, {"error": "invalid_client"})


@pytest.mark.parametrize(
    ("form", "error"),
    [({"grant_type": "password"}, "unsupported_grant_type"), ({"scope": "folios.manage"}, "invalid_scope")],
)
def test_what_the_token_server_does_not_grant_is_named(client: Client, form: dict[str, str], error: str) -> None:
    """RFC 6749 5.2."""
    answer = client.authorize(**form)
    assert (answer.status_code, answer.json()["error"]) == (400, error)


def test_without_a_good_token_everything_is_401(client: Client, clock: Clock) -> None:
    """Swagger: 401 of every operation, without a model of its body."""
    for authorization in ("", "Bearer invented", "Basic abc"):
        answer = client.http.get(RESERVATIONS, headers={"Authorization": authorization})
        assert (answer.status_code, answer.content) == (401, b"")
    assert client.get(RESERVATIONS).status_code == 204
    clock.now += timedelta(seconds=3600)
    assert client.get(RESERVATIONS).status_code == 401
    client.authorize()
    assert client.get(RESERVATIONS).status_code == 204


@pytest.mark.parametrize(
    ("scope", "path"),
    [
        ("reservations.read", OFFERS),
        ("offers.read", RESERVATIONS),
        ("reservations.manage", AVAILABILITY),
        ("reservations.manage", "/inventory/v1/units"),
    ],
)
def test_a_token_without_the_scope_is_403(client: Client, scope: str, path: str) -> None:
    """Swagger: the scopes in the description of each operation."""
    client.authorize(scope=scope)
    assert client.get(path).status_code == 403


def test_reading_scopes_do_not_write(client: Client, pms: Apaleo) -> None:
    """Swagger: bookings need reservations.create or reservations.manage, actions reservations.manage."""
    id_ = client.booked()
    client.authorize(scope="reservations.read offers.read")
    assert client.book().status_code == 403
    assert client.act(id_, "cancel").status_code == 403
    assert client.reservation(id_)["status"] == "Confirmed"
    client.authorize()
    pms.identity.scopes.discard("reservations.manage")
    assert client.act(id_, "cancel").status_code == 403


# Offers: Swagger GET /booking/v1/offers; guide "Get offers"


def test_offers_tell_price_units_and_fees_of_one_stay(client: Client) -> None:
    answer = client.offers(adults=2, channelCode="Direct")
    assert answer.status_code == 200
    offers = {one["unitGroup"]["id"]: one for one in answer.json()["offers"]}
    assert set(offers) == {"MIR-DBL", "MIR-FAM", "MIR-STE"}
    doble = offers["MIR-DBL"]
    assert doble["totalGrossAmount"] == {"amount": 190.0, "currency": "EUR"}
    assert doble["availableUnits"] == 14
    assert doble["ratePlan"]["id"] == "MIR-FLEX-DBL"
    assert [one["totalGrossAmount"]["amount"] for one in doble["timeSlices"]] == [95.0, 95.0]
    assert doble["cancellationFee"]["fee"] == {"amount": 95.0, "currency": "EUR"}
    assert doble["cancellationFee"]["dueDateTime"] == "2031-03-08T15:00:00+01:00"


def test_the_hotel_is_the_demo_hotel(client: Client) -> None:
    """CONTRACT.md: rooms and prices of Hotel Miramar."""
    offers = client.offers(ARRIVAL, ARRIVAL + timedelta(days=1)).json()["offers"]
    assert {one["unitGroup"]["name"]: (one["totalGrossAmount"]["amount"], one["availableUnits"]) for one in offers} == {
        "Individual": (65.0, 10),
        "Doble": (95.0, 14),
        "Familiar": (140.0, 8),
        "Suite": (210.0, 4),
    }
    answer = client.get("/inventory/v1/unit-groups", propertyId="MIR").json()
    assert {one["name"]: one["maxPersons"] for one in answer["unitGroups"]} == {
        "Individual": 1,
        "Doble": 2,
        "Familiar": 4,
        "Suite": 2,
    }


def test_the_night_of_the_clock_change_keeps_its_hours(client: Client) -> None:
    """Swagger: moments carry their UTC offset."""
    found = client.offers(date(2031, 3, 29), date(2031, 3, 31)).json()["offers"][0]
    assert (found["arrival"], found["departure"]) == ("2031-03-29T15:00:00+01:00", "2031-03-31T11:00:00+02:00")
    assert len(found["timeSlices"]) == 2


def test_no_offers_are_204_without_a_body(client: Client, pms: Apaleo) -> None:
    """Swagger: 204 of GET offers."""
    answer = client.offers(adults=5)
    assert (answer.status_code, answer.content) == (204, b"")
    pms.desk.fill("Suite", ARRIVAL, DEPARTURE)
    assert client.offers(unitGroupIds="MIR-STE").status_code == 204


def test_unavailable_offers_are_shown_with_their_reason_when_asked(client: Client, pms: Apaleo) -> None:
    """Swagger: includeUnavailable, OfferValidationMessageModel."""
    pms.desk.fill("Suite", ARRIVAL, DEPARTURE)
    found = client.offers(unitGroupIds="MIR-STE", includeUnavailable="true").json()["offers"][0]
    assert found["availableUnits"] == 0
    assert [one["code"] for one in found["validationMessages"]] == ["UnitGroupFullyBooked"]


def test_children_count_as_persons(client: Client) -> None:
    """Swagger: maxPersons of a unit group, childrenAges of the offers."""
    offers = client.offers(adults=2, childrenAges=[4, 7]).json()["offers"]
    assert [one["unitGroup"]["id"] for one in offers] == ["MIR-FAM"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"arrival": "soon"},
        {"arrival": "2031-03-10T15:00:00"},
        {"arrival": "2031-03-10T15:00:00 01:00"},
        {"departure": "2031-03-10"},
        {"departure": "2037-03-10"},
        {"departure": ""},
        {"adults": "0"},
        {"adults": "two"},
        {"channelCode": "Phone"},
    ],
)
def test_wrong_questions_are_422_with_messages(client: Client, wrong: dict[str, Any]) -> None:
    """Swagger: 422 MessageItemCollection; dates as ISO 8601, pure or with an offset; at most 5 years."""
    answer = client.offers(**wrong)
    assert answer.status_code == 422
    assert messages(answer)


def test_an_unknown_property_is_404(client: Client) -> None:
    """Swagger: 404 of every operation."""
    assert client.offers(propertyId="BER").status_code == 404
    assert client.get("/inventory/v1/properties/BER").status_code == 404


def test_a_second_rate_plan_is_a_second_offer(clock: Clock) -> None:
    """Guide "Get offers": one offer for each rate plan, with its least guarantee and its fee."""
    house = miramar(clock)
    add_non_refundable(house)
    with Apaleo(house) as pms:
        client = Client(pms)
        offers = client.offers(unitGroupIds="MIR-DBL").json()["offers"]
        assert [(one["ratePlan"]["code"], one["totalGrossAmount"]["amount"]) for one in offers] == [
            ("FLEX_DBL", 190.0),
            ("NONREF_DBL", 171.0),
        ]
        assert offers[1]["cancellationFee"]["fee"]["amount"] == 171.0
        assert offers[1]["minGuaranteeType"] == "Prepayment"
        weak = client.book(stay("MIR-NONREF-DBL", guaranteeType="PM6Hold"))
        assert weak.status_code == 422
        assert client.book(stay("MIR-NONREF-DBL", guaranteeType="Prepayment")).status_code == 201


# Bookings: Swagger POST /booking/v1/bookings; guide "Creating the booking"


def test_a_booking_is_made_and_read_back(client: Client) -> None:
    answer = client.book(
        stay(adults=2, externalCode="t-1", guestComment="High floor"), stay("MIR-FLEX-IND"), comment="Two rooms"
    )
    assert answer.status_code == 201
    made = answer.json()
    assert [one["id"] for one in made["reservationIds"]] == [f"{made['id']}-1", f"{made['id']}-2"]
    booking = client.get(f"{BOOKINGS}/{made['id']}").json()
    assert (booking["booker"], booking["comment"]) == ({"lastName": "Gil"}, "Two rooms")
    assert [one["totalGrossAmount"]["amount"] for one in booking["reservations"]] == [190.0, 130.0]
    found = client.reservation(made["reservationIds"][0]["id"])
    assert (found["status"], found["bookingId"], found["externalCode"]) == ("Confirmed", made["id"], "t-1")
    assert (found["arrival"], found["departure"]) == ("2031-03-10T15:00:00+01:00", "2031-03-12T11:00:00+01:00")
    assert (found["adults"], found["guestComment"]) == (2, "High floor")
    assert found["primaryGuest"]["email"] == "marta@example.com"
    assert "booker" not in found


REQUIRED = {
    "reservation": "adults arrival balance bookingId cancellationFee channelCode created departure guaranteeType "
    "hasCityTax id modified noShowFee payableAmount property ratePlan status taxDetails totalGrossAmount unitGroup",
    "timeSlice": "baseAmount from ratePlan serviceDate to totalGrossAmount unitGroup",
    "offer": "arrival availableUnits cancellationFee departure isCorporate minGuaranteeType noShowFee "
    "prePaymentAmount ratePlan taxDetails timeSlices totalGrossAmount unitGroup",
    "booking": "adults arrival cancellationFee channelCode departure id noShowFee property ratePlan status "
    "totalGrossAmount unitGroup",
    "unit": "id name description property status maxPersons created",
    "unitGroup": "id code name description memberCount property",
}


def test_the_answers_have_what_the_models_require(client: Client) -> None:
    """Swagger: the required fields of ReservationModel, TimeSliceModel, OfferModel, BookingReservationModel, …"""
    id_ = client.booked()
    reservation = client.reservation(id_, expand="timeSlices")
    booking = client.get(f"{BOOKINGS}/{reservation['bookingId']}").json()
    answers = {
        "reservation": reservation,
        "timeSlice": reservation["timeSlices"][0],
        "offer": client.offers().json()["offers"][0],
        "booking": booking["reservations"][0],
        "unit": client.get("/inventory/v1/units").json()["units"][0],
        "unitGroup": client.get("/inventory/v1/unit-groups").json()["unitGroups"][0],
    }
    missing = {name: set(REQUIRED[name].split()) - set(answer) for name, answer in answers.items()}
    assert missing == {name: set() for name in REQUIRED}


def test_embedded_things_come_when_they_are_expanded(client: Client) -> None:
    """Swagger: expand, where all other values are silently ignored."""
    id_ = client.booked()
    found = client.reservation(id_, expand="booker,timeSlices,actions,nonsense")
    assert found["booker"] == {"lastName": "Gil"}
    assert [one["serviceDate"] for one in found["timeSlices"]] == ["2031-03-10", "2031-03-11"]
    assert {one["action"]: one["isAllowed"] for one in found["actions"]}["Cancel"] is True


def test_prices_of_the_time_slices_may_be_overridden(client: Client) -> None:
    """Guide "Creating the booking": amounts that overwrite the default ones are gross."""
    slices = [{"ratePlanId": "MIR-FLEX-DBL", "totalAmount": {"amount": 80.5, "currency": "EUR"}}, *slices_of(1)]
    id_ = client.booked(stay(timeSlices=slices))
    assert client.reservation(id_)["totalGrossAmount"]["amount"] == 175.5


def slices_of(nights: int, plan: str = "MIR-FLEX-DBL") -> list[dict[str, Any]]:
    return [{"ratePlanId": plan}] * nights


def test_a_full_unit_group_is_refused_with_422(client: Client, pms: Apaleo) -> None:
    """facts: 422 on rule breach."""
    pms.desk.fill("Suite", ARRIVAL + timedelta(days=1), DEPARTURE)
    answer = client.book(stay("MIR-FLEX-STE"))
    assert answer.status_code == 422
    assert "fully booked" in messages(answer)[0]
    assert pms.count("POST", BOOKINGS) == 1
    assert client.found(channelCode="Direct") == []


def test_a_booking_is_made_whole_or_not_at_all(client: Client, pms: Apaleo) -> None:
    """Swagger: 201, all new reservations were created."""
    pms.desk.fill("Suite", ARRIVAL, DEPARTURE, leave=1)
    assert client.book(stay("MIR-FLEX-STE"), stay("MIR-FLEX-STE")).status_code == 422
    assert client.free("MIR-STE") == [1, 1]


def test_only_force_overbooks(client: Client, pms: Apaleo) -> None:
    """facts: the $force variant overbooks; its scope is a choice of the double."""
    pms.desk.fill("Suite", ARRIVAL, DEPARTURE)
    body = {"booker": {"lastName": "Gil"}, "reservations": [stay("MIR-FLEX-STE")]}
    assert client.http.post(f"{BOOKINGS}/$force", json=body).status_code == 403
    pms.identity.scopes.add("reservations.force")
    client.authorize()
    assert client.http.post(f"{BOOKINGS}/$force", json=body).status_code == 201
    assert pms.oversold() == [("MIR-STE", ARRIVAL), ("MIR-STE", ARRIVAL + timedelta(days=1))]


@pytest.mark.parametrize(
    "wrong",
    [
        {"arrival": "2031-03-02", "timeSlices": slices_of(10)},
        {"departure": str(ARRIVAL)},
        {"adults": None},
        {"adults": 3},
        {"childrenAges": [4, 9]},
        {"channelCode": None},
        {"channelCode": "Expedia"},
        {"timeSlices": []},
        {"timeSlices": slices_of(1)},
        {"timeSlices": slices_of(2, "MIR-FLEX-XXX")},
        {"timeSlices": [{"ratePlanId": "MIR-FLEX-DBL", "totalAmount": {"amount": 9, "currency": "USD"}}] * 2},
        {"primaryGuest": {"firstName": "Marta"}},
        {"guaranteeType": "Word"},
    ],
)
def test_wrong_reservations_are_422_with_messages(client: Client, pms: Apaleo, wrong: dict[str, Any]) -> None:
    """Swagger: required fields and enums of CreateReservationModel, 422 MessageItemCollection."""
    answer = client.book({**stay(), **wrong})
    assert answer.status_code == 422
    assert messages(answer)
    assert pms.reservations() == []


def test_a_booker_needs_a_last_name(client: Client) -> None:
    """Swagger: BookerModel, required."""
    assert client.book(booker={"firstName": "Marta"}).status_code == 422
    assert client.book(booker=None).status_code == 422


def test_what_is_no_json_is_400_or_415(client: Client) -> None:
    """Swagger: 400 and 415 of POST bookings."""
    kinds = {"application/json": 400, "text/plain": 415}
    for kind, status in kinds.items():
        assert client.http.post(BOOKINGS, content=b"{", headers={"Content-Type": kind}).status_code == status


# Idempotency-Key: Swagger, header of every creating POST


def test_the_same_key_brings_the_same_answer_and_one_booking(client: Client, pms: Apaleo) -> None:
    first, again = client.book(key="k1"), client.book(key="k1")
    assert (first.status_code, first.content) == (again.status_code, again.content)
    assert len(pms.reservations()) == 1


def test_a_refusal_is_replayed_too(client: Client, pms: Apaleo) -> None:
    """Swagger: "always the same response for requests made with the same key"."""
    pms.desk.fill("Suite", ARRIVAL, DEPARTURE)
    assert client.book(stay("MIR-FLEX-STE"), key="k1").status_code == 422
    for one in pms.standing():
        pms.desk.cancel(one.id)
    assert client.book(stay("MIR-FLEX-STE"), key="k1").status_code == 422
    assert client.book(stay("MIR-FLEX-STE"), key="k2").status_code == 201


def test_a_key_cannot_be_used_for_another_request(client: Client, pms: Apaleo) -> None:
    """Swagger: "keys can't be reused with different request parameters"."""
    client.book(key="k1")
    assert client.book(stay("MIR-FLEX-IND"), key="k1").status_code == 422
    assert len(pms.reservations()) == 1


def test_a_key_expires_after_24_hours(client: Client, pms: Apaleo, clock: Clock) -> None:
    """Swagger: "keys expire after 24 hours"."""
    client.book(key="k1")
    clock.now += timedelta(hours=24)
    client.authorize()
    client.book(key="k1")
    assert len(pms.reservations()) == 2


def test_the_same_key_at_the_same_time_books_once(client: Client, pms: Apaleo) -> None:
    """Swagger: "without accidentally performing the same operation twice"."""
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: client.book(key="k1"), range(8)))
    assert {(one.status_code, one.content) for one in answers} == {(201, answers[0].content)}
    assert len(pms.reservations()) == 1


def test_a_reservation_is_added_to_a_booking(client: Client) -> None:
    """Swagger: POST /booking/v1/bookings/{id}/reservations."""
    number = client.book().json()["id"]
    for _ in range(2):
        answer = client.http.post(
            f"{BOOKINGS}/{number}/reservations",
            json={"reservations": [stay("MIR-FLEX-IND")]},
            headers={"Idempotency-Key": "k"},
        )
        assert answer.json()["reservationIds"] == [{"id": f"{number}-2"}]
    assert client.found(bookingId=number) == [f"{number}-1", f"{number}-2"]


def test_of_many_who_want_the_last_unit_one_gets_it(client: Client, pms: Apaleo) -> None:
    """facts: 422 on rule breach; without $force nothing is overbooked."""
    pms.desk.fill("Suite", ARRIVAL, DEPARTURE, leave=1)
    together = threading.Barrier(12)

    def wants(number: int) -> int:
        together.wait(10)
        return client.book(stay("MIR-FLEX-STE", externalCode=f"rival-{number}")).status_code

    with ThreadPoolExecutor(12) as pool:
        assert sorted(pool.map(wants, range(12))) == [201] + [422] * 11
    assert len(pms.standing("rival-")) == 1
    assert pms.oversold() == []


# Availability: guide-less; the fields are those that other clients of GET /availability/v1/unit-groups read


def test_availability_counts_each_night_and_leaves_the_last_date_out(client: Client, pms: Apaleo) -> None:
    client.booked()
    pms.desk.book("Doble", ARRIVAL + timedelta(days=1), DEPARTURE + timedelta(days=3))
    pms.desk.maintain("201", ARRIVAL, ARRIVAL + timedelta(days=1))
    assert client.free("MIR-DBL") == [12, 12]
    answer = client.get(AVAILABILITY, propertyId="MIR", from_=str(ARRIVAL), to=str(DEPARTURE)).json()
    first = next(one for one in answer["timeSlices"][0]["unitGroups"] if one["unitGroup"]["id"] == "MIR-DBL")
    assert (answer["count"], first["physicalCount"], first["soldCount"], first["sellableCount"]) == (2, 14, 1, 12)
    assert first["maintenance"] == {"outOfService": 0, "outOfOrder": 1, "outOfInventory": 0}


@pytest.mark.parametrize(("kind", "left"), [("OutOfService", 14), ("OutOfOrder", 13), ("OutOfInventory", 13)])
def test_only_a_small_repair_lets_a_unit_be_sold(client: Client, pms: Apaleo, kind: Any, left: int) -> None:
    """Swagger: type of UnitItemMaintenanceModel."""
    pms.desk.maintain("201", ARRIVAL, DEPARTURE, kind)
    assert client.free("MIR-DBL") == [left, left]


def test_availability_needs_pure_dates(client: Client) -> None:
    for wrong in ({"from_": "2031-03-10T15:00:00Z"}, {"to": str(ARRIVAL)}, {"to": ""}):
        asked = {"propertyId": "MIR", "from_": str(ARRIVAL), "to": str(DEPARTURE), **wrong}
        assert client.get(AVAILABILITY, **asked).status_code == 422


# Lists: Swagger GET /booking/v1/reservations


@pytest.fixture
def three(client: Client, clock: Clock) -> list[str]:
    """Reservations made an hour after each other, arriving on the 10th, the 12th and the 14th."""
    made = []
    for number, day in enumerate((10, 12, 14)):
        clock.now = NOW + timedelta(minutes=number * 15)
        arrival = date(2031, 3, day)
        guest = {"firstName": "Marta", "lastName": f"Gil{number}", "email": f"m{number}@example.com"}
        made.append(
            client.booked(
                stay(
                    arrival=arrival,
                    departure=arrival + timedelta(days=2),
                    externalCode=f"hw-{number}",
                    primaryGuest=guest,
                )
            )
        )
    return made


@pytest.mark.parametrize(
    ("asked", "places"),
    [
        ({}, [0, 1, 2]),
        ({"status": "Confirmed,InHouse"}, [0, 1, 2]),
        ({"status": "Canceled"}, []),
        ({"externalCode": "hw-1"}, [1]),
        ({"externalCode": "hw-"}, [0, 1, 2]),
        ({"externalCode": "w-"}, []),
        ({"textSearch": "gIL2"}, [2]),
        ({"textSearch": "m0@example"}, [0]),
        ({"dateFilter": "Arrival", "from_": "2031-03-12T15:00:00+01:00"}, [1, 2]),
        ({"dateFilter": "Arrival", "to": "2031-03-12T15:00:00+01:00"}, [0]),
        ({"dateFilter": "Departure", "from_": "2031-03-12T00:00:00Z", "to": "2031-03-13T00:00:00Z"}, [0]),
        ({"dateFilter": "Stay", "from_": "2031-03-11T00:00:00Z", "to": "2031-03-13T00:00:00Z"}, [0, 1]),
        ({"dateFilter": "Stay", "from_": "2031-03-12T11:00:00+01:00", "to": "2031-03-12T15:00:00+01:00"}, []),
        ({"dateFilter": "Creation", "from_": "2031-03-03T09:45:00Z"}, [1, 2]),
        ({"dateFilter": "Modification", "to": "2031-03-03T09:45:00Z"}, [0]),
        ({"dateFilter": "Cancellation", "from_": "2031-03-03T00:00:00Z"}, []),
        ({"sort": "arrival:desc"}, [2, 1, 0]),
        ({"pageNumber": 2, "pageSize": 2}, [2]),
        ({"pageNumber": 3, "pageSize": 2}, []),
        ({"pageNumber": 3}, [0, 1, 2]),
        ({"propertyIds": "BER"}, []),
    ],
)
def test_reservations_are_found_by(client: Client, three: list[str], asked: dict[str, Any], places: list[int]) -> None:
    assert client.found(**asked) == [three[place] for place in places]


def test_the_count_is_of_all_pages(client: Client, three: list[str]) -> None:
    """Swagger: count, total count of items; GET …/$count."""
    assert client.get(RESERVATIONS, pageSize=2, pageNumber=1).json()["count"] == 3
    assert client.get(f"{RESERVATIONS}/$count").json() == {"count": 3}


@pytest.mark.parametrize(
    "wrong",
    [
        {"status": "Cancelled"},
        {"dateFilter": "Arrival"},
        {"dateFilter": "Birth", "from_": "2031-03-12T00:00:00Z"},
        {"dateFilter": "Arrival", "from_": "2031-03-12"},
        {"dateFilter": "Arrival", "from_": "2031-03-12T00:00:00.5Z"},
        {"dateFilter": "Arrival", "from_": "2031-03-12T00:00:00Z", "to": "2031-03-12T00:00:00Z"},
    ],
)
def test_wrong_filters_are_422(client: Client, wrong: dict[str, Any]) -> None:
    """Swagger: enums; at least one of from and to; to larger than from; no fraction of a second."""
    assert client.get(RESERVATIONS, **wrong).status_code == 422


def test_every_change_is_found_by_its_time(client: Client, clock: Clock, pms: Apaleo, three: list[str]) -> None:
    """Swagger: dateFilter Modification; own changes and those of the front desk."""
    clock.now = NOW + timedelta(minutes=50)
    since = "2031-03-03T10:20:00Z"
    client.act(three[0], "cancel")
    pms.desk.move(three[1], ARRIVAL + timedelta(days=20), ARRIVAL + timedelta(days=21))
    assert client.found(dateFilter="Modification", from_=since) == three[:2]


@pytest.mark.parametrize("path", [f"{RESERVATIONS}/NONE-1", f"{BOOKINGS}/NONE", "/booking/v1/nothing", "/v2"])
def test_what_does_not_exist_is_404(client: Client, path: str) -> None:
    assert client.get(path).status_code == 404
    assert client.act("NONE-1", "cancel").status_code == 404


def test_a_booking_is_found_by_the_code_of_its_reservation(client: Client) -> None:
    """Swagger: externalCode of GET bookings; reservations only when they are expanded."""
    number = client.book(stay(externalCode="hw-7")).json()["id"]
    client.book(stay(externalCode="other"))
    found = client.get(BOOKINGS, externalCode="hw-").json()["bookings"]
    assert ([one["id"] for one in found], "reservations" in found[0]) == ([number], False)
    assert client.get(BOOKINGS, externalCode="no").status_code == 204


# Changing: Swagger PUT …/amend and PATCH


def test_a_confirmed_stay_is_amended_whole(client: Client) -> None:
    id_ = client.booked()
    later = ARRIVAL + timedelta(days=5)
    answer = client.amend(
        id_, arrival=later, departure=later + timedelta(days=3), plan="MIR-FLEX-FAM", childrenAges=[5]
    )
    assert (answer.status_code, answer.content) == (204, b"")
    found = client.reservation(id_)
    assert (found["arrival"], found["unitGroup"]["id"]) == ("2031-03-15T15:00:00+01:00", "MIR-FAM")
    assert (found["totalGrossAmount"]["amount"], found["adults"], found["childrenAges"]) == (420.0, 2, [5])
    assert client.free("MIR-DBL") == [14, 14]


def test_nights_that_stay_keep_their_price_unless_requoted(client: Client, pms: Apaleo) -> None:
    """Swagger: requote."""
    id_ = client.booked()
    for night in range(3):
        pms.desk.set_price("Doble", ARRIVAL + timedelta(days=night), 120)
    client.amend(id_, departure=DEPARTURE + timedelta(days=1))
    assert client.reservation(id_)["totalGrossAmount"]["amount"] == 95 + 95 + 120
    client.amend(id_, departure=DEPARTURE + timedelta(days=1), requote=True)
    assert client.reservation(id_)["totalGrossAmount"]["amount"] == 3 * 120


def test_an_extension_into_a_full_night_is_refused_and_changes_nothing(client: Client, pms: Apaleo) -> None:
    """facts: amend 204 or 422."""
    id_ = client.booked()
    pms.desk.fill("Doble", DEPARTURE, DEPARTURE + timedelta(days=1))
    before = client.reservation(id_)
    answer = client.amend(id_, departure=DEPARTURE + timedelta(days=1))
    assert answer.status_code == 422
    assert messages(answer)
    assert client.reservation(id_) == before


def test_its_own_nights_are_no_obstacle(client: Client, pms: Apaleo) -> None:
    id_ = client.booked()
    pms.desk.fill("Doble", ARRIVAL, DEPARTURE)
    assert client.amend(id_).status_code == 204
    assert client.amend(id_, departure=ARRIVAL + timedelta(days=1)).status_code == 204


def test_offers_for_a_reservation_leave_out_itself(client: Client, pms: Apaleo) -> None:
    """Swagger: GET /booking/v1/reservations/{id}/offers."""
    id_ = client.booked()
    pms.desk.fill("Doble", ARRIVAL, DEPARTURE)
    offers = client.get(f"{RESERVATIONS}/{id_}/offers", unitGroupIds="MIR-DBL").json()["offers"]
    assert [one["availableUnits"] for one in offers] == [1]
    assert client.offers(unitGroupIds="MIR-DBL").status_code == 204


def test_in_house_only_what_is_to_come_changes(client: Client, pms: Apaleo, clock: Clock) -> None:
    """Swagger: "InHouse: only changes to future time slices are possible"."""
    id_ = client.booked()
    pms.desk.check_in(id_)
    clock.go_to(ARRIVAL + timedelta(days=1))
    client.authorize()
    assert client.amend(id_, arrival=ARRIVAL + timedelta(days=1)).status_code == 422
    assert client.amend(id_, plan="MIR-FLEX-STE").status_code == 422
    assert client.amend(id_, departure=DEPARTURE + timedelta(days=1)).status_code == 204


@pytest.mark.parametrize("status", ["Canceled", "CheckedOut", "NoShow"])
def test_what_is_over_is_not_amended(client: Client, pms: Apaleo, status: str) -> None:
    """Swagger: "CheckedOut or Canceled: not possible at all"; NoShow is a choice of the double."""
    id_ = client.booked()
    {"Canceled": pms.desk.cancel, "CheckedOut": pms.desk.check_out, "NoShow": pms.desk.no_show}[status](id_)
    assert client.amend(id_).status_code == 422


def test_a_reservation_is_patched(client: Client) -> None:
    """Swagger: the operations that PATCH /booking/v1/reservations/{id} allows."""
    id_ = client.booked()
    operations = [
        {"op": "add", "path": "/comment", "value": "Late"},
        {"op": "replace", "path": "/primaryGuest", "value": {"lastName": "Ruiz"}},
    ]
    assert client.http.patch(f"{RESERVATIONS}/{id_}", json=operations).status_code == 204
    found = client.reservation(id_)
    assert (found["comment"], found["primaryGuest"]) == ("Late", {"lastName": "Ruiz"})
    assert client.http.patch(f"{RESERVATIONS}/{id_}", json=[{"op": "remove", "path": "/comment"}]).status_code == 204
    assert "comment" not in client.reservation(id_)


@pytest.mark.parametrize("path", ["/arrival", "/status", "/externalCode", "/booker"])
def test_nothing_else_is_patched(client: Client, path: str) -> None:
    id_ = client.booked()
    operations = [{"op": "add", "path": "/comment", "value": "x"}, {"op": "replace", "path": path, "value": "y"}]
    before = client.reservation(id_)
    assert client.http.patch(f"{RESERVATIONS}/{id_}", json=operations).status_code == 422
    assert client.reservation(id_) == before


def test_the_booker_is_replaced(client: Client) -> None:
    """Swagger: PATCH /booking/v1/bookings/{id}."""
    number = client.book().json()["id"]
    operations = [{"op": "replace", "path": "/booker", "value": {"lastName": "Ruiz"}}]
    assert client.http.patch(f"{BOOKINGS}/{number}", json=operations).status_code == 204
    assert client.get(f"{BOOKINGS}/{number}").json()["booker"] == {"lastName": "Ruiz"}


# Actions: Swagger PUT /booking/v1/reservation-actions/{id}/…


def test_a_confirmed_reservation_is_cancelled_once(client: Client) -> None:
    id_ = client.booked()
    answer = client.act(id_, "cancel")
    assert (answer.status_code, answer.content) == (204, b"")
    found = client.reservation(id_)
    assert (found["status"], found["cancellationTime"]) == ("Canceled", "2031-03-03T10:30:00+01:00")
    assert client.free("MIR-DBL") == [14, 14]
    assert client.act(id_, "cancel").status_code == 422


def test_a_late_cancellation_costs_the_fee(client: Client, clock: Clock) -> None:
    """Swagger: "after that time this fee will be charged in case of cancellation"."""
    early, late = client.booked(), client.booked()
    client.act(early, "cancel")
    clock.now = datetime(2031, 3, 8, 14, tzinfo=UTC)
    client.authorize()
    client.act(late, "cancel")
    assert [client.reservation(one)["balance"]["amount"] for one in (early, late)] == [0.0, -95.0]


def test_after_the_arrival_time_nothing_is_cancelled(client: Client, clock: Clock) -> None:
    """Swagger: "where the arrival time is in the future"."""
    id_ = client.booked()
    clock.go_to(ARRIVAL)
    client.authorize()
    assert client.act(id_, "cancel").status_code == 422


def test_check_in_needs_the_day_and_a_unit(client: Client, clock: Clock) -> None:
    """Swagger: "status Confirmed, and has a unit assigned"; codes of NotAllowedReservationActionReason."""
    id_ = client.booked()
    assert messages(client.act(id_, "checkin")) == ["CheckInNotAllowedBeforeArrivalDate"]
    clock.go_to(ARRIVAL)
    client.authorize()
    assert messages(client.act(id_, "checkin")) == ["CheckInNotAllowedWithoutUnitAssignedForWholeStay"]
    client.act(id_, "assign-unit")
    assert client.act(id_, "checkin").status_code == 204
    found = client.reservation(id_)
    assert (found["status"], found["checkInTime"]) == ("InHouse", "2031-03-10T17:00:00+01:00")
    assert [one["name"] for one in client.get("/inventory/v1/units", isOccupied="true").json()["units"]] == ["201"]
    assert client.act(id_, "checkin").status_code == 422


def test_check_out_at_most_one_day_early(client: Client, pms: Apaleo, clock: Clock) -> None:
    """Swagger: "only possible, if the departure date is not later than tomorrow"."""
    id_ = client.booked()
    assert messages(client.act(id_, "checkout")) == ["CheckOutNotAllowedForReservationNotInStatusInHouse"]
    clock.go_to(ARRIVAL)
    client.authorize()
    pms.desk.check_in(id_)
    assert client.act(id_, "checkout").status_code == 422
    clock.go_to(ARRIVAL + timedelta(days=1))
    client.authorize()
    assert client.act(id_, "checkout").status_code == 204
    assert client.reservation(id_)["status"] == "CheckedOut"
    assert client.free("MIR-DBL") == [13, 14]


def test_no_show_only_when_the_arrival_is_past(client: Client, clock: Clock) -> None:
    """Swagger: "status Confirmed and where the arrival date is in the past"."""
    id_ = client.booked()
    assert client.act(id_, "noshow").status_code == 422
    clock.go_to(ARRIVAL + timedelta(days=1))
    client.authorize()
    assert client.act(id_, "noshow").status_code == 204
    found = client.reservation(id_)
    assert (found["status"], found["balance"]["amount"]) == ("NoShow", -95.0)


def test_a_unit_is_assigned_only_when_it_is_free(client: Client, pms: Apaleo) -> None:
    """Swagger: "if the unit is not available, the call will return an error, and no unit will be assigned"."""
    first, second = client.booked(), client.booked()
    unit, other = pms.desk.unit("205").id, pms.desk.unit("101").id
    answer = client.act(first, f"assign-unit/{unit}")
    assert (answer.status_code, answer.json()["unit"]["name"]) == (200, "205")
    assert client.act(second, f"assign-unit/{unit}").status_code == 422
    assert client.act(second, f"assign-unit/{other}").status_code == 422
    assert client.act(second, "assign-unit/MIR-ZZZZ").status_code == 404
    assert "unit" not in client.reservation(second)
    assert client.reservation(first)["unit"] == {
        "id": unit,
        "name": "205",
        "description": "",
        "unitGroupId": "MIR-DBL",
    }
    assert client.act(first, "unassign-units").status_code == 204
    assert client.act(second, f"assign-unit/{unit}").status_code == 200


def test_any_unit_is_one_that_nobody_has(client: Client, pms: Apaleo) -> None:
    """Swagger: "assigns one of the available units"; the answer is an AutoAssignedUnitListModel."""
    pms.desk.maintain("401", ARRIVAL, DEPARTURE)
    made = [client.booked(stay("MIR-FLEX-STE")) for _ in range(3)]
    units = [client.act(one, "assign-unit").json()["timeSlices"] for one in made]
    assert [one[0]["unit"]["name"] for one in units] == ["402", "403", "404"]
    assert [len(one) for one in units] == [2, 2, 2]
    assert pms.double_sales() == []


# Inventory and rate plans: Swagger of the inventory API


def test_units_are_found_by_their_condition(client: Client, pms: Apaleo) -> None:
    unit = pms.desk.unit("101").id
    pms.desk.set_condition("101", "Dirty")
    pms.desk.maintain("102", TODAY, TODAY + timedelta(days=1), "OutOfService")
    dirty = client.get("/inventory/v1/units", condition="Dirty", propertyId="MIR").json()
    assert [(one["id"], one["name"], one["status"]["condition"]) for one in dirty["units"]] == [(unit, "101", "Dirty")]
    repaired = client.get("/inventory/v1/units", maintenanceType="OutOfService").json()["units"]
    assert [(one["name"], one["status"]["maintenance"]["type"]) for one in repaired] == [("102", "OutOfService")]
    assert client.get("/inventory/v1/units", condition="CleanToBeInspected").status_code == 204
    assert client.get("/inventory/v1/units", unitGroupId="MIR-STE").json()["count"] == 4
    assert client.http.patch(
        f"/inventory/v1/units/{unit}", json=[{"op": "replace", "path": "/condition", "value": "Clean"}]
    ).is_success
    assert client.get(f"/inventory/v1/units/{unit}").json()["status"]["condition"] == "Clean"


def test_the_property_tells_its_currency_and_its_clock(client: Client) -> None:
    found = client.get("/inventory/v1/properties/MIR").json()
    assert (found["currencyCode"], found["timeZone"], found["name"]) == (
        "EUR",
        "Europe/Madrid",
        {"en": "Hotel Miramar"},
    )


def test_rate_plans_tell_their_unit_group(client: Client) -> None:
    found = client.get("/rateplan/v1/rate-plans", propertyId="MIR", unitGroupIds="MIR-STE").json()["ratePlans"]
    assert [(one["id"], one["unitGroup"]["id"]) for one in found] == [("MIR-FLEX-STE", "MIR-STE")]


# What other hands do


def test_the_front_desk_is_seen_through_the_api(client: Client, pms: Apaleo) -> None:
    made = pms.desk.book("Doble", ARRIVAL, DEPARTURE, "Otto Berg", adults=2, unit="203")
    found = client.reservation(made.id, expand="booker")
    assert (found["primaryGuest"]["lastName"], found["channelCode"], found["unit"]["name"]) == (
        "Berg",
        "BookingCom",
        "203",
    )
    assert client.free("MIR-DBL") == [13, 13]
    pms.desk.move_group(made.id, "Suite")
    assert (client.free("MIR-DBL"), client.free("MIR-STE")) == ([14, 14], [3, 3])
    pms.desk.cancel(made.id)
    assert client.reservation(made.id)["status"] == "Canceled"
    assert client.free("MIR-STE") == [4, 4]


# Faults


def test_latency_delays_the_answer(client: Client, pms: Apaleo) -> None:
    pms.inject(latency(0.2))
    client.offers()
    assert pms.heard("GET", OFFERS)[0].took >= 0.2


@pytest.mark.parametrize(("fault", "booked"), [(hang, 1), (hang_before, 0)])
def test_a_hang_outlasts_the_client(
    client: Client, pms: Apaleo, fault: Callable[[threading.Event], Fault], booked: int
) -> None:
    goes_on = threading.Event()
    pms.inject(fault(goes_on), method="POST", path=BOOKINGS)
    with pytest.raises(httpx.ReadTimeout):
        client.http.post(BOOKINGS, json={"booker": {"lastName": "Gil"}, "reservations": [stay()]}, timeout=0.3)
    assert len(pms.reservations()) == booked
    goes_on.set()
    pms.wait_for(lambda double: all(one.answer for one in double.requests))
    assert len(pms.reservations()) == 1


def test_a_hang_may_be_of_seconds(client: Client, pms: Apaleo) -> None:
    pms.inject(hang(0.2))
    assert client.offers().status_code == 200
    assert pms.heard("GET", OFFERS)[0].took >= 0.2


@pytest.mark.parametrize(
    ("fault", "status", "retry_after"),
    [
        (unavailable(), 503, None),
        (unavailable(503, 30), 503, "30"),
        (unavailable(500), 500, None),
        (too_many_requests(7), 429, "7"),
        (token_expired(), 401, None),
    ],
)
def test_refused_before_the_work_nothing_is_done(
    client: Client, pms: Apaleo, fault: Fault, status: int, retry_after: str | None
) -> None:
    """Guide "Rate limiting" and facts: 429 with Retry-After in seconds."""
    pms.inject(fault, path=BOOKINGS)
    answer = client.book()
    assert (answer.status_code, answer.headers.get("Retry-After")) == (status, retry_after)
    assert pms.reservations() == []
    assert client.book().status_code == 201


@pytest.mark.parametrize(
    ("fault", "status"),
    [(error_after_success(), 500), (empty_body(), 201), (garbage(), 200), (broken_json(), 201)],
)
def test_spoilt_answers_hide_what_was_done(client: Client, pms: Apaleo, fault: Fault, status: int) -> None:
    pms.inject(fault, path=BOOKINGS)
    answer = client.book()
    assert answer.status_code == status
    with pytest.raises(ValueError):
        answer.json()
    assert len(pms.reservations()) == 1


@pytest.mark.parametrize(("fault", "booked"), [(reset_before_write(), 0), (reset_after_write(), 1), (cut_short(), 1)])
def test_a_torn_connection(client: Client, pms: Apaleo, fault: Fault, booked: int) -> None:
    pms.inject(fault, path=BOOKINGS)
    with pytest.raises(httpx.TransportError):
        client.book()
    assert len(pms.reservations()) == booked


def test_a_write_whose_answer_was_lost_is_made_sure_with_its_key(client: Client, pms: Apaleo) -> None:
    pms.inject(reset_after_write(), path=BOOKINGS)
    with pytest.raises(httpx.TransportError):
        client.book(stay(externalCode="t-9"), key="k9")
    found = client.found(externalCode="t-9")
    assert client.book(stay(externalCode="t-9"), key="k9").json()["reservationIds"] == [{"id": found[0]}]
    assert len(pms.reservations()) == 1


def test_a_gateway_repeats_the_request(client: Client, pms: Apaleo) -> None:
    pms.inject(does_twice(), path=BOOKINGS, times=2)
    assert client.book().status_code == 201
    assert len(pms.reservations()) == 2
    assert client.book(key="k1").status_code == 201
    assert len(pms.reservations()) == 3


def test_an_answer_comes_twice(client: Client, pms: Apaleo) -> None:
    pms.inject(answers_twice(), path="/units")
    parts = urlsplit(pms.url)
    with socket.create_connection((parts.hostname, parts.port or 0), timeout=5) as line:
        line.sendall(b"GET /inventory/v1/units HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        said = b"".join(iter(lambda: line.recv(65536), b""))
    assert said.count(b"HTTP/1.1 401") == 2


def test_stale_availability_promises_what_is_gone(client: Client, pms: Apaleo) -> None:
    pms.freeze_availability()
    pms.desk.fill("Suite", ARRIVAL, DEPARTURE)
    assert client.free("MIR-STE") == [4, 4]
    assert client.offers(unitGroupIds="MIR-STE").json()["offers"][0]["availableUnits"] == 4
    assert client.book(stay("MIR-FLEX-STE")).status_code == 422


def test_a_wrong_price_is_told_or_written(client: Client, pms: Apaleo) -> None:
    pms.inject(wrong_price(Decimal("1.5")), path=BOOKINGS)
    assert client.reservation(client.booked())["totalGrossAmount"]["amount"] == 285.0
    assert client.reservation(client.booked())["totalGrossAmount"]["amount"] == 190.0


def test_a_rival_is_faster(client: Client, pms: Apaleo) -> None:
    pms.inject(rival(lambda: pms.desk.fill("Suite", ARRIVAL, DEPARTURE)), path=BOOKINGS)
    assert client.book(stay("MIR-FLEX-STE")).status_code == 422
    assert pms.oversold() == []


def test_tokens_are_expired_at_once(client: Client, pms: Apaleo) -> None:
    pms.expire_tokens()
    assert client.get(RESERVATIONS).status_code == 401
    client.authorize()
    assert client.get(RESERVATIONS).status_code == 204


def test_requests_are_counted_and_faults_counted_down(client: Client, pms: Apaleo) -> None:
    pms.forget()
    pms.inject(unavailable(), path=OFFERS, times=2, skip=1)
    assert [client.offers().status_code for _ in range(4)] == [200, 503, 503, 200]
    assert (pms.count("GET", OFFERS), pms.count("POST")) == (4, 0)
    pms.inject(unavailable(), times=None)
    pms.heal()
    assert client.offers().status_code == 200


def test_it_runs_by_hand() -> None:
    root = Path(__file__).resolve().parents[2]
    with subprocess.Popen(
        [sys.executable, "-m", "tests.fakes.apaleo", "--port", "0"], cwd=root, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout
        words = process.stdout.readline().split()
        url, secret = words[2], words[words.index("secret") + 1]
        form = {"grant_type": "client_credentials", "client_id": words[words.index("client") + 1]}
        answer = httpx.post(f"{url}/connect/token", data={**form, "client_secret": secret})
        process.terminate()
    assert answer.status_code == 200
