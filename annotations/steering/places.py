"""Where in a model something is done: its blocks, counted from 1, and the matrices in them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from .errors import SteeringError

KINDS = ("mlp", "attention")
ATTENTION = re.compile(r"attn|attention", re.IGNORECASE)
ROUTER = re.compile(r"(^|\.)(router|gate)(\.|$)")  # they choose experts, they do not think
DEEPEST = 1000  # blocks
RANGE = re.compile(r"(\d+)(?:\s*[-–]\s*(\d+))?")


@dataclass(frozen=True, slots=True)
class Matrix:
    """A weight matrix. `inputs` is its axis of input features: 1 of ``Linear``, 0 of GPT-2's transposed ``Conv1D``."""

    name: str
    module: Any
    inputs: int

    @property
    def weight(self) -> Any:
        """The weight itself, not a copy."""
        return self.module.weight.detach()


def blocks_of(model: Any) -> tuple[str, Any]:
    """Return the name and the list of the model's blocks; raises SteeringError for a model that has none."""
    from torch.nn import ModuleList

    depth = int(getattr(model.config.get_text_config(), "num_hidden_layers", 0) or 0)
    for name, module in model.named_modules():
        if isinstance(module, ModuleList) and len(module) == depth:
            return name, module
    raise SteeringError(f"{type(model).__name__} is not built of blocks in a row, so none can be chosen")


def block(model: Any, number: int) -> Any:
    """Return the block of this number, counted from 1: its output is transformers' ``hidden_states[number]``."""
    _, blocks = blocks_of(model)
    if not 1 <= number <= len(blocks):
        raise SteeringError(f"the model has the blocks 1 to {len(blocks)}, not {number}")
    return blocks[number - 1]


def numbers_of(words: str, depth: int) -> tuple[int, ...]:
    """Read ``all``, ``last half`` or ``1-8, 12``; raises SteeringError. A `depth` of 0 only checks the writing."""
    wish = " ".join(words.lower().split())
    if wish in ("", "all"):
        return tuple(range(1, depth + 1))
    if wish == "last half":
        return tuple(range(depth // 2 + 1, depth + 1))
    found: set[int] = set()
    for part in wish.split(","):
        match = RANGE.fullmatch(part.strip())
        first, last = (int(match[1]), int(match[2] or match[1])) if match else (1, 0)
        if not 1 <= first <= last <= (depth or DEEPEST):
            until = f" up to {depth}" if depth else ""
            raise SteeringError(f"blocks are 'all', 'last half' or numbers{until} such as '1-8, 12', not '{words}'")
        found.update(range(first, last + 1))
    return tuple(sorted(found))


def matrices(model: Any, *, blocks: Iterable[int], modules: Iterable[str]) -> list[Matrix]:
    """Return the chosen matrices in the model's own order.

    ``mlp`` and ``attention`` mean every product in the chosen blocks; another word is a pattern of full names
    (``*.q_proj``), and only such a pattern reaches what lies outside the blocks, as ``lm_head`` does. Embeddings and
    norms are no matrix products and are never chosen.
    """
    wished = tuple(word.lower() if word.lower() in KINDS else word for word in modules)
    prefix, layers = blocks_of(model)
    inside = {f"{prefix}.{number - 1}." for number in blocks}
    every = {f"{prefix}.{index}." for index in range(len(layers))}
    found, met = [], set()
    for name, module in model.named_modules():
        axis = _input_axis(module)
        home = next((start for start in every if name.startswith(start)), "")
        wish = _wish_for(name, home, wished) if axis is not None and (not home or home in inside) else None
        if axis is not None and wish is not None:
            met.add(wish)
            found.append(Matrix(name, module, axis))
    if "mlp" in wished:
        _refuse_experts(model, inside)
    if missing := [wish for wish in wished if wish not in met]:
        raise SteeringError(f"the model has no matrix called {', '.join(missing)} in the chosen blocks")
    _check(model, found)
    return found


def _input_axis(module: Any) -> int | None:
    from torch.nn import Linear
    from transformers.pytorch_utils import Conv1D

    if isinstance(module, Linear):
        return 1
    return 0 if isinstance(module, Conv1D) else None


def _wish_for(name: str, home: str, wished: tuple[str, ...]) -> str | None:
    """Return the wish that this matrix meets."""
    for pattern in wished:
        if pattern not in KINDS and fnmatchcase(name, pattern):
            return pattern
    within = name[len(home) :]
    kind = "attention" if ATTENTION.search(within) else "mlp"
    return kind if home and kind in wished and not ROUTER.search(within) else None


def _refuse_experts(model: Any, inside: set[str]) -> None:
    """A mixture holds all its experts' matrices as one block of numbers: say so instead of leaving them out."""
    for name, parameter in model.named_parameters():
        owner = type(model.get_submodule(name.rpartition(".")[0])).__name__
        if parameter.ndim == 3 and not owner.startswith("Conv") and name.startswith(tuple(inside)):  # noqa: PLR2004
            message = f"{name} holds many experts in one piece, which cannot be steered; choose attention only"
            raise SteeringError(message)


def _check(model: Any, found: list[Matrix]) -> None:
    """Refuse what cannot be multiplied in place: compressed numbers, and one matrix that is used twice."""
    owners: dict[int, list[str]] = {}
    for name, parameter in model.named_parameters(remove_duplicate=False):
        owners.setdefault(parameter.data_ptr(), []).append(name.removesuffix(".weight"))
    for matrix in found:
        weight = matrix.weight
        if not weight.is_floating_point() or weight.element_size() == 1 or weight.ndim != 2:  # noqa: PLR2004 - a matrix
            raise SteeringError(f"{matrix.name} holds compressed numbers; load the model in bfloat16 or float32")
        if not weight.is_contiguous():
            raise SteeringError(f"{matrix.name} does not lie in one piece of memory")
        others = [name for name in owners[weight.data_ptr()] if name != matrix.name]
        if others:
            raise SteeringError(f"{matrix.name} is the same matrix as {', '.join(others)}; it cannot be steered alone")
