"""Jobs of the backups: one a day, and once a month a try whether the newest can be restored."""

from __future__ import annotations

from hotel_agent.backups import restoring, taking
from hotel_agent.backups.store import Store
from hotel_agent.config import settings
from hotel_agent.errors import ConfigurationError, NotFound
from hotel_agent.logs import get_logger
from workers import nudges

log = get_logger(__name__)


def look() -> None:
    """What is due is begun: by whichever day it is, so that a night without a machine only moves it."""
    if taking.is_due():
        nudges.take_backup()
    elif restoring.is_trial_due():
        nudges.try_backup()


def take() -> None:
    """What goes wrong is in the table, the metrics and an alert; the job is not tried again before its time."""
    try:
        if taking.is_due():
            taking.take()
    except (taking.Busy, taking.BackupFailed) as trouble:
        log.warning("no_backup", reason=type(trouble).__name__)


def try_newest() -> None:
    try:
        if restoring.is_trial_due():
            store = Store(settings().backup_folder)
            restoring.verify(store, store.find())
    except (taking.Busy, restoring.NotRestored, ConfigurationError, NotFound) as trouble:
        log.warning("backup_not_tried", reason=type(trouble).__name__)
