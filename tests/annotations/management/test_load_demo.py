"""The demo's data: made once, gone on with afterwards, with a place left for whoever wants to rate."""

import json
import stat
from io import StringIO

import httpx
import pytest
from django.contrib.auth import get_user_model
from django.core.management import CommandError, call_command

from annotations.enums import JobState, LeaseState, ParticipationState, StudyState
from annotations.management import example
from annotations.management.commands import load_demo
from annotations.management.simulation.pages import read_page
from annotations.models import Judgement, Lease, Participation, Report, Study

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def small_demo(monkeypatch):
    """A twelfth of the raters: 12 booklets of 18 pairs and 2 checks, 10 of them judged."""
    monkeypatch.setattr(example, "RATERS", 10)
    monkeypatch.setattr(example, "DESIGN", {"raters_per_task": 2, "trials_per_rater": 18})


@pytest.fixture
def load(small_demo, gunicorn_site, tmp_path):
    """`load()` runs the command against a real site; returns (what was printed, the links)."""
    path = tmp_path / "demo.json"

    def run():
        printed = StringIO()
        call_command("load_demo", "--base-url", gunicorn_site, "--links", str(path), stdout=printed)
        return printed.getvalue(), json.loads(path.read_text())

    return run


def test_load_demo_leaves_an_open_study_a_report_and_three_links_that_work(load, gunicorn_site, tmp_path, client):
    printed, links = load()

    study = Study.objects.get()
    assert (study.title, study.state) == (example.TITLE, StudyState.OPEN)
    assert set(study.systems.exclude(role="check").values_list("name", "role")) == set(example.ROLES.items())
    raters = Participation.objects.filter(study=study, simulated=True, state=ParticipationState.FINISHED)
    assert (raters.count(), Judgement.objects.count()) == (10, 200)
    assert Lease.objects.filter(state=LeaseState.AVAILABLE).count() == 2
    assert study.reports.get().state == JobState.DONE
    assert "Planted" in printed
    assert "of 9 planted effects lie in their 95% intervals" in printed
    assert max(map(len, printed.splitlines())) <= 100
    assert stat.S_IMODE((tmp_path / "demo.json").stat().st_mode) == 0o600
    assert links["password"] not in printed
    assert client.login(username=links["user"], password=links["password"])
    assert client.get(links["admin"]).status_code == 200
    assert client.get(links["results"]).status_code == 200
    with httpx.Client(base_url=gunicorn_site, follow_redirects=True) as browser:
        welcome = read_page(browser.get(links["rate"]).text)
        consent = read_page(browser.post(welcome.form(links["rate"])).text)
        instructions = read_page(browser.post(consent.form("/step/consent")).text)
        first = read_page(browser.post(instructions.form("/begin")).text)
    assert (first.trials[0].number, first.trials[0].total) == (1, 20)


def test_load_demo_twice_adds_nothing(load):
    _, links = load()
    counts = [model.objects.count() for model in (Study, Participation, Judgement, Report)]

    printed, again = load()

    assert [model.objects.count() for model in (Study, Participation, Judgement, Report)] == counts
    assert again == links
    assert "10 simulated raters have judged" in printed
    assert "of 9 planted effects lie in their 95% intervals" in printed


@pytest.mark.long
def test_load_demo_goes_on_where_an_earlier_run_was_cut_off(load, gunicorn_site):
    study = example.make_study()
    arguments = ("--raters", "4", "--drop-out", "1", "--seed", str(example.SEED), "--base-url", gunicorn_site)
    call_command("simulate_raters", study.slug, *arguments, stdout=StringIO())

    load()

    assert Study.objects.count() == 1
    finished = Participation.objects.filter(state=ParticipationState.FINISHED)
    assert (finished.count(), Judgement.objects.count()) == (10, 200)


@pytest.mark.long
def test_load_demo_goes_on_with_a_study_that_was_closed(load):
    load()
    Study.objects.update(state=StudyState.CLOSED)
    Participation.objects.filter(pk=Participation.objects.first().pk).update(simulated=False)

    printed, _ = load()

    assert "9 simulated raters have judged" in printed


def test_load_demo_says_what_went_wrong_with_the_raters(small_demo, free_port, tmp_path):
    with pytest.raises(CommandError, match=rf"met errors\.\nsim-{example.SEED}-0001: ConnectError"):
        call_command("load_demo", "--base-url", f"http://127.0.0.1:{free_port}", "--links", str(tmp_path / "demo.json"))

    assert not (tmp_path / "demo.json").exists()


def test_make_study_plans_as_many_booklets_as_the_readme_of_the_demo_says(db):
    study = example.make_study()

    assert study.plan.booklets_planned == 72
    assert study.plan.trials_planned == 72 * 20
    assert example.find_study() == study


def test_make_study_leaves_nothing_behind_when_a_step_fails(db, monkeypatch):
    monkeypatch.setattr(example, "DESIGN", {"raters_per_task": 2, "trials_per_rater": 19})  # a prompt would come twice

    with pytest.raises(ValueError, match="19"):
        example.make_study()

    assert not Study.objects.exists()


def test_admin_password_is_made_once_and_kept(db):
    first = load_demo.admin_password("")

    assert load_demo.admin_password(first) == first
    assert get_user_model().objects.get().check_password(first)
    assert len(first) == 12


def test_admin_password_respects_one_that_was_changed_and_replaces_one_that_was_lost(db):
    first = load_demo.admin_password("")
    user = get_user_model().objects.get()
    user.set_password("my own words")
    user.save()

    changed = load_demo.admin_password(first)
    again = load_demo.admin_password(changed)
    lost = load_demo.admin_password("")

    assert changed == again == load_demo.CHOSEN
    assert get_user_model().objects.get().check_password(lost)


def test_write_private_replaces_a_file_that_others_could_read(tmp_path):
    path = tmp_path / "demo.json"
    path.write_text("old")
    path.chmod(0o644)

    load_demo.write_private(path, "new")

    assert (path.read_text(), stat.S_IMODE(path.stat().st_mode)) == ("new", 0o600)
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("base_url", "expected"), [("http://site:81/", "http://site:81"), ("", "http://127.0.0.1:8000")]
)
def test_load_demo_prints_the_links_itself_when_nobody_else_does(base_url, expected, monkeypatch):
    monkeypatch.delenv("PORT", raising=False)
    monkeypatch.delenv("HOST", raising=False)
    printed = StringIO()
    links = {"rate": "/s/abc/", "admin": "/admin/", "password": "secret", "results": "/admin/1/results/"}

    load_demo.Command(stdout=printed)._tell(links, base_url=base_url)

    lines = [line.split() for line in printed.getvalue().splitlines() if line.startswith("  ")]
    assert [next(word for word in line if word.startswith("http")) for line in lines] == [
        f"{expected}/s/abc/",
        f"{expected}/admin/",
        f"{expected}/admin/1/results/",
    ]
    assert lines[1][-3:] == ["admin,", "password", "secret"]
    assert ("make run" in printed.getvalue()) == (not base_url)
