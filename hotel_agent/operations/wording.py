"""Failures, jobs and queues in the words of whoever looks after them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask_babel import lazy_gettext as _

from hotel_agent import queues

# Why a body could not be taken in, and what can be done about it.
REASONS: Mapping[str, tuple[Any, Any]] = {
    "unreadable": (
        _("Cannot be read"),
        _("It has a form that this version does not know. Putting it back helps only once the program is newer."),
    ),
    "unknown_number": (
        _("For a number that no hotel has"),
        _("If the number is one of yours, add it (flask hotel add-number), then put it back."),
    ),
    "wrong_secret": (
        _("Signed with another secret"),
        _(
            "Give the hotel the secret of its own app at Meta, then put it back. "
            "If you expect nothing from there, leave it: somebody else may have sent it."
        ),
    ),
    "no_sender": (
        _("Nobody says who wrote it"),
        _("Neither a phone number nor an id of the guest came with it. Only a newer program can help."),
    ),
    "error": (
        _("The program failed at it"),
        _("It was tried several times. Put it back once the cause is mended; the log has the whole error."),
    ),
}
JOBS: Mapping[str, Any] = {
    "workers.messages.take_in": _("Take in what WhatsApp delivered"),
    "workers.messages.answer": _("Answer a guest"),
    "workers.messages.send": _("Send what is to be sent"),
    "workers.messages.process": _("Answer a program (API)"),
    "workers.media.fetch": _("Fetch what guests sent"),
    "workers.rooms.availability": _("Ask for free rooms"),
    "workers.rooms.warm_up": _("Look ahead at free rooms of hotels with a PMS"),
    "workers.rooms.warm_up_hotel": _("Look ahead at free rooms of a hotel with a PMS"),
    "workers.desk.do": _("Check in, check out, no-show or another room"),
    "workers.desk.offers": _("See what is free, for the front desk"),
    "workers.desk.change": _("See what a change comes to, for the front desk"),
    "workers.desk.kinds": _("Ask for the kinds of room"),
    "workers.holds.extend": _("Keep a room for longer"),
    "workers.holds.release": _("Let a kept room go"),
    "workers.integrations.carry_out": _("Book, change or cancel, for a program or the front desk"),
    "workers.integrations.write_down_what_was_done": _("Tell programs what became of their requests (API)"),
    "workers.translations.translate": _("Translate a message"),
    "workers.knowledge.try_question": _("Try a question"),
    "workers.privacy.export": _("Gather what is known of a guest"),
    "workers.privacy.erase": _("Erase a guest"),
    "workers.privacy.go_on": _("Go on with erasures that were cut off"),
    "workers.proactive.send_due": _("Send what is due around stays"),
    "workers.pms.check": _("Try the connection to a PMS"),
    "workers.pms.settle": _("Settle what a PMS has left open"),
    "workers.pms.mirror": _("Follow the PMS of every hotel"),
    "workers.pms.mirror_hotel": _("Follow a hotel's PMS"),
    "workers.backups.look": _("See whether a backup is due"),
    "workers.backups.take": _("Take a backup"),
    "workers.backups.try_newest": _("Try to restore the newest backup"),
    "workers.upkeep.bring_back": _("Bring back lost work"),
    "workers.upkeep.settle_unknown_sends": _("Settle sends whose outcome is unknown"),
    "workers.upkeep.wake_snoozed": _("Wake conversations that were put off"),
    "workers.upkeep.release_expired_holds": _("Let holds go whose time is over"),
    "workers.upkeep.make_partitions": _("Make room for coming weeks"),
    "workers.upkeep.forget_old": _("Forget what is too old"),
    "workers.retention.forget_messages": _("Forget messages that are too old"),
    "workers.retention.forget_media": _("Forget photos, voice notes and documents that are too old"),
    "workers.retention.forget_webhook_failures": _("Forget unreadable deliveries that are too old"),
    "workers.retention.forget_audit_log": _("Forget what the audit log says of long ago"),
}
# What the first number is that a job was given.
GIVEN: Mapping[str, Any] = {
    "workers.messages.answer": _("conversation"),
    "workers.messages.send": _("conversation"),
    "workers.messages.process": _("message"),
    "workers.rooms.availability": _("hotel"),
    "workers.rooms.warm_up_hotel": _("hotel"),
    "workers.desk.do": _("hotel"),
    "workers.desk.offers": _("hotel"),
    "workers.desk.change": _("hotel"),
    "workers.desk.kinds": _("hotel"),
    "workers.holds.extend": _("hotel"),
    "workers.holds.release": _("hotel"),
    "workers.pms.mirror_hotel": _("hotel"),
    "workers.pms.check": _("hotel"),
}
QUEUES: Mapping[str, Any] = {
    queues.SWEEPS: _("Sweeps"),
    queues.API: _("Programs"),
    queues.SENDS: _("Sends"),
    queues.ANSWERS: _("Answers"),
    queues.INTAKE: _("Intake"),
    queues.SLOW_ANSWERS: _("Slow answers"),
    queues.PMS: _("PMS"),
    queues.BACKGROUND: _("Background"),
}


def reason_name(reason: str) -> str:
    return str(REASONS[reason][0]) if reason in REASONS else reason


def reason_advice(reason: str) -> str:
    return str(REASONS[reason][1]) if reason in REASONS else ""


def job_name(job: str) -> str:
    return str(JOBS.get(job) or job or _("A job that cannot be read"))


def job_row(job: str) -> str:
    return str(GIVEN.get(job) or "")


def queue_name(name: str) -> str:
    return str(QUEUES.get(name) or name)
