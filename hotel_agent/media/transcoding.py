"""`python -m hotel_agent.media.transcoding FORMAT IN OUT`, a program of its own: reads what a guest recorded.

It says in JSON how many seconds there are, and writes OUT (AAC in MP4) when browsers do not play what it found.
A guest's file is hostile until proven otherwise: whatever it does to the decoder, it does it here, with little memory
and little time, no secrets in the environment and no other file or address that it could make the decoder open.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import sys
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

MOST_SECONDS = 30 * 60
MOST_MEMORY = 1 << 30
MOST_WRITTEN = 32 << 20
CPU_SECONDS, WALL_SECONDS = 60, 60
RATE, BIT_RATE = 48_000, 48_000
MOST_BROKEN_PACKETS = 200
# Every browser plays them, the iPhone's too.
PLAYED = {"aac", "mp3", "pcm_s16le", "pcm_u8"}


class TooLong(Exception):
    """There is more of it than anybody at a desk will hear."""


def main() -> int:
    file_format, source, target = sys.argv[1:]
    limit()
    import av

    try:
        answer = read(file_format, source, target)
    except TooLong:
        answer = {"error": "too_long"}
    except (av.FFmpegError, ValueError, MemoryError):
        answer = {"error": "broken"}
    print(json.dumps(answer))  # noqa: T201
    return 0


def limit() -> None:
    """From here on nothing can grow: what goes beyond is ended by the system."""
    resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, MOST_MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
    resource.setrlimit(resource.RLIMIT_FSIZE, (MOST_WRITTEN, MOST_WRITTEN))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    os.nice(10)
    signal.alarm(WALL_SECONDS)


def read(file_format: str, source: str, target: str) -> dict[str, Any]:
    """How long it is, and what was written to `target`, if anything."""
    import av

    with av.open(source, format=file_format, options={"protocol_whitelist": "file"}) as container:
        if container.streams.video and file_format in ("mp4", "matroska"):
            return {"seconds": _told_seconds(container)}
        if not container.streams.audio:
            raise ValueError("no sound")
        stream = container.streams.audio[0]
        stream.codec_context.thread_count = 1
        told = _told_seconds(container)
        if told is not None and told > MOST_SECONDS:
            raise TooLong
        if stream.codec_context.codec.canonical_name in PLAYED and file_format != "matroska":
            return {"seconds": _heard_seconds(container, stream) if told is None else told}
        return {"seconds": _transcode(container, stream, target), "playable_type": "audio/mp4"}


def _told_seconds(container: Any) -> float | None:
    """What the file says of itself."""
    return container.duration / 1_000_000 if container.duration and container.duration > 0 else None


def _heard_seconds(container: Any, stream: Any) -> float:
    return sum(float(frame.samples / frame.sample_rate) for frame in _frames(container, stream))


def _transcode(container: Any, stream: Any, target: str) -> float:
    """One channel of AAC, with what a player must know first at the front: Safari plays nothing else at once."""
    import av

    with av.open(target, "w", format="mp4", options={"movflags": "faststart"}) as made:
        out = made.add_stream("aac", rate=RATE)
        out.layout = "mono"
        out.bit_rate = BIT_RATE
        out.codec_context.open()
        resampler = av.AudioResampler(format="fltp", layout="mono", rate=RATE, frame_size=out.codec_context.frame_size)
        samples = 0
        for frame in _resampled(resampler, _frames(container, stream)):
            frame.pts, frame.time_base = samples, Fraction(1, RATE)
            samples += frame.samples
            made.mux(out.encode(frame))
        if not samples:
            raise ValueError("no sound")
        made.mux(out.encode(None))
    return samples / RATE


def _resampled(resampler: Any, frames: Iterator[Any]) -> Iterator[Any]:
    for frame in frames:
        frame.pts = None
        yield from resampler.resample(frame)
    yield from resampler.resample(None)


def _frames(container: Any, stream: Any) -> Iterator[Any]:
    """What can be decoded of it, as far as there may be."""
    import av

    seconds, broken = 0.0, 0
    for packet in container.demux(stream):
        try:
            frames = packet.decode()
        except av.error.InvalidDataError:
            broken += 1
            if broken > MOST_BROKEN_PACKETS:
                raise
            continue
        for frame in frames:
            seconds += frame.samples / frame.sample_rate
            if seconds > MOST_SECONDS:
                raise TooLong
            yield frame


if __name__ == "__main__":
    sys.exit(main())
