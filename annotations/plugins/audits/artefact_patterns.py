"""What is left of the machinery in a text: template tokens, roles of a chat, broken encodings, holes of templates."""

# ruff: noqa: E501 - patterns are easier to read whole

from __future__ import annotations

import re

TOKENS = re.compile(
    r"<\|[A-Za-z_▁｜/ ]{1,40}\d*\|>|<｜[^｜\n]{1,40}｜>|\[/?INST\]|<</?SYS>>|</?s>|<(?:bos|eos|pad|unk|mask|sep|cls)>|"
    r"<(?:start|end)_of_(?:turn|text|image)>|<extra_id_\d+>|\[(?:PAD|CLS|SEP|MASK|UNK|BOS|EOS|gMASK)\]|<0x[0-9A-F]{2}>|"
    r"</?(?:think|thinking|scratchpad|reasoning|tool_call|tool_response|function_calls|invoke|assistant|user|human|system|answer|response|output|instruction|context|im_start|im_end|endoftext|reserved_special_token_\d+)>|"
    r"[▁Ġ](?=\w)|Ċ|\bim_(?:start|end)\b|\bendoftext\b"
)
TURNS = re.compile(
    r"(?:^|\n)\s*(?:\*\*|###? ?)?(?:Assistant|ASSISTANT|AI|Chatbot|ChatBot|Bot|User|USER|Human|HUMAN|SYSTEM|System|Instruction|INSTRUCTION)(?:\*\*)?\s*[:：](?:\*\*)?\s",
)
TEMPLATES = re.compile(
    r"###\s*(?:Instructions?|Response|Input|Output|Human|Assistant|User|System|Prompt|Answer)\b\s*:?|"
    r"Below is an instruction that describes a task|Write a response that appropriately completes the request|"
    r"You are an? (?:helpful|creative|friendly|honest|AI|expert)[\w ,-]{0,40}(?:assistant|AI|model|chatbot)\b|"
    r"\b(?:system prompt|system message|user prompt|the prompt (?:asks|says|wants|is asking)|the user (?:is asking|wants me|asked me|asks me|has asked|wants an?|asked for|asks for))\b",
    re.IGNORECASE,
)
# Labels and settings that an experimenter's script wrote beside the text.
EXPERIMENT = re.compile(
    r"[\[(<{]\s*(?:un)?(?:steer(?:ed|ing)|baseline|control|treatment|ablat(?:ed|ion)|vanilla|finetuned|fine-tuned)(?:[ _-]?(?:model|system|output|arm|condition|\d+))?\s*[\])>}]|"
    r"^\s*(?:system|model|condition|arm|variant|version)\s+[AB12]\s*:|"
    r"\b(?:temperature|top_?[pk]|min_p|max_tokens|(?:steering )?(?:strength|coefficient|alpha|lambda)|seed)\s*[=:]\s*-?\d+(?:\.\d+)?\b|[αλ]\s*=\s*-?\d",
    re.IGNORECASE | re.MULTILINE,
)
# A Latin-1 or Windows reading of UTF-8, and what could not be read at all.
MOJIBAKE = re.compile(
    "[\ufffd\ue000-\uf8ff\x00-\x08\x0b\x0e-\x1f]|[ÃÂ][\u0080-\u00bf€‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ]|â(?:€[\u0080-\u00bf™œž“”˜¦\u201c\u201d\u2122]|\u0080[\u0080-\u00bf])|"
    "ð\u0178[\u0080-\u00bf˜™\u2018-\u2122]|[ÐÑ][\u0080-\u00bf‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ°±²³´µ¶·¸¹º»¼½¾¿][ÐÑ]|ï¿½|ï»¿"
)
HOLES = re.compile(
    r"\{\{[^{}\n]{0,60}\}\}|\{(?:prompt|object|topic|name|input|text|question|answer|item|adjective|noun|[a-z_]{3,20})\}|"
    r"\[(?:insert|your|add|enter|fill in|placeholder|name|company|product|object|topic)\b[^\]\n]{0,50}\]|\bLorem ipsum\b|<(?:insert|your|name|placeholder)\b[^>\n]{0,40}>",
    re.IGNORECASE,
)
ESCAPES = re.compile(
    r"\\n(?![a-z]{3})|\\u[0-9a-fA-F]{4}|\\\"|&(?:amp|lt|gt|quot|nbsp|#\d{2,5}|#x[0-9a-f]{2,5});|\A\s*\{\s*\"\w+\"\s*:"
)
LOOP_CHARACTERS = re.compile(r"([^\s.\-_=*~…·—–])\1{9,}|([.\-_=*~…·—–])\2{24,}")
LOOP_WORDS = re.compile(r"\b(\w+(?:\W+\w+){0,5}?)(?:\W+\1\b){3,}", re.IGNORECASE)
OPEN_END = re.compile(
    r"(?:[,;:\-–—(]|\b(?:a|an|the|and|or|but|of|to|with|for|in|on|at|by|from|into|that|which|who|because|while|when|as|is|are|was|were|"
    r"be|its|their|his|her|your|my|our|this|these|if|so|than|then|very|und|oder|der|die|das|mit|von|ein|eine|y|o|de|que|el|la|los|un|una|и|или|в|на|с|что))\s*\Z",
    re.IGNORECASE,
)
FULL_STOP = re.compile(r"[.!?…。！？؟:>)\]}\"'”’»*`~\U0001f000-\U0001faff\u2600-\u27bf]\s*\Z")
