"""Results: asking, watching, reading, downloading; and what is said when something is missing or failed."""

import copy
import csv
import io
import zipfile

import pandas as pd
import pytest
from celery import current_app
from django.core.files.base import ContentFile
from kombu.exceptions import OperationalError

from analysis import schema
from analysis.report import PARTS
from annotations.domain import reporting
from annotations.models import Report
from tests.annotations.factories import StudyFactory

from .conftest import address, judge, said


@pytest.fixture
def sent(monkeypatch):
    """What was handed to the worker, without a worker."""
    found = []
    monkeypatch.setattr(current_app, "send_task", lambda name, args, **_: found.append((name, args)))
    return found


@pytest.fixture
def judged(db, settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    study = StudyFactory(open=True, prompts=8, design={"raters_per_task": 3, "trials_per_rater": 6})
    judge(study, raters=12)
    return study


MADE = {}  # what the first report of this module came to; making it takes seconds, and every study here is alike


@pytest.fixture
def report(judged):
    report = reporting.request_report(study=judged)
    if not MADE:
        report = reporting.make_report(report_id=report.pk, without=PARTS)
        with report.bundle.open() as bundle:
            MADE.update(summary=copy.deepcopy(report.summary), bundle=bundle.read(), judgements=report.judgements)
        return report
    report.bundle.save("report.zip", ContentFile(MADE["bundle"]), save=False)
    report.state, report.progress, report.judgements = "done", 100, MADE["judgements"]
    report.summary = copy.deepcopy(MADE["summary"])
    report.save()
    return report


def test_asking_queues_one_report(desk, judged, sent):
    first = desk.post(address(judged, "results_request"), follow=True)
    desk.post(address(judged, "results_request"))

    report = Report.objects.get()
    assert said(first) == ["The report is being made. This page shows how far it is."]
    assert sent == [("annotations.tasks.make_report", [report.pk])] * 2
    assert first.context["under_way"] == report


def test_asking_before_freezing_says_why(desk, draft, sent):
    response = desk.post(address(draft, "results_request"), follow=True)

    assert "There is nothing to analyse before" in said(response)[0]
    assert sent == []


def test_asking_without_a_worker_keeps_the_wish(desk, judged, monkeypatch):
    def refuse(*args, **kwargs):
        raise OperationalError

    monkeypatch.setattr(current_app, "send_task", refuse)

    response = desk.post(address(judged, "results_request"), follow=True)

    assert "the background worker cannot be reached" in said(response)[0]
    assert Report.objects.get().state == "queued"


def test_progress_is_shown_until_the_report_is_done(desk, judged):
    report = reporting.request_report(study=judged)
    Report.objects.filter(pk=report.pk).update(state="running", progress=40, stage="Model: creativity")

    during = desk.get(address(judged, "results_live")).json()
    Report.objects.filter(pk=report.pk).update(state="done")
    after = desk.get(address(judged, "results_live")).json()

    assert "Model: creativity" in during["panels"]["progress"]
    assert "40%" in during["panels"]["progress"]
    assert (during["reload"], after["reload"]) == (False, True)


def test_page_opens_with_the_sentence_then_plot_then_table(desk, judged, report):
    html = desk.get(address(judged, "results")).content.decode()

    sentence = html.index('data-testid="sentence"')
    assert sentence < html.index('class="ev-forest"') < html.index("Significance table</h3>")
    assert len(report.summary["rows"]) == 9
    assert html.count("</tr>") >= 9
    assert judged.plan.sha256 in html
    assert "Naive p" in html


def test_page_begins_with_the_warnings_of_the_report(desk, judged, report):
    report.summary["warnings"] = ["12 of 12 raters were simulated: <b>"]
    report.save()

    html = desk.get(address(judged, "results")).content.decode()

    assert html.index("12 of 12 raters were simulated: &lt;b&gt;") < html.index('data-testid="sentence"')


def test_page_without_warnings_has_no_empty_note(desk, judged, report):
    report.summary["warnings"] = []
    report.save()

    html = desk.get(address(judged, "results")).content.decode()

    assert 'data-testid="warnings"' not in html


def test_page_warns_of_models_that_did_not_converge(desk, judged, report):
    report.summary["rows"][0] |= {"converged": False, "message": "separation", "estimate": None, "p_holm": None}
    report.save()

    html = desk.get(address(judged, "results")).content.decode()

    assert "Some models did not converge." in html
    assert "separation" in html


@pytest.mark.parametrize(
    ("correction", "head", "words"),
    [("bh", "p (BH)", "after Benjamini and Hochberg"), ("none", "p (not corrected)", "without a correction")],
)
def test_page_shows_the_correction_that_was_declared(desk, judged, report, correction, head, words):  # noqa: PLR0917
    row = report.summary["rows"][0]
    report.summary |= {"correction": correction, "rows": [row | {"corrected": 0.0123, "p_holm": 0.4567}]}
    report.save()

    html = desk.get(address(judged, "results")).content.decode()

    assert head in html
    assert words in html
    assert "<strong>.012</strong>" in html
    assert ".457" not in html


def test_summary_names_the_declared_correction(judged, report):
    assert report.summary["correction"] == "holm"
    assert [row["corrected"] for row in report.summary["rows"]] == [row["p_holm"] for row in report.summary["rows"]]


def test_failed_report_says_why_and_can_be_asked_again(desk, judged, sent):
    Report.objects.create(study=judged, state="failed", message="No judgement is left <after> the exclusions.")

    html = desk.get(address(judged, "results")).content.decode()

    assert "No judgement is left &lt;after&gt; the exclusions." in html
    assert "Make the report" in html


def test_bundle_holds_what_single_downloads_hold(desk, judged, report):
    response = desk.get(address(judged, "results_bundle", report.pk))

    bundle = zipfile.ZipFile(io.BytesIO(b"".join(response.streaming_content)))
    names = set(bundle.namelist())
    assert {"significance.csv", "significance.tex", "significance.md", "significance.html", "judgements.csv"} <= names
    for name in names:
        single = desk.get(address(judged, "results_file", report.pk, name))
        assert single.content == bundle.read(name)
        assert "attachment" in single.headers["Content-Disposition"]


@pytest.mark.parametrize("name", ["nothing.csv", "../settings.py", "significance.csv/"])
def test_unknown_file_is_not_found(desk, judged, report, name):
    assert desk.get(address(judged, "results_file", report.pk, name)).status_code == 404


def test_report_of_another_study_is_not_found(desk, judged, report, draft):
    assert desk.get(address(draft, "results_bundle", report.pk)).status_code == 404
    assert desk.get(address(draft, "results_file", report.pk, "significance.csv")).status_code == 404


def test_lost_bundle_is_said_and_not_a_crash(desk, judged, report):
    report.bundle.storage.delete(report.bundle.name)

    page = desk.get(address(judged, "results"))

    assert "cannot be read any more" in page.content.decode()
    assert desk.get(address(judged, "results_file", report.pk, "significance.csv")).status_code == 404


def test_long_table_is_valid_as_csv_and_parquet(desk, judged):
    text = b"".join(desk.get(address(judged, "results_export", "long_csv")).streaming_content).decode()
    parquet = b"".join(desk.get(address(judged, "results_export", "long_parquet")).streaming_content)

    rows = list(csv.DictReader(io.StringIO(text)))
    frame = schema.validate(pd.read_parquet(io.BytesIO(parquet)))
    assert len(rows) == len(frame) == 12 * 6 * 3
    assert list(rows[0]) == list(schema.NAMES)
    assert {row["design_hash"] for row in rows} == {judged.plan.sha256}


def test_long_table_of_nobody_is_a_header(desk, running):
    text = b"".join(desk.get(address(running, "results_export", "long_csv")).streaming_content).decode()

    assert text.strip() == ",".join(schema.NAMES)


def test_page_before_judgements_says_what_is_missing(desk, running):
    response = desk.get(address(running, "results"))

    assert response.context["here"].missing == ("There are no judgements yet.",)
    assert "Make the report" not in response.content.decode()
