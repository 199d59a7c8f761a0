"""Meta's signature of a webhook body: `X-Hub-Signature-256: sha256=<HMAC-SHA256 of the raw bytes>`."""

import hashlib
import hmac
import re
from collections.abc import Iterable

_HEADER = re.compile(r"sha256=([0-9a-fA-F]{64})")


def is_genuine(body: bytes, header: str | None, secret: str) -> bool:
    """Whether `body`, the raw bytes as they came, was signed with `secret`. An empty secret signs nothing."""
    return matching_secret(body, header, [("", secret)]) is not None


def matching_secret(body: bytes, header: str | None, secrets: Iterable[tuple[str, str]]) -> str | None:
    """The label of the (label, secret) pair that signed `body`, or None.

    Every secret is tried even after one has matched, so that the time taken does not tell which one it was.
    """
    shaped = _HEADER.fullmatch((header or "").strip())
    given = bytes.fromhex(shaped[1]) if shaped else bytes(32)
    found: str | None = None
    for label, secret in secrets:
        expected = hmac.new(secret.encode("utf-8", "surrogatepass"), body, hashlib.sha256).digest()
        if hmac.compare_digest(expected, given) and secret and shaped and found is None:
            found = label
    return found
