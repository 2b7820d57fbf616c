"""What goes wrong with a model or a recipe, in words for the researcher."""

from __future__ import annotations

INSTALL = "Models that run here need PyTorch and transformers: pip install 'evalplatform[steering]'"


class SteeringError(Exception):
    """A model or recipe that cannot be used; the message says why and what to do, without its full stop."""
