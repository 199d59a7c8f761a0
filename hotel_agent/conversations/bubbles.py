"""Puts the pieces of a reply into bubbles: two at most, what waits for the guest last."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from hotel_agent.channels.whatsapp.limits import (
    BUTTON_BODY,
    CAPTION,
    LIST_BODY,
    TEXT,
    Choice,
    OutButtons,
    OutImage,
    OutList,
    OutLocation,
    OutMessage,
    OutText,
    length,
)
from hotel_agent.conversations.talk import Part


def into_bubbles(parts: Sequence[Part], list_button: str) -> tuple[OutMessage, ...]:
    """`list_button` opens a list. A place goes first, a photo carries its words, what is asked comes last.

    The words are all told; where a place, a photo and a question meet, the place is told in words alone.
    """
    shown = next((part for part in parts if part.image and length(part.text) <= CAPTION), None)
    place = next((part.location for part in parts if part.location), None)
    last = _last_question(parts)
    told = [part.text for part in parts if part not in (last, shown) and part.text]
    if shown and shown.image:
        return _with_image(shown.image, shown.text, place, told, last, list_button) or into_bubbles(
            [replace(part, image=None) for part in parts], list_button
        )
    if last is None:
        return _placed(place, [OutText("\n\n".join(told))] if told else [])
    if place is None and told and last.text:
        # Two short messages read better than one long one.
        return (OutText("\n\n".join(told)), _with_choices(last, list_button))
    whole = replace(last, text="\n\n".join([*told, last.text]))
    if length(whole.text) > _longest(last):
        return (OutText("\n\n".join(told)), _with_choices(last, list_button))
    return _placed(place, [_with_choices(whole, list_button)])


def _with_image(
    image: OutImage, caption: str, place: OutLocation | None, told: list[str], last: Part | None, list_button: str
) -> tuple[OutMessage, ...]:
    """A photo and what else there is to say; nothing when it does not fit into two bubbles."""
    if last is None and place is None:
        return (*([OutText("\n\n".join(told))] if told else []), replace(image, caption=caption))
    together = "\n\n".join([*told, caption])
    if last is None:
        return (place, replace(image, caption=together)) if place and length(together) <= CAPTION else ()
    asked = "\n\n".join([*told, last.text])
    if length(asked) <= _longest(last):
        return (replace(image, caption=caption), _with_choices(replace(last, text=asked), list_button))
    return (replace(image, caption=together), _with_choices(last, list_button)) if length(together) <= CAPTION else ()


def _last_question(parts: Sequence[Part]) -> Part | None:
    asking = [part for part in parts if part.asks or part.buttons or part.rows]
    return asking[-1] if asking else None


def _longest(part: Part) -> int:
    """What fits above the choices of a question."""
    if part.rows:
        return LIST_BODY
    return BUTTON_BODY if part.buttons else TEXT


def _with_choices(part: Part, list_button: str) -> OutMessage:
    if part.rows:
        return OutList(part.text, list_button, part.rows)
    if part.buttons:
        return OutButtons(part.text, tuple(Choice(one.id, one.title) for one in part.buttons))
    return OutText(part.text)


def _placed(place: OutLocation | None, others: list[OutMessage]) -> tuple[OutMessage, ...]:
    return (place, *others) if place else tuple(others)
