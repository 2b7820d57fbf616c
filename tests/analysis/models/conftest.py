"""How R's data sets become arrays."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from analysis.numerics.structure import SignedFactor


@pytest.fixture(scope="session")
def intercepts() -> Callable[..., tuple[SignedFactor, ...]]:
    """Random intercepts of the named columns."""

    def build(frame: pd.DataFrame, *names: str) -> tuple[SignedFactor, ...]:
        codes = [pd.factorize(frame[name], sort=True)[0].astype(np.int64) for name in names]
        return tuple(
            SignedFactor(name, (code,), (1.0,), int(code.max()) + 1) for name, code in zip(names, codes, strict=True)
        )

    return build
