"""How loops are compiled: once per machine, kept on disk where possible, in memory where no folder may be written."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar, cast

from numba import njit

if TYPE_CHECKING:
    from collections.abc import Callable

Function = TypeVar("Function", bound="Callable[..., Any]")
REORDER = {"reassoc", "contract"}
"""Sums may be taken in the order that vector units like; infinities and NaN keep their meaning."""


def compiled(signature: str | None = None) -> Callable[[Function], Function]:
    """Compile for one signature, from numba's cache if it is there.

    The cache lies beside the source, else in the user's cache folder, else (numba then raises RuntimeError) nowhere.
    """

    def decorate(function: Function) -> Function:
        compile_now: Any = njit
        arguments = (signature,) if signature else ()
        options = {"error_model": "numpy", "fastmath": REORDER, "nogil": True}
        try:
            return cast("Function", compile_now(*arguments, cache=True, **options)(function))
        except RuntimeError:
            return cast("Function", compile_now(*arguments, **options)(function))

    return decorate
