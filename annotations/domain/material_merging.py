"""Material on its way into a study: staged, checked and merged, in one transaction whose caller says where from."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from django.contrib.auth.models import AbstractBaseUser
from django.db import connection

from annotations.enums import JobState, StudyState, SystemRole
from annotations.errors import Problem, WrongState
from annotations.models import MaterialImport, Study, System
from annotations.registry.cells import quoted

from . import preparing
from .events import log_event
from .material_clashes import ROLES, check_cells
from .material_logs import LeftOut
from .material_overview import counted
from .material_staging import Problems, derive_cells, hashed, stage

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
    `number_rows` makes a sample of its own of each row without a number, in order, also when two have the same text.
    Of logs, `system` names the system and `leave_out_unanswered` passes over samples without a text.
    """

    roles: Mapping[str, str] = field(default_factory=dict)
    known_systems: Collection[str] | None = None
    only_known_systems: bool = False
    allow_extra_columns: bool = False
    number_rows: bool = False
    system: str = ""
    leave_out_unanswered: bool = False

    @classmethod
    def from_json(cls, found: Mapping[str, Any]) -> ImportOptions:
        """Read what `as_json` wrote; raises TypeError for an option that does not exist."""
        return cls(**found)

    def as_json(self) -> dict[str, Any]:
        """Return plain JSON."""
        known = None if self.known_systems is None else sorted(self.known_systems)
        return {**asdict(self), "roles": dict(self.roles), "known_systems": known}


def bring(
    *,
    job: MaterialImport,
    records: Iterable[Any],
    progress: Progress | None = None,
    before_merge: Callable[[], object] | None = None,
    actor: AbstractBaseUser | None = None,
) -> None:
    """Bring the records of an import into its study; the caller holds a transaction, which an error rolls back.

    `before_merge` is called when everything is staged and nobody else may change the study any more.
    """
    study, options = job.study, ImportOptions.from_json(job.options)
    check_state(Study.objects.get(pk=study.pk))
    problems = Problems(job.filename)
    _check_roles(options.roles, problems=problems)
    left = LeftOut()
    records = left.sift(records) if options.leave_out_unanswered else records
    job.rows = stage(records, problems=problems, allow_extra=options.allow_extra_columns, progress=progress)
    if before_merge is not None:
        before_merge()
    # From here on nobody may freeze the study or import beside us; reading the file did not need that.
    check_state(Study.objects.select_for_update().get(pk=study.pk))
    outputs = derive_cells(study=study, number_rows=options.number_rows)
    check_cells(study=study, known=_known(study, options), roles=options.roles, problems=problems)
    problems.refuse()
    facts = _merge(job, options, outputs=outputs)
    preparing.prepare_new(study=study, actor=actor)  # the rules that are on hold for what comes later, too
    job.state, job.problems = JobState.DONE, [problems.placed(one).as_dict() for one in left.first]
    job.message = f"{_summary(job, facts)}{left.words}"
    job.save(update_fields=["source", "rows", "added", "unchanged", "state", "problems", "message"])
    log_event(study=study, name="material_imported", data={**facts, "left_out": left.count}, actor=actor)


def _merge(job: MaterialImport, options: ImportOptions, *, outputs: int) -> dict[str, Any]:
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
        with hashed(cursor):
            cursor.execute(ADD_OUTPUTS, values)
            job.added = cursor.rowcount
        job.unchanged = outputs - job.added
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
    there = f"{counted(job.unchanged, 'output')} of {job.added + job.unchanged:,} were there already."
    if not job.added:
        return f"Nothing new: {there}"
    new = ", ".join((counted(facts["new_prompts"], "new prompt"), counted(len(facts["new_systems"]), "new system")))
    return f"{counted(job.added, 'output')} added ({new}). {there if job.unchanged else ''}".rstrip()


def check_state(study: Study) -> None:
    """Raise WrongState unless the study is a draft."""
    if study.state != StudyState.DRAFT:
        state = study.get_state_display().lower()
        message = f"Outputs can be imported only while a study is a draft; this one is {state}. Nothing was imported."
        raise WrongState(message)


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
