"""The seven stations say where a study stands and what is missing."""

import pytest

from annotations.domain import assignment, judging, participation, studies
from annotations.domain.readiness import readiness
from annotations.models import MaterialImport, Output, Report, Study
from tests.annotations.factories import ParticipationFactory, StudyFactory

KEYS = ("material", "design", "preview", "freeze", "open", "monitor", "results")


def states(study):
    return [station.state for station in readiness(study=study)]


def missing(study, key):
    return next(station.missing for station in readiness(study=study) if station.key == key)


def test_stations_are_seven_in_order(db):
    assert tuple(station.key for station in readiness(study=StudyFactory())) == KEYS


@pytest.mark.parametrize(
    ("kwargs", "expected"),
    [
        ({"prompts": 0, "systems": ()}, "todo blocked blocked blocked blocked blocked blocked"),
        ({"design": {"trials_per_rater": 20}}, "done todo blocked blocked blocked blocked blocked"),
        ({"consent": ""}, "done done todo ready blocked blocked blocked"),
        ({}, "done done ready ready blocked blocked blocked"),
        ({"frozen": True}, "done done done done ready blocked blocked"),
        ({"open": True}, "done done done done done ready blocked"),
    ],
    ids=str,
)
def test_stations_follow_the_study(db, kwargs, expected):
    assert states(StudyFactory(**kwargs)) == expected.split()


def test_stations_follow_the_field_work(db):
    study = StudyFactory(open=True)
    studies.pause_study(study=study)
    paused = states(study)[4:]
    studies.resume_study(study=study)
    someone = ParticipationFactory(study=study)
    view = participation.begin(public_id=someone.public_id)
    answers = {question.key: "1" for question in view.questionnaire.questions}
    judging.record_judgement(public_id=someone.public_id, trial=view.trials[0].token, answers=answers)
    judged = states(study)[4:]
    studies.close_study(study=study)
    Report.objects.create(study=study, state="done")

    assert paused == ["ready", "ready", "blocked"]
    assert judged == ["done", "ready", "ready"]
    assert states(study)[4:] == ["done", "done", "done"]
    assert assignment.expire_leases() == 0


def test_missing_is_said_in_words(db):
    empty = StudyFactory(prompts=0, systems=())
    alone = StudyFactory(systems=("baseline",))
    unasked = StudyFactory(dimensions=[])
    tight = StudyFactory(design={"trials_per_rater": 20})

    assert missing(empty, "material") == ("There are no outputs yet: upload a file with the texts of your systems.",)
    assert missing(alone, "material") == (
        "There are only outputs of 'baseline': a comparison needs at least two systems.",
    )
    assert missing(unasked, "design") == ("There is nothing to ask yet: add at least one dimension.",)
    assert "trials per rater 20 > 6 prompts" in missing(tight, "design")[0]


def test_import_under_way_holds_the_material_back(db):
    study = StudyFactory()
    MaterialImport.objects.create(study=study, filename="f.csv", source="csv", state="running")

    assert missing(study, "material") == ("A file is being imported.",)


def test_unreadable_design_is_a_missing_thing_and_not_a_crash(db):
    study = StudyFactory()
    Study.objects.filter(pk=study.pk).update(design={"raters_per_task": "many"})
    study.refresh_from_db()

    assert states(study)[1] == "todo"
    assert "raters_per_task must be a whole number" in missing(study, "design")[0]


def test_readiness_costs_the_same_queries_for_any_material(db, django_assert_max_num_queries):
    studies_made = [StudyFactory(prompts=3), StudyFactory(prompts=12)]
    for study in studies_made:
        readiness(study=study)  # the plan is kept in memory

    for study in studies_made:
        with django_assert_max_num_queries(6):
            readiness(study=study)
    assert Output.objects.count() == 45
