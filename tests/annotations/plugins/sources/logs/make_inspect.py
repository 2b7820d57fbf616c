"""Make the logs of Inspect: `python make_inspect.py MODEL OUT` (inspect-ai, torch, transformers).

The real tool on the tiny model: two prompts, two epochs, a scorer, a system prompt in one task; one sample whose solver
fails. A second, shorter log has neither scores nor a system prompt.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

os.environ |= {"HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false"}

from inspect_ai import Task
from inspect_ai import eval as evaluate
from inspect_ai.dataset import Sample
from inspect_ai.model import ChatMessageAssistant, ChatMessageUser, GenerateConfig
from inspect_ai.scorer import Score, Target, mean, scorer
from inspect_ai.solver import Generate, TaskState, generate, solver, system_message


@scorer(metrics=[mean()])
def words():
    """How many words."""

    async def score(state: TaskState, target: Target) -> Score:
        return Score(value=len(state.output.completion.split()), explanation="words")

    return score


@solver
def stumble():
    """Fail on one sample, as a tool call or a sandbox may."""

    async def solve(state: TaskState, generate: Generate) -> TaskState:
        if state.sample_id == "fails":
            raise RuntimeError("the sandbox is gone")
        return state

    return solve


def run(model: Path, out: Path) -> None:
    """Let the tool run twice."""
    conversation = [
        ChatMessageUser(content="Hello."),
        ChatMessageAssistant(content="Hello, what is it?"),
        ChatMessageUser(content="Invent something for a hat."),
    ]
    samples = [
        Sample(id="brick", input="Name an unusual use for a brick.", metadata={"difficulty": 1}),
        Sample(id="hat", input=conversation),
        Sample(id="fails", input="Name an unusual use for a wheel."),
    ]
    steps = [system_message("You answer in one short sentence."), stumble(), generate()]
    settings = {"model_path": str(model), "device": "cpu"}
    common = {
        "model": "hf/local",
        "model_args": settings,
        "log_dir": str(out),
        "log_format": "eval",
        "display": "plain",
    }
    config = GenerateConfig(max_tokens=24, temperature=1.0, seed=1)
    task = Task(dataset=samples, solver=steps, scorer=words(), epochs=2, config=config, name="unusual_uses")
    evaluate(task, fail_on_error=False, **common)
    short = Task(dataset=samples[:1], solver=[generate()], epochs=1, config=config, name="short")
    evaluate(short, **common)


if __name__ == "__main__":
    run(Path(sys.argv[1]), Path(sys.argv[2]))
