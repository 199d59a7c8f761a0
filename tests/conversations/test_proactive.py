"""What the hotel writes by itself: each message at its time, once, and only to who may and wants to be written to."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import delete, select, text, update

from hotel_agent.conversations import outbox, proactive, statuses
from hotel_agent.conversations.handover import take_over
from hotel_agent.conversations.models import (
    Conversation,
    ConversationEvent,
    Message,
    MessageTemplate,
    ProactiveMessage,
)
from hotel_agent.db import db, utcnow
from hotel_agent.flags import switches
from hotel_agent.flags.models import FeatureFlag
from hotel_agent.flags.switches import switch
from hotel_agent.guests.models import Guest, GuestIdentity
from hotel_agent.hotels.finding import by_slug
from hotel_agent.hotels.models import Hotel
from hotel_agent.pms.local.models import Reservation
from tests.conversations.cast import ana
from tests.dashboard.cast import books, guest, statements, talk
from tests.fakes.graph import error
from workers import messages as jobs

MADRID, BOGOTA = ZoneInfo("Europe/Madrid"), ZoneInfo("America/Bogota")
KINDS = list(proactive.KINDS)
# Days from arrival (or from departure), and the hours of the hotel's clock between which a message goes out.
TIMES = {
    "pre_arrival_7": ("check_in", -7, time(10)),
    "pre_arrival_1": ("check_in", -1, time(10)),
    "check_in": ("check_in", 0, time(9)),
    "in_stay": ("check_in", 1, time(10)),
    "review": ("check_out", 1, time(11)),
}


@pytest.fixture(autouse=True)
def all_on(app):
    db.session.add_all(
        FeatureFlag(key=f"proactive.{kind}", hotel_id=hotel_id, enabled=True) for kind in KINDS for hotel_id in (1, 2)
    )
    db.session.commit()
    switches.forget()


@pytest.fixture
def marta() -> Callable[..., Stay]:
    """Marta has written before and agreed to messages; her stay begins in ten days and has three nights."""
    return lambda **given: Stay(**given)


class Stay:
    def __init__(
        self, slug: str = "miramar", zone: ZoneInfo = MADRID, arrives: int = 10, leaves: int = 13, **given: Any
    ):
        booked = {
            "status": given.pop("status", "booked"),
            "created_at": given.pop("created_at", utcnow() - timedelta(days=30)),
        }
        agreed: dict[str, Any] = {"consented_at": utcnow(), "language": "es"}
        self.zone = zone
        self.guest = guest("Marta García", slug=slug, **(agreed | given))
        self.conversation_id = talk(slug=slug, who=self.guest, minutes=60 * 24 * 5)
        self.code = books(self.conversation_id, arrives, leaves, **booked)
        self.row = db.session.scalars(select(Reservation).where(Reservation.code == self.code)).one()

    def when(self, kind: str, hour: int | None = None, minute: int = 0, days: int = 0) -> datetime:
        """The moment at which a kind is due, or that hour of its day, so many days later."""
        anchor, after, at = TIMES[kind]
        day: date = getattr(self.row, anchor) + timedelta(days=after + days)
        at = time(hour, minute) if hour is not None else at
        return datetime.combine(day, at, self.zone)

    def sets(self, **columns: Any) -> None:
        for name, value in columns.items():
            setattr(self.row, name, value)
        db.session.commit()


def kinds() -> list[tuple[str, str]]:
    db.session.rollback()
    return [
        (row.kind, row.outcome) for row in db.session.scalars(select(ProactiveMessage).order_by(ProactiveMessage.id))
    ]


def words() -> list[str]:
    db.session.rollback()
    return list(db.session.scalars(select(Message.body).where(Message.author == "automatic").order_by(Message.id)))


def why_not(stay: Stay, kind: str, now: datetime) -> str | None:
    cases = proactive.considered(by_slug("miramar"), now, [kind])
    return next(case.why_not for case in cases if case.row.code == stay.code)


@pytest.mark.parametrize("kind", TIMES)
def test_each_kind_goes_out_at_its_hour_and_not_before(marta, kind):
    stay = marta()
    proactive.send_due(stay.when(kind) - timedelta(minutes=1))
    assert (kind, "queued") not in kinds()
    assert proactive.send_due(stay.when(kind)) == [stay.conversation_id]
    assert (kind, "queued") in kinds()


@pytest.mark.parametrize(
    ("kind", "hour", "days"),
    [("pre_arrival_7", 21, 1), ("pre_arrival_1", 21, 0), ("check_in", 14, 0), ("in_stay", 21, 0), ("review", 21, 2)],
)
def test_a_server_that_was_away_sends_nothing_stale(marta, kind, hour, days):
    stay = marta()
    late = stay.when(kind, hour, days=days)
    assert proactive.send_due(late) == []
    assert proactive.send_due(late + timedelta(days=1)) in ([], [stay.conversation_id])
    assert kind not in dict(kinds())
    assert proactive.send_due(late - timedelta(minutes=5)) == [stay.conversation_id]


def test_nobody_is_written_to_at_night(marta):
    stay = marta()
    for hour in (0, 3, 8, 21, 23):
        assert proactive.send_due(stay.when("review", hour, 59 if hour == 8 else 0, days=1)) == []
    assert proactive.send_due(stay.when("review", 9, days=1)) == [stay.conversation_id]


def test_the_clock_is_the_hotels(marta):
    stay = marta(slug="andes", zone=BOGOTA)
    ten_in_madrid = datetime.combine(stay.row.check_in - timedelta(days=1), time(10), MADRID)
    assert proactive.send_due(ten_in_madrid) == []
    assert proactive.send_due(datetime.combine(stay.row.check_in - timedelta(days=1), time(15), UTC)) == [
        stay.conversation_id
    ]


@pytest.mark.parametrize("kind", TIMES)
def test_each_is_sent_once_for_a_booking(marta, kind):
    stay = marta()
    for minutes in (0, 1, 30):
        proactive.send_due(stay.when(kind) + timedelta(minutes=minutes))
    assert kinds() == [(kind, "queued")]
    assert len(words()) == 1


def test_two_schedulers_at_once_send_once(app, marta):
    stays = [marta() for _ in range(3)]
    now = stays[0].when("check_in")

    def work(_: int) -> list[int]:
        with app.app_context():
            return proactive.send_due(now)

    with ThreadPoolExecutor(4) as pool:
        queued = [one for found in pool.map(work, range(4)) for one in found]
    assert sorted(queued) == sorted(stay.conversation_id for stay in stays)
    assert len(words()) == 3


def test_each_kind_asks_the_database_once_however_many_guests_there_are(marta):
    stay = marta()
    proactive.due(by_slug("miramar"), stay.when("pre_arrival_1"))  # What is cached is cached.
    with statements() as few:
        proactive.due(by_slug("miramar"), stay.when("pre_arrival_1"))
    for _ in range(4):
        marta()
    with statements() as many:
        assert len(proactive.due(by_slug("miramar"), stay.when("pre_arrival_1"))) == 5
    assert len(many) == len(few) <= len(KINDS) + 3


@pytest.mark.parametrize("anchor", ["check_in", "check_out", "booked"])
def test_the_bookings_are_found_by_an_index(marta, anchor):
    marta()
    db.session.execute(text("set local enable_seqscan = off"))
    values = {"kind": "review", "hotel": 1, "statuses": ["booked"], "first": date.today(), "last": date.today()}
    values |= {"since": utcnow(), "reservation": None}
    asked = text(f"explain {proactive._QUESTIONS[anchor].text}")
    plan = "\n".join(db.session.scalars(asked, values))
    assert "Seq Scan on reservations" not in plan
    db.session.rollback()


# Who is not written to


@pytest.mark.parametrize("kind", TIMES)
def test_who_has_opted_out_gets_nothing(marta, kind):
    stay = marta(opted_out_at=utcnow())
    assert proactive.send_due(stay.when(kind)) == []
    assert (kinds(), why_not(stay, kind, stay.when(kind))) == ([], "opted out")


@pytest.mark.parametrize("kind", TIMES)
def test_a_courtesy_needs_consent_and_what_is_needed_to_check_in_does_not(marta, kind):
    stay = marta(consented_at=None)
    found = proactive.send_due(stay.when(kind))
    assert found == ([stay.conversation_id] if kind == "check_in" else [])


def test_who_was_asked_and_did_not_agree_gets_no_check_in_information(marta):
    stay = marta(consented_at=None, consent_asked_at=utcnow())
    assert proactive.send_due(stay.when("check_in")) == []
    assert why_not(stay, "check_in", stay.when("check_in")) == "no consent"


def test_a_colleague_who_has_the_conversation_is_not_interrupted_and_later_it_is_sent(marta):
    stay = marta()
    take_over(stay.conversation_id, ana(), hotel_id=1)
    now = stay.when("check_in")
    assert proactive.send_due(now) == []
    assert kinds() == []
    db.session.execute(update(Conversation).values(owner="agent"))
    db.session.commit()
    assert proactive.send_due(now + timedelta(hours=1)) == [stay.conversation_id]


def test_who_waits_for_a_person_gets_nothing_meanwhile(marta):
    stay = marta()
    db.session.execute(update(Conversation).values(status="waiting", waiting_since=utcnow(), waiting_reasons=["human"]))
    db.session.commit()
    assert proactive.send_due(stay.when("check_in")) == []
    assert why_not(stay, "check_in", stay.when("check_in")) == "waits for a person"


def test_nobody_is_interrupted_in_a_talk_with_the_agent(marta):
    stay = marta()
    now = stay.when("check_in")
    db.session.execute(update(Conversation).values(last_inbound_at=now - timedelta(seconds=30)))
    db.session.commit()
    assert proactive.send_due(now) == []
    assert proactive.send_due(now + timedelta(minutes=5)) == [stay.conversation_id]


@pytest.mark.parametrize("kind", TIMES)
def test_a_flag_that_is_off_sends_nothing(marta, kind):
    stay = marta()
    switch(f"proactive.{kind}", False, 1)
    assert proactive.send_due(stay.when(kind)) == []
    assert kinds() == []


def test_all_flags_are_off_as_the_program_comes(marta):
    stay = marta()
    for kind in KINDS:
        switch(f"proactive.{kind}", False, 1)
    assert not proactive.any_on(1)
    assert proactive.send_due(stay.when("check_in")) == []


@pytest.mark.parametrize("status", ["cancelled", "no_show", "pending"])
def test_a_booking_that_is_none_gets_nothing(marta, status):
    stay = marta(status=status)
    for kind in TIMES:
        assert proactive.send_due(stay.when(kind)) == []


@pytest.mark.parametrize(
    ("kind", "statuses"),
    [
        ("pre_arrival_1", {"booked"}),
        ("check_in", {"booked"}),
        ("in_stay", {"booked", "in_house"}),
        ("review", {"booked", "in_house", "departed"}),
    ],
)
def test_the_state_of_the_stay_fits_the_message(marta, kind, statuses):
    for status in ("booked", "in_house", "departed"):
        stay = marta(status=status)
        assert bool(proactive.send_due(stay.when(kind))) == (status in statuses)


def test_who_books_late_gets_no_message_that_would_have_been_due_before(marta):
    stay = marta()
    stay.sets(created_at=stay.when("pre_arrival_7") + timedelta(hours=1))
    proactive.send_due(stay.when("pre_arrival_7", 15))
    assert "pre_arrival_7" not in dict(kinds())
    assert proactive.send_due(stay.when("pre_arrival_1")) == [stay.conversation_id]


def test_one_night_has_no_first_full_day(marta):
    stay = marta(leaves=11)
    assert proactive.send_due(stay.when("in_stay")) == []


def test_a_guest_who_is_not_on_whatsapp_gets_nothing(marta):
    stay = marta()
    db.session.execute(update(GuestIdentity).where(GuestIdentity.guest_id == stay.guest.id).values(retired_at=utcnow()))
    db.session.commit()
    assert why_not(stay, "check_in", stay.when("check_in")) == "not on WhatsApp"
    other = marta()
    db.session.execute(update(Conversation).where(Conversation.id == other.conversation_id).values(channel="api"))
    db.session.commit()
    assert why_not(other, "check_in", other.when("check_in")) == "not on WhatsApp"
    assert proactive.send_due(other.when("check_in")) == []


# The confirmation


def hour_of_day() -> datetime:
    """A time of a coming day at which guests may be written to."""
    return datetime.combine(date.today() + timedelta(days=1), time(12), MADRID)


def test_a_booking_made_elsewhere_is_confirmed(marta):
    now = hour_of_day()
    stay = marta(created_at=now - timedelta(minutes=11), consented_at=None)
    assert proactive.send_due(now - timedelta(minutes=2)) == []
    assert proactive.send_due(now) == [stay.conversation_id]
    (said,) = words()
    assert stay.code in said
    assert "190,00 €" in said


def test_a_booking_made_in_the_chat_was_confirmed_there(marta):
    now = hour_of_day()
    stay = marta(created_at=now - timedelta(minutes=11))
    event = {"hotel_id": 1, "conversation_id": stay.conversation_id, "kind": "booked", "details": {"code": stay.code}}
    db.session.add(ConversationEvent(**event))
    db.session.commit()
    assert proactive.send_due(now) == []


def test_a_booking_of_the_night_is_confirmed_in_the_morning_and_an_old_one_never(marta):
    midnight = datetime.combine(date.today() + timedelta(days=2), time(0), MADRID)
    stay = marta(created_at=midnight - timedelta(hours=1))
    assert proactive.send_due(midnight) == []
    assert why_not(stay, "confirmation", midnight + timedelta(hours=9)) is None
    assert [
        case.why_not
        for case in proactive.considered(by_slug("miramar"), midnight + timedelta(hours=20), ["confirmation"])
    ] == [None]
    assert proactive.due(by_slug("miramar"), midnight + timedelta(hours=33)) == []


def test_who_has_opted_out_gets_no_confirmation(marta):
    now = hour_of_day()
    marta(created_at=now - timedelta(hours=1), opted_out_at=utcnow())
    assert proactive.send_due(now) == []


# The words


@pytest.mark.parametrize(
    ("language", "said"),
    [("es", "Mañana te esperamos"), ("en", "tomorrow"), ("pt", "Amanhã esperamos"), (None, "Mañana")],
)
def test_the_guest_is_written_to_in_their_language_else_the_hotels(marta, language, said):
    stay = marta(language=language)
    proactive.send_due(stay.when("pre_arrival_1"))
    (text_,) = words()
    assert said in text_
    assert "Marta" in text_
    assert "{{" not in text_


def test_a_hotel_without_the_template_sends_nothing_and_notes_it_once(marta):
    stay = marta()
    db.session.execute(delete(MessageTemplate).where(MessageTemplate.name == proactive.KINDS["check_in"].template))
    db.session.commit()
    for minutes in (0, 1):
        assert proactive.send_due(stay.when("check_in") + timedelta(minutes=minutes)) == []
    assert kinds() == [("check_in", "no_template")]
    assert words() == []


def test_a_template_that_wants_other_places_than_ours_is_not_sent(marta):
    stay = marta()
    body = "{{1}} {{2}} {{3}} {{4}} {{5}} {{6}} {{7}}."
    db.session.execute(update(MessageTemplate).values(body=body))
    db.session.commit()
    assert proactive.send_due(stay.when("check_in")) == []
    assert kinds() == [("check_in", "no_template")]


@pytest.mark.parametrize("slug", ["miramar", "andes"])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("language", ["es", "en", "pt"])
def test_the_demo_hotels_have_a_template_of_every_kind(app, kind, language, slug):
    from hotel_agent.conversations.canned import places_in

    wanted = proactive.KINDS[kind]
    query = select(MessageTemplate).filter_by(name=wanted.template, language=language, hotel_id=by_slug(slug).id)
    template = db.session.scalars(query).one()
    assert places_in(template.body) == list(range(1, len(wanted.places) + 1))
    assert not template.body.startswith("{{")
    assert not template.body.endswith("}}")  # Meta refuses both.


def test_whatsapp_gets_a_well_formed_template(marta, graph):
    stay = marta()
    stay.guest.name = "Marta\t\n María"
    db.session.commit()
    for conversation_id in proactive.send_due(stay.when("pre_arrival_7")):
        outbox.deliver(conversation_id, jobs.graph())
    (heard,) = graph.sent
    assert heard.body["type"] == "template"
    template = heard.body["template"]
    assert (template["name"], template["language"]) == ("una_semana_antes", {"code": "es"})
    (component,) = template["components"]
    assert component["type"] == "body"
    values = [parameter["text"] for parameter in component["parameters"]]
    assert {parameter["type"] for parameter in component["parameters"]} == {"text"}
    assert values[0] == "Marta"
    assert values[1] == "Hotel Miramar"
    assert values[3] == stay.code
    assert all(value and "\n" not in value for value in values)


# On its way


def queue(stay: Stay, kind: str = "check_in") -> Message:
    (conversation_id,) = proactive.send_due(stay.when(kind))
    db.session.rollback()
    return db.session.scalars(
        select(Message).where(Message.conversation_id == conversation_id, Message.author == "automatic")
    ).one()


def sent_or_not(stay: Stay, graph: Any) -> tuple[str, int, list[tuple[str, str]]]:
    outbox.deliver(stay.conversation_id, jobs.graph())
    db.session.rollback()
    message = db.session.scalars(select(Message).where(Message.author == "automatic")).one()
    db.session.refresh(message)
    return message.status, len(graph.sent), kinds()


def test_a_colleague_who_takes_over_before_it_is_sent_withdraws_it(marta, graph):
    stay = marta()
    queue(stay)
    take_over(stay.conversation_id, ana(), hotel_id=1)
    assert sent_or_not(stay, graph) == ("cancelled", 0, [("check_in", "withdrawn")])
    conversation = db.session.get_one(Conversation, stay.conversation_id)
    assert (conversation.waiting_reasons, conversation.owner) == ([], "staff")


def test_a_booking_cancelled_before_it_is_sent_withdraws_it(marta, graph):
    stay = marta()
    queue(stay)
    stay.sets(status="cancelled")
    assert sent_or_not(stay, graph) == ("cancelled", 0, [("check_in", "withdrawn")])


def test_an_opt_out_before_it_is_sent_withdraws_it(marta, graph):
    stay = marta()
    queue(stay)
    db.session.execute(update(Guest).values(opted_out_at=utcnow()))
    db.session.commit()
    assert sent_or_not(stay, graph) == ("cancelled", 0, [("check_in", "withdrawn")])


def test_what_could_not_be_sent_in_time_is_not_sent_at_night(marta, graph):
    stay = marta()
    message = queue(stay, "review")
    about = message.payload["proactive"] | {"send_by": (utcnow() - timedelta(minutes=1)).isoformat()}
    message.payload = message.payload | {"proactive": about}
    db.session.commit()
    assert sent_or_not(stay, graph) == ("cancelled", 0, [("review", "withdrawn")])


def test_it_must_be_on_its_way_before_the_evening_ends(marta):
    stay = marta()
    about = queue(stay, "review").payload["proactive"]
    assert datetime.fromisoformat(about["send_by"]) == stay.when("review", 21)


def test_a_guest_who_stopped_such_messages_at_whatsapp_has_opted_out_and_nobody_is_alarmed(marta, graph):
    stay = marta()
    queue(stay)
    graph.behave(error(131050))
    assert sent_or_not(stay, graph) == ("failed", 0, [("check_in", "failed")])
    who = db.session.get_one(Guest, stay.guest.id, populate_existing=True)
    assert who.opted_out_at is not None
    assert who.consented_at is None
    assert db.session.get_one(Conversation, stay.conversation_id).waiting_reasons == []


def test_one_that_may_have_been_lost_alarms_nobody_either(marta, graph):
    stay = marta()
    message = queue(stay)
    message.status, message.sending_at = "unknown", utcnow() - timedelta(hours=1)
    db.session.commit()
    outbox.overdue_unknown()
    conversation = db.session.get_one(Conversation, stay.conversation_id, populate_existing=True)
    assert (conversation.status, conversation.waiting_reasons) == ("open", [])


def test_the_same_told_later_by_a_status_counts_as_well(marta, graph):
    stay = marta()
    queue(stay)
    assert sent_or_not(stay, graph)[0] == "sent"
    wamid = graph.sent[0].wamid
    statuses.hear(1, wamid, "failed", code=131050, error_text="stopped")
    db.session.commit()
    assert kinds() == [("check_in", "failed")]
    assert db.session.get_one(Guest, stay.guest.id, populate_existing=True).opted_out_at is not None
    assert db.session.get_one(Conversation, stay.conversation_id, populate_existing=True).waiting_reasons == []


# Afterwards


def test_an_answer_to_the_review_request_is_known_to_be_one(marta):
    stay = marta()
    now = utcnow()
    assert proactive.review_asked(stay.conversation_id, now) is None
    queue(stay, "review")
    assert proactive.review_asked(stay.conversation_id, now) == stay.row.id
    conversation = db.session.get_one(Conversation, stay.conversation_id)
    from hotel_agent.channels.whatsapp.limits import OutText

    outbox.put(conversation, OutText("Claro"))
    db.session.commit()
    assert proactive.review_asked(stay.conversation_id, now) is None


def test_the_thread_shows_it_as_an_automatic_message(marta, sign_in):
    stay = marta()
    queue(stay)
    browser = sign_in("ana@miramar.example")
    browser.environ_base["HTTP_ACCEPT_LANGUAGE"] = "en"
    page = browser.get(f"/conversations/{stay.conversation_id}").text
    assert "Automatic message" in page
    assert "Hoy te esperamos en Hotel Miramar" in page


def test_the_job_reminds_the_outbox(marta, graph, monkeypatch):
    from workers import nudges
    from workers import proactive as job

    stay = marta()
    now = stay.when("check_in")
    monkeypatch.setattr(proactive, "utcnow", lambda: now)
    reminded: list[int] = []
    monkeypatch.setattr(nudges, "send_in_turn", reminded.append)
    job.send_due()
    assert reminded == [stay.conversation_id]


def test_ops_see_what_is_due_and_why_the_rest_is_not(app, marta):
    stay = marta()
    out = marta(opted_out_at=utcnow())
    now = stay.when("check_in").isoformat()
    shown = app.test_cli_runner().invoke(args=["proactive", "due", "miramar", "--now", now])
    assert shown.exit_code == 0, shown.output
    lines = {tuple(line.split("\t")) for line in shown.output.splitlines()}
    assert ("check_in", stay.code, "due") in lines
    assert ("check_in", out.code, "opted out") in lines
    assert kinds() == []
    wrong = app.test_cli_runner().invoke(args=["proactive", "due", "miramar", "--now", "soon"])
    assert wrong.exit_code != 0


def test_what_is_switched_off_at_one_hotel_is_sent_at_the_other(marta):
    marta()
    theirs = marta(slug="andes", zone=BOGOTA)
    for kind in TIMES:
        switch(f"proactive.{kind}", False, 1)
    assert proactive.send_due(theirs.when("check_in", 9)) == [theirs.conversation_id]
    db.session.rollback()
    sent_by = db.session.scalars(select(Hotel.slug).join(ProactiveMessage, ProactiveMessage.hotel_id == Hotel.id)).all()
    assert sent_by == ["andes"]


# What guests say of it, over the wire


def switched(value: str, phone: str, at: datetime) -> dict[str, Any]:
    told = {"wa_id": phone, "category": "marketing_messages", "value": value, "timestamp": int(at.timestamp())}
    value_ = {
        "messaging_product": "whatsapp",
        "metadata": {"display_phone_number": "34600000001", "phone_number_id": "100000000000001"},
        "contacts": [{"profile": {"name": "Marta"}, "wa_id": phone}],
        "user_preferences": [told],
    }
    change = {"field": "user_preferences", "value": value_}
    return {"object": "whatsapp_business_account", "entry": [{"id": "1", "changes": [change]}]}


def wishes(who: Guest) -> tuple[bool, bool]:
    """Whether she has opted out, and whether she has agreed."""
    db.session.rollback()
    row = db.session.get_one(Guest, who.id, populate_existing=True)
    return row.opted_out_at is not None, row.consented_at is not None


def test_whatsapps_own_switch_is_an_opt_out_and_can_be_taken_back(marta, deliver, run_jobs):
    stay, other = marta(), marta()
    phone = db.session.scalars(select(GuestIdentity.value).where(GuestIdentity.guest_id == stay.guest.id)).one()
    assert deliver(switched("stop", phone, utcnow())).status_code == 200
    run_jobs()
    assert wishes(stay.guest) == (True, False)
    assert wishes(other.guest) == (False, True)
    deliver(switched("resume", phone, utcnow() - timedelta(hours=1)))  # Told late, of before.
    run_jobs()
    assert wishes(stay.guest) == (True, False)
    deliver(switched("resume", phone, utcnow() + timedelta(seconds=2)))
    run_jobs()
    assert wishes(stay.guest) == (False, False)


def test_what_is_said_in_the_chat_is_kept(marta_says, run_jobs, graph):
    marta_says("BAJA")
    run_jobs()
    who = db.session.scalars(select(Guest).order_by(Guest.id.desc()).limit(1)).one()
    assert wishes(who) == (True, False)
    marta_says("ALTA")
    run_jobs()
    assert wishes(who) == (False, True)


def test_the_dialogue_is_told_that_a_review_was_asked_for(marta, marta_says, run_jobs, graph, echo):
    stay = marta()
    queue(stay, "review")
    phone = db.session.scalars(select(GuestIdentity.value).where(GuestIdentity.guest_id == stay.guest.id)).one()
    marta_says("5", phone=phone)
    run_jobs()
    assert [turn.review_asked for turn in echo] == [stay.row.id]
    marta_says("hola", phone=phone)
    run_jobs()
    assert echo[-1].review_asked is None


def test_an_answer_to_a_message_is_answered_as_always(marta, marta_says, run_jobs, graph):
    stay = marta()
    queue(stay, "pre_arrival_1")
    phone = db.session.scalars(select(GuestIdentity.value).where(GuestIdentity.guest_id == stay.guest.id)).one()
    marta_says("¿tenéis parking?", phone=phone)
    run_jobs()
    assert "18,00" in graph.sent[-1].text


def test_consent_and_opt_outs_survive_when_two_guests_turn_out_to_be_one(app):
    from hotel_agent.guests.knowing import forget

    agreed, out = (
        guest("Marta", consented_at=utcnow(), consent_asked_at=utcnow()),
        guest("Marta", opted_out_at=utcnow()),
    )
    forget([agreed.id], into=out.id)
    db.session.commit()
    assert wishes(out) == (True, False)
    kept, twin = guest("Marta"), guest("Marta", consented_at=utcnow())
    forget([twin.id], into=kept.id)
    db.session.commit()
    assert wishes(kept) == (False, True)


@pytest.mark.parametrize("kind", TIMES)
def test_a_guest_with_two_bookings_for_one_day_hears_of_it_once(marta, kind):
    stay = marta()
    books(stay.conversation_id, 10, 13, created_at=utcnow() - timedelta(days=30))
    proactive.send_due(stay.when(kind))
    assert kinds().count((kind, "queued")) == 1
    proactive.send_due(stay.when(kind) + timedelta(minutes=5))
    assert kinds().count((kind, "queued")) == 1


def test_two_bookings_for_two_days_are_two_messages(marta):
    stay = marta()
    books(stay.conversation_id, 11, 13, created_at=utcnow() - timedelta(days=30))
    proactive.send_due(stay.when("pre_arrival_1"))
    proactive.send_due(stay.when("pre_arrival_1", days=1))
    assert kinds().count(("pre_arrival_1", "queued")) == 2


def test_each_of_two_bookings_has_its_receipt(marta):
    stay = marta(created_at=utcnow() - timedelta(hours=2))
    books(stay.conversation_id, 10, 13, created_at=utcnow() - timedelta(hours=2))
    now = datetime.combine(utcnow().date(), time(12), MADRID)
    for row in db.session.scalars(select(Reservation).where(Reservation.guest_id == stay.guest.id)):
        row.created_at = now - timedelta(hours=2)
    db.session.commit()
    proactive.send_due(now)
    assert kinds().count(("confirmation", "queued")) == 2


def test_a_booking_that_was_cancelled_does_not_speak_for_another(marta):
    stay = marta()
    proactive.send_due(stay.when("pre_arrival_1"))
    books(stay.conversation_id, 10, 13, created_at=utcnow() - timedelta(days=30))
    stay.sets(status="cancelled")
    proactive.send_due(stay.when("pre_arrival_1") + timedelta(minutes=5))
    assert kinds().count(("pre_arrival_1", "queued")) == 2
