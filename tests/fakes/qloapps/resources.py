"""The resources of the web service and their fields, in the order in which QloApps lists them.

A field is a line: its name, its kind (int, money with six decimals, amount with two, text, time) and then
`>resource` that XML links to, `!` required, `~isWhat` and `#32` told by schemas, `i18n` one value a language,
`readonly` (written: error 93), `dynamic` (read by a method: no filter), `=value` a column that never matters here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.fakes.qloapps.shop import Shop, Table

METHODS = ("GET", "PUT", "POST", "DELETE", "HEAD")


@dataclass(frozen=True)
class Field:
    name: str
    kind: str = "text"
    link: str = ""
    required: bool = False
    check: str = ""
    size: str = ""
    i18n: bool = False
    readonly: bool = False
    dynamic: bool = False
    constant: str | None = None

    def schema(self) -> list[tuple[str, str]]:
        """What a synopsis says about it."""
        told = [("required", "true" if self.required else ""), ("maxSize", self.size), ("format", self.check)]
        return [(name, value) for name, value in told if value]


@dataclass(frozen=True)
class Association:
    """Rows that belong to a row, as dicts of their fields."""

    name: str
    node: str
    fields: tuple[str, ...] = ("id",)
    links: tuple[str, ...] = ("",)
    virtual: bool = False
    read: Callable[[Shop, Any], list[dict[str, Any]]] = lambda shop, row: []


@dataclass(frozen=True)
class Resource:
    """`text_id`: the id is told as text, because the table's key is named just `id`."""

    name: str
    many: str
    one: str
    table: Callable[[Shop], Table[Any]]
    fields: tuple[Field, ...]
    associations: tuple[Association, ...] = ()
    text_id: bool = False
    writes: tuple[str, ...] = ()
    sort: Callable[[Any], Any] = lambda row: row.id
    listed: Callable[[Any], bool] = lambda row: True

    def field(self, name: str) -> Field | None:
        return next((one for one in self.fields if one.name == name), None)


def _fields(table: str) -> tuple[Field, ...]:
    return tuple(_field(line) for line in table.strip().splitlines())


def _field(line: str) -> Field:
    name, kind, *rest = line.split()
    given: dict[str, Any] = {}
    for word in rest:
        mark, told = word[0], word[1:]
        if mark == "=":
            given["constant"] = told
        elif mark in ">~#":
            given[{">": "link", "~": "check", "#": "size"}[mark]] = told
        else:
            given["required" if word == "!" else word] = True
    return Field(name, kind, **given)


def _ids(*ids: int | str) -> list[dict[str, Any]]:
    return [{"id": str(one)} for one in ids]


HOTELS = _fields("""
id int
phone text !
address text !
id_country int ! >countries
id_state int >states
city text !
zipcode text
id_default_image text dynamic =
use_global_max_order_date int =1
max_order_date text =0000-00-00
use_global_preparation_time int =1
preparation_time text =0
id_category int ~isUnsignedId =5
email text ! ~isEmail #255
rating int ! ~isUnsignedId
check_in text !
check_out text !
active int ~isBool
latitude text ~isFloat =0.00000000
longitude text ~isFloat =0.00000000
map_formated_address text ~isCleanHtml =
map_input_text text ~isString =
active_refund int ~isBool =0
date_add time ~isDate
date_upd time ~isDate
policies text ~isCleanHtml i18n =
hotel_name text ! ~isGenericName i18n
description text ~isCleanHtml i18n =
short_description text ~isCleanHtml i18n =
""")

HOTEL_ROOM_TYPES = _fields("""
id int
id_product int >room_types ~isInt
id_hotel int >hotels ~isInt
adults int ~isInt
children int ~isInt
max_adults int ~isUnsignedInt
max_children int ~isUnsignedInt
max_guests int ~isUnsignedInt
min_los int ~isUnsignedInt
max_los int ~isUnsignedInt
date_add time ~isDate
date_upd time ~isDate
""")

ROOM_TYPES = _fields("""
id int
id_hotel int >hotels
adults int
children int
id_manufacturer int =0
id_supplier int =0
id_category_default int =8
new text =null
cache_default_attribute text =0
id_default_image int dynamic
id_tax_rules_group int >tax_rule_groups
position_in_category text dynamic =1
type text dynamic =virtual
id_shop_default int =1
reference text =
supplier_reference text =
location text =
width text =0.000000
height text =0.000000
depth text =0.000000
weight text =0.000000
quantity_discount text =0
ean13 text =
upc text =
cache_is_pack text =0
cache_has_attachments text =0
is_virtual text =1
on_sale text =0
online_only text =0
ecotax text =0.000000
minimal_quantity text =1
allow_multiple_quantity text =0
max_quantity text =0
price_calculation_method text =0
price money ! ~isPrice
wholesale_price text =0.000000
unity text =
unit_price_ratio text =0.000000
additional_shipping_cost text =0.00
customizable text =0
text_fields text =0
uploadable_files text =0
active int ~isBool
redirect_type text =
id_product_redirected text =0
available_for_order text =1
available_date text =0000-00-00
condition text =new
auto_add_to_cart text =0
price_addition_type text =0
show_at_front text =1
show_price text =1
indexed text =1
visibility text =both
advanced_stock_management text =0
date_add time ~isDate
date_upd time ~isDate
pack_stock_type text =3
meta_description text i18n =
meta_keywords text i18n =
meta_title text i18n =
link_rewrite text ! i18n
name text ! i18n
description text i18n =
description_short text i18n =
available_now text i18n =
available_later text i18n =
""")

HOTEL_ROOMS = _fields("""
id int
id_product int >products ~isUnsignedId
id_hotel int >hotels ~isUnsignedId readonly
room_num text
id_status int ~isUnsignedInt
floor text
comment text
date_add time ~isDate
date_upd time ~isDate
""")

SERVICES = _fields("""
id int
id_tax_rules_group int >tax_rule_groups
price_calculation_method int
price money ! ~isPrice
active int ~isBool
auto_add_to_cart int
price_addition_type int
date_add time ~isDate
date_upd time ~isDate
name text ! i18n
""")

CURRENCIES = _fields("""
id int
name text ! ~isGenericName #32
iso_code text ! ~isLanguageIsoCode #3
iso_code_num text ~isNumericIsoCode #3
blank int ~isInt
sign text ! ~isGenericName #8
format int ! ~isUnsignedId
decimals int ! ~isBool
conversion_rate money ! ~isUnsignedFloat
deleted int ~isBool
active int ~isBool
""")

LANGUAGES = _fields("""
id int
name text ! ~isGenericName #32
iso_code text ! ~isLanguageIsoCode #2
active int ~isBool
""")

ORDER_STATES = _fields("""
id int
unremovable text =1
delivery text =0
hidden text =0
invoice int ~isBool
logable int ~isBool
paid int ~isBool
deleted text ~isBool =0
name text ! ~isGenericName #64 i18n
""")

TAX_RULE_GROUPS = _fields("""
id int
name text ! ~isGenericName #64
active int ~isBool
deleted int ~isBool
date_add time ~isDate
date_upd time ~isDate
""")

FEATURE_PRICES = _fields("""
id int
id_product int ! >room_types ~isUnsignedId
id_cart int ~isUnsignedId
id_guest int ~isUnsignedId
id_room int ~isUnsignedId
date_from text ! ~isDate
date_to text ~isDate
impact_way int ! ~isUnsignedId
is_special_days_exists int !
date_selection_type int ! ~isUnsignedId
special_days text ~isString
impact_type int ! ~isUnsignedId
impact_value money !
active int
date_add time ~isDate
date_upd time ~isDate
feature_price_name text ! #128 ~isCatalogName i18n
""")

CUSTOMERS = _fields("""
id int
id_default_group int >groups
id_lang int >languages ~isUnsignedId
newsletter_date_add time
ip_registration_newsletter text
last_passwd_gen time
secure_key text ~isMd5
deleted int ~isUnsignedInt
passwd text ! ~isPasswd #32
phone text !
lastname text ! ~isName #32
firstname text ! ~isName #32
email text ! ~isEmail #128
id_gender int ~isUnsignedId
birthday text ~isBirthDate
newsletter int ~isBool
optin int ~isBool
website text ~isUrl
company text ~isGenericName
siret text ~isSiret
ape text ~isApe
outstanding_allow_amount money ~isFloat
show_public_prices int ~isBool
id_risk int ~isUnsignedInt
max_payment_days int ~isUnsignedInt
active int ~isBool
note text ~isCleanHtml #65000
is_guest int ~isBool
id_shop int ~isUnsignedId
id_shop_group int ~isUnsignedId
date_add time ~isDate
date_upd time ~isDate
""")

ADDRESSES = _fields("""
id int
id_customer int ! >customers ~isNullOrUnsignedId
id_manufacturer int >manufacturers =0
id_supplier int >suppliers =0
id_warehouse int >warehouse =0
id_country int ! >countries ~isUnsignedId
id_state int >states ~isNullOrUnsignedId
alias text ! ~isGenericName #32
company text ~isGenericName #255 =
lastname text ! ~isGenericName #32
firstname text ! ~isGenericName #32
vat_number text ~isGenericName =
address1 text ! ~isAddress #128
address2 text ~isAddress #128
postcode text ~isPostCode #12
city text ! ~isCityName #64
other text ~isMessage #300 =
phone text ~isPhoneNumber #32
phone_mobile text ~isPhoneNumber #32 =
dni text ~isDniLite #16 =
deleted int ~isBool
auto_generated int ~isBool
date_add time ~isDate
date_upd time ~isDate
""")

ORDERS = _fields("""
id int
id_address_delivery int ! >addresses ~isUnsignedId
id_address_invoice int ! >addresses ~isUnsignedId
id_address_tax int >addresses ~isUnsignedId
id_cart int ! >carts ~isUnsignedId
id_currency int ! >currencies ~isUnsignedId
id_lang int ! >languages ~isUnsignedId
id_customer int ! >customers ~isUnsignedId
current_state int >order_states ~isUnsignedId
module text ~isModuleName
invoice_number int
invoice_date time
valid int
date_add time ~isDate
date_upd time ~isDate
transaction_id text dynamic
secure_key text ~isMd5
payment text ! ~isGenericName
payment_type int ~isUnsignedInt
total_discounts money ~isPrice
total_discounts_tax_incl money ~isPrice
total_discounts_tax_excl money ~isPrice
total_paid money ! ~isPrice
total_paid_tax_incl money ~isPrice
total_paid_tax_excl money ~isPrice
total_paid_real money ! ~isPrice
total_products money ! ~isPrice
total_products_wt money ! ~isPrice
conversion_rate money ! ~isFloat
source text
reference text
is_advance_payment int ~isUnsignedId
advance_paid_amount money ~isPrice
with_occupancy int ~isUnsignedId
""")

ORDER_HISTORIES = _fields("""
id int
id_employee int >employees
id_order_state int ! >order_states ~isUnsignedId
id_order int ! >orders ~isUnsignedId
date_add time ~isDate
""")

ORDER_PAYMENTS = _fields("""
id int
order_reference text ~isAnything #9
id_currency int ! ~isUnsignedId
amount amount ! ~isNegativePrice
payment_method text ~isGenericName
payment_type int ! ~isUnsignedId
conversion_rate money ~isFloat
transaction_id text ~isAnything #254
card_number text ~isAnything #254 =
card_brand text ~isAnything #254 =
card_expiration text ~isAnything #254 =
card_holder text ~isAnything #254 =
date_add time ~isDate
""")

ROOM_BOOKINGS = _fields("""
id int
id_product int ! >products ~isUnsignedId
id_hotel int ! >hotels ~isUnsignedId
id_order int ! >orders ~isUnsignedId
id_order_detail int ! ~isUnsignedId
id_cart int ! ~isUnsignedId
id_room int ! ~isUnsignedId
id_customer int ! ~isUnsignedId
booking_type int ! ~isUnsignedId
id_status int ! ~isUnsignedId
comment text
check_in time
check_out time
date_from time ! ~isDate
date_to time ! ~isDate
total_price_tax_excl money ! ~isPrice
total_price_tax_incl money ! ~isPrice
total_paid_amount money ! ~isPrice
is_refunded int ~isUnsignedId
is_cancelled int ~isUnsignedId
is_back_order int ~isUnsignedId
room_num text
room_type_name text
hotel_name text
city text
state text
country text
zipcode text
phone text
email text
check_in_time text
check_out_time text
adults int
children int
child_ages text
date_add time ~isDate
date_upd time ~isDate
""")

CART_BOOKINGS = _fields("""
id int
id_hotel int >hotels ~isUnsignedId
id_product int >products ~isUnsignedId
id_room int >hotel_rooms ~isUnsignedId
id_cart int ~isUnsignedId
id_guest int ~isUnsignedId
id_order int ~isUnsignedId
id_customer int ~isUnsignedId
id_currency int ~isUnsignedId
quantity int ~isUnsignedId
booking_type int ~isUnsignedId
comment text
is_refunded int ~isUnsignedId
is_back_order int ~isUnsignedId
date_from time ~isDate
date_to time ~isDate
adults int ~isInt
children int ~isInt
child_ages text
extra_demands text
date_add time ~isDate
date_upd time ~isDate
""")

HOTEL_ARI = _fields("""
id_hotel int ! ~isUnsignedInt
id_room_type int ~isUnsignedInt
date_from time ! ~isDate
date_to time ! ~isDate
get_available_rooms int ~isBool
get_booked_rooms int ~isBool
get_partial_available_rooms int ~isBool
get_unavailable_rooms int ~isBool
date_wise_breakdown int ~isBool
""")


def _groups(row: Any) -> list[dict[str, Any]]:
    return _ids(*row.groups)


GROUPS = Association("groups", "group", read=lambda shop, row: _groups(row))
ROOMS_OF_LIMITS = Association(
    "hotel_rooms",
    "hotel_room",
    read=lambda shop, row: _ids(*[room.id for room in shop.rooms if room.id_product == row.id_product]),
)
OF_A_HOTEL = (
    Association(
        "room_types",
        "room_types",
        read=lambda shop, row: _ids(*[one.id for one in shop.room_types if one.id_hotel == row.id]),
    ),
    Association("images", "image"),
    Association("hotel_features", "hotel_feature"),
    Association("hotel_refund_rules", "hotel_refund_rule"),
)
ADVANCE = {"payment_type": "0", "tax_include": "0", "value": "0.000000", "active": "0", "calculate_from": "0"}
OF_A_ROOM_TYPE = (
    Association(
        "advance_payments",
        "advance_payment",
        ("id", *ADVANCE),
        read=lambda shop, row: [{"id": str(row.id), **ADVANCE}],
    ),
    Association("categories", "category", read=lambda shop, row: _ids(2, 3, 5, 6, 7, 8)),
    Association("images", "image", read=lambda shop, row: _ids(*row.pictures)),
    Association("room_type_features", "room_type_feature", read=lambda shop, row: _ids(1, 2, 3, 4)),
    Association(
        "hotel_rooms",
        "hotel_room",
        read=lambda shop, row: _ids(*[room.id for room in shop.rooms if room.id_product == row.id]),
    ),
    Association(
        "services",
        "service",
        ("id", "price", "id_tax_rules_group"),
        read=lambda shop, row: [
            {"id": str(one.id), "price": None, "id_tax_rules_group": None} for one in shop.services
        ],
    ),
)
LINES_OF_AN_ORDER = Association(
    "bookings",
    "booking",
    virtual=True,
    read=lambda shop, row: _ids(*[line.id for line in shop.lines_of(row.id)]),
)
DEMANDS_OF_A_LINE = Association("booking_extra_demands", "extra_demand")
DEMANDS_OF_A_CART = Association(
    "extra_demands",
    "extra_demand",
    ("id_global_demand", "id_option"),
    ("extra_demands", "demand_advance_options"),
)
OCCUPANCIES = Association("room_occupancies", "room_occupancy", ("adults", "children"))

RESOURCES = {
    one.name: one
    for one in (
        Resource("hotels", "hotels", "hotel", lambda shop: shop.hotels, HOTELS, OF_A_HOTEL, True),
        Resource(
            "hotel_room_types",
            "hotel_room_types",
            "hotel_room_type",
            lambda shop: shop.limits,
            HOTEL_ROOM_TYPES,
            (ROOMS_OF_LIMITS,),
            True,
            ("PUT",),
        ),
        Resource("room_types", "room_types", "room_type", lambda shop: shop.room_types, ROOM_TYPES, OF_A_ROOM_TYPE),
        Resource("hotel_rooms", "rooms", "room", lambda shop: shop.rooms, HOTEL_ROOMS, (), True, ("PUT",)),
        Resource("services", "services", "service", lambda shop: shop.services, SERVICES),
        Resource("currencies", "currencies", "currency", lambda shop: shop.currencies, CURRENCIES, writes=("POST",)),
        Resource("languages", "languages", "language", lambda shop: shop.languages, LANGUAGES),
        Resource("order_states", "order_states", "order_state", lambda shop: shop.states, ORDER_STATES),
        Resource("tax_rule_groups", "tax_rule_groups", "tax_rule_group", lambda shop: shop.tax_groups, TAX_RULE_GROUPS),
        Resource(
            "feature_prices",
            "feature_prices",
            "feature_price",
            lambda shop: shop.feature_prices,
            FEATURE_PRICES,
            (GROUPS,),
            writes=("POST", "PUT", "DELETE"),
        ),
        Resource(
            "customers",
            "customers",
            "customer",
            lambda shop: shop.customers,
            CUSTOMERS,
            (GROUPS,),
            writes=("POST", "PUT"),
        ),
        Resource(
            "addresses",
            "addresses",
            "address",
            lambda shop: shop.addresses,
            ADDRESSES,
            sort=lambda row: (row.id_customer, row.id),
        ),
        Resource(
            "orders",
            "orders",
            "order",
            lambda shop: shop.orders,
            ORDERS,
            (LINES_OF_AN_ORDER,),
            writes=("PUT", "DELETE"),
            listed=lambda row: row.id_shop == 1,
        ),
        Resource(
            "order_histories",
            "order_histories",
            "order_history",
            lambda shop: shop.histories,
            ORDER_HISTORIES,
            writes=("POST",),
        ),
        Resource("order_payments", "order_payments", "order_payment", lambda shop: shop.payments, ORDER_PAYMENTS),
        Resource(
            "room_bookings",
            "bookings",
            "booking",
            lambda shop: shop.lines,
            ROOM_BOOKINGS,
            (DEMANDS_OF_A_LINE,),
            True,
            ("PUT", "DELETE"),
        ),
        Resource(
            "cart_bookings",
            "cart_bookings",
            "booking",
            lambda shop: shop.cart_bookings,
            CART_BOOKINGS,
            (DEMANDS_OF_A_CART,),
            True,
            ("POST",),
        ),
        Resource(
            "hotel_refund_rules",
            "hotel_refund_rules",
            "hotel_refund_rule",
            lambda shop: shop.unused,
            _fields("id int\nname text i18n ="),
        ),
        Resource(
            "extra_demands",
            "extra_demands",
            "extra_demand",
            lambda shop: shop.unused,
            _fields("id int\nname text i18n ="),
        ),
        Resource(
            "customer_threads",
            "customer_threads",
            "customer_thread",
            lambda shop: shop.unused,
            _fields("id int\nid_order int =0"),
        ),
    )
}

# Every resource that an installation lists, with the words that it has for it; `*` marks those without schemas.
LISTED = """
addresses The Customer address
advance_payments Room type advance payment
booking_extra_demands Booking extra demands
bookings* The Customer bookings
carriers The Carriers
cart_bookings Cart bookings
cart_rules Cart rules management
carts Customer's carts
categories The product categories
combinations The product combinations
configurations Shop configuration
contacts Shop contacts
content_management_system Content management system
countries The countries
currencies The currencies
customer_messages Customer services messages
customer_threads Customer services threads
customers The e-shop's customers
customizations Customization values
deliveries Product delivery
demand_advance_options Extra demand advance options
employees The Employees
extra_demands Extra demands
extra_services Extra services
feature_prices Feature prices
groups The customer's groups
guests The guests
hotel_ari* Search availability, rates and inventory
hotel_features The hotel features
hotel_refund_rules The hotel refund rules
hotel_room_types Hotel room types
hotel_rooms The hotel rooms
hotels Hotel Branch Information
image_types The image types
images* The images
languages Shop languages
manufacturers The product manufacturers
order_carriers The Order carriers
order_details Details of an order
order_discounts Discounts of an order
order_histories The Order histories
order_invoices The Order invoices
order_payments The Order payments
order_slip The Order slips
order_states The Order statuses
orders The Customers orders
price_ranges Price ranges
product_customization_fields Customization Field
product_suppliers Product Suppliers
qlo* qlo API
room_bookings Room bookings
room_type_feature_values The product feature values
room_type_features The product features
room_type_option_values The product options value
room_type_options The product options
room_types The room types
search* Search
services Services
shop_groups Shop groups from multi-shop feature
shop_urls Shop URLs from multi-shop feature
shops Shops from multi-shop feature
specific_price_rules Specific price management
specific_prices Specific price management
states The available states of countries
stock_availables Available quantities
stock_movement_reasons Stock movement reason
stock_movements Stock movements
stocks Stocks
stores The stores
suppliers The product suppliers
supply_order_details Supply Order Details
supply_order_histories Supply Order Histories
supply_order_receipt_histories Supply Order Receipt Histories
supply_order_states Supply Order Statuses
supply_orders Supply Orders
tags The products tags
tax_rule_groups Tax rule groups
tax_rules Tax rules entity
taxes The tax rate
translated_configurations Shop configuration
warehouse_product_locations Location of products in warehouses
warehouses Warehouses
weight_ranges Weight ranges
zones The Countries zones
"""
WORDS = dict(line.split(" ", 1) for line in LISTED.strip().splitlines())
NAMES = {name.rstrip("*"): name.endswith("*") for name in WORDS}
