"""A model from a folder: only safetensors, only from the folders that were allowed, never with code of its own."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import re
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from .errors import INSTALL, SteeringError

DTYPES = ("auto", "float32", "bfloat16", "float16")
DEVICES = ("auto", "cuda", "mps", "cpu")
SNAPSHOT = re.compile(r"[0-9a-f]{40}")
TEXTS = {".json", ".txt", ".model", ".jinja"}  # of tokenizer and configuration
TOKENIZERS = ("tokenizer.json", "tokenizer.model", "vocab.json", "vocab.txt", "tokenizer_config.json", "spiece.model")
BLOCK_OF_FILE = 1 << 22


@dataclass(slots=True)
class Loaded:
    """A model that is ready. Whoever uses it is `alone` with it: steering changes the one copy that there is."""

    model: Any
    tokenizer: Any
    name: str
    digest: str
    revision: str
    dtype: str
    device: str
    lock: threading.RLock = field(default_factory=threading.RLock)
    taken: bool = False

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Hold the lock. Within itself it is refused: what is found out or written there would be another model's."""
        with self.lock:
            if self.taken:
                raise SteeringError(f"{self.name} is being steered; end that before it is asked for something else")
            self.taken = True
            try:
                yield
            finally:
                self.taken = False

    @property
    def chat(self) -> bool:
        """Say whether the tokenizer has a chat template."""
        return bool(self.tokenizer.chat_template)

    @property
    def window(self) -> int:
        """The number of tokens that the model reads at most; 0 when it does not say."""
        config = self.model.config.get_text_config()
        return int(getattr(config, "max_position_embeddings", 0) or getattr(config, "n_positions", 0) or 0)

    def tokens(self, prompt: str, *, system: str = "") -> list[int]:
        """Return the ids of a prompt as the model expects to be asked: through its chat template, if it has one."""
        if self.chat:
            return self._through_template(prompt, system)
        text = f"{system}\n\n{prompt}" if system else prompt
        return self._ids(text, special=True)

    def plain(self, text: str) -> list[int]:
        """Return the ids of a text that is read, not answered."""
        return self._ids(text, special=True)

    def continuation(self, text: str) -> list[int]:
        """Return the ids of a text that goes on after other ids: without a token of its own beginning."""
        return self._ids(text, special=False)

    def _ids(self, text: str, *, special: bool) -> list[int]:
        ids = list(self.tokenizer(text, add_special_tokens=special)["input_ids"])
        known = int(self.model.get_input_embeddings().weight.shape[0])
        if any(token >= known for token in ids):
            message = f"the tokenizer of {self.name} does not fit the model: token {max(ids)} of {known}"
            raise SteeringError(message)
        if ids:
            return ids
        begin = self.tokenizer.bos_token_id if self.tokenizer.bos_token_id is not None else self.tokenizer.eos_token_id
        return [0 if begin is None else int(begin)]

    def _through_template(self, prompt: str, system: str) -> list[int]:
        said = [{"role": "user", "content": prompt}]
        try:
            text = self.tokenizer.apply_chat_template(
                [{"role": "system", "content": system}, *said] if system else said,
                tokenize=False,
                add_generation_prompt=True,
            )
        except Exception as error:  # noqa: BLE001 - a template may raise what it likes
            hint = "; it may take no system prompt, so leave that empty" if system else ""
            message = f"the chat template of {self.name} refused the prompt: {first_line(error)}{hint}"
            raise SteeringError(message) from None
        return self._ids(str(text), special=False)


def is_installed() -> bool:
    """Say whether the extra `steering` is there, without importing it."""
    return all(importlib.util.find_spec(name) for name in ("torch", "transformers", "safetensors"))


def allowed(path: str, roots: Sequence[Path]) -> Path:
    """Return the model's folder; raises SteeringError when it is outside the roots or holds no safetensors.

    Links are followed first, so that a link inside a root leads nowhere else. Without torch, so a form may ask.
    """
    if "\0" in path:
        raise SteeringError("a path holds no null character")
    given = Path(os.path.expanduser(path))  # noqa: PTH111 - Path's own raises for a user who is not there
    places = [root.expanduser().resolve() for root in roots]
    folders = [given] if given.is_absolute() else [root / given for root in places]
    inside = [one for one in (folder.resolve() for folder in folders) if any(one.is_relative_to(r) for r in places)]
    if not inside:
        where = ", ".join(str(root) for root in places) or "no folder at all"
        message = (
            f"models are loaded from {where} only; EVALPLATFORM_MODEL_ROOTS says from where, and {path} is elsewhere"
        )
        raise SteeringError(message)
    folder = next((one for one in inside if one.is_dir()), None)
    if folder is None:
        raise SteeringError(f"there is no folder {path}")
    if not (folder / "config.json").is_file():
        raise SteeringError(f"{path} holds no config.json; name the folder of a Hugging Face model")
    if (folder / "adapter_config.json").exists():
        raise SteeringError(f"{path} is an adapter; merge it into its model and save that")
    if not list(folder.glob("*.safetensors")):
        raise SteeringError(f"{path} holds no .safetensors; other formats may run code and are not loaded")
    return folder


def stamp_of(folder: Path) -> tuple[tuple[str, int, int], ...]:
    """Return name, size and time of each file that makes the model: changed files are another model."""
    files = [file for file in folder.iterdir() if file.suffix == ".safetensors" or file.suffix in TEXTS]
    return tuple(sorted((file.name, file.stat().st_size, file.stat().st_mtime_ns) for file in files if file.is_file()))


@lru_cache(maxsize=64)
def digest_of(folder: Path, stamp: tuple[tuple[str, int, int], ...]) -> str:
    """Return the SHA-256 over names and contents of weights, configuration and tokenizer."""
    whole = hashlib.sha256()
    for name, size, _ in stamp:
        part = hashlib.sha256()
        with (folder / name).open("rb") as file:
            while block := file.read(BLOCK_OF_FILE):
                part.update(block)
        whole.update(f"{name}\0{size}\0{part.hexdigest()}\n".encode())
    return whole.hexdigest()


def libraries() -> str:
    """Return the versions that decide what a model computes."""
    import torch
    import transformers

    return f"torch {torch.__version__}, transformers {transformers.__version__}"


def device_for(wish: str) -> str:
    """Return cuda when there, else mps, else cpu; raises SteeringError for a device that is not there."""
    import torch

    there = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if wish == "auto":
        return next(name for name, is_there in there.items() if is_there)
    if not there.get(wish):
        raise SteeringError(
            f"there is no {wish} on this machine; there is {', '.join(n for n, yes in there.items() if yes)}"
        )
    return wish


def dtype_for(wish: str, folder: Path, device: str) -> str:
    """Return the number format: as the files say, but float16 is computed as float32 on a CPU."""
    if wish != "auto":
        return wish
    config = _config_of(folder)
    text = config.get("text_config") or {}
    said = str(config.get("dtype") or config.get("torch_dtype") or text.get("dtype") or "float32")
    if said == "float16" and device == "cpu":
        return "float32"
    return said if said in DTYPES else "float32"


def _config_of(folder: Path) -> dict[str, Any]:
    try:
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise SteeringError(f"config.json of {folder.name} cannot be read: {error}") from None
    if not isinstance(config, dict):
        raise SteeringError(f"config.json of {folder.name} is no JSON object")
    return config


def load(folder: Path, *, dtype: str = "auto", device: str = "auto") -> Loaded:
    """Load the model of an allowed folder. Raises SteeringError in words for the researcher."""
    if not is_installed():
        raise SteeringError(INSTALL)
    from transformers import GenerationConfig
    from transformers.utils import logging

    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    place = device_for(device)
    kind = dtype_for(dtype, folder, place)
    try:
        tokenizer, model = _opened(folder, kind)
        model = model.to(place).eval().requires_grad_(requires_grad=False)
        digest = digest_of(folder, stamp_of(folder))
    except (MemoryError, RuntimeError) as error:
        raise out_of_memory(error) or SteeringError(f"{folder.name} cannot be loaded: {first_line(error)}") from error
    except OSError as error:
        raise SteeringError(f"{folder.name} cannot be read: {first_line(error)}") from error
    said = model.generation_config
    model.generation_config = GenerationConfig(  # type: ignore[no-untyped-call] # nothing of the model's own taste but where it ends
        bos_token_id=said.bos_token_id, eos_token_id=said.eos_token_id, pad_token_id=said.pad_token_id
    )
    revision = folder.name if SNAPSHOT.fullmatch(folder.name) else ""
    name = folder.parent.parent.name.removeprefix("models--").replace("--", "/") if revision else folder.name
    return Loaded(model, tokenizer, name, digest, revision, kind, place)


def _opened(folder: Path, kind: str) -> tuple[Any, Any]:
    """Return tokenizer and model. What transformers would make up for itself, weights above all, is refused."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    options: dict[str, Any] = {"local_files_only": True, "trust_remote_code": False}
    if not any((folder / name).is_file() for name in TOKENIZERS):
        raise SteeringError(f"{folder.name} holds no tokenizer ({', '.join(TOKENIZERS)}); save it beside the model")
    try:
        tokenizer = AutoTokenizer.from_pretrained(folder, **options)
        opened: Any = AutoModelForCausalLM.from_pretrained(
            folder,
            dtype=getattr(torch, kind),
            use_safetensors=True,
            output_loading_info=True,
            ignore_mismatched_sizes=True,  # told, and refused, below
            **options,
        )
    except MemoryError:
        raise
    except Exception as error:
        raise out_of_memory(error) or SteeringError(f"{folder.name} cannot be loaded: {first_line(error)}") from error
    model, told = opened
    if wrong := sorted({*told["missing_keys"], *(str(key[0]) for key in told["mismatched_keys"])}):
        more = f" and {len(wrong) - 1} more" if len(wrong) > 1 else ""
        message = (
            f"{folder.name} is not whole: its files do not hold {wrong[0]}{more} as config.json says; fetch it again"
        )
        raise SteeringError(message)
    return tokenizer, model


def first_line(error: Exception) -> str:
    """Return the first line of what a library says, without its stop."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(" .:")


def out_of_memory(error: Exception) -> SteeringError | None:
    """Return the sentence for an error that means that memory ran out; None for another."""
    if isinstance(error, MemoryError) or (isinstance(error, RuntimeError) and "out of memory" in str(error).lower()):
        return SteeringError("the memory does not suffice; choose a smaller model, bfloat16, or fewer texts at once")
    return None
