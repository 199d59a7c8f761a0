"""Whose a conversation is, put off until later, done with, and open again: by hand, by time, by the guest."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import text

from hotel_agent.channels.whatsapp.limits import OutText
from hotel_agent.conversations import answering, asking, outbox, taking_in, tending, writing
from hotel_agent.conversations.dialogue import Answer, Handover
from hotel_agent.conversations.handover import take_over
from hotel_agent.db import db, utcnow
from hotel_agent.errors import BadInput
from hotel_agent.hotels.finding import by_slug
from tests.conversations.cast import (
    ana,
    conversation,
    events,
    handlings,
    hotel_of,
    luis,
    messages,
    olga,
    oscar,
    reasons,
    time_passes,
)
from tests.fakes.graph import error
from workers import messages as jobs
from workers import upkeep
from workers.schedule import SCHEDULE


@pytest.fixture
def asked(marta_says, run_jobs, graph, echo) -> int:
    marta_says("Hola")
    run_jobs()
    return conversation().id


@pytest.fixture
def hands_over(monkeypatch):
    """What the agent answers from now on promises a person."""

    def hands_over(reason: str, **more: Any) -> None:
        answer = Answer((OutText("Aviso"),), None, {}, "es", Handover(reason, **more))
        monkeypatch.setattr(answering, "reply_to", lambda turn: answer)

    return hands_over


def assign(conversation_id: int, to: int | None) -> None:
    tending.assign(conversation_id, ana(), to, hotel_id=hotel_of("miramar"))


def snooze(conversation_id: int, until: datetime | None = None) -> None:
    tending.snooze(conversation_id, ana(), until or in_an_hour(), hotel_id=hotel_of("miramar"))


def in_an_hour() -> datetime:
    return utcnow() + timedelta(hours=1)


def close(conversation_id: int, seen: int | None = None) -> None:
    tending.close(conversation_id, ana(), seen, hotel_id=hotel_of("miramar"))


def reopen(conversation_id: int) -> None:
    tending.reopen(conversation_id, ana(), hotel_id=hotel_of("miramar"))


# Whose


def test_a_conversation_is_given_to_a_colleague_and_the_agent_goes_on(asked, marta_says, run_jobs, sent):
    assign(asked, luis())
    assign(asked, luis())
    assert (conversation().assignee_id, conversation().owner) == (luis(), "agent")
    assert events() == [("assigned", ana(), {"to": luis()})]
    marta_says("¿Hay piscina?")
    run_jobs()
    assert len(sent) == 2
    assign(asked, None)
    assert conversation().assignee_id is None
    assert events()[-1] == ("assigned", ana(), {"to": None})


@pytest.mark.parametrize("who", [olga, oscar, lambda: 4711], ids=["not at the desk", "another hotel's", "nobody"])
def test_a_conversation_is_given_only_to_who_may_answer_it(asked, who):
    with pytest.raises(BadInput) as told:
        assign(asked, who())
    assert told.value.field == "to"
    assert events() == []


def test_nor_to_somebody_who_has_left(asked):
    db.session.execute(text("update staff set disabled_at = now() where id = :id"), {"id": luis()})
    db.session.commit()
    with pytest.raises(BadInput):
        assign(asked, luis())


# Later


def test_what_is_put_off_wakes_by_itself_when_its_time_has_come(asked):
    snooze(asked)
    upkeep.wake_snoozed()
    assert conversation().status == "snoozed"
    time_passes(hours=1)
    upkeep.wake_snoozed()
    upkeep.wake_snoozed()
    assert (conversation().status, conversation().snoozed_until) == ("open", None)
    assert [(kind, who) for kind, who, _ in events()] == [("snoozed", ana()), ("woken", None)]


def test_an_alarm_that_nobody_has_is_not_put_off(asked, marta_says, run_jobs, hands_over):
    hands_over("emergency", urgent=True)
    marta_says("Hay fuego")
    run_jobs()
    with pytest.raises(BadInput):
        snooze(asked)
    assign(asked, ana())
    snooze(asked)
    assert conversation().status == "snoozed"


def test_waking_is_on_the_schedule():
    [every] = [recurring.seconds for recurring in SCHEDULE if recurring.job.endswith("wake_snoozed")]
    assert every <= 15


def test_who_waited_waits_again_when_it_wakes(asked, marta_says, run_jobs, hands_over):
    hands_over("human")
    marta_says("Una persona, por favor")
    run_jobs()
    since = conversation().waiting_since
    snooze(asked)
    assert (conversation().status, conversation().waiting_since) == ("snoozed", since)
    db.session.execute(text("update conversations set snoozed_until = now()"))
    db.session.commit()
    tending.wake_snoozed()
    assert (conversation().status, conversation().waiting_since, reasons()) == ("waiting", since, ["human"])


def test_a_guests_message_wakes_it(asked, marta_says, run_jobs):
    snooze(asked)
    marta_says("¿Hay piscina?")
    run_jobs()
    assert (conversation().status, conversation().snoozed_until) == ("open", None)
    assert events()[-1] == ("woken", None, {})


def test_a_guests_message_to_staff_wakes_it_as_waiting(asked, marta_says):
    take_over(asked, ana(), hotel_id=hotel_of("miramar"))
    snooze(asked)
    marta_says("¿Hay alguien?")
    taking_in.take_in()
    assert (conversation().status, reasons()) == ("waiting", ["guest_wrote"])


def test_a_reaction_wakes_nobody(asked, deliver):
    from tests.conversations.bodies import from_guest, message

    snooze(asked)
    deliver(from_guest(message("reaction", "wamid.r", reaction={"message_id": "wamid.0", "emoji": "👍"})))
    taking_in.take_in()
    assert (conversation().status, conversation().last_message_text) == ("snoozed", "re: Hola")


def test_a_send_that_fails_meanwhile_wakes_it(asked, graph):
    writing.write(asked, ana(), "Buenos días", uuid4(), hotel_id=hotel_of("miramar"))
    snooze(asked)
    graph.behave(error(131026))
    outbox.deliver(asked, jobs.graph())
    assert (conversation().status, reasons(), conversation().snoozed_until) == ("waiting", ["send_failed"], None)


@pytest.mark.parametrize("away", [timedelta(seconds=-1), timedelta(0), timedelta(days=400)])
def test_only_times_to_come_are_chosen(asked, away):
    with pytest.raises(BadInput) as told:
        snooze(asked, utcnow() + away)
    assert told.value.field == "until"
    assert conversation().status == "open"


# Done with


def test_what_is_closed_is_nobodys_and_nothing_is_owed(asked, marta_says, run_jobs):
    take_over(asked, ana(), hotel_id=hotel_of("miramar"))
    marta_says("Gracias")
    run_jobs()
    close(asked)
    close(asked)
    kept = conversation()
    assert (kept.status, kept.owner, kept.assignee_id) == ("closed", "agent", None)
    assert kept.closed_at
    assert (kept.waiting_since, reasons(), handlings()) == (None, [], ["answered", "none"])
    assert [kind for kind, *_ in events()] == ["taken_over", "closed"]


def test_what_the_guest_writes_then_opens_it_for_the_agent(asked, marta_says, run_jobs, sent):
    take_over(asked, ana(), hotel_id=hotel_of("miramar"))
    close(asked)
    marta_says("¿Hay piscina?")
    run_jobs()
    assert [heard.text for heard in sent] == ["re: Hola", "re: ¿Hay piscina?"]
    assert (conversation().status, conversation().closed_at, conversation().waiting_since) == ("open", None, None)
    assert events()[-1] == ("reopened", None, {})


def test_what_the_caller_of_the_api_says_opens_it_too(app, echo):
    asking.ask(by_slug("miramar"), "crm-7", "Hola", None)
    close(conversation().id)
    asking.ask(by_slug("miramar"), "crm-7", "Hola", None)
    assert conversation().status == "open"


def test_what_the_agent_still_owes_it_answers(asked, marta_says, run_jobs, sent):
    marta_says("¿Hay piscina?")
    taking_in.take_in()
    close(asked)
    assert conversation().waiting_since
    run_jobs()
    assert len(sent) == 2
    assert (conversation().status, conversation().waiting_since) == ("closed", None)


def test_a_promise_of_a_person_opens_what_was_closed(asked, marta_says, run_jobs, hands_over):
    hands_over("human")
    marta_says("Una persona, por favor")
    taking_in.take_in()
    close(asked)
    run_jobs()
    assert (conversation().status, conversation().closed_at) == ("waiting", None)


def test_nobody_closes_over_a_message_that_they_have_not_seen(asked, marta_says):
    take_over(asked, ana(), hotel_id=hotel_of("miramar"))
    seen = messages()[-1].id
    marta_says("Una cosa más…")
    taking_in.take_in()
    with pytest.raises(BadInput):
        close(asked, seen)
    assert (conversation().status, handlings()[-1]) == ("waiting", "staff")
    close(asked, messages()[-1].id)
    assert conversation().status == "closed"


@pytest.mark.parametrize(("way", "told"), [("closed", "reopened"), ("snoozed", "woken")])
def test_what_was_closed_or_put_off_is_taken_up_again_by_hand(asked, way, told):
    if way == "closed":
        close(asked)
    else:
        snooze(asked)
    reopen(asked)
    reopen(asked)
    kept = conversation()
    assert (kept.status, kept.closed_at, kept.snoozed_until) == ("open", None, None)
    assert events()[1:] == [(told, ana(), {})]


def test_who_waited_when_it_was_closed_waits_again_when_it_is_opened(asked, marta_says, run_jobs, hands_over):
    hands_over("emergency", urgent=True, also=("human",))
    marta_says("Hay fuego")
    run_jobs()
    since = conversation().waiting_since
    close(asked)
    assert (conversation().waiting_since, conversation().urgent, reasons()) == (None, False, [])
    reopen(asked)
    kept = conversation()
    assert (kept.status, kept.urgent, kept.waiting_since) == ("waiting", True, since)
    assert reasons() == ["emergency", "human"]
