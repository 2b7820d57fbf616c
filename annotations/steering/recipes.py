"""A recipe: everything that decides what was done to a model, with a hash that is the same in every process."""

from __future__ import annotations

import hashlib
import json
import math
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

from .errors import SteeringError

Kind = Literal["baseline", "weights", "activations"]
Scope = Literal["matrix", "model"]
Norm = Literal["prompts", "tokens"]
Pooling = Literal["last", "mean"]

VERSION = 1  # raise it when the same settings would give other masks or directions
RATIO = (0.01, 0.2)
ALPHA = (0.01, 2.0)
LAMBDA = 100.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """One way to treat one model. What a kind does not use keeps its default, so that it cannot change the hash.

    model, contrast   SHA-256 of the model's files and of the pairs of prompts
    chat              whether the prompts of the contrast went through the tokenizer's chat template
    blocks            of weights: the blocks that are changed; of activations: the one block after which is added
    modules           kinds of matrices (``mlp``, ``attention``) or patterns of names
    ratio, alpha      ρ and α of W' = W·(1+α·mask)
    scope             the top ρ of each matrix, or of all chosen matrices together
    norm              ‖X‖₂ of each prompt, summed over prompts, or one norm over the tokens of all prompts
    strength          λ; `unit`: the direction has length 1 before
    pooling           whose hidden state stands for a prompt
    """

    kind: Kind
    model: str
    dtype: str
    device: str
    libraries: str
    contrast: str = ""
    chat: bool = False
    blocks: tuple[int, ...] = ()
    modules: tuple[str, ...] = ()
    ratio: float = 0.0
    alpha: float = 0.0
    scope: Scope = "matrix"
    norm: Norm = "prompts"
    strength: float = 0.0
    unit: bool = False
    pooling: Pooling = "last"
    version: int = VERSION

    def __post_init__(self) -> None:
        for name in ("ratio", "alpha", "strength"):
            object.__setattr__(self, name, float(getattr(self, name)))
        object.__setattr__(self, "blocks", tuple(sorted(set(self.blocks))))
        object.__setattr__(self, "modules", tuple(sorted(set(self.modules))))
        if self.kind == "weights":
            self._check_weights()
        if self.kind == "activations":
            self._check_activations()

    def _check_weights(self) -> None:
        check_ratio(self.ratio)
        check_alpha(self.alpha)
        if not self.modules:
            raise SteeringError("weight steering needs at least one kind of matrices (mlp, attention)")

    def _check_activations(self) -> None:
        check_strength(self.strength)
        if len(self.blocks) != 1:
            raise SteeringError("activation steering takes exactly one block")

    def as_dict(self) -> dict[str, Any]:
        """Return the recipe as plain JSON."""
        return {**asdict(self), "blocks": list(self.blocks), "modules": list(self.modules)}

    @property
    def canonical(self) -> str:
        """Return the text that is hashed: sorted keys, no spaces."""
        return json.dumps(self.as_dict(), sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)

    @property
    def hash(self) -> str:
        """Return the SHA-256 of the canonical text."""
        return hashlib.sha256(self.canonical.encode()).hexdigest()

    @property
    def finding(self) -> str:
        """Return the hash of what had to be found out (masks or direction): that of the recipe without α and λ."""
        return replace(self, alpha=0.0, strength=0.0).hash


def check_ratio(ratio: float) -> None:
    """Raise SteeringError unless ρ lies in 0.01–0.2."""
    if not RATIO[0] <= ratio <= RATIO[1]:
        raise SteeringError(f"the share ρ must lie between {RATIO[0]} and {RATIO[1]}, not {ratio:g}")


def check_alpha(alpha: float) -> None:
    """Raise SteeringError unless α is 0 (nothing changes) or lies in 0.01–2."""
    if alpha != 0 and not ALPHA[0] <= alpha <= ALPHA[1]:
        raise SteeringError(f"the strength α must be 0 or lie between {ALPHA[0]} and {ALPHA[1]:g}, not {alpha:g}")


def check_strength(strength: float) -> None:
    """Raise SteeringError unless |λ| ≤ 100."""
    if not math.isfinite(strength) or abs(strength) > LAMBDA:
        raise SteeringError(f"the strength λ must lie between -{LAMBDA:g} and {LAMBDA:g}, not {strength:g}")
