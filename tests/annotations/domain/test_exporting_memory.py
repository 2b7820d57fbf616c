"""A million judgements are exported in constant memory (LESSONS_FROM_PEERS, row 4)."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from django.db import connection

from annotations.models import Judgement, Study
from tests.annotations.admin.conftest import judge
from tests.annotations.factories import StudyFactory
from tests.conftest import ROOT

FEW = 10_000
TRIALS = 40  # of one booklet: its copies are counted in 15 bits
MOST_GROWTH = (
    100  # megabytes; measured at 200,000: 0 for lines, 61 for Parquet (pool of its writer). A list would take 1000.
)
ONE = [{"key": "originality", "label": "original"}]
# Rows are copied from those of one rater, with other keys.
RATERS = (
    "INSERT INTO annotations_rater (pseudonym, created_at) SELECT %(mark)s || n, now() FROM generate_series(1, %(n)s) n"
)
PEOPLE = """
INSERT INTO annotations_participation SELECT (jsonb_populate_record(p, jsonb_build_object(
  'id', nextval(pg_get_serial_sequence('annotations_participation', 'id')), 'rater_id', r.id,
  'public_id', r.pseudonym))).*
FROM annotations_participation p, annotations_rater r WHERE p.id = %(who)s AND r.pseudonym LIKE %(mark)s || '%%'
"""
LEASES = """
INSERT INTO annotations_lease SELECT (jsonb_populate_record(l, jsonb_build_object(
  'id', nextval(pg_get_serial_sequence('annotations_lease', 'id')), 'participation_id', p.id,
  'copy', 1 + row_number() OVER (ORDER BY p.id)))).*
FROM annotations_lease l, annotations_participation p
WHERE l.id = %(lease)s AND p.public_id LIKE %(mark)s || '%%'
"""
JUDGEMENTS = """
INSERT INTO annotations_judgement (lease_id, trial_id, answers, submit_ms, hidden_ms, idle_ms)
SELECT l.id, j.trial_id, j.answers, j.submit_ms, j.hidden_ms, j.idle_ms
FROM annotations_lease l JOIN annotations_participation p ON p.id = l.participation_id, annotations_judgement j
WHERE p.public_id LIKE %(mark)s || '%%' AND j.lease_id = %(lease)s
"""
EXPORT = """
import json, resource, sys, django
django.setup()
from annotations.domain.exporting import export
from annotations.models import Study
with open("/dev/null", "wb") as target:
    study = Study.objects.get(pk=int(sys.argv[1]))
    rows = export(study=study, name=sys.argv[2], target=target, masked=True, actor=None)
print(json.dumps({"rows": rows, "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024}))
"""


def study_with(judgements: int, *, mark: str) -> Study:
    """Make a study in which so many judgements were given, by SQL."""
    design = {"raters_per_task": 1, "trials_per_rater": TRIALS}
    study = StudyFactory(open=True, prompts=TRIALS, systems=("left", "right"), dimensions=ONE, design=design)
    judge(study, raters=1)
    lease = study.plan.leases.get(state="completed")
    values = {"mark": mark, "n": judgements // TRIALS - 1, "who": lease.participation_id, "lease": lease.pk}
    with connection.cursor() as cursor:
        cursor.execute(
            "SET session_replication_role = replica"
        )  # a million foreign keys need not be checked one by one
        for statement in (RATERS, PEOPLE, LEASES, JUDGEMENTS):
            cursor.execute(statement, values)
        cursor.execute("SET session_replication_role = DEFAULT")
        cursor.execute("ANALYZE")
    return study


@pytest.mark.long
@pytest.mark.timeout(900)
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("judgements", [100_000, 1_000_000])
def test_judgements_are_exported_in_constant_memory(process_environment, judgements):
    few, many = study_with(FEW, mark="FEW-"), study_with(judgements, mark="MANY-")

    found = {
        (study.pk, name): exported(study, name, process_environment)
        for study in (few, many)
        for name in ("long_csv", "long_parquet", "answers")
    }

    assert Judgement.objects.filter(lease__plan=many.plan).count() == judgements
    for name in ("long_csv", "long_parquet", "answers"):
        small, large = found[few.pk, name], found[many.pk, name]
        assert (small["rows"], large["rows"]) == (FEW, judgements)
        assert large["peak"] - small["peak"] < MOST_GROWTH, name


def exported(study: Study, name: str, environment: dict[str, str]) -> dict[str, int]:
    command = [sys.executable, "-c", EXPORT, str(study.pk), name]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))
