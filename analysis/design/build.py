"""The one door: a formula and a table in, the arrays of a mixed model out."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from analysis.design.fixed import FixedEffects, fixed_effects
from analysis.design.formula import FormulaError, ModelFormula, parse_formula, variables_of
from analysis.design.frame import Missing, Variables, look_up
from analysis.design.random import random_factor
from analysis.numerics.structure import Structure, build_structure

if TYPE_CHECKING:
    import pandas as pd

    from analysis.numerics.structure import FloatArray, IntArray, SignedFactor


@dataclass(frozen=True)
class Design:
    """The arrays of a mixed model; rows are those of the table at the positions ``rows``.

    Attributes
    ----------
    formula
        Parsed; ``str(formula)`` is one line in lme4's notation.
    side
        The side terms of a pair.
    variables
        The typed variables, for a reference grid; ``variables.frames[0]`` holds those of the response too.
    effects
        Fixed effects; ``effects.rows(grid)`` gives rows of the linear predictor at other values.
    factors
        Random effects, in the order of the formula.
    """

    formula: ModelFormula
    side: str
    variables: Variables
    effects: FixedEffects
    factors: tuple[SignedFactor, ...] = field(repr=False)

    @property
    def pairs(self) -> bool:
        """Return whether a row is a comparison of two texts."""
        return self.variables.pairs

    @property
    def fixed(self) -> FloatArray:
        """Return X, shape (n, p)."""
        return self.effects.matrix

    @property
    def names(self) -> tuple[str, ...]:
        """Return the names of the p columns of X."""
        return self.effects.names

    @property
    def rows(self) -> IntArray:
        """Return the positions in the table of the rows used, shape (n,)."""
        return self.variables.rows

    @property
    def notes(self) -> tuple[str, ...]:
        """Return in words what was left out."""
        return self.variables.notes + self.effects.notes

    @property
    def text(self) -> str:
        """Return the formula in one line; that of a pair names its side terms."""
        plain = str(self.formula)
        if not self.pairs:
            return plain
        return f"{plain}, utility of a − b, side ~ {self.side}"

    @cached_property
    def structure(self) -> Structure:
        """Return the sparse structure of the random effects, made when first asked for."""
        return build_structure(self.factors, len(self.rows))


def build_design(
    formula: str | ModelFormula,
    table: pd.DataFrame,
    *,
    side: str = "1",
    missing: Missing = "drop",
    constant: bool = True,
) -> Design:
    """Build the arrays of a mixed model from a formula and a table.

    Parameters
    ----------
    formula
        ``answer ~ system * task_family + length + (1 | output) + (1 | rater:system)``; the response may be missing.
        Of pairs it describes the utility of one text: where the table has ``system_a`` and ``system_b`` (and no
        ``system``), a row enters as utility(a) − utility(b).
    side
        Of pairs only: what shifts the preference for the left text, ``1`` (a constant), ``0`` (nothing) or
        ``1 + position``.
    missing
        Whether rows that lack a variable are dropped (and counted in ``notes``) or refused.
    constant
        False takes the intercept out: the thresholds of a cumulative model hold it.

    Raises
    ------
    FormulaError
        A formula that cannot be read, an unknown column, a factor of one level, missing or infinite values.
    """
    parsed = formula if isinstance(formula, ModelFormula) else parse_formula(formula)
    wanted = dict.fromkeys((*parsed.variables(), *variables_of(side)))
    if not len(table):
        raise FormulaError("the table has no rows")
    variables = look_up(table, wanted, missing=missing)
    return Design(
        formula=parsed,
        side=side,
        variables=variables,
        effects=fixed_effects(parsed.fixed, variables, side=side, constant=constant),
        factors=tuple(random_factor(term, variables) for term in parsed.random),
    )
