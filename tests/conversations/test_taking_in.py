"""From bodies to rows: the same rows whatever the order, the grouping and the number of deliveries."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from itertools import permutations
from time import time
from typing import Any

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import OperationalError

from hotel_agent.conversations import filing, inbox, taking_in
from hotel_agent.conversations.dialogue import Opinion, Question, Request
from hotel_agent.conversations.models import Conversation, InboundEvent, Message
from hotel_agent.conversations.waiting import hand_over
from hotel_agent.db import connect, db
from hotel_agent.hotels.credentials import fingerprint
from hotel_agent.hotels.finding import by_slug
from hotel_agent.hotels.models import HotelIdentifier
from tests.conversations import bodies
from tests.conversations.bodies import from_guest, message, placeholder, said
from tests.conversations.recorded import numbers, one_by_one, recent, recorded, source

SECRET = "app-secret-of-the-tests"


@pytest.fixture
def take_in(app):
    """Keep bodies and take them in, one after the other."""

    def take_in(*given: Any, signed_by: str = fingerprint(SECRET)) -> None:
        for body in given:
            data = body if isinstance(body, bytes) else bodies.raw(body)
            db.session.add(InboundEvent(body=data, signed_by=signed_by))
            db.session.flush()
        db.session.commit()
        while taking_in.take_in().more:
            pass

    return take_in


@pytest.fixture
def known_numbers(app):
    """Every number of the recordings is one of the Miramar's."""
    hotel = by_slug("miramar")
    for number in numbers(recorded()) - {bodies.MIRAMAR, bodies.ANDES}:
        db.session.add(HotelIdentifier(hotel_id=hotel.id, channel="whatsapp", identifier_value=number))
    db.session.commit()


def rows(statement: str, **values: Any) -> list[Any]:
    found = list(db.session.execute(text(statement), values).all())
    db.session.rollback()
    return found


def state() -> dict[str, Any]:
    """What must not depend on the order: times of our own clock and our ids are left out."""
    people: dict[int, set[Any]] = defaultdict(set)
    for guest_id, kind, value, retired in rows(
        "select guest_id, kind, value, retired_at is not null from guest_identities"
    ):
        people[guest_id].add((kind, value, retired))
    names = {guest: frozenset(identities) for guest, identities in people.items()}
    return {
        "guests": sorted(
            (sorted(names.get(guest, ())), name)
            for guest, name in rows("select id, name from guests where id in (select guest_id from guest_identities)")
        ),
        "messages": {
            row.wamid: (*row[1:-1], names.get(row.guest_id))
            for row in rows(
                "select wamid, type, body, m.status, handling, m.sent_at, payload, guest_id"
                " from messages m join conversations c on c.id = conversation_id"
            )
        },
        "conversations": sorted(
            (sorted(names.get(row.guest_id, ())), *row[1:])
            for row in rows(
                "select guest_id, owner, status, waiting_since, last_inbound_at, identifier_id,"
                " answer_due_at is not null from conversations"
            )
        ),
        "early": {tuple(row) for row in rows("select wamid, status, error_code from early_statuses")},
        "open": rows("select count(*) from inbound_events where processed_at is null")[0][0],
    }


def assert_same(found: dict[str, Any], expected: dict[str, Any], when: str) -> None:
    for part in expected:
        missing, extra = _difference(expected[part], found[part]), _difference(found[part], expected[part])
        assert (missing, extra) == (type(missing)(), type(extra)()), f"{part}, {when}"


def _difference(one: Any, other: Any) -> Any:
    if isinstance(one, dict):
        return {key: kept for key, kept in one.items() if other.get(key) != kept}
    return [item for item in one if item not in other] if isinstance(one, list | set) else one != other


def forget_everything() -> None:
    """What was said, and who said it; the hotels' own guests have no identities and stay."""
    people = list(db.session.scalars(text("select distinct guest_id from guest_identities")))
    for table in ("message_ids", "messages", "early_statuses", "inbound_events", "webhook_failures"):
        db.session.execute(text(f"delete from {table}"))
    db.session.execute(text("delete from guests where id = any(:people)"), {"people": people})
    db.session.commit()


def handling(wamid: str) -> str:
    return str(rows("select handling from messages where wamid = :wamid", wamid=wamid)[0][0])


def failures() -> list[str]:
    return [reason for (reason,) in rows("select reason from webhook_failures where resolved_at is null order by id")]


@pytest.mark.parametrize("age", ["as recorded", "recent"])
def test_recordings_leave_the_same_rows_in_any_order_and_grouping(known_numbers, take_in, age, capsys):
    given = recorded() if age == "as recorded" else recent(recorded())
    print(f"{len(given)} bodies of {source()}")
    take_in(*given)
    expected = state()
    assert len(expected["messages"]) > 15
    assert expected["open"] == 0
    take_in(*given)
    assert_same(state(), expected, "taken in twice")
    for seed in range(4):
        chance = random.Random(seed)
        shuffled = given + chance.sample(given, len(given) // 3)
        if seed % 2:
            shuffled = one_by_one(shuffled)
        chance.shuffle(shuffled)
        if seed > 1:
            shuffled = [bodies.merged(*shuffled[at : at + 7]) for at in range(0, len(shuffled), 7)]
        forget_everything()
        take_in(*shuffled)
        assert_same(state(), expected, f"in the order of seed {seed}")


def test_a_placeholder_is_replaced_by_what_was_said_and_answered_once(deliver, run_jobs, sent, echo):
    deliver(placeholder("wamid.1"))
    run_jobs()
    assert handling("wamid.1") == "staff"
    deliver(said("¿Hay sitio?", "wamid.1"))
    deliver(placeholder("wamid.1"))
    deliver(said("¿Hay sitio?", "wamid.1"))
    run_jobs()
    assert [heard.text for heard in sent] == ["re: ¿Hay sitio?"]
    assert rows("select type, body, handling from messages where direction = 'in'") == [
        ("text", "¿Hay sitio?", "answered")
    ]
    assert rows("select status, waiting_since from conversations") == [("open", None)]


def test_a_placeholder_after_what_was_said_changes_nothing(deliver, run_jobs, sent, echo):
    deliver(said("¿Hay sitio?", "wamid.1"))
    deliver(placeholder("wamid.1"))
    run_jobs()
    assert rows("select type, body, handling from messages where direction = 'in'") == [
        ("text", "¿Hay sitio?", "answered")
    ]
    assert rows("select status from conversations") == [("open",)]
    assert len(sent) == 1


def test_a_guest_who_asked_for_a_person_goes_on_waiting_when_a_placeholder_is_replaced(take_in):
    take_in(placeholder("wamid.1"))
    conversation = db.session.scalars(select(Conversation)).one()
    hand_over(conversation, "asked_for_a_person")
    db.session.commit()
    take_in(said("¿Hay sitio?", "wamid.1"))
    assert rows("select status, waiting_reason from conversations") == [("waiting", "asked_for_a_person")]


def test_a_guest_without_a_phone_joins_the_one_with_it_when_one_payload_shows_both(take_in):
    take_in(said("Desde el móvil", "wamid.1"), said("Con mi usuario", "wamid.2", phone=None, bsuid="ES.77"))
    guests = rows("select distinct guest_id from conversations")
    assert len(guests) == 2
    newest = max(guest for (guest,) in guests)
    a_reservation_of(newest)
    a_request_of(newest)
    take_in(said("Los dos", "wamid.3", bsuid="ES.77"))
    assert rows("select count(*), count(distinct conversation_id) from messages") == [(3, 1)]
    kept = rows("select guest_id from conversations")[0][0]
    assert rows("select guest_id from reservations where code = 'MIR-TEST22'") == [(kept,)]
    assert rows("select guest_id, count(*) from reservation_locks where hold_key = 'test' group by 1") == [(kept, 1)]
    for table in ("guest_requests", "missing_answers", "feedback"):
        told = f"select guest_id, conversation_id = (select id from conversations) from {table}"
        assert rows(told) == [(kept, True)]
    assert rows("select kind, value, guest_id from guest_identities order by 1") == [
        ("bsuid", "ES.77", kept),
        ("phone", "34600111222", kept),
    ]


def a_request_of(guest_id: int) -> None:
    """And a question, and what they thought."""
    one = db.session.scalars(select(Conversation).where(Conversation.guest_id == guest_id)).one()
    towels = Request("housekeeping", "Toallas", "m1:housekeeping")
    filing.file(one, [towels, Question("¿Bicis?", None, "es", "m1:question"), Opinion(5, "Bien", "m1:feedback")])
    db.session.commit()


def a_reservation_of(guest_id: int) -> None:
    db.session.execute(
        text("""
        insert into reservations
          (hotel_id, code, guest_id, guest_name, status, check_in, check_out, adults, total, currency)
        select hotel_id, 'MIR-TEST22', id, 'Marta', 'booked', '2031-01-01', '2031-01-02', 1, 65, 'EUR'
        from guests where id = :guest""").bindparams(guest=guest_id)
    )
    db.session.execute(
        text("""
        insert into reservation_locks (hotel_id, resource_id, status, check_in, check_out, guest_id, hold_key, price)
        select rooms.hotel_id, min(rooms.id), 'booked', '2031-01-01', '2031-01-02', :guest, 'test', 65
        from rooms join guests on guests.hotel_id = rooms.hotel_id and guests.id = :guest
        group by rooms.hotel_id""").bindparams(guest=guest_id)
    )
    db.session.commit()


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_a_new_number_leads_to_the_same_guest_in_any_order(take_in, order):
    now = time()
    told = [
        said("Antes", "wamid.1", phone="34600000001", at=now - 60),
        bodies.number_change("34600000001", "34600000002", at=now - 30, wamid="wamid.2"),
        said("Después", "wamid.3", phone="34600000002", at=now),
    ]
    take_in(*(told[place] for place in order))
    take_in(told[1], *told)
    assert rows("select count(*), count(distinct conversation_id) from messages") == [(3, 1)]
    assert rows("select value, retired_at is not null from guest_identities order by 1") == [
        ("34600000001", True),
        ("34600000002", False),
    ]
    assert rows("select handling from messages where wamid = 'wamid.2'") == [("none",)]


def test_whoever_gets_a_number_later_is_somebody_else(take_in):
    now = time()
    take_in(
        said("Antes", "wamid.1", phone="34600000001", at=now - 40 * 86400),
        bodies.number_change("34600000001", "34600000002", at=now - 30 * 86400, wamid="wamid.2"),
        said("Yo soy otro", "wamid.3", phone="34600000001", name="Otro", at=now),
        bodies.number_change("34600000001", "34600000002", at=now - 30 * 86400, wamid="wamid.2"),
        said("Y yo sigo aquí", "wamid.4", phone="34600000002", at=now),
    )
    guests = dict(rows("select wamid, guest_id from messages m join conversations c on c.id = conversation_id"))
    assert guests["wamid.1"] == guests["wamid.2"] == guests["wamid.4"] != guests["wamid.3"]
    assert rows("select count(*) from guest_identities") == [(3,)]


def test_the_phone_that_was_asked_for_names_the_guest(take_in):
    card = {
        "origin": "contact_request",
        "name": {"formatted_name": "M"},
        "phones": [{"wa_id": "34600111222"}],
    }
    take_in(
        said("Hola", "wamid.1"),
        from_guest(message("contacts", "wamid.2", contacts=[card]), phone=None, bsuid="ES.5"),
    )
    assert rows("select count(distinct guest_id), count(*) from guest_identities") == [(1, 2)]


def test_somebody_elses_card_joins_nobody(take_in):
    card = {"origin": "other", "name": {"formatted_name": "M"}, "phones": [{"wa_id": "34600111222"}]}
    take_in(
        said("Hola", "wamid.1"),
        from_guest(message("contacts", "wamid.2", contacts=[card]), phone=None, bsuid="ES.5"),
    )
    assert rows("select count(distinct guest_id) from guest_identities") == [(2,)]


def test_a_number_of_nobody_is_kept_and_taken_in_once_it_is_somebodys(app, take_in, deliver, run_jobs, sent, echo):
    take_in(said("Hola", "wamid.1", to="100000000000009"), said("Aquí sí", "wamid.2"))
    assert failures() == ["unknown_number"]
    assert rows("select wamid from messages where direction = 'in'") == [("wamid.2",)]
    cli = app.test_cli_runner()
    assert cli.invoke(args=["hotel", "add-number", "miramar", "100000000000009"]).exit_code == 0
    replayed = cli.invoke(args=["inbox", "replay"])
    assert replayed.exit_code == 0, replayed.output
    run_jobs()
    assert failures() == []
    assert sorted(heard.phone_number_id for heard in sent) == [bodies.MIRAMAR, "100000000000009"]


def test_what_cannot_be_read_is_kept_with_the_reason_and_harms_nobody(take_in):
    broken = said("Hola", "wamid.1")
    broken["entry"].append(
        {
            "changes": [
                {
                    "field": "messages",
                    "value": {
                        "metadata": {"phone_number_id": bodies.MIRAMAR},
                        "messages": [{"type": "text"}, 7],
                    },
                }
            ]
        }
    )
    take_in(b"{", b'"text"', b"\xff\xfe", b"[" * 5000, broken)
    assert failures() == ["unreadable"] * 6
    assert rows("select count(*) from inbound_events where processed_at is null") == [(0,)]
    assert rows("select wamid from messages") == [("wamid.1",)]


@pytest.fixture
def full_disk(app) -> Iterator[Callable[[], None]]:
    """No message has room in its table any more, until it is called."""

    def end() -> None:
        db.session.rollback()
        with connect() as database:
            database.execute("drop function if exists no_room cascade")

    with connect() as database:
        refusal = "begin raise exception 'no space left' using errcode = '53100'; end"
        database.execute(f"create function no_room() returns trigger language plpgsql as $${refusal}$$")
        database.execute("create trigger no_room before insert on messages for each row execute function no_room()")
    yield end
    end()


HOLA = message("text", "wamid.1", text={"body": "Hola"})


@pytest.mark.parametrize("others", [(), (message("text", "wamid.2"),)], ids=["alone", "with others"])
def test_however_long_the_disk_is_full_no_message_is_put_aside_for_it(take_in, full_disk, others):
    given = [from_guest(HOLA, *others)]
    for _ in range(taking_in.GIVE_UP_AFTER + 1):
        with suppress(OperationalError):
            take_in(*given)
        db.session.rollback()
        db.session.execute(text("update inbound_events set retry_at = null"))
        given.clear()
    full_disk()
    take_in()
    assert failures() == []
    assert ("wamid.1",) in rows("select wamid from messages")


def test_a_message_that_breaks_the_program_costs_its_neighbours_nothing(take_in, monkeypatch):
    real = taking_in._fill

    def fill(row: Message, given: Any) -> None:
        if given.wamid == "wamid.bad":
            raise RuntimeError("card 4111111111111111")
        real(row, given)

    monkeypatch.setattr(taking_in, "_fill", fill)
    three = from_guest(
        *(message("text", wamid, text={"body": "Hola"}) for wamid in ("wamid.1", "wamid.bad", "wamid.3"))
    )
    take_in(three, said("Detrás", "wamid.4"))
    assert sorted(rows("select wamid from messages")) == [("wamid.1",), ("wamid.3",), ("wamid.4",)]
    for _ in range(taking_in.GIVE_UP_AFTER):
        db.session.execute(text("update inbound_events set retry_at = null"))
        take_in()
    assert failures() == ["error"]
    assert rows("select place, detail from webhook_failures") == [("change 0 message 1", "RuntimeError")]
    monkeypatch.undo()
    inbox.put_back(None)
    take_in()
    assert len(rows("select wamid from messages")) == 4
    assert failures() == []


def test_words_of_another_hotels_secret_are_kept_but_not_answered(take_in):
    take_in(said("Hola", "wamid.1"), signed_by=fingerprint("a secret of somebody else"))
    assert failures() == ["wrong_secret"]
    assert rows("select count(*) from messages") == [(0,)]


def test_what_is_older_than_a_day_goes_to_staff_unanswered(deliver, run_jobs, sent, echo):
    yesterday = time() - 25 * 3600
    deliver(said("¿Hay sitio?", "wamid.1", at=yesterday))
    run_jobs()
    assert not sent
    assert handling("wamid.1") == "staff"
    [(status, since)] = rows("select status, waiting_since from conversations")
    assert (status, int(since.timestamp())) == ("waiting", int(yesterday))


def test_metas_time_is_kept(take_in):
    take_in(said("Hola", "wamid.1", at=1_700_000_000))
    assert rows("select extract(epoch from sent_at)::int from messages") == [(1_700_000_000,)]


@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        ("reaction", {"reaction": {"message_id": "wamid.0", "emoji": "👍"}}),
        (
            "edit",
            {
                "edit": {
                    "original_message_id": "wamid.0",
                    "message": {"type": "text", "text": {"body": "Hola!"}},
                }
            },
        ),
        ("revoke", {"revoke": {"original_message_id": "wamid.0"}}),
        ("system", {"system": {"type": "customer_identity_changed", "body": "changed"}}),
    ],
)
def test_what_asks_nothing_is_shown_and_never_answered(deliver, run_jobs, sent, echo, kind, fields):
    deliver(from_guest(message(kind, "wamid.1", **fields)))
    run_jobs()
    assert not sent
    [(type_, body, handled)] = rows("select type, body, handling from messages")
    assert (type_, handled) == (kind, "none")
    assert body
    assert rows("select status, waiting_since from conversations") == [("open", None)]


@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        ("image", {"image": {"id": "1", "mime_type": "image/jpeg"}}),
        ("unsupported", {"errors": [{"code": 131051, "title": "unknown"}], "unsupported": {"type": "gif"}}),
        ("hologram", {"hologram": {"id": 7}}),
        ("location", {"location": {"latitude": 40.4, "longitude": -3.7}}),
    ],
)
def test_what_the_agent_cannot_read_is_readable_for_staff_and_acknowledged(deliver, run_jobs, echo, kind, fields):
    deliver(from_guest(message(kind, "wamid.1", **fields)))
    run_jobs()
    assert [heard.kind for turn in echo for heard in turn.heard] == ["acknowledge"]
    assert rows("select type, body <> '' from messages where direction = 'in'") == [(kind, True)]


def test_card_numbers_are_nowhere_but_ids_are_untouched(take_in, capfd):
    card, spaced = "4111111111111111", "4111 1111 1111 1111"
    take_in(
        said(f"mi tarjeta es {card}", f"wamid.{card}", name=f"Marta {card}"),
        from_guest(message("image", "wamid.2", image={"id": card, "caption": spaced, "mime_type": "image/png"})),
        from_guest(message("contacts", "wamid.3", contacts=[{"name": {"formatted_name": spaced}, "phones": []}])),
        from_guest(
            message(
                "interactive",
                "wamid.4",
                interactive={"type": "list_reply", "list_reply": {"id": card, "title": spaced}},
            )
        ),
        from_guest(message("hologram", "wamid.5", hologram={"words": card})),
        said(spaced, "wamid.6", to="100000000000009"),
        bodies.raw(said(spaced, "wamid.7"))[:-1],
    )
    for table in ("messages", "guests", "conversations", "sessions"):
        for (row,) in rows(f"select t::text from {table} t"):
            cleaned = row.replace(f"wamid.{card}", "").replace(f'id"": ""{card}', "")
            assert card not in cleaned, row
            assert spaced not in cleaned, row
    for table in ("inbound_events", "webhook_failures"):
        for (body,) in rows(f"select convert_from(body, 'UTF8') from {table}"):
            assert spaced not in body
            assert f"es {card}" not in body
    assert rows(
        "select payload->'image'->>'id', payload->'image'->>'caption' from messages where wamid = 'wamid.2'"
    ) == [(card, "**** 1111")]
    assert rows("select body from messages where wamid = 'wamid.6'") == []
    logged = capfd.readouterr()
    assert "1111 1111" not in logged.out + logged.err
    assert card not in logged.out + logged.err


def test_many_workers_take_in_the_same_and_related_bodies(app, deliver):
    given = [
        body
        for guest in range(6)
        for body in (
            said("uno", f"wamid.{guest}.1", phone=f"3460000000{guest}"),
            said("dos", f"wamid.{guest}.2", phone=None, bsuid=f"ES.{guest}"),
            said("tres", f"wamid.{guest}.3", phone=f"3460000000{guest}", bsuid=f"ES.{guest}"),
            said("cuatro", f"wamid.{guest}.4", phone=None, bsuid=f"ES.{guest}"),
            bodies.status(f"wamid.OUT{guest}", "delivered"),
        )
    ]
    random.Random(1).shuffle(given)
    for place in range(0, len(given), 3):
        deliver(bodies.merged(*given[place : place + 3]))
        deliver(bodies.merged(*reversed(given[place : place + 4])))

    def work() -> None:
        with app.app_context():
            while taking_in.take_in(5).bodies:
                pass

    with ThreadPoolExecutor(6) as pool:
        for done in [pool.submit(work) for _ in range(6)]:
            done.result()
    assert rows("select count(*) from inbound_events where processed_at is null or attempts > 0") == [(0,)]
    assert rows("select count(*), count(distinct wamid), count(distinct conversation_id) from messages") == [
        (24, 24, 6)
    ]
    assert rows("select count(*), count(distinct guest_id) from guest_identities") == [(12, 6)]
    assert rows("select count(*) from conversations") == [(6,)]
    assert failures() == []


def test_a_dialogue_under_way_survives_the_joining_of_two_guests(app, marta_says, run_jobs, echo, graph):
    """The phone's conversation has an old session, the scoped id's has the one that is going on."""
    scoped = {"phone": None, "bsuid": "ES.77"}
    marta_says("Antes", phone="34600777000")
    run_jobs()
    db.session.execute(text("update sessions set last_activity = now() - interval '1 day'"))
    db.session.commit()
    marta_says("Una doble", **scoped)
    run_jobs()
    marta_says("sí", phone="34600777000", bsuid="ES.77")
    run_jobs()
    assert echo[-1].state == {"answers": 1}
