"""The shapes of the answers, by the names of the Swagger's models."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from tests.fakes.apaleo.house import (
    ONE_DAY,
    Booking,
    House,
    Policy,
    RatePlan,
    Reservation,
    Slice,
    Unit,
    UnitGroup,
)

Json = dict[str, Any]


def _filled(found: Json) -> Json:
    """Apaleo leaves out what is not there."""
    return {name: value for name, value in found.items() if value is not None}


def cents(amount: Decimal) -> Decimal:
    return amount.quantize(Decimal("0.01"), ROUND_HALF_UP)


def money(house: House, amount: Decimal) -> Json:
    return {"amount": cents(amount), "currency": house.currency}


def with_tax(house: House, gross: Decimal) -> Json:
    """An AmountModel."""
    return {
        "grossAmount": cents(gross),
        "netAmount": _net(house, gross),
        "vatType": "Reduced",
        "vatPercent": house.vat,
        "currency": house.currency,
    }


def tax_details(house: House, gross: Decimal) -> list[Json]:
    net = _net(house, gross)
    tax = {"net": money(house, net), "tax": money(house, gross - net)}
    return [{"vatType": "Reduced", "vatPercent": house.vat, **tax}]


def _net(house: House, gross: Decimal) -> Decimal:
    return cents(gross * 100 / (100 + house.vat))


# What the house has


def embedded_property(house: House) -> Json:
    return {"id": house.id, "code": house.id, "name": house.name, "description": house.name}


def property_model(house: House) -> Json:
    return {
        "id": house.id,
        "code": house.id,
        "isTemplate": False,
        "name": {"en": house.name},
        "description": {"en": house.name},
        "companyName": house.name,
        "commercialRegisterEntry": "",
        "taxId": "",
        "location": house.address,
        "paymentTerms": {"en": ""},
        "timeZone": house.zone.key,
        "currencyCode": house.currency,
        "created": house.created,
    }


def property_item(house: House) -> Json:
    """In a list, where names come in one language."""
    whole = property_model(house)
    kept = ("id", "code", "isTemplate", "location", "timeZone", "currencyCode", "created")
    return {**{name: whole[name] for name in kept}, "name": house.name, "description": house.name}


def embedded_group(group: UnitGroup) -> Json:
    return {"id": group.id, "code": group.code, "name": group.name, "description": group.description}


def group_item(house: House, group: UnitGroup) -> Json:
    return {
        **embedded_group(group),
        "memberCount": len(house.units_of(group)),
        "maxPersons": group.max_persons,
        "rank": group.max_persons,
        "property": embedded_property(house),
    }


def embedded_unit(unit: Unit) -> Json:
    return {"id": unit.id, "name": unit.name, "description": unit.description, "unitGroupId": unit.group.id}


def unit_item(house: House, unit: Unit) -> Json:
    maintained = [
        one
        for one in house.maintained(house.today(), "OutOfService", "OutOfOrder", "OutOfInventory")
        if one.unit is unit
    ]
    maintenance = {"id": maintained[0].id, "type": maintained[0].type} if maintained else None
    return {
        "id": unit.id,
        "name": unit.name,
        "description": unit.description,
        "property": embedded_property(house),
        "unitGroup": embedded_group(unit.group),
        "status": _filled(
            {"isOccupied": is_occupied(house, unit), "condition": unit.condition, "maintenance": maintenance}
        ),
        "maxPersons": unit.group.max_persons,
        "created": unit.created,
    }


def is_occupied(house: House, unit: Unit) -> bool:
    return any(one.status == "InHouse" and unit in one.units for one in house.reservations.values())


def embedded_plan(plan: RatePlan) -> Json:
    return {
        "id": plan.id,
        "code": plan.code,
        "name": plan.name,
        "description": plan.description,
        "isSubjectToCityTax": False,
    }


def plan_item(house: House, plan: RatePlan) -> Json:
    """A RatePlanItemModel, as far as others show it: the rate plan API's Swagger is not to be had here."""
    return {
        **embedded_plan(plan),
        "minGuaranteeType": plan.guarantee,
        "priceCalculationMode": "Truncate",
        "property": embedded_property(house),
        "unitGroup": embedded_group(plan.group),
        "cancellationPolicy": _embedded_policy(plan.cancellation),
        "noShowPolicy": _embedded_policy(plan.no_show),
        "channelCodes": list(plan.channels),
        "promoCodes": list(plan.promo_codes),
        "isBookable": plan.is_active,
        "isActive": plan.is_active,
        "isDerived": False,
    }


def _embedded_policy(policy: Policy) -> Json:
    return {"id": policy.id, "code": policy.code, "name": policy.name, "description": policy.description}


def bounds(house: House, night: date) -> tuple[datetime, datetime]:
    """From and to of a night's time slice."""
    return house.at(night, house.check_in), house.at(night + ONE_DAY, house.check_out)


# Reservations


def reservation_model(house: House, one: Reservation, expand: Collection[str], *, single: bool = False) -> Json:
    """A ReservationItemModel, with `single` a ReservationModel."""
    found = {
        "id": one.id,
        "bookingId": one.booking.id,
        "status": one.status,
        "checkInTime": one.checked_in,
        "checkOutTime": one.checked_out,
        "cancellationTime": one.canceled,
        "noShowTime": one.no_show,
        "unit": embedded_unit(one.units[0]) if one.units else None,
        "property": embedded_property(house),
        "ratePlan": embedded_plan(one.plan),
        "unitGroup": embedded_group(one.group),
        "totalGrossAmount": money(house, one.total),
        "arrival": one.arrival,
        "departure": one.departure,
        "created": one.created,
        "modified": one.modified,
        "adults": one.adults,
        "childrenAges": one.children or None,
        "externalCode": one.external_code,
        "channelCode": one.channel,
        "source": one.source,
        "primaryGuest": one.guest,
        "guaranteeType": one.guarantee,
        "cancellationFee": _cancellation_fee(house, one),
        "noShowFee": _no_show_fee(house, one),
        "balance": money(house, one.balance),
        "allFoliosHaveInvoice": False,
        "hasCityTax": False,
        **one.more,
    }
    if "booker" in expand:
        found["booker"] = one.booking.booker
    if "timeSlices" in expand:
        found["timeSlices"] = [_time_slice(house, night, one) for night in one.slices]
    if "assignedUnits" in expand:
        found["assignedUnits"] = _assigned_units(house, one) or None
    if "services" in expand:
        found["services"] = []
    if "actions" in expand:
        found["actions"] = actions(house, one)
    if single:
        found["taxDetails"] = tax_details(house, one.total)
        found["payableAmount"] = {"guest": money(house, -one.balance)}
    return _filled(found)


def _cancellation_fee(house: House, one: Reservation) -> Json:
    policy = one.plan.cancellation
    fee = money(house, one.fee(policy))
    return {**_embedded_policy(policy), "dueDateTime": one.cancellation_due, "fee": fee}


def _no_show_fee(house: House, one: Reservation) -> Json:
    return {**_embedded_policy(one.plan.no_show), "fee": money(house, one.fee(one.plan.no_show))}


def _time_slice(house: House, night: Slice, one: Reservation) -> Json:
    first, until = slice_bounds(house, night.night, one)
    return _filled(
        {
            "from": first,
            "to": until,
            "serviceDate": night.night,
            "ratePlan": embedded_plan(night.plan),
            "unitGroup": embedded_group(night.group),
            "unit": embedded_unit(night.unit) if night.unit else None,
            "baseAmount": with_tax(house, night.amount),
            "totalGrossAmount": money(house, night.amount),
        }
    )


def slice_bounds(house: House, night: date, one: Reservation) -> tuple[datetime, datetime]:
    first, until = bounds(house, night)
    return (one.arrival if night == one.nights[0] else first, one.departure if night == one.nights[-1] else until)


def _assigned_units(house: House, one: Reservation) -> list[Json]:
    ranges: list[Json] = []
    for unit in one.units:
        spans = [slice_bounds(house, night.night, one) for night in one.slices if night.unit is unit]
        ranges.append(
            {"unit": embedded_unit(unit), "timeRanges": [{"from": first, "to": until} for first, until in spans]}
        )
    return ranges


def actions(house: House, one: Reservation) -> list[Json]:
    return [
        {"action": "CheckIn", **_allowed(why_no_check_in(house, one))},
        {"action": "CheckOut", **_allowed(why_no_check_out(house, one))},
        {"action": "Cancel", **_allowed(why_no_cancel(one))},
        {"action": "NoShow", **_allowed(why_no_no_show(house, one))},
    ]


def _allowed(why_not: str | None) -> Json:
    if why_not is None:
        return {"isAllowed": True}
    return {"isAllowed": False, "reasons": [{"code": why_not, "message": why_not}]}


def why_no_check_in(house: House, one: Reservation) -> str | None:
    if one.status != "Confirmed":
        return "CheckInNotAllowedForReservationNotInStatusConfirmed"
    if house.today() < one.arrival.astimezone(house.zone).date():
        return "CheckInNotAllowedBeforeArrivalDate"
    if house.now() > one.departure:
        return "CheckInNotAllowedAfterDepartureDateTime"
    if not all(night.unit for night in one.slices):
        return "CheckInNotAllowedWithoutUnitAssignedForWholeStay"
    return None


def why_no_check_out(house: House, one: Reservation) -> str | None:
    if one.status != "InHouse":
        return "CheckOutNotAllowedForReservationNotInStatusInHouse"
    if one.departure.astimezone(house.zone).date() > house.today() + ONE_DAY:
        return "CheckOutNotAllowedWithDepartureDateMoreThanOneDayInTheFuture"
    return None


def why_no_cancel(one: Reservation) -> str | None:
    return None if one.status == "Confirmed" else "CancelNotAllowedForReservationNotInStatusConfirmed"


def why_no_no_show(house: House, one: Reservation) -> str | None:
    if one.status != "Confirmed":
        return "NoShowNotAllowedForReservationNotInStatusConfirmed"
    return "NoShowNotAllowedBeforeArrivalDate" if house.now() < one.arrival else None


# Bookings


def booking_model(house: House, booking: Booking, expand: Collection[str], *, reservations: bool = True) -> Json:
    stays = [_booking_reservation(house, one, expand) for one in booking.reservations] if reservations else None
    return _filled(
        {
            "id": booking.id,
            "booker": booking.booker,
            "comment": booking.comment,
            "bookerComment": booking.booker_comment,
            "created": booking.created,
            "modified": booking.modified,
            "reservations": stays,
        }
    )


def _booking_reservation(house: House, one: Reservation, expand: Collection[str]) -> Json:
    """What is embedded in it has only its id unless it is expanded."""
    embedded = {
        "property": embedded_property(house),
        "ratePlan": embedded_plan(one.plan),
        "unitGroup": embedded_group(one.group),
    }
    kept = {"id", "isSubjectToCityTax"}
    return _filled(
        {
            "id": one.id,
            "status": one.status,
            "externalCode": one.external_code,
            "channelCode": one.channel,
            "source": one.source,
            "arrival": one.arrival,
            "departure": one.departure,
            "adults": one.adults,
            "childrenAges": one.children or None,
            "totalGrossAmount": money(house, one.total),
            "guestComment": one.more.get("guestComment"),
            "cancellationFee": _cancellation_fee(house, one),
            "noShowFee": _no_show_fee(house, one),
            "services": [] if "services" in expand else None,
            **{
                name: whole if name in expand else {key: value for key, value in whole.items() if key in kept}
                for name, whole in embedded.items()
            },
        }
    )


# Offers


def offer(house: House, plan: RatePlan, nights: list[tuple[date, Decimal, int]], *, messages: list[Json]) -> Json:
    """`nights`: date, price and free units of each."""
    total = sum((price for _, price, _ in nights), Decimal())
    arrival, departure = house.at(nights[0][0], house.check_in), house.at(nights[-1][0] + ONE_DAY, house.check_out)
    prices = [price for _, price, _ in nights]
    return _filled(
        {
            "arrival": arrival,
            "departure": departure,
            "unitGroup": {**embedded_group(plan.group), "maxPersons": plan.group.max_persons},
            "minGuaranteeType": plan.guarantee,
            "availableUnits": min(free for _, _, free in nights),
            "ratePlan": embedded_plan(plan),
            "totalGrossAmount": money(house, total),
            "cancellationFee": _offered_cancellation(house, plan, arrival, prices),
            "noShowFee": {
                **_without_id(plan.no_show),
                "fee": money(house, sum(prices[: plan.no_show.nights], Decimal())),
            },
            "timeSlices": [_offered_slice(house, *night) for night in nights],
            "services": [],
            "fees": [],
            "taxDetails": tax_details(house, total),
            "validationMessages": messages or None,
            "isCorporate": False,
            "prePaymentAmount": money(house, total if plan.guarantee == "Prepayment" else Decimal()),
        }
    )


def _offered_cancellation(house: House, plan: RatePlan, arrival: datetime, prices: list[Decimal]) -> Json:
    policy = plan.cancellation
    due = house.now() if policy.free_hours is None else arrival - timedelta(hours=policy.free_hours)
    fee = money(house, sum(prices[: policy.nights], Decimal()))
    return {**_without_id(policy), "dueDateTime": due, "fee": fee}


def _without_id(policy: Policy) -> Json:
    return {name: value for name, value in _embedded_policy(policy).items() if name != "id"}


def _offered_slice(house: House, night: date, price: Decimal, free: int) -> Json:
    first, until = bounds(house, night)
    return {
        "from": first,
        "to": until,
        "availableUnits": free,
        "baseAmount": with_tax(house, price),
        "totalGrossAmount": money(house, price),
        "includedServices": [],
    }
