"""What a text looks like: marks of form that are there or not, and numbers of length and style. All pure and quick."""

# ruff: noqa: E501 - patterns are easier to read whole

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

WORD = re.compile(r"[^\W\d_]+(?:['’\-][^\W\d_]+)*")
SENTENCE_END = re.compile(r"[.!?…。！？؟]+[\"'”’»)\]]*(?=\s|$)|[。！？]")
EMOJI = re.compile(
    "[\U0001f000-\U0001faff\u2600-\u26ff\u2702-\u27b0\u2b05-\u2b07\u2b1b\u2b1c\u2b50\u2b55\u231a\u231b\u23e9-\u23f3\U0001f1e6-\U0001f1ff]"
)
BOLD = re.compile(r"(?<![*\\])\*\*(?=\S)[^*\n]+?(?<=\S)\*\*|(?<![\w_])__(?=\S)[^_\n]+?(?<=\S)__(?!\w)")
ITALIC = re.compile(
    r"(?<![*\w\\])\*(?=[^\s*])[^*\n]{1,120}?(?<=[^\s*])\*(?![*\w])|(?<![\w_])_(?=[^\s_])[^_\n]{1,120}?(?<=[^\s_])_(?![\w_])"
)
HEADING = re.compile(r"^ {0,3}#{1,6} +\S.*$", re.MULTILINE)
BULLET = re.compile(r"^ {0,6}(?:[-*+•–‣◦●▪]) +\S.*$", re.MULTILINE)
NUMBERED = re.compile(r"^ {0,6}(?:\d{1,2}[.)]|\(\d{1,2}\)) +\S.*$", re.MULTILINE)
TABLE = re.compile(r"^\s*\|.+\|\s*$", re.MULTILINE)
CODE = re.compile(r"```|~~~|(?<!`)`[^`\n]+`(?!`)")
RULE = re.compile(r"^ {0,3}(?:[-*_] ?){3,}$", re.MULTILINE)
QUOTED_LINE = re.compile(r"^ {0,3}> ?\S.*$", re.MULTILINE)
LINK = re.compile(r"https?://\S+|www\.\S+\.\S+|\[[^\]\n]+\]\([^)\n]+\)")
TAG = re.compile(r"</?(?:p|br|b|i|em|strong|div|span|ul|ol|li|h[1-6]|a|code|pre)\b[^>]*>", re.IGNORECASE)
# What assistants say before they come to the point, in the languages of the platform.
PREAMBLE = re.compile(
    r"\A\s*(?:"
    r"(?:sure|certainly|of course|absolutely|definitely|great question|good question|great idea|okay|ok|alright|gladly)"
    r"(?:[!.,:]| thing[!.,]).{0,160}?(?:[:!.\n]|$)"
    r"|here(?:'s|’s| is| are) (?:an?|my|the|some|one|your|several|\w+) [^.!?\n]{0,120}:"
    r"|(?:natürlich|gerne?|klar|selbstverständlich)[!,.].{0,160}?(?:[:!.\n]|$)"
    r"|(?:¡?por supuesto|¡?claro(?: que sí)?|¡?desde luego)[!,.].{0,160}?(?:[:!.\n]|$)"
    r"|(?:конечно|разумеется)[!,.].{0,160}?(?:[:!.\n]|$)"
    r"|(?:当然(?:可以)?|好的)[！，。,!].{0,80}?(?:[：！。\n]|$)"
    r"|(?:بالتأكيد|بالطبع)[!،.].{0,160}?(?:[:!.\n]|$)"
    r")",
    re.IGNORECASE,
)
CLOSING = re.compile(
    r"(?:let me know if|i hope (?:this|that|you|it) (?:helps?|find|is helpful|works)|hope this helps|"
    r"would you like me to|feel free to (?:ask|reach|let me)|do you want me to|"
    r"if you(?:'d| would) like,? i can|is there anything else|happy to (?:help|elaborate)|"
    r"lass(?:en sie)? mich wissen|ich hoffe,? das hilft|espero que (?:esto )?(?:te |le )?ayude|"
    r"надеюсь,? это поможет|希望(?:这|对您|对你).{0,6}帮助|آمل أن يساعد)[^\n]*\Z",
    re.IGNORECASE,
)
LABEL = re.compile(
    r"\A\s*[*_#]{0,3}\s*(?:(?:final |my |possible |suggested )?(?:answer|response|output|idea|solution|result|reply|completion|"
    r"story|challenge|use)|antwort|respuesta|ответ|答案|回答|الإجابة)(?: \d{1,2})?\s*[*_]{0,3}\s*[:：]\s*[*_]{0,3}\s*",
    re.IGNORECASE,
)
CAPITALS = re.compile(r"\b[A-ZÄÖÜ]{4,}\b(?:[^\w\n]+[A-ZÄÖÜ]{2,}\b)*")
INVISIBLE = re.compile("[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff\u180e]")
SURROUNDED = re.compile(r"\A\s*(?:\"[^\"]+\"|“[^”]+”|'[^']+'|‘[^’]+’|«[^»]+»|„[^“”]+[“”])\s*\Z", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Form:
    """One mark of form: found by a pattern (or a test), named in words."""

    name: str
    words: str
    pattern: re.Pattern[str]
    markup: bool = False


FORMS: tuple[Form, ...] = (
    Form("heading", "headings (“# …”)", HEADING, markup=True),
    Form("bold", "bold type (“**…**”)", BOLD, markup=True),
    Form("italic", "italic type (“*…*”)", ITALIC, markup=True),
    Form("bullets", "bulleted lines", BULLET, markup=True),
    Form("numbered", "numbered lines", NUMBERED, markup=True),
    Form("table", "tables", TABLE, markup=True),
    Form("code", "code marks (backticks)", CODE, markup=True),
    Form("rule", "ruled lines (“---”)", RULE, markup=True),
    Form("quoted_line", "quoted lines (“> …”)", QUOTED_LINE, markup=True),
    Form("html", "HTML tags", TAG, markup=True),
    Form("link", "links", LINK),
    Form("emoji", "emoji", EMOJI),
    Form("preamble", "a preamble (“Sure! Here is …”)", PREAMBLE),
    Form("closing", "a closing offer (“Let me know if …”)", CLOSING),
    Form("label", "a leading label (“Answer:”)", LABEL),
    Form("surrounded", "quotation marks around the whole text", SURROUNDED),
    Form("curly_quotes", "typographic double quotes (“ ”)", re.compile("[“”„«»]")),
    Form("curly_apostrophe", "typographic apostrophes (’)", re.compile("[‘’]")),
    Form("straight_quotes", 'straight double quotes (")', re.compile('"')),
    Form("straight_apostrophe", "straight apostrophes (')", re.compile(r"(?<=\w)'(?=\w)")),
    Form("em_dash", "long dashes (—)", re.compile("—")),
    Form("en_dash", "dashes with spaces ( – )", re.compile(r"(?<=\s)–(?=\s)")),
    Form("double_hyphen", "double hyphens (--)", re.compile(r"(?<![-\n|])--(?!-)")),
    Form("spaced_hyphen", "hyphens with spaces ( - )", re.compile(r"(?<=\w) - (?=\w)")),
    Form("ellipsis", "ellipses (… or ...)", re.compile(r"…|\.{3,}")),
    Form("exclamation", "exclamation marks", re.compile("[!！]")),
    Form("question", "question marks", re.compile("[?？؟]")),
    Form("semicolon", "semicolons", re.compile("[;；؛]")),
    Form("colon", "colons", re.compile(r"[:：](?=\s|$)")),
    Form("brackets", "brackets", re.compile(r"\([^)\n]*\)")),
    Form("digits", "digits", re.compile(r"\d")),
    Form("capitals", "words in capitals", CAPITALS),
    Form("paragraphs", "several paragraphs", re.compile(r"\S\s*\n[ \t]*\n\s*\S")),
    Form("line_breaks", "line breaks", re.compile(r"\S[^\S\n]*\n")),
    Form("double_space", "double spaces", re.compile(r"(?<=\S) {2,}(?=\S)")),
    Form("trailing_space", "white space at the end", re.compile(r"\s\Z")),
    Form("leading_space", "white space at the beginning", re.compile(r"\A\s")),
    Form("no_break_space", "no-break spaces", re.compile("[\u00a0\u202f\u2007]")),
    Form("invisible", "invisible characters", INVISIBLE),
    Form("no_final_stop", "no punctuation at the end", re.compile(r"[\w,;:\-]\s*\Z")),
    Form("small_beginning", "a small letter at the beginning", re.compile(r"\A\s*[a-zäöüа-яéñ]")),
    Form("first_person", "“I” and “my”", re.compile(r"\b(?:I|I'm|I’m|I'd|I’d|I've|I’ve|my|My)\b")),
    Form("second_person", "“you” and “your”", re.compile(r"\b[Yy](?:ou|our|ourself)\b")),
    Form("contractions", "contractions (don't)", re.compile(r"\w[’'](?:t|re|ve|ll|s|d|m)\b")),
)
MARKUP = frozenset(form.name for form in FORMS if form.markup)


def forms_of(text: str) -> set[str]:
    """Return the names of the marks that a text has."""
    return {form.name for form in FORMS if form.pattern.search(text)}


LENGTHS: tuple[tuple[str, str], ...] = (
    ("characters", "characters"),
    ("words", "words"),
    ("sentences", "sentences"),
    ("lines", "lines"),
)
STYLE: tuple[tuple[str, str], ...] = (
    ("word_length", "letters a word"),
    ("sentence_length", "words a sentence"),
    ("type_token", "different words (share)"),
    ("capital_share", "capital letters (share)"),
    ("comma_rate", "commas (per 100 words)"),
    ("stop_rate", "full stops (per 100 words)"),
    ("question_rate", "question marks (per 100 words)"),
    ("exclamation_rate", "exclamation marks (per 100 words)"),
    ("dash_rate", "dashes (per 100 words)"),
    ("quote_rate", "quotation marks (per 100 words)"),
    ("colon_rate", "colons and semicolons (per 100 words)"),
    ("bracket_rate", "brackets (per 100 words)"),
    ("digit_rate", "digits (per 100 words)"),
    ("emoji_rate", "emoji (per 100 words)"),
    ("markup_rate", "signs of markup (per 100 words)"),
    ("ellipsis_rate", "ellipses (per 100 words)"),
    ("line_rate", "line breaks (per 100 words)"),
    ("person_rate", "“I” and “you” (per 100 words)"),
    ("long_share", "words of seven letters and more (share)"),
    ("short_share", "words of three letters and less (share)"),
)
_PERSON = frozenset(("i", "me", "my", "you", "your", "we", "our"))
_COUNTS: dict[str, Callable[[str], int]] = {
    "comma_rate": lambda text: text.count(",") + text.count("，") + text.count("،"),
    "stop_rate": lambda text: text.count(".") + text.count("。"),
    "question_rate": lambda text: text.count("?") + text.count("？") + text.count("؟"),
    "exclamation_rate": lambda text: text.count("!") + text.count("！"),
    "dash_rate": lambda text: text.count("—") + text.count("–") + text.count(" - ") + text.count("--"),
    "quote_rate": lambda text: sum(map(text.count, '"“”„«»')),
    "colon_rate": lambda text: sum(map(text.count, ":;：；")),
    "bracket_rate": lambda text: text.count("("),
    "digit_rate": lambda text: sum(map(str.isdigit, text)),
    "emoji_rate": lambda text: len(EMOJI.findall(text)) if not text.isascii() else 0,
    "markup_rate": lambda text: sum(map(text.count, "*#`_|>")),
    "ellipsis_rate": lambda text: text.count("…") + text.count("..."),
    "line_rate": lambda text: text.count("\n"),
}


def sentences_of(text: str) -> int:
    """Count sentences by their ends; a text without any is one."""
    return max(len(SENTENCE_END.findall(text)), 1)


def count_words(text: str) -> int:
    """Count words by white space; of a script without spaces, two characters are about a word."""
    words = len(text.split())
    if not text.isascii() and (han := sum("\u3040" <= letter <= "\u9fff" for letter in text)) > len(text) // 3:
        return max(words, han // 2)
    return words


def numbers_of(text: str) -> dict[str, float]:
    """Return length and style in numbers; rates are per 100 words, so that they say nothing of the length."""
    words = [word.lower() for word in WORD.findall(text)]
    count = max(len(words), 1)
    sentences = sentences_of(text)
    found: dict[str, float] = {
        "characters": float(len(text)),
        "words": float(count_words(text)),
        "sentences": float(sentences),
        "lines": float(text.strip().count("\n") + 1),
        "word_length": sum(map(len, words)) / count,
        "sentence_length": count / sentences,
        "type_token": len(set(words[:50])) / max(len(words[:50]), 1),
        "capital_share": sum(map(str.isupper, text)) / max(len(text), 1),
        "person_rate": 100 * sum(word in _PERSON for word in words) / count,
        "long_share": sum(len(word) > 6 for word in words) / count,  # noqa: PLR2004 - as its name says
        "short_share": sum(len(word) < 4 for word in words) / count,  # noqa: PLR2004
    }
    for name, counter in _COUNTS.items():
        found[name] = 100 * counter(text) / count
    return found
