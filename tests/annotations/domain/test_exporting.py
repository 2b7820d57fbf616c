"""Exports: all read the same rows, nothing is lost, nobody is named, names are masked where they have to be."""

import csv
import io
import json

import pandas as pd
import pytest

from analysis import schema
from annotations.domain import dataset, exporting, materials, participation, scoring
from annotations.domain.exporting import pairs_of
from annotations.enums import Step
from annotations.errors import NotAllowed
from annotations.models import Judgement, Output, PathAnswer
from annotations.registry import Identity, Scored, exports
from tests.annotations.admin.conftest import judge
from tests.annotations.factories import StudyFactory, UserFactory

pytestmark = pytest.mark.django_db
PERSON, SESSION = "5f3e1d-recruiter-id", "sess-998877"
SYSTEMS = ("quagga-base", "numbat-steered")


@pytest.fixture
def study():
    design = {"raters_per_task": 2, "trials_per_rater": 4, "attention_trials": 1}
    made = StudyFactory(open=True, prompts=4, systems=SYSTEMS, design=design)
    judge(made, raters=2)
    who = participation.enter_study(slug=made.slug, identity=Identity(person=PERSON, session=SESSION))
    PathAnswer.objects.create(participation=who, step=Step.QUESTIONNAIRE, answers={"age": "44"})
    scoring.compute(judge_id=scoring.add_judge(study=made, name="words", scorer="length", settings={}).pk)
    return made


def written(study, name, *, masked=False):
    target = io.BytesIO()
    count = exporting.export(study=study, name=name, target=target, masked=masked, actor=None)
    return target.getvalue(), count


def lines(content):
    return [json.loads(line) for line in content.decode().splitlines()]


@pytest.mark.parametrize("name", exports.names())
def test_export_holds_no_recruiters_id(study, name):
    content, _ = written(study, name)

    assert PERSON.encode() not in content
    assert SESSION.encode() not in content


@pytest.mark.parametrize("name", [kind.name for kind in exports if kind.maskable])
def test_export_without_names_holds_none(study, name):
    content, count = written(study, name, masked=True)

    assert not [system for system in SYSTEMS if system.encode() in content]
    assert count > 0


@pytest.mark.parametrize("name", [kind.name for kind in exports if not kind.maskable])
def test_export_that_cannot_be_masked_is_refused_to_the_blinded(study, name):
    with pytest.raises(NotAllowed, match="once the study is unblinded"):
        written(study, name, masked=True)


@pytest.mark.parametrize("name", exports.names())
def test_export_of_a_draft_is_empty_and_no_error(name):
    draft = StudyFactory(prompts=0)

    content, count = written(draft, name)

    assert count == (1 if name == "log_csv" else 0)  # that the study was created
    assert isinstance(content, bytes)


def test_every_judgement_is_in_every_table(study):
    answers, count = written(study, "answers")
    text, rows = written(study, "long_csv")
    parquet, same = written(study, "long_parquet")

    judgements = Judgement.objects.filter(lease__plan=study.plan).count()
    assert count == judgements == len(lines(answers)) == 2 * 5
    table = pd.read_csv(
        io.BytesIO(text), keep_default_na=False, na_values={"seconds": "", "length_a": "", "length_b": ""}
    )
    assert table["judgement"].nunique() == judgements
    assert rows == same == len(table) == 3 * judgements
    frame = schema.validate(pd.read_parquet(io.BytesIO(parquet)))
    pd.testing.assert_frame_equal(frame, dataset.long_table(study=study))


def test_answers_are_as_they_were_given(study):
    content, _ = written(study, "answers")

    first = lines(content)[0]
    judgement = Judgement.objects.get(pk=first["judgement"])
    assert first["answers"] == judgement.answers
    assert first["submit_ms"] == judgement.submit_ms
    assert first["evidence"] == judgement.evidence
    assert first["rater"] == judgement.lease.participation.rater.pseudonym
    shown = judgement.trial.output_ids
    assert len(first["outputs"]) == len(shown)


def test_preferences_are_what_was_answered(study):
    content, count = written(study, "preferences")

    found = lines(content)
    asked = Judgement.objects.filter(lease__plan=study.plan, trial__kind="main")
    leaning = sum(value != 0 for judgement in asked for value in judgement.answers.values())
    assert count == len(found) == leaning
    outputs = {output.text: output for prompt in study.prompts.all() for output in prompt.outputs.all()}
    for row in found:
        judgement = Judgement.objects.get(pk=row["judgement"])
        left, right = judgement.trial.output_ids
        value = judgement.answers[row["dimension"]]
        chosen, rejected = (left, right) if value > 0 else (right, left)
        assert (outputs[row["chosen"]].pk, outputs[row["rejected"]].pk) == (chosen, rejected)
        assert row["margin"] == abs(value)
        assert row["prompt"] == outputs[row["chosen"]].prompt.text


@pytest.mark.parametrize(
    ("measure", "scored", "pairs"),
    [
        ("pairwise_choice", [(0, 1.0)], [(1, 2, 1.0)]),
        ("pairwise_choice", [(0, 0.0)], [(2, 1, 1.0)]),
        ("pairwise_choice", [(0, 0.5)], []),
        ("pairwise_graded", [(0, -2.0)], [(2, 1, 2.0)]),
        ("pairwise_graded", [(0, 0.0)], []),
        ("ranking", [(1, 2.0), (2, 1.0), (3, 3.0)], [(2, 1, 1.0), (2, 3, 2.0), (1, 3, 1.0)]),
        ("ranking", [(1, 1.0), (2, 1.0), (3, 2.0)], [(1, 3, 1.0), (2, 3, 1.0)]),
        ("interval", [(1, 20.0), (2, 75.5)], [(2, 1, 55.5)]),
        ("ordinal", [(1, 4.0)], []),
        ("nominal", [(1, 1.0), (2, 2.0)], []),
        ("text", [], []),
    ],
)
def test_pairs_of_an_answer(measure, scored, pairs):
    assert pairs_of([Scored(*one) for one in scored], measure=measure) == pairs


def test_outputs_come_with_their_provenance_and_are_read_back(study, tmp_path):
    first = Output.objects.filter(prompt__study=study).order_by("prompt_id", "system__name", "sample").first()
    made = {"model": "tiny", "recipe": {"kind": "weights", "alpha": 0.5}, "recipe_hash": "5e1f"}
    Output.objects.filter(pk=first.pk).update(raw_text="# As it was brought", left_out="a copy", metadata=made)

    content, count = written(study, "outputs")

    rows = lines(content)
    assert count == len(rows) == Output.objects.filter(prompt__study=study, prompt__is_check=False).count() == 4 * 2
    assert rows[0]["raw_text"] == "# As it was brought"
    assert (rows[0]["text"], rows[1]["text"]) == (first.text, rows[1]["raw_text"])
    assert (rows[0]["left_out"], rows[0]["metadata"], rows[0]["system"]) == ("a copy", made, first.system.name)
    (tmp_path / "outputs.jsonl").write_bytes(content)
    again = StudyFactory(prompts=0)
    path = tmp_path / "outputs.jsonl"
    materials.import_material(study=again, path=path, filename=path.name, allow_extra_columns=True)
    assert lines(written(again, "outputs")[0])[0]["metadata"].items() >= made.items()


def test_questionnaire_stands_under_the_pseudonym(study):
    content, _ = written(study, "questionnaire")

    row = lines(content)[0]
    assert row["answers"] == {"age": "44"}
    assert row["rater"] in study.participations.values_list("rater__pseudonym", flat=True)


def test_plan_is_what_was_hashed(study):
    content, _ = written(study, "plan")

    assert content == study.plan.canonical.encode()


def test_log_is_complete_and_oldest_first(study):
    content, count = written(study, "log_csv")

    rows = list(csv.DictReader(io.StringIO(content.decode())))
    assert rows[0]["event"] == "created"
    assert count == len(rows) == study.events.count() - 1  # that it was exported is written after it


def test_log_holds_no_formula_of_a_spreadsheet(study):
    from annotations.domain.events import log_event

    log_event(study=study, name="=1+1", actor=UserFactory(username="@SUM(A1)"))

    rows = list(csv.DictReader(io.StringIO(written(study, "log_csv")[0].decode())))

    assert (rows[-1]["event"], rows[-1]["actor"]) == ("'=1+1", "'@SUM(A1)")
