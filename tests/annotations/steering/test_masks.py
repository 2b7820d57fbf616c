"""Importance and masks against the same worked out by hand in numpy, and weights changed and changed back."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from annotations.steering import masks as masks_module
from annotations.steering.contrast import Contrast
from annotations.steering.errors import SteeringError
from annotations.steering.importance import input_norms
from annotations.steering.masks import Masks, keep_of, make_masks, read_masks, save_masks, unpacked
from annotations.steering.places import blocks_of, matrices
from annotations.steering.recipes import Recipe
from annotations.steering.sampling import Sampling, write
from annotations.steering.selection import cut
from annotations.steering.treatments import Wish, masks_for, prepare, recipe_for
from annotations.steering.weights import steered
from tests.annotations.steering.conftest import needs_models
from tests.standins import tiny_model

pytestmark = needs_models

CONTRAST = Contrast(("Invent a new sea.", "Dream!", "What if rain fell up?"), ("Name a sea.", "Stop.", "What is rain?"))
WISH = Wish(kind="weights", contrast=CONTRAST, ratio=0.1)


def inputs_by_hand(loaded, prompt, name):
    """What went into one matrix for one prompt, as numpy float64 (tokens, features)."""
    import torch

    seen = []
    hook = loaded.model.get_submodule(name).register_forward_hook(lambda _m, given, _out: seen.append(given[0]))
    loaded.model(torch.tensor([loaded.tokens(prompt)]))
    hook.remove()
    return seen[0][0].numpy().astype(np.float64)


def scores_by_hand(loaded, prompts, matrix, norm):
    """S, from its definition, for one matrix in its own orientation."""
    inputs = [inputs_by_hand(loaded, prompt, matrix.name) for prompt in prompts]
    weight = np.abs(matrix.weight.numpy().astype(np.float64))
    weight = weight if matrix.inputs == 1 else weight.T  # (outputs, inputs), as in the paper
    if norm == "tokens":
        inputs = [np.concatenate(inputs)]
    total = np.zeros_like(weight)
    for tokens in inputs:
        for feature in range(weight.shape[1]):
            total[:, feature] += weight[:, feature] * math.sqrt(sum(value**2 for value in tokens[:, feature]))
    return total if matrix.inputs == 1 else total.T


def top_by_hand(scores, keep):
    """The places of the largest, as a set of flat indices."""
    return set(np.argsort(-scores.ravel(), kind="stable")[:keep].tolist())


@pytest.mark.parametrize("norm", ["prompts", "tokens"])
@pytest.mark.parametrize("kind", ["llama", "gpt2", "neox"])
def test_mask_is_what_is_worked_out_by_hand(loaded, kind, norm, untouched):
    one = loaded[kind]
    wish = Wish(kind="weights", contrast=CONTRAST, ratio=0.15, norm=norm)

    masks = prepare(one, wish).masks

    found = matrices(one.model, blocks=(1, 2), modules=("mlp", "attention"))
    assert list(masks.shapes) == [matrix.name for matrix in found]
    for matrix in found:
        keep = math.floor(0.15 * matrix.weight.numel() + 1e-9)
        creative = top_by_hand(scores_by_hand(one, CONTRAST.creative, matrix, norm), keep)
        routine = top_by_hand(scores_by_hand(one, CONTRAST.routine, matrix, norm), keep)
        mine = set(np.flatnonzero(masks.whole(matrix.name).numpy().ravel()).tolist())
        assert mine == creative - routine
    assert masks.marked > 20


def test_share_over_the_whole_model_is_what_is_worked_out_by_hand(loaded, untouched):
    one = loaded["llama"]

    masks = prepare(one, Wish(kind="weights", contrast=CONTRAST, ratio=0.05, scope="model")).masks

    found = matrices(one.model, blocks=(1, 2), modules=("mlp", "attention"))
    tops = []
    for prompts in (CONTRAST.creative, CONTRAST.routine):
        scores = np.concatenate([scores_by_hand(one, prompts, matrix, "prompts").ravel() for matrix in found])
        tops.append(top_by_hand(scores, math.floor(0.05 * scores.size + 1e-9)))
    mine = np.concatenate([masks.whole(matrix.name).numpy().ravel() for matrix in found])
    assert set(np.flatnonzero(mine).tolist()) == tops[0] - tops[1]


@pytest.mark.parametrize("kind", ["llama", "gpt2"])
def test_small_pieces_give_the_same_masks_as_whole_matrices(loaded, monkeypatch, kind):
    whole = prepare(loaded[kind], WISH).masks

    monkeypatch.setattr(masks_module, "PIECE", 128)
    pieces = prepare(loaded[kind], WISH).masks

    assert all(np.array_equal(whole.bits[name], pieces.bits[name]) for name in whole.shapes)


def test_same_recipe_gives_the_same_masks_and_the_same_file(loaded, tmp_path):
    one = loaded["llama"]
    recipe = recipe_for(one, WISH)

    first = masks_for(one, recipe, CONTRAST, store=tmp_path)
    (path,) = tmp_path.iterdir()
    stored = read_masks(path, recipe)
    again = masks_for(one, recipe, CONTRAST)

    assert path.name == f"{recipe.finding}.masks.safetensors"
    for other in (stored, again):
        assert dict(other.shapes) == dict(first.shapes)
        assert all(np.array_equal(first.bits[name], other.bits[name]) for name in first.shapes)


def test_stored_masks_serve_other_strengths_and_no_other_recipe(loaded, tmp_path):
    one = loaded["llama"]
    recipe = recipe_for(one, WISH)
    path = tmp_path / "m.safetensors"
    save_masks(prepare(one, WISH).masks, path, recipe)

    stronger = recipe_for(one, Wish(kind="weights", contrast=CONTRAST, ratio=0.1, alpha=0.5))
    wider = recipe_for(one, Wish(kind="weights", contrast=CONTRAST, ratio=0.2))

    assert read_masks(path, stronger) is not None
    assert read_masks(path, wider) is None
    path.write_bytes(path.read_bytes()[:50])
    assert read_masks(path, recipe) is None


def ordered(values):
    import torch

    return torch.tensor(values, dtype=torch.float32)


@settings(max_examples=80, deadline=None)
@given(
    values=st.lists(st.sampled_from([0.0, 1e-40, 0.5, 1.0, 1.0000001, 3.0, 1e30]), min_size=1, max_size=60),
    share=st.floats(0.01, 1.0),
    pieces=st.integers(1, 5),
)
def test_cut_takes_the_largest_and_of_equals_the_first(values, share, pieces):
    keep = keep_of(share, len(values))
    split = [part for part in np.array_split(np.array(values, dtype=np.float32), pieces) if part.size]

    line = cut(lambda: (ordered(part.tolist()) for part in split), keep)
    chosen = np.concatenate([line.chosen(ordered(part.tolist())).numpy() for part in split])

    wanted = [place for place in np.argsort(-np.float32(values), kind="stable")[:keep] if values[place] > 0]
    assert sorted(wanted) == np.flatnonzero(chosen).tolist()


@settings(max_examples=20, deadline=None)
@given(small=st.floats(0.01, 0.2), large=st.floats(0.01, 0.2), seed=st.integers(0, 1000))
def test_larger_share_holds_the_smaller_one_before_the_routine_set_is_taken_off(small, large, seed):
    import torch

    values = torch.rand(400, generator=torch.Generator().manual_seed(seed))
    small, large = sorted((small, large))

    narrow, wide = (cut(lambda: iter([values]), keep_of(share, 400)).chosen(values) for share in (small, large))

    assert bool((wide | ~narrow).all())
    assert int(narrow.sum()) == keep_of(small, 400)


def test_mask_and_routine_set_never_meet(loaded):
    one = loaded["llama"]
    found = matrices(one.model, blocks=(1,), modules=("mlp",))
    norms = [
        input_norms(one.model, [one.tokens(text) for text in texts], found, norm="prompts")
        for texts in (CONTRAST.creative, CONTRAST.routine)
    ]

    there, back = make_masks(found, *norms, ratio=0.1), make_masks(found, *reversed(norms), ratio=0.1)
    same = make_masks(found, norms[0], norms[0], ratio=0.1)

    for matrix in found:
        assert not bool((there.whole(matrix.name) & back.whole(matrix.name)).any())
        assert int(there.whole(matrix.name).sum()) == int(back.whole(matrix.name).sum())
    assert (same.marked, same.weights) == (0, 3 * 16 * 32)


@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "float16"])
@pytest.mark.parametrize("kind", ["llama", "gpt2", "neox"])
def test_strength_zero_leaves_every_bit(torch, kind, dtype):
    model = tiny_model.model(kind, dtype=dtype)
    before = {name: value.clone() for name, value in model.named_parameters()}
    masks = any_masks(model)

    with steered(model, masks, 0.0):
        assert all(torch.equal(value, before[name]) for name, value in model.named_parameters())

    assert masks.marked > 100
    assert all(torch.equal(value, before[name]) for name, value in model.named_parameters())


def any_masks(model, ratio=0.2):
    """Masks of norms that are drawn, for where the prompts do not matter."""
    import torch

    found = matrices(model, blocks=range(1, len(blocks_of(model)[1]) + 1), modules=("mlp", "attention"))
    draw = torch.Generator().manual_seed(1)
    norms = [{m.name: torch.rand(m.weight.shape[m.inputs], generator=draw) for m in found} for _ in range(2)]
    return make_masks(found, *norms, ratio=ratio)


@pytest.mark.parametrize("alpha", [0.01, 0.3, 1.0, 2.0])
@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "float16"])
def test_masked_weights_grow_by_one_plus_alpha_and_come_back_bit_for_bit(torch, dtype, alpha):
    model = tiny_model.model(dtype=dtype)
    before = {name: value.clone() for name, value in model.named_parameters()}
    masks = any_masks(model)

    with steered(model, masks, alpha):
        for name, value in model.named_parameters():
            old = before[name]
            where = masks.whole(name.removesuffix(".weight")) if name.removesuffix(".weight") in masks.shapes else None
            wanted = old if where is None else torch.where(where, old * (1 + alpha), old)
            assert torch.equal(value, wanted), name

    assert all(torch.equal(value, before[name]) for name, value in model.named_parameters())


def test_division_would_not_bring_the_weights_back(torch):
    weight = tiny_model.model(dtype="bfloat16").lm_head.weight

    assert not torch.equal((weight * 1.3) / 1.3, weight)


def test_model_is_itself_again_after_writing_and_after_an_exception(loaded, untouched):
    one = loaded["llama"]
    masks = prepare(one, WISH).masks
    plain = write(one, ["Rain?"], [3], Sampling(most_tokens=8))

    with steered(one.model, masks, 2.0):
        moved = write(one, ["Rain?"], [3], Sampling(most_tokens=8))
    with pytest.raises(RuntimeError, match="interrupted"), steered(one.model, masks, 2.0):
        raise RuntimeError("interrupted")

    assert moved != plain
    assert write(one, ["Rain?"], [3], Sampling(most_tokens=8)) == plain


def test_weights_beyond_the_number_format_are_refused_and_nothing_stays_changed(torch):
    model = tiny_model.model(dtype="float16")
    masks = any_masks(model)
    last = list(masks.shapes)[-1]
    where = masks.whole(last)
    model.get_submodule(last).weight[where] = 60_000.0
    before = {name: value.clone() for name, value in model.named_parameters()}

    with pytest.raises(SteeringError, match="beyond what"), steered(model, masks, 2.0):
        pytest.fail("must not begin")

    assert all(torch.equal(value, before[name]) for name, value in model.named_parameters())


def test_masks_of_another_model_are_refused(loaded):
    masks = prepare(loaded["llama"], WISH).masks

    with pytest.raises(SteeringError, match="of another model"), steered(loaded["gpt2"].model, masks, 1.0):
        pytest.fail("must not begin")
    narrow = Masks({next(iter(masks.shapes)): (3, 5)}, masks.bits)
    with pytest.raises(SteeringError, match="not \\(3, 5\\)"), steered(loaded["llama"].model, narrow, 1.0):
        pytest.fail("must not begin")


def names(model, **choice):
    return [matrix.name for matrix in matrices(model, **choice)]


def test_blocks_and_kinds_choose_the_matrices(loaded):
    llama, gpt2, neox = (loaded[kind].model for kind in ("llama", "gpt2", "neox"))

    assert names(llama, blocks=(2,), modules=("mlp",)) == [
        f"model.layers.1.mlp.{n}_proj" for n in ("gate", "up", "down")
    ]
    assert names(llama, blocks=(1,), modules=("attention",)) == [f"model.layers.0.self_attn.{n}_proj" for n in "qkvo"]
    assert names(llama, blocks=(1, 2), modules=("*.q_proj",)) == [f"model.layers.{n}.self_attn.q_proj" for n in (0, 1)]
    assert names(gpt2, blocks=(1,), modules=("mlp",)) == ["transformer.h.0.mlp.c_fc", "transformer.h.0.mlp.c_proj"]
    assert names(neox, blocks=(1,), modules=("attention",)) == [
        "gpt_neox.layers.0.attention.query_key_value",
        "gpt_neox.layers.0.attention.dense",
    ]


def test_output_layer_is_steered_only_when_it_is_named_and_stands_alone(loaded):
    untied, tied = loaded["llama"].model, tiny_model.model(tied=True)

    assert "lm_head" not in names(untied, blocks=(1, 2), modules=("mlp", "attention"))
    assert names(untied, blocks=(), modules=("lm_head",)) == ["lm_head"]
    with pytest.raises(SteeringError, match="lm_head is the same matrix as model"):
        names(tied, blocks=(), modules=("lm_head",))


def test_experts_in_one_piece_are_refused_and_the_attention_beside_them_is_not(torch):
    from transformers import AutoModelForCausalLM, MixtralConfig

    sizes = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2}
    model = AutoModelForCausalLM.from_config(MixtralConfig(**sizes, num_local_experts=2, vocab_size=20))

    with pytest.raises(SteeringError, match="many experts in one piece"):
        names(model, blocks=(1, 2), modules=("mlp", "attention"))
    assert len(names(model, blocks=(1, 2), modules=("attention",))) == 8


@pytest.mark.parametrize("wish", ["embed_tokens", "*norm*", "no_such"])
def test_what_is_no_matrix_product_cannot_be_chosen(loaded, wish):
    with pytest.raises(SteeringError, match="no matrix called"):
        names(loaded["llama"].model, blocks=(1, 2), modules=(wish,))


def test_kinds_may_be_written_in_capitals(loaded):
    assert names(loaded["llama"].model, blocks=(1,), modules=("MLP",)) == names(
        loaded["llama"].model, blocks=(1,), modules=("mlp",)
    )


def test_sets_that_choose_the_same_weights_are_refused_instead_of_passing_for_steered(loaded):
    same = Contrast(("What is rain?",), ("What is rain?",))

    with pytest.raises(SteeringError, match="none would be changed"):
        prepare(loaded["llama"], Wish(kind="weights", contrast=same))


def test_treatment_says_how_many_weights_it_changes(loaded):
    treatment = prepare(loaded["llama"], WISH)

    assert treatment.reach == {
        "weights_changed": treatment.masks.marked,
        "weights_chosen_from": sum(rows * width for rows, width in treatment.masks.shapes.values()),
    }
    assert prepare(loaded["llama"], Wish(contrast=CONTRAST)).reach == {}


def test_nothing_is_found_out_or_treated_within_a_treatment(loaded, untouched):
    one = loaded["llama"]
    weights, baseline = prepare(one, WISH), prepare(one, Wish(contrast=CONTRAST))

    with weights.applied(one):
        with pytest.raises(SteeringError, match="llama is being steered"), baseline.applied(one):
            pytest.fail("this would be steered, and called a baseline")
        with pytest.raises(SteeringError, match="llama is being steered"):
            prepare(one, WISH)
    with baseline.applied(one):
        pass


def test_bits_are_unpacked_on_a_device_as_numpy_unpacks_them(torch):
    packed = np.random.default_rng(1).integers(0, 256, 1000, dtype=np.uint8)

    assert np.array_equal(unpacked(torch.tensor(packed)).numpy(), np.unpackbits(packed))
    assert unpacked(torch.tensor(packed, device="meta")).shape == (8000,)


def test_inputs_that_are_not_finite_are_refused(torch):
    model = tiny_model.model()
    model.model.embed_tokens.weight[5] = float("inf")
    found = matrices(model, blocks=(1,), modules=("mlp",))

    with pytest.raises(SteeringError, match="not finite"):
        input_norms(model, [[5, 6]], found, norm="prompts")
    assert not any(module._forward_pre_hooks for module in model.modules())


def test_baseline_recipe_asks_for_nothing(loaded):
    treatment = prepare(loaded["gpt2"], Wish(contrast=CONTRAST))

    assert isinstance(treatment.recipe, Recipe)
    assert (treatment.masks, treatment.direction, treatment.recipe.contrast) == (None, None, "")
