from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hotel_agent.channels.whatsapp.limits import (
    Choice,
    OutButtons,
    OutImage,
    OutList,
    OutLocation,
    OutMessage,
    OutTemplate,
    OutText,
    Recipient,
    Row,
    fit,
    length,
    split_text,
    to_graph,
)

MARTA = Recipient(phone="34600123456")


def fitted(message: OutMessage) -> list[Any]:
    return list(fit(message))


def test_a_short_text_is_one_piece_and_nothing_is_none():
    assert split_text(" Hola \n") == ["Hola"]
    assert split_text(" \n") == []
    assert split_text("a" * 4096) == ["a" * 4096]


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("uno dos\n\ntres cuatro", ["uno dos", "tres cuatro"]),
        ("uno dos\ntres cuatro", ["uno dos", "tres cuatro"]),
        ("Uno dos. Tres cuatro", ["Uno dos.", "Tres cuatro"]),
        ("«Uno dos.» Tres cuat", ["«Uno dos.»", "Tres cuat"]),
        ("uno dos tres cuatro", ["uno dos tres", "cuatro"]),
        ("a https://x.example/y", ["a", "https://x.ex", "ample/y"]),
        ("abcdefghijkl", ["abcdefghijkl"]),
        ("abcdefghijklm", ["abcdefghijkl", "m"]),
        ("abcdefghi👨‍👩‍👧jk", ["abcdefghi", "👨‍👩‍👧jk"]),
        ("abcdefghijk👍🏽", ["abcdefghijk", "👍🏽"]),
        ("abcdefgh🇪🇸🇵🇹", ["abcdefgh🇪🇸", "🇵🇹"]),
        ("abcdefghijka\u0301", ["abcdefghijk", "a\u0301"]),
    ],
)
def test_a_text_is_split_where_a_reader_would(text, pieces):
    assert split_text(text, 12) == pieces


@given(st.text(st.sampled_from("ab .\n!👍🏽\u200d🇪🇸\u0301"), max_size=300), st.integers(4, 40))
def test_nothing_but_space_is_lost(text, limit):
    pieces = split_text(text, limit)
    assert "".join("".join(pieces).split()) == "".join(text.split())
    assert all(0 < length(piece) <= limit for piece in pieces)


def test_a_long_answer_is_several_texts():
    sentence = "El desayuno se sirve de siete a once. "
    messages = fitted(OutText(sentence * 300))
    assert len(messages) == 3
    assert all(len(message.text) <= 4096 and message.text.endswith(".") for message in messages)


def test_the_words_before_buttons_are_said_first():
    text = "Una frase cualquiera. " * 100
    *before, last = fitted(OutButtons(text, (Choice("y", "Sí"), Choice("n", "No"))))
    assert [type(message) for message in before] == [OutText]
    assert isinstance(last, OutButtons)
    assert len(last.text) <= 1024
    assert f"{before[0].text} {last.text}" == text.strip()


def test_more_than_three_buttons_become_a_list():
    (message,) = fitted(OutButtons("¿Cuál?", tuple(Choice(str(n), f"Opción {n}") for n in range(5)), more="Ver"))
    assert message == OutList("¿Cuál?", "Ver", tuple(Row(str(n), f"Opción {n}") for n in range(5)))


def test_long_titles_are_cut_and_stay_different():
    choices = (
        Choice("a", "Habitación doble con vistas"),
        Choice("b", "Habitación doble con balcón"),
        Choice("c", ""),
    )
    (message,) = fitted(OutButtons("¿Cuál?", choices))
    titles = [button.title for button in message.buttons]
    assert titles[0] == "Habitación doble co…"
    assert titles[2] == "c"
    assert len({title.casefold() for title in titles}) == 3
    assert all(len(title) <= 20 for title in titles)


def test_a_list_stays_within_the_limits():
    rows = tuple(Row("r" * 300 + str(n), f"Habitación número {n} con vistas al mar", "d" * 100) for n in range(12))
    (message,) = fitted(OutList("¿Cuál?", "Ver las habitaciones libres", rows, "Habitaciones de este hotel", "p" * 90))
    assert len(message.rows) == 10
    for row in message.rows:
        assert len(row.id) <= 200
        assert len(row.title) <= 24
        assert len(row.description) <= 72
        assert row.description.startswith("Habitación número")
    assert len(message.button) <= 20
    assert len(message.title) <= 24
    assert len(message.footer) <= 60


def test_choices_with_the_same_id_or_none_at_all():
    (message,) = fitted(OutButtons("¿Sí?", (Choice("y", "Sí"), Choice("y", "Claro"))))
    assert message.buttons == (Choice("y", "Sí"),)
    assert fitted(OutButtons("Hola", ())) == [OutText("Hola")]
    assert fitted(OutList("Hola", "Ver", ())) == [OutText("Hola")]
    assert fitted(OutText("  ")) == []


def test_a_long_caption_goes_on_as_text():
    image, text = fitted(OutImage(link="https://x.example/a.jpg", caption="Una frase. " * 120))
    assert len(image.caption) <= 1024
    assert isinstance(text, OutText)
    assert fitted(OutImage(media_id="9")) == [OutImage(media_id="9")]


def test_the_graph_body_of_a_text():
    assert to_graph(OutText("Hola"), MARTA, "42", quoted_wamid="wamid.1") == {
        "messaging_product": "whatsapp",
        "recipient_type": "individual",
        "to": "+34600123456",
        "type": "text",
        "text": {"body": "Hola", "preview_url": False},
        "context": {"message_id": "wamid.1"},
        "biz_opaque_callback_data": "42",
    }


def test_a_guest_without_a_phone_is_reached_by_the_scoped_id():
    body = to_graph(OutText("Hola"), Recipient(bsuid="ES.1349"))
    assert body["recipient"] == "ES.1349"
    assert "to" not in body
    with pytest.raises(ValueError):
        to_graph(OutText("Hola"), Recipient())
    with pytest.raises(ValueError):
        to_graph(OutText("Hola"), MARTA, "x" * 513)


def test_the_graph_bodies_of_choices():
    body = to_graph(OutButtons("¿Sí?", (Choice("y", "Sí"),), "Hotel"), MARTA)
    assert body["interactive"] == {
        "type": "button",
        "body": {"text": "¿Sí?"},
        "footer": {"text": "Hotel"},
        "action": {"buttons": [{"type": "reply", "reply": {"id": "y", "title": "Sí"}}]},
    }
    body = to_graph(OutList("¿Cuál?", "Ver", (Row("d", "Doble", "95 €"), Row("s", "Suite")), "Libres"), MARTA)
    rows = [{"id": "d", "title": "Doble", "description": "95 €"}, {"id": "s", "title": "Suite"}]
    assert body["interactive"] == {
        "type": "list",
        "body": {"text": "¿Cuál?"},
        "action": {"button": "Ver", "sections": [{"title": "Libres", "rows": rows}]},
    }


def test_the_other_graph_bodies():
    place = to_graph(OutLocation(39.5, 0.0, "Miramar", "Paseo 1"), MARTA)
    assert place["location"] == {"latitude": 39.5, "longitude": 0.0, "name": "Miramar", "address": "Paseo 1"}
    assert to_graph(OutImage(media_id="9", caption="Piscina"), MARTA)["image"] == {
        "id": "9",
        "caption": "Piscina",
    }
    assert to_graph(OutImage(link="https://x.example/a.jpg"), MARTA)["image"] == {"link": "https://x.example/a.jpg"}
    template = to_graph(OutTemplate("llegada", "es", ({"type": "body"},)), MARTA)["template"]
    assert template == {"name": "llegada", "language": {"code": "es"}, "components": [{"type": "body"}]}


def test_what_was_not_fitted_is_cut_in_the_graph_body():
    assert len(to_graph(OutText("frase. " * 1000), MARTA)["text"]["body"]) <= 4096
    body = to_graph(OutButtons("frase. " * 1000, (Choice("y", "Sí"),)), MARTA)
    assert len(body["interactive"]["body"]["text"]) <= 1024
