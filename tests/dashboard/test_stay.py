"""The card beside the thread: who the guest is, and the stays."""

from __future__ import annotations

from datetime import time, timedelta
from decimal import Decimal

import pytest
from sqlalchemy import select, text

from hotel_agent.conversations.models import Conversation
from hotel_agent.dashboard.shapes import Card, ExtraLine
from hotel_agent.dashboard.stay import card
from hotel_agent.db import db, utcnow
from hotel_agent.errors import NotFound
from hotel_agent.pms.local.models import Reservation, ReservationExtra
from tests.dashboard.cast import books, guest, holds, hotel, statements, talk


def card_of(conversation_id: int, language: str = "es") -> Card:
    return card(hotel(), db.session.get_one(Conversation, conversation_id).guest_id, language)


def test_the_card_tells_who_the_guest_is(app):
    who = guest("Marta García", "34600111222", vip=True, language="pt", opted_out_at=utcnow())
    told = card_of(talk(who=who))
    assert (told.guest_id, told.name, told.phone, told.language) == (who.id, "Marta García", "34600111222", "pt")
    assert (told.vip, told.opted_out, told.stays_before) == (True, True, 0)
    assert (told.current, told.past, told.holds) == ((), (), ())
    assert abs(told.since - utcnow()) < timedelta(minutes=1)


def test_stays_are_told_the_nearest_first_and_those_over_the_latest_first(app):
    marta = talk("Marta")
    later, now = books(marta, 20, 22), books(marta, -1, 2, "in_house")
    soon, asked = books(marta, 5, 7), books(marta, 9, 10, "pending")
    old, older = books(marta, -30, -28, "departed"), books(marta, -90, -85, "departed")
    off, missed = books(marta, 3, 4, "cancelled"), books(marta, -10, -9, "no_show")
    told = card_of(marta)
    assert [stay.code for stay in told.current] == [now, soon, asked, later]
    assert [stay.code for stay in told.past] == [off, missed, old, older]
    assert told.stays_before == 2


def test_a_stay_tells_rooms_kinds_money_and_days(app):
    marta = talk("Marta")
    books(marta, 2, 5, rooms=("301", "201", "202"), total=Decimal("1234.50"), children=1, guest_name="Pepe Ruiz")
    (stay,) = card_of(marta).current
    assert stay.rooms == ("201", "202", "301")
    assert stay.room_types == ("Habitación doble", "Habitación familiar")
    assert (stay.total, stay.currency, stay.adults, stay.children) == (Decimal("1234.50"), "EUR", 2, 1)
    assert (stay.departure - stay.arrival, stay.arrival - hotel().today()) == (timedelta(days=3), timedelta(days=2))
    assert (stay.guest_name, stay.status) == ("Pepe Ruiz", "booked")


@pytest.mark.parametrize(("language", "name"), [("en", "Double room"), ("pt", "Quarto duplo"), ("fr", "Double room")])
def test_kinds_of_rooms_are_named_in_the_readers_language(app, language, name):
    marta = talk("Marta")
    books(marta, 2, 5, rooms=("201",))
    assert card_of(marta, language).current[0].room_types == (name,)


def test_a_cancelled_stay_still_tells_which_rooms_it_had(app):
    marta = talk("Marta")
    books(marta, 2, 5, "cancelled", rooms=("201",))
    assert card_of(marta).past[0].rooms == ("201",)


def test_holds_are_told_until_their_time_is_over(app):
    marta = talk("Marta")
    holds(marta, "401", "402", minutes=9)
    holds(marta, "201", minutes=3)
    holds(marta, "202", minutes=-1)
    first, second = card_of(marta).holds
    assert (first.rooms, first.room_types, first.total, first.currency) == (
        ("201",),
        ("Habitación doble",),
        Decimal("95.00"),
        "EUR",
    )
    assert (second.rooms, second.total) == (("401", "402"), Decimal("190.00"))
    assert utcnow() < first.expires_at < second.expires_at


def test_another_hotels_guest_is_not_found(app):
    theirs = guest("Oscars guest", slug="andes")
    with pytest.raises(NotFound):
        card(hotel(), theirs.id, "es")
    assert card(hotel("andes"), theirs.id, "es").name == "Oscars guest"


def test_a_card_costs_three_statements_however_many_stays_there_were(app):
    marta = talk("Marta")
    for number in range(60):
        books(marta, -3 * number - 3, -3 * number - 1, "departed", rooms=("201",) if number < 30 else ())
    holds(marta, "401", minutes=5)
    here, who = hotel(), db.session.get_one(Conversation, marta).guest_id
    with statements() as asked:
        told = card(here, who, "es")
    assert len(asked) == 3
    assert len(told.past) == 50


def test_what_was_added_to_a_stay_is_told_beside_it_until_it_is_taken_off(app):
    marta = talk("Marta")
    code = books(marta, 2, 5, rooms=("201",))
    reservation = db.session.scalars(select(Reservation).where(Reservation.code == code)).one()
    late = ReservationExtra(
        hotel_id=reservation.hotel_id,
        reservation_id=reservation.id,
        code="late_checkout",
        price=Decimal("30.00"),
        currency="EUR",
        at_time=time(14),
    )
    db.session.add(late)
    db.session.commit()
    (stay,) = card_of(marta).current
    assert stay.extras == (ExtraLine("late_checkout", Decimal("30.00"), "EUR", "14:00"),)
    late.status = "cancelled"
    db.session.commit()
    (stay,) = card_of(marta).current
    assert stay.extras == ()


def test_the_card_tells_how_the_guest_likes_their_stay(app, sign_in):
    one = talk("Marta")
    db.session.execute(text("update guests set preferences = '{quiet,vegan}'"))
    db.session.commit()
    page = sign_in("ana@miramar.example").get(f"/conversations/{one}").text
    assert "habitación tranquila, vegano" in page
