"""W' = W·(1+α·mask), in place on the one copy, and back bit for bit.

Division by 1+α does not give back the same floating-point number, so the changed weights' own values are kept, and
only theirs: at most ρ ≤ 0.2 of the matrices. Packed mask and values together are always less than the mask would be
as plain booleans (1/8 + 0.2·4 < 1 byte a weight in float32, less in bfloat16). They lie in the CPU's memory.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from .errors import SteeringError
from .masks import Masks, pieces_of
from .recipes import check_alpha


@contextmanager
def steered(model: Any, masks: Masks, alpha: float) -> Iterator[None]:
    """Within the block the model is steered; after it, and after any exception, it is what it was, bit for bit.

    Whoever shares the model with other threads holds its lock around the block.
    """
    import torch

    check_alpha(alpha)
    weights = _weights(model, masks)
    kept: list[tuple[str, int, int, Any]] = []
    try:
        with torch.no_grad():
            for name, weight in weights.items():
                _change(name, weight, masks=masks, alpha=alpha, kept=kept)
        yield
    finally:
        with torch.no_grad():
            for name, first, last, values in reversed(kept):
                flat = weights[name][first:last].view(-1)
                flat[masks.rows(name, first, last, device=flat.device)] = values.to(flat.device)


def _weights(model: Any, masks: Masks) -> dict[str, Any]:
    found = {}
    for name, shape in masks.shapes.items():
        try:
            weight = model.get_submodule(name).weight.detach()
        except AttributeError:
            raise SteeringError(f"the masks are of another model: this one has no {name}") from None
        if tuple(weight.shape) != tuple(shape) or not weight.is_contiguous():
            raise SteeringError(f"the masks are of another model: {name} is {tuple(weight.shape)} here, not {shape}")
        found[name] = weight
    return found


def _change(name: str, weight: Any, *, masks: Masks, alpha: float, kept: list[tuple[str, int, int, Any]]) -> None:
    for first, last in pieces_of(masks.shapes[name]):
        flat = weight[first:last].view(-1)
        where = masks.rows(name, first, last, device=flat.device)
        values = flat[where]
        kept.append((name, first, last, values.cpu()))
        grown = values * (1.0 + alpha)
        if bool((values.isfinite() & ~grown.isfinite()).any()):
            raise SteeringError(f"α = {alpha:g} takes weights of {name} beyond what {weight.dtype} can hold")
        flat[where] = grown
