"""Every file of a report, written into one folder."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from analysis import document, figures, tables
from analysis.page import parts
from analysis.page.judges import judge_files
from analysis.page.provenance import machine_readable, manifest, plain, versions
from analysis.page.sections import body
from analysis.sequential import look_at_study
from analysis.wording import formulas_of, judges_methods

if TYPE_CHECKING:
    from pathlib import Path

    from analysis.results import StudyResult


def write_files(result: StudyResult, folder: Path) -> tuple[str, ...]:
    """Write every file of the report into a folder and return their names, the page among them."""
    known = versions()
    pictures = {item.name: item.draw(result) for item in figures.DRAWINGS}
    drawn = {name: figure for name, figure in pictures.items() if figure is not None}
    svgs = {name: figures.to_svg(figure, salt=name) for name, figure in drawn.items()}
    files: dict[str, bytes] = {}
    for name, figure in drawn.items():
        files[f"figures/{name}.svg"] = svgs[name].encode()
        files[f"figures/{name}.pdf"] = figures.to_pdf(figure)
        files[f"figures/{name}.png"] = figures.to_png(figure)
    drawings = parts.Drawings(svgs, {item.name: item.label for item in figures.DRAWINGS})
    page = body(result, drawings, versions=known)
    texts = {
        **_tables(result),
        **_exclusions(result),
        **_preparation(result),
        **judge_files(result),
        **_numbers(result),
        "results.json": _json(machine_readable(result)),
        "methods.md": _methods(result),
        "index.html": parts.document(title_of(result), page, kicker="Report of a blinded study"),
    }
    if result.declaration is not None:
        texts |= result.declaration.files()
    files |= {name: text.encode() for name, text in texts.items()}
    files["significance.docx"] = document.to_docx(result, title=title_of(result), forest=files["figures/forest.png"])
    files["manifest.json"] = _json(manifest(result, known, files)).encode()
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return tuple(sorted(files))


def title_of(result: StudyResult, kind: str = "Significance report") -> str:
    """Return the heading: the study's title, or the study as the table names it."""
    name = result.title or ", ".join(result.data.studies)
    return f"{kind}: {name}" if name else kind


def _tables(result: StudyResult) -> dict[str, str]:
    table = tables.significance_table(result)
    heading = title_of(result, "Significance table")
    return {
        "significance.csv": tables.to_csv(result.rows),
        "significance.tex": tables.to_latex(table),
        "significance.md": tables.to_markdown(table),
        "significance.html": parts.document(
            heading, tables.to_html(table, captioned=False), kicker="Report of a blinded study"
        ),
    }


def _exclusions(result: StudyResult) -> dict[str, str]:
    """Return the table with and without exclusions; nothing where no exclusion can be lifted."""
    if not result.exclusions:
        return {}
    table = tables.quality_table(result)
    return {
        "quality.csv": tables.to_csv(result.exclusions),
        "quality.tex": tables.to_latex(table),
        "quality.md": tables.to_markdown(table),
    }


def _preparation(result: StudyResult) -> dict[str, str]:
    """Return what was done to the texts; nothing without a plan that records it."""
    if result.declaration is None or not result.declaration.preparation:
        return {}
    table = tables.preparation_table(result.declaration.preparation)
    return {"preparation.tex": tables.to_latex(table), "preparation.md": tables.to_markdown(table)}


def _numbers(result: StudyResult) -> dict[str, str]:
    """Return the CSV files behind the sections; those without rows are not written."""
    found = {
        "agreement.csv": tables.to_csv(result.agreement),
        "influence.csv": tables.to_csv([row for item in result.checks for row in item.influence]),
        "sensitivity.csv": tables.to_csv(result.sensitivity),
        "rounds.csv": tables.to_csv(result.rounds.means if result.rounds else ()),
        "trends.csv": tables.to_csv(result.rounds.trends if result.rounds else ()),
        "looks.csv": tables.looks_csv(look_at_study(result)),
        **_per_dimension(result),
        "residuals.csv": _residuals(result),
    }
    return {name: text for name, text in found.items() if text.count("\n") > 1}


def _per_dimension(result: StudyResult) -> dict[str, str]:
    variances, systems, wins, effects = [], [], [], []
    for item in result.dimensions:
        shares = {part.component: part for part in item.shares}
        spreads = {part.factor: part for part in item.fit.variances}
        for name in dict.fromkeys([*spreads, *shares]):
            spread, share = spreads.get(name), shares.get(name)
            numbers = [getattr(spread, key, None) for key in ("levels", "sd", "se", "difference_sd")]
            numbers += [getattr(share, key, None) for key in ("variance", "share", "low", "high")]
            variances.append([item.dimension, name, *numbers])
        systems += [[item.dimension, item.scale, *plain_row(one)] for one in item.systems]
        wins += _wins(item)
        for one in item.shrunken:
            columns = zip(one.labels, one.estimate, one.sd, one.low, one.high, one.counts, strict=True)
            effects += [
                [item.dimension, one.unit, one.contrast, label, *map(float, numbers), int(seen)]
                for label, *numbers, seen in columns
            ]
    spread_names = ("dimension", "source", "levels", "sd", "se", "difference_sd", "variance", "share", "low", "high")
    system_names = (
        "system",
        "estimate",
        "se",
        "df",
        "low",
        "high",
        "raw",
        "count",
        "quasi_se",
        "rank_low",
        "rank_high",
    )
    effect_names = ("dimension", "unit", "contrast", "label", "estimate", "sd", "low", "high", "count")
    win_names = ("dimension", "first", "second", "win_rate", "low", "high", "raw", "count")
    return {
        "variances.csv": tables.write_csv(spread_names, variances),
        "systems.csv": tables.write_csv(("dimension", "scale", *system_names), systems),
        "win-rates.csv": tables.write_csv(win_names, wins),
        "effects.csv": tables.write_csv(effect_names, effects),
    }


def plain_row(one: Any) -> list[Any]:
    """Return the values of a record in the order of its fields."""
    return [getattr(one, name) for name in one.__dataclass_fields__]


def _wins(item: Any) -> list[list[Any]]:
    wins = item.wins
    if wins is None:
        return []
    size = range(len(wins.systems))
    return [
        [item.dimension, wins.systems[i], wins.systems[j], *(float(part[i, j]) for part in
         (wins.estimate, wins.low, wins.high, wins.raw)), int(wins.counts[i, j])]
        for i in size for j in size if i != j
    ]  # fmt: skip


def _residuals(result: StudyResult) -> str:
    """Return every residual with the judgement it belongs to, so that a reader can plot them himself."""
    rows = []
    for item, check in zip(result.dimensions, result.checks, strict=False):
        if check.residuals is None:
            continue
        judgements = item.data.frame["judgement"].to_numpy()
        columns = zip(judgements, check.residuals.fitted, check.residuals.residual, strict=True)
        rows += [[item.dimension, str(name), f"{fitted:.6g}", f"{left:.6g}"] for name, fitted, left in columns]
    return tables.write_csv(("dimension", "judgement", "fitted", "residual"), rows)


def _methods(result: StudyResult) -> str:
    formulas = "\n".join(f"- {names}: {text}" for names, text, _ in formulas_of(result))
    software = ", ".join(f"{name} {number}" for name, number in versions().items())
    judges = f"\n\n{judges_methods(result.judges)}" if result.judges else ""
    return f"{result.methods}{judges}\n\nModels:\n\n{formulas}\n\nSoftware: {software}.\n"


def _json(content: dict[str, Any]) -> str:
    return json.dumps(plain(content), indent=2, sort_keys=True, ensure_ascii=False) + "\n"
