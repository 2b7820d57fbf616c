"""Generations: what is asked, what is written and how it is marked, and what the rules make of it."""

import json

import pytest

from annotations.domain import generating, preparing
from annotations.domain.materials import content_hash
from annotations.enums import GenerationState, SampleState
from annotations.errors import NotReady
from annotations.models import Generation, Output

from .generations import KEY, draft, go_on, outputs, run, said


def test_every_system_answers_every_prompt_as_often_as_asked_and_each_output_says_where_it_is_from(study, server):
    server.usage = {"prompt_tokens": 7, "completion_tokens": 5, "total_tokens": 12}

    made = run(study, samples=3)

    assert (made.state, made.message) == (GenerationState.DONE, "")
    cells = {(o.system.name, o.prompt.key, o.sample) for o in outputs(study).select_related("system", "prompt")}
    assert cells == {(s, f"p{p}", n) for s in ("plain", "steered") for p in range(3) for n in range(3)}
    one = outputs(study).filter(system__name="steered", sample=1).select_related("prompt", "system").first()
    recipe = made.recipes[one.metadata["settings_sha256"]]
    assert recipe["settings"]["model"] == "model-steered"
    facts = {k: one.metadata[k] for k in ("generator", "model", "endpoint", "generation", "finish_reason", "mark")}
    assert facts == {
        "generator": "openai_compatible",
        "model": "model-steered",
        "endpoint": "chat",
        "generation": made.pk,
        "finish_reason": "stop",
        "mark": "",
    }
    assert (one.metadata["input_tokens"], one.metadata["output_tokens"]) == (7, 5)
    assert one.content_hash == content_hash(
        prompt_key=one.prompt.key, prompt=one.prompt.text, system="steered", sample=1, text=one.text
    )
    assert {body["seed"] for body in server.calls} == {o.metadata["seed"] for o in outputs(study)}
    assert len({body["seed"] for body in server.calls}) == 18
    assert set(server.keys) == {f"Bearer {KEY}"}
    assert KEY not in json.dumps([made.recipes, made.limits, made.rules])


def test_what_a_generation_brings_is_prepared_by_the_rules_that_are_on(db, server):
    study = draft(server, systems=("plain",), prompts=1)
    preparing.apply_rules(study=study, rules=("tokens", "trim"))
    server.script = [said("A drum.  <|eot_id|>\n")]

    run(study, samples=1)

    made = outputs(study).get()
    assert (made.text, made.raw_text) == ("A drum.", "A drum.  <|eot_id|>\n")
    assert preparing.pending(study=study) == 0


def test_the_same_study_elsewhere_asks_with_the_same_seeds(db, server):
    seeds = []
    for _ in range(2):
        server.calls.clear()
        run(draft(server, systems=("plain",)))
        seeds.append({body["seed"] for body in server.calls})

    assert seeds[0] == seeds[1]
    assert len(seeds[0]) == 6


def test_what_is_there_already_is_not_asked_for_again(study, server):
    first = study.systems.get(name="plain")
    Output.objects.create(prompt=study.prompts.first(), system=first, sample=1, text="Mine", content_hash="m")

    made = run(study)
    with pytest.raises(NotReady, match="there already"):
        generating.request_generation(study=study, samples=2)
    more = run(study, samples=3, systems=[first.pk], prompts=[study.prompts.first().pk])

    assert (made.samples.count(), more.samples.count()) == (11, 1)
    assert len(server.calls) == 12
    assert outputs(study).get(text="Mine").sample == 1


def test_completion_endpoint_gets_a_prompt_and_n_and_the_whole_sampling(db, server):
    settings = {
        "endpoint": "completions",
        "system_prompt": "Be bold.",
        "template": "Q: {prompt}\nA:",
        "per_call": 4,
        "min_p": 0.05,
        "top_p": 0.9,
        "temperature": 1.3,
        "max_tokens": 17,
        "stop": ["\\n\\n", "Q:"],
        "seed": 5,
        "extra_body": {"top_k": 40, "top_p": None},
    }
    study = draft(server, systems=("steered",), prompts=1, **settings)

    run(study, samples=4)

    (body,) = server.calls
    seed = outputs(study).get(sample=0).metadata["seed"]
    assert body == {
        "model": "model-steered",
        "prompt": "Be bold.\n\nQ: What is thing 0 good for?\nA:",
        "temperature": 1.3,
        "min_p": 0.05,
        "max_tokens": 17,
        "stop": ["\n\n", "Q:"],
        "n": 4,
        "seed": seed + 5,
        "top_k": 40,
    }
    assert outputs(study).count() == 4


def test_server_that_ignores_n_is_asked_until_there_are_enough(db, server):
    server.most = 1
    study = draft(server, systems=("steered",), prompts=2, per_call=8)

    made = run(study, samples=5)

    assert (made.state, outputs(study).count()) == (GenerationState.DONE, 10)
    assert len(set(outputs(study).values_list("text", flat=True))) == 10


BAD = {
    "refusal": said("I’m sorry, but I can’t help with that."),
    "truncated": said("And then the bridge", finish="length"),
    "empty": said("  \n"),
}


@pytest.mark.parametrize(
    ("choice", "mark"),
    [
        (BAD["refusal"], "refusal"),
        (said(None, refusal="No."), "refusal"),
        (said("Half of it", finish="content_filter"), "refusal"),
        (said(None, finish="content_filter"), "refusal"),
        (said("**I cannot assist** with bombs."), "refusal"),
        (BAD["truncated"], "truncated"),
        (BAD["empty"], "empty"),
        (said(None, finish="length"), "empty"),
        (said("I cannot forget the smell of that bridge."), ""),
        (said("A bell. I'm sorry, but I can't help it."), ""),
    ],
)
def test_answers_are_kept_and_marked(db, server, choice, mark):
    study = draft(server, systems=("plain",), prompts=1)
    server.script = [choice]

    made = run(study, samples=1, rules={"empty": "keep"})

    kept = outputs(study).get()
    sample = made.samples.get()
    assert (kept.metadata["mark"], sample.mark, sample.state) == (mark, mark, SampleState.ARRIVED)
    assert kept.text == (choice["message"]["content"] or choice["message"].get("refusal") or "")
    assert bool(kept.left_out) == (not kept.text.strip())


@pytest.mark.parametrize("mark", sorted(BAD))
def test_answers_are_resampled_by_rule_and_what_came_before_is_kept(db, server, mark):
    study = draft(server, systems=("plain",), prompts=1, lanes=1)
    server.script = [BAD[mark], BAD[mark]]

    made = run(study, samples=1, rules={mark: "resample", "most_resamples": 2})

    sample = made.samples.get()
    before = [(answer["mark"], answer["text"], answer["finish_reason"]) for answer in sample.answers]
    choice = BAD[mark]
    assert before == [(mark, choice["message"]["content"], choice["finish_reason"])] * 2
    assert (sample.state, sample.mark, sample.attempts) == (SampleState.ARRIVED, "", 3)
    assert outputs(study).get().text.startswith("A quiet thought")
    assert len({body["seed"] for body in server.calls}) == 3


@pytest.mark.parametrize("mark", sorted(BAD))
@pytest.mark.parametrize(("then", "state"), [("keep", SampleState.ARRIVED), ("leave_out", SampleState.LEFT_OUT)])
def test_after_the_last_resample_the_rule_for_that_holds(db, server, *, mark, then, state):
    study = draft(server, systems=("plain",), prompts=1, lanes=1)
    server.script = [BAD[mark]] * 3

    made = run(study, samples=1, rules={mark: "resample", "most_resamples": 2, "then": then})

    sample = made.samples.get()
    assert (made.state, sample.state, sample.mark) == (GenerationState.DONE, state, mark)
    assert len(sample.answers) == (2 if then == "keep" else 3)
    assert outputs(study).count() == (1 if then == "keep" else 0)


@pytest.mark.parametrize("mark", sorted(BAD))
def test_answers_are_left_out_by_rule_with_their_text_and_may_be_asked_for_again(db, server, mark):
    study = draft(server, systems=("plain",), prompts=1)
    server.script = [BAD[mark]]
    made = run(study, samples=1, rules={mark: "leave_out"})
    left = made.samples.get()

    generating.retry_failed(generation=made, left_out=True)
    go_on(made)

    assert (left.state, left.answers[0]["text"]) == (SampleState.LEFT_OUT, BAD[mark]["message"]["content"])
    again = made.samples.get()
    assert (again.state, len(again.answers), again.answers[0]["earlier"]) == (SampleState.ARRIVED, 1, True)


@pytest.mark.parametrize(
    ("rules", "word"),
    [
        ({"refusal": "burn"}, "refusal"),
        ({"then": "resample"}, "then"),
        ({"most_resamples": 0}, "most_resamples"),
        ({"mood": "keep"}, "mood"),
    ],
)
def test_wrong_rule_is_refused_by_name(study, rules, word):
    with pytest.raises(NotReady, match=word):
        generating.request_generation(study=study, samples=1, rules=rules)

    assert not Generation.objects.exists()


def test_text_that_no_database_holds_comes_in_all_the_same(db, server):
    study = draft(server, systems=("plain",), prompts=1)
    server.script = [said("one\r\ntwo\0three \ud83d")]

    run(study, samples=1)

    assert outputs(study).get().text == "one\ntwo\N{REPLACEMENT CHARACTER}three ?"
