"""What cannot be planned: the words, and that the suggested numbers can."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from annotations.design import DesignSpec, Infeasible, OutputRef, plan

FIELDS = {"trials_per_rater", "raters_per_task", "attention_trials", "repeat_trials", "repeat_gap", "check_range"}


def outputs_of(prompts: int, systems: int = 3, samples: int = 1) -> list[OutputRef]:
    return [
        OutputRef(f"o{prompt}-{system}-{sample}", f"p{prompt}", f"s{system}", sample)
        for prompt in range(prompts)
        for system in range(systems)
        for sample in range(samples)
    ]


def refusal(outputs: list[OutputRef], **wishes: object) -> Infeasible:
    with pytest.raises(Infeasible) as caught:
        plan(outputs, DesignSpec(**wishes), attention=("a", "b"))
    return caught.value


def test_more_trials_than_prompts_says_both_ways_out():
    found = refusal(outputs_of(18), trials_per_rater=20)

    assert str(found) == (
        "trials per rater 20 > 18 prompts (no rater sees a prompt twice): use at most 18, or add 2 prompts"
    )
    assert [(one.field, one.value) for one in found.suggestions] == [("trials_per_rater", 18), ("prompts", 20)]


def test_all_clashes_are_listed_together():
    found = refusal(outputs_of(18), trials_per_rater=20, raters_per_task=0, attention_trials=3)

    assert [clash.fields[0] for clash in found.clashes] == ["raters_per_task", "trials_per_rater", "attention_trials"]
    assert [(one.field, one.value) for one in found.suggestions] == [
        ("raters_per_task", 1),
        ("trials_per_rater", 18),
        ("prompts", 20),
        ("attention", 3),
        ("attention_trials", 2),
    ]


@pytest.mark.parametrize(
    ("outputs", "wishes", "message"),
    [
        (outputs_of(20, 1), {}, "1 system, but a pair needs two: add outputs of a second system"),
        ([], {}, "0 systems, but a pair needs two: add outputs of a second system"),
        (outputs_of(20), {"trials_per_rater": 0}, "trials per rater 0 < 1: use at least 1"),
        (
            outputs_of(20),
            {"attention_trials": 3},
            (
                "3 attention trials per booklet, but 2 attention tasks (none is shown twice): "
                "add 1 attention task, or use at most 2"
            ),
        ),
        (
            outputs_of(20),
            {"repeat_trials": 21},
            "repeat trials 21 > 20 main trials that they could repeat: use at most 20",
        ),
        (
            outputs_of(20, 2),
            {"comparisons": "against_baseline", "baseline": "base"},
            "the baseline 'base' has no outputs: take 's0', or take 's1'",
        ),
        (
            outputs_of(20, 2),
            {"comparisons": "against_baseline"},
            "no baseline is named: take 's0', or take 's1'",
        ),
        (outputs_of(20), {"comparisons": "listed"}, "no pair of systems is listed: compare all pairs"),
        (
            outputs_of(20, 2),
            {"comparisons": "listed", "listed": (("s0", "s1"), ("s0", "s9"))},
            "listed systems without outputs: s9 (there are s0, s1): leave out their pairs",
        ),
        (
            [OutputRef("x", "p", "a"), OutputRef("y", "q", "b")],
            {},
            "no prompt has outputs of both systems of any pair: add outputs of two compared systems for one prompt",
        ),
        (
            outputs_of(20)[:-1],
            {"complete": True},
            (
                "1 missing cell of prompt x system (p19 x s2), but the design must be complete: "
                "add these outputs, or allow missing cells"
            ),
        ),
    ],
)
def test_a_clash_is_said_in_words(outputs, wishes, message):
    assert str(refusal(outputs, **wishes)) == message


def test_unequal_prompts_can_need_more_booklets_than_there_are():
    crowded = [OutputRef(f"x{system}-{at}", "crowded", f"s{system}", at) for system in (0, 1) for at in range(9)]

    found = refusal([*outputs_of(6, 2), *crowded], trials_per_rater=5, raters_per_task=2)

    assert str(found) == (
        "prompt 'crowded' has 9 tasks, each shown to 2 raters, so it needs 18 booklets that hold it once, "
        "but 15 tasks with 5 trials per rater make only 6: use at most 1 trial per rater"
    )
    assert len(plan([*outputs_of(6, 2), *crowded], DesignSpec(trials_per_rater=1, raters_per_task=2)).booklets) == 30


def test_checks_without_room_name_the_nearest_gap():
    found = refusal(outputs_of(20), repeat_trials=10, repeat_gap=20)

    assert "do not fit into positions 3 to 28 (0.1 to 0.95 of 30 trials)" in str(found)
    assert ("repeat_gap", 18) in [(one.field, one.value) for one in found.suggestions]


def test_missing_cells_are_no_clash_unless_the_design_must_be_complete():
    made = plan(outputs_of(21)[:-1], DesignSpec(trials_per_rater=20))

    assert len(made.tasks) == 61
    assert made.missing == (("p20", "s2"),)


@settings(max_examples=150, deadline=None)
@given(
    prompts=st.integers(3, 20),
    spec=st.builds(
        DesignSpec,
        raters_per_task=st.integers(0, 4),
        trials_per_rater=st.integers(0, 30),
        attention_trials=st.integers(0, 4),
        repeat_trials=st.integers(0, 6),
        repeat_gap=st.integers(1, 25),
        check_range=st.sampled_from([(0.0, 1.0), (0.1, 0.95), (0.4, 0.6)]),
    ),
)
def test_following_the_suggestions_leads_to_a_plan(prompts, spec):
    """Take the first suggestion of each clash that changes the spec, again and again: soon there is a plan."""
    for _ in range(6):
        try:
            made = plan(outputs_of(prompts, 2), spec, attention=("a", "b"))
        except Infeasible as problem:
            changes = {}
            for clash in problem.clashes:
                options = [one for one in clash.suggestions if one.field in FIELDS]
                assert options, str(clash)
                changes.setdefault(options[0].field, options[0].value)
            spec = replace(spec, **changes)
        else:
            assert len(made.booklets) >= 1
            return
    pytest.fail(f"still no plan: {spec}")
