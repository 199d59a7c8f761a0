"""Where the virtual environment's first pip comes from on a machine without one."""

from __future__ import annotations

import hashlib
import importlib.util
import types
from pathlib import Path

import pytest


@pytest.fixture
def bootstrap(monkeypatch, tmp_path: Path) -> types.ModuleType:
    place = Path(__file__).resolve().parents[2] / "ops" / "bootstrap.py"
    spec = importlib.util.spec_from_file_location("bootstrap", place)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    for name in ("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "PIP_FIND_LINKS", "PIP_CONFIG_FILE", "PIP_CERT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    return module


@pytest.fixture
def index(bootstrap, tmp_path: Path) -> Path:
    """A package index in a folder, with a wheel that stands for pip's."""
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / bootstrap.PIP_WHEEL).write_bytes(b"pip itself")
    page = tmp_path / "simple" / "pip" / "index.html"
    page.parent.mkdir(parents=True)
    page.write_text(
        '<a href="../../files/pip-1.0-py3-none-any.whl">old</a>'
        f'<a href="../../files/{bootstrap.PIP_WHEEL}#sha256=0">{bootstrap.PIP_WHEEL}</a>'
    )
    return tmp_path / "simple"


def test_the_pinned_pip_comes_from_the_configured_index(bootstrap, index: Path, tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", index.as_uri())
    monkeypatch.setattr(bootstrap, "PIP_SHA256", hashlib.sha256(b"pip itself").hexdigest())
    assert bootstrap.pip_of_the_index(tmp_path).read_bytes() == b"pip itself"


def test_a_pip_with_another_checksum_is_refused(bootstrap, index: Path, tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", index.as_uri())
    with pytest.raises(bootstrap.CannotInstall, match="another checksum"):
        bootstrap.pip_of_the_index(tmp_path)
    assert not (tmp_path / bootstrap.PIP_WHEEL).exists()


def test_pips_own_configuration_file_names_the_index_too(bootstrap, index: Path, tmp_path: Path) -> None:
    configuration = tmp_path / "home" / ".config" / "pip" / "pip.conf"
    configuration.parent.mkdir(parents=True)
    configuration.write_text(f"[global]\nextra-index-url = {index.as_uri()}/\n  file:///nowhere/simple\n")
    assert bootstrap.configured_places()[:2] == [f"{index.as_uri()}/pip/", "file:///nowhere/simple/pip/"]


def test_a_folder_of_wheels_serves_as_well(bootstrap, index: Path, tmp_path: Path) -> None:
    found = bootstrap.find_wheel(str(tmp_path / "files"))
    assert bootstrap.download(found) == b"pip itself"


def test_the_stamp_changes_with_a_lock_file(bootstrap, tmp_path: Path) -> None:
    lock = tmp_path / "requirements.txt"
    lock.write_text("flask==1")
    before = bootstrap.fingerprint([lock])
    lock.write_text("flask==2")
    assert bootstrap.fingerprint([lock]) != before
