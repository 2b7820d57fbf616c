"""Which page comes next, for any path and any place: always one, never back, never a booklet too early."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from annotations.blind import Path
from annotations.domain.path import AFTER, BEFORE, ENDINGS, Standing, break_due, next_step
from annotations.enums import LeaseState, ParticipationState, Step, StudyState

ON = st.frozensets(st.sampled_from([*BEFORE, *AFTER]))
PATHS = st.builds(Path, steps=ON, break_every=st.integers(0, 5))
DONE = st.frozensets(st.sampled_from([step.value for step in (*BEFORE, *AFTER)] + [f"break-{n}" for n in range(1, 20)]))
STANDINGS = st.builds(
    Standing,
    participation=st.sampled_from(ParticipationState),
    study=st.sampled_from([StudyState.OPEN, StudyState.PAUSED, StudyState.CLOSED]),
    lease=st.sampled_from([None, LeaseState.LEASED, LeaseState.COMPLETED, LeaseState.LAPSED]),
    through=st.booleans(),
    number=st.integers(1, 20),
)


def on_the_way(**changes) -> Standing:
    return Standing(**({"participation": ParticipationState.CONSENTED, "study": StudyState.OPEN} | changes))


@given(PATHS, DONE, STANDINGS)
def test_there_is_always_exactly_one_page(path, done, standing):
    assert next_step(path, done, standing) in set(Step)


@given(PATHS, DONE, STANDINGS)
def test_step_behind_is_never_shown_again_but_to_begin(path, done, standing):
    step = next_step(path, done, standing)

    assert step not in done or step == Step.INSTRUCTIONS


@given(PATHS, DONE, STANDINGS)
def test_step_that_is_off_is_never_shown_but_to_begin(path, done, standing):
    step = next_step(path, done, standing)

    assert step not in {*BEFORE, *AFTER} - path.steps or step == Step.INSTRUCTIONS


@given(PATHS, DONE, STANDINGS)
def test_ending_stays_whatever_else_happens(path, done, standing):
    step = next_step(path, done, standing)

    if standing.participation in ENDINGS:
        assert step == ENDINGS[standing.participation]


@given(PATHS, DONE, STANDINGS)
def test_whoever_has_judged_everything_gets_to_the_end_whatever_the_study_does(path, done, standing):
    step = next_step(path, done, standing)

    if standing.participation not in ENDINGS and standing.lease == LeaseState.COMPLETED:
        assert step in (*AFTER, Step.FINISHED)


@given(PATHS, DONE)
def test_no_trial_without_a_booklet(path, done):
    assert next_step(path, done, on_the_way()) not in (Step.TRIAL, Step.BREAK, Step.FINISHED, *AFTER)


@given(PATHS)
def test_path_comes_to_the_trials_and_to_the_end_in_its_order(path):
    done, seen = [], []
    while (step := next_step(path, done, on_the_way())) not in done and len(seen) < 10:
        seen.append(step)
        done.append(step.value)
    after = on_the_way(lease=LeaseState.COMPLETED)
    while (step := next_step(path, done, after)) != Step.FINISHED and len(seen) < 20:
        seen.append(step)
        done.append(step.value)

    begins = [step for step in BEFORE if step in path.steps]
    lone = [] if Step.INSTRUCTIONS in path.steps else [Step.INSTRUCTIONS]
    assert seen == [*begins, *lone, *(step for step in AFTER if step in path.steps)]


@given(st.integers(1, 6), st.integers(1, 30))
def test_breaks_come_every_n_trials_once_and_not_before_the_first(every, total):
    path, done, breaks = Path(frozenset(), break_every=every), [], []

    for number in range(1, total + 1):
        if break_due(path, done, number):
            breaks.append(number - 1)
            done.append(f"break-{number - 1}")
        assert not break_due(path, done, number)

    assert breaks == [number for number in range(1, total) if number % every == 0]
