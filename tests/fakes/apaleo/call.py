"""One request as it came, and what is answered."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qs, unquote

from tests.fakes import double
from tests.fakes.apaleo.house import Sales
from tests.fakes.double import Answer

JSON = "application/json; charset=utf-8"


class Refusal(Exception):
    """The request ends here with this answer."""

    def __init__(self, status: int, *messages: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(f"{status} {messages}")
        self.status, self.messages, self.headers = status, messages, headers or {}

    @property
    def answer(self) -> Answer:
        """Only what is wrong with a request is told in words; the other refusals have no body in the Swagger."""
        if not self.messages:
            return Answer(self.status, headers=self.headers)
        found = told({"messages": list(self.messages)}, self.status)
        found.headers.update(self.headers)
        return found


def told(found: Any, status: int = 200) -> Answer:
    body = json.dumps(found, ensure_ascii=False, separators=(",", ":"), default=_written).encode()
    return Answer(status, body, JSON)


def _written(value: object) -> Any:
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, datetime):
        return value.isoformat(timespec="seconds")
    if isinstance(value, date):
        return value.isoformat()
    raise TypeError(f"{value!r} has no form in JSON")


class Request(double.Request):
    @property
    def segments(self) -> list[str]:
        return [unquote(word) for word in self.path.strip("/").split("/")]

    @property
    def params(self) -> dict[str, list[str]]:
        return parse_qs(self.query, keep_blank_values=True)

    def param(self, name: str) -> str | None:
        """Names are case-insensitive, as everywhere in ASP.NET; an empty value counts as none."""
        return next(iter(self.params_of(name)), None)

    def params_of(self, name: str) -> list[str]:
        """A list, repeated or with commas."""
        given = [values for key, values in self.params.items() if key.lower() == name.lower()]
        return [word.strip() for values in given for value in values for word in value.split(",") if word.strip()]

    def needed(self, name: str) -> str:
        value = self.param(name)
        if value is None:
            raise Refusal(422, f"The {name} field is required.")
        return value

    def number(self, name: str, least: int = 0) -> int | None:
        value = self.param(name)
        return None if value is None else whole(value, name, least)

    def flag(self, name: str) -> bool:
        value = (self.param(name) or "false").lower()
        if value not in ("true", "false"):
            raise Refusal(422, f"The value '{value}' is not valid for {name}.")
        return value == "true"

    def json(self) -> Any:
        """Raises Refusal: 415 when it does not say that it is JSON, 400 when it is none."""
        kind = self.header("Content-Type").partition(";")[0].strip().lower()
        if kind not in ("application/json", "text/json", "application/json-patch+json"):
            raise Refusal(415)
        try:
            return json.loads(self.body, parse_float=Decimal)
        except ValueError:
            raise Refusal(400, "The request body is not valid JSON.") from None


@dataclass(frozen=True)
class Lies:
    """What one request is told wrongly: prices times `price`, and availability from the `sales` of another time."""

    price: Decimal = Decimal(1)
    sales: Sales | None = None


def whole(value: object, name: str, least: int = 0) -> int:
    try:
        number = int(str(value))
    except ValueError:
        raise Refusal(422, f"The value '{value}' is not valid for {name}.") from None
    if number < least or isinstance(value, bool):
        raise Refusal(422, f"{name} must be at least {least}.")
    return number


def pure_date(value: str, name: str) -> date:
    try:
        return date.fromisoformat(value)
    except ValueError:
        raise Refusal(422, f"The value '{value}' is not valid for {name}: a date (YYYY-MM-DD) is expected.") from None


def moment(value: str, name: str) -> datetime:
    """Date and time in UTC or with an offset, without fractions of a second."""
    try:
        found = datetime.fromisoformat(value)
    except ValueError:
        found = None
    if found is None or found.tzinfo is None or found.microsecond:
        raise Refusal(422, f"The value '{value}' is not valid for {name}: a date and time with UTC offset is expected.")
    return found
