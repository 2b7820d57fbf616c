"""Tables as Markdown, HTML and CSV."""

from __future__ import annotations

import csv
import html
import io
import math
from dataclasses import fields
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from analysis.tables.cells import Table


def to_csv(records: Sequence[Any]) -> str:
    """Return frozen records of one kind, every field a column, unrounded enough to compute with (10 digits)."""
    if not records:
        return ""
    names = [field.name for field in fields(records[0])]
    return write_csv(names, ([getattr(record, name) for name in names] for record in records))


def write_csv(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return a CSV text; numbers with 10 digits, empty where there is none."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(header)
    for row in rows:
        writer.writerow([_exact(value) for value in row])
    return buffer.getvalue()


def _exact(value: object) -> object:
    if not isinstance(value, float):
        return value
    return "" if math.isnan(value) else f"{value:.10g}"


def to_markdown(table: Table) -> str:
    """Return a pipe table with its notes; a group's heading is a row of its own, in bold."""

    def line(cells: tuple[str, ...], strong: set[int]) -> str:
        texts = [cell.replace("|", "\\|").replace("\n", " ") for cell in cells]
        texts = [f"**{text}**" if column in strong and text else text for column, text in enumerate(texts)]
        return "| " + " | ".join(texts) + " |"

    rule = "|" + "|".join("---:" if numeric else "---" for numeric in table.numeric) + "|"
    body = [line(table.header, set()), rule]
    for heading, rows in table.sections():
        if heading:
            body.append(line((heading, *[""] * (len(table.header) - 1)), {0}))
        body += [line(row, {column for at, column in table.strong if at == number}) for number, row in rows]
    return "\n".join([*body, "", *(f"{note}\n" for note in table.notes)])


def to_html(table: Table, *, captioned: bool = True) -> str:
    """Return an accessible HTML table in a scrollable region, with its notes; no caption where a heading says it."""
    bodies = []
    for heading, rows in table.sections():
        head = f'<tr><th scope="rowgroup" colspan="{len(table.header)}">{html.escape(heading)}</th></tr>\n'
        lines = "\n".join(_row(table, row, number=number) for number, row in rows)
        bodies.append(f"<tbody>\n{head if heading else ''}{lines}\n</tbody>")
    notes = "".join(f'<p class="note">{html.escape(note)}</p>\n' for note in table.notes)
    caption = html.escape(table.caption)
    opening = f"<table>\n<caption>{caption}</caption>" if captioned else f'<table aria-label="{caption}">'
    columns = "".join(
        f'<th scope="col"{" class=" + chr(34) + "number" + chr(34) if numeric else ""}>{html.escape(text)}</th>'
        for text, numeric in zip(table.header, table.numeric, strict=True)
    )
    return (
        f'<div class="scroll" role="region" tabindex="0" aria-label="Table: {caption}">\n{opening}\n'
        f"<thead><tr>{columns}</tr></thead>\n" + "\n".join(bodies) + f"\n</table>\n</div>\n{notes}"
    )


def _row(table: Table, values: tuple[str, ...], *, number: int) -> str:
    parts = []
    for column, (value, numeric) in enumerate(zip(values, table.numeric, strict=True)):
        name, scope = ("th", ' scope="row"') if column == 0 else ("td", "")
        style = ' class="number"' if numeric else ""
        text = html.escape(value)
        text = f"<strong>{text}</strong>" if (number, column) in table.strong else text
        parts.append(f"<{name}{scope}{style}>{text}</{name}>")
    return "<tr>" + "".join(parts) + "</tr>"
