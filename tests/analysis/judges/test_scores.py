"""The table of scores: how outputs may be named, and every fault by file, row and column."""

import pandas as pd
import pytest

from analysis.judges import ScoresError, check_scores, read_scores
from analysis.judges.scores import hash_scores


@pytest.fixture(scope="module")
def table(ratings):
    found = ratings({"p1": {"a": {"x": 1}, "b": {"x": 2}}, "p2": {"a": {"x": 1}}})
    more = found.iloc[[0]].assign(output_a="p1/a/1", judgement="other")  # a second sample of the first system
    return pd.concat([found, more], ignore_index=True)


def test_outputs_are_named_as_in_the_long_table(table):
    scores = pd.DataFrame({"judge": ["z", "j"], "output": ["p1/a/0", "p1/b/0"], "value": ["1.5", 2], "note": ["", "x"]})

    found = check_scores(scores, table)

    assert found.to_dict("records") == [
        {"judge": "j", "output": "p1/b/0", "value": 2.0},
        {"judge": "z", "output": "p1/a/0", "value": 1.5},
    ]


def test_outputs_may_be_named_by_prompt_and_system_and_sample(table):
    scores = pd.DataFrame(
        {"judge": "j", "prompt": ["p1", "p1", "p2"], "system": ["a", "b", "a"], "sample": [1, 0, 0], "value": [1, 2, 3]}
    )

    assert check_scores(scores, table)["output"].tolist() == ["p1/a/1", "p1/b/0", "p2/a/0"]


def test_a_system_with_one_output_needs_no_sample(table):
    scores = pd.DataFrame({"judge": "j", "prompt": ["p1", "p2"], "system": ["b", "a"], "value": [1, 2]})

    assert check_scores(scores, table)["output"].tolist() == ["p1/b/0", "p2/a/0"]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("output,value\np1/a/0,1\n", "s.csv, row 1, column 'judge': the column is missing"),
        ("judge,value\nj,1\n", "s.csv, row 1, column 'output': the column is missing"),
        ("judge,output,value\n", "s.csv, column '-': there is no row"),
        ("judge,output,value\nj,p1/a/0,\n", "s.csv, row 2, column 'value': has no value: leave the row out"),
        ("judge,output,value\nj,p1/a/0,1\nj,p1/b/0,good\n", "s.csv, row 3, column 'value': 'good' is not a finite"),
        ("judge,output,value\nj,p1/a/0,inf\n", "s.csv, row 2, column 'value': 'inf' is not a finite number"),
        ("judge,output,value\n,p1/a/0,1\n", "s.csv, row 2, column 'judge': is empty"),
        ("judge,output,value\nj,,1\n", "s.csv, row 2, column 'output': is empty"),
        ("judge,output,value\nj,p9/a/0,1\n", "s.csv, row 2, column 'output': nobody judged an output 'p9/a/0'"),
        ("judge,output,value\nj,p1/a/0,1\nj,p1/a/0,2\n", "s.csv, row 3, column 'output': 'j' has a score for 'p1/a/0'"),
        ("judge,prompt,system,value\nj,p9,a,1\n", "s.csv, row 2, column 'prompt': there is no prompt 'p9'"),
        ("judge,prompt,system,value\nj,p1,c,1\n", "s.csv, row 2, column 'system': there is no system 'c'"),
        ("judge,prompt,system,value\nj,p1,a,1\n", "s.csv, row 2, column 'system': 'a' has several outputs for 'p1'"),
        ("judge,prompt,system,sample,value\nj,p1,a,7,1\n", "s.csv, row 2, column 'sample': nobody judged this output"),
        ("judge,prompt,system,value\nj,p1,b,1\nj,p1,b,1\n", "s.csv, row 3, column 'prompt': 'j' has a score"),
    ],
)
def test_a_fault_is_named_by_file_row_and_column(table, tmp_path, text, line):
    path = tmp_path / "s.csv"
    path.write_text(text)

    with pytest.raises(ScoresError) as caught:
        check_scores(read_scores(path), table, source="s.csv")

    assert line in str(caught.value)
    assert len(caught.value.issues) == 1


def test_all_faults_are_told_at_once_in_the_order_of_the_rows(table):
    scores = pd.DataFrame({"judge": "j", "output": ["p1/a/0", "nowhere", "p1/b/0"], "value": ["x", "1", ""]})

    with pytest.raises(ScoresError) as caught:
        check_scores(scores, table)

    assert [(issue.row, issue.column) for issue in caught.value.issues] == [(2, "value"), (3, "output"), (4, "value")]


def test_scores_of_outputs_that_nobody_judged_may_be_ignored(table):
    scores = pd.DataFrame({"judge": "j", "output": ["p1/a/0", "p1/a/9"], "value": [1, 2]})

    assert check_scores(scores, table, ignore_unjudged=True)["output"].tolist() == ["p1/a/0"]
    with pytest.raises(ScoresError, match="no row is about an output that was judged"):
        check_scores(scores[1:], table, ignore_unjudged=True)


def test_files_that_cannot_be_read_are_named(tmp_path):
    (tmp_path / "broken.parquet").write_text("no parquet")

    with pytest.raises(ScoresError, match="no such file"):
        read_scores(tmp_path / "absent.csv")
    with pytest.raises(ScoresError, match=r"broken\.parquet, column '-': cannot be read"):
        read_scores(tmp_path / "broken.parquet")


def test_parquet_is_read_like_csv_and_the_hash_does_not_depend_on_the_order(table, tmp_path):
    scores = pd.DataFrame({"judge": "j", "output": ["p1/b/0", "p1/a/0"], "value": [0.1, 2.0]})
    scores.to_parquet(tmp_path / "s.parquet")
    scores[::-1].to_csv(tmp_path / "s.csv", index=False)

    one, two = (check_scores(read_scores(tmp_path / name), table) for name in ("s.parquet", "s.csv"))

    assert hash_scores(one) == hash_scores(two)
    assert hash_scores(one) != hash_scores(one.assign(value=[2.0, 0.2]))
