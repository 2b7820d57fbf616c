"""The family of generators: systems that write outputs when asked, for generations and for panels of experts."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, ClassVar, Literal, Protocol, runtime_checkable

from .base import Plugin, Registry
from .options import Option

Mark = Literal["", "refusal", "truncated", "empty"]


@dataclass(frozen=True, slots=True)
class Ask:
    """One sample that is wanted: the prompt's text and the sample's number.

    `seed` is drawn from system, prompt, sample and attempt, so that the same generation asks the same again, while a
    resample asks for something new.
    """

    prompt: str
    sample: int
    seed: int


@dataclass(frozen=True, slots=True)
class Written:
    """What a system wrote: the text as it came, and how it ended.

    `finish` is the server's own word (``stop``, ``length``, ``content_filter``); `mark` our reading of it. Tokens are
    None when the server does not count them. `cost` is in the currency of the settings' prices, None without prices.
    `provenance` is kept with the output (model as the server names it, recipe and its hash, …), never a secret.
    """

    text: str
    finish: str = ""
    mark: Mark = ""
    input_tokens: int | None = None
    output_tokens: int | None = None
    cost: Decimal | None = None
    provenance: Mapping[str, Any] = field(default_factory=dict)


class Writing(Protocol):
    """An open generator: connections made, model loaded. Used by as many threads as `lanes` says."""

    lanes: int  # how many asks may run at once
    batch: int  # how many asks one call takes (1 for a server; more for a model that runs here)

    def write(self, asks: list[Ask]) -> list[Written | Exception]:
        """Answer each ask, in order; a sample that failed for good is a ``GeneratorFailed`` in its place.

        An ``AskLater`` in its place says that this sample was not had now and is to be asked for again.
        Raises ``GeneratorFailed`` when none can be had (the server is down, the key is wrong): see its `lasting`.
        """


@runtime_checkable
class Interruptible(Protocol):
    """A writing that may wait long for its turn, and can be told that the job was stopped."""

    def interrupt(self) -> None:
        """Let all who wait for their turn come back at once, with ``AskLater``."""


class Generator(Plugin):
    """A system that writes outputs on demand."""

    # What can be set, for the check of settings and for the researcher's form; secrets stand apart, by name and label.
    takes: ClassVar[tuple[Option, ...]] = ()
    secrets: ClassVar[tuple[tuple[str, str], ...]] = ()
    for_panels: ClassVar[bool] = True

    @abstractmethod
    def clean_settings(self, settings: Mapping[str, Any]) -> dict[str, Any]:
        """Return complete, checked settings; raises ValueError that names the wrong one and what is allowed."""

    def destination(self, settings: Mapping[str, Any]) -> str:  # noqa: ARG002
        """Return where the secrets are sent. When it changes they are forgotten, lest they go to somebody else."""
        return ""

    def described(self, settings: Mapping[str, Any]) -> str:
        """Say in one line what is asked, for lists; without secrets."""
        return str(settings.get("model", "") or self.label)

    def cost_at_most(self, prompt: str, *, settings: Mapping[str, Any]) -> Decimal | None:  # noqa: ARG002
        """Return what one sample of this prompt can cost at most; None when the settings name no price."""
        return None

    def open(self, *, settings: Mapping[str, Any], secrets: Mapping[str, str]) -> AbstractContextManager[Writing]:
        """Make ready to write. Raises GeneratorFailed in words without secrets."""
        raise NotImplementedError

    def try_out(
        self, asks: list[Ask], *, settings: Mapping[str, Any], secrets: Mapping[str, str]
    ) -> list[Written | Exception]:
        """Answer a few asks for somebody who waits for them in front of a page."""
        with self.open(settings=settings, secrets=secrets) as writing:
            size = max(1, writing.batch)
            return [one for at in range(0, len(asks), size) for one in writing.write(asks[at : at + size])]

    def generate(
        self, question: str, *, count: int, settings: Mapping[str, Any], secrets: Mapping[str, str]
    ) -> list[str]:
        """Return exactly `count` texts for an expert who waits, none of them empty.

        Raises ``GeneratorFailed`` with words that an expert may read; they name neither the model nor its address.
        """
        raise NotImplementedError


generators: Registry[Generator] = Registry("generators")
