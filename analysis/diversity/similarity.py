"""Likeness of vectors, prompt by prompt and block by block; the matrix of all texts with all is never held."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt

from analysis.diversity.modes import ClassRule, classes_by_similarity, hill_number, vendi_score

if TYPE_CHECKING:
    from analysis.diversity.table import Outputs
    from analysis.embeddings import FloatVectors

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
TILE: Final = 2_048
BINS: Final = 100
EDGES: Final = np.linspace(-1.0, 1.0, BINS + 1)
MOST_CLUSTERED: Final = 5_000
"""More texts of one cell than this are not clustered: their matrix would be too large."""
NAN: Final = float("nan")


@dataclass(frozen=True)
class Likeness:
    """Similarities of P prompts and S systems; NaN where there are no pairs.

    Attributes
    ----------
    within, share, vendi, classes, modes_1, modes_2
        Of the texts of one system for one prompt, shape (P, S).
    between, between_share
        Mean cosine of the outputs of systems i and j to the same prompt, and share of pairs above the threshold,
        averaged over prompts in which both have outputs; shape (S, S). The diagonal is within a system, different
        texts only.
    histogram
        Pairs within a system and prompt by similarity, shape (S, BINS) on ``EDGES``.
    partition
        The class of each text, numbered within its cell.
    """

    within: FloatArray
    share: FloatArray
    vendi: FloatArray
    classes: FloatArray
    modes_1: FloatArray
    modes_2: FloatArray
    between: FloatArray
    between_share: FloatArray
    histogram: IntArray
    partition: IntArray


def compare_texts(
    outputs: Outputs,
    vectors: FloatVectors,
    *,
    threshold: float,
    class_threshold: float,
    rule: ClassRule = "average",
    progress: Callable[[int, int], None] | None = None,
) -> Likeness:
    """Return all similarities; ``vectors`` (n, d) are of length 1, in the order of ``outputs``.

    Means come from sums of vectors, exactly; shares and histograms from blocks of at most ``TILE`` × ``TILE`` pairs.
    """
    work = _Work(outputs, vectors, threshold=threshold, class_threshold=class_threshold, rule=rule)
    by_prompt: dict[int, list[tuple[int, slice]]] = {}
    for prompt, system, rows in outputs.cells():
        by_prompt.setdefault(prompt, []).append((system, rows))
    for done, (prompt, cells) in enumerate(by_prompt.items(), start=1):
        work.prompt(prompt, cells)
        if progress:
            progress(done, len(by_prompt))
    return work.result()


class _Work:
    """The sums that grow prompt by prompt."""

    def __init__(
        self, outputs: Outputs, vectors: FloatVectors, *, threshold: float, class_threshold: float, rule: ClassRule
    ) -> None:
        self.outputs, self.vectors, self.rule = outputs, vectors, rule
        self.threshold, self.class_threshold = threshold, class_threshold
        shape = (len(outputs.prompts), len(outputs.systems))
        names = ("within", "share", "vendi", "classes", "modes_1", "modes_2")
        self.cells = {name: np.full(shape, NAN) for name in names}
        self.sums = np.zeros((3, shape[1], shape[1]))
        self.histogram = np.zeros((shape[1], BINS), np.int64)
        self.partition = np.zeros(len(outputs), np.int64)

    def prompt(self, prompt: int, cells: list[tuple[int, slice]]) -> None:
        """Add the texts of one prompt."""
        systems = np.asarray([system for system, _ in cells])
        sizes = np.asarray([rows.stop - rows.start for _, rows in cells])
        total = np.stack([self.vectors[rows].sum(axis=0, dtype=np.float64) for _, rows in cells])
        squares = np.asarray([np.square(self.vectors[rows], dtype=np.float64).sum() for _, rows in cells])
        pairs = np.outer(sizes, sizes) - np.diag(sizes)
        sums = total @ total.T - np.diag(squares)
        above = self._above(cells)
        grid = np.ix_(systems, systems)
        known = pairs > 0  # where there is no pair, the sum is not quite 0 and must not be divided by it
        some = np.where(known, pairs, 1)
        mean = np.where(known, np.clip(sums / some, -1.0, 1.0), NAN)
        share = np.where(known, above / some, NAN)
        self.sums[0][grid] += np.where(known, mean, 0.0)
        self.sums[1][grid] += np.where(known, share, 0.0)
        self.sums[2][grid] += known
        self.cells["within"][prompt, systems] = np.diag(mean)
        self.cells["share"][prompt, systems] = np.diag(share)
        for system, rows in cells:
            if rows.stop - rows.start > 1:
                self._cell(prompt, system, rows)

    def _above(self, cells: list[tuple[int, slice]]) -> FloatArray:
        """Return how many pairs (i, j), i ≠ j, are above the threshold, by cell; shape (cells, cells)."""
        first = cells[0][1].start
        owner = np.repeat(np.arange(len(cells)), [rows.stop - rows.start for _, rows in cells])
        found = np.zeros((len(cells), len(cells)))
        starts = range(0, owner.size, TILE)
        for a in starts:
            left = self.vectors[first + a : first + min(a + TILE, owner.size)]
            own = owner[a : a + TILE]
            for b in (start for start in starts if start >= a):
                right = self.vectors[first + b : first + min(b + TILE, owner.size)]
                block = left @ right.T > self.threshold
                if a == b:
                    np.fill_diagonal(block, val=False)
                counts = _by_owner(block, own, owner[b : b + TILE], len(cells))
                found += counts if a == b else counts + counts.T
        return found

    def _cell(self, prompt: int, system: int, rows: slice) -> None:
        """Histogram, classes and Vendi score of one system's texts for one prompt."""
        vectors = self.vectors[rows]
        count = len(vectors)
        self.cells["vendi"][prompt, system] = vendi_score(vectors)
        for start in range(0, count, TILE):
            block = vectors[start : start + TILE] @ vectors[start:].T
            upper = block[np.triu_indices(len(block), 1, block.shape[1])]
            place = np.clip(((upper + 1.0) * (BINS / 2)).astype(np.int64), 0, BINS - 1)
            self.histogram[system] += np.bincount(place, minlength=BINS)
        if self.outputs.classes is not None:
            given = np.unique(self.outputs.classes[rows], return_inverse=True)[1]
            self.partition[rows] = given
        elif count <= MOST_CLUSTERED:
            alike = vectors @ vectors.T
            self.partition[rows] = classes_by_similarity(alike, threshold=self.class_threshold, rule=self.rule)
        else:
            self.partition[rows] = -1
            return
        sizes = np.bincount(self.partition[rows])
        for name, order in (("classes", 0.0), ("modes_1", 1.0), ("modes_2", 2.0)):
            self.cells[name][prompt, system] = hill_number(sizes, order)

    def result(self) -> Likeness:
        """Return what was found."""
        with np.errstate(invalid="ignore"):
            between, share = self.sums[0] / self.sums[2], self.sums[1] / self.sums[2]
        return Likeness(
            **self.cells, between=between, between_share=share, histogram=self.histogram, partition=self.partition
        )


def _by_owner(block: npt.NDArray[np.bool_], left: IntArray, right: IntArray, count: int) -> FloatArray:
    """Return the number of true cells by owner of row and of column; both owners are sorted."""
    found = np.zeros((count, count))
    rows, columns = (np.flatnonzero(np.r_[True, one[1:] != one[:-1]]) for one in (left, right))
    down = np.add.reduceat(block, rows, axis=0, dtype=np.int32)
    found[np.ix_(left[rows], right[columns])] = np.add.reduceat(down, columns, axis=1)
    return found


def project(vectors: FloatVectors) -> tuple[FloatArray, FloatArray]:
    """Return the first two principal components of vectors, shape (n, 2), and the shares of variance they hold.

    The sign of each is set so that the value furthest from zero is positive.
    """
    centred = np.asarray(vectors, float) - np.asarray(vectors, float).mean(axis=0)
    left, singular, _ = np.linalg.svd(centred, full_matrices=False)
    power = singular**2
    share = power / power.sum() if power.sum() > 0.0 else np.zeros_like(power)
    found, shares = np.zeros((len(vectors), 2)), np.zeros(2)
    kept = min(2, singular.size)
    found[:, :kept], shares[:kept] = left[:, :kept] * singular[:kept], share[:kept]
    furthest = found[np.abs(found).argmax(axis=0), [0, 1]]
    return found * np.where(furthest < 0.0, -1.0, 1.0), shares
