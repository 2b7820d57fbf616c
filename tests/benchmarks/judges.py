"""Do the intervals of automatic judges mean what they say? Judges who know nothing, over many simulated studies.

Each study has planted effects of systems, prompts, outputs and raters; a judge's scores are drawn without regard to
them, with an effect of the prompt of their own (as lengths and perplexities have) or in three levels with many ties.
Counted is how often the interval at 95% holds ρ = 0, τ = 0 and an accuracy of ½, and how often p is below .05.

    python -m tests.benchmarks.judges --studies 1000 --workers 2 --out tests/benchmarks/judges.md
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path

for _name in ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS"):
    os.environ.setdefault(_name, "1")  # before NumPy loads: the processes are the parallelism

import numpy as np  # noqa: E402
import pandas as pd  # noqa: E402

from analysis import schema  # noqa: E402
from analysis.judges import JudgeOptions  # noqa: E402
from analysis.judges.dimension import Comparison, Setting  # noqa: E402
from analysis.judges.reading import human_of  # noqa: E402

SYSTEMS = ("baseline", "reference", "steered")
EFFECT = np.array([0.0, 0.3, 0.6])
RATERS = 24
PROMPTS = (10, 20, 40, 100)
KINDS = ("choices", "ratings")
CHECKS = {"spearman": 0.0, "kendall": 0.0, "within_spearman": 0.0, "accuracy": 0.5}


def table_of(kind: str, prompts: int, rng: np.random.Generator) -> pd.DataFrame:
    """Return a study in which every rater answers once on each prompt (at most 30 of them)."""
    rows = []
    worth = EFFECT + rng.normal(0, 0.8, (prompts, 3)) + rng.normal(0, 0.7, (prompts, 1))
    for rater in range(RATERS):
        taste, level = rng.normal(0, 0.3, 3), rng.normal(0, 0.5)
        for prompt in rng.permutation(prompts)[:30]:
            a, b = ((0, 1), (0, 2), (1, 2))[(rater + prompt) % 3][:: 1 if rng.integers(2) else -1]
            row = {"judgement": f"{rater}/{prompt}", "rater": f"r{rater:02d}", "prompt": f"p{prompt:03d}"}
            row |= {"system_a": SYSTEMS[a], "output_a": f"p{prompt:03d}/{SYSTEMS[a]}/0", "dimension": kind}
            if kind == "choices":
                eta = worth[prompt, a] - worth[prompt, b] + taste[a] - taste[b]
                row |= {"system_b": SYSTEMS[b], "output_b": f"p{prompt:03d}/{SYSTEMS[b]}/0", "levels": 2}
                row |= {"measure": "pairwise_choice", "answer": float(rng.random() < 1 / (1 + np.exp(-eta)))}
            else:
                latent = worth[prompt, a] + taste[a] + level + rng.logistic()
                answer = float(np.searchsorted([-1.8, -0.6, 0.6, 1.8], latent)) + 1.0
                row |= {"measure": "ordinal", "answer": answer, "levels": 5}
            rows.append(row)
    return schema.validate(pd.DataFrame(rows))


def scores_of(table: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Return scores of two judges who know nothing."""
    names = sorted({*table["output_a"], *table["output_b"]} - {""})
    level = {name: float(rng.normal()) for name in sorted(set(table["prompt"]))}
    smooth = [("smooth", name, level[name.split("/")[0]] + float(rng.normal())) for name in names]
    coarse = [("three levels", name, float(rng.integers(3))) for name in names]
    return pd.DataFrame(smooth + coarse, columns=["judge", "output", "value"])


def study(seed: int, *, kind: str, prompts: int, clusters: str, resamples: int) -> list[tuple[str, str, float, float]]:
    """Return (judge, statistic, whether its interval holds the truth, whether p < .05) of one study."""
    rng = np.random.default_rng([seed, prompts, KINDS.index(kind)])
    table = table_of(kind, prompts, rng)
    options = JudgeOptions(seed=seed, resamples=resamples, clusters=clusters)
    setting = Setting(kind, str(table["measure"].iloc[0]), human_of(table), options)
    found = []
    for judge, mine in scores_of(table, rng).groupby("judge"):
        row = Comparison(setting, str(judge), dict(zip(mine["output"], mine["value"], strict=True))).row(
            setting.subsets[0]
        )
        p = {"spearman": row.p, "accuracy": row.accuracy_p}
        for name, null in CHECKS.items():
            held = getattr(row, f"{name}_low") <= null <= getattr(row, f"{name}_high")
            found.append((row.judge, name, float(held), float(p[name] < 0.05) if name in p else float("nan")))
    return found


def main(arguments: list[str] | None = None) -> int:
    """Run the cells and print (or write) the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--studies", type=int, default=1000)
    parser.add_argument("--resamples", type=int, default=1000)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--clusters", default="prompts", choices=("prompts", "raters and prompts"))
    parser.add_argument("--prompts", type=int, nargs="+", default=list(PROMPTS))
    parser.add_argument("--out", type=Path)
    given = parser.parse_args(arguments)
    start, lines = time.perf_counter(), []
    with ProcessPoolExecutor(given.workers, mp_context=get_context("spawn")) as pool:
        for kind in KINDS:
            for prompts in given.prompts:
                run = partial(study, kind=kind, prompts=prompts, clusters=given.clusters, resamples=given.resamples)
                results = [one for part in pool.map(run, range(given.studies), chunksize=8) for one in part]
                frame = pd.DataFrame(results, columns=["judge", "statistic", "held", "rejected"])
                for (judge, name), part in frame.groupby(["judge", "statistic"], sort=True):
                    rejected = part["rejected"].mean()
                    shown = "–" if np.isnan(rejected) else f"{100 * rejected:.1f}%"
                    lines.append(
                        f"| {kind} | {prompts} | {judge} | {name} | {100 * part['held'].mean():.1f}% | {shown} |"
                    )
                print(f"{kind}, {prompts} prompts: {time.perf_counter() - start:.0f} s", file=sys.stderr)
    error = 100 * (0.05 * 0.95 / given.studies) ** 0.5
    text = "\n".join(
        [
            "# Intervals of judges who know nothing",
            "",
            (
                f"`python -m tests.benchmarks.judges --studies {given.studies} --resamples {given.resamples} "
                f"--clusters '{given.clusters}'`: {RATERS} raters, 3 systems, {given.studies} studies a line "
                f"(Monte-Carlo error {error:.1f} points); intervals at 95%, drawn anew: {given.clusters}."
            ),
            "",
            "| answers | prompts | judge | statistic | interval holds the truth | p < .05 |",
            "|---|---:|---|---|---:|---:|",
            *lines,
            "",
        ]
    )
    if given.out:
        given.out.write_text(text, encoding="utf-8")
    print(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
