"""Command groups whose failures are one clear line and a non-zero exit."""

from __future__ import annotations

from typing import Any

import click
from flask.cli import AppGroup
from sqlalchemy.exc import OperationalError

from hotel_agent.errors import BadInput, ConfigurationError, NotFound
from hotel_agent.redis import RedisError


class Group(AppGroup):
    """A group of commands, run in the application's context."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except (BadInput, NotFound, ConfigurationError) as error:
            raise click.ClickException(str(error)) from None
        except RedisError as error:
            raise click.ClickException(f"Valkey does not answer: {type(error).__name__}") from None
        except OperationalError as error:
            reason = str(error.orig).strip().splitlines()[0] if error.orig else "no reason given"
            raise click.ClickException(f"PostgreSQL does not answer: {reason}") from None
