"""Hotels at a busy hour: guests who talk, book and write nonsense, staff who sign in, programs that ask for rooms, a
PMS across the network that answers, and one that has gone away.
"""

from __future__ import annotations

import asyncio
import random
import urllib.error
import urllib.request
from collections.abc import Callable
from contextlib import closing
from datetime import date, timedelta

from dotenv import dotenv_values

from tests.chaos.guests import Meta, Town
from tests.fakes import qloapps
from tests.load import meta
from tests.load.installation import Demo, Graph
from tests.load.screens import sign_in

SEED = 1
TALKERS = 5
FAR, GONE = "costa", "cala"
NOWHERE = "http://127.0.0.1:9/api"
NONSENSE = ("qwrt zxcv pldf", "mnbvc lkjhg", "xkcd fghj wrtp")
WISH = "¿Pueden traerme toallas a la habitación 203?"
_no_proxy = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def prepare(demo: Demo, pms: qloapps.QloApps) -> None:
    """Two more hotels whose rooms are kept elsewhere. What nobody answers for opens its breaker."""
    for slug, url in ((FAR, pms.url), (GONE, NOWHERE)):
        demo.flask("hotel", "create", slug, slug.title())
        demo.flask("hotel", "set", slug, f"pms_url={url}", f"pms_key={pms.key}", "pms_hotel_id=1")
        demo.flask("hotel", "set", slug, "pms=qloapps", "pms_rate=1000")


async def be_busy(demo: Demo, graph: Graph, until: Callable[[], bool]) -> None:
    """Go on with all of it until that is so."""
    town = Town(Meta(demo.port, random.Random(SEED)), graph)
    tokens = {slug: demo.flask("token", "create", "--hotel", slug) for slug in (FAR, GONE)}
    going = [asyncio.create_task(one) for one in (town.meta.run(), town.listen(), _ask_for_rooms(demo, tokens))]
    guests = [*(town.a_talker() for _ in range(TALKERS)), town.a_booker("suite", 70), town.a_booker("double", 75)]
    going += [asyncio.create_task(one) for one in (*guests, _nonsense(town), _staff(demo))]
    try:
        while not await asyncio.to_thread(until):
            await asyncio.sleep(0.5)
            for task in going:
                if task.done():
                    task.result()
    finally:
        for task in going:
            task.cancel()
        await asyncio.gather(*going, return_exceptions=True)


async def _nonsense(town: Town) -> None:
    """One guest after the other of whom nothing can be made."""
    while not town.closing.is_set():
        phone = town.new_phone()
        for words in (*NONSENSE, WISH):
            town.meta.bring(meta.text(phone.number, words))
            await phone.next(seconds=20)


async def _staff(demo: Demo) -> None:
    """Ana opens the inbox at the beginning of her turn; now and then somebody mistypes a password."""
    password = dotenv_values(demo.data_dir / "env")["DEMO_STAFF_PASSWORD"] or ""
    address = f"http://127.0.0.1:{demo.port}"
    while True:
        for given in (password, "wrong"):
            await asyncio.to_thread(_look_at_the_inbox, address, given)
            await asyncio.sleep(3)


def _look_at_the_inbox(address: str, password: str) -> None:
    try:
        with closing(sign_in(address, "ana@miramar.example", password)) as browser:
            browser.get("/")
    except AssertionError:
        if password != "wrong":
            raise


async def _ask_for_rooms(demo: Demo, tokens: dict[str, str]) -> None:
    """The same few stays again and again, of the PMS that answers and of the other."""
    asked = 0
    while True:
        stay = date.today() + timedelta(days=60 + asked % 3)
        for slug, token in tokens.items():
            await asyncio.to_thread(_rooms, demo, slug, token, stay)
        asked += 1
        await asyncio.sleep(0.2)


def _rooms(demo: Demo, slug: str, token: str, arrival: date) -> int:
    question = f"hotel={slug}&check_in={arrival}&check_out={arrival + timedelta(days=2)}&adults=2&children=0"
    url = f"http://127.0.0.1:{demo.port}/api/pms/availability?{question}"
    request = urllib.request.Request(url, headers={"Authorization": f"Bearer {token}"})
    try:
        with _no_proxy.open(request, timeout=30) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code
