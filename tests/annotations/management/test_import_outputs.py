"""The command: what it says, and how it exits."""

from __future__ import annotations

import subprocess
import sys
from argparse import ArgumentTypeError
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from annotations.domain import studies
from annotations.errors import Problem
from annotations.management.commands.import_outputs import role, table
from annotations.models import Output, Study
from tests.annotations.plugins.sources.material_files import three, write

ROOT = Path(__file__).resolve().parents[3]
pytestmark = pytest.mark.django_db


@pytest.fixture
def study(db: None) -> Study:
    return studies.create_study(title="What is original?", template="pairwise_creativity")


def run(*arguments: Any) -> str:
    out = StringIO()
    call_command("import_outputs", *map(str, arguments), stdout=out, no_color=True)
    return out.getvalue()


@pytest.mark.parametrize("name", ["slug", "pk"])
def test_command_imports_into_the_study_of_this_slug_or_number(study: Study, tmp_path: Path, name: str) -> None:
    said = run(getattr(study, name), write(tmp_path / "outputs.csv", three()))

    assert said == "3 outputs added (1 new prompt, 3 new systems).\n"
    assert Output.objects.filter(prompt__study=study).count() == 3


def test_command_says_what_is_missing(study: Study, tmp_path: Path) -> None:
    rows = [*three(), {"prompt": "A spoon", "prompt_key": "", "system": "human", "text": "t"}]

    said = run(study.slug, write(tmp_path / "outputs.csv", rows))

    assert said.splitlines()[1] == "2 of 6 cells of prompt × system have no output."


def test_command_passes_its_options_on(study: Study, tmp_path: Path) -> None:
    path = write(tmp_path / "outputs.csv", three(system="a=b", temperature="1")).rename(tmp_path / "outputs.dat")

    run(study.slug, path, "--source=csv", "--allow-extra-columns", "--role=a=b=baseline", "--role", "human=reference")

    assert dict(study.systems.values_list("name", "role")) == {
        "a=b": "baseline",
        "human": "reference",
        "vanilla": "treatment",
    }


def test_command_prints_problems_as_a_table(study: Study, tmp_path: Path) -> None:
    path = write(tmp_path / "outputs.jsonl", three(text=""))

    with pytest.raises(CommandError) as caught:
        run(study.slug, path, "--only-known-systems")

    assert str(caught.value).splitlines() == [
        "outputs.jsonl was refused; nothing was imported.",
        "",
        "row  column  reason",
        "  1  system  unknown system 'vanilla' (in this row only); there are: none",
        "  2  text    is empty",
        "  3  system  unknown system 'human' (in this row only); there are: none",
    ]


def test_command_refuses_a_study_that_is_no_draft(study: Study, tmp_path: Path) -> None:
    Study.objects.update(state="open")

    with pytest.raises(CommandError, match="only while a study is a draft; this one is open"):
        run(study.slug, write(tmp_path / "outputs.csv", three()))


@pytest.mark.parametrize("name", ["nowhere", "0", "٣"])
def test_command_refuses_a_study_that_does_not_exist(tmp_path: Path, name: str) -> None:
    with pytest.raises(CommandError, match=f"There is no study '{name}'"):
        run(name, tmp_path / "outputs.csv")


@pytest.mark.parametrize("text", ["vanilla", "=baseline", "vanilla="])
def test_role_refuses_what_is_no_pair(text: str) -> None:
    with pytest.raises(ArgumentTypeError, match="is not SYSTEM=ROLE"):
        role(text)


def test_table_aligns_its_columns() -> None:
    found = table([Problem("f", 0, "", "whole"), Problem("f", 1234, "text", "cell")])

    assert found.splitlines() == [" row  column  reason", "   –  –       whole", "1234  text    cell"]


@pytest.mark.django_db(transaction=True)
def test_command_exits_with_1_on_a_refusal_and_0_else(process_environment: dict[str, str], tmp_path: Path) -> None:
    study = studies.create_study(title="What is original?", template="pairwise_creativity")
    codes, said = [], []

    for text in ("", "fine"):
        path = write(tmp_path / "outputs.csv", three(text=text))
        command = [sys.executable, "manage.py", "import_outputs", study.slug, str(path)]
        done = subprocess.run(command, cwd=ROOT, env=process_environment, capture_output=True, text=True, check=False)
        codes.append(done.returncode)
        said.append(done.stdout + done.stderr)

    assert codes == [1, 0], said
    assert "  2  text    is empty" in said[0]
    assert "3 outputs added" in said[1]
