"""Meta's side of sending and of files, over real HTTP: it hears, remembers in order, and behaves as it is told.

Written from what Meta documents, by somebody who had not read our client. It is as strict as Meta where a
mistake of ours would be refused: the path, the token, the limits of texts, buttons and lists.
"""

from __future__ import annotations

import hashlib
import json
import re
import threading
from collections import defaultdict, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from time import monotonic
from typing import Any
from urllib.parse import parse_qs, urlsplit

PATH = re.compile(r"/v\d+\.\d+/(\d+)/messages")
MEDIA_PATH = re.compile(r"/v\d+\.\d+/([^/]+)")
FILE_PATH = "/whatsapp_business/attachments/"
LONGEST_WAIT = 20.0


@dataclass(frozen=True)
class Behaviour:
    """What happens to one send. `accepted` is what Meta does with it, whatever the caller gets to hear."""

    accepted: bool = True
    status: int = 200
    body: bytes | None = None
    headers: dict[str, str] = field(default_factory=dict)
    hang: threading.Event | None = None
    drop: bool = False


ACCEPT = Behaviour()
DROP = Behaviour(drop=True)  # accepted, and the connection closed before the answer
DROP_UNHEARD = Behaviour(accepted=False, drop=True)
GARBAGE = Behaviour(body=b"<html>hello</html>")
UNAVAILABLE = Behaviour(accepted=False, status=503, body=b"upstream connect error")


def error(code: int, status: int = 400, title: str = "refused", retry_after: int | None = None) -> Behaviour:
    body = {
        "error": {
            "message": f"(#{code}) {title}",
            "type": "OAuthException",
            "code": code,
            "error_data": {"messaging_product": "whatsapp", "details": title},
            "fbtrace_id": "Az8or2yhqkZfEZ-_4Qn_Bam",
        }
    }
    headers = {"Retry-After": str(retry_after)} if retry_after else {}
    return Behaviour(accepted=False, status=status, body=json.dumps(body).encode(), headers=headers)


def hang(until: threading.Event) -> Behaviour:
    """Accepted, but the answer waits for the event."""
    return Behaviour(hang=until)


@dataclass(frozen=True)
class Heard:
    """One call. `kind` is send, read or typing; `wamid` is what Meta calls it if it was accepted."""

    at: float
    kind: str
    phone_number_id: str
    token: str
    body: dict[str, Any]
    wamid: str | None = None

    @property
    def to(self) -> str:
        return str(self.body.get("to") or self.body.get("recipient") or "").lstrip("+")

    @property
    def text(self) -> str:
        kind = self.body["type"]
        content = self.body[kind]
        return str(content["body"] if kind == "text" else content.get("body", {}).get("text", ""))

    @property
    def callback_data(self) -> str | None:
        return self.body.get("biz_opaque_callback_data")


@dataclass(frozen=True)
class Kept:
    """A file that a guest sent, as Meta keeps it; what is None Meta tells truly.

    `trickle` sends a little of it, and the rest only after the event.
    """

    content: bytes
    mime_type: str
    sha256: str | None = None
    size: int | None = None
    url: str | None = None
    trickle: threading.Event | None = None
    chunked: bool = False


@dataclass(frozen=True)
class Asked:
    """One GET: for a place (`step` media) or for the bytes (`step` file)."""

    step: str
    media_id: str
    token: str


class Graph:
    """`with Graph() as graph`: listens on a port of its own until the end."""

    def __init__(self) -> None:
        self.heard: list[Heard] = []
        self.kept: dict[str, Kept] = {}
        self.asked: list[Asked] = []
        self.while_sending: Callable[[Heard], None] = lambda heard: None
        self._next: dict[str, deque[Behaviour]] = defaultdict(deque)
        self._always: dict[str, Behaviour] = {}
        self._numbers = count(1)
        self._lock = threading.Lock()
        self._more = threading.Condition(self._lock)
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler_of(self))
        self._server.daemon_threads = True

    def __enter__(self) -> Graph:
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}/v26.0"

    @property
    def sent(self) -> list[Heard]:
        """What guests have on their phones, in order."""
        return [heard for heard in self.heard if heard.kind == "send" and heard.wamid]

    @property
    def tried(self) -> list[Heard]:
        """Every send that arrived, accepted or not."""
        return [heard for heard in self.heard if heard.kind == "send"]

    def behave(self, *behaviours: Behaviour, to: str = "") -> None:
        """For the next sends, one after the other; to one guest, or to whoever is next."""
        self._next[to].extend(behaviours)

    def always(self, behaviour: Behaviour, to: str = "") -> None:
        self._always[to] = behaviour

    def forget(self) -> None:
        with self._lock:
            self.heard.clear()
            self.kept.clear()
            self.asked.clear()
            self._next.clear()
            self._always.clear()
            self.while_sending = lambda heard: None

    def wait_for(self, enough: Callable[[Graph], bool], seconds: float = LONGEST_WAIT) -> None:
        """Raises AssertionError when it has not been heard by then."""
        with self._more:
            assert self._more.wait_for(lambda: enough(self), seconds), "not heard in time"

    def keep(self, media_id: str, content: bytes, mime_type: str, **more: Any) -> None:
        """Meta has this file for whoever asks with a token."""
        self.kept[media_id] = Kept(content, mime_type, **more)

    def behave_with(self, step: str, media_id: str, *behaviours: Behaviour) -> None:
        """For the next GETs of a file: `step` is media or file."""
        self._next[f"{step} {media_id}"].extend(behaviours)

    def wait_until_asked(self, media_id: str) -> None:
        self.wait_for(lambda graph: any(asked.media_id == media_id for asked in graph.asked))

    def get(self, path: str, token: str) -> tuple[Behaviour, Kept | None]:
        """What the far end makes of a GET: an answer, or the bytes of a file."""
        parts = urlsplit(path)
        place = MEDIA_PATH.fullmatch(parts.path)
        step = "media" if place else "file"
        media_id = place[1] if place else parse_qs(parts.query).get("mid", [""])[0]
        if not place and parts.path != FILE_PATH:
            return error(100, 404), None
        with self._more:
            self.asked.append(Asked(step, media_id, token))
            self._more.notify_all()
            if self._next[f"{step} {media_id}"]:
                return self._next[f"{step} {media_id}"].popleft(), None
        kept = self.kept.get(media_id)
        if kept is None:
            unknown = f"Unsupported get request. Object with ID '{media_id}' does not exist"
            return error(100, title=unknown) if place else error(100, 404), None
        return (Behaviour(body=self._place(media_id, kept)), None) if place else (ACCEPT, kept)

    def _place(self, media_id: str, kept: Kept) -> bytes:
        origin = self.url.removesuffix("/v26.0")
        return json.dumps(
            {
                "messaging_product": "whatsapp",
                "url": kept.url or f"{origin}{FILE_PATH}?mid={media_id}&ext=1750000000&hash=ATs",
                "mime_type": kept.mime_type,
                "sha256": kept.sha256 or hashlib.sha256(kept.content).hexdigest(),
                "file_size": kept.size if kept.size is not None else len(kept.content),
                "id": media_id,
            }
        ).encode()

    def call(self, phone_number_id: str, token: str, body: dict[str, Any]) -> tuple[Heard, Behaviour]:
        """What the far end makes of one call."""
        if body.get("status") == "read":
            kind = "typing" if "typing_indicator" in body else "read"
            return self._remember(Heard(monotonic(), kind, phone_number_id, token, body)), _told_read()
        fault = _fault(body)
        heard = Heard(monotonic(), "send", phone_number_id, token, body)
        behaviour = error(100, title=fault) if fault else self._behaviour(heard.to)
        if behaviour.accepted:
            heard = Heard(heard.at, "send", phone_number_id, token, body, f"wamid.OUT{next(self._numbers)}=")
        return self._remember(heard), behaviour

    def _behaviour(self, to: str) -> Behaviour:
        with self._lock:
            for key in (to, ""):
                if self._next[key]:
                    return self._next[key].popleft()
            return self._always.get(to) or self._always.get("") or ACCEPT

    def _remember(self, heard: Heard) -> Heard:
        with self._more:
            self.heard.append(heard)
            self._more.notify_all()
        return heard


def _told_read() -> Behaviour:
    return Behaviour(body=b'{"success":true}')


def _fault(body: dict[str, Any]) -> str | None:
    """What Meta would refuse as a bad request."""
    kind = body.get("type", "")
    content = body.get(kind)
    if body.get("messaging_product") != "whatsapp" or not isinstance(content, dict):
        return "malformed"
    if not (body.get("to") or body.get("recipient")):
        return "no recipient"
    if len(body.get("biz_opaque_callback_data", "")) > 512:
        return "callback data too long"
    if kind == "text":
        return None if 0 < len(content.get("body", "")) <= 4096 else "text length"
    if kind == "interactive":
        return _fault_of_interactive(content)
    if kind == "template":
        return _fault_of_template(content)
    return None


def _fault_of_interactive(content: dict[str, Any]) -> str | None:
    words, action = content.get("body", {}).get("text", ""), content.get("action", {})
    if content.get("type") == "button":
        titles = [button["reply"]["title"] for button in action["buttons"]]
        fits = 0 < len(titles) <= 3 and len(set(titles)) == len(titles) and max(map(len, titles)) <= 20
        return None if fits and 0 < len(words) <= 1024 else "buttons"
    if content.get("type") == "list":
        rows = [row for section in action["sections"] for row in section["rows"]]
        fits = 0 < len(rows) <= 10 and all(len(row["title"]) <= 24 for row in rows)
        return None if fits and 0 < len(words) <= 4096 and len(action["button"]) <= 20 else "list"
    return None


def _fault_of_template(content: dict[str, Any]) -> str | None:
    """Of its places as far as they can be judged without the template: each has words, on one line."""
    if not content.get("name") or not content.get("language", {}).get("code"):
        return "template"
    for component in content.get("components", []):
        values = [one.get("text", "") for one in component.get("parameters", []) if one.get("type") == "text"]
        if component.get("type") not in ("header", "body", "button") or not values:
            return "template components"
        if any(not value.strip() or re.search(r"[\n\t]| {5}", value) for value in values):
            return "template parameter"
    return None


def _handler_of(graph: Graph) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            path = PATH.fullmatch(self.path)
            scheme, _, token = self.headers.get("Authorization", "").partition(" ")
            if not path or scheme != "Bearer" or not token:
                self._answer(error(190 if path else 100, 401 if path else 404), None)
                return
            heard, behaviour = graph.call(path[1], token, json.loads(raw))
            if heard.kind == "send":
                graph.while_sending(heard)
            if behaviour.hang:
                behaviour.hang.wait(LONGEST_WAIT)
            self._answer(behaviour, heard)

        def do_GET(self) -> None:
            scheme, _, token = self.headers.get("Authorization", "").partition(" ")
            if scheme != "Bearer" or not token:
                self._answer(error(190, 401), None)
                return
            behaviour, kept = graph.get(self.path, token)
            if behaviour.hang:
                behaviour.hang.wait(LONGEST_WAIT)
            if kept is None:
                self._answer(behaviour, None)
                return
            try:
                self._send_file(kept)
            except OSError:
                self.close_connection = True

        def _send_file(self, kept: Kept) -> None:
            self.send_response(200)
            self.send_header("Content-Type", kept.mime_type)
            if kept.chunked:
                self.send_header("Transfer-Encoding", "chunked")
            else:
                self.send_header("Content-Length", str(len(kept.content)))
            self.end_headers()
            if kept.trickle:
                self.wfile.write(kept.content[:100])
                kept.trickle.wait(LONGEST_WAIT)
                self.close_connection = True
            elif kept.chunked:
                self.wfile.write(b"%x\r\n%s\r\n0\r\n\r\n" % (len(kept.content), kept.content))
            else:
                self.wfile.write(kept.content)

        def _answer(self, behaviour: Behaviour, heard: Heard | None) -> None:
            if behaviour.drop:
                self.close_connection = True
                return
            body = behaviour.body if behaviour.body is not None else _accepted(heard)
            try:
                self.send_response(behaviour.status)
                for name, value in behaviour.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)
            except OSError:
                self.close_connection = True  # The caller has hung up.

        def log_message(self, *_: object) -> None:
            pass

    return Handler


def _accepted(heard: Heard | None) -> bytes:
    assert heard is not None
    to = heard.body.get("to")
    contact = {"input": to, "wa_id": heard.to} if to else {"input": heard.to, "user_id": heard.to}
    return json.dumps(
        {
            "messaging_product": "whatsapp",
            "contacts": [contact],
            "messages": [{"id": heard.wamid, "message_status": "accepted"}],
        }
    ).encode()
