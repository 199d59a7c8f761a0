"""Open screens of the front desk: what many of them cost while nothing happens, and how soon a message is on one.

A screen is here what the browser does on the wire: a stream of news, and the thread fetched anew when it says so.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import time
import urllib.request
from collections.abc import AsyncIterator
from pathlib import Path

import httpx

from tests.load import meta
from tests.load.installation import APP_SECRET, Demo, wait_until

_no_proxy = urllib.request.build_opener(urllib.request.ProxyHandler({}))
TICKS = os.sysconf("SC_CLK_TCK")
SETTLE_SECONDS = 8.0


def sign_in(address: str, email: str, password: str) -> httpx.Client:
    """A browser with Ana's cookie."""
    browser = httpx.Client(base_url=address, trust_env=False, timeout=30, headers={"Accept": "text/html,*/*"})
    token = re.search(r'name="csrf_token" value="([^"]+)"', browser.get("/login").text)
    form = {"email": email, "password": password, "csrf_token": token[1] if token else ""}
    answer = browser.post("/login", data=form)
    if answer.status_code != 303:
        raise AssertionError(f"{email} cannot sign in: {answer.status_code}")
    return browser


def say(demo: Demo, phone: str, words: str) -> None:
    """A guest writes."""
    body = meta.messages_body([meta.text(phone, words)])
    headers = {"Content-Type": "application/json", "X-Hub-Signature-256": meta.signature(body, APP_SECRET)}
    post = urllib.request.Request(f"http://127.0.0.1:{demo.port}/api/webhooks/whatsapp", body, headers)
    _no_proxy.open(post, timeout=10).close()


def conversation_with(demo: Demo, phone: str) -> int:
    """Its id, once there is one."""
    ids: list[int] = []

    def is_there() -> bool:
        with demo.connect() as connection:
            ids[:] = [
                row[0]
                for row in connection.execute(
                    "select c.id from conversations c join guest_identities i using (guest_id) where i.value = %s",
                    (phone,),
                )
            ]
        return bool(ids)

    wait_until(is_there, 20, f"no conversation with {phone}")
    return ids[0]


def quiet_cost(
    demo: Demo, browser: httpx.Client, conversation: int, screens: int, seconds: float
) -> tuple[float, float]:
    """The share of one core, in percent, that all web processes use while nothing happens: without a screen, and
    with so many open.
    """
    return asyncio.run(_quiet_cost(demo, browser, conversation, screens, seconds))


async def _quiet_cost(
    demo: Demo, browser: httpx.Client, conversation: int, screens: int, seconds: float
) -> tuple[float, float]:
    await asyncio.sleep(SETTLE_SECONDS)
    without = await _share(demo, seconds)
    async with contextlib.AsyncExitStack() as stack:
        for _ in range(screens):
            await stack.enter_async_context(_stream(demo.port, browser, conversation))
        await asyncio.sleep(SETTLE_SECONDS)
        return without, await _share(demo, seconds)


async def _share(demo: Demo, seconds: float) -> float:
    before, began = _used(demo), time.monotonic()
    await asyncio.sleep(seconds)
    return 100 * (_used(demo) - before) / (time.monotonic() - began)


def _used(demo: Demo) -> float:
    """Seconds of processor time that the web processes have used so far."""
    used = 0.0
    for process in demo.processes():
        if process.role == "web worker":
            fields = Path(f"/proc/{process.pid}/stat").read_text().rsplit(")", 1)[1].split()
            used += (int(fields[11]) + int(fields[12])) / TICKS
    return used


def on_screen(demo: Demo, browser: httpx.Client, phone: str, messages: int, others: int = 0) -> list[float]:
    """Seconds from the guest's post to the words in the thread that the screen has fetched, for each message.

    So many `others` have the conversation open as well and fetch it too.
    """
    return asyncio.run(_on_screen(demo, browser, phone, messages, others))


async def _on_screen(demo: Demo, browser: httpx.Client, phone: str, messages: int, others: int) -> list[float]:
    conversation = conversation_with(demo, phone)
    times = []
    async with contextlib.AsyncExitStack() as stack:
        lines = [await stack.enter_async_context(_stream(demo.port, browser, conversation)) for _ in range(others + 1)]
        http = await stack.enter_async_context(_fetcher(browser))
        watching = [asyncio.create_task(_follow(line, http, conversation)) for line in lines[1:]]
        for number in range(messages):
            words = f"mensaje {number} de {phone}"
            began = time.monotonic()
            await asyncio.to_thread(say, demo, phone, words)
            async for _ in _changes(lines[0]):
                if words in await _thread(http, conversation):
                    break
            times.append(time.monotonic() - began)
        for task in watching:
            task.cancel()
    return times


@contextlib.asynccontextmanager
async def _fetcher(browser: httpx.Client) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(
        base_url=browser.base_url, cookies=browser.cookies, trust_env=False, timeout=30
    ) as client:
        yield client


async def _thread(http: httpx.AsyncClient, conversation: int) -> str:
    answer = await http.get(f"/conversations/{conversation}", headers={"HX-Request": "true", "HX-Target": "thread"})
    return answer.text


async def _follow(line: asyncio.StreamReader, http: httpx.AsyncClient, conversation: int) -> None:
    async for _ in _changes(line):
        await _thread(http, conversation)


async def _changes(line: asyncio.StreamReader) -> AsyncIterator[bytes]:
    while True:
        heard = await asyncio.wait_for(line.readline(), 60)
        if not heard:
            raise AssertionError("the stream has ended")
        if heard.startswith((b"event: changed", b"event: again")):
            yield heard


@contextlib.asynccontextmanager
async def _stream(port: int, browser: httpx.Client, conversation: int) -> AsyncIterator[asyncio.StreamReader]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    cookies = "; ".join(f"{name}={value}" for name, value in browser.cookies.items())
    writer.write(
        f"GET /events?conversation={conversation} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAccept: text/event-stream\r\n"
        f"Cookie: {cookies}\r\n\r\n".encode()
    )
    await writer.drain()
    if b" 200 " not in await reader.readline():
        raise AssertionError("no stream")
    try:
        yield reader
    finally:
        writer.close()
