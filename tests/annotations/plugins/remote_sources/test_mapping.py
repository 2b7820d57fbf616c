"""Which column is what: nested ones, lists of texts, columns that may be missing, and what is said of others."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest

from annotations.errors import MaterialRefused, Problem
from annotations.plugins.remote_sources.mapping import MAPPING, Mapper, checked_mapping, columns_of
from annotations.registry import OutputRecord, RawRow
from annotations.registry.cells import UNNUMBERED

DEFAULTS = {option.name: option.default for option in MAPPING}
PLAIN = {"prompt": "p", "system": "s", "text": "t"}


def read(*rows: dict[str, Any], **settings: Any) -> list[Any]:
    mapper = Mapper({**DEFAULTS, **settings}, file="a.jsonl")
    numbered = enumerate(rows, start=1)
    return [item for number, row in numbered for item in mapper.read(RawRow(number, tuple(row), tuple(row.values())))]


def only(*rows: dict[str, Any], **settings: Any) -> Any:
    (found,) = read(*rows, **settings)
    return found


def test_usual_names_are_taken_and_the_optional_ones_may_be_missing() -> None:
    assert only(PLAIN) == OutputRecord(1, "p", "s", "t", UNNUMBERED)
    full = {**PLAIN, "sample": "3", "prompt_key": 7, "task_family": None, "other": 1}
    assert only(full) == OutputRecord(1, "p", "s", "t", 3, "7", "")


def test_nested_columns_are_reached_by_name_and_number() -> None:
    row = {"chat": {"turns": [{"said": "sys"}, {"said": "ask"}]}, "out": {"model": {"id": 5}, "text": "t"}}

    found = only(row, prompt="chat.turns.1.said", system="out.model.id", text="out.text")

    assert (found.prompt, found.system, found.text) == ("ask", "5", "t")


def test_a_column_with_a_dot_in_its_name_comes_first() -> None:
    assert only({"a.b": "whole", "a": {"b": "part"}, **PLAIN}, prompt="a.b").prompt == "whole"


def test_one_system_for_all_rows_needs_no_column() -> None:
    assert only({"prompt": "p", "text": "t"}, system_name="vanilla").system == "vanilla"


def test_a_list_is_so_many_samples_and_takes_no_number() -> None:
    found = read({**PLAIN, "text": ["a", "b"]})
    assert [(item.sample, item.text, item.row) for item in found] == [(0, "a", 1), (1, "b", 1)]
    assert "numbers its samples itself" in only({**PLAIN, "text": ["a"], "sample": 2}).reason
    assert only({**PLAIN, "text": []}).reason == "the list of texts is empty"
    assert only({**PLAIN, "text": ["a", 5]}).reason == "entry 1 of the list must be text, is a number"


@pytest.mark.parametrize(
    ("row", "column", "reason"),
    [
        ({**PLAIN, "prompt": 5}, "prompt", "must be text, is a number"),
        ({**PLAIN, "text": None}, "text", "must be text or a list of texts, is missing (null)"),
        ({**PLAIN, "sample": "x"}, "sample", "must be a whole number, 0 or more, is 'x'"),
        ({**PLAIN, "system": {"a": 1}}, "system", "must be text, is an object"),
    ],
)
def test_a_wrong_cell_is_named(row: dict[str, Any], column: str, reason: str) -> None:
    assert only(row) == Problem("a.jsonl", 1, column, reason)


def test_missing_columns_refuse_the_file_at_its_first_row_and_the_row_behind_it() -> None:
    with pytest.raises(MaterialRefused) as refused:
        read({"question": "p", "text": "t"}, prompt="ask")
    assert [(one.column, one.reason) for one in refused.value.problems] == [
        ("ask", "there is no such column; there are: 'question', 'text'"),
        ("system", "there is no such column; there are: 'question', 'text'"),
    ]
    later = read(PLAIN, {"prompt": "p", "system": "s"})
    assert (later[1].row, later[1].column) == (2, "text")
    with pytest.raises(MaterialRefused, match="'kind': there is no such column"):
        read(PLAIN, task_family="kind")
    assert [item.task_family for item in read({**PLAIN, "kind": "AUT"}, PLAIN, task_family="kind")] == ["AUT", ""]


def test_further_columns_are_kept_as_json_holds_them() -> None:
    row = {**PLAIN, "at": dt.date(2026, 11, 21), "deep": {"x": [1, None]}, "none": None, "empty": ""}

    assert only(row, extra=["*"]).metadata == {"at": "2026-11-21", "deep": {"x": [1, None]}}
    assert only(row, extra=["deep.x.0"]).metadata == {"deep.x.0": 1}
    assert only(row).metadata == {}


def test_further_cells_that_json_does_not_know_become_text_or_are_named() -> None:
    odd = {"price": Decimal("1.50"), "took": dt.timedelta(seconds=3), "raw": b"plain", "nan": float("nan")}
    bad = {"blob": b"\xff\x00", "inf": float("inf")}

    assert only({**PLAIN, **odd}, extra=["*"]).metadata == {"price": "1.50", "took": "0:00:03", "raw": "plain"}
    problems = read({**PLAIN, **bad}, extra=["*"])
    assert [(one.row, one.column) for one in problems] == [(1, "blob"), (1, "inf")]
    assert problems[0].reason == "holds bytes that are no text; leave the column out"


def test_a_field_that_is_not_there_says_what_is() -> None:
    row = {**PLAIN, "q": {"input": {"prompt": "p", "id": 1}}, "answers": [{"text": "t"}]}

    (wrong,) = read(row, prompt="q.input.promt")
    assert wrong.reason == "must be text, is missing (null); 'q.input' holds: 'prompt', 'id'"
    (wrong,) = read(row, text="answers.txt")
    assert wrong.reason.endswith("; 'answers' holds: 'text'")


def test_only_columns_that_are_looked_at_are_read() -> None:
    asked = columns_of({**DEFAULTS, "prompt": "q.text", "system_name": "m", "extra": ["heat"], "sample": ""})
    assert asked == {"wanted": ("q.text", "text", "heat"), "welcome": ("prompt_key", "task_family")}
    assert columns_of({**DEFAULTS, "extra": ["*"]}) == {"wanted": (), "welcome": ()}


def test_settings_that_name_nothing_are_refused() -> None:
    for name in ("prompt", "text", "system"):
        with pytest.raises(ValueError, match=f"'{name}'"):
            checked_mapping({**DEFAULTS, name: ""})
