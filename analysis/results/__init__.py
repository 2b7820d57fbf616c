"""What a fit and an analysis return: frozen records, no bare floats. Tables, figures and reports read only these."""

from __future__ import annotations

from analysis.results.checks import (
    Account,
    DimensionCheck,
    EffectCheck,
    FlowStep,
    InfluenceRow,
    Load,
    PairCount,
    ResidualCheck,
    SensitivityRow,
    SystemCount,
)
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
    "Account",
    "AgreementRow",
    "Convergence",
    "Correlation",
    "DataSummary",
    "DimensionCheck",
    "DimensionResult",
    "EffectCheck",
    "Fit",
    "FloatArray",
    "FlowStep",
    "InfluenceRow",
    "IntArray",
    "Load",
    "PairCount",
    "RandomEffects",
    "ResidualCheck",
    "Scale",
    "SensitivityRow",
    "ShrunkenEstimates",
    "SignificanceRow",
    "SmallSample",
    "StudyResult",
    "SystemCount",
    "SystemEstimate",
    "VarianceComponent",
    "VarianceShare",
    "WinMatrix",
]
