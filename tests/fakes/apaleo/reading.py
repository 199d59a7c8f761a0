"""Everything that is asked and changes nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date, datetime
from typing import Any

from tests.fakes.apaleo import models
from tests.fakes.apaleo.call import Lies, Refusal, Request, moment, pure_date, told
from tests.fakes.apaleo.house import (
    CHANNELS,
    STATUSES,
    Booking,
    House,
    RatePlan,
    Reservation,
    Sales,
    UnitGroup,
    nights_of,
)
from tests.fakes.apaleo.stays import Stay, restrictions, stay_of
from tests.fakes.double import Answer

NOTHING = Answer(204)
Json = dict[str, Any]


def offers(house: House, asked: Request, lies: Lies) -> Answer:
    """GET /booking/v1/offers: what can be booked for one stay; 204 when that is nothing."""
    _same_property(house, asked.needed("propertyId"))
    stay = stay_of(
        house,
        asked.needed("arrival"),
        asked.needed("departure"),
        asked.needed("adults"),
        asked.params_of("childrenAges"),
    )
    if stay.nights[0] < house.today():
        raise Refusal(422, "The arrival date must not be in the past.")
    groups = asked.params_of("unitGroupIds")
    plans = [plan for plan in house.plans.values() if not groups or plan.group.id in groups]
    found = _offers(house, [plan for plan in plans if _is_sold_so(plan, asked)], stay, asked, lies)
    return told({"property": models.embedded_property(house), "offers": found}) if found else NOTHING


def offers_of(house: House, one: Reservation, asked: Request, lies: Lies) -> Answer:
    """GET /booking/v1/reservations/{id}/offers: what the stay could be changed to."""
    stay = stay_of(
        house,
        asked.param("arrival") or one.arrival.isoformat(),
        asked.param("departure") or one.departure.isoformat(),
        asked.param("adults") or one.adults,
        asked.params_of("childrenAges") or one.children,
    )
    groups = asked.params_of("unitGroupIds")
    plans = [plan for plan in house.plans.values() if not groups or plan.group.id in groups]
    without = lies if lies.sales else Lies(lies.price, house.sales(but=one))
    found = _offers(house, [plan for plan in plans if _is_sold_so(plan, asked)], stay, asked, without)
    return told({"property": models.embedded_property(house), "offers": found}) if found else NOTHING


def _is_sold_so(plan: RatePlan, asked: Request) -> bool:
    channel, promo = asked.param("channelCode"), asked.param("promoCode")
    if channel is not None and channel not in CHANNELS:
        raise Refusal(422, f"The value '{channel}' is not valid for channelCode.")
    if plan.promo_codes and promo not in plan.promo_codes:
        return False
    return channel is None or channel in plan.channels


def _offers(house: House, plans: Iterable[RatePlan], stay: Stay, asked: Request, lies: Lies) -> list[Json]:
    everything, sales = asked.flag("includeUnavailable"), lies.sales or house.sales()
    found = []
    for plan in plans:
        nights = [
            (night, plan.price_on(night) * lies.price, house.free(plan.group, night, sales)) for night in stay.nights
        ]
        why_not = restrictions(plan, stay)
        if min(free for _, _, free in nights) < 1:
            why_not.append(("UnitGroupFullyBooked", f"{plan.group.name} is fully booked."))
        if everything or not why_not:
            messages = [{"code": code, "message": message} for code, message in why_not]
            found.append(models.offer(house, plan, nights, messages=messages))
    return found


def availability(house: House, asked: Request, lies: Lies) -> Answer:
    """GET /availability/v1/unit-groups: counts of each night from `from` until before `to`."""
    _same_property(house, asked.needed("propertyId"))
    first, until = pure_date(asked.needed("from"), "from"), pure_date(asked.needed("to"), "to")
    if until <= first:
        raise Refusal(422, "'to' must be after 'from'.")
    only = asked.params_of("unitGroupIds")
    people = (asked.number("adults") or 0) + len(asked.params_of("childrenAges"))
    groups = [
        group for group in house.groups.values() if (not only or group.id in only) and group.max_persons >= people
    ]
    sales = lies.sales or house.sales()
    slices = [_availability_of(house, groups, night, sales) for night in nights_of(first, until)]
    return _page(asked, "timeSlices", slices, lambda one: one)


def _availability_of(house: House, groups: list[UnitGroup], night: date, sales: Sales) -> Json:
    first, until = models.bounds(house, night)
    return {
        "from": first,
        "to": until,
        "property": _counts(house, list(house.groups.values()), night, sales),
        "unitGroups": [
            {
                "unitGroup": models.embedded_group(group),
                **_counts(house, [group], night, sales),
                "availableCount": max(0, house.free(group, night, sales)),
            }
            for group in groups
        ],
    }


def _counts(house: House, groups: list[UnitGroup], night: date, sales: Sales) -> Json:
    out = house.maintained(night, "OutOfService", "OutOfOrder", "OutOfInventory")
    kinds = {
        name: sum(one.type == kind and one.unit.group in groups for one in out)
        for name, kind in (
            ("outOfService", "OutOfService"),
            ("outOfOrder", "OutOfOrder"),
            ("outOfInventory", "OutOfInventory"),
        )
    }
    physical = sum(len(house.units_of(group)) for group in groups)
    free = sum(house.free(group, night, sales) for group in groups)
    sold = sum(house.sellable(group, night) for group in groups) - free
    counted = physical - kinds["outOfInventory"]
    return {
        "physicalCount": physical,
        "houseCount": counted,
        "soldCount": sold,
        "occupancy": round(100 * sold / counted, 2) if counted else 0.0,
        "sellableCount": free,
        "allowedOverbookingCount": 0,
        "maintenance": kinds,
        "block": {"definite": 0, "tentative": 0, "picked": 0, "remaining": 0},
    }


# Inventory and rate plans


def property_found(house: House, code: str) -> Answer:
    _same_property(house, code)
    return told(models.property_model(house))


def properties(house: House, asked: Request) -> Answer:
    return _page(asked, "properties", [house], models.property_item)


def unit_groups(house: House, asked: Request) -> Answer:
    mine = asked.param("propertyId") in (None, house.id)
    return _page(asked, "unitGroups", list(house.groups.values()) * mine, lambda one: models.group_item(house, one))


def units(house: House, asked: Request) -> Answer:
    group, condition, kind = asked.param("unitGroupId"), asked.param("condition"), asked.param("maintenanceType")
    if condition not in (None, "Clean", "CleanToBeInspected", "Dirty"):
        raise Refusal(422, f"The value '{condition}' is not valid for condition.")
    found = [models.unit_item(house, unit) for unit in house.units.values() if group in (None, unit.group.id)]
    found = [one for one in found if condition in (None, one["status"]["condition"])]
    found = [one for one in found if kind in (None, one["status"].get("maintenance", {}).get("type"))]
    if asked.param("isOccupied") is not None:
        wanted = asked.flag("isOccupied")
        found = [one for one in found if one["status"]["isOccupied"] == wanted]
    mine = asked.param("propertyId") in (None, house.id)
    return _page(asked, "units", found * mine, lambda one: one)


def unit(house: House, unit_id: str) -> Answer:
    found = house.units.get(unit_id)
    if found is None:
        raise Refusal(404)
    return told(models.unit_item(house, found))


def rate_plans(house: House, asked: Request) -> Answer:
    groups, channels = asked.params_of("unitGroupIds"), asked.params_of("channelCodes")
    found = [
        plan
        for plan in house.plans.values()
        if (not groups or plan.group.id in groups) and (not channels or set(channels) & set(plan.channels))
    ]
    mine = asked.param("propertyId") in (None, house.id)
    return _page(asked, "ratePlans", found * mine, lambda one: models.plan_item(house, one))


def _same_property(house: House, code: str) -> None:
    if code != house.id:
        raise Refusal(404)


# Reservations and bookings


def reservations(house: House, asked: Request) -> Answer:
    """GET /booking/v1/reservations: all filters have to fit; 204 when nothing does."""
    found = _found(house, asked)
    expand = asked.params_of("expand")
    return _page(asked, "reservations", found, lambda one: models.reservation_model(house, one, expand))


def reservation_count(house: House, asked: Request) -> Answer:
    return told({"count": len(_found(house, asked))})


def _found(house: House, asked: Request) -> list[Reservation]:
    fits = [*_field_filters(house, asked), _date_filter(house, asked)]
    found = [one for one in house.reservations.values() if all(fit(one) for fit in fits)]
    return _sorted(found, asked.params_of("sort"))


def _field_filters(house: House, asked: Request) -> list[Callable[[Reservation], bool]]:
    lists: dict[str, Callable[[Reservation], list[str]]] = {
        "bookingId": lambda one: [one.booking.id],
        "propertyIds": lambda one: [house.id],
        "ratePlanIds": lambda one: [night.plan.id for night in one.slices],
        "unitGroupIds": lambda one: [night.group.id for night in one.slices],
        "unitIds": lambda one: [unit.id for unit in one.units],
        "status": lambda one: [one.status],
        "channelCode": lambda one: [one.channel],
        "sources": lambda one: [one.source or ""],
    }
    for name, allowed in (("status", STATUSES), ("channelCode", CHANNELS)):
        for value in asked.params_of(name):
            if value not in allowed:
                raise Refusal(422, f"The value '{value}' is not valid for {name}.")
    fits: list[Callable[[Reservation], bool]] = []
    for name, of in lists.items():
        if wanted := asked.params_of(name):
            fits.append(lambda one, of=of, wanted=wanted: bool(set(of(one)) & set(wanted)))  # type: ignore[misc]
    if code := asked.param("externalCode"):
        fits.append(lambda one: (one.external_code or "").startswith(code))
    if text := asked.param("textSearch"):
        fits.append(lambda one: any(text.lower() in word.lower() for word in _words(one)))
    return fits


def _words(one: Reservation) -> list[str]:
    people = [one.booking.booker, one.guest or {}]
    names = [str(person.get(name) or "") for person in people for name in ("firstName", "lastName", "email")]
    companies = [str((person.get("company") or {}).get("name") or "") for person in people]
    return [*names, *companies, one.external_code or "", one.id, *(unit.name for unit in one.units)]


def _date_filter(house: House, asked: Request) -> Callable[[Reservation], bool]:
    """From is included, to is not; a stay fits when it overlaps with the time between them."""
    kind = asked.param("dateFilter")
    if kind is None:
        return lambda one: True
    times: dict[str, Callable[[Reservation], datetime | None]] = {
        "Arrival": lambda one: one.arrival,
        "Departure": lambda one: one.departure,
        "Creation": lambda one: one.created,
        "Modification": lambda one: one.modified,
        "Cancellation": lambda one: one.canceled,
    }
    if kind != "Stay" and kind not in times:
        raise Refusal(422, f"The value '{kind}' is not valid for dateFilter.")
    first, until = asked.param("from"), asked.param("to")
    start = moment(first, "from") if first else None
    end = moment(until, "to") if until else None
    if start is None and end is None:
        raise Refusal(422, "At least one of 'from' and 'to' has to be specified when filtering by date.")
    if start and end and end <= start:
        raise Refusal(422, "'to' must be larger than 'from'.")
    if kind == "Stay":
        return lambda one: (end is None or one.arrival < end) and (start is None or one.departure > start)
    return lambda one: _is_between(times[kind](one), start, end)


def _is_between(at: datetime | None, start: datetime | None, end: datetime | None) -> bool:
    return at is not None and (start is None or start <= at) and (end is None or at < end)


SORTS: dict[str, Callable[[Reservation], Any]] = {
    "arrival": lambda one: one.arrival,
    "departure": lambda one: one.departure,
    "created": lambda one: one.created,
    "updated": lambda one: one.modified,
    "id": lambda one: one.id,
    "firstname": lambda one: str((one.guest or {}).get("firstName") or ""),
    "lastname": lambda one: str((one.guest or {}).get("lastName") or ""),
    "unitname": lambda one: one.units[0].name if one.units else "",
}


def _sorted(found: list[Reservation], sorts: list[str]) -> list[Reservation]:
    """Unknown values are silently ignored; the first one counts most."""
    for sort in reversed(sorts):
        name, _, order = sort.lower().partition(":")
        if name in SORTS and order in ("asc", "desc"):
            found = sorted(found, key=SORTS[name], reverse=order == "desc")
    return found


def reservation(house: House, one: Reservation, asked: Request) -> Answer:
    return told(models.reservation_model(house, one, asked.params_of("expand"), single=True))


def booking(house: House, one: Booking, asked: Request) -> Answer:
    return told(models.booking_model(house, one, asked.params_of("expand")))


def bookings(house: House, asked: Request) -> Answer:
    expand, found = asked.params_of("expand"), list(house.bookings.values())
    if code := asked.param("externalCode"):
        found = [one for one in found if any((stay.external_code or "").startswith(code) for stay in one.reservations)]
    if stay_id := asked.param("reservationId"):
        found = [one for one in found if any(stay.id == stay_id for stay in one.reservations)]
    if channels := asked.params_of("channelCode"):
        found = [one for one in found if any(stay.channel in channels for stay in one.reservations)]
    if text := asked.param("textSearch"):
        found = [one for one in found if _is_booked_by(one, text.lower())]
    whole = "reservations" in expand
    return _page(asked, "bookings", found, lambda one: models.booking_model(house, one, expand, reservations=whole))


def _is_booked_by(one: Booking, text: str) -> bool:
    words = [one.booker.get(name) for name in ("firstName", "lastName", "email")]
    words.append((one.booker.get("company") or {}).get("name"))
    return any(text in str(word).lower() for word in words if word)


def _page(asked: Request, name: str, found: list[Any], model: Callable[[Any], Json]) -> Answer:
    """Without a page size everything at once; a page with nothing on it is 204."""
    number, size = asked.number("pageNumber", 1) or 1, asked.number("pageSize", 1)
    shown = found if size is None else found[(number - 1) * size : number * size]
    return told({name: [model(one) for one in shown], "count": len(found)}) if shown else NOTHING
