"""The page: the answer first, then measure by measure, figures, methods, and where the numbers come from."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from analysis.diversity.inference import PRIMARY
from analysis.diversity.names import BY_KEY
from analysis.page.parts import (
    Section,
    contents,
    definitions,
    document,
    folded,
    items,
    picture,
    section,
    table,
    text,
    warning,
)
from analysis.tables import Table
from analysis.wording import counted, degrees, format_p, interval, number, percent

if TYPE_CHECKING:
    from analysis.diversity.inference import ContrastRow
    from analysis.diversity.result import Diversity

DIGITS: Final = 3
MOST_LINES, MOST_ROWS = 6, 60
LABELS: Final = {
    "differences": "Dot plot: difference of each measure with its interval; the table below says it",
    "between": "Heat map: mean similarity of the outputs of two systems to the same prompt; between.csv holds it",
    "within": "Histograms: similarity of two outputs of one system to the same prompt; histogram.csv holds it",
}
BETWEEN: Final = (
    "Mean cosine of the outputs of two systems to the same prompt, averaged over prompts. On the diagonal: two "
    "different outputs of one system. Where off-diagonal values come near those on it, systems say "
    "the same as one another."
)
FILES: Final = (
    ("contrasts.csv", "every difference with interval, tests and mixed models, unrounded"),
    ("systems.csv, cells.csv", "each measure per system, and per prompt and system"),
    ("between.csv, histogram.csv", "likeness of systems; similarities within a system"),
    ("classes.csv, projection.csv", "the class of each text; the outputs drawn in the plane"),
    ("figures/", "each figure as SVG, PDF and PNG"),
    ("summary.json, methods.md, manifest.json", "all for machines; the methods; hashes of every file"),
)


def page(result: Diversity, svgs: Mapping[str, str], *, title: str = "") -> str:
    """Return the whole page; figures are inline, nothing is loaded."""
    parts = [
        Section("differences", "Differences", _differences(result, svgs)),
        Section("systems", "Each system", _systems(result)),
        Section("within", "Repetition within a system", _drawn(svgs, "within"), "Within"),
        Section("between", "Likeness between systems", _drawn(svgs, "between", BETWEEN), "Between"),
        Section("outputs", "Outputs to one prompt", _outputs(result, svgs), "One prompt"),
        Section("length", "At equal length", _length(result), "Length"),
        Section("methods", "Methods", _methods(result)),
        Section("provenance", "Provenance", _provenance(result)),
    ]
    parts = [part for part in parts if part.body.strip()]
    facts = " · ".join(
        [
            counted(len(result.outputs.systems), "system"),
            counted(len(result.outputs.prompts), "prompt"),
            counted(len(result.outputs), "text"),
            f"embedder {result.provenance['embedder']['embedder']}",
        ]
    )
    lead, rest = result.sentences[0], list(result.sentences[1:])
    body = [text(facts, "facts"), text(lead, "lead"), warning(result.warnings), _others(rest)]
    body += [contents(parts), *map(section, parts)]
    heading = f"Diversity: {title}" if title else "Diversity of outputs"
    return document(heading, "\n".join(body), kicker="Automatic measures of mode collapse")


def _others(sentences: list[str]) -> str:
    if not sentences:
        return ""
    return (
        items(sentences) if len(sentences) <= MOST_LINES else folded("The other comparisons in words", items(sentences))
    )


def _drawn(svgs: Mapping[str, str], name: str, caption: str = "") -> str:
    return picture(svgs.get(name), name=name, label=LABELS.get(name, ""), caption=caption)


def _differences(result: Diversity, svgs: Mapping[str, str]) -> str:
    rows = [row for row in result.contrasts if row.family]
    if not rows:
        return ""
    notes = sorted({f"{row.message[0].upper()}{row.message[1:]}." for row in rows if row.message})
    content = table(contrast_table(result, rows), captioned=False)
    if len(rows) > MOST_ROWS:
        content = folded(f"All {len(rows)} differences", content)
    return "\n".join([_drawn(svgs, "differences"), content, *(text(one, "note") for one in notes)])


def contrast_table(result: Diversity, rows: list[ContrastRow]) -> Table:
    """Return differences with intervals, tests and the mixed model, grouped by contrast."""
    pairs = list(dict.fromkeys((row.first, row.second) for row in rows))
    level = f"{100.0 * result.settings.confidence:g}% interval"
    header = ("Measure", "First", "Second", "Difference", level, "p", "p (Holm)", "Mixed model", "t df", "p (mixed)")
    lines: list[tuple[str, ...]] = []
    groups: list[tuple[str, int]] = []
    strong: set[tuple[int, int]] = set()
    for first, second in pairs:
        chosen = [row for row in rows if (row.first, row.second) == (first, second)]
        groups.append((f"{first} − {second}", len(chosen)))
        for row in chosen:
            mark = " (primary)" if row.family == PRIMARY else ""
            if row.p_holm < 1.0 - result.settings.confidence:
                strong.add((len(lines), 6))
            lines.append(
                (
                    f"{BY_KEY[row.measure].label}{mark}",
                    number(row.mean_first, DIGITS),
                    number(row.mean_second, DIGITS),
                    number(row.difference, DIGITS),
                    interval(row.low, row.high, digits=DIGITS),
                    format_p(row.p),
                    format_p(row.p_holm),
                    number(row.mixed.estimate, DIGITS),
                    degrees(row.mixed.df),
                    format_p(row.mixed.p),
                )
            )
    note = (
        f"First and second: means over prompts. Sign-flip tests within prompts. {holm_note(result)} "
        "The mixed model's p is not corrected."
    )
    numeric = (False, *(True,) * (len(header) - 1))
    return Table("Differences", header, tuple(lines), numeric, (note,), tuple(groups), frozenset(strong))


def holm_note(result: Diversity) -> str:
    """Say over what Holm's correction is, for a reader of the table."""
    if not result.settings.primary:
        return "Holm over all measures and contrasts."
    return (
        "The primary measure was named before the outputs were seen: Holm over contrasts. The others are secondary: "
        "Holm over them and contrasts."
    )


def _systems(result: Diversity) -> str:
    names = [*result.order]
    found = {(row.system, row.measure): row for row in result.systems}
    rows = []
    for key in result.values:
        cells = [number(found[name, key].mean, DIGITS) for name in names]
        rows.append((BY_KEY[key].label, *cells))
    shares = [percent(result.collapsed[name]) for name in names]
    if "similarity" in result.values:
        rows.insert(1, (f"Prompts whose mean similarity is above {result.settings.threshold:g}", *shares))
    numeric = (False, *(True,) * len(names))
    note = "Means over prompts. Their intervals are in systems.csv."
    return table(Table("Means over prompts", ("Measure", *names), tuple(rows), numeric, (note,)), captioned=False)


def _outputs(result: Diversity, svgs: Mapping[str, str]) -> str:
    parts = []
    for at, shown in enumerate(result.projections, start=1):
        name = f"outputs-{at}"
        label = f"Scatter plot of all outputs to the prompt {shown.prompt[:80]}, coloured by system; see projection.csv"
        parts.append(picture(svgs.get(name), name=name, label=label))
    chosen = "" if result.settings.shown else "The prompt shown is the one of middling similarity. "
    note = f"{chosen}Two dimensions hold only part of the variance: points that are near may be far apart in others."
    return "\n".join([*parts, text(note, "note")])


def _length(result: Diversity) -> str:
    rows = []
    for row in result.contrasts:
        known = not math.isnan(row.at_length.estimate)
        if row.measure == "words" or not (known or row.measure.endswith("_cut")):
            continue
        found = row.at_length
        rows.append(
            (
                f"{row.first} − {row.second}",
                BY_KEY[row.measure].label,
                number(row.difference, DIGITS),
                format_p(row.p),
                number(found.estimate, DIGITS),
                interval(found.low, found.high, digits=DIGITS),
                format_p(found.p),
            )
        )
    header = ("Contrast", "Measure", "Difference", "p", "At equal length", "Interval", "p (mixed)")
    numeric = (False, False, True, True, True, True, True)
    note = (
        "Longer texts repeat words and compress better. At equal length: mixed model with the logarithm of mean words. "
        "Cut: every text of a prompt ends after the same number of words. Context, not corrected."
    )
    words = [row for row in result.contrasts if row.measure == "words"]
    said = items(
        [
            f"{row.first} {number(row.mean_first, 1)} words per text, {row.second} {number(row.mean_second, 1)}"
            for row in words
        ]
    )
    content = table(Table("Length", header, tuple(rows), numeric, (note,)), captioned=False)
    return (
        said + (folded("Every measure at equal length", content) if len(rows) > MOST_ROWS else content) if words else ""
    )


def _methods(result: Diversity) -> str:
    return "\n".join(text(paragraph) for paragraph in result.methods.split("\n\n"))


def _provenance(result: Diversity) -> str:
    told, asked = result.provenance, result.settings
    embedder = ", ".join(f"{name} = {value}" for name, value in told["embedder"].items() if value not in ("", None))
    options = {
        "baseline": asked.baseline or "none",
        "primary measure": asked.primary or "none",
        "threshold": asked.threshold,
        "classes": asked.classes,
        "class threshold": asked.class_threshold,
        "confidence": asked.confidence,
        "even samples": asked.even,
    }
    rows = [
        ("Input (SHA-256)", told["input_sha256"]),
        ("Embedder", embedder),
        ("Options", ", ".join(f"{name} = {value}" for name, value in options.items())),
        ("Seed", str(asked.seed)),
        ("Versions", ", ".join(f"{name} {value}" for name, value in told["versions"].items())),
    ]
    files = Table("Files beside this page", ("File", "What it holds"), FILES, (False, False))
    return definitions(rows) + table(files, style="prose")
