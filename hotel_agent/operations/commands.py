"""`flask dead-letters`."""

from __future__ import annotations

import click

from hotel_agent.cli import Group
from hotel_agent.operations import dead_letters

letters = Group("dead-letters", help="Jobs that failed: list, try again, throw away.")


@letters.command("list")
def list_letters() -> None:
    """List the jobs that failed lately, newest first."""
    found = dead_letters.dead_letters()
    if not found.known:
        raise click.ClickException("Valkey does not answer")
    for one in found.letters:
        at = f"{one.failed_at:%Y-%m-%d %H:%M:%S}" if one.failed_at else ""
        ids = " ".join(map(str, one.ids))
        click.echo(f"{one.id}\t{at}\t{one.queue}\t{one.job}\t{ids}\t{one.error}\t{one.attempts}")


@letters.command("retry")
@click.argument("job_ids", nargs=-1, required=True, metavar="ID...")
def retry(job_ids: tuple[str, ...]) -> None:
    """Put jobs back into their queues."""
    for job_id in job_ids:
        dead_letters.retry(job_id)
        click.echo(f"{job_id} is back in its queue")


@letters.command("delete")
@click.argument("job_ids", nargs=-1, required=True, metavar="ID...")
def delete(job_ids: tuple[str, ...]) -> None:
    """Throw jobs away; what they were to do stays in the rows, and sweeps bring it back."""
    for job_id in job_ids:
        dead_letters.delete(job_id)
        click.echo(f"{job_id} deleted")
