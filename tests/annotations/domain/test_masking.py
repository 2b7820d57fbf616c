"""Letters in place of names: the same everywhere, telling nothing; unblinding once, with a reason."""

import json
import zipfile

import pytest

from analysis.report import PARTS
from annotations.domain import dataset, masking, reporting
from annotations.domain.masking import Mask, letter, mask_of
from annotations.errors import NotReady
from tests.annotations.admin.conftest import judge
from tests.annotations.factories import StudyFactory, UserFactory

pytestmark = pytest.mark.django_db
SYSTEMS = ("zebra-baseline", "aardvark-steered", "lynx-human")


@pytest.fixture
def study():
    made = StudyFactory(open=True, prompts=6, systems=SYSTEMS, design={"raters_per_task": 2, "trials_per_rater": 6})
    judge(made, raters=6)
    return made


def names_in(text):
    return [name for name in SYSTEMS if name in text]


def test_letters_are_drawn_anew_for_each_study_and_stay():
    studies = [StudyFactory(prompts=1) for _ in range(40)]

    orders = {tuple(mask_of(study=one).letters) for one in studies}

    assert len(orders) == 6  # all orders of three systems; 40 draws miss one of six with p < 0.005
    for one in studies:
        assert mask_of(study=one) == mask_of(study=one)
        assert sorted(mask_of(study=one).letters.values()) == ["A", "B", "C"]


@pytest.mark.parametrize(
    ("at", "text"), [(0, "A"), (25, "Z"), (26, "AA"), (51, "AZ"), (52, "BA"), (701, "ZZ"), (702, "AAA")]
)
def test_letters_go_on_after_z(at, text):
    assert letter(at) == text


@pytest.mark.parametrize(
    ("name", "masked"),
    [
        ("p0/steered/0", "p0/B/0"),
        ("a/b/base/line/3", "a/b/base/line/3"),
        ("a/b/base/3", "a/b/A/3"),
        ("p/steered/x", "p/steered/x"),
        ("", ""),
    ],
)
def test_output_keeps_its_prompt_and_sample(name, masked):
    assert Mask("key", {"base": "A", "steered": "B"}).output(name) == masked


def test_long_table_without_names_is_the_same_table(study):
    mask = mask_of(study=study)
    back = {letter: name for name, letter in mask.letters.items()}

    plain = list(dataset.rows(study=study))
    masked = list(dataset.masked_rows(study=study, design_hash="x"))

    assert names_in(json.dumps(masked)) == []
    assert {row["task"] for row in plain}.isdisjoint({row["task"] for row in masked})
    assert len({row["task"] for row in plain}) == len({row["task"] for row in masked})
    same = ("judgement", "rater", "answer", "dimension", "prompt", "position", "length_a")
    for before, after in zip(plain, masked, strict=True):
        assert {name: before[name] for name in same} == {name: after[name] for name in same}
        assert (back[after["system_a"]], back[after["system_b"]]) == (before["system_a"], before["system_b"])


def test_plan_and_certificate_without_names_tell_no_baseline(study):
    plan = json.loads(reporting.masked_plan(study=study))
    certificate = masking.masked_certificate(study=study)

    assert names_in(json.dumps([plan, certificate])) == []
    assert plan["systems"] == [{"name": one, "role": "treatment"} for one in "ABC"]
    assert plan["analysis"]["contrasts"] == [["A", "B"], ["A", "C"], ["B", "C"]]
    assert "sha256" not in {**plan["material"], **plan["plan"]}
    assert [one["systems"] for one in certificate["summary"]["exposures"]] == plan["analysis"]["contrasts"]
    assert study.plan.sha256 != reporting.masked_hash(study=study)


def test_masked_report_names_no_system_in_any_file_and_finds_the_same(study, settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    mask = mask_of(study=study)

    reports = []
    for masked in (False, True):
        made = reporting.request_report(study=study, masked=masked)
        reports.append(reporting.make_report(report_id=made.pk, without=PARTS))

    plain, blind = reports
    assert (blind.state, blind.message) == ("done", "")
    assert names_in(json.dumps(blind.summary)) == []
    for name, content in files_of(blind):
        assert names_in(content.decode("utf-8", "ignore")) == [], name
    found = {(row["dimension"], frozenset((row["first"], row["second"]))): row for row in blind.summary["rows"]}
    for row in plain.summary["rows"]:
        same = found[row["dimension"], frozenset((mask.system(row["first"]), mask.system(row["second"])))]
        assert same["p"] == pytest.approx(row["p"], rel=1e-3, abs=1e-6)  # the optimiser sees another order of systems
        assert abs(same["estimate"]) == pytest.approx(abs(row["estimate"]), rel=1e-3, abs=1e-4)


def files_of(report):
    with report.bundle.open("rb") as stream, zipfile.ZipFile(stream) as bundle:
        for name in bundle.namelist():
            content = bundle.read(name)
            if name.endswith(".docx"):
                with bundle.open(name) as inner, zipfile.ZipFile(inner) as parts:
                    yield from ((f"{name}/{part}", parts.read(part)) for part in parts.namelist())
            else:
                yield name, content


def test_unblinding_is_logged_with_its_reason_once(study):
    ada = UserFactory()

    masking.unblind(study=study, reason=" The analysis is done. ", actor=ada)
    first = study.unblinded_at
    masking.unblind(study=study, reason="again", actor=ada)

    event = study.events.get(name="unblinded")
    assert (event.actor, event.data) == (ada, {"reason": "The analysis is done.", "state": "open"})
    assert study.unblinded_at == first


def test_unblinding_without_a_reason_is_refused(study):
    with pytest.raises(NotReady, match="Say why"):
        masking.unblind(study=study, reason="  ", actor=UserFactory())

    assert study.unblinded_at is None
