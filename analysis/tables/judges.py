"""The tables of automatic judges: against people, by subset, and against each other."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from analysis.results.judges import ALL
from analysis.tables.cells import Table, grouped
from analysis.wording import accuracy_in_words, count, format_p, interval, number, percent, percents

if TYPE_CHECKING:
    from analysis.results.judges import JudgeComparison, JudgeDifference, JudgeRow

CORRELATED: Final = (
    "ρ of one rater: of his answers with the mean of the others, averaged over raters; in brackets the judge’s with "
    "the same means. Comparisons have accuracies in its place."
)
RIGHT: Final = (
    "Accuracy: share of pairs of one prompt in which the judge prefers what the majority of raters prefers; chance is "
    "50%. One rater: how often a single rater prefers what the majority of the others prefers. Judge − rater: the "
    "judge against those same majorities, minus the rater, in percentage points; an interval that holds 0 leaves open "
    "which of them is nearer to people."
)
SPLITS: Final = (
    "Raters agree or disagree: entropy of the labels of an item up to the cut (bits), or above it. Similar quality: "
    "items within Tukey's fences; the cut is the upper fence. Items are outputs where each was rated by itself, else "
    "pairs, which have no correlation. Where few raters judged an item, one rater is right less often among the items "
    "on which they disagree by construction: his own answer is part of the disagreement. Not corrected."
)
SIGNED: Final = "First minus second in the same resamples; Holm over the lines of each kind."


def judge_table(found: JudgeComparison) -> Table:
    """Return the correlations with people, one line per judge, grouped by dimension."""
    level = f"{100.0 * found.confidence:g}% CI"
    rows = [row for row in found.rows if row.subset == ALL]
    groups, cells = grouped([(_heading(found, row), _correlations(row)) for row in rows])
    strong = frozenset((at, 4) for at, row in enumerate(rows) if row.p_holm < 1.0 - found.confidence)
    header = ("Judge", "Outputs", f"Spearman’s ρ [{level}]", f"Kendall’s τ-b [{level}]", "p (Holm)", "ρ of one rater")
    caption = "Automatic judges against people: correlation with the human scores"
    return Table(caption, header, cells, (False, *[True] * 5), (CORRELATED,), groups, strong)


def _heading(found: JudgeComparison, row: JudgeRow) -> str:
    return f"{row.dimension} ({row.scope}; {found.human[row.dimension]}; {count(row.prompts)} prompts)"


def _correlations(row: JudgeRow) -> tuple[str, ...]:
    return (
        row.judge,
        count(row.outputs),
        _with(number(row.spearman), interval(row.spearman_low, row.spearman_high)),
        _with(number(row.kendall), interval(row.kendall_low, row.kendall_high)),
        format_p(row.p_holm),
        "–" if math.isnan(row.human_rho) else f"{number(row.human_rho)} (judge {number(row.same_rho)})",
    )


def judge_accuracy_table(found: JudgeComparison) -> Table:
    """Return the accuracies against the majority beside a single rater's, one line per judge, grouped by dimension."""
    level = f"{100.0 * found.confidence:g}% CI"
    rows = [row for row in found.rows if row.subset == ALL]
    groups, cells = grouped([(row.dimension, _accuracies(row)) for row in rows])
    strong = frozenset((at, 4) for at, row in enumerate(rows) if row.accuracy_holm < 1.0 - found.confidence)
    header = ("Judge", "Pairs", "Ties", f"Accuracy [{level}]", "p (Holm)", "One rater", f"Judge − rater [{level}]")
    caption = "Automatic judges against people: pairs decided as the majority does"
    ties = "Ties: pairs without a majority / pairs to which the judge gives equal scores."
    return Table(caption, header, cells, (False, *[True] * 6), (RIGHT, ties), groups, strong)


def _accuracies(row: JudgeRow) -> tuple[str, ...]:
    return (
        row.judge,
        count(row.pairs),
        f"{count(row.majority_ties)} / {count(row.judge_ties)}",
        accuracy_in_words(row),
        format_p(row.accuracy_holm),
        percent(row.human),
        _with(_points(row.gap), _points_between(row.gap_low, row.gap_high)),
    )


def judge_subset_table(found: JudgeComparison) -> Table:
    """Return each judge over all items and over each subset, with the correlation within prompts."""
    level = f"{100.0 * found.confidence:g}% CI"
    pairs = [
        (
            f"{row.dimension}: {row.judge}",
            (
                row.subset,
                number(row.cut),
                count(row.outputs),
                _with(number(row.spearman), interval(row.spearman_low, row.spearman_high)),
                _with(number(row.within_spearman), interval(row.within_spearman_low, row.within_spearman_high)),
                count(row.pairs),
                accuracy_in_words(row),
                _with(percent(row.human), percents(row.human_low, row.human_high)),
            ),
        )
        for row in found.rows
    ]
    groups, rows = grouped(pairs)
    header = (
        "Items",
        "Cut",
        "Outputs",
        f"ρ [{level}]",
        f"ρ within prompts [{level}]",
        "Pairs",
        f"Accuracy [{level}]",
        f"One rater [{level}]",
    )
    caption = "Judges where raters agree and disagree, and where quality is similar"
    return Table(caption, header, rows, (False, *[True] * 7), (SPLITS,), groups)


def judge_difference_table(found: JudgeComparison) -> Table:
    """Return two judges, or one judge where raters agree and disagree, compared in the same resamples."""
    level = f"{100.0 * found.confidence:g}% CI"
    groups, rows = grouped([(one.dimension, _difference(one)) for one in found.differences])
    header = ("First", "Second", "Outputs", f"Δρ [{level}]", "p (Holm)", "Pairs", f"Δ accuracy [{level}]", "p (Holm)")
    return Table("Judges compared", header, rows, (False, False, *[True] * 6), (SIGNED,), groups)


def _difference(one: JudgeDifference) -> tuple[str, ...]:
    return (
        one.first,
        one.second,
        count(one.outputs),
        _with(number(one.spearman), interval(one.spearman_low, one.spearman_high)),
        format_p(one.spearman_holm),
        count(one.pairs),
        _with(_points(one.accuracy), _points_between(one.accuracy_low, one.accuracy_high)),
        format_p(one.accuracy_holm),
    )


def _with(value: str, spread: str) -> str:
    return value if spread == "–" else f"{value} {spread}"


def _points(value: float) -> str:
    """Return a difference of shares in percentage points."""
    return number(100.0 * value, 1)


def _points_between(low: float, high: float) -> str:
    return interval(100.0 * low, 100.0 * high, digits=1)
