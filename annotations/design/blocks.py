"""Which outputs of a prompt are judged together when there are more than fit: balanced incomplete blocks, nearly.

Every output stands in equally many groups. A group holds as many different systems as it can, and two outputs meet as
evenly as a search finds: exactly where it finds a balanced incomplete block design, else within one mostly. The search
is made once for each shape (numbers of outputs by system); prompts of the same shape take turns in who is who.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from annotations.design.euler import Ints

_RESTARTS = 4
_STEPS = 3000
_APART = 1000.0  # two outputs of one system in a group weigh so much more than an uneven meeting

Group = tuple[int, ...]


def group_outputs(systems: Sequence[str], size: int, *, times: int = 0, turn: int = 0) -> list[Group]:
    """Give the groups as indices into `systems` (the system of each output), every output in `times` of them.

    With 0 `times` is the smallest number with which all groups are full; else groups are filled up, and some outputs
    stand in one more. No group where there are too few outputs.
    """
    if len(systems) < size:
        return []
    counts = Counter(systems)
    ordered = sorted(counts, key=lambda system: (-counts[system], system))
    shape = tuple(counts[system] for system in ordered)
    template = _search(shape, size, times or size // math.gcd(len(systems), size))
    return [tuple(sorted(group)) for group in _renamed(template, systems, ordered, turn)]


def _renamed(template: tuple[Group, ...], systems: Sequence[str], ordered: Sequence[str], turn: int) -> list[Group]:
    """Give the roles of the template to systems of equal size and to their samples, others from turn to turn."""
    places = {system: [at for at, one in enumerate(systems) if one == system] for system in ordered}
    actors: list[int] = []
    for system in ordered:
        peers = [other for other in ordered if len(places[other]) == len(places[system])]
        mine = places[peers[(peers.index(system) + turn) % len(peers)]]
        start = (turn // len(peers)) % len(mine)
        actors += mine[start:] + mine[:start]
    return [tuple(actors[role] for role in group) for group in template]


@lru_cache(maxsize=256)
def _search(shape: tuple[int, ...], size: int, times: int) -> tuple[Group, ...]:
    """Find the groups of outputs 0, 1, …, of which the first shape[0] are of one system, and so on."""
    total = sum(shape)
    if total == size:
        return (tuple(range(total)),)
    owner = np.repeat(np.arange(len(shape)), shape)
    count = -(-total * times // size)
    best: tuple[float, Ints] | None = None
    for restart in range(_RESTARTS):
        rng = np.random.Generator(np.random.PCG64([20_1211, total, size, times, restart]))
        found = _Search(owner, _dealt(total, (count, size), rng), rng)
        cost = found.improve()
        if best is None or cost < best[0]:
            best = cost, found.groups
        if found.is_ideal:
            break
    assert best is not None  # noqa: S101 - for the type checker
    return tuple(sorted(tuple(sorted(group)) for group in best[1].tolist()))


def _dealt(total: int, shape: tuple[int, int], rng: np.random.Generator) -> Ints:
    """Deal all outputs round by round; where two rounds meet in one group, nobody comes twice."""
    count, size = shape
    groups = np.zeros(shape, dtype=np.int64)
    deck: list[int] = []
    for group in range(count):
        hand: list[int] = []
        while len(hand) < size:
            if not any(one not in hand for one in deck):
                deck += rng.permutation(total).tolist()
            card = next(one for one in deck if one not in hand)
            deck.remove(card)
            hand.append(card)
        groups[group] = hand
    return groups


class _Search:
    """Exchange of members between groups as long as it makes meetings more even."""

    def __init__(self, owner: Ints, groups: Ints, rng: np.random.Generator) -> None:
        self.groups, self.rng = groups, rng
        self.count, self.size = groups.shape
        total = owner.size
        self.same = (owner[:, None] == owner[None, :]).astype(np.float64)
        self.member = np.zeros((self.count, total), dtype=np.float64)
        self.member[np.arange(self.count)[:, None], groups] = 1.0
        self.met = self.member.T @ self.member
        np.fill_diagonal(self.met, 0.0)
        self.upper = np.triu_indices(total, 1)
        self.apart = self.same[self.upper] == 0
        strangers = total * (total - 1) / 2 - float(np.triu(self.same, 1).sum())
        crowded = int(np.bincount(owner).size) < self.size
        self.mean = 0.0 if not strangers or crowded else self.count * self.size * (self.size - 1) / 2 / strangers

    @property
    def is_ideal(self) -> bool:
        """Whether no two groups could be better: systems apart, and all meetings within one."""
        met = self.met[self.upper]
        together, meetings = met[~self.apart], met[self.apart]
        return bool(self.mean and not together.any() and (np.ptp(meetings) if meetings.size else 0) <= 1)

    def improve(self) -> float:
        """Try random exchanges; an equal one is taken too, so that the search can leave a plain."""
        if self.count > 1 and not self.is_ideal:
            for _ in range(_STEPS):
                one, other = int(self.rng.integers(self.count)), int(self.rng.integers(self.count - 1))
                if self._try(one, other + (other >= one)) and self.is_ideal:
                    break
        return self._cost()

    def _cost(self) -> float:
        weight = 1.0 + _APART * self.same[self.upper]
        return float((weight * self.met[self.upper] ** 2).sum())

    def _try(self, one: int, other: int) -> bool:
        """Exchange two members of two groups, unless that makes it worse; say whether it made it better."""
        at, to = (int(place) for place in self.rng.integers(self.size, size=2))
        leaving, coming = int(self.groups[one, at]), int(self.groups[other, to])
        if self.member[one, coming] or self.member[other, leaving]:
            return False
        here, there = self.member[one].copy(), self.member[other].copy()
        here[leaving] = there[coming] = 0.0
        # Who stays in the first group loses one meeting with `leaving` and gains one with `coming`; so in the second.
        shift = there - here
        weight_leaving, weight_coming = 1.0 + _APART * self.same[leaving], 1.0 + _APART * self.same[coming]
        change = (weight_leaving * shift * (2.0 * self.met[leaving] + shift)).sum()
        change += (weight_coming * -shift * (2.0 * self.met[coming] - shift)).sum()
        if change > 0:
            return False
        self.met[leaving] += shift
        self.met[:, leaving] += shift
        self.met[coming] -= shift
        self.met[:, coming] -= shift
        self.member[one], self.member[other] = here, there
        self.member[one, coming] = self.member[other, leaving] = 1.0
        self.groups[one, at], self.groups[other, to] = coming, leaving
        return bool(change < 0)
