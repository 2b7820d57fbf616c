"""Writing texts in batches, each with a seed of its own.

``generate`` of transformers runs the model, its cache and its ends; which token comes next is decided here: each text
draws one uniform number per token from its own generator on the CPU and walks down the sorted probabilities.

A text depends on its prompt, its settings and its seed, not on what is written beside it. Products of matrices round
differently for other shapes, which in bfloat16 soon gives other words. Therefore every batch has the same number of
rows, filled up when fewer are wanted, and a prompt is padded to a width that follows from its own length only.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from .errors import SteeringError
from .loading import Loaded

STEP = 64  # tokens by which the width of a batch grows
TAIL = 8  # tokens beyond a stop's own length in which it is looked for


@dataclass(frozen=True, slots=True)
class Sampling:
    """How tokens are drawn: temperature, then top-k, top-p and min-p, in this order. 0 or 1 mean "not at all".

    temperature 0 takes the likeliest; top_k 0 and top_p 1 and min_p 0 keep all.
    """

    temperature: float = 1.0
    top_p: float = 1.0
    top_k: int = 0
    min_p: float = 0.0
    most_tokens: int = 400
    stop: tuple[str, ...] = ()
    system: str = ""


@dataclass(frozen=True, slots=True)
class Text:
    """What was written: `ended` is ``stop`` by an end token or a stop text, ``length`` when the tokens ran out."""

    text: str
    ended: Literal["stop", "length"]
    read: int
    wrote: int


def next_tokens(logits: Any, draws: Any, how: Sampling) -> Any:
    """Return the next token of each row from its logits and its uniform number in [0, 1)."""
    import torch

    if how.temperature == 0:
        return logits.argmax(dim=-1)
    ordered, tokens = torch.sort(logits.float() / how.temperature, dim=-1, descending=True, stable=True)
    if how.top_k:
        ordered, tokens = ordered[:, : how.top_k], tokens[:, : how.top_k]
    shares = ordered.softmax(dim=-1)
    if how.top_p < 1:
        before = shares.cumsum(dim=-1) - shares
        shares = shares.masked_fill(before >= how.top_p, 0.0)
    if how.min_p > 0:
        shares = shares.masked_fill(shares < how.min_p * shares[:, :1], 0.0)
    ends = shares.cumsum(dim=-1)
    wanted = draws.to(ends)[:, None] * ends[:, -1:]
    place = (ends <= wanted).sum(dim=-1, keepdim=True)
    last = (shares > 0).sum(dim=-1, keepdim=True) - 1
    return tokens.gather(1, torch.minimum(place, last))[:, 0]


def write(
    loaded: Loaded, prompts: Sequence[str], seeds: Sequence[int], how: Sampling, *, rows: int = 1
) -> list[Text | SteeringError]:
    """Write one text per prompt, `rows` at once. A prompt that is too long has its error in its place.

    Whoever steers has done it before, and holds the lock.
    """
    found: dict[int, Text | SteeringError] = {}
    widths: dict[int, list[tuple[int, list[int]]]] = {}
    for place, prompt in enumerate(prompts):
        try:
            ids = _fitting(loaded, prompt, how)
        except SteeringError as error:
            found[place] = error
        else:
            widths.setdefault(_width(loaded, len(ids), how), []).append((place, ids))
    for width, wanted in widths.items():
        for first in range(0, len(wanted), rows):
            part = wanted[first : first + rows]
            batch = _Batch(loaded, how, width=width, rows=rows)
            texts = batch.write([ids for _, ids in part], [seeds[place] for place, _ in part])
            found.update({place: text for (place, _), text in zip(part, texts, strict=True)})
    return [found[place] for place in range(len(prompts))]


def _width(loaded: Loaded, length: int, how: Sampling) -> int:
    """Return the padded length of a prompt: whole steps, but within what the model can hold."""
    whole = -(-length // STEP) * STEP
    return min(whole, loaded.window - how.most_tokens) if loaded.window else whole


def _fitting(loaded: Loaded, prompt: str, how: Sampling) -> list[int]:
    ids = loaded.tokens(prompt, system=how.system)
    if loaded.window and len(ids) + how.most_tokens > loaded.window:
        message = (
            f"the prompt has {len(ids)} tokens; with {how.most_tokens} to be written that is more than the "
            f"{loaded.window} that {loaded.name} can hold"
        )
        raise SteeringError(message)
    return ids


def ends_of(loaded: Loaded) -> list[int]:
    """Return the tokens that end a text: the model's and the tokenizer's."""
    said = loaded.model.generation_config.eos_token_id
    model = list(said) if isinstance(said, list | tuple) else [said]
    return sorted({int(token) for token in (*model, loaded.tokenizer.eos_token_id) if token is not None})


@dataclass(frozen=True, slots=True)
class _Batch:
    """The shape of one call of ``generate``. Rows that nobody wants repeat the first one and are done at once."""

    loaded: Loaded
    how: Sampling
    width: int
    rows: int

    def write(self, prompts: list[list[int]], seeds: Sequence[int]) -> list[Text]:
        import torch
        from transformers import GenerationConfig, LogitsProcessorList, StoppingCriteriaList

        model, ends = self.loaded.model, ends_of(self.loaded)
        pad = self.loaded.tokenizer.pad_token_id
        pad = pad if pad is not None else (ends[0] if ends else 0)
        spare = self.rows - len(prompts)
        filled = [*prompts, *[prompts[0]] * spare]
        ids = [[pad] * (self.width - len(prompt)) + prompt for prompt in filled]
        attends = [[0] * (self.width - len(prompt)) + [1] * len(prompt) for prompt in filled]
        stops = _Stops(self.loaded.tokenizer, self.how, wanted=len(prompts), width=self.width)
        with torch.inference_mode():
            out = model.generate(
                input_ids=torch.tensor(ids, device=model.device),
                attention_mask=torch.tensor(attends, device=model.device),
                generation_config=GenerationConfig(  # type: ignore[no-untyped-call]
                    do_sample=False, max_new_tokens=self.how.most_tokens, eos_token_id=ends or None, pad_token_id=pad
                ),
                logits_processor=LogitsProcessorList([_Draws([*seeds, *[0] * spare], self.how)]),
                stopping_criteria=StoppingCriteriaList([stops]),
            )
        written = out[:, self.width :].tolist()
        return [
            self._text(row[:wrote], ends, read=len(prompt))
            for prompt, row, wrote in zip(prompts, written, stops.wrote, strict=False)
        ]

    def _text(self, ids: list[int], ends: list[int], *, read: int) -> Text:
        """Cut what came at the first end token and at the first stop text."""
        end = next((place for place, token in enumerate(ids) if token in ends), None)
        written = ids if end is None else ids[:end]
        text = self.loaded.tokenizer.decode(written, skip_special_tokens=True, clean_up_tokenization_spaces=False)
        places = [place for place in (text.find(stop) for stop in self.how.stop) if place >= 0]
        ended: Literal["stop", "length"] = "stop" if end is not None or places else "length"
        wrote = len(ids) if end is None else end + 1
        return Text(text[: min(places)] if places else text, ended, read, wrote)


class _Draws:
    """Chooses each row's next token and leaves it as the only one that ``generate`` can take."""

    def __init__(self, seeds: Sequence[int], how: Sampling) -> None:
        import torch

        self.how = how
        self.generators = [torch.Generator(device="cpu").manual_seed(seed % 2**63) for seed in seeds]

    def __call__(self, _ids: Any, logits: Any) -> Any:
        import torch

        if bool(logits.isnan().any()):
            raise SteeringError("the model computes no numbers (NaN); choose bfloat16 or float32, or a smaller α or λ")
        draws = torch.cat([torch.rand(1, generator=one, dtype=torch.float32) for one in self.generators])
        chosen = next_tokens(logits, draws.to(logits.device), self.how)
        return torch.full_like(logits, float("-inf")).scatter_(1, chosen[:, None], 0.0)


class _Stops:
    """Ends a row as soon as a stop text stands in what it wrote, and knows how much that was."""

    def __init__(self, tokenizer: Any, how: Sampling, *, wanted: int, width: int) -> None:
        self.tokenizer = tokenizer
        self.stops = how.stop
        self.width = width
        self.tail = TAIL + max((len(stop) for stop in how.stop), default=0)
        self.wrote = [how.most_tokens] * wanted

    def __call__(self, ids: Any, _scores: Any, **_: Any) -> Any:
        import torch

        done = [row >= len(self.wrote) for row in range(len(ids))]
        if self.stops:
            for row, tail in enumerate(ids[: len(self.wrote), self.width :][:, -self.tail :].tolist()):
                text = self.tokenizer.decode(tail, skip_special_tokens=True)
                done[row] = any(stop in text for stop in self.stops)
                if done[row]:
                    self.wrote[row] = min(self.wrote[row], ids.shape[1] - self.width)
        return torch.tensor(done, device=ids.device)
