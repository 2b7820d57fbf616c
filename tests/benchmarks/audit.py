"""How often the audits of preparation cry wolf, what they find, and what large material takes.

    python -m tests.benchmarks.audit [--sets 60] [--sizes 10000 50000]

False alarms: clean sets drawn anew each time (four shapes in turn) and, per leak, sets with it planted. Size: texts of
about 80 words by two systems, each audit timed (CPU seconds, whatever else runs), and the peak memory of the process.
Prints the tables of audit.md.
"""

from __future__ import annotations

import argparse
import random
import resource
import time
from collections import Counter, defaultdict

from annotations.domain import normalising, profiling
from annotations.registry import AuditedText, audits
from annotations.registry.options import complete
from tests.annotations.plugins.audits.clean import AROUND, LEAKS, SYSTEMS, clean, copied, examine, serious, spoiled

SHAPES = ((12, 6), (30, 1), (20, 3), (8, 10))  # prompts, samples per cell
THREE = ("north", "quagga-7", "heron")


def false_alarms(sets: int) -> None:
    """Audit clean sets and print which findings they raise."""
    alarmed, kinds, notes = Counter[str](), Counter[str](), 0
    for seed in range(sets):
        prompts, samples = SHAPES[seed % len(SHAPES)]
        systems = THREE if seed % 5 == 4 else SYSTEMS
        found = examine(clean(1000 + seed, prompts=prompts, samples=samples, systems=systems))
        raised = serious(found)
        alarmed[f"{prompts} x {samples}"] += bool(raised)
        kinds.update(f"{audit} ({severity})" for audit, _, severity in raised)
        notes += sum(one.severity == "note" for _, one in found)
    total = sum(alarmed.values())
    print(f"\n## Clean sets\n\n{total} of {sets} clean sets raised a leak or a warning ({100 * total / sets:.1f}%); ")
    print(f"{notes} notes in all. By audit: {dict(kinds) or 'none'}. By shape (prompts x samples): {dict(alarmed)}.")


def planted(sets: int) -> None:
    """Print in how many sets each planted leak is found, and how severe it is called."""
    print("\n## Planted leaks\n\n| leak | outputs spoiled | found in | as |\n|---|---|---|---|")
    for name, (spoil, every, key) in LEAKS.items():
        seen: Counter[str] = Counter()
        for seed in range(sets):
            texts = spoiled(clean(5000 + seed), spoil, every=every)
            seen.update(one.severity for audit, one in examine(texts) if (audit, one.key) == key)
        print(f"| {name} | one in {every} of one system | {sum(seen.values())} of {sets} | {dict(seen)} |")
    seen = Counter()
    for seed in range(sets):
        found = examine(list(copied(clean(5000 + seed))))
        seen.update(one.severity for audit, one in found if (audit, one.key) == ("duplicates", "arms"))
    print(f"| near copy between systems | one | {sum(seen.values())} of {sets} | {dict(seen)} |")


def large(size: int) -> None:
    """Time each audit over many texts."""
    draw, vocabulary = (
        random.Random(size),
        [f"{a}{b}" for a in "bcdfghjklm" for b in ("arn", "est", "ill", "oat", "ump")],
    )
    words = [text.text for text in clean(9, prompts=20, samples=20)]
    texts = [
        AuditedText(
            at,
            SYSTEMS[at % 2],
            f"p{at // 100}",
            f"Think of an unusual use for thing {at // 100}.",
            at % 100 // 2,
            f"{draw.choice(words)} {' '.join(draw.choices(vocabulary, k=25))}. {draw.choice(words)}",
        )
        for at in range(size)
    ]
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    times: dict[str, float] = defaultdict(float)
    start = time.process_time()
    profiling.profile(texts)
    times["profile"] = time.process_time() - start
    for audit in audits:
        start = time.process_time()
        list(audit.examine(texts, around=AROUND, settings=complete(audit.takes, {}, of=audit.label)))
        times[audit.name] = time.process_time() - start
    start = time.process_time()
    for text in texts:
        normalising.normalise(text.text, normalising.NAMES)
    times["(all rules of normalisation)"] = time.process_time() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    mean = sum(len(text.text.split()) for text in texts) / size
    print(f"\n## {size:,} outputs ({mean:.0f} words each)\n\n| part | CPU seconds |\n|---|---|")
    for name, seconds in times.items():
        print(f"| {name} | {seconds:.1f} |")
    print(f"| all | {sum(times.values()):.1f} |\n\nPeak memory {peak:.0f} MB ({before:.0f} MB before the audits).")


def main() -> None:
    """Print all tables."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--sets", type=int, default=60)
    parser.add_argument("--leak-sets", type=int, default=10)
    parser.add_argument("--sizes", type=int, nargs="*", default=[10_000, 50_000])
    given = parser.parse_args()
    for size in given.sizes:
        large(size)
    if given.sets:
        false_alarms(given.sets)
    if given.leak_sets:
        planted(given.leak_sets)


if __name__ == "__main__":
    main()
