"""Tables: one content, four formats."""

import csv
import io
from xml.etree import ElementTree as ET

import pytest

from analysis import tables
from analysis.tables import escape_latex

TABLE = tables.Table("A & B", ("Name", "Value"), (("x_1", "−0.50"), ("y|z", "< .001")), (False, True), ("Note: 5%.",))


def test_markdown_aligns_numbers_and_escapes_pipes():
    assert tables.to_markdown(TABLE).splitlines() == [
        "| Name | Value |",
        "|---|---:|",
        "| x_1 | −0.50 |",
        "| y\\|z | < .001 |",
        "",
        "Note: 5%.",
    ]


def test_latex_uses_booktabs_and_escapes():
    lines = tables.to_latex(TABLE).splitlines()

    assert [line for line in lines if line.endswith("rule")] == [r"\toprule", r"\midrule", r"\bottomrule"]
    assert r"\caption{A \& B}" in lines
    assert r"x\_1 & $-$0.50 \\" in lines
    assert r"y\textbar{}z & $<$ .001 \\" in lines
    assert r"\par\smallskip\footnotesize Note: 5\%." in lines


@pytest.mark.parametrize(
    ("text", "latex"),
    [
        ("√3/π|σ", r"$\surd$3/$\pi$\textbar{}$\sigma$"),
        ("−0.5 × ±2 ≥ ∞", r"$-$0.5 $\times$ $\pm$2 $\ge$ $\infty$"),
        ("“é” – ß…", r"``\'{e}'' -- \ss{}\ldots{}"),
        ("e\u0301 Müller façade Dvořák naïve", r"\'{e} M\"{u}ller fa\c{c}ade Dvo\v{r}\'{a}k na\"{\i}ve"),
        ("ＡＢ⁴", "AB4"),
        ("中 đ", r"\texttt{<U+4E2D>} \texttt{<U+0111>}"),
        ("a\\b {c}~^", r"a\textbackslash{}b \{c\}\textasciitilde{}\textasciicircum{}"),
    ],
)
def test_latex_is_ascii_whatever_the_name(text, latex):
    assert escape_latex(text) == latex
    assert latex.isascii()


def test_every_symbol_of_the_map_becomes_ascii():
    assert all(escape_latex(symbol).isascii() for symbol in tables.LATEX)
    assert len(tables.LATEX) > 80


def test_latex_of_a_result_is_ascii(result):
    for build in (tables.significance_table, tables.variance_table, tables.fixed_table, tables.naive_table):
        assert tables.to_latex(build(result)).isascii()


def test_latex_row_is_not_taken_for_the_argument_of_the_line_break():
    table = tables.Table("T", ("Name",), (("[a]",), ("*",), ("b [c]",)), (False,))

    lines = tables.to_latex(table).splitlines()

    assert [line for line in lines if line.endswith(r" \\")][1:] == [r"{}[a] \\", r"{}* \\", r"b [c] \\"]


def test_one_contrast_is_not_corrected_over_contrasts(result):
    from dataclasses import replace

    one = tables.significance_table(replace(result, rows=result.rows[:1]))

    assert one.notes[0] == "p (Holm): this is the only contrast, so it equals p."
    assert tables.significance_table(result).notes[0] == "p (Holm): corrected over the 4 contrasts of this table."


def test_csv_names_the_model_of_each_row(result):
    read = list(csv.DictReader(io.StringIO(tables.to_csv(result.rows))))

    fit = result.fits["originality"]
    assert read[0]["model"] == f"{fit.model}: {fit.formula}"
    assert "cumulative" in read[-1]["model"]


def test_html_without_caption_keeps_its_name():
    root = ET.fromstring(f"<main>{tables.to_html(TABLE, captioned=False)}</main>")

    assert root.find(".//caption") is None
    assert root.find(".//table").get("aria-label") == "A & B"


def test_html_is_well_formed_with_row_and_column_headers():
    root = ET.fromstring(f"<main>{tables.to_html(TABLE)}</main>")

    assert root.find(".//caption").text == "A & B"
    assert [cell.get("scope") for cell in root.findall(".//th")] == ["col", "col", "row", "row"]
    assert root.find("div").get("tabindex") == "0"


def test_csv_is_exact_and_empty_where_there_is_no_number(result):
    from dataclasses import replace

    rows = [result.rows[0], replace(result.rows[1], se=float("nan"), message='says "no", twice')]

    read = list(csv.DictReader(io.StringIO(tables.to_csv(rows))))

    assert float(read[0]["estimate"]) == pytest.approx(result.rows[0].estimate, rel=1e-9)
    assert read[1]["se"] == ""
    assert read[1]["message"] == 'says "no", twice'


def test_every_table_of_a_result_is_rectangular(result):
    for build in (tables.significance_table, tables.variance_table, tables.fixed_table, tables.naive_table):
        table = build(result)

        assert len(table.numeric) == len(table.header)
        assert {len(row) for row in table.rows} == {len(table.header)}


def test_variance_table_shows_the_spread_of_a_difference(result):
    table = tables.variance_table(result)

    component = result.dimensions[0].fit.variances[0]
    assert table.groups[0] == ("originality", 3)
    assert table.rows[0][:2] == ("output", str(component.levels))
    assert table.rows[0][4] == f"{component.sd * 2**0.5:.2f}"


def test_naive_table_is_marked_as_such(result):
    table = tables.naive_table(result)

    assert "naive" in table.header[4]
    assert table.rows[0][3] == "binomial test"
    assert "Do not report it." in table.notes[0]
