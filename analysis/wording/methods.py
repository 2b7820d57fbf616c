"""The methods paragraph, ready to be pasted into a paper, and the models as formulas in MathML and plain text."""

from __future__ import annotations

import html
import math
from typing import TYPE_CHECKING, Final

from analysis.wording.numbers import count, degrees, join
from analysis.wording.preparation import preparation_in_words

if TYPE_CHECKING:
    from analysis.results import DimensionResult, StudyResult

ASKED: Final = {
    "pairwise_choice": "forced choices",
    "pairwise_graded": "graded preferences",
    "interval": "ratings on an interval scale",
    "ordinal": "ratings on ordered levels",
    "nominal": "verdicts (yes or no)",
    "ranking": "rankings",
}
ADJUSTED: Final = 1e-9
REFERENCES: Final = {
    "laplace": "Bates et al. (2015)",
    "holm": "Holm (1979)",
    "bh": "Benjamini and Hochberg (1995)",
    "single-step": "Hothorn, Bretz and Westfall (2008)",
}


def methods_of(result: StudyResult) -> str:
    """Return the methods paragraph: texts, data, models, random effects, tests, correction, sizes, robustness."""
    parts = [
        _texts(result),
        _data(result),
        *_models(result),
        _effects(result),
        _tests(result),
        _correction(result),
        _sizes(result),
    ]
    parts += [_robust(result), _naive(result)]
    return " ".join(part for part in parts if part)


def _texts(result: StudyResult) -> str:
    return preparation_in_words(result.declaration.preparation) if result.declaration else ""


def _data(result: StudyResult) -> str:
    kinds = join([ASKED.get(kind, kind) for kind in sorted({item.measure for item in result.dimensions})])
    paired = "pairwise " if all(item.paired for item in result.dimensions) else ""
    return (
        f"{count(result.data.used)} blinded {paired}judgements ({kinds}) were analysed, one model per dimension with "
        "all systems in it."
    )


def _models(result: StudyResult) -> list[str]:
    found: dict[str, list[str]] = {}
    for item in result.dimensions:
        found.setdefault(_model(item), []).append(item.dimension)
    if len(found) == 1:
        return [f"Answers were described by {next(iter(found))}."]
    return [f"Answers on {join(names)} were described by {model}." for model, names in found.items()]


def _model(item: DimensionResult) -> str:
    fit = item.fit
    if fit.family == "gaussian":
        return f"a linear mixed model, fitted by {fit.method}"
    how = {"Laplace": "maximum likelihood with the full Laplace approximation"}.get(fit.method, fit.method)
    kind = "a logistic mixed model" if fit.family == "binomial" else f"a cumulative {fit.link} mixed model"
    if fit.family == "binomial" and fit.link == "probit":
        kind = "a probit mixed model"
    thresholds = next((word for word in ("symmetric", "flexible", "equidistant") if word in fit.model), "")
    held = f" with {thresholds} thresholds" if thresholds and fit.family == "cumulative" else ""
    if "Plackett" in fit.model:
        return fit.model
    return f"{kind}{held}, fitted by {how}"


def _effects(result: StudyResult) -> str:
    names = sorted({part.factor for item in result.dimensions for part in item.fit.variances})
    signed = sorted(
        {part.factor for item in result.dimensions if item.paired for part in item.fit.variances if part.signed}
    )
    ranked = sorted(
        {part.factor for item in result.dimensions if item.measure == "ranking" for part in item.fit.variances}
    )
    if not names:
        return "No random effect could be estimated."
    text = f"Random effects were {join(names)}"
    if signed:
        sides = join(signed)
        return (
            "Fixed effects were an intercept for the left-hand side and the signed difference of the two systems. "
            f"{text}; {sides} entered with +1 for the left and −1 for the right output of a pair."
        )
    if ranked:
        return f"{text}; in rankings {join(ranked)} entered the utility of each output, of which the larger is chosen."
    return f"{text}."


def _tests(result: StudyResult) -> str:
    ways: dict[str, set[str]] = {}
    for row in result.rows:
        if row.converged:
            ways.setdefault(row.df_method, set()).add(degrees(row.df))
    if not ways:
        return ""
    told = []
    for way, values in ways.items():
        ordered = sorted(values, key=lambda text: float(text) if text not in "–∞" else float("inf"))
        span = ordered[0] if len(ordered) == 1 else f"{ordered[0]} to {ordered[-1]}"
        told.append(f"{way} ({span})")
    errors = _errors(result)
    level = f"{100.0 * result.confidence:g}%"
    return f"{errors}{level} intervals and p values use a t distribution with {join(told)} degrees of freedom."


def _errors(result: StudyResult) -> str:
    """Say where the standard errors of a Laplace fit come from."""
    if not any(item.fit.method.startswith("Laplace") for item in result.dimensions):
        return ""
    adjusted = any(abs(row.se - row.se_plain) > ADJUSTED * row.se for row in result.rows if row.converged)
    how = ", at spreads corrected for the bias that maximum likelihood has in them" if adjusted else ""
    return f"Standard errors come from the Hessian of the Laplace deviance in all parameters{how}. "


def _correction(result: StudyResult) -> str:
    size, name = len(result.rows), result.correction
    if size == 1:
        return "One contrast is reported, so its p value needs no correction."
    if name == "none":
        return f"p values of the {size} reported contrasts are not corrected."
    if name == "single-step":
        return (
            "p values are corrected by the multivariate t distribution of the contrasts of each dimension "
            f"({REFERENCES[name]}); intervals are not."
        )
    way = {"holm": "Holm's method", "bh": "the method of Benjamini and Hochberg"}[name]
    return (
        f"p values are corrected by {way} over the family of all {size} reported contrasts (dimensions × contrasts); "
        "intervals are not."
    )


def _sizes(result: StudyResult) -> str:
    text = []
    if any(item.paired for item in result.dimensions):
        text.append(
            "Win rates are averaged over raters, prompts, outputs and both sides, ties counting half; their intervals "
            "carry the uncertainty of the contrast at the estimated spreads."
        )
    if any(not item.paired for item in result.dimensions):
        text.append(
            "The probability of superiority is that of a rater's answer to the first system being above his answer "
            "to the second for the same prompt, ties counting half."
        )
    named = sorted({row.effect_denominator for row in result.rows if row.converged and row.effect_denominator})
    if named:
        text.append(f"Cohen's d is the estimate divided by the {join(named, 'or')}.")
    return " ".join(text)


def _robust(result: StudyResult) -> str:
    named = sorted({row.robust_method for row in result.rows if not math.isnan(row.robust_estimate)})
    return f"For robustness, the contrasts were estimated again: {'; '.join(named)}." if named else ""


def _naive(result: StudyResult) -> str:
    named = sorted({row.naive_test for row in result.rows if row.naive_test})
    if not named:
        return ""
    return f"The naive test ({join(named)} on all answers) only shows what ignoring raters and prompts would claim."


def formulas_of(result: StudyResult) -> tuple[tuple[str, str, str], ...]:
    """Return each different model as (dimensions, plain text, MathML)."""
    found: dict[tuple[str, str], list[str]] = {}
    for item in result.dimensions:
        found.setdefault((_text(item), _mathml(item)), []).append(item.dimension)
    return tuple((join(names), text, markup) for (text, markup), names in found.items())


def _letters(item: DimensionResult) -> list[tuple[str, bool]]:
    """Return the random effects, and whether each enters as a − b."""
    return [(part.factor, part.signed and item.paired) for part in item.fit.variances if part.term == "(Intercept)"]


def _text(item: DimensionResult) -> str:
    family, link = item.fit.family, item.fit.link
    pieces = ["side + β[system a] − β[system b]" if item.paired else "μ + β[system]"]
    pieces += [f"u[{name}, a] − u[{name}, b]" if signed else f"u[{name}]" for name, signed in _letters(item)]
    eta = " + ".join(pieces)
    spread = "u ~ N(0, σ²), one σ per random effect"
    if family == "gaussian":
        return f"y = {eta} + ε; {spread}; ε ~ N(0, σ²)"
    curve = "Φ" if link == "probit" else "logit⁻¹"
    answer = f"P(Y ≤ j) = {curve}(τ_j − η)"
    if family == "binomial":
        answer = f"P({_event(item)}) = {curve}(η)"
    if family == "plackett_luce":
        answer = "P(a is chosen from the set S) = exp(η[a]) / Σ exp(η[s]) over s in S, best first"
        eta = eta.removeprefix("μ + ")
    return f"{answer}; η = {eta}; {spread}"


def _event(item: DimensionResult) -> str:
    """Name what a model of two answers gives the probability of."""
    return "a wins" if item.paired else "upper answer"


def _mathml(item: DimensionResult) -> str:
    """Return the same as MathML, which browsers set without a script."""
    family, link = item.fit.family, item.fit.link
    beta = [_i("β"), _i("β")]
    if item.paired:
        pieces = _i("δ") + _o("+") + _sub(beta[0], "s(a)") + _o("−") + _sub(beta[1], "s(b)")
    else:
        level = "" if family == "plackett_luce" else _i("μ") + _o("+")
        pieces = level + _sub(beta[0], "s")
    for name, signed in _letters(item):
        first = _sub(_i("u"), f"{name}(a)" if signed else name)
        pieces += _o("+") + (first if not signed else first + _o("−") + _sub(_i("u"), f"{name}(b)"))
    if family == "gaussian":
        whole = _i("y") + _o("=") + pieces + _o("+") + _i("ε")
    else:
        curve = _i("Φ") if link == "probit" else f"<msup>{_t('logit')}<mn>−1</mn></msup>"
        if family == "plackett_luce":
            power = f"<msup>{_i('e')}{_sub(_i('η'), 'a')}</msup>"
            total = f"<munder>{_o('∑')}<mrow>{_t('s in S')}</mrow></munder><msup>{_i('e')}{_sub(_i('η'), 's')}</msup>"
            head = _i("P") + _o("(") + _t("a from S") + _o(")") + _o("=")
            head += f"<mfrac><mrow>{power}</mrow><mrow>{total}</mrow></mfrac>"
        elif family == "binomial":
            head = _i("P") + _o("(") + _t(_event(item)) + _o(")") + _o("=") + curve + _o("(") + _i("η") + _o(")")
        else:
            inside = _sub(_i("τ"), "j") + _o("−") + _i("η")
            head = _i("P") + _o("(") + _i("Y") + _o("≤") + _i("j") + _o(")") + _o("=") + curve
            head += _o("(") + inside + _o(")")
        whole = head + _o(",") + "<mspace width='1em'></mspace>" + _i("η") + _o("=") + pieces
    return f"<math display='block'><mrow>{whole}</mrow></math>"


def _i(text: str) -> str:
    return f"<mi>{html.escape(text)}</mi>"


def _o(text: str) -> str:
    return f"<mo>{html.escape(text)}</mo>"


def _t(text: str) -> str:
    return f"<mtext>{html.escape(text)}</mtext>"


def _sub(base: str, text: str) -> str:
    return f"<msub>{base}{_t(text)}</msub>"
