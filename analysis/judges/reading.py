"""From the rows of the long table to the human side of a dimension."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np

from analysis.judges.human import DIGITS, Comparisons, Human, Ratings, homes
from analysis.judges.strengths import PRIOR_SD
from analysis.schema import PAIRWISE

if TYPE_CHECKING:
    import pandas as pd

    from analysis.results import FloatArray, IntArray

BINS: Final = 5
"""Equal parts of a scale without levels (a slider), whose numbers are the labels for the entropy."""
FEWEST_LABELS: Final = 2
BEST_WORST: Final = "best_worst"


class NoHumanScoreError(ValueError):
    """The answers of a dimension give no order of outputs; the message says why."""


def human_of(part: pd.DataFrame, *, ratings: Literal["mean", "z"] = "mean") -> Human:
    """Return the human side of one dimension's selected rows of the long table.

    Raises
    ------
    NoHumanScoreError
        Answers without an order, or no prompt with two outputs to tell apart.
    """
    measure = str(part["measure"].iloc[0])
    if measure == "ranking":
        return _comparisons(_exploded(part), measure)
    if measure in PAIRWISE or (measure == "interval" and (part["system_b"] != "").all()):
        return _comparisons(_oriented(part), measure)
    return _ratings(part, measure, standardised=ratings == "z")


def _ratings(part: pd.DataFrame, measure: str, *, standardised: bool) -> Ratings:
    answer = part["answer"].astype(float) - (1.0 if measure == "nominal" else 0.0)
    table = part.assign(answer=answer)[["rater", "prompt", "output_a", "answer"]]
    labels = _labels(table["answer"]) if measure == "interval" else table["answer"]
    if standardised:
        by = table.groupby("rater")["answer"]
        table["answer"] = (table["answer"] - by.transform("mean")) / by.transform("std").replace(0.0, np.nan)
        labels, table = labels[table["answer"].notna()], table.dropna(subset="answer")
        if table.empty:
            raise NoHumanScoreError("no rater gave two different answers: z scores per rater do not exist")
    outputs, prompts, prompt = _places(table["output_a"], table["prompt"])
    raters = np.unique(table["rater"].astype(str))
    once = table.groupby(["output_a", "rater"], sort=True)["answer"].mean().reset_index()
    unit = "share of yes" if measure == "nominal" else "mean answer"
    about = f"{unit}, as z scores per rater" if standardised else unit
    return Ratings(
        outputs=tuple(outputs),
        prompts=tuple(prompts),
        raters=tuple(raters),
        prompt=prompt,
        pairs=_within(prompt),
        about=about,
        entropy=_entropy(np.searchsorted(outputs, table["output_a"].astype(str)), labels, len(outputs)),
        output=np.searchsorted(outputs, once["output_a"].astype(str)),
        rater=np.searchsorted(raters, once["rater"].astype(str)),
        value=once["answer"].to_numpy(float),
    )


def _comparisons(table: pd.DataFrame, measure: str) -> Comparisons:
    """Take one row per comparison: rater, prompt, first, second (in the order of their names), outcome, sign, label."""
    import pandas as pd

    if table.empty:
        raise NoHumanScoreError("no two outputs were compared")
    both = pd.concat([table["first"], table["second"]])
    outputs, prompts, prompt = _places(both, pd.concat([table["prompt"], table["prompt"]]))
    raters = np.unique(table["rater"].astype(str))
    ends = np.stack([np.searchsorted(outputs, table[side].astype(str)) for side in ("first", "second")], axis=1)
    pairs, pair = np.unique(ends, axis=0, return_inverse=True)
    pair = pair.reshape(-1)
    rater = np.searchsorted(raters, table["rater"].astype(str))
    keys, at = np.unique(np.stack([pair, rater], axis=1), axis=0, return_inverse=True)
    sums: list[FloatArray] = [
        np.bincount(at.reshape(-1), weights=values).astype(np.float64)
        for values in (table["outcome"].to_numpy(float), np.ones(len(table)), table["sign"].to_numpy(float))
    ]
    points = measure == "interval"
    strength = f"Bradley–Terry strength within the prompt (normal prior, SD {PRIOR_SD:g} logits)"
    return Comparisons(
        outputs=tuple(outputs),
        prompts=tuple(prompts),
        raters=tuple(raters),
        prompt=prompt,
        pairs=(pairs[:, 0], pairs[:, 1]),
        about="worth within the prompt, by least squares of the differences" if points else strength,
        entropy=_entropy(pair, table["label"], len(pairs)),
        pair=keys[:, 0],
        rater=keys[:, 1],
        outcome=sums[0],
        count=sums[1],
        sign=sums[2],
        logistic=not points,
    )


def _oriented(part: pd.DataFrame) -> pd.DataFrame:
    """Return comparisons with the output that comes first by name first, so that a side is never a label."""
    measure = str(part["measure"].iloc[0])
    answer = part["answer"].to_numpy(float)
    signed = 2.0 * answer - 1.0 if measure == "pairwise_choice" else answer
    turned = (part["output_a"] > part["output_b"]).to_numpy()
    signed = np.where(turned, -signed, signed)
    if measure == "pairwise_graded":
        outcome = 0.5 + signed / (2.0 * (part["levels"].to_numpy() // 2))
    else:
        outcome = signed if measure == "interval" else 0.5 + signed / 2.0
    found = part[["rater", "prompt"]].assign(
        first=part["output_a"].where(~turned, part["output_b"]),
        second=part["output_b"].where(~turned, part["output_a"]),
        outcome=outcome,
        sign=np.sign(signed),
        label=signed,
    )
    return found.assign(label=_labels(found["label"], middle=True)) if measure == "interval" else found


def _exploded(part: pd.DataFrame) -> pd.DataFrame:
    """Return the pairs that rankings imply; of a best–worst answer the outputs between are not compared."""
    keep = part[["judgement", "rater", "prompt", "output_a", "answer"]]
    both = keep.merge(keep[["judgement", "output_a", "answer"]], on="judgement", suffixes=("", "_2"))
    both = both[both["output_a"] < both["output_a_2"]]
    if str(part["question_type"].iloc[0]) == BEST_WORST:
        both = both[both["answer"] != both["answer_2"]]
    sign = np.sign(both["answer_2"] - both["answer"])
    return both[["rater", "prompt"]].assign(
        first=both["output_a"], second=both["output_a_2"], outcome=0.5 + sign / 2.0, sign=sign, label=sign
    )


def _places(outputs: pd.Series, prompts: pd.Series) -> tuple[Any, Any, IntArray]:
    """Return the names of outputs and prompts, sorted, and the prompt of each output."""
    names, first = np.unique(outputs.to_numpy().astype(str), return_index=True)
    home = prompts.to_numpy().astype(str)
    known = np.unique(home)
    return names, known, np.searchsorted(known, home[first]).astype(np.int64)


def _within(prompt: IntArray) -> tuple[IntArray, IntArray]:
    """Return all pairs of outputs of one prompt."""
    found: list[tuple[IntArray, IntArray]] = [(np.empty(0, np.int64), np.empty(0, np.int64))]
    for at in homes(prompt):
        i, j = np.triu_indices(len(at), 1)
        found.append((at[i], at[j]))
    return np.concatenate([one for one, _ in found]), np.concatenate([two for _, two in found])


def _labels(values: pd.Series, *, middle: bool = False) -> pd.Series:
    """Return the fifth of the scale in which each value lies, over the values given; around 0 if ``middle``."""
    high = float(values.abs().max() if middle else values.max())
    low = -high if middle else float(values.min())
    step = (high - low) / BINS
    return ((values - low) // step).clip(upper=BINS - 1) if step > 0 else values * 0.0


def _entropy(item: IntArray, labels: pd.Series, items: int) -> FloatArray:
    """Return the Shannon entropy (bits) of the labels of each item; NaN where there are fewer than two."""
    _, kind = np.unique(labels.to_numpy(float), return_inverse=True)
    table = np.zeros((items, int(kind.max()) + 1))
    np.add.at(table, (item, kind), 1.0)
    total = table.sum(axis=1, keepdims=True)
    share = table / np.maximum(total, 1.0)
    bits = -(share * np.log2(np.where(share > 0, share, 1.0))).sum(axis=1)
    return np.where(total[:, 0] >= FEWEST_LABELS, np.round(np.abs(bits), DIGITS), np.nan)
