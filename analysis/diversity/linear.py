"""The linear mixed model over prompts: one number per prompt and system, prompts as random intercepts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
NAN: Final = float("nan")


@dataclass(frozen=True, slots=True)
class MixedContrast:
    """First minus second by REML with Satterthwaite's degrees of freedom; NaN where ``message`` says why."""

    estimate: float = NAN
    se: float = NAN
    df: float = NAN
    low: float = NAN
    high: float = NAN
    p: float = NAN
    message: str = ""


def mixed_contrasts(
    table: FloatArray,
    systems: Sequence[str],
    pairs: Sequence[tuple[str, str]],
    *,
    covariate: FloatArray | None = None,
    confidence: float = 0.95,
) -> list[MixedContrast]:
    """Return each contrast of ``value ~ system (+ length) + (1 | prompt)``, p uncorrected.

    Parameters
    ----------
    table
        Shape (P, S), NaN where there is no value.
    covariate
        Mean words, shape (P, S): its centred logarithm enters, so that systems are compared at equal length.
    """
    import pandas as pd

    from analysis.design import FormulaError
    from analysis.modelling import fit

    prompt, system = np.nonzero(np.isfinite(table))
    value = table[prompt, system]
    why = _impossible(value, prompt, system, len(systems))
    if why:
        return [MixedContrast(message=why)] * len(pairs)
    # Levels by number, so that names may hold any sign.
    frame = pd.DataFrame({"value": value, "system": [f"s{at}" for at in system], "prompt": [f"p{at}" for at in prompt]})
    formula = "value ~ system + (1 | prompt)"
    if covariate is not None:
        length = np.log(np.maximum(covariate[prompt, system], 1.0))
        if length.std() < 1e-9:  # noqa: PLR2004
            return [MixedContrast(message="all texts have the same length")] * len(pairs)
        frame["length"] = (length - length.mean()) / length.std()
        formula = "value ~ system + length + (1 | prompt)"
    place = {name: f"s{at}" for at, name in enumerate(systems)}
    try:
        model = fit(formula, frame)
        if not model.fit.convergence.converged:
            return [MixedContrast(message="the model did not converge")] * len(pairs)
        asked = [(place[first], place[second]) for first, second in pairs]
        found = model.contrasts("system", asked, adjust="none", confidence=confidence)
    except (FormulaError, ValueError, np.linalg.LinAlgError) as error:
        return [MixedContrast(message=f"no model: {error}")] * len(pairs)
    columns = (found.estimate, found.se, found.df, found.low, found.high, found.p)
    return [
        MixedContrast(*numbers, message=message)  # type: ignore[misc]
        for *numbers, message in zip(*(column.tolist() for column in columns), found.messages, strict=True)
    ]


def _impossible(value: FloatArray, prompt: npt.NDArray[np.int64], system: npt.NDArray[np.int64], systems: int) -> str:
    if np.unique(system).size < systems:
        return "a system has no number for any prompt"
    if np.unique(prompt).size < 2:  # noqa: PLR2004
        return "one prompt: prompts cannot be random"
    if value.std() <= 1e-12 * max(1.0, abs(float(value.mean()))):
        return "all numbers are the same"
    return ""
