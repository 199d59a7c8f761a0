"""The double itself: an Apaleo that listens on a port of its own, identity and API on the same one."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from math import prod

from tests.fakes import double
from tests.fakes.apaleo.api import Api
from tests.fakes.apaleo.call import Lies, Request
from tests.fakes.apaleo.desk import Desk
from tests.fakes.apaleo.faults import Lie, stale_availability
from tests.fakes.apaleo.house import House, Reservation
from tests.fakes.apaleo.identity import CLIENT_ID, CLIENT_SECRET, Identity
from tests.fakes.apaleo.seeds import miramar
from tests.fakes.double import Answer, Double, Fault


@dataclass
class Heard(double.Heard):
    request: Request


class Apaleo(Double[Heard]):
    """`with Apaleo(miramar()) as pms`.

    `house` is what it keeps, `desk` the other hands in it, `requests` what it has heard. `identity` has the client
    and its scopes. All of it may be changed at any time.
    """

    def __init__(
        self,
        house: House | None = None,
        *,
        client_id: str = CLIENT_ID,
        client_secret: str = CLIENT_SECRET,
        host: str = "127.0.0.1",
        port: int = 0,
    ) -> None:
        self.house = house or miramar()
        self.desk = Desk(self.house)
        self.identity = Identity(lambda: self.house.clock(), client_id, client_secret)
        self._api = Api(self.house, self.identity)
        super().__init__(host, port, Heard, Request)

    @property
    def url(self) -> str:
        """The base of the API and of the identity server (`/connect/token`), without a slash at its end."""
        return self.origin

    @property
    def property_id(self) -> str:
        return self.house.id

    @property
    def client_id(self) -> str:
        return self.identity.client_id

    @property
    def client_secret(self) -> str:
        return self.identity.client_secret

    # What tests do to it

    def freeze_availability(self, times: int | None = None) -> None:
        """Availability is told from now on as it is now; bookings go on."""
        fault = stale_availability(self.house)
        for path in ("/offers", "/availability/"):
            self.inject(fault, path=path, times=times)

    def expire_tokens(self) -> None:
        """Every token that was given out is refused with 401 from now on; new ones are to be had."""
        self.identity.expire()

    # What tests ask it

    def heard(self, method: str | None = None, path: str = "") -> list[Heard]:
        with self._changed:
            return [one for one in self.requests if method in (None, one.method) and path in one.path]

    def count(self, method: str | None = None, path: str = "") -> int:
        return len(self.heard(method, path))

    def reservations(self, external_code: str = "") -> list[Reservation]:
        """Whatever their status; with a code, those whose external code starts so."""
        with self.house.lock:
            return [one for one in self.house.reservations.values() if _has_code(one, external_code)]

    def standing(self, external_code: str = "") -> list[Reservation]:
        """Those that keep a unit from others: neither canceled nor no-show."""
        return [one for one in self.reservations(external_code) if one.status not in ("Canceled", "NoShow")]

    def oversold(self) -> list[tuple[str, date]]:
        """Unit group and night of which more is sold than there is."""
        with self.house.lock:
            sales = self.house.sales()
            nights = {(night.group.id, night.night) for one in self.standing() for night in one.slices}
            return sorted(
                (group, night) for group, night in nights if self.house.free(self.house.groups[group], night, sales) < 0
            )

    def double_sales(self) -> list[tuple[str, date]]:
        """Room and night that two reservations have."""
        with self.house.lock:
            taken = Counter(
                (night.unit.name, night.night)
                for one in self.standing()
                for night in one.slices
                if night.unit and one.takes(night.night)
            )
        return sorted(place for place, count in taken.items() if count > 1)

    def answer(self, heard: Heard, faults: tuple[Fault, ...]) -> Answer:
        lies = [fault for fault in faults if isinstance(fault, Lie)]
        return self._api.answer(heard.request, _told_wrongly(lies))

    def work(self, heard: Heard, faults: tuple[Fault, ...]) -> Answer:
        for fault in faults:
            if isinstance(fault, Lie) and fault.first:
                fault.first()
        return super().work(heard, faults)


def _has_code(one: Reservation, start: str) -> bool:
    return not start or (one.external_code or "").startswith(start)


def _told_wrongly(lies: list[Lie]) -> Lies:
    price = prod((lie.price for lie in lies), start=Decimal(1))
    return Lies(price, next((lie.sales for lie in lies if lie.sales), None))
