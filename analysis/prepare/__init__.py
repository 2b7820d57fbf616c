"""From the long table to the model of one dimension: which rows count, what is compared, what is random."""

from __future__ import annotations

from analysis.design import SIDE
from analysis.prepare.answers import TIED, can_standardise
from analysis.prepare.coding import FEW, ONE_SAMPLE, DimensionData, prepare
from analysis.prepare.options import (
    DEFAULT_FIXED,
    DEFAULT_RANDOM,
    DEFAULT_RANDOM_SINGLE,
    RANDOM,
    NothingToModelError,
    OptionError,
    Options,
)
from analysis.prepare.selection import MODELLED, contrasts_of, select, systems_of

__all__ = [
    "DEFAULT_FIXED",
    "DEFAULT_RANDOM",
    "DEFAULT_RANDOM_SINGLE",
    "FEW",
    "MODELLED",
    "ONE_SAMPLE",
    "RANDOM",
    "SIDE",
    "TIED",
    "DimensionData",
    "NothingToModelError",
    "OptionError",
    "Options",
    "can_standardise",
    "contrasts_of",
    "prepare",
    "select",
    "systems_of",
]
