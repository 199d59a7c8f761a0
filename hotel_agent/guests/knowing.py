"""Who writes: a guest is known by phone or by business-scoped id, and joined when one payload shows both."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import delete, select, text, update

from hotel_agent.db import db
from hotel_agent.guests.models import Guest, GuestIdentity

LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, order=True)
class Identity:
    """`value` is canonical, for comparing; `wire` is as the outside wrote it, for sending."""

    kind: str
    value: str
    wire: str


def who_writes(
    hotel_id: int, identities: Iterable[Identity], name: str | None = None, at: datetime | None = None
) -> tuple[Guest, list[int]]:
    """The guest with these identities, made if new, and the ids of guests that turned out to be the same person.

    The caller moves what belonged to those and then calls `forget`. The name of the latest message wins.
    Must run in the caller's transaction: the identities stay locked until it ends.
    """
    wanted = sorted(set(identities))
    if not wanted:
        raise ValueError("a guest needs an identity")
    _lock(hotel_id, wanted)
    rows = _live(hotel_id, wanted)
    guest_ids = sorted({row.guest_id for row in rows})
    guest = db.session.get_one(Guest, guest_ids[0]) if guest_ids else _new(hotel_id)
    known = {(row.kind, row.value): row for row in rows}
    for identity in wanted:
        row = known.get((identity.kind, identity.value))
        if row is None:
            db.session.add(
                GuestIdentity(
                    hotel_id=hotel_id,
                    guest_id=guest.id,
                    kind=identity.kind,
                    value=identity.value,
                    wire=identity.wire,
                )
            )
    if name and (at or LONG_AGO) >= (guest.name_at or LONG_AGO):
        guest.name, guest.name_at = name, at
    db.session.flush()
    return guest, guest_ids[1:]


def follow_number_change(
    hotel_id: int, old: Iterable[Identity], new: Iterable[Identity]
) -> tuple[Guest, list[int]] | None:
    """The person behind `old` is now reached as `new`: the old identities name nobody any more.

    None when neither is given. Answers as `who_writes` does.
    """
    old, new = sorted(set(old) - set(new)), sorted(set(new))
    everything = [*old, *new]
    if not everything:
        return None
    guest, twins = who_writes(hotel_id, everything)
    if new:
        for identity in old:
            db.session.execute(
                update(GuestIdentity)
                .where(
                    GuestIdentity.hotel_id == hotel_id,
                    GuestIdentity.kind == identity.kind,
                    GuestIdentity.value == identity.value,
                    GuestIdentity.retired_at.is_(None),
                )
                .values(retired_at=text("now()"))
            )
    return guest, twins


def forget(guest_ids: Iterable[int], into: int) -> None:
    """Delete guests whose rows have been moved to `into`; their identities come along."""
    for guest_id in guest_ids:
        twin, guest = db.session.get_one(Guest, guest_id), db.session.get_one(Guest, into)
        if (twin.name_at or LONG_AGO) > (guest.name_at or LONG_AGO):
            guest.name, guest.name_at = twin.name, twin.name_at
        guest.language = guest.language or twin.language
        guest.opted_out_at = guest.opted_out_at or twin.opted_out_at
        db.session.execute(
            update(GuestIdentity).where(GuestIdentity.guest_id == guest_id).values(guest_id=into)
        )
        db.session.flush()
        db.session.expunge(twin)
        db.session.execute(delete(Guest).where(Guest.id == guest_id))


def _lock(hotel_id: int, identities: list[Identity]) -> None:
    """Serialise everybody who looks at these identities; in sorted order, so that two never wait for each other."""
    for identity in identities:
        db.session.execute(
            text("select pg_advisory_xact_lock(hashtextextended(:key, 0))"),
            {"key": f"identity:{hotel_id}:{identity.kind}:{identity.value}"},
        )


def _live(hotel_id: int, identities: list[Identity]) -> list[GuestIdentity]:
    rows = db.session.scalars(
        select(GuestIdentity).where(
            GuestIdentity.hotel_id == hotel_id,
            GuestIdentity.value.in_([identity.value for identity in identities]),
            GuestIdentity.retired_at.is_(None),
        )
    )
    wanted = {(identity.kind, identity.value) for identity in identities}
    return [row for row in rows if (row.kind, row.value) in wanted]


def _new(hotel_id: int) -> Guest:
    guest = Guest(hotel_id=hotel_id)
    db.session.add(guest)
    db.session.flush()
    return guest
