"""Power before launch, from the trials of a real plan: analytic at once, by simulation with the final model to check.

`analyse_power(trials, questions, contrasts)` gives a table with detectable effects and curves;
`simulate_power(...)` answers the same plan with a planted truth and fits the final model. Green & MacLeod 2016
(simr) is the nearest relative in R.
"""

from analysis.power.analytic import analyse_power
from analysis.power.assumptions import Assumptions, Spreads
from analysis.power.figure import power_figure, power_svg
from analysis.power.records import CurvePoint, PowerAnalysis, PowerCurve, PowerRow, Price
from analysis.power.simulation import SimulatedContrast, SimulatedPower, simulate_power
from analysis.power.trials import PlannedTrials, PowerError, Question

__all__ = [
    "Assumptions",
    "CurvePoint",
    "PlannedTrials",
    "PowerAnalysis",
    "PowerCurve",
    "PowerError",
    "PowerRow",
    "Price",
    "Question",
    "SimulatedContrast",
    "SimulatedPower",
    "Spreads",
    "analyse_power",
    "power_figure",
    "power_svg",
    "simulate_power",
]
