"""The verb: planted collapse is found, order does not matter, options are checked, all in words."""

import json

import numpy as np
import pandas as pd
import pytest

from analysis.diversity import MEASURES, DiversityError, measure
from analysis.embeddings import Vectors
from analysis.inference.multiplicity import holm


def contrast(result, key, first="steered"):
    return next(row for row in result.contrasts if (row.measure, row.first) == (key, first))


def test_planted_collapse_is_found_by_every_measure_and_only_where_it_is(found):
    steered = [row for row in found.contrasts if row.family and row.first == "steered"]
    other = [row for row in found.contrasts if row.family and row.first == "other"]

    assert len(steered) == 11
    assert all(row.p_holm < 0.05 for row in steered)
    assert all(row.p_holm > 0.05 for row in other)
    assert contrast(found, "similarity").difference < 0 < contrast(found, "vendi").difference


def test_sentences_say_what_the_table_says(found):
    row = contrast(found, "similarity")

    assert f"mean similarity {row.mean_first:.3f} against {row.mean_second:.3f}" in found.sentences[1]
    assert "By the primary measure steered is reliably more diverse. steered is reliably" in found.sentences[1]
    assert "The primary measure shows no reliable difference." in found.sentences[0]
    assert found.sentences[0].endswith("None of 10 secondary measures shows a reliable difference.")


def test_methods_name_formulas_sources_and_counts(found):
    for words in ("Vendi", "Texygen", "Hill 1973", "Holm", "20 tests", "12 prompts", "8 samples", "zlib", "TF-IDF"):
        assert words in found.methods


def test_words_of_the_default_embedder_are_never_taken_for_meaning(found):
    assert found.warnings[0].startswith("Similarity is of words (TF-IDF with truncated SVD), not of meaning")


def test_order_of_rows_changes_nothing(outputs, found):
    shuffled = outputs.sample(frac=1.0, random_state=3).reset_index(drop=True)

    again = measure(shuffled, baseline="baseline")

    assert again.summary() == found.summary()


def test_summary_is_plain_json_with_all_that_a_page_shows(found):
    summary = json.loads(json.dumps(found.summary(), allow_nan=False))

    assert summary["order"] == ["baseline", "other", "steered"]
    assert summary["prompts"] == 12
    assert summary["texts"] == 288
    assert len(summary["contrasts"]) == 2 * len(MEASURES)
    assert len(summary["between"]["similarity"]) == 3
    assert summary["provenance"]["embedder"]["embedder"] == "tfidf-svd"
    assert summary["settings"]["threshold"] == 0.8


def test_tables_hold_every_number(found):
    tables = found.tables

    assert {name: len(table) for name, table in tables.items()} == {
        "cells": 36, "systems": 3 * len(MEASURES), "contrasts": 2 * len(MEASURES), "between": 6, "histogram": 300,
        "classes": 288, "projection": 24,
    }  # fmt: skip
    cells = tables["cells"]
    mean = cells[cells["system"] == "steered"]["vendi"].mean()
    row = next(row for row in found.systems if (row.system, row.measure) == ("steered", "vendi"))
    assert row.mean == pytest.approx(mean)
    assert row.low < mean < row.high
    assert tables["histogram"].groupby("system")["pairs"].sum().tolist() == [12 * 28] * 3
    counted = tables["classes"].groupby(["prompt", "system"])["class"].nunique().to_numpy()
    assert counted.tolist() == cells["classes"].tolist()


def test_rows_of_the_classes_lead_back_to_the_table(outputs, found):
    classes = found.tables["classes"]

    back = outputs.iloc[classes["row"] - 1].reset_index(drop=True)
    assert back[["prompt", "system", "sample"]].equals(classes[["prompt", "system", "sample"]])


def test_without_a_baseline_all_pairs_are_compared(outputs):
    result = measure(outputs, measures=["similarity"])

    assert [(row.first, row.second) for row in result.contrasts if row.family] == [
        ("other", "baseline"), ("steered", "baseline"), ("steered", "other"),
    ]  # fmt: skip


def test_one_system_is_described_and_nothing_is_tested(planted):
    result = measure(planted(prompts=4, stock={"only": 0.5}))

    assert result.contrasts == ()
    assert result.sentences[0].startswith("only: mean similarity of two outputs to the same prompt 0.")
    assert "nothing was compared" in result.methods


def test_fewer_measures_make_a_smaller_family(outputs, found):
    result = measure(outputs, baseline="baseline", measures=["self_bleu", "vendi"])

    row = contrast(result, "vendi")
    assert list(result.values) == ["self_bleu", "vendi", "words"]
    assert row.p == contrast(found, "vendi").p
    assert row.p_holm == pytest.approx(min(4 * row.p, row.p_holm))
    assert row.p_holm <= contrast(found, "vendi").p_holm


def test_primary_measure_is_corrected_over_contrasts_alone_and_said_to_be_primary(found):
    first = [row for row in found.contrasts if row.family == "primary"]
    others = [row for row in found.contrasts if row.family == "secondary"]

    assert [row.measure for row in first] == ["similarity"] * 2
    assert [row.p_holm for row in first] == pytest.approx(holm(np.array([row.p for row in first])))
    assert [row.p_holm for row in others] == pytest.approx(holm(np.array([row.p for row in others])))
    assert len(others) == 20
    assert "mean similarity, named as the primary measure beforehand, over 2 contrasts" in found.methods


def test_without_a_primary_measure_all_are_one_family(outputs):
    result = measure(outputs, baseline="baseline", measures=["similarity", "vendi"], primary="")

    rows = [row for row in result.contrasts if row.family]
    assert [row.p_holm for row in rows] == pytest.approx(holm(np.array([row.p for row in rows])))
    assert "by 2 of 2 measures" in result.sentences[1]
    with pytest.raises(DiversityError, match="'words' cannot be the primary measure"):
        measure(outputs, primary="words")


def test_what_cannot_be_compared_is_said_so(outputs):
    one = measure(outputs[outputs["sample"] == "0"], baseline="baseline")
    blank = outputs.assign(text=outputs["text"].where(outputs["system"] != "baseline", " "))

    assert one.sentences[0] == ("other against baseline: nothing to compare, for no prompt has two texts of both.")
    with pytest.raises(DiversityError, match="every text of 'baseline' is empty"):
        measure(blank, baseline="baseline")


def test_longer_texts_are_warned_of(planted):
    short, long = planted(stock={"short": 0.4}, words=10), planted(stock={"long": 0.4}, words=25)

    result = measure(pd.concat([short, long]), baseline="short")

    assert any("long writes 25.0 words per text, short 10.0" in text for text in result.warnings)
    cut = contrast(result, "distinct_1_cut", "long")
    assert not cut.family
    assert contrast(result, "distinct_1", "long").difference < -0.1
    assert cut.difference > -0.05


def test_few_prompts_and_what_they_cannot_show_are_warned_of(planted):
    result = measure(planted(prompts=5), baseline="baseline")

    text = " ".join(result.warnings)
    assert "A comparison rests on 5 prompts" in text
    assert "no p value can be below 0.062" in text
    assert "With 32 sign patterns and a family of 20 tests no corrected p of it can be below 0.05" in text


def test_holes_empties_and_uneven_samples_are_told(planted):
    frame = planted(prompts=12, samples=4)
    frame.loc[0, "text"] = ""
    frame = frame[~((frame["prompt"] == "Write of 03") & (frame["system"] == "steered"))]

    result = measure(frame.reset_index(drop=True), baseline="baseline")

    text = " ".join(result.warnings)
    assert "1 of 36 combinations of prompt and system have fewer than two texts" in text
    assert "Empty texts were left out: baseline 1." in text
    assert "(other 1 and steered 1)" in text
    assert contrast(result, "similarity").prompts == 11


def test_given_classes_are_used_and_told(planted):
    frame = planted(prompts=6, stock={"a": 0.5, "b": 0.5})
    frame["class"] = np.where(frame["system"] == "a", "same", frame["sample"])

    result = measure(frame, baseline="a")

    assert contrast(result, "classes", "b").mean_second == 1.0
    assert contrast(result, "modes_2", "b").mean_first == pytest.approx(8.0)
    assert "as given with the texts" in result.methods


def test_vectors_by_rows_follow_their_texts(outputs, tmp_path):
    vectors = np.random.default_rng(0).standard_normal((len(outputs), 5)).astype(np.float32)
    np.save(tmp_path / "a.npy", vectors)
    order = np.random.default_rng(1).permutation(len(outputs))
    np.save(tmp_path / "b.npy", vectors[order])

    first = measure(outputs, embedder=Vectors(tmp_path / "a.npy"), measures=["similarity"])
    second = measure(
        outputs.iloc[order].reset_index(drop=True), embedder=Vectors(tmp_path / "b.npy"), measures=["similarity"]
    )

    assert first.tables["cells"].equals(second.tables["cells"])


def test_prompt_to_be_shown_is_shown(outputs):
    result = measure(outputs, measures=["similarity"], show=["Write of 05", "Write of 01"])

    assert [shown.prompt for shown in result.projections] == ["Write of 05", "Write of 01"]
    assert [len(shown.points) for shown in result.projections] == [24, 24]


def test_progress_rises_to_the_end_and_may_stop_the_run(outputs):
    told = []
    measure(outputs, measures=["similarity"], progress=lambda *step: told.append(step))

    def stop(done, _total, _what):
        if done > 60:
            raise InterruptedError

    assert [step[0] for step in told] == sorted(step[0] for step in told)
    assert told[-1] == (100, 100, "measured")
    assert {what for _, _, what in told} == {"Embedding", "Similarities", "Words", "Tests", "measured"}
    with pytest.raises(InterruptedError):
        measure(outputs, progress=stop)


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"baseline": "nobody"}, "there is no system 'nobody': the baseline is one of baseline, other, steered"),
        ({"threshold": 1.0}, "threshold is a cosine"),
        ({"class_threshold": -2.0}, "class_threshold is a cosine"),
        ({"confidence": 0.2}, "confidence is at least"),
        ({"classes": "given"}, "no column class"),
        ({"classes": "magic"}, "no rule of classes 'magic'"),
        ({"measures": ["wit"]}, "there is no measure 'wit': choose from similarity"),
        ({"show": ["?"]}, "no prompt '\\?'"),
    ],
)
def test_option_that_makes_no_sense_is_refused(outputs, options, reason):
    with pytest.raises(DiversityError, match=reason):
        measure(outputs, **options)


def test_table_of_empty_texts_is_refused():
    with pytest.raises(DiversityError, match="every text is empty"):
        measure(pd.DataFrame({"prompt": ["p"], "system": ["a"], "text": [" "]}))
