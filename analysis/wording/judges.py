"""What is said of automatic judges: the verdict in sentences, and the methods paragraph."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from analysis.results.judges import ALL
from analysis.wording.numbers import count, counted, equals_p, interval, join, number, percent, percents

if TYPE_CHECKING:
    from analysis.results.judges import JudgeComparison, JudgeRow

MAJORITY: Final = {"drop": "pairs without a majority are left out", "half": "a pair without a majority counts ½"}
EQUAL: Final = {
    "half": "equal scores count ½",
    "wrong": "equal scores count as wrong",
    "drop": "equal scores are left out",
}


def judges_verdict(found: JudgeComparison) -> tuple[str, ...]:
    """Return one sentence per dimension: the judge nearest to people, and whether it reaches a single rater."""
    said = []
    for dimension in found.human:
        rows = [row for row in found.rows if row.dimension == dimension and row.subset == ALL]
        known = [row for row in rows if not math.isnan(row.spearman)]
        if not known:
            said.append(f"On {dimension} no judge can be compared with people: {rows[0].message if rows else ''}.")
            continue
        best = max(known, key=lambda row: row.spearman)
        said.append(_sentence(best, len(known), alpha=1.0 - found.confidence))
    return tuple(said)


def _sentence(best: JudgeRow, judges: int, *, alpha: float) -> str:
    where = " within prompts" if best.scope == "within prompts" else ""
    head = f"On {best.dimension}, "
    head += f"of {judges} judges {best.judge} comes nearest to people" if judges > 1 else f"{best.judge}"
    spread = interval(best.spearman_low, best.spearman_high)
    said = f"ρ = {number(best.spearman)} {spread}{where}, p {equals_p(best.p_holm)} corrected"
    if math.isnan(best.p_holm):
        said = f"ρ = {number(best.spearman)}{where}, without an interval"
    head += f" ({said})" if judges > 1 else f" has {said}"
    if not math.isnan(best.p_holm) and best.p_holm >= alpha:
        head += ", which is no reliable correlation"
    if math.isnan(best.accuracy):
        return f"{head}."
    right = (
        f"it prefers what the majority of raters prefers in {percent(best.accuracy)} of {counted(best.pairs, 'pair')}"
    )
    return f"{head}; {right}{_beside_a_rater(best)}."


def _beside_a_rater(row: JudgeRow) -> str:
    if math.isnan(row.gap):
        return ""
    against = (
        f"against the majority of the others a single rater reaches {percent(row.human)}, the judge {percent(row.same)}"
    )
    if math.isnan(row.gap_low) or row.gap_low <= 0.0 <= row.gap_high:
        return f" ({against}: no reliable difference)"
    verdict = "worse" if row.gap < 0 else "better"
    return f" ({against}: reliably {verdict})"


def judges_methods(found: JudgeComparison) -> str:
    """Return the methods paragraph, with every choice that was made."""
    options = found.options
    scores = join([f"{name}: {about}" for name, about in found.human.items()]) if found.human else "none"
    both = options["clusters"] == "raters and prompts"
    drawn = (
        "whole prompts and, independently, whole raters were drawn, human scores computed anew (a conservative way)"
        if both
        else "whole prompts were drawn; the raters are held, so the intervals speak of new prompts before this panel"
    )
    split = "at the median" if options["split"] == "median" else "into tertiles"
    level = f"{100.0 * found.confidence:g}%"
    return (
        f"Scores of {counted(len(found.judges), 'automatic judge')} ({', '.join(found.judges)}) were compared with the "
        f"human score of each output ({scores}) by Spearman's ρ and Kendall's τ-b. Where comparisons or rankings tell "
        "an output's worth among those of its prompt only, both are within prompts: mid-ranks centred within each "
        "prompt, and pairs of outputs of one prompt. Pairwise accuracy is the share of pairs of outputs of one prompt "
        "in which the judge prefers what the majority of raters prefers (for ratings: the higher mean); "
        f"{MAJORITY[options['majority_ties']]}, {EQUAL[options['judge_ties']]}. Beside it stands how often a single "
        "rater prefers what the majority of the other raters prefers, over all raters whose others have one, and the "
        "judge's accuracy against those same majorities; for ratings also Spearman's ρ of one rater's answers with "
        "the mean of the other raters, averaged over raters, and the judge's with the same means. Intervals "
        f"({level}) are expanded percentile intervals (Hesterberg 2015) of a cluster bootstrap with "
        f"{count(options['resamples'])} resamples: {drawn}. Tests invert these intervals, against ρ = 0 and an "
        "accuracy of ½; Holm's correction is over judges × dimensions. Two "
        "judges were compared in the same resamples. As in Jiang et al. (2025, Artificial Hivemind), items (outputs "
        f"where each was rated by itself, else pairs) were split {split} of the Shannon entropy of their labels "
        "(sliders: fifths of the range), and those of similar quality were taken: outputs whose score, less their "
        "prompt's median, or pairs whose absolute difference in score, lies within Tukey's fences "
        f"({options['fence']:g} interquartile ranges). Subsets are descriptive and not corrected."
    )


def judges_notes(found: JudgeComparison) -> tuple[str, ...]:
    """Return what a reader must know of single rows: outputs without a score, numbers that do not exist."""
    said = []
    for row in found.rows:
        where = f"{row.judge} on {row.dimension}"
        if row.unscored:
            said.append(f"{where}: {counted(row.unscored, 'judged output')} without a score, left out")
        if row.message:
            said.append(f"{where}: {row.message}")
    return (*said, *(f"{name}: left out, {reason}" for name, reason in found.left_out.items()))


def accuracy_in_words(row: JudgeRow) -> str:
    """Return "63.5% [53.4%, 74.0%]", a dash if it does not exist."""
    spread = percents(row.accuracy_low, row.accuracy_high)
    return percent(row.accuracy) if spread == "–" else f"{percent(row.accuracy)} {spread}"
