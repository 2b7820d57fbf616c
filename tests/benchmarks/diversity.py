"""Mode-collapse measures: time and memory at full size, and whether their tests hold their level.

``python -m tests.benchmarks.diversity scale`` and ``… levels --runs 400``; tables: ``diversity.md``.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from itertools import pairwise
from pathlib import Path

for _name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"):
    os.environ.setdefault(_name, "1")

import numpy as np  # noqa: E402
import pandas as pd  # noqa: E402
from scipy import stats  # noqa: E402

from analysis.diversity import MEASURES, measure  # noqa: E402
from analysis.diversity.resampling import mean_intervals, sign_flips  # noqa: E402
from analysis.diversity.run import FROM_LIKENESS, lexical_table  # noqa: E402
from analysis.diversity.similarity import compare_texts  # noqa: E402
from analysis.diversity.table import Outputs, arrange  # noqa: E402
from analysis.embeddings import TfidfSvd, embed  # noqa: E402
from analysis.inference.multiplicity import holm  # noqa: E402

SYSTEMS, PROMPTS, SAMPLES = 25, 100, 50
SCENES = {
    # name: (prompts, share of stock answers of baseline and steered, spread over prompt and system)
    "no difference, 20 prompts": (20, (0.5, 0.5), 0.0),
    "no difference on average, spread over prompts and systems, 20 prompts": (20, (0.5, 0.5), 0.25),
    "the same with 8 prompts": (8, (0.5, 0.5), 0.25),
    "planted: 0.65 against 0.40, 20 prompts": (20, (0.65, 0.40), 0.15),
}


def peak(*, start: bool = False) -> float:
    """Return the most memory this process has held, in MB; ``start`` forgets what was before (Linux)."""
    if start:
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    line = next(line for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines() if "VmHWM" in line)
    return int(line.split()[1]) / 1024


def scale(width: int) -> None:
    """Time the similarity figures of 125,000 texts after embedding, and the memory beyond the vectors."""
    rng = np.random.default_rng(0)
    count = SYSTEMS * PROMPTS * SAMPLES
    vectors = np.empty((PROMPTS, SYSTEMS, SAMPLES, width), np.float32)
    for prompt in range(PROMPTS):
        centre = rng.standard_normal(width) + 0.5 * rng.standard_normal((SYSTEMS, 1, width))
        vectors[prompt] = centre + 0.6 * rng.standard_normal((SYSTEMS, SAMPLES, width))
    flat = vectors.reshape(count, width)
    flat /= np.linalg.norm(flat, axis=1, keepdims=True)
    outputs = Outputs(
        tuple(map(str, range(PROMPTS))), tuple(map(str, range(SYSTEMS))),
        np.repeat(np.arange(PROMPTS), SYSTEMS * SAMPLES), np.tile(np.repeat(np.arange(SYSTEMS), SAMPLES), PROMPTS),
        ("",) * count, ("",) * count, None, np.arange(count), {}, {},
    )  # fmt: skip
    before, start = peak(start=True), time.perf_counter()
    found = compare_texts(outputs, flat, threshold=0.8, class_threshold=0.8)
    seconds = time.perf_counter() - start
    print("| texts | dimensions | vectors, MB | seconds | peak RSS before | after | all pairs would be |")
    print("|---|---|---|---|---|---|---|")
    print(
        f"| {count:,} | {width} | {flat.nbytes / 2**20:.0f} | {seconds:.1f} | {before:.0f} MB | {peak():.0f} MB "
        f"| {count**2 * 4 / 2**30:.0f} GB |"
    )
    print(f"\nmean similarity within {np.nanmean(found.within):.3f}, share above {np.nanmean(found.share):.3f}")


def whole() -> None:
    """Time ``measure`` from texts to tests, by stage."""
    rng = np.random.default_rng(0)
    vocabulary = np.array([f"w{at:05d}" for at in range(20_000)])
    rows = []
    for prompt in range(PROMPTS):
        topic = rng.choice(vocabulary, 300)
        stock = rng.choice(topic, 80)
        for system in range(SYSTEMS):
            for sample in range(SAMPLES):
                text = stock if rng.random() < 0.3 + 0.02 * system else rng.choice(topic, 80)
                text = np.where(rng.random(80) < 0.2, rng.choice(topic, 80), text)
                rows.append((f"prompt {prompt}", f"system {system:02d}", sample, " ".join(text)))
    frame = pd.DataFrame(rows, columns=["prompt", "system", "sample", "text"])
    del rows
    start, stages = time.perf_counter(), []

    def tell(_done: int, _total: int, what: str) -> None:
        if not stages or stages[-1][0] != what:
            stages.append((what, time.perf_counter() - start, peak()))

    measure(frame, baseline="system 00", progress=tell)
    print("| stage | seconds | peak RSS at its end |\n|---|---|---|")
    for (what, begun, _), (_, ended, memory) in pairwise(stages):
        print(f"| {what} | {ended - begun:.1f} | {memory:.0f} MB |")


def run(seed: int, *, scene: str) -> pd.DataFrame:
    """Simulate outputs of two systems, measure them, and return the tests of the family.

    As ``measure`` does it, except that the mixed model of two systems is computed as what it equals, the paired t test.
    """
    prompts, shares, spread = SCENES[scene]
    rng = np.random.default_rng([seed, prompts])
    vocabulary = np.array([f"w{at:03d}" for at in range(400)])
    rows = []
    for prompt in range(prompts):
        topic = rng.choice(vocabulary, 60)
        stock = rng.choice(topic, 20)
        for system, share in zip(("baseline", "steered"), shares, strict=True):
            here = float(np.clip(share + spread * rng.uniform(-1.7, 1.7), 0.0, 1.0))
            for sample in range(6):
                text = stock if rng.random() < here else rng.choice(topic, 20)
                text = np.where(rng.random(20) < 0.04, rng.choice(topic, 20), text)
                rows.append((f"p{prompt}", system, sample, " ".join(text)))
    outputs = arrange(pd.DataFrame(rows, columns=["prompt", "system", "sample", "text"]))
    vectors = embed(outputs.texts, TfidfSvd())
    likeness = compare_texts(outputs, vectors, threshold=0.8, class_threshold=0.8)
    values = {name: getattr(likeness, part) for name, part in FROM_LIKENESS.items()}
    values |= lexical_table(outputs)
    family = [one.key for one in MEASURES if one.family]
    changes = [values[key][:, 1] - values[key][:, 0] for key in family]
    flips = sign_flips(changes, seed=seed, family=len(family))
    ends = mean_intervals(changes, seed=seed)
    p = np.array([one.p for one in flips])
    t = [stats.ttest_1samp(change, 0.0).pvalue if change.std() > 0.0 else np.nan for change in changes]
    low, high = np.array([(one.low, one.high) for one in ends]).T
    return pd.DataFrame({"run": seed, "measure": family, "p": p, "p_holm": holm(p), "t": t, "low": low, "high": high})


def levels(runs: int, scene: str, *, minutes: float) -> None:
    """Print how often each test is below .05, and how often any is after Holm; and the cover of the intervals."""
    until, parts = time.perf_counter() + 60 * minutes, []
    for seed in range(runs):
        parts.append(run(seed, scene=scene))
        if time.perf_counter() > until:
            break
    found, done = pd.concat(parts), len(parts)
    planted = SCENES[scene][1][0] != SCENES[scene][1][1]
    error = 100 * (0.05 * 0.95 / done) ** 0.5
    print(f"\n### {scene} ({done} runs; Monte-Carlo error of 5%: ±{error:.1f} points)\n")
    print("| measure | sign flips, p < .05 | after Holm | mixed model, p < .05 | interval holds 0 |")
    print("|---|---|---|---|---|")
    for key, part in found.groupby("measure", sort=False):
        cells = [part["p"] < 0.05, part["p_holm"] < 0.05, part["t"] < 0.05, (part["low"] <= 0) & (part["high"] >= 0)]
        print(f"| {key} | " + " | ".join(f"{100 * cell.mean():.1f}%" for cell in cells[: 3 if planted else 4]) + " |")
    any_holm = (found["p_holm"] < 0.05).groupby(found["run"]).any().mean()
    print(f"| any of the 11 | | {100 * any_holm:.1f}% | | |", flush=True)


def main() -> int:
    """Run by name."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=("scale", "whole", "levels"))
    parser.add_argument("--width", type=int, default=384)
    parser.add_argument("--runs", type=int, default=400)
    parser.add_argument("--minutes", type=float, default=60.0, help="stop a scene after so long")
    parser.add_argument("--scene", type=int, choices=range(len(SCENES)))
    given = parser.parse_args()
    if given.what == "scale":
        scale(given.width)
    elif given.what == "whole":
        whole()
    else:
        names = list(SCENES)
        for name in names if given.scene is None else [names[given.scene]]:
            levels(given.runs, name, minutes=given.minutes)
    return 0


if __name__ == "__main__":
    sys.exit(main())
