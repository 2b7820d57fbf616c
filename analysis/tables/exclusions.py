"""The tables of other exclusions and of rounds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from analysis.results.checks import DECLARED
from analysis.tables.cells import Table, grouped
from analysis.wording import CORRECTIONS, count, degrees, format_p, interval, number

if TYPE_CHECKING:
    from analysis.results import ExclusionRow, RoundMean, StudyResult

EXCLUSIONS: Final = (
    "Everyone: all recorded exclusions lifted. Without a check: back in are those whom this check alone excluded; if "
    "there are none, the line is the declared one. Incomplete booklets and withdrawn data stay out throughout."
)
CONCLUSION: Final = (
    "Conclusion: whether the corrected p is below the level and, if it is, which system is ahead; corrected over the "
    "same contrasts as declared."
)
MEANS: Final = (
    "Interval of a mean: by t over the judgements of a round; if it has fewer than 5, over its outputs, and then for "
    "these raters only."
)
TRENDS: Final = (
    "Change per round: the interaction of system and round in the model of the report, at least two rounds. Not "
    "declared unless the plan says so; Holm over the lines of this table."
)


def quality_table(result: StudyResult) -> Table:
    """Return each contrast under the declared exclusions, with everyone, and without each check."""
    level = f"{100.0 * result.confidence:g}% CI"
    correction = CORRECTIONS[result.correction]
    names = ("Exclusions", "Raters", "Judgements", "Estimate", level, "p", f"p ({correction})", "Conclusion")
    pairs = [(f"{row.dimension}: {row.contrast}", _cells(row)) for row in result.exclusions]
    groups, rows = grouped(pairs)
    strong = frozenset((at, 7) for at, row in enumerate(result.exclusions) if not row.same)
    said = dict.fromkeys(
        f"{row.dimension}, {row.contrast}, {row.variant}: {row.message}." for row in result.exclusions if row.message
    )
    caption = "With and without exclusions"
    return Table(caption, names, rows, (False, *[True] * 6, False), (EXCLUSIONS, CONCLUSION, *said), groups, strong)


def _cells(row: ExclusionRow) -> tuple[str, ...]:
    return (
        row.variant,
        count(row.raters),
        count(row.judgements),
        number(row.estimate),
        interval(row.low, row.high),
        format_p(row.p),
        format_p(row.p_corrected),
        "–" if row.variant == DECLARED else "the same" if row.same else "another",
    )


def rounds_table(result: StudyResult) -> Table:
    """Return the mean of each system in each round."""
    means = result.rounds.means if result.rounds else ()
    systems = sorted({one.system for one in means})
    cells: dict[tuple[str, int], dict[str, RoundMean]] = {}
    for one in means:
        cells.setdefault((f"{one.dimension} ({one.unit})", one.round), {})[one.system] = one
    pairs = [
        (head, (str(number_), *(_mean(found.get(name)) for name in systems), _judgements(found)))
        for (head, number_), found in cells.items()
    ]
    groups, rows = grouped(pairs)
    header = ("Round", *systems, "Judgements")
    return Table("Means by round", header, rows, (True,) * len(header), (MEANS,), groups)


def _mean(one: RoundMean | None) -> str:
    return "–" if one is None else f"{number(one.mean)} {interval(one.low, one.high)}"


def _judgements(found: dict[str, RoundMean]) -> str:
    return count(max(one.judgements for one in found.values()))


def trends_table(result: StudyResult) -> Table:
    """Return the change per round of each contrast, and of each system where it can be told."""
    level = f"{100.0 * result.confidence:g}% CI"
    trends = result.rounds.trends if result.rounds else ()
    pairs = [
        (
            f"{one.dimension} ({one.scale})",
            (
                one.contrast,
                number(one.estimate),
                number(one.se),
                interval(one.low, one.high),
                degrees(one.df),
                format_p(one.p),
                format_p(one.p_holm),
            ),
        )
        for one in trends
    ]
    groups, rows = grouped(pairs)
    said = dict.fromkeys(f"{one.dimension}, {one.contrast}: {one.message}." for one in trends if one.message)
    header = ("Contrast or system", "Change per round", "SE", level, "df", "p", "p (Holm)")
    return Table("Trend over rounds", header, rows, (False, *[True] * 6), (TRENDS, *said), groups)
