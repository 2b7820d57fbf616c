"""Studies, reference numbers and an independent oracle for the tests of the analysis."""

import json
import os
from collections.abc import Callable
from dataclasses import replace
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit

from analysis.modelling import fit
from analysis.report import Report, analyse, examine, write_report
from analysis.results import StudyResult
from analysis.simulate import PlantedTruth, simulate_answers

ROOT = Path(__file__).resolve().parents[2]
SHARED = Path(os.environ.get("EVALPLATFORM_SHARED", ROOT.parent / "shared"))
SYSTEMS = ("baseline", "reference", "steered")
TRUTH = PlantedTruth(
    effects={
        "originality": {"steered": 1.0, "reference": 0.5},
        "surprise": {"steered": 0.8, "reference": 0.4},
    }
)
QUESTIONS = {"originality": ("pairwise_choice", 2), "surprise": ("pairwise_graded", 5)}


@pytest.fixture(scope="session")
def shared() -> Callable[[str], Path]:
    """The path of a file of the shared data; the test is skipped where the data are not."""

    def find(name: str) -> Path:
        path = SHARED / name
        if not path.exists():
            pytest.skip(f"shared data are absent ({name}): set EVALPLATFORM_SHARED")
        return path

    return find


@pytest.fixture(scope="session")
def reference() -> dict[str, Any]:
    """R's numbers, made by tests/reference/make_mixed_models.R."""
    return json.loads((ROOT / "tests" / "reference" / "mixed_models.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="session")
def make_plan() -> Callable[..., list[dict[str, Any]]]:
    """Trials of a small study: every rater meets each prompt once."""

    def plan(
        *,
        raters: int = 16,
        prompts: int = 9,
        samples: int = 2,
        questions: dict[str, tuple[str, int]] | None = None,
        systems: tuple[str, ...] = SYSTEMS,
        seed: int = 0,
    ) -> list[dict[str, Any]]:
        rng = np.random.default_rng(seed)
        pairs = list(combinations(systems, 2))
        rows = []
        for rater in range(raters):
            for position, prompt in enumerate(rng.permutation(prompts), start=1):
                pair = pairs[(rater + prompt) % len(pairs)]
                a, b = pair if rng.integers(2) else pair[::-1]
                one, two = rng.integers(samples, size=2)
                trial = {
                    "study": "test",
                    "design_hash": "abc",
                    "judgement": f"{rater:02d}/{position:02d}",
                    "rater": f"r{rater:02d}",
                    "booklet": f"b{rater:02d}",
                    "position": position,
                    "prompt": f"p{prompt:02d}",
                    "system_a": a,
                    "output_a": f"p{prompt:02d}/{a}/{one}",
                    "system_b": b,
                    "output_b": f"p{prompt:02d}/{b}/{two}",
                }
                rows += [
                    {**trial, "dimension": name, "measure": measure, "levels": levels, "question_type": measure}
                    for name, (measure, levels) in (questions or QUESTIONS).items()
                ]
        return rows

    return plan


@pytest.fixture(scope="session")
def study(make_plan) -> pd.DataFrame:
    """A small study with planted effects on two dimensions."""
    return simulate_answers(make_plan(), TRUTH, seed=3)


@pytest.fixture(scope="session")
def make_singles() -> Callable[..., list[dict[str, Any]]]:
    """Trials of single stimuli: every rater meets each prompt once, one system at a time."""

    def plan(
        *, raters: int = 16, prompts: int = 9, samples: int = 2, questions: dict[str, tuple[str, int]], seed: int = 0
    ) -> list[dict[str, Any]]:
        rng = np.random.default_rng(seed)
        rows = []
        for rater in range(raters):
            for position, prompt in enumerate(rng.permutation(prompts), start=1):
                system = SYSTEMS[(rater + prompt) % len(SYSTEMS)]
                trial = {
                    "study": "test",
                    "design_hash": "abc",
                    "judgement": f"s{rater:02d}/{position:02d}",
                    "rater": f"r{rater:02d}",
                    "booklet": f"b{rater:02d}",
                    "position": position,
                    "prompt": f"p{prompt:02d}",
                    "task_family": "story" if prompt % 2 else "slogan",
                    "system_a": system,
                    "output_a": f"p{prompt:02d}/{system}/{rng.integers(samples)}",
                }
                rows += [
                    {**trial, "dimension": name, "measure": measure, "levels": levels, "question_type": measure}
                    for name, (measure, levels) in questions.items()
                ]
        return rows

    return plan


@pytest.fixture(scope="session")
def every_measure(make_plan, make_singles) -> pd.DataFrame:
    """A study with a dimension of each measure: choice, graded preference, slider, Likert."""
    truth = replace(TRUTH, effects={key: {"steered": 1.0} for key in ("originality", "surprise", "fluency", "wit")})
    families = {f"p{prompt:02d}": "story" if prompt % 2 else "slogan" for prompt in range(9)}
    pairs = [{**row, "task_family": families[row["prompt"]]} for row in make_plan()]
    singles = make_singles(questions={"fluency": ("interval", 0), "wit": ("ordinal", 5)})
    return simulate_answers(pairs + singles, truth, seed=4)


@pytest.fixture(scope="session")
def result(study) -> StudyResult:
    """The analysis of the small study, made once."""
    return analyse(study, baseline="baseline")


@pytest.fixture(scope="session")
def examined(result) -> StudyResult:
    """The same with agreement, diagnostics and sensitivity, made once."""
    return examine(result)


@pytest.fixture(scope="session")
def written(examined, tmp_path_factory) -> Report:
    """The report of the small study, written once; tests only read it."""
    return write_report(examined, tmp_path_factory.mktemp("written") / "report", title="Wit & steering")


@pytest.fixture(scope="session")
def swap_sides() -> Callable[[pd.DataFrame], pd.DataFrame]:
    """The same judgements with left and right exchanged."""

    def swap(frame: pd.DataFrame) -> pd.DataFrame:
        names = {"system_a": "system_b", "system_b": "system_a", "output_a": "output_b", "output_b": "output_a"}
        turned = frame.rename(columns=names)
        choice = turned["measure"] == "pairwise_choice"
        return turned.assign(answer=np.where(choice, 1.0 - turned["answer"], -turned["answer"]))

    return swap


@pytest.fixture(scope="session")
def oracle() -> Callable[..., float]:
    """The Laplace deviance of a cumulative logit, dense and plain; shares nothing with the engine but the formula."""

    def deviance(
        *,
        x: np.ndarray,
        z: np.ndarray,
        sd: np.ndarray,
        beta: np.ndarray,
        thresholds: np.ndarray,
        category: np.ndarray,
    ) -> float:
        tau = np.concatenate([[-50.0], thresholds, [50.0]])
        scaled, u = z * sd, np.zeros(z.shape[1])

        def pieces(u: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
            eta = x @ beta + scaled @ u
            fa, fb = expit(tau[category + 1] - eta), expit(tau[category] - eta)
            da, db = fa * (1 - fa), fb * (1 - fb)
            p = fa - fb
            slope = -(da - db) / p
            curve = (da * (1 - 2 * fa) - db * (1 - 2 * fb)) / p - slope**2
            return float(np.log(p).sum()), slope, -curve

        for _ in range(200):
            _, slope, weight = pieces(u)
            hessian = np.eye(u.size) + scaled.T @ (weight[:, None] * scaled)
            step = np.linalg.solve(hessian, scaled.T @ slope - u)
            u = u + step * min(1.0, 2.0 / max(np.abs(step).max(), 1e-12))
            if np.abs(step).max() < 1e-12:
                break
        value, _, weight = pieces(u)
        hessian = np.eye(u.size) + scaled.T @ (weight[:, None] * scaled)
        return -2.0 * value + float(u @ u) + float(np.linalg.slogdet(hessian)[1])

    return deviance


@pytest.fixture(scope="session")
def r_numbers():
    """Made by tests/reference/make_inference.R."""
    return json.loads((ROOT / "tests" / "reference" / "inference.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="session")
def table(shared):
    """A data set of the shared reference; names of groups stay text."""

    def read(name, **types):
        return pd.read_csv(shared(f"reference/{name}.csv"), dtype=types)

    return read


@pytest.fixture(scope="session")
def cake(table):
    return table("cake", temperature=str, replicate=str)


@pytest.fixture(scope="session")
def cake_model(cake):
    return fit("angle ~ recipe * temperature + (1 | recipe:replicate)", cake)


@pytest.fixture(scope="session")
def cbpp_model(table):
    return fit(
        "cbind(incidence, size - incidence) ~ period + (1 | herd)",
        table("cbpp", herd=str, period=str),
        family="binomial",
    )


@pytest.fixture(scope="session")
def wine(table):
    return table("wine", rating=str, bottle=str, judge=str)


@pytest.fixture(scope="session")
def wine_model(wine):
    return fit("rating ~ temp + contact + (1 | judge)", wine, family="cumulative")


@pytest.fixture(scope="session")
def sleep(table):
    return table("sleepstudy", Subject=str)


@pytest.fixture(scope="session")
def slope_model(sleep):
    return fit("Reaction ~ Days + (Days | Subject)", sleep)
