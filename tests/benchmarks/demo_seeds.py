"""`python tests/benchmarks/demo_seeds.py`: how often the demo's planted effects lie in their 95% intervals.

The demo's own texts, design and minds, seed after seed; only the way through HTTP is left out, which changes no answer
(seed `example.SEED` gives the very table that `make demo` prints). Each seed draws new raters, prompts and outputs.
"""

# ruff: noqa: E402 - Django must be set up before its models are imported

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from multiprocessing import get_context
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "evalplatform.settings")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import django

django.setup()

import pandas as pd
from tqdm import tqdm

from analysis.report import analyse
from analysis.simulate import SimulatedPopulation
from annotations import design
from annotations.domain import attention, planning
from annotations.management import example
from annotations.management.simulation.minds import PREFIX, Known, Mind
from annotations.management.simulation.pages import ShownTrial
from annotations.management.simulation.rating import rater_name
from annotations.models import Study
from annotations.registry import question_types, study_templates

LEAST_COVERED = 0.93


@cache
def library() -> dict[str, dict[str, Any]]:
    """The example's texts by the name of the output."""
    lines = example.OUTPUTS.read_text(encoding="utf-8").splitlines()
    rows = [json.loads(line) for line in lines]
    return {f"{row['prompt_key']}/{row['system']}/{row['sample']}": row for row in rows}


@cache
def trials() -> list[dict[str, Any]]:
    """The main trials of the booklets that the simulated raters get: rater n has booklet n."""
    draft = study_templates.get("pairwise_creativity").draft()
    spec = planning.spec_of(study=Study(design={**draft.design, **example.DESIGN}))
    refs = [design.OutputRef(name, row["prompt_key"], row["system"], row["sample"]) for name, row in library().items()]
    made = design.plan(refs, spec, attention=attention.KEYS)
    return [row for row in made.rows() if row["kind"] == "main" and row["booklet"] <= example.RATERS]


def judgements(seed: int) -> Iterator[dict[str, Any]]:
    """The long table of one seed."""
    population = SimulatedPopulation(example.TRUTH, seed)
    known = {(row["prompt"], row["text"]): Known(row["system"], name) for name, row in library().items()}
    questions = study_templates.get("pairwise_creativity").draft().dimensions
    kinds = {PREFIX + question.key: (question, question_types.get(question.question_type)) for question in questions}
    rows = {key: [choice.value for choice in kind.choices(asked.options)] for key, (asked, kind) in kinds.items()}
    for row in trials():
        name = rater_name(seed, row["booklet"])
        left, right = library()[row["output_a"]], library()[row["output_b"]]
        shown = ShownTrial("", row["position"], 0, left["prompt"], (left["text"], right["text"]))
        for key, value in Mind(name, population, known).answers(shown, rows).items():
            asked, kind = kinds[key]
            yield row | {
                "judgement": f"{name}-{row['position']}",
                "rater": name,
                "booklet": str(row["booklet"]),
                "dimension": asked.key,
                "measure": kind.measure,
                "answer": kind.score(kind.parse(value, asked.options), asked.options),
                "levels": kind.levels(asked.options),
            }


def one_seed(seed: int) -> list[tuple[str, str, float, float, bool, bool]]:
    """Dimension, contrast, planted, estimate, covered, converged; a line per row of the demo's table."""
    found = []
    for row in analyse(pd.DataFrame(judgements(seed))).rows:
        planted = example.TRUTH.contrast(row.dimension, row.first, row.second)
        covered = bool(row.low <= planted <= row.high)
        found.append((row.dimension, row.contrast, planted, float(row.estimate), covered, row.converged))
    return found


def main() -> int:
    """Print the coverage of every row; the exit code is 1 when their mean is below 93%."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seeds", type=int, default=100)
    parser.add_argument("--workers", type=int, default=2)
    given = parser.parse_args()
    began = time.perf_counter()
    lines: dict[tuple[str, str, float], list[tuple[float, bool, bool]]] = defaultdict(list)
    with ProcessPoolExecutor(given.workers, mp_context=get_context("spawn")) as pool:
        for rows in tqdm(pool.map(one_seed, range(1, given.seeds + 1)), total=given.seeds, disable=None):
            for dimension, contrast, planted, *rest in rows:
                lines[dimension, contrast, planted].append(tuple(rest))
    for (dimension, contrast, planted), seeds in lines.items():
        mean = sum(estimate for estimate, _, _ in seeds) / len(seeds)
        covered = sum(inside for _, inside, _ in seeds)
        failed = sum(not converged for _, _, converged in seeds)
        words = f"planted {planted:5.2f}, mean estimate {mean:5.2f}, covered in {covered} of {len(seeds)}"
        print(f"{dimension:<12} {contrast:<38} {words}, {failed} not converged")
    share = sum(inside for seeds in lines.values() for _, inside, _ in seeds) / (len(lines) * given.seeds)
    print(f"covered in all: {share:.3f}; {time.perf_counter() - began:.0f} s")
    return int(share < LEAST_COVERED)


if __name__ == "__main__":
    sys.exit(main())
