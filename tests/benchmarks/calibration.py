"""Do the intervals and p values mean what they say? Type-I error and coverage over many simulated studies.

Cells: {forced choice of pairs, graded pairs, sliders} x {24, 60, 200 raters}, each with rater x system and prompt x
system heterogeneity, over studies in which nothing is true (null) and studies with a planted effect. Every study is
analysed with the defaults of the report; two-way clustered and naive tests stand beside.

    python -m tests.benchmarks.calibration --studies 1000 --workers 2 --out tests/benchmarks/calibration.md
    python -m tests.benchmarks.calibration --studies 40 --cells pairs:24 sliders:60
"""

from __future__ import annotations

import argparse
import json
import math
import os
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

for _name in ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS"):
    os.environ.setdefault(_name, "1")  # before NumPy loads: the processes are the parallelism

import numpy as np  # noqa: E402
import pandas as pd  # noqa: E402

from analysis import schema  # noqa: E402

SYSTEMS = ("baseline", "steered")
PROMPTS = {24: 20, 60: 30, 200: 40}
KINDS = ("pairs", "graded", "sliders")
MEASURES = {"pairs": ("pairwise_choice", 2), "graded": ("pairwise_graded", 5), "sliders": ("interval", 101)}
SAMPLES = 3
TRIALS = 20
PLANTED = {"pairs": 0.5, "graded": 0.5, "sliders": 6.0}
# Logits for pairs, points of 100 for sliders.
SPREADS = {
    "pairs": {"output": 0.6, "prompt:system": 0.4, "rater:system": 0.4, "side": 0.1},
    "sliders": {
        "rater": 10.0,
        "prompt": 6.0,
        "output": 8.0,
        "rater:system": 5.0,
        "prompt:system": 5.0,
        "residual": 18.0,
    },
}
CUTS = np.array([-1.9, -0.5, 0.5, 1.9])


@dataclass(frozen=True)
class Cell:
    """One kind of study of one size."""

    kind: str
    raters: int

    @property
    def name(self) -> str:
        return f"{self.kind}:{self.raters}"


def study(cell: Cell, effect: float, seed: int) -> pd.DataFrame:
    """A long table with new raters, prompts and outputs; ``effect`` is steered minus baseline."""
    rng = np.random.default_rng([seed, KINDS.index(cell.kind), cell.raters])
    prompts = PROMPTS[cell.raters]
    rater = np.repeat(np.arange(cell.raters), TRIALS)
    prompt = rng.permuted(np.tile(np.arange(prompts), (cell.raters, 1)), axis=1)[:, :TRIALS].ravel()
    rows = _pairs if cell.kind != "sliders" else _sliders
    columns = rows(rng, cell, rater, prompt, effect=effect)
    measure, levels = MEASURES[cell.kind]
    defaults = {column.name: column.default for column in schema.COLUMNS if column.default is not None}
    return pd.DataFrame(
        defaults
        | {
            "judgement": np.arange(rater.size).astype(str),
            "rater": np.char.add("r", rater.astype(str)),
            "prompt": np.char.add("p", prompt.astype(str)),
            "dimension": "originality",
            "measure": measure,
            "levels": levels,
            "position": np.tile(np.arange(TRIALS) + 1, cell.raters),
            **columns,
        }
    )


def _pairs(
    rng: np.random.Generator, cell: Cell, rater: np.ndarray, prompt: np.ndarray, *, effect: float
) -> dict[str, Any]:
    sd, prompts = SPREADS["pairs"], PROMPTS[cell.raters]
    left = _balanced(rng, cell.raters)  # the system on the left
    sample = rng.integers(SAMPLES, size=(2, rater.size))
    by_output = rng.normal(0, sd["output"], (prompts, 2, SAMPLES))
    by_prompt = rng.normal(0, sd["prompt:system"], (prompts, 2))
    by_rater = rng.normal(0, sd["rater:system"], (cell.raters, 2))

    def merit(system: np.ndarray, which: np.ndarray) -> np.ndarray:
        return effect * system + by_output[prompt, system, which] + by_prompt[prompt, system] + by_rater[rater, system]

    eta = sd["side"] + merit(left, sample[0]) - merit(1 - left, sample[1]) + rng.logistic(size=rater.size)
    answer = (eta > 0).astype(float) if cell.kind == "pairs" else (eta[:, None] > CUTS).sum(axis=1) - 2.0
    names = np.array(SYSTEMS)
    return {
        "system_a": names[left],
        "output_a": _output(prompt, left, sample[0]),
        "system_b": names[1 - left],
        "output_b": _output(prompt, 1 - left, sample[1]),
        "answer": answer,
    }


def _sliders(
    rng: np.random.Generator, cell: Cell, rater: np.ndarray, prompt: np.ndarray, *, effect: float
) -> dict[str, Any]:
    sd, prompts = SPREADS["sliders"], PROMPTS[cell.raters]
    system, sample = _balanced(rng, cell.raters), rng.integers(SAMPLES, size=rater.size)
    score = (
        50.0
        + effect * system
        + rng.normal(0, sd["rater"], cell.raters)[rater]
        + rng.normal(0, sd["prompt"], prompts)[prompt]
        + rng.normal(0, sd["output"], (prompts, 2, SAMPLES))[prompt, system, sample]
        + rng.normal(0, sd["prompt:system"], (prompts, 2))[prompt, system]
        + rng.normal(0, sd["rater:system"], (cell.raters, 2))[rater, system]
        + rng.normal(0, sd["residual"], rater.size)
    )
    return {
        "system_a": np.array(SYSTEMS)[system],
        "output_a": _output(prompt, system, sample),
        "system_b": "",
        "output_b": "",
        "answer": np.clip(np.round(score), 0.0, 100.0),
    }


def _balanced(rng: np.random.Generator, raters: int) -> np.ndarray:
    return rng.permuted(np.tile(np.arange(TRIALS) % 2, (raters, 1)), axis=1).ravel()


def _output(prompt: np.ndarray, system: np.ndarray, sample: np.ndarray) -> np.ndarray:
    return np.array([f"p{p}/{SYSTEMS[s]}/{k}" for p, s, k in zip(prompt, system, sample, strict=True)])


def analyse_one(cell: Cell, effect: float, seed: int) -> dict[str, float]:
    """Analyse one study; return p values, whether the interval covers, and how the fit ended."""
    from analysis.prepare import Options, prepare, select
    from analysis.study import contrast_rows, fit_dimension

    pair = ("steered", "baseline")
    options = Options(contrasts=(pair,))
    rows, _ = select(study(cell, effect, seed), options)
    data = prepare(rows, "originality", options)
    fit = fit_dimension(data)
    row = contrast_rows(data, fit, [pair], options=options)[0]
    return {
        "estimate": row.estimate,
        "se": row.se,
        "p": row.p,
        "covered": float(row.low <= effect <= row.high),
        "robust_p": row.robust_p,
        "naive_p": row.naive_p,
        "singular": float(fit.convergence.code == "singular"),
        "usable": float(row.converged),
    }


def run_cell(cell: Cell, *, studies: int, first: int, pool: ProcessPoolExecutor) -> dict[str, Any]:
    """Run null and planted studies of one cell and summarise them."""
    found, spent = {}, time.perf_counter()
    for truth, effect in (("null", 0.0), ("planted", PLANTED[cell.kind])):
        # other seeds for the planted studies: the two halves of the evidence are independent
        seeds = range(first + (10**6 if effect else 0), first + (10**6 if effect else 0) + studies)
        rows = list(pool.map(partial(analyse_one, cell, effect), seeds, chunksize=5))
        found[truth] = _summary(pd.DataFrame(rows), effect)
    return {"cell": cell.name, **found, "seconds": time.perf_counter() - spent}


def _summary(rows: pd.DataFrame, effect: float) -> dict[str, float]:
    good = rows[rows["usable"] == 1.0]
    return {
        "studies": len(rows),
        "usable": len(good),
        "rejected": float((good["p"] < 0.05).mean()),
        "covered": float(good["covered"].mean()),
        "robust": float((good["robust_p"] < 0.05).mean()),
        "naive": float((good["naive_p"] < 0.05).mean()),
        "bias": float(good["estimate"].mean() - effect),
        "spread": float(good["estimate"].std()),
        "mean_se": float(np.sqrt((good["se"] ** 2).mean())),
        "singular": float(good["singular"].mean()),
    }


def to_markdown(results: list[dict[str, Any]]) -> str:
    """The table of all cells; rates in per cent with their binomial standard error."""
    head = (
        "| cell | studies | type-I error | coverage, null | coverage, planted | power | bias | SE / spread | "
        "two-way clustered: type-I | naive: type-I | singular | failed |\n"
        "|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|"
    )
    return "\n".join([head, *(_line(result) for result in results)]) + "\n"


def _line(result: dict[str, Any]) -> str:
    null, planted = result["null"], result["planted"]
    failed = null["studies"] + planted["studies"] - null["usable"] - planted["usable"]
    cells = [
        f"{null['studies']} + {planted['studies']}",
        _rate(null["rejected"], null["usable"]),
        _rate(null["covered"], null["usable"]),
        _rate(planted["covered"], planted["usable"]),
        f"{100 * planted['rejected']:.0f}%",
        f"{planted['bias']:+.3f}",
        f"{planted['mean_se'] / planted['spread']:.2f}",
        _rate(null["robust"], null["usable"]),
        _rate(null["naive"], null["usable"]),
        f"{100 * planted['singular']:.0f}%",
        str(failed),
    ]
    return f"| {result['cell'].replace(':', ', ')} raters | " + " | ".join(cells) + " |"


def _rate(share: float, count: int) -> str:
    return f"{100 * share:.1f} ± {100 * math.sqrt(max(share * (1 - share), 1e-9) / max(count, 1)):.1f}%"


def main() -> int:
    """Run the chosen cells, one after the other; finished cells are kept in a JSON file beside the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--studies", type=int, default=1000, help="per cell, of each kind (null and planted)")
    parser.add_argument("--cells", nargs="+", help="for example pairs:24 sliders:200 (default: all nine)")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--first", type=int, default=1, help="first seed")
    parser.add_argument(
        "--out", type=Path, help="markdown file; rates are written below its first line '<!-- table -->'"
    )
    given = parser.parse_args()
    cells = [Cell(kind, raters) for raters in PROMPTS for kind in KINDS]
    if given.cells:
        cells = [cell for cell in cells if cell.name in given.cells]
    results: list[dict[str, Any]] = []
    with ProcessPoolExecutor(given.workers, mp_context=get_context("spawn")) as pool:
        for cell in cells:
            results.append(run_cell(cell, studies=given.studies, first=given.first, pool=pool))
            print(json.dumps(results[-1]), file=sys.stderr, flush=True)
    table = to_markdown(results)
    print(table)
    if given.out:
        head = given.out.read_text(encoding="utf-8").split("<!-- table -->")[0] if given.out.exists() else ""
        given.out.write_text(f"{head}<!-- table -->\n\n{table}", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
