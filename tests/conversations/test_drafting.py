"""The agent proposes and a person approves, by topic."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

import pytest
from sqlalchemy import func, select, update

from hotel_agent.conversations import drafting, tending
from hotel_agent.conversations.models import Conversation, Draft
from hotel_agent.db import db, utcnow
from hotel_agent.errors import BadInput, NotFound
from hotel_agent.hotels import changing
from hotel_agent.hotels.topics import APPROVABLE, approvable, approvable_words
from hotel_agent.locks.models import ReservationLock
from tests.conversations.cast import ana, conversation, events, hotel_of, out
from tests.operations.test_metrics import figure
from tests.reservations.cast import all_at_once
from workers import nudges

PARKING = "¿Tienen parking?"


@pytest.fixture
def approves(app):
    """`approves("ask_parking")`: what Miramar wants to see first."""

    def approves(*topics: str) -> None:
        changing.change(hotel_of("miramar"), {f"approve.{topic}": "yes" for topic in topics})

    return approves


@pytest.fixture
def proposed(approves, marta_says, run_jobs, sent):
    """A proposal about parking that nobody has seen yet."""
    approves("ask_parking")
    marta_says(PARKING)
    run_jobs()
    assert len(sent) == 0
    return draft()


def draft() -> Draft:
    db.session.rollback()
    return db.session.scalars(select(Draft).order_by(Draft.id.desc()).limit(1)).one()


def page(browser) -> str:
    return browser.get(f"/conversations/{conversation().id}").text


def act(browser, verb: str, **form):
    one = draft()
    return browser.post(f"/conversations/{one.conversation_id}/drafts/{one.id}/{verb}", data=form)


def said(sent) -> list[str]:
    return [one.body["text"]["body"] for one in sent if one.body.get("type") == "text"]


@pytest.fixture
def desk(sign_in):
    return sign_in("ana@miramar.example")


def test_the_guest_reads_what_was_proposed_once_it_is_approved(proposed, desk, run_jobs, sent):
    words = proposed.bubbles[0]["text"]
    assert "aparcamiento" in words
    assert conversation().waiting_reasons == ["draft"]
    html = page(desk)
    assert 'class="proposal"' in html
    assert words.splitlines()[0] in html
    assert act(desk, "approve", text=words).status_code == 303
    run_jobs()
    assert said(sent) == [words]
    row = conversation()
    assert (row.owner, row.waiting_reasons, row.waiting_since, row.status) == ("agent", [], None, "open")
    assert out() == [("agent", words, "sent")]
    assert [kind for kind, _, _ in events("draft_sent")] == ["draft_sent"]
    assert 'class="proposal"' not in page(desk)


def test_how_long_a_colleague_thinks_is_no_time_of_the_agents(proposed, desk, run_jobs, sent, client):
    before = figure(client, "answer_seconds_count")
    act(desk, "approve", text=proposed.bubbles[0]["text"])
    run_jobs()
    assert len(sent) == 1
    assert figure(client, "answer_seconds_count") == before


def test_changed_words_are_the_colleagues(proposed, desk, run_jobs, sent):
    act(desk, "approve", text="Sí, cuesta 15 € la noche.\r\nAna")
    run_jobs()
    assert said(sent) == ["Sí, cuesta 15 € la noche.\nAna"]
    assert out() == [("staff", "Sí, cuesta 15 € la noche.\nAna", "sent")]
    assert conversation().owner == "agent"
    assert draft().edited


def test_nothing_is_sent_of_a_proposal_without_words_or_too_long(proposed, desk):
    for words in ("  ", "x" * 4097):
        answer = act(desk, "approve", text=words)
        assert answer.status_code == 400
        assert 'role="alert"' in answer.text
    assert draft().status == "open"
    assert out() == []


def test_discarded_the_guest_waits_for_a_person(proposed, desk, run_jobs, sent):
    since = conversation().waiting_since
    act(desk, "discard")
    run_jobs()
    assert len(sent) == 0
    row = conversation()
    assert (row.waiting_reasons, row.waiting_since, draft().status) == (["question"], since, "discarded")


def test_a_colleague_who_writes_instead_settles_it(proposed, desk, run_jobs, sent):
    desk.post(
        f"/conversations/{proposed.conversation_id}/messages", data={"text": "Sí, hay.", "client_id": str(uuid4())}
    )
    run_jobs()
    assert said(sent) == ["Sí, hay."]
    assert (draft().status, conversation().waiting_reasons) == ("overtaken", [])
    answer = act(desk, "approve", text="Hay parking.")
    assert answer.status_code == 400
    run_jobs()
    assert said(sent) == ["Sí, hay."]


def test_closing_settles_it_and_reopened_the_guest_waits_for_a_person(proposed):
    tending.close(proposed.conversation_id, ana(), hotel_id=proposed.hotel_id)
    assert (draft().status, conversation().waiting_reasons) == ("overtaken", [])
    tending.reopen(proposed.conversation_id, ana(), hotel_id=proposed.hotel_id)
    assert conversation().waiting_reasons == ["question"]


def test_what_else_is_asked_the_agent_answers(approves, marta_says, run_jobs, sent):
    approves("ask_parking")
    marta_says("¿A qué hora es el desayuno?")
    run_jobs()
    assert len(sent) == 1
    assert db.session.scalar(select(func.count()).select_from(Draft)) == 0


def test_a_guest_who_writes_on_gets_a_longer_proposal(proposed, marta_says, run_jobs, sent, desk):
    marta_says("¿Y hay parking para motos?")
    run_jobs()
    assert len(sent) == 0
    one = draft()
    assert one.id == proposed.id
    assert len(one.bubbles) == 2
    act(desk, "approve", text=[bubble["text"] for bubble in one.bubbles])
    run_jobs()
    assert len(said(sent)) == 2


def test_an_empty_part_is_left_out(proposed, marta_says, run_jobs, sent, desk):
    marta_says("¿Y hay parking para motos?")
    run_jobs()
    act(desk, "approve", text=["", "Para motos también."])
    run_jobs()
    assert said(sent) == ["Para motos también."]


def test_an_emergency_is_answered_at_once(approves, marta_says, run_jobs, sent):
    approves(*APPROVABLE)
    marta_says("¡Hay fuego en mi habitación!")
    run_jobs()
    assert len(sent) >= 1
    assert conversation().urgent


def test_prices_wait_and_the_talk_goes_on_where_they_were_told(approves, marta_says, run_jobs, sent, desk):
    approves("stays")
    arrival = utcnow().date() + timedelta(days=40)
    marta_says(f"¿Tienen una doble del {arrival:%d/%m/%Y} al {arrival + timedelta(days=2):%d/%m/%Y} para 2 personas?")
    run_jobs()
    assert len(sent) == 0
    one = draft()
    assert one.topics == ["stays"]
    act(desk, "approve", text=[bubble["text"] for bubble in one.bubbles])
    run_jobs()
    told = len(sent)
    assert told >= 1
    marta_says("Resérvala, por favor")
    run_jobs()
    db.session.rollback()
    # The room is kept already: the guest is told so at once.
    assert db.session.scalar(
        select(func.count()).select_from(ReservationLock).where(ReservationLock.status == "active")
    )
    assert len(sent) > told


def test_a_bare_detail_belongs_to_what_is_being_talked_about(approves, marta_says, run_jobs, sent):
    marta_says("Quiero una habitación para 2 personas")
    run_jobs()
    asked = len(sent)
    approves("stays")
    arrival = utcnow().date() + timedelta(days=40)
    marta_says(f"del {arrival:%d/%m/%Y} al {arrival + timedelta(days=2):%d/%m/%Y}")
    run_jobs()
    assert len(sent) == asked
    assert draft().topics == ["stays"]


def test_two_colleagues_approve_at_once_and_it_is_said_once(app, proposed, run_jobs, sent):
    draft_id, hotel_id, staff_id = proposed.id, proposed.hotel_id, ana()
    db.session.rollback()

    def approve(_number: int) -> str:
        try:
            drafting.approve(draft_id, staff_id, hotel_id=hotel_id)
        except BadInput:
            return "settled"
        return "sent"

    assert sorted(all_at_once(app, 4, approve)) == ["sent", "settled", "settled", "settled"]
    nudges.send(conversation().id)
    run_jobs()
    assert len(sent) == 1


def test_nothing_is_approved_in_a_closed_window(proposed, desk):
    db.session.execute(update(Conversation).values(last_inbound_at=utcnow() - timedelta(hours=25)))
    db.session.commit()
    assert act(desk, "approve", text="Sí").status_code == 400
    assert out() == []


def test_another_hotels_proposal_is_none(proposed):
    andes = hotel_of("andes")
    for verb in (drafting.approve, drafting.discard):
        with pytest.raises(NotFound):
            verb(proposed.id, ana(), hotel_id=andes)


def test_every_topic_has_a_name_and_every_wish_one_topic(app):
    with app.test_request_context():
        assert all(approvable_words(topic) for topic in APPROVABLE)
    assert approvable("ask_price") == "stays"
    assert approvable("ask_pool") == "ask_pool"
    assert approvable("greet") is None
