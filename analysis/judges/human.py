"""What people said of the outputs of one dimension: a score per output, majorities of pairs, and how far they agree."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from scipy import sparse

from analysis.judges.strengths import worths

if TYPE_CHECKING:
    from analysis.results import FloatArray, IntArray

DIGITS: Final = 9
"""Means and differences are rounded to so many digits: equal ratings in another order must be equal."""


@dataclass(frozen=True, kw_only=True)
class Human(ABC):
    """The human side of one dimension.

    Attributes
    ----------
    outputs, prompts, raters
        Names; all numbers elsewhere are places in these.
    prompt
        Prompt of each output, shape (n,).
    pairs
        First and second output of each pair within a prompt that people order, shapes (k,).
    relative
        Whether an output's score speaks of its place among the outputs of its prompt only.
    about
        What the human score of an output is, in words.
    entropy
        Shannon entropy of the labels in bits: of each output, or (``relative``) of each pair; NaN below two labels.
    """

    outputs: tuple[str, ...]
    prompts: tuple[str, ...]
    raters: tuple[str, ...]
    prompt: IntArray
    pairs: tuple[IntArray, IntArray]
    about: str
    entropy: FloatArray
    relative: bool

    @abstractmethod
    def scores(self, weights: FloatArray) -> FloatArray:
        """Return the human scores, shape (n, B), for weights of the raters, shape (R, B); NaN where nobody is left."""

    @abstractmethod
    def margins(self, scores: FloatArray, weights: FloatArray) -> FloatArray:
        """Return by how much the first output of each pair is preferred, shape (k, B); its sign is the majority's."""

    @abstractmethod
    def votes(self) -> Votes:
        """Return how each rater orders each pair that he speaks of."""

    @abstractmethod
    def others(self, votes: Votes, part: slice, scores: FloatArray, weights: FloatArray) -> FloatArray:
        """Return the margins of all but the voter for a part of the votes, shape (e, B); NaN where nobody is left."""


@dataclass(frozen=True, slots=True)
class Votes:
    """One line per rater and pair, ordered by pair: ``sign`` is 1 if he prefers the first output, −1, 0 = tie."""

    pair: IntArray
    rater: IntArray
    sign: FloatArray
    own: FloatArray
    """What is his own in the margin or in the two means, shape (e, 1) or (e, 2)."""


@dataclass(frozen=True, kw_only=True)
class Ratings(Human):
    """Outputs that were judged by themselves: ``value`` of ``rater`` about ``output``, once each, shape (a,)."""

    output: IntArray
    rater: IntArray
    value: FloatArray
    relative: bool = False

    def scores(self, weights: FloatArray) -> FloatArray:
        """Return mean answers."""
        total, count = self._sums(weights)
        return np.where(count > 0, np.round(total / np.maximum(count, 1e-12), DIGITS), np.nan)

    def margins(self, scores: FloatArray, weights: FloatArray) -> FloatArray:  # noqa: ARG002 - as the protocol has it
        """Return differences of the means."""
        return np.asarray(np.round(scores[self.pairs[0]] - scores[self.pairs[1]], DIGITS))

    def votes(self) -> Votes:
        """Return the order of every two outputs that one rater rated."""
        table = np.full((len(self.raters), len(self.outputs)), np.nan)
        table[self.rater, self.output] = self.value
        both = ~np.isnan(table[:, self.pairs[0]]) & ~np.isnan(table[:, self.pairs[1]])
        pair, rater = np.nonzero(both.T)
        own = np.stack([table[rater, side[pair]] for side in self.pairs], axis=1)
        return Votes(pair, rater, np.sign(np.round(own[:, 0] - own[:, 1], DIGITS)), own)

    def others(self, votes: Votes, part: slice, scores: FloatArray, weights: FloatArray) -> FloatArray:  # noqa: ARG002
        """Return differences of the means without the voter's own answers."""
        total, count = self._sums(weights)
        pair, weight = votes.pair[part], weights[votes.rater[part]]
        sides = []
        for at, side in enumerate(self.pairs):
            rest = count[side[pair]] - weight
            mean = (total[side[pair]] - weight * votes.own[part, at, None]) / np.maximum(rest, 1e-12)
            sides.append(np.where(rest > 0.5, mean, np.nan))  # noqa: PLR2004 - counts are whole
        return np.asarray(np.round(sides[0] - sides[1], DIGITS))

    def alone(self) -> Iterator[tuple[IntArray, FloatArray, FloatArray]]:
        """Yield for each rater the outputs that others rated too, his answers, and the means of the others."""
        total = np.bincount(self.output, weights=self.value, minlength=len(self.outputs))
        count = np.bincount(self.output, minlength=len(self.outputs))
        shared = np.flatnonzero(count[self.output] > 1)
        for rows in (shared[part] for part in homes(self.rater[shared])):
            at, own = self.output[rows], self.value[rows]
            yield at, own, np.round((total[at] - own) / (count[at] - 1), DIGITS)

    def _sums(self, weights: FloatArray) -> tuple[FloatArray, FloatArray]:
        shape = (len(self.outputs), len(self.raters))
        total = sparse.csr_matrix((self.value, (self.output, self.rater)), shape=shape)
        count = sparse.csr_matrix((np.ones(len(self.value)), (self.output, self.rater)), shape=shape)
        return np.asarray(total @ weights), np.asarray(count @ weights)


@dataclass(frozen=True, kw_only=True)
class Comparisons(Human):
    """Outputs that were compared: ``outcome`` of ``rater`` about ``pair``, summed over his comparisons, shape (a,).

    ``outcome`` sums 1, ½, 0 and between for the first output (or points of difference), ``count`` the comparisons,
    ``sign`` the preferences, 1 or −1, that make the majority.
    """

    pair: IntArray
    rater: IntArray
    outcome: FloatArray
    count: FloatArray
    sign: FloatArray
    logistic: bool
    relative: bool = True

    def scores(self, weights: FloatArray) -> FloatArray:
        """Return worths within each prompt."""
        total, count = (self._sum(one, weights) for one in (self.outcome, self.count))
        return worths(self.pairs, self.prompt, total=total, count=count, logistic=self.logistic)

    def margins(self, scores: FloatArray, weights: FloatArray) -> FloatArray:  # noqa: ARG002 - as the protocol has it
        """Return votes for the first minus votes for the second; NaN where nobody is left."""
        count = self._sum(self.count, weights)
        return np.where(count > 0, self._sum(self.sign, weights), np.nan)

    def votes(self) -> Votes:
        """Return every rater's preference on every pair that he compared."""
        return Votes(self.pair, self.rater, np.sign(self.sign), np.stack([self.sign, self.count], axis=1))

    def others(self, votes: Votes, part: slice, scores: FloatArray, weights: FloatArray) -> FloatArray:  # noqa: ARG002
        """Return votes for the first minus votes for the second without the voter's own."""
        pair, weight = votes.pair[part], weights[votes.rater[part]]
        count = self._sum(self.count, weights)[pair] - weight * votes.own[part, 1, None]
        margin = self._sum(self.sign, weights)[pair] - weight * votes.own[part, 0, None]
        return np.where(count > 0.5, margin, np.nan)  # noqa: PLR2004 - counts are whole

    def _sum(self, values: FloatArray, weights: FloatArray) -> FloatArray:
        shape = (len(self.pairs[0]), len(self.raters))
        return np.asarray(sparse.csr_matrix((values, (self.pair, self.rater)), shape=shape) @ weights)


def homes(number: IntArray) -> Iterator[IntArray]:
    """Yield the rows of each number, in its order."""
    order = np.argsort(number, kind="stable")
    _, starts = np.unique(number[order], return_index=True)
    yield from np.split(order, starts[1:])
