"""Preparing the texts of a draft: rules applied to all outputs alike, kept beside the raw text, and taken back.

`Output.text` is what raters see, `raw_text` the text as brought wherever the two differ, so that undoing gives every
byte back. The content hash stays that of the raw text: a file that is imported again is recognised.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from django.contrib.auth.models import AbstractBaseUser
from django.db import connection, transaction
from django.db.models import QuerySet
from django.utils import timezone

from annotations.enums import StudyState
from annotations.errors import NotReady, WrongState
from annotations.models import Output, Study

from . import normalising
from .events import log_event

CHUNK = 2000
SAMPLE = 2000  # outputs that a preview looks at, of more than that
EXAMPLES = 2  # of each rule
LISTED = 50
STAGED = "CREATE TEMP TABLE prepared_text (id bigint, text text, raw text) ON COMMIT DROP"
WRITE = """
UPDATE annotations_output o SET text = p.text, raw_text = p.raw, prepared = %(prepared)s
FROM prepared_text p WHERE p.id = o.id
"""


@dataclass(frozen=True, slots=True)
class Applied:
    """What came of applying rules; `empty` names the first outputs of which nothing would have been left."""

    outputs: int
    changed: int
    empty: tuple[str, ...] = ()
    empty_count: int = 0


@dataclass(frozen=True, slots=True)
class Example:
    """One text before and after one rule, in pieces that say whether they differ."""

    output: str
    before: list[tuple[str, bool]]
    after: list[tuple[str, bool]]


@dataclass(slots=True)
class RulePreview:
    """What one rule would change: the number of outputs by system, and examples."""

    rule: normalising.Rule
    counts: Counter[str] = field(default_factory=Counter)
    examples: list[Example] = field(default_factory=list)

    @property
    def total(self) -> int:
        """Over all systems."""
        return sum(self.counts.values())


@dataclass(frozen=True, slots=True)
class Preview:
    """What rules would do to the outputs that were looked at, in their order; `sizes` are those by system."""

    rules: tuple[RulePreview, ...]
    sizes: Mapping[str, int]
    looked_at: int
    outputs: int
    changed: int
    empty: tuple[str, ...]


def material(study: Study) -> QuerySet[Output]:
    """Return the study's outputs, attention checks left out."""
    return Output.objects.filter(prompt__study=study, prompt__is_check=False)


def rules_of(study: Study) -> tuple[str, ...]:
    """Return the names of the rules that are on."""
    return tuple(rule.name for rule in normalising.chosen(study.preparation.get("rules", ())))


def pending(*, study: Study) -> int:
    """Return how many outputs came after the rules were applied."""
    wanted = normalising.fingerprint(rules_of(study))
    return material(study).exclude(prepared=wanted).count() if wanted else 0


def apply_rules(*, study: Study, rules: Iterable[str], actor: AbstractBaseUser | None = None) -> Applied:
    """Make the texts of a draft from the raw ones by these rules, and no others; none gives the raw texts back.

    A text of which nothing would be left stays as it is. Raises WrongState when the study is frozen, NotReady for a
    rule that does not exist.
    """
    try:
        names = tuple(rule.name for rule in normalising.chosen(rules))
    except KeyError as error:
        message = f"There is no rule '{error.args[0]}'; there are {', '.join(normalising.NAMES)}."
        raise NotReady(message) from error
    with transaction.atomic():
        locked = locked_draft(study)
        done = _make(material(locked), names)
        locked.preparation = {**locked.preparation, "rules": list(names), **_signed(actor, "rules")}
        locked.save(update_fields=["preparation"])
        data = {"rules": list(names), "outputs": done.outputs, "changed": done.changed, "empty": done.empty_count}
        log_event(study=locked, name="texts_prepared", data=data, actor=actor)
    study.refresh_from_db()
    return done


def prepare_new(*, study: Study, actor: AbstractBaseUser | None = None) -> Applied:
    """Apply the rules that are on to outputs that came since; nothing without rules, or when none came."""
    names = rules_of(study)
    if not names or not pending(study=study):
        return Applied(0, 0)
    with transaction.atomic():
        locked = locked_draft(study)
        done = _make(material(locked).exclude(prepared=normalising.fingerprint(names)), names)
        data = {"rules": list(names), "outputs": done.outputs, "changed": done.changed, "empty": done.empty_count}
        log_event(study=locked, name="texts_prepared", data=data, actor=actor)
    return done


def locked_draft(study: Study) -> Study:
    """Return the study under a lock; raises WrongState when it is no draft."""
    locked = Study.objects.select_for_update().get(pk=study.pk)
    if locked.state != StudyState.DRAFT:
        message = "The design is frozen, so its texts cannot be changed any more."
        raise WrongState(message)
    return locked


def _signed(actor: AbstractBaseUser | None, what: str) -> dict[str, str]:
    return {f"{what}_by": actor.get_username() if actor is not None else "", f"{what}_at": timezone.now().isoformat()}


class _Raw(NamedTuple):
    """An output with its text as brought."""

    pk: int
    text: str
    system: str
    name: str


def _make(outputs: QuerySet[Output], names: tuple[str, ...]) -> Applied:
    """Write text and raw text of these outputs: staged in batches, put in their place by one statement."""
    count, changed, empty = 0, 0, []
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS pg_temp.prepared_text")
        cursor.execute(STAGED)
        for batch in _batches(outputs):
            with cursor.copy("COPY prepared_text FROM STDIN") as copy:
                for one in batch:
                    text = normalising.normalise(one.text, names)
                    count += 1
                    changed += text != one.text
                    if normalising.empties(one.text, names):
                        empty.append(one.name)
                    copy.write_row((one.pk, text, None if text == one.text else one.text))
        cursor.execute(WRITE, {"prepared": normalising.fingerprint(names)})
        cursor.execute("DROP TABLE prepared_text")
    return Applied(count, changed, tuple(empty[:LISTED]), len(empty))


def _batches(outputs: QuerySet[Output]) -> Iterator[list[_Raw]]:
    """Yield the outputs with their raw texts, CHUNK at a time: nothing may be read while a COPY runs."""
    from .freezing import output_name  # which asks whether outputs are still being made, and those are prepared here

    columns = ("pk", "text", "raw_text", "prompt__key", "system__name", "sample")
    last = 0
    while rows := list(outputs.filter(pk__gt=last).order_by("pk").values_list(*columns)[:CHUNK]):
        last = rows[-1][0]
        yield [
            _Raw(pk, text if raw is None else raw, system, output_name(prompt=prompt, system=system, sample=sample))
            for pk, text, raw, prompt, system, sample in rows
        ]


def preview(*, study: Study, rules: Iterable[str]) -> Preview:
    """Return what rules would change, without writing; of many outputs a sample of SAMPLE is looked at."""
    names = tuple(rule.name for rule in normalising.chosen(rules))
    found = {rule.name: RulePreview(rule) for rule in normalising.chosen(names)}
    total = material(study).count()
    rows = _sampled(study) if total > SAMPLE else material(study)
    sizes: Counter[str] = Counter()
    changed, empty = 0, []
    shown: dict[str, set[str]] = defaultdict(set)
    for output in (output for batch in _batches(rows) for output in batch):
        sizes[output.system] += 1
        made = list(normalising.steps(output.text, names))
        changed += bool(made)
        if normalising.empties(output.text, names):
            empty.append(output.name)
        for step in made:
            one = found[step.rule]
            one.counts[output.system] += 1
            if len(one.examples) < EXAMPLES and output.system not in shown[step.rule]:
                shown[step.rule].add(output.system)
                one.examples.append(Example(output.name, *_shortened(step)))
    return Preview(
        tuple(found.values()), dict(sorted(sizes.items())), sum(sizes.values()), total, changed, tuple(empty)
    )


def _sampled(study: Study) -> QuerySet[Output]:
    """Return outputs in an order that their hashes draw: the same ones each time."""
    keys = material(study).order_by("content_hash").values_list("pk", flat=True)[:SAMPLE]
    return Output.objects.filter(pk__in=list(keys))


def _shortened(step: normalising.Step, *, around: int = 160) -> tuple[list[tuple[str, bool]], list[tuple[str, bool]]]:
    """Return the differing part of a step with some text around it; long equal pieces are cut."""
    before, after = step.before, step.after
    head = 0
    while head < min(len(before), len(after)) and before[head] == after[head]:
        head += 1
    start = max(head - around // 2, 0)
    size = around * 3
    cut = [
        f"{'… ' if start else ''}{text[start : start + size]}{' …' if len(text) > start + size else ''}"
        for text in (before, after)
    ]
    return normalising.differences(cut[0], cut[1])


def as_shown(pieces: Iterable[tuple[str, bool]]) -> list[dict[str, Any]]:
    """Return pieces for a page, with line ends and other invisible signs made visible where they differ."""
    return [{"text": _visible(text) if differs else text, "differs": differs} for text, differs in pieces]


def _visible(text: str) -> str:
    shown = text.replace("\n", "↵\n").replace("\u00a0", "⍽")
    shown = "".join(f"⟨{ord(letter):04X}⟩" if normalising.INVISIBLE.match(letter) else letter for letter in shown)
    return shown.replace(" ", "·") if not shown.strip(" ") else shown
