"""Which text answers a question, in any of the three languages, with the encoder and without."""

from __future__ import annotations

import pytest

from hotel_agent.nlu import encoder, meaning
from hotel_agent.nlu.meaning import Entry, Match, best_match, is_question
from tests.nlu import bench_knowledge
from tests.nlu.bench_knowledge import words_alone

needs_encoder = pytest.mark.skipif(not encoder.available(), reason="the encoder's package is not installed")

BICYCLES = Entry("bicycles", "en", "We rent bicycles for €10.00 a day. Helmet and lock are included.")
HAIRDRYER = Entry("secador", "es", "Hay secador en todas las habitaciones.")
PIANO_BAR = Entry("piano_bar", "es", "Viernes y sábados de 21:00 a 23:30.")
TAP_WATER = Entry("tap_water", "pt", "A água da torneira é potável em todo o hotel.")
POOL = Entry("ask_pool", "es", "Sí, hay piscina exterior en la terraza, abierta de mayo a octubre.")
WRITTEN = (BICYCLES, HAIRDRYER, PIANO_BAR, TAP_WATER, POOL)


def answer(question: str, *entries: Entry) -> str | None:
    match = best_match(question, entries or WRITTEN)
    return match.topic if match and match.is_clear else None


@needs_encoder
@pytest.mark.parametrize(
    ("question", "topic"),
    [
        ("¿Alquilan bicicletas?", "bicycles"),
        ("vcs alugam bicicleta?", "bicycles"),
        ("can you drink the tap water", "tap_water"),
        ("¿se puede beber el agua del grifo?", "tap_water"),
        ("Is there a swimming pool?", "ask_pool"),
        ("tem piscina?", "ask_pool"),
        ("Do you have a hairdryer?", "secador"),
        ("tem secador de cabelo?", "secador"),
    ],
)
def test_a_question_finds_what_was_written_in_another_language(question, topic):
    assert answer(question) == topic


@needs_encoder
@pytest.mark.parametrize("question", ["is there a piano bar?", "¿tienen piano bar?", "tem piano bar?"])
def test_the_topics_own_name_is_read_too(question):
    assert answer(question) == "piano_bar"


@needs_encoder
@pytest.mark.parametrize(
    "question",
    [
        "Is there a casino?",
        "¿Hay pista de tenis?",
        "Tem caixa eletrônico?",
        "do you have a pool table?",
        "¿cuál es la capital de Francia?",
        "asdf qwer zxcv",
    ],
)
def test_what_nobody_wrote_about_is_not_answered(question):
    assert answer(question) is None


@needs_encoder
def test_one_sentence_of_a_long_text_is_enough():
    told = Entry(
        "house_rules",
        "es",
        "Esta casa es de 1890 y la cuidamos entre todos. El silencio es de 23:00 a 8:00. La basura se separa en la"
        " planta baja. En la azotea hay un telescopio para mirar las estrellas. Las llaves se dejan en el buzón.",
    )
    assert answer("is there a telescope?", told, POOL) == "house_rules"


@needs_encoder
def test_a_thing_beside_the_one_that_was_written_about_counts_against_the_text(monkeypatch):
    with_rivals = best_match("do you have a pool table?", [POOL])
    monkeypatch.setattr(meaning, "_RIVAL", 0.0)
    without = best_match("do you have a pool table?", [POOL])
    assert with_rivals is not None
    assert without is not None
    assert not with_rivals.is_clear
    assert without.is_clear


@needs_encoder
def test_a_question_costs_one_encoding(monkeypatch):
    best_match("¿Hay piscina?", WRITTEN)
    asked: list[object] = []
    real = encoder.vectors_of

    def counted(texts):
        asked.append(texts)
        return real(texts)

    monkeypatch.setattr(encoder, "vectors_of", counted)
    best_match("¿Y bicicletas, cuánto cuestan?", WRITTEN)
    assert len(asked) == 1
    best_match("¿Y bicicletas, cuánto cuestan?", WRITTEN)
    assert len(asked) == 1


def test_without_the_encoder_the_words_that_both_have_decide():
    with words_alone():
        assert answer("¿tienen secador?") == "secador"
        assert answer("do you rent bicycles?") == "bicycles"
        assert answer("hay alguna bicicleta?", Entry("bicis", "es", "Alquilamos bicicletas por 10 €.")) == "bicis"
        assert answer("¿hay casino?") is None


@pytest.mark.parametrize("question", ["", "   ", "¿?", "👍"])
def test_no_words_match_nothing(question):
    assert best_match(question, WRITTEN) is None


def test_no_entries_match_nothing():
    assert best_match("¿hay piscina?", []) is None
    assert best_match("¿hay piscina?", [Entry("ask_pool", "es", "  ")]) is None


@pytest.mark.parametrize("question", ["x" * 5000, "piscina " * 900, "\x00\ufffd", "¿" * 300 + "hay", "游泳池 есть?"])
def test_any_text_can_be_asked(question):
    found = best_match(question, WRITTEN)
    assert found is None or isinstance(found, Match)


@pytest.mark.parametrize("text", ["¿hay secador", "secador?", "do you have one", "tem secador", "Tienen plancha"])
def test_a_question_is_known_by_its_mark_or_its_beginning(text):
    assert is_question(text)


@pytest.mark.parametrize("text", ["", "Marta García", "gracias", "el piano del bar suena fuerte", "asdf"])
def test_other_words_are_no_question(text):
    assert not is_question(text)


def test_the_questions_are_ninety_a_language_half_of_them_unanswered():
    asked = bench_knowledge.questions()
    topics = {entry.topic for entry in bench_knowledge.entries("es")}
    assert len({question.text for question in asked}) == 270
    for language in bench_knowledge.LANGUAGES:
        of_one = [question for question in asked if question.language == language]
        assert len(of_one) == 90
        assert sum(question.topic is None for question in of_one) == 45
    assert {question.topic for question in asked} - {None} <= topics


def test_the_thresholds_are_the_measured_ones():
    if encoder.available():
        assert 0 < meaning.THRESHOLD - bench_knowledge.chosen_threshold() < 0.02
    with words_alone():
        assert 0 < meaning.THRESHOLD_OF_WORDS - bench_knowledge.chosen_threshold() < 0.02


@pytest.mark.parametrize(
    ("mode", "least_right", "most_wrong"),
    [pytest.param("encoder", 0.75, 0.055, marks=needs_encoder), ("words", 0.33, 0.02)],
)
def test_the_reported_half_is_answered_as_well_as_was_measured(mode, least_right, most_wrong):
    of_mode = [row for row in bench_knowledge.rows() if row.mode == mode]
    answerable, asked = sum(row.answerable for row in of_mode), sum(row.questions for row in of_mode)
    assert sum(row.right for row in of_mode) >= least_right * answerable
    assert sum(row.wrong for row in of_mode) <= most_wrong * asked
