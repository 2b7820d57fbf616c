"""Systems and how each is asked: add, change, copy with another setting, try, take out. Keys stay where they are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from django.db import transaction

from annotations.enums import StudyState, SystemRole
from annotations.errors import AskLater, GeneratorFailed, NotReady, WrongState
from annotations.models import Generation, Study, System, Writer
from annotations.registry import Ask, Written, generators

from .generating_states import UNDER_WAY
from .panel import edit_writer, remove_writer, would_move

TRIED_AT_MOST: Final = 4


@dataclass(frozen=True, slots=True)
class Kept:
    """What came of an edit: the writer, and whether its key was forgotten because it would go somewhere else."""

    writer: Writer
    key_forgotten: bool = False


def save_system(
    *,
    study: Study,
    name: str,
    role: str,
    generator: str,
    settings: Mapping[str, Any],
    secrets: Mapping[str, str] | None = None,
    system_id: int | None = None,
    actor: Any = None,
) -> Kept:
    """Add a system, or change the one with this id; empty secrets keep the stored ones while the address stays.

    Raises WrongState after freezing or while a generation runs, and NotReady for a wrong setting or a name taken.
    """
    name = " ".join(name.split())
    with transaction.atomic():
        _unused(study)
        if role not in SystemRole.values or role == SystemRole.CHECK:
            raise NotReady(f"A system cannot have the role '{role}'.")
        current = System.objects.filter(study=study, pk=system_id).first() if system_id else None
        if system_id and current is None:
            raise NotReady("There is no such system.")
        taken = System.objects.filter(study=study, name=name).exclude(pk=system_id or 0).first()
        if taken is not None and (current is not None or hasattr(taken, "writer")):
            raise NotReady(f"There is a system '{name}' already; give this one another name.")
        if current is not None and current.name != name:
            _rename(current, name)
        before = Writer.objects.filter(system=current or taken).first() if current or taken else None
        had = bool(before and before.secrets)
        writer = edit_writer(
            study=study, name=name, role=role, generator=generator, settings=settings, secrets=secrets, actor=actor
        )
    return Kept(writer, key_forgotten=had and not writer.secrets)


def _rename(system: System, name: str) -> None:
    """Give a system without outputs another name; that of outputs is part of their hashes."""
    if system.outputs.exists():
        raise WrongState("A system that has outputs keeps its name.")
    system.name = name
    system.save(update_fields=["name"])


def _unused(study: Study) -> Study:
    """Hold the study; raises WrongState when its systems cannot be changed now."""
    locked = Study.objects.select_for_update().get(pk=study.pk)
    if locked.state != StudyState.DRAFT:
        raise WrongState("The design is frozen, so this cannot be changed any more.")
    if Generation.objects.filter(study=locked, state__in=UNDER_WAY).exists():
        raise WrongState("A generation is at work. Stop it before you change how systems are asked.")
    return locked


def copy_system(
    *,
    study: Study,
    system_id: int,
    name: str,
    role: str = "",
    changes: Mapping[str, Any] | None = None,
    actor: Any = None,
) -> Kept:
    """Add a system that is asked as another one is, with some settings changed; the key is copied, unseen."""
    original = _writer(study, system_id)
    settings = {**original.settings, **(changes or {})}
    stays = not would_move(original, generator=original.generator, settings=settings)
    return save_system(
        study=study,
        name=name,
        role=role or original.system.role,
        generator=original.generator,
        settings=settings,
        secrets=original.secrets if stays else None,
        actor=actor,
    )


def remove_system(*, study: Study, system_id: int, actor: Any = None) -> None:
    """Take a system without outputs out of a draft, with what was wanted of it."""
    with transaction.atomic():
        _unused(study)
        remove_writer(study=study, system_id=system_id, actor=actor)


def _writer(study: Study, system_id: int) -> Writer:
    found = Writer.objects.filter(system__study=study, system_id=system_id).select_related("system").first()
    if found is None:
        raise NotReady("There is no such system.")
    return found


def try_system(*, study: Study, system_id: int, prompt: str, count: int = 2) -> list[Written]:
    """Ask a system for a few samples and keep nothing; raises GeneratorFailed in words without secrets."""
    writer = _writer(study, system_id)
    kind = generators.get(writer.generator)
    asks = [Ask(prompt=prompt, sample=number, seed=number + 1) for number in range(min(count, TRIED_AT_MOST))]
    answers = kind.try_out(asks, settings=kind.clean_settings(writer.settings), secrets=writer.secrets)
    for answer in answers:
        if isinstance(answer, GeneratorFailed | AskLater):
            raise answer
    return [answer for answer in answers if isinstance(answer, Written)]
