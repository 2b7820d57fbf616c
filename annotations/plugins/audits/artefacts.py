"""Artefacts of the making: template tokens, leaked instructions, loops, broken encodings, texts cut in the middle."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, ClassVar

from annotations.registry import Audit, AuditedText, AuditFinding, Option, Severity, Surroundings, audits

from . import artefact_patterns as patterns
from .arms import ALPHA, Arms
from .places import Hit, by_system, evidence, outputs_of, says, sizes_of

SIMPLE: tuple[tuple[str, re.Pattern[str], Severity, str, str], ...] = (
    ("tokens", patterns.TOKENS, "leak", "Tokens of a chat template", "hold special tokens such as <|eot_id|>"),
    ("turns", patterns.TURNS, "leak", "Turns of a chat", "hold turns of a chat such as “Assistant:”"),
    ("templates", patterns.TEMPLATES, "leak", "Words of an instruction", "repeat the wording of an instruction"),
    (
        "experiment",
        patterns.EXPERIMENT,
        "leak",
        "Labels of the experiment",
        "hold a label or setting such as [steered] or temperature=1.2",
    ),
    (
        "encoding",
        patterns.MOJIBAKE,
        "warning",
        "Broken characters",
        "hold characters of a wrong encoding",
    ),
    ("holes", patterns.HOLES, "warning", "Unfilled places of a template", "hold an unfilled place such as [your name]"),
    ("escapes", patterns.ESCAPES, "warning", "Escaped characters", r"hold escapes such as \n, &amp; or raw JSON"),
)
LONG_RUN = 12  # words of the prompt in a row
LEAST_PROMPT = 5
FIRST = 4
LEAST_INSTRUCTION = 8
COMMON = 0.2
LONG_ENOUGH = 12  # words, from which a text should end with a full stop
USUAL_END = 0.8
REPEATED_LINES = 3
LEAST_LINE = 4
TOKEN = re.compile(r"\w+")


@audits.register
class Artefacts(Audit):
    """What the machinery left behind."""

    name = "artefacts"
    label = "Artefacts of generation"
    question = "Is anything of the machinery in a text: tokens, instructions, loops, broken characters, a cut end?"
    takes: ClassVar[tuple[Option, ...]] = (
        Option("loops", "A loop is the same words so many times in a row", "number", 4, least=3, most=50),
    )

    def examine(
        self, texts: Sequence[AuditedText], *, around: Surroundings, settings: Mapping[str, Any]
    ) -> Iterator[AuditFinding]:
        """One finding for each kind."""
        sizes = sizes_of(texts)
        for key, pattern, severity, title, what in SIMPLE:
            hits = [hit for text in texts if (hit := _first(text, pattern)) is not None]
            if hits:
                yield _finding(key, hits, severity=severity, title=title, what=what, sizes=sizes)
        loops = [hit for text in texts if (hit := _loop(text, settings["loops"])) is not None]
        if loops:
            what = "repeat the same words over and over"
            yield _finding("loops", loops, severity="warning", title="Loops", what=what, sizes=sizes)
        yield from _leaked_instructions(texts, around.system_prompts, sizes=sizes)
        yield from _repeated_prompts(texts, sizes=sizes)
        yield from _cut(texts, sizes=sizes)


def _first(text: AuditedText, pattern: re.Pattern[str]) -> Hit | None:
    match = pattern.search(text.text)
    if match is None or (match[0].strip() and match[0].strip().casefold() in text.question.casefold()):
        return None
    lead = len(match[0]) - len(match[0].lstrip())
    return Hit(text, match.start() + lead, match.end())


def _finding(
    key: str, hits: Sequence[Hit], *, severity: Severity, title: str, what: str, sizes: Mapping[str, int]
) -> AuditFinding:
    ids = outputs_of(hits)
    advice = {
        "tokens": "The rule “trailing special tokens” takes those at the end off; exclude what is left.",
        "cut": "The rule “unfinished last sentence” cuts them at the last full stop; or generate with more tokens.",
    }.get(key, "Exclude these outputs, or have them written again.")
    return AuditFinding(
        key=key,
        severity=severity,
        title=title,
        detail=f"{says(len(ids), what)}.",
        advice=advice,
        outputs=ids,
        evidence=evidence(hits),
        figures=by_system((hit.text for hit in hits), sizes),
    )


def _loop(text: AuditedText, times: int) -> Hit | None:
    """Find characters, words or lines that come again and again."""
    if match := patterns.LOOP_CHARACTERS.search(text.text):
        return Hit(text, *match.span())
    for match in patterns.LOOP_WORDS.finditer(text.text):
        unit = len(TOKEN.findall(match[1]))
        repeated = len(TOKEN.findall(match[0])) // max(unit, 1)
        enough = times if unit > 1 else times + 2  # "no, no, no, no" is a way of speaking
        if repeated >= enough and not match[1].isdigit():
            return Hit(text, *match.span())
    parts = [part.strip().casefold() for part in re.split(r"[\n.!?。！？]+", text.text)]
    counts = Counter(part for part in parts if len(part.split()) >= LEAST_LINE)
    for part, count in counts.most_common(1):
        if count >= REPEATED_LINES and count * len(part) > len(text.text) / 4:
            at = max(text.text.casefold().find(part), 0)
            return Hit(text, at, min(at + len(part), len(text.text)))
    return None


def _words(text: str) -> list[str]:
    return [word.casefold() for word in TOKEN.findall(text)]


def _shared_run(text: AuditedText, source: str, *, least: int) -> Hit | None:
    """Return the first `least` words in a row that a text has from another."""
    wanted = _words(source)
    if len(wanted) < least:
        return None
    runs = {tuple(wanted[at : at + least]) for at in range(len(wanted) - least + 1)}
    tokens = list(TOKEN.finditer(text.text))
    own = [token[0].casefold() for token in tokens]
    for at in range(len(own) - least + 1):
        if tuple(own[at : at + least]) in runs:
            return Hit(text, tokens[at].start(), tokens[at + least - 1].end())
    return None


def _leaked_instructions(
    texts: Sequence[AuditedText], instructions: Sequence[str], *, sizes: Mapping[str, int]
) -> Iterator[AuditFinding]:
    known = [one for one in instructions if len(_words(one)) >= LEAST_INSTRUCTION]
    hits = [
        hit for text in texts for one in known if (hit := _shared_run(text, one, least=LEAST_INSTRUCTION)) is not None
    ]
    if hits:
        what = "repeat a system prompt of this study"
        yield _finding("instruction", hits, severity="leak", title="A system prompt leaked", what=what, sizes=sizes)


Runs = dict[tuple[str, ...], set[tuple[str, ...]]]


def _prompt_index(questions: Iterable[str]) -> Runs:
    """Return the telling runs of all prompts (a short prompt whole, of a long one LONG_RUN words), by first words."""
    index: Runs = defaultdict(set)
    for question in questions:
        words = _words(question)
        if len(words) >= LEAST_PROMPT:
            size = min(len(words), LONG_RUN)
            for at in range(len(words) - size + 1):
                index[tuple(words[at : at + FIRST])].add(tuple(words[at : at + size]))
    return index


def _from_prompts(text: AuditedText, index: Runs) -> Hit | None:
    """Return the first run of words that a text has from a prompt, its own or another one."""
    tokens = list(TOKEN.finditer(text.text))
    words = [token[0].casefold() for token in tokens]
    for at in range(len(words) - FIRST + 1):
        for run in index.get(tuple(words[at : at + FIRST]), ()):
            if tuple(words[at : at + len(run)]) == run:
                return Hit(text, tokens[at].start(), tokens[at + len(run) - 1].end())
    return None


def _repeated_prompts(texts: Sequence[AuditedText], *, sizes: Mapping[str, int]) -> Iterator[AuditFinding]:
    """Find texts that repeat their prompt; that many do in all systems alike is the style of the task."""
    index = _prompt_index({text.question for text in texts})
    hits = [hit for text in texts if (hit := _from_prompts(text, index)) is not None]
    if not hits:
        return
    arms = Arms(texts)
    uneven = [one for one in arms.differences({"prompt": [hit.text for hit in hits]}) if one.p < ALPHA]
    shares = [sum(hit.text.system == name for hit in hits) / size for name, size in sizes.items()]
    severity: Severity = "note" if min(shares) >= COMMON and not uneven else "warning"
    if uneven and min(shares) == 0:
        severity = "leak"
    what = "repeat a prompt of this study"
    yield _finding("prompt", hits, severity=severity, title="The prompt is repeated", what=what, sizes=sizes)


def _cut(texts: Sequence[AuditedText], *, sizes: Mapping[str, int]) -> Iterator[AuditFinding]:
    """Find texts that end in the middle: marked so, after a word that cannot end a sentence, or unlike all others."""
    long = [text for text in texts if len(text.text.split()) >= LONG_ENOUGH]
    ended = sum(bool(patterns.FULL_STOP.search(text.text)) for text in long)
    usual = bool(long) and ended / len(long) >= USUAL_END
    hits, certain = [], 0
    for text in texts:
        stopped = bool(patterns.FULL_STOP.search(text.text)) and "truncated" not in text.marks
        if stopped:
            continue
        dangling = len(text.text.split()) >= LONG_ENOUGH and bool(patterns.OPEN_END.search(text.text))
        sure = "truncated" in text.marks or (usual and dangling)
        if sure or (usual and len(text.text.split()) >= LONG_ENOUGH):
            hits.append(Hit(text, max(len(text.text.rstrip()) - 30, 0), len(text.text.rstrip())))
            certain += sure
    if not hits:
        return
    uneven = [one for one in Arms(texts).differences({"cut": [hit.text for hit in hits]}) if one.p < ALPHA]
    severity: Severity = "warning" if uneven or certain else "note"
    what = "end in the middle of a sentence"
    yield _finding("cut", hits, severity=severity, title="Texts are cut off", what=what, sizes=sizes)
