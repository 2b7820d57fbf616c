"""The words of a report: the sentence a paper would print, the methods paragraph, the warnings."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from analysis.prepare import ONE_SAMPLE

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from analysis.prepare import Options
    from analysis.results import DataSummary, DimensionResult, SignificanceRow

MEASURES = {"pairwise_choice": "forced choice", "pairwise_graded": "graded preference"}
HARMLESS = (ONE_SAMPLE,)


def format_p(p: float) -> str:
    """Return a p value as papers print it: three digits, "< .001" below, an en dash if there is none."""
    if math.isnan(p):
        return "–"
    return "< .001" if p < 0.001 else f"{p:.3f}".lstrip("0") if p < 0.9995 else "1.000"  # noqa: PLR2004


def equals_p(p: float) -> str:
    """Return "= .012" or "< .001"."""
    text = format_p(p)
    return text if text.startswith("<") else f"= {text}"


def percent(value: float) -> str:
    """Return a share as a percentage with one digit."""
    return "–" if math.isnan(value) else f"{100.0 * value:.1f}%"


def number(value: float, digits: int = 2) -> str:
    """Return a number with a true minus sign; a dash if it does not exist, powers of ten if it is very large."""
    if math.isnan(value):
        return "–"
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    text = f"{value:.{digits}f}" if abs(value) < 1e5 else f"{value:.1e}"  # noqa: PLR2004
    return text.replace("-", "−") if float(f"{value:.{digits}f}") else text.removeprefix("-")


def family_in_words(count: int) -> str:
    """Say over how many contrasts p values are corrected."""
    if count == 1:
        return "one reported contrast, nothing to correct"
    return f"Holm over all {count} reported contrasts (dimensions × contrasts)"


def sentence(row: SignificanceRow, *, confidence: float, family: int) -> str:
    """Say what one contrast found, the better system first, with every number that a reader needs to judge it."""
    head = f"On {row.dimension}, "
    if not row.converged:
        raw = "" if math.isnan(row.raw_win_rate) else f" (raw win rate {percent(row.raw_win_rate)} of {row.n_direct})"
        return f"{head}no estimate is reported for {row.first} against {row.second}{raw}: {row.message}."
    turned = row.estimate < 0
    better, worse = (row.second, row.first) if turned else (row.first, row.second)
    rates = (row.win_rate, row.win_rate_low, row.win_rate_high)
    rate, low, high = (1.0 - rates[0], 1.0 - rates[2], 1.0 - rates[1]) if turned else rates
    level = f"{100.0 * confidence:g}%"
    won = f"{percent(rate)} of comparisons"
    if row.p_holm < 1.0 - confidence:
        claim = f"{better} beat {worse} in an estimated {won}"
    else:
        claim = f"no reliable difference was found between {better} and {worse}: the former won an estimated {won}"
    corrected = (
        f"Holm-corrected over {family} contrasts p {equals_p(row.p_holm)}"
        if family > 1
        else f"p {equals_p(row.p_holm)}"
    )
    return (
        f"{head}{claim} ({level} CI {percent(low)} to {percent(high)}; log-odds {number(abs(row.estimate))}, "
        f"SE {number(row.se)}, t({row.df:g}) = {number(abs(row.statistic))}, {corrected}; "
        f"{row.n_raters} raters, {row.n_prompts} prompts, {row.n_judgements} judgements)."
    )


def methods(
    results: Sequence[DimensionResult],
    data: DataSummary,
    options: Options,
    *,
    family: int,
    rows: Sequence[SignificanceRow],
) -> str:
    """Return the methods paragraph, ready to be pasted into a paper."""
    kinds = ", ".join(MEASURES[kind] for kind in sorted({result.measure for result in results}))
    models = []
    if any(result.fit.model.startswith("logistic") for result in results):
        models.append("forced choices by a logistic mixed model")
    if any(result.fit.model.startswith("cumulative") for result in results):
        models.append(f"ordered answers by a cumulative logit mixed model ({options.thresholds} thresholds)")
    effects = ", ".join(sorted({part.factor for result in results for part in result.fit.variances})) or "none"
    df = ", ".join(sorted({f"{row.df:g}" for row in rows}))
    model = (
        f"{data.used} blinded pairwise judgements ({kinds}) were analysed separately for each dimension, "
        f"{' and '.join(models)}, fitted by maximum likelihood with the full Laplace approximation."
    )
    terms = (
        "All systems enter one model per dimension. Fixed effects were an intercept for the left-hand side and the "
        f"signed difference of the two systems; random effects were {effects}, those of outputs and systems "
        "entering with +1 for the left and −1 for the right output of a pair."
    )
    correction = (
        f"p values are corrected by Holm's method over the family of all {family} reported contrasts "
        "(dimensions × contrasts); intervals are not."
        if family > 1
        else "One contrast is reported, so its p value needs no correction."
    )
    tests = (
        "Standard errors come from the Hessian of the Laplace deviance in all parameters; intervals and p values use "
        f"a t distribution with min(raters, prompts) − 1 ({df}) degrees of freedom. {correction}"
    )
    sizes = (
        "Win rates are averaged over the random effects and both sides, ties counting half; their intervals carry "
        "the uncertainty of the contrast at the estimated spreads. The effect size is latent d = log-odds × √3/π (in "
        "standard deviations of the logistic error). A binomial test on all choices is printed only to show what "
        "ignoring raters and prompts would claim."
    )
    return f"{model} {terms} {tests} {sizes}"


def notes(results: Sequence[DimensionResult]) -> tuple[str, ...]:
    """Return remarks on the models that a reader need not worry about."""
    return _collect((result.dimension, text) for result in results for text in result.notes if text in HARMLESS)


def _collect(remarks: Iterable[tuple[str, str]]) -> tuple[str, ...]:
    """Say what holds of several dimensions once: "creativity, surprise: …"."""
    found: dict[str, list[str]] = {}
    for dimension, text in dict.fromkeys(remarks):
        found.setdefault(text, []).append(dimension)
    return tuple(f"{', '.join(dimensions)}: {text}" for text, dimensions in found.items())


def warnings(results: Sequence[DimensionResult], data: DataSummary, rows: Sequence[SignificanceRow]) -> tuple[str, ...]:
    """Return everything a reader should know before believing the table, the same thing once."""
    remarks = [
        (result.dimension, text)
        for result in results
        for text in (*result.notes, *result.fit.notes)
        if text not in HARMLESS
    ]
    remarks += [
        (result.dimension, result.fit.convergence.message) for result in results if result.fit.convergence.code != "ok"
    ]
    found = list(_collect(remarks))
    found += [f"{row.dimension}, {row.contrast}: {row.message}" for row in rows if not row.converged]
    found += [f"dimension {name} was not analysed: {reason}" for name, reason in data.ignored_dimensions.items()]
    if len(data.design_hashes) > 1:
        found.append(f"the table mixes {len(data.design_hashes)} designs (hashes): was this declared?")
    if len(data.studies) > 1:
        found.append(f"the table mixes {len(data.studies)} studies: {', '.join(data.studies)}")
    return tuple(dict.fromkeys(found))
