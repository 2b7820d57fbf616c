"""What a rater's page may know: frozen values without systems, file names, kinds or ids of outputs.

The rater's view and form import this module and never the models, so blinding is enforced by the import law.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .enums import Outcome, Step
from .registry import Exit


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


# The path around the trials, in the language of the rater (``annotations.domain.path`` reads it from a study's JSON).


@dataclass(frozen=True, slots=True)
class Option:
    """One answer of a field that offers some."""

    value: str
    label: str


@dataclass(frozen=True, slots=True)
class Field:
    """One thing that is asked outside the trials.

    `minimum` and `maximum` bound a number, or are the ends of a scale, whose words are `low` and `high`. `eligible` and
    `eligible_range` say who may go on; a field of the questionnaire has neither.
    """

    key: str
    type: str
    label: str
    help: str = ""
    required: bool = True
    may_skip: bool = False
    options: tuple[Option, ...] = ()
    minimum: float | None = None
    maximum: float | None = None
    low: str = ""
    high: str = ""
    long: bool = False
    eligible: tuple[str, ...] = ()
    eligible_range: tuple[float | None, float | None] | None = None


@dataclass(frozen=True, slots=True)
class QuizQuestion:
    """One question about the instructions; several boxes are ticked when several answers are right."""

    key: str
    label: str
    options: tuple[Option, ...]
    correct: tuple[str, ...]
    explanation: str = ""


@dataclass(frozen=True, slots=True)
class PracticeTrial:
    """A trial that does not count.

    `expected` holds by dimension the answers that fit, as a browser sends them; for those in `ranges` it is the least
    and the greatest score.
    """

    prompt: str
    texts: tuple[str, ...]
    expected: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    ranges: frozenset[str] = frozenset()
    feedback: str = ""


@dataclass(frozen=True, slots=True)
class Path:
    """The steps of a study; `steps` are those that are on, `texts` Markdown by step or outcome."""

    steps: frozenset[Step]
    texts: Mapping[str, str] = field(default_factory=dict)
    eligibility: tuple[Field, ...] = ()
    boxes: tuple[str, ...] = ()
    pdf: str = ""
    withdrawal: str = "erase"
    questionnaire: tuple[Field, ...] = ()
    quiz: tuple[QuizQuestion, ...] = ()
    attempts: int = 2
    practice: tuple[PracticeTrial, ...] = ()
    break_every: int = 0
    reveals: bool = False
    agreement: bool = False
    ending: str = "code"
    codes: Mapping[Outcome, str] = field(default_factory=dict)
    files: tuple[tuple[str, str], ...] = ()


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
    language: str = ""
    slug: str = ""
    consent: str = ""
    path: Path | None = None
    leave: Exit = field(default_factory=Exit)
    outcome: str = ""
    extra: Mapping[str, Any] = field(default_factory=dict)
