"""Simulations in processes of their own: ``python -m analysis.power.worker`` reads a job, writes a line per study.

Plain child processes, and not ``multiprocessing``, because a Celery worker may not have children of the latter
kind and a notebook has no importable main module for a spawned one.
"""

from __future__ import annotations

import contextlib
import json
import os
import queue
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import IO, Any

import numpy as np

from analysis.power.assumptions import Assumptions, Spreads
from analysis.power.information import PlannedModel
from analysis.power.trials import PlannedTrials, PowerError, Question


def run_elsewhere(
    model: PlannedModel, assumptions: Assumptions, *, seed: int, simulations: int, processes: int
) -> Iterator[dict[str, Any]]:
    """Share the studies among processes and yield each as it is done; raises PowerError when a process fails."""
    job = _to_json(model, assumptions)
    lines: queue.Queue[str | int] = queue.Queue()
    children = [_start() for _ in range(min(processes, simulations))]
    threads = []
    try:
        for at, child in enumerate(children):
            numbers = list(range(at, simulations, len(children)))
            text = json.dumps(job | {"seed": seed, "numbers": numbers})
            threads.append(threading.Thread(target=_feed, args=(child, text), daemon=True))
            threads.append(threading.Thread(target=_read, args=(child, lines), daemon=True))
        for thread in threads:
            thread.start()
        running = len(children)
        while running:
            line = lines.get()
            if isinstance(line, str):
                yield json.loads(line)
            elif line:
                raise PowerError(f"a simulating process ended with code {line}; its words stand in the log above")
            else:
                running -= 1
    finally:
        for child in children:
            child.kill()
            child.wait()
        for thread in threads:
            thread.join()


def _start() -> subprocess.Popen[str]:
    path = os.pathsep.join(entry for entry in sys.path if entry)
    threads = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "PYTHONPATH": path}
    command = [sys.executable, "-m", "analysis.power.worker"]
    pipe = subprocess.PIPE
    environment = {**os.environ, **threads}
    return subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, env=environment)  # noqa: S603


def _feed(child: subprocess.Popen[str], text: str) -> None:
    with contextlib.suppress(BrokenPipeError), _open(child.stdin) as stream:  # the exit code tells of a broken pipe
        stream.write(text)


def _read(child: subprocess.Popen[str], lines: queue.Queue[str | int]) -> None:
    with _open(child.stdout) as stream:
        for line in stream:
            lines.put(line)
    lines.put(child.wait())


def _open(stream: IO[str] | None) -> IO[str]:
    assert stream is not None  # noqa: S101 - asked for by PIPE
    return stream


def _to_json(model: PlannedModel, assumptions: Assumptions) -> dict[str, Any]:
    trials = model.trials
    effect = assumptions.effect
    return {
        "trials": {
            "rater": trials.rater.tolist(),
            "prompt": trials.prompt.tolist(),
            "system": [codes.tolist() for codes in trials.system],
            "output": [codes.tolist() for codes in trials.output],
            "systems": list(trials.systems),
        },
        "question": asdict(model.question),
        "contrasts": [list(pair) for pair in model.pairs],
        "assumptions": asdict(assumptions) | {"effect": dict(effect) if isinstance(effect, Mapping) else effect},
    }


def _from_json(job: Mapping[str, Any]) -> tuple[PlannedModel, Assumptions]:
    given = job["trials"]
    trials = PlannedTrials(
        rater=np.array(given["rater"], dtype=np.int64),
        prompt=np.array(given["prompt"], dtype=np.int64),
        system=tuple(np.array(codes, dtype=np.int64) for codes in given["system"]),
        output=tuple(np.array(codes, dtype=np.int64) for codes in given["output"]),
        systems=tuple(given["systems"]),
    )
    values = dict(job["assumptions"])
    cuts = values.pop("cuts")
    assumptions = Assumptions(
        **values | {"spreads": Spreads(**values["spreads"]), "cuts": None if cuts is None else tuple(cuts)}
    )
    pairs = tuple((first, second) for first, second in job["contrasts"])
    return PlannedModel(trials, Question(**job["question"]), pairs), assumptions


def main() -> None:
    """Do one job from standard input."""
    from analysis.power.simulation import Simulator

    job = json.load(sys.stdin)
    simulator = Simulator(*_from_json(job))
    for number in job["numbers"]:
        print(json.dumps(simulator.study(job["seed"], number)), flush=True)


if __name__ == "__main__":
    main()
