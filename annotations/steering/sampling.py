"""Writing texts in batches, each with a seed of its own.

``generate`` of transformers runs the model, its cache and its ends; which token comes next is decided here: each text
draws one uniform number per token from its own generator on the CPU and walks down the sorted probabilities. So a
text depends on its prompt, settings and seed, not on what stands beside it in the batch, up to the rounding of the
model's own products: none of consequence in float32, some in bfloat16, where a batch of 1 repeats exactly.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from .errors import SteeringError
from .loading import Loaded

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


def write(loaded: Loaded, prompts: Sequence[str], seeds: Sequence[int], how: Sampling) -> list[Text | SteeringError]:
    """Write one text per prompt, all in one batch. A prompt that is too long has its error in its place.

    Whoever steers has done it before, and holds the lock.
    """
    found: dict[int, Text | SteeringError] = {}
    ready: list[tuple[int, list[int]]] = []
    for place, prompt in enumerate(prompts):
        try:
            ready.append((place, _fitting(loaded, prompt, how)))
        except SteeringError as error:
            found[place] = error
    if ready:
        texts = _batch(loaded, [ids for _, ids in ready], [seeds[place] for place, _ in ready], how)
        found.update({place: text for (place, _), text in zip(ready, texts, strict=True)})
    return [found[place] for place in range(len(prompts))]


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


def _batch(loaded: Loaded, prompts: list[list[int]], seeds: Sequence[int], how: Sampling) -> list[Text]:
    import torch
    from transformers import GenerationConfig, LogitsProcessorList, StoppingCriteriaList

    ends = ends_of(loaded)
    pad = loaded.tokenizer.pad_token_id
    pad = pad if pad is not None else (ends[0] if ends else 0)
    width = max(map(len, prompts))
    rows = [[pad] * (width - len(ids)) + ids for ids in prompts]
    attends = [[0] * (width - len(ids)) + [1] * len(ids) for ids in prompts]
    stops = _Stops(loaded.tokenizer, how, rows=len(rows), width=width)
    with torch.inference_mode():
        out = loaded.model.generate(
            input_ids=torch.tensor(rows, device=loaded.model.device),
            attention_mask=torch.tensor(attends, device=loaded.model.device),
            generation_config=GenerationConfig(  # type: ignore[no-untyped-call]
                do_sample=False, max_new_tokens=how.most_tokens, eos_token_id=ends or None, pad_token_id=pad
            ),
            logits_processor=LogitsProcessorList([_Draws(seeds, how)]),
            stopping_criteria=StoppingCriteriaList([stops] if how.stop else []),
        )
    return [
        _text(loaded, row[width : width + wrote].tolist(), read=len(ids), ends=ends, how=how)
        for ids, row, wrote in zip(prompts, out.cpu(), stops.wrote, strict=True)
    ]


def _text(loaded: Loaded, ids: list[int], *, read: int, ends: list[int], how: Sampling) -> Text:
    """Cut what came at the first end token and at the first stop text."""
    end = next((place for place, token in enumerate(ids) if token in ends), None)
    written = ids if end is None else ids[:end]
    text = loaded.tokenizer.decode(written, skip_special_tokens=True, clean_up_tokenization_spaces=False)
    places = [place for place in (text.find(stop) for stop in how.stop) if place >= 0]
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

        draws = torch.cat([torch.rand(1, generator=one, dtype=torch.float32) for one in self.generators])
        chosen = next_tokens(logits, draws.to(logits.device), self.how)
        return torch.full_like(logits, float("-inf")).scatter_(1, chosen[:, None], 0.0)


class _Stops:
    """Ends a row as soon as a stop text stands in what it wrote, and knows how much that was."""

    def __init__(self, tokenizer: Any, how: Sampling, *, rows: int, width: int) -> None:
        self.tokenizer = tokenizer
        self.stops = how.stop
        self.width = width
        self.tail = TAIL + max((len(stop) for stop in how.stop), default=0)
        self.wrote = [how.most_tokens] * rows

    def __call__(self, ids: Any, _scores: Any, **_: Any) -> Any:
        import torch

        tails = ids[:, self.width :][:, -self.tail :].tolist()
        texts = [self.tokenizer.decode(tail, skip_special_tokens=True) for tail in tails]
        done = [any(stop in text for stop in self.stops) for text in texts]
        for row in (row for row, is_done in enumerate(done) if is_done):
            self.wrote[row] = min(self.wrote[row], ids.shape[1] - self.width)
        return torch.tensor(done, device=ids.device)
