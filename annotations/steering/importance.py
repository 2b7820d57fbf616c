"""How much each weight matters for a set of prompts: S = Σ |W|·‖X‖₂.

Wanda's score (Sun et al., 2024): the weight from input feature j to output i has |W_ij|·‖X_j‖₂, where X_j are the
values of that feature at every token. CreativityNeuro (Schapiro et al., 2026) sums it over prompts b:
S_ij = Σ_b |W_ij|·‖X_j^(b)‖₂. As |W| is the same for every prompt, one number for each input feature is all that has to
be kept: Σ_b ‖X_j^(b)‖₂ (`prompts`), or Wanda's one norm over all tokens (`tokens`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from .errors import SteeringError
from .places import Matrix
from .recipes import Norm


def input_norms(
    model: Any, prompts: Sequence[Sequence[int]], matrices: Sequence[Matrix], *, norm: Norm
) -> dict[str, Any]:
    """Return for each matrix one number per input feature, as float64 (float32 on mps).

    The prompts, lists of ids, go through one by one: no padding comes in, and the numbers do not depend on a batch.
    """
    import torch

    wide = torch.float32 if model.device.type == "mps" else torch.float64
    squares: dict[str, Any] = {}
    total: dict[str, Any] = {}
    for matrix in matrices:
        size = matrix.weight.shape[matrix.inputs]
        total[matrix.name] = torch.zeros(size, dtype=wide, device=matrix.weight.device)
        squares[matrix.name] = torch.zeros_like(total[matrix.name])
    within = {id(module) for module in model.base_model.modules()}
    run = model.base_model if all(id(matrix.module) in within for matrix in matrices) else model  # without the logits
    hooks = [m.module.register_forward_pre_hook(_adder(squares[m.name])) for m in matrices]
    try:
        with torch.inference_mode():
            for ids in prompts:
                run(input_ids=torch.tensor([list(ids)], device=model.device), use_cache=False)
                for name, found in squares.items():
                    total[name] += found.sqrt() if norm == "prompts" else found
                    found.zero_()
    finally:
        for hook in hooks:
            hook.remove()
    return {name: _checked(name, value if norm == "prompts" else value.sqrt()) for name, value in total.items()}


def _adder(squares: Any) -> Callable[[Any, tuple[Any, ...]], None]:
    def add(_module: Any, given: tuple[Any, ...]) -> None:
        squares.add_(given[0].reshape(-1, given[0].shape[-1]).to(squares.dtype).square().sum(0))

    return add


def _checked(name: str, value: Any) -> Any:
    if not bool(value.isfinite().all()):
        raise SteeringError(f"the inputs of {name} are not finite numbers; load the model in bfloat16 or float32")
    return value


def importance(weight: Any, norms: Any, *, inputs: int) -> Any:
    """Return |W|·norms as float32: `weight` and `norms` may be slices that belong together."""
    return weight.abs().float() * (norms.float()[None, :] if inputs == 1 else norms.float()[:, None])
