"""One loaded model for all who ask for it in this process: baseline and steered systems share its memory."""

from __future__ import annotations

import gc
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from .loading import Loaded, allowed, load, stamp_of

IDLE = 1  # models that stay when nobody uses them


class Shelf:
    """Models by folder, files, number format and device. One that changed on the disk is loaded anew."""

    def __init__(self, idle: int = IDLE) -> None:
        self.idle = idle
        self._lock = threading.Lock()
        self._models: dict[tuple[Any, ...], Loaded] = {}
        self._users: dict[tuple[Any, ...], int] = {}

    @contextmanager
    def borrow(
        self, path: str, *, roots: Sequence[Path], dtype: str = "auto", device: str = "auto"
    ) -> Iterator[Loaded]:
        """Give the model, loaded now or before. Idle ones beyond `idle` go before another comes, not after."""
        folder = allowed(path, roots)
        key = (str(folder), stamp_of(folder), dtype, device)
        with self._lock:
            if key not in self._models:
                self._make_room()
                self._models[key] = load(folder, dtype=dtype, device=device)
            loaded = self._models[key] = self._models.pop(key)  # the youngest stands last
            self._users[key] = self._users.get(key, 0) + 1
        try:
            yield loaded
        finally:
            with self._lock:
                self._users[key] -= 1

    def _make_room(self) -> None:
        unused = [key for key in self._models if not self._users.get(key)]
        for key in unused[: max(0, len(unused) - self.idle + 1)]:
            del self._models[key]
        if unused:
            gc.collect()

    def __len__(self) -> int:
        return len(self._models)

    def clear(self) -> None:
        """Forget the models that nobody uses."""
        with self._lock:
            for key in [key for key in self._models if not self._users.get(key)]:
                del self._models[key]
        gc.collect()


shelf = Shelf()
