"""The expert panel: an expert asks, the systems answer, the expert ranks, and asks again.

A panel has no booklets in advance. Each round makes its own: one prompt (the question), the outputs that the systems
wrote for it, one task and one booklet of one trial, leased to the expert. From there on everything is as in any study:
the trial page, the judgement, the lease that lapses and is taken up again, the long table.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import random
from collections.abc import Mapping
from typing import Any, Final

from django.db import transaction
from django.utils import timezone

from annotations.enums import JobState, LeaseState, Outcome, ParticipationState, Step, StudyState, SystemRole, TrialKind
from annotations.errors import AnswerError, BadToken, GeneratorFailed, NotReady, WrongState
from annotations.models import Booklet, Lease, Output, Participation, Prompt, Round, Study, System, Task, Trial, Writer
from annotations.registry import generators, question_types

from . import jobs
from .events import log_event

LOCK: Final = 20_2614  # a first key of our advisory locks: rounds
SCHEME: Final = "panel"
LONGEST_QUESTION: Final = 2000
SHORTEST_QUESTION: Final = 5
DEFAULTS: Final[Mapping[str, int]] = {"rounds": 5, "least_rounds": 1, "outputs": 20, "experts": 1}
LIMITS: Final = {"rounds": (1, 100), "least_rounds": (1, 100), "outputs": (2, 20), "experts": (1, 10_000)}


def is_panel(study: Study) -> bool:
    """Say whether outputs are written while the study runs."""
    return bool(study.design.get("comparisons") == SCHEME)


def settings_of(study: Study) -> dict[str, int]:
    """Return the settings of a panel: `rounds` at most, `least_rounds` to finish, `outputs` a round, `experts`.

    Raises NotReady naming the setting that makes no sense.
    """
    wanted = {name: study.design.get(name, default) for name, default in DEFAULTS.items()}
    for name, (least, most) in LIMITS.items():
        if isinstance(wanted[name], bool) or not isinstance(wanted[name], int) or not least <= wanted[name] <= most:
            raise NotReady(f"Panel: {name} must be a whole number from {least} to {most}, not {wanted[name]!r}.")
    if wanted["least_rounds"] > wanted["rounds"]:
        raise NotReady("Panel: there cannot be more rounds at least than at most.")
    return wanted


def require_ready(study: Study) -> int:
    """Return how many rounds there may be in all; raises NotReady saying what is missing before freezing."""
    wanted = settings_of(study)
    writers_of(study)
    for dimension in study.dimensions.all():
        least, most = question_types.get(dimension.question_type).outputs
        if not least <= wanted["outputs"] <= most:
            raise NotReady(f"'{dimension.key}' is asked of {least} to {most} outputs, not of {wanted['outputs']}.")
    return wanted["rounds"] * wanted["experts"]


def certificate(study: Study) -> dict[str, Any]:
    """Return what can be promised before the rounds: their size, and how outputs are shared out and ordered."""
    wanted = settings_of(study)
    systems = [writer.system.name for writer in writers_of(study)]
    shares = sorted({wanted["outputs"] // len(systems), -(-wanted["outputs"] // len(systems))})
    each = " or ".join(map(str, shares))
    return {
        "panel": wanted,
        "summary": {"longest_booklet": 1, "booklets": wanted["rounds"] * wanted["experts"], "systems": systems},
        "guarantees": [
            {
                "name": "panel_shares",
                "statement": f"Every ranking holds {each} outputs of each system, the larger share in turn by round.",
                "required": 1,
                "worst": shares[-1] - shares[0],
                "where": "",
                "holds": True,
            }
        ],
    }


def writers_of(study: Study) -> list[Writer]:
    """Return who answers, in the order of the systems' names; raises NotReady when a system has no writer."""
    systems = System.objects.filter(study=study).exclude(role=SystemRole.CHECK).select_related("writer")
    missing = [system.name for system in systems if not hasattr(system, "writer")]
    if missing:
        raise NotReady(f"Panel: say how {', '.join(missing)} is asked for outputs.")
    if not systems:
        raise NotReady("Panel: add at least one system that answers the experts.")
    return [system.writer for system in systems]


def edit_writer(
    *,
    study: Study,
    name: str,
    role: str,
    generator: str,
    settings: Mapping[str, Any],
    secrets: Mapping[str, str] | None = None,
    actor: Any = None,
) -> Writer:
    """Add or change a system that answers when asked, in a draft; empty secrets keep the ones there are.

    Stored secrets that would now be sent to another address are forgotten, lest they go to somebody else.
    Raises WrongState after freezing and NotReady naming the wrong setting.
    """
    with transaction.atomic():
        locked = Study.objects.select_for_update().get(pk=study.pk)
        if locked.state != StudyState.DRAFT:
            raise WrongState("The design is frozen, so this cannot be changed any more.")
        try:
            clean = generators.get(generator).clean_settings(settings)
        except (KeyError, ValueError) as error:
            raise NotReady(f"System '{name}': {error.args[0]}") from error
        if not name.strip():
            raise NotReady("The system needs a name.")
        system, _ = System.objects.update_or_create(study=locked, name=name.strip(), defaults={"role": role})
        writer = Writer.objects.filter(system=system).first() or Writer(system=system)
        if secrets or would_move(writer, generator=generator, settings=clean):
            writer.secrets = dict(secrets or {})
        writer.generator, writer.settings = generator, clean
        writer.save()
        log_event(study=locked, name="writer_edited", data={"system": system.name}, actor=actor)
    return writer


def would_move(writer: Writer, *, generator: str, settings: Mapping[str, Any]) -> bool:
    """Say whether stored secrets would go to another place than they were given for."""
    kind = generators.get(generator)
    return writer.generator != generator or kind.destination(writer.settings) != kind.destination(settings)


def step_of(*, participation_id: int, design: Mapping[str, Any], lease_state: str | None) -> Step | None:
    """Return where an expert stands among the rounds; None when they are over.

    `lease_state` is the state of his latest lease. The path before the rounds must be behind him.
    """
    last = Round.objects.filter(participation=participation_id).order_by("-number").first()
    if last is None or last.state == JobState.FAILED:
        return Step.ASK
    if last.state in (JobState.QUEUED, JobState.RUNNING):
        return Step.WAITING
    if lease_state == LeaseState.LEASED:
        return Step.TRIAL
    if lease_state == LeaseState.LAPSED:
        return Step.LAPSED
    return None if last.number >= design.get("rounds", DEFAULTS["rounds"]) else Step.ASK


def facts_of(*, public_id: str) -> dict[str, Any]:
    """Return what the page of a round says: number, rounds, the last question, why it failed, whether one may stop."""
    person = _person(public_id)
    wanted = settings_of(person.study)
    last = person.rounds.order_by("-number").first()
    failed = last is not None and last.state == JobState.FAILED
    done = person.rounds.filter(lease__state=LeaseState.COMPLETED).count()
    return {
        "number": done + 1,
        "rounds": wanted["rounds"],
        "outputs": wanted["outputs"],
        "before": last.question if last is not None else "",
        "question": last.question if last is not None and failed else "",
        "message": last.message if last is not None and failed else "",
        "may_stop": done >= wanted["least_rounds"],
    }


def _person(public_id: str) -> Participation:
    person = Participation.objects.select_related("study").filter(public_id=public_id).first()
    if person is None:
        raise BadToken
    return person


def ask(*, public_id: str, question: str) -> Round:
    """Open a round with this question, or return the one that is open already: two clicks are one round.

    A round that failed takes the new question. Raises AnswerError for a question that is too short or too long.
    """
    person, words = _person(public_id), " ".join(question.split())
    if not SHORTEST_QUESTION <= len(words) <= LONGEST_QUESTION:
        raise AnswerError(f"Please write a question of {SHORTEST_QUESTION} to {LONGEST_QUESTION} characters.")
    if not is_panel(person.study) or person.study.state != StudyState.OPEN:
        raise WrongState("No question can be asked at the moment.")
    with transaction.atomic():
        locked = Participation.objects.select_for_update().get(pk=person.pk)
        last = locked.rounds.select_related("lease").order_by("-number").first()
        if last is not None and last.state != JobState.FAILED:
            if last.lease is None or last.lease.state != LeaseState.COMPLETED:
                return last
            if last.number >= settings_of(person.study)["rounds"]:
                raise WrongState("That was the last round.")
        number = 1 if last is None else last.number + (last.state != JobState.FAILED)
        fields = {"question": words, "state": JobState.QUEUED, "message": "", "finished_at": None}
        made, _ = Round.objects.update_or_create(participation=locked, number=number, defaults=fields)
        Participation.objects.filter(pk=locked.pk).update(
            state=ParticipationState.JUDGING, outcome="", finished_at=None
        )
        log_event(study=person.study, name="asked", participation=locked, data={"round": number})
    return made


def make_round(*, round_id: int) -> Round:
    """Let the systems answer and put the outputs before the expert. Delivered twice, it is done once.

    A failure is kept in words for the expert, who may ask again.
    """
    with jobs.alone(LOCK, round_id) as alone:
        made = Round.objects.select_related("participation__study__plan").get(pk=round_id)
        if not alone or made.state in (JobState.DONE, JobState.FAILED):
            return made
        Round.objects.filter(pk=made.pk).update(state=JobState.RUNNING)
        try:
            _write(made, _texts(made))
        except GeneratorFailed as error:
            Round.objects.filter(pk=made.pk).update(
                state=JobState.FAILED, message=str(error), finished_at=timezone.now()
            )
        made.refresh_from_db()
    return made


def _texts(made: Round) -> list[tuple[System, int, str]]:
    """Ask every system for its share; the first systems take what cannot be shared out evenly, in turn by round."""
    study = made.participation.study
    writers = writers_of(study)
    total, offset = settings_of(study)["outputs"], made.number + made.participation.pk
    found = []
    for at, writer in enumerate(writers):
        turn = (at + offset) % len(writers)
        count = total // len(writers) + (turn < total % len(writers))
        texts = generators.get(writer.generator).generate(
            made.question, count=count, settings=writer.settings, secrets=writer.secrets
        )
        found += [(writer.system, sample, text) for sample, text in enumerate(texts)]
    return found


def _write(made: Round, texts: list[tuple[System, int, str]]) -> None:
    person, study = made.participation, made.participation.study
    key = f"{person.rater.pseudonym}-{made.number}"
    with transaction.atomic():
        if Round.objects.select_for_update().get(pk=made.pk).lease is not None:
            return
        plan = study.plan
        if plan is None:
            raise WrongState("The design is not frozen.")
        prompt = Prompt.objects.create(study=study, key=key, text=made.question, task_family="panel")
        outputs = [
            Output.objects.create(prompt=prompt, system=system, sample=sample, text=text, content_hash=_hash(key, text))
            for system, sample, text in texts
        ]
        ids = sorted(output.pk for output in outputs)
        task = Task.objects.create(plan=plan, key=key, prompt=prompt, output_ids=ids)
        Study.objects.select_for_update().get(pk=study.pk)  # numbers of booklets are given one after the other
        last = Booklet.objects.filter(plan=plan).order_by("-number").values_list("number", flat=True).first() or 0
        booklet = Booklet.objects.create(plan=plan, number=last + 1, length=1)
        shown = random.Random(f"{plan.sha256}/{key}").sample(ids, len(ids))  # noqa: S311 - a design, not a secret
        Trial.objects.create(booklet=booklet, position=1, task=task, kind=TrialKind.MAIN, output_ids=shown)
        now = timezone.now()
        lease = Lease.objects.create(
            plan=plan,
            booklet=booklet,
            state=LeaseState.LEASED,
            participation=person,
            leased_at=now,
            expires_at=now + dt.timedelta(minutes=study.lease_minutes),
        )
        Round.objects.filter(pk=made.pk).update(
            prompt=prompt, lease=lease, state=JobState.DONE, message="", finished_at=now
        )


def _hash(key: str, text: str) -> str:
    return hashlib.sha256(f"{key}\0{text}".encode()).hexdigest()


def stop(*, public_id: str) -> None:
    """Let an expert end the rounds early, once the least number of rounds is ranked; done twice it is done once."""
    person = _person(public_id)
    if not facts_of(public_id=public_id)["may_stop"]:
        raise WrongState(f"Please rank at least {settings_of(person.study)['least_rounds']} rounds first.")
    with transaction.atomic():
        locked = Participation.objects.select_for_update().get(pk=person.pk)
        if Step.ASK.value not in locked.steps_done:
            locked.steps_done = [*locked.steps_done, Step.ASK.value]
            locked.state, locked.outcome = ParticipationState.FINISHED, Outcome.COMPLETED
            locked.finished_at = timezone.now()
            locked.save(update_fields=["steps_done", "state", "outcome", "finished_at"])
            log_event(study=person.study, name="rounds_ended", participation=locked, data={})


def edit_panel(*, study: Study, values: Mapping[str, int], actor: Any = None) -> Study:
    """Change the settings of a draft; raises NotReady naming the wrong one, WrongState after freezing."""
    with transaction.atomic():
        locked = Study.objects.select_for_update().get(pk=study.pk)
        if locked.state != StudyState.DRAFT:
            raise WrongState("The design is frozen, so this cannot be changed any more.")
        locked.design = {**locked.design, **{name: values[name] for name in DEFAULTS if name in values}}
        settings_of(locked)
        locked.save(update_fields=["design"])
        log_event(study=locked, name="design_edited", data=locked.design, actor=actor)
    study.refresh_from_db()
    return study


def remove_writer(*, study: Study, system_id: int, actor: Any = None) -> None:
    """Take a system out of a draft; one that has answered already stays."""
    with transaction.atomic():
        locked = Study.objects.select_for_update().get(pk=study.pk)
        system = System.objects.filter(study=locked, pk=system_id).first()
        if locked.state != StudyState.DRAFT or system is None or system.outputs.exists():
            raise WrongState("This system cannot be taken out any more.")
        log_event(study=locked, name="writer_removed", data={"system": system.name}, actor=actor)
        system.delete()


def try_writer(*, study: Study, system_id: int, question: str, count: int = 2) -> list[str]:
    """Ask one system as an expert would, and keep nothing; raises GeneratorFailed or NotReady."""
    writer = Writer.objects.filter(system__study=study, system_id=system_id).select_related("system").first()
    if writer is None:
        raise NotReady("There is no such system.")
    return generators.get(writer.generator).generate(
        question, count=count, settings=writer.settings, secrets=writer.secrets
    )
