"""What every remote source promises; a new one is tested by being registered."""

from __future__ import annotations

import string

import pytest

from annotations.registry import RemoteSource, remote_sources, sources

EACH = pytest.mark.parametrize("source", list(remote_sources), ids=lambda source: source.name)


@EACH
def test_source_has_a_name_of_its_own_and_a_label_for_people(source: RemoteSource) -> None:
    assert set(source.name) <= set(string.ascii_lowercase + string.digits + "_")
    assert source.label.strip()
    assert source.name not in sources.names()  # both are kept in the same column


@EACH
def test_options_and_secrets_are_told_apart_and_have_labels(source: RemoteSource) -> None:
    names = [option.name for option in source.takes] + [name for name, _ in source.secrets]

    assert len(set(names)) == len(names)
    assert all(option.label for option in source.takes)
    assert all(label for _, label in source.secrets)
    for option in source.takes:
        assert option.clean(option.default) == option.default


@EACH
def test_an_unknown_setting_is_refused(source: RemoteSource) -> None:
    with pytest.raises(ValueError, match="no_such_option"):
        source.clean_settings({"no_such_option": 1})


@EACH
def test_a_secret_is_no_setting(source: RemoteSource) -> None:
    for name, _ in source.secrets:
        with pytest.raises(ValueError, match=name):
            source.clean_settings({name: "hush-hush"})
