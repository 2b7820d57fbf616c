"""The Divergent Association Task: ten words as far from one another as possible."""

from __future__ import annotations

from annotations.registry import PromptSet, SetPrompt, prompt_sets

ASKED = """\
Write ten words that differ from one another as much as possible, whichever meaning or use of a word one thinks of.

- Each is a single English word.
- Each is a noun, such as a thing, an object or a concept.
- None is a name of a person, a place or anything else.
- None is a technical term that only specialists know.
- Choose the words by yourself; do not take them from what you see around you.

Write one word per line and nothing else."""


@prompt_sets.register
class DivergentAssociation(PromptSet):
    """One prompt; variety comes from many samples."""

    name = "divergent_association"
    label = "Divergent Association Task (1 prompt)"
    task_family = "divergent_association"
    about = "Asks for ten nouns that are as unlike as possible. Take many samples: there is one prompt only."
    source = (
        "After Olson, Nahas, Chmoulevitch, Cropper & Webb (2021), Naming unrelated words predicts creativity, PNAS 118 "
        "(25), e2022340118. The five rules are theirs, in our words. Two things differ: people answered within a limit "
        "of time, which a system does not have; and the last line is ours, so that a program can read the answer. The "
        "measure takes the first seven valid words."
    )
    prompts = (SetPrompt("dat", ASKED),)
