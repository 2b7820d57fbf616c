"""The shell: ``python -m analysis.power plan.json`` prints power and detectable effects of a plan of trials."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations
from pathlib import Path
from typing import Any

from analysis.power import (
    Assumptions,
    PlannedTrials,
    PowerAnalysis,
    PowerError,
    Price,
    Question,
    SimulatedPower,
    Spreads,
    analyse_power,
    simulate_power,
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Return the exit code: 0, or 2 for a plan or an option that makes no sense."""
    given = _parser().parse_args(arguments)
    try:
        trials = _read(given.plan)
        contrasts = tuple(combinations(trials.systems, 2))
        if given.baseline:
            contrasts = tuple((name, given.baseline) for name in trials.systems if name != given.baseline)
        questions = [Question(name, given.measure, given.levels) for name in given.dimensions.split(",")]
        default = Assumptions.default(given.measure, effect=given.effect, alpha=given.alpha)
        if given.pilot:
            default = replace(default, spreads=_spreads_of_pilot(given.pilot, given.measure))
        scenario = Assumptions(effect=default.effect, spreads=_spreads(default, given.spread), alpha=given.alpha)
        price = Price(given.minutes, given.hourly, given.fee)
        assumed = {question.dimension: scenario for question in questions}
        answer = analyse_power(trials, questions, contrasts, assumptions=assumed, price=price)
        simulated = None
        if given.simulate:
            simulated = simulate_power(
                trials,
                questions[0],
                contrasts,
                assumptions=scenario,
                simulations=given.simulate,
                dimensions=len(questions),
                seed=given.seed,
                processes=given.processes,
                progress=_show,
            )
    except (OSError, ValueError) as error:
        print(f"{given.plan}: {error}", file=sys.stderr)
        return 2
    print(json.dumps(answer.to_json(), indent=1) if given.json else _table(answer, simulated))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m analysis.power", description=__doc__)
    parser.add_argument(
        "plan", type=Path, help="JSON: rows of trials (or {'trials': rows}); or CSV with the same columns"
    )
    parser.add_argument(
        "--measure", default="pairwise_choice", help="pairwise_choice, pairwise_graded, interval, ordinal"
    )
    parser.add_argument("--levels", type=int, default=2)
    parser.add_argument("--dimensions", default="answer", help="names, comma-separated; all have the same question")
    parser.add_argument("--baseline", default="", help="each system with this one; by default all pairs")
    parser.add_argument("--effect", type=float, help="log-odds, or units of an interval scale")
    parser.add_argument("--spread", action="append", default=[], metavar="NAME=SD", help="for example rater_system=0.5")
    parser.add_argument("--pilot", type=Path, help="long table of a pilot whose spreads are taken (CSV or Parquet)")
    parser.add_argument("--alpha", type=float, default=0.05)
    parser.add_argument("--minutes", type=float, default=0.0, help="of one booklet")
    parser.add_argument("--hourly", type=float, default=0.0)
    parser.add_argument("--fee", type=float, default=0.0)
    parser.add_argument("--simulate", type=int, default=0, metavar="STUDIES", help="check by so many simulated studies")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--json", action="store_true", help="everything, curves included")
    return parser


def _read(path: Path) -> PlannedTrials:
    if path.suffix == ".csv":
        import pandas as pd

        frame = pd.read_csv(path, dtype=str, keep_default_na=False)
        return PlannedTrials.from_columns({name: frame[name].tolist() for name in frame.columns})
    content = json.loads(path.read_text(encoding="utf-8"))
    return PlannedTrials.from_rows(content["trials"] if isinstance(content, dict) else content)


def _spreads_of_pilot(path: Path, measure: str) -> Spreads:
    """Return the spreads of the first dimension of a pilot that was asked with this measure."""
    from analysis import schema
    from analysis.prepare import Options
    from analysis.study import analyse_study

    result = analyse_study(schema.read(path), Options())
    fitting = [item for item in result.dimensions if item.measure == measure]
    if not fitting:
        known = ", ".join(f"{item.dimension} ({item.measure})" for item in result.dimensions)
        raise PowerError(f"the pilot {path.name} has no dimension of measure {measure}: it has {known}")
    return Spreads.from_fit(fitting[0].fit)


def _spreads(default: Assumptions, wanted: Sequence[str]) -> Spreads:
    values: dict[str, Any] = {name: getattr(default.spreads, name) for name in Spreads.__dataclass_fields__}
    for text in wanted:
        name, _, value = text.partition("=")
        if name not in values or name == "source":
            raise PowerError(f"there is no spread {name!r}: choose from {', '.join(set(values) - {'source'})}")
        values |= {name: float(value), "source": "given on the command line"}
    return Spreads(**values)


def _show(done: int, total: int) -> None:
    print(f"\r{done} of {total} studies", end="" if done < total else "\n", file=sys.stderr)


def _table(answer: PowerAnalysis, simulated: SimulatedPower | None) -> str:
    names = ("effect", "SE", "df", "alone", "Holm", "at 80%", "at 90%")
    head = f"{'dimension':<16}{'contrast':<28}" + "".join(f"{name:>8}" for name in names)
    lines = [f"{answer.trials} trials, {answer.raters} raters, {answer.prompts} prompts", head]
    for row in answer.rows:
        name = f"{row.first} vs {row.second}"
        lines.append(
            f"{row.dimension:<16.15}{name:<28.27}{row.effect:>8.2f}{row.se:>8.3f}{row.df:>8.0f}{row.power:>8.1%}"
            f"{row.power_holm:>8.1%}{row.detectable_80:>8.2f}{row.detectable_90:>8.2f}"
        )
    lines.extend(
        f"simulated {one.first} vs {one.second}: alone {one.power:.1%} [{one.low:.1%}, {one.high:.1%}], "
        f"Holm {one.power_holm:.1%} [{one.low_holm:.1%}, {one.high_holm:.1%}], {one.studies} studies, "
        f"{one.failed} without a fit"
        for one in (simulated.contrasts if simulated else ())
    )
    return "\n".join([*lines, *answer.assumed, answer.method])


if __name__ == "__main__":
    sys.exit(main())
