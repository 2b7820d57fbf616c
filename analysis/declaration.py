"""What was declared before launch: the frozen plan as ``plan.json``, its hash, and the certificate of the design.

``plan.json`` is the canonical JSON that the platform froze (sorted keys, no spaces); its SHA-256 stands in every row of
the judgements as ``design_hash``. Nothing here fits a model: a declaration is read, checked, and turned into options.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

RANK: Final = {"treatment": 0, "reference": 1, "baseline": 2}
OPTIONS: Final = (
    "fixed", "side", "random", "random_single", "ties", "thresholds", "link", "late", "systems", "standardise",
    "within", "rankings", "degrees", "standard_errors",
)  # fmt: skip
"""Keys of the analysis plan that are options of :func:`analysis.analyse` under the same name."""
KNOWN: Final = frozenset({*OPTIONS, "contrasts", "alpha", "correction", "trials", "partial", "looks"})
WRITTEN: Final = frozenset({"free_text"})
"""Question types whose answers are texts: they are exported as they are and stand in no table."""
ELSEWHERE: Final = {"partial": "applied when the platform wrote the table", "trials": "main trials only, as always"}


class DeclarationError(ValueError):
    """The plan or the certificate cannot be read, or belongs to another design than the judgements."""


@dataclass(frozen=True, slots=True)
class Guarantee:
    """One promise of the design: it holds when the worst case does not exceed what is required."""

    name: str
    statement: str
    required: int
    worst: int
    holds: bool


@dataclass(frozen=True, slots=True)
class Certificate:
    """The certificate of balance of a frozen design: its guarantees, and the plan in numbers (``summary``)."""

    guarantees: tuple[Guarantee, ...]
    summary: Mapping[str, Any]
    canonical: str = ""

    @property
    def holds(self) -> bool:
        """Return whether every guarantee holds."""
        return all(item.holds for item in self.guarantees)


@dataclass(frozen=True, slots=True)
class Declaration:
    """A frozen plan.

    Attributes
    ----------
    sha256
        Of the canonical JSON; the ``design_hash`` of the judgements.
    systems
        (name, role) of each system.
    dimensions
        As they were asked: key, label, definition, question_type, options.
    contrasts
        Declared (first, second) pairs, those against a baseline first.
    analysis, design, plan, material
        The parts of the canonical JSON: analysis plan, settings of the design, size of the plan, digest of the outputs.
    preparation
        What was done to the texts before raters saw them; empty in a plan that does not record it.
    """

    sha256: str
    title: str
    version: int
    lead: str
    systems: tuple[tuple[str, str], ...]
    dimensions: tuple[Mapping[str, Any], ...]
    contrasts: tuple[tuple[str, str], ...]
    analysis: Mapping[str, Any]
    design: Mapping[str, Any]
    plan: Mapping[str, Any]
    material: Mapping[str, Any]
    certificate: Certificate | None = None
    canonical: str = ""
    preparation: Mapping[str, Any] = field(default_factory=dict)

    def files(self) -> dict[str, str]:
        """Return the plan as the file that was frozen, with the certificate beside it, to travel with a report."""
        found = {"plan.json": self.canonical}
        if self.certificate is not None:
            found["certificate.json"] = self.certificate.canonical
        return found

    @property
    def options(self) -> dict[str, Any]:
        """Return the declared analysis as keyword arguments of :func:`analysis.analyse`."""
        declared = {name: _option(name, self.analysis[name]) for name in OPTIONS if name in self.analysis}
        return {
            "contrasts": self.contrasts,
            "dimensions": tuple(str(d["key"]) for d in self.dimensions if d.get("question_type") not in WRITTEN),
            "confidence": round(1.0 - float(self.analysis.get("alpha", 0.05)), 12),
            "correction": str(self.analysis.get("correction", "holm")),
            **declared,
        }

    @property
    def remarks(self) -> tuple[str, ...]:
        """Return what the plan declares and this version does not know: said rather than passed over."""
        unknown = sorted(set(self.analysis) - KNOWN)
        return tuple(f"the plan declares {name} = {self.analysis[name]!r}, which is not used here" for name in unknown)


def _option(name: str, value: Any) -> Any:
    if name == "late" and isinstance(value, str):
        return value != "exclude"
    return tuple(value) if isinstance(value, list) else value


def read_plan(path: Path | str, *, certificate: Path | str | None = None) -> Declaration:
    """Read ``plan.json``, and the certificate if it is given; raise :class:`DeclarationError` naming what is wrong."""
    text = _read(Path(path))
    return parse_plan(text, certificate=None if certificate is None else _read(Path(certificate)), source=str(path))


def parse_plan(text: str, *, certificate: str | None = None, source: str = "plan") -> Declaration:
    """Return the declaration that a canonical JSON text holds; white space and order of keys do not matter."""
    content = _json(text, source)
    try:
        systems = tuple((str(item["name"]), str(item["role"])) for item in content["systems"])
        return Declaration(
            canonical=canonical_json(content),
            sha256=hashlib.sha256(canonical_json(content).encode()).hexdigest(),
            title=str(content.get("title", "")),
            version=int(content.get("version", 1)),
            lead=str(content.get("lead", "")),
            systems=systems,
            dimensions=tuple(content["dimensions"]),
            contrasts=declared_contrasts(systems, design=content["design"], analysis=content["analysis"]),
            analysis=content["analysis"],
            design=content["design"],
            plan=content.get("plan", {}),
            material=content.get("material", {}),
            preparation=content.get("preparation") or {},
            certificate=None if certificate is None else parse_certificate(certificate),
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise DeclarationError(
            f"{source} is no frozen plan of the platform ({type(error).__name__}: {error}): take plan.json out of the "
            "report's bundle"
        ) from error


def parse_certificate(text: str) -> Certificate:
    """Return the certificate that the platform wrote beside the plan."""
    content = _json(text, "certificate")
    try:
        found = tuple(
            Guarantee(
                str(item["name"]),
                str(item["statement"]),
                int(item["required"]),
                int(item["worst"]),
                bool(item["holds"]),
            )
            for item in content["guarantees"]
        )
        return Certificate(found, dict(content.get("summary", {})), canonical_json(content))
    except (KeyError, TypeError, ValueError) as error:
        raise DeclarationError(
            f"the certificate lacks {error}: take certificate.json out of the report's bundle"
        ) from error


def declared_contrasts(
    systems: Sequence[tuple[str, str]], *, design: Mapping[str, Any], analysis: Mapping[str, Any]
) -> tuple[tuple[str, str], ...]:
    """Return the contrasts (first, second) to be reported: treatments first, baselines last.

    The analysis plan's ``contrasts`` is a list of pairs, "against_baseline" or "all_pairs" (the default): all pairs
    that the design compares. ``systems`` are (name, role).
    """
    declared = analysis.get("contrasts", "all_pairs")
    if isinstance(declared, list):
        return tuple((str(first), str(second)) for first, second in declared)
    roles = {name: role for name, role in systems if role != "check"}
    ordered = sorted(roles, key=lambda name: (RANK.get(roles[name], 1), name))
    pairs = list(combinations(ordered, 2))
    if design.get("comparisons") == "listed":
        listed = {frozenset(pair) for pair in design.get("listed", ())}
        return tuple(pair for pair in pairs if frozenset(pair) in listed)
    named = design.get("baseline")
    baselines = {named} if named else {name for name in roles if roles[name] == "baseline"}
    if design.get("comparisons") == "against_baseline" or declared == "against_baseline":
        return tuple(pair if pair[1] in baselines else pair[::-1] for pair in pairs if baselines & set(pair))
    return tuple(sorted(pairs, key=lambda pair: pair[1] not in baselines))  # the question of the study comes first


def check_design(declaration: Declaration, hashes: Sequence[str]) -> tuple[str, ...]:
    """Compare the plan with the design hashes of the judgements; warn in words, or refuse a plan of another design."""
    if not hashes:
        return ("the judgements name no design: that they follow this plan could not be checked",)
    if declaration.sha256 not in hashes:
        raise DeclarationError(
            f"plan.json has SHA-256 {declaration.sha256}, but the judgements were collected under {', '.join(hashes)}: "
            "take the plan of that design, or analyse without --plan"
        )
    return ()


def canonical_json(content: Any) -> str:
    """Return JSON with sorted keys and no spaces, as the platform freezes it."""
    return json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise DeclarationError(f"{path} cannot be read ({error}): give the plan.json of the study") from error


def _json(text: str, source: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise DeclarationError(f"{source} is no JSON ({error})") from error
