"""The measurements measure what they say."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pytest

from tests.nlu import nlupp, noise
from tests.nlu.bench import calibration_error

pytest.importorskip("sklearn")

POOL, WIFI = ["tienen piscina", "a qué hora abre la piscina", "piscina?"], ["la clave del wifi", "hay wifi", "wifi?"]


@pytest.fixture
def folds(tmp_path):
    """Four folds in which pool and wifi are told apart by a word."""
    place = tmp_path / "es" / "hotels"
    place.mkdir(parents=True)
    for number in range(4):
        told = [{"text": f"{text} {number}", "intents": ["pool"]} for text in POOL]
        told += [{"text": f"{text} {number}", "intents": ["wifi"]} for text in WIFI]
        told.append({"text": "hola", "intents": []})
        (place / f"fold{number}.json").write_text(json.dumps(told))
    return tmp_path


def test_a_sentence_counts_once_whatever_its_folds(folds):
    read = nlupp.read(folds, "es", "hotels")
    assert len(read) == 4 * 6 + 1
    assert [one.fold for one in read if one.text == "hola"] == [0]


def test_each_regime_learns_from_its_folds_only():
    runs = nlupp.regimes(range(6))
    assert runs["low"] == [{0}, {1}, {2}, {3}, {4}, {5}]
    assert runs["mid"] == [{0, 1}, {2, 3}, {4, 5}]
    assert runs["large"] == [{2, 3, 4, 5}, {0, 1, 4, 5}, {0, 1, 2, 3}]


def test_the_last_of_an_odd_number_of_folds_is_judged_too():
    assert nlupp.regimes([3, 5, 8])["large"] == [{8}, {3, 5}]
    with pytest.raises(nlupp.NoFolds, match="at least 3 folds are needed, there are 2"):
        nlupp.regimes([0, 1])


def test_a_fold_is_known_by_the_number_in_its_name(folds):
    (folds / "es" / "hotels" / "fold0.json").rename(folds / "es" / "hotels" / "fold17.json")
    assert {one.fold for one in nlupp.read(folds, "es", "hotels")} == {1, 2, 3, 17}


def test_what_a_word_tells_is_learnt(folds):
    (result,) = nlupp.evaluate(folds, only=("large",))
    assert (result.language, result.regime, result.runs) == ("es", "large", 2)
    assert result.mean > 90


def test_labels_that_say_nothing_are_not_learnt(folds):
    chance = np.random.default_rng(0)
    for file in (folds / "es" / "hotels").glob("*.json"):
        told = json.loads(file.read_text())
        for one in told:
            one["intents"] = [str(chance.choice(["pool", "wifi"]))]
        file.write_text(json.dumps(told))
    (result,) = nlupp.evaluate(folds, only=("large",))
    assert result.mean < 80


def test_a_folder_without_folds_is_named(tmp_path):
    (tmp_path / "es").mkdir()
    with pytest.raises(nlupp.NoFolds, match="es/hotels"):
        nlupp.evaluate(tmp_path)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [(["--folds", "/nowhere"], "there is no folder /nowhere"), (["z"], "no part z; there are a b c d e f g")],
)
def test_bad_arguments_get_a_line(arguments, says):
    done = subprocess.run([sys.executable, "-m", "tests.nlu.bench", *arguments], capture_output=True, text=True)
    assert done.returncode == 1
    assert says in done.stderr
    assert "Traceback" not in done.stderr


def test_f1_is_of_all_labels_together():
    truth = np.array([[True, False], [True, True]])
    assert nlupp.micro_f1(truth, truth) == 1
    assert nlupp.micro_f1(truth, np.array([[True, True], [False, True]])) == pytest.approx(2 * 2 / (3 + 3))


def test_the_calibration_error_is_the_gap_between_chance_and_outcome():
    assert calibration_error(np.full(10, 0.85), np.array([True] * 8 + [False] * 2)) == pytest.approx(0.05)
    assert calibration_error(np.array([1.0, 1.0]), np.array([False, False])) == 1


def test_noise_is_the_same_each_time_and_spoils():
    text = "¿Me podrían subir otra almohada a la habitación, por favor?"
    for kind in noise.KINDS.values():
        assert kind(text, "es") == kind(text, "es") != text
    assert noise.plain(text, "es").isascii()
