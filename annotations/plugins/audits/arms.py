"""Whether systems differ in how often something occurs: Fisher's exact test, Holm's correction, and the prompts' say.

Samples of one cell resemble one another, so that texts are not independent. Where cells hold several samples, a
difference has to hold between prompts as well: the signs of the prompts' differences are flipped at random, and the
larger of the two p values stands (this one without Holm: of a dozen prompts it cannot be smaller than 2 in 4096).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from annotations.registry import AuditedText

FLIPS = 4000
FEW_PROMPTS = 6  # below, flipping signs cannot reach 5%
ALPHA = 0.05


@dataclass(frozen=True, slots=True)
class Difference:
    """How often a feature occurs in one system and in all others; `p` is corrected over all that was compared."""

    feature: str
    system: str
    count: int
    of: int
    other_count: int
    other_of: int
    p: float
    p_alone: float

    @property
    def share(self) -> float:
        """Of this system's texts."""
        return self.count / self.of if self.of else 0.0

    @property
    def other_share(self) -> float:
        """Of the other systems' texts."""
        return self.other_count / self.other_of if self.other_of else 0.0

    @property
    def size(self) -> float:
        """The difference of the shares."""
        return self.share - self.other_share


class Arms:
    """The texts by system and prompt, ready for comparing many features."""

    def __init__(self, texts: Sequence[AuditedText]) -> None:
        self.sizes: dict[str, int] = defaultdict(int)
        self.cells: dict[tuple[str, str], int] = defaultdict(int)
        for text in texts:
            self.sizes[text.system] += 1
            self.cells[text.prompt, text.system] += 1
        self.systems = sorted(self.sizes)
        self.clustered = len(texts) > 1.5 * max(len(self.cells), 1)

    @property
    def compared(self) -> list[str]:
        """The systems to compare with the others; of two one is enough."""
        if len(self.systems) < 2:  # noqa: PLR2004 - nothing to compare with
            return []
        return self.systems[:1] if len(self.systems) == 2 else self.systems  # noqa: PLR2004

    def differences(
        self, features: Mapping[str, Collection[AuditedText]], *, alpha: float = ALPHA, tests: int = 0
    ) -> list[Difference]:
        """Compare each feature (the texts that have it) between systems; p is Holm's over all that could be found.

        A feature so rare that no split of it could be significant is not counted among the tests (Tarone, 1990).
        `tests` is the least number of tests to correct for, when more features were looked at than are given.
        """
        found = [
            one
            for name, texts in features.items()
            for system in self.compared
            if (one := self._one(name, texts, system))
        ]
        testable = [one for one in found if self._best_p(one) < alpha]
        adjusted = holm([one.p_alone for one in testable], tests=max(tests, len(testable)))
        made = [self._guarded(_with_p(one, p), features) for one, p in zip(testable, adjusted, strict=True)]
        return made + [_with_p(one, 1.0) for one in found if self._best_p(one) >= alpha]

    def _one(self, name: str, texts: Collection[AuditedText], system: str) -> Difference | None:
        total = sum(self.sizes.values())
        count = sum(text.system == system for text in texts)
        of, other = self.sizes[system], len(texts) - count
        p = fisher(count, of, other, total - of)
        if len(self.systems) == 2 and other / max(total - of, 1) > count / max(of, 1):  # noqa: PLR2004 - tell the side that has it
            partner = next(one for one in self.systems if one != system)
            return Difference(name, partner, other, total - of, count, of, p, p)
        return Difference(name, system, count, of, other, total - of, p, p)

    def _guarded(self, one: Difference, features: Mapping[str, Collection[AuditedText]]) -> Difference:
        """Let the prompts have their say on what would count as a difference."""
        if not self.clustered or one.p >= ALPHA:
            return one
        return _with_p(one, max(one.p, self._flipped(features[one.feature], one.system)))

    def _best_p(self, one: Difference) -> float:
        """The smallest p that so many occurrences could have reached."""
        total = one.count + one.other_count
        here = min(total, one.of)
        there = min(total, one.other_of)
        return min(fisher(here, one.of, total - here, one.other_of), fisher(total - there, one.of, there, one.other_of))

    def _flipped(self, texts: Collection[AuditedText], system: str) -> float:
        """Return the two-sided p of the mean difference between prompts when each sign is as likely as the other."""
        mine: dict[str, float] = defaultdict(float)
        theirs: dict[str, float] = defaultdict(float)
        for text in texts:
            (mine if text.system == system else theirs)[text.prompt] += 1
        others: dict[str, int] = defaultdict(int)
        for (prompt, name), count in self.cells.items():
            if name != system:
                others[prompt] += count
        gaps = np.array(
            [
                mine[prompt] / self.cells[prompt, system] - theirs[prompt] / others[prompt]
                for prompt in {*mine, *theirs}
                if self.cells.get((prompt, system)) and others.get(prompt)
            ]
        )
        gaps = gaps[gaps != 0]
        if len(gaps) < FEW_PROMPTS:
            return 0.0
        signs = np.random.default_rng(2026).choice((-1.0, 1.0), size=(FLIPS, len(gaps)))
        beyond = int((np.abs(signs @ gaps) >= abs(gaps.sum()) - 1e-12).sum())
        return (beyond + 1) / (FLIPS + 1)


def fisher(count: int, of: int, other: int, other_of: int) -> float:
    """Return the two-sided p of Fisher's exact test."""
    from scipy import stats

    result: Any = stats.fisher_exact(np.array([[count, of - count], [other, other_of - other]]))
    return float(result.pvalue)


def holm(ps: Sequence[float], *, tests: int) -> list[float]:
    """Return Holm's adjusted p values; `tests` may be more than are given."""
    order = sorted(range(len(ps)), key=lambda at: ps[at])
    adjusted, running = [0.0] * len(ps), 0.0
    for rank, at in enumerate(order):
        running = max(running, min(1.0, (tests - rank) * ps[at]))
        adjusted[at] = running
    return adjusted


def _with_p(one: Difference, p: float) -> Difference:
    return Difference(one.feature, one.system, one.count, one.of, one.other_count, one.other_of, p, one.p_alone)
