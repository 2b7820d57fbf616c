"""Clean material: short human-like texts of two systems in one style, made by drawing; and ten ways to spoil it."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from annotations.registry import AuditedText, AuditFinding, Surroundings, audits
from annotations.registry.options import complete

SYSTEMS = ("north", "quagga-7")
AROUND = Surroundings(roles={"north": "baseline", "quagga-7": "treatment"}, language="en")
THINGS = (
    "brick", "paper clip", "umbrella", "shoelace", "bottle", "newspaper", "spoon", "blanket", "candle", "ladder",
    "bucket", "mirror", "rope", "tyre", "pillow", "button", "key", "cardboard box", "belt", "sock",
)  # fmt: skip
WHO = (
    "a child", "my neighbour", "the school choir", "a retired sailor", "a night nurse", "two sisters", "the baker",
    "a bus driver", "an old friend", "a travelling band", "the village", "a gardener", "a painter", "a bored cat",
    "Claude Monet", "a llama farmer", "a librarian", "the football team", "a lighthouse keeper", "someone shy",
)  # fmt: skip
WHERE = (
    "in the attic", "at the harbour", "behind the church", "on a rainy train", "under the stairs", "in the garden",
    "at the market", "on the roof", "beside the river", "in a tent", "at the kitchen table", "in the waiting room",
    "near the old mill", "on the balcony", "at a wedding", "in the snow", "in a lift", "along the coast",
)  # fmt: skip
DOES = (
    "turn it into a drum", "hang it up as a lamp", "send messages with it", "measure the tide with it",
    "keep secrets in it", "race it down the hill", "teach it to a parrot", "weigh letters with it",
    "build a tiny theatre from it", "use it as a sundial", "grow cress on it", "print patterns with it",
    "make a puppet of it", "mark the way home with it", "tune it like a bell", "trade it for a song",
    "polish stones with it", "cool soup with it", "balance it on a fence", "frame a picture with it",
)  # fmt: skip
WHY = (
    "because nobody expects it", "and the rest follows by itself", "so that the evening feels longer",
    "until the light goes", "which makes people laugh", "and it costs nothing at all", "while the kettle boils",
    "since it fits the hand so well", "and the sound carries far", "so that everyone has a turn",
    "before the guests arrive", "and then give it away", "which is harder than it looks",
    "as if it had been made for it",
    "and write down what happens", "though the dog may object", "with a little patience",
    "and leave it there for a year",
)  # fmt: skip
MORE = (
    "It works best after dark.", "The trick is to begin slowly.", "You need a steady table and some string.",
    "Nobody has to know where it came from.", "A second one makes it twice as good.", "Paint it first if you like.",
    "It will not last, and that is the point.", "Strangers will stop and ask.", "The first try always fails.",
    "Keep the pieces, they are useful later.", "It smells faintly of summer.", "Ask before you borrow it.",
    "Rain makes it better!", "Would you dare?", "My aunt swears by it.", "It took us three afternoons.",
    "Even the postman joined in.", "Wear old clothes for this.", "One corner must stay dry.",
    "Count to ten and let go.",
    "It is quieter than you would think.", "The colour fades, the idea stays.", "No glue is needed.",
    "Half of the fun is in the waiting.", "A photograph would spoil it.", "Tell them it is an heirloom.",
)  # fmt: skip
OPENINGS = (
    "Let {who} {does} {where} {why}.", "{Where} you could {does} {why}.", "Give it to {who}, who will {does} {why}.",
    "Why not {does} {where}?", "I would {does} {where} {why}.", "Take it {where} and {does} {why}.",
    "{Who} might {does} {where}.", "First {does}, then hand it to {who} {why}.", "On a Sunday, {does} {where}, {why}.",
    "Meet {who} {where} and {does} together {why}.", "Imagine that you {does} {where}.", "Simply {does} {why}.",
)  # fmt: skip


def clean(seed: int = 1, *, prompts: int = 12, samples: int = 6, systems: Sequence[str] = SYSTEMS) -> list[AuditedText]:
    """Return texts of all systems, drawn from the same words: what differs between them is chance."""
    draw, found = random.Random(seed), []
    for number in range(prompts):
        thing = THINGS[number % len(THINGS)]
        for system in systems:
            for sample in range(samples):
                text = _text(draw)
                found.append(
                    AuditedText(
                        len(found) + 1, system, f"p{number}", f"Think of an unusual use for a {thing}.", sample, text
                    )
                )
    return found


def _text(draw: random.Random) -> str:
    words = {"who": draw.choice(WHO), "where": draw.choice(WHERE), "does": draw.choice(DOES), "why": draw.choice(WHY)}
    words |= {"Who": _capital(words["who"]), "Where": _capital(words["where"])}
    return " ".join([draw.choice(OPENINGS).format(**words), *draw.sample(MORE, draw.randint(1, 4))])


def _capital(words: str) -> str:
    return words[0].upper() + words[1:]


def example() -> tuple[list[AuditedText], Surroundings]:
    """Return the texts of the example study, written by hand for three systems."""
    path = Path(__file__).resolve().parents[4] / "annotations" / "example" / "outputs.jsonl"
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    texts = [
        AuditedText(at, row["system"], row["prompt_key"], row["prompt"], row["sample"], row["text"])
        for at, row in enumerate(rows, start=1)
    ]
    roles = {name: "baseline" if name == "baseline" else "treatment" for name in {row["system"] for row in rows}}
    return texts, Surroundings(roles=roles, language="en")


def examine(
    texts: Sequence[AuditedText], *, around: Surroundings = AROUND, only: str = "", **settings: object
) -> list[tuple[str, AuditFinding]]:
    """Run all audits (or one, with settings) and return (audit, finding)."""
    found = []
    for audit in audits:
        if only in ("", audit.name):
            options = complete(audit.takes, settings if only else {}, of=audit.label)
            found += [(audit.name, one) for one in audit.examine(texts, around=around, settings=options)]
    return found


def serious(found: Sequence[tuple[str, AuditFinding]]) -> list[tuple[str, str, str]]:
    """Return (audit, key, severity) of leaks and warnings."""
    return [(audit, one.key, one.severity) for audit, one in found if one.severity != "note"]


Spoil = Callable[[str, int], str]


def spoiled(
    texts: Sequence[AuditedText], spoil: Spoil, *, system: str = SYSTEMS[1], every: int = 1
) -> list[AuditedText]:
    """Change every so-manieth text of one system."""
    own = 0
    found = []
    for text in texts:
        if text.system == system:
            own += 1
            if own % every == 0:
                found.append(replace(text, text=spoil(text.text, own)))
                continue
        found.append(text)
    return found


def copied(texts: Sequence[AuditedText]) -> Iterator[AuditedText]:
    """Give the second system, to the first prompt, the first one's text with one word changed."""
    source = max(
        (text for text in texts if text.prompt == "p0" and text.system == SYSTEMS[0]), key=lambda one: len(one.text)
    )
    for text in texts:
        if (text.prompt, text.system, text.sample) == ("p0", SYSTEMS[1], 0):
            yield replace(text, text=f"{source.text} Really so.")
        else:
            yield text


def _german(text: str, number: int) -> str:
    del text
    return (
        "Man kann ihn als Türstopper nehmen, wenn der Wind durch das Haus geht, und danach auf die Bank legen.",
        "Hänge es in den Garten und warte, bis die Vögel kommen, denn sie mögen solche Dinge sehr.",
        "Mit etwas Farbe wird daraus ein Geschenk für die Nachbarin, die schon alles hat und nichts braucht.",
    )[number % 3]


# Ten leaks: name → (how a text is spoiled, every how-manieth of the second system, which finding must tell of it).
LEAKS: dict[str, tuple[Spoil, int, tuple[str, str]]] = {
    "a vendor": (lambda text, _: f"{text} I was made by OpenAI.", 20, ("names", "model:openai")),
    "own name": (lambda text, _: f"{text} Yours, Quagga 7.", 20, ("names", "system:quagga-7")),
    "self-reference": (lambda text, _: f"As an AI language model, I like this: {text}", 20, ("self_reference", "self")),
    "chat token": (lambda text, _: f"{text}<|eot_id|>", 20, ("artefacts", "tokens")),
    "leaked prompt": (lambda text, _: f"Think of an unusual use for a brick. {text}", 6, ("artefacts", "prompt")),
    "markdown": (lambda text, _: f"**Idea:** {text}", 2, ("formatting", "form:bold:quagga-7")),
    "length": (
        lambda text, n: f"{text} {' '.join(MORE[(n + at) % len(MORE)] for at in range(3))}",
        1,
        ("classifier", "length:quagga-7:north"),
    ),
    "emoji": (lambda text, n: f"{text} {'🎉🌟🚀'[n % 3]}", 4, ("formatting", "form:emoji:quagga-7")),
    "language": (_german, 20, ("language", "language:de")),
    "steering word": (
        lambda text, _: text.replace(". ", ", a whisper of the void. ", 1),
        2,
        ("habits", "word:whisper:quagga-7"),
    ),
}
