"""The tables of what was found: contrasts, other corrections, spreads, shares, win rates, systems."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

import numpy as np

from analysis.tables.cells import Table, grouped
from analysis.wording import (
    CORRECTIONS,
    chance,
    count,
    counted,
    degrees,
    format_p,
    interval,
    join,
    number,
    percent,
    percents,
    speaks_of_wins,
)

if TYPE_CHECKING:
    from analysis.results import DimensionResult, SignificanceRow, StudyResult

SCALES: Final = {
    "log-odds": "Log-odds: that the first system's text beats the second's, for an average rater, prompt and output.",
    "log-odds of a rating": "Log-odds: of a higher rating for the first system, average rater, prompt and output.",
    "probit": "Probit: the difference on the latent normal scale, for an average rater, prompt and output.",
    "points": "Points: mean answer to the first system minus mean answer to the second.",
    "rater SD": "Rater SD: difference in standard deviations of one rater's answers.",
    "log-worth": "Log-worth: difference of the systems' strengths in the Plackett–Luce model.",
}
WIN_RATE: Final = "Win rate: averaged over raters, prompts, outputs and sides; ties count half."
BETTER: Final = "P(better): probability that the first system's text is rated above the second's; ties count half."
SPREADS: Final = (
    "SD on the scale of the estimates. SD of a difference: √2 σ for effects that enter a pair with + and −; this is "
    "what a model with one random intercept per prompt (or rater) calls its SD. 0.00 with a dash: no spread found."
)
SHARES: Final = (
    "Shares of the variance of one answer on the scale of the linear predictor, the residual being that of the latent "
    "distribution (π²/3 for a logit); of differences for pairs."
)
CORRECTED: Final = (
    "Holm and BH (Benjamini–Hochberg) over all contrasts of the report; single-step by the multivariate t over the "
    "contrasts of one dimension, with its simultaneous interval."
)
NAIVE: Final = (
    "Naive: takes every answer for independent, which it is not; where there is no true difference such a test "
    "claims one in 25–45% of studies of this kind. Do not report it."
)
ASKED: Final = {
    "pairwise_choice": "forced choice",
    "pairwise_graded": "graded preference",
    "interval": "interval scale",
    "ordinal": "ordered levels",
    "nominal": "yes or no",
    "ranking": "ranking",
}


def heading(item: DimensionResult) -> str:
    """Return what heads the rows of one dimension."""
    asked = ASKED.get(item.measure, item.measure)
    levels = f", {item.levels} levels" if item.levels else ""
    sizes = ", ".join(
        [counted(item.n_raters, "rater"), counted(item.n_prompts, "prompt"), counted(item.n_judgements, "judgement")]
    )
    state = "" if item.fit.convergence.converged else "; not converged"
    return f"{item.dimension} ({asked}{levels}; {item.scale}; {sizes}{state})"


def significance_table(result: StudyResult) -> Table:
    """Return the table that a paper prints: the contrasts of each dimension below its heading."""
    level, correction = f"{100.0 * result.confidence:g}% CI", CORRECTIONS[result.correction]
    rate = "Win rate" if speaks_of_wins(result) else "P(better)"
    header = ("Contrast", "Estimate", "SE", level, "t (df)", "p", f"p ({correction})", rate, level, "d")
    heads = {item.dimension: heading(item) for item in result.dimensions}
    groups, rows = grouped([(heads[row.dimension], _cells(row, result)) for row in result.rows])
    strong = frozenset((at, 6) for at, row in enumerate(result.rows) if result.corrected(row) < 1.0 - result.confidence)
    notes = [
        _family(result),
        *_scales(result),
        WIN_RATE if rate == "Win rate" else BETTER,
        _sizes(result),
        *_models(result),
        *(f"{row.dimension}, {row.contrast}: {row.message}." for row in result.rows if not row.converged),
    ]
    return Table(
        "Significance table", header, rows, (False, *[True] * 9), tuple(note for note in notes if note), groups, strong
    )


def _scales(result: StudyResult) -> list[str]:
    rated = {"log-odds": "log-odds of a rating"}
    named = [item.scale if item.paired else rated.get(item.scale, item.scale) for item in result.dimensions]
    return [SCALES[name] for name in dict.fromkeys(named)]


def _family(result: StudyResult) -> str:
    size, name = len(result.rows), CORRECTIONS[result.correction]
    if result.correction == "none":
        return f"p values of these {size} contrasts are not corrected."
    if size == 1:
        return f"p ({name}): this is the only contrast, so it equals p."
    if result.correction == "single-step":
        return f"p ({name}): multivariate t over the contrasts of each dimension."
    return f"p ({name}): corrected over the {size} contrasts of this table."


def _sizes(result: StudyResult) -> str:
    named = list(dict.fromkeys(row.effect_denominator for row in result.rows if row.converged))
    return f"d = estimate / {join(named, 'or')}." if named else ""


def _models(result: StudyResult) -> list[str]:
    """Name each different model once, with the dimensions that it served."""
    found: dict[str, list[str]] = {}
    for item in result.dimensions:
        text = f"{item.fit.model}; {item.fit.formula}; {item.fit.convergence.message}"
        found.setdefault(text, []).append(item.dimension)
    return [f"{', '.join(names)}: {text}." for text, names in found.items()]


def _cells(row: SignificanceRow, result: StudyResult) -> tuple[str, ...]:
    rate, low, high = chance(row)
    return (
        row.contrast,
        number(row.estimate),
        number(row.se),
        interval(row.low, row.high),
        f"{number(row.statistic)} ({degrees(row.df)})" if row.converged else "–",
        format_p(row.p),
        format_p(result.corrected(row)),
        percent(rate),
        percents(low, high) if row.converged else "–",
        number(row.effect_size),
    )


def corrections_table(result: StudyResult) -> Table:
    """Return every correction and the robust test beside one another."""
    header = ("Contrast", "p", "Holm", "BH", "Single-step", "Simultaneous interval", "Robust p", "df of t")
    rows = [
        (
            row.dimension,
            (
                row.contrast,
                format_p(row.p),
                format_p(row.p_holm),
                format_p(row.p_bh),
                format_p(row.p_single_step),
                interval(row.simultaneous_low, row.simultaneous_high),
                format_p(row.robust_p),
                f"{degrees(row.df)}, {row.df_method}" if row.converged else "–",
            ),
        )
        for row in result.rows
    ]
    groups, cells = grouped(rows)
    notes = [
        CORRECTED,
        *dict.fromkeys(f"Robust: {row.robust_method}." for row in result.rows if row.robust_method),
    ]
    numeric = (False, *[True] * 6, False)
    return Table("The same contrasts under other corrections", header, cells, numeric, tuple(notes), groups)


def naive_table(result: StudyResult) -> Table:
    """Return the test that many papers use, beside the mixed model."""
    paired = speaks_of_wins(result)
    header = (
        "Contrast",
        "Raw win rate" if paired else "Raw P(better)",
        "Comparisons" if paired else "Answers",
        "Naive test",
        "p (naive)",
        "p (mixed model)",
    )
    rows = [
        (
            row.dimension,
            (
                row.contrast,
                percent(row.raw_win_rate),
                count(row.n_direct),
                row.naive_test,
                format_p(row.naive_p),
                format_p(row.p),
            ),
        )
        for row in result.rows
    ]
    groups, cells = grouped(rows)
    return Table(
        "What a naive test would claim", header, cells, (False, True, True, False, True, True), (NAIVE,), groups
    )


def variance_table(result: StudyResult) -> Table:
    """Return the spreads of the random effects with their standard errors."""
    rows = [
        (
            item.dimension,
            (
                part.factor if part.term == "(Intercept)" else f"{part.factor}, slope of {part.term}",
                count(part.levels),
                number(part.sd),
                number(part.se) if part.sd > 0 else "–",
                number(part.difference_sd),
            ),
        )
        for item in result.dimensions
        for part in item.fit.variances
    ]
    for item in result.dimensions:
        if not math.isnan(item.fit.residual_sd):
            at = max((i for i, (name, _) in enumerate(rows) if name == item.dimension), default=len(rows) - 1)
            cells = ("residual", "–", number(item.fit.residual_sd), number(item.fit.residual_se), "–")
            rows.insert(at + 1, (item.dimension, cells))
    groups, cells_of = grouped(rows)
    header = ("Random effect", "Levels", "SD", "SE", "SD of a difference")
    return Table(
        "Spread of raters, prompts and outputs", header, cells_of, (False, True, True, True, True), (SPREADS,), groups
    )


def share_table(result: StudyResult) -> Table:
    """Return how much of the variance each source makes, with intervals."""
    level = f"{100.0 * result.confidence:g}% CI"
    groups, rows = grouped(
        [
            (
                item.dimension,
                (part.component, number(part.variance), percent(part.share), percents(part.low, part.high)),
            )
            for item in result.dimensions
            for part in item.shares
        ]
    )
    header = ("Source", "Variance", "Share", level)
    return Table("Shares of the variance", header, rows, (False, True, True, True), (SHARES,), groups)


def fixed_table(result: StudyResult) -> Table:
    """Return the fixed effects that are no contrast of systems, and the thresholds of each model."""
    rows = []
    for item in result.dimensions:
        fit = item.fit
        named = zip(fit.names, fit.estimate, fit.standard_errors(), strict=True)
        rows += [
            (item.dimension, (name, number(value), number(se)))
            for name, value, se in named
            if not name.startswith("system[")
        ]
        cuts = zip(fit.threshold_names, fit.thresholds, fit.threshold_se, strict=False)
        rows += [
            (item.dimension, (f"threshold {name.replace('-', '−')}", number(v), number(se)))
            for name, v, se in cuts
            if se > 0
        ]
    groups, cells = grouped(rows)
    return Table("Side effect and thresholds", ("Term", "Estimate", "SE"), cells, (False, True, True), (), groups)


def win_table(result: StudyResult) -> Table:
    """Return the win rates of all pairs of systems, model-based and raw."""
    level = f"{100.0 * result.confidence:g}% CI"
    rows = []
    for item in result.dimensions:
        wins = item.wins
        if wins is None:
            continue
        for i, j in zip(*np.triu_indices(len(wins.systems), 1), strict=True):
            cells = (
                f"{wins.systems[i]} over {wins.systems[j]}",
                percent(float(wins.estimate[i, j])),
                percents(float(wins.low[i, j]), float(wins.high[i, j])),
                percent(float(wins.raw[i, j])),
                count(int(wins.counts[i, j])),
            )
            rows.append((item.dimension, cells))
    groups, cells_of = grouped(rows)
    header = ("Pair", "Win rate (model)", level, "Raw", "Comparisons")
    return Table("Win rates of all pairs", header, cells_of, (False, True, True, True, True), (), groups)


def _raw(item: DimensionResult, raw: float) -> str:
    """Return the share won, the share of yes, or the mean answer."""
    if item.measure == "nominal":
        return percent(raw - 1.0)
    return percent(raw) if item.paired or item.measure == "ranking" else number(raw)


def system_table(result: StudyResult) -> Table:
    """Return each system's mean or strength with quasi-standard errors and the interval of its rank."""
    level = f"{100.0 * result.confidence:g}% CI"
    rows = [
        (
            f"{item.dimension} ({item.scale})",
            (
                one.system,
                number(one.estimate),
                number(one.se),
                interval(one.low, one.high),
                number(one.quasi_se),
                f"{one.rank_low} to {one.rank_high}" if one.rank_low else "–",
                _raw(item, one.raw),
                count(one.count),
            ),
        )
        for item in result.dimensions
        for one in sorted(item.systems, key=lambda one: -one.estimate if not math.isnan(one.estimate) else math.inf)
    ]
    groups, cells = grouped(rows)
    header = ("System", "Estimate", "SE", level, "Quasi-SE", "Rank", "Raw", "Answers")
    note = (
        "Estimate: mean answer in points, or strength relative to the mean of all systems. Two systems differ with the "
        "standard error √(q₁² + q₂²) of their quasi-SEs (Firth & de Menezes 2004). Rank: simultaneous interval, "
        "1 = best."
    )
    return Table("Systems", header, cells, (False, *[True] * 7), (note,), groups)
