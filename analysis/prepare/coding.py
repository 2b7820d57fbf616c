"""From selected rows to the arrays of one dimension's model: answers, fixed effects, memberships, contrasts."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Final, Literal

import numpy as np

from analysis.design import SIDE, FormulaError, ModelFormula, RandomTerm, build_design
from analysis.prepare.answers import Answers, code_answers, standardise
from analysis.prepare.grid import cells_of
from analysis.prepare.options import NothingToModelError, OptionError, Options
from analysis.prepare.selection import systems_of
from analysis.results import Scale

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

    from analysis.design import Design
    from analysis.numerics.structure import FloatArray, IntArray, SignedFactor, Structure

FEW: Final = 6
ONE_RATER: Final = (
    "one rater judged: estimates, intervals and p values say how this person would judge further prompts; about other "
    "people, and whether raters agree, nothing can be said"
)
ONE_OF_EACH: Final = (
    "one rater judged one prompt: this is that person's order of these texts; intervals and p values, which need "
    "several prompts or raters, do not exist"
)
ONE_SAMPLE: Final = (
    "one sample per prompt and system: output and prompt:system are one random effect (kept: prompt:system)"
)
UNIT_OF: Final = {
    "rater:system": "rater",
    "rater": "rater",
    "prompt:system": "prompt",
    "prompt": "prompt",
    "booklet": "booklet",
}
Family = Literal["gaussian", "binomial", "cumulative", "plackett_luce"]


@dataclass(frozen=True)
class DimensionData:
    """Everything a model of one dimension needs; n rows, p fixed effects.

    Attributes
    ----------
    frame
        The rows of the long table behind the arrays, in their order.
    category, labels
        Choices and ordered answers: level numbers (n,) from 0 = "b most" (or the lowest level) upward, and the names
        of the levels on the answer scale. Empty otherwise.
    response
        The answers (n,) of an interval measure (standardised if asked for), or the ranks of a ranking; else None.
    fixed, names
        Shape (n, p): of pairs the side terms and M(a) − M(b), of single stimuli M.
    factors
        Random effects, signed + and − in pairs where the two sides differ.
    best_worst
        Whether a ranking tells the best and the worst only (ranks 1, −1 and NaN).
    cells
        Rows of the linear predictor, (systems, families, p), of each system in each task family, covariates at their
        mean; the only family is "" if the formula does not speak of families.
    """

    dimension: str
    measure: str
    question: str
    family: Family
    link: Literal["identity", "logit", "probit"]
    scale: Scale
    paired: bool
    frame: pd.DataFrame
    systems: tuple[str, ...]
    families: tuple[str, ...]
    category: IntArray
    labels: tuple[str, ...]
    response: FloatArray | None
    thresholds: Literal["symmetric", "flexible", "equidistant"]
    design: Design
    fixed: FloatArray
    names: tuple[str, ...]
    factors: tuple[SignedFactor, ...]
    cells: FloatArray
    formula: str
    notes: tuple[str, ...]
    best_worst: bool = False
    small_sample: bool = True

    @property
    def structure(self) -> Structure:
        """Return the sparse structure of the random effects, made once per design."""
        return self.design.structure

    def sharing(self, others: Sequence[DimensionData]) -> DimensionData:
        """Return the same data on the design of another dimension if the designs are alike, so it is laid out once."""
        for other in others:
            if self.names == other.names and _alike(self, other):
                return replace(self, design=other.design, fixed=other.fixed, factors=other.factors)
        return self

    @cached_property
    def raters(self) -> int:
        """Return the number of raters."""
        return int(self.frame["rater"].nunique())

    @cached_property
    def prompts(self) -> int:
        """Return the number of prompts."""
        return int(self.frame["prompt"].nunique())

    @cached_property
    def judgements(self) -> int:
        """Return the number of judgements; a ranking is one, whatever it ranks."""
        return int(self.frame["judgement"].nunique())

    @cached_property
    def outputs(self) -> int:
        """Return the number of outputs seen."""
        sides = ("output_a", "output_b") if self.paired else ("output_a",)
        return len(set().union(*(set(self.frame[side].unique()) for side in sides)))

    def contrast(self, first: str, second: str, task_family: str = "") -> FloatArray:
        """Return the weights (p,) of "first minus second", within one task family or over all with equal weights.

        A system that is not there has weight zero.
        """
        where = slice(None) if not task_family else [self.families.index(task_family)]
        weights = np.zeros(len(self.names))
        for sign, system in ((1.0, first), (-1.0, second)):
            if system in self.systems:
                weights += sign * self.cells[self.systems.index(system)][where].mean(axis=0)
        return weights

    def side_offset(self, estimate: FloatArray) -> float:
        """Return the mean preference for the left text, on the scale of the linear predictor."""
        columns = [index for index, name in enumerate(self.names) if name == SIDE or name.startswith("side:")]
        return float(self.fixed[:, columns].mean(axis=0) @ estimate[columns])


def _alike(one: DimensionData, two: DimensionData) -> bool:
    pairs = list(zip(one.factors, two.factors, strict=False))
    return (
        len(one.factors) == len(two.factors)
        and one.fixed.shape == two.fixed.shape
        and np.array_equal(one.fixed, two.fixed)
        and all(a.name == b.name and a.labels == b.labels for a, b in pairs)
        and all(np.array_equal(x, y) for a, b in pairs for x, y in zip(a.codes, b.codes, strict=True))
    )


def prepare(rows: pd.DataFrame, dimension: str, options: Options) -> DimensionData:
    """Build the model of one dimension from selected rows; the order of the rows never matters.

    Raises
    ------
    NothingToModelError
        The dimension has no comparison of two systems, or nothing but ties that are to be dropped.
    OptionError
        An option (a formula, a family) does not fit the rows.
    """
    frame = rows[(rows["dimension"] == dimension) & (rows["system_a"] != rows["system_b"])].reset_index(drop=True)
    if frame.empty:
        raise NothingToModelError(f"dimension {dimension!r} has no comparison of two different systems")
    if len(systems_of(frame)) == 1:
        raise NothingToModelError(f"dimension {dimension!r} has answers about {systems_of(frame)[0]!r} only")
    frame = frame.sort_values(["judgement", "output_a"], kind="stable").reset_index(drop=True)
    frame, answers = code_answers(frame, options)
    paired = bool((frame["system_b"] != "").any())
    chosen, notes = _random_names(frame, options, paired=paired)
    design = _design(frame, options, answers, random=chosen)
    if design.rows.size < len(frame):
        frame = frame.iloc[design.rows].reset_index(drop=True)
        answers = answers.take(design.rows)
    if answers.scale == "rater SD":
        answers = replace(answers, response=standardise(frame))
    families, cells = cells_of(design, options)
    kept = _identified(design, frame) if answers.family == "plackett_luce" else np.arange(len(design.names))
    return DimensionData(
        dimension=dimension,
        measure=str(frame["measure"].iloc[0]),
        question=str(frame["question_type"].iloc[0]),
        family=answers.family,
        link="identity" if answers.family == "gaussian" else options.link,
        scale=answers.scale,
        paired=paired,
        frame=frame,
        systems=systems_of(frame),
        families=families,
        category=answers.category,
        labels=answers.labels,
        response=answers.response,
        thresholds=answers.thresholds,
        design=design,
        fixed=design.fixed[:, kept],
        names=tuple(design.names[column] for column in kept),
        factors=design.factors,
        cells=cells[:, :, kept],
        formula=_formula(options, answers, chosen, paired=paired),
        notes=(*answers.notes, *notes, *design.notes, *_few(frame)),
        best_worst=answers.best_worst,
        small_sample=options.standard_errors == "adjusted",
    )


def _design(frame: pd.DataFrame, options: Options, answers: Answers, *, random: tuple[str, ...]) -> Design:
    formula = ModelFormula((), options.utility, tuple(RandomTerm("1", tuple(name.split(":"))) for name in random))
    constant = answers.thresholds == "symmetric" or answers.family in ("gaussian", "binomial")
    shown = frame if (frame["system_b"] != "").any() else frame.drop(columns=["system_b", "output_b", "length_b"])
    try:
        return build_design(formula, shown, side=options.side, constant=constant and answers.family != "plackett_luce")
    except FormulaError as error:
        raise OptionError(f"dimension {frame['dimension'].iloc[0]!r}: {error}") from error


def _identified(design: Design, frame: pd.DataFrame) -> IntArray:
    """Return the columns that differ within some ranking; what is the same for all of it cancels from every choice."""
    block = np.unique(frame["judgement"].to_numpy().astype(str), return_inverse=True)[1]
    first = np.unique(block, return_index=True)[1]
    varies = np.abs(design.fixed - design.fixed[first][block]).max(axis=0, initial=0.0) > 0.0
    return np.flatnonzero(varies)


def _random_names(frame: pd.DataFrame, options: Options, *, paired: bool) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the random effects that the design can hold and what was left out and why."""
    comparative = paired or frame["measure"].iloc[0] == "ranking"
    names, notes = list(options.random if comparative else options.random_single), []
    if "output" in names and "prompt:system" in names and _one_sample(frame, paired=paired):
        names.remove("output")
        notes.append(ONE_SAMPLE)
    one = {unit for unit in ("rater", "prompt", "booklet") if frame[unit].nunique() < 2}  # noqa: PLR2004
    if "rater" in one:
        notes.append(ONE_OF_EACH if "prompt" in one else ONE_RATER)
    for name in tuple(names):
        unit = UNIT_OF.get(name, "")
        if unit in one:
            names.remove(name)
            if "rater" not in one:  # else it has been said, and in plainer words
                notes.append(
                    f"random effect {name} left out: there is one {unit}, so the result holds for this {unit} only"
                )
    return tuple(names), tuple(notes)


def _one_sample(frame: pd.DataFrame, *, paired: bool) -> bool:
    """Return whether no prompt and system has two outputs."""
    import pandas as pd

    names = ["prompt", "system", "output"]
    sides = [
        frame[["prompt", f"system_{side}", f"output_{side}"]].drop_duplicates().set_axis(names, axis=1)
        for side in ("ab" if paired else "a")
    ]
    cells = pd.concat(sides).drop_duplicates()
    return not cells.duplicated(["prompt", "system"]).any()


def _few(frame: pd.DataFrame) -> tuple[str, ...]:
    return tuple(
        f"only {count} {unit}s: the small-sample correction is rough, treat as a pilot"
        for unit in ("rater", "prompt")
        if 1 < (count := frame[unit].nunique()) < FEW
    )


def _formula(options: Options, answers: Answers, random: tuple[str, ...], *, paired: bool) -> str:
    """Write the model in lme4's words; a − b marks effects that enter with + for left and − for right."""
    if not paired:
        left = "rank" if answers.family == "plackett_luce" else "answer"
        return " + ".join([f"{left} ~ {options.utility}", *(f"(1 | {name})" for name in random)])
    constant = answers.thresholds == "symmetric" or answers.family in ("gaussian", "binomial")
    side = "" if options.side == "0" or (options.side == "1" and not constant) else f"{options.side} + "
    utility = options.utility if options.utility.isidentifier() else f"({options.utility})"
    terms = [
        f"(1 | {name}, a − b)" if name in {"output", "prompt:system", "rater:system"} else f"(1 | {name})"
        for name in random
    ]
    return " + ".join([f"answer(a over b) ~ {side}{utility}(a − b)", *terms])
