"""The law of imports holds, and the tool that checks it does see a breach."""

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("annotations", "analysis", "evalplatform")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def _lint_imports(directory):
    code = "import sys; from importlinter.cli import lint_imports_command; lint_imports_command()"
    command = [sys.executable, "-c", code, "--no-cache"]
    environment = {**os.environ, "PYTHONPATH": str(directory), "NO_COLOR": "1"}
    return subprocess.run(command, cwd=directory, env=environment, capture_output=True, text=True, check=False)


@pytest.fixture
def copy(tmp_path):
    for name in PACKAGES:
        shutil.copytree(
            ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__", "static", "templates")
        )
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def test_imports_keep_the_law():
    done = _lint_imports(ROOT)

    assert done.returncode == 0, done.stdout
    assert re.search(r"\d+ kept, 0 broken", done.stdout)


@pytest.mark.parametrize(
    ("module", "line", "contract"),
    [
        ("annotations/models/study.py", "import annotations.domain.studies", "annotations: doors"),
        ("annotations/tasks.py", "import annotations.views", "annotations: doors"),
        ("annotations/enums.py", "import annotations.models", "annotations: doors"),
        ("annotations/plugins/questions/forced_choice.py", "import annotations.plugins.recruitment.link", "families"),
        ("annotations/domain/judging.py", "import analysis.schema", "only domain.dataset"),
        ("annotations/views/__init__.py", "import annotations.models", "rater views"),
        ("annotations/forms/__init__.py", "from annotations.models import study", "rater views"),
        ("analysis/results/fits.py", "import django.db", "design and analysis"),
        ("analysis/schema/checks.py", "import redis", "design and analysis"),
        ("annotations/design/spec.py", "import django", "design and analysis"),
        ("analysis/models/__init__.py", "import analysis.inference", "analysis: report"),
    ],
)
def test_breach_is_seen(copy, module, line, contract):
    path = copy / module
    path.write_text(path.read_text(encoding="utf-8") + f"\n{line}\n", encoding="utf-8")

    done = _lint_imports(copy)

    assert done.returncode == 1, done.stdout
    assert re.search(rf"{re.escape(contract)}.* BROKEN", done.stdout), done.stdout


def test_unknown_module_must_be_given_a_place(copy):
    (copy / "annotations" / "utils.py").write_text('"""A drawer."""\n')

    done = _lint_imports(copy)

    assert done.returncode == 1
    assert "utils" in done.stdout


def test_rater_pages_do_not_reach_models_by_name():
    """`apps.get_model` would go round the contract."""
    sources = [*(ROOT / "annotations" / "views").rglob("*.py"), *(ROOT / "annotations" / "forms").rglob("*.py")]

    assert [
        path.name for path in sources if re.search(r"get_model\b|import_string|import_module", path.read_text())
    ] == []


def test_mypy_is_strict():
    assert PROJECT["tool"]["mypy"]["strict"] is True
    relaxed = {
        name for each in PROJECT["tool"]["mypy"]["overrides"] for name in each["module"] if name.startswith("an")
    }
    assert relaxed == {
        "annotations.admin.*",
        "annotations.api.*",
        "annotations.management.*",
        "annotations.views.*",
        "annotations.tasks",
    }


def test_settings_stay_short():
    assert (ROOT / "evalplatform" / "settings.py").read_text(encoding="utf-8").count("\n") < 250
