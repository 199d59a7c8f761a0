"""`/admin/audit`: who did what, when."""

from __future__ import annotations

from flask import Blueprint, render_template, request
from sqlalchemy import select

from hotel_agent.audit import wording
from hotel_agent.audit.recording import COMMAND, FLAG_CHANGES, entries
from hotel_agent.db import db
from hotel_agent.flags.switches import FLAGS
from hotel_agent.staff.access import may, me
from hotel_agent.staff.models import Staff, StaffHotel
from hotel_agent.web import row_id

PAGE = 50

bp = Blueprint("audit", __name__, url_prefix="/admin/audit")
bp.add_app_template_filter(wording.action_name)
bp.add_app_template_filter(wording.actor_name)
bp.add_app_template_filter(wording.details, "change_details")


@bp.get("")
@may("audit")
def index() -> str:
    hotel = me().hotel
    action, person = request.args.get("action"), request.args.get("person", "").replace("\0", "") or None
    action = action if action in wording.NAMES else None
    before = request.args.get("before", type=row_id)
    found = entries(hotel.id, before, PAGE + 1, action, person)
    people = _people(hotel.id)
    return render_template(
        "audit/index.html",
        entries=found[:PAGE],
        older=found[PAGE - 1].id if len(found) > PAGE else None,
        before=before,
        action=action,
        person=person,
        actions=wording.ACTIONS,
        people=people,
        persons={**people, **{one: wording.actor_name(one, people) for one in (COMMAND, person) if one}},
        flags={key: flag.name for key, flag in FLAGS.items()},
        flag_changes=FLAG_CHANGES,
    )


def _people(hotel_id: int) -> dict[str, str]:
    """The names of those who work here, by e-mail."""
    query = select(Staff.email, Staff.name).join(StaffHotel, StaffHotel.staff_id == Staff.id)
    rows = db.session.execute(query.where(StaffHotel.hotel_id == hotel_id))
    return dict(sorted(((email, name or email) for email, name in rows), key=lambda pair: pair[1].casefold()))
