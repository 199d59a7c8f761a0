"""What a night costs a guest, taxes included, and how much of a price is tax.

`rates` has the prices as the hotel keeps them. Where its taxes come on top, each night is made gross and rounded by
itself, so that a total is the sum of what is told night by night.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal

from babel.numbers import get_currency_precision

from hotel_agent.hotels.models import Hotel

CENT = Decimal("0.01")
# A night's price in SQL; `n` are the rates, and the statement is given `values_of`.
GROSS = "round(n.price * cast(:gross as numeric), cast(:places as integer))"


@dataclass(frozen=True)
class Tax:
    """`percent` on the net price. `added`: the rates are net prices, and it comes on top."""

    percent: Decimal
    added: bool


@dataclass(frozen=True)
class Split:
    """A price in its parts; they add up to it."""

    net: Decimal
    tax: Decimal
    percent: Decimal


def tax_of(hotel: Hotel) -> Tax | None:
    """None where the hotel has told of no tax: then its prices are what guests pay, and nobody splits them.

    So it is where the rooms are kept in a PMS, which knows its taxes itself.
    """
    kept = (hotel.settings or {}).get("tax") or {} if hotel.pms == "local" else {}
    return Tax(Decimal(kept["percent"]), kept.get("added") == "yes") if "percent" in kept else None


def values_of(hotel: Hotel) -> dict[str, Decimal | int]:
    """What GROSS has to be given for that hotel."""
    tax = tax_of(hotel)
    if tax is None or not tax.added:
        return {"gross": Decimal(1), "places": 2}
    return {"gross": 1 + tax.percent / 100, "places": get_currency_precision(hotel.currency)}


def split(hotel: Hotel, nightly: Iterable[Decimal]) -> Split | None:
    """The parts of what these nights cost together, night by night; so nights of net prices give these again."""
    tax = tax_of(hotel)
    if tax is None:
        return None
    cent = CENT if not tax.added else Decimal(1).scaleb(-get_currency_precision(hotel.currency))
    nights = list(nightly)
    net = sum(((night / (1 + tax.percent / 100)).quantize(cent, ROUND_HALF_UP) for night in nights), Decimal(0))
    return Split(net, sum(nights, Decimal(0)) - net, tax.percent)


def tax_added(hotel: Hotel, nightly: Iterable[Decimal]) -> Decimal | None:
    """How much of what these nights cost are taxes that come on top of the hotel's rates; None where none do."""
    tax = tax_of(hotel)
    parts = split(hotel, nightly) if tax is not None and tax.added else None
    return parts.tax if parts else None


def shares(rates: Mapping[date, Decimal], nights: Sequence[date], price: Decimal) -> dict[date, Decimal]:
    """A price for some nights, night by night: shared as today's rates are, evenly where one of them has none."""
    known = [rates[night] for night in nights if night in rates]
    weights = known if len(known) == len(nights) and any(known) else [Decimal(1)] * len(nights)
    whole = sum(weights, Decimal(0))
    found = [(price * weight / whole).quantize(CENT) for weight in weights]
    found[-1] += price - sum(found, Decimal(0))  # What rounding took or gave.
    return dict(zip(nights, found, strict=True))
