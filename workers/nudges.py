"""The jobs by name, and the nudges that remind a worker of them; light enough for the web process to load."""

from __future__ import annotations

from hotel_agent import queues

TAKE_IN = "workers.messages.take_in"
ANSWER = "workers.messages.answer"
SEND = "workers.messages.send"
PROCESS = "workers.messages.process"
FETCH_MEDIA = "workers.media.fetch"
AVAILABILITY = "workers.rooms.availability"


def take_in() -> bool:
    return queues.nudge(queues.INTAKE, TAKE_IN, once="take_in")


def answer(conversation_id: int) -> bool:
    return queues.nudge(queues.ANSWERS, ANSWER, conversation_id, once=f"answer:{conversation_id}")


def send(conversation_id: int) -> bool:
    return queues.nudge(queues.ANSWERS, SEND, conversation_id, once=f"send:{conversation_id}")


def fetch_media() -> bool:
    return queues.nudge(queues.BACKGROUND, FETCH_MEDIA, once="media")
