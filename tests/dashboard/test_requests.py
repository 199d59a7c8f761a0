"""The board of what guests have asked the house to do."""

from __future__ import annotations

import re

import pytest
from sqlalchemy import select, update

from hotel_agent.conversations import guest_requests
from hotel_agent.conversations.dialogue import Request
from hotel_agent.conversations.models import Conversation, ConversationEvent, GuestRequest, Message
from hotel_agent.db import db
from hotel_agent.errors import BadInput, NotFound
from tests.conversations.cast import ana
from tests.dashboard.cast import ago, hotel, statements, talk

KEYS = iter(range(1_000_000))


@pytest.fixture
def marta(app) -> int:
    return talk("Marta García", minutes=1, language="es")


@pytest.fixture
def desk(sign_in):
    return sign_in("ana@miramar.example")


def asks(one: int, kind: str = "housekeeping", words: str = "Necesito toallas", room: str | None = "201") -> int:
    db.session.rollback()
    conversation = db.session.get_one(Conversation, one)
    guest_requests.file(conversation, Request(kind, words, f"k{next(KEYS)}", room=room))
    db.session.commit()
    return db.session.scalars(select(GuestRequest.id).order_by(GuestRequest.id.desc()).limit(1)).one()


def row(request_id: int) -> GuestRequest:
    db.session.rollback()
    return db.session.get_one(GuestRequest, request_id, populate_existing=True)


def lane(html: str, name: str) -> str:
    found = re.search(rf'aria-labelledby="{name}".*?</section>', html, re.S)
    assert found
    return found.group(0)


def test_a_request_goes_from_new_over_in_progress_to_settled(desk, marta):
    towels = asks(marta)
    assert f'data-request-id="{towels}"' in lane(desk.get("/requests").text, "new")
    assert desk.post(f"/requests/{towels}/start").status_code == 303
    html = desk.get("/requests").text
    assert f'data-request-id="{towels}"' in lane(html, "doing")
    assert f'data-request-id="{towels}"' not in lane(html, "new")
    assert desk.post(f"/requests/{towels}/done").status_code == 303
    html = desk.get("/requests").text
    assert f'data-request-id="{towels}"' in lane(html, "settled")
    assert row(towels).closed_by == ana()


def test_done_tells_the_guest_and_says_so(desk, marta):
    towels = asks(marta)
    desk.post(f"/requests/{towels}/done")
    assert "Se lo hemos dicho" in desk.get("/requests").text
    sent = db.session.scalars(select(Message.body).where(Message.conversation_id == marta, Message.direction == "out"))
    assert any("toallas" in (body or "") for body in sent)


def test_who_cannot_be_told_is_named_before_and_after(desk):
    late = talk("Marta", minutes=25 * 60, language="es")
    towels = asks(late)
    assert "ventana de 24 horas" in desk.get("/requests").text
    desk.post(f"/requests/{towels}/done")
    assert "el huésped no lo sabe" in desk.get("/requests").text


def test_whoever_starts_has_it_unless_a_colleague_had_it(marta):
    mine, theirs = asks(marta), asks(marta, "repair", "La ducha gotea")
    guest_requests.start(mine, ana(), hotel_id=hotel().id)
    assert row(mine).assigned_to == ana()
    guest_requests.assign(theirs, ana(), luis(), hotel_id=hotel().id)
    guest_requests.start(theirs, ana(), hotel_id=hotel().id)
    assert row(theirs).assigned_to == luis()


def luis() -> int:
    from hotel_agent.staff.models import Staff

    return db.session.scalars(select(Staff.id).where(Staff.email == "luis@miramar.example")).one()


def test_starting_twice_keeps_the_first_hour_and_is_told_once(marta):
    towels = asks(marta)
    guest_requests.start(towels, ana(), hotel_id=hotel().id)
    first = row(towels).started_at
    guest_requests.start(towels, ana(), hotel_id=hotel().id)
    assert row(towels).started_at == first
    kinds = db.session.scalars(select(ConversationEvent.kind).where(ConversationEvent.conversation_id == marta)).all()
    assert kinds.count("request_started") == 1


def test_what_was_put_back_is_new_again(desk, marta):
    towels = asks(marta)
    desk.post(f"/requests/{towels}/start")
    desk.post(f"/requests/{towels}/back")
    assert f'data-request-id="{towels}"' in lane(desk.get("/requests").text, "new")


def test_it_is_given_to_a_colleague_and_filtered_by_whose_it_is(desk, marta):
    mine, other = asks(marta), asks(marta, "repair", "La ducha gotea")
    assert desk.post(f"/requests/{mine}/assign", data={"to": str(ana())}).status_code == 303
    html = desk.get("/requests?mine=1").text
    assert f'data-request-id="{mine}"' in html
    assert f'data-request-id="{other}"' not in html
    desk.post(f"/requests/{mine}/assign", data={"to": "nobody"})
    assert row(mine).assigned_to is None


@pytest.mark.parametrize("to", ["oscar@andes.example", "olga@miramar.example"])
def test_it_is_not_given_to_who_cannot_answer_here(desk, marta, to):
    from hotel_agent.staff.models import Staff

    towels = asks(marta)
    somebody = db.session.scalars(select(Staff.id).where(Staff.email == to)).one()
    answer = desk.post(f"/requests/{towels}/assign", data={"to": str(somebody)})
    assert answer.status_code == 400
    assert 'role="alert"' in answer.text
    assert row(towels).assigned_to is None


@pytest.mark.parametrize("to", ["-1", "99999999999999999999", "Ana"])
def test_nonsense_is_nobody_who_can_answer(desk, marta, to):
    towels = asks(marta)
    assert desk.post(f"/requests/{towels}/assign", data={"to": to}).status_code == 400


def test_what_is_settled_cannot_be_worked_on(desk, marta):
    towels = asks(marta)
    desk.post(f"/requests/{towels}/cancel")
    for verb in ("start", "back", "assign", "done"):
        assert desk.post(f"/requests/{towels}/{verb}", data={"to": str(ana())}).status_code == 409, verb
    assert row(towels).status == "cancelled"
    with pytest.raises(BadInput):
        guest_requests.start(towels, ana(), hotel_id=hotel().id)


def test_cancelling_is_asked_about_and_tells_the_guest_nothing(desk, marta):
    towels = asks(marta)
    assert "¿Anular esta petición?" in desk.get(f"/requests/{towels}/cancel").text
    desk.post(f"/requests/{towels}/cancel")
    sent = select(Message.id).where(Message.conversation_id == marta, Message.direction == "out")
    assert db.session.scalars(sent).all() == []


def test_the_board_is_filtered_by_kind_and_counts_all(desk, marta):
    asks(marta)
    repair = asks(marta, "repair", "La ducha gotea")
    html = desk.get("/requests?kind=repair").text
    assert f'data-request-id="{repair}"' in html
    assert html.count("data-request-id=") == 1
    assert "2 peticiones abiertas" in html


def test_yesterdays_are_not_shown_as_settled_today(desk, marta):
    towels = asks(marta)
    desk.post(f"/requests/{towels}/done")
    db.session.execute(update(GuestRequest).where(GuestRequest.id == towels).values(closed_at=ago(days=2)))
    db.session.commit()
    assert "data-request-id=" not in desk.get("/requests").text


def test_without_any_the_page_says_what_comes_here(desk):
    assert "toallas" in desk.get("/requests").text


def test_what_guests_write_is_no_html(desk, marta):
    asks(marta, words="<b>toallas</b>", room="<i>1</i>")
    html = desk.get("/requests").text
    assert "&lt;b&gt;toallas" in html
    assert "<i>1</i>" not in html


@pytest.mark.parametrize(("email", "status"), [("oscar@andes.example", 404), ("olga@miramar.example", 403)])
@pytest.mark.parametrize("verb", ["start", "back", "assign", "done", "cancel"])
def test_who_may_not_changes_nothing(sign_in, marta, email, status, verb):
    towels = asks(marta)
    assert sign_in(email).post(f"/requests/{towels}/{verb}").status_code == status
    assert (row(towels).status, row(towels).started_at) == ("open", None)


def test_another_hotel_sees_none_of_it(sign_in, marta):
    asks(marta)
    browser = sign_in("oscar@andes.example")
    assert "data-request-id=" not in browser.get("/requests").text
    assert browser.get(f"/requests/{asks(marta)}/cancel").status_code == 404
    with pytest.raises(NotFound):
        guest_requests.start(asks(marta), ana(), hotel_id=hotel("andes").id)


def test_the_page_asks_as_often_for_forty_as_for_one(desk, marta):
    asks(marta)
    desk.get("/requests")
    with statements() as few:
        desk.get("/requests")
    for _ in range(40):
        asks(marta)
    with statements() as many:
        assert desk.get("/requests").text.count("data-request-id=") == 41
    assert len(many) == len(few)
    assert len(few) <= 6
