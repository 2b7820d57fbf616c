"""What every quality check promises; a new one is tested by being registered."""

import json
import math
import random
from dataclasses import replace

import pytest

from annotations.domain import quality_rules as rules
from annotations.management.simulation.histories import Layout, crowd_of
from annotations.registry import History, Seen, quality_checks

CHECKS = list(quality_checks)
FORMS = ("pairs", "sliders", "likert")


@pytest.fixture(scope="module")
def histories():
    """Good and bad raters of each kind of design, so that every check has something to say somewhere."""
    return [one for form in FORMS for one in crowd_of(Layout(form, 2, 2), raters=30, seed=5, bad=0.5).histories]


def every_check(function):
    return pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.name)(function)


@every_check
def test_a_check_says_what_it_looks_for(check):
    assert check.question.endswith("?")
    assert check.score_label
    assert check.rule.kind in rules.KINDS
    assert type(check).__doc__


@every_check
def test_options_are_completed_once_and_unknown_or_wild_ones_refused(check):
    clean = check.clean_options({})

    assert check.clean_options(clean) == clean
    assert json.loads(json.dumps(clean)) == clean
    with pytest.raises(ValueError, match="no_such_option"):
        check.clean_options({"no_such_option": 1})
    for setting in check.settings:
        for wrong in (setting.lowest - 1, setting.highest + 1, "1", True, None, math.nan):
            with pytest.raises(ValueError, match=setting.name):
                check.clean_options({setting.name: wrong})


@every_check
def test_nothing_is_found_in_an_empty_history(check):
    assert check.findings(History(), check.clean_options({})) == ()


@every_check
def test_one_judgement_accuses_nobody_of_a_habit(check, histories):
    first = replace(histories[0], judgements=histories[0].judgements[:1], twins=())

    assert [finding for finding in check.findings(first, check.clean_options({})) if finding.position is None] == []


@every_check
def test_the_same_history_gives_the_same_findings(check, histories):
    options = check.clean_options({})

    assert [check.findings(one, options) for one in histories] == [check.findings(one, options) for one in histories]


@every_check
def test_findings_are_json_and_name_trials_that_exist(check, histories):
    for history in histories:
        for finding in check.findings(history, check.clean_options({})):
            assert json.loads(json.dumps(dict(finding.detail))) == finding.detail
            assert math.isfinite(finding.score)
            assert finding.position is None or 1 <= finding.position <= len(history.judgements)
            assert check.sentence(finding.detail)
            assert finding.position is not None or check.points(finding) >= 0
            assert len(f"{finding.key}:{2**63}") <= 80


@every_check
def test_keys_tell_findings_apart(check, histories):
    for history in histories:
        keys = [(finding.key, finding.position) for finding in check.findings(history, check.clean_options({}))]
        assert len(set(keys)) == len(keys)
        assert [position for _, position in keys].count(None) <= 1


@every_check
def test_no_finding_names_an_output_or_a_task(check, histories):
    """Names in a history are opaque already; a finding must not carry even those."""
    marked = [rename(one) for one in histories]

    told = json.dumps(
        [
            [dict(f.detail), f.key, check.sentence(f.detail)]
            for h in marked
            for f in check.findings(h, check.clean_options({}))
        ]
    )

    assert "SECRET" not in told


def rename(history):
    def one(seen: Seen) -> Seen:
        return replace(
            seen,
            task=f"SECRET-{seen.task}",
            prompt=f"SECRET-{seen.prompt}",
            texts=tuple(f"SECRET-{text}" for text in seen.texts),
        )

    peers = {f"SECRET-{task}": people for task, people in history.peers.items()}
    return replace(history, judgements=tuple(map(one, history.judgements)), peers=peers)


ORDER_MATTERS = {"straight_lining"}  # runs


@every_check
def test_the_order_in_which_judgements_are_handed_over_does_not_matter(check, histories):
    if check.name in ORDER_MATTERS:
        pytest.skip("it looks at runs")
    options = check.clean_options({})
    for history in histories[::5]:
        mixed = list(history.judgements)
        random.Random(1).shuffle(mixed)
        found = check.findings(history, options)
        again = check.findings(replace(history, judgements=tuple(mixed)), options)
        assert sorted(again, key=repr) == sorted(found, key=repr)


@every_check
def test_sides_turned_round_find_the_same_rater(check, histories):
    """A mirror image of everything is the same person: only the words for the side change."""
    options = check.clean_options({})
    for history in (one for one in histories if one.judgements[0].answers[0].measure == "pairwise_graded"):
        found = [f.score for f in check.findings(history, options) if f.position is None]
        mirrored = [f.score for f in check.findings(mirror(history), options) if f.position is None]
        assert mirrored == pytest.approx(found)


def mirror(history):
    def one(seen: Seen) -> Seen:
        answers = tuple(
            replace(
                answer,
                scores=tuple(-score for score in answer.scores),
                favoured=3 - answer.favoured if answer.favoured else None,
            )
            for answer in seen.answers
        )
        expected = replace(seen.expected, place=3 - seen.expected.place) if seen.expected else None
        return replace(seen, order=seen.order[::-1], texts=seen.texts[::-1], answers=answers, expected=expected)

    return replace(history, judgements=tuple(map(one, history.judgements)))


def test_every_check_that_excludes_by_default_finds_somebody_here(histories):
    whole = rules.declared({})
    found = {name for one in histories for name in rules.verdicts(rules.look(one, whole), whole)}

    assert {"too_fast", "straight_lining", "side_bias", "duplicate_person", "failed_attention", rules.TOGETHER} <= found
