"""A generation whose systems are one local model, as it is and steered: every output knows its recipe."""

import pytest

from annotations.domain import generating_systems, studies
from annotations.enums import GenerationState
from annotations.models import Prompt
from annotations.steering.recipes import Recipe
from tests.annotations.steering.conftest import NEEDS_TORCH

from .generations import outputs, run

STEERED = {
    "plain": {"kind": "baseline"},
    "weights": {"kind": "weights", "ratio": 0.2, "alpha": 2.0},
    "states": {"kind": "activations", "strength": 20.0},
}


@pytest.fixture
def study(db, settings, tmp_path):
    torch = pytest.importorskip("torch", reason=NEEDS_TORCH)
    pytest.importorskip("transformers", reason=NEEDS_TORCH)
    from tests.standins import tiny_model

    torch.set_num_threads(1)
    tiny_model.save(tmp_path / "models" / "llama", chat=True)
    settings.MODEL_ROOTS, settings.STEERING_STORE = [tmp_path / "models"], tmp_path / "store"
    made = studies.create_study(title="Steered", template="pairwise_creativity")
    for number in range(2):
        Prompt.objects.create(study=made, key=f"p{number}", text=f"What is thing {number} good for?", declared=True)
    for name, kind in STEERED.items():
        generating_systems.save_system(
            study=made,
            name=name,
            role="baseline" if name == "plain" else "treatment",
            generator="steered_model",
            settings={"model": "llama", "max_tokens": 6, "batch": 4, "device": "cpu", "stop": ["\\n"], **kind},
            secrets={},
        )
    return made


def test_baseline_and_steered_outputs_arrive_with_their_recipes(study):
    made = run(study, samples=2, rules={})

    assert (made.state, made.message) == (GenerationState.DONE, "")
    found = list(outputs(study).select_related("system", "prompt"))
    assert {(one.system.name, one.prompt.key, one.sample) for one in found} == {
        (system, f"p{prompt}", sample) for system in STEERED for prompt in range(2) for sample in range(2)
    }
    for one in found:
        recipe = Recipe(**one.metadata["recipe"])
        assert recipe.kind == STEERED[one.system.name]["kind"]
        assert recipe.hash == one.metadata["recipe_sha256"]
        assert ("weights_changed" in one.metadata) == (recipe.kind == "weights")
    assert len({one.metadata["recipe_sha256"] for one in found}) == 3
    assert len({one.metadata["model_sha256"] for one in found}) == 1
    assert len({one.text for one in found}) == 12


def test_system_tried_before_the_generation_tells_what_is_wrong_with_its_folder(study):
    from annotations.errors import GeneratorFailed

    system = study.systems.get(name="plain")
    generating_systems.save_system(
        study=study,
        system_id=system.pk,
        name="plain",
        role="baseline",
        generator="steered_model",
        settings={"model": "no such model"},
        secrets={},
    )

    with pytest.raises(GeneratorFailed, match="there is no folder no such model"):
        generating_systems.try_system(study=study, system_id=system.pk, prompt="Why?")
