"""The scenario and the run of make_helm.py, as a plug-in of HELM."""

from __future__ import annotations

from helm.benchmark.adaptation.adapter_spec import ADAPT_GENERATION, AdapterSpec
from helm.benchmark.metrics.common_metric_specs import get_basic_metric_specs
from helm.benchmark.run_spec import RunSpec, run_spec_function
from helm.benchmark.scenarios.scenario import TEST_SPLIT, Input, Instance, Scenario, ScenarioSpec


class UnusualUses(Scenario):
    """Three things."""

    name = "unusual_uses"
    description = "Unusual uses of things."
    tags = ["creativity"]

    def get_instances(self, output_path: str) -> list[Instance]:
        """Return one instance a thing."""
        things = ("brick", "spoon", "hat")
        return [Instance(Input(text=f"Name an unusual use for a {one}."), [], split=TEST_SPLIT) for one in things]


@run_spec_function("unusual_uses")
def unusual_uses() -> RunSpec:
    """Two completions of each."""
    adapter = AdapterSpec(
        method=ADAPT_GENERATION,
        instructions="You answer in one short sentence.",
        input_prefix="",
        input_suffix="\n",
        output_prefix="",
        max_train_instances=0,
        num_outputs=2,
        temperature=1.0,
        max_tokens=24,
        stop_sequences=[],
    )
    return RunSpec(
        name="unusual_uses",
        scenario_spec=ScenarioSpec(class_name="helm_unusual_uses.UnusualUses"),
        adapter_spec=adapter,
        metric_specs=get_basic_metric_specs([]),
        groups=["unusual_uses"],
    )
