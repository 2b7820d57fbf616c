"""The tables that a reviewer asks for: design and data, agreement, diagnostics, sensitivity."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final

from analysis.tables.cells import Table, grouped
from analysis.wording import count, equals_p, format_p, interval, number, percent

if TYPE_CHECKING:
    from collections.abc import Mapping

    from analysis.declaration import Certificate, Declaration
    from analysis.results import Account, InfluenceRow, SensitivityRow, StudyResult

MOST_PROMPTS: Final = 3
OTHER_MODEL: Final = "mixed model"
NOT_CONFIRMATORY: Final = (
    "Not confirmatory: none of these was declared to decide. p values are not corrected. Agrees: the sign, and whether "
    "p is below the level, are those of the declared analysis."
)
INFLUENCE: Final = (
    "The prompts whose absence moves a contrast most. One step: at the estimated spreads (exact for linear models at "
    "these); refitted: the whole model was fitted again without the prompt."
)
RESIDUALS: Final = (
    "Randomised quantile residuals (Dunn & Smyth 1996) are standard normal if the model is right: SD 1, 4.6% beyond 2, "
    "0.27% beyond 3; a little less, since they are taken at the predicted effects."
)


def question_table(declaration: Declaration) -> Table:
    """Return what raters were asked."""
    rows = tuple(
        (str(item["key"]), str(item.get("label", "")), str(item.get("definition", "")), _asked(item))
        for item in declaration.dimensions
    )
    return Table("What was asked", ("Dimension", "Word", "Definition", "Question"), rows, (False,) * 4)


def _asked(item: Mapping[str, Any]) -> str:
    options = ", ".join(f"{name} {value}" for name, value in sorted(dict(item.get("options", {})).items()))
    kind = str(item.get("question_type", "")).replace("_", " ")
    return f"{kind} ({options})" if options else kind


def guarantee_table(certificate: Certificate) -> Table:
    """Return the promises of the design with the worst case of each."""
    rows = tuple(
        (item.statement, str(item.required), str(item.worst), "yes" if item.holds else "no")
        for item in certificate.guarantees
    )
    header = ("Guarantee", "At most", "Worst case", "Holds")
    return Table("Certificate of the design, before launch", header, rows, (False, True, True, False))


def flow_table(account: Account) -> Table:
    """Return how many judgements were left after each step, and why the others went."""
    rows = tuple(
        (step.label or f"− {step.reason}", f"−{count(step.lost)}" if step.lost else "", count(step.count))
        for step in account.flow
    )
    strong = frozenset((at, column) for at, step in enumerate(account.flow) if step.label for column in (0, 2))
    return Table("Flow of judgements", ("Step", "Gone", "Left"), rows, (False, True, True), (), (), strong)


def load_table(account: Account) -> Table:
    """Return how evenly the judgements fall on raters, prompts, tasks and outputs."""
    rows = tuple(
        (load.what, count(load.units), count(load.least), f"{load.median:g}", count(load.most))
        for load in account.loads
    )
    header = ("Analysed", "Units", "Least", "Median", "Most")
    return Table("How evenly the design was carried out", header, rows, (False, True, True, True, True))


def balance_table(account: Account) -> Table:
    """Return how often each pair (or system) was judged, and which side it stood on."""
    header = ("Shown", "Judgements", "First on the left", "Share")
    rows = [
        (f"{pair.first} and {pair.second}", count(pair.judgements), count(pair.first_left),
         percent(pair.first_left / pair.judgements))
        for pair in account.pairs
    ]  # fmt: skip
    if not rows:
        header = ("System", "Judgements", "Outputs", "Prompts")
        rows = [(one.system, count(one.shown), count(one.outputs), count(one.prompts)) for one in account.systems]
    return Table("Comparisons and sides", header, tuple(rows), (False, True, True, True))


def agreement_table(result: StudyResult) -> Table:
    """Return every coefficient of agreement with its interval."""
    level = f"{100.0 * result.confidence:g}% CI"
    groups, rows = grouped(
        [
            (row.dimension, (row.coefficient, _value(row.value), _span(row.low, row.high), row.note))
            for row in result.agreement
        ]
    )
    return Table(
        "Agreement of raters", ("Coefficient", "Value", level, "Note"), rows, (False, True, True, False), (), groups
    )


def _value(value: float) -> str:
    return f"{value:.0f}" if math.isfinite(value) and abs(value) >= 10 else number(value)  # noqa: PLR2004


def _span(low: float, high: float) -> str:
    return "–" if math.isnan(low) or math.isnan(high) else f"[{_value(low)}, {_value(high)}]"


def residual_table(result: StudyResult) -> Table:
    """Return the summaries of the residuals of each dimension."""
    rows = tuple(
        (item.dimension, number(check.sd), percent(check.beyond_2), f"{100 * check.beyond_3:.2f}%")
        for item in result.checks
        if (check := item.residuals) is not None
    )
    header = ("Dimension", "SD", "Beyond 2", "Beyond 3")
    return Table("Residuals", header, rows, (False, True, True, True), (RESIDUALS,))


def influence_table(result: StudyResult) -> Table:
    """Return, per contrast, the prompts that move it most."""
    found = []
    for item in result.checks:
        by_contrast: dict[tuple[str, str], list[InfluenceRow]] = {}
        for row in item.influence:
            by_contrast.setdefault((row.first, row.second), []).append(row)
        for (first, second), rows in by_contrast.items():
            worst = sorted(rows, key=lambda row: -abs(row.change_in_se))[:MOST_PROMPTS]
            found += [
                (
                    f"{item.dimension}: {first} vs {second}",
                    (
                        row.prompt,
                        number(row.estimate),
                        number(row.change),
                        number(row.change_in_se),
                        "refitted" if row.exact else "one step",
                    ),
                )
                for row in worst
            ]
    groups, cells = grouped(found)
    header = ("Without prompt", "Estimate", "Change", "Change in SE", "How")
    return Table("Influence of single prompts", header, cells, (False, True, True, True, False), (INFLUENCE,), groups)


def choices_table(result: StudyResult) -> Table:
    """Return one line per other choice: how many contrasts agree, by how much they move at most, and which do not."""
    found: dict[tuple[str, str], list[SensitivityRow]] = {}
    for row in result.sensitivity:
        found.setdefault((row.choice, row.alternative), []).append(row)
    errors = {(row.dimension, row.contrast): (row.se, row.scale) for row in result.rows}
    lines = []
    for (choice, alternative), rows in sorted(found.items(), key=lambda entry: entry[0][0] == OTHER_MODEL):
        known = [(row, *errors[row.dimension, row.contrast]) for row in rows]
        moves = [(row.estimate - row.declared_estimate) / se for row, se, scale in known if row.scale == scale]
        moves = [move for move in moves if math.isfinite(move)]
        largest = max(moves, key=abs, default=math.nan)
        apart = [f"{row.dimension}, {row.contrast} (p {equals_p(row.p)})" for row in rows if not row.agrees]
        agree = f"{len(rows) - len(apart)} of {len(rows)}"
        lines.append((choice, alternative, agree, number(largest), "; ".join(apart)))
    strong = frozenset((at, 4) for at, line in enumerate(lines) if line[4])
    header = ("Declared", "Instead", "Agree", "Largest change in SE", "Where not")
    numeric = (False, False, True, True, False)
    return Table("Sensitivity to each choice", header, tuple(lines), numeric, (NOT_CONFIRMATORY,), (), strong)


def sensitivity_table(result: StudyResult) -> Table:
    """Return each contrast under each other choice, the declared analysis first."""
    level = f"{100.0 * result.confidence:g}% CI"
    found = []
    for row in result.rows:
        others = [one for one in result.sensitivity if (one.dimension, one.contrast) == (row.dimension, row.contrast)]
        if not others:
            continue
        head = f"{row.dimension}: {row.contrast}"
        declared = ("as declared", "", number(row.estimate), interval(row.low, row.high), format_p(row.p), "")
        found.append((head, declared))
        found += [
            (
                head,
                (
                    one.choice,
                    one.alternative if one.scale == row.scale else f"{one.alternative} ({one.scale})",
                    number(one.estimate),
                    interval(one.low, one.high),
                    format_p(one.p),
                    "yes" if one.agrees else "no",
                ),
            )
            for one in others
        ]
    groups, cells = grouped(found)
    strong = frozenset((at, 5) for at, cell in enumerate(cells) if cell[5] == "no")
    header = ("Declared", "Instead", "Estimate", level, "p", "Agrees")
    numeric = (False, False, True, True, True, False)
    return Table("Every contrast under every choice", header, cells, numeric, (NOT_CONFIRMATORY,), groups, strong)
