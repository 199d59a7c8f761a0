from __future__ import annotations

import base64
import hashlib
import threading
from datetime import timedelta
from time import monotonic

import pytest
from prometheus_client import REGISTRY
from sqlalchemy import text, update

from hotel_agent import live, queues
from hotel_agent.channels.whatsapp.client import ForeignAddress, GraphClient
from hotel_agent.db import db, utcnow
from hotel_agent.errors import NotFound
from hotel_agent.hotels import credentials
from hotel_agent.hotels.finding import by_slug
from hotel_agent.hotels.models import Hotel, HotelIdentifier
from hotel_agent.media import fetching
from hotel_agent.media.models import Media
from tests.conversations import bodies
from tests.fakes.graph import UNAVAILABLE, Behaviour, error
from tests.media.conftest import JPEG, PDF, recording
from workers import messages, nudges
from workers.media import fetch as fetch_job
from workers.schedule import SCHEDULE


@pytest.fixture
def impatient(graph):
    """A client that waits for a file half a second."""
    with GraphClient(graph.url, timeout=0.5, download_timeout=0.5) as client:
        yield client


def counted(outcome: str) -> float:
    return REGISTRY.get_sample_value("media_fetches_total", {"outcome": outcome}) or 0.0


def fetch() -> bool:
    return fetching.fetch_due(messages.graph())


# What arrives


def test_a_photo_waits_in_the_transaction_that_takes_its_message_in(marta_sends, media_of, graph):
    photo = marta_sends("image", JPEG, "image/jpeg", wamid="w1", caption="La vista")
    messages.take_in()
    media = media_of(photo)
    row = db.session.execute(text("select id, conversation_id from messages where wamid = 'w1'")).one()
    assert (media.message_id, media.conversation_id) == tuple(row)
    assert (media.status, media.mime_type, media.attempts) == ("waiting", "image/jpeg", 0)
    assert graph.asked == []


def test_a_photo_is_fetched_as_soon_as_it_is_taken_in(marta_sends, run_jobs, media_of, graph):
    before = counted("stored")
    photo = marta_sends("image", JPEG, "image/jpeg")
    run_jobs()
    media = media_of(photo)
    assert (media.status, media.content, media.size, media.error) == ("stored", JPEG, len(JPEG), None)
    assert (media.playable, media.seconds) == (None, None)
    assert [(asked.step, asked.token) for asked in graph.asked] == [
        ("media", "access-token-of-the-tests"),
        ("file", "access-token-of-the-tests"),
    ]
    assert counted("stored") == before + 1


@pytest.mark.parametrize("kind", ["image", "audio", "video", "document", "sticker"])
def test_every_kind_of_file_is_kept(kind, marta_sends, run_jobs, media_of):
    kept = marta_sends(kind, JPEG, "image/jpeg", filename="dni/á.pdf")
    run_jobs()
    assert media_of(kept).status == "stored"
    assert media_of(kept).file_name == "dni_á.pdf"


def test_a_redelivered_photo_is_one_photo(marta_sends, run_jobs, media_of, graph, deliver):
    photo = marta_sends("image", JPEG, "image/jpeg", wamid="w1")
    again = bodies.message("image", "w1", image={"id": photo, "mime_type": "image/jpeg"})
    for _ in range(2):
        deliver(bodies.from_guest(again))
        run_jobs()
    assert media_of(photo).status == "stored"
    assert len(graph.asked) == 2


def test_a_placeholder_that_becomes_a_photo_has_one(marta_sends, run_jobs, media_of, deliver):
    deliver(bodies.placeholder("w1"))
    run_jobs()
    photo = marta_sends("image", JPEG, "image/jpeg", wamid="w1")
    run_jobs()
    deliver(bodies.from_guest(bodies.message("image", "w1", image={"id": photo})))
    run_jobs()
    assert media_of(photo).status == "stored"
    assert db.session.execute(text("select id from messages where wamid = 'w1'")).scalar() == media_of(photo).message_id


def test_words_bring_no_media(marta_says, run_jobs):
    marta_says("Hola")
    run_jobs()
    assert db.session.query(Media).count() == 0


def test_a_lost_nudge_loses_nothing(marta_sends, media_of, app):
    photo = marta_sends("image", JPEG, "image/jpeg")
    messages.take_in()
    queues.queue(queues.BACKGROUND).empty()
    assert nudges.FETCH_MEDIA in {recurring.job for recurring in SCHEDULE}
    fetch_job()
    assert media_of(photo).status == "stored"


def test_what_was_fetched_is_told_to_open_pages(marta_sends, media_of, monkeypatch):
    photo = marta_sends("image", JPEG, "image/jpeg")
    messages.take_in()
    told = []
    monkeypatch.setattr(live, "tell", lambda topic, **what: told.append((topic, what)))
    fetch()
    media = media_of(photo)
    assert told == [("conversations", {"hotel": media.hotel_id, "ids": [media.conversation_id]})]


# What goes wrong for good


@pytest.mark.parametrize(
    ("lies", "reason"),
    [
        ({"sha256": hashlib.sha256(b"something else").hexdigest()}, "broken"),
        ({"sha256": base64.b64encode(hashlib.sha256(b"else").digest()).decode()}, "broken"),
        ({"sha256": "not a hash"}, "broken"),
        ({"size": 17 * 1024 * 1024}, "too_large"),
    ],
)
def test_a_file_that_is_not_what_meta_says_fails(lies, reason, marta_sends, run_jobs, media_of):
    before = counted(reason)
    photo = marta_sends("image", JPEG, "image/jpeg", **lies)
    run_jobs()
    media = media_of(photo)
    assert (media.status, media.error, media.content) == ("failed", reason, None)
    assert counted(reason) == before + 1


def test_meta_may_write_the_hash_in_base64(marta_sends, run_jobs, media_of):
    photo = marta_sends("image", JPEG, "image/jpeg", sha256=base64.b64encode(hashlib.sha256(JPEG).digest()).decode())
    run_jobs()
    assert media_of(photo).status == "stored"


@pytest.mark.parametrize("chunked", [False, True])
def test_a_file_that_never_ends_is_left(chunked, marta_sends, run_jobs, media_of):
    huge = marta_sends("document", b"%PDF-" + bytes(17 * 1024 * 1024), "application/pdf", size=10, chunked=chunked)
    run_jobs()
    assert (media_of(huge).status, media_of(huge).error) == ("failed", "too_large")


def test_what_meta_no_longer_has_is_gone(marta_sends, run_jobs, media_of, graph):
    photo = marta_sends("image", JPEG, "image/jpeg")
    graph.kept.clear()
    run_jobs()
    assert (media_of(photo).status, media_of(photo).error) == ("failed", "gone")
    assert len(graph.asked) == 1


def test_an_address_that_has_expired_is_asked_for_anew(marta_sends, run_jobs, media_of, graph):
    photo = marta_sends("image", JPEG, "image/jpeg")
    graph.behave_with("file", photo, error(100, 404))
    run_jobs()
    assert media_of(photo).status == "stored"
    assert [asked.step for asked in graph.asked] == ["media", "file", "media", "file"]


def test_a_file_that_is_at_no_address_is_gone(marta_sends, run_jobs, media_of, graph):
    photo = marta_sends("image", JPEG, "image/jpeg")
    graph.behave_with("file", photo, error(100, 404), error(100, 404))
    run_jobs()
    assert (media_of(photo).status, media_of(photo).error) == ("failed", "gone")


def test_without_a_token_nothing_is_asked(marta_sends, run_jobs, media_of, graph, monkeypatch):
    monkeypatch.setattr(credentials, "access_token_of", lambda hotel: None)
    photo = marta_sends("image", JPEG, "image/jpeg")
    run_jobs()
    assert (media_of(photo).status, media_of(photo).error) == ("failed", "no_token")
    assert graph.asked == []


# What passes


@pytest.mark.parametrize(
    "trouble", [UNAVAILABLE, error(130429, 429), error(131000), error(2), Behaviour(drop=True), Behaviour(body=b"{}")]
)
@pytest.mark.parametrize("step", ["media", "file"])
def test_trouble_that_passes_is_waited_for(step, trouble, marta_sends, run_jobs, media_of, graph, make_due):
    if step == "file" and trouble.body == b"{}":
        trouble = Behaviour(status=503, body=b"")
    photo = marta_sends("image", JPEG, "image/jpeg")
    graph.behave_with(step, photo, trouble)
    run_jobs()
    media = media_of(photo)
    assert (media.status, media.attempts) == ("waiting", 1)
    assert media.next_attempt_at > utcnow()
    make_due()
    fetch()
    assert media_of(photo).status == "stored"


def test_each_failure_is_waited_for_longer_until_meta_has_forgotten(marta_sends, media_of, graph, make_due):
    photo = marta_sends("image", JPEG, "image/jpeg")
    graph.behave_with("media", photo, *[UNAVAILABLE] * 20)
    messages.take_in()
    pauses = []
    for _ in range(14):
        fetch()
        pauses.append((media_of(photo).next_attempt_at - utcnow()).total_seconds())
        make_due()
    assert 1 < pauses[0] < 3
    assert 40 < pauses[5] < 82
    assert 2600 < pauses[13] < 4600
    db.session.execute(update(Media).values(created_at=utcnow() - timedelta(days=7)))
    db.session.commit()
    fetch()
    assert (media_of(photo).status, media_of(photo).error) == ("failed", "gone")


def test_as_long_as_meta_asks_for(marta_sends, run_jobs, media_of, graph):
    photo = marta_sends("image", JPEG, "image/jpeg")
    graph.behave_with("media", photo, error(130429, 429, retry_after=600))
    run_jobs()
    assert media_of(photo).next_attempt_at > utcnow() + timedelta(seconds=590)


def test_a_refused_token_is_tried_again_in_a_minute(marta_sends, run_jobs, media_of, graph):
    photo = marta_sends("image", JPEG, "image/jpeg")
    graph.behave_with("media", photo, error(190, 401))
    run_jobs()
    media = media_of(photo)
    assert (media.status, media.error) == ("waiting", "no_token")
    assert media.next_attempt_at > utcnow() + timedelta(seconds=40)


def test_a_stopped_number_is_left_alone_until_its_token_changes(marta_sends, media_of, graph, make_due):
    photo = marta_sends("image", JPEG, "image/jpeg")
    messages.take_in()
    stopped = {"stopped_at": utcnow(), "stopped_token": credentials.fingerprint("access-token-of-the-tests")}
    db.session.execute(update(HotelIdentifier).values(stopped))
    db.session.commit()
    fetch()
    assert media_of(photo).status == "waiting"
    assert graph.asked == []
    hotel = by_slug("miramar")
    db.session.execute(update(Hotel).where(Hotel.id == hotel.id).values(whatsapp_access_token=credentials.seal("new")))
    db.session.commit()
    make_due()
    fetch()
    assert media_of(photo).status == "stored"
    assert {asked.token for asked in graph.asked} == {"new"}


def test_a_stopped_hotel_holds_up_no_other(marta_sends, media_of, graph):
    ours = [marta_sends("image", JPEG, "image/jpeg") for _ in range(5)]
    theirs = marta_sends("image", JPEG, "image/jpeg", to=bodies.ANDES)
    messages.take_in()
    stopped = {"stopped_at": utcnow(), "stopped_token": credentials.fingerprint("access-token-of-the-tests")}
    db.session.execute(
        update(HotelIdentifier).where(HotelIdentifier.identifier_value == bodies.MIRAMAR).values(stopped)
    )
    db.session.commit()
    fetch()
    assert media_of(theirs).status == "stored"
    assert {media_of(photo).status for photo in ours} == {"waiting"}


def test_a_slow_file_holds_up_no_other(marta_sends, media_of, graph, impatient):
    never = threading.Event()
    try:
        slow = marta_sends("image", JPEG, "image/jpeg", trickle=never)
        others = [marta_sends("image", JPEG, "image/jpeg") for _ in range(6)]
        messages.take_in()
        began = monotonic()
        fetching.fetch_due(impatient)
        assert monotonic() - began < 3
    finally:
        never.set()
    assert {media_of(other).status for other in others} == {"stored"}
    assert (media_of(slow).status, media_of(slow).error) == ("waiting", "ReadTimeout")


def test_a_file_that_trickles_in_for_ever_is_given_up(impatient, graph, marta_sends, media_of, monkeypatch):
    until = threading.Event()
    photo = marta_sends("image", JPEG, "image/jpeg", trickle=until)
    messages.take_in()
    threading.Timer(0.3, until.set).start()  # The connection ends before the file does.
    fetching.fetch_due(impatient)
    assert media_of(photo).status == "waiting"
    assert media_of(photo).content is None


def test_a_worker_that_dies_leaves_its_files_to_the_next(marta_sends, media_of, make_due):
    photo = marta_sends("image", JPEG, "image/jpeg")
    messages.take_in()
    assert fetching._claim()
    assert fetch() is False
    assert media_of(photo).status == "waiting"
    make_due()
    fetch()
    assert media_of(photo).status == "stored"
    assert media_of(photo).attempts == 2


def test_two_workers_never_fetch_the_same_file(marta_sends, media_of, graph, app):
    photos = [marta_sends("image", JPEG, "image/jpeg") for _ in range(9)]
    messages.take_in()

    def work() -> None:
        with app.app_context():
            fetching.fetch_due(messages.graph())

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {media_of(photo).status for photo in photos} == {"stored"}
    assert len(graph.asked) == 18


def test_no_transaction_is_open_while_meta_is_asked(marta_sends, media_of, graph, impatient, app):
    """Somebody else may lock the row meanwhile, and erasing the conversation then harms nobody."""
    go_on = threading.Event()
    photo = marta_sends("image", JPEG, "image/jpeg")
    messages.take_in()
    graph.behave_with("media", photo, Behaviour(hang=go_on, body=graph._place(photo, graph.kept[photo])))
    conversation_id = media_of(photo).conversation_id
    db.session.rollback()

    def work() -> None:
        with app.app_context(), GraphClient(graph.url, timeout=5) as client:
            fetching.fetch_due(client)

    thread = threading.Thread(target=work)
    thread.start()
    graph.wait_until_asked(photo)
    db.session.execute(text("set local lock_timeout = '500ms'"))
    db.session.execute(text("delete from conversations where id = :id"), {"id": conversation_id})
    db.session.commit()
    go_on.set()
    thread.join()
    assert db.session.query(Media).count() == 0


# Where the token goes


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example/file",
        "http://lookaside.fbsbx.com/file",
        "https://lookaside.fbsbx.com:8443/file",
        "https://fbsbx.com.evil.example/file",
        "https://evilfbsbx.com/file",
        "https://user@lookaside.fbsbx.com/file",
        "http://169.254.169.254/latest/meta-data",
        "https://10.0.0.1/file",
        "https://[::1]/file",
        "file:///etc/passwd",
        "https://",
        "nonsense",
        "http://[/",
    ],
)
def test_the_token_goes_nowhere_but_to_meta(url, marta_sends, run_jobs, media_of, graph, monkeypatch):
    photo = marta_sends("image", JPEG, "image/jpeg", url=url)
    run_jobs()
    assert (media_of(photo).status, media_of(photo).error) == ("failed", "broken")
    assert [asked.step for asked in graph.asked] == ["media"]


@pytest.mark.parametrize(
    ("base", "url", "may"),
    [
        ("https://graph.facebook.com/v26.0", "https://lookaside.fbsbx.com/whatsapp_business/attachments/?mid=1", True),
        ("https://graph.facebook.com/v26.0", "https://mmg.whatsapp.net/x", True),
        ("https://graph.facebook.com/v26.0", "https://scontent.xx.fbcdn.net/x", True),
        ("https://graph.facebook.com/v26.0", "http://127.0.0.1/x", False),
        ("https://graph.facebook.com/v26.0", "http://graph.facebook.com/x", False),
        ("https://graph.facebook.com/v26.0", "https://192.168.0.1/x", False),
        ("http://127.0.0.1:9000/v26.0", "http://localhost:9000/x", True),
        ("http://127.0.0.1:9000/v26.0", "http://10.0.0.1:9000/x", False),
        ("http://10.1.1.1/v26.0", "http://10.1.1.1:81/x", True),
    ],
)
def test_who_may_see_the_token(base, url, may):
    with GraphClient(base) as client:
        if may:
            client._only_to_meta(url)
        else:
            with pytest.raises(ForeignAddress):
                client._only_to_meta(url)


def test_a_redirect_to_a_stranger_is_not_followed(marta_sends, run_jobs, media_of, graph):
    photo = marta_sends("image", JPEG, "image/jpeg")
    graph.behave_with("file", photo, Behaviour(status=302, headers={"Location": "https://evil.example/x"}, body=b""))
    run_jobs()
    assert (media_of(photo).status, media_of(photo).error) == ("failed", "broken")


def test_a_redirect_at_home_is(marta_sends, run_jobs, media_of, graph):
    photo = marta_sends("image", JPEG, "image/jpeg")
    there = f"/whatsapp_business/attachments/?mid={photo}&at=another+place"
    graph.behave_with("file", photo, Behaviour(status=302, headers={"Location": there}, body=b""))
    run_jobs()
    assert media_of(photo).status == "stored"


def test_redirects_in_a_circle_end(marta_sends, run_jobs, media_of, graph):
    photo = marta_sends("image", JPEG, "image/jpeg")
    there = f"/whatsapp_business/attachments/?mid={photo}"
    circle = [Behaviour(status=302, headers={"Location": there}, body=b"")] * 10
    graph.behave_with("file", photo, *circle)
    run_jobs()
    assert media_of(photo).status == "waiting"
    assert len(graph.asked) == 5


def test_no_token_is_told_to_the_log(marta_sends, run_jobs, graph, capsys, caplog):
    photo = marta_sends("image", JPEG, "image/jpeg", url="https://evil.example/file?x=1")
    graph.behave_with("media", photo, error(190, 401, title="access-token-of-the-tests"))
    run_jobs()
    out = capsys.readouterr()
    assert "access-token-of-the-tests" not in out.out + out.err + caplog.text


# Asking again


def test_a_colleague_asks_again(marta_sends, run_jobs, media_of, graph, client):
    photo = marta_sends("image", JPEG, "image/jpeg")
    kept = graph.kept.pop(photo)
    run_jobs()
    media = media_of(photo)
    assert media.status == "failed"
    graph.kept[photo] = kept
    assert fetching.try_again(media.id, media.hotel_id) == media.conversation_id
    assert media_of(photo).status == "waiting"
    fetch()
    assert media_of(photo).status == "stored"


def test_what_is_stored_is_not_asked_for_again(marta_sends, run_jobs, media_of, graph):
    photo = marta_sends("image", JPEG, "image/jpeg")
    run_jobs()
    fetching.try_again(media_of(photo).id, media_of(photo).hotel_id)
    fetch()
    assert len(graph.asked) == 2


def test_oscar_asks_again_for_nothing_of_miramar(marta_sends, run_jobs, media_of):
    photo = marta_sends("image", JPEG, "image/jpeg")
    run_jobs()
    with pytest.raises(NotFound):
        fetching.try_again(media_of(photo).id, by_slug("andes").id)


# What it is


@pytest.mark.parametrize(
    ("content", "told", "kept_as"),
    [
        (JPEG, "text/html", "image/jpeg"),
        (b"<html><script>alert(1)</script>", "image/png", "application/octet-stream"),
        (b"<html><script>alert(1)</script>", "text/html", "application/octet-stream"),
        (b"<svg onload='alert(1)'/>", "image/svg+xml", "application/octet-stream"),
        (b"PK\x03\x04", "application/vnd.openxmlformats-officedocument.wordprocessingml.document", None),
        (PDF, "application/octet-stream", "application/pdf"),
        (b"hola", "text/plain", "text/plain"),
        (b"hola", "nonsense\r\nX: 1", "application/octet-stream"),
    ],
)
def test_a_file_is_what_its_bytes_say(content, told, kept_as, marta_sends, run_jobs, media_of):
    kept = marta_sends("document", content, told)
    run_jobs()
    assert media_of(kept).mime_type == (kept_as or told)


def test_a_voice_note_is_made_playable_while_a_photo_comes(marta_sends, run_jobs, media_of):
    voice = marta_sends("audio", recording(2), "audio/ogg; codecs=opus", voice=True)
    photo = marta_sends("image", JPEG, "image/jpeg")
    run_jobs()
    assert media_of(voice).playable_type == "audio/mp4"
    assert media_of(voice).seconds == pytest.approx(2, abs=0.1)
    assert media_of(photo).playable is None
