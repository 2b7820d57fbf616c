"""`manage.py simulate_raters STUDY`: raters with a planted truth answer an open study through its pages."""

from __future__ import annotations

import math
from argparse import ArgumentTypeError
from collections import defaultdict
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from analysis.simulate import PlantedTruth
from annotations.enums import StudyState
from annotations.management.simulation.rating import Simulation
from annotations.management.simulation.site import own_site
from annotations.models import Study
from evalplatform.supervise import ChildDied

Effect = tuple[str, str, float]
DEFAULT = PlantedTruth(effects={})
SPREADS = {
    "output_sd": "spread of outputs (logits)",
    "prompt_system_sd": "spread of prompt × system",
    "rater_system_sd": "spread of rater × system",
    "rater_side_sd": "spread of the side bias between raters",
}

FIRST = "number of the first rater: with the same seed, later raters belong to the same simulated world"
EFFECT = "planted log-odds of a system on a dimension; may be given again; what is not named is 0"
SPEED = "0: at once (default); 1: as slowly as people; 10: ten times faster"


class Command(BaseCommand):
    """Answers through HTTP, like people do; the database is only asked which text belongs to which system."""

    help = "Send simulated raters with a planted truth through the pages of an open study."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the options; effects, spreads and bias are on the logit scale."""
        chance, count = number_in(0, 1), number_in(1, 1_000_000, whole=True)
        add = parser.add_argument
        add("study", help="the study's address (the part after /s/) or its number")
        add("--raters", type=count, required=True, metavar="N")
        add("--first", type=count, default=1, metavar="N", help=FIRST)
        add("--seed", type=number_in(0, 2**63, whole=True), default=1)
        add("--effect", type=effect, action="append", default=[], metavar="SYSTEM:DIMENSION=VALUE", help=EFFECT)
        for name, text in SPREADS.items():
            default = getattr(DEFAULT, name)
            add(f"--{name.replace('_', '-')}", type=number_in(0, 100), default=default, metavar="SD", help=text)
        add("--side-bias", type=number_in(-100, 100), default=DEFAULT.side_bias, help="towards the left text")
        add("--lapse-rate", type=chance, default=0.0, help="share of trials answered at random")
        add("--drop-out", type=chance, default=0.0, help="share of raters who leave half-way")
        add("--bad", type=chance, default=0.0, help="share of raters who do not rate: clickers, straight-liners, …")
        add("--speed", type=number_in(0, 1e6), default=0.0, metavar="FACTOR", help=SPEED)
        add("--concurrency", type=number_in(1, 256, whole=True), default=8, metavar="N", help="raters at a time")
        add("--base-url", default="", help="where the site runs; without it a server of our own is used")

    def handle(self, *_: Any, **options: Any) -> None:
        """Send the raters and say what came of it; any error makes the command fail."""
        study = find_open_study(options["study"])
        check_effects(study, options["effect"])
        simulation = Simulation(
            study=study,
            truth=truth_of(options),
            seed=options["seed"],
            drop_out=options["drop_out"],
            speed=options["speed"],
            concurrency=options["concurrency"],
            bad=options["bad"],
        )
        with ExitStack() as stack:
            try:
                base_url = options["base_url"] or stack.enter_context(own_site())
            except ChildDied as error:
                raise CommandError(str(error)) from error
            summary = simulation.run(base_url=base_url, first=options["first"], raters=options["raters"])
        self.stdout.write(str(summary))
        if summary.errors:
            raise CommandError("\n".join(summary.errors[:10]))
        if len(summary.visits) < options["raters"] or summary.count("full"):
            message = "All places are taken: not every rater found one."
            raise CommandError(message)


def find_open_study(name: str) -> Study:
    """Return the study of this address or number, if raters can come to it."""
    found = Study.objects.filter(slug=name).first()
    if found is None and name.isdecimal():
        found = Study.objects.filter(pk=name).first()
    if found is None:
        known = ", ".join(f"{study.slug} ({study.title})" for study in Study.objects.filter(state=StudyState.OPEN)[:10])
        message = f"There is no study '{name}'. Open ones: {known or 'none'}."
        raise CommandError(message)
    if found.state != StudyState.OPEN:
        message = f"The study '{found.title}' is {found.get_state_display().lower()}; only an open one takes raters."
        raise CommandError(message)
    return found


def truth_of(options: dict[str, Any]) -> PlantedTruth:
    """Return the truth that the options describe."""
    effects: dict[str, dict[str, float]] = defaultdict(dict)
    for system, dimension, value in options["effect"]:
        effects[dimension][system] = value
    named = {name: options[name] for name in (*SPREADS, "side_bias", "lapse_rate")}
    return PlantedTruth(effects=dict(effects), **named)


def check_effects(study: Study, effects: list[Effect]) -> None:
    """Refuse an effect on something that the study does not have: it would be planted nowhere, silently."""
    systems = set(study.systems.values_list("name", flat=True))
    dimensions = set(study.dimensions.values_list("key", flat=True))
    for kind, given, known in (
        ("system", {system for system, _, _ in effects}, systems),
        ("dimension", {dimension for _, dimension, _ in effects}, dimensions),
    ):
        if unknown := given - known:
            message = f"The study has no {kind} {', '.join(sorted(unknown))}; it has {', '.join(sorted(known))}."
            raise CommandError(message)


def effect(text: str) -> Effect:
    """Read SYSTEM:DIMENSION=VALUE; a system's name may hold colons."""
    names, _, value = text.rpartition("=")
    system, _, dimension = names.rpartition(":")
    try:
        size = float(value)
    except ValueError:
        size = math.nan
    if not (system and dimension and math.isfinite(size)):
        message = f"'{text}' is not SYSTEM:DIMENSION=VALUE, for example steered:originality=0.8"
        raise ArgumentTypeError(message)
    return system, dimension, size


def number_in(least: float, most: float, *, whole: bool = False) -> Callable[[str], float]:
    """Return a reader of numbers between two bounds, for argparse."""

    def read(text: str) -> float:
        try:
            value = int(text) if whole else float(text)
        except ValueError:
            value = math.nan
        if not least <= value <= most:
            message = f"'{text}' is not a {'whole ' if whole else ''}number from {least:g} to {most:g}"
            raise ArgumentTypeError(message)
        return value

    return read
