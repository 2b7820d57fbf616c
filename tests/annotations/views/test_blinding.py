"""No response before the end separates the arms: made with names that could not be there by chance."""

import re

import pytest
from django.test import Client
from django.urls import reverse

from annotations.domain import booklets, planning, studies
from annotations.domain.participation import begin
from annotations.models import Booklet, Judgement, Lease, Output, Participation, System, Task, Trial
from tests.annotations.factories import ParticipationFactory, StudyFactory, token_of

from .conftest import Person, trial_on

SYSTEMS = ("zebra-steered-9000", "quokka-baseline-77", "okapi-reference-3")
LENGTH = 8  # six pairs, one attention check, one repeat
TELLING = [*SYSTEMS, "zebra", "quokka", "okapi", "outputs-final.csv", "unmistakable-metadata", "check_name", "is_check"]


@pytest.fixture
def telling_study(db):
    """A study whose every hidden thing has an unmistakable name."""
    study = StudyFactory(
        systems=SYSTEMS,
        prompts=6,
        description="unmistakable-metadata",
        design={"attention_trials": 1, "repeat_trials": 1, "trials_per_rater": 6, "repeat_gap": 2},
    )
    job = study.imports.create(source="csv", filename="outputs-final.csv", state="done")
    Output.objects.filter(prompt__study=study).update(source=job, metadata={"model": "unmistakable-metadata"})
    planning.freeze_study(study=study)
    return studies.open_study(study=study)


def every_response(study):
    """Walk a whole booklet by form and by script and return what came before the end: (where, headers, body)."""
    client = Client()
    entrance = reverse("study_entrance", args=[study.slug])
    seen = [client.get(entrance), client.post(entrance)]
    person = Person(Participation.objects.latest("pk"), client)
    seen += [person.look(), client.post(reverse("rater_step", args=[person.token, "consent"]))]
    seen += [person.look(), client.post(person.url("rater_begin")), client.get(person.url("rater_help"))]
    for number in range(LENGTH):
        seen.append(person.look())
        seen.append(client.get(person.url("rater_pause")))
        trial = trial_on(person.look().content.decode())
        seen.append(person.send(trial, **{"answer-originality": "1"}))
        if number < LENGTH - 1:
            seen.append(person.send(trial, fetch=bool(number % 2)))
    seen.append(client.post(person.url("rater_answer"), {"trial": "1.2.x"}))
    return [(response.request["PATH_INFO"], str(response.headers), response.content.decode()) for response in seen]


def test_no_response_holds_a_telling_name(telling_study):
    responses = every_response(telling_study)

    for where, headers, body in responses:
        for name in TELLING:
            assert name not in body, where
            assert name not in headers, where


def test_no_response_holds_a_hash_or_a_kind(telling_study):
    outputs = Output.objects.filter(prompt__study=telling_study, prompt__is_check=False)
    hashes = list(outputs.values_list("content_hash", flat=True))
    hashes.append(telling_study.plan.sha256)

    for where, _, body in every_response(telling_study):
        assert not [value for value in hashes if value in body or value[:12] in body], where
        assert not re.search(r"\b(main|practice|attention|repeat)\b(?!>)", without_frame(body)), where


def without_frame(html):
    """What is particular to a trial: attributes and inputs of the article, without the texts themselves."""
    articles = re.findall(r"<article.*?</article>", html, flags=re.DOTALL)
    return " ".join(re.sub(r">[^<]*<", "><", article) for article in articles)


def test_ids_of_outputs_stand_nowhere(telling_study):
    """Ids are moved to numbers that cannot come about by chance; then no page may hold one of them."""
    shift = 7_770_000_000
    outputs = list(Output.objects.filter(prompt__study=telling_study).values_list("pk", flat=True))
    for pk in outputs:
        Output.objects.filter(pk=pk).update(id=pk + shift)
    for row in [*Task.objects.all(), *Trial.objects.all()]:
        row.output_ids = [pk + shift for pk in row.output_ids]
        row.save(update_fields=["output_ids"])

    for where, headers, body in every_response(telling_study):
        assert not re.search(r"777\d{7}", body), where
        assert not re.search(r"777\d{7}", headers), where
        for pk in outputs:
            assert f"{pk + shift:x}" not in body, where


def test_swapped_sides_differ_only_in_the_texts(telling_study):
    participation = ParticipationFactory(study=telling_study, begun=True)
    person = Person(participation)
    before = person.look().content.decode()
    shown = Trial.objects.filter(booklet__leases__participation=participation).order_by("position")[:2]
    texts = list(Output.objects.values_list("text", flat=True))

    for trial in shown:
        trial.output_ids = trial.output_ids[::-1]
        trial.save()
    booklets.forget_booklets()
    after = person.look().content.decode()

    assert before != after
    for text in texts:
        before, after = before.replace(text, "*"), after.replace(text, "*")
    assert before == after


def test_every_trial_of_a_booklet_has_the_same_markup(telling_study):
    """Main, attention and repeat trials are told apart by nothing but their texts."""
    person = Person(ParticipationFactory(study=telling_study, begun=True))
    shapes = set()

    for _ in range(LENGTH):
        html = person.look().content.decode()
        article = re.search(r"<article.*?</article>", html, flags=re.DOTALL).group()
        shapes.add(re.sub(r">[^<]*<", "><", re.sub(r'"[0-9a-f.]+"', '""', article)))
        person.send(trial_on(html))

    assert Judgement.objects.count() == LENGTH
    assert len(shapes) == 1


def test_tokens_of_trials_say_nothing_about_systems(telling_study):
    """A token is made of plan, lease and position; none of them depends on which systems meet."""
    lease = Lease.objects.filter(participation=None).first()
    participation = ParticipationFactory(study=telling_study)
    begin(public_id=participation.public_id)

    tokens = []
    person = Person(participation)
    for _ in range(LENGTH):
        tokens.append(person.trial())
        person.send(tokens[-1])

    plan, taken = telling_study.plan_id, participation.leases.get().pk
    assert lease.pk == taken
    assert tokens == [f"{plan:x}.{taken:x}.{position:x}" for position in range(1, LENGTH + 1)]
    assert Booklet.objects.get(leases=taken).length == LENGTH
    assert System.objects.filter(study=telling_study, name__in=SYSTEMS).count() == 3


def test_link_of_a_rater_does_not_open_the_admin(telling_study):
    person = Person(ParticipationFactory(study=telling_study, begun=True))

    response = person.client.get("/admin/")

    assert response.status_code == 302
    assert token_of(person.participation) not in response["Location"]
