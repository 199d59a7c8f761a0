"""Who writes: a guest is known by phone or by business-scoped id, and joined when one payload shows both."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import delete, select, update

from hotel_agent.db import db, lock_until_commit, utcnow
from hotel_agent.guests.models import Guest, GuestIdentity

# A number that was given up is kept back for weeks before somebody else gets it, and clocks and deliveries differ.
LAST_WORDS = timedelta(days=1)
LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, order=True)
class Identity:
    """`value` is canonical, for comparing; `wire` is as the outside wrote it, for sending."""

    kind: str
    value: str
    wire: str

    def key(self, hotel_id: int) -> str:
        """What whoever looks at this identity locks."""
        return f"identity:{hotel_id}:{self.kind}:{self.value}"


def who_writes(
    hotel_id: int, identities: Iterable[Identity], name: str | None = None, at: datetime | None = None
) -> tuple[Guest, list[int]]:
    """The guest who had these identities at that time (None: now), made if new, and the ids of guests who
    turned out to be the same person.

    The caller moves what belonged to those and then calls `forget`. The name of the latest message wins.
    Must run in the caller's transaction: the identities and the guests stay locked until it ends.
    """
    wanted = sorted(set(identities))
    if not wanted:
        raise ValueError("a guest needs an identity")
    holders, guests = _locked_holders(hotel_id, wanted, at)
    guest = guests[0] if guests else _new(hotel_id)
    for (kind, value), wire in {(one.kind, one.value): one.wire for one in wanted}.items():
        if (kind, value) not in holders:
            db.session.add(GuestIdentity(hotel_id=hotel_id, guest_id=guest.id, kind=kind, value=value, wire=wire))
    _call(guest, name, at)
    db.session.flush()
    return guest, [twin.id for twin in guests[1:]]


def follow_number_change(
    hotel_id: int, old: Iterable[Identity], new: Iterable[Identity], at: datetime | None = None
) -> tuple[Guest, list[int]] | None:
    """The person behind `old` is reached as `new` from then on; a day later the old identities name nobody.

    None when neither is given. Answers as `who_writes` does.
    """
    new = sorted(set(new))
    names = {(identity.kind, identity.value) for identity in new}
    old = sorted(identity for identity in set(old) if (identity.kind, identity.value) not in names)
    if not old and not new:
        return None
    guest, twins = who_writes(hotel_id, [*old, *new], at=at)
    if new:
        _revive(hotel_id, guest, new)
        for identity in old:
            db.session.execute(
                update(GuestIdentity)
                .where(
                    GuestIdentity.guest_id.in_([guest.id, *twins]),
                    GuestIdentity.kind == identity.kind,
                    GuestIdentity.value == identity.value,
                    GuestIdentity.retired_at.is_(None),
                )
                .values(retired_at=at or utcnow())
            )
    return guest, twins


def _revive(hotel_id: int, guest: Guest, identities: list[Identity]) -> None:
    """A number that the guest had given up is theirs again."""
    live = _holders(hotel_id, identities, at=None, retired=False)
    for identity in identities:
        if (identity.kind, identity.value) not in live:
            db.session.add(
                GuestIdentity(
                    hotel_id=hotel_id,
                    guest_id=guest.id,
                    kind=identity.kind,
                    value=identity.value,
                    wire=identity.wire,
                )
            )
    db.session.flush()


def forget(guest_ids: Iterable[int], into: int) -> None:
    """Delete guests whose rows have been moved to `into`; their identities come along."""
    for guest_id in guest_ids:
        twin, guest = db.session.get_one(Guest, guest_id), db.session.get_one(Guest, into)
        _call(guest, twin.name, twin.name_at)
        guest.language = guest.language or twin.language
        guest.opted_out_at = guest.opted_out_at or twin.opted_out_at
        guest.consented_at = None if guest.opted_out_at else guest.consented_at or twin.consented_at
        guest.consent_asked_at = guest.consent_asked_at or twin.consent_asked_at
        guest.vip = guest.vip or twin.vip
        guest.preferences = list(dict.fromkeys([*guest.preferences, *twin.preferences]))
        guest.usual_party = guest.usual_party or twin.usual_party
        guest.created_at = min(guest.created_at, twin.created_at)
        db.session.execute(update(GuestIdentity).where(GuestIdentity.guest_id == guest_id).values(guest_id=into))
        db.session.flush()
        db.session.expunge(twin)
        db.session.execute(delete(Guest).where(Guest.id == guest_id))


def _call(guest: Guest, name: str | None, at: datetime | None) -> None:
    """The latest name wins; of two told in the same second always the same one, whichever came first."""
    if name and (at or LONG_AGO, name) > (guest.name_at or LONG_AGO, guest.name or ""):
        guest.name, guest.name_at = name, at


def _locked_holders(
    hotel_id: int, identities: list[Identity], at: datetime | None
) -> tuple[dict[tuple[str, str], int], list[Guest]]:
    """Who holds which identity, and those guests, oldest first.

    Nobody can join these guests to others, or claim an identity, until the transaction ends.
    """
    lock_until_commit(identity.key(hotel_id) for identity in identities)
    while True:
        holders = _holders(hotel_id, identities, at)
        wanted = sorted(set(holders.values()))
        if not wanted:
            return holders, []
        guests = db.session.scalars(
            select(Guest)
            .where(Guest.id.in_(wanted))
            .order_by(Guest.id)
            .with_for_update(key_share=True)
            .execution_options(populate_existing=True)
        ).all()
        # Whoever was ahead of us may have joined one of them to another guest while we waited, and so deleted it.
        if [guest.id for guest in guests] == wanted:
            return holders, list(guests)


def _holders(
    hotel_id: int, identities: list[Identity], at: datetime | None, *, retired: bool = True
) -> dict[tuple[str, str], int]:
    """Guest ids by (kind, value). What was written before an identity was given up is of its holder then."""
    lately = GuestIdentity.retired_at >= (at or utcnow()) - LAST_WORDS
    rows = db.session.execute(
        select(GuestIdentity.kind, GuestIdentity.value, GuestIdentity.guest_id)
        .where(
            GuestIdentity.hotel_id == hotel_id,
            GuestIdentity.value.in_([identity.value for identity in identities]),
            (GuestIdentity.retired_at.is_(None) | lately) if retired else GuestIdentity.retired_at.is_(None),
        )
        .order_by(GuestIdentity.retired_at.desc().nulls_first())
    )
    wanted = {(identity.kind, identity.value) for identity in identities}
    return {(kind, value): guest_id for kind, value, guest_id in rows if (kind, value) in wanted}


def _new(hotel_id: int) -> Guest:
    guest = Guest(hotel_id=hotel_id)
    db.session.add(guest)
    db.session.flush()
    return guest
