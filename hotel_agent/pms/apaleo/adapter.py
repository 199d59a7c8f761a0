"""The adapter of a hotel that works with Apaleo."""

from __future__ import annotations

from hotel_agent.pms.apaleo import listing, staying
from hotel_agent.pms.apaleo.system import system_of
from hotel_agent.pms.contract import Capabilities, PmsAdapter
from hotel_agent.pms.orders.pms import OrdersPms

ADAPTER: PmsAdapter = OrdersPms(
    Capabilities(
        hold="imitated",
        modify_dates=True,
        modify_room_type=True,
        modify_occupancy=True,
        check_in_out=True,
        no_show=True,
        room_status="housekeeping",
        guest_profile=True,
        notes=True,
        change_feed=True,
    ),
    system_of,
    listing,
    staying,
    requests_per_second=50.0,
)
