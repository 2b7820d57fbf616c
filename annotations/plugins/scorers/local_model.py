"""What scorers share that read texts with a model that runs here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from django.conf import settings as site

from annotations.errors import GeneratorFailed
from annotations.registry import Option
from annotations.steering.errors import SteeringError
from annotations.steering.loading import DEVICES, DTYPES, Loaded, allowed
from annotations.steering.shelf import shelf

MODEL = Option("model", "Model", "words", "", help="Its folder, under one of those the site allows.", most=500)
RUNNING = (
    Option("dtype", "Numbers", "one_of", "auto", among=tuple((name, name) for name in DTYPES)),
    Option("device", "Runs on", "one_of", "auto", among=tuple((name, name) for name in DEVICES)),
)


def check_model(path: str) -> None:
    """Raise ValueError unless the folder is allowed; a website without folders of models takes it on trust."""
    if not path:
        raise ValueError("model must name the folder of a Hugging Face model")
    if any(root.is_dir() for root in site.MODEL_ROOTS):
        try:
            allowed(path, site.MODEL_ROOTS)
        except SteeringError as error:
            message = f"the option 'model': {error}"
            raise ValueError(message) from None


@contextmanager
def borrowed(settings: Mapping[str, Any]) -> Iterator[Loaded]:
    """Give the model; what is wrong with it is said as the family says it."""
    try:
        with shelf.borrow(
            settings["model"], roots=site.MODEL_ROOTS, dtype=settings["dtype"], device=settings["device"]
        ) as loaded:
            yield loaded
    except SteeringError as error:
        raise GeneratorFailed(f"{error}.", lasting=True) from None
