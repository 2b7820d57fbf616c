"""From judgements to findings, exclusions and places; every rater here answers through the domain's own verbs."""

import threading

import pytest
from django.db import connection, connections
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from annotations.blind import Timing
from annotations.domain import assignment, quality, quality_places, studies
from annotations.domain.judging import record_judgement
from annotations.domain.participation import begin
from annotations.domain.quality_history import trace_of, words_of
from annotations.errors import NotReady, WrongState
from annotations.models import Event, Examination, Exclusion, Flag, Lease, Participation
from tests.annotations.factories import ParticipationFactory, StudyFactory, UserFactory

DESIGN = {
    "raters_per_task": 2,
    "trials_per_rater": 8,
    "attention_trials": 2,
    "repeat_trials": 1,
    "repeat_gap": 2,
}
READER = Timing(first_answer_ms=9000, submit_ms=20_000, hidden_ms=0, idle_ms=0)
SPEEDER = Timing(first_answer_ms=200, submit_ms=300, hidden_ms=0, idle_ms=0)
ASKED = "Please choose this text", "This is the text to choose", "in favour of this text"


def careful(trial, at):
    """Do what an instruction says; else change sides and strength from trial to trial."""
    for place, text in enumerate(trial.texts):
        if any(words in text for words in ASKED):
            return ["1" if place == 0 else "5"] * 3
    return [str(1 + (at + row) % 5) for row in range(3)]


def one_side(trial, at):
    """Always the left text, whatever it asks for."""
    return ["1", "1", "1"]


def judge(participation, *, mind=careful, timing=READER, limit=None):
    view, done = begin(public_id=participation.public_id), 0
    while view.trials and (limit is None or done < limit):
        keys = [question.key for question in view.questionnaire.questions]
        answers = dict(zip(keys, mind(view.trials[0], done), strict=True))
        view = record_judgement(
            public_id=participation.public_id, trial=view.trials[0].token, answers=answers, timing=timing
        )
        done += 1
    participation.refresh_from_db()
    return participation


def rater(study, **kwargs):
    return judge(ParticipationFactory(study=study), **kwargs)


def verdicts(participation):
    rows = participation.exclusions.filter(undone_at=None).order_by("check_name")
    return list(rows.values_list("check_name", flat=True))


@pytest.fixture
def study(db):
    return StudyFactory(open=True, prompts=12, design=DESIGN)


@pytest.fixture
def boss(db):
    return UserFactory()


def test_a_history_holds_what_the_rater_did(study):
    participation = rater(study)

    history = trace_of(participation).history

    assert [seen.number for seen in history.judgements] == list(range(1, 12))
    assert history.planned == 11
    assert sorted(seen.kind for seen in history.judgements) == ["attention"] * 2 + ["main"] * 8 + ["repeat"]
    (repeat,) = [seen for seen in history.judgements if seen.kind == "repeat"]
    original = history.judgements[repeat.original - 1]
    assert (original.kind, original.task, original.order) == ("main", repeat.task, repeat.order[::-1])
    assert all(seen.seconds == 20.0 and all(seen.words) for seen in history.judgements)
    assert all(seen.expected for seen in history.judgements if seen.kind == "attention")
    assert {answer.span for seen in history.judgements for answer in seen.answers} == {(-2.0, 2.0)}


def test_words_are_counted_in_scripts_without_spaces_too():
    assert words_of("Use it as a door stop.") == 6
    assert words_of("把砖头磨成颜料然后画画吧好吗谢谢") == 10
    assert words_of("") == 0


def test_a_careful_rater_is_not_excluded(study):
    participation = rater(study)

    quality.examine(participation=participation)

    assert verdicts(participation) == []
    assert not Flag.objects.filter(participation=participation, check_name="failed_attention").exists()


def test_a_speeder_who_never_reads_is_found_trial_by_trial_and_excluded(study):
    participation = rater(study, mind=one_side, timing=SPEEDER)

    quality.examine(participation=participation)

    flags = Flag.objects.filter(participation=participation, check_name="too_fast")
    assert flags.filter(judgement=None).get().score == 1.0
    assert flags.exclude(judgement=None).count() == 8
    assert {flag.judgement.trial.kind for flag in flags.exclude(judgement=None)} == {"main"}
    assert "too_fast" in verdicts(participation)


def test_looking_again_changes_nothing(study):
    participation = rater(study, mind=one_side, timing=SPEEDER)
    quality.examine(participation=participation)
    before = list(Flag.objects.order_by("pk").values()), list(Exclusion.objects.order_by("pk").values())
    events = Event.objects.count()

    quality.examine(participation=participation)

    assert (list(Flag.objects.order_by("pk").values()), list(Exclusion.objects.order_by("pk").values())) == before
    assert Event.objects.count() == events


def test_an_exclusion_that_was_undone_is_not_made_again_by_the_rule(study, boss):
    participation = rater(study, timing=SPEEDER)
    quality.examine(participation=participation)
    for exclusion in list(participation.exclusions.filter(undone_at=None)):
        quality.undo(exclusion=exclusion, reason="He wrote that he knows the texts.", actor=boss)

    quality.examine(participation=participation)

    assert verdicts(participation) == []
    row = participation.exclusions.get(check_name="too_fast")
    assert (row.undone_by, row.undone_reason) == (boss, "He wrote that he knows the texts.")


def test_a_decision_by_hand_needs_a_reason_and_is_made_once(study, boss):
    participation = rater(study)

    with pytest.raises(NotReady, match="reason"):
        quality.exclude(participation=participation, reason="  ", actor=boss)
    first = quality.exclude(participation=participation, reason="Wrote that the child answered.", actor=boss)
    second = quality.exclude(participation=participation, reason="Again.", actor=boss)

    assert first == second
    assert participation.exclusions.get().author == boss
    assert Event.objects.filter(name="excluded", actor=boss, participation=participation).count() == 1


def test_withdrawn_data_are_not_decided_about(study, boss):
    participation = rater(study)
    Participation.objects.filter(pk=participation.pk).update(state="withdrawn")

    with pytest.raises(WrongState, match="withdrawn"):
        quality.exclude(participation=participation, reason="x", actor=boss)
    assert quality.examine(participation=participation) == {}


def test_a_finding_that_is_found_no_more_is_kept_and_marked(study):
    participation = rater(study)
    flag = Flag.objects.create(participation=participation, check_name="too_fast", key="rater", score=1.0)

    quality.examine(participation=participation)

    flag.refresh_from_db()
    assert flag.gone_at is not None


def test_findings_of_the_platform_itself_are_left_alone(study):
    participation = rater(study, limit=3)
    lapse(participation)

    quality.examine(participation=participation)

    assert Flag.objects.get(participation=participation, check_name="lease_lapsed").gone_at is None


def lapse(participation):
    Lease.objects.filter(participation=participation).update(expires_at=timezone.now() - timezone.timedelta(hours=1))
    assignment.expire_leases()
    participation.refresh_from_db()


def test_a_partial_rater_is_examined_too(study):
    participation = rater(study, timing=SPEEDER, limit=7)
    lapse(participation)

    quality.examine_due()

    assert "too_fast" in verdicts(participation)
    assert Lease.objects.filter(booklet__leases__participation=participation).count() == 2


def test_everybody_who_ended_is_looked_at_once(study):
    done = [rater(study, timing=SPEEDER), rater(study)]
    rater(study, limit=2)

    first, second = quality.examine_due(), quality.examine_due()

    assert (first, second) == (2, 0)
    assert set(Examination.objects.values_list("participation", flat=True)) == {one.pk for one in done}


def test_the_second_visit_from_one_browser_is_the_duplicate(study):
    first, second = rater(study), rater(study)
    Participation.objects.filter(pk__in=[first.pk, second.pk]).update(browser="a" * 64)

    quality.examine_due()

    assert verdicts(first) == []
    assert verdicts(second) == ["duplicate_person"]


def test_the_same_recruiters_id_is_a_duplicate_across_platforms(study):
    first = ParticipationFactory(study=study, person="worker-1")
    second = ParticipationFactory(study=study, person="worker-2")
    second.identity.digest, second.identity.platform = first.identity.digest, "elsewhere"
    second.identity.save()
    judge(first)
    judge(second)

    quality.examine_due()

    assert verdicts(second) == ["duplicate_person"]


def test_an_excluded_raters_booklet_is_given_to_somebody_else_and_the_balance_says_so(study):
    bad = rater(study, timing=SPEEDER)
    before = quality_places.balance(study=study)

    quality.examine(participation=bad)

    after = quality_places.balance(study=study)
    assert (before["counting"], before["excluded"]) == (1, 0)
    assert (after["counting"], after["excluded"], after["open"]) == (0, 1, after["booklets"])
    copy = Lease.objects.get(booklet__leases__participation=bad, state="available")
    assert copy.copy == 2


def test_k_raters_who_count_are_reached_however_many_are_excluded(study):
    planned = study.plan.booklets_planned
    for number in range(planned):
        rater(study, timing=SPEEDER if number % 3 == 0 else READER)
    quality.examine_due()
    while Lease.objects.filter(plan=study.plan, state="available").exists():
        rater(study)
    quality.examine_due()

    balance = quality_places.balance(study=study)

    assert (balance["counting"], balance["open"], balance["lost"], balance["surplus"]) == (planned, 0, 0, 0)
    assert balance["excluded"] == -(-planned // 3)
    assert set(balance["by_task"]) == {2}


def test_without_reissue_the_place_is_lost_and_told(db):
    study = StudyFactory(open=True, prompts=12, design=DESIGN, quality={"reissue": False})
    bad = rater(study, timing=SPEEDER)

    quality.examine(participation=bad)

    assert quality_places.balance(study=study)["lost"] == 1
    assert not Lease.objects.filter(booklet__leases__participation=bad, state="available").exists()


def test_undoing_takes_the_waiting_copy_back(study, boss):
    participation = rater(study)
    made = quality.exclude(participation=participation, reason="By mistake.", actor=boss)

    quality.undo(exclusion=made, reason="Meant another one.", actor=boss)

    balance = quality_places.balance(study=study)
    assert (balance["counting"], balance["excluded"], balance["surplus"]) == (1, 0, 0)
    copies = Lease.objects.filter(booklet__leases__participation=participation).order_by("copy")
    assert [lease.state for lease in copies] == ["completed", "withdrawn"]


def test_a_copy_that_somebody_has_taken_meanwhile_stays_his(study, boss):
    participation = rater(study)
    made = quality.exclude(participation=participation, reason="By mistake.", actor=boss)
    Lease.objects.exclude(booklet__leases__participation=participation).update(state="withdrawn")
    other = rater(study)

    quality.undo(exclusion=made, reason="Meant another one.", actor=boss)

    assert quality_places.balance(study=study)["surplus"] == 1
    assert other.leases.get().state == "completed"


def test_checks_that_compare_with_others_exclude_only_when_the_study_is_closed(study):
    study.quality = {}
    for _ in range(study.plan.booklets_planned):
        rater(study)
    quality.examine_study(study=study)
    assert not Examination.objects.filter(settled=True).exists()

    studies.close_study(study=study)
    quality.examine_due()
    again = quality.examine_due()

    assert not Examination.objects.filter(settled=False).exists()
    assert again == 0
    assert Event.objects.filter(study=study, name="quality_settled").count() == 1


def test_rules_are_declared_while_the_study_is_a_draft_and_hashed(db, boss):
    draft = StudyFactory(prompts=12, design=DESIGN)
    quality.declare(study=draft, quality={"checks": {"too_fast": {"on": False}}}, actor=boss)

    assert draft.quality["checks"]["too_fast"]["on"] is False
    assert draft.quality["checks"]["side_bias"]["rule"] == {"kind": "score", "at_least": 3.0}
    with pytest.raises(NotReady, match="words_per_minute"):
        quality.declare(study=draft, quality={"checks": {"too_fast": {"options": {"words_per_minute": -1}}}})
    with pytest.raises(WrongState, match="another window"):
        quality.declare(study=draft, quality={}, seen="0" * 16)


def test_the_declaration_is_part_of_the_frozen_hash(db):
    frozen = StudyFactory(frozen=True)

    assert '"too_fast":{"on":true,"options":' in frozen.plan.canonical
    with pytest.raises(WrongState, match="frozen"):
        quality.declare(study=frozen, quality={})


def test_the_cost_of_a_look_does_not_grow_with_the_study(study):
    first = rater(study)
    with CaptureQueriesContext(connection) as alone:
        quality.examine(participation=first)
    second = rater(study)
    for _ in range(3):
        rater(study)

    with CaptureQueriesContext(connection) as among_others:
        quality.examine(participation=second)

    assert len(among_others) == len(alone)


@pytest.mark.django_db(transaction=True)
def test_two_looks_and_two_exclusions_at_once_write_everything_once():
    study, boss = StudyFactory(open=True, prompts=12, design=DESIGN), UserFactory()
    participation = rater(study, timing=SPEEDER)
    start, problems = threading.Barrier(4), []

    def work(deed):
        try:
            start.wait(30)
            deed()
        except Exception as error:  # noqa: BLE001 - told below
            problems.append(error)
        finally:
            connections.close_all()

    deeds = [lambda: quality.examine(participation=participation)] * 2
    deeds += [lambda: quality.exclude(participation=participation, reason="x", actor=boss)] * 2
    threads = [threading.Thread(target=work, args=(deed,)) for deed in deeds]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)

    assert problems == []
    names = list(participation.exclusions.order_by("check_name").values_list("check_name", flat=True))
    assert len(names) == len(set(names))
    assert "" in names
    assert "too_fast" in names
    assert Lease.objects.filter(booklet__leases__participation=participation).count() == 2
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM annotations_flag WHERE check_name = 'too_fast' AND key = 'rater'")
        assert cursor.fetchone()[0] == 1
