"""Puts the pieces of a reply into bubbles: two at most, what waits for the guest last."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from hotel_agent.channels.whatsapp.limits import (
    BUTTON_BODY,
    LIST_BODY,
    Choice,
    OutButtons,
    OutList,
    OutLocation,
    OutMessage,
    OutText,
    length,
)
from hotel_agent.conversations.talk import Part


def into_bubbles(parts: Sequence[Part], list_button: str) -> tuple[OutMessage, ...]:
    """`list_button` opens a list. A place goes first, what is asked last."""
    place = next((part.location for part in parts if part.location), None)
    last = _last_question(parts)
    told = [part.text for part in parts if part is not last and part.text]
    if last is None:
        return _placed(place, [OutText("\n\n".join(told))] if told else [])
    if place is None and told and last.text:
        # Two short messages read better than one long one.
        return (OutText("\n\n".join(told)), _with_choices(last, list_button))
    whole = replace(last, text="\n\n".join([*told, last.text]))
    if length(whole.text) > (LIST_BODY if last.rows else BUTTON_BODY):
        return (OutText("\n\n".join(told)), _with_choices(last, list_button))
    return _placed(place, [_with_choices(whole, list_button)])


def _last_question(parts: Sequence[Part]) -> Part | None:
    asking = [part for part in parts if part.asks or part.buttons or part.rows]
    return asking[-1] if asking else None


def _with_choices(part: Part, list_button: str) -> OutMessage:
    if part.rows:
        return OutList(part.text, list_button, part.rows)
    if part.buttons:
        return OutButtons(part.text, tuple(Choice(one.id, one.title) for one in part.buttons))
    return OutText(part.text)


def _placed(place: OutLocation | None, others: list[OutMessage]) -> tuple[OutMessage, ...]:
    return (place, *others) if place else tuple(others)
