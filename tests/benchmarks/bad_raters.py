"""How many bad raters the default rules find, and how many good ones they accuse: the table in plugins/quality.

    python tests/benchmarks/bad_raters.py            20 seeds, prints the table and writes it into the README
    python tests/benchmarks/bad_raters.py --seeds 2  prints only

A fifth of the raters of each simulated study is bad, in equal parts of every kind; `annotations.management.simulation`
says what good and bad ones do. The histories go through the same checks and rules as those of people.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections import Counter
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "evalplatform.settings")

README = ROOT / "annotations/plugins/quality/README.md"
BEGIN, END = "<!-- table: tests/benchmarks/bad_raters.py -->", "<!-- /table -->"
SEEDS, RATERS, BAD = 20, 150, 0.2
FORMS = ("pairs", "sliders", "likert")
CHECKS = (1, 2)
ROWS = (
    ("random_clicker", "random clickers"),
    ("random_clicker/slow", "… of them at an honest pace"),
    ("straight_liner", "straight-liners"),
    ("straight_liner/slow", "… of them at an honest pace"),
    ("speeder", "speeders"),
    ("side_preferrer", "side-preferrers"),
    ("copy", "copies (second visits)"),
    ("good", "**good raters, accused**"),
)
Cell = tuple[str, int, str]
Counts = Counter[tuple[Cell, bool]]


def measure(form: str, checks: int, seed: int) -> Counts:
    """Simulate one study and count, by kind of rater, who is excluded and who is not."""
    from annotations.domain import quality_rules as rules
    from annotations.management.simulation.histories import Layout, crowd_of

    whole, counts = rules.declared({}), Counts()
    crowd = crowd_of(Layout(form, checks, checks), raters=RATERS, seed=seed, bad=BAD)
    for person, history in zip(crowd.people, crowd.histories, strict=True):
        out = bool(rules.verdicts(rules.look(history, whole), whole))
        counts[(form, checks, person.kind), out] += 1
        if person.habit is not None and person.kind in ("random_clicker", "straight_liner") and not person.habit.hasty:
            counts[(form, checks, f"{person.kind}/slow"), out] += 1
    return counts


def measured(seeds: Iterable[int], *, forms: Iterable[str] = FORMS, workers: int = 1) -> Counts:
    """Measure every design with these seeds."""
    jobs = [(form, checks, seed) for form in forms for checks in CHECKS for seed in seeds]
    total = Counts()
    if workers == 1:
        for job in jobs:
            total.update(measure(*job))
        return total
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        for counts in pool.map(measure, *zip(*jobs, strict=True)):
            total.update(counts)
    return total


def table_of(counts: Counts) -> str:
    """Return the table in Markdown: found / all, by kind of rater and design."""
    designs = [(form, checks) for form in FORMS for checks in CHECKS]
    lines = [
        "| excluded of all | " + " | ".join(f"{form}, {checks} + {checks}" for form, checks in designs) + " |",
        "|---|" + "---|" * len(designs),
    ]
    for kind, label in ROWS:
        lines.append(f"| {label} | " + " | ".join(_cell(counts, (*design, kind)) for design in designs) + " |")
    return "\n".join(lines)


def _cell(counts: Counts, cell: Cell) -> str:
    out, kept = counts[cell, True], counts[cell, False]
    if not out + kept:
        return "–"
    return f"{100 * out / (out + kept):.1f}% ({out}/{out + kept})"


def stored() -> str:
    """Return the table that stands in the README."""
    return README.read_text().partition(BEGIN)[2].partition(END)[0].strip()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=SEEDS)
    parser.add_argument("--workers", type=int, default=1)
    given = parser.parse_args()
    table = table_of(measured(range(given.seeds), workers=given.workers))
    print(table)
    if given.seeds == SEEDS:
        before, _, rest = README.read_text().partition(BEGIN)
        README.write_text(f"{before}{BEGIN}\n{table}\n{END}{rest.partition(END)[2]}")


if __name__ == "__main__":
    main()
