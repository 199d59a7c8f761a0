"""The adapter of a hotel that works with QloApps."""

from __future__ import annotations

from hotel_agent.pms.contract import Capabilities, PmsAdapter
from hotel_agent.pms.orders.pms import OrdersPms
from hotel_agent.pms.qloapps import listing, staying
from hotel_agent.pms.qloapps.system import system_of

ADAPTER: PmsAdapter = OrdersPms(
    Capabilities(
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
    ),
    system_of,
    listing,
    staying,
    requests_per_second=50.0,
)
