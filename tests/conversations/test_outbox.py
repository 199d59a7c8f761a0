"""Replies on the wire: each kind of refusal does what it should, and nothing is ever said twice."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, text

from hotel_agent.channels.whatsapp.client import GraphClient
from hotel_agent.channels.whatsapp.limits import Choice, OutButtons, OutList, OutText, Row
from hotel_agent.config import settings
from hotel_agent.conversations import outbox, sweeping
from hotel_agent.conversations.handover import take_over
from hotel_agent.conversations.models import Conversation, Message
from hotel_agent.db import connect, db, utcnow
from hotel_agent.hotels.credentials import seal
from hotel_agent.hotels.finding import by_slug
from hotel_agent.hotels.models import HotelIdentifier
from tests.conversations import bodies
from tests.conversations.bodies import MARTA
from tests.conversations.cast import ana
from tests.fakes.graph import DROP, DROP_UNHEARD, GARBAGE, UNAVAILABLE, Graph, error, hang
from workers import messages as jobs
from workers import upkeep

EVA = "34600999888"


@pytest.fixture
def talk(marta_says, run_jobs, graph, echo) -> Callable[..., Conversation]:
    """A guest has written and been answered; what is sent from now on is what the test looks at."""

    def begin(phone: str = MARTA, **who: Any) -> Conversation:
        marta_says("Hola", phone=phone, **who)
        run_jobs()
        graph.heard.clear()
        conversation_id = db.session.scalar(select(Conversation.id).order_by(Conversation.id.desc()).limit(1))
        return db.session.get_one(Conversation, conversation_id)

    return begin


def say(conversation: Conversation, *words: str, author: str = "agent") -> None:
    for each in words:
        outbox.put(conversation, OutText(each), author)
    db.session.commit()


def send(conversation: Conversation) -> None:
    outbox.deliver(conversation.id, jobs.graph())


def rows_of(conversation: Conversation) -> list[Message]:
    """All but the answer to the greeting."""
    db.session.rollback()
    conversation_id = conversation.id
    query = select(Message).where(Message.direction == "out", Message.conversation_id == conversation_id)
    return list(db.session.scalars(query.order_by(Message.id)))[1:]


def last(conversation: Conversation) -> Message:
    return rows_of(conversation)[-1]


def wait_of(message: Message) -> timedelta:
    assert message.next_attempt_at
    return message.next_attempt_at - utcnow()


def number() -> HotelIdentifier:
    db.session.rollback()
    return db.session.scalars(select(HotelIdentifier).where(HotelIdentifier.identifier_value == bodies.MIRAMAR)).one()


def time_passes(seconds: int = 3600) -> None:
    db.session.rollback()
    span = timedelta(seconds=seconds)
    for column in ("next_attempt_at", "sending_at"):
        db.session.execute(text(f"update messages set {column} = {column} - :span").bindparams(span=span))
    db.session.execute(
        text("update tenant_user_identifiers set paused_until = paused_until - :span").bindparams(span=span)
    )
    db.session.commit()


@pytest.mark.parametrize(
    "refusal",
    [error(131000), error(131016), error(2), UNAVAILABLE, DROP_UNHEARD],
    ids=["131000", "131016", "2", "503", "dropped"],
)
def test_a_passing_trouble_is_tried_again_or_waited_for(talk, graph, refusal):
    marta = talk()
    graph.behave(refusal)
    say(marta, "¿Sigue ahí?")
    send(marta)
    unheard = refusal is DROP_UNHEARD  # From outside it looks as if it had been heard.
    assert last(marta).status == ("unknown" if unheard else "queued")
    time_passes()
    send(marta)
    assert len(graph.sent) == (0 if unheard else 1)


def test_trouble_that_does_not_pass_ends_with_staff(talk, graph):
    marta = talk()
    graph.always(error(131016))
    say(marta, "¿Sigue ahí?")
    for _ in range(outbox.TRIES + 2):
        send(marta)
        time_passes()
    assert len(graph.tried) == outbox.TRIES
    assert (last(marta).status, last(marta).error_code) == ("failed", 131016)
    assert (marta.status, marta.waiting_reason) == ("waiting", "send_failed")


def test_waits_grow_and_differ():
    for attempt in range(5):
        waits = {outbox._backoff(attempt).total_seconds() for _ in range(20)}
        assert len(waits) > 10
        assert min(waits) >= 0.25 * 2**attempt
        assert max(waits) <= 0.75 * 2**attempt


def test_nobody_listens_at_all(talk, monkeypatch):
    marta = talk()
    say(marta, "¿Sigue ahí?")
    with GraphClient("http://127.0.0.1:9/v26.0", timeout=1) as nowhere:
        outbox.deliver(marta.id, nowhere)
    assert last(marta).status == "queued"
    assert wait_of(last(marta)) > timedelta(0)


def test_the_pair_rate_slows_only_that_guest(talk, graph):
    marta, eva = talk(), talk(phone=EVA, name="Eva")
    graph.behave(error(131056), to=MARTA)
    say(marta, "uno", "dos")
    say(eva, "hola Eva")
    send(marta)
    send(eva)
    assert [heard.to for heard in graph.sent] == [EVA]
    assert [message.status for message in rows_of(marta)] == ["queued", "queued"]
    assert timedelta(0) < wait_of(rows_of(marta)[0]) <= timedelta(seconds=1)
    graph.behave(error(131056), to=MARTA)
    time_passes(2)
    send(marta)
    assert timedelta(seconds=3) < wait_of(rows_of(marta)[0]) <= timedelta(seconds=4)
    time_passes(5)
    send(marta)
    assert [heard.text for heard in graph.sent] == ["hola Eva", "uno", "dos"]


def test_the_numbers_own_rate_slows_all_its_guests(talk, graph):
    marta, eva = talk(), talk(phone=EVA, name="Eva")
    graph.behave(error(130429, retry_after=30))
    say(marta, "uno")
    say(eva, "dos")
    send(marta)
    send(eva)
    assert not graph.sent
    assert sweeping.find_forgotten().sends == []
    time_passes(31)
    send(eva)
    send(marta)
    assert len(graph.sent) == 2


@pytest.mark.parametrize("code", [190, 10, 200, 131005, 131031, 131042], ids=str)
def test_a_refusal_of_the_account_stops_the_lane_and_keeps_the_outbox(talk, graph, client, code):
    marta, eva = talk(), talk(phone=EVA, name="Eva")
    graph.always(error(code, 401 if code == 190 else 400))
    say(marta, "uno", "dos")
    say(eva, "tres")
    for _ in range(3):
        send(marta)
        send(eva)
    assert len(graph.tried) == 1
    assert [message.status for message in rows_of(marta) + rows_of(eva)] == ["queued"] * 3
    ready = client.get("/readyz")
    assert (ready.status_code, ready.json["status"]) == (200, "degraded")
    assert any("stopped" in each for each in ready.json["degraded"])
    assert "\nlanes_stopped 1.0" in client.get("/metrics").text
    assert str(code) in str(number().stopped_reason)
    time_passes(61)
    send(marta)
    send(eva)
    assert len(graph.tried) == 2  # One asks whether it works again.
    graph.forget()
    time_passes(61)
    send(marta)
    send(eva)
    assert [heard.text for heard in graph.sent] == ["uno", "dos", "tres"]
    assert number().stopped_at is None
    assert marta.status == "open"


def test_a_stopped_lane_goes_on_with_a_new_token(talk, graph):
    marta = talk()
    graph.behave(error(190, 401))
    say(marta, "uno", "dos")
    send(marta)
    hotel = by_slug("miramar")
    hotel.whatsapp_access_token = seal("a-new-token")
    db.session.commit()
    upkeep.bring_back()
    send(marta)
    assert [heard.token for heard in graph.sent] == ["a-new-token"] * 2
    assert number().stopped_at is None


def test_a_hotel_without_a_token_is_stopped_not_forgotten(talk, graph, monkeypatch, client):
    marta = talk()
    monkeypatch.setattr(settings(), "whatsapp_access_token", None)
    say(marta, "uno")
    send(marta)
    assert not graph.tried
    assert number().stopped_reason == "no access token"
    monkeypatch.undo()
    with GraphClient(graph.url) as anew:
        time_passes(61)
        outbox.deliver(marta.id, anew)
    assert len(graph.sent) == 1


@pytest.mark.parametrize("code", [131047, 470])
def test_a_window_that_meta_calls_closed_goes_to_staff_at_once(talk, graph, code):
    marta = talk()
    graph.behave(error(code))
    say(marta, "uno")
    send(marta)
    time_passes()
    send(marta)
    assert len(graph.tried) == 1
    assert (last(marta).status, last(marta).error_code) == ("failed", code)
    assert (marta.status, marta.waiting_reason) == ("waiting", "window_closed")


def test_a_window_that_we_know_to_be_closed_is_not_even_tried(talk, graph):
    marta = talk()
    marta.last_inbound_at = utcnow() - timedelta(hours=24, seconds=1)
    say(marta, "uno")
    send(marta)
    assert not graph.tried
    assert (last(marta).status, marta.status) == ("failed", "waiting")


@pytest.mark.parametrize("code", [131026, 131030, 131049, 131050, 100, 132000, 131053, 999999], ids=str)
def test_what_will_never_arrive_is_shown_to_staff_and_does_not_hold_up_the_next(talk, graph, code):
    marta = talk()
    graph.behave(error(code))
    say(marta, "uno", "dos")
    send(marta)
    assert [message.status for message in rows_of(marta)] == ["failed", "sent"]
    assert (marta.status, marta.waiting_reason) == ("waiting", "send_failed")
    time_passes()
    send(marta)
    assert len(graph.tried) == 2


@pytest.mark.parametrize("code", [34600111222, 2**70, -1])
def test_a_number_that_can_be_no_code_of_metas_is_neither_kept_nor_counted(talk, graph, client, code):
    marta = talk()
    graph.behave(error(code))
    say(marta, "uno")
    send(marta)
    assert (last(marta).status, last(marta).error_code) == ("failed", None)
    assert f'code="{code}"' not in client.get("/metrics").text


@pytest.mark.parametrize("loss", [DROP, GARBAGE, "silence"], ids=["dropped", "garbage", "silence"])
def test_a_lost_answer_is_never_sent_again_and_ends_with_staff(talk, graph, monkeypatch, loss):
    marta = talk()
    over = threading.Event()
    graph.behave(hang(over) if loss == "silence" else loss)
    say(marta, "uno")
    with GraphClient(graph.url, timeout=0.3) as impatient:
        outbox.deliver(marta.id, impatient)
    over.set()
    assert last(marta).status == "unknown"
    upkeep.settle_unknown_sends()
    assert marta.status == "open"
    time_passes(119)
    upkeep.settle_unknown_sends()
    assert marta.status == "open"
    time_passes(2)
    for _ in range(3):
        upkeep.settle_unknown_sends()
        send(marta)
        upkeep.bring_back()
    db.session.expire_all()
    assert (marta.status, marta.waiting_reason) == ("waiting", "send_unknown")
    assert len(graph.tried) == 1


def test_a_late_status_takes_an_unknown_message_back_from_staff(talk, graph, monkeypatch, deliver, run_jobs):
    marta = talk()
    graph.behave(DROP)
    say(marta, "uno")
    send(marta)
    time_passes(121)
    upkeep.settle_unknown_sends()
    [heard] = graph.sent
    deliver(bodies.status(heard.wamid, "sent", data=heard.callback_data))
    run_jobs()
    assert (last(marta).status, marta.status) == ("sent", "open")


def test_a_row_left_in_sending_by_a_dead_process_is_unknown(talk, graph):
    marta = talk()
    say(marta, "uno", "dos")
    assert outbox._claim(marta.id)
    assert rows_of(marta)[0].status == "sending"
    send(marta)
    assert [message.status for message in rows_of(marta)] == ["unknown", "sent"]
    assert [heard.text for heard in graph.sent] == ["dos"]


@pytest.fixture
def unwritable(monkeypatch) -> Iterator[Callable[[str], object]]:
    """`unwritable("53100")`: from now on no message can be written down, for that reason, until somebody has waited."""

    def end() -> None:
        with connect() as database:
            database.execute("drop function if exists refuse cascade")

    def begin(state: str) -> None:
        with connect() as database:
            refusal = f"begin raise exception 'no writes' using errcode = '{state}'; end"
            database.execute(f"create function refuse() returns trigger language plpgsql as $${refusal}$$")
            database.execute("create trigger refuse before update on messages for each row execute function refuse()")

    monkeypatch.setattr(outbox, "sleep", lambda _: end())
    yield begin
    db.session.rollback()
    end()


@pytest.mark.parametrize("state", ["25006", "53100"], ids=["read only", "disk full"])
def test_what_came_of_a_send_is_kept_in_mind_while_nothing_can_be_written(talk, graph, unwritable, state):
    marta = talk()
    begin = iter([state])
    graph.while_sending = lambda _heard: [unwritable(each) for each in begin]
    graph.behave(error(131016))
    say(marta, "uno")
    send(marta)
    assert (last(marta).status, last(marta).error_code) == ("queued", 131016)
    time_passes(60)
    send(marta)
    assert (last(marta).status, [heard.text for heard in graph.sent]) == ("sent", ["uno"])


def test_order_is_kept_within_a_conversation(talk, graph):
    marta = talk()
    graph.behave(error(131016), error(131016))
    say(marta, *(str(number) for number in range(8)))
    threads = [threading.Thread(target=_sender(marta.id)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for _ in range(3):
        time_passes(60)
        send(marta)
    assert [heard.text for heard in graph.sent] == [str(number) for number in range(8)]


def _sender(conversation_id: int) -> Callable[[], None]:
    from flask import current_app

    app = current_app._get_current_object()  # type: ignore[attr-defined]
    client = jobs.graph()

    def run() -> None:
        with app.app_context():
            outbox.deliver(conversation_id, client)

    return run


def test_long_words_are_split_at_a_sentence(talk, graph):
    marta = talk()
    say(marta, "Una frase corta. " * 600)
    send(marta)
    assert len(graph.sent) == 3
    assert all(len(heard.text) <= 4096 and heard.text.endswith(".") for heard in graph.sent)
    assert sum(heard.text.count("Una frase corta.") for heard in graph.sent) == 600


def test_buttons_and_lists_reach_meta_within_its_limits(talk, graph):
    marta = talk()
    outbox.put(marta, OutButtons("¿Confirmo?", (Choice("yes", "Sí, confirmar la reserva ahora"), Choice("no", "No"))))
    outbox.put(
        marta,
        OutList(
            "¿Cuál?", "Ver habitaciones", tuple(Row(f"r{n}", f"Habitación {n} con vistas al mar") for n in range(12))
        ),
    )
    db.session.commit()
    send(marta)
    assert all(message.status == "sent" for message in rows_of(marta))
    buttons = graph.sent[0].body["interactive"]["action"]["buttons"]
    assert [button["reply"]["id"] for button in buttons] == ["yes", "no"]


def test_a_guest_without_a_phone_is_reached_by_the_scoped_id(talk, graph):
    marta = talk(phone=None, bsuid="ES.77")
    say(marta, "uno")
    send(marta)
    assert graph.sent[0].body["recipient"] == "ES.77"
    assert "to" not in graph.sent[0].body


def test_a_guest_is_reached_by_the_new_number(talk, graph, deliver, run_jobs):
    marta = talk()
    deliver(bodies.number_change(MARTA, "34600000002"))
    run_jobs()
    say(marta, "uno")
    send(marta)
    assert graph.sent[0].to == "34600000002"


def test_staff_words_are_sent_while_staff_own_and_the_agents_are_not(talk, graph):
    marta = talk()
    take_over(marta.id, ana(), hotel_id=marta.hotel_id)
    say(marta, "del agente")
    say(marta, "de Ana", author="staff")
    send(marta)
    assert [heard.text for heard in graph.sent] == ["de Ana"]
    assert [message.status for message in rows_of(marta)] == ["cancelled", "sent"]


def test_each_send_carries_our_id(talk, graph):
    marta = talk()
    say(marta, "uno")
    send(marta)
    assert graph.sent[0].callback_data == f"m{last(marta).id}"


def test_no_transaction_is_open_while_meta_is_spoken_to(marta_says, run_jobs, graph: Graph, echo, servers):
    open_ones: list[str] = []

    def look(_: object) -> None:
        with connect("the test") as connection:
            found = connection.execute(
                "select application_name, state, query from pg_stat_activity"
                " where state like 'idle in transaction%' and datname = current_database()"
            ).fetchall()
        open_ones.extend(map(str, found))

    graph.while_sending = look
    marta_says("Hola")
    run_jobs()
    assert len(graph.sent) == 1
    assert open_ones == []


def test_a_claim_that_loses_to_the_owner_is_not_sent(talk, graph, monkeypatch):
    marta = talk()
    say(marta, "uno", "dos")
    marta_id = marta.id
    graph.while_sending = lambda heard: _taken_over(marta_id)
    send(marta)
    assert [heard.text for heard in graph.sent] == ["uno"]
    assert [message.status for message in rows_of(marta)] == ["sent", "cancelled"]


def _taken_over(conversation_id: int) -> None:
    with connect("the test") as connection:
        connection.execute("update conversations set owner = 'staff' where id = %s", (conversation_id,))
