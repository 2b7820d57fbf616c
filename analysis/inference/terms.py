"""Joint tests of the terms of a model: type III in the sense of emmeans' ``joint_tests`` (equal weights, F)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import stats

from analysis.design.formula import variables_of
from analysis.inference.degrees import FTest, f_test
from analysis.inference.marginal import coded_as_factors, marginal_means
from analysis.inference.statements import Degrees, obstacle
from analysis.results import INTERCEPT

if TYPE_CHECKING:
    import pandas as pd

    from analysis.design import Design
    from analysis.results import Fit, FloatArray

RANK = 1e-8


@dataclass(frozen=True)
class TermTests:
    """One F test per term; ``df`` is that of the denominator (infinite: χ² / numerator). Shape (k,) each."""

    terms: tuple[str, ...]
    statistic: FloatArray
    df_numerator: FloatArray
    df: FloatArray
    p: FloatArray
    messages: tuple[str, ...]
    degrees: str

    def frame(self) -> pd.DataFrame:
        """Return the table as a data frame."""
        import pandas as pd

        columns = {"term": self.terms, "F": self.statistic, "df1": self.df_numerator, "df2": self.df, "p": self.p}
        return pd.DataFrame({**columns, "message": self.messages})

    def __str__(self) -> str:
        """Return the table as text."""
        text = self.frame().to_string(index=False, float_format=lambda value: f"{value:.4g}", na_rep="-")
        return f"{text}\ndegrees of freedom: {self.degrees}"


def term_rows(design: Design) -> dict[str, FloatArray]:
    """Return for each term of the fixed effects (but intercept and side) rows L (r, p) whose joint test is the term's.

    They are the interaction contrasts of the marginal means over the term's factors; a covariate enters by differences
    between points, as many as it has columns. Other factors are averaged equally, other covariates are at their means.
    """
    terms = [t for t, mine in zip(design.effects.terms, design.effects.utility, strict=True) if mine and t != INTERCEPT]
    return {term: _rows(design, term, terms.count(term)) for term in dict.fromkeys(terms)}


def joint_tests(fit: Fit, design: Design, *, degrees: Degrees, adjusted: bool = False) -> TermTests:
    """Test every term; ``degrees`` and ``adjusted`` as in :func:`analysis.inference.statements.state`."""
    rows = term_rows(design)
    covariance = fit.covariance_for_tests if adjusted else fit.covariance
    found: list[FTest | str] = [_test(fit, matrix, degrees, covariance=covariance) for matrix in rows.values()]
    nan = float("nan")
    tests = [FTest(nan, 0, nan, nan) if isinstance(each, str) else each for each in found]
    return TermTests(
        terms=tuple(rows),
        statistic=np.array([each.statistic for each in tests]),
        df_numerator=np.array([float(each.df_numerator) for each in tests]),
        df=np.array([each.df_denominator for each in tests]),
        p=np.array([each.p for each in tests]),
        messages=tuple(each if isinstance(each, str) else "" for each in found),
        degrees=degrees if isinstance(degrees, str) else f"{degrees:g}",
    )


def _rows(design: Design, term: str, columns: int) -> FloatArray:
    frame, coded = design.variables.stacked(), coded_as_factors(design)
    names = variables_of(term)
    numbers = [name for name in names if frame[name].dtype != "category" and name not in coded]
    others = [frame[name].nunique() - 1 for name in names if name not in numbers]
    needed = max(1, columns // max(int(np.prod(others)), 1))
    points = {
        name: [float(v) for v in np.linspace(frame[name].min(), frame[name].max(), needed + 1)] for name in numbers
    }
    margins = marginal_means(design, names, at=points)
    sizes = [len(dict.fromkeys(label[k] for label in margins.labels)) for k in range(len(names))]
    contrasts = np.ones((1, 1))
    for size in sizes:  # the first variable changes fastest
        contrasts = np.asarray(np.kron(np.column_stack([-np.ones(size - 1), np.eye(size - 1)]), contrasts))
    return np.asarray(contrasts @ margins.matrix)


def _test(fit: Fit, rows: FloatArray, degrees: Degrees, *, covariance: FloatArray) -> FTest | str:
    reasons = [obstacle(fit, row, 1.0) for row in rows]
    if any(reasons):
        return next(reason for reason in reasons if reason)
    if degrees in ("satterthwaite", "kenward-roger"):
        return f_test(fit, rows, degrees)
    df = np.inf if degrees == "asymptotic" else float(degrees)
    value, vector = np.linalg.eigh(rows @ covariance @ rows.T)
    kept = value > RANK * value.max()
    size = int(kept.sum())
    statistic = float((np.square(vector[:, kept].T @ (rows @ fit.estimate)) / value[kept]).sum()) / size
    p = stats.chi2.sf(statistic * size, size) if np.isinf(df) else stats.f.sf(statistic, size, df)
    return FTest(statistic, size, df, float(p))
