"""Reading the environment."""

import pytest
from django.core.exceptions import ImproperlyConfigured

from evalplatform import env


def test_text_prefers_the_variable_to_its_file(monkeypatch, tmp_path):
    (tmp_path / "secret").write_text("from file\n")
    monkeypatch.setenv("THING_FILE", str(tmp_path / "secret"))
    monkeypatch.setenv("THING", "direct")

    value = env.text("THING")

    assert value == "direct"


def test_text_reads_the_file_without_its_line_end(monkeypatch, tmp_path):
    (tmp_path / "secret").write_text("from file\n")
    monkeypatch.setenv("THING_FILE", str(tmp_path / "secret"))

    value = env.text("THING", "default")

    assert value == "from file"


@pytest.mark.parametrize(("content", "reason"), [(None, "cannot be read"), ("", "is empty"), (b"\xff\xfe", "read")])
def test_text_refuses_a_bad_file(monkeypatch, tmp_path, content, reason):
    path = tmp_path / "secret"
    if content is not None:
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    monkeypatch.setenv("THING_FILE", str(path))

    with pytest.raises(ImproperlyConfigured, match=f"THING_FILE=.*{reason}"):
        env.text("THING", "default")


def test_text_without_default_names_the_variable(monkeypatch):
    monkeypatch.delenv("THING", raising=False)

    with pytest.raises(ImproperlyConfigured, match="THING is not set"):
        env.text("THING")


def test_blank_counts_as_unset(monkeypatch):
    monkeypatch.setenv("THING", "  ")

    assert env.text("THING", "default") == "default"
    assert not env.is_set("THING")


def test_require_names_all_that_are_missing(monkeypatch):
    monkeypatch.setenv("B", "x")

    with pytest.raises(ImproperlyConfigured, match="A, C"):
        env.require("A", "B", "C")


@pytest.mark.parametrize(("word", "expected"), [("1", True), ("Yes", True), ("on", True), ("0", False), ("off", False)])
def test_flag_knows_common_words(monkeypatch, word, expected):
    monkeypatch.setenv("THING", word)

    assert env.flag("THING", default=not expected) is expected


def test_flag_refuses_other_words(monkeypatch):
    monkeypatch.setenv("THING", "perhaps")

    with pytest.raises(ImproperlyConfigured, match="THING=perhaps"):
        env.flag("THING", default=True)


@pytest.mark.parametrize(("word", "reason"), [("many", "not a whole number"), ("-1", "below 0")])
def test_integer_refuses_what_is_none(monkeypatch, word, reason):
    monkeypatch.setenv("THING", word)

    with pytest.raises(ImproperlyConfigured, match=f"THING={word} is {reason}"):
        env.integer("THING", 3)


def test_choice_lists_what_is_allowed(monkeypatch):
    monkeypatch.setenv("THING", "c")

    with pytest.raises(ImproperlyConfigured, match="not one of a, b"):
        env.choice("THING", "a", ("a", "b"))


def test_words_split_at_commas(monkeypatch):
    monkeypatch.setenv("THING", "a.org, b.org,,")

    assert env.words("THING") == ["a.org", "b.org"]


def test_database_takes_an_address_apart():
    entry = env.database("postgres://us%40er:p%2Fw@db.example:6543/name?sslmode=require", prepare_threshold=1)

    assert entry == {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": "name",
        "USER": "us@er",
        "PASSWORD": "p/w",
        "HOST": "db.example",
        "PORT": "6543",
        "OPTIONS": {"sslmode": "require", "prepare_threshold": 1},
    }


def test_database_takes_a_socket_directory():
    entry = env.database("postgresql://postgres@/name?host=/run/pg")

    assert (entry["HOST"], entry["USER"], entry["OPTIONS"]) == ("/run/pg", "postgres", {})


@pytest.mark.parametrize(("url", "reason"), [("mysql://a/b", "only PostgreSQL"), ("postgres://a", "names no database")])
def test_database_refuses_other_addresses(url, reason):
    with pytest.raises(ImproperlyConfigured, match=reason):
        env.database(url)


def test_integer_refuses_what_is_above_its_limit(monkeypatch):
    monkeypatch.setenv("PORT", "80000")

    with pytest.raises(ImproperlyConfigured, match="PORT=80000 is above 65535"):
        env.integer("PORT", 8000, most=65535)
