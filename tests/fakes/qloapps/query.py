"""The query language of lists: filters, sorting, limits and what to display, refused in QloApps' own words."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.fakes.qloapps.call import Call, Refusal
from tests.fakes.qloapps.resources import Field, Resource
from tests.fakes.qloapps.values import decimal, did_you_mean

ONLY_WITH_DATE = ("date_add", "date_upd")
EXAMPLE = (
    'The "sort" value has to be formed as this example: "field_ASC" or '
    "'[field_1_DESC,field_2_ASC,field_3_ASC,...]' (\"field\" has to be an available field)"
)


@dataclass(frozen=True)
class Display:
    """`full` rows or only ids; `wanted` are the fields asked for, None all of them."""

    full: bool
    wanted: set[str] | None = None


def rows_of(call: Call, resource: Resource) -> list[Any]:
    """Raises Refusal as soon as something is asked that the web service does not understand."""
    tests = [_test(call, resource, name, told) for name, told in call.request.filters.items()]
    display_of(call, resource)
    rows = [row for row in resource.table(call.shop) if resource.listed(row) and all(test(row) for test in tests)]
    rows.sort(key=resource.sort)
    _sort(call, resource, rows)
    return _limited(rows, call.request.params.get("limit"))


def display_of(call: Call, resource: Resource, *, full: bool = False) -> Display:
    """`full` when nothing is asked: of one row everything, of a list the ids."""
    asked = call.request.params.get("display", "full" if full else "minimum")
    if asked in ("full", "minimum"):
        return Display(asked == "full")
    known = ", ".join(field.name for field in resource.fields)
    found = re.fullmatch(r"\[(.*)\]", asked)
    if not found:
        hint = "You can set 'full' or '[field_1,field_2,field_3,...]'."
        raise Refusal(400, 36, f"The 'display' syntax is wrong. {hint} These are available: {known}")
    wanted = [name.strip() for name in re.sub(r"\[[^\]]*\]", "", found[1]).split(",")]
    names = {field.name for field in resource.fields} | {one.name for one in resource.associations}
    for name in wanted:
        if name not in names:
            message = f'Unable to display this field "{name}". However, these are available: {known}'
            raise Refusal(400, 35, message)
    return Display(True, set(wanted))


def _filterable(call: Call, resource: Resource) -> list[str]:
    with_dates = bool(call.request.params.get("date"))
    return [one.name for one in resource.fields if not one.i18n and (with_dates or one.name not in ONLY_WITH_DATE)]


def _test(call: Call, resource: Resource, name: str, told: str) -> Callable[[Any], bool]:
    field = resource.field(name)
    available = _filterable(call, resource)
    if field is None or (name not in available and not field.i18n):
        raise Refusal(400, 32, "This filter does not exist" + did_you_mean(name, available))
    if not told:
        raise Refusal(400, 33, f'The filter "{name}" is malformed.')
    if field.dynamic:
        message = f'The field "{name}" is dynamic. It is not possible to filter GET query with this field.'
        raise Refusal(400, 34, message)
    fits = condition(field, told)
    return lambda row: fits(field.constant if field.constant is not None else getattr(row, name))


def condition(field: Field, told: str) -> Callable[[Any], bool]:
    """`[v]`, `[a|b]`, `[a,b]` for a range of numbers or days, `>[v]`, `<[v]`, `![v]`, `[v]%`, `%[v]%`."""
    found = re.fullmatch(r"(.*)\[(.*)\](.*)", told, re.DOTALL)
    if not found:
        return lambda kept: _key(field, kept) == _key(field, told)
    before, inside, after = found.groups()
    if "%" in (before, after):
        pattern = re.compile(_like(before + inside + after), re.DOTALL)
        return lambda kept: bool(pattern.fullmatch(_fold(str(kept))))
    if not before and not after:
        return _among(field, inside)
    return _compared(field, before, inside)


def _among(field: Field, inside: str) -> Callable[[Any], bool]:
    between = re.fullmatch(r"([\d.:\-\s]+),([\d.:\-\s]+)", inside)
    if inside.find("|") > 0:
        keys = [_key(field, one) for one in inside.split("|")]
        return lambda kept: _key(field, kept) in keys
    if between:
        low, high = sorted(between.groups())
        return lambda kept: bool(_key(field, low) <= _key(field, kept) <= _key(field, high))
    return lambda kept: bool(_key(field, kept) == _key(field, inside))


def _compared(field: Field, before: str, inside: str) -> Callable[[Any], bool]:
    if before == ">":
        return lambda kept: bool(_key(field, kept) > _key(field, inside))
    if before == "<":
        return lambda kept: bool(_key(field, kept) < _key(field, inside))
    if before == "!":
        return lambda kept: _key(field, kept) not in [_key(field, one) for one in inside.split("|")]
    return lambda kept: True


def _key(field: Field, told: Any) -> Any:
    """As MySQL compares that column: numbers as numbers, days as midnights, words without case and accents."""
    if field.kind in ("int", "money", "amount"):
        return decimal(told)
    if field.kind == "time":
        return f"{told} 00:00:00" if len(str(told)) == len("2026-12-10") else str(told)
    return _fold(str(told if told is not None else ""))


def _fold(text: str) -> str:
    letters = unicodedata.normalize("NFKD", text.casefold())
    return "".join(letter for letter in letters if not unicodedata.combining(letter))


def _like(pattern: str) -> str:
    wild = {"%": ".*", "_": "."}
    return "".join(wild.get(letter) or re.escape(letter) for letter in _fold(pattern))


def _sort(call: Call, resource: Resource, rows: list[Any]) -> None:
    asked = call.request.params.get("sort")
    if asked is None:
        return
    inside = re.fullmatch(r"\[(.*)\]", asked)
    orders = [_order(call, resource, one) for one in (inside[1].split(",") if inside else [asked])]
    for field, downwards in reversed(orders):
        rows.sort(key=lambda row, field=field: _key(field, getattr(row, field.name, "")), reverse=downwards)  # type: ignore[misc]


def _order(call: Call, resource: Resource, asked: str) -> tuple[Field, bool]:
    name, _, direction = asked.rpartition("_")
    if direction.upper() not in ("ASC", "DESC"):
        raise Refusal(400, 37, EXAMPLE)
    field = resource.field(name)
    available = _filterable(call, resource)
    if field is None or (name not in available and not field.i18n):
        languages = ", ".join(one.name for one in resource.fields if one.i18n)
        known = ", ".join(available)
        message = f"Unable to filter by this field. However, these are available: {known}, for i18n fields:{languages}"
        raise Refusal(400, 38, message)
    return field, direction.upper() == "DESC"


def _limited(rows: list[Any], asked: str | None) -> list[Any]:
    if asked is None:
        return rows
    numbers = [int(decimal(one)) for one in asked.split(",")]
    if len(numbers) > 2:
        raise Refusal(400, 39, 'The "limit" value has to be formed as this example: "5,25" or "10"')
    start, count = numbers if len(numbers) == 2 else (0, numbers[0])
    return rows[start : start + count]
