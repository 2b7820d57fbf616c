"""The acceptance run of generations: a real server, a bad network, a worker that is killed three times.

    python -m tests.benchmarks.endpoint_run [--prompts 60] [--samples 10] [--share 0.2]

`transformers serve` (which this project did not write) answers with a tiny random model made on the spot; a proxy in
front of it answers 429 (seconds and dates), 500, time-outs and resets in a share of the calls; the Celery worker (with
its beat) is killed with SIGKILL, children and all, at a quarter, a half and three quarters. Prints what arrived, and
where the key was looked for.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
import traceback
from collections import Counter
from pathlib import Path
from typing import Any

from tests.benchmarks import importing
from tests.standins.faults import FaultyProxy, faulty
from tests.standins.serving import serve, write_model
from tests.standins.workers import Workers

KEY = "sk-Quokka-8d1f2a3b4c5d6e7f8091a2b3c4d5e6f7"
SYSTEMS = (("baseline", "baseline", 1.0), ("steered 0.5", "treatment", 0.7), ("steered 1.5", "treatment", 1.5))
KILLS = (0.25, 0.5, 0.75)
QUEUE = "bench-endpoint"


def draft(proxy: FaultyProxy, model: str, *, prompts: int) -> Any:
    """Make a study of three systems that all ask through the proxy."""
    from django.contrib.auth.models import User

    from annotations.domain import generating_systems, studies
    from annotations.models import Prompt

    author = User.objects.create_superuser("bench", "bench@example.org", "correct horse battery")
    study = studies.create_study(title="Endpoint run", template="pairwise_creativity", author=author)
    study.design |= {"raters_per_task": 2, "trials_per_rater": 4, "attention_trials": 0, "repeat_trials": 0}
    study.save()
    Prompt.objects.bulk_create(
        Prompt(study=study, key=f"use-{at:02}", text=f"a brick can be used as house door stop {at}", declared=True)
        for at in range(prompts)
    )
    for name, role, temperature in SYSTEMS:
        settings = {
            "base_url": proxy.base_url,
            "model": model,
            "temperature": temperature,
            "max_tokens": 12,
            "timeout": 3,
            "lanes": 4,
            "price_input": 1,
            "price_output": 2,
        }
        generating_systems.save_system(
            study=study,
            name=name,
            role=role,
            generator="openai_compatible",
            settings=settings,
            secrets={"api_key": KEY},
        )
    return study


def arrived(study: Any) -> int:
    """Count the outputs."""
    from annotations.models import Output

    return Output.objects.filter(prompt__study=study).count()


def run(study: Any, workers: Workers, *, samples: int) -> tuple[Any, list[dict[str, float]], float]:
    """Ask for everything, kill the worker on the way; returns the generation, the kills and the seconds it took."""
    from annotations.domain import generating
    from evalplatform import celery_app

    celery_app.conf.task_default_queue = QUEUE
    celery_app.control.purge()
    made = generating.request_generation(
        study=study, samples=samples, rules={"truncated": "keep", "empty": "resample", "refusal": "resample"}
    )
    wanted = made.samples.count()
    workers.start()
    start = time.perf_counter()
    celery_app.send_task("annotations.tasks.run_generation", args=[made.pk])
    kills: list[dict[str, float]] = []
    left = list(KILLS)
    while made.state in ("queued", "running"):
        time.sleep(0.1)
        assert workers.is_alive(), workers.log.read_text()[-3000:]
        made.refresh_from_db()
        count = arrived(study)
        if left and count >= left[0] * wanted:
            left.pop(0)
            asked = made.samples.filter(state="asked").count()
            workers.kill()
            at, here = time.perf_counter(), arrived(study)
            workers.start()
            while arrived(study) == here:
                time.sleep(0.1)
            kills.append({"outputs": here, "asked": asked, "seconds": time.perf_counter() - at})
        assert time.perf_counter() - start < 3600, "it takes too long"
    return made, kills, time.perf_counter() - start


def shape(study: Any, *, samples: int) -> dict[str, Any]:
    """Say what arrived: outputs, cells, doubles, hashes."""
    from annotations.models import Output

    rows = list(Output.objects.filter(prompt__study=study).values_list("system", "prompt", "sample", "content_hash"))
    cells = Counter(row[:2] for row in rows)
    return {
        "outputs": len(rows),
        "different (system, prompt, sample)": len({row[:3] for row in rows}),
        "different content hashes": len({row[3] for row in rows}),
        "cells": len(cells),
        "cells with another number of samples": sum(count != samples for count in cells.values()),
    }


def hiding_places(study: Any, logs: dict[str, Path], folder: Path) -> dict[str, str]:
    """Return every text in which the key might stand, by name."""
    import redis
    from django.conf import settings
    from django.core.management import call_command
    from django.db import connection

    found = {name: path.read_text(errors="replace") for name, path in logs.items()}
    with connection.cursor() as cursor:
        for table in sorted(connection.introspection.table_names(cursor)):
            cursor.execute(f"SELECT coalesce(string_agg(t::text, chr(10)), '') FROM \"{table}\" t")
            found[f"table {table}"] = cursor.fetchone()[0]
    from evalplatform.redis import cache_location

    store = redis.Redis.from_url(cache_location(settings.CELERY_BROKER_URL))
    found["Redis"] = "\n".join(f"{key!r} {store.dump(key)!r}" for key in store.scan_iter())
    call_command("dumpdata", "annotations", "--exclude", "annotations.writer", output=str(folder / "dump.json"))
    found["dumpdata (without the writers)"] = (folder / "dump.json").read_text()
    found |= pages(study)
    found |= tracebacks(study)
    return found


def pages(study: Any) -> dict[str, str]:
    """Return every page and every export of a study, and the forms of its systems."""
    from django.contrib.auth.models import User
    from django.test import Client
    from django.urls import NoReverseMatch, reverse

    from annotations.registry import exports

    client = Client()
    client.force_login(User.objects.get(username="bench"))
    names = (
        "material generate generate_live prompts preparation measures judges fetch design preview freeze open monitor"
    )
    asked = [(name, ()) for name in (*names.split(), "results", "texts", "steps", "log", "members", "entrance")]
    asked += [("results_export", (kind.name,)) for kind in exports]
    found = {}
    for name, more in asked:
        try:
            address = reverse(f"admin:annotations_study_{name}", args=(study.pk, *more))
        except NoReverseMatch:  # not every page is there in every version
            continue
        found |= _get(client, address)
    for system in study.systems.all():
        base = reverse("admin:annotations_study_generate", args=(study.pk,))
        found |= _get(client, f"{base}?edit={system.pk}") | _get(client, f"{base}?copy={system.pk}")
    return found


def _get(client: Any, address: str) -> dict[str, str]:
    response = client.get(address)
    body = b"".join(response.streaming_content) if response.streaming else response.content
    return {f"GET {address} ({response.status_code})": body.decode("utf-8", "replace") + str(response.headers)}


def tracebacks(study: Any) -> dict[str, str]:
    """Provoke failures; return their tracebacks, plain and as Django shows them to developers, with locals."""
    from django.test import RequestFactory
    from django.views.debug import technical_500_response

    from annotations.domain import generating_systems
    from annotations.errors import PlatformError
    from annotations.models import Writer

    system = study.systems.first()
    writer = Writer.objects.get(system=system)
    found = {}
    for name, address in (("unreachable", "http://127.0.0.1:9/v1"), ("unknown", writer.settings["base_url"] + "/no")):
        Writer.objects.filter(pk=writer.pk).update(settings={**writer.settings, "base_url": address, "timeout": 1})
        try:
            generating_systems.try_system(study=study, system_id=system.pk, prompt="a brick", count=1)
        except PlatformError:
            kind, error, trace = sys.exc_info()
            found[f"traceback of {name}"] = traceback.format_exc()
            page = technical_500_response(RequestFactory().get("/"), kind, error, trace)
            found[f"Django's debug page of {name}"] = page.content.decode()
    Writer.objects.filter(pk=writer.pk).update(settings=writer.settings)
    return found


def main() -> int:
    """Run and print; 0 when all is as it should be."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--prompts", type=int, default=60)
    parser.add_argument("--samples", type=int, default=10)
    parser.add_argument("--share", type=float, default=0.2)
    chosen = parser.parse_args()
    os.environ["DJANGO_SETTINGS_MODULE"] = "evalplatform.settings"
    os.environ["DATABASE_URL"] = importing.prepare_database()
    import django

    django.setup()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        logs = {"log of the worker": folder / "worker.log", "log of the server": folder / "server.log"}
        options = ("--beat", "--schedule", str(folder / "beat"), "--concurrency", "2")
        workers = Workers(os.environ, queue=QUEUE, log=logs["log of the worker"], options=options)
        with (
            serve(write_model(folder / "tiny-random"), log=logs["log of the server"]) as served,
            faulty(served.base_url, share=chosen.share, silence=4) as proxy,
        ):
            study = draft(proxy, served.model, prompts=chosen.prompts)
            try:
                made, kills, seconds = run(study, workers, samples=chosen.samples)
            finally:
                workers.kill()
            places = hiding_places(study, logs, folder)
        return report(chosen, made, study, proxy=proxy, kills=kills, seconds=seconds, places=places)


def report(
    chosen: Any,
    made: Any,
    study: Any,
    *,
    proxy: FaultyProxy,
    kills: list[dict[str, float]],
    seconds: float,
    places: dict[str, str],
) -> int:
    """Print the table; returns 0 when all is as it should be."""
    wanted = len(SYSTEMS) * chosen.prompts * chosen.samples
    facts = shape(study, samples=chosen.samples)
    calls = sum(proxy.counts.values())
    failed = calls - proxy.counts["answered"]
    leaks = sorted(name for name, text in places.items() if KEY in text)
    print("| what | |\n|---|---|")
    print(f"| wanted | {len(SYSTEMS)} systems × {chosen.prompts} prompts × {chosen.samples} samples = {wanted:,} |")
    for name, value in facts.items():
        print(f"| {name} | {value:,} |")
    print(f"| generation | {made.state} {made.message} |")
    print(f"| samples by mark | {dict(Counter(made.samples.values_list('mark', flat=True)))} |")
    print(f"| answers resampled, kept in the history | {sum(len(one.answers) for one in made.samples.all()):,} |")
    print(f"| calls that reached the proxy | {calls:,}, of which {failed:,} failed ({failed / calls:.1%}) |")
    for kind, count in sorted(proxy.counts.items()):
        print(f"| – {kind} | {count:,} |")
    for number, kill in enumerate(kills, start=1):
        told = f"at {kill['outputs']:,} outputs, {kill['asked']:.0f} on their way; the next came after"
        print(f"| SIGKILL {number} | {told} {kill['seconds']:.0f} s |")
    print(f"| seconds | {seconds:.0f} |")
    print(f"| keys that the server saw | {'the right one only' if proxy.keys == {f'Bearer {KEY}'} else 'others too'} |")
    print(f"| places searched for the key | {len(places)}: {sum(map(len, places.values())) / 1e6:.1f} MB |")
    print(f"| places where it stands | {', '.join(leaks) or 'none'} |")
    good = facts["outputs"] == facts["different (system, prompt, sample)"] == wanted
    return 0 if good and not leaks and made.state == "done" and len(kills) == len(KILLS) else 1


if __name__ == "__main__":
    raise SystemExit(main())
