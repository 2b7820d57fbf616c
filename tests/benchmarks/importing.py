"""How fast outputs are imported, and how much memory that takes, by format and number of rows.

    python -m tests.benchmarks.importing [--formats csv jsonl parquet] [--rows 1000 10000 100000]

Every import runs in a process of its own on an empty study. `growth` is what its peak memory gained over an import of
ten rows, by which time everything is loaded. The last column imports the same file again, which adds nothing.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pyarrow as pa
import pyarrow.parquet as pq

ROOT = Path(__file__).resolve().parents[2]
DATABASE = "bench_importing"
FORMATS = ("csv", "jsonl", "parquet")
SYSTEMS = ("vanilla", "steered", "human")
NAMES = ("prompt", "system", "sample", "text", "task_family")
MEGABYTE = 1024**2
CHUNK = 5000


def rows_of_material(rows: int) -> Iterator[dict[str, Any]]:
    """Outputs of about 1 kB (150 words), two samples per prompt and system, no text twice."""
    draw = random.Random(2026)
    words = ["".join(draw.choices("abcdefghijklmnopqrstuvwxyzäé", k=draw.randint(2, 10))) for _ in range(3000)]
    for number in range(rows):
        prompt, rest = divmod(number, 2 * len(SYSTEMS))
        yield {
            "prompt": f"Invent {prompt} unusual uses for a {words[prompt % 3000]}",
            "system": SYSTEMS[rest % len(SYSTEMS)],
            "sample": rest // len(SYSTEMS),
            "text": f"{number}. {' '.join(draw.choices(words, k=75))},\n{' '.join(draw.choices(words, k=75))}",
            "task_family": "AUT",
        }


def write_file(path: Path, rows: int) -> None:
    """Write the material in the format that the ending names, without holding it."""
    if path.suffix == ".parquet":
        _write_parquet(path, rows)
        return
    with path.open("w", encoding="utf-8", newline="") as file:
        if path.suffix == ".csv":
            writer = csv.DictWriter(file, NAMES)
            writer.writeheader()
            writer.writerows(rows_of_material(rows))
        else:
            file.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows_of_material(rows))


def _write_parquet(path: Path, rows: int) -> None:
    kinds = [pa.int32() if name == "sample" else pa.string() for name in NAMES]
    schema = pa.schema(list(zip(NAMES, kinds, strict=True)))
    with pq.ParquetWriter(path, schema) as writer:
        pending: list[dict[str, Any]] = []
        for row in rows_of_material(rows):
            pending.append(row)
            if len(pending) == CHUNK:
                writer.write_table(pa.Table.from_pylist(pending, schema))
                pending.clear()
        if pending:
            writer.write_table(pa.Table.from_pylist(pending, schema))


def peak_memory() -> float:
    """Megabytes of this process at its largest.

    Not `ru_maxrss` on Linux: there a child starts with the peak of the process that made it.
    """
    status = Path("/proc/self/status")
    if status.exists():
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM:"))
        return int(line.split()[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / MEGABYTE  # bytes on macOS


def import_one(path: Path, *, times: int) -> dict[str, float]:
    """Import a file into a new study of the database at DATABASE_URL, once or again; seconds and megabytes."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "evalplatform.settings")
    import django

    django.setup()
    from annotations.domain.materials import import_material
    from annotations.models import Study

    with tempfile.TemporaryDirectory() as folder:
        small = Path(folder) / f"small{path.suffix}"
        write_file(small, 10)
        import_material(study=Study.objects.create(title="Small"), path=small, filename=small.name)
    before = peak_memory()
    study = Study.objects.create(title=path.name)
    jobs, seconds = [], []
    for _ in range(times):
        start = time.perf_counter()
        jobs.append(import_material(study=study, path=path, filename=path.name))
        seconds.append(time.perf_counter() - start)
    return {
        "rows": jobs[0].rows,
        "added": sum(job.added for job in jobs),
        "seconds": seconds[0],
        "again": seconds[-1],
        "growth": peak_memory() - before,
    }


def in_a_process(path: Path, environment: dict[str, str], *, times: int = 1) -> dict[str, float]:
    """Run `import_one` in a new process."""
    command = [sys.executable, "-m", "tests.benchmarks.importing", "--one", str(path), "--times", str(times)]
    done = subprocess.run(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    return dict(json.loads(done.stdout.splitlines()[-1]))


def prepare_database() -> str:
    """Make a database with empty tables on the server; returns its address."""
    from evalplatform import embedded, postgres

    embedded.ensure_running()
    base = os.environ.get("DATABASE_URL") or postgres.url()
    with psycopg.connect(base, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE IF EXISTS {DATABASE} WITH (FORCE)")
        connection.execute(f"CREATE DATABASE {DATABASE}")
    before, _, after = base.partition("?")
    address = before.rsplit("/", 1)[0] + f"/{DATABASE}" + (f"?{after}" if after else "")
    migrate = [sys.executable, "manage.py", "migrate", "--verbosity=0"]
    subprocess.run(migrate, cwd=ROOT, env={**os.environ, "DATABASE_URL": address}, check=True)
    return address


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--formats", nargs="+", choices=FORMATS, default=FORMATS)
    parser.add_argument("--rows", nargs="+", type=int, default=[1_000, 10_000, 100_000])
    parser.add_argument("--one", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--times", type=int, default=1, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        print(json.dumps(import_one(arguments.one, times=arguments.times)))
        return
    environment = {**os.environ, "DATABASE_URL": prepare_database()}
    print(f"{'format':8} {'rows':>8} {'file MB':>8} {'seconds':>8} {'rows/s':>8} {'growth MB':>10} {'again s':>8}")
    with tempfile.TemporaryDirectory() as folder:
        for kind in arguments.formats:
            for rows in arguments.rows:
                path = Path(folder) / f"{rows}.{kind}"
                write_file(path, rows)
                found = in_a_process(path, environment, times=2)
                size, rate = path.stat().st_size / MEGABYTE, rows / found["seconds"]
                print(
                    f"{kind:8} {rows:8,} {size:8.1f} {found['seconds']:8.2f} {rate:8,.0f} {found['growth']:10.1f} "
                    f"{found['again']:8.2f}",
                    flush=True,
                )
                path.unlink()


if __name__ == "__main__":
    main()
