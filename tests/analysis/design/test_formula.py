"""Formulas as text: lme4's notation, and what is refused."""

import pytest

from analysis.design.formula import FormulaError, RandomTerm, parse_formula, variables_of


def test_formula_is_split_into_response_fixed_and_random():
    parsed = parse_formula("y ~ a * b + (1 | g) + log(x) + (1 + x | h)")

    assert parsed.response == ("y",)
    assert parsed.fixed == "a * b + log(x)"
    assert parsed.random == (RandomTerm("1", ("g",)), RandomTerm("1 + x", ("h",)))
    assert parsed.variables() == ("y", "a", "b", "x", "g", "h")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("(1|a:b)", ["(1 | a:b)"]),
        ("(1|a/b)", ["(1 | a)", "(1 | a:b)"]),
        ("(1|a/b/c)", ["(1 | a)", "(1 | a:b)", "(1 | a:b:c)"]),
        ("(x|g)", ["(1 + x | g)"]),
        ("(0 + x|g)", ["(0 + x | g)"]),
        ("(x - 1|g)", ["(x - 1 | g)"]),
        ("(x||g)", ["(1 | g)", "(0 + x | g)"]),
        ("(0 + x||g)", ["(0 + x | g)"]),
        ("(x*z||g)", ["(1 | g)", "(0 + x | g)", "(0 + z | g)", "(0 + x:z | g)"]),
        ("(1|g) + (1|`odd name`)", ["(1 | g)", "(1 | odd name)"]),
    ],
)
def test_random_terms_expand_as_in_lme4(text, expected):
    assert [str(term) for term in parse_formula(f"y ~ x + {text}").random] == expected


@pytest.mark.parametrize("text", ["y ~ (1|g)", "y ~ 1 + (1 | g)", "y~(1|g)+1"])
def test_without_fixed_effects_the_intercept_stays(text):
    assert str(parse_formula(text)) == "y ~ 1 + (1 | g)"


def test_response_may_be_absent_or_successes_and_failures():
    assert parse_formula("system + (1|g)").response == ()
    assert parse_formula("~ system").response == ()
    parsed = parse_formula("cbind(hits, size - hits) ~ x")
    assert parsed.response == ("hits", "size - hits")
    assert parsed.variables() == ("hits", "size", "x")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("y ~ x ~ z", "more than one '~'"),
        ("y ~ x + 1 | g", "put random terms in parentheses"),
        ("y ~ x * (1 | g)", "must be added with '\\+'"),
        ("y ~ x + (1 | g", "do not match"),
        ("y ~ x + (1 | )", "write \\(1 \\| g\\)"),
        ("y ~ x + (1 | a*b)", "a:b for combinations"),
        ("y ~ x + (1|g) + (1|g)", "occurs twice"),
        ("cbind(a, b, c) ~ x", "cbind\\(successes, failures\\)"),
    ],
)
def test_unreadable_formula_is_refused_in_words(text, reason):
    with pytest.raises(FormulaError, match=reason):
        parse_formula(text)


def test_variables_are_told_from_functions_keywords_and_strings():
    text = "poly(x, degree=2) + C(s, contr.treatment('b')) + np.log(z) + I(u / 2) + `a b`"

    assert variables_of(text) == ("a b", "x", "s", "z", "u")


@pytest.mark.parametrize(
    "text",
    [
        "__import__('os')",
        "(x).to_pickle('a')",
        "x.to_pickle('a')",
        "np.save('a')",
        "f'{x}'",
        "[x for x in y]",
        "x[0]",
        "open('a')",
        "(x := 2)",
        "np.log.at(x)",
    ],
)
def test_python_beyond_arithmetic_is_refused(text):
    with pytest.raises(FormulaError, match=r"may stand in a formula|is not known in a formula"):
        variables_of(text)
