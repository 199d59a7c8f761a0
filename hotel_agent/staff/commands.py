"""`flask staff` and `flask token`."""

from __future__ import annotations

import sys

import click

from hotel_agent.cli import Group
from hotel_agent.db import db, utcnow
from hotel_agent.errors import BadInput, NotFound
from hotel_agent.hotels.finding import by_slug
from hotel_agent.staff import accounts, bearer
from hotel_agent.staff.models import ROLES

staff: Group = Group("staff", help="Accounts of the hotel's people.")
token: Group = Group("token", help="Bearer tokens for integrations.")


@staff.command("create")
@click.argument("email")
@click.option("--hotel", required=True, help="slug of the hotel")
@click.option("--role", required=True, type=click.Choice(ROLES))
@click.option("--name", default="")
@click.password_option("--password", envvar="STAFF_PASSWORD", help="asked for when left out")
def create(email: str, hotel: str, role: str, name: str, password: str) -> None:
    """Create an account, or give an existing one a role in another hotel."""
    accounts.put(email, by_slug(hotel).id, role, name, password)
    click.echo(f"{email.lower()} is {role} of {hotel}")


@staff.command("set-password")
@click.argument("email")
@click.password_option("--password", envvar="STAFF_PASSWORD", help="asked for when left out")
def set_password(email: str, password: str) -> None:
    """Give an account a new password."""
    accounts.set_password(accounts.by_email(email), password)
    db.session.commit()
    click.echo("password set")


@staff.command("disable")
@click.argument("email")
def disable(email: str) -> None:
    """Shut an account out; what it did stays."""
    accounts.by_email(email).disabled_at = utcnow()
    db.session.commit()
    click.echo(f"{email.lower()} disabled")


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
