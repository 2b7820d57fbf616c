"""Reports: queued once, made from the long table, kept with their words when they fail."""

import hashlib
import json
import zipfile

import pytest

from analysis.__main__ import main
from analysis.report import PARTS
from annotations.domain import participation, planning, reporting, studies
from annotations.enums import JobState
from annotations.errors import NotReady
from annotations.models import Report, System

from .conftest import judge_all


def judged_study(make_study, **design):
    study = make_study(prompts=8, systems=3, design={"raters_per_task": 3, "trials_per_rater": 6} | design)
    System.objects.filter(study=study, name="baseline").update(role="baseline")
    System.objects.filter(study=study, name="reference").update(role="reference")
    planning.freeze_study(study=study)
    studies.open_study(study=study)
    while judge_all(participation=participation.enter_study(slug=study.slug)):
        pass
    return study


def test_report_before_freezing_says_what_is_missing(make_study):
    with pytest.raises(NotReady, match="before the design is frozen"):
        reporting.request_report(study=make_study())


def test_waiting_report_is_not_queued_twice(make_open_study):
    study = make_open_study()

    assert reporting.request_report(study=study) == reporting.request_report(study=study)


def test_report_holds_every_contrast_and_all_formats(make_study, settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    study = judged_study(make_study)

    report = reporting.make_report(report_id=reporting.request_report(study=study).pk)

    assert report.state == JobState.DONE, report.message
    assert report.progress == 100
    rows = report.summary["rows"]
    assert {(row["first"], row["second"]) for row in rows} == {
        ("steered", "reference"),
        ("steered", "baseline"),
        ("reference", "baseline"),
    }
    assert {row["dimension"] for row in rows} == {"originality", "surprise", "creativity"}
    assert report.judgements == 72
    with report.bundle.open("rb") as stream, zipfile.ZipFile(stream) as bundle:
        names = set(bundle.namelist())
        manifest = json.loads(bundle.read("manifest.json"))
    expected = {
        "index.html",
        "significance.csv",
        "significance.tex",
        "significance.md",
        "significance.html",
        "significance.docx",
        "results.json",
        "figures/forest.svg",
        "figures/forest.pdf",
        "judgements.csv",
        "plan.json",
        "certificate.json",
        "manifest.json",
    }
    assert expected <= names
    assert study.plan.sha256 in json.dumps(manifest)
    assert b"originality" in reporting.read_member(report=report, name="significance.csv")


def test_bundle_gives_the_same_bytes_from_the_shell(make_study, settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path / "media"
    study = judged_study(make_study)
    report = reporting.make_report(report_id=reporting.request_report(study=study).pk)
    with report.bundle.open("rb") as stream, zipfile.ZipFile(stream) as bundle:
        bundle.extractall(tmp_path / "bundle")
    plan = [
        "--plan",
        str(tmp_path / "bundle" / "plan.json"),
        "--certificate",
        str(tmp_path / "bundle/certificate.json"),
    ]

    code = main([str(tmp_path / "bundle" / "judgements.csv"), "--out", str(tmp_path / "report"), *plan, "--quiet"])

    again = {path.relative_to(tmp_path / "report").as_posix(): path for path in (tmp_path / "report").rglob("*.*")}
    assert code in (0, 1)  # 1: a model of so small a study need not converge, here as there
    assert set(again) == {
        path.relative_to(tmp_path / "bundle").as_posix() for path in (tmp_path / "bundle").rglob("*.*")
    } - {"judgements.csv"}
    assert [n for n, path in again.items() if path.read_bytes() != (tmp_path / "bundle" / n).read_bytes()] == []


def test_plan_of_the_bundle_has_the_hash_of_the_design(make_study, settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    study = judged_study(make_study)

    report = reporting.make_report(report_id=reporting.request_report(study=study).pk, without=PARTS)

    plan = reporting.read_member(report=report, name="plan.json")
    assert hashlib.sha256(plan).hexdigest() == study.plan.sha256


def test_report_made_twice_is_made_once(make_study, settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    study = judged_study(make_study)
    report = reporting.request_report(study=study)

    first = reporting.make_report(report_id=report.pk, without=PARTS)
    second = reporting.make_report(report_id=report.pk, without=PARTS)

    assert (first.finished_at, first.bundle.name) == (second.finished_at, second.bundle.name)


def test_report_without_judgements_fails_in_words(make_open_study, settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    study = make_open_study()

    report = reporting.make_report(report_id=reporting.request_report(study=study).pk, without=PARTS)

    assert report.state == JobState.FAILED
    assert report.message
    assert not report.bundle


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({}, [("steered", "baseline"), ("reference", "baseline"), ("steered", "reference")]),
        (
            {"comparisons": "against_baseline", "baseline": "baseline"},
            [("steered", "baseline"), ("reference", "baseline")],
        ),
        ({"comparisons": "listed", "listed": [["baseline", "steered"]]}, [("steered", "baseline")]),
    ],
)
def test_declared_contrasts_follow_design_and_roles(make_study, change, expected):
    study = make_study(design=change)
    System.objects.filter(study=study, name="baseline").update(role="baseline")
    System.objects.filter(study=study, name="reference").update(role="reference")

    assert reporting.contrasts_of(study=study) == expected


def test_report_whose_worker_died_is_taken_up_again(make_study, settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    study = judged_study(make_study)
    report = reporting.request_report(study=study)
    Report.objects.filter(pk=report.pk).update(state=JobState.RUNNING)

    again = reporting.make_report(report_id=reporting.request_report(study=study).pk, without=PARTS)

    assert (again.pk, again.state) == (report.pk, JobState.DONE)


def test_rows_stand_in_the_order_of_the_study(make_study, settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    study = judged_study(make_study)

    report = reporting.make_report(report_id=reporting.request_report(study=study).pk, without=PARTS)

    keys = list(dict.fromkeys(row["dimension"] for row in report.summary["rows"]))
    assert keys == ["originality", "surprise", "creativity"]
    assert "originality" in report.summary["sentences"][0]


def test_report_with_simulated_raters_says_so(make_study, settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    study = judged_study(make_study)
    study.participations.filter(pk__in=study.participations.values("pk")[:2]).update(simulated=True)
    finished = study.participations.filter(state="finished")

    report = reporting.make_report(report_id=reporting.request_report(study=study).pk, without=PARTS)

    assert f"2 of {finished.count()} raters are simulated; they are no people." in report.summary["warnings"]
    assert b"2 of" in reporting.read_member(report=report, name="index.html")
