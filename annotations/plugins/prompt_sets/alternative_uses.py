"""Alternative uses: forty everyday things, one question."""

from __future__ import annotations

from annotations.registry import PromptSet, SetPrompt, prompt_sets

ASKED = (
    "List unusual uses for {thing}. Leave out what it is made for, and look for uses that few other people would "
    "think of. Write one use per line, as many as you find good."
)
THINGS = (
    "a brick",
    "an umbrella",
    "a candle",
    "a bucket",
    "a ladder",
    "a pillow",
    "a glass bottle",
    "a shoelace",
    "a newspaper",
    "a soup spoon",
    "a car tyre",
    "a woollen blanket",
    "a door key",
    "a coat button",
    "a rope",
    "a comb",
    "a coin",
    "a broom",
    "an envelope",
    "a wooden chair",
    "a bicycle helmet",
    "a sponge",
    "a magnet",
    "a balloon",
    "a bath towel",
    "a flowerpot",
    "a single sock",
    "a hand mirror",
    "a suitcase",
    "a whistle",
    "a hammock",
    "a cork",
    "a doorbell",
    "a marble",
    "a colander",
    "a feather",
    "a bathtub",
    "a tennis racket",
    "an egg carton",
    "a shower curtain",
)


@prompt_sets.register
class AlternativeUses(PromptSet):
    """One instruction, forty things."""

    name = "alternative_uses"
    label = "Alternative uses (40 things)"
    task_family = "alternative_uses"
    about = "Each asks for a list of unusual uses of one everyday thing, one use per line."
    source = (
        "Modelled on the Alternate Uses task (Guilford, 1967, The Nature of Human Intelligence; Christensen, Guilford, "
        "Merrifield & Wilson, 1960). The instruction and the choice of things are ours. There is no time limit as "
        "people have in the test, so fluency (how many uses) says how long a system writes as much as what it can "
        "think of: compare it only under the same limit of tokens. Well-known things such as the brick are surely in "
        "the training data of language models, with uses that people gave."
    )
    prompts = tuple(
        SetPrompt(f"use-{thing.split(' ', 1)[1].replace(' ', '-')}", ASKED.format(thing=thing)) for thing in THINGS
    )
