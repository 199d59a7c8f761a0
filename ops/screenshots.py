"""`make screenshots`: the pictures in README and docs, taken anew of a demo of its own, so that they stay true.

The evening on them really happens: guests write through the phones of the demo, which post to the signed webhook; the
agent answers; colleagues act by the forms of their pages. What cannot be waited for is done by SQL, and only that:
time goes by (`Evening.passes`), stays that the demo has made up get a guest who writes (`Evening.stays`), one of them
a mark that only other programs set (`Evening.is_vip`), and a delivery is taken back that WhatsApp would not have made
(`Evening.cannot_be_reached`).
"""

from __future__ import annotations

import hashlib
import hmac
import io
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import av.filter
import httpx
import psycopg
from dotenv import dotenv_values
from playwright.sync_api import Browser, Page, expect, sync_playwright

from hotel_agent.embedded import die_with_parent

ROOT = Path(__file__).resolve().parent.parent
IMAGES = ROOT / "docs" / "images"

ANA, LUIS, EVA = "ana@miramar.example", "luis@miramar.example", "eva@miramar.example"
MIRAMAR = "100000000000001"  # The hotel's number, as Meta calls it.
APP_SECRET, PASSWORD = "app-secret-of-the-pictures", "la-clave-de-las-fotos"
# What would make the demo work with somebody's own servers, or write to real guests.
NEVER_SET = ("DATABASE_URL", "REDIS_URL", "WHATSAPP_API_URL")
INHERITED = ("PATH", "HOME", "LANG", "LC_ALL", "USER", "TMPDIR")

START_SECONDS, STOP_SECONDS, STEP_SECONDS = 120, 20, 40
DESK, PAGE, PHONE = (1440, 900), (1280, 800), (375, 812)
CHROMIUM_FLAGS = ("--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking")
MONTHS = "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre".split()
UNDELIVERABLE = 131026


class CannotTake(Exception):
    """The message says why there are no pictures, in one line."""


def main() -> int:
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: sys.exit(1))
    try:
        chromium = _chromium()
        with _demo() as demo, sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=chromium, args=list(CHROMIUM_FLAGS))
            try:
                _marta_books(browser, demo)
                evening = Evening(demo)
                evening.happens()
                _take_all(browser, demo, evening)
            finally:
                browser.close()
    except CannotTake as problem:
        print(f"error: {problem}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


def _chromium() -> str:
    program = shutil.which("chromium") or shutil.which("chromium-browser")
    if program is None:
        raise CannotTake("Chromium is missing: apt install chromium")
    return program


# The demo


@dataclass(frozen=True)
class Demo:
    url: str
    folder: Path

    def asks(self, statement: str, **values: Any) -> list[tuple[Any, ...]]:
        """What its database says, or does."""
        database_url = dotenv_values(self.folder / "env")["DATABASE_URL"] or ""
        with psycopg.connect(database_url, autocommit=True) as connection:
            answer = connection.execute(statement.encode(), values)
            return answer.fetchall() if answer.description else []


@contextmanager
def _demo() -> Iterator[Demo]:
    """`make demo` without make, with data of its own that are gone afterwards."""
    own = dotenv_values(ROOT / ".env")
    for name in NEVER_SET:
        if own.get(name):
            raise CannotTake(f".env sets {name}, which the pictures would use as well: comment it out meanwhile")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    environment = {name: os.environ[name] for name in INHERITED if name in os.environ} | {
        "PORT": str(port),
        "WHATSAPP_APP_SECRET": APP_SECRET,
        "DEMO_STAFF_PASSWORD": PASSWORD,
        "ANSWER_PAUSE_SECONDS": "0.2",
        "LOG_LEVEL": "warning",
    }
    with tempfile.TemporaryDirectory(prefix="hotel-pictures-") as folder:
        said = Path(folder, "demo.out")
        with said.open("wb") as out:
            process = subprocess.Popen(
                [sys.executable, "-m", "ops.demo"],
                cwd=ROOT,
                env=environment | {"DATA_DIR": f"{folder}/data"},
                stdout=out,
                stderr=out,
                start_new_session=True,  # Ctrl-C is for us; we end it in order.
                preexec_fn=die_with_parent(signal.SIGTERM),
            )
        try:
            print("starting a demo")
            _wait(lambda: _has_greeted(process, said), START_SECONDS, "the demo does not start")
            yield Demo(f"http://127.0.0.1:{port}", Path(folder, "data"))
        finally:
            _end(process)


def _has_greeted(process: subprocess.Popen[bytes], said: Path) -> bool:
    words = said.read_text(errors="replace")
    if process.poll() is not None:
        raise CannotTake(f"the demo has ended:\n{words[-2000:]}")
    return "The hotel agent is running" in words


def _end(process: subprocess.Popen[bytes]) -> None:
    """What the demo has started ends with it, however it ends."""
    process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _wait(happened: Callable[[], object], seconds: float, otherwise: str) -> None:
    until = time.monotonic() + seconds
    while not happened():
        if time.monotonic() > until:
            raise CannotTake(f"{otherwise}: not within {seconds:.0f} s")
        time.sleep(0.1)


# The cast


@dataclass
class Guest:
    phone: str
    name: str
    language: str = "es"
    said: int = 0


MARTA = Guest("34600111222", "Marta Ruiz")
BEATRIZ = Guest("34655001122", "Beatriz Salvatierra")
CARMEN = Guest("34611200301", "Carmen Ortega")
JAMES = Guest("447911123456", "James Whitfield", "en")
SOPHIE = Guest("33612345678", "Sophie Martin", "en")
NURIA = Guest("34633221100", "Núria Bosch")
HUGO = Guest("351913334444", "Hugo Almeida", "pt")
LUCIA = Guest("34622334455", "Lucía Peña")
PAOLO = Guest("393331234567", "Paolo Ricci", "en")
INES = Guest("351966778899", "Inês Carvalho", "pt")
DIEGO = Guest("34699887766", "Diego Llorente")
HANNAH = Guest("4915123456789", "Hannah Vogel", "en")
ANDRES = Guest("34677001234", "Andrés Molina")
QUICKLY_ANSWERED = (
    (Guest("34600550001", "Pilar Gómez"), "¿Se admiten perros?", timedelta(minutes=52)),
    (Guest("34600550002", "Tomás Vidal"), "¿Cuánto cuesta el parking?", timedelta(hours=2)),
    (Guest("447700900321", "Emma Clarke", "en"), "What time is breakfast?", timedelta(hours=3)),
    (Guest("34600550004", "Isabel Torres"), "¿Dónde está el hotel?", timedelta(hours=5)),
    (Guest("351912000111", "Rui Fonseca", "pt"), "Têm piscina?", timedelta(hours=7)),
    (Guest("34600550006", "Marcos Reina"), "¿Puedo pagar con tarjeta?", timedelta(hours=9)),
)

# Which of the made-up reservations, told by their status and days.
STAYS = {
    "in house": "r.status = 'in_house' and r.check_out > hotel.today + 1",
    "arriving": "r.status = 'booked' and r.check_in = hotel.today",
    "coming": "r.status = 'booked' and r.check_in > hotel.today + 4",
    "past": "r.status = 'departed'",
}


class Colleague:
    """Somebody of the hotel, in a browser without a picture: signed in, doing what the forms of their pages do."""

    def __init__(self, demo: Demo, email: str) -> None:
        self._http = httpx.Client(base_url=demo.url, trust_env=False, timeout=30)
        self._http.post("/login", data={"email": email, "password": PASSWORD})
        found = re.search(r'name="csrf-token" content="([^"]+)"', self._http.get("/conversations").text)
        if found is None:
            raise CannotTake(f"{email} cannot sign in")
        self._http.headers["X-CSRFToken"] = found[1]

    def does(self, path: str, **form: str) -> None:
        answer = self._http.post(path, data=form)
        if answer.status_code >= 400:
            raise CannotTake(f"POST {path} answers {answer.status_code}")


@dataclass
class Evening:
    """What happens at the Hotel Miramar, and what the pictures need to know of it."""

    demo: Demo
    conversations: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._http = httpx.Client(base_url=self.demo.url, trust_env=False, timeout=30)
        self._asks = self.demo.asks
        self.ana, self.luis, self.eva = (Colleague(self.demo, email) for email in (ANA, LUIS, EVA))

    # The story

    def happens(self) -> None:
        print("an evening at the front desk")
        self._earlier()
        self._who_waits()
        self._a_table_that_wobbles()

    def _earlier(self) -> None:
        self.passes(MARTA, timedelta(minutes=40))

        self.says(BEATRIZ, "Hola, ¿a qué hora es el desayuno?")
        self.is_vip(BEATRIZ)
        for which in ("in house", "past", "past"):
            self.stays(BEATRIZ, which, dearest=True)
        self.passes(BEATRIZ, timedelta(minutes=70))

        for guest, words, ago in QUICKLY_ANSWERED:
            self.says(guest, words)
            self.passes(guest, ago)

        self.says(ANDRES, "Muchas gracias por todo, hemos estado muy bien")
        self.stays(ANDRES, "past")
        self.ana.does(self._path(ANDRES, "close"))
        self.passes(ANDRES, timedelta(hours=4))

        self.says(HANNAH, "I would like to speak to a human about parking for a van")
        self.takes_over(self.ana, HANNAH)
        self.writes(self.ana, HANNAH, "Hello Hannah, let me ask the garage about the height. I will write in an hour.")
        later = datetime.now(UTC) + timedelta(hours=1)
        self.ana.does(self._path(HANNAH, "snooze"), until=later.isoformat())
        self.passes(HANNAH, timedelta(minutes=20))

        self.says(INES, "Olá! Chego hoje por volta das 23h, a receção está aberta?")
        self.stays(INES, "arriving")
        self.passes(INES, timedelta(minutes=33))

        self.says(DIEGO, f"¿Tenéis habitación para dos {_stretch(_far_monday() + timedelta(days=7), 3)}?")
        self.passes(DIEGO, timedelta(minutes=14))

    def _who_waits(self) -> None:
        self.says(HUGO, "Boa tarde, deixei um casaco preto no quarto quando saí. Podem procurar?")
        self.stays(HUGO, "past")
        self.passes(HUGO, timedelta(hours=22, minutes=40))

        self.says(LUCIA, "Necesito la factura de mi estancia a nombre de mi empresa, por favor")
        self.stays(LUCIA, "past")
        self.passes(LUCIA, timedelta(minutes=26))

        self.says(CARMEN, "Buenas tardes")
        self.says(
            CARMEN,
            "Es la segunda vez que aviso: el aire acondicionado de la habitación no funciona y hace un calor horrible."
            " Estoy muy descontenta.",
        )
        self.stays(CARMEN, "in house")
        self.passes(CARMEN, timedelta(minutes=18))

        self.says(SOPHIE, "Hello, is the pool heated in winter?")
        self.takes_over(self.luis, SOPHIE)
        self.writes(self.luis, SOPHIE, "Hello Sophie, it is: 28 °C all year round, open from 9 to 20.")
        self.cannot_be_reached(SOPHIE)
        self.stays(SOPHIE, "coming")
        self.passes(SOPHIE, timedelta(minutes=12))

        self.says(PAOLO, "Can we stay until 3 pm tomorrow? I would like to talk to somebody")
        self.stays(PAOLO, "in house")
        self.passes(PAOLO, timedelta(minutes=8))

        self.says(NURIA, "Me gustaría hablar con alguien de recepción sobre una boda para 40 personas")
        self.takes_over(self.luis, NURIA)
        self.writes(self.luis, NURIA, "Hola, Núria, soy Luis. ¡Enhorabuena! ¿Para qué fecha lo estáis pensando?")
        self.says(NURIA, "Para el 12 de septiembre, más o menos")
        self.passes(NURIA, timedelta(minutes=3))

        self.says(JAMES, "There is smoke in the corridor outside our room, please help!")
        self.stays(JAMES, "in house")
        self.passes(JAMES, timedelta(minutes=1))

    def _a_table_that_wobbles(self) -> None:
        """The conversation that stands open in the pictures."""
        self.says(BEATRIZ, "Una cosa: la mesa de nuestra terraza cojea. Te mando una foto")
        self.says(BEATRIZ, kind="image")
        self.passes(BEATRIZ, timedelta(minutes=6))
        self.takes_over(self.ana, BEATRIZ)
        words = "Avisado Toni, de mantenimiento: sube en diez minutos. Si tarda, invitarlos a la terraza del bar."
        self.ana.does(self._path(BEATRIZ, "notes"), note=words, client_id=str(uuid.uuid4()))
        self.writes(
            self.ana,
            BEATRIZ,
            "Gracias por la foto, Beatriz. Toni, de mantenimiento, sube ahora mismo. ¿Puede entrar si no estás?",
        )
        self._http.post(f"/simulator/phones/{BEATRIZ.phone}/seen", data={"hotel": MIRAMAR, "no-page": "1"})
        self.passes(BEATRIZ, timedelta(minutes=2))
        self.says(BEATRIZ, "Sí, sin problema, estoy en la piscina")
        self.says(BEATRIZ, kind="audio")
        self.passes(BEATRIZ, timedelta(minutes=2))

    # What guests do

    def says(self, guest: Guest, words: str = "", kind: str = "text") -> None:
        """A guest writes, or sends a picture or a voice note; on return it is answered, or with staff."""
        if not guest.said:
            whose = {"name": guest.name, "phone": guest.phone, "language": guest.language}
            self._http.post("/simulator/guests", data={"hotel": MIRAMAR} | whose)
        message = {"hotel": MIRAMAR, "kind": kind, "text": words}
        self._http.post(f"/simulator/phones/{guest.phone}/messages", data=message)
        guest.said += 1
        self._wait_for(guest, lambda: self._count(guest, "m.direction = 'in'") == guest.said)
        self._wait_for(guest, lambda: not self._count(guest, "m.handling = 'pending'"))
        self._wait_until_sent(guest)

    def cannot_be_reached(self, guest: Guest) -> None:
        """The stand-in for WhatsApp delivers everything: its word is taken back, and the other one told, signed."""
        last = "select m.id, m.wamid from messages m where m.conversation_id = %(c)s order by m.id desc limit 1"
        [(message_id, wamid)] = self._asks(last, c=self._conversation(guest))
        self._wait_for(guest, lambda: self._count(guest, f"m.id = {message_id} and m.status = 'delivered'"))
        self._asks("update messages set status = 'sent' where id = %(id)s", id=message_id)
        error = {"code": UNDELIVERABLE, "title": "Message undeliverable"}
        seconds = str(int(time.time()))
        status = {"id": wamid, "status": "failed", "timestamp": seconds, "recipient_id": guest.phone, "errors": [error]}
        metadata = {"display_phone_number": "34971000001", "phone_number_id": MIRAMAR}
        value = {"messaging_product": "whatsapp", "metadata": metadata, "statuses": [status]}
        entry = {"id": "200000000000001", "changes": [{"field": "messages", "value": value}]}
        body = json.dumps({"object": "whatsapp_business_account", "entry": [entry]}).encode()
        mac = hmac.new(APP_SECRET.encode(), body, hashlib.sha256).hexdigest()
        headers = {"Content-Type": "application/json", "X-Hub-Signature-256": f"sha256={mac}"}
        self._http.post("/api/webhooks/whatsapp", content=body, headers=headers)
        self._wait_for(guest, lambda: self._count(guest, f"m.id = {message_id} and m.status = 'failed'"))

    # What colleagues do

    def takes_over(self, who: Colleague, guest: Guest) -> None:
        who.does(self._path(guest, "takeover"))

    def writes(self, who: Colleague, guest: Guest, words: str) -> None:
        who.does(self._path(guest, "messages"), text=words, client_id=str(uuid.uuid4()))
        self._wait_until_sent(guest)

    def administer(self) -> None:
        """So that there is something to see on the pages of administration."""
        self.eva.does("/admin/flags/booking", state="share", percentage="80", confirm="1")
        self.eva.does("/admin/people", email="nuria@miramar.example", name="Nuria Sanz", role="reception")

    # What takes too long, or other programs do

    def passes(self, guest: Guest, ago: timedelta) -> None:
        """All that was said until now was said so much earlier."""
        of_it = {"c": self._conversation(guest), "ago": ago}
        for statement in (
            "update message_ids set message_created_at = message_created_at - %(ago)s"
            " where message_id in (select id from messages where conversation_id = %(c)s)",
            "update messages set created_at = created_at - %(ago)s, sent_at = sent_at - %(ago)s,"
            " received_at = received_at - %(ago)s, sending_at = sending_at - %(ago)s where conversation_id = %(c)s",
            "update conversation_events set at = at - %(ago)s where conversation_id = %(c)s",
            "update conversations set created_at = created_at - %(ago)s, waiting_since = waiting_since - %(ago)s,"
            " last_message_at = last_message_at - %(ago)s, last_inbound_at = last_inbound_at - %(ago)s"
            " where id = %(c)s",
            "update guests set created_at = created_at - %(ago)s"
            " where id = (select guest_id from conversations where id = %(c)s)",
        ):
            self._asks(statement, **of_it)

    def stays(self, guest: Guest, which: str, *, dearest: bool = False) -> None:
        """One of the reservations that the demo has made up is this guest's, the first one or that of the best room."""
        order = "r.total / (r.check_out - r.check_in) desc, r.id" if dearest else "r.check_in, r.id"
        found = self._asks(
            "with hotel as (select id, (now() at time zone timezone)::date as today from hotels"
            " where slug = 'miramar'), one as (select r.id from reservations r, hotel"
            f" where r.hotel_id = hotel.id and r.guest_id is null and {STAYS[which]} order by {order} limit 1)"
            " update reservations set guest_name = %(name)s,"
            " guest_id = (select guest_id from conversations where id = %(c)s)"
            " where id in (select id from one) returning id",
            c=self._conversation(guest),
            name=guest.name,
        )
        if not found:
            raise CannotTake(f"the demo has made up no stay for {guest.name} ({which})")

    def is_vip(self, guest: Guest) -> None:
        marked = "update guests set vip = true where id = (select guest_id from conversations where id = %(c)s)"
        self._asks(marked, c=self._conversation(guest))

    # Waiting and finding

    def _conversation(self, guest: Guest) -> int:
        if guest.phone not in self.conversations:
            [(found,)] = self._asks(
                "select c.id from conversations c join guest_identities i on i.guest_id = c.guest_id"
                " where i.wire = %(phone)s",
                phone=guest.phone,
            )
            self.conversations[guest.phone] = int(found)
        return self.conversations[guest.phone]

    def path(self, guest: Guest, query: str) -> str:
        return f"/conversations/{self._conversation(guest)}?{query}"

    def _path(self, guest: Guest, verb: str) -> str:
        return f"/conversations/{self._conversation(guest)}/{verb}"

    def _count(self, guest: Guest, which: str) -> int:
        [(count,)] = self._asks(
            "select count(*) from messages m join conversations c on c.id = m.conversation_id"
            f" join guest_identities i on i.guest_id = c.guest_id where i.wire = %(phone)s and {which}",
            phone=guest.phone,
        )
        return int(count)

    def _wait_until_sent(self, guest: Guest) -> None:
        self._wait_for(guest, lambda: not self._count(guest, "m.status in ('queued', 'sending', 'sent')"))

    def _wait_for(self, guest: Guest, happened: Callable[[], object]) -> None:
        _wait(happened, STEP_SECONDS, f"what {guest.name} waits for does not happen")


def _far_monday() -> date:
    """The demo's rooms are free in the far days."""
    far = datetime.now(UTC).date() + timedelta(days=70)
    return far + timedelta(days=-far.weekday() % 7)


def _stretch(first: date, nights: int) -> str:
    """del 1 al 5 de febrero"""
    last = first + timedelta(days=nights)
    month = "" if first.month == last.month else f" de {MONTHS[first.month - 1]}"
    return f"del {first.day}{month} al {last.day} de {MONTHS[last.month - 1]}"


# The pictures


def _marta_books(browser: Browser, demo: Demo) -> None:
    """On the phone that the demo shows: asks, chooses, confirms."""
    print("Marta books a room")
    page, path = _window(browser, demo, PAGE), f"/simulator/phones/{MARTA.phone}"
    _open(page, path)
    page.locator("#text").fill(f"Hola, quiero una habitación doble {_stretch(_far_monday(), 4)} para dos personas")
    page.keyboard.press("Enter")
    for choice in ("Reservar", "Sí, confirmar"):
        page.locator("[data-by=hotel]").last.get_by_role("button", name=choice).click(timeout=STEP_SECONDS * 1000)
    expect(page.locator("[data-by=hotel]").last).to_contain_text("confirmada", timeout=STEP_SECONDS * 1000)
    page.context.close()
    for name, size in (("simulator", PAGE), ("simulator-phone", PHONE)):
        _take(name, _window(browser, demo, size), path)


def _take_all(browser: Browser, demo: Demo, evening: Evening) -> None:
    IMAGES.mkdir(exist_ok=True)
    desk = evening.path(BEATRIZ, "view=waiting")
    _take("inbox", _window(browser, demo, DESK, ANA), desk)
    _take("inbox-dark", _window(browser, demo, DESK, ANA, "dark"), desk)
    _take("phone-list", _window(browser, demo, PHONE, ANA), "/conversations?view=waiting")
    _take("phone-thread", _window(browser, demo, PHONE, ANA), evening.path(CARMEN, "view=waiting"))
    evening.administer()
    _take("flags", _window(browser, demo, PAGE, EVA), "/admin/flags")
    _take("people", _window(browser, demo, PAGE, EVA), "/admin/people")


def _window(
    browser: Browser, demo: Demo, size: tuple[int, int], email: str | None = None, colours: Any = "light"
) -> Page:
    """A browser of its own, signed in as somebody if they are named."""
    context = browser.new_context(
        base_url=demo.url,
        viewport={"width": size[0], "height": size[1]},
        locale="es-ES",
        color_scheme=colours,
        reduced_motion="reduce",
    )
    page = context.new_page()
    if email:
        _open(page, "/login")
        page.locator("input[name=email]").fill(email)
        page.locator("input[name=password]").fill(PASSWORD)
        page.keyboard.press("Enter")
        page.wait_for_url(lambda url: "/login" not in url)
    return page


def _take(name: str, page: Page, path: str) -> None:
    _open(page, path)
    page.evaluate(
        "Promise.all([document.fonts.ready, ...[...document.images].map((one) => one.decode())]).then(() => 1)"
    )
    page.wait_for_timeout(700)  # What scrolls to its place has scrolled.
    picture = _in_few_colours(page.screenshot())
    (IMAGES / f"{name}.png").write_bytes(picture)
    print(f"docs/images/{name}.png  {len(picture) / 1000:.0f} kB")
    page.context.close()


def _open(page: Page, path: str) -> None:
    answer = page.goto(path)
    if answer is None or not answer.ok:
        raise CannotTake(f"{path} answers {answer and answer.status}")


def _in_few_colours(png: bytes) -> bytes:
    """The picture with the 256 colours that serve it best, which is a third of the size."""
    with av.open(io.BytesIO(png), "r") as source:
        frame = next(source.decode(video=0)).reformat(format="rgb24")
    frame.pts, frame.time_base = 0, Fraction(1)
    graph = av.filter.Graph()
    begin, end = (
        graph.add_buffer(None, frame.width, frame.height, frame.format, time_base=Fraction(1)),
        graph.add("buffersink"),
    )
    twice, colours = graph.add("split"), graph.add("palettegen", "reserve_transparent=0")
    reduced = graph.add("paletteuse", "dither=none")
    begin.link_to(twice)
    twice.link_to(colours, 0, 0)
    twice.link_to(reduced, 1, 0)
    colours.link_to(reduced, 0, 1)
    reduced.link_to(end)
    graph.configure()
    graph.vpush(frame)
    graph.vpush(None)
    small = graph.vpull()
    encoder = av.CodecContext.create("png", "w")
    encoder.width, encoder.height, encoder.pix_fmt, encoder.time_base = small.width, small.height, "pal8", Fraction(1)
    encoder.options = {"compression_level": "9", "pred": "none"}
    return b"".join(bytes(packet) for packet in (*encoder.encode(small), *encoder.encode(None)))


if __name__ == "__main__":
    sys.exit(main())
