"""All diagnostics of one dimension, with what stands out said in words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from analysis.diagnostics.influence import drop_each_prompt, equations
from analysis.diagnostics.residuals import check_effects, check_residuals
from analysis.prepare import OptionError, prepare
from analysis.results.checks import DimensionCheck, InfluenceRow, ResidualCheck
from analysis.study import fit_dimension

if TYPE_CHECKING:
    from collections.abc import Sequence

    from analysis.prepare import Options
    from analysis.results import DimensionResult, FloatArray, SignificanceRow

FEW = 3
OUTLIER = 4.0
TOO_MANY = 0.01


def check_dimension(
    result: DimensionResult, rows: Sequence[SignificanceRow], *, options: Options, seed: int
) -> DimensionCheck:
    """Return residuals, predicted effects and the influence of each prompt.

    Parameters
    ----------
    result
        A dimension with the data of its model.
    rows
        The contrasts of this dimension.
    options
        Those of the analysis: the model is fitted once more without the most influential prompt.
    seed
        Of the randomised residuals.
    """
    data, fit, notes = result.data, result.fit, []
    if data is None or not fit.convergence.converged:
        return DimensionCheck(result.dimension, None, (), (), ("nothing to check: no model was fitted",))
    answer = answer_of(data)
    residuals: ResidualCheck | None = None
    influence: tuple[InfluenceRow, ...] = ()
    try:
        residuals = check_residuals(fit, answer, seed=seed)
        influence = _influence(result, rows, answer=answer, options=options)
    except ValueError as error:
        notes.append(str(error))
    effects = check_effects(fit)
    if residuals is not None and residuals.beyond_3 > TOO_MANY:
        notes.append(f"{100 * residuals.beyond_3:.1f}% of the residuals are beyond 3 (0.3% are expected)")
    for effect in effects:
        far = float(np.abs(effect.observed).max())
        if far > OUTLIER:
            notes.append(f"{effect.farthest} is {far:.1f} standard deviations out among the effects of {effect.factor}")
    return DimensionCheck(result.dimension, residuals, effects, influence, (*notes, *_turned(influence, rows)))


def answer_of(data: Any) -> FloatArray:
    """Return the response of a linear model, else the categories."""
    response = getattr(data, "response", None)
    return np.asarray(data.category if response is None else response)


def _influence(
    result: DimensionResult, rows: Sequence[SignificanceRow], *, answer: FloatArray, options: Options
) -> tuple[InfluenceRow, ...]:
    data, fit = result.data, result.fit
    names, codes = np.unique(data.frame["prompt"].to_numpy().astype(str), return_inverse=True)
    known = [row for row in rows if row.converged and not row.task_family]
    if names.size < FEW or not known:
        return ()
    changes = drop_each_prompt(equations(fit, data.fixed, data.factors, answer), codes)
    weights = np.array([data.contrast(row.first, row.second) for row in known])
    shifts = changes @ weights.T
    found = [
        _row(row, str(prompt), float(shift), exact=False)
        for prompt, shift_of in zip(names, shifts, strict=True)
        for row, shift in zip(known, shift_of, strict=True)
    ]
    se = np.array([row.se for row in known])
    worst = int(np.argmax(np.abs(shifts / se).max(axis=1)))
    exact = _exactly(data, str(names[worst]), rows=known, options=options)
    return tuple(exact.get((item.prompt, item.first, item.second), item) for item in found)


def _row(row: SignificanceRow, prompt: str, shift: float, *, exact: bool) -> InfluenceRow:
    return InfluenceRow(
        row.dimension, row.first, row.second, prompt, row.estimate + shift, shift, shift / row.se, exact=exact
    )


def _exactly(
    data: Any, prompt: str, *, rows: Sequence[SignificanceRow], options: Options
) -> dict[tuple[str, str, str], InfluenceRow]:
    """Fit the whole model again without one prompt; what cannot be estimated then is left at one step."""
    rest = data.frame[data.frame["prompt"] != prompt]
    try:
        smaller = prepare(rest, data.dimension, options)
    except OptionError:
        return {}
    fit = fit_dimension(smaller)
    if not fit.convergence.converged or fit.null.size or fit.infinite.size:
        return {}
    found = {}
    for row in rows:
        if {row.first, row.second} <= set(smaller.systems):
            estimate = float(smaller.contrast(row.first, row.second) @ fit.estimate)
            found[prompt, row.first, row.second] = _row(row, prompt, estimate - row.estimate, exact=True)
    return found


def _turned(influence: Sequence[InfluenceRow], rows: Sequence[SignificanceRow]) -> list[str]:
    """Say which contrasts change their sign when one prompt goes."""
    estimates = {(row.first, row.second): row.estimate for row in rows if not row.task_family}
    turned: dict[tuple[str, str], list[str]] = {}
    for item in influence:
        if item.estimate * estimates[item.first, item.second] < 0.0:
            turned.setdefault((item.first, item.second), []).append(item.prompt)
    return [
        f"{first} vs {second} changes its sign without {', '.join(prompts)}"
        for (first, second), prompts in turned.items()
    ]
