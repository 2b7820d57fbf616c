"""The table of what was done to the texts before raters saw them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from analysis.tables.cells import Table
from analysis.wording import count
from analysis.wording.preparation import WITHHELD, found_by, matching_of, preparation_in_words, rules_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

DOES: Final = {"exclude": "Left out", "match": "Matched on length", "note": "Noted"}
HEADER: Final = ("Step", "What", "Outputs", "Reason or result")
CAPTION: Final = "Preparation of the texts, before launch"


def preparation_table(record: Mapping[str, Any]) -> Table:
    """Return rules, decisions in their order, the last audit and what of it nobody decided; the words stand below."""
    rows = tuple(_rows(record))
    return Table(CAPTION, HEADER, rows, (False, False, True, False), (preparation_in_words(record),))


def _rows(record: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    if rules := rules_of(record):
        yield "Rules", "; ".join(rules), count(int(record.get("changed", 0))), "applied to all systems alike"
    for one in record.get("decisions") or ():
        matched = one.get("do") == "match"
        title = str(one.get("title") or ("length" if matched else f"{one.get('finding')}, {WITHHELD}"))
        severity = f" ({one['severity']})" if one.get("severity") else ""
        reason = matching_of(one) if matched else str(one.get("reason") or "")
        outputs = "" if one.get("do") == "note" else count(int(one.get("outputs", 0)))
        yield DOES.get(str(one.get("do")), str(one.get("do"))), f"{title}{severity}", outputs, reason
    if audit := record.get("audit"):
        state = "of the texts as frozen" if audit.get("current") else "made before the texts were last changed"
        yield "Last audit", found_by(audit), count(int(audit.get("outputs", 0))), state
        for one in audit.get("undecided") or ():
            yield "Undecided", f"{one.get('title') or one.get('finding')} ({one.get('severity')})", "", ""
