"""What all families of plug-ins share: the base class and the registry."""

from __future__ import annotations

import importlib
import pkgutil
from abc import ABC
from collections.abc import Iterator
from typing import ClassVar, Generic, TypeVar


class Plugin(ABC):
    """What every plug-in has: a name for code and data, and a label for people."""

    name: ClassVar[str]
    label: ClassVar[str]


P = TypeVar("P", bound=Plugin)


class Registry(Generic[P]):
    """The plug-ins of one family by name; the family's folder is imported when first asked."""

    def __init__(self, family: str) -> None:
        self.family = family
        self._items: dict[str, P] = {}
        self._loaded = False

    def register(self, plugin: type[P]) -> type[P]:
        """Add a plug-in class (a decorator); a name taken by another class is a programming error."""
        known = self._items.get(plugin.name)
        if known is not None and type(known) is not plugin:
            message = f"{self.family}: the name '{plugin.name}' is taken by {type(known).__qualname__}"
            raise ValueError(message)
        self._items[plugin.name] = plugin()
        return plugin

    def _load(self) -> None:
        if self._loaded:
            return
        package = importlib.import_module(f"annotations.plugins.{self.family}")
        for module in pkgutil.iter_modules(package.__path__):
            importlib.import_module(f"{package.__name__}.{module.name}")
        self._loaded = True

    def get(self, name: str) -> P:
        """Return the plug-in of this name; raises KeyError with the names that exist."""
        self._load()
        try:
            return self._items[name]
        except KeyError:
            message = f"{self.family}: no '{name}'; there are {', '.join(sorted(self._items))}"
            raise KeyError(message) from None

    def names(self) -> list[str]:
        """Return the names, sorted."""
        self._load()
        return sorted(self._items)

    def choices(self) -> list[tuple[str, str]]:
        """Return (name, label) for form and model choices."""
        return [(name, self._items[name].label) for name in self.names()]

    def __iter__(self) -> Iterator[P]:
        return iter([self._items[name] for name in self.names()])
