"""The section on automatic judges, and its files."""

from __future__ import annotations

from typing import TYPE_CHECKING

from analysis import tables
from analysis.page.parts import Drawings, folded, items, table, text
from analysis.wording import judges_methods, judges_notes, judges_verdict

if TYPE_CHECKING:
    from analysis.results import StudyResult


def judges(result: StudyResult, drawings: Drawings) -> str:
    """Return the verdict, both figures, the tables and how it was done; nothing without scores."""
    found = result.judges
    if found is None:
        return ""
    verdict, notes = judges_verdict(found), judges_notes(found)
    return "\n".join(
        [
            items(verdict) if len(verdict) > 1 else "".join(map(text, verdict)),
            drawings.show("judges"),
            table(tables.judge_table(found)),
            table(tables.judge_accuracy_table(found)),
            items(notes) if notes else "",
            drawings.show(
                "judge-accuracy",
                "Raters agree where the labels of an item have low entropy. The tick is what a judge as good as one "
                "rater would reach.",
            ),
            folded("Every subset", table(tables.judge_subset_table(found), captioned=False)),
            folded("Judges compared", table(tables.judge_difference_table(found), captioned=False, style="prose")),
            folded("How judges were compared with people", text(judges_methods(found))),
        ]
    )


def judge_files(result: StudyResult) -> dict[str, str]:
    """Return the tables as files; none without scores."""
    found = result.judges
    if found is None:
        return {}
    main, right = tables.judge_table(found), tables.judge_accuracy_table(found)
    return {
        "judges.csv": tables.to_csv(found.rows),
        "judges.tex": f"{tables.to_latex(main)}\n{tables.to_latex(right)}",
        "judges.md": f"{tables.to_markdown(main)}\n{tables.to_markdown(right)}",
        "judge-subsets.md": tables.to_markdown(tables.judge_subset_table(found)),
        "judge-differences.csv": tables.to_csv(found.differences),
    }
