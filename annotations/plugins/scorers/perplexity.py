"""How much a text surprises a language model that runs here."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, ClassVar

from annotations.registry import Option, ScoredText, Scorer, scorers
from annotations.steering.errors import SteeringError
from annotations.steering.loading import Loaded
from annotations.steering.scoring import surprisal

from .local_model import MODEL, RUNNING, borrowed, check_model

LARGEST = 700.0  # nats a token; e to it is still a number


@scorers.register
class Perplexity(Scorer):
    """e to the mean negative log-likelihood per token."""

    name = "perplexity"
    label = "Perplexity under a local model"
    about = "How unexpected the words are to a language model, given the prompt; nonsense is unexpected too."
    direction = "more surprising to the model"
    takes: ClassVar[tuple[Option, ...]] = (
        MODEL,
        Option(
            "given",
            "Given",
            "one_of",
            "prompt",
            among=(("prompt", "the prompt, as the model is asked"), ("nothing", "nothing: the text alone")),
        ),
        Option(
            "scale",
            "As",
            "one_of",
            "perplexity",
            among=(("perplexity", "perplexity"), ("nats", "mean surprisal in nats a token")),
        ),
        *RUNNING,
    )

    def clean_settings(self, settings: Mapping[str, Any]) -> dict[str, Any]:
        """Check the folder."""
        clean = super().clean_settings(settings)
        check_model(clean["model"])
        return clean

    def scores(
        self,
        texts: Iterable[ScoredText],
        *,
        settings: Mapping[str, Any],
        secrets: Mapping[str, str],  # noqa: ARG002 - takes none
    ) -> Iterator[tuple[int, float | None]]:
        """One pass of the model a text; None for texts without a token to predict and for those too long."""
        with borrowed(settings) as loaded:
            for text in texts:
                value = _nats(loaded, text, given=settings["given"])
                if value is not None and settings["scale"] == "perplexity":
                    value = math.exp(min(value, LARGEST))
                yield text.output, value


def _nats(loaded: Loaded, text: ScoredText, *, given: str) -> float | None:
    if not text.text.strip():
        return None
    try:
        before = loaded.tokens(text.prompt) if given == "prompt" else []
    except SteeringError:
        before = loaded.plain(text.prompt)
    ids = loaded.continuation(text.text) if before else loaded.plain(text.text)
    if loaded.window and len(before) + len(ids) > loaded.window:
        return None
    with loaded.lock:
        return surprisal(loaded.model, before, ids)
