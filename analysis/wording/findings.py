"""What was found, in sentences: each contrast, the warnings to be read first, the notes that worry nobody."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from analysis.prepare import ONE_SAMPLE, TIED
from analysis.wording.numbers import counted, degrees, equals_p, join, number, percent

if TYPE_CHECKING:
    from collections.abc import Iterable

    from analysis.results import DimensionResult, SignificanceRow, StudyResult

HARMLESS: Final = (ONE_SAMPLE, TIED)
FINE: Final = "singular"
SOUND: Final = ("ok", FINE)
CORRECTIONS: Final = {"holm": "Holm", "bh": "BH", "single-step": "single-step", "none": "uncorrected"}
CORRECTED_BY: Final = {
    "holm": "Holm-corrected",
    "bh": "Benjamini–Hochberg-corrected",
    "single-step": "corrected by multivariate t",
    "none": "uncorrected",
}


def chance(row: SignificanceRow) -> tuple[float, float, float]:
    """Return the win rate of a pair, or the probability that the first system's text is rated above, with interval."""
    if math.isnan(row.win_rate):
        return row.superiority, row.superiority_low, row.superiority_high
    return row.win_rate, row.win_rate_low, row.win_rate_high


def speaks_of_wins(result: StudyResult) -> bool:
    """Return whether chances are win rates (pairs, rankings) rather than those of a higher rating."""
    known = [row for row in result.rows if row.converged]
    return all(not math.isnan(row.win_rate) for row in known) if known else all(one.paired for one in result.dimensions)


def family_in_words(size: int, correction: str = "holm") -> str:
    """Say over how many contrasts p values are corrected."""
    if size == 1:
        return "one reported contrast, nothing to correct"
    if correction == "none":
        return f"{size} reported contrasts, not corrected"
    if correction == "single-step":
        return "single-step (multivariate t) over the contrasts of each dimension"
    name = {"holm": "Holm", "bh": "Benjamini–Hochberg"}[correction]
    return f"{name} over all {size} reported contrasts (dimensions × contrasts)"


def sentence(row: SignificanceRow, *, confidence: float, family: int, correction: str = "holm", p: float) -> str:
    """Say what one contrast found, the better system first, with every number that a reader needs to judge it.

    ``p`` is the p value by the declared ``correction`` over ``family`` contrasts.
    """
    within = f" in {row.task_family}" if row.task_family else ""
    head = f"On {row.dimension}{within}, "
    if not row.converged:
        raw = "" if math.isnan(row.raw_win_rate) else f" (raw win rate {percent(row.raw_win_rate)} of {row.n_direct})"
        return f"{head}no estimate is reported for {row.first} against {row.second}{raw}: {row.message}."
    turned = row.estimate < 0
    better, worse = (row.second, row.first) if turned else (row.first, row.second)
    rates = chance(row)
    rate, low, high = (1.0 - rates[0], 1.0 - rates[2], 1.0 - rates[1]) if turned else rates
    level = f"{100.0 * confidence:g}%"
    claim = _claim(row, better, worse, rate=rate, sure=p < 1.0 - confidence)
    corrected = f"p {equals_p(p)}"
    if family > 1 and correction != "none":
        over = "" if correction == "single-step" else f" over {family} contrasts"
        corrected = f"{CORRECTED_BY[correction]}{over} p {equals_p(p)}"
    return (
        f"{head}{claim} ({level} CI {percent(low)} to {percent(high)}; {_unit(row)} {number(abs(row.estimate))}, "
        f"SE {number(row.se)}, t({degrees(row.df)}) = {number(abs(row.statistic))}, {corrected}; "
        f"{counted(row.n_raters, 'rater')}, {counted(row.n_prompts, 'prompt')}, "
        f"{counted(row.n_judgements, 'judgement')})."
    )


def _claim(row: SignificanceRow, better: str, worse: str, *, rate: float, sure: bool) -> str:
    if not math.isnan(row.win_rate):
        won = f"{percent(rate)} of comparisons"
        if sure:
            return f"{better} beat {worse} in an estimated {won}"
        return f"no reliable difference was found between {better} and {worse}: the former won an estimated {won}"
    above = f"above in an estimated {percent(rate)} of cases"
    if sure:
        return f"{better} was rated above {worse} in an estimated {percent(rate)} of cases"
    return f"no reliable difference was found between {better} and {worse}: the former was rated {above}"


def _unit(row: SignificanceRow) -> str:
    return {"points": "difference in points", "rater SD": "difference in rater SDs", "probit": "probit"}.get(
        row.scale, row.scale
    )


def verdict_of(result: StudyResult) -> str:
    """Return what all contrasts together say: how many hold after correction, and which system won where."""
    total, alpha = len(result.rows), 1.0 - result.confidence
    sure = [row for row in result.rows if row.converged and result.corrected(row) < alpha]
    missing = sum(not row.converged for row in result.rows)
    how = {"none": "without correction"}.get(result.correction, f"after {CORRECTIONS[result.correction]} correction")
    if total == 1:
        how = f"at the {100 * alpha:g}% level"
    verb = "is" if len(sure) == 1 else "are"
    head = f"{len(sure)} of {total} contrast{'s' if total != 1 else ''} {verb} significant {how}"
    lost = f" {missing} could not be estimated." if missing else ""
    if not sure:
        return f"{head}.{lost}"
    won: dict[tuple[str, str], list[str]] = {}
    for row in sure:
        pair = (row.first, row.second) if row.estimate > 0 else (row.second, row.first)
        within = f"{row.dimension} ({row.task_family})" if row.task_family else row.dimension
        won.setdefault(pair, []).append(within)
    said = "; ".join(f"{better} over {worse} on {join(where)}" for (better, worse), where in won.items())
    return f"{head}: {said}.{lost}"


def sentences_of(result: StudyResult) -> tuple[str, ...]:
    """Return the sentence of every contrast."""
    return tuple(
        sentence(
            row,
            confidence=result.confidence,
            family=len(result.rows),
            correction=result.correction,
            p=result.corrected(row),
        )
        for row in result.rows
    )


def notes_of(result: StudyResult) -> tuple[str, ...]:
    """Return remarks on the models that a reader need not worry about."""
    remarks = [(item.dimension, text) for item in result.dimensions for text in item.notes if text in HARMLESS]
    remarks += [(item.dimension, _state(item)) for item in result.dimensions if item.fit.convergence.code == FINE]
    return _collect(remarks)


def _state(item: DimensionResult) -> str:
    return item.fit.convergence.message.removeprefix("converged; ")


def _collect(remarks: Iterable[tuple[str, str]]) -> tuple[str, ...]:
    """Say what holds of several dimensions once: "creativity, surprise: …"."""
    found: dict[str, list[str]] = {}
    for dimension, text in dict.fromkeys(remarks):
        found.setdefault(text, []).append(dimension)
    return tuple(f"{', '.join(dimensions)}: {text}" for text, dimensions in found.items())


def warnings_of(result: StudyResult) -> tuple[str, ...]:
    """Return everything a reader should know before believing the table, the same thing once."""
    remarks = [
        (item.dimension, text)
        for item in result.dimensions
        for text in (*item.notes, *item.fit.notes)
        if text not in HARMLESS
    ]
    remarks += [(item.dimension, _state(item)) for item in result.dimensions if item.fit.convergence.code not in SOUND]
    data = result.data
    found = list(_collect(remarks))
    found += [f"{row.dimension}, {row.contrast}: {row.message}" for row in result.rows if not row.converged]
    found += [f"dimension {name} was not analysed: {reason}" for name, reason in data.ignored_dimensions.items()]
    if len(data.design_hashes) > 1:
        found.append(f"the table mixes {len(data.design_hashes)} designs (hashes): was this declared?")
    if len(data.studies) > 1:
        found.append(f"the table mixes {len(data.studies)} studies: {', '.join(data.studies)}")
    return tuple(dict.fromkeys(found))
