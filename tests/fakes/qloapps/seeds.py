"""Two installations: the one that was recorded, and one like our demo hotel."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal

from tests.fakes.qloapps.shop import (
    Address,
    Currency,
    Customer,
    Hotel,
    Language,
    Limits,
    Room,
    RoomType,
    Service,
    Shop,
    TaxGroup,
)
from tests.fakes.qloapps.values import micros

WITHIN, BESIDE = 1, 2
PER_STAY, PER_DAY = 1, 2


def hotel_prime(clock: Callable[[], datetime] = datetime.now) -> Shop:
    """QloApps' own demo hotel in Alabama, as it was when the recordings began: 4 types of 5 rooms, 4 % tax, USD."""
    shop = Shop("QloTest", clock)
    installed = "2026-11-22 06:47:11"
    shop.currencies.add(Currency(name="Dollar", iso_code="USD", iso_code_num="840", sign="$"))
    shop.languages.add(Language(name="English (English)", iso_code="en"))
    shop.tax_groups.add(TaxGroup(name="US-AL Rate (4%)", percent=Decimal(4), date_add=installed))
    shop.tax_groups.add(TaxGroup(name="US-AK Rate (0%)", percent=Decimal(0), date_add=installed))
    shop.customers.add(Customer(firstname="John", lastname="Doe", email="pub@qloapps.com", date_add=installed))
    _addresses(shop, installed)
    shop.hotels.add(
        Hotel(
            hotel_name="The Hotel Prime",
            email="hotelprime@htl.com",
            address="Monticello Dr, Montgomery, 10010",
            city="Demo City",
            zipcode="47504",
            id_address=2,
            date_add=installed,
        )
    )
    for place, (name, price) in enumerate((("General", 1000), ("Delux", 1500), ("Executive", 2000), ("Luxury", 2500))):
        _prime_type(shop, name, Decimal(price), f"2026-11-22 06:47:{13 + 2 * place}")
    shop.services.burn(4)
    for name, price, method, auto, kind in (
        ("Room Maintenance Fees", 250, PER_DAY, 1, WITHIN),
        ("Internet Handling Charges", 250, PER_STAY, 1, BESIDE),
        ("Airport Shuttle", 50, PER_STAY, 0, WITHIN),
        ("Cab on Demand", 200, PER_STAY, 0, WITHIN),
        ("Breakfast", 350, PER_DAY, 0, WITHIN),
        ("Dinner", 450, PER_DAY, 0, WITHIN),
    ):
        shop.services.add(
            Service(
                name=name,
                price=Decimal(price),
                price_calculation_method=method,
                auto_add_to_cart=auto,
                price_addition_type=kind,
                date_add=installed,
            )
        )
    return shop


def _addresses(shop: Shop, installed: str) -> None:
    shop.addresses.add(
        Address(
            id_customer=1,
            id_state=1,
            alias="My Address",
            lastname="Doe",
            firstname="John",
            address1="16, Main street",
            address2="2nd floor",
            postcode="72349",
            city="Demo City",
            phone="0102030405",
            date_add=installed,
        )
    )
    shop.addresses.add(
        Address(
            id_state=1,
            alias="The Hotel Prime",
            lastname="The Hotel Prime",
            firstname="The Hotel Prime",
            address1="Monticello Dr, Montgomery, 10010",
            postcode="47504",
            city="Demo City",
            phone="0987654321",
            date_add=installed,
        )
    )


def _prime_type(shop: Shop, name: str, price: Decimal, made: str) -> None:
    first = 1 + 4 * len(shop.room_types)
    room_type = shop.room_types.add(
        RoomType(
            id_hotel=1,
            name=f"{name} Rooms",
            price=price,
            children=2,
            pictures=tuple(range(first, first + 4)),
            link_rewrite=f"{name.lower()}-rooms",
            date_add="2026-11-22 06:47:13" if name == "Delux" else made,
        )
    )
    limits = Limits(id_product=room_type.id, id_hotel=1, children=2, max_children=2, max_guests=4, date_add=made)
    shop.limits.add(limits)
    for number in range(101, 106):
        shop.rooms.add(Room(id_product=room_type.id, id_hotel=1, room_num=f"{name[0]}R-{number}", date_add=made))


# name, people, price a night with tax, rooms
MIRAMAR = (("Individual", 1, 65, 10), ("Doble", 2, 95, 14), ("Familiar", 4, 140, 8), ("Suite", 2, 210, 4))
EXTRAS = (
    ("Late checkout", 30, PER_STAY),
    ("Breakfast", 12, PER_DAY),
    ("Parking", 18, PER_DAY),
    ("Airport transfer", 35, PER_STAY),
    ("Pets", 15, PER_DAY),
)


def miramar(clock: Callable[[], datetime] = datetime.now, *, group_shows_net: bool = True) -> Shop:
    """Hotel Miramar as a hotel would keep it in QloApps: EUR, prices that are round with their 10 % tax and therefore
    not without it, no service that is added by itself.

    With `group_shows_net` False, the customers' group sees prices with tax, and two of PHP's notices do not come.
    """
    shop = Shop("Hotel Miramar", clock, group_shows_net=group_shows_net)
    shop.currencies.add(Currency(name="Euro", iso_code="EUR", iso_code_num="978", sign="€", format=2))
    shop.languages.add(Language(name="Español (Spanish)", iso_code="es"))
    shop.tax_groups.add(TaxGroup(name="IVA reducido (10%)", percent=Decimal(10)))
    shop.customers.add(Customer(firstname="Ana", lastname="Recepcion", email="ana@miramar.example", phone="1"))
    shop.addresses.add(Address(id_country=6, alias="Hotel Miramar", address1="Paseo del Mar 1", city="Málaga"))
    shop.hotels.add(
        Hotel(
            hotel_name="Hotel Miramar",
            email="reservas@miramar.example",
            phone="+34952000000",
            address="Paseo del Mar 1",
            id_country=6,
            country="Spain",
            id_state=0,
            state="",
            city="Málaga",
            zipcode="29016",
            check_in="15:00",
            check_out="11:00",
            rating=4,
            id_address=1,
        )
    )
    for floor, (name, people, gross, count) in enumerate(MIRAMAR, 1):
        add_type(shop, name, _net(gross), people, [f"{floor}{number:02}" for number in range(1, count + 1)])
    for name, gross, method in EXTRAS:
        shop.services.add(Service(name=name, price=_net(gross), price_calculation_method=method))
    return shop


def add_type(shop: Shop, name: str, net: Decimal, people: int, rooms: list[str], hotel: int = 1) -> RoomType:
    """One more room type with its rooms; `net` is the price a night without tax."""
    room_type = shop.room_types.add(
        RoomType(id_hotel=hotel, name=name, price=net, adults=people, link_rewrite=name.lower())
    )
    shop.limits.add(
        Limits(
            id_product=room_type.id,
            id_hotel=hotel,
            adults=people,
            max_adults=people,
            max_children=people - 1,
            max_guests=people,
        )
    )
    for number in rooms:
        shop.rooms.add(Room(id_product=room_type.id, id_hotel=hotel, room_num=number, floor=number[0]))
    return room_type


def _net(gross: int) -> Decimal:
    return micros(Decimal(gross) / Decimal("1.1"))
