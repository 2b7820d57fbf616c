"""Power on the page of the design: the table, the curves, the check in the background, and early looks."""

import pytest
from kombu.exceptions import OperationalError

from annotations.domain import foresight, planning
from annotations.models import PowerCheck
from annotations.templatetags import curves
from tests.annotations.factories import StudyFactory

from .conftest import address, said

SENT = "annotations.admin.frame.current_app.send_task"


@pytest.fixture
def sent(monkeypatch):
    """What was sent to the worker."""
    tasks = []
    monkeypatch.setattr(SENT, lambda name, args, retry: tasks.append((name, args, retry)))
    return tasks


def test_design_shows_what_it_can_find(desk, draft):
    page = desk.get(address(draft, "design"))

    assert page.status_code == 200
    assert len(page.context["power_rows"]) == 9
    assert [curve["axis"] for curve in page.context["curves"]] == ["raters", "prompts"]
    text = page.content.decode()
    assert 'data-testid="detectable"' in text
    assert text.count('class="ev-curve"') == 2
    assert "Hasselblad" in text


def test_scenario_has_an_address(desk, draft):
    default = desk.get(address(draft, "design")).context["power_rows"][0]
    wide = desk.get(address(draft, "design"), {"effect": "1.5", "prompt_system": "1"}).context["power_rows"][0]

    assert wide["effect"] == 1.5
    assert wide["se"] > default["se"]


@pytest.mark.parametrize("value", ["much", "-1", "99"])
def test_wrong_number_is_said_at_its_field_and_the_defaults_stand(desk, draft, value):
    page = desk.get(address(draft, "design"), {"effect": value})

    assert page.context["power_form"].errors["effect"]
    assert page.context["power_rows"][0]["effect"] == 0.5


def test_design_that_cannot_be_made_shows_no_power(desk):
    study = StudyFactory(design={"trials_per_rater": 40})

    page = desk.get(address(study, "design"))

    assert "power" not in page.context
    assert 'id="power"' not in page.content.decode()


def test_study_without_a_comparing_dimension_says_so(desk, draft):
    draft.dimensions.all().delete()

    assert "needs a dimension that compares two texts" in desk.get(address(draft, "design")).content.decode()


def test_check_is_sent_with_the_scenario_of_the_page(desk, draft, sent):
    answer = desk.post(address(draft, "design_check"), {"effect": "0.8", "output": "0.42"})

    check = PowerCheck.objects.get()
    assert check.wanted["assumed"]["effect"] == 0.8
    assert sent == [("annotations.tasks.check_power", [check.pk], False)]
    assert answer.url == address(draft, "design") + "?effect=0.8#power"
    page = desk.get(address(draft, "design"), {"effect": "0.8"})
    assert "waits for the background worker" in page.content.decode()
    assert "Check by simulation" not in page.content.decode()


def test_check_without_a_worker_says_what_to_do(desk, draft, monkeypatch):
    def refuse(*args, **kwargs):
        raise OperationalError

    monkeypatch.setattr(SENT, refuse)

    response = desk.post(address(draft, "design_check"), follow=True)

    assert "cannot be reached" in said(response)[0]
    assert PowerCheck.objects.count() == 1


def test_progress_reloads_the_page_when_there_is_nothing_to_wait_for(desk, draft, sent):
    desk.post(address(draft, "design_check"))
    PowerCheck.objects.update(state="running", progress=41, stage="originality: 205 of 500 studies")

    news = desk.get(address(draft, "design_live")).json()

    assert (news["rest"], news["reload"]) == (False, False)
    assert "205 of 500 studies" in news["panels"]["power"]
    assert "41%" in news["panels"]["power"]
    PowerCheck.objects.update(state="done")
    assert desk.get(address(draft, "design_live")).json()["reload"] is True


def test_simulated_power_stands_beside_the_analytic_one(desk, draft):
    foresight.run_check(check_id=foresight.request_check(study=draft).pk, simulations=6)

    page = desk.get(address(draft, "design"))

    assert all(row["simulated"]["studies"] == 2 for row in page.context["power_rows"])
    assert "6 studies on these booklets" in page.content.decode()
    other = desk.get(address(draft, "design"), {"effect": "0.9"})
    assert all(row["simulated"] is None for row in other.context["power_rows"])


def test_failed_check_says_why(desk, draft):
    check = foresight.request_check(study=draft)
    PowerCheck.objects.update(state="failed", message="ValueError: no wonder")

    text = desk.get(address(draft, "design")).content.decode()

    assert "no wonder" in text
    assert check.pk is not None
    assert "Check by simulation" in text


def test_who_may_only_look_cannot_ask(window, share, draft):
    share(draft, "observer")

    assert window.get(address(draft, "design")).status_code == 403
    assert window.post(address(draft, "design_check")).status_code == 403
    assert window.post(address(draft, "design_looks"), {"method": "pocock"}).status_code == 403
    assert not PowerCheck.objects.exists()


def looks(page, **changes):
    return {"stamp": page.context["stamp"], "method": "obrien_fleming", "times": "50, 100", **changes}


def test_looks_are_saved_shown_and_frozen(desk, draft):
    page = desk.get(address(draft, "design"))

    response = desk.post(address(draft, "design_looks"), looks(page, times="25% 50 100"), follow=True)

    draft.refresh_from_db()
    assert draft.analysis["looks"] == {"method": "obrien_fleming", "times": [0.25, 0.5, 1.0]}
    assert said(response) == ["Saved: the analysis plan says how the study may be looked at."]
    assert [look["time"] for look in response.context["boundaries"]] == [0.25, 0.5, 1.0]
    assert "method obrien fleming" in desk.get(address(draft, "freeze")).content.decode()
    planning.freeze_study(study=draft)
    text = desk.get(address(draft, "freeze")).content.decode()
    assert "information" in text
    frozen = desk.get(address(draft, "design"))
    assert frozen.context["looks_form"].fields["method"].disabled
    assert frozen.context["boundaries"][0]["information"] > 0.25


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"times": "soon"}, "Write numbers, for example 25, 50, 100."),
        ({"method": "peeking"}, "Nothing was saved"),
        ({"times": "50"}, "Looks must ascend from above 0 to 1"),
        ({"stamp": "stale"}, "another window"),
    ],
)
def test_looks_that_cannot_stand_are_refused_in_words(desk, draft, changes, words):
    page = desk.get(address(draft, "design"))

    response = desk.post(address(draft, "design_looks"), looks(page, **changes), follow=True)

    assert words in said(response)[0]
    draft.refresh_from_db()
    assert "looks" not in draft.analysis


def test_looks_at_any_time_need_no_times(desk, draft):
    page = desk.get(address(draft, "design"))

    desk.post(address(draft, "design_looks"), looks(page, method="confidence_sequence", times="50"))

    draft.refresh_from_db()
    assert draft.analysis["looks"] == {"method": "confidence_sequence"}


@pytest.mark.parametrize(
    ("longest", "expected"),
    [(2160, [1000, 2000]), (120, [50, 100]), (72, [20, 40, 60]), (3, [1, 2, 3]), (1, [1])],
)
def test_ticks_are_round_and_few(longest, expected):
    assert curves.ticks(longest) == expected


def test_curve_stays_within_its_picture(desk, draft):
    for curve in desk.get(address(draft, "design")).context["curves"]:
        drawn = curves.power_curve(curve)
        places = [tuple(map(float, pair.split(","))) for pair in (drawn.corrected + " " + drawn.alone).split()]
        assert all(curves.LEFT <= x <= curves.WIDTH and curves.TOP <= y <= curves.HEIGHT for x, y in places)
        assert curves.LEFT < drawn.plan < curves.WIDTH
        assert all(cost for *_, cost in drawn.columns) == (curve["axis"] == "raters")
