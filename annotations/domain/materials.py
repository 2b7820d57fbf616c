"""Bringing material: a file becomes systems, prompts and outputs of a draft, whole or not at all."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from django.contrib.auth.models import AbstractBaseUser
from django.db import connection, transaction

from annotations.enums import JobState, StudyState, SystemRole
from annotations.errors import MaterialRefused, PlatformError, Problem, WrongState
from annotations.models import MaterialImport, Study, System
from annotations.registry.cells import quoted
from annotations.registry import Source, sources

from .events import log_event
from .material_clashes import ROLES, check_cells
from .material_overview import MaterialSummary, MissingCells, counted, material_summary, missing_cells
from .material_staging import Problems, content_hash, derive_cells, stage

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

Progress = Callable[[int], object]
MANY = 5000
ADD_PROMPTS = """
INSERT INTO annotations_prompt (study_id, key, text, task_family, is_check, metadata)
SELECT %(study)s, f.prompt_key, r.prompt, f.task_family, false, '{}'
FROM (SELECT prompt_key, min(number) AS number, max(task_family) AS task_family
      FROM material_cell GROUP BY prompt_key) f
JOIN material_row r ON r.number = f.number
ORDER BY f.number
ON CONFLICT (study_id, key) DO NOTHING
"""
# A family that the study does not know yet is filled in; one that it knows differently was refused before.
ADD_FAMILIES = """
UPDATE annotations_prompt p SET task_family = f.task_family
FROM (SELECT prompt_key, max(task_family) AS task_family FROM material_cell GROUP BY prompt_key) f
WHERE p.study_id = %(study)s AND p.key = f.prompt_key AND p.task_family = '' AND f.task_family <> ''
"""
ADD_OUTPUTS = """
INSERT INTO annotations_output (prompt_id, system_id, sample, text, content_hash, metadata, source_id)
SELECT p.id, s.id, c.sample, r.text, encode(sha256(c.base || int4send(c.sample)), 'hex'), r.metadata, %(source)s
FROM material_cell c
JOIN material_row r ON r.number = c.number
JOIN annotations_prompt p ON p.study_id = %(study)s AND p.key = c.prompt_key
JOIN annotations_system s ON s.study_id = %(study)s AND s.name = c.system
WHERE NOT c.known
ORDER BY c.number
"""
NAMES = "SELECT system FROM material_cell GROUP BY system ORDER BY min(number)"


@dataclass(frozen=True)
class ImportOptions:
    """What the researcher asked for beside the file; kept in `MaterialImport.options`.

    `roles` by name of system; `known_systems` lists the systems that may come (None for any); `only_known_systems` lets
    those come that the study has; `allow_extra_columns` puts columns that the format does not know into the metadata.
    """

    roles: Mapping[str, str] = field(default_factory=dict)
    known_systems: Collection[str] | None = None
    only_known_systems: bool = False
    allow_extra_columns: bool = False

    @classmethod
    def from_json(cls, found: Mapping[str, Any]) -> ImportOptions:
        """Read what `as_json` wrote; raises TypeError for an option that does not exist."""
        return cls(**found)

    def as_json(self) -> dict[str, Any]:
        """Return plain JSON."""
        known = None if self.known_systems is None else sorted(self.known_systems)
        return {**asdict(self), "roles": dict(self.roles), "known_systems": known}


def suffixes() -> tuple[str, ...]:
    """Return the endings of file names that can be imported."""
    return tuple(suffix for source in sources for suffix in source.suffixes)


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
    material_import: MaterialImport | None = None,
    actor: AbstractBaseUser | None = None,
    progress: Progress | None = None,
) -> MaterialImport:
    """Import one file of outputs into a draft and return the record of the import, whose state is then `done`.

    `filename` is the name that people know the file by; without a `source` its ending tells the format. Given a
    `material_import`, that record is used, and nothing is done when it is finished or another process is at it.
    `progress` is called with the number of rows read so far.

    Raises MaterialRefused with every problem (the first 200 listed), or WrongState when the study is no draft; then
    nothing was imported, and the record, which is kept, says why. Do not call it in a transaction that an exception
    would roll back, or the record goes with it.
    """
    options = ImportOptions(dict(roles or {}), known_systems, only_known_systems, allow_extra_columns)
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
    study, options = job.study, ImportOptions.from_json(job.options)
    with transaction.atomic():
        # Whoever holds the record does the work: a message delivered twice, or an impatient second click, passes by.
        running = MaterialImport.objects.filter(pk=job.pk, state=JobState.RUNNING)
        if running.select_for_update(skip_locked=True).first() is None:
            job.refresh_from_db()
            return job
        _check_state(Study.objects.get(pk=study.pk))
        source, problems = _source(job), Problems(job.filename)
        _check_roles(options.roles, problems=problems)
        records = source.records(path, file=job.filename)
        job.rows = stage(records, problems=problems, allow_extra=options.allow_extra_columns, progress=progress)
        # From here on nobody may freeze the study or import beside us; reading the file did not need that.
        _check_state(Study.objects.select_for_update().get(pk=study.pk))
        derive_cells(study=study)
        check_cells(study=study, known=_known(study, options), roles=options.roles, problems=problems)
        problems.refuse()
        facts = _merge(job, options)
        job.state, job.problems = JobState.DONE, []
        job.message = _summary(job, facts)
        job.save(update_fields=["source", "rows", "added", "unchanged", "state", "problems", "message"])
        log_event(study=study, name="material_imported", data=facts, actor=actor)
    return job


def _merge(job: MaterialImport, options: ImportOptions) -> dict[str, Any]:
    study = job.study
    values = {"study": study.pk, "source": job.pk}
    with connection.cursor() as cursor:
        cursor.execute(NAMES)
        names = [name for (name,) in cursor]
        new = set(names) - set(study.systems.values_list("name", flat=True))
        System.objects.bulk_create(System(study=study, name=name) for name in names if name in new)
        for name, role in options.roles.items():
            study.systems.filter(name=name).update(role=role)
        cursor.execute(ADD_PROMPTS, values)
        prompts = cursor.rowcount
        cursor.execute(ADD_FAMILIES, values)
        cursor.execute(ADD_OUTPUTS, values)
        job.added = cursor.rowcount
        job.unchanged = job.rows - job.added
        if job.added >= MANY:  # else autovacuum is soon enough, and this takes a second on a large platform
            cursor.execute("ANALYZE annotations_prompt, annotations_output")
        cursor.execute("DROP TABLE material_row, material_cell")
    return {
        "import": job.pk,
        "file": job.filename,
        "source": job.source,
        "rows": job.rows,
        "added": job.added,
        "unchanged": job.unchanged,
        "new_prompts": prompts,
        "new_systems": sorted(new),
    }


def _summary(job: MaterialImport, facts: Mapping[str, Any]) -> str:
    there = f"{counted(job.unchanged, 'output')} of {job.rows:,} were there already."
    if not job.added:
        return f"Nothing new: {there}"
    new = ", ".join((counted(facts["new_prompts"], "new prompt"), counted(len(facts["new_systems"]), "new system")))
    return f"{counted(job.added, 'output')} added ({new}). {there if job.unchanged else ''}".rstrip()


def _check_state(study: Study) -> None:
    if study.state != StudyState.DRAFT:
        state = study.get_state_display().lower()
        message = f"Outputs can be imported only while a study is a draft; this one is {state}. Nothing was imported."
        raise WrongState(message)


def _source(job: MaterialImport) -> Source:
    """Return the source that was asked for, else the one whose ending the file has."""
    if not job.source:
        name = job.filename.lower()
        job.source = next((each.name for each in sources if name.endswith(each.suffixes)), "")
    if job.source not in sources.names():
        what = (
            f"there is no source {quoted(job.source)}" if job.source else "the ending of the file's name is not known"
        )
        raise MaterialRefused([Problem(job.filename, 0, "", f"{what}; bring one of {', '.join(suffixes())}")])
    return sources.get(job.source)


def _check_roles(roles: Mapping[str, str], *, problems: Problems) -> None:
    for name, role in roles.items():
        if role not in ROLES:
            reason = f"{quoted(name)} cannot have the role {quoted(role)}; there are: {', '.join(ROLES)}"
            problems.add(Problem(problems.file, 0, "system", reason))


def _known(study: Study, options: ImportOptions) -> Collection[str] | None:
    if not options.only_known_systems:
        return options.known_systems
    declared = set(study.systems.exclude(role=SystemRole.CHECK).values_list("name", flat=True))
    return declared if options.known_systems is None else declared & set(options.known_systems)


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
