"""Files on their way in and back out: an upload waits as a record of its import, and an import can be taken back."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import AbstractBaseUser
from django.core.files import File
from django.db import transaction

from annotations.enums import JobState, StudyState, SystemRole
from annotations.errors import WrongState
from annotations.models import MaterialImport, Output, Prompt, Study, System

from .events import log_event
from .materials import ImportOptions

LONGEST_NAME = 255


def queue_import(
    *,
    study: Study,
    filename: str,
    content: File[Any],
    source: str = "",
    options: ImportOptions | None = None,
    actor: AbstractBaseUser | None = None,
) -> MaterialImport:
    """Keep an uploaded file as a queued import, which `materials.run_import` then does; only for a draft.

    Without a `source` the file's name tells the format.
    """
    with transaction.atomic():
        _locked_draft(study)
        name = "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in filename)
        kept = (options or ImportOptions()).as_json()
        job = MaterialImport(study=study, filename=name[-LONGEST_NAME:], source=source, options=kept)
        job.file.save("upload", content, save=False)  # a neutral name: what people call the file may name the arms
        job.save()
        log_event(study=study, name="material_uploaded", data={"import": job.pk, "file": job.filename}, actor=actor)
    return job


def withdraw_import(*, material_import: MaterialImport, actor: AbstractBaseUser | None = None) -> int:
    """Take the outputs of an import back out of a draft, with prompts and systems that have none left.

    Prompts that were declared stay, and so do systems that can be asked for outputs.

    Returns the number of outputs removed. Outputs that an earlier import had brought already are not touched, and
    doing it twice removes nothing more.
    """
    study = material_import.study
    with transaction.atomic():
        # The import first and then the study, in the order in which a running import locks them.
        job = MaterialImport.objects.select_for_update().get(pk=material_import.pk)
        _locked_draft(study)
        if job.state != JobState.DONE:
            message = "Only an import that is done can be taken back."
            raise WrongState(message)
        removed, _ = Output.objects.filter(source=job).delete()
        Prompt.objects.filter(study=study, is_check=False, declared=False, outputs__isnull=True).exclude(
            wanted_samples__isnull=False  # a generation asks for outputs of it
        ).delete()
        idle = System.objects.filter(study=study, outputs__isnull=True, writer__isnull=True)
        idle.exclude(role=SystemRole.CHECK).delete()
        if removed:
            job.message, job.added = f"Taken back: {removed:,} outputs removed.", 0
            job.save(update_fields=["message", "added"])
            log_event(study=study, name="material_withdrawn", data={"import": job.pk, "removed": removed}, actor=actor)
    return int(removed)


def _locked_draft(study: Study) -> None:
    if Study.objects.select_for_update().get(pk=study.pk).state != StudyState.DRAFT:
        message = "The design is frozen, so the material cannot be changed any more."
        raise WrongState(message)
