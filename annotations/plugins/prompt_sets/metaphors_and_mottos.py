"""Metaphors and mottos: one sentence that has to be found."""

from __future__ import annotations

from annotations.registry import PromptSet, SetPrompt, prompt_sets

METAPHORS = {
    "waiting-results": "waiting for a letter that may change your life",
    "forgetting-name": "forgetting the name of somebody you know well",
    "first-snow": "a city on the morning after the first snow",
    "old-argument": "an argument that a couple has had for thirty years",
    "learning-language": "dreaming for the first time in a foreign language",
    "empty-nest": "a house a week after the youngest child has moved out",
    "stage-fright": "the second before an actor says the first line",
    "grief-laughter": "laughing at a funeral",
    "unread-messages": "a thousand messages that nobody has read",
    "jet-lag": "being wide awake at four in the morning in a strange town",
    "secret": "keeping a secret that is not yours",
    "overgrown-garden": "a garden that has been left alone for ten years",
    "rush-hour": "an underground train at half past eight",
    "apology": "an apology that comes too late",
    "boredom": "a long Sunday afternoon in childhood",
    "expertise": "watching somebody do with ease what you cannot do at all",
}
MOTTOS = {
    "repair-cafe": "a café where strangers mend one another's broken things",
    "night-school": "a night school for people who left school at fourteen",
    "slow-post": "a postal service that takes exactly one year to deliver a letter",
    "lost-property": "the lost property office of a large railway station",
    "cloud-watchers": "a society of people who watch clouds and do nothing else",
    "village-fire-brigade": "a volunteer fire brigade in a village where it has not burned for eighty years",
    "failed-inventions": "a museum of inventions that did not work",
    "lighthouse-choir": "a choir whose members live on six different islands",
    "seed-bank": "a library that lends seeds instead of books",
    "retirement-circus": "a circus in which nobody is under seventy",
    "quiet-carriage": "the travellers of a railway carriage in which silence is kept",
    "second-chance-bakery": "a bakery that sells only what went slightly wrong",
}


@prompt_sets.register
class MetaphorsAndMottos(PromptSet):
    """Sixteen metaphors and twelve mottos."""

    name = "metaphors_and_mottos"
    label = "Metaphors and mottos (28 prompts)"
    task_family = "metaphors_and_mottos"
    about = "Short answers: a fresh metaphor for an experience, or a motto for an unusual institution."
    source = (
        "The metaphors are modelled on metaphor production as a creativity task (Silvia & Beaty, 2012, Making creative "
        "metaphors, Intelligence 40), where people completed a description of an experience with a metaphor; ours are "
        "other experiences, and any form of metaphor is welcome. The mottos are ours, without a published model. "
        "Short answers make repetition between systems easy to see; they are too short for measures of style."
    )
    prompts = (
        *(
            SetPrompt(
                f"metaphor-{key}", f"Find a fresh metaphor for this: {what}. Write one sentence and nothing else."
            )
            for key, what in METAPHORS.items()
        ),
        *(
            SetPrompt(
                f"motto-{key}", f"Write a motto of at most eight words for {what}. Write the motto and nothing else."
            )
            for key, what in MOTTOS.items()
        ),
    )
