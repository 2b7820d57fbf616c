"""The reference grid of a study: every system in every task family, covariates at their mean."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING, Final

import numpy as np

from analysis.design.formula import variables_of
from analysis.prepare.options import OptionError, Options

if TYPE_CHECKING:
    import pandas as pd

    from analysis.design import Design
    from analysis.numerics.structure import FloatArray

LARGEST: Final = 20_000


def cells_of(design: Design, options: Options) -> tuple[tuple[str, ...], FloatArray]:
    """Return the task families and the rows (systems, families, p) of the linear predictor.

    Other categorical variables of the formula are averaged over with equal weights, as emmeans does; numeric ones are
    held at their mean.
    """
    import pandas as pd

    values = design.variables.stacked()
    names = [name for name in variables_of(options.utility) if name not in {"system", "task_family"}]
    if "system" not in variables_of(options.utility):
        raise OptionError(f"fixed = {options.fixed!r} has no term of system: there would be nothing to compare")
    by_family = "task_family" in variables_of(options.utility)
    if options.within and not by_family:
        raise OptionError(f"within = {options.within!r} needs the interaction in fixed: system * task_family + …")
    levels: dict[str, list[object]] = {"system": _levels(values["system"])}
    levels["task_family"] = _levels(values["task_family"]) if by_family else [""]
    for name in names:
        levels[name] = _levels(values[name]) if values[name].dtype == "category" else [float(values[name].mean())]
    if np.prod([float(len(found)) for found in levels.values()]) > LARGEST:
        raise OptionError(f"fixed = {options.fixed!r} has too many combinations of levels to average over")
    grid = pd.DataFrame(list(product(*levels.values())), columns=list(levels))
    for name in levels:
        if name in values.columns and values[name].dtype == "category":
            grid[name] = pd.Categorical(grid[name], categories=values[name].cat.categories)
    shape = (len(levels["system"]), len(levels["task_family"]), -1, len(design.names))
    rows = np.asarray(design.effects.rows(grid)).reshape(shape).mean(axis=2)
    return tuple(str(family) for family in levels["task_family"]), rows


def _levels(values: pd.Series) -> list[object]:
    return list(values.cat.categories)
