"""Rules turn findings into exclusions: what is declared is complete, and each kind of rule speaks when it should."""

import json

import pytest

from annotations.domain import quality_rules as rules
from annotations.registry import Finding, quality_checks

WHOLE = rules.declared({})


def about(score, **detail):
    return Finding("rater", score, detail)


def test_nothing_declared_is_all_the_defaults():
    assert set(WHOLE["checks"]) == set(quality_checks.names())
    assert rules.declared(WHOLE) == WHOLE
    assert json.loads(json.dumps(WHOLE)) == WHOLE


@pytest.mark.parametrize(
    ("quality", "said"),
    [
        ({"cheks": {}}, "cheks"),
        ({"checks": {"mind_reading": {}}}, "mind_reading"),
        ({"checks": {"too_fast": {"of": True}}}, "'too_fast'"),
        ({"checks": {"too_fast": {"on": 1}}}, "true or false"),
        ({"checks": {"too_fast": {"rule": {"kind": "always"}}}}, "never, score, count"),
        ({"checks": {"too_fast": {"rule": {"kind": "score", "at_least": 0}}}}, "above 0"),
        ({"checks": {"too_fast": {"options": {"share": 2}}}}, "from 0.05 to 1"),
        ({"together": {"points": "many"}}, "number of points"),
        ({"together": {"checks": ["astrology"]}}, "astrology"),
        ({"reissue": "yes"}, "reissue must be true or false"),
    ],
)
def test_what_is_wrong_is_said(quality, said):
    with pytest.raises(ValueError, match=said):
        rules.declared(quality)


@pytest.mark.parametrize(("score", "excluded"), [(0.49, False), (0.5, True), (1.0, True)])
def test_a_rule_by_score_looks_at_the_finding_about_the_rater(score, excluded):
    findings = {"too_fast": (about(score, fast=1, of=2, words_per_minute=900), Finding("trial", 900.0, {}, 3))}

    assert ("too_fast" in rules.verdicts(findings, WHOLE)) is excluded


@pytest.mark.parametrize(("failed", "excluded"), [(1, False), (2, True)])
def test_a_rule_by_count_counts_trials(failed, excluded):
    trials = tuple(Finding("trial", 1.0, {"wrong": 1.0}, number) for number in range(1, failed + 1))

    verdicts = rules.verdicts({"failed_attention": (about(1.0, failed=failed, of=2), *trials)}, WHOLE)

    assert ("failed_attention" in verdicts) is excluded


def test_findings_of_two_checks_add_up_and_those_of_one_never_do():
    failed = {"failed_attention": (about(1.0, failed=1, of=1), Finding("trial", 1.0, {"wrong": 1.0}, 3))}
    loose = {"unrelated_rows": (about(1.5, tasks=16, own=0.0, others=0.5),)}
    much = {"unrelated_rows": (about(3.0, tasks=16, own=0.0, others=0.5),)}

    assert rules.TOGETHER in rules.verdicts(failed | loose, WHOLE)
    assert rules.verdicts(failed, WHOLE) == {}
    assert rules.verdicts(much, WHOLE) == {}


def test_a_check_that_is_off_neither_looks_nor_excludes():
    off = rules.declared({"checks": {"too_fast": {"on": False}}})

    assert rules.verdicts({"too_fast": (about(1.0, fast=2, of=2, words_per_minute=900),)}, off) == {}


def test_a_weak_finding_excludes_nobody_by_itself():
    eager = rules.declared({"checks": {"unrelated_rows": {"rule": {"kind": "score", "at_least": 0.5}}}})
    weak = Finding("rater", 1.0, {"tasks": 16, "own": 0.0, "others": 0.5}, weak=True)

    assert rules.verdicts({"unrelated_rows": (weak,)}, eager) == {}


def test_rules_are_told_in_words():
    told = dict(rules.rules_in_words(WHOLE))

    assert told["Side bias"] == "excludes when at most one ordinary rater in 1,000 is like this"
    assert told["Long pauses"] == "is told, but excludes nobody by itself"
    assert told["Failed attention"] == "excludes when it names at least 2 trials"
    assert rules.label_of("") == "By hand"


def test_verdicts_that_may_rest_on_others_wait_for_the_end():
    assert rules.needs_peers("agreement", WHOLE)
    assert rules.needs_peers(rules.TOGETHER, WHOLE)
    assert not rules.needs_peers("too_fast", WHOLE)
