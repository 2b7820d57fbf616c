"""One table as text, whatever the format: cells, which columns are numbers, groups of rows, notes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, slots=True)
class Table:
    """Cells as text; ``numeric`` says which columns are set flush right; ``notes`` stand below.

    ``groups`` are (heading, number of rows) from the top; without any the rows stand alone. ``strong`` are the
    (row, column) cells set in bold.
    """

    caption: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    numeric: tuple[bool, ...]
    notes: tuple[str, ...] = ()
    groups: tuple[tuple[str, int], ...] = ()
    strong: frozenset[tuple[int, int]] = frozenset()

    def sections(self) -> list[tuple[str, list[tuple[int, tuple[str, ...]]]]]:
        """Return (heading, numbered rows) from the top; one section without heading where there are no groups."""
        numbered = list(enumerate(self.rows))
        if not self.groups:
            return [("", numbered)]
        found, at = [], 0
        for heading, size in self.groups:
            found.append((heading, numbered[at : at + size]))
            at += size
        return found


def grouped(
    pairs: Sequence[tuple[str, tuple[str, ...]]],
) -> tuple[tuple[tuple[str, int], ...], tuple[tuple[str, ...], ...]]:
    """Return groups and rows from (heading, row) in order: equal headings that follow one another are one group."""
    groups: list[tuple[str, int]] = []
    for heading, _ in pairs:
        if groups and groups[-1][0] == heading:
            groups[-1] = (heading, groups[-1][1] + 1)
        else:
            groups.append((heading, 1))
    return tuple(groups), tuple(row for _, row in pairs)
