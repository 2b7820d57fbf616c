"""What a measurement found: frozen numbers, and the tables they make."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from analysis.diversity.inference import ContrastRow
from analysis.diversity.names import BY_KEY
from analysis.diversity.resampling import mean_intervals
from analysis.diversity.similarity import EDGES, Likeness
from analysis.diversity.table import Outputs

if TYPE_CHECKING:
    import pandas as pd

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Projection:
    """All outputs to one prompt on the first two principal components of their vectors.

    ``rows`` are places in ``Outputs``; ``share`` is how much of the variance each component holds.
    """

    prompt: str
    rows: npt.NDArray[np.int64]
    points: FloatArray
    share: tuple[float, float]


@dataclass(frozen=True, slots=True)
class SystemRow:
    """One measure of one system: mean over prompts with the interval of resampled prompts."""

    system: str
    measure: str
    prompts: int
    mean: float
    low: float
    high: float
    interval: str


@dataclass(frozen=True)
class Settings:
    """What was asked for."""

    baseline: str | None
    threshold: float
    class_threshold: float
    classes: str
    measures: tuple[str, ...]
    confidence: float
    seed: int
    even: bool
    shown: tuple[str, ...]
    primary: str = ""


@dataclass(frozen=True)
class Diversity:
    """All measures with their tests; ``write`` makes files of them.

    Attributes
    ----------
    values
        By measure, one number per prompt and system, shape (P, S); NaN where there is none.
    systems, contrasts
        Means with intervals; differences with tests.
    collapsed
        By system, the share of prompts whose mean similarity is above the threshold.
    sentences, methods, warnings
        In words: the findings, the paragraph for a paper, and what must be read first.
    provenance
        Embedder, digest of the input, seed, versions.
    """

    outputs: Outputs
    likeness: Likeness
    values: Mapping[str, FloatArray]
    systems: tuple[SystemRow, ...]
    contrasts: tuple[ContrastRow, ...]
    collapsed: Mapping[str, float]
    projections: tuple[Projection, ...]
    settings: Settings
    provenance: Mapping[str, Any]
    sentences: tuple[str, ...] = ()
    methods: str = ""
    warnings: tuple[str, ...] = ()

    @property
    def order(self) -> tuple[str, ...]:
        """The systems as they are shown: the baseline first."""
        return tuple(sorted(self.outputs.systems, key=lambda name: (name != self.settings.baseline, name)))

    @property
    def tables(self) -> dict[str, pd.DataFrame]:
        """Every number as data frames: cells, systems, contrasts, between, histogram, classes, projection."""
        return {
            "cells": self._cells(),
            "systems": _frame(self.systems),
            "contrasts": _contrasts(self.contrasts),
            "between": self._between(),
            "histogram": self._histogram(),
            "classes": self._classes(),
            "projection": self._projection(),
        }

    def summary(self) -> dict[str, Any]:
        """Return what a page shows, as plain JSON: no table per text, NaN as None."""
        from analysis.page.provenance import plain

        found = {
            "sentences": self.sentences,
            "warnings": self.warnings,
            "methods": self.methods,
            "prompts": len(self.outputs.prompts),
            "texts": len(self.outputs),
            "order": self.order,
            "settings": self.settings,
            "measures": [BY_KEY[key] for key in self.values],
            "systems": self.systems,
            "contrasts": self.contrasts,
            "collapsed": dict(self.collapsed),
            "between": {
                "systems": self.outputs.systems,
                "similarity": self.likeness.between,
                "share_above": self.likeness.between_share,
            },
            "provenance": dict(self.provenance),
        }
        summary: dict[str, Any] = plain(found)
        return summary

    def write(self, folder: Path | str, *, title: str = "") -> Path:
        """Write tables, figures, page, JSON and manifest into a folder, all or nothing; returns the page.

        Raises
        ------
        DiversityError
            If the folder cannot be written.
        """
        from analysis.diversity.files import write

        return write(self, Path(folder), title=title)

    def _cells(self) -> pd.DataFrame:
        import pandas as pd

        rows = [
            {
                "prompt": self.outputs.prompts[prompt],
                "system": self.outputs.systems[system],
                "texts": place.stop - place.start,
                **{key: table[prompt, system] for key, table in self.values.items()},
            }
            for prompt, system, place in self.outputs.cells()
        ]
        return pd.DataFrame(rows)

    def _between(self) -> pd.DataFrame:
        import pandas as pd

        found, names = self.likeness, self.outputs.systems
        pairs = [(i, j) for i in range(len(names)) for j in range(i, len(names))]
        return pd.DataFrame(
            {
                "system_1": [names[i] for i, _ in pairs],
                "system_2": [names[j] for _, j in pairs],
                "similarity": [found.between[i, j] for i, j in pairs],
                "share_above": [found.between_share[i, j] for i, j in pairs],
            }
        )

    def _histogram(self) -> pd.DataFrame:
        import pandas as pd

        counts = self.likeness.histogram
        names = self.outputs.systems
        bins = counts.shape[1]
        total = np.maximum(counts.sum(axis=1, keepdims=True), 1)
        return pd.DataFrame(
            {
                "system": np.repeat(names, bins),
                "low": np.tile(EDGES[:-1].round(6), len(names)),
                "high": np.tile(EDGES[1:].round(6), len(names)),
                "pairs": counts.ravel(),
                "share": (counts / total).ravel(),
            }
        )

    def _classes(self) -> pd.DataFrame:
        import pandas as pd

        known = self.outputs
        return pd.DataFrame(
            {
                "row": known.row + 1,
                "prompt": [known.prompts[at] for at in known.prompt],
                "system": [known.systems[at] for at in known.system],
                "sample": known.sample,
                "class": self.likeness.partition,
            }
        )

    def _projection(self) -> pd.DataFrame:
        import pandas as pd

        known = self.outputs
        columns = ("prompt", "system", "sample", "row", "x", "y")
        rows = [
            (one.prompt, known.systems[known.system[at]], known.sample[at], int(known.row[at]) + 1, x, y)
            for one in self.projections
            for at, (x, y) in zip(one.rows, one.points, strict=True)
        ]
        return pd.DataFrame(rows, columns=columns)


def summarise_systems(
    values: Mapping[str, FloatArray], systems: tuple[str, ...], *, confidence: float, seed: int
) -> tuple[SystemRow, ...]:
    """Return the mean of each measure and system over prompts, with its interval."""
    names = [(key, name) for key in values for name in systems]
    sets = [table[:, at][np.isfinite(table[:, at])] for table in values.values() for at in range(len(systems))]
    found = mean_intervals(sets, confidence=confidence, seed=seed)
    return tuple(
        SystemRow(
            name, key, known.size, float(known.mean()) if known.size else float("nan"), one.low, one.high, one.method
        )
        for (key, name), known, one in zip(names, sets, found, strict=True)
    )


def _frame(rows: tuple[Any, ...]) -> pd.DataFrame:
    import pandas as pd

    names = [one.name for one in fields(rows[0])] if rows else []
    return pd.DataFrame([[getattr(row, name) for name in names] for row in rows], columns=names)


def _contrasts(rows: tuple[ContrastRow, ...]) -> pd.DataFrame:
    import pandas as pd

    parts = ("mixed", "at_length")
    lines = []
    for row in rows:
        line = {one.name: getattr(row, one.name) for one in fields(row) if one.name not in parts}
        for part in parts:
            found = getattr(row, part)
            line |= {f"{part}_{one.name}": getattr(found, one.name) for one in fields(found)}
        lines.append(line)
    return pd.DataFrame(lines)
