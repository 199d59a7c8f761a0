"""One conversation: in an order that makes sense, with everything that messages refer to, and of this hotel only."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import delete

from hotel_agent.assets import public_address
from hotel_agent.conversations import outbox, tending, writing
from hotel_agent.conversations.models import Message, MessageId
from hotel_agent.dashboard.shapes import Bubble, Event, Item, Note, Thread
from hotel_agent.dashboard.thread import head, thread
from hotel_agent.db import db, utcnow
from hotel_agent.errors import BadInput, NotFound
from hotel_agent.media.models import Media
from tests.conversations import bodies
from tests.conversations.cast import ana, conversation, luis
from tests.dashboard.cast import (
    ago,
    answers,
    books,
    guest,
    happens,
    holds,
    hotel,
    says,
    statements,
    talk,
    waiting,
)
from workers import messages


@pytest.fixture
def marta(app) -> int:
    return talk("Marta García", phone="34600111222")


def shown(conversation_id: int, before: str | None = None, **how: Any) -> Thread:
    return thread(hotel(), conversation_id, before, **how)


def texts(conversation_id: int) -> list[str]:
    return [item.text if not isinstance(item, Event) else item.kind for item in shown(conversation_id).items]


def bubble(conversation_id: int, message_id: int) -> Bubble:
    found = [item for item in shown(conversation_id).items if isinstance(item, Bubble) and item.id == message_id]
    assert len(found) == 1
    return found[0]


# Order


def test_messages_notes_and_events_stand_where_they_happened(marta):
    says(marta, "¿Hay alguien?", minutes=9)
    happens(marta, "handed_over", minutes=8, details={"reason": "human"})
    answers(marta, "Un momento", minutes=7)
    happens(marta, "note", minutes=6, body="La llamo", staff_id=ana())
    answers(marta, "Hola, soy Ana", minutes=5, author="staff", staff_id=ana())
    items = shown(marta).items
    assert [type(item) for item in items] == [Bubble, Event, Bubble, Note, Bubble]
    assert items[1] == Event(items[1].id, items[1].at, "handed_over", None, {"reason": "human"})
    assert items[3] == Note(items[3].id, items[3].at, "Ana", "La llamo")
    assert [(item.author, item.staff_name) for item in items if isinstance(item, Bubble)] == [
        ("guest", None),
        ("agent", None),
        ("staff", "Ana"),
    ]


def test_a_reply_never_stands_before_its_question_whatever_the_clocks_say(marta):
    says(marta, "¿Hay parking?", minutes=1)
    answers(marta, "Sí", minutes=3)
    assert texts(marta) == ["¿Hay parking?", "Sí"]


def test_the_time_of_a_guests_message_is_metas_and_of_ours_when_it_was_written(marta):
    asked = says(marta, minutes=2, sent_at=ago(hours=3))
    told = answers(marta, minutes=2, sent_at=ago(minutes=1))
    assert abs(bubble(marta, asked).at - ago(hours=3)) < timedelta(seconds=5)
    assert abs(bubble(marta, told).at - ago(minutes=2)) < timedelta(seconds=5)


def test_what_was_written_in_one_go_stands_as_it_was_written_though_it_came_in_disorder(marta):
    answers(marta, "Dígame", minutes=20)
    says(marta, "para dos", minutes=9, sent_at=ago(minutes=10))
    says(marta, "una habitación", minutes=8, sent_at=ago(minutes=11))
    assert texts(marta) == ["Dígame", "una habitación", "para dos"]


def test_what_comes_hours_late_stands_where_somebody_sees_it(marta):
    answers(marta, "¿Le esperamos?", minutes=20)
    says(marta, "Sí", minutes=2, sent_at=ago(hours=5))
    assert texts(marta) == ["¿Le esperamos?", "Sí"]


# Pages


@pytest.mark.parametrize("limit", [1, 3, 40])
def test_pages_show_everything_once_and_in_order(marta, limit):
    for number in range(60, 0, -1):
        (says, answers)[number % 2](marta, f"{number}", minutes=number)
        if number % 4 == 0:
            happens(marta, "note", minutes=number - 0.5, body=f"note {number}")
    whole = shown(marta, limit=1000)
    assert whole.older is None
    pages: list[tuple[Item, ...]] = []
    cursor = None
    while True:
        page = shown(marta, cursor, limit=limit)
        pages.insert(0, page.items)
        cursor = page.older
        if cursor is None:
            break
        assert len(page.items) == limit
    assert tuple(item for page in pages for item in page) == whole.items


def test_only_events_and_only_messages_have_pages_too(app):
    quiet, chatty = talk("Marta"), talk("Julia")
    for number in range(7, 0, -1):
        happens(quiet, "note", minutes=number, body=str(number))
        says(chatty, str(number), minutes=number)
    for one in (quiet, chatty):
        latest = shown(one, limit=4)
        assert [item.text for item in latest.items] == ["4", "3", "2", "1"]  # type: ignore[union-attr]
        older = shown(one, latest.older, limit=4)
        assert [item.text for item in older.items] == ["7", "6", "5"]  # type: ignore[union-attr]
        assert older.older is None


def test_events_of_one_moment_are_shown_once_each(marta):
    at = utcnow()
    for number in range(5):
        happens(marta, "note", body=str(number), at=at)
    latest = shown(marta, limit=2)
    middle = shown(marta, latest.older, limit=2)
    first = shown(marta, middle.older, limit=2)
    assert [item.text for page in (first, middle, latest) for item in page.items] == list("01234")  # type: ignore[union-attr]


@pytest.mark.parametrize("cursor", ["x", "1", "1_2", "1_2_3_4", "1_" + "9" * 18 + "_1", "-1_2_3", "1_2_3\n"])
def test_a_broken_cursor_is_bad_input(marta, cursor):
    with pytest.raises(BadInput):
        shown(marta, cursor)


def test_a_cursor_beyond_everything_is_no_error(marta):
    says(marta)
    assert len(shown(marta, f"{'9' * 19}_9999999999999999_{'9' * 19}").items) == 1
    assert shown(marta, "0_0_0").items == ()


# What messages refer to


def test_a_quoted_message_is_told_with_the_answer(marta):
    asked = says(marta, "¿Tienen " + "cuna " * 60, wamid="q1")
    told = answers(marta, "Sí", payload={"context": {"id": "q1"}})
    back = says(marta, "Gracias", payload={"context": {"id": db.session.get_one(Message, _key(told)).wamid}})
    quote = bubble(marta, told).quote
    assert quote
    assert (quote.message_id, quote.author, quote.type) == (asked, "guest", "text")
    assert quote.text.startswith("¿Tienen cuna")
    assert quote.text.endswith("…")
    assert len(quote.text) < 200
    assert (bubble(marta, back).quote or quote).author == "agent"


def _key(message_id: int) -> tuple[int, Any]:
    found = db.session.query(Message.id, Message.created_at).filter_by(id=message_id).one()
    return found[0], found[1]


def test_what_is_quoted_from_elsewhere_or_nowhere_is_not_told(marta):
    says(talk("Julia"), "Mi secreto", wamid="julias")
    theirs = talk("Oscars guest", slug="andes")
    says(theirs, "Otro secreto", wamid="theirs")
    for wamid in ("julias", "theirs", "nobodys", 7, None):
        assert bubble(marta, says(marta, "?", payload={"context": {"id": wamid}})).quote is None


def test_a_reaction_stands_at_its_message_and_the_last_one_counts(marta):
    told = answers(marta, "Aquí le esperamos", wamid="t1")
    for emoji in ("👍", "❤️"):
        says(marta, emoji, type="reaction", payload={"reaction": {"message_id": "t1", "emoji": emoji}})
    assert texts(marta) == ["Aquí le esperamos"]
    assert bubble(marta, told).reaction == "❤️"
    says(marta, "[reaction removed]", type="reaction", payload={"reaction": {"message_id": "t1"}})
    assert bubble(marta, told).reaction is None


def test_a_reaction_to_what_is_not_here_changes_nothing(marta):
    says(marta, "Hola")
    says(marta, "👍", type="reaction", payload={"reaction": {"message_id": "gone", "emoji": "👍"}})
    says(marta, "👍", type="reaction", payload={"reaction": "odd"})
    assert texts(marta) == ["Hola"]


def test_an_edited_message_tells_what_it_says_now(marta):
    first = says(marta, "Somos dos", wamid="e1")
    for words in ("Somos tres", "Somos cuatro"):
        says(marta, f"✏️ {words}", type="edit", payload={"edit": {"original_message_id": "e1"}})
    assert texts(marta) == ["Somos cuatro"]
    assert bubble(marta, first).edited


def test_a_deleted_message_is_shown_as_deleted_without_what_it_said(marta):
    first = says(marta, "Ups", wamid="r1")
    photo = says(marta, "📷 image", wamid="r2", type="image")
    attach(marta, photo)
    for wamid in ("r1", "r2"):
        says(marta, "[deleted]", type="revoke", payload={"revoke": {"original_message_id": wamid}})
    for one in (first, photo):
        assert (bubble(marta, one).type, bubble(marta, one).text, bubble(marta, one).attachments) == ("revoke", "", ())
    assert len(shown(marta).items) == 2


def test_an_edit_or_a_deletion_of_what_we_never_had_is_shown_by_itself(marta):
    edit = says(marta, "✏️ Somos tres", type="edit", payload={"edit": {"original_message_id": "lost"}})
    gone = says(marta, "[deleted]", type="revoke", payload={"revoke": {"original_message_id": "lost"}})
    assert (bubble(marta, edit).type, bubble(marta, edit).text) == ("edit", "Somos tres")
    assert (bubble(marta, gone).type, bubble(marta, gone).text) == ("revoke", "")


def attach(conversation_id: int, message_id: int, **columns: Any) -> int:
    given = {"graph_id": str(message_id), "status": "stored", "mime_type": "image/jpeg", "size": 3, "content": b"abc"}
    row = Media(hotel_id=hotel().id, conversation_id=conversation_id, message_id=message_id, **given | columns)
    db.session.add(row)
    db.session.commit()
    return row.id


def test_attachments_are_told_in_the_form_that_plays_and_only_captions_are_words(marta):
    photo = says(marta, "📷 image", type="image", payload={"image": {"id": "1"}})
    titled = says(marta, "La ducha", type="image", payload={"image": {"id": "2", "caption": "La ducha"}})
    voice = says(marta, "🎤 audio", type="audio", payload={"audio": {"id": "3", "voice": True}})
    file = attach(marta, photo)
    note = attach(marta, voice, mime_type="audio/ogg", playable_type="audio/mp4", seconds=4.2)
    assert [one.url_id for one in bubble(marta, photo).attachments] == [file]
    assert (bubble(marta, photo).text, bubble(marta, titled).text, bubble(marta, voice).text) == ("", "La ducha", "")
    (sound,) = bubble(marta, voice).attachments
    assert (sound.url_id, sound.mime_type, sound.seconds, sound.status) == (note, "audio/mp4", 4.2, "stored")


def test_a_picture_that_was_sent_by_its_address_can_be_seen(marta):
    ours, theirs = public_address("rooms/miramar-suite.jpg"), "https://miramar.example/suite.jpg"
    for link, seen in ((ours, "/static/rooms/miramar-suite.jpg"), (theirs, theirs), (None, None)):
        sent = answers(marta, "Suite", type="image", payload={"outgoing": {"kind": "image", "link": link}})
        assert (bubble(marta, sent).picture, bubble(marta, sent).text) == (seen, "Suite")


def test_choices_and_places_are_told(marta):
    buttons = [{"id": "y", "title": "Sí"}, {"id": "n", "title": "No"}]
    rows = [{"id": "d", "title": "Doble", "description": "95,00 €"}]
    asked = answers(
        marta, "¿La reservo?", type="buttons", payload={"outgoing": {"kind": "buttons", "buttons": buttons}}
    )
    listed = answers(marta, "¿Cuál?", type="list", payload={"outgoing": {"kind": "list", "rows": rows}})
    place = {"latitude": 41.38, "longitude": "2.17", "name": "Hotel Miramar", "address": "Paseo 1"}
    sent = answers(marta, "Hotel Miramar\nPaseo 1", type="location", payload={"outgoing": {"kind": "location"} | place})
    got = says(marta, "📍 (1, 2)", type="location", payload={"location": {"latitude": 1, "longitude": 2}})
    odd = says(marta, "📍", type="location", payload={"location": {"latitude": "here"}})
    assert [one.title for one in bubble(marta, asked).choices] == ["Sí", "No"]
    assert [(one.title, one.description) for one in bubble(marta, listed).choices] == [("Doble", "95,00 €")]
    assert bubble(marta, sent).location == (41.38, 2.17, "Hotel Miramar", "Paseo 1")
    assert bubble(marta, got).location == (1.0, 2.0, None, None)
    assert (bubble(marta, sent).text, bubble(marta, got).text) == ("", "")
    assert (bubble(marta, odd).location, bubble(marta, odd).text) == (None, "📍")


def test_what_was_cancelled_was_never_sent_and_is_not_shown(marta):
    answers(marta, "No", status="cancelled")
    assert shown(marta).items == ()


def test_what_was_lost_says_why_and_what_may_be_done(marta):
    failed = answers(marta, status="failed", error_code=131026, error_text="Message undeliverable")
    unknown = answers(marta, status="unknown")
    fine = answers(marta, status="delivered")
    assert (bubble(marta, failed).can, bubble(marta, failed).error_code) == (("retry",), 131026)
    assert bubble(marta, failed).error_text == "Message undeliverable"
    assert (bubble(marta, unknown).can, bubble(marta, fine).can) == (("resend",), ())


def test_events_name_colleagues(marta):
    happens(marta, "assigned", staff_id=ana(), details={"to": luis()})
    happens(marta, "assigned", staff_id=ana(), details={"to": None})
    happens(marta, "taken_over", staff_id=luis(), details={"from": ana()})
    told = [(item.staff_name, item.details) for item in shown(marta).items if isinstance(item, Event)]
    assert told == [("Ana", {"to": "Luis"}), ("Ana", {"to": None}), ("Luis", {"from": "Ana"})]


# Told by the real parts


def test_a_whole_story_as_the_hotel_lives_it(app, marta_says, deliver, run_jobs, graph, sent):
    marta_says("Hola, ¿tienen parking?", wamid="w1", name="Marta García")
    run_jobs()
    marta_says("Quiero hablar con una persona", wamid="w2")
    run_jobs()
    one = conversation()
    asked = next(item for item in shown(one.id).items if isinstance(item, Bubble) and "persona" in item.text)
    writing.write(one.id, ana(), "Hola Marta, soy Ana", uuid4(), asked.id, hotel_id=hotel().id)
    writing.note(one.id, ana(), "Pide una habitación alta", uuid4(), hotel_id=hotel().id)
    outbox.deliver(one.id, messages.graph())
    reaction = {"message_id": sent[-1].wamid, "emoji": "🙏"}
    deliver(bodies.from_guest(bodies.message("reaction", reaction=reaction)))
    run_jobs()
    tending.close(one.id, ana(), hotel_id=hotel().id)
    items = shown(one.id).items
    anas = next(item for item in items if isinstance(item, Bubble) and item.staff_name == "Ana")
    assert (anas.text, anas.author, anas.reaction) == ("Hola Marta, soy Ana", "staff", "🙏")
    assert anas.quote
    assert anas.quote.text == "Quiero hablar con una persona"
    assert [item.kind for item in items if isinstance(item, Event)] == ["handed_over", "taken_over", "closed"]
    assert [item.text for item in items if isinstance(item, Note)] == ["Pide una habitación alta"]
    assert isinstance(items[0], Bubble)
    assert items[0].text == "Hola, ¿tienen parking?"


# The head


def test_the_head_tells_who_it_is_and_what_may_be_written(app):
    who = guest("Marta García", "34600111222", opted_out_at=utcnow(), language="en")
    number = waiting("Marta", "complaint", who=who, urgent=True, owner="staff", assignee_id=luis())
    books(number, 0, 2)
    holds(number, "401", minutes=2)
    told = head(hotel(), number)
    assert (told.id, told.hotel_id, told.guest_id, told.name) == (number, hotel().id, who.id, "Marta García")
    assert (told.phone, told.channel, told.language, told.assignee) == ("34600111222", "whatsapp", "en", "Luis")
    assert (told.owner, told.status, told.urgent, told.opted_out) == ("staff", "waiting", True, True)
    assert told.window_closes_at
    assert abs(told.window_closes_at - ago(minutes=10) - timedelta(hours=24)) < timedelta(seconds=5)
    assert [chip.kind for chip in told.chips] == ["complaint", "hold_expiring", "opted_out", "arriving", "language"]


def test_a_guest_who_has_never_written_has_no_window(app):
    assert head(hotel(), talk("Marta", last_inbound_at=None)).window_closes_at is None


# Of this hotel


@pytest.mark.parametrize("number", [0, -1, 2**31, 2**63, 2**70])
def test_what_does_not_exist_is_not_found(app, number):
    for look in (head, thread):
        with pytest.raises(NotFound):
            look(hotel(), number)


def test_another_hotels_conversation_is_not_found(app):
    theirs = talk("Oscars guest", slug="andes")
    says(theirs, "Hola")
    for look in (head, thread):
        with pytest.raises(NotFound):
            look(hotel(), theirs)
        look(hotel("andes"), theirs)


# Price


def test_a_thread_costs_the_same_few_statements_however_much_is_in_it(marta):
    def costs() -> int:
        db.session.rollback()
        here = hotel()
        with statements() as asked:
            thread(here, marta)
        return len(asked)

    assert costs() <= 4
    for number in range(30):
        told = says(marta, str(number), wamid=f"x{number}", payload={"context": {"id": f"x{number - 1}"}})
        says(marta, "👍", type="reaction", payload={"reaction": {"message_id": f"x{number}", "emoji": "👍"}})
        attach(marta, says(marta, "📷 image", type="image"))
        happens(marta, "note", body="Hola", staff_id=ana())
        answers(marta, author="staff", staff_id=luis(), answers_to=told)
    assert costs() <= 7
    here = hotel()
    with statements() as asked:
        head(here, marta)
    assert len(asked) <= 2


def test_a_message_without_its_wamid_in_the_index_of_wamids_is_shown(marta):
    told = says(marta, "Hola")
    db.session.execute(delete(MessageId).where(MessageId.message_id == told))
    db.session.commit()
    assert bubble(marta, told).text == "Hola"
