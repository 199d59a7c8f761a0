"""A wall clock that can be set, in the scheduler alone: PYTHONPATH names this folder, CLOCK_FILE a file with seconds.

A process cannot be given another clock from outside without rights over the machine. This one has it from its first
line on.
"""

import contextlib
import datetime
import os
import sys
import time
from datetime import datetime as _true_datetime

_WHERE = os.environ.get("CLOCK_FILE", "")
_true_time = time.time


def _ahead() -> float:
    with contextlib.suppress(OSError, ValueError), open(_WHERE) as file:
        return float(file.read())
    return 0.0


class _Kind(type):
    def __instancecheck__(cls, one: object) -> bool:
        return isinstance(one, _true_datetime)


class _Settable(_true_datetime, metaclass=_Kind):
    @classmethod
    def now(cls, tz: datetime.tzinfo | None = None) -> datetime.datetime:  # type: ignore[override]
        return _true_datetime.now(tz) + datetime.timedelta(seconds=_ahead())

    @classmethod
    def utcnow(cls) -> datetime.datetime:  # type: ignore[override]
        return _true_datetime.fromtimestamp(_true_time() + _ahead(), datetime.UTC).replace(tzinfo=None)


if _WHERE and "scheduler" in sys.orig_argv:
    time.time = lambda: _true_time() + _ahead()
    datetime.datetime = _Settable  # type: ignore[misc]
