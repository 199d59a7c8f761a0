"""Small favours of a front desk that are no intent of their own: a wake-up call, luggage carried."""

from __future__ import annotations

from dataclasses import replace

from hotel_agent.conversations.skills import passing_on
from hotel_agent.conversations.skills.things import things_in
from hotel_agent.conversations.talk import Part, Talk

_MISTAKEN_FOR = ("ask_luggage", "early_checkin", "late_checkout", "ask_amenities", "request_housekeeping",
                 "order_room_service", "talk_to_human", "inform", "out_of_scope", "ask_breakfast")  # fmt: skip


def is_asked(talk: Talk) -> bool:
    return bool(things_in("errand", talk.said.words)) and not talk.said.means("complaint", "report_problem")


def answer(talk: Talk) -> list[Part]:
    passed = passing_on.pass_on(talk, "errand")
    said = talk.said
    talk.acted_on.append("request_housekeeping")
    talk.said = replace(
        said,
        acts=tuple(act for act in said.acts if act not in _MISTAKEN_FOR),
        unsure=tuple(act for act in said.unsure if act not in _MISTAKEN_FOR),
    )
    return [passing_on.told(talk, passed), *passing_on.ask_room(talk, passed)]
