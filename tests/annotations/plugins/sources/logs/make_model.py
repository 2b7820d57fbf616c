"""Make the tiny random model that wrote the logs beside this file: `python make_model.py FOLDER` (torch, transformers).

Its weights are random and its vocabulary comes from the lines below, so what it writes are words without sense.
"""

from __future__ import annotations

import sys
from pathlib import Path

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import GPT2Config, GPT2LMHeadModel, PreTrainedTokenizerFast

CORPUS = (
    "Name an unusual use for a brick, a spoon, a hat or a wheel. You could paint it, plant a garden in it and dance.",
    "Write the first line of a story about a lamp that keeps the weather of last year and lends it to the neighbours.",
    "Invent something for people who always forget where they have put the thing that helps them to remember.",
    "You are a careful assistant. You answer in one short sentence. The user asks and the assistant answers.",
)
CHAT = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n{{ message['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


def make(folder: Path) -> None:
    """Write model and tokenizer."""
    torch.manual_seed(0)
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    special = ["<unk>", "<s>", "</s>", "<pad>"]
    letters = pre_tokenizers.ByteLevel.alphabet()
    tokenizer.train_from_iterator(
        CORPUS, trainers.BpeTrainer(vocab_size=420, special_tokens=special, initial_alphabet=letters)
    )
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, unk_token="<unk>", bos_token="<s>", eos_token="</s>", pad_token="<pad>"
    )
    fast.chat_template = CHAT
    fast.model_max_length = 512
    fast.save_pretrained(folder)
    config = GPT2Config(
        vocab_size=len(fast), n_positions=512, n_embd=32, n_layer=2, n_head=2, bos_token_id=1, eos_token_id=2
    )
    model = GPT2LMHeadModel(config)
    with torch.no_grad():  # words rather than stray bytes: the merged pieces come last in the vocabulary
        model.transformer.wte.weight.mul_(8)
        bytes_only = [i for i in range(4, len(fast)) if len(fast.convert_ids_to_tokens(i)) == 1]
        model.transformer.wte.weight[bytes_only] *= 0.05
    model.save_pretrained(folder)


if __name__ == "__main__":
    make(Path(sys.argv[1]))
