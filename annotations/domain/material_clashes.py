"""Checks of staged material against itself and against the study, each one SQL statement over `material_cell`."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from django.db import connection

from annotations.enums import SystemRole
from annotations.errors import Problem
from annotations.models import Study
from annotations.registry.cells import quoted

from . import attention
from .material_staging import MOST_PROBLEMS, Problems

MOST_SYSTEMS = 50
ROLES = (SystemRole.BASELINE, SystemRole.TREATMENT, SystemRole.REFERENCE)


@dataclass(frozen=True)
class Clash:
    """One kind of clash: `sql` finds `number` (the row) and the words of `reason`."""

    column: str
    reason: str
    sql: str


CLASHES = (
    Clash(
        "prompt_key",
        "the key {key} stands for another prompt in row {other}; give each prompt a key of its own",
        """
        SELECT number, prompt_key AS key, other FROM (
            SELECT number, prompt_key, prompt_digest, first_value(number) OVER mates AS other,
                   first_value(prompt_digest) OVER mates AS first_digest
            FROM material_cell WINDOW mates AS (PARTITION BY prompt_key ORDER BY number)) found
        WHERE prompt_digest <> first_digest
        """,
    ),
    Clash(
        "prompt",
        "the study has another text for the prompt with the key {key}; texts are never overwritten: use another key, "
        "or delete the prompt in the study and import again",
        """
        SELECT min(c.number) AS number, c.prompt_key AS key
        FROM material_cell c JOIN annotations_prompt p ON p.study_id = %(study)s AND p.key = c.prompt_key
        WHERE NOT p.is_check AND sha256(convert_to(p.text, 'UTF8')) <> c.prompt_digest
        GROUP BY c.prompt_key
        """,
    ),
    Clash(
        "prompt_key",
        "this row has no key, but row {other} gives the same prompt the key {key}; give it to both or to none",
        """
        SELECT min(number) FILTER (WHERE keyless) AS number, min(number) FILTER (WHERE NOT keyless) AS other,
               min(prompt_key) FILTER (WHERE NOT keyless) AS key
        FROM material_cell GROUP BY prompt_digest HAVING bool_or(keyless) AND bool_or(NOT keyless)
        """,
    ),
    Clash(
        "prompt_key",
        "the study has this prompt with the key {known}; give that key in a column 'prompt_key'",
        """
        SELECT min(c.number) AS number, p.key AS known
        FROM material_cell c JOIN annotations_prompt p
          ON p.study_id = %(study)s AND NOT p.is_check AND sha256(convert_to(p.text, 'UTF8')) = c.prompt_digest
        WHERE p.key <> c.prompt_key AND (c.keyless OR p.key = left(encode(c.prompt_digest, 'hex'), 16))
        GROUP BY c.prompt_key, p.key
        """,
    ),
    Clash(
        "prompt_key",
        "the key {key} is kept for attention checks; use another",
        """
        SELECT min(c.number) AS number, c.prompt_key AS key FROM material_cell c
        LEFT JOIN annotations_prompt p ON p.study_id = %(study)s AND p.key = c.prompt_key
        WHERE p.is_check OR c.prompt_key = ANY(%(check_keys)s) GROUP BY c.prompt_key
        """,
    ),
    Clash(
        "task_family",
        "the prompt is of the family {first} in row {other}, here of {family}",
        """
        SELECT number, other, first, task_family AS family FROM (
            SELECT number, task_family, first_value(number) OVER mates AS other,
                   first_value(task_family) OVER mates AS first
            FROM material_cell WHERE task_family <> ''
            WINDOW mates AS (PARTITION BY prompt_key ORDER BY number)) found
        WHERE task_family <> first
        """,
    ),
    Clash(
        "task_family",
        "the prompt is of the family {known} in the study, here of {family}",
        """
        SELECT min(c.number) AS number, p.task_family AS known, c.task_family AS family
        FROM material_cell c JOIN annotations_prompt p ON p.study_id = %(study)s AND p.key = c.prompt_key
        WHERE c.task_family <> '' AND p.task_family <> '' AND c.task_family <> p.task_family
        GROUP BY c.prompt_key, p.task_family, c.task_family
        """,
    ),
    Clash(
        "sample",
        "other rows of this prompt and system have a sample number (row {other}); number all of them or none",
        """
        SELECT number, other FROM (
            SELECT number, numbered, min(number) FILTER (WHERE numbered) OVER (PARTITION BY prompt_key, system) AS other
            FROM material_cell) found
        WHERE NOT numbered AND other IS NOT NULL
        """,
    ),
    Clash(
        "sample",
        "duplicate: prompt, system and sample {sample} are those of row {other}; give each output a number of its own",
        """
        SELECT number, other, sample FROM (
            SELECT number, sample, first_value(number) OVER mates AS other FROM material_cell WHERE numbered
            WINDOW mates AS (PARTITION BY prompt_key, system, sample ORDER BY number)) found
        WHERE number <> other
        """,
    ),
    Clash(
        "text",
        "duplicate: prompt, system and text are those of row {other}; leave one out, or number both in a column "
        "'sample' if the system gave this text twice",
        """
        SELECT number, other FROM (
            SELECT number, first_value(number) OVER mates AS other FROM material_cell WHERE NOT numbered
            WINDOW mates AS (PARTITION BY prompt_key, system, text_digest ORDER BY number)) found
        WHERE number <> other
        """,
    ),
    Clash(
        "text",
        "the study has another text for this prompt, system and sample ({sample}); texts are never overwritten: to add "
        "this one beside it, give it a free number in a column 'sample'; to replace the other, delete that one first",
        """
        SELECT c.number, c.sample FROM material_cell c
        JOIN annotations_prompt p ON p.study_id = %(study)s AND p.key = c.prompt_key AND NOT p.is_check
        JOIN annotations_system s ON s.study_id = %(study)s AND s.name = c.system
        JOIN annotations_output o ON o.prompt_id = p.id AND o.system_id = s.id AND o.sample = c.sample
        WHERE NOT c.known
        """,
    ),
)
FIRST = "SELECT found.*, count(*) OVER () AS count FROM ({sql}) found ORDER BY number LIMIT %(most)s"
NUMBERS = ("number", "other", "first")  # what counts outputs in these statements
SYSTEMS = """
SELECT system, min(number) AS first, count(*) AS count, count(*) OVER () AS total
FROM material_cell GROUP BY system ORDER BY first LIMIT %(most)s
"""


def check_cells(*, study: Study, known: Collection[str] | None, roles: Mapping[str, str], problems: Problems) -> None:
    """Add every clash of the staged material to `problems`; `known` are the systems that may come, None for any."""
    values: dict[str, Any] = {"study": study.pk, "check_keys": list(attention.KEYS), "most": MOST_PROBLEMS}
    for clash in CLASHES:
        rows = _found(FIRST.format(sql=clash.sql), values)
        if rows:
            found = [Problem(problems.file, row["number"], clash.column, _reason(clash, row, problems)) for row in rows]
            problems.extend(found, count=rows[0]["count"])
    systems = _found(SYSTEMS, values)
    if systems and systems[0]["total"] > MOST_SYSTEMS:
        named = f"names {systems[0]['total']:,} systems, at most {MOST_SYSTEMS} are taken; is it the right column?"
        problems.extend([Problem(problems.file, 0, "system", named)], count=1)
        return
    places = {row["system"]: (row["first"], row["count"]) for row in systems}
    reasons = list(_system_problems(study, places, known=known, roles=roles))
    problems.extend([Problem(problems.file, row, "system", reason) for row, reason in reasons], count=len(reasons))


def _found(sql: str, values: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return what a statement finds; outputs are counted in it, rows in what it returns."""
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        names = [column.name for column in cursor.description or ()]
        found = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
        numbers = {row[name] for row in found for name in NUMBERS if isinstance(row.get(name), int)}
        if numbers:
            cursor.execute("SELECT number, row FROM material_row WHERE number = ANY(%s)", [list(numbers)])
            rows = dict(cursor.fetchall())
            for row in found:
                row.update({name: rows[row[name]] for name in NUMBERS if isinstance(row.get(name), int)})
    return found


def _reason(clash: Clash, row: Mapping[str, Any], problems: Problems) -> str:
    said = {name: quoted(value) if isinstance(value, str) else value for name, value in row.items()}
    if isinstance(row.get("other"), int):
        there = problems.placed(Problem(problems.file, row["other"], "", ""))
        said["other"] = there.row if there.file == problems.file else f"{there.row} of {there.file}"
    return clash.reason.format(**said)


def _system_problems(
    study: Study, systems: Mapping[str, tuple[int, int]], *, known: Collection[str] | None, roles: Mapping[str, str]
) -> Iterator[tuple[int, str]]:
    there = dict(study.systems.values_list("name", "role"))
    reserved = {attention.SYSTEM} | {name for name, role in there.items() if role == SystemRole.CHECK}
    for name, (first, count) in systems.items():
        if name in reserved:
            yield first, f"the name {quoted(name)} is kept for attention checks; use another"
        elif known is not None and name not in known:
            yield first, f"unknown system {quoted(name)} ({_rows(count)}){_hint(name, known)}"
    every = {*systems, *there} - reserved
    for name in sorted(set(roles) - every):
        yield 0, f"a role is given for {quoted(name)}, but there is no such system{_hint(name, every)}"
    baselines = sorted(name for name in every if roles.get(name, there.get(name)) == SystemRole.BASELINE)
    if len(baselines) > 1:
        yield 0, f"there can be one baseline, not {len(baselines)}: {', '.join(map(quoted, baselines))}"


def _rows(count: int) -> str:
    return "in this row only" if count == 1 else f"in {count:,} rows"


def _hint(name: str, known: Collection[str]) -> str:
    lowered = {item.lower(): item for item in known}
    meant = get_close_matches(name.lower(), lowered, n=1, cutoff=0.7)
    listed = ", ".join(quoted(item) for item in sorted(known)[:10]) or "none"
    return f"; did you mean {quoted(lowered[meant[0]])}?" if meant else f"; there are: {listed}"
