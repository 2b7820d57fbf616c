"""Tables: one content, four formats."""

import csv
import io
from xml.etree import ElementTree as ET

import pytest

from analysis import tables

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
    assert r"y|z & $<$ .001 \\" in lines
    assert r"\par\smallskip\footnotesize Note: 5\%." in lines


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
    rows = tables.variance_table(result).rows

    component = result.dimensions[0].fit.variances[0]
    assert rows[0][:3] == ("originality", "output", str(component.levels))
    assert rows[0][5] == f"{component.sd * 2**0.5:.2f}"
    assert tables.variance_table(result).notes == (tables.SPREADS,)


def test_naive_table_is_marked_as_such(result):
    table = tables.naive_table(result)

    assert "naive" in table.header[4]
    assert "Do not report it." in table.notes[0]
