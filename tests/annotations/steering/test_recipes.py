"""Recipes: what is hashed, and what is allowed. Needs no PyTorch."""

import json
import subprocess
import sys
from dataclasses import fields, replace

import pytest

from annotations.steering.contrast import Contrast, contrast_of, own_contrast
from annotations.steering.errors import SteeringError
from annotations.steering.places import numbers_of
from annotations.steering.recipes import Recipe

WEIGHTS = Recipe(
    kind="weights",
    model="m" * 64,
    dtype="float32",
    device="cpu",
    libraries="torch 2, transformers 5",
    contrast="c" * 64,
    chat=True,
    blocks=(1, 2),
    modules=("mlp", "attention"),
    ratio=0.1,
    alpha=1.0,
)
OTHER = {
    "kind": "baseline",
    "model": "n" * 64,
    "dtype": "bfloat16",
    "device": "cuda",
    "libraries": "torch 3, transformers 5",
    "contrast": "d" * 64,
    "chat": False,
    "blocks": (2,),
    "modules": ("mlp",),
    "ratio": 0.2,
    "alpha": 0.5,
    "scope": "model",
    "norm": "tokens",
    "strength": 1.0,
    "unit": True,
    "pooling": "mean",
    "version": 2,
}


def test_hash_is_the_same_in_another_process():
    code = f"from annotations.steering.recipes import Recipe; print(Recipe(**{WEIGHTS.as_dict()!r}).hash)"

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == WEIGHTS.hash


def test_hash_is_pinned_so_that_stored_provenance_stays_comparable():
    assert json.loads(WEIGHTS.canonical) == WEIGHTS.as_dict()
    assert WEIGHTS.hash == "13a5fead6ddf73231fa24c0e5341c46e017972139d3c00523a35a3a61658c65a"


def test_every_field_has_another_value_to_be_tried_with():
    assert {field.name for field in fields(Recipe)} == set(OTHER)


@pytest.mark.parametrize("name", sorted(OTHER))
def test_every_field_changes_the_hash(name):
    changed = replace(WEIGHTS, **{name: OTHER[name]})

    assert changed.hash != WEIGHTS.hash
    assert (changed.finding == WEIGHTS.finding) == (name in {"alpha", "strength"})


def test_writing_of_the_same_thing_does_not_change_the_hash():
    same = replace(WEIGHTS, blocks=(2, 1, 1), modules=("attention", "mlp"), alpha=1)

    assert same.hash == WEIGHTS.hash


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"ratio": 0.009}, "between 0.01 and 0.2"),
        ({"ratio": 0.21}, "between 0.01 and 0.2"),
        ({"alpha": 0.009}, "between 0.01 and 2"),
        ({"alpha": 2.1}, "between 0.01 and 2"),
        ({"alpha": -0.5}, "between 0.01 and 2"),
        ({"alpha": float("nan")}, "between 0.01 and 2"),
        ({"modules": ()}, "at least one kind"),
        ({"kind": "activations", "strength": float("inf")}, "λ must lie"),
        ({"kind": "activations"}, "exactly one block"),
    ],
)
def test_recipe_outside_the_limits_is_refused(wrong, message):
    with pytest.raises(SteeringError, match=message):
        replace(WEIGHTS, **wrong)


@pytest.mark.parametrize("edge", [{"ratio": 0.01}, {"ratio": 0.2}, {"alpha": 0}, {"alpha": 0.01}, {"alpha": 2}])
def test_limits_belong_to_what_is_allowed(edge):
    assert replace(WEIGHTS, **edge).kind == "weights"


def test_own_pairs_are_pairs():
    pairs = own_contrast()

    assert len(pairs.creative) == len(pairs.routine) >= 20
    assert len({*pairs.creative, *pairs.routine}) == 2 * len(pairs.creative)
    assert contrast_of((), ()) is pairs


@pytest.mark.parametrize(
    ("creative", "routine", "message"),
    [(["a"], [], "1 of the first and 0"), (["a", "b"], ["c"], "2 of the first and 1"), (["a"], [" "], "is empty")],
)
def test_pairs_that_do_not_match_are_refused(creative, routine, message):
    with pytest.raises(SteeringError, match=message):
        contrast_of(creative, routine)


def test_digest_of_pairs_knows_sides_and_order():
    pairs = [
        Contrast(("a", "b"), ("c", "d")),
        Contrast(("b", "a"), ("c", "d")),
        Contrast(("c", "d"), ("a", "b")),
        Contrast(("a", "b"), ("c", "e")),
    ]

    assert len({pair.digest for pair in pairs}) == 4


@pytest.mark.parametrize(
    ("words", "numbers"),
    [
        ("all", (1, 2, 3, 4, 5)),
        ("", (1, 2, 3, 4, 5)),
        ("Last  half", (3, 4, 5)),
        ("2", (2,)),
        ("1-3, 5", (1, 2, 3, 5)),
        ("4–5,1", (1, 4, 5)),
    ],
)
def test_blocks_are_read_as_people_write_them(words, numbers):
    assert numbers_of(words, 5) == numbers


@pytest.mark.parametrize("words", ["0", "6", "3-2", "1-6", "a", "1,,2", "-1", "1-"])
def test_blocks_that_are_not_there_are_refused(words):
    with pytest.raises(SteeringError, match="up to 5"):
        numbers_of(words, 5)


def test_endless_range_is_refused_before_anybody_counts_it():
    with pytest.raises(SteeringError, match="blocks are"):
        numbers_of("1-99999999999", 0)
