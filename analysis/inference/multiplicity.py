"""Correction of p values for many comparisons."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from analysis.results import FloatArray


def holm(p: FloatArray) -> FloatArray:
    """Return Holm's step-down corrected p values (Holm 1979).

    A missing value (a contrast that was declared but could not be tested) counts as 1 and stays missing, so
    that the family keeps its declared size.
    """
    values = np.where(np.isnan(p), 1.0, p)
    order = np.argsort(values, kind="stable")
    factor = np.arange(values.size, 0, -1)
    corrected = np.minimum(1.0, np.maximum.accumulate(values[order] * factor))
    result = np.empty_like(values)
    result[order] = corrected
    return np.where(np.isnan(p), np.nan, result)
