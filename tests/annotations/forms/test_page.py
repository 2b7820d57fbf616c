"""HTML of a trial: escaped, the same for both sides, and the rows made once per version of a questionnaire."""

import re

import pytest

from annotations.forms import page
from tests.annotations.factories import BlindTrialFactory, QuestionFactory, questionnaire, rater_view

NASTY = "<script>alert('1')</script>\n\n  \"two\" & three\t\u202e\u200fשלום"


def test_texts_are_escaped_and_keep_their_line_breaks():
    html = page.trial_html(BlindTrialFactory(prompt=NASTY, texts=(NASTY, "plain")))

    assert "<script" not in html
    assert html.count("&lt;script&gt;alert(&#x27;1&#x27;)&lt;/script&gt;\n\n  &quot;two&quot; &amp; three\t") == 2


def test_swapped_sides_differ_in_nothing_but_the_texts():
    one = page.trial_html(BlindTrialFactory(token="1.2.3", texts=("XXXX", "YYYY")))
    other = page.trial_html(BlindTrialFactory(token="1.2.3", texts=("YYYY", "XXXX")))

    assert one.replace("XXXX", "?").replace("YYYY", "?") == other.replace("XXXX", "?").replace("YYYY", "?")


def test_both_sides_have_the_same_markup():
    html = page.trial_html(BlindTrialFactory(texts=("one", "one")))

    left, right = re.findall(r'<section class="side">.*?</section>', html)
    assert left.replace(">A<", "><").replace("Text A", "Text") == right.replace(">B<", "><").replace("Text B", "Text")


@pytest.mark.parametrize(("length", "size"), [(10, "prompt"), (161, "prompt long"), (601, "prompt very long")])
def test_long_prompts_are_set_smaller(length, size):
    assert f'class="{size}"' in page.trial_html(BlindTrialFactory(prompt="x" * length))


@pytest.mark.parametrize("count", [1, 2, 5])
def test_trial_shows_as_many_texts_as_it_has(count):
    html = page.trial_html(BlindTrialFactory(texts=tuple(f"text {n}" for n in range(count))))

    assert re.findall(r"<h2>(.)</h2>", html) == list("ABCDE"[:count])


def test_rows_are_rendered_once_per_version():
    asked = questionnaire(QuestionFactory(key="originality"), version="once")

    assert page.rows_html(asked) is page.rows_html(asked)


def test_rows_of_an_edited_draft_are_rendered_anew():
    before = questionnaire(QuestionFactory(key="originality", label="original"), version="draft-1")
    after = questionnaire(QuestionFactory(key="originality", label="novel"), version="draft-1")

    page.rows_html(before)

    assert "novel" in page.rows_html(after)


def test_rows_cache_does_not_grow_without_bound():
    for number in range(page.MOST_CACHED + 2):
        page.rows_html(questionnaire(QuestionFactory(key="originality"), version=f"version-{number}"))

    assert len(page._rows_cache) <= page.MOST_CACHED


def test_rows_with_the_same_words_share_a_heading():
    rows = (
        QuestionFactory(key="a"),
        QuestionFactory(key="b"),
        QuestionFactory(key="c", type="forced_choice", options={"tie": True}),
    )

    html = page.rows_html(questionnaire(*rows))

    assert re.findall(r'<fieldset class="([^"]*)"', html) == ["row", "row same", "row"]


def test_ends_stand_at_a_graded_scale_only():
    graded = page.rows_html(questionnaire(QuestionFactory(key="a")))
    forced = page.rows_html(questionnaire(QuestionFactory(key="a", type="forced_choice", options={"tie": False})))

    assert (graded.count('class="end"'), forced.count('class="end"')) == (2, 0)


def test_wording_of_researchers_is_escaped():
    html = page.rows_html(questionnaire(QuestionFactory(key="a", label="<b>new</b>", definition="<i>x</i>")))

    assert "<b>" not in html
    assert "<i>" not in html


def test_answers_that_came_back_are_checked():
    html = page.rows_with_answers(questionnaire(QuestionFactory(key="a"), QuestionFactory(key="b")), {"b": "2"})

    assert re.findall(r'id="([^"]+)"[^>]* checked', html) == ["b-2"]


def test_fragments_leave_out_what_the_page_holds():
    now, after = BlindTrialFactory(), BlindTrialFactory()

    html = page.fragments_html((now, after), held=now.token)

    assert html == page.trial_html(after)


def test_context_puts_the_second_trial_in_the_hand():
    now, after = BlindTrialFactory(number=3), BlindTrialFactory(number=4)

    context = page.trial_context(rater_view(trials=(now, after)))

    assert (context["done"], context["held"]) == (2, after.token)
    assert context["next_html"] == page.trial_html(after)


def test_context_of_the_last_trial_has_an_empty_hand():
    context = page.trial_context(rater_view(trials=(BlindTrialFactory(number=30),)))

    assert (context["held"], context["next_html"]) == ("", "")


def test_preview_shows_the_same_page_but_sends_nothing():
    from django.template.loader import render_to_string

    html = render_to_string("annotations/trial.html", page.trial_context(rater_view(), preview=True))

    assert 'action=""' in html
    assert "<script" not in html
    assert re.search(r"<button[^>]*disabled>Next", html)
