"""Scores of automatic judges that are brought as a file: matched with the outputs, and kept whole or not at all."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import Any, TextIO

from django.contrib.auth.models import AbstractBaseUser
from django.db import connection, transaction

from annotations.errors import MaterialRefused, Problem
from annotations.models import Judge, OutputScore, Study
from annotations.registry.cells import quoted

from .events import log_event
from .masking import Mask
from .material_overview import counted
from .material_staging import Problems
from .score_cells import CellError, Places, judge_name, layout_of, number_of
from .score_files import Row, rows_of

MOST_JUDGES = 50
COLUMNS = ("prompt", "system", "sample", "judge", "value")
MISSING = (
    "the column is missing; a row names its output by prompt_key (or prompt), system and sample, or by content_hash, "
    "and has a column for each judge, or judge and value"
)
COPY = "COPY annotations_outputscore (judge_id, output_id, value, text_digest) FROM STDIN"


@dataclass
class Sheet:
    """What a file of scores holds: by judge the value of each output, and where it stood; cells without a score.

    `outputs` are those that it names, of the `known` ones of the study.
    """

    file: str
    rows: int = 0
    values: dict[str, dict[int, float]] = field(default_factory=dict)
    places: dict[tuple[str, int], int] = field(default_factory=dict)
    empty: Counter[str] = field(default_factory=Counter)
    ignored: tuple[str, ...] = ()
    outputs: int = 0
    known: int = 0


@dataclass(frozen=True)
class Preview:
    """What an import would do; `problems` is empty when it would be taken."""

    sheet: Sheet
    judges: tuple[dict[str, Any], ...]
    problems: tuple[Problem, ...]
    truncated: bool


def preview(*, study: Study, path: Path, filename: str, replace: bool = False) -> Preview:
    """Read a file and say what would come of it, without writing."""
    problems, sheet = Problems(filename), Sheet(filename)
    try:
        sheet = _read(study=study, path=path, problems=problems)
        _compare(study=study, sheet=sheet, replace=replace, problems=problems)
        problems.refuse()
    except MaterialRefused as refused:
        return Preview(sheet, _told(sheet), tuple(refused.problems), refused.truncated)
    return Preview(sheet, _told(sheet), (), truncated=False)


def import_scores(
    *,
    study: Study,
    path: Path,
    filename: str,
    replace: bool = False,
    description: str = "",
    actor: AbstractBaseUser | None = None,
) -> str:
    """Keep a file's scores, a judge for each column of them, and return what came of it in a sentence.

    What is there already with the same value stays; another value is a problem unless `replace`. Raises MaterialRefused
    with every problem (the first 200 listed); then nothing was kept.
    """
    problems = Problems(filename)
    with transaction.atomic():
        Study.objects.select_for_update().get(pk=study.pk)
        sheet = _read(study=study, path=path, problems=problems)
        known = _compare(study=study, sheet=sheet, replace=replace, problems=problems)
        problems.refuse()
        facts: dict[str, Any] = {"file": filename, "rows": sheet.rows, "judges": {}}
        digests = text_digests(study=study)
        for name, values in sheet.values.items():
            judge, _ = Judge.objects.get_or_create(study=study, name=name)
            if description:
                judge.description = description
                judge.save(update_fields=["description"])
            old = known.get(name, {})
            fresh = {output: value for output, value in values.items() if old.get(output) != value}
            OutputScore.objects.filter(judge=judge, output_id__in=[one for one in fresh if one in old]).delete()
            write_scores(judge_id=judge.pk, scores=fresh, digests=digests)
            facts["judges"][name] = {"added": len(fresh), "unchanged": len(values) - len(fresh)}
        log_event(study=study, name="scores_imported", data=facts, actor=actor)
    return _summary(facts["judges"])


def write_scores(*, judge_id: int, scores: Mapping[int, float], digests: Mapping[int, str]) -> None:
    """Add scores by COPY, with the digest of the text as it is now; the caller has removed what they replace."""
    with connection.cursor() as cursor, cursor.copy(COPY) as copy:
        for output, value in scores.items():
            copy.write_row((judge_id, output, value, digests[output]))


def text_digests(*, study: Study, outputs: Collection[int] | None = None) -> dict[int, str]:
    """Return a digest of the text that raters see, by output; of some outputs, or of all of a study's."""
    narrowed = "" if outputs is None else "AND o.id = ANY(%(outputs)s)"
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            SELECT o.id, left(encode(sha256(convert_to(o.text, 'UTF8')), 'hex'), 16)
            FROM annotations_output o JOIN annotations_prompt p ON p.id = o.prompt_id
            WHERE p.study_id = %(study)s {narrowed}
            """,  # noqa: S608 - `narrowed` is one of two constants
            {"study": study.pk, "outputs": list(outputs or ())},
        )
        return dict(cursor.fetchall())


def delete_judge(*, judge: Judge, actor: AbstractBaseUser | None = None) -> int:
    """Take a judge out with its scores; returns how many they were. A job at work on it ends by itself."""
    with transaction.atomic():
        count = OutputScore.objects.filter(judge=judge).count()
        data = {"judge": judge.name, "scorer": judge.scorer, "scores": count}
        log_event(study=judge.study, name="judge_removed", data=data, actor=actor)
        judge.delete()
    return count


def rows(*, study: Study, mask: Mask | None = None) -> Iterator[dict[str, Any]]:
    """Yield every score of a text as it is now: prompt, system, sample, judge, value.

    With a mask systems are letters, and stand in the order of these: any other order could be known.
    """
    current = text_digests(study=study)
    order = ("judge__name", "output__prompt_id", "output__sample")
    found = OutputScore.objects.filter(judge__study=study).order_by(*order)
    names = ("output__prompt__key", "output__system__name", "output__sample", "judge__name", "value")
    streamed = found.values_list(*names, "output_id", "text_digest").iterator(chunk_size=5000)
    sound = (row for row in streamed if current.get(row[5]) == row[6])
    for _, cell in groupby(sound, key=lambda row: (row[0], row[2], row[3])):
        scored = [(mask.system(row[1]) if mask else row[1], row) for row in cell]
        for system, row in sorted(scored, key=lambda one: (len(one[0]), one[0])):
            yield {"prompt": row[0], "system": system, "sample": row[2], "judge": row[3], "value": row[4]}


def write_csv(*, study: Study, target: TextIO, mask: Mask | None = None) -> int:
    """Stream the scores as CSV; returns the number of rows."""
    writer, count = csv.DictWriter(target, COLUMNS), 0
    writer.writeheader()
    for row in rows(study=study, mask=mask):
        writer.writerow(row)
        count += 1
    return count


def _read(*, study: Study, path: Path, problems: Problems) -> Sheet:
    places, ignored, seen = Places(study), dict[str, None](), set[int]()
    sheet = Sheet(problems.file, known=places.count)
    for item in rows_of(path, file=problems.file):
        if isinstance(item, Problem):
            problems.add(item)
            continue
        sheet.rows = item.number
        layout = layout_of(tuple(item.cells))
        ignored |= dict.fromkeys(layout.ignored)
        if layout.missing and item.number == 1:
            raise MaterialRefused([Problem(problems.file, 0, layout.missing, MISSING)])
        try:
            output = places.find(item.cells)
        except CellError as error:
            problems.add(Problem(problems.file, item.number, error.column, str(error)))
            continue
        seen.add(output)
        for column, name in layout.judges(item.cells):
            _take(sheet, item, output=output, column=column, name=name, problems=problems)
    if len(sheet.values) > MOST_JUDGES:
        problems.add(
            Problem(problems.file, 0, "", f"there are {len(sheet.values)} judges; bring {MOST_JUDGES} at most")
        )
    if not sheet.rows and not problems.count:
        problems.add(Problem(problems.file, 0, "", "there are no rows in the file"))
    elif not sheet.values and not problems.count:
        problems.add(Problem(problems.file, 0, "", "there is no column with scores; name one as the judge is called"))
    sheet.ignored, sheet.outputs = tuple(ignored), len(seen)
    return sheet


def _take(sheet: Sheet, row: Row, *, output: int, column: str, name: Any, problems: Problems) -> None:
    """Take the score of one cell, or say what is wrong with it."""
    try:
        judge = judge_name(name)
        value = number_of(row.cells.get(column))
    except CellError as error:
        problems.add(Problem(problems.file, row.number, error.column or column, str(error)))
        return
    if value is None:
        sheet.empty[judge] += 1
        return
    first = sheet.places.setdefault((judge, output), row.number)
    if first != row.number:
        reason = f"the same output as in row {first}; give each output one score by {quoted(judge)}"
        problems.add(Problem(problems.file, row.number, column, reason))
        return
    sheet.values.setdefault(judge, {})[output] = value


def _compare(*, study: Study, sheet: Sheet, replace: bool, problems: Problems) -> dict[str, dict[int, float]]:
    """Return the scores there are by judges of the same names; what clashes with them goes to the problems."""
    known: dict[str, dict[int, float]] = {}
    for judge in Judge.objects.filter(study=study, name__in=list(sheet.values)):
        if judge.scorer:
            reason = f"{quoted(judge.name)} is computed here; name the column otherwise, or delete that judge first"
            problems.add(Problem(problems.file, 0, judge.name, reason))
            continue
        old = known[judge.name] = dict(judge.scores.values_list("output_id", "value"))
        if replace:
            continue
        for output, value in sheet.values[judge.name].items():
            if old.get(output, value) != value:
                row, there = sheet.places[judge.name, output], f"{old[output]:g}"
                reason = f"the study has {there} for this output already; replace earlier scores, or take the row out"
                problems.add(Problem(problems.file, row, judge.name, reason))
    return known


def _told(sheet: Sheet) -> tuple[dict[str, Any], ...]:
    return tuple(
        {
            "name": name,
            "scores": len(values),
            "empty": sheet.empty[name],
            "missing": sheet.known - len(values),
            "low": min(values.values()),
            "high": max(values.values()),
        }
        for name, values in sheet.values.items()
    )


def _summary(judges: Mapping[str, Mapping[str, int]]) -> str:
    added = sum(one["added"] for one in judges.values())
    same = sum(one["unchanged"] for one in judges.values())
    there = f"{counted(same, 'score')} {'was' if same == 1 else 'were'} there already." if same else ""
    if not added:
        return f"Nothing new: {there}"
    return f"{counted(added, 'score')} by {counted(len(judges), 'judge')} added. {there}".rstrip()
