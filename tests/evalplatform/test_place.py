"""The data directory."""

import stat

import pytest

from evalplatform import place, postgres


@pytest.fixture(autouse=True)
def var(monkeypatch, tmp_path):
    monkeypatch.setenv("EVALPLATFORM_VAR", str(tmp_path / "var"))
    return tmp_path / "var"


def test_var_is_beside_manage_py_unless_said_otherwise(monkeypatch):
    monkeypatch.delenv("EVALPLATFORM_VAR")

    assert (place.var().parent / "manage.py").exists()


def test_secret_key_is_made_once_and_private(var):
    first = place.secret_key()
    second = place.secret_key()

    assert first == second
    assert len(first) >= 50
    assert stat.S_IMODE((var / "secret_key").stat().st_mode) == 0o600
    assert stat.S_IMODE(var.stat().st_mode) == 0o700
    assert [path.name for path in var.iterdir() if path.name.startswith(".")] == []


def test_prepare_explains_a_directory_that_cannot_be_written(monkeypatch, tmp_path):
    (tmp_path / "file").touch()
    monkeypatch.setenv("EVALPLATFORM_VAR", str(tmp_path / "file" / "var"))

    with pytest.raises(place.EmbeddedError, match=r"cannot write to .*/file/var: .*Set EVALPLATFORM_VAR"):
        place.prepare()


def test_prepare_explains_a_file_system_that_cannot_be_written(monkeypatch):
    monkeypatch.setenv("EVALPLATFORM_VAR", "/proc/evalplatform")

    with pytest.raises(place.EmbeddedError, match="cannot write to /proc/evalplatform"):
        place.prepare()


def test_prepare_explains_a_full_disk(monkeypatch):
    monkeypatch.setattr(place, "LEAST_FREE_BYTES", 10**18)

    with pytest.raises(place.EmbeddedError, match=r"is full: \d+ MB free, 1000000000000 MB needed"):
        place.prepare()


def test_sockets_move_away_when_the_path_is_too_long(monkeypatch):
    monkeypatch.setenv("EVALPLATFORM_VAR", "/srv/eval")
    near = place.sockets()
    monkeypatch.setenv("EVALPLATFORM_VAR", "/srv/" + "long" * 30)

    far = place.sockets()

    assert near.as_posix() == "/srv/eval/run"
    assert far.parent.as_posix() == "/tmp"
    assert len(f"{far}/pg/.s.PGSQL.5432.lock") < place.SOCKET_PATH_LIMIT


def test_address_of_the_database_quotes_its_path(monkeypatch):
    monkeypatch.setenv("EVALPLATFORM_VAR", "/srv/a b&c")

    assert postgres.url() == "postgresql://postgres@/evalplatform?host=/srv/a%20b%26c/run/pg"


def test_sockets_of_someone_else_are_not_used(monkeypatch, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "var").mkdir()
    (tmp_path / "var" / "run").symlink_to(tmp_path / "elsewhere")
    monkeypatch.setattr(place, "sockets", lambda: tmp_path / "var" / "run")

    with pytest.raises(place.EmbeddedError, match="belongs to someone else"):
        place.make_sockets()


def test_tail_of_a_missing_log_is_empty(tmp_path):
    assert place.tail(tmp_path / "none") == ""


def test_tail_keeps_the_last_lines(tmp_path):
    (tmp_path / "log").write_text("1\n2\n3\n")

    assert place.tail(tmp_path / "log", lines=2) == "2\n3"
