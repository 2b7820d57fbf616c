"""What "record this answer and show me the next pair" costs, at 1,000 and 100,000 planned trials, beside a bare view.

    python -m tests.benchmarks.cycles [--rounds 3] [--cycles 2000]

Everything runs on this machine in one go and in turns, so that its moods hit all alike. Compare CPU milliseconds per
cycle (they hold still) before rates. Errors, lost and double judgements are counted and must be 0.
"""

import argparse
import os
import subprocess
import sys
import time
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import psycopg

from tests.benchmarks import load

ROOT = Path(__file__).resolve().parents[2]
DATABASE = "bench_cycles"
PORTS = {"platform": 8931, "floor": 8932}
TRIALS_PER_RATER = 20  # the default of the study template
SYSTEMS = ("baseline", "steered")


@dataclass
class Series:
    """One line of the table: what is asked, and what came of each round."""

    name: str
    site: str
    outcomes: list[load.Outcome] = field(default_factory=list)
    server: list[float] = field(default_factory=list)
    database: list[float] = field(default_factory=list)
    lost: int = 0
    double: int = 0


def prepare_database() -> str:
    """Make an empty database on the embedded server; returns its address."""
    from evalplatform import embedded, postgres

    embedded.ensure_running()
    base = os.environ.get("DATABASE_URL") or postgres.url()
    with psycopg.connect(base, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE IF EXISTS {DATABASE} WITH (FORCE)")
        connection.execute(f"CREATE DATABASE {DATABASE}")
    before, _, after = base.partition("?")
    return before.rsplit("/", 1)[0] + f"/{DATABASE}" + (f"?{after}" if after else "")


def make_study(trials: int, raters: int) -> tuple[int, list[load.Rater]]:
    """A running study of so many planned trials, and raters who hold a booklet each."""
    from annotations.access import rater_token
    from annotations.domain import participation, planning, studies
    from annotations.models import Output, Prompt, System

    study = studies.create_study(title="Bench", template="pairwise_creativity")
    prompts = max(trials // 20, 50)
    study.design = {"raters_per_task": trials // prompts, "trials_per_rater": TRIALS_PER_RATER}
    study.save()
    systems = System.objects.bulk_create(System(study=study, name=name) for name in SYSTEMS)
    made = Prompt.objects.bulk_create(
        Prompt(study=study, key=f"p{n}", text=f"Think of an unusual use for thing number {n}.") for n in range(prompts)
    )
    Output.objects.bulk_create(
        Output(prompt=prompt, system=system, text="Some forty words of a believable text. " * 7, content_hash="x")
        for prompt in made
        for system in systems
    )
    planning.freeze_study(study=study)
    studies.open_study(study=study)
    assert study.plan.trials_planned == trials, (study.plan.trials_planned, trials)
    ready = []
    for _ in range(raters):
        person = participation.enter_study(slug=study.slug)
        view = participation.begin(public_id=person.public_id)
        ready.append(
            load.Rater(f"/r/{rater_token(person.public_id)}/answer", view.trials[0].token, view.trials[1].token)
        )
    return study.pk, ready


def start_servers(url: str) -> dict[str, subprocess.Popen[bytes]]:
    """The platform and the floor under the same gunicorn, 2 processes × 4 threads each."""
    started = {}
    for site, application in (("platform", []), ("floor", ["tests.benchmarks.floor_site:application"])):
        environment = os.environ | {"DATABASE_URL": url, "PORT": str(PORTS[site])}
        command = [sys.executable, "-m", "gunicorn", "--config", "python:evalplatform.gunicorn_conf", *application]
        started[site] = subprocess.Popen(command, cwd=ROOT, env=environment)
    for port in PORTS.values():
        for _ in range(200):
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=5)
            except urllib.error.HTTPError:
                break
            except OSError:
                time.sleep(0.1)
            else:
                break
    return started


def cpu_seconds(processes: list[psutil.Process]) -> float:
    """CPU time that these processes have used, user and system."""
    total = 0.0
    for process in processes:
        try:
            times = process.cpu_times()
        except psutil.NoSuchProcess:
            continue
        total += times.user + times.system
    return total


def tree(pid: int) -> list[psutil.Process]:
    """A process and its children."""
    process = psutil.Process(pid)
    return [process, *process.children(recursive=True)]


def database_processes(url: str) -> list[psutil.Process]:
    """All processes of the PostgreSQL server."""
    with psycopg.connect(url) as connection:
        pid = connection.execute("SELECT pg_backend_pid()").fetchone()[0]
        return tree(psutil.Process(pid).ppid())


def judged(url: str, study: int) -> tuple[int, int]:
    """Judgements of a study, and trials that hold more than one of the same lease."""
    sql = """SELECT count(*), count(*) - count(DISTINCT (j.lease_id, j.trial_id)) FROM annotations_judgement j
             JOIN annotations_lease l ON l.id = j.lease_id JOIN annotations_study s ON s.plan_id = l.plan_id
             WHERE s.id = %s"""
    with psycopg.connect(url) as connection:
        return connection.execute(sql, (study,)).fetchone()


def measure(
    series: Series, *, url: str, pid: int, batches: list[tuple[int, list[load.Rater]]], plan: tuple[int, int]
) -> None:
    """One round of one series: run, count CPU, check that every acknowledged judgement is there once."""
    concurrency, cycles = plan
    before = {study: judged(url, study)[0] for study, _ in batches if study}
    servers, database = tree(pid), database_processes(url)
    cpu = cpu_seconds(servers), cpu_seconds(database)
    total = load.Outcome()
    for _, raters in batches:
        share = cycles // len(batches)
        outcome = load.run(port=PORTS[series.site], raters=raters, concurrency=concurrency, cycles=share)
        total.seconds += outcome.seconds
        total.errors += outcome.errors
        total.took += outcome.took
    done = len(total.seconds)
    series.server.append(1000 * (cpu_seconds(servers) - cpu[0]) / done)
    series.database.append(1000 * (cpu_seconds(database_processes(url)) - cpu[1]) / done)
    series.outcomes.append(total)
    if before:
        after = {study: judged(url, study) for study, _ in batches}
        written = sum(after[study][0] - before[study] for study in before)
        series.lost += max(done - written, 0)
        series.double += sum(found[1] for found in after.values()) + max(written - done, 0)


def print_table(results: dict[int, dict[str, Series]]) -> None:
    """Print medians over the rounds, then the ratios that the targets speak of."""
    print(f"\n{'site':<28}{'raters':>7}{'cycles/s':>10}{'p50 ms':>9}{'p95':>8}{'p99':>8}", end="")
    print(f"{'CPU ms server':>15}{'+ database':>12}{'errors':>8}{'lost':>6}{'double':>8}")
    for concurrency, lines in results.items():
        for line in lines.values():
            rate = load.median([one.rate for one in line.outcomes])
            quantiles = [load.median([one.quantile(share) for one in line.outcomes]) for share in (0.5, 0.95, 0.99)]
            print(f"{line.name:<28}{concurrency:>7}{rate:>10.0f}", end="")
            print(f"{quantiles[0]:>9.1f}{quantiles[1]:>8.1f}{quantiles[2]:>8.1f}", end="")
            print(f"{load.median(line.server):>15.2f}{load.median(line.database):>12.2f}", end="")
            print(f"{sum(one.errors for one in line.outcomes):>8}{line.lost:>6}{line.double:>8}")
    print(f"\n{'raters':>7}{'rate / floor':>14}{'CPU / floor':>13}{'CPU at 100,000 / at 1,000':>27}{'rate':>7}")
    for concurrency, lines in results.items():
        rates = {name: load.median([one.rate for one in line.outcomes]) for name, line in lines.items()}
        cpu = {
            name: load.median([a + b for a, b in zip(line.server, line.database, strict=True)])
            for name, line in lines.items()
        }
        print(f"{concurrency:>7}{rates['large'] / rates['floor']:>14.2f}{cpu['large'] / cpu['floor']:>13.2f}", end="")
        print(f"{cpu['large'] / cpu['small']:>27.2f}{rates['large'] / rates['small']:>7.2f}")


def main() -> None:
    """Run it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--cycles", type=int, default=2000, help="cycles of one round of one series")
    parser.add_argument("--raters", type=int, nargs="+", default=[1, 16, 64])
    options = parser.parse_args()
    url = prepare_database()
    os.environ["DATABASE_URL"] = url
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "evalplatform.settings")
    import django
    from django.core.management import call_command

    django.setup()
    call_command("migrate", verbosity=0)
    runs = options.rounds * len(options.raters)
    per_round = -(-options.cycles // TRIALS_PER_RATER)
    print(f"planning 1 study of 100,000 trials and {runs * -(-options.cycles // 1000)} of 1,000 …", flush=True)
    large, waiting = make_study(100_000, runs * per_round)
    small = [make_study(1000, 1000 // TRIALS_PER_RATER) for _ in range(runs * -(-options.cycles // 1000))]
    _, warm = make_study(1000, 1000 // TRIALS_PER_RATER)
    from tests.benchmarks.floor_tables import create_floor

    create_floor(url)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("VACUUM (ANALYZE)")  # the planning is over: nothing of it is left to do in the background
        connection.execute("CHECKPOINT")
    servers = start_servers(url)
    results: dict[int, dict[str, Series]] = {}
    try:
        for concurrency in options.raters:
            results[concurrency] = {
                "floor": Series("floor: bare Django view", "floor"),
                "small": Series("platform, 1,000 trials", "platform"),
                "large": Series("platform, 100,000 trials", "platform"),
            }
        # Every connection meets and prepares its statements before anything is counted.
        load.run(port=PORTS["platform"], raters=warm, concurrency=16, cycles=800)
        load.run(port=PORTS["floor"], raters=[load.Rater("/cycle", "x")] * 16, concurrency=16, cycles=800)
        for _ in range(options.rounds):
            for concurrency in options.raters:
                batches = {
                    "floor": [(0, [load.Rater("/cycle", "x") for _ in range(concurrency)])],
                    "small": [small.pop() for _ in range(-(-options.cycles // 1000))],
                    "large": [(large, [waiting.pop() for _ in range(per_round)])],
                }
                for name, line in results[concurrency].items():
                    pid = servers[line.site].pid
                    measure(line, url=url, pid=pid, batches=batches[name], plan=(concurrency, options.cycles))
    finally:
        for server in servers.values():
            server.terminate()
        for server in servers.values():
            server.wait(20)
    print_table(results)


if __name__ == "__main__":
    main()
