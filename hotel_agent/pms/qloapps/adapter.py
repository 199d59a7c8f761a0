"""The adapter of a hotel that works with QloApps."""

from __future__ import annotations

from hotel_agent.pms.contract import Capabilities
from hotel_agent.pms.orders.pms import OrdersPms, asked
from hotel_agent.pms.qloapps import listing, staying
from hotel_agent.pms.qloapps.system import system_of


class QloAppsPms(OrdersPms):
    """The operations of `PmsAdapter` on a QloApps."""

    capabilities = Capabilities(
        hold="imitated",
        modify_dates=True,
        modify_room_type=True,
        modify_occupancy=True,
        check_in_out=True,
        move_room=True,
        room_status="out_of_order",
        guest_profile=True,
        notes=True,
        change_feed=True,
    )
    requests_per_second = 50.0

    arrivals = staticmethod(asked(listing.arrivals))
    departures = staticmethod(asked(listing.departures))
    in_house = staticmethod(asked(listing.in_house))
    changes_since = staticmethod(asked(listing.changes_since))
    guest = staticmethod(asked(listing.guest))
    room_status = staticmethod(asked(listing.room_status))
    check_in = staticmethod(asked(staying.check_in))
    check_out = staticmethod(asked(staying.check_out))
    no_show = staticmethod(asked(staying.no_show))
    move = staticmethod(asked(staying.move))


ADAPTER = QloAppsPms(system_of)
