"""Unrelated rows: answers of one trial have nothing to do with each other, while for others they go together.

What the literature calls psychometric synonyms (Meade & Craig 2012, doi:10.1037/a0028085): most readers find what is
original also surprising, and a random clicker's rows are independent. Only the other raters of the same tasks say
how much the rows of this study go together; where they do not, nobody is found. Leave-one-out permutation test as in
`agreement`, of the product of a rater's answers to two rows, on the rater's own scale.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any, ClassVar

import numpy as np

from annotations.registry import Finding, History, Peer, QualityCheck, Rule, Setting, quality_checks

from .chance import HINT, MOST_POINTS, RARITY, strength
from .peers import Floats, low_among, on_own_scale


@quality_checks.register
class UnrelatedRows(QualityCheck):
    """How unlikely it is that the rows of one of the others go together so little."""

    name = "unrelated_rows"
    label = "Rows do not go together"
    question = "Do the rows of a trial go together as they do for others?"
    score_label = RARITY
    is_rarity = True
    needs_peers = True
    settings: ClassVar[tuple[Setting, ...]] = (
        Setting("score", "A finding from this score", 1.3, 1, 4),
        Setting("least_tasks", "Shared tasks needed to say anything", 8, 3, 100, whole=True),
        Setting("draws", "Permutations", 2000, 200, 20000, whole=True),
    )
    rule = Rule("never")

    def findings(self, history: History, options: Mapping[str, float]) -> tuple[Finding, ...]:
        """One finding about the rater."""
        own = on_own_scale([*history.of_kind("main")])
        shared = sorted(task for task in own if history.peers.get(task) and len(own[task]) > 1)
        if len(shared) < options["least_tasks"]:
            return ()
        people = [[own[task], *history.peers[task]] for task in shared]
        products = [np.array([_product(person) for person in there]) for there in people]
        squares = [np.array([_square(person) for person in there]) for there in people]
        score = strength(low_among(products, squares, int(options["draws"])))
        if score < HINT:
            return ()
        detail = {"tasks": len(shared), **_means(products)}
        return (Finding("rater", score, detail, weak=score < options["score"]),)

    def points(self, finding: Finding) -> float:
        """The score is in points already."""
        return min(finding.score, MOST_POINTS)

    def sentence(self, detail: Mapping[str, Any]) -> str:
        """Say it in words."""
        mine, theirs = detail["own"], detail["others"]
        return f"rows correlate {mine:+.2f}, those of others on the same {detail['tasks']} tasks {theirs:+.2f}"


def _product(person: Peer) -> float:
    pairs = [
        sum(a * b for a, b in zip(person[one], person[other], strict=False)) / len(person[one])
        for one, other in combinations(sorted(person), 2)
        if len(person[one]) == len(person[other])
    ]
    return sum(pairs) / len(pairs) if pairs else 0.0


def _square(person: Peer) -> float:
    """Return the mean square of an answer: what the product would be if all rows were the same."""
    scores = [score for name in person for score in person[name]]
    return sum(score * score for score in scores) / max(len(scores), 1)


def _means(products: Sequence[Floats]) -> dict[str, float]:
    own = sum(float(row[0]) for row in products) / len(products)
    others = sum(float(row[1:].mean()) for row in products) / len(products)
    return {"own": round(own, 2), "others": round(others, 2)}
