"""One request on its way through the web service, what has gone wrong so far, and the answer."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import parse_qsl, unquote

from tests.fakes import double
from tests.fakes.double import Answer, Fault
from tests.fakes.qloapps.faults import Lie
from tests.fakes.qloapps.shop import Line, Shop
from tests.fakes.qloapps.values import php_json

Mode = Literal["masked", "hidden", "display_errors"]
ROOT = "/srv/qlo/www/"
XML = "text/xml;charset=utf-8"
JSON = "application/json"
HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n<qloapps xmlns:xlink="http://www.w3.org/1999/xlink">\n'
TAIL = "</qloapps>\n"


class Request(double.Request):
    @property
    def segments(self) -> list[str]:
        """What follows /api/, at least two words."""
        words = unquote(self.path).removeprefix("/api").strip("/").split("/")
        return [*words, "", ""][: max(2, len(words))]

    @property
    def text(self) -> str:
        return self.body.decode("utf-8", "replace")

    @property
    def params(self) -> dict[str, str]:
        return dict(parse_qsl(self.query, keep_blank_values=True))

    @property
    def filters(self) -> dict[str, str]:
        found = ((re.fullmatch(r"filter\[([^\]]*)\]", name), value) for name, value in self.params.items())
        return {match[1]: value for match, value in found if match}

    @property
    def key(self) -> str | None:
        """None when no key came at all."""
        name, _, given = self.header("Authorization").partition(" ")
        if name.lower() == "basic":
            try:
                return base64.b64decode(given).decode().partition(":")[0].strip()
            except (binascii.Error, UnicodeDecodeError):
                return ""
        return self.params.get("ws_key")

    @property
    def base(self) -> str:
        return f"http://{self.header('Host')}/api/"

    @property
    def wants_json(self) -> bool:
        asked = (
            self.header("Io-Format"),
            self.header("Output-Format"),
            self.params.get("output_format"),
            self.params.get("io_format"),
        )
        return next((one for one in asked if one), "XML") == "JSON"


class Refusal(Exception):
    """The web service gives up with one more error; what PHP has warned of before stands in front of it."""

    def __init__(self, status: int, code: int, message: str) -> None:
        super().__init__(message)
        self.status, self.code, self.message = status, code, message


class Missing(Exception):
    """There is no such row: 404 with nothing in it."""


class Died(Exception):
    """The program says a word and stops: status 200, whatever has been done so far stays done."""


class Uncaught(Exception):
    """Nobody catches this one; what is seen of it depends on PHP's settings."""


@dataclass
class Call:
    """`pass_by` is called between the steps of a booking; with a `gap`, others may come in between the last look at
    the free rooms and the write. `told` is what a request says of the lines that it writes."""

    request: Request
    shop: Shop
    mode: Mode
    faults: tuple[Fault, ...] = ()
    pass_by: Callable[[str], None] = lambda step: None
    gap: bool = False
    status: int = 200
    errors: list[tuple[int, str]] = field(default_factory=list)
    told: dict[int, dict[str, Any]] = field(default_factory=dict)

    @property
    def json(self) -> bool:
        return self.request.wants_json

    @property
    def lies(self) -> list[Lie]:
        return [fault for fault in self.faults if isinstance(fault, Lie)]

    @property
    def lines(self) -> list[Line]:
        """The bookings that availability is told from."""
        stale = [lie.lines for lie in self.lies if lie.lines is not None]
        return list(stale[0]) if stale else list(self.shop.lines)

    def fail(self, status: int, code: int, message: str) -> None:
        self.status = status
        self.errors.append((code, message))

    def warn(self, message: str, file: str, line: int) -> None:
        """A PHP warning: an error with status 500, unless PHP displays errors itself."""
        if self.mode != "display_errors":
            self.fail(500, 3, f"[PHP Warning #2] {message} ({ROOT}{file}, line {line})")

    def notice(self, message: str, file: str, line: int) -> None:
        """A PHP notice counts only where the stock php.ini reports it."""
        if self.mode == "hidden":
            self.fail(500, 5, f"[PHP Notice #8] {message} ({ROOT}{file}, line {line})")

    def answer(self, data: Any, markup: str, status: int = 200, *, ascii_only: bool = False) -> Answer:
        """What was found, in the format that was asked for."""
        if self.json:
            return Answer(status, php_json(data, ascii_only=ascii_only).encode(), JSON)
        return Answer(status, f"{HEAD}{markup}{TAIL}".encode(), XML)

    def answer_of_errors(self) -> Answer:
        told = [{"code": code, "message": message} for code, message in self.errors]
        return self.answer({"errors": told}, f"<errors>\n{''.join(map(_error, self.errors))}</errors>\n", self.status)


def _error(error: tuple[int, str]) -> str:
    code, message = error
    return f"<error>\n<code><![CDATA[{code}]]></code>\n<message><![CDATA[{message}]]></message>\n</error>\n"
