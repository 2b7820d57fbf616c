"""Take out of the logs what speaks of the machine they were made on: `python tidy.py LOGS` (inspect-ai).

Tracebacks of Inspect and the description of the computer in lm-evaluation-harness's results; nothing else is touched.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from inspect_ai.log import read_eval_log, write_eval_log


def tidy(folder: Path) -> None:
    """Rewrite the files in place, Inspect's by its own writer."""
    for path in folder.rglob("results_*.json"):
        found = json.loads(path.read_text(encoding="utf-8"))
        found.pop("pretty_env_info", None)
        path.write_text(json.dumps(found, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    for path in folder.rglob("*.eval"):
        log = read_eval_log(path)
        for sample in log.samples or ():
            sample.events = []
            if sample.error:
                sample.error.traceback = sample.error.traceback_ansi = ""
        write_eval_log(log, path)


if __name__ == "__main__":
    tidy(Path(sys.argv[1]))
