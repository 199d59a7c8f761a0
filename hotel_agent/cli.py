"""Command groups whose failures are one clear line and a non-zero exit."""

from __future__ import annotations

from typing import Any

import click
import psycopg
from flask.cli import AppGroup
from sqlalchemy.exc import OperationalError, ProgrammingError

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
            raise click.ClickException(f"PostgreSQL does not answer: {_first_line(error.orig)}") from None
        except psycopg.OperationalError as error:
            raise click.ClickException(f"PostgreSQL does not answer: {_first_line(error)}") from None
        except ProgrammingError as error:
            if not isinstance(error.orig, psycopg.errors.UndefinedTable | psycopg.errors.UndefinedColumn):
                raise
            raise click.ClickException(
                f"The tables are not those of this program, {_first_line(error.orig)}: run `flask db upgrade`."
            ) from None


def _first_line(error: BaseException | None) -> str:
    lines = str(error or "").strip().splitlines()
    return lines[0] if lines else "no reason given"
