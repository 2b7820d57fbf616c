"""Whether systems differ in how often something occurs: Fisher's exact test, Holm's correction, and the prompts' say.

Samples of one cell resemble one another, so that texts are not independent. Where cells hold several samples, a
difference has to hold between prompts as well: the signs of the prompts' differences are flipped at random, all
features at once, and the larger of the two p values stands. This one is corrected by the largest difference that any
feature reaches under the same flips (Westfall and Young, 1993): of a dozen prompts no p is smaller than 2 in 4096, so
that Holm would find nothing among hundreds of words, while one that is not corrected at all always finds some.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from annotations.registry import AuditedText

FLIPS = 4000
AT_ONCE = 500  # flips, so that the memory for them stays small
FEW_PROMPTS = 9  # below, flipping signs cannot reach 2%
ALPHA = 0.02  # several audits test side by side: clean texts should raise nothing in any of them


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
        self.prompts = Counter(text.prompt for text in texts)
        self.clustered = len(texts) > 1.5 * max(len(self.cells), 1)

    @property
    def compared(self) -> list[str]:
        """The systems to compare with the others; of two one is enough."""
        if len(self.systems) < 2:  # noqa: PLR2004 - nothing to compare with
            return []
        return self.systems[:1] if len(self.systems) == 2 else self.systems  # noqa: PLR2004

    def differences(self, features: Mapping[str, Collection[AuditedText]], *, alpha: float = ALPHA) -> list[Difference]:
        """Compare each feature (the texts that have it) between systems; p is corrected over all that could be found.

        A feature so rare that no split of it could be significant is not counted among the tests (Tarone, 1990).
        """
        found = [
            one
            for name, texts in features.items()
            for system in self.compared
            if (one := self._one(name, texts, system))
        ]
        testable = [one for one in found if self._best_p(one) < alpha]
        adjusted = holm([one.p_alone for one in testable])
        if self.clustered and any(p < alpha for p in adjusted):
            adjusted = [max(pair) for pair in zip(adjusted, self._flipped(testable, features), strict=True)]
        made = [_with_p(one, p) for one, p in zip(testable, adjusted, strict=True)]
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

    def _best_p(self, one: Difference) -> float:
        """The smallest p that so many occurrences could have reached."""
        total = one.count + one.other_count
        here = min(total, one.of)
        there = min(total, one.other_of)
        return min(fisher(here, one.of, total - here, one.other_of), fisher(total - there, one.of, there, one.other_of))

    def _flipped(self, found: Sequence[Difference], features: Mapping[str, Collection[AuditedText]]) -> list[float]:
        """Return two-sided p values of the mean differences between prompts, each sign as likely as the other.

        Each is corrected over all by the largest one, once in percentage points and once in units of its spread, and
        the smaller of the two is doubled. With fewer than FEW_PROMPTS prompts a difference must have one sign in all.
        """
        gaps: Any = np.array([self._gaps(features[one.feature], one.system) for one in found], dtype=np.float32)
        if gaps.shape[1] < FEW_PROMPTS:
            same = (gaps >= 0).all(axis=1) | (gaps <= 0).all(axis=1)
            return [0.0 if one else 1.0 for one in same]
        spread = np.sqrt((gaps**2).sum(axis=1))
        scales = (np.ones_like(spread), np.where(spread > 0, spread, 1.0))
        own = [np.abs(gaps.sum(axis=1)) / scale for scale in scales]
        beyond, draw = np.zeros((2, len(found))), np.random.default_rng(2026)
        for _ in range(FLIPS // AT_ONCE):
            signs = draw.choice(np.array((-1, 1), dtype=np.float32), size=(gaps.shape[1], AT_ONCE))
            sums = np.abs(gaps @ signs)
            for at, scale in enumerate(scales):
                largest = np.sort((sums / scale[:, None]).max(axis=0))
                beyond[at] += AT_ONCE - np.searchsorted(largest, own[at] * (1 - 1e-5))
        return [min(1.0, 2 * float(p)) for p in ((beyond + 1) / (FLIPS + 1)).min(axis=0)]

    def _gaps(self, texts: Collection[AuditedText], system: str) -> list[float]:
        """Return by how much the system's share with a feature exceeds the others', by prompt; 0 where one has none."""
        counts = Counter((text.prompt, text.system == system) for text in texts)
        return [
            counts[prompt, True] / mine - counts[prompt, False] / (whole - mine) if 0 < mine < whole else 0.0
            for prompt, whole in self.prompts.items()
            for mine in (self.cells.get((prompt, system), 0),)
        ]


def fisher(count: int, of: int, other: int, other_of: int) -> float:
    """Return the two-sided p of Fisher's exact test."""
    from scipy import stats

    result: Any = stats.fisher_exact(np.array([[count, of - count], [other, other_of - other]]))
    return float(result.pvalue)


def holm(ps: Sequence[float]) -> list[float]:
    """Return Holm's adjusted p values."""
    order = sorted(range(len(ps)), key=lambda at: ps[at])
    adjusted, running = [0.0] * len(ps), 0.0
    for rank, at in enumerate(order):
        running = max(running, min(1.0, (len(ps) - rank) * ps[at]))
        adjusted[at] = running
    return adjusted


def _with_p(one: Difference, p: float) -> Difference:
    return Difference(one.feature, one.system, one.count, one.of, one.other_count, one.other_of, p, one.p_alone)
