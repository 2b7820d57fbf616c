"""Distinct-n, self-BLEU and compression: by hand, against sacrebleu's stored numbers, and by properties."""

import math
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.diversity import compression_ratio, distinct, number_words, self_bleu
from analysis.diversity.lexical import lexical_measures, ngrams, split_words

CELLS = st.lists(st.lists(st.sampled_from("abcd"), max_size=7), min_size=2, max_size=6)
# Made with sacrebleu 2.6.0: BLEU(effective_order=True, tokenize="none", smooth_method="exp").sentence_score of each
# text against the others, mean / 100.
SACREBLEU = [
    (["e g g", "c a", "g d d f d g b a", "a g d d e g g a", "d c f g b e a c a a a f"], 0.4721826429052407),
    (
        ["a d f b d f a e b", "d e b c b f b g", "c a d g e f a b", "f g c a f c f f e d e", "b c c e d g e d e g a"],
        0.24362148358769656,
    ),
    (
        ["b f g d d f b c", "f g f f c a d f e", "g b", "g d c d f a d a c", "g e e e d f b b e b a g"],
        0.1606996080823368,
    ),
    (["e g e b", "e c g e c d c", "e e f a d g g g f e g", "e g e", "d a d g"], 0.4474714814408915),
]


def cell(*texts):
    return number_words([text.split() for text in texts])


def brute_ngrams(texts, n):
    return [(tuple(text[at : at + n]), place) for place, text in enumerate(texts) for at in range(len(text) - n + 1)]


@given(CELLS)
def test_ngrams_are_those_that_a_plain_loop_finds(texts):
    cell_ = number_words(texts)
    for n, (gram, start) in enumerate(ngrams(cell_), start=1):
        expected = brute_ngrams(texts, n)
        assert cell_.text[start].tolist() == [place for _, place in expected]
        assert len(set(zip(gram.tolist(), [name for name, _ in expected], strict=True))) == len(set(gram.tolist()))
        assert len(set(gram.tolist())) == len({name for name, _ in expected})


def test_distinct_n_by_hand():
    texts = cell("a b a", "a b c")

    assert distinct(texts, 1) == pytest.approx(3 / 6)
    assert distinct(texts, 2) == pytest.approx(3 / 4)  # ab, ba, bc of ab ba ab bc
    assert distinct(texts, 3) == pytest.approx(2 / 2)
    assert math.isnan(distinct(cell("a", "b"), 2))


def test_self_bleu_by_hand():
    # "a b c d" against "a b c e": 3/4, 2/3, 1/2 and no 4-gram of 1, counted as 1/(2 · 1); equal lengths.
    one = (3 / 4 * 2 / 3 * 1 / 2 * 1 / 2) ** 0.25

    assert self_bleu(cell("a b c d", "a b c e")) == pytest.approx(one, abs=1e-12)


def test_self_bleu_clips_counts_and_punishes_shortness_by_hand():
    # "a a" against "a b c": precision 1/2 (one a), no pair of 1: 1/2; brevity exp(1 − 3/2).
    # "a b c" against "a a": 1/3; no pair of 2: 1/4; no triple of 1: 1/(4 · 1).
    short = math.exp(1 - 3 / 2) * (1 / 2 * 1 / 2) ** 0.5
    long = (1 / 3 * 1 / 4 * 1 / 4) ** (1 / 3)

    assert self_bleu(cell("a a", "a b c")) == pytest.approx((short + long) / 2, abs=1e-12)


@pytest.mark.parametrize(("texts", "expected"), SACREBLEU)
def test_self_bleu_is_sacrebleus(texts, expected):
    assert self_bleu(cell(*texts)) == pytest.approx(expected, abs=1e-12)


def test_equal_texts_have_a_self_bleu_of_one_however_short():
    assert self_bleu(cell("mexico", "mexico", "mexico")) == pytest.approx(1.0)
    assert self_bleu(cell("a b c d e", "a b c d e")) == pytest.approx(1.0)
    assert self_bleu(cell("a b", "c d")) == 0.0


def test_texts_without_words_are_no_references():
    assert self_bleu(number_words([["a", "b"], [], ["a", "b"]])) == pytest.approx(1.0)
    assert math.isnan(self_bleu(number_words([["a"], []])))


@given(CELLS, st.randoms())
def test_nothing_depends_on_the_order_of_the_texts(texts, random):
    lines = [" ".join(text) for text in texts]
    shuffled = random.sample(lines, len(lines))

    first = lexical_measures(lines, split_words(lines), most=3)
    second = lexical_measures(shuffled, split_words(shuffled), most=3)

    assert first == pytest.approx(second, nan_ok=True)


def test_compression_ratio_by_its_definition():
    texts = ["b" * 50, "a" * 50]

    raw = b"a" * 50 + b"\n" + b"b" * 50
    assert compression_ratio(texts) == pytest.approx(101 / len(zlib.compress(raw, 9)))
    assert compression_ratio(["the same words again"] * 20) > 2 * compression_ratio(
        [f"{at} word {at**3}" for at in range(20)]
    )


def test_cut_texts_end_after_so_many_words():
    found = number_words([list("abcde"), list("ab"), []]).cut(3)

    assert found.lengths().tolist() == [3, 2, 0]
    assert found.code.tolist() == [0, 1, 2, 0, 1]


def test_longer_texts_look_more_repetitive_until_they_are_cut():
    short = ["a b c d", "e f g h"]
    long = ["a b c d a b c d", "e f g h e f g h"]

    plain = [lexical_measures(texts, split_words(texts), most=4) for texts in (short, long)]

    assert plain[0]["distinct_1"] == 1.0
    assert plain[1]["distinct_1"] == 0.5
    assert plain[1]["distinct_1_cut"] == plain[0]["distinct_1_cut"] == 1.0
    assert [one["words"] for one in plain] == [4.0, 8.0]
