"""A file that only who has BACKUP_KEY can read, written and read as a stream.

The STREAM construction (Hoang, Reyhanitabar, Rogaway, Vizár 2015) over AES-256-GCM: chunks of 1 MiB, each with its
number and whether it is the last one in its nonce, so that none can be changed, moved, left out or cut off unseen. The
key is drawn from BACKUP_KEY by scrypt with a salt of the file's own.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import BinaryIO

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

MAGIC = b"hotel-agent backup 1\n"
CHUNK = 1 << 20
SALT, PREFIX, TAG = 16, 7, 16


class WrongKey(Exception):
    """It is not opened by this key, or not what was written."""


class Sealed:
    """Writes what is given to it into `out`, sealed; `close` writes the end, without which it cannot be read."""

    def __init__(self, out: BinaryIO, secret: str) -> None:
        salt, self._prefix = os.urandom(SALT), os.urandom(PREFIX)
        self._out, self._cipher = out, _cipher(secret, salt)
        self._kept, self._number = bytearray(), 0
        out.write(MAGIC + salt + self._prefix)

    def write(self, data: bytes) -> None:
        self._kept += data
        while len(self._kept) > CHUNK:
            self._seal(bytes(self._kept[:CHUNK]), is_last=False)
            del self._kept[:CHUNK]

    def close(self) -> None:
        self._seal(bytes(self._kept), is_last=True)

    def _seal(self, chunk: bytes, *, is_last: bool) -> None:
        self._out.write(self._cipher.encrypt(_nonce(self._prefix, self._number, is_last), chunk, None))
        self._number += 1


def is_sealed(file: BinaryIO) -> bool:
    """By its beginning; it is read from the beginning afterwards."""
    begin = file.read(len(MAGIC))
    file.seek(0)
    return begin == MAGIC


def opened(file: BinaryIO, secret: str) -> Iterator[bytes]:
    """What was sealed, piece by piece. Raises WrongKey."""
    begin = file.read(len(MAGIC) + SALT + PREFIX)
    salt, prefix = begin[len(MAGIC) : -PREFIX], begin[-PREFIX:]
    if not begin.startswith(MAGIC) or len(begin) < len(MAGIC) + SALT + PREFIX:
        raise WrongKey("This is no sealed backup.")
    cipher, number, chunk = _cipher(secret, salt), 0, file.read(CHUNK + TAG)
    while True:
        following = file.read(CHUNK + TAG)
        try:
            yield cipher.decrypt(_nonce(prefix, number, not following), chunk, None)
        except InvalidTag:
            raise WrongKey("BACKUP_KEY does not open this backup, or the file is damaged.") from None
        if not following:
            return
        number, chunk = number + 1, following


def _cipher(secret: str, salt: bytes) -> AESGCM:
    return AESGCM(Scrypt(salt=salt, length=32, n=1 << 15, r=8, p=1).derive(secret.encode()))


def _nonce(prefix: bytes, number: int, is_last: bool) -> bytes:
    return prefix + number.to_bytes(4, "big") + bytes([is_last])
