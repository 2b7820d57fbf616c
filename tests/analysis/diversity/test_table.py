"""The table of outputs: faults by file, row and column; an order of its own."""

import gzip
import json

import pandas as pd
import pytest

from analysis.diversity import DiversityError, check, read
from analysis.diversity.table import arrange

ROWS = [
    {"prompt": "p", "system": "a", "sample": "1", "text": "one, two"},
    {"prompt": "p", "system": "b", "sample": "1", "text": "three"},
]


def write_csv(path):
    pd.DataFrame(ROWS).to_csv(path, index=False)


def write_jsonl(path):
    path.write_text("".join(json.dumps(row) + "\n" for row in ROWS) + "\n", encoding="utf-8")


def write_gz(path):
    path.write_bytes(gzip.compress("".join(json.dumps(row) + "\n" for row in ROWS).encode()))


def write_parquet(path):
    pd.DataFrame(ROWS).to_parquet(path)


@pytest.mark.parametrize(
    ("name", "write"),
    [("o.csv", write_csv), ("o.jsonl", write_jsonl), ("o.jsonl.gz", write_gz), ("o.parquet", write_parquet)],
)
def test_every_format_gives_the_same_table(tmp_path, name, write):
    write(tmp_path / name)

    frame = read(tmp_path / name)

    assert frame[["prompt", "system", "sample", "text"]].to_dict("records") == ROWS


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("prompt,text\np,x\n", r"o\.csv: the columns system are missing \(found: prompt, text\)"),
        ("prompt,system,text\n", r"o\.csv: there is no row of data"),
        ("", r"o\.csv: is empty"),
        ("prompt,system,text\np,a,Well, x\np,b,So, y\n", r"o\.csv: row 2 has 4 cells and the header 3"),
        ("prompt,system,text\np,a,x\np,b\n", r"o\.csv: row 3 has 2 cells and the header 3"),
        ("prompt,system,text\np,a,x\n\np,b,y\n", r"o\.csv: row 3 is empty"),
        ('prompt,system,text\np,a,x\np,b,"y\n', r"o\.csv: row 3: unexpected end of data"),
        ("prompt,system,text,text\np,a,x,y\n", r"the column text occurs twice"),
        ("prompt;system;text\np;a;x\n", r"set the cells apart by commas"),
        ("prompt,system,text\np,a,x\n ,a,y\n", r"o\.csv, row 3, column prompt: is empty"),
        ("prompt,system,text\np,,x\n", r"o\.csv, row 2, column system: is empty"),
        (
            "prompt,system,sample,text\np,a,1,x\np,b,1,x\np,a,1,y\n",
            r"o\.csv, row 4, column sample: occurs before for this prompt and system",
        ),
        ("prompt,system,text,class\np,a,x,\n", r"o\.csv, row 2, column class: is empty"),
    ],
)
def test_fault_is_named_by_file_row_and_column(tmp_path, content, reason):
    (tmp_path / "o.csv").write_text(content, encoding="utf-8")

    with pytest.raises(DiversityError, match=reason):
        read(tmp_path / "o.csv")


def test_line_that_is_no_json_is_named(tmp_path):
    (tmp_path / "o.jsonl").write_text(json.dumps(ROWS[0]) + "\n{broken\n", encoding="utf-8")

    with pytest.raises(DiversityError, match=r"o\.jsonl, row 2: is no JSON"):
        read(tmp_path / "o.jsonl")


def test_line_that_is_no_object_is_named(tmp_path):
    (tmp_path / "o.jsonl").write_text("[1, 2]\n", encoding="utf-8")

    with pytest.raises(DiversityError, match=r"o\.jsonl, row 1: is no object"):
        read(tmp_path / "o.jsonl")


@pytest.mark.parametrize("name", ["o.xlsx", "gone.csv", "gone.parquet"])
def test_file_that_cannot_be_read_is_refused(tmp_path, name):
    with pytest.raises(DiversityError, match=name.replace(".", r"\.")):
        read(tmp_path / name)


def test_many_faults_are_cut_short():
    frame = pd.DataFrame({"prompt": [""] * 30, "system": "a", "text": "x"})

    with pytest.raises(DiversityError, match=r"and 10 more$") as caught:
        check(frame)

    assert str(caught.value).count("\n") == 20


def test_column_twice_is_refused():
    frame = pd.DataFrame([["p", "a", "x", "y"]], columns=["prompt", "system", "text", "text"])

    with pytest.raises(DiversityError, match="the column text occurs twice"):
        check(frame)


def test_order_of_the_table_does_not_matter(planted):
    frame = planted(prompts=3, samples=4)
    shuffled = frame.sample(frac=1.0, random_state=1).reset_index(drop=True)

    first, second = arrange(frame), arrange(shuffled)

    assert first.texts == second.texts
    assert first.digest() == second.digest()
    assert [shuffled["text"][at] for at in second.row] == list(second.texts)


def test_digest_changes_with_a_text(planted):
    frame = planted(prompts=2, samples=2)
    other = frame.assign(text=[f"{frame['text'][0]}!", *frame["text"][1:]])

    assert arrange(frame).digest() != arrange(other).digest()


def test_empty_texts_are_left_out_and_counted():
    frame = pd.DataFrame({"prompt": "p", "system": ["a", "a", "a", "b", "b"], "text": ["x", " ", None, "y", "z"]})

    found = arrange(frame, even=False)

    assert found.texts == ("x", "y", "z")
    assert found.empty == {"a": 2}


def test_systems_are_drawn_down_to_the_same_number_within_each_prompt():
    rows = [("p", "a", f"a{at}") for at in range(5)] + [("p", "b", f"b{at}") for at in range(3)]
    rows += [("q", "a", "one"), ("q", "b", "x"), ("q", "b", "y")]
    frame = pd.DataFrame(rows, columns=["prompt", "system", "text"])

    found = arrange(frame)
    again = arrange(frame.iloc[::-1].reset_index(drop=True))

    sizes = {(found.prompts[p], found.systems[s]): rows.stop - rows.start for p, s, rows in found.cells()}
    assert sizes == {("p", "a"): 3, ("p", "b"): 3, ("q", "a"): 1, ("q", "b"): 2}  # one text is no pair, so no measure
    assert found.dropped == {"a": 2}
    assert found.texts == again.texts


def test_uneven_numbers_are_kept_if_asked():
    frame = pd.DataFrame({"prompt": "p", "system": ["a", "a", "a", "b", "b"], "text": list("uvxyz")})

    assert len(arrange(frame, even=False)) == 5
