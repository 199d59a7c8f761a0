"""A room that is kept for a guest: how long still, longer, and let go, by whoever has the guest's card before them."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from babel.dates import format_date
from playwright.sync_api import expect

from tests.browser.axe import is_clean
from tests.browser.cast import ANA
from tests.browser.desk import action, is_there
from tests.load.installation import wait_until

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]


def in_spanish(day: date) -> str:
    return str(format_date(day, "d 'de' MMMM", locale="es"))


@pytest.fixture
def marta(guest, asks_sql):
    """She has a double room kept; `holds` is the status of what is kept for her."""
    marta = guest("Marta Guardada")
    first = date.today() + timedelta(days=75)
    marta.says(f"Quiero reservar una doble del {in_spanish(first)} al {in_spanish(first + timedelta(days=2))} para 2")
    marta.hears("¿Te hago la reserva?")
    marta.says("sí")
    marta.hears("Te lo guardo hasta")
    return marta


@pytest.fixture
def status(marta, asks_sql):
    def status() -> str:
        [(found,)] = asks_sql(
            "select l.status from reservation_locks l join conversations c on c.guest_id = l.guest_id where c.id = %s",
            marta.conversation,
        )
        return str(found)

    return status


def test_ana_keeps_a_room_for_longer_and_lets_it_go(works_as, marta, status):
    page = works_as(ANA, f"/conversations/{marta.conversation}?view=all")
    kept = page.locator("#card [data-hold]")
    expect(kept).to_contain_text("Habitación doble")
    left = kept.locator("[data-until]")
    before = left.inner_text()
    expect(left).not_to_have_text(before)  # It counts down by itself.

    for times in (1, 2):
        action(page, "hold-extend").click()
        expect(page.locator("#items li", has_text="Ana guarda la habitación más tiempo")).to_have_count(times)
    expect(action(page, "hold-extend")).to_be_disabled()
    expect(kept).to_contain_text("Ya van dos veces")

    action(page, "hold-let-go").click()
    action(page, "hold-release").click()
    assert status() == "active"  # The browser wants the reason first.
    reason = kept.get_by_label("Motivo")
    reason.fill("Reserva de grupo")
    kept.locator("summary", has_text="Qué se ha hecho con ella").click()
    expect(kept.locator(".steps li")).to_have_count(3)
    is_clean(page, "a room that is kept")

    marta.says("¿Tenéis parking?")
    is_there(page, "¿Tenéis parking?")
    marta.hears("aparcamiento")
    expect(reason).to_have_value("Reserva de grupo")  # What is typed and opened stays as it is.
    expect(reason).to_be_visible()

    action(page, "hold-release").click()
    expect(page.locator("#items")).to_contain_text("Ana liberó la habitación guardada: Reserva de grupo")
    expect(page.locator("#holds-title")).to_have_count(0)
    assert status() == "released"
    page.locator("#holds-over > summary").click()
    expect(page.locator("#holds-over .steps li")).to_have_count(4)
    is_clean(page, "rooms that were kept")

    heard = len(marta.heard())
    marta.says("sí")
    wait_until(lambda: len(marta.heard()) > heard, 20, "the agent does not answer")
    assert "Recepción ha liberado" in " ".join(marta.heard()[heard:])


def test_on_a_phone_without_scripts(chromium, demo_url, signs_in, marta, status):
    page = signs_in(ANA)
    context = chromium.new_context(
        base_url=demo_url,
        java_script_enabled=False,
        viewport={"width": 375, "height": 812},
        locale="es-ES",
        storage_state=page.context.storage_state(),
    )
    plain = context.new_page()
    plain.goto(f"/conversations/{marta.conversation}?show=guest")
    plain.locator("[data-action=hold-extend]").click()
    plain.goto(f"/conversations/{marta.conversation}?show=guest")
    plain.locator("[data-action=hold-let-go]").click()
    plain.get_by_label("Motivo").fill("Reserva de grupo")
    plain.locator("[data-action=hold-release]").click()
    expect(plain.locator("#items")).to_contain_text("Ana liberó la habitación guardada: Reserva de grupo")
    assert status() == "released"
    context.close()
