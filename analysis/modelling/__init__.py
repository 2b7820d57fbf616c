"""The notebook's door: a formula and a table in, a fitted mixed model with its inference out."""

from analysis.modelling.model import MixedModel, fit

__all__ = ["MixedModel", "fit"]
