"""Numbers for texts: how far they lie along a direction, and how surprised a model is by them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .activations import Direction, states


def cosines(model: Any, texts: Sequence[Sequence[int]], found: Direction, *, centred: bool = False) -> list[float]:
    """Return the cosine of each text's hidden state with the direction, from -1 to 1 (Olson et al., 2024).

    `centred` takes the middle between creative and routine prompts off first: hidden states of all texts share a
    large part, which makes plain cosines lie close together.
    """
    read = states(model, texts, number=found.block, pooling=found.pooling).double()
    if centred:
        read = read - found.middle.double()
    vector = found.vector.double()
    lengths = (read.norm(dim=1) * vector.norm()).clamp_min(1e-300)
    return [float(value) for value in (read @ vector) / lengths]


def surprisal(model: Any, before: Sequence[int], text: Sequence[int]) -> float | None:
    """Return the mean negative log-likelihood of the text's tokens, in nats, after the tokens `before`.

    The first token is not counted when nothing stands before it; None when no token is left.
    """
    import torch

    ids = [*before, *text]
    first = max(len(before), 1)
    if len(ids) <= first:
        return None
    with torch.inference_mode():
        logits = model(input_ids=torch.tensor([ids], device=model.device), use_cache=False).logits[0, first - 1 : -1]
        wanted = torch.tensor(ids[first:], device=logits.device)
        losses = torch.nn.functional.cross_entropy(logits.float(), wanted, reduction="none")
    return float(losses.double().mean()) if losses.device.type != "mps" else float(losses.mean())
