"""How well one rater's answers go with the mean of the others: what a correlation can be held against."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from analysis.judges.association import spearman
from analysis.judges.human import Ratings

if TYPE_CHECKING:
    from analysis.judges.human import Human
    from analysis.results import FloatArray

FEWEST: Final = 4
"""Outputs that a rater must share with others to have a correlation."""


@dataclass(frozen=True, slots=True)
class Ceiling:
    """Spearman's ρ with the mean of the other raters, averaged over raters, shape (B,): a rater's, and the judge's."""

    human: FloatArray
    same: FloatArray


def ceiling_of(human: Human, judge: FloatArray, weights: FloatArray) -> Ceiling:
    """Return the mean over raters of ρ(his answers, mean of the others), and of ρ(the judge's scores, the same).

    Over the outputs that he and somebody else rated, weighted by their number; a rater who gives one answer
    throughout has no correlation and is left out. NaN for comparisons, which have accuracies for it. ``weights``
    are those of the prompts, shape (P, B); the raters are held.
    """
    columns = weights.shape[1]
    totals, counts = np.zeros((2, columns)), np.zeros((2, columns))
    if isinstance(human, Ratings):
        for at, own, others in human.alone():
            use = ~np.isnan(judge[at])
            if use.sum() < FEWEST:
                continue
            home = human.prompt[at[use]]
            for row, values in enumerate((own[use], judge[at[use]])):
                rho = spearman(values, others[use, None], home, weights)
                known = ~np.isnan(rho)
                totals[row] += np.where(known, rho, 0.0) * use.sum()
                counts[row] += known * use.sum()
    found = np.where(counts > 0, totals / np.maximum(counts, 1.0), np.nan)
    return Ceiling(found[0], found[1])
