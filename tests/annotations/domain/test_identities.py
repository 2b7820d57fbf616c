"""Ids of recruiters, addresses and tokens are encrypted at rest, found by keyed hash, and survive new keys."""

from __future__ import annotations

import pytest
from django.core.management import call_command
from django.db import connection

from annotations import models
from annotations.domain.identities import digest_of, digests_of, invitation_digest, rotate_encryption
from annotations.domain.participation import known_participation
from annotations.errors import KeyMissing
from annotations.registry import Identity
from tests.annotations.factories import ParticipationFactory, StudyFactory, UserFactory

OLD, NEW = "old-key-" + "x" * 40, "new-key-" + "y" * 40
PERSON, SESSION, ADDRESS, TOKEN = "A1WORKERSECRET", "3SESSIONSECRET", "anna.secret@example.org", "token-very-secret"


@pytest.fixture
def secrets(db, settings):
    """One of everything that is encrypted, written with the old key."""
    settings.FIELD_ENCRYPTION_KEYS = [OLD]
    study = StudyFactory(open=True)
    entered = ParticipationFactory(study=study, person=PERSON, session=SESSION)
    entered.identity.extra = "https://submit.secret.example.org"
    entered.identity.save()
    account = models.RecruiterAccount.objects.create(
        name="lab", platform="link", owner=UserFactory(), secrets={"token": TOKEN}
    )
    remote = models.Recruitment.objects.create(study=study, account=account)
    models.Submission.objects.create(
        recruitment=remote, session=SESSION, person=PERSON, session_digest=digest_of(SESSION)
    )
    models.Invitation.objects.create(study=study, address=ADDRESS, digest=invitation_digest(ADDRESS))
    return study


def dump() -> str:
    """Every row of every table of the app, as the database holds it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT tablename FROM pg_tables WHERE tablename LIKE 'annotations_%' ORDER BY 1")
        tables = [row[0] for row in cursor.fetchall()]
        text = ""
        for table in tables:
            cursor.execute(f'SELECT string_agg(t::text, chr(10)) FROM "{table}" t')
            text += f"{cursor.fetchone()[0]}\n"
    return text


def test_the_raw_tables_hold_no_id_address_or_token_in_clear(secrets):
    text = dump()

    assert [word for word in (PERSON, SESSION, ADDRESS, TOKEN, "submit.secret", "anna") if word in text] == []
    assert models.RecruitmentIdentity.objects.get().person == PERSON
    assert models.RecruiterAccount.objects.get().secrets == {"token": TOKEN}
    assert models.Invitation.objects.get().address == ADDRESS


def test_a_digest_is_not_a_plain_hash_of_the_id(secrets, settings):
    one = digest_of(PERSON)
    settings.FIELD_ENCRYPTION_KEYS = [NEW]

    assert len(one) == 64
    assert digest_of(PERSON) != one


def test_equal_ids_have_different_ciphertexts(secrets):
    """Else two studies' tables could be joined by them."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT person FROM annotations_recruitmentidentity UNION SELECT person FROM annotations_submission"
        )
        assert len(cursor.fetchall()) == 2


def test_a_new_key_in_front_still_reads_and_finds(secrets, settings):
    settings.FIELD_ENCRYPTION_KEYS = [NEW, OLD]

    assert digest_of(PERSON) == digests_of(PERSON)[0]
    assert known_participation(study=secrets, identity=Identity(person=PERSON)) is not None
    assert models.Submission.objects.get().session == SESSION


def test_after_rotation_the_old_key_is_not_needed(secrets, settings):
    settings.FIELD_ENCRYPTION_KEYS = [NEW, OLD]
    assert rotate_encryption() == 4

    settings.FIELD_ENCRYPTION_KEYS = [NEW]

    assert known_participation(study=secrets, identity=Identity(person=PERSON)) is not None
    assert models.RecruiterAccount.objects.get().secrets == {"token": TOKEN}
    assert models.Invitation.objects.get().digest == invitation_digest(ADDRESS.upper())
    assert models.Submission.objects.get().session_digest == digest_of(SESSION)


def test_rotation_can_be_repeated_and_says_what_it_did(secrets, capsys):
    call_command("rotate_encryption")
    call_command("rotate_encryption")

    assert capsys.readouterr().out == "4 rows are encrypted with the current key.\n" * 2


def test_a_lost_key_is_an_error_and_not_a_ciphertext(secrets, settings):
    settings.FIELD_ENCRYPTION_KEYS = [NEW]

    for model in (models.RecruitmentIdentity, models.RecruiterAccount, models.Invitation):
        with pytest.raises(KeyMissing):
            model.objects.get()
