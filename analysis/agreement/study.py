"""Agreement of a study: every coefficient that fits the answers of each dimension."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from analysis.agreement.coefficients import Level, fleiss_kappa, krippendorff_alpha, raw_agreement
from analysis.agreement.ratings import RESAMPLES, AgreementError, Coefficient, Ratings
from analysis.agreement.reliability import WANTED, raters_needed, single_rater_reliability, split_half
from analysis.results import AgreementRow

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd

    from analysis.numerics.structure import FloatArray, IntArray

LEVEL_OF: dict[str, Level] = {
    "pairwise_choice": "nominal",
    "pairwise_graded": "ordinal",
    "ordinal": "ordinal",
    "interval": "interval",
    "nominal": "nominal",
}


def agreement_rows(
    frame: pd.DataFrame, *, confidence: float = 0.95, resamples: int = RESAMPLES, seed: int = 0
) -> tuple[AgreementRow, ...]:
    """Return every coefficient that fits the answers of each dimension of selected rows of the long table.

    Pairs are units in one orientation (the output that comes first by name), so that a side never looks like
    agreement. What cannot be computed is a row with NaN and the reason.
    """
    rows: list[AgreementRow] = []
    for name, part in frame.groupby("dimension", sort=True):
        measure = str(part["measure"].iloc[0])
        if measure in LEVEL_OF:
            rows += [
                replace(row, dimension=str(name))
                for row in _of_dimension(part, measure, confidence=confidence, resamples=resamples, seed=seed)
            ]
    return tuple(rows)


def ratings_of(part: pd.DataFrame, measure: str) -> Ratings:
    """Return the ratings of one dimension: units are pairs of outputs in one orientation, or single outputs."""
    first, second = part["output_a"].to_numpy().astype(str), part["output_b"].to_numpy().astype(str)
    answer = part["answer"].to_numpy(dtype=float)
    if measure.startswith("pairwise"):
        turned = second < first
        answer = np.where(turned, 1.0 - answer if measure == "pairwise_choice" else -answer, answer)
        first, second = np.where(turned, second, first), np.where(turned, first, second)
    unit = np.unique(np.char.add(np.char.add(first, "\x1f"), second), return_inverse=True)[1]
    rater = np.unique(part["rater"].to_numpy().astype(str), return_inverse=True)[1]
    return Ratings(unit.astype(np.int64), rater.astype(np.int64), answer)


def _of_dimension(
    part: pd.DataFrame, measure: str, *, confidence: float, resamples: int, seed: int
) -> list[AgreementRow]:
    data, level = ratings_of(part, measure), LEVEL_OF[measure]
    what = "pairs" if measure.startswith("pairwise") else "outputs"
    inference = {"confidence": confidence, "resamples": resamples, "seed": seed}
    jobs: list[tuple[str, Callable[[], Coefficient]]] = [
        (f"Krippendorff's alpha ({level})", lambda: krippendorff_alpha(data, level, **inference)),  # type: ignore[arg-type]
        ("reliability of one rater, ICC(1)", lambda: single_rater_reliability(data, **inference)),  # type: ignore[arg-type]
    ]
    if level != "interval":
        jobs.append(("raw agreement", lambda: raw_agreement(data, **inference)))  # type: ignore[arg-type]
    if level == "nominal":
        jobs.append(("Fleiss' kappa", lambda: fleiss_kappa(data, **inference)))  # type: ignore[arg-type]
    for thing in ("output", "system"):
        rater, scored, credit = _credits(part, measure, thing)
        jobs.append(
            (f"split-half reliability of {thing}s", lambda r=rater, s=scored, c=credit: split_half(r, s, c, seed=seed))  # type: ignore[misc]
        )
    rows = [_row(name, job, what) for name, job in jobs]
    return [*rows, _needed_row(rows[1])]


def _row(name: str, job: Callable[[], Coefficient], what: str) -> AgreementRow:
    try:
        found = job()
    except AgreementError as error:
        nan = float("nan")
        return AgreementRow("", name, nan, nan, nan, str(error))
    unit = f"{found.units} {name.rsplit(' ', 1)[-1]}" if name.startswith("split") else f"{found.units} {what}"
    note = f"{unit}, {found.ratings} ratings"
    if name.startswith("split"):
        note += "; range over random halvings"
    elif math.isnan(found.value):
        note += "; all answers are alike, so there is nothing to agree on"
    return AgreementRow("", name, found.value, found.low, found.high, note)


def _needed_row(single: AgreementRow) -> AgreementRow:
    value, low, high = (raters_needed(reliability) for reliability in (single.value, single.high, single.low))
    note = "by Spearman and Brown's formula from the reliability of one rater"
    return AgreementRow(
        "",
        f"raters per unit for a reliability of {WANTED:g}",
        value,
        low,
        high,
        single.note if math.isnan(value) else note,
    )


def _credits(part: pd.DataFrame, measure: str, thing: str) -> tuple[IntArray, IntArray, FloatArray]:
    """Return rater, output or system, and credit; a pair credits both of its sides."""
    rater = part["rater"].to_numpy().astype(str)
    answer = part["answer"].to_numpy(dtype=float)
    if not measure.startswith("pairwise"):
        names, people, credit = part[f"{thing}_a"].to_numpy().astype(str), rater, answer
    else:
        share = answer if measure == "pairwise_choice" else (np.sign(answer) + 1.0) / 2.0
        names = np.concatenate([part[f"{thing}_a"].to_numpy().astype(str), part[f"{thing}_b"].to_numpy().astype(str)])
        people, credit = np.concatenate([rater, rater]), np.concatenate([share, 1.0 - share])
    codes = [np.unique(values, return_inverse=True)[1].astype(np.int64) for values in (people, names)]
    return codes[0], codes[1], credit
