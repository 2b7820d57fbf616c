"""A simple classifier that guesses the system from the text: by length, by style, by words."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from annotations.registry import Audit, AuditedText, AuditFinding, Evidence, Option, Severity, Surroundings, audits

from .features import LENGTHS, STYLE, numbers_of
from .guessing import Guess, can_guess, guess
from .places import Hit, evidence

ALPHA = 0.02
TOLD = 5
MOST_WORDS = 20_000
CHANCE = 0.5
# By what it guesses: a leak from (AUC, lower end), a warning from (AUC, lower end). Words never warn: systems are
# compared because they say different things, and a habit of wording has an audit of its own.
LIMITS = {"length": ((0.9, 0.8), (0.65, 0.53)), "style": ((0.9, 0.8), (0.68, 0.55))}
WHAT = {"length": "its length", "style": "its style", "words": "its words"}
TITLES = {"length": "Length tells", "style": "Style tells", "words": "Words tell"}


@dataclass(frozen=True, slots=True)
class _Side:
    """Two sides to be told apart, and the name of the second: a system, or all others."""

    system: str
    other: str
    texts: tuple[AuditedText, ...]

    @property
    def is_first(self) -> list[bool]:
        return [text.system == self.system for text in self.texts]

    @property
    def prompts(self) -> list[str]:
        return [text.prompt for text in self.texts]


@audits.register
class Classifier(Audit):
    """Each system against the baseline (or, without one, against the rest), three classifiers each."""

    name = "classifier"
    label = "Guessing the system"
    question = "How often would a simple classifier guess right which of two texts a system wrote, and by what?"
    takes: ClassVar[tuple[Option, ...]] = (
        Option(
            "most", "Most texts to train on", "number", 2000, least=200, most=50_000,
            help="Of more, whole prompts are drawn at random.",
        ),
        Option("words", "Guess by words and letters, too", "yes_no", default=True),
    )  # fmt: skip

    def examine(
        self, texts: Sequence[AuditedText], *, around: Surroundings, settings: Mapping[str, Any]
    ) -> Iterator[AuditFinding]:
        """One finding for each pair of sides and each kind of features by which it can be guessed."""
        sides = [side for side in _sides(texts, around) if can_guess(side.is_first, side.prompts)]
        kinds = ("length", "style", "words") if settings["words"] else ("length", "style")
        alpha = ALPHA / max(len(sides) * len(kinds), 1)
        for side in sides:
            drawn = _drawn(side, settings["most"])
            table = np.array([list(numbers_of(text.text).values()) for text in drawn.texts])
            names = list(numbers_of("").keys())
            for kind in kinds:
                found = _guess(kind, drawn, table, names=names, alpha=alpha)
                severity = _severity(kind, found)
                if severity is not None:
                    columns = (table, names)
                    yield _finding(kind, drawn, found, severity=severity, columns=columns, whole=side)


def _sides(texts: Sequence[AuditedText], around: Surroundings) -> Iterator[_Side]:
    names = sorted({text.system for text in texts})
    if len(names) < 2:  # noqa: PLR2004 - nothing to tell apart
        return
    baseline = around.baseline if around.baseline in names else ""
    if not baseline and len(names) == 2:  # noqa: PLR2004 - of two, the second is the other
        baseline = names[1]
    for name in names:
        if name == baseline:
            continue
        if baseline:
            yield _Side(name, baseline, tuple(text for text in texts if text.system in {name, baseline}))
        else:
            yield _Side(name, "", tuple(texts))


def _drawn(side: _Side, most: int) -> _Side:
    """Draw whole prompts, in an order that depends on their keys alone, until there are texts enough."""
    if len(side.texts) <= most:
        return side
    groups: dict[str, list[AuditedText]] = defaultdict(list)
    for text in side.texts:
        groups[text.prompt].append(text)
    chosen: list[AuditedText] = []
    each = max(most // max(len(groups), 1), 10)  # of a large cell some samples are enough
    for key in sorted(groups, key=lambda key: hashlib.sha256(key.encode()).digest()):
        ranked: dict[str, list[AuditedText]] = defaultdict(list)
        for text in groups[key]:
            ranked[text.system].append(text)
        kept = [text for one in ranked.values() for text in one[: max(each // len(ranked), 2)]]
        if len(chosen) + len(kept) > most:
            break
        chosen += kept
    return _Side(side.system, side.other, tuple(chosen))


def _guess(kind: str, side: _Side, table: Any, *, names: Sequence[str], alpha: float) -> Guess:
    if kind == "words":
        content: Any = [text.text for text in side.texts]
        return guess(_word_model, content, side.is_first, prompts=side.prompts, alpha=alpha)
    chosen = [names.index(name) for name, _ in (LENGTHS if kind == "length" else STYLE)]
    content = np.log1p(table[:, chosen]) if kind == "length" else table[:, chosen]
    return guess(_number_model, content, side.is_first, prompts=side.prompts, alpha=alpha)


def _number_model() -> Any:
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    return make_pipeline(StandardScaler(), LogisticRegression(C=0.1, max_iter=500, class_weight="balanced"))


def _word_model() -> Any:
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline, make_union

    words = TfidfVectorizer(ngram_range=(1, 2), min_df=2, max_features=MOST_WORDS, sublinear_tf=True)
    letters = TfidfVectorizer(
        analyzer="char_wb", ngram_range=(2, 3), min_df=3, max_features=MOST_WORDS, sublinear_tf=True
    )
    return make_pipeline(make_union(words, letters), LogisticRegression(max_iter=300, class_weight="balanced"))


def _severity(kind: str, found: Guess) -> Severity | None:
    if kind in LIMITS:
        leak, warning = LIMITS[kind]
        if found.auc >= leak[0] and found.low >= leak[1]:
            return "leak"
        if found.auc >= warning[0] and found.low >= warning[1]:
            return "warning"
    return "note" if found.low > CHANCE else None


def _finding(
    kind: str, side: _Side, found: Guess, *, severity: Severity, columns: tuple[Any, Sequence[str]], whole: _Side
) -> AuditFinding:
    other = f"“{side.other}”" if side.other else "the others"
    by = _words_that_tell(side) if kind == "words" else _numbers_that_tell(kind, side, *columns)
    drawn = "" if len(side.texts) == len(whole.texts) else f" (drawn {len(side.texts):,} of {len(whole.texts):,} texts)"
    advice = {
        "length": "Match on length here, ask for a length in every prompt, or note it in the design.",
        "style": "Bring the texts to one form below, or note it in the design.",
        "words": "Some of this is what is to be judged. Look whether these words name a topic or a habit.",
    }[kind]
    return AuditFinding(
        key=f"{kind}:{side.system}:{side.other}",
        severity=severity,
        title=f"{TITLES[kind]} “{side.system}” from {other}",
        detail=f"Of two texts to one prompt, a classifier that sees only {WHAT[kind]} finds the one by "
        f"“{side.system}” in {found.auc:.0%} (AUC {found.auc:.2f}, interval {found.low:.2f} to {found.high:.2f}; "
        f"0.50 is chance){drawn}. What gives it away: {'; '.join(by) or 'nothing that stands out alone'}.",
        advice=advice,
        evidence=_ends(side) if kind == "length" else (),
        figures={"auc": found.auc, "low": found.low, "high": found.high, "by": by},
        about_length=kind == "length",
    )


def _numbers_that_tell(kind: str, side: _Side, table: Any, names: Sequence[str]) -> list[str]:
    """Name the numbers that differ most, in units of their spread, with both means."""
    first = np.array(side.is_first)
    told = []
    for name, label in LENGTHS if kind == "length" else STYLE:
        column = table[:, names.index(name)]
        spread = float(np.sqrt((column[first].var() + column[~first].var()) / 2))
        mine, theirs = float(column[first].mean()), float(column[~first].mean())
        if spread > 0 and abs(mine - theirs) / spread > 0.2:  # noqa: PLR2004 - a small difference, after Cohen
            how = "more" if mine > theirs else "fewer"
            told.append((abs(mine - theirs) / spread, f"{how} {label} ({_short(mine)} against {_short(theirs)})"))
    return [words for _, words in sorted(told, reverse=True)[:TOLD]]


def _short(value: float) -> str:
    return f"{value:.0f}" if value >= 10 else f"{value:.2f}"  # noqa: PLR2004


def _words_that_tell(side: _Side) -> list[str]:
    """Name the words with the largest weights, those of this system first."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression

    words = TfidfVectorizer(ngram_range=(1, 2), min_df=3, max_features=MOST_WORDS, sublinear_tf=True)
    try:
        matrix = words.fit_transform([text.text for text in side.texts])
    except ValueError:  # no word is there three times
        return []
    model = LogisticRegression(max_iter=300, class_weight="balanced").fit(matrix, side.is_first)
    order, names = np.argsort(model.coef_[0]), words.get_feature_names_out()
    mine = ", ".join(f"“{names[at]}”" for at in order[::-1][:TOLD])
    theirs = ", ".join(f"“{names[at]}”" for at in order[:TOLD])
    return [f"“{side.system}” says {mine}", f"{f'“{side.other}”' if side.other else 'the others'} {theirs}"]


def _ends(side: _Side) -> tuple[Evidence, ...]:
    """Show the longest of the longer side and the shortest of the other."""
    ranked = sorted(side.texts, key=lambda text: len(text.text))
    return evidence([Hit(text, 0, 0) for text in (ranked[0], ranked[-1])])
