"""Progress over rounds: how systems fare from one round of questions to the next, and whether they drift apart."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np
from scipy import stats

from analysis.inference.contrasts import NO_DEGREES, RULE, count_within, estimate_contrast, refer
from analysis.inference.multiplicity import holm
from analysis.prepare import OptionError, prepare
from analysis.results.checks import RoundMean, RoundProgress, RoundTrend
from analysis.study import fit_dimension

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

    from analysis.prepare import DimensionData, Options
    from analysis.results import DimensionResult, Fit, FloatArray, StudyResult

NAN: Final = float("nan")
ROUND: Final = "round"
MANY: Final = 5
"""From so many judgements of a round on, the interval of a mean is over judgements; below, over outputs."""
UNITS: Final = {
    "ranking": "mean normalised rank, 1 = first, 0 = last",
    "pairwise_choice": "share of comparisons won, ties half",
    "pairwise_graded": "share of comparisons won, ties half",
    "nominal": "share of yes",
}
ANSWER: Final = "mean answer"


@dataclass(frozen=True)
class Slope:
    """A direction (p,) of the fixed effects in which something changes per round."""

    first: str
    second: str
    weights: FloatArray


def progress_over_rounds(rows: pd.DataFrame, result: StudyResult, *, options: Options) -> RoundProgress | None:
    """Return the means of each round and the trends over rounds; None where there are not two rounds.

    Parameters
    ----------
    rows
        The rows of the long table that were analysed.
    result
        The declared analysis, whose contrasts are followed over the rounds.

    Notes
    -----
    The trend is the interaction of system and round in the model of the report. Rankings and pairs tell only how
    systems change against one another; single stimuli also how each changes by itself.
    """
    asked = rows[rows[ROUND] > 0]
    if asked[ROUND].nunique() < 2:  # noqa: PLR2004
        return None
    means: list[RoundMean] = []
    trends: list[RoundTrend] = []
    for item in result.dimensions:
        part = asked[asked["dimension"] == item.dimension]
        if part[ROUND].nunique() < 2:  # noqa: PLR2004
            continue
        means += _means(part, confidence=result.confidence)
        trends += _trends(asked, item, result, options=options)
    corrected = holm(np.array([one.p for one in trends]))
    trends = [replace(one, p_holm=float(p)) for one, p in zip(trends, corrected, strict=True)]
    return RoundProgress(tuple(means), tuple(trends)) if means else None


def _means(part: pd.DataFrame, *, confidence: float) -> list[RoundMean]:
    """Return the mean score of each system in each round of one dimension."""
    measure = str(part["measure"].iloc[0])
    scored = scores_of(part)
    found = []
    for (_, system), cell in scored.groupby([ROUND, "system"]):
        judged = cell.groupby("judgement")["score"].mean()
        values, over = (judged, "judgements") if len(judged) >= MANY else (cell["score"], "outputs")
        low, high = _interval(values.to_numpy(), confidence)
        if measure in UNITS:  # shares, which cannot lie outside 0 and 1
            low, high = max(low, 0.0), min(high, 1.0)
        found.append(
            RoundMean(
                dimension=str(part["dimension"].iloc[0]),
                system=str(system),
                round=int(cell[ROUND].iloc[0]),
                unit=UNITS.get(measure, ANSWER),
                mean=float(values.mean()),
                low=low,
                high=high,
                judgements=len(judged),
                outputs=int(cell["output"].nunique()),
                over=over,
            )
        )
    return found


def scores_of(part: pd.DataFrame) -> pd.DataFrame:
    """Return (judgement, round, system, output, score) of one dimension; a pair credits both of its sides.

    A rank r among k becomes (k − r) / (k − 1), equal ranks sharing the mean of their places.
    """
    import pandas as pd

    measure = str(part["measure"].iloc[0])
    names = ["judgement", ROUND, "system_a", "output_a", "system_b", "output_b"]
    answer = part["answer"].astype(float)
    if measure == "ranking":
        groups = answer.groupby(part["judgement"])
        size = groups.transform("size")
        answer = ((size - groups.rank(method="average")) / (size - 1.0)).where(size > 1)
    if measure == "nominal":
        answer = answer - 1.0
    left = part[names].assign(score=answer)
    if not (part["system_b"] != "").any():
        return left.rename(columns={"system_a": "system", "output_a": "output"}).dropna(subset="score")
    if measure == "pairwise_graded":
        answer = answer.map(np.sign) / 2.0 + 0.5
    other = -answer if measure == "interval" else 1.0 - answer
    sides = [
        part[["judgement", ROUND]].assign(system=part[f"system_{side}"], output=part[f"output_{side}"], score=score)
        for side, score in (("a", answer), ("b", other))
    ]
    return pd.concat(sides, ignore_index=True)


def _interval(values: FloatArray, confidence: float) -> tuple[float, float]:
    if values.size < 2:  # noqa: PLR2004
        return NAN, NAN
    half = float(stats.t.ppf(0.5 + confidence / 2.0, values.size - 1) * values.std(ddof=1) / np.sqrt(values.size))
    return float(values.mean() - half), float(values.mean() + half)


def _trends(rows: pd.DataFrame, item: DimensionResult, result: StudyResult, *, options: Options) -> list[RoundTrend]:
    """Fit the model of one dimension with its interaction of system and round."""
    changed = replace(options, fixed=f"{options.fixed} + {ROUND} + system:{ROUND}", within="", shrunken=False)
    pairs = tuple(dict.fromkeys((row.first, row.second) for row in result.rows))
    try:
        data = prepare(rows, item.dimension, changed)
        fit = fit_dimension(data)
    except (OptionError, ValueError) as error:
        return [RoundTrend(item.dimension, *pair, item.scale, message=str(error)) for pair in pairs]
    return [_test(data, fit, slope, confidence=result.confidence, options=changed) for slope in _slopes(data, pairs)]


def _slopes(data: DimensionData, pairs: Sequence[tuple[str, str]]) -> list[Slope]:
    """Return the slope of each contrast, and of each system where the answers tell it by itself."""
    by_system = {name: _column(data, f"system[{name}]:{ROUND}") for name in data.systems}
    found = [
        Slope(first, second, by_system[first] - by_system[second])
        for first, second in pairs
        if {first, second} <= set(by_system)
    ]
    if not data.paired and data.family != "plackett_luce":
        own = _column(data, ROUND)
        found += [Slope(name, "", own + by_system[name]) for name in data.systems]
    return found


def _column(data: DimensionData, name: str) -> FloatArray:
    """Return the unit vector of a fixed effect; that of the reference system is zero."""
    return np.array([float(known == name) for known in data.names])


def _test(data: DimensionData, fit: Fit, slope: Slope, *, confidence: float, options: Options) -> RoundTrend:
    found = estimate_contrast(fit, slope.weights, present=True)
    se, df, method = refer(fit, slope.weights, found, counts=count_within(data), degrees=options.degrees)
    if method == RULE:
        df = min(df, data.prompts - 2.0)  # a line through the prompts takes two of them
        df = df if df > 0.0 else NAN
    blank = RoundTrend(data.dimension, slope.first, slope.second, data.scale, message=found.message)
    if not np.isfinite([found.value, se, df]).all():
        return replace(blank, estimate=found.value, message=found.message or NO_DEGREES)
    half = float(stats.t.ppf(0.5 + confidence / 2.0, df)) * se
    return replace(
        blank,
        estimate=found.value,
        se=se,
        df=df,
        low=found.value - half,
        high=found.value + half,
        p=float(2.0 * stats.t.sf(abs(found.value / se), df)),
    )
