"""Every table of the program, imported in one place so that migrations and mappers see them all."""

from __future__ import annotations

from importlib import import_module

FEATURES = (
    "hotels",
    "guests",
    "pms.local",
    "pms",
    "locks",
    "staff",
    "audit",
    "conversations",
    "media",
    "flags",
    "reservations.api",
    "privacy",
)


def load() -> None:
    for feature in FEATURES:
        import_module(f"hotel_agent.{feature}.models")
