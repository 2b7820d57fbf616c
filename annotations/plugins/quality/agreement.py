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
import numpy.typing as npt

from annotations.registry import Finding, History, Peer, QualityCheck, Rule, Scores, Seen, Setting, quality_checks

from .chance import strength

Floats = npt.NDArray[np.float64]


@quality_checks.register
class Agreement(QualityCheck):
    """How unlikely it is that one of the others had agreed so little."""

    name = "agreement"
    label = "Agrees with nobody"
    question = "Do the answers go with those of others to the same tasks?"
    score_label = "−log₁₀ of the chance that one of the others agrees so little"
    needs_peers = True
    settings: ClassVar[tuple[Setting, ...]] = (
        Setting("score", "A finding from this score", 1.7, 1, 4),
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
        products = [_products([own[task], *history.peers[task]]) for task in shared]
        mine = float(sum(row[0] for row in products))
        drawn = _permuted(products, int(options["draws"]))
        p = (1 + int((drawn <= mine + 1e-9).sum())) / (1 + drawn.size)
        score = strength(p)
        if score < options["score"]:
            return ()
        detail = {"tasks": len(shared), "correlation": correlation(own, history.peers, shared)}
        return (Finding("rater", score, detail),)

    def sentence(self, detail: Mapping[str, Any]) -> str:
        """Say it in words."""
        return f"agrees less than others on {detail['tasks']} shared tasks (correlation {detail['correlation']:+.2f})"


def on_own_scale(shown: Sequence[Seen]) -> dict[str, Peer]:
    """Return a rater's answers by task, each dimension divided by its spread; about single outputs also centred."""
    rows = {
        seen.task: {answer.dimension: seen.in_task_order(answer) for answer in seen.answers if answer.scores}
        for seen in shown
    }
    scales: dict[str, tuple[float, float]] = {}
    for dimension in sorted({name for row in rows.values() for name in row}):
        values = [row[dimension] for row in rows.values() if dimension in row]
        scales[dimension] = _scale(values, shown)
    return {
        task: {name: tuple((score - scales[name][0]) / scales[name][1] for score in row[name]) for name in row}
        for task, row in rows.items()
    }


def _scale(values: Sequence[Scores], shown: Sequence[Seen]) -> tuple[float, float]:
    """Return centre and spread: of a pair as a whole the centre is "no difference"."""
    flat = [score for scores in values for score in scores]
    as_a_whole = all(len(scores) == 1 for scores in values) and len(shown[0].order) > 1
    centre = 0.0 if as_a_whole else sum(flat) / len(flat)
    spread = math.sqrt(sum((score - centre) ** 2 for score in flat) / len(flat))
    return centre, spread or 1.0


def _vectors(people: Sequence[Peer]) -> Floats:
    names = sorted({(name, len(person[name])) for person in people for name in person})
    blank = {name: (math.nan,) * length for name, length in names}
    rows = [[score for name, _ in names for score in person.get(name, blank[name])] for person in people]
    return np.array(rows, dtype=np.float64)


def _products(people: Sequence[Peer]) -> Floats:
    """Return for each person at one task: own answers times the mean of the others', summed over rows."""
    known = _vectors(people)
    there = ~np.isnan(known)
    filled = np.where(there, known, 0.0)
    others = (filled.sum(axis=0) - filled) / np.maximum(there.sum(axis=0) - there, 1)
    products: Floats = (filled * others).sum(axis=1)
    return products


def _permuted(products: Sequence[Floats], draws: int) -> Floats:
    rng = np.random.default_rng(draws)
    total = np.zeros(draws)
    for row in products:
        total += row[rng.integers(row.size, size=draws)]
    return total


def correlation(own: Mapping[str, Peer], peers: Mapping[str, Sequence[Peer]], shared: Sequence[str]) -> float:
    """Return the correlation of the rater's answers with the mean of the others'."""
    pairs: list[tuple[float, float]] = []
    for task in shared:
        table = _vectors([own[task], *peers[task]])
        for column in table.T[~np.isnan(table[0])]:
            rest = column[1:][~np.isnan(column[1:])]
            if rest.size:
                pairs.append((float(column[0]), float(rest.mean())))
    mine, theirs = (np.array(side) for side in zip(*pairs, strict=True)) if pairs else (np.zeros(1), np.zeros(1))
    scale = math.sqrt(float((mine**2).sum() * (theirs**2).sum()))
    return round(float((mine * theirs).sum()) / scale, 3) if scale else 0.0
