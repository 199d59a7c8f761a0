"""The resources that QloApps serves alike: lists, single rows, schemas, POST, PUT and DELETE.

What makes these dangerous is kept: a field that a PUT leaves out is emptied, a PUT of an order takes the order out
of every list, a DELETE of an order leaves its rooms taken.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from tests.fakes.double import Answer
from tests.fakes.qloapps.call import Call, Died, Missing, Refusal
from tests.fakes.qloapps.markup import Malformed, Node, parse
from tests.fakes.qloapps.query import display_of, rows_of
from tests.fakes.qloapps.render import (
    entity_data,
    entity_markup,
    listing_data,
    listing_markup,
    schema_data,
    schema_markup,
)
from tests.fakes.qloapps.resources import RESOURCES, Field, Resource
from tests.fakes.qloapps.shop import STATES, CartBooking, Currency, Customer, FeaturePrice, Order
from tests.fakes.qloapps.values import (
    NEVER,
    decimal,
    is_date,
    is_email,
    is_name,
    is_phone,
    is_price,
    is_unsigned,
    stamp,
    whole,
)

Echo = dict[str, Any]
REQUEST_FILE = "classes/webservice/WebserviceRequest.php"
SCHEMA_HINT = (
    "Please select a schema of type 'synopsis' to get the whole schema informations (which fields are required, "
    "which kind of content...) or 'blank' to get an empty schema to fill before using POST request"
)
CHECKS: dict[str, Callable[[Any], bool]] = {
    "isUnsignedId": is_unsigned,
    "isUnsignedInt": is_unsigned,
    "isBool": lambda told: str(told) in ("0", "1"),
    "isName": is_name,
    "isEmail": is_email,
    "isDate": is_date,
    "isPrice": is_price,
}
CLASSES = {
    "customers": "Customer",
    "room_bookings": "HotelBookingDetail",
    "hotel_rooms": "HotelRoomInformation",
    "hotel_room_types": "HotelRoomType",
    "orders": "Order",
    "order_histories": "OrderHistory",
    "feature_prices": "HotelRoomTypeFeaturePricing",
    "currencies": "Currency",
    "cart_bookings": "HotelCartBookingData",
}


def serve(call: Call, name: str, row_id: str) -> Answer:
    """Raises Refusal, Missing or Died; the caller holds the shop's lock."""
    resource = RESOURCES.get(name)
    if resource is None:
        raise Refusal(501, 124, f"The double of QloApps has no resource {name}: teach it, or do not use it.")
    method = call.request.method
    if method in ("GET", "HEAD"):
        return _get(call, resource, row_id)
    if method not in resource.writes:
        raise Refusal(501, 124, f"The double of QloApps cannot {method} {name}: teach it, or do not use it.")
    return _delete(call, resource, row_id) if method == "DELETE" else _save(call, resource)


def _get(call: Call, resource: Resource, row_id: str) -> Answer:
    schema = call.request.params.get("schema")
    if not row_id and schema is not None:
        return _schema(call, resource, schema)
    if row_id:
        return _one(call, resource, row_id)
    rows, display = rows_of(call, resource), display_of(call, resource)
    if call.json:
        return call.answer(listing_data(call, resource, rows, display.wanted, display.full), "")
    return call.answer(None, listing_markup(call, resource, rows, display.wanted, display.full))


def _schema(call: Call, resource: Resource, schema: str) -> Answer:
    if schema not in ("blank", "synopsis"):
        raise Refusal(400, 28, SCHEMA_HINT)
    markup = schema_markup(call, resource.one, resource.fields, resource.associations, blank=schema == "blank")
    return call.answer(schema_data(resource), markup)


def _one(call: Call, resource: Resource, row_id: str) -> Answer:
    row = resource.table(call.shop).get(whole(row_id))
    display = display_of(call, resource, full=True)
    if row is None:
        raise Missing
    return _answer_with(call, resource, [row], display.wanted, {})


def _answer_with(
    call: Call, resource: Resource, rows: list[Any], wanted: set[str] | None, echo: Echo, status: int = 200
) -> Answer:
    """In JSON, a `display` in the query makes a list of one."""
    row = rows[-1]
    if call.json:
        data = entity_data(call, resource, row, wanted, echo)
        listed = "display" in call.request.params
        return call.answer({resource.many: [data]} if listed else {resource.one: data}, "", status)
    return call.answer(None, entity_markup(call, resource, row, wanted, echo), status)


def _delete(call: Call, resource: Resource, row_id: str) -> Answer:
    listed = re.fullmatch(r"\[(.*)\]", call.request.params.get("id", ""))
    ids = listed[1].split(",") if listed else [row_id]
    table = resource.table(call.shop)
    missing = [one for one in ids if table.get(whole(one)) is None]
    if missing:
        raise Refusal(404, 87, "Id(s) not exists: " + ", ".join(missing))
    for one in ids:
        table.delete(whole(one))
    return Answer(200)


def _save(call: Call, resource: Resource) -> Answer:
    entities = _read(call)
    _check_ids(call, entities)
    rows: list[Any] = []
    echo: Echo = {}
    for entity in entities:
        row = _row_to_change(call, resource, entity)
        echo = _told(resource, entity)
        _validate(resource, echo)
        rows.append(WRITERS.get((resource.name, call.request.method), _update)(call, resource, row, echo, entity))
    if not rows:
        raise Refusal(400, 90, "id is required when modifying a resource")
    status = 201 if call.request.method == "POST" else 200
    return _answer_with(call, resource, rows, None, echo, status)


def _read(call: Call) -> list[Node]:
    """Every resource but `bookings` takes XML only."""
    text = call.request.text
    try:
        return parse(text.removeprefix("xml=")).children
    except Malformed as fault:
        for complaint in fault.complaints if text else ():
            call.warn(f"SimpleXMLElement::__construct(): {complaint}", REQUEST_FILE, 1388)
    told = (
        f"XML error : String could not be parsed as XML\nXML length : {len(call.request.body)}\nOriginal XML : {text}"
    )
    raise Refusal(500, 127, told)


def _check_ids(call: Call, entities: list[Node]) -> None:
    given = [node.text for entity in entities if (node := entity.child("id")) and node.text]
    if call.request.method == "POST" and given:
        raise Refusal(400, 91, "id is forbidden when adding a new resource")
    if call.request.method == "PUT" and len(set(given)) != len(given):
        raise Refusal(400, 89, "id is duplicate in request")
    if call.request.method == "PUT" and len(given) != len(entities):
        raise Refusal(400, 90, "id is required when modifying a resource")


def _row_to_change(call: Call, resource: Resource, entity: Node) -> Any:
    if call.request.method == "POST":
        return None
    node = entity.child("id")
    row = resource.table(call.shop).get(whole(node.text if node else ""))
    if row is None:
        raise Refusal(404, 92, "Invalid ID")
    return row


def _told(resource: Resource, entity: Node) -> Echo:
    """The new values of every field: the text that came, and None for what did not come."""
    echo: Echo = {}
    for field in resource.fields:
        node = entity.child(field.name)
        if field.i18n:
            language = node.child("language") if node else None
            echo[field.name] = (language or node or Node("")).text
        elif node is not None and field.readonly:
            message = f'parameter "{field.name}" not writable. Please remove this attribute of this XML'
            raise Refusal(400, 93, message)
        elif node is not None:
            echo[field.name] = node.text
        elif field.required:
            raise Refusal(400, 41, f'parameter "{field.name}" required')
        elif not field.readonly:
            echo[field.name] = None
    return echo


def _validate(resource: Resource, echo: Echo) -> None:
    if resource.name == "customers" and not is_phone(str(echo["phone"]).strip()):
        raise Refusal(400, 85, 'Validation error: "Invalid phone."')
    for field in resource.fields:
        problem = _problem(field, echo.get(field.name))
        if problem:
            property_name = f"Property {CLASSES[resource.name]}->{field.name}"
            raise Refusal(400, 85, f'Validation error: "{property_name} {problem}"')


def _problem(field: Field, told: Any) -> str:
    if field.required and told == "":
        return "is empty"
    if field.size and len(told or "") > int(field.size):
        return f"length ({len(told)}) must be between 0 and {field.size}"
    check = CHECKS.get(field.check)
    return "is not valid" if told and told != "0" and check and not check(told) else ""


def _put_into(row: Any, resource: Resource, echo: Echo) -> None:
    for field in resource.fields:
        if field.name in echo and field.name != "id" and field.constant is None:
            setattr(row, field.name, _kept(field, echo[field.name]))


def _kept(field: Field, told: Any) -> Any:
    """What MySQL makes of it: no value becomes a zero, a day or nothing."""
    if field.kind == "int":
        return whole(told)
    if field.kind in ("money", "amount"):
        return decimal(told)
    if field.kind == "time":
        return f"{told or NEVER} 00:00:00"[:19] if len(str(told or NEVER)) == 10 else told or NEVER
    return told


def _update(call: Call, resource: Resource, row: Any, echo: Echo, entity: Node) -> Any:
    echo["date_upd"] = call.shop.now()
    _put_into(row, resource, echo)
    return row


def _add(call: Call, resource: Resource, row: Any, echo: Echo) -> Any:
    echo["date_add"] = echo["date_upd"] = call.shop.now()
    _put_into(row, resource, echo)
    return resource.table(call.shop).add(row)


def _add_customer(call: Call, resource: Resource, _row: Any, echo: Echo, _entity: Node) -> Any:
    """Nobody asks whether the e-mail is taken."""
    secret = call.shop.secret()
    generated = stamp(call.shop.clock() - timedelta(minutes=360))
    echo.update(secure_key=secret, last_passwd_gen=generated, id_lang=1, id_shop=1, id_shop_group="1")
    return _add(call, resource, Customer(groups=[]), echo)


def _add_history(call: Call, _resource: Resource, _row: Any, echo: Echo, _entity: Node) -> Any:
    """A new state of an order: the one safe way to cancel."""
    order, state = call.shop.orders.get(whole(echo["id_order"])), whole(echo["id_order_state"])
    if order is None or state not in STATES:
        raise Died("Invalid new order status")
    history = call.shop.change_state(order, state)
    echo.update(id_order_state=state, date_add=history.date_add)
    return history


def _update_order(call: Call, resource: Resource, row: Order, echo: Echo, _entity: Node) -> Any:
    """The state goes through a history; the shop, which no field names, becomes 0; the transaction's number is lost."""
    state = whole(echo["current_state"])
    if state in STATES:
        call.shop.change_state(row, state)
    echo.update(current_state=state, valid=str(row.valid), date_upd=call.shop.now())
    _put_into(row, resource, echo)
    row.id_shop, row.transaction_id = 0, None
    return row


def _add_feature_price(call: Call, resource: Resource, _row: Any, echo: Echo, entity: Node) -> Any:
    associations = entity.child("associations")
    groups = associations.child("groups") if associations else None
    ids = [whole(node.text) for group in (groups.children if groups else []) if (node := group.child("id"))]
    return _add(call, resource, FeaturePrice(groups=ids), echo)


def _add_currency(call: Call, resource: Resource, _row: Any, echo: Echo, _entity: Node) -> Any:
    if call.shop.currency_called(echo["iso_code"]) or decimal(echo["conversion_rate"]) <= 0:
        raise Refusal(500, 46, "Unable to save resource")
    return _add(call, resource, Currency(name="", iso_code="", iso_code_num="", sign=""), echo)


def _add_cart_booking(call: Call, resource: Resource, _row: Any, echo: Echo, _entity: Node) -> Any:
    """Kept, and looked at by nobody who asks for free rooms."""
    echo["extra_demands"] = "[]"
    return _add(call, resource, CartBooking(), echo)


WRITERS: dict[tuple[str, str], Callable[[Call, Resource, Any, Echo, Node], Any]] = {
    ("customers", "POST"): _add_customer,
    ("order_histories", "POST"): _add_history,
    ("orders", "PUT"): _update_order,
    ("feature_prices", "POST"): _add_feature_price,
    ("currencies", "POST"): _add_currency,
    ("cart_bookings", "POST"): _add_cart_booking,
}
