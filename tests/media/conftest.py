"""Marta sends files: Meta's double keeps them, the webhook tells of them."""

from __future__ import annotations

import io
from collections.abc import Callable
from itertools import count
from typing import Any

import av
import pytest
from sqlalchemy import text

from hotel_agent.db import db
from hotel_agent.media.models import Media
from tests.conversations import bodies

JPEG = b"\xff\xd8\xff\xe0\x00\x10JFIF" + bytes(range(256)) * 40
PDF = b"%PDF-1.7\n" + b"1 0 obj\n" * 200
_ids = count(900_000)


@pytest.fixture
def marta_sends(graph, deliver) -> Callable[..., str]:
    """`marta_sends("image", JPEG, "image/jpeg")`; answers the file's id at Meta. `lies` are what Meta tells of it."""

    def send(kind: str, content: bytes, mime_type: str, *, wamid: str | None = None, **more: Any) -> str:
        media_id = str(next(_ids))
        lies = {name: more.pop(name) for name in ("sha256", "size", "url", "trickle", "chunked") if name in more}
        who = {name: more.pop(name) for name in ("to", "phone") if name in more}
        graph.keep(media_id, content, mime_type, **lies)
        content_of: dict[str, Any] = {kind: {"id": media_id, "mime_type": mime_type, "sha256": "abc=", **more}}
        message = bodies.message(kind, wamid, **content_of)
        assert deliver(bodies.from_guest(message, **who)).status_code == 200
        return media_id

    return send


@pytest.fixture
def media_of(app) -> Callable[[str], Media]:
    """The row of a file, as it is now."""

    def find(media_id: str) -> Media:
        db.session.rollback()
        rows = db.session.query(Media).filter_by(graph_id=media_id).populate_existing().all()
        assert len(rows) == 1
        return rows[0]

    return find


@pytest.fixture
def make_due(app) -> Callable[[], None]:
    """As if the pause before the next attempt were over."""

    def make_due() -> None:
        db.session.execute(text("update media set next_attempt_at = now()"))
        db.session.commit()

    return make_due


def recording(seconds: float, container: str = "ogg", codec: str = "libopus", rate: int = 48_000) -> bytes:
    """A quiet tone as a phone records it."""
    kept = io.BytesIO()
    with av.open(kept, "w", format=container) as made:
        stream: Any = made.add_stream(codec, rate=rate)
        stream.layout = "mono"
        stream.codec_context.open()
        size = stream.codec_context.frame_size or 960
        kind = stream.codec_context.format.name
        resampler = av.AudioResampler(format=kind, layout="mono", rate=rate, frame_size=size)
        for start in range(0, int(seconds * rate), size):
            frame = av.AudioFrame(format="s16", layout="mono", samples=size)
            frame.planes[0].update(bytes(b"\x00\x10\x00\xf0" * (size // 2 + 1))[: frame.planes[0].buffer_size])
            frame.rate, frame.pts = rate, start
            for ready in resampler.resample(frame):
                made.mux(stream.encode(ready))
        made.mux(stream.encode(None))
    return kept.getvalue()


def heard(content: bytes) -> tuple[str, str, float]:
    """Container, codec and seconds of a recording, by decoding all of it."""
    opened: Any = av.open(io.BytesIO(content))
    with opened as container:
        stream = container.streams.audio[0]
        seconds = sum(frame.samples / frame.sample_rate for frame in container.decode(stream))
        return container.format.name, stream.codec_context.name, seconds
