"""The quick stories, told once, and the examiner examined: what it must find, it finds."""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal

import pytest

from tests.dialogues import run
from tests.dialogues.days import Days
from tests.dialogues.judging import Bubble, amounts_in, faults, language_of, possible_amounts, says
from tests.dialogues.story import LANGUAGES, MalformedStory, read, read_all
from tests.dialogues.telling import tell

STORIES = read_all()


@pytest.mark.parametrize("story", [story for story in STORIES if story.quick], ids=lambda story: story.name)
def test_a_quick_story_holds(story, app, client, graph, run_jobs):
    verdict = tell(story, app, client, graph, run_jobs)
    assert verdict.holds, verdict.told()


def test_the_stories_are_many_and_of_all_kinds():
    for language in LANGUAGES:
        assert len([story for story in STORIES if story.language == language]) >= 20
    assert {story.channel for story in STORIES} == {"api", "whatsapp"}
    assert {story.hotel for story in STORIES} == {"miramar", "andes"}
    assert len([story for story in STORIES if story.blind]) >= 30


STORY = """
about = "A test"
language = "es"
channel = "{channel}"
{more}
[[turn]]
says = "{says}"
must = {must}
{end}
"""


@pytest.fixture
def written(tmp_path):
    def write(
        says: str = "hola", must: str = "['hola']", end: str = "", more: str = "", channel: str = "whatsapp"
    ) -> object:
        file = tmp_path / "a_story.toml"
        file.write_text(STORY.format(says=says, must=must, end=end, more=more, channel=channel), encoding="utf-8")
        return read(file)

    return write


@pytest.mark.parametrize(
    ("given", "complaint"),
    [
        ({"must": "'hola'"}, "turn 1: must"),
        ({"must": "['(hola']"}, "no regular expression"),
        ({"says": "el {e}"}, "nobody knows {e}"),
        ({"more": "tale = 1"}, "unknown key 'tale'"),
        ({"more": 'today = "soon"'}, "today"),
        ({"more": "today = 2027-01-01"}, "no other date"),
        ({"more": "[dates]\na = 3"}, "a: a date, or a table"),
        ({"end": "[end]\nreservation = []"}, "unknown key 'reservation'"),
        ({"channel": "sms"}, "'sms' is none of"),
        ({"end": "[[turn]]\nsends = 'image'", "channel": "api"}, "media"),
        ({"end": "[[turn]]\nmust = []"}, "says, taps, sends or staff"),
    ],
)
def test_a_malformed_story_says_what_is_wrong_with_it(written, given, complaint):
    with pytest.raises(MalformedStory, match=r"a_story\.toml") as wrong:
        written(**given)
    assert complaint in str(wrong.value)


def test_a_folder_without_stories_is_an_error(tmp_path, capsys):
    assert run.main(["--stories", str(tmp_path)]) == 2
    assert "there is no story" in capsys.readouterr().err


def test_an_answer_that_does_not_say_what_it_must_is_found(written, app, client, graph, run_jobs):
    for channel in ("api", "whatsapp"):
        story = written(must="['xyzzy']", end="[end]\nowner = 'staff'", channel=channel)
        verdict = tell(story, app, client, graph, run_jobs)
        assert [turn for turn, _ in verdict.faults] == [1, 0], verdict.told()


def test_a_booking_that_is_not_there_is_missed(written, app, client, graph, run_jobs):
    story = written(must="[]", end="[end]\nreservations = [{ status = 'booked' }]")
    verdict = tell(story, app, client, graph, run_jobs)
    assert verdict.faults == [(0, "1 reservations expected, there are 0: []")]


def found(*bubbles: Bubble, **given: object) -> list[str]:
    asked: dict[str, object] = {
        "language": "en",
        "hotel": "miramar",
        "amounts": (),
        "own_codes": (),
        "has_booking": False,
        "first": False,
    }
    return faults(bubbles, **(asked | given))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("words", "fault"),
    [
        ("Hello {guest", "leftover '{'"),
        ("Hello None", "leftover 'None'"),
        ("Great!! See you", "two exclamation marks"),
        ("The total is €191.00", "an amount that no price gives: 191.00"),
        ("Your code is MIR-ABC234", "a code that is not this guest's: MIR-ABC234"),
        ("Your booking is *confirmed*.", "confirmed without a booking: 'booking is *confirmed'"),
        ("¿Te hago la reserva para dos noches? Puedes elegir una habitación", "speaks es, not en"),
    ],
)
def test_what_no_reply_may_hold(words, fault):
    assert found(Bubble("text", words)) == [fault]


def test_what_a_reply_may_hold():
    fine = Bubble("buttons", "€190.00 in total, taxes included. Shall I book it?", (("yes", "Book it"), ("no", "No")))
    assert found(fine) == []
    assert found(Bubble("text", "Your booking is not confirmed yet.")) == []
    assert found(Bubble("text", "Your booking MIR-ABC234"), own_codes=["MIR-ABC234"]) == []


def test_the_shape_of_a_reply():
    text = Bubble("text", "Hello")
    assert found(text, text, text) == ["3 bubbles"]
    four = tuple((str(number), f"Choice {number}") for number in range(4))
    assert found(Bubble("buttons", "Which?", four)) == ["4 buttons"]
    assert found(Bubble("buttons", "Which?", (("a", "A title that is too long"),))) != []
    assert found(text, first=True) == ["first contact does not say that an assistant writes"]


def test_amounts_are_read_in_every_spelling():
    assert amounts_in("1.260,00 € · €1,260.00 · € 95,00 · 180.000 COP · COP 180,000") == [
        Decimal(each) for each in ("1260.00", "1260.00", "95.00", "180000", "180000")
    ]
    assert Decimal(285) in possible_amounts("miramar")
    assert Decimal(470) in possible_amounts("miramar", 2)
    assert Decimal(191) not in possible_amounts("miramar", 3)


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("es", "La entrada es a partir de las 15:00 y puedes llegar a la hora que quieras."),
        ("en", "Check-in is from 15:00 and you can arrive as late as you like."),
        ("pt", "O check-in é a partir das 15h e você pode chegar à hora que quiser."),
        (None, "OK"),
    ],
)
def test_the_language_of_a_reply_is_told_by_its_small_words(language, words):
    assert language_of(words) == language


def test_dates_are_written_as_guests_do_and_found_as_hotels_write_them():
    days = Days(date(2026, 11, 22), "es", {"a": {"after": 64, "day": "3-20"}})
    assert days.named["a"] == date(2027, 2, 3)
    written = [days.write(date(2027, 2, 3), style) for style in ("long", "day", "slash", "full", "iso")]
    assert written == ["3 de febrero", "3", "3/2", "3 de febrero de 2027", "2027-02-03"]
    pattern = days.seen(date(2027, 2, 3))
    for text in ("miércoles 3 de febrero de 2027", "del 3 al 6 de febrero", "3 feb – 6 feb", "el 03/02"):
        assert says(pattern, text), text
    assert not says(pattern, "13 de febrero")
    assert not says(pattern, "3 de marzo")


def test_the_figures_are_written_down(tmp_path):
    told = [run.Told(story, [[], [], [(1, "x")], []]) for story in STORIES[:2]]
    table = run._table(told, 4)
    run._write(tmp_path / "figures.json", table, told, 4)
    kept = json.loads((tmp_path / "figures.json").read_text())
    assert kept["table"][-1] == {"of": "all", "stories": 2, "pass_1": 0.75, "pass_4": 0.0}
