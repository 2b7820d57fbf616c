"""The example study of `make demo`: its texts, its design, and the truth planted in its simulated answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from django.db import transaction

from analysis.simulate import PlantedTruth
from annotations.domain import editing, materials, planning, studies
from annotations.models import Study

TITLE = "Everyday ideas"
DESCRIPTION = (
    "The example study of `make demo`. Its texts were written for this project to look like three ways of sampling "
    "from one language model, and its first 60 raters were simulated: a tour of the platform, not a finding."
)
OUTPUTS = Path(__file__).parent.parent / "example" / "outputs.jsonl"
ROLES = {"baseline": "baseline", "activation-steered": "treatment", "weight-steered": "treatment"}

# 18 prompts × 3 pairs of systems × 2 matched samples = 108 pairs. Each judged by 12 raters, 18 pairs a rater (no prompt
# twice): 72 booklets, so that 12 are left for whoever comes after the 60 simulated raters.
RATERS = 60
DESIGN: Mapping[str, Any] = {"raters_per_task": 12, "trials_per_rater": 18}

# By design about 1 in 20 of 95% intervals misses its value, so a table of nine often shows one that does. SEED was
# chosen to show none: the first from 1 on whose nine intervals all hold their planted values. That is a picture, no
# evidence; tests/benchmarks/demo_seeds.py runs 100 seeds, and demo_seeds.md beside it holds what it printed.
SEED = 3
# Log-odds that an average rater prefers the system to the baseline, on an average prompt and output.
TRUTH = PlantedTruth(
    effects={
        "originality": {"activation-steered": 0.9, "weight-steered": 1.2},
        "surprise": {"activation-steered": 1.4, "weight-steered": 0.8},
        "creativity": {"activation-steered": 0.2, "weight-steered": 1.0},
    }
)


def find_study() -> Study | None:
    """Return the example study if it was made before; a frozen title cannot change, nor can the import be undone."""
    return Study.objects.filter(title=TITLE, imports__filename=OUTPUTS.name).order_by("pk").first()


@transaction.atomic
def make_study() -> Study:
    """Create the example study through the same verbs as the admin, up to open; all of it or nothing."""
    study = studies.create_study(title=TITLE, template="pairwise_creativity")
    editing.edit_texts(study=study, values={"description": DESCRIPTION})
    materials.import_material(study=study, path=OUTPUTS, filename=OUTPUTS.name, roles=ROLES)
    editing.edit_design(study=study, spec=replace(planning.spec_of(study=study), **DESIGN))
    planning.freeze_study(study=study)
    return studies.open_study(study=study)
