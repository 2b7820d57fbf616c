"""Inconsistency: a trial that is shown again is answered as if it were another one.

The distance between the two answers, in the order of the outputs and not of the sides, is divided by the mean distance
between the answers of different trials of the same rater: 0 is the same answer, 1 is what chance gives, more than 1 is
what a preference for a side gives, because the sides are swapped. One repeat says little, so it excludes nobody alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations
from typing import Any, ClassVar

from annotations.registry import Answer, Finding, History, QualityCheck, Rule, Seen, Setting, quality_checks


@quality_checks.register
class Inconsistency(QualityCheck):
    """How far repeats lie from their originals, measured by what chance gives."""

    name = "inconsistency"
    label = "Inconsistent on repeats"
    question = "Is a trial that is shown again answered again in the same way?"
    score_label = "distance to the first answers, where 1 is what chance gives"
    settings: ClassVar[tuple[Setting, ...]] = (
        Setting("score", "A finding from this score", 2.0, 0.5, 4),
        Setting("least_rows", "Rows in repeats needed to say anything", 3, 1, 100, whole=True),
    )
    rule = Rule("never")

    def findings(self, history: History, options: Mapping[str, float]) -> tuple[Finding, ...]:
        """One finding for the rater, and one for each repeat that differs as much."""
        by_number = {seen.number: seen for seen in history.judgements}
        pairs = [(seen, by_number[seen.original]) for seen in history.of_kind("repeat") if seen.original in by_number]
        chance = expected_distance([seen for seen in history.judgements if seen.kind == "main"])
        distances = [(again, _distances(again, first)) for again, first in pairs]
        scored = [
            (again, {name: value / chance[name] for name, value in found.items() if chance.get(name)})
            for again, found in distances
        ]
        rows = [value for _, found in scored for value in found.values()]
        if len(rows) < options["least_rows"] or sum(rows) / len(rows) < options["score"]:
            return ()
        mean = round(sum(rows) / len(rows), 3)
        detail = {"repeats": len(pairs), "distance": round(mean, 2)}
        return (
            Finding("rater", mean, detail),
            *(
                Finding("trial", round(own, 3), {"distance": round(own, 2)}, again.number)
                for again, found in scored
                if found and (own := sum(found.values()) / len(found)) >= options["score"]
            ),
        )

    def points(self, finding: Finding) -> float:
        """One honest rater in fifteen reaches 2, and then counts for little: one repeat is noisy."""
        return max(0.0, 0.8 * (finding.score - 1.0))

    def sentence(self, detail: Mapping[str, Any]) -> str:
        """Say it in words."""
        return f"a trial shown again was answered {detail['distance']:.1f} times as differently as chance would"


def _distances(one: Seen, other: Seen) -> dict[str, float]:
    first = {answer.dimension: answer for answer in other.answers if answer.scores}
    return {
        answer.dimension: _apart(one, answer, other, first[answer.dimension])
        for answer in one.answers
        if answer.dimension in first and answer.scores
    }


def _apart(one: Seen, mine: Answer, other: Seen, yours: Answer) -> float:
    here, there = one.in_task_order(mine), other.in_task_order(yours)
    return sum(abs(a - b) for a, b in zip(here, there, strict=False)) / max(len(here), 1)


def expected_distance(shown: list[Seen]) -> dict[str, float]:
    """Return the mean distance between the answers of two different trials, by dimension."""
    sums: dict[str, list[float]] = {}
    for one, other in combinations(shown, 2):
        for name, distance in _distances(one, other).items():
            sums.setdefault(name, []).append(distance)
    return {name: sum(values) / len(values) for name, values in sums.items()}
