"""Errors that more than one feature raises; each tells its caller what to do."""

from __future__ import annotations


class ConfigurationError(Exception):
    """A setting is missing or wrong: nothing starts until somebody mends it. The text names the variable."""


class NotFound(Exception):
    """What was named does not exist, or is not of the hotel of the person who asks."""


class BadInput(Exception):
    """Somebody outside gave a value that cannot be used.

    `field` names the value as the caller knows it; the text says what is wrong with it.
    """

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field
