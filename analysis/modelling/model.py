"""A fitted mixed model with its inference: the object that a notebook holds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from analysis.design import Design
from analysis.inference.bootstrap import Bootstrap, BootstrapTest, Progress, bootstrap, bootstrap_test
from analysis.inference.likelihood import LikelihoodRatio, check_nested, likelihood_ratio
from analysis.inference.marginal import Method, Weights, compare, marginal_means
from analysis.inference.profile import ProfileIntervals, profile_intervals
from analysis.inference.statements import Adjust, Degrees, Statements, on_response_scale, state
from analysis.inference.terms import TermTests, joint_tests
from analysis.modelling.assemble import smallest_group, specify
from analysis.modelling.summary import describe
from analysis.models.specification import Family, Specification

if TYPE_CHECKING:
    import pandas as pd

    from analysis.design.frame import Missing
    from analysis.models.ordinal import ThresholdKind
    from analysis.numerics.cumulative import LinkName
    from analysis.results import Fit, FloatArray

Scale = Literal["link", "response"]


@dataclass(frozen=True)
class MixedModel:
    """A fitted model, its design, and how to fit it again.

    ``df`` in the methods is ``satterthwaite`` or ``kenward-roger`` (linear models), ``asymptotic`` (z, R's default for
    the others), a number, or None for the rule that held the 5% level in simulation: Satterthwaite for linear models,
    else the smallest number of levels among what was sampled (raters, prompts, …), minus one, with standard errors
    corrected for the bias of maximum likelihood where the fit has them. Any other ``df`` keeps R's standard errors.
    """

    fit: Fit
    design: Design
    specification: Specification

    def summary(self, *, df: Degrees | None = None, confidence: float = 0.95) -> str:
        """Return the model as text: fixed effects with tests, thresholds, spreads, convergence, notes."""
        return describe(self.fit, self.coefficients(df=df, confidence=confidence))

    def __str__(self) -> str:
        """Return the summary."""
        return self.summary()

    def coefficients(self, *, df: Degrees | None = None, confidence: float = 0.95) -> Statements:
        """Return the fixed effects with standard errors, intervals and tests."""
        names = self.fit.names
        return state(
            self.fit,
            np.eye(len(names)),
            names,
            degrees=self._degrees(df),
            confidence=confidence,
            adjusted=df is None,
        )

    def emmeans(
        self,
        spec: str | Sequence[str],
        *,
        by: str | Sequence[str] | None = None,
        at: Mapping[str, Sequence[Any]] | None = None,
        weights: Weights = "equal",
        scale: Scale = "link",
        df: Degrees | None = None,
        confidence: float = 0.95,
    ) -> Statements:
        """Return estimated marginal means of the levels of ``spec``: ``"system"`` or ``"system | task_family"``.

        Averages over a grid of all factor levels, covariates at their means (``at`` gives other values). Means of a
        pair are utilities relative to the average of all levels; those of a cumulative model are on its latent scale,
        from the average threshold.
        """
        margins = marginal_means(self.design, spec, by=by, at=at, weights=weights)
        table = state(
            self.fit,
            margins.matrix,
            margins.names(),
            groups=margins.groups,
            by=margins.by,
            degrees=self._degrees(df),
            confidence=confidence,
            thresholds=not self.design.pairs,
            adjusted=df is None,
        )
        if scale == "link":
            return table
        if self.fit.family == "cumulative" or self.design.pairs:
            raise ValueError(
                "means on the response scale exist for single stimuli of gaussian and binomial models only"
            )
        return on_response_scale(table, differences=False)

    def contrasts(
        self,
        spec: str | Sequence[str],
        method: Method = "pairwise",
        *,
        by: str | Sequence[str] | None = None,
        reference: str | None = None,
        adjust: Adjust = "holm",
        across: bool = False,
        at: Mapping[str, Sequence[Any]] | None = None,
        weights: Weights = "equal",
        scale: Scale = "link",
        df: Degrees | None = None,
        confidence: float = 0.95,
    ) -> Statements:
        """Return contrasts between marginal means.

        Parameters
        ----------
        method
            ``pairwise``, ``control`` (each against ``reference``), ``effects``, a list of (first, second) levels, or a
            mapping of names to weights.
        adjust
            ``none``, ``holm``, ``bh``, ``bonferroni``, ``single-step`` (multivariate t), ``tukey`` (pairwise only).
        across
            Correct over all groups of ``by`` together; by default each group is a family, as in emmeans.
        """
        if adjust == "tukey" and method != "pairwise":
            raise ValueError("adjust='tukey' is for all pairs: use 'single-step'")
        if adjust == "tukey" and across:
            raise ValueError("adjust='tukey' corrects within groups: use 'single-step' across them")
        margins = marginal_means(self.design, spec, by=by, at=at, weights=weights)
        chosen = compare(margins, method, reference=reference)
        table = state(
            self.fit,
            chosen.matrix,
            chosen.names,
            groups=chosen.groups,
            by=margins.by,
            degrees=self._degrees(df),
            adjust=adjust,
            confidence=confidence,
            across=across,
            means=chosen.means,
            adjusted=df is None,
        )
        return table if scale == "link" else on_response_scale(table, differences=True)

    def anova(self, *, df: Degrees | None = None) -> TermTests:
        """Return an F test of each term of the fixed effects: type III, as emmeans' ``joint_tests``."""
        return joint_tests(self.fit, self.design, degrees=self._degrees(df), adjusted=df is None)

    def likelihood_ratio(self, other: MixedModel) -> LikelihoodRatio:
        """Compare with a model that has more or less; see :func:`analysis.inference.likelihood.likelihood_ratio`."""
        small, large = sorted((self, other), key=lambda model: model.fit.parameters)
        check_nested(small.specification, large.specification)
        return likelihood_ratio(small.fit, large.fit)

    def profile(self, parameters: Sequence[str] | None = None, *, confidence: float = 0.95) -> ProfileIntervals:
        """Return profile-likelihood intervals of fixed effects and standard deviations; all by default."""
        return profile_intervals(self.specification, self.fit, parameters, confidence=confidence)

    def bootstrap(
        self,
        replicates: int = 999,
        *,
        seed: int = 0,
        workers: int | None = None,
        progress: Progress = False,
        contrasts: Statements | None = None,
    ) -> Bootstrap:
        """Simulate from the model and fit again; see :func:`analysis.inference.bootstrap.bootstrap`.

        ``contrasts`` (what :meth:`contrasts` returned) are drawn instead of the parameters.
        """
        return bootstrap(
            self.specification,
            self.fit,
            replicates=replicates,
            seed=seed,
            workers=workers,
            progress=progress,
            functions=None if contrasts is None else (contrasts.labels(), contrasts.matrix),
        )

    def bootstrap_test(
        self,
        other: MixedModel,
        replicates: int = 999,
        *,
        seed: int = 0,
        workers: int | None = None,
        progress: Progress = False,
    ) -> BootstrapTest:
        """Test the smaller of two nested models by likelihood ratios simulated under it (pbkrtest's ``PBmodcomp``)."""
        small, large = sorted((self, other), key=lambda model: model.fit.parameters)
        check_nested(small.specification, large.specification)
        return bootstrap_test(
            (small.specification, small.fit),
            (large.specification, large.fit),
            replicates=replicates,
            seed=seed,
            workers=workers,
            progress=progress,
        )

    def random_effects(self) -> pd.DataFrame:
        """Return the predicted random effects with conditional standard deviations, one row per level and term."""
        import pandas as pd

        parts = [
            pd.DataFrame(
                {"factor": each.factor, "term": each.term, "level": each.labels, "mode": each.mode, "sd": each.sd}
            )
            for each in self.fit.random_effects
        ]
        return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()

    def refit(self, *, reml: bool) -> MixedModel:
        """Return the linear model fitted by REML or, for likelihood ratios of fixed effects, by maximum likelihood."""
        if self.fit.family != "gaussian":
            raise ValueError("only a linear model has REML and ML")
        specification = replace(self.specification, reml=reml)
        return replace(self, specification=specification, fit=specification.fit(start=self.fit))

    def _degrees(self, df: Degrees | None) -> Degrees:
        if df is not None:
            return df
        if self.fit.family == "gaussian" and self.fit.small_sample is not None:
            return "satterthwaite"
        return smallest_group(self.design)


def fit(
    formula: str,
    data: pd.DataFrame,
    *,
    family: Family | None = None,
    side: str = "1",
    dimension: str | None = None,
    reml: bool = True,
    link: LinkName = "logit",
    thresholds: ThresholdKind | None = None,
    quadrature: int = 1,
    weights: str | FloatArray | None = None,
    missing: Missing = "drop",
) -> MixedModel:
    """Fit a mixed model to a table.

    Parameters
    ----------
    formula
        As in lme4: ``"angle ~ recipe * temperature + (1 | recipe:replicate)"``. For pairs it describes the utility of
        one text, ``"answer ~ system * task_family + (1 | output) + (1 | rater:system)"``: columns ``system_a`` and
        ``system_b`` are recognised and subtracted.
    data
        Any table, or the long table of judgements, of which main trials without exclusions are taken.
    family
        ``gaussian``, ``binomial`` or ``cumulative``; by default what the measure of a long table asks for, else
        gaussian.
    side
        Of pairs: what shifts the preference for the left text.
    dimension
        Which dimension of a long table.
    thresholds
        Of cumulative models: ``flexible``, ``equidistant`` or ``symmetric``; by default symmetric for pairs.
    weights
        A column or one number per row of ``data``: inverse relative variances (gaussian) or counts.

    Raises
    ------
    FormulaError
        If formula and table do not fit each other. A model that the data cannot hold says so in ``.fit.convergence``.
    """
    design, specification = specify(
        formula,
        data,
        family=family,
        side=side,
        dimension=dimension,
        reml=reml,
        link=link,
        thresholds=thresholds,
        quadrature=quadrature,
        weights=weights,
        missing=missing,
    )
    return MixedModel(specification.fit(), design, specification)
