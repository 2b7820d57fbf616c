"""A report is made by the worker when there is one, else here."""

import pytest

from annotations.domain import reporting
from annotations.enums import JobState
from annotations.management import jobs


@pytest.fixture
def report(make_open_study):
    return reporting.request_report(study=make_open_study())


def test_make_report_anywhere_uses_the_worker_that_answers(report, celery_worker, monkeypatch):
    monkeypatch.setattr(jobs, "worker_answers", lambda: True)  # a worker in a thread answers no ping

    made, where = jobs.make_report_anywhere(report)

    assert where == "the Celery worker"
    assert made.state in (JobState.DONE, JobState.FAILED)
    assert made.finished_at is not None


def test_make_report_anywhere_works_without_a_worker(report, monkeypatch):
    monkeypatch.setattr(jobs.celery_app.control, "ping", lambda **_: [])

    made, where = jobs.make_report_anywhere(report)

    assert where == "this process (no Celery worker answered)"
    assert made.finished_at is not None


def test_make_report_anywhere_gives_up_on_a_worker_that_does_not_finish(report, monkeypatch):
    monkeypatch.setattr(jobs, "worker_answers", lambda: True)
    monkeypatch.setattr(jobs, "PATIENCE_SECONDS", 0)
    monkeypatch.setattr(jobs.celery_app, "send_task", lambda *_, **__: None)

    with pytest.raises(jobs.JobLost, match="its log says why"):
        jobs.make_report_anywhere(report)


def test_task_is_one_that_workers_know():
    jobs.celery_app.autodiscover_tasks(force=True)

    assert jobs.TASK in jobs.celery_app.tasks


def test_worker_answers_is_false_when_the_broker_is_gone(monkeypatch):
    def refuse(**_):
        raise ConnectionRefusedError

    monkeypatch.setattr(jobs.celery_app.control, "ping", refuse)

    assert not jobs.worker_answers()
