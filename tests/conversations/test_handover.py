"""Whose a conversation is: taken over by one colleague at a time, the agent silent meanwhile, and given back."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from hotel_agent.channels.whatsapp.limits import OutText
from hotel_agent.conversations import answering, asking, outbox, replying, taking_in, tending, writing
from hotel_agent.conversations.dialogue import Answer, Handover, Happening, Turn
from hotel_agent.conversations.handover import Taken, TakenBySomebodyElse, give_back, take_over
from hotel_agent.db import db, utcnow
from hotel_agent.errors import NotFound
from hotel_agent.hotels.finding import by_slug
from tests.conversations.cast import (
    ana,
    conversation,
    events,
    handlings,
    hotel_of,
    luis,
    messages,
    oscar,
    out,
    reasons,
    time_passes,
)
from tests.fakes.graph import UNAVAILABLE
from workers import messages as jobs
from workers import nudges


@pytest.fixture
def asked(marta_says, run_jobs, graph, echo) -> int:
    """Marta has written and been answered; the conversation's id."""
    marta_says("Hola")
    run_jobs()
    return conversation().id


@pytest.fixture
def says(marta_says):
    """Marta writes, and it is taken in but not answered."""

    def says(words: str, **more: Any) -> None:
        marta_says(words, **more)
        taking_in.take_in()

    return says


def ana_takes(conversation_id: int, *seen: int | None) -> Taken:
    return take_over(conversation_id, ana(), *seen, hotel_id=hotel_of("miramar"))


def ana_gives_back(conversation_id: int) -> None:
    give_back(conversation_id, ana(), hotel_id=hotel_of("miramar"))


def ana_writes(conversation_id: int, words: str = "Soy Ana") -> int:
    written = writing.write(conversation_id, ana(), words, uuid4(), hotel_id=hotel_of("miramar"))
    nudges.send(conversation_id)
    return written


def test_whoever_takes_over_has_it(asked):
    assert ana_takes(asked) == Taken(None, was_agents=True)
    assert (conversation().owner, conversation().assignee_id) == ("staff", ana())
    assert events() == [("taken_over", ana(), {"from": None})]


def test_taking_over_what_is_mine_does_nothing(asked):
    ana_takes(asked)
    assert ana_takes(asked, None).already
    assert len(events()) == 1


def test_of_two_colleagues_in_the_same_second_one_has_it_and_the_other_is_told(app, asked):
    wanted = {"Ana": ana(), "Luis": luis()}
    together = threading.Barrier(2)

    def take(staff_id: int) -> str | Taken:
        with app.app_context():
            together.wait()
            try:
                return take_over(asked, staff_id, None, hotel_id=hotel_of("miramar"))
            except TakenBySomebodyElse as taken:
                return taken.name

    with ThreadPoolExecutor(2) as pool:
        came = dict(zip(wanted, pool.map(take, wanted.values()), strict=True))
    [winner] = [name for name, what in came.items() if isinstance(what, Taken)]
    [loser] = set(wanted) - {winner}
    assert str(came[loser]).split(" ")[0] == winner
    assert conversation().assignee_id == wanted[winner]
    assert len(events("taken_over")) == 1


def test_whoever_has_seen_whose_it_is_may_take_it_from_them(asked):
    ana_takes(asked)
    with pytest.raises(TakenBySomebodyElse):
        take_over(asked, luis(), None, hotel_id=hotel_of("miramar"))
    take_over(asked, luis(), ana(), hotel_id=hotel_of("miramar"))
    assert conversation().assignee_id == luis()
    assert events("taken_over")[1] == ("taken_over", luis(), {"from": ana()})


def test_what_a_colleague_has_given_back_meanwhile_is_nobodys(asked):
    ana_takes(asked)
    ana_gives_back(asked)
    assert take_over(asked, luis(), ana(), hotel_id=hotel_of("miramar")).before is None


VERBS = {
    "take_over": lambda one, who, hotel: take_over(one, who, hotel_id=hotel),
    "give_back": lambda one, who, hotel: give_back(one, who, hotel_id=hotel),
    "write": lambda one, who, hotel: writing.write(one, who, "Hola", uuid4(), hotel_id=hotel),
    "template": lambda one, who, hotel: writing.write_template(one, who, 1, ["a", "b"], uuid4(), hotel_id=hotel),
    "note": lambda one, who, hotel: writing.note(one, who, "Hola", uuid4(), hotel_id=hotel),
    "again": lambda one, who, hotel: writing.send_again(messages("out")[0].id, who, hotel_id=hotel),
    "assign": lambda one, who, hotel: tending.assign(one, who, who, hotel_id=hotel),
    "snooze": lambda one, who, hotel: tending.snooze(one, who, utcnow() + timedelta(hours=1), hotel_id=hotel),
    "close": lambda one, who, hotel: tending.close(one, who, hotel_id=hotel),
    "reopen": lambda one, who, hotel: tending.reopen(one, who, hotel_id=hotel),
}


@pytest.mark.parametrize("verb", VERBS)
def test_oscar_of_the_other_hotel_can_do_nothing(asked, verb):
    with pytest.raises(NotFound):
        VERBS[verb](asked, oscar(), hotel_of("andes"))
    kept = conversation()
    assert (kept.owner, kept.status, kept.assignee_id, events(), len(out())) == ("agent", "open", None, [], 1)


@pytest.mark.parametrize("verb", VERBS)
def test_what_is_not_there_cannot_be_found(app, verb):
    with pytest.raises((NotFound, IndexError)):
        VERBS[verb](4711, ana(), hotel_of("miramar"))


def test_an_open_question_waits_for_whoever_takes_over(asked, says, run_jobs, sent):
    says("¿Hay piscina?")
    asked_at = messages("in")[-1].sent_at
    ana_takes(asked)
    run_jobs()
    assert handlings() == ["answered", "staff"]
    assert (conversation().status, conversation().waiting_since) == ("waiting", asked_at)
    assert len(sent) == 1


# The agent is silent


def test_nothing_that_the_agent_would_try_again_is_sent_after_a_takeover(asked, says, run_jobs, graph):
    graph.behave(UNAVAILABLE)
    says("¿Hay piscina?")
    run_jobs()
    assert messages("out")[-1].status == "queued"
    ana_takes(asked)
    assert messages("out")[-1].status == "cancelled"
    assert (handlings(), reasons()) == (["answered", "staff"], ["guest_wrote"])
    time_passes(hours=1)
    run_jobs()
    assert len(graph.sent) == 1


def test_given_back_the_agent_answers_what_nobody_has_heard_the_answer_to(asked, says, run_jobs, graph, sent):
    graph.behave(UNAVAILABLE)
    says("¿Hay piscina?")
    run_jobs()
    ana_takes(asked)
    ana_gives_back(asked)
    run_jobs()
    assert (handlings(), conversation().waiting_since) == (["answered", "answered"], None)
    assert len(sent) == 2


def test_what_ana_answers_after_a_withheld_answer_waits_no_more(asked, says, run_jobs, graph):
    graph.behave(UNAVAILABLE)
    says("¿Hay piscina?")
    run_jobs()
    ana_writes(asked)
    assert (handlings(), reasons(), conversation().waiting_since) == (["answered", "answered"], [], None)


def test_a_send_that_fails_while_a_colleague_takes_over_is_not_tried_again(app, asked, says, run_jobs, graph):
    says("¿Hay piscina?")
    graph.behave(UNAVAILABLE)
    graph.while_sending = lambda heard: in_thread(app, lambda: ana_takes(asked))
    run_jobs()
    graph.while_sending = lambda heard: None
    assert messages("out")[-1].status == "cancelled"
    assert (handlings(), reasons()) == (["answered", "staff"], ["guest_wrote"])
    time_passes(minutes=5)
    run_jobs()
    assert len(graph.tried) == 2


def in_thread(app: Any, act: Any) -> None:
    def run() -> None:
        with app.app_context():
            act()

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()


def test_an_answer_by_the_api_is_withheld_when_a_colleague_takes_over_while_it_is_made(app, echo, monkeypatch):
    message_id = asking.ask(by_slug("miramar"), "crm-7", "Hola", None)
    first = answering.reply_to  # type: ignore[attr-defined]

    def slow(turn: Turn) -> Answer:
        in_thread(app, lambda: ana_takes(conversation().id))
        return first(turn)

    monkeypatch.setattr(answering, "reply_to", slow)
    told = replying.answer_message(message_id)
    assert told
    assert (told["replies"], told["owner"], told["handed_over"]) == ([], "staff", True)
    assert (out(), handlings()) == ([], ["staff"])


def test_what_was_booked_while_a_colleague_took_over_is_told_to_them(app, asked, says, run_jobs, sent, monkeypatch):
    booked = Happening("booked", {"code": "MIR-ABC234"})

    def slow(turn: Turn) -> Answer:
        in_thread(app, lambda: ana_takes(asked))
        return Answer((OutText("Reserva confirmada"),), None, {}, "es", happenings=(booked,))

    monkeypatch.setattr(answering, "reply_to", slow)
    says("sí")
    run_jobs()
    assert len(sent) == 1
    assert events("booked") == [("booked", None, {"code": "MIR-ABC234"})]


def test_what_was_booked_while_a_colleague_answered_and_closed_is_told_too(app, asked, says, run_jobs, monkeypatch):
    booked = Happening("booked", {"code": "MIR-ABC234"})

    def slow(turn: Turn) -> Answer:
        def answered() -> None:
            ana_writes(asked)
            tending.close(asked, ana(), hotel_id=hotel_of("miramar"))

        in_thread(app, answered)
        return Answer((OutText("Reserva confirmada"),), None, {}, "es", happenings=(booked,))

    monkeypatch.setattr(answering, "reply_to", slow)
    says("sí")
    run_jobs()
    assert [words for author, words, _ in out() if author == "agent"] == ["re: Hola"]
    assert len(events("booked")) == 1


# Giving back


def test_given_back_the_agent_answers_what_nobody_has_answered(asked, says, run_jobs, sent):
    ana_takes(asked)
    says("¿Hay piscina?")
    assert (handlings()[-1], conversation().status) == ("staff", "waiting")
    ana_gives_back(asked)
    run_jobs()
    assert [heard.text for heard in sent] == ["re: Hola", "re: ¿Hay piscina?"]
    kept = conversation()
    assert (kept.owner, kept.assignee_id, kept.status, kept.waiting_since) == ("agent", None, "open", None)
    assert [kind for kind, *_ in events()] == ["taken_over", "given_back"]


def test_given_back_the_agent_does_not_answer_what_a_colleague_has_answered(asked, says, run_jobs, sent):
    says("¿Hay piscina?")
    ana_writes(asked, "Sí, en la terraza")
    ana_gives_back(asked)
    run_jobs()
    assert [heard.text for heard in sent] == ["re: Hola", "Sí, en la terraza"]
    assert (conversation().status, conversation().waiting_since, handlings()) == ("open", None, ["answered"] * 2)


def test_given_back_whoever_asked_for_a_person_goes_on_waiting_for_one(asked, says, run_jobs, sent, monkeypatch):
    person = Answer((OutText("Aviso"),), None, {}, "es", Handover("human"))
    monkeypatch.setattr(answering, "reply_to", lambda turn: person)
    says("Quiero hablar con una persona")
    run_jobs()
    since = conversation().waiting_since
    assert since
    ana_takes(asked)
    says("¿Hola?")
    ana_gives_back(asked)
    kept = conversation()
    assert (kept.owner, kept.status, kept.waiting_since, reasons()) == (
        "agent",
        "waiting",
        since,
        ["human", "guest_wrote"],
    )
    run_jobs()
    assert len(sent) == 2


def test_given_back_a_person_who_answered_has_ended_the_waiting(asked, says, run_jobs, sent, monkeypatch):
    person = Answer((OutText("Aviso"),), None, {}, "es", Handover("human"))
    monkeypatch.setattr(answering, "reply_to", lambda turn: person)
    says("Quiero hablar con una persona")
    run_jobs()
    ana_writes(asked)
    ana_gives_back(asked)
    assert (conversation().status, conversation().waiting_since, reasons()) == ("open", None, [])


def test_given_back_too_late_the_guest_waits_for_a_person(asked, says, run_jobs, sent):
    ana_takes(asked)
    says("¿Hay piscina?")
    time_passes(hours=25)
    ana_gives_back(asked)
    run_jobs()
    assert len(sent) == 1
    assert (conversation().status, reasons(), handlings()[-1]) == ("waiting", ["too_old"], "staff")


def test_what_luis_has_taken_meanwhile_ana_does_not_give_back_unseen(asked):
    ana_takes(asked)
    take_over(asked, luis(), hotel_id=hotel_of("miramar"))
    with pytest.raises(TakenBySomebodyElse):
        give_back(asked, ana(), ana(), hotel_id=hotel_of("miramar"))
    assert (conversation().owner, conversation().assignee_id) == ("staff", luis())
    give_back(asked, ana(), luis(), hotel_id=hotel_of("miramar"))
    assert (conversation().owner, conversation().assignee_id) == ("agent", None)


def test_giving_back_what_is_the_agents_does_nothing(asked):
    ana_gives_back(asked)
    assert events() == []


def test_given_back_a_caller_of_the_api_who_has_gone_is_owed_nothing(app, echo):
    asking.ask(by_slug("miramar"), "crm-7", "Hola", None)
    one = conversation().id
    ana_takes(one)
    ana_gives_back(one)
    assert (handlings(), conversation().status, conversation().waiting_since) == (["none"], "open", None)


def test_a_lane_that_another_worker_has_still_leaves_the_agent_silent(asked, says, graph):
    """The row was claimed by nobody yet, and the colleague took over in between."""
    says("¿Hay piscina?")
    answering.answer(asked)
    ana_takes(asked)
    ana_writes(asked, "Sí")
    outbox.deliver(asked, jobs.graph())
    assert [heard.text for heard in graph.sent] == ["re: Hola", "Sí"]
    assert [status for *_, status in out()] == ["sent", "cancelled", "sent"]
    db.session.rollback()
