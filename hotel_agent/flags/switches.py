"""Is a feature on? The hotel's own row wins, then the general one, then the built-in default."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from flask_babel import lazy_gettext as _
from sqlalchemy import ColumnElement, delete, select
from sqlalchemy.dialects.postgresql import insert

from hotel_agent.audit.recording import record
from hotel_agent.db import db, lock_until_commit, utcnow
from hotel_agent.errors import BadInput
from hotel_agent.flags.cache import Switch, Switches, cache
from hotel_agent.flags.models import FeatureFlag


@dataclass(frozen=True)
class Flag:
    """What there is to switch; `name` and `description` are told in the language of whoever reads them."""

    default: bool
    name: object
    description: object


FLAGS = {
    "agent": Flag(
        default=True,
        name=_("Automatic answers"),
        description=_("The agent answers guests. Switched off, every message waits for a person."),
    ),
    "booking": Flag(
        default=True,
        name=_("Automatic bookings"),
        description=_("The agent holds and books rooms by itself. Switched off, it leaves that to a person."),
    ),
    "proactive.confirmation": Flag(
        default=False,
        name=_("Message: booking confirmed"),
        description=_("Guests whose booking was made elsewhere get its details, unless they have opted out."),
    ),
    "proactive.pre_arrival_7": Flag(
        default=False,
        name=_("Message: a week before arrival"),
        description=_("Sent in the morning, seven days before arrival, to guests who agreed to such messages."),
    ),
    "proactive.pre_arrival_1": Flag(
        default=False,
        name=_("Message: the day before arrival"),
        description=_("Sent in the morning of the day before arrival to guests who agreed to such messages."),
    ),
    "proactive.check_in": Flag(
        default=False,
        name=_("Message: check-in information"),
        description=_("Sent in the morning of the day of arrival, unless the guest was asked and did not agree."),
    ),
    "proactive.in_stay": Flag(
        default=False,
        name=_("Message: during the stay"),
        description=_("Sent in the morning of the first full day to guests who agreed to such messages."),
    ),
    "proactive.review": Flag(
        default=False,
        name=_("Message: how was the stay?"),
        description=_("Sent the day after departure to guests who agreed to such messages."),
    ),
}
DEFAULTS = {key: flag.default for key, flag in FLAGS.items()}


def is_on(key: str, hotel_id: int, subject: object = None) -> bool:
    """Never fails and never waits long; what is not known counts as the built-in default, an unknown key as off.

    `subject` is whom a percentage is a share of (a conversation, a guest); the same one always gets the same answer.
    """
    if key not in FLAGS:
        return False
    switch = deciding(cache.switches(), key, hotel_id)
    return switch.enabled and (switch.percentage is None or _share(key, hotel_id, subject) < switch.percentage)


def is_on_for_some(key: str, hotel_id: int) -> bool:
    """Whether it is on for anybody at the hotel, be it a share of them. As `is_on`."""
    return key in FLAGS and deciding(cache.switches(), key, hotel_id).enabled


def deciding(switches: Switches, key: str, hotel_id: int) -> Switch:
    """The setting that counts for a hotel."""
    return switches.get((key, hotel_id)) or switches.get((key, None)) or Switch(FLAGS[key].default)


def _share(key: str, hotel_id: int, subject: object) -> int:
    """0 to 99, spread evenly over subjects; each flag spreads them differently."""
    digest = hashlib.sha256(f"{key}:{hotel_id}:{subject}".encode()).digest()
    return int.from_bytes(digest[:8], "big") % 100


# Verbs


def switch(key: str, enabled: bool, hotel_id: int | None = None, percentage: int | None = None) -> bool:
    """Set a flag for one hotel or for all, and let every process know.

    False when Valkey did not answer: a process that did not notice learns of it within a minute. Raises BadInput.
    """
    _check(key, enabled, percentage)
    wanted = Switch(enabled, percentage)
    before = _locked_row(key, hotel_id)
    values = {"key": key, "hotel_id": hotel_id, "enabled": enabled, "percentage": percentage, "updated_at": utcnow()}
    statement = insert(FeatureFlag).values(**values)
    db.session.execute(
        statement.on_conflict_do_update(
            index_elements=["key", "hotel_id"],
            set_={name: statement.excluded[name] for name in ("enabled", "percentage", "updated_at")},
        )
    )
    if before != wanted:
        _record("flag_set", key, hotel_id, before, wanted)
    db.session.commit()
    return cache.changed()


def clear(key: str, hotel_id: int | None = None) -> bool:
    """Take a setting back, so that what is above it counts: the general one, or the default. As `switch`."""
    _check(key)
    before = _locked_row(key, hotel_id)
    if before is not None:
        db.session.execute(delete(FeatureFlag).where(FeatureFlag.key == key, _is_of(hotel_id)))
        _record("flag_cleared", key, hotel_id, before, None)
    db.session.commit()
    return cache.changed()


def forget() -> None:
    """Know nothing of any flag, as a process that has just begun."""
    cache.forget()


def _check(key: str, enabled: bool = True, percentage: int | None = None) -> None:
    if key not in FLAGS:
        raise BadInput("key", f"{key!r} is not a flag; known are {', '.join(sorted(FLAGS))}")
    if percentage is not None and not (enabled and 1 <= percentage <= 99):
        raise BadInput("percentage", "a percentage is 1 to 99, of a flag that is on")


def _locked_row(key: str, hotel_id: int | None) -> Switch | None:
    """How it is set now; nobody else changes the flag before this transaction ends."""
    lock_until_commit([f"flag:{key}"])
    row = db.session.execute(
        select(FeatureFlag.enabled, FeatureFlag.percentage).where(FeatureFlag.key == key, _is_of(hotel_id))
    ).one_or_none()
    return Switch(*row) if row else None


def _is_of(hotel_id: int | None) -> ColumnElement[bool]:
    return FeatureFlag.hotel_id.is_(None) if hotel_id is None else FeatureFlag.hotel_id == hotel_id


def _record(action: str, key: str, hotel_id: int | None, before: Switch | None, after: Switch | None) -> None:
    record(action, key, hotel_id=hotel_id, was=in_words(before), now=in_words(after))


def in_words(switch: Switch | None) -> str | None:
    """on, off, 25%; None where nothing is set."""
    if switch is None:
        return None
    return f"{switch.percentage}%" if switch.percentage else "on" if switch.enabled else "off"
