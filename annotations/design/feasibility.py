"""What cannot be planned, said in words, each clash with the nearest numbers that can."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace

from annotations.design.booklets import booklet_count
from annotations.design.checks import allowed_positions, fits
from annotations.design.errors import Clash, Infeasible, Suggestion
from annotations.design.spec import GROUPS, SINGLE, AttentionTask, DesignSpec, OutputRef
from annotations.design.tasks import Meeting

Attention = Sequence[AttentionTask]
_GROUP = 3
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
    if spec.shows_pairs and len(systems) < _PAIR:
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
    if not meeting.tasks and not spec.shows_pairs:
        yield from _no_groups(outputs, spec)
    elif not meeting.tasks and not unknown:
        text = "no prompt has outputs of both systems of any pair"
        add = Suggestion("outputs", 2, "add outputs of two compared systems for one prompt")
        yield Clash(("outputs",), text, (add,))


def _no_groups(outputs: Sequence[OutputRef], spec: DesignSpec) -> Iterator[Clash]:
    most = max(Counter(output.prompt for output in outputs).values(), default=0)
    wanted = spec.outputs_per_task
    text = f"no prompt has {_count(wanted, 'output')} (the most are {most})" if outputs else "there are no outputs"
    options = [Suggestion("outputs", wanted, f"add outputs, {wanted} for a prompt")]
    if most >= _GROUP:
        options.insert(0, Suggestion("outputs_per_task", most, f"show at most {most} together"))
    yield Clash(("outputs_per_task", "outputs"), text, tuple(options))


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
    if spec.comparisons == GROUPS and spec.outputs_per_task < _GROUP:
        options = (
            Suggestion("outputs_per_task", _GROUP, f"show {_GROUP} together"),
            Suggestion("comparisons", SINGLE if spec.outputs_per_task == 1 else "all_pairs", "choose that scheme"),
        )
        what = "one output alone is no group" if spec.outputs_per_task == 1 else "two outputs are a pair, no group"
        yield Clash(("outputs_per_task", "comparisons"), what, options)
    wanted = spec.trials_per_rater
    yield from _too_many_trials(meeting, spec)
    if wanted >= 1 and spec.repeat_trials > wanted:
        text = f"repeat trials {spec.repeat_trials} > {wanted} main trials that they could repeat"
        fewer = Suggestion("repeat_trials", wanted, f"use at most {wanted}")
        yield Clash(("repeat_trials", "trials_per_rater"), text, (fewer,))


def _too_many_trials(meeting: Meeting, spec: DesignSpec) -> Iterator[Clash]:
    """No rater sees a prompt twice, or at least not the same task."""
    wanted, tasks = spec.trials_per_rater, len(meeting.tasks)
    there = len({task.prompt for task in meeting.tasks}) if spec.prompts_once else tasks
    if not 0 < there < wanted:
        return
    noun, rule = (
        ("prompt", "no rater sees a prompt twice") if spec.prompts_once else ("task", "no rater sees one twice")
    )
    add = wanted - there
    fewer = Suggestion("trials_per_rater", there, f"use at most {there}")
    more = Suggestion("prompts", wanted, f"add {_count(add, 'prompt')}")
    again = Suggestion("prompts_once", value=False, text="let raters see a prompt again with other outputs")
    may = spec.prompts_once and not spec.shows_pairs and tasks >= wanted
    options = (fewer, again, more) if may else (fewer, more)
    fields = ("trials_per_rater", "prompts") if spec.prompts_once else ("trials_per_rater",)
    yield Clash(fields, f"trials per rater {wanted} > {_count(there, noun)} ({rule})", options)


def _attention(spec: DesignSpec, attention: Attention) -> Iterator[Clash]:
    asked = dict(zip((False, True), spec.attention_kinds, strict=True))
    there = Counter(task.is_degraded for task in attention)
    for degraded, wanted in asked.items():
        have, word = there[degraded], "degraded" if degraded else "attention"
        if wanted <= have:
            continue
        said, given = _count(wanted, f"{word} trial"), _count(have, f"{word} task")
        text = f"{said} per booklet, but {given} (none is shown twice)"
        add = Suggestion("attention", wanted, f"add {_count(wanted - have, f'{word} task')}")
        field = "degraded_trials" if degraded else "attention_trials"
        most = have if degraded else have + asked[True]
        fewer = Suggestion(field, most, f"use at most {most}" if most else "use none")
        yield Clash((field, "attention"), text, (add, fewer))


def _enough_booklets(meeting: Meeting, spec: DesignSpec) -> Iterator[Clash]:
    """A prompt needs as many booklets as it has showings; if prompts are unequal, that can be more than there are.

    Where raters may see a prompt again, each task alone needs a booklet for each of its raters, and has it.
    """
    tasks, k, m = len(meeting.tasks), spec.raters_per_task, spec.trials_per_rater
    if not spec.prompts_once:
        return
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
