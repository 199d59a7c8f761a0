"""When the front desk has people: by weekday, on holidays, past midnight, where the clocks change."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select, update

from hotel_agent.db import db
from hotel_agent.hotels.models import Hotel
from hotel_agent.hotels.opening import WEEKDAYS, is_open, next_opening, read_hours
from tests.conversations.chat import Chat, hotel_named, new_guest

MADRID = ZoneInfo("Europe/Madrid")


@dataclass
class Desk:
    settings: dict[str, Any] = field(default_factory=dict)
    front_desk_opens: time | None = None
    front_desk_closes: time | None = None
    zone: ZoneInfo = MADRID


def at(day: int, hour: int, minute: int = 0, month: int = 12, zone: ZoneInfo = MADRID) -> datetime:
    """In December 2026 the 21st is a Monday."""
    return datetime(2026, month, day, hour, minute, tzinfo=zone)


SHIFTS = Desk({
    "front_desk": {
        "mon": [["08:00", "14:00"], ["16:00", "22:00"]],
        "thu": [["22:00", "06:00"]],
        "sat": [["08:00", "02:00"]],
        "sun": [],
    },
    "holidays": {"2026-12-25": [], "2026-12-31": [["08:00", "13:00"]]},
}, time(9), time(20))  # fmt: skip


@pytest.mark.parametrize(
    ("moment", "open_"),
    [
        (at(21, 7, 59), False),
        (at(21, 8), True),
        (at(21, 13, 59), True),
        (at(21, 14), False),
        (at(21, 15, 59), False),
        (at(21, 16), True),
        (at(21, 22), False),
        (at(22, 8, 59), False),  # Tuesday has the hours of every day.
        (at(22, 9), True),
        (at(22, 20), False),
        (at(24, 21, 59), False),
        (at(24, 22), True),
        (at(25, 5, 59), True),  # The night of Thursday, though Friday is a holiday.
        (at(25, 6), False),
        (at(25, 12), False),
        (at(26, 8), True),
        (at(27, 1, 59), True),  # Saturday until two at night.
        (at(27, 2), False),
        (at(27, 12), False),
        (at(31, 12, 59), True),  # A holiday has hours of its own.
        (at(31, 13), False),
        (at(31, 23), False),
    ],
)
def test_somebody_is_there_at_the_hours_of_the_day(moment, open_):
    assert is_open(SHIFTS, moment) is open_
    assert is_open(SHIFTS, moment.astimezone(UTC)) is open_


@pytest.mark.parametrize(
    ("moment", "opens"),
    [
        (at(21, 3), at(21, 8)),
        (at(21, 14, 30), at(21, 16)),
        (at(21, 23), at(22, 9)),
        (at(24, 8), at(24, 22)),
        (at(25, 7), at(26, 8)),
        (at(27, 3), at(28, 8)),
        (at(31, 14), datetime(2027, 1, 1, 9, tzinfo=MADRID)),
    ],
)
def test_it_is_told_when_it_opens_next(moment, opens):
    assert next_opening(SHIFTS, moment) == opens
    assert is_open(SHIFTS, opens)
    assert not is_open(SHIFTS, opens - timedelta(minutes=1))


def test_the_same_hours_every_day_are_the_default_and_none_is_round_the_clock():
    assert all(is_open(Desk(), at(day, hour)) for day in (21, 27) for hour in range(24))
    assert all(is_open(Desk({}, time(8), time(8)), at(21, hour)) for hour in range(24))
    nights = Desk({}, time(22), time(6))
    assert [hour for hour in range(24) if is_open(nights, at(21, hour))] == [0, 1, 2, 3, 4, 5, 22, 23]


def test_round_the_clock_but_for_one_day():
    desk = Desk({"front_desk": {"sun": []}})
    assert not is_open(desk, at(27, 0))
    assert is_open(desk, at(26, 23, 59))
    assert next_opening(desk, at(27, 12)) == at(28, 0)


def test_closed_for_the_season_and_for_good():
    winter: dict[str, Any] = {(date(2026, 12, 1) + timedelta(days=number)).isoformat(): [] for number in range(60)}
    assert next_opening(Desk({"holidays": winter}, time(9), time(20)), at(21, 12)) == datetime(
        2027, 1, 30, 9, tzinfo=MADRID
    )
    never = Desk({"front_desk": {weekday: [] for weekday in WEEKDAYS}})
    assert not is_open(never, at(21, 12))
    assert next_opening(never, at(21, 12)) is None


def test_where_the_clocks_change_the_hours_are_those_on_the_wall():
    """On 29 March 2026 two o'clock is three, on 25 October three o'clock comes twice."""
    nights = Desk({}, time(22), time(6))
    assert is_open(nights, datetime(2026, 3, 29, 3, 59, tzinfo=UTC))
    assert not is_open(nights, datetime(2026, 3, 29, 4, 0, tzinfo=UTC))
    assert is_open(nights, datetime(2026, 10, 25, 4, 59, tzinfo=UTC))
    assert not is_open(nights, datetime(2026, 10, 25, 5, 0, tzinfo=UTC))
    early = Desk({}, time(2, 30), time(12))
    opens = next_opening(early, datetime(2026, 3, 29, 0, 0, tzinfo=UTC))
    assert opens is not None
    assert opens.astimezone(UTC) == datetime(2026, 3, 29, 1, 30, tzinfo=UTC)
    assert next_opening(Desk({}, time(9), time(20)), datetime(2026, 3, 28, 20, 0, tzinfo=UTC)) == at(29, 9, month=3)


def test_every_minute_of_a_week_is_open_or_told_when():
    moment = at(20, 0)
    for _ in range(7 * 24 * 12):
        moment += timedelta(minutes=5)
        if not is_open(SHIFTS, moment):
            opens = next_opening(SHIFTS, moment)
            assert opens is not None and opens > moment and is_open(SHIFTS, opens)  # noqa: PT018
            assert not any(is_open(SHIFTS, moment + step * (opens - moment) / 5) for step in range(5))


# As it is typed


@pytest.mark.parametrize(
    ("words", "kept"),
    [
        ("08:00-14:00,16:00-22:00", [["08:00", "14:00"], ["16:00", "22:00"]]),
        ("8:00 - 14:00, 16:00–22:00", [["08:00", "14:00"], ["16:00", "22:00"]]),
        ("22:00-06:00", [["22:00", "06:00"]]),
        ("08:00-24:00", [["08:00", "00:00"]]),
        ("00:00-24:00", [["00:00", "00:00"]]),
        ("closed", []),
    ],
)
def test_hours_as_they_are_typed(words, kept):
    assert read_hours(words) == kept


@pytest.mark.parametrize(
    "words", ["8-14", "08:00", "25:00-26:00", "08:00-24:30", "08:00-14:00;16:00-22:00", "abierto", "08:00-14:00,",
              "08:00-14:00,13:00-22:00", "22:00-06:00,10:00-12:00", "10:00-12:00,08:00-09:00"],
)  # fmt: skip
def test_hours_that_cannot_be(words):
    with pytest.raises(ValueError, match="Give"):
        read_hours(words)


@pytest.fixture
def flask(app):
    """The command line, where Andes has set nothing yet."""
    db.session.execute(update(Hotel).where(Hotel.slug == "andes").values(settings={}))
    db.session.commit()
    runner = app.test_cli_runner()
    return lambda *words: runner.invoke(args=list(words))


def settings_of(slug: str = "andes") -> dict[str, Any]:
    db.session.rollback()
    db.session.expire_all()
    return dict(db.session.scalars(select(Hotel).where(Hotel.slug == slug)).one().settings)


def test_hours_are_set_and_unset_by_the_command_line(flask):
    given = ("front_desk.mon=08:00-14:00,16:00-22:00", "front_desk.sun=closed", "holiday.2026-12-25=closed")
    assert flask("hotel", "set", "andes", *given).exit_code == 0
    assert settings_of() == {
        "front_desk": {"mon": [["08:00", "14:00"], ["16:00", "22:00"]], "sun": []},
        "holidays": {"2026-12-25": []},
    }
    assert flask("hotel", "set", "andes", "front_desk.mon=", "holiday.2026-12-25=").exit_code == 0
    assert settings_of() == {"front_desk": {"sun": []}}
    assert flask("hotel", "set", "andes", "front_desk.sun=").exit_code == 0
    assert settings_of() == {}


def test_what_guests_are_told_in_trouble_is_set_by_the_command_line(flask):
    given = ("night_phone=+57 301 000 0000", "emergency_number=123",
             "privacy_url=https://andes.example/privacidad", "guidance.medical.es=Hay un botiquín en recepción.",
             "emergency_advice.en=Leave by the stairs.")  # fmt: skip
    assert flask("hotel", "set", "andes", *given).exit_code == 0
    assert settings_of() == {
        "night_phone": "+57 301 000 0000",
        "emergency_number": "123",
        "privacy_url": "https://andes.example/privacidad",
        "guidance": {"medical": {"es": "Hay un botiquín en recepción."}},
        "emergency_advice": {"en": "Leave by the stairs."},
    }
    assert flask("hotel", "set", "andes", "guidance.medical.es=", "night_phone=").exit_code == 0
    assert "guidance" not in settings_of()
    assert "night_phone" not in settings_of()


@pytest.mark.parametrize(
    "pair",
    ["front_desk.lunes=08:00-14:00", "front_desk.mon=8", "holiday.2026-02-30=closed", "holiday.navidad=closed",
     "night_phone=call us", "emergency_number=1", "privacy_url=http://andes.example", "guidance.taxes.es=x",
     "guidance.legal.fr=x", f"guidance.legal.es={'x' * 501}", "front_desk=closed"],
)  # fmt: skip
def test_what_cannot_be_set_is_told_in_one_line(flask, pair):
    result = flask("hotel", "set", "andes", pair)
    assert result.exit_code != 0
    assert len(result.output.strip().splitlines()) == 1
    assert settings_of() == {}


def test_the_help_names_every_setting(flask):
    said = flask("hotel", "set", "--help").output
    for name in ("front_desk.DAY", "holiday.DATE", "night_phone", "emergency_number", "privacy_url",
                 "guidance.MATTER.LANG", "emergency_advice.LANG", "check_in_time"):  # fmt: skip
        assert name in said.replace("\n", "")


# As guests hear it

WANTS = {"es": "quiero hablar con una persona", "en": "I want to talk to a human", "pt": "quero falar com um atendente"}
WHEN = [
    ((21, 3), {"es": "hoy a partir de las 08:00", "en": "today from 08:00", "pt": "hoje a partir das 08:00"}),
    ((21, 15), {"es": "hoy a partir de las 16:00", "en": "today from 16:00", "pt": "hoje a partir das 16:00"}),
    ((21, 23), {"es": "mañana a partir de las 09:00", "en": "tomorrow from 09:00", "pt": "amanhã a partir das 09:00"}),
    ((18, 21), {"es": "el lunes a partir de las 08:00", "en": "on Monday from 08:00",
                "pt": "na segunda-feira a partir das 08:00"}),
    ((1, 12), {"es": "el viernes 18 de diciembre a partir de las 09:00", "en": "on Friday 18 December from 09:00",
               "pt": "na sexta-feira, 18 de dezembro a partir das 09:00"}),
]  # fmt: skip


@pytest.fixture
def shifts(app):
    andes = hotel_named("andes")
    holidays: dict[str, Any] = {f"2026-12-{number:02}": [] for number in (*range(1, 18), 19)}
    andes.settings = {"front_desk": SHIFTS.settings["front_desk"], "holidays": holidays}
    andes.front_desk_opens, andes.front_desk_closes = time(9), time(20)
    db.session.commit()
    return andes


@pytest.mark.parametrize("language", ["es", "en", "pt"])
@pytest.mark.parametrize(("moment", "told"), WHEN)
def test_a_hand_over_out_of_hours_says_when_a_person_answers(shifts, language, moment, told):
    day, hour = moment
    marta = Chat(shifts, new_guest(shifts), language=language, today=date(2026, 12, day))
    marta.now = at(day, hour, zone=shifts.zone)
    reply = marta.says(WANTS[language])
    assert reply.says(told[language]), reply.text
    assert reply.reason == "human"


@pytest.mark.parametrize("language", ["es", "en", "pt"])
def test_within_the_hours_nothing_is_said_of_them(shifts, language):
    marta = Chat(shifts, new_guest(shifts), language=language, today=date(2026, 12, 21))
    marta.now = at(21, 9, zone=shifts.zone)
    assert not marta.says(WANTS[language]).says("08:00")


def test_the_agent_goes_on_answering_out_of_hours(shifts):
    marta = Chat(shifts, new_guest(shifts), language="es", today=date(2026, 12, 27))
    marta.now = at(27, 12, zone=shifts.zone)
    assert marta.says("quiero hablar con una persona").says("cerrada", "mañana")
    marta.waiting = "human"
    assert marta.says("¿a qué hora es el check-in?").says(shifts.check_in_time.isoformat("minutes"))


def test_a_hotel_that_never_opens_names_no_hour(shifts):
    shifts.settings = {"front_desk": {weekday: [] for weekday in WEEKDAYS}}
    db.session.commit()
    marta = Chat(shifts, new_guest(shifts), language="es")
    assert marta.says("quiero hablar con una persona").says("en cuanto vuelva a abrir")
