"""`/reservations/holds`: what is kept for whom, for longer, let go, and the trail of it."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from sqlalchemy import text

from hotel_agent.db import db
from hotel_agent.locks.holding import release_expired
from hotel_agent.pms.contract import BookRequest, HoldRequest, RoomRequest, Stay
from hotel_agent.pms.door import pms_for
from tests.conversations.cast import oscar
from tests.dashboard.cast import guest, hotel, statements, talk
from tests.fakes import qloapps as far
from tests.pms.front_desk import FrontDesk

HOLDS = "/reservations/holds"


@pytest.fixture
def desk(sign_in):
    return sign_in("ana@miramar.example")


def held(name: str, slug: str = "miramar", kind: str = "doble") -> tuple[str, int]:
    """Its key, and the guest."""
    here, who = hotel(slug), guest(name, slug=slug)
    talk(who=who)
    first = here.today() + timedelta(days=30)
    request = HoldRequest(Stay(first, first + timedelta(days=2)), (RoomRequest(kind, 2),), who.id, f"h {name}")
    key = pms_for(here).hold(request).hold_key
    db.session.commit()
    return key, who.id


def shown(page: str, section: str) -> list[str]:
    part = page.partition(f'id="{section}"')[2].partition("</section>")[0]
    return re.findall(r'data-hold="([^"]+)"', part)


def status(key: str) -> str:
    db.session.rollback()
    found = db.session.scalar(text("select max(status) from reservation_locks where hold_key = :key"), {"key": key})
    return str(found)


def test_with_nothing_kept_the_page_says_so(desk):
    assert "Ahora no hay ninguna guardada" in desk.get(HOLDS).text


def test_what_is_kept_is_there_and_then_what_became_of_it(desk):
    marta, lola, ada, eva = (held(name) for name in ("Marta", "Lola", "Ada", "Eva"))
    today = hotel().today()
    assert set(shown(desk.get(HOLDS).text, "now-kept")) == {key for key, _ in (marta, lola, ada, eva)}
    pms_for(hotel()).book(BookRequest(lola[0], lola[1], "Lola", "b", today))
    pms_for(hotel()).release(*ada, "otro hotel")
    db.session.execute(
        text("update reservation_locks set expires_at = clock_timestamp() where hold_key = :key"), {"key": eva[0]}
    )
    db.session.commit()
    release_expired()
    page = desk.get(HOLDS).text
    assert shown(page, "now-kept") == [marta[0]]
    assert set(shown(page, "was-kept")) == {lola[0], ada[0], eva[0]}
    over = page.partition('id="was-kept"')[2]
    for key, words in ((lola[0], "Reserv"), (ada[0], "Liber"), (eva[0], "tiempo")):
        assert words in over.partition(f'data-hold="{key}"')[2].partition("</tr>")[0]


def test_ana_keeps_it_for_longer_twice_and_no_more(desk):
    key, _ = held("Marta")
    for number in range(2):
        assert desk.post(f"{HOLDS}/{key}/extend", data={"key": f"k{number}"}).status_code == 303
    page = desk.get(HOLDS).text
    assert "Ya van dos veces" in page
    assert 'data-action="extend"' not in page
    assert desk.post(f"{HOLDS}/{key}/extend", data={"key": "k3"}).status_code == 409
    assert page.count("Ana") >= 2


def test_sent_twice_it_is_kept_longer_once(desk):
    key, _ = held("Marta")
    for _ in range(2):
        assert desk.post(f"{HOLDS}/{key}/extend", data={"key": "same"}).status_code == 303
    count = db.session.scalar(
        text("select cardinality(extensions) from reservation_locks where hold_key = :k"), {"k": key}
    )
    assert count == 1


def test_ana_lets_it_go_for_a_reason(desk):
    key, _ = held("Marta")
    assert "Motivo" in desk.get(f"{HOLDS}/{key}/release").text
    assert desk.post(f"{HOLDS}/{key}/release", data={"reason": "  "}).status_code == 400
    assert status(key) == "active"
    assert desk.post(f"{HOLDS}/{key}/release", data={"reason": "Reserva de grupo"}).status_code == 303
    assert status(key) == "released"
    assert "Reserva de grupo" in desk.get(HOLDS).text
    entry = db.session.execute(text("select action, actor from audit_log where subject = :key"), {"key": key}).one()
    assert entry == ("hold_released", "ana@miramar.example")


def test_what_is_over_cannot_be_let_go_again(desk):
    key, guest_id = held("Marta")
    pms_for(hotel()).release(key, guest_id, "otro hotel")
    assert desk.post(f"{HOLDS}/{key}/release", data={"reason": "Grupo"}).status_code == 409
    gone = desk.get(f"{HOLDS}/{key}/release")
    assert (gone.status_code, 'role="alert"' in gone.text) == (409, True)
    assert desk.get(f"{HOLDS}/nothing/release").status_code == 404


def test_another_hotel_sees_and_touches_nothing_of_it(sign_in):
    key, _ = held("Marta")
    oscar()
    oscars = sign_in("oscar@andes.example")
    assert key not in oscars.get(HOLDS).text
    assert oscars.get(f"{HOLDS}/{key}/release").status_code == 404
    assert oscars.post(f"{HOLDS}/{key}/release", data={"reason": "Grupo"}).status_code == 404
    assert oscars.post(f"{HOLDS}/{key}/extend").status_code == 404
    assert status(key) == "active"


def test_who_wants_no_offers_is_marked(desk):
    held("Marta")
    db.session.execute(text("update guests set opted_out_at = now() where name = 'Marta'"))
    db.session.commit()
    assert "No quiere ofertas" in desk.get(HOLDS).text


def test_many_cost_the_same_few_statements(desk):
    held("Marta")
    desk.get(HOLDS)
    with statements() as few:
        desk.get(HOLDS)
    for number in range(4):
        held(f"Marta {number}", kind=("doble", "familiar")[number % 2])
    with statements() as many:
        desk.get(HOLDS)
    assert len(few) == len(many) <= 4


def test_what_a_far_pms_keeps_is_let_go_there(app, sign_in, api_worker):
    with far.QloApps(far.miramar()) as pms:
        FrontDesk(pms)
        oscar()
        key, _ = held("Marta", "andes", "2")
        desk = sign_in("oscar@andes.example")
        assert shown(desk.get(HOLDS).text, "now-kept") == [key]
        assert desk.post(f"{HOLDS}/{key}/extend", data={"key": "once"}).status_code == 303
        assert desk.post(f"{HOLDS}/{key}/release", data={"reason": "Grupo"}).status_code == 303
        assert shown(desk.get(HOLDS).text, "was-kept") == [key]
