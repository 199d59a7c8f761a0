"""A copy of each backup in S3-compatible storage, where that is configured."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from hotel_agent.backups.store import PARTIAL, Manifest, Store
from hotel_agent.config import settings
from hotel_agent.errors import ConfigurationError, NotFound
from hotel_agent.logs import get_logger

if TYPE_CHECKING:
    from minio import Minio

log = get_logger(__name__)


class NotCopied(Exception):
    """The text says why, for people."""


def is_wanted() -> bool:
    return bool(settings().backup_s3_endpoint)


def copy(store: Store, manifest: Manifest) -> None:
    """The dump first: what has no word of what it is is none. Raises NotCopied."""
    for path in (store.dump(manifest.name), store.manifest_path(manifest.name)):
        with _told_plainly():
            _client().fput_object(_bucket(), _key(path.name), str(path))
    log.info("backup_copied", backup=manifest.name)


def forget(names: Iterable[str]) -> None:
    """Delete the copies of those. Raises NotCopied."""
    for name in names:
        for suffix in (".json", ".dump"):
            with _told_plainly():
                _client().remove_object(_bucket(), _key(name + suffix))


def fetch(store: Store, name: str) -> None:
    """Bring a copy back into the folder, whole or not at all. Raises NotCopied, NotFound."""
    from minio.error import S3Error

    manifest = store.manifest_path(name)
    aside = [(store.partial(name), store.dump(name)), (Path(f"{manifest}{PARTIAL}"), manifest)]
    try:
        for partial, path in aside:
            with _told_plainly():
                _client().fget_object(_bucket(), _key(path.name), str(partial))
        for partial, path in aside:
            partial.replace(path)
    except NotCopied as error:
        if isinstance(error.__cause__, S3Error) and error.__cause__.code == "NoSuchKey":
            raise NotFound(f"There is no copy of {name} in {_bucket()}.") from None
        raise
    finally:
        for partial, _ in aside:
            partial.unlink(missing_ok=True)


class _told_plainly:
    """What the library and the network may raise, as NotCopied without addresses and keys."""

    def __enter__(self) -> None: ...

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _trace: object) -> None:
        from minio.error import MinioException
        from urllib3.exceptions import HTTPError

        if isinstance(error, MinioException | HTTPError | OSError | ValueError):
            code = getattr(error, "code", None) or type(error).__name__
            raise NotCopied(f"The copy in {_bucket()} was not made: {code}.") from error


@lru_cache
def _client() -> Minio:
    from minio import Minio

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
    )


def _bucket() -> str:
    return settings().backup_s3_bucket or ""


def _key(name: str) -> str:
    prefix = settings().backup_s3_prefix.strip("/")
    return f"{prefix}/{name}" if prefix else name
