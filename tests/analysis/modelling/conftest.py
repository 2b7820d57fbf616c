"""R's numbers and reference models, fitted once."""

import json
from pathlib import Path

import pandas as pd
import pytest

from analysis.modelling import fit

ROOT = Path(__file__).resolve().parents[3]


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
