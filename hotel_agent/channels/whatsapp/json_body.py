"""JSON from outside, read so that whatever comes through can be kept in PostgreSQL and written out again."""

import json
import math
import re
from typing import Any

DEEPEST = 100  # Meta's own bodies nest about ten levels; more endangers the stack of whoever walks them.
LONGEST_NUMBER = 300
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")


def read_json(body: bytes) -> Any:
    """The value in `body`. Raises ValueError if there is none; its reason quotes nothing of the body.

    PostgreSQL takes neither NUL nor half a surrogate pair in text, nor infinity in jsonb: the first is
    dropped, the second becomes U+FFFD, and numbers that Python cannot hold stay text.
    """
    try:
        value = json.loads(body, parse_constant=_refuse, parse_int=_integer, parse_float=_number)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    except json.JSONDecodeError as error:
        raise ValueError(f"not JSON: {error.msg} at {error.pos}") from None
    except UnicodeDecodeError:
        raise ValueError("not JSON: not Unicode text") from None
    return _storable(value, 0)


def _refuse(constant: str) -> None:
    raise ValueError(f"not JSON: {constant}")


def _integer(digits: str) -> int | str:
    return int(digits) if len(digits) <= LONGEST_NUMBER else digits


def _number(digits: str) -> float | str:
    number = float(digits)
    return number if math.isfinite(number) else digits


def _storable(value: Any, depth: int) -> Any:
    if depth > DEEPEST:
        raise ValueError("nested too deeply")
    if isinstance(value, str):
        return _storable_text(value)
    if isinstance(value, list):
        return [_storable(item, depth + 1) for item in value]
    if isinstance(value, dict):
        return {_storable_text(key): _storable(item, depth + 1) for key, item in value.items()}
    return value


def _storable_text(text: str) -> str:
    return _LONE_SURROGATE.sub("\N{REPLACEMENT CHARACTER}", text.replace("\x00", ""))
