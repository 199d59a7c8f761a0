"""What guests asked for is written down once, closed by the staff, and the guest told."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select, update

from hotel_agent.conversations import answering, asking, filing, guest_requests, waiting
from hotel_agent.conversations.dialogue import Opinion, Request
from hotel_agent.conversations.handover import take_over
from hotel_agent.conversations.models import (
    Conversation,
    ConversationEvent,
    Feedback,
    GuestRequest,
    Message,
    MissingAnswer,
)
from hotel_agent.conversations.replying import answer_message
from hotel_agent.db import db, utcnow
from hotel_agent.errors import BadInput, NotFound
from hotel_agent.hotels.finding import by_slug
from hotel_agent.reservations.staying import stay_of
from tests.conversations.cast import ana
from tests.dashboard.cast import books, happens, says, talk

TOWELS = Request("housekeeping", "Necesito toallas", "m1:housekeeping", "201")
SHOWER = Request("repair", "No funciona la ducha", "m1:repair", "201")


@pytest.fixture
def marta(app) -> int:
    """She has just written."""
    return talk("Marta García", minutes=1, language="es")


@pytest.fixture
def miramar(app) -> int:
    return by_slug("miramar").id


def conversation(one: int) -> Conversation:
    db.session.rollback()
    return db.session.get_one(Conversation, one, populate_existing=True)


def asks(one: int, *things: Request | Opinion) -> list[int]:
    """As an answer writes it: filed, and a person promised."""
    row = conversation(one)
    filing.file(row, things)
    for thing in things:
        if isinstance(thing, Request):
            waiting.hand_over(row, guest_requests.KINDS[thing.kind])
    db.session.commit()
    return list(db.session.scalars(select(GuestRequest.id).order_by(GuestRequest.id)))


def sent_to(one: int) -> list[Message]:
    return list(
        db.session.scalars(
            select(Message).where(Message.conversation_id == one, Message.direction == "out").order_by(Message.id)
        )
    )


def kinds_of_events(one: int) -> list[str]:
    return list(
        db.session.scalars(
            select(ConversationEvent.kind)
            .where(ConversationEvent.conversation_id == one, ConversationEvent.kind.like("request_%"))
            .order_by(ConversationEvent.id)
        )
    )


def test_an_answer_that_is_written_twice_files_once(marta):
    assert len(asks(marta, TOWELS, SHOWER)) == 2
    assert len(asks(marta, TOWELS, SHOWER)) == 2
    assert kinds_of_events(marta) == ["request_made", "request_made"]


def test_closing_tells_the_guest_in_their_language_and_ends_the_waiting(marta, miramar):
    (towels,) = asks(marta, TOWELS)
    assert conversation(marta).status == "waiting"
    settled = guest_requests.close(towels, ana(), hotel_id=miramar)
    assert settled.told
    (told,) = sent_to(marta)
    assert told.author == "automatic"
    assert told.status == "queued"
    assert "toallas" in told.body
    assert "Necesito" not in told.body
    after = conversation(marta)
    assert after.waiting_reasons == []
    assert after.status == "open"
    row = db.session.get_one(GuestRequest, towels)
    assert (row.status, row.closed_by) == ("done", ana())
    assert row.closed_at is not None
    assert kinds_of_events(marta) == ["request_made", "request_done"]


@pytest.mark.parametrize(("language", "word"), [("en", "towels"), ("pt", "toalhas")])
def test_whoever_writes_in_another_language_is_told_in_it(miramar, language, word):
    john = talk("John Miller", minutes=1, language=language)
    (towels,) = asks(john, TOWELS)
    guest_requests.close(towels, ana(), hotel_id=miramar)
    assert word in sent_to(john)[0].body


@pytest.mark.parametrize("kind", guest_requests.KINDS)
def test_there_are_words_for_every_kind(marta, miramar, kind):
    (one,) = asks(marta, Request(kind, "…", "m1:x"))
    guest_requests.close(one, ana(), hotel_id=miramar)
    assert "ecepción" in sent_to(marta)[0].body or "responsable" in sent_to(marta)[0].body


def test_closing_twice_tells_once(marta, miramar):
    (towels,) = asks(marta, TOWELS)
    guest_requests.close(towels, ana(), hotel_id=miramar)
    assert guest_requests.close(towels, ana(), hotel_id=miramar).again
    assert len(sent_to(marta)) == 1


def test_a_reason_stays_while_another_request_needs_it(marta, miramar):
    towels, shower, pillows = asks(marta, TOWELS, SHOWER, Request("housekeeping", "Y una almohada", "m2:housekeeping"))
    guest_requests.close(towels, ana(), hotel_id=miramar)
    assert set(conversation(marta).waiting_reasons) == {"problem", "request"}
    guest_requests.close(pillows, ana(), hotel_id=miramar)
    assert conversation(marta).waiting_reasons == ["problem"]
    assert conversation(marta).status == "waiting"
    guest_requests.close(shower, ana(), hotel_id=miramar)
    assert conversation(marta).waiting_reasons == []


def test_what_the_guest_waits_for_besides_stays(marta, miramar):
    (towels,) = asks(marta, TOWELS)
    row = conversation(marta)
    waiting.hand_over(row, "complaint")
    db.session.commit()
    guest_requests.close(towels, ana(), hotel_id=miramar)
    assert conversation(marta).waiting_reasons == ["complaint"]


def test_while_the_window_is_closed_nothing_is_sent_and_that_is_said(miramar):
    late = talk("Marta", minutes=25 * 60, language="es")
    (towels,) = asks(late, TOWELS)
    settled = guest_requests.close(towels, ana(), hotel_id=miramar)
    assert not settled.told
    assert sent_to(late) == []
    assert db.session.get_one(GuestRequest, towels).status == "done"


def test_what_is_cancelled_is_told_to_nobody_and_cannot_be_done_any_more(marta, miramar):
    (towels,) = asks(marta, TOWELS)
    guest_requests.cancel(towels, ana(), hotel_id=miramar)
    assert sent_to(marta) == []
    assert conversation(marta).waiting_reasons == []
    with pytest.raises(BadInput):
        guest_requests.close(towels, ana(), hotel_id=miramar)


def test_another_hotel_closes_nothing(marta):
    (towels,) = asks(marta, TOWELS)
    with pytest.raises(NotFound):
        guest_requests.close(towels, ana(), hotel_id=by_slug("andes").id)
    assert db.session.get_one(GuestRequest, towels, populate_existing=True).status == "open"


def test_more_about_a_request_is_added_while_it_is_open(marta, miramar):
    (charger,) = asks(marta, Request("lost_item", "Perdí algo", "m1:lost_item"))
    asks(marta, Request("lost_item", "Perdí algo · un cargador", "m1:lost_item", adds=True))
    assert db.session.get_one(GuestRequest, charger, populate_existing=True).words == "Perdí algo · un cargador"
    guest_requests.close(charger, ana(), hotel_id=miramar)
    asks(marta, Request("lost_item", "otra cosa", "m1:lost_item", adds=True))
    assert db.session.get_one(GuestRequest, charger, populate_existing=True).words == "Perdí algo · un cargador"


def test_long_words_are_shortened_on_one_line(marta):
    (one,) = asks(marta, Request("repair", "a\n" * 2000, "m1:repair"))
    words = db.session.get_one(GuestRequest, one).words
    assert len(words) == guest_requests.LONGEST
    assert "\n" not in words


def test_an_opinion_is_kept_once(marta):
    opinion = Opinion(5, "Todo genial", "m1:feedback")
    asks(marta, opinion)
    asks(marta, opinion)
    assert [row.rating for row in db.session.scalars(select(Feedback))] == [5]


# From a message to the rows


def test_what_is_asked_by_the_api_is_filed_with_its_answer(app):
    hotel = by_slug("miramar")
    for said in ("Necesito toallas y no funciona la ducha", "Necesito toallas", "¿Alquiláis coches?"):
        told = answer_message(asking.ask(hotel, "towels", said, None))
        assert told
        assert told["handed_over"]
    assert sorted(db.session.scalars(select(GuestRequest.kind))) == ["housekeeping", "repair"]
    assert list(db.session.scalars(select(MissingAnswer.question))) == ["¿Alquiláis coches?"]
    assert db.session.scalars(select(Conversation)).one().status == "waiting"


def test_what_was_asked_while_a_colleague_took_over_is_filed_all_the_same(app, monkeypatch):
    message = asking.ask(by_slug("miramar"), "towels", "Necesito toallas", None)
    first = answering.reply_to  # type: ignore[attr-defined]

    def slow(turn):
        found = first(turn)
        one = db.session.scalars(select(Conversation.id)).one()
        take_over(one, ana(), hotel_id=by_slug("miramar").id)
        return found

    monkeypatch.setattr(answering, "reply_to", slow)
    told = answer_message(message)
    assert told
    assert told["replies"] == []
    assert list(db.session.scalars(select(GuestRequest.kind))) == ["housekeeping"]


# Where the guest is


@pytest.mark.parametrize(
    ("arrives", "leaves", "status", "when", "room"),
    [
        (-1, 2, "in_house", "here", "201"),
        (-1, 0, "in_house", "here", "201"),
        (-1, 2, "booked", "here", "201"),
        (3, 5, "booked", "coming", None),
        (-5, -3, "departed", "past", None),
    ],
)
def test_the_room_is_known_of_who_is_in_the_house(marta, arrives, leaves, status, when, room):
    books(marta, arrives, leaves, status, rooms=("201",))
    hotel = by_slug("miramar")
    found = stay_of(hotel, conversation(marta).guest_id, hotel.today(), utcnow())
    assert found is not None
    assert (found.when, found.room) == (when, room)


@pytest.mark.parametrize(("hour", "when"), [(9, "coming"), (16, "here")])
def test_on_the_day_of_arrival_it_depends_on_the_hour(marta, hour, when):
    books(marta, 0, 2, rooms=("201",))
    hotel = by_slug("miramar")
    now = utcnow().astimezone(hotel.zone).replace(hour=hour)
    found = stay_of(hotel, conversation(marta).guest_id, hotel.today(), now)
    assert found is not None
    assert found.when == when


@pytest.mark.parametrize("status", ["cancelled", "no_show"])
def test_who_does_not_come_is_nowhere(marta, status):
    books(marta, -1, 2, status)
    hotel = by_slug("miramar")
    assert stay_of(hotel, conversation(marta).guest_id, hotel.today(), utcnow()) is None


# On the page


@pytest.fixture
def desk(sign_in):
    return sign_in("ana@miramar.example")


def test_the_card_lists_what_is_to_do_and_done_is_a_button(desk, marta):
    says(marta, "Necesito toallas", minutes=1)
    (towels,) = asks(marta, TOWELS)
    html = desk.get(f"/conversations/{marta}").text
    assert f'data-request-id="{towels}"' in html
    assert "Necesito toallas" in html
    assert "201" in html
    answer = desk.post(f"/conversations/{marta}/requests/{towels}/done")
    assert answer.status_code == 303
    assert db.session.get_one(GuestRequest, towels, populate_existing=True).status == "done"
    html = desk.get(f"/conversations/{marta}").text
    assert "data-request-id" not in html


def test_with_htmx_the_conversation_comes_back(desk, marta):
    (towels,) = asks(marta, TOWELS)
    htmx = {"HX-Request": "true", "HX-Target": "div#work"}
    html = desk.post(f"/conversations/{marta}/requests/{towels}/done", headers=htmx).text
    assert 'id="card"' in html
    assert "data-request-id" not in html


def test_who_cannot_be_told_is_named_on_the_page(desk):
    late = talk("Marta", minutes=25 * 60, language="es")
    (towels,) = asks(late, TOWELS)
    html = desk.post(f"/conversations/{late}/requests/{towels}/done").text
    assert 'data-trouble="card"' in html


@pytest.mark.parametrize(("email", "status"), [("oscar@andes.example", 404), ("olga@miramar.example", 403)])
def test_who_may_not_closes_nothing(sign_in, marta, email, status):
    (towels,) = asks(marta, TOWELS)
    browser = sign_in(email)
    assert browser.post(f"/conversations/{marta}/requests/{towels}/done").status_code == status
    assert db.session.get_one(GuestRequest, towels, populate_existing=True).status == "open"


def test_what_happened_is_told_in_the_thread(desk, marta):
    happens(marta, "request_done", staff_id=ana(), details={"of": "repair", "request": 1})
    db.session.execute(update(Conversation).where(Conversation.id == marta).values(last_message_at=utcnow()))
    db.session.commit()
    assert "Ana: hecho: Avería" in desk.get(f"/conversations/{marta}").text


def test_a_stay_of_long_ago_is_forgotten(marta):
    books(marta, -400, -398, "departed")
    hotel = by_slug("miramar")
    assert stay_of(hotel, conversation(marta).guest_id, hotel.today(), utcnow() + timedelta()) is None
