"""What the researcher asks for: the outputs at hand and the wishes that the plan must fulfil. Frozen, JSON-able."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, NamedTuple, Self

from annotations.design.errors import DesignError

_PAIR = 2
SINGLE = "single"
GROUPS = "groups"
MOST_OUTPUTS = 20
SHUFFLED = "shuffled"
DIMENSION_ORDERS = ("fixed", SHUFFLED)
_NOT_NEGATIVE = ("groups_per_output", "attention_trials", "degraded_trials", "repeat_trials", "seed")
_WHOLE = ("outputs_per_task", "raters_per_task", "trials_per_rater", "repeat_gap", *_NOT_NEGATIVE)


class OutputRef(NamedTuple):
    """One text as far as the design needs to know it: which prompt, which system, which of its samples."""

    id: str
    prompt: str
    system: str
    sample: int = 0


class AttentionTask(NamedTuple):
    """An attention task as far as the design needs to know it; `prompt` is the one whose text it shows, if any."""

    key: str
    prompt: str = ""

    @property
    def is_degraded(self) -> bool:
        """Whether it shows a broken answer to a real prompt rather than an instruction."""
        return self.key.startswith("degraded")


@dataclass(frozen=True, slots=True, kw_only=True)
class DesignSpec:
    """Who meets whom, how often, and where. `to_dict` goes into the frozen canonical JSON.

    comparisons       all_pairs, against_baseline, listed (pairs: `tasks.COMPARISONS`), single (every output alone) or
                      groups (so many outputs of a prompt together)
    outputs_per_task  how many outputs stand together in a group; 1 and 2 follow from the other schemes
    groups_per_output in how many groups of its prompt each output stands; 0: in as few as let all stand equally often
    sample_pairing    name of a scheme of `tasks.PAIRINGS`: matched (k-th with k-th), all, rotated
    raters_per_task   k: every task is in exactly k booklets
    trials_per_rater  m: main trials of one booklet, at most
    prompts_once      no rater sees a prompt twice; else as rarely as it can be, and never the same outputs
    attention_trials  and repeat_trials: further trials of one booklet
    degraded_trials   so many of the attention trials show a broken answer rather than an instruction
    check_range       where those may stand, as fractions of the whole booklet
    repeat_gap        a repeat stands at least so many positions after its original
    dimension_order   fixed, or shuffled for each trial
    complete          a missing cell of prompt x system is an error rather than a remark
    """

    comparisons: str = "all_pairs"
    baseline: str = ""
    listed: tuple[tuple[str, str], ...] = ()
    outputs_per_task: int = 2
    groups_per_output: int = 0
    sample_pairing: str = "matched"
    raters_per_task: int = 3
    trials_per_rater: int = 20
    prompts_once: bool = True
    attention_trials: int = 0
    degraded_trials: int = 0
    repeat_trials: int = 0
    check_range: tuple[float, float] = (0.1, 0.95)
    repeat_gap: int = 5
    dimension_order: str = "fixed"
    complete: bool = False
    seed: int = 1

    def __post_init__(self) -> None:
        """Refuse values that no data could make sensible; what depends on the data is left to `feasibility`."""
        object.__setattr__(self, "listed", _as_pairs(self.listed))
        object.__setattr__(self, "check_range", _as_range(self.check_range))
        for name in _WHOLE:
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int):
                raise DesignError(f"{name} must be a whole number, not {value!r}")
        for name in _NOT_NEGATIVE:
            if getattr(self, name) < 0:
                raise DesignError(f"{name} must not be negative, but is {getattr(self, name)}")
        if self.repeat_gap < 1:
            raise DesignError(f"repeat_gap must be at least 1 (a repeat comes later), but is {self.repeat_gap}")
        self._check_words()
        self._settle_size()

    def _check_words(self) -> None:
        for name in ("comparisons", "sample_pairing", "baseline", "dimension_order"):
            if not isinstance(getattr(self, name), str):
                raise DesignError(f"{name} must be a text, not {getattr(self, name)!r}")
        if self.dimension_order not in DIMENSION_ORDERS:
            raise DesignError(f"dimension_order must be {' or '.join(DIMENSION_ORDERS)}, not {self.dimension_order!r}")
        for name in ("complete", "prompts_once"):
            if not isinstance(getattr(self, name), bool):
                raise DesignError(f"{name} must be true or false, not {getattr(self, name)!r}")

    def _settle_size(self) -> None:
        """Singles are shown one by one and pairs by two, whatever was said."""
        if not 1 <= self.outputs_per_task <= MOST_OUTPUTS:
            raise DesignError(f"outputs_per_task must be 1 to {MOST_OUTPUTS}, not {self.outputs_per_task}")
        if self.comparisons != GROUPS:
            object.__setattr__(self, "outputs_per_task", 1 if self.comparisons == SINGLE else _PAIR)

    @property
    def shows_pairs(self) -> bool:
        """Whether two outputs are compared, which have sides; singles and groups have slots."""
        return self.comparisons not in (SINGLE, GROUPS)

    @property
    def attention_kinds(self) -> tuple[int, int]:
        """How many attention trials of a booklet instruct, and how many show a broken answer."""
        degraded = min(self.degraded_trials, self.attention_trials)
        return self.attention_trials - degraded, degraded

    def to_dict(self) -> dict[str, Any]:
        """Give plain JSON types only, every field, defaults included."""
        plain = asdict(self)
        plain["listed"] = [list(pair) for pair in self.listed]
        plain["check_range"] = list(self.check_range)
        return plain

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> Self:
        """Read what `to_dict` wrote; an unknown field is an error, a missing one takes its default."""
        unknown = sorted(set(plain) - {field.name for field in fields(cls)})
        if unknown:
            raise DesignError(f"unknown field of the design: {', '.join(unknown)}")
        return cls(**plain)


def _as_pairs(value: object) -> tuple[tuple[str, str], ...]:
    pairs: list[tuple[str, str]] = []
    if not isinstance(value, list | tuple):
        raise DesignError(f"listed must be a list of pairs of systems, not {value!r}")
    for item in value:
        if not isinstance(item, list | tuple) or len(item) != _PAIR or not all(isinstance(name, str) for name in item):
            raise DesignError(f"listed must hold pairs of systems, but holds {item!r}")
        if item[0] == item[1]:
            raise DesignError(f"listed compares {item[0]!r} with itself")
        if {item[0], item[1]} in [set(pair) for pair in pairs]:
            raise DesignError(f"listed holds {item[0]!r} and {item[1]!r} twice")
        pairs.append((item[0], item[1]))
    return tuple(pairs)


def _as_range(value: object) -> tuple[float, float]:
    if not isinstance(value, list | tuple) or len(value) != _PAIR:
        raise DesignError(f"check_range must be two fractions, not {value!r}")
    low, high = value
    if not all(isinstance(part, int | float) and not isinstance(part, bool) for part in value):
        raise DesignError(f"check_range must be two fractions, not {value!r}")
    if not 0 <= low < high <= 1:
        raise DesignError(f"check_range must run upwards within 0 and 1, but is {low} to {high}")
    return float(low), float(high)
