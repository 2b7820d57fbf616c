"""A study's path is read strictly: what is unusual is refused, and the error names the place."""

from __future__ import annotations

import copy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from annotations.blind import Field, Option
from annotations.domain.path import check_against, is_eligible, parse_path, read_fields, read_quiz
from annotations.enums import Outcome, Step
from annotations.errors import NotReady
from tests.annotations.factories import QuestionFactory, questionnaire
from tests.annotations.paths import FULL


def test_nothing_is_consent_and_instructions():
    path = parse_path({})

    assert path.steps == {Step.CONSENT, Step.INSTRUCTIONS}
    assert (path.withdrawal, path.ending, path.break_every) == ("erase", "code", 0)


def test_full_path_is_read():
    path = parse_path(FULL)

    assert path.steps == {
        Step.ELIGIBILITY,
        Step.CONSENT,
        Step.QUESTIONNAIRE,
        Step.INSTRUCTIONS,
        Step.QUIZ,
        Step.PRACTICE,
        Step.COMMENTS,
        Step.DEBRIEFING,
    }
    assert path.eligibility[0].eligible_range == (18, None)
    assert path.questionnaire[1].options == (Option("en", "English"), Option("de", "German"))
    assert path.codes == {Outcome.DECLINED: "NOTHANKS", Outcome.SCREENED_OUT: "OUT", Outcome.FAILED_QUIZ: "QUIZ"}


def changed(place, value):
    path = copy.deepcopy(FULL)
    inside = path
    for name in place[:-1]:
        inside = inside[name]
    inside[place[-1]] = value
    return path


WRONG = [
    (("surveys",), {}, "Path: does not know 'surveys'."),
    (("quiz",), [], "Path, quiz: must be an object, not [] ."),
    (("quiz", "on"), "yes", "Path, quiz: 'on' must be true or false, not 'yes'."),
    (("quiz", "attempts"), 0, "Path, quiz, attempts: must be a number from 1 to 10, not 0."),
    (("quiz", "questions"), [], "Path, quiz: is on but empty"),
    (("quiz", "questions", 0, "correct"), ["grammar"], "Path, quiz, question 1 (what): 'correct' must name"),
    (("questionnaire", "fields", 1, "options"), [], "field 2 (tongues): needs at least two options"),
    (("questionnaire", "fields", 1, "key"), "Tongues!", "Path, questionnaire, field 2: 'key' is a word"),
    (("questionnaire", "fields", 1, "key"), "gender", "Path, questionnaire: has two entries with the same key"),
    (("questionnaire", "fields", 2, "type"), "date", "field 3 (years), type: must be one of choice, multiple"),
    (("questionnaire", "fields", 2, "eligible"), {"min": 3}, "only the eligibility screen may screen people out"),
    (("questionnaire", "fields", 3, "min"), 3, "only numbers and scales have 'min' and 'max'"),
    (("questionnaire", "fields", 4, "max"), 40, "a scale has 2 to 11 points"),
    (("eligibility", "fields", 1, "eligible"), ["maybe"], "names answers that are not offered: maybe"),
    (("breaks", "every"), "often", "Path, breaks, every: must be a number"),
    (("consent", "pdf"), "x.pdf", "Path, consent, pdf: there is no such uploaded PDF."),
    (("consent", "withdrawal"), "never", "must be one of erase, anonymise"),
    (("ending", "codes"), {"abducted": "X"}, "Path, ending, codes: does not know 'abducted'."),
    (("files",), [{"name": "../../etc/passwd"}], "is not the name of an uploaded file"),
]


@pytest.mark.parametrize(("place", "value", "words"), WRONG)
def test_what_is_wrong_is_named(place, value, words):
    with pytest.raises(NotReady) as caught:
        parse_path(changed(place, value))

    assert words.replace("[] .", "[].") in str(caught.value)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=5),
        lambda x: (
            st.lists(x, max_size=3)
            | st.dictionaries(st.sampled_from([*FULL, "on", "fields", "text", "every", "key", "type"]), x, max_size=4)
        ),
        max_leaves=8,
    )
)
def test_any_json_is_read_or_refused_in_words(raw):
    said = "Path"
    try:
        parse_path(raw)
    except NotReady as error:
        said = str(error)

    assert said.startswith("Path")


MISFITS = [
    ("surprise", {}, "expects an answer on 'originality', which the study does not ask"),
    ("originality", {"expected": {"originality": ["9"]}}, "'9' is no possible answer on 'originality'"),
    ("originality", {"texts": ["a", "b", "c"]}, "has 3 texts"),
]


@pytest.mark.parametrize(("asked", "change", "words"), MISFITS)
def test_practice_must_fit_the_questions(asked, change, words):
    path = parse_path(changed(("practice", "trials", 0), FULL["practice"]["trials"][0] | change))

    with pytest.raises(NotReady, match=words):
        check_against(path, questionnaire(QuestionFactory(key=asked)))


def test_texts_are_translated_by_keys_of_their_own():
    seen = {}

    def translate(key, text):
        seen[key] = text
        return text.upper()

    path = parse_path(FULL, translate=translate)

    assert path.questionnaire[0].label == "GENDER"
    assert seen["quiz.what.explanation"] == "Only the ideas count."
    assert seen["questionnaire.gender.options.f"] == "Woman"
    assert seen["consent.boxes.1"] == "I am 18 or older."


AGE = Field("age", "number", "Age", minimum=0, maximum=120, eligible_range=(18, 99))
NOTE = Field("note", "text", "Note", required=False)
SIDES = Field("sides", "multiple", "Sides", options=(Option("a", "A"), Option("b", "B")), may_skip=True)


@pytest.mark.parametrize(
    ("sent", "values", "wrong"),
    [
        ({"age": ("34",), "sides": ("b", "a")}, {"age": 34, "sides": ["a", "b"]}, []),
        ({"age": ("34,5",), "sides.skip": ("1",)}, {"age": 34.5, "sides": None}, []),
        ({"age": ("",), "sides": ()}, {}, ["age", "sides"]),
        ({"age": ("121",), "sides": ("c",)}, {}, ["age", "sides"]),
        ({"age": ("nan",), "sides": ("a",)}, {"sides": ["a"]}, ["age"]),
        ({"age": ("1e400",), "sides": ("a",), "note": (" hi ",)}, {"sides": ["a"], "note": "hi"}, ["age"]),
    ],
)
def test_fields_are_read_by_their_rules(sent, values, wrong):
    read, problems = read_fields((AGE, NOTE, SIDES), sent)

    assert (read, [problem.key for problem in problems]) == (values, wrong)


@pytest.mark.parametrize(("age", "may"), [(17, False), (18, True), (99, True), (100, False), (None, False)])
def test_who_is_eligible(age, may):
    assert is_eligible((AGE,), {"age": age}) is may


def test_quiz_tells_wrong_from_missing():
    question = parse_path(FULL).quiz[0]

    assert read_quiz((question,), {"what": ("ideas",)}) == ({"what": ["ideas"]}, (), ())
    assert read_quiz((question,), {"what": ("spelling",)})[1] == ("what",)
    assert [problem.key for problem in read_quiz((question,), {"what": ("nonsense",)})[2]] == ["what"]
