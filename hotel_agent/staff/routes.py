"""Sign-in and sign-out, for people and for programs; everybody's own account; a hotel's people and its API tokens."""

from __future__ import annotations

from collections.abc import Callable
from time import time
from typing import Any
from urllib.parse import urlsplit

from flask import (
    Blueprint,
    Response,
    flash,
    jsonify,
    make_response,
    redirect,
    render_template,
    request,
    session,
    url_for,
)
from flask_babel import gettext as _
from flask_babel import ngettext
from flask_wtf.csrf import CSRFError
from werkzeug.wrappers import Response as AnyResponse

from hotel_agent import metrics
from hotel_agent.config import settings
from hotel_agent.db import db
from hotel_agent.errors import BadInput, NotFound
from hotel_agent.i18n import LANGUAGES
from hotel_agent.staff import accounts, bearer, passwords, people, second_factor, sessions, throttle
from hotel_agent.staff.access import may, me, me_or_none, own_path, public, public_sign_in, public_without_form
from hotel_agent.staff.browsers import browser_of
from hotel_agent.staff.models import ROLES, Staff
from hotel_agent.staff.rates import sign_in_rate
from hotel_agent.staff.throttle import TooManyFailures
from hotel_agent.web import BIGGEST_ID, is_page, problem, sorry

# Between the password and the code.
HALF_WAY_SECONDS = 300
LONGEST_NAME = 100
# What somebody typed is shown again when it could not be taken; passwords never.
WORTH_SHOWING = ("text", "body", "note", "name", "email")

api = Blueprint("auth", __name__, url_prefix="/api/auth")
bp = Blueprint("staff", __name__)
account_pages = Blueprint("account", __name__, url_prefix="/account")
people_pages = Blueprint("people", __name__, url_prefix="/admin/people")
token_pages = Blueprint("tokens", __name__, url_prefix="/admin/tokens")


# Signing in


@bp.get("/login")
@public
def login() -> AnyResponse:
    way = own_path(request.args.get("next"))
    if me_or_none() is not None:
        return redirect(way, 303)
    return make_response(render_template("staff/login.html", next=way))


@bp.post("/login")
@sign_in_rate
@public_sign_in
def sign_in() -> AnyResponse:
    email, password = request.form.get("email", ""), request.form.get("password", "")
    way = own_path(request.form.get("next"))
    try:
        account = accounts.signed_in(email, password, request.remote_addr)
    except TooManyFailures as wait:
        return _wait("staff/login.html", wait, next=way, email=email)
    if account is None:
        words = _("E-mail and password do not match.")
        return make_response(render_template("staff/login.html", next=way, email=email, problem=words), 401)
    return _password_was_right(account, way)


def _password_was_right(account: Staff, way: str) -> AnyResponse:
    if not second_factor.is_on(account):
        return _welcome(account.id, way)
    session.clear()
    session["half_way"] = {"staff": account.id, "since": time(), "next": way}
    return redirect(url_for(".code"), 303)


@bp.get("/login/code")
@public
def code() -> AnyResponse:
    if _half_way() is None:
        return redirect(url_for(".login"), 303)
    return make_response(render_template("staff/code.html"))


@bp.post("/login/code")
@sign_in_rate
@public
def check_code() -> AnyResponse:
    account = _half_way()
    if account is None:
        return redirect(url_for(".login"), 303)
    try:
        right = _is_code(account, request.form.get("code", ""))
    except TooManyFailures as wait:
        return _wait("staff/code.html", wait)
    if not right:
        metrics.sign_ins.labels("wrong_code").inc()
        words = _("This code is not right, or was used already. Wait for the next one.")
        return make_response(render_template("staff/code.html", problem=words), 401)
    return _welcome(account.id, own_path(session["half_way"]["next"]))


def _half_way() -> Staff | None:
    """Whose password was right a moment ago; this is no session, and opens nothing but the page of the code."""
    half_way = session.get("half_way")
    if not half_way or half_way["since"] + HALF_WAY_SECONDS < time():
        return None
    account = db.session.get(Staff, half_way["staff"])
    if account is None or account.disabled_at is not None or not second_factor.is_on(account):
        return None
    ended = account.signed_out_at
    return account if ended is None or ended.timestamp() < half_way["since"] else None


def _is_code(account: Staff, code: str) -> bool:
    """Raises TooManyFailures."""
    tried = throttle.attempt("code", account.email, request.remote_addr)
    right = second_factor.spend(account, code)
    if right:
        tried.succeeded()
    return right


def _welcome(staff_id: int, way: str) -> AnyResponse:
    """A new session in place of whatever this browser had before."""
    sessions.end_token(request.cookies.get(sessions.cookie_name(), ""))
    answer = redirect(way, 303)
    sessions.put_cookie(answer, sessions.begin(staff_id, request.user_agent.string))
    session.clear()
    session.permanent = True
    return answer


def _wait(template: str, wait: TooManyFailures, **shown: Any) -> AnyResponse:
    answer = make_response(render_template(template, problem=_wait_words(wait), **shown), 429)
    answer.headers["Retry-After"] = str(wait.seconds)
    return answer


def _wait_words(wait: TooManyFailures) -> str:
    minutes = -(-wait.seconds // 60)
    words: str = ngettext(
        "Too many failed attempts. Try again in %(num)s minute.",
        "Too many failed attempts. Try again in %(num)s minutes.",
        minutes,
    )
    return words


@bp.post("/logout")
@may("account")
def logout() -> AnyResponse:
    sessions.end(me().session_id, me().staff_id)
    return _goodbye()


def _goodbye() -> AnyResponse:
    session.clear()
    answer = redirect(url_for("staff.login"), 303)
    sessions.drop_cookie(answer)
    return answer


@bp.app_errorhandler(CSRFError)
def stale_form(_error: CSRFError) -> AnyResponse:
    """The form was shown to an earlier session, or is none of ours: nothing was done; what was typed is shown."""
    if not is_page():
        return problem(400, "The form token is missing or old. Load the page again.")
    typed = [value for name, value in request.form.items() if name in WORTH_SHOWING and value.strip()]
    back = own_path(urlsplit(request.referrer or "").path)
    return sorry(400, template="staff/stale_form.html", typed=typed, back=back)


@bp.get("/invitation/<token>")
@public
def invitation(token: str) -> AnyResponse:
    try:
        account = people.invited(token)
    except NotFound:
        return _no_invitation()
    return _invitation_page(token, account)


@bp.post("/invitation/<token>")
@sign_in_rate
@public
def accept_invitation(token: str) -> AnyResponse:
    try:
        account = people.invited(token)
    except NotFound:
        return _no_invitation()
    try:
        people.accept(account, request.form.get("name", ""), request.form.get("password", ""))
    except BadInput as error:
        db.session.rollback()
        return _invitation_page(token, account, 400, problem=str(error), name=request.form.get("name", ""))
    return _password_was_right(account, "/")


def _no_invitation() -> AnyResponse:
    return sorry(404, _("This invitation has been used, or is too old. Ask for a new one."))


def _invitation_page(token: str, account: Staff, status: int = 200, **shown: Any) -> AnyResponse:
    least = passwords.shortest(has_code=second_factor.is_on(account))
    page = render_template("staff/invitation.html", token=token, account=account, least=least, **shown)
    answer = make_response(page, status)
    answer.headers.update({"Referrer-Policy": "no-referrer", "Cache-Control": "no-store"})
    return answer


# Another hotel


@bp.post("/hotels/enter", defaults={"slug": None})
@bp.post("/hotels/<slug>/enter")
@may("account")
def switch_hotel(slug: str | None) -> AnyResponse:
    """Look at another hotel of one's own. What one looks at is kept with the session, in every tab: forms that
    were shown of the hotel before are too old from now on, and change nothing of this one.
    """
    slug = slug or request.form.get("hotel", "")
    hotel_id = sessions.hotel_of(me().staff_id, slug)
    answer = redirect("/", 303)
    session.pop("csrf_token", None)
    sessions.put_cookie(answer, sessions.rotate(me().session_id, hotel_id))
    return answer


# One's own account


@account_pages.get("")
@may("account")
def show() -> AnyResponse:
    return _account_page()


def _account_page(status: int = 200, **shown: Any) -> AnyResponse:
    account = accounts.by_id(me().staff_id)
    has_code = second_factor.is_on(account)
    page = render_template(
        "staff/account.html",
        account=account,
        has_code=has_code,
        least=passwords.shortest(has_code=has_code),
        languages=LANGUAGES,
        sessions=[(row, browser_of(row.user_agent)) for row in sessions.of(account.id)],
        **shown,
    )
    return make_response(page, status)


@account_pages.post("/profile")
@may("account")
def save_profile() -> AnyResponse:
    account = accounts.by_id(me().staff_id)
    name, language = accounts.plain(request.form.get("name", "")), request.form.get("language", "")
    if not name or len(name) > LONGEST_NAME:
        return _account_page(400, name_problem=_("Give a name of at most %(most)s characters.", most=LONGEST_NAME))
    account.name, account.sound = name, "sound" in request.form
    account.language = language if language in LANGUAGES else None
    db.session.commit()
    return _back_to_account(_("Saved."))


@account_pages.post("/password")
@may("account")
def change_password() -> AnyResponse:
    account = accounts.by_id(me().staff_id)
    wrong = _wrong_password(account, request.form.get("current", ""))
    if wrong:
        return _account_page(400, password_problem=wrong)
    try:
        accounts.change_password(account, request.form.get("password", ""), but=me().session_id)
    except BadInput as error:
        db.session.rollback()
        return _account_page(400, password_problem=str(error))
    return _renewed(_back_to_account(_("The password is changed. Every other browser has been signed out.")))


@account_pages.get("/code")
@may("account")
def code_setup() -> AnyResponse:
    account = accounts.by_id(me().staff_id)
    if account.totp_secret is None or second_factor.is_on(account):
        return redirect(url_for(".show"), 303)
    return _code_page(account)


def _code_page(account: Staff, status: int = 200, **shown: Any) -> AnyResponse:
    picture, secret = second_factor.picture_of(account), second_factor.secret_of(account)
    return make_response(render_template("staff/code_setup.html", picture=picture, secret=secret, **shown), status)


@account_pages.post("/code/begin")
@may("account")
def begin_code() -> AnyResponse:
    account = accounts.by_id(me().staff_id)
    if second_factor.is_on(account):
        return redirect(url_for(".show"), 303)
    wrong = _wrong_password(account, request.form.get("current", ""))
    if wrong:
        return _account_page(400, code_problem=wrong)
    second_factor.begin(account)
    return redirect(url_for(".code_setup"), 303)


@account_pages.post("/code/confirm")
@may("account")
def confirm_code() -> AnyResponse:
    account = accounts.by_id(me().staff_id)
    if account.totp_secret is None or second_factor.is_on(account):
        return redirect(url_for(".show"), 303)
    if not second_factor.confirm(account, request.form.get("code", ""), me().session_id):
        return _code_page(account, 400, problem=_("This code is not right. Wait for the next one and type that."))
    return _renewed(
        _back_to_account(_("From now on a code is asked for as well. Every other browser has been signed out."))
    )


@account_pages.post("/code/off")
@may("account")
def turn_code_off() -> AnyResponse:
    account = accounts.by_id(me().staff_id)
    password = request.form.get("current", "")
    wrong = _wrong_password(account, password)
    if wrong is None and len(passwords.normal(password)) < passwords.shortest(has_code=False):
        wrong = _("Your password is too short to do without the code. Change it first.")
    if wrong:
        return _account_page(400, code_problem=wrong)
    second_factor.turn_off(account, but=me().session_id)
    return _renewed(_back_to_account(_("The password alone is asked for again.")))


@account_pages.post(f"/sessions/<int(max={BIGGEST_ID}):session_id>/end")
@may("account")
def end_session(session_id: int) -> AnyResponse:
    sessions.end(session_id, me().staff_id)
    return _goodbye() if session_id == me().session_id else _back_to_account(_("That browser is signed out."))


@account_pages.post("/sessions/end")
@may("account")
def end_sessions() -> AnyResponse:
    """Everywhere, here too."""
    accounts.sign_out_everywhere(accounts.by_id(me().staff_id))
    return _goodbye()


def _wrong_password(account: Staff, password: str) -> str | None:
    """What to say when this is not the person's password: before changing how somebody signs in, it is asked anew."""
    try:
        known = accounts.signed_in(account.email, password, request.remote_addr)
    except TooManyFailures as wait:
        return _wait_words(wait)
    return None if known else _("Your present password is another one.")


def _renewed(answer: AnyResponse) -> AnyResponse:
    """The session goes on with a new token: whoever had copied the old one is out."""
    sessions.put_cookie(answer, sessions.rotate(me().session_id))
    return answer


def _back_to_account(words: str) -> AnyResponse:
    flash(words)
    return redirect(url_for("account.show"), 303)


# The people of the hotel


@people_pages.get("", endpoint="index")
@may("people")
def list_people() -> AnyResponse:
    return _people_page()


def _people_page(status: int = 200, **shown: Any) -> AnyResponse:
    page = render_template("people/index.html", people=people.people_of(me().hotel), roles=ROLES, **shown)
    return make_response(page, status)


@people_pages.post("")
@may("people")
def invite() -> AnyResponse:
    typed = {name: request.form.get(name, "") for name in ("email", "name", "role")}
    try:
        token = people.invite(me().hotel, typed["email"], typed["name"], typed["role"], me().staff_id)
    except BadInput as problem:
        db.session.rollback()
        return _people_page(400, typed=typed, problem=problem)
    account = accounts.by_email(typed["email"])
    if token:
        return _hand_over(account.id, token, _("%(email)s is invited.", email=account.email))
    flash(_("%(email)s has an account already, and signs in with that.", email=account.email))
    return redirect(url_for("people.show_person", staff_id=account.id), 303)


@people_pages.get("/<row:staff_id>")
@may("people")
def show_person(staff_id: int) -> AnyResponse:
    return _person_page(staff_id)


def _person_page(staff_id: int, status: int = 200, **shown: Any) -> AnyResponse:
    person = people.person_of(me().hotel, staff_id)
    link = _told_once(f"invitation {staff_id}")
    return make_response(render_template("people/show.html", person=person, roles=ROLES, link=link, **shown), status)


@people_pages.post("/<row:staff_id>/role")
@may("people")
def change_role(staff_id: int) -> AnyResponse:
    role = request.form.get("role", "")
    return _with_person(
        staff_id,
        lambda hotel, staff_id, by: people.change_role(hotel, staff_id, role, by),
        _("The role is changed."),
    )


@people_pages.post("/<row:staff_id>/invitation")
@may("people")
def invite_again(staff_id: int) -> AnyResponse:
    try:
        token = people.invite_again(me().hotel, staff_id, me().staff_id)
    except BadInput as problem:
        return _person_page(staff_id, 400, problem=problem)
    return _hand_over(staff_id, token, _("There is a new invitation. Earlier ones are worth nothing now."))


def _hand_over(staff_id: int, token: str, words: str) -> AnyResponse:
    """There is no mail: whoever invites passes the link on. It is shown once."""
    path = url_for("staff.invitation", token=token)
    _tell_once(f"invitation {staff_id}", settings().public_url.rstrip("/") + path)
    flash(words)
    return redirect(url_for("people.show_person", staff_id=staff_id), 303)


@people_pages.post("/<row:staff_id>/sign-out")
@may("people")
def sign_person_out(staff_id: int) -> AnyResponse:
    return _with_person(staff_id, people.sign_out, _("Signed out of every browser and program."))


@people_pages.get("/<row:staff_id>/code/off")
@may("people")
def ask_about_code(staff_id: int) -> AnyResponse:
    return _person_question(
        staff_id,
        lambda name: _("Ask %(name)s for no more codes?", name=name),
        _("They sign in with the password alone until they set up codes anew. Be sure that it is them who ask."),
        _("Reset the codes"),
    )


@people_pages.post("/<row:staff_id>/code/off")
@may("people")
def reset_code(staff_id: int) -> AnyResponse:
    return _with_person(staff_id, people.reset_code, _("The password alone is asked for again."))


@people_pages.get("/<row:staff_id>/shut-out")
@may("people")
def ask_about_shutting_out(staff_id: int) -> AnyResponse:
    return _person_question(
        staff_id,
        lambda name: _("Shut %(name)s out?", name=name),
        _("They are signed out at once and cannot sign in until an administrator lets them in again."),
        _("Shut out"),
    )


@people_pages.post("/<row:staff_id>/shut-out")
@may("people")
def shut_out(staff_id: int) -> AnyResponse:
    return _with_person(staff_id, people.disable, _("Shut out."), leads_to="people.index")


@people_pages.post("/<row:staff_id>/let-in")
@may("people")
def let_in(staff_id: int) -> AnyResponse:
    return _with_person(staff_id, people.enable, _("Let in again."))


@people_pages.get("/<row:staff_id>/remove")
@may("people")
def ask_about_removing(staff_id: int) -> AnyResponse:
    return _person_question(
        staff_id,
        lambda name: _("Remove %(name)s from %(hotel)s?", name=name, hotel=me().hotel.name),
        _("They see nothing of this hotel any more. What they wrote and did stays, under their name."),
        _("Remove"),
    )


@people_pages.post("/<row:staff_id>/remove")
@may("people")
def remove(staff_id: int) -> AnyResponse:
    return _with_person(staff_id, people.remove_from_hotel, _("Removed."), leads_to="people.index")


def _person_question(staff_id: int, title: Callable[[str], str], words: str, verb: str) -> AnyResponse:
    person = people.person_of(me().hotel, staff_id)
    name = person.name or person.email
    return _question(title(name), words, verb, url_for("people.show_person", staff_id=staff_id))


def _question(title: str, words: str, verb: str, back: str) -> AnyResponse:
    """Before what is not easily undone. The answer is posted to the question's own address."""
    return make_response(render_template("question.html", title=title, words=words, verb=verb, back=back))


def _with_person(
    staff_id: int, verb: Callable[..., object], words: str, leads_to: str = "people.show_person"
) -> AnyResponse:
    try:
        verb(me().hotel, staff_id, me().staff_id)
    except BadInput as problem:
        db.session.rollback()
        return _person_page(staff_id, 400, problem=problem)
    flash(words)
    return redirect(url_for(leads_to, staff_id=staff_id if leads_to == "people.show_person" else None), 303)


# What is told once: the next page that somebody sees shows it, and no later one


def _tell_once(what: str, words: str) -> None:
    session["told"] = {"what": what, "words": words}


def _told_once(what: str) -> str | None:
    told = session.get("told")
    if not told or told["what"] != what:
        return None
    del session["told"]
    words: str = told["words"]
    return words


# The hotel's API tokens


@token_pages.get("", endpoint="index")
@may("tokens")
def list_tokens() -> AnyResponse:
    return _tokens_page(token=_told_once("token"))


def _tokens_page(status: int = 200, **shown: Any) -> AnyResponse:
    tokens = bearer.tokens_of(me().hotel)
    return make_response(render_template("tokens/index.html", tokens=tokens, **shown), status)


@token_pages.post("")
@may("tokens")
def create_token() -> AnyResponse:
    name = accounts.plain(request.form.get("name", ""))
    if not name or len(name) > LONGEST_NAME:
        words = _("Say in at most %(most)s characters what it is for.", most=LONGEST_NAME)
        return _tokens_page(400, problem=words, name=name)
    _tell_once("token", bearer.create_token(me().hotel, name))
    flash(_("“%(name)s” has a token now.", name=name))
    return redirect(url_for("tokens.index"), 303)


@token_pages.get("/<row:token_id>/revoke")
@may("tokens")
def ask_about_token(token_id: int) -> AnyResponse:
    name = bearer.token_of(me().hotel, token_id).name or _("without a name")
    return _question(
        _("Revoke the token “%(name)s”?", name=name),
        _("Whatever uses it is shut out at once. A revoked token never works again."),
        _("Revoke"),
        url_for("tokens.index"),
    )


@token_pages.post("/<row:token_id>/revoke")
@may("tokens")
def revoke_token(token_id: int) -> AnyResponse:
    bearer.revoke(me().hotel, token_id)
    flash(_("The token is revoked."))
    return redirect(url_for("tokens.index"), 303)


# For programs


@api.post("/token")
@sign_in_rate
@public_without_form
def token() -> Response:
    given = request.get_json(silent=True)
    if not isinstance(given, dict):
        raise BadInput("body", "Send a JSON object with email and password.")
    for field in ("email", "password"):
        if not isinstance(given.get(field), str) or not given[field] or len(given[field]) > 1000:
            raise BadInput(field, "This is needed, as a text.")
    try:
        account = accounts.signed_in(given["email"], given["password"], request.remote_addr)
        right = account is not None and _has_given_code(account, given.get("code"))
    except TooManyFailures as wait:
        answer = problem(429, str(wait))
        answer.headers["Retry-After"] = str(wait.seconds)
        return answer
    if account is None or not right:
        return problem(401, "The code is not right." if account else "E-mail and password do not match.")
    access_token, seconds = bearer.issue(account)
    answer = jsonify(access_token=access_token, token_type="Bearer", expires_in=seconds)
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _has_given_code(account: Staff, code: Any) -> bool:
    """Raises BadInput, TooManyFailures."""
    if not second_factor.is_on(account):
        return True
    if not isinstance(code, str) or not code:
        raise BadInput("code", "This account signs in with a code as well: give it as a text.")
    return _is_code(account, code)
