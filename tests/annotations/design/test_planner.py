"""The plan against brute force: every promise counted again here, over random designs and over those people ask for."""

from collections import Counter, defaultdict
from math import ceil

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from annotations.design import DesignError, DesignSpec, Infeasible, OutputRef, Plan, certify, plan

ATTENTION = ("check-a", "check-b", "check-c", "check-d")


def outputs_of(prompts: int, systems: int, samples: int = 1) -> list[OutputRef]:
    return [
        OutputRef(f"o{prompt}-{system}-{sample}", f"p{prompt}", f"s{system}", sample)
        for prompt in range(prompts)
        for system in range(systems)
        for sample in range(samples)
    ]


@st.composite
def designs(draw: st.DrawFn) -> tuple[list[OutputRef], DesignSpec]:
    prompts, systems, samples = draw(st.integers(1, 24)), draw(st.integers(2, 4)), draw(st.integers(1, 3))
    outputs = outputs_of(prompts, systems, samples)
    missing = draw(st.sets(st.integers(0, len(outputs) - 1), max_size=len(outputs) // 8))
    low, high = draw(st.sampled_from([(0.0, 1.0), (0.1, 0.95), (0.2, 0.8)]))
    spec = DesignSpec(
        comparisons=draw(st.sampled_from(["all_pairs", "against_baseline", "listed"])),
        baseline="s0",
        listed=(("s1", "s0"),),
        sample_pairing=draw(st.sampled_from(["matched", "all", "rotated"])),
        raters_per_task=draw(st.integers(1, 7)),
        trials_per_rater=draw(st.integers(1, prompts)),
        attention_trials=draw(st.integers(0, 3)),
        repeat_trials=draw(st.integers(0, 3)),
        check_range=(low, high),
        repeat_gap=draw(st.integers(1, 6)),
        seed=draw(st.integers(0, 2**40)),
    )
    return [output for at, output in enumerate(outputs) if at not in missing], spec


def planned(design: tuple[list[OutputRef], DesignSpec]) -> Plan:
    try:
        return plan(*design, attention=ATTENTION)
    except Infeasible:
        assume(False)
        raise


def spread(counts: dict[object, int] | Counter[object], keys: list[object]) -> int:
    values = [counts.get(key, 0) for key in keys]
    return max(values) - min(values)


def mains_of(made: Plan) -> list[tuple[int, int, int, bool]]:
    """Booklet, place among its main trials, task, flipped."""
    return [
        (booklet.number, place, trial.item, trial.flipped)
        for booklet in made.booklets
        for place, trial in enumerate(trial for trial in booklet.trials if trial.kind == "main")
    ]


relaxed = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.filter_too_much])


@relaxed
@given(designs())
def test_plan_shows_every_task_exactly_k_times_and_no_prompt_twice(design):
    made = planned(design)
    spec = made.spec

    mains = mains_of(made)
    sizes = Counter(booklet for booklet, *_ in mains)

    assert Counter(task for _, _, task, _ in mains) == dict.fromkeys(range(len(made.tasks)), spec.raters_per_task)
    assert set(Counter((booklet, made.tasks[task].prompt) for booklet, _, task, _ in mains).values()) == {1}
    assert len(sizes) == ceil(len(mains) / spec.trials_per_rater)
    assert max(sizes.values()) <= spec.trials_per_rater
    assert max(sizes.values()) - min(sizes.values()) == (1 if len(mains) % len(sizes) else 0)


@relaxed
@given(designs())
def test_plan_shares_pairs_of_systems_evenly_among_booklets(design):
    made = planned(design)
    pairs = {task.systems for task in made.tasks}

    seen = Counter((booklet, made.tasks[task].systems) for booklet, _, task, _ in mains_of(made))

    for pair in pairs:
        assert spread(seen, [(booklet.number, pair) for booklet in made.booklets]) <= 1


@relaxed
@given(designs())
def test_plan_balances_sides_per_task_booklet_and_study(design):
    made = planned(design)

    sums: dict[str, Counter[object]] = defaultdict(Counter)
    for booklet, _, task, flipped in mains_of(made):
        sign, pair = (-1 if flipped else 1), made.tasks[task].systems
        sums["task"][task] += sign
        sums["booklet"][booklet, pair] += sign
        sums["study"][pair] += sign

    assert {name: max(map(abs, found.values())) <= 1 for name, found in sums.items()} == dict.fromkeys(sums, True)


@relaxed
@given(designs())
def test_plan_balances_pairs_and_tasks_over_positions(design):
    made = planned(design)
    mains = mains_of(made)
    common = min(Counter(booklet for booklet, *_ in mains).values())
    half = common // 2

    at_place = Counter((made.tasks[task].systems, place) for _, place, task, _ in mains)
    task_places = Counter((task, place) for _, place, task, _ in mains)
    early = Counter(task for _, place, task, _ in mains if place < half)
    late = Counter(task for _, place, task, _ in mains if common - half <= place < common)

    for pair in {task.systems for task in made.tasks}:
        assert spread(at_place, [(pair, place) for place in range(common)]) <= 1
    if common >= 4:
        k = made.spec.raters_per_task
        assert max(task_places.values()) <= ceil(k / common) + (2 * k > common)
        assert max(abs(early[task] - late[task]) for task in range(len(made.tasks))) <= 1


@relaxed
@given(designs())
def test_plan_places_checks_in_range_apart_and_after_their_original(design):
    made = planned(design)
    spec = made.spec
    low, high = spec.check_range

    for booklet in made.booklets:
        length = len(booklet.trials)
        checks = [trial for trial in booklet.trials if trial.kind != "main"]
        assert [trial.position for trial in booklet.trials] == list(range(1, length + 1))
        assert Counter(trial.kind for trial in checks) == Counter(
            attention=spec.attention_trials, repeat=spec.repeat_trials
        )
        assert all(low * length - 1e-6 <= trial.position <= high * length + 1e-6 for trial in checks)
        shown = [trial.item for trial in checks if trial.kind == "attention"]
        assert len(set(shown)) == len(shown)
        originals = {trial.item: trial for trial in booklet.trials if trial.kind == "main"}
        repeats = [trial for trial in checks if trial.kind == "repeat"]
        assert len({trial.item for trial in repeats}) == len(repeats)
        for trial in repeats:
            assert trial.position - originals[trial.item].position >= spec.repeat_gap
            assert trial.flipped != originals[trial.item].flipped


@relaxed
@given(designs())
def test_plan_of_any_design_gets_a_certificate_that_holds(design):
    made = planned(design)

    certificate = certify(made.columns(), made.spec)

    # Sides at each position are evened by search, not by construction, so a freak may miss its bound.
    assert [one for one in certificate.guarantees if not one.holds and one.name != "sides_position"] == []


EXACT = {
    "201 prompts x 3 systems, k 3, m 20": (outputs_of(201, 3), {"raters_per_task": 3, "trials_per_rater": 20}, 603, 91),
    "20 prompts, all pairs of 4, every prompt": (outputs_of(20, 4), {"trials_per_rater": 20}, 120, 18),
    "odd k, short booklets": (outputs_of(20, 4), {"raters_per_task": 5, "trials_per_rater": 13}, 120, 47),
    "two samples, rotated": (outputs_of(18, 3, 2), {"sample_pairing": "rotated", "trials_per_rater": 18}, 108, 18),
    "every sample with every": (outputs_of(12, 2, 3), {"sample_pairing": "all", "trials_per_rater": 12}, 108, 27),
    "one trial a rater": (outputs_of(3, 3), {"raters_per_task": 1, "trials_per_rater": 1}, 9, 9),
    "one booklet": (outputs_of(5, 2), {"raters_per_task": 1, "trials_per_rater": 5}, 5, 1),
    "two a rater, two raters": (outputs_of(30, 2), {"raters_per_task": 2, "trials_per_rater": 2}, 30, 30),
}


@pytest.mark.parametrize("name", EXACT)
def test_plan_of_a_known_design_has_its_size_and_every_guarantee(name):
    outputs, wishes, tasks, booklets = EXACT[name]
    spec = DesignSpec(**wishes)

    made = plan(outputs, spec)
    certificate = certify(made.columns(), spec)

    assert (len(made.tasks), len(made.booklets)) == (tasks, booklets)
    assert [one for one in certificate.guarantees if not one.holds] == []


def test_plan_of_lamp_with_checks_evens_sides_at_each_position():
    spec = DesignSpec(attention_trials=2, repeat_trials=2)

    certificate = certify(plan(outputs_of(201, 3), spec, attention=ATTENTION).columns(), spec)

    assert certificate.holds
    assert certificate["sides_position"].worst <= 2  # what the exchange of places aims at
    assert certificate.summary.longest_booklet == 24


def test_plan_is_the_same_in_any_order_of_outputs_and_another_with_another_seed():
    outputs = outputs_of(40, 3, 2)
    spec = DesignSpec(attention_trials=2, repeat_trials=1)

    first = plan(outputs, spec, attention=ATTENTION)
    again = plan(iter(outputs[::-1]), spec, attention=ATTENTION[::-1])
    other = plan(outputs, DesignSpec(attention_trials=2, repeat_trials=1, seed=2), attention=ATTENTION)

    assert first.fingerprint() == again.fingerprint()
    assert first.fingerprint() != other.fingerprint()
    assert first.tasks == other.tasks


def test_plan_gives_no_side_away_by_position():
    """Over 60 plans the share of first-on-the-left at each place is a half: chi-square with 20 degrees of freedom."""
    left = np.zeros(20)
    for seed in range(60):
        made = plan(outputs_of(40, 3), DesignSpec(raters_per_task=4, trials_per_rater=20, seed=seed))
        for _, place, _, flipped in mains_of(made):
            left[place] += not flipped

    each = 60 * 40 * 3 * 4 / 20
    chi_square = float(((left - each / 2) ** 2 / (each / 4)).sum())

    assert chi_square < 45.3  # 99.9% point


def test_plan_does_not_pair_neighbouring_sides():
    """Whether a trial is flipped says nothing of the next one: agreement near a half, within four standard errors."""
    made = plan(outputs_of(400, 3), DesignSpec(seed=5))

    same = [
        one.flipped == other.flipped
        for booklet in made.booklets
        for one, other in zip(booklet.trials, booklet.trials[1:], strict=False)
    ]

    # Sides balanced within a booklet's pair make neighbours disagree a little oftener: by some 1 / (2 m).
    assert abs(np.mean(same) - 0.5) < 4 * 0.5 / np.sqrt(len(same)) + 1 / 40


def test_plan_puts_attention_at_every_allowed_position_equally_often():
    spec = DesignSpec(raters_per_task=3, trials_per_rater=20, attention_trials=1)
    made = plan(outputs_of(400, 3), spec, attention=ATTENTION)

    places = [trial.position for booklet in made.booklets for trial in booklet.trials if trial.kind == "attention"]
    counts = np.bincount(places, minlength=20)[3:20]  # 0.1 x 21 and 0.95 x 21, inwards

    assert len(places) == 180
    assert set(counts.tolist()) <= {10, 11}
    assert float(((counts - 180 / 17) ** 2 / (180 / 17)).sum()) < 39.3  # chi-square(16), 99.9% point


def test_booklets_are_a_sequence():
    made = plan(outputs_of(12, 2), DesignSpec(trials_per_rater=6))

    assert len(made.booklets) == 6
    assert made.booklets[-1].number == 6
    assert made.booklets[1:3] == (made.booklets[1], made.booklets[2])
    assert [booklet.number for booklet in made.booklets] == [1, 2, 3, 4, 5, 6]
    with pytest.raises(IndexError):
        made.booklets[6]


def test_rows_show_the_outputs_on_the_sides_of_the_trial():
    made = plan(outputs_of(12, 2), DesignSpec(trials_per_rater=6, attention_trials=1), attention=ATTENTION)

    rows = list(made.rows())
    trials = [(booklet.number, trial) for booklet in made.booklets for trial in booklet.trials]

    assert len(rows) == len(trials)
    for row, (number, trial) in zip(rows, trials, strict=True):
        assert (row["booklet"], row["position"], row["kind"]) == (number, trial.position, trial.kind)
        if trial.kind == "attention":
            assert (row["task"], row["output_a"]) == (made.attention[trial.item], "")
        else:
            task = made.tasks[trial.item]
            shown = ((row["output_a"], row["system_a"]), (row["output_b"], row["system_b"]))
            sides = tuple(zip(task.outputs, task.systems, strict=True))
            assert shown == (sides[::-1] if trial.flipped else sides)


def test_plan_refuses_an_unknown_scheme():
    with pytest.raises(DesignError, match="no scheme of comparisons 'ladder': there are against_baseline, all_pairs"):
        plan(outputs_of(4, 2), DesignSpec(comparisons="ladder"))
