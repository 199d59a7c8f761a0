"""What a program asks for: JSON and query strings become values here. Everything raises BadInput with its field."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from hotel_agent.channels.whatsapp.payload import canonical_phone
from hotel_agent.errors import BadInput
from hotel_agent.pms.contract import Party, RoomRequest

LARGEST_PARTY = 50
MOST_ROOMS = 20
OLDEST_CHILD = 17
LONGEST_NAME = 120
LONGEST_TYPE = 60
LONGEST_KEY = 255
LANGUAGES = ("es", "en", "pt")

OF_A_BOOKING = ("hotel", "check_in", "check_out", "adults", "children", "children_ages", "room_type", "rooms", "guest",
                "expected_total")  # fmt: skip
OF_A_CHANGE = ("hotel", "check_in", "check_out", "adults", "children", "room_type", "rooms", "guest_name",
               "expected_total")  # fmt: skip


@dataclass(frozen=True)
class NewBooking:
    """`rooms` are exactly these; without any, of `room_type` or of whichever fits, at the least price."""

    check_in: date
    check_out: date
    party: Party
    room_type: str | None
    rooms: tuple[RoomRequest, ...]
    name: str
    phone: str | None
    language: str | None
    expected_total: Decimal | None


@dataclass(frozen=True)
class ChangeOfBooking:
    """What is to be otherwise; None leaves it as it is. `room_types`: a kind for each room."""

    check_in: date | None
    check_out: date | None
    adults: int | None
    children: int | None
    room_types: tuple[str, ...] | None
    name: str | None
    expected_total: Decimal | None


def new_booking(given: Mapping[str, Any]) -> NewBooking:
    _only(given, OF_A_BOOKING)
    check_in, check_out = _needed_date(given, "check_in"), _needed_date(given, "check_out")
    if check_in >= check_out:
        raise BadInput("check_out", "The departure is after the arrival.")
    guest = given.get("guest")
    if not isinstance(guest, dict):
        raise BadInput("guest", "Give an object with a name.")
    _only(guest, ("name", "phone", "language"), "guest.")
    rooms = _rooms(given)
    return NewBooking(
        check_in,
        check_out,
        _party_of(rooms, given) if rooms else _party(given),
        _text(given, "room_type", LONGEST_TYPE),
        tuple(request for request, _ in rooms),
        name_of(guest, "name", "guest.name"),
        _phone(guest),
        _language(guest),
        amount(given, "expected_total"),
    )


def change_of_booking(given: Mapping[str, Any]) -> ChangeOfBooking:
    _only(given, OF_A_CHANGE)
    check_in, check_out = _date(given, "check_in"), _date(given, "check_out")
    if check_in and check_out and check_in >= check_out:
        raise BadInput("check_out", "The departure is after the arrival.")
    room_type = _text(given, "room_type", LONGEST_TYPE)
    if room_type is not None and given.get("rooms") is not None:
        raise BadInput("rooms", "Give either room_type or rooms.")
    return ChangeOfBooking(
        check_in,
        check_out,
        _count(given, "adults", 1),
        _count(given, "children", 0),
        (room_type,) if room_type else _room_types(given),
        name_of(given, "guest_name", "guest_name") if given.get("guest_name") is not None else None,
        amount(given, "expected_total"),
    )


def amount(given: Mapping[str, Any], field: str) -> Decimal | None:
    """Money as a decimal string, or as a number of JSON."""
    value = given.get(field)
    if value is None:
        return None
    try:
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            raise InvalidOperation
        money = Decimal(str(value))
    except InvalidOperation:
        raise BadInput(field, 'Give an amount such as "285.00".') from None
    if not money.is_finite() or not 0 <= money < 10**10 or money != money.quantize(Decimal("0.01")):
        raise BadInput(field, 'Give an amount such as "285.00".')
    return money


def idempotency_key(header: str | None) -> str | None:
    """With the quotes of a structured header or without; None where there is none."""
    if header is None:
        return None
    key = header.strip()
    if len(key) >= 2 and key[0] == key[-1] == '"':
        key = key[1:-1]
    if not 1 <= len(key) <= LONGEST_KEY or not key.isascii() or not key.isprintable():
        raise BadInput("Idempotency-Key", f"Give 1 to {LONGEST_KEY} printable characters, a UUID for example.")
    return key


def name_of(given: Mapping[str, Any], field: str, told: str) -> str:
    value = given.get(field)
    name = " ".join(value.split()) if isinstance(value, str) else ""
    if not any(letter.isalpha() for letter in name) or not name.isprintable() or len(name) > LONGEST_NAME:
        raise BadInput(told, f"Give a name of at most {LONGEST_NAME} characters.")
    return name


# Rooms and people


def _party(given: Mapping[str, Any]) -> Party:
    adults, children = _count(given, "adults", 1), _count(given, "children", 0) or 0
    if adults is None:
        raise BadInput("adults", "This is needed.")
    return Party(adults, children, _ages(given, children, "children_ages"))


def _party_of(rooms: list[tuple[RoomRequest, Party]], given: Mapping[str, Any]) -> Party:
    """Everybody in these rooms. What is said of the whole as well has to agree."""
    parties = [party for _, party in rooms]
    whole = Party(
        sum(party.adults for party in parties),
        sum(party.children for party in parties),
        tuple(age for party in parties for age in party.children_ages),
    )
    if given.get("room_type") is not None or given.get("children_ages") is not None:
        raise BadInput("rooms", "With rooms, room_type and children_ages are told room by room.")
    for field, number in (("adults", whole.adults), ("children", whole.children)):
        if (_count(given, field, 0) if given.get(field) is not None else number) != number:
            raise BadInput(field, f"In the rooms there are {number}.")
    if whole.adults + whole.children > LARGEST_PARTY:
        raise BadInput("rooms", f"Give at most {LARGEST_PARTY} people.")
    return whole


def _rooms(given: Mapping[str, Any]) -> list[tuple[RoomRequest, Party]]:
    if given.get("rooms") is None:
        return []
    return [_room(room, f"rooms[{number}].") for number, room in enumerate(_list(given, "rooms"))]


def _room(given: Any, prefix: str) -> tuple[RoomRequest, Party]:
    if not isinstance(given, dict):
        raise BadInput(prefix.rstrip("."), "Give an object.")
    _only(given, ("room_type", "adults", "children", "children_ages"), prefix)
    room_type, adults = _text(given, "room_type", LONGEST_TYPE, prefix), _count(given, "adults", 1, prefix)
    if room_type is None or adults is None:
        raise BadInput(f"{prefix}{'adults' if room_type else 'room_type'}", "This is needed.")
    children = _count(given, "children", 0, prefix) or 0
    party = Party(adults, children, _ages(given, children, f"{prefix}children_ages"))
    return RoomRequest(room_type, adults, children - party.cots, party.cots), party


def _room_types(given: Mapping[str, Any]) -> tuple[str, ...] | None:
    """People are shared out among the rooms of a change as the agent does it."""
    if given.get("rooms") is None:
        return None
    found = []
    for number, room in enumerate(_list(given, "rooms")):
        prefix = f"rooms[{number}]."
        if not isinstance(room, dict):
            raise BadInput(prefix.rstrip("."), "Give an object.")
        _only(room, ("room_type",), prefix)
        code = _text(room, "room_type", LONGEST_TYPE, prefix)
        if code is None:
            raise BadInput(f"{prefix}room_type", "This is needed.")
        found.append(code)
    return tuple(found)


def _list(given: Mapping[str, Any], field: str) -> list[Any]:
    value = given[field]
    if not isinstance(value, list) or not 1 <= len(value) <= MOST_ROOMS:
        raise BadInput(field, f"Give a list of 1 to {MOST_ROOMS}.")
    return value


def _ages(given: Mapping[str, Any], children: int, told: str) -> tuple[int, ...]:
    ages = given.get("children_ages")
    if ages is None:
        return ()
    if not isinstance(ages, list) or not all(_is_number(age) and 0 <= age <= OLDEST_CHILD for age in ages):
        raise BadInput(told, f"Give a list of ages from 0 to {OLDEST_CHILD}.")
    if len(ages) > children:
        raise BadInput(told, "There are more ages than children.")
    return tuple(ages)


def _count(given: Mapping[str, Any], field: str, least: int, prefix: str = "") -> int | None:
    value = given.get(field)
    if value is None:
        return None
    if not _is_number(value) or not least <= value <= LARGEST_PARTY:
        raise BadInput(f"{prefix}{field}", f"Give a number from {least} to {LARGEST_PARTY}.")
    return int(value)


def _is_number(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


# The rest


def _only(given: Mapping[str, Any], fields: Collection[str], prefix: str = "") -> None:
    """What is not understood is refused: nobody is to believe that it was heeded."""
    for field in given:
        if field not in fields:
            raise BadInput(f"{prefix}{field}"[:100], "There is no such field here.")


def _text(given: Mapping[str, Any], field: str, longest: int, prefix: str = "") -> str | None:
    value = given.get(field)
    if value is None:
        return None
    if not isinstance(value, str) or not value.strip() or not value.isprintable() or len(value) > longest:
        raise BadInput(f"{prefix}{field}", f"Give a text of at most {longest} characters.")
    return value.strip()


def _needed_date(given: Mapping[str, Any], field: str) -> date:
    value = _date(given, field)
    if value is None:
        raise BadInput(field, "This is needed.")
    return value


def _date(given: Mapping[str, Any], field: str) -> date | None:
    value = given.get(field)
    if value is None:
        return None
    try:
        day = datetime.strptime(value, "%Y-%m-%d").replace(tzinfo=UTC).date()
    except (TypeError, ValueError):
        raise BadInput(field, "Give a date as YYYY-MM-DD.") from None
    if day.isoformat() != value:
        raise BadInput(field, "Give a date as YYYY-MM-DD.")
    return day


def _phone(guest: Mapping[str, Any]) -> str | None:
    """With the country, as nobody else's may be meant."""
    value = guest.get("phone")
    if value is None:
        return None
    digits = "".join(letter for letter in value if letter in "0123456789") if isinstance(value, str) else ""
    if not str(value).strip().startswith("+") or not 8 <= len(digits) <= 15 or canonical_phone(digits) is None:
        raise BadInput("guest.phone", "Give the number with + and the country, such as +34600123456.")
    return digits


def _language(guest: Mapping[str, Any]) -> str | None:
    value = guest.get("language")
    if value is not None and value not in LANGUAGES:
        raise BadInput("guest.language", f"Give one of {', '.join(LANGUAGES)}.")
    return value
