"""Writing: what may be drawn, what a seed means, and how a text ends."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from annotations.steering.contrast import Contrast
from annotations.steering.errors import SteeringError
from annotations.steering.sampling import Sampling, _Draws, next_tokens, write
from annotations.steering.treatments import Wish, prepare
from tests.annotations.steering.conftest import needs_models

pytestmark = needs_models

PROMPTS = ["Rain?", "Name a use for a brick that nobody would think of.", "Sea", "A", "Why is salt white, then?"]
SEEDS = [11, 12, 13, 14, 15]
SHORT = Sampling(most_tokens=8)
LONG = Sampling(most_tokens=20)
CONTRAST = Contrast(("Invent a new sea.", "Dream!"), ("Name a sea.", "Stop."))


def by_hand(logits, draw, how):
    """The token that one uniform number picks, by the book: sort, cut, walk down."""
    scaled = np.asarray(logits, dtype=np.float64) / how.temperature
    order = np.argsort(-scaled, kind="stable")
    order = order[: how.top_k] if how.top_k else order
    shares = np.exp(scaled[order] - scaled[order].max())
    shares /= shares.sum()
    kept = np.cumsum(shares) - shares < how.top_p if how.top_p < 1 else np.full(len(shares), fill_value=True)
    kept &= shares >= how.min_p * shares[0]
    shares = np.where(kept, shares, 0) / shares[kept].sum()
    return set(order[kept].tolist()), np.cumsum(shares), order


@settings(max_examples=100, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    draw=st.floats(0, 1, exclude_max=True, width=32),
    temperature=st.sampled_from([0.2, 1.0, 3.0]),
    top_p=st.sampled_from([0.1, 0.5, 0.9, 1.0]),
    top_k=st.sampled_from([0, 1, 3, 50]),
    min_p=st.sampled_from([0.0, 0.05, 0.5]),
)
def test_next_token_is_what_the_draw_picks_from_what_is_left(**case):
    import torch

    how = Sampling(**{name: case[name] for name in ("temperature", "top_p", "top_k", "min_p")})
    logits = torch.randn(1, 20, generator=torch.Generator().manual_seed(case["seed"])) * 2
    draw = case["draw"]

    token = int(next_tokens(logits, torch.tensor([draw]), how)[0])

    allowed, ends, order = by_hand(logits[0].numpy(), draw, how)
    place = order.tolist().index(token)
    near = 1e-5  # float32 sums
    assert token in allowed
    assert ends[place] >= draw - near
    assert place == 0 or ends[place - 1] <= draw + near


def test_many_draws_come_as_often_as_they_should(torch):
    logits = torch.tensor([[0.5, 2.0, -1.0, 0.0]]).expand(20_000, -1)
    draws = torch.rand(20_000, generator=torch.Generator().manual_seed(1))

    counts = torch.bincount(next_tokens(logits, draws, Sampling()), minlength=4) / 20_000

    np.testing.assert_allclose(counts, logits[0].softmax(0), atol=0.015)  # four standard errors


def test_rows_are_drawn_apart(torch):
    logits = torch.randn(6, 50, generator=torch.Generator().manual_seed(3))
    draws = torch.rand(6, generator=torch.Generator().manual_seed(4))
    how = Sampling(top_p=0.9, top_k=20, min_p=0.01)

    together = next_tokens(logits, draws, how)

    alone = [next_tokens(logits[n : n + 1], draws[n : n + 1], how)[0] for n in range(6)]
    assert together.tolist() == [int(token) for token in alone]


@pytest.fixture(scope="module")
def coarse(models):
    """A model in bfloat16, where every change of shape changes the rounding."""
    from annotations.steering.loading import load

    return load(models / "llama", device="cpu", dtype="bfloat16")


@pytest.mark.parametrize("how", [LONG, Sampling(most_tokens=20, top_p=0.9, top_k=40, min_p=0.02, temperature=1.3)])
def test_text_depends_on_its_seed_and_not_on_its_neighbours(coarse, how):
    together = write(coarse, PROMPTS, SEEDS, how, rows=4)

    alone = [write(coarse, [prompt], [seed], how, rows=4)[0] for prompt, seed in zip(PROMPTS, SEEDS, strict=True)]
    backwards = write(coarse, PROMPTS[::-1], SEEDS[::-1], how, rows=4)[::-1]
    assert together == alone == backwards


@pytest.mark.parametrize("kind", ["llama", "gpt2", "neox"])
def test_in_float32_the_number_of_rows_is_of_no_consequence(loaded, kind):
    one = loaded[kind]

    texts = [write(one, PROMPTS, SEEDS, SHORT, rows=rows) for rows in (1, 2, 5)]

    assert texts[0] == texts[1] == texts[2]


def test_prompt_may_fill_the_window_up_to_what_is_to_be_written(loaded):
    texts = write(loaded["gpt2"], ["x" * 248, "Sea"], [1, 2], SHORT, rows=2)

    assert [(text.read, text.wrote) for text in texts] == [(248, 8), (3, 8)]


def test_seeds_of_one_prompt_give_different_texts_and_the_same_again(loaded):
    one = loaded["llama"]

    texts = write(one, ["Rain?"] * 6, [1, 2, 3, 4, 5, 1], SHORT, rows=4)

    assert len({text.text for text in texts}) == 5
    assert texts[0] == texts[5]


def test_without_temperature_the_likeliest_tokens_come(torch, loaded):
    one = loaded["gpt2"]
    ids = torch.tensor([one.plain("Rain?")])
    wanted = one.model.generate(ids, max_new_tokens=12, do_sample=False, attention_mask=torch.ones_like(ids))

    (text,) = write(one, ["Rain?"], [7], Sampling(temperature=0, most_tokens=12))

    assert text.text == one.tokenizer.decode(wanted[0, ids.shape[1] :], skip_special_tokens=True)
    assert text == write(one, ["Rain?"], [8], Sampling(temperature=0, most_tokens=12))[0]


def test_tokens_that_run_out_are_said(loaded):
    (text,) = write(loaded["neox"], ["Sea"], [1], SHORT)

    assert (text.ended, text.read, text.wrote) == ("length", 3, 8)


def test_end_token_ends_the_text_and_is_not_in_it(torch, loaded, monkeypatch):
    one = loaded["neox"]
    asked = torch.tensor([one.plain("Sea")])
    how = Sampling(temperature=0, most_tokens=8)
    ids = one.model.generate(asked, max_new_tokens=8, do_sample=False, attention_mask=asked > 0)[0, 3:].tolist()
    end = next(n for n in range(2, 8) if ids[n] not in ids[:n])
    monkeypatch.setattr(one.model.generation_config, "eos_token_id", [ids[end]])

    texts = write(one, ["Sea", "Rain?"], [1, 2], how, rows=2)

    assert texts[0].text == one.tokenizer.decode(ids[:end])
    assert (texts[0].ended, texts[0].wrote) == ("stop", end + 1)
    monkeypatch.setattr(one.model.generation_config, "eos_token_id", ids[0])
    assert write(one, ["Sea"], [1], how)[0].text == ""


def test_stop_text_ends_the_text_before_it(loaded):
    one = loaded["gpt2"]
    (whole,) = write(one, ["Sea"], [5], Sampling(most_tokens=30))
    stop = whole.text[10:12]

    first, other = write(one, ["Sea", "Rain?"], [5, 6], Sampling(most_tokens=30, stop=(stop, "no such end")), rows=2)

    assert first.text == whole.text[: whole.text.index(stop)]
    assert first.ended == "stop"
    assert 3 < first.wrote < other.wrote == whole.wrote
    assert stop not in other.text


def test_prompt_that_is_too_long_has_its_error_in_its_place(loaded):
    texts = write(loaded["gpt2"], ["Sea", "x" * 250, "Rain?"], [1, 2, 3], SHORT, rows=3)

    assert isinstance(texts[1], SteeringError)
    assert "the prompt has 250 tokens; with 8 to be written that is more than the 256" in str(texts[1])
    assert [texts[0], texts[2]] == write(loaded["gpt2"], ["Sea", "Rain?"], [1, 3], SHORT)


def test_prompt_goes_through_the_chat_template_or_is_text(loaded):
    chat, plain = loaded["llama"], loaded["gpt2"]

    asked = [one.tokenizer.decode(one.tokens("Sea?", system="Be brief.")) for one in (chat, plain)]

    assert asked == ["<system>Be brief.\n<user>Sea?\n<assistant>", "Be brief.\n\nSea?"]


def test_template_that_refuses_is_named(loaded, monkeypatch):
    one = loaded["llama"]
    monkeypatch.setattr(one.tokenizer, "chat_template", "{{ raise_exception('no system here') }}")

    with pytest.raises(SteeringError, match=r"no system here.* leave that empty"):
        one.tokens("Sea?", system="Be brief.")


@pytest.mark.parametrize("wish", [{"kind": "weights", "ratio": 0.2}, {"kind": "activations", "strength": 2.0}])
def test_steered_and_baseline_texts_come_side_by_side_from_one_model(loaded, wish, untouched):
    one = loaded["llama"]
    baseline, steered = prepare(one, Wish(contrast=CONTRAST)), prepare(one, Wish(contrast=CONTRAST, **wish))

    rounds = []
    for treatment in (baseline, steered, baseline, steered):
        with treatment.applied(one):
            rounds.append(write(one, PROMPTS, SEEDS, SHORT))

    assert rounds[0] == rounds[2] != rounds[1] == rounds[3]


def test_model_that_computes_no_numbers_is_refused_in_words(torch):
    draws = _Draws([1], Sampling())

    with pytest.raises(SteeringError, match="computes no numbers"):
        draws(None, torch.tensor([[0.0, float("nan")]]))


def test_token_that_the_model_does_not_know_is_refused_in_words(loaded, monkeypatch):
    one = loaded["gpt2"]
    monkeypatch.setattr(one, "tokenizer", lambda _text, add_special_tokens: {"input_ids": [5, 999]})

    with pytest.raises(SteeringError, match="does not fit the model: token 999 of 258"):
        one.plain("Sea")
