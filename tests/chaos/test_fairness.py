"""One hotel's flood, with real processes: another's guests are answered in its midst, and nobody twice or never."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.chaos.guests import is_quiet
from tests.chaos.history import History, check, read_graph_log
from tests.load import fairness
from tests.load.installation import running_demo, wait_until

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(300)]

FLOOD, SETTINGS = 400, {"ANSWER_PAUSE_SECONDS": "0.2"}
QUESTIONS, GUESTS = 10, 8


def test_another_hotels_guest_is_answered_in_the_midst_of_a_flood(tmp_path: Path) -> None:
    with running_demo(tmp_path, SETTINGS) as (demo, graph):
        heard = fairness.Heard(graph)

        async def story() -> int:
            await fairness.flood(demo, heard, FLOOD)
            await fairness.trickle(demo, heard, 1, "573")
            await fairness.until_answered(heard, "573", 60)
            before = heard.how_many("3461")
            await fairness.until_answered(heard, "3461", 120)
            return before

        answered_before = asyncio.run(story())
        print(f"of {FLOOD} in the flood {answered_before} were answered before the guest of the other hotel")
        assert answered_before < FLOOD * 0.6, "the guest of the other hotel has waited for the flood"
        wait_until(lambda: is_quiet(demo, graph), 60, "rest")
        with demo.connect() as database:
            assert check(History(database, *read_graph_log(graph.log))) == []


def test_a_flood_at_a_hotel_whose_pms_is_slow_keeps_one_worker_free_for_the_others(tmp_path: Path) -> None:
    with running_demo(tmp_path, {"ANSWER_PAUSE_SECONDS": "0"}) as (demo, graph), fairness.at_a_slow_pms(demo, 0.6):
        heard = fairness.Heard(graph)

        async def story() -> None:
            await fairness.ask_about_rooms(demo, heard, QUESTIONS)
            await fairness.trickle(demo, heard, GUESTS, "573")
            await fairness.until_answered(heard, "573", 60)
            await fairness.until_answered(heard, "3461", 120)

        asyncio.run(story())
        overtaken = heard.meanwhile("573", "3461")
        print(f"while each guest of the other hotel waited, so many of the flood were answered: {overtaken}")
        assert sum(overtaken) <= GUESTS / 2, "the guests of the other hotel have waited for the slow PMS"
        wait_until(lambda: is_quiet(demo, graph), 60, "rest")
        with demo.connect() as database:
            assert check(History(database, *read_graph_log(graph.log))) == []
