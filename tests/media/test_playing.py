from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from time import monotonic

import pytest

from hotel_agent.media import playing, transcoding
from hotel_agent.media.kinds import kind_of, name_of
from hotel_agent.media.playing import ROOT, Playing, make_playable
from tests.media.conftest import JPEG, PDF, heard, recording

VOICE_NOTE = ROOT / "static" / "simulator" / "voice-note.ogg"


def test_a_voice_note_plays_on_an_iphone():
    """AAC in MP4, its index before the sound."""
    note = VOICE_NOTE.read_bytes()
    made = make_playable(note, "audio/ogg")
    assert (made.playable_type, made.error) == ("audio/mp4", None)
    assert made.playable is not None
    _, codec, seconds = heard(made.playable)
    assert codec == "aac"
    assert seconds == pytest.approx(heard(note)[2], abs=0.1)
    assert made.seconds == pytest.approx(seconds, abs=0.1)
    assert made.playable.index(b"moov") < made.playable.index(b"mdat")
    assert kind_of(made.playable, "audio/mp4") == "audio/mp4"


@pytest.mark.parametrize(
    ("container", "codec", "rate", "kind"),
    [
        ("ogg", "libopus", 16_000, "audio/ogg"),
        ("amr", "libopencore_amrnb", 8_000, "audio/amr"),
        ("flac", "flac", 44_100, "audio/flac"),
        ("webm", "libopus", 48_000, "audio/webm"),
        ("mp4", "libopus", 48_000, "audio/mp4"),
    ],
)
def test_what_an_iphone_does_not_play_is_made_playable(container, codec, rate, kind):
    sound = recording(3, container, codec, rate)
    assert kind_of(sound, "audio/whatever") == kind
    made = make_playable(sound, kind)
    assert made.playable is not None, made
    _, codec, seconds = heard(made.playable)
    assert codec == "aac"
    assert seconds == pytest.approx(3, abs=0.15)


@pytest.mark.parametrize(
    ("container", "codec", "kind"),
    [
        ("mp3", "libmp3lame", "audio/mpeg"),
        ("adts", "aac", "audio/aac"),
        ("mp4", "aac", "audio/mp4"),
        ("wav", "pcm_s16le", "audio/wav"),
    ],
)
def test_what_every_browser_plays_stays_as_it_is(container, codec, kind):
    sound = recording(3, container, codec, 44_100)
    assert kind_of(sound, kind) == kind
    made = make_playable(sound, kind)
    assert (made.playable, made.playable_type, made.error) == (None, None, None)
    assert made.seconds == pytest.approx(3, abs=0.4)


@pytest.mark.parametrize(("content", "kind"), [(JPEG, "image/jpeg"), (PDF, "application/pdf"), (b"x", "text/plain")])
def test_no_decoder_sees_what_is_no_recording(content, kind, monkeypatch):
    monkeypatch.setattr(playing, "_run", None)
    assert make_playable(content, kind) == Playing()


@pytest.mark.parametrize("kind", ["audio/ogg", "audio/mp4", "audio/wav", "audio/mpeg"])
@pytest.mark.parametrize(
    "content",
    [
        b"OggS" + os.urandom(50_000),
        b"",
        b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n",
        b"ffconcat version 1.0\nfile /etc/passwd\n",
        b"\x00\x00\x00\x20ftypM4A " + b"\x7f\xff\xff\xffmoov" + os.urandom(5_000),
        b"RIFF\xff\xff\xff\x7fWAVEfmt \x10\x00\x00\x00\x01\x00\xff\xff\xff\xff\xff\xff" + bytes(5_000),
    ],
    ids=["noise", "nothing", "playlist", "list of files", "broken mp4", "broken wav"],
)
def test_a_broken_recording_breaks_nothing(kind, content):
    made = make_playable(content, kind)
    assert made.playable is None
    assert made.error == "broken" or made.seconds is not None


def test_half_a_voice_note_plays_as_far_as_it_goes():
    note = recording(6)
    made = make_playable(note[: len(note) // 2], "audio/ogg")
    assert made.error is None
    assert made.seconds == pytest.approx(3, abs=1.1)


def test_nobody_waits_for_a_decoder_that_is_stuck(monkeypatch):
    monkeypatch.setattr(playing, "PROGRAM", "tests.media.stuck")
    monkeypatch.setattr(playing, "SECONDS", 0.5)
    began = monotonic()
    assert make_playable(recording(1), "audio/ogg") == Playing(error="broken")
    assert monotonic() - began < 3


def test_a_recording_of_hours_is_not_transcoded(tmp_path, monkeypatch):
    monkeypatch.setattr(transcoding, "MOST_SECONDS", 2)
    source = tmp_path / "in"
    source.write_bytes(recording(4))
    with pytest.raises(transcoding.TooLong):
        transcoding.read("ogg", str(source), str(tmp_path / "out"))


def test_the_decoder_gets_little_memory_and_no_secrets(monkeypatch):
    greedy = "from hotel_agent.media.transcoding import limit; limit(); bytearray(2 << 30)"
    ended = subprocess.run([sys.executable, "-c", greedy], cwd=ROOT, capture_output=True, check=False)
    assert b"MemoryError" in ended.stderr
    seen = {}
    real = subprocess.run

    def run(*args, **options):
        seen.update(options["env"])
        return real(*args, **options)

    monkeypatch.setattr(subprocess, "run", run)
    make_playable(recording(1), "audio/ogg")
    assert seen == {"LANG": "C.UTF-8"}


def test_nothing_of_a_guest_stays_in_a_folder(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    make_playable(recording(1), "audio/ogg")
    make_playable(b"OggS", "audio/ogg")
    assert list(Path(tmp_path).iterdir()) == []


def test_the_library_is_not_loaded_where_pages_are_made():
    look = "import sys, hotel_agent.media.fetching, workers.media, hotel_agent.media.routes; print('av' in sys.modules)"
    told = subprocess.run([sys.executable, "-c", look], cwd=ROOT, capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "False"


@pytest.mark.parametrize(
    ("given", "kind", "name"),
    [
        ("", "image/jpeg", "image-7.jpg"),
        ("", "application/octet-stream", "file-7"),
        ("factura.pdf", "application/pdf", "factura.pdf"),
        ("foto.JPEG", "image/jpeg", "foto.JPEG"),
        ("nota.ogg", "audio/mp4", "nota.m4a"),
        ("página web.html", "application/octet-stream", "página web.html"),
        ("../../etc/passwd", "application/octet-stream", "_.._etc_passwd"),
        ("gpj.\u202eexe", "image/jpeg", "gpj.jpg"),
        ("v1.2 final version", "application/pdf", "v1.2 final version.pdf"),
        ("a\r\nX: b", "application/pdf", "a__X_ b.pdf"),
    ],
)
def test_a_file_is_saved_under_a_harmless_name(given, kind, name):
    assert name_of(given, kind, 7) == name
