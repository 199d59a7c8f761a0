"""Which property-management systems there are: every folder beside this page that has an `adapter.py`.

Such a module has `ADAPTER`, an object of `contract.PmsAdapter`. Nothing else has to know of a new system.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from pathlib import Path

from hotel_agent import pms
from hotel_agent.pms.contract import PmsAdapter


@cache
def names() -> tuple[str, ...]:
    """As `hotel set SLUG pms=…` takes them."""
    return tuple(sorted(module.parent.name for folder in pms.__path__ for module in Path(folder).glob("*/adapter.py")))


def title(name: str) -> str:
    """What people call it; a system of which nothing is said here goes by the name of its folder."""
    return _TITLES.get(name, name.capitalize())


_TITLES = {"qloapps": "QloApps"}


@cache
def adapter_of(name: str) -> PmsAdapter | None:
    if name not in names():
        return None
    adapter: PmsAdapter = import_module(f"hotel_agent.pms.{name}.adapter").ADAPTER
    return adapter
