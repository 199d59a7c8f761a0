"""`/ops`: how the installation is, what failed and may be tried again; `/ops/rq`, RQ Dashboard behind our sign-in."""

from __future__ import annotations

from collections.abc import Callable

from flask import Blueprint, abort, flash, make_response, redirect, render_template, request, url_for
from rq.exceptions import NoSuchJobError
from werkzeug.exceptions import NotFound, ServiceUnavailable
from werkzeug.wrappers import Response

from hotel_agent import errors
from hotel_agent.audit.recording import record
from hotel_agent.db import db, utcnow
from hotel_agent.i18n import _, ngettext
from hotel_agent.operations import dead_letters, failures, runbooks, wording
from hotel_agent.operations.state import state
from hotel_agent.redis import RedisError, quick_redis
from hotel_agent.staff.access import ORIGIN, may, me
from hotel_agent.web import row_id
from workers import nudges

PAGE = 50
MOUNTED = "/ops/rq"
# Its pages have scripts and styles within, and its templates become functions in the browser. Only here.
POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; frame-ancestors 'none'; base-uri 'none'; object-src 'none'; form-action 'self'"
)

bp = Blueprint("operations", __name__)
for _words in (wording.reason_name, wording.reason_advice, wording.job_name, wording.job_row, wording.queue_name):
    bp.add_app_template_filter(_words)


@bp.get("/ops")
@may("operations")
def index() -> str:
    waiting = failures.how_many_wait(_hotels())
    return render_template(
        "operations/index.html",
        state=state(),
        failures=waiting.all,
        runbooks=runbooks.OF_TROUBLES,
        at=utcnow(),
    )


@bp.get("/docs/<path:name>.md")
@may("operations")
def document(name: str) -> str:
    """What to do when something is wrong, as it stands in the folder of the program."""
    page = runbooks.page(name)
    if page is None:
        raise NotFound
    return render_template("operations/document.html", page=page)


# Bodies that could not be taken in


@bp.get("/ops/webhook-failures")
@may("operations")
def webhook_failures() -> Response:
    return _failures_page()


@bp.get("/ops/webhook-failures/replay")
@may("operations")
def sure_to_replay() -> Response:
    """How many it would be, and the button that does it."""
    ids = _ids()
    if not ids and not _is_all():
        return _failures_page(400, _("Choose at least one."))
    found = failures.how_many_wait(_hotels(), None if _is_all() else ids)
    return make_response(render_template("operations/replay.html", found=found, ids=ids, all=_is_all()))


@bp.post("/ops/webhook-failures/replay")
@may("operations")
def replay() -> Response:
    """Take the chosen ones in again, or all that may work now."""
    ids = _ids()
    if not ids and not _is_all():
        return _failures_page(400, _("Choose at least one."))
    count = failures.replay(None if _is_all() else ids, hotel_ids=_hotels())
    if count:
        nudges.take_in()
        flash(
            ngettext(
                "%(num)s put back; it appears here again if it fails again.",
                "%(num)s put back; they appear here again if they fail again.",
                count,
            )
        )
    else:
        flash(_("Nothing was put back: none of them waits any more."))
    return redirect(url_for(".webhook_failures"), 303)


def _failures_page(status: int = 200, problem: str | None = None) -> Response:
    settled, before = request.args.get("view") == "settled", request.args.get("before", type=row_id)
    found = failures.webhook_failures(_hotels(), resolved=settled, before=before, limit=PAGE + 1)
    page = render_template(
        "operations/webhook_failures.html",
        failures=found[:PAGE],
        older=found[PAGE - 1].id if len(found) > PAGE else None,
        before=before,
        settled=settled,
        waiting=failures.how_many_wait(_hotels()),
        problem=problem,
    )
    return make_response(page, status)


def _hotels() -> list[int]:
    return [me().hotel.id]


def _is_all() -> bool:
    return request.values.get("all") == "1"


def _ids() -> list[int]:
    return request.values.getlist("id", type=row_id)


# Jobs that failed


@bp.get("/ops/dead-letters")
@may("operations")
def letters() -> Response:
    return _letters_page()


@bp.get("/ops/dead-letters/<any(retry, delete):verb>")
@may("operations")
def sure_of_letters(verb: str) -> Response:
    """How many it would be, and the button that does it; what fails meanwhile is left out."""
    found = dead_letters.dead_letters()
    if not found.known:
        return _letters_page(503)
    named = request.args.getlist("id")
    chosen = [letter for letter in found.letters if _is_all() or letter.id in named]
    if not chosen:
        return _letters_page(400, _("None of them is here any more."))
    return make_response(render_template("operations/sure_of_letters.html", verb=verb, letters=chosen))


@bp.post("/ops/dead-letters/retry")
@may("operations")
def retry() -> Response:
    count, answered = _each(dead_letters.retry)
    if count:
        words = ngettext("%(num)s job is back in its queue.", "%(num)s jobs are back in their queues.", count)
        flash(words + " " + _("What fails again appears here again."))
    return _letters_done(count, answered)


@bp.post("/ops/dead-letters/delete")
@may("operations")
def delete() -> Response:
    count, answered = _each(dead_letters.delete)
    if count:
        flash(ngettext("%(num)s job deleted.", "%(num)s jobs deleted.", count))
    return _letters_done(count, answered)


def _each(verb: Callable[[str], None]) -> tuple[int, bool]:
    """How many it was done with; false once Valkey does not answer, and then no more is tried."""
    count = 0
    for job_id in request.form.getlist("id")[: dead_letters.MOST]:
        try:
            verb(job_id)
        except errors.NotFound:
            continue
        except RedisError:
            db.session.rollback()
            return count, False
        count += 1
    return count, True


def _letters_done(count: int, answered: bool) -> Response:
    if not answered and not count:
        return _letters_page(503)
    if not answered:
        flash(_("Then Valkey stopped answering; the others are as they were."))
    elif not count:
        flash(_("None of them is here any more."))
    return redirect(url_for(".letters"), 303)


def _letters_page(status: int = 200, problem: str | None = None) -> Response:
    found = dead_letters.dead_letters()
    page = render_template("operations/dead_letters.html", found=found, most=dead_letters.MOST, problem=problem)
    return make_response(page, status)


# RQ Dashboard


@bp.route(MOUNTED, methods=["GET", "POST"])
@bp.route(f"{MOUNTED}/", methods=["GET", "POST"])
@bp.route(f"{MOUNTED}/<path:page>", methods=["GET", "POST"])
@may("operations", proof=ORIGIN)
def rq(page: str = "") -> Response:
    from hotel_agent.operations.rq_pages import pages

    inner = request.environ.copy()
    inner["SCRIPT_NAME"] = request.environ.get("SCRIPT_NAME", "") + MOUNTED
    inner["PATH_INFO"] = request.environ["PATH_INFO"].removeprefix(MOUNTED) or "/"
    try:
        quick_redis().ping()
        answer = Response.from_app(pages().wsgi_app, inner, buffered=True)
    except RedisError:
        raise ServiceUnavailable("Valkey does not answer.") from None
    except (NoSuchJobError, UnboundLocalError, ValueError, ZeroDivisionError):
        # So it ends for a job, a registry or a page of a list that does not exist.
        raise NotFound from None
    if answer.status_code >= 400:
        abort(answer.status_code)
    if request.method == "POST":
        record("queue_changed", page)
        db.session.commit()
    answer.headers["Content-Security-Policy"] = POLICY
    return answer
