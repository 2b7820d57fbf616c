"""Small tables of pairs and of single stimuli."""

import numpy as np
import pandas as pd
import pytest


@pytest.fixture(scope="session")
def pairs() -> pd.DataFrame:
    """120 comparisons of three systems on six prompts of two families by ten raters."""
    rng = np.random.default_rng(5)
    n = 120
    systems = np.array(["base", "ref", "steer"])
    a = rng.integers(0, 3, n)
    b = (a + rng.integers(1, 3, n)) % 3
    prompt = rng.integers(0, 6, n)
    frame = pd.DataFrame(
        {
            "rater": [f"r{k}" for k in rng.integers(0, 10, n)],
            "prompt": [f"p{k}" for k in prompt],
            "task_family": np.where(prompt < 3, "story", "poem"),
            "position": 1 + np.arange(n) % 12,
            "answer": rng.integers(0, 2, n).astype(float),
        }
    )
    for side, system in (("a", a), ("b", b)):
        frame[f"system_{side}"] = systems[system]
        frame[f"output_{side}"] = frame["prompt"] + "/" + frame[f"system_{side}"]
        frame[f"length_{side}"] = rng.integers(50, 200, n)
    return frame


@pytest.fixture(scope="session")
def ratings() -> pd.DataFrame:
    """Ratings of single stimuli: a 2 × 3 design with a covariate."""
    rng = np.random.default_rng(6)
    n = 60
    return pd.DataFrame(
        {
            "y": rng.normal(size=n),
            "g": [f"g{k}" for k in np.arange(n) % 5],
            "h": np.arange(n) % 4,
            "f": pd.Categorical(np.resize(["z", "x"], n), categories=["z", "x", "unused"]),
            "s": np.resize(["a", "b", "c"], n),
            "x": rng.uniform(1, 2, n),
            "flag": np.arange(n) % 3 == 0,
        }
    )
