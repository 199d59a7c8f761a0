"""Whatever there is to say, it comes in two bubbles at most, and what is asked comes last."""

from __future__ import annotations

import itertools

import pytest

from hotel_agent.channels.whatsapp.limits import (
    CAPTION,
    Choice,
    OutButtons,
    OutImage,
    OutList,
    OutLocation,
    OutText,
    Row,
    fit,
)
from hotel_agent.channels.whatsapp.outgoing import from_json, kind_of, to_json, words_of
from hotel_agent.conversations.bubbles import into_bubbles
from hotel_agent.conversations.talk import Part

PHOTO = Part("*Suite*", image=OutImage(link="https://miramar.example/suite.jpg"))
PLACE = Part("Estamos en el Paseo.", location=OutLocation(39.4, -0.3, "Hotel Miramar"))
TOLD = Part("El desayuno cuesta 12,00 €.")
ASKED = Part("¿Te gustaría reservar?", buttons=(Choice("yes", "Reservar"),), asks=True)
LISTED = Part("¿Cuál quieres ver?", rows=(Row("room:suite", "Suite"),), asks=True)
OPEN = Part("¿Qué días?", asks=True)
LONG = Part("Una frase más. " * 60)
LONGER = Part("Una frase más. " * 90)


def kinds(*parts: Part) -> list[str]:
    return [kind_of(bubble) for bubble in into_bubbles(parts, "Ver opciones")]


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        ((PHOTO,), ["image"]),
        ((PHOTO, ASKED), ["image", "buttons"]),
        ((PHOTO, LISTED), ["image", "list"]),
        ((PHOTO, OPEN), ["image", "text"]),
        ((TOLD, PHOTO), ["text", "image"]),
        ((TOLD, PHOTO, ASKED), ["image", "buttons"]),
        ((PLACE, PHOTO), ["location", "image"]),
        ((PLACE, PHOTO, ASKED), ["image", "buttons"]),
        ((LONG, PHOTO, ASKED), ["image", "buttons"]),
        ((LONG, PHOTO, LISTED), ["image", "list"]),
        ((LONGER, PHOTO, ASKED), ["text", "buttons"]),
        ((LONG, LONG, PHOTO, ASKED), ["text", "buttons"]),
        ((PLACE,), ["location", "text"]),
        ((PLACE, ASKED), ["location", "buttons"]),
        ((TOLD, ASKED), ["text", "buttons"]),
    ],
)
def test_a_photo_a_place_and_a_question_share_two_bubbles(parts, expected):
    assert kinds(*parts) == expected


@pytest.mark.parametrize(
    "parts",
    [
        some
        for count in (1, 2, 3, 4)
        for some in itertools.combinations((PLACE, LONG, PHOTO, TOLD, LONGER, LISTED, ASKED), count)
    ],
)
def test_nothing_is_left_out_and_what_is_asked_comes_last(parts):
    bubbles = into_bubbles(parts, "Ver opciones")
    assert len(bubbles) <= 2
    told = "\n".join(words_of(bubble) for bubble in bubbles)
    assert all(part.text.strip() in told for part in parts)
    asking = [part for part in parts if part.asks]
    if asking:
        last = bubbles[-1]
        assert isinstance(last, OutButtons | OutList)
        assert words_of(last).endswith(asking[-1].text)
    assert all(len(fit(bubble)) == 1 for bubble in bubbles if isinstance(bubble, OutImage))


def test_words_too_many_for_a_caption_are_told_without_the_photo():
    long = Part("x" * (CAPTION + 1), image=OutImage(link="https://miramar.example/suite.jpg"))
    assert kinds(long) == ["text"]
    assert kinds(long, ASKED) == ["text", "buttons"]


def test_a_photo_is_kept_as_json_and_read_again():
    image = OutImage(link="https://miramar.example/suite.jpg", caption="*Suite*")
    assert from_json(to_json(image)) == image
    assert words_of(image) == "*Suite*"
    assert from_json(to_json(OutText("Hola"))) == OutText("Hola")
