"""What was done to the texts before raters saw them, in sentences for the methods paragraph: from the frozen plan."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from analysis.wording.numbers import count, counted, join, number

if TYPE_CHECKING:
    from collections.abc import Mapping

RULES: Final = {
    "unicode": "Unicode in one form (NFC)",
    "invisible": "no invisible characters",
    "tokens": "no special tokens at the ends",
    "labels": "no leading labels and preambles",
    "markdown": "Markdown as plain text",
    "quotes": "one kind of quotation marks and dashes",
    "surrounding": "no quotation marks around whole texts",
    "unfinished": "no unfinished last sentence",
    "blank_lines": "no runs of blank lines",
    "trim": "no white space at the ends",
}
WITHHELD: Final = "withheld while systems are masked"


def preparation_in_words(record: Mapping[str, Any]) -> str:
    """Return sentences on rules, what was left out, matching and the audit; empty for a plan that records none."""
    if not record:
        return ""
    if not (record.get("rules") or record.get("decisions") or record.get("left_out") or record.get("audit")):
        return (
            "Texts were shown as the systems gave them: no rule changed one, none was left out, and no audit for "
            "blinding was made."
        )
    return " ".join([_rules(record), *_decisions(record), _audit(record)])


def rules_of(record: Mapping[str, Any]) -> list[str]:
    """Return the rules that were applied, in words."""
    return [RULES.get(str(name), str(name)) for name in record.get("rules") or ()]


def _rules(record: Mapping[str, Any]) -> str:
    rules = rules_of(record)
    if not rules:
        return "Before rating, no rule changed a text."
    changed = int(record.get("changed", 0))
    return (
        f"Before rating, the texts of all systems were brought to one form by {counted(len(rules), 'rule')} "
        f"({join(rules)}), which changed {counted(changed, 'text')}."
    )


def _decisions(record: Mapping[str, Any]) -> list[str]:
    decisions, shown = record.get("decisions") or (), record.get("shown") or {}
    found = []
    if gone := int(record.get("left_out", 0)):
        kept = f"; {count(int(shown['outputs']))} remained" if "outputs" in shown else ""
        were = "was" if gone == 1 else "were"
        found.append(f"{counted(gone, 'output')} {were} left out before the design was frozen{kept}.")
    found += [f"Outputs were matched on length: {matching_of(one)}." for one in decisions if one.get("do") == "match"]
    if noted := sum(one.get("do") == "note" for one in decisions):
        were = "was" if noted == 1 else "were"
        found.append(f"{counted(noted, 'finding')} of the audit {were} noted and left as it is.")
    return found


def matching_of(decision: Mapping[str, Any]) -> str:
    """Return the limit of a matching, how far the systems' lengths were apart, and the prompts lost by it."""
    before, after = (decision.get(f"difference_{when}") for when in ("before", "after"))
    words = f"within a prompt at most {decision.get('within')}% apart"
    if after is not None:
        was = "" if before is None else f" after {number(float(before))} before"
        words += f" (largest standardised difference of log length {number(float(after))}{was})"
    lost = int(decision.get("lost_prompts") or 0)
    return f"{words}, by which {counted(lost, 'prompt')} went" if lost else words


def _audit(record: Mapping[str, Any]) -> str:
    audit = record.get("audit")
    if not audit:
        return "No audit for blinding was made."
    when = "" if audit.get("current") else ", made before the texts were last changed,"
    undecided = len(audit.get("undecided") or ())
    words = (
        f"The last audit for blinding ({counted(int(audit.get('outputs', 0)), 'output')}){when} found {found_by(audit)}"
    )
    if undecided:
        return f"{words}; about {count(undecided)} of them nothing was decided."
    return f"{words}."


def found_by(audit: Mapping[str, Any]) -> str:
    """Return the numbers of leaks and warnings of an audit, in words."""
    found = audit.get("findings") or {}
    pieces = [counted(number_, kind) for kind in ("leak", "warning") if (number_ := int(found.get(kind, 0)))]
    return join(pieces) if pieces else "no leak and no warning"
