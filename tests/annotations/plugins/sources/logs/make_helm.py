"""Make the log of HELM: `python make_helm.py MODEL OUT` (crfm-helm, torch, transformers).

The real tool with its own Hugging Face client on the tiny model; the scenario is in helm_unusual_uses.py.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent


def run(model: Path, out: Path) -> None:
    """Let the tool run."""
    arguments = ["--enable-local-huggingface-models", model, "--plugins", "helm_unusual_uses"]
    arguments += [
        "--run-entries",
        f"unusual_uses:model=huggingface/{model.name}",
        "--suite",
        "tiny",
        "-m",
        "10",
        "-n",
        "1",
    ]
    tool = [
        Path(sys.executable).parent / "helm-run",
        *arguments,
        "-o",
        out,
        "--local-path",
        out / "cache",
        "--exit-on-error",
    ]
    environment = os.environ | {"HF_HUB_OFFLINE": "1", "PYTHONPATH": str(HERE), "TOKENIZERS_PARALLELISM": "false"}
    subprocess.run(tool, check=True, env=environment)


if __name__ == "__main__":
    run(Path(sys.argv[1]), Path(sys.argv[2]))
