"""The local steered model and the judges that read with a local model, through the contracts of their families."""

import itertools
import json
import math

import pytest

from annotations.errors import GeneratorFailed
from annotations.registry import Ask, ScoredText, Written, generators, scorers
from annotations.steering.errors import INSTALL
from tests.annotations.steering.conftest import NEEDS_TORCH

PROMPTS = ["Name a use for a brick.", "Rain?"]
WEIGHTS = {"kind": "weights", "ratio": 0.2, "alpha": 2.0}
STATES = {"kind": "activations", "strength": 20.0}
PAIRS = {"creative": ["Invent a new sea.", "Dream!"], "routine": ["Name a sea.", "Stop."]}
SHORT = {"max_tokens": 6, "device": "cpu", **PAIRS}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A root with one tiny model, `llama`."""
    torch = pytest.importorskip("torch", reason=NEEDS_TORCH)
    torch.set_num_threads(1)  # more threads wait for one another when other tests run beside
    pytest.importorskip("transformers", reason=NEEDS_TORCH)
    from tests.standins import tiny_model

    root = tmp_path_factory.mktemp("roots")
    tiny_model.save(root / "llama", chat=True)
    return root


@pytest.fixture
def site(folder, settings, tmp_path):
    """The site allows that root and keeps its masks in a place of the test."""
    settings.MODEL_ROOTS = [folder]
    settings.STEERING_STORE = tmp_path / "store"
    return settings


@pytest.fixture
def elsewhere(settings, tmp_path):
    """A site that has no folder of models."""
    settings.MODEL_ROOTS = [tmp_path / "none"]


def opened(**given):
    kind = generators.get("steered_model")
    return kind.open(settings=kind.clean_settings({"model": "llama", **SHORT, **given}), secrets={})


def asks():
    seeds = itertools.count(100)
    return [Ask(prompt, sample, next(seeds)) for prompt in PROMPTS for sample in range(2)]


def test_baseline_and_steered_systems_write_side_by_side_from_one_model(site):
    with opened() as baseline, opened(**WEIGHTS) as weights, opened(**STATES) as states:
        systems = [baseline, weights, states]
        written = [system.write(asks()) for system in systems]
        again = [system.write(asks()) for system in systems]

        assert baseline.loaded is weights.loaded is states.loaded
    assert written == again
    assert all(isinstance(one, Written) and one.text for system in written for one in system)
    assert [len(system) for system in written] == [4, 4, 4]
    assert len({tuple(one.text for one in system) for system in written}) == 3
    kept = [[one.provenance for one in system] for system in written]
    assert [system[0]["recipe"]["kind"] for system in kept] == ["baseline", "weights", "activations"]
    assert len({one["recipe_sha256"] for system in kept for one in system}) == 3
    assert len({one["model_sha256"] for system in kept for one in system}) == 1
    assert [one["seed"] for one in kept[1]] == [100, 101, 102, 103]
    assert kept[1][0]["recipe"]["alpha"] == 2.0
    assert json.loads(json.dumps(kept)) == kept


def test_recipe_in_the_provenance_has_the_hash_beside_it(site):
    from annotations.steering.recipes import Recipe

    with opened(**WEIGHTS, blocks="2", modules=["mlp"]) as writing:
        (written,) = writing.write(asks()[:1])

    recipe = Recipe(**written.provenance["recipe"])
    assert recipe.hash == written.provenance["recipe_sha256"]
    assert (recipe.blocks, recipe.modules, recipe.chat) == ((2,), ("mlp",), True)


def test_masks_are_found_once_and_read_the_next_time(site):
    with opened(**WEIGHTS) as first:
        found = first.treatment.masks
    (kept,) = site.STEERING_STORE.iterdir()
    written_at = kept.stat().st_mtime_ns

    with opened(**WEIGHTS | {"alpha": 0.5}) as second:
        read = second.treatment.masks

    assert kept.stat().st_mtime_ns == written_at
    assert all((found.bits[name] == read.bits[name]).all() for name in found.shapes)


def test_texts_do_not_depend_on_the_size_of_the_batch(site):
    texts = []
    for batch in (1, 3, 8):
        with opened(batch=batch, **WEIGHTS) as writing:
            texts.append([one.text for one in writing.write(asks())])
            assert (writing.batch, writing.lanes) == (batch, 1)

    assert texts[0] == texts[1] == texts[2]


def test_seed_of_the_settings_gives_other_samples(site):
    with opened() as plain, opened(seed=7) as other:
        assert [one.text for one in plain.write(asks())] != [one.text for one in other.write(asks())]
        assert other.write(asks())[0].provenance["seed"] == 107


def test_ends_are_marked(site):
    with opened() as writing:
        (cut,) = writing.write(asks()[:1])
    with opened(stop=[cut.text[:1]]) as writing:
        (empty,) = writing.write(asks()[:1])
    with opened(refusals=[cut.text]) as writing:
        (refused,) = writing.write(asks()[:1])

    assert (cut.finish, cut.mark, cut.output_tokens) == ("length", "truncated", 6)
    assert (empty.text, empty.finish, empty.mark) == ("", "stop", "empty")
    assert refused.mark == "refusal"


def test_prompt_that_is_too_long_fails_alone(site):
    with opened() as writing:
        first, long, last = writing.write([Ask("Sea", 0, 1), Ask("x" * 300, 0, 2), Ask("Sea", 1, 3)])

    assert isinstance(long, GeneratorFailed)
    assert not long.lasting  # another prompt may be had
    assert "more than the 256 that llama can hold" in str(long)
    assert first.text
    assert last.text


def test_system_prompt_and_template_reach_the_model(site):
    with opened(system_prompt="Be brief.", template="Q: {prompt}") as writing:
        (written,) = writing.write([Ask("Sea", 0, 1)])

    assert written.input_tokens == len("<system>Be brief.\n<user>Q: Sea\n<assistant>")


def test_expert_gets_as_many_texts_as_asked(site):
    kind = generators.get("steered_model")
    clean = kind.clean_settings({"model": "llama", **SHORT, **WEIGHTS})

    texts = kind.generate("Why?", count=3, settings=clean, secrets={})

    assert len(texts) == 3
    assert all(text == text.strip() != "" for text in texts)


def test_expert_reads_neither_model_nor_folder_in_a_failure(site):
    kind = generators.get("steered_model")
    clean = kind.clean_settings({"model": "llama", **SHORT, **STATES, "block": 9})

    with pytest.raises(GeneratorFailed) as failed:
        kind.generate("Why?", count=1, settings=clean, secrets={})
    assert "llama" not in str(failed.value)
    with pytest.raises(GeneratorFailed, match="blocks 1 to 2") as told:
        kind.open(settings=clean, secrets={}).__enter__()
    assert told.value.lasting


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"model": ""}, "model must name the folder"),
        ({"ratio": 0.5}, "'ratio': the share ρ must lie between 0.01 and 0.2"),
        ({"alpha": 3}, "'alpha': the strength α must be 0 or lie between"),
        ({"blocks": "two"}, "'blocks': blocks are"),
        ({"creative": ["a", "b"], "routine": ["c"]}, "'creative': creative and routine prompts are pairs"),
        ({"strength": 1000}, "'strength' takes a number from -100"),
        ({"template": "no place"}, "template must hold {prompt}"),
        ({"top_p": 0}, "top_p must be above 0"),
        ({"kind": "surgery"}, "'kind' takes one of"),
        ({"dtype": "int4"}, "'dtype' takes one of"),
    ],
)
def test_wrong_settings_are_named(elsewhere, given, message):
    with pytest.raises(ValueError) as refused:
        generators.get("steered_model").clean_settings({"model": "m", **given})
    assert message in str(refused.value)


def test_settings_are_completed_once(elsewhere):
    kind = generators.get("steered_model")

    clean = kind.clean_settings({"model": "m", **WEIGHTS})

    assert json.loads(json.dumps(kind.clean_settings(clean))) == json.loads(json.dumps(clean))
    assert set(clean) == {option.name for option in kind.takes}
    assert kind.described(clean) == "m, weights, ρ = 0.2, α = 2"
    assert kind.described(kind.clean_settings({"model": "/a/m/", **STATES})) == "m, hidden states, λ = 20"
    assert kind.described(kind.clean_settings({"model": "m"})) == "m, as it is"


@pytest.mark.parametrize("name", ["creativity_direction", "perplexity"])
def test_judge_of_a_folder_that_is_not_allowed_is_refused_in_the_form(settings, tmp_path, name):
    settings.MODEL_ROOTS = [tmp_path]

    with pytest.raises(ValueError, match="'model': models are loaded from"):
        scorers.get(name).clean_settings({"model": "/etc"})


def test_system_of_a_folder_that_is_not_allowed_is_refused_when_it_is_opened(site):
    with pytest.raises(GeneratorFailed, match="models are loaded from") as failed:
        opened(model="/etc").__enter__()
    assert failed.value.lasting


def test_without_the_extra_the_job_says_what_to_install(settings, tmp_path, monkeypatch):
    settings.MODEL_ROOTS = [tmp_path]
    settings.STEERING_STORE = tmp_path
    (tmp_path / "m").mkdir()
    (tmp_path / "m" / "config.json").write_text("{}")
    (tmp_path / "m" / "model.safetensors").write_bytes(b"")
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)

    with pytest.raises(GeneratorFailed) as failed:
        opened(model="m").__enter__()
    assert str(failed.value) == f"{INSTALL}."
    assert failed.value.lasting


def scored(name, texts, **given):
    kind = scorers.get(name)
    clean = kind.clean_settings({"model": "llama", "device": "cpu", **given})
    rows = [ScoredText(number, "Name a sea.", text) for number, text in enumerate(texts)]
    return dict(kind.scores(iter(rows), settings=clean, secrets={}))


def test_creativity_direction_puts_creative_prompts_above_their_twins(site):
    texts = [*PAIRS["creative"], *PAIRS["routine"]]

    centred = scored("creativity_direction", texts, centred=True, **PAIRS)
    plain = scored("creativity_direction", texts, **PAIRS)

    # chat templates stand around the prompts and not around the texts, so only the order is compared
    for scores in (centred, plain):
        assert scores[0] + scores[1] > scores[2] + scores[3]
        assert all(-1 <= score <= 1 for score in scores.values())
    assert centred != plain


def test_perplexity_depends_on_the_prompt_and_is_e_to_the_nats(site):
    texts = ["Baltic Sea", "q}#x0"]

    given = scored("perplexity", texts)
    nats = scored("perplexity", texts, scale="nats")
    alone = scored("perplexity", texts, given="nothing")

    for number in (0, 1):
        assert given[number] == pytest.approx(math.exp(nats[number]), rel=1e-12)
        assert given[number] != pytest.approx(alone[number], rel=1e-3)
        assert given[number] > 1


@pytest.mark.parametrize("name", ["creativity_direction", "perplexity"])
def test_text_without_words_or_beyond_the_window_has_no_score(site, name):
    scores = scored(name, ["", " \n", "x" * 400, "sea"])

    assert [number for number, score in scores.items() if score is None] == [0, 1, 2]
    assert scores[3] is not None


@pytest.mark.parametrize("name", ["creativity_direction", "perplexity"])
def test_judges_read_texts_only_as_they_are_needed(site, name):
    kind = scorers.get(name)
    clean = kind.clean_settings({"model": "llama", "device": "cpu"})
    read = []

    def texts():
        for number in range(100):
            read.append(number)
            yield ScoredText(number, "Why?", "sea")

    found = kind.scores(texts(), settings=clean, secrets={})
    next(found)
    found.close()

    assert read == [0]
