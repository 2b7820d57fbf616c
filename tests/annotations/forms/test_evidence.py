"""Evidence of a page: what is known and plausible is kept, anything else is dropped and never costs an answer."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from annotations.forms.evidence import LONGEST, MOST, read_evidence
from annotations.forms.trial import read_submission

WHOLE = {
    "sliders": {"creativity.1": {"start": 50, "by": ["pointer", "key"]}, "surprise": {"start": None, "by": []}},
    "pastes": {"count": 2, "characters": 340, "fields": ["why", "why.note"]},
    "burst": 120,
    "switches": 3,
    "order": ["originality", "creativity.2"],
}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from([*WHOLE, "start", "by"]), inner),
    max_leaves=12,
)


def test_everything_that_is_known_is_kept():
    assert read_evidence(json.dumps(WHOLE)) == WHOLE


def test_submission_carries_the_evidence():
    assert read_submission({"evidence": json.dumps(WHOLE)}).evidence == WHOLE
    assert read_submission({}).evidence == {}


@pytest.mark.parametrize("raw", ["", "x", "[]", "1", "null", "{", "[" * 2000, '"a"', "\0"])
def test_what_is_no_object_is_nothing(raw):
    assert read_evidence(raw) == {}


def test_what_is_too_long_is_nothing():
    assert read_evidence(json.dumps({**WHOLE, "burst": 1, "more": "x" * LONGEST})) == {}


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ({"system": "baseline", "ip": "1.2.3.4"}, {}),
        ({"burst": -1, "switches": 1.5}, {}),
        ({"burst": True, "switches": "3"}, {}),
        ({"burst": 10**12}, {"burst": 10**6}),
        ({"pastes": {"count": 1}}, {"pastes": {"count": 1, "characters": 0, "fields": []}}),
        ({"pastes": {"count": 0, "characters": 9}}, {}),
        ({"order": ["a", "a", "b b", 3, "c.1", "x" * 41]}, {"order": ["a", "c.1"]}),
        ({"order": [f"k{n}" for n in range(200)]}, {"order": [f"k{n}" for n in range(MOST)]}),
        ({"sliders": {"a": {"start": "50", "by": "key"}}}, {"sliders": {"a": {"start": None, "by": []}}}),
        (
            {"sliders": {"a": {"start": 1e999, "by": ["key", "mind"]}}},
            {"sliders": {"a": {"start": None, "by": ["key"]}}},
        ),
        ({"sliders": {"<a>": {}}}, {}),
    ],
)
def test_what_is_unknown_or_impossible_is_dropped(sent, kept):
    assert read_evidence(json.dumps(sent)) == kept


@given(sent=JSON)
def test_anything_that_is_kept_is_plain_json_and_reads_the_same_again(sent):
    kept = read_evidence(json.dumps(sent))

    again = json.dumps(kept, allow_nan=False)
    assert read_evidence(again) == kept
    assert set(kept) <= set(WHOLE)
