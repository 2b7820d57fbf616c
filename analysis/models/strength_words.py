"""What a fit of strengths says about groups of systems."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from analysis.numerics.choice import IntArray

SHOWN = 4
"""So many names, or groups, are written out."""


def some(names: Sequence[str]) -> str:
    """Return the first names and how many more there are."""
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more


def levels_in_words(systems: tuple[str, ...], level: IntArray) -> str:
    """Say which systems won every comparison against which; ``level`` (systems,) is higher for the better."""
    groups = [
        [name for name, at in zip(systems, level, strict=True) if at == k] for k in range(int(level.max()), -1, -1)
    ]
    return (
        "separation: no finite difference between groups of which one won every comparison, best first: "
        + " > ".join(f"{{{some(group)}}}" for group in groups)
    )


def groups_in_words(systems: tuple[str, ...], group: IntArray) -> tuple[str, ...]:
    """Say which systems were never compared, not even through others; nothing if all are linked."""
    count = int(group.max()) + 1
    if count == 1:
        return ()
    shown = [[name for name, at in zip(systems, group, strict=True) if at == k] for k in range(min(count, SHOWN))]
    more = f" and {count - SHOWN} more groups" if count > SHOWN else ""
    listed = ", ".join(f"{{{some(names)}}}" for names in shown)
    return (f"the comparisons fall into {count} groups that never met, comparable only within: {listed}{more}",)


def clusters_in_words(clusters: tuple[tuple[str, IntArray], ...]) -> tuple[str, ...]:
    """Say what the standard errors are robust to."""
    if not clusters:
        return ()
    counts = [f"{name} ({np.unique(label).size})" for name, label in clusters]
    return (f"standard errors are robust to dependence within {' and '.join(counts)}",)
