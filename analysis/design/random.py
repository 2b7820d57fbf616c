"""Random effects: level numbers, signs and slopes of lme4's terms, for single stimuli and for pairs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from analysis.design.fixed import code_columns
from analysis.design.formula import FormulaError, variables_of
from analysis.numerics.structure import SignedFactor
from analysis.results import INTERCEPT

if TYPE_CHECKING:
    import pandas as pd

    from analysis.design.formula import RandomTerm
    from analysis.design.frame import Variables
    from analysis.numerics.structure import FloatArray, IntArray


def random_factor(term: RandomTerm, variables: Variables) -> SignedFactor:
    """Return the memberships of one random term.

    In a pair, a group that differs between the sides (``output``, ``prompt:system``) is entered with + for a and
    − for b. A group of the row (``rater``) is entered once: its intercept is a spread of the preference for the left
    text, its slopes of side-varying variables apply to the difference a − b.
    """
    signed = bool(variables.varying & set(term.group))
    codes, labels = _codes(term.group, variables.frames if signed else variables.frames[:1])
    slopes, names = _slopes(term, variables, signed=signed)
    return SignedFactor(
        name=term.name,
        codes=codes,
        signs=(1.0, -1.0) if signed else (1.0,),
        levels=len(labels),
        labels=labels,
        slopes=slopes,
        slope_names=names,
    )


def _codes(group: tuple[str, ...], frames: tuple[pd.DataFrame, ...]) -> tuple[tuple[IntArray, ...], tuple[str, ...]]:
    """Number the combinations of the group's variables that occur, in sorted order."""
    whole, texts, sizes = np.zeros(sum(map(len, frames)), dtype=np.int64), [], []
    for name in group:
        numbers, levels = _levels([frame[name] for frame in frames])
        whole = whole * len(levels) + numbers
        texts.append(levels)
        sizes.append(len(levels))
    found, where = np.unique(whole, return_inverse=True)
    places = np.unravel_index(found, sizes)
    parts = zip(*([text[place] for place in at] for text, at in zip(texts, places, strict=True)), strict=True)
    return tuple(part.astype(np.int64) for part in np.split(where, len(frames))), tuple(map(":".join, parts))


def _levels(parts: list[pd.Series]) -> tuple[IntArray, list[str]]:
    if parts[0].dtype == "category":
        numbers = np.concatenate([part.cat.codes.to_numpy() for part in parts]).astype(np.int64)
        return numbers, [str(level) for level in parts[0].cat.categories]
    values, numbers = np.unique(np.concatenate([part.to_numpy() for part in parts]), return_inverse=True)
    return numbers.astype(np.int64), [f"{value:g}" if value % 1 else str(int(value)) for value in values]


def _slopes(
    term: RandomTerm, variables: Variables, *, signed: bool
) -> tuple[tuple[FloatArray | None, ...], tuple[str, ...]]:
    if term.slopes == "1":
        return (None,), (INTERCEPT,)
    varying = [name for name in variables_of(term.slopes) if name in variables.varying]
    if signed and varying:
        raise FormulaError(
            f"random term {term}: {varying[0]} differs between the sides and so does {term.name}; "
            f"only variables of the row can have slopes there"
        )
    if not varying:
        matrix, names, _ = code_columns(term.slopes, variables.frames[0])
        keep = list(range(len(names)))
    else:
        matrix, names, keep = _difference(term, variables)
    if not keep:
        raise FormulaError(f"random term {term}: nothing is left of the slopes: use (1 | {term.name})")
    columns = tuple(None if names[k] == INTERCEPT else np.ascontiguousarray(matrix[:, k]) for k in keep)
    return columns, tuple(names[k] for k in keep)


def _difference(term: RandomTerm, variables: Variables) -> tuple[FloatArray, tuple[str, ...], list[int]]:
    """Code the slopes on both sides and subtract; terms of the row stay as they are.

    Only differences of utilities are seen, so a factor is coded against its first level even after ``0 +``.
    """
    without = INTERCEPT not in code_columns(term.slopes, variables.frames[0])[1]
    stacked, names, terms = code_columns(term.slopes, variables.stacked(), intercept=True)
    half = stacked.shape[0] // 2
    left, matrix = stacked[:half], stacked[:half] - stacked[half:]
    for column, name in enumerate(terms):
        if name == INTERCEPT or not variables.varying & set(variables_of(name)):
            matrix[:, column] = left[:, column]
    return matrix, names, [k for k, name in enumerate(names) if not (without and name == INTERCEPT)]
