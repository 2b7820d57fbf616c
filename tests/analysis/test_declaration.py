"""The frozen plan as a file: hash, contrasts, options, certificate, and what is wrong with a bad one."""

import hashlib
import json

import pytest

from analysis.declaration import (
    DeclarationError,
    canonical_json,
    check_design,
    declared_contrasts,
    parse_certificate,
    parse_plan,
    read_plan,
)

SYSTEMS = (("b", "baseline"), ("r", "reference"), ("s", "treatment"), ("c", "check"))
PLAN = {
    "title": "Wit",
    "lead": "Which is more …",
    "dimensions": [{"key": "wit", "label": "witty", "definition": "é", "question_type": "forced_choice"}],
    "systems": [{"name": "b", "role": "baseline"}, {"name": "s", "role": "treatment"}],
    "design": {"comparisons": "all_pairs"},
    "analysis": {"alpha": 0.05, "contrasts": "all_pairs", "random": ["output"], "late": "exclude", "colour": "red"},
}
CERTIFICATE = {
    "holds": True,
    "guarantees": [
        {"name": "sides", "statement": "Balanced.", "required": 1, "worst": 0, "holds": True, "where": ""},
    ],
    "summary": {"tasks": 9},
}


def test_hash_is_that_of_the_canonical_text_whatever_the_white_space():
    frozen = json.dumps(PLAN, sort_keys=True, separators=(",", ":"), ensure_ascii=False)

    pretty = parse_plan(json.dumps(PLAN, indent=2))

    assert pretty.sha256 == parse_plan(frozen).sha256 == hashlib.sha256(frozen.encode()).hexdigest()
    assert pretty.files() == {"plan.json": frozen}


def test_options_are_those_of_the_analysis():
    plan = parse_plan(json.dumps(PLAN))

    assert plan.options == {
        "contrasts": (("s", "b"),),
        "dimensions": ("wit",),
        "confidence": 0.95,
        "correction": "holm",
        "random": ("output",),
        "late": False,
    }
    assert plan.remarks == ("the plan declares colour = 'red', which is not used here",)


def test_what_is_answered_in_words_is_not_looked_for_in_the_table():
    asked = [*PLAN["dimensions"], {"key": "why", "label": "why", "definition": "", "question_type": "free_text"}]

    plan = parse_plan(json.dumps(PLAN | {"dimensions": asked}))

    assert plan.options["dimensions"] == ("wit",)
    assert [dimension["key"] for dimension in plan.dimensions] == ["wit", "why"]


@pytest.mark.parametrize(
    ("design", "analysis", "expected"),
    [
        ({}, {}, [("s", "b"), ("r", "b"), ("s", "r")]),
        ({}, {"contrasts": "against_baseline"}, [("s", "b"), ("r", "b")]),
        ({"comparisons": "against_baseline", "baseline": "r"}, {}, [("s", "r"), ("b", "r")]),
        ({"comparisons": "listed", "listed": [["b", "s"]]}, {}, [("s", "b")]),
        ({}, {"contrasts": [["r", "s"]]}, [("r", "s")]),
    ],
)
def test_contrasts_follow_analysis_design_and_roles(design, analysis, expected):
    assert declared_contrasts(SYSTEMS, design=design, analysis=analysis) == tuple(expected)


def test_certificate_travels_with_the_plan():
    plan = parse_plan(json.dumps(PLAN), certificate=json.dumps(CERTIFICATE))

    assert plan.certificate.holds
    assert plan.certificate.guarantees[0].statement == "Balanced."
    assert plan.files()["certificate.json"] == canonical_json(CERTIFICATE)


def test_broken_guarantee_breaks_the_certificate():
    broken = {"guarantees": [{**CERTIFICATE["guarantees"][0], "worst": 3, "holds": False}]}

    assert not parse_certificate(json.dumps(broken)).holds


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "is no JSON"),
        ("[]", "is no frozen plan of the platform"),
        ('{"title": "x"}', "KeyError: 'systems'"),
    ],
)
def test_file_that_is_no_plan_is_refused_in_words(tmp_path, text, words):
    (tmp_path / "plan.json").write_text(text, encoding="utf-8")

    with pytest.raises(DeclarationError, match=words):
        read_plan(tmp_path / "plan.json")


def test_missing_file_and_certificate_without_guarantees_are_refused(tmp_path):
    with pytest.raises(DeclarationError, match="cannot be read"):
        read_plan(tmp_path / "none.json")
    with pytest.raises(DeclarationError, match="the certificate lacks 'guarantees'"):
        parse_certificate("{}")


def test_design_of_the_judgements_must_be_that_of_the_plan():
    plan = parse_plan(json.dumps(PLAN))

    assert check_design(plan, (plan.sha256,)) == ()
    assert "name no design" in check_design(plan, ())[0]
    with pytest.raises(DeclarationError, match="were collected under abc"):
        check_design(plan, ("abc",))
