"""The page itself: whose phone it is, in which language, and where it exists at all."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.pool import QueuePool

from hotel_agent.config import settings
from hotel_agent.db import db
from hotel_agent.redis import RedisError
from hotel_agent.simulator import phones, words
from tests.simulator.conftest import ANDES, JOHN, MARTA, MIRAMAR, TOKEN


def test_outside_the_demo_there_is_no_simulator(client: FlaskClient):
    assert client.get("/simulator").status_code == 404
    assert client.post(f"/simulator/phones/{MARTA}/messages", data={"text": "Hola"}).status_code == 404
    graph = client.post(
        f"/simulator/graph/v26.0/{MIRAMAR}/messages", json={}, headers={"Authorization": f"Bearer {TOKEN}"}
    )
    assert graph.status_code == 404


def test_a_first_time_visitor_finds_guests_hotels_and_questions(page):
    html = page.get("/simulator", headers={"Accept-Language": "es-ES,es;q=0.9"}).text
    for known in ("Marta Ruiz", "John Miller", "Júlia Santos", "Hotel Miramar", "Hostal Andes"):
        assert known in html
    assert "¿Tienen habitación doble del" in html
    assert 'action="/simulator/guests"' in html


@pytest.mark.parametrize(
    ("language", "title"),
    [("es", "Un teléfono de prueba"), ("en", "A phone to try"), ("pt", "Um telefone de teste")],
)
def test_the_page_speaks_the_visitors_language_and_remembers_it(page, language, title):
    assert title in page.get(f"/simulator?lang={language}").text
    assert title in page.get("/simulator").text


def test_questions_are_in_the_guests_language_not_the_visitors(page):
    html = page.get(f"/simulator/phones/{JOHN}?lang=es").text
    assert "Do you have a double room" in html
    assert "Empiece la conversación" in html


def test_every_language_has_every_word():
    assert {frozenset(table) for table in words.WORDS.values()} == {frozenset(words.WORDS["es"])}


def test_the_first_question_names_a_stay_within_one_month_some_ten_weeks_ahead():
    for days in range(366):
        today = date(2027, 1, 1) + timedelta(days=days)
        for language in words.LANGUAGES:
            question = words.suggestions(language, today)[0]
            first, last = [int(word.strip("?")) for word in question.split() if word.strip("?").isdigit()]
            assert last - first == words.FIRST_STAY_NIGHTS


def test_times_are_those_of_the_hotels_wall(demo, page):
    at = 1_767_272_400.0  # 2026-01-01 13:00 UTC
    for number in (MIRAMAR, ANDES):
        bubble = phones.Bubble(f"wamid.{number}", "guest", "text", at, "Hola")
        phones.Chat(MARTA, number).add(bubble, phones.Tick.SENT)
    assert "<time>14:00</time>" in page.get(f"/simulator/phones/{MARTA}?hotel={MIRAMAR}").text
    assert "<time>08:00</time>" in page.get(f"/simulator/phones/{MARTA}?hotel={ANDES}").text


def test_unread_messages_are_counted_until_they_are_seen(page, hotel_writes):
    hotel_writes("Hola")
    hotel_writes("¿Sigue ahí?")
    assert "2 sin leer" in page.get("/simulator?lang=es").text
    page.post(f"/simulator/phones/{MARTA}/seen", data={"hotel": MIRAMAR})
    assert "sin leer" not in page.get("/simulator?lang=es").text


def test_somebody_new_gets_a_phone_and_writes(page, webhook):
    answer = page.post("/simulator/guests", data={"name": "Ivo", "phone": "+351 913 000 111", "language": "pt"})
    assert answer.status_code == 303
    assert answer.location.startswith("/simulator/phones/351913000111")
    page.post("/simulator/phones/351913000111/messages", data={"text": "Olá", "hotel": MIRAMAR})
    [message] = webhook.messages()
    assert (message.sender.name, message.sender.phone) == ("Ivo", "351913000111")


def test_a_bad_name_or_number_is_said_beside_its_field_and_kept(page):
    answer = page.post("/simulator/guests?lang=es", data={"name": " ", "phone": "12"})
    assert answer.status_code == 400
    assert "Escriba un nombre" in answer.text
    assert "con el prefijo del país" in answer.text
    assert 'value="12"' in answer.text


def test_a_phone_that_nobody_holds_does_not_exist(page):
    assert page.get("/simulator/phones/34000000000").status_code == 404
    assert page.post("/simulator/phones/34000000000/messages", data={"text": "Hola"}).status_code == 404


@pytest.mark.parametrize(
    "headers", [{"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://elsewhere.example"}, {"Origin": "null"}]
)
def test_a_form_of_another_site_is_refused(page, webhook, headers):
    answer = page.post(f"/simulator/phones/{MARTA}/messages", data={"text": "Hola"}, headers=headers)
    assert answer.status_code == 403
    assert not webhook.bodies


def test_the_pages_own_forms_are_accepted(page, webhook):
    headers = {"Sec-Fetch-Site": "same-origin", "Origin": "http://localhost"}
    assert page.post(f"/simulator/phones/{MARTA}/messages", data={"text": "Hola"}, headers=headers).status_code == 303
    assert len(webhook.bodies) == 1


def test_the_page_says_when_replies_go_elsewhere(demo: Flask, page, monkeypatch, marta_says, webhook):
    monkeypatch.setenv("WHATSAPP_API_URL", "http://127.0.0.1:9/v26.0")
    settings.cache_clear()
    html = page.get("/simulator?lang=es").text
    assert "Las respuestas salen hacia http://127.0.0.1:9/v26.0 y no pueden verse aquí" in html
    marta_says("Hola")
    assert len(webhook.messages()) == 1


def test_nothing_on_the_page_needs_inline_code(page, hotel_writes):
    hotel_writes("Hola")
    html = page.get(f"/simulator/phones/{MARTA}").text
    assert "<style" not in html
    assert " style=" not in html
    assert "<script>" not in html
    assert " onclick=" not in html


def test_without_its_memory_the_page_says_so(page, monkeypatch):
    def away() -> None:
        raise RedisError("away")

    monkeypatch.setattr(phones, "guests", away)
    answer = page.get("/simulator?lang=es")
    assert answer.status_code == 503
    assert "no puede leer su memoria" in answer.text


def test_news_are_streamed_without_a_database_connection(demo, page, hotel_writes):
    with page.get(f"/simulator/phones/{MARTA}/events", buffered=False) as answer:
        news = iter(answer.response)
        assert next(news) == b"retry: 1000\n\n"
        next(news)
        assert phones.is_online(MARTA)
        with demo.app_context():
            pool = db.engine.pool
            assert isinstance(pool, QueuePool)
            assert pool.checkedout() == 0
        phones.Chat(MARTA, MIRAMAR).tell()
        assert any(item == b"event: change\ndata: 1\n\n" for item in news)
