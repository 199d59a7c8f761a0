"""`flask staff` and `flask token`."""

from __future__ import annotations

import os
import sys

import click
from flask_babel import force_locale

from hotel_agent.audit.recording import record
from hotel_agent.cli import Group
from hotel_agent.db import db
from hotel_agent.errors import BadInput, NotFound
from hotel_agent.hotels.finding import by_slug
from hotel_agent.staff import accounts, bearer, second_factor
from hotel_agent.staff.models import ROLES

staff: Group = Group("staff", help="Accounts of the hotel's people.")
token: Group = Group("token", help="Bearer tokens for integrations.")

password_option = click.option(
    "--password", help="left out: STAFF_PASSWORD, else asked for, else a line of standard input"
)


@staff.command("create")
@click.argument("email")
@click.option("--hotel", required=True, help="slug of the hotel")
@click.option("--role", required=True, type=click.Choice(ROLES))
@click.option("--name", default="")
@password_option
def create(email: str, hotel: str, role: str, name: str, password: str | None) -> None:
    """Create an account, or give an existing one, which keeps its password, a role in another hotel.

    So comes the first admin.
    """
    hotel_id = by_slug(hotel).id
    given = password if accounts.has_password(email) else _password(password)
    with force_locale("en"):
        account = accounts.put(email, hotel_id, role, name, given)
    record("role_given", account.email, hotel_id=hotel_id, role=role)
    db.session.commit()
    click.echo(f"{email.lower()} is {role} of {hotel}")


@staff.command("list")
def list_accounts() -> None:
    """List the accounts, each with its hotels and roles."""
    for account, slug, role in accounts.everybody():
        states = {
            "disabled": account.disabled_at,
            "no password": not account.password_hash,
            "code": second_factor.is_on(account),
        }
        told = ", ".join(state for state, holds in states.items() if holds) or "active"
        click.echo(f"{account.email}\t{account.name}\t{slug or 'no hotel'}\t{role or ''}\t{told}")


@staff.command("set-password")
@click.argument("email")
@password_option
def set_password(email: str, password: str | None) -> None:
    """Give an account a new password; wherever it was signed in, it is no longer."""
    account = accounts.by_email(email)
    with force_locale("en"):
        accounts.change_password(account, _password(password))
    click.echo("password set")


@staff.command("disable")
@click.argument("email")
def disable(email: str) -> None:
    """Shut an account out at once; what it did stays."""
    accounts.disable(accounts.by_email(email))
    click.echo(f"{email.lower()} disabled")


@staff.command("enable")
@click.argument("email")
def enable(email: str) -> None:
    """Let a disabled account in again."""
    accounts.enable(accounts.by_email(email))
    click.echo(f"{email.lower()} enabled")


@staff.command("sign-out")
@click.argument("email")
def sign_out(email: str) -> None:
    """End an account's sessions and unspent API tokens, on every device."""
    ended = accounts.sign_out_everywhere(accounts.by_email(email))
    click.echo(f"{email.lower()} signed out, of {ended} {'browser' if ended == 1 else 'browsers'}")


@staff.command("reset-totp")
@click.argument("email")
def reset_totp(email: str) -> None:
    """Let somebody who lost their phone sign in with the password alone."""
    second_factor.turn_off(accounts.by_email(email))
    click.echo(f"{email.lower()} signs in with the password alone")


def _password(given: str | None) -> str:
    """As given, else of STAFF_PASSWORD, else asked for twice; a script gives it as a line of standard input."""
    password = given or os.environ.get("STAFF_PASSWORD")
    if not password and sys.stdin.isatty():
        password = str(click.prompt("Password", hide_input=True, confirmation_prompt=True))
    elif not password:
        password = sys.stdin.readline().rstrip("\r\n")
    if not password:
        raise BadInput("password", "no password was given")
    return password


@token.command("create")
@click.option("--hotel", required=True, help="slug of the hotel")
@click.option("--name", default="", help="what the token is for")
def create_token(hotel: str, name: str) -> None:
    """Make a token of one hotel and print it, and nothing else; it cannot be shown again."""
    click.echo(bearer.create_token(by_slug(hotel), name))


@token.command("revoke")
@click.argument("value", metavar="TOKEN")
def revoke_token(value: str) -> None:
    """Revoke a token at once. Give - to read it from standard input."""
    value = sys.stdin.readline().strip() if value == "-" else value
    if not value:
        raise BadInput("token", "no token was given")
    if not bearer.revoke_token(value):
        raise NotFound("There is no live token of that value.")
    click.echo("revoked")
