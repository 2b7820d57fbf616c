"""Coverage and false positives of the whole analysis on the demo's design.

18 prompts x 3 systems x 2 samples, 60 raters x 20 trials (no prompt twice per rater would allow 18: two blocks
of prompts are drawn), dimensions by forced choice and by graded preference with 5 levels. Each seed draws new outputs,
prompts and raters, so the truth is the planted effect of the systems, not the mean of the particular outputs.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from itertools import combinations
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np

from analysis.report import analyse
from analysis.simulate import PlantedTruth, simulate_answers

SYSTEMS = ("baseline", "reference", "steered")
EFFECTS = {
    "creativity": {"baseline": 0.0, "steered": 0.7, "reference": 1.0},
    "originality": {"baseline": 0.0, "steered": 0.9, "reference": 0.5},
    "surprise": {"baseline": 0.0, "steered": 0.6, "reference": 0.2},
}
QUESTIONS = {
    "creativity": ("pairwise_graded", 5),
    "originality": ("pairwise_choice", 2),
    "surprise": ("pairwise_graded", 5),
}
SPREADS = {
    "default": {"output_sd": 0.5, "prompt_system_sd": 0.3, "rater_system_sd": 0.3, "side_bias": 0.1},
    "wide": {"output_sd": 0.8, "prompt_system_sd": 0.6, "rater_system_sd": 0.6, "side_bias": 0.2},
    "lapses": {
        "output_sd": 0.5,
        "prompt_system_sd": 0.3,
        "rater_system_sd": 0.3,
        "rater_side_sd": 0.3,
        "lapse_rate": 0.02,
    },
}


def plan(rng: np.random.Generator, *, raters: int = 60, trials: int = 20, prompts: int = 18) -> list[dict[str, Any]]:
    """Return all trials: prompts without repetition as far as they go, system pairs and sides balanced."""
    pairs = list(combinations(SYSTEMS, 2))
    rows = []
    for rater in range(raters):
        order = np.concatenate([rng.permutation(prompts) for _ in range(-(-trials // prompts))])[:trials]
        kinds = rng.permutation(np.resize(np.arange(2 * len(pairs)), trials))
        for position, (prompt, kind) in enumerate(zip(order, kinds, strict=True), start=1):
            a, b = pairs[kind // 2] if kind % 2 else pairs[kind // 2][::-1]
            one, two = rng.integers(2, size=2)
            base = {
                "rater": f"r{rater}",
                "prompt": f"p{prompt}",
                "position": position,
                "system_a": a,
                "output_a": f"p{prompt}/{a}/{one}",
                "system_b": b,
                "output_b": f"p{prompt}/{b}/{two}",
            }
            rows += [
                {**base, "judgement": f"{rater}/{position}", "dimension": name, "measure": measure, "levels": levels}
                for name, (measure, levels) in QUESTIONS.items()
            ]
    return rows


def one_study(job: tuple[int, str, bool]) -> list[dict[str, Any]]:
    """Simulate and analyse one study; return one record per contrast."""
    seed, spread, null = job
    effects = {name: dict.fromkeys(SYSTEMS, 0.0) for name in EFFECTS} if null else EFFECTS
    truth = PlantedTruth(effects=effects, dimension_correlation=0.5, **SPREADS[spread])
    frame = simulate_answers(plan(np.random.default_rng([seed, 7])), truth, seed=seed)
    result = analyse(frame)
    return [
        {
            "seed": seed,
            "dimension": row.dimension,
            "contrast": row.contrast,
            "truth": truth.contrast(row.dimension, row.first, row.second),
            "estimate": row.estimate,
            "se": row.se,
            "low": row.low,
            "high": row.high,
            "p": row.p,
            "naive_p": row.naive_p,
            "converged": row.converged,
        }
        for row in result.rows
    ]


def summarise(records: list[dict[str, Any]], seeds: int) -> list[dict[str, Any]]:
    """Return one line per dimension and contrast: coverage, rejections, bias, and how honest the standard error is."""
    lines = []
    for key in dict.fromkeys((record["dimension"], record["contrast"]) for record in records):
        part = [record for record in records if (record["dimension"], record["contrast"]) == key]
        estimate = np.array([record["estimate"] for record in part])
        inside = sum(record["low"] <= record["truth"] <= record["high"] for record in part)
        lines.append(
            {
                "dimension": key[0],
                "contrast": key[1],
                "truth": part[0]["truth"],
                "mean": float(np.nanmean(estimate)),
                "sd": float(np.nanstd(estimate, ddof=1)),
                "mean_se": float(np.nanmean([record["se"] for record in part])),
                "covered": int(inside),
                "rejected": float(np.mean([record["p"] < 0.05 for record in part])),
                "naive_rejected": float(np.mean([record["naive_p"] < 0.05 for record in part])),
                "failed": sum(not record["converged"] for record in part),
                "seeds": seeds,
            }
        )
    return lines


def show(lines: list[dict[str, Any]]) -> None:
    """Print the table."""
    names = ("truth", "mean", "sd", "SE", "covered", "p<.05", "naive", "failed")
    head = f"{'dimension':12} {'contrast':24} " + " ".join(f"{name:>{9 if name == 'covered' else 6}}" for name in names)
    sys.stdout.write(head + "\n")
    for line in lines:
        sys.stdout.write(
            f"{line['dimension']:12} {line['contrast']:24} {line['truth']:6.2f} {line['mean']:6.3f} {line['sd']:6.3f} "
            f"{line['mean_se']:6.3f} {line['covered']:4d}/{line['seeds']:<4d} {line['rejected']:6.3f} "
            f"{line['naive_rejected']:6.3f} {line['failed']:6d}\n"
        )


def main() -> int:
    """Run the study; exit code 1 if a planted effect is covered in fewer than 93% of the seeds."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seeds", type=int, default=500)
    parser.add_argument("--first", type=int, default=1)
    parser.add_argument("--spread", choices=SPREADS, default="default")
    parser.add_argument("--null", action="store_true", help="plant no effect: the share of p < .05 is the type-I error")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    jobs = [(seed, given.spread, given.null) for seed in range(given.first, given.first + given.seeds)]
    start = time.perf_counter()
    with ProcessPoolExecutor(given.workers, mp_context=get_context("spawn")) as pool:
        records = [record for study in pool.map(one_study, jobs, chunksize=4) for record in study]
    lines = summarise(records, given.seeds)
    show(lines)
    overall = np.mean([line["covered"] / line["seeds"] for line in lines])
    rejected = np.mean([line["rejected"] for line in lines])
    sys.stdout.write(
        f"overall coverage {overall:.3f}, p < .05 in {rejected:.3f}, {time.perf_counter() - start:.0f} s\n"
    )
    if given.json:
        given.json.write_text(json.dumps(lines, indent=1) + "\n")
    return int(not given.null and any(line["covered"] < 0.93 * line["seeds"] for line in lines))


if __name__ == "__main__":
    sys.exit(main())
