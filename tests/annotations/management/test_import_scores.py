"""The command that brings scores: what it says, and what it refuses."""

from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from annotations.models import OutputScore
from tests.annotations.factories import StudyFactory

pytestmark = pytest.mark.django_db


def run(*arguments):
    out = StringIO()
    call_command("import_scores", *map(str, arguments), stdout=out, no_color=True)
    return out.getvalue()


def test_command_brings_scores_and_says_how_many(tmp_path):
    study = StudyFactory(prompts=2, systems=("baseline",))
    path = tmp_path / "scores.csv"
    path.write_text("prompt_key,system,rm\np0,baseline,1\np1,baseline,2\n")

    first, again = run(study.slug, path, "--description=A reward model"), run(study.pk, path)

    assert (first, again) == ("2 scores by 1 judge added.\n", "Nothing new: 2 scores were there already.\n")
    assert study.judges.get().description == "A reward model"


def test_command_prints_problems_and_keeps_nothing(tmp_path):
    study = StudyFactory(prompts=1, systems=("baseline",))
    path = tmp_path / "scores.csv"
    path.write_text("prompt_key,system,rm\np0,baseline,much\n")

    with pytest.raises(CommandError) as caught:
        run(study.slug, path)

    assert str(caught.value).splitlines() == [
        "scores.csv was refused; nothing was imported.",
        "",
        "row  column  reason",
        "  1  rm      is not a number: 'much'",
    ]
    assert OutputScore.objects.count() == 0
