"""The text of a formula: response, fixed effects, and random effects in lme4's notation."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

FUNCTIONS: Final = frozenset(
    {"C", "I", "bs", "center", "cr", "cc", "exp", "log", "log10", "log2", "poly", "scale", "sqrt", "abs"}
)
"""What may be called in a formula. Formulas may come from a web form, and formulaic would run any Python in them."""
_MEMBER: Final = re.compile(
    r"(?<![\w.])(?:contr\.(?:treatment|sum|helmert|poly|diff)|np\.(?:log|log1p|log2|log10|exp|sqrt|abs))\b"
)
_FORBIDDEN: Final = re.compile(r"__|[\[\];\\@!]|:=|\.\s*[^\W\d]|\w''")
_QUOTED: Final = re.compile(r"'[^']*'|\"[^\"]*\"")
_NAME: Final = re.compile(r"(?<![\w.])([^\W\d]\w*)\s*(\(|=(?!=))?")
_BACKTICKS: Final = re.compile(r"`([^`]+)`")
_WORDS: Final = frozenset({"True", "False", "None"})


class FormulaError(ValueError):
    """A formula cannot be read or does not fit the table."""


@dataclass(frozen=True, slots=True)
class RandomTerm:
    """One random term ``(slopes | group)``; several columns of ``slopes`` are correlated.

    ``group`` holds the variables whose combinations are the levels: ``("rater", "system")`` for ``rater:system``.
    """

    slopes: str
    group: tuple[str, ...]

    @property
    def name(self) -> str:
        """Return the grouping factor as a table shows it."""
        return ":".join(self.group)

    def __str__(self) -> str:
        """Return the term in lme4's notation."""
        return f"({self.slopes} | {self.name})"


@dataclass(frozen=True, slots=True)
class ModelFormula:
    """A parsed formula; ``response`` is empty (none), one expression, or successes and failures of ``cbind``."""

    response: tuple[str, ...]
    fixed: str
    random: tuple[RandomTerm, ...]

    def __str__(self) -> str:
        """Return the formula in one line, random terms expanded."""
        left = f"cbind({', '.join(self.response)})" if len(self.response) > 1 else "".join(self.response)
        return f"{left} ~ {' + '.join([self.fixed, *map(str, self.random)])}".strip()

    def variables(self) -> tuple[str, ...]:
        """Return every variable that the formula needs, in order of appearance."""
        texts = [*self.response, self.fixed]
        texts += [part for term in self.random for part in (term.slopes, *term.group)]
        return tuple(dict.fromkeys(name for text in texts for name in variables_of(text)))


def parse_formula(text: str) -> ModelFormula:
    """Read ``response ~ fixed + (slopes | group) + …``.

    The response may be missing (``~ system``, or no ``~`` at all) or ``cbind(successes, failures)``. Random terms:
    ``(1 | g)``, ``(1 | a:b)``, ``(1 | a/b)`` = a and a:b, ``(1 + x | g)`` correlated, ``(x || g)`` uncorrelated,
    ``(0 + x | g)``. Raises :class:`FormulaError` with what is wrong and what to write.
    """
    left, _, right = text.rpartition("~")
    if "~" in left:
        raise FormulaError(f"formula {text!r} has more than one '~'")
    fixed, bars = _split_random(right)
    random = tuple(term for bar in bars for term in _random_terms(bar))
    seen: set[RandomTerm] = set()
    for term in random:
        if term in seen:
            raise FormulaError(f"random term {term} occurs twice in {text!r}: keep one")
        seen.add(term)
    return ModelFormula(_response(left.strip()), fixed, random)


def variables_of(text: str) -> tuple[str, ...]:
    """Return the variables of an expression; refuse anything but arithmetic and the functions of ``FUNCTIONS``."""
    names = _BACKTICKS.findall(text)
    plain = _MEMBER.sub("I", _QUOTED.sub("''", _BACKTICKS.sub(" ", text)))
    if _FORBIDDEN.search(plain):
        raise FormulaError(
            f"{text!r}: only variables, + - * / : ^ and functions such as log(x) may stand in a formula; "
            "put an unusual column name in `backticks`"
        )
    for name, after in _NAME.findall(plain):
        if after == "(" and name not in FUNCTIONS:
            raise FormulaError(f"{name}() is not known in a formula: use one of {', '.join(sorted(FUNCTIONS))}")
        if not after and name not in _WORDS:
            names.append(name)
    return tuple(dict.fromkeys(names))


def top_level_terms(text: str) -> tuple[str, ...]:
    """Return the pieces between the ``+`` and ``-`` signs that stand outside all parentheses."""
    pieces, depth, start = [], 0, 0
    for index, letter in enumerate(text):
        depth += (letter == "(") - (letter == ")")
        if letter in "+-" and depth == 0:
            pieces.append(text[start:index])
            start = index + 1
    return tuple(piece.strip() for piece in [*pieces, text[start:]] if piece.strip())


def _response(text: str) -> tuple[str, ...]:
    if not text:
        return ()
    match = re.fullmatch(r"cbind\s*\((.*)\)", text, re.DOTALL)
    if match is None:
        return (text,)
    parts, depth, start = [], 0, 0
    for index, letter in enumerate(match[1]):
        depth += (letter == "(") - (letter == ")")
        if letter == "," and depth == 0:
            parts.append(match[1][start:index].strip())
            start = index + 1
    parts.append(match[1][start:].strip())
    if len(parts) != 2 or not all(parts):  # noqa: PLR2004
        raise FormulaError(f"{text!r}: write cbind(successes, failures)")
    return tuple(parts)


def _split_random(text: str) -> tuple[str, tuple[str, ...]]:
    """Take the parentheses that hold a bar out of the right-hand side."""
    fixed, bars, depth, start = "", [], 0, 0
    for index, letter in enumerate(text):
        if letter == "(":
            start = index if depth == 0 else start
            depth += 1
        elif letter == ")":
            depth -= 1
            if depth < 0:
                break
            if depth == 0:
                inside = text[start + 1 : index]
                if "|" in inside:
                    bars.append(inside)
                    fixed = _without_plus(fixed, inside)
                else:
                    fixed += text[start : index + 1]
        elif depth == 0:
            fixed += letter
    if depth != 0:
        raise FormulaError(f"parentheses of {text.strip()!r} do not match")
    if "|" in fixed:
        raise FormulaError(f"put random terms in parentheses: (1 | g) in {text.strip()!r}")
    return fixed.strip().removeprefix("+").strip() or "1", tuple(bars)


def _without_plus(fixed: str, inside: str) -> str:
    before = fixed.rstrip()
    if before and not before.endswith("+"):
        raise FormulaError(f"random term ({inside.strip()}) must be added with '+'")
    return before.removesuffix("+").rstrip()


def _random_terms(bar: str) -> list[RandomTerm]:
    slopes, double, group = (part.strip() for part in re.split(r"(\|\|?)", bar, maxsplit=1))
    if not slopes or not group or "|" in group:
        raise FormulaError(f"random term ({bar.strip()}): write (1 | g), (1 + x | g) or (x || g)")
    groups = _groups(group)
    columns = _uncorrelated(slopes) if double == "||" else [_tidy(slopes)]
    return [RandomTerm(column, each) for each in groups for column in columns]


def _tidy(slopes: str) -> str:
    """Write the intercept out: ``x`` is ``1 + x`` as in R."""
    pieces = top_level_terms(slopes)
    if {"0", "1"} & set(pieces) or re.search(r"-\s*1", slopes):
        return re.sub(r"\s+", " ", slopes)
    return f"1 + {slopes}"


def _uncorrelated(slopes: str) -> list[str]:
    from formulaic import Formula

    names = [str(term) for term in Formula(slopes)]
    return ["1" if name == "1" else f"0 + {name}" for name in names]


def _groups(text: str) -> list[tuple[str, ...]]:
    """Expand nesting: ``a/b`` is a and a:b."""
    if not re.fullmatch(r"(?:`[^`]+`|[\w.]+)(?:\s*[:/]\s*(?:`[^`]+`|[\w.]+))*", text):
        raise FormulaError(f"grouping factor {text!r}: write g, a:b for combinations or a/b for nesting")
    levels = [tuple(name.strip().strip("`") for name in part.split(":")) for part in text.split("/")]
    return [tuple(name for part in levels[: depth + 1] for name in part) for depth in range(len(levels))]
