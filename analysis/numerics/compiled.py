"""How loops are compiled: when first called, once per machine, kept on disk where a folder may be written.

Importing a module of loops costs nothing: numba itself (half a second) loads with the first call.
"""

from __future__ import annotations

from functools import update_wrapper
from threading import RLock
from typing import TYPE_CHECKING, Any, TypeVar, cast

if TYPE_CHECKING:
    from collections.abc import Callable

Function = TypeVar("Function", bound="Callable[..., Any]")
REORDER = {"reassoc", "contract"}
"""Sums may be taken in the order that vector units like; infinities and NaN keep their meaning."""
_LOCK = RLock()


class _Late:
    """A function that is compiled when it is first called, with everything compiled that its module holds."""

    def __init__(self, function: Callable[..., Any], signature: str | None, *, reorder: bool) -> None:
        self.function, self.signature, self.reorder = function, signature, reorder
        self.dispatcher: Callable[..., Any] | None = None
        update_wrapper(self, function)

    def __call__(self, *arguments: Any) -> Any:
        return self.compile()(*arguments)

    def compile(self) -> Callable[..., Any]:
        """Return the compiled function; names of its module that are called by it are compiled before."""
        with _LOCK:
            if self.dispatcher is None:
                names = self.function.__globals__
                for name, value in list(names.items()):
                    if isinstance(value, _Late) and value is not self and name in self.function.__code__.co_names:
                        names[name] = value.compile()
                self.dispatcher = _njit(self.function, self.signature, reorder=self.reorder)
                if names.get(self.function.__name__) is self:
                    names[self.function.__name__] = self.dispatcher
        return self.dispatcher


def compiled(signature: str | None = None, *, reorder: bool = True) -> Callable[[Function], Function]:
    """Compile for one signature (or for whatever the first call brings), from numba's cache if it is there.

    The cache lies beside the source, else in the user's cache folder, else nowhere. ``reorder`` lets sums be taken in
    any order.
    """

    def decorate(function: Function) -> Function:
        return cast("Function", _Late(function, signature, reorder=reorder))

    return decorate


def _njit(function: Callable[..., Any], signature: str | None, *, reorder: bool) -> Callable[..., Any]:
    from numba import njit

    compile_now: Any = njit
    arguments = (signature,) if signature else ()
    options: dict[str, Any] = {"error_model": "numpy", "nogil": True, "fastmath": REORDER if reorder else False}
    try:
        return cast("Callable[..., Any]", compile_now(*arguments, cache=True, **options)(function))
    except RuntimeError:  # no folder for the cache
        return cast("Callable[..., Any]", compile_now(*arguments, **options)(function))
