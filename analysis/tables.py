"""The significance table and the table of spreads as CSV, LaTeX (booktabs), Markdown and HTML."""

from __future__ import annotations

import csv
import html
import io
import math
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

from analysis.results import SignificanceRow, StudyResult
from analysis.wording import format_p, number, percent

if TYPE_CHECKING:
    from collections.abc import Sequence

LATEX = str.maketrans(
    {
        "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_", "{": r"\{", "}": r"\}",
        "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "\\": r"\textbackslash{}", "−": "$-$", "–": "--",
        "<": "$<$", ">": "$>$", "∞": r"$\infty$", "×": r"$\times$", "√": r"$\surd$", "σ": r"$\sigma$",
    }
)  # fmt: skip

SCALES = (
    "Log-odds: that the first system beats the second, for an average rater, prompt and output. "
    "Win rate: averaged over raters, prompts, outputs and sides; ties count half. Latent d = log-odds × √3/π."
)
SPREADS = (
    "SD on the log-odds scale. SD of a difference: √2 σ for effects that enter a pair with + and −; this is what a "
    "model with one random intercept per prompt (or rater) calls its SD. 0.00 with a dash: no spread found."
)
NAIVE = (
    "Naive: takes every answer for independent, which it is not; where there is no true difference such a test "
    "claims one in 25–45% of studies of this kind. Do not report it."
)


@dataclass(frozen=True, slots=True)
class Table:
    """Cells as text; ``numeric`` says which columns are set flush right; ``notes`` stand below."""

    caption: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    numeric: tuple[bool, ...]
    notes: tuple[str, ...] = ()


def significance_table(result: StudyResult) -> Table:
    """Return the table that a paper prints."""
    level = f"{100.0 * result.confidence:g}% CI"
    header = (
        "Dimension", "Contrast", "Log-odds", "SE", level, "t (df)", "p", "p (Holm)", "Win rate", level, "Latent d",
        "Raters", "Prompts", "Judgements", "Converged",
    )  # fmt: skip
    lines = tuple(_cells(row) for row in result.rows)
    notes = [
        f"p (Holm): corrected over the {len(result.rows)} contrasts of this table.",
        SCALES,
        *(f"{r.dimension}: {r.fit.model}; {r.fit.formula}; {r.fit.convergence.message}." for r in result.dimensions),
        *(f"{row.dimension}, {row.contrast}: {row.message}." for row in result.rows if not row.converged),
    ]
    return Table("Significance table", header, lines, (False, False, *([True] * 12), False), tuple(notes))


def _cells(row: SignificanceRow) -> tuple[str, ...]:
    rates = f"[{percent(row.win_rate_low)}, {percent(row.win_rate_high)}]" if row.converged else "–"
    return (
        row.dimension,
        row.contrast,
        number(row.estimate),
        number(row.se),
        f"[{number(row.low)}, {number(row.high)}]" if row.converged else "–",
        f"{number(row.statistic)} ({row.df:g})" if row.converged else "–",
        format_p(row.p),
        format_p(row.p_holm),
        percent(row.win_rate),
        rates,
        number(row.effect_size),
        str(row.n_raters),
        str(row.n_prompts),
        str(row.n_judgements),
        "yes" if row.converged else "no",
    )


def variance_table(result: StudyResult) -> Table:
    """Return the spreads of the random effects with their standard errors."""
    rows = [
        (
            fit.dimension,
            component.factor,
            str(component.levels),
            number(component.sd),
            number(component.se) if component.sd > 0 else "–",
            number(component.difference_sd),
        )
        for fit in result.dimensions
        for component in fit.fit.variances
    ]
    header = ("Dimension", "Random effect", "Levels", "SD", "SE", "SD of a difference")
    return Table(
        "Spread of raters, prompts and outputs", header, tuple(rows), (False, False, True, True, True, True), (SPREADS,)
    )


def fixed_table(result: StudyResult) -> Table:
    """Return the side effect and the thresholds of each model."""
    rows = []
    for dimension in result.dimensions:
        fit = dimension.fit
        pairs = zip(fit.names, fit.estimate, fit.standard_errors(), strict=True)
        rows += [
            (dimension.dimension, name, number(value), number(se))
            for name, value, se in pairs
            if name.startswith("side")
        ]
        triples = zip(fit.threshold_names, fit.thresholds, fit.threshold_se, strict=True)
        rows += [(dimension.dimension, f"threshold {name}", number(v), number(se)) for name, v, se in triples if se > 0]
    return Table(
        "Side effect and thresholds", ("Dimension", "Term", "Estimate", "SE"), tuple(rows), (False, False, True, True)
    )


def naive_table(result: StudyResult) -> Table:
    """Return the test that many papers use, beside the mixed model."""
    rows = [
        (
            row.dimension,
            row.contrast,
            percent(row.raw_win_rate),
            str(row.n_direct),
            format_p(row.naive_p),
            format_p(row.p),
        )
        for row in result.rows
    ]
    header = ("Dimension", "Contrast", "Raw win rate", "Direct comparisons", "p (naive binomial)", "p (mixed model)")
    return Table("What a naive test would claim", header, tuple(rows), (False, False, True, True, True, True), (NAIVE,))


def to_csv(rows: Sequence[SignificanceRow]) -> str:
    """Return every number of the significance rows, unrounded enough to compute with (10 digits)."""
    buffer = io.StringIO()
    names = [field.name for field in fields(SignificanceRow)]
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(names)
    for row in rows:
        values = [getattr(row, name) for name in names]
        writer.writerow([_exact(value) for value in values])
    return buffer.getvalue()


def _exact(value: object) -> object:
    if not isinstance(value, float):
        return value
    return "" if math.isnan(value) else f"{value:.10g}"


def to_markdown(table: Table) -> str:
    """Return a pipe table with its notes."""

    def line(cells: tuple[str, ...]) -> str:
        return "| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in cells) + " |"

    rule = "|" + "|".join("---:" if numeric else "---" for numeric in table.numeric) + "|"
    body = [line(table.header), rule, *(line(row) for row in table.rows), ""]
    return "\n".join([*body, *(f"{note}\n" for note in table.notes)])


def to_latex(table: Table) -> str:
    """Return a booktabs table, to be included by a LaTeX document."""

    def line(cells: tuple[str, ...]) -> str:
        return " & ".join(cell.translate(LATEX) for cell in cells) + r" \\"

    columns = "".join("r" if numeric else "l" for numeric in table.numeric)
    notes = r"\\".join(note.translate(LATEX) for note in table.notes)
    return "\n".join(
        [
            "% needs \\usepackage{booktabs,graphicx}",
            r"\begin{table}",
            r"\centering",
            rf"\caption{{{table.caption.translate(LATEX)}}}",
            r"\resizebox{\linewidth}{!}{%",
            rf"\begin{{tabular}}{{{columns}}}",
            r"\toprule",
            line(table.header),
            r"\midrule",
            *(line(row) for row in table.rows),
            r"\bottomrule",
            r"\end{tabular}}",
            rf"\par\smallskip\footnotesize {notes}" if notes else "",
            r"\end{table}",
            "",
        ]
    )


def to_html(table: Table) -> str:
    """Return an accessible HTML table in a scrollable region, with its notes."""

    def cells(values: tuple[str, ...], tag: str) -> str:
        parts = []
        for index, (value, numeric) in enumerate(zip(values, table.numeric, strict=True)):
            name = "th" if tag == "th" or index == 0 else "td"
            scope = ' scope="col"' if tag == "th" else ' scope="row"' if index == 0 else ""
            style = ' class="number"' if numeric else ""
            parts.append(f"<{name}{scope}{style}>{html.escape(value)}</{name}>")
        return "<tr>" + "".join(parts) + "</tr>"

    body = "\n".join(cells(row, "td") for row in table.rows)
    notes = "".join(f'<p class="note">{html.escape(note)}</p>\n' for note in table.notes)
    caption = html.escape(table.caption)
    return (
        f'<div class="scroll" role="region" tabindex="0" aria-label="{caption}">\n'
        f"<table>\n<caption>{caption}</caption>\n"
        f"<thead>{cells(table.header, 'th')}</thead>\n<tbody>\n{body}\n</tbody>\n</table>\n</div>\n{notes}"
    )
