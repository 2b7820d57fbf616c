"""What cannot be planned, said in words, each clash with the nearest numbers that can."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace

from annotations.design.booklets import booklet_count
from annotations.design.checks import allowed_positions, fits
from annotations.design.errors import Clash, Infeasible, Suggestion
from annotations.design.spec import DesignSpec, OutputRef
from annotations.design.tasks import Meeting

Attention = Sequence[str]
_SHOWN = 5
_PAIR = 2


def require_feasible(outputs: Sequence[OutputRef], meeting: Meeting, spec: DesignSpec, *, attention: Attention) -> None:
    """Raise `Infeasible` with all clashes found; clashes of numbers are looked for only when there are tasks."""
    clashes = [*_material(outputs, meeting, spec), *_plain_numbers(meeting, spec), *_attention(spec, attention)]
    if not clashes:
        clashes += _enough_booklets(meeting, spec)
    if not clashes:
        clashes += _room_for_checks(meeting, spec)
    if clashes:
        raise Infeasible(clashes)


def _material(outputs: Sequence[OutputRef], meeting: Meeting, spec: DesignSpec) -> Iterator[Clash]:
    systems = sorted({output.system for output in outputs})
    if len(systems) < _PAIR:
        add = Suggestion("systems", 2, "add outputs of a second system")
        yield Clash(("outputs",), f"{len(systems)} system{'s' * (len(systems) != 1)}, but a pair needs two", (add,))
        return
    unknown = tuple(_unknown_systems(systems, spec))
    yield from unknown
    if spec.complete and meeting.missing:
        shown = ", ".join(f"{cell.prompt} x {cell.system}" for cell in meeting.missing[:_SHOWN])
        more = f" and {len(meeting.missing) - _SHOWN} more" if len(meeting.missing) > _SHOWN else ""
        cells = _count(len(meeting.missing), "missing cell")
        text = f"{cells} of prompt x system ({shown}{more}), but the design must be complete"
        allow = Suggestion("complete", value=False, text="allow missing cells")
        yield Clash(("complete",), text, (Suggestion("outputs", len(meeting.missing), "add these outputs"), allow))
    if not meeting.tasks and not unknown:
        text = "no prompt has outputs of both systems of any pair"
        add = Suggestion("outputs", 2, "add outputs of two compared systems for one prompt")
        yield Clash(("outputs",), text, (add,))


def _unknown_systems(systems: Sequence[str], spec: DesignSpec) -> Iterator[Clash]:
    if spec.comparisons == "against_baseline" and spec.baseline not in systems:
        said = f"the baseline {spec.baseline!r} has no outputs" if spec.baseline else "no baseline is named"
        options = tuple(Suggestion("baseline", system, f"take {system!r}") for system in systems)
        yield Clash(("baseline",), said, options)
    if spec.comparisons != "listed":
        return
    known = tuple(pair for pair in spec.listed if set(pair) <= set(systems))
    if not spec.listed:
        every = Suggestion("comparisons", "all_pairs", "compare all pairs")
        yield Clash(("listed",), "no pair of systems is listed", (every,))
    elif len(known) < len(spec.listed):
        strange = sorted({system for pair in spec.listed for system in pair} - set(systems))
        options = (Suggestion("listed", known, "leave out their pairs"),) if known else ()
        every = Suggestion("comparisons", "all_pairs", "compare all pairs")
        text = f"listed systems without outputs: {', '.join(strange)} (there are {', '.join(systems)})"
        yield Clash(("listed",), text, options or (every,))


def _plain_numbers(meeting: Meeting, spec: DesignSpec) -> Iterator[Clash]:
    if spec.raters_per_task < 1:
        least = Suggestion("raters_per_task", 1, "use at least 1")
        yield Clash(("raters_per_task",), f"raters per task {spec.raters_per_task} < 1", (least,))
    if spec.trials_per_rater < 1:
        least = Suggestion("trials_per_rater", 1, "use at least 1")
        yield Clash(("trials_per_rater",), f"trials per rater {spec.trials_per_rater} < 1", (least,))
    prompts = len({task.prompt for task in meeting.tasks})
    wanted = spec.trials_per_rater
    if 0 < prompts < wanted:
        add = wanted - prompts
        text = f"trials per rater {wanted} > {_count(prompts, 'prompt')} (no rater sees a prompt twice)"
        fewer = Suggestion("trials_per_rater", prompts, f"use at most {prompts}")
        more = Suggestion("prompts", wanted, f"add {_count(add, 'prompt')}")
        yield Clash(("trials_per_rater", "prompts"), text, (fewer, more))
    if wanted >= 1 and spec.repeat_trials > wanted:
        text = f"repeat trials {spec.repeat_trials} > {wanted} main trials that they could repeat"
        fewer = Suggestion("repeat_trials", wanted, f"use at most {wanted}")
        yield Clash(("repeat_trials", "trials_per_rater"), text, (fewer,))


def _attention(spec: DesignSpec, attention: Attention) -> Iterator[Clash]:
    wanted, there = spec.attention_trials, len(attention)
    if wanted <= there:
        return
    missing = wanted - there
    asked, given = _count(wanted, "attention trial"), _count(there, "attention task")
    text = f"{asked} per booklet, but {given} (none is shown twice)"
    add = Suggestion("attention", wanted, f"add {_count(missing, 'attention task')}")
    fewer = Suggestion("attention_trials", there, f"use at most {there}" if there else "use none")
    yield Clash(("attention_trials", "attention"), text, (add, fewer))


def _enough_booklets(meeting: Meeting, spec: DesignSpec) -> Iterator[Clash]:
    """A prompt needs as many booklets as it has showings; if prompts are unequal, that can be more than there are."""
    tasks, k, m = len(meeting.tasks), spec.raters_per_task, spec.trials_per_rater
    prompt, most = max(Counter(task.prompt for task in meeting.tasks).items(), key=lambda item: (item[1], item[0]))
    needed, there = most * k, booklet_count(tasks * k, m)
    if needed <= there:
        return
    text = (
        f"prompt {prompt!r} has {_count(most, 'task')}, each shown to {_count(k, 'rater')}, so it needs {needed} "
        f"booklets that hold it once, but {tasks} tasks with {m} trials per rater make only {there}"
    )
    fewer = next(n for n in range(m, 0, -1) if booklet_count(tasks * k, n) >= needed)
    options = [Suggestion("trials_per_rater", fewer, f"use at most {_count(fewer, 'trial')} per rater")]
    raters = next((n for n in range(k, 0, -1) if booklet_count(tasks * n, m) >= most * n), None)
    if raters:
        options.append(Suggestion("raters_per_task", raters, f"use {_count(raters, 'rater')} per task"))
    yield Clash(("trials_per_rater", "raters_per_task", "prompts"), text, tuple(options))


def _room_for_checks(meeting: Meeting, spec: DesignSpec) -> Iterator[Clash]:
    if spec.attention_trials + spec.repeat_trials == 0 or _checks_fit(meeting, spec):
        return
    shortest = _lengths(meeting, spec)[0]
    places = allowed_positions(spec, shortest)
    low, high = spec.check_range
    span = f"positions {places[0]} to {places[-1]}" if places else "no position"
    text = (
        f"{_count(spec.attention_trials, 'attention trial')} and {_count(spec.repeat_trials, 'repeat trial')}, "
        f"a repeat at least {spec.repeat_gap} after its original, do not fit into {span} "
        f"({low:g} to {high:g} of {shortest} trials)"
    )
    fields = ("check_range", "repeat_gap", "attention_trials", "repeat_trials")
    yield Clash(fields, text, tuple(_nearest_checks(meeting, spec)))


def _nearest_checks(meeting: Meeting, spec: DesignSpec) -> Iterator[Suggestion]:
    """Change one field at a time, as little as will do; if none does alone, first open the whole booklet."""
    alone = list(_fewer_checks(meeting, spec))
    yield from alone
    whole = replace(spec, check_range=(0.0, 1.0))
    if _checks_fit(meeting, whole):
        yield Suggestion("check_range", whole.check_range, "allow the whole booklet")
    elif not alone:
        for further in _fewer_checks(meeting, whole):
            yield Suggestion("check_range", whole.check_range, f"allow the whole booklet and {further.text}")
            yield Suggestion(further.field, further.value, f"{further.text} in the whole booklet")


def _fewer_checks(meeting: Meeting, spec: DesignSpec) -> Iterator[Suggestion]:
    """For each number, the greatest smaller value with which the checks fit."""
    for field in ("repeat_gap", "repeat_trials", "attention_trials"):
        least = 1 if field == "repeat_gap" else 0
        for value in range(getattr(spec, field) - 1, least - 1, -1):
            if _checks_fit(meeting, _with(spec, field, value)):
                noun = field.removesuffix("s").replace("_", " ")
                said = f"a gap of {value}" if field == "repeat_gap" else _count(value, noun) if value else f"no {noun}s"
                yield Suggestion(field, value, f"use {said}")
                break


def _with(spec: DesignSpec, field: str, value: object) -> DesignSpec:
    return DesignSpec.from_dict({**spec.to_dict(), field: value})


def _checks_fit(meeting: Meeting, spec: DesignSpec) -> bool:
    return all(fits(spec, length) for length in _lengths(meeting, spec))


def _lengths(meeting: Meeting, spec: DesignSpec) -> tuple[int, ...]:
    """Give the lengths that booklets will have, checks included, the shortest first."""
    showings = len(meeting.tasks) * spec.raters_per_task
    booklets = booklet_count(showings, spec.trials_per_rater)
    short, long = showings // booklets, -(-showings // booklets)
    return tuple(size + spec.attention_trials + spec.repeat_trials for size in sorted({short, long}))


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
