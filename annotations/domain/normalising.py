"""Normalising texts: named rules in a fixed order, each on or off. Pure; what they are applied to is kept beside."""

# ruff: noqa: E501, S105 - patterns are easier to read whole; a token is no password

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache

from annotations.plugins.audits.features import EMOJI, FORMS, LABEL

from .plain_text import plain

VERSION = 1  # counts up when a rule changes what it does, so that texts are known to be made by the old one


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule: `change` returns the new text; `usual` ones are proposed to whoever has not chosen yet."""

    name: str
    label: str
    help: str
    change: Callable[[str], str]
    usual: bool = False


CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f]")
INVISIBLE = re.compile("[\u00ad\u200b\u200e\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff\u180e\ufffc]")
JOINERS = re.compile("[\u200c\u200d]")
SPACES = re.compile("[\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000]")
TOKEN = (
    r"(?:<\|[^|<>\n]{1,40}\|>|<｜[^｜\n]{1,40}｜>|\[/?INST\]|<</?SYS>>|</?s>|<(?:bos|eos|pad|unk)>|"
    r"<(?:start|end)_of_(?:turn|text)>|\[(?:PAD|EOS|BOS|SEP|CLS)\])"
)
AT_END = re.compile(rf"(?:\s*{TOKEN}\s*(?:assistant|user|model)?)+\s*\Z")
AT_BEGINNING = re.compile(rf"\A(?:\s*{TOKEN})+\s*")
THINGS = r"(?:ideas?|uses?|answers?|lists?|responses?|stor(?:y|ies)|challenges?|suggestions?|examples?|metaphors?|mottos?|versions?|ways?|premises?|options?|text|attempt)"
PREAMBLES = (
    re.compile(
        rf"\A\s*(?:(?:sure|certainly|of course|absolutely|definitely|great|okay|ok|alright|gladly)(?: thing)?[!.,]+\s*)?"
        rf"here(?:['’]s| is| are) [^\n:]{{0,60}}\b{THINGS}\b[^\n:]{{0,100}}:\s+",
        re.IGNORECASE,
    ),
    re.compile(
        r"\A\s*(?:(?:sure|certainly|of course|absolutely)(?: thing)?|great question|good question|great idea)!\s+"
        r"(?:here(?:['’]s| is| are) [^\n:]{0,160}:\s+)?",
        re.IGNORECASE,
    ),
    re.compile(r"\A\s*here(?:['’]s| is| are) [^\n:]{0,160}:[ \t]*\n\s*", re.IGNORECASE),
    re.compile(
        r"\A\s*(?:natürlich|gerne?|klar|selbstverständlich|¡?por supuesto|¡?claro(?: que sí)?|конечно|разумеется)[!.,]\s+"
        r"(?:(?:hier (?:ist|sind|kommt)|aquí (?:tienes?|está|van?)|вот) [^\n:]{0,160}:\s+)?",
        re.IGNORECASE,
    ),
    re.compile(r"\A\s*(?:当然(?:可以)?|好的)[！!，,。]\s*(?:(?:以下|这)[^\n：:]{0,60}[：:]\s*)?"),
    re.compile(r"\A\s*(?:بالتأكيد|بالطبع)[!،,.]\s*(?:(?:إليك|هذه?) [^\n:]{0,80}:\s*)?"),
)
QUOTES = str.maketrans({
    "“": '"', "”": '"', "„": '"', "‟": '"', "«": '"', "»": '"', "″": '"', "‘": "'", "’": "'", "‚": "'", "‛": "'",
    "‹": "'", "›": "'", "′": "'", "`": "'", "´": "'", "…": "...",
})  # fmt: skip
DASHES = re.compile(r"\s*[—―]\s*|[ \t]+[–-][ \t]+|(?<=[^\s-])[ \t]*--[ \t]*(?=[^\s-])")
FINAL_DASH = re.compile(r"\s*[—―]\s*\Z")
PAIRS = {'"': '"', "“": "”", "„": "“", "«": "»", "'": "'", "‘": "’", "「": "」"}
STOP = re.compile(r"(?<!\d)[.!?…。！？؟][\"'”’»)\]]*(?=\s|\Z)|[。！？]")
ENDED = re.compile(r"[.!?…。！？؟:)\]\"'”’»*]\s*\Z")


def _nfc(text: str) -> str:
    return unicodedata.normalize("NFC", text)


def _invisible(text: str) -> str:
    """Take out what cannot be seen; joiners stay within emoji and within Arabic and Indian scripts, where they matter."""
    text = SPACES.sub(" ", INVISIBLE.sub("", CONTROL.sub("", text)))
    return JOINERS.sub(lambda match: match[0] if _joins(text, match.start()) else "", text)


def _joins(text: str, at: int) -> bool:
    before, after = text[at - 1 : at], text[at + 1 : at + 2]
    if not before or not after:
        return False
    if EMOJI.match(after) and (EMOJI.match(before) or before == "\ufe0f" or "\U0001f3fb" <= before <= "\U0001f3ff"):
        return True
    return any("\u0600" <= letter <= "\u0dff" for letter in (before, after))


def _tokens(text: str) -> str:
    return AT_BEGINNING.sub("", AT_END.sub("", text))


def _labels(text: str) -> str:
    for pattern in PREAMBLES:
        shorter = pattern.sub("", text, count=1)
        if shorter != text and shorter.strip():
            text = shorter
            break
    shorter = LABEL.sub("", text, count=1)
    return shorter if shorter.strip() else text


def _markdown(text: str) -> str:
    has = any(form.markup and form.name != "html" and form.pattern.search(text) for form in FORMS)
    return plain(text) if has else text


def _quotes(text: str) -> str:
    text = text.translate(QUOTES)
    text = FINAL_DASH.sub(" –", text)
    return DASHES.sub(lambda match: match[0] if "\n" in match[0] else " – ", text)


def _surrounding(text: str) -> str:
    inner = text.strip()
    end = PAIRS.get(inner[:1])
    if not end or len(inner) < 3 or inner[-1] != end:  # noqa: PLR2004 - a sign on each side of something
        return text
    body = inner[1:-1]
    if end in body and not (end == "'" and re.fullmatch(r"(?:[^']|(?<=\w)'(?=\w))*", body)):
        return text  # two quotations, not one around everything
    return text if inner[0] in body and inner[0] != "'" else body


def _blank_lines(text: str) -> str:
    return re.sub(r"\n(?:[ \t]*\n){2,}", "\n\n", text)


def _trim(text: str) -> str:
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return "\n".join(line.rstrip() for line in text.split("\n")).strip()


def _unfinished(text: str) -> str:
    """Cut a last sentence that has no end, if a sentence stands before it; lines of a list need no end."""
    lines = [line for line in text.split("\n") if line.strip()]
    if ENDED.search(text) or (len(lines) > 1 and not ENDED.search(lines[-2])):
        return text
    ends = list(STOP.finditer(text))
    return text[: ends[-1].end()] if ends else text


RULES: tuple[Rule, ...] = (
    Rule("unicode", "Unicode in one form", "NFC: the same letter is the same character.", _nfc, usual=True),
    Rule("invisible", "Invisible characters", "Taken out; no-break and other odd spaces become spaces.", _invisible, usual=True),
    Rule("tokens", "Trailing special tokens", "<|eot_id|>, </s>, [INST] at the beginning or the end.", _tokens, usual=True),
    Rule("labels", "Leading labels and preambles", "“Answer:”, “Sure! Here is an idea:”.", _labels),
    Rule("markdown", "Markdown to plain text", "Headings, bold, bullets, code marks and links lose their signs.", _markdown),
    Rule("quotes", "Quotation marks and dashes", "All become straight quotes, “ – ” and “...”.", _quotes),
    Rule("surrounding", "Quotation marks around the whole text", "A text in quotation marks loses them.", _surrounding),
    Rule("unfinished", "Unfinished last sentence", "Cut off, if a whole one stands before it.", _unfinished),
    Rule("blank_lines", "Runs of blank lines", "Become one blank line.", _blank_lines, usual=True),
    Rule("trim", "White space at the ends and line ends", "Taken off at both ends and after each line.", _trim, usual=True),
)  # fmt: skip
NAMES = tuple(rule.name for rule in RULES)


@dataclass(frozen=True, slots=True)
class Step:
    """What one rule made of a text."""

    rule: str
    before: str
    after: str


def chosen(names: Iterable[str]) -> tuple[Rule, ...]:
    """Return the rules of these names in their fixed order; raises KeyError for an unknown one."""
    wanted = set(names)
    if unknown := wanted - set(NAMES):
        raise KeyError(min(unknown))
    return tuple(rule for rule in RULES if rule.name in wanted)


def normalise(text: str, names: Iterable[str]) -> str:
    """Return the text by these rules; one that would become empty stays as it is."""
    for rule in chosen(names):
        text = kept if (kept := rule.change(text)).strip() else text
    return text


def empties(text: str, names: Iterable[str]) -> bool:
    """Whether a rule would have left nothing of the text."""
    for rule in chosen(names):
        changed = rule.change(text)
        if not changed.strip():
            return True
        text = changed
    return False


def steps(text: str, names: Iterable[str]) -> Iterator[Step]:
    """Yield what each rule changes, in order."""
    for rule in chosen(names):
        after = rule.change(text)
        if after != text and after.strip():
            yield Step(rule.name, text, after)
            text = after


@lru_cache(maxsize=64)
def _fingerprint(names: tuple[str, ...]) -> str:
    return hashlib.sha256(f"{VERSION} {' '.join(names)}".encode()).hexdigest()[:16]


def fingerprint(names: Iterable[str]) -> str:
    """Return what `Output.prepared` holds for texts made by these rules; nothing for none."""
    ordered = tuple(rule.name for rule in chosen(names))
    return _fingerprint(ordered) if ordered else ""


def differences(before: str, after: str) -> tuple[list[tuple[str, bool]], list[tuple[str, bool]]]:
    """Return both texts in pieces, each with whether it differs: for showing them side by side."""
    from difflib import SequenceMatcher

    old, new = (re.findall(r"\s+|\w+|[^\w\s]", text) for text in (before, after))
    matcher = SequenceMatcher(a=old, b=new, autojunk=False)
    left: list[tuple[str, bool]] = []
    right: list[tuple[str, bool]] = []
    for tag, first, second, third, fourth in matcher.get_opcodes():
        if first != second:
            left.append(("".join(old[first:second]), tag != "equal"))
        if third != fourth:
            right.append(("".join(new[third:fourth]), tag != "equal"))
    return left, right
