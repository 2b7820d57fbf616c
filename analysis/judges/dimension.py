"""One judge on one dimension: all statistics in the sample and in every resample."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from analysis.judges import association
from analysis.judges.accuracy import Accuracy, TieRules, accuracy_of
from analysis.judges.ceiling import ceiling_of
from analysis.judges.resampling import FEWEST_CLUSTERS, draw, interval, p_value
from analysis.judges.subsets import Subset, subsets_of
from analysis.results.judges import ALL, NAN, JudgeDifference, JudgeRow

if TYPE_CHECKING:
    from analysis.judges.human import Human, Votes
    from analysis.judges.study import JudgeOptions
    from analysis.results import FloatArray, IntArray

    Mask = np.ndarray[tuple[int], np.dtype[np.bool_]]

CORRELATIONS: Final = ("spearman", "kendall", "within_spearman", "within_kendall")
PAIRED: Final = ("accuracy", "human", "gap")
CHANCE: Final = 0.5
FEWEST_OUTPUTS: Final = 3


@dataclass(frozen=True)
class Setting:
    """What all judges of a dimension share: the human side, the draws, the subsets."""

    dimension: str
    measure: str
    human: Human
    options: JudgeOptions

    @cached_property
    def weights(self) -> tuple[FloatArray, FloatArray]:
        """Return how often raters (R, 1 or B) and prompts (P, B) count in each resample."""
        options, human = self.options, self.human
        prompts = draw(len(human.prompts), options.resamples, seed=options.seed, name=f"prompts/{self.dimension}")
        if options.clusters == "prompts":
            return np.ones((len(human.raters), 1)), prompts
        raters = draw(len(human.raters), options.resamples, seed=options.seed, name=f"raters/{self.dimension}")
        return raters, prompts

    @cached_property
    def scores(self) -> FloatArray:
        """Return the human scores, shape (n, 1 or B)."""
        return self.human.scores(self.weights[0])

    @cached_property
    def votes(self) -> Votes:
        """Return the orders of single raters."""
        return self.human.votes()

    @cached_property
    def subsets(self) -> tuple[Subset, ...]:
        """Return the subsets of the sample."""
        return subsets_of(self.human, self.scores, split=self.options.split, fence=self.options.fence)


@dataclass(frozen=True, slots=True)
class Statistics:
    """Every statistic in the sample (first) and the resamples, shape (B,); intervals go by the numbers of clusters."""

    values: Mapping[str, FloatArray]
    accuracy: Accuracy
    outputs: int
    prompts: int
    clusters: int
    pair_clusters: int


def _correlations(
    judge: FloatArray,
    scores: FloatArray,
    prompt: IntArray,
    weights: FloatArray,
    *,
    names: Sequence[str],
    relative: bool,
) -> dict[str, FloatArray]:
    """Return those that are asked for; of scores that speak within prompts only, all are within prompts."""
    found: dict[str, FloatArray] = {}
    for name in names:
        source = f"within_{name.removeprefix('within_')}" if relative else name
        if source not in found:
            found[source] = getattr(association, source)(judge, scores, prompt, weights)
        found[name] = found[source]
    return found


class Comparison:
    """One judge against people on one dimension."""

    def __init__(self, setting: Setting, judge: str, given: Mapping[str, float]) -> None:
        """Keep the judge's scores in the order of the outputs; nothing is computed yet."""
        self.setting, self.judge = setting, judge
        self.scores = np.array([given.get(name, NAN) for name in setting.human.outputs])
        self._known: dict[str, Statistics] = {}

    def rows(self) -> list[JudgeRow]:
        """Return one row per subset."""
        return [self.row(one) for one in self.setting.subsets]

    def by_agreement(self, first: str, second: str) -> JudgeDifference | None:
        """Return the first subset minus the second, None where the dimension is not split."""
        there = {one.name: one for one in self.setting.subsets}
        if not {first, second} <= set(there):
            return None
        one, two = (self.statistics(there[name]) for name in (first, second))
        sizes = (self.statistics(self.setting.subsets[0]).outputs, one.accuracy.pairs + two.accuracy.pairs)
        names = (f"{self.judge}: {first}", f"{self.judge}: {second}")
        return self._difference(one, two, names=names, what="agreement", sizes=sizes)

    def minus(self, other: Comparison) -> JudgeDifference:
        """Return this judge minus another on the outputs that both scored, in the same resamples."""
        everything = self.setting.subsets[0]
        one, two = (
            this.compute(everything, only=~np.isnan(that.scores), names=("spearman",))
            for this, that in ((self, other), (other, self))
        )
        sizes = (one.outputs, one.accuracy.pairs)
        return self._difference(one, two, names=(self.judge, other.judge), what="judges", sizes=sizes)

    def statistics(self, subset: Subset) -> Statistics:
        """Return the statistics on a subset, computed once."""
        if subset.name not in self._known:
            self._known[subset.name] = self.compute(subset)
        return self._known[subset.name]

    def compute(self, subset: Subset, *, only: Mask | None = None, names: Sequence[str] = CORRELATIONS) -> Statistics:
        """Return the statistics on a subset, on some outputs ``only``, with the correlations that are asked for."""
        setting, human = self.setting, self.setting.human
        of_raters, of_prompts = setting.weights
        judge = self.scores if only is None else np.where(only, self.scores, NAN)
        known = ~np.isnan(judge) & ~np.isnan(setting.scores[:, 0])
        use = known & (subset.outputs if subset.outputs is not None else False)
        values = {name: np.full(of_prompts.shape[1], NAN) for name in names}
        if use.sum() >= FEWEST_OUTPUTS:
            values = _correlations(
                judge[use], setting.scores[use], human.prompt[use], of_prompts, names=names, relative=human.relative
            )
        options = setting.options
        ties = TieRules(options.majority_ties, options.judge_ties)
        accuracy = accuracy_of(human, judge, keep=subset.pairs, weights=setting.weights, votes=setting.votes, ties=ties)
        prompts = len(np.unique(human.prompt[use]))
        first, second = human.pairs
        scored = subset.pairs & known[first] & known[second]
        pair_prompts = len(np.unique(human.prompt[first[scored]]))
        return Statistics(
            values=values
            | {"accuracy": accuracy.judge, "human": accuracy.human, "gap": accuracy.same - accuracy.human},
            accuracy=accuracy,
            outputs=int(use.sum() if subset.outputs is not None else len(np.unique([first[scored], second[scored]]))),
            prompts=max(prompts, pair_prompts),
            clusters=self._clusters(prompts, of_raters),
            pair_clusters=self._clusters(pair_prompts, of_raters),
        )

    def _clusters(self, prompts: int, of_raters: FloatArray) -> int:
        return prompts if of_raters.shape[1] == 1 else min(prompts, len(of_raters))

    def row(self, subset: Subset) -> JudgeRow:
        """Return all numbers on one subset; p values on all items only."""
        human, found = self.setting.human, self.statistics(subset)
        numbers: dict[str, Any] = {}
        series = dict(found.values)
        tested = subset.name == ALL
        if tested and found.outputs:
            of_prompts = self.setting.weights[1]
            held = of_prompts if self.setting.options.clusters == "prompts" else of_prompts[:, :1]
            ceiling = ceiling_of(human, self.scores, held)
            numbers["same_rho"] = float(ceiling.same[0])
            series["human_rho"] = ceiling.human
        for name, values in series.items():
            numbers[name] = float(values[0])
            clusters = found.pair_clusters if name in PAIRED else found.clusters
            numbers[f"{name}_low"], numbers[f"{name}_high"] = interval(
                values, clusters=clusters, confidence=self.setting.options.confidence
            )
        accuracy = found.accuracy
        return JudgeRow(
            judge=self.judge,
            dimension=self.setting.dimension,
            measure=self.setting.measure,
            subset=subset.name,
            scope="within prompts" if human.relative else "all outputs",
            cut=subset.cut,
            outputs=found.outputs,
            prompts=found.prompts,
            raters=len(human.raters),
            unscored=int(np.isnan(self.scores).sum()) if tested else 0,
            p=p_value(found.values["spearman"], null=0.0, clusters=found.clusters) if tested else NAN,
            pairs=accuracy.pairs,
            majority_ties=accuracy.majority_ties,
            judge_ties=accuracy.judge_ties,
            accuracy_p=p_value(accuracy.judge, null=CHANCE, clusters=found.pair_clusters) if tested else NAN,
            same=float(accuracy.same[0]),
            message=self._message(found, series) if tested else "",
            **numbers,
        )

    def _message(self, found: Statistics, series: Mapping[str, FloatArray]) -> str:
        """Say why a number is missing."""
        human = self.setting.human
        said = []
        if found.outputs < FEWEST_OUTPUTS:
            said.append(f"fewer than {FEWEST_OUTPUTS} outputs have both scores")
        elif np.isnan(found.values["spearman"][0]):
            said.append("one of the scores is the same for all outputs that can be compared")
        elif np.isnan(interval(found.values["spearman"], clusters=found.clusters, confidence=0.9)[0]):
            what = "prompts" if self.setting.options.clusters == "prompts" else "prompts or raters"
            few = found.clusters < FEWEST_CLUSTERS
            why = f"fewer than {FEWEST_CLUSTERS} {what}" if few else "too few outputs that can be compared"
            said.append(f"no interval: {why}")
        if found.accuracy.pairs == 0:
            said.append("no pair of one prompt has a majority")
        elif np.isnan(found.accuracy.human[0]) and np.isnan(series.get("human_rho", found.accuracy.human)[0]):
            told = "compared the same pair" if human.relative else "rated the same outputs"
            said.append(f"no ceiling: no two raters {told}")
        return "; ".join(said)

    def _difference(
        self, one: Statistics, two: Statistics, *, names: tuple[str, str], what: str, sizes: tuple[int, int]
    ) -> JudgeDifference:
        confidence = self.setting.options.confidence
        numbers: dict[str, Any] = {}
        for name, clusters in (
            ("spearman", min(one.clusters, two.clusters)),
            ("accuracy", min(one.pair_clusters, two.pair_clusters)),
        ):
            values = one.values[name] - two.values[name]
            low, high = interval(values, clusters=clusters, confidence=confidence)
            numbers |= {name: float(values[0]), f"{name}_low": low, f"{name}_high": high}
            numbers[f"{name}_p"] = p_value(values, null=0.0, clusters=clusters)
        return JudgeDifference(self.setting.dimension, *names, what, *sizes, **numbers)
