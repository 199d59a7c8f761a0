"""`flask inbox`: what could not be taken in, and trying again."""

from __future__ import annotations

import click
from sqlalchemy import func, select

from hotel_agent.cli import Group
from hotel_agent.conversations.inbox import put_back
from hotel_agent.conversations.models import WebhookFailure
from hotel_agent.db import db

inbox = Group("inbox", help="Webhook bodies that could not be taken in.")


@inbox.command("failures")
def failures() -> None:
    """List what waits to be looked at."""
    rows = db.session.scalars(
        select(WebhookFailure)
        .where(WebhookFailure.resolved_at.is_(None))
        .order_by(WebhookFailure.id)
        .limit(200)
    )
    for row in rows:
        click.echo(f"{row.id}\t{row.created_at:%Y-%m-%d %H:%M}\t{row.reason}\t{row.detail}")


@inbox.command("replay")
@click.argument("ids", nargs=-1, type=int)
@click.option("--all", "everything", is_flag=True, help="replay all that wait")
def replay(ids: tuple[int, ...], everything: bool) -> None:
    """Take failed bodies in again, by the IDS that `flask inbox failures` shows; a sweep picks them up."""
    if not ids and not everything:
        waiting = db.session.scalar(
            select(func.count()).select_from(WebhookFailure).where(WebhookFailure.resolved_at.is_(None))
        )
        raise click.UsageError(f"name the failures to replay, or --all ({waiting} wait)")
    count = put_back(None if everything else ids)
    click.echo(f"{count} replayed")
    if not everything and count < len(set(ids)):
        raise click.ClickException("some of those ids do not wait to be replayed")
