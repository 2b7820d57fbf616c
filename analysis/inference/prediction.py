"""Predictions per prompt, output and rater, pulled towards the mean as the data about each are few.

Henderson's mixed model equations at the estimated spreads (Henderson 1975; Robinson 1991): with H = I + ΛZ'WZΛ, W the
information of each answer, the error of a prediction L'β + K'b has the variance

    k'H⁻¹k + (L − T'k)' (X'WX − M'H⁻¹M)⁻¹ (L − T'k),    k = ΛK, M = ΛZ'WX, T = H⁻¹M.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse, stats

from analysis.inference.bordered import Bordered
from analysis.inference.working import information
from analysis.results import ShrunkenEstimates

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

    from analysis.numerics.structure import SignedFactor
    from analysis.prepare import DimensionData
    from analysis.results import Fit, FloatArray, IntArray

TOO_LARGE = (
    "no predictions per prompt, output and rater: both the raters' and the prompts' side of the design have too many "
    "random effects to compute their errors exactly"
)
RATER_SIDE = frozenset({"rater", "rater:system", "booklet"})


@dataclass(frozen=True)
class _Unit:
    """What is predicted for each of m labels: rows of L (m, p), columns of Z (t, m) and their signs (t,)."""

    unit: str
    contrast: str
    labels: tuple[str, ...]
    fixed: FloatArray
    columns: IntArray
    signs: FloatArray
    counts: IntArray


def shrunken_estimates(
    data: DimensionData, fit: Fit, pairs: Sequence[tuple[str, str]], *, confidence: float
) -> tuple[ShrunkenEstimates, ...]:
    """Return each contrast within every prompt and for every rater, and each output's deviation from its system.

    A contrast within a prompt is L'β + b(prompt:first) − b(prompt:second), within its task family if the model speaks
    of families; the deviation of an output adds up its own effect and that of its prompt and system. Units whose
    random effect is not in the model are left out. Nothing is returned without a converged fit that holds its
    predictions, or for designs too large to do exactly (:class:`analysis.inference.bordered.Bordered`).
    """
    if not is_predictable(fit):
        return ()
    equations = _Equations(data, fit)
    if not equations.possible:
        return ()
    units = [_contrasts(data, equations, pair, unit) for unit in ("prompt", "rater") for pair in pairs]
    units.append(_outputs(data, equations))
    z = float(stats.norm.ppf(0.5 + confidence / 2.0))
    return tuple(equations.predict(unit, z=z) for unit in units if unit is not None)


def is_predictable(fit: Fit) -> bool:
    """Return whether a fit converged, has no infinite or unidentified direction, and kept its linear predictor."""
    sound = fit.convergence.converged and not fit.null.size and not fit.infinite.size
    return sound and fit.linear_predictor is not None


class _Equations:
    """The mixed model equations of one fit."""

    def __init__(self, data: DimensionData, fit: Fit) -> None:
        self.fit = fit
        modes = {one.factor: one.mode for one in fit.random_effects}
        sds = {one.factor: one.sd for one in fit.variances}
        self.offsets: dict[str, int] = {}
        scale, mode, size = [], [], 0
        for factor in data.factors:
            if factor.name in modes or not sds.get(factor.name, 0.0):
                self.offsets[factor.name] = size
            scale.append(np.full(factor.levels, sds.get(factor.name, 0.0)))
            mode.append(modes.get(factor.name, np.zeros(factor.levels)))
            size += factor.levels
        self.scale, self.mode = np.concatenate([np.empty(0), *scale]), np.concatenate([np.empty(0), *mode])
        weight = information(fit, fit.linear_predictor if fit.linear_predictor is not None else np.empty(0))
        z = data.structure.z
        scaled = sparse.csr_array((z.data * self.scale[z.indices], z.indices, z.indptr), shape=z.shape)
        each = np.diff(z.indptr)
        weighted = sparse.csr_array((scaled.data * np.repeat(weight, each), z.indices, z.indptr), shape=z.shape)
        matrix = sparse.csc_array(scaled.T @ weighted + sparse.eye_array(size))
        first = np.repeat([factor.name in RATER_SIDE for factor in data.factors], [f.levels for f in data.factors])
        self.inverse = Bordered(matrix, first.astype(bool))
        self.possible = self.inverse.possible
        if self.possible:
            cross = weighted.T @ data.fixed
            self.regression = self.inverse.solve(cross)
            inner = data.fixed.T @ (weight[:, None] * data.fixed) - cross.T @ self.regression
            self.covariance = np.linalg.pinv(inner, hermitian=True)

    def predict(self, unit: _Unit, *, z: float) -> ShrunkenEstimates:
        """Return estimates with intervals for all labels of a unit."""
        t, m = unit.columns.shape
        values = (unit.signs[:, None] * self.scale[unit.columns]).ravel()
        k = sparse.csc_array((values, (unit.columns.ravel(), np.tile(np.arange(m), t))), shape=(self.scale.size, m))
        rest = unit.fixed - k.T @ self.regression
        sd = np.sqrt(self.inverse.quadratic(k) + np.einsum("ij,jk,ik->i", rest, self.covariance, rest))
        estimate = unit.fixed @ self.fit.estimate + unit.signs @ self.mode[unit.columns]
        return ShrunkenEstimates(
            unit=unit.unit,
            contrast=unit.contrast,
            labels=unit.labels,
            estimate=estimate,
            sd=sd,
            low=estimate - z * sd,
            high=estimate + z * sd,
            counts=unit.counts,
        )


def _contrasts(data: DimensionData, equations: _Equations, pair: tuple[str, str], unit: str) -> _Unit | None:
    """Lay out one contrast within each level of a unit that saw both systems."""
    name = f"{unit}:system"
    if name not in equations.offsets or not set(pair) <= set(data.systems):
        return None
    levels = _levels_of(data, name, [unit, "system", "task_family"])
    one, two = (levels[levels["system"] == system] for system in pair)
    both = one.merge(two, on=unit, suffixes=("", "_other"))
    if both.empty:
        return None
    within = unit == "prompt" and len(data.families) > 1
    rows = {family: data.contrast(*pair, task_family=family if within else "") for family in set(both["task_family"])}
    seen = data.frame[unit].value_counts()
    return _Unit(
        unit=unit,
        contrast=f"{pair[0]} vs {pair[1]}",
        labels=tuple(both[unit]),
        fixed=np.array([rows[family] for family in both["task_family"]]),
        columns=np.array([both["code"], both["code_other"]], dtype=np.int64) + equations.offsets[name],
        signs=np.array([1.0, -1.0]),
        counts=np.asarray(seen.reindex(both[unit]), dtype=np.int64),
    )


def _outputs(data: DimensionData, equations: _Equations) -> _Unit | None:
    """Lay out the deviation of each output from the mean of its system."""
    names = [name for name in ("output", "prompt:system") if name in equations.offsets]
    if not names:
        return None
    tables = [_levels_of(data, name, ["output"]).set_index("output")["code"] for name in names]
    labels = tables[0].index
    codes = [
        table.reindex(labels).to_numpy(dtype=np.int64) + equations.offsets[n]
        for table, n in zip(tables, names, strict=True)
    ]
    sides = ("output_a", "output_b") if data.paired else ("output_a",)
    counts = [data.frame[side].value_counts().reindex(labels, fill_value=0).to_numpy(dtype=np.int64) for side in sides]
    return _Unit(
        unit="output",
        contrast="deviation",
        labels=tuple(labels),
        fixed=np.zeros((len(labels), len(data.names))),
        columns=np.array(codes, dtype=np.int64),
        signs=np.ones(len(names)),
        counts=np.sum(counts, axis=0).astype(np.int64),
    )


def _levels_of(data: DimensionData, name: str, variables: list[str]) -> pd.DataFrame:
    """Return one row per level of a factor (or per output) with the named variables and its ``code``, sorted."""
    import pandas as pd

    factor: SignedFactor = next(one for one in data.factors if one.name == name)
    parts = []
    for side, codes in zip("ab", factor.codes, strict=False):
        columns = {v: data.frame[f"{v}_{side}" if v in {"system", "output"} else v] for v in variables}
        parts.append(pd.DataFrame(columns | {"code": codes}))
    keys = variables if "task_family" not in variables else variables[:2]
    return pd.concat(parts).drop_duplicates(keys).sort_values(keys, ignore_index=True)
