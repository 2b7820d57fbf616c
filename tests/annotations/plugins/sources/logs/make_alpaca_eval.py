"""Make the outputs of AlpacaEval: `python make_alpaca_eval.py MODEL OUT` (for what to install see README.md).

The tool's own `evaluate_from_model` with its local decoder, on three instructions of ours instead of its data set,
which is on a hub. It writes `model_outputs.json` before it asks a judge, of which there is none here: that error is
expected.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

os.environ |= {"HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false", "OPENAI_API_KEY": "none"}

from alpaca_eval.main import evaluate_from_model

THINGS = ("brick", "spoon", "hat")


def run(model: Path, out: Path) -> None:
    """Let the tool run."""
    instructions = [f"Name an unusual use for a {thing}." for thing in THINGS]
    data = [{"dataset": "things", "instruction": text, "output": "A doorstop."} for text in instructions]
    template = out.resolve() / "template.txt"
    out.mkdir(parents=True, exist_ok=True)
    template.write_text("<|im_start|>user\n{instruction}<|im_end|>\n<|im_start|>assistant\n", encoding="utf-8")
    config = {
        "prompt_template": str(template),
        "fn_completions": "huggingface_local_completions",
        "completions_kwargs": {
            "model_name": str(model),
            "do_sample": True,
            "max_new_tokens": 24,
            "cache_dir": None,
            "model_kwargs": {"device_map": "cpu"},
        },
    }
    try:
        evaluate_from_model(
            model_configs={"tiny-random": config},
            evaluation_dataset=data,
            output_path=out,
            chunksize=None,
            is_load_outputs=False,
            annotators_config="no_judge",
        )
    except FileNotFoundError as error:
        print(f"no judge, as expected: {error}")
    print((out / "model_outputs.json").read_text(encoding="utf-8"))


if __name__ == "__main__":
    run(Path(sys.argv[1]), Path(sys.argv[2]))
