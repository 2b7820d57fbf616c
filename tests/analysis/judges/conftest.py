"""Small studies whose human side can be worked out by hand, and scores for them."""

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd
import pytest

from analysis import schema
from analysis.simulate import PlantedTruth, simulate_answers

PAIRS = (("baseline", "steered"), ("baseline", "reference"), ("reference", "steered"))


@pytest.fixture(scope="session")
def ratings() -> Callable[..., pd.DataFrame]:
    """The long table of {prompt: {system: {rater: answer}}} on a scale of levels (0: a slider)."""

    def build(answers: dict[str, dict[str, dict[str, float]]], *, levels: int = 5, dimension: str = "wit"):
        rows = [
            {
                "judgement": f"{rater}/{prompt}/{system}",
                "rater": rater,
                "prompt": prompt,
                "dimension": dimension,
                "measure": "ordinal" if levels else "interval",
                "system_a": system,
                "output_a": f"{prompt}/{system}/0",
                "answer": answer,
                "levels": levels,
            }
            for prompt, systems in answers.items()
            for system, given in systems.items()
            for rater, answer in given.items()
        ]
        return schema.validate(pd.DataFrame(rows))

    return build


@pytest.fixture(scope="session")
def choices() -> Callable[..., pd.DataFrame]:
    """The long table of (prompt, first system, second system, answers by rater from the first rater on)."""

    def build(
        rows: Sequence[tuple[str, str, str, Sequence[float]]],
        *,
        measure: str = "pairwise_choice",
        levels: int = 3,
        dimension: str = "originality",
    ):
        found = [
            {
                "judgement": f"r{rater}/{prompt}/{a}/{b}",
                "rater": f"r{rater}",
                "prompt": prompt,
                "dimension": dimension,
                "measure": measure,
                "levels": levels,
                "system_a": a,
                "output_a": f"{prompt}/{a}/0",
                "system_b": b,
                "output_b": f"{prompt}/{b}/0",
                "answer": answer,
            }
            for prompt, a, b, answers in rows
            for rater, answer in enumerate(answers)
        ]
        return schema.validate(pd.DataFrame(found))

    return build


@pytest.fixture(scope="session")
def scored() -> Callable[..., pd.DataFrame]:
    """A table of scores of {judge: {output: value}}."""

    def build(**judges: dict[str, float]):
        rows = [(judge, output, value) for judge, given in judges.items() for output, value in given.items()]
        return pd.DataFrame(rows, columns=["judge", "output", "value"])

    return build


@pytest.fixture(scope="session")
def study() -> pd.DataFrame:
    """Fifteen raters on twelve prompts: choices of pairs, and a slider about each of the three outputs."""
    rng = np.random.default_rng(1)
    rows = []
    for rater in range(15):
        for prompt in range(12):
            a, b = PAIRS[(rater + prompt) % 3][:: 1 if rng.integers(2) else -1]
            common = {"rater": f"r{rater:02d}", "prompt": f"p{prompt:02d}"}
            names = {s: f"p{prompt:02d}/{s}/0" for s in ("baseline", "reference", "steered")}
            rows.append(
                {
                    **common,
                    "judgement": f"c/{rater}/{prompt}",
                    "system_a": a,
                    "output_a": names[a],
                    "system_b": b,
                    "output_b": names[b],
                    "dimension": "originality",
                    "measure": "pairwise_choice",
                    "levels": 2,
                }
            )
            rows += [
                {
                    **common,
                    "judgement": f"s/{rater}/{prompt}/{system}",
                    "system_a": system,
                    "output_a": names[system],
                    "dimension": "wit",
                    "measure": "interval",
                    "levels": 0,
                }
                for system in (a, b)
            ]
    truth = PlantedTruth(effects={d: {"steered": 1.0} for d in ("originality", "wit")}, output_sd=1.0)
    return simulate_answers(rows, truth, seed=2)


@pytest.fixture(scope="session")
def scores(study) -> pd.DataFrame:
    """A judge that knows a little, one that knows nothing, and one with many ties."""
    rng = np.random.default_rng(3)
    outputs = sorted({*study["output_a"], *study["output_b"]} - {""})
    wit = study[study["dimension"] == "wit"].groupby("output_a")["answer"].mean()
    rows = [("knowing", name, float(wit[name]) + rng.normal(0, 8)) for name in outputs]
    rows += [("random", name, float(rng.normal())) for name in outputs]
    known = {name: value for judge, name, value in rows if judge == "knowing"}
    rows += [("coarse", name, float(value > np.median(list(known.values())))) for name, value in known.items()]
    return pd.DataFrame(rows, columns=["judge", "output", "value"])
