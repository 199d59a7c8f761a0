from __future__ import annotations

import pytest
from sqlalchemy import event

from hotel_agent.db import db
from hotel_agent.media import showing
from hotel_agent.media.models import Media
from tests.conversations import bodies
from tests.media.conftest import JPEG, PDF, heard, recording
from workers import messages

ANA, OLGA, OSCAR = "ana@miramar.example", "olga@miramar.example", "oscar@andes.example"
VOICE = recording(2)


@pytest.fixture
def ana(sign_in):
    return sign_in(ANA)


@pytest.fixture
def kept(marta_sends, run_jobs, media_of):
    """`kept("image", JPEG, "image/jpeg")`: the address of something that Marta sent and that is here."""

    def keep(*args, **more) -> str:
        media_id = marta_sends(*args, **more)
        run_jobs()
        return f"/media/{media_of(media_id).id}"

    return keep


def test_ana_sees_a_photo(kept, ana):
    answer = ana.get(kept("image", JPEG, "image/jpeg"))
    assert (answer.status_code, answer.data, answer.content_type) == (200, JPEG, "image/jpeg")
    assert answer.headers["Content-Disposition"].startswith("inline; ")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Content-Security-Policy"].startswith("sandbox; default-src 'none'")
    assert answer.headers["Cache-Control"] == "private, max-age=3600, immutable"
    assert "Cookie" in answer.headers["Vary"]
    assert answer.headers["Accept-Ranges"] == "bytes"
    assert answer.content_length == len(JPEG)


def test_a_voice_note_is_served_as_browsers_play_it_and_as_it_came(kept, ana):
    url = kept("audio", VOICE, "audio/ogg; codecs=opus")
    played = ana.get(url)
    assert played.content_type == "audio/mp4"
    assert heard(played.data)[2] == pytest.approx(2, abs=0.1)
    original = ana.get(f"{url}?original=1")
    assert (original.content_type, original.data) == ("audio/ogg", VOICE)
    assert played.headers["ETag"] != original.headers["ETag"]


def test_a_broken_voice_note_can_be_saved(kept, ana, media_of):
    broken = b"OggS" + bytes(3000)
    url = kept("audio", broken, "audio/ogg")
    assert ana.get(url).data == broken
    assert showing.attachments_of([message_of(url)])[message_of(url)][0].error == "broken"


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"<html><script>alert(1)</script></html>", "text/html"),
        (b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>", "image/svg+xml"),
        (b"alert(1)", "application/javascript"),
        (b"PK\x03\x04", "application/zip"),
        (b"\x00\x00\x00\x18ftypheic" + bytes(100), "image/heic"),
        (b"hola", "text/plain"),
    ],
)
def test_what_a_browser_might_run_is_only_saved(content, told, kept, ana):
    answer = ana.get(kept("document", content, told, filename='menú "x".html'))
    assert answer.content_type == "application/octet-stream"
    assert answer.headers["Content-Disposition"].startswith('attachment; filename="men_ _x_.')
    assert "filename*=UTF-8''men%C3%BA%20_x_." in answer.headers["Content-Disposition"]
    assert answer.data == content


def test_a_pdf_is_shown_and_saved(kept, ana):
    url = kept("document", PDF, "application/pdf", filename="dni.pdf")
    assert ana.get(url).headers["Content-Disposition"].startswith('inline; filename="dni.pdf"')
    assert ana.get(f"{url}?download=1").headers["Content-Disposition"].startswith('attachment; filename="dni.pdf"')


# Parts, as players ask for them


@pytest.mark.parametrize(
    ("asked", "start", "stop"),
    [
        ("bytes=0-1", 0, 2),
        ("bytes=0-", 0, len(JPEG)),
        ("bytes=100-199", 100, 200),
        ("bytes=-50", len(JPEG) - 50, len(JPEG)),
        ("bytes=10-99999999", 10, len(JPEG)),
    ],
)
def test_a_part_of_a_file(asked, start, stop, kept, ana):
    answer = ana.get(kept("image", JPEG, "image/jpeg"), headers={"Range": asked})
    assert (answer.status_code, answer.data) == (206, JPEG[start:stop])
    assert answer.content_length == stop - start
    assert answer.headers["Content-Range"] == f"bytes {start}-{stop - 1}/{len(JPEG)}"


def test_a_part_across_pieces(kept, ana, monkeypatch):
    monkeypatch.setattr(showing, "PIECE", 1000)
    url = kept("image", JPEG, "image/jpeg")
    assert ana.get(url).data == JPEG
    answer = ana.get(url, headers={"Range": "bytes=999-5000"})
    assert answer.data == JPEG[999:5001]
    assert answer.headers["Content-Range"] == f"bytes 999-5000/{len(JPEG)}"


def test_a_part_beyond_the_end(kept, ana):
    answer = ana.get(kept("image", JPEG, "image/jpeg"), headers={"Range": "bytes=99999999-"})
    assert (answer.status_code, answer.data) == (416, b"")
    assert answer.headers["Content-Range"] == f"bytes */{len(JPEG)}"


@pytest.mark.parametrize("asked", ["bytes=0-1,5-9", "lines=1-2", "nonsense", "bytes=9-2"])
def test_odd_ranges_are_answered_with_everything(asked, kept, ana):
    answer = ana.get(kept("image", JPEG, "image/jpeg"), headers={"Range": asked})
    assert (answer.status_code, answer.data) == (200, JPEG)


def test_a_part_of_something_else_is_not_given(kept, ana):
    url = kept("image", JPEG, "image/jpeg")
    tag = ana.get(url).headers["ETag"]
    same = ana.get(url, headers={"Range": "bytes=0-9", "If-Range": tag})
    other = ana.get(url, headers={"Range": "bytes=0-9", "If-Range": '"something else"'})
    dated = ana.get(url, headers={"Range": "bytes=0-9", "If-Range": "Wed, 21 Oct 2015 07:28:00 GMT"})
    assert [answer.status_code for answer in (same, other, dated)] == [206, 200, 200]


def test_what_the_browser_has_is_not_sent_again(kept, ana):
    url = kept("image", JPEG, "image/jpeg")
    answer = ana.get(url, headers={"If-None-Match": ana.get(url).headers["ETag"]})
    assert (answer.status_code, answer.data) == (304, b"")
    assert answer.headers["Cache-Control"] == "private, max-age=3600, immutable"


def test_only_the_headers(kept, ana):
    answer = ana.head(kept("image", JPEG, "image/jpeg"))
    assert (answer.status_code, answer.data, answer.content_length) == (200, b"", len(JPEG))


# Who may


def test_oscar_sees_nothing_of_miramar(kept, sign_in):
    url = kept("image", JPEG, "image/jpeg")
    oscar = sign_in(OSCAR)
    assert oscar.get(url).status_code == 404
    assert oscar.post(f"{url}/again").status_code == 404
    assert sign_in(ANA).get("/media/999999").status_code == 404
    assert sign_in(ANA).get(f"/media/{10**30}").status_code == 404


def test_oscar_sees_what_his_own_guest_sent(kept, sign_in):
    url = kept("image", JPEG, "image/jpeg", to=bodies.ANDES)
    assert sign_in(OSCAR).get(url).data == JPEG
    assert sign_in(ANA).get(url).status_code == 404


def test_ops_read_no_guests_mail(kept, sign_in, browser):
    url = kept("image", JPEG, "image/jpeg")
    assert sign_in(OLGA).get(url).status_code == 403
    assert browser.get(url).status_code == 303
    assert browser.get(url, headers={"Accept": "image/*"}).status_code == 401


def test_what_is_not_here_yet_is_not_found(marta_sends, media_of, ana, graph):
    photo = marta_sends("image", JPEG, "image/jpeg")
    messages.take_in()
    assert ana.get(f"/media/{media_of(photo).id}").status_code == 404


def test_ana_asks_for_a_lost_photo_again(marta_sends, media_of, run_jobs, graph, ana):
    photo = marta_sends("image", JPEG, "image/jpeg")
    lost = graph.kept.pop(photo)
    run_jobs()
    media = media_of(photo)
    assert ana.get(f"/media/{media.id}").status_code == 404
    graph.kept[photo] = lost
    answer = ana.post(f"/media/{media.id}/again")
    assert (answer.status_code, answer.location) == (303, f"/conversations/{media.conversation_id}")
    run_jobs()
    assert ana.get(f"/media/{media.id}").data == JPEG


# What a thread shows


def message_of(url: str) -> int:
    found = db.session.get_one(Media, int(url.rpartition("/")[2])).message_id
    db.session.rollback()
    return found


def test_what_is_attached_to_messages_is_one_question_without_bytes(kept, marta_sends, graph, app):
    photo, voice = kept("image", JPEG, "image/jpeg"), kept("audio", VOICE, "audio/ogg")
    ids = [message_of(photo), message_of(voice)]
    asked: list[str] = []

    def said(_connection, _cursor, statement, *_rest) -> None:
        asked.append(statement)

    event.listen(db.engine, "before_cursor_execute", said)
    try:
        found = showing.attachments_of([*ids, 424242])
    finally:
        event.remove(db.engine, "before_cursor_execute", said)
    assert len(asked) == 1
    assert "content" not in asked[0]
    assert set(found) == set(ids)
    (picture,), (note,) = found[ids[0]], found[ids[1]]
    assert (picture.status, picture.mime_type, picture.size, picture.seconds) == (
        "stored",
        "image/jpeg",
        len(JPEG),
        None,
    )
    assert (note.mime_type, note.error) == ("audio/mp4", None)
    assert note.seconds == pytest.approx(2, abs=0.1)
    assert photo == f"/media/{picture.url_id}"


def test_nothing_is_attached_to_no_messages(app):
    assert showing.attachments_of([]) == {}
