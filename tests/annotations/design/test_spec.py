"""The spec: round trip and refusals."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from annotations.design import DesignError, DesignSpec

specs = st.builds(
    DesignSpec,
    comparisons=st.sampled_from(["all_pairs", "against_baseline", "listed"]),
    baseline=st.text(max_size=5),
    listed=st.sampled_from([(), (("a", "b"),), (("a", "b"), ("c", "a"))]),
    sample_pairing=st.sampled_from(["matched", "all", "rotated"]),
    raters_per_task=st.integers(-2, 9),
    trials_per_rater=st.integers(-2, 99),
    attention_trials=st.integers(0, 9),
    repeat_trials=st.integers(0, 9),
    check_range=st.sampled_from([(0, 1), (0.1, 0.95)]),
    repeat_gap=st.integers(1, 9),
    complete=st.booleans(),
    seed=st.integers(0, 2**63),
)


@given(specs)
def test_spec_survives_json(spec):
    plain = json.loads(json.dumps(spec.to_dict()))

    assert DesignSpec.from_dict(plain) == spec


def test_spec_takes_defaults_for_missing_fields_and_refuses_unknown_ones():
    assert DesignSpec.from_dict({"seed": 4}) == DesignSpec(seed=4)
    with pytest.raises(DesignError, match="unknown field of the design: raters, trials"):
        DesignSpec.from_dict({"trials": 1, "raters": 2})


@pytest.mark.parametrize(
    ("wishes", "message"),
    [
        ({"raters_per_task": 2.5}, "raters_per_task must be a whole number, not 2.5"),
        ({"trials_per_rater": True}, "trials_per_rater must be a whole number, not True"),
        ({"attention_trials": -1}, "attention_trials must not be negative, but is -1"),
        ({"repeat_gap": 0}, "repeat_gap must be at least 1"),
        ({"seed": -3}, "seed must not be negative"),
        ({"check_range": (0.5, 0.5)}, "check_range must run upwards within 0 and 1, but is 0.5 to 0.5"),
        ({"check_range": (0.5, 1.5)}, "check_range must run upwards"),
        ({"check_range": "all"}, "check_range must be two fractions"),
        ({"check_range": ("0", "1")}, "check_range must be two fractions"),
        ({"listed": "ab"}, "listed must be a list of pairs"),
        ({"listed": (("a",),)}, "listed must hold pairs of systems"),
        ({"listed": (("a", "a"),)}, "listed compares 'a' with itself"),
        ({"listed": (("a", "b"), ("b", "a"))}, "listed holds 'b' and 'a' twice"),
        ({"comparisons": 3}, "comparisons must be a text"),
        ({"complete": "yes"}, "complete must be true or false"),
    ],
)
def test_spec_refuses_what_makes_no_sense(wishes, message):
    with pytest.raises(DesignError, match=message):
        DesignSpec(**wishes)
