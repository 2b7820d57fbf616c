"""What simulated raters think: answers that mean on the wire what was drawn, and draws that follow from names alone."""

from statistics import mean

import pytest

from analysis.simulate import PlantedTruth, SimulatedPopulation
from annotations.management.simulation.minds import CannotAnswer, Known, Mind, scale_of
from annotations.management.simulation.pages import ShownTrial
from annotations.registry import question_types

PLAIN = {"output_sd": 0.0, "prompt_system_sd": 0.0, "rater_system_sd": 0.0, "side_bias": 0.0}
LIBRARY = {
    ("Prompt", "good"): Known("steered", "p/steered/0"),
    ("Prompt", "dull"): Known("baseline", "p/baseline/0"),
    ("Check", "choose me"): Known("attention-check", "c/attention-check/0", asked=True),
    ("Check", "not me"): Known("attention-check", "c/attention-check/1", asked=False),
}
GRADED = {"answer-originality": ["1", "2", "3", "4", "5"]}


def options_of(kind):
    found = [kind.clean_options({})]
    found += [kind.clean_options({"tie": True})] if kind.name == "forced_choice" else []
    if kind.name == "graded_preference":
        found += [kind.clean_options({"levels": n, "midpoint": mid}) for n in (5, 7) for mid in (True, False)]
    return found


def make_mind(name="sim-1-0001", *, seed=1, drop_out=0.0, **truth):
    truth = PlantedTruth(**{"effects": {"originality": {"steered": 8.0}}, **PLAIN, **truth})
    return Mind(name, SimulatedPopulation(truth, seed), LIBRARY, drop_out)


def shown(*texts, prompt="Prompt", number=1):
    return ShownTrial("token", number, 20, prompt, texts)


@pytest.mark.parametrize("name", question_types.names())
def test_scale_of_means_what_the_question_type_stores(name):
    """A contract of every pairwise question type: position on the page, stored value and score agree."""
    kind = question_types.get(name)
    if not kind.measure.startswith("pairwise"):
        pytest.skip("simulated raters answer pairwise questions")
    for options in options_of(kind):
        values = [choice.value for choice in kind.choices(options)]

        measure, scores = scale_of("answer-x", values)

        assert measure == kind.measure
        assert scores == [kind.score(kind.parse(value, options), options) for value in values]


@pytest.mark.parametrize("values", [["0", "1"], ["yes", "no"], ["1"], []])
def test_scale_of_refuses_rows_that_it_does_not_understand(values):
    with pytest.raises(CannotAnswer, match="how to answer 'x'"):
        scale_of("answer-x", values)


def test_mind_prefers_the_better_text_on_either_side():
    mind = make_mind()

    assert mind.answers(shown("good", "dull"), GRADED) == {"answer-originality": "1"}
    assert mind.answers(shown("dull", "good"), GRADED) == {"answer-originality": "5"}


@pytest.mark.parametrize(("texts", "value"), [(("choose me", "not me"), "1"), (("not me", "choose me"), "5")])
def test_mind_obeys_an_attention_check(texts, value):
    assert make_mind().answers(shown(*texts, prompt="Check"), GRADED) == {"answer-originality": value}


def test_mind_that_always_lapses_answers_attention_checks_evenly():
    """200 draws over five answers: mean 3 ± 0.3 (3 s.e.)."""
    answers = [
        int(
            make_mind(f"r{n}", lapse_rate=1.0).answers(shown("choose me", "not me", prompt="Check"), GRADED)[
                "answer-originality"
            ]
        )
        for n in range(200)
    ]

    assert set(answers) == {1, 2, 3, 4, 5}
    assert mean(answers) == pytest.approx(3, abs=0.3)


def test_mind_draws_anew_for_a_repeated_trial_and_alike_for_the_same_one():
    minds = [make_mind(f"r{n}", effects={}) for n in range(50)]

    first = [mind.answers(shown("good", "dull"), GRADED) for mind in minds]
    again = [mind.answers(shown("good", "dull"), GRADED) for mind in minds]
    repeat = [mind.answers(shown("good", "dull", number=15), GRADED) for mind in minds]

    assert first == again
    assert first != repeat


def test_mind_refuses_texts_of_another_study():
    with pytest.raises(CannotAnswer, match="trial 4 does not show two texts of this study"):
        make_mind().answers(shown("good", "unheard of", number=4), GRADED)


@pytest.mark.parametrize(("share", "expected"), [(0.0, 0), (1.0, 400)])
def test_mind_leaves_at_a_trial_drawn_evenly(share, expected):
    """400 draws from 1 … 20: mean 10.5 ± 0.9 (3 s.e.)."""
    leaves = [make_mind(f"r{n}", drop_out=share).leaves_at(20) for n in range(400)]

    stays = [trial for trial in leaves if trial is not None]
    assert len(stays) == expected
    if stays:
        assert set(stays) == set(range(1, 21))
        assert mean(stays) == pytest.approx(10.5, abs=0.9)


def test_mind_needs_longer_for_longer_texts_and_always_the_same_time():
    mind = make_mind()
    short, long = shown("one two three", "four five"), shown("word " * 200, "word " * 200)

    assert mind.timing(long, rows=3)["t_first"] > mind.timing(short, rows=3)["t_first"]
    assert mind.timing(short, rows=3) == make_mind().timing(short, rows=3)


def test_mind_measures_times_that_the_server_keeps():
    from annotations.forms.trial import read_timing

    for number in range(300):
        sent = make_mind(f"r{number}").timing(shown("good", "dull"), rows=3)

        kept = read_timing({name: str(value) for name, value in sent.items()})

        assert (kept.first_answer_ms, kept.submit_ms) == (sent["t_first"], sent["t_submit"])
        assert (kept.hidden_ms, kept.idle_ms) == (sent["t_hidden"], sent["t_idle"])
