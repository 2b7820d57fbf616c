"""How far a text lies along a model's own direction from boring to creative (Olson et al., 2024)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, ClassVar

from django.conf import settings as site

from annotations.registry import Option, ScoredText, Scorer, scorers
from annotations.steering.contrast import contrast_of
from annotations.steering.errors import SteeringError
from annotations.steering.scoring import cosines
from annotations.steering.treatments import Wish, direction_for, recipe_for

from .local_model import MODEL, RUNNING, borrowed, check_model


@scorers.register
class CreativityDirection(Scorer):
    """Cosine of the text's hidden state with the mean creative minus the mean routine hidden state."""

    name = "creativity_direction"
    label = "Creativity direction of a local model"
    about = (
        "Cosine, from -1 to 1, with a model's own difference between creative and routine prompts. "
        "A text that is empty, or longer than the model can read, has none."
    )
    direction = "more creative"
    takes: ClassVar[tuple[Option, ...]] = (
        MODEL,
        Option("block", "After block", "number", 0, help="0: a quarter of the depth.", most=1000),
        Option(
            "pooling",
            "Hidden state of a text",
            "one_of",
            "mean",
            among=(("mean", "the mean over its tokens"), ("last", "its last token")),
        ),
        Option("centred", "Take the middle of both sets off first", "yes_no", default=False),
        Option(
            "creative",
            "Creative texts",
            "lines",
            (),
            help="One a line. Empty: the platform's pairs.",
            many=500,
            most=5000,
        ),
        Option(
            "routine", "Boring texts", "lines", (), help="As many: each the twin of one above.", many=500, most=5000
        ),
        *RUNNING,
    )

    def clean_settings(self, settings: Mapping[str, Any]) -> dict[str, Any]:
        """Check the folder and the pairs."""
        clean = super().clean_settings(settings)
        check_model(clean["model"])
        try:
            contrast_of(clean["creative"], clean["routine"])
        except SteeringError as error:
            message = f"the option 'creative': {error}"
            raise ValueError(message) from None
        return clean

    def scores(
        self,
        texts: Iterable[ScoredText],
        *,
        settings: Mapping[str, Any],
        secrets: Mapping[str, str],  # noqa: ARG002 - takes none
    ) -> Iterator[tuple[int, float | None]]:
        """Read each text as the model's own answer to nothing: without prompt and chat template."""
        wish = Wish(
            kind="activations",
            contrast=contrast_of(settings["creative"], settings["routine"]),
            block=settings["block"],
            pooling=settings["pooling"],
        )
        with borrowed(settings) as loaded:
            with loaded.lock:
                recipe = recipe_for(loaded, wish)
                found = direction_for(loaded, recipe, wish.contrast, store=site.STEERING_STORE)
            for text in texts:
                ids = loaded.plain(text.text)
                if not text.text.strip() or (loaded.window and len(ids) > loaded.window):
                    yield text.output, None
                    continue
                with loaded.lock:
                    (score,) = cosines(loaded.model, [ids], found, centred=settings["centred"])
                yield text.output, score
