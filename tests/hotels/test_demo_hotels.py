import re
import time
from datetime import date, timedelta
from decimal import Decimal

import pytest
from sqlalchemy import select, text

from hotel_agent.db import db
from hotel_agent.hotels import changing
from hotel_agent.hotels.demo import LAST_STAY, load_demo
from hotel_agent.hotels.demo_data import HOTELS
from hotel_agent.hotels.models import Extra, Hotel, HotelIdentifier, Knowledge
from hotel_agent.pms.local.availability import availability_from
from hotel_agent.pms.local.models import Reservation, RoomType

LANGUAGES = {"es", "en", "pt"}


@pytest.fixture
def miramar(app):
    return db.session.scalars(select(Hotel).where(Hotel.slug == "miramar")).one()


@pytest.fixture
def andes(app):
    return db.session.scalars(select(Hotel).where(Hotel.slug == "andes")).one()


def test_the_hotels_are_those_of_the_contract(miramar, andes):
    assert (miramar.timezone, miramar.currency, miramar.language) == ("Europe/Madrid", "EUR", "es")
    assert (str(miramar.check_in_time), str(miramar.check_out_time)) == ("15:00:00", "11:00:00")
    assert miramar.front_desk_opens is None
    assert (andes.timezone, andes.currency) == ("America/Bogota", "COP")
    assert (str(andes.front_desk_opens), str(andes.front_desk_closes)) == ("08:00:00", "22:00:00")
    numbers = db.session.scalars(select(HotelIdentifier.identifier_value).order_by("id"))
    assert list(numbers) == ["100000000000001", "100000000000002"]


def test_no_whatsapp_credentials_are_stored(miramar, andes):
    for hotel in (miramar, andes):
        assert (hotel.whatsapp_app_secret, hotel.whatsapp_access_token) == (None, None)


def test_rooms_and_prices_are_the_same_every_night_for_three_years(miramar):
    rows = db.session.execute(
        text(
            "select t.code, t.capacity, count(distinct r.id), min(n.price), max(n.price), min(n.night),"
            " max(n.night), count(distinct n.night) from room_types t join rooms r on r.room_type_id = t.id"
            " join rates n on n.room_type_id = t.id where t.hotel_id = :hotel"
            " group by t.id order by t.position"
        ),
        {"hotel": miramar.id},
    ).all()
    assert [(row[0], row[1], row[2], row[3], row[4]) for row in rows] == [
        ("individual", 1, 10, Decimal("65.00"), Decimal("65.00")),
        ("doble", 2, 14, Decimal("95.00"), Decimal("95.00")),
        ("familiar", 4, 8, Decimal("140.00"), Decimal("140.00")),
        ("suite", 2, 4, Decimal("210.00"), Decimal("210.00")),
    ]
    for row in rows:
        assert row[6] >= date.today() + timedelta(days=3 * 365 - 1)
        assert row[7] == (row[6] - row[5]).days + 1


def test_a_room_of_every_kind_is_free_every_night(miramar, andes):
    for hotel in (miramar, andes):
        first = hotel.today() - timedelta(days=25)
        for there in availability_from(hotel, first, first + timedelta(days=160), nights=1):
            assert all(offer.free >= 1 for offer in there.offers), there.stay


def test_nobody_has_booked_the_days_60_to_120_nor_will_after_later_starts(miramar):
    def latest():
        return db.session.execute(
            text("select max(check_out) from reservations where hotel_id = :hotel"), {"hotel": miramar.id}
        ).scalar_one()

    before = latest()
    assert before <= miramar.today() + timedelta(days=LAST_STAY)
    load_demo(today=miramar.today() + timedelta(days=30))
    assert latest() == before
    db.session.execute(
        text("delete from rates where night > :last"), {"last": miramar.today() + timedelta(days=3 * 365 + 1)}
    )
    db.session.commit()


def test_the_house_is_lifelike_today(miramar):
    today = miramar.today()
    there = availability_from(miramar, today, today, nights=1)[0]
    occupied = 36 - sum(offer.free for offer in there.offers)
    assert 12 <= occupied <= 32
    statuses = set(db.session.scalars(select(Reservation.status).where(Reservation.hotel_id == miramar.id)))
    assert statuses == {"departed", "in_house", "booked", "cancelled"}


def test_statuses_follow_the_calendar_on_later_starts(miramar):
    later = miramar.today() + timedelta(days=10)
    load_demo(today=later)
    rows = db.session.scalars(select(Reservation).where(Reservation.hotel_id == miramar.id)).all()
    for row in rows:
        if row.status != "cancelled":
            expected = "departed" if row.check_out <= later else "in_house" if row.check_in < later else "booked"
            assert row.status == expected
    db.session.execute(
        text("delete from rates where night > :last"), {"last": miramar.today() + timedelta(days=3 * 365 + 1)}
    )
    db.session.commit()


def test_loading_again_changes_nothing_that_somebody_edited_and_is_quick(miramar):
    text_of_wifi = select(Knowledge).where(
        Knowledge.hotel_id == miramar.id, Knowledge.topic == "ask_wifi", Knowledge.language == "es"
    )
    db.session.scalars(text_of_wifi).one().text = "La clave es 1234."
    db.session.commit()
    started = time.perf_counter()
    load_demo()
    assert time.perf_counter() - started < 1
    assert db.session.scalars(text_of_wifi).one().text == "La clave es 1234."


@pytest.mark.parametrize("demo", HOTELS, ids=lambda demo: demo.slug)
def test_every_topic_is_told_in_three_languages(app, demo):
    for topic, texts in demo.knowledge.items():
        assert set(texts) == LANGUAGES, topic
        assert all(30 <= len(words) <= 400 or demo.slug == "andes" for words in texts.values()), topic
    for kind in demo.room_types:
        assert set(kind.names) == set(kind.descriptions) == LANGUAGES


@pytest.mark.parametrize("kind", [kind for demo in HOTELS for kind in demo.room_types], ids=lambda kind: kind.photo)
def test_every_kind_of_room_has_a_photo_that_whatsapp_takes(app, client, kind):
    photo = client.get(f"/static/{kind.photo}")
    assert (photo.status_code, photo.mimetype) == (200, "image/jpeg")
    assert photo.data.startswith(b"\xff\xd8\xff")
    assert 10_000 < len(photo.data) <= 120_000


def test_a_demo_of_before_gets_its_photos_and_one_that_has_others_keeps_them(miramar):
    rows = {row.code: row for row in db.session.scalars(select(RoomType).where(RoomType.hotel_id == miramar.id))}
    rows["doble"].photos, rows["suite"].photos = [], ["https://miramar.example/suite.jpg"]
    rows["suite"].names = {"es": "Ático"}
    db.session.commit()
    load_demo()
    db.session.expire_all()
    assert rows["doble"].photos == ["rooms/miramar-doble.jpg"]
    assert rows["suite"].photos == ["https://miramar.example/suite.jpg"]
    assert rows["suite"].names == {"es": "Ático"}


TOPIC_OF_EXTRA = {
    "late_checkout": "late_checkout",
    "breakfast": "ask_breakfast",
    "parking": "ask_parking",
    "airport_transfer": "ask_transport",
    "pets": "ask_pets",
}


@pytest.mark.parametrize("demo", HOTELS, ids=lambda demo: demo.slug)
def test_the_texts_name_the_prices_of_the_extras(app, demo):
    hotel = db.session.scalars(select(Hotel).where(Hotel.slug == demo.slug)).one()
    extras = db.session.scalars(select(Extra).where(Extra.hotel_id == hotel.id)).all()
    assert {(extra.code, extra.price) for extra in extras} == {(code, price) for code, price, _, _ in demo.extras}
    for extra in extras:
        for words in demo.knowledge[TOPIC_OF_EXTRA[extra.code]].values():
            # 15.000, 15,000, 12,00 and 12.00 are all numbers here; without marks they can be compared.
            numbers = {re.sub(r"\D", "", number) for number in re.findall(r"\d[\d.,]*\d", words)}
            assert numbers & {str(int(extra.price)), str(int(extra.price * 100))}, words


def test_the_address_has_coordinates(miramar):
    place = db.session.scalars(
        select(Knowledge).where(Knowledge.hotel_id == miramar.id, Knowledge.topic == "ask_location")
    ).all()[0]
    assert set(place.payload) == {"latitude", "longitude", "name", "address"}


def test_what_guests_are_told_in_trouble_is_there_in_every_language_and_could_have_been_set_by_hand(miramar):
    assert set(miramar.settings["emergency_advice"]) == {"es", "en", "pt"}
    given = {f"emergency_advice.{language}": text for language, text in miramar.settings["emergency_advice"].items()}
    for matter, texts in miramar.settings["guidance"].items():
        assert set(texts) == {"es", "en", "pt"}
        given |= {f"guidance.{matter}.{language}": text for language, text in texts.items()}
    before = dict(miramar.settings)
    changing.change(miramar.id, {"night_phone": before["night_phone"], **given})
    db.session.expire_all()
    assert db.session.get_one(Hotel, miramar.id).settings == before


def test_settings_that_somebody_has_changed_stay(andes):
    andes.settings = {"night_phone": "+57 300 111 1111"}
    db.session.commit()
    load_demo()
    assert db.session.get_one(Hotel, andes.id, populate_existing=True).settings == {"night_phone": "+57 300 111 1111"}
