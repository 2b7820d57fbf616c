"""A chat as one readable prompt: the last message of the user, with what came before it kept apart."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

LONGEST_KEPT = 4000  # characters of an earlier message; examples of a benchmark would fill the metadata
USER = ("user", "human")
SYSTEM = ("system", "developer")
# How widespread chat templates write one turn: role, then content.
TURNS = (
    re.compile(r"<\|im_start\|>(\w+)\s*\n(.*?)<\|im_end\|>", re.DOTALL),  # ChatML
    re.compile(r"<\|start_header_id\|>(\w+)<\|end_header_id\|>\s*(.*?)<\|eot_id\|>", re.DOTALL),  # Llama 3
    re.compile(r"<start_of_turn>(\w+)\n(.*?)<end_of_turn>", re.DOTALL),  # Gemma
    re.compile(r"<\|start\|>(\w+)<\|message\|>(.*?)<\|end\|>", re.DOTALL),  # Harmony
    re.compile(r"<\|(system|user|assistant)\|>\s*\n(.*?)(?:<\|end\|>|</s>|(?=<\|))", re.DOTALL),  # Zephyr, Phi
)
INSTRUCTION = re.compile(r"\[INST\](?:\s*<<SYS>>(.*?)<</SYS>>)?(.*?)\[/INST\]", re.DOTALL)  # Llama 2, Mistral


@dataclass(frozen=True, slots=True)
class Asked:
    """What a system was asked: a text for the rater, and for the metadata the system prompt and earlier messages."""

    text: str
    metadata: dict[str, Any] = field(default_factory=dict)


def read_messages(messages: Iterable[Mapping[str, Any]]) -> Asked:
    """Read a list of messages; what stands behind the user's last message is no part of the prompt."""
    said = [(str(message.get("role", "")).lower(), text_of(message.get("content"))) for message in messages]
    last = max((place for place, (role, _) in enumerate(said) if role in USER), default=-1)
    if last < 0:
        return Asked("")
    metadata: dict[str, Any] = {}
    system = "\n\n".join(text for role, text in said[:last] if role in SYSTEM)
    earlier = [{"role": role, "content": clipped(text)} for role, text in said[:last] if role not in SYSTEM]
    if system.strip():
        metadata["system_prompt"] = clipped(system)
    if earlier:
        metadata["earlier_messages"] = earlier
    return Asked(said[last][1], metadata)


def read_prompt(text: str) -> Asked:
    """Read a prompt as it was sent: a plain text, a chat as JSON, or a chat in the marks of a known template."""
    if text.lstrip().startswith("[{"):
        try:
            found = json.loads(text)
        except (ValueError, RecursionError):
            found = None
        if isinstance(found, list) and all(isinstance(one, dict) and "role" in one for one in found):
            return read_messages(found)
    for turn in TURNS:
        said = [{"role": match[1], "content": match[2]} for match in turn.finditer(text)]
        if any(one["role"].lower() in USER for one in said):
            return read_messages(said)
    return read_messages(_instructions(text)) if INSTRUCTION.search(text) else Asked(text)


def _instructions(text: str) -> Iterable[dict[str, str]]:
    end = 0
    for match in INSTRUCTION.finditer(text):
        if end and (answer := text[end : match.start()].replace("<s>", "").replace("</s>", "").strip()):
            yield {"role": "assistant", "content": answer}
        if match[1]:
            yield {"role": "system", "content": match[1].strip()}
        yield {"role": "user", "content": match[2].strip()}
        end = match.end()


def text_of(content: Any) -> str:
    """Return the text of a message; of its parts that are no text, what they are."""
    if content is None or isinstance(content, str):
        return content or ""
    if not isinstance(content, list | tuple):
        return str(content)
    return "\n".join(_part(part) for part in content)


def _part(part: Any) -> str:
    if not isinstance(part, Mapping):
        return str(part)
    found = part.get("text")
    return found if isinstance(found, str) else f"[{part.get('type', 'no text')}]"


def clipped(text: str) -> str:
    """Return a text for the metadata, cut when it is very long."""
    return text if len(text) <= LONGEST_KEPT else f"{text[:LONGEST_KEPT]} … ({len(text):,} characters)"
