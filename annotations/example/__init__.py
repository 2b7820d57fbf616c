"""The example study of `make demo`: where its texts are, and what is planted in the answers of its simulated raters.

Texts and effects are inventions; see the README beside this file.
"""

from pathlib import Path
from types import MappingProxyType

TITLE = "Everyday ideas"
DESCRIPTION = (
    "The example study of `make demo`. Its texts were written for this project to look like three ways of sampling from "
    "one language model, and its first 60 raters were simulated: a tour of the platform, not a finding."
)
OUTPUTS = Path(__file__).parent / "outputs.jsonl"
ROLES = MappingProxyType({"baseline": "baseline", "activation-steered": "treatment", "weight-steered": "treatment"})

# 18 prompts × 3 pairs of systems × 2 matched samples = 108 pairs. Each judged by 12 raters, 18 pairs a rater (no prompt
# twice): 72 booklets, so that 12 are left for whoever comes after the 60 simulated raters.
RATERS = 60
DESIGN = MappingProxyType({"raters_per_task": 12, "trials_per_rater": 18})

# Log-odds that an average rater prefers the system to the baseline, on an average prompt and output.
SEED = 1
EFFECTS = MappingProxyType(
    {
        "originality": {"activation-steered": 0.9, "weight-steered": 1.2},
        "surprise": {"activation-steered": 1.4, "weight-steered": 0.8},
        "creativity": {"activation-steered": 0.2, "weight-steered": 1.0},
    }
)
