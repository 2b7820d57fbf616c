"""Test data with believable defaults, made through the domain's verbs wherever there is one.

``StudyFactory()`` is a draft with material; ``StudyFactory(frozen=True)`` and ``StudyFactory(open=True)`` go on from
there. Design settings are given as ``design={"trials_per_rater": 4}`` and complete the small defaults below.
"""

from __future__ import annotations

import hashlib
from typing import Any

import factory
from django.contrib.auth.models import User

from annotations import models
from annotations.access import rater_token
from annotations.blind import BlindTrial, Question, Questionnaire, RaterView
from annotations.domain import participation, planning, studies
from annotations.enums import Step
from annotations.registry import Identity

SMALL_DESIGN = {"raters_per_task": 2, "trials_per_rater": 3, "attention_trials": 0, "repeat_trials": 0, "seed": 7}
SYSTEMS = ("baseline", "steered", "reference")
RESEARCHER = "the-researcher"
GRADED = {"levels": 5, "midpoint": True}


class UserFactory(factory.django.DjangoModelFactory):
    """A researcher; ``superuser=True`` may do everything in the admin."""

    class Meta:
        model = User
        skip_postgeneration_save = True

    class Params:
        superuser = factory.Trait(is_staff=True, is_superuser=True)

    username = factory.Sequence(lambda n: f"researcher-{n}")
    email = factory.LazyAttribute(lambda user: f"{user.username}@example.org")
    password = factory.django.Password("correct horse battery")


def the_researcher() -> User:
    """The author of studies that name no other one: owner of each, and the account of the admin tests' desk."""
    found = User.objects.filter(username=RESEARCHER).first()
    return found or UserFactory(username=RESEARCHER, is_staff=True)


class StudyFactory(factory.django.DjangoModelFactory):
    """A study from a template. `prompts` and `systems` size the material, `samples` the outputs per cell.

    Its owner is `author`, by default ``the_researcher()``.
    """

    class Meta:
        model = models.Study

    title = factory.Sequence(lambda n: f"Unusual uses {n}")
    template = "pairwise_creativity"

    @classmethod
    def _create(cls, model_class: type[models.Study], *args: Any, **kwargs: Any) -> models.Study:
        """Create the draft, fill it, then freeze and open it if that is asked for."""
        prompts, systems = kwargs.pop("prompts", 6), kwargs.pop("systems", SYSTEMS)
        samples, dimensions = kwargs.pop("samples", 1), kwargs.pop("dimensions", None)
        is_open = kwargs.pop("open", False)
        frozen = kwargs.pop("frozen", False) or is_open
        design = SMALL_DESIGN | kwargs.pop("design", {})
        author = kwargs.pop("author", None) or the_researcher()
        study = studies.create_study(title=kwargs.pop("title"), template=kwargs.pop("template"), author=author)
        study.design |= design
        for name, value in kwargs.items():
            setattr(study, name, value)
        study.save()
        if dimensions is not None:
            study.dimensions.all().delete()
            for order, fields in enumerate(dimensions):
                DimensionFactory(study=study, order=order, **fields)
        fill(study, prompts=prompts, systems=systems, samples=samples)
        if frozen:
            planning.freeze_study(study=study)
        return studies.open_study(study=study) if is_open else study


class DimensionFactory(factory.django.DjangoModelFactory):
    """A dimension of a study."""

    class Meta:
        model = models.Dimension

    study = factory.SubFactory(StudyFactory)
    order = 0
    key = factory.Sequence(lambda n: f"dimension-{n}")
    label = factory.LazyAttribute(lambda dimension: dimension.key)
    definition = "What the word means here."
    question_type = "graded_preference"
    options = factory.LazyFunction(lambda: dict(GRADED))


class SystemFactory(factory.django.DjangoModelFactory):
    """A system of a study."""

    class Meta:
        model = models.System

    study = factory.SubFactory(StudyFactory)
    name = factory.Sequence(lambda n: f"system-{n}")


class PromptFactory(factory.django.DjangoModelFactory):
    """A prompt of a study."""

    class Meta:
        model = models.Prompt

    study = factory.SubFactory(StudyFactory)
    key = factory.Sequence(lambda n: f"prompt-{n}")
    text = factory.Sequence(lambda n: f"Think of unusual uses for object {n}.")


class OutputFactory(factory.django.DjangoModelFactory):
    """One text; its hash covers prompt, system, sample and text."""

    class Meta:
        model = models.Output

    prompt = factory.SubFactory(PromptFactory)
    system = factory.SubFactory(SystemFactory, study=factory.SelfAttribute("..prompt.study"))
    sample = 0
    text = factory.Sequence(lambda n: f"A use that nobody thought of before, number {n}.")
    content_hash = factory.LazyAttribute(
        lambda o: hashlib.sha256(f"{o.prompt.key}\0{o.system.name}\0{o.sample}\0{o.text}".encode()).hexdigest()
    )


def fill(study: models.Study, *, prompts: int, systems: tuple[str, ...], samples: int = 1) -> None:
    """Give a study one text per prompt, system and sample; in bulk, since thousands of tests begin with it."""
    made = models.System.objects.bulk_create(SystemFactory.build(study=study, name=name) for name in systems)
    asked = models.Prompt.objects.bulk_create(
        PromptFactory.build(study=study, key=f"p{number}", text=f"Think of unusual uses for thing {number}.")
        for number in range(prompts)
    )
    models.Output.objects.bulk_create(
        OutputFactory.build(prompt=prompt, system=system, sample=sample)
        for prompt in asked
        for system in made
        for sample in range(samples)
    )


class ParticipationFactory(factory.django.DjangoModelFactory):
    """Somebody who has consented; ``begun=True`` has a booklet too. Token: ``token_of(participation)``."""

    class Meta:
        model = models.Participation

    study = factory.SubFactory(StudyFactory, open=True)

    @classmethod
    def _create(cls, model_class: type[models.Participation], *args: Any, **kwargs: Any) -> models.Participation:
        study, begun = kwargs.pop("study"), kwargs.pop("begun", False)
        identity = Identity(person=kwargs.pop("person", ""), session=kwargs.pop("session", ""))
        entered = participation.enter_study(slug=study.slug, identity=identity, **kwargs)
        if begun:
            participation.begin(public_id=entered.public_id)
            entered.refresh_from_db()
        return entered


def token_of(entered: models.Participation) -> str:
    """Return the token of the rater's own link."""
    return rater_token(entered.public_id)


class QuestionFactory(factory.Factory):
    """A question as a page sees it."""

    class Meta:
        model = Question

    key = factory.Sequence(lambda n: f"q{n}")
    label = factory.LazyAttribute(lambda question: question.key)
    definition = "What the word means here."
    type = "graded_preference"
    options = factory.LazyFunction(lambda: dict(GRADED))


class BlindTrialFactory(factory.Factory):
    """A trial as a page sees it."""

    class Meta:
        model = BlindTrial

    token = factory.Sequence(lambda n: f"1.2.{n + 1:x}")
    number = 1
    total = 30
    prompt = "Think of unusual uses for a brick."
    texts = ("Grind it to pigment.", "Use it as a doorstop.")


def questionnaire(*questions: Question, version: str = "") -> Questionnaire:
    """Return a questionnaire with a version of its own, unless one is given."""
    rows = questions or (QuestionFactory(key="originality", label="original"),)
    return Questionnaire(version or f"test-{id(rows)}", "Which is more …", rows)


def rater_view(**kwargs: Any) -> RaterView:
    """Return a view with one trial."""
    defaults: dict[str, Any] = {
        "step": Step.TRIAL,
        "study_title": "Unusual uses",
        "questionnaire": questionnaire(),
        "trials": (BlindTrialFactory(),),
        "total": 30,
    }
    return RaterView(**(defaults | kwargs))
