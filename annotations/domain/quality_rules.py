"""What a study declares about quality before launch, and what follows from findings. Pure: nothing is read or written.

``Study.quality`` holds, all of it optional::

    {"checks": {name: {"on": true, "options": {…}, "rule": {"kind": "never" | "score" | "count", "at_least": x}}},
     "together": {"on": true, "points": x, "checks": [names]},
     "reissue": true}

`score` excludes when the finding about the rater is at least so strong, `count` when the check names so many trials,
`together` when the points of several checks add up: a point says that one honest rater in ten gives such a finding, two
points one in a hundred. ``declared`` completes it with the defaults and is what the frozen JSON holds.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from annotations.registry import Finding, History, QualityCheck, quality_checks

TOGETHER = "together"
TOGETHER_LABEL = "Several findings together"
# What a careless rater leaves in several places at once. Pauses and pastes are told, but are no sign of carelessness.
TOGETHER_CHECKS = (
    "agreement",
    "failed_attention",
    "inconsistency",
    "side_bias",
    "straight_lining",
    "too_fast",
    "unrelated_rows",
)
POINTS = 2.2
TWO = 2
KINDS = ("never", "score", "count")
PARTS = {"checks", "together", "reissue"}
Findings = Mapping[str, tuple[Finding, ...]]


def declared(quality: Mapping[str, Any]) -> dict[str, Any]:
    """Return the whole declaration with defaults filled in; raises ValueError that says what is wrong."""
    _refuse_unknown(set(quality) - PARTS, "the declaration of quality")
    given = quality.get("checks", {})
    _refuse_unknown(set(given) - set(quality_checks.names()), "the checks")
    return {
        "checks": {check.name: _check(check, given.get(check.name, {})) for check in quality_checks},
        "together": _together(quality.get("together", {})),
        "reissue": _yes_no("reissue", quality.get("reissue", True)),
    }


def _refuse_unknown(names: set[str], where: str) -> None:
    if names:
        message = f"there is no {', '.join(sorted(names))} in {where}"
        raise ValueError(message)


def _yes_no(what: str, value: Any) -> bool:
    if value is not True and value is not False:
        message = f"{what} must be true or false, not {value!r}"
        raise ValueError(message)
    return bool(value)


def _check(check: QualityCheck, given: Mapping[str, Any]) -> dict[str, Any]:
    _refuse_unknown(set(given) - {"on", "options", "rule"}, f"the settings of '{check.name}'")
    default = {"kind": check.rule.kind, "at_least": check.rule.at_least}
    return {
        "on": _yes_no(check.label, given.get("on", True)),
        "options": check.clean_options(given.get("options", {})),
        "rule": _rule(check.label, given.get("rule", default)),
    }


def _rule(label: str, rule: Mapping[str, Any]) -> dict[str, Any]:
    kind, limit = rule.get("kind"), rule.get("at_least", 0)
    number = isinstance(limit, int | float) and not isinstance(limit, bool)
    if kind not in KINDS or not number or set(rule) - {"kind", "at_least"}:
        message = f"{label}: a rule has a kind ({', '.join(KINDS)}) and a number at_least, not {dict(rule)!r}"
        raise ValueError(message)
    if kind == "never":
        return {"kind": "never", "at_least": 0.0}
    if limit <= 0:
        message = f"{label}: a rule that excludes needs a number above 0, not {limit!r}"
        raise ValueError(message)
    return {"kind": kind, "at_least": float(limit)}


def _together(given: Mapping[str, Any]) -> dict[str, Any]:
    _refuse_unknown(set(given) - {"on", "points", "checks"}, "'together'")
    points, checks = given.get("points", POINTS), sorted(given.get("checks", TOGETHER_CHECKS))
    _refuse_unknown(set(checks) - set(quality_checks.names()), "the checks")
    if isinstance(points, bool) or not isinstance(points, int | float) or points <= 0:
        message = f"'together' takes a number of points above 0, not {points!r}"
        raise ValueError(message)
    return {"on": _yes_no("'together'", given.get("on", True)), "points": float(points), "checks": checks}


def look(history: History, whole: Mapping[str, Any], *, peers: bool = True) -> dict[str, tuple[Finding, ...]]:
    """Run the checks that are on and return what each found; without `peers` only those that need nobody else."""
    found = {}
    for check in quality_checks:
        settings = whole["checks"][check.name]
        if settings["on"] and (peers or not check.needs_peers):
            found[check.name] = check.findings(history, settings["options"])
    return found


def verdicts(findings: Findings, whole: Mapping[str, Any]) -> dict[str, str]:
    """Return what excludes this rater: the name of the check (or `together`) → the reason in words."""
    found = {
        name: reason for name, settings in whole["checks"].items() if (reason := _verdict(name, settings, findings))
    }
    if reason := _verdict_together(findings, whole):
        found[TOGETHER] = reason
    return found


def _verdict_together(findings: Findings, whole: Mapping[str, Any]) -> str:
    """Add the points of different checks up; one check alone is never several."""
    together, points = whole["together"], {}
    for name in together["checks"] if together["on"] else ():
        about = about_rater(findings, name)
        if whole["checks"][name]["on"] and about:
            points[name] = max(quality_checks.get(name).points(finding) for finding in about)
    speaking = sorted((name for name in points if points[name] > 0), key=lambda name: (-points[name], name))
    if len(speaking) < TWO or sum(points.values()) < together["points"]:
        return ""
    words = ", ".join(f"{quality_checks.get(name).label.lower()} {points[name]:.1f}" for name in speaking)
    return f"{TOGETHER_LABEL}: {words} points"


def _verdict(name: str, settings: Mapping[str, Any], findings: Findings) -> str:
    rule, check = settings["rule"], quality_checks.get(name)
    if not settings["on"] or rule["kind"] == "never":
        return ""
    about = tuple(finding for finding in about_rater(findings, name) if not finding.weak)
    strongest = max((finding.score for finding in about), default=0.0)
    count = sum(finding.position is not None for finding in findings.get(name, ()))
    reached = strongest if rule["kind"] == "score" else count
    if reached < rule["at_least"]:
        return ""
    return f"{check.label}: {check.sentence(about[0].detail)}" if about else check.label


def about_rater(findings: Findings, name: str) -> tuple[Finding, ...]:
    """Return the findings of a check about the rater as a whole."""
    return tuple(finding for finding in findings.get(name, ()) if finding.position is None)


def needs_peers(name: str, whole: Mapping[str, Any]) -> bool:
    """Say whether a verdict of this name may rest on what others answered, so that it is final only at the end."""
    if name == TOGETHER:
        return any(quality_checks.get(one).needs_peers for one in whole["together"]["checks"])
    return name in quality_checks.names() and quality_checks.get(name).needs_peers


def label_of(name: str) -> str:
    """Return the words for a check by which somebody is excluded."""
    if name in quality_checks.names():
        return quality_checks.get(name).label
    return TOGETHER_LABEL if name == TOGETHER else name.replace("_", " ").capitalize() or "By hand"


def rules_in_words(whole: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield (what, when it excludes) for everything that is on."""
    for check in quality_checks:
        settings = whole["checks"][check.name]
        if settings["on"]:
            yield check.label, _in_words(settings["rule"], check)
    together = whole["together"]
    if together["on"]:
        labels = ", ".join(quality_checks.get(name).label.lower() for name in together["checks"])
        yield TOGETHER_LABEL, f"exclude from {together['points']:g} points: {labels}"


def _in_words(rule: Mapping[str, Any], check: QualityCheck) -> str:
    if rule["kind"] == "score" and check.is_rarity:
        return f"excludes when at most one ordinary rater in {round(10 ** rule['at_least']):,} is like this"
    if rule["kind"] == "score":
        return f"excludes when the {check.score_label} is at least {rule['at_least']:g}"
    if rule["kind"] == "count":
        return f"excludes when it names at least {rule['at_least']:g} trials"
    return "is told, but excludes nobody by itself"
