"""Sentence-transformers: a model from a folder or by name, run on the spot (extra ``steering``)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from analysis.embeddings.contract import EmbeddingError, FloatVectors, normalise

MISSING = "sentence-transformers is not installed: pip install 'evalplatform[steering]', or use tfidf-svd"


@dataclass(frozen=True)
class SentenceTransformers:
    """A model of the library sentence-transformers, on the GPU where there is one.

    A name that is no folder is looked up on the Hugging Face hub at ``revision``; code that comes with a model is
    never run. ``prompt`` is put before each text (some models ask for one).
    """

    model: str
    revision: str = ""
    prompt: str = ""
    batch: int = 64
    device: str = ""

    unit: ClassVar[str] = "text"

    @property
    def name(self) -> str:
        """The model's name; of a folder its last part, so that no path of this machine is told."""
        return f"sentence-transformers:{Path(self.model).name if Path(self.model).exists() else self.model}"

    def embed(self, texts: Sequence[str]) -> FloatVectors:
        """Return the vectors; see :class:`analysis.embeddings.Embedder`."""
        vectors = self._loaded.encode(
            list(texts),
            prompt=self.prompt or None,
            batch_size=self.batch,
            convert_to_numpy=True,
            show_progress_bar=False,
        )
        return normalise(np.asarray(vectors), name=self.name)

    def describe(self) -> dict[str, Any]:
        """Return model, revision, prompt, size and versions; of a folder also the digest of its weights."""
        loaded = self._loaded
        return {
            "embedder": self.name,
            "revision": self.revision,
            "weights_sha256": self._digest,
            "prompt": self.prompt,
            "longest_text_in_tokens": loaded.max_seq_length,
            "dimensions": loaded.get_embedding_dimension(),
            "sentence-transformers": version("sentence-transformers"),
        }

    @cached_property
    def _loaded(self) -> Any:
        try:
            from sentence_transformers import SentenceTransformer
        except ImportError as error:
            raise EmbeddingError(MISSING) from error
        try:
            return SentenceTransformer(self.model, revision=self.revision or None, device=self.device or None)
        except Exception as error:
            message = f"the model {self.model!r} cannot be loaded ({type(error).__name__}: {_first_line(error)})"
            raise EmbeddingError(f"{message}: give a folder that holds it, or a name on the hub") from error

    @cached_property
    def _digest(self) -> str:
        import hashlib

        digest = hashlib.sha256()
        for key, value in sorted(self._loaded.state_dict().items()):
            digest.update(key.encode())
            digest.update(value.detach().cpu().contiguous().flatten().view(_bytes()).numpy().tobytes())
        return digest.hexdigest()


def _bytes() -> Any:
    import torch

    return torch.uint8


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[0][:200] if lines else "no reason given"
