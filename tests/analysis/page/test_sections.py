"""What the page says, section by section; the drawings are left out here."""

import re
from dataclasses import replace
from xml.etree import ElementTree as ET

import pytest

from analysis import tables
from analysis.declaration import Certificate, Declaration, Guarantee
from analysis.page import parts
from analysis.page.files import title_of
from analysis.page.parts import Drawings
from analysis.page.sections import body
from analysis.report import PARTS, analyse, examine
from analysis.results import ExclusionRow
from analysis.simulate import PlantedTruth, simulate_answers
from analysis.wording import exclusions_verdict

VERSIONS = {"analysis": "0", "numpy": "2"}
BARE = Drawings({}, {})


def page_of(result):
    return body(result, BARE, versions=VERSIONS)


def section_of(page, anchor):
    start = page.index(f'<section id="{anchor}"')
    return page[start : page.index("</section>", start)]


@pytest.fixture(scope="module")
def page(examined):
    return page_of(examined)


def test_sections_come_in_the_order_in_which_a_reviewer_asks(page):
    assert re.findall(r'<section id="([^"]+)"', page) == [
        "significance",
        "design",
        "data",
        "wins",
        "variance",
        "agreement",
        "diagnostics",
        "sensitivity",
        "naive",
        "methods",
        "provenance",
    ]


def test_exclusions_and_rounds_have_sections_where_there_are_any(make_plan):
    plan = make_plan(raters=8, questions={"wit": ("pairwise_choice", 2)})
    table = simulate_answers(plan, PlantedTruth(effects={"wit": {"steered": 1.0}}), seed=2)
    table = table.assign(round=table["position"], excluded=table["rater"] == "r01", exclusion_checks="speed")

    found = examine(analyse(table, baseline="baseline"), without=("agreement", "diagnostics", "sensitivity"))
    page = page_of(found)
    quality = section_of(page, "quality")
    ET.fromstring(f"<main>{page}</main>")

    anchors = re.findall(r'<section id="([^"]+)"', page)
    assert anchors[2:5] == ["data", "quality", "rounds"]
    assert exclusions_verdict(found).replace("<", "&lt;") in quality
    assert quality.count("<tr>") == 1 + len(found.rows) * (1 + 3)
    assert "Left out" in section_of(page_of(replace(found, left_out=("quality",))), "quality")
    assert "Trend over rounds" in section_of(page, "rounds")


def test_long_table_of_exclusions_is_folded(examined):
    row = ExclusionRow("wit", "a", "b", "", "everyone", "", *[0.5] * 6, "log-odds", 9, 90, same=True)

    assert "<details>" not in section_of(page_of(replace(examined, exclusions=(row,) * 40)), "quality")
    assert "<details>" in section_of(page_of(replace(examined, exclusions=(row,) * 41)), "quality")


def test_page_is_well_formed(page):
    ET.fromstring(f"<main>{page}</main>")


def test_headings_and_captions_do_not_repeat_one_another(page):
    headings = re.findall(r"<h[23][^>]*>(.*?)</h", page)
    captions = re.findall(r"<caption>(.*?)</caption>", page)

    assert len(set(headings)) == len(headings)
    assert len(set(captions)) == len(captions)
    assert not set(headings) & set(captions)


def test_facts_and_verdict_open_the_page(page, examined):
    assert "16 raters · 9 prompts · 3 systems · 144 judgements · 2 dimensions · design abc" in page
    assert page.index('class="lead"') < page.index(examined.sentence.replace("<", "&lt;")[:40]) < page.index("<nav")


def test_note_stands_below_the_table_and_not_among_the_warnings(examined):
    page = page_of(replace(examined, notes=("wit: one sample",), warnings=("look out",)))

    alarm = page[page.index('class="warning" role="note"') : page.index("<nav")]
    assert "look out" in alarm
    assert "one sample" not in alarm
    assert '<p class="note">Note: wit: one sample.</p>' in section_of(page, "significance")


def test_data_tell_where_judgements_went(study):
    table = study.assign(
        excluded=study["rater"].isin(["r01", "r02"]),
        exclusion_reason=study["rater"].map({"r01": "too fast", "r02": "asked to be left out"}).fillna(""),
        late=study["rater"] == "r03",
    )

    page = page_of(examine(analyse(table, baseline="baseline", late=False), without=PARTS))

    rows = re.findall(r"<tr>(.*?)</tr>", section_of(page, "data"))
    cells = [tuple(re.sub("<.*?>", "|", row).strip("|").replace("||", "|").split("|")) for row in rows]
    assert [tuple(part for part in row if part) for row in cells] == [
        ("Step", "Gone", "Left"),
        ("In the table", "144"),
        ("− excluded: asked to be left out", "−9", "135"),
        ("− excluded: too fast", "−9", "126"),
        ("− late: after the lease had lapsed or the study was closed", "−9", "117"),
        ("Analysed", "117"),
    ]


def test_plan_and_certificate_stand_in_the_design(examined):
    certificate = Certificate((Guarantee("sides", "Sides are balanced.", 1, 0, holds=True),), {})
    declaration = Declaration(
        sha256="f" * 64,
        title="Wit",
        version=1,
        lead="Which is wittier?",
        systems=(("steered", "treatment"), ("baseline", "baseline")),
        dimensions=({"key": "originality", "label": "original", "definition": "new & apt", "question_type": "forced"},),
        contrasts=(("steered", "baseline"),),
        analysis={"alpha": 0.05, "contrasts": "all_pairs"},
        design={"raters_per_task": 3, "trials_per_rater": 9},
        plan={"tasks": 81, "booklets": 1600},
        material={},
        certificate=certificate,
    )

    design = section_of(page_of(replace(examined, declaration=declaration)), "design")

    for words in (
        "Which is wittier?",
        "steered (treatment), baseline (baseline)",
        "steered vs baseline",
        "new &amp; apt",
        "81 tasks, 1,600 booklets",
        f"{'f' * 64} (version 1)",
        "Certificate: every guarantee holds",
        "Sides are balanced.",
        "No rater judged a prompt twice.",
    ):
        assert words in design


def test_sensitivity_counts_who_agrees(examined):
    rows = tuple(replace(row, agrees=at > 1) for at, row in enumerate(examined.sensitivity))

    all_agree = page_of(replace(examined, sensitivity=tuple(replace(row, agrees=True) for row in rows)))
    two_differ = page_of(replace(examined, sensitivity=rows))

    total = len(rows)
    assert f"All {total} estimates under other choices agree with the declared analysis." in all_agree
    assert f"{total - 2} of {total} estimates under other choices agree" in two_differ
    assert "Not confirmatory" in two_differ


def test_methods_can_be_pasted_with_formula_and_versions(page, examined):
    methods = section_of(page, "methods")

    assert examined.methods.replace("'", "&#x27;") in methods
    assert "Software: analysis 0, numpy 2." in methods
    assert methods.count("<math ") == 2


def test_parts_left_out_are_named(result):
    page = page_of(examine(result, without=PARTS))

    assert page.count("Left out at the wish of whoever made this report.") == 3
    assert "<dt>Left out</dt><dd>agreement, diagnostics, quality, sensitivity</dd>" in page


def test_what_differs_from_the_plan_stands_in_the_provenance(examined):
    page = page_of(replace(examined, changed=("ties = drop instead of model",)))

    assert "<dd>ties = drop instead of model</dd>" in section_of(page, "provenance")


def test_contrast_without_estimate_is_printed_with_its_reason(study):
    frame = study[study["dimension"] == "originality"].copy()
    frame.loc[frame["system_a"] == "steered", "answer"] = 1.0
    frame.loc[frame["system_b"] == "steered", "answer"] = 0.0

    result = examine(analyse(frame, baseline="baseline"))

    markdown = tables.to_markdown(tables.significance_table(result))
    assert "| steered vs baseline | – | – | – | – | – | – | – | – | – |" in markdown
    assert "steered vs baseline: infinite: the answers separate the systems completely" in markdown
    assert not re.search(r"\bnan\b", page_of(result), re.IGNORECASE)
    assert " 1 could not be estimated." in page_of(result)


def test_names_are_escaped_everywhere(study):
    evil = "<b>50% & _more_</b> | x"
    frame = study.assign(
        system_a=study["system_a"].replace("steered", evil), system_b=study["system_b"].replace("steered", evil)
    )

    result = examine(analyse(frame, baseline="baseline"), without=("sensitivity",))

    table = tables.significance_table(result)
    assert "<b>50%" not in page_of(result)
    assert r"$<$b$>$50\% \& \_more\_" in tables.to_latex(table)
    assert r"\| x vs baseline" in tables.to_markdown(table)


def test_latex_table_is_ascii_whatever_the_systems_are_called(study):
    names = {"steered": "gesteuert ≥ π|é", "baseline": "Grundlinie ± 0"}
    result = analyse(study.replace({"system_a": names, "system_b": names}))

    text = tables.to_latex(tables.significance_table(result))

    assert text.isascii()
    assert r"gesteuert $\ge$ $\pi$\textbar{}\'{e}" in text


def test_study_without_title_is_named_as_in_the_table(result):
    assert title_of(result) == "Significance report: test"
    assert title_of(replace(result, title="A <b>")) == "Significance report: A <b>"
    assert "<title>A &lt;b&gt;</title>" in parts.document("A <b>", "", kicker="")


def test_picture_says_what_it_shows_and_scrolls_when_wide():
    svg = '<svg width="{}pt" id="a"><use href="#a"/></svg>'

    wide = parts.picture(svg.format(700), name="x", label='say "so"')
    narrow = parts.picture(svg.format(200), name="x", label="l", caption="c < d")

    assert 'class="picture wide" role="img" tabindex="0" aria-label="say &quot;so&quot;"' in wide
    assert 'id="x-a"><use href="#x-a"/>' in wide
    assert "Scroll the figure sideways" in wide
    assert "Scroll" not in narrow
    assert "<figcaption>c &lt; d</figcaption>" in narrow
    assert parts.picture(None, name="x", label="l") == ""
