"""Tables for LaTeX: booktabs, ASCII only, so that plain pdflatex sets them whatever the document's encoding."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from analysis.tables.cells import Table

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


def to_latex(table: Table) -> str:
    """Return a booktabs table in ASCII, to be included by a LaTeX document."""
    columns = "".join("r" if numeric else "l" for numeric in table.numeric)
    notes = r"\\".join(escape_latex(note) for note in table.notes)
    body: list[str] = []
    for at, (heading, rows) in enumerate(table.sections()):
        if heading:
            body += [r"\addlinespace"] if at else []
            body.append(rf"\multicolumn{{{len(table.header)}}}{{@{{}}l}}{{\textit{{{escape_latex(heading)}}}}} \\")
        body += [_line(row, {column for row_at, column in table.strong if row_at == number}) for number, row in rows]
    return "\n".join(
        [
            "% needs \\usepackage{booktabs,graphicx}",
            r"\begin{table}",
            r"\centering",
            rf"\caption{{{escape_latex(table.caption)}}}",
            r"\resizebox{\linewidth}{!}{%",
            rf"\begin{{tabular}}{{{columns}}}",
            r"\toprule",
            _line(table.header, set()),
            r"\midrule",
            *body,
            r"\bottomrule",
            r"\end{tabular}}",
            rf"\par\smallskip\footnotesize {notes}" if notes else "",
            r"\end{table}",
            "",
        ]
    )


def _line(cells: tuple[str, ...], strong: set[int]) -> str:
    guard = "{}" if cells[0].startswith(("[", "*")) else ""  # else the \\ before it takes it for its argument
    texts = [escape_latex(cell) for cell in cells]
    set_ = [rf"\textbf{{{text}}}" if column in strong else text for column, text in enumerate(texts)]
    return guard + " & ".join(set_) + r" \\"


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
