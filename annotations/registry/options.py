"""What a plug-in can be set to: each option once, for checking, for the researcher's form and for the documentation."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

OptionKind = Literal["yes_no", "number", "decimal", "one_of", "words", "lines", "json"]


@dataclass(frozen=True, slots=True)
class Option:
    """One option: `kind` says what it holds.

    yes_no   true or false
    number   a whole number from `least` to `most`
    decimal  a number from `least` to `most`, with or without a point
    one_of   one of the values of `among`, which are (value, label)
    words    a text of at most `most` characters
    lines    a list of at most `many` different texts, each of at most `most` characters
    json     a JSON object

    An `optional` one may be None, which says that nothing was chosen.
    """

    name: str
    label: str
    kind: OptionKind
    default: Any
    help: str = ""
    least: float = 0
    most: float = 60
    many: int = 12
    among: tuple[tuple[Any, str], ...] = ()
    optional: bool = False

    def clean(self, value: Any) -> Any:
        """Return the checked value; raises ValueError with a sentence that names the option."""
        if self.optional and value is None:
            return None
        if self.kind == "json" and isinstance(value, dict):
            return value
        if self.kind == "yes_no" and isinstance(value, bool):
            return value
        if self.kind == "number" and is_whole(value) and self.least <= value <= self.most:
            return int(value)
        if self.kind == "decimal" and is_number(value) and self.least <= value <= self.most:
            return float(value)
        if self.kind == "one_of" and not isinstance(value, bool):
            for known, _ in self.among:
                if type(known) is type(value) and known == value:
                    return known
        if self.kind == "words" and isinstance(value, str) and len(value.strip()) <= self.most:
            return value.strip()
        if self.kind == "lines" and self._is_list(value):
            return [line.strip() for line in value]
        message = f"the option '{self.name}' takes {self.takes}, not {value!r}"
        raise ValueError(message)

    def _is_list(self, value: Any) -> bool:
        if not isinstance(value, list | tuple) or not all(isinstance(line, str) for line in value):
            return False
        lines = [line.strip() for line in value]
        short = all(0 < len(line) <= self.most for line in lines)
        return short and len(set(lines)) == len(lines) <= self.many

    @property
    def takes(self) -> str:
        """Say in words what is allowed."""
        if self.kind == "number":
            return f"a whole number from {self.least:,} to {self.most:,}"
        if self.kind == "decimal":
            return f"a number from {self.least:,} to {self.most:,}"
        if self.kind == "one_of":
            return "one of " + ", ".join(str(value) for value, _ in self.among)
        if self.kind == "words":
            return f"a text of at most {self.most} characters"
        if self.kind == "lines":
            return f"a list of at most {self.many} different texts of at most {self.most} characters"
        if self.kind == "json":
            return "a JSON object"
        return "true or false"


def is_whole(value: object) -> bool:
    """Say whether this is a whole number (true and false are none)."""
    return isinstance(value, int) and not isinstance(value, bool)


def is_number(value: object) -> bool:
    """Say whether this is a finite number (true and false are none)."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def complete(options: tuple[Option, ...], given: Mapping[str, Any], *, of: str) -> dict[str, Any]:
    """Return every option with its checked value or its default; raises ValueError for an unknown one."""
    names = [option.name for option in options]
    unknown = sorted(set(given) - set(names))
    if unknown:
        message = f"{of} has no option '{unknown[0]}'; it takes {', '.join(names) or 'none'}"
        raise ValueError(message)
    return {option.name: option.clean(given.get(option.name, option.default)) for option in options}
