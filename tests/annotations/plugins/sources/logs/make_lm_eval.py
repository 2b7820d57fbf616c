"""Make the logs of lm-evaluation-harness: `python make_lm_eval.py MODEL OUT` (lm-eval, torch, transformers).

Three runs of the real tool on the tiny model: open answers with repeats, the same as a chat with a system prompt, and a
multiple-choice task, which has no texts.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

os.environ |= {"HF_HUB_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false"}
OBJECTS = ("brick", "spoon", "hat")
OPEN = """\
task: unusual_uses
dataset_path: json
dataset_kwargs:
  data_files: {data}
test_split: train
output_type: generate_until
doc_to_text: "Name an unusual use for a {{{{thing}}}}."
doc_to_target: ""
repeats: 3
generation_kwargs: {{until: ["\\n\\n"], do_sample: true, temperature: 1.0, max_gen_toks: 24}}
filter_list:
  - name: none
    filter: [{{function: take_first}}]
  - name: short
    filter: [{{function: regex, regex_pattern: "(\\\\w+)"}}, {{function: take_first}}]
metric_list: [{{metric: bypass}}]
metadata: {{version: 1.0}}
"""
CHOICE = """\
task: pick_one
dataset_path: json
dataset_kwargs:
  data_files: {data}
test_split: train
output_type: multiple_choice
doc_to_text: "What is a {{{{thing}}}} good for?"
doc_to_target: 0
doc_to_choice: ["paint it", "plant a garden in it"]
metric_list: [{{metric: acc}}]
"""


def run(model: Path, out: Path) -> None:
    """Write tasks and data, then let the tool run."""
    tasks = out / "tasks"
    tasks.mkdir(parents=True, exist_ok=True)
    data = tasks / "things.jsonl"
    data.write_text("".join(json.dumps({"thing": thing}) + "\n" for thing in OBJECTS), encoding="utf-8")
    for name, text in (("unusual_uses", OPEN), ("pick_one", CHOICE)):
        (tasks / f"{name}.yaml").write_text(text.format(data=data), encoding="utf-8")
    chat = ["--apply_chat_template", "--system_instruction", "You answer in one short sentence."]
    for task, folder, more in (
        ("unusual_uses", "plain", []),
        ("unusual_uses", "chat", chat),
        ("pick_one", "choice", []),
    ):
        tool = [Path(sys.executable).parent / "lm_eval", "--model", "hf", "--tasks", task, "--include_path", tasks]
        arguments = ["--model_args", f"pretrained={model}", "--device", "cpu", "--seed", "1", "--log_samples"]
        subprocess.run([*tool, *arguments, "--output_path", out / folder, *more], check=True)


if __name__ == "__main__":
    run(Path(sys.argv[1]), Path(sys.argv[2]))
