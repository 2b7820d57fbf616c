"""Real processes and threads on real PostgreSQL: exact numbers of booklets, nothing lost when a worker is killed."""

import contextlib
import json
import re
import subprocess
import sys
import threading
import time
from collections import Counter
from functools import partial
from pathlib import Path

import httpx
import psutil
import pytest
from django.db.models import Count

from annotations.access import rater_token
from annotations.domain import participation
from annotations.enums import LeaseState, ParticipationState
from annotations.models import Judgement, Lease, Participation

from .conftest import open_study

ROOT = Path(__file__).resolve().parents[3]
TRIAL = re.compile(r'name="trial" value="([^"]+)"')
FORM = {"answer-originality": "1", "answer-surprise": "3", "answer-creativity": "5"}


@pytest.mark.slow
def test_200_claimants_in_8_processes_share_180_booklets_exactly(process_environment):
    study = open_study(prompts=20, systems=2, design={"raters_per_task": 45, "trials_per_rater": 5})
    assert study.plan.booklets_planned == 180

    command = [sys.executable, "-m", "tests.annotations.domain.claimants", study.slug, "25"]
    processes = [
        subprocess.Popen(command, cwd=ROOT, env=process_environment, stdout=subprocess.PIPE, text=True)
        for _ in range(8)
    ]
    outputs = [process.communicate(timeout=500)[0] for process in processes]
    steps = sum((Counter(json.loads(output)) for output in outputs), Counter())

    assert steps == {"trial": 180, "full": 20}
    leases = Lease.objects.filter(plan=study.plan)
    assert leases.filter(state=LeaseState.LEASED).count() == leases.count() == 180
    assert leases.values("participation").distinct().count() == 180
    assert Participation.objects.filter(state=ParticipationState.TURNED_AWAY).count() == 20


def test_one_rater_clicking_begin_ten_times_at_once_gets_one_booklet(transactional_db):
    from django.db import connection

    study = open_study()
    person = participation.enter_study(slug=study.slug)
    views, barrier = [], threading.Barrier(10)

    def click():
        barrier.wait()
        views.append(participation.begin(public_id=person.public_id))
        connection.close()

    threads = [threading.Thread(target=click) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len({view.trials[0].token for view in views}) == 1
    assert Lease.objects.filter(participation=person).count() == 1


def test_same_answer_posted_ten_times_at_once_is_one_judgement(transactional_db):
    from django.db import connection

    from annotations.domain import judging

    study = open_study()
    person = participation.enter_study(slug=study.slug)
    view = participation.begin(public_id=person.public_id)
    seen, barrier = [], threading.Barrier(10)
    answers = {"originality": "1", "surprise": "3", "creativity": "5"}

    def click():
        barrier.wait()
        seen.append(judging.record_judgement(public_id=person.public_id, trial=view.trials[0].token, answers=answers))
        connection.close()

    threads = [threading.Thread(target=click) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert Judgement.objects.count() == 1
    assert Counter(after.duplicate for after in seen) == {False: 1, True: 9}
    assert {after.trials[0].number for after in seen} == {2}


class Person(threading.Thread):
    """A rater who keeps answering, and tries again when the connection breaks, as the page's script does."""

    def __init__(self, site: str, public_id: str) -> None:
        super().__init__()
        self.address = f"{site}/r/{rater_token(public_id)}"
        self.acknowledged: list[str] = []
        self.broken = 0
        self.wrong: list[int] = []

    def run(self) -> None:
        with httpx.Client(timeout=20) as client:
            trial = TRIAL.search(self._retry(lambda: client.get(f"{self.address}/")).text)[1]
            while trial:
                answer = self._retry(partial(self._post, client, trial))
                self.acknowledged.append(trial)
                trial = answer.headers["X-Trial"]

    def _post(self, client: httpx.Client, trial: str) -> httpx.Response:
        headers = {"X-Requested-With": "fetch"}
        return client.post(f"{self.address}/answer", data=FORM | {"trial": trial}, headers=headers)

    def _retry(self, ask) -> httpx.Response:
        for _ in range(200):
            try:
                answer = ask()
            except httpx.TransportError:
                self.broken += 1
                time.sleep(0.05)
                continue
            if answer.status_code == 200:
                return answer
            self.wrong.append(answer.status_code)
            time.sleep(0.05)
        raise AssertionError("the site did not come back")


@pytest.mark.slow
def test_no_acknowledged_judgement_is_lost_or_doubled_when_workers_are_killed(gunicorn_site, process_environment):
    study = open_study(prompts=20, systems=2, design={"raters_per_task": 24, "trials_per_rater": 20})
    people = [participation.enter_study(slug=study.slug) for _ in range(24)]
    for person in people:
        participation.begin(public_id=person.public_id)
    threads = [Person(gunicorn_site, person.public_id) for person in people]

    for thread in threads:
        thread.start()
    killed = 0
    while any(thread.is_alive() for thread in threads) and killed < 5:
        time.sleep(0.15)
        workers = gunicorn_workers(gunicorn_site)
        if workers:
            with contextlib.suppress(psutil.NoSuchProcess):
                workers[0].kill()
                killed += 1
    for thread in threads:
        thread.join(120)

    assert killed >= 3
    assert sum(thread.broken for thread in threads) > 0  # the kills were felt
    acknowledged = Counter(trial for thread in threads for trial in thread.acknowledged)
    assert sum(acknowledged.values()) == 24 * 20
    stored = Judgement.objects.values("lease", "trial").annotate(times=Count("id"))
    assert {row["times"] for row in stored} == {1}
    assert Judgement.objects.count() == len(acknowledged) == 24 * 20
    assert Lease.objects.filter(state=LeaseState.COMPLETED).count() == 24
    assert [thread.wrong for thread in threads] == [[]] * 24


def gunicorn_workers(site: str) -> list[psutil.Process]:
    """The worker processes of the site, oldest first."""
    port = site.rsplit(":", 1)[1]
    found = []
    for process in psutil.Process().children():
        with contextlib.suppress(psutil.Error):  # others may end while they are looked at
            if "gunicorn" in " ".join(process.cmdline()) and process.environ().get("PORT") == port:
                found += [(child.create_time(), child.pid, child) for child in process.children()]
    return [child for *_, child in sorted(found)]
