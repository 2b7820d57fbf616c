"""A language model that runs here: as it is, or steered by its weights or by its hidden states."""

from __future__ import annotations

import secrets as chance
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, ClassVar

from django.conf import settings as site

from annotations.errors import GeneratorFailed
from annotations.registry import Ask, Generator, Mark, Option, Written, generators
from annotations.registry.options import complete
from annotations.steering.contrast import Contrast, contrast_of
from annotations.steering.errors import SteeringError
from annotations.steering.loading import DEVICES, DTYPES, Loaded, first_line, out_of_memory
from annotations.steering.places import numbers_of
from annotations.steering.recipes import LAMBDA, check_alpha, check_ratio
from annotations.steering.sampling import Sampling, Text, write
from annotations.steering.shelf import shelf
from annotations.steering.treatments import Treatment, Wish, prepare

from .refusals import REFUSALS, is_refusal

LARGEST_SEED = 2**31
PAIRS = "For both ways of steering. One prompt a line. Empty: the 28 pairs written for this platform."
LOST = "The model did not answer. Your question is kept; please try again in a minute."


@generators.register
class SteeredModel(Generator):
    """Baseline and steered systems share the one loaded model of their process."""

    name = "steered_model"
    label = "Local model, steered or not"
    takes: ClassVar[tuple[Option, ...]] = (
        Option(
            "model", "Model", "words", "", help="Its folder, under one that EVALPLATFORM_MODEL_ROOTS names.", most=500
        ),
        Option(
            "kind",
            "Steering",
            "one_of",
            "baseline",
            among=(
                ("baseline", "None: the model as it is"),
                ("weights", "Weights (CreativityNeuro)"),
                ("activations", "Hidden states"),
            ),
        ),
        Option("ratio", "Weights: share ρ", "decimal", 0.1, help="From 0.01 to 0.2 of each matrix.", most=1),
        Option("alpha", "Weights: strength α", "decimal", 1.0, help="From 0.01 to 2; 0 changes nothing.", most=10),
        Option(
            "blocks",
            "Weights: blocks",
            "words",
            "all",
            help="all, last half, or numbers counted from 1: 1-8, 12",
            most=300,
        ),
        Option(
            "modules",
            "Weights: matrices",
            "lines",
            ("mlp", "attention"),
            help="mlp, attention, or a pattern of names such as *.q_proj. Embeddings and output are left out.",
            most=100,
        ),
        Option(
            "scope",
            "Weights: largest share",
            "one_of",
            "matrix",
            among=(("matrix", "of each matrix"), ("model", "of all chosen matrices together")),
        ),
        Option(
            "norm",
            "Weights: norm of the inputs",
            "one_of",
            "prompts",
            among=(("prompts", "of each prompt, summed"), ("tokens", "over the tokens of all prompts (Wanda)")),
        ),
        Option("block", "Hidden states: after block", "number", 0, help="0: a quarter of the depth.", most=1000),
        Option(
            "strength",
            "Hidden states: strength λ",
            "decimal",
            3.0,
            help="λ times the direction is added at every token, of prompt and answer. Below 0: away from creative.",
            least=-LAMBDA,
            most=LAMBDA,
        ),
        Option("unit", "Hidden states: direction of length 1", "yes_no", default=False),
        Option(
            "pooling",
            "Hidden states: of a prompt",
            "one_of",
            "last",
            among=(("last", "its last token"), ("mean", "the mean over its tokens")),
        ),
        Option("creative", "Creative prompts", "lines", (), help=PAIRS, many=500, most=2000),
        Option(
            "routine", "Routine prompts", "lines", (), help="As many: each the twin of one above.", many=500, most=2000
        ),
        Option("system_prompt", "System prompt", "words", "", most=20_000),
        Option("template", "Template", "words", "{prompt}", help="{prompt} stands for the prompt's text.", most=20_000),
        Option("temperature", "Temperature", "decimal", 1.0, help="0: always the likeliest token.", most=5),
        Option("top_p", "Top-p", "decimal", 1.0, most=1),
        Option("top_k", "Top-k", "number", 0, help="0: off.", most=1_000_000),
        Option("min_p", "Min-p", "decimal", 0.0, most=1),
        Option("max_tokens", "Tokens of an answer at most", "number", 400, least=1, most=200_000),
        Option("stop", "Stop at", "lines", (), help="One text a line; \\n stands for a new line.", many=16, most=100),
        Option("seed", "Seed", "number", 0, help="Another number gives other samples.", most=LARGEST_SEED - 1),
        Option(
            "batch",
            "Texts at once",
            "number",
            8,
            help="More is faster and takes more memory. Another number rounds differently and gives other texts.",
            least=1,
            most=512,
        ),
        Option("dtype", "Numbers", "one_of", "auto", among=tuple((name, name) for name in DTYPES)),
        Option("device", "Runs on", "one_of", "auto", among=tuple((name, name) for name in DEVICES)),
        Option("refusals", "Beginnings of a refusal", "lines", REFUSALS, help="One a line.", many=100, most=120),
    )

    def clean_settings(self, settings: Mapping[str, Any]) -> dict[str, Any]:
        """See `takes`. The folder is looked at when the model is opened: the website may run where no models are."""
        clean = complete(self.takes, settings, of=self.label)
        if not clean["model"]:
            raise ValueError("model must name the folder of a Hugging Face model")
        clean["template"] = clean["template"] or "{prompt}"
        if "{prompt}" not in clean["template"]:
            raise ValueError("template must hold {prompt}, which stands for the prompt's text")
        if clean["top_p"] == 0:
            raise ValueError("top_p must be above 0; 1 keeps all tokens")
        checks = (
            ("ratio", lambda: check_ratio(clean["ratio"])),
            ("alpha", lambda: check_alpha(clean["alpha"])),
            ("blocks", lambda: numbers_of(clean["blocks"], 0)),
            ("creative", lambda: _contrast(clean)),
        )
        for name, check in checks:
            try:
                check()
            except SteeringError as error:
                message = f"the option '{name}': {error}"
                raise ValueError(message) from None
        return clean

    def described(self, settings: Mapping[str, Any]) -> str:
        """Name the model and what is done to it."""
        name = str(settings.get("model", "")).rstrip("/").rsplit("/", 1)[-1]
        if settings.get("kind") == "weights":
            return f"{name}, weights, ρ = {settings['ratio']:g}, α = {settings['alpha']:g}"
        if settings.get("kind") == "activations":
            return f"{name}, hidden states, λ = {settings['strength']:g}"
        return f"{name}, as it is"

    @contextmanager
    def open(self, *, settings: Mapping[str, Any], secrets: Mapping[str, str]) -> Iterator[Here]:  # noqa: ARG002 - none
        """Load the model, unless somebody in this process has it already, and find masks or direction."""
        try:
            with shelf.borrow(
                settings["model"], roots=site.MODEL_ROOTS, dtype=settings["dtype"], device=settings["device"]
            ) as loaded:
                yield Here(loaded, _prepared(loaded, settings), settings)
        except SteeringError as error:
            raise GeneratorFailed(f"{error}.", lasting=True) from None

    def generate(
        self, question: str, *, count: int, settings: Mapping[str, Any], secrets: Mapping[str, str]
    ) -> list[str]:
        """Write until there are enough texts; three rounds in a row without one give up."""
        found: list[str] = []
        empty = 0
        try:
            with self.open(settings=settings, secrets=secrets) as here:
                while len(found) < count and empty < 3:  # noqa: PLR2004 - see the first line
                    asks = [Ask(question, n, chance.randbelow(LARGEST_SEED)) for n in range(count - len(found))]
                    texts = [one.text.strip() for one in here.write(asks) if isinstance(one, Written)]
                    fresh = [text for text in texts if text]
                    empty = 0 if fresh else empty + 1
                    found += fresh
        except GeneratorFailed:
            raise GeneratorFailed(LOST) from None  # an expert must not read which model it is
        if len(found) < count:
            raise GeneratorFailed(LOST)
        return found


class Here:
    """A model with its treatment, ready to write. One thread at a time: there is one copy of the weights."""

    lanes = 1

    def __init__(self, loaded: Loaded, treatment: Treatment, settings: Mapping[str, Any]) -> None:
        self.loaded, self.treatment, self.settings = loaded, treatment, settings
        self.batch = int(settings["batch"])
        self.how = Sampling(
            temperature=settings["temperature"],
            top_p=settings["top_p"],
            top_k=settings["top_k"],
            min_p=settings["min_p"],
            most_tokens=settings["max_tokens"],
            stop=tuple(line.replace("\\n", "\n") for line in settings["stop"]),
            system=settings["system_prompt"],
        )

    def write(self, asks: list[Ask]) -> list[Written | Exception]:
        """Write in batches; between two calls the model is as it was loaded, so that other systems may use it."""
        prompts = [self.settings["template"].replace("{prompt}", ask.prompt) for ask in asks]
        seeds = [self.settings["seed"] + ask.seed for ask in asks]
        try:
            with self.treatment.applied(self.loaded):
                texts = write(self.loaded, prompts, seeds, self.how, rows=self.batch)
        except SteeringError as error:
            raise GeneratorFailed(f"{error}.", lasting=True) from None
        except (MemoryError, RuntimeError) as error:
            raise GeneratorFailed(f"{_why(self.loaded, error)}.", lasting=True) from error
        return [self._written(text, seed) for text, seed in zip(texts, seeds, strict=True)]

    def _written(self, text: Text | SteeringError, seed: int) -> Written | Exception:
        if isinstance(text, SteeringError):
            return GeneratorFailed(f"{text}.")  # this prompt is too long; others are not
        provenance = {
            "model": self.loaded.name,
            "model_sha256": self.loaded.digest,
            "recipe": self.treatment.recipe.as_dict(),
            "recipe_sha256": self.treatment.recipe.hash,
            **self.treatment.reach,
            "seed": seed,
        }
        if self.loaded.revision:
            provenance["revision"] = self.loaded.revision
        return Written(
            text.text,
            text.ended,
            self._mark(text),
            input_tokens=text.read,
            output_tokens=text.wrote,
            provenance=provenance,
        )

    def _mark(self, text: Text) -> Mark:
        if not text.text.strip():
            return "empty"
        if is_refusal(text.text, self.settings["refusals"]):
            return "refusal"
        return "truncated" if text.ended == "length" else ""


def wish_of(settings: Mapping[str, Any]) -> Wish:
    """Return what clean settings ask for."""
    same = ("kind", "ratio", "alpha", "blocks", "scope", "norm", "block", "strength", "unit", "pooling")
    return Wish(
        contrast=_contrast(settings),
        modules=tuple(settings["modules"]),
        **{name: settings[name] for name in same},
    )


def _prepared(loaded: Loaded, settings: Mapping[str, Any]) -> Treatment:
    try:
        return prepare(loaded, wish_of(settings), store=site.STEERING_STORE)
    except (MemoryError, RuntimeError) as error:
        raise _why(loaded, error) from error


def _why(loaded: Loaded, error: Exception) -> SteeringError:
    """Say what the library said: with a model of one's own it is the model, or the memory."""
    return out_of_memory(error) or SteeringError(f"{loaded.name} cannot be run: {first_line(error)}")


def _contrast(settings: Mapping[str, Any]) -> Contrast:
    return contrast_of(settings["creative"], settings["routine"])
