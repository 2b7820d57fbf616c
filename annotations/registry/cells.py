"""What one cell of a row may hold, for every source alike: texts, numbers of samples, and what is said of others."""

from __future__ import annotations

import re
from typing import NoReturn

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
    names = {type(None): "missing (null)", bool: "true or false", list: "a list", dict: "an object", bytes: "bytes"}
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
