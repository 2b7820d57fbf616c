"""Straight-lining: the same answers over and over, more than chance and other people's habits explain.

The answers of a trial are the same as another's when none of them differs by more than a fifteenth of its scale. Two
things are compared with what chance gives: how many trials carry the rater's most frequent answers (people differ in
how much they repeat themselves: beta-binomial), and the longest run of them (exact, given how often the rater gives
these answers outside of the run).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from annotations.registry import Answer, Finding, History, QualityCheck, Rule, Seen, Setting, quality_checks

from .chance import MOST_POINTS, RARITY, at_least_mixed, run_of_at_least, strength

CLOSE = 1 / 15 + 1e-9
WEIGHT = 8.0  # of the prior: as if the rater's habit had been watched for so many trials before
LEAST = 0.2
TYPICAL = {2: 0.6, 3: 0.5, 4: 0.45, 5: 0.4, 6: 0.37, 7: 0.35}  # share of a person's most frequent answer in one row
FINE = 0.3
MORE_ROWS = 0.5  # rows of one trial hang together: a second row tells half as much as the first


@quality_checks.register
class StraightLining(QualityCheck):
    """How unlikely it is to repeat oneself so much."""

    name = "straight_lining"
    label = "Straight-lining"
    question = "Are the answers the same, trial after trial?"
    score_label = RARITY
    is_rarity = True
    settings: ClassVar[tuple[Setting, ...]] = (
        Setting("score", "A finding from this score", 2.3, 1, 10),
        Setting("least_trials", "Main trials needed to say anything", 8, 4, 100, whole=True),
    )
    rule = Rule("score", 3.0)

    def findings(self, history: History, options: Mapping[str, float]) -> tuple[Finding, ...]:
        """One finding for the rater, and one for each trial of the longest run."""
        shown = [seen for seen in history.of_kind("main") if rows_of(seen)]
        if len(shown) < options["least_trials"]:
            return ()
        same = most_frequent(shown)
        first, length = longest_run(same)
        typical = typical_share(rows_of(shown[0]))
        share_p = at_least_mixed(sum(same), len(same), mean=typical, weight=WEIGHT)
        outside = (sum(same) - length + typical * WEIGHT) / (len(same) - length + WEIGHT)
        run_p = run_of_at_least(length, len(same), outside)
        score = strength(2 * min(share_p, run_p))
        if score < options["score"]:
            return ()
        detail = {"same": sum(same), "of": len(same), "run": length}
        run = shown[first : first + length]
        return (
            Finding("rater", score, detail),
            *(Finding("trial", float(length), {"run": length}, seen.number) for seen in run),
        )

    def points(self, finding: Finding) -> float:
        """The score is in points already."""
        return min(finding.score, MOST_POINTS)

    def sentence(self, detail: Mapping[str, Any]) -> str:
        """Say it in words."""
        if "of" in detail:
            return f"the same answers in {detail['same']} of {detail['of']} trials, {detail['run']} of them in a row"
        return f"one of {detail['run']} trials in a row with the same answers"


def rows_of(seen: Seen) -> tuple[Answer, ...]:
    """Return the rows that are numbers."""
    return tuple(answer for answer in seen.answers if answer.scores)


def most_frequent(shown: Sequence[Seen]) -> list[bool]:
    """Mark the trials that carry the most frequent answers, as they stood on the screen."""
    rows = [rows_of(seen) for seen in shown]
    marks = [[is_same(one, other) for other in rows] for one in rows]
    return max(marks, key=sum)


def is_same(one: Sequence[Answer], other: Sequence[Answer]) -> bool:
    """Say whether two trials were answered alike."""
    return len(one) == len(other) and all(map(_alike, one, other))


def _alike(one: Answer, other: Answer) -> bool:
    if len(one.scores) != len(other.scores):
        return False
    width = CLOSE * (one.span[1] - one.span[0]) if one.span else 0.0
    return all(abs(left - right) <= width for left, right in zip(one.scores, other.scores, strict=True))


def longest_run(same: Sequence[bool]) -> tuple[int, int]:
    """Return where the longest run begins and how long it is."""
    best, length = (0, 0), 0
    for at, mark in enumerate(same):
        length = length + 1 if mark else 0
        if length > best[1]:
            best = (at - length + 1, length)
    return best


def typical_share(rows: Sequence[Answer]) -> float:
    """Return how large a share of trials carries an ordinary rater's most frequent answers."""
    shares = [TYPICAL.get(answer.levels, FINE) for answer in rows for _ in answer.scores]
    share = shares[0]
    for more in shares[1:]:
        share *= more**MORE_ROWS
    return max(share, LEAST)
