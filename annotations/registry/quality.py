"""The family of quality checks: each reads one rater's history and yields findings; it excludes nobody by itself."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

from .base import Plugin, Registry
from .questions import Measure

Kind = Literal["main", "practice", "attention", "repeat"]
RuleKind = Literal["never", "score", "count"]
Scores = tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Answer:
    """One row of a trial, as numbers where more is better.

    scores     one number for a pair as a whole (positive: the left text), else one for each place on the screen
    favoured   the place (from 1) that the answer puts clearly first; None if it puts none first
    span       the lowest and the highest possible score; None where there is no end
    value      what is stored, for free texts
    """

    dimension: str
    measure: Measure
    scores: Scores
    favoured: int | None = None
    levels: int = 0
    span: tuple[float, float] | None = None
    value: Any = None


@dataclass(frozen=True, slots=True)
class Expected:
    """What an attentive rater answers: this place first or last, or an answer within a share of the scale's end.

    `most` asks it of more than half of the rows (a degraded text), else of every row (an instruction).
    """

    how: Literal["favoured", "last", "highest", "lowest"]
    place: int = 1
    within: float = 0.1
    most: bool = False


@dataclass(frozen=True, slots=True)
class Seen:
    """One judged trial. `number` counts from 1 within the history; names of tasks and prompts say nothing of systems.

    order      which output of the task (from 1, in the task's own order) stands at each place of the screen
    words      of each text, left to right
    texts      names of the texts, left to right, that say nothing of systems
    seconds    active ones, without hidden and idle time; None when the page could not measure
    original   the `number` of the trial that this one repeats
    """

    number: int
    position: int
    kind: Kind
    task: str
    prompt: str
    order: tuple[int, ...]
    answers: tuple[Answer, ...]
    words: tuple[int, ...] = ()
    texts: tuple[str, ...] = ()
    seconds: float | None = None
    first_seconds: float | None = None
    hidden_seconds: float = 0.0
    idle_seconds: float = 0.0
    evidence: Mapping[str, Any] = field(default_factory=dict)
    expected: Expected | None = None
    original: int | None = None

    def in_task_order(self, answer: Answer) -> Scores:
        """Return an answer's scores as if the outputs stood in the task's own order."""
        if len(answer.scores) == len(self.order):
            return tuple(answer.scores[self.order.index(one)] for one in range(1, len(self.order) + 1))
        return answer.scores if self.order == (1, 2) else tuple(-score for score in answer.scores)


@dataclass(frozen=True, slots=True)
class Twin:
    """Another participation in the study that began earlier and looks like the same person's."""

    by: Literal["browser", "recruiter"]
    judged: int


Peer = Mapping[str, Scores]
"""Another rater's answers to one task: dimension → scores in the task's own order, on that rater's own scale."""


@dataclass(frozen=True, slots=True)
class History:
    """What one rater did in one study, in order; `peers` is filled for checks that need it, by task."""

    judgements: tuple[Seen, ...] = ()
    planned: int = 0
    twins: tuple[Twin, ...] = ()
    peers: Mapping[str, tuple[Peer, ...]] = field(default_factory=dict)

    def of_kind(self, *kinds: Kind) -> Iterator[Seen]:
        """Yield the trials of these kinds."""
        return (seen for seen in self.judgements if seen.kind in kinds)


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that a check found: about the rater (`position` None) or about the trial with this `number`.

    `key` tells the findings of a check apart; `score` is in the check's own measure, more is worse; `detail` is JSON.
    A `weak` one is not worth telling: it counts only beside findings of other checks.
    """

    key: str
    score: float
    detail: Mapping[str, Any] = field(default_factory=dict)
    position: int | None = None
    weak: bool = False


@dataclass(frozen=True, slots=True)
class Setting:
    """One number that a check can be set by."""

    name: str
    label: str
    default: float
    lowest: float
    highest: float
    whole: bool = False


@dataclass(frozen=True, slots=True)
class Rule:
    """When findings of a check exclude: never, by the highest score about the rater, or by how many trials it names."""

    kind: RuleKind = "never"
    at_least: float = 0.0


class QualityCheck(Plugin):
    """Reads a history and yields findings: one about the rater at most, and one for each trial that it speaks of.

    question      what it looks for, in a sentence that a researcher reads
    score_label   what its score counts
    is_rarity     the score is −log10 of a chance: 2 is one ordinary rater in a hundred, 3 one in a thousand
    needs_peers   it compares with other raters, so that its word is final only when the study is closed
    settings      and rule: what can be set, with the defaults
    """

    question: ClassVar[str]
    score_label: ClassVar[str]
    is_rarity: ClassVar[bool] = False
    needs_peers: ClassVar[bool] = False
    settings: ClassVar[tuple[Setting, ...]] = ()
    rule: ClassVar[Rule] = Rule()

    @abstractmethod
    def findings(self, history: History, options: Mapping[str, float]) -> tuple[Finding, ...]:
        """Return what is found; nothing on a history that is too short to say."""

    def points(self, finding: Finding) -> float:  # noqa: ARG002 - most findings have a score to go by
        """Return how rare a finding about the rater is among honest ones: 1 is one in ten, 2 is one in a hundred."""
        return 1.0

    def clean_options(self, options: Mapping[str, Any]) -> dict[str, float]:
        """Return complete options; raises ValueError that says which one is wrong and what is allowed."""
        known = {option.name: option for option in self.settings}
        if unknown := sorted(set(options) - set(known)):
            message = f"{self.label} has no option {', '.join(unknown)}; it has {', '.join(known) or 'none'}"
            raise ValueError(message)
        return {name: _number(self.label, option, options.get(name, option.default)) for name, option in known.items()}

    def sentence(self, detail: Mapping[str, Any]) -> str:
        """Return a finding in words, for people; never names a system."""
        return "; ".join(f"{name.replace('_', ' ')} {value}" for name, value in detail.items())


def _number(label: str, option: Setting, value: Any) -> float:
    good = isinstance(value, int | float) and not isinstance(value, bool) and option.lowest <= value <= option.highest
    if not good or (option.whole and value != int(value)):
        kind = "a whole number" if option.whole else "a number"
        message = f"{label}: {option.name} must be {kind} from {option.lowest:g} to {option.highest:g}, not {value!r}"
        raise ValueError(message)
    return int(value) if option.whole else float(value)


quality_checks: Registry[QualityCheck] = Registry("quality")
