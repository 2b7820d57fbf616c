"""The Divergent Association Task: every rule of the paper and its code, and values worked out by hand."""

import gzip
import math

import numpy as np
import pytest

from analysis.creativity import VectorsError, dat_of_answer, dat_score, read_dictionary, read_vectors, valid_form
from analysis.creativity.dat import NO_LETTERS, SURPLUS, TWICE, UNKNOWN

# Seven words in three dimensions: three axes, their opposites (all 21 distances are 0+, 1 or 2), and a diagonal.
SEVEN = {
    "arm": (1, 0, 0),
    "bee": (0, 1, 0),
    "cup": (0, 0, 1),
    "dog": (-1, 0, 0),
    "elf": (0, -1, 0),
    "fig": (0, 0, -1),
    "gem": (3, 0, 0),
}
OTHERS = {
    "cul-de-sac": (1, 1, 0),
    "tophat": (1, 0, 1),
    "ice-cream": (0, 1, 1),
    "icecream": (0, 1, -1),
    "hat": (1, 1, 1),
    "top": (1, -1, 1),
    "trees": (1, 2, 3),
    "tree": (1, 2, 2),
    "caf": (2, 1, 0),
    "a": (1, 0, 0),
    "zero": (0, 0, 0),
    "Paris": (1, 1, 2),
}


@pytest.fixture(scope="module")
def glove(tmp_path_factory):
    path = tmp_path_factory.mktemp("vectors") / "small.txt"
    lines = [f"{word} {' '.join(map(str, vector))}" for word, vector in (SEVEN | OTHERS).items()]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def vectors(glove):
    return read_vectors(glove)


def test_score_is_the_mean_of_the_21_distances_times_100(vectors):
    # arm & gem: 0; arm-dog, gem-dog, bee-elf, cup-fig: 2 each; the other 16 pairs are at right angles: 1 each
    by_hand = 100.0 * (1 * 0 + 4 * 2 + 16 * 1) / 21

    score = dat_score(SEVEN, vectors)

    assert score.score == pytest.approx(by_hand, abs=1e-12)  # the vectors are exact in float32
    assert score.words == tuple(SEVEN)
    assert score.distances.shape == (7, 7)


def test_two_words_score_their_distance_as_in_the_published_examples(vectors):
    # cos((1, 1, 0), (1, 2, 2)) = 3 / (√2 · 3) = 1/√2
    score = dat_score(["cul de sac", "tree"], vectors, minimum=2)

    assert score.score == pytest.approx(100 * (1 - 1 / math.sqrt(2)), abs=1e-12)


def test_a_word_counts_only_if_it_has_a_vector(vectors):
    assert valid_form("bee", vectors) == "bee"
    assert valid_form("quixotry", vectors) is None


def test_a_word_counts_only_if_it_is_in_the_dictionary(vectors):
    assert valid_form("bee", vectors, dictionary={"bee"}) == "bee"
    assert valid_form("dog", vectors, dictionary={"bee"}) is None


def test_the_dictionary_holds_words_in_small_letters_of_two_letters_or_more(tmp_path):
    path = tmp_path / "words.txt"
    path.write_text("bee\nParis\na\n-dash\ntop-hat\nend-\nit's\ncafé\nox\n", encoding="utf-8")

    assert read_dictionary(path) == {"bee", "top-hat", "ox"}


def test_proper_nouns_fall_out_because_lists_of_words_have_them_in_capitals(vectors):
    assert valid_form("Paris", vectors) is None


def test_digits_and_signs_are_taken_away_and_the_case_ignored(vectors):
    assert valid_form("  3. BEE! ", vectors) == "bee"


def test_accented_letters_are_taken_away_like_other_signs(vectors):
    assert valid_form("café", vectors) == "caf"


def test_fewer_than_two_letters_are_no_word(vectors):
    assert valid_form("a", vectors) is None
    assert dat_score(["a", "1"], vectors).dropped == (("a", NO_LETTERS), ("1", NO_LETTERS))


def test_several_words_are_looked_for_with_hyphens_then_together(vectors):
    assert valid_form("cul  de sac", vectors) == "cul-de-sac"
    assert valid_form("top hat", vectors) == "tophat"


def test_several_words_never_count_as_one_of_them(vectors):
    assert valid_form("tree hat", vectors) is None


def test_a_hyphen_is_kept_if_the_word_is_known_with_it_and_taken_out_if_not(vectors):
    assert valid_form("ice-cream", vectors) == "ice-cream"
    assert valid_form("top-hat", vectors) == "tophat"


def test_the_first_known_form_is_taken(vectors):
    assert valid_form("ice cream", vectors) == "ice-cream"
    assert valid_form("ice cream", vectors, dictionary={"icecream"}) == "icecream"


def test_equal_forms_count_once_and_plurals_are_other_words(vectors):
    score = dat_score(["tree", "TREE", "trees", "top hat", "top-hat"], vectors)

    assert score.words == ("tree", "trees", "tophat")
    assert score.dropped == (("TREE", TWICE), ("top-hat", TWICE))


def test_the_first_seven_valid_words_count(vectors):
    words = ["nonsenseword", *SEVEN, "tree", "hat"]

    score = dat_score(words, vectors)

    assert score.words == tuple(SEVEN)
    assert score.score == dat_score(SEVEN, vectors).score
    assert score.dropped == (("nonsenseword", UNKNOWN), ("tree", SURPLUS), ("hat", SURPLUS))


def test_fewer_than_seven_valid_words_give_no_score(vectors):
    score = dat_score([*list(SEVEN)[:6], "nonsenseword"], vectors)

    assert math.isnan(score.score)
    assert len(score.words) == 6


def test_no_word_at_all_gives_no_score(vectors):
    score = dat_score([], vectors)

    assert math.isnan(score.score)
    assert score.words == ()


def test_a_vector_of_zeros_has_no_direction_and_is_no_word(vectors):
    assert valid_form("zero", vectors) is None


def test_an_answer_of_a_model_is_scored_as_its_words(vectors):
    answer = "Sure! Here are the words:\n\n" + "\n".join(f"{i}. **{w.title()}**" for i, w in enumerate(SEVEN, start=1))

    assert dat_of_answer(answer, vectors).score == dat_score(SEVEN, vectors).score


def test_scores_agree_with_scipys_cosine_on_random_vectors(tmp_path):
    from itertools import combinations

    from scipy.spatial.distance import cosine

    rng = np.random.default_rng(4)
    words = ["ab", "bc", "cd", "de", "ef", "fg", "gh"]
    matrix = rng.normal(size=(7, 50)).astype(np.float32)
    path = tmp_path / "random.txt"
    path.write_text("\n".join(f"{w} {' '.join(map(repr, row.tolist()))}" for w, row in zip(words, matrix, strict=True)))
    expected = 100 * np.mean(
        [cosine(matrix[i].astype(float), matrix[j].astype(float)) for i, j in combinations(range(7), 2)]
    )

    assert dat_score(words, read_vectors(path)).score == pytest.approx(expected, rel=1e-12)


def test_compressed_file_and_cache_give_the_same_vectors(glove, vectors, tmp_path):
    packed = tmp_path / "small.txt.gz"
    packed.write_bytes(gzip.compress(glove.read_bytes()))

    unpacked = read_vectors(packed)
    first, again = (read_vectors(glove, cache=tmp_path / "cache") for _ in range(2))

    for found in (unpacked, first, again):
        assert found.names.tolist() == vectors.names.tolist()
        assert np.array_equal(found.matrix, vectors.matrix)
    assert isinstance(again.matrix, np.memmap)
    assert len(list((tmp_path / "cache").iterdir())) == 1
    assert dat_score(SEVEN, again).score == dat_score(SEVEN, vectors).score


def test_a_changed_file_is_not_taken_from_the_cache(tmp_path):
    path = tmp_path / "v.txt"
    path.write_text("ab 1 0\n")
    read_vectors(path, cache=tmp_path / "cache")
    path.write_text("ab 0 1\ncd 1 1\n")

    assert len(read_vectors(path, cache=tmp_path / "cache")) == 2


def test_only_wanted_words_are_kept_and_the_last_of_two_lines_counts(tmp_path):
    path = tmp_path / "v.txt"
    path.write_text("2 2\nab 1 0\ncd 1 1\nab 0 1\n")  # the first line is word2vec's header

    found = read_vectors(path, wanted={"ab"})

    assert len(found) == 1
    assert found["ab"].tolist() == [0.0, 1.0]
    assert "cd" not in found


def test_names_with_spaces_as_gloves_file_has_them_are_passed_over(tmp_path):
    path = tmp_path / "v.txt"
    path.write_text("ab 1 0\nat name@domain.com 1 0\n. . . 1 0\ncd 0 1\n")

    assert read_vectors(path).names.tolist() == [b"ab", b"cd"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("ab 1 0\ncd 1\n", r"v\.txt, row 2: 'cd' has 1 numbers, the first line has 2"),
        ("ab 1 0\ncd 1 x\n", r"v\.txt, row 2: .*'x'"),
        ("ab 1 0\ncd 1 inf\n", r"v\.txt, row 2: a number is not finite"),
        ("1 1 0\n", r"v\.txt: no line holds"),
    ],
)
def test_a_bad_file_is_refused_by_name_and_row(tmp_path, text, message):
    path = tmp_path / "v.txt"
    path.write_text(text)

    with pytest.raises(VectorsError, match=message):
        read_vectors(path)
    with pytest.raises(VectorsError, match=message):
        read_vectors(path, cache=tmp_path / "cache")
    assert list((tmp_path / "cache").iterdir()) == []
