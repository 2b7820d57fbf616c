"""Reading pages: what the real templates write is understood, letter by letter."""

import pytest

from annotations.blind import BlindTrial, RaterView
from annotations.enums import Step
from annotations.forms.page import fragments_html, trial_html
from annotations.management.simulation.pages import Row, ShownTrial, read_page

NASTY = 'A <b>bold</b> & "quoted" &amp; text</div></article>\n\n  two blank lines,\r\na tab\t, ü, 漢字, \u202eעברית'


@pytest.mark.parametrize("text", ["plain", NASTY, "<script>alert(1)</script>", "x" * 100_000, "&lt;", " leading"])
def test_read_page_gives_back_every_text_as_it_was(text):
    trial = BlindTrial("a.b.1", 3, 20, f"Prompt {text}", (text, f"{text}!"))

    page = read_page(trial_html(trial))

    assert page.trials == [ShownTrial("a.b.1", 3, 20, f"Prompt {text}", (text, f"{text}!"))]


def test_read_page_finds_all_trials_of_a_fragment_in_order():
    trials = tuple(BlindTrial(f"t.{n}", n, 9, "Prompt", ("left", "right")) for n in (4, 5))

    page = read_page(fragments_html(trials, held=""))

    assert [trial.number for trial in page.trials] == [4, 5]


def test_read_page_finds_forms_and_rows_in_the_order_of_the_page():
    html = """<h1>Hello &amp; welcome</h1>
      <form method="post" action="/s/abc/?pid=x&amp;y=1"><button>I agree</button></form>
      <form action="/s/abc/decline?pid=x"></form>
      <form action="/r/tok/answer"><input type="radio" name="answer-one" value="1"><input type=radio name="answer-one"
      value="2"/><input type="checkbox" name="other"><input type="radio" name="answer-two" value="a"></form>"""

    page = read_page(html)

    assert page.title == "Hello & welcome"
    assert page.form("/s/abc/") == "/s/abc/?pid=x&y=1"
    assert page.form("/answer") == "/r/tok/answer"
    assert page.form("/begin") is None
    assert page.rows == [Row("one", values=("1", "2")), Row("two", values=("a",))]
    assert page.all_forms[2].controls["other"].type == "checkbox"
    assert not page.has_code


def test_read_page_knows_the_last_page_by_its_code(rf):
    from django.shortcuts import render

    view = RaterView(step=Step.FINISHED, study_title="Ideas", questionnaire=None, completion_code="ABC")

    page = read_page(render(rf.get("/"), "annotations/finished.html", {"view": view}).content.decode())

    assert page.has_code
    assert page.title == "Thank you"
