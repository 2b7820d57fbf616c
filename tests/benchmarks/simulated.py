"""Studies of any size with known effects and spreads, as plain columns: ratings, forced choices, signed pairs.

Four systems (base, act, wt, prm), ten outputs per prompt and system; every rater judges 20 pairs of different prompts.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

SYSTEMS = np.array(["base", "act", "wt", "prm"])
EFFECT = np.array([0.0, 0.25, 0.40, 0.15])
PROMPTS = {72: 40, 720: 120, 7200: 400}
OUTPUTS = 10
TRIALS = 20
SIDE = 0.1
CUTS = np.array([-2.0, -0.5, 0.5, 2.0])


def prompts_of(raters: int) -> int:
    """The number of prompts that goes with a number of raters."""
    return PROMPTS.get(raters, max(TRIALS, raters // 6))


def ratings(raters: int, *, seed: int = 0) -> pd.DataFrame:
    """Both outputs of each pair rated 1-7: columns score, system, rater, prompt, output."""
    rng, cells = np.random.default_rng([seed, raters, 1]), _against_base(raters, seed)
    spread = {
        name: rng.normal(0, sd, count)
        for name, sd, count in zip(
            ("rater", "prompt", "output"),
            (0.5, 0.4, 0.6),
            (raters, prompts_of(raters), prompts_of(raters) * SYSTEMS.size * OUTPUTS),
            strict=True,
        )
    }
    parts = []
    for system in (cells["system"], np.zeros_like(cells["system"])):
        output = (cells["prompt"] * SYSTEMS.size + system) * OUTPUTS + cells["sample"]
        latent = EFFECT[system] + spread["rater"][cells["rater"]] + spread["prompt"][cells["prompt"]]
        latent = latent + spread["output"][output] + rng.normal(size=output.size)
        score = np.clip(np.round(4.0 + latent), 1, 7)
        parts.append(
            pd.DataFrame(
                {"score": score, "system": SYSTEMS[system], "output": output} | _units(cells, "rater", "prompt")
            )
        )
    return pd.concat(parts, ignore_index=True)


def choices(raters: int, *, seed: int = 0) -> pd.DataFrame:
    """Steered against baseline: columns choice (0/1), grade (1-5), system, side (±½), rater, prompt, pair."""
    rng, cells = np.random.default_rng([seed, raters, 2]), _against_base(raters, seed)
    pair = (cells["prompt"] * 3 + cells["system"] - 1) * OUTPUTS + cells["sample"]
    side = rng.integers(2, size=pair.size) - 0.5
    eta = EFFECT[cells["system"]] + 2.0 * SIDE * side
    eta = eta + rng.normal(0, 0.5, raters)[cells["rater"]] + rng.normal(0, 0.4, prompts_of(raters))[cells["prompt"]]
    eta = eta + rng.normal(0, 0.6, pair.max() + 1)[pair]
    grade = 1 + ((eta + rng.logistic(size=pair.size))[:, None] > CUTS).sum(axis=1)
    choice = (eta + rng.logistic(size=pair.size) > 0).astype(int)
    columns = {"choice": choice, "grade": grade, "system": SYSTEMS[cells["system"]], "side": side, "pair": pair}
    return pd.DataFrame(columns | _units(cells, "rater", "prompt"))


def signed_pairs(raters: int, *, seed: int = 0) -> pd.DataFrame:
    """Any two systems against each other, in the names of the long table: answer, system_a, output_a, ….

    Spreads: outputs .6, prompt × system .3, rater × system .3; side effect .1.
    """
    rng = np.random.default_rng([seed, raters, 3])
    prompts = prompts_of(raters)
    rater, prompt = _rater_and_prompt(rng, raters)
    a = rng.integers(SYSTEMS.size, size=rater.size)
    b = (a + 1 + rng.integers(SYSTEMS.size - 1, size=rater.size)) % SYSTEMS.size
    cell = [prompt * SYSTEMS.size + system for system in (a, b)]
    output = [where * OUTPUTS + rng.integers(OUTPUTS, size=rater.size) for where in cell]
    by_output = rng.normal(0, 0.6, prompts * SYSTEMS.size * OUTPUTS)
    by_prompt = rng.normal(0, 0.3, prompts * SYSTEMS.size)
    by_rater = rng.normal(0, 0.3, (raters, SYSTEMS.size))
    eta = SIDE + EFFECT[a] - EFFECT[b] + by_output[output[0]] - by_output[output[1]]
    eta = eta + by_prompt[cell[0]] - by_prompt[cell[1]] + by_rater[rater, a] - by_rater[rater, b]
    return pd.DataFrame(
        {
            "answer": (eta + rng.logistic(size=rater.size) > 0).astype(int),
            "rater": rater,
            "prompt": prompt,
            "system_a": SYSTEMS[a],
            "system_b": SYSTEMS[b],
            "output_a": output[0],
            "output_b": output[1],
        }
    )


def _against_base(raters: int, seed: int) -> dict[str, np.ndarray]:
    rng = np.random.default_rng([seed, raters, 0])
    rater, prompt = _rater_and_prompt(rng, raters)
    system = rng.permuted(np.tile(np.arange(TRIALS) % 3 + 1, (raters, 1)), axis=1).ravel()
    return {"rater": rater, "prompt": prompt, "system": system, "sample": rng.integers(OUTPUTS, size=rater.size)}


def _rater_and_prompt(rng: np.random.Generator, raters: int) -> tuple[np.ndarray, np.ndarray]:
    rater = np.repeat(np.arange(raters), TRIALS)
    prompt = rng.permuted(np.tile(np.arange(prompts_of(raters)), (raters, 1)), axis=1)[:, :TRIALS].ravel()
    return rater, prompt


def _units(cells: dict[str, np.ndarray], *names: str) -> dict[str, np.ndarray]:
    return {name: cells[name] for name in names}
