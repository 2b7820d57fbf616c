"""Bringing material: a file becomes systems, prompts and outputs of a draft, whole or not at all."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from pathlib import Path
from typing import Any

from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction

from annotations.enums import JobState
from annotations.errors import MaterialRefused, PlatformError, Problem, WrongState
from annotations.models import MaterialImport, Study
from annotations.registry import Source, sources

from .material_logs import recognised, records_of, unknown
from .material_merging import ImportOptions, Progress, bring
from .material_overview import MaterialSummary, MissingCells, material_summary, missing_cells
from .material_staging import content_hash

__all__ = [
    "ImportOptions",
    "MaterialSummary",
    "MissingCells",
    "content_hash",
    "import_material",
    "material_summary",
    "missing_cells",
    "run_import",
    "suffixes",
]


def suffixes() -> tuple[str, ...]:
    """Return the endings of file names that can be imported."""
    return tuple(dict.fromkeys(suffix for source in sources for suffix in source.suffixes))


def import_material(
    *,
    study: Study,
    path: Path | str,
    filename: str,
    source: str | None = None,
    roles: Mapping[str, str] | None = None,
    known_systems: Collection[str] | None = None,
    only_known_systems: bool = False,
    allow_extra_columns: bool = False,
    options: ImportOptions | None = None,
    material_import: MaterialImport | None = None,
    actor: AbstractBaseUser | None = None,
    progress: Progress | None = None,
) -> MaterialImport:
    """Import one file of outputs into a draft and return the record of the import, whose state is then `done`.

    `filename` is the name that people know the file by; without a `source` it tells the format. `options` says all of
    roles, systems and what is allowed at once, in place of the four before it. Given a `material_import`, that record
    is used, and nothing is done when it is finished or another process is at it.
    `progress` is called with the number of rows read so far.

    Raises MaterialRefused with every problem (the first 200 listed), or WrongState when the study is no draft; then
    nothing was imported, and the record, which is kept, says why. Do not call it in a transaction that an exception
    would roll back, or the record goes with it.
    """
    options = options or ImportOptions(dict(roles or {}), known_systems, only_known_systems, allow_extra_columns)
    job = material_import or MaterialImport.objects.create(study=study, filename=_printable(filename))
    if job.state == JobState.QUEUED:
        job.source = source or job.source
        job.options = options.as_json()
        job.save(update_fields=["source", "options"])
    return _run(job, lambda: nullcontext(Path(path)), actor=actor, progress=progress)


def run_import(
    *, material_import_id: int, actor: AbstractBaseUser | None = None, progress: Progress | None = None
) -> MaterialImport:
    """Import the uploaded file of a queued record with its options, wherever the storage keeps the file.

    Raises as `import_material` does, and MaterialImport.DoesNotExist.
    """
    job = MaterialImport.objects.select_related("study").get(pk=material_import_id)
    if job.settings:
        message = "This is fetched from a remote source, not read from a file."
        raise WrongState(message)
    return _run(job, lambda: _local_copy(job), actor=actor, progress=progress)


def _run(
    job: MaterialImport,
    opened: Callable[[], AbstractContextManager[Path]],
    *,
    actor: AbstractBaseUser | None,
    progress: Progress | None,
) -> MaterialImport:
    """Carry a record from `queued` to its end. A running one may have lost its process, so it is tried too."""
    if MaterialImport.objects.filter(pk=job.pk, state=JobState.QUEUED).update(state=JobState.RUNNING):
        job.state = JobState.RUNNING
    else:
        job.refresh_from_db()
    if job.state != JobState.RUNNING:
        return job
    try:
        with opened() as path:
            return _import(job, path, actor=actor, progress=progress)
    except MaterialRefused as refused:
        _finish(job, JobState.REFUSED, str(refused), problems=[problem.as_dict() for problem in refused.problems])
        raise
    except PlatformError as error:
        _finish(job, JobState.REFUSED, str(error))
        raise
    except Exception as error:
        _finish(job, JobState.FAILED, f"The import failed and nothing was imported ({type(error).__name__}: {error}).")
        raise


@contextmanager
def _local_copy(job: MaterialImport) -> Iterator[Path]:
    """Yield a path to the uploaded file; a storage without paths is copied to a temporary file first."""
    if not job.file or not job.file.storage.exists(str(job.file.name)):
        raise MaterialRefused([Problem(job.filename, 0, "", "the uploaded file is gone; upload it again")])
    local = None
    with suppress(NotImplementedError):
        local = Path(job.file.path)
    if local is not None:
        yield local
        return
    with tempfile.NamedTemporaryFile() as copy:
        with job.file.open("rb") as uploaded:
            shutil.copyfileobj(uploaded, copy, 1024 * 1024)
        copy.flush()
        yield Path(copy.name)


def _import(
    job: MaterialImport, path: Path, *, actor: AbstractBaseUser | None, progress: Progress | None
) -> MaterialImport:
    with transaction.atomic():
        # Whoever holds the record does the work: a message delivered twice, or an impatient second click, passes by.
        running = MaterialImport.objects.filter(pk=job.pk, state=JobState.RUNNING)
        if running.select_for_update(skip_locked=True).first() is None:
            job.refresh_from_db()
            return job
        system = ImportOptions.from_json(job.options).system
        records = records_of(_source(job), path, study=job.study, file=job.filename, system=system)
        bring(job=job, records=records, progress=progress, actor=actor)
    return job


def _source(job: MaterialImport) -> Source:
    """Return the source that was asked for, else the one that the file's name tells."""
    job.source = job.source or recognised(job.filename)
    if job.source not in sources.names():
        raise unknown(job.filename, asked=job.source, suffixes=suffixes())
    return sources.get(job.source)


def _printable(filename: str) -> str:
    """Return a name that can be stored and printed."""
    return "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in filename)[-255:]


def _finish(
    job: MaterialImport, state: JobState, message: str, *, problems: list[dict[str, Any]] | None = None
) -> None:
    """Keep what came of an import that was rolled back."""
    job.state, job.message, job.problems, job.rows, job.added, job.unchanged = state, message, problems or [], 0, 0, 0
    fields = ("state", "message", "problems", "rows", "added", "unchanged", "source")
    MaterialImport.objects.filter(pk=job.pk).update(**{name: getattr(job, name) for name in fields})
