"""The pieces that sections are made of: figures, tables, lists, definitions; all text escaped here."""

from __future__ import annotations

import html
from dataclasses import dataclass
from typing import TYPE_CHECKING

from analysis import figures, tables
from analysis.page.style import CSS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from analysis.tables import Table

LEFT_OUT = "Left out at the wish of whoever made this report."
WIDE, MIDDLE = 620.0, 420.0
"""Widths in points from which a figure keeps a least width on a phone and scrolls sideways."""


@dataclass(frozen=True, slots=True)
class Section:
    """One part of the page under a heading of its own; ``anchor`` is where the contents lead to."""

    anchor: str
    heading: str
    body: str
    short: str = ""


def text(words: str, style: str = "") -> str:
    """Return a paragraph."""
    kind = f' class="{style}"' if style else ""
    return f"<p{kind}>{html.escape(words)}</p>"


def items(lines: Sequence[str]) -> str:
    """Return a list."""
    return "<ul>" + "".join(f"<li>{html.escape(line)}</li>" for line in lines) + "</ul>"


def table(content: Table, *, captioned: bool = True, style: str = "") -> str:
    """Return a table, or nothing where it has no rows."""
    if not content.rows:
        return ""
    markup = tables.to_html(content, captioned=captioned)
    return f'<div class="{style}">{markup}</div>' if style else markup


def scrolling(markup: str, *, label: str) -> str:
    """Return markup in a frame of its own that scrolls sideways, by the keyboard too."""
    return f'<div class="scroll" role="region" tabindex="0" aria-label="{html.escape(label)}">{markup}</div>'


def beside(*parts: str) -> str:
    """Return parts side by side where there is room, below one another where there is not."""
    return '<div class="beside">' + "".join(f"<div>{part}</div>" for part in parts if part) + "</div>"


def folded(summary: str, body: str) -> str:
    """Return what opens at a click, without a script."""
    return f"<details><summary>{html.escape(summary)}</summary>\n{body}\n</details>" if body else ""


def picture(svg: str | None, *, name: str, label: str, caption: str = "") -> str:
    """Return a figure with its drawing inline, or nothing where there is none."""
    if svg is None:
        return ""
    width = float(svg[svg.index('width="') + 7 :].split("pt", 1)[0])
    size = "wide" if width >= WIDE else "middle" if width >= MIDDLE else "narrow"
    hint = '<p class="note sideways">Scroll the figure sideways for all of it.</p>' if width >= MIDDLE else ""
    below = f"<figcaption>{html.escape(caption)}</figcaption>" if caption else ""
    drawing = figures.to_inline(svg, name=name)
    return (
        f'<figure><div class="picture {size}" role="img" tabindex="0" aria-label="{html.escape(label)}">{drawing}</div>'
        f"{hint}{below}</figure>"
    )


class Drawings:
    """The figures of a report by name, as SVG, with the words for those who do not see them."""

    def __init__(self, svgs: Mapping[str, str], labels: Mapping[str, str]) -> None:
        """Keep both."""
        self.svgs, self.labels = svgs, labels

    def show(self, name: str, caption: str = "") -> str:
        """Return the figure as a part of the page, or nothing where it was not drawn."""
        return picture(self.svgs.get(name), name=name, label=self.labels.get(name, ""), caption=caption)


def definitions(rows: Sequence[tuple[str, str]]) -> str:
    """Return a list of names and what they are."""
    return (
        "<dl>" + "".join(f"<dt>{html.escape(name)}</dt><dd>{html.escape(what)}</dd>" for name, what in rows) + "</dl>"
    )


def warning(lines: Sequence[str]) -> str:
    """Return the box of what must be read before the numbers are believed."""
    if not lines:
        return ""
    return f'<div class="warning" role="note"><strong>Before you report this</strong>{items(lines)}</div>'


def section(part: Section) -> str:
    """Return a section with its heading."""
    return (
        f'<section id="{part.anchor}" aria-labelledby="{part.anchor}-h">'
        f'<h2 id="{part.anchor}-h">{html.escape(part.heading)}</h2>\n{part.body}\n</section>'
    )


def contents(parts: Sequence[Section]) -> str:
    """Return the way to each section."""
    links = "".join(
        f'<li><a href="#{part.anchor}">{html.escape(part.short or part.heading)}</a></li>' for part in parts
    )
    return f'<nav aria-label="Contents"><ul>{links}</ul></nav>'


def document(title: str, body: str, *, kicker: str) -> str:
    """Return a whole page."""
    return (
        f'<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">\n<title>{html.escape(title)}</title>\n'
        f'<style>\n{CSS}\n</style>\n</head>\n<body>\n<main>\n<header><p class="kicker">{html.escape(kicker)}</p>'
        f"<h1>{html.escape(title)}</h1></header>\n{body}\n</main>\n</body>\n</html>\n"
    )
