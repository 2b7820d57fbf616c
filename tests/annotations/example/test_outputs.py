"""The texts of the example study: complete, unlike one another, and alike in whatever could give a system away."""

import itertools
import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from statistics import mean

import pytest

from annotations.management import example

FAMILIES = {"alternative_uses": 12, "invent_a_challenge": 6}
SYSTEMS = set(example.ROLES)
TELLTALE = re.compile(
    r"baseline|steer|activation|weight-|\bAI\b|language model|assistant|chatbot|as requested", re.IGNORECASE
)
MARKUP = re.compile(r"[*_#`<>|\[\]{}]|https?:|^\s*[-•\d]+[.)]?\s", re.MULTILINE)


@pytest.fixture(scope="module")
def rows() -> list[dict[str, str]]:
    return [json.loads(line) for line in example.OUTPUTS.read_text(encoding="utf-8").splitlines()]


def words(text: str) -> list[str]:
    return re.findall(r"[\w'’-]+", text.lower())


def similarity(first: str, second: str) -> float:
    """Jaccard index of the words longer than three letters: what the two texts are about."""
    one, other = ({word for word in words(text) if len(word) > 3} for text in (first, second))
    return len(one & other) / len(one | other)


def pairs_of_samples(rows: list[dict[str, str]], system: str) -> Iterator[tuple[str, str]]:
    found = defaultdict(list)
    for row in rows:
        if row["system"] == system:
            found[row["prompt"]].append(row["text"])
    yield from ((first, second) for first, second in found.values())


def test_outputs_fill_every_cell_twice(rows):
    cells = Counter((row["prompt"], row["system"], row["sample"]) for row in rows)

    prompts = {row["prompt"] for row in rows}
    assert cells == Counter(itertools.product(prompts, SYSTEMS, (1, 2)))
    assert Counter(family for family, _ in {(row["task_family"], row["prompt"]) for row in rows}) == FAMILIES


def test_outputs_have_exactly_the_columns_of_the_long_format(rows):
    columns = frozenset(("prompt_key", "prompt", "system", "sample", "task_family", "text"))

    assert {frozenset(row) for row in rows} == {columns}


def test_outputs_name_every_prompt_by_a_key_of_its_own(rows):
    pairs = {(row["prompt_key"], row["prompt"]) for row in rows}

    assert len(pairs) == len({key for key, _ in pairs}) == len({prompt for _, prompt in pairs}) == 18


def test_outputs_are_unlike_one_another(rows):
    opening = Counter((row["prompt"], " ".join(words(row["text"])[:4])) for row in rows)

    assert len({row["text"] for row in rows}) == len(rows)
    assert max(opening.values()) == 1


def test_outputs_tell_no_system(rows):
    told = [row["text"] for row in rows if TELLTALE.search(row["text"])]

    assert told == []


def test_outputs_are_plain_text_in_full_sentences(rows):
    wrong = [
        row["text"]
        for row in rows
        if MARKUP.search(row["text"])
        or "\n" in row["text"]
        or "  " in row["text"]
        or row["text"] != row["text"].strip()
        or not row["text"][0].isupper()
        or row["text"][-1] not in ".?!"
    ]

    assert wrong == []


@pytest.mark.parametrize(
    ("family", "shortest", "longest"), [("alternative_uses", 35, 55), ("invent_a_challenge", 60, 110)]
)
def test_outputs_keep_to_the_length_of_their_family(rows, family, shortest, longest):
    counts = [len(words(row["text"])) for row in rows if row["task_family"] == family]

    assert shortest <= min(counts)
    assert max(counts) <= longest


@pytest.mark.parametrize("family", FAMILIES)
def test_outputs_are_of_like_length_in_all_systems(rows, family):
    """Within 5% of one another in words and letters: far less than the spread that a reader could notice."""
    for measure in (lambda text: len(words(text)), len):
        means = [
            mean(measure(row["text"]) for row in rows if (row["task_family"], row["system"]) == (family, system))
            for system in SYSTEMS
        ]

        assert max(means) / min(means) < 1.05


def test_outputs_of_the_baseline_repeat_one_idea_and_those_of_the_others_do_not(rows):
    """Mode collapse is what the steering is said to cure, so the example shows it."""
    alike = {system: mean(similarity(*pair) for pair in pairs_of_samples(rows, system)) for system in SYSTEMS}

    assert alike["baseline"] > 2 * max(alike["activation-steered"], alike["weight-steered"])


def test_design_leaves_places_for_newcomers(rows):
    pairs_of_systems = len(list(itertools.combinations(SYSTEMS, 2)))
    showings = len({row["prompt"] for row in rows}) * pairs_of_systems * 2 * example.DESIGN["raters_per_task"]

    booklets, left_over = divmod(showings, example.DESIGN["trials_per_rater"])

    assert (booklets, left_over) == (72, 0)
    assert booklets > example.RATERS


def test_effects_name_the_systems_of_the_texts():
    named = {system for effects in example.TRUTH.effects.values() for system in effects}

    assert named == {system for system, role in example.ROLES.items() if role != "baseline"}
