"""What a fit and an analysis return: frozen records, no bare floats. Tables, figures and reports read only these."""

from __future__ import annotations

from analysis.results.fits import (
    INTERCEPT,
    Convergence,
    Correlation,
    Fit,
    FloatArray,
    RandomEffects,
    SmallSample,
    VarianceComponent,
)
from analysis.results.rows import (
    AgreementRow,
    IntArray,
    Scale,
    ShrunkenEstimates,
    SignificanceRow,
    SystemEstimate,
    VarianceShare,
    WinMatrix,
)
from analysis.results.study import DataSummary, DimensionResult, StudyResult

__all__ = [
    "INTERCEPT",
    "AgreementRow",
    "Convergence",
    "Correlation",
    "DataSummary",
    "DimensionResult",
    "Fit",
    "FloatArray",
    "IntArray",
    "RandomEffects",
    "Scale",
    "ShrunkenEstimates",
    "SignificanceRow",
    "SmallSample",
    "StudyResult",
    "SystemEstimate",
    "VarianceComponent",
    "VarianceShare",
    "WinMatrix",
]
