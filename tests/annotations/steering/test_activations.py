"""Directions between hidden states, pushing along them, and scores of texts, against numpy."""

import math

import numpy as np
import pytest

from annotations.steering.activations import direction, pushed, read_direction, save_direction, states
from annotations.steering.contrast import Contrast
from annotations.steering.errors import SteeringError
from annotations.steering.places import block
from annotations.steering.scoring import cosines, surprisal
from annotations.steering.treatments import Wish, block_for, direction_for, prepare, recipe_for
from tests.annotations.steering.conftest import needs_models

pytestmark = needs_models

CONTRAST = Contrast(("Invent a new sea.", "Dream!"), ("Name a sea.", "Stop."))
KINDS = ["llama", "gpt2", "neox"]


def hidden_by_hand(one, ids, number):
    """What transformers itself calls ``hidden_states[number]`` of one text, as numpy float64 (tokens, width)."""
    import torch

    out = one.model(torch.tensor([ids]), output_hidden_states=True)
    return out.hidden_states[number][0].numpy().astype(np.float64)


@pytest.mark.parametrize("pooling", ["last", "mean"])
@pytest.mark.parametrize("kind", KINDS)
def test_direction_is_creative_minus_routine(loaded, kind, pooling, untouched):
    one = loaded[kind]
    wish = Wish(kind="activations", contrast=CONTRAST, block=1, pooling=pooling)

    found = prepare(one, wish).direction

    ends = []
    for prompts in (CONTRAST.creative, CONTRAST.routine):
        hidden = [hidden_by_hand(one, one.tokens(prompt), 1) for prompt in prompts]
        ends.append(np.mean([h[-1] if pooling == "last" else h.mean(0) for h in hidden], axis=0))
    # float32 hidden states of size about 1: seven digits
    np.testing.assert_allclose(found.vector.numpy(), ends[0] - ends[1], atol=2e-6)
    np.testing.assert_allclose(found.middle.numpy(), (ends[0] + ends[1]) / 2, atol=2e-6)


@pytest.mark.parametrize("kind", KINDS)
def test_pushing_adds_exactly_strength_times_direction_after_the_block(torch, loaded, kind, untouched):
    one = loaded[kind]
    ids = torch.tensor([one.plain("The sea is")])
    found = prepare(one, Wish(kind="activations", contrast=CONTRAST, block=1)).direction
    plain = one.model(ids, output_hidden_states=True)

    seen = []
    with pushed(one.model, found, 1.5):
        after = block(one.model, 2).register_forward_pre_hook(lambda _m, given: seen.append(given[0]))
        moved = one.model(ids)
        after.remove()

    assert torch.equal(seen[0], plain.hidden_states[1] + 1.5 * found.vector)
    assert not torch.equal(moved.logits, plain.logits)
    assert torch.equal(one.model(ids).logits, plain.logits)


def test_logits_after_the_last_block_are_those_of_the_moved_state(torch, loaded, untouched):
    one = loaded["llama"]
    ids = torch.tensor([one.plain("The sea is")])
    found = direction(one.model, [one.tokens("a")], [one.tokens("b")], number=2)
    seen = []
    hook = block(one.model, 2).register_forward_hook(lambda _m, _g, out: seen.append(out))
    one.model(ids)
    hook.remove()

    with pushed(one.model, found, -2.0):
        moved = one.model(ids).logits

    state = seen[0][0] if isinstance(seen[0], tuple) else seen[0]
    by_hand = one.model.lm_head(one.model.model.norm(state + -2.0 * found.vector))
    assert torch.equal(moved, by_hand)


def test_strength_zero_changes_no_logit(torch, loaded, untouched):
    one = loaded["neox"]
    ids = torch.tensor([one.plain("The sea is")])
    found = prepare(one, Wish(kind="activations", contrast=CONTRAST)).direction

    with pushed(one.model, found, 0.0):
        moved = one.model(ids).logits

    assert torch.equal(moved, one.model(ids).logits)


def test_hook_goes_when_something_breaks(loaded, untouched):
    found = prepare(loaded["llama"], Wish(kind="activations", contrast=CONTRAST)).direction

    with pytest.raises(RuntimeError, match="interrupted"), pushed(loaded["llama"].model, found, 1.0):
        raise RuntimeError("interrupted")


def test_direction_of_length_one_has_length_one(loaded):
    one = loaded["llama"]

    plain = prepare(one, Wish(kind="activations", contrast=CONTRAST)).direction
    unit = prepare(one, Wish(kind="activations", contrast=CONTRAST, unit=True)).direction

    np.testing.assert_allclose(unit.vector.norm().item(), 1.0, rtol=1e-6)
    np.testing.assert_allclose(unit.vector * plain.vector.norm(), plain.vector, rtol=1e-5)


def test_two_equal_sets_have_no_direction(loaded):
    ids = [loaded["llama"].tokens("same")]

    with pytest.raises(SteeringError, match="no direction after block 1"):
        direction(loaded["llama"].model, ids, ids, number=1)


@pytest.mark.parametrize("number", [-1, 0, 3])
def test_block_that_is_not_there_is_refused(loaded, number):
    with pytest.raises(SteeringError, match="the blocks 1 to 2"):
        states(loaded["llama"].model, [[1]], number=number, pooling="last")


@pytest.mark.parametrize(("depth", "number"), [(32, 8), (80, 20), (16, 4), (2, 1), (1, 1)])
def test_block_is_a_quarter_of_the_depth_as_published(depth, number):
    assert block_for(0, depth) == number
    assert block_for(3, depth) == 3


def test_direction_is_read_back_as_it_was_written(torch, loaded, tmp_path):
    one = loaded["gpt2"]
    recipe = recipe_for(one, Wish(kind="activations", contrast=CONTRAST, pooling="mean"))
    found = direction_for(one, recipe, CONTRAST, store=tmp_path)
    (path,) = tmp_path.iterdir()

    again = read_direction(path, recipe)

    assert (again.block, again.pooling) == (found.block, found.pooling)
    assert torch.equal(again.vector, found.vector)
    assert torch.equal(again.middle, found.middle)
    other = recipe_for(one, Wish(kind="activations", contrast=CONTRAST, pooling="last"))
    assert read_direction(path, other) is None
    save_direction(found, path, other)
    assert read_direction(path, other) is not None


@pytest.mark.parametrize("centred", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_score_is_the_cosine_with_the_direction(loaded, kind, centred):
    one = loaded[kind]
    found = prepare(one, Wish(kind="activations", contrast=CONTRAST, block=1, pooling="mean")).direction
    texts = ["A brick is a phone for moles.", "A brick builds a wall.", "é"]

    scores = cosines(one.model, [one.plain(text) for text in texts], found, centred=centred)

    for text, score in zip(texts, scores, strict=True):
        state = hidden_by_hand(one, one.plain(text), 1).mean(0) - centred * found.middle.numpy()
        vector = found.vector.numpy().astype(np.float64)
        by_hand = state @ vector / (np.linalg.norm(state) * np.linalg.norm(vector))
        assert score == pytest.approx(by_hand, abs=2e-6)  # float32 hidden states
        assert -1 <= score <= 1


@pytest.mark.parametrize("kind", KINDS)
def test_surprisal_is_the_mean_negative_log_likelihood(torch, loaded, kind):
    one = loaded[kind]
    before, text = one.tokens("Name a sea."), one.continuation("Baltic")

    given, alone = surprisal(one.model, before, text), surprisal(one.model, [], text)

    for first, ids, score in ((len(before), before + text, given), (1, text, alone)):
        logits = one.model(torch.tensor([ids])).logits[0].numpy().astype(np.float64)
        logs = logits - np.log(np.exp(logits - logits.max(1, keepdims=True)).sum(1, keepdims=True))
        logs -= logits.max(1, keepdims=True)
        by_hand = -np.mean([logs[place - 1, ids[place]] for place in range(first, len(ids))])
        assert score == pytest.approx(by_hand, rel=1e-5)  # float32 logits
    assert surprisal(one.model, [], text[:1]) is None
    assert surprisal(one.model, before, text[:1]) is not None
    assert math.isfinite(given)
