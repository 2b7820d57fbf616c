"""Chats become the user's last message, in whichever marks they were written."""

import json

import pytest

from annotations.plugins.sources.chats import LONGEST_KEPT, read_messages, read_prompt

SYSTEM, FIRST, ANSWER, LAST = "Be brief.", "Hello.", "Hello, what is it?", "Name a use\nfor a brick."
WRITTEN = {
    "chatml": f"<|im_start|>system\n{SYSTEM}<|im_end|>\n<|im_start|>user\n{FIRST}<|im_end|>\n<|im_start|>assistant\n"
    f"{ANSWER}<|im_end|>\n<|im_start|>user\n{LAST}<|im_end|>\n<|im_start|>assistant\n",
    "llama3": "<|begin_of_text|>"
    + "".join(
        f"<|start_header_id|>{role}<|end_header_id|>\n\n{text}<|eot_id|>"
        for role, text in (("system", SYSTEM), ("user", FIRST), ("assistant", ANSWER), ("user", LAST))
    )
    + "<|start_header_id|>assistant<|end_header_id|>\n\n",
    "harmony": f"<|start|>system<|message|>{SYSTEM}<|end|><|start|>user<|message|>{FIRST}<|end|><|start|>assistant"
    f"<|message|>{ANSWER}<|end|><|start|>user<|message|>{LAST}<|end|><|start|>assistant",
    "zephyr": f"<|system|>\n{SYSTEM}</s>\n<|user|>\n{FIRST}</s>\n<|assistant|>\n{ANSWER}</s>\n<|user|>\n{LAST}</s>\n"
    "<|assistant|>\n",
    "llama2": f"<s>[INST] <<SYS>>\n{SYSTEM}\n<</SYS>>\n\n{FIRST} [/INST] {ANSWER} </s><s>[INST] {LAST} [/INST]",
    "json": json.dumps(
        [
            {"role": "system", "content": SYSTEM},
            {"role": "user", "content": FIRST},
            {"role": "assistant", "content": ANSWER},
            {"role": "user", "content": LAST},
        ]
    ),
}


@pytest.mark.parametrize("template", WRITTEN)
def test_chat_in_known_marks_becomes_the_last_message(template):
    asked = read_prompt(WRITTEN[template])

    assert asked.text == LAST
    assert asked.metadata == {
        "system_prompt": SYSTEM,
        "earlier_messages": [{"role": "user", "content": FIRST}, {"role": "assistant", "content": ANSWER}],
    }


def test_gemma_has_no_system_prompt():
    asked = read_prompt(f"<bos><start_of_turn>user\n{LAST}<end_of_turn>\n<start_of_turn>model\n")

    assert (asked.text, asked.metadata) == (LAST, {})


@pytest.mark.parametrize("text", ["Name a use.", "[{not json", '[{"a": 1}]', "Use <|im_start|> as a mark.", "[INST] x"])
def test_anything_else_stays_as_it_is(text):
    assert read_prompt(text).text == text


def test_parts_that_are_no_text_are_named_and_long_messages_are_cut():
    parts = [{"type": "text", "text": "What is this?"}, {"type": "image_url", "image_url": {}}]

    asked = read_messages([{"role": "user", "content": "x" * 5000}, {"role": "user", "content": parts}])

    assert asked.text == "What is this?\n[image_url]"
    assert len(asked.metadata["earlier_messages"][0]["content"]) < LONGEST_KEPT + 40


def test_chat_without_a_user_has_no_prompt():
    assert read_messages([{"role": "system", "content": "Be brief."}]).text == ""
