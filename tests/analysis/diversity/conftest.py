"""Outputs with a planted collapse: stock answers that one system gives more often."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from analysis.diversity import Diversity, measure


def plant(
    *, prompts: int = 12, samples: int = 8, seed: int = 0, stock: dict[str, float] | None = None, words: int = 20
) -> pd.DataFrame:
    """Each output is, with the system's probability, a stock answer of the prompt with some words changed."""
    rng = np.random.default_rng(seed)
    vocabulary = np.array([f"w{at:03d}" for at in range(400)])
    rows = []
    for prompt in range(prompts):
        topic = rng.choice(vocabulary, 60)
        answer = rng.choice(topic, words)
        for system, share in (stock or {"baseline": 0.7, "other": 0.7, "steered": 0.1}).items():
            for sample in range(samples):
                text = answer if rng.random() < share else rng.choice(topic, words)
                text = np.where(rng.random(words) < 0.04, rng.choice(topic, words), text)
                rows.append((f"Write of {prompt:02d}", system, str(sample), " ".join(text)))
    return pd.DataFrame(rows, columns=["prompt", "system", "sample", "text"])


@pytest.fixture(scope="session")
def planted() -> Callable[..., pd.DataFrame]:
    return plant


@pytest.fixture(scope="session")
def outputs() -> pd.DataFrame:
    return plant()


@pytest.fixture(scope="session")
def found(outputs) -> Diversity:
    """The measurement of the planted outputs, made once."""
    return measure(outputs, baseline="baseline")
