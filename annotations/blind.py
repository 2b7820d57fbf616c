"""What a rater's page may know: frozen values without systems, file names, kinds or ids of outputs.

The rater's view and form import this module and never the models, so blinding is enforced by the import law.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .enums import Step


@dataclass(frozen=True, slots=True)
class Question:
    """One dimension as a rater sees it: `type` names the question type, `options` its settings."""

    key: str
    label: str
    definition: str
    type: str
    options: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Questionnaire:
    """The rows under every trial of a frozen study; the same for every trial, so that it is rendered once."""

    version: str
    lead: str
    questions: tuple[Question, ...]


@dataclass(frozen=True, slots=True)
class BlindTrial:
    """One trial: `token` names it to the server, `number` of `total` is the progress, `texts` stand left to right.

    `order` holds the keys of the dimensions in the order of this page; empty means as in the questionnaire.
    """

    token: str
    number: int
    total: int
    prompt: str
    texts: tuple[str, ...]
    order: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Timing:
    """Milliseconds measured by the page since first paint; None without JavaScript.

    `hidden_ms` counts the time that the page was not visible and `idle_ms` the time without any sign of life beyond
    the first 60 s of each silence, so that active time = submit − hidden − idle.
    """

    first_answer_ms: int | None = None
    submit_ms: int | None = None
    hidden_ms: int | None = None
    idle_ms: int | None = None


@dataclass(frozen=True, slots=True)
class RaterView:
    """Where a rater stands: the step, the trial now, the trial after it, and what the page frame needs."""

    step: Step
    study_title: str
    questionnaire: Questionnaire
    trials: tuple[BlindTrial, ...] = ()
    total: int = 0
    judged: int = 0
    completion_code: str = ""
    return_url: str = ""
    instructions: str = ""
    duplicate: bool = False
    late: bool = False
    contact: str = ""
    extra: Mapping[str, Any] = field(default_factory=dict)
