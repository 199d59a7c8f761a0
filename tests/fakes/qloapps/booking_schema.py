"""The schemas of `bookings`. They say `adults`, while the program reads `adult`."""

from __future__ import annotations

from typing import Any

from tests.fakes.double import Answer
from tests.fakes.qloapps.call import Call

HEAD = ("id_property!", "currency", "booking_status!", "payment_status!", "source", "booking_date", "remark")
SERVICE = (
    "id_service",
    "quantity",
    "price_mode",
    "name",
    "unit_price_without_tax",
    "total_price_without_tax",
    "id_tax_rules_group",
    "total_tax",
)
FACILITY = ("id_facility", "id_option", "name", "unit_price_without_tax", "id_tax_rules_group")
PLAIN = {
    "customer_detail": (
        "id_customer",
        "firstname!",
        "lastname!",
        "email!",
        "phone!",
        "address",
        "city",
        "zip",
        "state_code",
        "country_code",
    ),
    "price_details": ("total_paid", "total_price_with_tax"),
    "payment_detail": ("payment_type", "payment_method", "transaction_id"),
}
# A tuple is a list of things that have these fields, under the name of one of them.
Tree = tuple[Any, ...]
SERVICES: Tree = ("services", "service", SERVICE)
FACILITIES: Tree = ("facilities", "facility", FACILITY)
ROOM: Tree = (
    "id_room",
    "adults",
    "child",
    "child_ages",
    "unit_price_without_tax",
    "id_tax_rules_group",
    "total_tax",
    SERVICES,
    FACILITIES,
)
ROOM_TYPE: Tree = ("id_room_type!", "checkin_date!", "checkout_date!", "number_of_rooms!", ("rooms", "room", ROOM))
LISTS: dict[str, Tree] = {
    "cart_rules": ("cart_rule", ("name", "code", "type", "value", "currency")),
    "room_types": ("room_type", ROOM_TYPE),
}


def schema(call: Call, kind: str) -> Answer:
    blank = kind == "blank"
    fields = (*(("id",) if blank else ()), *HEAD, "id_language")
    plain = "".join(_plain_markup(name, PLAIN[name], blank=blank) for name in PLAIN)
    lists = "".join(_list_markup(name, *LISTS[name], blank=blank) for name in LISTS)
    told = "".join(_leaf(name, blank=blank) for name in fields)
    markup = f"<booking>\n{told}<associations>\n{plain}{lists}</associations>\n</booking>\n"
    return call.answer({"booking": _data()}, markup, ascii_only=True)


def _data() -> dict[str, Any]:
    fields = {name.rstrip("!"): "" for name in (*HEAD, "id_language")}
    plain = {name: {one.rstrip("!"): "" for one in PLAIN[name]} for name in PLAIN}
    return {**fields, "associations": {**plain, **{name: [_things(LISTS[name][1])] for name in LISTS}}}


def _things(tree: Tree) -> dict[str, Any]:
    data: dict[str, Any] = {}
    for one in tree:
        if isinstance(one, tuple):
            data[one[0]] = [_things(one[2])]
        else:
            data[one.rstrip("!")] = [] if one == "child_ages" else ""
    return data


def _plain_markup(name: str, fields: Tree, *, blank: bool) -> str:
    head = "" if blank else f'  api="{name}"'
    return f"<{name}{head}>\n{_inside(fields, blank=blank)}</{name}>\n"


def _list_markup(name: str, node: str, fields: Tree, *, blank: bool) -> str:
    head = "" if blank else f' nodeType="{node}" api="{name}"'
    return f"<{name}{head}>\n\t<{node}>\n{_inside(fields, blank=blank)}\t</{node}>\n</{name}>\n"


def _inside(fields: Tree, *, blank: bool) -> str:
    return "".join(
        f"<{one[0]}>\n\t<{one[1]}>\n{_inside(one[2], blank=blank)}\t</{one[1]}>\n</{one[0]}>\n"
        if isinstance(one, tuple)
        else _leaf(one, blank=blank)
        for one in fields
    )


def _leaf(name: str, *, blank: bool) -> str:
    needed = ' required="true"' if name.endswith("!") and not blank else ""
    name = name.rstrip("!")
    return f"\t<{name}{needed}></{name}>\n"
