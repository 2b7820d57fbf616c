"""The findings in words, the paragraph for a paper, and what must be read before the numbers are believed."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

import numpy as np

from analysis.diversity.inference import PRIMARY, SECONDARY, ContrastRow
from analysis.diversity.names import BY_KEY
from analysis.diversity.resampling import FEW_FOR_BCA, RESAMPLES
from analysis.wording import count, counted, equals_p, interval, join, number, percent

if TYPE_CHECKING:
    from analysis.diversity.result import Diversity

DIGITS: Final = 3
FEW_PROMPTS: Final = 10
UNEQUAL_LENGTH: Final = 1.2
"""Mean lengths that differ by more than this factor are worth a warning."""


def direction(row: ContrastRow) -> int:
    """Return +1 where the first system is more diverse, −1 where less, 0 where neither can be said."""
    if math.isnan(row.difference) or row.difference == 0.0:
        return 0
    return -BY_KEY[row.measure].collapse * (1 if row.difference > 0.0 else -1)


def sentences_of(result: Diversity) -> tuple[str, ...]:
    """Return one sentence per contrast, or what the systems are like where there is nothing to compare."""
    pairs = list(dict.fromkeys((row.first, row.second) for row in result.contrasts))
    if not pairs:
        return tuple(_alone(result, name) for name in result.order)
    return tuple(_compared(result, first, second) for first, second in pairs)


def _alone(result: Diversity, name: str) -> str:
    found = {row.measure: row for row in result.systems if row.system == name}
    first = found.get("similarity")
    if first is None:
        return f"{name}: no similarity was asked for."
    if not first.prompts:
        return f"{name}: no prompt has two texts of it, so there is no similarity."
    ends = "" if math.isnan(first.low) else f" {interval(first.low, first.high, digits=DIGITS)}"
    return (
        f"{name}: mean similarity of two outputs to the same prompt {number(first.mean, DIGITS)}{ends} "
        f"over {counted(first.prompts, 'prompt')}."
    )


def _compared(result: Diversity, first: str, second: str) -> str:
    rows = [row for row in result.contrasts if (row.first, row.second) == (first, second)]
    family = [row for row in rows if row.family]
    head = next(
        (row for row in family if row.measure == (result.settings.primary or "similarity")), (family or rows)[0]
    )
    if not head.prompts:
        return f"{first} against {second}: nothing to compare, for no prompt has two texts of both."
    label = BY_KEY[head.measure].label.lower()
    means = f"{number(head.mean_first, DIGITS)} against {number(head.mean_second, DIGITS)}"
    text = f"{first} against {second}: {label} {means}"
    if not math.isnan(head.low):
        text += f", difference {number(head.difference, DIGITS)} {interval(head.low, head.high, digits=DIGITS)}"
    if not math.isnan(head.p_holm):
        text += f", p (Holm) {equals_p(head.p_holm)}"
    text += f", {counted(head.prompts, 'prompt')}. "
    if head.family != PRIMARY:
        return text + _counted(result, family, first)
    others = [row for row in family if row is not head]
    said = _verdict(result, head, first)
    return f"{text}{said} {_counted(result, others, first)}" if others else f"{text}{said}"


def _verdict(result: Diversity, head: ContrastRow, first: str) -> str:
    """Say what the primary measure decides."""
    if math.isnan(head.p_holm):
        return "The primary measure could not be tested."
    if head.p_holm >= 1.0 - result.settings.confidence:
        return "The primary measure shows no reliable difference."
    return f"By the primary measure {first} is reliably {'more' if direction(head) > 0 else 'less'} diverse."


def _counted(result: Diversity, family: list[ContrastRow], first: str) -> str:
    """Say by how many measures of a family a system is more or less diverse."""
    sure = [row for row in family if row.p_holm < 1.0 - result.settings.confidence]
    what = counted(len(family), "secondary measure" if result.settings.primary else "measure")
    if not sure:
        return f"None of {what} shows a reliable difference."
    parts = []
    for sign, word in ((1, "more"), (-1, "less")):
        named = [BY_KEY[row.measure].label for row in sure if direction(row) == sign]
        if named:
            parts.append(f"{first} is reliably {word} diverse by {len(named)} of {what} ({join(named)})")
    return f"{'; '.join(parts)}."


def warnings_of(result: Diversity) -> tuple[str, ...]:
    """Return what a reader must know before she believes the numbers."""
    return tuple(
        text
        for text in (
            _embedder(result),
            _prompts(result),
            _reach(result),
            _holes(result),
            _empty(result),
            _uneven(result),
            *_lengths(result),
        )
        if text
    )


def _embedder(result: Diversity) -> str:
    if result.provenance["embedder"].get("embedder") != "tfidf-svd":
        return ""
    return (
        "Similarity is of words (TF-IDF with truncated SVD), not of meaning: paraphrases count as different. The "
        "threshold of 0.8 comes from sentence embeddings and is not comparable; use sentence-transformers or an "
        "embeddings endpoint for claims about meaning."
    )


def _reach(result: Diversity) -> str:
    """Say so where no test could pass the correction, however large the difference."""
    alpha = 1.0 - result.settings.confidence
    tests, most = 0, 0
    for name in (PRIMARY, SECONDARY):
        rows = [row for row in result.contrasts if row.family == name]
        exact = [row for row in rows if row.test == "exact"]
        if exact and min(2.0 / row.patterns for row in exact) * len(rows) >= alpha:
            tests, most = len(rows), max(row.patterns for row in exact)
    if not tests:
        return ""
    return (
        f"With {count(most)} sign patterns and a family of {counted(tests, 'test')} no corrected p of it can be below "
        f"{alpha:.2g}, whatever the difference: choose fewer measures beforehand, or take more prompts."
    )


def _prompts(result: Diversity) -> str:
    few = min((row.prompts for row in result.contrasts if row.family and row.prompts), default=FEW_PROMPTS)
    if few >= FEW_PROMPTS:
        return ""
    least = 2.0 / 2**few
    text = f"A comparison rests on {counted(few, 'prompt')}: conclusions about further prompts are weak."
    if few > 1:
        text += f" There are {2**few} sign patterns, so no p value can be below {least:.2g} before correction."
    return text + (
        " Intervals are t intervals, as too few prompts are there to resample." if 1 < few < FEW_FOR_BCA else ""
    )


def _holes(result: Diversity) -> str:
    table = next(iter(result.values.values()))
    key = "similarity" if "similarity" in result.values else next(iter(result.values))
    missing = int((~np.isfinite(result.values[key])).sum())
    if not missing:
        return ""
    return (
        f"{count(missing)} of {count(table.size)} combinations of prompt and system have fewer than two texts and no "
        "number: comparisons use the prompts that both systems have."
    )


def _empty(result: Diversity) -> str:
    if not result.outputs.empty:
        return ""
    listed = join([f"{name} {count(number_)}" for name, number_ in result.outputs.empty.items()])
    return f"Empty texts were left out: {listed}. A system that often answers nothing is not measured by what it says."


def _uneven(result: Diversity) -> str:
    if not result.outputs.dropped:
        return ""
    listed = join([f"{name} {count(number_)}" for name, number_ in result.outputs.dropped.items()])
    return (
        "Systems had different numbers of samples for a prompt, on which several measures depend: texts were left out "
        f"at random to make them even ({listed})."
    )


def _lengths(result: Diversity) -> list[str]:
    found = []
    for row in result.contrasts:
        if row.measure != "words" or not (row.mean_first > 0.0 and row.mean_second > 0.0):
            continue
        ratio = row.mean_first / row.mean_second
        if max(ratio, 1.0 / ratio) > UNEQUAL_LENGTH:
            found.append(
                f"{row.first} writes {number(row.mean_first, 1)} words per text, {row.second} "
                f"{number(row.mean_second, 1)}: word counts and compression depend on length. "
                "Look at the measures on texts cut alike and at the "
                "differences at equal length."
            )
    return found


def methods_of(result: Diversity) -> str:
    """Return the paragraph for a paper, with formulas and sources."""
    return "\n\n".join([_design(result), _measures(result), _tests(result)])


def _design(result: Diversity) -> str:
    sizes = [rows.stop - rows.start for _, _, rows in result.outputs.cells()]
    samples = f"{min(sizes)}" if min(sizes) == max(sizes) else f"{min(sizes)} to {max(sizes)}"
    told = result.provenance["embedder"]
    name = told["embedder"]
    how = (
        "TF-IDF vectors of words and word pairs, reduced by a truncated singular value decomposition of these texts"
        if name == "tfidf-svd"
        else f"the embedder {name}"
    )
    return (
        f"We compared {counted(len(result.outputs.systems), 'system')} on "
        f"{counted(len(result.outputs.prompts), 'prompt')} with {samples} samples each "
        f"({counted(len(result.outputs), 'text')}). Texts were embedded by {how} "
        f"({result.provenance['embedding_dimensions']} dimensions) and compared by cosine."
    )


def _measures(result: Diversity) -> str:
    used = [BY_KEY[key] for key in result.values]
    lines = "; ".join(
        f"{one.label.lower() if one.label != 'Self-BLEU' else one.label} – {one.formula}"
        f"{f' ({one.source})' if one.source else ''}"
        for one in used
        if not one.key.endswith("_cut")
    )
    if any(one.key.endswith("_cut") for one in used):
        lines += "; and those that count words again on texts cut to the same number of words within each prompt"
    asked = result.settings
    rules = {
        "average": f"average-linkage clusters at a cosine of {asked.class_threshold:g}",
        "components": f"connected components of pairs with a cosine of at least {asked.class_threshold:g}",
        "given": "as given with the texts",
    }
    return (
        f"Per prompt and system we computed: {lines}. The threshold was {asked.threshold:g}; equivalence classes were "
        f"{rules[asked.classes]}. Words are runs of letters and digits in small letters; signs of scripts written "
        "without spaces count as words. Cut texts end after the smallest median length of a system for the prompt."
    )


def _tests(result: Diversity) -> str:
    if not result.contrasts:
        return "With one system nothing was compared."
    family = [row for row in result.contrasts if row.family]
    exact = all(row.test == "exact" for row in family)
    patterns = max((row.patterns for row in family), default=0)
    how = "all sign patterns" if exact else f"{count(patterns)} random sign patterns, p = (1 + hits)/(1 + patterns)"
    made = {row.interval for row in family}
    boot = (
        f"BCa bootstrap over prompts, {count(RESAMPLES)} resamples, Efron 1987; expanded for few prompts, "
        "Hesterberg 2015"
        if "BCa" in made
        else "t over prompts"
    )
    return (
        "Differences are means over prompts of the difference between two systems, with "
        f"{percent(result.settings.confidence).replace('.0%', '%')} intervals ({boot}). We tested each by flipping "
        f"signs within prompts, two-sided ({how}), and corrected by Holm's method: {_families(family)}. "
        "Beside them stand linear mixed models, value ~ system + (1 | prompt), REML with "
        "Satterthwaite's degrees of freedom, with and without the logarithm of mean length as covariate; their p "
        "values and those of the cut "
        f"measures are not corrected. Seed {result.settings.seed}."
    )


def _families(family: list[ContrastRow]) -> str:
    """Say over what was corrected."""
    first = [row for row in family if row.family == PRIMARY]
    others = counted(len(family) - len(first), "test")
    if not first:
        return f"{others} (measures × contrasts)"
    label = BY_KEY[first[0].measure].label
    label = label if label == "Self-BLEU" else label.lower()
    text = f"{label}, named as the primary measure beforehand, over {counted(len(first), 'contrast')}"
    return (
        f"{text}; the secondary measures over their {others} (measures × contrasts)"
        if len(family) > len(first)
        else text
    )
