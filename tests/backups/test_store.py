"""Which backups are kept, and what in the folder is one."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from hotel_agent.backups.store import ASIDE, DAILY, MONTHLY, WEEKLY, Manifest, Store, to_keep
from hotel_agent.errors import ConfigurationError, NotFound

NOON = datetime(2027, 3, 14, 12, tzinfo=UTC)


def backup(at: datetime) -> Manifest:
    return Manifest(f"{at:%Y%m%dT%H%M%SZ}", at.isoformat(), 3, "", False, "0023", "18", "1")


def put(store: Store, at: datetime) -> Manifest:
    manifest = backup(at)
    store.partial(manifest.name).write_bytes(b"abc")
    store.finish(manifest)
    return manifest


def test_of_two_years_seven_days_four_weeks_and_twelve_months_are_left():
    """As it is when each night takes one and deletes what is not kept."""
    kept: list[Manifest] = []
    for night in range(730):
        now = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=night)
        kept.append(backup(now))
        names = to_keep(kept, now)
        kept = [one for one in kept if one.name in names]
    days = sorted((one.at.date() for one in kept), reverse=True)
    last = days[0]
    assert days[:DAILY] == [last - timedelta(days=number) for number in range(DAILY)]
    assert len({day.isocalendar()[:2] for day in days}) >= WEEKLY
    assert len({(day.year, day.month) for day in days}) == MONTHLY
    assert len(days) <= DAILY + WEEKLY + MONTHLY


def test_all_of_the_last_day_are_kept():
    taken = [backup(NOON - timedelta(hours=hours)) for hours in (1, 2, 23, 25, 26)]
    assert to_keep(taken, NOON) == {one.name for one in taken[:3]}


def test_after_a_long_silence_the_old_ones_are_kept():
    taken = [backup(NOON - timedelta(days=400 + days)) for days in range(3)]
    assert to_keep(taken, NOON) == {one.name for one in taken}


def test_the_newest_that_is_known_to_be_good_is_kept_however_old():
    taken = [backup(NOON - timedelta(days=days)) for days in range(500)]
    old, older = taken[450], taken[480]
    assert old.name not in to_keep(taken, NOON)
    kept = to_keep(taken, NOON, [older.name, old.name])
    assert old.name in kept
    assert older.name not in kept


def test_the_only_one_is_kept():
    assert to_keep([backup(NOON - timedelta(days=5000))], NOON)
    assert to_keep([], NOON) == set()


def test_newest_first_and_only_what_is_whole(tmp_path):
    store = Store(tmp_path / "backups")
    old, new = put(store, NOON), put(store, NOON + timedelta(days=1))
    lost = put(store, NOON + timedelta(days=2))
    store.dump(lost.name).unlink()
    broken = put(store, NOON + timedelta(days=3))
    store.manifest_path(broken.name).write_text("{")
    (store.folder / "20270314T000000Z.json").write_text(json.dumps(asdict(new) | {"unknown": 1}))
    assert [one.name for one in store.manifests()] == [new.name, old.name]
    assert store.find() == new
    assert store.find(old.name) == replace(old)
    with pytest.raises(NotFound, match="no backup 2020"):
        store.find("2020")


def test_what_was_left_half_written_goes_and_nothing_else(tmp_path):
    store = Store(tmp_path)
    whole = put(store, NOON)
    half = backup(NOON + timedelta(days=1))
    store.partial(half.name).write_bytes(b"a")
    store.dump(backup(NOON + timedelta(days=2)).name).write_bytes(b"abc")  # Killed between the two files.
    unreadable = put(store, NOON + timedelta(days=3))
    store.manifest_path(unreadable.name).write_text("{")
    (tmp_path / "holiday.jpg").write_bytes(b"jpg")
    (tmp_path / "my.dump").write_bytes(b"mine")
    assert len(store.clear_away()) == 2
    left = {path.name for path in tmp_path.iterdir()}
    assert left == {
        f"{whole.name}.dump",
        f"{whole.name}.json",
        f"{unreadable.name}.dump",
        f"{unreadable.name}.json",
        "holiday.jpg",
        "my.dump",
    }


def test_what_of_a_backup_is_not_there_is_named(tmp_path):
    store = Store(tmp_path)
    gone, unreadable, renamed = (put(store, NOON + timedelta(days=days)) for days in range(3))
    store.dump(gone.name).unlink()
    store.manifest_path(unreadable.name).write_text("{")
    told = store.manifest_path(renamed.name).read_text().replace(renamed.name, gone.name)
    store.manifest_path(renamed.name).write_text(told)
    with pytest.raises(NotFound, match=f"{gone.name}.dump is missing: .*backup fetch {gone.name}"):
        store.find(gone.name)
    for each in (unreadable, renamed):
        with pytest.raises(NotFound, match=f"{each.name}.json cannot be read"):
            store.find(each.name)
    with pytest.raises(NotFound, match="backup list"):
        store.find("../../etc/passwd")


def test_what_was_fetched_half_way_goes_after_a_day(tmp_path):
    store = Store(tmp_path)
    young, old = tmp_path / f"{ASIDE}young", tmp_path / f"{ASIDE}old"
    for folder in (young, old):
        folder.mkdir()
        (folder / "half").write_bytes(b"half")
    os.utime(old, (0, 0))
    store.clear_away()
    assert [path.name for path in tmp_path.iterdir()] == [young.name]


def test_what_cannot_be_cleared_away_is_in_nobody_s_way(tmp_path):
    store, half = Store(tmp_path), backup(NOON)
    store.partial(half.name).mkdir()
    assert store.clear_away() == []


def test_nobody_else_may_read_it(tmp_path):
    store = Store(tmp_path / "new" / "backups")
    manifest = put(store, NOON)
    assert store.folder.stat().st_mode & 0o077 == 0
    assert store.manifest_path(manifest.name).stat().st_mode & 0o077 == 0


def test_a_folder_that_cannot_be_is_told(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigurationError, match="BACKUP_DIR"):
        Store(Path(tmp_path / "file" / "backups"))
