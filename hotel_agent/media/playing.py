"""Making what guests record playable in every browser, in a process of its own that may break without harm."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hotel_agent.logs import get_logger

PROGRAM = "hotel_agent.media.transcoding"
ROOT = Path(__file__).resolve().parents[2]
SECONDS = 45
# The decoder may take a file for nothing else than what its first bytes say it is.
FORMATS = {
    "audio/ogg": "ogg",
    "audio/amr": "amr",
    "audio/flac": "flac",
    "audio/mpeg": "mp3",
    "audio/aac": "aac",
    "audio/wav": "wav",
    "audio/mp4": "mp4",
    "audio/3gpp": "mp4",
    "audio/webm": "matroska",
    "video/mp4": "mp4",
    "video/3gpp": "mp4",
    "video/quicktime": "mp4",
    "video/webm": "matroska",
}

log = get_logger(__name__)


@dataclass(frozen=True)
class Playing:
    """`playable`, of `playable_type`, is None where browsers play the file as it is, or where `error` says why not."""

    seconds: float | None = None
    playable: bytes | None = None
    playable_type: str | None = None
    error: str | None = None


def make_playable(content: bytes, mime_type: str) -> Playing:
    """How long a recording is, and a form of it that every browser plays; nothing for what is no recording."""
    if mime_type not in FORMATS:
        return Playing()
    with TemporaryDirectory(prefix="hotel-media-") as folder:
        source, target = Path(folder, "in"), Path(folder, "out")
        source.write_bytes(content)
        told = _run(FORMATS[mime_type], source, target)
        if told is None:
            return Playing(error="broken")
        playable = target.read_bytes() if told.get("playable_type") else None
    return Playing(told.get("seconds"), playable, told.get("playable_type"), told.get("error"))


def _run(file_format: str, source: Path, target: Path) -> dict[str, Any] | None:
    """What the program says; None when it was ended before it could."""
    try:
        done = subprocess.run(
            [sys.executable, "-m", PROGRAM, file_format, str(source), str(target)],
            cwd=ROOT,
            env={"LANG": "C.UTF-8"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=SECONDS,
            check=True,
        )
        return dict(json.loads(done.stdout))
    except (subprocess.SubprocessError, ValueError) as error:
        log.warning("recording_unreadable", format=file_format, error=type(error).__name__)
        return None
