"""The agent by API: who may ask, what is told, and that nobody waits for ever."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from rq.serializers import JSONSerializer
from sqlalchemy import text

from hotel_agent import queues
from hotel_agent.assets import public_address
from hotel_agent.channels.whatsapp.limits import Choice, OutButtons
from hotel_agent.config import settings
from hotel_agent.conversations import answering, routes
from hotel_agent.conversations.dialogue import Answer
from hotel_agent.conversations.handover import take_over
from hotel_agent.db import db
from hotel_agent.hotels.finding import by_slug
from hotel_agent.redis import redis
from hotel_agent.staff import bearer
from tests.conversations.cast import ana
from workers.worker import AppWorker, warm_up

URL = "/api/orchestrator/process"


@pytest.fixture
def worker(app):
    """A worker in a thread, listening to the API's queue; nobody waits for what it has to load first."""
    warm_up(app)
    queue = queues.queue(queues.API)
    worker = AppWorker([queue], connection=redis(), serializer=JSONSerializer)
    worker.app = app
    over = threading.Event()

    def work() -> None:
        while not over.is_set():
            found = queue.dequeue_any([queue], timeout=None, connection=redis(), serializer=JSONSerializer)
            if found:
                worker.execute_job(*found)
            else:
                over.wait(0.005)

    # Signals are for main threads; the job's time limit is not what is tested here.
    worker.death_penalty_class = _NoLimit  # type: ignore[assignment]
    thread = threading.Thread(target=work)
    thread.start()
    yield worker
    over.set()
    thread.join()


class _NoLimit:
    def __init__(self, *_: Any, **__: Any) -> None:
        pass

    def __enter__(self) -> None:
        pass

    def __exit__(self, *_: Any) -> None:
        pass


@pytest.fixture
def ask(client, app):
    token = bearer.create_token(by_slug("miramar"))

    def ask(text: str | None = "Hola", *, token: str | None = token, **given: Any) -> Any:
        asked = {"hotel": "miramar", "sender_id": "crm-7"} | ({"text": text} if text is not None else {}) | given
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        return client.post(URL, json={key: kept for key, kept in asked.items() if kept is not ...}, headers=headers)

    return ask


def is_problem(answer: Any, status: int, field: str | None = None) -> bool:
    assert answer.content_type == "application/problem+json"
    assert answer.json["status"] == answer.status_code == status, answer.text
    return answer.json.get("field") == field


def test_a_message_is_answered_in_the_response(ask, worker, graph, echo):
    told = ask("¿Hay sitio?").json
    assert told["replies"] == [{"type": "text", "text": "re: ¿Hay sitio?"}]
    assert told["owner"] == "agent"
    assert told["handed_over"] is False
    assert told["intent"] == told["intents"][0]["intent"]
    assert {"confidence", "entities", "ambiguous", "language", "session_id"} <= told.keys()
    assert not graph.tried
    rows = db.session.execute(text("select direction, status, handling from messages order by id")).all()
    assert rows == [("in", "received", "answered"), ("out", "sent", "none")]


def test_the_conversation_goes_on_with_the_same_sender(ask, worker, echo):
    first, second = ask("uno").json, ask("dos").json
    assert first["session_id"] == second["session_id"]
    assert [turn.state for turn in echo] == [{}, {"answers": 1}]


def test_a_tapped_button_is_heard(ask, worker, echo):
    ask(None, reply_id="yes")
    assert (echo[0].heard[0].reply_id, echo[0].heard[0].type) == ("yes", "interactive")


def test_buttons_are_told_with_their_ids(ask, worker, monkeypatch):
    answer = Answer((OutButtons("¿Confirmo?", (Choice("yes", "Sí"), Choice("no", "No"))),), None, {}, "es")
    monkeypatch.setattr(answering, "reply_to", lambda turn: answer)
    assert ask().json["replies"] == [
        {
            "type": "buttons",
            "text": "¿Confirmo?",
            "buttons": [{"id": "yes", "title": "Sí"}, {"id": "no", "title": "No"}],
        }
    ]


def test_a_photo_is_told_with_its_address_and_the_rooms_with_their_ids(ask, worker):
    image, choices = ask("¿Tienes fotos de la suite?", sender_id="api-photo").json["replies"]
    assert (image["type"], image["link"]) == ("image", public_address("rooms/miramar-suite.jpg"))
    assert "Suite con vistas al mar" in image["text"]
    assert [button["id"] for button in choices["buttons"]] == ["room_book:suite", "ask:availability", "ask:rooms"]
    listed = ask(None, reply_id="ask:rooms", sender_id="api-photo").json
    assert [row["id"] for row in listed["replies"][-1]["rows"]] == [
        "room:individual",
        "room:doble",
        "room:familiar",
        "room:suite",
    ]
    assert listed["intent"] == "ask_room_types"


@pytest.mark.parametrize(
    "asks", ["¿Dónde estáis? ¿Cómo llego?", "Where are you? How do I get there?", "Onde vocês ficam? Como chego?"]
)
def test_the_way_is_told_as_a_place_on_the_map_and_in_words(ask, worker, asks):
    place, words = ask(asks, sender_id=f"api-{asks[0]}").json["replies"]
    assert place["type"] == "location"
    assert "Hotel Miramar" in place["text"]
    assert words["type"] == "text"


def test_who_may_ask(ask, client):
    andes = bearer.create_token(by_slug("andes"))
    assert is_problem(ask(token=None), 401)
    assert is_problem(ask(token="hat_guess"), 401)
    assert is_problem(ask(token="a.b.c"), 401)
    assert is_problem(ask(token=andes), 403)
    assert is_problem(ask(hotel="atlantis"), 404)
    assert is_problem(client.post(URL, data="{"), 401)
    headers = {"Authorization": f"Bearer {andes}"}
    assert is_problem(client.post(URL, data="{", headers=headers), 400, "body")
    assert is_problem(client.get(URL), 405)
    bearer.revoke_token(andes)
    assert is_problem(ask(token=andes, hotel="andes"), 401)


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"text": None}, "text"),
        ({"text": ""}, "text"),
        ({"text": 7}, "text"),
        ({"text": "x" * 4097}, "text"),
        ({"text": "Hola", "reply_id": "yes"}, "text"),
        ({"reply_id": ["yes"], "text": None}, "reply_id"),
        ({"sender_id": ...}, "sender_id"),
        ({"sender_id": {}}, "sender_id"),
        ({"hotel": ...}, "hotel"),
        ({"today": "31/12/2030"}, "today"),
        ({"today": "2030-02-30"}, "today"),
        ({"today": 20300101}, "today"),
        ({"language": "klingon"}, "language"),
        ({"language": "fr"}, "language"),
    ],
    ids=str,
)
def test_bad_input_is_named(ask, given, field):
    assert is_problem(ask(**given), 400, field)


def test_nul_and_half_a_surrogate_do_no_harm(ask, worker, echo):
    assert ask("Hola\x00 \ud800", sender_id="crm\x00").status_code == 200


def test_today_replaces_the_hotels_date_except_in_production(ask, worker, echo, monkeypatch):
    assert ask(today="2031-05-06").status_code == 200
    assert echo[0].today.isoformat() == "2031-05-06"
    monkeypatch.setattr(settings(), "app_env", "production")
    assert is_problem(ask(today="2031-05-06"), 400, "today")


def test_the_language_asked_for_is_used(ask, worker, echo):
    assert ask(language="pt").json["language"] == "pt"


def test_while_staff_own_the_conversation_there_are_no_replies(ask, worker, echo):
    ask("uno")
    take_over(db.session.scalar(text("select id from conversations")), ana(), hotel_id=1)
    told = ask("dos").json
    assert (told["replies"], told["owner"]) == ([], "staff")
    assert told["handed_over"] is True
    assert len(echo) == 1


def test_where_no_worker_answers_the_caller_is_told_to_come_back(ask, echo, monkeypatch):
    monkeypatch.setattr(routes, "WAIT_SECONDS", 1)
    answer = ask()
    assert is_problem(answer, 503)
    assert int(answer.headers["Retry-After"]) > 0
    assert db.session.scalar(text("select handling from messages")) == "none"


def test_without_valkey_the_caller_is_told_to_come_back(ask, monkeypatch):
    from redis import Redis
    from redis.backoff import NoBackoff
    from redis.retry import Retry

    nowhere = Redis(port=9, retry=Retry(NoBackoff(), 0))
    monkeypatch.setattr(queues, "redis", lambda: nowhere)
    assert is_problem(ask(), 503)


def test_a_dialogue_that_fails_is_told_as_503_and_leaves_nothing_waiting(ask, worker, monkeypatch):
    monkeypatch.setattr(answering, "reply_to", lambda turn: 1 / 0)
    assert is_problem(ask(), 503)
    assert db.session.scalar(text("select count(*) from messages where handling = 'pending'")) == 0


def test_a_sender_is_never_joined_to_a_whatsapp_guest(ask, worker, marta_says, run_jobs, sent, echo):
    marta_says("Hola", phone="34600111222")
    run_jobs()
    ask("Hola", sender_id="34600111222")
    guests = db.session.execute(text("select kind, value, guest_id from guest_identities order by 1")).all()
    assert [(kind, value) for kind, value, _ in guests] == [("api", "34600111222"), ("phone", "34600111222")]
    assert guests[0].guest_id != guests[1].guest_id
    assert len(sent) == 1


def test_two_hotels_know_the_same_sender_as_two(ask, worker, echo):
    ask("Hola")
    ask("Hola", hotel="andes", token=bearer.create_token(by_slug("andes")))
    assert db.session.scalar(text("select count(distinct guest_id) from guest_identities")) == 2


def test_two_calls_of_one_sender_at_once_are_both_answered(app, ask, worker, echo):
    ask("Hola")
    token = bearer.create_token(by_slug("miramar"))

    def call(number: int) -> Any:
        given = {"hotel": "miramar", "sender_id": "crm-7", "text": str(number)}
        with app.test_client() as client:
            return client.post(URL, json=given, headers={"Authorization": f"Bearer {token}"}).json

    with ThreadPoolExecutor(2) as pool:
        told = list(pool.map(call, range(6)))
    assert [answer["replies"][0]["text"] for answer in told] == [f"re: {number}" for number in range(6)]
    assert db.session.scalar(text("select count(*) from conversations")) == 1


def test_a_card_number_is_not_kept(ask, worker, echo):
    ask("mi tarjeta es 4111 1111 1111 1111")
    assert db.session.scalar(text("select body from messages where direction = 'in'")) == "mi tarjeta es **** 1111"
