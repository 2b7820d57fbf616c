"""Holm's correction."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.stats.multitest import multipletests

from analysis.inference.multiplicity import holm


@settings(max_examples=25, deadline=None)
@given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
def test_holm_equals_statsmodels(p):
    expected = multipletests(p, method="holm")[1]

    assert holm(np.array(p)) == pytest.approx(expected)


def test_missing_p_counts_in_the_family_and_stays_missing():
    corrected = holm(np.array([0.01, np.nan, 0.04]))

    assert corrected[[0, 2]] == pytest.approx([0.03, 0.08])
    assert np.isnan(corrected[1])
