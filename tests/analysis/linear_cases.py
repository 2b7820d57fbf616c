"""The linear mixed models of tests/reference/make_linear_models.R as arrays."""

import json
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from shutil import which
from tempfile import mkdtemp
from typing import Any

import numpy as np
import pandas as pd
import pytest

from analysis.numerics.structure import SignedFactor

REFERENCE = Path(__file__).resolve().parents[1] / "reference"
SHARED_FILES = {"sim72": "sim72_ratings", "sim720": "sim720_ratings_all", "sleepstudy_intercept": "sleepstudy"}
SHARED_FILES |= {f"sleepstudy_{kind}": "sleepstudy" for kind in ("slope", "uncorr", "weights")}
PACKAGE_FILES = {"TVbo_noise": "TVbo", "InstEval_dept": "InstEval"}


@dataclass(frozen=True)
class Case:
    """Arguments of ``fit_linear``."""

    response: np.ndarray
    fixed: np.ndarray
    factors: tuple[SignedFactor, ...]
    options: dict[str, Any] = field(default_factory=dict)


@cache
def numbers() -> dict[str, Any]:
    """R's numbers."""
    return json.loads((REFERENCE / "linear_models.json").read_text(encoding="utf-8"))


@cache
def package_data() -> Path:
    """A folder with data sets that come with R packages; the test is skipped where R is absent."""
    folder = Path(mkdtemp(prefix="r-data-"))
    command = ["Rscript", str(REFERENCE / "write_package_data.R"), str(folder)]
    if which("Rscript") is None or subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("R with lme4 and lmerTest is absent")
    return folder


def group(frame: pd.DataFrame, *columns: str, slopes: Sequence[str] = ()) -> SignedFactor:
    """Group by columns; an empty name in ``slopes`` is the intercept."""
    key = frame[columns[0]].astype(str)
    for column in columns[1:]:
        key = key + ":" + frame[column].astype(str)
    codes, labels = pd.factorize(key, sort=True)
    values = tuple(frame[name].to_numpy(float) if name else None for name in slopes) or (None,)
    names = tuple(name or "(Intercept)" for name in slopes) or ("(Intercept)",)
    return SignedFactor(":".join(columns), (codes.astype(np.int64),), (1.0,), len(labels), tuple(labels), values, names)


def dummies(column: pd.Series, levels: Sequence[Any] | None = None) -> list[np.ndarray]:
    """Treatment contrasts against the first level."""
    return [(column == level).to_numpy(float) for level in (levels or sorted(column.unique()))[1:]]


def products(one: list[np.ndarray], two: list[np.ndarray]) -> list[np.ndarray]:
    """Interactions, in R's order."""
    return [a * b for b in two for a in one]


def load_case(name: str, shared: Callable[[str], Path]) -> Case:
    """Build one model; skipped where its data are not at hand."""
    if name in numbers_of_packages():
        frame = pd.read_csv(package_data() / f"{PACKAGE_FILES.get(name, name)}.csv")
    elif name in {"bent", "flat", "turned"}:
        frame = pd.read_csv(REFERENCE / ("linear_bent.csv" if name == "bent" else "linear_awkward.csv"))
    else:
        frame = pd.read_csv(shared(f"reference/{SHARED_FILES.get(name, name)}.csv"))
    return BUILDERS[name.split("_", maxsplit=1)[0]](frame, name)


def numbers_of_packages() -> set[str]:
    """Names whose data come from R packages and are not stored."""
    return {"ham", "TVbo", "TVbo_noise", "carrots", "InstEval", "InstEval_dept"}


def _case(y: pd.Series, fixed: list[np.ndarray], *factors: SignedFactor, **options: Any) -> Case:
    x = np.column_stack([np.ones(len(y)), *fixed])
    return Case(y.to_numpy(float), x, factors, options)


def _sleepstudy(frame: pd.DataFrame, name: str) -> Case:
    random = {
        "sleepstudy_intercept": (group(frame, "Subject"),),
        "sleepstudy_uncorr": (group(frame, "Subject"), group(frame, "Subject", slopes=("Days",))),
    }.get(name, (group(frame, "Subject", slopes=("", "Days")),))
    weights = {"weights": 0.5 + (np.arange(1, 181) % 7) / 3} if name.endswith("weights") else {}
    return _case(frame.Reaction, [frame.Days.to_numpy(float)], *random, **weights)


def _cake(frame: pd.DataFrame, _: str) -> Case:
    recipe, heat = dummies(frame.recipe), dummies(frame.temperature)
    return _case(frame.angle, [*recipe, *heat, *products(recipe, heat)], group(frame, "recipe", "replicate"))


def _simulated(frame: pd.DataFrame, _: str) -> Case:
    frame = frame[frame.dim == 0] if "dim" in frame else frame
    fixed = dummies(frame.system, ("base", "act", "wt", "prm"))
    return _case(frame.likert, fixed, *(group(frame, column) for column in ("output", "rater", "prompt")))


def _ham(frame: pd.DataFrame, _: str) -> Case:
    product, told = dummies(frame.Product), dummies(frame.Information)
    factors = group(frame, "Consumer", "Product"), group(frame, "Consumer")
    return _case(frame["Informed.liking"], [*product, *told, *products(product, told)], *factors)


def _tvbo(frame: pd.DataFrame, name: str) -> Case:
    tv, picture = dummies(frame.TVset), dummies(frame.Picture)
    factors = [group(frame, *columns) for columns in (("Assessor", "Picture"), ("Assessor", "TVset"), ("Assessor",))]
    if name == "TVbo":
        return _case(frame.Sharpnessofmovement, [*tv, *picture], *factors)
    return _case(frame.Noise, [*tv, *picture, *products(tv, picture)], *factors)


def _carrots(frame: pd.DataFrame, _: str) -> Case:
    frame = frame.dropna(subset=["Preference"])
    fixed = [frame.sens1.to_numpy(), frame.sens2.to_numpy(), *dummies(frame.Homesize)]
    return _case(frame.Preference, fixed, group(frame, "Consumer", slopes=("", "sens1", "sens2")))


def _awkward(frame: pd.DataFrame, name: str) -> Case:
    frame = frame[frame.case == (90 if name == "flat" else 117)]
    if name == "flat":
        fixed = [frame.x.to_numpy(), frame.z.to_numpy(float)]
        return _case(frame.y, fixed, group(frame, "a", slopes=("", "x", "z")))
    factors = group(frame, "a", slopes=("", "x")), group(frame, "b", slopes=("", "z"))
    return _case(frame.y, [frame.x.to_numpy()], *factors)


def _lectures(frame: pd.DataFrame, name: str) -> Case:
    fixed = [*dummies(frame.service), *dummies(frame.lectage), *dummies(frame.studage)]
    return _case(frame.y, fixed, *(group(frame, c) for c in (("s", "d", "dept") if "dept" in name else ("s", "d"))))


BUILDERS: dict[str, Callable[[pd.DataFrame, str], Case]] = {
    "Dyestuff": lambda frame, _: _case(frame.Yield, [], group(frame, "Batch")),
    "Dyestuff2": lambda frame, _: _case(frame.Yield, [], group(frame, "Batch")),
    "Pastes": lambda frame, _: _case(frame.strength, [], group(frame, "cask", "batch"), group(frame, "batch")),
    "Penicillin": lambda frame, _: _case(frame.diameter, [], group(frame, "plate"), group(frame, "sample")),
    "bent": lambda frame, _: _case(
        frame.y, [frame.x.to_numpy(float), frame.z.to_numpy()], group(frame, "g", slopes=("", "x", "z"))
    ),
    "flat": _awkward,
    "turned": _awkward,
    "cake": _cake,
    "sleepstudy": _sleepstudy,
    "sim72": _simulated,
    "sim720": _simulated,
    "ham": _ham,
    "TVbo": _tvbo,
    "carrots": _carrots,
    "InstEval": _lectures,
}
