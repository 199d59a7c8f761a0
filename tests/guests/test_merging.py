"""One person with two numbers: two guests become one, and nothing of either is lost."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from time import sleep

import pytest
from sqlalchemy import select, text

from hotel_agent.conversations import joining, session, taking_in, waiting
from hotel_agent.conversations.models import Conversation, Draft, InboundEvent, Message
from hotel_agent.db import db
from hotel_agent.errors import BadInput, NotFound
from hotel_agent.guests import keeping
from hotel_agent.guests.models import Guest, GuestIdentity
from hotel_agent.guests.moving import belongings
from hotel_agent.hotels.credentials import fingerprint
from hotel_agent.hotels.finding import by_slug
from tests.conversations import bodies
from tests.conversations.cast import ana
from tests.dashboard.cast import ago, answers, books, guest, says, talk

ONE, TWO = "34611000001", "34611000002"


def miramar() -> int:
    return by_slug("miramar").id


@pytest.fixture
def two(app) -> tuple[Guest, Guest]:
    """Marta by her Spanish number, and by her British one."""
    kept, other = guest("Marta García", ONE), guest("Marta G", TWO, vip=True, preferences=["quiet"])
    says(talk(who=kept, minutes=60), "Hola")
    conversation = talk(who=other, minutes=5)
    says(conversation, "Hello")
    answers(conversation, "Hi!")
    books(conversation, 3, 5)
    keeping.add_note(other.id, ana(), "Same person?", hotel_id=miramar())
    keeping.opt_out(other.id, ana(), hotel_id=miramar())
    return kept, other


def rows_about(guest_id: int) -> int:
    return sum(
        db.session.scalar(text(f"select count(*) from {table.name} where {column.name} = :guest"), {"guest": guest_id})
        for table, column in belongings()
    )


def test_everything_of_both_is_the_ones(two):
    kept, other = two
    before = rows_about(kept.id) + rows_about(other.id)
    joining.merge(kept.id, other.id, hotel_id=miramar())
    db.session.rollback()
    assert db.session.get(Guest, other.id, populate_existing=True) is None
    assert rows_about(kept.id) >= before
    assert rows_about(other.id) == 0
    guest = db.session.get_one(Guest, kept.id, populate_existing=True)
    assert (guest.name, guest.vip, guest.preferences) == ("Marta García", True, ["quiet"])
    assert guest.opted_out_at is not None
    values = db.session.scalars(select(GuestIdentity.value).where(GuestIdentity.guest_id == kept.id))
    assert sorted(values) == [ONE, TWO]
    conversation = db.session.scalars(select(Conversation).where(Conversation.guest_id == kept.id)).one()
    said = db.session.scalars(
        select(Message.body).where(Message.conversation_id == conversation.id).order_by(Message.id)
    )
    assert list(said) == ["Hola", "Hello", "Hi!"]
    actions = db.session.scalars(text("select action from audit_log where hotel_id = :h"), {"h": miramar()}).all()
    assert "guests_merged" in actions


def test_a_conversation_that_has_no_twin_keeps_its_address(app):
    kept, other = guest("Marta", ONE), guest("Marta", TWO)
    conversation = talk(who=other)
    joining.merge(kept.id, other.id, hotel_id=miramar())
    db.session.rollback()
    assert db.session.get_one(Conversation, conversation, populate_existing=True).guest_id == kept.id


def test_whoever_has_two_phones_is_answered_at_the_one_they_wrote_from(two, marta_says, run_jobs, graph, echo):
    kept, other = two
    joining.merge(kept.id, other.id, hotel_id=miramar())
    for phone in (ONE, TWO, ONE):
        marta_says("Hola", phone=phone, name=None)
        run_jobs()
        assert graph.sent[-1].to == phone
    assert db.session.scalar(select(Conversation.guest_id)) == kept.id


def test_before_they_write_again_they_are_answered_where_they_wrote_last(two):
    from hotel_agent.conversations.outbox import recipient_of

    kept, other = two  # Of the two the other one was heard from last.
    joining.merge(kept.id, other.id, hotel_id=miramar())
    conversation = db.session.scalars(select(Conversation).where(Conversation.guest_id == kept.id)).one()
    reached = recipient_of(kept.id, conversation.reached_by)
    assert reached
    assert reached.phone == TWO


def test_what_either_writes_meanwhile_is_the_ones(app, two, migrated_app):
    kept, other = two
    secret = fingerprint("app-secret-of-the-tests")
    for number, phone in enumerate((ONE, TWO) * 10):
        body = bodies.raw(bodies.said(f"m{number}", wamid=f"wamid.M{number}", phone=phone, name=None))
        db.session.add(InboundEvent(body=body, signed_by=secret))
    db.session.commit()

    def intake() -> None:
        with migrated_app.app_context():
            while taking_in.take_in(1).bodies:
                pass

    def merging() -> None:
        with migrated_app.app_context():
            sleep(0.05)
            joining.merge(kept.id, other.id, hotel_id=miramar())

    with ThreadPoolExecutor(3) as together:
        for done in [together.submit(intake), together.submit(intake), together.submit(merging)]:
            done.result(timeout=60)
    db.session.rollback()
    rows = db.session.execute(
        select(Message.wamid, Conversation.guest_id).join(Conversation, Conversation.id == Message.conversation_id)
    ).all()
    assert {guest_id for wamid, guest_id in rows if (wamid or "").startswith("wamid.M")} == {kept.id}
    assert len([wamid for wamid, _ in rows if (wamid or "").startswith("wamid.M")]) == 20


@pytest.mark.parametrize("later", [ONE, TWO])
def test_the_dialogue_goes_on_in_which_something_was_said_last(two, later):
    """There a yes may be waited for."""
    guests = dict(zip((ONE, TWO), two, strict=True))
    for phone, who in guests.items():
        conversation = db.session.scalars(select(Conversation).where(Conversation.guest_id == who.id)).one()
        row = session.save(conversation, {"of": phone}, lambda: "x")
        row.last_activity = ago(minutes=1 if phone == later else 9)
    db.session.commit()
    joining.merge(guests[ONE].id, guests[TWO].id, hotel_id=miramar())
    db.session.rollback()
    conversation = db.session.scalars(select(Conversation).where(Conversation.guest_id == guests[ONE].id)).one()
    kept = session.live_session(conversation)
    assert kept
    assert kept.state == {"of": later}


@pytest.mark.parametrize(("here", "there", "reasons"), [(0, 1, ["draft"]), (1, 1, ["draft", "question"])])
def test_what_waits_for_approval_is_not_lost(two, here, there, reasons):
    for who, proposes in zip(two, (here, there), strict=True):
        conversation = db.session.scalars(select(Conversation).where(Conversation.guest_id == who.id)).one()
        if proposes:
            waiting.hand_over(conversation, "draft")
            db.session.add(
                Draft(
                    hotel_id=who.hotel_id,
                    conversation_id=conversation.id,
                    language="es",
                    bubbles=[],
                    state={},
                    state_before={},
                )
            )
    db.session.commit()
    joining.merge(two[0].id, two[1].id, hotel_id=miramar())
    db.session.rollback()
    conversation = db.session.scalars(select(Conversation).where(Conversation.guest_id == two[0].id)).one()
    assert sorted(conversation.waiting_reasons) == reasons
    drafts = db.session.scalars(select(Draft.status).where(Draft.conversation_id == conversation.id).order_by(Draft.id))
    assert list(drafts) == ["open", "overtaken"][: here + there]


def test_merging_twice_merges_once(two):
    kept, other = two[0].id, two[1].id
    joining.merge(kept, other, hotel_id=miramar())
    joining.merge(kept, other, hotel_id=miramar())
    merged = db.session.scalar(text("select count(*) from audit_log where action = 'guests_merged'"))
    assert merged == 1
    with pytest.raises(NotFound):
        joining.merge(kept, other + 1000, hotel_id=miramar())
    with pytest.raises(NotFound):
        joining.merge(other, kept, hotel_id=miramar())


def test_who_is_of_another_hotel_is_not_merged(two):
    kept, _other = two
    theirs = guest("Marta", TWO, slug="andes")
    with pytest.raises(NotFound):
        joining.merge(kept.id, theirs.id, hotel_id=miramar())


def test_nobody_is_merged_with_themselves_an_erased_one_or_a_programs_caller(two):
    kept, other = two
    with pytest.raises(BadInput):
        joining.merge(kept.id, kept.id, hotel_id=miramar())
    db.session.execute(text("update guest_identities set kind = 'api' where guest_id = :id"), {"id": other.id})
    db.session.commit()
    with pytest.raises(BadInput):
        joining.merge(kept.id, other.id, hotel_id=miramar())
    db.session.execute(text("update guests set erased_at = now() where id = :id"), {"id": other.id})
    db.session.commit()
    with pytest.raises(BadInput):
        joining.merge(kept.id, other.id, hotel_id=miramar())


def test_what_fails_on_the_way_leaves_both_as_they_were(two, monkeypatch):
    kept, other = two

    def fails(*_args: object, **_more: object) -> None:
        raise RuntimeError

    monkeypatch.setattr(joining, "forget", fails)
    with pytest.raises(RuntimeError):
        joining.merge(kept.id, other.id, hotel_id=miramar())
    db.session.rollback()
    assert rows_about(other.id) > 0
    assert db.session.get(Guest, other.id) is not None
