"""The significance table and the table of spreads as CSV, LaTeX (booktabs), Markdown and HTML."""

from __future__ import annotations

import csv
import html
import io
import math
import unicodedata
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

from analysis.results import SignificanceRow, StudyResult
from analysis.wording import format_p, number, percent

if TYPE_CHECKING:
    from collections.abc import Sequence

# What plain pdflatex sets: ASCII only is written, so neither the encoding of the document nor its fonts matter.
LATEX = {
    "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_", "{": r"\{", "}": r"\}", "|": r"\textbar{}",
    "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "\\": r"\textbackslash{}", "<": "$<$", ">": "$>$",
    "−": "$-$", "–": "--", "—": "---", "‘": "`", "’": "'", "“": "``", "”": "''", "…": r"\ldots{}", "\xa0": "~",
    "×": r"$\times$", "·": r"$\cdot$", "±": r"$\pm$", "∓": r"$\mp$", "√": r"$\surd$", "∞": r"$\infty$",
    "≤": r"$\le$", "≥": r"$\ge$", "≠": r"$\ne$", "≈": r"$\approx$", "∼": r"$\sim$", "→": r"$\to$",
    "←": r"$\leftarrow$", "↔": r"$\leftrightarrow$", "°": r"$^\circ$", "²": "$^2$", "³": "$^3$", "µ": r"$\mu$",
    "ß": r"\ss{}", "æ": r"\ae{}", "Æ": r"\AE{}", "œ": r"\oe{}", "Œ": r"\OE{}", "ø": r"\o{}", "Ø": r"\O{}",
    "ł": r"\l{}", "Ł": r"\L{}", "§": r"\S{}",
}  # fmt: skip
GREEK = (
    "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi pi rho varsigma sigma tau upsilon phi "
    "chi psi omega Gamma Delta Theta Lambda Xi Pi Sigma Upsilon Phi Psi Omega"
)
LATEX |= {
    letter: rf"$\{name}$" for letter, name in zip("αβγδεζηθικλμνξπρςστυφχψωΓΔΘΛΞΠΣΥΦΨΩ", GREEK.split(), strict=True)
}
# Combining marks and the accent commands that every LaTeX font encoding knows.
ACCENTS = dict(
    zip("\u0300\u0301\u0302\u0303\u0308\u0304\u0306\u0307\u030a\u030b\u030c\u0327", "`'^~\"=u.rHvc", strict=True)
)

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
        _family(len(result.rows)),
        SCALES,
        *(f"{r.dimension}: {r.fit.model}; {r.fit.formula}; {r.fit.convergence.message}." for r in result.dimensions),
        *(f"{row.dimension}, {row.contrast}: {row.message}." for row in result.rows if not row.converged),
    ]
    return Table("Significance table", header, lines, (False, False, *([True] * 12), False), tuple(notes))


def _family(count: int) -> str:
    if count == 1:
        return "p (Holm): this is the only contrast, so it equals p."
    return f"p (Holm): corrected over the {count} contrasts of this table."


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
    """Return a booktabs table in ASCII, to be included by a LaTeX document."""

    def line(cells: tuple[str, ...]) -> str:
        guard = "{}" if cells[0].startswith(("[", "*")) else ""  # else the \\ before it takes it for its argument
        return guard + " & ".join(escape_latex(cell) for cell in cells) + r" \\"

    columns = "".join("r" if numeric else "l" for numeric in table.numeric)
    notes = r"\\".join(escape_latex(note) for note in table.notes)
    return "\n".join(
        [
            "% needs \\usepackage{booktabs,graphicx}",
            r"\begin{table}",
            r"\centering",
            rf"\caption{{{escape_latex(table.caption)}}}",
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


def escape_latex(text: str) -> str:
    """Return text as ASCII that plain pdflatex sets: symbols in mathematics, letters with accent commands.

    A letter that has no such form (of another script, say) is shown by its number, <U+4E2D>, rather than lost.
    """
    return "".join(_escape_letter(letter) for letter in unicodedata.normalize("NFC", text))


def _escape_letter(letter: str) -> str:
    if letter in LATEX:
        return LATEX[letter]
    if letter.isascii():
        return letter
    parts = unicodedata.normalize("NFD", letter)
    base, accent = parts[0], ACCENTS.get(parts[1:])
    if base.isascii() and accent:
        dotless = "\\" if base in "ij" else ""
        return rf"\{accent}{{{dotless}{base}}}"
    plain = unicodedata.normalize("NFKD", letter)
    return escape_latex(plain) if plain.isascii() else rf"\texttt{{<U+{ord(letter):04X}>}}"


def to_html(table: Table, *, captioned: bool = True) -> str:
    """Return an accessible HTML table in a scrollable region, with its notes; no caption where a heading says it."""

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
    opening = f"<table>\n<caption>{caption}</caption>" if captioned else f'<table aria-label="{caption}">'
    return (
        f'<div class="scroll" role="region" tabindex="0" aria-label="{caption}">\n'
        f"{opening}\n"
        f"<thead>{cells(table.header, 'th')}</thead>\n<tbody>\n{body}\n</tbody>\n</table>\n</div>\n{notes}"
    )
