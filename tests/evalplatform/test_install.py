"""The installer: when it works, when it has nothing to do, and what it says when it cannot."""

import importlib.util
import os
import shutil
import subprocess
import sys

import pytest

from tests.evalplatform.conftest import ROOT


@pytest.fixture
def install(monkeypatch, tmp_path):
    spec = importlib.util.spec_from_file_location("install", ROOT / "deploy" / "install.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "VENV", tmp_path / ".venv")
    monkeypatch.setattr(module, "PYTHON", tmp_path / ".venv" / "bin" / "python")
    locks = {kind: tmp_path / f"{kind}.lock" for kind in ("runtime", "dev")}
    for kind, lock in locks.items():
        lock.write_text(f"# {kind}, nothing to install\n")
    monkeypatch.setattr(module, "LOCKS", locks)
    (tmp_path / "torch.lock").write_text("# torch, nothing to install\n")
    monkeypatch.setattr(module, "TORCH", tmp_path / "torch.lock")
    return module


@pytest.fixture(scope="module")
def environment(tmp_path_factory):
    """An empty environment: what is no matter of how it is made begins with a copy."""
    folder = tmp_path_factory.mktemp("environment") / ".venv"
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
    (folder / "made").touch()
    return folder


@pytest.fixture
def made(install, environment):
    shutil.copytree(environment, install.VENV, symlinks=True)
    return install


def test_environment_is_made_and_then_left_alone(install, capsys):
    install.install("runtime")
    first = capsys.readouterr().out
    install.install("runtime")
    second = capsys.readouterr().out

    assert "Making .venv" in first
    assert "Installing 0 Python packages" in first
    assert second == ""
    assert install.PYTHON.exists()


def test_environment_whose_making_was_interrupted_is_made_anew(install, capsys):
    install.PYTHON.parent.mkdir(parents=True)
    install.PYTHON.symlink_to(sys.executable)
    (install.VENV / "bin" / "pip").touch()

    install.install("runtime")

    assert "Making .venv" in capsys.readouterr().out
    assert (install.VENV / "pyvenv.cfg").exists()
    assert (install.VENV / "installed").exists()


def test_changed_lock_is_installed_anew(made, capsys):
    made.install("runtime")
    made.LOCKS["runtime"].write_text("# changed\n")
    capsys.readouterr()

    made.install("runtime")

    assert capsys.readouterr().out.startswith("Installing")


def test_packages_for_tests_suffice_for_running_but_not_the_reverse(made, capsys):
    made.install("dev")
    capsys.readouterr()
    made.install("runtime")
    after_dev = capsys.readouterr().out
    (made.VENV / "installed").write_text(f"runtime {made._digest(made.LOCKS['runtime'])}\n")
    made.install("dev")
    after_runtime = capsys.readouterr().out

    assert after_dev == ""
    assert after_runtime.startswith("Installing")


def test_missing_network_is_named(made, monkeypatch):
    made.LOCKS["runtime"].write_text("six==1.17.0 --hash=sha256:" + "0" * 64 + "\n")
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    monkeypatch.setenv("PIP_NO_CACHE_DIR", "1")

    with pytest.raises(made.InstallError, match="could not be installed: no network"):
        made.install("runtime")


def test_package_with_another_hash_is_refused(made, tmp_path):
    package = tmp_path / "thing-1.0-py3-none-any.whl"
    package.write_bytes(b"not what was locked")
    made.LOCKS["runtime"].write_text(f"thing @ {package.as_uri()} --hash=sha256:{'0' * 64}\n")

    with pytest.raises(made.InstallError, match=r"(?s)could not be installed.*HASH"):
        made.install("runtime")


def test_full_disk_is_named(install):
    message = install._explain("OSError: [Errno 28] No space left on device", "it failed")

    assert "full or read-only" in message


def test_python_without_venv_is_told_what_to_install(install, monkeypatch):
    monkeypatch.setattr(install.importlib.util, "find_spec", lambda _: None)
    monkeypatch.setattr(install.shutil, "which", lambda _: None)

    with pytest.raises(install.InstallError, match="sudo apt install python3-venv"):
        install.install("runtime")


def test_system_pip_serves_where_ensurepip_is_missing(install, monkeypatch, capsys):
    find = importlib.util.find_spec
    monkeypatch.setattr(install.importlib.util, "find_spec", lambda name: None if name == "ensurepip" else find(name))

    install.install("runtime")

    assert not (install.VENV / "bin" / "pip").exists()
    assert (install.VENV / "installed").exists()


def test_missing_browser_is_an_error_and_never_skipped(install, monkeypatch):
    monkeypatch.setattr(install.shutil, "which", lambda _: None)
    monkeypatch.setattr(install, "PYTHON", install.VENV / "bin" / "no-python")
    monkeypatch.setattr(install, "_quietly", lambda *_: False)

    with pytest.raises(install.InstallError, match="sudo apt install chromium"):
        install.chromium()


def test_wrong_use_prints_the_usage():
    done = subprocess.run([sys.executable, ROOT / "deploy" / "install.py"], capture_output=True, text=True, check=False)

    assert done.returncode == 2
    assert "deploy/install.py runtime" in done.stderr


def test_make_says_which_python_is_needed(tmp_path):
    for name in ("make", "sh"):
        (tmp_path / name).symlink_to(f"/usr/bin/{name}")
    environment = {**os.environ, "PATH": str(tmp_path)}

    done = subprocess.run(["make", "runtime"], cwd=ROOT, env=environment, capture_output=True, text=True, check=False)

    assert done.returncode == 2
    assert "Python 3.11 or newer was not found. Debian 12: sudo apt install" in done.stderr


def test_make_help_lists_every_target():
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    done = subprocess.run(["make"], cwd=ROOT, env=environment, capture_output=True, text=True, check=True)

    listed = [line.split()[1] for line in done.stdout.splitlines()]
    assert listed == [
        "help",
        "demo",
        "demo-reset",
        "run",
        "test",
        "test-long",
        "e2e",
        "lint",
        "types",
        "bench",
        "bench-cycles",
        "bench-models",
        "lock",
        "clean",
    ]
