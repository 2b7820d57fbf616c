"""The certificate of balance: every guarantee with its worst case, recounted from flat rows.

It is computed from rows alone (of a plan, of the exported trials or judgements) and from what the researcher asked for,
and knows nothing of how a plan is made, so that the certificate before launch and after the export can be compared.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from annotations.design import guarantees, guarantees_of_checks, guarantees_of_sets
from annotations.design.promises import Guarantee
from annotations.design.recount import Recount, Rows, read_columns, recount
from annotations.design.recount_sets import SetRecount, recount_sets
from annotations.design.spec import DesignSpec

_OF_PAIRS = (
    guarantees.of_showings,
    guarantees.of_lengths,
    guarantees.of_pairs_in_booklets,
    guarantees.of_sides,
    guarantees.of_positions,
    guarantees.of_tasks_in_booklets,
    guarantees.of_sides_at_positions,
)
_OF_SETS = (
    guarantees_of_sets.of_showings,
    guarantees.of_lengths,
    guarantees_of_sets.of_classes,
    guarantees_of_sets.of_slots,
    guarantees_of_sets.of_groups,
    guarantees_of_sets.of_successions,
)
_OF_CHECKS = (
    guarantees_of_checks.of_numbers,
    guarantees_of_checks.of_positions,
    guarantees_of_checks.of_attention,
    guarantees_of_checks.of_repeats,
)


@dataclass(frozen=True, slots=True)
class Exposure:
    """How often a pair of systems is shown; `first_left` counts the times systems[0] stands on the left.

    Of singles and groups: how often one system is shown; `slots` counts the times it stands in each slot.
    """

    systems: tuple[str, ...]
    tasks: int
    showings: int
    first_left: int
    second_left: int
    fewest_per_booklet: int
    most_per_booklet: int
    slots: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Summary:
    """The plan in numbers; as many raters are needed as there are booklets."""

    tasks: int
    prompts: int
    systems: int
    booklets: int
    trials: int
    main_trials: int
    attention_trials: int
    repeat_trials: int
    shortest_booklet: int
    longest_booklet: int
    exposures: tuple[Exposure, ...]


@dataclass(frozen=True, slots=True)
class Certificate:
    """All guarantees that apply to the design, and the plan in numbers."""

    guarantees: tuple[Guarantee, ...]
    summary: Summary

    @property
    def holds(self) -> bool:
        """Whether every guarantee holds."""
        return all(guarantee.holds for guarantee in self.guarantees)

    def __getitem__(self, name: str) -> Guarantee:
        """The guarantee of a name."""
        return next(guarantee for guarantee in self.guarantees if guarantee.name == name)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types only."""
        plain = asdict(self)
        plain["guarantees"] = list(plain["guarantees"])
        plain["summary"]["exposures"] = [_plain_exposure(one) for one in plain["summary"]["exposures"]]
        return {"holds": self.holds, **plain}


def certify(rows: Rows, spec: DesignSpec) -> Certificate:
    """Count every guarantee again from rows (mappings with the fields of `recount.FIELDS`) or from columns of them."""
    columns = read_columns(rows)
    checks = tuple(guarantees_of_checks.of_dimension_orders(columns, spec))
    if spec.shows_pairs:
        counted = recount(columns)
        found = tuple(guarantee for count in (*_OF_PAIRS, *_OF_CHECKS) for guarantee in count(counted, spec))
        return Certificate(found + checks, _summarise(counted, _exposures(counted)))
    sets = recount_sets(columns)
    found = tuple(guarantee for count in _OF_SETS for guarantee in count(sets, spec))
    found += tuple(guarantee for count in _OF_CHECKS for guarantee in count(sets, spec))
    return Certificate(found + checks, _summarise(sets, _exposures_of_systems(sets, spec.outputs_per_task)))


def _plain_exposure(one: dict[str, Any]) -> dict[str, Any]:
    slots = list(one.pop("slots"))
    return {**one, "systems": list(one["systems"]), **({"slots": slots} if slots else {})}


def _summarise(counted: Recount, exposures: tuple[Exposure, ...]) -> Summary:
    main, lengths = counted.main, counted.lengths
    return Summary(
        tasks=int(np.unique(main.task).size),
        prompts=int(np.unique(main.prompt).size),
        systems=len({system for exposure in exposures for system in exposure.systems}),
        booklets=len(counted.booklets),
        trials=len(counted.all),
        main_trials=len(main),
        attention_trials=len(counted.attention),
        repeat_trials=len(counted.repeat),
        shortest_booklet=int(lengths.min()) if lengths.size else 0,
        longest_booklet=int(lengths.max(initial=0)),
        exposures=exposures,
    )


def _exposures(counted: Recount) -> tuple[Exposure, ...]:
    main = counted.main
    found = []
    for code in np.unique(main.pair).tolist():
        chosen = main.pair == code
        per_booklet = np.bincount(main.booklet[chosen], minlength=len(counted.booklets))
        left = int((main.sign[chosen] > 0).sum())
        shown = int(chosen.sum())
        tasks = int(np.unique(main.task[chosen]).size)
        spread = int(per_booklet.min()), int(per_booklet.max())
        found.append(Exposure(counted.pairs[code], tasks, shown, left, shown - left, *spread))
    return tuple(found)


def _exposures_of_systems(counted: SetRecount, size: int) -> tuple[Exposure, ...]:
    shown, booklets = counted.shown, len(counted.booklets)
    found = []
    for code in np.unique(shown.system[shown.main]).tolist():
        chosen = shown.main & (shown.system == code)
        trials = counted.all.booklet[shown.trial[chosen]], counted.all.task[shown.trial[chosen]]
        per_booklet = np.bincount(trials[0], minlength=booklets)
        slots = np.bincount(shown.slot[chosen] - 1, minlength=size).tolist()
        spread = int(per_booklet.min()), int(per_booklet.max())
        first, all_slots = int(slots[0]), int(chosen.sum())
        tasks = int(np.unique(trials[1]).size)
        name = (counted.systems[code],)
        found.append(Exposure(name, tasks, all_slots, first, all_slots - first, *spread, tuple(slots)))
    return tuple(found)
