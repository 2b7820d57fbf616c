"""Fits by probes beside fits that factor the dense part: time, memory, and how far apart the numbers are.

Each fit runs in a process of its own on the same simulated study, set-up and standard errors included. The direct fit
is tried up to ``--direct`` raters; above, the columns of differences stay empty:

    python -m tests.benchmarks.large_fits                            # 240 to 720 raters, about a minute
    python -m tests.benchmarks.large_fits --raters 7200 --direct 0   # large_fits.md holds what came out
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from tests.benchmarks.models import CHOICES, GRADES, SIGNED, _data, _run

WORK = {
    "logistic": ("choices", CHOICES, "binomial"),
    "cumulative": ("choices", GRADES, "cumulative"),
    "signed pairs, logistic": ("signed_pairs", SIGNED, "binomial"),
}
HEAD = (
    "| model | raters | columns kept of all | by probes, CPU s | MB | direct, CPU s | MB | largest difference: "
    "estimates, in SE | SDs, relative | SEs, relative | log L | told: log L | estimates, in SE |"
)


def main() -> int:
    """Run the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--raters", type=int, nargs="+", default=[240, 360, 720])
    parser.add_argument("--direct", type=int, default=2000, help="largest number of raters for the direct fit")
    parser.add_argument("--only", help="only models whose name begins so")
    parser.add_argument("--one", nargs=3, metavar=("WORK", "CSV", "LARGE"), help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.one:
        print(json.dumps(_fit(given.one[0], Path(given.one[1]), large=int(given.one[2]))))
        return 0
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}\n\n{HEAD}\n|---|{'---:|' * (HEAD.count('|') - 2)}")
    with tempfile.TemporaryDirectory() as folder:
        for raters in given.raters:
            for name, (data, _, _) in WORK.items():
                if not given.only or name.startswith(given.only):
                    _compare(name, _data(data, raters, Path(folder)), raters, direct=raters <= given.direct)
    return 0


def _compare(name: str, path: Path, raters: int, *, direct: bool) -> None:
    command = [sys.executable, "-m", "tests.benchmarks.large_fits", "--one", name, str(path)]
    probed = _run([*command, "0"], patience=1200.0)
    if probed is None:
        print(f"| {name} | {raters} | failed |", flush=True)
        return
    line = f"| {name} | {raters} | {probed['kept']:,} of {probed['all']:,} | {probed['cpu']:.1f} | {probed['mb']:.0f} |"
    told = f" {probed['told'][0]:.1g} | {probed['told'][1]:.1g} |"
    plain = _run([*command, str(10**9)], patience=1200.0) if direct else None
    if plain is None:
        print(f"{line} | | | | | |{told}", flush=True)
        return
    gap = max(abs(a - b) / s for a, b, s in zip(probed["estimate"], plain["estimate"], plain["se"], strict=True))
    spread = max(abs(a / b - 1.0) for a, b in zip(probed["sd"], plain["sd"], strict=True) if b)
    error = max(abs(a / b - 1.0) for a, b in zip(probed["se"], plain["se"], strict=True))
    print(
        f"{line} {plain['cpu']:.1f} | {plain['mb']:.0f} | {gap:.1e} | {spread:.1e} | {error:.1e} | "
        f"{probed['log_likelihood'] - plain['log_likelihood']:+.1e} |{told}",
        flush=True,
    )


def _fit(name: str, path: Path, *, large: int) -> dict[str, Any]:
    import pandas as pd

    import analysis
    from analysis.numerics import laplace_large

    laplace_large.LARGE = large  # type: ignore[misc]
    _, formula, family = WORK[name]
    table = pd.read_csv(path)
    few = table["rater"] < 24
    analysis.fit(formula, table[few], family=family)  # compiles
    told, kept = [0.0, 0.0], [0, 0]
    precision = laplace_large.LargeLaplaceModel.precision

    def watched(model: Any, parameter: Any) -> Any:
        found = precision(model, parameter)
        kept[:] = [model.partition.kept.columns.size, model.core.size]
        describe = found.describe

        class Watched:
            def describe(self, covariance: Any) -> str:
                se = covariance.diagonal() ** 0.5
                told[:] = [0.5 * found.deviance, float((found.errors(covariance)[se > 0] / se[se > 0]).max())]
                return describe(covariance)

        return Watched()

    laplace_large.LargeLaplaceModel.precision = watched  # type: ignore[method-assign]
    begin = time.process_time()
    fit = analysis.fit(formula, table, family=family).fit
    return {
        "cpu": time.process_time() - begin,
        "log_likelihood": fit.log_likelihood,
        "estimate": [*fit.estimate.tolist(), *fit.thresholds[fit.threshold_se > 0.0].tolist()],
        "se": [*fit.standard_errors().tolist(), *fit.threshold_se[fit.threshold_se > 0.0].tolist()],
        "sd": [part.sd for part in fit.variances],
        "told": told,
        "kept": kept[0],
        "all": kept[1],
    }


if __name__ == "__main__":
    sys.exit(main())
