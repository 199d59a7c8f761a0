"""Told stories of bookings that are live no more, and of surnames that sound like nothing the agent knows."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from hotel_agent.db import db
from hotel_agent.hotels import changing
from hotel_agent.pms import mirroring
from tests.conversations.cast import conversation, messages
from tests.conversations.chat import Chat, day, hotel_named, new_guest, span
from tests.conversations.test_dialogue_bookings_kept import booked
from tests.fakes import qloapps as far
from tests.pms.at_a_pms import at_a_pms
from tests.pms.front_desk import CANCELED

SURNAMES = ["Perez", "Pérez", "Peres", "Vidal", "Okafor", "Correa", "Siles", "Sáez", "Pozo"]


@pytest.fixture
def marta(app):
    hotel = hotel_named("miramar")
    return Chat(hotel, new_guest(hotel))


@pytest.mark.parametrize("surname", SURNAMES)
def test_a_surname_alone_books_nothing(marta, surname):
    marta.says(f"quiero una doble {span('es', day(0), day(2))} para 2 adultos")
    marta.taps("offer:doble")
    marta.says(surname)
    assert marta.bookings() == []
    marta.says("sí")
    assert len(marta.bookings()) == 1


@pytest.mark.parametrize("surname", SURNAMES)
def test_a_surname_alone_cancels_nothing(marta, surname):
    code = booked(marta).code
    marta.says("quiero cancelar mi reserva")
    marta.says(surname)
    assert [one.status for one in marta.bookings()] == ["booked"]
    marta.says("sí")
    assert [(one.code, one.status) for one in marta.bookings()] == [(code, "cancelled")]


@pytest.fixture
def says(marta_says, run_jobs):
    """What Marta hears when she writes to the hotel on WhatsApp."""

    def says(words: str) -> str:
        before = len(messages("out"))
        marta_says(words, name="Marta García")
        run_jobs()
        return " ".join(row.body for row in messages("out")[before:])

    return says


@pytest.fixture
def at_the_pms(app, monkeypatch, says):
    """The Miramar with a PMS of its own, and the code of Marta's booking there."""
    with at_a_pms("miramar", monkeypatch) as (hotel, pms):
        says(f"quiero una doble {span('es', day(0), day(2))} para 2 adultos")
        says("sí, resérvala")
        says("sí, confirmo")
        code = db.session.scalar(text("select code from reservations where pms_id = '1'"))
        db.session.commit()
        assert code
        yield hotel, pms, code


@pytest.mark.parametrize("asks", ["¿cómo está mi reserva?", "quiero cancelar mi reserva"])
def test_who_has_been_cancelled_at_the_desk_is_told_so(at_the_pms, says, asks):
    hotel, pms, code = at_the_pms
    with pms.shop.lock:
        pms.shop.change_state(pms.shop.orders[1], CANCELED)
    mirroring.mirror(hotel)
    reply = says(asks)
    assert code in reply
    assert "cancelada" in reply
    assert "no veo ninguna reserva" not in reply


@pytest.mark.parametrize("asks", ["¿cómo está mi reserva?", "quiero cancelar mi reserva", "código {code}"])
def test_who_is_missing_in_the_pms_is_with_people_at_once(at_the_pms, says, asks):
    hotel, _pms, code = at_the_pms
    with far.QloApps(far.miramar()) as emptied:
        changing.change(hotel.id, {"pms_url": emptied.url, "pms_key": emptied.key})
        reply = says(asks.format(code=code))
    assert code in reply
    assert "no aparece en nuestro sistema" in reply
    assert conversation().waiting_reason == "pms_failed"


def test_a_code_and_apellido_are_spanish(app):
    hotel = hotel_named("miramar")
    reply = Chat(hotel, new_guest(hotel)).says("código MIR-C85PWW, apellido Perez")
    assert reply.answer.language == "es"
