"""What a QloApps keeps: its tables, in memory, under the names of its columns.

Every statement is atomic, as in a database, and nothing more: between looking for a free room and writing the
booking there is no lock, because QloApps has none.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from string import ascii_uppercase
from typing import Any, Generic, TypeVar

from tests.fakes.qloapps.values import NEVER, stamp

AWAITING, PAID, PROCESSING, CANCELLED, REFUNDED, FAILED, OVERBOOKED_PAID, PARTLY_PAID = range(1, 9)
# name, logable, paid, makes an invoice
STATES = {
    1: ("Awaiting payment", False, False, False),
    2: ("Complete payment received", True, True, True),
    3: ("Processing in progress", False, False, True),
    4: ("Canceled", False, False, False),
    5: ("Refunded", False, False, True),
    6: ("Payment error", False, False, False),
    7: ("Overbooking (Paid)", False, True, True),
    8: ("Partial payment received", True, False, True),
    9: ("Awaiting remote payment", False, False, False),
    10: ("Remote payment accepted", True, False, True),
    11: ("Overbooking (Not paid)", False, False, False),
    12: ("Overbooking (Partial payment)", False, False, False),
}
FREEING = (CANCELLED, REFUNDED, FAILED)


@dataclass(kw_only=True)
class Row:
    id: int = 0
    date_add: str = ""
    date_upd: str = ""


@dataclass(kw_only=True)
class Hotel(Row):
    hotel_name: str
    email: str = "hotel@example.com"
    phone: str = "0987654321"
    address: str = ""
    id_country: int = 21
    country: str = "United States"
    id_state: int = 1
    state: str = "Alabama"
    city: str = ""
    zipcode: str = ""
    check_in: str = "12:00"
    check_out: str = "11:00"
    rating: int = 3
    active: int = 1
    id_address: int = 0


@dataclass(kw_only=True)
class RoomType(Row):
    """A product: its name and its price, net, a night."""

    id_hotel: int
    name: str
    price: Decimal
    adults: int = 2
    children: int = 0
    id_tax_rules_group: int = 1
    active: int = 1
    pictures: tuple[int, ...] = ()
    link_rewrite: str = ""


@dataclass(kw_only=True)
class Limits(Row):
    """A hotel_room_type: what a product is as rooms."""

    id_product: int
    id_hotel: int
    adults: int = 2
    children: int = 0
    max_adults: int = 2
    max_children: int = 0
    max_guests: int = 2
    min_los: int = 1
    max_los: int = 0


@dataclass(kw_only=True)
class Room(Row):
    id_product: int
    id_hotel: int
    room_num: str
    id_status: int = 1
    floor: str = "First"
    comment: str = ""


@dataclass(kw_only=True)
class Service(Row):
    name: str
    price: Decimal
    price_calculation_method: int = 1  # 1 a booking, 2 a day
    auto_add_to_cart: int = 0
    price_addition_type: int = 1  # 1 within the room's price, 2 beside it
    id_tax_rules_group: int = 1
    active: int = 1

    def times(self, nights: int) -> int:
        return nights if self.price_calculation_method == 2 else 1


@dataclass(kw_only=True)
class Currency(Row):
    name: str
    iso_code: str
    iso_code_num: str
    sign: str
    blank: int = 0
    format: int = 1
    decimals: int = 1
    conversion_rate: Decimal = Decimal(1)
    deleted: int = 0
    active: int = 1


@dataclass(kw_only=True)
class Language(Row):
    name: str
    iso_code: str
    active: int = 1


@dataclass(kw_only=True)
class TaxGroup(Row):
    name: str
    percent: Decimal
    active: int = 1
    deleted: int = 0


@dataclass(kw_only=True)
class FeaturePrice(Row):
    """A price plan: for some nights another price than the room type's own."""

    id_product: int = 0
    id_cart: int = 0
    id_guest: int = 0
    id_room: int = 0
    date_from: str = ""
    date_to: str = ""
    impact_way: int = 3  # 1 less, 2 more, 3 instead
    is_special_days_exists: int = 0
    date_selection_type: int = 1  # 1 range, 2 one day
    special_days: str = "false"
    impact_type: int = 2  # 1 per cent, 2 money
    impact_value: Decimal = Decimal(0)
    active: int = 1
    feature_price_name: str = ""
    groups: list[int] = field(default_factory=list)


@dataclass(kw_only=True)
class Customer(Row):
    firstname: str = ""
    lastname: str = ""
    email: str = ""
    phone: str = ""
    passwd: str = ""
    secure_key: str = ""
    id_default_group: int = 3
    id_lang: int = 1
    newsletter_date_add: str = NEVER
    last_passwd_gen: str = NEVER
    ip_registration_newsletter: str | None = None
    deleted: int = 0
    id_gender: int = 0
    birthday: str = "0000-00-00"
    newsletter: int = 0
    optin: int = 0
    website: str | None = None
    company: str | None = None
    siret: str | None = None
    ape: str | None = None
    outstanding_allow_amount: Decimal = Decimal(0)
    show_public_prices: int = 0
    id_risk: int = 0
    max_payment_days: int = 0
    active: int = 1
    note: str | None = None
    is_guest: int = 0
    id_shop: int = 1
    id_shop_group: int = 1
    groups: list[int] = field(default_factory=lambda: [3])


@dataclass(kw_only=True)
class Address(Row):
    id_customer: int = 0
    id_country: int = 21
    id_state: int = 0
    alias: str = ""
    lastname: str = ""
    firstname: str = ""
    address1: str = ""
    address2: str = ""
    postcode: str = ""
    city: str = ""
    phone: str = ""
    deleted: int = 0
    auto_generated: int = 0


@dataclass(kw_only=True)
class Sold:
    """A service that was sold with a room; `shown` ones are listed by `bookings`."""

    service: int
    name: str
    quantity: int
    net: Decimal
    gross: Decimal
    shown: bool
    method: int


@dataclass(kw_only=True)
class Order(Row):
    id_address_delivery: int = 0
    id_address_invoice: int = 0
    id_address_tax: int = 0
    id_cart: int = 0
    id_currency: int = 1
    id_lang: int = 1
    id_customer: int = 0
    current_state: int = AWAITING
    module: str = "wsorder"
    invoice_number: int = 0
    invoice_date: str = NEVER
    valid: int = 0
    transaction_id: str | None = None
    secure_key: str = ""
    payment: str = ""
    payment_type: int = 1
    total_discounts: Decimal = Decimal(0)
    total_discounts_tax_incl: Decimal = Decimal(0)
    total_discounts_tax_excl: Decimal = Decimal(0)
    total_paid: Decimal = Decimal(0)
    total_paid_tax_incl: Decimal = Decimal(0)
    total_paid_tax_excl: Decimal = Decimal(0)
    total_paid_real: Decimal = Decimal(0)
    total_products: Decimal = Decimal(0)
    total_products_wt: Decimal = Decimal(0)
    conversion_rate: Decimal = Decimal(1)
    source: str = ""
    reference: str = ""
    is_advance_payment: int = 0
    advance_paid_amount: Decimal = Decimal(0)
    with_occupancy: int = 0
    id_shop: int = 1
    messages: list[str] = field(default_factory=list)

    def add(self, net: Decimal, gross: Decimal) -> None:
        """More, or with negative amounts less, of what the guest owes."""
        self.total_products += net
        self.total_products_wt += gross
        self.total_paid += gross
        self.total_paid_tax_incl += gross
        self.total_paid_tax_excl += net


@dataclass(kw_only=True)
class Line(Row):
    """A room_booking: one room of an order. The truth about who sleeps where."""

    id_product: int = 0
    id_hotel: int = 0
    id_order: int = 0
    id_order_detail: int = 0
    id_cart: int = 0
    id_room: int = 0
    id_customer: int = 0
    booking_type: int = 1
    id_status: int = 1
    comment: str = ""
    check_in: str = NEVER
    check_out: str = NEVER
    date_from: str = NEVER
    date_to: str = NEVER
    total_price_tax_excl: Decimal = Decimal(0)
    total_price_tax_incl: Decimal = Decimal(0)
    total_paid_amount: Decimal = Decimal(0)
    is_refunded: int = 0
    is_cancelled: int = 0
    is_back_order: int = 0
    room_num: str = ""
    room_type_name: str = ""
    hotel_name: str = ""
    city: str = ""
    state: str = ""
    country: str = ""
    zipcode: str = ""
    phone: str = ""
    email: str = ""
    check_in_time: str = ""
    check_out_time: str = ""
    adults: int = 0
    children: int = 0
    child_ages: str = "[]"
    services: list[Sold] = field(default_factory=list)


@dataclass(kw_only=True)
class History(Row):
    id_employee: int = 0
    id_order_state: int = 0
    id_order: int = 0


@dataclass(kw_only=True)
class Payment(Row):
    order_reference: str = ""
    id_currency: int = 1
    amount: Decimal = Decimal(0)
    payment_method: str = ""
    payment_type: int = 1
    conversion_rate: Decimal = Decimal(1)
    transaction_id: str = ""


@dataclass(kw_only=True)
class CartBooking(Row):
    id_hotel: int = 0
    id_product: int = 0
    id_room: int = 0
    id_cart: int = 0
    id_guest: int = 0
    id_order: int = 0
    id_customer: int = 0
    id_currency: int = 0
    quantity: int = 0
    booking_type: int = 1
    comment: str | None = None
    is_refunded: int = 0
    is_back_order: int = 0
    date_from: str = NEVER
    date_to: str = NEVER
    adults: int = 0
    children: int = 0
    child_ages: str | None = None
    extra_demands: str = "[]"


@dataclass(kw_only=True)
class State(Row):
    name: str = ""
    logable: int = 0
    paid: int = 0
    invoice: int = 0


@dataclass(kw_only=True)
class Unused(Row):
    """A row of a table that stays empty here."""


R = TypeVar("R", bound=Row)


class Table(Generic[R]):
    """Rows by id; ids are counted up and never used again."""

    def __init__(self, now: Callable[[], str]) -> None:
        self._rows: dict[int, R] = {}
        self._now = now
        self.last_id = 0

    def add(self, row: R) -> R:
        self.last_id += 1
        row.id = self.last_id
        row.date_add = row.date_add or self._now()
        row.date_upd = row.date_upd or row.date_add
        self._rows[row.id] = row
        return row

    def touch(self, row: R) -> None:
        row.date_upd = self._now()

    def burn(self, times: int = 1) -> int:
        """Use up ids without leaving rows, as a transaction does that came to nothing."""
        self.last_id += times
        return self.last_id

    def get(self, row_id: int) -> R | None:
        return self._rows.get(row_id)

    def __getitem__(self, row_id: int) -> R:
        return self._rows[row_id]

    def __iter__(self) -> Iterator[R]:
        return iter(list(self._rows.values()))

    def __len__(self) -> int:
        return len(self._rows)

    def delete(self, row_id: int) -> None:
        self._rows.pop(row_id, None)


class Shop:
    """One installation: its hotels, guests and bookings. `clock` gives the shop's local time."""

    def __init__(
        self,
        name: str = "QloTest",
        clock: Callable[[], datetime] = datetime.now,
        *,
        group_shows_net: bool = True,
        seed: int = 1,
    ) -> None:
        self.name = name
        self.clock = clock
        # The customers' group shows prices without tax: the source of two of PHP's notices.
        self.group_shows_net = group_shows_net
        self.lock = threading.RLock()
        self.hotels: Table[Hotel] = Table(self.now)
        self.room_types: Table[RoomType] = Table(self.now)
        self.limits: Table[Limits] = Table(self.now)
        self.rooms: Table[Room] = Table(self.now)
        self.services: Table[Service] = Table(self.now)
        self.currencies: Table[Currency] = Table(self.now)
        self.languages: Table[Language] = Table(self.now)
        self.tax_groups: Table[TaxGroup] = Table(self.now)
        self.feature_prices: Table[FeaturePrice] = Table(self.now)
        self.customers: Table[Customer] = Table(self.now)
        self.addresses: Table[Address] = Table(self.now)
        self.carts: Table[Unused] = Table(self.now)
        self.cart_bookings: Table[CartBooking] = Table(self.now)
        self.orders: Table[Order] = Table(self.now)
        self.order_details: Table[Unused] = Table(self.now)
        self.lines: Table[Line] = Table(self.now)
        self.histories: Table[History] = Table(self.now)
        self.payments: Table[Payment] = Table(self.now)
        self.states: Table[State] = Table(self.now)
        self.unused: Table[Unused] = Table(self.now)
        self._random = random.Random(seed)
        for state, (title, logable, paid, invoice) in STATES.items():
            self.states.add(State(id=state, name=title, logable=logable, paid=paid, invoice=invoice))

    def now(self) -> str:
        return stamp(self.clock())

    @property
    def currency(self) -> Currency:
        """The default one."""
        return self.currencies[1]

    def reference(self) -> str:
        """The code that guests see: nine letters."""
        return "".join(self._random.choices(ascii_uppercase, k=9))

    def secret(self) -> str:
        """Looks like an md5."""
        return f"{self._random.getrandbits(128):032x}"

    def tax(self, group: int) -> Decimal:
        """As a fraction."""
        found = self.tax_groups.get(group)
        return found.percent / 100 if found else Decimal(0)

    def limits_of(self, room_type: int) -> Limits:
        return next(limits for limits in self.limits if limits.id_product == room_type)

    def currency_called(self, iso_code: Any) -> Currency | None:
        wanted = str(iso_code or "").upper()
        return next((one for one in self.currencies if one.iso_code.upper() == wanted and not one.deleted), None)

    def customer_called(self, email: str) -> Customer | None:
        """The first of that e-mail: customers are not told apart beyond it."""
        wanted = email.casefold()
        return next((one for one in self.customers if one.email.casefold() == wanted and not one.deleted), None)

    def lines_of(self, order: int) -> list[Line]:
        return [line for line in self.lines if line.id_order == order]

    def change_state(self, order: Order, state: int) -> History:
        """OrderHistory::changeIdOrderState and add: rooms of cancelled orders are free at once, money stays."""
        _, logable, paid, invoice = STATES[state]
        order.current_state, order.valid = state, int(logable)
        if invoice and not order.invoice_number:
            order.invoice_number = 1 + max((one.invoice_number for one in self.orders), default=0)
            order.invoice_date = self.now()
        if paid and order.total_paid_tax_incl > order.total_paid_real:
            self.pay(order, order.total_paid_tax_incl - order.total_paid_real)
        if state in FREEING:
            self._free(order, cancelled=state == CANCELLED)
        self.orders.touch(order)
        return self.histories.add(History(id_order=order.id, id_order_state=state))

    def pay(self, order: Order, amount: Decimal, method: str = "Order from API", kind: int = 1) -> None:
        """What was paid is kept under a name of its own; the transaction's number is lost."""
        order.total_paid_real += amount
        self.payments.add(
            Payment(
                order_reference=order.reference,
                id_currency=order.id_currency,
                amount=amount,
                payment_method=method,
                payment_type=kind,
                conversion_rate=order.conversion_rate,
            )
        )

    def _free(self, order: Order, *, cancelled: bool) -> None:
        for line in self.lines_of(order.id):
            line.is_refunded = 1
            line.is_cancelled = 1 if cancelled else line.is_cancelled
