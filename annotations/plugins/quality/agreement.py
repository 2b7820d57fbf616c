"""Agreement with others: the rater's answers lie further from the others' than theirs lie from one another.

Leave-one-out: each answer is multiplied with the mean of the others' answers to the same task (both on the rater's own
scale, so that mild and strong judges compare) and summed. The reference is the permutation distribution under "any of
the people who judged a task could have been this one": at each task one of them is drawn to take the rater's place. So
a small overlap has few permutations and accuses nobody, and a study in which all disagree accuses nobody either.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np

from annotations.registry import Finding, History, Peer, QualityCheck, Rule, Setting, quality_checks

from .chance import MOST_POINTS, RARITY, strength
from .peers import Floats, low_among, on_own_scale, vectors


@quality_checks.register
class Agreement(QualityCheck):
    """How unlikely it is that one of the others had agreed so little."""

    name = "agreement"
    label = "Agrees with nobody"
    question = "Do the answers go with those of others to the same tasks?"
    score_label = RARITY
    is_rarity = True
    needs_peers = True
    settings: ClassVar[tuple[Setting, ...]] = (
        Setting("score", "A finding from this score", 2.0, 1, 4),
        Setting("least_tasks", "Shared tasks needed to say anything", 6, 3, 100, whole=True),
        Setting("draws", "Permutations", 2000, 200, 20000, whole=True),
    )
    rule = Rule("score", 3.0)

    def findings(self, history: History, options: Mapping[str, float]) -> tuple[Finding, ...]:
        """One finding about the rater."""
        own = on_own_scale([seen for seen in history.judgements if seen.kind == "main"])
        shared = sorted(task for task in own if history.peers.get(task))
        if len(shared) < options["least_tasks"]:
            return ()
        tables = [vectors([own[task], *history.peers[task]]) for task in shared]
        sums = [_with_others(table) for table in tables]
        score = strength(low_among([top for top, _ in sums], [below for _, below in sums], int(options["draws"])))
        if score < options["score"]:
            return ()
        detail = {"tasks": len(shared), "correlation": correlation(own, history.peers, shared)}
        return (Finding("rater", score, detail),)

    def points(self, finding: Finding) -> float:
        """Half a point less than the score: some honest raters are noisier than most."""
        return min(finding.score, MOST_POINTS) - 0.5

    def sentence(self, detail: Mapping[str, Any]) -> str:
        """Say it in words."""
        return f"agrees less than others on {detail['tasks']} shared tasks (correlation {detail['correlation']:+.2f})"


def _with_others(known: Floats) -> tuple[Floats, Floats]:
    """Return for each person at one task: own answers times the mean of the others', and the two squared and halved."""
    there = ~np.isnan(known)
    filled = np.where(there, known, 0.0)
    others = (filled.sum(axis=0) - filled) / np.maximum(there.sum(axis=0) - there, 1)
    return (filled * others).sum(axis=1), (filled**2 + others**2).sum(axis=1) / 2


def correlation(own: Mapping[str, Peer], peers: Mapping[str, Sequence[Peer]], shared: Sequence[str]) -> float:
    """Return the correlation of the rater's answers with the mean of the others'."""
    pairs: list[tuple[float, float]] = []
    for task in shared:
        table = vectors([own[task], *peers[task]])
        for column in table.T[~np.isnan(table[0])]:
            rest = column[1:][~np.isnan(column[1:])]
            if rest.size:
                pairs.append((float(column[0]), float(rest.mean())))
    mine, theirs = (np.array(side) for side in zip(*pairs, strict=True)) if pairs else (np.zeros(1), np.zeros(1))
    scale = math.sqrt(float((mine**2).sum() * (theirs**2).sum()))
    return round(float((mine * theirs).sum()) / scale, 3) if scale else 0.0
