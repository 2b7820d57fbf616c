"""What a fit costs, beside R and statsmodels on the same data in the same run: STATISTICS' table of speed.

Every fit runs in a process of its own, one after the other. The clock starts when data and packages are loaded and the
compiled kernels are there (a fit of 60 rows comes first); peak memory is that of the whole process. Only ratios count:

    python -m tests.benchmarks.models                       # 72, 720 and 7,200 raters: an hour, nearly all of it R's
    python -m tests.benchmarks.models --raters 72 720       # ten minutes
    python -m tests.benchmarks.models --without-r           # two minutes
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
OURS = (sys.executable, "-m", "tests.benchmarks.models", "--ours")
RATINGS = "score ~ system + (1|rater) + (1|prompt) + (1|output)"
CHOICES = "choice ~ 0 + system + side + (1|rater) + (1|prompt) + (1|pair)"
GRADES = "grade ~ system + side + (1|rater) + (1|prompt) + (1|pair)"
SIGNED = "answer ~ system + (1|output) + (1|prompt:system) + (1|rater:system)"


@dataclass(frozen=True)
class Work:
    """One of our fits, the engines of R that do the same, and for which numbers of raters those are worth the wait."""

    name: str
    data: str
    formula: str
    family: str
    rivals: tuple[tuple[str, int], ...] = ()
    statsmodels_up_to: int = 0


WORK = (
    Work("linear, REML", "ratings", RATINGS, "gaussian", (("lmer", 7200), ("glmmTMB_reml", 720)), 72),
    Work("linear, Satterthwaite", "ratings", RATINGS, "satterthwaite", (("lmerTest", 720),)),
    Work("logistic, Laplace", "choices", CHOICES, "binomial", (("glmer", 720), ("glmer0", 7200), ("glmmTMB", 720))),
    Work("cumulative logit, Laplace", "choices", GRADES, "cumulative", (("clmm", 720), ("glmer0", 7200))),
    Work("signed pairs, logistic", "signed_pairs", SIGNED, "binomial"),
)


def main() -> int:
    """Run the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--raters", type=int, nargs="+", default=[72, 720, 7200])
    parser.add_argument("--only", nargs="+", metavar="WORD", help="only work whose name holds one of these words")
    parser.add_argument("--without-r", action="store_true")
    parser.add_argument("--patience", type=float, default=900.0, help="seconds after which a rival is stopped")
    parser.add_argument("--ours", nargs=4, metavar=("FORMULA", "FAMILY", "CSV", "WARM"), help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.ours:
        print(json.dumps(_fit_ours(*given.ours)))
        return 0
    has_r = shutil.which("Rscript") is not None and not given.without_r
    print(
        f"R: {'in this run' if has_r else 'not installed or not wanted'}; {os.cpu_count()} cores; only ratios count\n"
    )
    print(
        "| work | raters | rows | ours s (CPU) | peak MB | rival | rival / ours, s | CPU | memory ratio | largest",
        end="",
    )
    print(
        " difference of estimates, in SE | our log L − theirs |\n|---|---:|---:|---:|---:|---|---:|---:|---:|---:|---:|"
    )
    with tempfile.TemporaryDirectory() as folder:
        for raters in given.raters:
            for work in WORK:
                if not given.only or any(word in work.name for word in given.only):
                    _compare(work, raters, Path(folder), with_r=has_r, patience=given.patience)
    return 0


def _compare(work: Work, raters: int, folder: Path, *, with_r: bool, patience: float) -> None:
    path = _data(work.data, raters, folder)
    with path.open(encoding="utf-8") as stream:
        rows = sum(1 for _ in stream) - 1
    warm = str(_data(work.data, 24, folder))
    ours = _run([*OURS, work.formula, work.family, str(path), warm], patience=patience)
    head = f"| {work.name} | {raters} | {rows:,} |"
    if ours is None or ours["gave_up"]:
        print(f"{head} failed | | | | | | | |", flush=True)
        return
    head += f" {ours['seconds']:.2f} ({ours['cpu']:.2f}) | {ours['mb']:.0f} |"
    found = False
    for engine, most in work.rivals if with_r else ():
        if raters <= most:
            theirs = _run(["Rscript", str(HERE / "models.R"), engine, str(path)], patience=patience)
            print(f"{head} {engine} | {_ratios(ours, theirs, engine)}", flush=True)
            found = True
    if raters <= work.statsmodels_up_to:
        theirs = _run([*OURS, work.formula, "statsmodels", str(path), str(path)], patience=patience)
        print(f"{head} statsmodels MixedLM | {_ratios(ours, theirs, 'statsmodels')}", flush=True)
        found = True
    if not found:
        print(f"{head} – | | | | | |", flush=True)


def _ratios(ours: dict[str, Any], theirs: dict[str, Any] | None, engine: str) -> str:
    if theirs is None:
        return "failed | | | | |"
    least = "≥ " if theirs["gave_up"] else ""
    cells = [
        f"{least}{theirs['seconds'] / ours['seconds']:.1f}",
        f"{least}{theirs['cpu'] / ours['cpu']:.1f}",
        f"{ours['mb'] / theirs['mb']:.2f}",
    ]
    if theirs["gave_up"]:
        return " | ".join([*cells, f"stopped after {theirs['seconds']:.0f} s", ""]) + " |"
    gaps = [
        abs(value - ours["estimate"][name]) / ours["se"][name]
        for name, value in theirs.get("estimate", {}).items()
        if name in ours["estimate"]
    ]
    comparable = engine not in {"glmer0", "statsmodels"}  # nAGQ = 0 approximates another function
    gain = f"{ours['log_likelihood'] - theirs['log_likelihood']:+.1e}" if comparable else ""
    return " | ".join([*cells, f"{max(gaps):.1e}" if gaps else "", gain]) + " |"


def _data(kind: str, raters: int, folder: Path) -> Path:
    from tests.benchmarks import simulated

    path = folder / f"{kind}_{raters}.csv"
    if not path.exists():
        getattr(simulated, kind)(raters).to_csv(path, index=False)
    return path


def _run(command: list[str], *, patience: float) -> dict[str, Any] | None:
    """Run one fit; return what it printed with its peak memory, None if it failed.

    One that takes longer than ``patience`` is stopped: its time is then a lower bound (``gave_up``).
    """
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": os.environ.get("OPENBLAS_NUM_THREADS", "1")}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment, cwd=HERE.parents[1]) as process:
        begin, gave_up = time.monotonic(), False
        while True:
            pid, status, usage = os.wait4(process.pid, os.WNOHANG)
            if pid:
                break
            if time.monotonic() - begin > patience:
                gave_up = True
                process.kill()
            time.sleep(0.02)
        process.returncode = os.waitstatus_to_exitcode(status)
        text = process.stdout.read() if process.stdout else ""
    scale = 1024.0 if sys.platform != "darwin" else 1024.0**2
    spent = {"mb": usage.ru_maxrss / scale, "gave_up": gave_up}
    if gave_up:
        return {"seconds": patience, "cpu": usage.ru_utime + usage.ru_stime, **spent}
    return None if process.returncode else {**json.loads(text.strip().splitlines()[-1]), **spent}


def _fit_ours(formula: str, family: str, path: str, warm: str) -> dict[str, Any]:
    import pandas as pd

    import analysis

    table = pd.read_csv(path)
    if family == "statsmodels":
        return _fit_statsmodels(table)
    kind = "gaussian" if family == "satterthwaite" else family
    analysis.fit(formula, pd.read_csv(warm), family=kind)
    begin, cpu = time.perf_counter(), time.process_time()
    model = analysis.fit(formula, table, family=kind)
    if family == "satterthwaite":
        model.summary()
    fit = model.fit
    return {
        "seconds": time.perf_counter() - begin,
        "cpu": time.process_time() - cpu,
        "log_likelihood": fit.log_likelihood,
        "estimate": {_in_r(name): float(value) for name, value in zip(fit.names, fit.estimate, strict=True)},
        "se": {_in_r(name): float(value) for name, value in zip(fit.names, fit.standard_errors(), strict=True)},
    }


def _in_r(name: str) -> str:
    """Give a coefficient R's name: system[T.act] and system[act] become systemact."""
    return name.replace("[T.", "").replace("[", "").replace("]", "")


def _fit_statsmodels(table: Any) -> dict[str, Any]:
    """MixedLM with three crossed intercepts, the documented way: one group, variance components."""
    import warnings

    import statsmodels.formula.api as smf

    table = table.assign(one=1)
    parts = {name: f"0 + C({name})" for name in ("rater", "prompt", "output")}
    begin, cpu = time.perf_counter(), time.process_time()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fit = smf.mixedlm(
            "score ~ C(system, Treatment('act'))", table, groups="one", vc_formula=parts, use_sparse=True
        ).fit()
    return {
        "seconds": time.perf_counter() - begin,
        "cpu": time.process_time() - cpu,
        "log_likelihood": float(fit.llf),
    }


if __name__ == "__main__":
    sys.exit(main())
