"""The verb: every judge on every dimension, with intervals, subsets and differences."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from itertools import combinations
from typing import TYPE_CHECKING, Literal

import numpy as np

from analysis.inference.multiplicity import holm
from analysis.judges.dimension import Comparison, Setting
from analysis.judges.reading import NoHumanScoreError, human_of
from analysis.judges.scores import check_scores, hash_scores
from analysis.prepare import OptionError, Options, select
from analysis.results.judges import AGREE, ALL, DISAGREE, JudgeComparison, JudgeDifference, JudgeRow

if TYPE_CHECKING:
    import pandas as pd

    Progress = Callable[[int, int, str], None]

CHOICES = {
    "clusters": ("prompts", "raters and prompts"),
    "majority_ties": ("drop", "half"),
    "judge_ties": ("half", "wrong", "drop"),
    "split": ("median", "tertiles"),
    "ratings": ("mean", "z"),
}
FEWEST = 200


@dataclass(frozen=True, slots=True)
class JudgeOptions:
    """What is compared and how.

    Attributes
    ----------
    clusters
        What is drawn anew in the bootstrap: ``prompts`` (the raters are those who answered), or ``raters and prompts``
        (both, independently; the human scores are computed anew each time, entropies and fences are not). The
        latter is conservative (Owen 2007): at 95% it held the truth in 99 to 100% of simulated studies.
    majority_ties
        Pairs without a majority: ``drop`` leaves them out, ``half`` counts them ½ whatever the judge says.
    judge_ties
        Equal scores of a judge (and ties that a rater gives, where he is compared with the others): ``half``,
        ``wrong``, or ``drop``.
    split
        Of the entropies: at the ``median``, or into ``tertiles``.
    fence
        Tukey's k: how many interquartile ranges beyond the quartiles the fences of "similar quality" stand.
    ratings
        Human score of an output that was rated by itself: the ``mean`` of the answers, or of their ``z`` scores per
        rater.
    resamples, seed, confidence
        Of the bootstrap.
    """

    clusters: Literal["prompts", "raters and prompts"] = "prompts"
    majority_ties: Literal["drop", "half"] = "drop"
    judge_ties: Literal["half", "wrong", "drop"] = "half"
    split: Literal["median", "tertiles"] = "median"
    fence: float = 1.5
    ratings: Literal["mean", "z"] = "mean"
    resamples: int = 2000
    seed: int = 0
    confidence: float = 0.95

    def __post_init__(self) -> None:
        """Refuse what is not known."""
        for name, known in CHOICES.items():
            if getattr(self, name) not in known:
                choices = ", ".join(map(repr, known))
                raise OptionError(f"{name} = {getattr(self, name)!r} is not known: choose from {choices}")
        if not 0.5 < self.confidence < 1.0:  # noqa: PLR2004
            raise OptionError("confidence must lie between 0.5 and 1, for example 0.95")
        if self.resamples < FEWEST:
            raise OptionError(f"resamples = {self.resamples}: at least {FEWEST} are needed for an interval")
        if not 0.0 <= self.fence < np.inf:
            raise OptionError("fence is Tukey's k: 0 or more, usually 1.5")


def compare_judges(
    judgements: pd.DataFrame,
    scores: pd.DataFrame,
    *,
    options: JudgeOptions | None = None,
    late: bool = True,
    dimensions: tuple[str, ...] | None = None,
    systems: tuple[str, ...] | None = None,
    source: str = "scores",
    ignore_unjudged: bool = False,
    progress: Progress | None = None,
) -> JudgeComparison:
    """Compare every judge of a table of scores with the human judgements.

    Parameters
    ----------
    judgements
        The long table of ``analysis.schema``, whole and validated; only main trials that are not excluded count.
    scores
        Columns judge, output (or prompt, system, sample), value; faults are told under the name ``source``.
    late, dimensions, systems
        Whether answers given too late count, which dimensions, and only comparisons among which systems (default: all),
        as in the report's options.
    ignore_unjudged
        Whether scores of outputs that are not among the judgements are left out; otherwise they are a fault.
    progress
        Called with (done, total, what) before each judge and at the end; an exception raised there ends the run.

    Notes
    -----
    Holm's correction is over judges × dimensions, once for the correlations and once for the accuracies, and over
    pairs of judges × dimensions for the differences; subsets are not tested.
    """
    options = options or JudgeOptions()
    found = check_scores(scores, judgements, source=source, ignore_unjudged=ignore_unjudged)
    chosen, _ = select(judgements, Options(late=late, dimensions=dimensions, systems=systems))
    judges = tuple(dict.fromkeys(found["judge"]))
    names = sorted(set(chosen["dimension"]))
    tell = progress or _silent
    rows: list[JudgeRow] = []
    differences: list[JudgeDifference] = []
    about: dict[str, str] = {}
    left_out: dict[str, str] = {}
    for at, name in enumerate(names):
        part = chosen[chosen["dimension"] == name]
        try:
            human = human_of(part, ratings=options.ratings)
        except NoHumanScoreError as error:
            left_out[name] = str(error)
            continue
        about[name] = human.about
        setting = Setting(name, str(part["measure"].iloc[0]), human, options)
        compared = []
        for number, judge in enumerate(judges):
            tell(at * len(judges) + number, len(names) * len(judges), f"{judge} on {name}")
            mine = found[found["judge"] == judge]
            compared.append(Comparison(setting, judge, dict(zip(mine["output"], mine["value"], strict=True))))
        for one in compared:
            rows += one.rows()
        differences += [d for one in compared if (d := one.by_agreement(AGREE, DISAGREE)) is not None]
        differences += [first.minus(second) for first, second in combinations(compared, 2)]
    tell(1, 1, "done")
    return JudgeComparison(
        rows=_corrected(rows),
        differences=_corrected_differences(differences),
        judges=judges,
        human=about,
        confidence=options.confidence,
        options=asdict(options),
        scores_hash=hash_scores(found),
        left_out=left_out,
    )


def _corrected(rows: list[JudgeRow]) -> tuple[JudgeRow, ...]:
    family = [at for at, row in enumerate(rows) if row.subset == ALL]
    by_spearman = holm(np.array([rows[at].p for at in family]))
    by_accuracy = holm(np.array([rows[at].accuracy_p for at in family]))
    for at, one, two in zip(family, by_spearman, by_accuracy, strict=True):
        rows[at] = replace(rows[at], p_holm=float(one), accuracy_holm=float(two))
    return tuple(rows)


def _corrected_differences(found: list[JudgeDifference]) -> tuple[JudgeDifference, ...]:
    """Correct each kind of difference over its own lines."""
    for what in dict.fromkeys(one.what for one in found):
        family = [at for at, one in enumerate(found) if one.what == what]
        by_spearman = holm(np.array([found[at].spearman_p for at in family]))
        by_accuracy = holm(np.array([found[at].accuracy_p for at in family]))
        for at, one, two in zip(family, by_spearman, by_accuracy, strict=True):
            found[at] = replace(found[at], spearman_holm=float(one), accuracy_holm=float(two))
    return tuple(found)


def _silent(_done: int, _total: int, _what: str) -> None:
    """Tell nobody."""
