"""The database is lost at a commit, at each in turn: on the way there nothing is kept, on the way back all of it.

Whoever asked cannot tell the two apart. One message has one answer all the same, and one wish is one booking.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date, timedelta
from decimal import Decimal

import pytest
from sqlalchemy import event, text

from hotel_agent import db, faults
from hotel_agent.conversations import inbox, outbox
from hotel_agent.db import db as orm
from hotel_agent.faults import postgres
from hotel_agent.hotels.finding import by_slug
from hotel_agent.pms.contract import BookRequest, ExtraRequest, HoldRequest, RoomRequest, Stay
from hotel_agent.pms.door import pms_for
from hotel_agent.staff import bearer
from tests.chaos.guests import _choice_of, _wish
from tests.chaos.history import confirmation_patterns
from tests.chaos.nth import OnTheNth
from tests.conversations import bodies
from tests.conversations.cast import time_passes
from tests.fakes.graph import Heard
from tests.reservations.cast import guest_of
from workers import upkeep

KINDS = ["lost_commit", "lost_answer"]
ROUNDS = 8
UNREST = text("""
    select (select count(*) from inbound_events where processed_at is null)
         + (select count(*) from messages where handling = 'pending')
         + (select count(*) from messages where status in ('queued', 'sending'))
""")
ANSWERED = text("""
    select m.handling, count(o.id), coalesce(string_agg(distinct o.status, ','), '')
    from messages m join conversations c on c.id = m.conversation_id
    left join messages o on o.answers_to = m.id and o.direction = 'out'
    where m.direction = 'in' and m.wamid = :wamid group by m.id, m.handling
""")
BOOKINGS = text("""
    select count(*), count(*) filter (where status = 'booked') from reservations
    where guest_id = (select guest_id from guest_identities where kind = 'phone' and value = :phone)
""")
BOOKED_THEN = text("select count(*) from reservations where check_in = :arrival and status = 'booked'")
ROOMS = text("""
    select count(*) from reservation_locks where status in ('active', 'booked') and check_in = :arrival
""")


@pytest.fixture
def shaky(app, graph, monkeypatch) -> Iterator[Callable[[str, int], OnTheNth]]:
    """`shaky("lost_commit", 3)`: every connection to the database of this process may lose a commit."""
    monkeypatch.setattr(outbox, "sleep", lambda _: None)
    event.listen(orm.engine, "do_connect", postgres.connecting)
    orm.engine.dispose()

    def at(kind: str, nth: int) -> OnTheNth:
        injector = OnTheNth(f"database:{kind}=1", nth)
        monkeypatch.setattr(faults, "injector", lambda: injector)
        _begin_anew(monkeypatch)
        return injector

    yield at
    event.remove(orm.engine, "do_connect", postgres.connecting)
    orm.engine.dispose()
    _begin_anew(monkeypatch)


def _begin_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    """The connections of one's own are made in the way that holds from now on."""
    db._forget_lock_connection()
    if inbox._writer:
        inbox._writer.close()
    monkeypatch.setattr(inbox, "_writer", None)


def told_until_200(deliver, body) -> None:
    """As Meta does."""
    for _ in range(ROUNDS):
        if deliver(body).status_code == 200:
            return
    raise AssertionError("never taken")


def until_rest(run_jobs, injector: OnTheNth) -> None:
    """Jobs run; what nobody reminds of is found by the sweeps, later."""
    for _ in range(ROUNDS):
        run_jobs(may_fail=True)
        armed, injector.is_armed = injector.is_armed, False
        orm.session.rollback()
        if not orm.session.scalar(UNREST):
            orm.session.rollback()
            injector.is_armed = armed
            return
        time_passes(seconds=20)
        upkeep.bring_back()
        injector.is_armed = armed
    raise AssertionError("no rest")


@pytest.mark.parametrize("kind", KINDS)
def test_one_message_has_one_answer_whichever_commit_is_lost(shaky, deliver, run_jobs, graph, echo, kind):
    nth, has_struck = 0, True
    while has_struck:
        nth += 1
        phone, wamid = f"34600{nth:06d}", f"wamid.{kind}.{nth}"
        injector = shaky(kind, nth)
        injector.is_armed = True
        told_until_200(deliver, bodies.said("Hola", wamid, phone=phone))
        until_rest(run_jobs, injector)
        injector.is_armed, has_struck = False, injector.has_struck
        assert [heard.text for heard in graph.sent if heard.to == phone] == ["re: Hola"], f"commit {nth}"
        assert orm.session.execute(ANSWERED, {"wamid": wamid}).all() == [("answered", 1, "sent")], f"commit {nth}"
        orm.session.rollback()
    assert nth > 5


@pytest.mark.parametrize("kind", KINDS)
def test_who_asks_by_the_api_hears_the_answer_or_that_there_is_none(shaky, client, api_worker, echo, kind):
    token = bearer.create_token(by_slug("miramar"))
    nth, has_struck = 0, True
    while has_struck:
        nth += 1
        injector = shaky(kind, nth)
        injector.is_armed = True
        asked = {"hotel": "miramar", "sender_id": f"crm-{kind}-{nth}", "text": "Hola"}
        answer = client.post("/api/orchestrator/process", json=asked, headers={"Authorization": f"Bearer {token}"})
        injector.is_armed, has_struck = False, injector.has_struck
        orm.session.remove()  # As it is at the end of each request, where no test holds on to it.
        if answer.status_code == 200:
            assert [reply["text"] for reply in answer.json["replies"]] == ["re: Hola"], f"commit {nth}"
        else:
            assert has_struck, f"commit {nth}: {answer.text}"
            assert answer.status_code in (503, 504), f"commit {nth}: {answer.text}"
    assert nth > 3


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_let_go_or_added_is_told_as_done_whichever_commit_is_lost(shaky, kind):
    hotel = by_slug("miramar")
    pms, who = pms_for(hotel), guest_of(hotel, "Marta García")
    nth, has_struck = 0, True
    while has_struck:
        nth += 1
        nights = Stay(date.today() + timedelta(days=30 + nth), date.today() + timedelta(days=31 + nth))
        let_go, kept = (
            pms.hold(HoldRequest(nights, (RoomRequest("doble", 2),), who, f"{kind}{nth}{what}")) for what in "ab"
        )
        code = pms.book(BookRequest(kept.hold_key, who, "Marta García", f"{kind}{nth}", hotel.today()))
        injector = shaky(kind, nth)
        injector.is_armed = True
        assert pms.release(let_go.hold_key, who, "changed their mind")
        assert pms.add_extra(ExtraRequest(code, "parking", Decimal(12), None))
        assert pms.cancel(code, Decimal(5))
        injector.is_armed, has_struck = False, injector.has_struck
        assert pms.held(let_go.hold_key) is None
        booking = pms.read(code)
        assert booking
        assert (booking.status, booking.cancellation_fee) == ("cancelled", Decimal(5))
    assert nth == 4


@pytest.mark.chaos
@pytest.mark.timeout(300)
@pytest.mark.parametrize("kind", KINDS)
def test_one_wish_is_one_booking_whichever_commit_is_lost(shaky, deliver, run_jobs, graph, kind):
    nth, has_struck = 0, True
    while has_struck:
        nth += 1
        phone, arrival = f"34611{nth:06d}", date.today() + timedelta(days=60 + nth)
        injector = shaky(kind, nth)
        _book(phone, arrival, injector, deliver, run_jobs, graph)
        injector.is_armed, has_struck = False, injector.has_struck
        heard = [one.text for one in graph.sent if one.to == phone]
        confirmed = [one for one in heard if any(pattern.search(one) for pattern in confirmation_patterns())]
        assert len(confirmed) == 1, f"commit {nth}: {heard}"
        assert len(heard) == len(set(heard)), f"commit {nth}: {heard}"
        assert tuple(orm.session.execute(BOOKINGS, {"phone": phone}).one()) == (1, 1), f"commit {nth}"
        assert orm.session.scalar(ROOMS, {"arrival": arrival}) == 1, f"commit {nth}"
        orm.session.rollback()
    assert nth > 15


def _book(phone: str, arrival: date, injector: OnTheNth, deliver, run_jobs, graph) -> None:
    """From the choice of a room on, everything may be lost."""
    told_until_200(deliver, bodies.said(_wish("suite", arrival, arrival + timedelta(days=1)), phone=phone))
    until_rest(run_jobs, injector)
    injector.is_armed = True
    for _ in range(2):
        chosen = _choice_of(_last(graph, phone).body)
        assert chosen, [one.text for one in graph.sent if one.to == phone]
        kind, option = chosen
        tapped = bodies.message("interactive", interactive={"type": kind, kind: option})
        told_until_200(deliver, bodies.from_guest(tapped, phone=phone))
        until_rest(run_jobs, injector)


def _last(graph, phone: str) -> Heard:
    return [one for one in graph.sent if one.to == phone][-1]


@pytest.mark.chaos
@pytest.mark.timeout(300)
@pytest.mark.parametrize("kind", KINDS)
def test_a_program_that_asks_again_under_its_key_has_one_booking(shaky, client, api_worker, kind):
    token = bearer.create_token(by_slug("miramar"))
    nth, has_struck = 0, True
    while has_struck:
        nth += 1
        arrival = date.today() + timedelta(days=60 + nth)
        body = {
            "hotel": "miramar",
            "check_in": str(arrival),
            "check_out": str(arrival + timedelta(days=1)),
            "adults": 2,
        }
        body |= {"room_type": "suite", "guest": {"name": "Marta García"}}
        injector = shaky(kind, nth)
        injector.is_armed = True
        headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": f"{kind}-{nth}"}
        told: list[int] = []
        while len(told) < ROUNDS and 201 not in told:
            told.append(client.post("/api/reservations", json=body, headers=headers).status_code)
            orm.session.remove()
            if told[-1] == 409:  # Whoever may still be at it is waited for.
                injector.is_armed = False
                orm.session.execute(text("update api_requests set asked_at = asked_at - interval '1 minute'"))
                orm.session.commit()
        injector.is_armed, has_struck = False, injector.has_struck
        assert told[-1] == 201, f"commit {nth}: {told}"
        assert orm.session.scalar(BOOKED_THEN, {"arrival": arrival}) == 1, f"commit {nth}"
        assert orm.session.scalar(ROOMS, {"arrival": arrival}) == 1, f"commit {nth}"
        orm.session.rollback()
    assert nth > 5
