"""HTML of a trial: escaped, the same for both sides, and the rows made once per version of a questionnaire."""

import re
from dataclasses import replace

import pytest
from django.utils import translation

from annotations.forms import page, rows
from annotations.registry import question_types
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


@pytest.mark.parametrize("count", [2, 5, 20])
def test_trial_shows_as_many_texts_as_it_has(count):
    html = page.trial_html(BlindTrialFactory(texts=tuple(f"text {n}" for n in range(count))))

    letters = list("ABCDEFGHIJKLMNOPQRST"[:count])
    assert re.findall(r"<h2>(.)</h2>", html) == re.findall(r'aria-label="Text (.)"', html) == letters
    assert f'data-outputs="{count}"' in html


def test_single_text_has_no_letter():
    html = page.trial_html(BlindTrialFactory(texts=("only",)))

    assert "<h2>" not in html
    assert 'aria-label="The text"' in html


def test_rows_are_rendered_once_per_version():
    asked = questionnaire(QuestionFactory(key="originality"), version="once")

    assert rows.rows_html(asked) is rows.rows_html(asked)


def test_rows_of_an_edited_draft_are_rendered_anew():
    before = questionnaire(QuestionFactory(key="originality", label="original"), version="draft-1")
    after = questionnaire(QuestionFactory(key="originality", label="novel"), version="draft-1")

    rows.rows_html(before)

    assert "novel" in rows.rows_html(after)


def test_rows_cache_does_not_grow_without_bound():
    for number in range(rows.MOST_CACHED + 2):
        rows.rows_html(questionnaire(QuestionFactory(key="originality"), version=f"version-{number}"))

    assert len(rows._cache) <= rows.MOST_CACHED


def test_rows_with_the_same_words_share_a_heading():
    asked = (
        QuestionFactory(key="a"),
        QuestionFactory(key="b"),
        QuestionFactory(key="c", type="forced_choice", options={"tie": True}),
    )

    html = rows.rows_html(questionnaire(*asked))

    assert re.findall(r'<fieldset class="([^"]*)"', html) == ["row", "row same", "row"]


def test_ends_stand_at_a_graded_scale_only():
    graded = rows.rows_html(questionnaire(QuestionFactory(key="a")))
    forced = rows.rows_html(questionnaire(QuestionFactory(key="a", type="forced_choice", options={"tie": False})))

    assert (graded.count('class="end"'), forced.count('class="end"')) == (2, 0)


def test_wording_of_researchers_is_escaped():
    html = rows.rows_html(questionnaire(QuestionFactory(key="a", label="<b>new</b>", definition="<i>x</i>")))

    assert "<b>" not in html
    assert "<i>" not in html


def test_answers_that_came_back_are_checked():
    html = rows.rows_with_answers(questionnaire(QuestionFactory(key="a"), QuestionFactory(key="b")), {"b": "2"})

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
    assert "data-preview" in html
    assert re.search(r"<button[^>]*disabled>Next", html)


MIXED = (
    QuestionFactory(key="a", type="slider", options={"start": 50}),
    QuestionFactory(key="b"),
    QuestionFactory(key="c", type="ranking", options={}),
)


def mixed(*questions):
    """The questions with complete options, as the domain hands them over."""
    return questionnaire(*(replace(q, options=question_types.get(q.type).clean_options(q.options)) for q in questions))


def row_keys(html):
    return re.findall(r'<fieldset[^>]* data-row="([^"]+)"', html)


def test_rows_stand_in_the_order_of_the_trial():
    asked = mixed(*MIXED)

    assert row_keys(rows.rows_html(asked, order=("c", "a", "b"))) == ["c", "a", "a", "b"]
    assert row_keys(rows.rows_html(asked, order=("b",))) == ["b", "a", "a", "c"]
    assert row_keys(rows.rows_html(asked)) == ["a", "a", "b", "c"]


def test_rows_are_kept_by_outputs_order_and_language():
    asked = mixed(*MIXED)

    first = rows.rows_html(asked, outputs=2)
    with translation.override("de"):
        german = rows.rows_html(asked, outputs=2)

    assert rows.rows_html(asked, outputs=3) is not first
    assert rows.rows_html(asked, outputs=2, order=("b", "a", "c")) is not first
    assert german is not first
    assert rows.rows_html(asked, outputs=2) is first


def test_trial_carries_its_order_for_the_script():
    html = page.trial_html(BlindTrialFactory(order=("c", "a")))

    assert 'data-order="c a"' in html


@pytest.mark.parametrize(("outputs", "names"), [(1, ["answer-a.1"]), (3, ["answer-a.1", "answer-a.2", "answer-a.3"])])
def test_row_of_each_output_sends_its_place(outputs, names):
    html = rows.rows_html(mixed(MIXED[0]), outputs=outputs)

    assert re.findall(r'name="([^"]+)"', html) == names
    assert re.findall(r'class="mark"[^>]*>(.)<', html) == (list("ABC") if outputs > 1 else [])


@pytest.mark.parametrize("kind", list(question_types), ids=lambda kind: kind.name)
def test_first_control_of_every_type_is_where_links_lead(kind):
    for outputs in {kind.outputs[0], min(kind.outputs[1], 4)}:
        html = rows.rows_html(mixed(QuestionFactory(key="k", type=kind.name, options={})), outputs=outputs)

        assert re.search(r'<(input|textarea)[^>]* id="k-1"', html)
        ids = re.findall(r' id="([^"]+)"', html)
        assert len(ids) == len(set(ids))


def test_answers_of_every_shape_come_back():
    reasoned = QuestionFactory(key="r", type="choice_with_reasons", options={"note": True})
    text = QuestionFactory(key="t", type="free_text", options={})
    extremes = QuestionFactory(key="x", type="best_worst", options={})
    given = {
        "a": {"1": ("70",), "2": ("<3",)},
        "b": "2",
        "c": {"1": ("2",), "3": ("1",)},
        "r": {"": ("b",), "reason": ("2", "3"), "note": ("\nWhy & so",)},
        "t": {"": ("<Some> words",)},
        "x": {"best": ("3",), "worst": ("1",)},
    }

    html = rows.rows_with_answers(mixed(*MIXED, reasoned, text, extremes), given, outputs=3)

    assert 'name="answer-a.1" id="a-1" min="0" max="100" step="1" value="70"' in html
    assert 'value="&lt;3"' in html
    assert 'name="answer-c.1" id="c-1" value="2"' in html
    assert re.findall(r'id="([^"]+)"[^>]* checked', html) == [
        "b-2",
        "r-2",
        "r-reason-2",
        "r-reason-3",
        "x-3",
        "x.worst-1",
    ]
    assert re.findall(r"<textarea[^>]*>\n([^<]*)</textarea>", html) == ["\nWhy &amp; so", "&lt;Some&gt; words"]


def test_list_of_keys_names_what_is_on_the_page_only():
    asked = mixed(MIXED[0], QuestionFactory(key="l", type="likert", options={"points": 11}), QuestionFactory(key="g"))

    keys = {shortcut.words: shortcut.keys for shortcut in rows.shortcuts_of(asked, outputs=2)}

    assert keys["answer the marked row, then the next row is marked"] == ("1", "…", "-")
    assert ("Home", "End") in keys.values()
    assert not any("rank" in words for words in keys)


def test_page_loads_the_files_of_its_types_only():
    context = page.trial_context(rater_view(questionnaire=mixed(MIXED[0], MIXED[1])))

    assert context["scripts"] == ("annotations/questions/slider.js",)
    assert context["styles"] == ("annotations/questions/slider.css",)


@pytest.mark.parametrize(
    ("types", "outputs", "layout"),
    [
        (["graded_preference"], 2, "two"),
        (["slider"] * 3, 1, "one"),
        (["yes_no"] * 7, 1, "one tall"),
        (["best_worst"], 4, "several"),
        (["ranking"], 5, "several tall listed"),
        (["ranking"], 2, "two tall listed"),
    ],
)
def test_layout_follows_texts_and_rows(types, outputs, layout):
    asked = mixed(*(QuestionFactory(type=name, options={}) for name in types))

    assert page.layout_of(asked, outputs=outputs) == layout
