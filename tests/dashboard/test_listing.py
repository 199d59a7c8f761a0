"""The list: who waits, why and how long; nobody who waits is ever hidden."""

from __future__ import annotations

import pytest
from sqlalchemy import update

from hotel_agent.conversations.models import Conversation
from hotel_agent.conversations.waiting import GRAVEST_FIRST, GUEST_WROTE, SETTLES_ITSELF
from hotel_agent.dashboard.chips import TONES
from hotel_agent.dashboard.shapes import VIEWS
from hotel_agent.db import db
from hotel_agent.errors import BadInput
from hotel_agent.hotels.models import Hotel
from tests.conversations.cast import ana, luis
from tests.dashboard.cast import (
    ago,
    answers,
    books,
    guest,
    happens,
    holds,
    hotel,
    ids,
    kinds,
    list_of,
    says,
    statements,
    talk,
    waiting,
)

# Views


def test_who_waits_is_listed_by_urgency_and_then_by_who_waits_longest(app):
    short = waiting("Marta", minutes=3)
    long = waiting("Julia", minutes=50)
    urgent = waiting("Pedro", "emergency", minutes=1, urgent=True)
    assert ids(list_of("waiting").lines) == [urgent, long, short]


def test_whoever_the_agent_has_left_waiting_for_minutes_waits_for_a_person(app):
    talk("Marta", minutes=1, waiting_since=ago(seconds=20))
    forgotten = talk("Julia", minutes=9, waiting_since=ago(minutes=9))
    assert ids(list_of("waiting").lines) == [forgotten]


def test_what_is_put_off_does_not_wait_until_it_wakes(app):
    asleep = waiting("Marta", status_of="snoozed", snoozed_until=ago(hours=-1))
    awake = waiting("Julia", status_of="snoozed", snoozed_until=ago(minutes=1))
    assert ids(list_of("waiting").lines) == [awake]
    assert set(ids(list_of("all").lines)) == {asleep, awake}
    assert next(line for line in list_of("all").lines if line.id == asleep).snoozed_until


def test_mine_shows_first_who_waits_and_then_who_wrote_last(app):
    old = talk("Marta", minutes=90, assignee_id=ana())
    new = talk("Julia", minutes=5, assignee_id=ana())
    waits = waiting("Pedro", minutes=200, assignee_id=ana(), owner="staff")
    urgent = waiting("Rosa", "emergency", minutes=2, urgent=True, assignee_id=ana())
    talk("Luca", status="closed", assignee_id=ana())
    talk("Nuno", assignee_id=luis())
    shown = list_of("mine")
    assert ids(shown.lines) == [urgent, waits, new, old]
    assert shown.mine == 4


def test_all_shows_what_is_not_closed_the_latest_first(app):
    old, new = talk("Marta", minutes=90), talk("Julia", minutes=5, owner="staff")
    closed = talk("Pedro", minutes=1, status="closed")
    wordless = talk("Rosa", last_message_at=None, created_at=ago(minutes=30))
    assert ids(list_of("all").lines) == [new, wordless, old]
    assert ids(list_of("agent").lines) == [wordless, old]
    assert ids(list_of("closed").lines) == [closed]


def test_a_conversation_by_the_api_is_listed_like_any_other(app):
    by_api = talk("Marta", channel="api")
    assert by_api in ids(list_of("all").lines)


def test_a_line_tells_who_wrote_what_and_whose_it_is(app):
    number = waiting(
        "Marta García",
        phone="34600111222",
        minutes=10,
        owner="staff",
        assignee_id=luis(),
        last_message_text="¿Hay alguien?",
        last_message_type="text",
        last_message_author="guest",
    )
    (line,) = list_of("waiting").lines
    assert (line.id, line.name, line.phone) == (number, "Marta García", "34600111222")
    assert (line.text, line.text_type, line.author) == ("¿Hay alguien?", "text", "guest")
    assert (line.owner, line.status, line.assignee_id, line.assignee) == ("staff", "waiting", luis(), "Luis")
    assert line.waiting_since
    assert not line.urgent


@pytest.mark.parametrize(
    ("message_type", "body", "shown"),
    [
        ("image", "📷 image", ""),
        ("image", "La ducha no funciona", "La ducha no funciona"),
        ("audio", "🎤 audio", ""),
        ("unsupported", "[unsupported: poll]", ""),
        ("text", "[hola]", "[hola]"),
        ("document", "📄 dni.pdf", "📄 dni.pdf"),
    ],
)
def test_a_sign_that_stands_for_no_words_is_left_to_the_page(app, message_type, body, shown):
    talk("Marta", last_message_type=message_type, last_message_text=body)
    assert list_of("all").lines[0].text == shown


@pytest.mark.parametrize("view", VIEWS)
def test_nothing_of_another_hotel_is_ever_listed(app, view):
    theirs = waiting("Oscars guest", slug="andes", urgent=True)
    talk("Oscars guest", slug="andes")
    talk("Oscars guest", slug="andes", status="closed")
    says(theirs, "habitación", direction="out", status="failed", author="agent")
    for query in ("", "oscars", "habitación"):
        shown = list_of(view, query)
        assert (shown.lines, shown.pinned, shown.waiting, shown.mine) == ((), (), 0, 0)


def test_an_unknown_view_is_bad_input(app):
    with pytest.raises(BadInput):
        list_of("spam")


# Pages


@pytest.mark.parametrize("view", VIEWS)
def test_pages_show_everybody_once_and_in_order(app, view):
    made = [
        waiting(
            f"Guest {number}",
            *(["emergency"] if number % 40 == 0 else []),
            minutes=10 + number // 3,
            urgent=number % 40 == 0,
            assignee_id=ana(),
            status_of="closed" if view == "closed" else "open" if view == "mine" and number % 2 else "waiting",
        )
        for number in range(60)
    ]
    seen: list[int] = []
    shown = list_of(view)
    pages = 1
    while True:
        seen += ids(shown.lines)
        if shown.more is None:
            break
        shown = list_of(view, after=shown.more)
        assert shown.pinned == ()
        pages += 1
    assert sorted(seen) == sorted(made)
    assert pages == 3


def test_a_page_goes_on_where_the_last_one_ended_whatever_has_come_meanwhile(app):
    made = [talk(f"Guest {number}", minutes=10 + number) for number in range(50)]
    first = list_of("all")
    talk("Somebody new", minutes=0)
    assert ids(first.lines) + ids(list_of("all", after=first.more).lines) == made


@pytest.mark.parametrize(
    "cursor", ["x", "1", "1_2_3_4", "1__2", "9" * 18 + "_1", "1_" + "9" * 40, "-1_x", "'; drop table", "١_٢", "1_2\n"]
)
def test_a_broken_cursor_is_bad_input(app, cursor):
    for view in VIEWS:
        with pytest.raises(BadInput):
            list_of(view, after=cursor)


# Never hidden


@pytest.mark.parametrize(("view", "query"), [("mine", ""), ("closed", ""), ("agent", ""), ("waiting", "nonsense")])
def test_who_waits_and_is_nobodys_is_pinned_above_every_filter(app, view, query):
    nobodys = waiting("Marta", owner="staff")
    waiting("Julia", owner="staff", assignee_id=luis())
    assert ids(list_of(view, query).pinned) == [nobodys]


def test_where_more_are_nobodys_than_fit_the_list_says_so(app):
    for number in range(22):
        waiting(f"Marta {number}", owner="staff")
    assert not list_of("waiting").more_pinned
    for view, query in (("mine", ""), ("closed", ""), ("waiting", "nonsense")):
        shown = list_of(view, query)
        assert (len(shown.pinned), shown.more_pinned) == (20, True)
    assert (list_of("waiting", "Marta").pinned, list_of("all").pinned) == ((), ())


@pytest.mark.parametrize("view", ["waiting", "mine", "closed"])
@pytest.mark.parametrize("status", ["failed", "unknown"])
def test_a_send_that_was_lost_is_pinned_above_every_filter(app, view, status):
    hurt = talk("Marta", assignee_id=luis())
    answers(hurt, status=status, minutes=8)
    shown = list_of(view)
    assert ids(shown.pinned) == [hurt]
    assert (f"send_{status}", "alarm", "1") in [(chip.kind, chip.tone, chip.detail) for chip in shown.pinned[0].chips]


def test_a_send_that_may_still_be_heard_of_is_not_lost(app):
    answers(talk("Marta"), status="unknown", minutes=1)
    assert list_of("waiting").pinned == ()


def test_a_lost_send_is_done_with_when_a_colleague_has_reached_the_guest_since(app):
    marta = talk("Marta")
    answers(marta, status="failed", minutes=8)
    answers(marta, status="sent", minutes=7)
    assert ids(list_of("mine").pinned) == [marta]
    answers(marta, author="staff", staff_id=ana(), status="failed", minutes=6)
    assert ids(list_of("mine").pinned) == [marta]
    answers(marta, author="staff", staff_id=ana(), status="delivered", minutes=5)
    assert list_of("mine").pinned == ()


def test_a_lost_send_is_done_with_when_it_is_sent_again_or_the_conversation_is_closed_or_put_off(app):
    answers(talk("Marta"), status="cancelled")
    answers(talk("Julia", status="closed"), status="failed")
    answers(talk("Pedro", status="snoozed", snoozed_until=ago(hours=-1)), status="failed")
    answers(talk("Rosa"), status="failed", minutes=60 * 24 * 8)
    assert list_of("mine").pinned == ()


def test_nobody_is_pinned_who_is_listed(app):
    both = waiting("Marta")
    answers(both, status="failed")
    shown = list_of("all")
    assert (ids(shown.lines), shown.pinned) == ([both], ())
    assert list_of("all", "marta").pinned == ()


def test_in_the_list_of_who_waits_the_later_pages_are_not_pinned_above_the_first(app):
    for number in range(60):
        waiting(f"Guest {number}", minutes=10 + number)
    assert list_of("waiting").pinned == ()


def test_a_score_is_pinned_at_most_the_most_pressing_first(app):
    for number in range(25):
        waiting(f"Guest {number}", minutes=10 + number)
    urgent = waiting("Pedro", "emergency", urgent=True, minutes=1)
    pinned = list_of("closed").pinned
    assert len(pinned) == 20
    assert pinned[0].id == urgent
    assert pinned[1].name == "Guest 24"


# Counts


def test_tabs_count_who_waits_and_what_is_mine(app):
    waiting("Marta")
    waiting("Julia", assignee_id=ana())
    waiting("Pedro", assignee_id=luis())
    waiting("Rosa", status_of="snoozed", snoozed_until=ago(hours=-2))
    talk("Luca", assignee_id=ana())
    for view in VIEWS:
        shown = list_of(view)
        assert (shown.waiting, shown.mine) == (3, 2)


# Chips


@pytest.mark.parametrize(
    "reason", sorted({*GRAVEST_FIRST, GUEST_WROTE, *SETTLES_ITSELF, "change", "request", "window_closed"})
)
def test_every_reason_to_wait_has_its_chip(app, reason):
    assert reason in TONES
    assert reason in kinds(waiting("Marta", reason))


def test_all_reasons_are_shown_alarms_first_and_the_language_last(app):
    who = guest("John", language="en", vip=True)
    number = waiting("John", "request", "emergency", "human", "pms_failed", who=who)
    answers(number, status="failed")
    shown = kinds(number)
    assert shown == ["emergency", "pms_failed", "send_failed", "human", "request", "vip", "language"]


def test_a_reason_that_nobody_foresaw_is_a_warning(app):
    number = waiting("Marta", "flooded")
    assert kinds(number) == ["flooded"]
    assert list_of("all").lines[0].chips[0].tone == "warn"


@pytest.mark.parametrize(
    ("hours", "owed", "shown"),
    [
        (1, True, []),
        (22.5, True, ["window_closing"]),
        (22.5, False, []),
        (25, True, ["window_closed"]),
        (25, False, []),
    ],
)
def test_the_window_is_told_of_where_something_is_owed(app, hours, owed, shown):
    number = talk("Marta", waiting_since=ago(hours=hours) if owed else None, last_inbound_at=ago(hours=hours))
    assert kinds(number) == shown


def test_the_window_is_none_of_the_apis_business(app):
    assert kinds(talk("Marta", channel="api", waiting_since=ago(hours=30), last_inbound_at=ago(hours=30))) == []


@pytest.mark.parametrize(("minutes", "shown"), [(4, ["hold_expiring"]), (10, []), (-1, [])])
def test_a_hold_is_told_of_when_it_is_about_to_end(app, minutes, shown):
    number = talk("Marta")
    holds(number, "401", minutes=minutes)
    assert kinds(number) == shown
    assert all(chip.until for chip in list_of("all").lines[0].chips)


@pytest.mark.parametrize(
    ("arrives", "leaves", "status", "shown", "room"),
    [
        (0, 3, "booked", ["arriving"], None),
        (0, 3, "pending", ["arriving"], None),
        (0, 3, "in_house", ["in_house"], "201"),
        (-1, 3, "in_house", ["in_house"], "201"),
        (-1, 3, "booked", ["in_house"], "201"),
        (-2, 0, "in_house", ["leaving"], "201"),
        (-2, 0, "departed", ["returning"], None),
        (-9, -7, "departed", ["returning"], None),
        (4, 6, "booked", [], None),
        (0, 3, "cancelled", [], None),
        (-9, -7, "no_show", [], None),
    ],
)
def test_the_stay_is_told_in_a_word(app, arrives, leaves, status, shown, room):
    number = talk("Marta")
    books(number, arrives, leaves, status, rooms=("201",))
    line = list_of("all").lines[0]
    assert [chip.kind for chip in line.chips] == shown
    assert line.room == room
    coming = status in ("booked", "pending") and arrives >= 0
    assert ((line.arrives - hotel().today()).days if line.arrives else None) == (arrives if coming else None)


def test_a_guest_who_comes_again_is_told_with_the_next_arrival_and_all_rooms(app):
    number = talk("Marta")
    books(number, -60, -57, "departed")
    books(number, 30, 32)
    books(number, 5, 7)
    line = list_of("all").lines[0]
    assert [chip.kind for chip in line.chips] == ["returning"]
    assert line.arrives
    assert (line.arrives - hotel().today()).days == 5
    books(number, -1, 1, "in_house", rooms=("301", "201"))
    line = list_of("all").lines[0]
    assert (line.room, line.arrives) == ("201, 301", None)


def test_today_is_the_hotels_day(app):
    """The first of these clocks is 26 hours ahead of the second."""
    number = talk("Marta")
    for zone, shown in (("Pacific/Kiritimati", ["arriving"]), ("Etc/GMT+12", [])):
        db.session.execute(update(Hotel).where(Hotel.slug == "miramar").values(timezone=zone))
        db.session.commit()
        db.session.expire_all()
        if shown:
            books(number, 0, 2)
        assert kinds(number) == shown


def test_only_another_language_than_the_hotels_is_told(app):
    assert kinds(talk("Marta", language="es")) == []
    assert kinds(talk("John", language="en")) == ["language"]
    assert list_of("all", "john").lines[0].chips[0].detail == "en"


# Price


@pytest.mark.parametrize(("view", "query"), [(view, "") for view in VIEWS] + [("all", "guest"), ("all", "zzz")])
def test_a_list_costs_the_same_few_statements_however_long_it_is(app, view, query):
    def costs() -> int:
        db.session.rollback()
        here, me = hotel(), ana()
        with statements() as asked:
            from hotel_agent.dashboard.inbox import listing

            listing(here, me, view, query)
        return len(asked)

    def crowd(many: int) -> None:
        for number in range(many):
            status = "closed" if view == "closed" else "waiting"
            one = waiting(f"Guest {number}", status_of=status, assignee_id=ana() if number % 2 else None)
            books(one, -1, 2, "in_house")
            answers(one, status="failed")

    crowd(1)
    one = costs()
    crowd(45)
    assert costs() == one <= 6


def test_rows_that_vanish_meanwhile_are_left_out(app, monkeypatch):
    gone, stays = talk("Marta"), talk("Julia")
    from hotel_agent.dashboard import inbox

    real = inbox._page

    def page(*args):
        found = real(*args)
        db.session.delete(db.session.get_one(Conversation, gone))
        db.session.commit()
        return found

    monkeypatch.setattr(inbox, "_page", page)
    assert ids(list_of("all").lines) == [stays]


def test_a_whole_page_costs_few_statements(app, sign_in):
    """With the session, the list, the thread, the card and what is to do."""
    browser, one = sign_in("ana@miramar.example"), 0
    for number in range(50):
        one = waiting(f"Guest {number}", assignee_id=ana() if number % 2 else None)
        books(one, -1, 2, "in_house")
        answers(one, status="failed")
        told = says(one, wamid=f"y{number}", payload={"context": {"id": f"y{number - 1}"}})
        says(one, "📷 image", type="image", payload={"image": {"id": str(told)}})
        happens(one, "note", staff_id=ana(), body="Hola")
    for address in (
        "/conversations",
        "/conversations?q=guest",
        f"/conversations/{one}",
        f"/conversations/{one}?q=hola",
    ):
        browser.get(address)
        with statements() as asked:
            assert browser.get(address).status_code == 200
        assert len(asked) <= 21, "\n".join(asked)
