"""Mode-collapse measures: time and memory at full size, and whether their tests hold their level.

``python -m tests.benchmarks.diversity scale`` and ``… levels --runs 400``; tables: ``diversity.md``.
"""

from __future__ import annotations

import argparse
import os
import resource
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from itertools import pairwise

for _name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"):
    os.environ.setdefault(_name, "1")

import numpy as np  # noqa: E402
import pandas as pd  # noqa: E402

from analysis.diversity import measure  # noqa: E402
from analysis.diversity.similarity import compare_texts  # noqa: E402
from analysis.diversity.table import Outputs  # noqa: E402

SYSTEMS, PROMPTS, SAMPLES = 25, 100, 50
SCENES = {
    # name: (prompts, share of stock answers of baseline and steered, spread over prompt and system)
    "no difference, 20 prompts": (20, (0.5, 0.5), 0.0),
    "no difference on average, spread over prompts and systems, 20 prompts": (20, (0.5, 0.5), 0.25),
    "the same with 8 prompts": (8, (0.5, 0.5), 0.25),
    "planted: 0.65 against 0.40, 20 prompts": (20, (0.65, 0.40), 0.15),
}


def peak() -> float:
    """Return the most memory this process has held, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


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
    before, start = peak(), time.perf_counter()
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
    """Simulate outputs of two systems, measure them, and return the tests of the family."""
    prompts, shares, spread = SCENES[scene]
    rng = np.random.default_rng([seed, prompts])
    vocabulary = np.array([f"w{at:03d}" for at in range(400)])
    rows = []
    for prompt in range(prompts):
        topic = rng.choice(vocabulary, 60)
        stock = rng.choice(topic, 20)
        for system, share in zip(("baseline", "steered"), shares, strict=True):
            here = float(np.clip(share + spread * rng.uniform(-1.7, 1.7), 0.0, 1.0))
            for sample in range(10):
                text = stock if rng.random() < here else rng.choice(topic, 20)
                text = np.where(rng.random(20) < 0.04, rng.choice(topic, 20), text)
                rows.append((f"p{prompt}", system, sample, " ".join(text)))
    frame = pd.DataFrame(rows, columns=["prompt", "system", "sample", "text"])
    table = measure(frame, baseline="baseline", seed=seed).tables["contrasts"]
    return table[table["family"]].assign(run=seed)


def levels(runs: int, scene: str) -> None:
    """Print how often each test is below .05, and how often any is after Holm; and the cover of the intervals."""
    with ProcessPoolExecutor(2) as pool:
        found = pd.concat(pool.map(partial(run, scene=scene), range(runs), chunksize=5))
    planted = SCENES[scene][1][0] != SCENES[scene][1][1]
    error = 100 * (0.05 * 0.95 / runs) ** 0.5
    print(f"\n### {scene} ({runs} runs; Monte-Carlo error of 5%: ±{error:.1f} points)\n")
    print(
        "| measure | sign flips, p < .05 | after Holm | mixed model, p < .05 |"
        + (" |" if planted else " interval holds 0 |")
    )
    print("|---|---|---|---|---|")
    for key, part in found.groupby("measure", sort=False):
        cells = [part["p"] < 0.05, part["p_holm"] < 0.05, part["mixed_p"] < 0.05]
        shares = [f"{100 * cell.mean():.1f}%" for cell in cells]
        holds = (part["low"] <= 0) & (part["high"] >= 0)
        print(f"| {key} | " + " | ".join(shares) + (" | |" if planted else f" | {100 * holds.mean():.1f}% |"))
    any_holm = (found["p_holm"] < 0.05).groupby(found["run"]).any().mean()
    print(f"| any of the 11 | | {100 * any_holm:.1f}% | | |", flush=True)


def main() -> int:
    """Run by name."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=("scale", "whole", "levels"))
    parser.add_argument("--width", type=int, default=384)
    parser.add_argument("--runs", type=int, default=400)
    parser.add_argument("--scene", type=int, choices=range(len(SCENES)))
    given = parser.parse_args()
    if given.what == "scale":
        scale(given.width)
    elif given.what == "whole":
        whole()
    else:
        names = list(SCENES)
        for name in names if given.scene is None else [names[given.scene]]:
            levels(given.runs, name)
    return 0


if __name__ == "__main__":
    sys.exit(main())
