"""The acceptance of generations, small: `transformers serve`, a bad network, real workers that are killed three times.

The full size is tests/benchmarks/endpoint_run.py.
"""

import datetime as dt
import importlib.util
import os
import time
from collections import Counter

import pytest
from django.db import connection
from django.utils import timezone

from annotations.domain import generating, generating_systems, studies
from annotations.models import Generation, Output, Prompt
from annotations.tasks import run_generation_task, take_up_generations
from tests.brokers import own_queue
from tests.standins.faults import KINDS, faulty
from tests.standins.serving import serve, write_model
from tests.standins.workers import Workers

KEY = "sk-Bilby-77f0c1d2e3a4b5968778695a4b3c2d1e"
needs_server = pytest.mark.skipif(
    not all(importlib.util.find_spec(name) for name in ("transformers", "torch", "fastapi", "uvicorn")),
    reason="transformers serve is not installed (extra steering)",
)


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    folder = tmp_path_factory.mktemp("served")
    with serve(write_model(folder / "tiny-random"), log=folder / "server.log") as server:
        yield server


@pytest.fixture
def workers(process_environment, tmp_path, worker_id):
    with own_queue(f"endpoint-{worker_id}-{os.getpid()}") as queue:
        found = Workers(process_environment, queue=queue, log=tmp_path / "worker.log")
        yield found
        found.kill()


def draft(base_url, model, *, systems=("plain", "warm", "hot"), prompts=8, **settings):
    study = studies.create_study(title="Bricks", template="pairwise_creativity")
    for number in range(prompts):
        Prompt.objects.create(study=study, key=f"p{number}", text=f"a brick can be used as {number}", declared=True)
    for at, name in enumerate(systems):
        generating_systems.save_system(
            study=study,
            name=name,
            role="treatment",
            generator="openai_compatible",
            settings={"base_url": base_url, "model": model, "temperature": 0.5 + at / 2, "max_tokens": 8, **settings},
            secrets={"api_key": KEY},
        )
    return study


def everything_in_the_database():
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f"SELECT coalesce(string_agg(t::text, ' '), '') FROM \"{table}\" t")
            yield table, cursor.fetchone()[0]


def beaten(condition, *, every=5.0):
    """The condition, with what the beat does every 15 seconds.

    A job that a dead process still seems to hold, because the database has not seen the end of its connection yet, is
    found by the next beat and by nothing else.
    """
    last = [0.0]

    def ask():
        if time.monotonic() - last[0] > every:
            last[0] = time.monotonic()
            take_up_generations.delay()
        return condition()

    return ask


@needs_server
@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_with_three_kills_and_a_bad_network_each_sample_arrives_exactly_once(served, workers, wait_until):
    with faulty(served.base_url, share=0.2, silence=1.5, seed=5) as proxy:
        study = draft(proxy.base_url, served.model, timeout=1, lanes=2)
        made = generating.request_generation(study=study, samples=3)
        outputs = Output.objects.filter(prompt__study=study)
        workers.start()
        run_generation_task.delay(made.pk)
        for count in (8, 24):
            wait_until(beaten(lambda count=count: outputs.count() >= count), seconds=150)
            workers.kill_children()
        wait_until(beaten(lambda: outputs.count() >= 40), seconds=150)
        workers.kill()
        Generation.objects.update(beat_at=timezone.now() - dt.timedelta(minutes=1))  # as if the time had passed
        workers.start()
        wait_until(beaten(lambda: Generation.objects.get().state not in ("queued", "running")), seconds=150)

    made.refresh_from_db()
    assert (made.state, made.message) == ("done", "")
    cells = Counter(outputs.values_list("system", "prompt"))
    assert (outputs.count(), len(cells), set(cells.values())) == (72, 24, {3})
    assert set(made.samples.values_list("state", flat=True)) == {"arrived"}
    finishes = set(outputs.values_list("metadata__finish_reason", flat=True))
    assert finishes <= {"length", "stop"}
    assert (
        outputs.filter(metadata__mark="truncated").count() == outputs.filter(metadata__finish_reason="length").count()
    )
    assert proxy.keys == {f"Bearer {KEY}"}
    assert {kind.split()[0] for kind in KINDS} <= {kind.split()[0] for kind in proxy.counts}
    log = workers.log.read_text()
    assert "WorkerLostError" in log  # there were tracebacks, and
    assert KEY not in log
    assert KEY not in served.log.read_text()
    assert [table for table, text in everything_in_the_database() if KEY in text] == []


@needs_server
@pytest.mark.django_db
def test_completions_of_the_real_server_arrive_too(served):
    study = draft(served.base_url, served.model, systems=("plain",), prompts=2, endpoint="completions", per_call=3)
    made = generating.request_generation(study=study, samples=3)

    generating.run_generation(generation_id=made.pk)

    outputs = Output.objects.filter(prompt__study=study)
    assert outputs.count() == 6
    assert set(outputs.values_list("metadata__endpoint", flat=True)) == {"completions"}
    assert all(output.metadata["output_tokens"] >= 1 for output in outputs)
    assert len(set(outputs.values_list("text", flat=True))) >= 5  # it samples: two equal ones may happen, by chance
