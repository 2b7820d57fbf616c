"""What was done to the texts before raters saw them, in words, in a table and in every format of a report."""

import io
import json
from dataclasses import replace

import docx
import pytest

from analysis import tables
from analysis.declaration import canonical_json, parse_plan
from analysis.document import to_docx
from analysis.page.files import _methods, _preparation
from analysis.page.sections import _texts
from analysis.tables import preparation_table
from analysis.wording import methods_of, preparation_in_words
from tests.analysis.test_declaration import PLAN

RECORD = {
    "rules": ["markdown", "trim"],
    "rules_version": 1,
    "changed": 1200,
    "left_out": 14,
    "shown": {"outputs": 1786, "sha256": "ab"},
    "decisions": [
        {
            "do": "exclude",
            "finding": "names:model:gpt-4",
            "severity": "leak",
            "title": "“GPT-4” is named",
            "reason": "named",
            "outputs": 2,
        },
        {
            "do": "match",
            "finding": "",
            "severity": "",
            "title": "Matched on length within 25%",
            "reason": "",
            "outputs": 12,
            "within": 25,
            "difference_before": 0.82,
            "difference_after": 0.08,
            "lost_prompts": 1,
        },
        {
            "do": "note",
            "finding": "formatting:form:question:s",
            "severity": "warning",
            "title": "“s” has question marks",
            "reason": "part of the steering",
            "outputs": 0,
        },
    ],
    "audit": {
        "fingerprint": "cd",
        "current": True,
        "outputs": 1786,
        "findings": {"leak": 0, "warning": 2, "note": 3},
        "undecided": [{"finding": "habits:word:void:s", "title": "“s” keeps using “void”", "severity": "warning"}],
    },
}
WORDS = (
    "Before rating, the texts of all systems were brought to one form by 2 rules (Markdown as plain text and no white "
    "space at the ends), which changed 1,200 texts. 14 outputs were left out before the design was frozen; 1,786 "
    "remained. Outputs were matched on length: within a prompt at most 25% apart (largest standardised difference of "
    "log length 0.08 after 0.82 before), by which 1 prompt went. 1 finding of the audit was noted and left as it is. "
    "The last audit for blinding (1,786 outputs) found 2 warnings; about 1 of them nothing was decided."
)


@pytest.fixture
def told(result):
    """The small study's result under a plan that records a preparation."""
    declaration = parse_plan(canonical_json(PLAN | {"preparation": RECORD}))
    changed = replace(result, declaration=declaration)
    return replace(changed, methods=methods_of(changed))


def test_words_tell_rules_what_was_left_out_matching_notes_and_the_audit():
    assert preparation_in_words(RECORD) == WORDS


def test_plan_without_a_record_says_nothing_and_an_untouched_study_says_so():
    untouched = {"rules": [], "left_out": 0, "decisions": [], "audit": None}

    assert preparation_in_words({}) == ""
    assert preparation_in_words(untouched).startswith("Texts were shown as the systems gave them")
    assert preparation_in_words(untouched | {"rules": ["trim"], "changed": 1}).endswith(
        "No audit for blinding was made."
    )


def test_table_has_a_line_for_each_step():
    assert preparation_table(RECORD).rows == (
        ("Rules", "Markdown as plain text; no white space at the ends", "1,200", "applied to all systems alike"),
        ("Left out", "“GPT-4” is named (leak)", "2", "named"),
        (
            "Matched on length",
            "Matched on length within 25%",
            "12",
            (
                "within a prompt at most 25% apart (largest standardised difference of log length 0.08 after 0.82 "
                "before), by which 1 prompt went"
            ),
        ),
        ("Noted", "“s” has question marks (warning)", "", "part of the steering"),
        ("Last audit", "2 warnings", "1,786", "of the texts as frozen"),
        ("Undecided", "“s” keeps using “void” (warning)", "", ""),
    )


def test_report_tells_it_in_every_format(told, forest_png):
    files = _preparation(told)
    paper = docx.Document(io.BytesIO(to_docx(told, title="Wit", forest=forest_png)))

    assert told.methods.startswith(WORDS)
    assert _methods(told).startswith(WORDS)
    assert WORDS in files["preparation.md"]
    assert "part of the steering" in files["preparation.tex"]
    assert "25\\%" in files["preparation.tex"]
    assert "part of the steering" in _texts(told)
    assert [one.text for one in paper.paragraphs if one.text.startswith(WORDS)] == [told.methods]
    assert [row.cells[0].text for row in paper.tables[1].rows] == [
        "Step",
        *(row[0] for row in preparation_table(RECORD).rows),
    ]


def test_masked_decisions_are_told_without_their_words():
    masked = {"do": "exclude", "finding": "names", "severity": "leak", "outputs": 2}
    table = preparation_table(json.loads(json.dumps(RECORD)) | {"decisions": [masked]})

    assert table.rows[1] == ("Left out", "names, withheld while systems are masked (leak)", "2", "")


@pytest.fixture(scope="module")
def forest_png(result):
    from analysis.figures import forest_plot, to_png

    return to_png(forest_plot(result))


def test_result_without_a_plan_has_no_such_part(result, forest_png):
    paper = docx.Document(io.BytesIO(to_docx(result, title="Wit", forest=forest_png)))

    assert (_preparation(result), _texts(result)) == ({}, "")
    assert len(paper.tables) == 1
    assert tables.preparation_table({}).rows == ()
