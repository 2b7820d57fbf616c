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
        if self.kind == "one_of":
            for known, _ in self.among:
                if type(known) is type(value) and known == value:
                    return known
        elif self._fits(value):
            return self._plain(value)
        message = f"the option '{self.name}' takes {self.takes}, not {value!r}"
        raise ValueError(message)

    def _fits(self, value: Any) -> bool:
        if self.kind == "yes_no":
            return isinstance(value, bool)
        if self.kind == "words":
            return isinstance(value, str) and len(value.strip()) <= self.most
        if self.kind == "lines":
            return self._is_list(value)
        if self.kind == "json":
            return isinstance(value, dict)
        is_kind = is_whole(value) if self.kind == "number" else is_number(value)
        return is_kind and self.least <= value <= self.most

    def _plain(self, value: Any) -> Any:
        if self.kind == "decimal":
            return float(value)
        if self.kind == "lines":
            return [line.strip() for line in value]
        return value.strip() if isinstance(value, str) else value

    def _is_list(self, value: Any) -> bool:
        if not isinstance(value, list | tuple) or not all(isinstance(line, str) for line in value):
            return False
        lines = [line.strip() for line in value]
        short = all(0 < len(line) <= self.most for line in lines)
        return short and len(set(lines)) == len(lines) <= self.many

    @property
    def takes(self) -> str:
        """Say in words what is allowed."""
        words = {
            "yes_no": "true or false",
            "number": f"a whole number from {self.least:,} to {self.most:,}",
            "decimal": f"a number from {self.least:,} to {self.most:,}",
            "one_of": "one of " + ", ".join(str(value) for value, _ in self.among),
            "words": f"a text of at most {self.most} characters",
            "lines": f"a list of at most {self.many} different texts of at most {self.most} characters",
            "json": "a JSON object",
        }
        return words[self.kind]


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
