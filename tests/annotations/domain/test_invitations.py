"""Invitation lists: what a file may hold, who is one person, bounces, "no more letters", and links."""

from __future__ import annotations

import pytest

from annotations.domain import admission, invitations, participation
from annotations.domain.invitation_lists import Row, read_list
from annotations.errors import BadToken, LinkIncomplete, MaterialRefused, NotReady
from annotations.models import Event, Invitation, Participation
from annotations.registry import recruitment_platforms
from tests.annotations.factories import StudyFactory

PEOPLE = "address,language\nanna@example.org,de\nBob@Example.org,\ncode-17,\n"
PLATFORM = recruitment_platforms.get("invitations")


@pytest.fixture
def study(db):
    return StudyFactory(open=True, recruitment="invitations", title="Unusual uses")


def problems_of(text: str | bytes) -> list[str]:
    with pytest.raises(MaterialRefused) as caught:
        read_list(name="people.csv", data=text if isinstance(text, bytes) else text.encode())
    return [str(problem) for problem in caught.value.problems]


def enter(study, invitation):
    identity = PLATFORM.identity({"i": invitation.token})
    return participation.arrive(slug=study.slug, identity=identity)


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        (PEOPLE, [Row("anna@example.org", "de"), Row("Bob@Example.org"), Row("code-17")]),
        ("E-Mail;Name\r\na@b.org;Anna\r\n", [Row("a@b.org")]),
        ("\ufeffcode\tlanguage\nx1\tzh-hans\n", [Row("x1", "zh-hans")]),
        ("a@b.org\nc@d.org\n", [Row("a@b.org"), Row("c@d.org")]),
        ("\n\naddress\n\na@b.org\n", [Row("a@b.org")]),
    ],
    ids=["header", "semicolons and other columns", "tabs and a byte order mark", "no header", "empty lines"],
)
def test_lists_are_read_as_people_write_them(text, rows):
    assert read_list(name="people.csv", data=text.encode()) == rows


def test_everything_wrong_is_named_by_file_row_and_column():
    text = "address,language\nanna@,\nAnna@example.org,xx\nanna@example.org,\n,de\ntwo words,\n"

    assert problems_of(text) == [
        "people.csv, row 1, column 'address': is not a valid e-mail address",
        "people.csv, row 2, column 'language': is none of en, ru, zh-hans, de, es, ar",
        "people.csv, row 3, column 'address': stands in row 2 already",
        "people.csv, row 4, column 'address': is empty",
        "people.csv, row 5, column 'address': is neither an e-mail address nor a code of letters, digits, . _ + -",
    ]


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"", "people.csv: is empty"),
        (b"name,age\nAnna,30\n", "people.csv, column 'address': is missing"),
        ("adresse\nanna@exämple.org".encode("latin-1"), "people.csv: is not UTF-8 text"),
    ],
)
def test_a_file_that_is_no_list_is_refused(data, problem):
    assert problems_of(data)[0].startswith(problem)


def test_a_refused_file_adds_nobody(study):
    with pytest.raises(MaterialRefused):
        invitations.import_list(study=study, name="people.csv", data=b"address\ngood@example.org\nbad@\n")

    assert Invitation.objects.count() == 0


def test_the_same_people_again_are_not_added_again(study):
    assert invitations.import_list(study=study, name="a.csv", data=PEOPLE.encode()) == (3, 0)
    assert invitations.import_list(study=study, name="b.csv", data=b"address\nANNA@example.org\nnew@example.org\n") == (
        1,
        1,
    )

    assert Invitation.objects.count() == 4
    assert len(set(Invitation.objects.values_list("token", flat=True))) == 4


def test_people_are_known_again_after_a_new_key(study, settings):
    invitations.import_list(study=study, name="a.csv", data=PEOPLE.encode())
    settings.FIELD_ENCRYPTION_KEYS = ["a-new-key-" + "z" * 40, *settings.FIELD_ENCRYPTION_KEYS]

    assert invitations.import_list(study=study, name="a.csv", data=PEOPLE.encode()) == (0, 3)


def test_the_log_holds_numbers_and_no_address(study):
    invitations.import_list(study=study, name="people.csv", data=PEOPLE.encode())

    event = Event.objects.get(study=study, name="invitations_added")
    assert event.data == {"added": 3, "known": 0}


def test_only_a_study_that_recruits_by_list_takes_one(db):
    with pytest.raises(NotReady, match="invitation list"):
        invitations.import_list(study=StudyFactory(), name="a.csv", data=PEOPLE.encode())


def test_a_personal_link_is_one_place_on_any_device(study):
    invitations.import_list(study=study, name="a.csv", data=PEOPLE.encode())
    anna, bob, _ = Invitation.objects.order_by("pk")

    first, second, other = enter(study, anna), enter(study, anna), enter(study, bob)

    assert first == second
    assert other != first
    anna.refresh_from_db()
    assert anna.participation == first


@pytest.mark.parametrize("query", [{}, {"i": "nosuchtoken1"}, {"i": "x"}, {"pid": "A1"}])
def test_without_an_invitation_nobody_comes_in(study, query):
    with pytest.raises(LinkIncomplete):
        participation.arrive(slug=study.slug, identity=PLATFORM.identity(query))

    assert Participation.objects.count() == 0


def test_an_invitation_to_another_study_opens_nothing(study):
    other = StudyFactory(open=True, recruitment="invitations")
    invitations.import_list(study=other, name="a.csv", data=PEOPLE.encode())
    identity = PLATFORM.identity({"i": Invitation.objects.first().token})

    with pytest.raises(LinkIncomplete):
        admission.look(study=study, identity=identity)


def test_bounces_are_found_in_whatever_is_pasted(study):
    invitations.import_list(study=study, name="a.csv", data=PEOPLE.encode())
    pasted = "Delivery to <ANNA@example.org> failed permanently.\nFrom: mailer@host.example\nTo: someone@else.example"

    assert invitations.note_bounces(study=study, text=pasted) == 1
    assert invitations.note_bounces(study=study, text=pasted) == 0

    assert invitations.troubled(study=study) == [{"address": "a…@example.org", "problem": "came back"}]


def test_who_wants_no_letters_is_noted_once_and_keeps_the_place(study):
    invitations.import_list(study=study, name="a.csv", data=PEOPLE.encode())
    anna = Invitation.objects.first()

    for _ in range(2):
        invitations.unsubscribe(slug=study.slug, token=anna.token)

    assert Event.objects.filter(name="unsubscribed").count() == 1
    assert enter(study, anna).study == study
    with pytest.raises(BadToken):
        invitations.unsubscribe(slug=study.slug, token="nosuchtoken1")


def test_links_for_codes_hold_no_address(study):
    invitations.import_list(study=study, name="a.csv", data=PEOPLE.encode())
    token = Invitation.objects.last().token

    links = list(invitations.code_links(study=study, site="https://eval.example.org"))

    assert links == [("code-17", f"https://eval.example.org/s/{study.slug}/?i={token}")]


def test_the_numbers_are_those_of_the_table(study):
    invitations.import_list(study=study, name="a.csv", data=PEOPLE.encode())
    anna = Invitation.objects.first()
    enter(study, anna)
    invitations.note_bounces(study=study, text="bob@example.org")
    invitations.queue_letters(study=study, site="https://eval.example.org/")

    assert invitations.overview(study=study) == {
        "people": 3,
        "queued": 1,
        "sent": 0,
        "uncertain": 0,
        "problems": 1,
        "unsubscribed": 0,
        "reminded": 0,
        "came": 1,
        "finished": 0,
    }
