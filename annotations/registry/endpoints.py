"""What plug-ins that ask a server, or turn texts into vectors, can be set to: the same words in every form."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlsplit

from .options import Option

TFIDF, SENTENCES, ENDPOINT = "tfidf-svd", "sentence-transformers", "endpoint"
EMBEDDERS: Final = (
    (TFIDF, "TF-IDF with SVD (works offline; words, no meaning)"),
    (SENTENCES, "sentence-transformers (a model in a folder of the server)"),
    (ENDPOINT, "OpenAI-compatible embeddings endpoint"),
)
EMBEDDING: Final = (
    Option("embedder", "Embeddings", "one_of", TFIDF, among=EMBEDDERS),
    Option(
        "model",
        "Model",
        "words",
        "",
        most=300,
        help="For sentence-transformers the folder of the model; for an endpoint as the server calls it.",
    ),
    Option("base_url", "Address", "words", "", most=300, help="Of the endpoint, up to /v1."),
)


def clean_address(value: str, *, name: str = "base_url") -> str:
    """Return an address of a server; raises ValueError for what is none, or holds something secret."""
    try:
        parts = urlsplit(value)
        sound = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        sound = False
    if not sound:
        message = f"the option '{name}' takes an address such as http://127.0.0.1:8000/v1"
        raise ValueError(message)
    if parts.username or parts.password or parts.query or parts.fragment:
        message = f"the option '{name}' must hold no password and nothing behind a question mark: keys stand apart"
        raise ValueError(message)
    return value.rstrip("/")


def check_embedding(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings of an embedder with what belongs to others emptied; raises ValueError for what is missing."""
    found = dict(settings)
    if found["embedder"] == TFIDF:
        return found | {"model": "", "base_url": ""}
    if not found["model"]:
        message = "the option 'model' is needed for these embeddings"
        raise ValueError(message)
    if found["embedder"] == SENTENCES:
        return found | {"base_url": ""}
    return found | {"base_url": clean_address(found["base_url"])}


def embedder_line(settings: Mapping[str, Any]) -> str:
    """Return the line by which ``analysis.embeddings.choose`` knows the embedder."""
    if settings["embedder"] == SENTENCES:
        return f"{SENTENCES}:{settings['model']}"
    if settings["embedder"] == ENDPOINT:
        return f"{ENDPOINT}:{settings['base_url']}#{settings['model']}"
    return TFIDF
