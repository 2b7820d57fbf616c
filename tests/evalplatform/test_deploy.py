"""The scripts of deploy/ at work on the embedded PostgreSQL."""

import os
import subprocess

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.db import connection

from evalplatform import postgres
from tests.evalplatform.conftest import ROOT

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def run(process_environment, tmp_path):
    path = f"{postgres._programs()}:{os.environ['PATH']}"

    def run(script, argument, **variables):
        command = [ROOT / "deploy" / script, str(argument)]
        environment = {**process_environment, "PATH": path, **variables}
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)

    return run


@pytest.fixture
def empty_database(process_environment):
    name = f"{settings.DATABASES['default']['NAME']}_restored"
    with connection.cursor() as cursor:
        cursor.execute(f"DROP DATABASE IF EXISTS {name}")
        cursor.execute(f"CREATE DATABASE {name}")
    yield process_environment["DATABASE_URL"].replace("?", "_restored?")
    with connection.cursor() as cursor:
        cursor.execute(f"DROP DATABASE {name}")


def test_backup_comes_back_in_an_empty_database(run, empty_database, tmp_path):
    import psycopg

    User.objects.create_user("ada")

    saved = run("backup.sh", tmp_path)
    restored = run("restore.sh", next(tmp_path.glob("*.dump")), DATABASE_URL=empty_database)
    with psycopg.connect(empty_database) as other:
        names = other.execute("SELECT username FROM auth_user").fetchall()

    assert saved.returncode == 0, saved.stderr
    assert restored.returncode == 0, restored.stderr
    assert names == [("ada",)]
    assert [oct(path.stat().st_mode & 0o777) for path in tmp_path.glob("*.dump*")] == ["0o600", "0o600"]


def test_restore_refuses_a_database_that_holds_something(run, tmp_path):
    run("backup.sh", tmp_path)

    done = run("restore.sh", next(tmp_path.glob("*.dump")))

    assert done.returncode == 1
    assert "Restore into an empty one" in done.stderr


def test_restore_refuses_a_damaged_file(run, empty_database, tmp_path):
    run("backup.sh", tmp_path)
    dump = next(tmp_path.glob("*.dump"))
    dump.write_bytes(dump.read_bytes()[:-100])

    done = run("restore.sh", dump, DATABASE_URL=empty_database)

    assert done.returncode != 0
    assert "FAILED" in done.stdout + done.stderr


def test_failed_backup_leaves_no_file(run, tmp_path):
    done = run("backup.sh", tmp_path, DATABASE_URL="postgresql://nobody@/nowhere?host=/nonexistent")

    assert done.returncode != 0
    assert list(tmp_path.glob("evalplatform*")) == []
