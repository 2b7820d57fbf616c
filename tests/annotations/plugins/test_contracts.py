"""What every registered plug-in promises; a new one is tested by being registered."""

import json
import math
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis import schema
from annotations.errors import AnswerError
from annotations.registry import (
    KEYS,
    Identity,
    QuestionType,
    audits,
    prompt_sets,
    question_types,
    recruitment_platforms,
    scorers,
    sources,
    study_templates,
)

OPTIONS = {
    "forced_choice": [{}, {"tie": True}, {"tie": False}],
    "graded_preference": [{}, *({"levels": n, "midpoint": m} for n in (5, 7) for m in (True, False))],
    "choice_with_reasons": [{}, {"tie": True, "reasons": ["x", "y"], "at_least": 2, "note": True, "longest_note": 9}],
    "likert": [{}, *({"points": n} for n in (2, 7, 11)), {"points": 3, "labels": ["bad", "so-so", "good"]}],
    "slider": [{}, {"start": 50}, {"start": "random"}, {"low": -5, "high": 5, "step": 5, "start": -5}],
    "yes_no": [{}, {"yes": "Ja", "no": "Nein"}, {"yes": "Passes", "no": "Fails", "show_definition": True}],
    "ranking": [{}, {"ties": True}],
    "best_worst": [{}, {"best": "Best", "worst": "Worst"}],
    "free_text": [{}, {"least": 0, "most": 5}, {"least": 3, "most": 3, "block_paste": True}],
}
REGISTRIES = [audits, prompt_sets, question_types, recruitment_platforms, scorers, sources, study_templates]
CASES = [
    pytest.param(kind, options, id=f"{kind.name}-{json.dumps(options)}")
    for kind in question_types
    for options in OPTIONS.get(kind.name, [{}])
]


@pytest.mark.parametrize("registry", REGISTRIES, ids=lambda registry: registry.family)
def test_plugin_has_a_name_for_code_and_a_label_for_people(registry):
    plugins = list(registry)

    assert plugins
    for plugin in plugins:
        assert set(plugin.name) <= set(string.ascii_lowercase + string.digits + "_")
        assert plugin.label.strip()
        assert registry.get(plugin.name) is plugin
    assert registry.choices() == [(plugin.name, plugin.label) for plugin in plugins]


@pytest.mark.parametrize("registry", REGISTRIES, ids=lambda registry: registry.family)
def test_unknown_name_is_refused_with_the_names_that_exist(registry):
    with pytest.raises(KeyError, match=registry.names()[0]):
        registry.get("no such thing")


@pytest.mark.parametrize(("kind", "options"), CASES)
def test_question_type_completes_its_options_once(kind, options):
    clean = kind.clean_options(options)

    assert kind.clean_options(clean) == clean
    assert json.loads(json.dumps(clean)) == clean


@pytest.mark.parametrize("kind", list(question_types), ids=lambda kind: kind.name)
def test_question_type_refuses_unknown_options(kind):
    with pytest.raises(ValueError, match="no_such_option"):
        kind.clean_options({"no_such_option": 1})


@pytest.mark.parametrize(("kind", "options"), CASES)
def test_choices_are_told_apart_by_value_label_and_key(kind, options):
    choices = kind.choices(kind.clean_options(options))

    for field in ("value", "label", "key"):
        assert len({getattr(choice, field) for choice in choices}) == len(choices)
    assert [choice.key for choice in choices] == list(KEYS[: len(choices)])
    assert all(choice.short for choice in choices)
    if kind.measure not in {"ranking", "text", "interval"}:
        assert len(choices) == kind.levels(kind.clean_options(options))


@pytest.mark.parametrize(("kind", "options"), CASES)
def test_every_choice_is_stored_and_scored(kind, options):
    clean = kind.clean_options(options)

    stored = [kind.parse(choice.value, clean) for choice in kind.choices(clean)]
    scores = [kind.score(value, clean) for value in stored]

    assert json.loads(json.dumps(stored)) == stored
    assert len(set(scores)) == len(scores)
    assert all(math.isfinite(score) for score in scores)


@pytest.mark.parametrize(("kind", "options"), CASES)
def test_pairwise_scores_fall_from_left_to_right_and_mirror(kind, options):
    if not kind.measure.startswith("pairwise"):
        pytest.skip("not a comparison of two sides")
    clean = kind.clean_options(options)
    middle = 0.5 if kind.measure == "pairwise_choice" else 0.0

    scores = [kind.score(kind.parse(choice.value, clean), clean) for choice in kind.choices(clean)]

    assert scores == sorted(scores, reverse=True)
    assert [score - middle for score in scores] == [middle - score for score in reversed(scores)]


@pytest.mark.parametrize(("kind", "options"), CASES)
def test_question_type_declares_a_measure_of_the_long_table(kind, options):
    assert kind.measure in (*schema.MEASURES, "text")


@given(raw=st.text(max_size=20))
@pytest.mark.parametrize(("kind", "options"), CASES)
def test_anything_else_from_the_wire_is_refused(kind: QuestionType, options, raw):
    clean = kind.clean_options(options)
    if kind.name in {"slider", "free_text", "ranking"}:
        return  # not of a few values: see test_questions.py
    values = {choice.value for choice in kind.choices(clean)}

    if raw in values:
        kind.parse(raw, clean)
    else:
        with pytest.raises(AnswerError):
            kind.parse(raw, clean)


@pytest.mark.parametrize("platform", list(recruitment_platforms), ids=lambda platform: platform.name)
def test_recruitment_platform_reads_any_query(platform):
    assert platform.identity({}) == Identity()
    assert isinstance(platform.identity({"x": "y" * 10_000}), Identity)
    assert isinstance(platform.return_url("", code="ABC"), str)


@pytest.mark.parametrize("template", list(study_templates), ids=lambda template: template.name)
def test_study_template_drafts_a_study_that_can_be_asked(template):
    draft = template.draft()

    keys = [dimension.key for dimension in draft.dimensions]
    assert len(set(keys)) == len(keys) > 0
    for dimension in draft.dimensions:
        question_types.get(dimension.question_type).clean_options(dimension.options)
    assert draft.lead
    assert draft.welcome
    assert draft.consent
    assert draft.instructions
    assert template.source
    assert template.description
    json.dumps([dict(draft.design), dict(draft.analysis)])
