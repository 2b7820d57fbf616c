"""Issue 4's acceptance: 720 people through Prolific, with everything that goes wrong there and here.

Real are: the site (gunicorn, 2 × 4), the Celery worker, PostgreSQL, Redis, HTTP in both directions, the kills.
Compressed are: the platform's clock, 30 times (a 30-second outage lasts a second, a maximum time of six minutes twelve
seconds), the poll (every 2 s instead of every minute), and our own patience with late and lost payments (2 s).
"""

import os
import pprint
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path

import pytest
from django.db import connection
from django.db.models import Count

from annotations.domain import ledger, recruiting
from annotations.enums import BonusState, LeaseState, SubmissionState, TrialKind
from annotations.models import (
    BonusOrder,
    Judgement,
    Lease,
    LedgerEntry,
    Participation,
    RecruiterEvent,
    Recruitment,
    Submission,
)
from tests.standins.prolific import Platform, StandIn
from tests.standins.prolific.clock import Clock

from .conftest import recruited
from .crowd import Crowd

ROOT = Path(__file__).resolve().parents[3]
SPEED = 30.0
WORKER = ("-m", "celery", "--app", "evalplatform", "worker", "--pool", "solo", "--loglevel", "WARNING")


@pytest.fixture
def prolific():
    with StandIn(Platform(currency="GBP", clock=Clock(speed=SPEED))) as site:
        site.hooks.faults.repeated = site.hooks.faults.reordered = 0.05
        site.hooks.faults.lost = 0.02
        site.platform.bonus_lag = site.bulk_lag = 15.0
        yield site


class Process:
    """A process of the platform that can be killed and started again."""

    def __init__(self, command, environment, log):
        self.command, self.environment, self.log = command, environment, log
        self.running = None

    def start(self):
        with self.log.open("ab") as output:
            self.running = subprocess.Popen(
                [sys.executable, *self.command],
                cwd=ROOT,
                env=self.environment,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )

    def kill(self):
        """End it and its children without a word."""
        os.killpg(self.running.pid, signal.SIGKILL)
        self.running.wait(30)

    def end(self):
        if self.running and self.running.poll() is None:
            self.running.terminate()
            try:
                self.running.wait(20)
            except subprocess.TimeoutExpired:
                self.kill()


@pytest.fixture
def processes(process_environment, free_port, tmp_path, wait_until):
    """Web and worker on the test database, with a broker queue of their own."""
    from evalplatform import celery_app
    from tests.conftest import answers

    celery_app.control.purge()
    environment = {**process_environment, "PORT": str(free_port), "LOG_LEVEL": "WARNING"}
    web = Process(
        ("-m", "gunicorn", "--config", "python:evalplatform.gunicorn_conf"), environment, tmp_path / "web.log"
    )
    worker = Process(WORKER, environment, tmp_path / "worker.log")
    url = f"http://127.0.0.1:{free_port}"
    web.start()
    worker.start()
    wait_until(lambda: answers(f"{url}/healthz") or web.running.poll() is not None)
    assert web.running.poll() is None, web.log.read_text()
    yield url, web, worker
    for process in (web, worker):
        process.end()


class Poll(threading.Thread):
    """What Celery beat does every minute, every two seconds."""

    def __init__(self, recruitment_id):
        super().__init__(daemon=True)
        self.recruitment_id, self.over = recruitment_id, threading.Event()

    def run(self):
        from evalplatform import celery_app

        while not self.over.wait(60 / SPEED):
            celery_app.send_task("annotations.tasks.sync_recruitment", args=[self.recruitment_id], expires=5)


def troubles(lab, people, web, worker):
    """Three outages of 30 seconds and one restart of both processes, spread over the time that people come."""
    done = Lease.objects.filter(plan=lab.study.plan, state=LeaseState.COMPLETED)

    def restart():
        web.kill()
        worker.kill()
        web.start()
        worker.start()
        yield

    for share, trouble in ((0.2, outage(lab)), (0.4, outage(lab)), (0.5, restart()), (0.7, outage(lab))):
        while done.count() < share * people:
            yield
        yield from trouble


def outage(lab):
    """Thirty seconds of the platform's clock, and longer where nobody has asked in that time: it must be felt."""
    refused = lab.site.refused[503]
    lab.site.go_down(3600)
    until = time.monotonic() + 30 / SPEED
    while time.monotonic() < until or lab.site.refused[503] == refused:
        yield
    lab.site.go_down(0)


def is_settled(lab):
    """Whether every booklet is complete and nothing is owed or on its way."""
    plan = lab.study.plan
    if Lease.objects.filter(plan=plan, state__in=(LeaseState.AVAILABLE, LeaseState.LEASED)).exists():
        return False
    if BonusOrder.objects.filter(state__in=(BonusState.PLANNED, BonusState.SENDING)).exists():
        return False
    waiting = Submission.objects.filter(recruitment=lab.recruitment, state=SubmissionState.AWAITING)
    running = [one.status for one in lab.site.platform.of(lab.remote) if one.status in ("RESERVED", "ACTIVE")]
    return not waiting.exists() and not running and ledger.balance(study=lab.study).owed == 0


class Patience:
    """Fails when nothing moves for three minutes, or when it never ends, and says where everything stands."""

    def __init__(self, lab, crowd):
        self.lab, self.crowd, self.seen, self.since = lab, crowd, None, time.monotonic()
        self.end = self.since + 900  # people who come and go for ever are movement, too

    def stands(self):
        leases = Lease.objects.filter(plan=self.lab.study.plan)
        sessions = Submission.objects.filter(recruitment=self.lab.recruitment)
        counts = [Counter(rows.values_list("state", flat=True)) for rows in (leases, sessions, BonusOrder.objects)]
        there = Counter(one.status for one in self.lab.site.platform.of(self.lab.remote))
        return (*map(dict, counts), dict(there), dict(self.crowd.ends))

    def waits(self):
        time.sleep(0.3)
        assert self.crowd.problems == []
        now = self.stands()
        if now != self.seen:
            self.seen, self.since = now, time.monotonic()
        late = time.monotonic() > min(self.since + 180, self.end)
        if late:  # pytest would shorten this
            pytest.fail(pprint.pformat((now, self.lab.fresh().message, self.lab.fresh().pause_reason)))


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.parametrize(
    "size",
    [(36, 4, 9), pytest.param((720, 20, 36), marks=pytest.mark.long)],
    ids=lambda size: f"{size[0]}-people",
)
def test_people_outages_lost_messages_and_a_restart(prolific, processes, size):
    site, web, worker = processes
    people, prompts, k = size
    lab = recruited(
        prolific,
        publish=False,
        prompts=prompts,
        systems=("baseline", "steered", "reference"),
        design={"raters_per_task": k, "trials_per_rater": 3},
        minutes=1,
        settings={"maximum_allowed_time": 6, "late_patience": 2, "bonus_patience": 2},
    )
    assert lab.study.plan.booklets_planned == people
    Recruitment.objects.filter(pk=lab.recruitment.pk).update(site=site)
    recruiting.publish(recruitment=lab.fresh())
    assert lab.fresh().listens
    crowd, poll = Crowd(site, prolific, lab.remote), Poll(lab.recruitment.pk)

    begun = time.monotonic()
    poll.start()
    crowd.start()
    patience = Patience(lab, crowd)
    for _ in troubles(lab, people, web, worker):
        patience.waits()
    while not is_settled(lab):
        patience.waits()
    crowd.join()
    poll.over.set()
    poll.join()
    lab.sync()
    lab.sync()
    print(f"\n{time.monotonic() - begun:.0f} s", dict(crowd.roles), dict(crowd.ends), prolific.hooks.counted)

    # What went wrong did go wrong.
    assert crowd.problems == []
    assert crowd.broken > 0
    assert prolific.refused[503] > 0
    assert people < 720 or all(prolific.hooks.counted[name] for name in ("lost", "repeated", "reordered"))
    assert RecruiterEvent.objects.filter(kind__startswith="hook:").count() > people
    assert people < 720 or all(crowd.roles[name] for name in ("returns_early", "returns_late", "times_out", "no_code"))

    # Exactly k complete raters for every task.
    assert set(lab.completes().values()) == {1}
    assert k_per_task(lab) == {k}

    # The ledger equals the books, to the penny.
    assert lab.ours() == lab.theirs()
    balance = ledger.balance(study=lab.study)
    assert (balance.owed, balance.committed) == (0, lab.fresh().committed)
    assert balance.spent == sum(lab.theirs().values())

    # Nobody twice, and nobody unpaid who finished and stayed.
    people = Participation.objects.filter(study=lab.study)
    assert people.count() == people.values("identity__digest").distinct().count()
    rewards = Counter(one.participant for one in prolific.platform.books.of(lab.remote.id))
    assert set(rewards.values()) == {1}
    stayed = {ident for ident in crowd.finished if ident not in crowd.returned}
    paid = {one.submission for one in prolific.platform.books.of(lab.remote.id)}
    # Somebody may be paid by a bonus after a time-out and return the session only then: paid, but for work done.
    assert stayed <= paid <= set(crowd.finished)
    assert {one.amount for one in prolific.platform.books.of(lab.remote.id)} == {150}
    assert LedgerEntry.objects.filter(study=lab.study, reference__startswith="paid:").count() == len(paid)
    connection.close()


def k_per_task(lab):
    """How often each task was judged in a completed booklet."""
    judged = Judgement.objects.filter(
        lease__plan=lab.study.plan, lease__state=LeaseState.COMPLETED, trial__kind=TrialKind.MAIN
    )
    counts = dict(judged.values_list("trial__task").annotate(times=Count("pk")))
    assert len(counts) == lab.study.plan.tasks.filter(kind=TrialKind.MAIN).count()
    return set(counts.values())
