"""The page from top to bottom: the answer first, then what a reviewer asks in the order in which he asks it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from analysis import tables
from analysis.page.exclusions import quality, rounds
from analysis.page.judges import judges
from analysis.page.parts import (
    LEFT_OUT,
    Drawings,
    Section,
    beside,
    contents,
    definitions,
    folded,
    items,
    scrolling,
    section,
    table,
    text,
    warning,
)
from analysis.page.provenance import provenance
from analysis.sequential import look_at_study
from analysis.wording import count, counted, formulas_of, verdict_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from analysis.declaration import Declaration
    from analysis.results import StudyResult

WINS = (
    "Large: how often the row beats (or is rated above) the column by the model, ties half. Small: as observed, and "
    "the number of comparisons (for ratings: pairs of answers)."
)
DOTS = (
    "Shrunken estimates (conditional modes) with their intervals: the fewer the answers, the closer to the mean. "
    "Coloured: the interval leaves out zero."
)


def body(result: StudyResult, drawings: Drawings, *, versions: Mapping[str, str]) -> str:
    """Return the page below its head: sentence, warnings, forest plot, contents, then the sections."""
    parts = [part for part in _sections(result, drawings, versions=versions) if part.body.strip()]
    answer = [
        text(_facts(result), "facts"),
        text(verdict_of(result), "lead"),
        warning(result.warnings),
        text(result.sentence),
        drawings.show("forest"),
        contents(parts),
    ]
    return "\n".join([*answer, *map(section, parts)])


def _facts(result: StudyResult) -> str:
    raters = max((item.n_raters for item in result.dimensions), default=0)
    prompts = max((item.n_prompts for item in result.dimensions), default=0)
    systems = {name for item in result.dimensions for name in (one.system for one in item.systems)}
    systems = systems or {name for row in result.rows for name in (row.first, row.second)}
    pieces = [
        counted(raters, "rater"),
        counted(prompts, "prompt"),
        counted(len(systems), "system"),
        counted(result.data.used, "judgement"),
        counted(len(result.dimensions), "dimension"),
    ]
    if result.data.design_hashes:
        pieces.append(f"design {result.data.design_hashes[0][:12]}")
    return " · ".join(pieces)


def _sections(result: StudyResult, drawings: Drawings, *, versions: Mapping[str, str]) -> list[Section]:
    return [
        Section("significance", "Significance table", _significance(result), "Table"),
        Section("looks", "Looking early", _looks(result)),
        Section("design", "Question and design", _design(result)),
        Section("texts", "Preparation of the texts", _texts(result), "Texts"),
        Section("data", "Data and exclusions", _data(result), "Data"),
        Section("quality", "With and without exclusions", quality(result), "Exclusions"),
        Section("rounds", "Progress over rounds", rounds(result, drawings), "Rounds"),
        Section("wins", "Who beats whom", _wins(result, drawings), "Win rates"),
        Section("variance", "Where the variance comes from", _variance(result, drawings), "Variance"),
        Section("agreement", "Agreement of raters", _agreement(result), "Agreement"),
        Section("judges", "Automatic judges", judges(result, drawings), "Judges"),
        Section("shrunken", "Prompts and raters one by one", _shrunken(drawings), "Prompts and raters"),
        Section("diagnostics", "Diagnostics", _diagnostics(result, drawings)),
        Section("sensitivity", "Sensitivity to each declared choice", _sensitivity(result), "Sensitivity"),
        Section("naive", "What a naive test would claim", _naive(result), "Naive test"),
        Section("methods", "Methods", _methods(result, versions)),
        Section("provenance", "Provenance", provenance(result, versions)),
    ]


def _significance(result: StudyResult) -> str:
    remarks = "".join(text(f"Note: {note}.", "note") for note in result.notes)
    words = items(result.sentences) if len(result.sentences) > 1 else ""
    parts = [
        table(tables.significance_table(result), captioned=False),
        remarks,
        f"<h3>Each contrast in words</h3>{words}" if words else "",
        folded("The same contrasts under other corrections", table(tables.corrections_table(result), captioned=False)),
    ]
    return "\n".join(parts)


def _looks(result: StudyResult) -> str:
    found = look_at_study(result)
    return "" if found is None else table(tables.looks_table(found), style="prose")


def _design(result: StudyResult) -> str:
    declaration, account = result.declaration, result.account
    parts = []
    if declaration is not None:
        parts += [definitions(_declared(declaration)), table(tables.question_table(declaration), style="prose")]
        if declaration.certificate is not None:
            known = declaration.certificate
            state = "Every guarantee holds" if known.holds else "Not every guarantee holds"
            parts.append(folded(f"Certificate: {state.lower()}", table(tables.guarantee_table(known), style="prose")))
    else:
        hashes = ", ".join(result.data.design_hashes) or "not given in the table"
        rows = [("Design (SHA-256)", hashes), ("Plan", "not given: contrasts and choices are options of this run")]
        parts.append(definitions(rows))
    if account is not None:
        twice = (
            "No rater judged a prompt twice."
            if not account.prompts_twice
            else f"{count(account.prompts_twice)} times a rater judged a prompt more than once."
        )
        parts += [
            "<h3>As carried out</h3>",
            beside(table(tables.load_table(account)), table(tables.balance_table(account))),
            text(f"Counted from the judgements analysed. {twice}", "note"),
        ]
    return "\n".join(parts)


def _texts(result: StudyResult) -> str:
    """Return what was done to the texts before raters saw them; only words where nothing was done."""
    record = result.declaration.preparation if result.declaration else {}
    if not record:
        return ""
    content = tables.preparation_table(record)
    return table(content, captioned=False, style="prose") if content.rows else text(*content.notes)


def _declared(declaration: Declaration) -> list[tuple[str, str]]:
    design, plan = declaration.design, declaration.plan
    systems = ", ".join(f"{name} ({role})" for name, role in declaration.systems)
    contrasts = "; ".join(f"{first} vs {second}" for first, second in declaration.contrasts)
    rows = [
        ("Question", declaration.lead),
        ("Systems", systems),
        ("Declared contrasts", contrasts),
        ("Declared analysis", _analysis(declaration)),
        ("Raters per task", str(design.get("raters_per_task", ""))),
        ("Main trials per rater", f"at most {design['trials_per_rater']}" if "trials_per_rater" in design else ""),
        (
            "Planned",
            ", ".join(f"{count(int(plan[name]))} {name}" for name in ("tasks", "booklets", "trials") if name in plan),
        ),
        ("Design (SHA-256)", f"{declaration.sha256} (version {declaration.version})"),
    ]
    return [(name, value) for name, value in rows if value]


def _analysis(declaration: Declaration) -> str:
    shown = {name: value for name, value in declaration.analysis.items() if name != "contrasts"}
    return ", ".join(f"{name} = {value}" for name, value in sorted(shown.items()))


def _data(result: StudyResult) -> str:
    data, account = result.data, result.account
    kept = "kept" if result.options.get("late", True) else "left out"
    rows = [("Given after the lease had lapsed or the study was closed", f"{count(data.late)} ({kept})")]
    if data.ties:
        ties = "; ".join(f"{name}: {100 * share:.1f}%" for name, share in data.ties.items() if share) or "none"
        how = "modelled as a middle level" if result.options.get("ties") == "model" else "dropped"
        rows.append(("Ties in forced choices", f"{ties} ({how})"))
    flow = table(tables.flow_table(account), captioned=False) if account is not None else _counts(result)
    return flow + definitions(rows)


def _counts(result: StudyResult) -> str:
    gone = "; ".join(f"{name}: {found}" for name, found in result.data.excluded.items()) or "none"
    rows = [
        ("Judgements in the table", count(result.data.total)),
        ("Judgements analysed", count(result.data.used)),
        ("Excluded main judgements, by reason", gone),
    ]
    return definitions(rows)


def _wins(result: StudyResult, drawings: Drawings) -> str:
    drawing = drawings.show("win-rates", WINS)
    return "\n".join(
        [
            drawing,
            table(tables.system_table(result)),
            folded("All pairs with intervals", table(tables.win_table(result), captioned=False)),
        ]
    )


def _variance(result: StudyResult, drawings: Drawings) -> str:
    return "\n".join(
        [
            drawings.show("variance-shares"),
            beside(
                table(tables.share_table(result)),
                table(tables.variance_table(result)),
                table(tables.fixed_table(result)),
            ),
        ]
    )


def _agreement(result: StudyResult) -> str:
    if "agreement" in result.left_out:
        return text(LEFT_OUT)
    return table(tables.agreement_table(result), captioned=False, style="prose")


def _shrunken(drawings: Drawings) -> str:
    shown = [drawings.show(name) for name in ("prompts", "raters")]
    return "\n".join([text(DOTS, "note"), *shown]) if any(shown) else ""


def _diagnostics(result: StudyResult, drawings: Drawings) -> str:
    if "diagnostics" in result.left_out:
        return text(LEFT_OUT)
    if not result.checks:
        return ""
    remarks = [f"{item.dimension}: {note}." for item in result.checks for note in item.notes]
    return "\n".join(
        [
            items(remarks) if remarks else text("Nothing stands out."),
            drawings.show(
                "residuals",
                "Left: residuals against the linear predictor, some points and the quartiles of all; the thin lines "
                "are where they should be (at the predicted effects a slight rise from left to right is expected). "
                "Right: normal quantile plot of all residuals.",
            ),
            table(tables.residual_table(result), captioned=False),
            drawings.show("effects", "Predicted effects divided by the spread that shrunken effects have."),
            drawings.show("influence", "One mark per prompt, the largest named; grey: one standard error."),
            folded("The prompts that move each contrast most", table(tables.influence_table(result), captioned=False)),
        ]
    )


def _sensitivity(result: StudyResult) -> str:
    if "sensitivity" in result.left_out:
        return text(LEFT_OUT)
    if not result.sensitivity:
        return ""
    total, agree = len(result.sensitivity), sum(one.agrees for one in result.sensitivity)
    verdict = (
        f"All {count(total)} estimates under other choices agree with the declared analysis."
        if agree == total
        else f"{count(agree)} of {count(total)} estimates under other choices agree with the declared analysis."
    )
    said = [
        f"{one.dimension}, {one.contrast}, {one.alternative}: {one.message}"
        for one in result.sensitivity
        if one.message and math.isnan(one.estimate)
    ]
    return "\n".join(
        [
            text(verdict),
            table(tables.choices_table(result), captioned=False, style="prose"),
            items(said) if said else "",
            folded("Every contrast under every choice", table(tables.sensitivity_table(result), captioned=False)),
        ]
    )


def _naive(result: StudyResult) -> str:
    return table(tables.naive_table(result), captioned=False, style="quiet")


def _methods(result: StudyResult, versions: Mapping[str, str]) -> str:
    software = ", ".join(f"{name} {number}" for name, number in versions.items())
    parts = [text(f"{result.methods} Software: {software}.")]
    several = len({names for names, _, _ in formulas_of(result)}) > 1
    for names, _, markup in formulas_of(result):
        label = f"Model of {names}"
        parts.append(f"{text(f'{label}:', 'note') if several else ''}{scrolling(markup, label=label)}")
    legend = (
        "δ: advantage of the left side; β: systems; u: random effects, independent normal, one variance each; "
        "s(a), s(b): the systems shown left and right."
    )
    return "\n".join([*parts, text(legend, "note")])
