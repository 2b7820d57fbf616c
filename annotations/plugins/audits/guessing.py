"""Guessing the system from the text: cross-validated logistic regression, no prompt in two folds, AUC within prompts.

The AUC is the share of pairs of texts of one prompt, one by each side, that the classifier would sort right: what a
rater who tried could do at most with such features. Its interval comes from the spread between prompts (Student's t,
with one pseudo-prompt of nothing right and one of all right, so that no interval has width zero).
"""

from __future__ import annotations

import warnings
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

FOLDS = 5
LEAST_PROMPTS = 5
LEAST_TEXTS = 15  # of each side
Numbers = np.ndarray[Any, np.dtype[np.float64]]
Make = Callable[[], Any]


@dataclass(frozen=True, slots=True)
class Guess:
    """How well the side can be guessed; the interval has the level that was asked for."""

    auc: float
    low: float
    high: float
    prompts: int


def can_guess(is_first: Sequence[bool], prompts: Sequence[str]) -> bool:
    """Whether there are texts and prompts enough, with both sides in each prompt that counts."""
    sides: dict[str, set[bool]] = defaultdict(set)
    for side, prompt in zip(is_first, prompts, strict=True):
        sides[prompt].add(side)
    both = sum(len(found) == 2 for found in sides.values())  # noqa: PLR2004 - both sides
    return both >= LEAST_PROMPTS and min(sum(is_first), len(is_first) - sum(is_first)) >= LEAST_TEXTS


def guess(make: Make, content: Any, is_first: Sequence[bool], *, prompts: Sequence[str], alpha: float) -> Guess:
    """Train and test over folds of prompts; `make` gives a fresh classifier, `content` its rows (array or list).

    Parameters
    ----------
    make
        Returns an estimator with ``fit`` and ``decision_function``.
    content
        One row for each text; a list of texts or an array.
    is_first
        Which side wrote each text.
    alpha
        The interval covers the true value with probability 1 − alpha.
    """
    labels = np.asarray(is_first, dtype=bool)
    scores = np.zeros(len(labels))
    fold_of = _folds(prompts)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # an unfinished fit is a guess all the same
        for fold in range(FOLDS):
            test = fold_of == fold
            if not test.any() or len(set(labels[~test])) < 2:  # noqa: PLR2004 - both sides
                continue
            model = make()
            model.fit(_rows(content, ~test), labels[~test])
            scores[test] = model.decision_function(_rows(content, test))
    return _within_prompts(scores, labels, prompts=prompts, alpha=alpha)


def _rows(content: Any, chosen: Any) -> Any:
    if isinstance(content, list):
        return [content[at] for at in np.flatnonzero(chosen)]
    return content[chosen]


def _folds(prompts: Sequence[str]) -> Any:
    """Deal the prompts out, the largest first, so that folds are about equal."""
    sizes: dict[str, int] = defaultdict(int)
    for prompt in prompts:
        sizes[prompt] += 1
    loads, fold = [0] * FOLDS, {}
    for prompt in sorted(sizes, key=lambda one: (-sizes[one], one)):
        fold[prompt] = int(np.argmin(loads))
        loads[fold[prompt]] += sizes[prompt]
    return np.array([fold[prompt] for prompt in prompts])


def _within_prompts(scores: Numbers, labels: Any, *, prompts: Sequence[str], alpha: float) -> Guess:
    from scipy import stats

    places: dict[str, list[int]] = defaultdict(list)
    for at, prompt in enumerate(prompts):
        places[prompt].append(at)
    shares = []
    for found in places.values():
        mine = scores[[at for at in found if labels[at]]]
        theirs = scores[[at for at in found if not labels[at]]]
        if len(mine) and len(theirs):
            right = (mine[:, None] > theirs[None, :]).mean() + 0.5 * (mine[:, None] == theirs[None, :]).mean()
            shares.append(float(right))
    values = np.array(shares)
    auc, count = float(values.mean()), len(values)
    spread = ((values - auc) ** 2).sum() + (auc**2 + (1 - auc) ** 2) / 2
    half = float(stats.t.ppf(1 - alpha / 2, count - 1)) * float(np.sqrt(spread / (count - 1) / count))
    return Guess(auc, max(auc - half, 0.0), min(auc + half, 1.0), count)
