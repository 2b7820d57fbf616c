"""The long table: what is accepted, what is refused, and how a refusal reads."""

import numpy as np
import pandas as pd
import pytest

from analysis import schema

ROW = {
    "judgement": "j1",
    "rater": "r1",
    "prompt": "p1",
    "dimension": "originality",
    "measure": "pairwise_choice",
    "system_a": "A",
    "output_a": "p1/A",
    "system_b": "B",
    "output_b": "p1/B",
    "answer": 1.0,
    "levels": 2,
    "position": 1,
    "seconds": 3.0,
}
SLIDER = {"measure": "interval", "dimension": "fluency", "answer": 63.5, "levels": 0, "system_b": "", "output_b": ""}
LIKERT = {"measure": "ordinal", "dimension": "wit", "answer": 4, "levels": 5, "system_b": "", "output_b": ""}
RANK = {"measure": "ranking", "dimension": "preference", "answer": 1, "levels": 3, "system_b": "", "output_b": ""}
VERDICT = {"measure": "nominal", "dimension": "moral", "answer": 2, "levels": 2, "system_b": "", "output_b": ""}
GRADED = {"measure": "pairwise_graded", "levels": 5, "dimension": "surprise"}


def frame(*changes):
    return pd.DataFrame([{**ROW, "judgement": f"j{i}", **change} for i, change in enumerate(changes)])


def issues(*changes):
    with pytest.raises(schema.SchemaError) as caught:
        schema.validate(frame(*changes))
    return [(issue.row, issue.column) for issue in caught.value.issues]


def test_validate_returns_all_columns_in_order_with_their_types():
    table = schema.validate(frame({}))

    assert tuple(table.columns) == schema.NAMES
    assert {name: str(kind) for name, kind in table.dtypes.items()} == {c.name: c.dtype for c in schema.COLUMNS}


def test_validate_fills_defaults_and_leaves_out_unknown_columns():
    table = schema.validate(frame({"comment": "x"}).drop(columns=["position", "seconds"]))

    assert "comment" not in table
    assert table.loc[0, ["kind", "position", "late", "excluded", "task_family"]].tolist() == [
        "main",
        1,
        False,
        False,
        "",
    ]
    assert np.isnan(table.loc[0, "seconds"])


def test_empty_has_the_types_of_a_valid_table():
    assert schema.empty().dtypes.equals(schema.validate(frame({})).dtypes)


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_a_table_survives_writing_and_reading(tmp_path, study, ending):
    path = tmp_path / f"judgements.{ending}"

    schema.write(study, path)

    pd.testing.assert_frame_equal(schema.read(path), study)


@pytest.mark.parametrize(
    ("change", "column"),
    [
        ({"rater": ""}, "rater"),
        ({"rater": None}, "rater"),
        ({"kind": "pilot"}, "kind"),
        ({"measure": "choice"}, "measure"),
        ({"position": 0}, "position"),
        ({"position": 1.5}, "position"),
        ({"seconds": -1}, "seconds"),
        ({"seconds": "fast"}, "seconds"),
        ({"system_b": ""}, "system_b"),
        ({"output_b": "p1/A", "system_b": "A"}, "output_b"),
        ({"answer": 2}, "answer"),
        ({"answer": 0.5}, "answer"),
        ({"answer": None}, "answer"),
        ({"answer": "left"}, "answer"),
        ({"levels": 5}, "levels"),
        ({"levels": 1, **{k: v for k, v in GRADED.items() if k != "levels"}}, "levels"),
        ({**GRADED, "answer": 3}, "answer"),
        ({**GRADED, "answer": 0.5}, "answer"),
        ({**GRADED, "levels": 4, "answer": 0}, "answer"),
        ({"excluded": "perhaps"}, "excluded"),
        ({"output_a": "p1/B2", "system_a": "A", "output_b": "p1/B", "system_b": "C"}, "output_b"),
        ({"levels": 3}, "levels"),
        ({"judgement": "j0"}, "judgement"),
        ({"judgement": "j0", "dimension": "wit", "rater": "r2"}, "judgement"),
        ({**LIKERT, "answer": 6}, "answer"),
        ({**LIKERT, "answer": 0}, "answer"),
        ({**LIKERT, "answer": 2.5}, "answer"),
        ({**LIKERT, "levels": 1, "answer": 1}, "levels"),
        ({**LIKERT, "system_b": "B", "output_b": "p1/B"}, "system_b"),
        ({**RANK, "answer": 4}, "answer"),
        ({**SLIDER, "output_b": "p1/B"}, "output_b"),
        ({**SLIDER, "system_b": "B"}, "output_b"),
        ({"length_a": -1}, "length_a"),
        ({"length_b": "long"}, "length_b"),
        ({"slot": -1}, "slot"),
        ({"round": -1}, "round"),
        ({"round": 1.5}, "round"),
        ({**VERDICT, "answer": 0}, "answer"),
        ({**VERDICT, "answer": 1.5}, "answer"),
    ],
)
def test_fault_is_refused_with_its_row_and_column(change, column):
    assert (3, column) in issues({}, change)


@pytest.mark.parametrize(
    "change",
    [
        {"answer": 0.5, "levels": 3},
        {**GRADED, "answer": -2},
        {**GRADED, "answer": 0},
        {**GRADED, "levels": 4, "answer": 2},
        SLIDER,
        {**SLIDER, "levels": 101},
        {**SLIDER, "system_b": "B", "output_b": "p1/B", "answer": -12.5},
        LIKERT,
        RANK,
        {"length_a": 812, "length_b": None},
        {"late": "TRUE", "excluded": "1"},
        {"excluded": True, "exclusion_reason": "too fast", "exclusion_checks": "speed;attention"},
        {"round": 3},
        VERDICT,
    ],
)
def test_legal_row_is_accepted(change):
    assert len(schema.validate(frame(change))) == 1


def test_missing_columns_are_all_named():
    with pytest.raises(schema.SchemaError) as caught:
        schema.validate(frame({}).drop(columns=["rater", "answer"]))

    assert [issue.column for issue in caught.value.issues] == ["rater", "answer"]


def test_message_says_where_and_what_to_do(tmp_path):
    path = tmp_path / "bad.csv"
    frame({}, {"answer": 0.5}).to_csv(path, index=False)

    with pytest.raises(schema.SchemaError) as caught:
        schema.read(path)

    assert str(caught.value).splitlines() == [
        "bad.csv is not a valid table of judgements (1 faults; the header is row 1):",
        "  row 3, column 'answer': a tie needs levels = 3",
    ]


def test_many_faults_are_counted_and_the_first_are_shown():
    with pytest.raises(schema.SchemaError) as caught:
        schema.validate(frame(*[{"rater": ""}] * 80))

    assert len(caught.value.issues) == 80
    assert str(caught.value).splitlines()[-1] == "  … and 30 more"


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("absent.csv", None),
        ("empty.csv", b""),
        ("header.csv", ",".join(ROW).encode()),
        ("latin.csv", b"judgement,rater\nj1,\xff\xfe\n"),
        ("broken.parquet", b"PAR1 and then nothing"),
    ],
)
def test_unreadable_file_is_refused_by_name(tmp_path, name, content):
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)

    with pytest.raises(schema.SchemaError, match=name.split(".", maxsplit=1)[0]):
        schema.read(path)


def test_single_stimuli_need_no_columns_of_a_second_output():
    table = schema.validate(frame(SLIDER).drop(columns=["system_b", "output_b", "levels"]))

    assert table.loc[0, ["system_b", "output_b", "levels"]].tolist() == ["", "", 0]


def test_ranking_has_one_row_per_output_of_a_judgement():
    rows = [
        {**RANK, "judgement": "j", "output_a": f"p1/{name}", "system_a": name, "answer": rank}
        for rank, name in enumerate("ABC", start=1)
    ]

    assert len(schema.validate(frame(*rows))) == 3
    assert issues(*rows, rows[0]) == [(5, "judgement")]


def test_outputs_of_one_trial_may_each_have_a_row():
    left = {**SLIDER, "judgement": "j", "slot": 1}
    right = {**left, "system_a": "B", "output_a": "p1/B", "answer": 20.0, "slot": 2}

    table = schema.validate(frame(left, right, {"judgement": "j"}))

    assert table["judgement"].tolist() == ["j"] * 3
    assert issues(left, right, left) == [(4, "judgement")]


def test_rankings_may_be_of_few_outputs_and_of_many():
    few = {**RANK, "judgement": "j", "levels": 3}

    assert len(schema.validate(frame(few, {**few, "judgement": "k", "levels": 20, "answer": 17}))) == 2


def test_dimension_is_of_single_stimuli_or_of_pairs_throughout():
    assert issues(SLIDER, {**SLIDER, "system_b": "B", "output_b": "p1/B"}) == [(3, "system_b")]
