"""The long format: names of columns, and what their cells may hold."""

import re
from pathlib import Path

import pytest

from annotations.errors import MaterialRefused
from annotations.plugins.sources.columns import (
    UNNUMBERED,
    CellError,
    Columns,
    ExtraColumnProblem,
    metadata_object,
    optional_words,
    quoted,
    sample_number,
    suggestion,
)

BASE = ("prompt", "system", "text")


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("sytem", "system"),
        ("Systems", "system"),
        ("promt", "prompt"),
        ("instruction", "prompt"),
        ("response", "text"),
        ("completion", "text"),
        ("model", "system"),
        ("zebra", ""),
    ],
)
def test_suggestion_finds_typing_errors_and_synonyms(name: str, meant: str) -> None:
    assert suggestion(name, BASE) == meant


@pytest.mark.parametrize(("wrong", "meant"), [("sytem", "system"), ("promtp", "prompt"), ("txt", "text")])
def test_columns_refuse_a_wrong_name_and_suggest_the_near_one(wrong: str, meant: str) -> None:
    names = tuple(wrong if name == meant else name for name in BASE)

    with pytest.raises(MaterialRefused) as caught:
        Columns("f.csv", names).header_problems()

    there = ", ".join(f"'{name}'" for name in names)
    reasons = {(item.row, item.column): item.reason for item in caught.value.problems}
    assert reasons[0, meant] == f"the column is missing; there are: {there}"
    assert reasons[0, wrong].startswith(f"unknown column '{wrong}'; did you mean '{meant}'?")


def test_columns_refuse_a_near_miss_of_an_optional_column_even_when_extra_columns_are_allowed() -> None:
    columns = Columns("f.csv", (*BASE, "smaple"))

    assert columns.fatal
    assert not isinstance(columns.problems[0], ExtraColumnProblem)
    assert "did you mean 'sample'?" in columns.problems[0].reason


def test_columns_leave_it_to_the_researcher_whether_extra_ones_may_come() -> None:
    columns = Columns("f.csv", (*BASE, "temperature"))

    found = columns.header_problems()

    assert [(type(item), item.column) for item in found] == [(ExtraColumnProblem, "temperature")]
    assert found[0].reason == (
        "unknown column 'temperature'; leave it out, call it 'metadata.temperature' to keep it as metadata, "
        "or allow extra columns"
    )


@pytest.mark.parametrize("twice", [("Text",), ("prompt_id", "prompt_key"), ("metadata.a", "metadata.a")])
def test_columns_refuse_a_column_that_is_there_twice(twice: tuple[str, ...]) -> None:
    columns = Columns("f.csv", (*BASE, *twice))

    assert columns.fatal
    assert re.search(r"the column is there twice \(columns \d and \d\)", columns.problems[0].reason)


def test_columns_refuse_one_without_a_name() -> None:
    columns = Columns("f.csv", ("", *BASE))

    assert columns.fatal
    assert columns.problems[0].column == "column 1"
    assert "to_csv(…, index=False)" in columns.problems[0].reason


def test_columns_pass_over_what_pandas_writes_beside_the_data() -> None:
    columns = Columns("f.parquet", (*BASE, "__index_level_0__"))

    assert columns.header_problems() == []
    assert [record.metadata for record in columns.read(1, ("p", "s", "t", 5))] == [{}]


def test_columns_refuse_metadata_that_are_given_twice() -> None:
    columns = Columns("f.csv", (*BASE, "metadata", "metadata.seed"))

    found = list(columns.read(4, ("p", "s", "t", '{"seed": 1}', "2")))

    assert [(item.row, item.column, item.reason) for item in found] == [
        (4, "metadata.seed", "the metadata of this row have 'seed' already")
    ]


@pytest.mark.parametrize(("value", "number"), [("0", 0), (" 7 ", 7), ("3.0", 3), (2.0, 2), (12, 12)])
def test_sample_number_reads_what_tools_write(value: object, number: int) -> None:
    assert sample_number(value) == number


@pytest.mark.parametrize("value", ["", None, float("nan")])
def test_sample_number_tells_an_empty_cell(value: object) -> None:
    assert sample_number(value) == UNNUMBERED


@pytest.mark.parametrize("value", ["one", "-1", "1.5", "1e3", True, float("inf"), [], "٣٤", "9" * 30, 2**31])
def test_sample_number_refuses_anything_else(value: object) -> None:
    with pytest.raises(CellError):
        sample_number(value)


@pytest.mark.parametrize("value", ["{", "[]", '"a"', 5, [1], '{"a": NaN}', '{"a": 1, "a": 2}', "[" * 99_999])
def test_metadata_object_refuses_what_is_no_object(value: object) -> None:
    with pytest.raises(CellError, match="must be a JSON object"):
        metadata_object(value)


@pytest.mark.parametrize("value", [True, 1.5, [], {}])
def test_optional_words_refuses_what_is_no_text(value: object) -> None:
    with pytest.raises(CellError, match="must be text"):
        optional_words(value)


def test_quoted_shortens_and_shows_no_control_characters() -> None:
    assert quoted("a\nb\0c") == "'a\N{REPLACEMENT CHARACTER}b\N{REPLACEMENT CHARACTER}c'"
    assert quoted("\ud800") == "'\N{REPLACEMENT CHARACTER}'"
    assert len(quoted("x" * 1000)) == 62


def test_sources_know_no_database() -> None:
    folder = Path(__file__).resolve().parents[4] / "annotations" / "plugins" / "sources"

    imports = {line for path in folder.glob("*.py") for line in path.read_text().splitlines() if " import " in line}

    assert not [line for line in imports if "django" in line or "annotations.models" in line]
