"""The life of a study and of its leases."""

import datetime as dt
import json

import pytest
from django.utils import timezone

from annotations import design
from annotations.domain import assignment, dataset, monitoring, participation, planning, studies
from annotations.domain.freezing import thaw_study
from annotations.enums import LeaseState, ParticipationState, StudyState
from annotations.errors import NotReady, StudyNotFound, StudyNotOpen, WrongState
from annotations.models import Event, Flag, Judgement, Lease, Participation, Plan, Trial

from .conftest import judge_all


def names_of(study):
    return list(Event.objects.filter(study=study).order_by("pk").values_list("name", flat=True))


def test_template_fills_texts_and_dimensions(db):
    study = studies.create_study(title="T", template="pairwise_creativity")

    assert [dimension.key for dimension in study.dimensions.all()] == ["originality", "surprise", "creativity"]
    assert study.consent
    assert study.instructions
    assert names_of(study) == ["created"]


def test_freezing_writes_plan_hash_and_leases(make_study):
    study = make_study()

    plan = planning.freeze_study(study=study)

    assert study.state == StudyState.FROZEN
    assert len(plan.sha256) == 64
    assert json.loads(plan.canonical)["plan"]["trials"] == Trial.objects.count() == plan.trials_planned == 36
    assert Lease.objects.filter(plan=plan, state=LeaseState.AVAILABLE).count() == plan.booklets_planned == 9
    assert plan.certificate["holds"] is True
    assert plan.certificate["estimate"]["median_minutes"] > planning.OVERHEAD_MINUTES


def test_same_study_has_the_same_hash_wherever_it_is_frozen(make_study):
    first, second = make_study(), make_study()
    for study in (first, second):
        for at, output in enumerate(_outputs(study)):
            output.content_hash = f"hash-{at}"
            output.save()

    one, other = planning.freeze_study(study=first), planning.freeze_study(study=second)

    assert one.canonical == other.canonical
    assert one.sha256 == other.sha256


@pytest.mark.parametrize(
    "change",
    [
        lambda study: study.design.update(seed=2),
        lambda study: study.design.update(raters_per_task=4),
        lambda study: study.analysis.update(alpha=0.01),
        lambda study: setattr(study, "instructions", "Other words"),
        lambda study: study.dimensions.filter(key="surprise").update(definition="Other words"),
        lambda study: study.systems.filter(name="baseline").update(role="baseline"),
    ],
)
def test_every_change_of_design_or_analysis_changes_the_hash(make_study, change):
    study = make_study()
    before = planning.freeze_study(study=study).sha256
    thaw_study(study=study)

    change(study)
    study.save()
    plan = planning.freeze_study(study=study)

    assert json.loads(plan.canonical) | {"version": 1} != json.loads(Plan.objects.get(sha256=before).canonical)
    assert plan.version == 2


def test_certificate_recounted_from_the_database_equals_the_frozen_one(make_study):
    study = make_study(design={"attention_trials": 1, "repeat_trials": 1, "repeat_gap": 2})
    plan = planning.freeze_study(study=study)

    recount = design.certify(list(dataset.trial_rows(study=study)), planning.spec_of(study=study))

    def balances(certificate):
        return {item["name"]: (item["worst"], item["holds"]) for item in certificate["guarantees"]}

    assert balances(json.loads(json.dumps(recount.to_dict()))) == balances(plan.certificate)


def test_freezing_without_material_says_what_is_missing(db):
    study = studies.create_study(title="T", template="pairwise_creativity")

    with pytest.raises(NotReady, match="bring the material first"):
        planning.freeze_study(study=study)

    assert study.state == StudyState.DRAFT


def test_infeasible_design_freezes_nothing(make_study):
    study = make_study(design={"trials_per_rater": 50})

    with pytest.raises(design.Infeasible):
        planning.freeze_study(study=study)

    study.refresh_from_db()
    assert (study.state, Plan.objects.count()) == (StudyState.DRAFT, 0)


def test_frozen_study_is_not_frozen_twice_and_thaws_to_a_new_version(make_study):
    study = make_study()
    planning.freeze_study(study=study)

    with pytest.raises(WrongState):
        planning.freeze_study(study=study)
    thaw_study(study=study)
    again = planning.freeze_study(study=study)

    assert again.version == 2
    assert Plan.objects.count() == 2
    assert Trial.objects.filter(booklet__plan__version=1).count() == 0


def test_entered_study_cannot_be_thawed(make_open_study):
    study = make_open_study()
    participation.enter_study(slug=study.slug)

    with pytest.raises(WrongState):
        thaw_study(study=study)


def test_states_move_only_along_the_path(make_study):
    study = make_study()

    for verb in (studies.open_study, studies.pause_study, studies.close_study, studies.resume_study):
        with pytest.raises(WrongState):
            verb(study=study)

    planning.freeze_study(study=study)
    for verb, state in (
        (studies.open_study, "open"),
        (studies.pause_study, "paused"),
        (studies.resume_study, "open"),
        (studies.close_study, "closed"),
    ):
        assert verb(study=study).state == state


def test_opening_twice_is_one_event(make_open_study):
    study = make_open_study()

    studies.open_study(study=study)

    assert names_of(study).count("open") == 1


def test_link_of_a_draft_is_unknown_and_of_a_closed_study_takes_nobody(make_study):
    study = make_study()
    with pytest.raises(StudyNotFound):
        participation.enter_study(slug=study.slug)

    planning.freeze_study(study=study)
    studies.open_study(study=study)
    studies.close_study(study=study)

    with pytest.raises(StudyNotOpen):
        participation.enter_study(slug=study.slug)


def test_lapsed_booklet_is_reissued_and_its_rater_flagged(make_open_study):
    study = make_open_study()
    person = participation.enter_study(slug=study.slug)
    judge_all(participation=person, limit=2)
    Lease.objects.filter(participation=person).update(expires_at=timezone.now() - dt.timedelta(minutes=1))

    lapsed = assignment.expire_leases()
    again = assignment.expire_leases()

    assert (lapsed, again) == (1, 0)
    old = Lease.objects.get(participation=person)
    new = Lease.objects.get(booklet=old.booklet, copy=2)
    assert (old.state, new.state) == (LeaseState.LAPSED, LeaseState.AVAILABLE)
    assert Judgement.objects.filter(lease=old).count() == 2
    assert Flag.objects.get().detail == {"lease": old.pk, "judgements": 2}
    person.refresh_from_db()
    assert person.state == ParticipationState.LAPSED


def test_every_task_reaches_k_complete_raters_in_spite_of_dropouts(make_open_study):
    study = make_open_study()
    while True:
        person = participation.enter_study(slug=study.slug)
        drop_out = person.pk % 3 == 0
        if judge_all(participation=person, limit=1 if drop_out else None) == 0:
            break
        if drop_out:
            Lease.objects.filter(participation=person).update(expires_at=timezone.now() - dt.timedelta(minutes=1))
            assignment.expire_leases()

    numbers = monitoring.monitor(study=study)
    assert numbers["by_task"] == {2: 18}  # 6 prompts × 3 pairs, k = 2
    assert numbers["raters"]["lapsed"] > 0


def test_open_lease_is_not_expired(make_open_study):
    study = make_open_study()
    participation.begin(public_id=participation.enter_study(slug=study.slug).public_id)

    assert assignment.expire_leases() == 0


def test_preview_shows_texts_in_the_order_that_the_rater_will_get(make_study):
    study = make_study(design={"attention_trials": 1})
    views = [planning.preview_trial(study=study, number=number) for number in range(1, 6)]

    planning.freeze_study(study=study)
    studies.open_study(study=study)
    person = participation.enter_study(slug=study.slug)
    seen = participation.begin(public_id=person.public_id)

    assert Participation.objects.count() == 1
    assert views[0].trials[0].prompt == seen.trials[0].prompt
    assert views[0].trials[0].texts == seen.trials[0].texts
    assert views[0].total == seen.total == 5


def test_preview_beyond_the_end_shows_the_last_trial(make_study):
    view = planning.preview_trial(study=make_study(), number=99, booklet=99)

    assert view.trials[0].number == view.total


def _outputs(study):
    from annotations.models import Output

    return Output.objects.filter(prompt__study=study).order_by("pk")
