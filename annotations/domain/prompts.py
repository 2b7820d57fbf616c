"""Prompts before there are outputs: from the platform's sets or a file of one's own, and out again."""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.contrib.auth.models import AbstractBaseUser
from django.core.files import File
from django.db import transaction
from django.db.models import Count, QuerySet

from annotations.enums import GenerationState, StudyState
from annotations.errors import PlatformError, Problem, WrongState
from annotations.models import Generation, Output, Prompt, Study
from annotations.registry import OutputRecord, PromptSet, prompt_sets
from annotations.registry.cells import quoted

from . import attention
from .events import log_event
from .material_overview import counted
from .material_staging import Problems, clean
from .prompt_files import read_prompts

MOST = 20_000  # prompts of one file
CHUNK = 1000


@dataclass(frozen=True, slots=True)
class Added:
    """What came of adding prompts: `known` were in the study already."""

    added: int
    known: int

    @property
    def words(self) -> str:
        """The same as a sentence."""
        there = f"{counted(self.known, 'prompt')} {'was' if self.known == 1 else 'were'} there already."
        if not self.added:
            return f"Nothing new: {there}"
        return f"{counted(self.added, 'prompt')} added. {there if self.known else ''}".rstrip()


@dataclass(frozen=True, slots=True)
class Wanted:
    """One prompt to be added; a `keyless` one is known by its text whatever its key is in the study."""

    row: int
    key: str
    text: str
    family: str
    metadata: Mapping[str, Any]
    keyless: bool

    def made(self, study: Study) -> Prompt:
        """Return the prompt, not saved yet."""
        facts = {"key": self.key, "text": self.text, "task_family": self.family, "metadata": self.metadata}
        return Prompt(study=study, declared=True, **facts)


def prompts_of(*, study: Study) -> QuerySet[Prompt]:
    """Return the prompts of a study in order, each with its number of outputs; attention checks are none."""
    return Prompt.objects.filter(study=study, is_check=False).annotate(count=Count("outputs")).order_by("pk")


def waiting_prompts(*, study: Study) -> QuerySet[Prompt]:
    """Return the prompts of a study that have no output."""
    return Prompt.objects.filter(study=study, is_check=False, outputs__isnull=True)


def add_prompt_set(
    *, study: Study, name: str, keys: Collection[str] | None = None, actor: AbstractBaseUser | None = None
) -> Added:
    """Add the prompts of a set, or those with these keys, to a draft; those that are there already stay as they are.

    Raises MaterialRefused when a key stands for another text in the study, PlatformError for what no set has.
    """
    chosen = _chosen(name, keys)
    wanted = [
        Wanted(row, one.key, one.text, chosen.task_family, {"prompt_set": chosen.name}, keyless=True)
        for row, one in enumerate(chosen.prompts, start=1)
        if keys is None or one.key in keys
    ]
    data = {"prompt_set": chosen.name, "whole": len(wanted) == len(chosen.prompts)}
    return _add(study=study, wanted=wanted, problems=Problems(chosen.label), data=data, actor=actor)


def _chosen(name: str, keys: Collection[str] | None) -> PromptSet:
    if name not in prompt_sets.names():
        message = f"There is no prompt set {quoted(name)}."
        raise PlatformError(message)
    chosen = prompt_sets.get(name)
    unknown = set(keys or ()) - {one.key for one in chosen.prompts}
    if unknown or (keys is not None and not keys):
        named = ", ".join(quoted(key) for key in sorted(unknown)[:3])
        message = f"{chosen.label} has no prompt {named}." if unknown else "Choose at least one prompt."
        raise PlatformError(message)
    return chosen


def import_prompts(
    *,
    study: Study,
    filename: str,
    content: File[Any],
    task_family: str = "",
    actor: AbstractBaseUser | None = None,
) -> Added:
    """Add the prompts of a file (CSV, JSON lines, or text with one a line) to a draft, whole or not at all.

    `task_family` is that of prompts whose row names none. Raises MaterialRefused with every problem.
    """
    problems = Problems(filename)
    with tempfile.NamedTemporaryFile() as copy:
        for piece in content.chunks():
            copy.write(piece)
        copy.flush()
        wanted = list(_wanted(read_prompts(Path(copy.name), file=filename), problems=problems, family=task_family))
    if not wanted and not problems.count:
        problems.add(Problem(filename, 0, "", "there are no prompts in the file"))
    return _add(study=study, wanted=wanted, problems=problems, data={"file": filename}, actor=actor)


def _wanted(records: Iterable[OutputRecord | Problem], *, problems: Problems, family: str) -> Iterator[Wanted]:
    """Yield the sound rows; what is wrong with the others goes to `problems`."""
    seen = 0
    for record in records:
        if isinstance(record, Problem):
            problems.add(record)
            continue
        row = clean(record, problems=problems)
        if row is None:
            continue
        seen += 1
        if seen > MOST:
            problems.add(Problem(problems.file, record.row, "", f"there are more than {MOST:,} prompts; bring fewer"))
            return
        _, key, text, own_family, *_, metadata = row
        short = hashlib.sha256(text.encode()).hexdigest()[:16]  # the key that an import gives a prompt without one
        yield Wanted(record.row, key or short, text, own_family or family.strip(), json.loads(metadata), not key)


def _add(
    *,
    study: Study,
    wanted: list[Wanted],
    problems: Problems,
    data: Mapping[str, Any],
    actor: AbstractBaseUser | None,
) -> Added:
    with transaction.atomic():
        _locked_draft(study)
        there = list(Prompt.objects.filter(study=study))
        known = _check(wanted, there, problems=problems)
        problems.refuse()
        new = [one for one in wanted if one.row not in known]
        Prompt.objects.bulk_create((one.made(study) for one in new), batch_size=CHUNK)
        _declare([(known[one.row], one) for one in wanted if one.row in known])
        added = Added(len(new), len(known))
        facts = {**data, "added": added.added, "known": added.known}
        log_event(study=study, name="prompts_added", data=facts, actor=actor)
    return added


def _declare(pairs: Iterable[tuple[Prompt, Wanted]]) -> None:
    """Keep prompts that outputs had brought, and fill in the families that they lack."""
    changed = []
    for prompt, one in pairs:
        if not prompt.declared or (one.family and not prompt.task_family):
            prompt.declared, prompt.task_family = True, prompt.task_family or one.family
            changed.append(prompt)
    Prompt.objects.bulk_update(changed, ["declared", "task_family"], batch_size=CHUNK)


def _check(wanted: Iterable[Wanted], there: Iterable[Prompt], *, problems: Problems) -> dict[int, Prompt]:
    """Return by row the prompts that the study has already; clashes with it and within the file go to `problems`."""
    by_key = {prompt.key: prompt for prompt in there}
    by_text: dict[str, Prompt] = {}
    for prompt in there:
        if not prompt.is_check:
            by_text.setdefault(prompt.text, prompt)
    keys: dict[str, Wanted] = {}
    texts: dict[str, Wanted] = {}
    known: dict[int, Prompt] = {}
    for one in wanted:
        fault = _fault_within(one, keys, texts)
        if not fault:
            match = by_key.get(one.key) or by_text.get(one.text)
            fault = _fault_with(one, match)
            if match is not None:
                known[one.row] = match
        if fault:
            problems.add(Problem(problems.file, one.row, *fault))
        keys.setdefault(one.key, one)
        texts.setdefault(one.text, one)
    return known


def _fault_within(one: Wanted, keys: Mapping[str, Wanted], texts: Mapping[str, Wanted]) -> tuple[str, str] | None:
    if one.text in texts:
        return "prompt", f"is the same as in row {texts[one.text].row}; leave one out"
    if one.key in keys:
        return "prompt_key", f"the key {quoted(one.key)} stands for another prompt in row {keys[one.key].row}"
    return None


def _fault_with(one: Wanted, prompt: Prompt | None) -> tuple[str, str] | None:
    """Say what keeps a prompt out of a study that has this one under its key or with its text."""
    if one.key in attention.KEYS or (prompt is not None and prompt.is_check):
        return "prompt_key", f"the key {quoted(one.key)} is kept for attention checks; use another"
    if prompt is None:
        return None
    if prompt.text != one.text:
        return "prompt_key", f"the study has another prompt with the key {quoted(one.key)}; use another key"
    if prompt.key != one.key and not one.keyless:
        return "prompt_key", f"the study has this prompt with the key {quoted(prompt.key)}; use that key, or none"
    if one.family and prompt.task_family and one.family != prompt.task_family and not one.metadata.get("prompt_set"):
        return "task_family", f"the prompt is of the family {quoted(prompt.task_family)} in the study"
    return None


def remove_prompts(
    *,
    study: Study,
    prompts: Collection[int],
    with_outputs: bool = False,
    actor: AbstractBaseUser | None = None,
) -> int:
    """Take prompts out of a draft and return how many; those with outputs only when that is asked for.

    Raises WrongState, and removes nothing, when some have outputs that nobody spoke of or a generation is under way.
    """
    with transaction.atomic():
        _locked_draft(study)
        busy = (GenerationState.QUEUED, GenerationState.RUNNING)
        if Generation.objects.filter(study=study, state__in=busy).exists():
            message = "Outputs are being generated. Stop that first, then remove prompts."
            raise WrongState(message)
        chosen = Prompt.objects.filter(study=study, is_check=False, pk__in=prompts)
        keys = list(chosen.values_list("key", flat=True))
        outputs = Output.objects.filter(prompt__in=chosen)
        filled = outputs.values("prompt").distinct().count()
        if filled and not with_outputs:
            message = f"Nothing was removed: {counted(filled, 'prompt')} of these would take their outputs along."
            raise WrongState(message)
        data = {"removed": len(keys), "outputs": outputs.count(), "keys": keys[:CHUNK]}
        outputs.delete()
        chosen.delete()
        if keys:
            log_event(study=study, name="prompts_removed", data=data, actor=actor)
    return len(keys)


def _locked_draft(study: Study) -> None:
    if Study.objects.select_for_update().get(pk=study.pk).state != StudyState.DRAFT:
        message = "The design is frozen, so the prompts cannot be changed any more."
        raise WrongState(message)
