"""How fast a real worker fetches a folder of Parquet files, and how much memory that takes.

    python -m tests.benchmarks.streaming [--rows 20000 200000] [--write]

Each size is fetched by a Celery worker process of its own (prefork, one child) into an empty study, through the same
task that the admin queues. `peak` is the largest resident memory (VmHWM) of the child that did the work. `--write`
stores the table as streaming.md beside this file.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import platform
import random
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from tests.benchmarks.importing import ROOT, prepare_database

SYSTEMS = tuple(f"system-{number:02d}" for number in range(25))
SAMPLES = 50
PER_FILE = 20_000
MOST_RATIO, LEAST_RATE = 1.3, 5000


def write_folder(folder: Path, rows: int) -> float:
    """Write outputs of about 600 characters in files of 20,000 rows; returns megabytes."""
    draw = random.Random(2026)
    words = ["".join(draw.choices("abcdefghijklmnopqrstuvwxyzäé", k=draw.randint(2, 10))) for _ in range(4000)]
    texts = [" ".join(draw.choices(words, k=44)) for _ in range(2000)]  # halves; which two and a number differ
    for begin in range(0, rows, PER_FILE):
        columns: dict[str, list[Any]] = {name: [] for name in ("prompt", "system", "sample", "text", "temperature")}
        for number in range(begin, min(begin + PER_FILE, rows)):
            cell, sample = divmod(number, SAMPLES)
            prompt, system = divmod(cell, len(SYSTEMS))
            columns["prompt"].append(f"Invent an unusual use for a {words[prompt % 4000]} ({prompt})")
            columns["system"].append(SYSTEMS[system])
            columns["sample"].append(sample)
            columns["text"].append(f"{number}. {draw.choice(texts)}\n{draw.choice(texts)}")
            columns["temperature"].append(0.7)
        pq.write_table(pa.table(columns), folder / f"train-{begin // PER_FILE:05d}.parquet")
    return sum(file.stat().st_size for file in folder.iterdir()) / 1024**2


@contextlib.contextmanager
def worker(environment: dict[str, str], queue: str) -> Iterator[int]:
    """Run a worker on a queue of its own; yields its process id."""
    command = [sys.executable, "-m", "celery", "-A", "evalplatform", "worker", "-Q", queue, "-c", "1", "-l", "ERROR"]
    process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL)
    try:
        yield process.pid
    finally:
        process.terminate()
        process.wait(60)


def child_pids(pid: int) -> list[int]:
    """Return the children of a process."""
    found: list[int] = []
    for path in Path(f"/proc/{pid}/task").glob("*/children"):
        found += [int(child) for child in path.read_text().split()]
    return sorted(found)


def peak_megabytes(pid: int) -> float:
    """Return the largest resident memory that a worker's child has had."""
    (child,) = (one for one in child_pids(pid) if b"celery" in Path(f"/proc/{one}/cmdline").read_bytes())
    status = Path(f"/proc/{child}/status").read_text()
    return int(next(line for line in status.splitlines() if line.startswith("VmHWM:")).split()[1]) / 1024


def fetch_folder(folder: Path, environment: dict[str, str]) -> dict[str, float]:
    """Have a worker fetch a folder; rows, seconds from the first to the last moment of the job, megabytes."""
    from django.db import connection

    from annotations.domain import fetching, studies
    from annotations.domain.fetching import UNDER_WAY
    from annotations.models import Output
    from annotations.tasks import fetch_material_task

    queue = f"streaming-{uuid.uuid4().hex}"
    study = studies.create_study(title="What is original?", template="pairwise_creativity")
    settings = {"addresses": [f"{folder}/*.parquet"], "extra": ["temperature"]}
    job = fetching.queue_fetch(study=study, source="addresses", settings=settings)
    with worker(environment, queue) as pid:
        fetch_material_task.apply_async((job.pk,), queue=queue)
        while job.state in UNDER_WAY:
            time.sleep(0.2)
            job.refresh_from_db()
        peak = peak_megabytes(pid)
    assert job.state == "done", job.message
    assert Output.objects.filter(source=job).count() == job.rows
    assert job.started_at is not None
    assert job.finished_at is not None
    connection.close()
    return {"rows": job.rows, "seconds": (job.finished_at - job.started_at).total_seconds(), "peak": peak}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", nargs="+", type=int, default=[20_000, 200_000])
    parser.add_argument("--write", action="store_true")
    arguments = parser.parse_args()
    load = os.getloadavg()[0]
    with tempfile.TemporaryDirectory() as root:
        os.environ["DATABASE_URL"] = prepare_database()
        os.environ["FETCH_ROOTS"] = root
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "evalplatform.settings")
        import django

        django.setup()
        lines = [
            "|    rows | files MB | seconds | rows/s | peak MB | ratio |",
            "|--------:|---------:|--------:|-------:|--------:|------:|",
        ]
        first = 0.0
        for rows in arguments.rows:
            folder = Path(root) / str(rows)
            folder.mkdir()
            size = write_folder(folder, rows)
            found = fetch_folder(folder, dict(os.environ))
            first = first or found["peak"]
            rate, ratio = rows / found["seconds"], found["peak"] / first
            cells = (f"{rows:,}", f"{size:.1f}", f"{found['seconds']:.1f}", f"{rate:,.0f}", f"{found['peak']:.1f}")
            lines.append("| " + " | ".join(f"{cell:>8}" for cell in (*cells, f"{ratio:.2f}")) + " |")
    table = "\n".join(lines)
    wanted = f"Wanted: at least {LEAST_RATE:,} rows/s, and a peak of at most {MOST_RATIO} × the first."
    print(f"{table}\n\n{wanted}")
    if arguments.write:
        about = f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"
        about += f", load of the machine when it began: {load:.1f}"
        head = "# Streaming a folder of Parquet files\n\nMade by `python -m tests.benchmarks.streaming --write`"
        Path(__file__).with_suffix(".md").write_text(f"{head} ({about}).\n\n{table}\n\n{wanted}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
