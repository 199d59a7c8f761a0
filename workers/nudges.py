"""The jobs by name, and the nudges that remind a worker of them; light enough for the web process to load."""

from __future__ import annotations

from hotel_agent import queues

TAKE_IN = "workers.messages.take_in"
ANSWER = "workers.messages.answer"
SEND = "workers.messages.send"
PROCESS = "workers.messages.process"
FETCH_MEDIA = "workers.media.fetch"
AVAILABILITY = "workers.rooms.availability"
TRY_QUESTION = "workers.knowledge.try_question"
EXTEND_HOLD = "workers.holds.extend"
RELEASE_HOLD = "workers.holds.release"
TRANSLATE = "workers.translations.translate"
AT_THE_DESK = "workers.desk.do"
OFFERS = "workers.desk.offers"
CHANGE = "workers.desk.change"
KINDS = "workers.desk.kinds"
CHECK_PMS = "workers.pms.check"
MIRROR = "workers.pms.mirror_hotel"
WARM_UP = "workers.rooms.warm_up_hotel"
CARRY_OUT = "workers.integrations.carry_out"
EXPORT_GUEST = "workers.privacy.export"
TAKE_BACKUP = "workers.backups.take"
TRY_BACKUP = "workers.backups.try_newest"
ERASE_GUEST = "workers.privacy.erase"


def take_in() -> bool:
    return queues.nudge(queues.INTAKE, TAKE_IN, once="take_in")


def answer(conversation_id: int) -> bool:
    return queues.nudge(queues.ANSWERS, ANSWER, conversation_id, once=f"answer:{conversation_id}")


def answer_slowly(conversation_id: int) -> bool:
    """By a worker that may be kept waiting, before what programs ask, and whoever waits longest first."""
    return queues.nudge(queues.SLOW_ANSWERS, ANSWER, conversation_id, True, once=f"slow:{conversation_id}", first=True)


def send(conversation_id: int) -> bool:
    """What a person has written goes before what many are sent."""
    return queues.nudge(queues.SENDS, SEND, conversation_id, once=f"send:{conversation_id}", first=True)


def send_in_turn(conversation_id: int) -> bool:
    return queues.nudge(queues.SENDS, SEND, conversation_id, once=f"send:{conversation_id}")


def fetch_media() -> bool:
    return queues.nudge(queues.BACKGROUND, FETCH_MEDIA, once="media")


def mirror(hotel_id: int) -> bool:
    return queues.nudge(queues.PMS, MIRROR, hotel_id, once=f"mirror:{hotel_id}")


def warm_up(hotel_id: int) -> bool:
    return queues.nudge(queues.PMS, WARM_UP, hotel_id, once=f"warm_up:{hotel_id}")


def export_guest(export_id: int) -> bool:
    return queues.nudge(queues.BACKGROUND, EXPORT_GUEST, export_id, timeout=1800)


def erase_guest(erasure_id: int) -> bool:
    return queues.nudge(queues.BACKGROUND, ERASE_GUEST, erasure_id, timeout=3600)


def forget(what: str) -> bool:
    return queues.nudge(queues.BACKGROUND, f"workers.retention.forget_{what}", once=f"forget:{what}", timeout=300)


def take_backup() -> bool:
    return queues.nudge(queues.BACKGROUND, TAKE_BACKUP, once="backup", timeout=queues.LONGEST_JOB_SECONDS)


def try_backup() -> bool:
    return queues.nudge(queues.BACKGROUND, TRY_BACKUP, once="backup", timeout=queues.LONGEST_JOB_SECONDS)
