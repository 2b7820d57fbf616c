"""The account of the data: where every judgement went, and how evenly the design was carried out."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from analysis.results.checks import Account, FlowStep, Load, PairCount, SystemCount

if TYPE_CHECKING:
    import pandas as pd

    from analysis.prepare import Options
    from analysis.results import DataSummary

KINDS = (("practice", "practice trials"), ("attention", "attention checks"), ("repeat", "repeated trials"))


def account_of(table: pd.DataFrame, rows: pd.DataFrame, data: DataSummary, *, options: Options) -> Account:
    """Count judgements from the whole table down to those analysed.

    Parameters
    ----------
    table, rows
        The validated long table, and the rows of it that were analysed.
    data
        The summary that :func:`analysis.prepare.select` made of both.
    """
    pairs = rows["system_b"] != ""
    # a trial that shows a pair shows these two outputs, whatever else is asked about each of them
    rows = rows[pairs | ~rows["judgement"].isin(rows.loc[pairs, "judgement"])]
    judged = rows.drop_duplicates("judgement")
    shown = rows.drop_duplicates(["judgement", "output_a"])  # a ranking shows several outputs
    return Account(
        flow=tuple(_flow(table, data, options)),
        systems=_systems(shown),
        pairs=_pairs(shown),
        loads=_loads(judged, shown),
        prompts_twice=int(judged.groupby(["rater", "prompt"]).size().gt(1).sum()),
    )


def _flow(table: pd.DataFrame, data: DataSummary, options: Options) -> list[FlowStep]:
    left = data.total
    steps = [FlowStep("In the table", left)]

    def lose(count: int, reason: str) -> None:
        nonlocal left
        if count:
            left -= count
            steps.append(FlowStep("", left, count, reason))

    for kind, words in KINDS:
        lose(data.by_kind.get(kind, 0), words)
    for reason, count in data.excluded.items():
        lose(count, f"excluded: {reason}")
    if not options.late:
        main = table[(table["kind"] == "main") & ~table["excluded"]].drop_duplicates("judgement")
        lose(int(main["late"].sum()), "late: after the lease had lapsed or the study was closed")
    lose(left - data.used, "other systems, dimensions or kinds of answer than those analysed")
    return [*steps, FlowStep("Analysed", data.used)]


def _systems(judged: pd.DataFrame) -> tuple[SystemCount, ...]:
    found = []
    for system in _names(judged):
        left, right = judged["system_a"] == system, judged["system_b"] == system
        outputs = set(judged.loc[left, "output_a"]) | set(judged.loc[right, "output_b"])
        prompts = judged.loc[left | right, "prompt"].nunique()
        found.append(SystemCount(system, len(outputs), int(prompts), int(left.sum() + right.sum()), int(left.sum())))
    return tuple(found)


def _names(judged: pd.DataFrame) -> list[str]:
    return sorted((set(judged["system_a"]) | set(judged["system_b"])) - {""})


def _pairs(judged: pd.DataFrame) -> tuple[PairCount, ...]:
    counts = judged.groupby(["system_a", "system_b"]).size().to_dict()
    found = []
    for first, second in combinations(_names(judged), 2):
        left, right = int(counts.get((first, second), 0)), int(counts.get((second, first), 0))
        if left + right:
            found.append(PairCount(first, second, left + right, left))
    return tuple(found)


def _loads(judged: pd.DataFrame, shown: pd.DataFrame) -> tuple[Load, ...]:
    sides = [shown["output_a"], shown.loc[shown["output_b"] != "", "output_b"]]
    outputs = np.unique(np.concatenate([side.to_numpy().astype(str) for side in sides]), return_counts=True)[1]
    loads = [_load(f"judgements per {name}", judged[name].value_counts().to_numpy()) for name in ("rater", "prompt")]
    loads.append(_load("judgements per output", outputs))
    if (judged["task"] != "").all():
        loads.insert(2, _load("raters per task", judged.groupby("task")["rater"].nunique().to_numpy()))
    return tuple(loads)


def _load(what: str, counts: np.ndarray) -> Load:
    return Load(what, counts.size, int(counts.min()), float(np.median(counts)), int(counts.max()))
