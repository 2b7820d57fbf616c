"""The command that imports an invitation list."""

from __future__ import annotations

import pytest
from django.core.management import CommandError, call_command

from annotations.models import Invitation
from tests.annotations.factories import StudyFactory


@pytest.fixture
def study(db):
    return StudyFactory(open=True, recruitment="invitations")


def test_a_list_is_imported_and_letters_are_queued_only_when_asked(study, tmp_path, capsys):
    file = tmp_path / "people.csv"
    file.write_text("address\nanna@example.org\ncode-1\n")

    call_command("import_invitations", study.slug, file)
    call_command("import_invitations", str(study.pk), file, "--send", "https://eval.example.org")

    assert capsys.readouterr().out == "2 new, 0 known.\n0 new, 2 known, 1 letters wait for the worker.\n"
    assert Invitation.objects.exclude(queued_at=None).count() == 1


def test_what_is_wrong_is_said_and_nobody_is_added(study, tmp_path):
    file = tmp_path / "people.csv"
    file.write_text("address\nanna@\n")

    with pytest.raises(CommandError, match=r"people.csv, row 1, column 'address': is not a valid e-mail address"):
        call_command("import_invitations", study.slug, file)
    with pytest.raises(CommandError, match="No such file"):
        call_command("import_invitations", study.slug, tmp_path / "none.csv")

    assert Invitation.objects.count() == 0
