"""Free rooms and what they cost: `hotel_ari`, `qlo/getRoomRates`, and what bookings ask of both."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from tests.fakes.double import Answer
from tests.fakes.qloapps.call import JSON, Call, Died, Refusal
from tests.fakes.qloapps.markup import Malformed, Node, parse, to_data
from tests.fakes.qloapps.render import schema_markup
from tests.fakes.qloapps.resources import HOTEL_ARI, OCCUPANCIES
from tests.fakes.qloapps.rest import CHECKS, SCHEMA_HINT
from tests.fakes.qloapps.shop import FeaturePrice, Line, Room, RoomType, Shop
from tests.fakes.qloapps.values import (
    cents,
    day,
    did_you_mean,
    filled,
    is_date,
    is_unsigned,
    micros,
    midnight,
    number,
    php_json,
    whole,
)

ARI_FILE = "modules/hotelreservationsystem/classes/WebserviceSpecificManagementHotelAri.php"
RATES_FILE = "modules/hotelreservationsystem/classes/QloRoomType.php"
FEATURE_FILE = "modules/hotelreservationsystem/classes/HotelRoomTypeFeaturePricing.php"
OUT_OF_ORDER, STAY_TOO_SHORT_OR_LONG = 2, 4
QLO_METHODS = ("getRoomTypes", "getRoomRates", "updRoomRateAvail")


def nights(start: date, end: date) -> Iterator[date]:
    return (start + timedelta(days=offset) for offset in range((end - start).days))


# Rooms


def free_rooms(shop: Shop, room_type: int, start: date, end: date, lines: Iterable[Line] | None = None) -> list[Room]:
    """Rooms of a type that can be sold for these nights. Nobody asks whether the guests fit in."""
    rooms = [room for room in shop.rooms if room.id_product == room_type and room.id_status != OUT_OF_ORDER]
    if not rooms or not _stay_fits(shop, room_type, start, end):
        return []
    everything = shop.lines if lines is None else lines
    taken = {line.id_room for line in everything if line.id_product == room_type and occupies(line, start, end)}
    return [room for room in rooms if room.id not in taken]


def _stay_fits(shop: Shop, room_type: int, start: date, end: date) -> bool:
    limits, stay = shop.limits_of(room_type), (end - start).days
    return limits.min_los <= stay and (not limits.max_los or stay <= limits.max_los)


def occupies(line: Line, start: date, end: date) -> bool:
    """Whether a line keeps its room from being sold. `is_cancelled` is not asked; who has left frees the room."""
    if line.is_back_order or line.is_refunded:
        return False
    if line.id_status == 3:
        left = line.check_out
        counts = left[:10] != start.isoformat() and midnight(start) < left <= midnight(end)
        return counts and _overlaps(line.date_from, left, start, end)
    return _overlaps(line.date_from, line.date_to, start, end)


def _overlaps(since: str, until: str, start: date, end: date) -> bool:
    first, last = midnight(start), midnight(end)
    return (
        since <= first < until <= last
        or (since >= first and until <= last)
        or (first <= since < last <= until)
        or (since <= first and until >= last)
    )


# Prices


def stay_price(
    shop: Shop, room_type: RoomType, start: date, end: date, rate: Decimal = Decimal(1), nightly: Decimal | None = None
) -> tuple[Decimal, Decimal]:
    """Net and gross of a room without any services, each rounded once for the whole stay. `nightly` fixes the price."""
    tax = shop.tax(room_type.id_tax_rules_group)
    net = gross = Decimal(0)
    for night in nights(start, end):
        one = nightly if nightly is not None else night_price(shop, room_type, night, rate)
        net += one
        gross += micros(one * (1 + tax))
    return cents(net), cents(gross)


def night_price(shop: Shop, room_type: RoomType, night: date, rate: Decimal = Decimal(1)) -> Decimal:
    own, plan = micros(room_type.price * rate), _plan(shop, room_type.id, night)
    if plan is None:
        return own
    impact = own * plan.impact_value / 100 if plan.impact_type == 1 else plan.impact_value * rate
    return max(Decimal(0), {1: own - impact, 2: own + impact}.get(plan.impact_way, impact))


def _plan(shop: Shop, room_type: int, night: date) -> FeaturePrice | None:
    """The price plan that counts: for that day, for that day of the week, for a range (its last day included)."""
    told = night.isoformat()
    plans = [plan for plan in shop.feature_prices if plan.id_product == room_type and plan.active and not plan.id_cart]
    ranges = [plan for plan in plans if plan.date_from[:10] <= told <= plan.date_to[:10]]
    by_priority = (
        [plan for plan in plans if plan.date_selection_type == 2 and plan.date_from[:10] == told],
        [plan for plan in ranges if plan.is_special_days_exists and night.strftime("%a").lower() in plan.special_days],
        [plan for plan in ranges if plan.date_selection_type == 1 and not plan.is_special_days_exists],
    )
    return next((plans[0] for plans in by_priority if plans), None)


def quoted_price(call: Call, room_type: RoomType, start: date, end: date, rooms: int = 1) -> tuple[Decimal, Decimal]:
    """What guests are quoted: with the services that are added by themselves and belong to the room's price."""
    shop, stay = call.shop, (end - start).days
    tax = shop.tax(room_type.id_tax_rules_group)
    net, gross = stay_price(shop, room_type, start, end)
    for service in shop.services:
        if service.active and service.auto_add_to_cart and service.price_addition_type == 1:
            net += cents(service.price * service.times(stay))
            gross += cents(micros(service.price * (1 + tax)) * service.times(stay))
    factor = next((lie.price for lie in call.lies if lie.price is not None), Decimal(1))
    return cents(net * rooms * factor), cents(gross * rooms * factor)


# POST /hotel_ari


def hotel_ari(call: Call) -> Answer:
    """Raises Refusal; the caller holds the shop's lock."""
    schema = call.request.params.get("schema")
    if schema is not None:
        return _ari_schema(call, schema)
    if call.request.method != "POST":
        raise Refusal(405, 23, f"Method {call.request.method} is not valid")
    asked = _asked(call)
    start, end = day(asked["date_from"]), day(asked["date_to"])
    head = {"id_hotel": asked["id_hotel"], "date_from": start.isoformat(), "date_to": end.isoformat()}
    if filled(asked.get("date_wise_breakdown")):
        return _answer_ari(call, [_night_of(call, asked, night) for night in nights(start, end)], by_night=True)
    return _answer_ari(call, [_stay_of(call, asked, head, start, end)], by_night=False)


def _ari_schema(call: Call, schema: str) -> Answer:
    if call.request.method != "GET":
        raise Refusal(405, 23, f"Method {call.request.method} is not valid")
    if schema not in ("blank", "synopsis"):
        raise Refusal(400, 28, SCHEMA_HINT)
    fields = {field.name: "" for field in HOTEL_ARI}
    occupancies = {OCCUPANCIES.name: [dict.fromkeys(OCCUPANCIES.fields, "")]}
    data = {"hotel_ari": {**fields, "associations": occupancies}}
    return call.answer(data, schema_markup(call, "hotel_ari", HOTEL_ARI, (OCCUPANCIES,), blank=schema == "blank"))


def _asked(call: Call) -> dict[str, Any]:
    """The search as it came, once it is known to be sound."""
    text = call.request.text.removeprefix("xml=")
    if not text:
        raise Refusal(400, 85, "Validation error: ARI search parameters are missing.")
    try:
        root = parse(text)
    except Malformed as fault:
        for complaint in fault.complaints:
            call.warn(f"simplexml_load_string(): {complaint}", ARI_FILE, 476)
        raise Refusal(400, 85, "Validation error: Invalid ARI search parameters found.") from None
    for entity in root.children:
        _check_fields(entity)
    data = to_data(root)
    asked = data.get("hotel_ari") if isinstance(data, dict) else None
    if not isinstance(asked, dict):
        raise Refusal(400, 85, "Validation error: Invalid request XML")
    _check_days(call, asked)
    _check_occupancies(_occupancies(asked))
    return asked


def _check_fields(entity: Node) -> None:
    for field in HOTEL_ARI:
        if field.required and entity.child(field.name) is None:
            raise Refusal(400, 41, f'parameter "{field.name}" required')
    for field in HOTEL_ARI:
        node = entity.child(field.name)
        if field.required and node and not node.text:
            raise Refusal(400, 85, f'Validation error: "The {field.name} field is required."')
        if node and node.text and node.text != "0" and not CHECKS[field.check](node.text):
            raise Refusal(400, 85, f'Validation error: "The {field.name} field is invalid."')


def _check_days(call: Call, asked: dict[str, Any]) -> None:
    """Days inside CDATA are lost on the way, as json_encode loses them."""
    days = [asked.get("date_to"), asked.get("date_from")]
    for one in days:
        if not is_date(one):
            call.warn("strtotime() expects parameter 1 to be string, array given", ARI_FILE, 521)
    if not all(map(is_date, days)) or day(days[0]) <= day(days[1]):
        raise Refusal(400, 85, 'Validation error: "Date to" must be after "date from"')


def _occupancies(asked: dict[str, Any]) -> list[Any]:
    associations = asked.get("associations")
    rooms = associations.get("room_occupancies") if isinstance(associations, dict) else None
    found = rooms.get("room_occupancy") if isinstance(rooms, dict) else None
    return [found] if isinstance(found, dict) else found or []


def _check_occupancies(occupancies: list[Any]) -> None:
    for number_, occupancy in enumerate(occupancies, 1):
        adults, children = occupancy.get("adults"), occupancy.get("children")
        room = f"Room-{number_} occupancy"
        problem = None
        if adults is None:
            problem = f"Missing information for adults for {room}."
        elif not filled(adults) or not is_unsigned(adults):
            problem = f"Invalid value for number of adults for {room}(value must be greater than 0)."
        elif children is None:
            problem = f"Missing information for children for {room}."
        elif not is_unsigned(children):
            problem = f"Invalid value for number of children for {room}."
        if problem:
            raise Refusal(400, 85, f"Validation error: {problem}")


def _searched(asked: dict[str, Any]) -> dict[str, bool]:
    """Which lists of rooms are wanted; asked for nothing, only the free ones."""
    names = {
        "unavailable": "get_unavailable_rooms",
        "booked": "get_booked_rooms",
        "available": "get_available_rooms",
        "partially_available": "get_partial_available_rooms",
    }
    if not any(name in asked for name in names.values()):
        return {one: one == "available" for one in names}
    return {one: filled(asked.get(name)) for one, name in names.items()}


def _types_of(call: Call, asked: dict[str, Any]) -> list[RoomType]:
    hotel, wanted = whole(asked["id_hotel"]), whole(asked.get("id_room_type") or 0)
    return [
        one
        for one in call.shop.room_types
        if one.id_hotel == hotel and one.active and (not wanted or one.id == wanted) and call.shop.hotels[hotel].active
    ]


def _stay_of(call: Call, asked: dict[str, Any], head: dict[str, Any], start: date, end: date) -> dict[str, Any]:
    types, wanted = _types_of(call, asked), _searched(asked)
    info: dict[str, Any] = {**head, "currency": call.shop.currency.iso_code}
    if not types:
        return info
    found = {one.id: _rooms_of(call, one, start, end, wanted) for one in types}
    info["total_rooms"] = sum(room.id_product in found for room in call.shop.rooms)
    for name, label in (
        ("available", "total_available_rooms"),
        ("unavailable", "total_unavailable_rooms"),
        ("partially_available", "total_partial_available_rooms"),
        ("booked", "total_booked_rooms"),
    ):
        if wanted[name]:
            info[label] = sum(len(rooms[name]) for rooms in found.values())
    info["room_types"] = [_type_info(call, asked, one, start, end, found[one.id]) for one in types]
    return info


def _rooms_of(
    call: Call, room_type: RoomType, start: date, end: date, wanted: dict[str, bool]
) -> dict[str, dict[str, Any]]:
    """Rooms that are free for a part of the stay are in no list at all."""
    lists = {
        "unavailable": _unavailable(call, room_type, start, end),
        "booked": _booked(call, room_type, start, end),
        "available": _available(call, room_type, start, end),
        "partially_available": {},
    }
    return {name: lists[name] for name, asked in wanted.items() if asked}


def _available(call: Call, room_type: RoomType, start: date, end: date) -> dict[str, Any]:
    limits = call.shop.limits_of(room_type.id)
    return {
        str(room.id): {
            "id_room": str(room.id),
            "id_product": str(room.id_product),
            "id_hotel": str(room.id_hotel),
            "room_num": room.room_num,
            "room_comment": room.comment,
            "max_adult": str(limits.max_adults),
            "max_children": str(limits.max_children),
            "max_occupancy": str(limits.max_guests),
        }
        for room in free_rooms(call.shop, room_type.id, start, end, call.lines)
    }


def _unavailable(call: Call, room_type: RoomType, start: date, end: date) -> dict[str, Any]:
    too_short = not _stay_fits(call.shop, room_type.id, start, end)
    found = {}
    for room in call.shop.rooms:
        reasons = [OUT_OF_ORDER] if room.id_status == OUT_OF_ORDER else []
        reasons += [STAY_TOO_SHORT_OR_LONG] if too_short else []
        if room.id_product == room_type.id and reasons:
            details = [
                {"id_status": str(reason), "room_comment": room.comment, "date_from": None, "date_to": None}
                for reason in reasons
            ]
            found[str(room.id)] = {**_room_head(room), "detail": details}
    return found


def _booked(call: Call, room_type: RoomType, start: date, end: date) -> dict[str, Any]:
    found: dict[str, Any] = {}
    lines = [line for line in call.lines if line.id_product == room_type.id and _seen_as_booked(line, start, end)]
    for line in sorted(lines, key=lambda one: (one.id_room, one.date_from)):
        head = {
            "id_product": str(line.id_product),
            "id_room": str(line.id_room),
            "id_hotel": str(line.id_hotel),
            "room_num": line.room_num,
        }
        found.setdefault(str(line.id_room), {**head, "detail": []})["detail"].append(
            {
                "id_htl_booking": str(line.id),
                "date_from": line.date_from,
                "date_to": line.check_out if line.id_status == 3 else line.date_to,
                "id_customer": str(line.id_customer),
                "booking_type": str(line.booking_type),
                "booking_status": str(line.id_status),
                "comment": line.comment,
            }
        )
    return found


def _seen_as_booked(line: Line, start: date, end: date) -> bool:
    until = line.check_out if line.id_status == 3 else line.date_to
    return not line.is_back_order and not line.is_refunded and _overlaps(line.date_from, until, start, end)


def _room_head(room: Room) -> dict[str, str]:
    return {
        "id_product": str(room.id_product),
        "id_room": str(room.id),
        "id_hotel": str(room.id_hotel),
        "room_num": room.room_num,
    }


def _type_info(
    call: Call, asked: dict[str, Any], room_type: RoomType, start: date, end: date, rooms: dict[str, dict[str, Any]]
) -> dict[str, Any]:
    net, gross = quoted_price(call, room_type, start, end)
    total_net, total_gross = quoted_price(call, room_type, start, end, max(1, len(_occupancies(asked))))
    stay = (end - start).days
    return {
        "id_room_type": str(room_type.id),
        "base_price": number(net / stay),
        "base_price_with_tax": number(gross / stay),
        "total_price": number(total_net),
        "total_price_with_tax": number(total_gross),
        "name": room_type.name,
        "rooms": {name: found or [] for name, found in rooms.items()},
    }


def _night_of(call: Call, asked: dict[str, Any], night: date) -> dict[str, Any]:
    """One night of the breakdown. Rooms out of order count as free in it, and so does a stay that is too short; both
    totals of what is not free repeat the count of what is."""
    end, wanted, types = night + timedelta(days=1), _searched(asked), _types_of(call, asked)
    info: dict[str, Any] = {
        "id_hotel": asked["id_hotel"],
        "date_from": night.isoformat(),
        "date_to": end.isoformat(),
        "currency": call.shop.currency.iso_code,
    }
    if not types:
        return info
    info["total_rooms"] = sum(room.id_product in [one.id for one in types] for room in call.shop.rooms)
    lists = [_breakdown(call, one, night, end) for one in types]
    info["room_types"] = [
        _type_info(call, asked, one, night, end, {name: rooms for name, rooms in found.items() if wanted[name]})
        for one, found in zip(types, lists, strict=True)
    ]
    free = sum(len(found["available"]) for found in lists)
    labels = {"available": "available", "unavailable": "unavailable", "booked": "booked"}
    info.update({f"total_{label}_rooms": free for name, label in labels.items() if wanted[name]})
    return info


def _breakdown(call: Call, room_type: RoomType, start: date, end: date) -> dict[str, dict[str, Any]]:
    booked = _booked(call, room_type, start, end)
    rooms = {
        str(room.id): {"id_room": str(room.id), "room_num": room.room_num}
        for room in call.shop.rooms
        if room.id_product == room_type.id
    }
    return {
        "available": {key: room for key, room in rooms.items() if key not in booked},
        "booked": {key: room for key, room in rooms.items() if key in booked},
        "unavailable": {},
    }


def _answer_ari(call: Call, found: list[dict[str, Any]], *, by_night: bool) -> Answer:
    if call.json:
        return call.answer({"hotel_aris": found} if by_night else {"hotel_ari": found[0]}, "")
    markup = "".join(_ari_markup(call, info) for info in found)
    return call.answer(None, f"<hotel_aris>\n{markup}</hotel_aris>\n" if by_night else markup)


def _ari_markup(call: Call, info: dict[str, Any]) -> str:
    base = call.request.base
    plain = ("date_from", "date_to", "currency", "total_rooms", *(f"total_{one}_rooms" for one in TOTALS))
    head = f'<id_hotel xlink:href="{base}hotels/{info["id_hotel"]}"><![CDATA[{info["id_hotel"]}]]></id_hotel>\n'
    head += "".join(_tag(name, info[name]) for name in plain if name in info)
    types = "".join(_type_markup(base, one) for one in info.get("room_types", ()))
    inside = f"<room_types>\n{types}</room_types>\n" if types else ""
    return f"<hotel_ari>\n{head}{inside}</hotel_ari>\n"


TOTALS = ("available", "unavailable", "partial_available", "booked")


def _type_markup(base: str, info: dict[str, Any]) -> str:
    room_type = info["id_room_type"]
    link = f'xlink:href="{base}room_types/{room_type}"'
    prices = ("base_price", "base_price_with_tax", "total_price", "total_price_with_tax")
    name = f'<language id="1" xlink:href="{base}languages/1"><![CDATA[{info["name"]}]]></language>'
    lists = "".join(_rooms_markup(kind, rooms) for kind, rooms in info["rooms"].items())
    return (
        f'<room_type id="{room_type}" {link}>\n<id_room_type {link}><![CDATA[{room_type}]]></id_room_type>\n'
        + "".join(_tag(price, info[price]) for price in prices)
        + f"<name>{name}</name>\n<rooms>\n{lists}</rooms>\n</room_type>\n"
    )


def _rooms_markup(kind: str, rooms: dict[str, Any] | list[Any]) -> str:
    node = "partial_available" if kind == "partially_available" else kind
    listed = rooms.values() if isinstance(rooms, dict) else ()
    inside = "".join(_room_markup(room["id_room"], room["room_num"]) for room in listed)
    return f"<{node}>\n{inside}</{node}>\n"


def _room_markup(room: str, number_: str) -> str:
    return f'<room id="{room}">\n{_tag("id_room", room)}{_tag("room_number", number_)}</room>\n'


def _tag(name: str, told: Any) -> str:
    return f"<{name}><![CDATA[{told}]]></{name}>\n"


# /qlo


def qlo(call: Call) -> Answer:
    """The second door: rates night by night, in XML whatever is asked."""
    method, wanted = call.request.method, call.request.segments[1]
    if method not in ("GET", "HEAD", "POST"):
        raise Refusal(405, 67, "This HTTP method is not allowed")
    if method == "POST":
        return _update_rates(call, wanted)
    if wanted == "getRoomTypes":
        return _qlo_answer(call, _room_types(call))
    if wanted == "getRoomRates":
        return _qlo_answer(call, _room_rates(call))
    told = f'Method with name "{wanted}" does not exist in Qlo Library,'
    raise Refusal(400, 48, told + did_you_mean(wanted, QLO_METHODS))


def _qlo_answer(call: Call, markup: str) -> Answer:
    """JSON of XML text is an empty list; `outputformat=json` dies of a modifier that PHP 7 has no more."""
    if call.request.params.get("outputformat") == "json":
        return Answer(200, b"", JSON)
    if call.json:
        return Answer(200, php_json([]).encode(), JSON)
    return call.answer(None, markup)


def _room_types(call: Call) -> str:
    hotel = call.request.params.get("id_hotel")
    if hotel is None:
        raise Refusal(400, 100, "You have to set 'id_hotel' parameter to get a result")
    found = "".join(
        f"<room_type>\n{_tag('name', one.name)}{_tag('id', one.id)}{_tag('status', one.active)}</room_type>\n"
        for one in call.shop.room_types
        if one.id_hotel == whole(hotel)
    )
    return f"<room_types>\n{found}</room_types>\n"


def _room_rates(call: Call) -> str:
    params = call.request.params
    if "id_hotel" not in params:
        message = "You have to set 'id_hotel', 'date_from' and 'date_to'parameters to get a result"
        raise Refusal(400, 100, message)
    start = day(params["date_from"]) if is_date(params.get("date_from")) else call.shop.clock().date()
    end = day(params["date_to"]) if is_date(params.get("date_to")) else start + timedelta(days=1)
    hotel, wanted = whole(params["id_hotel"]), whole(params.get("id_room_type", 0))
    types = [one for one in call.shop.room_types if one.id_hotel == hotel and (not wanted or one.id == wanted)]
    if not types and not wanted:
        call.warn("Invalid argument supplied for foreach()", RATES_FILE, 60)
    listed = "".join(_rates_of(call, types, night) for night in nights(start, end))
    return f"<getRoomRatesApi>\n{listed}</getRoomRatesApi>\n"


def _rates_of(call: Call, types: list[RoomType], night: date) -> str:
    rates = ""
    for one in types:
        end = night + timedelta(days=1)
        net, gross = quoted_price(call, one, night, end)
        free = len(free_rooms(call.shop, one.id, night, end, call.lines))
        price = f"<rate>\n{_tag('tax_inc', number(gross))}{_tag('tax_exc', number(net))}</rate>\n"
        rates += f"<room_type>\n{_tag('id', one.id)}{price}{_tag('available_rooms', free)}</room_type>\n"
    return f"<rate_list>\n{_tag('date', night.isoformat())}<room_types>\n{rates}</room_types>\n</rate_list>\n"


def _update_rates(call: Call, wanted: str) -> Answer:
    """A plain change of a rate fails in QloApps itself and changes nothing."""
    if wanted != "updRoomRateAvail":
        return Answer(200)
    try:
        parse(call.request.text)
    except Malformed:
        raise Refusal(500, 127, "Invalid json.") from None
    call.warn("implode(): Invalid arguments passed", FEATURE_FILE, 231)
    if not call.errors:
        raise Died("")
    return call.answer_of_errors()
