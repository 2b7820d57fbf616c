"""What simulated raters think: answers that mean on the wire what was drawn, and draws that follow from names alone."""

from statistics import mean

import pytest
from django.http import QueryDict

from analysis.simulate import PlantedTruth, SimulatedPopulation
from annotations.blind import Question, Questionnaire
from annotations.forms.rows import rows_html
from annotations.forms.trial import read_answers
from annotations.management.simulation.bad_minds import Habit
from annotations.management.simulation.minds import CannotAnswer, Known, Mind, scale_of
from annotations.management.simulation.pages import Row, ShownTrial, read_page
from annotations.registry import question_types

PLAIN = {"output_sd": 0.0, "prompt_system_sd": 0.0, "rater_system_sd": 0.0, "side_bias": 0.0}
LIBRARY = {
    ("Prompt", "good"): Known("steered", "p/steered/0"),
    ("Prompt", "dull"): Known("baseline", "p/baseline/0"),
    ("Check", "choose me"): Known("attention-check", "c/attention-check/0", asked=True),
    ("Check", "not me"): Known("attention-check", "c/attention-check/1", asked=False),
}
GRADED = [Row("originality", values=("1", "2", "3", "4", "5"))]


def options_of(kind):
    found = [kind.clean_options({})]
    found += [kind.clean_options({"tie": True})] if kind.measure == "pairwise_choice" else []
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


@pytest.mark.parametrize("name", question_types.names())
def test_mind_answers_every_question_type_so_that_the_server_takes_it(name):
    """A contract of every question type, through the rows that its own template writes."""
    kind = question_types.get(name)
    outputs = max(kind.outputs[0], 1)
    options = kind.clean_options({})
    question = Question("x", "original", "What it means.", name, options)
    page = read_page(
        f"<form>{rows_html(Questionnaire(f'{name}-1', 'How', (question,)), outputs=outputs, order=())}</form>"
    )
    texts = tuple(f"text {place}" for place in range(outputs))
    library = {("P", text): Known(f"s{at}", f"p/s{at}/0") for at, text in enumerate(texts)}
    mind = Mind("r1", SimulatedPopulation(PlantedTruth(effects={}), 1), library)

    sent = mind.answers(ShownTrial("t", 1, 9, "P", texts), page.rows)

    post = QueryDict(mutable=True)
    for field, value in sent.items():
        post.setlist(field, value if isinstance(value, list) else [value])
    assert kind.read(read_answers(post)["x"], options, outputs=outputs) is not None


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
    with pytest.raises(CannotAnswer, match="trial 4 shows something else than texts of this study"):
        make_mind().answers(shown("good", "unheard of", number=4), GRADED)


SLIDERS = [
    Row("originality", "1", "slider", span=(0.0, 100.0, 1.0)),
    Row("originality", "2", "slider", span=(0, 100, 1)),
]
RANKS = [Row("originality", str(place), "ranking", span=(1.0, 2.0, 1.0)) for place in (1, 2)]
VERDICT = [Row("originality", "1", "yes_no", values=("yes", "no"))]


def test_mind_gives_the_better_text_the_better_rating_in_every_kind_of_row():
    mind = make_mind(rater_sd=0.0, prompt_sd=0.0)

    slid = mind.answers(shown("dull", "good"), SLIDERS)
    ranked = mind.answers(shown("dull", "good"), RANKS)
    verdicts = [make_mind(f"r{n}", prompt_sd=0.0).answers(shown("good"), VERDICT) for n in range(20)]

    assert int(slid["answer-originality.2"]) > int(slid["answer-originality.1"])
    assert ranked == {"answer-originality.1": "2", "answer-originality.2": "1"}
    assert [one["answer-originality.1"] for one in verdicts].count("yes") >= 19  # eight logits; 0.03% say no


@pytest.mark.parametrize(("text", "slid"), [("choose me", "100"), ("not me", "0")])
def test_mind_goes_to_the_end_of_a_slider_when_asked_to(text, slid):
    answers = make_mind().answers(shown(text, prompt="Check"), SLIDERS[:1])

    assert answers == {"answer-originality.1": slid}


def test_mind_puts_a_broken_text_behind_a_real_one_on_either_side():
    library = {**LIBRARY, ("Prompt", "dlul"): Known("attention-check", "degraded-1/attention-check/0", asked=False)}
    mind = Mind("r1", SimulatedPopulation(PlantedTruth(effects={}), 1), library)

    assert mind.answers(shown("dlul", "good"), GRADED) == {"answer-originality": "5"}
    assert mind.answers(shown("good", "dlul"), GRADED) == {"answer-originality": "1"}


def test_habit_has_the_last_word_and_sets_the_pace():
    habit = Habit("straight_liner", hasty=True, strays=0.0, place=1.0)
    mind = Mind("r1", SimulatedPopulation(PlantedTruth(effects={}), 1), LIBRARY, habit=habit)

    answers = [mind.answers(shown("good", "dull", number=n), GRADED)["answer-originality"] for n in range(1, 30)]

    assert set(answers) == {"1"}  # the highest score: the left text much more
    assert mind.timing(shown("word " * 300, "word " * 300), rows=3)["t_submit"] < 70_000  # at most 5 s, and one pause


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
