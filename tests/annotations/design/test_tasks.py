"""Which outputs meet."""

from itertools import pairwise

import pytest

from annotations.design import COMPARISONS, DesignError, DesignSpec, MissingCell, OutputRef, build_tasks
from annotations.design.tasks import comparison


def cell(prompt: str, system: str, samples: int = 1) -> list[OutputRef]:
    return [OutputRef(f"{prompt}-{system}-{at}", prompt, system, at) for at in range(1, samples + 1)]


def met(outputs: list[OutputRef], **wishes: object) -> list[tuple[str, str]]:
    return [task.outputs for task in build_tasks(outputs, DesignSpec(**wishes)).tasks]


def test_all_pairs_lets_every_two_systems_meet():
    outputs = [*cell("p", "c"), *cell("p", "a"), *cell("p", "b")]

    assert met(outputs) == [("p-a-1", "p-b-1"), ("p-a-1", "p-c-1"), ("p-b-1", "p-c-1")]


def test_against_baseline_puts_the_baseline_second():
    outputs = [*cell("p", "a"), *cell("p", "b"), *cell("p", "c")]

    found = met(outputs, comparisons="against_baseline", baseline="b")

    assert found == [("p-a-1", "p-b-1"), ("p-c-1", "p-b-1")]


def test_listed_keeps_the_order_given():
    outputs = [*cell("p", "a"), *cell("p", "b"), *cell("p", "c")]

    assert met(outputs, comparisons="listed", listed=(("c", "a"),)) == [("p-c-1", "p-a-1")]


def test_matched_samples_meet_by_rank_and_the_rest_is_reported():
    meeting = build_tasks([*cell("p", "a", 2), *cell("p", "b", 3)], DesignSpec())

    assert [task.outputs for task in meeting.tasks] == [("p-a-1", "p-b-1"), ("p-a-2", "p-b-2")]
    assert meeting.unused == ("p-b-3",)


def test_all_samples_meet_all():
    found = met([*cell("p", "a", 2), *cell("p", "b", 2)], sample_pairing="all")

    assert found == [("p-a-1", "p-b-1"), ("p-a-1", "p-b-2"), ("p-a-2", "p-b-1"), ("p-a-2", "p-b-2")]


def test_rotated_samples_meet_others_from_prompt_to_prompt():
    outputs = [*cell("p", "a", 2), *cell("p", "b", 2), *cell("q", "a", 2), *cell("q", "b", 2)]

    found = met(outputs, sample_pairing="rotated")

    assert found == [("p-a-1", "p-b-1"), ("p-a-2", "p-b-2"), ("q-a-1", "q-b-2"), ("q-a-2", "q-b-1")]


def test_a_missing_cell_is_reported_and_its_tasks_left_out():
    meeting = build_tasks([*cell("p", "a"), *cell("p", "b"), *cell("q", "a")], DesignSpec())

    assert meeting.missing == (MissingCell("q", "b"),)
    assert [task.prompt for task in meeting.tasks] == ["p"]
    assert meeting.unused == ("q-a-1",)


def test_keys_of_tasks_are_opaque_and_stable():
    outputs = [*cell("p", "steered"), *cell("p", "baseline")]

    first = build_tasks(outputs, DesignSpec(seed=1)).tasks[0].key
    again = build_tasks(outputs[::-1], DesignSpec(seed=2)).tasks[0].key

    assert first == again
    assert len(first) == 21
    assert "steered" not in first


@pytest.mark.parametrize(
    ("second", "message"),
    [
        (OutputRef("x", "q", "a", 1), "output 'x' is given twice"),
        (OutputRef("y", "p", "a", 1), "two outputs for prompt 'p', system 'a', sample 1: 'x' and 'y'"),
    ],
)
def test_doubled_outputs_are_refused(second, message):
    with pytest.raises(DesignError, match=message):
        build_tasks([OutputRef("x", "p", "a", 1), second], DesignSpec())


def test_a_new_scheme_is_one_function():
    @comparison
    def chain(systems, _spec):
        return list(pairwise(systems))

    try:
        found = met([*cell("p", "a"), *cell("p", "b"), *cell("p", "c")], comparisons="chain")
    finally:
        del COMPARISONS["chain"]

    assert found == [("p-a-1", "p-b-1"), ("p-b-1", "p-c-1")]
