"""Halving: every group of both chains, within one."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from annotations.design.booklets import Showings, assign_booklets
from annotations.design.euler import combine, halve


@given(st.lists(st.tuples(st.integers(0, 6), st.integers(0, 3), st.integers(0, 9)), max_size=80), st.integers(0, 99))
def test_halve_splits_every_group_within_one(edges, seed):
    fine, wide, other = (np.array([edge[at] for edge in edges], dtype=np.int64) for at in range(3))
    nested = combine(wide, fine)

    colour = halve([nested, wide], [other], np.random.default_rng(seed))

    sign = np.where(colour, 1, -1)
    for groups in (nested, wide, other, np.zeros(len(edges), dtype=np.int64)):
        assert all(abs(int(sign[groups == group].sum())) <= 1 for group in np.unique(groups))


def test_halve_begins_at_random():
    one = np.zeros(2, dtype=np.int64)

    colours = {tuple(halve([one], [one], np.random.default_rng(seed)).tolist()) for seed in range(20)}

    assert colours == {(True, False), (False, True)}


@given(st.integers(1, 12), st.integers(1, 4), st.integers(1, 4), st.integers(0, 99))
def test_assign_booklets_succeeds_where_every_prompt_fills_every_booklet(prompts, pairs, copies, seed):
    """The tightest case: as many booklets as a prompt has showings, so each booklet holds each prompt exactly once."""
    task = np.repeat(np.arange(prompts * pairs), copies)
    showings = Showings(task, task // pairs, task % pairs)

    booklet = assign_booklets(showings, pairs * copies, np.random.default_rng(seed))

    assert sorted(zip(booklet.tolist(), showings.prompt.tolist(), strict=True)) == [
        (number, prompt) for number in range(pairs * copies) for prompt in range(prompts)
    ]
