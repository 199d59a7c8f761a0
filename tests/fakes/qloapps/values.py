"""How PHP and PrestaShop write, read and check values: numbers, JSON, days, names, the nearest word of a list."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Any

NEVER = "0000-00-00 00:00:00"
DAY_OR_TIME = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})( \d{2}:\d{2}:\d{2})?")
EMAIL = re.compile(
    r"[a-z0-9!#$%&'*+/=?^`{}|~_\-\w][.a-z0-9!#$%&'*+/=?^`{}|~_\-\w]*@[^\W_]+(?:[.]?[_\w-])*\.[^\W_]+", re.IGNORECASE
)
NAME = re.compile(r"[^0-9!<>,;?=+()@#\"°{}_$%:]*")
PHONE = re.compile(r"\+?[\s\d.()-]*\d+")
PRICE = re.compile(r"[0-9]{1,10}(\.[0-9]{1,})?")


def cents(amount: Decimal) -> Decimal:
    """Two decimals, half up: what QloApps computes with."""
    return amount.quantize(Decimal("0.01"), ROUND_HALF_UP)


def micros(amount: Decimal) -> Decimal:
    """Six decimals: what its database keeps."""
    return amount.quantize(Decimal("0.000001"), ROUND_HALF_UP)


def number(amount: Decimal) -> int | float:
    """As PHP shows a float: without a fraction when there is none."""
    return int(amount) if amount == amount.to_integral_value() else float(amount)


def decimal(value: Any) -> Decimal:
    """PHP's (float): what is no number is 0."""
    try:
        return Decimal(str(value).strip() or "0")
    except InvalidOperation:
        return Decimal(0)


def whole(value: Any) -> int:
    """PHP's (int): the digits at the start, or 0."""
    digits = re.match(r"\s*[+-]?\d+", str(value))
    return int(digits[0]) if digits and not isinstance(value, bool) else int(value is True)


def filled(value: Any) -> bool:
    """PHP's truth, in which "0" is empty."""
    return bool(value) and value not in ("0", 0)


def php_json(data: Any, *, ascii_only: bool = False) -> str:
    """json_encode: slashes are escaped, whole floats lose their fraction."""
    text = json.dumps(_plain(data), ensure_ascii=ascii_only, separators=(",", ":"))
    return text.replace("/", "\\/")


def _plain(data: Any) -> Any:
    if isinstance(data, Decimal):
        return number(data)
    if isinstance(data, dict):
        return {str(key): _plain(value) for key, value in data.items()}
    return [_plain(value) for value in data] if isinstance(data, list | tuple) else data


def is_date(value: Any) -> bool:
    found = DAY_OR_TIME.fullmatch(str(value))
    try:
        return bool(found and date(int(found[1]), int(found[2]), int(found[3])))
    except ValueError:
        return False


def day(value: Any) -> date:
    """The day of a text that `is_date` has let through."""
    found = DAY_OR_TIME.fullmatch(str(value))
    assert found, value
    return date(int(found[1]), int(found[2]), int(found[3]))


def midnight(value: date) -> str:
    return f"{value.isoformat()} 00:00:00"


def stamp(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%d %H:%M:%S")


def is_email(value: Any) -> bool:
    return bool(value) and bool(EMAIL.fullmatch(str(value)))


def is_name(value: Any) -> bool:
    return bool(NAME.fullmatch(str(value)))


def is_phone(value: Any) -> bool:
    return bool(PHONE.fullmatch(str(value)))


def is_price(value: Any) -> bool:
    return bool(PRICE.fullmatch(str(value)))


def is_unsigned(value: Any) -> bool:
    return bool(re.fullmatch(r"0|[1-9]\d*", str(value))) and int(value) < 4294967296


def did_you_mean(wrong: str, words: Iterable[str]) -> str:
    """The web service's way to correct somebody. Of equally near words it takes the last."""
    known = list(words)
    nearest = min(reversed(known), key=lambda word: _distance(wrong, word))
    everything = ' The full list is: "' + '", "'.join(known) + '"' if len(known) > 1 else ""
    return f'. Did you mean: "{nearest}"?{everything}'


def _distance(one: str, other: str) -> int:
    """Levenshtein's."""
    row = list(range(len(other) + 1))
    for i, letter in enumerate(one, 1):
        before, row[0] = row[0], i
        for j, wanted in enumerate(other, 1):
            before, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, before + (letter != wanted))
    return row[-1]
