"""What one cell of a row may hold, for every source alike: texts, numbers of samples, and what is said of others."""

from __future__ import annotations

import math
import re
from datetime import timedelta
from decimal import Decimal
from typing import Any, NoReturn
from uuid import UUID

UNNUMBERED = -1  # OutputRecord.sample of a row without a number: the import numbers such rows in order of appearance
WHOLE = re.compile(r"\+?[0-9]{1,10}(\.0*)?$")
LARGEST_SAMPLE = 2**31 - 1
SHOWN = 60


def quoted(value: object) -> str:
    """Return a value for a message: short, on one line, without characters that do not print."""
    text = str(value)
    text = text if len(text) <= SHOWN else f"{text[: SHOWN - 1]}…"
    return "'" + "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in text) + "'"


class CellError(ValueError):
    """One cell does not hold what its column wants."""


def refuse(reason: str) -> NoReturn:
    """Raise CellError with this reason."""
    raise CellError(reason)


def kind_of(value: object) -> str:
    """Name the type of a value in the words of a file."""
    names = {
        type(None): "missing (null)",
        bool: "true or false",
        list: "a list",
        dict: "an object",
        bytes: "bytes",
        str: "text",
    }
    return names.get(type(value), "a number" if isinstance(value, int | float) else type(value).__name__)


def words(value: object) -> str:
    """A required text."""
    return value if isinstance(value, str) else refuse(f"must be text, is {kind_of(value)}")


def optional_words(value: object) -> str:
    """A text that may be left out; a whole number is taken as its digits, because keys often are numbers."""
    if value is None or (isinstance(value, float) and value != value):  # noqa: PLR0124 - not a number: pandas' empty cell
        return ""
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return words(value)


def sample_number(value: object) -> int:
    """A sample's number, 0 or more; UNNUMBERED when the cell is empty."""
    if value is None or value == "" or (isinstance(value, float) and value != value):  # noqa: PLR0124 - see above
        return UNNUMBERED
    text = str(value).strip()
    if isinstance(value, bool) or not WHOLE.match(text):
        refuse(f"must be a whole number, 0 or more, is {quoted(value)}")
    number = int(text.partition(".")[0])
    return number if number <= LARGEST_SAMPLE else refuse(f"is too large: {quoted(value)}")


def plain(value: Any) -> Any:
    """A further cell as JSON holds it: dates and exact numbers as text, pandas' empty number as nothing."""
    if isinstance(value, dict):
        return {str(name): plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return value if value is None or isinstance(value, str | int) else _plain_one(value)


def _plain_one(value: Any) -> Any:
    if isinstance(value, float):
        if math.isinf(value):
            refuse(f"is {value}, which JSON cannot keep; empty the cell or leave the column out")
        return None if math.isnan(value) else value
    if isinstance(value, bytes):
        return _text_of(value)
    if isinstance(value, Decimal | UUID | timedelta):
        return str(value)
    return value.isoformat() if hasattr(value, "isoformat") else refuse(f"cannot be kept: it is {kind_of(value)}")


def _text_of(value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError:
        refuse("holds bytes that are no text; leave the column out")
