"""Hidden states after a block: reading them, the direction between two sets of prompts, and pushing along it.

Block n is counted from 1, so its output is what transformers calls ``hidden_states[n]``; for the last block it is the
output before the final norm. The direction is the mean over creative prompts minus the mean over routine prompts, as
in contrastive activation addition and in Olson et al. (2024), who read and push after block 8 of 32.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .errors import SteeringError
from .places import block
from .recipes import Pooling, Recipe, check_strength


@dataclass(frozen=True, slots=True)
class Direction:
    """A vector in the space of hidden states after a block, and the middle between the two sets."""

    vector: Any
    middle: Any
    block: int
    pooling: Pooling

    def unit(self) -> Direction:
        """Return the direction with length 1."""
        return Direction(self.vector / self.vector.norm(), self.middle, self.block, self.pooling)


def states(model: Any, texts: Sequence[Sequence[int]], *, number: int, pooling: Pooling) -> Any:
    """Return one hidden state per text (lists of ids), as float32 on the CPU, shape (texts, width).

    The texts go through one by one, so that no padding and no neighbour changes a number.
    """
    import torch

    seen: list[Any] = []
    hook = block(model, number).register_forward_hook(lambda _module, _given, out: seen.append(_tensor(out)))
    found = []
    try:
        with torch.inference_mode():
            for ids in texts:
                seen.clear()
                model.base_model(input_ids=torch.tensor([list(ids)], device=model.device), use_cache=False)
                state = seen[-1][0].float()
                found.append((state[-1] if pooling == "last" else state.mean(0)).cpu())
    finally:
        hook.remove()
    return torch.stack(found)


def direction(
    model: Any,
    creative: Sequence[Sequence[int]],
    routine: Sequence[Sequence[int]],
    *,
    number: int,
    pooling: Pooling = "last",
) -> Direction:
    """Return creative minus routine at a block, in float32 (means in float64)."""
    import torch

    ends = [
        states(model, texts, number=number, pooling=pooling).to(torch.float64).mean(0) for texts in (creative, routine)
    ]
    vector = (ends[0] - ends[1]).float()
    if not bool(vector.isfinite().all()) or not bool(vector.any()):
        raise SteeringError(f"the two sets of prompts give no direction after block {number}")
    return Direction(vector, ((ends[0] + ends[1]) / 2).float(), number, pooling)


@contextmanager
def pushed(model: Any, found: Direction, strength: float) -> Iterator[None]:
    """Within the block, λ·direction is added to the hidden states of every token after the direction's block."""
    check_strength(strength)
    where = block(model, found.block)
    added: dict[Any, Any] = {}

    def push(_module: Any, _given: Any, out: Any) -> Any:
        state = _tensor(out)
        if state.dtype not in added:
            added[state.dtype] = (strength * found.vector).to(device=state.device, dtype=state.dtype)
        moved = state + added[state.dtype]
        return (moved, *out[1:]) if isinstance(out, tuple) else moved

    hook = where.register_forward_hook(push)
    try:
        yield
    finally:
        hook.remove()


def _tensor(out: Any) -> Any:
    return out[0] if isinstance(out, tuple) else out


def save_direction(found: Direction, path: Path, recipe: Recipe) -> None:
    """Write the direction for whoever has a recipe that finds the same; whole or not at all."""
    from safetensors.torch import save_file

    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}-{os.getpid()}")
    said = {"finding": recipe.finding, "block": str(found.block), "pooling": found.pooling}
    save_file({"vector": found.vector.contiguous(), "middle": found.middle.contiguous()}, draft, metadata=said)
    draft.replace(path)


def read_direction(path: Path, recipe: Recipe) -> Direction | None:
    """Return the direction that was written for such a recipe; None when there is none."""
    from safetensors import SafetensorError, safe_open

    if not path.is_file():
        return None
    try:
        with safe_open(path, framework="pt") as file:
            said = file.metadata() or {}
            if said.get("finding") != recipe.finding:
                return None
            pooling: Pooling = "last" if said["pooling"] == "last" else "mean"
            return Direction(file.get_tensor("vector"), file.get_tensor("middle"), int(said["block"]), pooling)
    except (SafetensorError, KeyError, ValueError):
        return None
