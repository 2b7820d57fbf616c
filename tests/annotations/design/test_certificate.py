"""The certificate: it notices each broken promise, and says the same of a plan and of its export."""

import csv
import io
import json
import random
from collections.abc import Callable
from typing import Any

import pytest

from annotations.design import ROW_FIELDS, DesignError, DesignSpec, OutputRef, certify, plan

SPEC = DesignSpec(raters_per_task=4, trials_per_rater=12, attention_trials=2, repeat_trials=1, repeat_gap=3, seed=3)
Row = dict[str, Any]


@pytest.fixture(scope="module")
def planned_rows() -> list[Row]:
    systems = ("base", "ref", "steer")
    outputs = [OutputRef(f"{system}{at}", f"p{at}", system) for at in range(24) for system in systems]
    return list(plan(outputs, SPEC, attention=("a1", "a2", "a3")).rows())


@pytest.fixture
def rows(planned_rows) -> list[Row]:
    return [dict(row) for row in planned_rows]


def flip(row: Row) -> None:
    for name in ("output", "system"):
        row[f"{name}_a"], row[f"{name}_b"] = row[f"{name}_b"], row[f"{name}_a"]


def of_kind(rows: list[Row], kind: str) -> list[Row]:
    return [row for row in rows if row["kind"] == kind]


def trade(one: Row, other: Row) -> None:
    """Let two trials change what they show."""
    for name in ROW_FIELDS[3:]:
        one[name], other[name] = other[name], one[name]


def move(rows: list[Row], row: Row, position: int) -> None:
    """Move a trial within its booklet; the others close up."""
    booklet = sorted((one for one in rows if one["booklet"] == row["booklet"]), key=lambda one: one["position"])
    booklet.remove(row)
    booklet.insert(position - 1, row)
    for at, one in enumerate(booklet, start=1):
        one["position"] = at


def show_a_task_once_more(rows: list[Row]) -> None:
    here = of_kind(rows, "main")[0]
    other = next(row for row in of_kind(rows, "main") if row["task"] != here["task"])
    here.update({name: other[name] for name in ROW_FIELDS[3:]})


def show_a_prompt_twice(rows: list[Row]) -> None:
    mains = of_kind(rows, "main")
    first = [row for row in mains if row["booklet"] == 1]
    other = next(row for row in mains if row["booklet"] == 2 and row["prompt"] == first[0]["prompt"])
    trade(first[1], other)


def swap_an_output(rows: list[Row]) -> None:
    of_kind(rows, "main")[0]["output_a"] = "another"


def lengthen_a_booklet(rows: list[Row]) -> None:
    last = max((row for row in rows if row["booklet"] == 2), key=lambda row: row["position"])
    last["booklet"], last["position"] = 1, 99


def leave_a_gap(rows: list[Row]) -> None:
    rows[-1]["position"] += 1


def crowd_a_pair_into_a_booklet(rows: list[Row]) -> None:
    mains = of_kind(rows, "main")
    ours = [row for row in mains if row["booklet"] == 1 and {row["system_a"], row["system_b"]} == {"base", "ref"}]
    theirs = [row for row in mains if row["booklet"] == 2 and "steer" in (row["system_a"], row["system_b"])]
    trade(ours[0], theirs[0])
    trade(ours[1], theirs[1])


def flip_a_task(rows: list[Row]) -> None:
    shown = [row for row in of_kind(rows, "main") if row["task"] == rows[0]["task"]]
    wanted = min(shown[0]["system_a"], shown[0]["system_b"])
    for row in shown:
        if row["system_a"] != wanted:
            flip(row)


def flip_a_booklet(rows: list[Row]) -> None:
    for row in of_kind(rows, "main"):
        if row["booklet"] == 1 and row["system_a"] > row["system_b"]:
            flip(row)


def flip_a_pair_of_systems(rows: list[Row]) -> None:
    for row in of_kind(rows, "main"):
        if (row["system_a"], row["system_b"]) == ("ref", "base"):
            flip(row)


def sort_booklets_by_pair(rows: list[Row]) -> None:
    for number in {row["booklet"] for row in rows}:
        mains = [row for row in of_kind(rows, "main") if row["booklet"] == number]
        places = sorted(row["position"] for row in mains)
        ordered = sorted(mains, key=lambda row: sorted((row["system_a"], row["system_b"])))
        for row, position in zip(ordered, places, strict=True):
            row["position"] = position


def sort_booklets_by_side(rows: list[Row]) -> None:
    for number in {row["booklet"] for row in rows}:
        mains = [row for row in of_kind(rows, "main") if row["booklet"] == number]
        places = sorted(row["position"] for row in mains)
        ordered = sorted(mains, key=lambda row: row["system_a"] < row["system_b"])
        for row, position in zip(ordered, places, strict=True):
            row["position"] = position


def put_a_task_first(rows: list[Row]) -> None:
    for row in of_kind(rows, "main"):
        if row["task"] == rows[0]["task"]:
            move(rows, row, 1)


def drop_attention(rows: list[Row]) -> None:
    rows.remove(of_kind(rows, "attention")[0])


def attention_at_the_start(rows: list[Row]) -> None:
    move(rows, of_kind(rows, "attention")[0], 1)


def attention_always_at_the_end(rows: list[Row]) -> None:
    for row in of_kind(rows, "attention"):
        move(rows, row, 14)


def bunch_attention(rows: list[Row]) -> None:
    first, second = [row for row in of_kind(rows, "attention") if row["booklet"] == 1]
    move(rows, second, first["position"] + 1)


def the_same_attention_twice(rows: list[Row]) -> None:
    first, second = [row for row in of_kind(rows, "attention") if row["booklet"] == 1]
    second["task"] = first["task"]


def one_attention_task_mostly(rows: list[Row]) -> None:
    for row in of_kind(rows, "attention"):
        if row["task"] == "a3" and row["booklet"] > 3:
            row["task"] = "a4"


def repeat_unswapped(rows: list[Row]) -> None:
    flip(of_kind(rows, "repeat")[0])


def repeat_too_soon(rows: list[Row]) -> None:
    repeat = of_kind(rows, "repeat")[0]
    original = next(
        row for row in of_kind(rows, "main") if (row["booklet"], row["task"]) == (repeat["booklet"], repeat["task"])
    )
    move(rows, repeat, original["position"] + 1)


def repeat_of_nothing(rows: list[Row]) -> None:
    first, other = of_kind(rows, "repeat")[0], of_kind(rows, "main")[-1]
    for name in ROW_FIELDS[3:]:
        first[name] = other[name]


def drop_a_repeat(rows: list[Row]) -> None:
    rows.remove(of_kind(rows, "repeat")[0])


def repeat_at_the_end(rows: list[Row]) -> None:
    move(rows, of_kind(rows, "repeat")[0], 15)


def repeat_twice(rows: list[Row]) -> None:
    rows.append({**of_kind(rows, "repeat")[0], "position": 16})


TAMPERING: list[tuple[str, Callable[[list[Row]], None]]] = [
    ("raters_per_task", show_a_task_once_more),
    ("prompt_once", show_a_prompt_twice),
    ("task_constant", swap_an_output),
    ("booklet_length", lengthen_a_booklet),
    ("booklet_equal", lengthen_a_booklet),
    ("positions_run", leave_a_gap),
    ("pairs_in_booklet", crowd_a_pair_into_a_booklet),
    ("sides_task", flip_a_task),
    ("sides_booklet", flip_a_booklet),
    ("sides_pair", flip_a_pair_of_systems),
    ("sides_system", flip_a_pair_of_systems),
    ("positions_pair", sort_booklets_by_pair),
    ("positions_task", put_a_task_first),
    ("halves_task", put_a_task_first),
    ("sides_position", sort_booklets_by_side),
    ("attention_number", drop_attention),
    ("attention_range", attention_at_the_start),
    ("attention_positions", attention_always_at_the_end),
    ("attention_bunched", bunch_attention),
    ("attention_once", the_same_attention_twice),
    ("attention_use", one_attention_task_mostly),
    ("repeat_number", drop_a_repeat),
    ("repeat_range", repeat_at_the_end),
    ("repeat_swapped", repeat_unswapped),
    ("repeat_swapped", repeat_of_nothing),
    ("repeat_gap", repeat_too_soon),
    ("repeat_once", repeat_twice),
]


def test_certificate_of_an_honest_plan_holds(rows):
    certificate = certify(rows, SPEC)

    assert certificate.holds
    # The repeats have too little room here (11 positions for 3 checks) to promise an even use of them.
    assert {one.name for one in certificate.guarantees} == {name for name, _ in TAMPERING} | {"repeat_bunched"}


@pytest.mark.parametrize(("name", "tamper"), TAMPERING, ids=[f"{name}-{how.__name__}" for name, how in TAMPERING])
def test_certificate_notices_tampering(rows, name, tamper):
    tamper(rows)

    broken = certify(rows, SPEC)[name]

    assert not broken.holds
    assert broken.worst > broken.required
    assert broken.where


def test_certificate_notices_an_unfair_last_position():
    spec = DesignSpec(raters_per_task=3, trials_per_rater=20)
    systems = ("base", "ref", "steer")
    outputs = [OutputRef(f"{system}{at}", f"p{at}", system) for at in range(201) for system in systems]
    rows = list(plan(outputs, spec).rows())
    honest = certify(rows, spec)

    for number in {row["booklet"] for row in rows if row["position"] == 20}:
        mains = [row for row in rows if row["booklet"] == number]
        last = next(row for row in mains if {row["system_a"], row["system_b"]} == {"base", "ref"})
        move(rows, last, 20)

    assert honest["positions_last"].holds
    assert not certify(rows, spec)["positions_last"].holds


def test_certificate_notices_bunched_and_uneven_repeats():
    spec = DesignSpec(raters_per_task=3, trials_per_rater=20, repeat_trials=2)
    outputs = [OutputRef(f"{system}{at}", f"p{at}", system) for at in range(100) for system in ("a", "b", "c")]
    rows = list(plan(outputs, spec).rows())
    honest = certify(rows, spec)

    for row in of_kind(rows, "repeat"):
        move(rows, row, 20)

    broken = certify(rows, spec)
    for name in ("repeat_bunched", "repeat_positions"):
        assert (honest[name].holds, broken[name].holds) == (True, False)


def test_certificate_is_the_same_from_a_shuffled_csv_with_a_row_per_dimension(rows):
    text = io.StringIO()
    writer = csv.DictWriter(text, [*ROW_FIELDS, "dimension"])
    writer.writeheader()
    long = [{**row, "dimension": dimension} for row in rows for dimension in ("originality", "surprise")]
    practice = {**rows[0], "kind": "practice", "position": 0, "dimension": "originality"}
    random.Random(8).shuffle(long)
    writer.writerows([practice, *long])
    text.seek(0)

    exported = certify(csv.DictReader(text), SPEC)

    assert exported.to_dict() == certify(rows, SPEC).to_dict()


def test_certificate_ignores_what_attention_trials_show(rows):
    before = certify(rows, SPEC).to_dict()
    for row in of_kind(rows, "attention"):
        row.update(prompt="x", output_a="good", system_a="human", output_b="bad", system_b="noise")

    assert certify(rows, SPEC).to_dict() == before


def test_certificate_is_json_with_a_summary(rows):
    plain = json.loads(json.dumps(certify(rows, SPEC).to_dict()))

    summary = plain["summary"]
    assert plain["holds"] is True
    assert (summary["tasks"], summary["booklets"], summary["trials"]) == (72, 24, 360)
    assert (summary["main_trials"], summary["attention_trials"], summary["repeat_trials"]) == (288, 48, 24)
    assert summary["exposures"][0] == {
        "systems": ["base", "ref"],
        "tasks": 24,
        "showings": 96,
        "first_left": 48,
        "second_left": 48,
        "fewest_per_booklet": 4,
        "most_per_booklet": 4,
    }


def test_certificate_says_which_columns_are_missing():
    with pytest.raises(DesignError, match="the rows lack the columns task, prompt"):
        certify([{name: "1" for name in ROW_FIELDS if name not in {"task", "prompt"}}], SPEC)


def test_certificate_of_an_empty_export_counts_nothing():
    certificate = certify([], SPEC)

    assert (certificate.summary.tasks, certificate.summary.booklets) == (0, 0)
