"""Language models with random weights, made on the spot: small enough to check by hand, whole enough for every path."""

from __future__ import annotations

from pathlib import Path
from typing import Any

WIDTH = 16
BLOCKS = 2
WINDOW = 256
TEMPLATE = (
    "{% for message in messages %}{{ '<' + message['role'] + '>' + message['content'] + '\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<assistant>' }}{% endif %}"
)


def tokenizer(*, chat: bool = False) -> Any:
    """One token a byte, and an end. Nothing has to be learnt."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {"<end>": 0, "<pad>": 1} | {letter: place for place, letter in enumerate(letters, start=2)}
    inner = Tokenizer(models.BPE(vocab=vocabulary, merges=[]))
    inner.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    inner.decoder = decoders.ByteLevel()
    made = PreTrainedTokenizerFast(tokenizer_object=inner, eos_token="<end>", pad_token="<pad>")
    if chat:
        made.chat_template = TEMPLATE
    return made


def config(kind: str, *, width: int = WIDTH, blocks: int = BLOCKS, tied: bool = False) -> Any:
    """Two blocks of Llama (separate matrices), GPT-2 (transposed ones) or GPT-NeoX (one matrix for three)."""
    from transformers import GPT2Config, GPTNeoXConfig, LlamaConfig

    ends = {"bos_token_id": 0, "eos_token_id": 0, "pad_token_id": 1, "vocab_size": 258, "tie_word_embeddings": tied}
    if kind == "gpt2":
        return GPT2Config(n_embd=width, n_layer=blocks, n_head=2, n_positions=WINDOW, **ends)
    same = {"hidden_size": width, "intermediate_size": 2 * width, "num_hidden_layers": blocks}
    same |= {"num_attention_heads": 2, "max_position_embeddings": WINDOW}
    return GPTNeoXConfig(**same, **ends) if kind == "neox" else LlamaConfig(**same, num_key_value_heads=1, **ends)


def model(kind: str = "llama", *, seed: int = 0, dtype: str = "float32", **sizes: Any) -> Any:
    """A causal model with weights that are drawn anew, larger than usual, so that prompts matter."""
    import torch
    from transformers import AutoModelForCausalLM

    torch.manual_seed(seed)
    made = AutoModelForCausalLM.from_config(config(kind, **sizes)).eval().requires_grad_(requires_grad=False)
    for name, parameter in made.named_parameters():
        if parameter.ndim == 2:
            parameter.normal_(0.0, 0.3)
        elif name.endswith("bias"):
            parameter.normal_(0.0, 0.1)
    return made.to(getattr(torch, dtype))


def save(folder: Path, kind: str = "llama", *, chat: bool = False, **options: Any) -> Path:
    """Write model and tokenizer as their authors would."""
    model(kind, **options).save_pretrained(folder)
    tokenizer(chat=chat).save_pretrained(folder)
    return folder
