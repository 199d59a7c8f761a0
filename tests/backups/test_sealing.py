"""What is sealed is read again whole by its key, and by nothing else."""

from __future__ import annotations

import io
import os

import pytest

from hotel_agent.backups.sealing import CHUNK, MAGIC, PREFIX, SALT, TAG, Sealed, WrongKey, is_sealed, opened

KEY = "a key of the tests, long enough"
HEAD = len(MAGIC) + SALT + PREFIX


def sealed(data: bytes, piece: int = 300_000) -> bytes:
    out = io.BytesIO()
    box = Sealed(out, KEY)
    for start in range(0, len(data), piece):
        box.write(data[start : start + piece])
    box.close()
    return out.getvalue()


def read(data: bytes, key: str = KEY) -> bytes:
    return b"".join(opened(io.BytesIO(data), key))


@pytest.mark.parametrize("size", [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK, 3 * CHUNK + 17])
def test_it_is_read_as_it_was_written(size):
    data = os.urandom(size)
    box = sealed(data)
    assert is_sealed(io.BytesIO(box))
    assert read(box) == data
    assert size < 100 or data[:100] not in box


def test_twice_the_same_is_never_the_same_file():
    assert sealed(b"Marta") != sealed(b"Marta")


def test_another_key_reads_nothing():
    with pytest.raises(WrongKey, match="BACKUP_KEY does not open"):
        read(sealed(os.urandom(CHUNK + 5)), KEY + "x")


@pytest.mark.parametrize(
    "spoil",
    [
        lambda box: box[:-1],
        lambda box: box[: HEAD + CHUNK + TAG],  # Cut off between two chunks.
        lambda box: box[:HEAD],
        lambda box: box[:5],
        lambda box: box + b"x",
        lambda box: box[:-1] + bytes([box[-1] ^ 1]),
        lambda box: box[:HEAD] + bytes([box[HEAD] ^ 1]) + box[HEAD + 1 :],
        lambda box: (
            box[:HEAD]
            + box[HEAD + CHUNK + TAG : HEAD + 2 * (CHUNK + TAG)]
            + box[HEAD : HEAD + CHUNK + TAG]
            + box[HEAD + 2 * (CHUNK + TAG) :]
        ),  # Two chunks in each other's place.
        lambda box: box[: HEAD + CHUNK + TAG] + box[HEAD + 2 * (CHUNK + TAG) :],  # One left out.
    ],
)
def test_what_was_changed_on_the_way_is_seen(spoil):
    with pytest.raises(WrongKey):
        read(spoil(sealed(os.urandom(3 * CHUNK + 9))))
