"""Small plans of pairs and of single stimuli, balanced enough to be real."""

import numpy as np

from analysis.power import PlannedTrials


def rows_of_pairs(*, raters=24, prompts=20, systems=2, per_rater=20, samples=1):
    """Each rater sees prompts in turn from his own start; pairs of systems and sides rotate."""
    pairs = [(i, j) for i in range(systems) for j in range(i)]
    rows = []
    for rater in range(raters):
        for step in range(per_rater):
            prompt = (rater * 7 + step) % prompts
            a, b = pairs[(rater + step) % len(pairs)]
            if (rater + step // len(pairs)) % 2:
                a, b = b, a
            sample = (rater // 2 + step) % samples
            rows.append(
                {
                    "booklet": rater,
                    "prompt": f"p{prompt:02d}",
                    "system_a": f"s{a}",
                    "output_a": f"p{prompt}/s{a}/{sample}",
                    "system_b": f"s{b}",
                    "output_b": f"p{prompt}/s{b}/{sample}",
                    "kind": "main",
                }
            )
    return rows


def pairs(**kwargs):
    return PlannedTrials.from_rows(rows_of_pairs(**kwargs))


def single(*, raters=12, prompts=6, systems=2, per_rater=12, samples=2):
    rows = []
    for rater in range(raters):
        for step in range(per_rater):
            prompt, system = (rater + step // systems) % prompts, step % systems
            output = f"p{prompt}/s{system}/{(rater + step // 3) % samples}"
            rows.append(
                {"booklet": rater, "prompt": f"p{prompt}", "system_a": f"s{system}", "output_a": output, "kind": "main"}
            )
    return PlannedTrials.from_rows(rows)


def replicate_raters(trials, times):
    """The same trials given to `times` as many raters."""
    rater = np.concatenate([trials.rater + copy * (trials.rater.max() + 1) for copy in range(times)])
    system, output = (tuple(np.tile(codes, times) for codes in both) for both in (trials.system, trials.output))
    return PlannedTrials(rater, np.tile(trials.prompt, times), system, output, trials.systems)
