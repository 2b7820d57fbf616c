"""CPU seconds of planning and certifying, from 1,000 to 10^6 trials: python tests/benchmarks/planning.py [largest]."""

import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from annotations.design import DesignSpec, OutputRef, certify, plan

SIZES = (1_000, 10_000, 100_000, 1_000_000)


def outputs_for(trials: int) -> list[OutputRef]:
    """As many prompts, answered by three systems, as three raters a pair turn into so many main trials."""
    prompts = max(20, round(trials / 9))
    systems = ("baseline", "reference", "steered")
    return [OutputRef(f"{system}-{at}", f"prompt-{at}", system) for at in range(prompts) for system in systems]


def main(largest: int) -> None:
    spec = DesignSpec(raters_per_task=3, trials_per_rater=20, attention_trials=2, repeat_trials=2)
    print(f"{'trials':>10} {'booklets':>9} {'plan CPU s':>10} {'certify CPU s':>13} {'plan us/trial':>14} {'holds':>6}")
    plan(outputs_for(SIZES[0]), spec, attention=("one", "two", "three"))
    for size in (size for size in SIZES if size <= largest):
        outputs = outputs_for(size)
        begin = time.process_time()
        made = plan(outputs, spec, attention=("one", "two", "three"))
        planned = time.process_time()
        certificate = certify(made.columns(), spec)
        certified = time.process_time()
        each = (planned - begin) / len(made.trials) * 1e6
        print(
            f"{len(made.trials):>10} {len(made.booklets):>9} {planned - begin:>10.2f} {certified - planned:>13.2f} "
            f"{each:>14.1f} {certificate.holds!s:>6}",
            flush=True,
        )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else SIZES[-1])
