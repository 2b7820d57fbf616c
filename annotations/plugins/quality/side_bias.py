"""Side bias: the same place on the screen is preferred, whatever stands there.

Sides are balanced by design, so that a reader's choices fall to each side about equally. Exact binomial test on the
main trials without ties, for each dimension and for the side that wins most rows of a trial, Bonferroni-corrected. Of
more than two texts it is the place that comes first most often, against an equal share for every place.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from annotations.registry import Finding, History, QualityCheck, Rule, Seen, Setting, quality_checks

from .chance import MOST_POINTS, RARITY, at_least, strength, two_sided

PAIR = 2
NAMES = {1: "left", 2: "right"}


@quality_checks.register
class SideBias(QualityCheck):
    """How unlikely so one-sided choices are for somebody who reads."""

    name = "side_bias"
    label = "Side bias"
    question = "Is one side chosen, whatever stands there?"
    score_label = RARITY
    is_rarity = True
    settings: ClassVar[tuple[Setting, ...]] = (
        Setting("score", "A finding from this score", 2.0, 1, 10),
        Setting("least_trials", "Main trials needed to say anything", 8, 4, 100, whole=True),
    )
    rule = Rule("score", 3.0)

    def findings(self, history: History, options: Mapping[str, float]) -> tuple[Finding, ...]:
        """One finding for the rater, and one for each trial that went to that side in most rows."""
        shown = [seen for seen in history.of_kind("main") if len(seen.order) >= PAIR]
        if len(shown) < options["least_trials"]:
            return ()
        places = len(shown[0].order)
        tests = list(_counted(shown))
        found = [_test(choices, places) for choices in tests if choices]
        if not found:
            return ()
        p, place, count, total = min(found)
        score = strength(p * len(found))
        if score < options["score"]:
            return ()
        detail = {"place": place, "places": places, "chosen": count, "of": total}
        there = [seen for seen in shown if winner(seen) == place]
        return (
            Finding("rater", score, detail),
            *(Finding("trial", 1.0, {"place": place, "places": places}, seen.number) for seen in there),
        )

    def points(self, finding: Finding) -> float:
        """The score is in points already."""
        return min(finding.score, MOST_POINTS)

    def sentence(self, detail: Mapping[str, Any]) -> str:
        """Say it in words."""
        side = NAMES[detail["place"]] if detail["places"] == PAIR else f"place {detail['place']}"
        if "of" in detail:
            return f"chose the {side} text {detail['chosen']} of {detail['of']} times"
        return f"the {side} text was chosen"


def winner(seen: Seen) -> int | None:
    """Return the place that wins most rows of a trial; None on a tie."""
    counted = Counter(answer.favoured for answer in seen.answers if answer.favoured).most_common(2)
    if not counted or (len(counted) == PAIR and counted[0][1] == counted[1][1]):
        return None
    return counted[0][0]


def _counted(shown: list[Seen]) -> Iterator[list[int]]:
    """Yield the places chosen: for each dimension, and over all of them when there are several."""
    dimensions = sorted({answer.dimension for seen in shown for answer in seen.answers})
    for dimension in dimensions:
        yield [a.favoured for seen in shown for a in seen.answers if a.dimension == dimension and a.favoured]
    if len(dimensions) > 1:
        yield [place for seen in shown if (place := winner(seen))]


def _test(choices: list[int], places: int) -> tuple[float, int, int, int]:
    place, count = min(Counter(choices).items(), key=lambda item: (-item[1], item[0]))
    if places == PAIR:
        return two_sided(count, len(choices)), place, count, len(choices)
    return min(1.0, places * at_least(count, len(choices), 1 / places)), place, count, len(choices)
