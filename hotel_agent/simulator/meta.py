"""What Meta does towards the hotel: signed webhooks with guests' messages and with statuses.

The bodies follow Meta's pages for Graph v26 and know nothing of the code that reads them. Whatever is to
happen a little later (a status, a second tick) is an errand in Valkey: any web process runs it, and it
outlives each of them.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import threading
import time
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal, cast

import httpx
from flask import Flask
from pydantic import TypeAdapter

from hotel_agent.config import settings
from hotel_agent.logs import get_logger
from hotel_agent.redis import RedisError, redis
from hotel_agent.simulator import numbers
from hotel_agent.simulator.numbers import Number
from hotel_agent.simulator.phones import Bubble, Chat, Guest, Tick, find_guest

ERRANDS = "simulator:errands"
LEASE_SECONDS = 5
GIVE_UP_SECONDS = 3600
BATCH = 100
SAMPLES = Path(__file__).resolve().parents[2] / "static" / "simulator"

log = get_logger(__name__)


@dataclass(frozen=True)
class Sample:
    """A file that a guest can send."""

    id: str
    file: str
    mime_type: str

    @property
    def path(self) -> Path:
        return SAMPLES / self.file

    @property
    def digest(self) -> bytes:
        return hashlib.sha256(self.path.read_bytes()).digest()


PHOTO = Sample("900000000000001", "photo.jpg", "image/jpeg")
VOICE = Sample("900000000000002", "voice-note.ogg", "audio/ogg; codecs=opus")
MEDIA = {sample.id: sample for sample in (PHOTO, VOICE)}


def deliver(number: Number, guest: Guest, bubble: Bubble) -> bool:
    """Bring a guest's message to the real webhook. True when the webhook answered 200, as Meta counts it."""
    return post(number, message_body(number, guest, bubble))


def message_body(number: Number, guest: Guest, bubble: Bubble) -> bytes:
    """The webhook body of one message of a guest."""
    message: dict[str, Any] = {
        "from": guest.phone,
        "from_user_id": guest.user_id,
        "id": bubble.id,
        "timestamp": str(int(bubble.at)),
        **_content(bubble),
    }
    if bubble.quotes:
        message["context"] = {"from": number.display_phone, "id": bubble.quotes}
    return _body(number, [{"contacts": [_contact(guest)], "messages": [message]}])


def _content(bubble: Bubble) -> dict[str, Any]:
    if bubble.kind in ("button_reply", "list_reply"):
        chosen = {"id": bubble.choice, "title": bubble.text}
        if bubble.kind == "list_reply" and bubble.footer:
            chosen["description"] = bubble.footer
        return {"type": "interactive", "interactive": {"type": bubble.kind, bubble.kind: chosen}}
    if bubble.kind == "location" and bubble.place:
        place = bubble.place
        return {
            "type": "location",
            "location": {
                "latitude": place.latitude,
                "longitude": place.longitude,
                "name": place.name,
                "address": place.address,
            },
        }
    if bubble.kind == "image":
        return {"type": "image", "image": _file(PHOTO)}
    if bubble.kind == "audio":
        return {"type": "audio", "audio": {**_file(VOICE), "voice": True}}
    return {"type": "text", "text": {"body": bubble.text}}


def _file(sample: Sample) -> dict[str, Any]:
    # In webhooks Meta gives the digest in base64, in the answer to a media request in hexadecimal.
    digest = base64.b64encode(sample.digest).decode()
    return {"id": sample.id, "mime_type": sample.mime_type, "sha256": digest}


def _contact(guest: Guest) -> dict[str, Any]:
    return {"profile": {"name": guest.name}, "wa_id": guest.phone, "user_id": guest.user_id}


def _body(number: Number, values: list[dict[str, Any]]) -> bytes:
    """The envelope, one change for each value, with non-ASCII and slashes escaped as Meta signs them."""
    common = {
        "messaging_product": "whatsapp",
        "metadata": {"display_phone_number": number.display_phone, "phone_number_id": number.id},
    }
    changes = [{"value": {**common, **value}, "field": "messages"} for value in values]
    envelope = {
        "object": "whatsapp_business_account",
        "entry": [{"id": number.business_account, "changes": changes}],
    }
    return json.dumps(envelope, separators=(",", ":")).replace("/", "\\/").encode()


def sign(body: bytes, app_secret: str) -> str:
    """The value of X-Hub-Signature-256."""
    return "sha256=" + hmac.new(app_secret.encode(), body, hashlib.sha256).hexdigest()


def post(number: Number, body: bytes) -> bool:
    """Post a signed body to this installation's webhook. Only a 200 counts as delivered."""
    headers = {"Content-Type": "application/json", "User-Agent": "facebookexternalua"}
    headers["X-Hub-Signature-256"] = sign(body, number.app_secret or "")
    try:
        answer = _client().post(f"{settings().own_url}/api/webhooks/whatsapp", content=body, headers=headers)
    except httpx.HTTPError as error:
        log.warning("simulator_webhook_unreachable", error=type(error).__name__)
        return False
    if answer.status_code != 200:
        log.warning("simulator_webhook_refused", status=answer.status_code)
    return answer.status_code == 200


@lru_cache
def _client() -> httpx.Client:
    """One per process. It goes to this machine only: no proxy of the environment may stand between."""
    return httpx.Client(timeout=10, trust_env=False)


@dataclass(frozen=True)
class Errand:
    """Something that happens to a message a little later.

    `status` tells the hotel how far its own message got; `tick` shows the guest how far theirs did.
    """

    does: Literal["status", "tick"]
    phone: str
    number: str
    wamid: str
    tick: Tick
    reference: str = ""  # The hotel's biz_opaque_callback_data.
    at: float = 0.0


_errand = TypeAdapter(Errand)
_wake = threading.Event()

# Due errands, each pushed forward by a lease: only one process runs it, and it runs again if that one dies.
_CLAIM = """
local due = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', ARGV[1], 'LIMIT', 0, ARGV[3])
for _, errand in ipairs(due) do redis.call('ZADD', KEYS[1], ARGV[2], errand) end
local first = redis.call('ZRANGE', KEYS[1], 0, 0, 'WITHSCORES')
return {due, first[2] or ''}
"""


def later(seconds: float, errand: Errand) -> None:
    due = time.time() + seconds
    redis().zadd(ERRANDS, {_errand.dump_json(replace(errand, at=due)): due})
    if seconds < 1:
        _wake.set()


_starting = threading.Lock()
_running = False


def start(app: Flask) -> None:
    """Begin to run errands in this process; further calls do nothing."""
    global _running
    with _starting:
        if not _running:
            _running = True
            threading.Thread(target=_run_for_ever, args=(app,), name="simulator errands", daemon=True).start()


def _run_for_ever(app: Flask) -> None:
    while True:
        try:
            with app.app_context():
                pause = run_due()
        except RedisError:
            pause = 1.0
        except Exception:
            # One errand that cannot be run must not stop the others: its lease brings it back, age ends it.
            log.exception("simulator_errands_failed")
            pause = 1.0
        _wake.wait(pause)
        _wake.clear()


def run_due() -> float:
    """Run what is due now. Answers for how many seconds nothing else will be, at most one."""
    now = time.time()
    answer = redis().eval(_CLAIM, 1, ERRANDS, str(now), str(now + LEASE_SECONDS), str(BATCH))
    claimed, first = cast("tuple[list[bytes], bytes]", answer)
    errands = {value: _errand.validate_json(value) for value in claimed}
    known = numbers.numbers() if errands else {}
    done = [value for value, errand in errands.items() if errand.does == "tick" and _run_tick(errand)]
    for number in known.values():
        mine = {value: e for value, e in errands.items() if e.does == "status" and e.number == number.id}
        if mine and post_statuses(number, list(mine.values())):
            done.extend(mine)
    hopeless = [v for v, e in errands.items() if e.number not in known or now - e.at > GIVE_UP_SECONDS]
    done.extend(hopeless)
    if done:
        redis().zrem(ERRANDS, *done)
    return min(1.0, max(0.02, float(first or now + 1) - now))


def _run_tick(errand: Errand) -> bool:
    Chat(errand.phone, errand.number).move(errand.wamid, errand.tick)
    return True


def post_statuses(number: Number, errands: list[Errand]) -> bool:
    """Tell the hotel how far its messages got, many at once as Meta does. Overtaken statuses are left out."""
    values = []
    for errand in errands:
        chat = Chat(errand.phone, errand.number)
        if (chat.tick(errand.wamid) or errand.tick) <= errand.tick or errand.tick == Tick.SENT:
            chat.move(errand.wamid, errand.tick)
            values.append(_status_value(errand))
    return not values or post(number, _body(number, values))


def _status_value(errand: Errand) -> dict[str, Any]:
    guest = find_guest(errand.phone) or Guest(errand.phone, errand.phone, "es")
    status: dict[str, Any] = {
        "id": errand.wamid,
        "status": errand.tick.name.lower(),
        "timestamp": str(int(errand.at)),
        "recipient_id": guest.phone,
        "recipient_user_id": guest.user_id,
        "pricing": {
            "billable": False,
            "pricing_model": "PMP",
            "type": "free_customer_service",
            "category": "service",
        },
    }
    if errand.reference:
        status["biz_opaque_callback_data"] = errand.reference
    return {"contacts": [_contact(guest)], "statuses": [status]}
