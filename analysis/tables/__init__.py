"""The tables of a report: one content, many formats."""

from analysis.tables.cells import Table, grouped
from analysis.tables.checks import (
    agreement_table,
    balance_table,
    choices_table,
    flow_table,
    guarantee_table,
    influence_table,
    load_table,
    question_table,
    residual_table,
    sensitivity_table,
)
from analysis.tables.exclusions import quality_table, rounds_table, trends_table
from analysis.tables.findings import (
    corrections_table,
    fixed_table,
    naive_table,
    share_table,
    significance_table,
    system_table,
    variance_table,
    win_table,
)
from analysis.tables.formats import to_csv, to_html, to_markdown, write_csv
from analysis.tables.judges import judge_accuracy_table, judge_difference_table, judge_subset_table, judge_table
from analysis.tables.latex import LATEX, escape_latex, to_latex
from analysis.tables.looks import looks_csv, looks_table
from analysis.tables.preparation import preparation_table

__all__ = [
    "LATEX",
    "Table",
    "agreement_table",
    "balance_table",
    "choices_table",
    "corrections_table",
    "escape_latex",
    "fixed_table",
    "flow_table",
    "grouped",
    "guarantee_table",
    "influence_table",
    "judge_accuracy_table",
    "judge_difference_table",
    "judge_subset_table",
    "judge_table",
    "load_table",
    "looks_csv",
    "looks_table",
    "naive_table",
    "preparation_table",
    "quality_table",
    "question_table",
    "residual_table",
    "rounds_table",
    "sensitivity_table",
    "share_table",
    "significance_table",
    "system_table",
    "to_csv",
    "to_html",
    "to_latex",
    "to_markdown",
    "trends_table",
    "variance_table",
    "win_table",
    "write_csv",
]
