"""`transformers serve`, which this project did not write, with a tiny random model that is made on the spot.

The model's files are written by hand, so that a test need not load PyTorch before the server does.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import numpy as np

from tests.standins.running import free_port

WORDS = (  # noqa: SIM905 - prose
    "a brick can be used as house door stop in the rain and under stars with my old shoe to hold paper or paint like "
    "moon boat river tree stone light glass song bread night wind sand fire tooth clock ladder kite bridge drum mirror"
).split()
SIZE, INNER = 16, 32


def write_model(folder: Path, *, seed: int = 1) -> Path:
    """Write a Llama of one layer that knows some fifty words and ends about one time in fifty."""
    from safetensors.numpy import save_file
    from tokenizers import Tokenizer, models, pre_tokenizers

    folder.mkdir(parents=True, exist_ok=True)
    vocabulary = {word: at for at, word in enumerate(["<unk>", "<s>", "</s>", *dict.fromkeys(WORDS)])}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.save(str(folder / "tokenizer.json"))
    config = {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "vocab_size": len(vocabulary),
        "hidden_size": SIZE,
        "intermediate_size": INNER,
        "num_hidden_layers": 1,
        "num_attention_heads": 2,
        "num_key_value_heads": 2,
        "max_position_embeddings": 512,
        "bos_token_id": 1,
        "eos_token_id": 2,
        "pad_token_id": 2,
        "tie_word_embeddings": False,
        "torch_dtype": "float32",
    }
    tokens = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "bos_token": "<s>",
        "eos_token": "</s>",
        "pad_token": "</s>",
        "unk_token": "<unk>",
        "chat_template": "{% for message in messages %}{{ message['content'] }} {% endfor %}",
    }
    written = {
        "config.json": config,
        "tokenizer_config.json": tokens,
        "generation_config.json": {"do_sample": True, "bos_token_id": 1, "eos_token_id": 2, "pad_token_id": 2},
    }
    for name, content in written.items():
        (folder / name).write_text(json.dumps(content))
    save_file(_weights(len(vocabulary), seed), str(folder / "model.safetensors"), metadata={"format": "pt"})
    return folder


def _weights(words: int, seed: int) -> dict[str, np.ndarray]:
    random = np.random.default_rng(seed)
    shapes = {
        "model.embed_tokens": (words, SIZE),
        "lm_head": (words, SIZE),
        **{f"model.layers.0.self_attn.{name}_proj": (SIZE, SIZE) for name in "qkvo"},
        "model.layers.0.mlp.gate_proj": (INNER, SIZE),
        "model.layers.0.mlp.up_proj": (INNER, SIZE),
        "model.layers.0.mlp.down_proj": (SIZE, INNER),
    }
    made = {f"{name}.weight": random.normal(0, 0.2, shape).astype(np.float32) for name, shape in shapes.items()}
    for name in ("model.norm", "model.layers.0.input_layernorm", "model.layers.0.post_attention_layernorm"):
        made[f"{name}.weight"] = np.ones(SIZE, dtype=np.float32)
    return made


@dataclass(frozen=True)
class Served:
    """A server at work."""

    base_url: str
    model: str
    log: Path


@contextlib.contextmanager
def serve(folder: Path, *, log: Path, seconds: float = 300) -> Iterator[Served]:
    """Run `transformers serve` on a model's folder; the process ends with the block."""
    program = shutil.which("transformers", path=str(Path(sys.executable).parent)) or "transformers"
    port = free_port()
    command = [program, "serve", str(folder), "--host", "127.0.0.1", "--port", str(port), "--device", "cpu"]
    offline = {"HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1", "TOKENIZERS_PARALLELISM": "false"}
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, env={**os.environ, **offline}, stdout=output, stderr=output, start_new_session=True
        )
    try:
        deadline = time.monotonic() + seconds
        while not _is_up(port):
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < deadline, "the server did not come up"
            time.sleep(0.2)
        yield Served(f"http://127.0.0.1:{port}/v1", str(folder), log)
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(10)


def _is_up(port: int) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{port}/health", timeout=2).status_code == httpx.codes.OK
    except httpx.HTTPError:
        return False
