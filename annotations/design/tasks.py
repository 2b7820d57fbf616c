"""Which outputs meet: pairs of systems and of samples by named schemes, single outputs, or groups of a prompt.

A new scheme of pairs is a new function.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import combinations
from typing import NamedTuple

from annotations.design.blocks import group_outputs
from annotations.design.errors import DesignError
from annotations.design.plans import MissingCell, PlannedTask
from annotations.design.spec import GROUPS, SINGLE, DesignSpec, OutputRef

SystemPair = tuple[str, str]
PairIndices = list[tuple[int, int]]
ComparisonScheme = Callable[[Sequence[str], DesignSpec], list[SystemPair]]
PairingScheme = Callable[[int, int, int], PairIndices]

COMPARISONS: dict[str, ComparisonScheme] = {}
PAIRINGS: dict[str, PairingScheme] = {}


class Meeting(NamedTuple):
    """The tasks, and what the researcher should hear about the outputs."""

    tasks: tuple[PlannedTask, ...]
    pairs: tuple[SystemPair, ...]
    missing: tuple[MissingCell, ...]
    unused: tuple[str, ...]


def comparison(function: ComparisonScheme) -> ComparisonScheme:
    """Register a scheme under the name of its function; it gives the pairs in canonical order."""
    COMPARISONS[function.__name__] = function
    return function


def pairing(function: PairingScheme) -> PairingScheme:
    """Register a scheme of samples: numbers of samples on both sides and a turn, giving the indices that meet."""
    PAIRINGS[function.__name__] = function
    return function


@comparison
def all_pairs(systems: Sequence[str], _spec: DesignSpec) -> list[SystemPair]:
    """Compare every system with every other."""
    return list(combinations(systems, 2))


@comparison
def against_baseline(systems: Sequence[str], spec: DesignSpec) -> list[SystemPair]:
    """Compare every system with the baseline, which comes second."""
    return [(system, spec.baseline) for system in systems if system != spec.baseline]


@comparison
def listed(_systems: Sequence[str], spec: DesignSpec) -> list[SystemPair]:
    """Compare what the researcher lists, each pair in the order given."""
    return sorted(spec.listed)


@pairing
def matched(first: int, second: int, _turn: int) -> PairIndices:
    """Let the k-th sample meet the k-th."""
    return [(at, at) for at in range(min(first, second))]


@pairing
def all_samples(first: int, second: int, _turn: int) -> PairIndices:
    """Let every sample meet every sample."""
    return [(one, other) for one in range(first) for other in range(second)]


PAIRINGS["all"] = PAIRINGS.pop("all_samples")  # the word of the spec, which Python keeps for itself


@pairing
def rotated(first: int, second: int, turn: int) -> PairIndices:
    """Let each sample meet one, another one from prompt to prompt, so that no sample number is tied to another."""
    if first <= second:
        return [(at, (at + turn) % second) for at in range(first)]
    return [((at + turn) % first, at) for at in range(second)]


def system_pairs(outputs: Iterable[OutputRef], spec: DesignSpec) -> list[SystemPair]:
    """Name the pairs of systems of the scheme."""
    if not spec.shows_pairs:
        return []
    if spec.comparisons not in COMPARISONS:
        schemes = ", ".join(sorted({*COMPARISONS, SINGLE, GROUPS}))
        raise DesignError(f"no scheme of comparisons {spec.comparisons!r}: there are {schemes}")
    return COMPARISONS[spec.comparisons](sorted({output.system for output in outputs}), spec)


def build_tasks(outputs: Iterable[OutputRef], spec: DesignSpec) -> Meeting:
    """Make the tasks from the cells that exist; the order of the outputs does not matter."""
    if spec.sample_pairing not in PAIRINGS:
        raise DesignError(f"no pairing of samples {spec.sample_pairing!r}: there are {', '.join(sorted(PAIRINGS))}")
    ordered = sorted(outputs, key=lambda output: (output.prompt, output.system, output.sample, output.id))
    _refuse_doubles(ordered)
    pairs = system_pairs(ordered, spec)
    cells: dict[tuple[str, str], list[str]] = defaultdict(list)
    for output in ordered:
        cells[output.prompt, output.system].append(output.id)
    prompts = sorted({output.prompt for output in ordered})
    if spec.shows_pairs:
        tasks = _paired(prompts, pairs, cells, scheme=PAIRINGS[spec.sample_pairing])
        wanted = sorted({system for pair in pairs for system in pair})
    else:
        tasks = _alone(ordered) if spec.comparisons == SINGLE else _grouped(prompts, ordered, spec)
        wanted = sorted({output.system for output in ordered})
    missing = tuple(MissingCell(p, s) for p in prompts for s in wanted if (p, s) not in cells)
    used = {output for task in tasks for output in task.outputs}
    unused = tuple(output.id for output in ordered if output.id not in used)
    return Meeting(tuple(tasks), tuple(pairs), missing, unused)


def _paired(
    prompts: Sequence[str], pairs: Sequence[SystemPair], cells: Mapping[SystemPair, list[str]], *, scheme: PairingScheme
) -> list[PlannedTask]:
    return [
        PlannedTask(_key((cells[prompt, one][i], cells[prompt, other][j])), prompt,
                    (cells[prompt, one][i], cells[prompt, other][j]), (one, other))
        for at, prompt in enumerate(prompts)
        for number, (one, other) in enumerate(pairs)
        if (prompt, one) in cells and (prompt, other) in cells
        for i, j in scheme(len(cells[prompt, one]), len(cells[prompt, other]), at + number)
    ]  # fmt: skip


def _alone(ordered: Sequence[OutputRef]) -> list[PlannedTask]:
    return [PlannedTask(_key((one.id,)), one.prompt, (one.id,), (one.system,)) for one in ordered]


def _grouped(prompts: Sequence[str], ordered: Sequence[OutputRef], spec: DesignSpec) -> list[PlannedTask]:
    """Groups of each prompt's outputs; a prompt that has too few for one is left out."""
    by_prompt: dict[str, list[OutputRef]] = defaultdict(list)
    for output in ordered:
        by_prompt[output.prompt].append(output)
    tasks = []
    for turn, prompt in enumerate(prompts):
        members = by_prompt[prompt]
        systems = [output.system for output in members]
        for group in group_outputs(systems, spec.outputs_per_task, times=spec.groups_per_output, turn=turn):
            ids = tuple(members[at].id for at in group)
            tasks.append(PlannedTask(_key(ids), prompt, ids, tuple(systems[at] for at in group)))
    return tasks


def _key(outputs: Sequence[str]) -> str:
    """Name a task after its outputs alone, so that it keeps its name under another seed; opaque, for it may be seen."""
    return "t" + hashlib.blake2b("\x1f".join(outputs).encode(), digest_size=10).hexdigest()


def _refuse_doubles(ordered: Sequence[OutputRef]) -> None:
    seen: set[str] = set()
    for at, output in enumerate(ordered):
        if output.id in seen:
            raise DesignError(f"output {output.id!r} is given twice")
        seen.add(output.id)
        if at and output[1:] == ordered[at - 1][1:]:
            where = f"prompt {output.prompt!r}, system {output.system!r}, sample {output.sample}"
            raise DesignError(f"two outputs for {where}: {ordered[at - 1].id!r} and {output.id!r}")
