"""Intransitivity: A beats B, B beats C, and C beats A, among the pairs of one prompt.

Three texts of one prompt that were all compared with one another make a triad. By chance one triad in four is a circle
(Kendall & Babington Smith 1940); few are among a reader's. Designs that never show a prompt twice make no triads, and
then there is nothing to find.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations
from typing import Any, ClassVar

from annotations.registry import Finding, History, QualityCheck, Rule, Seen, Setting, quality_checks

CIRCLES = 0.25
PAIR = 2


@quality_checks.register
class Intransitivity(QualityCheck):
    """The share of circles among the triads."""

    name = "intransitivity"
    label = "Going in circles"
    question = "Do preferences among the same texts go in circles?"
    score_label = "share of triads that are circles (by chance ¼)"
    settings: ClassVar[tuple[Setting, ...]] = (
        Setting("score", "A finding from this share of circles", CIRCLES, 0.05, 1),
        Setting("least_triads", "Triads needed to say anything", 6, 2, 100, whole=True),
    )
    rule = Rule("never")

    def findings(self, history: History, options: Mapping[str, float]) -> tuple[Finding, ...]:
        """One finding for the rater, and one for each trial that is part of a circle."""
        circles, triads, trials = _circles(history)
        if triads < options["least_triads"] or circles < options["score"] * triads:
            return ()
        detail = {"circles": circles, "of": triads}
        return (
            Finding("rater", round(circles / triads, 3), detail),
            *(Finding("trial", 1.0, {"circle": True}, number) for number in sorted(trials)),
        )

    def sentence(self, detail: Mapping[str, Any]) -> str:
        """Say it in words."""
        if "of" in detail:
            return f"{detail['circles']} of {detail['of']} triads of texts go in a circle"
        return "part of a circle of preferences"


def _circles(history: History) -> tuple[int, int, set[int]]:
    beaten: dict[tuple[str, str], dict[frozenset[str], tuple[str, int]]] = {}
    for seen in history.of_kind("main"):
        for dimension, winner, loser in _outcomes(seen):
            beaten.setdefault((seen.prompt, dimension), {})[frozenset((winner, loser))] = (winner, seen.number)
    circles, triads, trials = 0, 0, set()
    for outcomes in beaten.values():
        texts = sorted({text for pair in outcomes for text in pair})
        for three in combinations(texts, 3):
            edges = [frozenset(pair) for pair in combinations(three, 2)]
            if not all(edge in outcomes for edge in edges):
                continue
            triads += 1
            if len({outcomes[edge][0] for edge in edges}) == len(edges):
                circles += 1
                trials |= {outcomes[edge][1] for edge in edges}
    return circles, triads, trials


def _outcomes(seen: Seen) -> list[tuple[str, str, str]]:
    """Return (dimension, winner, loser) of a pair, ties left out."""
    if len(seen.order) != PAIR or len(seen.texts) != PAIR:
        return []
    return [
        (answer.dimension, seen.texts[answer.favoured - 1], seen.texts[PAIR - answer.favoured])
        for answer in seen.answers
        if answer.favoured
    ]
