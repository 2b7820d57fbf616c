"""Formatting that one system has and the others have not: markup, lists, emoji, quotes, preambles, signs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar

from annotations.registry import Audit, AuditedText, AuditFinding, Option, Severity, Surroundings, audits

from .arms import ALPHA, Arms, Difference
from .features import FORMS, Form
from .places import Hit, by_system, evidence, sizes_of

FEW = 3
ALONE = 0.05  # for markup that only one system has
ONE_SIDED = 0.05  # the others' share, up to which only one system has it
HALF = 0.5


@audits.register
class Formatting(Audit):
    """Fisher's exact test of each mark of form between systems, corrected over all, with a least difference."""

    name = "formatting"
    label = "Formatting that only one system has"
    question = "Could a rater tell a system by its headings, lists, emoji, quotation marks, dashes or preambles?"
    takes: ClassVar[tuple[Option, ...]] = (
        Option(
            "least", "Smallest difference that matters, in percentage points", "number", 10, least=1, most=100,
            help="Smaller ones are not told, however sure they are.",
        ),
    )  # fmt: skip

    def examine(
        self, texts: Sequence[AuditedText], *, around: Surroundings, settings: Mapping[str, Any]
    ) -> Iterator[AuditFinding]:
        """One finding for each mark of form that differs."""
        del around
        arms, sizes = Arms(texts), sizes_of(texts)
        having = {form.name: [text for text in texts if form.pattern.search(text.text)] for form in FORMS}
        having = {name: found for name, found in having.items() if found}
        forms = {form.name: form for form in FORMS}
        told: set[str] = set()
        for one in sorted(arms.differences(having), key=lambda one: (one.p, one.feature)):
            if one.feature in told or one.size < settings["least"] / 100:
                continue
            severity = _severity(one, forms[one.feature], arms)
            if severity is not None:
                told.add(one.feature)
                yield _finding(one, forms[one.feature], severity=severity, having=having[one.feature], sizes=sizes)
        yield from _mixed(having, forms, told=told, sizes=sizes)


def _severity(one: Difference, form: Form, arms: Arms) -> Severity | None:
    """A sure difference warns; one that nearly tells the systems apart is a leak. Markup may be less sure."""
    if one.p < ALPHA:
        return "leak" if one.share >= HALF and one.other_share <= ONE_SIDED else "warning"
    only = one.other_count == 0 and one.count >= FEW
    if form.markup and only and one.p_alone < ALONE:
        return "warning"
    return "note" if form.markup and only and len(arms.systems) > 1 else None


def _finding(
    one: Difference, form: Form, *, severity: Severity, having: Sequence[AuditedText], sizes: Mapping[str, int]
) -> AuditFinding:
    mine = [text for text in having if text.system == one.system]
    rest = "the other system" if len(sizes) == 2 else "the others"  # noqa: PLR2004 - a pair
    sure = f"p = {one.p:.2g}, corrected" if one.p < ALPHA else "too few to be sure"
    return AuditFinding(
        key=f"form:{form.name}:{one.system}",
        severity=severity,
        title=f"“{one.system}” has {form.words}",
        detail=f"{one.share:.0%} of its outputs have {form.words}, of {rest} {one.other_share:.0%} ({sure}).",
        advice=_advice(form),
        outputs=tuple(text.output for text in mine),
        evidence=evidence([Hit(text, *_place(form, text.text)) for text in mine]),
        figures=by_system(having, sizes) | {"p": one.p, "difference": one.size},
    )


def _place(form: Form, text: str) -> tuple[int, int]:
    match = form.pattern.search(text)
    if match is None:
        return 0, 0
    return match.start(), min(match.end(), match.start() + 80)


def _advice(form: Form) -> str:
    if form.markup:
        return "Turn on the rule “Markdown to plain text” below: it changes all systems alike."
    rule = {
        "preamble": "leading labels and preambles",
        "label": "leading labels and preambles",
        "surrounded": "quotation marks around the whole text",
        "trailing_space": "white space at the ends and line ends",
        "leading_space": "white space at the ends and line ends",
        "paragraphs": "runs of blank lines",
        "invisible": "invisible characters",
        "no_break_space": "invisible characters",
        "curly_quotes": "quotation marks and dashes",
        "curly_apostrophe": "quotation marks and dashes",
        "straight_quotes": "quotation marks and dashes",
        "straight_apostrophe": "quotation marks and dashes",
        "em_dash": "quotation marks and dashes",
        "en_dash": "quotation marks and dashes",
        "double_hyphen": "quotation marks and dashes",
        "spaced_hyphen": "quotation marks and dashes",
        "ellipsis": "quotation marks and dashes",
        "no_final_stop": "unfinished last sentence",
    }.get(form.name)
    if rule:
        return f"The rule “{rule}” below makes all systems alike."
    return "Ask for the same form in every system's prompt, or note in the design that it differs."


def _mixed(
    having: Mapping[str, Sequence[AuditedText]],
    forms: Mapping[str, Form],
    *,
    told: set[str],
    sizes: Mapping[str, int],
) -> Iterator[AuditFinding]:
    """Note markup that several systems have: it gives nobody away, but raters see raw signs."""
    texts = {
        text.output: text for name, found in having.items() if forms[name].markup and name not in told for text in found
    }
    if len({text.system for text in texts.values()}) < min(2, len(sizes)):
        return
    hits = []
    for text in texts.values():
        form = next(form for form in FORMS if form.markup and form.pattern.search(text.text))
        hits.append(Hit(text, *_place(form, text.text)))
    if hits:
        yield AuditFinding(
            key="form:markup",
            severity="note",
            title="Markup stands in the texts",
            detail=f"{len(hits):,} outputs of several systems hold Markdown or HTML, which raters see as raw signs.",
            advice="The rule “Markdown to plain text” below takes it away.",
            outputs=tuple(texts),
            evidence=evidence(hits),
            figures=by_system(texts.values(), sizes),
        )
