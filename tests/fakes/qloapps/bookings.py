"""`bookings`: what is sold over the web service, with everything that happens to it on the way."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from tests.fakes.double import Answer
from tests.fakes.qloapps.availability import free_rooms, stay_price
from tests.fakes.qloapps.booking_request import (
    COUNTRIES,
    FILE,
    NOT_FREE,
    Asked,
    AskedRoom,
    AskedType,
    of_type,
    phone_is_kept,
    read,
    refusal_of_post,
    refusal_of_put,
    type_key,
)
from tests.fakes.qloapps.booking_schema import schema
from tests.fakes.qloapps.call import Call, Died, Missing, Refusal, Uncaught
from tests.fakes.qloapps.rest import SCHEMA_HINT
from tests.fakes.qloapps.shop import (
    AWAITING,
    CANCELLED,
    PAID,
    PARTLY_PAID,
    REFUNDED,
    STATES,
    Address,
    CartBooking,
    Customer,
    FeaturePrice,
    Line,
    Order,
    Room,
    RoomType,
    Shop,
    Sold,
)
from tests.fakes.qloapps.values import (
    cents,
    decimal,
    filled,
    is_date,
    is_email,
    is_name,
    micros,
    midnight,
    stamp,
    whole,
)

NEW, COMPLETED, CANCELLING, REFUNDING = 1, 2, 3, 4
PAYMENT_TYPES = {"online": 1, "pay at hotel": 2, "remote": 3}
OBJECT_MODEL = "classes/ObjectModel.php"


@dataclass(frozen=True)
class Place:
    """A room in the cart. `nightly` is the price that the request has fixed."""

    room_type: RoomType
    room: Room
    start: date
    end: date
    adults: int
    children: int
    child_ages: str
    told: dict[str, Any]
    services: tuple[dict[str, Any], ...] = ()
    nightly: Decimal | None = None
    back_order: bool = False


def serve(call: Call, row_id: str) -> Answer:
    """Takes the shop's lock by itself, and lets it go where QloApps has none."""
    method, asked = call.request.method, call.request.params.get("schema")
    if method == "POST":
        return _post(call)
    if method == "PUT":
        return _put(call)
    with call.shop.lock:
        if row_id:
            return _picture(call, whole(row_id))
        if asked is None:
            return _listing(call)
        if asked not in ("blank", "synopsis"):
            raise Refusal(400, 28, SCHEMA_HINT)
        return schema(call, asked)


# POST


def _post(call: Call) -> Answer:
    shop, asked = call.shop, read(call)
    with shop.lock:
        problem = refusal_of_post(shop, asked)
    if problem:
        raise Refusal(400, 404, problem)
    _step(call, "checked")
    with shop.lock:
        customer = _known_customer(shop, asked.guest)
        cart = shop.carts.burn()
        places = _cart(call, asked.types.values(), cart)
    _step(call, "customer", places)
    with shop.lock:
        customer = _put_customer(call, customer, asked.guest)
    _step(call, "order", places)
    with shop.lock:
        order = _open_order(call, asked, customer, cart, places)
        details = _order_details(shop, places)
    for place in places:
        _sell(call, order, place, details[place.room_type.id])
    with shop.lock:
        _settle(call, asked, order)
        return _picture(call, order.id)


def _step(call: Call, name: str, places: Iterable[Place] = ()) -> None:
    """Between two statements, where others may come in."""
    if any(lie.rival == name for lie in call.lies):
        for place in places:
            front_desk_sells(call.shop, place.room, place.start, place.end)
    call.pass_by(name)


def front_desk_sells(shop: Shop, room: Room, start: date, end: date, source: str = "front desk") -> Order:
    """A booking that somebody makes in the back office, beside the web service."""
    with shop.lock:
        room_type = shop.room_types[room.id_product]
        net, gross = stay_price(shop, room_type, start, end)
        customer = shop.customer_called("walkin@example.com") or shop.customers.add(
            Customer(firstname="Walk", lastname="In", email="walkin@example.com", phone="1234567")
        )
        order = shop.orders.add(
            Order(id_customer=customer.id, source=source, reference=shop.reference(), payment="Pay at hotel")
        )
        order.id_cart, order.advance_paid_amount = shop.carts.burn(), gross
        order.add(net, gross)
        shop.change_state(order, AWAITING)
        limits = shop.limits_of(room_type.id)
        place = Place(room_type, room, start, end, limits.adults, limits.children, "[]", {})
        _write_line(shop, order, place, shop.order_details.burn(), (net, gross))
        return order


def _known_customer(shop: Shop, guest: dict[str, Any]) -> Customer | None:
    """By id, else by e-mail: an e-mail that is none ends the program in mid-sentence."""
    if filled(guest.get("id_customer")):
        return shop.customers.get(whole(guest["id_customer"]))
    if not is_email(guest.get("email")):
        raise Died("Fatal error")
    return shop.customer_called(str(guest["email"]))


def _cart(call: Call, types: Iterable[AskedType], cart: int) -> list[Place]:
    """The first free rooms. A wished room that has gone since the check is left out without a word."""
    places: list[Place] = []
    for asked in types:
        if asked.rooms:
            for room in asked.rooms.values():
                places += _picked(call, asked, room, places, 1)
        else:
            places += _picked(call, asked, None, places, max(1, asked.count))
    for place in places:
        booking = CartBooking(id_cart=cart, id_room=place.room.id, id_product=place.room_type.id)
        call.shop.cart_bookings.add(replace(booking, id_hotel=place.room.id_hotel))
        if place.nightly is not None:
            plans = call.shop.feature_prices
            plans.delete(plans.add(FeaturePrice(id_cart=cart)).id)
    return places


def _picked(call: Call, asked: AskedType, room: AskedRoom | None, taken: list[Place], count: int) -> list[Place]:
    shop = call.shop
    held = {place.room.id for place in taken if place.start < asked.end and asked.start < place.end}
    free = [
        one
        for one in free_rooms(shop, asked.room_type, asked.start, asked.end)
        if one.id not in held and (room is None or room.wish in (None, one.id))
    ]
    if len(free) < count:
        return []
    return [_place(shop, asked, room, one) for one in free[:count]]


def _place(shop: Shop, asked: AskedType, room: AskedRoom | None, picked: Room) -> Place:
    limits = shop.limits_of(asked.room_type)
    head = (shop.room_types[asked.room_type], picked, asked.start, asked.end)
    if room is None:
        return Place(*head, limits.adults, limits.children, "[]", {})
    fixed = room.told.get("unit_price_without_tax")
    nightly = None if fixed is None else _nightly(fixed, asked.start, asked.end)
    return Place(*head, room.adults, room.children, room.child_ages, room.told, tuple(room.services), nightly)


def _nightly(fixed: Any, start: date, end: date) -> Decimal:
    """`unit_price_without_tax` is the price of the stay, whatever its name says."""
    return micros(cents(decimal(fixed)) / max(1, (end - start).days))


def _put_customer(call: Call, customer: Customer | None, guest: dict[str, Any]) -> Customer:
    """A known e-mail gets the new name, in every earlier booking too."""
    shop = call.shop
    customer = _new_customer(call, guest) if customer is None else _renamed(customer, guest)
    shop.customers.touch(customer)
    if filled(guest.get("country_code")):
        _put_address(shop, customer, guest)
    return customer


def _new_customer(call: Call, guest: dict[str, Any]) -> Customer:
    """The phone is kept in a table of its own: a bad one leaves a customer behind, and no booking."""
    shop = call.shop
    _check_size(guest)
    for name in ("firstname", "lastname"):
        if not is_name(guest[name]):
            raise Uncaught(f"Property Customer->{name} is not valid")
    customer = shop.customers.add(
        Customer(
            firstname=str(guest["firstname"]),
            lastname=str(guest["lastname"]),
            email=str(guest["email"]),
            passwd=shop.secret(),
            secure_key=shop.secret(),
            last_passwd_gen=stamp(shop.clock() - timedelta(minutes=360)),
        )
    )
    if not phone_is_kept(guest["phone"]):
        raise Uncaught("Property CartCustomerGuestDetail->phone is not valid")
    customer.phone = str(guest["phone"])
    return customer


def _renamed(customer: Customer, guest: dict[str, Any]) -> Customer:
    """What is not valid is passed over in silence; what is too long is not."""
    _check_size({name: told for name, told in guest.items() if name != "phone"})
    for name, fits in (("firstname", is_name), ("lastname", is_name), ("email", is_email), ("phone", phone_is_kept)):
        if guest.get(name) is not None and fits(guest[name]):
            setattr(customer, name, str(guest[name]))
    return customer


def _check_size(guest: dict[str, Any]) -> None:
    for name, most in (("firstname", 32), ("lastname", 32), ("email", 128)):
        length = len(str(guest.get(name) or ""))
        if length > most:
            raise Uncaught(f"Property Customer->{name} length ({length}) must be between 0 and {most}")


def _put_address(shop: Shop, customer: Customer, guest: dict[str, Any]) -> None:
    country, states, _ = COUNTRIES[str(guest["country_code"]).upper()]
    address = next((one for one in shop.addresses if one.id_customer == customer.id and not one.deleted), None)
    if address is None:
        alias = "Generated by bookings API"
        address = shop.addresses.add(Address(id_customer=customer.id, alias=alias, auto_generated=1))
    address.firstname, address.lastname = str(guest["firstname"]), str(guest["lastname"])
    address.phone = str(guest.get("phone") or "")
    address.address1, address.city = str(guest["address"]), str(guest["city"])
    address.postcode, address.id_country = str(guest.get("zip") or ""), country
    address.id_state = states.index(str(guest["state_code"]).upper()) + 1 if states else 0


def _open_order(call: Call, asked: Asked, customer: Customer, cart: int, places: list[Place]) -> Order:
    shop = call.shop
    if not places:
        raise Refusal(400, 200, "Unable to create booking.")
    currency = shop.currency_called(asked.params["currency"]) or shop.currency
    payment = asked.part("payment_detail")
    order = Order(
        id_cart=cart,
        id_customer=customer.id,
        id_currency=currency.id,
        conversion_rate=currency.conversion_rate,
        id_lang=_language(shop, asked),
        id_address_tax=shop.hotels[places[0].room.id_hotel].id_address,
        source=str(asked.params.get("source") or call.request.header("Host")),
        payment=str(payment.get("payment_method") or "Order from API"),
        payment_type=PAYMENT_TYPES.get(str(payment.get("payment_type")), 1),
        secure_key=customer.secure_key,
        reference=shop.reference(),
    )
    for place in places:
        order.add(*_price(call, place, currency.conversion_rate))
        for sold in _sold_with(shop, place, currency.conversion_rate):
            order.add(sold.net, sold.gross)
    order.advance_paid_amount = order.total_paid
    if asked.params.get("remark") is not None:
        order.messages.append(re.sub(r"<(?!br>)[^>]*>", "", str(asked.params["remark"])))
    return shop.orders.add(order)


def _language(shop: Shop, asked: Asked) -> int:
    wanted = shop.languages.get(whole(asked.params.get("id_language")))
    return wanted.id if wanted and wanted.active else 1


def _price(call: Call, place: Place, rate: Decimal) -> tuple[Decimal, Decimal]:
    net, gross = stay_price(call.shop, place.room_type, place.start, place.end, rate, place.nightly)
    factor = next((lie.price for lie in call.lies if lie.price is not None), Decimal(1))
    return cents(net * factor), cents(gross * factor)


def _sold_with(shop: Shop, place: Place, rate: Decimal) -> list[Sold]:
    """The services that the request names; those that are added by themselves are taken out again."""
    return [_sold(shop, place, told, rate) for told in place.services]


def _sold(shop: Shop, place: Place, told: dict[str, Any], rate: Decimal) -> Sold:
    known = shop.services.get(whole(told.get("id_service")))
    quantity = max(1, whole(told.get("quantity", 1)))
    stay = (place.end - place.start).days
    method = known.price_calculation_method if known else whole(told.get("price_mode") or 1)
    times = quantity * (stay if method == 2 else 1)
    tax = shop.tax(known.id_tax_rules_group) if known else Decimal(0)
    net = cents(micros(known.price * rate) * times) if known else Decimal(0)
    gross = cents(micros(known.price * rate * (1 + tax)) * times) if known else Decimal(0)
    if told.get("unit_price_without_tax") is not None:
        net = cents(decimal(told["unit_price_without_tax"]) * times)
        gross = cents(net * (1 + tax))
    elif told.get("total_price_without_tax") is not None:
        net = cents(decimal(told["total_price_without_tax"]))
        gross = cents(net * (1 + tax))
    return Sold(
        service=known.id if known else shop.services.burn(),
        name=known.name if known else str(told.get("name")),
        quantity=quantity,
        net=net,
        gross=gross,
        shown=not (known and known.auto_add_to_cart),
        method=method,
    )


def _order_details(shop: Shop, places: list[Place]) -> dict[int, int]:
    """A row for each room type and for each service; only the first are seen again."""
    types = dict.fromkeys(place.room_type.id for place in places)
    details = {room_type: shop.order_details.burn() for room_type in types}
    shop.order_details.burn(len({str(told.get("id_service")) for place in places for told in place.services}))
    return details


def _sell(call: Call, order: Order, place: Place, detail: int) -> None:
    """One last look, then the row. No lock is between the two, only how short the moment is."""
    with call.shop.lock:
        decided = _decided(call.shop, place)
        if not call.gap:
            _write_decided(call, order, place, decided, detail)
            return
    _step(call, "write", [decided])
    with call.shop.lock:
        _write_decided(call, order, place, decided, detail)


def _decided(shop: Shop, place: Place) -> Place:
    """If the room has gone, another one is taken without a word; if none is left, the booking is a back order."""
    free = free_rooms(shop, place.room_type.id, place.start, place.end)
    if place.room in free:
        return place
    return replace(place, room=free[0]) if free else replace(place, back_order=True)


def _write_decided(call: Call, order: Order, wanted: Place, place: Place, detail: int) -> None:
    """A swapped room loses its fixed price and its services: both were kept under the room that was wanted."""
    swapped = place.room.id != wanted.room.id
    place = replace(place, nightly=None, services=()) if swapped else place
    price = _price(call, place, order.conversion_rate)
    line = _write_line(call.shop, order, place, detail, price)
    line.services = _sold_with(call.shop, place, order.conversion_rate)
    call.told[line.id] = {} if swapped else place.told


def _write_line(shop: Shop, order: Order, place: Place, detail: int, price: tuple[Decimal, Decimal]) -> Line:
    hotel = shop.hotels[place.room.id_hotel]
    return shop.lines.add(
        Line(
            id_product=place.room_type.id,
            id_hotel=hotel.id,
            id_order=order.id,
            id_order_detail=detail,
            id_cart=order.id_cart,
            id_room=place.room.id,
            id_customer=order.id_customer,
            date_from=midnight(place.start),
            date_to=midnight(place.end),
            total_price_tax_excl=price[0],
            total_price_tax_incl=price[1],
            total_paid_amount=price[1],
            is_back_order=int(place.back_order),
            room_num=place.room.room_num,
            room_type_name=place.room_type.name,
            hotel_name=hotel.hotel_name,
            city=hotel.city,
            state=hotel.state,
            country=hotel.country,
            zipcode=hotel.zipcode,
            phone=hotel.phone,
            email=hotel.email,
            check_in_time=hotel.check_in,
            check_out_time=hotel.check_out,
            adults=place.adults,
            children=place.children,
            child_ages=place.child_ages,
        )
    )


def _settle(call: Call, asked: Asked, order: Order) -> None:
    """The states of a new order. A back order is cancelled at once, and then its state is set as if it were not."""
    shop = call.shop
    paid = decimal(asked.prices.get("total_paid", 0))
    state, paid = _wanted_state(asked, order, paid)
    first = AWAITING if STATES[state][2] else state
    if STATES[first][1]:
        shop.pay(order, cents(paid), order.payment, order.payment_type)
    shop.change_state(order, first)
    if any(line.is_back_order for line in shop.lines_of(order.id)):
        shop.change_state(order, CANCELLED)
    _apply_taxes(call, order)
    _fix_total(call, order, asked)
    if order.current_state != state:
        shop.change_state(order, state)
    if is_date(asked.params.get("booking_date")):
        told = str(asked.params["booking_date"])
        order.date_add = told if len(told) > 10 else f"{told} 00:00:00"
    shop.orders.touch(order)


def _wanted_state(asked: Asked, order: Order, paid: Decimal) -> tuple[int, Decimal]:
    status = whole(asked.params.get("booking_status") or NEW)
    if status in (CANCELLING, REFUNDING):
        return {CANCELLING: CANCELLED, REFUNDING: REFUNDED}[status], paid
    if status == COMPLETED:
        return (PARTLY_PAID if 0 < paid < order.total_paid else PAID), paid or order.total_paid
    if 0 < paid < order.total_paid:
        return PARTLY_PAID, paid
    return (PAID if paid >= order.total_paid else _paid_state(asked)), paid


def _paid_state(asked: Asked) -> int:
    return {1: PAID, 2: PARTLY_PAID}.get(whole(asked.params.get("payment_status")), AWAITING)


def _apply_taxes(call: Call, order: Order) -> None:
    """A tax that the request gives for a room. The difference is added with the wrong sign, as QloApps adds it."""
    shop = call.shop
    for line in shop.lines_of(order.id):
        told = call.told.get(line.id, {})
        if whole(told.get("id_tax_rules_group")) and shop.tax_groups.get(whole(told["id_tax_rules_group"])):
            wanted = line.total_price_tax_excl * (1 + shop.tax(whole(told["id_tax_rules_group"])))
        elif told.get("total_tax") is not None:
            wanted = line.total_price_tax_excl + decimal(told["total_tax"])
        else:
            continue
        difference = micros(line.total_price_tax_incl - wanted)
        line.total_price_tax_incl += difference
        order.total_paid += difference
        order.total_paid_tax_incl += difference
        order.total_products_wt += difference


def _fix_total(call: Call, order: Order, asked: Asked) -> None:
    """`total_price_with_tax`: more than the computed total is spread over the rooms, less divides by zero."""
    wanted = decimal(asked.prices.get("total_price_with_tax") or 0)
    if not int(wanted) or wanted == order.total_paid_tax_incl:
        return
    if wanted < order.total_paid_tax_incl:
        call.warn("Division by zero", FILE, 986)
        return
    lines = call.shop.lines_of(order.id)
    fixed = [line for line in lines if call.told.get(line.id, {}).get("unit_price_without_tax") is not None]
    rest = wanted - sum((line.total_price_tax_incl for line in fixed), Decimal(0))
    rest -= sum((sold.gross for line in lines for sold in line.services), Decimal(0))
    open_lines = [line for line in lines if line not in fixed]
    if rest > 0 and open_lines:
        _spread(order, open_lines, rest)
    elif rest > 0 and lines:
        extra = Sold(
            service=call.shop.services.burn(),
            name="Created By API",
            quantity=1,
            net=cents(rest),
            gross=cents(rest),
            shown=True,
            method=1,
        )
        lines[0].services.append(extra)
        order.add(extra.net, extra.gross)


def _spread(order: Order, lines: list[Line], total: Decimal) -> None:
    before = sum((line.total_price_tax_incl for line in lines), Decimal(0))
    for line in lines:
        gross = line.total_price_tax_incl / before * total
        net = gross / (line.total_price_tax_incl / line.total_price_tax_excl)
        order.add(cents(net) - line.total_price_tax_excl, cents(gross) - line.total_price_tax_incl)
        line.total_price_tax_incl, line.total_price_tax_excl = cents(gross), cents(net)


# PUT


def _put(call: Call) -> Answer:
    """The id in the body counts. Rooms that are already booked as wanted stay as they are; the others are added
    before the old ones go, so that the booking's own room is in its own way."""
    shop, asked = call.shop, read(call)
    with shop.lock:
        problem = refusal_of_put(shop, asked)
        if problem:
            raise Refusal(400, 404, problem)
        _put_customer(call, _known_customer(shop, asked.guest), asked.guest)
        order = shop.orders[whole(asked.params["id"])]
        kept, removed, added = _matched(shop, order, asked)
        _check_added(shop, asked, added)
        cart = shop.carts.burn() if added else 0
        places = _cart(call, added, cart)
    _step(call, "order", places)
    with shop.lock:
        if added:
            _add_rooms(call, asked, order, places, cart)
        _update_kept(call, order, kept)
        for line in removed:
            _remove(shop, order, line)
        _finish_put(call, asked, order)
        return _picture(call, order.id)


Kept = list[tuple[Line, AskedRoom | None]]


def _matched(shop: Shop, order: Order, asked: Asked) -> tuple[Kept, list[Line], list[AskedType]]:
    """Lines of the same type and nights stay, with what the request says of their room."""
    rest = {key: replace(one, rooms=dict(one.rooms)) for key, one in asked.types.items()}
    kept: Kept = []
    removed: list[Line] = []
    for line in shop.lines_of(order.id):
        key = type_key(line.id_product, line.date_from[:10], line.date_to[:10])
        if key not in rest:
            removed.append(line)
            continue
        rooms = rest[key].rooms
        room = rooms.pop(f"r_{line.id_room}", None)
        if room is None and "0" in rooms:
            room = rooms.pop(next(iter(rooms)))
            rest[key].rooms = {str(place): one for place, one in enumerate(rooms.values())}
        kept.append((line, room))
        rest[key].count -= 1
        if rest[key].count <= 0:
            del rest[key]
    return kept, removed, list(rest.values())


def _check_added(shop: Shop, asked: Asked, added: list[AskedType]) -> None:
    hotel = whole(asked.params["id_property"])
    problem = next((words for one in added if (words := of_type(shop, one, hotel)) is not None), None)
    if problem is not None:
        raise Refusal(400, 404, problem or NOT_FREE)


def _add_rooms(call: Call, asked: Asked, order: Order, places: list[Place], cart: int) -> None:
    """Nobody looks again whether the rooms are still free."""
    shop = call.shop
    currency = shop.currency_called(asked.params.get("currency")) or shop.currency
    details = _order_details(shop, places)
    shop.order_details.burn()
    for place in places:
        price = _price(call, place, currency.conversion_rate)
        order.add(*price)
        line = _write_line(shop, order, place, details[place.room_type.id], price)
        line.id_cart = cart
        call.told[line.id] = place.told
        line.services = _sold_with(shop, place, currency.conversion_rate)
        for sold in line.services:
            order.add(sold.net, sold.gross)


def _update_kept(call: Call, order: Order, kept: Kept) -> None:
    """Price and services of a room that stays. Its occupancy is not looked at."""
    shop = call.shop
    for line, room in kept:
        if room is not None:
            call.told[line.id] = room.told
            if room.told.get("unit_price_without_tax") is not None:
                _reprice(shop, order, line, room)
            _drop_services(order, line)
            _add_services(shop, order, line, room)
    without = next((line for line, room in kept if room is None), None)
    if without:
        _drop_services(order, without)


def _reprice(shop: Shop, order: Order, line: Line, room: AskedRoom) -> None:
    place = _place_of(shop, line)
    nightly = _nightly(room.told["unit_price_without_tax"], place.start, place.end)
    net, gross = stay_price(shop, place.room_type, place.start, place.end, nightly=nightly)
    order.add(net - line.total_price_tax_excl, gross - line.total_price_tax_incl)
    line.total_price_tax_excl, line.total_price_tax_incl = net, gross
    line.total_paid_amount = net
    shop.lines.touch(line)
    shop.feature_prices.burn()


def _place_of(shop: Shop, line: Line) -> Place:
    start, end = date.fromisoformat(line.date_from[:10]), date.fromisoformat(line.date_to[:10])
    room_type, room = shop.room_types[line.id_product], shop.rooms[line.id_room]
    return Place(room_type, room, start, end, line.adults, line.children, line.child_ages, {})


def _drop_services(order: Order, line: Line) -> None:
    for sold in line.services:
        order.add(-sold.net, -sold.gross)
    line.services = []


def _add_services(shop: Shop, order: Order, line: Line, room: AskedRoom) -> None:
    place = replace(_place_of(shop, line), services=tuple(room.services))
    line.services = _sold_with(shop, place, order.conversion_rate)
    for sold in line.services:
        order.add(sold.net, sold.gross)


def _remove(shop: Shop, order: Order, line: Line) -> None:
    _drop_services(order, line)
    order.add(-line.total_price_tax_excl, -line.total_price_tax_incl)
    shop.lines.delete(line.id)


def _finish_put(call: Call, asked: Asked, order: Order) -> None:
    shop, remark = call.shop, asked.params.get("remark")
    _apply_taxes(call, order)
    if filled(remark) and str(remark).strip() and str(remark) not in order.messages:
        order.messages.insert(0, str(remark))
    _fix_total(call, order, asked)
    if asked.params.get("booking_status") is not None:
        state = _state_of_put(asked)
        if order.current_state != state:
            shop.change_state(order, state)
    paid = decimal(asked.prices.get("total_paid") or 0)
    if paid and asked.part("payment_detail") and paid != order.total_paid_real:
        shop.pay(order, paid - order.total_paid_real, order.payment)
    shop.orders.touch(order)


def _state_of_put(asked: Asked) -> int:
    states = {CANCELLING: CANCELLED, REFUNDING: REFUNDED, COMPLETED: PAID}
    return states.get(whole(asked.params["booking_status"])) or _paid_state(asked)


# GET


def _listing(call: Call) -> Answer:
    """Bare ids in the order of an index; filters, limits and `display` are not looked at."""
    orders = sorted(call.shop.orders, key=lambda order: (order.id_customer, order.id))
    data = {"bookings": [{"id": order.id} for order in orders]} if orders else []
    base = call.request.base
    markup = "".join(f'<booking xlink:href="{base}bookings/{order.id}" id="{order.id}"/>\n' for order in orders)
    return call.answer(data, f"<bookings>\n{markup}</bookings>\n")


def _picture(call: Call, order_id: int) -> Answer:
    """No state, no reference, nothing about cancelling: a booking that is none any more looks as good as new."""
    order = call.shop.orders.get(order_id)
    if order is None:
        raise Missing
    data = {"booking": _booking(call, order)}
    return call.answer(data, _markup(data), ascii_only=True)


def _booking(call: Call, order: Order) -> dict[str, Any]:
    shop, lines = call.shop, call.shop.lines_of(order.id)
    return {
        "id": order.id,
        "id_property": lines[0].id_hotel if lines else 0,
        "currency": shop.currencies[order.id_currency].iso_code,
        "source": order.source,
        "booking_date": order.date_add,
        "id_language": order.id_lang,
        "associations": {
            "customer_detail": _customer(shop.customers.get(order.id_customer)),
            "price_details": {
                "total_paid": cents(order.total_paid_real),
                "total_price_without_tax": cents(order.total_paid_tax_excl),
                "total_tax": cents(order.total_paid_tax_incl - order.total_paid_tax_excl),
            },
            "cart_rules": [],
            "remarks": list(order.messages),
            "room_types": _room_types(call, lines),
        },
    }


def _customer(customer: Customer | None) -> dict[str, Any]:
    known = customer or Customer()
    names = ("firstname", "lastname", "email", "phone")
    return {"id_customer": known.id, **{name: getattr(known, name) for name in names}}


def _room_types(call: Call, lines: list[Line]) -> list[dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for line in lines:
        tax = line.total_price_tax_incl - line.total_price_tax_excl
        one = found.setdefault(
            type_key(line.id_product, line.date_from, line.date_to),
            {
                "id_room_type": line.id_product,
                "checkin_date": line.date_from,
                "checkout_date": line.date_to,
                "total_tax": Decimal(0),
                "number_of_rooms": 0,
                "name": line.room_type_name,
                "rooms": [],
            },
        )
        one["total_tax"] = cents(one["total_tax"] + tax)
        one["number_of_rooms"] += 1
        one["rooms"].append(_room_of(call, line, tax))
    return list(found.values())


def _room_of(call: Call, line: Line, tax: Decimal) -> dict[str, Any]:
    if call.shop.group_shows_net:
        call.notice("Undefined variable: useTax", FILE, 3463)
        call.notice("Undefined variable: useTax", FILE, 3494)
    room = {
        "id_room": line.id_room,
        "id_hotel_booking": line.id,
        "adults": line.adults,
        "child": line.children,
        "unit_price_without_tax": cents(line.total_price_tax_excl),
        "total_tax": cents(tax),
    }
    shown = [_service(sold) for sold in line.services if sold.shown]
    return {**room, "services": shown} if shown else room


def _service(sold: Sold) -> dict[str, Any]:
    return {
        "id_service": sold.service,
        "name": sold.name,
        "quantity": sold.quantity,
        "unit_price_without_tax": cents(sold.net / sold.quantity),
        "total_price_without_tax": sold.net,
        "total_tax": cents(sold.gross - sold.net),
        "per_night": int(sold.method == 2),
        "price_mode": sold.method,
    }


NODES = {"room_types": "room_type", "rooms": "room", "services": "service", "remarks": "remark"}


def _markup(data: Any, parent: str = "") -> str:
    items = data.items() if isinstance(data, dict) else ((NODES[parent], one) for one in data)
    return "".join(_element(name, told) for name, told in items)


def _element(name: str, told: Any) -> str:
    """What is empty is told as 0."""
    if isinstance(told, dict | list) and told:
        return f"<{name}>{_markup(told, name)}</{name}>"
    shown = told if filled(told) else 0
    shown = int(shown) if isinstance(shown, Decimal) and shown == shown.to_integral_value() else shown
    return f"<{name}><![CDATA[{shown}]]></{name}>\n"
