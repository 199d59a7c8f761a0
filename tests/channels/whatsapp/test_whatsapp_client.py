import json
import socket
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from hotel_agent.channels.whatsapp.client import Accepted, GraphClient, NotSent, OutcomeUnknown, Refused
from hotel_agent.channels.whatsapp.errors import ErrorClass

TOKEN = "EAAsecrettoken"
BODY = {
    "messaging_product": "whatsapp",
    "to": "+34600123456",
    "type": "text",
    "text": {"body": "Hola, señora"},
}
YES = {"contacts": [{"input": "+34600123456", "wa_id": "34600123456"}], "messages": [{"id": "wamid.1"}]}


class FarEnd(ThreadingHTTPServer):
    """What stands in for Meta: answers as `reply(handler)` says and remembers what it was asked."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.asked: list[Any] = []
        self.connections = 0
        self.released = threading.Event()
        self.reply: Callable[[Any], Any] = lambda handler: handler.answer(200, json.dumps(YES).encode())

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_port}/v26.0"

    def get_request(self):
        self.connections += 1
        return super().get_request()

    def handle_error(self, request, client_address):
        pass


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: FarEnd

    def do_POST(self):
        content = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.asked.append((self.path, dict(self.headers), json.loads(content)))
        self.server.reply(self)

    def answer(self, status, content, **headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def hang_up(self):
        self.close_connection = True
        self.connection.shutdown(socket.SHUT_RDWR)

    def log_message(self, *_):
        pass


@pytest.fixture
def meta():
    server = FarEnd()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.released.set()
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def graph(meta):
    with GraphClient(meta.url, timeout=0.5) as client:
        yield client


def send(graph):
    return graph.send("100", TOKEN, BODY)


def error(code, **more):
    return json.dumps({"error": {"code": code, "message": "No", **more}}).encode()


def test_a_message_is_sent_as_meta_wants_it(graph, meta):
    assert send(graph) == Accepted("wamid.1", "+34600123456", "34600123456")
    ((path, headers, body),) = meta.asked
    assert path == "/v26.0/100/messages"
    assert headers["Authorization"] == f"Bearer {TOKEN}"
    assert headers["Content-Type"] == "application/json"
    assert body == BODY


def test_an_answer_that_comes_twice_is_taken_for_no_other(graph, meta):
    def twice(handler):
        number = len(meta.asked)
        for _ in range(2):
            handler.answer(200, json.dumps(YES | {"messages": [{"id": f"wamid.{number}"}]}).encode())

    meta.reply = twice
    assert [send(graph).wamid for _ in range(5)] == [f"wamid.{number}" for number in range(1, 6)]
    assert len(meta.asked) == 5


def test_threads_share_one_client(graph, meta):
    threads = [threading.Thread(target=send, args=(graph,)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(meta.asked) == 8


@pytest.mark.parametrize(
    ("status", "code", "expected"),
    [
        (500, 131000, "transient"),
        (400, 130429, "rate"),
        (400, 131056, "pair_rate"),
        (400, 131048, "quality"),
        (401, 190, "auth"),
        (400, 131047, "window"),
        (400, 131026, "recipient"),
        (400, 131049, "policy"),
        (400, 100, "bad_request"),
        (400, 131042, "billing"),
        (400, 131053, "media"),
    ],
)
def test_a_refusal_says_what_to_do(graph, meta, status, code, expected):
    meta.reply = lambda handler: handler.answer(status, error(code, error_data={"details": "Why"}), Retry_After="7")
    with pytest.raises(Refused) as refused:
        send(graph)
    assert refused.value.error_class == expected
    assert (refused.value.code, refused.value.http_status) == (code, status)
    assert (refused.value.title, refused.value.details, refused.value.retry_after) == ("No", "Why", 7.0)


@pytest.mark.parametrize("status", [500, 502, 503, 504])
@pytest.mark.parametrize(
    "content", [b"", b"<html>Bad gateway</html>", b'{"error": "text"}', b'{"error": {"code": "x"}}']
)
def test_a_server_error_without_a_code_is_transient(graph, meta, status, content):
    meta.reply = lambda handler: handler.answer(status, content)
    with pytest.raises(Refused) as refused:
        send(graph)
    assert refused.value.error_class is ErrorClass.TRANSIENT
    assert refused.value.code is None


def test_a_redirect_is_not_followed(graph, meta):
    meta.reply = lambda handler: handler.answer(302, b"", Location="/elsewhere")
    with pytest.raises(Refused) as refused:
        send(graph)
    assert refused.value.http_status == 302
    assert len(meta.asked) == 1


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"OK",
        b"[]",
        b"{}",
        b'{"messages": []}',
        b'{"messages": [{"id": ""}]}',
        b'{"messages": [{}]}',
        b"\xff",
        b"NaN",
        b"[" * 100000,
        b" " * 3000000,
    ],
)
def test_a_yes_that_names_no_message_is_unknown(graph, meta, content):
    meta.reply = lambda handler: handler.answer(200, content)
    with pytest.raises(OutcomeUnknown):
        send(graph)


def test_silence_is_unknown_and_lasts_no_longer_than_the_deadline(graph, meta):
    meta.reply = lambda handler: meta.released.wait(5)
    began = time.monotonic()
    with pytest.raises(OutcomeUnknown, match="ReadTimeout"):
        send(graph)
    assert time.monotonic() - began < 4


def test_an_answer_that_trickles_is_unknown(graph, meta):
    def trickle(handler):
        handler.send_response(200)
        handler.send_header("Content-Length", "1000")
        handler.end_headers()
        while not meta.released.wait(0.05):
            handler.wfile.write(b" ")

    meta.reply = trickle
    began = time.monotonic()
    with pytest.raises(OutcomeUnknown):
        send(graph)
    assert time.monotonic() - began < 4


def test_a_connection_lost_before_the_answer_is_unknown(graph, meta):
    meta.reply = Handler.hang_up
    with pytest.raises(OutcomeUnknown):
        send(graph)


@pytest.mark.parametrize(("status", "expected"), [(200, OutcomeUnknown), (500, Refused), (400, Refused)])
def test_a_connection_lost_within_the_answer_leaves_the_status(graph, meta, status, expected):
    def break_off(handler):
        handler.send_response(status)
        handler.send_header("Content-Length", "1000")
        handler.end_headers()
        handler.wfile.write(b'{"messages"')
        handler.hang_up()

    meta.reply = break_off
    with pytest.raises(expected):
        send(graph)


def test_nobody_listening_is_not_sent():
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        with GraphClient(f"http://127.0.0.1:{reserved.getsockname()[1]}") as graph, pytest.raises(NotSent):
            send(graph)


def test_a_broken_address_is_not_sent():
    with GraphClient("ftp://127.0.0.1/v1") as graph, pytest.raises(NotSent):
        send(graph)


@pytest.mark.parametrize("token", ["", "with space", "línea", "two\nlines"])
def test_a_token_that_no_header_can_carry_is_an_auth_problem(graph, meta, token):
    with pytest.raises(Refused) as refused:
        graph.send("100", token, BODY)
    assert refused.value.error_class is ErrorClass.AUTH
    assert not token or token not in repr(refused.value)
    assert meta.asked == []


def test_no_exception_tells_the_token_or_the_words(graph, meta):
    meta.reply = lambda handler: handler.answer(400, error(100, message=f"{TOKEN} Hola 4111 1111 1111 1111"))
    with pytest.raises(Refused) as refused:
        send(graph)
    assert str(refused.value) == "bad_request (code 100, HTTP 400)"
    assert repr(refused.value).count("Hola") == 0
    assert refused.value.title == "[token] Hola **** 1111"


def test_a_retry_date_is_seconds_from_now(graph, meta):
    meta.reply = lambda handler: handler.answer(429, b"{}", Retry_After="Thu, 01 Jan 1970 00:00:00 GMT")
    with pytest.raises(Refused) as refused:
        send(graph)
    assert refused.value.retry_after == 0.0


def test_a_number_id_cannot_lead_elsewhere(graph, meta):
    graph.send("../1?x=#", TOKEN, BODY)
    assert meta.asked[0][0] == "/v26.0/..%2F1%3Fx%3D%23/messages"


@pytest.mark.parametrize("typing", [True, False])
def test_ticks_and_typing(graph, meta, typing):
    meta.reply = lambda handler: handler.answer(200, b'{"success": true}')
    graph.mark_read("100", TOKEN, "wamid.7", typing=typing)
    expected = {"messaging_product": "whatsapp", "status": "read", "message_id": "wamid.7"}
    assert meta.asked[0][2] == expected | ({"typing_indicator": {"type": "text"}} if typing else {})
