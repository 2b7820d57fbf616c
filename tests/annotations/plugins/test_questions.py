"""Question types: options refused in a sentence, answers that go round, and nothing impossible that is ever stored."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis import schema
from annotations.errors import AnswerError
from annotations.registry import LETTERS, Scored, question_types

PARTS = st.sampled_from(["", "1", "2", "3", "4", "best", "worst", "reason", "note", "x"])
WIRE = "0123456789abest-²٥\0\r\n "
ANSWERS = ["1", "2", "3", "4", "5", "a", "b", "tie", "yes", "no", "50", "-5"]
VALUES = st.text(WIRE, max_size=8) | st.sampled_from(ANSWERS)
RAW = st.dictionaries(PARTS, st.lists(VALUES, max_size=3).map(tuple), max_size=6)


def kind_of(name, **options):
    kind = question_types.get(name)
    return kind, kind.clean_options(options)


def read(name, raw, *, outputs=2, **options):
    kind, clean = kind_of(name, **options)
    return kind.read(raw, clean, outputs=outputs)


def parts(*values):
    return {str(place): (value,) for place, value in enumerate(values, start=1)}


@pytest.mark.parametrize(
    ("name", "options", "words"),
    [
        ("forced_choice", {"tie": 1}, "'tie' takes true or false, not 1"),
        ("forced_choice", {"ties": True}, "no option 'ties'; it takes tie"),
        ("graded_preference", {"levels": 6}, "'levels' takes one of 5, 7, not 6"),
        ("graded_preference", {"levels": 5.0}, "'levels' takes one of 5, 7"),
        ("choice_with_reasons", {"reasons": []}, "'reasons' needs at least one"),
        ("choice_with_reasons", {"reasons": ["x"] * 2}, "'reasons' takes a list of at most 8 different texts"),
        ("choice_with_reasons", {"reasons": ["x"], "at_least": 2}, "'at_least' asks for 2 of 1 reasons"),
        ("likert", {"points": 1}, "'points' takes a whole number from 2 to 11, not 1"),
        ("likert", {"points": True}, "'points' takes a whole number"),
        ("likert", {"labels": ["x", "y"]}, "'labels' has 2 labels for 5 points"),
        ("likert", {"low": "same", "high": "same"}, "'low' and 'high' are the same"),
        ("likert", {"low": "x" * 61}, "'low' takes a text of at most 60"),
        ("slider", {"low": 5, "high": 5}, r"'high' \(5\) must be more than 'low'"),
        ("slider", {"step": 3}, r"'step' \(3\) does not lead from 0 to 100"),
        ("slider", {"start": 101}, r"'start_at' \(101\) is no position"),
        ("slider", {"start": "left"}, "'start' takes one of none, fixed, random"),
        ("yes_no", {"yes": "so", "no": "So"}, "'yes' and 'no' are the same word"),
        ("ranking", {"ties": "yes"}, "'ties' takes true or false"),
        ("best_worst", {"best": "x", "worst": "X"}, "'best' and 'worst' are the same word"),
        ("free_text", {"least": 9, "most": 8}, r"'least' \(9\) is more than 'most'"),
        ("free_text", {"most": 10_001}, "'most' takes a whole number from 1 to 10,000"),
    ],
)
def test_wrong_options_are_refused_in_a_sentence_that_names_them(name, options, words):
    with pytest.raises(ValueError, match=words):
        kind_of(name, **options)


@pytest.mark.parametrize("kind", list(question_types), ids=lambda kind: kind.name)
def test_every_option_has_a_label_and_a_default_that_is_allowed(kind):
    assert kind.about
    for option in kind.takes:
        assert option.label
        assert option.clean(option.default) == kind.clean_options({})[option.name]


@pytest.mark.parametrize(
    ("name", "raw", "outputs", "options", "stored", "rows"),
    [
        ("forced_choice", {"": ("b",)}, 2, {}, "b", [(0, 0.0)]),
        ("graded_preference", {"": ("5",)}, 2, {}, -2, [(0, -2.0)]),
        ("likert", parts("3", "5"), 2, {}, [3, 5], [(1, 3.0), (2, 5.0)]),
        ("likert", parts("11"), 1, {"points": 11}, [11], [(1, 11.0)]),
        ("slider", parts("0", "100", "37"), 3, {}, [0, 100, 37], [(1, 0.0), (2, 100.0), (3, 37.0)]),
        ("slider", parts("-5"), 1, {"low": -10, "high": 0, "step": 5, "start": "none"}, [-5], [(1, -5.0)]),
        ("yes_no", parts("yes", "no"), 2, {}, ["yes", "no"], [(1, 2.0), (2, 1.0)]),
        ("ranking", parts("2", "1", "3"), 3, {}, [2, 1, 3], [(1, 2.0), (2, 1.0), (3, 3.0)]),
        ("ranking", parts("1", "2", "2", "3"), 4, {"ties": True}, [1, 2, 2, 4], None),
        ("ranking", parts("4", "4", "4", "4"), 4, {"ties": True}, [1, 1, 1, 1], None),
        ("best_worst", {"best": ("3",), "worst": ("1",)}, 4, {}, [3, 2, 1, 2], [(1, 3), (2, 2), (3, 1), (4, 2)]),
        ("free_text", {"": (" a\r\nb\0\r",)}, 1, {"least": 3}, "a\nb", []),
        ("free_text", {}, 1, {"least": 0}, "", []),
        (
            "choice_with_reasons",
            {"": ("a",), "reason": ("3", "1"), "note": ("never asked for",)},
            2,
            {},
            {"choice": "a", "reasons": ["New idea", "Vivid detail"], "note": ""},
            [(0, 1.0)],
        ),
    ],
)
def test_answer_is_read_stored_and_scored(  # noqa: PLR0917 - a table
    name, raw, outputs, options, stored, rows
):
    kind, clean = kind_of(name, **options)

    value = kind.read(raw, clean, outputs=outputs)

    assert value == stored
    if rows is not None:
        assert kind.rows(value, clean, outputs=outputs) == tuple(Scored(*row) for row in rows)


@pytest.mark.parametrize(
    ("name", "raw", "outputs", "options"),
    [
        ("likert", parts("3"), 2, {}),
        ("likert", parts("6"), 1, {}),
        ("likert", parts("03"), 1, {}),
        ("slider", parts(""), 1, {"start": 50}),
        ("slider", parts("101"), 1, {}),
        ("slider", parts("3"), 1, {"step": 5}),
        ("slider", parts("5.0"), 1, {}),
        ("slider", parts("٥"), 1, {}),
        ("yes_no", parts("Yes"), 1, {}),
        ("ranking", parts("1", "1", "3"), 3, {}),
        ("ranking", parts("1", "2", "4"), 3, {"ties": True}),
        ("ranking", parts("1", "2"), 3, {"ties": True}),
        ("ranking", parts("0", "1", "2"), 3, {"ties": True}),
        ("best_worst", {"best": ("1",), "worst": ("1",)}, 3, {}),
        ("best_worst", {"best": ("1",)}, 3, {}),
        ("best_worst", {"best": ("4",), "worst": ("1",)}, 3, {}),
        ("free_text", {"": ("   ab   ",)}, 1, {"least": 3}),
        ("free_text", {"": ("abcd",)}, 1, {"least": 0, "most": 3}),
        ("choice_with_reasons", {"": ("a",)}, 2, {}),
        ("choice_with_reasons", {"": ("a",), "reason": ("6",)}, 2, {}),
        ("choice_with_reasons", {"": ("tie",), "reason": ("1",)}, 2, {}),
        ("choice_with_reasons", {"reason": ("1",)}, 2, {}),
        (
            "choice_with_reasons",
            {"": ("a",), "reason": ("1",), "note": ("abcd",)},
            2,
            {"note": True, "longest_note": 3},
        ),
    ],
)
def test_impossible_answer_is_refused(name, raw, outputs, options):
    with pytest.raises(AnswerError):
        read(name, raw, outputs=outputs, **options)


@pytest.mark.parametrize(
    ("name", "value", "outputs", "first"),
    [
        ("forced_choice", "a", 2, 1),
        ("forced_choice", "b", 2, 2),
        ("forced_choice", "tie", 2, None),
        ("graded_preference", 1, 2, 1),
        ("graded_preference", 0, 2, None),
        ("graded_preference", -2, 2, 2),
        ("choice_with_reasons", {"choice": "b", "reasons": [], "note": ""}, 2, 2),
        ("likert", [3, 5], 2, 2),
        ("likert", [5, 5], 2, None),
        ("likert", [5], 1, None),
        ("slider", [10, 9, 2], 3, 1),
        ("yes_no", ["no", "yes"], 2, 2),
        ("ranking", [3, 1, 2], 3, 2),
        ("ranking", [1, 1, 3], 3, None),
        ("best_worst", [2, 2, 1, 3], 4, 3),
        ("free_text", "text", 2, None),
    ],
)
def test_favoured_output_is_the_one_put_clearly_first(name, value, outputs, first):
    kind, clean = kind_of(name)

    assert kind.favoured(value, clean, outputs=outputs) == first


@given(raw=RAW, outputs=st.integers(1, 4))
@pytest.mark.parametrize("name", question_types.names())
def test_whatever_is_sent_is_refused_or_stored_as_a_possible_answer(name, raw, outputs):
    kind, clean = kind_of(name)
    outputs = min(max(outputs, kind.outputs[0]), kind.outputs[1])

    try:
        value = kind.read(raw, clean, outputs=outputs)
    except AnswerError:
        return
    rows = kind.rows(value, clean, outputs=outputs)

    assert json.loads(json.dumps(value)) == value
    assert "\\u0000" not in json.dumps(value)
    assert {row.slot for row in rows} <= set(range(outputs + 1))
    levels = kind.levels_of(clean, outputs=outputs)
    if kind.measure in {"ordinal", "ranking"}:
        assert all(row.answer == round(row.answer) and 1 <= row.answer <= levels for row in rows)
        assert len(rows) == outputs


@given(order=st.permutations(range(1, 21)), outputs=st.integers(2, 20))
def test_every_order_of_any_number_of_outputs_goes_round(order, outputs):
    ranks = [rank for rank in order if rank <= outputs]

    value = read("ranking", parts(*map(str, ranks)), outputs=outputs)

    assert value == ranks


@given(ranks=st.lists(st.integers(1, 20), min_size=20, max_size=20), outputs=st.integers(2, 20))
def test_ties_share_the_first_of_their_ranks(ranks, outputs):
    given = [min(rank, outputs) for rank in ranks[:outputs]]

    value = read("ranking", parts(*map(str, given)), outputs=outputs, ties=True)

    assert min(value) == 1
    pairs = [(a, b) for a in range(outputs) for b in range(outputs)]
    assert all((given[a] < given[b]) == (value[a] < value[b]) for a, b in pairs)
    assert all(rank == 1 + sum(other < rank for other in value) for rank in value)


@given(text=st.text(max_size=60), least=st.integers(0, 20), more=st.integers(1, 20))
def test_free_text_is_kept_between_its_lengths(text, least, more):
    kind, clean = kind_of("free_text", least=least, most=least + more)

    try:
        value = kind.parse(text, clean)
    except AnswerError:
        assert not least <= len(text.strip().replace("\0", "").strip()) <= least + more or "\r" in text or "\0" in text
    else:
        assert least <= len(value) <= least + more
        assert kind.parse(value, clean) == value


@pytest.mark.parametrize("kind", list(question_types), ids=lambda kind: kind.name)
def test_lines_and_keys_of_every_number_of_outputs_are_told_apart(kind):
    clean = kind.clean_options({})

    for outputs in range(kind.outputs[0], kind.outputs[1] + 1):
        lines = kind.lines(clean, outputs=outputs)
        shortcuts = kind.shortcuts(clean, outputs=outputs)
        assert len({line.part for line in lines}) == len(lines) == (outputs if kind.per_output else len(lines))
        assert all(shortcut.keys and shortcut.words for shortcut in shortcuts)
        if kind.per_output and outputs > 1:
            assert [line.letter for line in lines] == list(LETTERS[:outputs])


def test_columns_of_the_long_table_know_every_measure_that_has_rows():
    assert {kind.measure for kind in question_types} - {"text"} <= set(schema.MEASURES)
