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


ALL = (
    tables.agreement_table,
    tables.choices_table,
    tables.corrections_table,
    tables.fixed_table,
    tables.influence_table,
    tables.naive_table,
    tables.residual_table,
    tables.sensitivity_table,
    tables.share_table,
    tables.significance_table,
    tables.system_table,
    tables.variance_table,
    tables.win_table,
)


@pytest.mark.parametrize("build", ALL, ids=lambda build: build.__name__)
def test_every_table_of_a_result_is_rectangular_and_can_be_written(examined, build):
    table = build(examined)

    assert len(table.numeric) == len(table.header)
    assert {len(row) for row in table.rows} == {len(table.header)}
    assert sum(size for _, size in table.groups) in (0, len(table.rows))
    assert tables.to_latex(table).isascii()
    assert len(tables.to_markdown(table).splitlines()) > len(table.rows)
    ET.fromstring(f"<main>{tables.to_html(table)}</main>")


@pytest.mark.parametrize("build", [tables.flow_table, tables.load_table, tables.balance_table])
def test_tables_of_the_account_are_rectangular(examined, build):
    table = build(examined.account)

    assert {len(row) for row in table.rows} == {len(table.header)}


def test_groups_are_headed_in_every_format():
    groups, rows = tables.grouped([("g & h", ("a", "1")), ("g & h", ("b", "2")), ("i", ("c", "3"))])
    table = tables.Table("T", ("Name", "Value"), rows, (False, True), (), groups, frozenset({(1, 1)}))

    latex, markdown, page = tables.to_latex(table), tables.to_markdown(table), tables.to_html(table)

    assert groups == (("g & h", 2), ("i", 1))
    assert latex.splitlines()[9:15] == [
        r"\multicolumn{2}{@{}l}{\textit{g \& h}} \\",
        r"a & 1 \\",
        r"b & \textbf{2} \\",
        r"\addlinespace",
        r"\multicolumn{2}{@{}l}{\textit{i}} \\",
        r"c & 3 \\",
    ]
    assert markdown.splitlines()[2:7] == ["| **g & h** |  |", "| a | 1 |", "| b | **2** |", "| **i** |  |", "| c | 3 |"]
    assert page.count("<tbody>") == 2
    assert '<th scope="rowgroup" colspan="2">g &amp; h</th>' in page
    assert "<strong>2</strong>" in page


def test_significance_table_follows_the_declared_correction(result):
    from dataclasses import replace

    rows = tuple(replace(row, p_holm=0.5, p_bh=0.001) for row in result.rows)

    table = tables.significance_table(replace(result, rows=rows, correction="bh"))

    assert table.header[6] == "p (BH)"
    assert {row[6] for row in table.rows} == {".001"}
    assert table.strong == {(at, 6) for at in range(4)}
    assert table.notes[0] == "p (BH): corrected over the 4 contrasts of this table."


def test_significance_table_of_ratings_speaks_of_ratings(result):
    from dataclasses import replace

    nan = float("nan")
    rows = tuple(
        replace(row, win_rate=nan, superiority=0.6, superiority_low=0.5, superiority_high=0.7) for row in result.rows
    )
    dimensions = tuple(replace(item, paired=False) for item in result.dimensions)

    table = tables.significance_table(replace(result, rows=rows, dimensions=dimensions))

    assert table.header[7] == "P(better)"
    assert table.rows[0][7:9] == ("60.0%", "[50.0%, 70.0%]")
    assert any(note.startswith("Log-odds: of a higher rating") for note in table.notes)


def test_choices_are_summed_up_with_those_that_disagree(examined):
    from dataclasses import replace

    first = examined.sensitivity[0]
    group = [row for row in examined.sensitivity if row.alternative == first.alternative]
    rows = tuple(
        replace(row, estimate=row.declared_estimate, p=0.2, agrees=row is not first)
        for row in examined.sensitivity
        if row.alternative == first.alternative
    )

    table = tables.choices_table(replace(examined, sensitivity=rows))

    assert table.rows == (
        (
            first.choice,
            first.alternative,
            f"{len(group) - 1} of {len(group)}",
            "0.00",
            f"{first.dimension}, {first.contrast} (p = .200)",
        ),
    )
    assert table.strong == {(0, 4)}


def test_systems_of_ratings_show_their_mean(result):
    from dataclasses import replace

    item = result.dimensions[0]
    one = replace(item.systems[0], raw=3.4)

    paired, single = (
        tables.system_table(replace(result, dimensions=(replace(item, systems=(one,), paired=paired),)))
        for paired in (True, False)
    )

    assert [table.rows[0][6] for table in (paired, single)] == ["340.0%", "3.40"]


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
