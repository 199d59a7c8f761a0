"""What colleagues keep of a guest: importance, likes, notes, and what the guest wants of the hotel's own messages.

Every verb is a transaction of its own, and raises NotFound for a guest of another hotel, BadInput for an erased one.
"""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import select, text

from hotel_agent.audit.recording import record
from hotel_agent.db import db, utcnow, with_retry
from hotel_agent.errors import BadInput, NotFound
from hotel_agent.guests.models import Guest, GuestNote
from hotel_agent.i18n import _

LONGEST_NOTE, LONGEST_WAY = 2000, 200
# How a guest said that they want the hotel's own messages; `other` is told in words.
WAYS = ("in_person", "by_phone", "by_email", "in_writing", "other")


def make_vip(guest_id: int, vip: bool, *, hotel_id: int) -> None:
    def work(guest: Guest) -> None:
        if guest.vip != vip:
            guest.vip = vip
            record("guest_vip", str(guest.id), hotel_id=hotel_id, vip=vip)

    _of_guest(guest_id, hotel_id, work)


def add_preference(guest_id: int, code: str, *, hotel_id: int) -> None:
    """`code` is one of those that the agent understands (conversations/skills/preferences.toml)."""

    def work(guest: Guest) -> None:
        if code not in guest.preferences:
            guest.preferences = [*guest.preferences, code]
            record("guest_preference_added", str(guest.id), hotel_id=hotel_id, preference=code)

    _of_guest(guest_id, hotel_id, work)


def drop_preference(guest_id: int, code: str, *, hotel_id: int) -> None:
    def work(guest: Guest) -> None:
        if code in guest.preferences:
            guest.preferences = [one for one in guest.preferences if one != code]
            record("guest_preference_dropped", str(guest.id), hotel_id=hotel_id, preference=code)

    _of_guest(guest_id, hotel_id, work)


def add_note(guest_id: int, staff_id: int, body: str, *, hotel_id: int) -> None:
    """Words for colleagues; they are never sent to anybody."""
    words = body.replace("\0", "").strip()
    if not words:
        raise BadInput("note", _("Write something."))
    if len(words) > LONGEST_NOTE:
        raise BadInput("note", _("At most %(num)s characters.", num=LONGEST_NOTE))

    def work(guest: Guest) -> None:
        db.session.add(GuestNote(hotel_id=hotel_id, guest_id=guest.id, staff_id=staff_id, body=words))
        record("guest_note_added", str(guest.id), hotel_id=hotel_id)

    _of_guest(guest_id, hotel_id, work)


def delete_note(guest_id: int, note_id: int, *, hotel_id: int) -> None:
    def work(guest: Guest) -> None:
        note = db.session.scalar(select(GuestNote).where(GuestNote.id == note_id, GuestNote.guest_id == guest.id))
        if note is None:
            raise NotFound("There is no such note.")
        db.session.delete(note)
        record("guest_note_deleted", str(guest.id), hotel_id=hotel_id)

    _of_guest(guest_id, hotel_id, work)


def opt_out(guest_id: int, staff_id: int, *, hotel_id: int) -> None:
    """The guest has asked a colleague for no more messages on the hotel's own account."""

    def work(guest: Guest) -> None:
        if guest.opted_out_at is None:
            _say_who(staff_id, "asked_staff")
            guest.opted_out_at, guest.consented_at = utcnow(), None
            record("guest_opted_out", str(guest.id), hotel_id=hotel_id)

    _of_guest(guest_id, hotel_id, work)


def consent(guest_id: int, staff_id: int, way: str, words: str = "", *, hotel_id: int) -> None:
    """The guest has told a colleague that they want them; `way` is one of WAYS. It ends a refusal."""
    words = " ".join(words.replace("\0", "").split())
    if way not in WAYS:
        raise BadInput("way", _("Say how the guest gave it."))
    if way == "other" and not words:
        raise BadInput("words", _("Say how the guest gave it."))
    if len(words) > LONGEST_WAY:
        raise BadInput("words", _("At most %(num)s characters.", num=LONGEST_WAY))

    def work(guest: Guest) -> None:
        if guest.consented_at is None:
            _say_who(staff_id, f"{way}: {words}" if words else way)
            guest.consented_at, guest.opted_out_at = utcnow(), None
            record("guest_consented", str(guest.id), hotel_id=hotel_id, way=way)

    _of_guest(guest_id, hotel_id, work)


def take_consent_back(guest_id: int, staff_id: int, *, hotel_id: int) -> None:
    """It was written down by mistake, or the guest has said so, without refusing for good."""

    def work(guest: Guest) -> None:
        if guest.consented_at is not None:
            _say_who(staff_id, "asked_staff")
            guest.consented_at = None
            record("guest_consent_taken_back", str(guest.id), hotel_id=hotel_id)

    _of_guest(guest_id, hotel_id, work)


def _say_who(staff_id: int, how: str) -> None:
    """Told to the trigger that writes the history, for this transaction."""
    db.session.execute(
        text(
            "select set_config('hotel_agent.consent_staff', :staff, true), set_config('hotel_agent.consent_how', :how,"
            " true)"
        ),
        {"staff": str(staff_id), "how": how},
    )


def _of_guest(guest_id: int, hotel_id: int, work: Callable[[Guest], None]) -> None:
    def attempt() -> None:
        try:
            guest = db.session.scalar(
                select(Guest)
                .where(Guest.id == guest_id, Guest.hotel_id == hotel_id)
                .with_for_update(key_share=True)
                .execution_options(populate_existing=True)
            )
            if guest is None:
                raise NotFound("There is no such guest.")
            if guest.erased_at is not None:
                raise BadInput("guest", _("This guest has been erased."))
            work(guest)
            db.session.commit()
        finally:
            db.session.rollback()

    with_retry(attempt)
