"""Rules for texts: applied to all alike, previewed, undone bit for bit, and part of what is frozen."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from annotations.domain import freezing, normalising, planning, preparing, studies
from annotations.domain.materials import import_material, material_summary
from annotations.errors import NotReady, WrongState
from annotations.models import Event, Output, Study
from tests.annotations.factories import StudyFactory
from tests.annotations.plugins.sources.material_files import write

BROUGHT = {
    "a": "Sure! Here is an idea:\n\n**Use:** a *drum* — “loud”.\n\n\n\n- one\n- two  \n",
    "b": "Plain words, nothing to do.",
    "c": "A lamp.<|eot_id|>\r\n",
    "d": "<|eot_id|>",
}


def texts(study: Study) -> list[tuple[str, str | None, str]]:
    return list(
        Output.objects.filter(prompt__study=study).order_by("pk").values_list("text", "raw_text", "content_hash")
    )


@pytest.fixture
def bring(db: None, tmp_path: Path):
    """`bring(study, rows)`: import rows of (prompt, system, text)."""

    def run(study: Study, rows: list[tuple[str, str, str]], name: str = "outputs.jsonl"):
        path = write(tmp_path / name, [{"prompt": p, "prompt_key": p, "system": s, "text": t} for p, s, t in rows])
        return import_material(study=study, path=path, filename=name)

    return run


@pytest.fixture
def study(bring) -> Study:
    made = studies.create_study(title="What is original?", template="pairwise_creativity")
    bring(made, [(prompt, system, text) for prompt, text in BROUGHT.items() for system in ("base", "steered")])
    return made


@pytest.mark.parametrize(
    ("rule", "before", "after"),
    [
        ("trim", "  A lamp.  \r\nMore. \n", "A lamp.\nMore."),
        ("blank_lines", "One.\n\n \n\nTwo.", "One.\n\nTwo."),
        ("unicode", "cafe\u0301", "caf\u00e9"),
        ("invisible", "zero\u200bwidth\u00a0gap\ufeff", "zerowidth gap"),
        ("invisible", "\U0001f469\u200d\U0001f52c stays", "\U0001f469\u200d\U0001f52c stays"),
        ("invisible", "می\u200cخواهم", "می\u200cخواهم"),
        ("quotes", "“So” — he’s … here -- now", '"So" – he\'s ... here – now'),
        ("quotes", "well-known, 2–3 years, re-use", "well-known, 2–3 years, re-use"),
        ("markdown", "# Title\n\n**Bold** and *slanted* `code`.", "Title\n\nBold and slanted code."),
        ("markdown", "- one\n- two\n\nEnd.", "one\ntwo\n\nEnd."),
        ("markdown", "1. first\n2. second", "1. first\n2. second"),
        ("markdown", "[a link](https://example.org)\n\n- item", "a link\n\nitem"),
        ("markdown", "5 * 3 = 15 and snake_case_name stay", "5 * 3 = 15 and snake_case_name stay"),
        ("markdown", "1986. A good year.", "1986. A good year."),
        ("surrounding", '"A whole text."', "A whole text."),
        ("surrounding", '"One" and "two"', '"One" and "two"'),
        ("labels", "Answer: a drum.", "a drum."),
        ("labels", "**Idea:** a drum.", "a drum."),
        ("labels", "Sure! Here is an unusual use for a brick:\n\nA drum.", "A drum."),
        ("labels", "Here's the trick: fill it with sand.", "Here's the trick: fill it with sand."),
        ("labels", "Sure footing matters on a brick.", "Sure footing matters on a brick."),
        ("labels", "Natürlich! Hier ist eine Idee: Eine Trommel.", "Eine Trommel."),
        ("tokens", "A drum.</s><|im_end|>\n", "A drum."),
        ("tokens", "<s>[INST] A drum. [/INST]", "A drum."),
        ("tokens", "Use a <s> tag in the middle.", "Use a <s> tag in the middle."),
        ("unfinished", "It rings. It sings. And then it", "It rings. It sings."),
        ("unfinished", "no sentence ends here", "no sentence ends here"),
        ("unfinished", "It is done.", "It is done."),
    ],
)
def test_rule_changes_what_it_says_and_nothing_else(rule, before, after):
    assert normalising.normalise(before, [rule]) == after


@given(st.text(max_size=200))
def test_rules_leave_something_and_are_done_after_one_time_but_for_nested_signs(text):
    once = normalising.normalise(text, normalising.NAMES)

    assert bool(once.strip()) == bool(text.strip())
    assert normalising.normalise(text, ()) == text
    for rule in ("trim", "blank_lines", "unicode", "invisible"):
        again = normalising.normalise(text, [rule])
        assert normalising.normalise(again, [rule]) == again


def test_applying_keeps_the_raw_texts_and_undoing_gives_every_byte_back(study):
    before = texts(study)
    digest = freezing.material_digest(study=study)

    made = preparing.apply_rules(study=study, rules=normalising.NAMES)
    during = texts(study)
    prepared_digest = freezing.material_digest(study=study)
    preparing.apply_rules(study=study, rules=())

    assert (made.outputs, made.changed, made.empty_count) == (8, 4, 2)
    assert made.empty == ("d/base/0", "d/steered/0")
    assert [text for text, _, _ in during][::2] == [
        'a drum – "loud".\n\none\ntwo',
        BROUGHT["b"],
        "A lamp.",
        BROUGHT["d"],
    ]
    assert [raw for _, raw, _ in during][::2] == [BROUGHT["a"], None, "A lamp.<|eot_id|>\n", None]
    assert [row[2] for row in during] == [row[2] for row in before]
    assert prepared_digest[1] != digest[1]
    assert texts(study) == before
    assert freezing.material_digest(study=study) == digest
    assert list(Event.objects.filter(study=study, name="texts_prepared").values_list("data__changed", flat=True)) == [
        0,
        4,
    ]


def test_rules_start_from_the_raw_text_each_time(study):
    preparing.apply_rules(study=study, rules=["markdown", "labels"])
    preparing.apply_rules(study=study, rules=["tokens"])

    assert [text for text, _, _ in texts(study)][::2] == [BROUGHT["a"], BROUGHT["b"], "A lamp.", BROUGHT["d"]]


def test_file_that_is_imported_again_is_recognised_and_new_outputs_are_prepared(study, bring):
    rows = [(prompt, system, text) for prompt, text in BROUGHT.items() for system in ("base", "steered")]
    preparing.apply_rules(study=study, rules=["trim", "tokens"])

    again = bring(study, rows, "again.jsonl")
    bring(study, [("e", "base", "New.</s>"), ("e", "steered", "Newer.")], "more.jsonl")
    waiting = preparing.pending(study=study)
    made = preparing.prepare_new(study=study)

    assert (again.added, again.unchanged) == (0, 8)
    assert (waiting, made.outputs) == (0, 0)
    assert Output.objects.get(prompt__key="e", system__name="base").text == "New."


def test_preview_counts_by_rule_and_system_and_writes_nothing(study):
    before = texts(study)

    made = preparing.preview(study=study, rules=["markdown", "tokens", "trim"])

    counts = {one.rule.name: dict(one.counts) for one in made.rules}
    assert counts["markdown"] == {"base": 1, "steered": 1}
    assert counts["tokens"] == {"base": 1, "steered": 1}
    assert (made.looked_at, made.changed, made.empty) == (8, 4, ("d/base/0", "d/steered/0"))
    example = next(one for one in made.rules if one.rule.name == "tokens").examples[0]
    assert "".join(text for text, differs in example.before if differs).startswith("<|eot_id|>")
    assert texts(study) == before


def test_unknown_rule_and_frozen_study_are_refused(study):
    with pytest.raises(NotReady, match="There is no rule 'magic'"):
        preparing.apply_rules(study=study, rules=["magic"])

    frozen = StudyFactory(frozen=True)
    with pytest.raises(WrongState, match="frozen"):
        preparing.apply_rules(study=frozen, rules=["trim"])


def test_frozen_plan_tells_rules_and_texts_as_shown(db):
    plain, prepared = StudyFactory(), StudyFactory()
    preparing.apply_rules(study=prepared, rules=["trim", "quotes"])

    one = json.loads(planning.freeze_study(study=plain).canonical)["preparation"]
    other = json.loads(planning.freeze_study(study=prepared).canonical)["preparation"]

    assert (one["rules"], one["audit"], one["decisions"], one["left_out"]) == ([], None, [], 0)
    assert (other["rules"], other["rules_version"]) == (["quotes", "trim"], normalising.VERSION)
    assert one["shown"]["outputs"] == other["shown"]["outputs"] == 18


def test_study_is_not_frozen_before_new_outputs_are_prepared_too(db):
    study = StudyFactory()
    preparing.apply_rules(study=study, rules=["trim"])
    Output.objects.filter(prompt__study=study, prompt__key="p0").update(prepared="")

    with pytest.raises(NotReady, match="3 outputs came after"):
        planning.freeze_study(study=study)
    preparing.prepare_new(study=study)

    assert planning.freeze_study(study=study).version == 1


def test_numbers_of_the_material_follow_the_prepared_texts(study):
    before = {one.name: one.words_mean for one in material_summary(study=study).systems}

    preparing.apply_rules(study=study, rules=["labels", "markdown"])

    after = {one.name: one.words_mean for one in material_summary(study=study).systems}
    assert after["base"] < before["base"]


def test_every_rule_has_words_for_the_methods_of_a_report():
    from analysis.wording.preparation import RULES

    assert tuple(RULES) == normalising.NAMES
