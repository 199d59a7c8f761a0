"""Since when a guest waits and why: from the first message without an answer until one that counts."""

from __future__ import annotations

from itertools import permutations
from time import time
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import text

from hotel_agent import live
from hotel_agent.channels.whatsapp.limits import OutText
from hotel_agent.conversations import answering, outbox, taking_in, tending, waiting, writing
from hotel_agent.conversations.dialogue import Answer, Handover, Turn
from hotel_agent.conversations.handover import take_over
from hotel_agent.conversations.models import Conversation
from hotel_agent.db import db, utcnow
from tests.conversations import bodies
from tests.conversations.bodies import from_guest, message, placeholder, said
from tests.conversations.cast import (
    ana,
    conversation,
    events,
    hotel_of,
    luis,
    messages,
    out,
    reasons,
    time_passes,
)
from tests.fakes.graph import DROP, error
from workers import messages as jobs
from workers import upkeep

SCOPED = {"phone": None, "bsuid": "ES.1"}


@pytest.fixture
def hands_over(monkeypatch):
    """What the agent answers from now on promises a person."""

    def hands_over(reason: str, **more: Any) -> None:
        answer = Answer((OutText("Aviso"),), None, {}, "es", Handover(reason, **more))
        monkeypatch.setattr(answering, "reply_to", lambda turn: answer)

    return hands_over


def since() -> int | None:
    """Meta tells seconds."""
    at = conversation().waiting_since
    return int(at.timestamp()) if at else None


# Since when


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_the_first_message_without_an_answer_counts_whatever_comes_first(deliver, graph, echo, order):
    now = int(time())
    told = [said(f"{place}", f"wamid.{place}", at=now - 60 + place) for place in range(3)]
    for place in order:
        deliver(told[place])
    taking_in.take_in()
    assert (conversation().status, since()) == ("open", now - 60)
    assert conversation().last_message_text == "2"


def test_the_agents_answer_ends_it(marta_says, run_jobs, sent, echo):
    marta_says("Hola")
    taking_in.take_in()
    assert since()
    run_jobs()
    assert (conversation().status, since()) == ("open", None)


def test_the_agents_answer_leaves_what_came_meanwhile(app, marta_says, run_jobs, sent, echo, monkeypatch):
    first, now = answering.reply_to, int(time())  # type: ignore[attr-defined]
    marks: list[int] = []

    def interrupted(turn: Turn) -> Answer:
        if not marks:
            marks.append(1)
            marta_says("¿Y desayuno?", at=now - 5)
            with app.app_context():
                taking_in.take_in()
        return first(turn)

    monkeypatch.setattr(answering, "reply_to", interrupted)
    marta_says("Hola", at=now - 30)
    taking_in.take_in()
    assert since() == now - 30
    answering.answer_once(conversation().id)
    assert since() == now - 5


@pytest.mark.parametrize(
    "silent",
    [
        {"kind": "reaction", "reaction": {"message_id": "wamid.0", "emoji": "👍"}},
        {"kind": "system", "system": {"type": "customer_identity_changed", "body": "x"}},
    ],
    ids=["reaction", "system"],
)
def test_what_is_owed_no_answer_makes_nobody_wait(deliver, run_jobs, echo, graph, silent):
    given = dict(silent)
    deliver(from_guest(message(given.pop("kind"), "wamid.1", **given)))
    run_jobs()
    assert (since(), conversation().last_message_at) == (None, None)


def test_a_hand_over_keeps_the_time_and_the_agents_other_answers_do_not_end_it(
    marta_says, run_jobs, sent, echo, hands_over, monkeypatch
):
    first, now = answering.reply_to, int(time())  # type: ignore[attr-defined]
    hands_over("human")
    marta_says("Una persona, por favor", at=now - 40)
    run_jobs()
    monkeypatch.setattr(answering, "reply_to", first)
    marta_says("¿Hay piscina?", at=now - 20)
    run_jobs()
    assert len(sent) == 2
    assert (conversation().status, since()) == ("waiting", now - 40)
    writing.write(conversation().id, ana(), "Aquí Ana", uuid4(), hotel_id=hotel_of("miramar"))
    assert (conversation().status, since()) == ("open", None)


def test_a_take_over_is_no_answer(marta_says, run_jobs, graph, echo, hands_over):
    hands_over("complaint")
    marta_says("Esto es un desastre")
    run_jobs()
    before = since()
    take_over(conversation().id, ana(), hotel_id=hotel_of("miramar"))
    assert (conversation().status, since(), reasons()) == ("waiting", before, ["complaint"])


def test_only_who_waits_for_a_person_is_counted_as_such(marta_says, run_jobs, graph, echo, client, hands_over):
    marta_says("Hola")
    taking_in.take_in()
    assert since()
    assert "\nconversations_waiting 0.0" in client.get("/metrics").text
    hands_over("human")
    run_jobs()
    assert "\nconversations_waiting 1.0" in client.get("/metrics").text


# Why


def test_reasons_gather_the_gravest_first_each_told_once(marta_says, run_jobs, graph, echo, hands_over):
    for reason in ("unsure", "human", "unsure", "emergency", "something new", "complaint"):
        hands_over(reason, urgent=reason == "emergency")
        marta_says("…")
        run_jobs()
    assert reasons() == ["emergency", "complaint", "human", "unsure", "something new"]
    assert (conversation().waiting_reason, conversation().urgent) == ("emergency", True)
    told = [details["reason"] for _, _, details in events("handed_over")]
    assert told == ["unsure", "human", "emergency", "something new", "complaint"]


def test_one_answer_may_hand_over_for_more_than_one_reason(marta_says, run_jobs, graph, echo, hands_over):
    hands_over("complaint", also=("lost_item",))
    marta_says("…")
    run_jobs()
    assert reasons() == ["complaint", "lost_item"]


def test_what_passes_is_always_last():
    passing = [*waiting.SETTLES_ITSELF, waiting.GUEST_WROTE]
    assert all(waiting.gravity("no such reason") < waiting.gravity(reason) for reason in passing)
    assert all(waiting.gravity(reason) < waiting.gravity("no such reason") for reason in waiting.GRAVEST_FIRST)


def test_a_guest_who_writes_to_staff_is_not_told_as_a_hand_over(marta_says, run_jobs, graph, echo):
    marta_says("Hola")
    run_jobs()
    take_over(conversation().id, ana(), hotel_id=hotel_of("miramar"))
    marta_says("¿Hola?")
    taking_in.take_in()
    assert (reasons(), events("handed_over")) == (["guest_wrote"], [])


def test_what_settles_itself_takes_only_itself_away(marta_says, run_jobs, graph, echo, deliver, hands_over):
    hands_over("complaint")
    graph.behave(DROP)
    marta_says("Esto es un desastre")
    run_jobs()
    time_passes(seconds=121)
    upkeep.settle_unknown_sends()
    assert reasons() == ["complaint", "send_unknown"]
    before = since()
    [heard] = graph.sent
    deliver(bodies.status(heard.wamid, "delivered", data=heard.callback_data))
    run_jobs()
    assert (conversation().status, reasons(), since()) == ("waiting", ["complaint"], before)


def test_of_two_troubles_one_may_settle_and_the_other_stay(marta_says, run_jobs, graph, echo, deliver):
    marta_says("Hola")
    run_jobs()
    marta = conversation()
    for trouble in (DROP, error(131026)):
        graph.behave(trouble)
        outbox.put(marta, OutText("¿Sigue ahí?"))
        db.session.commit()
        outbox.deliver(marta.id, jobs.graph())
    time_passes(seconds=121)
    upkeep.settle_unknown_sends()
    assert reasons() == ["send_failed", "send_unknown"]
    heard = graph.sent[-1]
    deliver(bodies.status(heard.wamid, "delivered", data=heard.callback_data))
    run_jobs()
    assert (conversation().status, reasons()) == ("waiting", ["send_failed"])


def test_when_all_has_settled_the_guest_waits_for_the_agents_answer_alone(deliver, graph, echo):
    now = int(time())
    deliver(placeholder("wamid.1"))
    deliver(said("¿Hay piscina?", "wamid.2", at=now - 3))
    taking_in.take_in()
    assert (conversation().status, reasons()) == ("waiting", ["unreadable"])
    deliver(said("Hola", "wamid.1", at=now))
    taking_in.take_in()
    assert (conversation().status, reasons(), since()) == ("open", [], now - 3)


# Two guests who are one


def test_whoever_waits_in_either_conversation_waits_in_the_joined_one(marta_says, run_jobs, graph, echo, hands_over):
    miramar = hotel_of("miramar")
    marta_says("Antes", phone="34600777000")
    run_jobs()
    hands_over("human")
    marta_says("Una persona", **SCOPED)
    run_jobs()
    phone, scoped = db.session.query(Conversation).order_by(Conversation.id).all()
    kept, twin, waited = phone.id, scoped.id, scoped.waiting_since
    writing.note(kept, ana(), "De la primera", uuid4(), hotel_id=miramar)
    client_id = uuid4()
    noted = writing.note(twin, ana(), "De la segunda", client_id, hotel_id=miramar)
    db.session.execute(
        text("insert into media (hotel_id, conversation_id, message_id, graph_id) values (:hotel, :twin, 1, 'g')"),
        {"hotel": miramar, "twin": twin},
    )
    tending.assign(twin, ana(), luis(), hotel_id=miramar)
    marta_says("Soy la misma", phone="34600777000", bsuid="ES.1", wamid="wamid.same")
    taking_in.take_in()
    joined = conversation()
    assert (joined.id, joined.status, joined.waiting_since, reasons()) == (kept, "waiting", waited, ["human"])
    assert joined.assignee_id == luis()
    assert joined.last_message_text == "Soy la misma"
    assert sorted(kind for kind, *_ in events()) == ["assigned", "handed_over", "note", "note"]
    assert db.session.scalar(text("select conversation_id from media")) == kept
    assert writing.note(kept, ana(), "De la segunda", client_id, hotel_id=miramar) == noted


def test_the_later_of_two_conversations_tells_the_last_message(marta_says, run_jobs, graph, echo, deliver):
    now = time()
    marta_says("Antes", phone="34600777000", at=now - 50)
    marta_says("Después", at=now - 10, **SCOPED)
    taking_in.take_in()
    reaction = message("reaction", "wamid.r", reaction={"message_id": "wamid.0", "emoji": "👍"})
    deliver(from_guest(reaction, phone="34600777000", bsuid="ES.1"))
    taking_in.take_in()
    assert (conversation().last_message_text, since()) == ("Después", int(now - 50))


@pytest.mark.parametrize(
    ("one", "other", "both"),
    [("closed", "open", "open"), ("snoozed", "open", "open"), ("closed", "snoozed", "snoozed")],
)
def test_of_two_conversations_the_more_wakeful_one_counts(app, one, other, both):
    for kept, twin in ((one, other), (other, one)):
        rows = [
            Conversation(
                status=status,
                owner="agent",
                waiting_reasons=[],
                snoozed_until=utcnow() if status == "snoozed" else None,
                closed_at=utcnow() if status == "closed" else None,
            )
            for status in (kept, twin)
        ]
        waiting.join(*rows)
        assert rows[0].status == both
        assert (rows[0].snoozed_until is not None, rows[0].closed_at is not None) == (both == "snoozed", False)


# What a list shows


def last() -> tuple[str | None, str | None, str]:
    kept = conversation()
    return kept.last_message_author, kept.last_message_type, kept.last_message_text


def test_a_list_shows_who_said_what_last(marta_says, run_jobs, sent, echo):
    marta_says("Hola " + "x" * 300)
    taking_in.take_in()
    assert last() == ("guest", "text", ("Hola " + "x" * 300)[:200])
    run_jobs()
    assert last()[0] == "agent"
    writing.write(conversation().id, ana(), "Soy Ana", uuid4(), hotel_id=hotel_of("miramar"))
    assert last() == ("staff", "text", "Soy Ana")
    assert conversation().last_message_at == messages("out")[-1].created_at


def test_a_list_shows_our_answer_even_if_metas_clock_is_ahead(marta_says, run_jobs, sent, echo):
    marta_says("Hola", at=time() + 30)
    run_jobs()
    assert last()[2] == "re: Hola"


def test_a_list_shows_a_guests_message_of_the_second_in_which_we_answered(marta_says, run_jobs, sent, echo):
    marta_says("Hola")
    run_jobs()
    answered = messages("out")[-1].created_at
    marta_says("Gracias", at=answered.timestamp())
    taking_in.take_in()
    assert last()[2] == "Gracias"


def test_a_message_that_comes_late_is_not_the_last(marta_says, run_jobs, sent, echo):
    marta_says("Después")
    taking_in.take_in()
    marta_says("Antes", at=time() - 600)
    taking_in.take_in()
    assert last()[2] == "Después"


def test_a_placeholder_is_shown_as_what_it_turns_out_to_be(deliver, run_jobs, sent, echo):
    deliver(placeholder("wamid.1"))
    taking_in.take_in()
    deliver(said("¿Hay sitio?", "wamid.1"))
    taking_in.take_in()
    assert last() == ("guest", "text", "¿Hay sitio?")


def edited(wamid: str, original: str, words: str) -> Any:
    inner = {"type": "text", "text": {"body": words}}
    return from_guest(message("edit", wamid, edit={"original_message_id": original, "message": inner}))


def test_a_list_shows_the_last_message_as_it_was_edited_and_not_an_earlier_one(deliver, graph, echo):
    now = time()
    deliver(said("uno", "wamid.1", at=now - 20))
    deliver(said("dos", "wamid.2", at=now - 10))
    deliver(edited("wamid.3", "wamid.1", "UNO"))
    taking_in.take_in()
    assert last() == ("guest", "text", "dos")
    deliver(edited("wamid.4", "wamid.2", "DOS"))
    taking_in.take_in()
    assert last() == ("guest", "text", "DOS")


def test_a_list_does_not_show_what_the_guest_took_back(deliver, graph, echo):
    deliver(said("secreto", "wamid.1"))
    deliver(from_guest(message("revoke", "wamid.2", revoke={"original_message_id": "wamid.1"})))
    taking_in.take_in()
    assert last() == ("guest", "revoke", "[deleted]")


def test_a_card_number_is_not_shown(marta_says, graph, echo):
    marta_says("mi tarjeta es 4111 1111 1111 1111")
    taking_in.take_in()
    assert last()[2] == "mi tarjeta es **** 1111"


def test_an_answer_that_is_not_sent_is_shown_all_the_same(marta_says, run_jobs, graph, echo):
    graph.always(error(131026))
    marta_says("Hola")
    run_jobs()
    assert (out()[-1][2], last()[2]) == ("failed", "re: Hola")


# News


def test_a_tick_is_news(marta_says, run_jobs, sent, echo, deliver, monkeypatch):
    marta_says("Hola")
    run_jobs()
    deliver(bodies.status(sent[0].wamid, "delivered"))
    told: list[Any] = []
    monkeypatch.setattr(live, "tell", lambda topic, **what: told.append((topic, what)))
    taking_in.take_in()
    assert ("conversations", {"hotel": hotel_of("miramar"), "ids": [conversation().id]}) in told


def test_an_answer_that_cannot_be_sent_leaves_the_guest_waiting_since_the_question(marta_says, run_jobs, graph, echo):
    asked = int(time()) - 60
    graph.always(error(131026))
    marta_says("¿Hay habitación?", at=asked)
    run_jobs()
    assert (conversation().status, reasons(), since()) == ("waiting", ["send_failed"], asked)
