"""Every rater page: no finding of axe in light and dark, wide and narrow; weight; nothing foreign; nothing cut off."""

import datetime as dt

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import expect

from annotations.domain import assignment, planning, studies
from annotations.enums import LeaseState
from annotations.models import Lease, Output, Prompt
from tests.annotations.factories import ParticipationFactory, StudyFactory, token_of

from .conftest import LONG, Rater

pytestmark = pytest.mark.django_db(transaction=True)

FIVE = [
    {"key": "novelty", "label": "novel", "question_type": "forced_choice", "options": {"tie": False}},
    {"key": "tie", "label": "useful", "question_type": "forced_choice", "options": {"tie": True}},
    {"key": "seven", "label": "vivid", "options": {"levels": 7, "midpoint": True}},
    {"key": "four", "label": "clear", "options": {"levels": 5, "midpoint": False}},
    {"key": "five", "label": "creative", "options": {"levels": 5, "midpoint": True}},
]
SIZES = {"wide": (1280, 800), "phone": (390, 844), "small": (320, 640), "zoomed": (640, 400)}
MOST_BYTES = 60_000  # uncompressed; 50,000 before the page noticed pastes and asked any mix of types
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}


def long_study(**kwargs):
    study = StudyFactory(**kwargs)
    Output.objects.filter(prompt__study=study).update(text=LONG)
    Prompt.objects.filter(study=study).update(text="Think of unusual uses. " * 20)
    planning.freeze_study(study=study)
    return studies.open_study(study=study)


def pages(site):
    """Yield (name, address) of every page that a rater may see."""
    study = StudyFactory(open=True, contact="study@example.org", return_address="https://recruiter.example/?cc={code}")
    ready, judging, done = (ParticipationFactory(study=study, begun=begun) for begun in (False, True, True))
    Lease.objects.filter(participation=done).update(state=LeaseState.COMPLETED)
    many = ParticipationFactory(study=StudyFactory(open=True, dimensions=FIVE), begun=True)
    long = ParticipationFactory(study=long_study(), begun=True)
    paused, closed = StudyFactory(open=True), StudyFactory(open=True)
    resting, late = ParticipationFactory(study=paused, begun=True), ParticipationFactory(study=closed, begun=True)
    studies.pause_study(study=paused)
    studies.close_study(study=closed)
    full = StudyFactory(open=True)
    people = [ParticipationFactory(study=full, begun=True) for _ in range(full.plan.booklets_planned)]
    Lease.objects.filter(participation=people[0]).update(expires_at=timezone.now() - dt.timedelta(minutes=1))
    assignment.expire_leases()
    ParticipationFactory(study=full, begun=True)
    turned_away = ParticipationFactory(study=full, begun=True)

    def own(participation, name="rater_page"):
        return site + reverse(name, args=[token_of(participation)])

    yield "entrance", f"{site}/s/{study.slug}/"
    yield "instructions", own(ready)
    yield "trial", own(judging)
    yield "trial of many kinds", own(many)
    yield "long trial", own(long)
    yield "pause", own(judging, "rater_pause")
    yield "help", own(judging, "rater_help")
    yield "finished", own(done)
    yield "paused", own(resting)
    yield "closed", own(late)
    yield "paused entrance", f"{site}/s/{paused.slug}/"
    yield "full", own(turned_away)
    yield "lapsed", own(people[0])
    yield "bad link", f"{site}/r/forged.token/"
    yield "nothing", f"{site}/nothing/here"


def findings(page):
    results = Axe().run(page, options=RULES)
    return [
        f"{item['id']}: {node['html']} {node['failureSummary']}"
        for item in results.response["violations"]
        for node in item["nodes"]
    ]


@pytest.mark.parametrize(("size", "scheme"), [("wide", "light"), ("phone", "dark")])
def test_axe_finds_nothing_on_any_page(page, live_server, scheme, size):
    page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
    page.set_viewport_size(dict(zip(("width", "height"), SIZES[size], strict=True)))

    found = {}
    for name, address in pages(live_server.url):
        page.goto(address)
        for summary in page.locator("summary:visible").all():
            summary.click()
        if page.locator(".row").count():
            page.locator(".row .choice").first.click()
        if problems := findings(page):
            found[name] = problems

    assert found == {}


def test_axe_finds_nothing_when_rows_are_missing_or_the_network(page, live_server, rater):
    page.emulate_media(reduced_motion="reduce")
    page.wait_for_timeout(450)
    rater.next()
    expect(rater.said()).to_contain_text("Please answer")
    missing = findings(page)
    page.context.set_offline(True)
    rater.choose_all()
    rater.next()
    expect(rater.said()).to_contain_text("kept on this page")
    page.context.set_offline(False)

    assert missing + findings(page) == []


@pytest.mark.parametrize("size", list(SIZES))
def test_no_page_scrolls_sideways(page, live_server, transactional_db, size):
    width, height = SIZES[size]
    page.set_viewport_size({"width": width, "height": height})

    wide = []
    for name, address in pages(live_server.url):
        page.goto(address)
        for summary in page.locator("summary:visible").all():
            summary.click()
        if page.evaluate("document.documentElement.scrollWidth") > width:
            wide.append(name)

    assert wide == []


@pytest.mark.parametrize("size", list(SIZES))
def test_rows_are_big_enough_to_touch(browser, live_server, transactional_db, size):
    width, height = SIZES[size]
    context = browser.new_context(viewport={"width": width, "height": height}, has_touch=True, is_mobile=True)
    study = StudyFactory(open=True, dimensions=FIVE)
    rater = Rater(context.new_page(), ParticipationFactory(study=study, begun=True), live_server.url).go()

    boxes = [choice.bounding_box() for choice in rater.page.locator(".choice").all()]

    assert min(box["height"] for box in boxes) >= 44
    assert min(box["width"] for box in boxes) >= 32  # seven levels on 320 px; WCAG 2.2 asks for 24
    context.close()


def test_whole_page_with_empty_texts_is_light(page, live_server, transactional_db):
    study = StudyFactory()
    Output.objects.filter(prompt__study=study).update(text="")
    Prompt.objects.filter(study=study).update(text="")
    planning.freeze_study(study=study)
    participation = ParticipationFactory(study=studies.open_study(study=study), begun=True)
    sizes = {}
    page.on("response", lambda response: sizes.update({response.url: len(response.body())}))

    Rater(page, participation, live_server.url).go()
    page.wait_for_load_state("networkidle")

    assert len(sizes) == 8  # the page, two style sheets, five scripts
    assert sum(sizes.values()) < MOST_BYTES


def test_prompt_and_next_stay_in_sight_on_a_phone(page, live_server, transactional_db):
    page.set_viewport_size({"width": 390, "height": 844})
    study = StudyFactory()
    Output.objects.filter(prompt__study=study).update(text=LONG)
    planning.freeze_study(study=study)
    participation = ParticipationFactory(study=studies.open_study(study=study), begun=True)
    rater = Rater(page, participation, live_server.url).go()

    page.mouse.move(200, 400)
    page.mouse.wheel(0, 2500)
    page.wait_for_function("scrollY > 2000")

    expect(page.locator("h1")).to_be_in_viewport(ratio=1)
    expect(page.get_by_role("button", name="Next")).to_be_in_viewport(ratio=1)
    assert rater.trial()


def test_whole_trial_fits_one_screen_on_a_desk(page, live_server, transactional_db):
    page.set_viewport_size({"width": 1280, "height": 720})
    study = StudyFactory()
    Output.objects.filter(prompt__study=study).update(text=LONG)
    planning.freeze_study(study=study)
    participation = ParticipationFactory(study=studies.open_study(study=study), begun=True)

    Rater(page, participation, live_server.url).go()

    assert page.evaluate("document.documentElement.scrollHeight") <= 720


def test_print_shows_whole_texts(page, live_server, transactional_db):
    participation = ParticipationFactory(study=long_study(), begun=True)
    Rater(page, participation, live_server.url).go()

    page.emulate_media(media="print")

    for box in page.locator("form .text").all():
        assert box.evaluate("box => box.scrollHeight <= box.clientHeight + 1")
    expect(page.get_by_role("button", name="Next")).to_be_hidden()
