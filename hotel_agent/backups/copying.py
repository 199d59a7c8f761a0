"""A copy of each backup in S3-compatible storage, where that is configured."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from hotel_agent.backups.store import ASIDE, NAME, PARTIAL, Manifest, Store, checksum
from hotel_agent.config import settings
from hotel_agent.errors import ConfigurationError, NotFound
from hotel_agent.logs import get_logger

if TYPE_CHECKING:
    from minio import Minio

# A storage that is away is known to be so within minutes, and not only after the half hour that the library would wait.
CONNECT_SECONDS, SILENT_SECONDS, TRIES = 5, 60, 3
PARTS_AT_ONCE = 3

log = get_logger(__name__)


class NotCopied(Exception):
    """The text says why, for people."""


def is_wanted() -> bool:
    return bool(settings().backup_s3_endpoint)


def copy(store: Store, manifest: Manifest) -> None:
    """The dump first: what has no word of what it is is none. Raises NotCopied."""
    for path in (store.dump(manifest.name), store.manifest_path(manifest.name)):
        with _told_plainly("made"):
            _client().fput_object(_bucket(), _key(path.name), str(path))
    log.info("backup_copied", backup=manifest.name)


def forget(names: Iterable[str]) -> None:
    """Delete the copies of those. Raises NotCopied."""
    for name in names:
        for suffix in (".json", ".dump"):
            with _told_plainly("deleted"):
                _client().remove_object(_bucket(), _key(name + suffix))


def fetch(store: Store, name: str) -> Manifest:
    """Bring a copy back into the folder, whole or not at all. Raises NotCopied, NotFound."""
    if not NAME.fullmatch(name):
        raise NotFound(f"{name} is no backup's name: they are like 20261123T000004Z.")
    # A folder of its own: whoever takes a backup meanwhile clears away what was left half-written in that one.
    with _told_plainly("brought back"), TemporaryDirectory(prefix=ASIDE, dir=store.folder) as folder:
        aside = Store(Path(folder))
        for path in (aside.manifest_path(name), aside.dump(name)):
            _bring(_key(path.name), path)
        found = next(iter(aside.manifests()), None)
        if found is None or checksum(aside.dump(name)) != found.sha256:
            raise NotCopied(f"The copy of {name} in {_bucket()} is damaged: fetch an older one.")
        store.take_over(aside, name)
    return found


def _bring(key: str, path: Path) -> None:
    from minio.error import S3Error

    try:
        _client().fget_object(_bucket(), key, str(path), tmp_file_path=f"{path}{PARTIAL}")
    except S3Error as error:
        if error.code == "NoSuchKey":
            raise NotFound(f"There is no copy of {path.stem} in {_bucket()}: {key} is not there.") from None
        raise


@contextmanager
def _told_plainly(what: str) -> Iterator[None]:
    """What the library and the network may raise, as NotCopied without keys and signed addresses."""
    from minio.error import MinioException
    from urllib3.exceptions import HTTPError

    try:
        yield
    except (MinioException, HTTPError, OSError, ValueError) as error:
        where = urlsplit(settings().backup_s3_endpoint or "").hostname
        raise NotCopied(f"The copy in {_bucket()} at {where} was not {what}: {_why(error)}.") from error


def _why(error: Exception) -> str:
    """Of what was tried several times what was wrong with the last try."""
    from urllib3.exceptions import ResponseError

    last = getattr(error, "reason", None) or error
    if isinstance(last, ResponseError):
        return str(last)
    return getattr(last, "code", None) or getattr(last, "strerror", None) or type(last).__name__


@lru_cache
def _client() -> Minio:
    import certifi
    from minio import Minio
    from urllib3 import PoolManager, Retry, Timeout

    config = settings()
    given = (config.backup_s3_bucket, config.backup_s3_access_key, config.backup_s3_secret_key)
    parts = urlsplit(config.backup_s3_endpoint or "")
    if not all(given) or parts.scheme not in ("http", "https") or not parts.netloc:
        raise ConfigurationError(
            "BACKUP_S3_ENDPOINT is an address such as https://s3.example.org, and wants BACKUP_S3_BUCKET,"
            " BACKUP_S3_ACCESS_KEY and BACKUP_S3_SECRET_KEY beside it."
        )
    return Minio(
        parts.netloc,
        access_key=config.backup_s3_access_key,
        secret_key=config.backup_s3_secret_key,
        region=config.backup_s3_region,
        secure=parts.scheme == "https",
        http_client=PoolManager(
            maxsize=PARTS_AT_ONCE,
            timeout=Timeout(connect=CONNECT_SECONDS, read=SILENT_SECONDS),
            retries=Retry(total=TRIES, backoff_factor=0.2, status_forcelist=[500, 502, 503, 504]),
            cert_reqs="CERT_REQUIRED",
            ca_certs=os.environ.get("SSL_CERT_FILE") or certifi.where(),
        ),
    )


def _bucket() -> str:
    return settings().backup_s3_bucket or ""


def _key(name: str) -> str:
    prefix = settings().backup_s3_prefix.strip("/")
    return f"{prefix}/{name}" if prefix else name
