"""The blinding audit finds each of ten planted leaks (and a near copy), and raises none on clean sets."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from annotations.plugins.audits.guessing import guess
from annotations.registry import SEVERITIES, AuditedText, Surroundings, audits
from tests.annotations.plugins.audits.clean import (
    AROUND,
    LEAKS,
    SYSTEMS,
    clean,
    copied,
    examine,
    example,
    serious,
    spoiled,
)


@pytest.fixture(scope="module")
def texts():
    return clean()


@pytest.mark.parametrize(("prompts", "samples", "seed"), [(12, 6, 1), (30, 2, 2), (8, 10, 3)])
def test_clean_set_raises_no_leak_and_no_warning(prompts, samples, seed):
    found = examine(clean(seed, prompts=prompts, samples=samples))

    assert serious(found) == []


@pytest.mark.parametrize("name", LEAKS)
def test_planted_leak_is_found_with_its_outputs(texts, name):
    spoil, every, (audit, key) = LEAKS[name]
    planted = spoiled(texts, spoil, every=every)
    changed = {new.output for old, new in zip(texts, planted, strict=True) if new.text != old.text}

    found = {one.key: one for _, one in examine(planted, only=audit)}

    assert found[key].severity in {"leak", "warning"}
    assert found[key].outputs == () or set(found[key].outputs) <= changed
    assert len(found[key].outputs) in {0, len(changed)}


def test_near_copy_between_systems_is_found_and_within_a_cell_noted(texts):
    first = texts[0]
    repeated = [replace(text, text=f"{first.text} Yes.") if text.output == 2 else text for text in texts]

    between = {one.key: one for _, one in examine(list(copied(texts)), only="duplicates")}
    within = {one.key: one for _, one in examine(repeated, only="duplicates")}

    assert between["arms"].severity == "warning"
    assert {text.system for text in texts if text.output in between["arms"].outputs} == set(SYSTEMS)
    assert (within["cell"].severity, within["cell"].outputs) == ("note", (1, 2))


SHORT = Surroundings(roles={"north": "baseline", "quagga-7": "treatment"})


def short_answers(draw, *, prompts=20, samples=4):
    """Answers of two to four words that both systems draw from the same thirty."""
    things = ("kite", "drum", "hat", "lamp", "boat", "stool", "mask", "bell", "sled", "step", "ruler", "stamp", "map")
    places = ("in snow", "at sea", "for cats", "on stage", "in space", "at work", "for ants", "in mud", "on ice")
    return [
        AuditedText(at, system, f"p{prompt}", "A use?", sample, f"a {draw.choice(things)} {draw.choice(places)}")
        for at, (prompt, system, sample) in enumerate(
            (prompt, system, sample) for prompt in range(prompts) for system in SYSTEMS for sample in range(samples)
        )
    ]


@pytest.mark.parametrize(
    ("one", "other", "near"),
    [
        ("use it as a door stop", "Use as the doorstop.", True),
        ("a paper weight", "Paperweights", True),
        ("Throw it at a window", "throw it at the windows", True),
        ("把它做成一个可爱的小凳子送给邻居", "把它做成一个可爱的小凳子送给邻居吧", True),
        ("a boat", "a goat", False),
        ("use it as a hat", "use it as a mat", False),
        ("make a kite", "make a boat", False),
        ("use it as a footrest under the desk", "use it as a bookend under the desk", False),
        ("step stool", "stool", False),
        ("把它做成小凳子", "把它当作枕头用", False),
    ],
)
def test_short_answers_are_near_by_their_letters(one, other, near):
    texts = [
        AuditedText(at, system, "p", "?", 0, text)
        for at, (system, text) in enumerate(zip(SYSTEMS, (one, other), strict=True))
    ]

    assert [(found.key, found.severity) for _, found in examine(texts, only="duplicates")] == [
        ("arms", "warning")
    ] * near


def test_short_answers_that_meet_by_chance_are_noted_and_copied_ones_warn():
    texts = short_answers(random.Random(3))
    first = {(text.prompt, text.sample): text.text for text in texts if text.system == SYSTEMS[0]}
    copied_ones = [
        replace(text, text=first[text.prompt, 0]) if (text.system, text.sample) == (SYSTEMS[1], 0) else text
        for text in texts
    ]

    chance = {one.key: one.severity for _, one in examine(texts, around=SHORT, only="duplicates")}
    planted = {one.key: one.severity for _, one in examine(copied_ones, around=SHORT, only="duplicates")}

    assert (chance["arms"], planted["arms"]) == ("note", "warning")


def habits_of_cells(draw, *, prompts=12, samples=8):
    """Both systems alike, but what a system does with one prompt it does in most of its samples."""
    texts = []
    for prompt in range(prompts):
        for system in SYSTEMS:
            bold, opening = draw.random() < 0.5, draw.choice(("Think", "Take", "Imagine", "Well"))
            favourite = draw.sample([f"word{chr(97 + at)}" for at in range(20)], 6)
            for sample in range(samples):
                words = [
                    *draw.sample(favourite, 5),
                    *draw.choices(("drum", "kite", "hat", "lamp", "boat", "bell", "sled", "map", "net", "bag"), k=10),
                ]
                text = f"{opening} of {' '.join(words)}."
                texts.append(
                    AuditedText(len(texts), system, f"p{prompt}", "?", sample, f"**So.** {text}" if bold else text)
                )
    return texts


def test_habits_of_single_cells_are_no_habits_of_a_system():
    alarms = [serious(examine(habits_of_cells(random.Random(seed)), only=only)) for seed in range(6) for only in
              ("habits", "formatting")]  # fmt: skip

    assert sum(map(bool, alarms)) <= 1  # at 5% a run, two of twelve come once in nine times


def test_habit_of_all_cells_is_found_among_habits_of_single_ones():
    texts = [
        replace(text, text=f"{text.text} Such a whisper.") if text.system == SYSTEMS[1] and text.sample % 2 else text
        for text in habits_of_cells(random.Random(1))
    ]

    found = {one.key for _, one in examine(texts, only="habits") if one.severity == "warning"}

    assert found == {"ending:such a whisper:quagga-7", "word:whisper:quagga-7", "word:such:quagga-7"}


def test_example_study_has_no_leak():
    texts, around = example()

    found = examine(texts, around=around)

    assert [one.key for _, one in found if one.severity == "leak"] == []


def test_guessing_shuffled_labels_is_chance_within_its_interval():
    """Of 40 shuffles two are expected outside an interval of 95%; more than six come once in a hundred runs."""
    texts, draw, outside = clean(5, prompts=15, samples=4), random.Random(7), 0
    import numpy as np

    from annotations.plugins.audits.classifier import _number_model
    from annotations.plugins.audits.features import numbers_of

    table = np.array([list(numbers_of(text.text).values()) for text in texts])
    for _ in range(40):
        labels = []
        for _ in range(15):
            cell = [True] * 4 + [False] * 4
            draw.shuffle(cell)
            labels += cell
        found = guess(_number_model, table, labels, prompts=[text.prompt for text in texts], alpha=0.05)
        outside += not found.low <= 0.5 <= found.high

    assert outside <= 6


def test_guessing_tells_what_gives_a_system_away(texts):
    spoil, every, _ = LEAKS["length"]

    found = {one.key: one for _, one in examine(spoiled(texts, spoil, every=every), only="classifier")}
    told = found["length:quagga-7:north"]

    assert told.about_length
    assert told.figures["low"] > 0.7
    assert any(words.startswith("more words (") for words in told.figures["by"])
    assert "AUC" in told.detail


def test_too_few_texts_are_not_guessed_at():
    assert examine(clean(1, prompts=4, samples=2), only="classifier") == []


@pytest.mark.parametrize("audit", list(audits), ids=lambda audit: audit.name)
def test_audit_says_what_it_looks_for_and_takes_nothing_and_little(audit):
    assert audit.question.endswith(("?", "."))
    assert audit.label
    for few in ([], clean()[:1], clean(prompts=1, samples=1)):
        found = [one for _, one in examine(few, only=audit.name)]
        assert [one for one in found if one.severity not in SEVERITIES] == []


def test_three_systems_are_compared_each_with_the_rest():
    around = Surroundings(roles=dict.fromkeys(("north", "quagga-7", "heron"), "treatment"))
    texts = clean(4, systems=("north", "quagga-7", "heron"))
    planted = spoiled(texts, lambda text, _: f"- {text}", system="heron")

    found = {one.key: one for _, one in examine(planted, around=around, only="formatting")}

    assert serious(examine(texts, around=around)) == []
    assert found["form:bullets:heron"].severity == "leak"
    assert found["form:bullets:heron"].figures["systems"]["heron"] == {"count": 72, "of": 72}


def test_evidence_marks_the_words_in_the_excerpt(texts):
    planted = spoiled(texts, LEAKS["a vendor"][0], every=20)

    found = next(one for _, one in examine(planted, around=AROUND, only="names"))

    marked = {evidence.excerpt[evidence.start : evidence.end] for evidence in found.evidence}
    assert marked == {"OpenAI"}
