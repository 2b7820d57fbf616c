"""The table of scores: its columns, and every fault in it by row and column."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd


class ScoresError(ValueError):
    """The table does not hold usable scores."""


def read_scores(path: Path | str) -> pd.DataFrame:
    """Read a CSV or Parquet file of scores, by its ending, as text where it is one.

    Columns: ``judge`` (name), ``value`` (a number, higher is better), and which output it is about: ``output`` as the
    long table names it, or ``prompt``, ``system`` and, where a system has several outputs, ``sample``. Others are left.
    """
    raise NotImplementedError


def check_scores(
    scores: pd.DataFrame, judgements: pd.DataFrame, *, source: str = "scores", ignore_unjudged: bool = False
) -> pd.DataFrame:
    """Return judge, output, value, sorted; raise :class:`ScoresError` naming every fault by row and column.

    Faults: a missing column, an empty cell, a value that is no finite number, an output that the long table
    ``judgements`` does not hold (unless ``ignore_unjudged``), and two values of one judge for one output.
    """
    raise NotImplementedError
