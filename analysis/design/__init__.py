"""From formulas and tables to arrays: fixed effects, signed memberships, and what had to be left out.

One syntax serves single stimuli and pairs: the formula describes the *utility* of one text; a pair enters as the
difference of its two utilities, plus terms of the side on which a text was shown.
"""

from analysis.design.build import Design, build_design
from analysis.design.fixed import SIDE, FixedEffects
from analysis.design.formula import FormulaError, ModelFormula, RandomTerm, parse_formula

__all__ = [
    "SIDE",
    "Design",
    "FixedEffects",
    "FormulaError",
    "ModelFormula",
    "RandomTerm",
    "build_design",
    "parse_formula",
]
