"""What other exclusions, and the rounds of a panel, mean for the conclusions, in sentences."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from analysis.results.checks import DECLARED, EVERYONE
from analysis.schema import BY_HAND
from analysis.wording.numbers import equals_p, join, number

if TYPE_CHECKING:
    from analysis.results import ExclusionRow, RoundTrend, StudyResult


def exclusions_verdict(result: StudyResult) -> str:
    """Say whether any conclusion hangs on the exclusions; empty where none can be lifted."""
    if not result.exclusions:
        return ""
    changed = changed_conclusions(result)
    total = len(result.rows)
    if not changed:
        checks = dict.fromkeys(row.check for row in result.exclusions if row.check)
        without = join([_exclusions_by(name) for name in checks], "or")
        kept = "The one contrast keeps its conclusion" if total == 1 else f"All {total} contrasts keep their conclusion"
        return f"No conclusion changes. {kept} with everyone in, and without the exclusions {without}."
    hit = len({(row.dimension, row.contrast) for row in changed})
    verb = "depends" if hit == 1 else "depend"
    head = f"{hit} of {total} conclusions {verb}" if total > 1 else "The conclusion depends"
    head += " on the exclusions"
    contrasts = dict.fromkeys((row.dimension, row.contrast) for row in changed)
    said = [_change(result, [row for row in changed if (row.dimension, row.contrast) == one]) for one in contrasts]
    return f"{head}: {'; '.join(said)}."


def changed_conclusions(result: StudyResult) -> tuple[ExclusionRow, ...]:
    """Return the lines whose conclusion is not that of the declared analysis."""
    return tuple(row for row in result.exclusions if not row.same)


def _change(result: StudyResult, rows: list[ExclusionRow]) -> str:
    """Say what the declared analysis concludes on one contrast, and where it is another conclusion."""
    first = rows[0]
    declared = next(
        one
        for one in result.exclusions
        if one.variant == DECLARED and (one.dimension, one.contrast) == (first.dimension, first.contrast)
    )
    state = "is not significant"
    if math.isnan(declared.p_corrected):
        state = "cannot be estimated"
    elif declared.p_corrected < 1.0 - result.confidence:
        state = "is significant"
    p = "" if math.isnan(declared.p_corrected) else f" (p {equals_p(declared.p_corrected)})"
    others = join([_otherwise(row, declared, alpha=1.0 - result.confidence) for row in rows])
    return f"{first.dimension}, {first.contrast} {state} as declared{p}, but the conclusion is another {others}"


def _otherwise(row: ExclusionRow, declared: ExclusionRow, *, alpha: float) -> str:
    when = "with everyone" if row.variant == EVERYONE else f"without the exclusions {_exclusions_by(row.check)}"
    if math.isnan(row.p_corrected):
        return f"{when} (no estimate: {row.message})"
    turned = max(row.p_corrected, declared.p_corrected) < alpha
    return f"{when} ({'the other system is ahead, ' if turned else ''}p {equals_p(row.p_corrected)})"


def _exclusions_by(check: str) -> str:
    return check if check == BY_HAND else f"by the check “{check.replace('_', ' ')}”"


def rounds_verdict(result: StudyResult) -> str:
    """Say which trends over rounds hold; empty where there are no rounds."""
    if result.rounds is None:
        return ""
    known = [trend for trend in result.rounds.trends if not math.isnan(trend.p)]
    if not known:
        return "No trend over rounds could be tested."
    sure = [trend for trend in known if trend.p_holm < 1.0 - result.confidence]
    if not sure and len(known) == 1:
        return f"The trend over rounds is not significant (p {equals_p(known[0].p)})."
    if not sure:
        return f"None of {len(known)} trends over rounds is significant after Holm correction."
    return "; ".join(_trend(trend) for trend in sure) + "."


def _trend(trend: RoundTrend) -> str:
    how = f"by {number(abs(trend.estimate))} {trend.scale} per round (Holm-corrected p {equals_p(trend.p_holm)})"
    if trend.second:
        ahead, behind = (trend.first, trend.second) if trend.estimate > 0 else (trend.second, trend.first)
        return f"On {trend.dimension}, {ahead} gains on {behind} {how}"
    return f"On {trend.dimension}, {trend.first} {'rises' if trend.estimate > 0 else 'falls'} {how}"
