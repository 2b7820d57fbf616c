"""Which weights are changed: the top ρ of the creative set without the top ρ of the routine set, one bit a weight."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from .errors import SteeringError
from .importance import importance
from .places import Matrix
from .recipes import Recipe, Scope, check_ratio
from .selection import Cut, cut

PIECE = 1 << 20  # weights that are looked at together


@dataclass(frozen=True, slots=True)
class Masks:
    """By name of the matrix: its shape, and its mask packed into bytes row by row (8 weights a byte)."""

    shapes: Mapping[str, tuple[int, int]]
    bits: Mapping[str, np.ndarray[Any, np.dtype[np.uint8]]]

    def rows(self, name: str, first: int, last: int, *, device: Any = "cpu") -> Any:
        """Return the mask of some rows as flat booleans; `first` is a multiple of 8."""
        import torch

        width = self.shapes[name][1]
        count = (last - first) * width
        packed = self.bits[name][first * width // 8 : -(-last * width // 8)]
        if torch.device(device).type == "cpu":
            return torch.from_numpy(np.unpackbits(packed, count=count).view(np.bool_))
        return unpacked(torch.tensor(packed, device=device))[:count]

    def whole(self, name: str) -> Any:
        """Return one matrix's mask as booleans in its own shape."""
        return self.rows(name, 0, self.shapes[name][0]).reshape(self.shapes[name])

    @property
    def nbytes(self) -> int:
        """What the masks take in memory."""
        return sum(packed.nbytes for packed in self.bits.values())

    @property
    def weights(self) -> int:
        """How many weights the chosen matrices have."""
        return sum(rows * width for rows, width in self.shapes.values())

    @property
    def marked(self) -> int:
        """How many weights are changed."""
        return sum(int(np.bitwise_count(packed).sum()) for packed in self.bits.values())


def unpacked(packed: Any) -> Any:
    """Return the bits of bytes where they lie, so that an eighth travels to the device; numpy is faster on a CPU."""
    import torch

    places = torch.tensor([128, 64, 32, 16, 8, 4, 2, 1], dtype=torch.uint8, device=packed.device)
    return (packed[:, None] & places).ne(0).reshape(-1)


def pieces_of(shape: tuple[int, int]) -> Iterator[tuple[int, int]]:
    """Yield first and last row of pieces of about ``PIECE`` weights; firsts are multiples of 8, so bytes are whole."""
    step = max(8, PIECE // max(shape[1], 1) // 8 * 8)
    for first in range(0, shape[0], step):
        yield first, min(first + step, shape[0])


def keep_of(ratio: float, weights: int) -> int:
    """Return how many weights a share is: rounded down (0.1 of 50 are 5), at least one."""
    return max(1, int(ratio * weights + 1e-9))


def make_masks(
    matrices: Sequence[Matrix],
    creative: Mapping[str, Any],
    routine: Mapping[str, Any],
    *,
    ratio: float,
    scope: Scope = "matrix",
) -> Masks:
    """Choose the weights from the two sets of norms (see ``importance.input_norms``).

    Equal importance is settled by place: the matrix and the row that come first. Holds one packed mask more than it
    returns and no number per weight.
    """
    check_ratio(ratio)
    groups = [list(matrices)] if scope == "model" else [[matrix] for matrix in matrices]
    bits: dict[str, Any] = {}
    for group in groups:
        keep = keep_of(ratio, sum(matrix.weight.numel() for matrix in group))
        cuts = [_cut(group, norms, keep) for norms in (creative, routine)]
        for matrix in group:
            bits[matrix.name] = _mask(matrix, (creative[matrix.name], routine[matrix.name]), cuts)
    return Masks({matrix.name: tuple(matrix.weight.shape) for matrix in matrices}, bits)


def _scores(matrix: Matrix, norms: Any) -> Iterator[Any]:
    weight = matrix.weight
    for first, last in pieces_of(tuple(weight.shape)):
        part = norms if matrix.inputs == 1 else norms[first:last]
        yield importance(weight[first:last], part, inputs=matrix.inputs)


def _cut(group: list[Matrix], norms: Mapping[str, Any], keep: int) -> Cut:
    return cut(lambda: (piece for matrix in group for piece in _scores(matrix, norms[matrix.name])), keep)


def _mask(matrix: Matrix, norms: tuple[Any, Any], cuts: Sequence[Cut]) -> np.ndarray[Any, np.dtype[np.uint8]]:
    packed = []
    for creative, routine in zip(_scores(matrix, norms[0]), _scores(matrix, norms[1]), strict=True):
        top, usual = cuts[0].chosen(creative), cuts[1].chosen(routine)
        packed.append(np.packbits((top & ~usual).reshape(-1).cpu().numpy()))
    return np.concatenate(packed)


def save_masks(masks: Masks, path: Path, recipe: Recipe) -> None:
    """Write the masks for whoever has a recipe that finds the same; whole or not at all."""
    from safetensors.numpy import save_file

    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}-{os.getpid()}")
    shapes = json.dumps({name: list(shape) for name, shape in masks.shapes.items()})
    save_file(dict(masks.bits), draft, metadata={"finding": recipe.finding, "shapes": shapes})
    draft.replace(path)


def read_masks(path: Path, recipe: Recipe) -> Masks | None:
    """Return masks that were written for such a recipe; None when there are none."""
    from safetensors import SafetensorError, safe_open

    if not path.is_file():
        return None
    try:
        with safe_open(path, framework="numpy") as file:
            said = file.metadata() or {}
            if said.get("finding") != recipe.finding:
                return None
            shapes = {name: (int(rows), int(width)) for name, (rows, width) in json.loads(said["shapes"]).items()}
            bits = {name: file.get_tensor(name) for name in shapes}
    except (SafetensorError, KeyError, ValueError):
        return None  # half a file of an older version; it is made again
    if any(len(bits[name]) != -(-rows * width // 8) for name, (rows, width) in shapes.items()):
        raise SteeringError(f"the stored masks {path.name} do not fit their own shapes; delete the file")
    return Masks(shapes, bits)
