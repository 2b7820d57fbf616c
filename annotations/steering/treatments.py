"""From a wish to a model that is treated: the recipe, what has to be found out for it, and its doing and undoing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .activations import Direction, direction, pushed, read_direction, save_direction
from .contrast import Contrast
from .errors import SteeringError
from .importance import input_norms
from .loading import Loaded, libraries
from .masks import Masks, make_masks, read_masks, save_masks
from .places import blocks_of, matrices, numbers_of
from .recipes import Kind, Norm, Pooling, Recipe, Scope
from .weights import steered


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What the researcher asked for, before a model is there to say how many blocks it has."""

    kind: Kind = "baseline"
    contrast: Contrast
    blocks: str = "all"
    modules: tuple[str, ...] = ("mlp", "attention")
    ratio: float = 0.1
    alpha: float = 1.0
    scope: Scope = "matrix"
    norm: Norm = "prompts"
    block: int = 0  # 0: a quarter of the depth
    strength: float = 3.0
    unit: bool = False
    pooling: Pooling = "last"


def recipe_for(loaded: Loaded, wish: Wish) -> Recipe:
    """Return the recipe of a wish for this model."""
    depth = len(blocks_of(loaded.model)[1])
    common: dict[str, Any] = {
        "kind": wish.kind,
        "model": loaded.digest,
        "dtype": loaded.dtype,
        "device": loaded.device,
        "libraries": libraries(),
    }
    if wish.kind == "baseline":
        return Recipe(**common)
    common |= {"contrast": wish.contrast.digest, "chat": loaded.chat}
    if wish.kind == "weights":
        blocks = numbers_of(wish.blocks, depth)
        return Recipe(
            **common, blocks=blocks, modules=wish.modules, ratio=wish.ratio, alpha=wish.alpha, scope=wish.scope,
            norm=wish.norm,
        )  # fmt: skip
    return Recipe(
        **common, blocks=(block_for(wish.block, depth),), strength=wish.strength, unit=wish.unit, pooling=wish.pooling
    )


def block_for(wish: int, depth: int) -> int:
    """Return the block after which is read or added: block 8 of 32 in Olson et al., so a quarter of the depth."""
    return wish or max(1, round(depth / 4))


def masks_for(loaded: Loaded, recipe: Recipe, contrast: Contrast, *, store: Path | None = None) -> Masks:
    """Return the masks of a recipe, from the store when they are there; the same recipe gives the same masks."""
    path = store / f"{recipe.finding}.masks.safetensors" if store else None
    if path and (kept := read_masks(path, recipe)):
        return kept
    found = matrices(loaded.model, blocks=recipe.blocks, modules=recipe.modules)
    norms = [
        input_norms(loaded.model, [loaded.tokens(text) for text in texts], found, norm=recipe.norm)
        for texts in (contrast.creative, contrast.routine)
    ]
    masks = make_masks(found, *norms, ratio=recipe.ratio, scope=recipe.scope)
    if not masks.marked:
        raise SteeringError(
            "creative and routine prompts choose the same weights, so none would be changed; "
            "choose other prompts or a larger share ρ"
        )
    if path:
        save_masks(masks, path, recipe)
    return masks


def direction_for(loaded: Loaded, recipe: Recipe, contrast: Contrast, *, store: Path | None = None) -> Direction:
    """Return the direction of a recipe, from the store when it is there."""
    path = store / f"{recipe.finding}.direction.safetensors" if store else None
    if path and (kept := read_direction(path, recipe)):
        return kept
    ends = [[loaded.tokens(text) for text in texts] for texts in (contrast.creative, contrast.routine)]
    found = direction(loaded.model, *ends, number=recipe.blocks[0], pooling=recipe.pooling)
    found = found.unit() if recipe.unit else found
    if path:
        save_direction(found, path, recipe)
    return found


@dataclass(frozen=True, slots=True)
class Treatment:
    """A recipe with what was found out for it, ready to be applied to the model any number of times."""

    recipe: Recipe
    masks: Masks | None = None
    direction: Direction | None = None

    @property
    def reach(self) -> dict[str, Any]:
        """Return what the finding came to: of weights how many are changed, of hidden states how far they are moved."""
        if self.masks is not None:
            return {"weights_changed": self.masks.marked, "weights_chosen_from": self.masks.weights}
        if self.direction is not None:
            return {"direction_length": round(float(self.direction.vector.norm()), 6)}
        return {}

    @contextmanager
    def applied(self, loaded: Loaded) -> Iterator[None]:
        """Hold the model alone and treat it; afterwards it is what it was. One treatment at a time."""
        with loaded.alone():
            if self.masks is not None:
                with steered(loaded.model, self.masks, self.recipe.alpha):
                    yield
            elif self.direction is not None:
                with pushed(loaded.model, self.direction, self.recipe.strength):
                    yield
            else:
                yield


def prepare(loaded: Loaded, wish: Wish, *, store: Path | None = None) -> Treatment:
    """Find out what the wish needs; takes a pass of the model over every prompt of the contrast, or a stored file."""
    recipe = recipe_for(loaded, wish)
    with loaded.alone():
        if recipe.kind == "weights":
            return Treatment(recipe, masks=masks_for(loaded, recipe, wish.contrast, store=store))
        if recipe.kind == "activations":
            return Treatment(recipe, direction=direction_for(loaded, recipe, wish.contrast, store=store))
    return Treatment(recipe)
