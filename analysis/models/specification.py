"""A model as a value: what is fitted to what, so that it can be fitted again to other answers, or with less."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from analysis.models.glmm import fit_logistic
from analysis.models.lmm import fit_linear
from analysis.models.ordinal import fit_cumulative

if TYPE_CHECKING:
    from analysis.models.ordinal import ThresholdKind
    from analysis.numerics.cumulative import LinkName
    from analysis.numerics.structure import SignedFactor, Structure
    from analysis.results import Fit, FloatArray

Family = Literal["gaussian", "binomial", "cumulative"]


@dataclass(frozen=True)
class Specification:
    """Everything one of the three mixed models needs.

    Attributes
    ----------
    family, link, thresholds, quadrature, reml
        Which model; the parts that a family does not have are ignored.
    response
        Shape (n,): numbers, 0 or 1, or categories counted from 0.
    labels
        Names of the categories of a cumulative model.
    fixed, names, factors, weights
        As the models take them.
    trials
        Of counts, (n / 2,): rows come as successes of every count, then failures, with the counts as weights.
    structure
        That of ``factors``, shared by all refits; None to build it in each.
    """

    family: Family
    response: FloatArray
    fixed: FloatArray
    names: tuple[str, ...]
    factors: tuple[SignedFactor, ...] = field(repr=False)
    weights: FloatArray | None = None
    link: LinkName = "logit"
    labels: tuple[str, ...] = ()
    thresholds: ThresholdKind = "flexible"
    quadrature: int = 1
    reml: bool = True
    formula: str = ""
    notes: tuple[str, ...] = ()
    trials: FloatArray | None = None
    structure: Structure | None = field(default=None, repr=False)

    @property
    def rows(self) -> int:
        """Return the number of rows."""
        return int(self.response.size)

    def fit(self, *, start: Fit | None = None, small_sample: bool = True) -> Fit:
        """Fit the model; ``start`` is an earlier fit of it, ``small_sample`` as in the models."""
        common: dict[str, Any] = {
            "names": self.names,
            "weights": self.weights,
            "formula": self.formula,
            "notes": self.notes,
            "structure": self.structure,
            "start": start,
        }
        if self.family == "gaussian":
            small_sample = small_sample and bool(self.names)
            return fit_linear(
                self.response, self.fixed, self.factors, **common, reml=self.reml, small_sample=small_sample
            )
        category = self.response.astype(np.int64)
        common |= {"link": self.link, "quadrature": self.quadrature, "small_sample": small_sample}
        if self.family == "binomial":
            return fit_logistic(category, self.fixed, self.factors, **common)
        return fit_cumulative(
            category,
            self.fixed,
            self.factors,
            **common,
            levels=len(self.labels),
            thresholds=self.thresholds,
            labels=self.labels,
        )

    def with_answers(self, answers: FloatArray) -> Specification:
        """Return the same model of other answers, shape (n,); of counts the successes, shape (n / 2,)."""
        if self.trials is not None:
            return replace(self, weights=np.concatenate([answers, self.trials - answers]))
        if answers.shape != self.response.shape:
            raise ValueError(f"{answers.size} answers do not fit a design of {self.rows} rows")
        return replace(self, response=answers)

    def without_column(self, column: int, *, value: float = 0.0) -> Specification:
        """Return the linear model with one coefficient held at ``value`` (moved to the left-hand side)."""
        if value and self.family != "gaussian":
            raise ValueError("only the linear model can move a fixed coefficient to its left-hand side")
        return replace(
            self,
            response=self.response - value * self.fixed[:, column] if value else self.response,
            fixed=np.delete(self.fixed, column, axis=1),
            names=self.names[:column] + self.names[column + 1 :],
        )
